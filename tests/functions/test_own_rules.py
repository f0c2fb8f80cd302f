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
            p.data = p * 0.0
    loss = loss_of(layer)
    with pytest.raises(
        ValueError, match="head= given, but one head cannot be cut out"
    ) as e:
        draw(loss, head=(layer, 1))
    assert "centre" in str(e.value)
    assert ("its kind is not declared" in str(e.value)) == (not kind)


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
        (kinds("elementwise", w="∂z"), TypeError, "w= given; it takes z, means, why"),
    ],
)
def test_bad_rules_and_calls_get_one_sentence(call, error, words, backend):
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(error) as caught:
        call(x)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# --- kinds of every kind --------------------------------------------------------------


@primitive("softmax")
def own_softmax(xp, x):
    e = xp.exp(x)
    return e / xp.sum(e, axis=(-1,), keepdims=True)


@own_softmax.defvjp
def own_softmax_vjp(xp, g, z, inputs, needs, saved):
    return (z * (g - xp.sum(g * z, axis=(-1,), keepdims=True)),)


@primitive("norm")
def unit(xp, x, *, axis=(-1,)):
    return x / xp.sqrt(xp.sum(x * x, axis=axis, keepdims=True))


@unit.defvjp
def unit_vjp(xp, g, z, inputs, needs, saved, *, axis):
    (x,) = inputs
    length = xp.sqrt(xp.sum(x * x, axis=axis, keepdims=True))
    along = xp.sum(g * z, axis=axis, keepdims=True)
    return ((g - z * along) / length,)


@primitive("product", z="x yᵀ")
def with_turned(xp, x, y):
    axes = (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2)
    return xp.matmul(x, xp.permute_dims(y, axes))


@with_turned.defvjp
def with_turned_vjp(xp, g, z, inputs, needs, saved):
    x, y = inputs
    axes = (*range(g.ndim - 2), g.ndim - 1, g.ndim - 2)
    return xp.matmul(g, y), xp.matmul(xp.permute_dims(g, axes), x)


@primitive("elementwise", z="x", x="−∂z")
def reversal(xp, x):
    return xp.reshape(x, x.shape)


@reversal.defvjp
def reversal_vjp(xp, g, z, inputs, needs, saved):
    return (-g,)


class OwnLayer(Layer):
    """Queries and keys of length 1, keys turned round, and a softmax of one's own."""

    def forward(self, x):
        Q, K, V = (
            f(x).reshape(2, 4, 2, 3).permute_dims((0, 2, 1, 3))
            for f in (self.q, self.k, self.v)
        )
        z = own_softmax(unit(Q) @ reversal(unit(K)).mT) @ V
        return z.permute_dims((0, 2, 1, 3)).reshape(2, 4, 6)


def test_a_softmax_of_ones_own_is_an_attention(backend):
    manual_seed(2)
    layer = OwnLayer(None)
    maps = nn.attention_maps(layer, randn(2, 4, 6))
    assert [w.shape for w in maps.values()] == [(2, 2, 4, 4)]
    assert "softmax" in draw(loss_of(layer), head=(layer, 0)).svg


@pytest.mark.parametrize("name", ["q.bias", "k.bias", "v.bias", "k.weight"])
def test_shares_through_kinds_of_every_kind_add_up(name, backend):
    manual_seed(2)
    layer = OwnLayer(None)
    loss = loss_of(layer)
    parameter = dict(layer.named_parameters())[name]
    (total,) = grad(loss, parameter, retain_graph=True)
    shares = [0.0] * parameter.size
    for sample in (0, 1):
        for head in (0, 1):
            node = unfold(loss, head=(layer, head), sample=sample).node(name)
            for at, g in zip(flatten(node.positions.tolist()), flat(node)):
                shares[at] += g
    assert shares == pytest.approx(flatten(total.tolist()), rel=1e-9, abs=1e-12)


def test_a_product_of_ones_own_is_cut_like_ours():
    class Scores(Layer):
        def forward(self, x):
            Q, K, V = (f(x) for f in (self.q, self.k, self.v))
            return functional.softmax(with_turned(Q, K)) @ V

    layer = Scores(None)
    layer.num_heads = 1
    graph = unfold(loss_of(layer), head=(layer, 0), sample=1)
    assert graph.counts()["with_turned"] == 1


@primitive("elementwise", z="x ⊙ scale + shift", x="∂z ⊙ scale")
def affine(xp, x, scale=2.0, shift=None):
    z = x * scale
    return z if shift is None else z + shift


@affine.defvjp
def affine_vjp(xp, g, z, inputs, needs, saved):
    x, scale, _ = inputs
    return g * scale, g * x if needs[1] else None, g


def test_inputs_may_be_left_out_or_given_by_name():
    x, w = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    assert affine(x).tolist() == [2.0, 4.0]
    assert affine(x, shift=w).tolist() == [5.0, 8.0]
    with record():
        y = affine(x)
        loss = y.sum()
    assert "y = x ⊙ 2<" in draw(loss).svg.replace("</", "<")


def test_a_check_of_ones_own_is_asked():
    def same_shapes(x, y):
        raise ValueError(f"{x} and {y} given; they must be equal")

    both = primitive("elementwise", check=same_shapes)(lambda xp, x, y: x + y)
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\) given; they must be"):
        both(Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0]))


def test_a_term_is_left_out_by_its_whole_name():
    @primitive("elementwise", z="x + b + bias", x="∂z", bias="∂z")
    def shifted(xp, x, b=None, bias=0.5):
        return x + bias

    shifted.defvjp(lambda xp, g, z, inputs, needs, saved: (g, None, g))
    x = leaf()
    with record():
        y = shifted(x)
        loss = y.sum()
    assert "y = x + .5" in draw(loss).svg


@pytest.mark.parametrize("order", [1, 2])
def test_a_function_that_xp_lacks_is_named_in_the_vjp_too(order, backend):
    wave = primitive(lambda xp, x: x * x)
    wave.defvjp(lambda xp, g, z, inputs, needs, saved: (xp.cosh(g),))
    with pytest.raises(AttributeError, match="in its vjp: xp has no 'cosh'; it has"):
        wave(leaf()).sum().backward(create_graph=order == 2)


def test_a_choice_in_the_forward_is_refused_on_every_backend(backend):
    @primitive
    def size(xp, x):
        return x if x > 0 else -x

    with pytest.raises(ValueError, match=r"size: .*array"):
        size(Tensor([-1.0, -2.0]))
    assert size(Tensor([-1.0])).tolist() == [1.0]


def test_what_a_number_handed_on_is_called():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    node = unfold(x.reshape(2).sum(), "scalar").node("reshape[0]")
    assert (node.op, node.formula, node.rule) == ("identity", "z = x", "∂x += ∂z")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: primitive(lambda x: x), TypeError, "a forward takes xp first"),
        (
            lambda: primitive("elementwise")(3),
            TypeError,
            "it stands above a",
        ),
        (lambda: primitive(z=3)(lambda xp, x: x), TypeError, "z=3 given; it must be a"),
        (
            lambda: primitive(z="{foo}")(lambda xp, x: x),
            ValueError,
            "may stand Σ",
        ),
        (lambda: primitive(lambda xp, z: z), TypeError, "an input is called z"),
        (lambda: cube.defvjp(lambda g, x: g), TypeError, "must take (xp, g, z, inputs"),
        (lambda: unit.defvjp(cube_vjp), TypeError, "inputs, needs, saved, *, axis)"),
        (
            lambda: unit(leaf(), axis=leaf()),
            TypeError,
            "axis= is a Tensor, and",
        ),
    ],
)
def test_bad_declarations_get_one_sentence(make, error, words):
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)


def leaf():
    return Tensor([1.0, 2.0], requires_grad=True)


def test_the_kind_may_be_given_by_name():
    assert primitive(kind="norm")(lambda xp, x: x).kind == "norm"


def test_a_false_kind_is_said_to_be_false():
    false = primitive("movement")(cube.forward)
    false.defvjp(cube_vjp)
    layer = Layer(false)
    with pytest.raises(
        ValueError,
        match="through cube .*one head's slice",
    ):
        draw(loss_of(layer), head=(layer, 0))


def test_a_movement_that_sends_back_something_else_is_refused():
    moved = primitive("movement")(reversal.forward)
    moved.defvjp(reversal_vjp)
    layer = Layer(moved)
    with pytest.raises(ValueError, match="reversal: it is declared 'movement', but"):
        draw(loss_of(layer), head=(layer, 0))


def test_a_composite_that_returns_a_pair_needs_a_vjp():
    @composite
    def pair(xp, x):
        return x * 2.0, x

    with pytest.raises(TypeError, match="pair: its forward returned a tuple"):
        pair(leaf())


def test_functions_of_math_are_refused_by_name(backend):
    import math

    @primitive
    def wave(xp, x):
        return math.sin(x)

    with pytest.raises(TypeError, match=r"wave: .*write xp\.sin\(x\)"):
        wave(leaf().detach())
