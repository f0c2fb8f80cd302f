"""tinygrad_attn: reverse-mode automatic differentiation to read, and attention on it.

    >>> from tinygrad_attn import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x**3).sum().backward()
    >>> x.grad                                          # 3x²
    Tensor([3.0, 12.0], float64)

The source is a course, and each folder a room of it; an import never leads to a room
further on:

    floats ← scalar ← arrays ← rules ← autograd ← functions ← tensor ← graph ← program
    ← pictures

Read scalar.py first, then rules/operation.py; README.md lists the stops. (torch_names/
stands beside the course: PyTorch's names.)

Public names are loaded at their first use, so that chapter 1 runs alone: `from
tinygrad_attn import Value` loads three small files more. (`__init__.pyi` says the same
to type checkers, and a test compares the two.)
"""

import importlib as _importlib
import sys as _sys
from importlib.util import find_spec as _find_spec

if _sys.version_info < (3, 10):  # noqa: UP036 (an older one gets one sentence)
    raise ImportError(
        "tinygrad_attn needs Python 3.10 or later; this is Python "
        f"{_sys.version.split()[0]} ({_sys.executable})"
    )

from . import wiring as _wiring

__version__ = "0.1.0"

_MODULES = ["functional", "graph", "nn", "ops"]
_NAMES = {  # file: its public names
    "scalar": "Value",
    "context": "enable_grad get_rng_state manual_seed no_grad record set_rng_state",
    "arrays.backends": "set_backend use_backend",
    "tensor": "Tensor",
    "creation": "arange eye full ones ones_like rand randint randn zeros zeros_like",
    "functions.elementwise": "clip maximum minimum where",
    "functions.movement": "concat",
    "functions.products": "einsum matmul",
    "functions.reductions": "logsumexp",
    "functions.indexing": "gather one_hot take_along_axis",
    "functions.shaping": "chunk pad split stack tril triu",
    "functions.own_rules": "composite primitive",
    "autograd.differentiate": "grad",
    "autograd.debugging": "debug",
    "check_gradients": "GradcheckError gradcheck gradgradcheck",
    "graph": "explain unfold",
    "program.write": "write",
    "program.compiled": "compile",
    "pictures.draw": "draw",
    "pictures.history": "History",
    "pictures.play": "play",
    "pictures.heads.draw_attention": "draw_attention",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}
__all__ = sorted([*_MODULES, *_HOMES])


def __getattr__(name: str) -> object:
    """Chapter 1 alone for Value; for any other name all rooms, once."""
    if name == "Value":
        from .scalar import Value

        globals()[name] = Value
        return Value
    if name in _HOMES or name in _MODULES:
        for public, home in _HOMES.items():
            room = _importlib.import_module(f".{home}", __name__)
            globals()[public] = getattr(room, public)
        if name in _MODULES:
            _importlib.import_module(f".{name}", __name__)
        return globals()[name]
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if _find_spec(f"{__name__}.{name}"):
        return _importlib.import_module(f".{name}", __name__)  # a file, by its name
    if name == "optim":
        return _importlib.import_module(".nn", __name__).optim
    if name in ("load", "save"):
        return getattr(_importlib.import_module(".nn", __name__).saved, name)
    from .torch_names.package import function

    return function(
        name, __all__
    )  # one of PyTorch's, or an error that says what to write


def _tensor() -> type:
    from .tensor import Tensor

    return Tensor


def _html(x: object) -> str:
    from .pictures.notebook import html

    return html(x)


def _autograd(name: str) -> object:
    from .torch_names.package import of_autograd

    return of_autograd(name)


# No file imports one above it: what some need from there, they are told here.
_wiring.Tensor, _wiring.html, _wiring.autograd = _tensor, _html, _autograd


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
