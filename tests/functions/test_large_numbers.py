"""Numbers whose squares are no floats have norms and deviations all the same."""

from __future__ import annotations

import math

import pytest
from conftest import assert_close, needs_numpy

from tinygrad_attn import Tensor, functional, grad, ones, randn, use_backend

LARGE = [
    pytest.param("python", "float64", 1e300, id="python"),
    pytest.param("scalar", "float64", 1e300, id="scalar"),
    pytest.param("numpy", "float64", 1e300, id="numpy-float64", marks=needs_numpy),
    pytest.param("numpy", "float32", 1e36, id="numpy-float32", marks=needs_numpy),
]
ROWS = [[1.0, -2.0, 0.5, 3.0], [0.25, 0.5, -0.125, 1.0]]
layer_norm, rms_norm = functional.layer_norm, functional.rms_norm
UNMOVED = {  # by the size of x
    "layer_norm": lambda x: layer_norm(x, 4, eps=0.0),
    "layer_norm, all": lambda x: layer_norm(x, (2, 4), ones(2, 4) * 2, ones(2, 4), 0.0),
    "rms_norm": lambda x: rms_norm(x, 4, ones(4) * 3.0, eps=0.0),
    "std": lambda x: x.std(axis=1) / x.abs().max().detach(),
    "std, kept": lambda x: x.std(1, 0, keepdims=True) / x.abs().max().detach(),
    "std of all": lambda x: x.std() / x.abs().max().detach(),
}


@pytest.mark.parametrize("name", UNMOVED)
@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_large_numbers_have_the_norms_of_small_ones(name, backend, dtype, size):
    f = UNMOVED[name]
    with use_backend(backend, dtype):
        small = Tensor(ROWS, requires_grad=True)
        large = Tensor([[v * size for v in row] for row in ROWS], requires_grad=True)
        want, got = f(small), f(large)
        assert_close(got, want, 1e-5)
        weights = randn(*want.shape)
        (g,), (h,) = grad(want, small, weights), grad(got, large, weights)
        assert_close(h * size, g, 1e-5)


@pytest.mark.parametrize("norm", [layer_norm, rms_norm])
@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_a_large_row_spoils_no_other(norm, backend, dtype, size):
    with use_backend(backend, dtype):
        x = Tensor([[size, -size, 0.0, 0.0], *ROWS, [1e-3, 0.0, 0.0, 0.0], [0.0] * 4])
        z = norm(x, 4, eps=1e-5)
        assert_close(z[1:], norm(x[1:], 4, eps=1e-5), 1e-5)
        assert_close(z[0].abs()[:2], Tensor([math.sqrt(2.0)] * 2), 1e-5)


@pytest.mark.parametrize("norm", [layer_norm, rms_norm])
@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_small_rows_without_an_epsilon_beside_a_large_one(norm, backend, dtype, size):
    with use_backend(backend, dtype):
        small = 1e-18 if dtype == "float32" else 1e-20
        x = Tensor([[small, -small], [size, -size]])
        assert_close(norm(x, 2, eps=0.0), Tensor([[1.0, -1.0]] * 2), 1e-5)


@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_the_slope_of_a_variance_of_large_numbers(backend, dtype, size):
    with use_backend(backend, dtype):
        unit = 1e200 if dtype == "float64" else 1e30
        x = Tensor([[unit, -unit, 0.3 * unit]], requires_grad=True)
        (g,) = grad(x.var(correction=0), x)
        want = [2.0 * (v - 0.1) / 3.0 * unit for v in (1.0, -1.0, 0.3)]
        assert g.tolist()[0] == pytest.approx(want, rel=1e-5)
        equal = Tensor([unit] * 3, requires_grad=True)
        assert grad(equal.var(), equal)[0].tolist() == [0.0] * 3


@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_equal_large_numbers_are_as_good_as_0(backend, dtype, size):
    with use_backend(backend, dtype):
        x = Tensor([[size] * 4], requires_grad=True)
        z = layer_norm(x, 4)
        assert z.tolist() == [[0.0] * 4]
        assert x.std().item() == x.var().item() == 0.0
        assert rms_norm(x, 4).tolist() == [pytest.approx([1.0] * 4, rel=1e-6)]


@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_a_variance_is_a_float_though_the_sum_of_squares_is_none(backend, dtype, size):
    with use_backend(backend, dtype):
        unit = 1e154 if dtype == "float64" else 1e19  # unit² is a float, 100 unit² not
        x = Tensor([unit, -unit] * 50, requires_grad=True)
        v = x.var(correction=0)
        assert v.item() == pytest.approx(unit * unit, rel=1e-5)
        (g,) = grad(v, x)
        assert_close(g, x.detach() / 50.0, 1e-5)
        assert x.var(0, keepdims=True).shape == (1,)


@pytest.mark.parametrize(("backend", "dtype", "size"), LARGE)
def test_of_inf_and_nan_there_is_no_norm(backend, dtype, size):
    with use_backend(backend, dtype):
        for norm in (layer_norm, rms_norm):
            x = Tensor([[math.nan, 1.0], [size, -size], [math.inf, 1.0]])
            assert norm(x, 2)[1].tolist() == pytest.approx([1.0, -1.0], rel=1e-6)
        for bad in (math.inf, -math.inf, math.nan):
            x = Tensor([[bad, size, 1.0]])
            for z in (layer_norm(x, 3), x.var(), x.std(1)):
                assert all(map(math.isnan, z.reshape(-1).tolist()))
