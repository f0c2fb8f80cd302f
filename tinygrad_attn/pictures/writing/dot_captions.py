"""Text in DOT, and the title and legend above a picture, as HTML-like tables."""

from __future__ import annotations

from math import inf

from ..look.colours import (
    BACKWARD,
    BAR,
    FORWARD,
    GRADIENTS,
    INK,
    MUTED,
    PROBABILITIES,
    VALUES,
)
from ..look.text import dot as text
from ..sheets.sheet import Sheet
from .captions import NORM, clipped, heading_width, legend_rows, text_rows

TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="0">'


def span(content: str, size: int, colour: str, bold: bool = False) -> str:
    """Text in a size and a colour."""
    inner = text(content) or " "
    inner = f"<B>{inner}</B>" if bold else inner
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inner}</FONT>'


def heading(sheet: Sheet, wide: float = inf) -> str:
    """Title and legend, in as many rows as they need in a width."""
    title, subtitle = clipped(sheet)
    if heading_width(sheet) <= wide:
        first = f'<TD ALIGN="RIGHT">{span(title, 18, INK, bold=True)}</TD>'
        if subtitle:
            below = span(subtitle, 12, MUTED)
            first += f'<TD WIDTH="14"></TD><TD ALIGN="LEFT">{below}</TD>'
        parts = [f"{TABLE.format(spacing=0)}<TR>{first}</TR></TABLE>"]
    else:
        rows = text_rows(title, wide, 18, bold=True)
        parts = [span(row, 18, INK, bold=True) for row in rows]
        rows = text_rows(subtitle, wide, 12) if subtitle else []
        parts += [span(row, 12, MUTED) for row in rows]
    for names in legend_rows(sheet, wide):
        cells = "".join([explained(name) for name in names])
        if cells:
            parts.append(f"{TABLE.format(spacing=0)}<TR>{cells}</TR></TABLE>")
    every = "".join([f"<TR><TD>{part}</TD></TR>" for part in parts])
    return f"{TABLE.format(spacing=4)}{every}</TABLE>"


def explained(name: str) -> str:
    """One part of the legend."""
    if name == "forward":
        return f"<TD>{span('━━▶ forward', 9, FORWARD)}</TD>"
    if name == "backward":
        text = span("╌╌▶ backward (chain rule)", 9, BACKWARD)
        return f'<TD WIDTH="14"></TD><TD>{text}</TD>'
    return "".join(scale_cells(name))


def scale_cells(palette: str) -> list[str]:
    """A scale of the legend: its name and its colours from end to end; or the bar that
    it explains."""
    if palette == "norm":
        return [
            f'<TD FIXEDSIZE="TRUE" WIDTH="22" HEIGHT="10" BGCOLOR="{BAR}"></TD>',
            f"<TD>{span(f' {NORM}', 9, MUTED)}</TD>",
            '<TD WIDTH="18"></TD>',
        ]
    name, ends, colours = {
        "value": ("value", ("−", "+"), VALUES),
        "gradient": ("gradient", ("−", "+"), GRADIENTS),
        "probability": ("weight", ("0", "1"), PROBABILITIES),
    }[palette]
    swatches = "".join(
        f'<TD FIXEDSIZE="TRUE" WIDTH="13" HEIGHT="10" BGCOLOR="{c}"></TD>'
        for c in colours
    )
    return [
        f"<TD>{span(f'{name} {ends[0]} ', 9, MUTED)}</TD>",
        f"<TD>{TABLE.format(spacing=0)}<TR>{swatches}</TR></TABLE></TD>",
        f"<TD>{span(f' {ends[1]}', 9, MUTED)}</TD>",
        '<TD WIDTH="18"></TD>',
    ]
