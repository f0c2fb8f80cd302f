"""A private copy of the recorded graph, to walk, open and cut.

`unfold` and `explain` leave the recorded tensors alone: their walk writes no `.grad`
and frees nothing. They work on copies: tensors with the same operations and scopes, in
a graph of their own. A copy shares the arrays of the original, so it costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeVar

from ..arrays.array import Array, ValueArray
from ..arrays.backends import namespace_of
from ..autograd.recording import make
from ..autograd.walk import walk
from ..context import Scope, no_grad
from ..rules.operation import Op
from ..tensor import Tensor
from .check import magnitude, size
from .order import in_time

Item = TypeVar("Item")  # a Tensor or a Value


@dataclass
class Trace:
    """Copies of tensors, and the gradients that a walk through them found.

    Making a Trace walks backward from its roots.

    Attributes:
        roots: the results at the end of the computation.
        seeds: ∂L/∂root for each root, or None if no gradient flows to it; empty if L
            has no gradient.
        origin: the recorded tensor behind a copy; the steps of an opened composite have
            none.
        called: the names that are already fixed.
        totals: the gradients through the whole computation, if this is a part of it.
        positions: for a slice, where its numbers lie in the flattened whole.
        gradients: ∂L/∂tensor for each tensor that the walk reached.
        shares: for a tensor, its contribution to the gradient of each of its inputs.
        who: the public function that the user called, for errors.
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

    def tensors(self, learned: Container[Tensor] = ()) -> list[Tensor]:
        """All tensors, each after its inputs: in the order of computing, as far as
        that was recorded.

        Args:
            learned: leaves that come after the data of the same step.
        """
        return in_time(history(self.roots), inputs_of, learned)

    def total(self, t: Tensor) -> Any:
        """The gradient through the whole computation."""
        return self.totals.get(t, self.gradients.get(t))

    def gradient(self, t: Tensor) -> Any:
        """∂L/∂t; zeros if the walk did not reach t."""
        if t in self.gradients:
            return self.gradients[t]
        return namespace_of([t.array]).zeros(t.shape, t.dtype)

    def scales(self) -> dict[Tensor, float]:
        """The size of the numbers that were added up to each gradient, before they
        cancel. A fraction of the largest gradient is added: where large numbers cancel,
        rounding noise of that size remains and flows on."""
        single = any(t.dtype == "float32" for t in self.gradients)
        largest = magnitude(*self.gradients.values())
        noise = largest * (1e-2 if single else 1e-5)
        found = {t: magnitude(g) + noise for t, g in self.gradients.items()}
        for user, shares in self.shares.items():
            flowed = magnitude(self.gradients[user])
            for x in inputs_of(user):
                flowed *= size(x.array)
            for x, share in zip(user._inputs or (), shares):
                if share is not None:
                    found[x] = max(found.get(x, noise), flowed, magnitude(share))
        return found


def moves(t: Tensor) -> bool:
    """Whether a tensor was made by an operation that only moves numbers."""
    return t._op is not None and t._op.kind == "movement"


def on_positions(
    xp: Any, op: Op, params: dict[str, Any], arrays: Sequence[Any]
) -> tuple[Any, dict[int, int], int]:
    """A movement, run on the positions of its inputs' numbers.

    They are counted from 1 through all inputs that it moves (its rules name them; an
    index only says where to), so that 0 is a number put among them.

    Returns:
        Where each number of the result comes from; number of an input → its first
        position; the first position that is none.
    """
    numbered, starts, end = [], {}, 1
    for i, x in enumerate(arrays):
        if op.meaning.rules and not op.meaning.rule(i):
            numbered.append(x)
            continue
        n = prod(x.shape)
        numbered.append(xp.reshape(xp.arange(end, end + n), x.shape))
        starts[i] = end
        end += n
    return moved(xp, op, params, *numbered), starts, end


def moved(xp: Any, op: Op, params: dict[str, Any], *arrays: Any) -> Any:
    """What a movement makes of arrays of positions."""
    whole = {"dtype": "int64"} if "dtype" in params else {}
    return op.forward(xp, *arrays, **params | whole)


def inputs_of(t: Tensor) -> list[Tensor]:
    """The tensors among the inputs of t, in order; x * x has x twice."""
    return [x for x in t._inputs or () if isinstance(x, Tensor)]


def history(roots: Iterable[Tensor]) -> list[Tensor]:
    """The roots and all tensors that they were computed from, inputs first; also those
    that need no gradient."""
    return list(inputs_first(roots, inputs_of))


def inputs_first(
    ends: Iterable[Item], inputs: Callable[[Item], list[Item]]
) -> Iterator[Item]:
    """The ends and all items that they were made from, each once and after its inputs.
    The order depends on the graph alone.

    A depth-first search with a stack of its own: the first time an item is popped, its
    inputs are put above it; the second time they are done, and the item is yielded.
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
    """A copy of the graph behind `root`.

    Raises:
        TypeError: root is no Tensor.
        RuntimeError: nothing was recorded, or `backward` has freed the graph.
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
    order = [t for t in history([root]) if unchecked(t) is t]
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
        """The copy of x; if a leaf got new numbers since it was used, with the old."""
        check, x = x, unchecked(x)
        moved = x._op is None and array is not x.array
        if moved and isinstance(array, ValueArray):  # compare the plain numbers
            moved = without_values(array).data != without_values(x.array).data
        key = x, id(array) if moved else 0
        if key not in copies:
            copies[key] = bare(x, without_values(array if moved else x.array))
            origin[copies[key]] = x
        named = check._where is not None and any(check._where.names)
        if check is not x and x._op is None and x._where is None and named:
            copies[key]._where = check._where  # where it was given
        return copies[key]

    for t in order:
        copy = copy_of(t, t.array)
        copy._inputs = [
            copy_of(x, array) if isinstance(x, Tensor) else x
            for x, array in zip(t._inputs or (), t._arrays or ())
        ]
        finish(copy)
    calls = {s for t in order if inputs_of(t) for s in scopes(t._scope)}
    for copy in copies.values():
        if not inputs_of(copy):
            copy._scope = known_call(copy._scope, calls)
    top = copies[root, 0]
    return Trace([top], seeds_for(top), origin, who=who)


def known_call(scope: Scope | None, calls: set[Scope]) -> Scope | None:
    """The innermost call around a leaf that computed something. One that was made in an
    earlier call, and kept, belongs to none."""
    while scope is not None and scope not in calls:
        scope = scope.parent
    return scope


def unchecked(t: Tensor) -> Tensor:
    """A tensor before it was checked: a check hands on the same numbers."""
    while t._op is not None and t._op.kind == "check" and t._inputs:
        (t,) = t._inputs
    return t


def bare(x: Tensor, data: Any) -> Tensor:
    """A tensor like x with the array `data`, still without its inputs."""
    t: Tensor = make(data)
    t._op, t._params, t._scope, t._where = x._op, x._params, x._scope, x._where
    t._requires_grad, t._needs = x._requires_grad, x._needs
    return t


def finish(t: Tensor) -> None:
    """Sets the arrays that t was computed from to those of its inputs."""
    t._arrays = [x.array if isinstance(x, Tensor) else x for x in t._inputs or ()]


def leaf_like(x: Tensor, data: Any) -> Tensor:
    """A leaf with the array `data`, that needs a gradient if x does."""
    t: Tensor = make(data)
    t._requires_grad = x._requires_grad
    if not inputs_of(x):  # a mask stays in the module that made it
        t._scope = x._scope
    return t


def seeds_for(root: Tensor) -> list[Any]:
    """∂L/∂L = 1 if root has one number and a gradient; else no seeds."""
    if root.size != 1 or not root._requires_grad:
        return []
    return [namespace_of([root.array]).full(root.shape, 1.0, root.dtype)]


def scopes(scope: Scope | None) -> list[Scope]:
    """A call and those around it, the outermost first."""
    found: list[Scope] = []
    while scope is not None:
        found.append(scope)
        scope = scope.parent
    return found[::-1]


def part(trace: Trace, module: Any) -> Trace:
    """The part of a trace inside the calls of a module. Its inputs become leaves, and
    the walk starts from the gradients that its results get from outside."""
    order = trace.tensors()
    inside = {t for t in order if any(s.owner is module for s in scopes(t._scope))}
    copies: dict[Tensor, Tensor] = {}
    for t in order:
        if t in inside:
            copies[t] = bare(t, t.array)
            for x in inputs_of(t):
                if x not in copies:
                    copies[x] = leaf_like(x, x.array)
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
