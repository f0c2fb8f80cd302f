"""Loading: the numbers of a `state_dict` go into a model of the same shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import brought, namespace_of
from tinygrad_attn.autograd.recording import make
from tinygrad_attn.errors import LONGEST, check_flags

from .tree import Tree


class Keys(NamedTuple):
    """What `load_state_dict` did not find in the state, and what it did not use."""

    missing_keys: list[str]
    unexpected_keys: list[str]


MANY = 12  # names of one kind that a message lists


def listed(names: list[str]) -> str:
    """Names in a sentence, the first of many."""
    first = ", ".join(brief_name(name) for name in names[:MANY])
    more = len(names) - MANY
    return f"{first} and {more} more" if more > 0 else first


def brief_name(name: str) -> str:
    """A path on one line, of a long one the beginning."""
    said = " ".join(name.split())
    return said if len(said) <= 2 * LONGEST else f"{said[: 2 * LONGEST]}…"


def load(module: Tree, state: Mapping[str, Any], strict: bool) -> Keys:
    """`Module.load_state_dict`, which says what it does and refuses."""
    who = f"{type(module).__name__}.load_state_dict"
    check_flags(who, strict=strict)
    if not isinstance(state, Mapping):
        raise TypeError(
            f"{who}: a {type(state).__name__} given; it must be a dict of names"
        )
    own = {path: t for path, _, _, t in module._saved()}
    found = {}
    for path in own:
        if path in state:
            try:
                found[path] = Tensor(state[path])
            except (TypeError, ValueError) as error:
                raise type(error)(f"{who}: {brief_name(path)}: {error}") from None
    missing = [path for path in own if path not in state]
    unexpected = [str(path) for path in state if path not in own]
    misshaped = [
        f"{path} {t.shape}, must be {own[path].shape}"
        for path, t in found.items()
        if t.shape != own[path].shape
    ]
    wrong = {"mis-shaped": misshaped}
    if strict:
        wrong = {"missing": missing, "unexpected": unexpected, **wrong}
    problems = [f"{what}: {listed(p)}" for what, p in wrong.items() if p]
    if problems:
        raise ValueError(f"{who}: {'; '.join(problems)}")
    for path, owner, name, t in module._saved():
        if path in found:
            xp = namespace_of([t.array])
            loaded = make(brought(xp, found[path].array, t.dtype))
            if t.is_leaf:
                t.assign(loaded)
            else:  # a buffer that was computed
                setattr(owner, name, loaded)
    return Keys(missing, unexpected)
