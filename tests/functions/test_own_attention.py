"""Attention of the reader's own: looked into, and cut into heads, as ours is."""

from __future__ import annotations

import pytest
from conftest import flatten

import nn
from tinygrad_attn import composite, functional, gradcheck, randn, record, unfold


def transposed(xp, x):
    return xp.permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@composite("attention", z="attention(q, k, v)")
def look_up(xp, q, k, v):
    """A soft look-up, with the softmax written out."""
    energies = q @ transposed(xp, k) / 2.0
    e = xp.exp(energies - xp.max(energies, axis=(energies.ndim - 1,), keepdims=True))
    weights = e / xp.sum(e, axis=(e.ndim - 1,), keepdims=True)
    return weights @ v


@composite("attention", z="attention(q, k, v)")
def look_up_with_a_rule(xp, q, k, v):
    """The same, which saves its weights."""
    weights = weights_of(xp, q, k)
    return weights @ v, (weights,)


def weights_of(xp, q, k):
    e = xp.exp(q @ transposed(xp, k) / 2.0)
    return e / xp.sum(e, axis=(e.ndim - 1,), keepdims=True)


@look_up_with_a_rule.defvjp
def look_up_vjp(xp, g, z, inputs, needs, saved):
    """Through the weighted sum, the softmax's row and the products."""
    q, k, v = inputs
    weights = saved[0] if saved else weights_of(xp, q, k)
    d_weights = g @ transposed(xp, v)
    row = xp.sum(weights * d_weights, axis=(g.ndim - 1,), keepdims=True)
    d_energies = weights * (d_weights - row) / 2.0
    return (
        d_energies @ k,
        transposed(xp, d_energies) @ q,
        transposed(xp, weights) @ g,
    )


class OwnHeads(nn.Module):
    def __init__(self, attend):
        self.W, self.attend, self.num_heads = nn.Linear(4, 12), attend, 2

    def forward(self, x):
        h = self.W(x).reshape(*x.shape[:2], 2, 6).swapaxes(1, 2)
        return self.attend(h[..., :2], h[..., 2:4], h[..., 4:])


@pytest.mark.parametrize("attend", [look_up, look_up_with_a_rule])
def test_attention_of_ones_own_is_looked_into(attend, backend):
    layer, x = OwnHeads(attend), randn(2, 3, 4, requires_grad=True)
    assert gradcheck(layer, x)
    (weights,) = nn.attention_maps(layer, x).values()
    h = layer.W(x).reshape(2, 3, 2, 6).swapaxes(1, 2)
    wanted = functional.softmax(h[..., :2] @ h[..., 2:4].mT / 2.0)
    assert flatten(weights.tolist()) == pytest.approx(flatten(wanted.tolist()))
    with record():
        z = layer(x)
        loss = (z * z).sum()
    for level in ("op", "primitive"):
        for h in range(2):
            head = unfold(loss, level, head=(layer, h), sample=1)
            assert flatten(head.root.value) == pytest.approx(flatten(z[1, h].tolist()))


def test_a_softmax_out_of_its_parts_makes_weights(backend):
    class ByHand(nn.Module):
        def __init__(self):
            self.W = nn.Linear(4, 6)

        def forward(self, x):
            q, k, v = self.W(x).split(2, axis=-1)
            e = (q @ k.mT).exp()
            return (e / e.sum(-1, keepdims=True)) @ v

    layer, x = ByHand(), randn(2, 3, 4)
    (weights,) = nn.attention_maps(layer, x).values()
    assert flatten(weights.sum(-1).tolist()) == pytest.approx([1.0] * 6)
    with record():
        loss = layer(x).sum()
    assert unfold(loss, head=(layer, 0), sample=1).root.shape == (3, 2)


@pytest.mark.parametrize("attend", [look_up, look_up_with_a_rule])
def test_it_gives_the_same_while_it_is_looked_into(attend, backend):
    class Whole(nn.Module):
        def __init__(self):
            self.heads = OwnHeads(attend)

        def forward(self, x):
            self.seen = self.heads(x)
            return self.seen

    model, x = Whole(), randn(2, 3, 4)
    want = model(x).tolist()
    assert len(nn.attention_maps(model, x)) == 1
    assert flatten(model.seen.tolist()) == pytest.approx(flatten(want))
    assert model.seen.shape == (2, 2, 3, 2)
