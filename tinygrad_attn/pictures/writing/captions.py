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
) -> list[str]:
    """A frame, or a piece of one that was cut: open where it goes on.

    Args:
        pieces: of all lines, from which its name is to be clear.
    """
    x, y, w, h = at
    text = f"{frame.label} …" if before else frame.label
    start = place_of_name(at, text_width(text, 12), pieces)
    label = words(text, start, y + 16, 12, MUTED, halo=True)
    fill = f'fill="{PANEL}" stroke="{EDGE}"'
    if not before and not after:
        return [
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="9" '
            f"{fill}/>",
            label,
        ]
    if before and after:
        path = f"M{x:.1f} {y:.1f} h{w:.1f} m0 {h:.1f} h{-w:.1f}"
        inner = f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" '
        return [
            f'{inner}fill="{PANEL}"/>',
            f'<path d="{path}" fill="none" stroke="{EDGE}"/>',
            label,
        ]
    start, turn = (x, 1) if before else (x + w, -1)  # from the open side and back
    long, round = turn * (w - 9), turn * 9
    path = (
        f"M{start:.1f} {y:.1f} h{long:.1f} q{round} 0 {round} 9 v{h - 18:.1f} "
        f"q0 9 {-round} 9 h{-long:.1f}"
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


def heading_rows(sheet: Sheet, wide: float) -> list[list[str]]:
    """What stands above a picture of a width, row by row: the subtitle below the title
    and the legend in several rows, where there is no room."""
    title, subtitle = clipped(sheet)
    both = text_width(title, 18, bold=True) + text_width(subtitle, 12) + 24
    rows = [["title", "subtitle"]] if both <= wide else [["title"], ["subtitle"]]
    explained = list(sheet.legend)
    if any(not link.back and not link.colour for link in sheet.links):
        explained.append("forward")
    if any(link.back for link in sheet.links):
        explained.append("backward")
    row: list[str] = []
    for name in explained:
        if row and sum([ROOM[n] for n in [*row, name]]) > wide:
            rows.append(row)
            row = []
        row.append(name)
    return [*rows, row]


def heading(sheet: Sheet, wide: float) -> tuple[list[str], float]:
    """Title and legend, and how much higher than two rows they are."""
    title, subtitle = clipped(sheet)
    rows = heading_rows(sheet, wide)
    parts = []
    y = 32.0
    for row in rows:
        if "title" in row or "subtitle" in row:
            long = text_width(title, 18, bold=True) if "title" in row else 0.0
            below = text_width(subtitle, 12) if "subtitle" in row else 0.0
            gap = 18.0 if long and below else 0.0
            x = (wide - long - gap - below) / 2
            if long:
                parts.append(words(title, x, y, 18, INK, bold=True))
            if below:
                parts.append(words(subtitle, x + long + gap, y, 12, MUTED))
            y += 24.0 if row is not rows[0] or len(row) == 2 else 18.0
            continue
        x = (wide - sum([ROOM[name] for name in row]) + AIR) / 2
        for name in row:
            parts += explained(name, x, y - 8.0)
            x += ROOM[name]
        y += 17.0
    return parts, y - 73.0


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
