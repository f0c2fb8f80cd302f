"""The order of a graph: that of computing, as far as it was recorded.

A walk from the end finds inputs before what is computed from them, but the last turn of
a loop before the first: it meets the last one's data first. Where `record()` noted when
each step was computed, the steps are put in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from ..tensor import Tensor


def in_time(
    found: list[Tensor],
    inputs: Callable[[Tensor], list[Tensor]],
    learned: Container[Tensor] = (),
) -> list[Tensor]:
    """Tensors, each after its inputs, in the order of computing. A leaf comes right
    before its first use, data before what is learned. (What was recorded without
    `record()` stays as it is.)"""
    when: dict[Tensor, int] = {}
    used: dict[Tensor, int] = {}  # when a leaf was used first
    for t in found:
        before = inputs(t)
        if before:
            own = t._where.time if t._where is not None else 0
            when[t] = max([own, *[when[x] for x in before if x in when]])
            for x in before:
                used[x] = min(used.get(x, when[t]), when[t])
    keys: dict[Tensor, tuple[int, int, int]] = {}
    for i, t in enumerate(found):
        time = when[t] if t in when else used.get(t, 0)
        rank = 2 if t in when or not time else int(t in learned)
        keys[t] = (time, rank, i)
    return sorted(found, key=keys.__getitem__)
