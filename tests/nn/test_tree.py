"""What a module lists, under which paths, and what it refuses of its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

import nn
from tinygrad_attn import ones, zeros


class Part(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter([1.0])
        self.register_buffer("mean", zeros(1))


class Whole(nn.Module):
    """The same part twice, then another."""

    def __init__(self):
        self.scale = nn.Parameter([2.0])
        self.register_buffer("count", zeros(1))
        self.first = self.again = Part()
        self.last = Part()


PATHS = ["", "first", "last"]


def test_what_comes_after_a_shared_part_is_listed_too():
    whole = Whole()
    assert [path for path, _ in whole.named_modules()] == PATHS
    every = [path for path, _ in whole.named_modules(remove_duplicate=False)]
    assert every == ["", "first", "again", "last"]
    names = ["scale", "first.weight", "last.weight"]
    assert [path for path, _ in whole.named_parameters()] == names
    assert [path for path, _ in whole.named_buffers()] == [
        "count",
        "first.mean",
        "last.mean",
    ]
    assert [name for name, _ in whole.named_children()] == ["first", "last"]


def test_what_the_paths_begin_with():
    whole = Whole()
    assert [path for path, _ in whole.named_modules("m")] == ["m", "m.first", "m.last"]
    assert [path for path, _ in whole.named_parameters("m")][:2] == [
        "m.scale",
        "m.first.weight",
    ]
    assert [path for path, _ in whole.named_buffers("m")][:2] == [
        "m.count",
        "m.first.mean",
    ]


def test_without_what_is_further_inside():
    whole = Whole()
    assert [n for n, _ in whole.named_parameters(recurse=False)] == ["scale"]
    assert [n for n, _ in whole.named_buffers(recurse=False)] == ["count"]
    assert [p is whole.scale for p in whole.parameters(recurse=False)] == [True]
    assert [b is whole.count for b in whole.buffers(recurse=False)] == [True]
    assert len([*whole.parameters()]) == len([*whole.buffers()]) == 3


@pytest.mark.parametrize(
    ("call", "who", "what"),
    [
        (lambda m: m.named_modules(remove_duplicate=1), "named_modules", "remove_dup"),
        (lambda m: m.named_parameters(recurse="no"), "named_parameters", "recurse"),
        (lambda m: m.parameters(recurse="no"), "named_parameters", "recurse"),
        (lambda m: m.named_buffers(recurse="no"), "named_buffers", "recurse"),
        (lambda m: m.buffers(recurse="no"), "named_buffers", "recurse"),
        (lambda m: m.load_state_dict({}, "no"), r"Whole\.load_state_dict", "strict"),
        (lambda m: m.train("no"), r"Whole\.train", "mode"),
    ],
)
def test_a_setting_that_is_neither_true_nor_false_is_refused(call, who, what):
    with pytest.raises(TypeError, match=f"^{who}: {what}.*; it must be True or False"):
        [*call(Whole())]


# --- what hides -----------------------------------------------------------------------


def test_a_parameter_of_the_class_is_refused():
    with pytest.raises(TypeError, match=r"^Shared\.weight is a Parameter of the class"):

        class Shared(nn.Module):
            weight = nn.Parameter([1.0])


@pytest.mark.parametrize("hide", ["after what is known", "after a list given twice"])
def test_what_hides_behind_other_things_is_found(hide):
    whole, twice = Whole(), [1.0, "text"]
    hidden = Part()
    if hide == "after what is known":
        whole.held = [whole.first, whole.scale, hidden]
    else:
        whole.held = [twice, twice, hidden]
    with pytest.raises(TypeError, match=r"Whole\.held is a list that holds a Part"):
        whole.parameters()


def test_what_is_no_container_holds_nothing_of_ours():
    @dataclass
    class Kind:
        default: Any = nn.Parameter([1.0])  # noqa: RUF009

    class Plain:
        __slots__ = ()

        def forward(self, x):
            return x

    whole = Whole()
    whole.kind, whole.plain, whole.constant = Kind, Plain(), ones(2)
    whole.register_forward_hook(Part())
    assert len([*whole.parameters()]) == 3


# --- loading --------------------------------------------------------------------------


def test_whole_numbers_are_loaded_as_floats(any_backend):
    whole = Whole()
    state = {**whole.state_dict(), "scale": [3], "count": [7]}
    whole.load_state_dict(state)
    assert (whole.scale.tolist(), whole.count.tolist()) == ([3.0], [7.0])
    assert whole.scale.dtype.startswith("float")


def test_a_buffer_that_was_computed_is_replaced(any_backend):
    whole = Whole()
    whole.register_buffer("twice", whole.scale * 2.0)
    whole.load_state_dict({**whole.state_dict(), "twice": [5.0]})
    assert whole.twice.tolist() == [5.0]
    assert whole.twice.is_leaf


def test_hooks_are_told_the_module(any_backend):
    layer, seen = nn.Identity(), []
    layer.register_forward_pre_hook(lambda module, args: seen.append(module))
    layer.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(module), with_kwargs=True
    )
    layer.register_forward_hook(lambda module, args, output: seen.append(module))
    layer(ones(1))
    assert [m is layer for m in seen] == [True] * 3
    layer.register_forward_pre_hook(lambda *_: 1, with_kwargs=True)
    with pytest.raises(TypeError, match="^Identity: a forward pre-hook with kwargs"):
        layer(ones(1))


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (
            lambda m: setattr(m, "first", 3),
            TypeError,
            "Whole.first is a Part, and a int given for it would be no part of the "
            "model; give a Parameter or a Module (or None), or",
        ),
        (
            lambda m: setattr(m, "count", 3),
            TypeError,
            "Whole.count is a buffer, and a int given for it would be no part of the "
            "model; give a Tensor (or None), or",
        ),
        (
            lambda m: m.register_buffer("new", 3),
            TypeError,
            "Whole.register_buffer: new is a int; it must be a Tensor or None",
        ),
        (
            lambda m: m.register_buffer("new", zeros(1), "no"),
            TypeError,
            "Whole.register_buffer: persistent='no', a str, given",
        ),
        (
            lambda m: m.register_forward_pre_hook(3),
            TypeError,
            "Whole.register_forward_pre_hook: a int given; a hook is a function",
        ),
        (
            lambda m: m.register_forward_hook(3),
            TypeError,
            "Whole.register_forward_hook: a int given; a hook is a function",
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(wrong, error, said):
    whole = Whole()
    with pytest.raises(error) as caught:
        wrong(whole)
    assert str(caught.value).startswith(said)
    assert len([*whole.parameters()]) == len([*whole.buffers()]) == 3


def test_a_hook_may_come_before_the_others(any_backend):
    layer, calls = nn.Identity(), []
    for place, prepend in (("second", False), ("third", False), ("first", True)):
        for register in (layer.register_forward_pre_hook, layer.register_forward_hook):
            register(lambda *_, place=place: calls.append(place), prepend=prepend)
    layer(ones(1))
    assert calls == ["first", "second", "third"] * 2


def test_to_learn_is_the_usual_wish():
    whole = Whole().requires_grad_(False)
    assert [p.requires_grad for p in whole.parameters()] == [False] * 3
    assert [p.requires_grad for p in whole.requires_grad_().parameters()] == [True] * 3
