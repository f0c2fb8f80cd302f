"""Which line of source asked for an operation: for messages and for pictures.

A line is kept as the code it belongs to and a place in it, which costs half a
microsecond; its text is looked up when somebody asks. (A frame would cost nothing
either, but it keeps alive whatever the function had in its variables.)
"""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from itertools import islice
from pathlib import Path
from types import CodeType
from typing import NamedTuple

ENGINE = str(Path(__file__).parent)
LAYERS = str(Path(__file__).parents[1] / "nn")
# In these the mathematics is written down: a step of theirs has a line of its own.
LESSONS = tuple(f"{ENGINE}/{name}.py" for name in ("composites", "activations"))


class Line(NamedTuple):
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
        spans = islice(self.code.co_positions(), self.instruction // 2, None)
        first, last, start, stop = next(spans, (None,) * 4)
        if first is None or first != last or start is None or stop is None:
            return ""
        line = linecache.getline(self.file, first)
        indent = len(line) - len(line.lstrip())
        try:
            (statement,) = ast.parse(line.strip()).body
        except (SyntaxError, ValueError):
            return ""
        if not isinstance(statement, ast.Assign):
            return ""
        target, value = statement.targets[0], statement.value
        pairs: list[tuple[ast.expr, ast.expr]] = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts))
        for name, value in pairs:
            span = value.col_offset + indent, (value.end_col_offset or 0) + indent
            if isinstance(name, ast.Name) and span == (start, stop):
                return name.id
        return ""

    def _stored_next(self) -> str:
        """The same for Python 3.10, which does not know columns: the name that the next
        instruction stores to, if it stores."""
        following = dis.get_instructions(self.code)
        for step in following:
            if step.offset == self.instruction:
                stored = next(following, step)
                named = stored.opname in ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL")
                return str(stored.argval) if named else ""
        return ""

    def __str__(self) -> str:
        text = self.text
        return f"{self.file}:{self.number}" + (f": {text}" if text else "")


def users_line() -> Line:
    """The innermost line of the program that is outside these packages."""
    return _line_beyond((ENGINE, LAYERS), ())


def source_line() -> Line:
    """The innermost line that says what is computed: of the user's program, of a layer,
    or of a composite's forward."""
    return _line_beyond((ENGINE,), LESSONS)


def _line_beyond(passed: tuple[str, ...], but_not: tuple[str, ...]) -> Line:
    frame = sys._getframe(2)
    while frame.f_back:
        file = frame.f_code.co_filename
        if not file.startswith(passed) or file.startswith(but_not):
            break
        frame = frame.f_back
    return Line(frame.f_code, frame.f_lasti)
