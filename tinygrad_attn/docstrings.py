"""What a docstring says first: pictures tell an operation and a module in its words."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from contextlib import suppress
from typing import Any


def first_words(thing: Any) -> str:
    """The first paragraph of the docstring of a function or class, in one line."""
    return " ".join(docstring_of(thing).strip().split("\n\n")[0].split())


def docstring_of(thing: Any) -> str:
    """A docstring, "" if there is none. `python -OO` takes all away; there it is read
    from the source, if that can be found."""
    found = getattr(thing, "__doc__", None)
    if found is not None or thing is None or sys.flags.optimize < 2:
        return found or ""
    with suppress(OSError, SyntaxError, TypeError):
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
        if isinstance(tree, (ast.FunctionDef, ast.ClassDef)):
            return ast.get_docstring(tree) or ""
    return ""
