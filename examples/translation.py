"""From one text to another, letter by letter: what `train_reverse.py --model
encoder-decoder` and `translate_dates.py` share.

    letters → tokens        `Letters`: PAD, BOS and EOS before the letters
    one step                `train_step`: teacher forcing, every position at once
    what the model says     `answers`: greedy, letter by letter, until EOS
    how good it is          exact match of whole answers, on pairs never trained on
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nn
from examples.common import Metrics, Progress, draw_losses
from tinygrad_attn import Tensor, draw_attention

Pair = tuple[str, str]
TOGETHER = 512  # texts that are answered at once
SMALL = 0.1  # nats a letter: before that, hardly a whole answer is right


class Letters:
    """Letters as tokens, after the three that are no letters.

    >>> letters = Letters("abc")
    >>> letters.tokens(["ab", "c"])
    Tensor([[3, 4],
            [5, 0]], int64)
    >>> letters.labels(["ab", "c"])
    Tensor([[3, 4, 2],
            [5, 2, 0]], int64)
    >>> letters.text([4, 3, 2, 0])
    'ba'
    """

    def __init__(self, letters: str) -> None:
        self.letters = letters
        self.number = {c: i for i, c in enumerate(letters, nn.EOS + 1)}

    def __len__(self) -> int:
        return nn.EOS + 1 + len(self.letters)

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Texts as rows of tokens, filled up with PAD: (B, S)."""
        return filled_up([[self.number[c] for c in text] for text in texts])

    def labels(self, texts: Sequence[str]) -> Tensor:
        """Texts as what a decoder shall write: the letters, EOS, PAD: (B, T)."""
        return filled_up([[*(self.number[c] for c in text), nn.EOS] for text in texts])

    def text(self, tokens: Sequence[int]) -> str:
        """The letters of a row, up to EOS."""
        end = tokens.index(nn.EOS) if nn.EOS in tokens else len(tokens)
        return "".join(self.names([t for t in tokens[:end] if t > nn.EOS]))

    def names(self, tokens: Sequence[int]) -> list[str]:
        """A name for each token: a letter, or PAD, BOS, EOS."""
        known = ["PAD", "BOS", "EOS", *self.letters]
        return [known[t] for t in tokens]


def filled_up(rows: list[list[int]]) -> Tensor:
    """Rows of tokens, made equally long by PAD."""
    longest = max(map(len, rows))
    return Tensor([row + [nn.PAD] * (longest - len(row)) for row in rows])


def model_for(
    letters: Letters, o: argparse.Namespace, max_len: int, norm_first: bool
) -> nn.Seq2SeqTransformer:
    """A fresh model in the sizes of a command line, as many layers on both sides."""
    return nn.Seq2SeqTransformer(
        len(letters),
        o.d_model,
        o.heads,
        o.layers,
        o.layers,
        d_ff=2 * o.d_model,
        dropout=0.0,
        max_len=max_len,
        norm_first=norm_first,
    )


@dataclass
class Work:
    """What is learned, and by what.

    Attributes:
        pairs: draws so many (text, answer) to train on.
        held_out: pairs that are never among them.
        lr: the largest learning rate, reached after `warm_up` steps.
        decay: whether it then falls, as in the paper; a short training needs it not.
    """

    model: nn.Seq2SeqTransformer
    letters: Letters
    pairs: Callable[[int], list[Pair]]
    held_out: list[Pair]
    lr: float = 3e-3
    warm_up: int = 100
    batch: int = 64
    decay: bool = True
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.optimizer = nn.optim.Adam(
            self.model.parameters(), self.lr, betas=(0.9, 0.98), eps=1e-9
        )

    def rate(self, step: int) -> float:
        """The paper's schedule (its equation 3) with the peak at lr: up in proportion
        to the step, then down with its inverse square root."""
        t = max(step, 1) / max(self.warm_up, 1)
        return self.lr * min(t, 1.0 / math.sqrt(t) if self.decay else 1.0)


def train_step(work: Work, pairs: list[Pair]) -> float:
    """One step on some pairs: the loss, in nats a letter.

    The decoder is given the right letters up to each position (teacher forcing), and
    is asked for the next, at all positions at once.
    """
    texts, wanted = zip(*pairs)
    model, optimizer = work.model, work.optimizer
    src, labels = work.letters.tokens(texts), work.letters.labels(wanted)
    loss = model.loss(src, labels)
    model.zero_grad()
    loss.backward()
    optimizer.lr = work.rate(optimizer.steps + 1)
    optimizer.step()
    return loss.item()  # type: ignore[no-any-return]


def answers(work: Work, texts: Sequence[str]) -> list[str]:
    """What the model says to each text: always the letter it finds most likely."""
    found = []
    for start in range(0, len(texts), TOGETHER):
        src = work.letters.tokens(texts[start : start + TOGETHER])
        rows = nn.greedy_decode(work.model, src)
        found += [work.letters.text(row) for row in rows]
    return found


def exact_match(work: Work, pairs: Sequence[Pair]) -> float:
    """The share of pairs whose whole answer is right."""
    said = answers(work, [text for text, _ in pairs])
    return sum(a == b for a, (_, b) in zip(said, pairs)) / max(len(pairs), 1)


def train(work: Work, steps: int, goal: float, metrics: Metrics) -> float:
    """Steps until the held-out pairs are answered well enough. Returns the share that
    is answered exactly.

    A look takes as long as some steps. So there is one every 25 steps only, once the
    loss has become small, and at 200 pairs before all of them.
    """
    progress = Progress(0)
    share, look = 0.0, 25
    for step in range(1, steps + 1):
        loss = train_step(work, work.pairs(work.batch))
        work.losses.append(loss)
        if step == 1:
            nn.warn_without_gradient(work.model)
        row: dict[str, Any] = {"step": step, "loss": loss}
        if (step % look == 0 and loss < SMALL) or step == steps:
            share = exact_match(work, work.held_out[:200])
            if share >= goal or step == steps:
                share = exact_match(work, work.held_out)
            row["exact_match"] = share
        metrics.write(**row)
        progress.update(share, f"loss {loss:.4f}  held-out exact {share:.1%}")
        if share >= goal:
            break
    progress.close()
    return share


def show_alignment(work: Work, pair: Pair) -> None:
    """What the decoder is given and what it shall write, one above the other."""
    labels = work.letters.labels([pair[1]])
    given = work.letters.names(nn.shift_right(labels).tolist()[0])
    wanted = work.letters.names(labels.tolist()[0])
    print(f"the encoder reads {pair[0]!r}; what the decoder is given, and shall write:")
    for what, row in ("given", given), ("to write", wanted):
        print(f"  {what:8} " + " ".join(f"{name:>3}" for name in row))


def draw(work: Work, text: str, folder: Path, title: str) -> None:
    """The attention of one answer: encoder, decoder, and from one to the other."""
    answer = answers(work, [text])[0]
    src = work.letters.tokens([text])
    tgt = nn.shift_right(work.letters.labels([answer]))
    maps = nn.attention_maps(work.model, src, tgt)
    written = [*answer, "EOS"]  # row t: where the decoder looks to write letter t
    cross = next(path for path in maps if "cross" in path)
    picture = draw_attention(maps[cross], written, list(text), title=title)
    for ending in ("svg", "html"):
        picture.save(folder / f"cross_attention.{ending}")
        print(f"  {folder / f'cross_attention.{ending}'}")
    print(f"  {draw_losses(work.losses, folder / 'loss.svg', title)}")
