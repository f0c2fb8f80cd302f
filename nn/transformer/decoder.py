"""The transformer's decoder: a layer with two attentions, a stack of them.

Writing a sequence, the decoder looks at what is already written (masked self-attention)
and at what the encoder made of the source (cross-attention): there queries come from
here, keys and values from the memory.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 and 3.2.3.
"""

from __future__ import annotations

from tinygrad_attn import Tensor

from ..layers import Dropout, LayerNorm, check_sequence
from ..module import Module
from .cache import DecoderCache, LayerCache
from .encoder import FeedForward, checked_norm, copies
from .multi_head import MultiHeadAttention


class TransformerDecoderLayer(Module):
    """Self-attention, cross-attention, feed-forward, each with a residual connection
    and a norm.

        norm_first=False, the paper:  x = norm(x + sublayer(x))
        norm_first=True, pre-norm:    x = x + sublayer(norm(x))

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
    >>> layer = TransformerDecoderLayer(8, 2, d_ff=16)
    >>> layer(randn(1, 3, 8), memory=randn(1, 5, 8), tgt_is_causal=True).shape
    (1, 3, 8)
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
        self.cross_attn = MultiHeadAttention(d_model, num_heads, inner, bias)
        self.feed_forward = FeedForward(d_model, d_ff, inner, activation, bias)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.norm_first = norm_first

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        cache: LayerCache | None = None,
    ) -> Tensor:
        """tgt (B, T, d_model) and memory (B, S, d_model) → (B, T, d_model).

        Args:
            tgt_mask: boolean (T, T), (B, T, T) or (B, H, T, T); True = may attend.
            memory_mask: boolean (T, S), (B, T, S) or (B, H, T, S).
            tgt_key_padding_mask: boolean (B, T), True = a token, False = padding.
            memory_key_padding_mask: boolean (B, S).
            tgt_is_causal: position i of tgt attends to positions up to i only.
            cache: keys and values of the positions before those of tgt.
        """
        who, d_model = "TransformerDecoderLayer", self.norm1.normalized_shape[0]
        check_sequence(who, "tgt", tgt, d_model)
        check_sequence(who, "memory", memory, d_model)
        x = tgt  # (B, T, d_model), and so is every line up to the return
        inner = self.norm1(x) if self.norm_first else x
        z, _ = self.self_attn(
            inner,
            attn_mask=tgt_mask,
            key_padding_mask=tgt_key_padding_mask,
            is_causal=tgt_is_causal,
            cache=None if cache is None else cache.self_attn,
            mask_names=("tgt_mask", "tgt_key_padding_mask"),
        )
        x = x + self.dropout1(z)
        x = x if self.norm_first else self.norm1(x)
        inner = self.norm2(x) if self.norm_first else x
        z, _ = self.cross_attn(
            inner,
            memory,
            attn_mask=memory_mask,
            key_padding_mask=memory_key_padding_mask,
            cache=None if cache is None else cache.cross_attn,
            mask_names=("memory_mask", "memory_key_padding_mask"),
        )
        x = x + self.dropout2(z)
        x = x if self.norm_first else self.norm2(x)
        inner = self.norm3(x) if self.norm_first else x
        x = x + self.dropout3(self.feed_forward(inner))
        return x if self.norm_first else self.norm3(x)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return "pre-norm" if self.norm_first else "post-norm"


class TransformerDecoder(Module):
    """Layer after layer, all of them looking at the same memory, and at the end a norm,
    if there is one (section 3.1).

    Args:
        decoder_layer: what is copied; any Module that is called as
            TransformerDecoderLayer is. It stays outside itself.
        num_layers: how many copies, each initialised anew (`init_xavier`).
        norm: applied to the result; belongs to pre-norm layers (the paper has none).

    >>> from tinygrad_attn import randn
    >>> layer = TransformerDecoderLayer(8, 2, d_ff=16)
    >>> TransformerDecoder(layer, num_layers=2)(randn(1, 3, 8), randn(1, 5, 8)).shape
    (1, 3, 8)
    """

    def __init__(
        self, decoder_layer: Module, num_layers: int, norm: Module | None = None
    ) -> None:
        self.layers = copies("TransformerDecoder", decoder_layer, num_layers)
        self.norm = checked_norm("TransformerDecoder", norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        cache: DecoderCache | None = None,
    ) -> Tensor:
        """tgt (B, T, d_model) and memory (B, S, d_model) → (B, T, d_model); the masks
        are those of TransformerDecoderLayer."""
        caches = [None] * len(self.layers) if cache is None else cache.layers
        x = tgt
        for layer, layer_cache in zip(self.layers, caches):
            x = layer(
                x,
                memory,
                tgt_mask,
                memory_mask,
                tgt_key_padding_mask,
                memory_key_padding_mask,
                tgt_is_causal,
                **({} if layer_cache is None else {"cache": layer_cache}),
            )  # (B, T, d_model)
        return x if self.norm is None else self.norm(x)
