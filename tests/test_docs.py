"""Every public name has a docstring with an example, and pytest runs them all."""

from __future__ import annotations

import inspect

import public

import nn
import tinygrad_attn
from nn import checkpoint, optim


def public_objects():
    found = dict(public.functions())
    for module in (tinygrad_attn, nn, optim, checkpoint):
        for name, value in vars(module).items():
            home = getattr(value, "__module__", "")
            ours = home.startswith(("tinygrad_attn", "nn"))
            if module in (optim, checkpoint):
                ours = home == module.__name__
            if ours and not name.startswith("_") and not inspect.ismodule(value):
                found[f"{module.__name__}.{name}"] = value
    return found


def test_every_public_name_has_an_example():
    bare = [
        name
        for name, value in public_objects().items()
        if ">>>" not in (inspect.getdoc(value) or "")
        and ">>>" not in (inspect.getdoc(inspect.getmodule(value)) or "")
    ]
    assert bare == []


def test_every_module_says_what_it_is_for():
    for value in public_objects().values():
        assert len(inspect.getdoc(inspect.getmodule(value)) or "") > 40
