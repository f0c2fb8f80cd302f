"""Machines: what runs a program's text, and keeps its numbers.

A machine has an array for each buffer that outlives a run (parameters, constants, an
optimizer's state), and tensors are given views of them: after a run the model's own
parameters have moved. A run in NumPy or C overwrites that memory. So if you kept an old
array (in a recorded graph, a `state_dict()`, a `detach()`), the machine first moves to
new memory, and the old array stays as it was. Whether you did, it sees by counting the
references to its memory: there are more than the tensors' own.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from functools import cached_property
from types import CodeType
from typing import Any

from ..arrays.array import Array
from .anatomy import Buffer, Check, Product, View
from .blas import Threads, blas
from .compiling import Compiling, vector_bytes
from .fusing import fused, passing
from .listing import Program
from .memory import ALIGNED, memory_of
from .nesting import biased
from .saying import Sayings
from .updating import Part
from .writers.c_blocks import cut
from .writers.c_text import CText
from .writers.javascript_text import JavaScriptText
from .writers.numpy_text import NumPyText


class NumPyMachine:
    """Runs a program's text of NumPy.

    Attributes:
        arrays: a lasting buffer → its array, a view of the machine's memory.
        pieces: a part and a slot of its state → the arrays of its parameters.
        given_out: all that others may have.
        alone: how many refer to each of these when nobody shares it.
    """

    name = namespace = "numpy"
    proved = True  # whether its results need no comparison with NumPy's (proving.py)
    keeps = True  # whether a run leaves the same arrays, with other numbers in them
    alone: list[int] | None

    def __init__(self, program: Program) -> None:
        self.program = program
        text = NumPyText(program).text()
        self.code: CodeType = compile(text, f"<{program.title}>", "exec")
        self.start()

    @cached_property
    def source(self) -> str:
        """The text, with comments."""
        return NumPyText(self.program, Sayings(self.program)).text()

    @cached_property
    def threads(self) -> Threads:
        """In how many threads products are computed."""
        products = (s for s in self.program.steps if isinstance(s, Product))
        return Threads(max((s.out.size * s.x.shape[-1] for s in products), default=0))

    def start(self) -> None:
        """Makes all arrays."""
        values: dict[str, Any] = {}
        exec(self.code, values)
        self.step, self.values = values["step"], values
        self.arrays = {b: values[b.name] for b in self.program.lasting}
        self.alone = None
        self.hand_out()

    def hand_out(self) -> None:
        """Notes all arrays that others may get."""
        self.pieces = {
            (part, slot): self.cut(part, self.arrays[buffer])
            for part in self.program.parts
            for slot, buffer in part.slots.items()
        }
        self.given_out = [*self.arrays.values()]
        self.given_out += [a for cut in self.pieces.values() for a in cut]
        # to NumPy, a view of a view is one of what lies below
        below = {id(a.base): a.base for a in self.given_out if a.base is not None}
        self.given_out += below.values()

    def array(self, view: View) -> Any:
        """A view, as an array over the machine's memory."""
        home, offset = view.buffer.place
        base = self.values[home.name]
        size = base.itemsize
        strides = tuple(s * size for s in view.strides)
        start = (offset + view.offset) * size
        if not view.size:
            return base.reshape(-1)[:0].reshape(view.shape)
        return type(base)(view.shape, base.dtype, base, start, strides)

    def cut(self, part: Part, vector: Any) -> list[Any]:
        """A vector of the state, in the shapes of the parameters."""
        found, start = [], 0
        for p in part.parameters:
            found.append(vector[start : start + p.size].reshape(p.shape))
            start += p.size
        return found

    def shared(self, dropped: Sequence[Any] = ()) -> bool:
        """Whether someone else has kept an array of the memory.

        Args:
            dropped: arrays that their tensor or state no longer has. They are held here
                in its place, so that their references are as many as before.
        """
        count = getattr(sys, "getrefcount", None)
        if count is None:
            return True
        found = [*map(count, self.given_out)]
        if self.alone is None:  # just given out: nobody else can have one
            self.alone = found
        return found != self.alone

    def move(self) -> None:
        """Goes on in fresh memory, with the same numbers."""
        old = self.arrays
        self.leave()
        self.start()
        for buffer, array in self.arrays.items():
            if buffer.home is None or buffer.home[0] not in self.arrays:
                array[...] = old[buffer]

    def leave(self) -> None:
        """Lets go of its memory. (A function and what it sees refer to each other; they
        would stay until Python looks for such circles.)"""
        self.values.clear()

    def take(self, buffer: Buffer, numbers: Any) -> None:
        """Takes over the numbers of a tensor."""
        self.load(self.arrays[buffer], numbers)

    def take_piece(self, part: Part, slot: str, at: int, numbers: Any) -> None:
        """Takes over a parameter's state; None is zeros."""
        array = self.pieces[part, slot][at]
        if numbers is not None:
            self.load(array, numbers)
        elif array.any():  # memory of zeros that nobody wrote to takes no place
            array[...] = 0

    def load(self, array: Any, numbers: Any) -> None:
        """Copies the numbers of a tensor into an array of the memory."""
        array[...] = as_numpy(numbers)

    def run(self, given: Sequence[Any], scalars: Sequence[float]) -> tuple[Any, ...]:
        """One step; what it returns is the caller's own."""
        given = [as_numpy(array) for array in given]
        with self.threads:
            return self.step(*given, *scalars)  # type: ignore[no-any-return]


def as_numpy(array: Any) -> Any:
    """An array of the pure-Python backend as NumPy's; any other as it is."""
    if not isinstance(array, Array):
        return array
    import numpy

    return numpy.array(array.data, array.dtype).reshape(array.shape)


def aligned(np: Any, size: int, dtype: str) -> Any:
    """An array of zeros that begins where a line of the cache does: a vector that lies
    in two lines is read twice."""
    unit = ALIGNED // np.dtype(dtype).itemsize
    array = np.zeros(size + unit, dtype)
    start = -array.ctypes.data % ALIGNED // array.itemsize
    return array[start : start + size]


class CMachine(NumPyMachine):
    """Runs a program's text of C, over arenas that are arrays of NumPy."""

    name = "c"
    proved = False  # so far

    def __init__(self, program: Program) -> None:
        import numpy

        self.np = numpy
        self.program = program
        results = [*program.results, *(View(b) for b in program.given)]
        results += program.gradients  # to be compared after the first run
        self.blas, self.vectors = blas(), vector_bytes()
        self.groups = fused(biased(program.steps, results, self.takes_bias))
        self.passed = passing(self.groups, results)
        steps = [g.steps for g in self.groups]
        self.memory = memory_of(program, steps, self.passed, results)
        writer = self.writer()
        self.compiling: Compiling | None = Compiling(writer.text())
        self.checks = writer.checks
        self.uses_blas = writer.uses_blas and self.blas is not None
        self.numbers = (ctypes.c_double * max(len(program.scalars), 1))()
        self.start()

    def takes_bias(self, product: Product) -> bool:
        """Whether a product is cut into tiles, which take a bias in."""
        tile, _ = cut(product, self.vectors, self.blas is not None)
        return tile is not None

    def build(self) -> None:
        """Waits for the compiler.

        Raises:
            NoCompiler: it made nothing that runs.
        """
        if self.compiling is None:
            return
        library = self.compiling.library()
        if self.uses_blas and self.blas:
            single, double = self.blas.single, self.blas.double
            library.use_library(ctypes.c_void_p(single), ctypes.c_void_p(double))
        self.call, self.once = library.step, library.once
        names = ("differentiate", "update") if self.program.parts else ("step",)
        self.halves = [getattr(library, name) for name in names]
        for function in (self.call, *self.halves):
            function.restype = ctypes.c_longlong
        self.once(self.pointers)
        self.compiling = None  # only now: up to here it may have been interrupted

    def leave(self) -> None:
        self.arenas.clear()

    def writer(self, said: Any = None) -> CText:
        """Writes the program's text."""
        whole = self.blas.whole if self.blas else ""
        groups, passed = self.groups, self.passed
        return CText(
            self.program, self.memory, groups, passed, whole, self.vectors, said
        )

    @cached_property
    def source(self) -> str:
        """The text, with comments."""
        return self.writer(Sayings(self.program)).text()

    def start(self) -> None:
        np, memory = self.np, self.memory
        self.arenas = [
            aligned(np, size + 16, dtype)
            for (dtype, _), size in zip(memory.arenas, memory.sizes)
        ]
        pointers = [a.ctypes.data for a in self.arenas]
        self.pointers = (ctypes.c_void_p * len(pointers))(*pointers)
        views = [View(b) for b in self.program.lasting]
        self.arrays = {v.buffer: self.array(v) for v in views}
        for buffer in memory.places:
            if buffer.role == "constant" and buffer.owner is None:
                self.load(self.array(View(buffer)), buffer.value)
        self.given = [self.array(View(b)) for b in self.program.given]
        self.results = [self.array(view) for view in self.program.results]
        if self.compiling is None:
            self.once(self.pointers)
        self.alone = None
        self.hand_out()

    def array(self, view: View) -> Any:
        """A view, as an array over its arena."""
        arena, start = self.memory.place(view)
        base = self.arenas[arena]
        size = base.itemsize
        strides = tuple(s * size for s in view.strides)
        return self.np.ndarray(view.shape, base.dtype, base, start * size, strides)

    def run(self, given: Sequence[Any], scalars: Sequence[float]) -> tuple[Any, ...]:
        self.put(given, scalars)
        self.do(self.call)
        return self.returned()

    def put(self, given: Sequence[Any], scalars: Sequence[float]) -> None:
        """Stores what a run is given."""
        for own, array in zip(self.given, given):
            own[...] = as_numpy(array)
        self.numbers[: len(scalars)] = [*scalars]

    def do(self, function: Any) -> None:
        """Calls the program, or one of its halves."""
        if self.uses_blas:
            with self.threads:
                wrong = function(self.pointers, self.numbers)
        else:
            wrong = function(self.pointers, self.numbers)
        if wrong:
            raise refusal(self.checks[wrong - 1], self.array)

    def returned(self) -> tuple[Any, ...]:
        return tuple(view.copy() for view in self.results)


class JavaScriptMachine:
    """Has a program's text of JavaScript, which runs elsewhere."""

    name = namespace = "javascript"
    proved = keeps = True
    alone = None

    def __init__(self, program: Program) -> None:
        self.source = JavaScriptText(program, Sayings(program)).text()

    @property
    def arrays(self) -> Any:
        raise RuntimeError(
            "step: this program is JavaScript, which runs in a browser or in Node.js; "
            'target="numpy", "c" or "python" runs here'
        )

    def run(self, *given: Any) -> Any:
        return self.arrays

    take = run


def refusal(check: Check, array_of: Any) -> Exception:
    """The error of a check that failed."""
    for v in array_of(check.out).reshape(-1).tolist():
        right: Any = {
            "range": lambda v: 0 <= v < check.count or v == check.but,
            "true": bool,
            "finite": lambda v: v - v == 0,
        }[check.question]
        if not right(v):
            return check.error(check.sentence.format(v))
    return check.error(check.sentence)
