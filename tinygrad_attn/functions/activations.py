"""The functions between the layers, and dropout: PyTorch's names, arguments, defaults.

rules/activations.py and rules/composites.py have the mathematics. Here stand the checks
of the arguments, and the random numbers.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from ..arrays.backends import uniform
from ..autograd.recording import Recorded, apply, make_here
from ..context import context
from ..errors import check_flags, check_number, say
from ..rules import activations as rules
from ..rules import composites
from .elementwise import maximum
from .movement import reshape
from .operands import Tensor, axis_of, floats_of, home, is_first, tensor
from .spelling import named

__all__ = [
    "dropout",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]


@named()
def relu(x: Tensor) -> Tensor:
    """max(x, 0), element by element; its derivative at 0 is 0.

    >>> relu(Tensor([-1.0, 2.0]))
    Tensor([0.0, 2.0], float64)
    """
    if tensor("relu", x).dtype == "int64":
        return maximum(x, 0)
    return apply(rules.relu, floats_of(x))


@named()
def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x, element by element.

    >>> leaky_relu(Tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.5000, 2.0000], float64)
    """
    check_number("leaky_relu", "negative_slope", negative_slope)
    return apply(rules.leaky_relu, floats_of(x), slope=float(negative_slope))


@named()
def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), element by element, Φ the normal distribution (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" for the exact function, "tanh" for the approximation by
            tanh.

    >>> gelu(Tensor([0.0, 1.0]))
    Tensor([0.0000, 0.8413], float64)
    """
    forms = {"none": rules.gelu, "tanh": rules.gelu_tanh}
    if not isinstance(approximate, str) or approximate not in forms:
        raise ValueError(
            f"gelu: approximate={say(approximate)} given; it must be 'none' or 'tanh'"
        )
    return apply(forms[approximate], floats_of(tensor("gelu", x)))


@named()
def sigmoid(x: Tensor) -> Tensor:
    """1/(1 + e⁻ˣ), element by element: from 0 to 1.

    >>> sigmoid(Tensor([0.0]))
    Tensor([0.5000], float64)
    """
    return apply(rules.sigmoid, floats_of(x))


@named()
def silu(x: Tensor) -> Tensor:
    """x σ(x), element by element, σ the sigmoid (Elfwing et al. 2017).

    >>> silu(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(rules.silu, floats_of(x))


@named()
def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ), element by element: a smooth max(x, 0).

    >>> import math
    >>> softplus(Tensor([0.0])).item() == math.log(2.0)
    True
    """
    return apply(rules.softplus, floats_of(x))


@named()
def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element set to 0 with probability p, the others divided by 1 - p.

    Srivastava et al. 2014. Which ones is drawn anew at every call, from `manual_seed`.
    Without `training` it is x itself.

    >>> sorted(set(dropout(Tensor([1.0] * 100), 0.5).tolist()))
    [0.0, 2.0]
    """
    tensor("dropout", x)
    check_flags("dropout", training=training)
    keep = keep_mask("dropout", x.shape, p, x) if training else None
    return x if keep is None else apply(rules.dropout, x, keep, p=float(p))


def keep_mask(who: str, shape: tuple[int, ...], p: float, like: Recorded) -> Any:
    """True with probability 1 - p, for dropout; None for p = 0, which drops nothing."""
    check_number(who, "p", p, 0.0, 1.0, open_high=True)
    if p == 0.0:
        return None
    keep = make_here(uniform(shape, backend=home(like)) >= p)
    if context.now.tracing:  # a program of this graph draws anew
        keep._params = {"drawn": next(DRAWN), "p": p}
    return keep


DRAWN = count()


@named()
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / Σ exp(x) along an axis: positive, and adding up to 1.

    >>> import math
    >>> softmax(Tensor([0.0, math.log(3.0)]))
    Tensor([0.2500, 0.7500], float64)
    """
    if not tensor("softmax", x).shape and is_first(axis):
        return reshape(softmax(reshape(x, 1)), ())
    at = axis_of("softmax", x, axis)
    if not x.size:
        return x * 1.0  # of nothing, nothing
    return apply(composites.softmax, floats_of(x), axis=at)


@named()
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along an axis, computed as x - ln Σ exp(x).

    >>> import math
    >>> log_softmax(Tensor([0.0, 0.0]))[0].item() == -math.log(2.0)
    True
    """
    if not tensor("log_softmax", x).shape and is_first(axis):
        return reshape(log_softmax(reshape(x, 1)), ())
    at = axis_of("log_softmax", x, axis)
    if not x.size:
        return x * 1.0
    return apply(composites.log_softmax, floats_of(x), axis=at)
