"""Clipping: a bound on the length of a step, against exploding gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tinygrad_attn import Tensor
from tinygrad_attn.errors import check_number
from tinygrad_attn.torch_names.keywords import pytorchs

from .groups import list_parameters, place_of


@pytorchs
def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Scales all gradients by one factor, so that their norm √Σg² is at most max_norm.

    Their common direction stays the same (Pascanu et al. 2013, algorithm 1).

    Returns:
        The norm before.

    Raises:
        ValueError: there are no parameters.
        RuntimeError: none of them has a gradient, or the norm is inf or nan, which no
            factor would mend. The gradients stay as they are.

    >>> from nn import Parameter
    >>> w = Parameter([1.0])
    >>> (w * 8.0).sum().backward()
    >>> clip_grad_norm([w], 2.0), w.grad
    (8.0, Tensor([2.0], float64))
    """
    who = "clip_grad_norm"
    check_number(who, "max_norm", max_norm, 0.0, open_low=True)
    found, names = list_parameters(who, parameters)
    gradients = {p: p.grad for p in found if p.grad is not None}  # each once
    if not gradients:
        raise RuntimeError(
            f"{who}: no parameter of {len(found)} has a gradient; call backward() first"
        )
    norm = _norm(list(gradients.values()))
    if not math.isfinite(norm):
        group = {"params": found, "param_names": names}
        bad = [
            place_of(group, i)
            for i, p in enumerate(found)
            if p.grad is not None and not math.isfinite(_norm([p.grad]))
        ]
        where = f" because of {bad[0].rstrip(',')}" if bad else ""
        raise RuntimeError(
            f"{who}: the norm is {norm}{where}; the gradients must be finite (debug() "
            "finds the operation that made them)"
        )
    if norm > max_norm:
        for p, g in gradients.items():
            p.grad = g * (float(max_norm) / norm)
    return norm


def _norm(gradients: list[Tensor]) -> float:
    """√Σg² in float64. If the squares are too large, max|g| · √Σ(g / max|g|)²."""
    wide = [g.detach().astype("float64") for g in gradients]
    total: float = sum((g * g).sum().item() for g in wide)
    if total < math.inf:
        return math.sqrt(total)
    largest: float = max(g.abs().max().item() for g in wide if g.size)
    if not largest < math.inf:
        return largest
    scaled = [g / largest for g in wide]
    return largest * math.sqrt(sum((g * g).sum().item() for g in scaled))
