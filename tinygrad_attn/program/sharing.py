"""Sharing: a machine has the numbers of the model and of its optimizers.

Programs and eager steps may take turns. So before each run it is looked at whether a
parameter, a state, or an option is another than after the last run; what is new is
taken over, and what the program was not written for is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter, is_, is_not
from typing import Any

from ..arrays.backends import brought, current_backend, namespace_of
from .listing import Program
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


class Sharing:
    """A model and its optimizers, whose numbers a machine has.

    Attributes:
        machine: which has them.
        foreign: whether the model is on another backend than the machine.
    """

    def __init__(
        self, program: Program, machine: Any, clip: float | None, given: Sequence[Any]
    ) -> None:
        self.program, self.machine, self.clip = program, machine, clip
        self.leaves = [*program.leaves]
        self.buffers = [*program.leaves.values()]
        arrays = [t.array for t in self.leaves] or [t.array for t in given]
        self.xp = namespace_of(arrays) if arrays else current_backend().xp
        self.foreign = self.xp.name != machine.namespace
        trained = {p for part in program.parts for p in part.parameters}
        self.moving = [
            (i, t, buffer)
            for i, (t, buffer) in enumerate(program.leaves.items())
            if t in trained
        ]
        self.seen: list[Any] = [None] * len(self.leaves)
        self.optimizers = [*dict.fromkeys(part.optimizer for part in program.parts)]
        self.expected: list[Any] = [None] * len(self.optimizers)
        self.groups: list[Any] = []  # of the optimizers, as they were at the last run
        self.rates: dict[Any, float] = {}  # scalar → its number
        self.states: list[tuple[Part, list[dict[str, Any]]]] = []  # of its parameters
        self.counts: list[tuple[int, list[dict[str, Any]]]] = []  # of this run's steps
        self.slots = [(part, slot) for part in program.parts for slot in part.slots]
        self.dicts: list[dict[str, Any]] = []  # of each parameter, slot by slot
        self.names: list[str] = []  # of these slots
        self.given: list[Any] = []  # what they were given
        self.fresh: list[tuple[int, Any]] = []  # had no state before this run
        self.renews = self.foreign or not machine.keeps  # gives out other arrays
        self.beginning = [p for p in program.parts if len(p.given) < len(p.slots)]

    # --- before a run -----------------------------------------------------------------

    def refresh(self) -> None:
        """Has the machine have the numbers of the model, in a memory of its own."""
        moved = self.others_moved()
        kept = self.machine.alone is not None and self.others_keep(moved)
        if moved or self.beginning:
            self.check_states()
        if kept or moved:
            self.take_over(kept)

    def others_moved(self) -> bool:
        """Whether a parameter or a state has other numbers than after the last run."""
        self.look_at_states()
        now = map(array_of, self.leaves)
        return any(map(is_not, now, self.seen)) or any(
            map(self.is_other, self.optimizers, self.expected)
        )

    def others_keep(self, moved: bool) -> bool:
        """Whether somebody has an array that was given out. (No list of them may be
        left when they are counted anew.)"""
        return bool(self.machine.shared(self.dropped() if moved else ()))

    def dropped(self) -> list[Any]:
        """The arrays that were given out, and that a parameter or a state no longer
        has: whoever else has them keeps their numbers."""
        leaves = [
            self.seen[i] for i, t, _ in self.moving if t.array is not self.seen[i]
        ]
        given = iter(self.given)
        states = [
            array
            for part, slot in self.slots
            for p, array in zip(part.parameters, given)
            if part.optimizer.state.get(p, {}).get(slot) is not array
        ]
        return leaves + states

    @staticmethod
    def is_other(optimizer: Any, expected: Any) -> bool:
        """Whether an optimizer has another state, or went on, since the last run."""
        if expected is None:
            return True
        state, steps = expected
        return optimizer.state is not state or optimizer.steps != steps

    def look_at_states(self) -> None:
        """Sees whether somebody emptied a state, or put one of his own, or an array,
        in its place: then its optimizer is another."""
        for part, states in self.states:
            now = map(part.optimizer.state.get, part.parameters)
            if any(map(is_not, now, states)):
                self.expected[self.optimizers.index(part.optimizer)] = None
        if any(map(is_not, map(dict.get, self.dicts, self.names), self.given)):
            self.expected = [None] * len(self.optimizers)

    def check_states(self) -> None:
        """Refuses a run if an optimizer's state is another than was written for."""
        if not all(part.suits() for part in self.unsure()):
            raise RuntimeError(
                "step: the optimizer's state is not what the program was written for "
                "(other slots, or parameters updated differently often); write it "
                "again (a function under @compile does so by itself)"
            )

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

    # --- numbers: taken over, and given out -------------------------------------------

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
                self.take_state(i)
            self.expected[i] = optimizer.state, optimizer.steps
        self.states = [
            (part, [part.optimizer.state[p] for p in part.parameters])
            for part in self.program.parts
        ]
        found = [(d, s) for part, own in self.states for s in part.slots for d in own]
        self.dicts, self.names = [d for d, _ in found], [slot for _, slot in found]
        self.give_out()
        machine.alone = None
        machine.shared()  # counts

    def take_state(self, i: int) -> None:
        """The same of an optimizer's state; what is missing begins at 0."""
        optimizer = self.optimizers[i]
        for part in self.program.parts:
            if part.optimizer is not optimizer:
                continue
            for at, p in enumerate(part.parameters):
                if p not in optimizer.state:
                    self.fresh.append((i, p))
                state = optimizer.state.get(p, {})
                optimizer.state[p] = {"step": state.get("step", 0)}
                for slot in part.slots:
                    self.machine.take_piece(part, slot, at, state.get(slot))

    def give_out(self) -> None:
        """Gives parameters and states the machine's arrays; or copies of them, if the
        model is on another backend."""
        arrays, pieces = self.machine.arrays, self.machine.pieces
        for i, t, buffer in self.moving:
            own = arrays[buffer]
            t.array = self.seen[i] = self.ours(own, t) if self.foreign else own
        self.given = []
        for part, slot in self.slots:
            given = pieces[part, slot]
            if self.foreign:
                given = [*map(self.ours, given, part.parameters)]
            self.given += given
        for state, slot, array in zip(self.dicts, self.names, self.given):
            state[slot] = array

    def take_back(self) -> None:
        """No step was made: what had no state has none."""
        for i, p in self.fresh:
            self.optimizers[i].state.pop(p, {}).clear()
            self.expected[i] = None
        self.fresh = []

    def ours(self, array: Any, like: Any) -> Any:
        """An array of the machine as one of the model's backend, which is another."""
        return brought(self.xp, array, like.dtype)

    # --- plain numbers ----------------------------------------------------------------

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

    # --- after a run ------------------------------------------------------------------

    def after(self) -> None:
        """The counts of steps go on."""
        self.fresh = []
        for i, optimizer in enumerate(self.optimizers):
            optimizer.steps += 1
            self.expected[i] = optimizer.state, optimizer.steps
        for t, states in self.counts:
            for state in states:
                state["step"] = t
        if self.renews:
            self.give_out()
