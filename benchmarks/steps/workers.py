"""Contestants as processes: each in an interpreter of its own, with one thread.

Peers are looked for in the environment that `make peers` makes, then in this one. All
processes wait for their turn, so that only one of them computes at a time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from .contestants import Contestant, Missing

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"

# One thread for whatever each library computes with, and no other device than the CPU.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    **dict.fromkeys(("MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    **{"NPROC": "1", "JAX_PLATFORMS": "cpu"},
    **{"NUM_CPU_THREADS": "1", "THREADS": "0", "DEV": "CPU"},  # tinygrad
    "CUDA_VISIBLE_DEVICES": "",
}


class Failed(RuntimeError):
    """A contestant has failed; says why."""


@cache
def has(python: str, package: str) -> bool:
    """Whether an interpreter has a package."""
    look = "import sys; from importlib.util import find_spec; "
    return said(python, look + "print(bool(find_spec(sys.argv[1])))", package) == "True"


def runs(python: str) -> bool:
    """Whether there is such an interpreter, and it is a Python."""
    return said(python, "print(6 * 7)") == "42"


def said(python: str, *program: str) -> str:
    """What a program prints, and its arguments; nothing if it does not run."""
    try:
        return subprocess.check_output(
            [python, "-c", *program], text=True, stderr=subprocess.DEVNULL
        ).strip()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ""


def interpreter(contestant: Contestant, peers: str | None = None) -> str:
    """The Python that has what a contestant needs."""
    places = [sys.executable] if contestant.ours else [peers or str(PEERS)]
    for python in dict.fromkeys([*places, sys.executable]):
        if has(python, contestant.package):
            return python
    raise Missing(f"{contestant.package} is not installed (make peers)")


class Process:
    """A contestant's process (worker.py), which answers questions."""

    def __init__(self, contestant: Contestant, python: str) -> None:
        self.contestant = contestant
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [python, "-m", f"{__package__}.worker", contestant.key],
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def ask(self, do: str, **asked: Any) -> dict[str, Any]:
        """The answer.

        Raises:
            Missing, Failed: it cannot take part, or it has failed.
        """
        pipe, answers = self.process.stdin, self.process.stdout
        assert pipe is not None
        assert answers is not None
        try:
            print(json.dumps({"do": do, **asked}), file=pipe, flush=True)
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(self.last_words())
        found: dict[str, Any] = json.loads(line)
        if "missing" in found:
            raise Missing(found["missing"])
        if "error" in found:
            raise Failed(found["error"].splitlines()[0][:200])
        return found

    def last_words(self) -> str:
        """What a process said that has ended."""
        status = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines() or ["it says nothing"]
        return f"its process ended with status {status}: {said[-1]}"

    def close(self) -> None:
        """Ends the process."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with suppress(BrokenPipeError):  # it has ended before
                    pipe.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


@contextmanager
def at_work(
    contestants: Sequence[Contestant], peers: str | None = None
) -> Iterator[tuple[dict[str, Process], dict[str, str]]]:
    """Contestants whose libraries are loaded, by key; and why others are missing."""
    processes: dict[str, Process] = {}
    missing: dict[str, str] = {}
    try:
        for contestant in contestants:
            key = contestant.key
            try:
                python = interpreter(contestant, peers)
                processes[key] = Process(contestant, python)
                processes[key].ask("load")
            except (Missing, Failed) as why:
                missing[key] = str(why)
                if key in processes:
                    processes.pop(key).close()
        yield processes, missing
    finally:
        for process in processes.values():
            process.close()
