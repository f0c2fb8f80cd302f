"""How a context holds for its own block and for nothing else.

`with no_grad():` sets a field of `now` and puts it back at the end of the block. In
plain code that is all: whatever runs meanwhile was called from inside the block.

A generator may yield inside the block, and an asyncio task may wait there. Then code
outside goes on, and must not find recording switched off. Python tells nobody of this.
So a block in a generator or coroutine leaves `now` as it is and notes an `Override`,
with the frame it belongs to. As long as there is one, `now` is a `Guarded`: its fields
are looked up among the overrides in force. That is slower, and only then.

    >>> from tinygrad_attn import Tensor, no_grad
    >>> w = Tensor([1.0], requires_grad=True)
    >>> def numbers():
    ...     with no_grad():
    ...         yield (w * 2).requires_grad
    >>> for inside in numbers():
    ...     inside, (w * 2).requires_grad
    (False, True)

A generator's override is in force while the generator runs; a coroutine's in its task
and in the tasks that it starts meanwhile.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from types import FrameType
from typing import Any, TypeVar

from .owners import ASYNC_GENERATOR, COROUTINE, GENERATOR, in_a_task, may_wait, owner_of

F = TypeVar("F", bound=Callable[..., Any])

# --- what is on -----------------------------------------------------------------------


class Now:
    """What is on: whether operations are recorded, inside which module call, whether
    they are watched for nan and inf (`debug`), whether source lines and constants
    are kept too (`tracing`, inside `record`), a function told of every operation
    (`watcher`), the tape of a program that is being written (`writer`, see program/),
    on which backend new tensors are made (None: the process's), how
    its warnings are kept quiet, and where random numbers come from."""

    __slots__ = (
        "backend",
        "blocks",
        "debug",
        "overrides",
        "quiet",
        "random",
        "recording",
        "scope",
        "tracing",
        "waiting",
        "watcher",
        "writer",
    )

    def __init__(self) -> None:
        self.recording = True
        self.scope: Any = None
        self.debug = False
        self.tracing = False
        self.watcher: Callable[..., None] | None = None  # see recording.watch
        self.writer: Any = None
        self.backend: Any = None
        self.quiet: Any = None
        self.random = random.Random(os.urandom(16))
        self.blocks: list[Block] = []  # those of plain code that we are in
        self.overrides: list[Override] = []  # those of generators
        self.waiting = 0  # how many of coroutines there are


SLOTS: Mapping[str, Any] = vars(Now)  # the fields themselves


def looked_up(name: str) -> Any:
    """A field that overrides may set, as a property; assigning sets what is beneath."""
    slot = SLOTS[name]

    def get(self: Now) -> Any:
        found = in_force(self, name)
        return slot.__get__(self) if found is None else found.values[name]

    return property(get, slot.__set__)


class Guarded(Now):
    """`now`, while there are overrides."""

    __slots__ = ()
    recording, debug, tracing = map(looked_up, ("recording", "debug", "tracing"))
    backend, random = map(looked_up, ("backend", "random"))


# What each new thread does first; the process's backend may have to be told (`quiet`).
at_thread_start: list[Callable[[], Any]] = []


class Context(threading.local):
    """`now`, for this thread. (One look-up here, then plain attributes: it is fast.)"""

    def __init__(self) -> None:
        self.now = Now()
        for start in at_thread_start:
            start()


context = Context()

# --- switching ------------------------------------------------------------------------


class Switch:
    """A context that sets fields of `now` inside its block; also a decorator, of
    functions, generators and coroutines. One object may serve several blocks.

    >>> with Switch({"tracing": True}):
    ...     context.now.tracing
    True
    >>> context.now.tracing
    False
    """

    values: Mapping[str, Any] = {}

    def __init__(self, values: Mapping[str, Any], quiet: Any = None) -> None:
        self.values = values
        self.quiet = quiet  # makes a context that keeps warnings quiet

    quiet = None

    def __enter__(self) -> None:
        now, frame = context.now, sys._getframe(1)
        guarded = type(now) is Guarded
        owner = owner_of(frame, guarded) if guarded or may_wait(frame) else None
        if owner is None:
            block: Any = Block(self, {})
            for name, value in self.values.items():
                block.before[name] = SLOTS[name].__get__(now)
                setattr(now, name, value)
            now.blocks.append(block)
        else:
            block = Override(self, owner)
            block.begin(now)
        if self.quiet is not None:
            block.hush = self.quiet()
            block.hush.__enter__()

    def __exit__(self, *_: object) -> None:
        now = context.now
        plain = type(now) is Now and now.blocks and now.blocks[-1].switch is self
        block = now.blocks[-1] if plain else self.innermost(now)
        if block.hush is not None:
            with suppress(ValueError):  # a generator may end in another task
                block.hush.__exit__(None, None, None)
        block.end(now)

    def innermost(self, now: Now) -> Any:
        """The block that ends now, of all that this object serves."""
        noted = [o for o in (*now.overrides, *inherited.get()) if o.switch is self]
        running = [o for o in noted if o.owner.f_back is not None]
        plain = [b for b in now.blocks if b.switch is self]
        if not noted and not plain:  # a generator that began in another thread
            noted = [o for o in elsewhere if o.switch is self]
        return (nearest(running) if running else None) or [*noted[-1:], *plain][-1]

    def __call__(self, function: F) -> F:
        """The function, inside such a block at each call."""
        flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
        inside: Any
        if flags & GENERATOR:

            def inside(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return (yield from function(*args, **kwargs))

        elif flags & COROUTINE:

            async def inside(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)

        elif flags & ASYNC_GENERATOR:

            async def inside(*args: Any, **kwargs: Any) -> Any:
                with self:
                    async for item in function(*args, **kwargs):
                        yield item

        else:

            def inside(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wraps(function)(inside)  # type: ignore[return-value]


class Block:
    """A block of plain code, and what its fields were before."""

    __slots__ = ("before", "hush", "switch")

    def __init__(self, switch: Switch, before: dict[str, Any]) -> None:
        self.switch = switch
        self.before = before
        self.hush: Any = None

    def end(self, now: Now) -> None:
        """Puts the fields back, or hands them on to a block that ends later."""
        if now.blocks[-1] is self:  # nearly always
            now.blocks.pop()
            for name, value in self.before.items():
                setattr(now, name, value)
            return
        later = now.blocks[now.blocks.index(self) + 1 :]
        now.blocks.remove(self)
        for name, value in self.before.items():
            heir = next((b for b in later if name in b.before), None)
            if heir is None:
                setattr(now, name, value)
            else:
                heir.before[name] = value


class Override:
    """A block of a generator or coroutine: the fields it sets, for its frame."""

    def __init__(self, switch: Switch, owner: FrameType) -> None:
        self.switch = switch
        self.values = switch.values
        self.owner = owner
        self.hush: Any = None
        self.now: Now | None = None  # of a task's
        self.began: Now | None = None  # of a generator's

    def begin(self, now: Now) -> None:
        if self.owner.f_code.co_flags & COROUTINE and in_a_task():
            self.now = now
            now.waiting += 1
            inherited.set((*inherited.get(), self))
        else:
            self.began = now
            now.overrides.append(self)
            elsewhere.append(self)
        now.__class__ = Guarded

    def end(self, now: Now) -> None:
        if self.began is not None:
            self.began.overrides.remove(self)
            elsewhere.remove(self)
            unguard(self.began)
        else:
            inherited.set(tuple(o for o in inherited.get() if o is not self))

    def __del__(self) -> None:  # no task has it any more
        if self.now is not None:
            self.now.waiting -= 1
            unguard(self.now)


# The overrides of generators, of all threads.
elsewhere: list[Override] = []

# The overrides of this task, and those that it was started inside.
inherited: ContextVar[tuple[Override, ...]] = ContextVar("inherited", default=())


def unguard(now: Now) -> None:
    """Fast again, once there is no override."""
    if not now.overrides and not now.waiting:
        now.__class__ = Now


# --- which are in force ---------------------------------------------------------------


def in_force(now: Now, name: str) -> Override | None:
    """The override that says what a field is, if one does. A suspended generator's
    frame was called by nobody: it has no f_back."""
    known = [o for o in inherited.get() if name in o.values]
    known += [
        o for o in now.overrides if name in o.values and o.owner.f_back is not None
    ]
    return nearest(known) if known else None


def nearest(known: list[Override]) -> Override:
    """The override of the innermost frame; of one frame's, the last."""
    if len({id(o.owner) for o in known}) > 1:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            for override in reversed(known):
                if override.owner is frame:
                    return override
            frame = frame.f_back
    return known[-1]
