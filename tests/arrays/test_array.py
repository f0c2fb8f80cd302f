"""The pure-Python namespace computes what NumPy computes."""

from __future__ import annotations

import copy
import math
import pickle
import random

import pytest
from conftest import assert_close, needs_numpy

from tinygrad_attn.arrays import python
from tinygrad_attn.arrays.array import Array, piece
from tinygrad_attn.arrays.backends import get_backend, namespace_of

RNG = random.Random(0)


def numbers(*shape):
    flat = [RNG.uniform(-2.0, 2.0) for _ in range(math.prod(shape))]
    return Array(flat, shape)


def pairs():
    a, b = numbers(2, 3, 4), numbers(3, 1)
    m, n = numbers(2, 1, 3, 4), numbers(5, 4, 2)
    i = Array([2, 0, 0, 1], (2, 2), "int64")
    bounds = ((2, None, -1), (0, 3, 2))
    return {
        "add": lambda xp, f: f(a) + f(b),
        "number - array": lambda xp, f: 1.5 - f(a),
        "mul": lambda xp, f: f(a) * f(b) * 2,
        "div": lambda xp, f: 1 / f(a) + f(a) / f(b),
        "pow": lambda xp, f: f(a) ** 2 + 2.0 ** f(b),
        "exp": lambda xp, f: xp.exp(f(a)),
        "log": lambda xp, f: xp.log(f(a) * f(a)),
        "sqrt": lambda xp, f: xp.sqrt(f(a) * f(a)),
        "tanh": lambda xp, f: xp.tanh(f(a)),
        "erf": lambda xp, f: xp.erf(f(a)),
        "sin, cos": lambda xp, f: xp.sin(f(a)) * xp.cos(f(b)),
        "maximum": lambda xp, f: xp.maximum(f(a), f(b)),
        "where": lambda xp, f: xp.where(f(a) > f(b), f(a), 0.5),
        "comparisons": lambda xp, f: (f(a) >= 0) * 1 + (f(a) < f(b)) * (f(b) <= 1),
        "==": lambda xp, f: f(a) == f(a),
        "sum": lambda xp, f: xp.sum(f(a), axis=(0, 2)),
        "sum all": lambda xp, f: xp.sum(f(a), axis=None, keepdims=True),
        "sum of bools": lambda xp, f: xp.sum(f(a) > 0, axis=1),
        "max": lambda xp, f: xp.max(f(a), axis=1, keepdims=True),
        "argmax": lambda xp, f: xp.argmax(f(a), axis=1),
        "matmul": lambda xp, f: xp.matmul(f(m), f(n)),
        "matmul, one matrix": lambda xp, f: xp.matmul(f(m), f(numbers_43)),
        "reshape": lambda xp, f: xp.reshape(f(a), (4, 6)),
        "permute": lambda xp, f: xp.permute_dims(f(a), (2, 0, 1)),
        "broadcast": lambda xp, f: xp.broadcast_to(f(b), (2, 3, 4)),
        "concat": lambda xp, f: xp.concat([f(a), f(a)[:, :1]], axis=1),
        "take": lambda xp, f: xp.take(f(b), f(i)),
        "scatter_add": lambda xp, f: xp.scatter_add(f(numbers_223), f(i), 4),
        "place": lambda xp, f: xp.place(f(numbers_32), bounds, (3, 3)),
        "slices": lambda xp, f: f(a)[1, ::-1, None, 1:3],
        "arange": lambda xp, f: xp.arange(3, -2, -2),
        "astype": lambda xp, f: xp.astype(f(a) > 0, "float64"),
        "uniform": lambda xp, f: xp.uniform(bytes(range(32)), (2, 2)),
        "zeros, full": lambda xp, f: xp.zeros((2, 0)) + xp.full((2, 1), 3.0),
    }


numbers_43, numbers_223, numbers_32 = numbers(4, 3), numbers(2, 2, 3), numbers(3, 2)
PAIRS = pairs()


@needs_numpy
@pytest.mark.parametrize("name", PAIRS)
def test_same_as_numpy(name):
    import numpy as np

    xp = get_backend("numpy").xp

    def to_numpy(x):
        return np.array(x.data, dtype=x.dtype).reshape(x.shape)

    ours = PAIRS[name](python, lambda x: x)
    theirs = PAIRS[name](xp, to_numpy)
    assert ours.shape == theirs.shape
    assert ours.dtype == str(theirs.dtype)
    assert ours.size == theirs.size
    assert_close(ours, theirs, 1e-15)


def test_lists_and_back():
    for nested in (1.5, [], [[], []], [1.0], [[1.0, 2.0], [3.0, 4.0]], [[[1.0]]]):
        assert python.asarray(nested).tolist() == nested
    assert python.zeros((2, 0, 3)).tolist() == [[], []]
    assert python.asarray([[], []]).shape == (2, 0)


def test_dtypes_of_lists():
    assert python.asarray([1, 2]).dtype == "int64"
    assert python.asarray([True]).dtype == "bool"
    assert python.asarray([True, 2]).dtype == "int64"
    assert python.asarray([1, 2.0]).dtype == "float64"
    assert python.asarray([]).dtype == "float64"


def test_edges_of_the_number_line():
    x = python.asarray([0.0, -1.0, 1000.0, math.inf])
    assert python.exp(x).tolist()[2:] == [math.inf, math.inf]
    assert python.log(x).tolist()[0] == -math.inf
    assert math.isnan(python.log(x).tolist()[1])
    assert math.isnan(python.sqrt(x).tolist()[1])
    assert (1.0 / x).tolist() == [math.inf, -1.0, 0.001, 0.0]
    assert math.isnan((x / 0.0).tolist()[0])
    assert math.isnan(python.maximum(python.asarray([math.nan]), 1.0).tolist()[0])
    assert math.isnan(python.max(python.asarray([1.0, math.nan, 2.0])).tolist())


def test_an_empty_sum_is_zero_and_an_empty_max_an_error():
    empty = python.zeros((2, 0))
    assert python.sum(empty, axis=1).tolist() == [0.0, 0.0]
    assert python.matmul(empty, python.zeros((0, 3))).tolist() == [[0.0] * 3] * 2
    with pytest.raises(ValueError, match="nothing has no largest"):
        python.max(empty, axis=1)


def test_a_piece_is_an_array_like_others():
    whole = [float(i) for i in range(10)]
    place = slice(2, 8), (2, 3), "float64"
    want = [[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]
    assert piece(whole, place).shape == (2, 3)  # whatever is asked for first
    assert piece(whole, place).dtype == "float64"
    assert piece(whole, place).ndim == 2
    assert piece(whole, place).size == 6
    assert piece(whole, place).data == whole[2:8]
    x = piece(whole, place)
    assert namespace_of([x]) is python
    for copied in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(copied) is Array
        assert copied.tolist() == want
    for made in (x + 1.0, python.exp(x), python.permute_dims(x, (1, 0)), x[0]):
        assert type(made) is Array
    assert python.stop_gradient(x).tolist() == want
    x.data[0] = -1.0  # its list is its own
    assert whole[2] == 2.0
    with pytest.raises(AttributeError, match="an array has no mean"):
        x.mean  # noqa: B018
