"""Chapter 3: every rule of calculus in the engine, each with its gradient beside it.

A rule is a pair of functions: the forward, and below it the vjp, which turns g = ∂L/∂z
into ∂L/∂x for each input x. operation.py says what the arguments are. In all of them

    x, y    inputs          z    output          g = ∂L/∂z

and the task is the chain rule, ∂L/∂xᵢ = Σⱼ gⱼ · ∂zⱼ/∂xᵢ. Where zᵢ depends on xᵢ alone
(the first two sections) the sum has one term, and the rule is g times the derivative
that a calculus book gives.

**Is `def exp(xp, x): return xp.exp(x)` a circle?** No. The users' `exp` takes a Tensor,
this one an array, and `xp` is where arrays are computed. The recursion ends there:

    exp(Tensor)                  functions/elementwise.py: what users call
    └─ apply(exp, Tensor)        autograd/recording.py: takes out the array, finds xp
       └─ exp.forward(xp, Array) this file: return xp.exp(x)
          └─ xp.exp(Array)       arrays/python.py: math.exp of each number

Where xp is `ops`, xp.exp is the users' exp: the chain runs once more, on Tensors, and
ends at arrays again.

**Broadcasting.** Where an input was smaller than the output (a bias added to every
row), a rule may return a gradient of the output's shape: the walk sums it down to the
input's (`unbroadcast` in autograd/walk.py), since a number used n times receives n
contributions. So no rule has to care. (Matrix products sum over a batch themselves,
only because that is faster.)

The functions bear the namespace's names (sum, max, pow), so inside this file those
names are the operations and not Python's builtins.
"""

from __future__ import annotations

import math

from ..arrays.shapes import matmul_shape, reduced_shape
from .operation import primitive

# === 1. One input, element by element =================================================


@primitive("elementwise", z="−x", x="−∂z")
def neg(xp, x):
    """The sign of each number changes."""
    return -x


@neg.defvjp
def neg_vjp(xp, g, z, inputs, needs, saved):
    """If `x` grows, `z` falls as much: the slope is -1."""
    return (-g,)


@primitive("elementwise", z="exp x", x="∂z ⊙ z")
def exp(xp, x):
    """e to the power of each number."""
    return xp.exp(x)


@exp.defvjp
def exp_vjp(xp, g, z, inputs, needs, saved):
    """The slope of the exponential is the exponential itself, which is `z`."""
    return (g * z,)


@primitive("elementwise", z="ln x", x="∂z / x", steep="at x = 0")
def log(xp, x):
    """The natural logarithm of each number; -inf at 0."""
    return xp.log(x)


@log.defvjp
def log_vjp(xp, g, z, inputs, needs, saved):
    """ln undoes exp, whose slope is exp `z`, that is `x`: so its own is 1/`x`."""
    (x,) = inputs
    return (g / x,)


@primitive("elementwise", z="ln(1 + x)", x="∂z / (1 + x)", steep="at x = -1")
def log1p(xp, x):
    """The natural logarithm of 1 + `x`, exact where `x` is small too."""
    return xp.log1p(x)


@log1p.defvjp
def log1p_vjp(xp, g, z, inputs, needs, saved):
    """The slope of ln is 1 over its argument, which is 1 + `x`."""
    (x,) = inputs
    return (g / (1.0 + x),)


@primitive("elementwise", z="√x", x="∂z / (2 z)", steep="at x = 0")
def sqrt(xp, x):
    """The square root of each number."""
    return xp.sqrt(x)


@sqrt.defvjp
def sqrt_vjp(xp, g, z, inputs, needs, saved):
    """A step of `z` changes its square 2·`z` times as much: the slope is 1/(2·`z`)."""
    return (g * 0.5 / z,)


@primitive("elementwise", z="sin x", x="∂z ⊙ cos x")
def sin(xp, x):
    """The sine of each number, in radians."""
    return xp.sin(x)


@sin.defvjp
def sin_vjp(xp, g, z, inputs, needs, saved):
    """The slope of the sine is the cosine; at its top, 0, nothing flows back."""
    (x,) = inputs
    return (g * xp.cos(x),)


@primitive("elementwise", z="cos x", x="−∂z ⊙ sin x")
def cos(xp, x):
    """The cosine of each number, in radians."""
    return xp.cos(x)


@cos.defvjp
def cos_vjp(xp, g, z, inputs, needs, saved):
    """The cosine is the sine a quarter turn on, and so is its slope: -sin `x`."""
    (x,) = inputs
    return (-g * xp.sin(x),)


@primitive("elementwise", z="tanh x", x="∂z ⊙ (1 − z²)")
def tanh(xp, x):
    """Each number, squeezed between -1 and 1."""
    return xp.tanh(x)


@tanh.defvjp
def tanh_vjp(xp, g, z, inputs, needs, saved):
    """Its slope is 1 - `z`²: 1 at 0, and near 0 where `z` nears -1 or 1."""
    return (g * (1.0 - z * z),)


@primitive("elementwise", z="erf x", x="∂z ⊙ 2/√π ⊙ exp(−x²)")
def erf(xp, x):
    """An area under the bell curve, from 0 to `x`; it is between -1 and 1.

    z = 2/√π ∫₀ˣ exp(-t²) dt.
    """
    return xp.erf(x)


@erf.defvjp
def erf_vjp(xp, g, z, inputs, needs, saved):
    """A larger `x` adds a strip to the area, as high as the curve at `x`: that height
    is the slope."""
    (x,) = inputs
    return (g * (2.0 / math.sqrt(math.pi)) * xp.exp(-(x * x)),)


# === 2. Two inputs, element by element; they broadcast ================================


@primitive("elementwise", z="x + y", x="∂z", y="∂z")
def add(xp, x, y):
    """The sum of the two, number by number."""
    return x + y


@add.defvjp
def add_vjp(xp, g, z, inputs, needs, saved):
    """If either grows by 1, so does `z`: each receives the whole gradient."""
    return g if needs[0] else None, g if needs[1] else None


@primitive("elementwise", z="x − y", x="∂z", y="−∂z")
def sub(xp, x, y):
    """The difference of the two, number by number."""
    return x - y


@sub.defvjp
def sub_vjp(xp, g, z, inputs, needs, saved):
    """If `x` grows, `z` grows as much. If `y` grows, `z` falls as much: there the
    gradient changes its sign."""
    return g if needs[0] else None, -g if needs[1] else None


@primitive("elementwise", z="x ⊙ y", x="∂z ⊙ y", y="∂z ⊙ x")
def mul(xp, x, y):
    """The product of the two, number by number."""
    return x * y


@mul.defvjp
def mul_vjp(xp, g, z, inputs, needs, saved):
    """If one factor grows by 1, `z` grows by the other: that is its slope."""
    x, y = inputs
    return g * y if needs[0] else None, g * x if needs[1] else None


@primitive("elementwise", z="x / y", x="∂z / y", y="−∂z ⊙ z / y", steep="at y = 0")
def div(xp, x, y):
    """The quotient of the two, number by number."""
    return x / y


@div.defvjp
def div_vjp(xp, g, z, inputs, needs, saved):
    """If `x` grows by 1, `z` grows by 1/`y`. And ∂`z`/∂`y` = -`x`/`y`², which is
    -`z`/`y`."""
    x, y = inputs
    g_over_y = g / y
    return g_over_y if needs[0] else None, -g_over_y * z if needs[1] else None


@primitive(
    "elementwise",
    z="x ^ y",
    x="∂z ⊙ y ⊙ x ^ (y − 1)",
    y="∂z ⊙ z ⊙ ln x",
    steep="at x = 0, if y is below 1 and not 0",
)
def pow(xp, x, y):
    """`x` to the power `y`, number by number."""
    return x**y


@pow.defvjp
def pow_vjp(xp, g, z, inputs, needs, saved):
    """Each of the `y` factors `x` has the others as its slope: `y` · `x` ^ (`y` - 1) in
    all. And `z` is exp(`y` ln `x`), so its slope in `y` is `z` · ln `x`.

    x⁰ is 1 whatever x, so ∂z/∂x is 0 for y = 0, where the formula may have 0 · inf;
    there x is replaced by 1 (`power_base`). By convention, as in PyTorch, ∂z/∂y is 0
    for x = 0 and y ≥ 0, where the formula has 0 · -inf; there 1 is added to x (a
    comparison counts as 1 where it is true).
    """
    x, y = inputs
    dx = dy = None
    if needs[0]:
        dx = g * y * power_base(xp, x, y) ** (y - 1.0)
    if needs[1]:
        dy = g * z * xp.log(x + (x == 0.0) * (y >= 0.0))
    return dx, dy


def power_base(xp, x, y):
    """x, or 1 where y is 0 and 1/x is not finite: near 0, and at nan."""
    if isinstance(y, (int, float)):
        return x if y != 0 else 1.0
    # inf · 0 and nan · 0 are nan, and nan is not 0
    lost = ((1.0 / x) * 0.0 != 0.0) * (y == 0.0)
    return xp.where(lost > 0, 1.0, x)


@primitive(
    "elementwise",
    z="max(x, y)",
    x="∂z where x > y, ½ ∂z where x = y, else 0",
    y="∂z where x < y, ½ ∂z where x = y, else 0",
    kink="at a tie, where each of the two gets half",
)
def maximum(xp, x, y):
    """The larger of the two, number by number."""
    return xp.maximum(x, y)


@maximum.defvjp
def maximum_vjp(xp, g, z, inputs, needs, saved):
    """Only the larger has an influence on `z`. At a tie each gets half, so that no
    order is preferred."""
    x, y = inputs
    tie = xp.where(x == y, g * 0.5, 0.0)
    dx = xp.where(x > y, g, tie) if needs[0] else None
    dy = xp.where(x < y, g, tie) if needs[1] else None
    return dx, dy


@primitive(
    "choice",
    z="x where condition, else y",
    x="∂z where condition, else 0",
    y="0 where condition, else ∂z",
)
def where(xp, condition, x, y):
    """Each number is that of `x` where `condition` is true, else that of `y`."""
    return xp.where(condition, x, y)


@where.defvjp
def where_vjp(xp, g, z, inputs, needs, saved):
    """Only the one that was chosen has an influence on `z`: the gradient goes back to
    where each number came from.

    It is selected, not multiplied by 0 or 1: an inf or nan of the branch not taken
    stays out, where 0 · inf would be nan.
    """
    condition, _, _ = inputs
    dx = xp.where(condition, g, 0.0) if needs[1] else None
    dy = xp.where(condition, 0.0, g) if needs[2] else None
    return None, dx, dy


# === 3. Reductions, and the reverse of one ============================================


@primitive("reduction", z="Σ x{over}", x="∂z, repeated{over}")
def sum(xp, x, *, axis, keepdims=False):
    """The numbers along the axes, added up."""
    return xp.sum(x, axis=axis, keepdims=keepdims)


@sum.defvjp
def sum_vjp(xp, g, z, inputs, needs, saved, *, axis, keepdims=False):
    """If one of them grows by 1, so does the sum: each receives the whole gradient.

    So a sum's gradient is a broadcast.
    """
    (x,) = inputs
    g = xp.reshape(g, reduced_shape(x.shape, axis, keepdims=True))
    return (xp.broadcast_to(g, x.shape),)


@primitive("movement", z="x, repeated", x="Σ ∂z over the copies")
def broadcast_to(xp, x, *, shape):
    """The same numbers, repeated up to a shape."""
    return xp.broadcast_to(x, shape)


@broadcast_to.defvjp
def broadcast_to_vjp(xp, g, z, inputs, needs, saved, *, shape):
    """Each copy contributes, so their gradients add up.

    A broadcast's gradient is a sum. The walk computes it, as it does for every
    operation that broadcasts (`unbroadcast` in autograd/walk.py).
    """
    return (g,)


@primitive(
    "reduction",
    z="max x{over}",
    x="∂z where x is the largest, else 0",
    kink="at a tie, where the largest share evenly",
)
def max(xp, x, *, axis, keepdims=False):
    """The largest number along the axes."""
    return xp.max(x, axis=axis, keepdims=keepdims)


@max.defvjp
def max_vjp(xp, g, z, inputs, needs, saved, *, axis, keepdims=False):
    """Only the largest has an influence on `z`. At a tie the largest share evenly.

    As for maximum, no order is preferred.
    """
    (x,) = inputs
    kept = reduced_shape(x.shape, axis, keepdims=True)
    largest = x == xp.reshape(z, kept)
    count = xp.sum(xp.astype(largest, g.dtype), axis=axis, keepdims=True)
    return (xp.where(largest, xp.reshape(g, kept) / count, 0.0),)


# === 4. The matrix product ============================================================


@primitive("product", check=matmul_shape, z="x y", x="∂z yᵀ", y="xᵀ ∂z")
def matmul(xp, x, y):
    """Each number is the inner product of a row of `x` and a column of `y`.

    (..., n, k) @ (..., k, m) → (..., n, m)
    """
    return xp.matmul(x, y)


@matmul.defvjp
def matmul_vjp(xp, g, z, inputs, needs, saved):
    """A number of `x` is multiplied by a whole row of `y`, so it collects from a whole
    row of `z`.

    Forward:    zᵢⱼ = Σₖ xᵢₖ yₖⱼ
    Partials:   ∂zᵢⱼ/∂xᵢₖ = yₖⱼ        (xᵢₖ is used in row i of z, in every column j)
    Chain rule: ∂L/∂xᵢₖ = Σⱼ gᵢⱼ yₖⱼ   = row i of g with row k of y    = (g yᵀ)ᵢₖ
                ∂L/∂yₖⱼ = Σᵢ xᵢₖ gᵢⱼ   = column k of x with column j of g = (xᵀ g)ₖⱼ

    To remember: multiply g by the other operand, transposed so that the shapes fit.
    """
    x, y = inputs
    dx = dy = None
    if needs[0]:
        dx = xp.matmul(g, matrix_transpose(xp, y))
    if needs[1]:
        if y.ndim == 2 and x.ndim > 2:
            # One y for a whole batch. Stacking the batch's rows sums over it at once,
            # where xᵀ g would build a matrix for each member, to be summed by the walk.
            x, g = as_rows(xp, x), as_rows(xp, g)
        dy = xp.matmul(matrix_transpose(xp, x), g)
    return dx, dy


def matrix_transpose(xp, x):
    """x with its last two axes exchanged."""
    return xp.permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def as_rows(xp, x):
    """x as one matrix, all leading axes stacked: (..., d) → (N, d)."""
    return xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
