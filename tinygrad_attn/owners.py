"""Whose block is it? The generator or coroutine that a context was entered in.

>>> import sys
>>> def numbers():
...     yield owner_of(sys._getframe(), everywhere=False) is sys._getframe()
>>> next(numbers()), owner_of(sys._getframe(), everywhere=False)
(True, None)
"""

from __future__ import annotations

import sys
from types import FrameType

GENERATOR, COROUTINE, ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect.CO_...
SUSPENDS = GENERATOR | COROUTINE | ASYNC_GENERATOR

# A manager that enters another one does so for the block of its caller.
ENTERING = frozenset(
    ("__enter__", "__aenter__", "enter_context", "enter_async_context")
)

# These suspend a generator for as long as somebody's block or test lasts.
DRIVERS = frozenset(("contextlib", "_pytest.fixtures"))


def may_wait(frame: FrameType) -> bool:
    """Whether a block of this frame may be a generator's; mostly it is plain code."""
    code = frame.f_code
    return code.co_flags & SUSPENDS != 0 or code.co_name in ENTERING


def owner_of(frame: FrameType | None, everywhere: bool) -> FrameType | None:
    """The frame of the generator or coroutine whose block it is; None in plain code.

    A plain function's block ends before anything around it is suspended, so only
    the frame itself is looked at, and `everywhere` is for when there are overrides.
    """
    while frame is not None:
        code = frame.f_code
        if code.co_name in ENTERING:
            frame = frame.f_back
        elif code.co_flags & SUSPENDS:
            driver = frame.f_back
            if driver is None or driver.f_globals.get("__name__") not in DRIVERS:
                return frame
            frame = driver
        elif everywhere:
            frame = frame.f_back
        else:
            return None
    return None


def in_a_task() -> bool:
    """Whether an asyncio loop runs: it gives each task a context of its own."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None
