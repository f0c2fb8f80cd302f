"""Wording: what a step computes, as a formula in the program's own names.

    highest = maxⱼ energies
    e = exp(energies − highest)
    parameters ← parameters − lr · ∂parameters

For the steps that are not an operation of the model by themselves: those inside of a
rule, and the update. A step that only leads to the next, and that nothing has named, is
a part of the next one's formula.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from math import prod
from typing import Any

from .anatomy import (
    LASTING,
    Buffer,
    Check,
    Gather,
    Map,
    Operand,
    Product,
    Reduce,
    Step,
    View,
)
from .naming import noun

# How tightly a formula holds together.
CHOICE, COMPARED, SUM, TERM, SIGN, ATOM = range(6)
# function → its form, how tightly that holds, and how tightly each operand must.
FORMS: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "add": ("{0} + {1}", SUM, (SUM, SUM)),
    "sub": ("{0} − {1}", SUM, (SUM, TERM)),
    "mul": ("{0} ⊙ {1}", TERM, (TERM, TERM)),
    "div": ("{0} / {1}", TERM, (TERM, SIGN)),
    "floor_divide": ("⌊{0} / {1}⌋", ATOM, (TERM, SIGN)),
    "neg": ("−{0}", SIGN, (SIGN,)),
    "pow": ("{0}^{1}", SIGN, (ATOM, ATOM)),
    "sqrt": ("√{0}", ATOM, (ATOM,)),
    "log": ("ln {0}", TERM, (SIGN,)),
    "eq": ("{0} == {1}", COMPARED, (SUM, SUM)),
    "ne": ("{0} ≠ {1}", COMPARED, (SUM, SUM)),
    "lt": ("{0} < {1}", COMPARED, (SUM, SUM)),
    "le": ("{0} ≤ {1}", COMPARED, (SUM, SUM)),
    "gt": ("{0} > {1}", COMPARED, (SUM, SUM)),
    "ge": ("{0} ≥ {1}", COMPARED, (SUM, SUM)),
    "where": ("{1} where {0}, else {2}", CHOICE, (COMPARED, SUM, SUM)),
    "maximum": ("max({0}, {1})", ATOM, (CHOICE, CHOICE)),
    "copy": ("{0}", CHOICE, (CHOICE,)),
}
DEEPEST = 12  # steps inside of each other
Told = tuple[str, int]  # a formula, and how tightly it holds


class Wording:
    """Formulas of steps.

    Attributes:
        inside: buffer → the step that is told inside of the one that reads it.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        told: Iterable[Step],
        stages: Container[Buffer],
        names: Mapping[Buffer, str],
    ) -> None:
        """
        Args:
            told: the steps that have a formula already.
            stages: buffers that lie where the next step writes.
            names: what formulas call a buffer, if not by its name.
        """
        self.names = names
        known = {*told}
        readers: dict[Buffer, list[Step]] = {}
        writers = Counter(s.out.buffer for s in steps if not isinstance(s, Check))
        for step in steps:
            for view in step.reads():
                readers.setdefault(view.buffer, []).append(step)
        self.inside: dict[Buffer, Step] = {}
        depths: dict[Buffer, int] = {}
        for step in steps:
            buffer = step.out.buffer
            mine = readers.get(buffer, [])
            if step in known or len({*mine}) != 1:
                continue
            below = [depths.get(v.buffer, 0) for v in step.reads()]
            depths[buffer] = 1 + max(below, default=0)
            if depths[buffer] > DEEPEST:
                depths[buffer] = 0
                continue
            if buffer in stages:
                self.inside[buffer] = step
                continue
            if not isinstance(step, Map):
                continue
            if buffer.role == "local" and (len(mine) > 1 or is_named(step)):
                continue
            leads = isinstance(mine[0], (Map, Reduce)) and buffer.home is None
            if buffer.role in ("local", "scalar") and leads and writers[buffer] == 1:
                self.inside[buffer] = step

    def formula(self, step: Step) -> str:
        """What a step computes; "" if it is told with the next one."""
        if isinstance(step, Check) or self.inside.get(step.out.buffer) is step:
            return ""
        sign = "←" if step.out.buffer.alias.role in LASTING else "="
        return f"{self.called(step.out)} {sign} {self.right(step)[0]}"

    def right(self, step: Step) -> Told:
        """What stands on the right side."""
        if isinstance(step, Map):
            return self.map(step)
        if isinstance(step, Reduce):
            name = {"sum": "Σ", "max": "max", "argmax": "argmax"}[step.function]
            x = self.held(step.x, TERM)
            ndim = step.x.ndim
            over = f"(axis {', '.join(map(str, step.axes))})"
            if step.axes == (ndim - 1,):
                over = "ⱼ"
            if len(step.axes) == ndim:
                over = ""
            return f"{name}{over} {x}", TERM
        if isinstance(step, Product):
            return f"{self.held(step.x, ATOM)} {self.held(step.y, ATOM)}", TERM
        x, y = (self.called(v) for v in step.operands() if isinstance(v, View))
        if isinstance(step, Gather):
            return f"{x}[{y}]", ATOM
        return f"the rows of {x}, added at {y}", CHOICE

    def map(self, step: Map) -> Told:
        """Element by element."""
        function, args = step.function, step.args
        if function == "mul":
            x, y = args
            if isinstance(x, View) and isinstance(y, View) and x.key == y.key:
                return f"{self.held(x, ATOM)}²", SIGN
            if any(map(is_number, args)):
                factors = sorted(args, key=lambda v: not is_number(v))
                return " · ".join(self.held(v, TERM) for v in factors), TERM
        if function == "pow" and not isinstance(args[1], View) and args[1] == 2:
            return f"{self.held(args[0], ATOM)}²", SIGN
        if function == "copy":
            return self.told(args[0])
        if function not in FORMS:
            return f"{function}({self.held(args[0], CHOICE)})", ATOM
        form, own, needed = FORMS[function]
        return form.format(*map(self.held, args, needed)), own

    def called(self, view: View) -> str:
        """A view, as formulas call it; what is all of another has the other's name."""
        home = view.buffer.alias
        name = self.names.get(home, home.name)
        turned = view.made is not None and view.made[1] == "transpose"
        seen = prod(n for n, s in zip(view.shape, view.strides) if s)
        if seen < home.size:
            return f"{name}[…]"
        return f"{name}ᵀ" if turned and view.ndim == 2 else name

    def told(self, v: Operand) -> Told:
        """An operand, and how tightly it holds."""
        if not isinstance(v, View):
            return number(v), SIGN if v < 0 else ATOM
        step = self.inside.get(v.buffer)
        return self.right(step) if step is not None else (self.called(v), ATOM)

    def held(self, v: Operand, needed: int) -> str:
        """An operand, in brackets if it must be."""
        text, own = self.told(v)
        return f"({text})" if own < needed else text


def is_named(step: Step) -> bool:
    """Whether a rule has a variable for a step's result, which then has its name."""
    function = getattr(step, "function", "")
    return noun(function) != noun(step.out.buffer.name.rstrip("0123456789").rstrip("_"))


def is_number(v: Operand) -> bool:
    """Whether an operand is a plain number."""
    return not isinstance(v, View) or v.buffer.role == "scalar"


def number(v: Any) -> str:
    """A plain number, as far as it matters to a reader."""
    return str(v) if isinstance(v, (bool, int)) else f"{v:.6g}".replace("-", "−")
