"""`train_reverse.py --model encoder-decoder`: the same task, as a translation.

The encoder reads the digits, and the decoder writes them in reverse, one after the
other, as in "Attention Is All You Need". What it has written it sees by its own masked
attention; where to look for the next it has to find out: its cross-attention becomes an
anti-diagonal.
"""

from __future__ import annotations

import argparse

from examples import translation
from examples.options import Settings
from examples.reverse_task import DIGITS, Batch, Task, written
from examples.training import Pair
from examples.translation import Letters, Translation
from tinygrad_attn import manual_seed

# By default; pure Python, a hundred times slower, learns shorter ones in a minute.
SIZES = {
    "numpy": {"seq_len": 10, "d_model": 32, "batch": 64, "lr": 0.003},
    "python": {"seq_len": 5, "d_model": 16, "batch": 32, "lr": 0.01},
}


class Digits:
    """The task's sequences as pairs of texts."""

    def __init__(self, task: Task) -> None:
        self.task, self.random = task, task.random
        self.validation, self.test = pairs(task.validation), pairs(task.test)

    def pairs(self, count: int) -> list[Pair]:
        """So many fresh pairs, none of them held out."""
        return pairs(self.task.batch(count))


def pairs(rows: Batch) -> list[Pair]:
    """Sequences, and what shall come out."""
    return [(written(row), written(row[::-1])) for row in rows]


class Run(Translation):
    """A training of encoder and decoder to reverse."""

    kind = "train_reverse"
    goal = 0.995
    learning = "Learning to reverse"

    def __init__(self, o: argparse.Namespace, settings: Settings) -> None:
        self.settings = settings
        manual_seed(o.seed)
        self.task = Task(o.vocab, o.seq_len, o.seed)
        letters = Letters(DIGITS[: o.vocab])
        model = translation.model_for(
            letters, o, max_len=o.seq_len + 2, norm_first=o.norm == "pre"
        )
        super().__init__(o, model, letters, Digits(self.task), decay=False)

    def understood(self, text: str) -> Pair:
        return pairs([self.task.read(text, "--ask")])[0]
