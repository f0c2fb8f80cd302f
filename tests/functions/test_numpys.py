"""NumPy's functions called with Tensors: ours where there is one, or on numbers."""

from __future__ import annotations

import pytest
from conftest import assert_close, needs_numpy

from tinygrad_attn import Tensor

try:
    import numpy as np
except ModuleNotFoundError:
    np = None
pytestmark = needs_numpy

NUMBERS = [[0.5, 2.0, 3.0], [4.0, 1.0, 6.0]]

# What gives a Tensor, with a gradient where one is asked for; n is an array of NumPy.
CALLS = """
    np.sum(x)
    np.sum(x, axis=0)
    np.sum(x, 1, keepdims=True)
    np.mean(x)
    np.mean(x, axis=(0, 1))
    np.max(x, axis=1)
    np.min(x)
    np.amax(x)
    np.var(x)
    np.var(x, axis=1, ddof=1)
    np.std(x)
    np.std(x, 0, ddof=1)
    np.exp(x)
    np.log(x)
    np.sqrt(x)
    np.tanh(x)
    np.sin(x)
    np.cos(x)
    np.abs(-x)
    np.negative(x)
    np.log1p(x)
    np.maximum(x, 2.0)
    np.minimum(2.0, x)
    np.add(x, 1)
    np.add(n, x)
    np.subtract(1.0, x)
    np.multiply(n, x)
    np.divide(n, x)
    np.power(x, 2)
    np.power(2.0, x)
    np.matmul(n, x.T)
    np.matmul(x.T, n)
    np.reshape(x, (3, 2))
    np.dot(n, x.T)
    np.dot(x, n[0])
    np.dot(2.0, x)
    np.ravel(x)
    np.transpose(x)
    np.transpose(x, (0, 1))
    np.concatenate([x, x], axis=1)
    np.stack([x, x])
    np.squeeze(x[:1])
    np.expand_dims(x, 0)
    np.swapaxes(x, 0, 1)
    np.flip(x)
    np.flip(x, axis=1)
    np.clip(x, 1.0, 3.0)
    np.tril(x)
    np.triu(x, 1)
    np.broadcast_to(x, (2, 2, 3))
    np.einsum("ij->i", x)
    np.where(x > 2.5, x, 0.0)
    n + x
    n - x
    n * x
    n / x
    (n / 4.0) ** x
    n @ x.T
    np.float64(2.0) * x
    x / np.float64(2.0)
    np.linspace(0.0, 1.0, 3) * x
"""
CALLS = [line.strip() for line in CALLS.strip().splitlines()]


def evaluated(call, x):
    return eval(call, {"np": np, "x": x, "n": np.array(NUMBERS)})


@pytest.mark.parametrize("call", CALLS)
def test_functions_of_this_package_by_numpys_names(call, any_backend):
    x = Tensor(NUMBERS, requires_grad=True)
    z = evaluated(call, x)
    assert type(z) is Tensor
    want = evaluated(call, np.array(NUMBERS))
    assert z.shape == np.shape(want)
    assert_close(z, np.asarray(want))
    (z * z).sum().backward()
    slope = 1e-6
    for i, j in ((0, 1), (1, 2)):
        near = []
        for by in (slope, -slope):
            moved = np.array(NUMBERS)
            moved[i, j] += by
            near.append((evaluated(call, moved) ** 2).sum())
        measured = (near[0] - near[1]) / (2 * slope)
        assert x.grad[i, j].item() == pytest.approx(measured, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    "call",
    ["np.argmax(x)", "np.argmin(x, axis=1)", "n < x", "n == x", "np.greater(x, 2.0)"],
)
def test_those_without_a_gradient(call, any_backend):
    z = evaluated(call, Tensor(NUMBERS, requires_grad=True))
    assert type(z) is Tensor
    assert z.tolist() == evaluated(call, np.array(NUMBERS)).tolist()


@pytest.mark.parametrize(
    "call",
    [
        *(
            "np.sort(x)",
            "np.cumsum(x)",
            "np.prod(x)",
            "np.any(x > 2.0)",
            "np.all(x > 0)",
        ),
        *("np.isnan(x)", "np.round(x)", "np.unique(x)", "np.argsort(x, axis=0)"),
        *("np.linalg.norm(x)", "np.outer(x[0], x[1])", "np.append(x, x)"),
        *(
            "np.nonzero(x > 2.0)[1]",
            "np.where(x > 2.0)[0]",
            "np.median(x)",
            "np.sign(x)",
        ),
        *(
            "np.zeros_like(x)",
            "np.array_equal(x, n)",
            "np.allclose(x, n)",
            "np.diag(x)",
        ),
        *("np.add.reduce(x)", "np.add(x, 1.0, dtype='float32')", "np.hstack([x, x])"),
    ],
)
def test_others_compute_with_the_numbers(call, any_backend):
    z = evaluated(call, Tensor(NUMBERS))
    assert not isinstance(z, Tensor)
    assert_close(np.asarray(z), np.asarray(evaluated(call, np.array(NUMBERS))))
    x = Tensor(NUMBERS, requires_grad=True)
    if "x > " not in call:
        with pytest.raises(
            RuntimeError, match=r"gradient, .* call detach\(\)\.numpy\(\)"
        ):
            evaluated(call, x)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            "np.sum(x, dtype=int)",
            "numpy.sum: got an unexpected keyword argument 'dtype'; ",
        ),
        (
            "np.mean(x, out=n)",
            "'out'; of a Tensor it takes a, axis, keepdims, and of x.n",
        ),
        ("np.sum(x, axis=5)", "sum: axis 5 given for 2 axes"),
        ("np.concatenate([x, x[0]])", "concat: "),
        ("np.dot(x, x[None])", "numpy.dot: 3 axes given on the right"),
    ],
)
def test_what_a_function_does_not_take_is_told(call, says, any_backend):
    with pytest.raises((TypeError, ValueError, IndexError), match=says) as caught:
        evaluated(call, Tensor(NUMBERS))
    assert "\n" not in str(caught.value)


def test_what_is_no_number_beside_a_tensor_is_refused(any_backend):
    with pytest.raises(TypeError):
        np.add(Tensor([1.0]), object())


def test_an_array_is_added_to_in_place(any_backend):
    n = np.array([1.0, 2.0])
    n += Tensor([1.0, 1.0])
    assert n.tolist() == [2.0, 3.0]
    with pytest.raises(RuntimeError, match=r"call detach\(\)"):
        n += Tensor([1.0, 1.0], requires_grad=True)
