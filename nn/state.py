"""Loading: the numbers of a `state_dict` go into a model of the same shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import brought, namespace_of
from tinygrad_attn.autograd.recording import make
from tinygrad_attn.errors import check_flags

from .tree import Tree


class Keys(NamedTuple):
    """What `load_state_dict` did not find in the state, and what it did not use."""

    missing_keys: list[str]
    unexpected_keys: list[str]


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
                raise type(error)(f"{who}: {path}: {error}") from None
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
    problems = [f"{what}: {', '.join(p)}" for what, p in wrong.items() if p]
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
