"""One clear line for a wrong call: the function, what was given, what would be right.

A function checks what it is given and raises its own sentence. Where another function
knows why something does not fit (a shape, say), its sentence goes under our name. An
error that arises inside the package for any other reason is a bug of ours: it is left
as it is, with its traceback.
"""

from __future__ import annotations

import math
import operator
import os
import reprlib
import sys
from numbers import Integral, Real
from pathlib import Path
from typing import Any


def under_name(who: str, error: Exception) -> Exception:
    """An error whose one line begins with the function's name: an IndexError or a
    TypeError if it was one, else a ValueError (a number too large is a wrong value). To
    be raised `from` the first, so that nothing of where it arose is lost."""
    kinds = (kind for kind in (IndexError, TypeError) if isinstance(error, kind))
    kind = next(kinds, ValueError)
    return kind(f"{who}: {' '.join(str(error).split())}")


def no_room(who: str, *given: Any) -> MemoryError:
    """What to say if there is no memory for what a function shall make."""
    sizes = ", ".join(map(say, given))
    return MemoryError(f"{who}: {sizes} given; there is no memory for as many numbers")


def outside() -> int:
    """The `stacklevel` of a warning, in the function that asks, with which it points at
    the first line outside this package: the reader's own."""
    here, level, frame = f"{Path(__file__).parent}{os.sep}", 1, sys._getframe(1)
    while frame.f_code.co_filename.startswith(here) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


def in_a_program(who: str, what: str) -> RuntimeError:
    """What to say where a function is written as a program, and does what the program
    itself will do, or a step of training around it."""
    return RuntimeError(
        f"{who}: {what} inside a function whose program is written; the function "
        "computes the loss and returns it, and write(..., update=optimizer) adds the "
        "walk backward and the update"
    )


def how_to_install(package: str) -> str:
    """The command that installs a package for this Python.

    Debian's own Python, and some others, let pip install nothing
    ("externally-managed-environment"); for them an environment is made first.
    """
    import sysconfig  # only here: it takes as long to load as the engine's first rooms

    managed = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    if sys.prefix != sys.base_prefix or not managed.exists():
        return f"pip install {package}"
    return (
        f"python3 -m venv .venv && .venv/bin/pip install {package} "
        "(then use .venv/bin/python)"
    )


LONGEST = 72  # letters of what is quoted


def say(value: Any) -> str:
    """A value as Python writes it, on one line and short: of what is long the beginning
    (of a tensor, an array or another object only what it is)."""
    shape = None if isinstance(value, type) else getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"a {type(value).__name__} of shape {shape}"
    said = " ".join(SHORT.repr(value).split())
    if len(said) <= LONGEST:
        return said
    if isinstance(value, BUILT_IN):
        return f"{said[: LONGEST - 1]}…"
    return f"a {type(value).__name__}"


def say_path(path: Any) -> str:
    """A path, on one line; of a long one the end, which has the file's name."""
    said = " ".join(str(path).split())
    return repr(said if len(said) <= 3 * LONGEST else f"…{said[-3 * LONGEST :]}")


def brief(value: Any) -> str:
    """The same; of what is long only its type."""
    said = say(value)
    return said if "…" not in said else f"a {type(value).__name__}"


SHORT = reprlib.Repr()  # it looks at the beginning only, however long or deep all is
SHORT.maxlevel = 6
SHORT.maxstring = SHORT.maxlong = SHORT.maxother = 4 * LONGEST
SHORT.maxlist = SHORT.maxtuple = SHORT.maxset = SHORT.maxfrozenset = 24
SHORT.maxdict = SHORT.maxdeque = SHORT.maxarray = 24
BUILT_IN = (str, bytes, int, float, list, tuple, dict, set, frozenset)


def is_held(value: Any) -> bool:
    """Whether a float, or 64 bits, can hold a number."""
    if isinstance(value, Integral):
        return -(2**63) <= int(value) < 2**63
    return not math.isinf(value)


def counted(value: Any) -> Any:
    """What stands for an integer, as one: other libraries' integers, an int64 tensor of
    shape (). Anything else, bools too, as it is."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return value
    try:
        return operator.index(value)
    except TypeError:
        return value


def check_number(
    who: str,
    what: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    whole: bool = False,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Refuses a setting that is no number, or not between low and high."""
    given = type(value)  # the usual cases, fast
    if given is float and low < value < high and not whole:
        return
    if given is float and value == low == 0.0 < high and not (whole or open_low):
        return
    if given is int and low < value < high and -(2**63) <= value < 2**63:
        return
    kinds: Any = Integral if whole else Real
    if isinstance(value, kinds) and not isinstance(value, bool):
        inside = low <= value <= high and is_held(value)
        at_limit = (open_low and value == low) or (open_high and value == high)
        if inside and not at_limit:
            return
    kind = "an integer" if whole else "a number"
    limits = ""
    if low > -math.inf or high < math.inf:
        left = "(" if open_low or low == -math.inf else "["
        right = ")" if open_high or high == math.inf else "]"
        limits = f" in {left}{low:g}, {high:g}{right}"
    if isinstance(value, kinds) and not isinstance(value, bool):
        raise ValueError(f"{who}: {what}={say(value)} given; it must be {kind}{limits}")
    raise TypeError(
        f"{who}: {what}={say(value)}, a {type(value).__name__}, given; it must be "
        f"{kind}{limits}"
    )


def check_flags(who: str, **flags: Any) -> None:
    """Refuses a setting, by its name, that is neither True nor False: "no" is true."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            raise TypeError(
                f"{who}: {name}={say(flag)}, a {type(flag).__name__}, given; it must "
                "be True or False"
            )
