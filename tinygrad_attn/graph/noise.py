"""Which gradients are nothing but rounding noise?

A gradient adds up what comes along many paths. Where large contributions cancel, the
exact sum may be 0, but floats leave a rest of some 1e-16 of their size. Its own size
does not tell it from a gradient: 1e-30, made small by fifty layers one after the other,
is right to fifteen digits.

So we ask how firm a number is. Everything that the walk backward passes on is moved a
little, by a random part of itself of at most STEP, and the walk is taken once more. It
is linear, so a gradient moves by about such a part of what was added up to it. Where
little cancels that is a part of the gradient itself. Noise moves by 1e16 times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, sin
from typing import Any

from ..arrays.backends import namespace_of
from ..autograd.walk import fit, shares_of, topological_order
from ..context import no_grad
from ..scalar import Value
from ..scalar import topological_order as order_of_values
from ..tensor import Tensor
from .trace import Trace

STEP = 2.0**-8
# Of what was added up to a gradient: a rest as small is what rounding left.
NOISE = {"float32": 1e-4, "float64": 1e-12}
UNLIKE = 12.9898, 78.233  # sin of their multiples looks random


@dataclass
class Noise:
    """For each tensor's gradient, and for its contribution to the gradient of each of
    its inputs, the largest |x| that is noise; 0.0 if none is."""

    gradients: dict[Tensor, float] = field(default_factory=dict)
    shares: dict[Tensor, dict[int, float]] = field(default_factory=dict)


def noise_in(trace: Trace) -> Noise:
    """What is noise among the gradients of a trace."""
    found, so_far = Noise(), dict[Any, Any]()
    starts = [(t, g) for t, g in zip(trace.roots, trace.seeds) if g is not None]
    if not starts:
        return found
    xp = namespace_of([g for _, g in starts])
    moved = Moved(xp)
    for t, g in starts:
        so_far[t] = so_far[t] + g if t in so_far else g
    with no_grad(), xp.quiet():
        order: list[Any] = topological_order([t for t, _ in starts])
        for t in order:
            g = so_far.pop(t, None)
            if g is None or t not in trace.gradients:
                continue
            found.gradients[t] = noise_of(xp, trace.gradients[t], g)
            shares = shares_of(xp, t, moved(g)) if t._op else []
            mine = found.shares[t] = dict[int, float]()
            for i, share in enumerate(shares):
                if share is not None:
                    x = t._inputs[i]
                    share = fit(xp, share, x, t)
                    mine[i] = noise_of(xp, trace.shares[t][i], share)
                    share = moved(share)
                    so_far[x] = so_far[x] + share if x in so_far else share
    return found


class Moved:
    """Moves each number of an array by a part of itself, each time by other parts."""

    def __init__(self, xp: Any) -> None:
        self.xp, self.calls = xp, 0
        self.parts: dict[tuple[Any, str], Any] = {}  # of a shape and dtype

    def __call__(self, g: Any) -> Any:
        xp, key = self.xp, (tuple(g.shape), str(g.dtype))
        if key not in self.parts:
            places = xp.reshape(xp.arange(1, g.size + 1), g.shape)
            parts = xp.sin(xp.astype(places, "float64") * UNLIKE[0]) * STEP
            self.parts[key] = xp.astype(parts, g.dtype)
        self.calls += 1
        return g * (self.parts[key] * sin(self.calls * UNLIKE[1]) + 1.0)


def noise_of(xp: Any, g: Any, other: Any) -> float:
    """The largest |x| that is noise in a gradient g, which was `other` after the second
    walk. It is below all that is none."""
    if not g.size:
        return 0.0
    off = (other - g) * (NOISE.get(str(g.dtype), NOISE["float32"]) / STEP)
    size = xp.maximum(g, -g)
    loose = size <= xp.maximum(off, -off)
    rest = xp.where(loose, size, 0.0)
    if not float(xp.max(rest, axis=None).tolist()):
        return 0.0
    firm = xp.where(loose + (size != size), inf, size)
    least = -float(xp.max(-firm, axis=None).tolist())
    return float(xp.max(xp.where(rest < least, rest, 0.0), axis=None).tolist())


# --- single numbers -------------------------------------------------------------------


def gradients_of(end: Value, step: float = 0.0) -> dict[Value, float]:
    """∂end/∂v of every Value behind `end`, by the chain rule of chapter 1; each number
    that is passed on moved by up to `step`, a part of itself."""
    order = list(order_of_values(end))
    grad = dict.fromkeys(order, 0.0)
    grad[end] = 1.0
    for number, v in enumerate(order):
        g = grad[v]
        for i, (x, local) in enumerate(zip(v._prev, v.derivatives)):
            part = 1.0
            if step:
                part += step * sin(i * UNLIKE[0] + number * UNLIKE[1])
            grad[x] += local * g * part
    return grad


def is_noise(g: float, other: float, dtype: str = "float64") -> bool:
    """Whether one gradient, which was `other` after the second walk, is noise."""
    return 0.0 < abs(g) * STEP <= abs(other - g) * NOISE[dtype]


def below_all(noise: Iterable[float], sizes: Iterable[float]) -> float:
    """The largest |x| that is noise in one tensor, of those below all that is none.

    Args:
        noise: for each number its size if it is noise, else 0.0.
        sizes: for each number its size.
    """
    pairs = list(zip(noise, sizes))
    least = min((size for rest, size in pairs if size > rest), default=inf)
    return max((rest for rest, _ in pairs if rest < least), default=0.0)
