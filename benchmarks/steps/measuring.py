"""Measuring: contestants take turns, in blocks, and each pair of turns is a ratio.

A round gives every contestant one block of 50 ms, or of one step if that takes longer,
in an order that is drawn anew. What disturbs the machine for a while then disturbs all
alike. The ratio of two contestants is the median, over the rounds, of the ratio within
a round.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from .contestants import Contestant, Missing
from .contestants.ours import initial_weights
from .workers import Failed, Process, at_work
from .workloads import Workload, save

TOLERANCE = 1e-4  # of the losses, relative
PATIENCE = 1.0  # seconds; who takes longer for a step is there in FEW rounds only
FEW = 3


@dataclass
class Settings:
    """How much is measured.

    Attributes:
        rounds: how many blocks each contestant has.
        seconds: how long a block is.
        peers: the Python to look for peers in, if another than `make peers` makes.
        cpu: whether the processor's time is taken, and not the clock's: what others use
            of a busy machine is then not counted.
    """

    rounds: int = 15
    seconds: float = 0.05
    peers: str | None = None
    cpu: bool = False


@dataclass
class Result:
    """What was measured of one contestant.

    Attributes:
        contestant: whose it is.
        missing: why there is nothing; "" if there is.
        package: the library and its version.
        losses: of the first steps.
        ready: seconds until the first step was done: set-up, compiling, and the step.
        times: round → seconds a step.
        busy: round → how many processors it kept busy.
        memory: bytes, the most that its process had, less the imported library.
    """

    contestant: Contestant
    missing: str = ""
    package: str = ""
    losses: list[float] = field(default_factory=list)
    ready: float = 0.0
    times: dict[int, float] = field(default_factory=dict)
    busy: dict[int, float] = field(default_factory=dict)
    memory: int = 0

    @property
    def seconds(self) -> float:
        """The median of a step."""
        return median(self.times.values())

    @property
    def cores(self) -> float:
        """How many processors it keeps busy."""
        return median(self.busy.values())

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these is the middle half of its times."""
        times = [*self.times.values()]
        low, _, high = quantiles(times, n=4) if len(times) > 1 else times * 3
        return low, high

    def ratio(self, ours: Result) -> float:
        """How many times as long as ours it takes."""
        both = [(t, ours.times[i]) for i, t in self.times.items() if i in ours.times]
        return median(a / b for a, b in both)

    def plain(self) -> dict[str, Any]:
        """What JSON can say."""
        if self.missing:
            return {"title": self.contestant.title, "missing": self.missing}
        return {
            "title": self.contestant.title,
            "package": self.package,
            "seconds": self.seconds,
            "quartiles": [*self.quartiles],
            "rounds": len(self.times),
            "cores": round(self.cores, 2),
            "ready": self.ready,
            "losses": self.losses,
            "memory": self.memory,
        }


Results = dict[str, Result]


def compared(
    w: Workload, contestants: Sequence[Contestant], settings: Settings
) -> Results:
    """All contestants on one workload."""
    with (
        tempfile.TemporaryDirectory() as folder,
        at_work(contestants, settings.peers) as (processes, missing),
    ):
        file = Path(folder, "given.npz")
        save(file, initial_weights(w), w)
        results = {c.key: Result(c, missing.get(c.key, "")) for c in contestants}
        steps = prepared(w, file, processes, results)
        check_losses(results)
        for i in range(settings.rounds):
            order = [k for k in steps if steps[k] < PATIENCE or i < FEW]
            random.Random(i).shuffle(order)
            for key in order:
                block(processes[key], results[key], i, settings)
        for key in steps:
            peak = processes[key].ask("peak")
            results[key].memory = peak["peak"] - peak["imported"]
    return results


def prepared(
    w: Workload, file: Path, processes: dict[str, Process], results: Results
) -> dict[str, float]:
    """Lets all do their first steps; returns how long one takes, of those who can."""
    steps = {}
    for key, process in processes.items():
        result = results[key]
        only = result.contestant.only
        try:
            if only and w.name not in only:
                raise Missing("it would take minutes a step")
            found = process.ask("prepare", workload=w.plain(), file=str(file))
        except (Missing, Failed) as why:
            result.missing = str(why)
            continue
        result.package = found["package"]
        result.losses, result.ready = found["losses"], found["ready"]
        steps[key] = found["step"]
    return steps


def check_losses(results: Results) -> None:
    """Refuses a contestant whose losses are not those of the first: it has not done the
    same work."""
    there = [r for r in results.values() if not r.missing]
    for result in there[1:]:
        for ours, theirs in zip(there[0].losses, result.losses):
            if not abs(theirs - ours) <= TOLERANCE * abs(ours):
                raise Failed(
                    f"{result.contestant.title}: losses {result.losses}, but "
                    f"{there[0].contestant.title} has {there[0].losses}"
                )


def block(process: Process, result: Result, i: int, settings: Settings) -> None:
    """A contestant's turn in round i."""
    found = process.ask("block", seconds=settings.seconds)
    result.times[i] = found["cpu" if settings.cpu else "seconds"] / found["steps"]
    result.busy[i] = found["cpu"] / found["seconds"]
