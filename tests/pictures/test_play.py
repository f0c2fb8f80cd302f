"""The page that plays a real computation: its steps, and that what it says is so."""

from __future__ import annotations

import json
import math
import re

import pytest
from conftest import flatten
from played import MODELS, attention, inside, leaf, losses, moved, page_of

import nn
from tinygrad_attn import (
    Tensor,
    play,
    randn,
    record,
    unfold,
)
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.pictures.page.script import Script

MINUS = "\N{MINUS SIGN}"


def close(want, rel):
    """Equal to a number or a list of numbers, about."""
    return pytest.approx(want, rel=rel, abs=1e-12, nan_ok=True)


def script(model, level="op"):
    loss, settings = model()
    graph = unfold(loss, level, settings.pop("module", None), **settings)
    graph = without_transposes(graph)
    return graph, Script(graph).data("title", "below")


@pytest.mark.parametrize("level", ["op", "primitive"])
@pytest.mark.parametrize("model", MODELS)
def test_every_number_comes_before_its_use_and_every_gradient_is_whole(model, level):
    graph, data = script(model, level)
    cards = {card["id"]: card for card in data["cards"]}
    there = {node.id for node in graph if not graph.inputs(node)}
    kinds = [step["kind"] for step in data["steps"]]
    assert kinds == sorted(kinds, key=["forward", "seed", "backward"].index)
    collected, arrived = {}, {}
    for step in data["steps"]:
        id = step["card"]
        if step["kind"] == "forward":
            assert {e.source for e in graph.inputs(graph.by_id(id))} <= there
            there.add(id)
        elif step["kind"] == "seed":
            collected[id] = flatten(step.get("grid", cards[id]["gradient"])["numbers"])
            arrived[id] = 1, step.get("paths", 1)
        else:
            got, of = arrived[id]
            assert got == of, "a card sends before all has arrived"
            for send in step["sends"]:
                to, share = send["to"], flatten(send["grid"]["numbers"])
                before = collected.get(to, [0.0] * len(share))
                collected[to] = [a + b for a, b in zip(before, share)]
                assert collected[to] == close(flatten(send["so_far"]["numbers"]), 1e-5)
                assert send["path"] == arrived.get(to, (0, 0))[0] + 1
                arrived[to] = send["path"], send["paths"]
    assert there == set(cards)
    for node in graph:
        if node.gradient_array is None:
            assert node.id not in collected
            continue
        assert arrived[node.id][0] == arrived[node.id][1]
        whole = flatten(cards[node.id]["gradient"]["numbers"])
        assert collected[node.id] == close(whole, 1e-5)


def test_what_comes_to_a_module_from_outside_is_a_path_of_its_own():
    graph, data = script(inside)
    seeds = [step for step in data["steps"] if step["kind"] == "seed"]
    assert len(seeds) == 2
    partial = next(step for step in seeds if "grid" in step)
    assert partial["paths"] == 2
    assert len(graph.uses(graph.by_id(partial["card"]))) == 1


@pytest.mark.parametrize("model", MODELS)
def test_the_origins_of_moved_numbers_are_those_numbers(model):
    graph, data = script(model)
    moves = [c for c in data["cards"] if c["how"] and c["how"]["kind"] == "moved"]
    assert moves or model is not moved
    for card in moves:
        how = card["how"]
        for line, numbers in zip(how["origins"], card["value"]["numbers"]):
            for (which, at), v in zip(line, numbers):
                x = graph.by_id(how["inputs"][which])
                assert float(v) == close(float(flatten(x.value)[at]), 1e-6)


def test_tokens_that_label_no_rows_are_refused():
    loss = (leaf(4, 3) * 2.0).sum()
    assert play(loss, None, tokens="abcd")
    with pytest.raises(ValueError, match=r"^play: 3 tokens given; .* there are 4$"):
        play(loss, None, tokens="abc")


@pytest.mark.parametrize("size", [math.nan, math.inf, 1e300, 1e-300])
def test_numbers_that_json_does_not_have_are_words(size):
    x = Tensor([[size, 1.0]], requires_grad=True)
    page = play((x * x * 1e300).sum(), None)
    data = page.split('type="application/json">')[1].split("</script>")[0]
    json.loads(data, parse_constant=pytest.fail)


def test_a_page_is_as_large_as_what_is_shown_and_no_larger():
    large, tall, wide = leaf(200, 200), leaf(200, 2), leaf(2, 200)
    page = play((large * (tall @ wide)).sum(), None)
    assert len(page) - len(play((leaf(2) * 2.0).sum(), None)) < 100_000
    model = nn.Sequential(*(nn.TransformerEncoderLayer(8, 2, d_ff=16) for _ in "ab"))
    with record():
        loss = model.eval()(leaf(1, 6, 8)).mean()
    assert len(play(loss, None)) < 2_500_000


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"level": "number"}, ValueError, "level 'number' given; it must be one of"),
        ({"limit": 0}, ValueError, "limit"),
        ({"limit": 2}, ValueError, "more than 2 cannot be read"),
        ({"focus": "nothing"}, ValueError, "focus='nothing' given"),
        ({"tokens": 3}, TypeError, "tokens"),
        ({"path": 3.5}, TypeError, "PathLike"),
        ({"focus": "mul[2]"}, ValueError, r"numbers are mul\[0\] to mul\[1\]"),
        ({"focus": "mul[-1]"}, ValueError, r"numbers are mul\[0\] to mul\[1\]"),
        ({"focus": "loss[0]"}, ValueError, "loss is a single number: write 'loss'"),
    ],
)
def test_bad_settings_get_one_sentence(settings, error, words):
    loss = (leaf(2) * 2.0).sum()
    with pytest.raises(error, match=words) as caught:
        play(loss, **({"path": None} | settings))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("play: ")


@pytest.mark.parametrize("given", [3, None, [1.0]])
def test_what_is_no_computation_is_refused(given):
    with pytest.raises(TypeError, match=r"^play: .* given"):
        play(given, None)


def test_without_a_gradient_there_is_only_the_way_forward():
    with record():
        y = randn(2, 2) @ randn(2, 2)
    data = Script(unfold(y)).data("", "")
    assert {step["kind"] for step in data["steps"]} == {"forward"}


# --- in a browser ---------------------------------------------------------------------


@pytest.fixture
def visit(look_at):
    """Opens the page of a model."""

    def opened(model, **settings):
        return look_at(page_of(model), **settings)

    return opened


def value_of(text):
    """−1.23·10⁻⁵ as a float."""
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    plain = text.replace(MINUS, "-").replace("∞", "inf")
    plain = re.sub("·10(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])", "e", plain)
    return float({"✓": "1", "✗": "0"}.get(plain, plain.translate(digits)))


def test_the_panel_of_a_head_shows_the_engines_numbers(visit):
    loss, settings = attention()
    graph = without_transposes(unfold(loss, "op", **settings))
    tab = visit(attention)
    steps = tab.evaluate("() => STEPS.map((step) => [step.kind, step.card])")
    for i, (kind, card) in enumerate(steps):
        tab.evaluate("(i) => jump(i)", i)
        labels = tab.eval_on_selector_all(
            "#explanation table:first-of-type .cell",
            "(cells) => cells.map((c) => c.getAttribute('aria-label'))",
        )
        node = graph.by_id(card)
        array = node.value if kind == "forward" else node.gradient
        numbers = flatten(array) if isinstance(array, list) else [array]
        shown = [value_of(label.split(": ")[1]) for label in labels[: len(numbers)]]
        masked = [-math.inf if v <= -1e29 else float(v) for v in numbers]
        assert shown == close(masked, 1e-5)


def test_no_title_is_cut_that_has_room(visit):
    tab = visit(attention)
    tab.evaluate("growTitles(1)")
    cut = tab.eval_on_selector_all(
        ".card-title",
        "(all) => all.filter((t) => t.scrollWidth > t.clientWidth)"
        ".map((t) => t.textContent)",
    )
    assert all(title.endswith("…") for title in cut)


@pytest.mark.parametrize("model", [attention, losses])
def test_no_card_has_a_hole_or_a_label_that_leaves_it(visit, model):
    tab = visit(model)
    empty = tab.evaluate(
        """() => DATA.cards.filter((card) => {
            const ends = Object.values(PLACES.get(card.id)).map(
                (place) => place.y + (place.rows.at(-1) ?? 0) + place.h);
            return card.h - Math.max(...ends) > 40;
        }).map((card) => card.name)"""
    )
    assert empty == []
    squeezed = tab.evaluate(
        """() => DATA.cards.filter((card) => card.gradient).filter((card) => {
            const brush = document.createElement("canvas").getContext("2d");
            brush.font = "9.5px Helvetica, Arial, sans-serif";
            const { width } = brush.measureText(derivative(card));
            return width < 140 && width > PLACES.get(card.id).gradient.slot.width;
        }).map((card) => card.name)"""
    )
    assert squeezed == []


@pytest.mark.parametrize("model", MODELS)
def test_every_step_of_every_model_is_shown_on_a_phone_in_the_dark(visit, model):
    tab = visit(model, size=(360, 700), color_scheme="dark")
    count = tab.evaluate("""() => {
        const key = { key: "ArrowRight", bubbles: true };
        STEPS.forEach(() => {
            document.body.dispatchEvent(new KeyboardEvent("keydown", key));
        });
        return STEPS.length;
    }""")
    assert tab.locator("#count").inner_text().endswith(f"{count} / {count}")
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 360


def opening_of(root):
    page = play(root, None)
    data = page.split('type="application/json">')[1].split("</script>")[0]
    return json.loads(data)["opening"]


def test_a_page_opens_with_one_sentence():
    x, w = leaf(2, 3), leaf(3, 1)
    assert opening_of((x @ w).sum()) == (
        "2 steps forward compute loss from 2 inputs; 2 steps backward find how much "
        "each number changes loss."
    )
    with record():
        y = randn(2, 2) @ randn(2, 2)
    assert opening_of(y) == (
        "1 step forward computes y from 2 constants; no gradient flows back."
    )


def test_the_opening_of_a_model_counts_its_parameters():
    layer = nn.Linear(3, 2)
    with record():
        loss = layer(leaf(1, 3) * 2.0).sum()
    assert "from 1 input and 2 parameters; " in opening_of(loss)
