"""The functions of torch.nn.functional beyond the course: losses, normalize, pad."""

from __future__ import annotations

from typing import Any

from ..arrays.shapes import broadcast_shapes
from ..errors import check_flags, check_number, say
from ..functions import activations, elementwise, indexing, losses, shaping
from ..functions.losses import same_shape
from ..functions.movement import broadcast_to
from ..functions.operands import check, constant
from ..functions.operands import tensor as tensor_of
from . import reducing

# --- losses ---------------------------------------------------------------------------


def reduced(who: str, numbers: Any, reduction: str) -> Any:
    losses.check_reduction(who, reduction)
    if reduction == "mean":
        return numbers.mean()
    return numbers.sum() if reduction == "sum" else numbers


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """-w x[target]: of ln of probabilities what `cross_entropy` is of logits."""
    who = "nll_loss"
    losses.check_reduction(who, reduction)
    axis = 0 if tensor_of(who, input).ndim == 1 else 1
    shape = input.shape[:axis] + input.shape[axis + 1 :]
    x = losses.rows(input, axis)  # (N, C)
    classes = constant(who, target, x)
    if classes is None or classes.shape != shape:
        given = type(target).__name__ if classes is None else f"shape {classes.shape}"
        raise ValueError(
            f"{who}: a target of {given} given for an input of shape {input.shape}; it "
            f"must be {shape}, a class for each row"
        )
    classes = classes.reshape(-1)
    counts = classes != ignore_index
    classes = elementwise.where(counts, classes, 0)
    w = counts.astype(input.dtype)
    if weight is not None:
        w = w * losses.class_weights(who, weight, input, x.shape[1])[classes]
    nats = -indexing.take_along_axis(x, classes.unsqueeze(1), 1).squeeze(1)
    nats = elementwise.where(counts, nats * w, 0.0)
    if reduction == "mean":
        return nats.sum() / w.sum()
    return nats.sum() if reduction == "sum" else nats.reshape(shape)


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Any:
    """-(y ln p + (1 - y) ln(1 - p)), of probabilities p."""
    y = same_shape("binary_cross_entropy", input, target)
    yes = bounded(elementwise.log, input, 1.0, input)
    no = bounded(elementwise.log1p, -input, 0.0, 1.0 - input)
    nats = -(y * yes + (1.0 - y) * no)
    nats = nats if weight is None else nats * weight
    return reduced("binary_cross_entropy", nats, reduction)


def bounded(log: Any, x: Any, safe: float, p: Any) -> Any:
    """log(x), which is ln p, but no less than -100, nor steeper than 10¹², as in
    PyTorch: so the loss of a probability of exactly 0 or 1 has a gradient that can be
    multiplied by 0.

    Args:
        safe: a number of which the log is 0.
    """
    small = p < 1e-12
    least = elementwise.clip(elementwise.stop_gradient(log(x)), -100.0)
    least = least + (p - elementwise.stop_gradient(p)) * 1e12
    return elementwise.where(small, least, log(elementwise.where(small, safe, x)))


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The same of p = sigmoid(x), where no exp overflows: softplus(x) - y x."""
    who = "binary_cross_entropy_with_logits"
    y = same_shape(who, input, target)
    more = 1.0 if pos_weight is None else 1.0 + (pos_weight - 1.0) * y
    nats = (1.0 - y) * input + more * activations.softplus(-input)
    nats = nats if weight is None else nats * weight
    return reduced(who, nats, reduction)


def kl_div(
    input: Any, target: Any, reduction: str = "mean", log_target: bool = False
) -> Any:
    """q (ln q - x): how far a distribution q is from one whose ln is x; 0 where q is.

    Args:
        reduction: "batchmean" is the sum by the number of rows; "mean" by all numbers.
        log_target: whether ln q is given.
    """
    check_flags("kl_div", log_target=log_target)
    q = same_shape("kl_div", input, target)
    if log_target:
        terms = q.exp() * (q - input)
    else:
        positive = q > 0
        safe = elementwise.where(positive, q, 1.0)
        terms = elementwise.where(positive, q * (safe.log() - input), 0.0)
    if reduction == "batchmean":
        return terms.sum() / input.shape[0]
    return reduced("kl_div", terms, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """|x - y|, its mean, or its sum."""
    y = same_shape("l1_loss", input, target)
    return reduced("l1_loss", elementwise.abs(input - y), reduction)


def smooth_l1_loss(
    input: Any, target: Any, reduction: str = "mean", beta: float = 1.0
) -> Any:
    """d²/2β where d = |x - y| is below β, else d - β/2."""
    check_number("smooth_l1_loss", "beta", beta, 0.0)
    d = elementwise.abs(input - same_shape("smooth_l1_loss", input, target))
    if beta:
        d = elementwise.where(d < beta, d * d / (2.0 * beta), d - beta / 2.0)
    return reduced("smooth_l1_loss", d, reduction)


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0
) -> Any:
    """d²/2 where d = |x - y| is below δ, else δ (d - δ/2)."""
    check_number("huber_loss", "delta", delta, 0.0, open_low=True)
    d = elementwise.abs(input - same_shape("huber_loss", input, target))
    d = elementwise.where(d < delta, d * d / 2.0, delta * (d - delta / 2.0))
    return reduced("huber_loss", d, reduction)


# --- others ---------------------------------------------------------------------------


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """x divided by its norm along an axis."""
    check_number("normalize", "eps", eps, 0.0)
    size = reducing.norm(input, p, axis=dim, keepdims=True)
    return input / elementwise.maximum(size, eps)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x · y / (|x| |y|) along an axis."""
    shape = check("cosine_similarity", broadcast_shapes, x1.shape, x2.shape)
    x1, x2 = (broadcast_to(x, shape) for x in (x1, x2))
    a, b = (
        x / elementwise.maximum(reducing.norm(x, axis=dim, keepdims=True), eps)
        for x in (x1, x2)
    )
    return (a * b).sum(axis=dim)


def logsigmoid(input: Any) -> Any:
    """ln sigmoid(x) = -softplus(-x)."""
    return -activations.softplus(-input)


def pad(input: Any, pad: Any, mode: str = "constant", value: float = 0.0) -> Any:
    """x with `value` around it."""
    if isinstance(mode, (int, float)):  # our order: pad(x, widths, value)
        mode, value = "constant", mode
    if mode != "constant":
        raise ValueError(f"pad: mode={say(mode)} given; there is 'constant' alone")
    return shaping.pad(input, pad, 0.0 if value is None else value)
