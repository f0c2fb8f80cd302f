"""Which line of source called an operation: for messages and for pictures.

A line is kept as the code it belongs to and a place in it, which costs half a
microsecond; its text is looked up when it is needed. (A frame would cost less, but
it keeps all variables of the function alive.)
"""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from itertools import islice
from os.path import dirname, join
from types import CodeType
from typing import Any, NamedTuple

# Folders, with the separator at their end: /home/me/nn_demo.py is not in /home/me/nn/.
ENGINE = join(dirname(dirname(__file__)), "")
LAYERS = join(dirname(dirname(ENGINE)), "nn", ""), join(ENGINE, "nn", "")
# In these the mathematics is written down: a step of theirs has a line of its own.
LESSONS = (
    join(ENGINE, "rules", "composites.py"),
    join(ENGINE, "rules", "activations.py"),
)


class SourceLine(NamedTuple):
    """A line of source: the code that was running, and the instruction in it."""

    code: CodeType
    instruction: int

    @property
    def file(self) -> str:
        """The file's path."""
        return self.code.co_filename

    @property
    def number(self) -> int:
        """The line's number, from 1."""
        found = self.code.co_firstlineno
        for start, stop, number in self.code.co_lines():
            if start <= self.instruction < stop and number is not None:
                found = number
        return found

    @property
    def text(self) -> str:
        """What stands in the line; "" if the file cannot be read."""
        return linecache.getline(self.file, self.number).strip()

    @property
    def target(self) -> str:
        """The variable that the result is assigned to: "Q" for `Q = x @ W_Q`; "" if it
        is only a part of what the line computes."""
        if not hasattr(self.code, "co_positions"):
            return self._stored_next()
        return expressions(self.file).get(self._span(), (None, ""))[1]

    @property
    def operands(self) -> list[str]:
        """The variables that the operation was applied to, in order: ["x", ""] for
        `x @ self.W`, "" for anything but a variable; [] if unknown."""
        found: ast.expr | None = None
        if hasattr(self.code, "co_positions"):
            found, _ = expressions(self.file).get(self._span(), (None, ""))
        else:
            found = self._only_candidate()
        parts: list[ast.expr] = []
        if isinstance(found, ast.BinOp):
            parts = [found.left, found.right]
        elif isinstance(found, ast.Compare):
            parts = [found.left, *found.comparators]
        elif isinstance(found, ast.Call):
            parts = list(found.args)
        elif isinstance(found, ast.Attribute):
            parts = [found.value]
        return [part.id if isinstance(part, ast.Name) else "" for part in parts]

    def _span(self) -> Any:
        positions = self.code.co_positions()  # type: ignore[attr-defined,unused-ignore]
        return next(islice(positions, self.instruction // 2, None), None)

    def _stored_next(self) -> str:
        """The same for Python 3.10, which does not know columns: the name that the next
        instruction stores to, if it stores."""
        following = dis.get_instructions(self.code)
        for step in following:
            if step.offset == self.instruction:
                stored = next(following, step)
                named = stored.opname in ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL")
                return (
                    str(stored.argval) if named and stored.argval.isidentifier() else ""
                )
        return ""

    def _only_candidate(self) -> ast.expr | None:
        """For Python 3.10: the expression in the line that has this instruction's kind,
        if there is only one."""
        steps = dis.get_instructions(self.code)
        name = next(s.opname for s in steps if s.offset == self.instruction)
        kind: type[ast.expr] = ast.Attribute
        if name.startswith(("BINARY", "COMPARE")):
            kind = ast.BinOp if name.startswith("BINARY") else ast.Compare
        elif name.startswith("CALL"):
            kind = ast.Call
        number = self.number
        found = [
            node
            for (first, *_), (node, _) in expressions(self.file).items()
            if first == number and isinstance(node, kind)
        ]
        if kind is ast.BinOp and len(found) > 1:
            symbol = BINARY.get(name.removeprefix("BINARY_"))
            found = [n for n in found if symbol and isinstance(n.op, symbol)]  # type: ignore[attr-defined]
        return found[0] if len(found) == 1 else None

    def __str__(self) -> str:
        text = self.text
        return f"{self.file}:{self.number}" + (f": {text}" if text else "")


BINARY: dict[str, type[ast.operator]] = {
    "ADD": ast.Add,
    "SUBTRACT": ast.Sub,
    "MULTIPLY": ast.Mult,
    "TRUE_DIVIDE": ast.Div,
    "POWER": ast.Pow,
    "MATRIX_MULTIPLY": ast.MatMult,
}
Expressions = dict[Any, tuple[ast.expr, str]]
_known: dict[str, tuple[list[str], Expressions]] = {}  # file → its lines, and these


def expressions(file: str) -> Expressions:
    """The expressions in a file by where they stand (first line, last line, first
    column, last column), each with the variable that it is assigned to, or ""."""
    lines = linecache.getlines(file)
    if file in _known and _known[file][0] is lines:
        return _known[file][1]
    found: Expressions = {}
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        tree = ast.parse("")
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            found.setdefault(span_of(node), (node, ""))
        for target, value in assignments(node):
            if isinstance(target, ast.Name):
                found[span_of(value)] = value, target.id
    _known[file] = lines, found
    return found


def assignments(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """The targets and values of an assignment: one of each, or as many in a tuple."""
    if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts))
    return [(target, value)]


def span_of(node: ast.expr) -> tuple[int, int | None, int, int | None]:
    """Where an expression stands, as `co_positions` says it."""
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def users_line() -> SourceLine:
    """The innermost line of the program that is outside these packages."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith((ENGINE, *LAYERS)):
        frame = frame.f_back
    return SourceLine(frame.f_code, frame.f_lasti)


def source_line() -> SourceLine:
    """The innermost line that says what is computed: of the user's program, of a layer,
    or of a composite's forward."""
    frame = sys._getframe(1)
    while frame.f_back and is_engine(frame.f_code.co_filename):
        frame = frame.f_back
    return SourceLine(frame.f_code, frame.f_lasti)


def is_engine(file: str) -> bool:
    """Whether a file has neither a user's lines nor those of a lesson or a layer."""
    return file.startswith(ENGINE) and not file.startswith((*LESSONS, *LAYERS))
