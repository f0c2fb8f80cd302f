"""Attention weights: each head's, from the real forward, whoever computes them."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import assert_close, needs_torch

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    einsum,
    enable_grad,
    functional,
    manual_seed,
    ops,
    randn,
    use_backend,
)
from tinygrad_attn.context import context
from tinygrad_attn.functional import causal_mask

D, HEADS = 8, 2


class Decoder(nn.Module):
    """Masked self-attention, then cross-attention to a memory."""

    def __init__(self):
        self.self_attn = nn.MultiHeadAttention(D, HEADS, dropout=0.5)
        self.cross_attn = nn.MultiHeadAttention(D, HEADS, dropout=0.5)

    def forward(self, x, memory):
        x = x + self.self_attn(x, is_causal=True)[0]
        return x + self.cross_attn(x, memory)[0]


class ByHand(nn.Module):
    """Attention as anybody may write it."""

    def __init__(self, how):
        self.q_proj = nn.Linear(D, D)
        self.how = how

    def forward(self, x):
        q = self.q_proj(x)
        if self.how == "function":
            return functional.scaled_dot_product_attention(q, x, x)
        if self.how == "recorded":
            with enable_grad():
                return functional.scaled_dot_product_attention(q, x, x)
        energies = q @ x.mT / math.sqrt(D)
        if self.how == "masked":
            mask = causal_mask(x.shape[-2])
            weights = functional.softmax(ops.where(mask, energies, -1e30))
            return ops.where(mask, weights, 0.0) @ x
        weights = functional.softmax(energies)
        if self.how == "einsum":
            return einsum("bts,bsd->btd", weights, x)
        return functional.dropout(weights, 0.5) @ x


def same(got, want):
    """Bit for bit."""
    assert got.shape == want.shape
    assert got.tolist() == want.tolist()


def test_they_are_the_weights_the_layer_would_hand_out(any_backend):
    model, x, memory = Decoder(), randn(3, 5, D), randn(3, 7, D)
    maps = nn.attention_maps(model, x, memory)
    assert list(maps) == ["self_attn", "cross_attn"]
    model.eval()
    z, masked = model.self_attn(x, is_causal=True, need_weights=True)
    _, cross = model.cross_attn(x + z, memory, need_weights=True)
    same(maps["self_attn"], masked)
    same(maps["cross_attn"], cross)
    assert maps["cross_attn"].shape == (3, HEADS, 5, 7)
    assert maps["self_attn"][0, 1, 0].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert not maps["self_attn"].requires_grad
    rows = [row for b in maps["cross_attn"].tolist() for h in b for row in h]
    assert [sum(row) for row in rows] == pytest.approx([1.0] * len(rows))


def test_the_forward_is_the_one_without_a_watcher(any_backend):
    """What is watched is computed alike, bit for bit."""

    class Keeping(nn.Module):
        def __init__(self):
            self.inner = nn.TransformerEncoderLayer(D, HEADS, 16).eval()
            self.outputs = []

        def forward(self, x):
            self.outputs.append(self.inner(x).tolist())

    model, x = Keeping(), randn(2, 5, D)
    model(x)
    nn.attention_maps(model, x)
    assert model.outputs[0] == model.outputs[1]
    assert context.now.watcher is None


@needs_torch
@pytest.mark.parametrize("causal", [False, True])
def test_they_are_pytorchs(backend, causal):
    import torch

    ours, x, memory = nn.MultiHeadAttention(D, HEADS), randn(3, 5, D), randn(3, 5, D)
    theirs = torch.nn.MultiheadAttention(D, HEADS, batch_first=True).double()
    with torch.no_grad():
        for name in "weight", "bias":
            stacked = [
                getattr(p, name) for p in (ours.q_proj, ours.k_proj, ours.v_proj)
            ]
            packed = torch.tensor(concat(stacked).tolist(), dtype=torch.float64)
            getattr(theirs, f"in_proj_{name}").copy_(packed)
    q, k = (torch.tensor(t.tolist(), dtype=torch.float64) for t in (x, memory))
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
    _, want = theirs(q, k, k, attn_mask=hidden, average_attn_weights=False)
    maps = nn.attention_maps(ours, x, memory, is_causal=causal)
    assert_close(maps["MultiHeadAttention"], want)


def test_a_row_that_may_look_nowhere_is_zero(any_backend):
    mask = Tensor([[True, True], [False, False]])
    for model, name in (
        (nn.MultiHeadAttention(D, HEADS), "attn_mask"),
        (nn.AttentionHead(D, 4), "mask"),
    ):
        (weights,) = nn.attention_maps(model, randn(1, 2, D), **{name: mask}).values()
        for head in weights.tolist()[0]:
            assert head[1] == [0.0, 0.0]
            assert sum(head[0]) == pytest.approx(1.0)


def test_every_layout_of_a_batch_becomes_four_axes():
    many, one = nn.MultiHeadAttention(D, HEADS), nn.AttentionHead(D, 4)
    for batch, b in ((), 1), ((3,), 3), ((2, 3), 6), ((HEADS,), 2):
        x = randn(*batch, 5, D)
        (weights,) = nn.attention_maps(many, x).values()
        assert weights.shape == (b, HEADS, 5, 5)
        (weights,) = nn.attention_maps(one, x).values()
        assert weights.shape == (b, 1, 5, 5)
        same(weights, one(x)[1].reshape(b, 1, 5, 5))


@pytest.mark.parametrize(
    "how", ["function", "recorded", "masked", "einsum", "dropout, always on"]
)
def test_what_is_written_by_hand_is_seen(any_backend, how):
    model, x = ByHand(how), randn(2, 4, D)
    (weights,) = nn.attention_maps(nn.Sequential(model), x).values()
    q = model.q_proj(x)
    mask = causal_mask(4) if how == "masked" else None
    _, want = functional_weights(q, x, mask)
    assert weights.shape == (2, 1, 4, 4)
    assert_close(weights, want)


def functional_weights(q, x, mask):
    from tinygrad_attn.functions.attention import attention_with_weights

    return attention_with_weights(q, x, x, mask)


def test_a_vector_that_pools_is_one_query():
    class Pool(nn.Module):
        def __init__(self):
            self.score = nn.Linear(D, 1)

        def forward(self, x):
            b, s, _ = x.shape
            weights = functional.softmax(self.score(x).reshape(b, s))
            return weights.reshape(b, 1, s) @ x

    maps = nn.attention_maps(Pool(), randn(3, 5, D))
    assert maps["Pool"].shape == (3, 1, 1, 5)


def test_probabilities_and_other_axes_are_no_attention():
    class Classifier(nn.Module):
        def forward(self, x):
            functional.softmax(x)
            return functional.softmax(x, axis=0) @ x.mT

    with pytest.raises(ValueError, match="attention_maps: Classifier attended to noth"):
        nn.attention_maps(Classifier(), randn(4, 4))


def test_paths_of_nested_shared_and_repeated_modules():
    layer = nn.TransformerEncoderLayer(D, HEADS, 16)
    other = nn.TransformerEncoderLayer(D, HEADS, 16)
    model = nn.Sequential(nn.Sequential(layer, other), layer)
    x = randn(1, 3, D)
    maps = nn.attention_maps(model, x)
    assert list(maps) == ["0.0.self_attn", "0.1.self_attn", "0.0.self_attn#2"]
    first, second = model.eval()[0](x), maps["0.0.self_attn#2"]
    same(second, layer.forward_with_weights(first)[1])


def test_a_module_that_is_no_part_of_the_model_counts_as_where_it_is_called():
    stranger = nn.AttentionHead(D, 4)

    class Caller(nn.Module):
        def forward(self, x):
            return stranger(x)[0]

    assert list(nn.attention_maps(nn.Sequential(Caller()), randn(2, D))) == ["0"]


def test_modes_are_as_before():
    model = nn.Sequential(*(nn.TransformerEncoderLayer(D, HEADS, 16) for _ in "ab"))
    model[0].eval()
    model[1].self_attn.eval()
    before = [m.training for m in model.modules()]
    assert True in before
    assert False in before
    nn.attention_maps(model, randn(1, 3, D))
    assert [m.training for m in model.modules()] == before
    with pytest.raises(ValueError, match="MultiHeadAttention"):
        nn.attention_maps(model, randn(1, 3, D + 1))
    assert [m.training for m in model.modules()] == before
    assert context.now.watcher is None
    assert context.now.recording


def test_a_wrong_call_is_one_sentence():
    with pytest.raises(TypeError, match="attention_maps: a function given; it takes a"):
        nn.attention_maps(randn, 1)
    with pytest.raises(ValueError, match="attention_maps: Linear attended to nothing"):
        nn.attention_maps(nn.Linear(2, 2), randn(1, 2))


def test_two_threads_see_their_own_and_leave_the_modes_alone():
    manual_seed(0)
    model = Decoder()  # in training mode

    def look(length):
        with use_backend("python"):
            x, memory = randn(1, length, D), randn(1, length + 1, D)
            for _ in range(20):
                maps = nn.attention_maps(model, x, memory)
                shapes = [w.shape[2:] for w in maps.values()]
                assert shapes == [(length, length), (length, length + 1)]
        return True

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(look, (2, 3)))
    assert all(m.training for m in model.modules())


def test_the_model_may_ask_for_maps_itself():
    class Curious(nn.Module):
        def __init__(self):
            self.attn = nn.MultiHeadAttention(D, HEADS)

        def forward(self, x):
            self.inner = nn.attention_maps(self.attn, x)
            return self.attn(x)[0]

    model, x = Curious(), randn(1, 3, D)
    maps = nn.attention_maps(model, x)
    same(maps["attn"], model.inner["MultiHeadAttention"])
