"""A sentence in which every number has a meaning, and heads of attention made by hand.

Used by `attention_as_lookup.py`. Nothing is learned here: an adjective asks for a noun,
because a 6 stands where the matrix W_Q meets the two.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import nn
from tinygrad_attn import Tensor, concat

SENTENCE = ["the", "hungry", "cat", "chased", "a", "small", "mouse"]
SWAPPED = ["the", "hungry", "mouse", "chased", "a", "small", "cat"]
PAD = "<pad>"

# What a token is made of. Its place stands on a circle, as cosine and sine.
FEATURES = ("det", "adj", "noun", "verb", "cat", "mouse", "cos", "sin")
WORDS = {
    "the": {"det"},
    "a": {"det"},
    "hungry": {"adj"},
    "small": {"adj"},
    "cat": {"noun", "cat"},
    "mouse": {"noun", "mouse"},
    "chased": {"verb"},
    PAD: set[str](),
}
ANGLE = math.pi / 8  # from one place to the next

KEYS = ("noun", "verb", "cos", "sin")  # the features by which a token can be found
VALUES = ("cat", "mouse")  # the features that are fetched from it
ASKS = {"adj": "noun", "noun": "verb", "verb": "noun"}  # who asks for what
STRENGTH = 6.0  # how strongly: the length of a query

# === Made of them ====================================================================


def embedding(tokens: Sequence[str]) -> Tensor:
    """(T, 8): a row for each token."""
    rows = []
    for place, token in enumerate(tokens):
        row = dict.fromkeys(WORDS[token], 1.0)
        row |= {"cos": math.cos(ANGLE * place), "sin": math.sin(ANGLE * place)}
        rows.append([row.get(name, 0.0) for name in FEATURES])
    return Tensor(rows)


def projection(
    columns: Sequence[str], entries: dict[tuple[str, str], float]
) -> nn.Parameter:
    """(8, columns): which features go where, and how strongly."""
    rows = [[entries.get((row, c), 0.0) for c in columns] for row in FEATURES]
    return nn.Parameter(rows)


def head(places: float | None) -> nn.AttentionHead:
    """A head in which each token asks for its kind (`ASKS`), and for what stands so
    many places after it; None: wherever it stands."""
    made = nn.AttentionHead(len(FEATURES), len(KEYS), len(VALUES))
    ask = dict.fromkeys(ASKS.items(), STRENGTH)
    if places is not None:  # the place, turned on by so many
        c, s = (STRENGTH * f(ANGLE * places) for f in (math.cos, math.sin))
        ask |= {("cos", "cos"): c, ("sin", "cos"): -s}
        ask |= {("cos", "sin"): s, ("sin", "sin"): c}
    made.W_Q = projection(KEYS, ask)
    made.W_K = projection(KEYS, {(name, name): 1.0 for name in KEYS})
    made.W_V = projection(VALUES, {(name, name): 1.0 for name in VALUES})
    return made


class Heads(nn.Module):
    """Heads side by side, and their findings end to end (nn.MultiHeadAttention does it
    with one matrix product for all)."""

    def __init__(self, **heads: nn.AttentionHead) -> None:
        self.names = list(heads)
        for name, one in heads.items():
            setattr(self, name, one)

    def forward(self, x: Tensor) -> Tensor:
        return concat([getattr(self, name)(x)[0] for name in self.names], axis=-1)
