"""History: what a model has learned, at some 40 moments of its training.

A snapshot holds the numbers of the parameters alone. From them the page of
`play(..., history=...)` computes all else that the model did then: its attention, its
gradients and its loss.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..context import no_grad
from ..errors import brief, check_number
from ..tensor import Tensor

MOST = 40  # snapshots


@dataclass(frozen=True)
class Snapshot:
    """The parameters after a step.

    Attributes:
        step: as it was given to `keep`.
        numbers: of each parameter, row by row.
    """

    step: int
    numbers: list[array[float]]


class History:
    """Snapshots of a model's parameters while it learns, for `play`.

    However often `keep` is called, at most 40 are kept: the first, the last, and
    between them some about equally far apart.

        history = History(model)
        for step in range(1000):
            history.keep(step)
            ...                                # a step of training
        history.keep(1000)
        play(loss_of(model), "training.html", history=history)

    Args:
        model: a Module, or the Tensors that learn, as an optimizer takes them.

    Attributes:
        parameters: those Tensors.
        snapshots: what was kept, the earliest first.

    Raises:
        TypeError, ValueError: there is nothing that learns.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> history = History([w])
    >>> for step in range(1000):
    ...     history.keep(step)
    ...     w.assign(w.detach() * 0.99)
    >>> history
    <History of 1 parameter, 40 snapshots, steps 0 to 999>
    """

    def __init__(self, model: Any) -> None:
        given = (
            model.parameters() if callable(getattr(model, "parameters", 0)) else model
        )
        alone = isinstance(given, (str, Tensor)) or not isinstance(given, Iterable)
        found = [] if alone else [*given]
        if alone or not all(isinstance(t, Tensor) for t in found):
            raise TypeError(
                f"History: {brief(model)} given; it must be a model, or a list of the "
                "Tensors that learn"
            )
        if not found:
            raise ValueError(
                f"History: {brief(model)} given; it has no parameters to keep"
            )
        for t in found:
            if not t.dtype.startswith("float") or not t.is_leaf:
                raise ValueError(
                    f"History: a Tensor of {t.dtype} and shape {t.shape} given, which "
                    "no training sets; it must be a leaf of floats, as a parameter is"
                )
        self.parameters: list[Tensor] = found
        self.snapshots: list[Snapshot] = []

    @property
    def steps(self) -> list[int]:
        """The steps of the snapshots."""
        return [snapshot.step for snapshot in self.snapshots]

    def keep(self, step: int) -> None:
        """Keeps the parameters as they are now.

        Args:
            step: how many steps were made, a number above that of the call before.

        Raises:
            TypeError, ValueError: the step is no such number.
        """
        check_number("History.keep", "step", step, 0, whole=True)
        if self.snapshots and step <= self.snapshots[-1].step:
            raise ValueError(
                f"History.keep: step={step} given after step "
                f"{self.snapshots[-1].step}; it must be a later one"
            )
        numbers = [numbers_of(t) for t in self.parameters]
        self.snapshots.append(Snapshot(int(step), numbers))
        if len(self.snapshots) > MOST:
            # Of those in between, the one whose neighbours are the nearest; of several
            # the latest, for most happens early.
            gaps = [b - a for a, b in zip(self.steps, self.steps[2:])]
            del self.snapshots[len(gaps) - gaps[::-1].index(min(gaps))]

    def __len__(self) -> int:
        return len(self.snapshots)

    def __repr__(self) -> str:
        many = [(len(self.parameters), "parameter"), (len(self), "snapshot")]
        told = [f"{n} {what}{'' if n == 1 else 's'}" for n, what in many]
        if self.snapshots:
            told.append(f"steps {self.steps[0]} to {self.steps[-1]}")
        return f"<History of {', '.join(told)}>"


def numbers_of(t: Tensor) -> array[float]:
    """A copy of all numbers of a tensor, row by row, in its own precision."""
    with no_grad():
        numbers = t.detach().reshape(-1).tolist()
    return array("f" if t.dtype == "float32" else "d", numbers)
