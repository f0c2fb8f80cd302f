"""Parameters, and groups of them that share options.

A group is a dict: its parameters under "params", and each option (lr, weight_decay,
...) that is its own. The optimizer's arguments are the options of all other groups. The
usual case: weight decay pulls matrices towards 0, but leaves biases and norms alone,
for a norm's weight of 0 would switch its feature off.

    >>> import nn
    >>> layer = nn.TransformerEncoderLayer(4, num_heads=2)
    >>> matrices = [p for p in layer.parameters() if len(p.shape) > 1]
    >>> vectors = [p for p in layer.parameters() if len(p.shape) == 1]
    >>> optimizer = nn.optim.AdamW(
    ...     [{"params": matrices, "weight_decay": 0.1}, {"params": vectors}],
    ...     lr=0.01, weight_decay=0.0,
    ... )
    >>> [(g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    [(0.01, 0.1), (0.01, 0.0)]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.errors import check_flags, check_number

from ..module import Parameter

Group = dict[str, Any]
Given = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[Group]
# What a group may have beside options. A schedule keeps the rate it began from there.
NOT_OPTIONS = ("params", "param_names", "initial_lr")


def list_parameters(who: str, given: Any) -> tuple[list[Tensor], list[str]]:
    """Parameters as a list, and their names if they came with names, as from
    `model.named_parameters()`; refuses anything else.

    >>> list_parameters("Adam", [("bias", Parameter([1.0]))])
    ([Tensor([1.0], float64, requires_grad)], ['bias'])
    """
    if isinstance(given, (Tensor, Mapping)) or not isinstance(given, Iterable):
        raise TypeError(
            f"{who}: a {type(given).__name__} given; it takes several parameters, such "
            "as model.parameters()"
        )
    if isinstance(given, (set, frozenset)):
        raise TypeError(
            f"{who}: a {type(given).__name__} given, whose order changes from run to "
            "run; it takes a list"
        )
    found = list(given)
    if not found:
        raise ValueError(
            f"{who}: no parameters given (a generator such as model.parameters() "
            "gives them only once)"
        )
    names = [p[0] for p in found if _is_named(p)]
    if names and len(names) < len(found):
        raise TypeError(f"{who}: some parameters have names; all must have, or none")
    parameters = [p[1] for p in found] if names else found
    for p in parameters:
        if not isinstance(p, Tensor):
            raise TypeError(
                f"{who}: a {type(p).__name__} among the parameters; it takes Parameters"
            )
        if not (isinstance(p, Parameter) or (p.is_leaf and p.requires_grad)):
            what = "requires no gradient" if p.is_leaf else "is a result"
            raise ValueError(
                f"{who}: a Tensor that {what} among the parameters; it takes "
                "Parameters, or other leaves that require a gradient"
            )
    return parameters, names


def list_groups(who: str, given: Any) -> list[Group]:
    """What an optimizer is given, as a list of groups: parameters are one."""
    if isinstance(given, Iterable) and not isinstance(given, (Tensor, Mapping, set)):
        given = list(given)
        mappings = [isinstance(item, Mapping) for item in given]
        if any(mappings):
            if not all(mappings):
                raise TypeError(f"{who}: groups beside parameters given; give one kind")
            return [*given]
    parameters, names = list_parameters(who, given)
    return [{"params": list(zip(names, parameters)) if names else parameters}]


def make_group(who: str, given: Any, defaults: Mapping[str, Any]) -> Group:
    """A new group: its own options, and the default of each other option."""
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{who}: a {type(given).__name__} given; a group is a dict, such as "
            "{'params': [...], 'lr': 0.1}"
        )
    if "params" not in given:
        raise ValueError(
            f"{who}: a group with {_list(given)} given; it must have params"
        )
    parameters = given["params"]
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters, names = list_parameters(who, parameters)
    group = {**defaults, **given, "params": parameters}
    return group | {"param_names": names} if names else group


def refuse_repeats(who: str, groups: Sequence[Group]) -> None:
    """Refuses a parameter that is listed twice: it would move twice a step."""
    seen: dict[Tensor, str] = {}
    for k, group in enumerate(groups):
        for i, p in enumerate(group["params"]):
            place = place_of(group, i) + (f" of group {k}" if len(groups) > 1 else "")
            if p in seen:
                raise ValueError(
                    f"{who}: {place} is {seen[p]} once more; a parameter must be given "
                    "once"
                )
            seen[p] = place


def place_of(group: Group, i: int) -> str:
    """A parameter's name, or else its place in the group."""
    names = group.get("param_names")
    return names[i] if names else f"parameter {i}, {group['params'][i].shape},"


def read_options(who: str, group: Group, defaults: Mapping[str, Any]) -> Group:
    """A group's options; refuses a group that lacks one or has others."""
    missing = [key for key in defaults if key not in group]
    unknown = [key for key in group if key not in defaults and key not in NOT_OPTIONS]
    if missing or unknown:
        had = f"without {_list(missing)}" if missing else f"with {_list(unknown)}"
        raise ValueError(
            f"{who}: a group {had} given; its options are {_list(defaults)}"
        )
    return {key: group[key] for key in group if key in defaults or key == "initial_lr"}


def plain(value: Any) -> Any:
    """A number of NumPy as Python's. (A float64 of NumPy's would widen float32.)"""
    if type(value) in (float, bool):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(plain, value))
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def check_rates(who: str, options: Mapping[str, Any]) -> None:
    """Refuses a learning rate or a weight decay that is no number from 0 up."""
    for name in ("lr", "weight_decay", "initial_lr"):
        if name in options:
            check_number(who, name, options[name], 0.0)
    if "maximize" in options:
        check_flags(who, maximize=options["maximize"])


def _is_named(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str)


def _list(names: Iterable[Any]) -> str:
    return ", ".join(map(str, names)) or "nothing"
