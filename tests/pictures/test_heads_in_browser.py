"""The page of all heads in a real browser: a phone's and a wide one, light and dark."""

from __future__ import annotations

import math

import pytest

from tinygrad_attn import draw_attention
from tinygrad_attn.pictures.look.colours import PROBABILITIES, shade

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

TOKENS = ["the", "cat", "sat", "down", "on", "the", "mat", "."]
SIZES = [(390, 844), (830, 1100), (1280, 800), (1920, 1080)]
READOUT = "#readout"


def weights(head, count):
    """Causal weights, each row adding up to 1, of every head others."""
    rows = []
    for i in range(count):
        powers = [math.exp(math.sin(3.0 * head + i + 2 * j)) for j in range(i + 1)]
        row = [p / sum(powers) for p in powers] + [0.0] * (count - i - 1)
        rows.append(row)
    return rows


HEADS = [weights(h, 8) for h in range(12)]


@pytest.fixture
def visit(look_at):
    def opened(given=HEADS, tokens=TOKENS, size=(1280, 800), own=None, **more):
        media = {k: more.pop(k) for k in ["color_scheme"] if k in more}
        page = draw_attention(given, tokens, **more).html
        return look_at(page, size=size, own=own, **media)

    return opened


def over(tab, i, j):
    """The place of a cell on the screen."""
    box = tab.locator("#map").bounding_box()
    cell, left, top = tab.evaluate("[MEASURES.cell, MEASURES.left, MEASURES.top]")
    return box["x"] + left + (j + 0.5) * cell, box["y"] + top + (i + 0.5) * cell


PIXEL = """([id, x, y]) => {
    const canvas = document.querySelector(id), density = window.devicePixelRatio;
    const brush = new OffscreenCanvas(1, 1).getContext("2d");
    brush.drawImage(canvas, -Math.round(x * density), -Math.round(y * density));
    return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def painted(tab, i, j):
    """The colour of a cell, beside its number."""
    cell, left, top = tab.evaluate("[MEASURES.cell, MEASURES.left, MEASURES.top]")
    x, y = left + (j + 0.15) * cell, top + (i + 0.15) * cell
    return "#" + "".join(f"{v:02x}" for v in tab.evaluate(PIXEL, ["#map", x, y]))


def near(a, b):
    pairs = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return all(abs(p - q) <= 2 for p, q in pairs)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_twelve_heads_stand_in_two_rows_and_nothing_is_cut_off(visit, size, scheme):
    tab = visit(size=size, color_scheme=scheme)
    boxes = [b.bounding_box() for b in tab.locator(".heads button").all()]
    assert len(boxes) == 12
    assert len({box["y"] for box in boxes}) == 2
    assert len({box["x"] for box in boxes}) == 6
    for name in "#map", "#lines", ".heads":
        box = tab.locator(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 24, 31)"}[scheme]


def test_a_click_on_a_small_map_shows_that_head(visit):
    tab = visit()
    assert tab.locator("#which").inner_text() == "head 0"
    for chosen in 7, 3:
        tab.locator(".heads button").nth(chosen).click()
        assert tab.locator("#which").inner_text() == f"head {chosen}"
        pressed = [
            b.get_attribute("aria-pressed") for b in tab.locator(".heads button").all()
        ]
        assert pressed.index("true") == chosen
        assert pressed.count("true") == 1
        for i, j in (7, 2), (3, 1), (5, 5):
            wanted = shade(round(HEADS[chosen][i][j], 4), 1.0, PROBABILITIES)
            assert near(painted(tab, i, j), wanted)
            tab.mouse.move(*over(tab, i, j))
            told = tab.locator(READOUT).inner_text()
            assert told == f"{TOKENS[i]} → {TOKENS[j]}: {HEADS[chosen][i][j]:.4f}"
        tab.mouse.move(0, 0)
    lines = tab.locator("#lines .query").first.locator(".line")
    assert lines.count() == 1  # the first token sees itself alone


def test_a_head_is_chosen_with_the_keyboard(visit):
    tab = visit()
    tab.locator(".heads button").nth(5).focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#which").inner_text() == "head 5"


def test_tokens_stand_on_both_axes(visit):
    """On the map's canvas a text leaves ink beside each row and above each column."""
    tab = visit(tokens=["mmmm"] * 8)
    ink = """([x, y, w, h]) => {
        const density = window.devicePixelRatio;
        const brush = new OffscreenCanvas(MAP.width, MAP.height).getContext("2d");
        brush.drawImage(MAP, 0, 0);
        const area = [x, y, w, h].map((v) => Math.round(v * density));
        return brush.getImageData(...area).data.some((v, i) => i % 4 === 3 && v > 0);
    }"""
    cell, left, top = tab.evaluate("[MEASURES.cell, MEASURES.left, MEASURES.top]")
    for k in range(8):
        at = k * cell + cell / 3
        assert tab.evaluate(ink, [0, top + at, left - 8, cell / 3])
        assert tab.evaluate(ink, [left + at, 0, cell / 3, top - 4])
    names = tab.locator("#lines .name").all_text_contents()
    assert names == ["mmmm"] * 8 == tab.locator("#lines .key").all_text_contents()


def test_arrow_keys_walk_through_the_map(visit):
    tab = visit()
    tab.locator("#map").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        tab.keyboard.press(key)
    told = f"sat → cat: {HEADS[0][2][1]:.4f}"
    assert tab.locator(READOUT).inner_text() == told
    assert told in tab.locator("#map").get_attribute("aria-label")


def test_a_query_in_focus_shows_its_weights(visit):
    tab = visit()
    tab.locator("#lines .query").nth(4).focus()
    seen = tab.locator("#lines .number").evaluate_all(
        "all => all.filter((t) => getComputedStyle(t).visibility === 'visible')"
        ".map((t) => t.textContent)"
    )
    assert seen == [f"{w:.2f}".removeprefix("0") for w in HEADS[0][4][:5]]
    assert tab.locator(READOUT).inner_text().startswith("on → ")


def test_the_query_that_was_asked_for_is_in_focus_at_first(visit):
    tab = visit(query=4)
    assert tab.locator(READOUT).inner_text().startswith("on → ")


def test_on_a_phone_a_tap_tells_a_weight_in_sight(visit):
    tab = visit(size=(390, 844), own={"has_touch": True, "is_mobile": True})
    tab.touchscreen.tap(*over(tab, 6, 3))
    told = tab.locator(READOUT)
    assert told.inner_text() == f"mat → down: {HEADS[0][6][3]:.4f}"
    box = told.bounding_box()
    assert box["y"] + box["height"] <= 844


def test_a_leak_is_told(visit):
    leaky = [[[0.75, 0.25], [0.5, 0.5]]]
    tab = visit(leaky, ["a", "b"], mask=[[True, False], [True, True]])
    tab.mouse.move(*over(tab, 0, 1))
    assert tab.locator(READOUT).inner_text() == "a → b: 0.2500 (masked, and yet not 0)"


def test_what_a_causal_mask_hides_is_told(visit):
    tab = visit()
    tab.mouse.move(*over(tab, 0, 7))
    assert tab.locator(READOUT).inner_text() == "the → .: 0.0000 (masked)"
    assert tab.locator("#masked").inner_text().strip() == "masked (later token)"


@pytest.mark.parametrize("style", ["map", "lines", "grid", "all"])
def test_a_page_has_the_parts_of_its_style(visit, style):
    tab = visit(style=style)
    for part in "map", "lines", "grid":
        seen = tab.locator(f"#{part}").is_visible()
        assert seen == (style in ("all", "grid", part))


@pytest.mark.parametrize("count", [1, 24, 64, 200])
def test_any_number_of_tokens_fits_a_phone(visit, count):
    tab = visit(
        [weights(h, count) for h in range(2)],
        [f"token{i}" for i in range(count)],
        size=(390, 844),
    )
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert tab.locator("#map").bounding_box()["width"] <= 366
    tab.mouse.move(*over(tab, count - 1, 0))
    assert tab.locator(READOUT).inner_text().startswith(f"token{count - 1} → token0: ")


def test_a_coarse_head_says_so(visit, monkeypatch):
    from tinygrad_attn.pictures.heads import explore

    monkeypatch.setattr(explore, "WHOLE", 100)
    tab = visit([weights(h, 128) for h in range(2)], [str(i) for i in range(128)])
    tab.locator(".heads button").nth(1).click()
    tab.mouse.move(*over(tab, 63, 2))
    told = tab.locator(READOUT).inner_text()
    largest = max(weights(1, 128)[i][j] for i in (126, 127) for j in (4, 5))
    assert told == f"126 … 127 → 4 … 5: {largest:.4f}, the largest of 2 × 2"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("queries", "keys"), [(3, 9), (9, 3)])
def test_cells_are_square_where_queries_and_keys_are_not_as_many(
    visit, queries, keys, size
):
    tab = visit([[[1.0 / keys] * keys] * queries], None, size=size)
    box = tab.locator("#map").bounding_box()
    width, height = tab.evaluate("[MEASURES.width, MEASURES.height]")
    assert box["width"] == pytest.approx(width, abs=1)
    assert box["height"] == pytest.approx(height, abs=1)
    tab.mouse.move(*over(tab, queries - 1, keys - 1))
    told = f"{queries - 1} → {keys - 1}: {1 / keys:.4f}"
    assert tab.locator(READOUT).inner_text() == told


# Where a text lies, of all that a canvas writes while it is painted.
WRITTEN = """() => {
    const brush = MAP.getContext("2d"), found = [];
    const write = brush.fillText.bind(brush);
    brush.fillText = (text, ...at) => {
        const { a, b, e, f } = brush.getTransform(), density = window.devicePixelRatio;
        found.push([text, e / density, f / density, Math.atan2(b, a)]);
        write(text, ...at);
    };
    paintMap(chosen());
    delete brush.fillText;
    return found;
}"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [5, 12, 40, 120])
@pytest.mark.parametrize("token", ["a", "internationalization"])
def test_no_name_lies_on_another(visit, count, token, size):
    names = [f"{token[: 9 - len(str(i))]}{i}" for i in range(count)]
    tab = visit([weights(0, count)], names, size=size)
    for pointed in (None, count - 1):
        tab.evaluate("i => pointAt(i, i)", pointed)
        text = tab.evaluate("MEASURES.size")
        written = [w for w in tab.evaluate(WRITTEN) if w[0] in names]
        rows = sorted(y for _, _, y, turn in written if turn == 0)
        columns = sorted(x for _, x, _, turn in written if turn != 0)
        assert min(b - a for a, b in zip(rows, rows[1:])) >= text - 0.1
        slant = math.sqrt(0.5)  # the distance of two lines at 45 degrees
        assert min(b - a for a, b in zip(columns, columns[1:])) * slant >= text - 0.1
        if pointed is not None:
            assert [w[0] for w in written].count(names[pointed]) == 2
    told = tab.locator("#named").inner_text()
    assert bool(told) == (len(rows) < count or len(columns) < count)


@pytest.mark.parametrize("leak", [0.0, 0.5])
def test_a_leak_is_explained_where_there_is_one(visit, leak):
    mask = [[True, False], [True, True]]
    tab = visit([[1.0 - leak, leak], [0.5, 0.5]], ["a", "b"], mask=mask)
    told = tab.locator("#legend").inner_text()
    assert ("masked, and yet not 0" in told) == (leak > 0.0)
