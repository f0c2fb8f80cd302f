"""A sheet as text in DOT, the language of Graphviz: cards are HTML-like tables.

The same sheet gives the same text, byte by byte. Nothing here runs Graphviz.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from math import inf

from ..look.colours import (
    BACKWARD,
    BAR,
    EDGE,
    FORWARD,
    INK,
    MUTED,
    NAN,
    PANEL,
    WHITE,
    ink_on,
    times_ten_to,
)
from ..look.grids import Grid
from ..look.looks import LOOKS
from ..look.text import dot as text
from ..sheets.labels import lines_of, more_numbers
from ..sheets.scales import scales_of
from ..sheets.sheet import Card, Frame, Link, Sheet
from .dot_captions import TABLE, heading, span
from .dot_rows import lengths_of
from .geometry import jumps, stacked
from .narrow_cards import A_COLUMN, narrow_cards, rules_in_cards

# How much more a line with a label is to be straight: else it winds around that.
STRAIGHT = 4
APART = 8  # of the gradient's heat map from that of the value


def texts_for(sheet: Sheet, width: float = inf) -> Iterator[str]:
    """The graph in DOT; where the width is given, in narrower and narrower ways.
    Graphviz cannot wrap a strip: so that runs down. Then it finds the rows itself,
    which needs less width where V stands below Q and K; and at last all cards stand
    below each other."""
    yield dot_text(sheet)
    if width == inf or any(card.rows for card in sheet.cards):
        return  # between rows of cards, lines run to the right
    if sheet.direction == "right":
        sheet = replace(sheet, direction="down")
        yield dot_text(sheet)
    yield dot_text(sheet, rows="its own")
    one = rules_in_cards(sheet)
    yield dot_text(one, rows="one each")
    yield dot_text(narrow_cards(one, A_COLUMN), rows="one each")


def dot_text(sheet: Sheet, rows: str = "ours") -> str:
    """The whole graph in DOT.

    Args:
        rows: in a picture that runs down "ours", those of our own layout, "its own",
            those that Graphviz finds, or "one each", a row for each card.
    """
    in_a_column = rows == "one each"
    right = sheet.direction == "right"
    lines = [
        "digraph {",
        f'  graph [rankdir={"LR" if right else "TB"}, bgcolor="{WHITE}", pad=0.35,',
        f"    nodesep={0.25 if right else 0.3}, ranksep={1.0 if right else 0.7},",
        '    fontname="Helvetica,Arial,sans-serif", labelloc=t,',
        f"    label=<{heading(sheet, A_COLUMN if in_a_column else inf)}>]",
        '  node [shape=plain, fontname="Helvetica,Arial,sans-serif"]',
        '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=10, arrowsize=0.7]',
    ]
    inside: dict[str, list[str]] = {}
    for card in sheet.cards:
        inside.setdefault(card.frame, []).append(node_line(card))
    lines += inside.get("", [])
    children: dict[str, list[Frame]] = {}
    known = {frame.id for frame in sheet.frames}
    for frame in sheet.frames:
        parent = frame.parent if frame.parent in known else ""
        children.setdefault(parent, []).append(frame)
    todo: list[tuple[str, Frame]] = [
        ("open", frame) for frame in reversed(children.get("", []))
    ]
    while todo:
        what, opened = todo.pop()
        if what == "close":
            lines.append("  }")
            continue
        lines += frame_lines(opened) + inside.get(opened.id, [])
        todo.append(("close", opened))
        todo += [("open", child) for child in reversed(children.get(opened.id, []))]
    free = right or rows == "its own"
    lengths = {} if free else lengths_of(sheet, in_a_column)
    plain = {
        card.id
        for card in sheet.cards
        if card.value is None and not card.gradient_title and not card.again
    }
    made = {link.target for link in sheet.links}
    for link in sheet.links:
        length = lengths.get((link.source, link.target), 1)
        onward = not right and not link.back and link.source in made
        lines.append(link_line(link, right, length, plain, onward))
    return "\n".join([*lines, "}\n"])


def frame_lines(frame: Frame) -> list[str]:
    """The beginning of a frame."""
    return [
        f"  subgraph cluster_{frame.id} {{",
        f'    graph [style=rounded, color="{EDGE}", bgcolor="{PANEL}", labeljust=l,',
        f'      fontcolor="{MUTED}", fontsize=12, margin=12,',
        f"      label=<{text(frame.label)}>]",
    ]


def node_line(card: Card) -> str:
    """A card as a node."""
    tip = quote(card.tooltip)
    return f"  {card.id} [label=<{table(card)}>, tooltip={tip}]"


def quote(string: str) -> str:
    """A string in DOT's quotes, its lines kept.

    >>> print(quote('a "b"' + chr(10) + chr(92) + "N"))
    "a &quot;b&quot;&#10;&#92;N"
    """
    return '"' + "&#10;".join(text(line) for line in string.split("\n")) + '"'


def beside(label: str, colour: str) -> str:
    """The label of an edge, apart from its line, which Graphviz lets run along it."""
    rows = [
        f'<TR><TD WIDTH="8"></TD><TD ALIGN="LEFT">{span(part, 10, colour)}</TD>'
        '<TD WIDTH="6"></TD></TR>'
        for part in lines_of(label)
    ]
    return f"{TABLE.format(spacing=0)}{''.join(rows)}</TABLE>"


def link_line(
    link: Link,
    right: bool,
    length: int = 1,
    plain: Container[str] = (),
    straight: bool = False,
) -> str:
    """A link as an edge: forward between the values, back between the gradients.

    Args:
        length: how many rows it leads down at least.
        plain: the cards without heat maps.
        straight: whether what was computed goes on along it.
    """
    near, far = ("w", "e") if right else ("n", "s")
    source, target = link.source, link.target
    if link.source_row is not None or link.target_row is not None:
        tail = f"{source}:r{link.source_row}e:e"
        head = f"{target}:r{link.target_row}w:w"
    elif right:
        tail, head = f"{source}:{far}", f"{target}:{near}"
    else:
        port = "g" if link.back else "v"
        # the head is at the top anyway; to name that side bends lines into cards
        tail, head = f"{source}:{port}:{far}", f"{target}:{port}i"
        if source in plain:
            tail = f"{source}:{far}"
        if target in plain:
            head = f"{target}:{near}"
    colour = link.colour or (BACKWARD if link.back else FORWARD)
    width = link.width or (1.2 if link.back else 1.6)
    settings = [f'color="{colour}"', f"penwidth={width:g}"]
    if link.back:
        settings += ["style=dashed", "dir=back"]
    if straight or link.label:
        settings.append(f"weight={STRAIGHT * (1 + straight)}")
    if link.label:
        ink = BACKWARD if link.back else MUTED
        settings.append(f"label=<{beside(link.label, ink)}>")
    if length > 1:
        settings.append(f"minlen={length}")
    return f"  {tail} -> {head} [{', '.join(settings)}]"


# --- cards ----------------------------------------------------------------------------


def table(card: Card) -> str:
    """A card as an HTML-like label."""
    border, head = LOOKS[card.kind]
    edge = f'HEIGHT="2" BGCOLOR="{head}"'  # where lines arrive, above the head
    rows = [
        f'<TD PORT="vi" {edge}></TD><TD PORT="gi" {edge}></TD>',
        f'<TD COLSPAN="2" BGCOLOR="{head}" CELLPADDING="3">{head_of(card)}</TD>',
        *(
            f'<TD COLSPAN="2" ALIGN="LEFT" CELLPADDING="2">{span(line, 9, MUTED)}</TD>'
            for line in card.lines
        ),
        *body(card),
    ]
    return (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
        f'COLOR="{border}" BGCOLOR="{WHITE}" STYLE="ROUNDED">'
        + "".join(f"<TR>{row}</TR>" for row in rows)
        + "</TABLE>"
    )


def head_of(card: Card) -> str:
    """The title and, beside it, the detail."""
    title = span(card.title, 13, INK, bold=True)
    if not card.detail:
        return title
    return (
        f'{TABLE.format(spacing=0)}<TR><TD ALIGN="LEFT">{title}</TD>'
        f'<TD WIDTH="14"></TD><TD ALIGN="RIGHT">{span(card.detail, 9, MUTED)}</TD>'
        "</TR></TABLE>"
    )


def body(card: Card) -> list[str]:
    """The rows below the head: heat maps side by side, single numbers, or a bar."""
    if card.rows:
        return [f'<TD COLSPAN="2">{number_rows(card)}</TD>']
    if card.bar:
        return [f'<TD COLSPAN="2" ALIGN="LEFT" CELLPADDING="3">{bar(card.bar)}</TD>']
    places = '<TD PORT="v" HEIGHT="2"></TD><TD PORT="g" HEIGHT="2"></TD>'  # for lines
    if card.again:  # a name alone
        return [places]
    found: list[tuple[str, str, str]] = []
    for port, grid, name, ink in (
        ("v", card.value, "value" if card.value else "", FORWARD),
        ("g", card.gradient, card.gradient_title, BACKWARD),
    ):
        if name:
            power = times_ten_to(grid.power) if grid else ""
            title = span(f"{name}  {power}" if power else name, 9, ink)
            beside = port == "v" and bool(card.gradient_title) and not stacked(card)
            numbers = heat_map(grid, beside) if grid else span("–", 9, MUTED)
            found.append((port, title, numbers))
    if stacked(card):
        wide = '<TD COLSPAN="2" ALIGN="LEFT" CELLPADDING="2">'
        inner = [part for _, title, numbers in found for part in (title, numbers)]
        return [*(f"{wide}{part}</TD>" for part in inner), places]
    span_both = ' COLSPAN="2"' if len(found) == 1 else ""
    titles = [
        f'<TD{span_both} ALIGN="LEFT" CELLPADDING="2">{title}</TD>'
        for _, title, _ in found
    ]
    maps = [
        f'<TD{span_both} PORT="{port}" ALIGN="LEFT" CELLPADDING="2">{numbers}</TD>'
        for port, _, numbers in found
    ]
    alone = len(found) == 1 and bool(card.gradient_title)
    if alone:  # lines forward leave beside those back
        maps[0] = maps[0].replace(f' PORT="{found[0][0]}"', "")
    return ["".join(titles), "".join(maps), *[places] * alone] if found else []


def heat_map(grid: Grid, beside: bool = False) -> str:
    """A table of cells of fixed size; a ⋯ marks left-out ones.

    Args:
        beside: whether there is to be a gap on its right.
    """
    if not grid.numbers or not grid.columns:
        return span("empty", 9, MUTED)
    rows = []
    for i, row in enumerate(grid.numbers):
        if i and grid.rows[i] - grid.rows[i - 1] > 1:
            rows.append(f'<TD HEIGHT="12">{span("⋮", 9, MUTED)}</TD>')
        cells = []
        for j, x in enumerate(row):
            if j and grid.columns[j] - grid.columns[j - 1] > 1:
                cells.append(f'<TD WIDTH="16">{span("⋯", 9, MUTED)}</TD>')
            cells.append(cell(grid.text(x), grid.colour(x)))
        rows.append("".join(cells))
    # As wide as its cells: Graphviz would spread them over the width of the card.
    across = 1 + 29 * len(grid.columns) + 17 * jumps(grid.columns)
    down = 1 + 18 * len(grid.rows) + 13 * jumps(grid.rows)
    if beside:
        rows[0] += f'<TD FIXEDSIZE="TRUE" WIDTH="{APART}" HEIGHT="1"></TD>'
        across += APART + 1
    size = f'WIDTH="{across}" HEIGHT="{down}"'
    return (
        TABLE.format(spacing=1).replace("<TABLE", f'<TABLE FIXEDSIZE="TRUE" {size}')
        + "".join(f"<TR>{row}</TR>" for row in rows)
        + "</TABLE>"
    )


def cell(content: str, colour: str) -> str:
    """One number."""
    return (
        f'<TD FIXEDSIZE="TRUE" WIDTH="28" HEIGHT="17" BGCOLOR="{colour}">'
        f"{span(content, 8, ink_on(colour))}</TD>"
    )


def number_rows(card: Card) -> str:
    """A row for every single number: label, value, gradient."""
    values, gradients = scales_of(card)
    titles = (
        f"<TD></TD><TD>{span(values.title, 8, FORWARD)}</TD>"
        f"<TD>{span(gradients.title, 8, BACKWARD)}</TD>"
    )
    rows = [titles]
    for i, row in enumerate(card.rows):
        value = cell(values.text(row.value), values.colour(row.value))
        gradient = (
            cell(gradients.text(row.gradient), gradients.colour(row.gradient))
            if row.gradient is not None
            else f"<TD>{span('–', 8, MUTED)}</TD>"
        )
        gradient = gradient.replace("<TD", f'<TD PORT="r{i}e"', 1)
        label = (
            f'<TD PORT="r{i}w" ALIGN="RIGHT" CELLPADDING="3">'
            f"{span(row.label, 9, MUTED)}</TD>"
        )
        rows.append(label + value + gradient)
    if card.more:
        note, last = span(more_numbers(card), 8, MUTED), len(card.rows)
        rows.append(
            f'<TD PORT="r{last}w" HEIGHT="15"></TD>'
            f'<TD PORT="r{last}e" COLSPAN="2">{note}</TD>'
        )
    return (
        TABLE.format(spacing=1)
        + "".join(f"<TR>{row}</TR>" for row in rows)
        + "</TABLE>"
    )


def bar(length_and_label: tuple[float, str]) -> str:
    """A bar for the size of a gradient."""
    length, label = length_and_label
    width = max(2, round(80 * length))
    colour = NAN if label in ("nan", "inf") else BAR if length else WHITE
    return (
        f"{TABLE.format(spacing=2)}<TR><TD>{span('‖∂‖', 9, BACKWARD)}</TD>"
        f'<TD><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR><TD '
        f'FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="9" BGCOLOR="{colour}"></TD></TR>'
        f"</TABLE></TD><TD>{span(label, 9, BACKWARD)}</TD></TR></TABLE>"
    )
