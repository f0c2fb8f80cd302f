"""PyTorch's `nn.utils`: clipping, under its name there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.torch_names.instead import advice

from .optim.clipping import clip_grad_norm


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = True,
) -> Tensor:
    """Scales all gradients by one factor, so that their norm is at most max_norm; see
    `nn.optim.clip_grad_norm`, which also refuses a norm of inf or nan.

    Returns:
        The norm before; 0 where nothing has a gradient.
    """
    if norm_type != 2.0:
        raise ValueError(
            f"clip_grad_norm_: norm_type={norm_type} given; it must be 2, the length"
        )
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if all(p.grad is None for p in given):
        return Tensor(0.0)
    return Tensor(clip_grad_norm(given, max_norm))


def __getattr__(name: str) -> Any:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("nn.utils", name, ["clip_grad_norm_"]))
