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
    """The width that title and legend need."""
    title, subtitle = clipped(sheet)
    both = text_width(title, 18, bold=True) + text_width(subtitle, 12) + 24
    return max(both, 170.0 * len(sheet.legend) + 240.0)


def heading(sheet: Sheet, wide: float) -> list[str]:
    """Title and legend."""
    title, subtitle = clipped(sheet)
    long = text_width(title, 18, bold=True)
    both = long + (24 + text_width(subtitle, 12) if subtitle else 0.0)
    x = (wide - both) / 2
    parts = [words(title, x, 32, 18, INK, bold=True)]
    if subtitle:
        parts.append(words(subtitle, x + long + 18, 32, 12, MUTED))
    back = any(link.back for link in sheet.links)
    forward = any(not link.back and not link.colour for link in sheet.links)
    total = 150.0 * len(sheet.legend) + 80.0 + (140.0 if back else 0.0)
    x = (wide - total) / 2
    for palette in sheet.legend:
        parts += scale(palette, x)
        x += 150.0
    for name, colour, dashes, shown in (
        ("forward", FORWARD, "", forward),
        ("backward (chain rule)", BACKWARD, ' stroke-dasharray="5 3"', back),
    ):
        if shown:
            parts.append(
                f'<path d="M{x:.1f} 53 h24" stroke="{colour}" stroke-width="1.5"'
                f'{dashes} marker-end="url(#{"b" if dashes else "f"})"/>'
            )
            parts.append(words(name, x + 30, 56, 9, colour))
            x += 84.0
    return parts


def scale(palette: str, x: float) -> list[str]:
    """A scale of the legend, or the bar that it explains."""
    if palette == "norm":
        return [
            f'<rect x="{x:.1f}" y="48" width="22" height="9" fill="{BAR}"/>',
            words(NORM, x + 27, 56, 9, MUTED),
        ]
    name, ends, colours = {
        "value": ("value", ("−", "+"), VALUES),
        "gradient": ("gradient", ("−", "+"), GRADIENTS),
        "probability": ("weight", ("0", "1"), PROBABILITIES),
    }[palette]
    parts = [words(f"{name} {ends[0]}", x + 42, 56, 9, MUTED, anchor="end")]
    for i, colour in enumerate(colours):
        parts.append(
            f'<rect x="{x + 46 + 12 * i:.1f}" y="48" width="12" height="9" '
            f'fill="{colour}"/>'
        )
    parts.append(words(ends[1], x + 50 + 12 * len(colours), 56, 9, MUTED))
    return parts
