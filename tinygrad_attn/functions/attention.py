"""Attention as a function of Tensors: its checks and its masks.

The mathematics stands in rules/composites.py, the layers in nn/transformer/.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from ..arrays.backends import current_backend, namespace_of
from ..arrays.shapes import broadcast_shapes
from ..autograd.recording import Recorded, apply, make_here, step_by_step
from ..context import context
from ..errors import check_flags, check_number
from ..rules import activations as rules
from ..rules import comparisons, composites
from .activations import keep_mask, softmax
from .elementwise import where
from .movement import reshape
from .operands import Tensor, checked, floats_together, home, is_float, tensor
from .products import matmul
from .reductions import max
from .shaping import matrix_transpose
from .spelling import in_memory

__all__ = ["causal_mask", "padding_mask", "scaled_dot_product_attention"]


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
            A row that may attend to nothing yields zeros. Or floats, which are added to
            the energies (a bias; -inf = may not): they may require a gradient.
        dropout_p: the probability with which a weight is dropped (whenever it is > 0).
        is_causal: position i may attend to positions up to i only.
        scale: the factor of the energies; 1/√d_k by default.

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
    start: int = 0,
) -> tuple[Tensor, Tensor | None]:
    """`scaled_dot_product_attention` and its weights (..., T, S), before dropout.
    `start` is the first query's position among the keys, for `is_causal`.

    To have the weights, the composite is opened: its steps are recorded one by one, and
    the weights are the tensor that its softmax (and mask) made, gradients included.
    """
    who = "scaled_dot_product_attention"
    check_flags(who, is_causal=is_causal)
    q, k, v = (tensor(who, t).shape for t in (query, key, value))
    if min(len(q), len(k), len(v)) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        raise ValueError(
            f"{who}: query {q}, key {k} and value {v} given; they must be "
            "(..., T, d_k), (..., S, d_k) and (..., S, d_v)"
        )
    try:
        batch = broadcast_shapes(q[:-2], k[:-2], v[:-2])
    except ValueError as error:
        raise ValueError(f"{who}: leading {error}") from error
    query, key, value = floats_together(who, query, key, value)
    energies = (*batch, q[-2], k[-2])
    given = attn_mask is not None
    added = None
    if attn_mask is not None:
        check_mask(who, attn_mask, energies, floats=True)
        if is_float(attn_mask):
            added, attn_mask = attn_mask, attn_mask != -math.inf
            added = where(attn_mask, added, 0.0)
    if is_causal:
        causal = make_here(not_later(home(query), q[-2], k[-2], start))
        attn_mask = causal if attn_mask is None else both(attn_mask, causal)
    if scale is not None:
        check_number(who, "scale", scale)
    elif not q[-1]:
        raise ValueError(f"{who}: query {q} given; d_k is 0, so 1/√d_k is no scale")
    if 0 in energies:  # no query or no key: a sum of nothing is 0
        weights = matmul(query, matrix_transpose(key))
        return matmul(weights, value), weights
    keep = keep_mask(who, energies, dropout_p, query)
    attention = composites.scaled_dot_product_attention
    seeing = None  # by a causal mask alone each query sees the first key
    if given and attn_mask is not None:
        attn_mask, seeing = rows_that_see(attn_mask)
    inputs = (query, key, value, attn_mask, seeing, keep)
    settings: dict[str, Any] = {
        "scale": 1.0 / math.sqrt(q[-1]) if scale is None else float(scale),
        "p": float(dropout_p),
    }
    if added is not None:
        return biased(added, *inputs, **settings)
    if not want_weights:
        return apply(attention, *inputs, **settings), None
    z, (weights, _) = step_by_step(attention, *inputs, **settings)
    return z, weights


def biased(
    added: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Any,
    seeing: Any,
    keep: Any,
    *,
    scale: float,
    p: float,
) -> tuple[Tensor, Tensor]:
    """softmax(Q Kᵀ · scale + added) V and its weights, step by step: the composite adds
    nothing."""
    energies = matmul(query, matrix_transpose(key)) * scale + added  # (..., T, S)
    masked = where(attn_mask, energies, -math.inf)
    if seeing is None:
        weights = softmax(masked)
    else:
        filled = where(seeing, masked, 0.0)
        weights = where(seeing, softmax(filled), 0.0)
    kept = weights if keep is None else apply(rules.dropout, weights, keep, p=p)
    return matmul(kept, value), weights  # (..., T, d_v)


def check_mask(
    who: str,
    mask: Any,
    energies: tuple[int, ...],
    name: str = "attn_mask",
    floats: bool = False,
) -> None:
    """A mask is a Tensor of bools, or, where `floats` are allowed, of these, and
    broadcasts to the energies (..., T, S)."""
    check_kind(who, mask, name, floats)
    try:
        fits = broadcast_shapes(mask.shape, energies) == energies
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{who}: {name} of shape {mask.shape} given; it must broadcast to the "
            f"energies' shape {energies}"
        )


def check_kind(who: str, mask: Any, name: str, floats: bool) -> None:
    """Refuses a mask that is no Tensor of bools, nor, where allowed, of floats."""
    kind = mask.dtype if isinstance(mask, Recorded) else type(mask).__name__
    if not isinstance(mask, Recorded) or not (
        kind == "bool" or (floats and is_float(mask))
    ):
        also = ", or of floats, which are added to the energies" if floats else ""
        raise TypeError(
            f"{who}: {name} of {kind} given; it must be a Tensor of bool, True = "
            f"may be attended to{also}"
        )


def rows_that_see(mask: Tensor) -> tuple[Tensor, Tensor | None]:
    """The mask, and (..., T, 1), true for a query that may attend to something; None if
    each may. While a program is written nobody knows, and there is no None."""
    t = reshape(mask, 1) if not mask.shape else mask
    seeing = max(t, axis=-1, keepdims=True)
    if context.now.writer is None:
        xp = namespace_of([seeing.array])
        if not xp.max(seeing.array == False, axis=None).tolist():  # noqa: E712
            return checked(comparisons.each_row_sees, t, says=SEES), None
    return mask, seeing


SEES = (
    "attention: a query may attend to nothing, and the graph was recorded with masks "
    "that let each attend to something; record it with such a mask, or write a function"
)


@in_memory
def causal_mask(
    t: int, s: int | None = None, like: Recorded | None = None, start: int = 0
) -> Any:
    """(T, S), true where S-position j ≤ T-position i: no look at later positions.

    Args:
        t: T, how many queries; their positions are start, start + 1, ...
        s: S, how many keys, from position 0 on; T by default.
        like: a Tensor of the backend to make it on; by default the current one.
        start: the position of the first query.

    >>> causal_mask(3)
    Tensor([[ True, False, False],
            [ True,  True, False],
            [ True,  True,  True]], bool)
    """
    check_number("causal_mask", "t", t, 0, whole=True)
    if s is not None:
        check_number("causal_mask", "s", s, 0, whole=True)
    check_number("causal_mask", "start", start, whole=True)
    if like is None:
        xp = current_backend().xp
    else:
        xp = home(tensor("causal_mask", like))
    return make_here(not_later(xp, t, t if s is None else s, start))


def not_later(xp: Any, t: int, s: int, start: int) -> Any:
    """The array of a causal mask. Each layer asks for the same one: the last few are
    kept. (Names are of one program alone, and are not.)"""
    ask = triangle if context.now.writer is None else triangle.__wrapped__
    return ask(xp, t, s, start)


@lru_cache(maxsize=8)
def triangle(xp: Any, t: int, s: int, start: int) -> Any:
    """(T, S), true on the diagonal and below it; moved to the right by start."""
    queries = xp.reshape(xp.arange(start, start + t), (t, 1))
    return queries >= xp.arange(0, s)


def padding_mask(tokens: Tensor, pad: int = 0) -> Tensor:
    """(B, S), true where tokens (B, S) are not `pad`: these may be attended to.

    >>> padding_mask(Tensor([[5, 7, 0], [6, 0, 0]]))
    Tensor([[ True,  True, False],
            [ True, False, False]], bool)
    """
    if not isinstance(tokens, Recorded) or tokens.dtype != "int64":
        kind = tokens.dtype if isinstance(tokens, Recorded) else type(tokens).__name__
        raise TypeError(
            f"padding_mask: tokens of {kind} given; they must be a Tensor of int64"
        )
    check_number("padding_mask", "pad", pad, whole=True)
    return tokens != int(pad)


def both(x: Tensor, y: Tensor) -> Tensor:
    """Two masks in one: true where both are. Of two of floats the sum; beside one, what
    is false is -inf."""
    if is_float(x) and is_float(y):
        return x + y
    if is_float(y):
        x, y = y, x
    return where(y, x, -math.inf) if is_float(x) else where(x, y, False)
