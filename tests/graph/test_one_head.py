"""One head and one sequence, cut from a real model: slices, and shares that add up."""

from __future__ import annotations

import math
from functools import cache

import pytest
from conftest import flatten, near

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    grad,
    manual_seed,
    ops,
    randn,
    record,
    unfold,
)
from tinygrad_attn.functional import causal_mask

B, T, D, H = 2, 4, 8, 2


class Fused(nn.Module):
    """One projection for queries, keys and values, as many write it."""

    def __init__(self):
        self.n_head = H
        self.qkv = nn.Linear(D, 3 * D)

    def forward(self, x):
        b, t, d = x.shape
        parts = self.qkv(x).reshape(b, t, 3, H, d // H)
        q, k, v = (parts[:, :, i].permute_dims(0, 2, 1, 3) for i in range(3))
        energies = q @ k.permute_dims(0, 1, 3, 2) / math.sqrt(d // H)
        energies = ops.where(causal_mask(t), energies, -1e30)
        z = functional.softmax(energies) @ v
        return z.permute_dims(0, 2, 1, 3).reshape(b, t, d)


class Sliced(nn.Module):
    """x @ W with a bias added by hand, q scaled before, slices for q, k and v."""

    def __init__(self):
        self.n_head = H
        self.W = nn.Parameter(randn(D, 3 * D))
        self.b = nn.Parameter(randn(3 * D))

    def forward(self, x):
        b, t, d = x.shape
        y = x @ self.W + self.b
        q, k, v = y[..., :d] * 0.3, y[..., d : 2 * d], y[..., 2 * d :]
        q, k, v = (
            s.reshape(b, t, H, d // H).permute_dims(0, 2, 1, 3) for s in (q, k, v)
        )
        z = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return z.permute_dims(0, 2, 1, 3).reshape(b, t, d)


class Separate(nn.Module):
    """The package's own layer, in the middle of a residual block."""

    def __init__(self, **settings):
        self.attention = nn.MultiHeadAttention(D, H, dropout=0.2)
        self.settings = settings

    def forward(self, x):
        z, weights = self.attention(x, is_causal=True, **self.settings)
        return x + z if weights is None else x + z + weights.sum()


MODELS = {
    "separate": (Separate, "attention"),
    "weights": (lambda: Separate(need_weights=True), "attention"),
    "fused": (Fused, ""),
    "sliced": (Sliced, ""),
}


@pytest.fixture(params=MODELS)
def case(request, any_backend):
    """A model, the path of its attention, its input, a loss: no test changes them."""
    return made(request.param, any_backend)


@cache
def made(name, backend):
    """On the backend in use, whose name is given."""
    make, path = MODELS[name]
    manual_seed(1)
    model = make()
    x = randn(B, T, D).requires_grad_()
    with record():
        loss = (model(x) * randn(B, T, D)).sum()
    return model, path, x, loss


@cache
def heads(loss, path, level="op"):
    return [
        unfold(loss, level, head=(path, h), sample=b)
        for b in range(B)
        for h in range(H)
    ]


def recorded(loss):
    """Every recorded tensor."""
    found, todo = {}, [loss]
    while todo:
        t = todo.pop()
        if id(t) not in found:
            found[id(t)] = t
            todo += [x for x in t._inputs if isinstance(x, Tensor)]
    return list(found.values())


@pytest.fixture(scope="module", autouse=True)
def _let_them_go():
    """At the end: the garbage collector looks at half a million objects otherwise."""
    yield
    made.cache_clear()
    heads.cache_clear()


def test_its_numbers_are_slices_of_what_was_recorded(case):
    """To the last bit: they are somewhere in a recorded tensor, at those positions."""
    _, path, _, loss = case
    everything = [flatten(t.tolist()) for t in recorded(loss)]
    for graph in heads(loss, path):
        sliced = [node for node in graph if node.positions is not None]
        assert len(sliced) > 8
        for node in sliced:
            at = flatten(node.positions.tolist())
            want = flatten(node.value)
            assert any(
                len(whole) > max(at) and [whole[i] for i in at] == want
                for whole in everything
            )


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
def test_the_shares_of_all_heads_and_sequences_add_up(case, level):
    model, path, _, loss = case
    projections = {
        name: p for name, p in model.named_parameters() if "out_proj" not in name
    }
    sums = {name: [0.0] * p.size for name, p in projections.items()}
    positions = {}
    for tensors, graph in zip(heads(loss, path), heads(loss, path, level)):
        positions = {
            n.name: flatten(n.positions.tolist())
            for n in tensors
            if n.op == "parameter"
        }
        for name, at in positions.items():
            if level == "scalar":
                share = [
                    n.gradient
                    for n in graph
                    if n.tensor == name and n.index is not None
                ]
            else:
                share = flatten(graph.node(name).gradient)
            base = name if name in sums else name.rpartition("_")[0]
            for i, g in zip(at, share):
                sums[base][i] += g
    wanted = grad(loss, list(projections.values()), retain_graph=True)
    for (name, got), want in zip(sums.items(), wanted):
        assert got == near(flatten(want.tolist())), name


def test_the_shares_of_the_input_add_up_to_what_comes_through_the_heads(case):
    model, path, _, loss = case
    layer = model if not path else model.attention
    whole = unfold(loss, "op", module=layer)
    through = next(n for n in whole if n.op == "input")
    so_far = [0.0] * (B * T * D)
    for graph in heads(loss, path):
        node = next(n for n in graph if n.op == "input")
        for i, g in zip(flatten(node.positions.tolist()), flatten(node.gradient)):
            so_far[i] += g
        total = flatten(through.total)
        assert flatten(node.total) == [
            total[i] for i in flatten(node.positions.tolist())
        ]
    assert so_far == near(flatten(through.gradient))


def test_it_has_the_shapes_of_one_head(case):
    _, path, _, loss = case
    graph = unfold(loss, "op", head=(path, 1), sample=1)
    assert graph.root.op == "matmul"
    assert graph.root.shape == (T, D // H)
    softmax = next(n for n in graph if n.op == "softmax")
    assert softmax.shape == (T, T)
    assert all(sum(row) == near(1.0) for row in softmax.value)
    assert not [n for n in graph if n.op in ("reshape", "getslice", "take")]
    shapes = {n.shape for n in graph if n.op == "parameter" and len(n.shape) == 2}
    assert shapes <= {(D // H, D), (D, D // H)}
    assert [n.op for n in unfold(loss, "module", head=(path, 0))][-1]


def test_cross_attention_and_a_fully_masked_row(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x, memory = randn(B, T, D).requires_grad_(), randn(B, 3, D).requires_grad_()
    mask = Tensor([[[True, False, True]] * T, [[False] * 3] * T])
    z, _ = layer(x, memory, attn_mask=mask)
    loss = (z * z).sum()
    graph = unfold(loss, "op", head=(layer, 0), sample=1)
    assert flatten(graph.root.value) == [0.0] * (T * D // H)
    inputs = [n for n in graph if n.op == "input"]
    assert [n.shape for n in inputs] == [(T, D), (3, D)]
    assert all(g == 0.0 for n in inputs for g in flatten(n.gradient))
    graph = unfold(loss, "scalar", head=(layer, 1), sample=0)
    assert any(g for n in graph for g in [n.gradient] if n.op == "input")


def test_a_single_head_has_samples_and_one_head(any_backend):
    layer = nn.AttentionHead(D, 3)
    z, _ = layer(randn(B, T, D).requires_grad_())
    loss = (z * z).sum()
    got = [unfold(loss, "op", head=(layer, 0), sample=b) for b in range(B)]
    total = grad(loss, layer.W_K, retain_graph=True)[0]
    share = [flatten(g.node("W_K").gradient) for g in got]
    assert [a + b for a, b in zip(*share)] == near(flatten(total.tolist()))
    with pytest.raises(ValueError, match="head 1 given; AttentionHead has 1"):
        unfold(loss, head=(layer, 1))
    one = nn.AttentionHead(D, 3)
    z, _ = one(randn(T, D))
    assert unfold(z.sum(), head=(one, 0)).root.shape == (T, 3)


def test_of_several_calls_one_is_asked_for(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x = randn(1, T, D).requires_grad_()
    first, _ = layer(x)
    second, _ = layer(first)
    loss = (second * second).sum()
    with pytest.raises(ValueError, match="2 attentions are computed in it"):
        unfold(loss, head=(layer, 0))
    total = [0.0] * (D * D)
    for call in 0, 1:
        for h in range(H):
            graph = unfold(loss, head=(layer, h, call))
            node = graph.node("q_proj.weight")
            for i, g in zip(flatten(node.positions.tolist()), flatten(node.gradient)):
                total[i] += g
    (want,) = grad(loss, layer.q_proj.weight, retain_graph=True)
    assert total == near(flatten(want.tolist()))


def test_float32_on_numpy():
    pytest.importorskip("numpy")
    from tinygrad_attn import use_backend

    with use_backend("numpy", "float32"):
        manual_seed(0)
        model = Separate()
        loss = (model(randn(B, T, D)) ** 2).sum()
        for level in "op", "primitive", "scalar":
            assert unfold(loss, level, head=("attention", 1), sample=1).root.gradient


@pytest.mark.parametrize(
    ("head", "sample", "says"),
    [
        (("attention", H), 0, "head 2 given; MultiHeadAttention has 2"),
        (("attention", -1), 0, "head -1 given"),
        (("attention", "0"), 0, "head '0' given"),
        (("attention", True), 0, "head True given"),
        (("attention", 0), B, "sample 2 given; MultiHeadAttention has 2"),
        (("attention", 0), None, "sample None given"),
        (("attention.q_proj", 0), 0, "a layer in which one attention is computed"),
        (("nowhere", 0), 0, "module 'nowhere' given"),
        (5, 0, "head=5 given"),
        (("attention", 0, 0, 0), 0, "given; it must be (attention layer"),
        (("attention", 0, 1), 0, "1 attentions are computed in it"),
    ],
)
def test_a_wrong_head_gets_one_sentence(head, sample, says):
    loss = Separate()(randn(B, T, D)).sum()
    with pytest.raises(ValueError, match="^unfold: ") as caught:
        unfold(loss, head=head, sample=sample)
    assert says in str(caught.value)
    with pytest.raises(ValueError, match="one of them"):
        unfold(loss, head=("attention", 0), module="attention")


def test_a_layer_without_a_number_gets_one_sentence():
    model = Separate()
    loss = model(randn(B, T, D)).sum()
    with pytest.raises(ValueError, match="^unfold: head=MultiHeadAttention given; it"):
        unfold(loss, head=model.attention)


# --- the order of heads and sequences -------------------------------------------------

LAYOUTS = {  # how a layer of 2 heads lays out its blocks, and the way back
    "batch, heads": (lambda x: x.swapaxes(1, 2), lambda z: z.swapaxes(1, 2)),
    "heads, batch": (
        lambda x: x.permute_dims((2, 0, 1, 3)),
        lambda z: z.permute_dims((1, 2, 0, 3)),
    ),
}


class OwnHeads(nn.Module):
    """Two heads of size 2, as a reader writes them, with the names of the paper."""

    def __init__(self, layout):
        self.W_Q, self.W_K, self.W_V = (nn.Linear(4, 4, bias=False) for _ in range(3))
        self.apart, self.together = LAYOUTS[layout]

    def forward(self, x):
        B, T, d = x.shape
        q, k, v = (
            self.apart(W(x).reshape(B, T, 2, 2)) for W in (self.W_Q, self.W_K, self.W_V)
        )
        weights = functional.softmax(q @ k.mT / 2.0**0.5)
        z = weights @ v
        return self.together(z).reshape(B, T, d)


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_heads_and_sequences_in_any_order(layout, batch, backend):
    """Also as many of one as of the other: the graph tells which is which."""
    layer, x = OwnHeads(layout), randn(batch, 3, 4)
    with record():
        y = layer(x)
        loss = (y * y).sum()
    Q = (x @ layer.W_Q.weight.T).tolist()
    for h in range(2):
        for b in range(batch):
            graph = unfold(loss, head=(layer, h), sample=b)
            queries = next(node for node in graph if node.op == "linear")
            wanted = [row[2 * h : 2 * h + 2] for row in Q[b]]
            assert flatten(queries.value) == pytest.approx(flatten(wanted), rel=1e-6)
    for given in ({"head": (layer, 2)}, {"head": (layer, 0), "sample": batch}):
        with pytest.raises(ValueError, match="numbered from 0"):
            unfold(loss, **given)


def test_heads_without_a_batch():
    class Heads(OwnHeads):
        def forward(self, x):
            return super().forward(x.reshape(1, *x.shape)).reshape(*x.shape)

    class Three(nn.Module):
        def __init__(self):
            self.W = nn.Linear(4, 6)

        def forward(self, x):
            Q = K = V = self.W(x).reshape(3, 3, 2).swapaxes(0, 1)
            return functional.softmax(Q @ K.mT) @ V

    for layer, n in ((Heads("batch, heads"), 2), (Three(), 3)):
        with record():
            loss = layer(randn(3, 4)).sum()
        for h in range(n):
            assert unfold(loss, head=(layer, h)).root.shape == (3, 2)
        with pytest.raises(ValueError, match=f"has {n} heads, numbered from 0"):
            unfold(loss, head=(layer, n))
