"""An optimizer's state as plain data: written, checked, and taken over.

    {"optimizer": "Adam",               the class: no other takes the state
     "steps": 50,
     "state": {0: {"step": 50, "exp_avg": Tensor, "exp_avg_sq": Tensor}, ...},
     "param_groups": [{"lr": 0.01, ..., "params": [0, 1, 2]}],
     "schedule": {"schedule": "WarmUp", "last_epoch": 50, ...}}

As in PyTorch, a parameter is a number here, by its place in the groups. One that has
not moved yet has no state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_attn import Tensor, use_backend
from tinygrad_attn.arrays.backends import brought, namespace_of
from tinygrad_attn.errors import check_number, say

from .groups import place_of, plain

QUOTES = "'\""
KEYS = ("optimizer", "steps", "state", "param_groups", "schedule")


def write_state(optimizer: Any) -> dict[str, Any]:
    """What `Optimizer.state_dict` returns."""
    numbers = {p: i for i, p in enumerate(optimizer.parameters)}
    state = {
        i: {k: v if k == "step" else _tensor(v) for k, v in optimizer.state[p].items()}
        for p, i in numbers.items()
        if p in optimizer.state
    }
    groups = [
        {**options, **_names(group), "params": [numbers[p] for p in group["params"]]}
        for group, options in zip(optimizer.param_groups, optimizer.options())
    ]
    schedule = optimizer.schedule
    return {
        "optimizer": type(optimizer).__name__,
        "steps": optimizer.steps,
        "state": state,
        "param_groups": groups,
        "schedule": schedule.state_dict() if schedule else optimizer.saved_schedule,
    }


def take_state(optimizer: Any, saved: Any) -> None:
    """What `Optimizer.load_state_dict` does. Changes nothing unless all of it fits."""
    name = type(optimizer).__name__
    check_keys(name, "a state", saved, KEYS)
    if saved["optimizer"] != name:
        other = say(saved["optimizer"]).strip(QUOTES)
        raise ValueError(f"{name}: a state of {other} given; it must be of {name}")
    check_number(name, "steps", saved["steps"], 0, whole=True)
    owners = _check_groups(optimizer, saved["param_groups"])
    _check_states(optimizer, owners, saved["state"])
    _check_schedule(optimizer, saved["schedule"])
    optimizer.steps = int(saved["steps"])
    optimizer.state = {
        owners[i]: {
            slot: int(v) if slot == "step" else brought_to(owners[i], v)
            for slot, v in state.items()
        }
        for i, state in saved["state"].items()
    }
    for group, options in zip(optimizer.param_groups, saved["param_groups"]):
        kept = {"params": group["params"], **_names(group)}
        group.clear()
        group.update({k: plain(v) for k, v in options.items()} | kept)
    if optimizer.schedule:
        optimizer.schedule.load_state_dict(saved["schedule"])
    else:
        optimizer.saved_schedule = saved["schedule"]


def check_keys(who: str, what: str, saved: Any, keys: tuple[str, ...]) -> None:
    """Refuses what is no dict with exactly these keys."""
    if not isinstance(saved, Mapping):
        raise TypeError(
            f"{who}: {what} of {type(saved).__name__} given; it must be what "
            "state_dict() returned"
        )
    if set(saved) != set(keys):
        had = ", ".join(sorted(map(str, saved))) or "nothing in it"
        raise ValueError(
            f"{who}: {what} with {had} given; it must have {', '.join(keys)}"
        )


def _check_groups(optimizer: Any, saved: Any) -> dict[int, Tensor]:
    """Refuses groups that do not fit the optimizer's. Number → parameter."""
    name, own = type(optimizer).__name__, optimizer.param_groups
    if not isinstance(saved, (list, tuple)) or not all(
        isinstance(g, Mapping) and isinstance(g.get("params"), (list, tuple))
        for g in saved
    ):
        raise TypeError(f"{name}: param_groups must be a list of dicts with params")
    sizes, owns = ([len(g["params"]) for g in groups] for groups in (saved, own))
    if sizes != owns:
        raise ValueError(
            f"{name}: a state of groups of {_counts(sizes)} parameters given; this "
            f"optimizer has {_counts(owns)}"
        )
    optimizer.options(saved)
    for k, (theirs, ours) in enumerate(zip(saved, own)):
        a, b = theirs.get("param_names"), ours.get("param_names")
        if a and b and list(a) != list(b):
            raise ValueError(
                f"{name}: a state of parameters {', '.join(map(str, a))} given for "
                f"group {k}, of {', '.join(b)}"
            )
    numbers = [i for group in saved for i in group["params"]]
    for i in numbers:
        check_number(name, "params", i, 0, whole=True)
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}: params {numbers} given, one of them twice")
    return dict(zip(numbers, optimizer.parameters))


def _check_states(optimizer: Any, owners: dict[int, Tensor], saved: Any) -> None:
    """Refuses states of parameters that have other arrays, or of other shapes."""
    name = type(optimizer).__name__
    needed = {"step", *optimizer.slots}
    if not isinstance(saved, Mapping):
        raise TypeError(f"{name}: state={say(saved)} given; it must be a dict")
    places = [
        place_of(group, i)
        for group in optimizer.param_groups
        for i in range(len(group["params"]))
    ]
    for i, state in saved.items():
        if i not in owners:
            raise ValueError(
                f"{name}: a state of parameter {say(i)} given; it is in no group"
            )
        who = f"{name}: {places[list(owners).index(i)]}".rstrip(",")
        if not isinstance(state, Mapping):
            raise TypeError(f"{who}: a state of {type(state).__name__} given")
        if not needed <= set(state) <= needed | {*optimizer.optional_slots}:
            raise ValueError(
                f"{who}: a state with {', '.join(map(str, state)) or 'nothing'} given; "
                f"it must have {', '.join(('step', *optimizer.slots))}"
            )
        check_number(who, "step", state["step"], 1, whole=True)
        for slot, t in state.items():
            if slot == "step":
                continue
            if not isinstance(t, Tensor):
                raise TypeError(
                    f"{who}: {slot} is a {type(t).__name__}; it must be a Tensor"
                )
            if t.shape != owners[i].shape:
                raise ValueError(
                    f"{who}: {slot} of shape {t.shape} given for a parameter of "
                    f"{owners[i].shape}"
                )


def _check_schedule(optimizer: Any, saved: Any) -> None:
    """Refuses a schedule's state that is not of this optimizer's."""
    schedule = optimizer.schedule
    if schedule and saved is None:
        raise ValueError(
            f"{type(optimizer).__name__}: a state without a schedule given, and this "
            f"optimizer has one, a {type(schedule).__name__}; load the state first, "
            "then make the schedule"
        )
    if schedule:
        schedule.check_state(saved)
    elif saved is not None and not isinstance(saved, Mapping):
        raise TypeError(
            f"{type(optimizer).__name__}: schedule={say(saved)} given; it must be None "
            "or what a schedule's state_dict() returned"
        )


def _names(group: Mapping[str, Any]) -> dict[str, list[str]]:
    names = group.get("param_names")
    return {"param_names": [*names]} if names else {}


def _counts(sizes: list[int]) -> str:
    return " and ".join(map(str, sizes)) or "no"


def _tensor(array: Any) -> Tensor:
    """A Tensor on the array's own backend, whichever is in use."""
    with use_backend(namespace_of([array]).name):
        return Tensor(array)


def brought_to(p: Tensor, t: Tensor) -> Any:
    """The numbers of t as an array of a parameter's dtype and backend."""
    return brought(namespace_of([p.array]), t.array, p.dtype)
