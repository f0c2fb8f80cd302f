"""Views: tensors whose numbers were taken from another, and what changes with them.

    tensor[0][2] = 1.0                     # tensor[0, 2] = 1.0
    model.state_dict()["bias"].zero_()     # and so is the model's bias

A slice, a reshape or a detached tensor has an array of its own here. It remembers whose
numbers these are (`_moved`, autograd/recording.py): which tensor, with which array at
that time, and by which step it was taken. So a change in place can be passed on. The
step, run on the positions 0, 1, 2, ... of the other's elements, says where they lie.

What cannot be passed on is refused: if the other got new numbers since, then the slice
has old ones; and of an expanded tensor several elements are one. A reshape of what does
not lie in a row, such as a transpose, is a copy, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any, TypeVar

from ..arrays.backends import namespace_of
from ..autograd.recording import make_here
from ..context import context
from ..rules import movement, primitives

Change = tuple[Any, Any]  # a tensor, and the array that it is to get
VIEWS = (
    primitives.broadcast_to,
    movement.reshape,
    movement.permute_dims,
    movement.getslice,
)
F = TypeVar("F", bound=Callable[..., Any])


def own_numbers(function: F) -> F:
    """A decorator: the result shares no numbers with x, not even where it is x. (What
    other functions take from x does: a slice, a reshape.)"""

    @wraps(function)
    def call(x: Any, *given: Any, **options: Any) -> Any:
        z = function(x, *given, **options)
        if z is x:
            copied = make_here(namespace_of([x.array]).stop_gradient(x.array))
            return x * 1 if x._requires_grad else copied
        z._moved = ()
        return z

    return call  # type: ignore[return-value]


def changes(x: Any, array: Any, who: str) -> list[Change]:
    """What else changes if x gets this array: the tensors that it was taken from."""
    found: list[Change] = []
    for k, (whose, then, _) in enumerate(x._moved):
        other = whose()
        if other is None:
            continue
        if other.array is not then:
            raise RuntimeError(
                f"{who}: this tensor was taken from another by indexing, reshape, "
                "detach or the like, and that one has other numbers since; change "
                "that one: x[...] = y, x.copy_(y), or x.data = y"
            )
        steps = [step for _, _, step in reversed(x._moved[: k + 1])]
        xp, writer = namespace_of([then]), context.now.writer
        plain = writer.home if writer is not None else xp  # places have numbers
        at = places(plain, other.shape, [s for s in steps if s is not None], who)
        if at is None:
            break
        row = xp.reshape(array, (array.size,))
        at = plain.reshape(at, (at.size,))
        found.append((other, xp.put(then, at, row)))
    return found


def places(xp: Any, shape: tuple[int, ...], steps: list[Any], who: str) -> Any:
    """Where in the flattened other the elements lie, after these steps; None if one of
    them is a copy."""
    count = 1
    for n in shape:
        count *= n
    at = xp.reshape(xp.arange(0, count), shape)
    for op, params in steps:
        if op is primitives.broadcast_to and prod(params["shape"]) != at.size:
            raise RuntimeError(
                f"{who}: this tensor repeats another's numbers, so that several of its "
                "elements are one; change x.clone(), which has numbers of its own"
            )
        if op not in VIEWS:
            return None
        if op is movement.reshape and copies(xp, at, params["shape"]):
            return None
        at = op.forward(xp, at, **params)
    return at


def copies(xp: Any, at: Any, shape: tuple[int, ...]) -> bool:
    """Whether a reshape of what lies at these positions is a copy: they do not follow
    each other, and more than axes of size 1 come or go."""
    if [n for n in at.shape if n != 1] == [n for n in shape if n != 1]:
        return False
    row = xp.reshape(at, (at.size,)).tolist()
    return any(b != a + 1 for a, b in zip(row, row[1:]))


def note(x: Any, changed: list[Any]) -> None:
    """x has the numbers of what it was taken from: those that have just changed have
    new ones."""
    x._moved = tuple(
        (whose, other.array if any(other is c for c in changed) else then, step)
        for whose, other, then, step in ((w, w(), a, s) for w, a, s in x._moved)
    )


def from_transposed(x: Any) -> bool:
    """Whether x was taken by a step after which its numbers do not lie in a row."""
    return any(
        step is not None and step[0] in (movement.permute_dims, primitives.broadcast_to)
        for _, _, step in x._moved
    )
