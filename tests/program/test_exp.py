"""exp in C, which is ours: beside the C library's of one number."""

from __future__ import annotations

import math

import pytest
from conftest import needs_cc, needs_numpy

from tinygrad_attn import Tensor, use_backend, write

pytestmark = [
    needs_numpy,
    needs_cc,
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exp_is_right_to_the_last_bits(dtype):
    """Of numbers of every size; below the normal ones, to the smallest there is."""
    import numpy as np

    random = np.random.default_rng(3)
    far = {"float32": 104.5, "float64": 746.5}[dtype]
    parts = [random.uniform(-r, r, 20_000) for r in (far, 1.0, 1e-4)]
    x = np.concatenate(parts).astype(dtype)
    with use_backend("numpy", dtype), np.errstate(all="ignore"):
        step = write(lambda x: x.exp(), {"x": Tensor(x)}, target="c")
        found = step(Tensor(x)).array
        want = np.exp(x.astype(np.longdouble))
        limits = np.finfo(dtype)
        infinite = want > np.longdouble(limits.max)
        unit = np.spacing(want.astype(dtype)).astype(np.longdouble)
        off = abs(found.astype(np.longdouble) - want)[~infinite] / unit[~infinite]
    assert f"exp_{'float' if dtype == 'float32' else 'double'}(" in step.source
    assert infinite.any()
    assert np.isinf(found[infinite]).all()
    assert (found[~infinite] < limits.smallest_normal).any()
    assert off.max() < 1.5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_exp_of_what_is_no_usual_number(dtype):
    given = [math.inf, -math.inf, math.nan, 0.0, -0.0, 1e30, -1e30, 5e-30]
    with use_backend("numpy", dtype):
        x = Tensor([given * 5])  # whole vectors, and what is left over
        found = write(lambda x: x.exp(), {"x": x}, target="c")(x).tolist()[0]
    right = [math.inf, 0.0, math.nan, 1.0, 1.0, math.inf, 0.0, 1.0]
    assert repr(found) == repr(right * 5)
