"""Where a picture or a page is to be written: its path, checked before the work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...errors import say, say_path


def path_for(who: str, given: Any, *endings: str, what: str = "") -> Path:
    """The path of a file that is to be written.

    Args:
        who: the function, for the messages.
        given: what it was given: a str or a PathLike.
        endings: those that the name may have.
        what: the name of the argument and =, for the messages.

    Raises:
        TypeError: it is no str or PathLike.
        ValueError: the name has another ending, or is nothing but an ending.
        FileNotFoundError, IsADirectoryError: there is no such folder, or it is one.

    >>> path_for("save", "head.txt", ".svg", ".html")
    Traceback (most recent call last):
    ...
    ValueError: save: 'head.txt' given; the name must end in .svg or .html
    """
    if not isinstance(given, (str, os.PathLike)):
        raise TypeError(
            f"{who}: {what}{say(given)}, a {type(given).__name__}, given; it must be a "
            "str or a PathLike"
        )
    path = Path(os.fsdecode(given))
    name = path.name or os.fsdecode(given)
    if name.lower() in endings:
        raise ValueError(
            f"{who}: {what}{say(name)} given; a name must stand before {name}"
        )
    if path.suffix.lower() not in endings:
        *others, last = endings
        known = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(
            f"{who}: {what}{say(name)} given; the name must end in {known}"
        )
    told = f"{who}: {what}{say(os.fsdecode(given))} given"
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{told}; there is no folder {say_path(path.parent)}")
    if path.is_dir():
        raise IsADirectoryError(f"{told}; that is a folder")
    return path
