"""One attention head of a trained model, to be looked at: pictures, and a page that
plays backprop.

    python3 examples/render_attention_head.py                # writes to out/
    python3 examples/render_attention_head.py --checkpoint FILE   # a model of yours,
                                          # saved by train_reverse.py --save FILE
    python3 examples/render_attention_head.py --head 1 --layer 0 --digits 31415926

It trains the model of `train_reverse.py` (or loads one), gives it one sequence, records
what it computes, and writes, as SVG and as DOT:

    head_module       the model as boxes, from left to right
    head_op           one head, a card for every step, forward and backward
    head_primitive    the same, its softmax opened into exp, sum and division
    head_number       one number of the head's result, and every path that leads to it
    attention         where each position looks, as maps and as lines
    head.html         a page: step forward and backward through the head, with a tour

Graphviz places the cards: its program `dot`, or the one in pygraphviz's wheel. Where
neither is installed, tinygrad_attn places them itself.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples import terminal, train_reverse, training
from examples.common import Metrics
from examples.files import check_folder, name_of_file, name_of_folder, words
from examples.head_tour import tour_of
from examples.options import Parser, counted_steps
from examples.reverse_task import written
from tinygrad_attn import (
    Tensor,
    draw,
    draw_attention,
    play,
    record,
    unfold,
    use_backend,
)
from tinygrad_attn.pictures.drawing import Drawing

WIDTH = 1920  # pixels, those of a slide
NAMES = ("head_module", "head_op", "head_primitive", "head_number")  # of the graphs

# === What is looked at ================================================================


def recorded(run: train_reverse.Run, digits: list[int]) -> Tensor:
    """The loss on one sequence, recorded with source lines."""
    with record():
        loss, _ = train_reverse.loss_of(run.model, [digits])
    return loss


def pictures(
    run: train_reverse.Run, loss: Tensor, layer: int, head: int
) -> dict[str, Drawing]:
    """The head at every level, and one of its numbers."""
    attention = run.model.layers[layer].self_attn
    one = attention, head
    name = f"Head {head} of layer {layer}"
    end = unfold(loss, "op", head=one).root.name
    path = f"Every path to one number of {name.lower()}"
    title = "A transformer that reverses digits"
    drawings = (
        draw(loss, "module", title=title, layout="dot"),
        draw(loss, "op", head=one, title=name, layout="dot"),
        draw(loss, "primitive", head=one, title=name, layout="dot"),
        draw(
            *(loss, "scalar"),
            head=one,
            focus=f"{end}[0,0]",
            title=path,
            layout="dot",
        ),
    )
    return dict(zip(NAMES, drawings))


# === The command line =================================================================


FILES = (
    *(f"{name}.{ending}" for name in NAMES for ending in ("svg", "dot")),
    *("attention.svg", "attention.html", "head.html"),
)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        prog="render_attention_head.py",
        description="Draws one attention head of a trained model.",
    )
    add = parser.add_argument
    text = "a model that train_reverse.py saved"
    add("--checkpoint", type=name_of_file, metavar="FILE", help=text)
    text = "where to write (out)"
    add("--out", type=name_of_folder, metavar="DIR", default="out", help=text)
    add("--layer", type=int, default=0, help="which encoder layer (0)")
    add("--head", type=int, default=0, help="which of its heads (0)")
    text = "the sequence, such as 31415926 (the first held-out one)"
    add("--digits", type=words, help=text)
    return parser.parse_args(argv)


def model_of(o: argparse.Namespace) -> argparse.Namespace:
    """The settings of the model: those that were saved, else the defaults.

    Raises:
        ValueError: it does not have the layer or the head that is asked for.
    """
    given = ["--load", o.checkpoint] if o.checkpoint else []
    settings = train_reverse.parse(given)
    if settings.model != "encoder":
        raise ValueError(
            f"--checkpoint {o.checkpoint} has an {settings.model}; it must have an "
            "encoder alone"
        )
    for name, count in ("layer", settings.layers), ("head", settings.heads):
        if not 0 <= getattr(o, name) < count:
            raise ValueError(
                f"--{name} {getattr(o, name)} given; the model has {count}, numbered "
                "from 0"
            )
    return settings


def learn(run: train_reverse.Run, checkpoint: str | None) -> None:
    """Restores the model, or trains it now."""
    if run.options.saved:
        run.restore(run.options.saved)
        print(f"{checkpoint}: a model after {counted_steps(run.optimizer.steps)}")
        return
    print("training on the reverse task, some seconds in pure Python")
    training.train(run, Metrics(None), [])
    which = "all" if run.reached else "not all"
    steps = counted_steps(run.optimizer.steps)
    print(f"{which} validation sequences come out right after {steps}")


def work(o: argparse.Namespace, run: train_reverse.Run) -> int:
    """Checks what is asked for; then trains, and draws."""
    digits = run.task.test[0]
    if o.digits is not None:
        digits = run.task.read(o.digits, "--digits")
    out = check_folder("--out", o.out, *FILES)
    learn(run, o.checkpoint)
    loss = recorded(run, digits)
    tokens = list(written(digits))
    print(f"the sequence: {' '.join(tokens)}\n")
    drawings = pictures(run, loss, o.layer, o.head)
    for name, drawing in drawings.items():
        drawing.save(out / f"{name}.dot")
        print(f"  {drawing.save(out / f'{name}.svg', width=WIDTH)}, and .dot")
    maps = nn.attention_maps(run.model, Tensor([digits]))
    shown = f"layers.{o.layer}.self_attn", o.head
    title = "Where each output looks"
    picture = draw_attention(maps, tokens[::-1], tokens, head=shown, title=title)
    for ending in ("svg", "html"):
        picture.save(out / f"attention.{ending}")
    print(f"  {out / 'attention.html'}, and .svg")
    page = out / "head.html"
    head = run.model.layers[o.layer].self_attn, o.head
    tour = tour_of(unfold(loss, "op", head=head))
    name = f"Head {o.head}, played"
    play(loss, page, head=head, tokens=tokens, title=name, tour=tour)
    print(f"  {page}   ← open this one first\n")
    terminal.tell(f"The pictures are {drawings['head_op'].note}.")
    return 0


def program(argv: Sequence[str] | None) -> int:
    o = parse(argv)
    settings = model_of(o)
    with use_backend(settings.backend, settings.dtype), warnings.catch_warnings():
        return work(o, train_reverse.Run(settings))


def main(argv: Sequence[str] | None = None) -> int:
    return terminal.run("render_attention_head", partial(program, argv))


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
