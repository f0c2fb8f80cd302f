"""What is inside a module: nothing that learns is missed in silence."""

from __future__ import annotations

import weakref
from collections import OrderedDict, deque, namedtuple
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace

import pytest

import nn
from tinygrad_attn import Tensor, ones

Pair = namedtuple("Pair", ["left", "right"])


@dataclass
class Heads:
    first: object
    second: object = None


@dataclass
class Slotted:
    __slots__ = ("only",)
    only: object


class NoModule:
    """A layer whose author forgot to write (nn.Module)."""

    def __init__(self):
        self.linear = linear()

    def forward(self, x):
        return self.linear(x)


class Net(nn.Module):
    def __init__(self, held):
        self.head = nn.Linear(2, 2)
        self.held = held


def linear():
    return nn.Linear(2, 2)


def weight():
    return nn.Parameter([1.0])


WALKS = {
    "parameters": lambda m: list(m.parameters()),
    "buffers": lambda m: list(m.buffers()),
    "modules": lambda m: list(m.modules()),
    "children": lambda m: list(m.children()),
    "state_dict": lambda m: m.state_dict(),
    "load_state_dict": lambda m: m.load_state_dict({}, strict=False),
    "eval": lambda m: m.eval(),
    "zero_grad": lambda m: m.zero_grad(),
    "count_parameters": nn.count_parameters,
    "without_gradient": nn.without_gradient,
}

# What is held, and where in it the hidden one is.
HIDDEN = {
    "list": (lambda: [linear()], "[0]"),
    "list of lists": (lambda: [1, [linear()]], "[1][0]"),
    "list of pairs": (lambda: [("a", linear())], "[0][1]"),
    "empty list first": (lambda: [[], (), {}, [[linear()]]], "[3][0][0]"),
    "dict": (lambda: {"a": linear()}, "['a']"),
    "dict of parameters": (lambda: {"w": weight()}, "['w']"),
    "keys of a dict": (lambda: {linear(): "a"}, ".keys()"),
    "ordered dict": (lambda: OrderedDict(a=[linear()]), "['a'][0]"),
    "mapping proxy": (lambda: MappingProxyType({"a": linear()}), "['a']"),
    "values of a dict": (lambda: {"a": linear()}.values(), ""),
    "items of a dict": (lambda: {"a": weight()}.items(), "[1]"),
    "keys view": (lambda: {linear(): 1}.keys(), ""),
    "deque": (lambda: deque([linear()]), "[0]"),
    "set": (lambda: {linear()}, ""),
    "frozenset": (lambda: frozenset([weight()]), ""),
    "namedtuple": (lambda: Pair(None, linear()), "[1]"),
    "dataclass": (lambda: Heads(1, linear()), ".second"),
    "dataclass in a list": (lambda: [Heads(weight())], "[0].first"),
    "dataclass with slots": (lambda: Slotted(linear()), ".only"),
    "namespace": (lambda: SimpleNamespace(a=linear()), ".a"),
    "no module": (lambda: NoModule(), ".linear"),
    "list of no modules": (lambda: [NoModule()], "[0].linear"),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_hidden_part_is_refused_by_name_whatever_is_asked(kind):
    make, place = HIDDEN[kind]
    for walk in WALKS.values():
        net = Net(make())
        with pytest.raises(TypeError, match=r"^Net\.held is a ") as caught:
            walk(net)
        assert f"(self.held{place})" in str(caught.value)
        right = (
            "ParameterList" if "a Parameter (" in str(caught.value) else "ModuleList"
        )
        assert right in str(caught.value)


def test_a_part_that_is_appended_later_is_refused_too():
    net = Net([])
    assert len(list(net.parameters())) == 2
    net.held.append(linear())
    with pytest.raises(TypeError, match=r"^Net\.held is a list that holds a Linear"):
        list(net.parameters())


@pytest.mark.parametrize(
    "later",
    [
        (linear() for _ in range(2)),
        map(nn.Linear, [2], [2]),
        filter(None, [linear()]),
        zip([linear()]),
    ],
)
def test_what_cannot_be_seen_yet_is_refused(later):
    with pytest.raises(TypeError, match=r"^Net\.held is a .*cannot be seen; make it a"):
        list(Net(later).parameters())


def test_a_part_of_the_class_is_refused():
    with pytest.raises(TypeError, match=r"^Shared\.layer is a Linear of the class"):

        class Shared(nn.Module):
            layer = linear()

    class Fine(nn.Module):
        activation = nn.ReLU()

    assert list(Fine().parameters()) == []


def test_what_is_no_part_of_the_model_stays_as_it_is():
    teacher = linear()
    for held in (
        [1, "a", None, [2.0, {"k": (1,)}], Tensor([1.0])],
        weakref.ref(teacher),
        lambda: teacher,
        nn.Linear,
        [nn.Linear],
        range(10**12),
        ones(3, requires_grad=True),
        [[] for _ in range(3)],
    ):
        assert [n for n, _ in Net(held).named_parameters()] == [
            "head.weight",
            "head.bias",
        ]
    round_ = [1]
    round_.append(round_)  # a list in itself
    assert len(list(Net(round_).parameters())) == 2


def test_a_list_may_hold_what_is_an_attribute_as_well():
    class Both(nn.Module):
        def __init__(self):
            self.a, self.b = linear(), linear()
            self.order = [("b", self.b), ("a", self.a)]
            self.weights = {"a": self.a.weight}

    names = [name for name, _ in Both().named_parameters()]
    assert names == ["a.weight", "a.bias", "b.weight", "b.bias"]


# --- a part that knows its whole ------------------------------------------------------


class Part(nn.Module):
    def __init__(self, whole):
        self.linear = nn.Linear(1, 1)
        self.whole = whole


class Whole(nn.Module):
    def __init__(self):
        self.part = Part(self)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.dropout(self.part.linear(x))


def test_a_part_may_know_its_whole():
    import copy
    import pickle

    whole = Whole()
    names = ["part.linear.weight", "part.linear.bias"]
    assert [n for n, _ in whole.named_parameters()] == names
    assert [*whole.state_dict()] == names
    paths = ["", "part", "part.linear", "dropout"]
    assert [n for n, _ in whole.named_modules()] == paths
    assert not any(m.training for m in whole.eval().modules())
    assert repr(whole).count("\n") == 3
    assert "part" in whole._repr_html_()
    assert nn.count_parameters(whole) == 2
    for twin in (copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
        assert twin.part.whole is twin
        assert twin.part.linear.weight is not whole.part.linear.weight
        twin.load_state_dict(whole.state_dict())
    from_the_part = [n for n, _ in whole.part.named_parameters()]
    assert from_the_part == ["linear.weight", "linear.bias"]
    whole(ones(1, 1)).sum().backward()
    assert nn.without_gradient(whole) == []


def test_neighbours_may_know_each_other():
    layers = nn.ModuleList([nn.Sequential(nn.Linear(1, 1)) for _ in range(12)])
    for one, other in zip(layers, layers[1:]):
        one.following, other.before = other, one
    assert len(list(layers.parameters())) == 24
    assert len(list(layers.modules())) == 25
    state = layers.state_dict()
    assert {"0.0.weight", "11.0.bias", "0.following.0.weight"} <= set(state)
    layers.load_state_dict(state)
    everybody = nn.ModuleList([nn.Linear(1, 1) for _ in range(8)])
    for one in everybody:
        for i, other in enumerate(everybody):
            setattr(one, f"n{i}", other)
    assert len(everybody.state_dict()) <= 2**10
    assert len(list(everybody.parameters())) == 16


def test_a_shared_parameter_is_named_once_and_saved_under_each_name():
    class Tied(nn.Module):
        def __init__(self):
            self.embedding, self.out = nn.Embedding(3, 2), nn.Linear(2, 3)
            self.out.weight = self.embedding.weight

    tied = Tied()
    names = ["embedding.weight", "out.bias"]
    assert [n for n, _ in tied.named_parameters()] == names
    assert [*tied.state_dict()] == ["embedding.weight", "out.weight", "out.bias"]
    tied.load_state_dict(tied.state_dict())
    assert tied.out.weight is tied.embedding.weight
    prefixed = [n for n, _ in tied.out.named_parameters("model", recurse=False)]
    assert prefixed == ["model.weight", "model.bias"]


def test_a_name_has_no_dot():
    with pytest.raises(KeyError, match=r"a Linear for 'a\.b' given"):
        setattr(nn.Module(), "a.b", linear())


def test_apply_reaches_all_parts_before_the_whole():
    model, seen = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())), []
    assert model.apply(lambda m: seen.append(type(m).__name__)) is model
    assert sorted(seen[:-1]) == ["Linear", "ReLU", "Sequential"]
    assert seen[-1] == "Sequential"
    model.requires_grad_(False)
    assert not any(p.requires_grad for p in model.parameters())


# --- buffers --------------------------------------------------------------------------


class Averaged(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter([1.0, 1.0])
        self.register_buffer("mean", Tensor([0.0, 0.0]))
        self.register_buffer("steps", Tensor(0), persistent=True)
        self.register_buffer("scratch", ones(3), persistent=False)
        self.register_buffer("none", None)


def test_buffers_are_saved_and_loaded_but_not_learned(any_backend):
    a, b = Averaged(), nn.Sequential(Averaged())
    assert [n for n, _ in a.named_parameters()] == ["scale"]
    assert [n for n, _ in b.named_buffers()] == ["0.mean", "0.steps", "0.scratch"]
    a.mean, a.steps = a.mean + 2.0, Tensor(7)
    assert [*a.state_dict()] == ["scale", "mean", "steps"]
    b[0].load_state_dict(a.state_dict())
    assert (b[0].mean.tolist(), b[0].steps.item()) == ([2.0, 2.0], 7)
    assert b[0].steps.dtype == "int64"
    assert not b[0].mean.requires_grad
    with pytest.raises(ValueError, match=r"mis-shaped: mean \(1,\), must be \(2,\)"):
        a.load_state_dict({"mean": ones(1)}, strict=False)


def test_a_buffer_is_replaced_by_a_tensor_only():
    a = Averaged()
    with pytest.raises(TypeError, match=r"^Averaged\.mean is a buffer, and a float"):
        a.mean = 0.5
    a.mean = None
    assert [*a.state_dict()] == ["scale", "steps"]
    a.mean = nn.Parameter([1.0])
    assert [n for n, _ in a.named_parameters()] == ["scale", "mean"]
    assert "mean" not in dict(a.named_buffers())
    del a.steps
    assert [*a.state_dict()] == ["scale", "mean"]


@pytest.mark.parametrize(
    ("name", "tensor", "error"),
    [
        ("a.b", ones(1), KeyError),
        ("", ones(1), KeyError),
        (3, ones(1), KeyError),
        ("scale", ones(1), KeyError),
        ("forward", ones(1), KeyError),
        ("m", [1.0], TypeError),
        ("m", nn.Parameter([1.0]), TypeError),
    ],
)
def test_a_wrong_buffer_is_refused(name, tensor, error):
    with pytest.raises(error, match=r"Averaged\.register_buffer: "):
        Averaged().register_buffer(name, tensor)


# --- loading --------------------------------------------------------------------------


def test_loading_tells_what_was_missing_and_what_was_left():
    model = nn.Linear(2, 1)
    found = model.load_state_dict({"bias": [3.0], "other": 1, 5: 2}, strict=False)
    assert found.missing_keys == ["weight"]
    assert found.unexpected_keys == ["other", "5"]
    assert model.bias.tolist() == [3.0]
    assert model.load_state_dict(model.state_dict()) == ([], [])
    with pytest.raises(TypeError, match="strict='no', a str"):
        model.load_state_dict({}, strict="no")
    with pytest.raises(TypeError, match="mode='no', a str"):
        model.train("no")
