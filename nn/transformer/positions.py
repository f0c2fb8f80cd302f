"""Positions: they tell "dog bites man" from "man bites dog".

Attention alone ignores order: shuffle the keys together with their values, and its
output is the same. So each position adds its own vector to the embedding there. The
vectors are learned, or fixed waves.

Vaswani et al. 2017, "Attention Is All You Need", section 3.5.
"""

from __future__ import annotations

from tinygrad_attn import Tensor, arange, ops, stack
from tinygrad_attn.arrays.backends import current_backend
from tinygrad_attn.errors import check_number

from ..layers import check_positive, check_sequence, normal
from ..module import Module


class LearnedPositions(Module):
    """x + P[:T], a learned vector for each position: (..., T, d) → (..., T, d).

    Args:
        max_len: the longest sequence.
        d_model: d.
        std: the standard deviation of the initial weights.

    Parameters: weight (max_len, d), normal.

    >>> from tinygrad_attn import randn
    >>> LearnedPositions(10, 4)(randn(2, 7, 4)).shape
    (2, 7, 4)
    """

    def __init__(self, max_len: int, d_model: int, std: float = 1.0) -> None:
        check_positive("LearnedPositions", max_len=max_len, d_model=d_model)
        check_number("LearnedPositions", "std", std, 0.0)
        self.weight = normal(max_len, d_model, std=std)

    def forward(self, x: Tensor, start: int | Tensor = 0) -> Tensor:
        """x (..., T, d) → the same; its positions are start, start + 1, ...

        Args:
            start: an integer; or, for a single position, one as a Tensor.
        """
        return x + rows_from(self, x, self.weight, start)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]} positions"


class SinusoidalPositions(Module):
    """x + P[:T] with fixed waves (section 3.5): (..., T, d) → (..., T, d).

        P[t, 2i] = sin(t / 10000^(2i/d))        P[t, 2i+1] = cos(t / 10000^(2i/d))

    The wavelengths run from 2π to nearly 10000·2π. P[t + k] is P[t] with each pair
    (sin, cos) turned by the angle k / 10000^(2i/d).

    Args:
        max_len: the longest sequence.
        d_model: d.

    Buffer: waves (max_len, d), computed anew and so not saved.

    >>> SinusoidalPositions(10, 2)(Tensor([[0.0, 0.0]]))          # sin 0, cos 0
    Tensor([[0.0, 1.0]], float64)
    """

    waves: Tensor

    def __init__(self, max_len: int, d_model: int) -> None:
        check_positive("SinusoidalPositions", max_len=max_len, d_model=d_model)
        rates = [10000.0 ** (-i / d_model) for i in range(0, d_model, 2)]
        times = arange(max_len, dtype="float64").reshape(max_len, 1)
        angles = times * Tensor(rates, dtype="float64")  # (max_len, d/2)
        pairs = stack([angles.sin(), angles.cos()], axis=-1)  # (max_len, d/2, 2)
        waves = pairs.reshape(max_len, 2 * len(rates))[:, :d_model]
        waves = waves.astype(current_backend().dtype)  # (max_len, d)
        self.register_buffer("waves", waves, persistent=False)

    def forward(self, x: Tensor, start: int | Tensor = 0) -> Tensor:
        """x (..., T, d) → the same; `start` is as in LearnedPositions."""
        return x + rows_from(self, x, self.waves, start)

    def extra_repr(self) -> str:
        return f"{self.waves.shape[0]} positions"


def rows_from(
    module: Module, x: Tensor, positions: Tensor, start: int | Tensor
) -> Tensor:
    """The positions (T, d) of x (..., T, d)."""
    if not isinstance(start, Tensor):
        return positions[start : start + check_length(module, x, positions, start)]
    who = type(module).__name__
    if x.shape[-2] != 1 or start.shape or start.dtype != "int64":
        raise ValueError(
            f"{who}: start of shape {start.shape} and {start.dtype} given for an input "
            f"of shape {x.shape}; a Tensor must be an integer of shape (), for one "
            "position (..., 1, d)"
        )
    row: Tensor = ops.take(positions, start.reshape(1))
    return row


def check_length(module: Module, x: Tensor, positions: Tensor, start: int) -> int:
    """The length T of x (..., T, d); refuses an x that does not fit the positions."""
    who, (max_len, d_model) = type(module).__name__, positions.shape
    check_sequence(who, "x", x, d_model)
    check_number(who, "start", start, 0, whole=True)
    if start + x.shape[-2] > max_len:
        at = f" at position {start}" if start else ""
        raise ValueError(
            f"{who}: input of shape {x.shape} given{at}; it must be (..., T, "
            f"{d_model}) with T up to {max_len - start}"
        )
    return x.shape[-2]
