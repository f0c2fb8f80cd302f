"""A large batch of matrices, a part at a time.

A rule makes arrays on its way: attention has energies, their exponentials and their
sums before it has weights. For a large batch these are larger than the processor's
cache, and each line of the rule waits for memory. But no matrix of the batch needs
anything of another. So NumPy is given as many at a time as the cache holds: the same
numbers, sooner. (The pure-Python backend computes number by number, and does not wait.)

    >>> for part in parts_of((2, 12), 3, 12):           # 3 numbers each, 12 at a time
    ...     print(part)
    (0, slice(0, 4, None))
    (0, slice(4, 8, None))
    (0, slice(8, 12, None))
    (1, slice(0, 4, None))
    (1, slice(4, 8, None))
    (1, slice(8, 12, None))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial, wraps
from itertools import product
from math import prod
from typing import Any

from .shapes import Shape, broadcast_shapes

# Of queries (..., T, d) and keys (..., S, d) there are T · S energies in each matrix.
LARGE = 2**18  # energies in all, from which on it is faster: 1 MB of float32
PART = 2**16  # energies at a time

SEVERAL = (tuple, list)
Part = tuple[Any, ...]  # an index for each axis of the batch
Rule = Callable[..., Any]


@lru_cache(maxsize=64)
def in_parts(rule: Rule) -> Rule:
    """The same rule, in parts where that is faster.

    Args:
        rule: is given and gives arrays whose last two axes are those of matrices (and
            tuples of them, and None). It makes each matrix from those at its place in
            the batch alone. Where it gives anything else, it is computed at once.
    """

    @wraps(rule)
    def computed(xp: Any, *given: Any, **params: Any) -> Any:
        first = given[0]
        if xp.name == "numpy" and getattr(first, "size", 0) >= PART // 4:
            batch, size = batch_of([x for x in leaves(given) if is_matrix(x)])
            if batch and prod(batch) * size >= LARGE:
                return together(rule, xp, given, params, batch, size)
        return rule(xp, *given, **params)

    return computed


def batch_of(arrays: list[Any]) -> tuple[Shape, int]:
    """The batch of some arrays, () if they have none in common; and how many numbers
    (T, S) a rule makes on its way of matrices with T and with S rows."""
    rows = [x.shape[-2] for x in arrays if x.dtype.kind == "f"]  # not those of masks
    try:
        batch = broadcast_shapes(*(tuple(x.shape[:-2]) for x in arrays))
    except ValueError:
        batch = ()  # the rule says what does not fit
    return batch, min(rows, default=0) * max(rows, default=0)


def is_matrix(x: Any) -> bool:
    """Whether it is an array of matrices."""
    return hasattr(x, "shape") and x.ndim > 1


def has_batch(x: Any, batch: Shape) -> bool:
    """Whether it is an array with a matrix for each place in a batch."""
    return is_matrix(x) and x.shape[:-2] == batch


def together(
    rule: Rule, xp: Any, given: Any, params: Any, batch: Shape, size: int
) -> Any:
    """What the rule makes of each part, put together."""
    whole: list[Any] = []
    for part in parts_of(batch, size, PART):
        made = rule(xp, *mapped(partial(at, part=part), given), **params)
        results = list(leaves(made))
        own = tuple(i.stop - i.start for i in part if isinstance(i, slice))
        if not all(x is None or has_batch(x, own) for x in results):
            return rule(xp, *given, **params)
        whole = whole or empty(results, batch, list(leaves(given)))
        for z, x in zip(whole, results):
            if x is not None:
                z[part] = x
    left = iter(whole)
    return mapped(lambda _: next(left), made)


def empty(results: list[Any], batch: Shape, given: list[Any]) -> list[Any]:
    """Arrays for the results of a whole batch, of which those of a part are given. What
    is one array under two names stays one."""
    import numpy as np

    whole: list[Any] = []
    for z in results:
        first = next(k for k, x in enumerate(results) if x is z)
        if z is None or first < len(whole):
            whole.append(None if z is None else whole[first])
        else:  # laid out as what it is the gradient of, say
            shape = (*batch, *z.shape[-2:])
            alike = (x for x in given if getattr(x, "shape", ()) == shape)
            whole.append(np.empty_like(next(alike, z), z.dtype, shape=shape))
    return whole


def parts_of(batch: Shape, size: int, most: int) -> Iterator[Part]:
    """Indices that part a batch of matrices of `size` numbers, `most` numbers at a time
    or one matrix."""
    axis = len(batch) - 1
    while axis and prod(batch[axis:]) * size <= most:
        axis -= 1  # so many of the axes behind it go together
    step = max(1, most // max(1, prod(batch[axis + 1 :]) * size))
    rest = tuple(slice(0, n) for n in batch[axis + 1 :])
    for before in product(*map(range, batch[:axis])):
        for start in range(0, batch[axis], step):
            yield (*before, slice(start, min(start + step, batch[axis])), *rest)


def at(x: Any, part: Part) -> Any:
    """x's own part: an axis that it lacks, or has with size 1, is not parted."""
    if not hasattr(x, "shape") or x.ndim < 3:
        return x
    sizes = x.shape[:-2]
    own = part[len(part) - len(sizes) :]
    return x[tuple(whole_or(i) if n == 1 else i for i, n in zip(own, sizes))]


def whole_or(index: Any) -> Any:
    """An index into an axis of size 1, of the kind of this one."""
    return slice(None) if isinstance(index, slice) else 0


def leaves(given: Any) -> Iterator[Any]:
    """What is in a tuple or list, and in those in it."""
    if type(given) in SEVERAL:
        for x in given:
            yield from leaves(x)
    else:
        yield given


def mapped(f: Callable[[Any], Any], given: Any) -> Any:
    """f of what is in it, in the same order."""
    if type(given) in SEVERAL:
        return type(given)(mapped(f, x) for x in given)
    return f(given)
