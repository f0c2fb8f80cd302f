"""Schedules, as PyTorch has them and on paper, and gradients that add up."""

from __future__ import annotations

import copy
import math
from random import Random

import pytest
from conftest import assert_close, needs_torch

import nn
from nn import EOS, PAD, optim
from nn.optim import CosineAnnealingLR, LambdaLR, LinearLR, Noam, WarmUp
from tinygrad_attn import Tensor, manual_seed


def adam(lr=1e-3, more=()):
    groups = [{"params": [nn.Parameter([1.0])], "lr": rate} for rate in (lr, *more)]
    return optim.Adam(groups, betas=(0.9, 0.98), eps=1e-9)


def step(optimizer):
    for p in optimizer.parameters:
        p.grad = Tensor([1.0])
    optimizer.step()


def rates(optimizer, schedule, count):
    """The rates of so many steps, PyTorch's way."""
    seen = []
    for _ in range(count):
        seen.append([group["lr"] for group in optimizer.param_groups])
        step(optimizer)
        schedule.step()
    return seen


# --- as in PyTorch --------------------------------------------------------------------


def warm_linear(lr_scheduler, optimizer):
    first = lr_scheduler.LinearLR(optimizer, 1 / 5, total_iters=4)
    then = lr_scheduler.LinearLR(optimizer, 1.0, 0.1, 10)
    return lr_scheduler.SequentialLR(optimizer, [first, then], milestones=[5])


def warm_cosine(lr_scheduler, optimizer):
    first = lr_scheduler.LinearLR(optimizer, 1 / 5, total_iters=4)
    then = lr_scheduler.CosineAnnealingLR(optimizer, 10, 1e-4)
    return lr_scheduler.SequentialLR(optimizer, [first, then], milestones=[5])


def half(e):
    return 0.5 ** (e // 3)


def inverse(e):
    return 1 / (e + 1)


@needs_torch
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda o: LambdaLR(o, half), lambda s, o: s.LambdaLR(o, half)),
        (
            lambda o: LambdaLR(o, [half, inverse]),
            lambda s, o: s.LambdaLR(o, [half, inverse]),
        ),
        (lambda o: LinearLR(o), lambda s, o: s.LinearLR(o)),
        (
            lambda o: LinearLR(o, 0.25, 0.75, total_iters=7),
            lambda s, o: s.LinearLR(o, 0.25, 0.75, total_iters=7),
        ),
        (
            lambda o: LinearLR(o, 1.0, 0.0, 10),
            lambda s, o: s.LinearLR(o, 1.0, 0.0, 10),
        ),
        (
            lambda o: CosineAnnealingLR(o, T_max=10),
            lambda s, o: s.CosineAnnealingLR(o, T_max=10),
        ),
        (
            lambda o: CosineAnnealingLR(o, 7, 0.05),
            lambda s, o: s.CosineAnnealingLR(o, 7, 0.05),
        ),
        (lambda o: LinearLR(o, 1.0, 0.1, 10, warmup_steps=5), warm_linear),
        (lambda o: CosineAnnealingLR(o, 10, 1e-4, warmup_steps=5), warm_cosine),
        (lambda o: WarmUp(o, 5), lambda s, o: s.LinearLR(o, 1 / 5, total_iters=4)),
        (
            lambda o: Noam(o, 8, 4),
            lambda s, o: s.LambdaLR(
                o, lambda e: 8**-0.5 * min((e + 1) ** -0.5, (e + 1) * 4**-1.5)
            ),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*epoch parameter in `scheduler.step")
def test_rates_and_weights_equal_pytorch(ours, theirs):
    import torch

    def torch_leaf(number):
        return torch.tensor(number, dtype=torch.float64, requires_grad=True)

    alike = (1.0, 1.0), (0.1, 0.4)
    for lrs in alike[: 1 if isinstance(ours(adam(1.0, [1.0])), Noam) else 2]:
        mine = adam(lrs[0], lrs[1:])
        peers = torch.optim.Adam(
            [{"params": [torch_leaf([1.0])], "lr": lr} for lr in lrs],
            betas=(0.9, 0.98),
            eps=1e-9,
        )
        a, b = ours(mine), theirs(torch.optim.lr_scheduler, peers)
        for i in range(20):
            got = [group["lr"] for group in mine.param_groups]
            assert_close(got, [group["lr"] for group in peers.param_groups])
            assert a.get_last_lr() == got
            for p, group in zip(mine.parameters, peers.param_groups):
                p.grad = Tensor([i - 7.0])
                group["params"][0].grad = torch.tensor([i - 7.0], dtype=torch.float64)
            mine.step()
            peers.step()
            for p, group in zip(mine.parameters, peers.param_groups):
                assert_close(p, group["params"][0])
            if i % 2 or i > 8:  # epochs of two steps, then of one
                a.step()
                b.step()
        assert_close(a.base_lrs, [*lrs])


# --- on paper -------------------------------------------------------------------------


def test_warm_up():
    optimizer = adam(1.0)
    seen = rates(optimizer, WarmUp(optimizer, 4), 6)
    assert seen == [[0.25], [0.5], [0.75], [1.0], [1.0], [1.0]]
    optimizer = adam(1.0)
    assert rates(optimizer, WarmUp(optimizer, 0), 2) == [[1.0], [1.0]]


def test_linear_after_a_warm_up():
    optimizer = adam(1.0)
    schedule = LinearLR(optimizer, 1.0, 0.0, total_iters=4, warmup_steps=2)
    seen = [lr for (lr,) in rates(optimizer, schedule, 8)]
    assert seen == [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]


def test_cosine_after_a_warm_up():
    optimizer = adam(1.0)
    schedule = CosineAnnealingLR(optimizer, 4, 0.5, warmup_steps=2)
    seen = [lr for (lr,) in rates(optimizer, schedule, 7)]
    r = 0.25 * 2**-0.5
    assert_close(seen, [0.5, 1.0, 1.0, 0.75 + r, 0.75, 0.75 - r, 0.5])


@pytest.mark.parametrize(
    ("t", "lr"),
    [  # equation 3 with d_model = 512 and 4,000 steps, by hand
        (1, 1 / math.sqrt(512) / 4000**1.5),
        (2000, 2000 / math.sqrt(512) / 4000**1.5),
        (4000, 1 / math.sqrt(512 * 4000)),
        (16000, 1 / math.sqrt(512 * 16000)),
    ],
)
def test_noam_is_the_papers_equation_3(t, lr):
    assert Noam(adam(), 512).lr_at(t) == pytest.approx(lr, rel=1e-12)
    assert Noam(adam(), 512, factor=2.0).lr_at(t) == pytest.approx(2 * lr, rel=1e-12)


def test_noam_rises_to_its_peak_and_falls():
    rates = [Noam(adam(), 8, 10).lr_at(t) for t in range(40)]
    assert rates[0] == 0.0  # guarded: 0^-0.5 is none
    assert rates.index(max(rates)) == 10
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_noam_sets_the_rate_of_the_first_step_when_it_is_made():
    optimizer = adam(more=[1e-3])
    schedule = Noam(optimizer, 512)
    assert optimizer.lr == schedule.lr_at(1) == pytest.approx(1.746928107e-07)
    seen = rates(optimizer, schedule, 6)
    assert seen == [[schedule.lr_at(t)] * 2 for t in (1, 2, 3, 4, 5, 6)]


# --- how it is used -------------------------------------------------------------------


def test_a_step_before_the_optimizers_is_warned_of_once():
    optimizer = adam(1.0)
    schedule = WarmUp(optimizer, 10)
    with pytest.warns(UserWarning, match=r"WarmUp: step\(\) before .*call optimizer"):
        schedule.step()
    schedule.step()  # to see the rates, perhaps
    assert optimizer.lr == pytest.approx(0.3)


def test_the_last_schedule_that_is_made_is_the_optimizers():
    optimizer = adam(1.0)
    first = WarmUp(optimizer, 4)
    second = CosineAnnealingLR(optimizer, 10)
    assert optimizer.lr == 1.0  # what the first has set is no base of the second
    assert optimizer.schedule is second
    step(optimizer)
    with pytest.raises(RuntimeError, match="WarmUp: its optimizer has another schedu"):
        first.step()


def test_a_group_that_comes_later_is_scheduled_too():
    optimizer = adam(1.0)
    schedule = WarmUp(optimizer, 4)
    step(optimizer)
    optimizer.add_param_group({"params": [nn.Parameter([1.0])], "lr": 2.0})
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 1.0]


SCHEDULES = [
    lambda o: WarmUp(o, 9),
    lambda o: LinearLR(o, 0.5, total_iters=8),
    lambda o: LinearLR(o, 1.0, 0.0, 10, warmup_steps=2),
    lambda o: CosineAnnealingLR(o, 6, warmup_steps=2),
    lambda o: Noam(o, 16, 4),
    lambda o: LambdaLR(o, inverse),
]


@pytest.mark.parametrize("make", SCHEDULES)
@pytest.mark.parametrize("order", ["before", "after", "own", "changed"])
def test_a_schedule_goes_on_where_it_was(make, order):
    """Made before the state is loaded, after it, or loaded by its own state; with
    everything changed meanwhile."""
    optimizer = adam(0.5)
    schedule = make(optimizer)
    rates(optimizer, schedule, 3)
    saved = copy.deepcopy((optimizer.state_dict(), schedule.state_dict()))
    want = rates(optimizer, schedule, 8)
    other = optimizer if order == "changed" else adam(0.3)
    if order == "after":
        other.load_state_dict(saved[0])
        assert other.state_dict()["schedule"] == saved[1]  # kept until it is made
    again = schedule if order == "changed" else make(other)
    if order == "changed":
        optimizer.lr = 7.0
        for key in saved[1]:
            if key not in ("schedule", "base_lrs", "last_lrs"):
                setattr(schedule, key, 1)
    if order == "own":
        again.load_state_dict(saved[1])
        assert again.state_dict() == saved[1]
    elif order != "after":
        other.load_state_dict(saved[0])
    assert rates(other, again, 8) == want


def test_another_schedule_begins_anew_on_a_loaded_state():
    optimizer = adam(1.0)
    rates(optimizer, WarmUp(optimizer, 2), 3)
    for make in (lambda o: WarmUp(o, 4), lambda o: LinearLR(o, 0.25)):
        other = adam(1.0)
        other.load_state_dict(optimizer.state_dict())
        make(other)
        assert other.lr == 0.25


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: Noam(None, 8), TypeError, "Noam: a NoneType given; it takes an optim"),
        (lambda: Noam(adam(), 0), ValueError, "Noam: d_model=0 given; it must be an"),
        (lambda: Noam(adam(), 8, 0), ValueError, "Noam: warmup_steps=0 given"),
        (lambda: Noam(adam(), 8, 2.5), TypeError, "Noam: warmup_steps=2.5, a float"),
        (lambda: Noam(adam(), 8, factor=-1), ValueError, "Noam: factor=-1 given"),
        (lambda: Noam(adam(), 8).lr_at(-1), ValueError, "Noam: t=-1 given"),
        (lambda: Noam(adam(0.1, [0.2]), 8), ValueError, "Noam: groups of lr 0.1, 0.2"),
        (lambda: WarmUp(adam(), True), TypeError, "WarmUp: warmup_steps=True, a bool"),
        (lambda: LinearLR(adam(), 0.0), ValueError, "LinearLR: start_factor=0.0 given"),
        (lambda: LinearLR(adam(), 1, 2), ValueError, "LinearLR: end_factor=2 given"),
        (lambda: LinearLR(adam(), 1, 1, 0), ValueError, "LinearLR: total_iters=0 giv"),
        (
            lambda: CosineAnnealingLR(adam(), 0),
            ValueError,
            "CosineAnnealingLR: T_max=0",
        ),
        (
            lambda: CosineAnnealingLR(adam(), 9, -1),
            ValueError,
            "CosineAnnealingLR: eta_min=-1 given",
        ),
        (
            lambda: CosineAnnealingLR(adam(), 9, warmup_steps=-1),
            ValueError,
            "CosineAnnealingLR: warmup_steps=-1 given",
        ),
        (lambda: LambdaLR(adam(), 0.5), TypeError, "LambdaLR: lr_lambda=0.5 given"),
        (
            lambda: LambdaLR(adam(), [half] * 2),
            ValueError,
            "LambdaLR: 2 functions give",
        ),
        (
            lambda: LambdaLR(adam(), lambda e: None),
            TypeError,
            "LambdaLR: lr_lambda(0)=None, a NoneType, given; it must be a number",
        ),
        (
            lambda: LambdaLR(adam(), lambda e: -1.0),
            ValueError,
            "LambdaLR: lr_lambda(0)=-1.0 given; it must be a number in [0, inf)",
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(said)


def test_a_schedule_that_is_refused_leaves_the_optimizer():
    optimizer = adam(0.1, [0.2])
    with pytest.raises(ValueError, match="Noam"):
        Noam(optimizer, 8)
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 0.2]
    assert "initial_lr" not in optimizer.param_groups[0]
    assert optimizer.schedule is None
    optimizer.lr = "a"
    with pytest.raises(TypeError, match="Adam: group 0: lr='a', a str, given"):
        WarmUp(optimizer, 3)


def test_settings_are_checked_when_they_are_used():
    optimizer = adam(0.1)
    schedule = WarmUp(optimizer, 3)
    step(optimizer)
    schedule.warmup_steps = "a"
    with pytest.raises(TypeError, match="WarmUp: warmup_steps='a', a str, given"):
        schedule.step()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schedule": "Noam"}, "WarmUp: a state of Noam given; it must be of WarmUp"),
        ({"last_epoch": -1}, "WarmUp: last_epoch=-1 given"),
        ({"last_epoch": "a"}, "WarmUp: last_epoch='a'"),
        ({"warmup_steps": -1}, "WarmUp: warmup_steps=-1 given"),
        ({"base_lrs": [0.1, 0.2]}, "WarmUp: base_lrs=[0.1, 0.2] given; it must have"),
        ({"last_lrs": [None]}, "WarmUp: last_lrs=None, a NoneType, given"),
        ({"last_lrs": 3}, "WarmUp: last_lrs=3 given"),
        ({"T_max": 3}, "WarmUp: a state with T_max, base_lrs, last_epoch,"),
    ],
)
def test_a_wrong_state_of_a_schedule_is_refused(change, said):
    optimizer = adam(0.1)
    schedule = WarmUp(optimizer, 3)
    saved = schedule.state_dict()
    with pytest.raises((TypeError, ValueError)) as caught:
        schedule.load_state_dict(saved | change)
    assert str(caught.value).startswith(said)
    whole = optimizer.state_dict()
    with pytest.raises((TypeError, ValueError)) as caught:
        optimizer.load_state_dict(whole | {"schedule": saved | change, "steps": 5})
    assert str(caught.value).startswith(said)
    assert optimizer.state_dict() == whole
    for nothing in None, 3, []:
        with pytest.raises(TypeError, match="WarmUp: a state of .* given; it must be"):
            schedule.load_state_dict(nothing)
    with pytest.raises(
        ValueError, match="WarmUp: a state with nothing in it given; it"
    ):
        schedule.load_state_dict({})


# --- gradient accumulation ------------------------------------------------------------


def pairs(count):
    """Sources and labels of one length to three, as one padded batch."""
    rng = Random(0)
    rows = [rng.choices(range(3, 9), k=rng.randint(1, 3)) for _ in range(count)]
    padded = [[*row, EOS] + [PAD] * (3 - len(row)) for row in rows]
    return Tensor(padded), Tensor([[*row[::-1], EOS, PAD, PAD][:4] for row in rows])


def test_parts_of_a_batch_add_up_to_the_gradient_of_the_whole(any_backend):
    """Each part's mean counts by its share of tokens, not by its share of rows."""
    manual_seed(0)
    model = nn.Seq2SeqTransformer(9, 4, 2, 1, 1, 6, dropout=0.0)
    src, labels = pairs(4)
    counted = (labels != PAD).astype("int64").sum().item()
    model.loss(src, labels, label_smoothing=0.1).backward()
    want = {path: p.grad for path, p in model.named_parameters()}
    model.zero_grad()
    parts = [slice(0, 1), slice(1, 4)]
    shares = []
    for part in parts:
        share = (labels[part] != PAD).astype("int64").sum().item() / counted
        shares.append(share)
        loss = model.loss(src[part], labels[part], label_smoothing=0.1) * share
        loss.backward()
    for path, p in model.named_parameters():
        assert_close(p.grad, want[path])
    assert shares[0] != 0.25  # so the shares of rows would have been wrong


def test_without_zero_grad_the_last_step_is_still_in_it():
    w = nn.Parameter([1.0])
    for count in 1, 2, 3:
        (w * 2.0).sum().backward()
        assert w.grad.tolist() == [2.0 * count]
