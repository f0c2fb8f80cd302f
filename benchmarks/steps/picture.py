"""Pictures of the measurements, where matplotlib is installed."""

from __future__ import annotations

import math
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .contestants import CONTESTANTS
from .growth import KEYS, VALUES


def draw_growth(found: dict[str, Any], path: Path) -> str:
    """Time above, memory below, on double logarithmic axes; says where it is."""
    plt = plotting()
    if plt is None:
        return "no picture: matplotlib is not installed"
    figure, axes = plt.subplots(2, 4, figsize=(13, 5.6), sharey="row", sharex="col")
    rows = ("ms a step", "", 1e3), ("MB at most", " memory", 1e-6)
    for row, (said, more, unit) in zip(axes, rows):
        for ax, what in zip(row, VALUES):
            curves(ax, found[what], more, unit)
        row[0].set_ylabel(said)
    for ax, what in zip(axes[1], VALUES):
        ax.set_xlabel(what)
    axes[0][0].legend(frameon=False)
    return saved(figure, path)


def curves(ax: Any, cells: dict[str, Any], more: str, unit: float) -> None:
    """A curve for each contestant."""
    for key in KEYS:
        pairs = [(int(v), c[key + more]) for v, c in cells.items() if key + more in c]
        if pairs:
            x, y = zip(*pairs)
            ax.loglog(x, [unit * n for n in y], "o-", label=CONTESTANTS[key].title)
    ticks = [int(v) for v in cells]
    ax.set_xticks(ticks, map(str, ticks))
    ax.minorticks_off()


def draw_steps(measured: dict[str, Any], path: Path) -> str:
    """For each workload a point for each contestant, on a logarithmic axis of whole
    decades; says where it is."""
    plt = plotting()
    if plt is None:
        return "no picture: matplotlib is not installed"
    figure, axes = plt.subplots(1, len(measured), figsize=(13, 3.2), squeeze=False)
    for ax, (name, w) in zip(axes[0], measured.items()):
        there = {key: c for key, c in w["contestants"].items() if "missing" not in c}
        times = [1e3 * c["seconds"] for c in there.values()]
        colours = ["C0" if CONTESTANTS[key].ours else "C7" for key in there]
        ax.scatter(times, range(len(there)), c=colours)
        ax.set_yticks(range(len(there)), [c["title"] for c in there.values()])
        ax.invert_yaxis()
        ends = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
        decades = [10.0**n for n in range(ends[0], ends[1] + 1)]
        ax.set_xscale("log")
        ax.set_xticks(decades, [f"{ms:g}" for ms in decades])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        ax.set_title(name)
        ax.set_xlabel("ms a step")
    return saved(figure, path)


def plotting() -> Any:
    """matplotlib's pyplot, on no screen; None if it is not installed."""
    if not find_spec("matplotlib"):
        return None
    import_module("matplotlib").use("svg")
    return import_module("matplotlib.pyplot")


def saved(figure: Any, path: Path) -> str:
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return f"picture: {path}"
