"""Chapter 3, continued: operations that no gradient passes.

A comparison is constant except for a jump: its derivative is 0 everywhere else. And
`stop_gradient` declares its input a constant. They have a forward and no vjp: their
results require no gradient, and the walk backward never meets them. They are operations
all the same, so that a recorded graph can show where a mask or a subtracted maximum
came from. Nor does a check have one: it hands its input on, or raises an error.

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


@primitive(
    "comparison", z="1 at indices, a place of the row, else 0", differentiable=False
)
def one_hot(xp, indices, *, classes, dtype, ignored=None):
    """A row for each index, 1 at the index and 0 elsewhere.

    An index that is no class gets zeros alone, and so does the one to be ignored.
    (*I) → (*I, C)
    """
    rows = xp.reshape(indices, (*indices.shape, 1))
    hot = rows == xp.arange(0, classes)
    if ignored is not None:
        hot = hot * (rows != ignored)
    return xp.astype(hot, dtype)


# --- checks: the same numbers, or an error --------------------------------------------


@primitive("check", z="x", differentiable=False)
def in_range(xp, x, *, count, says, but=None):
    """The same whole numbers, each of which must be in 0..count-1 (or be `but`)."""
    xp.check_range(x, count, says, but)
    return x


@primitive("check", z="x", differentiable=False)
def each_row_sees(xp, x, *, says):
    """The same mask, of which each row must have a True."""
    xp.check_rows(x, says)
    return x
