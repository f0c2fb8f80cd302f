"""The sentence with which a page opens: what is computed, and from what."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ...graph.data import Graph


def summary(graph: Graph, kinds: list[str], steps: list[dict[str, Any]]) -> str:
    """One sentence about a whole computation.

    Args:
        kinds: of the cards that nothing computes: "input", "parameter" or "constant".
        steps: of the page, as `play` makes them.
    """
    count = Counter("back" if s["kind"] == "backward" else s["kind"] for s in steps)
    root = graph.root.name  # of a head what it makes, and not the loss
    given = Counter(kinds)
    parts = [some(given[kind], kind) for kind in sorted(given, key=place)]
    told = f"{some(count['forward'], 'step')} forward "
    told += "computes" if count["forward"] == 1 else "compute"
    told += f" {root}"
    if parts:
        *others, last = parts
        told += f" from {', '.join(others)}{' and ' if others else ''}{last}"
    if not count["seed"]:
        return f"{told}; no gradient flows back."
    back = some(count["back"], "step")
    finds = "finds" if count["back"] == 1 else "find"
    of = graph.of or root
    return f"{told}; {back} backward {finds} how much each number changes {of}."


def place(kind: str) -> tuple[int, str]:
    """Where a kind stands in the sentence."""
    known = ["input", "parameter", "constant"]
    return (known.index(kind) if kind in known else len(known)), kind


def some(count: int, what: str) -> str:
    """A count and what is counted.

    >>> some(1, "input"), some(2, "step")
    ('1 input', '2 steps')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"
