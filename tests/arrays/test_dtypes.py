"""One table of dtypes, one range of whole numbers, one answer to what numbers are: on
every backend, for every operation, and as in PyTorch."""

from __future__ import annotations

import collections
import enum
import itertools
from importlib import import_module
from typing import Any

import pytest
from conftest import flatten, needs_torch

import tinygrad_attn
from tinygrad_attn import (
    Tensor,
    arange,
    clip,
    concat,
    full,
    maximum,
    minimum,
    ones,
    pad,
    stack,
    tril,
    triu,
    use_backend,
    where,
    zeros,
)
from tinygrad_attn.arrays.dtypes import ORDER
from tinygrad_attn.functional import (
    layer_norm,
    linear,
    rms_norm,
    scaled_dot_product_attention,
)

np = pytest.importorskip("numpy")
torch: Any = import_module("torch") if not needs_torch.args[0] else None

BACKENDS = [
    ("python", "float64"),
    ("scalar", "float64"),
    ("numpy", "float32"),
    ("numpy", "float64"),
]
NUMBERS = {
    "bool": [True, False, True],
    "int64": [2, -1, 0],
    "float32": [0.5, -1.5, 2.0],
    "float64": [0.25, 1.5, -2.0],
}
PICK = [True, False, True]
MOST, LEAST = 2**63 - 1, -(2**63)


@pytest.fixture(params=BACKENDS, ids="-".join)
def floats(request: pytest.FixtureRequest) -> Any:
    """Each backend with each of its floats."""
    name, dtype = request.param
    with use_backend(name, dtype):
        yield name, dtype


@pytest.fixture
def torchs_floats(floats: Any) -> Any:
    """PyTorch has the same."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, floats[1]))
    yield
    torch.set_default_dtype(before)


def torch_pad(x: Any, value: Any) -> Any:
    """PyTorch's own keeps the dtype of x: a value of 0.5 beside integers is 0."""
    dtype = torch.result_type(x, value)
    edge = torch.tensor([value], dtype=dtype)
    return torch.cat([edge, x.to(dtype), edge])


# What is called, PyTorch's, and beside what: "n"umbers, "t"ensors.
OPERATIONS: dict[str, tuple[Any, Any, str]] = {
    "x + y": (lambda x, y: x + y, lambda x, y: x + y, "nt"),
    "y + x": (lambda x, y: y + x, lambda x, y: y + x, "nt"),
    "x * y": (lambda x, y: x * y, lambda x, y: x * y, "nt"),
    "y * x": (lambda x, y: y * x, lambda x, y: y * x, "nt"),
    "x / y": (lambda x, y: x / y, lambda x, y: x / y, "nt"),
    "y / x": (lambda x, y: y / x, lambda x, y: y / x, "nt"),
    "x - 1 * y": (lambda x, y: x - 1 * y, lambda x, y: x * 1 - 1 * y, "nt"),
    "where": (
        lambda x, y: where(Tensor(PICK), x, y),
        lambda x, y: torch.where(torch.tensor(PICK), x, y),
        "nt",
    ),
    "where, the other way": (
        lambda x, y: where(Tensor(PICK), y, x),
        lambda x, y: torch.where(torch.tensor(PICK), y, x),
        "nt",
    ),
    "maximum": (maximum, lambda x, y: torch.maximum(x, torch.as_tensor(y)), "nt"),
    "minimum": (minimum, lambda x, y: torch.minimum(x, torch.as_tensor(y)), "nt"),
    "clip, min": (clip, lambda x, y: torch.clamp(x, min=y), "nt"),
    "clip, max": (
        lambda x, y: clip(x, max=y),
        lambda x, y: torch.clamp(x, max=y),
        "nt",
    ),
    "concat": (lambda x, y: concat([x, y]), lambda x, y: torch.cat([x, y]), "t"),
    "stack": (lambda x, y: stack([x, y]), lambda x, y: torch.stack([x, y]), "t"),
    "pad": (lambda x, y: pad(x, (1, 1), y), torch_pad, "n"),
}


@needs_torch
@pytest.mark.usefixtures("torchs_floats")
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_table_is_pytorchs_everywhere(name, floats):
    ours, theirs, beside = OPERATIONS[name]
    own = [d for d in ORDER if floats[0] == "numpy" or d != "float32"]
    others: list[Any] = [*own] if "t" in beside else []
    others += [True, 2, 0.5] if "n" in beside else []
    for dtype, other in itertools.product(own, others):
        x, y, p, q = Tensor(NUMBERS[dtype], dtype=dtype), other, None, other
        p = torch.tensor(NUMBERS[dtype], dtype=getattr(torch, dtype))
        if isinstance(other, str):
            numbers = NUMBERS[other][::-1]
            y = Tensor(numbers, dtype=other)
            q = torch.tensor(numbers, dtype=getattr(torch, other))
        if name.startswith("clip") and (dtype, other) == ("bool", True):
            continue  # PyTorch has none
        z, want = ours(x, y), theirs(p, q)
        what = f"{dtype} beside {other}: {z}"
        assert f"torch.{z.dtype}" == str(want.dtype), what
        flat = z.reshape(-1).tolist()
        assert {type(v).__name__ for v in flat} == {z.dtype.rstrip("642 3")}, what
        same = np.testing.assert_allclose
        same(flat, want.reshape(-1).tolist(), rtol=1e-6, err_msg=what)


def test_a_tensor_has_one_type_of_elements_and_masks_stay_masks(floats):
    default = floats[1]
    mask = ones(2, 2, dtype="bool")
    for cut in (tril, triu):
        assert cut(mask).dtype == "bool"
        assert {type(v) for row in cut(mask).tolist() for v in row} == {bool}
    assert pad(mask, (1, 0)).dtype == "bool"
    assert (arange(3) * 0.5).dtype == default
    assert where(Tensor(PICK), 1, 0.5).dtype == default
    assert where(Tensor(PICK), 1, True).tolist() == [1, 1, 1]
    assert [type(v) for v in (Tensor([True]) * Tensor([1])).tolist()] == [int]


def test_layers_take_whole_numbers_beside_floats(floats):
    default = floats[1]
    x, w = Tensor([[1, 2]]), ones(1, 2)
    norm = [layer_norm(x, 2, ones(2)), rms_norm(x, 2, ones(2)), layer_norm(x, 2)]
    for z in (linear(x, w), x @ w.T, *norm, scaled_dot_product_attention(x, w, x)):
        assert z.dtype == default


# --- whole numbers --------------------------------------------------------------------

TOO_LARGE: dict[str, Any] = {
    "+": lambda: Tensor([MOST]) + 1,
    "-": lambda: Tensor([LEAST]) - 1,
    "*": lambda: Tensor([2**62]) * 4,
    "-x": lambda: -Tensor([LEAST]),
    "abs": lambda: abs(Tensor([LEAST])),
    "sum": lambda: Tensor([MOST, MOST]).sum(),
    "sum over an axis": lambda: Tensor([[MOST, 0], [1, 0]]).sum(axis=0),
    "matmul": lambda: Tensor([[2**32]]) @ Tensor([[2**31]]),
    "scatter_add": lambda: tinygrad_attn.ops.scatter_add(
        Tensor([MOST, MOST]), [0, 0], 1
    ),
    "add_": lambda: Tensor([MOST]).add_(1),
    "a number": lambda: Tensor([-5]) + 2**63,
    "where": lambda: where(Tensor(PICK), 1, 2**63),
    "maximum": lambda: maximum(Tensor([1]), 2**63),
    "pad": lambda: pad(Tensor([1]), (1, 0), 2**64),
    "astype": lambda: Tensor([2.0**70]).astype("int64"),
    "astype of nan": lambda: Tensor([float("nan")]).astype("int64"),
    "dtype=": lambda: Tensor([1e30], dtype="int64"),
    "full": lambda: full(2, 1e30, dtype="int64"),
    "a list": lambda: Tensor([2**63, -1]),
    "linear": lambda: linear(Tensor([[2**62]]), Tensor([[1]]), Tensor([2**62])),
    "a comparison": lambda: Tensor([1]) < 2**63,
    "arange of floats": lambda: arange(1e300, 2e300, 1e300, dtype="int64"),
    "uint64": lambda: Tensor(np.array([2**63 + 1], np.uint64)),
    "beside uint64": lambda: Tensor([1]) + np.array([2**63], np.uint64),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_whole_number_that_does_not_fit_is_refused(name, floats):
    with pytest.raises(ValueError, match=r"does not fit an int64|NaN") as caught:
        TOO_LARGE[name]()
    assert "\n" not in str(caught.value)


def test_whole_numbers_are_exact(floats):
    x = Tensor([MOST, LEAST, 2**53 + 1])
    assert (x + Tensor([-1, 1, 0])).tolist() == [MOST - 1, LEAST + 1, 2**53 + 1]
    assert (Tensor([3037000499]) * 3037000499).tolist() == [3037000499**2]
    assert (Tensor([[2**53 + 1, 1]]) @ Tensor([[1], [0]])).tolist() == [[2**53 + 1]]
    assert (Tensor([[2**62, 2**62]]) @ Tensor([[1], [-1]])).tolist() == [[0]]
    assert Tensor([MOST, MOST, LEAST, LEAST]).sum().item() == -2
    assert (x.min().item(), x.argmin().item()) == (LEAST, 1)
    assert minimum(x, LEAST).tolist() == [LEAST] * 3
    assert Tensor([-(2.0**63)]).astype("int64").tolist() == [LEAST]
    assert Tensor([2**70, 1.5]).tolist() == [2.0**70, 1.5]
    assert minimum(Tensor([1.0]), 2**63).tolist() == [1.0]
    assert (2**70 / Tensor([2.0])).tolist() == [2.0**69]
    assert arange(np.int64(2)).tolist() == [0, 1]
    assert arange(MOST - 1, MOST).tolist() == [MOST - 1]


def test_whole_numbers_are_compared_with_floats_as_floats(floats):
    x = Tensor([2**53 + 1], dtype="int64")
    assert (x == 2.0**53).tolist() == (x == Tensor([2.0**53])).tolist() == [True]
    assert (x == [2.0**53]).tolist() == [True]
    assert (x > 2.0**53).tolist() == [False]
    assert (x > 2**53).tolist() == [True]


def test_a_range_counts_as_far_as_the_floats_do(floats):
    """Each number is start + i · step, rounded once."""
    x = arange(1e16, 1e16 + 8, 1.0, dtype="float64" if "numpy" in floats else None)
    assert x.tolist() == [1e16 + i for i in range(8)]


# --- sums -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((10**6, 2), 0),
        ((700, 700, 2), (0, 1)),
        ((2, 100_001, 2), 1),
        ((1281, 3), (0,)),
    ],
)
def test_sums_along_a_leading_axis_are_as_exact_as_along_the_last(shape, axis):
    numbers = np.random.default_rng(0).random(shape) + 1.0
    single = numbers.astype("float32")
    exact = single.astype("float64")
    with use_backend("numpy"):
        x = Tensor(single)
        for keepdims in (False, True):
            z = x.sum(axis, keepdims=keepdims).numpy()
            want = exact.sum(axis, keepdims=keepdims)
            np.testing.assert_allclose(z, want, rtol=6e-7, strict=False)
            assert z.shape == want.shape
        v = x.var(axis).numpy()
        np.testing.assert_allclose(v, exact.var(axis, ddof=1), rtol=2e-6)
        turned = Tensor(single.T.copy()).permute_dims(*range(single.ndim)[::-1])
        np.testing.assert_allclose(turned.sum(axis).numpy(), exact.sum(axis), rtol=6e-7)


# --- what numbers are -----------------------------------------------------------------


class Three(enum.IntEnum):
    THREE = 3


TAKEN: dict[str, tuple[Any, Any]] = {
    "NumPy scalars": ([np.float32(1), np.int64(2), True], [1.0, 2.0, 1.0]),
    "NumPy integers": ([np.int8(1), np.uint64(2)], [1, 2]),
    "arrays": ([np.ones(2), np.zeros(2)], [[1.0, 1.0], [0.0, 0.0]]),
    "arrays and lists": ([np.ones(2), [1, 2]], [[1.0, 1.0], [1.0, 2.0]]),
    "float16": (np.array([1.5], np.float16), [1.5]),
    "long doubles": (np.array([1.5], np.longdouble), [1.5]),
    "uint64": (np.array([5], np.uint64), [5]),
    "objects": (np.array([1, 2.5], object), [1.0, 2.5]),
    "uint64 beside others": ([np.uint64(5), -1], [5, -1]),
    "an enumeration": ([Three.THREE, 4], [3, 4]),
    "range": ([range(2), range(2)], [[0, 1], [0, 1]]),
}
REFUSED: dict[str, Any] = {
    "a masked array": np.ma.array([1.0, 2.0], mask=[0, 1]),
    "a masked number": [1.0, np.ma.masked],
    "dates": np.array(["2020"], "M8[ns]"),
    "durations": np.array([5], "m8[ns]"),
    "complex": np.array([1j]),
    "texts": np.array(["a"]),
    "a deque": collections.deque([1, 2]),
    "rows of which one is masked": [[1.0], np.ma.array([2.0], mask=[1])],
    "a row that is a deque": [[1.0], collections.deque([2.0])],
    "no texts": np.array([], dtype="U1"),
    "records": np.array([(1.0,)], dtype=[("a", float)]),
}
if torch is not None:
    TAKEN["PyTorch's"] = [torch.tensor(1.0), torch.tensor(2)], [1.0, 2.0]
    TAKEN["bfloat16"] = torch.tensor([1.5], dtype=torch.bfloat16), [1.5]
    REFUSED["a gradient"] = torch.ones(1, requires_grad=True)


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_is_taken_everywhere(name, floats):
    given, want = TAKEN[name]
    z = Tensor(given)
    assert z.tolist() == want
    assert {type(v) for v in flatten(z.tolist())} == {type(v) for v in flatten(want)}
    assert z.dtype in ("int64", floats[1])
    assert (z + given).tolist() == (z * 2).tolist()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_everywhere(name, floats):
    with pytest.raises(TypeError, match=r"Tensor: "):
        Tensor(REFUSED[name])


def test_a_list_of_tensors_is_a_constant(floats):
    assert Tensor([Tensor(1.0), Tensor(2.0)]).tolist() == [1.0, 2.0]
    assert Tensor([[Tensor(1), 2]]).dtype == "int64"
    assert (zeros(2) + [Tensor(1.0), 2.0]).tolist() == [1.0, 2.0]
    w = Tensor(1.0, requires_grad=True)
    for call in (lambda: Tensor([w, 2.0]), lambda: zeros(2) + [w, 2.0]):
        with pytest.raises(TypeError, match="stack"):
            call()
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="64 deep"):
        Tensor(endless)
