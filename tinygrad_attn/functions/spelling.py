"""Arguments under PyTorch's names: `x.sum(dim=1)` is `x.sum(axis=1)`.

The array API standard says `axis` and `keepdims`, PyTorch `dim` and `keepdim`. The
functions are written with the former; those that are `named` take the latter too. In
one case the name matters: `x.max(axis=1)` is the array API's, the largest numbers, and
`x.max(dim=1)` PyTorch's, which says also where they are. So does `x.max(1)`, as in
PyTorch: in the array API an axis has its name.

Where a new tensor is made, PyTorch's programs name a device and a generator of random
numbers (devices.py). PyTorch's other names, of functions and methods, stand in
torch_names/.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from ..devices import check_device, drawn_from
from ..errors import check_flags, no_room, say

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
IN = {  # in a function of this name only
    "split": {"split_size_or_sections": "size", "split_size": "size"},
    "std": {"unbiased": "correction"},
    "var": {"unbiased": "correction"},
    "pow": {"exponent": "y"},
    "arange": {"end": "stop"},
}
CAST = {
    "sum",
    "mean",
    "prod",
    "cumsum",
    "softmax",
    "log_softmax",
}  # dtype= is x's first
MEMORY = ("layout", "memory_format", "pin_memory", "inplace")


def named(
    dim: Callable[..., Any] | None = None, makes: bool = False, as_: str = ""
) -> Callable[[F], F]:
    """A decorator: the function takes PyTorch's names of its arguments too.

    Args:
        dim: what is called instead if an axis is named as PyTorch names it.
        makes: it makes a new tensor, for which a device and a generator may be given.
        as_: its name in errors, if users know it by another.
    """

    def also(function: F) -> F:
        who, code = as_ or function.__name__, function.__code__
        count = code.co_argcount + code.co_kwonlyargcount
        own = set(code.co_varnames[:count])
        sizes = "shape" in code.co_varnames[count : count + 1]  # f(*shape)
        theirs = {PARAMETERS[p]: p for p in own if PARAMETERS.get(p, p) not in own}
        theirs.update(IN.get(who, {}))

        @wraps(function)
        def call(*given: Any, **options: Any) -> Any:
            placed = dim is not None and len(given) > 1 and "keepdims" not in options
            if placed and not isinstance(given[1], (tuple, list)):
                return dim(*given, **options)  # type: ignore[misc]
            if not options or own.issuperset(options):
                return function(*given, **options)
            if dim is not None and not {"dim", "keepdim"}.isdisjoint(options):
                return dim(*given, **options)
            generator, wanted, out = None, False, options.pop("out", None)
            if makes:
                generator = options.pop("generator", None)
                check_device(who, options.pop("device", None) or "cpu")
                if "requires_grad" not in own:
                    wanted = options.pop("requires_grad", False)
            for name in ("size", "shape") if sizes and not given else ():
                given += (options.pop(name),) if name in options else ()
            if who in CAST and "dtype" in options:
                given, options = cast(who, given, options)
            ours = {theirs.get(name, name): value for name, value in options.items()}
            for name, other in theirs.items():
                if name in options and other in options:
                    raise TypeError(f"{who}: {other} and {name} given; they are one")
            if not own.issuperset(ours):
                ours = without_unknown(who, own, ours)
            z = drawn_from(who, generator, partial(function, *given, **ours))
            check_flags(who, requires_grad=wanted)
            z = z.requires_grad_() if wanted else z
            return z if out is None else out.copy_(z)

        return in_memory(call) if makes else call  # type: ignore[return-value]

    return also


def in_memory(make: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes tensors, whose error says for what there is no memory."""

    @wraps(make)
    def call(*given: Any, **options: Any) -> Any:
        try:
            return make(*given, **options)
        except (MemoryError, OverflowError) as error:
            raise no_room(make.__name__, *given, *options.values()) from error

    return call


def cast(who: str, given: Any, options: dict[str, Any]) -> Any:
    """The arguments, with x in the dtype that is given for it."""
    options = dict(options)
    dtype = options.pop("dtype")
    if dtype is None:
        return given, options
    if given:
        return (given[0].to(dtype), *given[1:]), options
    name = "x" if "x" in options else "input"
    return given, {**options, name: options[name].to(dtype)}


def without_unknown(who: str, own: set[str], options: dict[str, Any]) -> dict[str, Any]:
    """The options that a function has. Others are refused, but for those of PyTorch's
    that say "as usual"."""
    known = {name: value for name, value in options.items() if name in own}
    for name, value in options.items():
        if name in own or (name in MEMORY and value in (None, False)):
            continue
        if name in MEMORY:
            right = "how numbers lie in memory is no matter here; leave it out"
        else:
            right = f"it takes {', '.join(sorted(own)) or 'no options'}"
        raise TypeError(f"{who}: {name}={say(value)} given; {right}")
    return known
