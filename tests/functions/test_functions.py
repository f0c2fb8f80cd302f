"""Every public function and method, held against NumPy, finite differences and PyTorch.

The table is in `function_cases.py`; here is what must hold for each of its rows, and
then indexing, whose table is one of keys.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings

import public
import pytest
from conftest import assert_close, needs_numpy, needs_torch
from function_cases import ROWS
from rule_cases import kinds, normal, second_derivatives, wanted

from tinygrad_attn import Tensor, creation, grad, gradcheck, gradgradcheck, randn

every_row = pytest.mark.parametrize("row", ROWS, ids=str)
UNSHAPED = [(0,), (2, 0), (0, 3), ()]
PAIRS = [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), ()), ((1,), (2, 1))]


def rows(**flags):
    """The rows with these flags, as a parameter of a test."""
    chosen = [r for r in ROWS if all(getattr(r, k) == v for k, v in flags.items())]
    return pytest.mark.parametrize("row", chosen, ids=str)


def ndarrays(inputs):
    """The Tensors among the inputs as ndarrays."""
    import numpy as np

    return [
        np.array(x.tolist(), dtype=x.dtype).reshape(x.shape)
        if isinstance(x, Tensor)
        else x
        for x in inputs
    ]


@contextlib.contextmanager
def silence():
    """NumPy warns of means of nothing; what it returns is what we compare with."""
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def assert_same(got, want, tolerance=1e-12):
    """A Tensor is as an ndarray: shape, kind of dtype, numbers (nan is nan)."""
    import numpy as np

    want = np.asarray(want)
    assert got.shape == want.shape
    assert np.dtype(got.dtype).kind == want.dtype.kind
    (array,) = ndarrays([got])
    scale = np.max(np.abs(want[np.isfinite(want)]), initial=1.0)
    np.testing.assert_allclose(array, want, rtol=0, atol=tolerance * scale)


def assert_all_same(got, want):
    assert len(got) == len(want)
    for a, b in zip(got, want):
        assert_same(a, b)


# --- nothing is missing ---------------------------------------------------------------


def named():
    return {name for row in ROWS for name in row.names.split()}


def test_every_public_function_has_a_row():
    assert sorted(set(public.functions()) - named()) == []


def test_every_public_method_has_a_row():
    assert sorted({f".{name}" for name in public.methods()} - named()) == []


def test_no_row_names_what_does_not_exist():
    functions = {n for n in named() if not n.startswith(".")}
    assert sorted(functions - set(public.functions())) == []
    methods = {n[1:] for n in named() if n.startswith(".")}
    assert sorted(m for m in methods if not hasattr(Tensor, m)) == []


def test_a_row_without_a_peer_says_why():
    alone = [r for r in ROWS if r.numpy is None or r.torch is None]
    assert [str(r) for r in alone if not r.why] == []
    assert [str(r) for r in ROWS if r.numpy is None and r.check is None] == []


def test_no_two_rows_have_the_same_name():
    names = sorted(map(str, ROWS))
    assert [a for a, b in itertools.pairwise(names) if a == b] == []


# --- values ---------------------------------------------------------------------------


@needs_numpy
@every_row
def test_values_shape_and_dtype_equal_numpy(row, any_backend):
    inputs = row.make()
    if row.numpy is None:
        assert row.check(*row.outputs(*inputs), *inputs)
    else:
        assert_equals_numpy(row, inputs)


def assert_equals_numpy(row, inputs):
    want = numpys(row, inputs)
    if not row.plain:
        assert_all_same(row.outputs(*inputs), want)
        return
    got = row.call(*inputs)
    assert not isinstance(got, Tensor)
    if hasattr(got, "tolist"):  # an array
        (want,) = want
        got, want = got.tolist(), want.tolist()
    assert got == want
    assert isinstance(got, type(want))


def numpys(row, inputs):
    """What NumPy gives: a list of arrays, or the plain thing itself."""
    with silence():
        want = row.numpy(*row.arranged(ndarrays(inputs)), **row.params)
    if hasattr(want, "dtype"):
        return [want]
    return want if row.plain else list(want)


@pytest.mark.parametrize("row", [r for r in ROWS if " " in r.names], ids=str)
def test_methods_and_operators_do_what_the_function_does(row, any_backend):
    inputs = row.make()
    (_, function), *others = row.calls()
    want = function(*inputs)
    want = want if isinstance(want, tuple) else (want,)
    for _, method in others:
        got = method(*inputs)
        got = got if isinstance(got, tuple) else (got,)
        assert len(got) == len(want)
        for a, b in zip(got, want):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            assert str(a.tolist()) == str(b.tolist())  # so that nan is nan
            assert a.requires_grad == b.requires_grad


# --- first and second derivatives -----------------------------------------------------


@rows(differentiable=True)
def test_first_derivative_by_finite_differences(row, any_backend):
    assert_gradients_fit(row, row.make())
    if row.smooth:
        assert gradcheck(row.outputs, row.make())


@rows(differentiable=True, smooth=True)
def test_second_derivative_by_finite_differences(row, backend):
    assert gradgradcheck(row.outputs, row.make())


@rows(differentiable=False, plain=False)
def test_no_gradient_is_promised_where_there_is_none(row, any_backend):
    for z in row.outputs(*row.make()):
        assert not z.requires_grad


def assert_gradients_fit(row, inputs):
    """Every output has a graph, every gradient its input's shape and dtype."""
    leaves = wanted(inputs)
    outputs = row.outputs(*inputs)
    assert [z for z in outputs if not z.requires_grad] == []
    for x, g in zip(leaves, grad(outputs, leaves, [randn(*z.shape) for z in outputs])):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)


# --- broadcasting, and nothing at all -------------------------------------------------


@needs_numpy
@rows(broadcasts=True)
def test_two_inputs_broadcast(row, any_backend):
    for shapes in PAIRS:
        inputs = row.make(*[shapes[0]] * (len(row.inputs) - 2), *shapes)
        assert_all_same(row.outputs(*inputs), numpys(row, inputs))
        if row.differentiable:
            assert_gradients_fit(row, inputs)
        if row.differentiable and row.smooth:
            assert gradcheck(row.outputs, inputs)
            if any_backend != "scalar":
                assert gradgradcheck(row.outputs, inputs)


@needs_numpy
@rows(any_shape=True)
def test_empty_arrays_and_single_numbers(row, any_backend):
    for shape in UNSHAPED:
        inputs = row.make(shape)
        try:
            numpys(row, inputs)
        except ValueError:
            with pytest.raises(ValueError, match=r"."):
                row.call(*inputs)
            continue
        assert_equals_numpy(row, inputs)
        if row.differentiable:
            assert_gradients_fit(row, inputs)


# --- PyTorch --------------------------------------------------------------------------


def tensors(inputs):
    """The Tensors among the inputs as PyTorch's."""
    import torch

    return [
        torch.tensor(x.tolist(), dtype=kinds(x))
        .reshape(x.shape)
        .requires_grad_(x.requires_grad)
        if isinstance(x, Tensor)
        else x
        for x in inputs
    ]


def assert_like_torch(got, want, tolerance=1e-12):
    assert got.shape == tuple(want.shape)
    assert_same(got, want.detach().to(kinds(got)).numpy(), tolerance)


@needs_numpy
@needs_torch
@pytest.mark.parametrize("row", [r for r in ROWS if r.torch is not None], ids=str)
def test_values_first_and_second_derivatives_equal_pytorch(row, backend):
    import numpy as np
    import torch

    inputs = row.make()
    theirs = tensors(inputs)
    outputs, want = row.outputs(*inputs), row.peer(row.torch, theirs)
    assert len(outputs) == len(want)
    for a, b in zip(outputs, want):
        assert_like_torch(a, b)
    if not row.differentiable:
        return
    leaves, their_leaves = wanted(inputs), wanted_of_torch(theirs)
    weights = [randn(*z.shape) for z in outputs]
    first = grad(outputs, leaves, weights, create_graph=True)
    their_first = torch.autograd.grad(
        want, their_leaves, tensors(weights), create_graph=True, materialize_grads=True
    )
    for a, b in zip(first, their_first):
        assert_like_torch(a, b)
    scale = [randn(*a.shape) for a in first]
    second = second_derivatives(grad, first, leaves, scale)
    their_second = second_derivatives(
        grad_of_torch, their_first, their_leaves, tensors(scale)
    )
    for a, b, x in zip(second, their_second, leaves):
        assert_same(Tensor(a).reshape(x.shape), np.reshape(b, x.shape), 1e-10)


def grad_of_torch(outputs, inputs, **settings):
    """torch.autograd.grad; some of its zeros have no memory, and are given some."""
    import torch

    found = torch.autograd.grad(outputs, inputs, **settings)
    return [g if g is None else torch.zeros(g.shape).double() + g for g in found]


def wanted_of_torch(inputs):
    return [x for x in inputs if getattr(x, "requires_grad", False) is True]


# --- whole numbers, and leaves that are created ---------------------------------------


@pytest.mark.parametrize("name", ["zeros", "ones", "rand", "randn"])
def test_what_is_created_can_be_a_leaf(name, any_backend):
    make = getattr(creation, name)
    for x in (make(2, 3, requires_grad=True), make((2, 3), requires_grad=True)):
        assert x.requires_grad
        assert x.is_leaf
        (x * x).sum().backward()
        assert_close(x.grad, x.detach() * 2.0)
    assert creation.full((2,), 1.0, requires_grad=True).requires_grad
    assert creation.zeros_like(x, requires_grad=True).requires_grad
    assert creation.ones_like(x, requires_grad=True).requires_grad
    with pytest.raises(TypeError, match="only floats"):
        make(2, dtype="int64", requires_grad=True)


# --- indexing -------------------------------------------------------------------------

# How x, of this shape, is indexed. A(...) is a Tensor, an ndarray or a list in turn.
KEYS = {
    (4, 3, 5): [
        "0",
        "-1",
        "1, 2, -5",
        "...",
        "()",
        "None",
        "None, 1, ..., None",
        "..., 0",
        "1:3",
        "::-1",
        "-1:0:-2, ::2",
        "5:1:-1, :, -2:-9:-1",
        "3:1",
        "2:2, 0",
        "-100:100, 1, None",
        ":, None, ::-2, 1:",
        "A([0, 2])",
        "A([0, -1, 0, 0])",
        "A([[0, 1], [-2, 3]])",
        "A([])",
        ":, A([])",
        ":, A([2, 0, 0])",
        "..., A([4, -5, 4])",
        "A([0, 1]), A([2, -1])",
        "A([0, 1]), A([2, -1]), A([3, 3])",
        "A([[0], [3]]), A([0, 2, 2])",
        "A([0, 1]), :, A([4, 4])",
        "A([0, 1]), None, A([2, 2])",
        ":, A([0, 2]), A([1, 1])",
        "None, :, A([0, 2]), A([1, 1]), None",
        "A([0, 0]), 1:, ::-2",
        "::-1, A([0, 0]), 1:4:2",
        "0, A([0, 2, 2])",
        "A([1, 1]), :, -1",
        "A([1, 1]), 0, ::-1",
        "None, A([1, 1]), None",
        "..., A([1, 2]), None",
        "A([True, False, True, True])",
        "A([False, False, False, False])",
        ":, A([True, False, True])",
        "..., A([True, False, False, True, True])",
        "1, A([True, False, True]), ::-1",
        "A([[True, False, True]] * 4)",
        "A([[False] * 3] * 4)",
        "A([[True, False, True]] * 4), 1::2",
        "0, A([[True, False, True, False, False]] * 3)",
        "None, A([[True, False, True]] * 4), None",
        "A([[[True, False, True, False, True]] * 3] * 4)",
        "A([True, False, True, False]), A([0, 2])",
        "A([True, False, True, False]), :, A([1, 1])",
        "A([False, False, True, False]), :, A([4, 0, 0])",
        "A(1)",
        ":, A(-1)",
        "A(1), A([0, 0])",
    ],
    (6,): ["2", "::-3", "A([5, 5, 0])", "A([[1]])", "A([True] * 6)", "None", "..."],
    (): ["()", "...", "None", "..., None, None"],
    (0, 3): ["0:5", "::-1, 1", "A([])", ":, A([0, 0, 2])", ":0"],
    (2, 0): ["0", "A([1, 1])", "A([[]] * 2)", ":, A([])", "::-1, ::-1"],
}
ALL_KEYS = [
    pytest.param(shape, key, id=f"{shape} {key}")
    for shape, keys in KEYS.items()
    for key in keys
]
REFUSED = [
    "4",
    "-5",
    "0, 0, 0, 0",
    "..., ...",
    "A([0, 4])",
    "A([-5])",
    ":, A([3])",
    "A([0, 1]), A([0, 1, 2])",
    "A([True, False])",
    "A([[True, False, True, True, True]] * 4)",
    "0, 0, 0, A([0])",
    "A([0.0, 1.0])",
    "0.0",
    "'a'",
]
# NumPy and PyTorch take a bool for a mask without an axis: here it is refused, as it is
# what a comparison of two numbers leaves.


def as_kind(kind):
    """What A(...) in a key makes: a Tensor, an ndarray or a list; integers if empty."""
    import numpy as np

    def make(numbers):
        array = np.array(numbers)
        array = array if array.size else array.astype(bool if numbers else int)
        if kind == "list" and (array.size or array.dtype != bool):
            return numbers
        return (
            Tensor(array.tolist(), dtype=str(array.dtype)).reshape(array.shape)
            if kind == "Tensor"
            else array
        )

    return make


def index(x, key, kind):
    """x[key], the key written as text."""
    return eval(f"x[{key}]", {"x": x, "A": as_kind(kind)})


@needs_numpy
@pytest.mark.parametrize(("shape", "key"), ALL_KEYS)
def test_indexing_equals_numpy_in_values_and_gradients(shape, key, any_backend):
    import numpy as np

    x = normal(*shape)
    (array,) = ndarrays([x])
    want = index(array, key, "ndarray")
    for kind in ("Tensor", "ndarray", "list") if "A" in key else ("list",):
        z = index(x, key, kind)
        assert_same(z, want)
        weights = randn(*z.shape)
        (g,) = grad(z, x, weights)
        positions = np.arange(array.size).reshape(shape)
        where_to = index(positions, key, "ndarray").reshape(-1)
        slope = np.bincount(
            where_to, ndarrays([weights])[0].reshape(-1), minlength=array.size
        )
        assert_same(g, slope.reshape(shape).astype(float))
    if z.size:
        assert gradcheck(lambda x: index(x, key, "list"), x)


@needs_numpy
@needs_torch
@pytest.mark.parametrize(
    ("shape", "key"),
    [p for p in ALL_KEYS if ":-" not in p.values[1]],
)
def test_indexing_equals_pytorch_up_to_second_derivatives(shape, key, backend):
    import torch

    x = normal(*shape)
    (theirs,) = tensors([x])
    numbers = {"x": theirs, "A": lambda v: torch.tensor(as_kind("ndarray")(v))}
    z, want = index(x, key, "Tensor"), eval(f"x[{key}]", numbers)
    assert_like_torch(z, want)
    weights = randn(*z.shape)
    (first,) = grad(z * z, x, weights, create_graph=True)
    (their_first,) = torch.autograd.grad(
        want * want, theirs, tensors([weights])[0], create_graph=True
    )
    assert_like_torch(first, their_first)
    scale = randn(*first.shape)
    (second,) = grad(first, x, scale)
    assert_like_torch(
        second, torch.autograd.grad(their_first, theirs, tensors([scale])[0])[0]
    )


@needs_numpy
@pytest.mark.parametrize("kind", ["Tensor", "ndarray", "list"])
@pytest.mark.parametrize("key", REFUSED)
def test_what_numpy_refuses_as_an_index_is_refused(key, kind, any_backend):
    import numpy as np

    with pytest.raises(IndexError):
        index(np.zeros((4, 3, 5)), key, "ndarray")
    with pytest.raises((IndexError, TypeError, ValueError)):
        index(randn(4, 3, 5), key, kind)


def test_a_single_bool_is_no_index(any_backend):
    for key in (True, False, (0, True)):
        with pytest.raises(IndexError, match="bool"):
            randn(2, 3)[key]
