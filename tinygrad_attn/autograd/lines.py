"""Which line of source called an operation: for messages and for pictures.

A line is kept as the code it belongs to and a place in it, and its text is looked up
when it is needed. (A frame would cost less, but it keeps all variables of the function
alive.) With it goes what it calls the inputs: see variables.py. Inside `record()` both
take some five microseconds an operation.
"""

from __future__ import annotations

import dis
import linecache
import re
import sys
from collections.abc import Sequence
from functools import cache
from itertools import count, islice
from os.path import dirname, join
from types import CodeType
from typing import Any, NamedTuple

from .source import parsed, targets
from .variables import names_in

# Folders, with the separator at their end: /home/me/nn_demo.py is not in /home/me/nn/.
ENGINE = join(dirname(dirname(__file__)), "")
LAYERS = join(dirname(dirname(ENGINE)), "nn", ""), join(ENGINE, "nn", "")
# In these the mathematics is written down: a step of theirs has a line of its own.
LESSONS = (
    join(ENGINE, "rules", "composites.py"),
    join(ENGINE, "rules", "activations.py"),
)


FOLDERS = re.compile(r"[\\/]")  # what stands between them, on any system


class SourceLine(NamedTuple):
    """A line of source: the code that was running, and the instruction in it.

    `names` has for each input of the operation the program's name of it, or "". `time`
    counts the operations that were recorded so.
    """

    code: CodeType
    instruction: int
    names: tuple[str, ...] = ()
    time: int = 0

    def same_as(self, other: SourceLine | None) -> bool:
        """Whether two operations were computed by the same line (or the same part)."""
        return other is not None and self[:2] == other[:2]

    @property
    def file(self) -> str:
        """The file's path."""
        return self.code.co_filename

    @property
    def readers(self) -> bool:
        """Whether it is the reader's own, and not a layer's or the engine's."""
        return not self.file.startswith((ENGINE, *LAYERS))

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
        """The variable or attribute that the result is assigned to: "Q" for
        `Q = x @ W_Q`; "" if it is only a part of what the line computes."""
        if not hasattr(self.code, "co_positions"):
            return self._stored_next()
        positions = self.code.co_positions()
        span: Any = next(islice(positions, self.instruction // 2, None), None)
        return targets(self.file, self.code).get(span, "")

    @property
    def returns(self) -> bool:
        """Whether the result is what the line returns, and no part of it."""
        if not hasattr(self.code, "co_positions"):
            steps = (s for s in dis.get_instructions(self.code))
            later = (s.opname for s in steps if s.offset > self.instruction)
            return next(later, "") == "RETURN_VALUE"
        positions = self.code.co_positions()
        span: Any = next(islice(positions, self.instruction // 2, None), None)
        return span in parsed(self.file, self.code).returned

    def _stored_next(self) -> str:
        """The same for Python 3.10, which does not know columns: the name that the next
        instructions store to, if they store."""
        key: Any = ""
        for step in dis.get_instructions(self.code):
            if step.offset < self.instruction:
                continue
            if step.offset == self.instruction:
                if step.opname.startswith("UNPACK"):  # a, b = x stores several
                    break
            elif step.opname in STORES:
                return str(step.argval) if step.argval.isidentifier() else ""
            elif step.opname == "STORE_SUBSCR":  # cache["k"] = x @ w
                return str(key) if str(key).isidentifier() else ""
            elif not step.opname.startswith(("DUP_TOP", "LOAD_")):  # (h := x)
                break
            key = step.argval if step.opname == "LOAD_CONST" else ""
        return ""

    @property
    def brief(self) -> str:
        """The same without folders, as pictures have it: they may be sent to others,
        and a path may have the user's name in it."""
        text, name = self.text, FOLDERS.split(self.file)[-1]
        return f"{name}:{self.number}" + (f": {text}" if text else "")

    def __str__(self) -> str:
        text = self.text
        return f"{self.file}:{self.number}" + (f": {text}" if text else "")


STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_ATTR")
CLOCK = count(1)


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
    names = names_in(frame, inputs)
    return SourceLine(frame.f_code, frame.f_lasti, names, next(CLOCK))


@cache
def is_engine(file: str) -> bool:
    """Whether a file has neither a user's lines nor those of a lesson or a layer."""
    return file.startswith(ENGINE) and not file.startswith((*LESSONS, *LAYERS))
