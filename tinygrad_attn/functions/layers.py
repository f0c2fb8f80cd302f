"""The functions of layers: linear, embedding, norms; with PyTorch's names and defaults.

rules/composites.py has the mathematics. Here stand the checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.precision import EPSILON
from ..autograd.recording import apply
from ..errors import check_number
from ..rules import composites, movement
from .elementwise import add, maximum, sqrt, where
from .movement import reshape
from .operands import Tensor, floats_together, is_float, tensor, together, whole_numbers
from .products import matmul
from .reductions import mean, too_large_to_square
from .shaping import matrix_transpose

__all__ = ["embedding", "layer_norm", "linear", "rms_norm"]


def embedding(indices: Tensor, weight: Tensor) -> Tensor:
    """Row i of weight for each i in indices: (*I) and (n, d) → (*I, d).

    Raises:
        TypeError, IndexError: a token is no integer, or not in 0..n-1.

    >>> embedding(Tensor([1, 0]), Tensor([[1.0, 2.0], [3.0, 4.0]]))
    Tensor([[3.0, 4.0],
            [1.0, 2.0]], float64)
    """
    if tensor("embedding", weight).ndim != 2:
        raise ValueError(
            f"embedding: weight of shape {weight.shape} given; it must be (tokens, d)"
        )
    indices = whole_numbers("embedding", indices, weight, weight.shape[0], "token")
    namespace_of([weight.array, indices.array], "embedding")  # one backend
    return apply(movement.take, weight, indices)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, (..., d_in) → (..., d_out); W is (d_out, d_in), b (d_out,).

    >>> linear(Tensor([1.0, 2.0]), Tensor([[3.0, 4.0]]), Tensor([5.0]))
    Tensor([16.0], float64)
    """
    for t in (x, weight) if bias is None else (x, weight, bias):
        tensor("linear", t)
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
        return reshape(linear(reshape(x, 1, -1), weight, bias), -1)
    x, weight, bias = together("linear", x, weight, bias)
    if not is_float(x):  # whole numbers, of which each step sees that they fit
        z = matmul(x, matrix_transpose(weight))
        return z if bias is None else add(z, bias)
    return apply(composites.linear, x, weight, bias)


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
    x, weight, bias = floats_together("layer_norm", x, weight, bias)
    size = too_large_to_square(x, axis)
    if size is not None:
        y = x / size
        z = divided_by_rms(y - mean(y, axis, keepdims=True), size, axis, eps)
        z = z if weight is None else z * weight
        return z if bias is None else z + bias
    return apply(composites.layer_norm, x, weight, bias, axis=axis, eps=float(eps))


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
    x, weight = floats_together("rms_norm", x, weight)
    if eps is not None:
        check_number("rms_norm", "eps", eps, 0.0)
    else:
        eps = EPSILON[x.dtype]
    size = too_large_to_square(x, axis)
    if size is not None:
        z = divided_by_rms(x / size, size, axis, eps)
        return z if weight is None else z * weight
    return apply(composites.rms_norm, x, weight, axis=axis, eps=float(eps))


def divided_by_rms(
    y: Tensor, size: Tensor, axis: tuple[int, ...], eps: float
) -> Tensor:
    """x/√(mean(x²) + ε) where x = size y is too large to be squared: both are divided
    by size. TINY takes the place of an ε/size² that is no float any more."""
    small = where(size > 1.0, maximum(eps / size / size, TINY), eps)
    return y / sqrt(mean(y * y, axis, keepdims=True) + small)


TINY = 1e-37


def last_axes(
    who: str, x: Any, normalized_shape: Any, **affine: Any
) -> tuple[int, ...]:
    """The axes of x that normalized_shape names, once all sizes are checked."""
    size = normalized_shape
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    for n in shape:
        check_number(who, "normalized_shape", n, whole=True)
    tensor(who, x)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{who}: input of shape {x.shape} given; its last sizes must be {shape}"
        )
    for what, t in affine.items():
        if t is not None and tensor(who, t).shape != shape:
            raise ValueError(
                f"{who}: {what} of shape {t.shape} given; it must be {shape}"
            )
    return tuple(range(x.ndim - len(shape), x.ndim))
