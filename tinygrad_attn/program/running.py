"""Running: a program as a function that moves the model's own parameters.

A program was written for shapes and dtypes of its inputs, for a model as it was then
(its key, keys.py), for an optimizer's options, and for what its rules decided by a
plain number. A run looks whether all that still holds, and refuses otherwise.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter, is_, is_not
from threading import Lock
from typing import Any

from ..arrays.backends import (
    NAMESPACES,
    brought,
    current_backend,
    namespace_of,
    uniform,
)
from ..autograd.recording import Recorded, make
from ..context import Changes, context
from ..errors import in_a_program, outside
from ..tensor import Tensor
from .files import path_of
from .keys import Key, difference, key_of
from .listing import Program
from .machines import NumPyMachine
from .proving import first_difference, give_back, in_numpy
from .saving import save
from .saying import Sayings
from .updating import Part

array_of = attrgetter("array")


def noted(group: dict[str, Any]) -> tuple[list[Any], ...]:
    """A group of an optimizer as it is now: its options, their values, and what is in
    those that are lists (the parameters)."""
    lists = [v for v in group.values() if isinstance(v, list)]
    return [*group], [*group.values()], lists, [x for v in lists for x in v]


def is_as_noted(group: dict[str, Any], note: tuple[list[Any], ...]) -> bool:
    """Whether it still is, to the very objects."""
    names, values, lists, inside = note
    return (
        [*group] == names
        and all(map(is_, group.values(), values))
        and sum(map(len, lists)) == len(inside)
        and all(map(is_, chain.from_iterable(lists), inside))
    )


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
        self.clip, self.key, self.changes = clip, key, Changes.last
        draft = program.draft
        self.lock = Lock()  # one memory: threads run it one after the other
        self.names = [*draft.inputs]
        self.wanted = [(a.buffer.shape, a.buffer.dtype) for a in draft.inputs.values()]
        self.count = len(self.names)
        self.taken: list[tuple[Any, Any, Any]] = [(None, None, None)] * self.count
        self.leaves = [*program.leaves]
        self.buffers = [*program.leaves.values()]
        arrays = [t.array for t in self.leaves] or [t.array for t in examples]
        self.xp = namespace_of(arrays) if arrays else current_backend().xp
        self.foreign = self.xp.name != machine.namespace
        self.trained = {p for part in program.parts for p in part.parameters}
        self.seen: list[Any] = [None] * len(self.leaves)
        self.optimizers = [*dict.fromkeys(part.optimizer for part in program.parts)]
        self.expected: list[Any] = [None] * len(self.optimizers)
        self.groups: list[Any] = []  # of the optimizers, as they were at the last run
        self.rates: dict[Any, float] = {}  # scalar → its number
        self.states: list[tuple[Part, list[dict[str, Any]]]] = []  # of its parameters
        self.counts: list[tuple[int, list[dict[str, Any]]]] = []  # of this run's steps
        self.handed: list[list[tuple[Any, str, Any]]] = [[] for _ in self.optimizers]
        self.renews = self.foreign or not machine.keeps  # gives out other arrays
        self.beginning = [p for p in program.parts if len(p.given) < len(p.slots)]
        several = isinstance(draft.returned, (tuple, list))
        gradients = draft.trains and not program.parts
        self.plain = not (several or gradients or self.foreign)  # returns one Tensor

    @property
    def source(self) -> str:
        return self.machine.source  # type: ignore[no-any-return]

    @property
    def target(self) -> str:
        return self.machine.name  # type: ignore[no-any-return]

    @property
    def constants(self) -> dict[str, Tensor]:
        return {
            b.name: t for t, b in self.program.leaves.items() if b.role == "constant"
        }

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
        if path.suffix != ".js" and self.target != "javascript":
            self.refresh()
        save(self.program, self.machine, Sayings(self.program), path)

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
            self.refresh()
            scalars = self.scalars()
            if self.program.draft.tape.randoms:
                arrays += self.drawn()
            if self.machine.proved:
                results = self.machine.run(arrays, scalars)
            else:
                results = self.first_run(arrays, scalars)
            if self.trained:
                self.after()
        return make(results[0]) if self.plain else self.returned(results)

    def refresh(self) -> None:
        """Has the machine have the numbers of the model, in a memory of its own."""
        kept = self.machine.alone is not None and self.machine.shared()
        if kept or self.renews:
            self.look_at_states()
        moved = self.others_moved()
        if moved or self.beginning:
            self.check_states()
        if kept or moved:
            self.take_over(kept)
            self.machine.alone = None
            self.machine.shared()  # counts

    def check_states(self) -> None:
        """Refuses a run if an optimizer's state is another than was written for."""
        if not all(part.suits() for part in self.unsure()):
            raise RuntimeError(
                "step: the optimizer's state is not what the program was written for "
                "(other slots, or parameters updated differently often); write it "
                "again (a function under @compile does so by itself)"
            )

    def look_at_states(self) -> None:
        """Sees whether somebody put an array of his own into a state."""
        for i, optimizer in enumerate(self.optimizers):
            for p, slot, array in self.handed[i]:
                if optimizer.state.get(p, {}).get(slot) is not array:
                    self.expected[i] = None

    def first_run(self, arrays: list[Any], scalars: list[float]) -> tuple[Any, ...]:
        """A compiled program's first run, beside NumPy's. If they differ, NumPy's
        program runs instead."""
        compiled = self.machine
        wanted = in_numpy(self.program, compiled, arrays, scalars)
        compiled.put(arrays, scalars)
        first, *update = compiled.halves
        compiled.do(first)
        if what := first_difference(self.program, compiled, wanted):
            warnings.warn(
                f"step: the compiled program is wrong ({what}); NumPy's program runs "
                "instead. Another compiler may be named by CC",
                stacklevel=outside(),
            )
            self.machine = NumPyMachine(self.program)
            for buffer, array in self.machine.arrays.items():
                array[...] = compiled.arrays[buffer]
            self.take_over(False)
            self.machine.alone = None
            self.machine.shared()
            results: tuple[Any, ...] = self.machine.run(arrays, scalars)
            return results
        compiled.proved = True
        del wanted  # the update needs memory, too
        give_back()
        for function in update:
            compiled.do(function)
        results = compiled.returned()
        return results

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
        found = [(x, uniform(x.shape, backend=self.xp)) for x in randoms]
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

    def others_moved(self) -> bool:
        """Whether a parameter or a state has other numbers than after the last run."""
        now = map(array_of, self.leaves)
        return (
            self.emptied()
            or any(map(is_not, now, self.seen))
            or any(map(self.is_other, self.optimizers, self.expected))
        )

    @staticmethod
    def is_other(optimizer: Any, expected: Any) -> bool:
        """Whether an optimizer has another state, or went on, since the last run."""
        if expected is None:
            return True
        state, steps = expected
        return optimizer.state is not state or optimizer.steps != steps

    def emptied(self) -> bool:
        """Whether an optimizer's state was emptied: then it begins anew."""
        found = False
        for part, states in self.states:
            if part.optimizer.state.get(part.parameters[0]) is not states[0]:
                self.expected[self.optimizers.index(part.optimizer)] = None
                found = True
        return found

    def take_over(self, kept: bool) -> None:
        """Takes over what others gave the parameters and the states, and gives out
        views of the machine's memory; of a fresh one, if somebody kept the old."""
        machine = self.machine
        if kept:
            machine.move()
        for i, (t, buffer) in enumerate(zip(self.leaves, self.buffers)):
            if t.array is not self.seen[i]:
                machine.take(buffer, t.array)
                self.seen[i] = t.array
        for i, optimizer in enumerate(self.optimizers):
            if self.is_other(optimizer, self.expected[i]):
                self.take_state(optimizer)
            self.expected[i] = optimizer.state, optimizer.steps
        self.give_out()
        self.states = [
            (part, [part.optimizer.state[p] for p in part.parameters])
            for part in self.program.parts
        ]

    def take_state(self, optimizer: Any) -> None:
        """The same of an optimizer's state; what is missing begins at 0."""
        for part in self.program.parts:
            if part.optimizer is not optimizer:
                continue
            for at, p in enumerate(part.parameters):
                state = optimizer.state.get(p, {})
                optimizer.state[p] = {"step": state.get("step", 0)}
                for slot in part.slots:
                    self.machine.take_piece(part, slot, at, state.get(slot))

    def give_out(self) -> None:
        """Gives parameters and states the machine's arrays; or copies of them, if the
        model is on another backend."""
        arrays, pieces = self.machine.arrays, self.machine.pieces
        for i, (t, buffer) in enumerate(zip(self.leaves, self.buffers)):
            if t in self.trained:
                own = arrays[buffer]
                t.array = self.seen[i] = self.ours(own, t) if self.foreign else own
        self.handed = [[] for _ in self.optimizers]
        for part in self.program.parts:
            state = part.optimizer.state
            handed = self.handed[self.optimizers.index(part.optimizer)]
            for slot in part.slots:
                for p, own in zip(part.parameters, pieces[part, slot]):
                    given = self.ours(own, p) if self.foreign else own
                    state[p][slot] = given
                    handed.append((p, slot, given))

    def ours(self, array: Any, like: Any) -> Any:
        """An array of the machine as one of the model's backend, which is another."""
        return brought(self.xp, array, like.dtype)

    def scalars(self) -> list[float]:
        """The plain numbers of this run."""
        if what := self.other_options():
            raise RuntimeError(
                f"step: {what}; write it again (a function under @compile does so by "
                "itself)"
            )
        values = self.rates
        self.counts = []
        for part, states in self.states:
            t = states[0]["step"] + 1
            values[part.step.buffer] = t
            self.counts.append((t, states))
        bound = self.clip or 0.0
        return [values.get(b, bound) for b in self.program.scalars]

    def other_options(self) -> str:
        """Which of the optimizers' options is not as the program was written for, in
        words; "" if all are. Rates are read anew, and checked, when they have changed.
        """
        groups = [group for o in self.optimizers for group in o.param_groups]
        if len(groups) == len(self.groups) and all(
            map(is_as_noted, groups, self.groups)
        ):
            return ""
        for part in self.program.parts:
            if what := part.other_option():
                return f"{what} when the program was written"
        for optimizer in self.optimizers:
            optimizer.options()  # which refuses what is no rate
        rates = {
            x.buffer: float(part.optimizer.param_groups[part.group][rate])
            for part in self.program.parts
            for rate, x in part.rates.items()
        }
        for buffer, was in self.program.draft.tape.decided.items():
            if bool(rates.get(buffer)) is not was:
                return (
                    f"{buffer.name} is {rates.get(buffer)}, and the program was "
                    f"written for {'another number than 0' if was else '0'}"
                )
        self.rates, self.groups = rates, [*map(noted, groups)]
        return ""

    def unsure(self) -> list[Part]:
        """The parts whose state may not be what their update was written for."""
        moved = {
            id(o)
            for i, o in enumerate(self.optimizers)
            if self.is_other(o, self.expected[i])
        }
        return [
            part
            for part in self.program.parts
            if id(part.optimizer) in moved or len(part.given) < len(part.slots)
        ]

    def after(self) -> None:
        """The counts of steps go on."""
        for i, optimizer in enumerate(self.optimizers):
            optimizer.steps += 1
            self.expected[i] = optimizer.state, optimizer.steps
        for t, states in self.counts:
            for state in states:
                state["step"] = t
        if self.renews:
            self.give_out()

    def returned(self, results: tuple[Any, ...]) -> Any:
        """What the function returned, as Tensors; without an update the gradients
        too."""
        draft = self.program.draft
        if self.foreign:
            results = tuple(map(self.ours, results, self.program.results))
        outputs = [make(array) for array in results[: len(draft.outputs)]]
        found = alike(draft.returned, outputs)
        if self.program.parts or not draft.trains:
            return found
        arrays = results[len(outputs) :]
        return found, dict(zip(self.program.gradient_names, map(make, arrays)))
