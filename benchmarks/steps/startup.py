"""From nothing: how long a first result takes.

T         the reverse task (length 8) from the start of the process to every digit
          right, on NumPy, as a ratio of what `import torch` alone takes; and the
          processor's seconds in pure Python
writing   from a function to the end of its program's first run
"""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from .contestants import CONTESTANTS, Missing
from .contestants.ours import initial_weights
from .measuring import Settings
from .tables import NOTHING, duration, table
from .workers import ONE_THREAD, ROOT, Failed, at_work, interpreter
from .workloads import WORKLOADS, save

TRAIN = [sys.executable, "examples/train_reverse.py"]
WRITTEN = ("W1", "W2", "W4")


def run(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds of a command, and the processor's."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["it says nothing"]
        raise Failed(f"{shlex.join(command)} ended with {done.returncode}: {words[-1]}")
    passed = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return passed, cpu


def training(settings: Settings) -> dict[str, Any]:
    """Seconds of each, and the ratio."""
    ours, theirs, ratios = [], [], []
    missing = ""
    try:
        python = interpreter(CONTESTANTS["pytorch"], settings.peers)
    except Missing as why:
        python, missing = "", str(why)
    for _ in range(min(settings.rounds, 7)):
        ours.append(run([*TRAIN, "--backend", "numpy"])[0])
        if python:
            theirs.append(run([python, "-c", "import torch"])[0])
            ratios.append(ours[-1] / theirs[-1])
    wall, cpu = run(TRAIN)
    found = {"numpy": median(ours), "python wall": wall, "python cpu": cpu}
    if python:
        found |= {"import torch": median(theirs), "ratio": median(ratios)}
    return {**found, "missing": missing}


def writing(settings: Settings) -> dict[str, Any]:
    """Target → workload → seconds, "written" and "first"; or why it is missing."""
    found: dict[str, Any] = {}
    for key in ("numpy", "c"):
        for name in WRITTEN if settings.rounds > 1 else WRITTEN[:1]:
            w = WORKLOADS[name]
            with (
                tempfile.TemporaryDirectory() as folder,
                at_work([CONTESTANTS[key]]) as (processes, missing),
            ):
                file = Path(folder, "given.npz")
                save(file, initial_weights(w), w)
                try:
                    answer = processes[key].ask(
                        "writing", workload=w.plain(), file=str(file)
                    )
                    found.setdefault(key, {})[name] = answer
                except (KeyError, Missing, Failed) as why:
                    found[key] = {"missing": missing.get(key, str(why))}
    return found


def told(found: dict[str, Any]) -> str:
    """What people read."""
    t = found["training"]
    lines = [
        "T, the reverse task from process start to 100 %: "
        f"{duration(t['numpy'])} on NumPy",
    ]
    if "ratio" in t:
        lines[0] += (
            f", {t['ratio']:.2f} of `import torch` ({duration(t['import torch'])})"
        )
    else:
        lines[0] += f" (PyTorch: {t['missing']})"
    lines.append(
        f"  in pure Python {t['python cpu']:.1f} s of the processor "
        f"({t['python wall']:.1f} s in all)"
    )
    rows = [["", *WRITTEN]]
    for key, times in found["writing"].items():
        for until, said in (("written", ""), ("first", ", first run")):
            cells = (
                duration(times[n][until]) if n in times else NOTHING for n in WRITTEN
            )
            rows.append([CONTESTANTS[key].title + said, *cells])
    lines += [
        "",
        "Writing, from a function to its program; to the end of the first run",
    ]
    lines += ["(C's is compared with NumPy's, which is written for it):", table(rows)]
    lines += [
        f"{CONTESTANTS[k].title}: {times['missing']}"
        for k, times in found["writing"].items()
        if "missing" in times
    ]
    return "\n".join(lines)
