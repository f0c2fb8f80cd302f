"""One file of tensors and settings, written completely or not at all.

The format is safetensors: a table of names, dtypes and shapes in JSON, then the raw
numbers. Nothing in it can be executed, and any safetensors reader opens it. The table
also has a SHA-256 checksum of the whole file, computed with zeros in place of its own
64 digits, so an altered file is refused. (This guards against accidents: an attacker
could compute a new checksum.)
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import re
import secrets
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import current_backend
from tinygrad_attn.errors import how_to_install

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

# our dtype: its name in a file, its code in `struct`
DTYPES = {
    "float64": ("F64", "d"),
    "float32": ("F32", "f"),
    "int64": ("I64", "q"),
    "bool": ("BOOL", "?"),
}
OURS = {theirs: ours for ours, (theirs, _) in DTYPES.items()}
CHECKSUM = re.compile(rb'"file_sha256":"([0-9a-f]{64})"')  # once in the table
NO_CHECKSUM = b"0" * 64

Entry = tuple[str, tuple[int, ...], bytes]  # dtype, shape, numbers


def check_safetensors(who: str) -> None:
    """Raises RuntimeError, with the command to type, if safetensors is missing."""
    try:
        import safetensors  # noqa: F401
    except ImportError:
        raise RuntimeError(
            f"{who} needs the safetensors library, which is not installed: "
            f"{how_to_install('safetensors')}"
        ) from None


def _path(who: str, path: Any) -> Path:
    try:
        return Path(os.fsdecode(path))
    except TypeError:
        kind = type(path).__name__
        raise TypeError(
            f"{who}: path {path!r}, a {kind}, given; it must be a string or a Path"
        ) from None


# === Writing ==========================================================================


def write(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], settings: Any
) -> None:
    """Writes tensors and settings; the settings must fit into JSON.

    They go to a temporary file in the same folder, which is renamed once it is complete
    on disk. A process that is killed meanwhile leaves the old file as it was, and its
    temporary file is removed by the next call.

    Raises:
        OSError: the file cannot be written; the message names the file and the reason.
    """
    target = Path(os.path.realpath(_path("save", path)))  # a link stays a link
    if not target.parent.is_dir():
        raise FileNotFoundError(f"save: {path} given, and there is no such folder")
    if target.exists() and not target.is_file():
        raise FileExistsError(f"save: {path} is there already, and is no file")
    data = {name: _to_bytes(t) for name, t in tensors.items()}
    metadata = {"settings": json.dumps(settings), "file_sha256": NO_CHECKSUM.decode()}
    content = _fill_in_checksum(_serialize(data, metadata))
    try:
        _remove_leftovers(target)
        _put(target, content)
    except OSError as error:
        raise type(error)(f"save: {path} could not be written: {error}") from error


def _put(target: Path, content: bytes) -> None:
    """Replaces a file's content. At any moment the file is the whole old or new one."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    with open(temporary, "xb") as file:
        try:
            _lock(file)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # the content must reach the disk before the name
            if fcntl is None:  # Windows cannot rename an open file
                file.close()
            os.replace(temporary, target)
        except BaseException:
            file.close()
            temporary.unlink(missing_ok=True)
            raise
    if os.name == "posix":  # now the new name must reach the disk
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        except OSError as error:  # some file systems cannot do this, and need not
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(folder)


def _lock(file: BinaryIO) -> bool:
    """Marks a file as being written, until it is closed or its process ends. False if
    another process has marked it, or if this system has no such marks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_leftovers(target: Path) -> None:
    """Removes the temporary files of killed processes, not of running ones."""
    ours = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{16}\.tmp")
    for path in target.parent.iterdir():
        if ours.fullmatch(path.name):
            with contextlib.suppress(OSError):
                if _is_unused(path):
                    path.unlink()


def _is_unused(path: Path) -> bool:
    """Whether no process is writing a file."""
    if fcntl is None:
        return True
    with open(path, "r+b") as file:
        return _lock(file)


def _to_bytes(t: Tensor) -> Entry:
    flat = t.detach().reshape(-1).tolist()
    return t.dtype, t.shape, struct.pack(f"<{len(flat)}{DTYPES[t.dtype][1]}", *flat)


def _serialize(data: Mapping[str, Entry], metadata: dict[str, str]) -> bytes:
    """The file's bytes, by the library. From version 0.8 on it takes addresses."""
    import safetensors

    library: Any = safetensors  # its types differ from version to version
    if not hasattr(library, "TensorSpec"):
        old = {
            name: {"dtype": dtype, "shape": list(shape), "data": raw}
            for name, (dtype, shape, raw) in data.items()
        }
        return bytes(library.serialize(old, metadata))
    new = {
        name: library.TensorSpec(
            dtype=dtype,
            shape=list(shape),
            data_ptr=ctypes.cast(ctypes.c_char_p(raw), ctypes.c_void_p).value or 0,
            data_len=len(raw),
        )
        for name, (dtype, shape, raw) in data.items()
    }
    return bytes(library.serialize(new, metadata))


# === The checksum =====================================================================


def _find_checksum(content: bytes) -> tuple[int, int] | None:
    """The start and end of the checksum's digits; None if there is no checksum."""
    end = 8 + int.from_bytes(content[:8], "little")
    found = CHECKSUM.search(content[8:end])
    return (8 + found.start(1), 8 + found.end(1)) if found else None


def _compute_checksum(content: bytes, start: int, end: int) -> bytes:
    """The SHA-256 of all bytes, with zeros in place of the checksum's digits."""
    whole = memoryview(content)
    digest = hashlib.sha256(whole[:start])
    digest.update(NO_CHECKSUM)
    digest.update(whole[end:])
    return digest.hexdigest().encode()


def _fill_in_checksum(content: bytes) -> bytes:
    """The content with its checksum in place of the zeros."""
    place = _find_checksum(content)
    assert place is not None
    start, end = place
    return content[:start] + _compute_checksum(content, start, end) + content[end:]


# === Reading ==========================================================================


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], Any]:
    """The tensors and the settings that `write` wrote. The tensors are on the current
    backend, in their own dtype if the backend has it.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file was not written by `write`, or was altered since; the
            message names the file.
    """
    import safetensors

    library: Any = safetensors
    file = _path("load", path)
    if file.exists() and not file.is_file():
        raise IsADirectoryError(f"{path} is no file")
    content = file.read_bytes()
    place = _find_checksum(content)
    if place is None:
        raise ValueError(f"{path} {_describe(content)}")
    start, end = place
    if content[start:end] != _compute_checksum(content, start, end):
        raise ValueError(
            f"{path} was cut off or altered: its checksum does not match its contents"
        )
    try:
        entries = dict(library.deserialize(content))
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        settings = json.loads(header["__metadata__"]["settings"])
        return {name: _from_bytes(**entry) for name, entry in entries.items()}, settings
    except (library.SafetensorError, ValueError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())  # one line
        raise ValueError(f"{path} was not written by this project: {reason}") from None


def _describe(content: bytes) -> str:
    """What kind of file it is, given that it has no checksum of ours."""
    import safetensors

    library: Any = safetensors
    if not content:
        return "is empty, no safetensors file"
    try:
        library.deserialize(content)
    except (library.SafetensorError, ValueError) as error:
        if content.startswith(b"PK"):
            return "is a zip archive, no safetensors file"
        if content[0] == 0x80 and content.endswith(b"."):
            return (
                "is a pickle, no safetensors file; a pickle can run any code, and none "
                "is ever opened here"
            )
        return f"is no whole safetensors file: {' '.join(str(error).split())}"
    return "is a safetensors file, but was not written by this project's save"


def _from_bytes(dtype: str, shape: list[int], data: bytes) -> Tensor:
    if dtype not in OURS:
        raise ValueError(f"dtype {dtype}; {', '.join(OURS)} can be read")
    ours = OURS[dtype]
    code = DTYPES[ours][1]
    count = len(data) // struct.calcsize(f"<{code}")
    flat = list(struct.unpack(f"<{count}{code}", data))
    known = current_backend().xp.float_dtypes
    kept = ours if ours in (*known, "int64", "bool") else known[0]
    return Tensor(flat, dtype=kept).reshape(shape)
