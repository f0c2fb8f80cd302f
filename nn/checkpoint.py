"""Checkpoints: a model, its optimizer and the state of random generators, in one file.

`save` writes everything that the next training step depends on. `load` reads it back
and changes nothing. `restore` continues the training exactly, to the last bit. The file
is safetensors (tensor_file.py). Nothing is ever unpickled.

    >>> import nn
    >>> from tempfile import TemporaryDirectory
    >>> model = nn.Linear(3, 2)
    >>> optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/model.safetensors"
    ...     save(path, model, optimizer, config={"sizes": [3, 2]})
    ...     saved = load(path)
    >>> other = nn.Linear(*saved.config["sizes"])  # a model of that shape, then numbers
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
from tinygrad_attn.errors import LONGEST, say

from . import foreign, tensor_file
from .module import Module
from .optim import Optimizer

FORMAT = 3  # format 1 had no random state of its own, 2 no groups of parameters


def save(
    path: str | os.PathLike[str],
    model: Module | Mapping[str, Tensor] | None = None,
    optimizer: Optimizer | None = None,
    config: Mapping[str, Any] | None = None,
    generators: Mapping[str, random.Random] | None = None,
) -> None:
    """Writes a checkpoint, completely or not at all.

    If the process is killed meanwhile, the previous checkpoint stays as it was.

    Args:
        path: the file, such as "model.safetensors".
        model: a Module, or a dict of Tensors by name.
        optimizer: the optimizer; its `state_dict` is saved, with its schedule.
        config: anything else to save that fits into JSON, such as the sizes of the
            model or the losses so far. Keys are strings; tuples come back as lists.
        generators: name → `random.Random`, such as the generator of the batches. The
            library's own generator (`manual_seed`) is always saved.

    Raises:
        TypeError, ValueError: an argument cannot be saved; nothing is written.
        OSError: the file cannot be written.
    """
    weights = model.state_dict() if isinstance(model, Module) else model or {}
    _check_weights(weights)
    _check_parts("save", None, optimizer)
    if generators is not None and not isinstance(generators, Mapping):
        raise TypeError(
            f"save: generators={say(generators)} given; it must be a dict, of "
            "random.Random by their names"
        )
    _check_config(config)
    settings = {
        "format": FORMAT,
        "config": dict(config or {}),
        "optimizer": None,
        "rng_state": get_rng_state(),
        "generators": {
            k: _state_of("save", k, g) for k, g in (generators or {}).items()
        },
    }
    tensors = {f"model.{name}": t for name, t in weights.items()}
    if optimizer is not None:
        plain, arrays = _part(optimizer.state_dict())
        settings["optimizer"] = plain
        tensors |= {f"optimizer.{name}": t for name, t in arrays.items()}
    tensor_file.write(path, tensors, settings)


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Reads a checkpoint, without changing anything: see `Checkpoint.restore`.

    Args:
        path: a file that `save` wrote; or weights of others, a safetensors file or the
            index of several ("model.safetensors.index.json"), which have `weights`
            alone. float16 and bfloat16 become float32.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is none of these, or was truncated or altered; the message
            names it.
    """
    place = tensor_file.path_of("load", path)
    if foreign.is_index(place):
        return _weights_alone(path, foreign.weights_by_index(place))
    with tensor_file.Opened(path) as file:
        if not {"settings", "file_sha256"} & {*file.metadata}:
            return _weights_alone(path, foreign.weights_in(file))
        tensors, settings = tensor_file.read_ours(file)
    try:
        return _checkpoint(str(path), tensors, settings)
    except (
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
        OverflowError,
    ) as error:
        reason = " ".join(repr(error).split())
        raise ValueError(
            f"{path} was not written by this version's save: {reason[:200]}"
        ) from None


def _weights_alone(path: Any, weights: dict[str, Tensor]) -> Checkpoint:
    """A checkpoint that someone else wrote."""
    return Checkpoint(str(path), weights, {}, None, None, {})


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a checkpoint.

    Attributes:
        path: the file.
        weights: name → Tensor, for `Module.load_state_dict`.
        config: the `config` given to `save`.
        optimizer: for `Optimizer.load_state_dict`; None if none was saved.
        rng_state: for `set_rng_state`; None in a file of others.
        generators: name → state, for `random.Random.setstate`.
    """

    path: str
    weights: dict[str, Tensor] = field(repr=False)
    config: dict[str, Any]
    optimizer: dict[str, Any] | None = field(repr=False)
    rng_state: tuple[Any, ...] | None = field(repr=False)
    generators: dict[str, tuple[Any, ...]] = field(repr=False)

    def restore(
        self,
        model: Module | None = None,
        optimizer: Optimizer | None = None,
        generators: Mapping[str, random.Random] | None = None,
    ) -> None:
        """Continues where `save` was called: restores the model, its optimizer, the
        generators and the library's own random state.

        For the weights alone, write `model.load_state_dict(saved.weights)`.

        Raises:
            ValueError: something does not fit; nothing has changed.
        """
        _check_parts("restore", model, optimizer)
        generators = generators or {}
        if not isinstance(generators, Mapping):
            raise TypeError(
                f"restore: generators={say(generators)} given; it must be a dict, of "
                "random.Random by their names"
            )
        for name, generator in generators.items():
            _state_of("restore", name, generator)
        unknown = [name for name in generators if name not in self.generators]
        if unknown:
            there = _listed([*self.generators]) or "none"
            raise ValueError(
                f"{self.path} has no generator {say(unknown[0])}; it has {there}"
            )
        if optimizer is not None and self.optimizer is None:
            raise ValueError(f"{self.path} was saved without an optimizer")
        if optimizer is not None and "slots" in (self.optimizer or {}):
            raise ValueError(
                f"{self.path} was saved by an earlier version, whose optimizers had no "
                "groups; restore the model alone, and train it with a new optimizer"
            )
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
        if self.rng_state is not None:
            set_rng_state(self.rng_state)


def _checkpoint(path: str, tensors: dict[str, Tensor], settings: Any) -> Checkpoint:
    """The checkpoint in a file's contents; any kind of error if there is none."""
    if settings["format"] not in (2, FORMAT):
        raise ValueError(f"format {settings['format']}, not {FORMAT}")
    weights, optimizer = _select("model.", tensors), settings["optimizer"]
    if optimizer is not None and settings["format"] == FORMAT:
        optimizer = _join(optimizer, _select("optimizer.", tensors))
    return Checkpoint(
        path,
        weights,
        dict(settings["config"]),
        optimizer,
        _as_state(settings["rng_state"]),
        {name: _as_state(state) for name, state in settings["generators"].items()},
    )


def _select(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names have a prefix, by the rest of the name."""
    n = len(prefix)
    return {name[n:]: t for name, t in tensors.items() if name.startswith(prefix)}


def _part(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """An optimizer's state as what fits into JSON, and its Tensors by name."""
    states: dict[int, dict[str, Any]] = state["state"]
    counts = {i: own["step"] for i, own in states.items()}
    arrays = {
        f"{i}.{slot}": t
        for i, own in states.items()
        for slot, t in own.items()
        if slot != "step"
    }
    return {**state, "state": counts}, arrays


def _join(plain: dict[str, Any], arrays: dict[str, Tensor]) -> dict[str, Any]:
    """The state that `_part` parted. JSON has made texts of its numbers."""
    states: dict[int, dict[str, Any]] = {
        int(i): {"step": step} for i, step in plain["state"].items()
    }
    for name, t in arrays.items():
        i, _, slot = name.partition(".")
        states[int(i)][slot] = t
    return {**plain, "state": states}


def _as_state(saved: Any) -> tuple[Any, ...]:
    """A generator's state from JSON, which has lists in place of its tuples."""
    version, words, gauss = saved
    state = version, tuple(words), gauss
    if not isinstance(gauss, (float, type(None))):
        raise ValueError(f"{say(gauss)} is no number of gauss()")
    random.Random().setstate(state)  # raises if it is not a state
    return state


# === What can be saved ================================================================


def _check_weights(weights: Any) -> None:
    if not isinstance(weights, Mapping):
        kind = type(weights).__name__
        raise TypeError(f"save: a {kind} given; it takes a module or a dict of Tensors")
    for name, t in weights.items():
        if not isinstance(name, str):
            raise TypeError(f"save: name {say(name)} given; it must be a string")
        if not isinstance(t, Tensor):
            raise TypeError(
                f"save: {_listed([name])} is a {type(t).__name__}; it must be a Tensor"
            )


def _check_config(config: Any) -> None:
    """Refuses a config that JSON would lose or change."""
    if config is not None and not isinstance(config, Mapping):
        kind = type(config).__name__
        raise TypeError(f"save: config, a {kind}, given; it must be a dict")
    try:
        json.dumps([[[[dict(config or {})]]]])  # it is written as a part of more
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"save: config that is no JSON given: {error}") from None
    inside: list[Any] = [config]
    while inside:
        value = inside.pop()
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(
                        f"save: config has the key {say(key)}, which would come back "
                        "as a string; it must be one"
                    )
            inside += value.values()
        elif isinstance(value, (list, tuple)):
            inside += value


def _state_of(who: str, name: Any, generator: Any) -> tuple[Any, ...]:
    if not isinstance(name, str) or not isinstance(generator, random.Random):
        raise TypeError(
            f"{who}: generators has {say(name)}, a {type(generator).__name__}; it "
            "takes a random.Random by its name"
        )
    try:
        state = generator.getstate()
        _as_state(json.loads(json.dumps(state)))
    except (TypeError, ValueError, NotImplementedError):  # SystemRandom has no state
        raise TypeError(
            f"{who}: generators has {say(name)}, a {type(generator).__name__}, whose "
            "state cannot be saved; it takes a random.Random"
        ) from None
    return state


def _listed(names: list[str]) -> str:
    """Names in a sentence; of many how many there are."""
    said = " ".join(", ".join(names).split())
    if len(said) <= LONGEST:
        return said
    return f"{said[:LONGEST]}…" if len(names) == 1 else f"{len(names)} others"


def _check_parts(who: str, model: Any, optimizer: Any) -> None:
    """Refuses what is no Module, and what is no Optimizer."""
    if model is not None and not isinstance(model, Module):
        raise TypeError(f"{who}: model={say(model)} given; it must be a Module")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{who}: a {type(optimizer).__name__} given; it takes an optimizer"
        )
