"""A focus: what one tensor or number was made from, and what flows back through it."""

from __future__ import annotations

import pytest

import nn
from tinygrad_attn import manual_seed, randn, record, unfold
from tinygrad_attn.functional import causal_mask, mse_loss


@pytest.fixture
def loss(any_backend):
    manual_seed(0)
    head = nn.AttentionHead(6, 3)
    with record():
        z, _ = head(randn(4, 6), mask=causal_mask(4))
        result = mse_loss(z, randn(4, 3))
    return result


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_it_ends_in_the_tensor_with_its_gradient(loss, level):
    whole, part = unfold(loss, level), unfold(loss, level, focus="energies")
    assert part.root.name == "energies"
    assert part.root.value == whole.node("energies").value
    assert part.root.gradient == whole.node("energies").gradient
    assert {node.name for node in part} >= {"Q", "K", "W_Q", "W_K"}
    assert not {node.name for node in part} & {"V", "W_V", "weights", "loss"}
    # all of W_Q's gradient comes through the energies
    assert part.node("W_Q").gradient == whole.node("W_Q").gradient
    assert part.node("W_Q").total == whole.node("W_Q").total


def test_one_number_at_the_scalar_level(loss):
    graph = unfold(loss, "scalar", focus="Q[1,2]")
    assert graph.root.name == "Q[1,2]"
    leaves = {node.name for node in graph if not graph.inputs(node)}
    assert leaves == {f"W_Q[{i},2]" for i in range(6)} | {f"x[1,{i}]" for i in range(6)}
    whole = unfold(loss, "primitive").node("Q").gradient[1][2]
    assert graph.root.gradient == pytest.approx(whole, rel=1e-12)
    x = [graph.node(f"x[1,{i}]").value for i in range(6)]
    for i in range(6):
        share = graph.node(f"W_Q[{i},2]").gradient
        assert share == pytest.approx(whole * x[i], rel=1e-12)


def test_the_shares_through_all_numbers_add_up(loss):
    total = unfold(loss, "op").node("W_K").gradient
    so_far = [[0.0] * 3 for _ in range(6)]
    for t in range(4):
        for d in range(3):
            graph = unfold(loss, "op", focus=f"K[{t},{d}]")
            for row, add in zip(so_far, graph.node("W_K").gradient):
                row[:] = [a + b for a, b in zip(row, add)]
            assert graph.node("W_K").total == total
    for got, want in zip(so_far, total):
        assert got == pytest.approx(want, abs=1e-6)


def test_it_makes_a_graph_small_enough(loss):
    with pytest.raises(ValueError, match="about .*focus=.* smaller input.* coarser"):
        unfold(loss, "scalar", limit=250)
    assert len(unfold(loss, "scalar", focus="Q[0,0]", limit=250)) < 50


@pytest.mark.parametrize(
    ("focus", "says"),
    [
        ("Z", "'Z' given; there are Q, K"),
        ("Q[0]", "Q has shape"),
        ("Q[4,0]", "Q has shape"),
        ("Q[-1,0]", "must be a name"),
        ("", "must be a name"),
        (3, "must be a name"),
    ],
)
def test_a_wrong_focus_gets_one_sentence(loss, focus, says):
    with pytest.raises(ValueError, match="^unfold: focus") as caught:
        unfold(loss, "scalar", focus=focus)
    assert says in str(caught.value)
    with pytest.raises(ValueError, match="at level 'module'"):
        unfold(loss, "module", focus="Q")
