"""Blocks: long vectors, a piece at a time.

An update goes through vectors of all parameters, line by line. If they are long, each
line reads them from memory and writes them there. In pieces that stay in the cache of
the processor from one line to the next, memory is read and written once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..anatomy import Buffer, Map, Step, View

BLOCK = 32 * 1024  # numbers of a piece


def runs(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps, those together that go through vectors of one long length."""
    run: list[Step] = []
    length = 0
    for step in steps:
        own = length_of(step)
        if own == 0 or (own > 1 and length > 1 and own != length):
            if run:
                yield run
            run, length = [], 0
        if own == 0:
            yield [step]
            continue
        run.append(step)
        length = max(length, own)
    if run:
        yield run


def length_of(step: Step) -> int:
    """How long the vectors are that a step goes through; 1 if it only computes a plain
    number; 0 if it does anything else."""
    if not isinstance(step, Map) or step.origin.part != "update":
        return 0
    views = [v for v in (step.out, *step.reads()) if v.buffer.role != "scalar"]
    if not views:
        return 1
    size = step.out.size
    whole = all(v.ndim == 1 and v.contiguous and v.size == size for v in views)
    return size if whole and size > 2 * BLOCK else 0


def own_buffers(run: Sequence[Step], steps: Sequence[Step]) -> set[Buffer]:
    """The buffers that only a run uses: it needs no more of them than a piece."""
    inside = set(map(id, run))
    made = {s.out.buffer for s in run if plain(s.out)}
    others = {
        view.buffer
        for step in steps
        if id(step) not in inside
        for view in (step.out, *step.reads())
    }
    return made - others


def plain(view: View) -> bool:
    """Whether a view is all of a buffer that lies nowhere else."""
    return view.buffer.role == "local" and view.buffer.home is None and view.whole
