"""Names of files and folders on a command line; what cannot be written is refused
before any work begins."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path


def name_of_file(text: str) -> str:
    """The name of a file; `--save "$UNSET"` is none."""
    return _not_empty(text, "the name of a file")


def name_of_folder(text: str) -> str:
    """The name of a folder."""
    return _not_empty(text, "the name of a folder")


def words(text: str) -> str:
    """Any text that says something."""
    return _not_empty(text, "some text")


def _not_empty(text: str, kind: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} given; it must be {kind}")
    return text


def check_file(name: str, given: str | Path, whole: bool = False) -> None:
    """Refuses a file that cannot be written, by trying.

    Args:
        name: the option that names it.
        whole: whether a complete file is put in its place, as `checkpoint.save` does,
            so that it must be a plain one, in a folder that takes new files.
    """
    try:
        path = Path(os.path.realpath(given))
        there = path.exists()
        if not path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {path.parent}")
        if there and not path.is_file() and (whole or path.is_dir()):
            raise FileExistsError("it is there already, and is no file")
        if whole:  # the temporary name is the longest that `save` uses
            with tempfile.NamedTemporaryFile(
                dir=path.parent, prefix=f".{path.name}.", suffix="12345678.tmp"
            ):
                pass
        if path.is_file() or not there:
            open(path, "ab").close()
            if not there:
                path.unlink()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"{name} {given}: no file can be written there ({reason})"
        ) from None


def check_folder(name: str, given: str, *files: str) -> Path:
    """Makes a folder, and refuses one in which these files cannot be written."""
    folder = Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"{name} {given}: no folder can be made there ({reason})"
        ) from None
    for file in files:
        check_file(name, folder / file)
    return folder
