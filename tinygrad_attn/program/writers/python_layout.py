"""How a program in plain Python stands on the page: no line too wide to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

WIDTH = 88
COMMENT = 56  # where comments begin; what does not fit there stands above its line


@dataclass(frozen=True)
class Listing:
    """A list, as it is written.

    Attributes:
        parts: an element and its `for`s; or several elements.
        comma: what stands between parts.
    """

    parts: Sequence[str]
    comma: str = ""

    def __str__(self) -> str:
        return f"[{(self.comma + ' ').join(self.parts)}]"


def assigned(indent: str, name: str, value: str | Listing, said: str) -> list[str]:
    """The lines that give a value its name."""
    return laid(indent, f"{name} = ", value, said)


def returned(indent: str, value: Listing) -> list[str]:
    """The lines that return a list."""
    return laid(indent, "return ", value, "")


def laid(indent: str, head: str, value: str | Listing, said: str) -> list[str]:
    """A value behind some words, on as many lines as it needs."""
    first = f"{head}{value}"
    said = said.removesuffix(first) if said.endswith(f")  {first}") else said
    head = indent + head
    if said and not fits(f"{head}{value}", said.strip()):
        above, at = list[str](), len(said) - len(said.partition("  ")[2])
        for k, part in enumerate(said.split(";  ")):
            start = indent + ("# " if k == 0 else "# " + " " * at)
            above += folded(part, start, f"{indent}#{' ' * (at + 5)}")
        return [*above, *laid(indent, head[len(indent) :], value, "")]
    if len(f"{head}{value}") <= WIDTH:
        return [commented(f"{head}{value}", said.strip())]
    inside = indent + "    "
    if isinstance(value, Listing):
        parts = [", ".join(value.parts)] if value.comma else value.parts
        hang = inside if value.comma else inside + "    "
        middle = [line for part in parts for line in folded(part, inside, hang)]
        return [commented(f"{head}[", said), *middle, f"{indent}]"]
    at = opening(value)
    right = value[-1] if at >= 0 else ")"
    what = value[at + 1 : -1] if at >= 0 else value
    first = f"{head}{value[: at + 1]}" if at >= 0 else f"{head}("
    return [
        commented(first, said),
        *folded(what, inside, inside + "    "),
        f"{indent}{right}",
    ]


def opening(text: str) -> int:
    """Where the bracket is that the last sign closes; -1 if that is no bracket.

    >>> opening("f(x, g(y))"), opening("f(x) + g(y)"), opening("x + y")
    (1, 8, -1)
    """
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] in ")]") - (text[at] in "([")
        if depth == 0:
            break
    return at if at < len(text) - 1 else -1


def fits(line: str, said: str) -> bool:
    """Whether a comment can stand beside a line, where all comments begin."""
    return len(line) + 2 <= COMMENT and COMMENT + 2 + len(said) <= WIDTH


def commented(line: str, said: str) -> str:
    """A line with a comment, if there is one."""
    return f"{line:<{max(len(line) + 2, COMMENT)}}# {said}" if said else line


def folded(text: str, first: str, others: str) -> list[str]:
    """A long line, broken where there are spaces."""
    return wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def section(title: str, lines: Sequence[str]) -> list[str]:
    """Lines under a title; nothing, if there are none."""
    return ["", f"# === {title} ===", "", *lines] if lines else []
