"""Training by programs in plain Python, beside eager: the same losses and weights."""

from __future__ import annotations

import copy

import pytest
from conftest import flatten, needs_numpy
from in_python import GPT, NEAR, Encoder, eager_step, parameters_of, trained_alike
from targets import assert_near, gradients_of

import nn
from nn.optim import SGD, Adam, AdamW
from tinygrad_attn import (
    Tensor,
    manual_seed,
    no_grad,
    randint,
    use_backend,
    write,
)


@pytest.fixture(autouse=True)
def on_python():
    with use_backend("python"):
        manual_seed(0)
        yield


def test_fifty_steps_of_a_gpt():
    batches = [(randint(0, 11, (2, 6)), randint(0, 11, (2, 6))) for _ in range(3)]
    trained_alike(GPT(), lambda m: AdamW(m.parameters(), lr=0.01), batches, 50)


def test_fifty_steps_with_dropout_and_padding():
    tokens = Tensor([[1, 4, 2, 0, 0], [3, 8, 5, 6, 7], [2, 0, 0, 0, 0]])
    batches = [(tokens, Tensor([0, 2, 1]))]
    trained_alike(Encoder(), lambda m: Adam(m.parameters(), lr=0.01), batches, 50)


@pytest.mark.parametrize(
    "optimizer_of",
    [
        lambda m: SGD(m.parameters(), lr=0.1),
        lambda m: SGD(m.parameters(), lr=0.1, weight_decay=0.1, maximize=True),
        lambda m: Adam(m.parameters(), lr=0.01, weight_decay=0.1, amsgrad=True),
        lambda m: AdamW(
            [
                {"params": [*m.layers.parameters()]},
                {"params": [*m.head.parameters()], "lr": 0.1, "weight_decay": 0.0},
                {"params": [*m.tokens.parameters(), *m.norm.parameters()]},
                {"params": [*m.positions.parameters()]},
            ]
        ),
    ],
    ids=["SGD", "uphill", "amsgrad", "groups"],
)
def test_optimizers(optimizer_of):
    batches = [(randint(0, 11, (1, 6)), randint(0, 11, (1, 6)))]
    trained_alike(GPT(), optimizer_of, batches, 4)


def test_clipping():
    model = GPT()
    twin = copy.deepcopy(model)
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    optimizer, other = SGD(model.parameters()), SGD(twin.parameters())
    step = write(twin.loss, {"x": x, "y": y}, update=other, clip=0.01, target="python")
    for _ in range(3):
        loss = model.loss(x, y)
        model.zero_grad()
        loss.backward()
        nn.optim.clip_grad_norm(model.parameters(), 0.01)
        optimizer.step()
        assert_near("loss", step(x, y), loss, NEAR)


def test_gradients_without_an_update():
    model = GPT()
    x, y = randint(0, 11, (2, 6)), randint(0, 11, (2, 6))
    step = write(model.loss, {"x": x, "y": y}, target="python")
    loss, gradients = gradients_of(step, step(x, y))
    want = model.loss(x, y)
    want.backward()
    assert_near("loss", loss, want, NEAR)
    for name, p in model.named_parameters():
        assert_near(name, gradients[id(p)], p.grad, NEAR)


def test_inference():
    model = GPT().eval()
    x = randint(0, 11, (2, 6))
    with no_grad():
        step = write(model, {"x": x}, target="python")
    assert "backward" not in step.source
    assert_near("scores", step(x), model(x), NEAR)
    model.head.bias.data = model.head.bias.data + 1.0
    assert_near("scores", step(x), model(x), NEAR)


def test_what_was_given_out_stays_as_it_is():
    """Lists are values: the next step makes new ones. What nobody looked at before it
    has its old numbers, too."""
    found = []
    for at_once in (True, False):
        manual_seed(0)
        model = GPT()
        optimizer = AdamW(model.parameters())
        x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
        step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
        kept = []
        for _ in range(3):
            step(x, y)
            given = [p.array for p in model.parameters()]
            for state in optimizer.state.values():
                given += [state["exp_avg"], state["exp_avg_sq"]]
            kept.append([a.tolist() for a in given] if at_once else given)
        if not at_once:
            kept = [[a.tolist() for a in given] for given in kept]
        found.append(kept)
    early, late = found
    assert early == late
    assert early[0] != early[1] != early[2]


def test_a_step_that_fails_changes_nothing():
    model = GPT()
    optimizer = AdamW(model.parameters())
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    step(x, y)
    before = [p.tolist() for p in model.parameters()]
    with pytest.raises(IndexError):
        step(x, y + 100)
    assert [p.tolist() for p in model.parameters()] == before
    assert {state["step"] for state in optimizer.state.values()} == {1}


def test_two_optimizers_of_the_same_parameters():
    model = GPT()
    twin = copy.deepcopy(model)
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))

    def optimizers(m):
        return Adam(m.parameters()), SGD([m.head.weight, m.norm.bias], lr=0.5)

    first, second = optimizers(model)
    both = optimizers(twin)
    step = write(twin.loss, {"x": x, "y": y}, update=both, target="python")
    for _ in range(3):
        loss = eager_step(model, first, x, y)
        second.step()
        assert_near("loss", step(x, y), loss, NEAR)
    for name, p, q in parameters_of(model, twin):
        assert_near(name, q, p, NEAR)


def test_a_negative_state_is_answered_as_eagerly():
    """The update tries first, and looks at each number only if that raises."""
    model = GPT()
    twin = copy.deepcopy(model)
    optimizer, other = Adam(model.parameters()), Adam(twin.parameters())
    batch = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(twin.loss, dict(zip("xy", batch)), update=other, target="python")
    assert "except (ArithmeticError, ValueError)" in step.source
    eager_step(model, optimizer, *batch)
    step(*batch)
    for o in (optimizer, other):
        saved = o.state_dict()
        for state in saved["state"].values():
            state["exp_avg_sq"] = -state["exp_avg_sq"]
        o.load_state_dict(saved)
    eager_step(model, optimizer, *batch)
    step(*batch)
    for name, p, q in parameters_of(model, twin):
        assert_near(name, q, p, NEAR)
    assert any(v != v for v in flatten(model.head.weight.tolist()))


def test_what_is_written_meanwhile_is_not_moved_past():
    """The old parameter is read after the new one is there, if at all."""
    w = nn.Parameter(Tensor([1.0, 2.0]))

    def loss(x):
        return ((w * 2.0) * x).sum()

    x = Tensor([1.0, 3.0])
    step = write(
        lambda x: (loss(x), w * 2.0), {"x": x}, update=SGD([w], 0.5), target="python"
    )
    z, doubled = step(x)
    assert z.item() == 14.0
    assert doubled.tolist() == [2.0, 4.0]
    assert w.tolist() == [0.0, -1.0]


@needs_numpy
def test_a_model_on_numpy_keeps_its_dtype():
    with use_backend("numpy", "float32"):
        model = GPT()
        twin = copy.deepcopy(model)
        x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
        optimizer, other = AdamW(model.parameters()), AdamW(twin.parameters())
        step = write(twin.loss, {"x": x, "y": y}, update=other, target="python")
        for _ in range(5):
            want = eager_step(model, optimizer, x, y)
            assert_near("loss", step(x, y), want, 1e-5)
        for p, q in zip(model.parameters(), twin.parameters()):
            assert type(q.array) is type(p.array)
            assert q.array.dtype == other.state[q]["exp_avg"].dtype == "float32"
