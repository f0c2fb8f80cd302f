"""Graphs computed once more by the engine, with other numbers."""

from __future__ import annotations

import itertools
import math

from conftest import flatten

from tinygrad_attn import record, use_backend
from tinygrad_attn.arrays.array import Array
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.graph.trace import trace_of
from tinygrad_attn.program.living import Again


def traced(again, edit):
    """The walk through a graph computed with other numbers, and its copy of each
    tensor."""
    for name, numbers in edit.items():
        old = again.leaves[name]
        old.array = Array([*numbers], old.shape, old.array.dtype)
    with use_backend("python"), record():
        trace = trace_of("test", again())
    return trace, {t: copy for copy, t in trace.origin.items()}


def by_the_engine(graph, edit):
    """The values, gradients and contributions of a graph whose leaves have other
    numbers: name → all of them, row by row."""
    again = Again(graph)
    trace, copies = traced(again, edit)
    values = {id: flatten(t.tolist()) for id, t in again.tensors.items()}
    mine = {id: copies[t] for id, t in again.tensors.items() if t in copies}
    gradients = {
        id: trace.gradients[t].data for id, t in mine.items() if t in trace.gradients
    }
    shares = {
        (id, i): share.data
        for id, t in mine.items()
        for i, share in enumerate(trace.shares.get(t, ()))
        if share is not None
    }
    return values, gradients, shares


def assert_close(what, got, want, all_of_them):
    """Equal, but for rounding: of the largest of all such numbers, as it flows on."""
    finite = (abs(v) for numbers in all_of_them for v in numbers if math.isfinite(v))
    assert len(got) == len(want), what
    close = 1e-9 * max(finite, default=1.0)
    for a, b in zip(got, want):
        same = a == b or (a != a and b != b) or abs(a - b) <= close
        assert same, f"{what}: {a}, not {b}"


class Along(Again):
    """A graph in which a gradient goes back along one path alone: whatever a card of it
    takes from elsewhere is held constant.

    Args:
        path: the ids of its cards, from the number to the end. Between two of them may
            stand a transpose, which is no card.
    """

    def __init__(self, graph, path):
        cards = {node.id for node in without_transposes(graph)}
        self.path, self.open = path, {*itertools.pairwise(path)}
        for a, b in itertools.pairwise(path):
            for edge in graph.uses(graph.by_id(a)):
                if edge.target not in cards:
                    self.open |= {(a, edge.target), (edge.target, b)}
        super().__init__(graph)

    def made(self, node):
        every = self.tensors
        self.tensors = {
            id: every[id] if (id, node.id) in self.open else every[id].detach()
            for id in node.arguments
            if isinstance(id, str)
        }
        try:
            t = super().made(node)
        finally:
            self.tensors = every
        return t.detach().requires_grad_() if node.id == self.path[0] else t

    def __call__(self):
        super().__call__()
        end = self.tensors[self.path[-1]]
        return (end * self.leaves.get(f"seed_{self.path[-1]}", 1.0)).sum()


def along(graph, path, edit):
    """What flows back along a path to each number of its first node, by the engine."""
    again = Along(graph, path)
    trace, copies = traced(again, edit)
    t = again.tensors[path[0]]
    return trace.gradients[copies[t]].data
