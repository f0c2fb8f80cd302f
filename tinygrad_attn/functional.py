"""The layers' functions on Tensors, with PyTorch's names, arguments and defaults.

`composites.py` and `activations.py` have the mathematics. Here stands what a user's
call needs besides: checks that answer a wrong shape in one sentence, and what is drawn
at random. `functional` offers the losses and attention too, from their own files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import creation
from .arrays.backends import namespace_of
from .arrays.shapes import one_axis
from .autograd.recording import apply, checked, floats_of, whole_numbers
from .errors import check_number, named
from .rules import activations, composites, movement
from .tensor import Tensor, make

__all__ = [
    "causal_mask",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "padding_mask",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]


@named
def relu(x: Tensor) -> Tensor:
    """max(x, 0), element by element; its derivative at 0 is 0.

    >>> relu(Tensor([-1.0, 2.0]))
    Tensor([0.0, 2.0], float64)
    """
    return apply(activations.relu, floats_of(x))


@named
def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x, element by element.

    >>> leaky_relu(Tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.5000, 2.0000], float64)
    """
    check_number("leaky_relu", "negative_slope", negative_slope)
    return apply(activations.leaky_relu, floats_of(x), slope=float(negative_slope))


@named
def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), element by element, Φ the normal distribution (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" for the exact function, "tanh" for the approximation by
            tanh.

    >>> gelu(Tensor([0.0, 1.0]))
    Tensor([0.0000, 0.8413], float64)
    """
    forms = {"none": activations.gelu, "tanh": activations.gelu_tanh}
    if not isinstance(approximate, str) or approximate not in forms:
        raise ValueError(
            f"gelu: approximate={approximate!r} given; it must be 'none' or 'tanh'"
        )
    return apply(forms[approximate], floats_of(x))


@named
def sigmoid(x: Tensor) -> Tensor:
    """1/(1 + e⁻ˣ), element by element: from 0 to 1.

    >>> sigmoid(Tensor([0.0]))
    Tensor([0.5000], float64)
    """
    return apply(activations.sigmoid, floats_of(x))


@named
def silu(x: Tensor) -> Tensor:
    """x σ(x), element by element, σ the sigmoid (Elfwing et al. 2017).

    >>> silu(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(activations.silu, floats_of(x))


@named
def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ), element by element: a smooth max(x, 0).

    >>> import math
    >>> softplus(Tensor([0.0])).item() == math.log(2.0)
    True
    """
    return apply(activations.softplus, floats_of(x))


@named
def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element set to 0 with probability p, the others divided by 1 - p.

    Srivastava et al. 2014. Which ones is drawn anew at every call, from `manual_seed`.
    Without `training` it is x itself.

    >>> sorted(set(dropout(creation.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"dropout: a {type(x).__name__} given; it takes a Tensor")
    keep = keep_mask("dropout", x.shape, p, x) if training else None
    return x if keep is None else apply(activations.dropout, x, keep, p=float(p))


def keep_mask(
    who: str, shape: tuple[int, ...], p: float, like: Tensor
) -> Tensor | None:
    """True with probability 1 - p, for dropout; None for p = 0, which drops nothing."""
    check_number(who, "p", p, 0.0, 1.0, open_high=True)
    if p == 0.0:
        return None
    return make(creation.uniform(shape, backend=namespace_of([like.data])) >= p)


@named
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / Σ exp(x) along an axis: positive, and adding up to 1.

    >>> import math
    >>> softmax(Tensor([0.0, math.log(3.0)]))
    Tensor([0.2500, 0.7500], float64)
    """
    at = checked("softmax", one_axis, axis, x.ndim)
    if not x.size:
        return x * 1.0  # of nothing, nothing
    return apply(composites.softmax, floats_of(x), axis=at)


@named
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along an axis, computed as x - ln Σ exp(x).

    >>> import math
    >>> log_softmax(Tensor([0.0, 0.0]))[0].item() == -math.log(2.0)
    True
    """
    at = checked("log_softmax", one_axis, axis, x.ndim)
    if not x.size:
        return x * 1.0
    return apply(composites.log_softmax, floats_of(x), axis=at)


@named
def embedding(indices: Tensor, weight: Tensor) -> Tensor:
    """Row i of weight for each i in indices: (*I) and (n, d) → (*I, d).

    Raises:
        TypeError, IndexError: a token is no integer, or not in 0..n-1.

    >>> embedding(Tensor([1, 0]), Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3.0, 4.0],
            [1.0, 2.0]], float64)
    """
    if weight.ndim != 2:
        raise ValueError(
            f"embedding: weight of shape {weight.shape} given; it must be (tokens, d)"
        )
    indices = whole_numbers("embedding", indices, weight, weight.shape[0], "token")
    return apply(movement.take, weight, indices)


@named
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, (..., d_in) → (..., d_out); W is (d_out, d_in), b (d_out,).

    >>> linear(Tensor([1.0, 2.0]), Tensor([[3.0, 4.0]]), Tensor([5.0]))
    Tensor([16.0], float64)
    """
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[-1]:
        raise ValueError(
            f"linear: input of shape {x.shape} and weight of shape {weight.shape} "
            "given; they must be (..., d_in) and (d_out, d_in)"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"linear: bias of shape {bias.shape} given for a weight of shape "
            f"{weight.shape}; it must be {weight.shape[:1]}"
        )
    if x.ndim == 1:
        return linear(x.reshape(1, -1), weight, bias).reshape(-1)
    return apply(composites.linear, x, weight, bias)


@named
def layer_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - μ)/√(σ² + ε) ⊙ weight + bias, over the last axes (Ba et al. 2016, eq. 3, 4).

    Args:
        normalized_shape: the sizes of those axes; σ² is the biased variance over them.
        weight, bias: of that shape; None for 1 and 0.

    >>> layer_norm(Tensor([1.0, 3.0]), 2)
    Tensor([-1.0000, 1.0000], float64)
    """
    check_number("layer_norm", "eps", eps, 0.0)
    axis = last_axes("layer_norm", x, normalized_shape, weight=weight, bias=bias)
    x = floats_of(x)
    return apply(composites.layer_norm, x, weight, bias, axis=axis, eps=float(eps))


@named
def rms_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x/√(mean(x²) + ε) ⊙ weight, over the last axes (Zhang & Sennrich 2019, eq. 4).

    Args:
        normalized_shape: the sizes of those axes.
        weight: of that shape; None for 1.
        eps: ε; by default the distance from 1 to the next number of x's dtype.

    >>> rms_norm(Tensor([3.0, 4.0]), 2)
    Tensor([0.8485, 1.1314], float64)
    """
    axis = last_axes("rms_norm", x, normalized_shape, weight=weight)
    x = floats_of(x)
    if eps is not None:
        check_number("rms_norm", "eps", eps, 0.0)
    else:
        eps = 2.0**-23 if x.dtype == "float32" else 2.0**-52
    return apply(composites.rms_norm, x, weight, axis=axis, eps=float(eps))


def last_axes(
    who: str, x: Tensor, normalized_shape: Any, **affine: Tensor | None
) -> tuple[int, ...]:
    """The axes of x that normalized_shape names, once all sizes are checked."""
    size = normalized_shape
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    for n in shape:
        check_number(who, "normalized_shape", n, whole=True)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{who}: input of shape {x.shape} given; its last sizes must be {shape}"
        )
    for what, t in affine.items():
        if t is not None and t.shape != shape:
            raise ValueError(
                f"{who}: {what} of shape {t.shape} given; it must be {shape}"
            )
    return tuple(range(x.ndim - len(shape), x.ndim))


# Their files use some of the functions above.
from .functions.attention import (  # noqa: E402
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
)
from .functions.losses import cross_entropy, mse_loss  # noqa: E402
