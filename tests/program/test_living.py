"""Graphs as programs of JavaScript: the numbers of each node and edge, as they were
recorded and after edits, beside the engine's own."""

from __future__ import annotations

from random import Random

import pytest
from again import assert_close, by_the_engine
from in_node import Job, needs_node, run_all

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    manual_seed,
    ops,
    randn,
    record,
)
from tinygrad_attn.graph.unfold import graph_of
from tinygrad_attn.program.living import Again, living

pytestmark = needs_node


def at(place, arrays):
    """The numbers at a place, row by row."""
    name, offset, shape, strides = place
    places = [offset]
    for size, stride in zip(shape, strides):
        places = [p + i * stride for p in places for i in range(size)]
    return [arrays[name][p] for p in places]


def run_living(graph, edits):
    """The values, gradients and contributions after each of several edits."""
    made = living(graph)
    places = [*made.values.values(), *made.gradients.values(), made.loss]
    places += made.shares.values()
    names = [*dict.fromkeys(name for name, *_ in places)]
    group = {
        name: next(
            g
            for g in ("parameters", "constants", "fixed", "locals")
            if f'memory("{g}", "{name}",' in made.text
        )
        for name in names
    }
    show = [f"{group[name]}.{name}" for name in names]
    found = run_all([Job(made.text, made.numbers | e, [{}], show) for e in edits])
    for result in found:
        assert result.loaded is None
        assert "error" not in result.steps[0]
        arrays = {n: s["array"] for n, s in zip(names, result.shown)}
        yield (
            {id: at(p, arrays) for id, p in made.values.items()},
            {id: at(p, arrays) for id, p in made.gradients.items()},
            {where: at(p, arrays) for where, p in made.shares.items()},
        )


def check(graph, seed=0, count=3):
    """The program of a graph, with its own numbers and with others."""
    random, edits = Random(seed), [{}]
    again = Again(graph)
    for _ in range(count):
        edit = {}
        for name, t in again.leaves.items():
            if t.dtype == "float64" and random.random() < 0.5:
                edit[name] = [v + random.gauss(0.0, 0.5) for v in t.array.data]
        edits.append(edit)
    for edit, got in zip(edits, run_living(graph, edits)):
        want = by_the_engine(graph, edit)
        for what, mine, theirs in zip(("value", "gradient"), got, want):
            assert mine.keys() >= theirs.keys(), what
            for id in theirs:
                name = graph.by_id(id).name
                assert_close(f"{what} of {name}", mine[id], theirs[id], theirs.values())
        assert got[2].keys() == want[2].keys()
        for where, theirs in want[2].items():
            assert_close(where, got[2][where], theirs, want[2].values())


def models():
    """Several losses, by name."""
    manual_seed(0)
    x = randn(3, 4)
    with record():
        mlp = nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 2))
        yield "mlp", (mlp(x) * randn(3, 2)).sum()
        tokens = Tensor([[1, 2, 3, 0], [3, 2, 1, 1]])
        embedding = nn.Embedding(4, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
        logits = nn.Linear(8, 4)(layer(embedding(tokens), is_causal=True))
        yield (
            "encoder",
            functional.cross_entropy(logits.reshape(-1, 4), [*range(4)] * 2),
        )
        w = Tensor([[0.5, -0.2], [0.1, 0.3]], requires_grad=True)
        h = Tensor([[1.0, 2.0]])
        for _ in range(6):
            h = (h @ w).tanh() + h
        yield "loop", (h * h).mean()
        mask = Tensor([[True, False, True, True]])
        q = Tensor(randn(2, 3, 4), requires_grad=True)
        z = functional.scaled_dot_product_attention(q, q[:, :3], q, None, 0.0, True)
        yield "attention", (z.transpose(1, 2)[0] ** 2 / 3.0).sum() + q.max() * 2.0
        y = ops.where(mask, q[0], q[1] - 1.0)
        yield "pieces", (functional.softmax(y, 0).log() * y.exp()).sum()


MODELS = dict(models())


@pytest.mark.parametrize("level", ["op", "primitive"])
@pytest.mark.parametrize("name", MODELS)
def test_a_program_computes_what_the_engine_does(name, level):
    check(graph_of("test", MODELS[name], level))


PARTS = {
    "head 0": (
        "encoder",
        {"head": ("TransformerEncoderLayer.self_attn", 0), "sample": 1},
    ),
    "head 1": ("encoder", {"head": ("TransformerEncoderLayer.self_attn", 1)}),
    "module": ("encoder", {"module": "TransformerEncoderLayer.self_attn"}),
    "focus": ("encoder", {"focus": "norm1[1,2,3]"}),
}


@pytest.mark.parametrize("level", ["op", "primitive"])
@pytest.mark.parametrize("name", PARTS)
def test_so_does_that_of_a_part(name, level):
    model, part = PARTS[name]
    check(graph_of("test", MODELS[model], level, **part))
