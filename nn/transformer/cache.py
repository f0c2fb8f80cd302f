"""A cache of keys and values, so that decoding computes nothing twice.

A decoder writes one token at a time, and each new query looks at all positions before
it. Their keys and values have not changed: in causal attention no later token changes
an earlier position. So they are kept, and a step projects its new position only. T
steps cost T projections; without the cache they cost 1 + 2 + ... + T.

    self-attention     each step appends the keys and values of its new positions
    cross-attention    the first step computes the memory's; the others use them
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_attn import Tensor, concat, ops


class KeyValueCache:
    """The keys and values (B, H, S, d_k) of one attention, so far.

    Args:
        grows: True for self-attention, where each step appends. False for
            cross-attention, where the memory stays the same.

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
        """How many positions are cached."""
        return 0 if self.contents is None else self.contents[0].shape[-2]

    @property
    def complete(self) -> tuple[Tensor, Tensor] | None:
        """The keys and values, if no more will come: those of a memory."""
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
            self.contents = ops.take(k, rows, axis=0), ops.take(v, rows, axis=0)


class LayerCache:
    """The two caches of a decoder layer: for self-attention and cross-attention.

    >>> len(LayerCache())
    0
    """

    def __init__(self) -> None:
        self.self_attn = KeyValueCache()
        self.cross_attn = KeyValueCache(grows=False)

    def __len__(self) -> int:
        """How many positions of the target are cached."""
        return len(self.self_attn)

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows of the batch."""
        self.self_attn.select(rows)
        self.cross_attn.select(rows)


class DecoderCache:
    """A cache for each layer of a decoder, in order.

    Args:
        num_layers: how many layers the decoder has.

    >>> cache = DecoderCache(6)
    >>> len(cache), len(cache.layers)
    (0, 6)
    """

    def __init__(self, num_layers: int) -> None:
        self.layers = [LayerCache() for _ in range(num_layers)]

    def __len__(self) -> int:
        """How many positions of the target are cached."""
        return len(self.layers[0])

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows of the batch."""
        for layer in self.layers:
            layer.select(rows)
