"""How each number of a card came about, for the page to write out when pointed at.

A heat map, and how its numbers were made of others: `page/sums.js` makes sentences of
it. What is said there must be true to the last index. So nothing is guessed: of an
operation that only moves numbers, the positions themselves are sent through it.
"""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

from ...arrays.backends import namespace_of
from ...graph.data import Graph, Node
from ...graph.notation.formulas import Written, axes_of, is_masked
from ...rules import movement, primitives
from ..look.grids import Grid, grid_of

MOVES = {
    op.name: op
    for op in (
        movement.reshape,
        movement.permute_dims,
        movement.getslice,
        movement.place,
        movement.concat,
        movement.take,
        primitives.broadcast_to,
    )
}


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
        "palette": grid.palette,
        "labels": labels,
    }


def json_number(x: Any) -> Any:
    """A number as JSON has it: seven digits, and words for what is not finite."""
    if isinstance(x, (bool, int)):
        return x
    return float(f"{x:.7g}") if isfinite(x) else str(x)


def how(graph: Graph, node: Node, words: Written) -> dict[str, Any] | None:
    """How a number of a card came about; None for what was not computed.

    | kind | a number of z is made of |
    |---|---|
    | "product" | a row of x and a column of y, and a number of `plus` |
    | "elementwise" | the numbers at its place |
    | "rowwise" | its row (for a z without that axis: the row that it stands for) |
    | "reduced" | the numbers along `axes` of x |
    | "moved" | one number, `origins[i][j]` = [which input, position] |
    | "many" | some, which are not told |
    """
    edges = graph.inputs(node)
    if not edges:
        return None
    if words.kind == "product":
        return product(graph, node)
    inputs = [argument(x) for x in node.arguments if x is not None]
    found = {"kind": words.kind, "op": words.sign or node.op, "inputs": inputs}
    x = graph.by_id(edges[0].source)
    axes = axes_of(node, len(x.shape))
    if node.op in ("sum", "max"):
        return found | {"kind": "reduced", "x": x.id, "axes": axes}
    if words.kind == "rowwise" and axes not in (None, [len(x.shape) - 1]):
        return found | {"kind": "many"}
    if node.op in MOVES:
        return found | {"kind": "moved", "origins": origins(graph, node)}
    return found | {"kind": "many"} if words.kind in ("all", "moved") else found


def product(graph: Graph, node: Node) -> dict[str, Any]:
    """How a number of a matrix product came about."""
    x, y, *bias = graph.inputs(node)
    shape = graph.by_id(x.source).shape
    return {
        "kind": "product",
        "x": x.source,
        "y": y.source,
        "x_turned": x.turned,
        "y_turned": y.turned != (node.op == "linear"),
        "k": shape[-2 if x.turned else -1],
        "plus": bias[0].source if bias else None,
    }


def argument(x: str | float) -> Any:
    """An input: the id of a card, or a plain number."""
    if isinstance(x, str):
        return x
    return "-inf" if is_masked(x) else json_number(x)


def origins(graph: Graph, node: Node) -> list[list[Any]]:
    """For each number that is shown: which input it was in, and at which position of
    that, counted row by row; None for the zeros of `place`."""
    xp = namespace_of([node.array])
    arrays, starts, start = [], [], 1
    for edge in graph.inputs(node):
        x = graph.by_id(edge.source)
        if edge.position and node.op == "take":
            arrays.append(x.array)
            continue
        n = prod(x.shape)
        arrays.append(xp.reshape(xp.arange(start, start + n), x.shape))
        starts.append(start)
        start += n
    moved = MOVES[node.op].forward(xp, *arrays, **node.settings)

    def origin(at: int) -> list[int] | None:
        which = sum(at >= start for start in starts) - 1
        return [which, at - starts[which]] if which >= 0 else None

    return [[origin(at) for at in row] for row in grid_of(moved).numbers]
