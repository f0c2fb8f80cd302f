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

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import sys
from array import array
from collections.abc import Iterator, Mapping
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
MOST_AXES = 64  # of an array, in NumPy
PIECE = 2**20  # bytes that are hashed and written at a time

Buffer = Any  # bytes, an array or a memoryview of them


class Entry(NamedTuple):
    """A tensor in a file: its dtype there, its shape, and where its numbers lie."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def path_of(who: str, path: Any) -> Path:
    """A path that a user gave, and that a file can have."""
    try:
        found = Path(os.fsdecode(path))
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(found)
    except PermissionError:  # told where the file is opened
        pass
    except TypeError:
        kind = type(path).__name__
        raise TypeError(
            f"{who}: path {brief(path)}, a {kind}, given; it must be a string or a Path"
        ) from None
    except (OSError, ValueError) as error:  # too long; a 0 in it; no letters of files
        reason = getattr(error, "strerror", None) or error.args[-1]
        said = f"{who}: {say_path(path)} given: {reason}"
        if isinstance(error, OSError):
            raise type(error)(error.errno, said) from None
        raise ValueError(said) from None
    return found


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
        said = f"save: {path} given, and there is no such folder"
        raise FileNotFoundError(errno.ENOENT, said)
    if target.exists() and not target.is_file():
        said = f"save: {say_path(path)} is there already, and is no file"
        raise FileExistsError(errno.EEXIST, said)
    try:
        text = json.dumps(settings)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"save: what is no JSON given: {error}") from None
    metadata = {"settings": text, "file_sha256": NO_CHECKSUM.decode()}
    buffers = {name: numbers_of(t) for name, t in tensors.items()}
    table = table_of(tensors, buffers, metadata)
    found = CHECKSUM.search(table)
    assert found is not None
    digest = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        """What is written, and hashed as it is written. A copy: a thread that trains
        may move the numbers meanwhile."""
        for buffer in (table, *buffers.values()):
            plain = memoryview(buffer).cast("B")
            for at in range(0, len(plain), PIECE):
                piece = bytes(plain[at : at + PIECE])
                digest.update(piece)
                yield piece

    try:
        checksum = found.start(1), lambda: digest.hexdigest().encode()
        whole_file.write(target, pieces(), checksum)
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

        with Opened(path) as file:
            numbers = file.numbers()

    It stays open in between: another process may write a new file under its name.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no whole safetensors file; the message names it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path_of("load", path)
        if self.path.exists() and not self.path.is_file():
            raise IsADirectoryError(errno.EISDIR, f"load: {path} is no file")
        self.file = open(self.path, "rb")
        self.size = os.fstat(self.file.fileno()).st_size
        try:
            self.table, self.metadata, self.entries = read_table(self.file, self.size)
        except ValueError as error:
            self.file.close()
            raise ValueError(f"{path} {error}") from None

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *raised: object) -> None:
        self.file.close()

    def numbers(self) -> bytes:
        """All after the table, once it is sure that as much is there. What has our
        checksum is checked.

        Raises:
            MemoryError: they are more than memory holds.
            ValueError: the checksum does not match.
        """
        self.file.seek(len(self.table))
        try:
            numbers = self.file.read()
        except MemoryError:
            raise MemoryError(
                f"load: {self.path} has {self.size:,} bytes, more than there is memory "
                "for"
            ) from None
        found = CHECKSUM.search(self.table)
        if found is not None:
            start, end = found.span(1)
            blank = self.table[:start] + NO_CHECKSUM + self.table[end:]
            digest = hashlib.sha256(blank)
            digest.update(numbers)
            if digest.hexdigest().encode() != found[1]:
                raise ValueError(
                    f"{self.path} was cut off or altered: its checksum does not match "
                    "its contents"
                )
        return numbers


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the settings that `write` wrote. The tensors are on the current
    backend, in their own dtype if the backend has it.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file was not written by `write`, or was altered since; the
            message names the file.
    """
    with Opened(path) as file:
        return read_ours(file)


def read_ours(file: Opened) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the settings of a file of ours, whose checksum is right."""
    if CHECKSUM.search(file.table) is None:
        raise ValueError(
            f"{file.path} is a safetensors file, but was not written by this project's "
            "save"
        )
    numbers = file.numbers()
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
    except (ValueError, RecursionError, MemoryError) as error:
        reason = " ".join(str(error).split()) or "its table is too large"
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
    if len(shape) > MOST_AXES or not math.prod(filter(None, shape)) < 2**60:
        raise ValueError(
            f"{brief(name)} has the shape {brief(tuple(shape))}; an array has up to "
            f"{MOST_AXES} axes, and fewer than 2**60 numbers"
        )
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
