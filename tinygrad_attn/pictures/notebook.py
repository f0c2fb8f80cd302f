"""Tensors, Values, modules and graphs as HTML for a notebook.

All text is escaped and clipped, and large objects are cut to a bounded size.
"""

from __future__ import annotations

from typing import Any

from ..graph.data import Graph
from ..graph.levels.single_numbers import plain_numbers
from ..scalar import Value
from ..tensor import Tensor
from .draw import draw
from .look.colours import INK
from .look.grids import grid_of
from .look.showing import picture_html
from .look.text import FONT, fit_text, scrolling, xml
from .sheets.expressions import card_of
from .sheets.labels import shape_text
from .sheets.sheet import NAME, Card
from .writing.geometry import card_size
from .writing.svg import card_svg

DRAWN = 120  # nodes of a graph that is drawn; a larger one is listed
LINES = 60  # modules of a model that are listed
LEFT, RIGHT = "text-align: left", "text-align: right"


def html(x: Any) -> str:
    """A Tensor, a Value, a Graph or a module as HTML."""
    if isinstance(x, Tensor):
        return tensor_html(x)
    if isinstance(x, Value):
        return value_html(x)
    return graph_html(x) if isinstance(x, Graph) else module_html(x)


def tensor_html(t: Any) -> str:
    """A tensor as heat maps of its numbers and, if it has one, of its gradient."""
    op = t._op.name if t._op is not None else ""
    card = Card(
        "tensor",
        "op" if op else "parameter" if t.requires_grad else "constant",
        fit_text(f"Tensor, from {op}" if op else "Tensor", NAME),
        f"{shape_text(t.shape)}  {t.dtype}",
        value=grid_of(numbers_of(t)),
        gradient_title="gradient" if t.requires_grad and not op else "",
        tooltip=fit_text(repr(t), 300),
    )
    if card.gradient_title and t.grad is not None:
        card.gradient = grid_of(numbers_of(t.grad), "gradient")
    return card_alone(card, repr(t))


def numbers_of(t: Any) -> Any:
    """A tensor's array, with plain numbers instead of Values."""
    kind = type(t.array).__name__
    return plain_numbers(t.array) if kind == "ValueArray" else t.array


def value_html(v: Any) -> str:
    """A Value as a card: its number, its gradient and its operation."""
    return card_alone(card_of(v, "value", root=False), repr(v))


def card_alone(card: Card, alt: str) -> str:
    """One card as a picture."""
    w, h = card_size(card)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w + 4:.0f}" '
        f'height="{h + 4:.0f}" viewBox="-2 -2 {w + 4:.0f} {h + 4:.0f}" '
        f'font-family="{FONT}" fill="{INK}">'
        + "".join(card_svg(card, w, h, 0.0, 0.0))
        + "</svg>"
    )
    return picture_html(svg, alt)


def module_html(module: Any) -> str:
    """A model as a table: each module, its type, its extra_repr(), its own parameters,
    and the number of values that it learns."""
    rows = []
    every = list(module.named_modules())
    for path, part in every[:LINES]:
        named = list(part.named_parameters())
        count = sum(p.size for _, p in named)
        own = [f"{name} {shape_text(p.shape)}" for name, p in named if "." not in name]
        depth = path.count(".") + 1 if path else 0
        name = path.rpartition(".")[2] or type(part).__name__
        about = part.extra_repr() if hasattr(part, "extra_repr") else ""
        what = type(part).__name__ if path else ""
        indent = "\N{NO-BREAK SPACE}" * 4 * depth
        cells = [indent + xml(fit_text(name, NAME)), xml(what)]
        cells += [xml(fit_text(about, 60)), xml(fit_text(",  ".join(own), 60))]
        rows.append(row("td", [*cells, f"{count:,}"]))
    if len(every) > LINES:
        more = f"… and {len(every) - LINES} more modules"
        rows.append(f'<tr><td colspan="5" style="{LEFT}">{more}</td></tr>')
    head = row("th", ["module", "type", "", "its own", "parameters"])
    return scrolling(
        f'<table style="font-family: {FONT}"><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def row(kind: str, cells: list[str]) -> str:
    """A row of a table, numbers last. Each cell sets its alignment, because Jupyter
    aligns all cells to the right."""
    sides = [LEFT] * (len(cells) - 1) + [RIGHT]
    styled = (f'<{kind} style="{side}">{c}</{kind}>' for c, side in zip(cells, sides))
    return f"<tr>{''.join(styled)}</tr>"


def graph_html(graph: Graph) -> str:
    """A graph as its picture, or as text if the picture would be too large."""
    rows = len(graph) if graph.level != "scalar" else len(graph) // 2
    if rows <= DRAWN:
        return draw(graph, layout="own")._repr_html_()
    lines = "\n".join(xml(line) for line in str(graph).split("\n"))
    return scrolling(f"<pre>{lines}</pre>")  # in the notebook's own text colour
