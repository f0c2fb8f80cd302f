"""Writes a training step down as a program, prints it, and trains with it.

    python3 examples/write_program.py                  # one attention head, in Python
    python3 examples/write_program.py --target numpy   # in NumPy, c or javascript
    python3 examples/write_program.py --task reverse   # the model of train_reverse.py
    python3 examples/write_program.py --save step.c    # a file that runs by itself

Forward, backward and update become straight-line code without an engine in it: about
150 lines for one head in Python, more for larger models and in C or JavaScript. Then
the program and the engine train side by side, from the same weights: the same losses.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples import terminal
from examples.files import check_file, name_of_file
from examples.options import Parser, check_numpy
from examples.reverse_task import Task, reverse
from examples.train_reverse import Reverser
from tinygrad_attn import Tensor, manual_seed, randn, use_backend, write
from tinygrad_attn.functional import cross_entropy, mse_loss

STEPS = 20
SUFFIXES = {"python": ".py", "numpy": ".py", "c": ".c", "javascript": ".js"}
Loss = Callable[..., Tensor]
Given = dict[str, Tensor]


def head() -> tuple[nn.Module, Loss, Callable[[], Given]]:
    """One attention head that learns to copy its neighbour: model, loss, batches."""
    model = nn.AttentionHead(d_model=8, d_k=4, d_v=8)
    x = randn(6, 8)
    given = {"x": x, "target": Tensor([*x.tolist()[1:], x.tolist()[0]])}

    def loss(x: Tensor, target: Tensor) -> Tensor:
        z, _ = model(x)
        return mse_loss(z, target)

    return model, loss, lambda: given


def reverser() -> tuple[nn.Module, Loss, Callable[[], Given]]:
    """The model of train_reverse.py: model, loss, batches."""
    model: Any = Reverser(10, 8, 16, 2, 1, True)
    task = Task(10, 8, 0)

    def loss(tokens: Tensor, answers: Tensor) -> Tensor:
        logits = model(tokens)  # (B, T, vocab)
        return cross_entropy(logits.reshape(-1, 10), answers)

    def batch() -> Given:
        rows = task.batch(12)
        answers = Tensor(reverse(rows)).reshape(-1)
        return {"tokens": Tensor(rows), "answers": answers}

    return model, loss, batch


TASKS = {"head": head, "reverse": reverser}


def both(task: str, target: str) -> tuple[Any, Loss, nn.Module, Any, list[Given]]:
    """A program, and the same model once more, for the engine."""
    manual_seed(0)
    model, loss, batch = TASKS[task]()
    batches = [batch() for _ in range(STEPS)]
    adam = nn.optim.Adam(model.parameters(), lr=0.01)
    step = write(loss, batches[0], update=adam, target=target)
    manual_seed(0)
    twin, twins_loss, _ = TASKS[task]()
    return step, twins_loss, twin, nn.optim.Adam(twin.parameters(), lr=0.01), batches


def compare(task: str, target: str, step: Any, twin: Any) -> None:
    """Trains both, and says how they fared."""
    loss_of, model, adam, batches = twin
    rows, times = [], list[tuple[float, float]]()
    for given in batches:
        began = time.perf_counter()
        ours = step(**given).item()
        middle = time.perf_counter()
        loss = loss_of(*given.values())
        model.zero_grad()
        loss.backward()
        adam.step()
        rows.append((ours, loss.item()))
        times.append((middle - began, time.perf_counter() - middle))
    print("\nstep   loss, by the program   by the engine")
    for i in (0, 1, 2, len(rows) - 1):
        print(f"{i + 1:4}   {rows[i][0]:<20.12f}   {rows[i][1]:.12f}")
    program, engine = (1e3 * median(t) for t in zip(*times))
    print(f"\na step takes {program:.2f} ms in the program, {engine:.2f} in the engine")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="write_program.py",
        description="Writes a training step down as a program.",
    )
    add = parser.add_argument
    add("--task", choices=tuple(TASKS), default="head", help="what is trained (head)")
    text = "the language (that of --save; python)"
    add("--target", choices=tuple(SUFFIXES), help=text)
    text = "also write it to a file that runs by itself: .py, .c or .js"
    add("--save", type=name_of_file, metavar="FILE", help=text)
    o = parser.parse_args(argv)
    settle(o)
    return o


def settle(o: argparse.Namespace) -> None:
    """Settles the language, and refuses what could not be written or run."""
    if o.save:
        suffix = Path(o.save).suffix
        given = f"--save {o.save} given"
        if suffix not in SUFFIXES.values():
            raise ValueError(f"{given}; its name must end in .py, .c or .js")
        if o.target is None:
            o.target = next(t for t in SUFFIXES if SUFFIXES[t] == suffix)
        if suffix != SUFFIXES[o.target]:
            raise ValueError(
                f"{given} beside --target {o.target}, whose files end in "
                f"{SUFFIXES[o.target]}; change one of them"
            )
    o.target = o.target or "python"
    if o.target in ("numpy", "c"):
        instead = ", or choose --target python, which needs nothing"
        check_numpy(f"--target {o.target}", instead)
    if o.save:
        check_file("--save", o.save, whole=True)


def program(argv: Sequence[str] | None) -> int:
    options = parse(argv)
    backend = "python" if options.target in ("python", "javascript") else "numpy"
    with use_backend(backend, "float64"):
        step, *twin = both(options.task, options.target)
        print(step.source)
        if options.save:
            step.save(options.save)
            print(f"written to {options.save}")
        if options.target != "javascript":  # which runs elsewhere
            compare(options.task, options.target, step, twin)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return terminal.run("write_program", partial(program, argv))


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main, compiled=True))
