"""The transformer's decoder: a layer with two attentions, and a stack of such layers.

The decoder writes a sequence. It attends to the tokens that it has already written
(masked self-attention) and to the encoder's output, the memory (cross-attention: the
queries are the decoder's, keys and values are the memory's).

Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 and 3.2.3.
"""

from __future__ import annotations

from tinygrad_attn import Tensor

from ..layers import Dropout, LayerNorm, check_sequence
from ..module import Module
from .cache import DecoderCache, LayerCache, check_cache
from .multi_head import MultiHeadAttention
from .shared import TransformerLayer, check_norm, copy_layer


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention, cross-attention, feed-forward, each with a residual connection
    and a norm.

    Args: those of TransformerLayer (shared.py).

    >>> from tinygrad_attn import randn
    >>> layer = TransformerDecoderLayer(8, 2, d_ff=16)
    >>> layer(randn(1, 3, 8), memory=randn(1, 5, 8), tgt_is_causal=True).shape
    (1, 3, 8)
    """

    attentions = ("self_attn", "cross_attn")
    self_attn: MultiHeadAttention
    cross_attn: MultiHeadAttention
    norm2: LayerNorm
    norm3: LayerNorm
    dropout2: Dropout
    dropout3: Dropout

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
        check_cache(who, cache, LayerCache)
        check_sequence(who, "tgt", tgt, d_model)
        check_sequence(who, "memory", memory, d_model)
        if cache is not None:  # before self-attention appends to it
            cache.cross_attn.check_memory(who, memory, memory)
        x = tgt  # (B, T, d_model), and so is every line up to the return
        z, _ = self.self_attn(
            self.norm_before(self.norm1, x),
            attn_mask=tgt_mask,
            key_padding_mask=tgt_key_padding_mask,
            is_causal=tgt_is_causal,
            cache=None if cache is None else cache.self_attn,
            mask_names=("tgt_mask", "tgt_key_padding_mask"),
        )
        x = self.norm_after(self.norm1, x + self.dropout1(z))
        z, _ = self.cross_attn(
            self.norm_before(self.norm2, x),
            memory,
            attn_mask=memory_mask,
            key_padding_mask=memory_key_padding_mask,
            cache=None if cache is None else cache.cross_attn,
            mask_names=("memory_mask", "memory_key_padding_mask"),
        )
        x = self.norm_after(self.norm2, x + self.dropout2(z))
        z = self.feed_forward(self.norm_before(self.norm3, x))
        return self.norm_after(self.norm3, x + self.dropout3(z))


class TransformerDecoder(Module):
    """A stack of layers, all attending to the same memory, and a norm after the last,
    if one is given (section 3.1).

    Args:
        decoder_layer: the layer to copy, called as TransformerDecoderLayer is. The
            layer passed in is not part of the stack.
        num_layers: how many copies; each is initialised anew (`init_xavier`).
        norm: applied to the result; belongs to pre-norm layers (the paper has none).

    >>> from tinygrad_attn import randn
    >>> layer = TransformerDecoderLayer(8, 2, d_ff=16)
    >>> TransformerDecoder(layer, num_layers=2)(randn(1, 3, 8), randn(1, 5, 8)).shape
    (1, 3, 8)
    """

    def __init__(
        self, decoder_layer: Module, num_layers: int, norm: Module | None = None
    ) -> None:
        self.layers = copy_layer("TransformerDecoder", decoder_layer, num_layers)
        self.norm = check_norm("TransformerDecoder", norm)

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
        """tgt (B, T, d_model) and memory (B, S, d_model) → (B, T, d_model). The masks
        are as in TransformerDecoderLayer."""
        check_cache("TransformerDecoder", cache, DecoderCache)
        caches = [None] * len(self.layers) if cache is None else cache.layers
        if len(caches) != len(self.layers):
            raise ValueError(
                f"TransformerDecoder: a cache of {len(caches)} layers given; this "
                f"decoder has {len(self.layers)}"
            )
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
