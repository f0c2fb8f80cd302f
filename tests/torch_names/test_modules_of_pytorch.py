"""Modules under PyTorch's names and in its order, held to PyTorch's own; devices,
generators, and x[key] = y."""

from __future__ import annotations

import math
import random

import pytest
from conftest import needs_torch

import nn
import tinygrad_attn
from tinygrad_attn import Tensor, manual_seed, no_grad, ones, randn, use_backend, zeros


def numbers(t):
    return t.detach().tolist()


# --- attention in PyTorch's order -----------------------------------------------------


@needs_torch
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("mask", ["none", "bool", "by head", "padding"])
def test_multihead_attention_is_pytorchs(backend, batch_first, mask):
    import torch

    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=batch_first).double()
    ours = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    ours.load_state_dict(nn.from_torch(theirs.state_dict()))
    x, m = randn(3, 4, 8), randn(5, 4, 8)
    if batch_first:
        x, m = randn(4, 3, 8), randn(4, 5, 8)
    given = {}
    if mask == "bool":
        given["attn_mask"] = Tensor([[i < j - 1 for j in range(5)] for i in range(3)])
    if mask == "by head":
        blocked = [
            [[h % 2 and j == i for j in range(5)] for i in range(3)] for h in range(8)
        ]
        given["attn_mask"] = Tensor(blocked) == 1
    if mask == "padding":
        given["key_padding_mask"] = Tensor([[j > 2 for j in range(5)]] * 4)
    of_torch = {k: torch.tensor(numbers(v)) for k, v in given.items()}
    q, k = (torch.tensor(numbers(t), dtype=torch.float64) for t in (x, m))
    for average in (True, False):
        z, w = ours(x, m, m, average_attn_weights=average, **given)
        want, weights = theirs(q, k, k, average_attn_weights=average, **of_torch)
        assert z.shape == tuple(want.shape)
        assert w.shape == tuple(weights.shape)
        assert z.reshape(-1).tolist() == pytest.approx(want.reshape(-1).tolist())
        assert w.reshape(-1).tolist() == pytest.approx(weights.reshape(-1).tolist())
    assert ours(x, m, m, need_weights=False)[1] is None


def test_what_multihead_attention_refuses():
    layer = nn.MultiheadAttention(4, 2)
    x = ones(3, 1, 4)
    with pytest.raises(ValueError, match="is_causal=True given without attn_mask"):
        layer(x, x, x, is_causal=True)
    with pytest.raises(ValueError, match="no add_bias_kv"):
        nn.MultiheadAttention(4, 2, add_bias_kv=True)
    with pytest.raises(TypeError, match="batch_first='yes'"):
        nn.MultiheadAttention(4, 2, batch_first="yes")


@needs_torch
@pytest.mark.parametrize(
    "line",
    [
        "nn.Flatten()(x.view(2, 3, 1))",
        "nn.LeakyReLU(0.2)(x)",
        "nn.Softmax(dim=0)(x)",
        "nn.Softmax(1)(x)",
        "nn.SmoothL1Loss(beta=0.5)(x, p)",
        "nn.HuberLoss(reduction='sum', delta=0.5)(x, p)",
        "nn.Softplus()(x)",
        "nn.LogSigmoid()(x)",
        "nn.LogSoftmax(dim=1)(x)",
        "nn.NLLLoss()(x, c)",
        "nn.NLLLoss(weight=w, reduction='sum')(x, c)",
        "nn.NLLLoss(ignore_index=2)(x, c)",
        "nn.KLDivLoss(reduction='batchmean')(x, p)",
        "nn.BCELoss()(p, h)",
        "nn.BCEWithLogitsLoss(reduction='sum')(x, h)",
        "nn.L1Loss()(x, p)",
    ],
)
def test_a_module_is_pytorchs(line):
    import torch

    inputs = {
        "x": [[1.5, -2.0, 0.5], [-0.25, 3.0, 2.5]],
        "p": [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]],
        "h": [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        "w": [1.0, 2.0, 0.5],
        "c": [2, 0],
    }
    kind = {"c": torch.long}
    theirs = {
        k: torch.tensor(v, dtype=kind.get(k, torch.float64)) for k, v in inputs.items()
    }
    ours = {k: Tensor(v) for k, v in inputs.items()}
    want = eval(line, {"nn": torch.nn, **theirs})
    got = eval(line, {"nn": nn, **ours})
    assert got.shape == tuple(want.shape)
    assert got.reshape(-1).tolist() == pytest.approx(want.reshape(-1).tolist())


@needs_torch
def test_clip_grad_norm_is_pytorchs(backend):
    import torch

    for size in (0.5, 5.0, 50.0):
        w = nn.Parameter([3.0, 4.0])
        t = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
        (w * w).sum().backward()
        (t * t).sum().backward()
        norm = nn.utils.clip_grad_norm_([w], size)
        want = torch.nn.utils.clip_grad_norm_([t], size)
        assert norm.item() == want.item()
        assert w.grad.tolist() == pytest.approx(t.grad.tolist(), rel=1e-15)
    assert nn.utils.clip_grad_norm_([nn.Parameter([1.0])], 1.0).item() == 0.0


# --- models, dtypes, devices ----------------------------------------------------------


def test_a_model_on_the_only_device():
    model = nn.Linear(2, 2)
    assert model.to("cpu") is model.cpu() is model
    assert model.to(tinygrad_attn.device("cpu"), non_blocking=True) is model
    for move in (
        lambda: model.to("cuda"),
        model.cuda,
        lambda: model.to(device="mps:0"),
    ):
        with pytest.raises(RuntimeError, match="the only one here is 'cpu'"):
            move()
    with pytest.raises(TypeError, match="a model has floats"):
        model.to(tinygrad_attn.long)
    with pytest.raises(TypeError, match="layout given"):
        model.to("cpu", layout=1)


@pytest.mark.skipif(
    not tinygrad_attn.arrays.backends.find_spec("numpy"), reason="needs NumPy"
)
def test_a_model_in_another_dtype():
    with use_backend("numpy"):
        model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
        model(ones(1, 2)).sum().backward()
        before = [*model.parameters()]
        assert model.double() is model
        assert {p.dtype for p in model.parameters()} == {"float64"}
        assert [*map(id, model.parameters())] == [*map(id, before)]
        assert all(p.is_leaf and p.requires_grad for p in before)
        assert {p.grad.dtype for p in before if p.grad is not None} == {"float64"}
        assert {p.dtype for p in model.float().parameters()} == {"float32"}
        assert {p.dtype for p in model.to(tinygrad_attn.float64).parameters()} == {
            "float64"
        }


def test_devices_and_what_they_are_asked():
    assert tinygrad_attn.cuda.is_available() is False
    assert tinygrad_attn.backends.mps.is_available() is False
    assert tinygrad_attn.cuda.manual_seed_all(1) is None
    assert zeros(2).device == "cpu"
    assert zeros(2).device.type == "cpu"
    assert zeros(2, device="cpu").cpu().shape == (2,)
    for call in (
        lambda: zeros(2, device="cuda"),
        lambda: zeros(2).cuda(),
        lambda: zeros(2).to("cuda:1"),
        lambda: tinygrad_attn.tensor(1.0, device=tinygrad_attn.device("cuda")),
    ):
        with pytest.raises(RuntimeError, match="the only one here is 'cpu'"):
            call()
    with pytest.raises(TypeError, match="device=3, a int, given"):
        zeros(2, device=3)
    with pytest.raises(ValueError, match="device: '' given"):
        tinygrad_attn.device("")


def test_a_generator_draws_apart_from_the_rest(backend):
    manual_seed(5)
    want = [randn(2).tolist(), randn(2).tolist()]
    g = tinygrad_attn.Generator().manual_seed(7)
    manual_seed(5)
    first = randn(2).tolist()
    mine = randn(2, generator=g).tolist()
    drawn = tinygrad_attn.multinomial(Tensor([0.2, 0.8]), 5, True, generator=g).tolist()
    assert [first, randn(2).tolist()] == want
    g.manual_seed(7)
    assert randn(2, generator=g).tolist() == mine
    again = tinygrad_attn.multinomial(Tensor([0.2, 0.8]), 5, True, generator=g)
    assert again.tolist() == drawn
    with pytest.raises(TypeError, match="generator=3, a int, given"):
        randn(2, generator=3)
    with pytest.raises(TypeError, match=r"Generator.manual_seed: 'a' given"):
        g.manual_seed("a")


def test_multinomial_draws_by_weight():
    manual_seed(0)
    drawn = tinygrad_attn.multinomial(Tensor([1.0, 0.0, 3.0]), 4000, replacement=True)
    counts = [drawn.tolist().count(c) for c in range(3)]
    assert counts[1] == 0
    assert abs(counts[2] / 4000 - 0.75) < 0.03
    rows = tinygrad_attn.multinomial(Tensor([[0.0, 2.0], [1.0, 0.0]]), 1)
    assert rows.tolist() == [[1], [0]]
    assert sorted(tinygrad_attn.multinomial(ones(4), 4).tolist()) == [0, 1, 2, 3]
    for weights, count, said in (
        ([0.0, 0.0], 1, "one above 0"),
        ([-1.0, 2.0], 1, "from 0 up"),
        ([math.nan, 2.0], 1, "finite"),
        ([1.0, 0.0], 2, "with replacement=True"),
        ([1.0, 1.0], 0, "num_samples=0"),
    ):
        with pytest.raises(ValueError, match=said):
            tinygrad_attn.multinomial(Tensor(weights), count)
    with pytest.raises(TypeError, match="int64 of shape"):
        tinygrad_attn.multinomial(Tensor([1, 2]), 1)


# --- x[key] = y -----------------------------------------------------------------------

KEYS = [
    0,
    -1,
    (0, 1),
    (1, -1),
    slice(1, None),
    (slice(None), 0),
    (slice(None), slice(0, None, 2)),
    (..., 1),
    None,
    [0, 1],
    ([0, 1], [2, 0]),
    (slice(None), [2, 0]),
    range(2),
]


@needs_torch
@pytest.mark.parametrize("name", ["python", "numpy", "scalar"])
@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("many", [False, True])
def test_numbers_are_set_as_in_pytorch(name, key, many):
    import torch

    rng = random.Random(1)
    t = torch.zeros(2, 3, dtype=torch.float64)
    shape = t[key].shape
    value = 7.0
    if many:
        flat = [rng.random() for _ in range(math.prod(shape))]
        value = torch.tensor(flat, dtype=torch.float64).view(shape)
    t[key] = value
    with use_backend(name, "float64"):
        x = zeros(2, 3)
        before = x.array
        x[key] = Tensor(value.tolist()) if many else value
        assert x.tolist() == t.tolist()
        assert (
            zeros(2, 3).tolist() == Tensor(before.tolist()).tolist()
        )  # not written to


def test_numbers_are_set_where_a_mask_is_true(any_backend):
    x = Tensor([1.0, -2.0, 3.0])
    x[x < 0] = 0.0
    assert x.tolist() == [1.0, 0.0, 3.0]
    x[x > 0] = Tensor([5.0, 6.0])
    assert x.tolist() == [5.0, 0.0, 6.0]
    counts = zeros(3, dtype="int64")
    for i in (0, 2, 2):
        counts[i] += 1
    assert counts.tolist() == [1, 0, 2]


def test_what_may_not_be_set(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    h = w * 2.0
    x = zeros(2)
    form = (
        r"x\[\.\.\.\] = y: {} requires a gradient.*x = where\(mask, y, x\), or concat"
    )
    for target, key, value, what in (
        (w, 0, 1.0, "x"),
        (h, 0, 1.0, "x"),
        (x, 0, h[0], "y"),
    ):
        with pytest.raises(TypeError, match=form.format(what)):
            target[key] = value
    with no_grad():
        w[0] = 5.0
        x[0] = h[1]
        with pytest.raises(TypeError, match="tensors of a graph are never"):
            h[0] = 1.0
    assert w.tolist() == [5.0, 2.0]
    assert x.tolist() == [4.0, 0.0]
    h.sum().backward()  # the graph kept the numbers that it had
    assert w.grad.tolist() == [2.0, 2.0]
    row = x[:1]
    row[0] = 1.0  # and so is x
    assert x.tolist() == [1.0, 0.0]
    x[0] = 2.0
    with pytest.raises(RuntimeError, match="and that one has other numbers since"):
        row[0] = 1.0
    alone = zeros(4).reshape(2, 2)  # nobody else has its numbers
    alone[0, 1] = 3.0
    assert alone.tolist() == [[0.0, 3.0], [0.0, 0.0]]
    with pytest.raises(IndexError, match="index 2 given for an axis of size 2"):
        x[2] = 1.0
    with pytest.raises(TypeError, match="convert it first"):
        zeros(2, dtype="int64")[0] = 1.5
    with pytest.raises(TypeError, match="a str given"):
        x[0] = "a"
    with pytest.raises(ValueError, match=r"x\[\.\.\.\] = y: .*\(3,\)"):
        x[:] = [1.0, 2.0, 3.0]
    w.data[1] = 9.0
    assert w.tolist() == [5.0, 9.0]


# --- names that differ ----------------------------------------------------------------


def test_an_axis_under_both_names_is_refused():
    x = ones(2, 2)
    with pytest.raises(TypeError, match="sum: axis and dim given"):
        x.sum(axis=0, dim=0)
    with pytest.raises(TypeError, match="sum: dimension=0 given; it takes axis"):
        x.sum(dimension=0)
    with pytest.raises(IndexError, match="axis 5"):
        x.sum(dim=5)


def test_the_size_is_a_number_and_can_be_asked(any_backend):
    x = ones(2, 3)
    assert x.size == 6
    assert x.size + 1 == 7
    assert f"{x.size}" == "6"
    assert x.size() == (2, 3)
    assert x.size(-1) == x.size(dim=1) == 3
    assert (x.sum() / x.size).item() == 1.0
    assert (x * x.size).tolist() == [[6.0] * 3] * 2
    with pytest.raises(IndexError, match="size: axis 2"):
        x.size(2)


def test_the_pair_of_max_is_not_taken_for_numbers(any_backend):
    x = Tensor([[1.0, 3.0], [4.0, 2.0]])
    values, indices = x.max(1)
    assert (values.tolist(), indices.tolist()) == ([3.0, 4.0], [1, 0])
    assert x.max(axis=1).tolist() == [3.0, 4.0]
    with pytest.raises(TypeError, match=r"sub: the pair .* x.max\(axis=1\)"):
        x - x.max(1)
    with pytest.raises(AttributeError, match=r"no 'tolist'; x.max\(axis=1\)"):
        x.max(1).tolist()
    with pytest.raises(TypeError):
        x.max(1) * 2.0


@pytest.mark.parametrize("flag", ["False", float("nan"), 1, None])
def test_a_flag_is_true_or_false(flag):
    x, p = ones(2, 2), nn.Parameter([1.0])
    for call in (
        lambda: tinygrad_attn.isclose(x, x, equal_nan=flag),
        lambda: nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=flag),
        lambda: nn.MultiheadAttention(4, 2, add_zero_attn=flag),
        lambda: nn.Linear(2, 2).requires_grad_(flag),
        lambda: nn.Linear(2, 2).register_forward_hook(len, prepend=flag),
        lambda: x.max(dim=1, keepdim=flag),
        lambda: x.nonzero(as_tuple=flag),
        lambda: x.topk(1, largest=flag),
        lambda: x.sort(descending=flag),
    ):
        with pytest.raises(TypeError, match="must be True or False"):
            call()


def test_the_causal_mask_under_pytorchs_name():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.tolist()[1] == [0.0, 0.0, -float("inf")]
    model = nn.Transformer(8, 2, 1, 1, 16).eval()
    src, tgt = randn(1, 4, 8), randn(1, 3, 8)
    got, want = model(src, tgt, tgt_mask=mask), model(src, tgt, tgt_is_causal=True)
    assert (got - want).abs().max().item() < 1e-12
