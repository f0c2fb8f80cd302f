"""What the examples share: a progress bar, a metrics file, the process's clock, Ctrl-C,
what is told of a run, and how a lesson is laid out."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tinygrad_attn import Tensor, use_backend
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
    """A file of JSON lines, one for each step; nothing without a path."""

    def __init__(self, path: str | None, append: bool = False) -> None:
        self.start = process_start()
        self.file: TextIO | None = None
        if path:
            self.file = open(path, "a" if append else "w", buffering=1)

    def write(self, **row: Any) -> None:
        """Writes a line; "seconds" since the process started are added."""
        if self.file:
            row["seconds"] = round(self.seconds(), 3)
            self.file.write(json.dumps(row) + "\n")

    def seconds(self) -> float:
        """Seconds since the process started."""
        return time.time() - self.start

    def close(self) -> None:
        """Closes the file."""
        if self.file:
            self.file.close()


class Progress:
    """A bar that fills as the model gets better, with the steps and their speed.

    On a terminal it is tqdm's where that is installed, else a line of our own; where
    there is no terminal, a line every few seconds.
    """

    def __init__(self, step: int = 0) -> None:
        self.step, self.first, self.shown = step, step, 0.0
        self.began = time.perf_counter()
        self.live = sys.stderr.isatty()
        self.line = ""
        self.bar: Any = None
        if self.live:
            try:
                from tqdm import tqdm

                shape = "{percentage:3.0f}% |{bar:24}| {desc}"
                self.bar = tqdm(total=1.0, bar_format=shape, dynamic_ncols=True)
            except ImportError:
                pass

    def update(self, share: float, text: str) -> None:
        """One more step is done; share (0 to 1) is how good it was, text says more."""
        self.step += 1
        now = time.perf_counter()
        speed = (self.step - self.first) / (now - self.began)
        self.line = f"step {self.step}  {text}  {speed:.1f} steps/s"
        if self.bar is not None:
            self.bar.set_description_str(self.line, refresh=False)
            self.bar.update(share - self.bar.n)
            return
        full = round(24 * share)
        self.line = f"{share:4.0%} {'█' * full}{'░' * (24 - full)} {self.line}"
        if now - self.shown > (0.1 if self.live else 5.0):
            self.shown = now
            self._print()

    def _print(self) -> None:
        start, end = ("\r\x1b[K", "") if self.live else ("", "\n")
        print(start + self.line, end=end, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends the bar, with the last step on it."""
        if self.bar is not None:
            self.bar.refresh()
            self.bar.close()
        elif self.line:
            self._print()
            if self.live:
                print(file=sys.stderr)


@contextmanager
def noting_ctrl_c(wanted: bool = True) -> Iterator[list[int]]:
    """Within it a first Ctrl-C is only noted, in the list, for whoever looks there; a
    second one interrupts as usual. If it is not wanted, so does the first."""
    noted: list[int] = []
    if not wanted:
        yield noted
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: object) -> None:
        noted.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def draw_losses(losses: list[float], path: Path, title: str) -> str:
    """Draws a loss curve where matplotlib is installed; says what was done."""
    try:
        import matplotlib
    except ImportError:
        return f"loss curve: needs matplotlib: {how_to_install('matplotlib')}"
    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(range(1, len(losses) + 1), losses, color="#2166ac")
    axes.set(xlabel="step", ylabel="loss (nats per digit)", ylim=(0, None))
    axes.set_title(title, loc="left", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    figure.savefig(path)
    pyplot.close(figure)
    return f"loss curve: {path}"


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
    print(
        f"--backend numpy is {medians['python'] / medians['numpy']:.0f} times faster: "
        f"{medians['numpy']:.1f} ms a step, not {medians['python']:.0f} (measured now)"
    )


# === Lessons ==========================================================================


def begin(
    title: str, argv: Sequence[str] | None, pictures: bool = False
) -> Path | None:
    """A lesson starts with its title. It takes no arguments; but with pictures a
    folder, which is made and returned."""
    parser = argparse.ArgumentParser(description=title)
    if pictures:
        parser.add_argument(
            "--out", metavar="DIR", help="draw it too, into this folder"
        )
    given = getattr(parser.parse_args(argv), "out", None)
    folder = Path(given) if given else None
    if folder:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--out {given}: no folder can be made there ({error})")
    print(f"{title}\n{'=' * len(title)}")
    return folder


def section(title: str) -> None:
    """A new section: its title, underlined."""
    print(f"\n\n{title}\n{'-' * len(title)}\n")


def slope(f: Callable[[float], float], x: float, h: float = 1e-3) -> float:
    """f'(x) from four values of f alone: about eleven digits of it."""
    return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)
