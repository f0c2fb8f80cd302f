"""The page that plays a real computation: its steps, and that what it says is so."""

from __future__ import annotations

import json
import math
import re
from functools import cache

import pytest
from conftest import flatten

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    grad,
    manual_seed,
    ops,
    play,
    randn,
    record,
    unfold,
)
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.pictures.play import Script

MINUS = "\N{MINUS SIGN}"


def close(want, rel):
    """Equal to a number or a list of numbers, about."""
    return pytest.approx(want, rel=rel, abs=1e-12, nan_ok=True)


def leaf(*shape):
    return randn(*shape).requires_grad_()


def attention():
    """One head of two, of a layer with a mask."""
    manual_seed(0)
    layer = nn.MultiHeadAttention(6, 2)
    with record():
        z, _ = layer(leaf(2, 4, 6), is_causal=True)
        loss = (z * z).mean()
    return loss, {"head": (layer, 1), "sample": 1}


def inside():
    """A module whose result is used within it and outside of it."""

    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            h = self.a(x)
            return h, self.b(h)

    manual_seed(1)
    model = Two()
    with record():
        h, z = model(leaf(2, 3))
        loss = (h * z).sum() + (h * h).sum()
    return loss, {"module": model}


def encoder():
    manual_seed(2)
    layer = nn.TransformerEncoderLayer(4, 2, d_ff=6, dropout=0.5)
    with record():
        loss = layer(leaf(1, 3, 4)).mean()
    return loss, {}


def second_order():
    x = leaf(3)
    with record():
        (g,) = grad((x.tanh() ** 2).sum(), x, create_graph=True)
        loss = (g * g).sum()
    return loss, {}


def moved():
    """Everything that only moves numbers, sums over axes, and what is broadcast."""
    manual_seed(3)
    x, w, b, c = leaf(2, 3, 4), leaf(5, 4), leaf(4), leaf(3, 1)
    with record():
        rows = ops.take(w, Tensor([[1, 4, 1], [0, 0, 2]]))
        added = (x + rows + b) * c
        kept = ops.where(Tensor([True, False, True, True]), added, -0.5)
        turned = ops.permute_dims(kept, (1, 0, 2))
        flat = turned.reshape(6, 4)
        both = ops.concat([flat, flat[1:3, :]], axis=0)
        part = both[2:8, 1:3]
        down = part.sum(axis=0)
        across = both.max(axis=1, keepdims=True)
        wide = ops.broadcast_to(across, (8, 2))
        columns = functional.softmax(flat, axis=0)
        loss = down.sum() + wide.sum() + (columns * columns).sum()
    return loss, {}


def losses():
    manual_seed(4)
    logits = leaf(4, 3)
    with record():
        nats = functional.cross_entropy(logits, Tensor([0, 2, 1, 1]), reduction="none")
        loss = nats.mean() + functional.layer_norm(logits, (3,)).max()
    return loss, {}


MODELS = [attention, inside, encoder, second_order, moved, losses]


def script(model, level="op"):
    loss, settings = model()
    graph = unfold(loss, level, settings.pop("module", None), **settings)
    graph = without_transposes(graph) if level == "op" else graph
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
    assert len(play((large * (tall @ wide)).sum(), None)) < 250_000
    model = nn.Sequential(*(nn.TransformerEncoderLayer(8, 2, d_ff=16) for _ in "ab"))
    with record():
        loss = model.eval()(leaf(1, 6, 8)).mean()
    assert len(play(loss, None)) < 2_500_000


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"level": "module"}, ValueError, "level 'module' given; it must be 'op' or"),
        ({"level": "scalar"}, ValueError, "level 'scalar' given; it must be 'op' or"),
        ({"limit": 0}, ValueError, "limit"),
        ({"limit": 2}, ValueError, "more than 2 cannot be read"),
        ({"focus": "nothing"}, ValueError, "focus='nothing' given"),
        ({"tokens": 3}, TypeError, "tokens"),
        ({"path": 3.5}, TypeError, "PathLike"),
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


@cache
def page_of(model):
    """The same in every test, so it is made once."""
    loss, settings = model()
    return play(loss, None, **settings)


@pytest.fixture
def visit(look_at):
    """Opens the page of a model."""

    def opened(model, **settings):
        return look_at(page_of(model), **settings)

    return opened


STORIES = """() => DATA.cards.flatMap((card) => GRIDS.flatMap((which) => {
    const grid = card[which];
    if (!grid) return [];
    return grid.rows.flatMap((row) => grid.columns.map((column) =>
        [card.id, which, row, column, storyOf({ card, which, row, column }).lines]));
}))"""
SENDS = """() => STEPS.flatMap((step) => (step.sends ?? []).flatMap((send) =>
    send.grid.rows.flatMap((row) => send.grid.columns.map((column) =>
        [send.to, row, column, sendStory(step, send, row, column).lines,
         numberAt(send.grid, row, column)]))))"""


def value_of(text):
    """−1.23·10⁻⁵ as a float."""
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    plain = text.replace(MINUS, "-").replace("∞", "inf")
    plain = re.sub("·10(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])", "e", plain)
    return float({"✓": "1", "✗": "0"}.get(plain, plain.translate(digits)))


FUNCTIONS = {
    **{name: getattr(math, name) for name in ("exp", "sqrt", "log", "tanh")},
    "max": max,
    "neg": lambda x: -x,
    "relu": lambda x: max(x, 0.0),
    "where": lambda condition, x, y: x if condition else y,
}


def computed(line):
    """The number that a written sum has; None if it is no arithmetic."""
    text = line.removeprefix("= ").replace(" ^ ", "**").replace(" ≟ ", "==")
    text = re.sub("·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", to_power, text)
    for sign, plain in ((MINUS, "-"), ("·", "*"), ("✓", "1"), ("✗", "0")):
        text = text.replace(sign, plain)
    text = re.sub(r"exp (\(-?[\d.e-]+\)|[\d.e-]+|\(-∞\))", r"exp(\1)", text)
    text = text.replace("∞", "inf")
    if not re.fullmatch(r"(?:[-+*/(), \d.e]|inf|[a-z]+(?=\())+", text):
        return None
    if not set(re.findall(r"[a-z]+(?=\()", text)) <= set(FUNCTIONS):
        return None
    try:
        return float(eval(text, {"__builtins__": {}, "inf": math.inf} | FUNCTIONS))
    except (SyntaxError, TypeError):
        return None


def to_power(found):
    return "e" + found[1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))


@pytest.mark.parametrize("model", MODELS)
def test_what_the_page_says_of_each_number_is_so(visit, model):
    """Each sum that is written out in numbers of two digits is the number below it."""
    tab = visit(model)
    tab.evaluate("jump(LAST)")
    cards = {c["id"]: c for c in tab.evaluate("() => DATA.cards")}
    checked = 0
    for id, which, row, column, lines in tab.evaluate(STORIES):
        grid = cards[id][which]
        v = grid["numbers"][grid["rows"].index(row)][grid["columns"].index(column)]
        told = lines[-1].rpartition("= ")[2]
        assert value_of(told) == close(float(v), 1e-5)
        checked += agrees(lines, v, cards[id]["name"])
    for to, _, _, lines, v in tab.evaluate(SENDS):
        checked += agrees(lines, v, cards[to]["name"])
    assert checked > 20


def agrees(lines, v, name):
    """Whether there is a sum, which must be about the number."""
    if len(lines) < 2:
        return 0
    sums = [computed(line.rpartition("= ")[2]) for line in lines[1:-1]]
    for found in (s for s in sums if s is not None):
        size = 0.06 * (1.0 + len(re.findall(r" \+ |, ", " ".join(lines))))
        assert found == pytest.approx(float(v), rel=0.1, abs=size), (name, lines)
        return 1
    return 0


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
    assert tab.locator("#count").inner_text() == f"{count} / {count}"
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= 360
