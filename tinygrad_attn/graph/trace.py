"""A private copy of what was recorded, to be walked, opened and cut.

`unfold` and `explain` never touch the recorded tensors: their walk needs no `.grad` and
frees nothing. They work on copies, tensors with the same arrays, operations and scopes
in a graph of their own. A copy costs no numbers, only the tensors around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..arrays.array import Array, ValueArray
from ..arrays.backends import namespace_of
from ..autograd.recording import make
from ..autograd.walk import walk
from ..context import Scope, no_grad
from ..tensor import Tensor
from .check import magnitude, size

# Operations whose result is their input's numbers in other places, or repeated.
MOVEMENT = ("reshape", "permute_dims", "getslice", "broadcast_to")
Item = TypeVar("Item")  # a Tensor or a Value


@dataclass
class Trace:
    """Copies of tensors, where a walk through them begins, and what it found.

    Attributes:
        roots: what the computation ends in.
        seeds: ∂L/∂root for each, or None where nothing flows; empty if L's gradient is
            not to be had. Making a Trace walks backward from them.
        origin: the recorded tensor behind a copy; new ones (the parts of an opened
            composite) have none.
        called: names that are settled already.
        totals: the gradient through the whole computation, if this is a part of it.
        positions: for a slice, where its numbers lie in the flattened whole.
        gradients: ∂L/∂tensor for each tensor that the walk reached.
        shares: what a tensor contributes to ∂L/∂input, one for each input.
        who: the function that was called, for errors.
    """

    roots: list[Tensor]
    seeds: list[Any]
    origin: dict[Tensor, Tensor] = field(default_factory=dict)
    called: dict[Tensor, str] = field(default_factory=dict)
    totals: dict[Tensor, Any] = field(default_factory=dict)
    positions: dict[Tensor, Any] = field(default_factory=dict)
    gradients: dict[Tensor, Any] = field(default_factory=dict)
    shares: dict[Tensor, Sequence[Any]] = field(default_factory=dict)
    who: str = "unfold"

    def __post_init__(self) -> None:
        starts = [(t, g) for t, g in zip(self.roots, self.seeds) if g is not None]
        if not starts:
            return
        roots, seeds = zip(*starts)
        with ExitStack() as stack:
            stack.enter_context(no_grad())
            stack.enter_context(namespace_of(seeds).quiet())
            for node, g, shares in walk(roots, seeds, free=False):
                self.gradients[node], self.shares[node] = g, shares

    def tensors(self) -> list[Tensor]:
        """All of them, each after what it was made from."""
        return history(self.roots)

    def total(self, t: Tensor) -> Any:
        """The gradient through the whole computation."""
        return self.totals.get(t, self.gradients.get(t))

    def gradient(self, t: Tensor) -> Any:
        """∂L/∂t; zeros where nothing flows."""
        if t in self.gradients:
            return self.gradients[t]
        return namespace_of([t.data]).zeros(t.shape, t.dtype)

    def scales(self) -> dict[Tensor, float]:
        """How large the numbers are that were added up to each gradient: what flows in,
        before anything cancels. And a little of the largest of all: what is left where
        something cancelled is noise of that size, and flows on."""
        single = any(t.dtype == "float32" for t in self.gradients)
        largest = magnitude(*self.gradients.values())
        noise = largest * (1e-2 if single else 1e-5)
        found = {t: magnitude(g) + noise for t, g in self.gradients.items()}
        for user, shares in self.shares.items():
            flowed = magnitude(self.gradients[user])
            for x in inputs_of(user):
                flowed *= size(x.data)
            for x, share in zip(user._inputs or (), shares):
                if share is not None:
                    found[x] = max(found.get(x, noise), flowed, magnitude(share))
        return found


def inputs_of(t: Tensor) -> list[Tensor]:
    """The tensors that t was made from, in order; x * x has x twice."""
    return [x for x in t._inputs or () if isinstance(x, Tensor)]


def history(roots: Iterable[Tensor]) -> list[Tensor]:
    """Everything that the roots were made from and they themselves, inputs first; what
    needs no gradient too."""
    return list(inputs_first(roots, inputs_of))


def inputs_first(
    ends: Iterable[Item], inputs: Callable[[Item], list[Item]]
) -> Iterator[Item]:
    """What the ends were made from and they themselves, each once and after its inputs.
    The order depends on the graph alone.

    A depth-first search that keeps its own stack: an item is met once when its inputs
    are still to come, and given out when they have been.
    """
    done: set[Item] = set()
    stack = [(end, False) for end in reversed(list(ends))]
    while stack:
        item, inputs_listed = stack.pop()
        if item in done:
            continue
        if inputs_listed:
            done.add(item)
            yield item
            continue
        stack.append((item, True))
        stack += [(x, False) for x in reversed(inputs(item)) if x not in done]


def trace_of(who: str, root: Any) -> Trace:
    """A copy of all that `root` was made from.

    Raises:
        TypeError: root is no Tensor.
        RuntimeError: nothing was recorded, or it was freed by `backward`.
    """
    if not isinstance(root, Tensor):
        raise TypeError(
            f"{who}: a {type(root).__name__} given; it takes a Tensor, such as a loss"
        )
    if root._op is None:
        raise RuntimeError(
            f"{who}: this tensor was not computed, or not recorded; give one made from "
            "tensors that require a gradient, or made inside record(), and not under "
            "no_grad()"
        )
    order = history([root])
    for t in order:
        if t._inputs is None:
            op = t._op.name if t._op else ""
            raise RuntimeError(
                f"{who}: the graph behind {op} was freed by backward(); call {who} "
                "before backward(), or call that with retain_graph=True"
            )
    copies: dict[tuple[Tensor, int], Tensor] = {}
    origin: dict[Tensor, Tensor] = {}
    flat: dict[int, Any] = {}  # id of an array → the same in plain numbers

    def without_values(array: Any) -> Any:
        if not isinstance(array, ValueArray):
            return array
        if id(array) not in flat:
            numbers = namespace_of([array]).stop_gradient(array)
            flat[id(array)] = Array(numbers.data, numbers.shape, numbers.dtype)
        return flat[id(array)]

    def copy_of(x: Tensor, array: Any) -> Tensor:
        """A leaf may have got new numbers since it was used: it shows the old ones."""
        moved = x._op is None and x._requires_grad and array is not x.data
        if moved and isinstance(array, ValueArray):  # perhaps the same, without Values
            moved = without_values(array).data != without_values(x.data).data
        key = x, id(array) if moved else 0
        if key not in copies:
            copies[key] = bare(x, without_values(array if moved else x.data))
            origin[copies[key]] = x
        return copies[key]

    for t in order:
        copy = copy_of(t, t.data)
        copy._inputs = [
            copy_of(x, array) if isinstance(x, Tensor) else x
            for x, array in zip(t._inputs or (), t._arrays or ())
        ]
        finish(copy)
    top = copies[root, 0]
    return Trace([top], seeds_for(top), origin, who=who)


def bare(x: Tensor, data: Any) -> Tensor:
    """A tensor like x around other numbers, without its inputs."""
    t: Tensor = make(data)
    t._op, t._params, t._scope, t._where = x._op, x._params, x._scope, x._where
    t._requires_grad, t._needs = x._requires_grad, x._needs
    return t


def finish(t: Tensor) -> None:
    """Takes the arrays of its inputs as those that t was computed from."""
    t._arrays = [x.data if isinstance(x, Tensor) else x for x in t._inputs or ()]


def leaf_like(x: Tensor, data: Any) -> Tensor:
    """A tensor without a history around numbers of x."""
    t: Tensor = make(data)
    t._requires_grad = x._requires_grad
    return t


def seeds_for(root: Tensor) -> list[Any]:
    """∂L/∂L = 1 if root is a scalar with a gradient; else none."""
    if root.size != 1 or not root._requires_grad:
        return []
    return [namespace_of([root.data]).full(root.shape, 1.0, root.dtype)]


def scopes(scope: Scope | None) -> list[Scope]:
    """A call and those around it, the outermost first."""
    found: list[Scope] = []
    while scope is not None:
        found.append(scope)
        scope = scope.parent
    return found[::-1]


def part(trace: Trace, module: Any) -> Trace:
    """What was computed inside the calls of a module: its inputs become leaves, and the
    gradients of what it hands out are those that came from outside."""
    order = trace.tensors()
    inside = {t for t in order if any(s.owner is module for s in scopes(t._scope))}
    copies: dict[Tensor, Tensor] = {}
    for t in order:
        if t in inside:
            copies[t] = bare(t, t.data)
            for x in inputs_of(t):
                if x not in copies:
                    copies[x] = leaf_like(x, x.data)
            copies[t]._inputs = [
                copies[x] if isinstance(x, Tensor) else x for x in t._inputs or ()
            ]
            finish(copies[t])
    came = {t: g for t, g in zip(trace.roots, trace.seeds) if t in inside}
    out = {t for t in trace.roots if t in inside}
    for user in order:
        if user in inside:
            continue
        shares = trace.shares.get(user, ())
        for i, x in enumerate(user._inputs or ()):
            if isinstance(x, Tensor) and x in inside:
                out.add(x)
                if i < len(shares) and shares[i] is not None:
                    came[x] = came[x] + shares[i] if x in came else shares[i]
    ends = [t for t in order if t in out]
    return Trace(
        [copies[t] for t in ends],
        [came.get(t) for t in ends],
        {copies[t]: trace.origin[t] for t in copies if t in trace.origin},
        {copies[t]: trace.called[t] for t in copies if t in trace.called},
        totals={copies[t]: trace.gradients[t] for t in copies if t in trace.gradients},
        who=trace.who,
    )
