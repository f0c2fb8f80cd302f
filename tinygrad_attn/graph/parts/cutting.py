"""The small graph of a slice: followed from a result back to the inputs, and checked.

Each small operation is also computed, and its vjp, to check that they are those of the
large one.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ...autograd.walk import fit, shares_of
from ...context import no_grad
from ...rules.operation import ELEMENTWISE, KINDS, ROWWISE
from ...tensor import Tensor
from ..check import departs, magnitude, size
from ..names import Names
from ..trace import Trace, bare, finish, inputs_of, leaf_like
from .slices import SAME, Positions, Slice, Slices, key_of


class Cut:
    """Finds a head's slices, from its result backward."""

    def __init__(
        self, trace: Trace, names: Names, inside: set[Tensor], xp: Any
    ) -> None:
        self.trace, self.names, self.inside, self.xp = trace, names, inside, xp
        self.slices = Slices(xp)

    def is_parameter(self, t: Tensor) -> bool:
        """Whether it is a parameter of a module."""
        return self.trace.origin.get(t) in self.names.parameters

    def made(self, z: Tensor, at: Positions) -> Trace:
        """The small graph that ends in z's slice."""
        trace = self.trace
        wanted: dict[tuple[Tensor, Any], Positions] = {(z, key_of(at)): at}
        plan: dict[tuple[Tensor, Any], Slice | None] = {}
        todo = [(z, at)]
        while todo:
            t, at = todo.pop()
            plan[t, key_of(at)] = found = self.slice_of(t, at)
            for item in found[2] if found else ():
                if isinstance(item, tuple) and (item[0], key_of(item[1])) not in wanted:
                    wanted[item[0], key_of(item[1])] = item[1]
                    todo.append(item)
        small = Trace([], [], who=trace.who)
        copies: dict[tuple[Tensor, Any], Tensor] = {}
        place = {t: i for i, t in enumerate(trace.tensors())}
        for key in sorted(wanted, key=_first_in(place)):
            t, at = key[0], wanted[key]
            copies[key] = copy = self.copy(t, at, plan[key], copies)
            if copy in small.positions:  # the very slice of its input
                if t._where is not None and t._where.target and t._where.readers:
                    small.called[copy] = t._where.target  # what the program calls it
                continue
            small.positions[copy] = at
            if t in trace.origin:
                small.origin[copy] = trace.origin[t]
            if t in trace.called:
                small.called[copy] = trace.called[t]
            if trace.total(t) is not None:
                small.totals[copy] = self.slices.pick(trace.total(t), at)
        end = copies[z, next(iter(wanted))[1]]
        seeds = [small.totals[end]] if end in small.totals else []
        return replace(small, roots=[end], seeds=seeds)

    def slice_of(self, t: Tensor, at: Positions) -> Slice | None:
        """How t's slice is made from slices of its inputs; None if it is a leaf, or
        needs no gradient.

        Raises:
            ValueError: it cannot be made so.
        """
        if t not in self.inside or not inputs_of(t) or not t._requires_grad:
            return None
        try:
            found = self.slices.of(t, at)
        except (IndexError, ValueError):  # what its kind promises is not so
            found = None
        if found is None:
            raise self.refused(t)
        op, params, items = found
        if op.kind == "movement" or op is SAME:  # before the steps behind it are blamed
            numbers = [self.slices.pick(x.array, place) for x, place in items]
            z = op.forward(self.xp, *numbers, **params)
            if departs(z, self.slices.pick(t.array, at), 0.0):
                raise self.refused(t, found)
        return found

    def copy(
        self, t: Tensor, at: Positions, found: Slice | None, copies: dict[Any, Tensor]
    ) -> Tensor:
        """t's slice as a tensor of the small graph, made of the copies of its inputs'
        slices."""
        data = self.slices.pick(t.array, at)
        if found is None:
            return leaf_like(t, data)
        op, params, items = found
        inputs = [
            copies[v[0], key_of(v[1])] if isinstance(v, tuple) else v for v in items
        ]
        if op is SAME:
            if not self.same_shares(t, at, None, items):
                raise self.refused(t, found)
            return inputs[0]
        copy = bare(t, data)
        copy._op, copy._params, copy._inputs = op, params, inputs
        copy._needs = [isinstance(x, Tensor) and x._requires_grad for x in inputs]
        finish(copy)
        if not (self.same_result(copy) and self.same_shares(t, at, copy, items)):
            raise self.refused(t, found)
        return copy

    def refused(self, t: Tensor, found: Slice | None = None) -> ValueError:
        """Why no head can be cut out through a step.

        Args:
            found: how its slice should have been made, by its kind; but it is not so.
        """
        assert t._op is not None
        kind, made = t._op.kind, self.trace.called.get(t, "")
        step = t._op.name + (f" (which makes {made})" if made != t._op.name else "")
        if not kind:
            others = ", ".join(k for k in KINDS if k and k != ELEMENTWISE[0])
            why = (
                f"its kind is not declared; write @primitive({ELEMENTWISE[0]!r}), or "
                f"another of: {others}"
            )
        elif found is not None:
            why = f"it is declared {kind!r}, but its numbers are not made so"
        elif kind in (*ROWWISE, "movement"):
            why = "one head's slice of it is not made of slices of its inputs"
        else:
            why = f"a {kind} is not followed into one head"
        return ValueError(
            f"{self.trace.who}: head= given, but one head cannot be cut out through "
            f"{step}: {why}. Give module= for all heads at once"
        )

    # --- is the small step the same as the large one? ---------------------------------

    def same_result(self, copy: Tensor) -> bool:
        """Whether the small step makes the recorded numbers."""
        op = copy._op
        assert op is not None
        try:
            with self.xp.quiet():
                got = op.forward(self.xp, *(copy._arrays or ()), **copy._params)
        except Exception:  # a forward of the reader's own, on a shape it does not know
            return False
        got = got[0] if isinstance(got, tuple) else got
        scale = size(copy.array, *(x.array for x in inputs_of(copy)))
        return got.shape == copy.shape and not departs(got, copy.array, scale)

    def same_shares(
        self, t: Tensor, at: Positions, copy: Tensor | None, items: list[Any]
    ) -> bool:
        """Whether a gradient that arrives at the slice alone is passed to the slices of
        the inputs alone, as the small step (none, if it is the input's slice itself)
        passes it."""
        xp = self.xp
        irregular = xp.sin(xp.astype(at, "float64") * 0.7 + 1.0)  # any gradient will do
        u = xp.astype(irregular, t.dtype)
        with xp.quiet(), no_grad():
            whole = shares_of(xp, t, self.spread(u, at, t))
            small = shares_of(xp, copy, u) if copy is not None else [u]
        left: dict[Tensor, Any] = {}
        for x, share in zip(t._inputs or (), whole):
            if share is not None:
                share = fit(xp, share, x, t)
                left[x] = left[x] + share if x in left else share
        scales = {x: magnitude(share) + 1e-3 for x, share in left.items()}
        for i, (item, share) in enumerate(zip(items, small)):
            if share is not None and isinstance(item, tuple) and item[0] in left:
                if copy is not None:
                    share = fit(xp, share, (copy._inputs or ())[i], copy)
                left[item[0]] = left[item[0]] - self.spread(share, item[1], item[0])
        return not any(departs(rest, rest * 0.0, scales[x]) for x, rest in left.items())

    def spread(self, numbers: Any, at: Positions, x: Tensor) -> Any:
        """Zeros in the shape of x, with numbers added at some positions."""
        n = prod(at.shape)
        column = self.xp.reshape(numbers, (n, 1))
        line = self.xp.scatter_add(column, self.xp.reshape(at, (n,)), x.size)
        return self.xp.reshape(line, x.shape)


def _first_in(place: dict[Tensor, int]) -> Any:
    def order(key: tuple[Tensor, Any]) -> int:
        return place[key[0]]

    return order
