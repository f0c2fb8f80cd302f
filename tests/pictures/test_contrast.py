"""Every text in pictures and pages stands out from its ground, and so does every line
that tells something: WCAG 2.2, level AA, in the light and in the dark."""

from __future__ import annotations

import json
import re

import pytest

from tinygrad_attn.pictures.heads import explore
from tinygrad_attn.pictures.look import colours
from tinygrad_attn.pictures.look.colours import READABLE, VISIBLE, contrast
from tinygrad_attn.pictures.look.looks import LOOKS
from tinygrad_attn.pictures.look.pages import HERE
from tinygrad_attn.pictures.look.theme import (
    GROUNDS,
    HEADS,
    SIGNS,
    TEXTS,
    THEME,
    theme_css,
    theme_js,
)
from tinygrad_attn.pictures.page import assemble

MODES = {"light": 0, "dark": 1}


@pytest.mark.parametrize(
    ("a", "b", "known"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.478),  # WebAIM's contrast checker has these
        ("#ff0000", "#ffffff", 3.998),
        ("#0000ff", "#ffff00", 8.001),
    ],
)
def test_a_contrast_is_what_wcag_says(a, b, known):
    assert contrast(a, b) == contrast(b, a) == pytest.approx(known, abs=2e-3)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_each_text_of_a_page_is_readable_on_each_ground(text, ground, mode):
    assert contrast(TEXTS[text][mode], GROUNDS[ground][mode]) >= READABLE


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("text", ["ink", "mute"])
def test_each_title_of_a_card_is_readable(text, head, mode):
    assert contrast(TEXTS[text][mode], HEADS[head][mode]) >= READABLE


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_words_on_a_button_are_readable(mode):
    assert contrast(THEME["play-ink"][mode], THEME["play"][mode]) >= READABLE


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("sign", SIGNS)
def test_each_line_and_ring_is_seen(sign, ground, mode):
    assert contrast(SIGNS[sign][mode], GROUNDS[ground][mode]) >= VISIBLE


@pytest.mark.parametrize("kind", LOOKS)
def test_the_texts_of_pictures_are_readable(kind):
    _, head = LOOKS[kind]
    for ink in colours.INK, colours.MUTED:
        for ground in head, colours.WHITE, colours.PANEL:
            assert contrast(ink, ground) >= READABLE
    for ink in colours.FORWARD, colours.BACKWARD:
        assert contrast(ink, colours.WHITE) >= READABLE
    assert contrast(colours.BAR, colours.WHITE) >= VISIBLE


def look():
    """What a page's script knows of colours."""
    return json.loads(theme_js().removeprefix("const LOOK = ").rstrip(";\n"))


@pytest.mark.parametrize("name", colours.PALETTES)
def test_a_number_is_readable_on_its_colour(name):
    """On each colour of a palette: as pictures have it, and as pages do."""
    palette, ramp = colours.PALETTES[name], look()["ramps"][name]
    low = 0.0 if name == "probability" else -1.0
    steps = len(ramp["inks"])
    for i, ink in enumerate(ramp["inks"]):
        x = low + (1.0 - low) * i / (steps - 1)
        fill = colours.shade(x, 1.0, palette)
        assert contrast(colours.ink_on(fill), fill) >= READABLE
        assert ramp["fills"][6 * i :][:6] == fill[1:]
        assert look()["inks"][int(ink)] == colours.ink_on(fill)


def test_what_is_no_plain_number_is_readable():
    assert set(look()["plain"]) == {"nan", "low", "yes"}
    for fill, ink in look()["plain"].values():
        assert contrast(ink, fill) >= READABLE


def test_no_other_file_has_colours_of_its_own():
    """A colour that stands elsewhere is one that no test above has seen."""
    folders = assemble.FOLDER, explore.FOLDER, HERE
    files = [path for folder in folders for path in folder.iterdir()]
    for path in [p for p in files if p.suffix in (".js", ".css", ".html")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*\{)(?=[;\"' ])", text), path.name
    for path in HERE.parent.rglob("*.py"):
        if path.name not in ("colours.py", "looks.py", "theme.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"#[0-9a-fA-F]{6}\b", text), path.name
    used = {
        name
        for path in files
        if path.suffix == ".css"
        for name in re.findall(r"var\(--([\w-]+)", path.read_text(encoding="utf-8"))
    }
    no_colours = {"shadow", "thin", "thumb", "at", "turn", "rail", "columns"}
    assert used - no_colours - {"far", "fits", "size", "paper"} <= set(THEME)


def test_the_style_sheet_has_both_of_each_colour():
    light, dark = theme_css().split("@media (prefers-color-scheme:dark)")
    for name, pair in THEME.items():
        assert f"--{name}:{pair[0]};" in light
        assert f"--{name}:{pair[1]};" in dark
