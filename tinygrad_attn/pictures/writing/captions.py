"""Text in our own SVG, frames with their names, and the title and legend above."""

from __future__ import annotations

from collections.abc import Sequence

from ..layout.pieces import Point, Rectangle
from ..look.colours import (
    BACKWARD,
    BAR,
    EDGE,
    FORWARD,
    GRADIENTS,
    INK,
    MUTED,
    PANEL,
    PROBABILITIES,
    VALUES,
    WHITE,
)
from ..look.text import fit_text, xml
from ..look.text import width as text_width
from ..sheets.sheet import HEADING, Frame, Sheet
from .framing import place_of_name

NORM = "‖∂‖: norm of the gradient"
AIR = 20.0  # between two parts of the legend
ROOM = {"value": 150.0, "gradient": 150.0, "probability": 150.0, "norm": 150.0}
ROOM |= {"forward": 84.0, "backward": 140.0}  # how wide each is
LINES = {
    "forward": ("forward", FORWARD, ""),
    "backward": ("backward (chain rule)", BACKWARD, ' stroke-dasharray="5 3"'),
}


def words(
    text: str,
    x: float,
    y: float,
    size: int,
    colour: str,
    bold: bool = False,
    anchor: str = "",
    halo: bool = False,
) -> str:
    """A text element; `halo` adds a white edge, for texts that lines may cross."""
    extra = ' font-weight="bold"' if bold else ""
    extra += f' text-anchor="{anchor}"' if anchor else ""
    if halo:
        extra += f' stroke="{WHITE}" stroke-width="3" paint-order="stroke"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}"{extra}>'
        f"{xml(text)}</text>"
    )


def in_lines(text: str) -> str:
    """A tooltip, escaped line by line."""
    return "\n".join(xml(line) for line in text.split("\n"))


def frame_svg(
    frame: Frame,
    at: Rectangle,
    before: bool,
    after: bool,
    pieces: Sequence[tuple[Point, Point]],
    down: bool = False,
) -> list[str]:
    """A frame, or a piece of one that was cut: open where it goes on.

    Args:
        before, after: whether it is open there.
        pieces: of all lines, from which its name is to be clear.
        down: whether it goes on in the next column, and not in the next row.
    """
    x, y, w, h = at
    text = f"{frame.label} …" if before else frame.label
    start = place_of_name(at, text_width(text, 12), pieces)
    label = words(text, start, y + 16, 12, MUTED, halo=True)
    fill = f'fill="{PANEL}" stroke="{EDGE}"'
    box = f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
    if not before and not after:
        return [f'{box}rx="9" {fill}/>', label]
    along, across = ("v", "h") if down else ("h", "v")
    long, wide = (h, w) if down else (w, h)
    if before and after:
        first = f"M{x:.1f} {y:.1f} {along}{long:.1f}"
        second = f"M{x + w * down:.1f} {y + h * (not down):.1f} {along}{long:.1f}"
        return [
            f'{box}fill="{PANEL}"/>',
            f'<path d="{first} {second}" fill="none" stroke="{EDGE}"/>',
            label,
        ]
    # from the open side to the other, across, and back
    turn = 1 if before else -1
    start_x = x if before or down else x + w
    start_y = y if before or not down else y + h
    run, corner = turn * (long - 9), turn * 9
    if down:
        bends = f"q0 {corner} 9 {corner}", f"q9 0 9 {-corner}"
    else:
        bends = f"q{corner} 0 {corner} 9", f"q0 9 {-corner} 9"
    path = (
        f"M{start_x:.1f} {start_y:.1f} {along}{run:.1f} {bends[0]} "
        f"{across}{wide - 18:.1f} {bends[1]} {along}{-run:.1f}"
    )
    return [f'<path d="{path}" {fill}/>', label]


def clipped(sheet: Sheet) -> tuple[str, str]:
    """Title and subtitle, of any length, as the picture shows them."""
    return fit_text(sheet.title, HEADING), fit_text(sheet.subtitle, 2 * HEADING)


def heading_width(sheet: Sheet) -> float:
    """The width that title and legend need, in a row each."""
    title, subtitle = clipped(sheet)
    both = text_width(title, 18, bold=True) + text_width(subtitle, 12) + 24
    return max(both, 170.0 * len(sheet.legend) + 240.0)


def legend_rows(sheet: Sheet, wide: float) -> list[list[str]]:
    """The parts of the legend, in as many rows as they need."""
    shown = list(sheet.legend)
    if any(not link.back and not link.colour for link in sheet.links):
        shown.append("forward")
    if any(link.back for link in sheet.links):
        shown.append("backward")
    rows: list[list[str]] = [[]]
    for name in shown:
        if rows[-1] and sum([ROOM[n] for n in [*rows[-1], name]]) > wide:
            rows.append([])
        rows[-1].append(name)
    return rows


def text_rows(text: str, wide: float, size: int, bold: bool = False) -> list[str]:
    """A text in rows of whole words, none wider than there is room; a word that is
    wider alone is clipped.

    >>> text_rows("the cat sat on the mat", 60, 10)
    ['the cat sat', 'on the mat']
    """
    rows: list[str] = []
    for word in text.split(" "):
        while (much := text_width(word, size, bold)) > wide:
            word = fit_text(word, int(len(word) * wide / much))
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and text_width(longer, size, bold) <= wide:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def heading(sheet: Sheet, wide: float) -> tuple[list[str], float]:
    """Title and legend, and how much higher than two rows they are: in a picture of
    little width the title wraps, and the subtitle stands below it."""
    title, subtitle = clipped(sheet)
    long, below = text_width(title, 18, bold=True), text_width(subtitle, 12)
    parts: list[str] = []
    y = 32.0
    if long + 24 + below <= wide:
        x = (wide - long - (24 + below if subtitle else 0.0)) / 2
        parts.append(words(title, x, y, 18, INK, bold=True))
        if subtitle:
            parts.append(words(subtitle, x + long + 18, y, 12, MUTED))
    else:
        lines = [(row, 18, INK, True) for row in text_rows(title, wide - 24, 18, True)]
        lines += [(row, 12, MUTED, False) for row in text_rows(subtitle, wide - 24, 12)]
        y -= 18.0
        for text, size, colour, bold in lines:
            y += 18.0
            parts.append(words(text, wide / 2, y, size, colour, bold, anchor="middle"))
    for row in legend_rows(sheet, wide):
        x = (wide - sum([ROOM[name] for name in row]) + AIR) / 2
        y += 16.0
        for name in row:
            parts += explained(name, x, y)
            x += ROOM[name]
    return parts, y - 48.0


def explained(name: str, x: float, top: float) -> list[str]:
    """One part of the legend."""
    if name not in LINES:
        return scale(name, x, top)
    text, colour, dashes = LINES[name]
    return [
        f'<path d="M{x:.1f} {top + 5:.0f} h24" stroke="{colour}" stroke-width="1.5"'
        f'{dashes} marker-end="url(#{"b" if dashes else "f"})"/>',
        words(text, x + 30, top + 8, 9, colour),
    ]


def scale(palette: str, x: float, top: float) -> list[str]:
    """A scale of the legend, or the bar that it explains."""
    if palette == "norm":
        return [
            f'<rect x="{x:.1f}" y="{top:.0f}" width="22" height="9" fill="{BAR}"/>',
            words(NORM, x + 27, top + 8, 9, MUTED),
        ]
    name, ends, colours = {
        "value": ("value", ("−", "+"), VALUES),
        "gradient": ("gradient", ("−", "+"), GRADIENTS),
        "probability": ("weight", ("0", "1"), PROBABILITIES),
    }[palette]
    parts = [words(f"{name} {ends[0]}", x + 42, top + 8, 9, MUTED, anchor="end")]
    for i, colour in enumerate(colours):
        parts.append(
            f'<rect x="{x + 46 + 12 * i:.1f}" y="{top:.0f}" width="12" height="9" '
            f'fill="{colour}"/>'
        )
    parts.append(words(ends[1], x + 50 + 12 * len(colours), top + 8, 9, MUTED))
    return parts
