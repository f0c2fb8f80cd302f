"""Hooks: called around forward, in order, and able to change what passes."""

from __future__ import annotations

import copy

import pytest

import nn
from tinygrad_attn import Tensor, ones


class Scale(nn.Module):
    def forward(self, x, by=1.0):
        return x * by


def test_hooks_are_called_in_order_and_may_change_what_passes():
    layer, seen = Scale(), []
    layer.register_forward_hook(lambda m, args, z: seen.append(("one", z.item())))
    layer.register_forward_hook(lambda m, args, z: z + 1.0)
    layer.register_forward_hook(lambda m, args, z: seen.append(("three", z.item())))
    layer.register_forward_hook(lambda m, args, z: seen.append(("0", 0)), prepend=True)
    layer.register_forward_pre_hook(lambda m, args: args[0] * 2.0)
    layer.register_forward_pre_hook(lambda m, args: seen.append(args[0].item()))
    layer.register_forward_pre_hook(lambda m, args: (args[0], 3.0))
    assert layer(Tensor(5.0)).item() == 31.0
    assert seen == [10.0, ("0", 0), ("one", 30.0), ("three", 31.0)]


def test_hooks_may_take_the_keywords():
    layer, seen = Scale(), []
    layer.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1.0}), with_kwargs=True
    )
    layer.register_forward_hook(
        lambda m, args, kwargs, z: seen.append((m is layer, kwargs)), with_kwargs=True
    )
    assert layer(Tensor(5.0), by=1.0).item() == 10.0
    assert seen == [(True, {"by": 2.0})]


def test_a_handle_takes_its_hook_off():
    layer, seen = Scale(), []
    first = layer.register_forward_hook(lambda *_: seen.append(1))
    with layer.register_forward_pre_hook(lambda *_: seen.append(0)):
        layer(ones(1))
    first.remove()
    first.remove()
    layer(ones(1))
    assert seen == [0, 1]
    once = layer.register_forward_hook(lambda *_: once.remove())
    layer(ones(1))
    assert layer._hooks.after == {}


def test_what_a_hook_computes_is_recorded_inside_its_module():
    layer = nn.Linear(2, 2)
    layer.register_forward_hook(lambda m, args, z: z * 2.0)
    z = nn.Sequential(layer)(ones(1, 2))
    assert z._scope.owner is layer
    z.sum().backward()
    assert layer.bias.grad.tolist() == [2.0, 2.0]


def test_a_copy_has_hooks_of_its_own():
    layer, seen = Scale(), []
    handle = layer.register_forward_hook(lambda *_: seen.append(1))
    twin = copy.deepcopy(layer)
    handle.remove()
    twin(ones(1))
    assert seen == [1]
    assert [n for n, _ in nn.Sequential(twin).named_modules()] == ["", "0"]


def test_wrong_hooks_are_refused():
    layer = Scale()
    with pytest.raises(TypeError, match=r"Scale.register_forward_hook: a int given"):
        layer.register_forward_hook(3)
    layer.register_forward_pre_hook(lambda m, args, kwargs: 5, with_kwargs=True)
    with pytest.raises(TypeError, match=r"returned a int; it must return None or \(a"):
        layer(ones(1))
