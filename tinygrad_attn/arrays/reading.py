"""What may be given as numbers: one answer for every backend.

    Tensor(1.5), Tensor([[1, 2], [3, 4]])     numbers and nested lists
    Tensor(array), Tensor(np.float32(1))      arrays and scalars of NumPy and others
    Tensor([array, array]), Tensor([x, y])    lists of arrays, or of Tensors

Arrays of any integers, floats (float16 and bfloat16 too) and bools are taken, if their
numbers fit. Refused are texts, complex numbers and dates, a masked array (what would
stand where it is masked?), and a Tensor in a list that requires a gradient, which would
be lost.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..errors import say
from ..scalar import Value

NUMBERS = frozenset((float, int, bool))
KINDS = {"bool": "bool", "int": "int64", "uint": "int64", "float": "float64"}
KINDS["bfloat"] = "float64"
DEEPEST = 64  # as in NumPy


def lists(obj: Any, depth: int = 0) -> Any:
    """obj as a plain number or nested lists of them: arrays are written out."""
    if isinstance(obj, (list, tuple)):
        if depth == DEEPEST:
            raise ValueError(f"lists in lists {DEEPEST} deep given; no array has more")
        if NUMBERS.issuperset(map(type, obj)):
            return obj
        return [lists(v, depth + 1) for v in obj]
    if isinstance(obj, range):
        return list(obj)
    if not hasattr(obj, "tolist"):
        if not isinstance(obj, (float, int, Value)):
            raise TypeError(
                f"element {say(obj)} is a {type(obj).__name__}, not a number"
            )
        return obj
    refuse(obj, inside=depth > 0)
    if str(getattr(obj, "dtype", "")).startswith("float"):
        obj = in_doubles(obj)
    numbers = obj.tolist()  # an array of objects may hold anything
    if isinstance(numbers, list) or type(numbers) not in NUMBERS:
        return lists(numbers, depth)
    return numbers


def shape_of(obj: Any) -> tuple[int, ...]:
    """The shape of an array of any library; () of anything else."""
    shape = getattr(obj, "shape", ())
    return tuple(shape) if isinstance(shape, tuple) else ()


def dtype_name(obj: Any) -> str:
    """The dtype of an array of any library: float32, not torch.float32. "" if none."""
    dtype = getattr(obj, "dtype", None)
    return "" if dtype is None else _spelt(dtype)


@lru_cache
def _spelt(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]  # NumPy takes its time


def kind_of_empty(obj: Any) -> str:
    """The dtype of an array in which there is no number."""
    refuse(obj)
    named = dtype_name(obj)
    for start, dtype in KINDS.items():
        if named.startswith(start):
            return dtype
    raise TypeError(f"an array of {named} given; it must be of numbers")


def in_doubles(obj: Any) -> Any:
    """A NumPy array of longer floats than Python's in Python's."""
    long = getattr(obj.dtype, "itemsize", 0) > 8 and hasattr(obj, "astype")
    return obj.astype("float64") if long else obj


def refuse(obj: Any, inside: bool = False) -> None:
    """Refuses an array that holds more, or something else, than numbers."""
    kind = type(obj).__name__
    if getattr(obj, "requires_grad", False):
        if inside:
            raise TypeError(
                "a list with a Tensor that requires a gradient given, which would be "
                "lost; stack([x, y]) keeps it"
            )
        if type(obj).__module__.startswith("torch"):
            raise TypeError(
                f"a {kind} that requires a gradient given, which would be lost; give "
                "its detach()"
            )
    if hasattr(obj, "mask") and hasattr(obj, "filled"):
        raise TypeError(f"a {kind} given; fill what is masked first, with filled(0)")
    if getattr(getattr(obj, "dtype", None), "kind", "") in tuple("mMVSU"):
        raise TypeError(f"an array of {obj.dtype} given; it must be of numbers")
