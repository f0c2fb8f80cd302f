"""Seq2SeqTransformer: tokens, shifting, tied embeddings, positions; and the paper's
counts, from shapes alone."""

from __future__ import annotations

import math
import tracemalloc

import pytest
from conftest import assert_close, needs_torch

import nn
from nn import BOS, EOS, PAD, shift_right
from tinygrad_attn import Tensor, get_rng_state, manual_seed, ones, randn

VOCAB = 9


def src_and_labels():
    """Two sequences and what is to be written, on the current backend."""
    src = Tensor([[5, 6, 7, EOS], [8, EOS, PAD, PAD]])
    return src, Tensor([[7, 6, EOS], [8, EOS, PAD]])


def small(**settings):
    return nn.Seq2SeqTransformer(VOCAB, 8, 2, 1, 1, 12, **settings)


# --- tokens ---------------------------------------------------------------------------


def test_promise_10_the_decoder_sees_bos_and_what_was_before(any_backend):
    labels = Tensor([[7, 6, EOS], [8, EOS, PAD]])
    assert shift_right(labels).tolist() == [[BOS, 7, 6], [BOS, 8, EOS]]
    assert shift_right(labels, bos=4).tolist() == [[4, 7, 6], [4, 8, EOS]]
    assert len({PAD, BOS, EOS}) == 3


@pytest.mark.parametrize("norm_first", [False, True])
def test_promise_12_both_orders_of_norms_learn_to_write_what_they_read(
    norm_first, backend
):
    manual_seed(2)
    model = small(dropout=0.0, max_len=8, norm_first=norm_first)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
    src = Tensor([[3, 4, EOS], [4, 3, EOS], [5, 3, EOS]])
    first = None
    for _ in range(60):
        loss = model.loss(src, src)
        first = first or loss.item()
        model.zero_grad()
        loss.backward()
        assert nn.without_gradient(model) == []
        optimizer.step()
    assert loss.item() < 0.2 < 2.0 < first


def test_loss_counts_no_padding_and_smooths_labels(any_backend):
    src, labels = src_and_labels()
    model = small().eval()
    logits = model(src, shift_right(labels)).log_softmax()
    picked = [(0, 0, 7), (0, 1, 6), (0, 2, EOS), (1, 0, 8), (1, 1, EOS)]
    nats = -sum(logits[at].item() for at in picked) / 5
    assert model.loss(src, labels).item() == pytest.approx(nats, abs=1e-9)
    flat = -sum(logits[b, t].mean().item() for b, t, _ in picked) / 5
    smooth = model.loss(src, labels, label_smoothing=0.1).item()
    assert smooth == pytest.approx(0.9 * nats + 0.1 * flat, abs=1e-9)


@needs_torch
def test_label_smoothing_equals_pytorchs(backend):
    import torch

    logits = randn(5, VOCAB)
    target = [3, 4, PAD, 8, PAD]
    for smoothing in (0.0, 0.1, 0.5):
        got = nn.functional.cross_entropy(
            logits, Tensor(target), ignore_index=PAD, label_smoothing=smoothing
        )
        want = torch.nn.functional.cross_entropy(
            torch.tensor(logits.tolist(), dtype=torch.float64),
            torch.tensor(target),
            ignore_index=PAD,
            label_smoothing=smoothing,
        )
        assert got.item() == pytest.approx(want.item(), abs=1e-12)


# --- the model is what figure 1 shows -------------------------------------------------


@pytest.mark.parametrize("norm_first", [False, True])
def test_it_is_embedding_positions_encoder_decoder_and_the_table_again(
    norm_first, any_backend
):
    src, labels = src_and_labels()
    model = small(norm_first=norm_first).eval()
    tgt = shift_right(labels)
    table = model.embedding.weight
    assert (model.encoder.norm is None) == (not norm_first)

    def embedded(tokens):
        rows = nn.functional.embedding(tokens, table) * math.sqrt(8)
        return rows + model.positions.waves[: tokens.shape[1]]

    real = nn.padding_mask(src)
    memory = model.encoder(embedded(src), src_key_padding_mask=real)
    z = model.decoder(
        embedded(tgt),
        memory,
        tgt_mask=nn.causal_mask(3),
        tgt_key_padding_mask=nn.padding_mask(tgt),
        memory_key_padding_mask=real,
    )
    assert_close(model(src, tgt), z @ table.T)


def test_the_tied_table_is_one_parameter_with_a_gradient_from_each_use(any_backend):
    model = small(dropout=0.0)
    names = [name for name, p in model.named_parameters() if p.shape[0] == VOCAB]
    assert names == ["embedding.weight"]
    model.loss(*src_and_labels()).backward()
    rows = model.embedding.weight.grad.abs().sum(axis=-1).tolist()
    assert all(r > 0 for r in rows)  # as the output's, of tokens never read too


def test_dropout_of_the_papers_section_5_4():
    model = small(dropout=0.3)
    assert model.dropout.p == 0.3
    places = [m.p for path, m in model.named_modules() if isinstance(m, nn.Dropout)]
    assert places.count(0.3) == 1 + 2 + 3  # the sums, two sublayers, three sublayers
    assert places.count(0.0) == 2  # inside the two feed-forwards
    x = Tensor([[3, 4, 5]])
    tgt = Tensor([[BOS, 3]])
    assert model(x, tgt).tolist() != model(x, tgt).tolist()
    model.eval()
    assert model(x, tgt).tolist() == model(x, tgt).tolist()


@pytest.mark.parametrize("d_model", [1, 6, 7])
def test_positions_may_start_later(d_model, any_backend):
    x = randn(2, 5, d_model)
    for positions in (
        nn.SinusoidalPositions(8, d_model),
        nn.LearnedPositions(8, d_model),
    ):
        table = positions(randn(8, d_model) * 0.0)
        assert_close(positions(x, start=3), x + table[3:])
        name = type(positions).__name__
        with pytest.raises(
            ValueError, match=rf"^{name}: .* at position 4; .* up to 4$"
        ):
            positions(x, start=4)


# --- wrong calls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (
            lambda: small(max_len=3)(*src_and_labels()),
            ValueError,
            "Seq2SeqTransformer: src of shape (2, 4) given; it must be a Tensor of "
            "int64 (B, T), T up to 3",
        ),
        (
            lambda: small(max_len=4)(src_and_labels()[0], ones(2, 5, dtype="int64")),
            ValueError,
            "Seq2SeqTransformer: tgt of shape (2, 5) given; it must be a Tensor of "
            "int64 (B, T), T up to 4",
        ),
        (
            lambda: small()(ones(2, 4), src_and_labels()[1]),
            TypeError,
            "Seq2SeqTransformer: src of float64 given; it must be a Tensor of int64 "
            "(B, T), T up to 1024",
        ),
        (
            lambda: small()(src_and_labels()[0], Tensor([5, 6, 7])),
            ValueError,
            "Seq2SeqTransformer: tgt of shape (3,) given; it must be a Tensor of int64 "
            "(B, T), T up to 1024",
        ),
        (
            lambda: small()(src_and_labels()[0], Tensor([[BOS, 5]])),
            ValueError,
            "Seq2SeqTransformer: src of shape (2, 4) and tgt of shape (1, 2) given; "
            "they must be (B, S) and (B, T) with the same B",
        ),
        (
            lambda: small().decode(Tensor([[BOS]]), randn(1, 4, 6)),
            ValueError,
            "TransformerDecoderLayer: memory of (1, 4, 6) given; it must be a Tensor "
            "(..., T, 8)",
        ),
        (
            lambda: shift_right([[3, EOS]]),
            TypeError,
            "shift_right: labels of list given; it must be a Tensor of int64 (B, T)",
        ),
        (
            lambda: nn.Seq2SeqTransformer(2, 8, 2),
            ValueError,
            "Seq2SeqTransformer: eos=2 given; it must be one of the 2 tokens, 0..1",
        ),
        (
            lambda: small()(src_and_labels()[0], Tensor([[BOS, VOCAB]] * 2)),
            IndexError,
            f"embedding: token {VOCAB} given; it is out of range, allowed is 0..8",
        ),
        (
            lambda: nn.count_parameters(3),
            TypeError,
            "count_parameters: a int given; it takes a model, an nn.Module",
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == said


# --- counts ---------------------------------------------------------------------------

MODELS = {
    "base": (lambda: nn.Seq2SeqTransformer(37_000), 63_082_496),
    "big": (
        lambda: nn.Seq2SeqTransformer(37_000, d_model=1024, num_heads=16, d_ff=4096),
        214_245_376,
    ),
    "PyTorch's": (nn.Transformer, 44_140_544),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_papers_counts_without_their_numbers(name):
    make, count = MODELS[name]
    state = get_rng_state()
    tracemalloc.start()
    with nn.shapes_only():
        model = make()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert nn.count_parameters(model) == count
    assert f"{count:,}" in repr(model)
    assert peak < 4e6  # bytes: a hundredth of what base would need in float64
    assert get_rng_state() == state


def test_shapes_alone_count_as_the_model_itself(any_backend):
    makers = [
        small,
        lambda: nn.Transformer(8, 2, 2, 1, 12, bias=False, norm_first=True),
        lambda: nn.Sequential(nn.AttentionHead(8, 4), nn.RMSNorm(4)),
        lambda: nn.ModuleList([nn.LearnedPositions(5, 8), nn.Embedding(7, 3)]),
        lambda: nn.SinusoidalPositions(6, 7),
    ]
    for make in makers:
        real = make()
        with nn.shapes_only():
            hollow = make()
        shapes = [(path, p.shape) for path, p in hollow.named_parameters()]
        assert shapes == [(path, p.shape) for path, p in real.named_parameters()]


def test_a_model_of_shapes_says_that_it_cannot_run():
    with nn.shapes_only():
        model = nn.Linear(3, 2)
        x = ones(1, 3)
    for use in (lambda: model(x), lambda: x.tolist(), lambda: model.weight.sum()):
        with pytest.raises(
            RuntimeError, match=r"inside shapes_only\(\) .* build it out"
        ):
            use()
    assert ones(2).tolist() == [1.0, 1.0]  # outside all is as before
