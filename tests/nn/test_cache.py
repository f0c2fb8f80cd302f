"""A cache belongs to one sentence; used with another it is refused."""

from __future__ import annotations

import pytest

import nn
from nn.transformer.cache import DecoderCache, KeyValueCache, LayerCache
from tinygrad_attn import (
    Tensor,
    compile,
    manual_seed,
    no_grad,
    ones,
    ops,
    randn,
    stack,
    zeros,
)

A, B = Tensor([[5, 6, 7]]), Tensor([[8, 9, 3]])


def model_of(layers=1):
    manual_seed(0)
    return nn.Seq2SeqTransformer(10, 8, 2, 1, layers, 16, dropout=0.0)


@pytest.fixture
def filled():
    """A model, and a cache that holds BOS for the source A."""
    model = model_of()
    cache = model.new_cache()
    with no_grad():
        model.decode(Tensor([[1]]), model.encode(A), model.real(A), cache)
    return model, cache


def test_another_memory_is_refused(filled):
    model, cache = filled
    with pytest.raises(
        ValueError, match=r"cache given that was filled from another mem"
    ):
        model.decode(Tensor([[1, 4]]), model.encode(B), model.real(B), cache)
    with no_grad():
        memory = model.encode(A)  # computed again: the same numbers
        got = model.decode(Tensor([[1, 4]]), memory, model.real(A), cache)
        right = model.decode(Tensor([[1, 4]]), memory, model.real(A))[:, 1:]
    assert (got - right).abs().max().item() < 1e-12


def test_other_tokens_are_refused(filled):
    model, cache = filled
    memory, real = model.encode(A), model.real(A)
    with pytest.raises(ValueError, match=r"tgt begins with other tokens than the 1 "):
        model.decode(Tensor([[2, 4]]), memory, real, cache)
    with pytest.raises(ValueError, match=r"tgt begins with other tokens"):
        model.decode(Tensor([[1, 4], [1, 4]]), memory, real, cache)
    model.decode(Tensor([[1, 4, 5]]), memory, real, cache)  # two at once
    with pytest.raises(ValueError, match=r"at least one more"):
        model.decode(Tensor([[1, 4, 5]]), memory, real, cache)


def test_selected_rows_may_come_with_the_memory_selected_or_not(filled):
    model, cache = filled
    memory, real = model.encode(A), model.real(A)
    cache.select([0, 0])
    tgt = Tensor([[1, 4], [1, 5]])
    kept, tokens = cache.layers[0].self_attn.contents, cache.tokens
    first = model.decode(tgt, memory, real, cache)
    cache.layers[0].self_attn.contents, cache.tokens = kept, tokens
    chosen = ops.take(memory, [0, 0], axis=0)
    second = model.decode(tgt, chosen, ops.take(real, [0, 0], axis=0), cache)
    assert first.tolist() == second.tolist()


def test_another_model_and_trained_weights_are_refused(filled):
    model, cache = filled
    memory, real = model.encode(A), model.real(A)
    with pytest.raises(ValueError, match="a cache given that other weights filled"):
        model_of().decode(Tensor([[1, 4]]), memory, real, cache)
    nn.init_xavier(model.decoder)
    with pytest.raises(ValueError, match="a cache given that other weights filled"):
        model.decode(Tensor([[1, 4]]), memory, real, cache)
    with pytest.raises(
        ValueError, match="a cache of 1 layers given; this decoder has 2"
    ):
        model_of(2).decode(Tensor([[1]]), memory, real, DecoderCache(1))


def test_another_batch_is_refused():
    attention, cache = nn.MultiHeadAttention(4, 2), KeyValueCache()
    attention(randn(2, 1, 4), cache=cache)
    with pytest.raises(ValueError, match=r"key of shape \(3, 1, 4\) .*cache of batch"):
        attention(randn(3, 1, 4), cache=cache)


def test_what_is_no_cache_or_another_kind_is_refused():
    x, layer = ones(1, 2, 8), nn.TransformerDecoderLayer(8, 2, 16)
    for wrong in (3, LayerCache(), DecoderCache(1)):
        with pytest.raises(TypeError, match="it must be a KeyValueCache or None"):
            layer.self_attn(x, cache=wrong)
    with pytest.raises(TypeError, match="it must be a LayerCache or None"):
        layer(x, x, cache=KeyValueCache())
    with pytest.raises(TypeError, match="it must be a DecoderCache or None"):
        nn.TransformerDecoder(layer, 1)(x, x, cache=LayerCache())
    with pytest.raises(TypeError, match="it must be a DecoderCache or None"):
        model_of().decode(A, x, cache=[LayerCache()])


def test_what_was_changed_in_place_is_another():
    """The same Tensors, with other numbers."""
    model = model_of()
    cache, memory, real = model.new_cache(), model.encode(A).detach(), model.real(A)
    memory, tgt = Tensor(memory), Tensor([[1]])
    model.decode(tgt, memory, real, cache)
    memory.mul_(2.0)
    with pytest.raises(ValueError, match=r"filled from another memory"):
        model.decode(Tensor([[1, 5]]), memory, real, cache)
    memory.div_(2.0)
    tgt.fill_(5)
    with pytest.raises(ValueError, match=r"tgt begins with other tokens"):
        model.decode(Tensor([[5, 5]]), memory, real, cache)


# --- a cache of a fixed number of places ----------------------------------------------


class Writer(nn.Module):
    """A small decoder without an encoder."""

    def __init__(self):
        self.tokens = nn.Embedding(11, 8)
        self.positions = nn.LearnedPositions(16, 8)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0) for _ in range(2)
        )
        self.head = nn.Linear(8, 11)

    def forward(self, x):
        x = self.positions(self.tokens(x))
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.head(x)

    def one(self, token, position, keys, values):
        """The scores after one token, and what is kept for the next."""
        x, kept = self.positions(self.tokens(token), position), []
        for i, layer in enumerate(self.layers):
            kept.append(nn.FixedCache(keys[i], values[i], position))
            x = layer(x, cache=kept[-1])
        return (
            self.head(x),
            stack([c.keys for c in kept]),
            stack([c.values for c in kept]),
        )


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_a_fixed_cache_serves_all_tokens(how, any_backend):
    manual_seed(0)
    model, tokens = Writer().eval(), [3, 1, 4, 1, 5, 9, 2, 6]
    if how == "compiled" and any_backend == "scalar":
        pytest.skip("programs are not written for single numbers")
    one = model.one
    if how == "compiled":
        one = compile(model.one, target=any_backend)
    with no_grad():
        whole = model(Tensor([tokens]))
        keys = values = zeros(2, 1, 2, 16, 4)
        for t, token in enumerate(tokens):
            scores, keys, values = one(Tensor([[token]]), Tensor(t), keys, values)
            assert (scores - whole[:, t : t + 1]).abs().max().item() < 1e-5
    if how == "compiled":
        assert one.count == 1


def test_a_fixed_cache_refuses_what_does_not_fit():
    attention, keys = nn.MultiHeadAttention(4, 2), zeros(1, 2, 8, 2)
    cache = nn.FixedCache(keys, keys, Tensor(0))
    with pytest.raises(ValueError, match=r"one token of each, \(1, 1, 4\)$"):
        attention(randn(1, 3, 4), cache=cache)
    with pytest.raises(ValueError, match=r"^FixedCache: the position given must be an"):
        nn.FixedCache(keys, keys, 0)
    with pytest.raises(ValueError, match=r"^FixedCache: keys of .*list.* given"):
        nn.FixedCache([1.0], keys, Tensor(0))
    positions = nn.LearnedPositions(16, 4)
    with pytest.raises(ValueError, match=r"^LearnedPositions: start of shape \(1,\)"):
        positions(randn(1, 1, 4), Tensor([0]))
    with pytest.raises(IndexError, match=r"index 16 given; it is out of range"):
        positions(randn(1, 1, 4), Tensor(16))
