"""The sums that a page writes out are the numbers below them: all of them are read as
they are written, and computed."""

from __future__ import annotations

import re

import pytest
from played import MODELS, page_of

np = pytest.importorskip("numpy", reason="needs NumPy")
from blackboard import Reader  # noqa: E402  (it needs NumPy too)

STORIES = """() => cardsNow().flatMap((card) => GRIDS.flatMap((which) => {
    const grid = card[which];
    if (!grid) return [];
    return grid.rows.flatMap((row) => grid.columns.map((column) =>
        [card.id, which, row, column, storyOf({ card, which, row, column }).lines]));
}))"""
SENDS = """() => ACTIVE.flatMap(([, step]) => (step.sends ?? []).flatMap((send) =>
    send.grid.rows.flatMap((row) => send.grid.columns.map((column) =>
        [send.to, row, column, sendStory(step, send, row, column).lines,
         numberAt(send.grid, row, column)]))))"""


OPEN_ALL = """() => {
    unfold(true);
    showStep(true);
    for (const id of OPERATIONS.keys()) openFrame(id);
    return OPENED.size;
}"""

UNTOLD = re.compile("…|not arrived|of all |of numbers|only moved|put there| of | from ")


def read(text, names):
    """The number that a sum has; None if it says that it is no whole sum."""
    if UNTOLD.search(text):
        return None
    plain = text.replace("≟", "=").replace("✓", "1").replace("✗", "0")
    if ", " in plain and not re.search(r"else|max\(", plain):
        return None  # a list
    reader = Reader(plain, names)
    with np.errstate(all="ignore"):
        return float(np.sum(reader.whole()))


def elements(cards):
    """Every number that a sum may name: "∂S[2,0]" → the number; "H[1,j]" → a row."""
    found = {}
    for card in cards.values():
        for key, mark in (("value", ""), ("gradient", "∂")):
            grid = card[key]
            if grid is None:
                continue
            array = np.full(grid["shape"] or [1, 1], np.nan)
            array = array.reshape(-1, array.shape[-1])
            for row, numbers in zip(grid["rows"], grid["numbers"]):
                array[row, grid["columns"]] = [float(v) for v in numbers]
            array = array.reshape(grid["shape"])
            for at in np.ndindex(*array.shape):
                index = f"[{','.join(map(str, at))}]" if at else ""
                found[f"{mark}{card['name']}{index}"] = array[at]
            for at in np.ndindex(*array.shape[:-1]):
                index = ",".join([*map(str, at), "j"])
                found[f"{mark}{card['name']}[{index}]"] = array[at]
    return found


# A card's name may be anything here but a number, perhaps with an index.
ELEMENT = re.compile(r"∂?[^\W\d][\w.]*?(?:[₀-₉]+)?(?:\[[\dj,]+\])?(?=[²³]|[^\w.\[]|$)")


def with_names(text, known):
    """A sum of elements as one of plain names, and what these are."""
    names = {}

    def name(found):
        if found[0] not in known:
            return found[0]
        names[f"n{len(names)}"] = known[found[0]]
        return f"n{len(names) - 1}"

    return ELEMENT.sub(name, text), names


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "open"])
@pytest.mark.parametrize("model", MODELS)
def test_what_the_page_says_of_each_number_is_so(look_at, model, opened):
    """Each sum that is written out is the number below it: of the numbers that it names
    to all their digits, and as it stands, in numbers of four digits, about. So it is
    where operations are open."""
    tab = look_at(page_of(model))
    if opened and not tab.evaluate(OPEN_ALL):
        pytest.skip("has no operation that opens")
    tab.evaluate("moveTo(LAST)")
    cards = {c["id"]: c for c in tab.evaluate("cardsNow()")}
    known = elements(cards)
    checked = 0
    for id, which, row, column, lines in tab.evaluate(STORIES):
        grid = cards[id][which]
        v = grid["numbers"][grid["rows"].index(row)][grid["columns"].index(column)]
        told = re.split("[=≈] ", lines[-1])[-1]
        assert read(told, {}) == pytest.approx(float(v), rel=1e-5, nan_ok=True)
        checked += agrees(lines, v, known)
    for _, _, _, lines, v in tab.evaluate(SENDS):
        checked += agrees(lines, v, known)
    assert checked > 20


def agrees(lines, v, known):
    """Whether there is a sum, which must be the number."""
    if len(lines) < 3:
        return 0
    first = re.split(r" \+?= ", lines[0], maxsplit=1)[1]
    exact = read(*with_names(first, known))
    terms = 1.0 + len(re.findall(r" \+ |, ", " ".join(lines)))
    if exact is not None:
        rounded = re.search(r"\.\d", first)  # a number that the formula itself has
        rel = 0.02 if rounded else 1e-5
        near = pytest.approx(float(v), rel=rel, abs=1e-6 * terms, nan_ok=True)
        assert exact == near, lines
    sign, sum_of = lines[1][:2], lines[1][2:]
    about = read(sum_of, {})
    if about is not None:
        rough = pytest.approx(float(v), rel=2e-3, abs=1e-3 * terms, nan_ok=True)
        assert about == rough, lines
        if sign == "= ":
            assert about == pytest.approx(float(v), rel=1e-6, abs=1e-12, nan_ok=True)
    assert sign in ("= ", "≈ ")
    return int(exact is not None)
