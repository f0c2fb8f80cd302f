"""A training as a program: the loop, validation and test, Ctrl-C, save and resume.

    training set      endless; no sequence of it is in the other two
    validation set    looked at during training, which ends once enough of it is right
    test set          scored once, after the training; the score that is reported

The validation score decides when to stop, so it is a little too good: training stops at
a lucky moment for this set. The test set had no say in anything.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import nn
from examples.common import Metrics
from examples.options import Settings, counted_steps
from examples.terminal import Progress, columns, complain, noting_ctrl_c, tell
from nn import checkpoint
from tinygrad_attn import History
from tinygrad_attn.pictures.look.text import clip

Pair = tuple[str, str]  # a text, and the right answer


class Step(NamedTuple):
    """What one step of a training says of itself.

    Attributes:
        share: how good it was, from 0 to 1: how far the progress bar is filled.
        facts: more for the progress line.
        scores: more for the metrics file.
    """

    loss: float
    share: float
    facts: tuple[str, ...] = ()
    scores: Mapping[str, float] = {}


class Training:
    """A model that learns: all that its next step depends on. Subclasses say how it
    makes a step, what it answers, and how good it is."""

    kind: ClassVar[str]  # the example; a checkpoint says that it is of it
    settings: Settings
    things = "sequences"  # of which data consist: "400 sequences ...
    done = "reversed"  # ... reversed correctly"
    goal = 1.0  # of the validation set

    def __init__(
        self,
        options: argparse.Namespace,
        model: nn.Module,
        optimizer: nn.optim.Optimizer,
        source: random.Random,
    ) -> None:
        self.options, self.model, self.optimizer = options, model, optimizer
        self.source = source  # draws what is trained on
        self.losses: list[float] = []
        self.reached = False  # whether the goal is
        self.history: History | None = None  # what was learned when, to be looked at

    # --- what a subclass defines ------------------------------------------------------

    def test(self) -> list[Pair]:
        """The test set."""
        raise NotImplementedError

    def step(self) -> Step:
        """One step on a fresh batch."""
        raise NotImplementedError

    def look(self, step: Step, stopped: list[int]) -> float | None:
        """The share of the validation set that is right; None where it was not worth a
        look, or Ctrl-C came."""
        raise NotImplementedError

    def answers(self, texts: Sequence[str]) -> list[str]:
        """What the model says to each text."""
        raise NotImplementedError

    def understood(self, text: str) -> Pair:
        """What is asked, as the model reads it, and the right answer.

        Raises:
            ValueError: it cannot be asked.
        """
        raise NotImplementedError

    def introduce(self) -> None:
        """Says something before the training."""

    def draw(self, text: str, folder: Path) -> None:
        """Draws how it answers a text, and the loss."""
        raise NotImplementedError

    def shown(self, text: str) -> str:
        """A text or an answer as it is printed."""
        return " ".join(text)

    # --- checkpoints ------------------------------------------------------------------

    def save(self, path: str) -> None:
        """Everything that the next step depends on."""
        o = self.options
        config = {
            "kind": self.kind,
            "backend": [o.backend, o.dtype],
            "options": {name: getattr(o, name) for name in self.settings},
            "steps": o.steps,
            "losses": self.losses,
            "reached": self.reached,
        }
        generators = {"task": self.source}
        checkpoint.save(path, self.model, self.optimizer, config, generators)

    def restore(self, saved: checkpoint.Checkpoint) -> None:
        """Continues where `save` was called."""
        saved.restore(self.model, self.optimizer, {"task": self.source})
        self.losses = list(saved.config["losses"])
        self.reached = saved.config["reached"]


# === The loop =========================================================================


def train(run: Training, metrics: Metrics, stopped: list[int]) -> None:
    """Steps until enough of the validation set comes out right (`run.reached`); or
    --steps or Ctrl-C came first.

    Raises:
        ValueError: the loss is no number any more.
    """
    o, began = run.options, run.optimizer.steps
    looked: tuple[str, ...] = ()
    if run.history is not None:
        run.history.keep(began)
    with Progress(began) as progress:
        while run.optimizer.steps < o.steps and not run.reached and not stopped:
            try:
                step = run.step()
            except ArithmeticError:  # in pure Python exp(1000) is no inf, but an error
                step = Step(math.inf, 0.0)
            n = run.optimizer.steps
            if not math.isfinite(step.loss):
                raise ValueError(
                    f"--lr {o.lr:g} given; the loss of step {n} is {step.loss}; choose "
                    "a smaller one"
                )
            if n == began + 1 and not getattr(o, "program", None):  # once is enough
                nn.warn_without_gradient(run.model)
            run.losses.append(step.loss)
            if run.history is not None:
                run.history.keep(n)
            row = {"step": n, "loss": step.loss}
            metrics.write(**row, **step.scores, scored_on="batch")
            share = run.look(step, stopped)
            if share is not None:
                looked = (f"validation {share:.1%}",)
                metrics.write(**row, exact_match=share, scored_on="validation")
                run.reached = share >= run.goal
            progress.update(step.share, f"loss {step.loss:.4f}", *looked, *step.facts)


def score(run: Training, metrics: Metrics) -> list[str]:
    """Scores the test set, prints how it went, and returns the answers."""
    pairs = run.test()
    said = run.answers([text for text, _ in pairs])
    exact = sum(a == right for a, (_, right) in zip(said, pairs)) / len(pairs)
    letters = [
        a == b for answer, (_, right) in zip(said, pairs) for a, b in zip(answer, right)
    ]
    metrics.write(
        step=run.optimizer.steps,
        loss=run.losses[-1],
        token_accuracy=sum(letters) / sum(len(right) for _, right in pairs),
        exact_match=exact,
        scored_on="test",
    )
    tell(
        f"{exact:.1%} of {len(pairs):,} held-out {run.things} {run.done} exactly, "
        f"after {counted_steps(run.optimizer.steps)} and {metrics.seconds():.1f} s"
    )
    return said


# === The program ======================================================================


def program(run: Training) -> int:
    """Trains, or restores a model; says how good it is, answers, and draws. Returns the
    exit status: 1 where the goal was missed, 130 at Ctrl-C (as a shell counts it)."""
    o = run.options
    asked = run.understood(o.ask) if o.ask else None
    if o.saved:
        run.restore(o.saved)
    said, pairs = list[str](), run.test()
    if not o.load:
        try:
            with Metrics(o.metrics, append=bool(o.resume)) as metrics:
                if stopped := learn(run, metrics):
                    return 128 + stopped
                said = score(run, metrics)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(last_words(run)) from None
    shown = [asked] if asked else pairs[:5]
    if asked or not said:
        said = run.answers([text for text, _ in shown])
    width = max(len(run.shown(text)) for text, _ in shown)
    for (text, right), answer in zip(shown, said):
        begin, wanted = f"  {run.shown(text):{width}}  →  ", run.shown(right)
        end = "  ✓" if answer == right else f"  ✗ {wanted}"
        room = columns(sys.stdout) - len(begin + end)
        print(begin + clip(run.shown(answer), max(room, len(wanted))) + end)
    if o.out:
        run.draw(shown[0][0], Path(o.out))
    if o.load or run.reached:
        return 0
    more = f"; to go on: {command(run, 2 * o.steps)}" if o.save else ""
    complain(
        run.kind,
        f"the goal, {100 * run.goal:g}% of the validation set, was not reached with "
        f"--steps {o.steps}{more or '; give more'}",
    )
    return 1


def learn(run: Training, metrics: Metrics) -> int:
    """Trains and saves; which signal ended it, or 0. Then it says how to go on."""
    o = run.options
    run.introduce()
    with noting_ctrl_c(bool(o.save)) as stopped:  # finish the step, then save
        train(run, metrics, stopped)
        if o.save:
            run.save(o.save)
            print(f"saved after {counted_steps(run.optimizer.steps)}: {o.save}")
    if stopped:
        tell(f"to go on: {command(run)}")
    return stopped[0] if stopped else 0


def command(run: Training, steps: int | None = None) -> str:
    """What to type to go on, from the folder that one is in."""
    o = run.options
    script = os.path.relpath(Path(__file__).with_name(f"{run.kind}.py"))
    parts = ["python3", script, "--resume", o.save, "--save", o.save]
    for name in ("metrics", "out", "ask"):
        if getattr(o, name):
            parts += [f"--{name}", getattr(o, name)]
    return shlex.join([*parts, "--steps", str(steps)] if steps else parts)


def last_words(run: Training) -> str:
    """What is said at a Ctrl-C that is obeyed at once."""
    if run.options.save:
        return f"stopped at once; {run.options.save} is as it was saved last"
    return "stopped; --save FILE would have kept what was learned"
