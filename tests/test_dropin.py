"""Value takes the place of micrograd's and microgpt's: only the import changes."""

from __future__ import annotations

import random
import sys
import types
from importlib import import_module
from importlib.util import find_spec

import pytest
from conftest import needs_numpy

from tinygrad_attn import Value

needs_micrograd = pytest.mark.skipif(
    not find_spec("micrograd"), reason="needs micrograd, to run its own program"
)


def train(neurons, engine):
    """A small classifier with micrograd's own layers: losses and all gradients."""
    random.seed(1337)
    model = neurons.MLP(2, [6, 6, 1])
    points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(12)]
    labels = [1.0 if x * y > 0 else -1.0 for x, y in points]
    losses = []
    for step in range(8):
        scores = [model(list(map(engine.Value, point))) for point in points]
        margins = [(1 + -y * s).relu() for y, s in zip(labels, scores)]
        data_loss = sum(margins) * (1.0 / len(margins))
        loss = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * step / 8) * p.grad
        losses.append(loss.data)
    return losses, [p.grad for p in model.parameters()]


@needs_micrograd
def test_micrograds_own_layers_train_on_our_value(monkeypatch):
    theirs = import_module("micrograd.engine")
    want = train(import_module("micrograd.nn"), theirs)
    ours = types.ModuleType("micrograd.engine")
    ours.Value = Value
    monkeypatch.setitem(sys.modules, "micrograd.engine", ours)
    monkeypatch.delitem(sys.modules, "micrograd.nn")
    got = train(import_module("micrograd.nn"), ours)
    monkeypatch.delitem(sys.modules, "micrograd.nn")
    assert got[0] == pytest.approx(want[0], rel=1e-12)
    assert got[1] == pytest.approx(want[1], rel=1e-9, abs=1e-15)


def test_a_drawing_that_walks_prev_and_op():
    """As micrograd's drawings do: nodes and edges from `_prev`, labels from `_op`."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = a * b
    c.label = "c"
    d = c + a * a
    nodes, edges = set(), []

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.append((child, v))
                build(child)

    build(d)
    assert {n._op for n in nodes} == {"", "*", "+"}
    assert {n.label for n in nodes} == {"a", "b", "c", ""}
    assert len(nodes) == 5
    assert len(edges) == 6  # a * a has both its edges
    assert all(isinstance(n.data, float) and n.grad == 0 for n in nodes)


@pytest.mark.skipif(not find_spec("graphviz"), reason="needs graphviz, for its Digraph")
def test_a_drawing_with_graphviz():
    """As micrograd's notebook draws: a box for each Value, a circle for its operation,
    and arrows from what it was made of to the circle."""
    w, x = Value(2.0), Value(-3.0)
    z = (w * x + x * x + 1.0).relu()
    z.backward()

    def trace(root):
        nodes, edges = set(), set()

        def visit(v):
            if v in nodes:
                return
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                visit(child)

        visit(root)
        return nodes, edges

    dot = import_module("graphviz").Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = trace(z)
    for n in nodes:
        text = "{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad)  # noqa: UP031
        dot.node(name=str(id(n)), label=text, shape="record")
        if n._op:
            dot.node(name=str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)

    lines = [line.strip() for line in dot.source.splitlines()]
    for v, numbers in (
        (w, "data 2.0000 | grad -3.0000"),
        (x, "data -3.0000 | grad -4.0000"),
        (z, "data 4.0000 | grad 1.0000"),
    ):
        assert f'{id(v)} [label="{{  | {numbers} }}" shape=record]' in lines
    assert f'"{id(z)}ReLU" [label=ReLU]' in lines
    assert f'"{id(z)}ReLU" -> {id(z)}' in lines
    (product,) = (v for v in nodes if set(v._prev) == {w, x})
    assert f'{id(w)} -> "{id(product)}*"' in lines
    assert sum("shape=record" in line for line in lines) == 7
    assert sum("->" in line for line in lines) == 5 + len(edges) == 5 + 7


def test_what_programs_do_with_values():
    a, b = Value(2.0), Value(3.0)
    assert sum([a, b]).data == 5.0
    assert sum([a, b], Value(0)).data == 5.0
    assert sum((v * v for v in (a, b)), b).data == 16.0
    assert (a**-0.5).data == pytest.approx(0.5**0.5)
    assert (2**b).data == 8.0
    assert (1 / a).data == 0.5
    assert (1 - a).data == -1.0
    assert (-a).data == -2.0
    assert max([a, b], key=lambda v: v.data) is b
    assert a in [a, b]
    assert [v.data for v in sorted([b, a])] == [2.0, 3.0]
    assert {a: "a"}[a] == "a"


def test_gradients_by_hand():
    """A chain rule written out, as lectures do before they have a backward."""
    a, b = Value(2.0), Value(-3.0)
    z = a * b
    z.grad = 1.0
    a.grad += b.data * z.grad
    b.grad += a.data * z.grad
    by_hand = a.grad, b.grad
    a.grad = b.grad = 0
    z.backward()
    assert (a.grad, b.grad) == by_hand == (-3.0, 2.0)
    a.grad += 1.0
    z.backward()  # a leaf adds to what it has
    assert (a.grad, b.grad) == (-5.0, 4.0)


@needs_numpy
def test_numpys_numbers_are_numbers_on_either_side():
    import numpy as np

    for kind in (np.float64, np.float32, np.int64):
        for f, want in (
            (lambda x, y: x + y, 5.0),
            (lambda x, y: x - y, 1.0),
            (lambda x, y: x * y, 6.0),
            (lambda x, y: x / y, 1.5),
            (lambda x, y: x**y, 9.0),
        ):
            for z in (f(kind(3), Value(2.0)), f(Value(3.0), kind(2))):
                assert type(z) is Value
                assert z.data == want
                assert len(z._prev) == 1
        assert bool(kind(3) > Value(2.0))
        assert bool(Value(2.0) < kind(3))
        assert Value(kind(3)).data == 3


@needs_numpy
def test_an_array_of_numpy_and_a_value_make_an_array_of_values():
    import numpy as np

    x = Value(3.0)
    numbers = np.array([1.0, 2.0])
    for z in (numbers * x, x * numbers):
        assert z.shape == (2,)
        assert [type(v) for v in z] == [Value, Value]
        assert [v.data for v in z] == [3.0, 6.0]
    z = np.exp(numbers * x).sum()  # NumPy asks each object for its own exp
    z.backward()
    assert x.grad == pytest.approx(np.exp(3.0) + 2 * np.exp(6.0))
    weights = np.array([Value(0.5), Value(-0.5)])
    assert (weights @ numbers).data == -0.5
    with pytest.raises(TypeError, match="is no number"):
        Value(numbers)


def test_a_value_can_be_made_as_micrograd_makes_them():
    a = Value(1.0)
    made = Value(3.0, (a,), "triple")
    assert (made._prev, made._op, made.grad) == ((a,), "triple", 0)
    assert repr(made) == "Value(data=3.0, grad=0)"
