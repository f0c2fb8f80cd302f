"""Arguments under PyTorch's names: `x.sum(dim=1)` is `x.sum(axis=1)`.

The array API standard says `axis` and `keepdims`, PyTorch `dim` and `keepdim`. The
functions are written with the former; those that are `named` take the latter too. In
one case the name matters: `x.max(axis=1)` is the array API's, the largest numbers, and
`x.max(dim=1)` PyTorch's, which says also where they are.

Where a new tensor is made, PyTorch's programs name a device and a generator of random
numbers (devices.py). PyTorch's other names, of functions and methods, stand in
torch_names/.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from ..devices import check_device, drawn_from
from ..errors import say

F = TypeVar("F", bound=Callable[..., Any])

# Ours: PyTorch's.
PARAMETERS = {
    "axis": "dim",
    "keepdims": "keepdim",
    "axis0": "dim0",
    "axis1": "dim1",
    "start_axis": "start_dim",
    "end_axis": "end_dim",
    "k": "diagonal",
    "shape": "size",
    "x": "input",
    "y": "other",
    "logits": "input",
    "indices": "input",
}
IN = {"split": {"split_size_or_sections": "size"}}  # in a function of this name only


def named(
    dim: Callable[..., Any] | None = None, makes: bool = False
) -> Callable[[F], F]:
    """A decorator: the function takes PyTorch's names of its arguments too.

    Args:
        dim: what is called instead if an axis is named as PyTorch names it.
        makes: it makes a new tensor, for which a device and a generator may be given.
    """

    def also(function: F) -> F:
        who, code = function.__name__, function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        own = set(code.co_varnames[:count])
        sizes = "shape" in code.co_varnames[count : count + 1]  # f(*shape)
        theirs = {PARAMETERS[p]: p for p in own if PARAMETERS.get(p, p) not in own}
        theirs.update(IN.get(who, {}))

        @wraps(function)
        def call(*given: Any, **options: Any) -> Any:
            if not options or own.issuperset(options):
                return function(*given, **options)
            if dim is not None and not {"dim", "keepdim"}.isdisjoint(options):
                return dim(*given, **options)
            generator = None
            if makes:
                generator = options.pop("generator", None)
                check_device(who, options.pop("device", None) or "cpu")
            for name in ("size", "shape") if sizes and not given else ():
                given += (options.pop(name),) if name in options else ()
            ours = {theirs.get(name, name): value for name, value in options.items()}
            for name, other in theirs.items():
                if name in options and other in options:
                    raise TypeError(f"{who}: {other} and {name} given; they are one")
            return drawn_from(who, generator, partial(function, *given, **ours))

        return in_memory(call) if makes else call  # type: ignore[return-value]

    return also


def in_memory(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes tensors, whose error says for what there is no memory."""

    @wraps(make)
    def call(*given: Any, **options: Any) -> Any:
        try:
            return make(*given, **options)
        except (MemoryError, OverflowError) as error:
            sizes = ", ".join(map(say, (*given, *options.values())))
            raise MemoryError(
                f"{make.__name__}: {sizes} given; there is no memory for as many "
                "numbers"
            ) from error

    return call
