"""Indices and masks that are inputs: a run may be given others, and checks them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from targets import Target, assert_near, each_target, each_trainer, gradients_of

import nn
from tinygrad_attn import (
    Tensor,
    gather,
    manual_seed,
    one_hot,
    randn,
    record,
    take_along_axis,
    use_backend,
    write,
)
from tinygrad_attn.functional import cross_entropy, embedding
from tinygrad_attn.ops import scatter_add, take

Pick = Callable[[Tensor, Tensor, Tensor], Any]
# Each picks of x (3, 4, 5) by i (2,) and j (2,).
PICKS: dict[str, Pick] = {
    "x[i]": lambda x, i, j: x[i],
    "x[i, j]": lambda x, i, j: x[i, j],
    "x[:, i]": lambda x, i, j: x[:, i],
    "x[..., j]": lambda x, i, j: x[..., j],
    "x[i, 1:3]": lambda x, i, j: x[i, 1:3],
    "x[i, ::-2, j]": lambda x, i, j: x[i, ::-2, j],
    "x[None, i, :, None]": lambda x, i, j: x[None, i, :, None],
    "x[1, i]": lambda x, i, j: x[1, i],
    "x[i, -1, j]": lambda x, i, j: x[i, -1, j],
    "x[i[:, None], j]": lambda x, i, j: x[i[:, None], j],
    "x[:, [0, 2], j]": lambda x, i, j: x[:, [0, 2], j],
    "x[i[0]]": lambda x, i, j: x[i[0]],
    "x[i + 0, 2:2]": lambda x, i, j: x[i + 0, 2:2],
    "x[argmax]": lambda x, i, j: x[:, x[0][:, i].argmax(axis=1)],
    "take": lambda x, i, j: take(x, abs(i)),
    "scatter_add": lambda x, i, j: scatter_add(x[:2], abs(i), 3),
    "embedding": lambda x, i, j: embedding(abs(i), x[0]),
    "gather": lambda x, i, j: gather(x[0], 0, abs(i).reshape(2, 1)),
    "along": lambda x, i, j: take_along_axis(x[0], j.reshape(2, 1), 0),
    "one_hot": lambda x, i, j: one_hot(abs(i), 3) @ x[0, :3],
}


def picked(pick: Pick, x: Tensor) -> Any:
    """A loss made of what is picked."""

    def loss(i: Tensor, j: Tensor) -> Any:
        z = pick(x, i, j)
        return (z * z).sum() + (x * 0.5).sum() + ((i + j) * 0.0).sum()

    return loss


@each_target
@pytest.mark.parametrize("how", PICKS)
def test_indices_as_inputs(how: str, target: Target) -> None:
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        x = nn.Parameter(randn(3, 4, 5, dtype="float64"))
        loss = picked(PICKS[how], x)
        step = write(loss, {"i": [0, 1], "j": [0, 1]}, target=target.name)
        for i, j in (([0, 2], [3, 1]), ([-1, -1], [-4, 3]), ([2, -2], [0, -1])):
            given = Tensor(i), Tensor(j)
            x.grad = None
            want = loss(*given)
            want.backward()
            found, gradients = gradients_of(step, step(*given))
            assert_near("loss", found, want.detach(), 1e-12)
            assert x.grad is not None
            assert_near("x", gradients[id(x)], x.grad, 1e-12)


WRONG = {
    "x[i]": ([0, 3], [0, 0]),
    "x[:, i]": ([-5, 0], [0, 0]),
    "x[i, j]": ([0, 0], [4, -5]),
    "x[i[0]]": ([-4, 0], [0, 0]),
    "take": ([3, 0], [0, 0]),
    "scatter_add": ([0, 7], [0, 0]),
    "embedding": ([0, 4], [0, 0]),
    "gather": ([0, 5], [0, 0]),
    "along": ([0, 0], [0, 9]),
    "one_hot": ([3, 0], [0, 0]),
}


@each_trainer
@pytest.mark.parametrize("how", WRONG)
def test_indices_out_of_range(how: str, target: Target) -> None:
    """The same sentence as eagerly."""
    with use_backend(target.backend, "float64"):
        x = nn.Parameter(randn(3, 4, 5, dtype="float64"))
        loss = picked(PICKS[how], x)
        step = write(loss, {"i": [0, 1], "j": [0, 1]}, target=target.name)
        given = [Tensor(v) for v in WRONG[how]]
        with pytest.raises(IndexError) as eager:
            loss(*given)
        with pytest.raises(IndexError, match=f"^{re.escape(str(eager.value))}$"):
            step(*given)


@each_trainer
def test_a_picked_label_of_a_recorded_loss(target: Target) -> None:
    """−ln p[label], written with an index."""
    with use_backend(target.backend, "float64"):
        w, x = nn.Parameter(randn(3, 4, dtype="float64")), randn(2, 3, dtype="float64")
        rows, labels = Tensor([0, 1]), Tensor([3, 0])
        with record():
            loss = -(x @ w).log_softmax()[rows, labels].mean()
        inputs = {"x": x, "labels": labels}
        step = write(loss, inputs, target=target.name)
        for given in ([3, 0], [1, 1], [-1, 2]):
            y = Tensor(given)
            want = cross_entropy(x @ w, y + 4 * (y < 0))
            assert_near("loss", step(x, y)[0], want.detach(), 1e-12)


# --- masks ----------------------------------------------------------------------------


class Masked(nn.Module):
    def __init__(self) -> None:
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)

    def loss(self, x: Tensor, mask: Tensor, real: Tensor) -> Any:
        z = self.layer(x, mask, src_key_padding_mask=real)
        return (z * x).sum()


ALL = [[True] * 4] * 4
SOME = [[True, False, False, False], [False] * 4, [True] * 4, [False, True, True, True]]
WORDS = [[True, True, True, False], [False] * 4]


@each_target
def test_masks_as_inputs(target: Target) -> None:
    """Also such that a query may attend to nothing."""
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        model, x = Masked(), randn(2, 4, 8, dtype="float64")
        inputs = {"x": x, "mask": Tensor(ALL), "real": Tensor(ALL[:2])}
        step = write(model.loss, inputs, target=target.name)
        for mask, real in ((ALL, ALL[:2]), (SOME, WORDS), (ALL, WORDS)):
            given = x, Tensor(mask), Tensor(real)
            model.zero_grad()
            want = model.loss(*given)
            want.backward()
            loss, gradients = gradients_of(step, step(*given))
            assert_near("loss", loss, want.detach(), 1e-12)
            for name, p in model.named_parameters():
                assert p.grad is not None
                assert_near(name, gradients[id(p)], p.grad, 1e-12)


@each_trainer
def test_masks_of_a_recorded_loss(target: Target) -> None:
    """It was recorded without a query that sees nothing, and has no case for one."""
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        model, x = Masked(), randn(2, 4, 8, dtype="float64")
        mask, real = Tensor(ALL), Tensor(ALL[:2])
        with record():
            loss = model.loss(x, mask, real)
        step = write(loss, {"x": x, "mask": mask, "real": real}, target=target.name)
        lower = Tensor([[j <= i for j in range(4)] for i in range(4)])
        want = model.loss(x, lower, real)
        assert_near("loss", step(x, lower, real)[0], want.detach(), 1e-12)
        with pytest.raises(ValueError, match="^attention: a query may attend to noth"):
            step(x, Tensor(SOME), real)
