"""Steps inside of steps, and steps that nobody reads."""

from __future__ import annotations

import pytest

import nn
from tinygrad_attn import Tensor, manual_seed, randn, use_backend, write
from tinygrad_attn.program.anatomy import Buffer, Map, View
from tinygrad_attn.program.nesting import Formula, Inner, nested


@pytest.fixture(autouse=True)
def on_python():
    with use_backend("python"):
        manual_seed(0)
        yield


def test_what_is_read_once_is_computed_where_it_is_read():
    def function(x):
        y = x * 2.0
        z = (y + 1.0).exp()
        return z * y

    program = write(function, {"x": Tensor([1.0, 2.0])}, target="python").program
    found = nested(program.steps, program.results)
    assert [type(step) for step in found] == [Formula, Formula]
    assert [step.function for step in found] == ["mul", "mul"]


def test_a_sum_of_products_is_an_inner_product():
    def function(x, y):
        return [(x * y).sum(1), (x * y[:1]).sum(0)]

    given = {"x": randn(3, 4), "y": randn(3, 4)}
    program = write(function, given, target="python").program
    found = nested(program.steps, program.results)
    assert [type(step).__name__ for step in found] == ["Inner", "Formula", "Reduce"]
    assert isinstance(found[0], Inner)


@pytest.mark.parametrize(
    ("function", "shapes", "kinds"),
    [
        (lambda x, w, b: x @ w + b, [(3, 4), (4, 2), (2,)], ["Linear"]),
        (lambda x, w, b: x @ w + b, [(2, 3, 4), (4, 2), (2,)], ["Linear"]),
        (
            lambda x, w, b: x @ w + b[::2],
            [(3, 4), (4, 2), (4,)],
            ["Product", "Formula"],
        ),
        (lambda x, w, b: x @ w + b, [(3, 30), (30, 2), (1, 2)], ["Linear"]),
        (lambda x, w, b: x @ w + b, [(3, 200), (200, 1), (1,)], ["Linear"]),
        (lambda x, w, b: x @ w + b, [(3, 1), (1, 2), (2,)], ["Linear"]),
        (lambda x, w, b: x @ w + b, [(3, 4), (4, 2), (1,)], ["Product", "Formula"]),
        (lambda x, w, b: x @ w + b, [(1, 4), (4, 2), (3, 2)], ["Product", "Formula"]),
        (lambda x, w, b: x @ w + b, [(3, 4), (4, 2), (3, 1)], ["Product", "Formula"]),
        (lambda x, w, b: x @ w + b, [(3, 4), (4, 2), (3, 2)], ["Product", "Formula"]),
        (lambda x, w, b: b + x @ w, [(3, 4), (4, 2), (2,)], ["Linear"]),
        (lambda x, w, b: x @ w - b, [(3, 4), (4, 2), (2,)], ["Product", "Formula"]),
        (
            lambda x, w, b: x @ w + b,
            [(2, 3, 4), (2, 4, 2), (2,)],
            ["Product", "Formula"],
        ),
        (
            lambda x, w, b: (x @ w).reshape(2, 6) + b,
            [(3, 4), (4, 4), (6,)],
            ["Product", "Formula"],
        ),
    ],
)
def test_a_product_takes_in_the_bias_that_is_added_to_each_row(function, shapes, kinds):
    given = dict(zip("xwb", (randn(*shape) for shape in shapes)))
    step = write(function, given, target="python")
    found = nested(step.program.steps, step.program.results)
    names = [type(s).__name__ for s in found]
    assert names == kinds
    want = function(*given.values())
    z = step(*given.values())
    assert z.shape == want.shape
    assert z.reshape(-1).tolist() == pytest.approx(want.reshape(-1).tolist(), rel=1e-12)


def test_a_product_that_somebody_else_reads_keeps_its_own_line():
    def function(x, w, b):
        z = x @ w
        return [z + b, z.exp()]

    given = {"x": randn(3, 4), "w": randn(4, 2), "b": randn(2)}
    step = write(function, given, target="python")
    found = nested(step.program.steps, step.program.results)
    assert [type(s).__name__ for s in found] == ["Product", "Formula", "Formula"]
    for z, want in zip(step(*given.values()), function(*given.values())):
        assert z.tolist() == want.tolist()


def test_what_is_disturbed_meanwhile_stays_where_it_is():
    """z reads the old numbers of a list, and is read after they are written anew."""
    z, old, out = (Buffer((2,), "float64", name=name) for name in ("z", "old", "out"))
    steps = [
        Map(View(old), "copy", (1.0,)),
        Map(View(z), "neg", (View(old),)),
        Map(View(old), "copy", (2.0,)),
        Map(View(out), "exp", (View(z),)),
    ]
    assert len(nested(steps, [View(out)])) == 4
    assert len(nested([steps[0], *steps[1::2]], [View(out)])) == 1


def test_what_is_written_anew_is_not_written_first():
    """The gradient of a slice is zeros around a piece, and no zeros if it has all."""
    w = nn.Parameter(randn(4, 2))

    def loss(x, rows):
        return (w[:rows] * x).sum()

    for rows, count in ((3, 1), (4, 0)):
        x = randn(rows, 2)
        program = write(lambda x, n=rows: loss(x, n), {"x": x}, target="python").program
        fills = [s for s in program.all_steps if s.out.shape == (4, 2) and fill(s)]
        assert len(fills) == count


def fill(step):
    """Whether a step fills a view with one number."""
    return isinstance(step, Map) and step.function == "copy" and not [*step.reads()]
