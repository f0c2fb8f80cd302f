"""What stands in a file of source: what is assigned, and what is read in each line."""

from __future__ import annotations

import ast
import linecache
from typing import Any, NamedTuple

Span = tuple[
    int | None, int | None, int, int | None
]  # lines and columns of begin and end
Path = tuple[str, ...]  # a variable and the attributes taken of it: (self, mask)


class Source(NamedTuple):
    """A file, parsed.

    Attributes:
        lines: the text that was parsed.
        targets: where an expression stands → the variable or attribute it is assigned
            to.
        paths: number of a line → what its statement reads, in order.
    """

    lines: list[str]
    targets: dict[Any, str]
    paths: dict[int, tuple[Path, ...]]


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
            for target, value in assignments(node):
                for span in spans_of(value):
                    found.targets[span] = name_of_target(target)
            if isinstance(node, ast.stmt):
                note_paths(node, found.paths)
    return _known[file]


def targets(file: str) -> dict[Any, str]:
    """The variables and attributes that are assigned to in a file, by where the
    expression stands that they get."""
    return parsed(file).targets


def paths_in_line(file: str, number: int) -> tuple[Path, ...] | None:
    """What the statement in a line reads, in order; None if the file cannot be read."""
    found = parsed(file)
    return found.paths.get(number, ()) if found.lines else None


# --- what is read ---------------------------------------------------------------------


def note_paths(statement: ast.stmt, paths: dict[int, tuple[Path, ...]]) -> None:
    """Notes for each line of a statement what it reads. Of a loop or an `if` only the
    head is meant: what stands inside are statements of their own."""
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
        longest = with_attributes(parts)
        read = [longest[v] for v in in_order(parts) if is_read(v, statement)]
        # what a comprehension binds, last: before that, it was another's
        bound = [path for path in read if path[0] in own]
        read = [path for path in read if path[0] not in own] + bound
        first = min(node.lineno for node in parts)
        last = max(node.end_lineno or node.lineno for node in parts)
        for line in range(first, last + 1):
            paths[line] = tuple(dict.fromkeys((*paths.get(line, ()), *read)))


def with_attributes(parts: list[ast.expr]) -> dict[ast.Name, Path]:
    """The variables among expressions, each with the attributes taken of it."""
    found: dict[ast.Name, Path] = {}
    for part in parts:
        names: list[str] = []
        while name := attribute_or_key(part):
            names.append(name)
            part = part.value  # type: ignore[attr-defined]
        if isinstance(part, ast.Name) and len(found.get(part, ())) <= len(names):
            found[part] = (part.id, *reversed(names))
    return found


def attribute_or_key(part: ast.expr) -> str:
    """ "mask" for `self.mask` and for `masks["mask"]`; else ""."""
    if isinstance(part, ast.Attribute):
        return part.attr
    if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
        key = str(part.slice.value)
        return key if key.isidentifier() else ""
    return ""


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


# --- what is assigned -----------------------------------------------------------------


def assignments(node: ast.AST) -> list[tuple[ast.expr, ast.expr | ast.AugAssign]]:
    """The targets of an assignment with what computes their values."""
    if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        return matched(node.target, node.value)
    if isinstance(node, ast.AugAssign):  # h += x, all of it, computes h + x
        return [(node.target, node)]
    if not isinstance(node, ast.Assign):
        return []
    return matched(node.targets[0], node.value)


def matched(
    target: ast.expr, value: ast.expr
) -> list[tuple[ast.expr, ast.expr | ast.AugAssign]]:
    """A target with its value; of tuples the parts, of `a if c else b` both."""
    several = ast.Tuple, ast.List
    if isinstance(value, ast.IfExp):
        return matched(target, value.body) + matched(target, value.orelse)
    if isinstance(target, several) and isinstance(value, several):
        if any(isinstance(part, ast.Starred) for part in target.elts + value.elts):
            return []
        pairs = zip(target.elts, value.elts)
        return [pair for one in pairs for pair in matched(*one)]
    return [(target, value)]


def name_of_target(target: ast.expr) -> str:
    """The name of a variable, an attribute or a key that is assigned to, or ""."""
    return target.id if isinstance(target, ast.Name) else attribute_or_key(target)


def spans_of(value: ast.expr | ast.AugAssign) -> list[Span]:
    """Where the instruction stands that computes an expression, as `co_positions` says
    it. A method that is called in a line below its object stands at its own name."""
    spans = [span_of(value)]
    called = value.func if isinstance(value, ast.Call) else value
    if isinstance(called, ast.Attribute) and called.end_col_offset is not None:
        line, column = called.end_lineno, called.end_col_offset - len(called.attr)
        spans.append((line, value.end_lineno, column, value.end_col_offset))
    return spans


def span_of(node: ast.expr | ast.AugAssign) -> Span:
    """Where an expression stands."""
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
