"""An optimizer's state: all that the next step depends on; nothing wrong enters."""

from __future__ import annotations

import copy

import pytest
from conftest import needs_numpy
from test_optim import IDS, SETTINGS

import nn
from nn import checkpoint, optim
from tinygrad_attn import Tensor, use_backend, zeros


class Run:
    """Two groups, one with a parameter whose gradients come seldom, and a schedule."""

    def __init__(self, name="Adam", schedule=True, **settings):
        self.model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        first, last = ([*part.parameters()] for part in self.model)
        groups = [{"params": first, "lr": 0.05}, {"params": last, "weight_decay": 0.1}]
        self.optimizer = getattr(optim, name)(groups, **settings)
        self.schedule = None
        if schedule:
            self.schedule = optim.CosineAnnealingLR(self.optimizer, 9, warmup_steps=2)

    def train(self, steps, start):
        for i in range(start, start + steps):
            for k, p in enumerate(self.model.parameters()):
                late = k == 3 and i % 3
                p.grad = (
                    None if late else Tensor([0.1 * i - 0.3] * p.size).reshape(p.shape)
                )
            self.optimizer.step()
            if self.schedule:
                self.schedule.step()
        return self.numbers()

    def numbers(self):
        state = self.optimizer.state_dict()
        arrays = {
            (i, slot): v if slot == "step" else v.tolist()
            for i, own in state["state"].items()
            for slot, v in own.items()
        }
        weights = [p.tolist() for p in self.model.parameters()]
        return weights, arrays, state["param_groups"], state["schedule"], state["steps"]

    def spoil(self):
        """Changes everything that the next step depends on."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["weight_decay"] = 0.7
            for key, value in (("betas", (0.1, 0.2)), ("eps", 1.0), ("momentum", 0.3)):
                if key in group:
                    group[key] = value
            for key in "amsgrad", "maximize":
                if key in group:
                    group[key] = not group[key]
        if self.schedule:
            self.schedule.T_max = self.schedule.warmup_steps = 5
            self.schedule.last_epoch = 77
        self.optimizer.steps = 1000
        for own in self.optimizer.state.values():
            own["step"] = 1000
        self.train(2, 5)
        self.optimizer.state.clear()


@pytest.mark.parametrize("schedule", [True, False])
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_what_is_loaded_goes_on_to_the_last_bit(name, settings, schedule, any_backend):
    run = Run(name, schedule, **settings)
    run.train(4, 0)
    saved = copy.deepcopy((run.model.state_dict(), run.optimizer.state_dict()))
    want = run.train(5, 4)
    other = Run(name, schedule, lr=0.9)
    for one in run, other:
        one.spoil()
        one.model.load_state_dict(saved[0])
        one.optimizer.load_state_dict(saved[1])
        assert one.train(5, 4) == want


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_a_checkpoint_has_all_of_it(name, settings, any_backend, tmp_path):
    run = Run(name, **settings)
    run.train(4, 0)
    run.optimizer.param_groups[0]["lr"] = 0.123  # by hand, for one step
    checkpoint.save(tmp_path / "x", run.model, run.optimizer)
    want = run.train(5, 4)
    other = Run(name, lr=0.9)
    for one in run, other:
        one.spoil()
        checkpoint.load(tmp_path / "x").restore(one.model, one.optimizer)
        assert one.train(5, 4) == want


@needs_numpy
def test_a_state_of_another_backend_and_dtype_is_taken_over():
    run = Run(amsgrad=True)
    run.train(4, 0)
    with use_backend("numpy"):
        other = Run(amsgrad=True)
        other.optimizer.load_state_dict(run.optimizer.state_dict())
        for p, own in other.optimizer.state.items():
            assert own["step"] in (2, 4)
            for slot in "exp_avg", "exp_avg_sq", "max_exp_avg_sq":
                assert (own[slot].shape, str(own[slot].dtype)) == (p.shape, "float32")
        other.train(1, 4)


def test_a_state_is_as_it_was_when_it_was_asked_for():
    run = Run()
    run.train(2, 0)
    saved = run.optimizer.state_dict()
    before = copy.deepcopy(saved)
    run.spoil()
    assert str(saved) == str(before)


def trained(name="Adam", **settings):
    w, v = nn.Parameter([1.0, 2.0]), nn.Parameter([[1.0]])
    optimizer = getattr(optim, name)([w, v], **settings)
    w.grad = Tensor([1.0, 1.0])
    optimizer.step()
    return optimizer


def changed(path, value):
    """A function that puts a value at a place in a state; or removes it, for `...`."""

    def change(state):
        *way, last = path
        for key in way:
            state = state[key]
        if value is ...:
            del state[last]
        else:
            state[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (changed(["optimizer"], "SGD"), ValueError, "a state of SGD given; it must be"),
        (changed(["optimizer"], ...), ValueError, "a state with param_groups, sche"),
        (changed(["more"], 1), ValueError, "a state with more, optimizer, param_gr"),
        (changed(["steps"], -1), ValueError, "steps=-1 given"),
        (changed(["steps"], "a"), TypeError, "steps='a'"),
        (changed(["schedule"], 3), TypeError, "schedule=3 given; it must be None or"),
        (changed(["state"], [1]), TypeError, "state=[1] given; it must be a dict"),
        (changed(["state", 5], {}), ValueError, "a state of parameter 5 given; it is"),
        (
            changed(["state", 0], 3),
            TypeError,
            "parameter 0, (2,): a state of int given",
        ),
        (
            changed(["state", 0, "exp_avg"], ...),
            ValueError,
            "parameter 0, (2,): a state with step, exp_avg_sq given; it must have step",
        ),
        (
            changed(["state", 0, "momentum_buffer"], zeros(2)),
            ValueError,
            "parameter 0, (2,): a state with step, exp_avg, exp_avg_sq, momentum_buf",
        ),
        (
            changed(["state", 0, "step"], 0),
            ValueError,
            "parameter 0, (2,): step=0 given; it must be an integer in [1, inf)",
        ),
        (
            changed(["state", 0, "step"], 1.5),
            TypeError,
            "parameter 0, (2,): step=1.5, a float, given",
        ),
        (
            changed(["state", 0, "exp_avg"], zeros(3)),
            ValueError,
            "parameter 0, (2,): exp_avg of shape (3,) given for a parameter of (2,)",
        ),
        (
            changed(["state", 0, "exp_avg"], [0.0, 0.0]),
            TypeError,
            "parameter 0, (2,): exp_avg is a list; it must be a Tensor",
        ),
        (changed(["param_groups"], {}), TypeError, "param_groups must be a list of"),
        (changed(["param_groups"], [{}]), TypeError, "param_groups must be a list of"),
        (
            changed(["param_groups"], []),
            ValueError,
            "a state of groups of no parameters given; this optimizer has 2",
        ),
        (
            changed(["param_groups", 0, "params"], [0]),
            ValueError,
            "a state of groups of 1 parameters given; this optimizer has 2",
        ),
        (
            changed(["param_groups", 0, "params"], [0, 0]),
            ValueError,
            "params [0, 0] gi",
        ),
        (changed(["param_groups", 0, "params"], ["a", 0]), TypeError, "params='a'"),
        (changed(["param_groups", 0, "lr"], -1.0), ValueError, "lr=-1.0 given"),
        (changed(["param_groups", 0, "lr"], ...), ValueError, "a group without lr"),
        (changed(["param_groups", 0, "wd"], 1.0), ValueError, "a group with wd given"),
    ],
)
def test_a_wrong_state_is_refused_and_changes_nothing(change, kind, said):
    optimizer = trained()
    before = str(optimizer.state_dict())
    wrong = copy.deepcopy(optimizer.state_dict())
    wrong["param_groups"][0]["eps"] = 0.5  # would be seen, were it taken over
    wrong["steps"] = 9
    change(wrong)
    with pytest.raises(kind) as caught:
        optimizer.load_state_dict(wrong)
    assert str(caught.value).startswith(f"Adam: {said}")
    assert "\n" not in str(caught.value)
    assert str(optimizer.state_dict()) == before


def test_another_classs_state_is_refused():
    for one in "SGD", "Adam", "AdamW":
        for other in "SGD", "Adam", "AdamW":
            if one != other:
                said = f"^{one}: a state of {other} given; it must be of {one}$"
                with pytest.raises(ValueError, match=said):
                    trained(one).load_state_dict(trained(other).state_dict())


def test_other_groups_are_refused():
    two = optim.Adam([{"params": nn.Parameter([1.0])}, {"params": nn.Parameter([1.0])}])
    one = optim.Adam([nn.Parameter([1.0]), nn.Parameter([1.0])])
    with pytest.raises(ValueError, match="of groups of 1 and 1 parameters given; this"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(ValueError, match="of groups of 2 parameters .* has 1 and 1$"):
        two.load_state_dict(one.state_dict())


def test_a_state_without_the_schedule_is_refused_and_another_schedules_too():
    plain, warm, noam = (trained() for _ in range(3))
    optim.WarmUp(warm, 3)
    optim.Noam(noam, 8)
    with pytest.raises(ValueError, match="Adam: a state without a schedule given, and"):
        warm.load_state_dict(plain.state_dict())
    with pytest.raises(ValueError, match="WarmUp: a state of Noam given"):
        warm.load_state_dict(noam.state_dict())
    plain.load_state_dict(noam.state_dict())  # the schedule may still be made
    assert plain.lr == noam.lr
