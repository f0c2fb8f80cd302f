"""The composites as functions of Tensors, with PyTorch's names, arguments and defaults.

`composites.py` has the mathematics. Here stands what a user's call needs besides:
checks that answer a wrong shape in one sentence, and the masks that are inputs of a
rule (which class is the target, which weight is dropped, who may attend to whom).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import composites, creation, movement, ops, recording
from .backends import current_backend, namespace_of
from .recording import apply
from .shapes import broadcast_shapes, one_axis
from .tensor import Tensor, make


def relu(x: Tensor) -> Tensor:
    """max(x, 0), element by element; its derivative at 0 is 0.

    >>> relu(Tensor([-1.0, 2.0]))
    Tensor([0.0, 2.0], float64)
    """
    return apply(composites.relu, x)


def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), element by element, Φ the normal distribution (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" for the exact function, "tanh" for the approximation by
            tanh.
    """
    forms = {"none": composites.gelu, "tanh": composites.gelu_tanh}
    if approximate not in forms:
        raise ValueError(
            f"gelu: approximate={approximate!r} given; it must be 'none' or 'tanh'"
        )
    return apply(forms[approximate], x)


def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element set to 0 with probability p, the others divided by 1 - p.

    Srivastava et al. 2014. Which ones is drawn anew at every call, from `manual_seed`.
    Without `training` it is x itself.
    """
    keep = keep_mask("dropout", x.shape, p, x) if training else None
    return x if keep is None else apply(composites.dropout, x, keep, p=p)


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
    return apply(composites.softmax, x, axis=_axis("softmax", axis, x))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along an axis, computed as x - ln Σ exp(x)."""
    return apply(composites.log_softmax, x, axis=_axis("log_softmax", axis, x))


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-1/N Σₙ ln softmax(logitsₙ)[targetₙ], in nats: the mean surprise at the targets.

    Args:
        logits: (N, C), any real numbers; no softmax before this.
        target: (N,) integers in 0..C-1.

    Returns:
        A scalar. 0 is certainty; ln C is a guess among all classes alike.

    Raises:
        ValueError: the shapes do not fit.
        TypeError, IndexError: a target is no integer, or no class.

    >>> cross_entropy(Tensor([[0.0, 0.0]]), Tensor([1])).item() == math.log(2.0)
    True
    """
    if logits.ndim != 2 or logits.shape[0] == 0:
        raise ValueError(
            f"cross_entropy: logits of shape {logits.shape} given; they must be "
            "(N, C), one row for each target"
        )
    n, classes = logits.shape
    target = ops.whole_numbers("cross_entropy", target, logits, classes, "label")
    if target.shape != (n,):
        raise ValueError(
            f"cross_entropy: target of shape {target.shape} given for logits of shape "
            f"{logits.shape}; it must be ({n},), one class for each row"
        )
    xp = namespace_of([logits.data])
    is_target = xp.reshape(target.data, (n, 1)) == xp.arange(0, classes)
    return apply(composites.cross_entropy, logits, make(is_target))


def embedding(indices: Tensor, weight: Tensor) -> Tensor:
    """Row i of weight for each i in indices: (*I) and (n, d) → (*I, d)."""
    indices = ops.whole_numbers("embedding", indices, weight, weight.shape[0], "token")
    return apply(movement.take, weight, indices)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b, (..., d_in) → (..., d_out); W is (d_out, d_in), b (d_out,)."""
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
    """
    size = normalized_shape
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"layer_norm: input of shape {x.shape} given; its last sizes must be "
            f"{shape}"
        )
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != shape:
            raise ValueError(
                f"layer_norm: {what} of shape {t.shape} given; it must be {shape}"
            )
    axis = tuple(range(x.ndim - len(shape), x.ndim))
    return apply(composites.layer_norm, x, weight, bias, axis=axis, eps=float(eps))


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


def _axis(who: str, axis: int, x: Tensor) -> int:
    try:
        return one_axis(axis, x.ndim)
    except (IndexError, TypeError) as error:
        raise type(error)(f"{who}: {error}") from None
