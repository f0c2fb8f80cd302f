"""Every rule, held against finite differences, against itself and against PyTorch."""

from __future__ import annotations

import math

import pytest
from conftest import assert_close, flatten, needs_numpy, needs_torch
from rule_cases import (
    ALL_OPS,
    CASES,
    Case,
    kinds,
    mask,
    normal,
    second_derivatives,
    wanted,
)

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    debug,
    functional,
    grad,
    gradcheck,
    gradgradcheck,
    manual_seed,
    ops,
    randn,
)
from tinygrad_attn.arrays.backends import namespace_of, use_backend
from tinygrad_attn.rules import activations as A
from tinygrad_attn.rules import composites as C

every_case = pytest.mark.parametrize("case", CASES, ids=str)
with_vjp = pytest.mark.parametrize(
    "case", [c for c in CASES if c.op.vjp is not None], ids=str
)
composites_with_vjp = pytest.mark.parametrize(
    "case", [c for c in CASES if c.op.composite and c.op.vjp is not None], ids=str
)


def test_no_operation_is_missing_from_the_table():
    assert {op.name for op in ALL_OPS} == {case.op.name for case in CASES}


def test_every_primitive_has_a_rule():
    assert [op for op in ALL_OPS if not op.composite and op.vjp is None] == []


@every_case
def test_first_derivative_by_finite_differences(case, any_backend):
    assert gradcheck(lambda *x: ops.apply(case.op, *x, **case.params), case.make())


@every_case
def test_second_derivative_by_finite_differences(case, backend):
    assert gradgradcheck(lambda *x: ops.apply(case.op, *x, **case.params), case.make())


@needs_numpy
@every_case
def test_all_backends_compute_the_same(case):
    results = []
    for name in ("python", "numpy", "scalar"):
        with use_backend(name, "float64"):
            manual_seed(3)
            inputs = case.make()
            z = ops.apply(case.op, *inputs, **case.params)
            weights = randn(*z.shape)
            results.append([z, *grad(z, wanted(inputs), weights)])
    for other in results[1:]:
        for got, want in zip(other, results[0]):
            assert got.shape == want.shape
            assert_close(got, want)


@with_vjp
def test_the_rule_gives_the_same_without_what_forward_saved(case, backend):
    arrays = [x.array if isinstance(x, Tensor) else x for x in case.make()]
    xp = namespace_of(arrays)
    z = case.op.forward(xp, *arrays, **case.params)
    z, saved = z if isinstance(z, tuple) else (z, None)
    g = randn(*z.shape).array
    needs = [hasattr(a, "dtype") and a.dtype != "bool" for a in arrays]
    needs = [n and str(a.dtype) != "int64" for n, a in zip(needs, arrays)]
    shares = [
        case.op.vjp(xp, g, z, arrays, needs, kept, **case.params)
        for kept in (saved, None)
    ]
    for with_saved, without, needed in zip(*shares, needs):
        if needed:
            assert_close(with_saved, without)


@with_vjp
def test_what_needs_no_gradient_changes_nothing_for_the_others(case, backend):
    """Its own share is None; a composite may give one that comes for free."""
    inputs = case.make()
    arrays = [x.array if isinstance(x, Tensor) else x for x in inputs]
    xp = namespace_of(arrays)
    z = case.op.forward(xp, *arrays, **case.params)
    z, saved = z if isinstance(z, tuple) else (z, None)
    g = randn(*z.shape).array
    all_needs = [isinstance(x, Tensor) and x.requires_grad for x in inputs]
    every = case.op.vjp(xp, g, z, arrays, all_needs, saved, **case.params)
    places = range(len(inputs))
    some = [[need and j != i for j, need in enumerate(all_needs)] for i in places]
    some += [[need and j == i for j, need in enumerate(all_needs)] for i in places]
    for needs in some:
        if needs == all_needs or not any(needs):
            continue
        shares = case.op.vjp(xp, g, z, arrays, needs, saved, **case.params)
        for share, want, need in zip(shares, every, needs):
            if need:
                assert_close(share, want)
            else:
                assert share is None or (case.op.composite and share.shape)


@composites_with_vjp
def test_hand_derived_rule_equals_the_gradient_of_its_parts(case, backend):
    inputs = case.make()
    folded = ops.apply(case.op, *inputs, **case.params)
    opened = case.op.forward(ops, *inputs, **case.params)
    opened = opened[0] if isinstance(opened, tuple) else opened
    assert opened._op is not case.op  # it was opened indeed
    weights = randn(*folded.shape)
    by_hand = grad(folded, wanted(inputs), weights)
    by_parts = grad(opened, wanted(inputs), weights)
    assert_close(folded, opened)
    for a, b in zip(by_hand, by_parts):
        assert_close(a, b)


@needs_numpy
@pytest.mark.parametrize("case", CASES, ids=str)
def test_float32_stays_float32(case):
    """No rule lets a float64 in, forward or backward."""
    with use_backend("numpy", "float32"):
        manual_seed(1)
        inputs = [
            x.detach().astype("float32").requires_grad_()
            if isinstance(x, Tensor) and x.requires_grad
            else x
            for x in case.make()
        ]
        params = {k: "float32" if k == "dtype" else v for k, v in case.params.items()}
        z = ops.apply(case.op, *inputs, **params)
        assert z.dtype == "float32"
        for g in grad(z, wanted(inputs), randn(*z.shape)):
            assert g.dtype == "float32"


# What a composite does when it is not told, and the same said in words.
DEFAULTS = [
    Case(C.softmax, ((normal, 2, 3, 4),), {"axis": -1}),
    Case(C.log_softmax, ((normal, 2, 3, 4),), {"axis": -1}),
    Case(
        C.layer_norm,
        ((normal, 2, 3, 4), (normal, 4), (normal, 4)),
        {"axis": (-1,), "eps": 1e-5},
    ),
    Case(C.rms_norm, ((normal, 2, 3, 4), (normal, 4)), {"axis": (-1,), "eps": 1e-6}),
    Case(
        C.scaled_dot_product_attention,
        ((normal, 3, 4), (normal, 5, 4), (normal, 5, 2), None, None, (mask, 3, 5)),
        {"p": 0.0},
    ),
]


@pytest.mark.parametrize("case", DEFAULTS, ids=str)
def test_a_composite_left_to_its_defaults(case, backend):
    """In its forward and in its vjp, alone and with what forward saved."""
    inputs = case.make()
    scale = {"scale": 0.5} if "p" in case.params else {}
    left = ops.apply(case.op, *inputs, **scale)
    told = ops.apply(case.op, *inputs, **scale, **case.params)
    assert left.tolist() == told.tolist()
    weights = randn(*left.shape)
    want = grad(told, wanted(inputs), weights, retain_graph=True)
    for create_graph in (False, True):  # the latter leaves out what was saved
        found = grad(left, wanted(inputs), weights, True, create_graph)
        for a, b in zip(found, want):
            assert_close(a, b, 1e-14)


def test_relu_is_0_from_its_kink_on_down(any_backend):
    x = Tensor([-1.0, -0.0, 0.0, 2.0], requires_grad=True)
    z = ops.apply(A.relu, x)
    z.sum().backward()
    assert [str(v) for v in z.tolist()] == ["0.0", "0.0", "0.0", "2.0"]
    assert x.grad.tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_key_that_no_query_may_see_is_as_if_it_were_not_there(any_backend):
    q, k, v = (randn(n, 4, requires_grad=True) for n in (3, 5, 5))
    seen = Tensor([[True, False, True, True, False]])
    sdpa = C.scaled_dot_product_attention
    z = ops.apply(sdpa, q, k, v, seen, None, None, scale=0.5)
    k_seen, v_seen = (concat([t[:1], t[2:4]]) for t in (k, v))
    want = ops.apply(sdpa, q, k_seen, v_seen, None, None, None, scale=0.5)
    assert_close(z, want)
    weights = randn(3, 4)
    for a, b in zip(grad(z, [q, k, v], weights), grad(want, [q, k, v], weights)):
        assert_close(a, b)


@pytest.mark.parametrize("size", [1.0, 1e17, -1e17])
def test_attention_to_nothing_is_0_and_moves_nothing(size, any_backend):
    q, k, v = (randn(2, 4, requires_grad=True) for _ in range(3))
    nothing = Tensor([[False, False], [True, True]])
    z = functional.scaled_dot_product_attention(q * size, k * abs(size), v, nothing)
    assert z[0].tolist() == [0.0] * 4
    for g in grad(z[0].sum(), [q, k, v]):
        assert set(flatten(g.tolist())) == {0.0}
    alone = functional.scaled_dot_product_attention(q[1:] * size, k * abs(size), v)
    assert_close(z[1], alone[0], 1e-14)


@pytest.mark.parametrize("energy", [-1e29, -1e31, -1e35])
def test_no_energy_loses_to_a_masked_key(energy, any_backend):
    """A number that stood for −∞ would win against lower ones."""
    q, k = Tensor([[1.0]], requires_grad=True), Tensor([[energy], [0.0]])
    v, mask = Tensor([[1.0], [2.0]]), Tensor([[True, False]])
    assert functional.scaled_dot_product_attention(q, k, v, mask).tolist() == [[1.0]]
    head = nn.AttentionHead(1, 1)
    for weight in head.W_Q, head.W_K, head.W_V:
        weight.assign([[1.0]])
    z, weights = head(q, k, mask=mask)
    assert weights.tolist() == [[1.0, 0.0]]
    assert z.tolist() == [[energy]] or abs(z.item() / energy - 1.0) < 1e-6


def test_a_step_of_attention_may_make_no_nan_of_a_mask(any_backend):
    """-∞ is put there on purpose, so debug() says nothing of it."""
    x = randn(3, 4, requires_grad=True)
    mask = Tensor([[False] * 3, [True, False, False], [True, True, False]])
    with debug():
        z, _ = nn.AttentionHead(4, 2)(x, mask=mask)
        z.sum().backward()
        functional.scaled_dot_product_attention(x, x, x, mask).sum().backward()
    assert all(map(math.isfinite, flatten(x.grad.tolist())))


# --- PyTorch: first and second derivatives of the same functions ----------------------


def torch_functions():
    """Those that PyTorch has by another name, or that take other arguments."""
    import torch
    from torch.nn import functional as F

    sdpa = F.scaled_dot_product_attention
    return {
        "silu": F.silu,
        "softplus": F.softplus,
        "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
        "rms_norm": lambda x, w, *, axis, eps: F.rms_norm(
            x, x.shape[-len(axis) :], w, eps
        ),
        "sum": lambda x, axis, keepdims=False: torch.sum(x, axis, keepdims),
        "max": lambda x, axis, keepdims=False: torch.amax(x, axis, keepdims),
        "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
        "reshape": lambda x, shape: x.reshape(shape),
        "permute_dims": lambda x, axes: x.permute(axes),
        "concat": lambda *x, axis: torch.cat(x, axis),
        "take": lambda x, i: x[i],
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "dropout": lambda x, keep, p: torch.where(keep, x / (1 - p), 0.0),
        "softmax": lambda x, axis: torch.softmax(x, axis),
        "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
        "cross_entropy": lambda x, q: F.cross_entropy(x, q, reduction="none"),
        "linear": F.linear,
        # (PyTorch has no second derivative for a bias without a weight: added after)
        "layer_norm": lambda x, w, b, *, axis, eps: (
            F.layer_norm(x, x.shape[-len(axis) :], w, None if w is None else b, eps)
            + (b if w is None and b is not None else 0.0)
        ),
        "scaled_dot_product_attention": lambda q, k, v, mask, *_, scale: sdpa(
            q, k, v, mask, scale=scale
        ),
    }


WITHOUT_PEER = {"mean_of_counted", "getslice", "place", "scatter_add", "astype"}


@needs_torch
@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.op.name not in WITHOUT_PEER and "p" not in c.params]
    + [c for c in CASES if c.op.name == "dropout"],
    ids=str,
)
def test_first_and_second_derivative_equal_pytorch(case, backend):
    import torch

    f = torch_functions().get(case.op.name) or getattr(torch, case.op.name)
    inputs = case.make()
    theirs = [
        torch.tensor(x.tolist(), requires_grad=x.requires_grad, dtype=kinds(x))
        if isinstance(x, Tensor)
        else x
        for x in inputs
    ]
    z, want = ops.apply(case.op, *inputs, **case.params), f(*theirs, **case.params)
    assert_close(z, want)
    weights = randn(*z.shape)
    first = grad(z, wanted(inputs), weights, create_graph=True)
    leaves = [t for t in theirs if getattr(t, "requires_grad", False)]
    their_weights = torch.tensor(weights.tolist(), dtype=torch.float64)
    their_first = torch.autograd.grad(want, leaves, their_weights, create_graph=True)
    for a, b in zip(first, their_first):
        assert_close(a, b)
    scale = [randn(*a.shape) for a in first]
    their_scale = [torch.tensor(s.tolist(), dtype=torch.float64) for s in scale]
    second = second_derivatives(grad, first, wanted(inputs), scale)
    their_second = second_derivatives(
        torch.autograd.grad, their_first, leaves, their_scale
    )
    for a, b in zip(second, their_second):
        assert_close(a, b, 1e-10)
