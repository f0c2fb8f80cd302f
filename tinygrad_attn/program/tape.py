"""The tape: what a function computes, step by step, while it runs on names.

While a program is written, `context.now.writer` is a Tape. `apply` asks it for the
inputs of each operation (`arrays`): a tensor's numbers are then a name, and so are all
results. The namespace (namespace.py) notes each computation with such names here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from os.path import dirname, join
from typing import Any

from ..arrays import python
from ..autograd.recording import Recorded, make
from ..context import context
from ..errors import say
from .anatomy import Buffer, Check, Origin, Step
from .traced import Traced

MOST = 4096  # numbers of a constant in a program's text
HERE = join(dirname(__file__), "")
RULES = join(dirname(dirname(__file__)), "rules", "")


class Tape:
    """The steps of a program that is being written.

    Attributes:
        steps: so far, in order.
        leaves: id of a tensor that was there before → the tensor, and its name.
        origin: that of the steps that come next.
        decided: scalar → which way a rule went because of it.
        home: the namespace of the arrays that the function itself would make.
    """

    def __init__(self, home: Any = python) -> None:
        self.home = home
        self.steps: list[Step] = []
        self.leaves: dict[int, tuple[Any, Traced]] = {}
        self.origin = Origin()
        self.decided: dict[Buffer, bool] = {}
        self.randoms: list[Traced] = []
        self.constants: list[Traced] = []

    def arrays(
        self, op: Any, inputs: Sequence[Any], arrays: list[Any], params: dict[str, Any]
    ) -> list[Any]:
        """The arrays of an operation's inputs, as names. `apply` asks it."""
        self.origin = Origin(self.origin.part, op, context.now.scope, params=params)
        return [
            self.leaf(x) if isinstance(x, Recorded) and type(a) is not Traced else a
            for x, a in zip(inputs, arrays)
        ]

    def made(self, array: Any) -> bool:
        """Whether an array is what the program itself computes or has: no input, and
        no numbers of a tensor that was there before."""
        if type(array) is not Traced:
            return False
        return array.buffer.role in ("local", "constant") and not array.buffer.owner

    def leaf(self, t: Any) -> Traced:
        """The name of a tensor that was there before. One tensor, one name."""
        link = getattr(t, "_owner", None)  # x.data: the numbers of x
        if link is not None and link.tensor is not None:
            t = link.tensor
        if id(t) not in self.leaves:
            trained = t._requires_grad or t._trained
            role = "parameter" if trained else "constant"
            buffer = Buffer(t.shape, t.dtype, role, owner=t)
            self.leaves[id(t)] = t, Traced(buffer)
        return self.leaves[id(t)][1]

    def name(self, array: Any) -> Any:
        """An array of numbers that a rule met, as a constant; names and plain numbers
        as they are."""
        if isinstance(array, (Traced, int, float)):
            return array
        if not hasattr(array, "shape"):
            raise TypeError(f"{say(array)} given; it must be an array or a number")
        return self.constant(array)

    def constant(self, numbers: Any) -> Traced:
        """Numbers that are the same at each run: in the program's text, if they are
        not too many; else they are given as a Tensor's are."""
        if numbers.size > MOST:
            return self.leaf(make(numbers))
        buffer = Buffer(tuple(numbers.shape), str(numbers.dtype), "constant")
        buffer.value = numbers
        self.constants.append(Traced(buffer))
        return self.constants[-1]

    def emit(self, step: Step) -> None:
        """Notes a step, and the lines of the rule that asks for it."""
        step.origin, step.lines = self.origin, lines_of_rule()
        self.steps.append(step)

    def check(self, step: Check) -> None:
        self.emit(step)


def lines_of_rule() -> list[tuple[Any, int]]:
    """The innermost line outside this folder, of a rule or of an optimizer, and those
    that called it."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    found: list[tuple[Any, int]] = []
    while frame is not None and len(found) < DEEPEST:
        found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
        while frame is not None and frame.f_code.co_name == "__call__":
            frame = frame.f_back  # an operation inside another's forward
        if frame is None or not frame.f_code.co_filename.startswith(RULES):
            break
    return found


DEEPEST = 3  # calls that are looked through for a name
