"""Keys: what a program was written for, beside shapes and dtypes.

A function may compute something else once a parameter is frozen, a module is in eval
mode, or a layer was exchanged. So a program notes how all that was when it was written
(`key_of`). To look at a whole model before each run would take longer than the run. But
each such change, of whichever model, leaves a mark (`Changes.last`, in context.py): a
program looks again only if there is another mark than when it looked last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..tensor import Tensor
from .drafting import Draft, model_of


class Key(NamedTuple):
    """What a program was written for.

    Attributes:
        modules: the modules that were called, and the model around them.
        training: for each whether it was training.
        tensors: for each the tensors directly inside, by name.
        learning: for each tensor whether it required a gradient.
    """

    modules: list[Any]
    training: list[bool]
    tensors: list[dict[str, Any]]
    learning: list[tuple[Any, bool]]


def key_of(modules: Iterable[Any], leaves: Iterable[Tensor]) -> Key:
    """How some modules and tensors are now."""
    found = [*modules]
    return Key(
        found,
        [m.training for m in found],
        [parts_of(m) for m in found],
        [(t, t.requires_grad) for t in leaves],
    )


def parts_of(module: Any) -> dict[str, Any]:
    """The tensors and modules directly inside a module, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Tensor) or is_module(value)
    }


def is_module(value: Any) -> bool:
    """Whether it is a module (of nn/, which this folder does not import)."""
    return hasattr(value, "named_modules")


def modules_of(function: Any, draft: Draft) -> list[Any]:
    """The modules that a function called, and all that are inside of its own model."""
    found: dict[int, Any] = {}
    model = model_of(function) or function
    if is_module(model):
        found.update((id(m), m) for m in model.modules())
    for step in draft.tape.steps:
        scope = step.origin.scope
        while scope is not None:
            if is_module(scope.owner):
                found.setdefault(id(scope.owner), scope.owner)
            scope = scope.parent
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
    for m, were, are in zip(old.modules, old.tensors, new.tensors):
        for name in {**were, **are}:
            if were.get(name) is not are.get(name):
                return f"{type(m).__name__}.{name} was replaced by another"
    return ""
