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
    head.html         a page: step forward and backward through the head

Nothing needs to be installed. Where Graphviz's `dot` is, it places the cards.
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
from examples import train_reverse
from examples.common import Metrics
from examples.options import load, status
from tinygrad_attn import (
    Tensor,
    draw,
    draw_attention,
    play,
    record,
    unfold,
    use_backend,
)
from tinygrad_attn.pictures.draw import Drawing

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
    return {
        "head_module": draw(loss, "module", title="A transformer that reverses digits"),
        "head_op": draw(loss, "op", head=one, title=name),
        "head_primitive": draw(loss, "primitive", head=one, title=name),
        "head_number": draw(
            loss,
            "scalar",
            head=one,
            focus=f"{end}[0,0]",
            title=f"Every path to one number of {name.lower()}",
        ),
    }


# === The command line =================================================================


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Draws one attention head of a trained model."
    )
    add = parser.add_argument
    add("--checkpoint", metavar="FILE", help="a model that train_reverse.py saved")
    add("--out", metavar="DIR", default="out", help="where to write (out)")
    add("--layer", type=int, default=0, help="which encoder layer (0)")
    add("--head", type=int, default=0, help="which of its heads (0)")
    add("--digits", help="the sequence, such as 31415926 (the first held-out one)")
    return parser.parse_args(argv)


def trained(checkpoint: str | None) -> train_reverse.Run:
    """A model: the one that was saved, or one that learns now."""
    given = ["--resume", checkpoint] if checkpoint else []
    run = train_reverse.Run(train_reverse.parse(given))
    if checkpoint:
        run.restore(load(checkpoint, train_reverse.KIND))
        print(f"{checkpoint}: a model after {run.optimizer.steps} steps")
        return run
    print("training on the reverse task, some seconds in pure Python")
    right = train_reverse.train(run, Metrics(None), [])
    which = "all" if right else "not all"
    steps = run.optimizer.steps
    print(f"{which} held-out sequences come out right after {steps} steps")
    return run


def sequence(run: train_reverse.Run, text: str | None) -> list[int]:
    """The digits to look at."""
    if text is None:
        return run.task.held_out[0]
    length, vocab = run.task.length, len(run.task.symbols)
    if len(text) != length or not text.isdecimal() or max(map(int, text)) >= vocab:
        raise ValueError(
            f"--digits {text} given; it must be {length} digits from 0 to {vocab - 1}"
        )
    return [int(c) for c in text]


def check(o: argparse.Namespace, run: train_reverse.Run) -> None:
    """Refuses a layer or head that the model does not have."""
    settings = run.options
    for name, count in ("layer", settings.layers), ("head", settings.heads):
        given = getattr(o, name)
        if not 0 <= given < count:
            raise ValueError(
                f"--{name} {given} given; the model has {count}, numbered from 0"
            )


def work(o: argparse.Namespace) -> int:
    out = Path(o.out)
    out.mkdir(parents=True, exist_ok=True)
    run = trained(o.checkpoint)
    check(o, run)
    digits = sequence(run, o.digits)
    loss = recorded(run, digits)
    tokens = list(map(str, digits))
    print(f"the sequence: {' '.join(tokens)}\n")
    drawings = pictures(run, loss, o.layer, o.head)
    for name, drawing in drawings.items():
        drawing.save(out / f"{name}.dot")
        print(f"  {drawing.save(out / f'{name}.svg')}")
    maps = nn.attention_maps(run.model, Tensor([digits]))
    picture = draw_attention(
        maps, tokens[::-1], tokens, title="Where each output looks"
    )
    for ending in ("svg", "html"):
        picture.save(out / f"attention.{ending}")
    print(f"  {out / 'attention.html'}")
    page = out / "head.html"
    head = run.model.layers[o.layer].self_attn, o.head
    play(loss, page, head=head, tokens=tokens, title=f"Head {o.head}, played")
    print(f"  {page}   ← open this one first\n")
    print(f"The pictures are {drawings['head_op'].note}.")
    return 0


def program(argv: Sequence[str] | None) -> int:
    with use_backend("python"), warnings.catch_warnings():
        return work(parse(argv))


def main(argv: Sequence[str] | None = None) -> int:
    return status("render_attention_head", partial(program, argv), "stopped")


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
