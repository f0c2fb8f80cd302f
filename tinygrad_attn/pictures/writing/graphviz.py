"""Runs Graphviz's `dot`, if it is installed, and stops it if it takes too long."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress

PATIENCE = 20.0  # seconds
INSTALL = (
    "Graphviz's dot is installed by `apt install graphviz`, `brew install graphviz` or "
    "`conda install graphviz`"
)


def found() -> str | None:
    """The path of `dot`, or None."""
    return shutil.which("dot")


def run(text: str, form: str, patience: float = PATIENCE) -> bytes | None:
    """A text in DOT, drawn by dot as "svg", "png" or "pdf". None if dot is missing,
    fails, or takes longer than `patience` seconds; then it is killed, with all
    processes that it started."""
    program = found()
    if program is None:
        return None
    try:
        process = subprocess.Popen(
            [program, f"-T{form}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            out, _ = process.communicate(text.encode(), timeout=patience)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            return None
    return out if process.returncode == 0 and out else None
