"""`explain`: products, sums and finite differences against grad() and PyTorch."""

from __future__ import annotations

import json
import math
import pickle
import re
import sys

import pytest
from conftest import (
    NUMPY,
    PYTHON,
    SCALAR,
    assert_close,
    flatten,
    needs_numpy,
    needs_torch,
)

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    debug,
    explain,
    grad,
    manual_seed,
    maximum,
    no_grad,
    ones,
    randint,
    randn,
    record,
    use_backend,
    where,
)
from tinygrad_attn import functional as F
from tinygrad_attn.graph import Explanation
from tinygrad_attn.graph.data import index_of

SINGLE = pytest.param(("numpy", "float32"), id="numpy32", marks=needs_numpy)


@pytest.fixture(params=[PYTHON, NUMPY, SINGLE, SCALAR])
def every_backend(request):
    """The test runs on every backend, on NumPy with floats of 64 and of 32 bits."""
    with use_backend(*request.param):
        manual_seed(0)
        yield request.param


def leaf(*shape):
    return randn(*shape).requires_grad_()


def is_plain(x):
    if isinstance(x, list):
        return all(map(is_plain, x))
    return isinstance(x, (float, int, str, bool, type(None)))


def assert_explained(x, loss, want, tolerance=1e-12, slopes=1e-6):
    """All numbers of x, and x as a whole: products, contributions, finite differences.

    Args:
        want: the gradient, as nested lists.
    """
    found = explain(x, of=loss)
    assert_close([found.gradient], [want], tolerance)
    total = [flatten([use.contribution]) for use in found.uses]
    assert_close([math.fsum(c) for c in zip(*total)], flatten([want]), tolerance)
    assert is_plain(found.gradient)
    assert is_plain(found.value)
    assert_bounded(found)
    values = flatten([x.tolist()])
    for i, g in enumerate(flatten([want])):
        one = explain(x[index_of(i, x.shape)], of=loss)
        assert one.value == values[i]
        assert_close([one.gradient], [g], tolerance)
        assert_close([math.fsum(u.contribution for u in one.uses)], [g], tolerance)
        assert [u.op for u in one.uses] == [u.op for u in found.uses]
        for use in one.uses:
            for p in use.products:
                assert p.contribution == p.upstream * p.local or p.contribution != 0
                upstream = use.upstream
                for i in p.index:
                    upstream = upstream[i]
                assert p.upstream == upstream
            products = math.fsum(p.contribution for p in use.products)
            assert_close([products], [use.contribution], tolerance)
        assert one.finite_difference == pytest.approx(g, rel=slopes, abs=slopes)
        noise = one.note.startswith("≈ 0: ") and abs(g) < 1e-12
        assert one.note == "" or noise
        assert_bounded(one)


def assert_bounded(found):
    text = repr(found)
    lines = text.split("\n")
    assert len(lines) < 80
    assert len(text.encode()) < 10_000
    assert max(map(len, lines)) <= 88


def head_of(x):
    layer = nn.AttentionHead(3, 2)
    z, _ = layer(x, mask=Tensor([[True, False], [False, False]]))
    return z


def embedded(x):
    return F.embedding(Tensor([[0, 1], [1, 1]]), x)


def dropped(x):
    return F.dropout(x * 2.0, 0.5)


def attended(x):
    mask = Tensor([[True, True], [False, False]])  # the second query sees nothing
    return F.scaled_dot_product_attention(x, x * 0.5, x + 1.0, mask)


COMPUTATIONS = {
    "x * x": lambda x: x * x,
    "several uses": lambda x: x.exp() + x.sin() * x - x / (x * x + 1.0),
    "broadcast": lambda x: x[0] + x,
    "bias": lambda x: F.linear(ones(4, 3) * 0.3, x * 0.1, x[:, 0]),
    "sum": lambda x: x.sum(1, keepdims=True) * x,
    "mean": lambda x: x.mean(0),
    "max": lambda x: x.max(axis=1) * 3.0,
    "matmul": lambda x: x @ x.T,
    "softmax": lambda x: F.softmax(x),
    "log_softmax": lambda x: F.log_softmax(x),
    "layer_norm": lambda x: F.layer_norm(x, 3, x[0], x[1]),
    "rms_norm": lambda x: F.rms_norm(x, 3),
    "gelu": lambda x: F.gelu(x),
    "relu": lambda x: F.relu(x),
    "maximum": lambda x: maximum(x, 0.1),
    "where": lambda x: where(x > 0.0, x * 2.0, x * x),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True),
    "masked rows": attended,
    "a head": head_of,
    "cross_entropy": lambda x: F.cross_entropy(x, Tensor([2, 0])),
    "soft targets": lambda x: F.cross_entropy(x, F.softmax(x.detach() * 2.0)),
    "embedding": embedded,
    "take twice": lambda x: x[[1, 1, 0], [2, 2, 0]],
    "mask": lambda x: x[Tensor([[True, False, True], [False, True, True]])],
    "slice": lambda x: x[:, ::2] * x[:, 1:],
    "concat": lambda x: concat([x, x * 2.0, x], axis=1),
    "transpose": lambda x: x.T.reshape(2, 3) * x,
    "dropout": dropped,
    "logsumexp": lambda x: x.logsumexp(-1) if hasattr(x, "logsumexp") else x.exp(),
    "var": lambda x: (x - x.mean()) ** 2,
    "a constant's pow": lambda x: 2.0**x + (x * x + 1.0) ** x,
}


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_numbers_are_those_of_grad(name, every_backend):
    x = leaf(2, 3)
    with record():
        y = COMPUTATIONS[name](x)
        loss = (y * y * Tensor(0.7)).sum() if y.size > 1 else y * 1.0
    (want,) = grad(loss, x, retain_graph=True)
    single = every_backend[1] == "float32"
    tolerances = (2e-5, 1e-3) if single else (1e-12, 1e-6)
    assert_explained(x, loss, want.tolist(), *tolerances)
    assert x.grad is None


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "attention", "several uses"])
def test_interior_tensors(name, backend):
    x = leaf(2, 3)
    h = x * 1.5
    loss = (COMPUTATIONS[name](h) ** 2.0).sum()
    (want,) = grad(loss, h, retain_graph=True)
    assert_explained(h, loss, want.tolist())


@needs_torch
def test_against_pytorch():
    import torch
    from torch.nn import functional as TF

    manual_seed(0)
    x, w, b, s = leaf(3, 4), leaf(4, 4), leaf(4), leaf(4)
    target = [1, 3, 1]
    h = F.linear(x, w, b)
    a = F.scaled_dot_product_attention(h, x, h, is_causal=True)
    n = F.layer_norm(a + x, 4, s, b)
    loss = F.cross_entropy(concat([n, n[:, :1]], axis=1), Tensor(target))

    tx, tw, tb, ts = (
        torch.tensor(v.tolist(), dtype=torch.float64) for v in (x, w, b, s)
    )
    for v in (tx, tw, tb, ts):
        v.requires_grad_()
    th = TF.linear(tx, tw, tb)
    ta = TF.scaled_dot_product_attention(th, tx, th, is_causal=True)
    tn = TF.layer_norm(ta + tx, (4,), ts, tb)
    for v in (th, ta, tn):
        v.retain_grad()
    TF.cross_entropy(torch.cat([tn, tn[:, :1]], 1), torch.tensor(target)).backward()
    for ours, theirs in zip((x, w, b, s, h, a, n), (tx, tw, tb, ts, th, ta, tn)):
        assert_explained(ours, loss, theirs.grad.tolist(), 1e-10)


def test_a_square_has_two_edges(any_backend):
    x = Tensor([2.0, 3.0], requires_grad=True)
    found = explain(x[1], of=(x * x).sum())
    assert [(u.op, u.position, u.inputs) for u in found.uses] == [
        ("mul", 0, 2),
        ("mul", 1, 2),
    ]
    assert [u.contribution for u in found.uses] == [3.0, 3.0]
    assert found.gradient == 6.0


def test_a_bias_is_used_by_every_row(any_backend):
    x, b = ones(4, 2), Tensor([1.0, 2.0], requires_grad=True)
    y = x + b
    (use,) = explain(b[1], of=(y * y).sum()).uses
    assert [p.index for p in use.products] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert {(p.upstream, p.local) for p in use.products} == {(6.0, 1.0)}


# --- x[i, j] --------------------------------------------------------------------------


PARTS = {
    "x[0][1]": lambda x: x[0][1],
    "x[0, 1]": lambda x: x[0, 1],
    "x[-2, -2]": lambda x: x[-2, -2],
    "x[0:1, 1:2]": lambda x: x[0:1, 1:2],
    "x[..., 1][0]": lambda x: x[..., 1][0],
    "x[0, None, 1]": lambda x: x[0, None, 1],
    "x.reshape(6)[1]": lambda x: x.reshape(6)[1],
    "x.T[1, 0]": lambda x: x.T[1, 0],
    "x.T.reshape(-1)[2]": lambda x: x.T.reshape(-1)[2],
    "x.flatten()[-5]": lambda x: x.reshape(-1)[-5],
    "x[::-1][1, ::-1][1]": lambda x: x[[1, 0]][1, [2, 1, 0]][1],
    "x[[0], [1]]": lambda x: x[[0], [1]],
    "x[mask]": lambda x: x[Tensor([[False, True, False], [False, False, False]])],
    "x[x == 2.0]": lambda x: x[x == 2.0],
}


@pytest.mark.parametrize("recording", [False, True])
@pytest.mark.parametrize("part", PARTS)
def test_one_number(part, recording, any_backend):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    loss = (x * x).sum()
    if recording:
        with record():
            found = explain(PARTS[part](x), of=loss)
    else:
        found = explain(PARTS[part](x), of=loss)
    assert found.name == "input[0, 1]"
    assert (found.value, found.gradient) == (2.0, 4.0)


def test_a_slice_that_was_used_itself(any_backend):
    """The tensor x[0, 1] is a result; x's number at [0, 1] is another question."""
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    y = x[0, 1]
    loss = y * 3.0 + x.sum()
    assert explain(y, of=loss).gradient == 3.0
    assert explain(x[0, 1], of=loss).gradient == 4.0
    assert explain(x, of=loss).gradient == [[1.0, 4.0]]


def test_a_number_of_a_slice_that_was_used(any_backend):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    row = x[1]
    loss = (row * row).sum() + x.sum()
    found = explain(row[0], of=loss)
    assert (found.value, found.gradient) == (3.0, 6.0)


def test_the_shapes_of_one_number(any_backend):
    for shape in ((), (1,), (1, 1)):
        x = Tensor(2.0, requires_grad=True).reshape(shape)
        found = explain(x, of=(x * x).sum())
        assert (found.value, found.gradient) == (2.0, 4.0)
        assert found.name == f"reshape{[0] * len(shape) or ''}"


def test_the_root_itself(any_backend):
    x = Tensor([1.0, 2.0], requires_grad=True)
    loss = x.sum()
    found = explain(loss, of=loss)
    assert (found.gradient, found.uses) == (1.0, [])
    assert "where the walk begins" in repr(found)


def test_a_parameter_that_an_optimizer_has_moved(any_backend):
    w = nn.Parameter(Tensor([1.0, 2.0]))
    loss = (w * w * w).sum()
    loss.backward(retain_graph=True)
    nn.optim.SGD([w], lr=0.5).step()
    found = explain(w[1], of=loss)
    assert (found.value, found.gradient) == (2.0, 12.0)
    assert found.finite_difference == pytest.approx(12.0)
    assert explain(w, of=loss).value == [1.0, 2.0]


def test_it_leaves_the_graph_alone(backend):
    x = leaf(3)
    loss = (x * x).sum()
    explain(x, of=loss)
    explain(x[0], of=loss)
    assert x.grad is None
    loss.backward()
    assert_close(x.grad, [2.0 * v for v in x.tolist()])


def test_gradients_of_gradients(backend):
    x, w = leaf(2, 3), leaf(3, 3)
    y = (F.softmax(x @ w) ** 2.0).sum() + (F.layer_norm(x, 3) * w[0]).sum()
    (g,) = grad(y, x, create_graph=True)
    penalty = (g * g).sum()
    (want,) = grad(penalty, w, retain_graph=True)
    assert_explained(w, penalty, want.tolist())


def test_on_another_backend_than_the_current(any_backend):
    x = Tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    number = x[1]
    for other in ("python", "scalar"):
        with use_backend(other):
            for part in (number, x[1]):
                found = explain(part, of=loss)
                assert found.gradient == 4.0
                assert found.finite_difference == pytest.approx(4.0)


def test_zeros_are_short(backend):
    x, c = Tensor([1.0, 2.0], requires_grad=True), Tensor([True, False])
    found = explain(x[1], of=where(c, x, 0.0).sum())
    assert found.gradient == 0.0
    assert "  every local derivative is 0\n" in repr(found)
    y = ones(30, 2) * x
    loss = (where(Tensor([[False, False]] * 29 + [[True, True]]), y, 0.0) * 3.0).sum()
    text = repr(explain(x[1], of=loss))
    assert "  mul[29, 1] " in text
    assert "  and 29 products of 0\n" in text
    assert len(text.split("\n")) < 14


def test_under_no_grad_and_debug(backend):
    x = leaf(3)
    loss = (x.exp() * x).sum()
    number = x[1]
    want = repr(explain(number, of=loss))
    with no_grad():
        assert repr(explain(number, of=loss)) == want
    with debug(), record():
        assert repr(explain(number, of=loss)) == want


# --- where there is no gradient -------------------------------------------------------


def test_a_constant_says_so(any_backend):
    x, c = Tensor([1.0], requires_grad=True), Tensor([2.0, 3.0])
    loss = (x * c).sum()
    found = explain(c, of=loss)
    assert (found.gradient, found.uses, found.finite_difference) == (None, [], None)
    assert found.note == "no gradient: it is a constant (requires_grad=False)"
    assert found.note in repr(found)
    assert_bounded(found)


def test_behind_a_stop_gradient(backend):
    x = Tensor([1.0, 2.0], requires_grad=True)
    w = Tensor([1.0, 1.0], requires_grad=True)
    with record():
        loss = (x.detach() * w).sum()
    found = explain(x[0], of=loss)
    assert found.gradient is None
    assert "stop_gradient" in repr(found)


@pytest.mark.parametrize("recording", [False, True])
def test_what_is_stopped_is_held(recording, any_backend):
    """The finite difference is of what is differentiated: x · constant."""
    x = Tensor([3.0, 4.0], requires_grad=True)
    if recording:
        with record():
            loss = (x * x.detach()).sum()
    else:
        loss = (x * x.detach()).sum()
    found = explain(x[1], of=loss)
    assert found.gradient == 4.0
    assert found.finite_difference == pytest.approx(4.0)
    assert found.note == ""


# --- kinks and sharp curves -----------------------------------------------------------


def test_a_kink_is_named(every_backend):
    x = Tensor([0.0, 1.0], requires_grad=True)
    loss = (F.relu(x) * 2.0).sum()
    found = explain(x[0], of=loss)
    assert found.gradient == 0.0
    assert found.finite_difference == pytest.approx(1.0)
    assert "+0 to the left and +2 to the right" in found.note
    assert "kink" in repr(found)
    assert explain(x[1], of=loss).note == ""


def test_a_kink_of_a_whole_tensor(every_backend):
    x = Tensor([3.0, 0.0], requires_grad=True)
    found = explain(x, of=(F.relu(x) * 2.0).sum())
    assert found.note.startswith("at [1], they differ: the slope is +0 to the left")
    assert [index for index, _, _ in found.finite_differences] == [(0,), (1,)]


def test_a_tie_of_three(backend):
    x = Tensor([1.0, 1.0, 1.0], requires_grad=True)
    found = explain(x[0], of=x.max())
    assert found.gradient == pytest.approx(1 / 3)
    assert "to the left" in found.note


def test_a_kink_nearby_is_none(every_backend):
    x = Tensor([1e-6], requires_grad=True)
    found = explain(x[0], of=F.relu(x).sum())
    assert (found.gradient, found.note) == (1.0, "")
    assert found.finite_difference == pytest.approx(1.0)


@pytest.mark.parametrize("at", [1e-8, 1e-6, 1e-3, 1.0, 1e6])
def test_the_step_suits_the_curve(at, backend):
    x = Tensor([at], requires_grad=True)
    found = explain(x[0], of=x.log().sum())
    assert found.finite_difference == pytest.approx(1 / at, rel=1e-5)
    assert found.note == ""


def test_numbers_that_are_none(backend):
    for x, f in ((0.0, Tensor.log), (0.0, Tensor.sqrt), (-1.0, Tensor.log)):
        t = Tensor([x, 1.0], requires_grad=True)
        found = explain(t[0], of=f(t).sum())
        assert_bounded(found)
        assert_bounded(explain(t, of=f(t).sum()))
    t = Tensor([math.nan, math.inf], requires_grad=True)
    found = explain(t[0], of=(t * t).sum())
    assert math.isnan(found.gradient)
    assert "nan" in repr(found)


def test_gradients_that_cancel_in_single_precision():
    """A key's bias moves all energies of a row alike: its gradient is rounding."""
    pytest.importorskip("numpy")
    with use_backend("numpy", "float32"):
        manual_seed(0)
        layer = nn.MultiHeadAttention(8, 2)
        z, _ = layer(randn(2, 5, 8))
        loss = (z * z).sum()
        bias = layer.k_proj.bias
        assert explain(bias, of=loss).note == ""
        assert explain(bias[3], of=loss).note.startswith("≈ 0: the contributions")


# --- the object -----------------------------------------------------------------------


def test_it_is_plain_data(any_backend):
    x = leaf(2, 3)
    with record():
        y = F.softmax(x)
        loss = (y * y).sum()
    for found in (explain(x, of=loss), explain(x[1, 2], of=loss)):
        assert isinstance(found, Explanation)
        (use,) = found.uses
        assert (use.op, use.shape) == ("softmax", (2, 3))
        assert use.source.endswith(": y = F.softmax(x)")
        assert repr(pickle.loads(pickle.dumps(found))) == repr(found)
        data = json.loads(json.dumps(found.to_dict()))
        assert data["gradient"] == found.gradient
        assert data["uses"][0]["contribution"] == use.contribution
        assert len(repr(use)) < 500
    assert data["uses"][0]["products"][0]["index"] == [1, 0]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="lines have no columns")
def test_names_lines_and_sum_are_printed():
    manual_seed(0)
    layer = nn.AttentionHead(3, 2)
    with record():
        z, _ = layer(randn(4, 3))
        loss = (z * z).sum()
    text = repr(explain(layer.W_Q[0, 1], of=loss))
    assert text.startswith("∂loss/∂W_Q[0, 1] = ")
    assert "\nthrough Q (4, 2), as y in matmul: z = x y\n" in text
    assert re.search(
        r"\n  at nn/transformer/multi_head.py:\d+: Q = x @ self.W_Q ", text
    )
    assert "upstream  ×        local  =  contribution\n" in text
    assert re.search(r"\nsum of 1 use +=  ?[-+]\d", text)
    assert re.search(r"\nfinite difference +≈ [-+]\d", text)


# --- bounded --------------------------------------------------------------------------


def test_a_thousand_uses():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with record():
        y = Tensor(0.0)
        for i in range(1000):
            y = y + (x * (1.0 + i)).sum()
    found = explain(x[0], of=y)
    assert len(found.uses) == 1000
    assert found.gradient == 500_500.0
    assert "... and 995 more uses" in repr(found)
    assert_bounded(found)
    assert_bounded(explain(x, of=y))


def test_large_tensors(backend):
    x = leaf(10_000)
    loss = (x * x).sum()
    assert_bounded(explain(x, of=loss))
    assert_bounded(explain(x[77], of=loss))
    x = leaf(2, 3, 4, 20, 20)
    loss = F.softmax(x).sum(0).max(axis=-1).sum()
    assert_bounded(explain(x, of=loss))
    assert_bounded(explain(x[1, 2, 3, 4, 5], of=loss))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (50, 0)])
def test_empty_tensors(shape, backend):
    x, y = leaf(*shape), leaf(2)
    found = explain(x, of=x.sum() + y.sum())
    assert found.finite_difference is None
    assert_bounded(found)


def test_a_model(backend):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3)
    embedding = nn.Embedding(5, 8)
    with record():
        x = layer(embedding(Tensor([[1, 2, 1], [0, 1, 4]])))
        loss = F.cross_entropy(x.reshape(6, 8), randint(0, 8, (6,)))
    parameters = [*layer.parameters(), *embedding.parameters()]
    wanted = grad(loss, parameters, retain_graph=True)
    for p, want in zip(parameters, wanted):
        found = explain(p, of=loss)
        assert_close(found.gradient, want.tolist())
        assert found.note == ""
        assert_bounded(found)
        one = explain(p[(-1,) * p.ndim], of=loss)
        assert one.finite_difference == pytest.approx(one.gradient, rel=1e-5, abs=1e-8)
        assert_bounded(one)


def test_a_deep_graph():
    x = Tensor([1.0], requires_grad=True)
    y = middle = x * 2.0
    for i in range(4000):
        y = y + (middle * 3.0 if i == 2000 else 1.0)
    found = explain(middle[0], of=y.sum())
    assert found.gradient == 4.0
    assert found.finite_difference == pytest.approx(4.0, rel=1e-4)
    assert [use.contribution for use in found.uses] == [1.0, 3.0]


# --- wrong calls ----------------------------------------------------------------------


def wrong_calls():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    loss = (x * x).sum()
    freed = (x * x).sum()
    freed.backward()
    with no_grad():
        unrecorded, number = (x * x).sum(), x[0, 1]
    moved = nn.Parameter(Tensor([1.0]))
    first = moved * 2.0
    moved.assign(moved.detach() * 3.0)
    both = (first + moved * 2.0).sum()
    other = Tensor(1.0, requires_grad=True)
    return [
        (
            x[0],
            loss,
            ValueError,
            "part of shape (2,) given of a",
        ),
        (x[0:0], loss, ValueError, "part of shape (0, 2)"),
        (x.T, loss, ValueError, "one number of it"),
        (other, loss, ValueError, "no part in of="),
        (number, loss, ValueError, "no_grad()"),
        (x.detach(), loss, ValueError, "detach()"),
        (x * 1.0, loss, ValueError, "no part in of="),
        (moved, both, ValueError, "new numbers"),
        (x, x * x, ValueError, "of shape (2, 2)"),
        (x, (x * x).sum(0), ValueError, "one number, such as a loss"),
        (x, x, RuntimeError, "not computed"),
        (x, unrecorded, RuntimeError, "not recorded"),
        (x, Tensor(1.0), RuntimeError, "not recorded"),
        (x, freed, RuntimeError, "retain_graph"),
        (x, freed, RuntimeError, "backward()"),
        (x, 3.0, TypeError, "of=float given"),
        (x, None, TypeError, "of=NoneType given"),
        (2.0, loss, TypeError, "float given"),
        ([x], loss, TypeError, "list given"),
        (None, loss, TypeError, "NoneType given"),
        ("x", loss, TypeError, "str given"),
    ]


def test_wrong_calls_get_one_clear_line():
    for x, of, error, says in wrong_calls():
        with pytest.raises(error, match=re.escape(says)) as caught:
            explain(x, of=of)
        assert str(caught.value).startswith("explain: ")
        assert "\n" not in str(caught.value)


def test_without_a_root():
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="explain: .*of"):
        explain(x)  # type: ignore[call-arg]
    with record():
        y = Tensor([1.0]).exp().sum()
    with pytest.raises(ValueError, match="explain: .*requires_grad=True"):
        explain(x, of=y)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (lambda x: x.relu(), "relu has one at 0, where the rule takes the slope 0"),
        (lambda x: x.leaky_relu(), "leaky_relu has one at 0, where the rule takes the"),
        (lambda x: x.max(), "max has one at a tie, where the largest share evenly"),
    ],
)
def test_a_kink_is_named_with_what_its_rule_takes(step, told, backend):
    x = Tensor([0.0, 0.0, 0.0], requires_grad=True)
    lines = str(explain(x[0], of=step(x).sum()))
    assert told in " ".join(lines.split())
