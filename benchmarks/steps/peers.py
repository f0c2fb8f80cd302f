"""Makes .venv/peers, an environment of the peers' own; `make peers` calls this.

    python -m benchmarks.steps.peers [FOLDER]

Each peer is installed by itself: one that is not to be had for this Python is said, and
the others are there all the same. PyTorch is of the version that the tests run beside.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import examples.interpreter  # first: it refuses an old Python
from examples import terminal
from examples.files import name_of_folder
from examples.options import Parser

from .workers import PEERS

PACKAGES = ("numpy", "torch==2.13.0", "jax", "tinygrad", "autograd")


def program(argv: Sequence[str] | None) -> int:
    """The exit status: 1 if nothing could be installed."""
    parser = Parser(
        prog="python -m benchmarks.steps.peers",
        description="Makes an environment of the libraries to measure beside.",
    )
    text = "where to make it (.venv/peers)"
    parser.add_argument("folder", nargs="?", type=name_of_folder, help=text)
    home = Path(parser.parse_args(argv).folder or PEERS.parent.parent)
    python = home / "bin" / "python"
    if not python.exists() and subprocess.call([sys.executable, "-m", "venv", home]):
        raise RuntimeError(f"{home}: no environment could be made there")
    failed = 0
    for package in PACKAGES:
        print(f"installing {package} into {home}", flush=True)
        command = [str(python), "-m", "pip", "install", "--quiet"]
        command += ["--disable-pip-version-check", package]
        if subprocess.call(command):
            failed += 1
            print(f"{package} could not be installed; the table says it is missing")
    return int(failed == len(PACKAGES))


def main(argv: Sequence[str] | None = None) -> int:
    return terminal.run("benchmarks.steps.peers", partial(program, argv))


if __name__ == "__main__":
    examples.interpreter.begin(set())
    sys.exit(main())
