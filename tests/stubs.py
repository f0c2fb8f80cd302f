"""What type checkers read of the package's faces: written from the source, not by hand.

In the folder functions/ `Tensor` is a type variable, for the class stands further up:
given something of unknown type such a function gives something unknown back. Users are
told more: where they call it, by tinygrad_attn or functional, it takes and gives
the class. So the stubs have the same signatures with that other `Tensor`.

    python tests/stubs.py      writes them
"""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

STUBS = ("__init__", "functional")
PACKAGE = Path(__file__).resolve().parent.parent / "tinygrad_attn"
HEAD = "# Written by tests/stubs.py: what {}.py offers, for type checkers.\n\n"
# Names that the sources have and users need not know.
SPELT = {
    "Operand": "Any",
    "Recorded": "Tensor",
}
SOURCES = sorted((PACKAGE / "functions").glob("*.py"))


def signatures() -> dict[str, str]:
    """Name → `def name(...) -> Tensor: ...`, for the functions in functions/."""
    found = {}
    for file in SOURCES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                node.body, node.decorator_list = [ast.Expr(ast.Constant(...))], []
                text = ast.unparse(node).replace("\n    ...", " ...")
                for here, there in SPELT.items():
                    text = text.replace(here, there)
                found[node.name] = text.replace("-> Any:", "-> Tensor:")
    return found


def stub(name: str) -> str:
    """The text of tinygrad_attn/<name>.pyi."""
    whole = name == "__init__"
    module = import_module("tinygrad_attn" if whole else f"tinygrad_attn.{name}")
    written = signatures()
    defs = [written[n] for n in module.__all__ if n in written]
    lines = ["from collections.abc import Sequence", "from typing import Any", ""]
    if whole:
        lines += [f"from . import {n} as {n}" for n in module.MODULES]
        lines += sorted(
            f"from .{home} import {n} as {n}"
            for n, home in module.HOMES.items()
            if n not in written
        )
        lines += ["", "__version__: str"]
    else:
        lines += ["from .tensor import Tensor"]
    return HEAD.format(name) + "\n".join([*lines, "", *defs, ""])


def main() -> None:
    for name in STUBS:
        (PACKAGE / f"{name}.pyi").write_text(stub(name), encoding="utf-8")


if __name__ == "__main__":
    main()
