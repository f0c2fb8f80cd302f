"""Losses: how wrong is a prediction? One number to go down from.

The functions check what they are given, and nothing is broadcast: a target of the wrong
shape is an error, not a wrong loss. The mathematics of cross-entropy stands in
rules/composites.py.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from ..arrays.backends import namespace_of
from ..autograd.recording import Recorded, apply, make
from ..errors import check_number, say
from ..rules import composites
from .elementwise import astype, where
from .movement import reshape
from .operands import Tensor, constant, floats_of, is_float, tensor, whole_numbers
from .reductions import mean, sum

__all__ = ["cross_entropy", "mse_loss"]


def cross_entropy(
    logits: Tensor,
    target: Any,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-Σ q ln softmax(logits), in nats: the surprise at the targets.

    Args:
        logits: (N, C), or (C,) for one; any real numbers, no softmax before this.
        target: (N,) integers in 0..C-1, the right classes; or (N, C) floats, a
            distribution q for each row. For logits (C,): a number, or (C,).
        ignore_index: rows of this class count for nothing (classes only).
        reduction: "mean" over the rows that count, "sum", or "none" for (N,).
        label_smoothing: ε in [0, 1): q becomes (1 - ε) q + ε/C (Szegedy et al. 2016).

    Returns:
        A scalar, or (N,) with reduction "none". 0 is certainty; ln C a guess among all.

    Raises:
        ValueError: the shapes do not fit; nothing is broadcast.
        TypeError, IndexError: a target is neither class nor probability.

    >>> cross_entropy(Tensor([[0.0, 0.0]]), Tensor([1])).item() == math.log(2.0)
    True
    """
    who = "cross_entropy"
    check_reduction(who, reduction)
    check_number(who, "label_smoothing", label_smoothing, 0.0, 1.0, open_high=True)
    check_number(who, "ignore_index", ignore_index, whole=True)
    q = constant(who, target, tensor(who, logits))
    if q is None:
        raise TypeError(f"{who}: the target is a {type(target).__name__}, not a Tensor")
    if (
        logits.ndim == 1
        and is_float(logits)
        and (q.shape == () or q.shape == logits.shape)
    ):
        row = reshape(logits, 1, -1), reshape(q, 1, *q.shape)
        how = "mean" if reduction == "mean" else "none"  # the mean of none is nan
        z = cross_entropy(*row, ignore_index, how, label_smoothing)
        return reshape(z, ())
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(
            f"{who}: logits of shape {logits.shape} given; they must be (N, C), "
            "one row for each target"
        )
    if logits._op in (composites.softmax, composites.log_softmax):
        warnings.warn(
            f"cross_entropy takes logits and makes the softmax itself; these already "
            f"come from {logits._op.name}",
            stacklevel=2,
        )
    if not is_float(logits):
        raise TypeError(f"{who}: logits of {logits.dtype} given; they must be floats")
    n, classes = logits.shape
    counted = float(n)
    if q.dtype.startswith("float") and q.shape == logits.shape:
        q = smooth(astype(q, logits.dtype), label_smoothing)
    else:
        if q.shape != (n,):
            raise ValueError(
                f"{who}: target of shape {q.shape} given for logits of shape "
                f"{logits.shape}; it must be ({n},), a class for each row, or "
                f"floats of shape {logits.shape}"
            )
        q, counted = one_hot_rows(who, q, logits, ignore_index, label_smoothing)
    nats = apply(composites.cross_entropy, logits, q)
    if reduction == "mean":
        return sum(nats) / counted if counted else sum(nats) * math.nan
    return sum(nats) if reduction == "sum" else nats


def one_hot_rows(
    who: str, target: Any, logits: Recorded, ignore_index: int, smoothing: float
) -> tuple[Any, float]:
    """Classes (N,) as rows (N, C) with a 1, or with none where a class is to be
    ignored; and how many are not."""
    n, classes = logits.shape
    counts = target != ignore_index
    counted = int(sum(counts).array.tolist())
    if target.dtype == "int64" and counts.size != counted:
        target = where(counts, target, 0)
    target = whole_numbers(who, target, logits, classes, "label")
    xp = namespace_of([logits.array])
    hot = xp.reshape(target.array, (n, 1)) == xp.arange(0, classes)
    kept = xp.reshape(counts.array, (n, 1))
    q = smooth(make(xp.astype(hot, logits.dtype)), smoothing)
    return q * make(xp.astype(kept, logits.dtype)), float(counted)


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
    y = constant("mse_loss", target, tensor("mse_loss", input))
    if y is None or y.shape != input.shape:
        given = type(target).__name__ if y is None else f"shape {y.shape}"
        raise ValueError(
            f"mse_loss: a target of {given} given for an input of shape {input.shape}; "
            "they must be equal"
        )
    difference = floats_of(input) - y
    squares = difference * difference
    if reduction == "mean":
        return mean(squares)
    return sum(squares) if reduction == "sum" else squares


def check_reduction(who: str, reduction: str) -> None:
    """Refuses any other reduction."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{who}: reduction={say(reduction)} given; it must be 'mean', 'sum' or "
            "'none'"
        )
