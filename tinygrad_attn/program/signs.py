"""Signs: what is known of numbers, whatever is given.

Where a language refuses to divide by 0 or to take a root of -1, it must look before
each division, or catch the error. It need not where no such number can arise: √(v + ε)
is not 0, and after x - max x no number is so large that exp overflows.

A nan may be anywhere: it is no number, and passes through.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from .anatomy import LASTING, Buffer, Gather, Map, Operand, Product, Reduce, Step, View
from .arranging import uses


class Known(NamedTuple):
    """What is known of all numbers of a buffer.

    Attributes:
        least, most: none is below, none above.
        positive: whether each is above 0.
        peak: the axes along which `most` is reached, in each row, unless that row has
            a nan; None if it is not known.
    """

    least: float = -inf
    most: float = inf
    positive: bool = False
    peak: tuple[int, ...] | None = None


NOTHING = Known()
SHARE = Known(0.0, 1.0)
BOUNDED = {"tanh": Known(-1.0, 1.0), "erf": Known(-1.0, 1.0)}
BOUNDED |= {"sin": Known(-1.0, 1.0), "cos": Known(-1.0, 1.0)}
BOUNDED |= dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), SHARE)


class Signs:
    """What is known of the results of some steps."""

    def __init__(self, steps: Iterable[Step]) -> None:
        listed = [*steps]
        writes, _ = uses(listed)
        self.often = {home for home, places in writes.items() if len(places) > 1}
        self.found: dict[Buffer, Known] = {}
        self.largest: dict[Buffer, Reduce] = {}
        for at, step in enumerate(listed):
            buffer = step.out.buffer
            if buffer.home is None and writes[buffer] == [at] and step.out.whole:
                self.found[buffer] = self.known(step)
                if isinstance(step, Reduce) and step.function == "max":
                    self.largest[buffer] = step

    def of(self, v: Operand) -> Known:
        """What is known of an operand."""
        if isinstance(v, Map):
            return self.found.get(v.out.buffer, NOTHING)
        if isinstance(v, View):
            known = self.found.get(v.buffer, NOTHING)
            same = v.whole and v.shape == v.buffer.shape
            return known if same else known._replace(peak=None)
        return NOTHING if v != v else Known(v, v, v > 0)

    def known(self, step: Step) -> Known:
        """What is known of a step's result, from what is known of its operands."""
        if step.out.dtype == "bool":
            known = SHARE
        elif isinstance(step, Map):
            known = self.map(step.function, step.args)
            if step.out.dtype == "int64" and self.rounds(step):
                known = Known(0.0) if known.least >= 0 else NOTHING
        elif isinstance(step, Reduce):
            known = self.reduce(step, self.of(step.x))
        elif isinstance(step, Gather):
            known = self.of(step.x)._replace(peak=None)
        elif isinstance(step, Product):
            least = min(self.of(step.x).least, self.of(step.y).least)
            known = Known(0.0) if least >= 0 else NOTHING
        else:
            known = NOTHING
        bounds = [inf if b != b else b for b in (-known.least, known.most)]
        return known._replace(least=-bounds[0], most=bounds[1])

    def map(self, function: str, args: tuple[Operand, ...]) -> Known:
        if function in BOUNDED:
            return BOUNDED[function]
        if function == "sub" and (axes := self.below_largest(*args)) is not None:
            return Known(-inf, 0.0, False, axes)
        given = [self.of(v) for v in args]
        x, y = given[0], given[-1]
        if function == "copy":
            return x._replace(peak=None)
        if function == "neg":
            return Known(-x.most, -x.least, x.most < 0)
        if function == "add":
            least, most = x.least + y.least, x.most + y.most
            positive = max(x.positive, y.positive) and min(x.least, y.least) >= 0
            return Known(least, most, positive)
        if function == "sub":
            return Known(x.least - y.most, x.most - y.least, x.least - y.most > 0)
        if function == "mul" and min(x.least, y.least) >= 0:
            return Known(x.least * y.least, inf, x.least * y.least > 0)
        if function == "mul" and same(*args):
            return Known(0.0)
        if function == "div" and x.least >= 0 and y.positive:
            return Known(0.0)
        if function == "exp":
            most = math.exp(x.most) if x.most <= 0 else inf
            return Known(0.0, most, x.least > -700, x.peak)
        if function == "sqrt":
            return Known(0.0, inf, x.positive)
        if function == "log1p" and x.least >= 0:
            return Known(0.0)
        if function == "log" and x.least >= 1:
            return Known(0.0)
        if function == "pow" and y.least == y.most == 2.0:
            return Known(0.0)
        if function == "maximum":
            least, most = max(x.least, y.least), max(x.most, y.most)
            return Known(least, most, x.positive or y.positive)
        if function == "where":
            x, y = given[1:]
            least, most = min(x.least, y.least), max(x.most, y.most)
            return Known(least, most, x.positive and y.positive)
        return NOTHING

    def reduce(self, step: Reduce, x: Known) -> Known:
        if step.function == "max":
            return x._replace(peak=None)
        if step.function == "argmax":
            return Known(0.0)
        if x.least >= 0:  # one of them is 1, so the sum is no less
            one = x.most == 1 and x.peak is not None and {*x.peak} <= {*step.axes}
            least = 1.0 if one else 0.0
            return Known(least, inf, one or (x.positive and step.x.size > 0))
        return Known(-inf, 0.0) if x.most <= 0 else NOTHING

    def below_largest(self, x: Operand, m: Operand) -> tuple[int, ...] | None:
        """The axes, if m is the largest of x along them."""
        if not isinstance(m, View) or not isinstance(x, View):
            return None
        step = self.largest.get(m.buffer)
        if step is None or not m.whole or m.shape != step.out.shape:
            return None
        home = x.buffer.place[0]
        if home in self.often or home.role in LASTING:  # it may have changed meanwhile
            return None
        return step.axes if step.x.key == x.key else None

    def rounds(self, step: Map) -> bool:
        """Whether numbers lose what stands behind the point."""
        return step.function == "copy" and any(
            v.dtype.startswith("float") for v in step.reads()
        )


def same(x: Operand, y: Operand) -> bool:
    """Whether two operands are the same numbers."""
    return isinstance(x, View) and isinstance(y, View) and x.key == y.key
