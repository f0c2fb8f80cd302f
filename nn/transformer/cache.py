"""A cache of keys and values, so that decoding computes nothing twice.

A decoder writes one token at a time, and each new query looks at all positions before
it. Their keys and values have not changed: in causal attention no later token changes
an earlier position. So they are kept, and a step projects its new position only. T
steps cost T projections; without the cache they cost 1 + 2 + ... + T.

    self-attention     each step appends the keys and values of its new positions
    cross-attention    the first step computes the memory's; the others use them

What is cached belongs to one sentence and to the weights that computed it. Used with
another memory, other tokens or other weights, a cache would give wrong numbers; it is
refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_attn import Tensor, arange, concat, ops, where
from tinygrad_attn.errors import check_flags, check_number


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
        check_flags("KeyValueCache", grows=grows)
        self.grows = grows
        self.contents: tuple[Tensor, Tensor] | None = None  # keys, values
        self.made_from: tuple[Tensor, Tensor] | None = None  # what was given, detached
        self.made_by: Sequence[Any] = ()  # the arrays of weights
        self.rows: list[int] | None = None  # of made_from, if rows were selected

    # (1, S), which keys a query may look at; None: a causal mask says it
    seen: Tensor | None = None

    def __len__(self) -> int:
        """How many positions are cached."""
        return 0 if self.contents is None else self.contents[0].shape[-2]

    @property
    def complete(self) -> tuple[Tensor, Tensor] | None:
        """The keys and values, if no more will come: those of a memory."""
        return None if self.grows else self.contents

    def check(
        self, who: str, key: Tensor, value: Tensor, weights: Sequence[Any]
    ) -> None:
        """Refuses another memory, batch or weights than those of the first call."""
        if self.contents is None or self.made_from is None:
            given = key.detach(), value.detach()  # they keep these numbers
            self.made_from, self.made_by, self.rows = given, weights, None
            return
        if any(new is not old for new, old in zip(weights, self.made_by)):
            raise ValueError(
                f"{who}: a cache given that other weights filled (another layer's, or "
                "before an optimizer's step); start with a new cache"
            )
        batch = self.contents[0].shape[:-3]
        if self.grows and key.shape[:-2] != batch:
            raise ValueError(
                f"{who}: key of shape {key.shape} given with a cache of batch {batch}; "
                "the batch must be the same, or start with a new cache"
            )
        if not self.grows:
            self.check_memory(who, key, value)

    def check_memory(self, who: str, key: Tensor, value: Tensor) -> None:
        """Refuses what is not the memory of the first call, or its selected rows."""
        for new, old in zip((key, value), self.made_from or ()):
            if not same(new, old) and not (
                self.rows and same(new, ops.take(old, self.rows, axis=0))
            ):
                raise ValueError(
                    f"{who}: a cache given that was filled from another memory; it "
                    "belongs to one source, so start with a new cache"
                )

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
            self.rows = (
                list(rows) if self.rows is None else [self.rows[r] for r in rows]
            )
            self.contents = ops.take(k, rows, axis=0), ops.take(v, rows, axis=0)


class FixedCache(KeyValueCache):
    """The keys and values of one attention in a fixed number of places C.

    A cache that grows has other shapes at each token. This one has the same always, and
    where the new token stands is a number, `position`. So a program that was written
    for one token (`tinygrad_attn.compile`) serves all: keys, values and position go in,
    keys and values come out.

    Args:
        keys, values: (B, H, C, d_k); at first zeros.
        position: integers of shape (), the place of the new token, from 0.

    >>> import nn
    >>> from tinygrad_attn import randn, zeros
    >>> attention, x = nn.MultiHeadAttention(4, 2), randn(1, 3, 4)
    >>> whole, _ = attention(x, is_causal=True)
    >>> keys = values = zeros(1, 2, 8, 2)
    >>> for t in range(3):
    ...     cache = FixedCache(keys, values, Tensor(t))
    ...     z, _ = attention(x[:, t : t + 1], cache=cache)
    ...     keys, values = cache.keys, cache.values
    >>> (z - whole[:, 2:]).abs().max().item() < 1e-12
    True
    """

    def __init__(self, keys: Tensor, values: Tensor, position: Tensor) -> None:
        super().__init__()
        for name, t in (("keys", keys), ("values", values)):
            if not isinstance(t, Tensor) or t.ndim < 2:
                given = f"shape {t.shape}" if isinstance(t, Tensor) else type(t)
                raise ValueError(
                    f"FixedCache: {name} of {given} given; they must be a Tensor "
                    "(B, H, C, d_k)"
                )
        if not isinstance(position, Tensor) or (position.shape, position.dtype) != (
            (),
            "int64",
        ):
            raise ValueError(
                "FixedCache: the position given must be an integer as a Tensor of "
                "shape (), such as Tensor(0)"
            )
        self.keys, self.values = keys, values
        places = arange(keys.shape[-2])
        self.here = (places == position).reshape(-1, 1)  # (C, 1)
        self.seen = (places <= position).reshape(1, -1)  # (1, C)

    def __len__(self) -> int:
        """How many places there are."""
        return self.keys.shape[-2]

    def check(
        self, who: str, key: Tensor, value: Tensor, weights: Sequence[Any]
    ) -> None:
        """Refuses more than one token, or another batch."""
        batch = self.keys.shape[:-3]
        if key.shape[-2] != 1 or key.shape[:-2] != batch:
            raise ValueError(
                f"{who}: key of shape {key.shape} given with a FixedCache of batch "
                f"{batch}; it must be one token of each, {(*batch, 1, key.shape[-1])}"
            )

    def append(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Puts the keys and values (B, H, 1, d_k) of the new token in their place.

        Returns:
            All C of them; `seen` says which there are.
        """
        self.keys = where(self.here, k, self.keys)
        self.values = where(self.here, v, self.values)
        return self.keys, self.values

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows of the batch."""
        self.keys = ops.take(self.keys, rows, axis=0)
        self.values = ops.take(self.values, rows, axis=0)


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
        check_number("DecoderCache", "num_layers", num_layers, 1, whole=True)
        self.layers = [LayerCache() for _ in range(num_layers)]
        self.tokens: Tensor | None = None  # (B, T) of the cached positions, if known

    def __len__(self) -> int:
        """How many positions of the target are cached."""
        return len(self.layers[0])

    def select(self, rows: Sequence[int]) -> None:
        """Keeps these rows of the batch."""
        for layer in self.layers:
            layer.select(rows)
        if self.tokens is not None:
            self.tokens = ops.take(self.tokens, rows, axis=0)

    def check(self, who: str, tgt: Tensor) -> None:
        """Refuses tokens (B, T) that do not begin with the cached ones."""
        t = len(self)
        if t >= tgt.shape[1]:
            raise ValueError(
                f"{who}: tgt of shape {tgt.shape} given with a cache of {t} positions; "
                "it must be all of these and at least one more"
            )
        if t and self.tokens is not None and not same(tgt[:, :t], self.tokens):
            raise ValueError(
                f"{who}: tgt begins with other tokens than the {t} that the cache was "
                "filled from; start with a new cache"
            )


def same(x: Tensor, y: Tensor) -> bool:
    """Whether two tensors hold the same numbers."""
    if x.shape != y.shape:
        return False
    return x.array is y.array or bool((x.detach() == y.detach()).min().item())


def check_cache(who: str, cache: Any, kind: type[Any]) -> None:
    """Refuses anything but a cache of this kind, or None."""
    if cache is not None and not isinstance(cache, kind):
        raise TypeError(
            f"{who}: cache of {type(cache).__name__} given; it must be a "
            f"{kind.__name__} or None"
        )
