"""How a program in plain Python stands on the page: no line too wide to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

WIDTH = 88
COMMENT = 64  # where comments begin, if they can


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
    head = indent + head
    if isinstance(value, str) or len(head + str(value)) <= WIDTH:
        return [commented(f"{head}{value}", said)]
    inside = indent + "    "
    lines = [commented(f"{head}[", said)]
    if value.comma:
        lines += folded(", ".join(value.parts), inside, inside)
    for part in () if value.comma else value.parts:
        lines += folded(part, inside, inside + "    ")
    return [*lines, f"{indent}]"]


def commented(line: str, said: str) -> str:
    """A line with a comment, if there is one."""
    if not said:
        return line
    at = max(len(line) + 2, min(COMMENT, WIDTH - len(said) - 2))
    return f"{line:<{at}}# {said}"


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
