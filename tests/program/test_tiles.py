"""Products in C, cut into tiles: every kind of operand, every size of what is left
over, every width of vectors."""

from __future__ import annotations

import itertools

import pytest
from conftest import needs_cc, needs_numpy

import nn
from tinygrad_attn import Tensor, use_backend, write
from tinygrad_attn.program import blas, machines
from tinygrad_attn.program.writers import c_blocks, c_tiles

pytestmark = needs_numpy

# (n, k) @ (k, m)
SIZES = [(8, 1, 4), (9, 5, 8), (15, 4, 12), (16, 16, 16), (13, 7, 48), (32, 3, 64)]
SIZES += [(70, 33, 96), (257, 2, 16), (300, 9, 32), (8, 600, 8), (7, 16, 16), (9, 3, 5)]
SIZES += [(8, 0, 16), (8, 4, 0)]


def numbers(np, *shape):
    random = np.random.default_rng(sum(shape))
    return random.standard_normal(shape)


def products(x_turned=False, y_turned=False, biased=False):
    """x @ y for each pair, of which each may come transposed, and have a bias."""

    def f(*given):
        found = []
        for x, y, *bias in zip(*(given[i :: 2 + biased] for i in range(2 + biased))):
            x = x.transpose(-1, -2) if x_turned else x
            y = y.transpose(-1, -2) if y_turned else y
            found.append(x @ y + bias[0] if biased else x @ y)
        return tuple(found)

    return f


def written(function, given):
    """The program in C, and what it returns."""
    step = write(function, {f"g{i}": v for i, v in enumerate(given)}, target="c")
    return step, [z.array for z in step(*given)]


def assert_products_are_numpys(sizes, dtype, turned, biased=False):
    """Computes products of these sizes; returns the text of the program."""
    import numpy as np

    given, want = [], []
    with use_backend("numpy", dtype):
        for n, k, m in sizes:
            pair = [numbers(np, n, k), numbers(np, k, m)]
            want.append(pair[0] @ pair[1])
            pair = [v.T if t else v for v, t in zip(pair, turned)]
            if biased:
                pair.append(numbers(np, m))
                want[-1] = want[-1] + pair[-1]
            given += [Tensor(v.astype(dtype)) for v in pair]
        step, found = written(products(*turned, biased), given)
    for z, right, (n, k, m) in zip(found, want, sizes):
        most = {"float32": 1e-6, "float64": 1e-14}[dtype] * (k + biased) ** 0.5
        assert z.shape == right.shape == (n, m)
        assert abs(z - right).max(initial=0.0) <= most * abs(right).max(initial=0.0)
    return step.source


ways = [
    pytest.mark.parametrize("size", [16, 32, 64]),
    pytest.mark.parametrize("dtype", ["float32", "float64"]),
    pytest.mark.parametrize("turned", [*itertools.product([False, True], repeat=2)]),
    pytest.mark.parametrize("biased", [False, True]),
]


def in_every_way(test):
    """Decorator: with every width of vectors, dtype, order of rows, with a bias and
    without."""
    for way in ways:
        test = way(test)
    return needs_cc(test)


@in_every_way
def test_every_product_is_numpys(monkeypatch, size, dtype, turned, biased):
    monkeypatch.setattr(machines, "vector_bytes", lambda: size)
    text = assert_products_are_numpys(SIZES, dtype, turned, biased)
    assert text.count("panel[") >= 2 * 8  # the others are too flat, or too tall
    assert text.count("p3") >= 12 * biased


@in_every_way
def test_of_many_terms_so_many_at_a_time_are_added(
    monkeypatch, size, dtype, turned, biased
):
    monkeypatch.setattr(machines, "vector_bytes", lambda: size)
    monkeypatch.setattr(c_tiles, "NEAR", 8 * size)  # terms of one vector, or fewer
    sizes = [size for size in SIZES if size[1] > 4]
    text = assert_products_are_numpys(sizes, dtype, turned, biased)
    assert (text.count("t += ") >= 5) == turned[0]  # else x would be read in pieces
    assert ("const long terms = " in text) == turned[0]


@in_every_way
def test_large_products_are_computed_block_by_block(
    monkeypatch, size, dtype, turned, biased
):
    monkeypatch.setattr(machines, "vector_bytes", lambda: size)
    monkeypatch.setattr(c_blocks, "tile_of", lambda *_: None)
    monkeypatch.setattr(c_blocks, "fits", lambda *_: True)
    monkeypatch.setattr(c_blocks, "LARGE", 1)  # all are
    monkeypatch.setattr(c_blocks, "NEAR", 64)  # several blocks of terms
    monkeypatch.setattr(c_blocks, "TILES", 2)  # and of rows
    sizes = [*SIZES, (1, 1, 1), (100, 50, 70), (29, 17, 33), (2, 40, 3)]
    text = assert_products_are_numpys(sizes, dtype, turned, biased)
    assert text.count("_blocks(p") == len(sizes) - 2  # two are empty


@needs_cc
def test_which_products_are_computed_block_by_block():
    """Turned ones, whose rows do not stay near; others are tiles as they lie."""
    import numpy as np

    with use_backend("numpy", "float32"):
        x, y = (Tensor(np.ones(shape, "f")) for shape in [(512, 320), (512, 64)])
        turned, (z,) = written(lambda x, y: (x.T @ y,), [x, y])
        plain, _ = written(lambda x, y: (x @ y[:320],), [x, y])
    assert (z == 512).all()
    found = [
        [name in step.source for name in ("_blocks(p", "panel[")]
        for step in (turned, plain)
    ]
    assert found == [[True, False], [False, True]]


@needs_cc
@pytest.mark.parametrize("found", [True, False])
def test_blocks_take_the_place_of_a_library(monkeypatch, found):
    """Not of a vector, which they would fill up with zeros."""
    if not found:
        monkeypatch.setattr(machines, "blas", lambda: None)
    sizes = [(600, 500, 33), (600, 500, 1), (1, 500, 600)]
    texts = [assert_products_are_numpys([s], "float32", (False, False)) for s in sizes]
    for size, text in zip(sizes, texts):
        more = assert_products_are_numpys([size], "float32", (False, False), True)
        assert "_blocks(p" not in text or "bias, " in more
    blocks = ["_blocks(p" in text for text in texts]
    assert blocks == [not found, False, False]


@needs_cc
@pytest.mark.parametrize("size", [(64, 512, 64), (8, 600, 8), (16, 2000, 33)])
def test_a_bias_is_added_to_the_sum_and_not_the_terms_to_the_bias(size):
    """Of a large bias each term would lose its last bits."""
    import numpy as np

    n, k, m = size
    with use_backend("numpy", "float32"):
        x, w = Tensor(np.ones((n, k), "f")), Tensor(np.ones((k, m), "f"))
        b = Tensor(np.full(m, 2.0**24, "f"))
        _, (found,) = written(lambda x, w, b: (x @ w + b,), [x, w, b])
        _, (alone,) = written(lambda x, w, b: (b + (w.T @ x.T).T,), [x, w, b])
    assert (found == 2.0**24 + k).all()
    assert (alone == 2.0**24 + k).all()


@needs_cc
def test_a_library_takes_no_bias(monkeypatch):
    """It is added in the walk over what comes next, for nothing."""
    import numpy as np

    with use_backend("numpy", "float32"):
        x, w = Tensor(np.ones((4096, 8), "f")), Tensor(np.ones((8, 2), "f"))
        step, (z,) = written(
            lambda x, w, b: ((x @ w + b).relu(),), [x, w, Tensor(np.ones(2, "f"))]
        )
    assert (z == 9.0).all()
    assert not any(
        type(s).__name__ == "Linear" for g in step.machine.groups for s in g.steps
    )


class Squared(nn.optim.Optimizer):
    """Moves a matrix to its own product with its gradient, plus a row."""

    def __init__(self, params, own):
        super().__init__(params, {"lr": 0.1})
        self.own = own

    def update(self, xp, w, g, state, options):
        d = int(w.size**0.5)
        w, g = xp.reshape(w, (d, d)), xp.reshape(g, (d, d))
        moved = xp.matmul(w, g) + g[0] if self.own else xp.matmul(g, g) + w[0]
        return xp.reshape(moved, (d * d,)), state


@needs_cc
@pytest.mark.parametrize("d", [1, 3, 5, 8, 16, 24, 64, 100])
@pytest.mark.parametrize("own", [False, True])
def test_a_product_is_not_written_where_it_is_read(d, own):
    import numpy as np

    moved = []
    for target in ("numpy", "c"):
        with use_backend("numpy", "float64"):
            p, x = nn.Parameter(numbers(np, d, d) / d), Tensor(np.eye(d))
            optimizer = Squared([p], own)
            step = write(
                lambda x, p=p: ((x @ p) ** 2).sum(),
                {"x": x},
                update=optimizer,
                target=target,
            )
            step(x)
            step(x)
            moved.append(np.asarray(p.array).copy())
    assert np.allclose(*moved, rtol=1e-12, atol=1e-14)


@needs_cc
def test_a_batch_is_cut_matrix_by_matrix():
    import numpy as np

    batches = [((3, 2), (3, 2)), ((2,), ()), ((1, 2), (3, 1)), ((), (4,))]
    pairs = [
        (numbers(np, *left, 17, 5), numbers(np, *right, 5, 16))
        for left, right in batches
    ]
    with use_backend("numpy", "float32"):
        given = [Tensor(v.astype("float32")) for pair in pairs for v in pair]
        step, found = written(products(), given)
    assert step.source.count("static float panel") == 4
    for z, (x, y) in zip(found, pairs):
        assert np.allclose(z, x @ y, rtol=1e-5, atol=1e-5)


@needs_cc
def test_inf_and_nan_go_where_they_belong():
    import numpy as np

    x, y = numbers(np, 16, 16), numbers(np, 16, 16)
    x[3, 5], x[4, 1], y[7, 2], y[8, 9] = np.inf, -np.inf, np.nan, 0.0
    with use_backend("numpy", "float32"), np.errstate(all="ignore"):
        step, (found,) = written(
            products(), [Tensor(v.astype("float32")) for v in (x, y)]
        )
        want = x @ y
    assert "static float panel" in step.source
    assert (np.isnan(found) == np.isnan(want)).all()
    assert (np.isinf(found) == np.isinf(want)).all()


@pytest.mark.parametrize("target", ["numpy", pytest.param("c", marks=needs_cc)])
@pytest.mark.parametrize(("n", "threads"), [(30, 3), (200, 1), (513, 3)])
def test_small_products_are_computed_in_one_thread(monkeypatch, target, n, threads):
    library = blas.blas()
    if library is None:
        pytest.skip("needs NumPy's own OpenBLAS")
    monkeypatch.setattr(blas, "SHARED", 2**20)  # of the smallest, nothing is said
    before, seen = library.get_threads(), []
    try:
        library.set_threads(3)
        with use_backend("numpy"):
            x = Tensor([[1.0] * 15] * n)
            step = write(lambda x: x @ x.T @ x, {"x": x}, target=target)
            step(x)  # the first run is beside NumPy's
            machine = step.machine
            name = "call" if target == "c" else "step"
            run = getattr(machine, name)
            monkeypatch.setattr(
                machine,
                name,
                lambda *args: (seen.append(library.get_threads()), run(*args))[1],
            )
            step(x)
        assert (seen, library.get_threads()) == ([threads], 3)
    finally:
        library.set_threads(before)
