"""How far a reader must jump to follow one step: calls, files, changes of file.

Whoever follows `(x @ w).sum().backward()` with a debugger enters a function at each
call and leaves it at each return. Where that happens in another file than the last
time, eyes and mind change too. This counts the package's calls, the files they are in,
and the changes of file, in pure Python and warm (what is remembered after the first
time is remembered).

    python3 benchmarks/hops.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = str(ROOT / "tinygrad_attn")
sys.path.insert(0, str(ROOT))  # without installing

import examples.interpreter  # noqa: E402  (first: it refuses an old Python)
from examples import terminal  # noqa: E402
from tinygrad_attn import Tensor, use_backend  # noqa: E402


class Hops(NamedTuple):
    """What one run of a program entered.

    calls: how many functions of the package were called (a generator anew each time
        it goes on).
    files: in how many of its files they are.
    changes: how often a function was entered or left in another file than the one
        before.
    """

    calls: int
    files: int
    changes: int


def count(program: Callable[[], Any]) -> Hops:
    """What `program` enters, once it has been run before."""
    program()
    calls, places = 0, []

    def look(frame: FrameType, event: str, _: Any) -> None:
        nonlocal calls
        file = frame.f_code.co_filename
        if event in ("call", "return") and file.startswith(PACKAGE):
            calls += event == "call"
            places.append(file)

    sys.setprofile(look)
    try:
        program()
    finally:
        sys.setprofile(None)
    changes = sum(a != b for a, b in zip(places, places[1:]))
    return Hops(calls, len(set(places)), changes)


def programs() -> dict[str, Callable[[], Any]]:
    """What is counted: a line, and a function that runs it."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    w = Tensor([[0.5, -1.0], [2.0, 1.5]], requires_grad=True)

    def step() -> None:
        (x @ w).sum().backward()

    return {
        "x + w": lambda: x + w,
        "w.exp()": lambda: w.exp(),
        "x @ w": lambda: x @ w,
        "(x @ w).sum()": lambda: (x @ w).sum(),
        "(x @ w).sum().backward()": step,
    }


def main() -> int:
    """Prints the table."""
    with use_backend("python"):
        print(f"{'program':<26} {'calls':>5} {'files':>5} {'changes of file':>15}")
        for line, program in programs().items():
            hops = count(program)
            print(f"{line:<26} {hops.calls:>5} {hops.files:>5} {hops.changes:>15}")
    return 0


if __name__ == "__main__":
    examples.interpreter.begin(set())
    sys.exit(terminal.run("hops", main))
