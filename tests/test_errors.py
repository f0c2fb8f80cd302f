"""Bad input gets one clear line: the op, what was given, what would be right."""

from __future__ import annotations

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import (
    Tensor,
    arange,
    backends,
    concat,
    full,
    functional,
    grad,
    maximum,
    ones,
    ops,
    rand,
    randn,
    set_backend,
    use_backend,
    where,
    zeros,
)

F = functional

# (what is called, the error, what its message must name)
BAD_CALLS = [
    (lambda: zeros(2, 3) + zeros(4, 3), ValueError, ["add", "(2, 3)", "(4, 3)"]),
    (lambda: zeros(2) * zeros(3), ValueError, ["mul", "(2,)", "(3,)"]),
    (lambda: zeros(2) > zeros(3), ValueError, ["comparison", "(2,)", "(3,)"]),
    (lambda: maximum(zeros(2), zeros(3)), ValueError, ["maximum", "(2,)", "(3,)"]),
    (lambda: zeros(2, 3) @ zeros(4, 5), ValueError, ["matmul", "(2, 3)", "(4, 5)"]),
    (lambda: zeros(3) @ zeros(2), ValueError, ["matmul", "(3,)", "(2,)", "equal"]),
    (lambda: zeros() @ zeros(2), ValueError, ["matmul", "()", "(2,)", "axis"]),
    (lambda: zeros(2, 2, 3) @ zeros(3, 3, 2), ValueError, ["matmul", "broadcast"]),
    (lambda: zeros(2) + "1", TypeError, ["+", "Tensor", "str"]),
    (lambda: None - zeros(2), TypeError, ["-", "NoneType", "Tensor"]),
    (lambda: zeros(6).reshape(4), ValueError, ["reshape", "(6,)", "(4,)"]),
    (lambda: zeros(6).reshape(-1, -1), ValueError, ["reshape", "(-1, -1)"]),
    (lambda: zeros(6).reshape(-1, 4), ValueError, ["reshape", "(-1, 4)"]),
    (lambda: zeros(2, 3).permute_dims(0, 0), ValueError, ["permute_dims", "(0, 0)"]),
    (lambda: zeros(2, 3).permute_dims(0, 5), IndexError, ["permute_dims", "5"]),
    (lambda: zeros(2).broadcast_to(3), ValueError, ["broadcast_to", "(2,)", "(3,)"]),
    (lambda: zeros(2, 3).sum(axis=2), IndexError, ["sum", "axis 2", "-2..1"]),
    (lambda: zeros(2, 3).sum(axis=(0, 0)), ValueError, ["sum", "twice"]),
    (lambda: zeros(2, 3).mean(axis="x"), TypeError, ["mean"]),
    (lambda: zeros(0).max(), ValueError, ["max"]),
    (lambda: zeros(2, 0).argmax(axis=1), ValueError, ["argmax", "empty"]),
    (lambda: zeros(2, 3)[2], IndexError, ["indexing", "2", "axis 0", "-2..1"]),
    (lambda: zeros(2, 3)[0, 0, 0], IndexError, ["indexing", "(2, 3)"]),
    (lambda: zeros(2, 3)["a"], TypeError, ["indexing", "'a'"]),
    (lambda: zeros(2, 3)[0.5], TypeError, ["indexing", "0.5"]),
    (lambda: concat([]), ValueError, ["concat"]),
    (lambda: concat([zeros(2, 3), zeros(2, 4)]), ValueError, ["concat", "(2, 4)"]),
    (lambda: concat([zeros(2)], axis=1), IndexError, ["concat", "axis 1"]),
    (lambda: where(zeros(2), 1.0, zeros(2)), TypeError, ["where", "float64", "bool"]),
    (lambda: where(True, zeros(2), 0.0), TypeError, ["where", "bool"]),
    (lambda: ops.take(zeros(3, 2), Tensor([3])), IndexError, ["take", "3", "0..2"]),
    (lambda: ops.take(zeros(3, 2), Tensor([-1])), IndexError, ["take", "-1", "0..2"]),
    (lambda: ops.take(zeros(3, 2), zeros(1)), TypeError, ["take", "integer"]),
    (lambda: Tensor([[1.0], [1.0, 2.0]]), ValueError, ["Tensor", "ragged", "1, 2"]),
    (lambda: Tensor([1.0, [2.0]]), ValueError, ["Tensor", "ragged"]),
    (lambda: Tensor(["a"]), TypeError, ["Tensor", "'a'", "not a number"]),
    (lambda: Tensor(None), TypeError, ["Tensor", "None"]),
    (lambda: Tensor([1.0], dtype="text"), TypeError, ["Tensor", "'text'", "float64"]),
    (lambda: Tensor([1], requires_grad=True), TypeError, ["int64", "floats"]),
    (lambda: zeros(2, -1), ValueError, ["shape", "(2, -1)"]),
    (lambda: randn(2.5), ValueError, ["randn", "2.5"]),
    (lambda: rand("3"), ValueError, ["rand", "3"]),
    (lambda: full(3, 1.0, dtype="f"), TypeError, ["'f'"]),
    (lambda: arange(0, 3, 0), ValueError, ["arange", "step 0"]),
    (lambda: zeros(2).item(), ValueError, ["item", "(2,)", "one"]),
    (lambda: len(zeros()), TypeError, ["len"]),
    (lambda: bool(zeros(2)), ValueError, ["(2,)"]),
    (lambda: zeros(2).__setitem__(0, 1.0), TypeError, ["where", "in place"]),
    (lambda: set_backend("cuda"), ValueError, ["'cuda'", "python, numpy, scalar"]),
    (lambda: set_backend("python", "float32"), ValueError, ["float32", "float64"]),
    (lambda: F.softmax(zeros(2, 3), axis=2), IndexError, ["softmax", "axis 2"]),
    (lambda: F.gelu(zeros(2), "fast"), ValueError, ["gelu", "'fast'", "'tanh'"]),
    (lambda: F.dropout(zeros(2), 1.0), ValueError, ["dropout", "p=1.0", "[0, 1)"]),
    (lambda: F.linear(zeros(2, 3), zeros(4, 5)), ValueError, ["linear", "(4, 5)"]),
    (
        lambda: F.linear(zeros(2, 3), zeros(4, 3), zeros(3)),
        ValueError,
        ["linear", "bias", "(4,)"],
    ),
    (lambda: F.layer_norm(zeros(2, 3), 2), ValueError, ["layer_norm", "(2, 3)"]),
    (
        lambda: F.layer_norm(zeros(2, 3), 3, ones(2)),
        ValueError,
        ["layer_norm", "weight", "(2,)", "(3,)"],
    ),
    (
        lambda: F.cross_entropy(zeros(2, 3), Tensor([0, 3])),
        IndexError,
        ["cross_entropy", "label 3", "0..2"],
    ),
    (
        lambda: F.cross_entropy(zeros(2, 3), Tensor([0])),
        ValueError,
        ["cross_entropy", "(1,)", "(2,)"],
    ),
    (
        lambda: F.cross_entropy(zeros(2, 3), zeros(2)),
        TypeError,
        ["cross_entropy", "label", "integer", "float64"],
    ),
    (lambda: F.cross_entropy(zeros(3), Tensor([1])), ValueError, ["(N, C)", "(3,)"]),
    (
        lambda: F.scaled_dot_product_attention(
            zeros(2, 3), zeros(2, 4), zeros(2, 3)
        ),
        ValueError,
        ["scaled_dot_product_attention", "(2, 4)", "d_k"],
    ),
    (
        lambda: F.scaled_dot_product_attention(
            zeros(2, 3), zeros(2, 3), zeros(2, 3), zeros(2, 2)
        ),
        TypeError,
        ["attn_mask", "float64", "True = may be attended to"],
    ),
    (
        lambda: F.scaled_dot_product_attention(
            zeros(2, 3), zeros(2, 3), zeros(2, 3), ones(3, 2, dtype="bool")
        ),
        ValueError,
        ["attn_mask", "(3, 2)", "(2, 2)"],
    ),
    (lambda: zeros(2).backward(), RuntimeError, ["backward", "no graph"]),
    (
        lambda: (ones(2, requires_grad=True) * 2).backward(),
        RuntimeError,
        ["backward", "(2,)", "scalar"],
    ),
    (
        lambda: (ones(2, requires_grad=True) * 2).backward(ones(3)),
        ValueError,
        ["backward", "(3,)", "(2,)"],
    ),
    (
        lambda: ones(1, requires_grad=True).backward(1.0),
        TypeError,
        ["backward", "float", "Tensor"],
    ),
    (
        lambda: grad(ones(1, requires_grad=True).sum(), ones(1)),
        RuntimeError,
        ["grad", "input 0", "requires_grad=True"],
    ),
    (
        lambda: grad(
            ones(1, requires_grad=True).sum(), ones(1, requires_grad=True)
        ),
        RuntimeError,
        ["grad", "input 0", "not used"],
    ),
    (
        lambda: setattr(ones(2, requires_grad=True), "grad", ones(3)),
        ValueError,
        ["grad", "(3,)", "(2,)"],
    ),
    (lambda: nn.Linear(0, 3), ValueError, ["Linear", "in_features=0"]),
    (lambda: nn.Embedding(3, 2)(Tensor([3])), IndexError, ["token 3", "0..2"]),
    (lambda: nn.Embedding(3, 2)(zeros(1)), TypeError, ["token", "integer"]),
    (
        lambda: nn.MultiHeadAttention(10, 3),
        ValueError,
        ["d_model=10", "divisible", "num_heads=3"],
    ),
    (lambda: nn.Dropout(-0.1), ValueError, ["Dropout", "p=-0.1"]),
    (lambda: nn.FeedForward(4, 8, activation="x"), ValueError, ["'x'", "relu"]),
    (
        lambda: nn.LearnedPositions(4, 2)(zeros(1, 5, 2)),
        ValueError,
        ["LearnedPositions", "(1, 5, 2)", "4"],
    ),
    (lambda: nn.ModuleList([1]), TypeError, ["ModuleList", "int", "modules"]),
    (lambda: nn.optim.Adam([], 0.1), ValueError, ["Adam", "no parameters"]),
    (
        lambda: nn.optim.SGD([nn.Parameter([1.0])], -1.0),
        ValueError,
        ["SGD", "lr=-1.0"],
    ),
    (
        lambda: nn.optim.SGD([nn.Parameter([1.0])], 0.1).step(),
        RuntimeError,
        ["SGD", "backward()"],
    ),
    (
        lambda: nn.optim.clip_grad_norm([], 0.0),
        ValueError,
        ["clip_grad_norm", "max_norm=0.0"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "names"), BAD_CALLS)
def test_one_line_says_what_is_wrong(call, kind, names, any_backend):
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    for part in names:
        assert part in message, message


def test_an_error_in_a_composite_carries_its_name(backend):
    q = ones(2, 3)
    with pytest.raises(
        ValueError, match="^scaled_dot_product_attention: leading shapes"
    ):
        F.scaled_dot_product_attention(
            q.reshape(1, 2, 3).broadcast_to(4, 2, 3),
            q.reshape(1, 2, 3).broadcast_to(3, 2, 3),
            q,
        )


@needs_numpy
def test_tensors_of_two_backends_do_not_mix():
    x = ones(2)
    with use_backend("numpy"):
        y = ones(2)
    for call in (lambda: x + y, lambda: y @ x, lambda: x > y, lambda: F.linear(x, y)):
        with pytest.raises((TypeError, ValueError), match=r"backends|linear|matmul"):
            call()
    with pytest.raises(TypeError, match="two backends meet, 'python' and 'numpy'"):
        _ = x * y


def test_numpy_asked_for_but_not_installed(monkeypatch):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    backends.get_backend.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="pip install numpy"):
            set_backend("numpy")
    finally:
        backends.get_backend.cache_clear()


def test_second_derivatives_on_scalars_say_where_to_get_them():
    with use_backend("scalar"):
        x = Tensor([1.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="first derivatives only"):
            grad((x * x).sum(), x, create_graph=True)
