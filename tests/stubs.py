"""What type checkers read of the package's faces: written from the source, not by hand.

In the folder functions/ `Tensor` is a type variable, for the class stands further up.
That the sum of two Parameters is a Tensor cannot be said there. So type checkers read
stubs, in which the same signatures take and give the class.

    python3 tests/stubs.py      writes them
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path

STUBS = ("__init__", "functional", "tensor")
PACKAGE = Path(__file__).resolve().parent.parent / "tinygrad_attn"
sys.path.insert(0, str(PACKAGE.parent))  # without installing

from tinygrad_attn import Tensor  # noqa: E402
from tinygrad_attn.torch_names.package import (  # noqa: E402
    DTYPES,
    FUNCTIONAL,
    FUNCTIONS,
    NO_FUNCTIONS,
)

HEAD = "# Written by tests/stubs.py: what {}.py offers, for type checkers.\n\n"
# Names that the sources have and users need not know.
SPELT = {"Operand": "Any", "Recorded": "Tensor", "Arithmetic": "Tensor"}
SOURCES = sorted((PACKAGE / "functions").glob("*.py"))
BACKWARD = PACKAGE / "autograd" / "differentiate.py"


def bodiless(node: ast.FunctionDef, method: bool = False) -> str:
    """`def name(...) -> ...: ...`, with the users' names of types."""
    node.body = [ast.Expr(ast.Constant(...))]
    if method:  # its first parameter, whatever its name, is self
        node.args.args[0] = ast.arg("self")
    text = ast.unparse(node).replace("\n    ...", " ...").replace("-> Any:", GIVES)
    if node.returns is None:
        text = text.replace("): ...", ") -> Any: ...")
    for here, there in SPELT.items():
        text = text.replace(here, there)
    return text


GIVES = "-> Tensor:"


def also_named(node: ast.FunctionDef) -> ast.FunctionDef:
    """A function that takes PyTorch's names of its arguments too, and may then give a
    pair."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and "named" in ast.unparse(decorator.func):
            node.args.kwarg = ast.arg("others", ast.Name("Any"))
            if any(keyword.arg == "dim" for keyword in decorator.keywords):
                node.returns = None
    node.decorator_list = []
    return node


def functions(method: bool = False) -> dict[str, str]:
    """Name → signature, for the functions in functions/, and `backward`."""
    found = {}
    for file in [*SOURCES, BACKWARD]:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.args.args:
                found[node.name] = bodiless(also_named(node), method)
    return found


def class_body(file: Path, name: str) -> list[ast.stmt]:
    """What stands in a class."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return next(
        n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name
    )


def tensor_methods() -> list[str]:
    """Tensor's methods: its own, the operators, and the functions it is given."""
    known = functions(method=True)
    lines = []
    operators = class_body(PACKAGE / "functions" / "operands.py", "Arithmetic")
    own = class_body(PACKAGE / "tensor.py", "Tensor")
    as_object = class_body(PACKAGE / "as_object.py", "AsObject")
    for node in [*own, *as_object, *operators]:
        if isinstance(node, ast.FunctionDef):
            own = [ast.unparse(d) for d in node.decorator_list]
            node.decorator_list = []
            text = bodiless(node, method=True)
            if "-> Any: " not in ast.unparse(node) and node.name in PLAIN:
                text = text.replace(GIVES, "-> Any:")
            if node.name in ("__eq__", "__ne__"):
                text += "  # type: ignore[override]"
            lines += [*(f"@{d}" for d in own), text]
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            name, function = ast.unparse(node.targets[0]), node.value.attr
            if function in known:
                text = known[function].replace(f"def {function}(", f"def {name}(")
                operator = name.startswith("__")
                text = text.replace(", **others: Any", "") if operator else text
                if name in PLAIN:
                    text = text.replace(GIVES, "-> Any:")
                lines.append(text)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            name = ast.unparse(node.targets[0])  # a property
            lines += ["@property", f"def {name}(self) -> Tensor: ..."]
    return lines


PLAIN = ("item", "tolist", "numpy", "_repr_html_")  # no Tensors, or not always
PLAIN += ("__array__", "__array_ufunc__", "__array_function__")


def stub(name: str) -> str:
    """The text of tinygrad_attn/<name>.pyi."""
    abc = "Iterator, Sequence" if name == "tensor" else "Sequence"
    lines = [f"from collections.abc import {abc}", "from typing import Any", ""]
    if name == "tensor":
        lines += ["from .functions.operands import Arithmetic"]
        lines += ["from .torch_names.methods import Methods", ""]
        lines += ["class Tensor(Methods, Arithmetic):"]
        lines += ["    " + line for line in tensor_methods()]
        lines += ["    def __hash__(self) -> int: ..."]
        lines += ["", "def tensor(data: Any, **options: Any) -> Tensor: ..."]
        return HEAD.format(name) + "\n".join([*lines, ""])
    whole = name == "__init__"
    module = import_module("tinygrad_attn" if whole else f"tinygrad_attn.{name}")
    written = functions()
    defs = [written[n] for n in module.__all__ if n in written]
    if whole:
        lines += [f"from . import {n} as {n}" for n in module._MODULES]
        lines += sorted(
            f"from .{home} import {n} as {n}"
            for n, home in module._HOMES.items()
            if n not in written
        )
        lines += ["", "__version__: str", "optim: Any"]
        lines += [f"{n}: Any" for n in names() if n not in module.__all__]
    else:
        lines += ["from .tensor import Tensor", ""]
        lines += [f"{n}: Any" for n in FUNCTIONAL if n not in module.__all__]
    return HEAD.format(name) + "\n".join([*lines, "", *defs, ""])


def names() -> list[str]:
    """The names of PyTorch's that the package has."""
    methods = [n for n in dir(Tensor) if n[0] != "_" and callable(getattr(Tensor, n))]
    return sorted({*FUNCTIONS, *DTYPES.split(), *methods} - {*NO_FUNCTIONS.split()})


def main() -> None:
    for name in STUBS:
        (PACKAGE / f"{name}.pyi").write_text(stub(name), encoding="utf-8")


if __name__ == "__main__":
    main()
