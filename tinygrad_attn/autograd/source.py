"""What stands in a file of source: what is assigned, and what is read in each line."""

from __future__ import annotations

import ast
import linecache
from collections import deque
from functools import cached_property
from types import CodeType
from typing import Any

Span = tuple[
    int | None, int | None, int, int | None
]  # lines and columns of begin and end
Path = tuple[str, ...]  # a variable and the attributes taken of it: (self, mask)


class Source:
    """A file, or a function in it, parsed. What nobody asks for is not looked up.

    Attributes:
        lines: those of the file.
        text: what was parsed.
        statements: each after those around it.
    """

    def __init__(self, lines: list[str], code: CodeType | None = None) -> None:
        self.lines = lines
        self.statements: list[ast.stmt] = []
        for self.text in (lines_of(code, lines), lines) if code else (lines,):
            try:
                self.statements = statements(ast.parse("".join(self.text)))
                break
            except (SyntaxError, ValueError):
                continue
        self._paths: dict[int, tuple[Path, ...]] = {}

    @cached_property
    def targets(self) -> dict[Any, str]:
        """Where an expression stands → the variable or attribute it is assigned to."""
        nodes: list[ast.AST] = [*self.statements]
        if any(":=" in line for line in self.text):
            nodes = [v for s in self.statements for v in ast.walk(s)]
        pairs = (pair for node in nodes for pair in assignments(node))
        return {s: name_of_target(t) for t, value in pairs for s in spans_of(value)}

    @cached_property
    def returned(self) -> set[Any]:
        """Where an expression stands that a function returns."""
        values = (s.value for s in self.statements if isinstance(s, ast.Return))
        return {span for v in values if v for span in spans_of(first_of(v))}

    def paths(self, number: int) -> tuple[Path, ...]:
        """What the statement in a line reads, in order."""
        if number not in self._paths:
            found: dict[int, tuple[Path, ...]] = {}
            for s in self.statements:
                above = [d.lineno for d in getattr(s, "decorator_list", ())]
                if min(s.lineno, *above, s.lineno) <= number <= (s.end_lineno or 0):
                    note_paths(s, found)
            self._paths[number] = found.get(number, ())
        return self._paths[number]


_known: dict[tuple[str, int], Source] = {}
OF_A_FUNCTION = 1  # of a code object: its variables are in no dict


def parsed(file: str, code: CodeType | None = None) -> Source:
    """A file, parsed once; empty if it cannot be read. Of a file with many functions
    only that one of which the code is, if it has a `def`: most files are long."""
    lines = linecache.getlines(file)
    if code and (code.co_name[0] == "<" or not code.co_flags & OF_A_FUNCTION):
        code = None
    key = file, code.co_firstlineno if code else 0
    if key not in _known or _known[key].lines is not lines:
        _known[key] = Source(lines, code)
    return _known[key]


def lines_of(code: CodeType, lines: list[str]) -> list[str]:
    """The lines of a function, each at its place in the file; those around it are
    empty. Behind the last line with code may be the end of a statement."""
    first, last = code.co_firstlineno, last_line(code)
    depth = indent(lines[first - 1]) if first <= len(lines) else 0
    for line in lines[last:]:
        if line.strip() and indent(line) <= depth and line.strip()[0] not in ")]}":
            break
        last += 1
    before = ["\n"] * (first - 1)
    if before and depth:
        before[-1] = "class Around:\n"
    return [*before, *lines[first - 1 : last]]


def last_line(code: CodeType) -> int:
    """The last line for which a function has code, or one inside of it."""
    inside = (last_line(c) for c in code.co_consts if isinstance(c, CodeType))
    own = (number or 0 for _, _, number in code.co_lines())
    return max([*own, *inside], default=0)


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def statements(tree: ast.Module) -> list[ast.stmt]:
    """All statements, each after those around it."""
    found: list[ast.stmt] = []
    todo: deque[Any] = deque([tree])
    while todo:
        node = todo.popleft()
        if isinstance(node, ast.stmt):
            found.append(node)
        for inside in ("body", "handlers", "orelse", "finalbody", "cases"):
            todo += getattr(node, inside, ())
    return found


def targets(file: str, code: CodeType | None = None) -> dict[Any, str]:
    """The variables and attributes that are assigned to in a file, or a function in it,
    by where the expression stands that they get."""
    return parsed(file, code).targets


def paths_in_line(
    file: str, number: int, code: CodeType | None = None
) -> tuple[Path, ...] | None:
    """What the statement in a line reads, in order; None if the file cannot be read."""
    found = parsed(file, code)
    return found.paths(number) if found.lines else None


def first_of(value: ast.expr) -> ast.expr:
    """The first of several values that are returned: z of `z, saved`."""
    return value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value


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
