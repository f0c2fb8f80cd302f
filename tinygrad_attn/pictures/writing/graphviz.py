"""Runs Graphviz: its program `dot`, or the one inside pygraphviz's wheel. What takes
too long is stopped."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import NamedTuple

from ...errors import how_to_install

PATIENCE = 20.0  # seconds
# In a process of its own: it may take long, and is not ours.
IN_PYTHON = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


class Made(NamedTuple):
    """What Graphviz made of a text in DOT.

    Attributes:
        data: the picture; None if there is none.
        note: which program made it, or why there is none.
    """

    data: bytes | None
    note: str


def install() -> str:
    """How to get Graphviz."""
    return (
        "Graphviz is installed by `apt install graphviz`, `brew install graphviz` or "
        f"`conda install graphviz`; or for this Python by "
        f"`{how_to_install('pygraphviz')}`"
    )


def programs() -> dict[str, list[str]]:
    """The ways to Graphviz that there are: a name, and a command without the format."""
    found: dict[str, list[str]] = {}
    if path := shutil.which("dot"):
        found["Graphviz's dot"] = [path, "-T"]
    if find_spec("pygraphviz") is not None:
        found["Graphviz in pygraphviz"] = [sys.executable, "-c", IN_PYTHON, ""]
    return found


def run(text: str, form: str, patience: float = PATIENCE) -> Made:
    """A text in DOT, drawn as "svg", "png" or "pdf" by the first program that can. One
    that takes longer than `patience` seconds is killed, with all that it started."""
    ways = programs()
    notes = []
    for name, (*command, last) in ways.items():
        data, why = _run([*command, f"{last}{form}"], text, patience)
        if data is not None:
            return Made(readable(data) if form == "svg" else data, name)
        notes.append(f"{name} {why}")
        if why.startswith("took"):  # the other would, too
            break
    return Made(None, " and ".join(notes) or f"Graphviz is missing. {install()}")


def readable(svg: bytes) -> bytes:
    """Graphviz's SVG, with points made pixels, so that a text is as large as in our own
    layout, and the names of frames and lines above the lines, each with a white edge.

    >>> readable(b'<svg width="40pt" height="30pt" viewBox="0.00 0.00 40.00 30.00">')
    b'<svg width="40" height="30" viewBox="0.00 0.00 40.00 30.00">'
    """
    svg = re.sub(
        rb'(<svg width="[\d.]+)pt(" height="[\d.]+)pt"', rb'\1\2"', svg, count=1
    )
    texts: list[bytes] = []

    def without(group: re.Match[bytes]) -> bytes:
        texts.extend(re.findall(rb"<text .*?</text>\n", group[0], re.DOTALL))
        return re.sub(rb"<text .*?</text>\n", b"", group[0], flags=re.DOTALL)

    groups = rb'<g id="(?:edge|clust)\d+".*?(?=<g id=|</g>\s*</svg>)'
    svg = re.sub(groups, without, svg, flags=re.DOTALL)
    edge = b'<g stroke="white" stroke-width="3" paint-order="stroke">\n'
    end = svg.rfind(b"</g>\n</svg>")
    return svg[:end] + edge + b"".join(texts) + b"</g>\n" + svg[end:] if texts else svg


def _run(command: list[str], text: str, patience: float) -> tuple[bytes | None, str]:
    """What a command writes for a text; or None, and what happened to it."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None, "could not be started"
    with process:
        try:
            out, _ = process.communicate(text.encode(), timeout=patience)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            return None, f"took longer than {patience:g} seconds and was stopped"
    return (out, "") if process.returncode == 0 and out else (None, "has failed")
