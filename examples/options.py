"""The command line of an example: its options, what a checkpoint keeps of them, and
what is refused before any work begins."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple, NoReturn

from examples.files import (
    check_file,
    check_folder,
    name_of_file,
    name_of_folder,
    words,
)
from nn import checkpoint
from tinygrad_attn.arrays.backends import VARIABLE, get_backend
from tinygrad_attn.errors import how_to_install

# Name → what it is, and by default.
Settings = Mapping[str, tuple[str, Any]]
# What is else by default: in which case → name → value.
Cases = Mapping[str, Mapping[str, Any]]


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know in one line, as everything else here does; an
    option must be written out."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def option(name: str) -> str:
    """How a setting is written on the command line."""
    return f"--{name.replace('_', '-')}"


def counted_steps(count: int) -> str:
    """1 step, 2 steps."""
    return f"{count} step{'s' if count != 1 else ''}"


def check_apart(o: argparse.Namespace, *names: str) -> None:
    """Refuses one file for two purposes."""
    seen: dict[str, str] = {}
    for name in names:
        given = getattr(o, name)
        if given is not None:
            other = seen.setdefault(os.path.realpath(given), name)
            if other != name:
                raise ValueError(
                    f"{option(name)} {given} given, and {option(other)} too; they must "
                    "be two files"
                )


# === The backend ======================================================================


class Choice(NamedTuple):
    """A backend, and how it was chosen."""

    name: str
    said: str


def choose_backend(given: str | None, usual: str, dtype: str | None = None) -> Choice:
    """The backend of the command line, else of the environment, else the usual one.

    Raises:
        ValueError, RuntimeError: there is none of that name, or it cannot be used here.
    """
    wanted = os.environ.get(VARIABLE)
    if given is not None or not wanted:
        name = usual if given is None else given
        get_backend(name, dtype)
        return Choice(name, f"--backend {name}")
    said = f"{VARIABLE}={wanted}"
    try:
        get_backend(wanted, dtype)
    except (ValueError, RuntimeError) as error:
        raise type(error)(f"{said}: {error}") from None
    return Choice(wanted, said)


def check_numpy(who: str, instead: str = "") -> None:
    """Refuses what needs NumPy if that is not installed; may say what else to do."""
    if not find_spec("numpy"):
        raise RuntimeError(
            f"{who} needs NumPy, which is not installed: {how_to_install('numpy')}"
            f"{instead}"
        )


# === Settings, which a checkpoint keeps ===============================================


def add_settings(
    parser: argparse.ArgumentParser,
    settings: Settings,
    cases: Cases | None = None,
    **choices: tuple[str, ...],
) -> None:
    """An option for each setting, None where it is not given; some with choices."""
    for name, (text, usual) in settings.items():
        others = [
            f"; {case}: {values[name]}"
            for case, values in (cases or {}).items()
            if name in values
        ]
        parser.add_argument(
            option(name),
            type=type(usual),
            choices=choices.get(name),
            help=f"{text} ({usual}{''.join(others)})",
        )


def take_over(o: argparse.Namespace, settings: Settings, saved: Any, path: str) -> None:
    """The settings of a checkpoint, unless the command line contradicts them."""
    for name in settings:
        given, value = getattr(o, name), saved[name]
        if given not in (value, None):
            raise ValueError(
                f"{option(name)} {given} given, but {path} was trained with {value}; "
                "leave it out"
            )
        setattr(o, name, value)


def fill_in(
    o: argparse.Namespace, settings: Settings, case: Mapping[str, Any] | None = None
) -> None:
    """The defaults, for what was not given."""
    for name, (_, usual) in settings.items():
        if getattr(o, name) is None:
            setattr(o, name, (case or {}).get(name, usual))


def load(path: str, kind: str) -> checkpoint.Checkpoint:
    """A checkpoint whose config says that it is of this kind.

    Raises:
        ValueError: it cannot be read, or is another's; and what `checkpoint.load`
            raises.
    """
    try:
        saved = checkpoint.load(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error})") from None
    if saved.config.get("kind") != kind:
        raise ValueError(f"{path} was not saved by {kind}")
    return saved


# === Sizes ============================================================================

ROOM = 4e9  # bytes; a larger model is refused
BYTES = {"numpy": 8, "python": 32, "scalar": 400}  # of a number, about


def check_size(o: argparse.Namespace, settings: Settings, backend: str) -> None:
    """Refuses what does not fit into memory, by an estimate from the sizes alone.

    A layer of width d has about 12 d² weights, each kept with its gradient and Adam's
    two means. A step keeps, for each token, some 20 rows of width d, and a row of
    attention weights for each head.
    """
    counted = {n for n, (_, usual) in settings.items() if type(usual) is int} - {"seed"}
    for name in ("steps", *sorted(counted)):
        if getattr(o, name) < 1:
            raise ValueError(
                f"{option(name)} {getattr(o, name)} given; it must be 1 or more"
            )
    d, vocab = o.d_model, getattr(o, "vocab", 64)
    length, tokens = getattr(o, "seq_len", 64), o.batch * getattr(o, "seq_len", 64)
    weights = 12 * d * d * o.layers + d * (vocab + length)
    step = tokens * (o.layers * (20 * d + o.heads * length) + vocab)
    if backend == "scalar":
        step += 2 * weights * tokens  # every product and every sum is a number
    size = BYTES[backend] * (4 * weights + step)
    if size > ROOM:
        worst = max(counted, key=lambda name: getattr(o, name) / settings[name][1])
        raise ValueError(
            f"{option(worst)} {getattr(o, worst)} given; training would need about "
            f"{size // 10**9:,} GB of memory, and the most is {ROOM / 1e9:.0f}"
        )


# === A training =======================================================================


def add_options(add: Any, usual: int, example: str) -> None:
    """The options of every training."""
    add("--dtype", help="float64 or, with NumPy, float32 (its default)")
    add("--steps", type=int, help=f"at most so many steps ({usual})")
    for name, text in {
        "save": "write a checkpoint, also on Ctrl-C",
        "resume": "continue from a checkpoint",
        "load": "use the model of a checkpoint; do not train",
        "metrics": "write a JSON line for each step",
    }.items():
        add(f"--{name}", type=name_of_file, metavar="FILE", help=text)
    add("--ask", type=words, metavar="TEXT", help=f"what to answer, such as {example}")
    text = "draw where it looks, and the loss, into this folder"
    add("--out", type=name_of_folder, metavar="DIR", help=text)


def settle(
    o: argparse.Namespace, kind: str, settings: Settings, usual: tuple[str, int]
) -> None:
    """Settles which backend computes, how many steps there are, and whether settings
    come from a checkpoint, which is read (o.saved, else None)."""
    if o.load:
        for name in (*settings, "program", "steps", "resume", "save", "metrics"):
            if getattr(o, name, None) is not None:
                raise ValueError(
                    f"{option(name)} given beside --load, which does not train; leave "
                    "one of them out"
                )
    path, o.saved, backend, steps = o.load or o.resume, None, *usual
    if path:
        o.saved = load(path, kind)
        try:
            config = o.saved.config
            take_over(o, settings, config["options"], path)
            backend, dtype = config["backend"]
            steps, done = config["steps"], o.saved.optimizer["steps"]
            reached = config["losses"] and config["reached"]
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{path} was saved by another version of {kind}, without {error}"
            ) from None
    o.backend, o.said = choose_backend(o.backend, backend, o.dtype)
    if path and o.dtype is None and o.backend == backend:
        o.dtype = dtype
    o.steps = steps if o.steps is None else o.steps
    if o.resume and not reached and done >= o.steps > 0:
        raise ValueError(
            f"{path} was saved after {counted_steps(done)}, and --steps is {o.steps}; "
            "give more"
        )


def check(o: argparse.Namespace, settings: Settings, *pictures: str) -> None:
    """Refuses settings that make no sense, and files that could not be written."""
    check_size(o, settings, o.backend)
    lr = getattr(o, "lr", 1.0)
    if not 0.0 < lr < math.inf:
        raise ValueError(f"--lr {lr:g} given; it must be a number above 0")
    check_apart(o, "save", "metrics", "out")
    check_apart(o, "resume", "metrics", "out")
    if o.out:
        check_folder("--out", o.out, *pictures)
    if o.save:
        check_file("--save", o.save, whole=True)
    if o.metrics:
        check_file("--metrics", o.metrics)
