"""Loops: how a step runs over memory, for the languages that have no arrays.

Where an array has a shape, memory has only places. So every step becomes loops over its
axes, and each operand an address in which the loops' counters are multiplied by
strides. Axes that lie side by side for all operands become one loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..arrays.shapes import Shape, broadcast_strides
from .anatomy import Product, View


class Loops(NamedTuple):
    """Axes to run over, outermost first.

    Attributes:
        sizes: how often each runs.
        strides: for each operand its stride along each axis.
    """

    sizes: Shape
    strides: tuple[Shape, ...]


def merged(sizes: Sequence[int], strides: Sequence[Sequence[int]]) -> Loops:
    """The same loops, as few as can be.

    >>> merged((4, 1, 6), [(6, 6, 1), (0, 0, 1)])
    Loops(sizes=(4, 6), strides=((6, 1), (0, 1)))
    >>> merged((4, 1, 6), [(6, 6, 1), (6, 0, 1)])
    Loops(sizes=(24,), strides=((1,), (1,)))
    """
    kept: list[tuple[int, tuple[int, ...]]] = []
    for axis, size in enumerate(sizes):
        own = tuple(s[axis] for s in strides)
        if size == 1:
            continue
        if kept and all(a == b * size for a, b in zip(kept[-1][1], own)):
            kept[-1] = kept[-1][0] * size, own
        else:
            kept.append((size, own))
    return Loops(
        tuple(size for size, _ in kept),
        tuple(tuple(own[k] for _, own in kept) for k in range(len(strides))),
    )


def of_batch(product: Product) -> Loops:
    """The loops over the matrices of a batch; the strides are those of out, x and y."""
    views = (product.out, product.x, product.y)
    batch = product.out.shape[:-2]
    return merged(
        batch, [broadcast_strides(v.shape[:-2], v.strides[:-2], batch) for v in views]
    )


def sizes_of(product: Product) -> tuple[int, int, int]:
    """n, k and m of (n, k) · (k, m)."""
    n, k = product.x.shape[-2:]
    return n, k, product.y.shape[-1]


def strides_in(view: View, shape: Shape) -> Shape:
    """A view's strides, once it is broadcast to a shape."""
    return broadcast_strides(view.shape, view.strides, shape)


def address(counters: Sequence[str], strides: Sequence[int]) -> str:
    """Where an operand's number lies: "i * 16 + j".

    >>> address(["i", "j"], (16, 1)), address(["i"], (0,))
    ('i * 16 + j', '0')
    """
    terms = [
        counter if stride == 1 else f"{counter} * {stride}"
        for counter, stride in zip(counters, strides)
        if stride
    ]
    return " + ".join(terms).replace("+ -", "- ") or "0"
