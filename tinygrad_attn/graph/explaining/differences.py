"""The finite difference beside a gradient: the root, computed again.

What was recorded is a program. Run it once with one number x a little larger and once
with it a little smaller, and the slope between the two is ∂L/∂x, found without any rule
of calculus. It is computed in float64 whatever was recorded, and what `stop_gradient`
declared a constant stays as it was.

How little is little? The slope is wrong by about h² (the curve is no straight line) and
by about ε|L|/h (L is rounded): h = ∛ε balances the two where x and L are about 1. Where
the curve is sharper, as of log x at 1e-6, h is made smaller until the slope settles.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from ...arrays.backends import namespace_of
from ...context import no_grad
from ...tensor import Tensor
from ..data import flat
from ..trace import Trace, inputs_of

STEP = 2.0**-17  # about the cube root of a float's precision
FINER = 8.0  # by so much a step is made smaller,
TRIES = 8  # and so many times
ROOT_ROUNDING = 2.0**-48  # of the root, relative to its size
SINGLE = 2.0**-20  # of a gradient in float32, where ∂L/∂L = 1
# By how much, relative to what was added up, gradient and finite difference may differ.
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}


class Again:
    """The root computed again, with one number of a tensor changed; in float64."""

    def __init__(self, trace: Trace, t: Tensor) -> None:
        self.t, self.root = t, trace.roots[0]
        self.xp = namespace_of([t.data])
        self.after: list[Tensor] = []  # what depends on t
        touched = {t}
        for z in trace.tensors():
            held = z._op is not None and z._op.name == "stop_gradient"
            if not held and any(x in touched for x in inputs_of(z)):
                touched.add(z)
                self.after.append(z)
        self.wide: dict[Tensor, Any] = {}
        self.numbers = flat(t.data)[:]
        self.size = abs(float(flat(self.root.data)[0]))

    def slope(self, element: int, gradient: float, scale: float) -> float:
        """The central difference of the root at one number; with smaller steps if it is
        not the gradient, until it settles."""
        h = self.step(element)
        found = self.central(element, h)
        for _ in range(TRIES if isfinite(gradient) else 0):
            if self.near(found, gradient, scale):
                break
            finer = self.central(element, h / FINER)
            change = abs(finer - found)
            if change <= ROOT_ROUNDING * self.size * FINER / h:
                break
            found, h = finer, h / FINER
            if change <= TOLERANCE["float64"] * abs(finer):
                break
        return found

    def near(self, found: float, gradient: float, scale: float) -> bool:
        """Whether they are the same, but for rounding.

        Args:
            scale: the size of the numbers that were added up to the gradient.
        """
        scale = max(scale, abs(gradient), abs(found))
        rounded = ROOT_ROUNDING * self.size / STEP
        rounded += SINGLE if self.t.dtype == "float32" else 0.0
        return abs(found - gradient) <= TOLERANCE[self.t.dtype] * scale + rounded

    def sides(self, element: int) -> tuple[float, float]:
        """The slope to the left of a number, and to its right."""
        x, h = self.numbers[element], self.step(element) / FINER
        here = self.at(element, x)
        left = here - self.at(element, x - h)
        return left / h, (self.at(element, x + h) - here) / h

    def step(self, element: int) -> float:
        """How far a number is moved at first."""
        size: float = abs(self.numbers[element])
        return STEP * max(1.0, size)

    def central(self, element: int, h: float) -> float:
        """(L(x + h) - L(x - h)) / 2h."""
        x = self.numbers[element]
        above, below = x + h, x - h
        rise = self.at(element, above) - self.at(element, below)
        return rise / (above - below) if above > below else rise / (2.0 * h)

    def at(self, element: int, value: float) -> float:
        """The root, if the number were this."""
        xp = self.xp
        numbers = self.numbers[:]
        numbers[element] = value
        moved = {self.t: xp.reshape(xp.asarray(numbers, "float64"), self.t.shape)}
        with no_grad(), xp.quiet():
            for z in self.after:
                arrays = [
                    (moved[x] if x in moved else self.widen(x))
                    if isinstance(x, Tensor)
                    else x
                    for x in z._inputs or ()
                ]
                assert z._op is not None
                params = z._params
                if str(params.get("dtype", "")).startswith("float"):
                    params = params | {"dtype": "float64"}
                out = z._op.forward(xp, *arrays, **params)
                moved[z] = out[0] if isinstance(out, tuple) else out
        return float(flat(moved[self.root])[0])

    def widen(self, x: Tensor) -> Any:
        """A tensor's numbers, in float64 if they were fewer bits."""
        if x not in self.wide:
            single = x.dtype == "float32"
            self.wide[x] = self.xp.astype(x.data, "float64") if single else x.data
        return self.wide[x]
