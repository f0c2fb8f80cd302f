"""Every rule in JavaScript, forward and backward, and memory in any order."""

from __future__ import annotations

import math
from random import Random

import pytest
import rule_cases
from conftest import needs_numpy
from in_node import (
    JS,
    Job,
    assert_near,
    job,
    needs_node,
    outputs,
    run_all,
)

from tinygrad_attn import (
    Tensor,
    concat,
    manual_seed,
    ops,
    use_backend,
)
from tinygrad_attn.autograd.recording import apply
from tinygrad_attn.program.write import write
from tinygrad_attn.program.writers.javascript_text import JavaScriptText

pytestmark = [needs_node, needs_numpy, pytest.mark.usefixtures("on_numpy")]
inf, nan = math.inf, math.nan


# --- views, rows, every rule ----------------------------------------------------------


def drawn(random, *shape):
    """Random numbers, in rows."""
    if not shape:
        return random.uniform(-1, 1)
    return [drawn(random, *shape[1:]) for _ in range(shape[0])]


def turned(random, x):
    """A view of x, turned and cut anywhere."""
    order = random.sample(range(3), 3)
    steps = [random.choice([1, 1, 2, -1, -2]) for _ in range(3)]
    cuts = [slice(None, None, s) if s < 0 else slice(1, None, s) for s in steps]
    return x.permute_dims(order)[tuple(cuts)], (order, steps)


@pytest.mark.parametrize("typed", [True, False])
def test_views_with_any_strides(typed):
    jobs, wants = [], []
    for seed in range(20):
        random = Random(seed)
        x = drawn(random, 4, 5, 6)

        def function(x, seed=seed):
            random = Random(seed)
            found = []
            for _ in range(3):
                (y, _), (z, _) = turned(random, x), turned(random, x)
                axis = random.choice([0, 1, 2, (0, 2), (1, 2), (0, 1), (0, 1, 2)])
                k = random.randrange(3)
                w = z.broadcast_to((2, *z.shape)).permute_dims((1, 0, 2, 3))
                found += [y * 2 - y[:1], y.sum(axis), y.max(axis=axis), y.argmax(k)]
                found += [w + 1, w.sum(k), y @ y.permute_dims((0, 2, 1)), y[0].mT @ y]
                found += [y.reshape(-1), concat([y, y * 2], axis=k), y > y[:, :, :1]]
                found += [ops.place(y, ((1, None, 1), *[(0, None, 1)] * 2), padded(y))]
            return found

        step = write(function, {"x": x}, target=JS)
        text = JavaScriptText(step.program, typed=typed).text()
        jobs.append(Job(text, {}, [{"x": x}]))
        wants.append([z.tolist() for z in function(Tensor(x))])
    for seed, (found, want) in enumerate(zip(run_all(jobs), wants)):
        for k, (a, b) in enumerate(zip(outputs(found), want, strict=True)):
            assert_near(f"seed {seed}, {k}", a, b if isinstance(b, list) else [b])


def padded(y):
    return (y.shape[0] + 1, *y.shape[1:])


PRODUCTS = [
    lambda x, y: x @ y,
    lambda x, y: x @ y.swapaxes(-1, -2).mT,
    lambda x, y: (y.mT @ x.mT).mT,
    lambda x, y: x[..., ::-1] @ y[..., ::-1, ::-1],
]


@pytest.mark.parametrize(
    "sizes", [(32, 32, 16), (41, 29, 31), (9, 64, 33), (1, 99, 200)]
)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_large_products_are_computed_by_tiles(sizes, batch):
    n, k, m = sizes
    random = Random(1)
    inputs = {"x": drawn(random, *batch, n, k), "y": drawn(random, *batch, k, m)}
    jobs = [job(function, inputs) for function in PRODUCTS]
    assert all(("at once" in job.source) == (sizes != (41, 29, 31)) for job in jobs)
    for found, function in zip(run_all(jobs), PRODUCTS):
        want = function(*map(Tensor, inputs.values()))
        assert_near("product", outputs(found)[0], want.tolist())


def test_rows_are_taken_and_added():
    random = Random(3)
    inputs = {
        "x": drawn(random, 5, 3),
        "at": [[0, 4, 4], [2, 0, 1]],
        "g": drawn(random, 2, 3, 3),
    }

    def function(x, at, g):
        rows, columns = ops.take(x, at), ops.take(x.mT, at[:1] - 2 * (at[:1] > 2))
        added = ops.scatter_add(g, at, 5)
        turned = ops.scatter_add(g.permute_dims((1, 0, 2)), at.mT, 5)
        return [
            rows,
            columns,
            added,
            turned,
            ops.take(x[::-1, ::2], at),
            rows + added[0],
        ]

    got = outputs(run_all([job(function, inputs)])[0])
    want = function(*(Tensor(v) for v in inputs.values()))
    for a, b in zip(got, want, strict=True):
        assert_near("rows", a, b.tolist())


@pytest.fixture(scope="module")
def rules():
    """What every rule gives in JavaScript, and in the engine: loss and gradients."""
    jobs, wants = [], []
    with use_backend("numpy", "float64"):
        for case in rule_cases.CASES:
            manual_seed(1)
            given = case.make()
            tensors = {f"x{i}": x for i, x in enumerate(given) if isinstance(x, Tensor)}

            def loss(*inputs, case=case, given=given):
                found = iter(inputs)
                inputs = [next(found) if isinstance(x, Tensor) else x for x in given]
                z = apply(case.op, *inputs, **case.params)
                size = math.prod(z.shape)
                weights = Tensor([math.cos(i) for i in range(size)]).reshape(z.shape)
                return (z * weights).sum()

            jobs.append(job(loss, tensors))
            total = loss(*tensors.values())
            total.backward()
            wants.append(
                (
                    total.item(),
                    {n: x.grad.tolist() for n, x in tensors.items() if x.requires_grad},
                )
            )
    return dict(zip(map(str, rule_cases.CASES), zip(run_all(jobs), wants)))


@pytest.mark.parametrize("case", [*map(str, rule_cases.CASES)])
def test_every_rule_forward_and_backward(rules, case):
    found, (loss, gradients) = rules[case]
    (step,) = found.steps
    assert "error" not in step, step
    assert_near("loss", step["loss"], [loss])
    assert {*step["gradients"]} == {*gradients}
    for name, g in gradients.items():
        assert_near(name, step["gradients"][name], g)
