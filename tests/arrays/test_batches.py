"""A batch that is computed in parts: the same numbers as at once."""

import pytest

from tinygrad_attn import Tensor, composite, manual_seed, primitive, use_backend
from tinygrad_attn.arrays import batches as computing
from tinygrad_attn.arrays.backends import NAMESPACES
from tinygrad_attn.arrays.batches import parts_of
from tinygrad_attn.functional import scaled_dot_product_attention

np = pytest.importorskip("numpy")

BATCHES = [
    ((7,), (7,), (7,)),
    ((3, 4), (3, 4), (3, 4)),
    ((2, 3, 2), (2, 3, 2), (2, 3, 2)),
    ((3, 4), (4,), (3, 1)),  # keys and values that serve several
    ((4,), (3, 4), (3, 4)),
    ((), (), (6,)),
    ((1, 5), (5, 1), ()),
]


@pytest.fixture
def computed(monkeypatch):
    """The parts that were computed, of the few numbers that the cache is said to
    hold."""
    found = []

    def counted(*given):
        for part in parts_of(*given):
            found.append(part)
            yield part

    monkeypatch.setattr(computing, "parts_of", counted)
    monkeypatch.setattr(computing, "LARGE", 100)
    monkeypatch.setattr(computing, "PART", 48)
    return found


def attention(batches, dtype="float64", needs=(True, True, True), **more):
    """Attention of batches of queries, keys and values, and its gradients."""
    draw = np.random.default_rng(0).standard_normal
    sizes = ((4, 3), (5, 3), (5, 2))
    manual_seed(0)
    with use_backend("numpy"):
        given = [
            Tensor(draw((*batch, *size)).astype(dtype), requires_grad=need)
            for batch, size, need in zip(batches, sizes, needs)
        ]
        more = {k: Tensor(v) if k == "attn_mask" else v for k, v in more.items()}
        z = scaled_dot_product_attention(*given, **more)
        if any(needs):
            (z * Tensor(draw(z.shape).astype(dtype))).sum().backward()
        return [z.array] + [t.grad.array for t in given if t.requires_grad]


@pytest.mark.parametrize("batches", BATCHES, ids=str)
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"is_causal": True},
        {"dropout_p": 0.5},
        {"attn_mask": np.array([[True, False, True, True, False]] * 4)},
        {"attn_mask": np.array([False, True, True, False, True])},
        {"attn_mask": np.array([[False] * 5, [True] * 5] * 2), "dropout_p": 0.25},
        {"dtype": "float32"},
        {"needs": (False, True, False)},
        {"needs": (True, False, True)},
        {"needs": (False, False, False)},
    ],
    ids=lambda more: ", ".join(more) or "plain",
)
def test_attention_in_parts_is_attention(batches, more, computed, monkeypatch):
    found = attention(batches, **more)
    assert computed
    count = len(computed)
    monkeypatch.setattr(computing, "LARGE", 10**9)
    expected = attention(batches, **more)
    assert len(computed) == count  # this time at once
    for z, right in zip(found, expected):
        assert (z.dtype, z.shape) == (right.dtype, right.shape)
        np.testing.assert_allclose(z, right, rtol=1e-6 if z.itemsize == 4 else 1e-14)


def test_a_mask_of_each_head(computed):
    draw = np.random.default_rng(0)
    q, k, v = (draw.standard_normal((3, 4, 5, 2)) for _ in range(3))
    mask = draw.random((3, 4, 5, 5)) > 0.4
    with use_backend("numpy"):
        found = scaled_dot_product_attention(*map(Tensor, (q, k, v, mask)))
        assert computed
        for i in np.ndindex(3, 4):
            alone = map(Tensor, (q[i], k[i], v[i], mask[i]))
            np.testing.assert_allclose(
                found.array[i], scaled_dot_product_attention(*alone).array, rtol=1e-14
            )


@pytest.mark.parametrize(
    ("batch", "size", "most"),
    [
        ((5,), 3, 7),
        ((2, 3), 4, 100),
        ((2, 3), 4, 1),
        ((3, 2, 4), 5, 40),
        ((1, 9), 2, 5),
    ],
)
def test_parts_hold_each_matrix_once(batch, size, most):
    seen = np.zeros(batch, int)
    for part in parts_of(batch, size, most):
        seen[part] += 1
        assert seen[part].size * size <= max(most, size)
    assert (seen == 1).all()


def test_an_operation_of_ones_own_in_parts(computed):
    @composite("product", by_matrix=True)
    def square(xp, x):
        return xp.matmul(x, x)

    with use_backend("numpy"):
        x = Tensor(np.random.default_rng(0).standard_normal((8, 4, 4)))
        np.testing.assert_allclose(square(x).array, x.array @ x.array, rtol=1e-14)
    assert len(computed) == 3


def rows(xp, x):
    return xp.sum(x, axis=-1)


def squares(xp, x):
    return xp.matmul(x, x), {"of": x}


def several(xp, x, w):
    return xp.matmul(x, w), (True, w, None)


def twice(xp, x, y):
    return xp.matmul(y, y) * x


def vectors(xp, x):
    return x * 2.0


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (rows, [(8, 4, 4)]),
        (rows, [(2, 4, 4, 4)]),
        (squares, [(8, 4, 4)]),
        (several, [(8, 4, 4), (4, 4)]),
        (twice, [2.0, (8, 4, 4)]),
        (twice, [(), (8, 4, 4)]),
        (vectors, [(400,)]),
        (vectors, [(40, 30)]),
    ],
    ids=str,
)
def test_what_makes_no_matrix_of_each_is_computed_at_once(rule, given, computed):
    draw = np.random.default_rng(0).standard_normal
    given = [draw(x) if isinstance(x, tuple) else x for x in given]
    found = computing.in_parts(rule)(NAMESPACES[np.ndarray], *given)
    expected = rule(NAMESPACES[np.ndarray], *given)
    if rule is squares or rule is several:
        assert found[1].keys() == {"of"} if rule is squares else found[1][0] is True
        found, expected = found[0], expected[0]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_a_gradient_that_is_a_sum_over_the_batch(computed):
    """A vjp may give it in the input's own shape, as where nothing is in parts."""

    @primitive("product", by_matrix=True)
    def product(xp, x, w):
        return xp.matmul(x, w)

    @product.defvjp
    def product_vjp(xp, g, z, inputs, needs, saved):
        x, w = inputs
        dw = xp.matmul(xp.permute_dims(x, (0, 2, 1)), g)
        dx = xp.matmul(g, xp.permute_dims(w, (1, 0)))
        return dx, xp.sum(dw, axis=0)

    with use_backend("numpy"):
        draw = np.random.default_rng(0).standard_normal
        x, w = (Tensor(draw(s), requires_grad=True) for s in ((8, 4, 4), (4, 4)))
        product(x, w).sum().backward()
        right = x.array.reshape(-1, 4).sum(0)[:, None] * np.ones((4, 4))
        np.testing.assert_allclose(w.grad.array, right, rtol=1e-12)


@pytest.mark.parametrize(("t", "s"), [(1, 8), (8, 1), (2, 4)])
def test_parts_are_as_large_as_their_energies(t, s, computed):
    """One query beside many keys (a token that is generated) makes few numbers."""
    with use_backend("numpy"):
        q, k = Tensor(np.ones((20, t, 16))), Tensor(np.ones((20, s, 16)))
        mask = Tensor(np.ones((1, s), bool))
        scaled_dot_product_attention(q, k, k, attn_mask=mask)
    assert len(computed) == 4  # of 8 numbers for each of 20; 48 numbers go together


def test_wrong_shapes_are_refused_in_the_same_words(computed):
    with use_backend("numpy"):
        q, k = Tensor(np.zeros((9, 4, 3))), Tensor(np.zeros((8, 4, 3)))
        with pytest.raises(ValueError, match="shapes .* do not broadcast"):
            scaled_dot_product_attention(q, k, k)
