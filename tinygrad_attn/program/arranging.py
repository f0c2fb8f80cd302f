"""From a draft to a program: what nobody reads is left out, copies are saved.

needed     backward from the results: a step whose result nobody reads is dropped
unread     what is written anew before anybody reads it is not written first
settled    a buffer that is only copied into a part of another becomes that part
once       steps that depend on no input and no parameter run once, at the start
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from .anatomy import Buffer, Check, Map, Step, View

LASTING = ("parameter", "state")  # what stays from one run to the next


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


def stages(steps: Sequence[Step], kept: Iterable[Buffer]) -> dict[Buffer, Buffer]:
    """Buffers that are only a stage on the way to another: made by one step, read by
    one, number by number. They can lie where that step writes. Some are kept."""
    writes: dict[Buffer, list[Step]] = {}
    reads: dict[Buffer, list[Step]] = {}
    for step in steps:
        if not isinstance(step, Check):
            writes.setdefault(step.out.buffer.place[0], []).append(step)
        for view in step.reads():
            reads.setdefault(view.buffer.place[0], []).append(step)
    wanted = {buffer.place[0] for buffer in kept}
    found: dict[Buffer, Buffer] = {}
    for step in steps:
        if not isinstance(step, Map) or not plain(step.out) or step.function == "copy":
            continue
        if len(writes[step.out.buffer]) > 1 or step.out.buffer in found.values():
            continue
        for at, v in enumerate(step.args):
            if not isinstance(v, View) or not plain(v) or v.shape != step.out.shape:
                continue
            if step.function == "where" and at < 2:
                continue  # the other branch is written first
            made = writes.get(v.buffer, ())
            alone = len(made) == 1 == len(reads[v.buffer]) and plain(made[0].out)
            free = v.buffer not in wanted and v.buffer not in found
            if alone and free and v.dtype == step.out.dtype:
                found[v.buffer] = step.out.buffer
                break
    return found


def plain(view: View) -> bool:
    """Whether a view is all of a buffer of a step's own, as it was made."""
    buffer = view.buffer
    return (
        buffer.role == "local"
        and buffer.home is None
        and view.whole
        and view.shape == buffer.shape
    )
