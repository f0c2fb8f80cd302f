"""One file of tensors and settings: safetensors, read and written here.

The format is eight bytes, the length of a table; the table, names, dtypes and places in
JSON; and the raw numbers, one tensor after the other:

    {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
     "__metadata__": {"settings": "...", "file_sha256": "..."}}

Nothing in it can be executed, and any safetensors reader opens it. Our table also has a
SHA-256 checksum of the whole file, computed with zeros in place of its own 64 digits,
so an altered file is refused. (This guards against accidents: an attacker could compute
a new checksum.) Files of others open too, as weights alone: foreign.py.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sys
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tinygrad_attn import Tensor, whole_file
from tinygrad_attn.arrays.backends import current_backend
from tinygrad_attn.autograd.recording import make
from tinygrad_attn.errors import brief, say_path

# our dtype: its name in a file, its code in `array`, bytes a number
DTYPES = {
    "float64": ("F64", "d", 8),
    "float32": ("F32", "f", 4),
    "int64": ("I64", "q", 8),
    "bool": ("BOOL", "b", 1),
}
OURS = {theirs: ours for ours, (theirs, _, _) in DTYPES.items()}
CHECKSUM = re.compile(rb'"file_sha256":"([0-9a-f]{64})"')  # once in the table
NO_CHECKSUM = b"0" * 64
LONGEST = 100_000_000  # bytes of a table, in every reader of the format

Buffer = Any  # bytes, an array or a memoryview of them


class Entry(NamedTuple):
    """A tensor in a file: its dtype there, its shape, and where its numbers lie."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def path_of(who: str, path: Any) -> Path:
    """A path that a user gave."""
    try:
        return Path(os.fsdecode(path))
    except TypeError:
        kind = type(path).__name__
        raise TypeError(
            f"{who}: path {brief(path)}, a {kind}, given; it must be a string or a Path"
        ) from None


# === Writing ==========================================================================


def write(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], settings: Any
) -> None:
    """Writes tensors and settings, whole or not at all (`whole_file`); the settings
    must fit into JSON.

    Raises:
        OSError: the file cannot be written; the message names the file and the reason.
    """
    target = path_of("save", path)
    if not Path(os.path.realpath(target)).parent.is_dir():
        raise FileNotFoundError(f"save: {path} given, and there is no such folder")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"save: {path} is there already, and is no file")
    metadata = {"settings": json.dumps(settings), "file_sha256": NO_CHECKSUM.decode()}
    buffers = {name: numbers_of(t) for name, t in tensors.items()}
    table = table_of(tensors, buffers, metadata)
    numbers = [*buffers.values()]
    digest = hashlib.sha256(table)
    for buffer in numbers:
        digest.update(buffer)
    found = CHECKSUM.search(table)
    assert found is not None
    start, end = found.span(1)
    table = table[:start] + digest.hexdigest().encode() + table[end:]
    try:
        whole_file.write(target, [table, *numbers])
    except OSError as error:
        said = f"save: {path} could not be written: {error.strerror or error}"
        raise type(error)(error.errno, said) from error


def table_of(
    tensors: Mapping[str, Tensor],
    buffers: Mapping[str, Buffer],
    metadata: dict[str, str],
) -> bytes:
    """The eight bytes and the table, filled up so that the numbers begin at a multiple
    of 8."""
    table: dict[str, Any] = {"__metadata__": metadata}
    at = 0
    for name, t in tensors.items():
        end = at + memoryview(buffers[name]).nbytes
        table[name] = {
            "dtype": DTYPES[t.dtype][0],
            "shape": list(t.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def numbers_of(t: Tensor) -> Buffer:
    """A tensor's numbers as they lie in a file: one after the other, little-endian."""
    plain: Any = t.detach().array
    try:
        view = memoryview(plain)  # NumPy's arrays show theirs
    except TypeError:
        flat = t.detach().reshape(-1).tolist()
        return swapped(array(DTYPES[t.dtype][1], flat))
    whole = view if view.c_contiguous and view.nbytes else view.tobytes()
    return whole if sys.byteorder == "little" else plain.byteswap().tobytes()


def swapped(numbers: array[Any]) -> array[Any]:
    """Numbers in a file's order of bytes, or from it."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


# === Reading ==========================================================================


class Opened:
    """A file of tensors whose table was read and checked, and whose numbers were not.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no whole safetensors file; the message names it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of("load", path)
        try:
            is_other = self.path.exists() and not self.path.is_file()
        except (OSError, ValueError) as error:  # a name that no file can have
            raise ValueError(
                f"load: {say_path(path)} given: {error.args[-1]}"
            ) from None
        if is_other:
            raise IsADirectoryError(f"{path} is no file")
        with open(self.path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            try:
                self.table, self.metadata, self.entries = read_table(file, size)
            except ValueError as error:
                raise ValueError(f"{path} {error}") from None

    def numbers(self) -> bytes:
        """All after the table, once it is sure that as much is there."""
        with open(self.path, "rb") as file:
            file.seek(len(self.table))
            return file.read()


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the settings that `write` wrote. The tensors are on the current
    backend, in their own dtype if the backend has it.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file was not written by `write`, or was altered since; the
            message names the file.
    """
    return read_ours(Opened(path))


def read_ours(file: Opened) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the settings of a file of ours, whose checksum is right."""
    found = CHECKSUM.search(file.table)
    if found is None:
        raise ValueError(
            f"{file.path} is a safetensors file, but was not written by this project's "
            "save"
        )
    start, end = found.span(1)
    numbers = file.numbers()
    digest = hashlib.sha256(file.table[:start] + NO_CHECKSUM + file.table[end:])
    digest.update(numbers)
    if digest.hexdigest().encode() != found[1]:
        raise ValueError(
            f"{file.path} was cut off or altered: its checksum does not match its "
            "contents"
        )
    try:
        settings = json.loads(file.metadata["settings"])
        view = memoryview(numbers)
        return {n: tensor_of(e, view) for n, e in file.entries.items()}, settings
    except (ValueError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())  # one line
        raise ValueError(
            f"{file.path} was not written by this project: {reason}"
        ) from None


def tensor_of(entry: Entry, numbers: memoryview) -> Tensor:
    """An entry's numbers as a tensor on the current backend."""
    if entry.dtype not in OURS:
        raise ValueError(f"dtype {entry.dtype}; {', '.join(OURS)} can be read")
    ours = OURS[entry.dtype]
    backend, raw = current_backend(), numbers[entry.start : entry.end]
    known = (*backend.xp.float_dtypes, "int64", "bool")
    kept = ours if ours in known else backend.xp.float_dtypes[0]
    t: Tensor = make(
        backend.xp.from_bytes(raw, DTYPES[ours][1], ours, entry.shape, kept)
    )
    return t


# --- the table ------------------------------------------------------------------------


def read_table(
    file: BinaryIO, size: int
) -> tuple[bytes, dict[str, str], dict[str, Entry]]:
    """The first bytes up to the numbers, the metadata and the entries, all of which
    were checked: their numbers fill the rest of the file, without a gap.

    Raises:
        ValueError: what follows the file's name in a sentence.
    """
    head = file.read(8)
    if not head:
        raise ValueError("is empty, no safetensors file")
    length = int.from_bytes(head, "little")
    if len(head) < 8 or length > min(size - 8, LONGEST):
        raise ValueError(kind_of(head, file))
    text = file.read(length)
    table = head + text
    try:
        if not text.startswith(b"{"):
            raise ValueError("the table does not begin with {")
        found = json.loads(text.decode("utf-8"), object_pairs_hook=without_twins)
        metadata = found.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(
            isinstance(value, str) for value in metadata.values()
        ):
            raise ValueError("its metadata are no texts")
        entries = {name: entry_of(name, e) for name, e in found.items()}
        end = end_of(entries)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"is no whole safetensors file: {reason[:200]}") from None
    if end != size - len(table):
        raise ValueError(
            f"was cut off or altered: its numbers have {end:,} bytes, and "
            f"{size - len(table):,} are there"
        )
    return table, metadata, entries


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, in which no name stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in its table")
    return found


def entry_of(name: str, given: Any) -> Entry:
    """An entry of the table, checked by itself."""
    try:
        dtype, shape = given["dtype"], given["shape"]
        start, end = given["data_offsets"]
        whole = [*shape, start, end]
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{brief(name)} has no dtype, shape and place") from None
    if not isinstance(dtype, str) or any(type(v) is not int or v < 0 for v in whole):
        raise ValueError(f"{brief(name)} has no dtype, shape and place")
    width = WIDTHS.get(dtype)
    if width is None:
        raise ValueError(f"{brief(name)} has the dtype {brief(dtype)}")
    if end - start != width * math.prod(shape):
        raise ValueError(
            f"{brief(name)} of shape {brief(tuple(shape))} has {end - start} bytes"
        )
    return Entry(dtype, tuple(shape), start, end)


# Bytes a number, of all dtypes of the format that fill whole bytes.
WIDTHS = {theirs: width for theirs, _, width in DTYPES.values()} | {
    "F16": 2,
    "BF16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I8": 1,
    "U8": 1,
    "I16": 2,
    "U16": 2,
    "I32": 4,
    "U32": 4,
    "U64": 8,
}


def end_of(entries: Mapping[str, Entry]) -> int:
    """Where the last numbers end. Refuses numbers that overlap, or leave a gap."""
    at = 0
    for entry in sorted(entries.values(), key=lambda e: (e.start, e.end)):
        if entry.start != at:
            raise ValueError(f"a gap or an overlap at byte {at} of its numbers")
        at = entry.end
    return at


def kind_of(head: bytes, file: BinaryIO) -> str:
    """What kind of file it is that is no safetensors file."""
    if head.startswith(b"PK"):
        return "is a zip archive, no safetensors file"
    file.seek(-1, os.SEEK_END)
    if head[0] == 0x80 and file.read() == b".":
        return (
            "is a pickle, no safetensors file; a pickle can run any code, and none is "
            "ever opened here"
        )
    return "is no whole safetensors file: it does not begin with the length of a table"
