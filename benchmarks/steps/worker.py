"""What runs in a contestant's own process: it does what it is asked to, line by line.

    python -m benchmarks.steps.worker KEY

A line of standard input is a request in JSON, a line of standard output its answer:

    {"do": "load"}                            imports the library
    {"do": "prepare", "workload", "file"}     makes the model, and does the first steps
    {"do": "block", "seconds"}                does steps for so long
    {"do": "writing", "workload", "file"}     writes a program and runs it, once
    {"do": "operation", "name", "seconds"}    runs one small operation for so long
    {"do": "peak"}                            says how much memory there has been

What cannot take part answers {"missing": why}, what fails {"error": what}.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

from .contestants import CONTESTANTS, Missing
from .workloads import Workload, load

FIRST = 5  # steps whose losses are compared
WARM = 0.005  # seconds of steps before those that count: caches are someone else's


class Worker:
    """A contestant at work.

    Attributes:
        step: its training step.
        batches: tokens and labels, without end.
        last: how long the last step took.
    """

    step: Callable[[Any, Any], float]
    batches: Any
    last: float

    def __init__(self, key: str) -> None:
        self.contestant = CONTESTANTS[key]
        self.module: Any = None
        self.imported = 0

    def answer(self, do: str, **asked: Any) -> dict[str, Any]:
        return getattr(self, do)(**asked)  # type: ignore[no-any-return]

    def load(self) -> dict[str, Any]:
        try:
            self.module = self.contestant.load()
        except ModuleNotFoundError as error:
            raise Missing(f"{error.name} is not installed") from error
        self.imported = peak()
        return {}

    # --- training steps ---------------------------------------------------------------

    def prepare(self, workload: dict[str, Any], file: str) -> dict[str, Any]:
        w = Workload(**workload)
        weights, batches = load(Path(file))
        if self.contestant.variant == "python":
            batches = [(x.tolist(), y.tolist()) for x, y in batches]
        began = time.perf_counter()
        self.step = self.module.step(self.contestant.variant, w, weights)
        del weights
        self.batches = cycle(batches)
        losses = [self.one()]
        ready = time.perf_counter() - began
        losses += [self.one() for _ in range(FIRST - 1)]
        said = {"package": self.contestant.said(), "losses": losses}
        return {**said, "ready": ready, "step": self.last}

    def one(self) -> float:
        began = time.perf_counter()
        loss = self.step(*next(self.batches))
        self.last = time.perf_counter() - began
        return loss

    def block(self, seconds: float) -> dict[str, Any]:
        gc.collect()
        self.run(min(WARM, seconds))  # its memory is there again, its caches are warm
        steps, passed, cpu = self.run(seconds)
        self.last = passed / steps
        return {"steps": steps, "seconds": passed, "cpu": cpu}

    def run(self, seconds: float) -> tuple[int, float, float]:
        """Steps for so long, one at least: how many, how long, and the processor's
        time, of all threads together."""
        step, batches, clock = self.step, self.batches, time.perf_counter
        steps, cpu = 0, time.process_time()
        now = began = clock()
        while now - began < seconds or not steps:
            step(*next(batches))
            steps += 1
            now = clock()
        return steps, now - began, time.process_time() - cpu

    # --- other questions --------------------------------------------------------------

    def writing(self, workload: dict[str, Any], file: str) -> dict[str, Any]:
        weights, batches = load(Path(file))
        w, target = Workload(**workload), self.contestant.variant
        return dict(self.module.writing(target, w, weights, batches[0]))

    def operation(self, name: str, seconds: float) -> dict[str, Any]:
        forward, backward = self.module.operations()[name]
        clock, times, done = time.perf_counter, [0.0, 0.0], 0
        until = clock() + seconds
        for warm in (True, False):
            while not done or clock() < until:
                began = clock()
                results = [forward() for _ in range(100)]
                middle = clock()
                for z in results:
                    backward(z)
                end = clock()
                del results
                times = [times[0] + middle - began, times[1] + end - middle]
                done += 100
                if warm:
                    times, done = [0.0, 0.0], 0
                    break
        return {"forward": times[0] / done, "backward": times[1] / done}

    def peak(self) -> dict[str, Any]:
        return {"imported": self.imported, "peak": peak()}


def peak() -> int:
    """The most memory that this process has had, in bytes. (Linux hands getrusage's
    number on from the process that started this one; its own is in a file.)"""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(s for s in status.read_text().splitlines() if "VmHWM" in s)
        return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main(key: str) -> None:
    """Answers until standard input ends. What libraries print goes elsewhere."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(key)
    for line in sys.stdin:
        try:
            found = worker.answer(**json.loads(line))
        except Missing as why:
            found = {"missing": str(why)}
        except Exception as error:  # said in the table, whatever it is
            found = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
