"""From one text to another, letter by letter: what `train_reverse.py --model
encoder-decoder` and `translate_dates.py` share.

    letters → tokens        `Letters`: PAD, BOS and EOS before the letters
    one step                `train_step`: teacher forcing, every position at once
    what the model says     `Translation.answers`: greedy, letter by letter, until EOS
    how good it is          exact match of whole answers, on pairs never trained on
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import ClassVar, Protocol

import nn
from examples.common import clearest, draw_losses
from examples.terminal import tell
from examples.training import Pair, Step, Training
from tinygrad_attn import Tensor, draw_attention
from tinygrad_attn.pictures.look.text import clip

TOGETHER = 512  # texts that are answered at once
SMALL = 0.1  # nats a letter: before that, hardly a whole answer is right
LOOK = 25  # steps from one look at the validation set to the next
FEW = 200  # pairs of it that are asked before the others


class Data(Protocol):
    """Pairs to learn from.

    Attributes:
        random: draws what is trained on.
        validation, test: pairs that are never trained on.
    """

    random: Random
    validation: list[Pair]
    test: list[Pair]

    def pairs(self, count: int) -> list[Pair]:
        """So many fresh pairs, none of them held out."""


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


# === Learning =========================================================================


class Translation(Training):
    """A training of encoder and decoder.

    Args:
        letters: of both sides.
        warm_up: steps until the learning rate has reached o.lr.
        decay: whether it then falls, as in the paper; a short training needs it not.
    """

    learning: ClassVar[str]  # the title of its loss curve

    def __init__(
        self,
        o: argparse.Namespace,
        model: nn.Seq2SeqTransformer,
        letters: Letters,
        data: Data,
        warm_up: int = 100,
        decay: bool = True,
    ) -> None:
        self.model: nn.Seq2SeqTransformer = model
        self.letters, self.data = letters, data
        self.warm_up, self.decay = warm_up, decay
        adam = nn.optim.Adam(model.parameters(), o.lr, betas=(0.9, 0.98), eps=1e-9)
        super().__init__(o, model, adam, data.random)

    def rate(self, step: int) -> float:
        """The paper's schedule (its equation 3) with the peak at lr: up in proportion
        to the step, then down with its inverse square root."""
        t = max(step, 1) / max(self.warm_up, 1)
        peak: float = self.options.lr
        return peak * min(t, 1.0 / math.sqrt(t) if self.decay else 1.0)

    def step(self) -> Step:
        """The bar shows e^-loss: how likely the right letter is to the model (the
        geometric mean)."""
        loss = train_step(self, self.data.pairs(self.options.batch))
        return Step(loss, math.exp(-loss))

    def look(self, step: Step, stopped: list[int]) -> float | None:
        """A look takes as long as some steps. So there is one every 25 steps only, once
        the loss has become small, and at a few pairs before all of them."""
        n = self.optimizer.steps
        due = n % LOOK == 0 and step.loss < SMALL
        if not (due or n == self.options.steps) or stopped:
            return None
        share = self.exact_match(self.data.validation[:FEW])
        if share < self.goal or stopped:
            return share if share < self.goal else None
        return self.exact_match(self.data.validation)

    def exact_match(self, pairs: Sequence[Pair]) -> float:
        """The share of pairs whose whole answer is right."""
        said = self.answers([text for text, _ in pairs])
        return sum(a == b for a, (_, b) in zip(said, pairs)) / len(pairs)

    def test(self) -> list[Pair]:
        return self.data.test

    def answers(self, texts: Sequence[str]) -> list[str]:
        """What the model says to each: always the letter it finds most likely."""
        found = []
        for start in range(0, len(texts), TOGETHER):
            src = self.letters.tokens(texts[start : start + TOGETHER])
            rows = nn.greedy_decode(self.model, src)
            found += [self.letters.text(row) for row in rows]
        return found

    def introduce(self) -> None:
        show_alignment(self.letters, self.data.validation[0])

    def draw(self, text: str, folder: Path) -> None:
        """Where the decoder looks while it writes one answer: small, all its heads;
        large, the most decided one. And the loss."""
        src = self.letters.tokens([text])
        (tokens,) = nn.greedy_decode(self.model, src)
        answer = clip(self.letters.text(tokens), 40)
        written = self.letters.names(tokens)  # EOS too, if the answer ended
        tgt = nn.shift_right(Tensor([tokens]))  # row t: it looks to write letter t
        maps = nn.attention_maps(self.model, src, tgt)
        cross = {path: found for path, found in maps.items() if "cross" in path}
        title = f"Cross-attention: where it looks to write each letter of {answer}"
        picture = draw_attention(
            cross, written, list(text), head=clearest(cross), title=title
        )
        for ending in ("svg", "html"):
            picture.save(folder / f"cross_attention.{ending}")
            print(f"  {folder / f'cross_attention.{ending}'}")
        curve = draw_losses(self.losses, folder / "loss.svg", self.learning, "letter")
        tell(f"  {curve}")


def train_step(run: Translation, pairs: list[Pair]) -> float:
    """One step on some pairs: the loss, in nats a letter.

    The decoder is given the right letters up to each position (teacher forcing), and
    is asked for the next, at all positions at once.
    """
    texts, wanted = zip(*pairs)
    model, optimizer = run.model, run.optimizer
    src, labels = run.letters.tokens(texts), run.letters.labels(wanted)
    loss = model.loss(src, labels)
    model.zero_grad()
    loss.backward()
    optimizer.lr = run.rate(optimizer.steps + 1)
    optimizer.step()
    return loss.item()  # type: ignore[no-any-return]


def show_alignment(letters: Letters, pair: Pair) -> None:
    """What the decoder is given and what it shall write, one above the other."""
    labels = letters.labels([pair[1]])
    given = letters.names(nn.shift_right(labels).tolist()[0])
    wanted = letters.names(labels.tolist()[0])
    tell(f"the encoder reads {pair[0]!r}; what the decoder is given, and shall write:")
    for what, row in ("given", given), ("to write", wanted):
        print(f"  {what:8} " + " ".join(f"{name:>3}" for name in row))
