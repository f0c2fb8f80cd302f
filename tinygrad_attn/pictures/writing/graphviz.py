"""Graphviz's `dot`, if it is there: run, watched, and stopped if it takes too long."""

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
    """Where `dot` is, or None."""
    return shutil.which("dot")


def run(text: str, form: str, patience: float = PATIENCE) -> bytes | None:
    """What dot makes of a text: "svg", "png" or "pdf"; None if there is no dot, or it
    fails, or is not done in time. Then it is killed, and what it started too."""
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
