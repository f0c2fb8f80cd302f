"""Losses: how wrong is a prediction? One number to go down from.

The functions check what they are given, and nothing is broadcast: a target of the wrong
shape is an error, not a wrong loss. The mathematics of cross-entropy stands in
rules/composites.py.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..autograd.recording import Recorded, apply
from ..errors import check_number, outside, say
from ..rules import comparisons, composites
from .elementwise import astype
from .movement import permute_dims, reshape
from .operands import Tensor, constant, floats_of, is_float, tensor, whole_numbers
from .reductions import mean, sum
from .spelling import named

__all__ = ["cross_entropy", "mse_loss"]


@named()
def cross_entropy(
    logits: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-Σ w q ln softmax(logits), in nats: the surprise at the targets.

    Args:
        logits: (N, C), (N, C, T...) or, for one, (C,); any real numbers, no softmax
            before this.
        target: integers in 0..C-1, the right classes, in the shape of the logits
            without their axis C; or floats in the shape of the logits, a distribution q
            for each row.
        weight: (C,), how much each class counts; None, all the same.
        ignore_index: rows of this class count for nothing (classes only).
        reduction: "mean", Σ w nats / Σ w over the rows that count (for distributions
            / N, as in PyTorch); "sum"; or "none" for one number a row.
        label_smoothing: ε in [0, 1]: q becomes (1 - ε) q + ε/C (Szegedy et al. 2016).

    Returns:
        A scalar; with reduction "none" the shape of the classes. 0 is certainty; ln C a
        guess among all. The mean of no row is nan, and its gradient 0.

    Raises:
        ValueError: the shapes do not fit; nothing is broadcast.
        TypeError, IndexError: a target is neither class nor probability.

    >>> cross_entropy(Tensor([[0.0, 0.0]]), Tensor([1])).item() == math.log(2.0)
    True
    """
    who = "cross_entropy"
    check_reduction(who, reduction)
    check_number(who, "label_smoothing", label_smoothing, 0.0, 1.0)
    check_number(who, "ignore_index", ignore_index, whole=True)
    q = constant(who, target, tensor(who, logits))
    if q is None:
        raise TypeError(f"{who}: the target is a {type(target).__name__}, not a Tensor")
    if not logits.ndim or 0 in logits.shape:
        raise ValueError(
            f"{who}: logits of shape {logits.shape} given; they must be (N, C), (N, C, "
            "T...) or (C,), without an axis of size 0"
        )
    if logits._op in (composites.softmax, composites.log_softmax):
        warnings.warn(
            f"cross_entropy takes logits and makes the softmax itself; these already "
            f"come from {logits._op.name}",
            stacklevel=outside(),
        )
    axis = 0 if logits.ndim == 1 else 1
    shape = logits.shape[:axis] + logits.shape[axis + 1 :]  # of the classes
    classes = logits.shape[axis]
    if q.shape not in (shape, logits.shape):
        raise ValueError(
            f"{who}: target of shape {q.shape} given for logits of shape "
            f"{logits.shape}, which are (N, C), (N, C, T...) or (C,); it must be "
            f"{shape}, a class for each row, or floats of shape {logits.shape}"
        )
    if not is_float(logits):
        raise TypeError(f"{who}: logits of {logits.dtype} given; they must be floats")
    w = class_weights(who, weight, logits, classes)
    if q.dtype.startswith("float") and q.shape == logits.shape:
        counted: Any = None  # each row counts once
        q = smooth(astype(rows(q, axis), logits.dtype), label_smoothing)
    else:
        if q.shape != shape:
            raise TypeError(
                f"{who}: a target of {q.dtype} and shape {q.shape} given; shares "
                f"are floats, and classes have the shape {shape}"
            )
        q, counted = one_hot_rows(
            who, reshape(q, -1), logits, classes, ignore_index, label_smoothing, w
        )
    nats = apply(
        composites.cross_entropy, rows(logits, axis), q if w is None else q * w
    )
    if reduction == "none":
        return nats if nats.shape == shape else reshape(nats, shape)
    if reduction == "sum":
        return sum(nats)
    if counted is None:
        return sum(nats) / float(math.prod(shape))
    return apply(composites.mean_of_counted, nats, counted)


def rows(x: Tensor, axis: int) -> Tensor:
    """(N, C, T...) as rows (N · T..., C)."""
    if x.ndim == 2 and axis == 1:
        return x
    order = (*range(axis), *range(axis + 1, x.ndim), axis)
    return reshape(permute_dims(x, order), -1, x.shape[axis])


def class_weights(who: str, weight: Any, logits: Tensor, classes: int) -> Any:
    """The weights of the classes as a Tensor (C,), or None."""
    if weight is None:
        return None
    w = constant(who, weight, logits)
    if w is None or w.dtype == "bool":
        given = say(weight) if w is None else "of bool"
        raise TypeError(f"{who}: weight {given} given; it must be a number a class")
    if w.shape != (classes,):
        raise ValueError(
            f"{who}: weight of shape {w.shape} given; it must be ({classes},), a "
            "number for each class"
        )
    return astype(w, logits.dtype)


def one_hot_rows(
    who: str,
    target: Any,
    logits: Recorded,
    classes: int,
    ignore_index: int,
    smoothing: float,
    w: Any,
) -> tuple[Any, Any]:
    """Classes (N,) as rows (N, C) with a 1, or with none where a class is to be
    ignored; and how many are not, each as many times as its class counts."""
    target = whole_numbers(who, target, logits, classes, "label", ignore_index)
    settings = {"classes": classes, "dtype": logits.dtype}
    if 0 <= ignore_index < classes:
        settings["ignored"] = ignore_index
    hot = apply(comparisons.one_hot, target, **settings)
    counted = sum(hot if w is None else hot * w)
    if smoothing:
        hot = smooth(hot, smoothing) * reshape(sum(hot, axis=1), -1, 1)
    return hot, counted


def smooth(q: Tensor, smoothing: float) -> Tensor:
    """(1 - ε) q + ε/C: a share ε of the surprise is spread over all C classes."""
    if not smoothing:
        return q
    return q * (1.0 - smoothing) + smoothing / q.shape[1]


def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(input - target)², its mean, or its sum. The shapes must be equal: a target (N,)
    beside an input (N, 1) would broadcast to (N, N) in silence.

    >>> mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    Tensor(2.0, float64)
    """
    check_reduction("mse_loss", reduction)
    difference = floats_of(input) - same_shape("mse_loss", input, target)
    squares = difference * difference
    if reduction == "mean":
        return mean(squares)
    return sum(squares) if reduction == "sum" else squares


def same_shape(who: str, input: Any, target: Any) -> Any:
    """The target as a Tensor in the shape of the input."""
    y = constant(who, target, tensor(who, input))
    if y is None or y.shape != input.shape:
        given = type(target).__name__ if y is None else f"shape {y.shape}"
        raise ValueError(
            f"{who}: a target of {given} given for an input of shape {input.shape}; "
            "they must be equal"
        )
    return y


def check_reduction(who: str, reduction: str) -> None:
    """Refuses any other reduction."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{who}: reduction={say(reduction)} given; it must be 'mean', 'sum' or "
            "'none'"
        )
