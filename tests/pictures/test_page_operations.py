"""Operations that open in place on a page, into the steps that they are made of."""

from __future__ import annotations

import math
from functools import cache
from random import Random

import pytest
from again import along, assert_close, by_the_engine
from conftest import flatten
from played import activations, attention, encoder, losses, moved
from test_depths import encoder_layer, gpt
from test_page_lives import EDIT, LEAVES, NUMBERS, number

import nn
from tinygrad_attn import (
    composite,
    functional,
    manual_seed,
    play,
    randn,
    record,
    unfold,
)
from tinygrad_attn.graph.inside import inside
from tinygrad_attn.graph.notation.tidy import without_transposes

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

WHOLE = [encoder_layer, losses, activations, moved, encoder]
OPEN_ALL = """() => { for (const id of OPERATIONS.keys()) {
    OPENED.add(id); startOperation(id); } fillAll(); }"""
INSIDE = """() => Object.fromEntries([...OPERATIONS].map(([id, o]) => [id, {
    cards: o.cards.map((c) => [c.id, numbersAt(o.program, c.place.value),
        c.place.gradient && numbersAt(o.program, c.place.gradient)]),
    sends: o.steps.backward.flatMap(([, s]) => s.sends)
        .map((s) => [s.to, s.so_far.numbers.flat()]),
}]))"""


@cache
def page_of(model):
    loss, settings = model()
    return play(loss, None, **settings)


def same_in(primitive, node, op_graph):
    """The nodes that an operation is at level "primitive", in order of computing."""
    numbers = flatten(node.array.tolist())
    z = next(
        n
        for n in primitive
        if n.recorded == node.recorded and flatten(n.array.tolist()) == numbers
    )
    sources = [op_graph.by_id(e.source) for e in op_graph.inputs(node)]
    names = {n.name for n in sources}
    marks = {n.recorded for n in sources if n.recorded is not None}
    found, todo = {z.id}, [z]
    while todo:
        for edge in primitive.inputs(todo.pop()):
            source = primitive.by_id(edge.source)
            begins = source.name in names or source.recorded in marks
            if source.id not in found and not begins:
                found.add(source.id)
                todo.append(source)
    return [n for n in primitive if n.id in found]


@pytest.mark.parametrize("model", WHOLE)
def test_after_edits_the_numbers_inside_are_those_of_the_primitive_level(
    look_at, model
):
    loss, _ = model()
    tab = look_at(page_of(model))
    graph, primitive = unfold(loss), unfold(loss, "primitive")
    tidy = without_transposes(graph)
    leaf = {n.name: n.id for n in primitive if n.operation is None}
    tab.evaluate(OPEN_ALL)
    random = Random(0)
    for turn in range(3):
        leaves = tab.evaluate(LEAVES)
        for id, (dtype, numbers) in leaves.items() if turn else ():
            if dtype.startswith("float"):
                at = random.randrange(len(numbers))
                v = numbers[at] + random.gauss(0.0, 0.3)
                assert tab.evaluate(EDIT, [id, at, v]) == ""
        tab.evaluate("showEdit()")
        edit = {
            leaf[graph.by_id(id).name]: numbers
            for id, (_, numbers) in tab.evaluate(LEAVES).items()
        }
        values, gradients, _ = by_the_engine(primitive, edit)
        found = tab.evaluate(INSIDE)
        assert found or model is moved
        for id, shown in found.items():
            node = tidy.by_id(id)
            steps, begins = inside(tidy, node)
            mine = [n for n in steps if n.id not in begins]
            theirs = same_in(primitive, node, tidy)
            assert [n.op for n in mine] == [n.op for n in theirs]
            at = {f"{id}.{a.id}": b.id for a, b in zip(mine, theirs)}
            assert shown["cards"]
            for card, value, gradient in shown["cards"]:
                now = [*map(number, value)]
                assert_close(card, now, values[at[card]], values.values())
                if gradient is not None:
                    now = [*map(number, gradient)]
                    assert_close(card, now, gradients[at[card]], gradients.values())


@pytest.mark.parametrize("model", [encoder_layer, losses, attention])
def test_what_the_steps_send_adds_up_to_what_the_operation_sends(look_at, model):
    """So far, after the last of them, is what it is after the whole operation."""
    tab = look_at(page_of(model))
    tab.evaluate(OPEN_ALL)
    for edited in (False, True):
        if edited:
            leaf = "DATA.cards.find((c) => isLeaf(c) && c.dtype !== 'int64').id"
            tab.evaluate(f"setNumber({leaf}, 1, 0.75); showEdit()")
        got = sums_of_steps(tab)
        assert len(got) > 1
        for whole, last in got:
            assert_close("so far", last, whole, [whole, [1.0]])


def sums_of_steps(tab):
    return tab.evaluate("""() => [...OPERATIONS].flatMap(([id, o]) => {
        const own = STEPS.find((s) => s.card === id && s.kind === "backward");
        return own.sends.map(({ to, so_far }) => [so_far.numbers.flat(),
            o.steps.backward.flatMap(([, s]) => s.sends).filter((s) => s.to === to)
                .at(-1).so_far.numbers.flat()]);
    })""")


# --- in the drawing -------------------------------------------------------------------


def softmax_in(tab):
    return tab.evaluate("[...OPERATIONS].find(([, o]) => o.title === 'softmax')[0]")


def show(tab, id):
    """Opens the modules around a card."""
    tab.evaluate("(id) => { openAround(id); showStep(true); fit(); }", id)


def test_a_softmax_opens_in_place_and_closes_again(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.locator(f".opener[data-frame='{id}']").click()
    titles = tab.locator(".card:visible .card-title").all_inner_texts()
    for title in ("e = exp sub", "sum = Σ e over axis 1", "weights = e / sum"):
        assert title in titles
    assert not tab.locator(f".opener[data-frame='{id}']").count()
    closer = tab.locator(f".closer[data-frame='{id}']")
    assert closer.inner_text() == "softmax"
    closer.click()
    titles = tab.locator(".card:visible .card-title").all_inner_texts()
    assert "weights = softmax(masked)" in titles
    assert "e = exp sub" not in titles


def test_the_panel_opens_it_and_a_keyboard_closes_it(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.evaluate("(id) => jump(STEPS_OF.get(id)[0])", id)
    step = tab.inner_text("#count").split()[0]
    tab.get_by_role("button", name="open softmax", exact=True).focus()
    tab.keyboard.press("Enter")
    assert tab.inner_text("#count").split()[0] == f"{step}a"  # its first
    assert tab.evaluate("document.activeElement.dataset.frame") == id
    assert tab.inner_text("#announcement") == "softmax is open: 6 cards."
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.dataset.card") == id
    assert tab.inner_text("#announcement") == "softmax is closed."
    assert tab.inner_text("#count").split()[0] == step


def test_playing_goes_through_its_steps_forward_and_back(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.evaluate("(id) => openFrame(id)", id)
    tab.evaluate("moveTo(0)")
    count = tab.evaluate("ACTIVE.length")
    seen = []
    for _ in range(count):
        seen.append(tab.evaluate("[stepLabel(STATE.step), stepNow().card]"))
        assert tab.locator(".card.current:visible").count() == 1
        tab.keyboard.press("ArrowRight")
    labels = [label for label, _ in seen]
    first = next(i for i, label in enumerate(labels) if label.endswith("a"))
    forward = [label[-1] for label in labels[first : first + 6]]
    assert forward == [*"abcdef"]
    assert [label[-1] for label in labels if not label[-1].isdigit()][6:] == [*"abcd"]
    assert seen[first + 5][1] == id  # its own card is the last forward,
    assert next(card for label, card in seen[first + 6 :] if label[-1] == "a") == id
    tab.keyboard.press("End")
    for _ in range(count):
        tab.keyboard.press("ArrowLeft")
    assert tab.inner_text("#count").startswith("1 ")


def test_a_card_inside_tells_its_sums_and_its_paths(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.evaluate("(id) => openFrame(id)", id)
    tab.evaluate("moveTo(LAST)")
    story = """(name) => {
        const card = [...CARDS.values()].find((c) => c.name === name);
        return [valueStory(card, 1, 0).lines, gradientStory(card, 1, 0).lines]; }"""
    value, gradient = tab.evaluate(story, "e")
    assert value[0] == "e[1,0] = exp sub[1,0]"
    assert gradient[0].count(" from ") == 2  # of the quotient, and of the sum
    value, gradient = tab.evaluate(story, "weights")
    assert value[0] == "weights[1,0] = e[1,0] / sum[1,0]"
    tab.evaluate("(id) => closeFrame(id)", id)
    value, _ = tab.evaluate(story, "weights")
    assert "exp masked[1,0]" in value[0]
    tab.evaluate("(id) => clickCard(id)", id)
    assert "softmax" in tab.inner_text("#explanation .formula")


def test_several_are_open_at_once_and_stay_so_after_an_edit(look_at):
    tab = look_at(page_of(encoder_layer))
    tab.evaluate("unfold(true); showStep(true)")
    ids = tab.evaluate("[...OPERATIONS.keys()]")[:4]
    for id in ids:
        tab.evaluate("(id) => openFrame(id)", id)
    assert tab.evaluate("VIEW.opened") == ids
    leaf = tab.evaluate("(id) => Object.values(OPERATIONS.get(id).inputs)[1]", ids[0])
    first = INSIDE.replace("[...OPERATIONS]", "[...OPERATIONS].slice(0, 4)")
    tab.evaluate("moveTo(LAST)")
    before = tab.evaluate(first)
    tab.evaluate("(id) => { setNumber(id, 0, 3); showEdit(); }", leaf)
    assert tab.evaluate(first) != before
    marked = tab.locator(".card.other:visible").count()
    assert marked > 4
    tab.evaluate("takeBack(true)")
    assert tab.locator(".card.other:visible").count() == 0


BOXES = """() => [...DRAWN.values()].map((c) => [c.id, c.x, c.y, c.w, c.h])"""


@pytest.mark.parametrize("model", [attention, encoder_layer, gpt, losses])
def test_no_card_lies_over_another_where_operations_are_open(look_at, model):
    tab = look_at(page_of(model))
    tab.evaluate(OPEN_ALL)
    views = tab.evaluate("DATA.views.length")
    opened = 0
    for number_of_view in range(views):
        tab.evaluate("(n) => drawView(n)", number_of_view)
        opened += len(tab.evaluate("VIEW.opened"))
        boxes = tab.evaluate(BOXES)
        for i, (a, x, y, w, h) in enumerate(boxes):
            for b, x2, y2, w2, h2 in boxes[:i]:
                apart = x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
                assert apart, (number_of_view, a, b)
        width, height = tab.evaluate("[VIEW.width, VIEW.height]")
        for id, x, y, w, h in boxes:
            assert min(x, y) >= 0, id
            assert max(x + w - width, y + h - height) <= 0, id
    assert opened


def test_lines_end_at_their_cards_where_operations_are_open(look_at):
    tab = look_at(page_of(encoder_layer))
    tab.evaluate(OPEN_ALL)
    for number_of_view in range(tab.evaluate("DATA.views.length")):
        tab.evaluate("(n) => drawView(n)", number_of_view)
        ends = tab.evaluate("""() => VIEW.lines.map(({ source, target, path }) => {
            const p = pointsOf(path);
            const box = ({ x, y, w, h }) => [x, y, w, h];
            return [p.slice(0, 2), box(DRAWN.get(source)),
                p.slice(-2), box(DRAWN.get(target))];
        })""")
        for (x, y), (sx, sy, sw, sh), (x2, y2), (tx, ty, _, th) in ends:
            assert math.isclose(x, sx + sw, abs_tol=1.0)
            assert math.isclose(x2, tx, abs_tol=1.0)
            assert sy <= y <= sy + sh
            assert ty <= y2 <= ty + th


def test_an_address_holds_what_is_open_and_the_step_inside(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.evaluate("(id) => openFrame(id)", id)
    tab.evaluate("(id) => { moveTo(0); jump(APPEARS.get(id + '.n4')); }", id)
    address = tab.evaluate("location.hash")
    assert f"ops={id}" in address
    shown = tab.inner_text("#count")
    assert shown.split()[0][-1].isalpha()
    tab = look_at(page_of(attention), address, own={"locale": "en"})
    assert tab.inner_text("#count") == shown
    assert tab.evaluate("VIEW.opened") == [id]


def test_predicting_asks_of_the_whole_operation(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.evaluate("(id) => openFrame(id)", id)
    tab.evaluate("moveTo(LAST)")
    tab.locator("#predict").click()
    assert tab.evaluate("VIEW.opened") == []
    assert not tab.locator(".opener").count()
    tab.locator("#predict").click()
    assert tab.evaluate("VIEW.opened") == [id]


def test_a_wide_operation_of_a_page_of_rows_moves_only_its_row(look_at):
    manual_seed(0)
    model = nn.Sequential(
        *(m for _ in range(4) for m in (nn.Linear(8, 8), nn.GELU())), nn.Linear(8, 1)
    )
    with record():
        loss = (model(randn(6, 8)) ** 2).mean()
    tab = look_at(play(loss, None))
    assert tab.evaluate("DATA.views.some((v) => v.rows > 1)")
    rows = tab.evaluate("DATA.views.findIndex((v) => v.rows > 1)")
    tab.evaluate("(n) => drawView(n)", rows)
    ids = tab.evaluate("[...OPERATIONS.keys()].filter((id) => DRAWN.has(id))")
    for id in ids:
        tab.evaluate("(id) => openFrame(id)", id)
    boxes = tab.evaluate(BOXES)
    for i, (_, x, y, w, h) in enumerate(boxes):
        for _, x2, y2, w2, h2 in boxes[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_a_page_that_only_plays_opens_none(look_at):
    loss, _ = losses()
    tab = look_at(play(unfold(loss, "op"), None))
    assert tab.evaluate("OPERATIONS.size") > 0
    big = randn(300, 300).requires_grad_()
    with record():
        loss = (functional.softmax(big) ** 2).sum()
    tab = look_at(play(loss, None), own={"locale": "en"})
    assert tab.evaluate("OPERATIONS.size") == 0
    assert "only plays" in tab.inner_text("#only-plays")


@pytest.mark.parametrize("v", [1e308, -1e200, 1e-320])
def test_numbers_that_overflow_inside_are_the_engines_too(look_at, v):
    loss, _ = encoder_layer()
    tab = look_at(page_of(encoder_layer))
    tab.evaluate(OPEN_ALL)
    graph, primitive = unfold(loss), unfold(loss, "primitive")
    tidy = without_transposes(graph)
    leaf = {n.name: n.id for n in primitive if n.operation is None}
    floats = [
        id for id, (d, _) in tab.evaluate(LEAVES).items() if d.startswith("float")
    ]
    for id in floats[:3]:
        tab.evaluate(EDIT, [id, 5, v])
    tab.evaluate("showEdit()")
    edit = {
        leaf[graph.by_id(id).name]: numbers
        for id, (_, numbers) in tab.evaluate(LEAVES).items()
    }
    values, _, _ = by_the_engine(primitive, edit)
    texts = """() => [...OPERATIONS].map(([id, o]) => [id, o.cards.map((c) =>
        [c.id, numbersAt(o.program, c.place.value).map((v) => String(Number(v)))])])"""
    for id, cards in tab.evaluate(texts):
        node = tidy.by_id(id)
        steps, begins = inside(tidy, node)
        mine = [n for n in steps if n.id not in begins]
        theirs = same_in(primitive, node, tidy)
        at = {f"{id}.{a.id}": b.id for a, b in zip(mine, theirs)}
        for card, shown in cards:
            got = [float(text.replace("Infinity", "inf")) for text in shown]
            want = [*map(float, values[at[card]])]
            assert got == pytest.approx(want, rel=1e-9, nan_ok=True)


def test_the_first_step_may_be_inside(look_at):
    x = randn(2, 3).requires_grad_()
    with record():
        loss = (functional.softmax(x) ** 2).sum()
    tab = look_at(play(loss, None))
    first = tab.evaluate("STEPS[0].card")
    tab.evaluate("(id) => openFrame(id)", first)
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("Home")
    assert tab.inner_text("#count").startswith("1a /")
    assert tab.get_attribute("#first", "aria-disabled") == "true"
    assert tab.is_visible(".opening")
    tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#count").startswith("1b /")
    assert tab.get_attribute("#first", "aria-disabled") == "false"


def test_a_button_that_gets_the_focus_comes_into_sight(look_at):
    tab = look_at(page_of(encoder_layer))
    tab.evaluate("unfold(true); showStep(true)")
    tab.evaluate("look(0, 0, 1)")
    last = tab.evaluate("[...OPERATIONS.keys()].at(-1)")
    tab.focus(f".opener[data-frame='{last}']")
    assert tab.evaluate("(id) => inSight(DRAWN.get(id), 1)", last)


@composite("elementwise", z="x ⊙ tanh x", x="∂z")
def bent(xp, x):
    return x * xp.tanh(x)


@bent.defvjp
def bent_vjp(xp, g, z, inputs, needs, saved):
    return (g,)  # it is wrong: its steps send another gradient


def test_an_operation_that_its_steps_do_not_bear_out_opens_none(look_at):
    x = randn(2, 3).requires_grad_()
    with record():
        loss = (functional.softmax(bent(x)) ** 2).sum()
    tab = look_at(play(loss, None))
    assert tab.evaluate("[...OPERATIONS.values()].map((o) => o.title)") == ["softmax"]


def test_tab_goes_through_the_cards_in_the_order_of_computing(look_at):
    tab = look_at(page_of(attention))
    id = softmax_in(tab)
    show(tab, id)
    tab.evaluate("(id) => openFrame(id)", id)
    stops = "[...document.querySelectorAll('#cards .card:not([hidden])')]"
    found = tab.evaluate(
        f"{stops}.map((b) => b.dataset.card ?? DATA.frames[b.dataset.closed].shows)"
    )
    every = tab.evaluate("[...APPEARS]")
    made = dict(every)
    steps = [made[card] for card in found if made[card] >= 0]
    assert steps == sorted(steps)
    assert len(steps) > 8
    users = tab.evaluate("DATA.links.map((link) => [link.source, link.target])")
    for leaf in (card for card in found if made[card] < 0):
        first = min(made[target] for source, target in users if source == leaf)
        later = [made[card] for card in found[found.index(leaf) :] if made[card] >= 0]
        assert later[0] >= first
    tab.focus(f"[data-card='{id}']")
    tab.evaluate("(id) => { closeFrame(id); openFrame(id); }", id)
    assert tab.evaluate("document.activeElement.dataset.frame") == id


def look_up():
    manual_seed(3)
    x, w, y = (randn(2, 3).requires_grad_() for _ in range(3))
    with record():
        h = functional.layer_norm(x * w, (3,))
        p = functional.softmax(h)
        loss = (p * y).sum() + (p * h).sum()
    return loss


def test_paths_lead_through_the_steps_that_are_open(look_at):
    """The share of each is the engine's, along the primitives; and they add up."""
    loss = look_up()
    graph, primitive = unfold(loss), unfold(loss, "primitive")
    tab = look_at(play(loss, None))
    closed = tab.evaluate("pathsOf('n0', 1).count")
    tab.evaluate("for (const id of OPERATIONS.keys()) openFrame(id)")
    same = {n.id: m.id for n in graph for m in primitive if n.recorded == m.recorded}
    for id in tab.evaluate("[...OPERATIONS.keys()]"):
        node = graph.by_id(id)
        steps, begins = inside(graph, node)
        mine = [n for n in steps if n.id not in begins]
        pairs = zip(mine, same_in(primitive, node, graph))
        same |= {f"{id}.{a.id}": b.id for a, b in pairs if a is not steps.root}
    leaves = {same[id]: numbers for id, (_, numbers) in tab.evaluate(LEAVES).items()}
    gradients = by_the_engine(primitive, leaves)[1]
    before = tab.evaluate(INSIDE), tab.evaluate(NUMBERS)
    ids = ["n0", *tab.evaluate("[...OPERATIONS.values()].map((o) => o.cards[2].id)")]
    for id in ids:
        found = tab.evaluate("(id) => pathsOf(id, 1)", id)
        shares = [path["share"] for path in found["found"]]
        assert found["count"] == len(shares) > (closed if id == "n0" else 0)
        assert sum(shares) == pytest.approx(gradients[same[id]][1], abs=1e-12)
        for path in found["found"][:12]:
            want = along(primitive, [same[card] for card in path["cards"]], leaves)[1]
            assert path["share"] == pytest.approx(want, rel=1e-9, abs=1e-15)
    assert (tab.evaluate(INSIDE), tab.evaluate(NUMBERS)) == before


def test_a_number_inside_has_a_button_for_its_paths(look_at):
    tab = look_at(play(look_up(), None))
    id = softmax_in(tab)
    tab.evaluate("(id) => { openFrame(id); moveTo(LAST); }", id)
    inner = tab.evaluate("[...CARDS.values()].find((c) => c.name === 'e').id")
    tab.evaluate("(id) => jump(STEPS_OF.get(id)[1])", inner)
    tab.click("#explanation td.cell >> nth=0")
    tab.click("#tree .to-paths")
    told = tab.inner_text("#paths-told")
    assert told.startswith("∂loss/∂e = ") or told.startswith("∂loss/∂e[0,0] = ")
    assert tab.locator(".link.back.along").count() > 0
    tab.evaluate("(id) => closeFrame(id)", id)
    assert tab.is_hidden("#paths")


def test_many_steps_stand_in_rows(look_at):
    manual_seed(0)
    norm, x = nn.LayerNorm(16), randn(3, 16).requires_grad_()
    with record():
        loss = (norm(x) ** 2).sum()
    tab = look_at(play(loss, None))
    tab.evaluate("unfold(true); showStep(true)")
    tab.evaluate("openFrame([...OPERATIONS.keys()][0])")
    (name,) = tab.evaluate("VIEW.opened")
    frame = tab.evaluate("(id) => clusterOf(id)", name)
    assert tab.evaluate("(id) => OPERATIONS.get(id).cards.length", name) > 10
    assert frame["w"] < 1600
    heights = tab.evaluate("(id) => inFrame(id).map((card) => card.y)", name)
    assert max(heights) - min(heights) > 300
    for x, y, w, h in tab.evaluate(
        "(id) => inFrame(id).map((c) => [c.x, c.y, c.w, c.h])", name
    ):
        assert frame["x"] <= x
        assert frame["y"] <= y
        assert x + w <= frame["x"] + frame["w"]
        assert y + h <= frame["y"] + frame["h"]


@pytest.mark.parametrize("model", [attention, encoder_layer])
def test_no_title_runs_under_the_button_that_opens(look_at, model):
    tab = look_at(page_of(model))
    tab.evaluate("unfold(true); showStep(true); growTitles(1)")
    cut = tab.evaluate("""() => [...document.querySelectorAll(".card.opens")]
        .filter((b) => !b.hidden).map((b) => b.querySelector(".card-title"))
        .filter((t) => t.scrollWidth > t.clientWidth).map((t) => t.textContent)""")
    assert all(title.endswith("…") for title in cut)
    assert tab.locator(".card.opens:visible").count() > 3
