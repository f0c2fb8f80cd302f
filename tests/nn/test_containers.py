"""Lists and dicts of modules and parameters, and chains, beside PyTorch's."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from conftest import needs_torch

import nn
from tinygrad_attn import Tensor, ones


def names(module):
    return [name for name, _ in module.named_children()]


def widths(modules):
    return [m.weight.shape[0] for m in modules]


def lists(nn):
    """The same program for both libraries: what it came to, step by step."""
    a, b, c, d, e = (nn.Linear(1, n) for n in range(1, 6))
    steps = []

    def note(what):
        steps.append(([n for n, _ in what.named_children()], widths(what)))

    layers = nn.ModuleList([a, b])
    note(layers.append(c))
    note(layers.extend([d]))
    layers.insert(1, e)
    note(layers)
    steps.append((widths([layers.pop(-1)]), widths([layers.pop(0)])))
    note(layers)
    layers[-1] = a
    note(layers)
    note(layers[1:])
    note(layers[::-1])
    del layers[0]
    note(layers)
    layers += [c, d]
    note(layers)
    note(layers + [e])
    del layers[1:3]
    note(layers)
    steps.append((b in layers, a in layers, len(layers)))
    chain = nn.Sequential(a, b, c)
    note(chain[:2])
    note(chain[1:])
    steps.append(type(chain[1:]).__name__)
    note(chain.append(d))
    chain.insert(0, e)
    note(chain)
    del chain[1]
    note(chain)
    note(nn.Sequential(OrderedDict(x=a, y=b)))
    note(nn.ModuleList(chain))
    return steps


def dicts(nn):
    a, b, c = (nn.Linear(1, n) for n in range(1, 4))
    steps = []
    parts = nn.ModuleDict({"a": a})
    parts["b"] = b
    parts.update({"c": c})
    parts.update([("a", c)])
    steps += [[*parts], [*parts.keys()], widths(parts.values()), len(parts)]
    steps += [[k for k, _ in parts.items()], "a" in parts, "z" in parts]
    steps += [[n for n, _ in parts.named_parameters()], widths([parts.pop("b")])]
    del parts["a"]
    steps += [[*parts]]
    parts.clear()
    steps += [[*parts]]
    return steps


@needs_torch
@pytest.mark.parametrize("program", [lists, dicts])
def test_lists_and_dicts_do_as_pytorchs(program):
    import torch

    assert program(nn) == program(torch.nn)


def test_the_classic_network_is_a_sequential(any_backend):
    model = nn.Sequential(
        nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Identity(),
        nn.GELU(), nn.SiLU(), nn.Sigmoid(), nn.Linear(4, 3),
    )  # fmt: skip
    loss = nn.CrossEntropyLoss()(model(ones(5, 2)), Tensor([0, 1, 2, 0, 1]))
    loss = loss + nn.MSELoss()(model(ones(5, 2)), ones(5, 3))
    loss.backward()
    assert nn.without_gradient(model) == []


def test_parameters_in_lists_and_dicts():
    scales = nn.ParameterList([nn.Parameter([1.0])])
    scales.append(Tensor([2.0]))
    scales += [nn.Parameter([3.0])]
    assert [p.tolist() for p in scales] == [[1.0], [2.0], [3.0]]
    assert [n for n, _ in scales.named_parameters()] == ["0", "1", "2"]
    assert [p.tolist() for p in scales[1:]] == [[2.0], [3.0]]
    by_name = nn.ParameterDict({"a": Tensor([1.0])})
    by_name.update({"b": nn.Parameter([2.0])})
    assert [*by_name.state_dict()] == ["a", "b"]
    assert by_name.pop("a").tolist() == [1.0]


def test_a_slice_keeps_names_and_what_is_added_takes_a_free_one():
    chain = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 2), nn.Linear(2, 3))[1:]
    assert names(chain) == ["1", "2"]
    chain.append(nn.ReLU())
    assert names(chain) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda: nn.ModuleDict(3), TypeError, "ModuleDict: a int given; it takes a"),
        (lambda: nn.ModuleDict({"a": 3}), TypeError, "ModuleDict: a int given"),
        (lambda: nn.ModuleDict({3: nn.ReLU()}), TypeError, "a name of int given"),
        (lambda: nn.ModuleDict({"": nn.ReLU()}), KeyError, "the name '' given"),
        (lambda: nn.ModuleDict({"a.b": nn.ReLU()}), KeyError, "'a.b'"),
        (lambda: nn.ModuleDict({"items": nn.ReLU()}), KeyError, "'items'"),
        (lambda: nn.ModuleDict({"training": nn.ReLU()}), KeyError, "'training'"),
        (lambda: nn.ModuleDict({"a": nn.ReLU()})["b"], KeyError, "'b' given; it has a"),
        (lambda: nn.ModuleDict()["b"], KeyError, "it has no modules"),
        (lambda: nn.ModuleList([nn.ReLU()]).insert(0, 3), TypeError, "a int given"),
        (lambda: nn.ModuleList([nn.ReLU()]).pop(3), IndexError, "index 3"),
        (lambda: nn.Sequential(nn.ReLU(), 3), TypeError, "Sequential: a int given"),
        (lambda: nn.ParameterList([nn.ReLU()]), TypeError, "it takes parameters"),
        (lambda: nn.ReLU(inplace=True), ValueError, "ReLU: inplace=True given"),
        (lambda: nn.GELU("a"), ValueError, "GELU: approximate='a' given"),
        (lambda: nn.MSELoss(reduction="a"), ValueError, "reduction"),
        (lambda: nn.CrossEntropyLoss(reduction="a"), ValueError, "reduction"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong, error, said):
    with pytest.raises(error) as caught:
        wrong()
    assert said in str(caught.value)
