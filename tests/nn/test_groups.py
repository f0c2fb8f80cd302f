"""Groups of parameters, each with its own options; and clipping, which takes all."""

from __future__ import annotations

import math

import pytest
from conftest import assert_close, needs_numpy, needs_torch
from test_optim import OPTIMIZERS, give_gradients, twins

import nn
from nn import optim
from tinygrad_attn import Tensor, ones, use_backend


def p(*numbers):
    return nn.Parameter([*numbers])


# === Groups ===========================================================================


@needs_torch
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_groups_equal_pytorch(name, any_backend):
    import torch

    ours, theirs = twins([1.0, 2.0], [3.0], [[-1.0]], [2.0])
    both = []
    for library, (a, b, c, late) in (optim, ours), (torch.optim, theirs):
        groups = [
            {"params": [a, c], "weight_decay": 0.1},
            {"params": b, "lr": 0.5},  # one alone
        ]
        optimizer = getattr(library, name)(groups, lr=0.01)
        both.append((optimizer, late))
    for i in range(8):
        if i == 4:
            for optimizer, late in both:
                optimizer.add_param_group({"params": [late], "lr": 0.2})
        gradients = [[0.5 - i % 3, 1.0], [2.0] if i % 2 else None, [[-i - 1.0]], [1.0]]
        give_gradients(ours, theirs, gradients)
        for optimizer, _ in both:
            optimizer.step()
        for q, t in zip(ours, theirs):
            assert_close(q, t)
    a, b = (optimizer for optimizer, _ in both)
    for mine, peers in zip(a.param_groups, b.param_groups):
        shared = set(mine) & set(peers) - {"params"}
        assert shared == set(a.defaults)
        assert {k: mine[k] for k in shared} == {k: peers[k] for k in shared}


def test_no_decay_for_norms_and_biases(backend):
    model = nn.TransformerEncoderLayer(4, 2, 8)
    matrices = [q for q in model.parameters() if len(q.shape) > 1]
    vectors = [q for q in model.parameters() if len(q.shape) == 1]
    groups = [{"params": matrices}, {"params": iter(vectors), "weight_decay": 0.0}]
    optimizer = optim.AdamW(groups, lr=0.1, weight_decay=0.5)
    before = {q: q.detach() for q in model.parameters()}
    for q in model.parameters():
        q.grad = q.detach() * 0.0
    optimizer.step()
    for q in matrices:
        assert_close(q, before[q] * 0.95)
    for q in vectors:
        assert_close(q, before[q])


def test_what_is_given_is_not_changed():
    group = {"params": [p(1.0)], "lr": 0.5}
    optimizer = optim.SGD([group])
    optim.WarmUp(optimizer, 10)
    assert [*group] == ["params", "lr"]
    assert group["lr"] == 0.5


def test_an_option_is_an_attribute_where_all_groups_share_it():
    optimizer = optim.AdamW([{"params": p(1.0)}, {"params": p(2.0), "lr": 0.5}])
    assert optimizer.betas == (0.9, 0.999)
    with pytest.raises(AttributeError, match=r"AdamW: its groups have different lr, 0"):
        _ = optimizer.lr
    optimizer.lr = 0.25
    assert [g["lr"] for g in optimizer.param_groups] == [0.25, 0.25]
    assert optimizer.lr == 0.25
    with pytest.raises(AttributeError, match="AdamW has no attribute 'momentum'"):
        _ = optimizer.momentum


def test_names_of_parameters_are_kept():
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.parameters == [*model.parameters()]
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["weight", "bias"]
    optimizer.load_state_dict(saved)
    optim.Adam(model.parameters()).load_state_dict(saved)
    turned = optim.Adam([*model.named_parameters()][::-1])
    with pytest.raises(ValueError, match="^Adam: a state of parameters weight, bias"):
        turned.load_state_dict(saved)


W = p(1.0, 2.0)
V = nn.Parameter([[1.0]])


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([W, W], ValueError, r"parameter 1, \(2,\), is parameter 0, \(2,\), once more"),
        ([W, V, W], ValueError, "parameter 2, .* is parameter 0"),
        ([("w", W), ("v", V), ("again", W)], ValueError, "again is w once more"),
        ([{"params": [W, W]}], ValueError, "parameter 1, .* is parameter 0, "),
        (
            [{"params": [V]}, {"params": [W]}, {"params": [V]}],
            ValueError,
            r"parameter 0, \(1, 1\), of group 2 is parameter 0, \(1, 1\), of group 0 o",
        ),
        ([], ValueError, "no parameters given"),
        (iter([]), ValueError, "no parameters given"),
        ([{"params": []}], ValueError, "no parameters given"),
        ([{"params": [W]}, {"params": iter([])}], ValueError, "no parameters given"),
        ([{}], ValueError, "a group with nothing given; it must have params"),
        ([{"param": [W]}], ValueError, "a group with param given; it must have params"),
        (
            [{"params": [W], "wd": 0.1}],
            ValueError,
            "a group with wd given; its options",
        ),
        ([{"params": [W], 3: 0.1}], ValueError, "a group with 3 given; its options"),
        ([{"params": [W], "lr": -1.0}], ValueError, r"lr=-1\.0 given; it must be"),
        ([{"params": [1.0]}], TypeError, "a float among the parameters"),
        ([{"params": 1.0}], TypeError, "a float given"),
        ([{"params": {W}}], TypeError, "a set given, whose order changes"),
        ({W, V}, TypeError, "a set given, whose order changes"),
        ({"params": [W]}, TypeError, "a dict given"),
        ([{"params": [W]}, V], TypeError, "groups beside parameters given"),
        ([("w", W), V], TypeError, "some parameters have names"),
        ([("w", 1.0)], TypeError, "a float among the parameters"),
        ([ones(1)], ValueError, "a Tensor that requires no gradient among the param"),
        ([W * 2.0], ValueError, "a Tensor that is a result among the parameters"),
    ],
)
def test_what_is_no_group_is_refused_by_name(kind, given, error, words):
    if not isinstance(given, (list, dict, set)):
        given = iter([])
    with pytest.raises(error, match=f"^{kind.__name__}: .*{words}") as caught:
        kind(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (
            {"params": [W]},
            ValueError,
            r"parameter 0, \(2,\), of group 1 is parameter 0",
        ),
        ({"params": []}, ValueError, "no parameters given"),
        ({"params": [V], "betas": (1, 2)}, ValueError, "group 1: betas=1 given"),
        ({"params": [V], "lr": "a"}, TypeError, "group 1: lr='a', a str, given"),
        ([V], TypeError, "a list given; a group is a dict"),
        (V, TypeError, "a Parameter given; a group is a dict"),
    ],
)
def test_a_group_that_does_not_fit_is_not_added(given, error, words):
    optimizer = optim.Adam([W])
    with pytest.raises(error, match=f"^Adam: .*{words}|^Adam: {words}"):
        optimizer.add_param_group(given)
    assert len(optimizer.param_groups) == 1
    W.grad = None


# === Clipping =========================================================================


def test_clip_grad_norm(any_backend):
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0, 1.0])
    (a * 3.0).sum().backward()
    (b * Tensor([4.0, 0.0])).sum().backward()
    assert optim.clip_grad_norm([a, b], 10.0) == 5.0
    assert optim.clip_grad_norm([a, b, a], 10.0) == 5.0  # a given twice is still one
    assert a.grad.tolist() == [3.0]
    assert optim.clip_grad_norm(iter([a, b, p(1.0)]), 1.0) == 5.0
    assert_close([*a.grad.tolist(), *b.grad.tolist()], [0.6, 0.8, 0.0])


def test_a_gradient_of_zeros_is_clipped_to_zeros(backend):
    w = p(1.0, 1.0)
    w.grad = Tensor([0.0, -0.0])
    assert optim.clip_grad_norm([w], 1.0) == 0.0
    assert w.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_clip_grad_norm_says_which_gradient_is_not_finite(bad, any_backend):
    model = nn.Linear(2, 2)
    model.weight.grad = ones(2, 2)
    model.bias.grad = Tensor([1.0, bad])
    norm = "nan" if math.isnan(bad) else "inf"
    for given, name in [
        (model.parameters(), r"parameter 1, \(2,\)"),
        (model.named_parameters(), "bias"),
    ]:
        with pytest.raises(RuntimeError) as caught:
            optim.clip_grad_norm(given, 1.0)
        said = str(caught.value)
        assert said.startswith(f"clip_grad_norm: the norm is {norm} because of ")
        assert name.replace("\\", "") in said
        assert "debug()" in said
    assert model.weight.grad.tolist() == [[1.0, 1.0]] * 2  # untouched


def test_a_finite_norm_of_large_gradients_is_found(any_backend):
    a, b = p(1.0), p(1.0)
    a.grad, b.grad = Tensor([3e200]), Tensor([4e200])
    assert optim.clip_grad_norm([a, b], 1.0) == pytest.approx(5e200)
    assert_close([*a.grad.tolist(), *b.grad.tolist()], [0.6, 0.8])
    a.grad = b.grad = Tensor([1.7e308])
    with pytest.raises(RuntimeError, match="the norm is inf; the gradients"):
        optim.clip_grad_norm([a, b], 1.0)


@needs_numpy
def test_clipping_keeps_float32():
    with use_backend("numpy"):
        w = nn.Parameter(ones(2))
        w.grad = ones(2) * 3e20  # whose squares float32 does not hold
        norm = optim.clip_grad_norm([w], 1.0)
        assert norm == pytest.approx(3e20 * 2**0.5, rel=1e-6)
        assert w.grad.dtype == "float32"
        assert w.grad.tolist() == pytest.approx([0.5**0.5] * 2, rel=1e-6)


def test_clip_grad_norm_of_nothing_is_refused():
    model = nn.Linear(2, 2)
    parameters = model.parameters()
    optim.Adam(parameters)
    for given, error, words in [
        (parameters, ValueError, r"no parameters given \(a generator"),
        ([], ValueError, "no parameters given"),
        (model.parameters(), RuntimeError, "no parameter of 2 has a gradient; call"),
    ]:
        with pytest.raises(error, match=f"^clip_grad_norm: {words}"):
            optim.clip_grad_norm(given, 1.0)
