"""Files: what they are called, and that they are written whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import say, say_path

WIDTH = 86  # of the lines of numbers
PLAIN_NAME = re.compile(r"[\w +,.=@~-]+")  # a file's, that may stand in a text


def path_of(given: Any) -> Path:
    """Where a file is to be.

    Raises:
        TypeError: it is no path.
        FileNotFoundError: there is no such folder.
    """
    try:
        path = Path(os.fsdecode(given))
    except TypeError:
        kind = type(given).__name__
        raise TypeError(
            f"save: {say(given)}, a {kind}, given; it must be a string or a Path"
        ) from None
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"save: {say_path(path)} given; there is no folder {say_path(path.parent)}"
        )
    return path


def replace(contents: Mapping[Path, bytes]) -> None:
    """Writes files, the last of them last. If one cannot be written, all stay as they
    were.

    Raises:
        OSError: the message names the file and the reason.
    """
    fresh: dict[Path, Path] = {}
    for path in contents:
        if os.path.exists(path) and not os.path.isfile(path):
            raise FileExistsError(
                f"save: {say_path(path)} given; it is there already, and is no file"
            )
    try:
        for path, data in contents.items():
            real = Path(os.path.realpath(path))  # a link stays a link
            new = real.with_name(f".{real.name}.{secrets.token_hex(8)}.tmp")
            fresh[new] = real
            new.write_bytes(data)
        for new, real in fresh.items():
            os.replace(new, real)
    except OSError as error:
        raise type(error)(
            f"save: {say_path(path)} could not be written: {error.strerror or error}"
        ) from error
    finally:
        for new in fresh:
            with suppress(OSError):  # it is gone, or never was
                new.unlink()
