"""Keys and values that are kept, so that decoding computes nothing twice.

A decoder writes one token after the other, and each new query looks at all positions
before it. Their keys and values are what they were a step ago: causal attention never
lets a later token change an earlier one. So they are kept, and a step computes those of
its new position only: T steps cost T projections where starting anew costs
1 + 2 + ... + T.

    self-attention     the keys and values of the new positions are appended
    cross-attention    those of the memory are computed once, at the first step
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_attn import Tensor, concat
from tinygrad_attn.ops import take

if TYPE_CHECKING:
    from .multi_head import MultiHeadAttention


class KeyValueCache:
    """The keys and values (B, H, S, d_k) that one attention has made so far.

    Args:
        grows: whether new ones are appended (self-attention), or the first ones kept
            (cross-attention, whose memory stays the same).

    >>> import nn
    >>> from tinygrad_attn import randn
    >>> attention, cache = nn.MultiHeadAttention(4, 2), KeyValueCache()
    >>> x = randn(1, 3, 4)
    >>> whole, _ = attention(x, is_causal=True)
    >>> for t in range(3):
    ...     z, _ = attention(x[:, t : t + 1], is_causal=True, cache=cache)
    >>> len(cache), (z - whole[:, 2:]).abs().max().item() < 1e-12
    (3, True)
    """

    def __init__(self, grows: bool = True) -> None:
        self.grows = grows
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def __len__(self) -> int:
        """How many positions there are."""
        return 0 if self.keys is None else self.keys.shape[-2]

    def keys_and_values(
        self, attention: MultiHeadAttention, key: Tensor, value: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Those of all positions so far, with the ones that `attention` now makes of
        key (B, T, kdim) and value (B, T, vdim) among them."""
        if self.keys is None or self.values is None:
            self.keys, self.values = attention.keys_and_values(key, value)
        elif self.grows:
            k, v = attention.keys_and_values(key, value)  # (B, H, T, d_k)
            self.keys = concat([self.keys, k], axis=-2)
            self.values = concat([self.values, v], axis=-2)
        return self.keys, self.values

    def select(self, rows: Sequence[int]) -> None:
        """Goes on with these rows of the batch, in this order, one maybe repeatedly:
        beam search keeps some hypotheses and drops others."""
        if self.keys is not None and self.values is not None:
            self.keys = take(self.keys, rows, axis=0)
            self.values = take(self.values, rows, axis=0)


class LayerCache:
    """A decoder layer's two: of its self-attention, and of its cross-attention.

    >>> len(LayerCache())
    0
    """

    def __init__(self) -> None:
        self.self_attn = KeyValueCache()
        self.cross_attn = KeyValueCache(grows=False)

    def __len__(self) -> int:
        """How many positions of the target there are."""
        return len(self.self_attn)

    def select(self, rows: Sequence[int]) -> None:
        """Goes on with these rows of the batch."""
        self.self_attn.select(rows)
        self.cross_attn.select(rows)


class DecoderCache:
    """One for each layer of a decoder, in its order.

    Args:
        num_layers: how many there are.

    >>> cache = DecoderCache(6)
    >>> len(cache), len(cache.layers)
    (0, 6)
    """

    def __init__(self, num_layers: int) -> None:
        self.layers = [LayerCache() for _ in range(num_layers)]

    def __len__(self) -> int:
        """How many positions of the target there are."""
        return len(self.layers[0])

    def select(self, rows: Sequence[int]) -> None:
        """Goes on with these rows of the batch."""
        for layer in self.layers:
            layer.select(rows)
