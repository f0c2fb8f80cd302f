"""Memory: where each buffer lies.

Buffers of one dtype lie in an arena, a long array; those that last from run to run in
one of their own. Of the others, what nobody reads any more leaves its place to the next
(liveness): a step's memory is not the sum of its buffers, but what is alive at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from .anatomy import LASTING, Buffer, Step, View
from .listing import Program

ALIGNED = 64  # bytes: a line of the cache, and the widest registers
BYTES = {"float32": 4, "float64": 8, "int64": 8, "bool": 1}


@dataclass
class Memory:
    """The arenas of a program.

    Attributes:
        arenas: (dtype, whether it lasts) → its number.
        sizes: number of an arena → how many numbers it has.
        places: outermost buffer → number of the arena, and where.
        lies_in: buffer → the one whose place it has.
    """

    arenas: dict[tuple[str, bool], int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    places: dict[Buffer, tuple[int, int]] = field(default_factory=dict)
    lies_in: Mapping[Buffer, Buffer] = field(default_factory=dict)

    def place(self, view: View) -> tuple[int, int]:
        """The arena of a view, and where its first number lies."""
        buffer, offset = view.buffer.place
        arena, start = self.places[buffer]
        return arena, start + offset + view.offset

    def pointer(self, view: View) -> str:
        """A view's first number, in C."""
        buffer = view.buffer.alias
        name, offset = buffer.name, view.offset
        return f"{name} + {offset}" if offset else name

    def names(self, buffers: Iterable[Buffer]) -> list[tuple[Buffer, str]]:
        """Buffers, and where they lie in their arenas."""
        found = []
        for buffer in dict.fromkeys(b.alias for b in buffers):
            if buffer.place[0] in self.places:
                arena, start = self.place(View(buffer))
                found.append((buffer, f"m{arena} + {start}"))
        return found

    def arena(self, dtype: str, lasts: bool) -> int:
        if (dtype, lasts) not in self.arenas:
            self.arenas[dtype, lasts] = len(self.sizes)
            self.sizes.append(0)
        return self.arenas[dtype, lasts]

    def put(self, buffer: Buffer, lasts: bool) -> None:
        """Gives a buffer a place behind all others."""
        arena = self.arena(buffer.dtype, lasts)
        self.places[buffer] = arena, self.sizes[arena]
        self.sizes[arena] += padded(buffer)


def padded(buffer: Buffer) -> int:
    """How many numbers a buffer takes, up to the next aligned one."""
    unit = ALIGNED // BYTES[buffer.dtype]
    return -(-max(buffer.size, 1) // unit) * unit


def memory_of(
    program: Program,
    groups: Sequence[Sequence[Step]],
    without: Set[Buffer],
    kept: Sequence[View],
    lies_in: Mapping[Buffer, Buffer] | None = None,
) -> Memory:
    """A place for each buffer but some. What a group of steps uses is needed as long as
    any of them runs; some views are needed after the run; some buffers lie in others.
    """
    memory = Memory(lies_in=lies_in or {})
    for buffer in program.lasting:
        if buffer.home is None:
            memory.put(buffer, True)
    held = [view.buffer.place[0] for view in kept]
    held += homes(program.first)
    for buffer in held:
        if buffer not in memory.places and buffer.role != "scalar":
            memory.put(buffer, False)
    for buffer in homes(program.steps):  # constants
        if buffer not in memory.places and buffer.role == "constant":
            memory.put(buffer, False)
    lay_by_life(memory, groups, without)
    return memory


def homes(steps: Sequence[Step]) -> list[Buffer]:
    """The outermost buffers that steps use, by their first use."""
    found: dict[Buffer, None] = {}
    for step in steps:
        for view in (*step.reads(), step.out):
            found.setdefault(view.buffer.place[0])
    return [*found]


def lay_by_life(
    memory: Memory, groups: Sequence[Sequence[Step]], without: Set[Buffer]
) -> None:
    """Places for buffers that are needed for a while: from the first step that uses one
    to the last. The largest is placed first, each as low as those around it allow."""
    life: dict[Buffer, list[int]] = {}
    for at, group in enumerate(groups):
        for home in homes(group):
            while home in memory.lies_in:
                home = memory.lies_in[home]
            if home in memory.places or home in without:
                continue
            if home.role not in ("scalar", *LASTING):
                life.setdefault(home, [at, at])[1] = at
    starts: dict[int, int] = {}
    laid: dict[int, list[tuple[int, int, int, int]]] = {}
    for buffer in sorted(life, key=lambda b: (-padded(b), life[b][0])):
        arena = memory.arena(buffer.dtype, False)
        base = starts.setdefault(arena, memory.sizes[arena])
        size, (born, dies) = padded(buffer), life[buffer]
        beside = sorted(
            (low, high)
            for low, high, b, d in laid.setdefault(arena, [])
            if b <= dies and born <= d
        )
        start = base
        for low, high in beside:
            if low - start >= size:
                break
            start = max(start, high)
        laid[arena].append((start, start + size, born, dies))
        memory.places[buffer] = arena, start
        memory.sizes[arena] = max(memory.sizes[arena], start + size)
