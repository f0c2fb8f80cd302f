"""Where each token looks: attention weights as a heat map, as lines, and head by head.

Row = query, column = key, white to dark blue = 0 to 1, in every picture, so that two
pictures can be compared. Weights that a mask sets to 0 are grey.
"""

from __future__ import annotations

import math
from functools import partial
from numbers import Integral
from typing import Any

from ...errors import say
from ..look.colours import EMPTY, FORWARD, INK, MUTED, NAN, PROBABILITIES, WHITE
from ..look.text import clip, isolate, markup, visible, width
from .curves import curves
from .explore import explore
from .given import WHO, Head, read, read_tokens
from .overview import SMALL, SMALL_CELLS, grid
from .panels import Axes, Panel, heat_map, named, px, rect, words
from .picture import Picture

# style → what its page has
PARTS = {
    "all": ["map", "lines", "grid"],
    "map": ["map"],
    "lines": ["lines"],
    "grid": ["map", "lines", "grid"],  # what a click on a small map shows
}
STYLES = tuple(PARTS)
MARGIN, GAP, HEADER = 24.0, 52.0, 62.0  # px

# What the rows add up to → what the subtitle says.
ROWS: dict[frozenset[int | None], str] = {
    frozenset({1}): ", each row adds up to 1",
    frozenset({0, 1}): ", each row adds up to 1 or is 0",
    frozenset({0}): ", all weights are 0",
}
LESS = ", not every row adds up to 1"

# The styles of a cell or query under the pointer, or reached with the Tab key. All
# class names begin with attn-, because a style sheet applies to the whole notebook.
CSS = (
    f".attn-line{{fill:none;stroke:{PROBABILITIES[-1]};stroke-linecap:round}}"
    f".attn-cell:hover{{stroke:{INK};stroke-width:1.5}}"
    ".attn-lines:hover .attn-q,.attn-lines:focus-within .attn-q{opacity:.12}"
    ".attn-lines .attn-q:hover,.attn-lines .attn-q:focus{opacity:1;outline:none}"
    ".attn-q:hover .attn-w,.attn-q:focus .attn-w{visibility:visible}"
    ".attn-q:hover .attn-name,.attn-q:focus .attn-name{font-weight:bold}"
)


def draw_attention(
    weights: Any,
    tokens_q: Any = None,
    tokens_k: Any = None,
    *,
    head: int | tuple[str, int] | None = None,
    query: int | None = None,
    style: str = "all",
    mask: Any = None,
    sample: int = 0,
    title: str | None = None,
) -> Picture:
    """A picture of attention weights; Jupyter shows it, `.show()` opens it in the
    browser, `.save("x.svg")` or `.save("x.html")` saves it.

    A cell is grey, for masked, where `mask` is False; without a mask, above the
    diagonal, if all weights there are 0, as a causal mask makes them. (A masked weight
    that is not 0 is a leak: it keeps its colour, and its cell is framed in magenta.)

    Up to 12 tokens the cells contain their numbers; up to 64 each cell has a tooltip;
    up to 256 are drawn. Weights below 0.02 have no line. In a browser or Jupyter the
    query under the pointer, or reached by Tab, comes into focus and shows its weights.

    Args:
        weights: (B, H, T, S), (H, T, S) or (T, S), as a Tensor, an array or nested
            lists; or a dict of these, as `nn.attention_maps` returns.
        tokens_q: T tokens, the queries; numbers by default.
        tokens_k: S tokens, the keys; by default tokens_q if T = S, else numbers.
        head: the head of the heat map and the lines, the first by default: its number,
            or for a dict also (path, number).
        query: the number of one query; its lines stand out, and its weights stand
            beside the keys.
        style: "map", "lines", "grid" (all heads small), or "all" of them.
        mask: boolean, True = may be attended to: (T, S), (B, T, S) or (B, H, T, S), or
            for a dict of weights also a dict of masks by path.
        sample: which sequence of the batch.
        title: the heading; by default it names the head.

    Raises:
        TypeError, ValueError: an argument has a wrong type or shape, is empty, or is
            too large.

    >>> picture = draw_attention([[1.0, 0.0], [0.25, 0.75]], ["the", "cat"])
    >>> "cat → the: 0.2500" in picture.svg
    True
    """
    if style not in STYLES:
        given = f"style={say(style)}"
        raise ValueError(f"{WHO}: {given} given; it must be one of {', '.join(STYLES)}")
    heads = read(weights, sample, mask)
    one = choose(heads, head)
    queries = read_tokens("tokens_q", tokens_q, len(one.rows), None)
    keys = read_tokens("tokens_k", tokens_k, len(one.rows[0]), tokens_q)
    number = isinstance(query, Integral) and not isinstance(query, bool)
    if query is not None and not (number and 0 <= query < len(queries)):
        raise ValueError(
            f"{WHO}: query={say(query)} given; it must be one of the {len(queries)} "
            "queries, counted from 0"
        )
    axes = Axes(queries, keys)
    panels: list[Panel] = []
    if style in ("all", "map"):
        panels.append(with_legend(heat_map(one, axes), one, axes))
    if style in ("all", "lines"):
        if style == "all" or query is None:
            panels.append(add_heading(curves(one, axes), "all queries", axes))
        if query is not None:
            name = isolate(queries[query], 12)
            focus = f"one query: {name} (row {query})"
            panels.append(add_heading(curves(one, axes, query), focus, axes))
    if style == "grid":
        panels.append(grid(heads, None, 8))
    elif style == "all" and len(heads) > 1:
        fitting = max(2, int(max(p.height for p in panels) / (SMALL + 28)))
        columns = min(8, max(2, math.ceil(len(heads) / fitting)))
        panels.append(grid(heads, one, columns))
    default, told = title is None, subtitle(heads, one, style, named=title is not None)
    if title is None:
        title = "Attention of every head" if style == "grid" else ""
        title = title or f"Attention of {one.name}"
    title = str(title)
    shown = {
        "title": "Attention" if default and len(heads) > 1 else title,
        "told": told,
        "parts": PARTS[style] if len(heads) > 1 else PARTS[style][:2],
        "query": query,
    }
    page = partial(explore, heads, one, (queries, keys), shown)
    return Picture(_sheet(panels, title, told), title, page)


def choose(heads: list[Head], wanted: Any) -> Head:
    """The chosen head, by its number in the first module or by (path, number)."""
    path, number = heads[0].path, 0 if wanted is None else wanted
    if isinstance(wanted, tuple) and len(wanted) == 2:
        path, number = wanted
    for found in heads:
        if (found.path, found.number) == (path, number) and number is not True:
            return found
    known = [f"({h.path!r}, {h.number})" if h.path else str(h.number) for h in heads]
    more = ", ..." if len(known) > 8 else ""
    raise ValueError(
        f"{WHO}: head={say(wanted)} given; it must be one of "
        f"{', '.join(known[:8])}{more}"
    )


def subtitle(heads: list[Head], one: Head, style: str, named: bool = False) -> str:
    """How to read the picture, said only as far as it is true of these weights.

    Args:
        named: whether it says which of several heads is the large one.
    """
    seen = heads if style in ("all", "grid") else [one]
    told = "row = query, column = key"
    if style == "lines":
        told = "a line from query to key, as thick as the weight"
    if named and style != "grid" and len(heads) > 1:
        told = f"{isolate(one.name, 60)}: {told}"
    told += ROWS.get(frozenset[int | None]().union(*(h.sums() for h in seen)), LESS)
    largest = max(max(len(h.rows), len(h.rows[0])) for h in seen)
    if style in ("all", "grid") and len(seen) > 1 and largest > SMALL_CELLS:
        told += "; small maps show the largest weight of each block"
    return told


def add_heading(panel: Panel, text: str, axes: Axes) -> Panel:
    """A panel with a heading."""
    x = axes.left + 6
    line = words(x, axes.top - 34, text, 12, font_weight="bold", fill=FORWARD)
    wide = max(panel.width, x + width(text, 13))
    return Panel(wide, panel.height, [line, *panel.parts])


def with_legend(panel: Panel, head: Head, axes: Axes) -> Panel:
    """A heat map, with its legend below."""
    x, y = axes.left, panel.height + 4
    step = 16.0
    parts = [words(x, y + 9, "0", fill=MUTED)]
    for i, colour in enumerate(PROBABILITIES):
        at = x + 12 + i * step
        parts.append(rect(at, y, step, 11, f'fill="{colour}" stroke="{EMPTY}"'))
    x += 12 + len(PROBABILITIES) * step + 5
    parts.append(words(x, y + 9, "1", fill=MUTED))
    right = x + 10
    signs = []
    if any(map(any, head.hidden)):
        told = "masked" if head.by_mask else "masked (later token)"
        signs.append((f'rx="2" fill="{EMPTY}"', told))
    if head.leaks():
        leak = f'fill="{WHITE}" stroke="{NAN}" stroke-width="2"'
        signs.append((leak, "masked, and yet not 0"))
    for look, told in signs:
        parts.append(rect(right + 14, y, 11, 11, look))
        parts.append(words(right + 30, y + 9, told, fill=MUTED))
        right += 34 + width(told, 11)
    if told := named(axes):
        y += 18
        parts.append(words(axes.left, y + 9, told, fill=MUTED))
        right = max(right, axes.left + width(told, 11))
    return Panel(max(panel.width, right), y + 14, [*panel.parts, *parts])


def _sheet(panels: list[Panel], title: str, told: str) -> str:
    """The panels side by side, under a title."""
    wide = sum(p.width for p in panels) + GAP * (len(panels) - 1)
    named = width(clip(visible(title[:101]), 100), 19.0)
    wide = max(wide, named, width(told, 12.5)) + 2 * MARGIN
    tall = HEADER + max(p.height for p in panels) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{px(wide)}" '
        f'height="{px(tall)}" viewBox="0 0 {px(wide)} {px(tall)}" role="figure" '
        f'aria-label="{markup(title, 200)}" '
        f'font-family="Helvetica, Arial, sans-serif" fill="{INK}">',
        f"<style>{CSS}</style>",
        f'<rect width="100%" height="100%" fill="{WHITE}"/>',
        words(MARGIN, 34, markup(title, 100), 18, font_weight="bold"),
        words(MARGIN, 54, told, 12, fill=MUTED),
    ]
    x = MARGIN
    for panel in panels:
        parts += [f'<g transform="translate({px(x)} {px(HEADER)})">', *panel.parts]
        parts.append("</g>")
        x += panel.width + GAP
    return "\n".join([*parts, "</svg>\n"])
