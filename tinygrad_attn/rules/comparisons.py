"""Chapter 3, continued: operations that no gradient passes.

A comparison is constant except for a jump: its derivative is 0 everywhere else. And
`stop_gradient` declares its input a constant. They have a forward and no vjp: their
results require no gradient, and the walk backward never meets them. They are operations
all the same, so that a recorded graph can show where a mask or a subtracted maximum
came from.

The vocabulary is that of primitives.py: inputs x and y, output z.
"""

from __future__ import annotations

from .operation import primitive


@primitive("comparison", z="(x = y)", differentiable=False)
def equal(xp, x, y):
    """True where `x` equals `y`."""
    return x == y


@primitive("comparison", z="x ≠ y", differentiable=False)
def not_equal(xp, x, y):
    """True where `x` differs from `y`."""
    return x != y


@primitive("comparison", z="x < y", differentiable=False)
def less(xp, x, y):
    """True where `x` is less than `y`."""
    return x < y


@primitive("comparison", z="x ≤ y", differentiable=False)
def less_equal(xp, x, y):
    """True where `x` is at most `y`."""
    return x <= y


@primitive("comparison", z="x > y", differentiable=False)
def greater(xp, x, y):
    """True where `x` is greater than `y`."""
    return x > y


@primitive("comparison", z="x ≥ y", differentiable=False)
def greater_equal(xp, x, y):
    """True where `x` is at least `y`."""
    return x >= y


@primitive("elementwise", z="x, held constant", differentiable=False)
def stop_gradient(xp, x):
    """The same numbers, as a constant."""
    return xp.stop_gradient(x)
