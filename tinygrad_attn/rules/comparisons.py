"""Chapter 3, continued: operations that no gradient passes.

A comparison is constant except for a jump: its derivative is 0 everywhere else. And
`stop_gradient` declares its input a constant. They have a forward and no vjp: their
results require no gradient, and the walk backward never meets them. They are operations
all the same, so that a recorded graph can show where a mask or a subtracted maximum
came from. Nor does a check have one: it hands its input on, or raises an error.

The vocabulary is that of primitives.py: inputs x and y, output z.
"""

from __future__ import annotations

from ..arrays.shapes import broadcast_shapes
from .operation import primitive

# Why no gradient passes.
JUMPS = "True or false: it jumps, and is flat elsewhere, so no gradient passes."
WHOLE = "An index is a whole number, which no small step changes: no gradient passes."


@primitive("comparison", z="(x = y)", why=JUMPS, differentiable=False)
def equal(xp, x, y):
    """True where `x` equals `y`."""
    return x == y


@primitive("comparison", z="x ≠ y", why=JUMPS, differentiable=False)
def not_equal(xp, x, y):
    """True where `x` differs from `y`."""
    return x != y


@primitive("comparison", z="x < y", why=JUMPS, differentiable=False)
def less(xp, x, y):
    """True where `x` is less than `y`."""
    return x < y


@primitive("comparison", z="x ≤ y", why=JUMPS, differentiable=False)
def less_equal(xp, x, y):
    """True where `x` is at most `y`."""
    return x <= y


@primitive("comparison", z="x > y", why=JUMPS, differentiable=False)
def greater(xp, x, y):
    """True where `x` is greater than `y`."""
    return x > y


@primitive("comparison", z="x ≥ y", why=JUMPS, differentiable=False)
def greater_equal(xp, x, y):
    """True where `x` is at least `y`."""
    return x >= y


@primitive(
    "elementwise",
    z="x, held constant",
    why="It is held constant, whatever moves: no gradient passes.",
    differentiable=False,
)
def stop_gradient(xp, x):
    """The same numbers, as a constant."""
    return xp.stop_gradient(x)


@primitive(
    "comparison",
    z="1 at indices, a place of the row, else 0",
    why=WHOLE,
    differentiable=False,
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


@primitive(
    "reduction",
    z="where x is largest{along}",
    why="A place jumps, and is flat elsewhere, so no gradient passes.",
    differentiable=False,
)
def largest_at(xp, x, *, axis):
    """Where along an axis the largest number is, the first if there are several."""
    return xp.argmax(x, axis=axis)


@primitive("comparison", z="where in x indices are", why=WHOLE, differentiable=False)
def indexing(xp, *indices, picks, front, back):
    """Where in the flattened array that is what an index picks.

    Each index times the stride of its axis, all added up; and to these what slices
    pick. An index may count from the end.

    `picks` has for each index the axis, its size and its stride. `front` and `back`
    are the axes of slices, before and after those of the indices: where each begins,
    how many it picks, and how far apart.
    """
    z = xp.arange(0, 1)
    for i, (axis, size, stride) in zip(indices, picks):
        counted = xp.where((i < 0) * (i >= -size), i + size, i)
        says = f"index {{}} is out of range for axis {axis} of size {size}; allowed is "
        xp.check_range(counted, size, f"{says}{-size}..{size - 1}")
        z = z + counted * stride
    picked = broadcast_shapes(*(i.shape for i in indices))
    z = xp.reshape(z, (*(1 for _ in front), *picked, *(1 for _ in back)))
    for at, (start, count, step) in enumerate((*front, *back)):
        axis = at if at < len(front) else at - len(front) - len(back)
        sizes = [1] * z.ndim
        sizes[axis] = count
        z = z + xp.reshape(xp.arange(0, count) * step + start, tuple(sizes))
    return z


# --- checks: the same numbers, or an error --------------------------------------------


@primitive("check", z="x", why=WHOLE, differentiable=False)
def in_range(xp, x, *, count, says, but=None):
    """The same whole numbers, each of which must be in 0..count-1 (or be `but`)."""
    xp.check_range(x, count, says, but)
    return x


@primitive("check", z="x", why=JUMPS, differentiable=False)
def each_row_sees(xp, x, *, says):
    """The same mask, of which each row must have a True."""
    xp.check_rows(x, says)
    return x
