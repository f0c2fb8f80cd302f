"""The contestants: the same training step, in one library each.

    ours.py            tinygrad_attn: eager, and the written program
    with_pytorch.py    PyTorch: eager, its own layer, compiled
    with_jax.py        JAX: one jitted function
    with_tinygrad.py   tinygrad: TinyJit
    with_autograd.py   HIPS autograd, on NumPy

Each module has `step(variant, workload, weights)`, which returns a function of a batch
(tokens and labels) that does one step and returns the loss as a float. It is written as
someone would who wants it fast. A library that is not installed is told as Missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Step = Callable[[Any, Any], float]


class Missing(Exception):
    """A contestant cannot take part; says why."""


@dataclass(frozen=True)
class Contestant:
    """Who takes part.

    Attributes:
        key: how the command line calls it.
        title: how the table does.
        module: its file in this folder.
        variant: which of the module's ways.
        package: what must be installed.
        only: the workloads that it can do in a time that one waits for; None for all.
    """

    key: str
    title: str
    module: str
    variant: str
    package: str
    only: tuple[str, ...] | None = None

    @property
    def ours(self) -> bool:
        return self.module == "ours"

    def load(self) -> Any:
        """Its module."""
        return import_module(f"{__name__}.{self.module}")

    def said(self) -> str:
        """Its package with the version."""
        try:
            return f"{self.package} {version(self.package)}"
        except PackageNotFoundError:  # not installed, but there
            return self.package


CONTESTANTS = {
    c.key: c
    for c in (
        Contestant("eager", "eager", "ours", "eager", "numpy"),
        Contestant("numpy", "NumPy program", "ours", "numpy", "numpy"),
        Contestant("c", "C program", "ours", "c", "numpy"),
        Contestant("python", "Python program", "ours", "python", "numpy", ("W1", "W2")),
        Contestant("pytorch", "PyTorch", "with_pytorch", "eager", "torch"),
        Contestant("pytorch-layer", "PyTorch nn", "with_pytorch", "layer", "torch"),
        Contestant(
            "pytorch-compiled", "PyTorch compiled", "with_pytorch", "compiled", "torch"
        ),
        Contestant("jax", "JAX jit", "with_jax", "jit", "jax"),
        Contestant("tinygrad", "tinygrad jit", "with_tinygrad", "jit", "tinygrad"),
        Contestant("autograd", "autograd", "with_autograd", "eager", "autograd"),
    )
}
