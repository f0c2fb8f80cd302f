"""What a program moves belongs to the model: other steps, copies, files, and whoever
keeps numbers of before, go on as if each step had been eager."""

from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import needs_safetensors
from targets import Target, assert_near, each_trainer

import nn
from nn import optim
from nn.checkpoint import load, save
from tinygrad_attn import (
    Tensor,
    compile,
    grad,
    manual_seed,
    no_grad,
    randn,
    use_backend,
    write,
)
from tinygrad_attn.functional import mse_loss


class Model(nn.Module):
    def __init__(self) -> None:
        self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 2)

    def loss(self, x: Tensor, y: Tensor) -> Any:
        return mse_loss(self.b(self.a(x).tanh()), y)


def adam(model: nn.Module) -> optim.Optimizer:
    return optim.Adam(model.parameters(), 0.1)


class Twins:
    """A model that is trained eagerly, and one like it that a program trains."""

    def __init__(self, target: Target, make: Any = adam) -> None:
        manual_seed(0)
        self.model = Model()
        self.twin = copy.deepcopy(self.model)
        self.theirs, self.mine = make(self.model), make(self.twin)
        x, y = batch(0)
        inputs = {"x": x, "y": y}
        self.program = write(
            self.twin.loss, inputs, update=self.mine, target=target.name
        )

    def pairs(self) -> list[tuple[Any, Any]]:
        """(model, optimizer), of the eager one first."""
        return [(self.model, self.theirs), (self.twin, self.mine)]

    def step(self, i: int, eagerly: bool = False) -> None:
        """One step of both, and a look whether they are the same."""
        want = eager(self.model, self.theirs, *batch(i))
        if eagerly:
            got = eager(self.twin, self.mine, *batch(i))
        else:
            got = self.program(*batch(i))
        assert_near("loss", got.detach(), want.detach(), 1e-9)
        self.compare()

    def compare(self) -> None:
        pairs = zip(self.model.named_parameters(), self.twin.parameters())
        for (name, p), q in pairs:
            assert_near(name, q.detach(), p.detach(), 1e-9)
        ours, others = self.mine.state_dict(), self.theirs.state_dict()
        assert ours["steps"] == others["steps"]
        for i, state in others["state"].items():
            for slot, v in state.items():
                if slot == "step":
                    assert ours["state"][i][slot] == v
                else:
                    assert_near(slot, ours["state"][i][slot], v, 1e-9)


def batch(i: int) -> tuple[Tensor, Tensor]:
    manual_seed(100 + i)
    return randn(5, 3, dtype="float64"), randn(5, 2, dtype="float64")


def eager(model: Any, optimizer: Any, x: Tensor, y: Tensor) -> Any:
    loss = model.loss(x, y)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@pytest.fixture(autouse=True)
def on_its_backend(request: pytest.FixtureRequest) -> Any:
    target = request.node.callspec.params["target"]
    with use_backend(target.backend, "float64"):
        yield


# --- other steps between --------------------------------------------------------------


@each_trainer
def test_eager_steps_between(target: Target) -> None:
    twins = Twins(target)
    for i in range(10):
        twins.step(i, eagerly=i % 3 == 1 or i % 5 == 0)


@each_trainer
def test_two_programs_of_one_model(target: Target) -> None:
    twins, (x, y) = Twins(target), batch(0)
    inputs = {"x": x, "y": y}
    other = write(twins.twin.loss, inputs, update=twins.mine, target=target.name)
    watching = write(twins.twin.loss, inputs, target=target.name)
    programs = twins.program, other
    for i in range(6):
        want = twins.model.loss(*batch(i)).detach()
        assert_near("loss", watching(*batch(i))[0], want, 1e-9)
        twins.program = programs[i % 2]
        twins.step(i)


@each_trainer
def test_numbers_that_others_give(target: Target) -> None:
    twins = Twins(target)
    for i in range(2):
        twins.step(i)
    for model, _ in twins.pairs():
        model.a.weight.assign([[0.5] * 3] * 4)
        model.a.bias.data = Tensor([0.25] * 4)
        with no_grad():
            model.b.bias += 1.0
    for i in range(3):
        twins.step(i)


@each_trainer
def test_states_that_are_loaded(target: Target) -> None:
    twins = Twins(target)
    for i in range(3):
        twins.step(i)
    kept = [(m.state_dict(), o.state_dict()) for m, o in twins.pairs()]
    for i in range(3):
        twins.step(i)
    for (model, optimizer), (weights, state) in zip(twins.pairs(), kept):
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
    twins.compare()
    for i in range(3):
        twins.step(i)


@each_trainer
def test_a_state_that_is_changed_by_hand(target: Target) -> None:
    twins = Twins(target)
    for i in range(2):
        twins.step(i)
    for model, optimizer in twins.pairs():
        for p in model.parameters():
            state = optimizer.state[p]
            state["exp_avg"] = state["exp_avg"] * 0.5
    for i in range(2):
        twins.step(i)
    for _, optimizer in twins.pairs():
        optimizer.state.clear()
    for i in range(2):
        twins.step(i)


@each_trainer
def test_rates_are_read_and_other_options_are_not(target: Target) -> None:
    twins = Twins(target)
    for i in range(3):
        for _, optimizer in twins.pairs():
            optimizer.lr = 0.1 / (i + 1)
        twins.step(i)
    twins.mine.lr = -1.0
    with pytest.raises(ValueError, match="^Adam: lr=-1.0 given"):
        twins.program(*batch(0))
    twins.mine.lr, twins.mine.betas = 0.1, (0.5, 0.9)
    says = r"^step: betas is \(0.5, 0.9\), and was \(0.9, 0.999\) when the program"
    with pytest.raises(RuntimeError, match=says):
        twins.program(*batch(0))


@each_trainer
def test_compiled_functions_follow_all_options(target: Target) -> None:
    twins = Twins(target)
    twins.program = compile(update=twins.mine, target=target.name)(twins.twin.loss)
    twins.step(0)
    for _, optimizer in twins.pairs():
        optimizer.betas = (0.5, 0.9)
    twins.step(1)
    twins.step(2)


@each_trainer
def test_a_group_more(target: Target) -> None:
    twins = Twins(target)
    twins.mine.add_param_group({"params": [nn.Parameter([1.0])]})
    with pytest.raises(RuntimeError, match="^step: the number of groups is 2, and was"):
        twins.program(*batch(0))


@each_trainer
def test_two_optimizers_and_one_parameter_in_both(target: Target) -> None:
    manual_seed(0)
    model = Model()
    twin = copy.deepcopy(model)

    def several(m: Any) -> list[optim.Optimizer]:
        first = optim.SGD(m.a.parameters(), 0.1, 0.9)
        return [first, optim.Adam([m.a.weight, *m.b.parameters()], 0.05)]

    theirs, mine = several(model), several(twin)
    program = compile(update=mine, target=target.name)(twin.loss)
    for i in range(4):
        loss = model.loss(*batch(i))
        model.zero_grad()
        loss.backward()
        for optimizer in theirs:
            optimizer.step()
        assert_near("loss", program(*batch(i)), loss.detach(), 1e-9)
    for (name, p), q in zip(model.named_parameters(), twin.parameters()):
        assert_near(name, q.detach(), p.detach(), 1e-9)


# --- numbers that somebody keeps ------------------------------------------------------


@each_trainer
def test_what_is_kept_keeps_its_numbers(target: Target) -> None:
    twins = Twins(target)
    twins.step(0)
    w = twins.twin.a.weight
    kept = {
        "state_dict": twins.twin.state_dict()["a.weight"],
        "state": twins.mine.state_dict()["state"][0]["exp_avg"],
        "copy": copy.copy(w),
        "detach": w.detach(),
        "reshape": w.reshape(-1),
        "transpose": w.T,
        "row": w[1],
        "column": w[:, 1].detach(),
        "expand": w.unsqueeze(0).expand(2, -1, -1),
        "chunk": w.chunk(2)[1],
    }
    before = {name: t.tolist() for name, t in kept.items()}
    loss = twins.twin.loss(*batch(0))
    (want,) = grad(loss, w, retain_graph=True)
    array = w.array
    numbers = array.tolist()
    for i in range(3):
        twins.step(i)
    assert {name: t.tolist() for name, t in kept.items()} == before
    assert array.tolist() == numbers
    assert w.tolist() != numbers
    (got,) = grad(loss, w)  # of the graph that was recorded before
    assert got.tolist() == want.tolist()


class Pair:
    """Two parameters with momentum, that eager steps move, or a program."""

    def __init__(self, target: Target | None) -> None:
        self.w, self.v = nn.Parameter([1.0, 2.0]), nn.Parameter([3.0, 5.0])
        self.optimizer = optim.SGD([self.w, self.v], lr=0.1, momentum=0.9)
        self.x = Tensor([1.0, 1.0])
        inputs, name = {"x": self.x}, target and target.name
        self.program = target and write(
            self.loss, inputs, update=self.optimizer, target=name
        )

    def loss(self, x: Tensor) -> Any:
        return ((self.w * x) ** 2).sum() + (self.v * x * 0.5).sum()

    def eager(self) -> None:
        self.optimizer.zero_grad()
        self.loss(self.x).backward()
        self.optimizer.step()

    def step(self) -> None:
        self.program(self.x) if self.program else self.eager()

    @property
    def states(self) -> list[dict[str, Any]]:
        return [self.optimizer.state[p] for p in (self.w, self.v)]


def swap_numbers(pair: Pair) -> Any:
    pair.w.data, pair.v.data = pair.v.data, pair.w.data


def swap_momenta(pair: Pair) -> Any:
    a, b = pair.states
    a["momentum_buffer"], b["momentum_buffer"] = (
        b["momentum_buffer"],
        a["momentum_buffer"],
    )


def swap_states(pair: Pair) -> Any:
    a, b = pair.states
    pair.optimizer.state[pair.w], pair.optimizer.state[pair.v] = b, a


def move_and_put_back(pair: Pair) -> Any:
    kept = pair.w.data
    pair.w.data = pair.w.data + 0.5
    pair.step()
    pair.w.data = kept


def replace_a_momentum(pair: Pair) -> Any:
    kept = [state["momentum_buffer"] for state in pair.states]
    pair.states[1]["momentum_buffer"] = kept[0] * 1.0
    return kept[1]


def assign_numbers(pair: Pair) -> Any:
    kept = pair.w.array
    pair.w.assign([5.0, 6.0])
    return kept


def change_in_place(pair: Pair) -> Any:
    kept = pair.w.array
    with no_grad():
        pair.w.mul_(2.0)
    return kept


def load_all(pair: Pair) -> Any:
    kept = pair.v.array
    saved = pair.optimizer.state_dict()
    pair.step()
    pair.v.assign([1.0, 1.0])
    pair.optimizer.load_state_dict(saved)
    return kept


def step_eagerly(pair: Pair) -> Any:
    kept = pair.w.array, pair.states[0]["momentum_buffer"]
    pair.eager()
    return kept[0]


def replace_twice(pair: Pair) -> Any:
    pair.w.assign([3.0, 4.0])
    pair.step()  # counts anew who has which array
    pair.v.assign([3.0, 4.0])
    pair.w.data, pair.v.data = pair.v.data, pair.w.data
    with no_grad():
        pair.w.mul_(0.5)


MOVES = [swap_numbers, swap_momenta, swap_states, move_and_put_back, load_all]
MOVES += [
    replace_twice,
    replace_a_momentum,
    assign_numbers,
    change_in_place,
    step_eagerly,
]


@pytest.mark.parametrize("move", MOVES)
@each_trainer
def test_what_is_replaced_and_kept_keeps_its_numbers(target: Target, move: Any) -> None:
    """Of an array that a tensor lets go of, and somebody else has taken, there are as
    many references as before."""
    found = []
    for pair in (Pair(None), Pair(target)):
        pair.step()
        kept = move(pair)
        before = kept.tolist() if kept is not None else None
        for _ in range(2):
            pair.step()
            state = [a["momentum_buffer"].tolist() for a in pair.states]
            found.append((pair.w.tolist(), pair.v.tolist(), *state))
        assert kept is None or kept.tolist() == before
    for want, got in zip(found[:2], found[2:]):
        for a, b in zip(want, got):
            assert b == pytest.approx(a, rel=1e-12)


@each_trainer
def test_a_graph_of_before_has_the_numbers_of_before(target: Target) -> None:
    w, u = nn.Parameter([1.0, 2.0]), nn.Parameter([0.5, 0.6])
    x, optimizer = Tensor([1.0, 1.0]), optim.SGD([w], lr=0.1)

    def loss(x: Tensor) -> Any:
        return ((w * x) ** 2).sum()

    step = write(loss, {"x": x}, update=optimizer, target=target.name)
    step(x)
    graph, want = (w * u).sum(), w.tolist()
    optimizer.zero_grad()
    loss(x).backward()
    optimizer.step()
    step(x)
    graph.backward()
    assert u.grad is not None
    assert u.grad.tolist() == want


@each_trainer
def test_without_a_step_an_optimizer_stays_as_it_was(
    target: Target, tmp_path: Path
) -> None:
    """A program is saved, or refuses its first run: nothing has begun."""
    w, x = nn.Parameter([1.0, 2.0]), Tensor([1.0, 2.0])
    bad = Tensor([float("nan"), 1.0])
    for dampening in (0.0, 0.5):
        w.assign([1.0, 2.0])
        optimizer = optim.SGD([w], lr=0.1, momentum=0.5, dampening=dampening)

        def loss(x: Tensor) -> Any:
            return ((w * x) ** 2).sum()

        step = write(loss, {"x": x}, update=optimizer, clip=100.0, target=target.name)
        with pytest.raises(RuntimeError, match="clip_grad_norm: the norm is nan"):
            step(bad)
        assert optimizer.state == {}
        if dampening:  # it is for the first step alone
            with pytest.raises(ValueError, match="save: SGD has no momentum_buffer"):
                step.save(tmp_path / "step.py")
        else:
            step.save(tmp_path / "step.py")
        assert optimizer.state == {}
        optimizer.load_state_dict(optimizer.state_dict())
        step(x)
        assert w.tolist() == pytest.approx([0.8, 0.4])
        assert optimizer.state[w]["step"] == 1
        assert optimizer.state[w]["momentum_buffer"].tolist() == pytest.approx([2, 16])


@each_trainer
def test_clipping_where_there_is_nothing(target: Target) -> None:
    w = nn.Parameter(Tensor([]).reshape(0, 2))
    optimizer = optim.SGD([w], lr=0.1)
    x = Tensor([1.0, 2.0])
    step = write(
        lambda x: (w * x).sum(),
        {"x": x},
        update=optimizer,
        clip=1.0,
        target=target.name,
    )
    assert step(x).item() == 0.0


@needs_safetensors
@each_trainer
def test_copies_and_files(target: Target, tmp_path: Path) -> None:
    twins = Twins(target)
    twins.step(0)
    path = tmp_path / "model.safetensors"
    save(path, twins.twin, optimizer=twins.mine)
    copies = [copy.deepcopy(twins.twin), pickle.loads(pickle.dumps(twins.twin))]
    before = numbers_of(twins.twin)
    for i in range(3):
        twins.step(i)
    assert [numbers_of(c) for c in copies] == [before] * 2
    back = load(path)
    for model, optimizer in twins.pairs():
        model.load_state_dict(back.weights)
        optimizer.load_state_dict(back.optimizer)
    assert numbers_of(twins.twin) == before
    for i in range(2):
        twins.step(i)


def numbers_of(model: nn.Module) -> Any:
    return {name: t.tolist() for name, t in model.state_dict().items()}


# --- what is in the program, and what is not ------------------------------------------


@each_trainer
def test_a_parameter_that_is_not_used_stays(target: Target) -> None:
    unused, w = nn.Parameter([1.0]), nn.Parameter([1.0, 2.0])
    optimizer = optim.Adam([unused, w], 0.1, weight_decay=0.5)
    inputs = {"x": Tensor([1.0, 1.0])}
    program = write(
        lambda x: (x * w).sum(), inputs, update=optimizer, target=target.name
    )
    for _ in range(2):
        program(Tensor([1.0, 1.0]))
    assert unused.tolist() == [1.0]
    assert unused not in optimizer.state
    assert w.tolist() != [1.0, 2.0]
    assert w.grad is None


@each_trainer
def test_a_parameter_that_is_replaced(target: Target) -> None:
    twins = Twins(target)
    twins.twin.a.weight = nn.Parameter(twins.twin.a.weight.detach())
    with pytest.raises(
        RuntimeError, match=r"^step: Linear.weight was replaced by another since"
    ):
        twins.program(*batch(0))


@each_trainer
def test_threads_do_not_meet(target: Target) -> None:
    done, failed = [], []

    def train(seed: int) -> None:
        try:
            with use_backend(target.backend, "float64"):
                twins = Twins(target)
                for i in range(8):
                    twins.step(10 * seed + i)
            done.append(seed)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=train, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(done) == [0, 1, 2]
