"""The layers' settings: what each starts from, refuses by name, and prints."""

from __future__ import annotations

import math

import pytest
from conftest import assert_close, needs_numpy

import nn
from nn.transformer.shared import TransformerLayer
from tinygrad_attn import Tensor, functional, manual_seed, rand, randn, use_backend

# --- initial weights ------------------------------------------------------------------


def same_draw(make, want):
    """What two calls make that start from one seed."""
    manual_seed(5)
    made = make()
    manual_seed(5)
    assert made.tolist() == want().tolist()
    assert made.requires_grad


def test_linear_starts_uniform_within_1_over_the_root_of_its_inputs(any_backend):
    def uniform(*shape):
        return (rand(*shape) * 2.0 - 1.0) * (1.0 / math.sqrt(16))

    same_draw(lambda: nn.Linear(16, 9).weight, lambda: uniform(9, 16))
    same_draw(lambda: nn.Linear(16, 9).bias, lambda: [uniform(9, 16), uniform(9)][1])
    weight = nn.Linear(16, 90).weight
    assert 0.24 < weight.max().item() <= 0.25
    assert -0.25 <= weight.min().item() < -0.24


def test_xavier_looks_at_both_widths(any_backend):
    layer = nn.Linear(40, 56)
    nn.init_xavier(layer)
    bound = math.sqrt(6.0 / 96)  # 0.25
    assert 0.24 < layer.weight.max().item() <= bound
    assert -bound <= layer.weight.min().item() < -0.24
    assert layer.bias.tolist() == [0.0] * 56


def test_embeddings_start_normal(any_backend):
    same_draw(lambda: nn.Embedding(5, 3).weight, lambda: randn(5, 3))
    same_draw(lambda: nn.Embedding(5, 3, std=0.5).weight, lambda: randn(5, 3) * 0.5)
    assert nn.Embedding(5, 3, std=0.0).weight.tolist() == [[0.0] * 3] * 5
    same_draw(lambda: nn.TiedEmbedding(5, 4).weight, lambda: randn(5, 4) * 4**-0.5)
    same_draw(lambda: nn.LearnedPositions(5, 3).weight, lambda: randn(5, 3))
    same_draw(lambda: nn.LearnedPositions(5, 3, 0.5).weight, lambda: randn(5, 3) * 0.5)


def test_norms_start_as_they_were_named(any_backend):
    for norm in (nn.LayerNorm((2, 3)), nn.RMSNorm((2, 3))):
        assert norm.weight.tolist() == [[1.0] * 3] * 2
    assert nn.LayerNorm(2).bias.tolist() == [0.0] * 2
    assert nn.LayerNorm(2, bias=False).bias is None
    bare = nn.LayerNorm(2, elementwise_affine=False)
    assert (bare.weight, bare.bias) == (None, None)
    assert nn.RMSNorm(2, elementwise_affine=False).weight is None


# --- settings reach what they set -----------------------------------------------------


def test_the_epsilon_of_a_norm_is_the_one_given(any_backend):
    x = Tensor([[1.0, 3.0, 4.0]])
    for eps in (0.5, 0.0):
        assert_close(nn.LayerNorm(3, eps)(x), functional.layer_norm(x, 3, eps=eps))
        assert_close(nn.RMSNorm(3, eps)(x), functional.rms_norm(x, 3, eps=eps))
    assert_close(nn.LayerNorm(3)(x), functional.layer_norm(x, 3, eps=1e-5))
    assert_close(nn.RMSNorm(3)(x), functional.rms_norm(x, 3))


def test_a_tied_embedding_is_scaled_by_the_root_of_its_width(any_backend):
    layer = nn.TiedEmbedding(5, 4)
    rows = layer(Tensor([[3, 0]]))
    assert_close(rows, [[(layer.weight[i] * 2.0).tolist() for i in (3, 0)]])
    x = randn(2, 4)
    assert_close(layer.logits(x), x @ layer.weight.T)


def test_dropout_drops_half_unless_told(any_backend):
    assert nn.Dropout().p == 0.5
    assert nn.Dropout(0.25).p == 0.25


def biases(module):
    return [path for path, _ in module.named_parameters() if path.endswith("bias")]


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (lambda *bias: nn.Linear(4, 4, *bias), 1),
        (lambda *bias: nn.MultiHeadAttention(4, 2, 0.0, *bias), 4),
        (lambda *bias: nn.FeedForward(4, 4, 0.0, "relu", *bias), 2),
        (
            lambda *bias: nn.TransformerEncoderLayer(
                4, 2, 4, 0.0, "relu", False, 1e-5, *bias
            ),
            4 + 2 + 2,
        ),
        (
            lambda *bias: nn.TransformerDecoderLayer(
                4, 2, 4, 0.0, "relu", False, 1e-5, *bias
            ),
            4 + 4 + 2 + 3,
        ),
    ],
)
def test_all_have_a_bias_unless_told(make, count):
    assert len(biases(make())) == len(biases(make(True))) == count
    assert biases(make(False)) == []


def rates(layer):
    """The probabilities to drop, of each dropout and attention inside."""
    found = {}
    for path, module in layer.named_modules():
        if isinstance(module, nn.Dropout):
            found[path] = module.p
        if isinstance(module, nn.MultiHeadAttention):
            found[path] = module.dropout
    return found


def test_the_settings_of_a_transformer_layer():
    usual = nn.TransformerDecoderLayer(4, 2)
    assert rates(usual) == {
        "self_attn": 0.1,
        "cross_attn": 0.1,
        "feed_forward.dropout": 0.1,
        "dropout1": 0.1,
        "dropout2": 0.1,
        "dropout3": 0.1,
    }
    assert usual.feed_forward.linear1.weight.shape == (2048, 4)
    assert usual.feed_forward.activation is functional.relu
    assert usual.norm_first is False
    assert [usual.norm1.eps, usual.norm2.eps, usual.norm3.eps] == [1e-5] * 3
    told = nn.TransformerEncoderLayer(
        4, 2, 8, 0.25, "gelu", True, 0.5, inner_dropout=0.0
    )
    assert rates(told) == {
        "self_attn": 0.0,
        "feed_forward.dropout": 0.0,
        "dropout1": 0.25,
        "dropout2": 0.25,
    }
    assert told.feed_forward.linear1.weight.shape == (8, 4)
    assert told.feed_forward.activation is functional.gelu
    assert told.norm_first is True
    assert [told.norm1.eps, told.norm2.eps] == [0.5] * 2
    assert nn.FeedForward(4, 4).dropout.p == nn.MultiHeadAttention(4, 2).dropout == 0.0


def test_a_layer_may_have_no_attention():
    layer = TransformerLayer(4, 2, 8)
    assert [name for name, _ in layer.named_children()] == [
        "feed_forward",
        "norm1",
        "dropout1",
    ]


def test_the_positions_that_follow_others(any_backend):
    x = Tensor([[0.0] * 4] * 2)
    for layer in (nn.LearnedPositions(6, 4), nn.SinusoidalPositions(6, 4)):
        every = layer(Tensor([[0.0] * 4] * 6))
        for start in range(5):
            assert layer(x, start).tolist() == every[start : start + 2].tolist()
        assert layer(x).tolist() == every[:2].tolist()


def test_learned_positions_are_added(any_backend):
    layer = nn.LearnedPositions(3, 2)
    assert layer(Tensor([[0.0, 0.0]] * 3)).tolist() == layer.weight.tolist()


@needs_numpy
def test_waves_are_computed_in_float64_and_then_rounded():
    """In float32 the angle of position 9,999 would be off in its fourth digit."""
    with use_backend("numpy", "float64"):
        exact = nn.SinusoidalPositions(10_000, 8).waves
    with use_backend("numpy", "float32"):
        waves = nn.SinusoidalPositions(10_000, 8).waves
    assert (exact.dtype, waves.dtype) == ("float64", "float32")
    assert waves.tolist() == exact.astype("float32").tolist()


# --- what is refused, by the layer's and the setting's name ---------------------------

x = Tensor([[1.0, 2.0, 3.0, 4.0]] * 3)
whole = Tensor([[1, 0, 1]] * 3)
head, heads = nn.AttentionHead(4, 2), nn.MultiHeadAttention(4, 2)
encoder_layer = nn.TransformerEncoderLayer(4, 2, d_ff=4)
decoder_layer = nn.TransformerDecoderLayer(4, 2, d_ff=4)

REFUSED = [
    (lambda: nn.Linear(0, 1), "Linear: in_features=0"),
    (lambda: nn.Linear(1, 0), "Linear: out_features=0"),
    (lambda: nn.Linear(True, 1), "Linear: in_features=True"),
    (lambda: nn.Linear(1.0, 1), "Linear: in_features=1.0"),
    (lambda: nn.Embedding(0, 1), "Embedding: num_embeddings=0"),
    (lambda: nn.Embedding(1, 0), "Embedding: embedding_dim=0"),
    (lambda: nn.Embedding(1, 1, std=-0.5), "Embedding: std=-0.5"),
    (lambda: nn.TiedEmbedding(0, 1), "TiedEmbedding: vocab_size=0"),
    (lambda: nn.TiedEmbedding(1, 0), "TiedEmbedding: d_model=0"),
    (lambda: nn.LayerNorm(0), "LayerNorm: normalized_shape=0"),
    (lambda: nn.LayerNorm(()), "LayerNorm: normalized_shape=()"),
    (lambda: nn.LayerNorm(1, -1.0), "LayerNorm: eps=-1.0"),
    (lambda: nn.RMSNorm(0), "RMSNorm: normalized_shape=0"),
    (lambda: nn.RMSNorm([2, 0]), "RMSNorm: normalized_shape=0"),
    (lambda: nn.RMSNorm(1, -1.0), "RMSNorm: eps=-1.0"),
    (lambda: nn.RMSNorm(1, "a"), "RMSNorm: eps='a'"),
    (lambda: nn.Dropout(1.0), "Dropout: p=1.0"),
    (lambda: nn.Dropout(-0.1), "Dropout: p=-0.1"),
    (lambda: nn.LearnedPositions(0, 1), "LearnedPositions: max_len=0"),
    (lambda: nn.LearnedPositions(1, 0), "LearnedPositions: d_model=0"),
    (lambda: nn.LearnedPositions(1, 1, -0.5), "LearnedPositions: std=-0.5"),
    (lambda: nn.SinusoidalPositions(0, 1), "SinusoidalPositions: max_len=0"),
    (lambda: nn.SinusoidalPositions(1, 0), "SinusoidalPositions: d_model=0"),
    (lambda: nn.SinusoidalPositions(3, 2)(x), "SinusoidalPositions: x of (3, 4)"),
    (lambda: nn.SinusoidalPositions(3, 4)(x, -1), "SinusoidalPositions: start=-1"),
    (lambda: nn.SinusoidalPositions(3, 4)(x, 1.0), "SinusoidalPositions: start=1.0"),
    (
        lambda: nn.SinusoidalPositions(3, 4)(x, 1),
        "SinusoidalPositions: input of shape (3, 4) given at position 1; it must",
    ),
    (
        lambda: nn.SinusoidalPositions(2, 4)(x),
        "SinusoidalPositions: input of shape (3, 4) given; it must",
    ),
    (lambda: nn.SinusoidalPositions(3, 4)(x[0]), "SinusoidalPositions: x of (4,)"),
    (lambda: nn.FeedForward(0, 1), "FeedForward: d_model=0"),
    (lambda: nn.FeedForward(1, 0), "FeedForward: d_ff=0"),
    (lambda: nn.FeedForward(1, 1, activation="a"), "FeedForward: activation='a'"),
    (lambda: nn.FeedForward(1, 1, activation=["relu"]), "FeedForward: activation="),
    (lambda: nn.AttentionHead(0, 1), "AttentionHead: d_model=0"),
    (lambda: nn.AttentionHead(1, 0), "AttentionHead: d_k=0"),
    (lambda: nn.AttentionHead(1, 1, 0), "AttentionHead: d_v=0"),
    (lambda: head(x[:, :2]), "AttentionHead: x of (3, 2)"),
    (lambda: head(x, x[:, :2]), "AttentionHead: memory of (3, 2)"),
    (lambda: head(x, mask=x), "AttentionHead: mask of float64"),
    (lambda: nn.MultiHeadAttention(0, 1), "MultiHeadAttention: d_model=0"),
    (lambda: nn.MultiHeadAttention(4, 0), "MultiHeadAttention: num_heads=0"),
    (lambda: nn.MultiHeadAttention(4, 3), "MultiHeadAttention: d_model=4 is not div"),
    (lambda: nn.MultiHeadAttention(4, 2, 1.0), "MultiHeadAttention: dropout=1.0"),
    (lambda: nn.MultiHeadAttention(4, 2, -0.1), "MultiHeadAttention: dropout=-0.1"),
    (lambda: nn.MultiHeadAttention(4, 2, kdim=0), "MultiHeadAttention: kdim=0"),
    (lambda: nn.MultiHeadAttention(4, 2, vdim=0), "MultiHeadAttention: vdim=0"),
    (lambda: heads(x[:, :2]), "MultiHeadAttention: query of (3, 2)"),
    (lambda: heads(x, x[:, :2]), "MultiHeadAttention: key of (3, 2)"),
    (lambda: heads(x, x, x[:, :2]), "MultiHeadAttention: value of (3, 2)"),
    (lambda: heads(x, attn_mask=whole), "MultiHeadAttention: attn_mask of int64"),
    (
        lambda: heads(x, key_padding_mask=x > 0),
        "MultiHeadAttention: key_padding_mask of shape (3, 4)",
    ),
    (
        lambda: encoder_layer(x, src_mask=whole),
        "MultiHeadAttention: src_mask of int64",
    ),
    (
        lambda: encoder_layer(x, src_key_padding_mask=x),
        "MultiHeadAttention: src_key_padding_mask of float64",
    ),
    (lambda: decoder_layer(x[0], x), "TransformerDecoderLayer: tgt of (4,)"),
    (lambda: decoder_layer(x, x[0]), "TransformerDecoderLayer: memory of (4,)"),
    (
        lambda: decoder_layer(x, x, tgt_mask=whole),
        "MultiHeadAttention: tgt_mask of int64",
    ),
    (
        lambda: decoder_layer(x, x, memory_mask=whole),
        "MultiHeadAttention: memory_mask of int64",
    ),
    (
        lambda: decoder_layer(x, x, tgt_key_padding_mask=x),
        "MultiHeadAttention: tgt_key_padding_mask of float64",
    ),
    (
        lambda: decoder_layer(x, x, memory_key_padding_mask=x),
        "MultiHeadAttention: memory_key_padding_mask of float64",
    ),
    (lambda: nn.TransformerEncoder(encoder_layer, 0), "TransformerEncoder: num_layers"),
    (lambda: nn.TransformerEncoder(len, 1), "TransformerEncoder: a builtin_function"),
    (lambda: nn.TransformerEncoder(encoder_layer, 1, 2), "TransformerEncoder: norm=2"),
    (lambda: nn.TransformerDecoder(decoder_layer, 0), "TransformerDecoder: num_layers"),
    (lambda: nn.TransformerDecoder(len, 1), "TransformerDecoder: a builtin_function"),
    (lambda: nn.TransformerDecoder(decoder_layer, 1, 2), "TransformerDecoder: norm=2"),
    (lambda: nn.ModuleList(encoder_layer), "ModuleList: a TransformerEncoderLayer"),
]


@pytest.mark.parametrize(("call", "said"), REFUSED)
def test_a_wrong_setting_is_refused_by_name(call, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert str(caught.value).startswith(said)


def test_the_shape_that_a_mask_must_have_is_said_in_letters():
    batch = x.unsqueeze(0)
    for call, letters in (
        (lambda: heads(x, attn_mask=x > 0), "(T, S) = (3, 3) or (H, T, S) = (2, 3, 3)"),
        (lambda: heads(x, key_padding_mask=x > 0), "(S,) = (3,)"),
        (
            lambda: heads(batch, attn_mask=x > 0),
            "(T, S) = (3, 3) or (B, T, S) = (1, 3, 3) or (B, H, T, S) = (1, 2, 3, 3)",
        ),
        (lambda: heads(batch, key_padding_mask=x > 0), "(B, S) = (1, 3)"),
    ):
        with pytest.raises(ValueError, match="must be") as caught:
            call()
        assert str(caught.value).endswith(f"it must be {letters}")


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.Linear(1, 1),
        lambda: nn.Embedding(1, 1, std=0.0),
        lambda: nn.TiedEmbedding(1, 1),
        lambda: nn.LayerNorm((1,), 0.0),
        lambda: nn.RMSNorm([1], 0),
        lambda: nn.Dropout(0.0),
        lambda: nn.LearnedPositions(1, 1, 0.0),
        lambda: nn.SinusoidalPositions(3, 4)(x, 0),
        lambda: nn.SinusoidalPositions(4, 4)(x, 1),
        lambda: nn.MultiHeadAttention(1, 1, 0.0, kdim=1, vdim=1),
        lambda: nn.AttentionHead(1, 1, 1),
        lambda: nn.FeedForward(1, 1, activation="gelu"),
        lambda: nn.TransformerEncoder(encoder_layer, 1, None),
    ],
)
def test_the_smallest_settings_are_taken(call):
    call()


# --- what a layer prints --------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (nn.Linear(4, 2), "Linear(4 → 2)  weight (2, 4)  bias (2,)  10"),
        (nn.Embedding(5, 3), "Embedding(5 tokens → 3)  weight (5, 3)  15"),
        (nn.TiedEmbedding(5, 3), "TiedEmbedding(5 tokens ↔ 3)  weight (5, 3)  15"),
        (nn.LayerNorm(3), "LayerNorm(3)  weight (3,)  bias (3,)  6"),
        (nn.RMSNorm((2, 3)), "RMSNorm(2, 3)  weight (2, 3)  6"),
        (nn.LayerNorm((2, 3), bias=False), "LayerNorm(2, 3)  weight (2, 3)  6"),
        (nn.Dropout(0.25), "Dropout(p=0.25)    0"),
        (nn.Softmax(), "Softmax()    0"),
        (nn.LearnedPositions(5, 3), "LearnedPositions(5 positions)  weight (5, 3)  15"),
        (nn.SinusoidalPositions(5, 3), "SinusoidalPositions(5 positions)    0"),
        (
            nn.AttentionHead(4, 2, 3),
            "AttentionHead(4 → 3, d_k=2)  W_Q (4, 2)  W_K (4, 2)  W_V (4, 3)  28",
        ),
    ],
)
def test_a_layer_prints_its_settings(layer, line):
    assert repr(layer) == line


def test_a_transformer_layer_prints_its_form_and_an_attention_its_heads():
    tree = repr(encoder_layer)
    assert tree.startswith("TransformerEncoderLayer(post-norm)")
    assert "self_attn: MultiHeadAttention(2 heads)" in tree
    pre_norm = nn.TransformerEncoderLayer(4, 2, d_ff=4, norm_first=True)
    assert repr(pre_norm).startswith("TransformerEncoderLayer(pre-norm)")
