"""A file that is written whole or not at all.

What is written goes to a temporary file in the same folder, which gets the file's name
once it is complete on disk. A process that is killed meanwhile leaves the old file as
it was. Its temporary file is removed by the next one that writes there.

How does that one know that nobody is writing it any more? Who writes holds a lock on
it, which ends with its process. (Between making the file and locking it another may
take it for a leftover: so whoever has the lock looks whether the file still has its
name, and begins again if it has not.)
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

Chunk = Any  # bytes, or what has a buffer of them
LONG = 200  # bytes of a name, beside which there is no room for more (NAME_MAX is 255)


def write_text(path: Path, text: str) -> None:
    """Writes a text, in UTF-8 and with \\n at the end of lines, whole or not at all."""
    write(path, [text.encode("utf-8")])


def write(
    path: Path,
    chunks: Iterable[Chunk],
    filled_in: tuple[int, Callable[[], bytes]] | None = None,
) -> None:
    """Replaces a file's content; at any moment the file is the whole old or new one. A
    link stays a link, and a file that is there keeps its mode.

    Args:
        path: the file.
        chunks: what is written, one after the other.
        filled_in: a place, and what gives the bytes for it once all chunks are written.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():  # a pipe, or a terminal
        with open(target, "wb") as file:
            file.writelines(chunks)
        return
    remove_leftovers(target)
    with temporary_beside(target) as file:
        try:
            file.writelines(chunks)
            if filled_in is not None:
                file.seek(filled_in[0])
                file.write(filled_in[1]())
            file.flush()
            os.fsync(file.fileno())  # the content must reach the disk before the name
            if hasattr(os, "fchmod") and target.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            if fcntl is None:  # Windows cannot rename an open file
                file.close()
            os.replace(file.name, target)
        except BaseException:
            file.close()
            Path(file.name).unlink(missing_ok=True)
            raise
    if os.name == "posix":
        sync_folder(target.parent)


def sync_folder(place: Path) -> None:
    """Returns once the names in a folder have reached the disk."""
    try:
        folder = os.open(place, os.O_RDONLY)
    except PermissionError:  # it may be written, and not read; the file is there
        return
    try:
        os.fsync(folder)
    except OSError as error:  # some file systems cannot do this, and need not
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(folder)


def hidden_name(target: Path) -> str:
    """How the names of a file's temporary files begin. A long name has no room for
    more: its hash stands for it."""
    name = target.name
    if len(os.fsencode(name)) > LONG:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return f".{name}."


def temporary_beside(target: Path) -> BinaryIO:
    """A new file in the folder of another, open and locked. Nobody else may read it
    who may not read the other."""
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666
    while True:
        name = target.with_name(f"{hidden_name(target)}{secrets.token_hex(8)}.tmp")
        try:
            file: BinaryIO = open(name, "xb", opener=lambda n, f: os.open(n, f, mode))
        except OSError as error:  # of the name that the caller knows
            raise type(error)(error.errno, error.strerror, str(target)) from None
        if lock(file) is not False and is_there(file, name):
            return file
        file.close()  # another took it for a leftover


def is_there(file: BinaryIO, name: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(name))
    except FileNotFoundError:
        return False


def lock(file: BinaryIO) -> bool | None:
    """Marks a file as being written, until it is closed or its process ends. False if
    another has marked it; None if this system, or this folder, has no such marks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def remove_leftovers(target: Path) -> None:
    """Removes the temporary files of killed processes, not of running ones."""
    ours = re.compile(re.escape(hidden_name(target)) + r"[0-9a-f]{16}\.tmp")
    with contextlib.suppress(OSError):  # a folder that may be written, and not read
        for path in target.parent.iterdir():
            if ours.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    remove_unused(path)


def remove_unused(path: Path) -> None:
    """Removes a file that no process is writing. Meanwhile it is locked: whoever has
    just made it, and not locked it yet, makes another."""
    if fcntl is None:
        path.unlink()
        return
    with open(path, "r+b") as file:
        if lock(file) is True:
            path.unlink()
