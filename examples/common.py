"""What the examples share: a metrics file, the process's clock, what is told of a run,
and how a lesson is laid out."""

from __future__ import annotations

import inspect
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import BytesIO, FileIO
from math import isfinite, nan
from pathlib import Path
from typing import Any

from examples.files import check_folder, name_of_folder
from examples.options import Parser, choose_backend
from examples.terminal import run, tell
from tinygrad_attn import Tensor, use_backend, whole_file
from tinygrad_attn.errors import how_to_install
from tinygrad_attn.scalar import topological_order

_IMPORTED = time.time()


def process_start() -> float:
    """When this process began, in seconds since the epoch (to 10 ms, on Linux;
    elsewhere when this file was imported)."""
    try:
        with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
            age = float(uptime.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
        return time.time() - age
    except (OSError, ValueError, IndexError, AttributeError):
        return _IMPORTED


class Metrics:
    """A file of JSON lines, one for each step; nothing without a path. A line is
    written whole: what a killed process left of one is cut off before more is added."""

    def __init__(self, path: str | None, append: bool = False) -> None:
        self.start, self.path = process_start(), path
        self.file: FileIO | None = None
        if path:
            self.file = open(path, "ab" if append else "wb", buffering=0)
            if append and os.path.isfile(path):
                self.file.truncate(end_of_lines(path))

    def write(self, **row: Any) -> None:
        """Writes a line; "seconds" since the process started are added."""
        if self.file:
            row["seconds"] = round(self.seconds(), 3)
            try:
                left = json.dumps(row).encode() + b"\n"
                while left:
                    left = left[self.file.write(left) or 0 :]
            except OSError as error:  # such as a full disk
                if self.path and os.path.isfile(self.path):
                    self.file.truncate(end_of_lines(self.path))
                reason = error.strerror or error
                raise OSError(f"--metrics {self.path}: {reason}") from None

    def seconds(self) -> float:
        """Seconds since the process started."""
        return time.time() - self.start

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *error: object) -> None:
        if self.file:
            with suppress(OSError):  # each line is written at once
                self.file.close()


def end_of_lines(path: str) -> int:
    """How many bytes of a file are whole lines; all, if what is left is no JSON."""
    with open(path, "rb") as file:
        text = file.read()
    end = text.rfind(b"\n") + 1
    return end if text[end:].startswith(b"{") else len(text)


def draw_losses(losses: list[float], path: Path, title: str, unit: str) -> str:
    """Draws a loss curve, in nats per unit, where matplotlib is installed; says what
    was done. A model that has made no step has no curve. A loss that is nan or inf is a
    cross on the axis, and one between two such is a point, as it has no line."""
    if not losses:
        return "loss curve: none, as no step was made"
    finite = [x for x in losses if isfinite(x)]
    if not finite:
        return f"loss curve: none, as every loss was {losses[-1]}"
    backend = os.environ.pop("MPLBACKEND", None)  # a notebook's is unknown outside it
    try:
        import matplotlib  # noqa: F401  (a part of it may be there without it)
        from matplotlib.figure import Figure
    except ImportError:
        return f"loss curve: needs matplotlib: {how_to_install('matplotlib')}"
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    figure = Figure(figsize=(7, 4), layout="constrained")  # no window, so no pyplot
    axes = figure.subplots()
    steps = range(1, len(losses) + 1)
    line = [nan, *(x if isfinite(x) else nan for x in losses), nan]  # by step
    axes.plot(steps, line[1:-1], color="#2166ac")
    few = len(losses) < 3
    alone = [
        i for i in steps if few or not (isfinite(line[i - 1]) or isfinite(line[i + 1]))
    ]
    axes.plot(alone, [line[i] for i in alone], "o", color="#2166ac")
    axes.set(xlabel="step", ylabel=f"loss (nats per {unit})")
    if min(finite) >= 0.0:
        axes.set_ylim(0, None)
    lost = [i for i in steps if not isfinite(losses[i - 1])]
    if lost:
        at = axes.get_xaxis_transform()  # steps across, and the axis as 0
        (crosses,) = axes.plot(lost, [0.0] * len(lost), "x", transform=at)
        crosses.set(color="#b2182b", clip_on=False, label="nan or inf")
        axes.legend(frameon=False)
    if few:
        axes.set_xlim(0, 3)  # around one point there would be no whole number but it
    axes.locator_params(axis="x", integer=True)
    axes.set_title(title, loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    svg = BytesIO()
    figure.savefig(svg, format="svg", metadata={"Title": title, "Date": None})
    whole_file.write(path, [svg.getvalue()])
    return f"loss curve: {path}"


def clearest(maps: Mapping[str, Tensor]) -> tuple[str, int]:
    """The head whose queries are the most decided: the path of its module and its
    number, by the mean of the largest weight of each row."""
    found: dict[tuple[str, int], float] = {}
    for path, weights in maps.items():
        for number, rows in enumerate(weights[0].tolist()):
            found[path, number] = sum(map(max, rows)) / len(rows)
    return max(found, key=found.__getitem__)


def count_numbers(loss: Tensor) -> str:
    """Says how many single numbers a loss on the scalar backend is made of."""
    nodes = Counter(v._op for v in topological_order(loss.array.data[0]))
    return (
        f"the loss of one step is a graph of {nodes.total():,} single numbers, "
        f"{nodes['+']:,} of them sums, {nodes['*']:,} products"
    )


def compare_with_numpy(ready: Callable[[], Callable[[], object]]) -> None:
    """Says how much faster a step is on NumPy, measured, where it is installed.

    Args:
        ready: makes what makes a step, on the backend of the moment.
    """
    try:
        medians = {}
        for backend, steps in ("python", 3), ("numpy", 11):
            with use_backend(backend):
                step = ready()
                times = []
                for _ in range(steps):
                    began = time.perf_counter()
                    step()
                    times.append(1e3 * (time.perf_counter() - began))
            medians[backend] = sorted(times)[steps // 2]
    except RuntimeError:  # no NumPy here
        return
    tell(
        f"--backend numpy is {medians['python'] / medians['numpy']:.0f} times faster: "
        f"{medians['numpy']:.1f} ms a step, not {medians['python']:.0f} (measured now)"
    )


# === Lessons ==========================================================================


def lesson(
    title: str, teach: Callable[..., None], argv: Sequence[str] | None, name: str
) -> int:
    """Runs a lesson: its title, then what it tells.

    It takes no arguments; but a folder for pictures, if `teach` has a parameter `out`.

    Args:
        name: of its file, as `__file__` has it.
    """
    draws = "out" in inspect.signature(teach).parameters

    def work() -> int:
        parser = Parser(prog=Path(name).name, description=title)
        text = "draw it too, into this folder"
        if draws:
            parser.add_argument("--out", type=name_of_folder, metavar="DIR", help=text)
        o = parser.parse_args(argv)
        with use_backend(choose_backend(None, "python").name, "float64"):
            out = check_folder("--out", o.out) if draws and o.out else None
            print(f"{title}\n{'=' * len(title)}")
            teach(*[out] * draws)
        return 0

    return run(Path(name).stem, work)


def section(title: str) -> None:
    """A new section: its title, underlined."""
    print(f"\n\n{title}\n{'-' * len(title)}\n")


def slope(f: Callable[[float], float], x: float, h: float = 1e-3) -> float:
    """f'(x) from four values of f alone: about eleven digits of it."""
    return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)
