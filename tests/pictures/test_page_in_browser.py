"""The page in a real browser: opened from the disk, offline, played to its end."""

from __future__ import annotations

import re
from math import prod

import pytest
from pages import EVIL, TOKENS, attention_head, batched, hostile, long_sum

from tinygrad_attn.pictures.look.colours import digits
from tinygrad_attn.pictures.page.assemble import page as page_of

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")

HEAD = attention_head()
CARD = {card["name"]: card for card in HEAD["cards"]}
BY_ID = {card["id"]: card for card in HEAD["cards"]}
PLACES = HEAD["views"][0]["places"]
STEPS = HEAD["steps"]
FIRST_BACKWARD = next(i for i, s in enumerate(STEPS, 1) if s["kind"] == "seed")
AT_THE_END = f"{len(STEPS)} / {len(STEPS)}"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def visit(look_at):
    """Opens data as a page, at a step."""

    def opened(data=HEAD, step=None, still="", **settings):
        address = "" if step is None else f"#step={step}"
        return look_at(page_of(data, still), address, **settings)

    return opened


def step_of(tab):
    """The number that the page shows: "22 / 25" is 22."""
    return int(tab.locator("#count").inner_text().split(" / ")[0])


def written(v, power=0):
    """A number as a cell shows it."""
    if isinstance(v, str):
        return {"nan": "nan", "inf": "∞", "-inf": MINUS + "∞"}[v]
    return digits(v / 10**power)


def grids_of(step):
    """The grids that the panel shows at a step, in their order."""
    card = BY_ID[step["card"]]
    if step["kind"] == "forward":
        return [card["value"]]
    grids = [card["gradient"]]
    for send in step.get("sends", []):
        grids.append(send["grid"])
        if send["path"] > 1:
            grids.append(send["so_far"])
    return grids


CELLS = """() => [...document.querySelectorAll("#explanation table")].map(
    (table) => [...table.querySelectorAll("tbody tr")].map(
        (row) => [...row.querySelectorAll(".cell")].map((c) => [
            c.textContent, c.getAttribute("aria-label").split(": ")[1]])))"""


def assert_panel_shows(tab, step):
    """Every grid of the step, number by number: as written, and to six digits."""
    shown, grids = tab.evaluate(CELLS), grids_of(step)
    assert len(shown) == len(grids)
    for rows, grid in zip(shown, grids):
        for row, numbers in zip(rows, grid["numbers"], strict=True):
            for (text, six), v in zip(row, numbers, strict=True):
                assert text == written(v, grid["power"])
                assert value_of(six) == pytest.approx(value_of(v), rel=1e-5)


def value_of(text):
    """−1.23·10⁻⁵ as a float."""
    if not isinstance(text, str):
        return float(text)
    digits = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    plain = text.replace(MINUS, "-").replace("∞", "inf").replace("·10", "e")
    return float(plain.translate(digits))


# --- steps --------------------------------------------------------------------------


def test_every_step_shows_its_numbers_to_the_end_and_back(visit):
    tab = visit()
    for i, step in enumerate(STEPS, 1):
        assert step_of(tab) == i
        assert tab.evaluate("location.hash") == ("" if i == 1 else f"#step={i}")
        assert_panel_shows(tab, step)
        current = tab.locator(".card.current")
        assert current.get_attribute("data-card") == step["card"]
        receives = tab.locator(".card.receives").evaluate_all(
            "cards => cards.map((c) => c.dataset.card)"
        )
        assert set(receives) == {send["to"] for send in step.get("sends", [])}
        if i < len(STEPS):
            tab.locator("#next").click()
    assert not tab.locator("#next").is_enabled()
    for i in range(len(STEPS) - 1, 0, -1):
        tab.locator("#previous").click()
        assert step_of(tab) == i
        assert_panel_shows(tab, STEPS[i - 1])


def test_a_backward_step_tells_rules_and_paths(visit):
    tab = visit(step=len(STEPS))
    text = tab.locator("#explanation").inner_text()
    for said in (
        "arrives here: ∂L/∂Q",
        "sends to X (local rule × what arrived)",
        "∂X += ∂Q W_Qᵀ",
        "3 of 3 paths into X: its gradient is complete",
        "the only path into W_Q",
    ):
        assert said in text
    tab.locator("#previous").click()
    assert "2 of 3 paths into X so far" in tab.locator("#explanation").inner_text()


def test_a_forward_step_tells_shape_formula_sentence_and_rules(visit):
    tab = visit(step=4)
    text = tab.locator("#explanation").inner_text()
    said = ("S 4 × 4", "S = Q Kᵀ", "How well does query i", "∂Q += ∂S K", "∂K += ∂Sᵀ Q")
    assert [part for part in said if part not in text] == []
    tokens = tab.locator("#explanation .token").all_inner_texts()
    assert tokens == TOKENS


def test_the_seed_is_explained(visit):
    tab = visit(step=FIRST_BACKWARD)
    assert "∂L/∂L = 1" in tab.locator("#explanation").inner_text()


def test_buttons_scrubber_and_keys(visit):
    tab = visit()
    last = len(STEPS)
    tab.locator("#last").click()
    assert step_of(tab) == last
    tab.locator("#first").click()
    assert step_of(tab) == 1
    tab.locator("#scrubber").fill("6")
    assert step_of(tab) == 7
    for key, step in [
        *(("ArrowRight", 8), ("ArrowLeft", 7), ("End", last), ("ArrowRight", last)),
        *(("Home", 1), ("ArrowLeft", 1), ("b", FIRST_BACKWARD), ("f", 1)),
    ]:
        tab.keyboard.press(key)
        assert step_of(tab) == step, key


def test_it_plays_to_the_end(visit):
    tab = visit(step=len(STEPS) - 2)
    tab.locator("#speed").select_option("4")
    tab.locator("#play").click()
    assert tab.locator("#play").inner_text() == "Pause"
    playwright.expect(tab.locator("#count")).to_have_text(AT_THE_END)
    playwright.expect(tab.locator("#play")).to_have_text("Play")


def test_space_plays_and_a_step_pauses(visit):
    tab = visit()
    tab.keyboard.press(" ")
    assert tab.locator("#play").inner_text() == "Pause"
    tab.keyboard.press("ArrowRight")
    assert tab.locator("#play").inner_text() == "Play"
    assert step_of(tab) == 2


@pytest.mark.parametrize(
    "clicked", ["#next", "#last", "#closer", "#fit", "#shared", ".card"]
)
def test_space_plays_after_a_click(visit, clicked):
    tab = visit()
    tab.locator(clicked).first.click()
    tab.keyboard.press("f")
    tab.keyboard.press(" ")
    assert tab.locator("#play").inner_text() == "Pause"
    tab.keyboard.press(" ")
    assert tab.locator("#play").inner_text() == "Play"
    assert step_of(tab) == 1


def test_space_presses_a_button_that_was_reached_by_tab(visit):
    tab = visit()
    tab.locator("#next").focus()
    tab.keyboard.press(" ")
    assert step_of(tab) == 2
    assert tab.locator("#play").inner_text() == "Play"
    assert tab.evaluate("document.activeElement.id") == "next"


def test_a_link_leads_to_a_step(visit):
    tab = visit(step=12)
    assert step_of(tab) == 12
    tab.evaluate("location.hash = '#step=3'")
    playwright.expect(tab.locator("#count")).to_have_text(f"3 / {len(STEPS)}")
    tab.evaluate("location.hash = '#step=999'")
    playwright.expect(tab.locator("#count")).to_have_text(AT_THE_END)


@pytest.mark.parametrize("step", ["x", "-1", "1e3", ""])
def test_a_link_to_no_step_leads_to_the_first(visit, step):
    assert step_of(visit(step=step)) == 1


# --- cards --------------------------------------------------------------------------


def test_cards_lead_to_their_steps_by_click_and_by_enter(visit):
    tab = visit()
    card = tab.locator(f'.card[data-card="{CARD["S"]["id"]}"]')
    own = [i for i, s in enumerate(STEPS, 1) if s["card"] == CARD["S"]["id"]]
    card.click()
    assert step_of(tab) == own[0]
    card.click()
    assert step_of(tab) == own[1]
    card.click()
    assert step_of(tab) == own[0]
    tab.keyboard.press("Home")
    for _ in range(len(HEAD["cards"]) + 2):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.dataset.card") == CARD["A"]["id"]:
            break
    tab.keyboard.press("Enter")
    assert STEPS[step_of(tab) - 1] == {"kind": "forward", "card": CARD["A"]["id"]}


def leaf(tab, name):
    return tab.locator(f'.card[data-card="{CARD[name]["id"]}"]')


def test_a_leaf_has_a_panel(visit):
    tab = visit()
    leaf(tab, "W_K").click()
    assert step_of(tab) == 1
    said = tab.locator("#explanation").inner_text()
    for words in (
        "W_K 6 × 4",
        "the value of W_K",
        "no gradient yet",
        "step 2: K = X W_K",
    ):
        assert words in said
    assert "chosen" in leaf(tab, "W_K").get_attribute("class")
    (shown,) = tab.evaluate(CELLS)
    assert [[text for text, _ in row] for row in shown] == [
        [written(v) for v in row] for row in numbers("W_K")
    ]
    cell(tab, 0, 1, 2).hover()
    assert readout(tab)[0].startswith("W_K[1,2] ")
    assert "W_K" in tab.locator('[aria-live="polite"]').inner_text()
    sends = [i for i, s in enumerate(STEPS) if CARD["W_K"]["id"] in receivers(s)]
    tab.locator(f'.to-step[data-step="{sends[0]}"]').click()
    assert step_of(tab) == sends[0] + 1
    assert tab.locator(".card.chosen").count() == 0
    leaf(tab, "W_K").click()
    assert "∂L/∂W_K" in tab.locator("#explanation h3").nth(1).inner_text()
    assert len(tab.evaluate(CELLS)) == 2
    tab.keyboard.press("ArrowLeft")
    assert "W_K 6" not in tab.locator("#explanation").inner_text()


def receivers(step):
    return {send["to"] for send in step.get("sends", [])}


def test_a_leaf_clicked_again_leads_to_where_it_takes_part(visit):
    tab = visit()
    for _ in "12":
        leaf(tab, "W_K").click()
    assert CARD["W_K"]["id"] in receivers(STEPS[step_of(tab) - 1])
    leaf(tab, "mask").click()
    assert "no gradient: a constant" in tab.locator("#explanation").inner_text()
    leaf(tab, "mask").click()
    assert STEPS[step_of(tab) - 1]["card"] == CARD["H"]["id"]


COLOUR = """([id, which, i, j]) => {
    const place = PLACES.get(id)[which], view = VIEWS.get(id);
    const x = (place.x + place.columns[j] + 3) * view.density;
    const y = (place.y + place.rows[i] + 3 - HEADER) * view.density;
    const brush = new OffscreenCanvas(1, 1).getContext("2d");
    brush.drawImage(view.canvas, -Math.round(x), -Math.round(y));
    const [r, g, b] = brush.getImageData(0, 0, 1, 1).data;
    return `rgb(${r},${g},${b})`;
}"""


def test_cells_are_empty_until_their_numbers_are_there(visit):
    tab = visit()
    empty = "rgb(232,236,240)"
    s, x = CARD["S"], CARD["X"]

    def colour(card, which, i, j):
        return tab.evaluate(COLOUR, [card["id"], which, i, j])

    def expected(grid, i, j):
        arguments = [grid["numbers"][i][j], grid["palette"], grid["largest"]]
        return tab.evaluate("(a) => colour(...a).fill", arguments)

    assert colour(x, "value", 1, 0) == expected(x["value"], 1, 0) != empty
    assert colour(s, "value", 0, 1) == empty
    tab.keyboard.press("End")
    assert colour(s, "value", 0, 1) == expected(s["value"], 0, 1) != empty
    assert colour(x, "gradient", 0, 2) == expected(x["gradient"], 0, 2) != empty
    tab.keyboard.press("ArrowLeft")  # 2 of 3 paths into X
    sends = STEPS[-2]["sends"]
    assert colour(x, "gradient", 0, 2) == expected(sends[0]["so_far"], 0, 2)
    tab.keyboard.press("Home")
    assert colour(s, "value", 0, 1) == colour(x, "gradient", 0, 2) == empty


def test_one_scale_for_all_shows_which_gradients_vanish(visit):
    tab = visit(step=len(STEPS))
    first = tab.locator("#explanation td.cell").nth(11)
    own = first.evaluate("cell => cell.style.backgroundColor")
    tab.locator("#shared").check()
    largest = max(c["gradient"]["largest"] for c in HEAD["cards"] if c["gradient"])
    v = CARD["Q"]["gradient"]["numbers"][2][3]
    want = tab.evaluate("(a) => colour(...a).fill", [v, "gradient", largest])
    got = first.evaluate("cell => cell.style.backgroundColor")
    assert got.replace(" ", "") == want != own


# --- pointing -----------------------------------------------------------------------


def cell(tab, table, i, j):
    rows = tab.locator("#explanation table").nth(table).locator("tbody tr")
    return rows.nth(i).locator(".cell").nth(j)


def readout(tab):
    """The sum of a number, without what it does to the loss (test_page_why.py)."""
    return tab.locator("#readout p:not(.reason)").all_inner_texts()


def assert_sum(line, pairs):
    """'≈ a·b + c·d' with the numbers of the pairs, each to four digits."""
    whole = all(v == float(f"{v:.4g}") for pair in pairs for v in pair)
    assert line[:2] == ("= " if whole else "≈ ")
    terms = line[2:].split(" + ")
    assert len(terms) == len(pairs)
    for term, pair in zip(terms, pairs):
        for text, v in zip(re.split("·(?!10[⁰¹²³⁴-⁹⁻])", term), pair, strict=True):
            assert text.startswith("(") == (v < 0)
            assert value_of(text.strip("()")) == float(f"{v:.4g}")


def numbers(name, which="value"):
    return CARD[name][which]["numbers"]


def test_hovering_a_product_writes_its_sum_and_lights_row_and_column(visit):
    tab = visit(step=4)
    for i, j in ((1, 2), (3, 0)):
        cell(tab, 0, i, j).hover()
        symbols, terms, result = readout(tab)
        want = " + ".join(f"Q[{i},{k}]·K[{j},{k}]" for k in range(4))
        assert symbols == f"S[{i},{j}] = {want}"
        assert_sum(terms, [*zip(numbers("Q")[i], numbers("K")[j])])
        assert value_of(result[2:]) == pytest.approx(numbers("S")[i][j], rel=1e-5)
        # row i of Q and row j of K on their cards, and the number on its own
        assert tab.locator("#lights .light").count() == 3
        boxes = tab.locator("#lights .light").evaluate_all(
            "all => all.map((r) => ['y', 'width'].map((a) => +r.getAttribute(a)))"
        )
        for (y, width), name, row in zip(boxes, "QK", (i, j)):
            place = tab.evaluate("id => PLACES.get(id).value", CARD[name]["id"])
            top = PLACES[CARD[name]["id"]][1] + place["y"] + place["rows"][row] - 1
            assert y == pytest.approx(top)
            assert width == pytest.approx(place["columns"][-1] + place["w"] + 2)
    tab.locator("#title").hover()
    assert tab.locator("#lights .light").count() == 0


def test_hovering_a_number_on_a_card_writes_its_sum(visit):
    tab = visit(step=len(STEPS))
    s = CARD["S"]
    place = tab.evaluate("id => PLACES.get(id).value", s["id"])
    box = tab.locator(f'.card[data-card="{s["id"]}"]').bounding_box()
    zoom = box["width"] / s["w"]
    x = place["x"] + place["columns"][2] + place["w"] / 2
    y = place["y"] + place["rows"][1] + place["h"] / 2
    tab.mouse.move(box["x"] + x * zoom, box["y"] + y * zoom)
    assert readout(tab)[0].startswith("S[1,2] = Q[1,0]·K[2,0] + Q[1,1]·K[2,1]")


def test_other_operations_are_written_out_too(visit):
    tab = visit(step=5)
    cell(tab, 0, 1, 2).hover()
    assert readout(tab)[0] == "Z[1,2] = S[1,2] / 2"
    tab.keyboard.press("ArrowRight")
    cell(tab, 0, 1, 2).hover()
    assert readout(tab)[0] == "H[1,2] = Z[1,2] + mask[1,2]"
    assert readout(tab)[2] == f"= {MINUS}∞"
    tab.keyboard.press("ArrowRight")
    cell(tab, 0, 1, 0).hover()
    assert readout(tab)[0] == "A[1,0] = exp H[1,0] / Σⱼ exp H[1,j]"
    tab.locator("#scrubber").fill("8")
    cell(tab, 0, 0, 0).hover()
    assert readout(tab)[0] == "L = mean of all 16 numbers of O and Y"


def test_hovering_a_contribution_writes_the_chain_rule(visit):
    step = next(i for i, s in enumerate(STEPS, 1) if s == STEPS[-4])
    assert STEPS[step - 1]["card"] == CARD["S"]["id"]
    tab = visit(step=step)
    g = numbers("S", "gradient")
    cell(tab, 1, 2, 1).hover()  # to Q
    symbols, terms, result = readout(tab)
    assert symbols == "∂Q[2,1] += " + " + ".join(
        f"∂S[2,{j}]·K[{j},1]" for j in range(4)
    )
    assert_sum(terms, [(g[2][j], numbers("K")[j][1]) for j in range(4)])
    want = STEPS[step - 1]["sends"][0]["grid"]["numbers"][2][1]
    assert value_of(result[2:]) == pytest.approx(want, rel=1e-5)
    cell(tab, 2, 0, 3).hover()  # to K, which is turned
    symbols, terms, result = readout(tab)
    assert symbols == "∂K[0,3] += " + " + ".join(
        f"Q[{i},3]·∂S[{i},0]" for i in range(4)
    )
    want = STEPS[step - 1]["sends"][1]["grid"]["numbers"][0][3]
    assert value_of(result[2:]) == pytest.approx(want, rel=1e-5)


def test_every_sum_of_a_chain_gives_the_number_it_explains(visit):
    """The numbers of each sum, multiplied and added, against the data."""
    tab = visit()
    checked = tab.evaluate("""() => {
        let count = 0;
        for (STATE.step = 0; STATE.step < STEPS.length; STATE.step++) {
            for (const send of STEPS[STATE.step].sends ?? []) {
                const z = CARDS.get(STEPS[STATE.step].card);
                if (z.how.kind !== "product") continue;
                const { rows, columns } = send.grid;
                for (const i of rows) for (const j of columns) {
                    const story = sendStory(STEPS[STATE.step], send, i, j);
                    const terms = [...story.lines[0].split("+= ")[1].split(" + ")];
                    const sum = terms.reduce((s, t) => s + t.split("·").reduce(
                        (p, name) => p * look(name), 1), 0);
                    const want = numberAt(send.grid, i, j);
                    if (Math.abs(sum - want) > 1e-9) throw new Error(story.lines[0]);
                    count++;
                }
            }
        }
        return count;
        function look(name) {
            const [, d, card, i, j] = /^(∂?)(\\w+)\\[(\\d+),(\\d+)\\]$/.exec(name);
            const found = DATA.cards.find((c) => c.name === card);
            const grid = d ? gradientAt(found, STATE.step) : found.value;
            return grid.numbers[i][j];
        }
    }""")
    assert checked == 2 * 16 + 2 * 16 + 3 * (24 + 24)  # of O, S; V, K, Q


def test_a_sum_over_left_out_numbers_shows_what_is_known(visit):
    data = long_sum()
    tab = visit(data)
    cell(tab, 0, 1, 0).hover()
    symbols, terms, result = readout(tab)
    shown = [0, 1, 2, 382, 383]
    want = " + ".join(f"x[1,{k}]·y[{k},0]" for k in shown)
    assert symbols == f"z[1,0] = {want} + … (384 terms in all)"
    assert terms.endswith(" + … (384 terms in all)")
    z = data["cards"][2]["value"]["numbers"][1][0]
    assert value_of(result[2:]) == pytest.approx(z, rel=1e-5)
    assert "no gradient: a constant" in tab.locator("#explanation").inner_text()


def test_sums_find_their_numbers_in_batches_and_vectors(visit):
    """x[1,2,0]·w[0,3] + ...: looked up by their full indices, they add up."""
    data = batched()
    tab = visit(data, step=len(data["steps"]))
    told = tab.evaluate("""() => DATA.cards.filter((c) => c.how).flatMap((card) =>
        card.value.rows.flatMap((i) => card.value.columns.map((j) =>
            [valueStory(card, i, j).lines[0], numberAt(card.value, i, j)])))""")
    values = {card["name"]: card["value"] for card in data["cards"]}

    def look_up(name):
        letter, index = re.fullmatch(r"(\w)\[([\d,]+)\]", name).groups()
        at, row = [int(i) for i in index.split(",")], 0
        shape = values[letter]["shape"]
        assert len(at) == len(shape)
        for i, size in zip(at[:-1], shape):
            row = row * size + i
        return values[letter]["numbers"][row][at[-1]]

    assert len(told) == 30 + 18 + 18 + 6
    for line, v in told:
        name, terms = line.split(" = ")
        assert look_up(name) == v
        assert sum(prod(map(look_up, t.split("·"))) for t in terms.split(" + ")) == (
            pytest.approx(v)
        )


def test_truth_values_and_what_is_no_number_are_shown(visit):
    tab = visit(batched())
    texts = tab.locator("#explanation .cell").all_inner_texts()
    assert texts == ["✓", "✗", "nan", MINUS + "∞"]
    colours = tab.locator("#explanation .cell").evaluate_all(
        "cells => cells.map((c) => c.style.backgroundColor)"
    )
    slate, magenta = "rgb(82, 96, 109)", "rgb(255, 79, 216)"
    assert colours[1:] == [slate, magenta, slate]


def test_arrow_keys_walk_through_a_grid(visit):
    tab = visit(step=4)
    stops = tab.locator('#explanation td[tabindex="0"]')
    assert stops.count() == 1
    stops.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        tab.keyboard.press(key)
    assert readout(tab)[0].startswith("S[1,2] = ")
    assert stops.count() == 1
    assert step_of(tab) == 4
    tab.keyboard.press("End")
    assert readout(tab)[0].startswith("S[1,3] = ")
    tab.keyboard.press("b")  # other keys still play
    assert step_of(tab) == FIRST_BACKWARD


# --- the drawing in its frame -------------------------------------------------------


def camera(tab):
    return tab.evaluate("({x: CAMERA.x, y: CAMERA.y, zoom: CAMERA.zoom})")


def test_the_first_view_on_a_phone_shows_the_data(visit):
    tab = visit({**HEAD, "opening": "One sentence."}, size=(390, 844))
    assert tab.locator("#explanation > :first-child").inner_text() == "One sentence."
    assert tab.evaluate("inSight(DATA.cards.find((c) => c.name === 'X'), 1)")
    assert tab.evaluate("CAMERA.zoom") >= 0.5
    tab.click("#fit")
    assert all_in_sight(tab)


@pytest.mark.parametrize("size", [(830, 1100), (1280, 800), (1920, 1080)])
def test_the_first_view_shows_the_whole_and_one_sentence(visit, size):
    tab = visit({**HEAD, "opening": "One sentence."}, size=size)
    assert tab.locator("#explanation > :first-child").inner_text() == "One sentence."
    assert all_in_sight(tab)
    small = camera(tab)["zoom"] < 0.5
    tab.keyboard.press("ArrowRight")
    assert tab.locator(".opening").count() == 0
    assert camera(tab)["zoom"] >= 0.5  # to be read
    assert small == (size[0] < 1000)
    tab.keyboard.press("0")
    tab.keyboard.press("ArrowRight")
    assert all_in_sight(tab)  # as one has wished


def all_in_sight(tab):
    return tab.evaluate("DATA.cards.every((card) => inSight(card, 1))")


def test_a_link_to_a_step_shows_that_step_and_not_the_whole(visit):
    tab = visit({**HEAD, "opening": "One."}, step=12, size=(390, 844))
    assert tab.locator(".opening").count() == 0
    assert camera(tab)["zoom"] >= 0.5
    assert not all_in_sight(tab)


def test_wheel_zooms_about_the_pointer_and_fit_shows_all(visit):
    tab = visit()
    before = camera(tab)
    stage = tab.locator("#stage").bounding_box()
    x, y = 400, 300
    tab.mouse.move(stage["x"] + x, stage["y"] + y)
    tab.mouse.wheel(0, -400)
    tab.wait_for_function("zoom => CAMERA.zoom > zoom", arg=before["zoom"])
    after = camera(tab)
    for axis, at in (("x", x), ("y", y)):
        old, new = ((at - c[axis]) / c["zoom"] for c in (before, after))
        assert new == pytest.approx(old, abs=1)
    tab.keyboard.press("0")
    assert camera(tab) == pytest.approx(before)
    tab.locator("#closer").click()
    assert camera(tab)["zoom"] > before["zoom"]
    tab.locator("#fit").click()
    assert camera(tab) == pytest.approx(before)


def test_dragging_moves_the_drawing_and_is_no_click(visit):
    tab = visit()
    before = camera(tab)
    box = tab.locator(f'.card[data-card="{CARD["S"]["id"]}"]').bounding_box()
    tab.mouse.move(box["x"] + 20, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 70, box["y"] + 50, steps=5)
    tab.mouse.up()
    after = camera(tab)
    moved = after["x"] - before["x"], after["y"] - before["y"]
    assert moved == pytest.approx((50, 30), abs=1)
    assert step_of(tab) == 1


def test_the_step_is_brought_into_sight(visit):
    tab = visit()
    for _ in range(4):
        tab.locator("#closer").click()
    for key in ("End", "b", "f"):
        tab.keyboard.press(key)
        stage, card = (
            tab.locator(name).bounding_box() for name in ("#stage", ".card.current")
        )
        assert (
            stage["x"] <= card["x"] + card["width"] / 2 <= stage["x"] + stage["width"]
        )


@pytest.mark.parametrize("data", [HEAD, hostile(EVIL["long"])], ids=["head", "long"])
@pytest.mark.parametrize("size", [(360, 640), (700, 500), (1280, 800)])
def test_nothing_overflows(visit, data, size):
    width, height = size
    tab = visit(data, size=size)
    for key in ("f", "b", "End"):
        tab.keyboard.press(key)
        sizes = tab.evaluate(
            "['scrollWidth', 'scrollHeight'].map((s) => document.documentElement[s])"
        )
        assert sizes == [width, height]
        bar = tab.locator("#bar").bounding_box()
        assert bar["y"] + bar["height"] <= height + 1
        assert tab.locator("#panel").bounding_box()["height"] > 60


def test_fingers_pinch(visit):
    tab = visit(own={"has_touch": True}, size=(360, 640))
    before = camera(tab)["zoom"]
    tab.evaluate("""() => {
        const fire = (type, id, x) => STAGE.dispatchEvent(new PointerEvent(type,
            { pointerId: id, clientX: x, clientY: 150, bubbles: true }));
        STAGE.setPointerCapture = () => {};
        fire("pointerdown", 1, 150); fire("pointerdown", 2, 200);
        fire("pointermove", 2, 250);
        fire("pointerup", 2, 250); fire("pointerup", 1, 150);
    }""")
    assert camera(tab)["zoom"] == pytest.approx(2 * before)


# --- everybody ----------------------------------------------------------------------


def luminance(colour):
    """Of "rgb(1, 2, 3)", as WCAG defines it."""
    light = 0.0
    for part, v in zip((0.2126, 0.7152, 0.0722), re.findall(r"\d+", colour)):
        c = int(v) / 255
        light += part * (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4)
    return light


TEXTS = """() => [...document.querySelectorAll("body *")].filter((e) =>
    e.checkVisibility() && !e.ownerSVGElement && e.tagName !== "SCRIPT" &&
    e.getAttribute("aria-disabled") !== "true" &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
        let back = e;
        const seen = (b) => getComputedStyle(b).backgroundColor;
        while (seen(back) === "rgba(0, 0, 0, 0)" && back.parentElement)
            back = back.parentElement;
        return [e.outerHTML.slice(0, 80), getComputedStyle(e).color, seen(back)];
    })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(visit, scheme):
    tab = visit(color_scheme=scheme)
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (luminance(ground) < 0.1) == (scheme == "dark")
    for key in ("f", "b", "End"):
        tab.keyboard.press(key)
        texts = tab.evaluate(TEXTS)
        assert len(texts) > 30
        for what, ink, back in texts:
            low, high = sorted((luminance(ink), luminance(back)))
            assert (high + 0.05) / (low + 0.05) >= 4.5, what


def test_steps_are_announced_and_controls_are_named(visit):
    tab = visit(step=len(STEPS))
    live = tab.locator('[aria-live="polite"]')
    n = len(STEPS)
    assert live.inner_text() == f"Step {n} of {n}, backward: Q sends to X and W_Q."
    for button in tab.locator("button").all():
        assert button.get_attribute("aria-label") or button.inner_text()
    card = tab.locator(f'.card[data-card="{CARD["mask"]["id"]}"]')
    assert "a constant" in card.get_attribute("aria-label")


@pytest.mark.parametrize(
    ("motion", "running"),
    [("reduce", 0), ("no-preference", 2)],
    ids=["still", "moving"],
)
def test_motion_can_be_reduced(visit, motion, running):
    tab = visit(step=len(STEPS), reduced_motion=motion)
    tab.wait_for_timeout(500)  # the camera has come to rest
    assert tab.evaluate("document.getAnimations().length") == running


@pytest.mark.parametrize("name", EVIL.values(), ids=EVIL)
def test_hostile_names_are_only_shown(visit, name):
    tab = visit(hostile(name), step=15)
    shown = tab.locator("#explanation .name").inner_text()
    assert len(shown) <= 40
    assert shown.isprintable()
    assert tab.locator("img").count() == 0
    assert tab.locator("script").count() == 2
    assert tab.title() != "owned"
    cell(tab, 0, 1, 1).hover()
    assert all(len(line) <= 1200 for line in readout(tab))
    if name == EVIL["tag"]:
        assert shown == name[:39] + "…"


def test_without_a_script_there_is_the_still_picture(visit):
    still = '<svg id="still" width="10" height="10"><rect width="9" height="9"/></svg>'
    tab = visit(still=still, own={"java_script_enabled": False})
    assert tab.locator("#still").is_visible()
    assert not tab.locator("#main").is_visible()
    assert not tab.locator("#bar").is_visible()


@pytest.mark.parametrize("size", [(390, 844), (390, 664), (360, 560), (844, 390)])
def test_on_a_phone_the_sum_of_a_number_is_read_whole(visit, size):
    tab = visit(step=4, size=size, own={"has_touch": True, "is_mobile": True})
    number = cell(tab, 0, 1, 2)
    number.scroll_into_view_if_needed()
    number.tap()
    assert len(readout(tab)) == 3
    high, whole = tab.evaluate("[READOUT.clientHeight, READOUT.scrollHeight]")
    assert high >= whole > 40
    box, bar = (tab.locator(name).bounding_box() for name in ("#readout", "#bar"))
    assert box["y"] + box["height"] <= bar["y"] + 1


def long_name(data):
    """The head, whose Q has a name so long that its sums fill a phone's panel."""
    for card in data["cards"]:
        if card["name"] == "Q":
            card["name"] = "TheQueriesOfThisOneHead"
    return data


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_a_sum_that_grows_over_its_number_stays(visit, size):
    touch = {"has_touch": True, "is_mobile": True} if size[0] < 700 else {}
    tab = visit(long_name(attention_head()), step=len(STEPS), size=size, own=touch)
    last = tab.locator("#explanation .cell").last
    last.scroll_into_view_if_needed()
    box = last.bounding_box()
    at = box["x"] + 8, box["y"] + 8
    if touch:
        tab.touchscreen.tap(*at)
    else:
        tab.mouse.move(*at)
        tab.mouse.move(at[0] + 2, at[1] + 2)
    tab.wait_for_timeout(200)
    assert len(readout(tab)) == 3
    if touch:  # what was tapped stays in sight
        box, top = last.bounding_box(), tab.locator("#readout").bounding_box()["y"]
        assert box["y"] + box["height"] <= top + 1
        sizes = "all => all.map((p) => parseFloat(getComputedStyle(p).fontSize))"
        assert min(tab.locator("#readout .more").evaluate_all(sizes)) >= 16


@pytest.mark.parametrize(
    ("v", "text"),
    [(0.00002949, "2.949·10⁻⁵"), (-0.0002949, "−.0002949"), (123456.7, "1.235·10⁵")],
)
def test_a_small_number_of_a_sum_has_a_power_of_ten(visit, v, text):
    assert visit().evaluate("v => brief(v)", v) == text


def test_on_a_phone_one_taps(visit):
    assert "Point at a number" in visit().locator("#readout").inner_text()
    tab = visit(own={"has_touch": True, "is_mobile": True}, size=(390, 844))
    assert "Tap a number" in tab.locator("#readout").inner_text()
