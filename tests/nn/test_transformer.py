"""Encoder, decoder and Transformer: their equations, their masks, and PyTorch's twins.

Every twin has the same numbers, both ways, and is run with and without masks, pre- and
post-norm, in train mode without dropout and in eval mode with it.
"""

from __future__ import annotations

import pytest
from conftest import assert_close, needs_numpy, needs_torch
from torch_peers import compare, give_weights, masked_out, torch_of

import nn
from tinygrad_attn import Tensor, manual_seed, ones, randn, record, unfold, use_backend
from tinygrad_attn.autograd.walk import topological_order

B, S, T, D, H, D_FF = 2, 4, 3, 6, 2, 5
SIZES = (D, H, D_FF)


def real(length):
    """Two sequences, the second of them one shorter."""
    return Tensor([[True] * length, [True] * (length - 1) + [False]])


def banded(t, s):
    """Who may look at whom, and everybody at somebody."""
    return Tensor([[abs(i - j) < 3 for j in range(s)] for i in range(t)])


# --- the equations --------------------------------------------------------------------


@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_layer_reads_like_its_equation(norm_first, any_backend):
    layer = nn.TransformerDecoderLayer(*SIZES, dropout=0.0, norm_first=norm_first)
    x, memory = randn(B, T, D), randn(B, S, D)

    def attend(y):
        return layer.self_attn(y, is_causal=True)[0]

    def look_up(y):
        return layer.cross_attn(y, memory)[0]

    if norm_first:
        y = x + attend(layer.norm1(x))
        y = y + look_up(layer.norm2(y))
        want = y + layer.feed_forward(layer.norm3(y))
    else:
        y = layer.norm1(x + attend(x))
        y = layer.norm2(y + look_up(y))
        want = layer.norm3(y + layer.feed_forward(y))
    assert_close(layer(x, memory, tgt_is_causal=True), want)


def test_a_stack_is_its_layers_one_after_the_other_and_then_the_norm(any_backend):
    layer = nn.TransformerEncoderLayer(*SIZES, dropout=0.0)
    stack = nn.TransformerEncoder(layer, 2, nn.RMSNorm(D))
    x = randn(B, S, D)
    want = stack.norm(stack.layers[1](stack.layers[0](x)))
    assert_close(stack(x), want, 0.0)


def test_an_encoder_hands_its_masks_on(any_backend):
    layer = nn.TransformerEncoderLayer(*SIZES, dropout=0.0)
    stack = nn.TransformerEncoder(layer, 2)
    x, causal, keys = randn(B, S, D), nn.causal_mask(S), real(S)
    plain = stack(x)
    for masks, same in (
        ({"mask": causal}, {"is_causal": True}),
        ({"src_key_padding_mask": keys}, {"mask": keys.reshape(B, 1, S)}),
    ):
        got = stack(x, **masks)
        want = x
        for part in stack.layers:
            want = part(
                want,
                src_mask=same.get("mask"),
                is_causal=same.get("is_causal", False),
            )
        assert_close(got, want)
        assert_close(stack(x, **same), want)
        assert (got - plain).abs().max().item() > 1e-3
    both = stack(x, causal, keys)
    assert_close(stack(x, None, keys, True), both)
    assert (both - stack(x, causal)).abs().max().item() > 1e-3


def test_a_decoder_hands_its_masks_on(any_backend):
    layer = nn.TransformerDecoderLayer(*SIZES, dropout=0.0)
    stack = nn.TransformerDecoder(layer, 2)
    x, memory = randn(B, T, D), randn(B, S, D)
    plain = stack(x, memory)
    assert_close(stack(x, memory, tgt_is_causal=False), plain, 0.0)
    for masks in (
        {"tgt_mask": nn.causal_mask(T)},
        {"memory_mask": banded(T, S)},
        {"tgt_key_padding_mask": real(T)},
        {"memory_key_padding_mask": real(S)},
        {"tgt_is_causal": True},
    ):
        want = x
        for part in stack.layers:
            want = part(want, memory, **masks)
        assert_close(stack(x, memory, **masks), want, 0.0)
        assert (want - plain).abs().max().item() > 1e-3
    causal = stack(x, memory, tgt_is_causal=True)
    assert_close(stack(x, memory, nn.causal_mask(T)), causal)


def test_a_layer_of_ones_own_need_not_know_of_caches():
    class Plain(nn.Module):
        def forward(self, tgt, memory, *masks):
            assert masks == (None, None, None, None, False)
            return tgt + memory.mean(axis=1, keepdims=True)

    x, memory = randn(B, T, D), randn(B, S, D)
    want = x + memory.mean(axis=1, keepdims=True)
    assert_close(nn.TransformerDecoder(Plain(), 1)(x, memory), want)


def test_without_weights_asked_for_an_attention_is_one_step():
    layer = nn.TransformerEncoderLayer(*SIZES)
    z = layer(randn(B, S, D))
    made = {t._op and t._op.name for t in topological_order([z])}
    assert "scaled_dot_product_attention" in made


def test_copies_are_initialised_each_for_itself_by_xaviers_rule(any_backend):
    layer = nn.TransformerEncoderLayer(*SIZES)
    before = layer.feed_forward.linear1.weight.tolist()
    stack = nn.TransformerEncoder(layer, 2)
    assert layer.feed_forward.linear1.weight.tolist() == before
    first, second = (layer.feed_forward.linear1 for layer in stack.layers)
    assert first.weight.tolist() != second.weight.tolist() != before
    assert first.bias.tolist() == [0.0] * D_FF
    bound = (6 / (D + D_FF)) ** 0.5
    largest = max(abs(v) for row in first.weight.tolist() for v in row)
    assert bound / 2 < largest < bound
    x = randn(B, S, D)
    (stack.eval()(x) * randn(B, S, D)).sum().backward()
    assert nn.without_gradient(stack) == []


def test_dropout_is_where_the_paper_puts_it():
    """Section 5.4: on what each sublayer hands to its residual connection, and with
    inner_dropout=0.0 nowhere else."""
    layer = nn.TransformerDecoderLayer(*SIZES, dropout=0.25, inner_dropout=0.0)
    assert [layer.self_attn.dropout, layer.cross_attn.dropout] == [0.0, 0.0]
    places = {p: m.p for p, m in layer.named_modules() if isinstance(m, nn.Dropout)}
    assert places == {
        "dropout1": 0.25,
        "dropout2": 0.25,
        "dropout3": 0.25,
        "feed_forward.dropout": 0.0,
    }
    plain = nn.TransformerEncoderLayer(*SIZES, dropout=0.25)  # PyTorch's
    assert plain.self_attn.dropout == plain.feed_forward.dropout.p == 0.25


def test_cross_attention_weights_are_captured_too(backend):
    """Promise 6: (B, H, T, S), of self-attention, and of cross-attention."""
    model = nn.Transformer(D, H, 1, 1, D_FF)
    maps = nn.attention_maps(model, randn(B, S, D), randn(B, T, D))
    assert {path: w.shape for path, w in maps.items()} == {
        "encoder.layers.0.self_attn": (B, H, S, S),
        "decoder.layers.0.self_attn": (B, H, T, T),
        "decoder.layers.0.cross_attn": (B, H, T, S),
    }


def test_the_decoder_can_be_drawn_at_every_level(backend):
    """`unfold` compares what it shows with what was recorded, number by number."""
    model = nn.Seq2SeqTransformer(9, 4, 2, 1, 1, 6, dropout=0.0, max_len=6)
    with record():
        loss = model.loss(Tensor([[5, 6, 2]]), Tensor([[6, 5, 2]]))
    names = {node.name for node in unfold(loss, "module")}
    assert names >= {"embedding.weight", "tgt", "real", "loss"}
    assert names >= {
        f"decoder.layers.0.cross_attn.{name}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj")
    }
    sizes = [len(unfold(loss, level)) for level in ("module", "op", "primitive")]
    assert sizes == sorted(sizes)
    head = unfold(loss, "op", head=("decoder.layers.0.cross_attn", 1), sample=0)
    assert head.root.shape == (3, 2)


def test_rms_norm_and_norms_without_weights(any_backend):
    x = randn(3, 4)
    want = x / ((x * x).mean(axis=-1, keepdims=True) + 0.5) ** 0.5
    assert_close(nn.RMSNorm(4, eps=0.5)(x), want)
    for norm in (
        nn.RMSNorm(4, elementwise_affine=False),
        nn.LayerNorm(4, elementwise_affine=False),
    ):
        assert list(norm.parameters()) == []
        assert norm(x).shape == (3, 4)
    assert [n for n, _ in nn.LayerNorm(4, bias=False).named_parameters()] == ["weight"]


# --- wrong calls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (
            lambda: nn.Transformer(D, H, 1, 1, D_FF)(randn(B, S, 5), randn(B, T, D)),
            ValueError,
            "Transformer: src of (2, 4, 5) given; it must be a Tensor (..., T, 6)",
        ),
        (
            lambda: nn.Transformer(D, H, 1, 1, D_FF)(randn(B, S, D), randn(B, T, 5)),
            ValueError,
            "Transformer: tgt of (2, 3, 5) given; it must be a Tensor (..., T, 6)",
        ),
        (
            lambda: nn.Transformer(D, H, 1, 1, D_FF)(randn(B, S, D), randn(1, T, D)),
            ValueError,
            "Transformer: src of (2, 4, 6) and tgt of (1, 3, 6) given; they must be "
            "(B, S, d_model) and (B, T, d_model) with the same B",
        ),
        (
            lambda: nn.TransformerDecoderLayer(*SIZES)(randn(B, T, D), randn(B, S, 5)),
            ValueError,
            "TransformerDecoderLayer: memory of (2, 4, 5) given; it must be a Tensor "
            "(..., T, 6)",
        ),
        (
            lambda: nn.TransformerDecoderLayer(*SIZES)(
                randn(B, T, D), randn(B, S, D), memory_mask=ones(T, T, dtype="bool")
            ),
            ValueError,
            "MultiHeadAttention: memory_mask of shape (3, 3) given; it must be (T, S) "
            "= (3, 4) or (B, T, S) = (2, 3, 4) or (B, H, T, S) = (2, 2, 3, 4)",
        ),
        (
            lambda: nn.Transformer(D, H, 1, 1, D_FF)(
                randn(B, S, D), randn(B, T, D), src_key_padding_mask=real(T)
            ),
            ValueError,
            "MultiHeadAttention: src_key_padding_mask of shape (2, 3) given; it must "
            "be (B, S) = (2, 4)",
        ),
        (
            lambda: nn.Transformer(D, H, 1, 1, D_FF)(
                randn(B, S, D), randn(B, T, D), tgt_mask=real(T)
            ),
            ValueError,
            "MultiHeadAttention: tgt_mask of shape (2, 3) given; it must be (T, S) = "
            "(3, 3) or (B, T, S) = (2, 3, 3) or (B, H, T, S) = (2, 2, 3, 3); one flag "
            "for each key is a tgt_key_padding_mask",
        ),
        (
            lambda: nn.Transformer(D, H, 1, 1, D_FF)(
                randn(B, S, D), randn(B, T, D), memory_key_padding_mask=ones(B, S)
            ),
            TypeError,
            "MultiHeadAttention: memory_key_padding_mask of float64 given; it must be "
            "a Tensor of bool, True = may be attended to",
        ),
        (
            lambda: nn.TransformerEncoder("layer", 2),
            TypeError,
            "TransformerEncoder: a str given; it takes a layer",
        ),
        (
            lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(*SIZES), 0),
            ValueError,
            "TransformerDecoder: num_layers=0 given; it must be an integer from 1",
        ),
        (
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(*SIZES), 1, True),
            TypeError,
            "TransformerEncoder: norm=True given; it must be a Module, such as "
            "LayerNorm, or None",
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == said


# --- PyTorch --------------------------------------------------------------------------

SETTINGS = {
    "post-norm": {},
    "pre-norm": {"norm_first": True},
    "gelu, no bias": {"activation": "gelu", "bias": False, "layer_norm_eps": 1e-3},
}


def layers(kind, settings, dropout):
    """Our layer, stack or Transformer and PyTorch's, of one size."""
    import torch

    mine = {"dropout": dropout, **settings}
    theirs = {"dropout": dropout, "batch_first": True, **settings}
    norm, bias = {}, settings.get("bias", True)
    if kind.endswith("Layer"):
        ours = getattr(nn, kind)(*SIZES, **mine)
        return ours, getattr(torch.nn, kind)(*SIZES, **theirs)
    if kind == "Transformer":
        sizes = (D, H, 2, 1, D_FF)
        return nn.Transformer(*sizes, **mine), torch.nn.Transformer(*sizes, **theirs)
    ours = getattr(nn, kind)(
        getattr(nn, f"{kind}Layer")(*SIZES, **mine), 2, nn.LayerNorm(D, bias=bias)
    )
    other = getattr(torch.nn, f"{kind}Layer")(*SIZES, **theirs)
    if kind == "TransformerEncoder":
        norm["enable_nested_tensor"] = False
    theirs_norm = torch.nn.LayerNorm(D, bias=bias)
    return ours, getattr(torch.nn, kind)(other, 2, norm=theirs_norm, **norm)


def masks_of(kind, masked):
    """The masks by name; those of an Encoder and its layer have names of their own."""
    if not masked:
        return {}
    if kind.startswith("TransformerEncoder"):
        name = "src_mask" if kind.endswith("Layer") else "mask"
        return {name: banded(S, S), "src_key_padding_mask": real(S)}
    masks = {
        "tgt_mask": nn.causal_mask(T),
        "memory_mask": banded(T, S),
        "tgt_key_padding_mask": real(T),
        "memory_key_padding_mask": real(S),
    }
    if kind == "Transformer":
        masks |= {"src_mask": banded(S, S), "src_key_padding_mask": real(S)}
    return masks


def inputs_of(kind):
    if kind.startswith("TransformerEncoder"):
        return (randn(B, S, D),)
    if kind.startswith("TransformerDecoder"):
        return randn(B, T, D), randn(B, S, D)
    return randn(B, S, D), randn(B, T, D)


KINDS = [
    "TransformerEncoderLayer",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerDecoder",
    "Transformer",
]


def hold_against_pytorch(kind, settings, masked, mode, dtype="float64"):
    ours, theirs = layers(kind, settings, dropout=0.0 if mode == "train" else 0.4)
    give_weights(theirs, ours, dtype)
    ours.train(mode == "train")
    theirs.train(mode == "train")
    masks = masks_of(kind, masked)
    out = {name: masked_out(mask) for name, mask in masks.items()}
    compare(
        ours,
        theirs,
        inputs_of(kind),
        lambda module, *inputs: module(*inputs, **masks),
        lambda module, *inputs: module(*inputs, **out),
        dtype,
    )


@needs_torch
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("masked", [False, True], ids=["no masks", "masks"])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_equals_pytorch(kind, settings, masked, mode, backend):
    hold_against_pytorch(kind, SETTINGS[settings], masked, mode)


@needs_torch
@needs_numpy
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_equals_pytorch_in_float32(kind, settings):
    with use_backend("numpy", "float32"):
        manual_seed(0)
        hold_against_pytorch(kind, SETTINGS[settings], True, "train", "float32")


@needs_torch
@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_weights_come_from_pytorch_and_go_back(kind, backend):
    ours, theirs = layers(kind, {}, 0.0)
    theirs.double()
    ours.load_state_dict(nn.from_torch(theirs.state_dict()))
    back = nn.to_torch(ours.state_dict())
    assert set(back) == set(theirs.state_dict())
    for path, numbers in theirs.state_dict().items():
        assert back[path].tolist() == numbers.tolist()
    inputs = inputs_of(kind)
    assert_close(ours(*inputs), theirs(*map(torch_of, inputs)), 1e-10)


@needs_torch
def test_the_comparison_can_fail(backend):
    """A twin with one other weight, and one run with another mask, are found out."""
    ours, theirs = layers("TransformerEncoderLayer", {}, 0.0)
    give_weights(theirs, ours)

    def run(module, x):
        return module(x)

    compare(ours, theirs, inputs_of("TransformerEncoder"), run, run)
    for wrong in (
        lambda module, x: module(x, masked_out(nn.causal_mask(S))),
        lambda module, x: module(x.detach() * 1.0) + (x - x.detach()),
    ):
        with pytest.raises(AssertionError, match="off by"):
            compare(ours, theirs, inputs_of("TransformerEncoder"), run, wrong)
    theirs.norm2.bias.data[0] += 1e-6
    with pytest.raises(AssertionError, match="off by"):
        compare(ours, theirs, inputs_of("TransformerEncoder"), run, run)
