"""Numbers at the edges: the huge, the tiny, ±inf, nan, -0, all equal, one, none.

Where the result is finite, mpmath with 50 digits says what is right, and a value may
be off by a few units in the last place. inf, nan and gradients are those of PyTorch,
but where a test says that they are not. No warning escapes: pytest makes it an error.
"""

from __future__ import annotations

import math
import warnings
from importlib.util import find_spec

import pytest
from conftest import flatten, needs_torch

from tinygrad_attn import Tensor, functional, logsumexp, ops

F = functional
needs_mpmath = pytest.mark.skipif(not find_spec("mpmath"), reason="needs mpmath")
inf, nan = math.inf, math.nan

TINY = [5e-324, 1e-310, 1e-30, 1e-8]
FINITE = [0.0, -0.0, *TINY, *(-v for v in TINY), 0.5, -0.5, 3.0, -3.0, 20.0, -20.0]
FINITE += [1e4, -1e4]
ALL = [*FINITE, inf, -inf, nan]

# name → ours, the formula in mpmath (m), PyTorch's
ELEMENTWISE = {
    "sigmoid": (F.sigmoid, lambda m, x: 1 / (1 + m.exp(-x)), "sigmoid"),
    "silu": (F.silu, lambda m, x: x / (1 + m.exp(-x)), "nn.functional.silu"),
    "softplus": (
        F.softplus,
        lambda m, x: m.log1p(m.exp(x)),
        "nn.functional.softplus",
    ),
    "tanh": (ops.tanh, lambda m, x: m.tanh(x), "tanh"),
    "gelu": (
        F.gelu,
        lambda m, x: x * m.erfc(-x / m.sqrt(2)) / 2,
        "nn.functional.gelu",
    ),
    "gelu_tanh": (
        lambda x: F.gelu(x, "tanh"),
        lambda m, x: (
            x / (1 + m.exp(-2 * m.sqrt(2 / m.pi) * (x + 0.044715 * x * x * x)))
        ),
        None,
    ),
    "log1p": (ops.log1p, lambda m, x: m.log1p(x), "log1p"),
    "relu": (F.relu, lambda m, x: max(x, m.mpf(0)), "relu"),
    "leaky_relu": (
        F.leaky_relu,
        lambda m, x: max(x, m.mpf(0.01) * x),
        "nn.functional.leaky_relu",
    ),
}

# Row-wise: rows of one length and what can be asked of them
ROWS = {
    "equal": [3.0, 3.0, 3.0],
    "equal_huge": [1e4, 1e4, 1e4],
    "equal_inexact": [0.1, 0.1, 0.1],
    "huge": [1e4, -1e4, 0.0],
    "tiny": [1e-30, -1e-30, 2e-30],
    "denormal": [5e-324, 1e-310, 0.0],
    "zeros": [0.0, -0.0, 0.0],
    "usual": [0.3, -1.2, 2.5],
    "shifted": [1e4 + 1.0, 1e4, 1e4 - 2.0],
    "one": [7.5],
}
INFINITE = {
    "one_inf": [inf, 1.0, 2.0],
    "one_minus_inf": [-inf, 1.0, 2.0],
    "all_inf": [inf, inf, inf],
    "all_minus_inf": [-inf, -inf, -inf],
    "both": [inf, -inf, 0.0],
    "nan": [nan, 1.0, 2.0],
}


def exact(call):
    """What a call gives with mpmath of 50 digits, as floats."""
    import mpmath

    with mpmath.workdps(50):
        z = call(mpmath)
        return [float(v) for v in z] if isinstance(z, list) else float(z)


def assert_same(got, want, relative=1e-14, absolute=0.0):
    """Equal up to rounding; inf and nan exactly so, -0 and 0 alike."""
    got, want = (flatten(x if isinstance(x, list) else [x]) for x in (got, want))
    assert len(got) == len(want)
    for a, b in zip(got, want):
        if math.isfinite(b):
            close = abs(a - b) <= relative * abs(b) + absolute
        else:
            close = a == b or (a != a and b != b)
        assert close, f"{a!r}, must be {b!r}"


def value_and_gradient(f, row):
    """f at a row, and the gradient of Σ weights · f, the weights being 1, 2, 3, ..."""
    x = Tensor(row, requires_grad=True)
    z = f(x)
    weights = Tensor([float(i + 1) for i in range(z.size)]).reshape(z.shape)
    (z * weights).sum().backward()
    return z.tolist(), x.grad.tolist()


def torchs(f, row):
    """The same in PyTorch, in float64."""
    import torch

    x = torch.tensor(row, dtype=torch.float64, requires_grad=True)
    z = f(x)
    weights = torch.arange(1.0, z.numel() + 1.0, dtype=torch.float64)
    (z * weights.reshape(z.shape)).sum().backward()
    return z.tolist(), x.grad.tolist()


def from_torch(path):
    """torch's function of a dotted name."""
    import torch

    f = torch
    for name in path.split("."):
        f = getattr(f, name)
    return f


# --- element by element ---------------------------------------------------------------


@needs_mpmath
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_values_to_the_last_digits(name, any_backend):
    ours, formula, _ = ELEMENTWISE[name]
    xs = [x for x in FINITE if not (name == "log1p" and x <= -1.0)]
    want = exact(lambda m: [formula(m, m.mpf(x)) for x in xs])
    # Left of 0 gelu is x·½(1 + erf) by its formula, and 1 + erf cancels there: what is
    # right is the distance, not the digits. Relative to |x| it is one rounding of 1.
    for x, got, right in zip(xs, ours(Tensor(xs)).tolist(), want):
        cancels = name.startswith("gelu") and x < 0.0
        # denormals have few digits: half their spacing, twice, is one of theirs
        absolute = 4 * abs(x) * 2.0**-53 if cancels else 1e-323
        assert_same(got, right, 4e-15, absolute)


@needs_torch
@pytest.mark.parametrize("name", [n for n, row in ELEMENTWISE.items() if row[2]])
def test_elementwise_gradients_and_infinities_are_pytorchs(name, backend):
    ours, _, theirs = ELEMENTWISE[name]
    for x in ALL:
        z, dx = value_and_gradient(ours, [x])
        z_torch, dx_torch = torchs(from_torch(theirs), [x])
        assert_same(z, z_torch, 1e-13, 1e-15)
        assert_same(dx, dx_torch, 1e-13, 1e-15)


@needs_torch
def test_gelu_tanh_gradients_and_infinities_are_pytorchs(backend):
    import torch

    for x in ALL:
        z, dx = value_and_gradient(lambda t: F.gelu(t, "tanh"), [x])
        z_torch, dx_torch = torchs(
            lambda t: torch.nn.functional.gelu(t, approximate="tanh"), [x]
        )
        assert_same(z, z_torch, 1e-13, 1e-15)
        assert_same(dx, dx_torch, 1e-13, 1e-15)


@needs_torch
@pytest.mark.parametrize("x", [0.0, 0.5, 2.0, inf])
@pytest.mark.parametrize("y", [0.0, -0.0, 0.5, 1.0, 2.0, -1.0, -0.5])
def test_powers_of_0_and_to_the_0_have_pytorchs_gradients(x, y, any_backend):
    def both(power, leaf):
        base, exponent = leaf(x), leaf(y)
        z = power(base, exponent)
        z.backward()
        return [z.item(), base.grad.item(), exponent.grad.item()]

    import torch

    got = both(ops.pow, lambda v: Tensor(v, requires_grad=True))
    want = both(
        torch.pow, lambda v: torch.tensor(v, dtype=torch.float64, requires_grad=True)
    )
    assert_same(got, want)


def test_a_negative_zero_stays_one(any_backend):
    for f in (ops.tanh, ops.log1p, F.silu, F.gelu):
        assert math.copysign(1.0, f(Tensor([-0.0])).tolist()[0]) == -1.0
    assert F.sigmoid(Tensor([-0.0])).tolist() == [0.5]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_of_none(name, any_backend):
    ours = ELEMENTWISE[name][0]
    assert ours(Tensor([])).tolist() == []


# --- along a row ----------------------------------------------------------------------


def softmax_rows(m, row):
    top = max(row)
    e = [m.exp(v - top) for v in row]
    return [v / m.fsum(e) for v in e]


def spread(m, row):
    """Σ (x - mean)² / n."""
    mean = m.fsum(row) / len(row)
    return m.fsum([(v - mean) ** 2 for v in row]) / len(row)


def normed(m, row):
    mean = m.fsum(row) / len(row)
    s = m.sqrt(spread(m, row) + m.mpf(1e-5))
    return [(v - mean) / s for v in row]


def unbiased(m, row):
    return spread(m, row) * len(row) / (len(row) - 1)


# name → ours, the formula in mpmath, PyTorch's with t = torch
ALONG = {
    "softmax": (F.softmax, softmax_rows, lambda t, x: x.softmax(-1)),
    "log_softmax": (
        F.log_softmax,
        lambda m, row: [v - m.log(m.fsum([m.exp(u) for u in row])) for v in row],
        lambda t, x: x.log_softmax(-1),
    ),
    "logsumexp": (
        logsumexp,
        lambda m, row: m.log(m.fsum([m.exp(v) for v in row])),
        lambda t, x: x.logsumexp(-1),
    ),
    "mean": (
        lambda x: x.mean(),
        lambda m, row: m.fsum(row) / len(row),
        lambda t, x: x.mean(),
    ),
    "var": (lambda x: x.var(), unbiased, lambda t, x: x.var()),
    "var_biased": (
        lambda x: x.var(correction=0),
        spread,
        lambda t, x: x.var(correction=0),
    ),
    "std": (
        lambda x: x.std(),
        lambda m, r: m.sqrt(unbiased(m, r)),
        lambda t, x: x.std(),
    ),
    "layer_norm": (
        lambda x: F.layer_norm(x, x.size),
        normed,
        lambda t, x: t.nn.functional.layer_norm(x, x.shape),
    ),
    "rms_norm": (
        lambda x: F.rms_norm(x, x.size, eps=1e-5),
        lambda m, row: [
            v / m.sqrt(m.fsum([u * u for u in row]) / len(row) + m.mpf(1e-5))
            for v in row
        ],
        lambda t, x: t.nn.functional.rms_norm(x, x.shape, eps=1e-5),
    ),
}


def unit(row):
    """How far apart numbers as large as a row's largest lie."""
    return max(math.ulp(v) for v in row)


@needs_mpmath
@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("kind", ROWS)
def test_rows_to_the_last_digits(name, kind, any_backend):
    ours, formula, _ = ALONG[name]
    row = ROWS[kind]
    if len(row) == 1 and name in ("var", "std"):
        assert math.isnan(ours(Tensor(row)).item())  # n - 1 = 0: nothing to say
        return
    want = exact(lambda m: formula(m, [m.mpf(v) for v in row]))
    # x - mean is right to a unit of the largest x, whatever is left of it; ln Σ exp is
    # right to a unit of what is added to it.
    absolute = {
        "var": 2 * unit(row) ** 2,
        "var_biased": 2 * unit(row) ** 2,
        # the square of a number below 1e-162 is 0
        "std": max(2 * unit(row), 1e-162),
        "layer_norm": unit(row) / math.sqrt(1e-5),
        "log_softmax": 2 * max(unit(row), math.ulp(1.0)),
    }.get(name, 1e-323)
    assert_same(ours(Tensor(row)).tolist(), want, 1e-14, absolute)


@needs_torch
@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("kind", [*ROWS, *INFINITE])
def test_rows_have_pytorchs_gradients_and_infinities(name, kind, backend):
    import torch

    ours, _, theirs = ALONG[name]
    row = {**ROWS, **INFINITE}[kind]
    z, dx = value_and_gradient(ours, row)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of the variance of one number
        z_torch, dx_torch = torchs(lambda x: theirs(torch, x), row)
    scale = 1.0 if kind != "shifted" else 1e4
    if name == "std" and (kind.startswith("equal") or kind == "zeros"):
        # By choice: equal numbers have standard deviation 0 and gradient 0, where
        # PyTorch's is 0/0, nan.
        assert_same(dx, [0.0] * len(row), absolute=1e-15)
        return
    if name == "std" and kind in ("tiny", "denormal"):
        # The square of 1e-310 is 0: equal numbers, as far as can be seen.
        assert all(math.isfinite(v) for v in dx)
        return
    assert_same(z, z_torch, 1e-12, 1e-13 * scale)
    if name.startswith("var") and kind in ("one_inf", "one_minus_inf"):
        # inf - inf in the mean's share of the gradient makes nan of all of it, where
        # PyTorch leaves the mean out and has ±inf for the finite numbers.
        assert not any(math.isfinite(v) for v in dx + dx_torch)
        return
    assert_same(dx, dx_torch, 1e-11, 1e-12 * scale)


@pytest.mark.parametrize("x", [0.1, 0.7, 1e-30, 1e300])
def test_std_of_equal_numbers_is_0_whatever_they_are(x, any_backend):
    for n in (2, 3, 7, 10):
        z, dx = value_and_gradient(lambda t: t.std(), [x] * n)
        assert (z, dx) == (0.0, [0.0] * n)


def test_rows_of_none(any_backend):
    empty = Tensor([])
    assert math.isnan(empty.mean().item())
    assert math.isnan(empty.var().item())
    assert math.isnan(empty.std().item())
    assert logsumexp(empty).item() == -inf
    assert F.softmax(Tensor([[], []]), 0).shape == (2, 0)
    assert F.log_softmax(Tensor([[], []]), 0).shape == (2, 0)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_softmax_along_an_axis_of_none(f, any_backend):
    assert f(Tensor([])).shape == (0,)  # as in PyTorch
    assert f(Tensor([[], []])).shape == (2, 0)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_a_row_far_below_another_keeps_its_digits(f, any_backend):
    """Each is shifted by its own largest number: by the other's, exp would be 0."""
    rows = [[1.0, 2.0, 4.0], [-9999.0, -9998.0, -9996.0], [9.0, 1e4, -9.0]]
    together = f(Tensor(rows)).tolist()
    assert_same(together, [f(Tensor(row)).tolist() for row in rows])
    across = f(Tensor(rows).T, 0).T.tolist()
    assert_same(across, together)


def test_norms_of_no_rows(any_backend):
    assert F.layer_norm(Tensor([[1.0, 2.0]])[:0], 2).shape == (0, 2)
    assert F.rms_norm(Tensor([[1.0, 2.0]])[:0], 2).shape == (0, 2)


# --- cross-entropy --------------------------------------------------------------------

PROBABILITIES = [0.25, 0.75, 0.0]


@needs_mpmath
@pytest.mark.parametrize("kind", [k for k, row in ROWS.items() if len(row) == 3])
def test_cross_entropy_to_the_last_digits(kind, any_backend):
    row = ROWS[kind]

    def nats(m, q):
        x = [m.mpf(v) for v in row]
        total = m.log(m.fsum([m.exp(v) for v in x]))
        return m.fsum([m.mpf(p) * (total - v) for p, v in zip(q, x)])

    for label in range(3):
        one_hot = [float(i == label) for i in range(3)]
        want = exact(lambda m, q=one_hot: nats(m, q))
        got = F.cross_entropy(Tensor([row]), Tensor([label])).item()
        assert_same(got, want, 1e-14, 2 * max(unit(row), math.ulp(1.0)))
    got = F.cross_entropy(Tensor([row]), Tensor([PROBABILITIES])).item()
    want = exact(lambda m: nats(m, PROBABILITIES))
    assert_same(got, want, 1e-14, 2 * max(unit(row), math.ulp(1.0)))


@needs_torch
@pytest.mark.parametrize(
    "kind", [k for k, row in {**ROWS, **INFINITE}.items() if len(row) == 3]
)
def test_cross_entropy_has_pytorchs_gradients_and_infinities(kind, backend):
    import torch

    row = {**ROWS, **INFINITE}[kind]
    for target in [[0], [1], [2], [PROBABILITIES]]:
        z, dx = value_and_gradient(
            lambda x, t=target: F.cross_entropy(x.reshape(1, -1), Tensor(t)), row
        )
        like = torch.float64 if isinstance(target[0], list) else torch.int64
        z_torch, dx_torch = torchs(
            lambda x, t=target, like=like: torch.nn.functional.cross_entropy(
                x.reshape(1, -1), torch.tensor(t, dtype=like)
            ),
            row,
        )
        assert_same(z, z_torch, 1e-12, 1e-12)
        assert_same(dx, dx_torch, 1e-12, 1e-12)


def test_a_class_that_is_impossible_and_not_asked_for_costs_nothing(any_backend):
    # By choice: 0 · ln 0 is 0, where PyTorch's 0 · -inf is nan.
    x = Tensor([[0.0, 0.0, -inf]], requires_grad=True)
    loss = F.cross_entropy(x, Tensor([[0.5, 0.5, 0.0]]))
    assert_same(loss.item(), math.log(2.0))
    loss.backward()
    assert x.grad.tolist() == [[0.0, 0.0, 0.0]]


# --- attention ------------------------------------------------------------------------


def attention(f, scale, mask=None):
    q = [[1.0, -2.0], [0.0, -0.0]]
    k = [[1.0, 0.5], [-1.0, 2.0], [0.0, 1e-30]]
    v = [[1.0, 5e-324], [2.0, -1e-310], [3.0, -0.0]]
    return f([[scale * x for x in row] for row in q], k, v, mask)


@needs_mpmath
@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-30, 1e-310])
def test_attention_to_the_last_digits(scale, any_backend):
    def ours(q, k, v, _):
        return F.scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v)).tolist()

    def right(m, q, k, v):
        rows = []
        for a in q:
            e = [m.fsum(m.mpf(x) * y for x, y in zip(a, b)) / m.sqrt(2) for b in k]
            w = softmax_rows(m, e)
            rows += [m.fsum(p * m.mpf(r[j]) for p, r in zip(w, v)) for j in range(2)]
        return rows

    want = attention(lambda q, k, v, _: exact(lambda m: right(m, q, k, v)), scale)
    # An energy of size E is right to a unit of E, and so is exp(E), relatively.
    error = 1e-14 * max(1.0, 3.0 * scale if scale < 1e3 else 1.0)
    assert_same(flatten(attention(ours, scale)), want, error, 1e-322)


@needs_torch
@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-30, 1e-310, inf, nan])
def test_attention_has_pytorchs_gradients_and_infinities(scale, backend):
    import torch

    mask = [[True, True, False], [True, True, True]]

    def ours(q, k, v, mask):
        leaves = [Tensor(t, requires_grad=True) for t in (q, k, v)]
        z = F.scaled_dot_product_attention(*leaves, Tensor(mask))
        (z * z).sum().backward()
        return [z.tolist(), *(t.grad.tolist() for t in leaves)]

    def theirs(q, k, v, mask):
        leaves = [
            torch.tensor(t, dtype=torch.float64, requires_grad=True) for t in (q, k, v)
        ]
        z = torch.nn.functional.scaled_dot_product_attention(
            *leaves, torch.tensor(mask)
        )
        (z * z).sum().backward()
        return [z.tolist(), *(t.grad.tolist() for t in leaves)]

    got, want = attention(ours, scale, mask), attention(theirs, scale, mask)
    for a, b in zip(got, want):
        assert_same(a, b, 1e-11, 1e-13)


def test_a_fully_masked_row_is_zero_in_value_and_gradient(any_backend):
    # By choice; PyTorch's math kernel gives nan or 0 here, depending on its version.
    mask = [[True, True, False], [False, False, False]]
    for size in (1.0, 1e4, 1e-310):

        def ours(q, k, v, mask):
            leaves = [Tensor(t, requires_grad=True) for t in (q, k, v)]
            z = F.scaled_dot_product_attention(*leaves, Tensor(mask))
            (z * z).sum().backward()
            return [z.tolist(), *(t.grad.tolist() for t in leaves)]

        z, dq, dk, dv = attention(ours, size, mask)
        assert z[1] == dq[1] == [0.0, 0.0]
        assert all(math.isfinite(x) for x in flatten([z, dq, dk, dv]))


def test_attention_to_one_and_to_none(any_backend):
    one = Tensor([[2.0]])
    z = F.scaled_dot_product_attention(one, one, Tensor([[3.0, 4.0]]))
    assert z.tolist() == [[3.0, 4.0]]
    no_query = F.scaled_dot_product_attention(one[:0], one, one)
    assert no_query.shape == (0, 1)


def test_attention_to_no_keys_is_zero(any_backend):
    one = Tensor([[2.0]])  # as a row that may attend to nothing
    assert F.scaled_dot_product_attention(one, one[:0], one[:0]).tolist() == [[0.0]]
