"""Programs in plain Python: memory in any order, what is refused, and the text."""

from __future__ import annotations

import math
import re
from random import Random

import pytest
from conftest import flatten
from in_python import ALONE, GPT, NEAR, python, runs_alike
from targets import assert_near

import nn
from nn.optim import SGD, AdamW
from tinygrad_attn import (
    Tensor,
    concat,
    manual_seed,
    ops,
    rand,
    randint,
    randn,
    record,
    use_backend,
    write,
)
from tinygrad_attn.functions.movement import scatter_add, take

inf = math.inf


@pytest.fixture(autouse=True)
def on_python():
    with use_backend("python"):
        manual_seed(0)
        yield


# --- memory in any order --------------------------------------------------------------


def turned(random, x):
    """A view of x, turned and cut anywhere."""
    steps = [random.choice([1, 1, 2, -1, -2]) for _ in range(3)]
    cuts = [slice(None, None, s) if s < 0 else slice(1, None, s) for s in steps]
    return x.permute_dims(random.sample(range(3), 3))[tuple(cuts)]


@pytest.mark.parametrize("seed", range(20))
def test_views_with_any_strides(seed):
    x = Tensor([Random(seed).uniform(-1, 1) for _ in range(120)]).reshape(4, 5, 6)

    def function(x):
        random = Random(seed)
        found = []
        for _ in range(2):
            y, z = turned(random, x), turned(random, x)
            axis = random.choice([0, 1, 2, (0, 2), (1, 2), (0, 1), (0, 1, 2)])
            k = random.randrange(3)
            w = z.broadcast_to((2, *z.shape)).permute_dims((1, 0, 2, 3))
            found += [
                y * 2 - y[:1],
                y.sum(axis),
                y.max(axis=axis),
                y.argmax(k),
                y[1:, 0],
            ]
            found += [w + 1, w.sum(k), y @ y.permute_dims((0, 2, 1)), y[0].mT @ y]
            found += [y.reshape(-1), concat([y, y * 2], axis=k), y > y[:, :, :1]]
            found += [(y * y).sum(axis), w @ w.mT, take(y, Tensor([0, 1, 0]))]
            found += [scatter_add(y, Tensor([1] * y.shape[0]), 3)]
            twice = tuple(2 * n for n in y.shape)
            found += [ops.place(y, tuple((0, None, 2) for _ in y.shape), twice)]
            back = tuple((2 * n - 1, None, -2) for n in y.shape)
            found += [ops.place(y, back, twice) * 2.0]
        return found

    step = write(function, {"x": x}, target="python")
    for got, want in zip(step(x), function(x)):
        assert_near("z", got, want, NEAR)


@pytest.mark.parametrize("k", [1, 2, 24, 25, 128, 129])
def test_products_of_every_length(k):
    x, y = randn(3, k), randn(k, 2)

    def function(x, y):
        batch = x.reshape(3, 1, k).broadcast_to((3, 2, k))
        whole = (x * 3.0 > 1.0) @ (y > 0.0)
        found = [x @ y, batch @ y, batch @ batch.mT, (x * x).sum(1), (y * y).sum(0)]
        return [*found, x[:1] @ y[:, :1], (x * x).sum(), whole]

    step = write(function, {"x": x, "y": y}, target="python")
    for got, want in zip(step(x, y), function(x, y)):
        assert_near("z", got, want, NEAR)


def test_products_of_whole_numbers_stay_exact():
    big = Tensor([[2**60, 3], [5, 7]])
    runs_alike(lambda x: [x @ Tensor([[1, 0], [0, 1]]), x[:, :0] @ x[:0]], big)


def test_rows_taken_and_added():
    table, at = randn(5, 3), Tensor([[4, 0], [0, 2]])
    gradient = randn(2, 2, 3)

    def function(table, gradient):
        return [take(table, at), scatter_add(gradient, at, 5), take(table[:, 0], at)]

    runs_alike(function, table, gradient)
    runs_alike(lambda x: [take(x, x), scatter_add(x, x, 7)], Tensor([0, 3, 3, 1]))


def test_what_is_written_bit_by_bit():
    def function(x):
        columns = concat([x, x * 2.0, x[:, :1]], axis=1)
        inside = ops.place(x, ((1, 3, 1), (0, None, 3)), (4, 6))
        return [
            columns,
            inside,
            columns.mT @ columns,
            inside + 1.0,
            x.tril(),
            x[::-1],
        ]

    runs_alike(function, Tensor([[1.0, 2.0], [3.0, 4.0]]))


def test_names_that_the_text_uses_itself():
    """A model's own names never meet those of the text."""

    def function(x, rows, y):
        z = x * 2.0 + y
        xs = z.sum(1, keepdims=True)
        zip = (x - xs) * y[:1]
        range = zip.exp().max(axis=1)
        largest = range / xs.reshape(-1)
        i = rows @ zip.mT
        taken = take(i, Tensor([1, 0])) + take(i[:, 0], Tensor([1, 0]))[0]
        return [z, largest, i, x.reshape(-1)[2:], take(y, Tensor([1, 0])), taken]

    given = {"x": randn(3, 4), "rows": randn(2, 4), "y": rand(3, 4)}
    step = write(function, given, target="python")
    for got, want in zip(step(**given), function(*given.values())):
        assert_near("z", got, want, NEAR)


# --- what is refused ------------------------------------------------------------------


def test_refusals_are_eagers():
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, target="python")
    for inputs in ((x + 20, y), (x, y + 20), (x, y - 12)):
        with pytest.raises(IndexError) as eager:
            model.loss(*inputs)
        with pytest.raises(IndexError) as written:
            step(*inputs)
        assert str(written.value) == str(eager.value)
    with pytest.raises(ValueError, match=r"step: x of shape \(2, 6\)"):
        step(randint(0, 11, (2, 6)), y)


def test_a_row_that_sees_nothing_is_refused_where_it_was_recorded():
    x, mask = randn(2, 2), Tensor([[True, False], [True, True]])
    with record():
        z = nn.functional.scaled_dot_product_attention(x, x, x, mask)
    step = write(z, {"x": x, "mask": mask}, target="python")
    assert_near("z", step(x, mask), z, NEAR)
    with pytest.raises(ValueError, match="a query may attend to nothing"):
        step(x, Tensor([[True, False], [False, False]]))


def test_clipping_refuses_what_is_not_finite():
    w = nn.Parameter(Tensor([1.0, 2.0]))
    step = write(
        lambda x: (w * x).sum(),
        {"x": Tensor([1.0, 1.0])},
        update=SGD([w]),
        clip=1.0,
        target="python",
    )
    with pytest.raises(RuntimeError, match="clip_grad_norm: the norm is inf"):
        step(Tensor([inf, 1.0]))
    assert w.tolist() == [1.0, 2.0]


# --- the text -------------------------------------------------------------------------


def test_the_text_runs_alone():
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    optimizer = AdamW(model.parameters())
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    parameters = flatten([p.tolist() for p in model.parameters()])
    given = flatten(x.tolist()), flatten(y.tolist())
    code = [ALONE, step.source, f"parameters = {parameters}"]
    code += [f"print(step({given[0]}, {given[1]}, 0.001, 0.01, {t}))" for t in (1, 2)]
    code += ["print(parameters[:3])"]
    found = python("\n".join(code), "-I")
    losses = [step(x, y).item() for _ in range(2)]
    first = flatten(next(iter(model.parameters())).tolist())[:3]
    assert found.splitlines() == [*(f"({v},)" for v in losses), str(first)]


def test_a_saved_program_runs_alone(tmp_path):
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    optimizer = AdamW(model.parameters())
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    step(x, y)
    step.save(tmp_path / "trained.py")
    given = flatten(x.tolist()), flatten(y.tolist())
    path = str(tmp_path / "trained.py")
    code = f"{ALONE}\nimport runpy\nstep = runpy.run_path({path!r})['step']\n"
    code += f"print(step({given[0]}, {given[1]}, 0.001, 0.01, 2)[0])"
    assert python(code, "-I") == f"{step(x, y).item()}\n"


def test_no_numpy_is_imported():
    code = """
import sys, nn
from tinygrad_attn import Tensor, write
model = nn.Linear(3, 2)
def loss(x):
    return (model(x) ** 2.0).sum()
x = Tensor([[1.0, 2.0, 3.0]])
step = write(loss, {"x": x}, update=nn.optim.Adam(model.parameters()))
print(step.target, step(x).item() > step(x).item(), "numpy" in sys.modules)
len(step.source)
print("numpy" in sys.modules)
"""
    assert python(code) == "python True False\nFalse\n"


def test_lines_are_narrow_and_the_text_is_the_same_each_time():
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, target="python")
    assert write(model.loss, {"x": x, "y": y}, target="python").source == step.source
    code = re.sub(r"  # .*", "", step.source)
    says = r"^ *'.*',$"  # a sentence
    wide = [line for line in code.splitlines() if len(line) > 88]
    assert all(re.match(says, line) for line in wide)
