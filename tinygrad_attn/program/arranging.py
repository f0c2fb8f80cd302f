"""From a draft to a program: what nobody reads is left out, copies are saved.

needed     backward from the results: a step whose result nobody reads is dropped
unread     what is written anew before anybody reads it is not written first
settled    a buffer that is only copied into a part of another becomes that part
once       steps that depend on no input and no parameter run once, at the start
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .anatomy import LASTING, Buffer, Check, Map, Operand, Step, View


def needed(steps: Sequence[Step], results: Iterable[View]) -> list[Step]:
    """The steps that results, lasting buffers and checks depend on, in their order."""
    wanted = {view.buffer.place[0] for view in results}
    kept = []
    for step in reversed(steps):
        home = step.out.buffer.place[0]
        checks = isinstance(step, Check)
        if checks or home in wanted or home.role in LASTING:
            kept.append(step)
            wanted.update(view.buffer.place[0] for view in step.reads())
    return kept[::-1]


def unread(steps: Sequence[Step]) -> list[Step]:
    """The steps without those whose numbers are all written anew before they are read:
    zeros, of which a slice's gradient fills every place."""
    kept: list[Step] = []
    anew: dict[Buffer, list[tuple[int, int]]] = defaultdict(list)
    for step in reversed(steps):
        home = step.out.buffer.place[0]
        if not isinstance(step, Check):
            low, high = bounds(step.out)
            if any(a <= low and high <= b for a, b in anew[home]):
                continue
            if step.out.contiguous:
                anew[home].append((low, high))
        for view in step.reads():  # which comes before it writes
            low, high = bounds(view)
            ranges = anew[view.buffer.place[0]]
            ranges[:] = [(a, b) for a, b in ranges if b <= low or high <= a]
        kept.append(step)
    return kept[::-1]


def settled(steps: Sequence[Step]) -> list[Step]:
    """The steps without copies that can be saved: if all of a buffer is copied to a
    place that nothing else writes meanwhile, it can lie there from the start."""
    writes, reads = uses(steps)
    dropped = set()
    for at, step in enumerate(steps):
        if not isinstance(step, Map) or step.function != "copy":
            continue
        (source,) = step.args
        if not isinstance(source, View) or not source.whole or not step.out.contiguous:
            continue
        buffer, (home, offset) = source.buffer, step.out.buffer.place
        if buffer.role != "local" or buffer.home or buffer.dtype != home.dtype:
            continue
        if buffer is home or not writes[buffer]:
            continue
        first = writes[buffer][0]
        if not free(
            home, offset + step.out.offset, step, first, at, steps, writes, reads
        ):
            continue
        buffer.home = step.out.buffer, step.out.offset
        dropped.add(at)
        # what reads and writes the buffer, reads and writes its home
        writes[home] = sorted({*writes[home], *writes[buffer]} - {at})
        reads[home] = sorted({*reads[home], *reads[buffer]} - {at})
    return [step for at, step in enumerate(steps) if at not in dropped]


def free(
    home: Buffer,
    start: int,
    copy: Map,
    first: int,
    at: int,
    steps: Sequence[Step],
    writes: dict[Buffer, list[int]],
    reads: dict[Buffer, list[int]],
) -> bool:
    """Whether a place is unused from step `first` until it is copied to at `at`."""
    end = start + copy.out.size
    for i in writes[home]:
        if i != at and overlaps(steps[i].out, start, end):
            return False
    for i in reads[home]:
        if not first <= i < at:
            continue
        for view in steps[i].reads():
            if view.buffer.place[0] is home and overlaps(view, start, end):
                same_place = isinstance(steps[i], Map) and i == first
                whole = view.contiguous and bounds(view) == (start, end)
                if not (same_place and whole and steps[i].out.whole):
                    return False
    return home.role in ("local", *LASTING)


def bounds(view: View) -> tuple[int, int]:
    """The first place of the outermost buffer that a view has, and the one after the
    last."""
    start = view.buffer.place[1] + view.offset
    low = start + sum((n - 1) * s for n, s in zip(view.shape, view.strides) if s < 0)
    high = start + sum((n - 1) * s for n, s in zip(view.shape, view.strides) if s > 0)
    return (low, high + 1) if view.size else (start, start)


def overlaps(view: View, start: int, end: int) -> bool:
    """Whether a view has one of these places."""
    low, high = bounds(view)
    return low < end and start < high


def uses(
    steps: Sequence[Step],
) -> tuple[dict[Buffer, list[int]], dict[Buffer, list[int]]]:
    """For each outermost buffer the places of the steps that write it, and of those
    that read it."""
    writes: dict[Buffer, list[int]] = defaultdict(list)
    reads: dict[Buffer, list[int]] = defaultdict(list)
    for at, step in enumerate(steps):
        if not isinstance(step, Check):
            writes[step.out.buffer.place[0]].append(at)
        for view in step.reads():
            reads[view.buffer.place[0]].append(at)
    return writes, reads


def once(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """The steps that run once, and those of each run."""
    changing: set[Buffer] = set()
    before = -1
    while len(changing) > before:
        before = len(changing)
        for step in steps:
            homes = {view.buffer.place[0] for view in step.reads()}
            out = step.out.buffer.place[0]
            if out.role in LASTING or any(map(changes, homes)) or homes & changing:
                changing.add(out)
    first: list[Step] = []
    each: list[Step] = []
    for step in steps:
        again = step.out.buffer.place[0] in changing or isinstance(step, Check)
        again = again or step.origin.part != "forward"  # it is read where it belongs
        (each if again else first).append(step)
    return first, each


def changes(buffer: Buffer) -> bool:
    """Whether a buffer may have other numbers at each run."""
    if buffer.role == "constant":
        return buffer.owner is not None
    return buffer.role != "local"


def stages(
    steps: Sequence[Step], kept: Iterable[Buffer], tight: bool
) -> dict[Buffer, Buffer]:
    """Buffers that are only a stage on the way to another: made by one step, and read
    for the last time, number by number, by one that writes the other. They can lie
    where that step writes.

    Args:
        kept: those that lie elsewhere.
        tight: whether memory counts more than names: others may have read it before,
            and a choice may begin with what it chooses.
    """
    writes, reads = uses(steps)
    wanted = {buffer.place[0] for buffer in kept}
    found: dict[Buffer, Buffer] = {}
    homes: set[Buffer] = set()
    for at, step in enumerate(steps):
        if not isinstance(step, Map) or step.function == "copy":
            continue
        home = step.out.buffer.place[0]
        if home in homes or home.role not in ("local", *LASTING):
            continue
        if not step.out.contiguous or step.out.size != home.size:
            continue
        for v in by_place(step, tight):
            if not isinstance(v, View) or not v.whole or v.shape != step.out.shape:
                continue
            buffer = v.buffer
            alone = len(writes[buffer]) == 1 and reads[buffer][-1] == at
            alone = alone and (tight or reads[buffer][0] == at)
            alone = alone and same_places(step, buffer)
            if buffer.role != "local" or buffer.home or not alone or buffer in wanted:
                continue
            made = writes[buffer][0]
            if v.dtype != home.dtype or not steps[made].out.whole or buffer in found:
                continue
            if made < at and unused(home, made, at, steps, writes, reads):
                found[buffer] = home
                homes.add(home)
                break
    return found


def by_place(step: Map, tight: bool) -> tuple[Operand, ...]:
    """The operands in whose place a step's result can be written."""
    if step.function == "where":
        return step.args[:0:-1] if tight else step.args[2:]
    return step.args


def unused(
    home: Buffer,
    made: int,
    at: int,
    steps: Sequence[Step],
    writes: dict[Buffer, list[int]],
    reads: dict[Buffer, list[int]],
) -> bool:
    """Whether nobody needs a buffer's old numbers from one step until another writes
    them anew; the first may take them, each for the number in its place."""
    if any(made <= i < at for i in writes[home]):
        return False
    if any(made < i <= at for i in reads[home]):
        return False
    if made not in reads[home]:
        return True
    return same_places(steps[made], home)


def same_places(step: Step, buffer: Buffer) -> bool:
    """Whether a step needs of a buffer, for each number, only the one in its place.
    (The condition of a choice is needed after the first numbers are written.)"""
    if not isinstance(step, Map):
        return False
    if step.function == "where" and buffer in places([step.args[0]]):
        return False
    return all(
        view.whole and view.shape == step.out.shape
        for view in step.reads()
        if view.buffer.place[0] is buffer
    )


def places(operands: Iterable[Operand]) -> set[Buffer]:
    """The outermost buffers of operands."""
    return {v.buffer.place[0] for v in operands if isinstance(v, View)}
