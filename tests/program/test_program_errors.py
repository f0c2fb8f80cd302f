"""What cannot be written, or not be run, is refused with one sentence; and nothing of
the attempt is left behind."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import needs_numpy
from targets import Target, each_trainer

import nn
from nn import optim
from tinygrad_attn import (
    Tensor,
    compile,
    debug,
    get_rng_state,
    manual_seed,
    no_grad,
    one_hot,
    rand,
    record,
    use_backend,
    write,
)
from tinygrad_attn.context import context

ASKS = "write: the function asks for a number of an array"
CHANGED = "a tensor that was there before is changed while a program is written"
INSIDE = "inside a function whose program is written; the function computes the loss"
w = nn.Parameter([1.0, 2.0])
x = Tensor([1.0, 2.0])
mask, indices = Tensor([True, False]), Tensor([0, 1])
optimizer = optim.SGD([w], 0.1)


class Own(Exception):
    """A user's own."""


# --- functions of which there is no program -------------------------------------------


def raises_its_own(x: Tensor) -> Any:
    rand(3)
    raise Own("mine")


def asks_for_a_number(x: Tensor) -> Any:
    return (x * w * x.sum().item()).sum()


def asks_a_parameter(x: Tensor) -> Any:
    return (x * w).sum() * w.tolist()[0]


def asks_by_float(x: Tensor) -> Any:
    return (x * w).sum() * float(w.sum())


def asks_by_numpy(x: Tensor) -> Any:
    return (x * w).sum() * w.detach().numpy()[0]


def asks_by_an_if(x: Tensor) -> Any:
    loss = (x * w).sum()
    return loss if loss > 1.0 else -loss


def asks_by_max(x: Tensor) -> Any:
    return max((x * w)[0], (x * w)[1])


def asks_by_print(x: Tensor) -> Any:
    print(x)
    return (x * w).sum()


def asks_how_many_classes(x: Tensor) -> Any:
    return one_hot(indices).sum() * (x * w).sum()


def walks_backward(x: Tensor) -> Any:
    loss = (x * w).sum()
    loss.backward()
    return loss


def steps(x: Tensor) -> Any:
    optimizer.step()
    return (x * w).sum()


def makes_gradients_0(x: Tensor) -> Any:
    w.grad = x * 0.0
    return (x * w).sum()


def assigns(x: Tensor) -> Any:
    w.assign([1.0, 1.0])
    return (x * w).sum()


def moves(x: Tensor) -> Any:
    with no_grad():
        w.__isub__(x)
    return (x * w).sum()


def writes(x: Tensor) -> Any:
    write(asks_by_an_if, {"x": Tensor([1.0, 2.0])})


def seeds(x: Tensor) -> Any:
    manual_seed(0)
    return (x * w * rand(2)).sum()


def picks_by_a_mask(x: Tensor) -> Any:
    return (x * w)[mask].sum()


def returns_nothing(x: Tensor) -> Any:
    (x * w).sum()


def returns_a_number(x: Tensor) -> Any:
    return (x * w).sum(), 3.0


def returns_an_empty_tuple(x: Tensor) -> Any:
    return ()


def returns_a_parameter(x: Tensor) -> Any:
    return w


def returns_a_constant(x: Tensor) -> Any:
    return Tensor([1.0]) * 2.0


def has_a_wrong_shape(x: Tensor) -> Any:
    return (x @ Tensor([[1.0] * 3] * 3)).sum()


FUNCTIONS: dict[Any, tuple[type[Exception], str]] = {
    raises_its_own: (Own, "mine"),
    asks_for_a_number: (RuntimeError, ASKS),
    asks_a_parameter: (RuntimeError, ASKS),
    asks_by_float: (RuntimeError, ASKS),
    asks_by_an_if: (RuntimeError, ASKS),
    asks_by_max: (RuntimeError, ASKS),
    asks_by_print: (RuntimeError, ASKS),
    asks_how_many_classes: (ValueError, "one_hot: a program has fixed shapes"),
    walks_backward: (RuntimeError, f"backward: called {INSIDE}"),
    steps: (RuntimeError, f"SGD.step: called {INSIDE}"),
    makes_gradients_0: (RuntimeError, f"grad: set {INSIDE}"),
    assigns: (RuntimeError, f"assign: {CHANGED}"),
    moves: (RuntimeError, f"-=: {CHANGED}"),
    writes: (RuntimeError, f"write: called {INSIDE}"),
    seeds: (RuntimeError, "manual_seed: called inside a function whose program is"),
    picks_by_a_mask: (TypeError, "indexing: a mask picks as many elements as it has"),
    returns_nothing: (TypeError, "write: the function returned a NoneType; it must"),
    returns_a_number: (TypeError, "write: the function returned a float (result 1);"),
    returns_an_empty_tuple: (TypeError, "write: the function returned an empty ();"),
    returns_a_parameter: (TypeError, "write: the function returned a Tensor that was"),
    returns_a_constant: (ValueError, "write: the result does not depend on the input"),
    has_a_wrong_shape: (ValueError, "matmul: shapes (2,) and (3, 3)"),
}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    """The thread is as it was: its switches and its seed, and the parameter."""
    with use_backend("python"):
        now, seed = context.now, get_rng_state()
        numbers, w.grad = w.tolist(), Tensor([0.5, 0.5])
        yield
        assert now.writer is None
        assert (now.recording, now.tracing, now.scope) == (True, False, None)
        assert get_rng_state() == seed
        assert (w.tolist(), w.grad.tolist()) == (numbers, [0.5, 0.5])


def refused(call: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(says)}") as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_functions(function: Any) -> None:
    kind, says = FUNCTIONS[function]
    refused(lambda: write(function, {"x": x}, target="python"), kind, says)
    refused(lambda: compile(target="python")(function)(x), kind, says)


@needs_numpy
def test_numbers_as_ndarrays() -> None:
    refused(lambda: write(asks_by_numpy, {"x": x}, target="python"), RuntimeError, ASKS)


def test_the_line_that_asks_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"return loss if loss > 1.0 else -loss\)$"):
        write(asks_by_an_if, {"x": x}, target="python")


def test_what_escapes_has_no_numbers() -> None:
    kept = []

    def keeps(x: Tensor) -> Any:
        kept.append(x * w)
        return kept[0].sum()

    write(keeps, {"x": x}, target="python")
    says = "this tensor was made while a program was written, and has no numbers"
    refused(lambda: kept[0] + 1.0, RuntimeError, says)
    refused(lambda: repr(kept[0]), RuntimeError, says)


def test_debug_inside_is_no_question() -> None:
    def careful(x: Tensor) -> Any:
        with debug():
            return (x * w).sum()

    step = write(careful, {"x": x}, target="python")
    assert step(x)[0].item() == 5.0


# --- what `write` is given ------------------------------------------------------------


def loss(x: Tensor) -> Any:
    return (x * w).sum()


def vector(x: Tensor) -> Any:
    return x * w


CALLS: dict[str, tuple[Any, type[Exception], str]] = {
    "no function": (lambda: write(3), TypeError, "write: 3 given; it must be a"),
    "inputs without names": (
        lambda: write(loss, [x]),
        TypeError,
        "write: inputs=[Tensor([1.0, 2.0], float64)] given; it must be a dict",
    ),
    "a name that is none": (
        lambda: write(loss, {"a b": x}),
        ValueError,
        "write: input 'a b' given; it must be a name, such as 'tokens'",
    ),
    "an input that is no array": (
        lambda: write(loss, {"x": "words"}),
        TypeError,
        "write: input 'x' of str given; it must be an example of it",
    ),
    "an input that is not used": (
        lambda: write(lambda x, y: loss(x), {"x": x, "y": x}, target="python"),
        ValueError,
        "write: the result does not depend on the input 'y'; leave it out",
    ),
    "no optimizer": (
        lambda: write(loss, {"x": x}, update="Adam"),
        TypeError,
        "write: update='Adam' given; it must be an optimizer",
    ),
    "an optimizer twice": (
        lambda: write(loss, {"x": x}, update=[optimizer, optimizer]),
        ValueError,
        "write: update has an optimizer twice; it moves once a step",
    ),
    "an optimizer of other parameters": (
        lambda: write(loss, {"x": x}, update=optim.SGD([nn.Parameter([1.0])], 0.1)),
        ValueError,
        "write: update=SGD given, and no gradient of the loss reaches any of its 1 "
        "parameters, but 1 other; it must be the optimizer of the model that",
    ),
    "a detached loss": (
        lambda: write(lambda x: loss(x).detach(), {"x": x}, update=optimizer),
        ValueError,
        "write: update=SGD given, and the loss requires no gradient; return it as",
    ),
    "the numbers of a loss": (
        lambda: write(lambda x: loss(x).data, {"x": x}, update=optimizer),
        ValueError,
        "write: update=SGD given, and the loss requires no gradient; return it as",
    ),
    "many examples in a list": (
        lambda: write(loss, [Tensor([1.0] * 3)] * 9),
        TypeError,
        "write: inputs=a list given; it must be a dict, from a name to an example",
    ),
    "an update without a loss": (
        lambda: write(vector, {"x": x}, update=optimizer),
        ValueError,
        "write: update=SGD given, and the function returned a Tensor of shape (2,); it",
    ),
    "a bound below 0": (
        lambda: write(loss, {"x": x}, update=optimizer, clip=-1.0),
        ValueError,
        "write: clip=-1.0 given; it must be a number in (0, inf)",
    ),
    "a bound for nothing": (
        lambda: write(loss, {"x": x}, clip=1.0),
        ValueError,
        "write: clip=1.0 given without update",
    ),
    "an unknown language": (
        lambda: write(loss, {"x": x}, target="rust"),
        ValueError,
        "write: target='rust' given; it must be one of numpy, c, python",
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_what_write_is_given(what: str) -> None:
    refused(*CALLS[what])


def test_single_numbers_that_record_themselves() -> None:
    with use_backend("scalar"):
        refused(
            lambda: write(loss, {"x": x}), RuntimeError, "write: the backend is 'scalar"
        )


# --- a recorded loss ------------------------------------------------------------------


def recorded(function: Any) -> Any:
    with record():
        return function()


def freed() -> Any:
    made = recorded(lambda: (x * nn.Parameter([1.0, 2.0])).sum())
    made.backward()
    return made


LOSSES: dict[str, tuple[Any, type[Exception], str]] = {
    "not recorded": (
        lambda: loss(x),
        RuntimeError,
        "write: a mul was computed outside record(), where masks and other constants",
    ),
    "a leaf": (lambda: w, RuntimeError, "write: this tensor was not computed; give a"),
    "freed": (freed, RuntimeError, "write: the graph behind sum was freed by backward"),
    "of another tensor": (
        lambda: recorded(lambda: loss(Tensor([1.0, 2.0]))),
        ValueError,
        "write: the result does not depend on the input 'x'; leave it out",
    ),
    "of elements that a mask picked": (
        lambda: recorded(lambda: vector(x)[x > 1.0].sum() + loss(x)),
        RuntimeError,
        "write: this loss was recorded with an index by a mask, which would be",
    ),
    "of a copy": (
        lambda: recorded(lambda: loss(x) * Tensor(x.sum())),
        RuntimeError,
        "write: this loss was recorded with a copy of a tensor, made by Tensor(x)",
    ),
}


@pytest.mark.parametrize("what", LOSSES)
def test_recorded_losses(what: str) -> None:
    make, kind, says = LOSSES[what]
    made = make()
    refused(lambda: write(made, {"x": x}, target="python"), kind, says)


# --- a run ----------------------------------------------------------------------------


@each_trainer
def test_inputs_of_a_run(target: Target) -> None:
    with use_backend(target.backend, "float64"):
        p = nn.Parameter([1.0, 2.0])
        a, b = Tensor([1.0, 2.0]), Tensor([1, 2])
        step = write(
            lambda x, y: (x * p[y - 1]).sum(), {"x": a, "y": b}, target=target.name
        )
        shape = "step: x of shape (1,) and float64 given; the program was written for"
        for given, named, kind, says in [
            ((a,), {}, TypeError, "step: 1 inputs given; it takes 2: x, y"),
            ((a, b, b), {}, TypeError, "step: 3 inputs given; it takes 2: x, y"),
            ((a,), {"z": b}, TypeError, "step: z= given; its inputs are x, y"),
            ((Tensor([1.0]), b), {}, ValueError, shape),
            ((a, a), {}, ValueError, "step: y of shape (2,) and float64 given; the"),
            (("ab", b), {}, TypeError, "step: input 'x': Tensor: element 'ab' is a"),
            ((a, b + 1), {}, IndexError, "indexing: index 2 is out of range for axis"),
        ]:
            with pytest.raises(kind, match=f"^{re.escape(says)}"):
                step(*given, **named)
        for given, named in [
            ((a, b), {}),
            ((), {"x": a, "y": b}),
            (([1.0, 2.0], [1, 2]), {}),
        ]:
            assert step(*given, **named)[0].item() == 5.0


HOW = {
    asks_for_a_number: "by item() while its program is written, and there are only n",
    asks_by_float: "by float() while",
    asks_by_an_if: "to decide (an `if`) while its program is written, and there are "
    "only names; choose with where(condition, a, b)",
    asks_by_print: "to print it while its program is written, and there are only "
    "names; return it beside the loss, and print what a run returns",
}


@pytest.mark.parametrize("function", HOW, ids=lambda f: f.__name__)
def test_it_is_said_how_a_number_was_asked_for(function):
    with pytest.raises(RuntimeError) as caught:
        write(function, {"x": x})
    assert str(caught.value).startswith(f"{ASKS} {HOW[function]}")


def test_where_a_file_cannot_be_saved_is_said(tmp_path):
    path = tmp_path / "nowhere" / "step.py"
    step = write(lambda x: (x * w).sum(), {"x": x})
    with pytest.raises(FileNotFoundError, match=r"^save: '.*step\.py' given; there is"):
        step.save(path)
    script = write(lambda x: (x * w).sum(), {"x": x}, target="javascript")
    for name in ("step.py", "step.c"):
        with pytest.raises(ValueError, match=r"given; this program is JavaScript, and"):
            script.save(tmp_path / name)


SETTINGS = [
    ({"update": optim.SGD}, TypeError, "update=<class '"),
    ({"update": [optim.Adam]}, TypeError, "update=<class '"),
    ({"update": 5}, TypeError, "update=5 given; it must be an optimizer, such as"),
    ({"update": {1: 2}}, TypeError, "update={1: 2} given; it must be an optimizer"),
    ({"target": ["c"]}, ValueError, "target=['c'] given; it must be one of numpy, c,"),
    ({"target": {}}, ValueError, "target={} given; it must be one of numpy, c, pyt"),
    ({"target": ""}, ValueError, "target='' given; it must be one of numpy, c, pyt"),
    ({"target": 3}, ValueError, "target=3 given; it must be one of numpy, c, python"),
    ({"clip": "a"}, TypeError, "clip='a', a str, given; it must be a number in (0"),
]


def compiled(function: Any, inputs: Any, **settings: Any) -> Any:
    return compile(**settings)(function)(*inputs.values())


@pytest.mark.parametrize(("settings", "kind", "says"), SETTINGS)
@pytest.mark.parametrize("make", [write, compiled])
def test_a_wrong_setting_is_refused_in_a_line(make, settings, kind, says):
    with pytest.raises(kind, match=f"^write: {re.escape(says)}") as caught:
        make(lambda x: (x * w).sum(), {"x": x}, **settings)
    assert "\n" not in str(caught.value)
