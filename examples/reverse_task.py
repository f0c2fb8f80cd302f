"""The task of reversing: sequences to train on, others to validate and to test, and how
they are written as text."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

VALIDATION = 400  # sequences that say when to stop
TEST = 1000  # sequences that are scored once, at the end

Batch = list[list[int]]

DIGITS = string.digits + string.ascii_lowercase + string.ascii_uppercase


class Task:
    """Random sequences to train on, and held-out ones, never among them."""

    def __init__(self, vocab: int, seq_len: int, seed: int) -> None:
        count = vocab**seq_len
        if vocab > len(DIGITS):
            raise ValueError(
                f"--vocab {vocab} given; there are {len(DIGITS)} digits: 0 to 9, a to "
                "z, A to Z"
            )
        if count < VALIDATION + 2 * TEST:
            raise ValueError(
                f"--vocab {vocab} --seq-len {seq_len} makes {count} sequences; "
                f"{VALIDATION + TEST} are held out, so it must make "
                f"{VALIDATION + 2 * TEST}"
            )
        self.symbols, self.length = range(vocab), seq_len
        self.random = random.Random(seed)
        held_out: dict[tuple[int, ...], None] = {}
        while len(held_out) < VALIDATION + TEST:
            held_out[tuple(self._draw())] = None
        rows = [list(sequence) for sequence in held_out]
        self.test, self.validation = rows[:TEST], rows[TEST:]
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

    def read(self, text: str, option: str) -> list[int]:
        """A sequence as the option gives it.

        Raises:
            ValueError: it is too long or too short, or has other digits.
        """
        row = [DIGITS.find(c) for c in text]
        if len(row) != self.length or not all(n in self.symbols for n in row):
            last = DIGITS[self.symbols[-1]]
            raise ValueError(
                f"{option} {text!r} given; it must be {self.length} digits from 0 to "
                f"{last}"
            )
        return row


def written(row: list[int]) -> str:
    """A sequence as text: a letter for each digit.

    >>> written([3, 1, 10])
    '31a'
    """
    return "".join(DIGITS[n] for n in row)


def reverse(rows: Batch) -> Batch:
    """What shall come out."""
    return [row[::-1] for row in rows]


def score(answers: Batch, rows: Batch) -> tuple[float, float]:
    """The shares of digits and of whole sequences that are right."""
    pairs = [pair for a, r in zip(answers, reverse(rows)) for pair in zip(a, r)]
    digits = sum(a == r for a, r in pairs) / len(pairs)
    return digits, sum(a == r for a, r in zip(answers, reverse(rows))) / len(rows)


class Validation:
    """The validation set, which ends a training once all of it comes out right.

    Asking all takes as long as several steps. So a look asks a few first, those that
    came out wrong at the last look before the others, and ends at the first mistake.
    """

    def __init__(self, rows: Batch) -> None:
        self.rows = rows
        self.order = list(range(len(rows)))

    def all_right(self, ask: Callable[[Batch], Batch]) -> bool:
        """Whether every row comes out right, by asking the model."""
        start, size = 0, 16
        while start < len(self.order):
            asked = self.order[start : start + size]
            answers = ask([self.rows[i] for i in asked])
            wrong = {
                i for i, answer in zip(asked, answers) if answer != self.rows[i][::-1]
            }
            if wrong:
                self.order.sort(key=lambda i: i not in wrong)
                return False
            start, size = start + size, 128
        return True
