"""Attention weights as heat maps, one panel for each head, as an SVG text.

Row = query, column = key, white to dark blue = 0 to 1. Each row adds up to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite

CELL = 30  # px, a cell's side
GAP = 56  # px between panels
LEFT, TOP = 64, 118  # px before the first panel, room for labels and titles
DARK = (0x0B, 0x4F, 0x8A)  # the colour of 1
INK, MUTED = "#1f2933", "#616e7c"
NUMBERS_UP_TO = 12  # tokens: larger maps have no numbers in their cells

Matrix = Sequence[Sequence[float]]


def attention_svg(
    panels: Sequence[tuple[str, Matrix]],
    queries: Sequence[str],
    keys: Sequence[str],
    title: str,
    subtitle: str = "row = query, column = key, each row adds up to 1",
) -> str:
    """An SVG with a heat map for each (name, weights), weights being (T, S).

    Args:
        panels: names and weights, in [0, 1].
        queries, keys: T and S labels.
        title, subtitle: above all.

    Raises:
        ValueError: weights and labels do not fit.
    """
    for name, weights in panels:
        if len(weights) != len(queries) or any(len(r) != len(keys) for r in weights):
            raise ValueError(
                f"attention_svg: {name!r} has {len(weights)} rows for {len(queries)} "
                f"queries and {len(keys)} keys; it must be (queries, keys)"
            )
    each = len(keys) * CELL + GAP
    width = max(LEFT + len(panels) * each, 560)
    height = TOP + len(queries) * CELL + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="Helvetica, Arial, sans-serif" '
        f'fill="{INK}">',
        f"<title>{_text(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="24" y="34" font-size="18" font-weight="bold">{_text(title)}</text>',
        f'<text x="24" y="54" font-size="12" fill="{MUTED}">{_text(subtitle)}</text>',
    ]
    for i, (name, weights) in enumerate(panels):
        parts += _panel(name, weights, queries, keys, LEFT + i * each)
    return "\n".join([*parts, "</svg>\n"])


def _panel(
    name: str, weights: Matrix, queries: Sequence[str], keys: Sequence[str], x: int
) -> list[str]:
    middle = CELL / 2
    parts = [f'<text x="{x}" y="{TOP - 30}" font-size="13">{_text(name)}</text>']
    for j, key in enumerate(keys):
        parts.append(
            f'<text x="{x + j * CELL + middle}" y="{TOP - 8}" font-size="12" '
            f'text-anchor="middle" fill="{MUTED}">{_text(key)}</text>'
        )
    for i, query in enumerate(queries):
        y = TOP + i * CELL
        parts.append(
            f'<text x="{x - 8}" y="{y + middle + 4}" font-size="12" '
            f'text-anchor="end" fill="{MUTED}">{_text(query)}</text>'
        )
        for j, key in enumerate(keys):
            parts += _cell(
                x + j * CELL, y, weights[i][j], f"{query} → {key}", len(keys)
            )
    return parts


def _cell(x: int, y: int, weight: float, label: str, keys: int) -> list[str]:
    known = isfinite(weight)
    share = min(1.0, max(0.0, weight)) if known else 0.0
    colour = [round(255 + (c - 255) * share) for c in DARK] if known else (255, 79, 216)
    parts = [
        f'<rect x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{CELL - 2}" rx="2" '
        f'fill="#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}" stroke="#e4e9ee">'
        f"<title>{_text(label)}: {weight:.4f}</title></rect>"
    ]
    if keys <= NUMBERS_UP_TO and known and share >= 0.005:
        ink = "#ffffff" if share > 0.5 else INK
        parts.append(
            f'<text x="{x + CELL / 2}" y="{y + CELL / 2 + 4}" font-size="10" '
            f'text-anchor="middle" fill="{ink}" pointer-events="none">'
            f"{two_decimals(weight)}</text>"
        )
    return parts


def two_decimals(v: float) -> str:
    """1.00, .25, 0 and −.30: no leading zero, a real minus."""
    if v == 0:
        return "0"
    text = f"{abs(v):.2f}"
    text = text[1:] if text.startswith("0") else text
    return ("\N{MINUS SIGN}" if v < 0 else "") + text


def _text(s: object) -> str:
    """Text for XML: escaped, without control characters."""
    return escape("".join(c for c in str(s) if c.isprintable()))
