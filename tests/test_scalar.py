"""Value: each rule against finite differences, the walk, and what it must not do."""

from __future__ import annotations

import copy
import gc
import inspect
import math
import pickle
import random
import weakref
from fractions import Fraction

import pytest
from conftest import svg_in

from tinygrad_attn import Tensor, draw
from tinygrad_attn.arrays import mixed
from tinygrad_attn.arrays.array import asarray
from tinygrad_attn.graph.levels.value_graph import graph_of_values
from tinygrad_attn.scalar import Value, topological_order

try:
    import numpy as np
except ModuleNotFoundError:
    np = None

UNARY = [
    Value.exp,
    Value.log,
    Value.sqrt,
    Value.tanh,
    mixed.erf,
    mixed.log1p,
    Value.sin,
    Value.cos,
    Value.sigmoid,
    Value.relu,
    lambda v: -v,
    lambda v: v + 2,
    lambda v: 2 + v,
    lambda v: v - 2,
    lambda v: 2 - v,
    lambda v: v * 3,
    lambda v: 3 * v,
    lambda v: v / 3,
    lambda v: 3 / v,
    lambda v: v**3,
    lambda v: v**-1.5,
    lambda v: 3**v,
]
BINARY = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**b,
    mixed.maximum,
    lambda a, b: mixed.largest([a, 0.1, b]),
]


def slope(f, x, h=1e-3):
    return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)


@pytest.mark.parametrize("f", UNARY)
def test_one_operand(f):
    x = Value(0.7)
    f(x).backward()
    assert x.grad == pytest.approx(slope(lambda v: f(Value(v)).data, 0.7), rel=1e-9)


@pytest.mark.parametrize("f", BINARY)
def test_two_operands(f):
    a, b = Value(0.7), Value(1.3)
    f(a, b).backward()
    by_a = slope(lambda v: f(Value(v), Value(1.3)).data, 0.7)
    by_b = slope(lambda v: f(Value(0.7), Value(v)).data, 1.3)
    assert (a.grad, b.grad) == pytest.approx((by_a, by_b), rel=1e-9)


# What is computed at x = 0.7 (and y = 1.3), and the name that pictures show.
NUMBERS = [
    (lambda x, y: x + y, 2.0, "+"),
    (lambda x, y: x + 2, 2.7, "+"),
    (lambda x, y: 2 + x, 2.7, "+"),
    (lambda x, y: x * y, 0.91, "*"),
    (lambda x, y: x * 2, 1.4, "*"),
    (lambda x, y: 2 * x, 1.4, "*"),
    (lambda x, y: -x, -0.7, "neg"),
    (lambda x, y: x - y, -0.6, "-"),
    (lambda x, y: x - 2, -1.3, "-"),
    (lambda x, y: 2 - x, 1.3, "-"),
    (lambda x, y: x / y, 0.7 / 1.3, "/"),
    (lambda x, y: x / 2, 0.35, "/"),
    (lambda x, y: 2 / x, 2 / 0.7, "/"),
    (lambda x, y: x**y, 0.7**1.3, "**"),
    (lambda x, y: x**2, 0.49, "**"),
    (lambda x, y: 2**x, 2**0.7, "**"),
    (lambda x, y: x.exp(), math.exp(0.7), "exp"),
    (lambda x, y: x.log(), math.log(0.7), "log"),
    (lambda x, y: x.sqrt(), math.sqrt(0.7), "sqrt"),
    (lambda x, y: x.tanh(), math.tanh(0.7), "tanh"),
    (lambda x, y: x.sin(), math.sin(0.7), "sin"),
    (lambda x, y: x.cos(), math.cos(0.7), "cos"),
    (lambda x, y: x.sigmoid(), 1 / (1 + math.exp(-0.7)), "sigmoid"),
    (lambda x, y: (-x).sigmoid(), 1 / (1 + math.exp(0.7)), "sigmoid"),
    (lambda x, y: x.relu(), 0.7, "ReLU"),
    (lambda x, y: (-x).relu(), 0.0, "ReLU"),
]


@pytest.mark.parametrize(("f", "number", "name"), NUMBERS)
def test_the_number_and_the_name(f, number, name):
    """That a derivative is the slope of its function does not say which function."""
    z = f(Value(0.7), Value(1.3))
    assert z.data == pytest.approx(number, rel=1e-15, abs=1e-15)
    assert (z._op, z.label) == (name, "")
    assert len(z.derivatives) == len(z._prev)


def test_sigmoid_is_exact_far_out_and_in_the_middle():
    assert Value(0.0).sigmoid().data == 0.5
    assert Value(-700.0).sigmoid().data == pytest.approx(math.exp(-700.0), rel=1e-14)
    assert Value(-1000.0).sigmoid().data == 0.0
    assert Value(1000.0).sigmoid().data == 1.0


def test_relu_at_and_below_its_kink():
    for x in (0.0, -1.0):
        v = Value(x)
        v.relu().backward()
        assert v.grad == 0.0


def test_leaves_add_up_and_what_lies_between_starts_anew():
    x = Value(3.0)
    y = x * x
    z = y * y
    z.backward()
    assert (x.grad, y.grad) == (108.0, 18.0)
    z.backward()
    assert (x.grad, y.grad) == (216.0, 18.0)


def test_a_gradient_is_the_integer_0_until_a_backward_arrives():
    x, unused = Value(1.0), Value(1.0)
    (x * 0.0).backward()
    assert (type(x.grad), x.grad) == (float, 0.0)
    assert type(unused.grad) is int


def test_order_and_depth():
    a = Value(1.0)
    b = a + a
    c = b + b
    assert [v is w for v, w in zip(topological_order(c), (c, b, a))] == [True] * 3
    v = a
    for _ in range(100_000):
        v = v + 1.0
    v.backward()
    assert a.grad == 1.0


def test_edges_of_the_number_line():
    assert Value(1000.0).exp().data == math.inf
    assert Value(0.0).log().data == -math.inf
    assert math.isnan(Value(-1.0).sqrt().data)
    assert (Value(1.0) / 0.0).data == math.inf
    assert math.isnan((Value(0.0) / 0.0).data)
    assert math.isnan((Value(-8.0) ** (1 / 3)).data)
    assert (Value(0.0) ** -1).data == math.inf
    assert (Value(10.0) ** 400).data == math.inf
    x = Value(0.0)
    (x**0).backward()
    assert x.grad == 0.0


def test_powers_of_0_have_no_slope_along_an_exponent_from_0_on():
    for y in (0.0, 0.5, 2.0, 0, 2):
        x, v = Value(0.0), Value(y)
        (x**v).backward()
        assert v.grad == 0.0
        v = Value(y)
        (0.0**v).backward()
        assert v.grad == 0.0
    for y in (-0.5, -2.0):
        x, v = Value(0.0), Value(y)
        (x**v).backward()
        assert v.grad == -math.inf
        v = Value(y)
        (0.0**v).backward()
        assert v.grad == -math.inf


def test_comparisons_look_at_the_number():
    one, two = Value(1.0), Value(2.0)
    for a, b in ((one, two), (one, 2.0), (1.0, two)):
        assert [a < b, a <= b, a > b, a >= b] == [True, True, False, False]
        assert [b < a, b <= a, b > a, b >= a] == [False, False, True, True]
    for a, b in ((two, Value(2.0)), (two, 2.0), (2.0, two)):
        assert [a < b, a <= b, a > b, a >= b] == [False, True, False, True]
    assert mixed.equal(Value(2.0), 2.0)
    assert (Value(2.0) == Value(2.0)) is False  # two nodes


def test_a_notebook_shows_the_value_itself():
    assert ">weight</text>" in svg_in(Value(1.0, label="weight")._repr_html_())


def test_what_is_no_number_is_refused():
    for operation in (
        lambda: Value(1.0) + "1",
        lambda: "1" - Value(1.0),
        lambda: Value(1.0) * None,
        lambda: [] / Value(1.0),
        lambda: Value(1.0) ** "2",
        lambda: Value(1.0) + [1.0],
        lambda: [1.0] + Value(1.0),
        lambda: asarray([1.0]) + Value(1.0),
        lambda: Tensor([1.0, 2.0]) + Value(1.0),
        lambda: Value("1"),
        lambda: Value(Value(1.0)),
    ):
        with pytest.raises(TypeError):
            operation()


def test_functions_on_plain_numbers_give_plain_numbers():
    functions = [f for f in vars(mixed).values() if inspect.isfunction(f)]
    of_one = [
        f
        for f in functions
        if [*inspect.signature(f).parameters] == ["x"] and f is not mixed.value
    ]
    assert mixed.exp in of_one
    for f in of_one:
        assert f(0.5) == f(Value(0.5)).data, f
        assert isinstance(f(0.5), float)
    assert mixed.div(1.0, 4.0) == 0.25
    assert mixed.pow(2.0, 3.0) == 8.0
    assert mixed.maximum(1.0, 2.0) == 2.0
    assert mixed.largest([1.0, 2.0]) == 2.0


@pytest.mark.parametrize(
    ("compute", "operands"),
    [
        (lambda x: x + 1, ("x", 1)),
        (lambda x: 1 + x, (1, "x")),
        (lambda x: x - 2.5, ("x", 2.5)),
        (lambda x: 2.5 - x, (2.5, "x")),
        (lambda x: x * 3, ("x", 3)),
        (lambda x: 3 * x, (3, "x")),
        (lambda x: x / 4, ("x", 4)),
        (lambda x: 4 / x, (4, "x")),
        (lambda x: x**2, ("x", 2)),
        (lambda x: 2**x, (2, "x")),
        (lambda x: x**0, ("x", 0)),
        (lambda x: mixed.maximum(x, 0.0), ("x", 0.0)),
        (lambda x: mixed.maximum(0.0, x), (0.0, "x")),
        (lambda x: x - x, ("x", "x")),
        (lambda x: x.tanh(), ("x",)),
    ],
)
def test_constants_are_remembered_in_their_place_and_are_no_nodes(compute, operands):
    x = Value(0.5)
    z = compute(x)
    found = ["x" if isinstance(v, Value) else v for v in z.operands]
    assert tuple(found) == operands
    assert all(isinstance(v, Value) for v in z._prev)
    assert len(list(topological_order(z))) == 2
    assert (z.label, x.operands) == ("", ())


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_a_copy_is_a_number_with_its_name_and_without_operands(twin):
    z = Value(0.5, label="x")
    for _ in range(10_000):
        z = z * 1.0
    z.label = "z"
    kept = twin(z)
    assert (kept.data, kept.label, kept.operands, kept.grad) == (0.5, "z", (), 0)
    assert (kept._op, kept._prev) == ("", ())


def test_sum_adds_no_node_for_its_start():
    x = Value(1.0)
    assert sum([x]) is x


# --- memory, and large graphs ---------------------------------------------------------


@pytest.fixture
def no_collector():
    """Only the counting of references frees anything during the test; of all that was
    there before, nothing is looked through."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def values_alive():
    return sum(type(v) is Value for v in gc.get_objects())


def test_a_graph_goes_with_its_root(no_collector):
    """No Value is in a cycle, neither before backward nor after it."""
    before = values_alive()
    a, b = Value(0.5), Value(1.5)
    z = a * b + a / b - b**a + 2**a - (1 / b).log() + a.exp().sqrt()
    z = z * z + z.tanh() * z.sigmoid() + z.sin() * z.cos() + z.relu() + z**2
    inner = weakref.ref(z._prev[0])
    assert values_alive() > before + 20
    z.backward()
    del z
    assert inner() is None
    assert values_alive() == before + 2  # a and b, which this test still holds


def test_a_chain_of_300_000_is_dropped_without_recursion(no_collector):
    """A call of C for each, of 48 bytes at least, would leave a stack of 8 MB."""
    before = values_alive()
    for f in (lambda v: v + 1.0, lambda v: v * v, Value.relu):
        v = Value(0.0)
        for _ in range(300_000):
            v = f(v)
        first = weakref.ref(v)
        del v
        assert first() is None
        assert values_alive() == before


def test_a_large_graph_gets_the_right_gradients():
    """x ← W x over and over: 200,000 nodes of products and sums, on many paths."""
    size, layers = 20, 250
    weight, x = Value(0.05), [Value(float(i)) for i in range(size)]
    y = x
    for _ in range(layers):
        y = [sum(weight * v for v in y) for _ in y]
    root = sum(y)
    count = sum(1 for _ in topological_order(root))
    assert 190_000 < count < 200_000
    root.backward()
    # each layer replaces all numbers by 20 · 0.05 = 1 times their mean
    total = sum(range(size))
    assert root.data == pytest.approx(total, rel=1e-9)
    assert [v.grad for v in x] == pytest.approx([1.0] * size, rel=1e-9)
    assert weight.grad == pytest.approx(layers * total / 0.05, rel=1e-9)


# --- operations of one's own, as micrograd teaches them -------------------------------


def cube(x, local=()):
    """z = x³, with the rule of its walk beside it."""
    out = Value(x.data**3, (x,), "cube", local)

    def add():
        x.grad += 3 * x.data**2 * out.grad

    out._backward = add
    return out


def test_a_backward_of_ones_own_takes_part_in_the_walk():
    a, b = Value(2.0), Value(3.0)
    (cube(a * b) * a).backward()  # a⁴ b³
    assert (a.grad, b.grad) == (4 * 8 * 27, 16 * 3 * 9)


def test_it_takes_the_place_of_local_derivatives():
    x = Value(2.0)
    cube(x, (100.0,)).backward()
    assert x.grad == 12.0


def test_operands_without_derivatives_are_refused():
    x = Value(0.5)
    with pytest.raises(TypeError, match="exp has operands and no derivatives; write"):
        Value(math.exp(0.5), (x,), "exp").backward()


def test_derivatives_are_told_and_nothing_is_changed():
    x, y = Value(2.0), Value(5.0)
    x.grad = 7.0
    assert (x * y).derivatives == (5.0, 2.0)
    z = cube(x)
    assert z.derivatives == (12.0,)
    assert (x.grad, z.grad, x.derivatives) == (7.0, 0, ())
    square = Value(4.0, (x, x), "square")
    square._backward = lambda: setattr(x, "grad", x.grad + 2 * x.data * square.grad)
    assert square.derivatives == (4.0, 0.0)
    assert "12" in draw(z).svg  # beside its line


@pytest.mark.parametrize(
    "c", [Fraction(3, 2), *((np.float32(1.5), np.float64(1.5)) if np else ())]
)
@pytest.mark.parametrize("op", ["+", "-", "*", "/", "**"])
def test_other_numbers_stand_on_either_side(op, c):
    f = eval(f"lambda x, y: x {op} y")
    for turned in (False, True):
        x, y = Value(2.0), Value(2.0)
        got, want = (f(c, x), f(1.5, y)) if turned else (f(x, c), f(y, 1.5))
        assert isinstance(got, Value)
        got.backward()
        want.backward()
        assert (float(got.data), float(x.grad)) == (want.data, y.grad)


def test_a_deep_copy_is_a_number_of_its_own():
    a = Value(3.0, label="a")
    b = copy.deepcopy(a)
    (b * b).backward()
    assert (a.grad, b.grad, b.label) == (0, 6.0, "a")


# --- as a lecture uses them: by hand first, then with classes -------------------------


def neuron():
    """o = tanh(x1·w1 + x2·w2 + b), every step with a name."""
    numbers = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    v = {name: Value(number, label=name) for name, number in numbers.items()}
    v["first"], v["second"] = v["x1"] * v["w1"], v["x2"] * v["w2"]
    v["both"] = v["first"] + v["second"]
    v["n"] = v["both"] + v["b"]
    v["o"] = v["n"].tanh()
    return v


def test_each_value_hands_its_gradient_on_when_it_is_called_to():
    v = neuron()
    v["o"].grad = 1.0
    for name in ("o", "n", "b", "both", "second", "first", "x1"):
        v[name]._backward()
    found = {name: v[name].grad for name in ("x1", "x2", "w1", "w2")}
    assert found == pytest.approx({"x1": -1.5, "x2": 0.5, "w1": 1.0, "w2": 0.0})


def test_a_topological_sort_of_ones_own_gives_the_same():
    a, b = Value(3.0), Value(-2.0)
    z = (a * b + a) * (a - 2.0) / (b**2) + cube(a) + (1.0 - b).exp()
    order, visited = [], set()

    def sort(v):
        if v not in visited:
            visited.add(v)
            for x in v._prev:
                sort(x)
            order.append(v)

    sort(z)
    z.grad = 1.0
    for v in reversed(order):
        v._backward()
    by_hand = a.grad, b.grad
    a.grad = b.grad = 0.0
    z.backward()
    assert (a.grad, b.grad) == pytest.approx(by_hand)


class Tracked(Value):
    """A class of a learner's own, with an operation added to it."""

    def doubled(self):
        out = Tracked(self.data * 2, (self,), "doubled")

        def hand_on():
            self.grad += 2 * out.grad

        out._backward = hand_on
        return out


def test_operations_added_to_the_class_and_in_a_class_below_it(monkeypatch):
    monkeypatch.setattr(Value, "cubed", cube, raising=False)
    x = Value(2.0)
    (x.cubed() * 2).backward()
    assert x.grad == 24.0
    y = Tracked(3.0)
    y.doubled().doubled().backward()
    assert y.grad == 4.0


class Layer:
    """Neurons, as lectures make them: weights and a bias each."""

    def __init__(self, inputs, outputs, draw):
        self.rows = [[Value(draw()) for _ in range(inputs + 1)] for _ in range(outputs)]

    def __call__(self, x):
        sums = [sum((w * v for w, v in zip(r, x)), r[-1]) for r in self.rows]
        return [s.tanh() for s in sums]

    def parameters(self):
        return [p for row in self.rows for p in row]


def test_a_network_is_trained_copied_and_told_to_forget_its_gradients():
    draw = random.Random(3).uniform
    layers = [Layer(*sizes, lambda: draw(-1, 1)) for sizes in ((3, 4), (4, 4), (4, 1))]
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    parameters = [p for layer in layers for p in layer.parameters()]
    assert len(parameters) == 41
    losses = []
    for _ in range(60):
        outputs = []
        for x in xs:
            for layer in layers:
                x = layer(x)
            outputs.append(x[0])
        loss = sum((out - y) ** 2 for y, out in zip(ys, outputs))
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
        losses.append(loss.data)
    assert losses[-1] < 0.05 < 1.0 < losses[0]
    kept = copy.deepcopy(layers)  # numbers, with their gradients, of its own
    again = [p for layer in kept for p in layer.parameters()]
    assert [(p.data, p.grad) for p in again] == [(p.data, p.grad) for p in parameters]
    assert not {*again} & {*parameters}


def test_shared_values_are_shared_in_a_copy():
    a = Value(3.0)
    first, second = copy.deepcopy([a, a])
    assert first is second is not a


def test_the_operands_may_be_a_set_and_the_derivatives_stand_third():
    x, y = Value(3.0), Value(4.0)
    made = Value(12.0, {x}, "fourfold", [4.0])
    made.backward()
    assert (x.grad, made._prev, made._children) == (4.0, (x,), (x,))
    z = Value(24.0, (x, y), (8.0, 6.0))
    assert (z._local_grads, z._op) == ((8.0, 6.0), "")
    x.grad = 0
    z.backward()
    assert (x.grad, y.grad) == (8.0, 6.0)


def test_three_operands():
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    z = Value(6.0, (a, b, c), "product", (6.0, 3.0, 2.0)) * 2.0
    z.backward()
    assert (a.grad, b.grad, c.grad) == (12.0, 6.0, 4.0)
    assert list(topological_order(z))[0] is z


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda x: Value(x), r"is no number; write x\.data"),
        (lambda x: Value([1.0]), r"Value: \[1.0\], a list, is no number$"),
        (lambda x: Value("1"), "Value: '1', a str, is no number$"),
        (
            lambda x: Value(Tensor([1.0])),
            r"a Tensor of shape \(1,\), is no number; write x\.item\(\)",
        ),
        (lambda x: Value([1.0] * 999), "^Value: .{60,90} is no number$"),
        (lambda x: Value(x * x, (x, x), "square"), r"write x\.data"),
        (lambda x: Value(1.0, (), "", "x"), "write label='x'"),
        (lambda x: Value(3.0, (x, 2.0), "+"), r"\+ has an operand 2.0, .* Value\(x\)"),
        (lambda x: Value(1.0, (x, x), "+", (1.0,)), "2 operands and 1 derivatives; wr"),
        (lambda x: Value(1.0, (), "", (1.0,)), "a result has 0 operands and 1 deriv"),
        (lambda x: setattr(x, "_backward", print), r"no operands .* Value\(z, \(x, y"),
        (lambda x: math.exp(x), r"x\.data is its number, .* x\.exp\(\)"),
        (lambda x: float(x), r"^float: a Value given; x\.data is its number"),
    ],
)
def test_what_would_lose_a_gradient_is_refused_in_one_sentence(make, says):
    with pytest.raises(TypeError, match=says):
        make(Value(2.0))


def test_a_value_is_formatted_as_its_number():
    assert f"{Value(1.23456):.2f} {Value(2.0)}" == "1.23 Value(data=2.0, grad=0)"


def test_an_operation_of_ones_own_is_opened_on_a_page():
    """Its edges too, though its local derivatives are in a function."""
    x = Value(0.5, label="x")
    t = math.tanh(0.5)
    out = Value(t, (x,), "tanh")
    out._backward = lambda: setattr(x, "grad", x.grad + (1 - t * t) * out.grad)
    graph = graph_of_values("play", out * 2.0, 300)
    assert [edge.local for edge in graph.edges] == [1 - t * t, 2.0]
