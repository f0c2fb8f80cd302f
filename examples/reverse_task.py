"""The task of reversing: sequences to train on, others to ask about, and scores."""

from __future__ import annotations

import random
from collections.abc import Callable

HELD_OUT = 1000  # sequences that are never trained on

Batch = list[list[int]]


class Task:
    """Random sequences to train on, and held-out ones, never among them."""

    def __init__(self, vocab: int, seq_len: int, seed: int) -> None:
        if vocab**seq_len < 2 * HELD_OUT:
            raise ValueError(
                f"--vocab {vocab} --seq-len {seq_len} makes {vocab**seq_len} "
                f"sequences; {HELD_OUT} are held out, so it must make {2 * HELD_OUT}"
            )
        self.symbols, self.length = range(vocab), seq_len
        self.random = random.Random(seed)
        held_out: dict[tuple[int, ...], None] = {}
        while len(held_out) < HELD_OUT:
            held_out[tuple(self._draw())] = None
        self.held_out = [list(sequence) for sequence in held_out]
        self._forbidden = held_out

    def _draw(self) -> list[int]:
        return self.random.choices(self.symbols, k=self.length)

    def batch(self, size: int) -> Batch:
        """Fresh sequences, none of them held out."""
        rows: Batch = []
        while len(rows) < size:
            row = self._draw()
            if tuple(row) not in self._forbidden:
                rows.append(row)
        return rows


def reverse(rows: Batch) -> Batch:
    """What shall come out."""
    return [row[::-1] for row in rows]


def score(answers: Batch, rows: Batch) -> tuple[float, float]:
    """The shares of digits and of whole sequences that are right."""
    pairs = [pair for a, r in zip(answers, reverse(rows)) for pair in zip(a, r)]
    digits = sum(a == r for a, r in pairs) / len(pairs)
    return digits, sum(a == r for a, r in zip(answers, reverse(rows))) / len(rows)


class HeldOut:
    """The held-out sequences, and what the model makes of them.

    Asking all 1,000 takes as long as many steps. So a look asks a few first, those that
    came out wrong at the last look before the others, and ends at the first mistake.
    """

    def __init__(self, rows: Batch) -> None:
        self.rows = rows
        self.order = list(range(len(rows)))

    def answers(
        self, ask: Callable[[Batch], Batch], until_wrong: bool = False
    ) -> Batch | None:
        """The model's answer to each row, by asking it; None at a mistake, if
        until_wrong."""
        answers: Batch = [[]] * len(self.rows)
        start, size = 0, 16
        while start < len(self.order):
            asked = self.order[start : start + size]
            for i, answer in zip(asked, ask([self.rows[i] for i in asked])):
                answers[i] = answer
            wrong = {i for i in asked if answers[i] != self.rows[i][::-1]}
            if wrong and until_wrong:
                self.order.sort(key=lambda i: i not in wrong)
                return None
            start, size = start + size, 128
        return answers
