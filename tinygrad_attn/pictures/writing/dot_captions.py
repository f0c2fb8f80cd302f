"""Text in DOT, and the title and legend above a picture, as HTML-like tables."""

from __future__ import annotations

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
from ..look.text import fit_text
from ..sheets.sheet import HEADING, Sheet
from .captions import NORM

TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="0">'


def span(content: str, size: int, colour: str, bold: bool = False) -> str:
    """Text in a size and a colour."""
    inner = text(content) or " "
    inner = f"<B>{inner}</B>" if bold else inner
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{inner}</FONT>'


def heading(sheet: Sheet) -> str:
    """Title and legend."""
    title = span(fit_text(sheet.title, HEADING), 18, INK, bold=True)
    first = f'<TD ALIGN="RIGHT">{title}</TD>'
    if sheet.subtitle:
        subtitle = span(fit_text(sheet.subtitle, 2 * HEADING), 12, MUTED)
        first += f'<TD WIDTH="14"></TD><TD ALIGN="LEFT">{subtitle}</TD>'
    first = f"{TABLE.format(spacing=0)}<TR>{first}</TR></TABLE>"
    parts = []
    for palette in sheet.legend:
        parts += scale_cells(palette)
    if any(not link.back and not link.colour for link in sheet.links):
        parts.append(f"<TD>{span('━━▶ forward', 9, FORWARD)}</TD>")
    if any(link.back for link in sheet.links):
        parts.append('<TD WIDTH="14"></TD>')
        parts.append(f"<TD>{span('╌╌▶ backward (chain rule)', 9, BACKWARD)}</TD>")
    legend = f"{TABLE.format(spacing=0)}<TR>{''.join(parts)}</TR></TABLE>"
    second = f"<TR><TD>{legend}</TD></TR>" if parts else ""
    return f"{TABLE.format(spacing=4)}<TR><TD>{first}</TD></TR>{second}</TABLE>"


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
