"""Saving and loading: tensors and settings in one safetensors file.

The format is a table of names, dtypes and shapes in JSON, then the bare numbers.
Nothing in it can be executed, and any safetensors reader opens it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save(folder + "/x.safetensors", {"w": Tensor([1.0])}, {"steps": 3})
    ...     load(folder + "/x.safetensors")
    ({'w': Tensor([1.0], float64)}, {'steps': 3})
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.backends import current_backend

# our dtype: its name in a file, its code in `struct`, its name for the library
DTYPES = {
    "float64": ("F64", "d"),
    "float32": ("F32", "f"),
    "int64": ("I64", "q"),
    "bool": ("BOOL", "?"),
}


def check_safetensors(who: str) -> None:
    """Raises RuntimeError, with what to install, where the library is missing."""
    try:
        import safetensors  # noqa: F401
    except ImportError:
        raise RuntimeError(
            f"{who} needs the safetensors library, which is not installed: "
            "pip install safetensors"
        ) from None


def save(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    settings: Mapping[str, Any],
) -> None:
    """Writes tensors and settings to a file, whole or not at all.

    They go to a temporary file beside it, which takes the name once all is on disk: a
    process killed on the way leaves the previous file as it was.

    Args:
        tensors: name → Tensor.
        settings: anything that JSON can hold; read back by `load`.

    Raises:
        RuntimeError: safetensors is not installed.
        OSError: the file cannot be written.
    """
    check_safetensors("save")
    if not isinstance(tensors, Mapping):
        raise TypeError(f"save: a {type(tensors).__name__} given; it takes a dict")
    for name, t in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise ValueError(f"save: name {name!r} given; it must be another string")
        if not isinstance(t, Tensor):
            raise TypeError(
                f"save: {name} is a {type(t).__name__}; it must be a Tensor"
            )
    try:
        json.dumps(settings, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise TypeError(f"save: settings that are no JSON given: {error}") from None
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"save: {path} given, and there is no such folder")
    data = {name: _to_bytes(t) for name, t in tensors.items()}
    metadata = {"settings": json.dumps(settings), "sha256": _checksum(data, settings)}
    content = _serialize(data, metadata)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, on the current backend in the dtype they have there, and settings.

    Raises:
        RuntimeError: safetensors is not installed.
        OSError: the file cannot be read.
        ValueError: it is no safetensors file, or not one of `save`'s, or it was
            altered.
    """
    check_safetensors("load")
    import safetensors

    library: Any = safetensors  # its types differ from version to version
    content = Path(path).read_bytes()
    try:
        entries = dict(library.deserialize(content))
        (length,) = struct.unpack("<Q", content[:8])
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except (library.SafetensorError, ValueError) as error:
        raise ValueError(f"{path} is no whole safetensors file: {error}") from None
    if "settings" not in metadata or "sha256" not in metadata:
        raise ValueError(f"{path} was not written by this project's save")
    data = {
        name: (_our_dtype(e["dtype"]), tuple(e["shape"]), bytes(e["data"]))
        for name, e in entries.items()
    }
    settings = json.loads(metadata["settings"])
    if _checksum(data, settings) != metadata["sha256"]:
        raise ValueError(
            f"{path} was altered: its checksum does not match its contents"
        )
    return {name: _from_bytes(*entry) for name, entry in data.items()}, settings


Entry = tuple[str, tuple[int, ...], bytes]


def _to_bytes(t: Tensor) -> Entry:
    flat = t.detach().reshape(-1).tolist()
    return t.dtype, t.shape, struct.pack(f"<{len(flat)}{DTYPES[t.dtype][1]}", *flat)


def _from_bytes(dtype: str, shape: tuple[int, ...], raw: bytes) -> Tensor:
    count = len(raw) // struct.calcsize(f"<{DTYPES[dtype][1]}")
    flat = list(struct.unpack(f"<{count}{DTYPES[dtype][1]}", raw))
    known = current_backend().xp.float_dtypes
    kept = dtype if dtype in (*known, "int64", "bool") else known[0]
    return Tensor(flat, dtype=kept).reshape(shape)


def _our_dtype(name: str) -> str:
    for ours, (theirs, _) in DTYPES.items():
        if name == theirs:
            return ours
    raise ValueError(f"dtype {name} in the file; {', '.join(DTYPES)} can be read")


def _checksum(data: Mapping[str, Entry], settings: Any) -> str:
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(data):
        dtype, shape, raw = data[name]
        digest.update(f"{name} {dtype} {shape} ".encode())
        digest.update(raw)
    return digest.hexdigest()


def _serialize(data: Mapping[str, Entry], metadata: dict[str, str]) -> bytes:
    """By the library's byte-level call, which from version 0.8 on takes addresses."""
    import safetensors

    library: Any = safetensors
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
