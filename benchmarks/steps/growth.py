"""How the time and the memory of a step grow with depth, width, batch and length.

One of the four is changed at a time, from a model in the middle. Ours, eager and as a
program of C, beside PyTorch's. Memory is the most that a process had, less what it had
when its library was imported (of C with the comparison that follows the first run).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .contestants import CONTESTANTS
from .measuring import Settings, compared
from .tables import NOTHING, duration, factor, table
from .workloads import Workload

MIDDLE = Workload("middle", True, 2, 64, 4, 65, 4, 64)
VALUES = {
    "layers": (1, 2, 4, 8),
    "width": (16, 32, 64, 128, 256),
    "batch": (1, 2, 4, 8, 16),
    "length": (16, 32, 64, 128, 256),
}
KEYS = ("eager", "c", "pytorch")


def measured(settings: Settings) -> dict[str, Any]:
    """What is changed → its value → contestant → seconds; key + " ratio"; key +
    " memory", bytes."""
    found: dict[str, Any] = {"middle": MIDDLE.plain(), "missing": {}}
    for what, values in VALUES.items():
        found[what] = {}
        for value in values if settings.rounds > 1 else values[:2]:
            changed: dict[str, Any] = {"name": f"{what} {value}", what: value}
            results = compared(
                replace(MIDDLE, **changed), [CONTESTANTS[k] for k in KEYS], settings
            )
            cell = found[what][str(value)] = {}
            for key, r in results.items():
                if r.missing:
                    found["missing"][key] = r.missing
                    continue
                cell[key] = r.seconds
                cell[f"{key} memory"] = r.memory
                if not results["pytorch"].missing and r.contestant.ours:
                    cell[f"{key} ratio"] = results["pytorch"].ratio(r)
    return found


def told(found: dict[str, Any]) -> str:
    """The table."""
    titles = [CONTESTANTS[k].title for k in KEYS]
    rows = [["", "/ eager", "/ C program", *titles, *titles]]
    for what in VALUES:
        rows.append([what, *[""] * 8])
        for value, cell in found[what].items():
            ratios = (cell.get(f"{k} ratio") for k in KEYS[:2])
            rows.append(
                [
                    f"  {value}",
                    *(NOTHING if r is None else factor(r) for r in ratios),
                    *(duration(cell[k]) if k in cell else NOTHING for k in KEYS),
                    *(megabytes(cell.get(f"{k} memory")) for k in KEYS),
                ]
            )
    said = [f"{CONTESTANTS[k].title}: {why}" for k, why in found["missing"].items()]
    title = "How a step grows: PyTorch's time / ours, each one's time and memory\n"
    return "\n".join([f"{title}{MIDDLE}", "", table(rows), *said])


def megabytes(count: float | None) -> str:
    """A number of bytes, for people."""
    return NOTHING if count is None else f"{count / 1e6:.0f} MB"
