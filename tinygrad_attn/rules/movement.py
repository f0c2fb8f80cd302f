"""Chapter 6: operations that move numbers.

Each element of z is one element of x, or 0; in `scatter_add` it may be a sum. So every
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


@primitive("movement", z="x, reshaped", x="∂z, reshaped")
def reshape(xp, x, *, shape):
    """The same numbers in the same order, under another shape."""
    return xp.reshape(x, shape)


@reshape.defvjp
def reshape_vjp(xp, g, z, inputs, needs, saved, *, shape):
    """Nothing is computed, so each gradient goes back as it is to where its number came
    from."""
    (x,) = inputs
    return (xp.reshape(g, x.shape),)


@primitive("movement", z="x, axes {axes}", x="∂z, axes {back}")
def permute_dims(xp, x, *, axes):
    """The axes change places.

    Axis i of z is axis axes[i] of x.
    """
    return xp.permute_dims(x, axes)


@permute_dims.defvjp
def permute_dims_vjp(xp, g, z, inputs, needs, saved, *, axes):
    """The numbers only changed places, so each gradient takes the way back: the inverse
    permutation."""
    back = [0] * len(axes)
    for i, axis in enumerate(axes):
        back[axis] = i
    return (xp.permute_dims(g, tuple(back)),)


@primitive("movement", z="x{part}", x="∂z at {part}, else 0")
def getslice(xp, x, *, bounds):
    """A part of `x`: of every axis the places from start to stop, in steps.

    `bounds` has (start, stop, step) for each axis: x[1:3, ::2] of a (4, 6) is
    ((1, 3, 1), (0, 6, 2)).
    """
    return x[tuple(slice(*b) for b in bounds)]


@getslice.defvjp
def getslice_vjp(xp, g, z, inputs, needs, saved, *, bounds):
    """What was left out has no influence on `z`, so it gets 0."""
    (x,) = inputs
    return (xp.place(g, bounds, x.shape),)


@primitive("movement", z="x at {part}, else 0", x="∂z{part}")
def place(xp, x, *, bounds, shape):
    """`x` put into an array of zeros of a shape, where a slice has these bounds."""
    return xp.place(x, bounds, shape)


@place.defvjp
def place_vjp(xp, g, z, inputs, needs, saved, *, bounds, shape):
    """The zeros are constants, so `x` gets back only the gradient at its place."""
    return (g[tuple(slice(*b) for b in bounds)],)


@primitive("movement", z="[inputs{along}]", inputs="∂z{part}")
def concat(xp, *inputs, axis):
    """The inputs laid end to end along an axis."""
    return xp.concat(inputs, axis=axis)


@concat.defvjp
def concat_vjp(xp, g, z, inputs, needs, saved, *, axis):
    """Each number of `z` is one number of one input, so each input gets back the part
    that is its own."""
    pieces, start = [], 0
    for x, needed in zip(inputs, needs):
        stop = start + x.shape[axis]
        piece = (slice(None),) * axis + (slice(start, stop),)
        pieces.append(g[piece] if needed else None)
        start = stop
    return pieces


@primitive("movement", z="x[indices]", x="Σ ∂z, added at indices")
def take(xp, x, indices):
    """A row of `x` for each index: an embedding.

    x (n, ...) and indices of any shape I → (*I, ...)
    """
    return xp.take(x, indices, axis=0)


@take.defvjp
def take_vjp(xp, g, z, inputs, needs, saved):
    """A row has an influence wherever it was taken, so its gradients from there add up;
    a row never taken has none, and gets 0."""
    x, indices = inputs
    return xp.scatter_add(g, indices, x.shape[0]), None


@primitive("reduction", z="Σ x, added at indices", x="∂z[indices]")
def scatter_add(xp, x, indices, *, rows):
    """Each row of `x` is added to the row that its index names."""
    return xp.scatter_add(x, indices, rows)


@scatter_add.defvjp
def scatter_add_vjp(xp, g, z, inputs, needs, saved, *, rows):
    """Each row was added once, so it gets the gradient of the row that its index
    names."""
    _, indices = inputs
    return xp.take(g, indices, axis=0), None


@primitive("movement", z="x as {dtype}", x="∂z")
def astype(xp, x, *, dtype):
    """The numbers, converted to another dtype."""
    return xp.astype(x, dtype)


@astype.defvjp
def astype_vjp(xp, g, z, inputs, needs, saved, *, dtype):
    """Conversion only rounds, so the slope is 1; ∂`z` goes back in the dtype of `x`."""
    (x,) = inputs
    return (xp.astype(g, x.dtype),)
