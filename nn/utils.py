"""PyTorch's `nn.utils`: clipping, under its name there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.errors import check_flags, check_number, say
from tinygrad_attn.torch_names.instead import advice
from tinygrad_attn.torch_names.keywords import pytorchs

from .optim.clipping import clip_grad_norm

LARGEST, TINY = sys.float_info.max, sys.float_info.min


@pytorchs
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = True,
) -> Tensor:
    """Scales all gradients by one factor, so that their norm is at most max_norm; see
    `nn.optim.clip_grad_norm`, which also refuses a norm of inf or nan. As in PyTorch
    the factor is max_norm / (norm + 10⁻⁶).

    Returns:
        The norm before; 0 where nothing has a gradient.
    """
    check_flags("clip_grad_norm_", error_if_nonfinite=error_if_nonfinite)
    if norm_type != 2.0:
        raise ValueError(
            f"clip_grad_norm_: norm_type={norm_type} given; it must be 2, the length"
        )
    given = several("clip_grad_norm_", parameters)
    if all(p.grad is None for p in given):
        return Tensor(0.0)
    norm = clip_grad_norm(given, LARGEST)  # scales nothing
    check_number("clip_grad_norm_", "max_norm", max_norm, 0.0)
    clip_grad_norm(given, norm * min(1.0, max_norm / (norm + 1e-6)) or TINY)
    return Tensor(norm)


def several(who: str, given: Any) -> list[Tensor]:
    """A Tensor, or several, as a list."""
    found = [given] if isinstance(given, Tensor) else given
    found = list(found) if isinstance(found, Iterable) else [None]
    for p in found:
        if not isinstance(p, Tensor):
            raise TypeError(
                f"{who}: {say(given)} given; it takes a Tensor or several, such as "
                "model.parameters()"
            )
    return found


@pytorchs
def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Brings each number of each gradient between -clip_value and clip_value."""
    check_number("clip_grad_value_", "clip_value", clip_value, 0.0)
    for p in several("clip_grad_value_", parameters):
        if p.grad is not None:
            p.grad = p.grad.clip(-clip_value, clip_value)


def __getattr__(name: str) -> Any:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("nn.utils", name, [*globals()]))
