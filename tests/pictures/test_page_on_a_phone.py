"""A page on a phone: what one needs at this step, and no more."""

from __future__ import annotations

import pytest
from test_depths import encoder_layer
from test_page_operations import page_of

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

PHONE = {"has_touch": True, "is_mobile": True}
OFTEN = "#loss", "#more", "#play", "#next", "#fit", "#tabs"
AT_FIRST = "#predict", "#readout", "#legend"
NOW_AND_THEN = "#speed", "#shared", "#downhill", "#undo"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_needed_now_and_then_comes_with_the_lab(look_at, scheme):
    page = page_of(encoder_layer)
    tab = look_at(page, size=(390, 844), own=PHONE, color_scheme=scheme)
    for shown in (*OFTEN, *AT_FIRST):
        assert tab.is_visible(shown), shown
    for hidden in NOW_AND_THEN:
        assert tab.is_hidden(hidden), hidden
    tab.tap("#next")
    for shown in OFTEN:
        assert tab.is_visible(shown), shown
    for hidden in (*AT_FIRST, *NOW_AND_THEN):
        assert tab.is_hidden(hidden), hidden
    tab.tap("#more")
    for shown in (*OFTEN, *NOW_AND_THEN, "#predict", "#legend"):
        assert tab.is_visible(shown), shown
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_step_has_more_room_than_what_stands_above_it(look_at):
    tab = look_at(page_of(encoder_layer), size=(390, 844), own=PHONE)
    tab.tap("#next")
    box = """(id) => { const b = document.getElementById(id).getBoundingClientRect();
        return [b.top, b.bottom]; }"""
    panel, text = (tab.evaluate(box, id) for id in ("panel", "explanation"))
    assert panel[1] - text[0] > text[0] - panel[0]


def test_while_one_predicts_the_score_stays(look_at):
    tab = look_at(page_of(encoder_layer), size=(390, 844), own=PHONE)
    tab.tap("#predict")
    tab.evaluate("moveTo(LAST)")
    tab.locator(".guesses button").first.tap()
    assert "of 1 right" in tab.inner_text("#score")
    assert tab.is_visible("#score")


def test_an_operation_opens_where_one_can_read_it(look_at):
    tab = look_at(page_of(encoder_layer), size=(390, 844), own=PHONE)
    id = tab.evaluate("[...OPERATIONS].find(([, o]) => o.title === 'softmax')[0]")
    tab.evaluate("(id) => { openAround(id); jump(STEPS_OF.get(id)[0]); }", id)
    button = tab.get_by_role("button", name="open softmax", exact=True)
    assert button.bounding_box()["height"] >= 24
    button.tap()
    assert tab.evaluate("CAMERA.zoom") >= 0.5
    first = tab.evaluate("(id) => inSight(DRAWN.get(id + '.n1'), 0)", id)
    assert first
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_finger_has_room_on_a_number_and_its_card_stays_in_sight(look_at):
    tab = look_at(page_of(encoder_layer), size=(390, 844), own=PHONE)
    id = tab.evaluate("""() => {
        jump(0);
        const card = DATA.cards.find((c) => c.kind === 'parameter' && DRAWN.has(c.id));
        showAround(card, [card]);
        showLeaf(card.id);
        return card.id;
    }""")
    where = "(id) => VIEWS.get(id).button.getBoundingClientRect().toJSON()"
    tab.wait_for_timeout(500)
    before = tab.evaluate(where, id)
    cell = tab.locator("td.editable").first
    assert cell.bounding_box()["height"] >= 24
    cell.tap()
    assert tab.evaluate("STATE.step === LAST")
    tab.wait_for_timeout(500)
    after = tab.evaluate(where, id)
    for side in ("left", "top", "width"):
        assert after[side] == pytest.approx(before[side], abs=1)
