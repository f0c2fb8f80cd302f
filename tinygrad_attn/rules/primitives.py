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

from ..arrays.shapes import broadcast_shapes, matmul_shape, reduced_shape
from .operation import primitive

# === 1. One input, element by element =================================================


@primitive()
def neg(xp, x):
    """z = -x;  ∂z/∂x = -1."""
    return -x


@neg.defvjp
def neg_vjp(xp, g, z, inputs, needs, saved):
    return (-g,)


@primitive()
def exp(xp, x):
    """z = eˣ;  ∂z/∂x = eˣ, which is z."""
    return xp.exp(x)


@exp.defvjp
def exp_vjp(xp, g, z, inputs, needs, saved):
    return (g * z,)


@primitive()
def log(xp, x):
    """z = ln x;  ∂z/∂x = 1/x. At x = 0 z is -inf and the derivative inf."""
    return xp.log(x)


@log.defvjp
def log_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (g / x,)


@primitive()
def log1p(xp, x):
    """z = ln(1 + x), exact for a small x too;  ∂z/∂x = 1/(1 + x)."""
    return xp.log1p(x)


@log1p.defvjp
def log1p_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (g / (1.0 + x),)


@primitive()
def sqrt(xp, x):
    """z = √x;  ∂z/∂x = 1/(2√x) = 1/(2z). At x = 0 the slope is infinite."""
    return xp.sqrt(x)


@sqrt.defvjp
def sqrt_vjp(xp, g, z, inputs, needs, saved):
    return (g * 0.5 / z,)


@primitive()
def sin(xp, x):
    """z = sin x;  ∂z/∂x = cos x."""
    return xp.sin(x)


@sin.defvjp
def sin_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (g * xp.cos(x),)


@primitive()
def cos(xp, x):
    """z = cos x;  ∂z/∂x = -sin x."""
    return xp.cos(x)


@cos.defvjp
def cos_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (-g * xp.sin(x),)


@primitive()
def tanh(xp, x):
    """z = tanh x;  ∂z/∂x = 1 - tanh²x = 1 - z²."""
    return xp.tanh(x)


@tanh.defvjp
def tanh_vjp(xp, g, z, inputs, needs, saved):
    return (g * (1.0 - z * z),)


@primitive()
def erf(xp, x):
    """z = erf x = 2/√π ∫₀ˣ exp(-t²) dt;  ∂z/∂x = 2/√π · exp(-x²)."""
    return xp.erf(x)


@erf.defvjp
def erf_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (g * (2.0 / math.sqrt(math.pi)) * xp.exp(-(x * x)),)


# === 2. Two inputs, element by element; they broadcast ================================


@primitive(check=broadcast_shapes)
def add(xp, x, y):
    """z = x + y;  ∂z/∂x = 1, ∂z/∂y = 1."""
    return x + y


@add.defvjp
def add_vjp(xp, g, z, inputs, needs, saved):
    return g if needs[0] else None, g if needs[1] else None


@primitive(check=broadcast_shapes)
def sub(xp, x, y):
    """z = x - y;  ∂z/∂x = 1, ∂z/∂y = -1."""
    return x - y


@sub.defvjp
def sub_vjp(xp, g, z, inputs, needs, saved):
    return g if needs[0] else None, -g if needs[1] else None


@primitive(check=broadcast_shapes)
def mul(xp, x, y):
    """z = x · y;  ∂z/∂x = y, ∂z/∂y = x."""
    return x * y


@mul.defvjp
def mul_vjp(xp, g, z, inputs, needs, saved):
    x, y = inputs
    return g * y if needs[0] else None, g * x if needs[1] else None


@primitive(check=broadcast_shapes)
def div(xp, x, y):
    """z = x / y;  ∂z/∂x = 1/y, ∂z/∂y = -x/y² = -z/y."""
    return x / y


@div.defvjp
def div_vjp(xp, g, z, inputs, needs, saved):
    x, y = inputs
    g_over_y = g / y
    return g_over_y if needs[0] else None, -g_over_y * z if needs[1] else None


@primitive(check=broadcast_shapes)
def pow(xp, x, y):
    """z = xʸ;  ∂z/∂x = y·xʸ⁻¹, ∂z/∂y = xʸ·ln x.

    By convention, as in PyTorch, ∂z/∂x is 0 for x = 0 and y = 0, and ∂z/∂y is 0 for
    x = 0 and y ≥ 0, where the formulas have 0 · inf or -inf. So 1 is added to x exactly
    where its power or its logarithm would be infinite there (a comparison counts as 1
    where it is true).
    """
    return x**y


@pow.defvjp
def pow_vjp(xp, g, z, inputs, needs, saved):
    x, y = inputs
    dx = dy = None
    if needs[0]:
        dx = g * y * (x + (x == 0.0) * (y == 0.0)) ** (y - 1.0)
    if needs[1]:
        dy = g * z * xp.log(x + (x == 0.0) * (y >= 0.0))
    return dx, dy


@primitive(check=broadcast_shapes)
def maximum(xp, x, y):
    """z = max(x, y);  the gradient goes to the larger. At a tie each gets half, so
    that no order is preferred."""
    return xp.maximum(x, y)


@maximum.defvjp
def maximum_vjp(xp, g, z, inputs, needs, saved):
    x, y = inputs
    tie = xp.where(x == y, g * 0.5, 0.0)
    dx = xp.where(x > y, g, tie) if needs[0] else None
    dy = xp.where(x < y, g, tie) if needs[1] else None
    return dx, dy


@primitive(check=broadcast_shapes)
def where(xp, condition, x, y):
    """z = x where the condition holds, y elsewhere;  g goes to where z came from.

    It is selected, not multiplied by 0 or 1: an inf or nan of the branch not taken
    stays out, where 0 · inf would be nan.
    """
    return xp.where(condition, x, y)


@where.defvjp
def where_vjp(xp, g, z, inputs, needs, saved):
    condition, _, _ = inputs
    dx = xp.where(condition, g, 0.0) if needs[1] else None
    dy = xp.where(condition, 0.0, g) if needs[2] else None
    return None, dx, dy


# === 3. Reductions, and the reverse of one ============================================


@primitive()
def sum(xp, x, *, axis, keepdims=False):
    """z = Σ x over the axes;  ∂z/∂x = 1 for each number summed.

    So every one of them receives the whole g: a sum's gradient is a broadcast.
    """
    return xp.sum(x, axis=axis, keepdims=keepdims)


@sum.defvjp
def sum_vjp(xp, g, z, inputs, needs, saved, *, axis, keepdims=False):
    (x,) = inputs
    g = xp.reshape(g, reduced_shape(x.shape, axis, keepdims=True))
    return (xp.broadcast_to(g, x.shape),)


@primitive()
def broadcast_to(xp, x, *, shape):
    """z = x repeated up to a shape;  each copy contributes, so ∂L/∂x sums them.

    A broadcast's gradient is a sum. The walk computes it, as it does for every
    operation that broadcasts (`unbroadcast` in autograd/walk.py).
    """
    return xp.broadcast_to(x, shape)


@broadcast_to.defvjp
def broadcast_to_vjp(xp, g, z, inputs, needs, saved, *, shape):
    return (g,)


@primitive()
def max(xp, x, *, axis, keepdims=False):
    """z = the largest x along the axes;  the gradient goes to it, 0 to the others.

    At a tie the largest share evenly: as for `maximum`, no order is preferred.
    """
    return xp.max(x, axis=axis, keepdims=keepdims)


@max.defvjp
def max_vjp(xp, g, z, inputs, needs, saved, *, axis, keepdims=False):
    (x,) = inputs
    kept = reduced_shape(x.shape, axis, keepdims=True)
    largest = x == xp.reshape(z, kept)
    count = xp.sum(xp.astype(largest, g.dtype), axis=axis, keepdims=True)
    return (xp.where(largest, xp.reshape(g, kept) / count, 0.0),)


# === 4. The matrix product ============================================================


@primitive(check=matmul_shape)
def matmul(xp, x, y):
    """z = x y, (..., n, k) @ (..., k, m) → (..., n, m);  ∂L/∂x = g yᵀ, ∂L/∂y = xᵀ g.

    Forward:    zᵢⱼ = Σₖ xᵢₖ yₖⱼ
    Partials:   ∂zᵢⱼ/∂xᵢₖ = yₖⱼ        (xᵢₖ is used in row i of z, in every column j)
    Chain rule: ∂L/∂xᵢₖ = Σⱼ gᵢⱼ yₖⱼ   = row i of g with row k of y    = (g yᵀ)ᵢₖ
                ∂L/∂yₖⱼ = Σᵢ xᵢₖ gᵢⱼ   = column k of x with column j of g = (xᵀ g)ₖⱼ

    To remember: multiply g by the other operand, transposed so that the shapes fit.
    """
    return xp.matmul(x, y)


@matmul.defvjp
def matmul_vjp(xp, g, z, inputs, needs, saved):
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
