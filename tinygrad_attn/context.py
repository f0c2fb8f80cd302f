"""What is switched on at this moment, in this thread.

Each thread has its own: two models may train side by side, on two backends, from two
seeds.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from numbers import Integral
from typing import Any


class Scope:
    """One call of a module (or of a composite that opens into its parts), and the call
    it was made in. Every tensor recorded meanwhile keeps it, for the pictures. (Two
    calls of one module are two Scopes, and not equal.)"""

    __slots__ = ("owner", "parent")

    def __init__(self, owner: Any, parent: Scope | None) -> None:
        self.owner = owner
        self.parent = parent


class Now:
    """What is on: whether operations are recorded, inside which module call, whether
    they are watched for nan and inf (`debug`), whether source lines and constants
    are kept too (`tracing`, inside `record`), a function told of every operation
    (`watcher`), on which backend new tensors are made (None: the process's), how
    its warnings are kept quiet, and where random numbers come from."""

    __slots__ = (
        "backend",
        "before",
        "debug",
        "quiet",
        "random",
        "recording",
        "scope",
        "tracing",
        "watcher",
    )

    def __init__(self) -> None:
        self.recording = True
        self.before: list[bool] = []  # `recording` outside each no_grad we are in
        self.scope: Scope | None = None
        self.debug = 0  # how many of these contexts we are in
        self.tracing = 0
        self.watcher: Callable[..., None] | None = None  # see recording.watch
        self.backend: Any = None
        self.quiet: Any = None
        self.random = random.Random(os.urandom(16))


# What each new thread does first; the process's backend may have to be told (`quiet`).
at_thread_start: list[Callable[[], Any]] = []


class Context(threading.local):
    """`now`, for this thread. (One look-up here, then plain attributes: it is fast.)"""

    def __init__(self) -> None:
        self.now = Now()
        for start in at_thread_start:
            start()


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

    def __enter__(self) -> None:
        now = context.now  # the thread's: one object may serve several threads
        now.before.append(now.recording)
        now.recording = self.recording

    def __exit__(self, *_: object) -> None:
        context.now.recording = context.now.before.pop()


class record(ContextDecorator):
    """Inside, every operation also keeps the line of source that called it with its
    names of the inputs, and tensors without a gradient (masks, comparisons, constants)
    keep how they were made.

    For `unfold` and `explain`, which then show them. As a context or a decorator, for
    this thread. It costs some five microseconds an operation, and memory for what
    would otherwise be let go; `no_grad` inside it still records nothing.

    >>> from tinygrad_attn import Tensor
    >>> x = Tensor([1.0, -2.0])
    >>> with record():
    ...     positive = x > 0
    >>> positive
    Tensor([True, False], bool, from greater)
    """

    def __enter__(self) -> None:
        context.now.tracing += 1

    def __exit__(self, *_: object) -> None:
        context.now.tracing -= 1


class enable_grad(no_grad):
    """Inside, operations are recorded again, within a `no_grad` too.

    >>> from tinygrad_attn import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     (w * 2).requires_grad
    True
    """

    recording = True


def manual_seed(seed: int) -> None:
    """Starts this thread's random numbers anew from `seed`.

    The same seed gives the same weights, batches and dropout masks on every backend.

    >>> from tinygrad_attn import rand
    >>> manual_seed(1)
    >>> x = rand(1).item()
    >>> manual_seed(1)
    >>> rand(1).item() == x
    True
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        kind = type(seed).__name__
        raise TypeError(
            f"manual_seed: {seed!r}, a {kind}, given; it must be an integer"
        )
    context.now.random.seed(int(seed))


def get_rng_state() -> tuple[Any, ...]:
    """Where this thread's random numbers stand, to be continued from there.

    >>> from tinygrad_attn import rand
    >>> state = get_rng_state()
    >>> x = rand(1).item()
    >>> set_rng_state(state)
    >>> rand(1).item() == x
    True
    """
    return context.now.random.getstate()


def set_rng_state(state: tuple[Any, ...]) -> None:
    """Continues this thread's random numbers from where `get_rng_state` stood.

    >>> set_rng_state(get_rng_state())
    """
    try:
        context.now.random.setstate(state)
    except (TypeError, ValueError, IndexError, AttributeError):
        raise ValueError(
            f"set_rng_state: a {type(state).__name__} given; it must be what "
            "get_rng_state() returned"
        ) from None
