"""Walks over rows in C: one after the other, or several side by side."""

from __future__ import annotations

import re

import pytest
from conftest import needs_cc, needs_numpy

from nn import functional as F
from tinygrad_attn import Tensor, use_backend, write
from tinygrad_attn.program.writers import c_lanes

pytestmark = [needs_numpy, needs_cc]

WIDTHS = [1, 2, 8, 10, 27]
ROWS = [(48,), (20,), (2, 3, 16), (16, 5)]


def scores(x, y):
    """A softmax, its logarithm, and what both are weighted with."""
    p = x.softmax(-1)
    return p, p * y, x.log_softmax(-1), (p * y).sum(-1), x.max(-1)[0]


def sums(x, y):
    """Sums of rows, of columns, of all; each of something that a row needs."""
    e = (x - x.max(-1, keepdim=True)[0]).exp()
    z = e * y + x.mean(-1, keepdim=True)
    found = [z.sum(), z.sum(-1).exp().sum()]
    return *found, *(z.sum(axis) for axis in range(z.ndim)), z.sum((0, -1))


def chosen(x, y):
    """Bools that are made, kept and read."""
    some = x > y
    z = x.exp().where(some, y.tanh())
    return z, some, z.masked_fill(some, 0.0).sum(-1), (z * some).sum(0)


def logs(x, y):
    """Rows of several lengths, and of one number."""
    total = x.exp().sum(-1, keepdim=True)
    return total.log() * y, (total * 2.0).sqrt(), x.exp()[..., :1] * y


FUNCTIONS = [scores, sums, chosen, logs]


def given(np, rows, width, dtype):
    random = np.random.default_rng(width)
    return [random.standard_normal((*rows, width)).astype(dtype) for _ in "xy"]


def assert_as_in_numpy(function, arrays, dtype):
    """The program in C computes what NumPy's does; returns its text."""
    import numpy as np

    near = 1e-12 if dtype == "float64" else 1e-5
    with use_backend("numpy", dtype):
        inputs = dict(zip("xy", map(Tensor, arrays)))
        want = write(function, inputs, target="numpy")(*inputs.values())
        step = write(function, inputs, target="c")
        for z, w in zip(step(*inputs.values()), want):
            assert z.shape == w.shape
            np.testing.assert_allclose(z.array, w.array, rtol=near, atol=near)
        assert step.machine.name == "c"
        return step.source


def always(group):
    """Side by side wherever lanes are full."""
    return bool(group.rows) and group.rows[-1] % c_lanes.LANES == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("side", [c_lanes.side_by_side, always])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_rows_of_all_lengths(monkeypatch, function, side, dtype):
    import numpy as np

    monkeypatch.setattr(c_lanes, "side_by_side", side)

    def many(*arrays):
        found = []
        for x, y in zip(arrays[::2], arrays[1::2]):
            found += function(x, y)
        return tuple(found)

    arrays = [a for r in ROWS for w in WIDTHS for a in given(np, r, w, dtype)]
    near = 1e-12 if dtype == "float64" else 1e-5
    with use_backend("numpy", dtype):
        inputs = {f"g{i}": Tensor(a) for i, a in enumerate(arrays)}
        step = write(many, inputs, target="c")
        found, want = step(*inputs.values()), many(*inputs.values())
    assert step.machine.name == "c"
    assert "lane" in step.source
    for z, w in zip(found, want):
        scale = max(1.0, np.abs(w.array).max())
        np.testing.assert_allclose(z.array, w.array, rtol=near, atol=near * scale)


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("width", [10, 16])
def test_what_is_no_number_stays_in_its_row(bad, width):
    import numpy as np

    x, y = given(np, (32,), width, "float32")
    x[3, 2] = x[17, width - 1] = x[30] = float(bad)
    source = assert_as_in_numpy(scores, [x, y], "float32")
    assert ("lane" in source) is (width == 10)


def test_which_rows_are_computed_side_by_side():
    """Short ones of which a vector leaves some numbers, each of which is costly."""

    def is_so(function, *shape):
        with use_backend("numpy"):
            step = write(function, {"x": Tensor([0.0]).expand(*shape)}, target="c")
            return "lane" in step.source

    assert is_so(lambda x: x.softmax(-1), 32, 10)
    assert is_so(lambda x: x.softmax(-1), 2, 16, 27)
    assert not is_so(lambda x: x.softmax(-1), 32, 16)  # a vector leaves none
    assert not is_so(lambda x: x.softmax(-1), 30, 10)  # lanes would be empty
    assert not is_so(lambda x: x.softmax(-1), 32, 100)  # it leaves few
    assert not is_so(lambda x: (x * 2.0).sum(-1), 32, 10)  # they cost nothing


def test_losses_of_labels_side_by_side():
    """Labels that are ignored, weights of classes, smoothing; and all gradients."""
    import numpy as np

    random = np.random.default_rng(0)
    logits = random.standard_normal((48, 10)).astype("float32")
    labels = random.integers(0, 10, 48)
    labels[::5] = -100
    with use_backend("numpy"):
        weight = Tensor(random.random(10).astype("float32"))
        x = Tensor(logits, requires_grad=True)

        def loss(labels):
            return F.cross_entropy(x, labels, weight, label_smoothing=0.1)

        step = write(loss, {"labels": Tensor(labels)}, target="c")
        found, gradients = step(Tensor(labels))
        assert "lane" in step.source
        want = loss(Tensor(labels))
        want.backward()
        np.testing.assert_allclose(found.array, want.array, rtol=1e-6)
        (g,) = gradients.values() if isinstance(gradients, dict) else gradients
        np.testing.assert_allclose(g.array, x.grad.array, atol=1e-7)


@pytest.mark.parametrize("rows", [(4, 16, 16), (2, 3, 8, 8), (64, 80)])
def test_bools_in_memory_are_widened(rows):
    """A mask of all heads, before the walk; a large one, row by row."""
    import numpy as np

    random = np.random.default_rng(0)
    mask = random.random(rows[-2:]) < 0.5

    def weights(x, y):
        return x.masked_fill(Tensor(mask), -1e9).softmax(-1) * y

    arrays = [random.standard_normal(rows).astype("float32") for _ in "xy"]
    source = assert_as_in_numpy(lambda x, y: (weights(x, y),), arrays, "float32")
    whole = re.search(rf"int w\d+\[{mask.size}\]", source)
    assert bool(whole) is (mask.size <= 4096)
