"""Chapter 7, continued: the functions between the layers, element by element.

Composites, as in composites.py, each of one input (dropout has a mask besides).
"""

from __future__ import annotations

import math

from .operation import composite


@composite
def relu(xp, x):
    """z = 0 where x ≤ 0, else x;  ∂z/∂x = 0 where x ≤ 0 (the kink included), else 1.
    A nan is not ≤ 0, and stays one."""
    return xp.where(x <= 0.0, 0.0, x)


@relu.defvjp
def relu_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (xp.where(x <= 0.0, 0.0, g),)


@composite
def gelu(xp, x):
    """z = x·Φ(x), Φ(x) = ½(1 + erf(x/√2)) the normal distribution's area left of x.

    Hendrycks & Gimpel 2016, "Gaussian Error Linear Units", section 2.
    By the product rule ∂z/∂x = Φ(x) + x·φ(x), with φ(x) = exp(-x²/2)/√(2π) the bell
    curve.
    """
    area = 0.5 * (1.0 + xp.erf(x * math.sqrt(0.5)))
    return x * area, area


@gelu.defvjp
def gelu_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    area = 0.5 * (1.0 + xp.erf(x * math.sqrt(0.5))) if saved is None else saved
    bell = xp.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return (g * (area + x * bell),)


@composite
def gelu_tanh(xp, x):
    """gelu's approximation z = ½x(1 + tanh u), u = √(2/π)(x + 0.044715 x³), in which
    no erf is needed (Hendrycks & Gimpel 2016, section 2)."""
    u = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1.0 + xp.tanh(u))


@gelu_tanh.defvjp
def gelu_tanh_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    t = xp.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x))
    du = math.sqrt(2.0 / math.pi) * (1.0 + 3.0 * 0.044715 * x * x)
    return (g * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * du),)


@composite
def dropout(xp, x, keep, *, p):
    """z = x / (1 - p) where `keep`, else 0;  g passes the same gate.

    Srivastava et al. 2014, "Dropout". `keep` is true with probability 1 - p; dividing
    by it leaves the mean of z what it would be without dropout.
    """
    return xp.where(keep, x * (1.0 / (1.0 - p)), 0.0)


@dropout.defvjp
def dropout_vjp(xp, g, z, inputs, needs, saved, *, p):
    _, keep = inputs
    return xp.where(keep, g * (1.0 / (1.0 - p)), 0.0), None


@composite
def sigmoid(xp, x):
    """z = 1/(1 + e⁻ˣ), from 0 to 1;  ∂z/∂x = z(1 - z).

    Written as e^min(x,0) / (e^min(x,0) + e^-max(x,0)), in which no exponent is above 0:
    nothing overflows, and z keeps all its digits where it is close to 0.
    """
    top = xp.exp(-xp.maximum(-x, 0.0))
    return top / (top + xp.exp(-xp.maximum(x, 0.0)))


@sigmoid.defvjp
def sigmoid_vjp(xp, g, z, inputs, needs, saved):
    return (g * z * (1.0 - z),)


@composite
def silu(xp, x):
    """z = x σ(x), σ the sigmoid;  ∂z/∂x = σ + z(1 - σ) (Elfwing et al. 2017)."""
    s = sigmoid(xp, x)
    return x * s, s


@silu.defvjp
def silu_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    s = sigmoid(xp, x) if saved is None else saved
    return (g * (s + z * (1.0 - s)),)


@composite
def softplus(xp, x):
    """z = ln(1 + eˣ), a smooth max(x, 0);  ∂z/∂x = σ(x).

    Written as max(x, 0) + ln(1 + e^-|x|), in which nothing overflows.
    """
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.maximum(x, -x)))


@softplus.defvjp
def softplus_vjp(xp, g, z, inputs, needs, saved):
    (x,) = inputs
    return (g * sigmoid(xp, x),)


@composite
def leaky_relu(xp, x, *, slope):
    """z = x where x > 0, else slope · x;  ∂z/∂x = 1, or the slope (at 0 too)."""
    return xp.where(x > 0.0, x, x * slope)


@leaky_relu.defvjp
def leaky_relu_vjp(xp, g, z, inputs, needs, saved, *, slope):
    (x,) = inputs
    return (xp.where(x > 0.0, g, g * slope),)
