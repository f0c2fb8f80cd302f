"""A focus: what one tensor or number was made from, and what flows back through it."""

from __future__ import annotations

import pytest

import nn
from tinygrad_attn import draw, manual_seed, randn, record, unfold
from tinygrad_attn.functional import causal_mask, mse_loss
from tinygrad_attn.pictures.page.script import Script


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
        ("Q[-1,0]", "its numbers are Q"),
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


def labels(sheet):
    """What each card calls its gradient, by the name of the card."""
    return {c.title.split(" = ")[0]: c.gradient_title for c in sheet.cards}


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_a_picture_says_that_a_gradient_is_a_share(loss, level):
    sheet = draw(loss, level, focus="weights[1,0]").sheet
    assert "share of ∂result: through weights[1,0]" in sheet.subtitle
    told = labels(sheet)
    for name in ("W_Q", "W_K", "Q", "K", "products", "weights"):
        assert told[name] == f"share of ∂result/∂{name}"
    (card,) = (c for c in sheet.cards if c.title == "W_Q")
    whole = unfold(loss, level).node("W_Q").gradient
    assert card.gradient.totals == whole  # for the tooltips
    assert "the share that flows through weights[1,0]" in card.tooltip


def test_a_gradient_that_flows_through_the_focus_alone_is_no_share(loss):
    sheet = draw(loss, focus="energies").sheet
    assert "share" not in sheet.subtitle
    told = labels(sheet)
    assert told["W_Q"] == "∂result/∂W_Q"
    assert not any("share" in text for text in told.values())
    whole = draw(loss).sheet
    assert not any("share" in text for text in labels(whole).values())


def test_single_numbers_say_that_their_gradient_is_a_share(loss):
    sheet = draw(loss, "scalar", focus="z[1,0]").sheet
    assert "share of ∂result: through z[1,0]" in sheet.subtitle
    told = labels(sheet)
    assert told["W_Q"] == "share"
    assert told["z"] == "∂result"


def test_one_head_of_two_says_where_its_gradient_is_a_share():
    layer = nn.MultiHeadAttention(4, 2)
    with record():
        x = randn(2, 3, 4).requires_grad_()
        loss = layer(x)[0].sum()
    sheet = draw(loss, head=(layer, 0)).sheet
    assert "through this head and sequence" in sheet.subtitle
    told = labels(sheet)
    assert told["x"] == "share of ∂loss/∂x"  # the other head uses it too
    assert told["weights"] == "∂loss/∂weights"


def test_a_graph_that_was_unfolded_says_it_too(loss):
    graph = unfold(loss, focus="K[0,0]")
    assert graph.through == graph.to_dict()["through"] == "K[0,0]"
    sheet = draw(graph).sheet
    assert labels(sheet)["W_K"] == "share of ∂result/∂W_K"
    assert sheet.title == "K"  # and not the loss, which is no part of it
    assert unfold(loss).through == ""


def test_a_page_says_it_too(loss):
    cards = Script(unfold(loss, focus="weights[1,0]")).data("", "")["cards"]
    assert {c["share"] for c in cards if c["gradient"]} == {"share of "}
    cards = Script(unfold(loss)).data("", "")["cards"]
    assert {c["share"] for c in cards} == {""}


def test_the_inside_of_a_module_has_the_whole_gradient_of_what_it_alone_uses():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    with record():
        x = randn(1, 2).requires_grad_()
        loss = (first(x) + second(x)).sum()
    told = labels(draw(loss, module=first).sheet)
    assert told["x"] == "share of ∂loss/∂x"
    assert "share" not in told["weight"]
