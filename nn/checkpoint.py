"""Checkpoints: a model, its optimizer and where its random numbers stand, in one file.

`save` writes all that the next step of a training depends on; `load` reads it back and
changes nothing; `restore` continues from there, to the last bit. The file is
safetensors (`nn/tensor_file.py` says how it is kept whole). Nothing is ever unpickled.

    >>> import nn
    >>> from tempfile import TemporaryDirectory
    >>> model = nn.Linear(3, 2)
    >>> optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.safetensors"
    ...     save(path, model, optimizer, config={"sizes": [3, 2]})
    ...     saved = load(path)
    >>> other = nn.Linear(*saved.config["sizes"])  # first what it was, then its numbers
    >>> saved.restore(other)
    >>> other.weight.tolist() == model.weight.tolist()
    True
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tinygrad_attn import Tensor, get_rng_state, set_rng_state

from . import tensor_file
from .module import Module
from .optim import Optimizer
from .tensor_file import check_safetensors as check_safetensors

FORMAT = 2  # the first one had no random state of its own


def save(
    path: str | os.PathLike[str],
    model: Module | Mapping[str, Tensor] | None = None,
    optimizer: Optimizer | None = None,
    config: Mapping[str, Any] | None = None,
    generators: Mapping[str, random.Random] | None = None,
) -> None:
    """Writes a checkpoint, whole or not at all.

    A process that is killed on the way, at any moment, leaves the checkpoint that was
    there before as it was.

    Args:
        path: the file; a name in .safetensors tells others what it is.
        model: a module, or any dict of Tensors by name.
        optimizer: its steps, and its state for each parameter.
        config: what else shall come back, as JSON can hold it: the sizes to build the
            model with, the losses so far. Keys are strings; a tuple comes back a list.
        generators: name → `random.Random`, such as the one that draws batches. The
            library's own (`manual_seed`) is always saved.

    Raises:
        RuntimeError: safetensors is not installed.
        TypeError, ValueError: something given cannot be saved; nothing is written.
        OSError: the file cannot be written.
    """
    check_safetensors("save")
    weights = model.state_dict() if isinstance(model, Module) else model or {}
    _check_weights(weights)
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"save: a {type(optimizer).__name__} given; it takes an optimizer"
        )
    _check_config(config)
    settings = {
        "format": FORMAT,
        "config": dict(config or {}),
        "optimizer": None,
        "rng_state": get_rng_state(),
        "generators": {k: _state_of(k, g) for k, g in (generators or {}).items()},
    }
    tensors = {f"model.{name}": t for name, t in weights.items()}
    if optimizer is not None:
        state = optimizer.state_dict()
        settings["optimizer"] = {"steps": state["steps"], "slots": optimizer.slots}
        for slot in optimizer.slots:
            for i, t in enumerate(state[slot]):
                tensors[f"optimizer.{slot}.{i}"] = t
    tensor_file.write(path, tensors, settings)


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Reads a checkpoint. Nothing changes yet: see `Checkpoint.restore`.

    Raises:
        RuntimeError: safetensors is not installed.
        OSError: the file cannot be read.
        ValueError: it is no checkpoint, or was cut off or altered; the file is named.
    """
    check_safetensors("load")
    tensors, settings = tensor_file.read(path)
    try:
        return _checkpoint(str(path), tensors, settings)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path} was not written by this version's save: {error!r}"
        ) from None


@dataclass(frozen=True)
class Checkpoint:
    """What `load` read.

    Attributes:
        path: the file it came from.
        weights: name → Tensor, as `Module.load_state_dict` takes them.
        config: what `save` was given.
        optimizer: as `Optimizer.load_state_dict` takes it, or None.
        rng_state: as `set_rng_state` takes it.
        generators: name → state, as `random.Random.setstate` takes it.
    """

    path: str
    weights: dict[str, Tensor] = field(repr=False)
    config: dict[str, Any]
    optimizer: dict[str, Any] | None = field(repr=False)
    rng_state: tuple[Any, ...] = field(repr=False)
    generators: dict[str, tuple[Any, ...]] = field(repr=False)

    def restore(
        self,
        model: Module | None = None,
        optimizer: Optimizer | None = None,
        generators: Mapping[str, random.Random] | None = None,
    ) -> None:
        """Continues where `save` was called: the model, its optimizer and the
        generators get what they had, and so do the library's random numbers.

        To take the weights alone: `model.load_state_dict(saved.weights)`.

        Raises:
            ValueError: something does not fit; then nothing has changed.
        """
        generators = generators or {}
        unknown = [name for name in generators if name not in self.generators]
        if unknown:
            there = ", ".join(self.generators) or "none"
            raise ValueError(
                f"{self.path} has no generator {', '.join(unknown)}; it has {there}"
            )
        if optimizer is not None and self.optimizer is None:
            raise ValueError(f"{self.path} was saved without an optimizer")
        before = None if model is None else model.state_dict()
        try:
            if model is not None:
                model.load_state_dict(self.weights)
            if optimizer is not None:
                optimizer.load_state_dict(self.optimizer or {})
        except (TypeError, ValueError) as error:
            if model is not None and before is not None:
                model.load_state_dict(before)
            raise ValueError(f"{self.path} does not fit: {error}") from None
        for name, generator in generators.items():
            generator.setstate(self.generators[name])
        set_rng_state(self.rng_state)


def _checkpoint(path: str, tensors: dict[str, Tensor], settings: Any) -> Checkpoint:
    """From what is in the file; any error if that is something else."""
    if settings["format"] != FORMAT:
        raise ValueError(f"format {settings['format']}, not {FORMAT}")
    weights, optimizer = _under("model.", tensors), settings["optimizer"]
    if optimizer is not None:
        slots = {k: _under(f"optimizer.{k}.", tensors) for k in optimizer["slots"]}
        optimizer = {"steps": optimizer["steps"]} | {
            slot: [state[str(i)] for i in range(len(state))]
            for slot, state in slots.items()
        }
    return Checkpoint(
        path,
        weights,
        dict(settings["config"]),
        optimizer,
        _as_state(settings["rng_state"]),
        {name: _as_state(state) for name, state in settings["generators"].items()},
    )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those with the prefix, without it."""
    n = len(prefix)
    return {name[n:]: t for name, t in tensors.items() if name.startswith(prefix)}


def _as_state(saved: Any) -> tuple[Any, ...]:
    """A generator's state from the lists that JSON made of it."""
    version, words, gauss = saved
    state = version, tuple(words), gauss
    random.Random().setstate(state)  # raises if it is none
    return state


# === What can be saved ================================================================


def _check_weights(weights: Any) -> None:
    if not isinstance(weights, Mapping):
        kind = type(weights).__name__
        raise TypeError(f"save: a {kind} given; it takes a module or a dict of Tensors")
    for name, t in weights.items():
        if not isinstance(name, str):
            raise TypeError(f"save: name {name!r} given; it must be a string")
        if not isinstance(t, Tensor):
            raise TypeError(
                f"save: {name} is a {type(t).__name__}; it must be a Tensor"
            )


def _check_config(config: Any) -> None:
    """What JSON would lose or change is refused."""
    if config is not None and not isinstance(config, Mapping):
        kind = type(config).__name__
        raise TypeError(f"save: config, a {kind}, given; it must be a dict")
    try:
        json.dumps(dict(config or {}))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"save: config that is no JSON given: {error}") from None
    inside: list[Any] = [config]
    while inside:
        value = inside.pop()
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(
                        f"save: config has the key {key!r}, which would come back as "
                        "a string; it must be one"
                    )
            inside += value.values()
        elif isinstance(value, (list, tuple)):
            inside += value


def _state_of(name: Any, generator: Any) -> tuple[Any, ...]:
    if not isinstance(name, str) or not isinstance(generator, random.Random):
        raise TypeError(
            f"save: generators has {name!r}, a {type(generator).__name__}; it takes "
            "a random.Random by its name"
        )
    return generator.getstate()
