"""What a program is given, and what it gives."""

from __future__ import annotations

from typing import Any

import pytest
from targets import Target, assert_near, each_trainer, gradients_of

import nn
from nn import optim
from tinygrad_attn import Tensor, grad, randn, record, use_backend, write, zeros
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
