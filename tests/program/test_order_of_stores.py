"""A run returns what was before the update, and stores nothing that is still read; and
threads that share a program wait for each other."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest
from test_compile import needs_cc

from nn import Linear, Parameter, Sequential, optim
from tinygrad_attn import (
    Tensor,
    compile,
    manual_seed,
    ones,
    randn,
    use_backend,
    write,
    zeros,
)

TARGETS = ["numpy", "python", pytest.param("c", marks=needs_cc)]


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        yield


@pytest.mark.parametrize("target", TARGETS)
def test_results_are_those_before_the_update(target):
    w = Parameter([[1.0, 2.0], [3.0, 4.0]])

    def look(x):
        return (x * w).sum(), w.T, w[0], w.reshape(-1), w[1, 0]

    x = Tensor([[1.0, 1.0], [1.0, 2.0]])
    want = [t.tolist() for t in look(x)]
    step = write(look, {"x": x}, update=optim.SGD([w], lr=1.0), target=target)
    assert [t.tolist() for t in step(x)] == want
    assert w.tolist() == [[0.0, 1.0], [2.0, 2.0]]
    assert step(x)[4].item() == 2.0


@pytest.mark.parametrize("target", TARGETS)
def test_a_loss_may_be_a_parameter_itself(target):
    w = Parameter([3.0])
    step = write(lambda: w.sum(), {}, update=optim.SGD([w], lr=1.0), target=target)
    assert [step().item() for _ in range(3)] == [3.0, 2.0, 1.0]


class TwoBack(optim.Optimizer):
    """Each slot takes over what another was."""

    slots = ("g1", "g2")

    def update(self, xp, w, g, state, options):
        g1, g2 = state.get("g1", g), state.get("g2", g)
        return w - options["lr"] * (g + g1 + g2), {"g1": g, "g2": g1}


class KeepOld(optim.Optimizer):
    """A slot takes over what the weights were."""

    slots = ("old",)

    def update(self, xp, w, g, state, options):
        old = state.get("old", w)
        return w - options["lr"] * g + 0.9 * (w - old), {"old": w}


class Swapped(optim.Optimizer):
    """Two slots change places, and a third goes backwards."""

    slots = ("a", "b", "c")

    def update(self, xp, w, g, state, options):
        a, b, c = (state.get(slot, g) for slot in "abc")
        w = w - options["lr"] * (a + 2.0 * b + 3.0 * c)
        return w, {"a": b + g, "b": a, "c": c[::-1]}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", [TwoBack, KeepOld, Swapped])
@pytest.mark.parametrize("groups", [1, 2])
def test_nothing_is_overwritten_that_is_still_read(kind, groups, target):
    found = []
    for programmed in (False, True):
        p, q = Parameter([1.0, 2.0]), Parameter([0.5])
        listed = [p, q] if groups == 1 else [{"params": [p]}, {"params": [q]}]
        optimizer = kind(listed, {"lr": 0.1})

        def loss(x, p=p, q=q):
            return (x * p * p).sum() + (p * q).sum() + (q * q).sum()

        step = compile(loss, update=optimizer, target=target)
        for i in range(5):
            x = Tensor([1.0, float(i)])
            if programmed:
                step(x)
            else:
                optimizer.zero_grad()
                loss(x).backward()
                optimizer.step()
        state = [optimizer.state[p][s].tolist() for s in kind.slots]
        found.append([*p.tolist(), *q.tolist(), *sum(state, [])])
    assert found[1] == pytest.approx(found[0], rel=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_threads_may_share_a_program(target):
    model = Sequential(Linear(16, 64), Linear(64, 16))
    for p in model.parameters():
        p.requires_grad_(False)
    step, wrong = write(lambda x: model(x), {"x": zeros(8, 16)}, target=target), []
    manual_seed(0)
    pairs = [(x, model(x).tolist()) for x in (randn(8, 16) for _ in range(4))]

    def work(x, want):
        for _ in range(10 if target == "python" else 150):
            wrong.append(not np.allclose(step(x).tolist(), want, atol=1e-9))

    threads = [Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wrong) == 0


def test_an_optimizer_with_a_step_of_its_own_is_refused():
    class Clipped(optim.SGD):
        def step(self, closure=None):
            optim.clip_grad_norm(self.parameters, 0.1)
            return super().step(closure)

    w = Parameter([1.0])
    with pytest.raises(
        TypeError, match=r"^write: update=Clipped given, and its step\("
    ):
        write(lambda: (w * w).sum(), {}, update=Clipped([w], lr=1.0))
    plain = optim.SGD([w], lr=1.0)
    plain.step = lambda: None
    with pytest.raises(
        TypeError, match=r"^write: update=SGD given, and its step\(\) is"
    ):
        write(lambda: (w * w).sum(), {}, update=plain)


@needs_cc
def test_c_computes_what_is_written():
    """No algebra that is wrong for some numbers."""
    inf, nan = float("inf"), float("nan")
    big = 1.5 * 2.0**52
    cases = {
        lambda x: x * 0.0: [inf, nan, 1e308, 1.0],
        lambda x: (x + 1.0) - x: [inf, nan, 1e308, 1.0],
        lambda x: x + x - x - x: [inf, nan, 1e300, 1.0],
        lambda x: ((x + big) - big) * 1.0: [0.4, 1.6, 2.2, -0.6],
        lambda x: 1.0 / (-(x - 1.0)): [1.0, 2.0, 0.0, inf],
        lambda x: x / x: [inf, nan, 0.0, 2.0],
        lambda x: (0.0 - x) * 1.0: [0.0, -0.0, 1.0, inf],
    }
    for function, numbers in cases.items():
        step = write(function, {"x": ones(4)}, target="c")
        step(ones(4) * 3.0)  # the first run alone is beside NumPy's
        with np.errstate(all="ignore"):
            want = function(Tensor(numbers)).tolist()
        assert repr(step(Tensor(numbers)).tolist()) == repr(want)


@needs_cc
def test_what_is_left_of_a_difference_is_no_fault_of_c(recwarn):
    with use_backend("numpy", "float32"):
        x = randn(512, 64)
        for function in (
            lambda x: ((x - x.mean(axis=0)) / x.std(axis=0)).mean(axis=0) * 1.0,
            lambda x: (x - x.mean()).mean(),
        ):
            write(function, {"x": x}, target="c")(x)
    assert not recwarn.list


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [1e200, 1e-200, 1.0])
def test_a_norm_whose_squares_do_not_fit_is_clipped(size, target):
    found = []
    for programmed in (False, True):
        w, v = Parameter([1.0, 2.0]), Parameter([[3.0]])
        sgd, x = optim.SGD([w, v], lr=1.0), Tensor([size, -size])

        def loss(x, w=w, v=v):
            return (x * w).sum() + v.sum()

        if programmed:
            write(loss, {"x": x}, update=sgd, clip=0.5, target=target)(x)
        else:
            loss(x).backward()
            optim.clip_grad_norm([w, v], 0.5)
            sgd.step()
        found.append([*w.tolist(), v.item()])
    assert found[1] == pytest.approx(found[0], rel=1e-12)
