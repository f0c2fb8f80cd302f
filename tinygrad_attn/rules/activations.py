"""Chapter 7, continued: the functions between the layers, element by element.

Composites, as in composites.py, each of one input (dropout has a mask besides).
"""

from __future__ import annotations

import math

from .operation import composite


@composite(
    "elementwise",
    z="relu(x)",
    means="x where x > 0, else 0",
    x="∂z where x > 0, else 0",
    kink="at 0, where the rule takes the slope 0",
)
def relu(xp, x):
    """Negative numbers become 0.

    A nan is not ≤ 0, and stays one.
    """
    return xp.where(x <= 0.0, 0.0, x)


@relu.defvjp
def relu_vjp(xp, g, z, inputs, needs, saved):
    """Where `x` is below 0, moving it does not move `z`: nothing flows back."""
    (x,) = inputs
    return (xp.where(x <= 0.0, 0.0, g),)


@composite("elementwise", z="gelu(x)", means="x ⊙ Φ(x)", x="∂z ⊙ (Φ(x) + x ⊙ φ(x))")
def gelu(xp, x):
    """A smooth relu: each number times the share of the bell curve below it.

    Φ(x) = ½(1 + erf(x/√2)) is the area left of x under the bell curve
    φ(x) = exp(-x²/2)/√(2π). Hendrycks & Gimpel 2016, "Gaussian Error Linear Units",
    section 2.
    """
    area = 0.5 * (1.0 + xp.erf(x * math.sqrt(0.5)))
    return x * area, area


@gelu.defvjp
def gelu_vjp(xp, g, z, inputs, needs, saved):
    """Raising `x` raises both factors, `x` and the area Φ(`x`), so two slopes add up;
    the area grows by the height φ of its curve."""
    (x,) = inputs
    area = 0.5 * (1.0 + xp.erf(x * math.sqrt(0.5))) if saved is None else saved
    bell = xp.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return (g * (area + x * bell),)


@composite(
    "elementwise",
    z="gelu_tanh(x)",
    means="½ x ⊙ (1 + tanh(√(2/π) ⊙ (x + .044715 x ^ 3)))",
    x="∂z ⊙ gelu_tanh′(x)",
)
def gelu_tanh(xp, x):
    """Close to gelu, without an erf.

    z = ½x(1 + tanh u), u = √(2/π)(x + 0.044715 x³)
    (Hendrycks & Gimpel 2016, section 2).
    """
    u = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1.0 + xp.tanh(u))


@gelu_tanh.defvjp
def gelu_tanh_vjp(xp, g, z, inputs, needs, saved):
    """Raising `x` raises both factors, `x`/2 and (1 + tanh), so two slopes add up, each
    times the other factor.

    ½(1 + t) + ½x(1 - t²) ∂u/∂x, with t = tanh u.
    """
    (x,) = inputs
    t = xp.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x))
    du = math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * x * x)
    return (g * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * du),)


@composite(
    "gate", z="x / (1 − p) where keep, else 0", x="∂z / (1 − p) where keep, else 0"
)
def dropout(xp, x, keep, *, p):
    """Some numbers are set to 0 by chance, and the others grow to make up for it.

    Srivastava et al. 2014, "Dropout". `keep` is true with probability 1 - p; dividing
    by it leaves the mean of z what it would be without dropout.
    """
    return xp.where(keep, x * (1.0 / (1.0 - p)), 0.0)


@dropout.defvjp
def dropout_vjp(xp, g, z, inputs, needs, saved, *, p):
    """What became 0 has no influence; the rest grew, and so does its gradient."""
    _, keep = inputs
    return xp.where(keep, g * (1.0 / (1.0 - p)), 0.0), None


@composite("elementwise", z="σ(x)", means="1 / (1 + exp(−x))", x="∂z ⊙ z ⊙ (1 − z)")
def sigmoid(xp, x):
    """Each number, squeezed between 0 and 1.

    z = 1/(1 + e⁻ˣ).

    Written as e^min(x,0) / (e^min(x,0) + e^-max(x,0)), in which no exponent is above 0:
    nothing overflows, and z keeps all its digits where it is close to 0.
    """
    top = xp.exp(-xp.maximum(-x, 0.0))
    return top / (top + xp.exp(-xp.maximum(x, 0.0)))


@sigmoid.defvjp
def sigmoid_vjp(xp, g, z, inputs, needs, saved):
    """Its slope is `z`(1 - `z`): ¼ at 0, and near 0 where `z` nears 0 or 1."""
    return (g * z * (1.0 - z),)


@composite("elementwise", z="x ⊙ σ(x)", x="∂z ⊙ (σ(x) + z ⊙ (1 − σ(x)))")
def silu(xp, x):
    """A smooth relu: each number times its sigmoid (Elfwing et al. 2017)."""
    s = sigmoid(xp, x)
    return x * s, s


@silu.defvjp
def silu_vjp(xp, g, z, inputs, needs, saved):
    """Raising `x` raises both factors, `x` and σ(`x`), so two slopes add up: σ, and `x`
    times the sigmoid's slope σ(1 - σ), where `x` · σ is `z`."""
    (x,) = inputs
    s = sigmoid(xp, x) if saved is None else saved
    return (g * (s + z * (1.0 - s)),)


@composite("elementwise", z="ln(1 + exp x)", x="∂z ⊙ σ(x)")
def softplus(xp, x):
    """A smooth max(`x`, 0).

    Written as max(x, 0) + ln(1 + e^-|x|), in which nothing overflows.
    """
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.maximum(x, -x)))


@softplus.defvjp
def softplus_vjp(xp, g, z, inputs, needs, saved):
    """Its slope, exp `x` / (1 + exp `x`), is the sigmoid: 0 far to the left, 1 far to
    the right."""
    (x,) = inputs
    return (g * sigmoid(xp, x),)


@composite(
    "elementwise",
    z="leaky_relu(x)",
    means="x where x > 0, else slope · x",
    x="∂z where x > 0, else slope · ∂z",
    kink="at 0, where the rule takes the slope of the left side",
)
def leaky_relu(xp, x, *, slope):
    """Negative numbers are multiplied by `slope`."""
    return xp.where(x > 0.0, x, x * slope)


@leaky_relu.defvjp
def leaky_relu_vjp(xp, g, z, inputs, needs, saved, *, slope):
    """Where `x` ≤ 0 the gradient is multiplied by `slope` too: it is small, but not
    0 as behind a relu."""
    (x,) = inputs
    return (xp.where(x > 0.0, g, g * slope),)
