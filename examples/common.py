"""What the examples share: a progress bar, a metrics file, the process's clock."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

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
    """A bar on a terminal: tqdm's where it is installed, else a line of our own. Where
    there is no terminal, a line every few seconds."""

    def __init__(self, total: int, done: int = 0) -> None:
        self.total, self.done = total, done
        self.live = sys.stderr.isatty()
        self.began, self.first, self.shown = time.perf_counter(), done, 0.0
        self.bar: Any = None
        if self.live:
            try:
                from tqdm import tqdm

                self.bar = tqdm(
                    total=total, initial=done, unit="step", leave=True, ncols=88
                )
            except ImportError:
                pass

    def update(self, text: str) -> None:
        """One step is done; text says how it went."""
        self.done += 1
        if self.bar is not None:
            self.bar.set_postfix_str(text, refresh=False)
            self.bar.update()
            return
        now = time.perf_counter()
        if now - self.shown < (0.1 if self.live else 5.0):
            return
        self.shown = now
        self._print(text)

    def _print(self, text: str) -> None:
        speed = (self.done - self.first) / (time.perf_counter() - self.began)
        share = self.done / self.total
        bar = "█" * int(20 * share) + "░" * (20 - int(20 * share))
        line = f"{bar} {self.done}/{self.total}  {speed:.1f} steps/s  {text}"
        end = "" if self.live else "\n"
        print(
            ("\r\x1b[K" if self.live else "") + line,
            end=end,
            file=sys.stderr,
            flush=True,
        )

    def close(self, text: str) -> None:
        """Ends the bar, with the last step on it."""
        if self.bar is not None:
            self.bar.set_postfix_str(text, refresh=True)
            self.bar.close()
            return
        if self.done > self.first:
            self._print(text)
        if self.live:
            print(file=sys.stderr)


def draw_losses(losses: list[float], path: Path, title: str) -> str:
    """Draws a loss curve where matplotlib is installed; says what was done."""
    try:
        import matplotlib
    except ImportError:
        return "loss curve: needs matplotlib (pip install matplotlib)"
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
