"""A batch that is computed in parts: the same numbers as at once."""

import pytest

from tinygrad_attn import Tensor, composite, manual_seed, use_backend
from tinygrad_attn.arrays import batches as computing
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
    assert len(computed) > 1
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


def test_wrong_shapes_are_refused_in_the_same_words(computed):
    with use_backend("numpy"):
        q, k = Tensor(np.zeros((9, 4, 3))), Tensor(np.zeros((8, 4, 3)))
        with pytest.raises(ValueError, match="shapes .* do not broadcast"):
            scaled_dot_product_attention(q, k, k)
