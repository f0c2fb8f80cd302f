"""How each number of a card was computed: the page shows it under the pointer.

This file writes a heat map and the inputs of its numbers as data; `page/sums.js` makes
sentences of them. Every index in them must be right. So nothing is guessed: to find
where an operation moves its numbers, it runs on their positions.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from ...arrays.backends import namespace_of
from ...graph.data import Graph, Node, flat
from ...graph.notation.formulas import axes_of, on_the_blackboard
from ...graph.trace import on_positions
from ...rules import movement
from ...rules.operation import OWN, ROWWISE
from ..look.grids import Grid, grid_of

# x y, x yᵀ + b: the products that the page writes out.
PRODUCT = r"\{0\}ᵀ? \{1\}ᵀ?( \+ \{2\})?"


def grid_data(grid: Grid) -> dict[str, Any]:
    """A heat map as JSON."""
    labels = None
    if len(grid.shape) > 2:
        labels = [
            "[" + ",".join(map(str, grid.index(row, 0)[:-1])) + "]" for row in grid.rows
        ]
    return {
        "shape": list(grid.shape),
        "rows": grid.rows,
        "columns": grid.columns,
        "numbers": [[json_number(x) for x in row] for row in grid.numbers],
        "largest": grid.largest,
        "power": grid.power,
        "noise": json_number(grid.noise),
        "least": grid.least,
        "palette": grid.palette,
        "labels": labels,
    }


def json_number(x: Any) -> Any:
    """A number for JSON: seven digits; a string for nan and the infinities."""
    if isinstance(x, (bool, int)):
        return x
    return float(f"{x:.7g}") if isfinite(x) else str(x)


def adds_up(node: Node) -> str:
    """What the rows of weights add up to, as far as it is so; else ""."""
    if not node.shape:
        return ""
    with (xp := namespace_of([node.array])).quiet():
        sums = flat(xp.sum(node.array, axis=-1))
    whole = [abs(s - 1.0) < 1e-3 for s in sums]
    if sums and all(whole):
        return "Each row adds up to 1."
    if any(whole) and all(w or s == 0.0 for w, s in zip(whole, sums)):
        return "Each row adds up to 1, or is 0 where a query may attend to nothing."
    return ""


def how(graph: Graph, node: Node) -> dict[str, Any] | None:
    """How a number of a card was computed; None for a leaf.

    | kind | a number of z is computed from |
    |---|---|
    | "product" | a row of x and a column of y, and a number of `plus` |
    | "elementwise" | the numbers at its place |
    | "rowwise" | its row (if z lacks the last axis, the row of x at its place) |
    | "reduced" | the numbers along `axes` of x |
    | "moved" | one number, `origins[i][j]` = [which input, position] |
    | "many" | several numbers, which the page does not list |
    """
    edges = graph.inputs(node)
    if not edges:
        return None
    written = templates(graph, node)
    if re.fullmatch(PRODUCT, written["formula"]) and node.kind == "product":
        return product(graph, node)
    found: dict[str, Any] = {"kind": "many", "op": node.op}
    found["inputs"] = [argument(x) for x in node.arguments]
    found |= written
    x = graph.by_id(edges[0].source)
    axes = axes_of(node, len(x.shape))
    if node.operation and node.operation.elementwise:
        found["kind"] = "elementwise"
    elif node.kind == "reduction" and axes is not None:
        found |= {"kind": "reduced", "x": x.id, "axes": axes}
    elif node.kind in ROWWISE and axes in (None, [len(x.shape) - 1]):
        found["kind"] = "rowwise"
    elif node.kind == "attention":
        found["kind"] = "all"
    elif node.kind == "movement":
        found |= moved(graph, node) or {}
    return found


def templates(graph: Graph, node: Node) -> dict[str, Any]:
    """The formula of a step and its rules, in which {0}, {1}, ... stand for its inputs
    and {z} for itself; None for a rule that is not given."""
    names = ["" if x is None else f"{{{i}}}" for i, x in enumerate(node.arguments)]
    formula, rules = on_the_blackboard(graph, node, names, "{z}", sums=False)
    if node.kind == "comparison":
        formula = formula.strip("()").replace(" = ", " ≟ ")
    given = [None if rule in ("", OWN) else spelt(rule) for rule in rules]
    return {"formula": spelt(formula), "rules": given}


def spelt(template: str) -> str:
    """A template with a dot after a factor: 2·{z}, where a number will stand."""
    return re.sub(r"([\d½)]) (?=∂?\{)", r"\1·", template)


def product(graph: Graph, node: Node) -> dict[str, Any]:
    """How a number of a matrix product was computed."""
    x, y, *bias = graph.inputs(node)
    shape = graph.by_id(x.source).shape
    return {
        "kind": "product",
        "x": x.source,
        "y": y.source,
        "x_turned": x.turned,
        "y_turned": y.turned != bool(node.meaning and node.meaning.turned),
        "k": shape[-2 if x.turned else -1],
        "plus": bias[0].source if bias else None,
    }


def argument(x: str | float | None) -> Any:
    """An input: the id of a card, a plain number, or None if it was not given."""
    if x is None or isinstance(x, str):
        return x
    return json_number(x)


def moved(graph: Graph, node: Node) -> dict[str, Any] | None:
    """For each number that is shown: which input it comes from, and its position there,
    counted row by row; None for the zeros of `place`. And for each input whether its
    gradient comes back by the same way; and which input has the indices. None for an
    operation that moves no numbers, whatever it says."""
    op, edges = node.operation, graph.inputs(node)
    assert op is not None
    xp = namespace_of([node.array])
    arrays = [graph.by_id(edge.source).array for edge in edges]
    found, first, end = on_positions(xp, op, node.settings, arrays)
    places = flat(found)
    lines = {i: flat(arrays[i]) for i in first}
    everything = [0.0, *(v for line in lines.values() for v in line)]
    inside = str(found.dtype) == "int64" and all(0 <= p < end for p in places)
    if not inside or not same([everything[p] for p in places], flat(node.array)):
        return None

    def origin(at: int) -> list[int] | None:
        which = [i for i, start in first.items() if at >= start]
        return [edges[which[-1]].position, at - first[which[-1]]] if which else None

    back = [True] * len(node.arguments)
    for i, line in lines.items():
        if edges[i].contribution_array is not None:
            sent = [0.0] * len(line)
            for p, g in zip(places, flat(node.gradient_array)):
                if first[i] <= p < first[i] + len(line):
                    sent[p - first[i]] += g
            back[edges[i].position] = same(sent, flat(edges[i].contribution_array))
    shown = [[origin(at) for at in row] for row in grid_of(found).numbers]
    how: dict[str, Any] = {"kind": "moved", "origins": shown, "back": back}
    if op is movement.take:  # the page may get others, which lead to other rows
        how["indices"] = node.arguments[1]
    return how


def same(numbers: list[Any], others: list[Any]) -> bool:
    """Whether two lists have the same numbers, but for the rounding of a float32."""
    return len(numbers) == len(others) and all(
        p == q or p != p or q != q or abs(p - q) <= 1e-5 * max(abs(p), abs(q), 1e-3)
        for p, q in zip(map(float, numbers), map(float, others))
    )
