"""The transformer's blocks: positions, feed-forward, encoder layer.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.1, 3.3 and 3.5.
"""

from __future__ import annotations

import math

from tinygrad_attn import Tensor, functional, randn
from tinygrad_attn.errors import check_number

from .attention import MultiHeadAttention
from .layers import Dropout, LayerNorm, Linear, check_sequence, positive
from .module import Module, Parameter


class LearnedPositions(Module):
    """x + P[:T], a learned vector for each position: (..., T, d) → (..., T, d).

    Attention sees a set: without this, no position could be told from another.

    Args:
        max_len: the longest sequence.
        d_model: d.
        std: the standard deviation of the initial weights.

    Parameters: weight (max_len, d), normal.

    >>> LearnedPositions(10, 4)(randn(2, 7, 4)).shape
    (2, 7, 4)
    """

    def __init__(self, max_len: int, d_model: int, std: float = 1.0) -> None:
        positive("LearnedPositions", max_len=max_len, d_model=d_model)
        check_number("LearnedPositions", "std", std, 0.0)
        self.weight = Parameter(randn(max_len, d_model) * std)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight[: check_length(self, x, self.weight)]

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]} positions"


class SinusoidalPositions(Module):
    """x + P[:T] with fixed waves (section 3.5): (..., T, d) → (..., T, d).

        P[t, 2i] = sin(t / 10000^(2i/d))        P[t, 2i+1] = cos(t / 10000^(2i/d))

    The wavelengths run from 2π to 10000·2π; P[t + k] is a rotation of P[t].

    Args:
        max_len: the longest sequence.
        d_model: d.

    >>> SinusoidalPositions(10, 2)(Tensor([[0.0, 0.0]]))          # sin 0, cos 0
    Tensor([[0.0, 1.0]], float64)
    """

    def __init__(self, max_len: int, d_model: int) -> None:
        positive("SinusoidalPositions", max_len=max_len, d_model=d_model)
        angles = [
            [t / 10000.0 ** (i // 2 * 2 / d_model) for i in range(d_model)]
            for t in range(max_len)
        ]
        self.waves = Tensor(
            [
                [math.cos(a) if i % 2 else math.sin(a) for i, a in enumerate(row)]
                for row in angles
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.waves[: check_length(self, x, self.waves)]

    def extra_repr(self) -> str:
        return f"{self.waves.shape[0]} positions"


def check_length(module: Module, x: Tensor, positions: Tensor) -> int:
    """The length T of x (..., T, d), or an error if it does not fit the positions."""
    who, (max_len, d_model) = type(module).__name__, positions.shape
    check_sequence(who, "x", x, d_model)
    if x.shape[-2] > max_len:
        raise ValueError(
            f"{who}: input of shape {x.shape} given; it must be (..., T, "
            f"{d_model}) with T up to {max_len}"
        )
    return x.shape[-2]


class FeedForward(Module):
    """max(0, x W₁ + b₁) W₂ + b₂, at every position alike (section 3.3, equation 2).

    Args:
        d_model: the width of input and output.
        d_ff: the width in between.
        dropout: the probability to drop an inner element in training.
        activation: "relu" (the paper) or "gelu".

    >>> FeedForward(4, 16)(randn(2, 7, 4)).shape
    (2, 7, 4)
    """

    def __init__(
        self, d_model: int, d_ff: int, dropout: float = 0.0, activation: str = "relu"
    ) -> None:
        positive("FeedForward", d_model=d_model, d_ff=d_ff)
        activations = {"relu": functional.relu, "gelu": functional.gelu}
        if not isinstance(activation, str) or activation not in activations:
            raise ValueError(
                f"FeedForward: activation={activation!r} given; it must be one of "
                f"{', '.join(activations)}"
            )
        self.linear1 = Linear(d_model, d_ff)
        self.linear2 = Linear(d_ff, d_model)
        self.dropout = Dropout(dropout)
        self.activation = activations[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]


class TransformerEncoderLayer(Module):
    """Self-attention, then feed-forward, each with a residual connection and a norm.

        norm_first=False, the paper:  x = norm(x + sublayer(x))
        norm_first=True, pre-norm:    x = x + sublayer(norm(x))

    In the pre-norm form the residual path from the loss to the embeddings is the
    identity, so gradients arrive at full size and training needs less warm-up; a final
    norm after the last layer belongs to it (Xiong et al. 2020).

    Args:
        d_model: the width throughout.
        num_heads: attention heads; must divide d_model.
        d_ff: the inner width of the feed-forward.
        dropout: the probability of dropout after each sublayer, on the attention
            weights and inside the feed-forward, in training.
        activation: "relu" or "gelu".
        norm_first: pre-norm instead of the paper's post-norm.

    >>> TransformerEncoderLayer(8, 2, d_ff=16)(randn(1, 5, 8)).shape
    (1, 5, 8)
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        norm_first: bool = False,
    ) -> None:
        self.self_attn = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model)
        self.norm2 = LayerNorm(d_model)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x: Tensor, src_mask: Tensor | None = None) -> Tensor:
        """(B, T, d_model) → the same; src_mask is MultiHeadAttention's attn_mask."""
        z, _ = self.forward_with_weights(x, src_mask, need_weights=False)
        return z

    def forward_with_weights(
        self, x: Tensor, src_mask: Tensor | None = None, need_weights: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """`forward`, and the attention weights (B, H, T, T)."""
        inner = self.norm1(x) if self.norm_first else x
        z, weights = self.self_attn(
            inner, attn_mask=src_mask, need_weights=need_weights
        )
        x = x + self.dropout1(z)
        x = x if self.norm_first else self.norm1(x)
        inner = self.norm2(x) if self.norm_first else x
        x = x + self.dropout2(self.feed_forward(inner))
        return x if self.norm_first else self.norm2(x), weights

    def extra_repr(self) -> str:
        return "pre-norm" if self.norm_first else "post-norm"
