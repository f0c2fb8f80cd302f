"""The most memory that a step takes.

Each contestant has a process of its own, which makes the model and does a few steps.
Told is the peak of the process's resident memory, less what it was when the library had
been imported. So the model, its gradients and the optimizer's state are in it, and
whatever set-up took (a compiler that is a process of its own is not). The weights and
batches that all are given are in it too, for they are read in the same process.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from .contestants import CONTESTANTS, Missing
from .contestants.ours import initial_weights
from .measuring import Settings
from .tables import NOTHING, table
from .workers import Failed, at_work
from .workloads import WORKLOADS, save

KEYS = ("eager", "numpy", "c", "pytorch", "pytorch-compiled", "jax")


def measured(settings: Settings) -> dict[str, Any]:
    """Contestant → bytes: "imported", "peak" and their difference, "step"."""
    w = WORKLOADS["W4" if settings.rounds > 1 else "W1"]
    keys = KEYS if settings.rounds > 1 else KEYS[:4]
    found: dict[str, Any] = {"workload": w.name}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "given.npz")
        save(file, initial_weights(w), w)
        for key in keys:
            with at_work([CONTESTANTS[key]], settings.peers) as (processes, missing):
                try:
                    process = processes[key]
                    process.ask("prepare", workload=w.plain(), file=str(file))
                    peak = process.ask("peak")
                except (KeyError, Missing, Failed) as why:
                    found[key] = {"missing": missing.get(key, str(why))}
                    continue
            found[key] = {**peak, "step": peak["peak"] - peak["imported"]}
    return found


def told(found: dict[str, Any]) -> str:
    """The table."""
    rows = [["", "a step", "library", "peak, both"]]
    said = []
    for key, m in found.items():
        if key == "workload":
            continue
        title = CONTESTANTS[key].title
        if "missing" in m:
            said.append(f"{title}: {m['missing']}")
            rows.append([title, *[NOTHING] * 3])
        else:
            cells = (f"{m[x] / 1e6:.0f} MB" for x in ("step", "imported", "peak"))
            rows.append([title, *cells])
    title = f"Memory of a step of {found['workload']}: peak of the process, less that "
    return "\n".join([f"{title}of the imported library", "", table(rows), *said])
