"""Chapter 6: operations that move numbers.

Each element of z is one element of x, or 0 (in `scatter_add`, a sum of some). So every
derivative is 0 or 1, and a vjp only brings the gradient back to where the number came
from: it is a movement too.

    reshape       ↔ reshape, back to the old shape
    permute_dims  ↔ permute_dims, by the inverse permutation
    getslice      ↔ place (zeros, with g where the slice was)
    take          ↔ scatter_add (a row taken n times receives n gradients)
    concat        → getslice, a piece for each input

The vocabulary is that of primitives.py: inputs x, output z, g = ∂L/∂z.
"""

from __future__ import annotations

from .operation import primitive


@primitive()
def reshape(xp, x, *, shape):
    """z = the elements of x, in the same order, under another shape."""
    return xp.reshape(x, shape)


@reshape.defvjp
def reshape_vjp(xp, g, z, inputs, needs, saved, *, shape):
    (x,) = inputs
    return (xp.reshape(g, x.shape),)


@primitive()
def permute_dims(xp, x, *, axes):
    """z = x with its axes in another order: axis i of z is axis axes[i] of x."""
    return xp.permute_dims(x, axes)


@permute_dims.defvjp
def permute_dims_vjp(xp, g, z, inputs, needs, saved, *, axes):
    back = [0] * len(axes)
    for i, axis in enumerate(axes):
        back[axis] = i
    return (xp.permute_dims(g, tuple(back)),)


@primitive()
def getslice(xp, x, *, bounds):
    """z = x[start:stop:step, ...], with bounds for every axis."""
    return x[tuple(slice(*b) for b in bounds)]


@getslice.defvjp
def getslice_vjp(xp, g, z, inputs, needs, saved, *, bounds):
    (x,) = inputs
    return (xp.place(g, bounds, x.shape),)


@primitive()
def place(xp, x, *, bounds, shape):
    """z = zeros of a shape, with z[bounds] = x."""
    return xp.place(x, bounds, shape)


@place.defvjp
def place_vjp(xp, g, z, inputs, needs, saved, *, bounds, shape):
    return (g[tuple(slice(*b) for b in bounds)],)


@primitive()
def concat(xp, *inputs, axis):
    """z = the inputs laid end to end along an axis."""
    return xp.concat(inputs, axis=axis)


@concat.defvjp
def concat_vjp(xp, g, z, inputs, needs, saved, *, axis):
    pieces, start = [], 0
    for x, needed in zip(inputs, needs):
        stop = start + x.shape[axis]
        piece = (slice(None),) * axis + (slice(start, stop),)
        pieces.append(g[piece] if needed else None)
        start = stop
    return pieces


@primitive()
def take(xp, x, indices):
    """z = rows of x by integer index, (n, ...) and (*I) → (*I, ...): an embedding.

    A row's gradient is the sum over all places where it was taken; a row never taken
    gets 0.
    """
    return xp.take(x, indices, axis=0)


@take.defvjp
def take_vjp(xp, g, z, inputs, needs, saved):
    x, indices = inputs
    return xp.scatter_add(g, indices, x.shape[0]), None


@primitive()
def scatter_add(xp, x, indices, *, rows):
    """z = zeros of so many rows, to which each row of x is added at its index."""
    return xp.scatter_add(x, indices, rows)


@scatter_add.defvjp
def scatter_add_vjp(xp, g, z, inputs, needs, saved, *, rows):
    _, indices = inputs
    return xp.take(g, indices, axis=0), None


@primitive()
def astype(xp, x, *, dtype):
    """z = x in another dtype;  its gradient goes back in that of x."""
    return xp.astype(x, dtype)


@astype.defvjp
def astype_vjp(xp, g, z, inputs, needs, saved, *, dtype):
    (x,) = inputs
    return (xp.astype(g, x.dtype),)
