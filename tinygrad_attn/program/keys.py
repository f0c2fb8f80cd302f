"""Keys: what a program was written for, beside shapes and dtypes.

A function may compute something else once a parameter is frozen, a module is in eval
mode, a layer was exchanged, or a setting such as `p` is another. So a program notes how
all that was when it was written (`key_of`). To look at a whole model before each run
would take longer than the run. But each such change, of whichever model, leaves a mark
(`Changes.last`, in context.py): a program looks again only if there is another mark
than when it looked last.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import say
from ..tensor import Tensor
from .drafting import Draft, model_of

PLAIN = (bool, int, float, str, type(None))  # settings of a module


class Key(NamedTuple):
    """What a program was written for.

    Attributes:
        modules: the modules that were called, and all that are inside of them.
        training: for each whether it was training.
        inside: for each what is directly inside, by name (`inside_of`).
        learning: for each tensor whether it required a gradient.
    """

    modules: list[Any]
    training: list[bool]
    inside: list[dict[str, Any]]
    learning: list[tuple[Any, bool]]


def key_of(modules: Iterable[Any], leaves: Iterable[Tensor]) -> Key:
    """How some modules and tensors are now."""
    found = [*modules]
    return Key(
        found,
        [m.training for m in found],
        [inside_of(m) for m in found],
        [(t, t.requires_grad) for t in leaves],
    )


def inside_of(module: Any) -> dict[str, Any]:
    """What is directly inside a module and may decide what it computes: tensors,
    modules, and plain settings (`p`, `eps`)."""
    found = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, (Tensor, tuple, *PLAIN)) or is_module(value)
    }
    hooks = vars(module).get("_hooks")
    if hooks is not None and (hooks.before or hooks.after):
        found["a hook"] = *hooks.before, *hooks.after
    found.pop("training", None)
    return found


def is_module(value: Any) -> bool:
    """Whether it is a module (of nn/, which this folder does not import)."""
    return hasattr(value, "named_modules")


def modules_of(function: Any, draft: Draft) -> list[Any]:
    """The modules that a function called, its own model, and all that are inside."""
    called = [model_of(function) or inspect.unwrap(function)]
    for step in draft.tape.steps:
        scope = step.origin.scope
        while scope is not None:
            called.append(scope.owner)
            scope = scope.parent
    found: dict[int, Any] = {}
    for owner in called:
        if is_module(owner) and id(owner) not in found:
            found.update((id(m), m) for m in owner.modules())
    return [*found.values()]


def difference(old: Key, new: Key) -> str:
    """What is not as it was, in words; "" if all is."""
    for (t, was), (_, now) in zip(old.learning, new.learning):
        if was != now:
            word = "requires a gradient now" if now else "requires no gradient any more"
            return f"a parameter of shape {t.shape} {word}"
    for m, was, now in zip(old.modules, old.training, new.training):
        if was != now:
            modes = {True: "training", False: "eval"}
            return (
                f"{type(m).__name__} is in {modes[now]} mode, and was in {modes[was]}"
            )
    for m, were, are in zip(old.modules, old.inside, new.inside):
        for name in {**were, **are}:
            old_one, new_one = were.get(name), are.get(name)
            if old_one is new_one or same(old_one, new_one):
                continue
            who = f"{type(m).__name__}.{name}"
            if name == "a hook":
                return f"a hook of {type(m).__name__} was registered or removed"
            if isinstance(old_one, PLAIN) and isinstance(new_one, PLAIN):
                return f"{who} is {say(new_one)}, and was {say(old_one)}"
            return f"{who} was replaced by another"
    return ""


def same(x: Any, y: Any) -> bool:
    """Whether two plain settings are the same."""
    if not isinstance(x, (*PLAIN, tuple)) or type(x) is not type(y):
        return False
    return bool(x == y or x != x != y)
