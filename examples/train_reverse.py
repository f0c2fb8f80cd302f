"""A transformer learns to reverse: digits in, the same digits out, last first.

    python3 examples/train_reverse.py               # pure Python
    python3 examples/train_reverse.py --backend numpy  # the same, faster
    python3 examples/train_reverse.py --backend scalar  # a tiny one, number by number
    python3 examples/train_reverse.py --program c  # its step as a program in C
    python3 examples/train_reverse.py --out pictures   # with the attention map
    python3 examples/train_reverse.py --model encoder-decoder --backend numpy
                                                # as a translation, digit by digit

The model sees a sequence all at once (it is an encoder) and names the digit for each
place. Output t must be input T-1-t, so a head has to learn to look at the mirror image
of its own position: its attention map becomes an anti-diagonal.

The lesson is `Reverser`, `train_step` and, in training.py, `train`; the rest makes a
program of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples import reverse_translation, terminal, training
from examples.common import (
    clearest,
    compare_with_numpy,
    count_numbers,
    draw_losses,
)
from examples.options import (
    Cases,
    Parser,
    add_options,
    add_settings,
    check,
    fill_in,
    settle,
)
from examples.reverse_task import Batch, Task, Validation, reverse, score, written
from examples.training import Pair, Step, Training
from tinygrad_attn import (
    History,
    Tensor,
    compile,
    draw_attention,
    manual_seed,
    no_grad,
    play,
    record,
    use_backend,
)
from tinygrad_attn.functional import cross_entropy

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
        self.head = nn.Linear(d_model, vocab)  # to scores; no attention head

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
    model: Reverser, optimizer: nn.optim.Optimizer, rows: Batch
) -> tuple[Any, Batch]:
    """One step on one batch: the loss, and what the model predicted before the step."""
    loss, logits = loss_of(model, rows)
    model.zero_grad()  # forget the gradients of the step before
    loss.backward()  # ∂loss/∂p into the grad of every parameter p
    optimizer.step()  # move every p against it
    return loss.item(), logits.argmax(axis=-1).tolist()


def write_step(
    model: Reverser, optimizer: nn.optim.Optimizer, target: str
) -> Callable[[Batch], tuple[Any, Batch]]:
    """`train_step` as a program without an engine in it, written at its first call."""

    @compile(update=optimizer, target=target)
    def program(tokens: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        logits = model(tokens)  # (B, T, vocab)
        scores = logits.reshape(-1, logits.shape[-1])
        return cross_entropy(scores, answers), logits.argmax(axis=-1)

    def step(rows: Batch) -> tuple[Any, Batch]:
        answers = Tensor(reverse(rows)).reshape(-1)
        loss, predicted = program(Tensor(rows), answers)
        return loss.item(), predicted.tolist()

    return step


def predict(model: Reverser, rows: Batch) -> Batch:
    """The digit with the highest score at each place."""
    model.eval()
    with no_grad():
        answer = model(Tensor(rows)).argmax(axis=-1).tolist()
    model.train()
    return answer  # type: ignore[no-any-return]


# === A run ===========================================================================

# What makes a run: what each setting is, and its default.
SETTINGS = {
    "model": ("one of the paper's two halves, or both", "encoder"),
    "seq_len": ("digits in a sequence", 8),
    "vocab": ("different digits", 10),
    "d_model": ("width of the model", 16),
    "heads": ("attention heads", 2),
    "layers": ("layers of the encoder, and of the decoder", 1),
    "norm": ("layer norm before each sublayer (pre) or after it (post)", "pre"),
    "batch": ("sequences in a step", 12),
    "lr": ("Adam's learning rate", 0.015),
    "seed": ("of weights and data", 0),
}

# Other defaults, by backend or model. In a model 4 numbers wide, pre-norm fails for
# every third seed, and the paper's post-norm for none.
CASES: Cases = {
    "scalar": {
        **{"seq_len": 4, "vocab": 7, "d_model": 4, "heads": 1},
        **{"norm": "post", "lr": 0.02},
    },
    "encoder-decoder": reverse_translation.SIZES["python"],
    "encoder-decoder on numpy": reverse_translation.SIZES["numpy"],
}


class Run(Training):
    """A training of the encoder."""

    kind = "train_reverse"
    settings = SETTINGS

    def __init__(self, options: argparse.Namespace) -> None:
        o = options
        manual_seed(o.seed)
        self.task = Task(o.vocab, o.seq_len, o.seed)
        self.model: Reverser = Reverser(
            o.vocab, o.seq_len, o.d_model, o.heads, o.layers, o.norm == "pre"
        )
        adam = nn.optim.Adam(self.model.parameters(), o.lr, betas=(0.9, 0.98))
        super().__init__(o, self.model, adam, self.task.random)
        self.warm_up = nn.optim.WarmUp(adam, warmup_steps=10)
        self.validation = Validation(self.task.validation)
        if o.out:
            self.history = History(self.model)
        self.learn: Any = partial(train_step, self.model, self.optimizer)
        if o.program:
            self.learn = write_step(self.model, self.optimizer, o.program)

    def step(self) -> Step:
        rows = self.task.batch(self.options.batch)
        loss, answers = self.learn(rows)
        self.warm_up.step()
        digits, whole = score(answers, rows)
        scores = {"token_accuracy": digits, "exact_match": whole}
        return Step(loss, digits, (f"whole sequences {whole:.0%}",), scores)

    def look(self, step: Step, stopped: list[int]) -> float | None:
        """After a fresh batch without a mistake."""
        if step.scores["exact_match"] < 1.0 or stopped:
            return None
        right = self.validation.all_right(partial(predict, self.model))
        return 1.0 if right else None

    def test(self) -> list[Pair]:
        return [(written(row), written(row[::-1])) for row in self.task.test]

    def answers(self, texts: Sequence[str]) -> list[str]:
        rows = [self.task.read(text, "--ask") for text in texts]
        parts = [rows[i : i + 128] for i in range(0, len(rows), 128)]
        return [written(row) for part in parts for row in predict(self.model, part)]

    def understood(self, text: str) -> Pair:
        return text, written(self.task.read(text, "--ask")[::-1])

    def introduce(self) -> None:
        """How many single numbers the graph of one step has, on the scalar backend."""
        if self.options.backend == "scalar":
            rows = self.task.validation[: self.options.batch]
            weights = sum(p.size for p in self.model.parameters())
            loss, _ = loss_of(self.model, rows)
            terminal.tell(f"{weights} parameters; {count_numbers(loss)}")

    def draw(self, text: str, folder: Path) -> None:
        """The attention map, the loss curve, and a page of the training."""
        row = self.task.read(text, "--ask")
        maps = nn.attention_maps(self.model, Tensor([row]))  # path → (1, heads, T, T)
        title = "Where each output looks; its row has the digit it shall name"
        picture = draw_attention(
            maps, text[::-1], text, head=clearest(maps), title=title
        )
        picture.save(folder / "attention.svg")
        print(f"attention map: {folder / 'attention.svg'}")
        title = "Learning to reverse"
        curve = draw_losses(self.losses, folder / "loss.svg", title, "digit")
        terminal.tell(curve)
        terminal.tell(self.write_page(row, folder / "training.html"))

    def write_page(self, row: list[int], path: Path) -> str:
        """A page of the loss on one sequence, with what the model knew at each moment
        of its training; says what was done."""
        if not self.history:
            return "page: none, as nothing was learned now"
        with record():
            loss, _ = loss_of(self.model, [row])
        try:
            digits = list(written([*self.task.symbols]))
            play(loss, path, history=self.history, vocab=digits)
        except ValueError as error:  # such as too many cards
            return f"page: none ({error})"
        return f"page: {path}"


def stepper(options: argparse.Namespace) -> Callable[[], object]:
    """A fresh run, as a function that makes a step on one and the same batch."""
    run = Run(options)
    rows = run.task.batch(options.batch)
    return partial(train_step, run.model, run.optimizer, rows)


# === The command line =================================================================


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The settings: as given, else as in the checkpoint, else the defaults."""
    parser = Parser(
        prog="train_reverse.py",
        description="Trains a transformer to reverse sequences of digits.",
    )
    add = parser.add_argument
    add("--backend", help="python (default), numpy, or scalar (for a tiny model)")
    targets = ("c", "numpy", "python")
    text = "run the step as a program that it writes itself, in this language"
    add("--program", choices=targets, help=text)
    models = ("encoder", "encoder-decoder")
    add_settings(parser, SETTINGS, CASES, model=models, norm=("pre", "post"))
    add_options(add, 1000, "31415926")
    o = parser.parse_args(argv)
    settle(o, Run.kind, SETTINGS, usual=("python", 1000))
    case = o.backend
    if o.program and (o.backend == "scalar" or o.model == "encoder-decoder"):
        beside = o.said if o.backend == "scalar" else "--model encoder-decoder"
        raise ValueError(
            f"--program {o.program} given beside {beside}; it is for the encoder, on "
            "the backends python and numpy"
        )
    if o.model == "encoder-decoder":
        if o.backend == "scalar":
            raise ValueError(f"{o.said} given; it is for --model encoder")
        numpy = o.backend == "numpy"
        case = "encoder-decoder on numpy" if numpy else "encoder-decoder"
    fill_in(o, SETTINGS, CASES.get(case))
    return o


def work(options: argparse.Namespace) -> int:
    if options.model == "encoder-decoder":
        return training.program(reverse_translation.Run(options, SETTINGS))
    status = training.program(Run(options))
    plain = options.backend == "python" and not options.program
    if plain and not status and not options.load:
        compare_with_numpy(partial(stepper, options))
    return status


def program(argv: Sequence[str] | None) -> int:
    options = parse(argv)
    check(options, SETTINGS, "attention.svg", "loss.svg", "training.html")
    with use_backend(options.backend, options.dtype):
        return work(options)


def main(argv: Sequence[str] | None = None) -> int:
    return terminal.run("train_reverse", partial(program, argv))


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main, out="matplotlib"))
