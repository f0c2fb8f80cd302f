"""Weights of others: safetensors files without our checksum, in any dtype, in parts.

A model of many numbers is published in several files, with an index that says which
name is in which:

    {"weight_map": {"h.0.weight": "model-00001-of-00002.safetensors", ...}}

Halves become float32: a float16 has 5 bits of exponent and 10 of digits; a bfloat16 is
the upper half of a float32.
"""

from __future__ import annotations

import json
import os
import struct
from array import array
from pathlib import Path
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import current_backend
from tinygrad_attn.autograd.recording import make
from tinygrad_attn.errors import brief

from .tensor_file import OURS, Entry, Opened, swapped, tensor_of, without_twins

# The format's other whole numbers, by their codes in `array`.
WHOLE = {"I8": "b", "U8": "B", "I16": "h", "U16": "H", "I32": "i", "U32": "I"}
HALVES = ("F16", "BF16")


def is_index(path: Path) -> bool:
    """Whether a file is the index of a model in parts."""
    return path.name.endswith(".index.json")


def weights_in(file: Opened) -> dict[str, Tensor]:
    """All tensors of a file, on the current backend.

    Raises:
        ValueError: a dtype that cannot be read here.
    """
    numbers = memoryview(file.numbers())
    found = {}
    for name, entry in file.entries.items():
        try:
            found[name] = any_tensor(entry, numbers)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{file.path}: {brief(name)}: {error}") from None
    return found


def weights_by_index(path: Path) -> dict[str, Tensor]:
    """All tensors that an index names, from the files beside it.

    Raises:
        OSError: a file is missing.
        ValueError: it is no index, or a file lacks a name that the index has in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        places = json.loads(text, object_pairs_hook=without_twins)["weight_map"]
        files = [*dict.fromkeys(places.values())]
        good = all(isinstance(f, str) and is_plain(f) for f in files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise ValueError(
            f"{path} is no index of safetensors files: it must have a weight_map, from "
            "names to files beside it"
        )
    opened = {}
    for name in files:
        with Opened(path.parent / name) as file:
            opened[name] = weights_in(file)
    for name, place in places.items():
        if name not in opened[place]:
            raise ValueError(f"{path} has {brief(name)} in {place}, which lacks it")
    return {name: opened[place][name] for name, place in places.items()}


def is_plain(name: str) -> bool:
    """Whether a name is that of a file in the folder itself, on every system."""
    return (
        name not in ("", ".", "..") and name.isprintable() and not {*"/\\:"} & {*name}
    )


def any_tensor(entry: Entry, numbers: memoryview) -> Tensor:
    """An entry's numbers as a tensor of one of our dtypes."""
    if entry.dtype in OURS:
        return tensor_of(entry, numbers)
    raw = numbers[entry.start : entry.end]
    count = len(raw) // 2
    if entry.dtype == "F16":
        floats = array("f", struct.unpack(f"<{count}e", raw))
    elif entry.dtype == "BF16":
        upper = swapped(array("H", bytes(raw)))
        words = array("I", [half << 16 for half in upper])
        floats = array("f", words.tobytes())
    elif entry.dtype in WHOLE:
        whole = swapped(array(WHOLE[entry.dtype], bytes(raw)))
        return made(array("q", whole), "q", "int64", entry.shape)
    else:
        readable = ", ".join((*OURS, *HALVES, *WHOLE))
        raise ValueError(f"its dtype is {entry.dtype}; {readable} can be read")
    return made(floats, "f", "float32", entry.shape)


def made(numbers: Any, code: str, dtype: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers as a tensor on the current backend, floats in a dtype that it has."""
    xp = current_backend().xp
    known = (*xp.float_dtypes, "int64", "bool")
    kept = dtype if dtype in known else xp.float_dtypes[0]
    raw = memoryview(swapped(numbers)).cast("B")
    t: Tensor = make(xp.from_bytes(raw, code, dtype, shape, kept))
    return t


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The weights in a file of others, or in the files that an index names."""
    place = Path(os.fsdecode(path))
    if is_index(place):
        return weights_by_index(place)
    with Opened(place) as file:
        return weights_in(file)
