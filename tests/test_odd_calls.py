"""Wrong calls that used to end in Python's own words, in a long line, or in numbers."""

from __future__ import annotations

import random

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import (
    History,
    Tensor,
    get_rng_state,
    ones,
    randn,
    set_rng_state,
    unfold,
    use_backend,
)
from tinygrad_attn.torch_names.arithmetic import add, sub

HUGE = 10**400


def graph():
    return unfold((ones(2, requires_grad=True) * 2.0).sum())


CALLS = {
    "axis": (lambda: ones(2).sum(axis=HUGE), "sum: axis 1000"),
    "axis twice": (lambda: ones(2).sum(axis=(0,) * 999), "names an axis twice"),
    "axes": (lambda: ones(2).permute_dims((0,) * 999), "must stand once"),
    "whole number": (lambda: Tensor(HUGE), "Tensor: the whole number 1"),
    "size": (lambda: ones(HUGE), "ones: size 1000.* given; no array"),
    "new size": (lambda: ones(2).new_ones(HUGE), "size 1000.* given; no array"),
    "tile": (lambda: ones(2).tile(2**63), "size .* given; no array"),
    "diagonal": (lambda: ones(2, 2).diagonal("a"), "diagonal: offset='a', a str"),
    "unflatten": (lambda: ones(2, 2).unflatten(0, 0.5), "unflatten: sizes 0.5 given"),
    "unflatten 2": (lambda: ones(2, 2).unflatten(0, ("a",)), "unflatten: size 'a'"),
    "share": (lambda: sub(ones(2), "float64", alpha=10**12), "sub: 'float64', a str"),
    "node": (lambda: graph().node({}), "node: {} given; there are"),
    "inputs": (lambda: graph().inputs("x"), "inputs: 'x' given; it takes a node"),
    "uses": (lambda: graph().uses(ones(2)), "uses: a Tensor of shape .* takes a node"),
    "table": (
        lambda: nn.Embedding.from_pretrained("a"),
        "Embedding.from_pretrained: 'a' given; it must be a Tensor",
    ),
    "table 2": (
        lambda: nn.Embedding.from_pretrained(ones(2)),
        "Embedding.from_pretrained: a Tensor of shape .2,. given",
    ),
    "norm": (lambda: nn.utils.clip_grad_norm_(3, 1.0), "clip_grad_norm_: 3 given"),
    "value": (lambda: nn.utils.clip_grad_value_((2, 3), 1.0), "value_: .2, 3. given"),
    "insert": (
        lambda: nn.ModuleList([]).insert((1,), nn.ReLU()),
        "ModuleList.insert: index=.1,., a tuple",
    ),
    "module": (
        lambda: nn.Linear(2, 2).register_module(3, nn.ReLU()),
        "Linear.register_module: name 3 given",
    ),
    "parameter": (
        lambda: nn.Linear(2, 2).register_parameter(3, None),
        "Linear.register_parameter: name 3 given",
    ),
    "history": (
        lambda: History(nn.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)),
        "History: .* given; it must be a model",
    ),
    "replaced": (lambda: nn.testing.replace_all("x", "a"), "x: a last input 'a' given"),
    "tokens": (
        lambda: nn.Seq2SeqTransformer(10**9, pad=slice(None)),
        "Seq2SeqTransformer: pad=slice",
    ),
    "state": (
        lambda: set_rng_state((3, (-1, *get_rng_state()[1][1:]), None)),
        "set_rng_state: a tuple given",
    ),
    "gauss": (
        lambda: set_rng_state((*get_rng_state()[:2], "x")),
        "set_rng_state: a tuple given",
    ),
    "names": (
        lambda: nn.Linear(2, 2).load_state_dict(
            {"n" * 9999: 1} | {str(i): 1 for i in range(999)}
        ),
        "missing: weight, bias; unexpected: n.*…, 0, .* and 988 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_each_is_refused_in_one_short_line(any_backend, case):
    call, words = CALLS[case]
    kinds = (TypeError, ValueError, IndexError, KeyError)
    with pytest.raises(kinds, match=words) as raised:
        call()
    assert len(str(raised.value)) < 420
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("step", ["+=", "-=", "*=", "/=", "**="])
def test_a_change_in_place_by_what_is_no_number(any_backend, step):
    for odd in (nn.ReLU(), None, "a", 1j):
        for grad in (True, False):
            x = randn(2, requires_grad=grad)
            with pytest.raises((TypeError, RuntimeError)) as raised:
                exec(f"x {step} odd", {"x": x, "odd": odd})
            assert "unsupported operand" not in str(raised.value) or not grad


@needs_numpy
def test_an_array_of_texts_or_objects_is_no_number(any_backend):
    import numpy as np

    x = ones(2)
    for odd in (np.array(b"x"), np.array("x"), np.array(None), np.array([b"x", b"y"])):
        for call in (lambda odd=odd: x * odd, lambda odd=odd: Tensor(odd)):
            with pytest.raises(TypeError, match="numbers|not a number|must be"):
                call()


def test_a_list_times_alpha_is_not_repeated(any_backend):
    """[1, 2] * 2 is [1, 2, 1, 2] to Python."""
    x = ones(4)
    assert add(x, [1.0, 2.0, 3.0, 4.0], alpha=2).tolist() == [3.0, 5.0, 7.0, 9.0]
    with pytest.raises(ValueError, match="do not broadcast"):
        add(x, [1.0, 2.0], alpha=2)


def test_scatter_add_takes_no_more_than_pytorchs(any_backend):
    with pytest.raises(TypeError):
        ones(3).scatter_add(0, Tensor([0]), ones(1), "name")
    assert ones(3).scatter_add(0, Tensor([0]), ones(1)).tolist() == [2.0, 1.0, 1.0]


def test_a_generators_own_states_still_go_in():
    state = get_rng_state()
    one = random.Random(3)
    one.gauss(0, 1)
    for given in (one.getstate(), state):
        set_rng_state(given)
        assert get_rng_state() == given


@needs_numpy
def test_what_stands_beside_x_in_place_is_taken_as_before():
    import numpy as np

    with use_backend("numpy"):
        x = ones(2, requires_grad=True)
        x += np.array([1.0, 2.0])
        x -= [1, 1]
        x += True
        assert x.tolist() == [2.0, 3.0]
