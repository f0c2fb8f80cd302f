"""Makes .venv/peers, an environment of the peers' own; `make peers` calls this.

    python -m benchmarks.steps.peers [FOLDER]

Each peer is installed by itself: one that is not to be had for this Python is said, and
the others are there all the same. PyTorch is of the version that the tests run beside.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .workers import PEERS

PACKAGES = ("numpy", "torch==2.13.0", "jax", "tinygrad", "autograd")


def main(folder: str | None = None) -> int:
    """Returns how many could not be installed."""
    home = Path(folder) if folder else PEERS.parent.parent
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
    failed = 0
    for package in PACKAGES:
        print(f"installing {package} into {home}", flush=True)
        command = [str(python), "-m", "pip", "install", "--quiet"]
        command += ["--disable-pip-version-check", package]
        if subprocess.call(command):
            failed += 1
            print(f"{package} could not be installed; the table says it is missing")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]) == len(PACKAGES))
