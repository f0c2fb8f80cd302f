"""A walk over short rows in C: several side by side.

A processor computes with a vector of numbers as fast as with one. Of a long row, many
numbers beside each other make a vector (c_rows.py). Of a row of 10, some are left over
that are computed one by one, and each sum of a row has to be gathered out of a vector.
So of short rows, the first numbers of many rows make a vector, then the second ones:
a row is a lane, and its sum stays in it.
"""

from __future__ import annotations

from ..anatomy import Buffer, Map
from ..fusing import Group, Item, crosses
from .c_rows import OWN, Loop, Total, Walk, id_of
from .c_words import MATHS

LANES = 16  # rows at a time
SHORT = 64  # numbers of a row
VECTOR = 8  # numbers of a vector
COSTLY = {"exp", *MATHS} - {"sqrt"}


def walk_of(group: Group, passing: set[Buffer]) -> Walk:
    """How a group's rows are walked over."""
    return (Lanes if side_by_side(group) else Walk)(group, passing)


def side_by_side(group: Group) -> bool:
    """Whether rows are short, and so many that lanes are full; and what is computed of
    the numbers that are left over costs more than to read across rows."""
    if not group.rows or group.rows[-1] % LANES:
        return False
    left = (i for i in group.items if i.length % VECTOR and i.length > 1)
    return max(i.length for i in group.items) <= SHORT and any(
        isinstance(i.step, Map) and i.step.function in COSTLY for i in left
    )


class Lanes(Walk):
    """The text of a walk over some rows at a time."""

    def __init__(self, group: Group, passing: set[Buffer]) -> None:
        self.side: set[str] = set()  # the names of which each lane has a number
        super().__init__(group, passing)
        self.rows[-1] = f"({self.rows[-1]} + lane)"

    def head(self, counter: str, size: int) -> str:
        by = f"{counter} += {LANES}" if counter == self.counters[-1] else f"{counter}++"
        return f"for (long {counter} = 0; {counter} < {size}; {by}) {{"

    def room(self, kind: str, name: str, size: int) -> str:
        self.arrays.append(f"{kind} {name}[{size * LANES}];")
        if size == 1:
            self.side.add(name)
        return name

    def number(self, name: str) -> str:
        return f"{name}[lane]" if name in self.side else name

    def in_row(self, name: str, at: str) -> str:
        at = at if at.isidentifier() else f"({at})"
        return f"{name}[{at} * {LANES} + lane]"

    def begun(self, kind: str, name: str, value: str) -> str:
        return f"{name} = {value};"

    def made(self, kind: str, name: str, value: str) -> str:
        if name in self.side:
            return f"{name}[lane] = {value};"
        return super().made(kind, name, value)

    def finish(self, item: Item, name: str, loop: Loop) -> None:
        if crosses(item) and item.out.rows[-1] == 0:
            loop.rows.append(self.total(item))
            loop.after.append(f"{loop.rows[-1].name} += {name};")
        else:
            super().finish(item, name, loop)

    def add_row(self, item: Item, value: str, loop: Loop) -> None:
        if item.out.rows[-1] == 0:
            loop.columns.append(self.total(item))
            loop.inside.append(f"{loop.columns[-1].name} += {value};")
        else:
            super().add_row(item, value, loop)

    def total(self, item: Item) -> Total:
        kind, name = OWN[item.out.view.dtype], f"all{id_of(item, self.group)}"
        return Total(kind, name, self.place(item.out))

    def looped(self, loop: Loop, length: int) -> list[str]:
        inside = across(loop.inside, loop.columns)
        if length > 1:
            head = f"for (long c = 0; c < {length}; c++) {{"
            inside = [head, *("  " + line for line in inside), "}"]
        before, after = across(loop.before, []), across(loop.after, loop.rows)
        return [*loop.first, *before, *inside, *after]


def across(lines: list[str], totals: list[Total]) -> list[str]:
    """Lines for each lane; what all lanes sum up is added to what there is so far."""
    if not lines:
        return []
    sums = "".join(f" reduction(+:{total.name})" for total in totals)
    return [
        *(f"{total.kind} {total.name} = 0;" for total in totals),
        f"#pragma omp simd{sums}",
        f"for (long lane = 0; lane < {LANES}; lane++) {{",
        *("  " + line for line in lines),
        "}",
        *(f"{total.to} += {total.name};" for total in totals),
    ]
