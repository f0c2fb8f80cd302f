"""All heads on one page: a click on a small map shows that head in full.

This file makes the page's data. A page cannot hold all numbers of many heads with many
tokens: beyond `WHOLE` numbers only the chosen head is whole, and the others are as
coarse as their small maps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..look.pages import SHARED, page_of
from ..look.text import fit_text
from .given import Head
from .overview import pool

FOLDER = Path(__file__).parent
SCRIPTS = ("weights.js", "map.js", "lines.js", "explore.js")
FILES = (*SHARED, *(FOLDER / name for name in SCRIPTS))  # the whole script
WHOLE = 400_000  # numbers
TOKEN = 200  # letters of a token


def explore(
    heads: Sequence[Head],
    one: Head,
    axes: tuple[Sequence[str], Sequence[str]],
    shown: dict[str, Any],
    still: str,
) -> str:
    """The page, as text.

    Args:
        one: the head that is shown first.
        axes: the tokens of the queries and of the keys.
        shown: title, told (how to read it), parts (which of "map", "lines" and "grid"),
            and query (the number of the one in focus, or None).
        still: the picture for readers without JavaScript.
    """
    queries, keys = axes
    whole = len(heads) * len(queries) * len(keys) <= WHOLE
    data = shown | {
        "queries": [fit_text(token, TOKEN) for token in queries],
        "keys": [fit_text(token, TOKEN) for token in keys],
        "heads": [head_data(h, whole or h is one) for h in heads],
        "chosen": next(i for i, h in enumerate(heads) if h is one),
    }
    return page_of(
        FOLDER / "explore.html", [FOLDER / "explore.css"], FILES, data, still
    )


def head_data(head: Head, whole: bool) -> dict[str, Any]:
    """A head as JSON: weights to four decimals, row by row; "1" where one is hidden.

    `block` tokens together have a row or column: 1, but in a coarse head.
    """
    shown = head if whole else pool(head)
    return {
        "path": fit_text(head.path, TOKEN),
        "short": head.short,
        "name": fit_text(head.name, TOKEN),
        "block": math.ceil(len(head.rows) / len(shown.rows)),
        "rows": [[rounded(w) for w in row] for row in shown.rows],
        "hidden": ["".join("01"[h] for h in row) for row in shown.hidden],
        "mask": head.by_mask,
    }


def rounded(weight: float) -> float:
    """A weight to four decimals; one that is not 0 stays so, however small.

    >>> rounded(0.123456), rounded(1e-9), rounded(0.0)
    (0.1235, 1e-09, 0.0)
    """
    if not math.isfinite(weight):
        return weight
    return round(weight, 4) or float(f"{weight:.1g}")
