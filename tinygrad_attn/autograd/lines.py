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
from collections.abc import Sequence
from itertools import count, islice
from os.path import dirname, join
from types import CodeType, FrameType
from typing import Any, NamedTuple

from .source import expressions, names_in_line

# Folders, with the separator at their end: /home/me/nn_demo.py is not in /home/me/nn/.
ENGINE = join(dirname(dirname(__file__)), "")
LAYERS = join(dirname(dirname(ENGINE)), "nn", ""), join(ENGINE, "nn", "")
# In these the mathematics is written down: a step of theirs has a line of its own.
LESSONS = (
    join(ENGINE, "rules", "composites.py"),
    join(ENGINE, "rules", "activations.py"),
)


class SourceLine(NamedTuple):
    """A line of source: the code that was running, and the instruction in it.

    `names` has for each input of the operation the program's name of it, or "". `time`
    counts the operations that were recorded so.
    """

    code: CodeType
    instruction: int
    names: tuple[str, ...] = ()
    time: int = 0

    def same_as(self, other: Any) -> bool:
        """Whether two operations were computed by the same line (or the same part)."""
        return other is not None and self[:2] == other[:2]

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
        """The variables beside an operator, in order: ["x", ""] for `x @ self.W`, ""
        for anything but a variable; [] if unknown, or for a call."""
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
                if stored.opname == "DUP_TOP":  # (h := x)
                    stored = next(following, step)
                named = stored.opname in ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL")
                return (
                    str(stored.argval) if named and stored.argval.isidentifier() else ""
                )
        return ""

    def _only_candidate(self) -> ast.expr | None:
        """For Python 3.10: the operator in the line that has this instruction's kind,
        if there is only one."""
        steps = dis.get_instructions(self.code)
        name = next(s.opname for s in steps if s.offset == self.instruction)
        if not name.startswith(("BINARY", "COMPARE")):
            return None
        kind = ast.BinOp if name.startswith("BINARY") else ast.Compare
        number = self.number
        found = [
            node
            for (first, *_), (node, _) in expressions(self.file).items()
            if first == number and isinstance(node, kind)
        ]
        if kind is ast.BinOp and len(found) > 1:
            symbol = BINARY.get(name.removeprefix("BINARY_"))
            found = [
                n
                for n in found
                if symbol and isinstance(getattr(n, "op", None), symbol)
            ]
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
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
CLOCK = count(1)
MOST = 100  # items of a variable that are looked through for a tensor


def users_line() -> SourceLine:
    """The innermost line of the program that is outside these packages."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith((ENGINE, *LAYERS)):
        frame = frame.f_back
    return SourceLine(frame.f_code, frame.f_lasti)


def source_line(inputs: Sequence[Any] = ()) -> SourceLine:
    """The innermost line that says what is computed: of the user's program, of a layer,
    or of a composite's forward; with the program's names of the inputs."""
    frame = sys._getframe(1)
    while frame.f_back and is_engine(frame.f_code.co_filename):
        frame = frame.f_back
    variables = variables_of(frame)
    names = tuple(name_of(x, variables) for x in inputs)
    found = names if any(names) else ()
    return SourceLine(frame.f_code, frame.f_lasti, found, next(CLOCK))


def variables_of(frame: FrameType) -> dict[str, Any]:
    """The variables that a line names, with what they are bound to, in the order of the
    line; all that its function knows, where the source cannot be read."""
    code, here = frame.f_code, frame.f_locals
    named = names_in_line(code.co_filename, frame.f_lineno)
    if named is None:
        named = (*code.co_varnames, *code.co_names)[:MOST]
    if code.co_name in COMPREHENSIONS:  # has its own frame before Python 3.12
        around = frame.f_back
        while around and around.f_code.co_name in COMPREHENSIONS:
            around = around.f_back
        here = {**here, **(around.f_locals if around else {})}
    found = {}
    for name in named:
        if name in here:
            found[name] = here[name]
        elif name in frame.f_globals:
            found[name] = frame.f_globals[name]
    return found


def name_of(x: Any, variables: dict[str, Any]) -> str:
    """What a line calls a tensor: the variable that is bound to it. It is found by
    identity, so how the line is written does not matter. For a leaf also the attribute,
    key or place in which a variable holds it.

    >>> x = Tensor([1.0])
    >>> name_of(x, {"a": 2, "w": x}), name_of(x, {"weights": {"W_Q": x}})
    ('w', 'W_Q')
    >>> name_of(x, {"ws": (0, x)})
    'ws.1'
    """
    if not hasattr(x, "_op"):
        return ""
    for name, value in variables.items():
        if value is x:
            return name
    for name, value in variables.items() if x._op is None else ():
        if isinstance(value, (list, tuple)):
            places = [i for i, item in enumerate(value[:MOST]) if item is x]
            if places:
                return f"{name}.{places[0]}"
        held = value if isinstance(value, dict) else getattr(value, "__dict__", {})
        keys = [str(key) for key, item in islice(held.items(), MOST) if item is x]
        if keys:
            return keys[0] if keys[0].isidentifier() else f"{name}.{keys[0]}"
    return ""


def is_engine(file: str) -> bool:
    """Whether a file has neither a user's lines nor those of a lesson or a layer."""
    return file.startswith(ENGINE) and not file.startswith((*LESSONS, *LAYERS))
