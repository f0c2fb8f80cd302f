"""Pictures of the measurements, where matplotlib is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .contestants import CONTESTANTS
from .growth import KEYS, VALUES
from .tables import factor

LEFT = 0.03  # the picture's left edge
NARROW = 0.15  # of what is slower the number does not fit on the left


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
        row[0].yaxis.set_major_locator(plt.matplotlib.ticker.LogLocator(10, (1, 2, 5)))
        row[0].yaxis.set_major_formatter("{x:g}")
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
    ax.grid(alpha=0.3)


def draw_steps(measured: dict[str, Any], path: Path) -> str:
    """For each workload how many times as fast as PyTorch's each contestant is, or, if
    that is missing, as our eager step; says where the picture is."""
    plt = plotting()
    if plt is None:
        return "no picture: matplotlib is not installed"
    every = [w["contestants"] for w in measured.values()]
    keys = [k for k in CONTESTANTS if any("seconds" in c.get(k, {}) for c in every)]
    base = next((k for k in ("pytorch", "eager") if k in keys), keys[0])
    size = (2.6 * len(every) + 1.6, 0.3 * len(keys) + 1.3)
    figure, axes = plt.subplots(
        1, len(every), figsize=size, squeeze=False, sharey=True, sharex=True
    )
    for ax, (name, w) in zip(axes[0], measured.items()):
        there = [k for k, c in w["contestants"].items() if "seconds" in c]
        for key in there if base in there else ():
            point(ax, keys.index(key), speed(w, key, base), key)
        ax.axvline(1, color="0.6", linewidth=1, zorder=0)
        ax.set_title(name)
    first = axes[0][0]
    first.set_xscale("log")
    first.set_xlim(LEFT, 100)
    first.set_xticks([0.1, 1, 10], ["0.1×", "1×", "10×"])
    first.minorticks_off()
    first.set_yticks(range(len(keys)), [CONTESTANTS[k].title for k in keys])
    first.set_ylim(len(keys) - 0.5, -0.5)
    figure.supxlabel(f"times as fast as {CONTESTANTS[base].title}", fontsize="medium")
    return saved(figure, path)


def speed(w: dict[str, Any], key: str, base: str) -> float:
    """How many times as fast as the base a contestant is: where the table has the two
    side by side, its ratio, and else that of their times."""
    ratio: float | None = w["ratios"].get(key, {}).get(base)
    if ratio is not None:
        return ratio
    times = w["contestants"]
    found: float = times[base]["seconds"] / times[key]["seconds"]
    return found


def point(ax: Any, y: int, speed: float, key: str) -> None:
    """A contestant's speed, with its number; at the left edge if it lies beyond.

    The line at 1 must not pass through a number: what is slower has its number on the
    left, if there is room.
    """
    colour = "C0" if CONTESTANTS[key].ours else "0.45"
    marker, x = ("o", speed) if speed > LEFT else ("<", LEFT * 1.2)
    ax.plot([x], [y], marker, color=colour, clip_on=False)
    said = factor(speed) if speed >= 0.01 else f"{speed:.1g}"
    left = NARROW <= speed < 1.0
    place: dict[str, Any] = {"xytext": (-6 if left else 6, 0), "va": "center"}
    place |= {"textcoords": "offset points", "ha": "right" if left else "left"}
    ax.annotate(said, (x, y), size=9, **place)


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
