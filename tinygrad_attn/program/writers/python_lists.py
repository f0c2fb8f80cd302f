"""Where a program in plain Python has its numbers: in flat lists that have names.

A list is a value here: nobody changes one, a step makes a new one. So a list has no
views: where a program has many buffers in one place (gradients end to end), there are
several lists, and one that joins them when all are read at once. Only a buffer that is
written bit by bit, in no order, is a list that changes.

A local buffer of one number is no list, but the number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...arrays.shapes import Shape
from ..anatomy import LASTING, Buffer, Check, Step, View
from ..arranging import bounds
from ..loops import merged
from ..naming import Namer
from .python_layout import Listing, assigned


class Segment(NamedTuple):
    """Numbers start..stop of a buffer are name[at : at + stop - start].

    Attributes:
        length: of the whole list.
    """

    start: int
    stop: int
    name: str
    at: int
    length: int


class Lists:
    """The lists of a program, as far as it is written.

    Attributes:
        emit: takes a name and its value, for a line of the text.
        segments: outermost buffer → where its numbers are.
        changing: the buffers that are lists that change.
        numbers: those that are plain numbers.
        versions: outermost buffer → how often it was written.
        orders: how a view picks its numbers → the name of what does it.
    """

    def __init__(
        self, steps: Sequence[Step], namer: Namer, emit: Callable[..., None]
    ) -> None:
        self.namer, self.emit = namer, emit
        self.segments: dict[Buffer, list[Segment]] = {}
        self.versions: dict[Buffer, int] = {}
        self.orders: dict[Any, str] = {}
        self.changing, self.numbers = kinds(steps)

    def known(self, buffer: Buffer, name: str) -> None:
        """All of an outermost buffer is in a list."""
        segment = Segment(0, buffer.size, name, 0, buffer.size)
        self.segments[buffer] = [segment]

    # --- reading ----------------------------------------------------------------------

    def base(self, home: Buffer, start: int, stop: int) -> tuple[str, int]:
        """A list that has some numbers of a buffer, and where in it they begin."""
        found = [
            s
            for s in self.segments.get(home, ())
            if s.start <= start and stop <= s.stop
        ]
        if not found:
            self.join(home)
            return self.base(home, start, stop)
        best = min(found, key=lambda s: s.length)
        return best.name, best.at + start - best.start

    def read(self, home: Buffer, start: int, stop: int) -> str:
        """Some numbers of a buffer that lie side by side, as a list."""
        if home in self.numbers:
            return f"[{self.base(home, 0, 1)[0]}]"
        name, at = self.base(home, start, stop)
        whole = any(
            s.name == name and (at, stop - start) == (0, s.length)
            for s in self.segments[home]
        )
        return name if whole else f"{name}[{at}:{at + stop - start}]"

    def number(self, home: Buffer, at: int) -> str:
        """A single number."""
        name, place = self.base(home, at, at + 1)
        return name if home in self.numbers else f"{name}[{place}]"

    def join(self, home: Buffer) -> None:
        """Joins the lists of a buffer."""
        parts, at = [], 0
        for s in sorted(self.segments.get(home, ()), key=lambda s: (s.start, -s.stop)):
            if s.stop <= at:
                continue
            if s.start > at:
                parts.append(f"*[{zero(home)}] * {s.start - at}")
                at = s.start
            first, last = s.at + at - s.start, s.at + s.stop - s.start
            whole = (first, last) == (0, s.length)
            parts.append(f"*{s.name}" if whole else f"*{s.name}[{first}:{last}]")
            at = s.stop
        if at < home.size:
            parts.append(f"*[{zero(home)}] * {home.size - at}")
        taken = {s.name for s in self.segments.get(home, ())}
        name = self.namer.free(home.name) if home.name in taken else home.name
        self.emit(name, Listing(parts, ","))
        self.known(home, name)

    # --- a view -----------------------------------------------------------------------

    def flat(self, view: View, shape: Shape, strides: Shape) -> str:
        """The numbers of a view, under another shape and strides, row by row."""
        home, start = view.buffer.place
        return self.picked(home, start + view.offset, shape, strides)

    def picked(self, home: Buffer, at: int, shape: Shape, strides: Shape) -> str:
        """The numbers of a buffer that an index meets which runs over a shape."""
        if 0 in shape:
            return "[]"
        (sizes, (steps,)) = merged(shape, [strides])
        if not sizes:
            return f"[{self.number(home, at)}]"
        if steps[0] == 0:
            rest = self.picked(home, at, sizes[1:], steps[1:])
            return f"{rest} * {sizes[0]}"
        low = at + sum((n - 1) * s for n, s in zip(sizes, steps) if s < 0)
        high = at + sum((n - 1) * s for n, s in zip(sizes, steps) if s > 0) + 1
        if len(sizes) > 1:
            name, start = self.base(home, low, high)
            return f"{self.order(sizes, steps, start + at - low)}({name})"
        if steps == (1,):
            return self.read(home, low, high)
        name, start = self.base(home, low, high)
        (step,), stop = steps, start + high - low
        if step > 0:
            length = min(s.length for s in self.segments[home] if s.name == name)
            end = "" if stop + step > length else stop
            return f"{name}[{start or ''}:{end}:{step}]"
        return f"{name}[{stop - 1}:{start - 1 if start else ''}:{step}]"

    def order(self, sizes: Shape, steps: Shape, start: int) -> str:
        """The name of what picks numbers of a list in an order."""
        key = sizes, steps, start
        if key not in self.orders:
            self.orders[key] = self.namer.free("order")
        return self.orders[key]

    def order_lines(self) -> list[str]:
        """What makes them."""
        return [
            line
            for key, name in self.orders.items()
            for line in assigned("", name, f"itemgetter(*{self.places(*key)})", "")
        ]

    def places(self, sizes: Shape, steps: Shape, start: int) -> str:
        """Where the numbers lie that an index over a shape meets."""
        letters = "ijklmnop"[: len(sizes)]
        terms = [*letters] if not start else [str(start), *letters]
        fors = " ".join(
            f"for {c} in {stepped(n, s)}" for c, n, s in zip(letters, sizes, steps)
        )
        return f"[{' + '.join(terms)} {fors}]"

    # --- writing ----------------------------------------------------------------------

    def place(self, out: View, name: str) -> None:
        """A list has the numbers of a view that lie side by side, from now on."""
        home, start = out.buffer.place
        low, high = start + out.offset, start + out.offset + out.size
        kept = []
        for s in self.segments.get(home, ()):
            if s.stop <= low or high <= s.start:
                kept.append(s)
                continue
            if s.start < low:
                kept.append(s._replace(stop=low))
            if high < s.stop:
                kept.append(s._replace(start=high, at=s.at + high - s.start))
        self.segments[home] = [*kept, Segment(low, high, name, 0, high - low)]
        self.written(home)

    def written(self, home: Buffer) -> None:
        self.versions[home] = self.versions.get(home, 0) + 1

    def version(self, home: Buffer) -> tuple[Buffer, int]:
        """The numbers that a buffer has now."""
        return home, self.versions.get(home, 0)


def stepped(size: int, step: int) -> str:
    """0, step, 2 step, ...; so many."""
    if step == 0:
        return f"[0] * {size}"
    return f"range({size})" if step == 1 else f"range(0, {size * step}, {step})"


def zero(buffer: Buffer) -> str:
    """The 0 of a dtype."""
    return {"int64": "0", "bool": "False"}.get(buffer.dtype, "0.0")


def kinds(steps: Sequence[Step]) -> tuple[set[Buffer], set[Buffer]]:
    """The buffers that are lists that change, and those that are numbers."""
    writes: dict[Buffer, list[View]] = {}
    for step in steps:
        if not isinstance(step, Check):
            writes.setdefault(step.out.buffer.place[0], []).append(step.out)
    changing = {home for home, views in writes.items() if not in_parts(views)}
    numbers = {
        home
        for home in writes
        if home.size == 1 and home.role == "local" and home not in changing
    }
    return changing, numbers


def in_parts(views: Sequence[View]) -> bool:
    """Whether each is a part of its buffer, side by side, and none has two writers."""
    ends = sorted(bounds(v) for v in views if v.size)
    apart = all(a[1] <= b[0] for a, b in zip(ends, ends[1:]))
    return apart and all(v.contiguous for v in views)


def lasts(home: Buffer) -> bool:
    """Whether a buffer keeps its numbers for the next run."""
    return home.role in LASTING
