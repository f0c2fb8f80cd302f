"""What stands in a file of source: its expressions, and what they are assigned to."""

from __future__ import annotations

import ast
import linecache
from typing import Any, NamedTuple

Span = tuple[int, int | None, int, int | None]  # lines and columns of begin and end


class Source(NamedTuple):
    """A file, parsed.

    Attributes:
        lines: the text that was parsed.
        expressions: where an expression stands → it, and the variable that it is
            assigned to, or "".
        names: number of a line → the variables that its statement reads, in order.
    """

    lines: list[str]
    expressions: dict[Any, tuple[ast.expr, str]]
    names: dict[int, tuple[str, ...]]


_known: dict[str, Source] = {}


def parsed(file: str) -> Source:
    """A file, parsed once; empty if it cannot be read."""
    lines = linecache.getlines(file)
    if file not in _known or _known[file].lines is not lines:
        found = _known[file] = Source(lines, {}, {})
        try:
            tree = ast.parse("".join(lines))
        except (SyntaxError, ValueError):
            return found
        for node in ast.walk(tree):
            if isinstance(node, ast.expr):
                found.expressions.setdefault(span_of(node), (node, ""))
            for target, value in assignments(node):
                if isinstance(target, ast.Name):
                    found.expressions[span_of(value)] = value, target.id
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt):
                note_names(node, found.names)
    return _known[file]


def expressions(file: str) -> dict[Any, tuple[ast.expr, str]]:
    """The expressions in a file by where they stand, each with the variable that it is
    assigned to, or ""."""
    return parsed(file).expressions


def names_in_line(file: str, number: int) -> tuple[str, ...] | None:
    """The variables that the statement in a line reads, in order; None if the file
    cannot be read."""
    found = parsed(file)
    return found.names.get(number, ()) if found.lines else None


def note_names(statement: ast.stmt, names: dict[int, tuple[str, ...]]) -> None:
    """Notes for each line of a statement which variables it reads. Of a loop or an `if`
    only the head is meant: what stands inside are statements of their own."""
    heads: list[ast.AST] = [statement]
    if hasattr(statement, "body"):
        inside = (ast.stmt, ast.excepthandler, ast.match_case)
        heads = [
            node
            for node in ast.iter_child_nodes(statement)
            if not isinstance(node, inside)
        ]
    for head in heads:
        parts = [node for node in ast.walk(head) if isinstance(node, ast.expr)]
        if not parts:
            continue
        own = {v.id for node in ast.walk(head) for v in bound_inside(node)}
        read = [v.id for v in in_order(parts) if is_read(v, statement)]
        # what a comprehension binds, last: before that, it was another's
        read.sort(key=own.__contains__)
        first = min(node.lineno for node in parts)
        last = max(node.end_lineno or node.lineno for node in parts)
        for line in range(min(first, getattr(head, "lineno", first)), last + 1):
            names[line] = tuple(dict.fromkeys((*names.get(line, ()), *read)))


def in_order(parts: list[ast.expr]) -> list[ast.Name]:
    """The variables among expressions, as they stand in the text."""
    return sorted((v for v in parts if isinstance(v, ast.Name)), key=span_of)


def is_read(v: ast.Name, statement: ast.stmt) -> bool:
    """Whether a statement reads a variable; h += x reads h too."""
    changed = isinstance(statement, ast.AugAssign) and statement.target is v
    return isinstance(v.ctx, ast.Load) or changed


def bound_inside(node: ast.AST) -> list[ast.Name]:
    """The variables of a comprehension."""
    if not isinstance(node, ast.comprehension):
        return []
    return [v for v in ast.walk(node.target) if isinstance(v, ast.Name)]


def assignments(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """The targets and values of an assignment: one of each, or as many in a tuple."""
    if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        return [(node.target, node.value)]
    if isinstance(node, ast.AugAssign):  # h += x is computed as h + x
        step = ast.BinOp(node.target, node.op, node.value)
        return [(node.target, ast.copy_location(step, node))]
    if not isinstance(node, ast.Assign):
        return []
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts))
    return [(target, value)]


def span_of(node: ast.expr) -> Span:
    """Where an expression stands, as `co_positions` says it."""
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
