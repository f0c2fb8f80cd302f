"""The composites as functions of Tensors, with PyTorch's names, arguments and defaults.

`composites.py` has the mathematics. Here stands what a user's call needs besides:
checks that answer a wrong shape in one sentence, and the masks that are inputs of a
rule (which class is the target, which weight is dropped, who may attend to whom).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from . import activations, composites, creation, movement, ops, recording
from .backends import current_backend, namespace_of
from .recording import apply, checked, constant, floats_of, whole_numbers
from .shapes import broadcast_shapes, one_axis
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
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]


def relu(x: Tensor) -> Tensor:
    """max(x, 0), element by element; its derivative at 0 is 0.

    >>> relu(Tensor([-1.0, 2.0]))
    Tensor([0.0, 2.0], float64)
    """
    return apply(activations.relu, floats_of(x))


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), element by element, Φ the normal distribution (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" for the exact function, "tanh" for the approximation by
            tanh.

    >>> gelu(Tensor([0.0, 1.0]))
    Tensor([0.0000, 0.8413], float64)
    """
    forms = {"none": activations.gelu, "tanh": activations.gelu_tanh}
    if approximate not in forms:
        raise ValueError(
            f"gelu: approximate={approximate!r} given; it must be 'none' or 'tanh'"
        )
    return apply(forms[approximate], floats_of(x))


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element set to 0 with probability p, the others divided by 1 - p.

    Srivastava et al. 2014. Which ones is drawn anew at every call, from `manual_seed`.
    Without `training` it is x itself.

    >>> sorted(set(dropout(creation.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    keep = keep_mask("dropout", x.shape, p, x) if training else None
    return x if keep is None else apply(activations.dropout, x, keep, p=float(p))


def keep_mask(
    who: str, shape: tuple[int, ...], p: float, like: Tensor
) -> Tensor | None:
    """True with probability 1 - p, for dropout; None for p = 0, which drops nothing."""
    if not 0.0 <= p < 1.0:
        raise ValueError(f"{who}: p={p} given; a probability to drop is in [0, 1)")
    if p == 0.0:
        return None
    return make(creation.uniform(shape, backend=namespace_of([like.data])) >= p)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / Σ exp(x) along an axis: positive, and adding up to 1.

    >>> softmax(Tensor([0.0, math.log(3.0)]))
    Tensor([0.2500, 0.7500], float64)
    """
    at = checked("softmax", one_axis, axis, x.ndim)
    return apply(composites.softmax, floats_of(x), axis=at)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along an axis, computed as x - ln Σ exp(x).

    >>> log_softmax(Tensor([0.0, 0.0]))[0].item() == -math.log(2.0)
    True
    """
    at = checked("log_softmax", one_axis, axis, x.ndim)
    return apply(composites.log_softmax, floats_of(x), axis=at)


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
    if not 0.0 <= label_smoothing < 1.0:
        raise ValueError(
            f"{who}: label_smoothing={label_smoothing} given; it is in [0, 1)"
        )
    q = constant(target, logits)
    if q is None:
        raise TypeError(f"{who}: the target is a {type(target).__name__}, not a Tensor")
    if logits.ndim == 1 and (q.shape == () or q.shape == logits.shape):
        row = logits.reshape(1, -1), q.reshape(1, *q.shape)
        return cross_entropy(*row, ignore_index, "none", label_smoothing).reshape(())
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(
            f"{who}: logits of shape {logits.shape} given; they must be (N, C), "
            "one row for each target"
        )
    if logits._op in (composites.softmax, composites.log_softmax):
        warnings.warn(
            f"cross_entropy takes logits and makes the softmax itself; these are what "
            f"{logits._op.name} made",
            stacklevel=2,
        )
    logits = floats_of(logits)
    n, classes = logits.shape
    counted = float(n)
    if q.dtype.startswith("float") and q.shape == logits.shape:
        q = q.astype(logits.dtype)
    else:
        if q.shape != (n,):
            raise ValueError(
                f"{who}: target of shape {q.shape} given for logits of shape "
                f"{logits.shape}; it must be ({n},), a class for each row, or "
                f"floats of shape {logits.shape}"
            )
        q, counted = one_hot_rows(who, q, logits, ignore_index)
    if label_smoothing:
        each = q.sum(axis=1, keepdims=True) * (label_smoothing / classes)
        q = q * (1.0 - label_smoothing) + each
    nats = apply(composites.cross_entropy, logits, q)
    if reduction == "mean":
        return nats.sum() / counted if counted else nats.sum() * math.nan
    return nats.sum() if reduction == "sum" else nats


def one_hot_rows(
    who: str, target: Tensor, logits: Tensor, ignore_index: int
) -> tuple[Tensor, float]:
    """Classes (N,) as rows (N, C) with a 1, or with none where a class is to be
    ignored; and how many are not."""
    n, classes = logits.shape
    counts = target != ignore_index
    if target.dtype == "int64" and counts.size != counts.sum().item():
        target = ops.where(counts, target, 0)
    target = whole_numbers(who, target, logits, classes, "label")
    xp = namespace_of([logits.data])
    hot = xp.reshape(target.data, (n, 1)) == xp.arange(0, classes)
    hot = xp.astype(hot, logits.dtype) * xp.astype(
        xp.reshape(counts.data, (n, 1)), logits.dtype
    )
    return make(hot), float(counts.sum().item())


def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor:
    """(input - target)², its mean, or its sum. The shapes must be equal: a target (N,)
    beside an input (N, 1) would broadcast to (N, N) in silence.

    >>> mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
    Tensor(2.0, float64)
    """
    check_reduction("mse_loss", reduction)
    y = constant(target, input)
    if y is None or y.shape != input.shape:
        given = type(target).__name__ if y is None else f"shape {y.shape}"
        raise ValueError(
            f"mse_loss: a target of {given} given for an input of shape {input.shape}; "
            "they must be equal"
        )
    difference = floats_of(input) - y
    squares: Tensor = difference * difference
    if reduction == "mean":
        return squares.mean()
    return squares.sum() if reduction == "sum" else squares


def check_reduction(who: str, reduction: str) -> None:
    """Refuses what is no reduction."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(
            f"{who}: reduction={reduction!r} given; it must be 'mean', 'sum' or 'none'"
        )


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
    axis = last_axes("layer_norm", x, normalized_shape, weight=weight, bias=bias)
    x = floats_of(x)
    return apply(composites.layer_norm, x, weight, bias, axis=axis, eps=float(eps))


def last_axes(
    who: str, x: Tensor, normalized_shape: Any, **affine: Tensor | None
) -> tuple[int, ...]:
    """The axes of x that normalized_shape names, once all sizes are checked."""
    size = normalized_shape
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
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
    if eps is None:
        eps = 2.0**-23 if x.dtype == "float32" else 2.0**-52
    return apply(composites.rms_norm, x, weight, axis=axis, eps=float(eps))


def sigmoid(x: Tensor) -> Tensor:
    """1/(1 + e⁻ˣ), element by element: from 0 to 1.

    >>> sigmoid(Tensor([0.0]))
    Tensor([0.5000], float64)
    """
    return apply(activations.sigmoid, floats_of(x))


def silu(x: Tensor) -> Tensor:
    """x σ(x), element by element, σ the sigmoid (Elfwing et al. 2017).

    >>> silu(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(activations.silu, floats_of(x))


def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ), element by element: a smooth max(x, 0).

    >>> softplus(Tensor([0.0])).item() == math.log(2.0)
    True
    """
    return apply(activations.softplus, floats_of(x))


def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else negative_slope · x, element by element.

    >>> leaky_relu(Tensor([-1.0, 2.0]), 0.5)
    Tensor([-0.5000, 2.0000], float64)
    """
    return apply(activations.leaky_relu, floats_of(x), slope=float(negative_slope))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(Q Kᵀ / √d_k) V (Vaswani et al. 2017, equation 1): a soft look-up.

    Args:
        query: (..., T, d_k), what each position asks.
        key: (..., S, d_k), what each position offers to be found by.
        value: (..., S, d_v), what is fetched.
        attn_mask: boolean, broadcasting to (..., T, S); **True = may be attended to**.
            A row that may attend to nothing yields zeros.
        dropout_p: the probability with which a weight is dropped (whenever it is > 0).
        is_causal: position i may attend to positions up to i only.
        scale: what the energies are multiplied by; 1/√d_k by default.

    Returns:
        (..., T, d_v).

    >>> k, v = Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[10.0], [20.0]])
    >>> scaled_dot_product_attention(Tensor([[100.0, 0.0]]), k, v)     # asks for key 0
    Tensor([[10.0]], float64)
    """
    z, _ = attention_with_weights(
        query, key, value, attn_mask, dropout_p, is_causal, scale, want_weights=False
    )
    return z


def attention_with_weights(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    want_weights: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """`scaled_dot_product_attention` and its weights (..., T, S), before dropout.

    To have the weights, the composite is opened: its steps are recorded one by one, and
    the weights are the tensor that its softmax (and mask) made, gradients included.
    """
    who = "scaled_dot_product_attention"
    q, k, v = query.shape, key.shape, value.shape
    if min(len(q), len(k), len(v)) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        raise ValueError(
            f"{who}: query {q}, key {k} and value {v} given; they must be "
            "(..., T, d_k), (..., S, d_k) and (..., S, d_v)"
        )
    try:
        batch = broadcast_shapes(q[:-2], k[:-2], v[:-2])
    except ValueError as error:
        raise ValueError(f"{who}: leading {error}") from None
    energies = (*batch, q[-2], k[-2])
    if is_causal:
        causal = causal_mask(q[-2], k[-2], like=query)
        attn_mask = causal if attn_mask is None else both(attn_mask, causal)
    if attn_mask is not None:
        check_mask(who, attn_mask, energies)
    keep = keep_mask(who, energies, dropout_p, query)
    attention = composites.scaled_dot_product_attention
    inputs = (query, key, value, attn_mask, keep)
    settings = {
        "scale": 1.0 / math.sqrt(q[-1]) if scale is None else float(scale),
        "p": float(dropout_p),
    }
    if not want_weights:
        return apply(attention, *inputs, **settings), None
    z, (weights, _) = recording.in_scope(
        attention, attention.forward, ops, *inputs, **settings
    )
    return z, weights


def check_mask(who: str, mask: Any, energies: tuple[int, ...]) -> None:
    """A mask is a boolean Tensor that broadcasts to the energies (..., T, S)."""
    if not isinstance(mask, Tensor) or mask.dtype != "bool":
        kind = getattr(mask, "dtype", type(mask).__name__)
        raise TypeError(
            f"{who}: attn_mask of {kind} given; it must be a Tensor of bool, True = "
            "may be attended to"
        )
    try:
        fits = broadcast_shapes(mask.shape, energies) == energies
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{who}: attn_mask of shape {mask.shape} given; it must broadcast to the "
            f"energies' shape {energies}"
        )


def causal_mask(t: int, s: int | None = None, like: Tensor | None = None) -> Tensor:
    """(T, S), true where S-position j ≤ T-position i: no look at what comes later.

    >>> causal_mask(3)
    Tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]], bool)
    """
    xp = current_backend().xp if like is None else namespace_of([like.data])
    queries = xp.reshape(xp.arange(0, t), (t, 1))
    return make(queries >= xp.arange(0, t if s is None else s))


def both(x: Tensor, y: Tensor) -> Tensor:
    """Two masks in one: true where both are."""
    return ops.where(x, y, False)
