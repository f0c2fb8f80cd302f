"""One head of many, for one sequence of the batch, cut out of what was recorded.

A layer computes all heads of all sequences at once: its projections are one product,
then reshaped. Which numbers of the product, and so which rows of the weights, belong to
head h? Nobody needs to be told: **index the positions**. Number the product's elements
0, 1, 2, ... in an array of its shape, and run the recorded reshape and transpose on
that array. What arrives at head h and sequence b are the positions its numbers had.

`cut` follows them from the head's result to the inputs of the layer, one operation at a
time, and makes a small graph of the slices. The slices are what was recorded, to the
last bit; each small operation is computed too, to prove that these inputs give that
result. The gradients begin with the head's slice of the recorded ∂L/∂z. So what they
say of a weight or an input is this head's and this sequence's share, and the shares of
all heads and sequences add up to the total.

An operation that `cut` does not know ends the way back: its slice becomes an input.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from numbers import Integral
from typing import Any

from ...arrays.backends import namespace_of
from ...rules import movement
from ...rules.operation import Op
from ...tensor import Tensor
from ..check import compare, size
from ..data import flat
from ..names import Names, is_module, within
from ..trace import MOVEMENT, Trace, bare, finish, inputs_of, leaf_like, scopes

ATTENTION = "scaled_dot_product_attention"
ELEMENTWISE = (
    *("neg", "exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf"),
    *("add", "sub", "mul", "div", "pow", "maximum", "where", "astype"),
    *("relu", "leaky_relu", "gelu", "gelu_tanh", "sigmoid", "silu", "softplus"),
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("dropout", "stop_gradient"),
)
NORMS = ("softmax", "log_softmax", "layer_norm", "rms_norm")

Positions = Any  # an array of integers: where in the flattened whole a slice lies
Slices = tuple[Op, dict[str, Any], list[Any]]  # (op, params, [(x, positions) or x])


def cut(trace: Trace, names: Names, head: Any, sample: Any) -> Trace:
    """The trace of one head and one sequence.

    Args:
        head: (attention layer or its path, number of the head); and the number of the
            call, if the layer was called several times.
        sample: number of the sequence.

    Raises:
        ValueError: there is no such layer, head or sequence, or no attention in it.
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
    return head_of.made(z, head_of.block_of_ids(z.shape, block))


def results_of_attention(
    who: str, trace: Trace, inside: set[Tensor], layer: Any
) -> list[Tensor]:
    """The blends of values: what the attention composite made, or the product that
    takes a softmax's weights."""
    found: list[Tensor] = []
    order = [t for t in trace.tensors() if t in inside]
    weights: set[Tensor] = set()  # a softmax's result, masked or dropped or not
    for t in order:
        name = t._op.name if t._op else ""
        if name == ATTENTION:
            found.append(t)
        if name == "softmax" and t.ndim >= 2:
            weights.add(t)
        elif weights & set(inputs_of(t)):
            if name == "matmul":
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
    """Which of the (T, d_v) blocks of the result is this head's and this sequence's."""
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
    """A head's slices, found from its result backward."""

    def __init__(self, trace: Trace, inside: set[Tensor], xp: Any) -> None:
        self.trace, self.inside, self.xp = trace, inside, xp

    def made(self, z: Tensor, at: Positions) -> Trace:
        """The small graph that ends in z's slice."""
        trace, xp = self.trace, self.xp
        wanted: dict[tuple[Tensor, Any], Positions] = {(z, key_of(at)): at}
        plan: dict[tuple[Tensor, Any], Slices | None] = {}
        todo = [(z, at)]
        while todo:
            t, at = todo.pop()
            plan[t, key_of(at)] = found = self.slices(t, at)
            for item in found[2] if found else ():
                if isinstance(item, tuple) and (item[0], key_of(item[1])) not in wanted:
                    wanted[item[0], key_of(item[1])] = item[1]
                    todo.append(item)
        small = Trace([], [], who=trace.who)
        copies: dict[tuple[Tensor, Any], Tensor] = {}
        place = {t: i for i, t in enumerate(trace.tensors())}
        for key in sorted(wanted, key=_first_in(place)):
            t, at = key[0], wanted[key]
            data, found = self.pick(t.data, at), plan[key]
            if found is None:
                copies[key] = copy = leaf_like(t, data)
            else:
                op, params, items = found
                if op is SAME:
                    copies[key] = copies[items[0][0], key_of(items[0][1])]
                    continue
                copies[key] = copy = bare(t, data)
                copy._op, copy._params = op, params
                copy._inputs = [
                    copies[v[0], key_of(v[1])] if isinstance(v, tuple) else v
                    for v in items
                ]
                finish(copy)
                with xp.quiet():
                    got = op.forward(xp, *(copy._arrays or ()), **params)
                got = got[0] if isinstance(got, tuple) else got
                arrays = [x.data for x in inputs_of(copy)]
                compare(f"one head's {op.name}", got, data, size(data, *arrays))
            small.positions[copy] = at
            if t in trace.origin:
                small.origin[copy] = trace.origin[t]
            if t in trace.called:
                small.called[copy] = trace.called[t]
            if trace.total(t) is not None:
                small.totals[copy] = self.pick(trace.total(t), at)
        end = copies[z, next(iter(wanted))[1]]
        seeds = [small.totals[end]] if end in small.totals else []
        return replace(small, roots=[end], seeds=seeds)

    # --- positions --------------------------------------------------------------------

    def ids(self, shape: tuple[int, ...]) -> Positions:
        """0, 1, 2, ... in a shape."""
        return self.xp.reshape(self.xp.arange(0, prod(shape)), shape)

    def pick(self, whole: Any, at: Positions) -> Any:
        """The numbers at some positions of the flattened whole, in their shape."""
        line = self.xp.reshape(whole, (prod(whole.shape),))
        index = self.xp.reshape(at, (prod(at.shape),))
        return self.xp.reshape(self.xp.take(line, index, axis=0), at.shape)

    def outer(self, rows: list[int], columns: list[int], width: int) -> Positions:
        """Row · width + column, for all pairs."""
        pairs = [r * width + c for r in rows for c in columns]
        array = self.xp.asarray(pairs, "int64")
        return self.xp.reshape(array, (len(rows), len(columns)))

    def broadcast(self, x: Tensor, shape: tuple[int, ...], at: Positions) -> Positions:
        """Where the elements of x lie that were broadcast to these positions, without
        the axes along which they are the same."""
        found = self.pick(self.xp.broadcast_to(self.ids(x.shape), shape), at)
        values = found.tolist()
        while found.ndim and all(row == values[0] for row in values):
            values = values[0]
            found = found[0]
        if found.ndim == 2 and all(len(set(row)) == 1 for row in values):
            found = found[:, :1]
        return found

    def rows_and_columns(
        self, at: Positions, width: int
    ) -> tuple[list[int], list[int]] | None:
        """The rows and columns of a matrix that the positions are all pairs of."""
        if at.ndim != 2 or 0 in at.shape:
            return None
        values = at.tolist()
        rows = [row[0] // width for row in values]
        columns = [v % width for v in values[0]]
        if values != [[r * width + c for c in columns] for r in rows]:
            return None
        return rows, columns

    # --- one operation ----------------------------------------------------------------

    def slices(self, t: Tensor, at: Positions) -> Slices | None:
        """How t's slice is made from slices of its inputs; None if it is a leaf."""
        if t not in self.inside or not inputs_of(t) or t._op is None:
            return None
        name, op, inputs = t._op.name, t._op, list(t._inputs or ())
        if name in MOVEMENT:
            return self.move(t, at)
        if name in ELEMENTWISE:
            items = [
                (x, self.broadcast(x, t.shape, at)) if isinstance(x, Tensor) else x
                for x in inputs
            ]
            return op, t._params, items
        if name == "linear":
            return self.linear(t, at)
        if name == "matmul":
            return self.matmul(t, at)
        if name in NORMS:
            return self.along_the_last_axis(t, at)
        if name == ATTENTION:
            return self.attention(t, at)
        return None

    def move(self, t: Tensor, at: Positions) -> Slices:
        """A slice of moved numbers is a slice of the numbers before; what is left of a
        move within the slice is a transpose."""
        assert t._op is not None
        (x,) = inputs_of(t)
        found = self.pick(t._op.forward(self.xp, self.ids(x.shape), **t._params), at)
        if found.ndim == 2:
            turned = self.xp.permute_dims(found, (1, 0))
            if not ascending(found) and ascending(turned):
                return movement.permute_dims, {"axes": (1, 0)}, [(x, turned)]
        return SAME, {}, [(x, found)]

    def linear(self, t: Tensor, at: Positions) -> Slices | None:
        """Rows of x, and those rows of W that made these columns."""
        x, weight, bias = t._inputs or ()
        pairs = self.rows_and_columns(at, t.shape[-1])
        if pairs is None or t._op is None:
            return None
        rows, columns = pairs
        every = list(range(x.shape[-1]))
        items = [
            (x, self.outer(rows, every, len(every))),
            (weight, self.outer(columns, every, len(every))),
            None if bias is None else (bias, self.outer([0], columns, 0)[0]),
        ]
        return t._op, t._params, items

    def matmul(self, t: Tensor, at: Positions) -> Slices | None:
        """Rows of x and columns of y, of one block of the batch."""
        x, y = t._inputs or ()
        n, m = t.shape[-2:]
        k = x.shape[-1]
        pairs = self.rows_and_columns(at, m)
        if pairs is None or t._op is None:
            return None
        rows, columns = pairs
        blocks = {r // n for r in rows}
        if len(blocks) != 1:
            return None
        (block,) = blocks
        every = list(range(k))
        left = self.block(x, (*t.shape[:-2], n, k), block)
        right = self.block(y, (*t.shape[:-2], k, m), block)
        items = [
            (x, self.pick(left, self.outer([r % n for r in rows], every, k))),
            (y, self.pick(right, self.outer(every, columns, m))),
        ]
        return t._op, t._params, items

    def block(self, x: Tensor, shape: tuple[int, ...], block: int) -> Positions:
        """Where the elements of one matrix of a batch lie, x being broadcast to it."""
        spread = self.xp.broadcast_to(self.ids(x.shape), shape)
        return self.xp.reshape(spread, (prod(shape[:-2]), *shape[-2:]))[block]

    def along_the_last_axis(self, t: Tensor, at: Positions) -> Slices | None:
        """A softmax or a norm of whole rows."""
        width = t.shape[-1]
        pairs = self.rows_and_columns(at, width)
        axis = t._params.get("axis")
        last = (t.ndim - 1, -1, (t.ndim - 1,), (-1,))
        if pairs is None or axis not in last or pairs[1] != list(range(width)):
            return None
        axis = (1,) if isinstance(axis, tuple) else 1
        x, *others = t._inputs or ()
        items: list[Any] = [(x, at)]
        items += [None if v is None else (v, self.ids(v.shape)) for v in others]
        assert t._op is not None
        return t._op, t._params | {"axis": axis}, items

    def attention(self, t: Tensor, at: Positions) -> Slices | None:
        """One block of each: Q, K, V, and of the masks where there are some."""
        query, key, value, mask, keep = t._inputs or ()
        lead, n = t.shape[:-2], prod(t.shape[-2:])
        block = at.tolist()[0][0] // n if n else 0
        energies = (*lead, query.shape[-2], key.shape[-2])
        items: list[Any] = [
            (x, self.block(x, (*lead, *x.shape[-2:]), block))
            for x in (query, key, value)
        ]
        for x in (mask, keep):
            if x is None:
                items.append(None)
                continue
            whole = self.block_of_ids(energies, block)
            items.append((x, self.broadcast(x, energies, whole)))
        assert t._op is not None
        return t._op, t._params, items

    def block_of_ids(self, shape: tuple[int, ...], block: int) -> Positions:
        """Where the elements of one matrix of a batch lie in an array of this shape."""
        n = prod(shape[-2:])
        return self.xp.reshape(self.xp.arange(block * n, block * n + n), shape[-2:])


def key_of(at: Positions) -> Any:
    """Positions as a key of a dict."""
    return (*at.shape, *flat(at))


def ascending(at: Positions) -> bool:
    """Whether positions are in the order in which they lie."""
    places = flat(at)
    return all(a < b for a, b in zip(places, places[1:]))


def _first_in(place: dict[Tensor, int]) -> Any:
    def order(key: tuple[Tensor, Any]) -> int:
        return place[key[0]]

    return order


def _same(xp: Any, x: Any) -> Any:
    return x


SAME = Op(_same, composite=False)  # a slice that is its input's very slice
