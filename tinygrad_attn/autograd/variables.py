"""What a running line calls a tensor: the variable that is bound to it.

It is found by identity among the variables that the line reads, so how the line is
written does not matter: a receiver of a method, a keyword argument and a slice are all
the same. And it must be found while the line runs: a moment later the variable may be
bound to another.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from types import CodeType, FrameType, MemberDescriptorType, ModuleType
from typing import Any

from .source import OF_A_FUNCTION, Path, paths_in_line

Variables = list[tuple[Path, Any]]  # (self, mask), beside it what self is bound to
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
NUMBERS = frozenset((int, float, bool, type(None)))
NOTHING: dict[str, Any] = {}
MOST = 100  # items of a variable that are looked through for a tensor


def names_in(frame: FrameType, inputs: Sequence[Any]) -> tuple[str, ...]:
    """What the running line calls each of an operation's inputs; "" for no name."""
    return names_of(inputs, variables_of(frame))


def names_of(inputs: Sequence[Any], variables: Variables) -> tuple[str, ...]:
    """The variables that are bound to tensors (or arrays, or lists), or the attributes;
    for a leaf also the key or place at which the variables hold it.

    >>> x, y = Tensor([1.0]), Tensor([2.0])
    >>> names_of([x, 3.0, y], [(("h",), y), (("w",), x)])
    ('w', '', 'h')
    >>> names_of([x, y], [(("weights",), {"W_Q": x}), (("ws",), (0, y))])
    ('W_Q', 'ws.1')
    """
    bound = {id(value): path[0] for path, value in reversed(variables)}
    names = []
    for x in inputs:
        if type(x) in NUMBERS:  # an equal number may be the same object
            names.append("")
        else:
            names.append(bound.get(id(x)) or name_inside(x, variables))
    return tuple(names)


def name_inside(x: Any, variables: Variables) -> str:
    """The attribute of a variable that x is; for a leaf also its key or place there."""
    for name, value in along(variables):
        if value is x:
            return name
    if getattr(x, "_op", None) is not None:
        return ""
    seen = [(path[0], value) for path, value in variables]
    return held(x, [*seen, *along(variables)])


def along(variables: Variables) -> Iterator[tuple[str, Any]]:
    """The attributes and keys that the line takes of its variables, by their names.
    Nothing is called, so no property is asked."""
    for path, value in variables:
        for name in path[1:]:
            inside = inside_of(value)
            if name in inside:
                value = inside[name]
            elif isinstance(getattr(type(value), name, None), MemberDescriptorType):
                value = getattr(value, name, None)  # of __slots__
            else:
                break
            yield name, value


def held(x: Any, seen: list[tuple[str, Any]]) -> str:
    """The key or place at which one of some objects holds x: "W_Q", "ws.1"; or ""."""
    for name, value in seen:
        if isinstance(value, ModuleType):
            continue
        if isinstance(value, (list, tuple)):
            places = [i for i, item in enumerate(value[:MOST]) if item is x]
            if places:
                return f"{name}.{places[0]}"
        for key, item in islice(inside_of(value).items(), MOST):
            if item is x:
                text = str(key)
                return text if text.isidentifier() else f"{name}.{text}"
    return ""


def inside_of(value: Any) -> Any:
    """What an object holds, or a dict, by its names."""
    return value if isinstance(value, dict) else getattr(value, "__dict__", NOTHING)


def variables_of(frame: FrameType) -> Variables:
    """The variables that the running line reads, with what they are bound to, in the
    order of the line."""
    here, everywhere = frame.f_locals, frame.f_globals
    found = [
        (path, here[path[0]] if path[0] in here else everywhere.get(path[0]))
        for path in paths_at(frame)
    ]
    if frame.f_code.co_name in COMPREHENSIONS and frame.f_back:  # before Python 3.12
        around = dict(variables_of(frame.f_back))
        found = [(p, v if p[0] in here else around.get(p, v)) for p, v in found]
    # Before 3.13 a look at `f_locals` leaves a copy in the frame, in which everything
    # would live until the function returns. It is emptied, if no locals() has it too.
    copied = sys.version_info < (3, 13) and frame.f_code.co_flags & OF_A_FUNCTION
    if copied and sys.getrefcount(here) == ALONE:
        here.clear()
    return found


def alone() -> int:
    """How many references there are to a function's `f_locals` that nobody else has."""
    variables = sys._getframe().f_locals
    return sys.getrefcount(variables)


ALONE = alone()
_paths: dict[tuple[int, int], tuple[CodeType, tuple[Path, ...]]] = {}


def paths_at(frame: FrameType) -> tuple[Path, ...]:
    """The variables that the running line reads; all of the function's, where the
    source cannot be read. Looked up once for each instruction."""
    code = frame.f_code
    key = id(code), frame.f_lasti
    known = _paths.get(key)
    if known is None:
        paths = paths_in_line(code.co_filename, frame.f_lineno, code)
        if paths is None:
            closed = (*code.co_cellvars, *code.co_freevars)
            names = (*code.co_varnames, *closed, *code.co_names)
            paths = tuple((name,) for name in names[:MOST])
        if len(_paths) > 10_000:  # a program that makes its own code
            _paths.clear()
        known = _paths[key] = code, paths  # the code, so that its id stays its own
    return known[1]
