"""What counts as an integer elsewhere counts here; keys that mean two things do not."""

from __future__ import annotations

import math
import random

import pytest
from conftest import assert_close, needs_numpy, needs_torch

from tinygrad_attn import Tensor, arange, concat, ones, randn, stack, zeros

try:
    import numpy as np
except ModuleNotFoundError:
    np = None
try:
    import torch
except ModuleNotFoundError:
    torch = None


class Counts:
    """A user's own integer."""

    def __init__(self, number):
        self.number = number

    def __index__(self):
        return self.number


KINDS = [
    pytest.param(Tensor, id="tensor"),
    pytest.param(Counts, id="own"),
    *(
        pytest.param(make, id=name, marks=[needs_numpy])
        for name, make in (
            ("int64", lambda n: np.int64(n)),
            ("int8", lambda n: np.int8(n)),
            ("array", lambda n: np.array(n)),
        )
    ),
    pytest.param(lambda n: torch.tensor(n), id="torch", marks=[needs_torch]),
]


@pytest.mark.parametrize("kind", KINDS)
def test_integers_of_every_kind_are_indices_axes_and_sizes(kind, any_backend):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    n0, n1, n2, n3 = map(kind, range(4))
    for got, want in (
        (x[n1], x[1]),
        (x[n1, n2], x[1, 2]),
        (x[:, n1], x[:, 1]),
        (x[:, n1:n3], x[:, 1:3]),
        (x[:, ::n2], x[:, ::2]),
        (x.sum(n1), x.sum(1)),
        (x.sum((n0, n1)), x.sum((0, 1))),
        (x.softmax(n0), x.softmax(0)),
        (x.argmax(n1), x.argmax(1)),
        (x.unsqueeze(n1), x.unsqueeze(1)),
        (x.transpose(n0, n1), x.T),
        (x.permute_dims((n1, n0)), x.T),
        (x.reshape(n3, n2), x.reshape(3, 2)),
        (x.reshape((n3, n2)), x.reshape(3, 2)),
        (x[:, None].expand(n2, n2, n3), x[:, None].expand(2, 2, 3)),
        (x.split(n2, n1)[1], x.split(2, 1)[1]),
        (x.split([n1, n2], n1)[1], x.split([1, 2], 1)[1]),
        (x.chunk(n2, n1)[1], x.chunk(2, 1)[1]),
        (concat([x, x], n1), concat([x, x], 1)),
        (stack([x, x], n1), stack([x, x], 1)),
        (zeros(n2, n3), zeros(2, 3)),
        (ones((n2, n3)), ones(2, 3)),
        (arange(n1, n3), arange(1, 3)),
    ):
        assert got.shape == want.shape
        assert got.dtype == want.dtype
        assert_close(got, want)
    assert randn(n2, n3).shape == (2, 3)


def test_a_tensor_counts_where_python_counts(any_backend):
    three = Tensor([3, 4])[0]
    assert range(9)[three] == "abcd".index("d") == 3
    assert ["a", "b", "c", "d"][three] == "d"
    assert list(range(three)) == [0, 1, 2]
    assert list(range(5))[three:] == [3, 4]


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (lambda: Tensor(1.0), r"index: float64 of shape \(\) given; as an index"),
        (lambda: Tensor([1, 2]), r"index: int64 of shape \(2,\) given"),
        (lambda: Tensor(True), r"index: bool of shape \(\) given"),
    ],
)
def test_what_is_no_single_whole_number_does_not_count(x, says, any_backend):
    with pytest.raises(TypeError, match=says):
        range(9)[x()]


@needs_numpy
def test_a_tensor_is_an_index_of_an_array_of_numpy(any_backend):
    numbers = np.arange(4.0)
    assert numbers[Tensor(2)] == 2.0
    assert numbers[Tensor([2, 0])].tolist() == [2.0, 0.0]
    assert numbers[Tensor([True, False, True, False])].tolist() == [0.0, 2.0]


# --- a single number has the axis 0 ---------------------------------------------------


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(
    "name",
    [
        *("sum", "mean", "max", "min", "argmax", "argmin", "logsumexp", "squeeze"),
        *("softmax", "log_softmax"),
    ],
)
def test_axis_0_of_a_single_number(name, axis, any_backend):
    x = Tensor(3.0, requires_grad=True)
    row = Tensor([3.0], requires_grad=True)
    z, want = getattr(x, name)(axis=axis), getattr(row, name)(axis=0)
    assert z.shape == ()
    assert_close(z, want.reshape(()))
    if z.requires_grad:
        z.backward()
        want.sum().backward()
        assert_close(x.grad, row.grad.reshape(()))
    with pytest.raises(IndexError, match=f"{name}: axis 1 given"):
        getattr(x, name)(axis=1)


# --- keys -----------------------------------------------------------------------------


def weights(shape):
    """Numbers without a pattern, to tell places apart."""
    return [math.cos(1.0 + i) for i in range(math.prod(shape))]


@pytest.mark.parametrize(
    ("key", "list_key"),
    [
        (((0, 1, 0),), ([0, 1, 0],)),
        ((0, (2, 0)), (0, [2, 0])),
        ((..., (2, 0, 2)), (..., [2, 0, 2])),
        (range(1), [0]),
        ((slice(None), range(2, -1, -1)), (slice(None), [2, 1, 0])),
        ((((0,), (1,)), (0, 2)), ([[0], [1]], [0, 2])),
        ((None, (True, False)), (None, [True, False])),
    ],
)
def test_a_tuple_among_keys_and_a_range_are_lists(key, list_key, any_backend):
    x = randn(2, 3, requires_grad=True)
    first = x[key]
    (first * Tensor(weights(first.shape)).reshape(first.shape)).sum().backward()
    got, x.grad = x.grad, None
    second = x[list_key]
    (second * Tensor(weights(second.shape)).reshape(second.shape)).sum().backward()
    assert_close(first, second)
    assert_close(got, x.grad)


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), [0, 2, 2]),
        (0, slice(None), Tensor([0, 2, 2])),
        (slice(None), 0, slice(None), [1, 0]),
        (Tensor(0), slice(None), [True, False, True]),
        (0, None, [0, 1]),
    ],
)
def test_what_numpy_and_pytorch_put_in_different_places_is_refused(key, any_backend):
    x = randn(2, 2, 3, 2)
    with pytest.raises(IndexError, match=r"stand apart: .* index twice, x\[0\]"):
        x[key]
    assert x[0][:, [1, 0]].shape == (2, 2, 2)


def random_key(draw, shape):
    """Keys of the kinds that NumPy and PyTorch understand alike, and wrong ones."""
    keys, axis = [], 0
    for _ in range(draw.randint(1, len(shape) + 1)):
        size = shape[min(axis, len(shape) - 1)]
        numbers = [draw.randint(-size, size - 1) for _ in range(3)]
        kind = draw.choice(["int", "slice", "none", "dots", "list", "tuple", "mask"])
        axis += kind not in ("none", "dots")
        ends = [draw.choice([None, n]) for n in numbers[:2]]
        steps = (None, 1, 2, -1, -2) if torch is None else (None, 1, 2)
        keys.append(
            {
                "int": numbers[0],
                "slice": slice(*ends, draw.choice(steps)),
                "none": None,
                "dots": ...,
                "list": numbers,
                "tuple": tuple(numbers),
                "mask": [draw.random() < 0.5 for _ in range(size)],
            }[kind]
        )
    return tuple(keys)


@needs_numpy
@needs_torch
@pytest.mark.parametrize("seed", range(200))
def test_a_random_key_as_in_numpy_and_pytorch(seed, any_backend):
    """Where both give the same. Where they do not, this gives what one of them does, or
    is refused in one line."""
    draw = random.Random(seed)
    shape = draw.choice([(4,), (3, 4), (2, 3, 4), (2, 3)])
    key = random_key(draw, shape)
    numbers = np.arange(1.0, 1.0 + math.prod(shape)).reshape(shape)
    theirs = torch.tensor(numbers, requires_grad=True)
    x = Tensor(numbers.tolist(), requires_grad=True)
    try:
        want = numbers[key]
        other = theirs[key]
    except (IndexError, ValueError, TypeError):
        want = None
    if want is None or want.shape != tuple(other.shape):
        with pytest.raises((IndexError, ValueError)) as caught:
            x[key]
        assert str(caught.value).startswith("indexing: ")
        assert "\n" not in str(caught.value)
        return
    z = x[key]
    assert z.shape == want.shape
    assert_close(z, want)
    w = weights(want.shape)
    (z * Tensor(w, dtype="float64").reshape(z.shape)).sum().backward()
    given = torch.tensor(w, dtype=torch.float64).reshape(other.shape)
    (other * given).sum().backward()
    assert_close(x.grad, theirs.grad)
