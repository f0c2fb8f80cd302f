"""Schedules, and gradients that several batches add up to."""

from __future__ import annotations

import math
from random import Random

import pytest
from conftest import assert_close

import nn
from nn import EOS, PAD, optim
from nn.optim import Noam
from tinygrad_attn import Tensor, manual_seed


def adam():
    return optim.Adam([nn.Parameter([1.0])], betas=(0.9, 0.98), eps=1e-9)


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


def test_noam_sets_the_rate_of_the_next_step_and_goes_on_from_a_saved_one():
    optimizer = adam()
    (w,) = optimizer.parameters
    schedule = Noam(optimizer, 16, 4)
    seen = []
    for _ in range(6):
        schedule.step()
        seen.append(optimizer.lr)
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert seen == [schedule.lr_at(t) for t in (1, 2, 3, 4, 5, 6)]
    other = adam()
    other.load_state_dict(optimizer.state_dict())
    Noam(other, 16, 4).step()
    assert other.lr == schedule.lr_at(7)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: Noam(None, 8), TypeError, "Noam: a NoneType given; it takes an optim"),
        (lambda: Noam(adam(), 0), ValueError, "Noam: d_model=0 given; it must be an"),
        (lambda: Noam(adam(), 8, 0), ValueError, "Noam: warmup_steps=0 given"),
        (lambda: Noam(adam(), 8, 2.5), TypeError, "Noam: warmup_steps=2.5, a float"),
        (lambda: Noam(adam(), 8, factor=-1), ValueError, "Noam: factor=-1 given"),
        (lambda: Noam(adam(), 8).lr_at(-1), ValueError, "Noam: t=-1 given"),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(said)


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
