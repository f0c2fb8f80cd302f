"""The transformer's encoder: feed-forward, encoder layer, a stack of them.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 and 3.3.
"""

from __future__ import annotations

import copy
from typing import Any

from tinygrad_attn import Tensor, functional

from ..containers import ModuleList
from ..layers import Dropout, LayerNorm, Linear, init_xavier, positive
from ..module import Module
from .multi_head import MultiHeadAttention


class FeedForward(Module):
    """max(0, x W₁ + b₁) W₂ + b₂, at every position alike (section 3.3, equation 2).

    Args:
        d_model: the width of input and output.
        d_ff: the width in between.
        dropout: the probability to drop an inner element in training.
        activation: "relu" (the paper) or "gelu".
        bias: whether there are b₁ and b₂.

    >>> from tinygrad_attn import randn
    >>> FeedForward(4, 16)(randn(2, 7, 4)).shape
    (2, 7, 4)
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        dropout: float = 0.0,
        activation: str = "relu",
        bias: bool = True,
    ) -> None:
        positive("FeedForward", d_model=d_model, d_ff=d_ff)
        activations = {"relu": functional.relu, "gelu": functional.gelu}
        if not isinstance(activation, str) or activation not in activations:
            raise ValueError(
                f"FeedForward: activation={activation!r} given; it must be one of "
                f"{', '.join(activations)}"
            )
        self.linear1 = Linear(d_model, d_ff, bias)
        self.linear2 = Linear(d_ff, d_model, bias)
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
        dropout: the probability, in training, to drop an element of what a sublayer
            hands to its residual connection (section 5.4).
        activation: "relu" or "gelu".
        norm_first: pre-norm instead of the paper's post-norm.
        layer_norm_eps: the ε of the norms.
        bias: whether linear layers and norms have one.
        inner_dropout: the same for attention weights and inside the feed-forward. The
            paper has none there (0.0); by default it is `dropout`, as in PyTorch.

    >>> from tinygrad_attn import randn
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
        layer_norm_eps: float = 1e-5,
        bias: bool = True,
        inner_dropout: float | None = None,
    ) -> None:
        inner = dropout if inner_dropout is None else inner_dropout
        self.self_attn = MultiHeadAttention(d_model, num_heads, inner, bias)
        self.feed_forward = FeedForward(d_model, d_ff, inner, activation, bias)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.norm_first = norm_first

    def forward(
        self,
        x: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """(B, S, d_model) → the same.

        Args:
            src_mask, src_key_padding_mask, is_causal: as in MultiHeadAttention.
        """
        z, _ = self.forward_with_weights(
            x, src_mask, False, src_key_padding_mask, is_causal
        )
        return z

    def forward_with_weights(
        self,
        x: Tensor,
        src_mask: Tensor | None = None,
        need_weights: bool = True,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """`forward`, and the attention weights (B, H, S, S)."""
        # x is (B, S, d_model), and so is every line up to the return
        inner = self.norm1(x) if self.norm_first else x
        z, weights = self.self_attn(
            inner,
            attn_mask=src_mask,
            key_padding_mask=src_key_padding_mask,
            is_causal=is_causal,
            need_weights=need_weights,
            mask_names=("src_mask", "src_key_padding_mask"),
        )
        x = x + self.dropout1(z)
        x = x if self.norm_first else self.norm1(x)
        inner = self.norm2(x) if self.norm_first else x
        x = x + self.dropout2(self.feed_forward(inner))
        return x if self.norm_first else self.norm2(x), weights

    def extra_repr(self) -> str:
        return "pre-norm" if self.norm_first else "post-norm"


class TransformerEncoder(Module):
    """Layer after layer, and at the end a norm, if there is one (section 3.1).

        x = layer_N(... layer_1(src)),  then norm(x)

    Args:
        encoder_layer: what is copied; any Module that is called as
            TransformerEncoderLayer is. It stays outside itself.
        num_layers: N. Copies that began alike would learn alike, so each one's linear
            layers are initialised anew (`init_xavier`).
        norm: applied to the result; belongs to pre-norm layers (the paper has none).

    >>> from tinygrad_attn import randn
    >>> layer = TransformerEncoderLayer(8, 2, d_ff=16)
    >>> TransformerEncoder(layer, num_layers=2)(randn(1, 5, 8)).shape
    (1, 5, 8)
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None
    ) -> None:
        self.layers = copies("TransformerEncoder", encoder_layer, num_layers)
        self.norm = checked_norm("TransformerEncoder", norm)

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """src (B, S, d_model) → the memory (B, S, d_model).

        Args:
            mask: boolean (S, S), (B, S, S) or (B, H, S, S); True = may attend.
            src_key_padding_mask: boolean (B, S), True = a token, False = padding.
            is_causal: position i attends to positions up to i only.
        """
        x = src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, is_causal)  # (B, S, d_model)
        return x if self.norm is None else self.norm(x)


def copies(who: str, layer: Any, num_layers: int) -> ModuleList:
    """Copies of a layer, each with initial weights of its own."""
    positive(who, num_layers=num_layers)
    if not isinstance(layer, Module):
        raise TypeError(f"{who}: a {type(layer).__name__} given; it takes a layer")
    layers = ModuleList(copy.deepcopy(layer) for _ in range(num_layers))
    init_xavier(layers)
    return layers


def checked_norm(who: str, norm: Any) -> Module | None:
    """The norm at a stack's end, or None."""
    if norm is None or isinstance(norm, Module):
        return norm
    raise TypeError(
        f"{who}: norm={norm!r} given; it must be a Module, such as LayerNorm, or None"
    )
