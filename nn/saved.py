"""`torch.save` and `torch.load`: dicts, lists and tensors, in one file.

    torch.save({"epoch": 3, "model": model.state_dict()}, "m.pt")
    model.load_state_dict(torch.load("m.pt")["model"])

The file is that of tensor_file.py: a table in JSON, and raw numbers. Nothing in it can
be executed. (`checkpoint.save` also keeps the random numbers, so that training goes on
exactly.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.devices import check_device
from tinygrad_attn.errors import check_flags, say
from tinygrad_attn.torch_names.keywords import pytorchs

from . import tensor_file

QUOTES = "'\""
PLAIN = (str, bool, int, float, type(None))


@pytorchs
def save(obj: Any, f: str | os.PathLike[str]) -> None:
    """Writes nested dicts, lists and tuples of numbers, texts, None and Tensors.

    Raises:
        TypeError: something else is among them, such as a model: save its state_dict().
    """
    tensors: dict[str, Tensor] = {}
    try:
        table = described(obj, tensors, "")
    except RecursionError:
        raise ValueError(
            f"save: a {type(obj).__name__} given that is in itself, or nested too "
            "deep; it takes what ends within some hundred levels"
        ) from None
    tensor_file.write(f, tensors, {"saved": table})


@pytorchs
def load(
    f: str | os.PathLike[str], map_location: Any = None, weights_only: bool = True
) -> Any:
    """Reads what `save` wrote, on the backend in use."""
    if map_location is not None:
        check_device("load", map_location)
    check_flags("load", weights_only=weights_only)
    tensors, settings = tensor_file.read(f)
    if not isinstance(settings, dict) or "saved" not in settings:
        raise ValueError(
            f"load: {f} was not written by save; nn.checkpoint.load reads checkpoints"
        )
    try:
        return rebuilt(settings["saved"], tensors)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        reason = " ".join(repr(error).split())
        raise ValueError(
            f"load: {f} was not written by this version's save: {reason[:200]}"
        ) from None


def described(obj: Any, tensors: dict[str, Tensor], path: str) -> Any:
    """The same as plain data, each Tensor by its name in `tensors`."""
    if isinstance(obj, Tensor):
        name = f"{path or 'tensor'}#{len(tensors)}"
        tensors[name] = obj.detach()
        return {"tensor": name}
    if isinstance(obj, Mapping):
        pairs = [
            [
                described(k, tensors, path),
                described(v, tensors, f"{path}.{k}".strip(".")),
            ]
            for k, v in obj.items()
        ]
        return {"dict": pairs}
    if isinstance(obj, (list, tuple)):
        kind = "tuple" if isinstance(obj, tuple) else "list"
        return {kind: [described(v, tensors, path) for v in obj]}
    if isinstance(obj, PLAIN):
        return obj
    if hasattr(obj, "item") and getattr(obj, "shape", None) == ():
        number = obj.item()  # a number of NumPy's
        if isinstance(number, PLAIN):
            return number
    at = f" at {say(path).strip(QUOTES)}" if path else ""
    raise TypeError(
        f"save: a {type(obj).__name__} given{at}; it takes dicts, lists, numbers, "
        "texts and Tensors (of a model or an optimizer, its state_dict())"
    )


def rebuilt(saved: Any, tensors: dict[str, Tensor]) -> Any:
    """What was described."""
    if not isinstance(saved, dict):
        return saved
    ((kind, inside),) = saved.items()
    if kind == "tensor":
        return tensors[inside]
    if kind == "dict":
        return {rebuilt(k, tensors): rebuilt(v, tensors) for k, v in inside}
    items = [rebuilt(v, tensors) for v in inside]
    return tuple(items) if kind == "tuple" else items
