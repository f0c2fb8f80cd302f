"""What a program is given, and what it gives."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from targets import Target, assert_near, each_target, each_trainer, gradients_of

import nn
from nn import optim
from tinygrad_attn import (
    Tensor,
    compile,
    grad,
    manual_seed,
    rand,
    randint,
    randn,
    record,
    use_backend,
    write,
    zeros,
)
from tinygrad_attn.functional import cross_entropy


@pytest.fixture(autouse=True)
def on_its_backend(request: pytest.FixtureRequest) -> Any:
    target = request.node.callspec.params["target"]
    with use_backend(target.backend, "float64"):
        yield


@each_trainer
def test_what_a_run_returns_is_the_callers(target: Target) -> None:
    w = nn.Parameter([1.0, 2.0])
    inputs = {"x": Tensor([1.0, 1.0])}
    program = write(lambda x: x * w, inputs, target=target.name)
    first = program(Tensor([1.0, 3.0]))
    second = program(first)  # a result as an input
    assert first.tolist() == [1.0, 6.0]
    assert second.tolist() == [1.0, 12.0]


@each_trainer
def test_numbers_without_axes_and_inputs_without_numbers(target: Target) -> None:
    w = nn.Parameter([1.0, 2.0])
    optimizer = optim.SGD([w], 0.1)
    program = write(
        lambda x: (w * x).sum(),
        {"x": Tensor(2.0)},
        update=optimizer,
        target=target.name,
    )
    assert program(Tensor(3.0)).item() == 9.0
    assert_near("w", w.detach(), Tensor([0.7, 1.7]), 1e-12)
    nothing = zeros(0, 2, dtype="float64")
    inputs = {"x": nothing, "y": Tensor(1.0)}
    program = write(
        lambda x, y: (x * w).sum() + (w * y).sum(), inputs, target=target.name
    )
    loss, gradients = gradients_of(program, program(nothing, Tensor(2.0)))
    assert_near("loss", loss, Tensor(4.8), 1e-12)
    assert gradients[id(w)].tolist() == [2.0, 2.0]


@each_trainer
def test_an_input_that_wants_a_gradient(target: Target) -> None:
    w, x = nn.Parameter([1.0, 2.0]), Tensor([3.0, 4.0], requires_grad=True)
    program = write(lambda x: (x * w * w).sum(), {"x": x}, target=target.name)
    _, gradients = program(x)
    assert {name: g.tolist() for name, g in gradients.items()} == {
        "w": [6.0, 16.0],
        "x": [1.0, 4.0],
    }


@each_trainer
def test_a_gradient_of_a_gradient(target: Target) -> None:
    w = nn.Parameter([1.0, 2.0])

    def penalty(x: Tensor) -> Any:
        (g,) = grad((x * w * w).sum(), w, create_graph=True)  # 2 x w
        return (g * g).sum()

    x = Tensor([1.0, 2.0])
    want = penalty(x)
    (slope,) = grad(want, w)
    program = write(penalty, {"x": x}, target=target.name)
    loss, gradients = gradients_of(program, program(x))
    assert_near("loss", loss, want.detach(), 1e-12)
    assert_near("w", gradients[id(w)], slope, 1e-12)


@each_trainer
def test_constants_of_a_recorded_loss(target: Target) -> None:
    """Those that have a name keep it; they are read anew when they were changed."""
    w, x = nn.Parameter([[1.0, 2.0]]), Tensor([[1.0, 1.0]])
    labels = Tensor([0])
    with record():
        loss = cross_entropy(x * w + randn(1, 2, dtype="float64"), labels)
    program = write(loss, {"x": x}, target=target.name)
    assert [*program.constants] == ["constant", "labels"]
    assert program.parameters == {"w": w}
    assert program.constants["labels"] is labels
    before = program(x)[0].item()
    labels.assign([1])
    assert program(x)[0].item() != before


@each_trainer
def test_a_refused_run_moves_nothing(target: Target) -> None:
    w = nn.Parameter([[1.0, 2.0]])
    optimizer = optim.Adam([w], 0.1)
    inputs = {"labels": Tensor([0])}

    def loss(labels: Tensor) -> Any:
        return cross_entropy(w * 1.0, labels)

    program = write(loss, inputs, update=optimizer, target=target.name)
    program(Tensor([1]))
    before, steps = w.tolist(), optimizer.steps
    with pytest.raises(IndexError, match="^cross_entropy: label 5 given"):
        program(Tensor([5]))
    assert (w.tolist(), optimizer.steps) == (before, steps)
    program(Tensor([0]))


@each_trainer
def test_random_numbers_are_drawn_as_eagerly(target: Target) -> None:
    """In the same order, and also those that nobody uses."""
    w = nn.Parameter([1.0] * 5)

    def noisy(x: Tensor) -> Any:
        rand(2)
        whole = randint(0, 9, (5,))
        return (x * w * randn(5)).sum() + (w * whole).sum()

    program = write(noisy, {"x": Tensor(1.0)}, target=target.name)
    manual_seed(1)
    want = [noisy(Tensor(1.0)).detach() for _ in range(3)]
    manual_seed(1)
    for loss in want:
        assert_near("loss", program(Tensor(1.0))[0], loss, 1e-12)


@each_trainer
def test_numbers_that_the_function_has(target: Target) -> None:
    """They are copied when the program is written; many of them are no text."""
    few, many = [1.0, 2.0], [[i % 7 * 0.5 for i in range(50)] for _ in range(100)]
    w = nn.Parameter([1.0])
    optimizer = optim.SGD([w], 0.0)

    def loss(x: Tensor) -> Any:
        return (Tensor(few) * w * x).sum() + (Tensor(many) * w).sum()

    program = write(loss, {"x": Tensor(1.0)}, update=optimizer, target=target.name)
    want = loss(Tensor(2.0)).detach()
    assert_near("loss", program(Tensor(2.0)), want, 1e-12)
    few[0] = 9.0
    many[0][0] = 9.0
    kept = w.detach()  # so that the machine's memory is made anew
    assert_near("loss", program(Tensor(2.0)), want, 1e-12)
    assert kept.tolist() == [1.0]
    assert len(program.source) < 10_000


@each_trainer
def test_large_whole_numbers(target: Target) -> None:
    large = 2**60 + 1
    x = Tensor([large, 3])
    program = write(lambda x: (x + 1, x * 2 - x, x.sum()), {"x": x}, target=target.name)
    more, same, total = program(x)
    assert more.tolist() == [large + 1, 4]
    assert same.tolist() == [large, 3]
    assert total.item() == large + 3


@each_trainer
def test_a_parameter_that_is_used_at_times(target: Target) -> None:
    """Two programs, and an optimizer's state whose parameters come differently far."""

    def both(x: Tensor, p: Tensor, q: Tensor, often: bool) -> Any:
        loss = (x * p * p).sum()
        return loss + (q * q * q * p).sum() if often else loss

    pairs = [[nn.Parameter([1.0, 2.0]), nn.Parameter([0.5, 1.5])] for _ in range(2)]
    theirs, mine = (optim.Adam(pair, 0.1) for pair in pairs)

    @compile(update=mine, target=target.name)
    def step(x: Tensor, often: bool) -> Any:
        return both(x, *pairs[1], often)

    x = Tensor([1.0, 3.0])
    for i in range(8):
        loss = both(x, *pairs[0], i % 3 != 1)
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        assert_near("loss", step(x, i % 3 != 1), loss.detach(), 1e-9)
    for p, q in zip(*pairs):
        assert_near("parameter", q.detach(), p.detach(), 1e-9)


class Compiling(nn.Module):
    """A model that has a compiled function in it."""

    def __init__(self, target: str) -> None:
        self.layer = nn.Linear(2, 2)
        self.step = compile(target=target)(self.loss)

    def loss(self, x: Tensor) -> Any:
        return (self.layer(x) ** 2).sum()


@each_trainer
def test_a_copy_compiles_its_own(target: Target) -> None:
    model, x = Compiling(target.name), Tensor([[1.0, 2.0]])
    model.step(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        other.layer.bias.assign([5.0, 5.0])
        assert_near("loss", other.step(x)[0], other.loss(x).detach(), 1e-12)
        assert_near("loss", model.step(x)[0], model.loss(x).detach(), 1e-12)
    program = write(model.loss, {"x": x}, target=target.name)
    with pytest.raises(TypeError, match="^step: a program belongs to its model"):
        copy.deepcopy(program)


@each_trainer
def test_a_program_is_no_part_of_another(target: Target) -> None:
    w, x = nn.Parameter([1.0, 2.0]), Tensor([1.0, 2.0])
    step = write(lambda x: (w * x).sum(), {"x": x}, target=target.name)
    with pytest.raises(RuntimeError, match="^step: called inside a function whose"):
        write(lambda x: step(x)[0] * 2.0, {"x": x}, target=target.name)
    part = compile(target=target.name)(lambda x: (w * x).sum())
    whole = write(lambda x: part(x) * 2.0, {"x": x}, target=target.name)
    assert whole(x)[0].item() == 10.0


@each_target
def test_floats_are_those_of_the_models_backend(target: Target) -> None:
    """The pure-Python backend has no float32, whatever the program runs in."""
    with use_backend("python"):
        w, i = nn.Parameter([1.0, 2.0]), Tensor([1, 2])

        def loss(i: Tensor) -> Any:
            return (w * i.float()).sum(), i.float()

        step = write(loss, {"i": i}, target=target.name)
        (found, floats), gradients = gradients_of(step, step(i=i))
        assert (found.item(), floats.dtype) == (5.0, "float64")
        assert gradients[id(w)].tolist() == [1.0, 2.0]
