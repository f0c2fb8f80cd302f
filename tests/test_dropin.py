"""Value takes the place of micrograd's and microgpt's: only the import changes."""

from __future__ import annotations

import random
import sys
import types
from importlib import import_module
from importlib.util import find_spec

import pytest

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


def test_a_language_model_of_single_numbers():
    """As microgpt does: embeddings, softmax and a loss, one Value at a time."""
    random.seed(42)
    text, letters = "abacab", "abc"
    table = [[Value(random.gauss(0, 0.1)) for _ in letters] for _ in letters]
    parameters = [p for row in table for p in row]
    losses = []
    for _ in range(30):
        terms = []
        for before, after in zip(text, text[1:]):
            logits = table[letters.index(before)]
            highest = max(v.data for v in logits)
            exps = [(v - highest).exp() for v in logits]
            total = sum(exps)
            probs = [e / total for e in exps]
            terms.append(-probs[letters.index(after)].log())
        loss = (1 / len(terms)) * sum(terms)
        loss.backward()
        for p in parameters:
            p.data -= 1.0 * p.grad
            p.grad = 0
        losses.append(loss.data)
    assert losses[0] == pytest.approx(1.0986, abs=0.1)  # ln 3: a guess
    assert losses[-1] < 0.5  # after a, b or c is a toss-up: (3/5) · ln 2 = 0.416


def test_a_value_can_be_made_as_micrograd_makes_them():
    a = Value(1.0)
    made = Value(3.0, (a,), "triple")
    assert (made._prev, made._op, made.grad) == ((a,), "triple", 0)
    assert repr(made) == "Value(data=3.0, grad=0)"
