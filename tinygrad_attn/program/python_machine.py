"""The machine of programs in plain Python: lists in, lists out.

A list of a program is a value, as an `Array` is: nobody changes one. So what the text
computes is given out as it is, and nothing need be counted (machines.py). After each
run the parameters get new arrays, of the kind that they had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from types import CodeType
from typing import Any

from ..arrays.array import Array, piece
from ..arrays.shapes import Shape
from .anatomy import Buffer
from .listing import Program
from .saying import Sayings
from .updating import Part
from .writers.numpy_words import flat_numbers
from .writers.python_text import PythonText
from .writers.python_words import kind_of

Place = tuple[slice, Shape, str]


class Made(dict[Any, Any]):
    """A dict whose values are made when they are asked for."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make

    def __missing__(self, key: Any) -> Any:
        self[key] = made = self.make(key)
        return made


class PythonMachine:
    """Runs a program's text of plain Python.

    Attributes:
        values: the names of the text.
        own: the buffers whose lists nobody else has, so that they may be changed.
        arrays: a lasting buffer → its array, as it is now.
        pieces: a part and a slot of its state → the arrays of its parameters.
        places, cuts: where the numbers of both are, looked up once.
    """

    name = namespace = "python"
    proved = True
    keeps = False  # whether a run leaves the same arrays, with other numbers in them
    alone = None  # nobody can have an array that is written to

    def __init__(self, program: Program) -> None:
        self.program = program
        text = PythonText(program).text()
        code: CodeType = compile(text, f"<{program.title}>", "exec")
        self.values: dict[str, Any] = {}
        exec(code, self.values)
        self.step = self.values["step"]
        self.own: set[Buffer] = set()
        self.arrays = Made(self.made)
        self.pieces = Made(self.cut)
        self.places = Made(place_of)
        self.cuts = Made(cuts_of)

    @cached_property
    def source(self) -> str:
        """The text, with comments."""
        return PythonText(self.program, Sayings(self.program)).text()

    def shared(self, dropped: Sequence[Any] = ()) -> bool:
        return False

    # --- arrays in and out ------------------------------------------------------------

    def take(self, buffer: Buffer, numbers: Any) -> None:
        """Takes over the numbers of a tensor."""
        self.put(*buffer.place, flat(numbers))

    def take_piece(self, part: Part, slot: str, at: int, numbers: Any) -> None:
        """Takes over a parameter's state; None is zeros."""
        buffer, sizes = part.slots[slot], [p.size for p in part.parameters]
        given = [0.0] * sizes[at] if numbers is None else flat(numbers)
        self.put(buffer, sum(sizes[:at]), given)

    def put(self, home: Buffer, start: int, numbers: list[Any]) -> None:
        """Puts numbers into an outermost buffer."""
        if home not in self.own:
            self.values[home.name] = [*self.values[home.name]]
            self.own.add(home)
        self.values[home.name][start : start + len(numbers)] = numbers
        self.arrays.clear()
        self.pieces.clear()

    def made(self, buffer: Buffer) -> Array:
        """A lasting buffer as an array."""
        home, place = self.places[buffer]
        self.own.discard(home)
        return piece(self.values[home.name], place)

    def cut(self, key: tuple[Part, str]) -> list[Array]:
        """A vector of the state, in the shapes of the parameters."""
        home, places = self.cuts[key]
        self.own.discard(home)
        whole = self.values[home.name]
        return [piece(whole, place) for place in places]

    # --- a run ------------------------------------------------------------------------

    def run(self, given: Sequence[Any], scalars: Sequence[float]) -> tuple[Any, ...]:
        """One step; what it returns is the caller's own."""
        results = self.step(*map(flat, given), *scalars)
        self.arrays.clear()
        self.pieces.clear()
        self.own.clear()
        views = self.program.results
        return tuple(
            Array(listed(x), view.shape, kind_of(view.dtype))
            for view, x in zip(views, results)
        )


def place_of(buffer: Buffer) -> tuple[Buffer, Place]:
    """Where a buffer's numbers are in the outermost one, their shape and kind."""
    home, start = buffer.place
    at = slice(start, start + buffer.size)
    return home, (at, buffer.shape, kind_of(buffer.dtype))


def cuts_of(key: tuple[Part, str]) -> tuple[Buffer, list[Place]]:
    """A vector of the state, and where each parameter's numbers are in it."""
    part, slot = key
    vector = part.slots[slot]
    kind = kind_of(vector.dtype)
    ends = [*accumulate((p.size for p in part.parameters), initial=0)]
    at = zip(pairwise(ends), part.parameters)
    return vector, [(slice(*e), p.shape, kind) for e, p in at]


def listed(x: Any) -> list[Any]:
    """The numbers of a result: a list, a tuple or a single one."""
    return x if type(x) is list else [*x] if type(x) is tuple else [x]


def flat(array: Any) -> list[Any]:
    """The numbers of an array of any backend, row by row."""
    if type(array) is Array:
        return array.data
    if hasattr(array, "reshape"):
        return array.reshape(-1).tolist()  # type: ignore[no-any-return]
    return flat_numbers(array)
