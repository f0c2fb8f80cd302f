"""The command line of an example that trains: its settings, which a checkpoint keeps,
and how it ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

from nn import checkpoint

# Name → what it is, by default, and by default for --backend scalar.
Settings = Mapping[str, tuple[str, Any, Any]]


def option(name: str) -> str:
    """How a setting is written on the command line."""
    return f"--{name.replace('_', '-')}"


def add_settings(
    parser: argparse.ArgumentParser, settings: Settings, **choices: tuple[str, ...]
) -> None:
    """An option for each setting, None where it is not given; some with choices."""
    for name, (text, usual, small) in settings.items():
        kind: Any = type(usual)
        text += f" ({usual}" + f"; scalar: {small}" * (small != usual) + ")"
        one_of = choices.get(name)
        parser.add_argument(option(name), type=kind, choices=one_of, help=text)


def take_over(o: argparse.Namespace, settings: Settings, saved: Any, path: str) -> None:
    """The settings of a checkpoint, unless the command line contradicts them."""
    for name, (_, usual, _) in settings.items():
        given, value = getattr(o, name), saved.get(name, usual)
        if given not in (value, None):
            raise ValueError(
                f"{option(name)} {given} given, but {path} was trained with {value}; "
                "leave it out"
            )
        setattr(o, name, value)


def fill_in(o: argparse.Namespace, settings: Settings, small: bool) -> None:
    """The defaults, for what was not given."""
    for name, (_, usual, for_small) in settings.items():
        if getattr(o, name) is None:
            setattr(o, name, for_small if small else usual)


def load(path: str, kind: str) -> checkpoint.Checkpoint:
    """A checkpoint whose config says that it is of this kind.

    Raises:
        ValueError: it is another's; and what `checkpoint.load` raises.
    """
    saved = checkpoint.load(path)
    if saved.config.get("kind") != kind:
        raise ValueError(f"{path} was not saved by {kind}")
    return saved


def status(name: str, work: Callable[[], int], stopped: str) -> int:
    """What work() returns; 2, after one line, at an error; 130, after `stopped`, when
    it was interrupted."""
    try:
        return work()
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{stopped}", file=sys.stderr)
        return 130
