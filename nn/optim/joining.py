"""Arrays laid end to end as one vector, and a vector parted into arrays.

An optimizer parts its new vectors after each step, and before the next one it lays the
same pieces end to end again. So a vector is kept with its pieces: who comes with just
these gets it back, and nothing is copied.
"""

from __future__ import annotations

from operator import is_
from typing import Any

Shape = tuple[int, ...]
Parted = dict[int, tuple[Any, list[Any]]]  # id of the first piece → vector, all pieces


class Vectors:
    """The vectors that were parted in the last step, and in this one."""

    def __init__(self) -> None:
        self.last: Parted = {}
        self.now: Parted = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy of an optimizer, or one that was saved, has pieces of its own."""
        return Vectors, ()

    def join(self, xp: Any, arrays: list[Any]) -> Any:
        """The arrays end to end, as one vector, which is not to be written to."""
        vector, pieces = self.last.pop(id(arrays[0]), (None, ()))
        if len(pieces) == len(arrays) and all(map(is_, pieces, arrays)):
            return vector
        flat = [a if a.ndim == 1 else xp.reshape(a, (a.size,)) for a in arrays]
        return flat[0] if len(flat) == 1 else xp.concat(flat, axis=0)

    def part(self, xp: Any, vector: Any, shapes: list[tuple[int, Shape]]) -> list[Any]:
        """The vector's pieces, in order, each of so many numbers and of a shape."""
        pieces, start = [], 0
        for size, shape in shapes:
            piece = vector[start : start + size]
            pieces.append(piece if len(shape) == 1 else xp.reshape(piece, shape))
            start += size
        if len(pieces) > 1:
            self.now[id(pieces[0])] = vector, pieces
        return pieces

    def end_step(self) -> None:
        """What was parted before this step will not come again."""
        self.last, self.now = self.now, {}
