"""The finite difference of a gradient: the root, computed again.

A recorded graph is a program. Run it once with one number x a little larger and once
with x a little smaller: the slope between the two results is ∂L/∂x, found without any
rule of calculus. All steps run in float64, also for a graph in float32. The results of
`stop_gradient` are constants, so they keep their recorded numbers.

How small is the step h? The slope is wrong by about h² (the curve is no straight line)
and by about ε|L|/h (L is rounded): h = ∛ε balances the two if x and L are about 1.
Where the curve bends more, as log x does at 1e-6, h shrinks until the slope settles.
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
FINER = 8.0  # a finer step is smaller by this factor
TRIES = 8  # so many finer steps at most
ROOT_ROUNDING = 2.0**-48  # the root's rounding error, relative to its size
SINGLE = 2.0**-20  # the rounding error of a float32 gradient, where ∂L/∂L = 1
# How far gradient and finite difference may differ, relative to the numbers added up.
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}


def held(z: Tensor) -> bool:
    """Whether a step's result is a constant by decree. (So is a comparison's, but that
    is also so if it is computed again.)"""
    op = z._op
    return op is not None and not op.differentiable and op.kind != "comparison"


class Again:
    """Computes the root again, in float64, with one number of a tensor changed."""

    def __init__(self, trace: Trace, t: Tensor) -> None:
        self.t, self.root = t, trace.roots[0]
        self.xp = namespace_of([t.array])
        self.after: list[Tensor] = []  # the tensors that depend on t
        touched = {t}
        for z in trace.tensors():
            if not held(z) and any(x in touched for x in inputs_of(z)):
                touched.add(z)
                self.after.append(z)
        self.wide: dict[Tensor, Any] = {}
        self.numbers = flat(t.array)[:]
        self.size = abs(float(flat(self.root.array)[0]))

    def slope(self, element: int, gradient: float, scale: float) -> float:
        """The central difference of the root at one number. If it is not the gradient,
        the steps shrink until it settles."""
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
        """Whether a difference equals the gradient, but for rounding.

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
        """The first step: how far the number is moved."""
        size: float = abs(self.numbers[element])
        return STEP * max(1.0, size)

    def central(self, element: int, h: float) -> float:
        """(L(x + h) - L(x - h)) / 2h."""
        x = self.numbers[element]
        above, below = x + h, x - h
        rise = self.at(element, above) - self.at(element, below)
        return rise / (above - below) if above > below else rise / (2.0 * h)

    def at(self, element: int, value: float) -> float:
        """The root, if this number had this value."""
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
        """A tensor's array, in float64 if it was in float32."""
        if x not in self.wide:
            single = x.dtype == "float32"
            self.wide[x] = self.xp.astype(x.array, "float64") if single else x.array
        return self.wide[x]
