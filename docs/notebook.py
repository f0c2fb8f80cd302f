"""Runs the notebook and keeps in it what its cells show; it needs no Jupyter.

    python3 docs/notebook.py            # writes examples/one_head.ipynb anew
    python3 docs/notebook.py --check    # only says whether it is fresh

What is kept is what a program that trusts nobody shows of it: texts, and images that
contain their pictures. Whoever runs a cell gets the tooltips and the page that plays.
The pictures are laid out by us, not by dot: the same on every machine.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

from tinygrad_attn import use_backend
from tinygrad_attn.pictures.look.text import scrolling

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "examples" / "one_head.ipynb"
IMAGE = re.compile(r"<img [^>]*/>")
NUMBER = re.compile(r"(?<![\w#])[-−]?\d*\.?\d+(?:e[-+]\d+)?")
COLOUR = re.compile(r"#[0-9a-f]{6}\b")

# === Running ==========================================================================


class Cells:
    """Code cells, run one after the other in one namespace, as a kernel does it."""

    def __init__(self) -> None:
        self.count = 0
        self.outputs: list[dict[str, Any]] = []
        self.names = {"__name__": "__main__", "display": self.display}

    def run(self, source: str) -> list[dict[str, Any]]:
        """What a cell shows: what it prints and displays, and its last line's value."""
        self.count, self.outputs = self.count + 1, []
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        name = f"<cell {self.count}>"
        with redirect_stdout(Printed(self.outputs)):
            exec(compile(tree, name, "exec"), self.names)
            if isinstance(last, ast.Expr):
                found = eval(
                    compile(ast.Expression(last.value), name, "eval"), self.names
                )
                if found is not None:
                    self.outputs.append(
                        {
                            "data": forms(found),
                            "execution_count": self.count,
                            "metadata": {},
                            "output_type": "execute_result",
                        }
                    )
        return self.outputs

    def display(self, *things: Any) -> None:
        """IPython's `display`."""
        for thing in things:
            shown = {"data": forms(thing), "metadata": {}}
            self.outputs.append({**shown, "output_type": "display_data"})


class Printed(StringIO):
    """Text that is printed, as outputs of a cell."""

    def __init__(self, outputs: list[dict[str, Any]]) -> None:
        super().__init__()
        self.outputs = outputs

    def write(self, text: str) -> int:
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") == "stream":
            text = "".join(last["text"]) + text
            self.outputs.pop()
        lines = text.splitlines(keepends=True)
        stream = {"name": "stdout", "output_type": "stream", "text": lines}
        self.outputs.append(stream)
        return len(text)


def forms(thing: Any) -> dict[str, list[str]]:
    """A thing as text and, if it has one, as its image or table."""
    found = {"text/plain": repr(thing)}
    if hasattr(thing, "_repr_html_"):
        html = thing._repr_html_()
        images = IMAGE.findall(html)
        told = re.findall(r"<p>.*?</p>", html) if images else []
        found["text/html"] = scrolling("".join([*told, *images])) if images else html
    return {kind: found[kind].splitlines(keepends=True) for kind in sorted(found)}


@contextmanager
def apart() -> Iterator[None]:
    """Whatever this machine has: no dot, the folder of the notebook, pure Python."""
    path, folder = os.environ.get("PATH", ""), Path.cwd()
    os.environ["PATH"] = ""
    os.chdir(NOTEBOOK.parent)
    try:
        with use_backend("python"):
            yield
    finally:
        os.environ["PATH"] = path
        os.chdir(folder)


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with what its cells show now."""
    cells, done = Cells(), []
    with apart():
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                outputs = cells.run("".join(cell["source"]))
                cell = {**cell, "execution_count": cells.count, "outputs": outputs}
            done.append(cell)
    return {**notebook, "cells": done}


# === Comparing ========================================================================


def stale(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The ids of the cells that show something else now."""
    pairs = zip(kept["cells"], now["cells"], strict=True)
    return [
        str(b["id"])
        for a, b in pairs
        if b["cell_type"] == "code"
        and (
            a["execution_count"] != b["execution_count"]
            or not alike(readable(a["outputs"]), readable(b["outputs"]))
        )
    ]


def readable(outputs: list[dict[str, Any]]) -> str:
    """Outputs as one text, in which images are the SVG that they contain."""

    def decoded(found: re.Match[str]) -> str:
        return b64decode(found[1]).decode()

    text = json.dumps(outputs, indent=1, ensure_ascii=False, sort_keys=True)
    return re.sub(r"data:image/svg\+xml;base64,([\w+/=]+)", decoded, text)


def alike(a: str, b: str) -> bool:
    """Whether two texts are the same but for the last digits of their numbers, which
    another Python adds up in another order, and for the last shade of a colour."""
    if a == b:
        return True
    plain = [COLOUR.sub("#", text) for text in (a, b)]
    if NUMBER.sub("0", plain[0]) != NUMBER.sub("0", plain[1]):
        return False
    numbers = [list(map(number, NUMBER.findall(text))) for text in plain]
    shades = [[c for text in COLOUR.findall(x) for c in channels(text)] for x in (a, b)]
    return all(
        abs(p - q) <= 2e-6 + 1e-4 * abs(q) for p, q in zip(*numbers, strict=True)
    ) and all(abs(p - q) <= 1 for p, q in zip(*shades, strict=True))


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    kept = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    now = executed(kept)
    old = stale(kept, now)
    if old and not options.check:
        text = json.dumps(now, indent=1, ensure_ascii=False)
        NOTEBOOK.write_text(f"{text}\n", encoding="utf-8", newline="\n")
    if not old:
        print(f"{NOTEBOOK.name} is fresh")
    else:
        print(f"{NOTEBOOK.name}: new outputs in {', '.join(old)}")
    return int(bool(old) and options.check)


if __name__ == "__main__":
    sys.exit(main())
