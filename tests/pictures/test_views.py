"""What repeats is folded on a page, and modules are closed: a click opens them."""

from __future__ import annotations

import pytest
from played import MODELS, layers, leaf, loop, page_of

from tinygrad_attn import play, unfold
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.pictures.page.script import Script


def data_of(model):
    root, settings = model()
    return Script(without_transposes(unfold(root, "op", **settings))).data("", "")


@pytest.mark.parametrize("model", [m for m in MODELS if m.__name__ != "inside"])
def test_a_step_is_drawn_with_all_that_it_takes_and_sends(model):
    data = data_of(model)
    cards = {card["id"]: card for card in data["cards"]}
    assert {step["card"] for step in data["steps"]} <= cards.keys()
    for id in cards:
        assert any(id in view["places"] for view in data["views"])
    for view in data["views"]:
        drawn = {number for line in view["lines"] for number in line["links"]}
        for number, link in enumerate(data["links"]):
            assert number in drawn or link["target"] not in view["places"]


@pytest.mark.parametrize("model", [loop, layers, *MODELS[:3]])
def test_no_two_cards_of_a_view_lie_on_each_other(model):
    data = data_of(model)
    sizes = {card["id"]: (card["w"], card["h"]) for card in data["cards"]}
    for view in data["views"]:
        boxes = [(x, y, *sizes[id]) for id, (x, y) in view["places"].items()]
        others = [*view["folded"], *view["closed"]]
        boxes += [(c["x"], c["y"], c["w"], c["h"]) for c in others]
        for i, (x, y, w, h) in enumerate(boxes):
            assert 0 <= x <= view["width"] - w
            assert 0 <= y <= view["height"] - h
            for a, b, c, d in boxes[:i]:
                assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_a_loop_has_a_view_for_every_turn_and_one_with_all():
    *views, whole = data_of(loop)["views"]
    turns = [view for view in views if view["open"] == []]
    inside = [view for view in views if view["alike"] == ["step  of "]]
    assert len(turns) == len(inside) == 20
    for number, (shut, view) in enumerate(zip(turns, inside), 1):
        names = [cluster["name"] for cluster in view["clusters"]]
        assert f"step {number} of 20" in names
        assert [card["title"] for card in shut["closed"]] == [f"step {number} of 20"]
        assert len(shut["places"]) < len(view["places"]) < 16
    titles = [[small["title"] for small in view["folded"]] for view in turns]
    assert titles[0] == ["steps 2 to 20"]
    assert titles[6] == ["steps 1 to 6", "steps 8 to 20"]
    assert titles[19] == ["steps 1 to 19"]
    assert len({view["rows"] > 1 for view in turns}) == 1  # playing, nothing jumps
    assert whole["folded"] == []
    assert len(whole["places"]) == len(data_of(loop)["cards"])


def test_layers_are_counted():
    *views, whole = data_of(layers)["views"]
    turns = [view for view in views if view["alike"] == views[0]["alike"]]
    first, second, third = turns
    for view, say in ((first, "× 3"), (second, "2 of 3"), (third, "3 of 3")):
        assert sum(cluster["name"].endswith(say) for cluster in view["clusters"]) == 1
    assert [small["title"] for small in second["folded"]] == ["1 before", "1 more"]
    assert whole["folded"] == []


def test_a_few_cards_have_one_view():
    x = leaf(3)
    data = Script(unfold((x.tanh() ** 2).sum())).data("", "")
    (view,) = data["views"]
    assert view["folded"] == view["closed"] == []


# --- in a browser ---------------------------------------------------------------------


def shown(tab):
    return tab.locator(".card:visible").count()


def names(tab):
    closed = tab.locator(".kind-closed:visible .card-title").all_text_contents()
    return [*tab.locator(".cluster-name").all_text_contents(), *closed]


def small_cards(tab):
    return tab.locator(".folded .card-title").all_text_contents()


def click_on(tab, title):
    tab.keyboard.press("0")  # all of it in sight
    tab.wait_for_timeout(50)
    titles = tab.locator(".folded .card-title")
    tab.locator(".folded").nth(
        next(i for i, t in enumerate(titles.all_inner_texts()) if t.startswith(title))
    ).click()


def test_a_loop_stands_folded_and_its_turn_follows_the_steps(look_at):
    tab = look_at(page_of(loop))
    assert small_cards(tab) == ["steps 2 to 20"]
    assert shown(tab) < 16
    seen = set()
    for i in range(tab.evaluate("STEPS.length")):
        tab.evaluate("(i) => jump(i)", i)
        assert tab.locator(".card.current").is_visible()
        receives = tab.evaluate("receiversOf(STEPS[STATE.step]).size")
        assert (tab.locator(".card.receives:visible").count() > 0) == (receives > 0)
        seen.update(name for name in names(tab) if name.startswith("step "))
    assert seen == {f"step {i} of 20" for i in range(1, 21)}


def test_a_click_on_a_small_card_opens_the_turn_beside_the_drawn_one(look_at):
    tab = look_at(page_of(loop))
    click_on(tab, "steps")
    assert "step 2 of 20" in names(tab)
    assert small_cards(tab) == ["step 1", "steps 3 to 20"]
    click_on(tab, "step 1")
    assert "step 1 of 20" in names(tab)
    tab.keyboard.press("End")
    assert "step 1 of 20" in names(tab)
    click_on(tab, "steps")
    assert "step 2 of 20" in names(tab)
    assert tab.evaluate("isBackward(STEPS[STATE.step])")


def test_a_button_draws_all_and_folds_again(look_at):
    tab = look_at(page_of(loop))
    few, button = shown(tab), tab.locator("#unfold")
    assert button.inner_text() == "open all"
    button.click()
    assert tab.locator(".card.current").is_visible()
    assert tab.evaluate("CAMERA.zoom") >= 0.5
    assert shown(tab) == tab.evaluate("DATA.cards.length")
    assert small_cards(tab) == []
    assert button.get_attribute("aria-pressed") == "true"
    tab.keyboard.press("End")
    assert shown(tab) == tab.evaluate("DATA.cards.length")
    button.click()
    assert shown(tab) < 16
    tab.keyboard.press("Home")
    assert shown(tab) == few


def test_where_nothing_is_closed_no_button_opens_it(look_at):
    x = leaf(3)
    tab = look_at(play((x.tanh() ** 2).sum(), None))
    assert not tab.locator("#unfold").is_visible()


@pytest.mark.parametrize("size", [(390, 844), (830, 900), (1280, 800), (1920, 1080)])
def test_nothing_lies_over_the_drawing(look_at, size):
    tab = look_at(page_of(loop), size=size)
    stage, tools = (tab.locator(id).bounding_box() for id in ("#stage", "#tools"))
    assert stage["y"] + stage["height"] <= tools["y"] + 0.5
    assert tab.locator("#stage #view, #stage #legend").count() == 0
    assert tab.locator("#legend").is_visible()


@pytest.mark.parametrize("size", [(390, 844), (830, 900), (1280, 800)])
def test_a_table_that_is_cut_says_so(look_at, size):
    tab = look_at(page_of(MODELS[0]), size=size)
    for i in range(tab.evaluate("STEPS.length")):
        tab.evaluate("(i) => jump(i)", i)
        tab.wait_for_timeout(30)
        cut = tab.evaluate("""() => [...document.querySelectorAll(".scroll")].filter(
            (f) => (f.scrollWidth > f.clientWidth + 1) !== f.classList.contains("more"))
            .length""")
        assert cut == 0
