"""The arguments of `draw_attention`, read and checked: heads, weights, tokens.

Weights are a Tensor, an array or nested lists, or the dict of `nn.attention_maps`; a
mask can be any of these. This file makes `Head`s of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from ...errors import say

WHO = "draw_attention"
TOKENS_UP_TO = 256
HEADS_UP_TO = 256


@dataclass(frozen=True)
class Head:
    """One head of one sequence.

    Attributes:
        path: the path of its module, or "" if the weights were no dict.
        number: which head of the module, from 0.
        rows: the weights (T, S).
        hidden: (T, S), True where the mask forbids attention; without a mask, above
            the diagonal if all weights there are exactly 0, as a causal mask makes it.
        by_mask: whether `hidden` comes from a mask.
    """

    path: str
    number: int
    rows: list[list[float]]
    hidden: list[list[bool]]
    by_mask: bool

    @property
    def name(self) -> str:
        return f"{self.path}, head {self.number}" if self.path else self.short

    @property
    def short(self) -> str:
        return f"head {self.number}"

    def grey(self, i: int, j: int) -> bool:
        """Whether a cell is drawn grey: it is hidden, and its weight is 0."""
        return self.hidden[i][j] and self.rows[i][j] == 0.0

    def leaks(self) -> bool:
        """Whether a masked weight is not 0."""
        return any(
            hides and weight != 0.0
            for row, hidden in zip(self.rows, self.hidden)
            for weight, hides in zip(row, hidden)
        )

    def sums(self) -> list[int | None]:
        """For each row 1 or 0 if it adds up to that, else None. A query that may attend
        to no key has a row of 0."""
        found: list[int | None] = []
        for row in self.rows:
            whole = 1 if abs(sum(row) - 1.0) < 1e-3 else None
            found.append(0 if not any(row) else whole)
        return found


def read(weights: Any, sample: int, mask: Any) -> list[Head]:
    """The heads in weights (B, H, T, S), (H, T, S) or (T, S), or in a dict of these.

    Raises:
        TypeError, ValueError: the weights or the mask have a wrong type or shape; or
            there are no heads, or too many.
    """
    maps = weights if isinstance(weights, Mapping) else {"": weights}
    if isinstance(mask, Mapping) and (alone := [p for p in mask if p not in maps]):
        known = ", ".join(map(repr, filter(None, maps))) or "none"
        raise ValueError(
            f"{WHO}: a mask for {say(alone[0])} given; the paths of the weights are "
            f"{known}"
        )
    heads: list[Head] = []
    for path, given in maps.items():
        own_mask = mask.get(path) if isinstance(mask, Mapping) else mask
        heads += _read_one(str(path), given, sample, own_mask)
    if not heads:
        raise ValueError(f"{WHO}: an empty dict given; there is nothing to draw")
    if len(heads) > HEADS_UP_TO:
        raise ValueError(
            f"{WHO}: {len(heads)} heads given; up to {HEADS_UP_TO} can be seen side by "
            "side: choose some modules of the dict"
        )
    return heads


def _read_one(path: str, given: Any, sample: int, mask: Any) -> list[Head]:
    shape = shape_of(given, "weights")
    if not 2 <= len(shape) <= 4:
        raise ValueError(
            f"{WHO}: weights of shape {say(shape)} given; they must be (B, H, T, S), "
            "(H, T, S) or (T, S), T queries by S keys"
        )
    if 0 in shape:
        raise ValueError(f"{WHO}: weights of shape {shape} given; there is nothing in")
    if max(shape[-2:]) > TOKENS_UP_TO:
        raise ValueError(
            f"{WHO}: weights of shape {shape} given; up to {TOKENS_UP_TO} tokens can "
            "be seen: cut out a part, such as weights[..., :64, :64]"
        )
    batch, count, t, s = (1,) * (4 - len(shape)) + shape
    if not isinstance(sample, Integral) or not 0 <= sample < batch:
        raise ValueError(
            f"{WHO}: sample={say(sample)} given; it must be one of the {batch} in "
            "weights "
            f"of shape {shape}, counted from 0"
        )
    own = as_lists(given[sample] if len(shape) == 4 else given)
    matrices = [own] if len(shape) == 2 else own
    heads = []
    for h, matrix in enumerate(matrices):
        rows = [[_number(w) for w in row] for row in matrix]
        if mask is None:
            causal = t == s and not any(any(rows[i][i + 1 :]) for i in range(t))
            hidden = [[causal and j > i for j in range(s)] for i in range(t)]
        else:
            hidden = _hidden(mask, (batch, count, t, s), (sample, h))
        heads.append(Head(path, h, rows, hidden, mask is not None))
    return heads


def _number(w: Any) -> float:
    if isinstance(w, (int, float)):
        return float(w)
    raise TypeError(f"{WHO}: weights hold a {type(w).__name__}; they must be numbers")


def _hidden(
    mask: Any, shape: tuple[int, int, int, int], at: tuple[int, int]
) -> list[list[bool]]:
    """Where one head's mask is False. A mask is (T, S), (B, T, S) or (B, H, T, S), as
    `MultiHeadAttention`'s attn_mask; an axis of length 1 is broadcast."""
    batch, count, t, s = shape
    own = shape_of(mask, "mask")
    full = (own[0], 1, *own[1:]) if len(own) == 3 else (1,) * (4 - len(own)) + own
    if len(full) != 4 or any(n not in (1, m) for n, m in zip(full, shape)):
        raise ValueError(
            f"{WHO}: mask of shape {own} given; it must be (T, S) = {(t, s)}, "
            f"{(batch, t, s)} or {shape}; for a dict of weights of several shapes, a "
            "dict of masks by the same paths"
        )
    four = as_lists(mask)
    if len(own) == 3:
        four = [[rows] for rows in four]
    for _ in range(4 - len(own) if len(own) != 3 else 0):
        four = [four]
    rows = [_all(row, s) for row in _all(_pick(_pick(four, at[0]), at[1]), t)]
    for v in rows[0]:
        if not isinstance(v, bool):
            raise TypeError(
                f"{WHO}: mask of {type(v).__name__} given; it must be of bool, True = "
                "may be attended to"
            )
    return [[not v for v in row] for row in rows]


def _pick(x: list[Any], i: int) -> Any:
    return x[i if len(x) > 1 else 0]


def _all(x: list[Any], count: int) -> list[Any]:
    return x * count if len(x) == 1 else x


def as_lists(x: Any) -> Any:
    """A Tensor or an array as nested lists; lists unchanged."""
    return x.tolist() if hasattr(x, "tolist") else x


def shape_of(x: Any, what: str) -> tuple[int, ...]:
    """The shape of an array, or of nested lists, which must not be ragged."""
    if hasattr(x, "shape") and hasattr(x, "tolist"):
        return tuple(int(n) for n in x.shape)
    if not isinstance(x, (list, tuple)):
        raise TypeError(
            f"{WHO}: {what} of type {type(x).__name__} given; it takes a Tensor, an "
            "array or nested lists, and for weights the dict of nn.attention_maps"
        )
    shape: tuple[int, ...] = ()
    level: Sequence[Any] = [x]
    while all(isinstance(v, (list, tuple)) for v in level):
        lengths = {len(v) for v in level}
        if len(lengths) > 1:
            break
        shape += (lengths.pop(),)
        level = [v for row in level for v in row]
        if not level:
            return shape
    if any(isinstance(v, (list, tuple)) for v in level):
        raise ValueError(
            f"{WHO}: {what} given whose rows are not equally long; it must be (T, S), "
            "perhaps with heads and sequences before that"
        )
    return shape


def read_tokens(name: str, tokens: Any, count: int, others: Any) -> list[str]:
    """T or S tokens as texts. By default they are the `others`, if these are as many,
    else numbers."""
    if tokens is None:
        tokens = others if others is not None and len(others) == count else range(count)
    elif not hasattr(tokens, "tolist") and not isinstance(tokens, (Sequence, range)):
        raise TypeError(
            f"{WHO}: {name} of type {type(tokens).__name__} given; it takes a list of "
            f"{count} tokens"
        )
    found = [str(token) for token in as_lists(tokens)]
    if len(found) != count:
        raise ValueError(
            f"{WHO}: {len(found)} {name} given; the weights have {count} "
            f"{'queries' if name == 'tokens_q' else 'keys'}"
        )
    return found
