"""Which block of attention's result belongs to which head and which sequence.

The result has shape (..., T, d_v): a stack of (T, d_v) blocks, one for each head of
each sequence. Layers order them as they like: (batch, heads), (heads, batch), or heads
alone. The layer may say how many heads it has. If that does not tell, the graph does:
two heads read the same rows of the layer's input with other rows of the weights; two
sequences read other rows of the input.
"""

from __future__ import annotations

from math import prod
from numbers import Integral
from typing import Any

from ...errors import say
from ...tensor import Tensor
from .cutting import Cut
from .slices import key_of

SAID_BY = ("num_heads", "n_heads", "n_head", "heads", "nhead")  # the usual attributes


def block_of(cut: Cut, layer: Any, z: Tensor, head: Any, sample: Any) -> int:
    """The number of the block of z that belongs to this head and this sequence.

    Raises:
        ValueError: there is no such head or sequence.
    """
    lead = z.shape[:-2]
    heads = axes_of_heads(cut, layer, z)
    samples = [a for a in range(len(lead)) if a not in heads]
    index = [0] * len(lead)
    for what, given, axes in (("head", head, heads), ("sample", sample, samples)):
        count = prod(lead[a] for a in axes)
        whole = isinstance(given, Integral) and not isinstance(given, bool)
        if not whole or not 0 <= given < count:
            raise ValueError(
                f"{cut.trace.who}: {what} {say(given)} given; {type(layer).__name__} "
                "has "
                f"{count} {what}{'' if count == 1 else 's'}, numbered from 0"
            )
        rest = int(given)
        for a in reversed(axes):
            rest, index[a] = divmod(rest, lead[a])
    block = 0
    for n, i in zip(lead, index):
        block = block * n + i
    return block


def axes_of_heads(cut: Cut, layer: Any, z: Tensor) -> list[int]:
    """The leading axes of z along which its blocks are heads; along the others they are
    sequences."""
    lead = z.shape[:-2]
    stated: Any = next((getattr(layer, k) for k in SAID_BY if hasattr(layer, k)), None)
    if list(lead).count(stated) == 1:
        return [lead.index(stated)]
    first = read_by(cut, z, 0) if prod(lead) else set()
    return [
        a
        for a, n in enumerate(lead)
        if n > 1 and read_by(cut, z, prod(lead[a + 1 :])) == first
    ]


def read_by(cut: Cut, z: Tensor, block: int) -> set[Any]:
    """Which numbers of the layer's input a block's queries are made of; if queries are
    parameters, its values."""
    try:
        step = cut.slice_of(z, cut.slices.block_of_ids(z.shape, block))
        assert step is not None
        assert z._op is not None
        items = step[2]
        queries_and_values = (0, 2) if z._op.kind == "attention" else (1,)
        for i in queries_and_values:
            if found := inputs_behind(cut, *items[i]):
                return found
    except ValueError:  # refused for its own reason, when the head is cut
        pass
    return set()


def inputs_behind(cut: Cut, t: Tensor, at: Any) -> set[Any]:
    """The slices of the layer's inputs, parameters aside, that t's slice is made of."""
    seen = {(t, key_of(at)): at}
    todo, found = [(t, at)], set()
    while todo:
        t, at = todo.pop()
        step = cut.slice_of(t, at)
        if step is None and t not in cut.inside and not cut.is_parameter(t):
            found.add((t, key_of(at)))
        for item in step[2] if step else ():
            if isinstance(item, tuple) and (item[0], key_of(item[1])) not in seen:
                seen[item[0], key_of(item[1])] = item[1]
                todo.append(item)
    return found
