"""Bad input gets one clear line: the op, what was given, what would be right."""

from __future__ import annotations

import ast
import inspect
import random
import warnings
from importlib.util import find_spec

import pytest
import random_calls
from bad_calls import BAD_CALLS, run
from conftest import needs_numpy
from public import functions, methods

from tinygrad_attn import (
    Tensor,
    errors,
    functional,
    grad,
    manual_seed,
    one_hot,
    ones,
    randn,
    set_backend,
    use_backend,
    zeros,
)
from tinygrad_attn.arrays import backends
from tinygrad_attn.functional import causal_mask
from tinygrad_attn.functions import reductions

F = functional
FUNCTIONS = {name.rpartition(".")[2] for name in functions()}


def called(call: str) -> str | None:
    """The public function that a row calls, if the row is one call of it."""
    tree = ast.parse(call, mode="eval").body
    name = getattr(tree, "func", None)
    name = getattr(name, "id", None) or (call.startswith("F.") and name.attr)
    return name if name in FUNCTIONS else None


@pytest.mark.parametrize(
    ("call", "kind", "parts"),
    [(call, kind, parts) for call, kind, *parts in BAD_CALLS],
    ids=[row[0] for row in BAD_CALLS],
)
def test_one_line_says_what_is_wrong(call, kind, parts):
    for backend in ("python", "numpy", "scalar"):
        if backend == "numpy" and not find_spec("numpy"):
            continue
        with use_backend(backend, "float64"):
            manual_seed(0)
            with pytest.raises(kind) as caught:
                run(call)
        message = str(caught.value)
        assert "\n" not in message, backend
        for part in [called(call) or "", *parts]:
            choices = (part,) if isinstance(part, str) else part
            assert any(choice in message for choice in choices), (backend, message)


def test_every_public_function_has_wrong_calls():
    assert FUNCTIONS - {called(row[0]) for row in BAD_CALLS} == set()


def test_every_method_that_takes_something_has_wrong_calls():
    takes = {
        name
        for name in methods()
        if inspect.isfunction(method := getattr(Tensor, name))
        and len(inspect.signature(method).parameters) > 1
    }
    calls = " ".join(row[0] for row in BAD_CALLS)
    assert {name for name in takes if f").{name}(" not in calls} == set()


def test_an_error_in_a_composite_carries_its_name(backend):
    q = ones(2, 3)
    with pytest.raises(
        ValueError, match="^scaled_dot_product_attention: leading shapes"
    ):
        F.scaled_dot_product_attention(
            q.reshape(1, 2, 3).broadcast_to(4, 2, 3),
            q.reshape(1, 2, 3).broadcast_to(3, 2, 3),
            q,
        )


@needs_numpy
def test_tensors_of_two_backends_do_not_mix():
    x = ones(2)
    with use_backend("numpy"):
        y = ones(2)
    for call in (lambda: x + y, lambda: y @ x, lambda: x > y, lambda: F.linear(x, y)):
        with pytest.raises((TypeError, ValueError), match=r"backends|linear|matmul"):
            call()
    with pytest.raises(TypeError, match="two backends meet, 'python' and 'numpy'"):
        _ = x * y


def test_numpy_asked_for_but_not_installed(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="pip install numpy"):
        set_backend("numpy")


def test_second_derivatives_on_scalars_say_where_to_get_them():
    with use_backend("scalar"):
        x = Tensor([1.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="first derivatives only"):
            grad((x * x).sum(), x, create_graph=True)


def test_an_error_keeps_its_cause(any_backend):
    """The sentence is ours; below it stands where it arose."""
    for call in (
        lambda: ones(2, 3) @ ones(2, 3),
        lambda: ones(2).sum(axis=7),
        lambda: ones(2) + [1.0, [2.0]],
        lambda: ones(2)[5],
        lambda: Tensor([[1.0], [2.0, 3.0]]),
    ):
        with pytest.raises((ValueError, IndexError)) as caught:
            call()
        assert isinstance(caught.value.__cause__, Exception)


def test_an_error_inside_the_package_is_not_the_callers(monkeypatch):
    """A correct call meets a bug of ours: the bug is what is seen, with its place."""

    def broken(*args, **kwargs):
        raise AttributeError("'NoneType' object has no attribute 'shape'")

    monkeypatch.setattr(reductions, "axes_of", broken)
    with pytest.raises(AttributeError, match="^'NoneType' object has no attribute"):
        ones(2).sum()


@pytest.mark.parametrize("seed", range(8))
def test_a_random_wrong_call_is_answered_in_one_line(seed, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # somebody may save something
    names = ["python", "numpy"] if find_spec("numpy") else ["python"]
    subjects = random_calls.subjects()
    faults = []
    for number, (name, make) in enumerate(subjects):
        rng = random.Random(f"{seed} {number}")
        with use_backend(rng.choice(names), "float64"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            subject = make()
            given, options = random_calls.draw_call(rng, subject)
            try:
                subject(*given, **options)
            except Exception as error:
                if fault := random_calls.fault(error):
                    faults.append((name, number, fault))
    assert faults == []


def test_what_is_quoted_is_short(any_backend):
    long = [
        "x" * 10**5,
        [1.0] * 10**5,
        random_calls.deep(5000),
        {"a": ["b\n"] * 1000},
        random_calls.Odd(),
        randn(40, 50),
        randn(200, 3).tolist(),
        2**5000,
    ]
    for value in long:
        for said in (errors.say(value), errors.brief(value)):
            assert len(said) <= errors.LONGEST
            assert "\n" not in said
    assert errors.say(randn(2, 3)) == "a Tensor of shape (2, 3)"
    assert errors.say("a\nb") == r"'a\nb'"
    assert errors.say([1, 2]) == "[1, 2]"
    assert errors.say("x" * 100) == f"'{'x' * 70}…"
    assert errors.brief("x" * 100) == "a str"


def test_what_does_not_fit_into_memory_is_told(any_backend):
    for call, said in [
        (
            lambda: randn(10**13, 3),
            "randn: 10000000000000, 3 given; there is no memory",
        ),
        (lambda: zeros(10**14), "zeros: 100000000000000 given; there is no memory"),
        (lambda: one_hot([1], 10**14), r"one_hot: \(1,\), .* no memory for the result"),
        (
            lambda: Tensor(range(10**15)),
            r"Tensor: range\(.*\) given; there is no memory",
        ),
        (lambda: zeros(2)[range(10**15)], r"indexing: range\(.*\) given; there is no"),
        (
            lambda: causal_mask(10**14),
            "causal_mask: 100000000000000 given; there is no",
        ),
    ]:
        with pytest.raises(MemoryError, match=said):
            call()
    with pytest.raises(ValueError, match="Tensor: lists in lists 64 deep given"):
        Tensor(random_calls.deep(3000))
