"""Small operations: what each costs before any arithmetic counts.

Ours, eager, beside PyTorch's, on (16, 16) numbers of float32. Forward is recorded.
Backward is a walk of one operation, from a given gradient into `.grad`.
"""

from __future__ import annotations

import random
from statistics import median
from typing import Any

from .contestants import CONTESTANTS
from .measuring import Settings
from .tables import table
from .workers import at_work

NAMES = ("add", "mul", "matmul", "exp", "sum", "softmax", "layer_norm")
PAIR = ("eager", "pytorch")


def measured(settings: Settings) -> dict[str, Any]:
    """Operation → "forward" and "backward" → contestant → seconds, and "ratio"."""
    with at_work([CONTESTANTS[k] for k in PAIR], settings.peers) as (
        processes,
        missing,
    ):
        found: dict[str, Any] = {name: {} for name in NAMES}
        times: dict[Any, list[float]] = {}
        for i in range(settings.rounds):
            order = [(name, key) for name in NAMES for key in processes]
            random.Random(i).shuffle(order)
            for name, key in order:
                asked = {"name": name, "seconds": settings.seconds}
                for way, t in processes[key].ask("operation", **asked).items():
                    times.setdefault((name, way, key), []).append(t)
        for (name, way, key), row in times.items():
            cell = found[name].setdefault(way, {})
            cell[key] = median(row)
            if len(cell) == len(PAIR):
                both = (times[name, way, k] for k in reversed(PAIR))
                cell["ratio"] = median(b / a for b, a in zip(*both))
    return {"missing": missing, "operations": found}


def told(found: dict[str, Any]) -> str:
    """The table."""
    rows = [["", "forward", "ours", "PyTorch", "backward", "ours", "PyTorch"]]
    for name, ways in found["operations"].items():
        row = [name]
        for way in ("forward", "backward"):
            cell = ways.get(way, {})
            row.append(f"{cell['ratio']:.2f}" if "ratio" in cell else "–")
            row += [f"{cell[k] * 1e6:.2f}" if k in cell else "–" for k in PAIR]
        rows.append(row)
    said = [f"{CONTESTANTS[k].title}: {why}" for k, why in found["missing"].items()]
    title = "Small operations on (16, 16): PyTorch's time / ours, and both in µs"
    return "\n".join([title, "", table(rows), *said])
