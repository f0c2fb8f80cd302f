"""The functions of the package, and of `functional`, under PyTorch's names.

FUNCTIONS and FUNCTIONAL are tables: a name, and what it is here. `torch.sum(x, 1)` is
the method `x.sum(1)`, and so for every method; what differs stands below.
"""

from __future__ import annotations

import math
from typing import Any

from .. import creation
from ..autograd.recording import Recorded
from ..context import context, enable_grad, no_grad
from ..devices import Generator, backends, cuda, device
from ..errors import check_flags, check_number, say
from ..functions import (
    activations,
    elementwise,
    indexing,
    losses,
    movement,
    reductions,
    shaping,
)
from ..functions.operands import constant
from ..functions.operands import tensor as tensor_of
from ..tensor import Tensor, tensor
from . import making, reducing
from .instead import advice
from .methods import dtype_of

# --- what differs from the methods ----------------------------------------------------


def max(input: Any, *given: Any, **options: Any) -> Any:
    """The largest number; with an axis, the pair (values, indices); of two tensors the
    larger, element by element."""
    return extreme(reductions.max, elementwise.maximum, input, *given, **options)


def min(input: Any, *given: Any, **options: Any) -> Any:
    """The smallest number; with an axis, the pair (values, indices); of two tensors the
    smaller, element by element."""
    return extreme(reductions.min, elementwise.minimum, input, *given, **options)


def extreme(one: Any, of_two: Any, x: Any, *given: Any, **options: Any) -> Any:
    other = given[0] if given else options.get("other")
    if isinstance(other, Recorded):
        return of_two(x, other)
    if given:  # torch.max(x, 1): a dim
        return one(x, **dict(zip(("dim", "keepdim"), given)), **options)
    return one(x, **options)


def is_tensor(x: Any) -> bool:
    """Whether x is a Tensor."""
    return isinstance(x, Tensor)


def set_grad_enabled(mode: bool) -> Any:
    """A context in which operations are recorded, or not."""
    check_flags("set_grad_enabled", mode=mode)
    return enable_grad() if mode else no_grad()


def is_grad_enabled() -> bool:
    """Whether operations are recorded."""
    return bool(context.now.recording)


# --- losses and others of torch.nn.functional -----------------------------------------


def reduced(who: str, numbers: Any, reduction: str) -> Any:
    losses.check_reduction(who, reduction)
    if reduction == "mean":
        return numbers.mean()
    return numbers.sum() if reduction == "sum" else numbers


def same_shape(who: str, input: Any, target: Any) -> Any:
    """The target as a Tensor; nothing is broadcast."""
    y = constant(who, target, tensor_of(who, input))
    if y is None or y.shape != input.shape:
        given = type(target).__name__ if y is None else f"shape {y.shape}"
        raise ValueError(
            f"{who}: a target of {given} given for an input of shape {input.shape}; "
            "they must be equal"
        )
    return y


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
    # PyTorch keeps each ln above -100.
    yes, no = (elementwise.clip(p.log(), -100.0) for p in (input, 1.0 - input))
    nats = -(y * yes + (1.0 - y) * no)
    nats = nats if weight is None else nats * weight
    return reduced("binary_cross_entropy", nats, reduction)


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


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """x divided by its norm along an axis."""
    check_number("normalize", "eps", eps, 0.0)
    size = reducing.norm(input, p, axis=dim, keepdims=True)
    return input / elementwise.maximum(size, eps)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x · y / (|x| |y|) along an axis."""
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


# --- the tables -----------------------------------------------------------------------

FUNCTIONAL: dict[str, Any] = {
    "binary_cross_entropy": binary_cross_entropy,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "cosine_similarity": cosine_similarity,
    "kl_div": kl_div,
    "l1_loss": l1_loss,
    "logsigmoid": logsigmoid,
    "nll_loss": nll_loss,
    "normalize": normalize,
    "one_hot": indexing.one_hot,
    "pad": pad,
    "tanh": elementwise.tanh,
}
FUNCTIONS: dict[str, Any] = {
    "cat": movement.concat,
    "concatenate": movement.concat,
    "max": max,
    "min": min,
    "is_tensor": is_tensor,
    "is_grad_enabled": is_grad_enabled,
    "set_grad_enabled": set_grad_enabled,
    "inference_mode": no_grad,
    # new tensors
    "tensor": tensor,
    "as_tensor": tensor,
    "asarray": tensor,
    "from_numpy": making.from_numpy,
    "FloatTensor": making.float_tensor,
    "DoubleTensor": making.float_tensor,
    "LongTensor": making.long_tensor,
    "IntTensor": making.long_tensor,
    "empty": making.empty,
    "empty_like": creation.zeros_like,
    "full_like": making.full_like,
    "rand_like": making.rand_like,
    "randn_like": making.randn_like,
    "normal": making.normal,
    "linspace": making.linspace,
    "randperm": making.randperm,
    "bernoulli": making.bernoulli,
    "multinomial": making.multinomial,
    # devices
    "Generator": Generator,
    "device": device,
    "cuda": cuda,
    "backends": backends,
    "mps": backends.mps,
    # numbers and kinds
    "Size": tuple,
    "dtype": str,
    "pi": math.pi,
    "inf": math.inf,
    "nan": math.nan,
    "e": math.e,
}
DTYPES = "bool int8 uint8 int16 short int32 int int64 long float32 float float64 double"
NO_FUNCTIONS = "T mT data grad dtype shape size ndim item tolist numpy device to type"


def function(name: str, ours: list[str]) -> Any:
    """What a name of the package `torch` is here, beside ours.

    Raises:
        AttributeError: it is not here; with what to write instead.
    """
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in DTYPES.split():
        return dtype_of(name)
    method = getattr(Tensor, name, None)
    named = not name.startswith("_") and name not in NO_FUNCTIONS.split()
    if named and callable(method):
        return method
    known = [*FUNCTIONS, *DTYPES.split(), *dir(Tensor), *ours]
    raise AttributeError(advice("tinygrad_attn", name, known))


def functional(name: str, ours: list[str]) -> Any:
    """What a name of `torch.nn.functional` is here, beside ours."""
    if name in FUNCTIONAL:
        return FUNCTIONAL[name]
    raise AttributeError(advice("functional", name, [*FUNCTIONAL, *ours]))
