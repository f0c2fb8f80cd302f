"""One head of an attention, for one sequence of the batch, cut out of the graph.

A layer computes all heads of all sequences at once: its projections are one product,
then reshaped. Which numbers of the product, and so which rows of the weights, belong to
head h? The recorded steps tell, if they are run on **positions**. Number the product's
elements 0, 1, 2, ... in an array of its shape, and run the recorded reshape and
transpose on that array. Head h of sequence b then holds the positions of its numbers.

`cut` follows the positions from the head's result back to the inputs of the layer, one
operation at a time, and makes a small graph of the slices. The numbers of each slice
are the recorded ones, to the last bit. Each small operation is also computed, and its
vjp, to check that they are those of the large one. The walk begins with the head's
slice of ∂L/∂z. So the gradient of a weight or an input is the share of this head and
this sequence, and the shares of all heads and sequences add up to the total.

An operation through which no slice can be followed is refused by its name. What needs
no gradient, such as a mask, is a constant there.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from numbers import Integral
from typing import Any

from ...arrays.backends import namespace_of
from ...autograd.walk import fit, shares_of
from ...context import no_grad
from ...rules.operation import ELEMENTWISE, KINDS, ROWWISE
from ...tensor import Tensor
from ..check import departs, magnitude, size
from ..data import flat
from ..names import Names, is_module, within
from ..trace import Trace, bare, finish, inputs_of, leaf_like, scopes
from .slices import SAME, Positions, Slice, Slices


def cut(trace: Trace, names: Names, head: Any, sample: Any) -> Trace:
    """The trace of one head and one sequence.

    Args:
        head: (attention layer or its path, number of the head), and the number of the
            call if the layer was called several times.
        sample: number of the sequence.

    Raises:
        ValueError: the layer, head or sequence does not exist, or the layer computes
            no attention.
    """
    who = trace.who
    if not isinstance(head, (tuple, list)) or len(head) not in (2, 3):
        given = type(head).__name__ if is_module(head) else repr(head)
        raise ValueError(
            f"{who}: head={given} given; it must be (attention layer or its path, "
            "number of the head), and the number of the call if there were several"
        )
    layer = names.find(who, head[0])
    inside = {
        t for t in trace.tensors() if any(s.owner is layer for s in scopes(t._scope))
    }
    results = results_of_attention(who, trace, inside, layer)
    call = head[2] if len(head) == 3 else 0
    if (len(results) > 1 and len(head) == 2) or call not in range(len(results)):
        raise ValueError(
            f"{who}: head={type(layer).__name__} {head[1:]} given; {len(results)} "
            "attentions are computed in it: give a layer inside it, or (layer, head, "
            f"call) with a call of 0..{len(results) - 1}"
        )
    z = results[call]
    block = block_of(who, layer, z.shape, head[1], sample)
    this = next(s for s in scopes(z._scope) if s.owner is layer)
    inside = {t for t in inside if within(t, this)}  # of this call
    xp = namespace_of([z.data])
    head_of = Cut(trace, inside, xp)
    return head_of.made(z, head_of.slices.block_of_ids(z.shape, block))


def results_of_attention(
    who: str, trace: Trace, inside: set[Tensor], layer: Any
) -> list[Tensor]:
    """The results of attention: of the composite, or of a product that takes the
    weights of a softmax."""
    found: list[Tensor] = []
    order = [t for t in trace.tensors() if t in inside]
    weights: set[Tensor] = set()  # a softmax's result, also after a mask or dropout
    for t in order:
        kind = t._op.kind if t._op else ""
        if kind == "attention":
            found.append(t)
        if kind == "softmax" and t.ndim >= 2:
            weights.add(t)
        elif weights & set(inputs_of(t)):
            if kind == "product":
                found.append(t)
            else:
                weights.add(t)
    if found:
        return found
    raise ValueError(
        f"{who}: head={type(layer).__name__} given; it must be a layer in which one "
        "attention is computed, on the way to the root"
    )


def block_of(
    who: str, layer: Any, shape: tuple[int, ...], head: Any, sample: Any
) -> int:
    """Which (T, d_v) block of the result belongs to this head and this sequence."""
    lead = shape[:-2]
    known = ("num_heads", "n_heads", "n_head", "heads", "nhead")
    stated = next((getattr(layer, k) for k in known if hasattr(layer, k)), None)
    many = bool(lead) and (lead[-1] == stated if stated else len(lead) > 1)
    heads = lead[-1] if many else 1
    samples = prod(lead) // heads if heads else 0
    for what, given, count in (("head", head, heads), ("sample", sample, samples)):
        whole = isinstance(given, Integral) and not isinstance(given, bool)
        if not whole or not 0 <= given < count:
            raise ValueError(
                f"{who}: {what} {given!r} given; {type(layer).__name__} has {count} "
                f"{what}{'' if count == 1 else 's'}, numbered from 0"
            )
    return int(sample) * heads + int(head)


class Cut:
    """Finds a head's slices, from its result backward."""

    def __init__(self, trace: Trace, inside: set[Tensor], xp: Any) -> None:
        self.trace, self.inside, self.xp = trace, inside, xp
        self.slices = Slices(xp)

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
            if copy in small.positions:
                continue  # the very slice of its input, under the input's name
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
        op, _, items = found
        if op.kind == "movement" or op is SAME:  # before the steps behind it are blamed
            numbers = [self.slices.pick(x.data, place) for x, place in items]
            if departs(self.moved(found, numbers), self.slices.pick(t.data, at), 0.0):
                raise self.refused(t, found)
        return found

    def moved(self, found: Slice, numbers: list[Any]) -> Any:
        """What the small step of a movement makes of the slices of its inputs."""
        op, params, _ = found
        z = op.forward(self.xp, *numbers, **params)
        return self.xp.astype(z, "float64") if str(z.dtype) == "bool" else z

    def copy(
        self, t: Tensor, at: Positions, found: Slice | None, copies: dict[Any, Tensor]
    ) -> Tensor:
        """t's slice as a tensor of the small graph, made of the copies of its inputs'
        slices."""
        data = self.slices.pick(t.data, at)
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
        scale = size(copy.data, *(x.data for x in inputs_of(copy)))
        return got.shape == copy.shape and not departs(got, copy.data, scale)

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


def key_of(at: Positions) -> Any:
    """Positions as a key of a dict."""
    return (*at.shape, *flat(at))


def _first_in(place: dict[Tensor, int]) -> Any:
    def order(key: tuple[Tensor, Any]) -> int:
        return place[key[0]]

    return order
