"""Tensor as a user meets it: making, showing, operators, choosing a backend."""

from __future__ import annotations

import math
import threading

import pytest
from conftest import assert_close, needs_numpy

import tinygrad_attn
from tinygrad_attn import (
    Tensor,
    arange,
    concat,
    full,
    get_rng_state,
    manual_seed,
    maximum,
    ones,
    rand,
    randn,
    set_backend,
    set_rng_state,
    use_backend,
    where,
    zeros,
)
from tinygrad_attn.arrays.backends import current_backend, get_backend


def test_what_it_is(any_backend):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, "float64")
    assert x.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert [row.tolist() for row in x] == x.tolist()
    assert x[1, 2].item() == float(x[1, 2]) == 6.0
    assert int(Tensor(3)) == 3
    assert x.is_leaf
    assert not (x * 2).is_leaf
    assert x.T.tolist() == [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]


def test_dtypes(any_backend):
    assert Tensor([1, 2]).dtype == "int64"
    assert Tensor([True]).dtype == "bool"
    assert Tensor([1, 2], dtype="float64").dtype == "float64"
    assert (Tensor([1, 2]) / 2).dtype == "float64"
    assert (Tensor([1, 2]) * 2).dtype == "int64"
    assert (Tensor([1.0]) > 0).dtype == "bool"


@needs_numpy
def test_numpy_computes_in_float32_unless_asked():
    with use_backend("numpy"):
        assert Tensor([1.5]).dtype == randn(2).dtype == zeros(2).dtype == "float32"
        assert (Tensor([1.5]) * 2.0 + 1).dtype == "float32"
        assert (2.0 ** Tensor([1.5])).dtype == "float32"
        assert Tensor([1.5], dtype="float64").dtype == "float64"
        x = Tensor([1.5], requires_grad=True)
        (x * Tensor([2.0], dtype="float64")).sum().backward()
        assert x.grad.dtype == "float32"


def test_numbers_on_either_side(any_backend):
    x = Tensor([2.0], requires_grad=True)
    for got, want in [
        (x + 1, 3.0),
        (1 + x, 3.0),
        (x - 1, 1.0),
        (1 - x, -1.0),
        (x * 3, 6.0),
        (3 * x, 6.0),
        (x / 4, 0.5),
        (4 / x, 2.0),
        (x**3, 8.0),
        (3**x, 9.0),
        (-x, -2.0),
    ]:
        assert got.tolist() == [want]
        assert got.requires_grad


@needs_numpy
def test_numpy_arrays_on_either_side(any_backend):
    import numpy as np

    x, array = Tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0])
    for got in (x + array, array + x, x * np.float64(2.0) + 1, np.float32(3.0) * x):
        assert isinstance(got, Tensor)
    assert (array - x).tolist() == [2.0, 2.0]
    assert (array[None] @ x.reshape(2, 1)).item() == 11.0
    assert Tensor(array).tolist() == [3.0, 4.0]


@needs_numpy
def test_to_numpy(any_backend):
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    assert x.detach().numpy().tolist() == [[1.0, 2.0]]
    assert str(Tensor([1, 2]).numpy().dtype) == "int64"
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        x.numpy()


def test_indexing(any_backend):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert x[0].tolist() == [1.0, 2.0, 3.0]
    assert x[-1, ::-1].tolist() == [6.0, 5.0, 4.0]
    assert x[..., 1:].tolist() == [[2.0, 3.0], [5.0, 6.0]]
    assert x[:, None, 0].shape == (2, 1)
    assert x[5:].shape == (0, 3)


def test_methods_and_functions(any_backend):
    x = Tensor([[4.0, 1.0], [0.0, 9.0]])
    assert x.sum(axis=0).tolist() == [4.0, 10.0]
    assert x.mean(axis=-1, keepdims=True).tolist() == [[2.5], [4.5]]
    assert x.max(axis=1).tolist() == [4.0, 9.0]
    assert x.argmax(axis=0).tolist() == [0, 1]
    assert x.sqrt().tolist() == [[2.0, 1.0], [0.0, 3.0]]
    assert x.reshape(-1).shape == x.reshape((4,)).shape == (4,)
    assert x.permute_dims(1, 0).tolist() == x.T.tolist()
    assert x.reshape(2, 2, 1).broadcast_to(2, 2, 3).shape == (2, 2, 3)
    assert concat([x, x], axis=1).shape == (2, 4)
    assert maximum(x, 2.0).tolist() == [[4.0, 2.0], [2.0, 9.0]]
    assert where(x > 2, x, -1.0).tolist() == [[4.0, -1.0], [-1.0, 9.0]]
    assert (x == x).tolist() == [[True, True], [True, True]]
    assert (x != 1.0).tolist() == [[True, False], [True, True]]
    assert x[0, 0] > 3
    assert not x[0, 0] <= 3


def test_making(any_backend):
    assert zeros(2, 3).shape == zeros((2, 3)).shape == (2, 3)
    assert ones(2, dtype="int64").tolist() == [1, 1]
    assert full((2,), 0.5).tolist() == [0.5, 0.5]
    assert arange(3).tolist() == [0, 1, 2]
    assert arange(1.0, 2.0, 0.5).tolist() == [1.0, 1.5]
    assert rand(3, requires_grad=True).requires_grad
    assert randn().shape == ()
    assert zeros(0, 2).tolist() == []


def test_showing_itself(any_backend):
    x = Tensor([1.0, 2.5], requires_grad=True)
    assert repr(x) == "Tensor([1.0000, 2.5000], float64, requires_grad)"
    assert repr(x * 2) == "Tensor([2.0, 5.0], float64, from mul)"
    assert repr(Tensor([[1, 20], [3, 4]])) == (
        "Tensor([[ 1, 20],\n        [ 3,  4]], int64)"
    )
    assert repr(Tensor(True)) == "Tensor(True, bool)"
    assert repr(zeros(0, 2)) == "Tensor([], float64, shape (0, 2))"
    assert len(repr(randn(100, 100))) < 800
    assert "nan" in repr(Tensor([math.nan, 1.0]))


def test_random_numbers_are_uniform_and_normal(backend):
    manual_seed(5)
    u, n = rand(20_000), randn(20_000)
    assert_close([u.mean().item()], [0.5], 0.01)
    assert 0.0 <= -(-u).max().item() < u.max().item() < 1.0
    assert_close([n.mean().item(), (n * n).mean().item()], [0.0, 1.0], 0.03)
    assert_close([(n**4).mean().item()], [3.0], 0.06)


@needs_numpy
def test_one_seed_gives_one_model_on_every_backend():
    drawn = []
    for name in ("python", "numpy", "scalar"):
        with use_backend(name, "float64"):
            manual_seed(7)
            drawn.append((rand(5).tolist(), randn(7).tolist()))
    for u, n in drawn[1:]:
        assert u == drawn[0][0]
        assert_close(n, drawn[0][1], 1e-15)
    with use_backend("numpy"):
        manual_seed(7)
        assert_close(rand(5), drawn[0][0], 1e-7)


def test_random_state_can_be_kept():
    manual_seed(1)
    rand(3)
    state = get_rng_state()
    first = rand(4).tolist()
    set_rng_state(state)
    assert rand(4).tolist() == first


def test_threads_have_their_own_backend_seed_and_recording():
    seen = {}

    def work():
        manual_seed(3)
        seen["backend"] = current_backend().name
        seen["numbers"] = rand(2).tolist()
        seen["records"] = (Tensor([1.0], requires_grad=True) * 2).requires_grad

    with use_backend("scalar"), tinygrad_attn.no_grad():
        manual_seed(0)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        here = rand(2).tolist()
    manual_seed(3)
    assert seen == {"backend": "python", "numbers": rand(2).tolist(), "records": True}
    manual_seed(0)
    assert here == rand(2).tolist()


def test_set_backend_is_for_the_process():
    before = current_backend()
    set_backend("scalar")
    try:
        assert current_backend().name == "scalar"
        with use_backend("python"):
            assert current_backend() == get_backend("python")
        assert current_backend().name == "scalar"
    finally:
        set_backend(before.name, before.dtype)


def test_a_context_is_left_after_an_error():
    with pytest.raises(ZeroDivisionError), use_backend("scalar"):
        _ = 1 / 0
    assert current_backend().name == "python"


@needs_numpy
def test_a_tensor_of_another_backend_can_be_taken_over():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with use_backend("numpy"):
        y = Tensor(x)
        assert (y.dtype, y.tolist(), y.requires_grad) == ("float32", [1.0, 2.0], False)
