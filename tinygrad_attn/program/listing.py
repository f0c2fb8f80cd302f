"""A program: the steps that are left, with names, and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..tensor import Tensor
from .anatomy import Buffer, Step, View
from .arranging import needed, once, settled, unread
from .drafting import Draft
from .naming import Namer, name_all
from .traced import Traced
from .updating import Part


@dataclass(eq=False, repr=False)
class Program:
    """A step of training (or a forward pass), written down.

    Attributes:
        first, steps: what runs once, and what runs each time.
        given: the buffers of what is given at each run: inputs, then random numbers.
        scalars: those of plain numbers.
        results: what a run returns: outputs, and gradients if nothing is updated.
        leaves: tensor → its buffer.
        parts: what optimizers move.
    """

    draft: Draft
    title: str
    first: list[Step]
    steps: list[Step]
    given: list[Buffer]
    scalars: list[Buffer]
    results: list[View]
    leaves: dict[Tensor, Buffer]
    parts: list[Part]
    namer: Namer = field(default_factory=Namer)

    @property
    def lasting(self) -> list[Buffer]:
        """The buffers that keep their numbers from run to run."""
        found: dict[Buffer, None] = {}
        for part in self.parts:
            if part.weights is not None:
                found.setdefault(part.weights)
            for buffer in part.slots.values():
                found.setdefault(buffer)
        for buffer in self.leaves.values():
            found.setdefault(buffer)
        return [*found]

    @property
    def gradients(self) -> list[View]:
        """Those of the parameters, as far as they are computed."""
        written = {step.out.buffer for step in self.all_steps}
        return [g for g in self.draft.gradients.values() if g.buffer in written]

    @property
    def gradient_names(self) -> list[str]:
        """The names of what has a gradient: parameters, and inputs that ask for one."""
        inputs = {array.buffer: name for name, array in self.draft.inputs.items()}
        return [
            self.leaves[t].name if t in self.leaves else inputs[t.array.buffer]
            for t in self.draft.gradients
        ]

    @property
    def all_steps(self) -> list[Step]:
        return [*self.first, *self.steps]

    def check_lasts(self, who: str) -> None:
        """Refuses an update that is for a first step alone: where the state begins with
        another number than 0, the next step is another."""
        for part in self.parts:
            if new := {*part.slots} - part.given:
                raise ValueError(
                    f"{who}: {type(part.optimizer).__name__} has no {min(new)} so far, "
                    "and begins with another than 0; a text for all steps can be "
                    "written after the first"
                )


def arranged(draft: Draft, parts: Sequence[Part], title: str) -> Program:
    """The program of a draft."""
    results: list[View] = [t.array for t in draft.outputs]
    if not parts and draft.trains:
        results += [*draft.gradients.values()]
    steps = needed(draft.tape.steps, results)
    steps = settled(unread(steps))
    read = {view.buffer for step in steps for view in step.reads()}
    read |= {view.buffer for view in results}
    for name, array in draft.inputs.items():
        if array.buffer not in read and array.size:
            raise ValueError(
                f"write: the result does not depend on the input {name!r}; leave it "
                "out, or use it (a loss made in record() knows an input by the very "
                "Tensor)"
            )
    first, each = once(steps)
    given = [array.buffer for array in draft.inputs.values()]
    given += [x.buffer for x in draft.tape.randoms if x.buffer in read]
    counts = [part.step.buffer for part in parts]  # they come last
    used = [b for b in in_order(steps) if b.role == "scalar" and b.name]
    rates = [x.buffer for part in parts for x in part.rates.values()]
    ahead = [*rates, *(b for b in used if b not in counts)]
    scalars = [b for b in dict.fromkeys([*ahead, *counts]) if b in used]
    leaves = {t: x.buffer for t, x in draft.tape.leaves.values() if x.buffer in read}
    if not parts:  # a gradient of zeros reads nothing
        learned = [p for p in draft.gradients if type(p.array) is not Traced]
        leaves |= {p: draft.tape.leaf(p).buffer for p in learned}
    for part in parts:  # all of them have a place in its vector
        leaves |= {p: draft.tape.leaf(p).buffer for p in part.parameters}
    program = Program(
        draft, title, first, each, given, scalars, results, leaves, list(parts)
    )
    program.namer = name_all(draft, program.all_steps)
    return program


def in_order(steps: Sequence[Step]) -> list[Buffer]:
    """The buffers that steps use, by their first use."""
    found: dict[Buffer, None] = {}
    for step in steps:
        for view in (*step.reads(), step.out):
            found.setdefault(view.buffer)
    return [*found]
