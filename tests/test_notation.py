"""Formulas and rules with names: every operation has them, and they fit its inputs."""

from __future__ import annotations

import pytest
from conftest import assert_close

import nn
from tinygrad_attn import (
    Tensor,
    activations,
    composites,
    movement,
    nondifferentiable,
    ops,
    randn,
    record,
    unfold,
)
from tinygrad_attn import primitives as rules
from tinygrad_attn.graph.notation import WORDS, written
from tinygrad_attn.graph.tidy import without_transposes
from tinygrad_attn.op import Op

MODULES = (rules, movement, nondifferentiable, activations, composites)
OPS = {
    item.name: item
    for module in MODULES
    for item in vars(module).values()
    if isinstance(item, Op)
}


@pytest.mark.parametrize("name", OPS)
def test_every_operation_is_written(name):
    words = WORDS[name]
    assert words.formula
    assert words.sentence
    if OPS[name].vjp is None and not OPS[name].composite:
        assert not any(words.rules)  # no gradient passes
    else:
        assert any(words.rules)


def test_nothing_else_is_in_the_table():
    assert set(WORDS) == set(OPS)


def names(graph):
    return {node.id: node.name for node in graph}


def test_a_product_with_a_transposition_is_written_as_on_paper():
    Q, K = randn(3, 2).requires_grad_(), randn(4, 2).requires_grad_()
    with record():
        S = Q @ K.mT
        loss = S.sum()
    before = unfold(loss)
    graph = without_transposes(before)
    assert len(graph) == len(before) - 1
    node = graph.node("S")
    words = written(graph, node, names(graph))
    assert words.formula == "Q Kᵀ"
    assert words.rules == ["∂S K", "∂Sᵀ Q"]
    q, k = graph.inputs(node)
    assert (q.turned, k.turned) == (False, True)
    assert graph.by_id(k.source).name == "K"
    assert_close(k.contribution_array, graph.node("K").gradient_array, 0.0)


def test_what_is_transposed_twice_is_not_turned():
    x = randn(2, 3).requires_grad_()
    graph = without_transposes(unfold((x.mT.mT * 2.0).sum()))
    (edge,) = graph.inputs(graph.nodes[1])
    assert not edge.turned
    assert_close(edge.contribution_array, graph.nodes[0].gradient_array, 0.0)


def test_a_transposition_that_is_the_end_stays():
    x = randn(2, 3).requires_grad_()
    assert [n.op for n in without_transposes(unfold(x.mT))] == ["input", "permute_dims"]


def test_an_input_that_was_not_given_is_not_written():
    layer = nn.Linear(2, 3, bias=False)
    x = randn(4, 2)
    with record():
        z = layer(x)
    graph = unfold(z.sum())
    node = graph.node("Linear")
    assert written(graph, node, names(graph)).formula == "x weightᵀ"


def test_numbers_and_settings_are_written():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with record():
        half = x * 0.5
        y = ops.permute_dims(half, (1, 0))
    graph = unfold(y)
    assert written(graph, graph.node("half"), names(graph)).formula == "x ⊙ .5"
    assert written(graph, graph.root, names(graph)).formula == "half, axes (1, 0)"
