"""What is switched on at this moment, in this thread.

Each thread has its own: two models may train side by side, on two backends, from two
seeds.
"""

from __future__ import annotations

import os
import random
import threading
from contextlib import ContextDecorator
from typing import Any, NamedTuple


class Scope(NamedTuple):
    """One call of a module (or of a composite that opens into its parts), and the call
    it was made in. Every tensor recorded meanwhile keeps it, for the pictures."""

    owner: Any
    parent: Scope | None


class Context(threading.local):
    """Whether operations are recorded, inside which module call, on which backend
    (None: the process's), and the thread's random numbers."""

    def __init__(self) -> None:
        self.recording = True
        self.scope: Scope | None = None
        self.backend: Any = None
        self.random = random.Random(os.urandom(16))


context = Context()


class no_grad(ContextDecorator):
    """Inside, nothing is recorded: results need no gradient, and nothing is kept.

    As a context (`with no_grad():`) or a decorator (`@no_grad()`).

    >>> from tinygrad_attn import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     (w * 2).requires_grad
    False
    """

    recording = False

    def _recreate_cm(self) -> no_grad:
        return type(self)()  # a decorated function may run in several threads

    def __enter__(self) -> None:
        self._before = getattr(self, "_before", [])
        self._before.append(context.recording)
        context.recording = self.recording

    def __exit__(self, *_: object) -> None:
        context.recording = self._before.pop()


class enable_grad(no_grad):
    """Inside, operations are recorded again, within a `no_grad` too."""

    recording = True


def manual_seed(seed: int) -> None:
    """Starts this thread's random numbers anew from `seed`.

    The same seed gives the same weights, batches and dropout masks on every backend.
    """
    context.random.seed(seed)


def get_rng_state() -> tuple[Any, ...]:
    """Where this thread's random numbers stand, to be continued from there."""
    return context.random.getstate()


def set_rng_state(state: tuple[Any, ...]) -> None:
    """Continues this thread's random numbers from where `get_rng_state` stood."""
    context.random.setstate(state)
