"""Small computations that are played on a page, and their pages."""

from __future__ import annotations

from functools import cache

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    grad,
    manual_seed,
    ops,
    play,
    primitive,
    rand,
    randn,
    record,
)


def leaf(*shape):
    return randn(*shape).requires_grad_()


def attention():
    """One head of two, of a layer with a mask."""
    manual_seed(0)
    layer = nn.MultiHeadAttention(6, 2)
    with record():
        z, _ = layer(leaf(2, 4, 6), is_causal=True)
        loss = (z * z).mean()
    return loss, {"head": (layer, 1), "sample": 1}


def inside():
    """A module whose result is used within it and outside of it."""

    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            h = self.a(x)
            return h, self.b(h)

    manual_seed(1)
    model = Two()
    with record():
        h, z = model(leaf(2, 3))
        loss = (h * z).sum() + (h * h).sum()
    return loss, {"module": model}


def encoder():
    manual_seed(2)
    layer = nn.TransformerEncoderLayer(4, 2, d_ff=6, dropout=0.5)
    with record():
        loss = layer(leaf(1, 3, 4)).mean()
    return loss, {}


def second_order():
    x = leaf(3)
    with record():
        (g,) = grad((x.tanh() ** 2).sum(), x, create_graph=True)
        loss = (g * g).sum()
    return loss, {}


def moved():
    """Everything that only moves numbers, sums over axes, and what is broadcast."""
    manual_seed(3)
    x, w, b, c = leaf(2, 3, 4), leaf(5, 4), leaf(4), leaf(3, 1)
    with record():
        rows = ops.take(w, Tensor([[1, 4, 1], [0, 0, 2]]))
        added = (x + rows + b) * c
        kept = ops.where(Tensor([True, False, True, True]), added, -0.5)
        turned = ops.permute_dims(kept, (1, 0, 2))
        flat = turned.reshape(6, 4)
        both = ops.concat([flat, flat[1:3, :]], axis=0)
        part = both[2:8, 1:3]
        down = part.sum(axis=0)
        across = both.max(axis=1, keepdims=True)
        wide = ops.broadcast_to(across, (8, 2))
        columns = functional.softmax(flat, axis=0)
        loss = down.sum() + wide.sum() + (columns * columns).sum()
    return loss, {}


def losses():
    manual_seed(4)
    logits = leaf(4, 3)
    with record():
        nats = functional.cross_entropy(logits, Tensor([0, 2, 1, 1]), reduction="none")
        loss = nats.mean() + functional.layer_norm(logits, (3,)).max()
    return loss, {}


def activations():
    """All functions of one number, and those of two, with a number on either side."""
    manual_seed(5)
    x, y = leaf(2, 3), (rand(2, 3) + 0.5).requires_grad_()
    one = (x.tanh(), x.relu(), x.gelu(), x.sigmoid(), x.silu(), x.softplus(), x.erf())
    two = (
        x**3,
        y**0.5,
        2.0**x,
        y**x,
        x / y,
        1.0 / y,
        x - y,
        1.0 - x,
        ops.maximum(x, y),
    )
    with record():
        rest = (-x, y.log(), y.log1p(), y.sqrt(), x.sin(), x.cos(), x.leaky_relu())
        narrow = functional.gelu(x, "tanh") + functional.rms_norm(y, (3,))
        loss = sum(z.sum() for z in (*one, *two, *rest, narrow))
    return loss, {}


@primitive("reduction", z="Σ x²{over}", x="∂z, repeated{over}, ⊙ 2 x")
def squares(xp, x, *, axis):
    return xp.sum(x * x, axis=axis)


@squares.defvjp
def squares_vjp(xp, g, z, inputs, needs, saved, *, axis):
    (x,) = inputs
    return (2.0 * x * xp.reshape(g, (*g.shape, 1)),)


@primitive("movement", z="x", x="−∂z")
def reversal(xp, x):
    return xp.reshape(x, x.shape)


@reversal.defvjp
def reversal_vjp(xp, g, z, inputs, needs, saved):
    return (-g,)


@primitive("movement", z="2 x", x="2 ∂z")
def no_movement(xp, x):
    return x * 2


@no_movement.defvjp
def no_movement_vjp(xp, g, z, inputs, needs, saved):
    return (g * 2.0,)


@primitive("product", z="½ x yᵀ", x="½ · ∂z y", y="½ · ∂zᵀ x")
def half_product(xp, x, y):
    return xp.matmul(x, xp.permute_dims(y, (1, 0))) * 0.5


@half_product.defvjp
def half_product_vjp(xp, g, z, inputs, needs, saved):
    x, y = inputs
    turned = xp.permute_dims(g, (1, 0))
    return xp.matmul(g, y) * 0.5, xp.matmul(turned, x) * 0.5


def own():
    """Rules of a reader's own, some of which are not what their kind says."""
    manual_seed(6)
    x, y = leaf(2, 3), leaf(2, 3)
    with record():
        a = squares(x, axis=(-1,))
        b = reversal(x) * no_movement(y)
        c = half_product(x, y)
        loss = a.sum() + b.sum() + (c * c).sum()
    return loss, {}


def batches():
    """Products of matrices of which either factor is broadcast."""
    manual_seed(7)
    a, b, c = leaf(2, 1, 2, 2), leaf(1, 2, 2, 2), leaf(2, 2, 2)
    with record():
        p = a @ b
        q = p @ c
        r = p @ a
        loss = (p * p).sum() + (q * q).sum() + r.sum()
    return loss, {}


def loop():
    """Twenty turns of a cell, of which each takes its row of the data."""
    manual_seed(8)
    cell, w = nn.Linear(3, 3), leaf(2, 3)
    h, x = leaf(1, 3), leaf(20, 1, 2)
    with record():
        for i in range(20):
            h = (cell(h) + x[i] @ w).tanh()
        loss = (h * h).sum()
    return loss, {}


def layers():
    """Equal layers, which repeat without a loop."""
    manual_seed(9)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(2, 1, d_ff=2), 3).eval()
    with record():
        loss = model(leaf(1, 2, 2)).mean()
    return loss, {}


MODELS = [
    attention,
    inside,
    encoder,
    second_order,
    moved,
    losses,
    activations,
    own,
    batches,
    loop,
    layers,
]


@cache
def page_of(model):
    """The same in every test, so it is made once."""
    loss, settings = model()
    return play(loss, None, **settings)
