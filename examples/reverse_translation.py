"""`train_reverse.py --model encoder-decoder`: the same task, as a translation.

The encoder reads the digits, and the decoder writes them in reverse, one after the
other, as in "Attention Is All You Need". What it has written it sees by its own masked
attention; where to look for the next it has to find out: its cross-attention becomes an
anti-diagonal.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from examples import translation
from examples.common import Metrics
from examples.translation import Letters, Pair, Work

GOAL = 0.99  # of the held-out sequences, written exactly
Rows = list[list[int]]


def work(o: argparse.Namespace, batch: Callable[[int], Rows], held_out: Rows) -> int:
    """Trains, says how it went, and draws.

    Args:
        batch: draws so many sequences to train on.
        held_out: sequences that are never among them.
    """
    letters = Letters("".join(map(digit, range(o.vocab))))
    model = translation.model_for(
        letters, o, max_len=o.seq_len + 2, norm_first=o.norm == "pre"
    )

    def pairs(count: int) -> list[Pair]:
        return [pair(row) for row in batch(count)]

    tests = [pair(row) for row in held_out]
    task = Work(model, letters, pairs, tests, o.lr, 100, o.batch, decay=False)
    metrics = Metrics(o.metrics)
    translation.show_alignment(task, tests[0])
    share = translation.train(task, o.steps, GOAL, metrics)
    metrics.close()
    print(
        f"{share:.1%} of {len(tests):,} held-out sequences reversed exactly, after "
        f"{len(task.losses)} steps and {metrics.seconds():.1f} s"
    )
    said = translation.answers(task, [text for text, _ in tests[:3]])
    for (text, right), answer in zip(tests, said):
        mark = "✓" if answer == right else "✗"
        print(f"  {' '.join(text)}  →  {' '.join(answer)}  {mark}")
    if o.out:
        title = "Cross-attention: where each written digit comes from"
        translation.draw(task, tests[0][0], Path(o.out), title)
    return 0


def digit(n: int) -> str:
    """A letter for each digit: 0 to 9, then a to z and on."""
    return "0123456789"[n] if n < 10 else chr(ord("a") + n - 10)


def pair(row: list[int]) -> Pair:
    """A sequence and what shall come out."""
    text = "".join(map(digit, row))
    return text, text[::-1]
