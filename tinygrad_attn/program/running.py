"""Running: a program as a function that moves the model's own parameters.

A program was written for shapes and dtypes of its inputs, for a model as it was then
(its key, keys.py), for an optimizer's options, and for what its rules decided by a
plain number. A run looks whether all that still holds, and refuses otherwise.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from ..arrays.backends import (
    NAMESPACES,
    uniform,
)
from ..autograd.recording import Recorded, make
from ..context import Changes, context
from ..errors import in_a_program, outside
from ..tensor import Tensor
from .compiling import Fallback, NoCompiler
from .files import path_of
from .keys import Key, difference, key_of
from .listing import Program
from .machines import NumPyMachine
from .proving import first_difference, give_back, in_numpy
from .saving import save
from .saying import Sayings
from .sharing import Sharing


def as_tensor(name: str, given: Any) -> Tensor:
    """An input that is no Tensor, as one."""
    try:
        return Tensor(given)
    except (TypeError, ValueError) as error:
        raise type(error)(f"step: input {name!r}: {error}") from error


def alike(returned: Any, outputs: list[Tensor]) -> Any:
    """Results as a function returns them: one, or a tuple, named tuple or list."""
    if isinstance(returned, list):
        return outputs
    if isinstance(returned, tuple):
        make_named = getattr(returned, "_make", tuple)
        return make_named(outputs)
    return outputs[0]


class Step:
    """A program, ready to run: `step(tokens, labels)`.

    Attributes:
        source: its text.
        target: the language: "numpy", "c", "python" or "javascript".
        parameters: name → Tensor, what it learns; gradients have these names, too.
        constants: name → Tensor, what the function found and is no parameter.
    """

    def __init__(
        self,
        program: Program,
        machine: Any,
        clip: float | None,
        key: Key,
        examples: Sequence[Tensor] = (),
    ) -> None:
        self.program, self.machine = program, machine
        self.key, self.changes = key, Changes.last
        draft = program.draft
        self.lock = RLock()  # one memory: threads run it one after the other
        self.running = False
        self.names = [*draft.inputs]
        self.wanted = [(a.buffer.shape, a.buffer.dtype) for a in draft.inputs.values()]
        self.count = len(self.names)
        self.taken: list[tuple[Any, Any, Any]] = [(None, None, None)] * self.count
        self.shared = clip, examples
        self.model = Sharing(program, machine, *self.shared)
        several = isinstance(draft.returned, (tuple, list))
        gradients = draft.trains and not program.parts
        self.plain = not (
            several or gradients or self.model.foreign
        )  # returns one Tensor

    @property
    def source(self) -> str:
        self.settle()
        return self.machine.source  # type: ignore[no-any-return]

    @property
    def target(self) -> str:
        self.settle()
        return self.machine.name  # type: ignore[no-any-return]

    @property
    def parameters(self) -> dict[str, Tensor]:
        return self.tensors("parameter")

    @property
    def constants(self) -> dict[str, Tensor]:
        return self.tensors("constant")

    def tensors(self, role: str) -> dict[str, Tensor]:
        """The tensors that were there before, by their names in the program."""
        return {b.name: t for t, b in self.program.leaves.items() if b.role == role}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the program to a file that runs without this package. Parameters and
        state are as they are now. How the file is used stands at its head:

            step.py   from step import step; (loss,) = step(x, target, lr=0.1, t=1)
            step.c    load(); run(x, target, 0.1, 1, &loss);
            step.js   createProgram(numbers).step({ x, target, lr: 0.1, t: 1 })

        There lr is the learning rate and t counts the steps, from 1. In plain Python
        each array is a flat list of its numbers, row by row.

        More than 100,000 numbers lie in a file beside it, `step.py.numbers`. Both files
        are written whole, or stay as they were.

        Args:
            path: its suffix says in which language. A .py is in NumPy, or in plain
                Python if the program runs in that.

        Raises:
            TypeError: it is no path.
            ValueError: another suffix, or a program in JavaScript and not .js.
            OSError: there is no such folder, or the file cannot be written.
        """
        path = path_of(path)
        with self.alone():
            if path.suffix != ".js" and self.machine.name != "javascript":
                self.build()
                self.model.refresh()
            try:
                save(self.program, self.machine, Sayings(self.program), path)
            finally:
                self.model.take_back()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            "step: a program belongs to its model, and cannot be copied; write one for "
            "the copy (or keep it beside the model, not in it)"
        )

    # --- a run ------------------------------------------------------------------------

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Runs the program: forward, backward and update."""
        if self.changes is not Changes.last:
            self.check_key()
        if context.now.writer is not None:
            raise in_a_program("step", "called")
        arrays = self.inputs(given, named)
        with self.lock:
            if self.running:
                raise self.is_running()
            self.running = True
            try:
                results = self.run(arrays)
            finally:
                self.running = False
        return make(results[0]) if self.plain else self.returned(results)

    def run(self, arrays: list[Any]) -> tuple[Any, ...]:
        """The results of a run, after which the model has moved."""
        try:
            self.model.refresh()
            scalars = self.model.scalars()
            if self.program.draft.tape.randoms:
                arrays += self.drawn()
            if self.machine.proved:
                results: tuple[Any, ...] = self.machine.run(arrays, scalars)
            else:
                results = self.first_run(arrays, scalars)
        except BaseException:
            self.model.take_back()
            raise
        self.model.after()
        return results

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A block that no other thread runs the program in."""
        with self.lock:
            if self.running:
                raise self.is_running()
            yield

    def is_running(self) -> RuntimeError:
        """What to say inside of a run."""
        return RuntimeError(
            "step: the program is just running (a signal's handler is called in the "
            "middle of a run); note it there, and act after the run"
        )

    def first_run(self, arrays: list[Any], scalars: list[float]) -> tuple[Any, ...]:
        """A compiled program's first run, beside NumPy's, which runs while the compiler
        still works. If they differ, NumPy's program runs instead."""
        compiled = self.machine
        wanted = in_numpy(self.program, compiled, arrays, scalars)
        self.build()
        if self.machine is compiled:
            compiled.put(arrays, scalars)
            first, *update = compiled.halves
            if what := self.wrong(compiled, first, wanted):
                self.fall_back(
                    "step",
                    f"the compiled program is wrong ({what})",
                    "NumPy's program runs instead. Another compiler may be named by CC",
                )
        if self.machine is not compiled:
            self.model.refresh()
            results: tuple[Any, ...] = self.machine.run(arrays, self.model.scalars())
            return results
        compiled.proved = True
        del wanted  # the update needs memory, too
        give_back()
        for function in update:
            compiled.do(function)
        results = compiled.returned()
        return results

    def wrong(self, compiled: Any, function: Any, wanted: list[Any]) -> str:
        """What a compiled program computes otherwise than NumPy; "" if nothing."""
        try:
            compiled.do(function)
        except Exception as error:  # NumPy's checks have passed
            return f"it refuses what NumPy's takes: {error}"
        return first_difference(self.program, compiled, wanted)

    def settle(self) -> None:
        """Waits until it is known what runs."""
        if not self.machine.proved:
            with self.alone():
                self.build()

    def build(self) -> None:
        """Waits for the compiler. If it fails, NumPy's program runs instead."""
        if self.machine.proved:  # it is there, or none is needed
            return
        try:
            self.machine.build()
        except NoCompiler as error:
            self.fall_back("write", str(error), "the program runs in numpy")

    def fall_back(self, *said: str) -> None:
        """Goes on with NumPy's program, with a warning (Fallback's arguments)."""
        warnings.warn(Fallback(*said), stacklevel=outside())
        self.model.take_back()
        self.machine = NumPyMachine(self.program)
        self.model = Sharing(self.program, self.machine, *self.shared)

    def check_key(self) -> None:
        """Refuses a run if the program was written for another state of the model."""
        changes = Changes.last
        now = key_of(self.key.modules, (t for t, _ in self.key.learning))
        if what := difference(self.key, now):
            raise RuntimeError(
                f"step: {what} since the program was written; write it again (a "
                "function under @compile does so by itself)"
            )
        self.changes = changes

    def inputs(self, given: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        """The arrays of the inputs, checked."""
        if named:
            given = self.in_order(given, named)
        if len(given) != self.count:
            raise TypeError(
                f"step: {len(given)} inputs given; it takes {len(self.names)}: "
                f"{', '.join(self.names)}"
            )
        arrays = []
        for i, x in enumerate(given):
            array = x.array if isinstance(x, Recorded) else x
            kind, dtype, shape = self.taken[i]  # as the last one that was looked at
            if (
                type(array) is not kind
                or array.dtype is not dtype
                or array.shape != shape
            ):
                array = self.checked(i, x)
            arrays.append(array)
        return arrays

    def checked(self, i: int, x: Any) -> Any:
        """The i-th input as an array of the program's shape and dtype."""
        name, (shape, dtype) = self.names[i], self.wanted[i]
        if isinstance(x, Recorded):
            array = x.array
        elif type(x) in NAMESPACES and x.dtype == dtype:
            array = x
        else:  # also an array of a class of one's own, with a mask, say
            array = as_tensor(name, x).array
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"step: {name} of shape {array.shape} and {array.dtype} given; the "
                f"program was written for {shape} and {dtype}"
            )
        self.taken[i] = type(array), array.dtype, array.shape
        return array

    def drawn(self) -> list[Any]:
        """The random numbers of a run, drawn as the function itself draws them."""
        randoms, wanted = self.program.draft.tape.randoms, self.program.given
        found = [(x, uniform(x.shape, backend=self.model.xp)) for x in randoms]
        return [array for x, array in found if x.buffer in wanted]

    def in_order(self, given: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        """All inputs by position."""
        found = [*given]
        for name in self.names[len(given) :]:
            if name in named:
                found.append(named[name])
        unknown = [name for name in named if name not in self.names[len(given) :]]
        if unknown:
            raise TypeError(
                f"step: {unknown[0]}= given; its inputs are {', '.join(self.names)}"
            )
        return found

    def returned(self, results: tuple[Any, ...]) -> Any:
        """What the function returned, as Tensors; without an update the gradients
        too."""
        draft = self.program.draft
        if self.model.foreign:
            results = tuple(map(self.model.ours, results, self.program.results))
        outputs = [make(array) for array in results[: len(draft.outputs)]]
        found = alike(draft.returned, outputs)
        if self.program.parts or not draft.trains:
            return found
        arrays = results[len(outputs) :]
        return found, dict(zip(self.program.gradient_names, map(make, arrays)))
