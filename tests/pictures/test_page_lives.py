"""The living page in Chromium: after edits, every number is the engine's own."""

from __future__ import annotations

import math
import re
from random import Random

import pytest
from again import assert_close, by_the_engine
from conftest import flatten
from played import MODELS, attention, inside

import nn
from tinygrad_attn import Tensor, functional, manual_seed, play, record, unfold
from tinygrad_attn.graph.unfold import graph_of
from tinygrad_attn.pictures.page.live import MOST

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

PARTS = attention, inside  # these pages show a part
MINUS = "\N{MINUS SIGN}"
LEAVES = """() => Object.fromEntries(DATA.cards.filter(isLeaf).map((c) =>
    [c.id, [c.dtype, numbersAt(PROGRAM, c.at.value)]]))"""
NUMBERS = """() => [
    Object.fromEntries(DATA.cards.map((c) => [c.id, numbersAt(PROGRAM, c.at.value)])),
    Object.fromEntries(DATA.cards.filter((c) => c.at.gradient)
        .map((c) => [c.id, numbersAt(PROGRAM, c.at.gradient)])),
    STEPS.flatMap((s) => s.sends ?? []).map((s) => numbersAt(PROGRAM, s.at)),
]"""
EDIT = "([id, at, v]) => setNumber(id, at, v)"


def number(v):
    """As JSON brings it from the page."""
    return math.nan if v is None else v


@pytest.mark.parametrize("model", MODELS)
def test_a_page_computes_what_was_recorded(look_at, model):
    """Before any edit, to all digits that the data have."""
    loss, settings = model()
    tab = look_at(play(loss, None, **settings))
    assert tab.evaluate("LIVE !== null")
    graph = graph_of("test", loss, **settings)
    values, gradients, _ = tab.evaluate(NUMBERS)
    for found, wanted in (
        (values, {n.id: n.array for n in graph}),
        (gradients, {n.id: n.gradient_array for n in graph}),
    ):
        every = {id: flatten(wanted[id].tolist()) for id in found}
        for id, numbers in found.items():
            assert_close(id, [*map(number, numbers)], every[id], every.values())


@pytest.mark.parametrize("model", [m for m in MODELS if m not in PARTS])
def test_after_edits_its_numbers_are_the_engines(look_at, model):
    """Of whole computations; a part gets its numbers from the whole."""
    loss, _ = model()
    tab = look_at(play(loss, None))
    random, graph = Random(0), graph_of("test", loss)
    for _ in range(3):
        leaves = tab.evaluate(LEAVES)
        for id, (dtype, numbers) in leaves.items():
            at = random.randrange(len(numbers))
            v = numbers[at] + random.gauss(0.0, 0.3)
            if dtype == "bool":
                v = 1 - numbers[at]
            if dtype != "int64":
                assert tab.evaluate(EDIT, [id, at, v]) == ""
        edit = {id: v for id, (_, v) in tab.evaluate(LEAVES).items()}
        want = by_the_engine(graph, edit)
        got = tab.evaluate(NUMBERS)
        for mine, theirs in zip(got, want[:2]):
            for id, numbers in mine.items():
                now = [*map(number, numbers)]
                assert_close(id, now, theirs[id], theirs.values())


# --- one head -------------------------------------------------------------------------


def encoder():
    manual_seed(3)
    embedding, layer = nn.Embedding(5, 6), nn.TransformerEncoderLayer(6, 2, 8, 0.0)
    return embedding, layer, nn.Linear(6, 5)


WEIGHT = "TransformerEncoderLayer.self_attn.k_proj.weight"
TOKENS = Tensor([[1, 2, 3, 0], [3, 2, 4, 1]])


def loss_of(embedding, layer, head):
    with record():
        logits = head(layer(embedding(TOKENS), is_causal=True))
        return functional.cross_entropy(logits.reshape(-1, 5), [0, 1, 2, 3] * 2)


def test_a_head_follows_the_whole_model(look_at):
    """An edit of one head's weight: its numbers, its shares and the loss are those of
    the model with that weight, computed anew by the engine."""
    model = encoder()
    where = {"head": (model[1].self_attn, 1), "sample": 1}
    tab = look_at(play(loss_of(*model), None, **where))
    assert tab.evaluate("ENTIRE !== null")
    graph = unfold(loss_of(*model), **where)
    card = graph.node(WEIGHT)
    position = card.positions.data[5]
    assert tab.evaluate(EDIT, [card.id, 5, 0.75]) == ""
    model[1].self_attn.k_proj.weight.array.data[position] = 0.75
    loss = loss_of(*model)
    now = unfold(loss, **where)
    assert tab.evaluate("lossNow()") == pytest.approx(loss.item(), rel=1e-9)
    values, gradients, _ = tab.evaluate(NUMBERS)
    for found, name in ((values, "value"), (gradients, "gradient")):
        every = {n.id: flatten(getattr(n, name)) for n in now if n.id in found}
        for id, numbers in found.items():
            assert_close(id, numbers, every[id], every.values())
    total = tab.evaluate(f"gradientsOf('{card.id}', 5)")[1]
    assert total == pytest.approx(flatten(now.node(WEIGHT).total)[5], rel=1e-8)


def test_a_step_downhill_is_that_of_plain_gradient_descent(look_at):
    model = encoder()
    tab = look_at(play(loss_of(*model), None, head=(model[1].self_attn, 0)))
    # the embedding's result begins the whole of a head's page: it is not learned there
    parameters = [p for m in model[1:] for p in m.parameters()]
    tab.fill("#rate", "0.25")
    tab.click("#downhill")
    tab.fill("#steps", "10")
    tab.click("#run")
    while tab.evaluate("run !== null"):
        tab.wait_for_timeout(50)
    optimizer = nn.optim.SGD(parameters, lr=0.25)
    for _ in range(11):
        optimizer.zero_grad()
        loss_of(*model).backward()
        optimizer.step()
    after = loss_of(*model).item()
    assert tab.evaluate("lossNow()") == pytest.approx(after, rel=1e-9)
    assert tab.evaluate("losses.length") == 12


# --- what a reader does ---------------------------------------------------------------


def small(first=0.3):
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    w = Tensor([[first, 0.1], [-0.25, 0.2]], requires_grad=True)
    with record():
        return ((x @ w).tanh() ** 2).sum()


def test_a_number_is_typed_stepped_dragged_and_taken_back(look_at):
    tab = look_at(play(small(), None))
    recorded = tab.inner_text("#loss")
    tab.click("[data-card=n1]")
    tab.click("td.cell >> nth=0")
    tab.fill("#number", "0.9")
    tab.press("#number", "Enter")
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == 0.9
    assert tab.inner_text("#loss") != recorded
    assert tab.inner_text("#before") == "before .3"
    tab.press("#number", "ArrowUp")
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == pytest.approx(0.91)
    tab.evaluate(
        "FIELDS.drag.value = 0.5; FIELDS.drag.dispatchEvent(new Event('input'))"
    )
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == pytest.approx(0.5)
    assert (
        tab.evaluate("DONE.length") == 1
    )  # edits of one number are taken back at once
    tab.click("#undo")
    assert tab.inner_text("#loss") == recorded
    assert tab.is_disabled("#undo")


def test_a_field_takes_what_is_typed_and_no_key_moves_the_page(look_at):
    tab = look_at(play(small(), None), "#step=2")
    tab.click("[data-card=n1]")
    tab.click("td.cell >> nth=0")
    step = tab.evaluate("STATE.step")
    tab.click("#number")
    tab.keyboard.press("Control+A")
    tab.keyboard.type("-0.05")
    assert tab.input_value("#number") == "-0.05"
    tab.keyboard.press("Enter")
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == -0.05
    assert tab.evaluate("STATE.step") == step


def test_a_nudge_says_what_the_gradient_is(look_at):
    tab = look_at(play(small(), None))
    tab.click("[data-card=n1]")
    tab.click("td.cell >> nth=0")
    tab.click("#nudge")
    told = tab.inner_text("#told").replace(MINUS, "-")
    claimed, true = re.search(
        r"changes by (\S+); it changes by (\S+)\.$", told
    ).groups()
    loss, after = small(), small(0.31)
    slope = unfold(loss).node("w").gradient[0][0]
    assert float(claimed) == pytest.approx(slope * 0.01, rel=0.01)
    assert float(true) == pytest.approx(after.item() - loss.item(), rel=0.01)
    assert tab.is_disabled("#undo")  # it was only tried


def test_what_is_no_number_is_said(look_at):
    tab = look_at(play(small(), None))
    tab.click("[data-card=n1]")
    tab.click("td.cell >> nth=0")
    tab.fill("#number", "a lot")
    tab.press("#number", "Enter")
    assert tab.inner_text("#told") == "a lot given; it must be a number"
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == 0.3
    tab.fill("#rate", "-1")
    tab.click("#downhill")
    assert "above 0" in tab.inner_text("#what")


def test_an_index_that_the_program_refuses_is_taken_back(look_at):
    manual_seed(0)
    embedding, tokens = nn.Embedding(3, 2), Tensor([0, 2])
    with record():
        loss = (embedding(tokens) ** 2).sum()
    tab = look_at(play(loss, None))
    (id,) = [n.id for n in unfold(loss) if n.dtype == "int64"]
    said = tab.evaluate(EDIT, [id, 0, 7])
    assert "7" in said
    assert "0..2" in said
    assert tab.evaluate(f"PROGRAM.arrays.{id}[0]") == 0
    assert tab.evaluate(EDIT, [id, 0, 1]) == ""


def test_an_address_holds_the_edits(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate(EDIT, ["n1", 0, 0.9])
    tab.evaluate("goDownhill(1)")
    tab.wait_for_timeout(500)
    assert tab.evaluate("location.hash").endswith("edit=n1:0=0.9,down=0.1x1")


def test_a_page_begins_with_the_edits_of_its_address(look_at):
    """What does not fit is left out."""
    edits = "n1:0=0.9,down=0.1x1,n1:0=x,n9:0=1,n1:77=1,down=-3,seed_n1:0=1,<b>"
    tab = look_at(play(small(), None), f"#step=3&edit={edits}")
    assert tab.evaluate("DONE.length") == 2
    weights = Tensor([[0.9, 0.1], [-0.25, 0.2]], requires_grad=True)
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    loss = ((x @ weights).tanh() ** 2).sum()
    loss.backward()
    after = ((x @ (weights - 0.1 * weights.grad)).tanh() ** 2).sum()
    assert tab.evaluate("lossNow()") == pytest.approx(after.item(), rel=1e-12)


def test_a_page_of_too_many_numbers_only_plays(look_at):
    x = Tensor([0.5] * MOST, requires_grad=True)
    tab = look_at(play((x * x).sum(), None))
    assert tab.evaluate("LIVE === null")
    assert "only plays" in tab.inner_text("#only-plays")
    assert tab.is_hidden("#lab")
    tab.evaluate("jump(LAST)")
