"""Rows and columns, for a program in plain Python: lists of tuples.

A product of matrices is fastest when each row of x and each column of y is a tuple. A
row is cut off a flat list; columns are the rows, zipped. What is read more than once
has a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any, NamedTuple

from ...arrays.shapes import Shape, broadcast_strides, strides_of
from ..anatomy import Buffer, View
from ..loops import merged
from .python_lists import Lists, stepped
from .python_words import Words


class Vectors(NamedTuple):
    """n vectors of k numbers: number j of vector i is at + i sn + j sk in a buffer."""

    home: Buffer
    at: int
    n: int
    k: int
    sn: int
    sk: int


class Matrices:
    """The rows and columns of a program.

    Attributes:
        often: what is computed → how often it is read, as counted before.
        counts: the same, counted now.
        emit: takes a name and its value, for a line of the text.
    """

    def __init__(
        self,
        lists: Lists,
        words: Words,
        often: Mapping[Any, int],
        emit: Callable[[str, str], None],
    ) -> None:
        self.lists, self.words, self.often, self.emit = lists, words, often, emit
        self.counts: dict[Any, int] = {}
        self.texts: dict[Any, str] = {}

    def named(
        self, key: Any, make: Callable[[], str], wish: str, always: bool = False
    ) -> str:
        """A value; by a name, if it is read more than once, or `always`."""
        self.counts[key] = self.counts.get(key, 0) + 1
        if key not in self.texts:
            text = make()
            if (always or self.often.get(key, 0) > 1) and not text.isidentifier():
                name = self.lists.namer.free(wish)
                self.emit(name, as_list(text))
                text = name
            self.texts[key] = text
        return self.texts[key]

    def rows(self, home: Buffer, start: int, stop: int, width: int) -> str:
        """Numbers that lie side by side, as rows."""
        self.words.used.add("rows_of")

        def make() -> str:
            return f"rows_of({self.lists.read(home, start, stop)}, {width})"

        key = "rows", self.lists.version(home), start, stop, width
        return self.named(key, make, f"{self.called(home, start, stop)}_rows")

    def called(self, home: Buffer, start: int, stop: int) -> str:
        """The name of the list that some numbers are in."""
        return self.lists.base(home, start, stop)[0]

    def cut(
        self, home: Buffer, at: int, shape: Shape, strides: Shape, width: int
    ) -> str:
        """The numbers that an index over a shape meets, in rows."""
        if side_by_side(shape, strides):
            return self.rows(home, at, at + prod(shape), width)
        self.words.used.add("rows_of")
        return f"rows_of({self.lists.picked(home, at, shape, strides)}, {width})"

    def vectors(self, view: View, batch: Shape, columns: bool) -> str:
        """The rows of a matrix, or its columns; for a batch of several matrices, a list
        of their rows or columns."""
        (n, k), (sn, sk) = view.shape[-2:], view.strides[-2:]
        if columns:
            n, k, sn, sk = k, n, sk, sn
        home, start = view.buffer.place
        strides = broadcast_strides(view.shape[:-2], view.strides[:-2], batch)
        sizes, (steps,) = merged(batch, [strides])
        one = Vectors(home, start + view.offset, n, k, sn, sk)
        return self.made(one, sizes, steps)

    def made(self, v: Vectors, sizes: Shape = (), steps: Shape = ()) -> str:
        """Vectors, as rows; for a batch, a list of such."""
        home, at, n, k, sn, sk = v
        sk = 1 if k == 1 else sk
        sn = k if n == 1 else sn
        key = "vectors", self.lists.version(home), at, n, k, sn, sk, sizes, steps
        end = at + sum((b - 1) * s for b, s in zip(sizes, steps))
        end += (n - 1) * sn + (k - 1) * sk + 1
        what = "columns" if sn == 1 else "rows"
        wish = f"{self.called(home, at, end)}_{what}" + ("_of_each" if sizes else "")

        def make() -> str:
            if sk == 1 and aligned(k, sn, *steps):
                found = self.rows(home, at, end, k)
                units = [s // k for s in steps]
                return self.several(key, found, n, sn // k, sizes, units)
            if sn == 1 and aligned(n, sk, *steps):
                found = self.rows(home, at, end, n)
                units = [s // n for s in steps]
                form = "zip(*{})"
                return self.several(key, found, k, sk // n, sizes, units, form)
            shape = (*sizes, n, k)
            found = self.cut(home, at, shape, (*steps, sn, sk), k)
            units = [s // k for s in strides_of(shape)[:-2]]
            return self.several(key, found, n, 1, sizes, units)

        return self.named(key, make, wish, always=bool(sizes))

    def several(
        self,
        key: Any,
        rows: str,
        count: int,
        step: int,
        sizes: Shape,
        steps: list[int],
        form: str = "{}",
    ) -> str:
        """Of a list of rows every step-th, so many; for a batch, a list of such."""
        if not sizes:
            if step == 0:
                return form.format(f"{as_list(rows)} * {count}")
            return form.format(rows if step == 1 else f"{as_list(rows)}[::{step}]")
        if not any(steps):
            one = self.several(key, rows, count, step, (), [], form)
            return f"[{as_list(one)}] * {prod(sizes)}"
        rows = self.named(("all", key), lambda: rows, "all_rows", always=True)
        letters = "ijklmn"[: len(sizes)]
        start = " + ".join(c for c, s in zip(letters, steps) if s)
        stop = f"{start} + {max(count * step, 1)}"
        piece = f"{rows}[{start} : {stop}{f' : {step}' if step > 1 else ''}]"
        piece = f"{piece} * {count}" if step == 0 else piece
        fors = [
            f"for {c if s else '_'} in {stepped(b, s) if s else f'range({b})'}"
            for c, b, s in zip(letters, sizes, steps)
        ]
        return f"[{as_list(form.format(piece))} {' '.join(fors)}]"


def as_list(text: str) -> str:
    """What can be gone through more than once."""
    return f"[*{text}]" if text.startswith(("rows_of(", "zip(")) else text


def side_by_side(shape: Shape, strides: Shape) -> bool:
    """Whether an index over a shape meets neighbours, in order."""
    return merged(shape, [strides]).strides in (((1,),), ((),))


def aligned(width: int, *strides: int) -> bool:
    """Whether strides lead from row to row."""
    return all(s >= 0 and s % width == 0 for s in strides)
