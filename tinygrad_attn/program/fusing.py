"""Fusing: many steps in one walk over rows.

A step alone reads its operands from memory and leaves its result there, for the next
step to read. If both have the same rows, one walk can do both: row r of the second is
computed as soon as row r of the first is there, and what only a row needs never leaves
the processor. The steps of a softmax (max, exp, sum, division) are one walk.

    rows     all axes but the last; a step's result and operands have an address for
             each row, and within it a stride
    loop     along the last axis. Steps of one loop are computed number by number; one
             that needs a whole row (by a sum, or by another number of it) is in a later
             loop of the same walk
    group    the steps of one walk

What stands in several rows (a sum over rows, a transpose) is complete only when the
walk is, and needs another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from ..arrays.shapes import Shape
from .anatomy import Buffer, Map, Reduce, Step, View
from .arranging import bounds, overlaps
from .loops import merged, strides_in


@dataclass(eq=False)
class Operand:
    """A view, row by row.

    Attributes:
        rows: its stride along each axis of the rows.
        along: its stride within a row.
    """

    view: View
    rows: Shape
    along: int


@dataclass(eq=False)
class Item:
    """A step, row by row.

    Attributes:
        rows: the sizes of the axes of its rows.
        length: how many numbers a row has.
        out, reads: where its result and its operands lie.
        kind: "map", "row" (each row is reduced) or "rows" (rows are added up).
        loop: the number of its loop, in its group.
    """

    step: Step
    rows: Shape
    length: int
    out: Operand
    reads: list[Operand]
    kind: str = "map"
    loop: int = 0


@dataclass(eq=False)
class Group:
    """Steps that are computed in one walk; or a single one of another kind.

    Attributes:
        steps: in order.
        rows: the sizes of the axes of the rows.
        items: the steps, row by row; empty for a step of another kind.
    """

    steps: list[Step]
    rows: Shape = ()
    items: list[Item] = field(default_factory=list)


# --- a step, row by row ---------------------------------------------------------------


def item_of(step: Step, whole: bool = False) -> Item | None:
    """A step row by row; if `whole`, each number is a row. None if it has no rows."""
    if isinstance(step, Map) and step.out.buffer.role != "scalar":
        shape = step.out.shape
        reads = [v for v in step.reads() if v.buffer.role != "scalar"]
        strides = [strides_in(v, shape) for v in (step.out, *reads)]
        kind = "map"
    elif isinstance(step, Reduce) and step.function in ("sum", "max"):
        shape, reads = step.x.shape, [step.x]
        reduced = {a for a in step.axes if shape[a] != 1}
        out = tuple(0 if a in reduced else s for a, s in enumerate(step.out.strides))
        strides = [out, step.x.strides]
        last = max((a for a, n in enumerate(shape) if n != 1), default=-1)
        kind = "row" if not reduced or last in reduced else "rows"
        if whole or (step.function == "max" and reduced != {last}):
            return None
    else:
        return None
    axes = [a for a, n in enumerate(shape) if n != 1]
    if prod(shape) == 0:
        return None
    length = 1 if whole or not axes else shape[axes[-1]]
    leading = axes if whole else axes[:-1]
    along = [0 if whole or not axes else s[axes[-1]] for s in strides]
    rows = merged(
        [shape[a] for a in leading], [[s[a] for a in leading] for s in strides]
    )
    operands = [
        Operand(view, own, j)
        for view, own, j in zip((step.out, *reads), rows.strides, along)
    ]
    return Item(step, rows.sizes, length, operands[0], operands[1:], kind)


def refined(a: Shape, b: Shape) -> Shape | None:
    """The sizes into which both can be cut, if there are any.

    >>> refined((64,), (4, 16)), refined((4, 16), (8, 8)), refined((6,), (4,))
    ((4, 16), (4, 2, 8), None)
    """
    ends = sorted({*ends_of(a), *ends_of(b)})
    if prod(a) != prod(b) or any(y % x for x, y in zip(ends, ends[1:])):
        return None
    sizes = [y // x for x, y in zip([1, *ends], ends)]
    return tuple(reversed(sizes))


def ends_of(sizes: Shape) -> list[int]:
    """Where axes end, counted in numbers from the last on."""
    found, step = [], 1
    for size in reversed(sizes):
        step *= size
        found.append(step)
    return found


def cut(item: Item, rows: Shape) -> None:
    """Cuts the axes of an item's rows into smaller ones."""
    if item.rows == rows:
        return
    for operand in (item.out, *item.reads):
        strides, at, step = [], len(item.rows) - 1, 1
        for size in reversed(rows):
            strides.append(operand.rows[at] * step)
            step *= size
            if step == item.rows[at]:
                at, step = at - 1, 1
        operand.rows = tuple(reversed(strides))
    item.rows = rows


# --- groups ---------------------------------------------------------------------------


def fused(steps: Sequence[Step]) -> list[Group]:
    """The steps in groups, in an order in which each has what it needs; those of the
    update by themselves."""
    starts = [i for i, s in enumerate(steps) if s.origin.part == "update"]
    start = starts[0] if starts else len(steps)
    return [*grouped(steps[:start]), *grouped(numbers_first(steps[start:]))]


def grouped(steps: Sequence[Step]) -> list[Group]:
    """The groups of some steps, each step in the first that it may be in."""
    groups: list[Group] = []
    touched: dict[Buffer, list[tuple[int, Step]]] = {}
    for step in steps:
        earliest = first_group(step, touched)
        place = joined(step, groups, earliest)
        if place is None:
            place = len(groups)
            item = item_of(step)
            groups.append(
                Group([step], item.rows if item else (), [item] if item else [])
            )
        for view in (step.out, *step.reads()):
            touched.setdefault(view.buffer.place[0], []).append((place, step))
    return groups


def numbers_first(update: Sequence[Step]) -> list[Step]:
    """The steps of an update, its plain numbers (1 − βᵗ) before all else: they need no
    array, and no walk shall wait for them."""
    return sorted(update, key=lambda step: step.out.buffer.role != "scalar")


def first_group(step: Step, touched: dict[Buffer, list[tuple[int, Step]]]) -> int:
    """The first group that a step may be in: that of the last step that it needs, or
    that must not be disturbed."""
    earliest = 0
    for at, other in touched.get(step.out.buffer.place[0], ()):
        if any(meet(step.out, view) for view in (other.out, *other.reads())):
            earliest = max(earliest, at)
    for read in step.reads():
        for at, other in touched.get(read.buffer.place[0], ()):
            if meet(read, other.out):
                earliest = max(earliest, at)
    return earliest


def meet(x: View, y: View) -> bool:
    """Whether two views may have a number in common."""
    if x.buffer.place[0] is not y.buffer.place[0]:
        return False
    return overlaps(x, *bounds(y))


def joined(step: Step, groups: list[Group], earliest: int) -> int | None:
    """The group that a step was put into, the last that it may and can be in."""
    for at in range(len(groups) - 1, max(earliest, len(groups) - REACH) - 1, -1):
        group = groups[at]
        if not group.items:
            continue
        for whole in (False, True):
            item = item_of(step, whole)
            if item is not None and fits(item, group):
                group.steps.append(step)
                group.items.append(item)
                return at
    return None


REACH = 12  # how many groups back a step may go
MOST = 48  # steps in a group


def fits(item: Item, group: Group) -> bool:
    """Whether an item can be computed in the walk of a group; finds its loop."""
    rows = refined(group.rows, item.rows)
    if rows is None or len(group.items) >= MOST:
        return False
    if len(rows) > 4:
        return False
    before = [(i.rows, [o.rows for o in (i.out, *i.reads)]) for i in group.items]
    for other in (*group.items, item):
        cut(other, rows)
    loop = loop_for(item, group)
    if loop is None:
        for other, (own, strides) in zip(group.items, before):
            other.rows = own
            for operand, kept in zip((other.out, *other.reads), strides):
                operand.rows = kept
        return False
    group.rows, item.loop = rows, loop
    return True


def loop_for(item: Item, group: Group) -> int | None:
    """The first loop in which all is there that an item needs; None if the walk must be
    over before."""
    loop = 0
    for other in group.items:
        for read in item.reads:
            if meet(read.view, other.out.view):
                later = after(read, item, other)
                if later is None:
                    return None
                loop = max(loop, other.loop + later)
        for read in other.reads:  # it must be read before it is written anew
            if meet(read.view, item.out.view):
                if not aligned(read, item.out) or item.kind != "map":
                    return None
                loop = max(loop, other.loop)
        if meet(item.out.view, other.out.view):
            return None
    lengths = {i.loop: i.length for i in group.items if i.loop >= loop}
    while lengths.get(loop, item.length) != item.length:
        loop += 1
    return loop


def after(read: Operand, item: Item, other: Item) -> int | None:
    """How many loops after `other` its result can be read: 0 if number by number, 1 if
    somewhere in the same row; None if in another row."""
    if other.kind == "rows" or 0 in zeros(other):
        return None  # a sum over rows
    made = other.out
    rows_alike = all(
        a == b for n, a, b in zip(item.rows, read.rows, made.rows) if n != 1
    )
    if not rows_alike:
        return None
    shift = start(read.view) - start(made.view)
    if other.kind == "row" or other.length == 1:
        return (1 if other.kind == "row" else 0) if shift == 0 else None
    if shift == 0 and read.along == made.along and item.length == other.length:
        return 0
    last = shift + (item.length - 1) * read.along
    inside = (
        made.along == 1 and 0 <= min(shift, last) <= max(shift, last) < other.length
    )
    return 1 if inside else None


def zeros(item: Item) -> list[int]:
    """The strides of a result along its rows, if a row is written more than once."""
    if item.kind == "map":
        return []
    return [s for n, s in zip(item.rows, item.out.rows) if n != 1]


def start(view: View) -> int:
    """Where a view begins, in the outermost buffer."""
    return view.buffer.place[1] + view.offset


def aligned(a: Operand, b: Operand) -> bool:
    """Whether two operands are the same number in each place."""
    return start(a.view) == start(b.view) and (a.rows, a.along) == (b.rows, b.along)


# --- what stays in a walk -------------------------------------------------------------


def passing(groups: Sequence[Group], results: Sequence[View]) -> set[Buffer]:
    """The buffers that only one group uses, each written by one step alone: what stays
    in a walk and needs no memory."""
    kept = {view.buffer.place[0] for view in results}
    users: dict[Buffer, set[int]] = {}
    writers: dict[Buffer, int] = {}
    for at, group in enumerate(groups):
        for step in group.steps:
            out = step.out.buffer.place[0]
            writers[out] = writers.get(out, 0) + 1
            for view in (step.out, *step.reads()):
                users.setdefault(view.buffer.place[0], set()).add(at)
    return {
        item.out.view.buffer
        for group in groups
        for item in group.items
        if stays(item, group)
        and item.out.view.whole
        and item.out.view.buffer.role == "local"
        and item.out.view.buffer not in kept
        and item.out.view.buffer.home is None
        and writers[item.out.view.buffer] == 1
        and len(users[item.out.view.buffer]) == 1
    }


STACK = 4096  # numbers of a row that are kept beside the processor


def stays(item: Item, group: Group) -> bool:
    """Whether a row of a result can be kept: it is complete with its row, and small, if
    more is needed than one number at a time."""
    if item.kind == "rows" or crosses(item):
        return False
    return item.length <= STACK or not needs_row(item, group)


def needs_row(item: Item, group: Group) -> bool:
    """Whether a whole row of a result is needed: another loop reads it."""
    if item.kind == "row" or item.length == 1:
        return False
    buffer = item.out.view.buffer
    return any(
        reader.loop != item.loop
        for reader in group.items
        for read in reader.reads
        if read.view.buffer is buffer
    )


def crosses(item: Item) -> bool:
    """Whether a row's sum is added to those of other rows."""
    return item.kind == "row" and 0 in zeros(item)
