"""Hooks: functions of yours that a module calls before and after its `forward`.

To look at what passes through a layer, or to change it, without a class of your own:

    >>> import nn
    >>> from tinygrad_attn import ones
    >>> layer, shapes = nn.Linear(2, 3), []
    >>> def look(module, args, output):
    ...     shapes.append(output.shape)
    >>> handle = layer.register_forward_hook(look)
    >>> z = layer(ones(1, 2))
    >>> handle.remove()
    >>> z = layer(ones(1, 2))
    >>> shapes
    [(1, 3)]
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from tinygrad_attn.context import Changes
from tinygrad_attn.errors import check_flags

Hook = Callable[..., Any]
Registered = dict[int, tuple[Hook, bool]]  # by number; whether it takes the kwargs too

numbers = count()


class Hooks:
    """A module's hooks, in the order in which they are called."""

    def __init__(self) -> None:
        self.before: Registered = {}
        self.after: Registered = {}

    def call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """`forward` between the hooks. A hook that returns None changes nothing."""
        for hook, with_kwargs in [*self.before.values()]:
            if with_kwargs:
                new = hook(module, args, kwargs)
                if new is not None:
                    args, kwargs = pair_of(module, new)
            else:
                new = hook(module, args)
                if new is not None:
                    args = new if isinstance(new, tuple) else (new,)
        output = module.forward(*args, **kwargs)
        for hook, with_kwargs in [*self.after.values()]:
            given = (args, kwargs) if with_kwargs else (args,)
            new = hook(module, *given, output)
            output = output if new is None else new
        return output


def pair_of(module: Any, new: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments that a hook with kwargs returned."""
    if isinstance(new, tuple) and [type(part) for part in new] == [tuple, dict]:
        return new[0], new[1]
    raise TypeError(
        f"{type(module).__name__}: a forward pre-hook with kwargs returned a "
        f"{type(new).__name__}; it must return None or (args, kwargs)"
    )


class Handle:
    """What registering a hook returns. `remove()` takes the hook off again, and so does
    the end of a `with` block.

    >>> hooks: Registered = {}
    >>> with Handle("register_forward_hook", hooks, print, False, False):
    ...     len(hooks)
    1
    >>> len(hooks)
    0
    """

    def __init__(
        self,
        who: str,
        hooks: Registered,
        hook: Hook,
        prepend: bool,
        with_kwargs: bool,
    ) -> None:
        check_flags(who, prepend=prepend, with_kwargs=with_kwargs)
        if not callable(hook):
            raise TypeError(
                f"{who}: a {type(hook).__name__} given; a hook is a function"
            )
        Changes.happened()
        self.hooks, self.number = hooks, next(numbers)
        others = dict(hooks)
        if prepend:
            hooks.clear()
        hooks[self.number] = hook, with_kwargs
        hooks.update(others)

    def remove(self) -> None:
        """Takes the hook off; a second time does nothing."""
        Changes.happened()
        self.hooks.pop(self.number, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
