"""`python -m tinygrad_attn` says what one can do: version, backends, a first try, and,
in a clone, the lessons and examples as commands that work from where one is."""

from __future__ import annotations

import argparse
import ast
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill

from . import __version__
from .arrays.backends import NAMES, get_backend
from .errors import how_to_install

SOURCE = Path(__file__).resolve().parent.parent  # of a clone
WIDTH = 60
TRY = """
    >>> from tinygrad_attn import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x**3).sum().backward(); x.grad
    Tensor([3.0, 12.0], float64)
"""
NO_EXAMPLES = "The lessons and examples are in the source, not in this installation."


def backends() -> Iterator[str]:
    """The backends that are there, and how to install one that is not."""
    for name in NAMES:
        try:
            get_backend(name)
            yield f"    {name}"
        except RuntimeError:
            advice = wrapped(how_to_install(name), " " * 8)
            yield f"    {name}, not installed:\n{advice}"


def wrapped(text: str, indent: str) -> str:
    """A text in lines that are not too long; no word is broken."""
    return fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def programs() -> list[tuple[Path, str]]:
    """The programs of a clone, lessons first, and what each is about."""
    found = []
    for path in sorted((SOURCE / "examples").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if '__name__ == "__main__"' in text:
            about = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
            found.append((path, " ".join(about.split())))
    return sorted(found, key=lambda program: "lesson" not in program[0].name)


def commands() -> Iterator[str]:
    """How to run the programs from the folder that one is in."""
    python, inside = sys.orig_argv[0], Path.cwd() == SOURCE
    if not inside:
        yield f"    cd {shlex.quote(str(SOURCE))}"
        python = os.path.abspath(python) if os.sep in python else python
    for path, about in programs():
        name = path.relative_to(SOURCE).as_posix()
        yield f"    {shlex.quote(python)} {name}\n{wrapped(about, ' ' * 8)}"


def told() -> str:
    """All that is said."""
    parts = [
        f"tinygrad_attn {__version__}: reverse-mode autograd to read,\n"
        "and a transformer on top of it",
        f"Python {sys.version.split()[0]}, {sys.executable}\n"
        f"package {Path(__file__).parent}",
        "\n".join(["Backends", *backends()]),
        f"Try it in Python{TRY}".rstrip(),
    ]
    if programs():
        parts.append("\n".join(["Lessons and examples", *commands()]))
        parts.append("README.md has more; `make help` lists what make does.")
    else:
        parts.append(wrapped(NO_EXAMPLES, ""))
    return "\n\n".join(parts)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints it.

    >>> main(["--help"])
    Traceback (most recent call last):
    SystemExit: 0
    """
    parser = argparse.ArgumentParser(
        "python -m tinygrad_attn",
        description="Says what one can do with tinygrad_attn.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args(argv)
    print(told())
    return 0


if __name__ == "__main__":
    if sys.stdout is None:  # closed by the caller
        sys.stdout = open(os.devnull, "w")
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            status = main()
        finally:  # after --help, too
            sys.stdout.flush()
    except BrokenPipeError:  # as in `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as error:  # such as a full disk
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"tinygrad_attn: {error}", file=sys.stderr)
        status = 2
    sys.exit(status)
