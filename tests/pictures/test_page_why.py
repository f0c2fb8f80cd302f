"""Why, and predicting first, in Chromium: what the page says a number does to the loss,
and a gradient that is hidden until its sign was guessed."""

from __future__ import annotations

import re

import pytest
from played import MODELS, attention, layers

from tinygrad_attn import Tensor, play, record
from tinygrad_attn.graph.unfold import graph_of

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

MINUS = "\N{MINUS SIGN}"


def small(first=0.3):
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    w = Tensor([[first, 0.1], [-0.25, 0.2]], requires_grad=True)
    with record():
        h = (x @ w).tanh()
        return (h * h + h).sum()


def change(text):
    """How much a reason says that the loss changes."""
    found = re.search(r"up \.01 → \S+ (?:(stays)|(up|down) (\S+?)),?(?: |$)", text)
    assert found, text
    if found[1]:
        return 0.0
    digits, _, power = found[3].partition("·10")
    power = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(digits) * 10.0 ** int(power or 0) * (1 if found[2] == "up" else -1)


# --- why ------------------------------------------------------------------------------


def test_a_number_says_what_it_does_to_the_loss(look_at):
    """To first order, as the engine's gradient says; after an edit anew."""
    tab = look_at(play(small(), None), "#step=2")
    slope = graph_of("test", small())
    h = next(n for n in slope if n.op == "tanh")
    for edit in None, 0.9:
        if edit is not None:
            tab.evaluate("([v]) => { setNumber('n1', 0, v); showEdit(); }", [edit])
            h = next(n for n in graph_of("test", small(edit)) if n.op == "tanh")
        for i, j in (0, 0), (1, 1):
            told = tab.evaluate(
                "([id, i, j]) => reasonOf(CARDS.get(id), i, j)", [h.id, i, j]
            )
            assert told.startswith(f"h[{i},{j}] up .01 → loss ")
            assert change(told) == pytest.approx(0.01 * h.gradient[i][j], rel=0.06)


@pytest.mark.parametrize(
    ("second", "says"), [(2.0, "x[0] up .01 → loss up .020"), (-1.0, "")]
)
def test_of_a_loss_that_is_nan_no_change_is_told(look_at, second, says):
    """It said that this nan goes up by .020."""
    x = Tensor([1.0, second], requires_grad=True)
    with record():
        loss = (x.log() * 2.0).sum()
    tab = look_at(play(loss, None), "#step=1")
    assert tab.evaluate("reasonOf(DATA.cards[0], 0, 0)") == says


def test_a_pointed_at_value_shows_its_reason(look_at):
    tab = look_at(play(small(), None), "#step=2")
    tab.hover("td.cell >> nth=0")
    assert "up .01 → loss" in tab.inner_text("#readout .reason")
    tab.evaluate("jump(FIRST_BACKWARD + 1)")
    assert "up .01 → loss" in tab.inner_text("#explanation .reason")


@pytest.mark.parametrize("model", MODELS)
def test_every_step_says_what_it_does_and_why(look_at, model):
    """Each operation's card has its sentences; a reader's own rule may have none."""
    loss, settings = model()
    tab = look_at(play(loss, None, **settings))
    own = {"squares", "reversal", "no_movement", "half_product"}
    graph = graph_of("test", loss, **settings)
    named = {n.id: n for n in graph}
    for card in tab.evaluate("DATA.cards.filter((c) => c.how)"):
        node = named[card["id"]]
        if node.op in own:
            continue
        assert card["sentence"], node
        differentiable = node.operation.differentiable
        assert bool(card["why"]) == bool(card["gradient"] or not differentiable), node


def test_of_a_part_the_reason_says_through_what(look_at):
    loss, settings = attention()
    tab = look_at(play(loss, None, **settings))
    told = tab.evaluate(
        "DATA.cards.filter((c) => c.share).map((c) => reasonOf(c, 0, 0))"
    )
    assert told
    assert all(text.endswith(", through this head and sequence") for text in told)


# --- predict first --------------------------------------------------------------------

TRUTH = """() => {
    const { send, row, column } = questionOf(STATE.step);
    return numberAt(send.grid, row, column);
}"""
KEYS = {1: "u", 0: "n", -1: "d"}


def sign(v):
    return (v > 0) - (v < 0)


def test_a_gradient_is_hidden_until_its_sign_is_guessed(look_at):
    tab = look_at(play(small(), None))
    tab.click("#predict")
    assert "predict" in tab.evaluate("location.hash")
    tab.keyboard.press("End")  # it goes no further than the question
    step = tab.evaluate("STATE.step")
    assert step == tab.evaluate("openQuestion()") < tab.evaluate("LAST")
    send = tab.evaluate("STEPS[STATE.step].sends[0]")
    card = tab.locator(f"[data-card={send['to']}]")
    assert "no gradient yet" in card.get_attribute("aria-label")
    assert tab.evaluate("id => gradientAt(CARDS.get(id), LAST)", send["to"]) is None
    assert not tab.query_selector("#explanation .send")
    assert "Which way does loss go" in tab.inner_text("#announcement")
    said = "([id]) => gradientStory(CARDS.get(id), 0, 0).lines[0]"
    assert tab.evaluate(said, [send["to"]]).endswith("not arrived yet")
    assert tab.evaluate("([id]) => reasonOf(CARDS.get(id), 0, 0)", [send["to"]]) == ""
    point = "{ card: CARDS.get(id), which: 'value', row: 0, column: 0 }"
    tab.evaluate(f"([id]) => trace({point})", [send["to"]])
    assert tab.is_hidden("#paths")
    way = sign(tab.evaluate(TRUTH))
    tab.keyboard.press(KEYS[way])
    assert "gradient arrived" in card.get_attribute("aria-label")
    assert tab.inner_text("#explanation .verdict").startswith("Right: loss ")
    assert tab.inner_text("#score") == "1 of 1 right"
    assert tab.inner_text("#announcement").endswith("1 of 1 right.")
    assert tab.query_selector("#explanation .send")


def test_right_guesses_are_counted_by_the_engines_gradients(look_at):
    """All steps, by turns right and wrong: the answers are the engine's signs."""
    loss = small()
    graph = graph_of("test", loss)
    arrays = {(e.source, e.target, e.position): e.contribution for e in graph.edges}
    tab = look_at(play(loss, None), "#predict")
    right = count = 0
    while tab.evaluate("openQuestion() < Infinity"):
        tab.evaluate("jump(LAST)")
        asked = tab.evaluate(
            """() => { const q = questionOf(STATE.step), l = DATA.links[q.send.link];
            return [l.source, l.target, l.position, q.row, q.column]; }"""
        )
        *edge, i, j = asked
        numbers = arrays[tuple(edge)]
        v = numbers[i][j] if isinstance(numbers, list) else numbers
        way = sign(v) if count % 2 else -sign(v) or 1
        tab.click(f".guesses button >> nth={1 - way}")
        right += way == sign(v)
        count += 1
        begins = "Right" if way == sign(v) else "No"
        assert tab.inner_text(".verdict").startswith(f"{begins}: loss ")
    assert count == tab.evaluate("STEPS.filter(asks).length")
    assert tab.inner_text("#score") == f"{right} of {count} right"
    tab.evaluate("jump(LAST)")
    assert tab.evaluate("STATE.step === LAST")


def test_playing_waits_at_a_question(look_at):
    tab = look_at(play(small(), None), "#step=2&predict")
    tab.evaluate(
        "() => { play(); for (let i = 0; i < 99 && STATE.playing; i++) tick(); }"
    )
    assert not tab.evaluate("STATE.playing")
    assert tab.evaluate("STATE.step === openQuestion()")


def test_without_a_way_back_there_is_nothing_to_predict(look_at):
    x = Tensor([1.0, 2.0])
    with record():
        y = (x * x).sum()
    assert look_at(play(y, None)).is_hidden("#predict")


def test_a_question_inside_a_closed_module_opens_it(look_at):
    """And closed again, it shows no gradient that is to be predicted."""
    loss, settings = layers()
    tab = look_at(play(loss, None, **settings), "#predict")
    assert tab.evaluate("CLOSED.size") > 0
    grids = """STEPS[openQuestion()].sends.filter((send) => send.path === 1)
        .map((send) => gradientAt(CARDS.get(send.to), LAST))"""
    closed = 0
    for _ in range(tab.evaluate("STEPS.filter(asks).length")):
        tab.evaluate("moveTo(LAST)")
        assert tab.evaluate("STATE.step === openQuestion()")
        assert tab.query_selector(".question")
        if closed < 2 and tab.evaluate("VIEW.open?.length"):
            closed += 1
            tab.evaluate("closeFrame(VIEW.open.at(-1))")
            assert not any(tab.evaluate(grids))
            assert not tab.query_selector("#explanation .send")
            tab.evaluate("moveTo(LAST)")
            assert tab.query_selector(".question")
        tab.evaluate("guess('up')")
        assert tab.query_selector(".verdict")
    assert closed == 2
    assert not tab.evaluate("isHidden(LAST)")
