"""One head as lines: from each query a curve to each key that it looks at."""

from __future__ import annotations

import math
from typing import Any

from ..look.colours import INK, MUTED, digits
from ..look.text import isolate
from .given import Head
from .panels import LABEL, LINE, Axes, Panel, label, px, rect, words

THRESHOLD = 0.02  # a line of less is not drawn
LENGTH = 148.0  # px


def curves(head: Head, axes: Axes, query: int | None = None) -> Panel:
    """A curve from each query to each key it looks at, as thick as the weight.

    With a query in focus the others fade, and its weights stand beside the keys.
    Without, a query comes into focus as it is pointed at.
    """
    start = axes.left + 6
    end = start + LENGTH
    numbers = end + axes.right + 14
    parts = [words(axes.left, axes.top - 12, "query", fill=MUTED, text_anchor="end")]
    parts.append(words(end + 6, axes.top - 12, "key", fill=MUTED))
    looked = set[int]()
    if query is not None:
        looked = {j for j, _ in _beside(head, axes, query)}
    for j in range(len(axes.keys)):
        if j % axes.every == 0 or j in looked:
            fill = INK if query is None or j in looked else MUTED
            y = axes.y(j) + axes.size * 0.35
            if query is None or j % axes.every == 0:
                strong = query is not None and _strongest(head, query) == j
                weight = {"font_weight": "bold"} if strong else {}
                parts.append(
                    label(end + 6, y, axes.keys[j], axes.size, fill=fill, **weight)
                )
    order = [i for i in range(len(axes.queries)) if i != query]
    order += [] if query is None else [query]  # the one in focus above the others
    for i in order:
        parts += _query(head, axes, i, query, (start, end, numbers))
    rows = max(len(axes.queries), len(axes.keys))
    tall = axes.top + rows * axes.cell + 12
    more = 36.0 if axes.every == 1 else 36.0 + axes.right
    return Panel(numbers + more, tall, ['<g class="attn-lines">', *parts, "</g>"])


def _query(
    head: Head,
    axes: Axes,
    i: int,
    focus: int | None,
    places: tuple[float, float, float],
) -> list[str]:
    """One query's name and curves, and its weights, which show when it is in focus."""
    start, end, numbers = places
    alive = focus is None
    y = axes.y(i)
    shown = i % axes.every == 0 or i == focus
    attributes = 'class="attn-q" tabindex="0"' if alive else ""
    if not alive and i != focus:
        attributes = 'opacity="0.12"'
    name = {"text_anchor": "end", "class": "attn-name"}
    if i == focus:
        name["font_weight"] = "bold"
    elif not shown:
        name |= {"class": "attn-name attn-w", "visibility": "hidden"}
    parts = [f"<g {attributes}>"]
    if alive:  # something to point at
        hit = 'fill="none" pointer-events="all"'
        half = axes.cell / 2
        parts.append(rect(0, y - half, axes.left, axes.cell, hit))
    if alive or shown:
        at = y + axes.size * 0.35
        parts.append(label(axes.left, at, axes.queries[i], axes.size, **name))
    middle = (start + end) / 2
    for j, weight in enumerate(head.rows[i]):
        if math.isfinite(weight) and weight >= THRESHOLD:
            share = min(weight, 1.0)
            curve = f"M{px(start)} {px(y)}C{px(middle)} {px(y)} {px(middle)} "
            curve += f"{px(axes.y(j))} {px(end)} {px(axes.y(j))}"
            arrow = f"{isolate(axes.queries[i], 40)} → {isolate(axes.keys[j], 40)}"
            parts.append(
                f'<path class="attn-line" d="{curve}" '
                f'stroke-width="{px(min(0.5 + 5.5 * share, axes.cell))}" '
                f'stroke-opacity="{px(0.15 + 0.8 * share)}">'
                f"<title>{arrow}: {weight:.4f}</title></path>"
            )
    if alive or i == focus:
        hidden: dict[str, Any] = {}
        if alive:
            hidden = {"class": "attn-w", "visibility": "hidden"}
        for j, text in _beside(head, axes, i):
            at = axes.y(j) + 3.8
            parts.append(words(numbers, at, text, fill=MUTED, **hidden))
    return [*parts, "</g>"]


def _beside(head: Head, axes: Axes, i: int) -> list[tuple[int, str]]:
    """(key, what stands beside it) for the weights of a query: of all keys, or where
    they stand too close, of the strongest, with their names."""
    row = head.rows[i]
    seen = [j for j in range(len(row)) if not head.grey(i, j)]
    if axes.every == 1:
        return [(j, digits(row[j])) for j in seen]
    chosen: list[int] = []
    for w, j in sorted((-row[j], j) for j in seen if row[j] >= THRESHOLD):
        far = all(abs(j - k) * axes.cell >= LINE for k in chosen)
        if far and len(chosen) < 8 and w < 0:
            chosen.append(j)
    return [
        (j, f"{isolate(axes.keys[j], LABEL)} {digits(row[j])}") for j in sorted(chosen)
    ]


def _strongest(head: Head, i: int) -> int:
    known = [w if math.isfinite(w) else -1.0 for w in head.rows[i]]
    return known.index(max(known))
