"""A rule of the reader's own: as good as ours, and refused in one sentence if wrong."""

from __future__ import annotations

import pickle

import pytest
from conftest import assert_close, flatten

import nn
from tinygrad_attn import (
    Tensor,
    composite,
    draw,
    explain,
    functional,
    grad,
    gradcheck,
    gradgradcheck,
    manual_seed,
    play,
    primitive,
    randn,
    record,
    unfold,
)
from tinygrad_attn.rules.activations import sigmoid


@primitive
def cube(xp, x):
    return x * x * x


@cube.defvjp
def cube_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (g * 3.0 * x * x,)


@primitive("elementwise", z="x³ + y", x="∂z ⊙ 3 x²", y="∂z")
def cube_plus(xp, x, y):
    """The third power, and something more."""
    return x * x * x + y


@cube_plus.defvjp
def cube_plus_vjp(xp, g, z, inputs, needs, saved):
    """The slope is three squares."""
    x, _ = inputs
    return g * 3.0 * x * x, g


@composite("elementwise", z="x ⊙ σ(x³)", x="∂z ⊙ (σ(x³) + 3 x³ ⊙ σ(x³) ⊙ (1 − σ(x³)))")
def cubed_gate(xp, x):
    """Each number times the sigmoid of its third power."""
    return x * sigmoid(xp, cube(xp, x))


class Layer(nn.Module):
    """An attention whose queries, keys and values go through an operation."""

    def __init__(self, between):
        self.between, self.num_heads = between, 2
        self.q, self.k, self.v = (nn.Linear(6, 6) for _ in range(3))

    def forward(self, x):
        Q, K, V = (
            self.between(f(x)).reshape(2, 4, 2, 3).permute_dims((0, 2, 1, 3))
            for f in (self.q, self.k, self.v)
        )
        z = functional.softmax(Q @ K.mT * 0.5) @ V
        return z.permute_dims((0, 2, 1, 3)).reshape(2, 4, 6)


def loss_of(layer):
    manual_seed(1)
    x = randn(2, 4, 6).requires_grad_()
    with record():
        loss = (layer(x) ** 2).mean()
    return loss


def flat(node):
    """The numbers of a node's gradient."""
    g = node.gradient
    return flatten(g) if isinstance(g, list) else [g]


def by_hand(x):
    return x * x * x


@pytest.mark.parametrize("own", [cube, cubed_gate])
def test_a_rule_of_ones_own_passes_gradcheck(own, backend):
    x = randn(3, 2, dtype="float64").requires_grad_()
    assert gradcheck(own, x)
    assert gradgradcheck(own, x)


def test_it_computes_what_its_forward_says(any_backend):
    x = Tensor([1.0, -2.0], requires_grad=True)
    z = cube_plus(x, 1.0)
    assert z.tolist() == [2.0, -7.0]
    assert cube_plus(x, [1.0, 2.0]).tolist() == [2.0, -6.0]
    z.sum().backward()
    assert x.grad.tolist() == [3.0, 12.0]
    x = Tensor([0.5], requires_grad=True)
    (slope,) = grad(cubed_gate(x).sum(), x)
    gate = (x * (x**3).sigmoid()).sum()
    assert_close(slope, grad(gate, x)[0])


def test_it_may_be_pickled_as_a_function_is():
    assert pickle.loads(pickle.dumps(cube)) is cube


# --- in graphs and pictures -----------------------------------------------------------


@pytest.mark.parametrize("level", ["module", "op", "primitive", "scalar"])
@pytest.mark.parametrize("head", [None, 0, 1])
def test_it_is_unfolded_and_cut_like_its_parts(level, head, any_backend):
    """The same model with x * x * x written out has the same gradients everywhere."""
    graphs = []
    for between in (cube, by_hand):
        manual_seed(0)
        layer = Layer(between)
        part = None if head is None else (layer, head)
        graphs.append(unfold(loss_of(layer), level, head=part))
    own, parts = graphs
    for node in own:
        if node.op == "parameter":
            assert flat(node) == pytest.approx(flat(parts.node(node.name)), rel=1e-9)
    counts = own.counts()
    assert level == "scalar" or counts["cube"] == 3


def test_the_shares_of_all_heads_add_up():
    layer = Layer(cube)
    loss = loss_of(layer)
    (total,) = grad(loss, layer.q.bias, retain_graph=True)
    shares = [0.0] * 6
    for sample in (0, 1):
        for head in (0, 1):
            node = unfold(loss, head=(layer, head), sample=sample).node("q.bias")
            for at, g in zip(node.positions.tolist(), node.gradient):
                shares[at] += g
    assert_close(Tensor(shares), total)


def test_without_notation_its_name_is_shown_and_rule_of_its_own():
    layer = Layer(cube)
    loss = loss_of(layer)
    node = unfold(loss).node("cube")
    assert (node.formula, node.rule) == ("z = cube(x)", "(rule of its own)")
    picture, page = draw(loss, head=(layer, 1)), play(loss, None, head=(layer, 1))
    for text in (picture.svg, picture.dot, page):
        assert "cube(q)" in text
        assert "(rule of its own)" in text


def test_with_notation_it_is_written_like_ours():
    x = randn(3).requires_grad_()
    with record():
        h = cube_plus(x, 2.0)
        loss = h.sum()
    picture = draw(loss)
    assert "h = x³ + 2" in picture.svg
    assert "∂x += ∂h ⊙ 3 x²" in picture.svg
    assert "The third power, and something more." in picture.svg
    assert "The slope is three squares." in play(loss, None)


def test_it_is_explained():
    x = Tensor([2.0, 1.0], requires_grad=True)
    found = explain(x[0], of=cube(x).sum())
    assert found.gradient == 12.0
    assert found.finite_difference == pytest.approx(12.0)
    assert "cube" in str(found)


def test_a_composite_without_vjp_is_a_frame_around_its_parts():
    x = randn(3).requires_grad_()
    graph = unfold(cubed_gate(x).sum())
    assert [g.name for g in graph.groups.values()] == ["cubed_gate"]
    assert {"cube", "sigmoid", "mul"} <= set(graph.counts())


# --- what is refused ------------------------------------------------------------------


def test_a_vjp_that_is_wrong_is_found_at_the_level_of_numbers():
    @primitive
    def wrong(xp, x):
        return x * x

    @wrong.defvjp
    def wrong_vjp(xp, g, z, inputs, needs, saved):
        return (g * inputs[0],)

    x = Tensor([3.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="at level scalar the gradient of"):
        unfold(wrong(x).sum(), "scalar")
    with pytest.raises(RuntimeError, match="finite differences give"):
        gradcheck(wrong, x)


def centre(xp, x):
    return x - xp.sum(x, axis=(-1,), keepdims=True) * (1.0 / x.shape[-1])


def centre_vjp(xp, g, z, inputs, needs, saved):
    return (centre(xp, g),)


@pytest.mark.parametrize("kind", ["", "elementwise", "movement", "norm", "reduction"])
@pytest.mark.parametrize("start", ["random", "zeros"])
def test_no_head_is_cut_through_what_mixes_heads(kind, start):
    """Also if all numbers are 0, when the values alone would not tell."""
    mixes = primitive(kind)(centre)
    mixes.defvjp(centre_vjp)
    layer = Layer(mixes)
    if start == "zeros":
        for p in layer.parameters():
            p.data = (p * 0.0).data
    loss = loss_of(layer)
    with pytest.raises(
        ValueError, match="head= given, but one head cannot be cut out"
    ) as e:
        draw(loss, head=(layer, 1))
    assert "centre" in str(e.value)
    assert ("its kind is not known" in str(e.value)) == (not kind)


def test_without_a_vjp_a_gradient_is_refused():
    @primitive
    def half(xp, x):
        return x * 0.5

    assert half(Tensor([2.0])).tolist() == [1.0]
    with pytest.raises(RuntimeError, match="^half: it has no vjp, so no gradient"):
        half(Tensor([2.0], requires_grad=True))

    @primitive(differentiable=False)
    def sign(xp, x):
        return (x > 0.0) * 1.0

    assert not sign(Tensor([2.0], requires_grad=True)).requires_grad


def returns(value):
    @primitive
    def odd(xp, x):
        return value if not callable(value) else value(xp, x)

    odd.defvjp(cube_vjp)
    return odd


def vjp_returns(value):
    odd = returns(lambda xp, x: x * 2.0)
    odd.defvjp(lambda xp, g, z, inputs, needs, saved: value)
    return lambda x: odd(x).sum().backward()


def kinds(*args, **kwargs):
    return lambda x: primitive(*args, **kwargs)(lambda xp, x: x)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: cube(), TypeError, "cube: missing a required argument: 'x'"),
        (lambda x: cube(x, x), TypeError, "cube: too many positional arguments"),
        (lambda x: cube(x, p=1), TypeError, "cube: got an unexpected keyword"),
        (lambda x: cube(2.0), TypeError, "cube: float given; it takes Tensors"),
        (lambda x: cube_plus(x, "a"), TypeError, "cube_plus: "),
        (lambda x: cube_plus(x, Tensor([1.0, 2.0])), ValueError, "cube_plus: shapes"),
        (returns(3.0), TypeError, "odd: its forward returned a float"),
        (returns(lambda xp, x: Tensor([1.0])), TypeError, "returned a Tensor"),
        (returns(lambda xp, x: xp.cosh(x)), AttributeError, "xp has no 'cosh'"),
        (returns(lambda xp, x: x.tanh()), AttributeError, "write xp.tanh(x)"),
        (vjp_returns((1.0,)), TypeError, "odd: its vjp gave a float for input 0"),
        (vjp_returns(None), RuntimeError, "odd: its vjp must return a tuple"),
        (vjp_returns(()), RuntimeError, "for each input (None where"),
        (kinds("pointwise"), ValueError, "kind 'pointwise' given; it must be one of"),
        (kinds("elementwise", w="∂z"), TypeError, "w= given, which is no input of it"),
    ],
)
def test_bad_rules_and_calls_get_one_sentence(call, error, words, backend):
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(error) as caught:
        call(x)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
