"""How a slice of a step's result is made from slices of its inputs.

A slice is known by the **positions** of its numbers in the flattened whole. The kind of
the operation (rules/operation.py) says which positions of the inputs they come from: an
element-wise one takes those at the same place, a product rows and columns, a norm whole
rows. A movement is run on positions: number its input's elements, and run it on that
array.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...rules import movement
from ...rules.operation import ROWWISE, Op
from ...tensor import Tensor
from ..data import flat
from ..trace import inputs_of, on_positions

Positions = Any  # an array of integers: where in the flattened whole a slice lies
Slice = tuple[Op, dict[str, Any], list[Any]]  # (op, params, [(x, positions) or x])


class Slices:
    """Finds slices with the arrays of a namespace."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

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
        the axes along which they are equal."""
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
        """The rows and columns of a matrix whose pairs the positions are, in order;
        None if the positions are no such block."""
        if at.ndim != 2 or 0 in at.shape:
            return None
        values = at.tolist()
        rows = [row[0] // width for row in values]
        columns = [v % width for v in values[0]]
        if values != [[r * width + c for c in columns] for r in rows]:
            return None
        return rows, columns

    # --- one operation ----------------------------------------------------------------

    def of(self, t: Tensor, at: Positions) -> Slice | None:
        """How t's slice is made; None if it cannot be made of slices."""
        op, inputs = t._op, list(t._inputs or ())
        assert op is not None
        if op.kind == "movement":
            return self.movement(t, at)
        if op.elementwise or op.kind == "":  # of an unknown kind a guess; Cut checks it
            items = [
                (x, self.broadcast(x, t.shape, at)) if isinstance(x, Tensor) else x
                for x in inputs
            ]
            return op, t._params, items
        if op.kind == "product":
            turned = op.meaning.turned
            if turned and inputs[1].ndim == 2:
                return self.linear(t, at)
            return self.matmul(t, at, turned)
        if op.kind in ROWWISE:
            return self.along_the_last_axis(t, at)
        if op.kind == "reduction":
            return self.whole_rows(t, at)
        if op.kind == "attention":
            return self.attention(t, at)
        return None

    def movement(self, t: Tensor, at: Positions) -> Slice | None:
        """A slice of moved numbers is a slice of an input. Within the slice the move is
        either nothing or a transpose; or two inputs meet in it, end to end."""
        assert t._op is not None
        inputs = inputs_of(t)
        arrays = [x.array for x in inputs]
        whole, starts, end = on_positions(self.xp, t._op, t._params, arrays)
        if str(whole.dtype) != "int64":  # it computes with them
            return None
        origins = [(inputs[i], start) for i, start in starts.items()]
        found = self.pick(whole, at)
        pieces = self.pieces(found, [*starts.values()], end)
        if pieces is None:
            return None
        axis, runs = pieces
        items = [(origins[n][0], part - origins[n][1]) for n, part in runs]
        if len(items) > 1:
            return movement.concat, {"axis": axis}, items
        ((x, found),) = items
        if found.ndim == 2:
            turned = self.xp.permute_dims(found, (1, 0))
            if not ascending(found) and ascending(turned):
                return movement.permute_dims, {"axes": (1, 0)}, [(x, turned)]
        return SAME, {}, [(x, found)]

    def pieces(
        self, found: Positions, starts: list[int], end: int
    ) -> tuple[int, list[tuple[int, Positions]]] | None:
        """Positions as runs along an axis, each from one input: (axis, [(number of the
        input, positions)]); None if they are no such runs, or if a number was put
        there (position 0)."""
        places = flat(found)
        if not places or not 0 < min(places) <= max(places) < end:
            return None
        which = {p: sum(p >= start for start in starts) - 1 for p in places}
        if len({*which.values()}) == 1:
            return 0, [(which[places[0]], found)]
        for axis in range(found.ndim - 1, -1, -1):
            lines = [
                found[(slice(None),) * axis + (i,)] for i in range(found.shape[axis])
            ]
            owners = [{which[p] for p in flat(line)} for line in lines]
            if any(len(owner) > 1 for owner in owners):
                continue
            runs, first = [], 0
            for i in range(1, len(lines) + 1):
                if i == len(lines) or owners[i] != owners[first]:
                    run = found[(slice(None),) * axis + (slice(first, i),)]
                    runs.append((next(iter(owners[first])), run))
                    first = i
            return axis, runs
        return None

    def linear(self, t: Tensor, at: Positions) -> Slice | None:
        """Rows of x, and the rows of W that make these columns."""
        x, weight, *bias = t._inputs or ()
        pairs = self.rows_and_columns(at, t.shape[-1])
        if pairs is None or t._op is None:
            return None
        rows, columns = pairs
        every = list(range(x.shape[-1]))
        items = [
            (x, self.outer(rows, every, len(every))),
            (weight, self.outer(columns, every, len(every))),
            *(b if b is None else (b, self.outer([0], columns, 0)[0]) for b in bias),
        ]
        return t._op, t._params, items

    def matmul(self, t: Tensor, at: Positions, turned: bool) -> Slice | None:
        """Rows of x and columns of y (rows, if it is turned), of one block of the
        batch."""
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
        right = self.block(y, (*t.shape[:-2], *((m, k) if turned else (k, m))), block)
        across = (columns, every, k) if turned else (every, columns, m)
        items = [
            (x, self.pick(left, self.outer([r % n for r in rows], every, k))),
            (y, self.pick(right, self.outer(*across))),
        ]
        return t._op, t._params, items

    def block(self, x: Tensor, shape: tuple[int, ...], block: int) -> Positions:
        """Where the elements of one matrix of a batch lie, after x is broadcast."""
        spread = self.xp.broadcast_to(self.ids(x.shape), shape)
        return self.xp.reshape(spread, (prod(shape[:-2]), *shape[-2:]))[block]

    def along_the_last_axis(self, t: Tensor, at: Positions) -> Slice | None:
        """A softmax or a norm of whole rows."""
        width = t.shape[-1]
        pairs = self.rows_and_columns(at, width)
        axis = t._params.get("axis", -1)  # its own row, if it has no axis
        last = (t.ndim - 1, -1, (t.ndim - 1,), (-1,))
        if pairs is None or axis not in last or pairs[1] != list(range(width)):
            return None
        axis = (1,) if isinstance(axis, tuple) else 1
        x, *others = t._inputs or ()
        items: list[Any] = [(x, at)]
        items += [None if v is None else (v, self.ids(v.shape)) for v in others]
        assert t._op is not None
        params = t._params | {"axis": axis} if "axis" in t._params else t._params
        return t._op, params, items

    def whole_rows(self, t: Tensor, at: Positions) -> Slice | None:
        """A sum or a maximum of whole rows: number p of the result is made of row p."""
        x, *others = t._inputs or ()
        axis = t._params.get("axis")
        last = (x.ndim - 1, -1, (x.ndim - 1,), (-1,))
        rows, width = flat(at), x.shape[-1] if x.ndim else 0
        column = at.ndim == 2 and at.shape[1] == 1
        if others or axis not in last:
            return None
        kept = t._params.get("keepdims", False)
        if kept != column or (not kept and at.ndim != 1):
            return None
        every = list(range(width))
        assert t._op is not None
        params = t._params | {"axis": (1,) if isinstance(axis, tuple) else 1}
        return t._op, params, [(x, self.outer(rows, every, width))]

    def attention(self, t: Tensor, at: Positions) -> Slice | None:
        """One block of Q, K and V, and of the masks, if they were given."""
        query, key, value, *masks = t._inputs or ()
        lead, n = t.shape[:-2], prod(t.shape[-2:])
        block = at.tolist()[0][0] // n if n else 0
        energies = (*lead, query.shape[-2], key.shape[-2])
        items: list[Any] = [
            (x, self.block(x, (*lead, *x.shape[-2:]), block))
            for x in (query, key, value)
        ]
        for x in masks:
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
    """Whether positions are strictly increasing: the numbers keep their order."""
    places = flat(at)
    return all(a < b for a, b in zip(places, places[1:]))


def _same(xp: Any, x: Any) -> Any:
    return x


SAME = Op(_same, composite=False)  # the slice is the input's slice itself
