"""Modules that stand closed on a page, and open in place."""

from __future__ import annotations

import re
from functools import cache

import pytest
from again import assert_close, by_the_engine
from played import attention, layers, leaf, loop
from test_page_lives import EDIT, LEAVES, NUMBERS, number

import nn
from tinygrad_attn import Tensor, functional, manual_seed, play, record, unfold
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.pictures.page.script import Script

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

TOKENS = Tensor([[1, 2, 3], [3, 2, 4]])


def encoder_layer():
    manual_seed(0)
    embedding, layer = nn.Embedding(5, 4), nn.TransformerEncoderLayer(4, 2, 8, 0.0)
    head = nn.Linear(4, 5)
    with record():
        logits = head(layer(embedding(TOKENS), is_causal=True))
        loss = functional.cross_entropy(logits.reshape(-1, 5), [0, 1, 2] * 2)
    return loss, {}


def gpt():
    class GPT(nn.Module):
        def __init__(self):
            self.tokens, self.places = nn.Embedding(5, 4), nn.Embedding(3, 4)
            layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0, norm_first=True)
            self.blocks = nn.TransformerEncoder(layer, 2)
            self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 5, bias=False)

        def forward(self, tokens):
            x = self.tokens(tokens) + self.places(Tensor([0, 1, 2]))
            return self.head(self.norm(self.blocks(x, is_causal=True)))

    manual_seed(1)
    model = GPT()
    with record():
        logits = model(TOKENS)
        loss = functional.cross_entropy(logits.reshape(-1, 5), [0, 1, 2] * 2)
    return loss, {}


def encoder_decoder():
    manual_seed(2)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0), 1)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 8, 0.0), 1)
    source, target, head = nn.Embedding(5, 4), nn.Embedding(5, 4), nn.Linear(4, 5)
    with record():
        memory = encoder(source(TOKENS))
        logits = head(decoder(target(TOKENS), memory, tgt_is_causal=True))
        loss = functional.cross_entropy(logits.reshape(-1, 5), [0, 1, 2] * 2)
    return loss, {}


def mlp():
    manual_seed(3)
    model = nn.Sequential(
        nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)
    )
    with record():
        loss = ((model(leaf(5, 2)) - 1.0) ** 2).mean()
    return loss, {}


def plain():
    """Of no modules at all."""
    manual_seed(4)
    h, weights = leaf(3, 2), [leaf(2, 2) for _ in range(9)]
    with record():
        for i, w in enumerate(weights):
            h = (h @ w).tanh() if i % 3 else (h @ w).relu() + h
        loss = (h * h).sum()
    return loss, {}


ALL = [attention, encoder_layer, gpt, encoder_decoder, loop, layers, mlp, plain]


@cache
def made(model):
    loss, settings = model()
    return play(loss, None, **settings)


def data_of(model):
    loss, settings = model()
    return Script(without_transposes(unfold(loss, "op", **settings))).data("", "")


@pytest.mark.parametrize("model", ALL)
def test_the_first_view_has_few_boxes_and_begins_with_the_data(model):
    data = data_of(model)
    view = data["views"][0]
    boxes = [*view["places"], *(c["id"] for c in view["closed"])]
    assert len(boxes) + len(view["folded"]) <= 12
    first = next(
        c for c in data["cards"] if c["how"] is None and c["kind"] != "parameter"
    )
    assert first["id"] in view["places"]
    left = min(x for x, y in view["places"].values() if y <= view["height"])
    assert view["places"][first["id"]][0] <= left + 400


def classes():
    """A model smaller than what its loss takes."""
    manual_seed(6)
    model = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 4), nn.Linear(4, 3))
    with record():
        loss = functional.cross_entropy(model(leaf(4, 3)), Tensor([0, 2, 1, 1]))
    return loss, {}


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_the_first_view_opens_the_model_and_not_the_loss(level):
    loss, _ = classes()
    data = Script(without_transposes(unfold(loss, level))).data("", "")
    view = data["views"][0]
    assert view["closed"][-1]["title"] == "5 steps, to loss"
    drawn = {c["name"] for c in data["cards"] if c["id"] in view["places"]}
    assert "one_hot" not in drawn
    assert view["open"]


@pytest.mark.parametrize("model", ALL)
def test_every_card_is_drawn_or_inside_one_box_of_each_view(model):
    data = data_of(model)
    for view in data["views"]:
        held = [id for c in view["closed"] for id in data["frames"][c["id"]]["cards"]]
        hidden = [id for id in held if id not in view["places"]]
        assert len(hidden) == len({*hidden})
        if not view["folded"]:
            every = {*view["places"], *held}
            assert {step["card"] for step in data["steps"]} <= every


@pytest.mark.parametrize("model", ALL)
def test_no_card_lies_over_another(model):
    data = data_of(model)
    sizes = {card["id"]: (card["w"], card["h"]) for card in data["cards"]}
    for view in data["views"]:
        boxes = [(x, y, *sizes[id]) for id, (x, y) in view["places"].items()]
        others = [*view["folded"], *view["closed"]]
        boxes += [(c["x"], c["y"], c["w"], c["h"]) for c in others]
        for i, (x, y, w, h) in enumerate(boxes):
            for a, b, c, d in boxes[:i]:
                assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


# --- in a browser ---------------------------------------------------------------------


@pytest.mark.parametrize("model", [encoder_layer, gpt, layers])
def test_a_module_opens_in_place_and_closes_again(look_at, model):
    tab = look_at(made(model))
    id = tab.evaluate("VIEW.closed[0].id")
    tab.evaluate("fit()")
    tab.locator(f"[data-closed='{id}']").click()
    assert tab.evaluate("VIEW.open.at(-1)") == id
    assert tab.locator(f".closer[data-frame='{id}']").is_visible()
    assert tab.locator(".card.current").is_visible()
    tab.evaluate("fit()")
    tab.locator(f".closer[data-frame='{id}']").click()
    assert id not in tab.evaluate("VIEW.open")
    assert tab.locator(f"[data-closed='{id}']").is_visible()


def test_the_keyboard_opens_and_closes_and_a_screen_reader_hears_it(look_at):
    tab = look_at(made(encoder_layer))
    id = tab.evaluate("VIEW.closed[1].id")
    card = tab.locator(f"[data-closed='{id}']")
    assert card.get_attribute("aria-expanded") == "false"
    card.focus()
    tab.keyboard.press("Enter")
    closer = tab.locator(f".closer[data-frame='{id}']")
    assert closer.get_attribute("aria-expanded") == "true"
    assert tab.evaluate("document.activeElement.dataset.frame") == id
    assert "is open" in tab.inner_text("#announcement")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.dataset.closed") == id
    assert "is closed" in tab.inner_text("#announcement")


@pytest.mark.parametrize("model", ALL)
def test_playing_goes_through_closed_modules_in_one_step(look_at, model):
    """Every step is one of a stop, in order, forward and backward."""
    tab = look_at(made(model))
    tab.evaluate("moveTo(0)")
    seen = []
    for _ in range(tab.evaluate("STEPS.length")):
        seen += tab.evaluate("stepsAtHand()")
        assert tab.locator(".card.current:visible").count() == 1
        if tab.evaluate("STATE.step === LAST"):
            break
        before = tab.evaluate("STATE.step")
        tab.evaluate("move(1)")
        assert tab.evaluate("STATE.step") > before
    assert sorted(seen) == [*range(tab.evaluate("STEPS.length"))]
    for _ in range(len(seen)):
        tab.evaluate("move(-1)")
    assert tab.evaluate("stepsAtHand()[0]") == 0


def test_a_turn_of_a_loop_stays_open_in_the_next(look_at):
    tab = look_at(made(loop))
    tab.evaluate("openFrame(VIEW.closed[0].id)")
    for turn_number in range(1, 21):
        names = tab.locator(".closer").all_inner_texts()
        assert any(f"step {turn_number} of 20" in name for name in names)
        turn = tab.evaluate("VIEW.open.join()")
        while turn_number < 20 and tab.evaluate("VIEW.open.join()") == turn:
            tab.evaluate("move(1)")


def test_the_strip_has_a_bar_for_each_turn_that_leads_there(look_at):
    tab = look_at(made(loop))
    bars = tab.locator(".strip button")
    assert bars.count() == 20
    tab.evaluate("moveTo(LAST)")
    sizes = tab.evaluate("""() => [...document.querySelectorAll(".strip button")].map(
        (bar) => gradientAt(CARDS.get(bar.dataset.turn), STATE.step).largest)""")
    graph = unfold(loop()[0])
    turns = tab.evaluate("VIEW.folded[0].turns")
    for id, size in zip(turns, sizes):
        gradient = graph.by_id(id).gradient_array
        assert size == pytest.approx(max(map(abs, gradient.data)), rel=1e-6)
    bars.nth(6).focus()
    tab.keyboard.press("Enter")
    titles = tab.locator(".kind-closed:visible .card-title").all_text_contents()
    assert "step 7 of 20" in titles
    assert "of 20: the largest" in bars.nth(6).get_attribute("aria-label")


@pytest.mark.parametrize("model", [encoder_layer, mlp])
def test_closed_modules_show_the_engines_numbers_before_and_after_edits(look_at, model):
    tab = look_at(made(model))
    graph = unfold(model()[0])
    shown = """() => Object.entries(DATA.frames).map(([id, { shows }]) => [shows,
        CLOSED.get(id).value.numbers.flat(), CLOSED.get(id).gradient.numbers.flat()])"""
    for v in (None, 0.7):
        if v is not None:
            leaves = tab.evaluate(LEAVES)
            for id, (dtype, _) in leaves.items():
                if dtype.startswith("float"):
                    tab.evaluate(EDIT, [id, 0, v])
            tab.evaluate("showEdit()")
        edit = {id: numbers for id, (_, numbers) in tab.evaluate(LEAVES).items()}
        values, gradients, _ = by_the_engine(graph, edit)
        for id, value, gradient in tab.evaluate(shown):
            for got, want in ((value, values), (gradients and gradient, gradients)):
                numbers = [float(number(v)) for v in got]
                if len(numbers) == len(want[id]):
                    assert_close(id, numbers, want[id], want.values())
        got = tab.evaluate(NUMBERS)
        for id, numbers in got[0].items():
            assert_close(id, [*map(number, numbers)], values[id], values.values())


def test_an_address_keeps_a_closed_module_closed(look_at):
    tab = look_at(made(encoder_layer))
    tab.evaluate("move(1)")
    count = tab.inner_text("#count")
    assert re.search(r"#step=\d+&view=\d+", tab.evaluate("location.hash"))
    tab.evaluate("STATE.step = 0; begin(); showStep()")  # as when it is opened
    assert tab.inner_text("#count") == count


def test_a_link_to_a_step_opens_what_hides_it(look_at):
    tab = look_at(made(encoder_layer), "#step=6")
    assert tab.evaluate("STATE.step") == 5
    assert tab.evaluate("STEPS[5].card in VIEW.places")


@pytest.mark.parametrize("size", [(390, 844), (1280, 800), (1920, 1080)])
@pytest.mark.parametrize("model", [gpt, loop])
def test_the_first_view_is_seen_or_begins_at_the_data(look_at, model, size):
    tab = look_at(made(model), size=size)
    seen = tab.evaluate("""() => {
        const first = DATA.cards.find((c) => !c.how && c.kind !== "parameter");
        return inSight(DRAWN.get(first.id), 1);
    }""")
    assert seen
    assert tab.locator(".opening").is_visible()


def wide():
    """The reverse task's model: its first view is small at 1280 px."""
    manual_seed(5)
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, norm_first=True)
    with record():
        loss = nn.Linear(16, 10)(layer(leaf(1, 8, 16))).mean()
    return loss, {}


TITLES = """(selector) => [...document.querySelectorAll(selector)].map((e) => {
    const card = e.parentElement, id = card.dataset.card ?? card.dataset.closed;
    const first = PLACES.get(id)?.value;
    return {
        px: parseFloat(getComputedStyle(e).fontSize) * CAMERA.zoom,
        below: e.offsetTop + e.offsetHeight,
        cells: first ? first.y + first.rows[0] : Infinity,
        told: VIEWS.get(id)?.told ?? false,
        cut: e.scrollWidth > e.clientWidth,
    };
})"""


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("model", [wide, gpt, loop])
def test_titles_can_be_read_where_the_drawing_is_small(look_at, model, width):
    """They grow, up to the cells and no further, and the labels there make room."""
    tab = look_at(made(model), size=(width, width * 5 // 8))
    tab.wait_for_timeout(300)
    titles = tab.evaluate(TITLES, ".card:not([hidden]) .card-title")
    least = tab.evaluate("8 * CAMERA.zoom * WORLD.style.getPropertyValue('--far')")
    for title in titles:
        assert title["px"] >= 7.99
        assert title["below"] <= title["cells"]
        assert not (title["told"] and title["below"] > 26)
        assert title["px"] < least + 0.01 or not title["cut"]
    if model is wide and width == 1280:
        assert tab.evaluate("CAMERA.zoom") < 0.6
        assert max(title["px"] for title in titles) > 10


def test_what_has_the_focus_is_in_sight(look_at):
    """Also the names of open modules, which close them."""
    tab = look_at(made(wide))
    tab.evaluate("jump(LAST); look(-9000, -9000, 1)")
    names = tab.locator(".closer")
    assert names.count() > 1
    for i in range(names.count()):
        tab.evaluate("look(-9000, -9000, 1)")
        names.nth(i).focus()
        tab.wait_for_timeout(100)
        box, stage = names.nth(i).bounding_box(), tab.locator("#stage").bounding_box()
        for at, size in (("x", "width"), ("y", "height")):
            assert stage[at] <= box[at]
            assert box[at] + box[size] <= stage[at] + stage[size]
