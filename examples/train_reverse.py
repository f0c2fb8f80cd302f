"""A transformer learns to reverse: digits in, the same digits out, last first.

    python3 examples/train_reverse.py               # pure Python
    python3 examples/train_reverse.py --backend numpy  # the same, faster
    python3 examples/train_reverse.py --backend scalar  # a tiny one, number by number
    python3 examples/train_reverse.py --out pictures   # with the attention map
    python3 examples/train_reverse.py --model encoder-decoder --backend numpy
                                                # as a translation, digit by digit

The model sees a sequence all at once (it is an encoder) and names the digit for each
place. Output t must be input T-1-t, so a head has to learn to look at the mirror image
of its own position: its attention map becomes an anti-diagonal.

The lesson is `Reverser`, `train_step` and `train`; the rest makes a program of it.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples import reverse_translation
from examples.common import (
    Metrics,
    Progress,
    compare_with_numpy,
    count_numbers,
    draw_losses,
    noting_ctrl_c,
)
from examples.options import add_settings, fill_in, load, option, status, take_over
from examples.reverse_task import HELD_OUT, Batch, HeldOut, Task, reverse, score
from nn import checkpoint
from tinygrad_attn import Tensor, draw_attention, manual_seed, no_grad, use_backend
from tinygrad_attn.functional import cross_entropy

KIND = "train_reverse"  # what a checkpoint says that it is of

# === The model ========================================================================


class Reverser(nn.Module):
    """Tokens and positions, encoder layers, a score for each digit at each place."""

    def __init__(
        self,
        vocab: int,
        seq_len: int,
        d_model: int,
        heads: int,
        layers: int,
        norm_first: bool,
    ) -> None:
        self.tokens = nn.Embedding(vocab, d_model, std=0.2)
        self.positions = nn.LearnedPositions(seq_len, d_model, std=0.2)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                d_model, heads, d_ff=2 * d_model, dropout=0.0, norm_first=norm_first
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) integers → (B, T, vocab) scores."""
        x = self.positions(self.tokens(tokens))  # (B, T, d_model)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x))  # type: ignore[no-any-return]


# === Learning =========================================================================


def loss_of(model: Reverser, rows: Batch) -> tuple[Tensor, Tensor]:
    """The loss in nats per digit, and the scores it was made from."""
    logits = model(Tensor(rows))  # (B, T, vocab)
    b, t, vocab = logits.shape
    target = Tensor(reverse(rows)).reshape(b * t)
    return cross_entropy(logits.reshape(b * t, vocab), target), logits


def train_step(
    model: Reverser, optimizer: nn.optim.Adam, rows: Batch
) -> tuple[Any, Batch]:
    """One step on one batch: the loss, and what the model predicted before the step."""
    loss, logits = loss_of(model, rows)
    model.zero_grad()  # forget the gradients of the step before
    loss.backward()  # ∂loss/∂p into the grad of every parameter p
    optimizer.step()  # move every p against it
    return loss.item(), logits.argmax(axis=-1).tolist()


def predict(model: Reverser, rows: Batch) -> Batch:
    """The digit with the highest score at each place."""
    model.eval()
    with no_grad():
        answer = model(Tensor(rows)).argmax(axis=-1).tolist()
    model.train()
    return answer  # type: ignore[no-any-return]


# === A run ===========================================================================


class Run:
    """All that a training run is: model, optimizer, task, and how far it has come."""

    def __init__(self, options: argparse.Namespace) -> None:
        o = self.options = options
        manual_seed(o.seed)
        self.task = Task(o.vocab, o.seq_len, o.seed)
        self.model = Reverser(
            o.vocab, o.seq_len, o.d_model, o.heads, o.layers, o.norm == "pre"
        )
        self.optimizer = nn.optim.Adam(self.model.parameters(), o.lr, betas=(0.9, 0.98))
        self.warm_up = nn.optim.WarmUp(self.optimizer, warmup_steps=10)
        self.held_out = HeldOut(self.task.held_out)
        self.losses: list[float] = []

    def answers(self, until_wrong: bool = False) -> Batch | None:
        """The model's answers to the held-out sequences; None at a mistake, if
        until_wrong."""
        return self.held_out.answers(partial(predict, self.model), until_wrong)

    def save(self, path: str) -> None:
        """Everything that the next step depends on."""
        o = self.options
        config = {
            "kind": KIND,
            "backend": [o.backend, o.dtype],
            "options": {name: getattr(o, name) for name in SETTINGS},
            "losses": self.losses,
        }
        generators = {"task": self.task.random}
        checkpoint.save(path, self.model, self.optimizer, config, generators)

    def restore(self, saved: checkpoint.Checkpoint) -> None:
        """Continues where `save` was called."""
        saved.restore(self.model, self.optimizer, {"task": self.task.random})
        self.losses = saved.config["losses"]


# === Training =========================================================================


def train(run: Run, metrics: Metrics, stopped: list[int]) -> Batch | None:
    """Steps until every held-out sequence comes out right, and then the model's answers
    to them; None where --steps or Ctrl-C came first."""
    o, answers_held_out = run.options, None
    began = run.optimizer.steps
    progress = Progress(began)
    while run.optimizer.steps < o.steps and not answers_held_out and not stopped:
        rows = run.task.batch(o.batch)
        run.warm_up.step()
        loss, answers = train_step(run.model, run.optimizer, rows)
        if run.optimizer.steps == began + 1:  # once is enough
            nn.warn_without_gradient(run.model)
        digits, whole = score(answers, rows)
        run.losses.append(loss)
        metrics.write(
            step=run.optimizer.steps,
            loss=loss,
            token_accuracy=digits,
            exact_match=whole,
            scored_on="batch",
        )
        progress.update(digits, f"loss {loss:.4f}  whole sequences {whole:.0%}")
        if whole == 1.0:  # a fresh batch without a mistake: try the held-out ones
            answers_held_out = run.answers(until_wrong=True)
    progress.close()
    return answers_held_out


def report(run: Run, metrics: Metrics, answers: Batch) -> None:
    """Scores the answers to the held-out sequences, and prints how it went."""
    rows = run.task.held_out
    digits, whole = score(answers, rows)
    loss = run.losses[-1] if run.losses else None
    metrics.write(
        step=run.optimizer.steps,
        loss=loss,
        token_accuracy=digits,
        exact_match=whole,
        scored_on="held-out",
    )
    print(
        f"{whole:.1%} of {HELD_OUT:,} held-out sequences reversed exactly, after "
        f"{run.optimizer.steps} steps and {metrics.seconds():.1f} s"
    )
    for row, answer in list(zip(rows, answers))[:3]:
        mark = "✓" if answer == row[::-1] else "✗"
        print(f"  {' '.join(map(str, row))}  →  {' '.join(map(str, answer))}  {mark}")


def count(run: Run) -> None:
    """Says how many single numbers the graph of one step has, on the scalar backend."""
    loss, _ = loss_of(run.model, run.task.held_out[: run.options.batch])
    weights = sum(p.size for p in run.model.parameters())
    print(f"{weights} parameters; {count_numbers(loss)}")


def stepper(options: argparse.Namespace) -> Callable[[], object]:
    """A fresh run, as a function that makes a step on one and the same batch."""
    run = Run(options)
    rows = run.task.batch(options.batch)
    return partial(train_step, run.model, run.optimizer, rows)


def draw(run: Run, folder: Path) -> None:
    """The attention map and the loss curve."""
    row = run.task.held_out[0]
    maps = nn.attention_maps(run.model, Tensor([row]))  # path → (1, heads, T, T)
    picture = draw_attention(
        maps, row[::-1], row, title="Where each output looks: the digit it shall name"
    )
    picture.save(folder / "attention.svg")
    print(f"attention map: {folder / 'attention.svg'}")
    print(draw_losses(run.losses, folder / "loss.svg", "Learning to reverse"))


# === The command line =================================================================


# What makes a run: (what it is, by default, and with --backend scalar). In a model 4
# numbers wide, pre-norm fails for every third seed, and the paper's post-norm for none.
SETTINGS = {
    "seq_len": ("digits in a sequence", 8, 4),
    "vocab": ("different digits", 10, 7),
    "d_model": ("width of the model", 16, 4),
    "heads": ("attention heads", 2, 1),
    "layers": ("encoder layers", 1, 1),
    "norm": ("layer norm before each sublayer (pre) or after it (post)", "pre", "post"),
    "batch": ("sequences in a step", 12, 12),
    "lr": ("Adam's learning rate", 0.015, 0.02),
    "seed": ("of weights and data", 0, 0),
}

# What is else by default for --model encoder-decoder.
TRANSLATION = {"seq_len": 10, "d_model": 32, "batch": 64, "lr": 0.003}


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The settings: as given, else as in the checkpoint, else the defaults."""
    parser = argparse.ArgumentParser(
        description="Trains a transformer to reverse sequences of digits."
    )
    add = parser.add_argument
    add("--backend", help="python (default), numpy, or scalar (for a tiny model)")
    add("--dtype", help="float64 or, with NumPy, float32 (its default)")
    models = ("encoder", "encoder-decoder")
    add("--model", choices=models, default="encoder", help="of the paper's two halves")
    add_settings(parser, SETTINGS, norm=("pre", "post"))
    add("--steps", type=int, default=1000, help="at most so many steps (1000)")
    add("--save", metavar="FILE", help="write a checkpoint, also on Ctrl-C")
    add("--resume", metavar="FILE", help="continue from a checkpoint")
    add("--metrics", metavar="FILE", help="write a JSON line for each step")
    add("--out", metavar="DIR", help="draw the attention map and the loss curve")
    o = parser.parse_args(argv)
    if o.resume:
        saved = load(o.resume, KIND).config
        take_over(o, SETTINGS, saved["options"], o.resume)
        if o.backend is None:
            o.backend, o.dtype = saved["backend"]
    o.backend = o.backend or "python"
    if o.model == "encoder-decoder":
        for name, value in TRANSLATION.items():
            if getattr(o, name) is None:
                setattr(o, name, value)
    fill_in(o, SETTINGS, small=o.backend == "scalar")
    return o


def check(o: argparse.Namespace) -> None:
    """Refuses settings that make no sense, and files that could not be written."""
    for name in ("seq_len", "vocab", "d_model", "heads", "layers", "batch", "steps"):
        if getattr(o, name) < 1:
            given = f"{option(name)} {getattr(o, name)} given"
            raise ValueError(f"{given}; it must be 1 or more")
    if o.model == "encoder-decoder":
        for name, given in ("--save", o.save), ("--resume", o.resume):
            if given:
                raise ValueError(f"{name} given; it is for --model encoder")
        if o.backend == "scalar":
            raise ValueError("--backend scalar given; it is for --model encoder")
    if not 0.0 < o.lr < math.inf:
        raise ValueError(f"--lr {o.lr:g} given; it must be a number above 0")
    if o.save:
        checkpoint.check_safetensors("--save")
        if not Path(o.save).resolve().parent.is_dir() or Path(o.save).is_dir():
            raise ValueError(f"--save {o.save}: no file can be written there")
    if o.out:
        Path(o.out).mkdir(parents=True, exist_ok=True)
        (Path(o.out) / "attention.svg").touch()


def work(options: argparse.Namespace) -> int:
    if options.model == "encoder-decoder":
        manual_seed(options.seed)
        task = Task(options.vocab, options.seq_len, options.seed)
        return reverse_translation.work(options, task.batch, task.held_out)
    run = Run(options)
    if options.resume:
        run.restore(load(options.resume, KIND))
    metrics = Metrics(options.metrics, append=bool(options.resume))
    if options.backend == "scalar":
        count(run)
    with noting_ctrl_c(bool(options.save)) as stopped:  # finish the step, then save
        answers = train(run, metrics, stopped)
        if options.save:
            run.save(options.save)
            print(f"saved after {run.optimizer.steps} steps: {options.save}")
    if stopped:
        print(f"to go on: python3 examples/train_reverse.py --resume {options.save}")
        return 130
    report(run, metrics, answers or run.answers() or [])
    metrics.close()
    if options.out:
        draw(run, Path(options.out))
    if options.backend == "python":
        compare_with_numpy(partial(stepper, options))
    return 0


def program(argv: Sequence[str] | None) -> int:
    options = parse(argv)
    check(options)
    with use_backend(options.backend, options.dtype):
        return work(options)


def main(argv: Sequence[str] | None = None) -> int:
    advice = "stopped; --save FILE would have kept what was learned"
    return status("train_reverse", partial(program, argv), advice)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main, out="matplotlib"))
