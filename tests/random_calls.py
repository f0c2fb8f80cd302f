"""Wrong calls, drawn at random: public functions, methods and layers with arguments
that nobody should give. Each must work, or be refused in one short line of ours."""

from __future__ import annotations

import inspect
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import nn
import tinygrad_attn
from nn import checkpoint
from tinygrad_attn import Tensor, Value, functional, ones, randn

LONGEST = 500  # letters of a message


def deep(levels: int) -> Any:
    """Lists in lists."""
    nested: Any = 1.0
    for _ in range(levels):
        nested = [nested]
    return nested


class Odd:
    """Something of the user's own."""

    def __repr__(self) -> str:
        return "Odd(\n" + "x" * 500 + ")"


ODD = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 1,
    lambda: 2,
    lambda: 10**13,
    lambda: 2**70,
    lambda: 0.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: "",
    lambda: "False",
    lambda: "a\nb",
    lambda: "x" * 100_000,
    lambda: b"ab",
    lambda: [],
    lambda: [1.0, "a"],
    lambda: [[1.0], [1.0, 2.0]],
    lambda: [1.0] * 5000,
    lambda: deep(3000),
    lambda: (),
    lambda: (0, 1),
    lambda: (2, -1),
    lambda: {},
    lambda: {"a": 1},
    lambda: {1, 2},
    lambda: Odd(),
    lambda: object(),
    lambda: len,
    lambda: slice(None),
    lambda: Ellipsis,
    lambda: range(3),
    lambda: 1j,
    lambda: Value(1.0),
    lambda: ones(2),
    lambda: ones(2, 3),
    lambda: ones(0),
    lambda: randn(2, 3, requires_grad=True),
    lambda: Tensor([1, 2]),
    lambda: Tensor([True, False]),
    lambda: Tensor(1.0),
    lambda: randn(40, 50),
    lambda: nn.Linear(2, 2),
    lambda: nn.Linear,
    lambda: Tensor,
]


def subjects() -> list[tuple[str, Any]]:
    """What is called: a name, and what makes the callable."""
    found: list[tuple[str, Any]] = []
    quiet = {"set_backend", "manual_seed", "set_rng_state", "play", "compile"}
    for name in tinygrad_attn.__all__:
        thing = getattr(tinygrad_attn, name)
        if callable(thing) and name not in quiet:
            found.append((name, lambda thing=thing: thing))
    for name in functional.__all__:
        found.append((f"F.{name}", lambda name=name: getattr(functional, name)))
    for name in dir(Tensor):
        if name[0] != "_" and callable(getattr(Tensor, name)):
            found.append(
                (f"Tensor.{name}", lambda name=name: getattr(randn(2, 3), name))
            )
    for name in (
        "__add__",
        "__matmul__",
        "__getitem__",
        "__pow__",
        "__eq__",
        "__mod__",
    ):
        found.append((f"Tensor.{name}", lambda name=name: getattr(randn(2, 3), name)))
    for name, thing in sorted(vars(nn).items()):
        if name[0] != "_" and inspect.isclass(thing) and issubclass(thing, nn.Module):
            found.append((f"nn.{name}", lambda thing=thing: thing))
    for name in ("init_xavier", "count_parameters", "shift_right", "padding_mask"):
        found.append((f"nn.{name}", lambda name=name: getattr(nn, name)))
    for name in (
        "constant_",
        "normal_",
        "xavier_uniform_",
        "kaiming_normal_",
        "zeros_",
    ):
        found.append((f"init.{name}", lambda name=name: getattr(nn.init, name)))
    for name in (
        "load_state_dict",
        "forward",
        "train",
        "to",
        "register_buffer",
        "apply",
    ):
        found.append(
            (f"Linear.{name}", lambda name=name: getattr(nn.Linear(3, 2), name))
        )
    for name in (
        "SGD",
        "Adam",
        "AdamW",
        "clip_grad_norm",
        "Noam",
        "LambdaLR",
        "WarmUp",
    ):
        found.append((f"optim.{name}", lambda name=name: getattr(nn.optim, name)))
    found.append(("checkpoint.load", lambda: checkpoint.load))
    found.append(("checkpoint.save", lambda: saving))
    found.append(("Checkpoint.restore", lambda: saved().restore))
    found.append(("Drawing.save", lambda: drawing().save))
    found.append(("MultiHeadAttention()", lambda: nn.MultiHeadAttention(4, 2)))
    found.append(("Embedding()", lambda: nn.Embedding(4, 2)))
    found.append(("LayerNorm()", lambda: nn.LayerNorm(3)))
    return found


def saving(*given: Any, **options: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(Path(folder) / "x", *given, **options)


def saved() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(Path(folder) / "x", nn.Linear(3, 2))
        return checkpoint.load(Path(folder) / "x")


def drawing() -> Any:
    x = ones(2, requires_grad=True)
    return tinygrad_attn.draw((x * x).sum())


def draw_call(rng: random.Random, subject: Any) -> tuple[list[Any], dict[str, Any]]:
    """Arguments for it: some by position, some by a name that it has."""
    try:
        names = [
            p.name
            for p in inspect.signature(subject).parameters.values()
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
    except (TypeError, ValueError):
        names = []
    given = [rng.choice(ODD)() for _ in range(rng.randrange(4))]
    left = names[len(given) :]
    options = {n: rng.choice(ODD)() for n in left if rng.random() < 0.4}
    return given, options


# What Python says of an operation inside a function, and not of the call.
INTERNAL = re.compile(
    r"object (is not|has no|cannot|does not)|unsupported operand|not supported between"
    r"|unhashable|must be real number|cannot unpack|not enough values|too many values"
    r"|invalid literal|could not convert|bad operand|cannot be interpreted"
    r"|not iterable|not subscriptable|not callable|maximum recursion|division by zero"
)


def fault(error: BaseException) -> str:
    """What is wrong with an error as an answer; nothing if it is a good one."""
    said = str(error)
    kind = type(error).__name__
    if isinstance(error, (AttributeError, RecursionError, AssertionError, NameError)):
        return f"a bare {kind}: {said[:200]}"
    if not isinstance(
        error, (TypeError, ValueError, IndexError, KeyError, RuntimeError, OSError)
    ) and not isinstance(error, (OverflowError, MemoryError, ImportError)):
        return f"{kind}: {said[:200]}"
    if "\n" in said:
        return f"more than one line: {said[:200]}"
    if len(said) > LONGEST:
        return f"{len(said)} letters: {said[:200]}"
    if INTERNAL.search(said):
        return f"Python's own words: {said[:200]}"
    if not said and not isinstance(error, MemoryError):
        return f"{kind} says nothing"
    return ""
