"""The transformer's encoder: a layer with one attention, and a stack of such layers.

Vaswani et al. 2017, "Attention Is All You Need", section 3.1.
"""

from __future__ import annotations

from tinygrad_attn import Tensor

from ..layers import Dropout, LayerNorm
from ..module import Module
from .cache import KeyValueCache
from .multi_head import MultiHeadAttention
from .shared import TransformerLayer, check_norm, copy_layer


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention, then feed-forward, each with a residual connection and a norm.

    Args: those of TransformerLayer (shared.py).

    >>> from tinygrad_attn import randn
    >>> TransformerEncoderLayer(8, 2, d_ff=16)(randn(1, 5, 8)).shape
    (1, 5, 8)
    """

    attentions = ("self_attn",)
    self_attn: MultiHeadAttention
    norm2: LayerNorm
    dropout2: Dropout

    def forward(
        self,
        x: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """(B, S, d_model) → the same.

        Args:
            src_mask, src_key_padding_mask, is_causal, cache: as in MultiHeadAttention.
        """
        z, _ = self.forward_with_weights(
            x, src_mask, False, src_key_padding_mask, is_causal, cache
        )
        return z

    def forward_with_weights(
        self,
        x: Tensor,
        src_mask: Tensor | None = None,
        need_weights: bool = True,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
        cache: KeyValueCache | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """`forward`, and the attention weights (B, H, S, S)."""
        # x is (B, S, d_model), and so is every line up to the return
        z, weights = self.self_attn(
            self.norm_before(self.norm1, x),
            attn_mask=src_mask,
            key_padding_mask=src_key_padding_mask,
            is_causal=is_causal,
            need_weights=need_weights,
            cache=cache,
            mask_names=("src_mask", "src_key_padding_mask"),
        )
        x = self.norm_after(self.norm1, x + self.dropout1(z))
        z = self.feed_forward(self.norm_before(self.norm2, x))
        x = self.norm_after(self.norm2, x + self.dropout2(z))
        return x, weights


class TransformerEncoder(Module):
    """A stack of layers, and a norm after the last, if one is given (section 3.1).

        x = layer_N(... layer_1(src)),  then norm(x)

    Args:
        encoder_layer: the layer to copy, called as TransformerEncoderLayer is. The
            layer passed in is not part of the stack.
        num_layers: N, how many copies; each is initialised anew (`init_xavier`).
        norm: applied to the result; belongs to pre-norm layers (the paper has none).

    >>> from tinygrad_attn import randn
    >>> layer = TransformerEncoderLayer(8, 2, d_ff=16)
    >>> TransformerEncoder(layer, num_layers=2)(randn(1, 5, 8)).shape
    (1, 5, 8)
    """

    def __init__(
        self, encoder_layer: Module, num_layers: int, norm: Module | None = None
    ) -> None:
        self.layers = copy_layer("TransformerEncoder", encoder_layer, num_layers)
        self.norm = check_norm("TransformerEncoder", norm)

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
