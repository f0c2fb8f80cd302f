"""Chapter 3, continued: operations that no gradient passes.

A comparison is flat but for a jump, so its derivative is 0 wherever it has one; and
`stop_gradient` declares its input a constant. They have a forward and no vjp: their
results require no gradient, and the walk backward never meets them. They are operations
all the same, so that a recorded graph can show where a mask or a subtracted maximum
came from.

The vocabulary is that of primitives.py: inputs x and y, output z.
"""

from __future__ import annotations

from ..arrays.shapes import broadcast_shapes
from .operation import primitive


@primitive(check=broadcast_shapes)
def equal(xp, x, y):
    """z = (x = y), true or false, element by element."""
    return x == y


@primitive(check=broadcast_shapes)
def not_equal(xp, x, y):
    """z = (x ≠ y), true or false, element by element."""
    return x != y


@primitive(check=broadcast_shapes)
def less(xp, x, y):
    """z = (x < y), true or false, element by element."""
    return x < y


@primitive(check=broadcast_shapes)
def less_equal(xp, x, y):
    """z = (x ≤ y), true or false, element by element."""
    return x <= y


@primitive(check=broadcast_shapes)
def greater(xp, x, y):
    """z = (x > y), true or false, element by element."""
    return x > y


@primitive(check=broadcast_shapes)
def greater_equal(xp, x, y):
    """z = (x ≥ y), true or false, element by element."""
    return x >= y


@primitive()
def stop_gradient(xp, x):
    """z = x, as a constant."""
    return xp.stop_gradient(x)
