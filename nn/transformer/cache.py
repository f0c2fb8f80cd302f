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

from tinygrad_attn import Tensor, concat
from tinygrad_attn.ops import take


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
        self.contents: tuple[Tensor, Tensor] | None = None  # keys, values

    def __len__(self) -> int:
        """How many positions there are."""
        return 0 if self.contents is None else self.contents[0].shape[-2]

    @property
    def complete(self) -> tuple[Tensor, Tensor] | None:
        """The keys and values, if no more will come: the memory's, after one step."""
        return None if self.grows else self.contents

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Adds the keys and values (B, H, T, d_k) of T new positions.

        Returns:
            Those of all positions so far.
        """
        if self.contents is not None:
            keys, values = self.contents
            k, v = concat([keys, k], axis=-2), concat([values, v], axis=-2)
        self.contents = k, v
        return k, v

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows of the batch, in this order; a row may repeat. Beam search
        keeps some hypotheses and drops others."""
        if self.contents is not None:
            k, v = self.contents
            self.contents = take(k, rows, axis=0), take(v, rows, axis=0)


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
        """Keeps these rows of the batch."""
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
        """Keeps these rows of the batch."""
        for layer in self.layers:
            layer.select(rows)
