"""Large arrays, and many names: what programs do otherwise than with a few numbers."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from targets import (
    Target,
    assert_near,
    each_target,
    each_target_and_dtype,
    gradients_of,
)

import nn
from tinygrad_attn import Tensor, manual_seed, randn, use_backend, write
from tinygrad_attn.functional import dropout, layer_norm, linear, relu, softmax
from tinygrad_attn.program.naming import RESERVED
from tinygrad_attn.program.writers import numpy_text, numpy_words, python_words


def check(
    target: Target, function: Any, inputs: dict[str, Tensor], *parameters: Tensor
) -> None:
    """A program beside eager, from the same seed."""
    tolerance = target.near[next(iter(inputs.values())).dtype]
    step = write(function, inputs, target=target.name)
    manual_seed(1)
    want = function(*inputs.values())
    for p in parameters:
        p.grad = None
    want.backward()
    manual_seed(1)
    loss, gradients = gradients_of(step, step(**inputs))
    assert step.target == target.name
    assert_near("loss", loss, want.detach(), tolerance)
    for i, p in enumerate(parameters):
        assert_near(f"parameter {i}", gradients[id(p)], p.grad, tolerance)


def numbers(*shape: int) -> Tensor:
    """A parameter."""
    return nn.Parameter(randn(*shape) * 0.1)


# --- sizes ----------------------------------------------------------------------------


@each_target_and_dtype
def test_long_rows(target: Target, dtype: str) -> None:
    """Too long to be kept beside the processor, or to be chosen from one by one."""
    with use_backend(target.backend, dtype):
        manual_seed(0)
        w, b, x = numbers(5000), numbers(5000), randn(2, 5000)

        def loss(x: Tensor) -> Any:
            kept = dropout(relu(x * w), 0.25)
            y = softmax(layer_norm(kept + x, 5000, w, b))
            return (y * y * 1000.0).sum()

        check(target, loss, {"x": x}, w, b)


@each_target_and_dtype
def test_large_products(target: Target, dtype: str) -> None:
    with use_backend(target.backend, dtype):
        manual_seed(0)
        w, v, x = numbers(24, 40), numbers(3, 20, 24), randn(3, 17, 40)

        def loss(x: Tensor) -> Any:
            h = linear(x, w)  # (3, 17, 24): a library's, in C
            z = v @ h.mT  # (3, 20, 17)
            return (z.tanh() * z).sum() / 100.0

        check(target, loss, {"x": x}, w, v)


@each_target_and_dtype
def test_many_rows(target: Target, dtype: str) -> None:
    """Those of a bias are added up: in NumPy block by block, as eagerly."""
    with use_backend(target.backend, dtype):
        manual_seed(0)
        b, x = numbers(3), randn(1300, 3)
        check(target, lambda x: ((x + b) * x).sum() / 100.0, {"x": x}, b)
        if target.name == "numpy":
            step = write(lambda x: x.sum(axis=0), {"x": x}, target="numpy")
            assert step(x).tolist() == x.sum(axis=0).tolist()


@each_target
def test_memory_that_is_shared(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """In NumPy only if there is much of it."""
    monkeypatch.setattr(numpy_text, "ENOUGH", 0)
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1)
        x = randn(2, 5, 8)
        check(target, lambda x: (layer(x) * x).sum(), {"x": x}, *layer.parameters())


# --- names ----------------------------------------------------------------------------

VARIABLES = """
    m0 m1 loop_0 loop_1 new_x new_w bits keep drop order rows np math step once sgemm
    products i j k c z t0 r0 a0_0 p0 s0 x0_0_0 nan0 sum max exp erf x1 parameters lr t
    clip gradients constant scalar local bits_60 total out add mul index names program
    memory listed results numbers self gamma y0 j1 jn M_PI NULL INFINITY linux NaN
    Infinity arguments eval Math undefined Array sumprod itemgetter zip map range len
"""


def loss_of_variables(folder: Path) -> Any:
    """A function whose variables are called so."""
    lines, before = ["from tinygrad_attn import where as chosen"], "x"
    lines.append("def loss(x, w):")
    for i, name in enumerate(VARIABLES.split()):
        value = f"{before} * w + {1 + i / 100} * x.tanh()"
        if i % 3 == 0:
            value = f"chosen({before} > 0.5, {before}, {before} * 0.5)"
        lines.append(f"    {name} = {value}")
        before = name
    path = folder / "variables.py"
    path.write_text("\n".join([*lines, f"    return ({before} * {before}).sum()"]))
    spec = importlib.util.spec_from_file_location("variables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.loss


@each_target
@pytest.mark.parametrize("size", [3, 4100])
def test_variables_of_any_name(size: int, target: Target, tmp_path: Path) -> None:
    """What a program calls its own things is nobody's name."""
    loss = loss_of_variables(tmp_path)
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        w, x = numbers(size), randn(size)
        check(target, lambda x: loss(x, w) / size, {"x": x}, w)


def test_helpers_have_reserved_names() -> None:
    for words in (numpy_words, python_words):
        assert {*words.HELPERS} <= RESERVED
