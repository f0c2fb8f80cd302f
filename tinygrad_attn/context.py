"""What is switched on at this moment, in this thread.

Each thread has its own: two models may train side by side, on two backends, from two
seeds. Generators and asyncio tasks have their own too (switching.py).
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

from .errors import say
from .switching import Switch
from .switching import at_thread_start as at_thread_start
from .switching import context as context


class Scope:
    """One call of a module (or of a composite that opens into its parts), and the call
    it was made in. Every tensor recorded meanwhile keeps it, for the pictures. (Two
    calls of one module are two Scopes, and not equal.)"""

    __slots__ = ("owner", "parent")

    def __init__(self, owner: Any, parent: Scope | None) -> None:
        self.owner = owner
        self.parent = parent


class no_grad(Switch):
    """Inside, nothing is recorded: results need no gradient, and nothing is kept.

    As a context (`with no_grad():`) or a decorator (`@no_grad()`, or `@no_grad`).

    >>> from tinygrad_attn import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad():
    ...     (w * 2).requires_grad
    False
    """

    recording = False
    values = {"recording": False}

    def __new__(cls, function: Any = None) -> Any:
        made = super().__new__(cls)
        return made if function is None else made(function)

    def __init__(self, function: Any = None) -> None:
        pass


class record(Switch):
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

    values = {"tracing": True}

    def __init__(self) -> None:
        pass


class enable_grad(no_grad):
    """Inside, operations are recorded again, within a `no_grad` too.

    >>> from tinygrad_attn import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> with no_grad(), enable_grad():
    ...     (w * 2).requires_grad
    True
    """

    recording = True
    values = {"recording": True}


class Changes:
    """When something was last changed of which others make notes: which tensors require
    a gradient, which modules train, and what a module consists of. Whoever makes a note
    (of a model's parameters, or a program) keeps `last` with it, and looks again when
    that is another object."""

    last = object()

    @classmethod
    def happened(cls) -> None:
        cls.last = object()


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
            f"manual_seed: {say(seed)}, a {kind}, given; it must be an integer"
        )
    refuse_program("manual_seed")
    context.now.random.seed(int(seed))


def refuse_program(who: str) -> None:
    """A program draws its numbers at each run; where it begins, others say."""
    if context.now.writer is not None:
        raise RuntimeError(
            f"{who}: called inside a function whose program is written; call it before "
            "the program runs, which draws its random numbers at each run"
        )


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
    refuse_program("set_rng_state")
    try:
        _, _, second = state  # of the last pair of gauss()
        if not isinstance(second, (float, type(None))):
            raise TypeError
        context.now.random.setstate(state)
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError):
        raise ValueError(
            f"set_rng_state: a {type(state).__name__} given; it must be what "
            "get_rng_state() returned"
        ) from None
