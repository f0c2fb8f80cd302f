"""no_grad, use_backend and record hold for their block, in generators and tasks too.

A generator yields inside its block, an asyncio task waits there. Whoever runs meanwhile
must find everything as it was.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import (
    Tensor,
    debug,
    enable_grad,
    grad,
    no_grad,
    ones,
    record,
    use_backend,
)
from tinygrad_attn.context import context
from tinygrad_attn.switching import Now

w = nn.Parameter([1.0])


def records():
    return (w * 2.0).requires_grad


def kind():
    return type(ones(2).array).__name__


def keeps_constants():
    return (Tensor([1.0]) > 0.0)._op is not None


def looks_for_nan():
    try:
        Tensor([0.0]).log()
    except FloatingPointError:
        return True
    return False


# A context, what tells whether it is on, and what that says inside.
CONTEXTS = [
    pytest.param(no_grad, records, False, id="no_grad"),
    pytest.param(record, keeps_constants, True, id="record"),
    pytest.param(debug, looks_for_nan, True, id="debug"),
    pytest.param(lambda: use_backend("scalar"), kind, "ValueArray", id="use_backend"),
    pytest.param(
        lambda: use_backend("numpy"), kind, "ndarray", id="numpy", marks=needs_numpy
    ),
    pytest.param(nn.shapes_only, kind, "Hollow", id="shapes_only"),
]


@pytest.fixture(autouse=True)
def _everything_is_off_again():
    yield
    gc.collect()
    assert type(context.now) is Now  # quick again
    assert context.now.blocks == []
    assert records()


@pytest.mark.parametrize(("make", "ask", "inside"), CONTEXTS)
def test_a_generator_keeps_its_block_to_itself(make, ask, inside):
    def through():
        return ask()

    def numbers():
        with make():
            for _ in range(3):
                yield through()

    def in_a_stack():
        with ExitStack() as stack:
            stack.enter_context(make())
            yield from numbers_without()

    def numbers_without():
        for _ in range(3):
            yield ask()

    outside = ask()
    assert outside != inside
    for generator in (numbers, in_a_stack):
        one, other = generator(), generator()
        for _ in range(2):
            assert next(one) == inside
            assert ask() == outside
            assert next(other) == inside
            assert ask() == outside
        with make():
            assert ask() == inside
            assert next(one) == inside
            assert list(one) == []
            assert ask() == inside
        assert ask() == outside
        other.close()
        left = generator()
        next(left)
        del left
        assert ask() == outside


@pytest.mark.parametrize(("make", "ask", "inside"), CONTEXTS)
def test_a_context_manager_made_of_a_generator_holds_for_its_callers_block(
    make, ask, inside
):
    @contextmanager
    def inner():
        with make():
            yield

    @contextmanager
    def outer():
        with inner():
            yield

    class Own:
        def __enter__(self):
            self.held = make()
            self.held.__enter__()

        def __exit__(self, *_):
            self.held.__exit__(None, None, None)

    def numbers(manager):
        with manager():
            yield ask()

    outside = ask()
    for manager in (inner, outer, Own):
        with manager():
            assert ask() == inside
        generator = numbers(manager)
        assert next(generator) == inside
        assert ask() == outside
        generator.close()


@pytest.mark.parametrize(("make", "ask", "inside"), CONTEXTS[:-1])
def test_a_decorator_holds_while_a_generator_or_coroutine_runs(make, ask, inside):
    outside = ask()

    @make()
    def plain():
        return ask()

    @make()
    def numbers():
        """Documented."""
        got = yield ask()
        yield got, ask()

    @make()
    async def task():
        await asyncio.sleep(0)
        return ask()

    @make()
    async def stream():
        yield ask()
        await asyncio.sleep(0)
        yield ask()

    async def main():
        found = [await task()]
        async for item in stream():
            found += [item]
            assert ask() == outside
        return found

    assert plain() == inside
    generator = numbers()
    assert numbers.__doc__ == "Documented."
    assert next(generator) == inside
    assert ask() == outside
    assert generator.send(5) == (5, inside)
    assert asyncio.run(main()) == [inside] * 3
    assert ask() == outside


@pytest.mark.parametrize(("make", "ask", "inside"), CONTEXTS)
def test_tasks_that_take_turns_have_their_own(make, ask, inside):
    outside = ask()

    async def helper():
        await asyncio.sleep(0)
        return ask()

    async def quiet():
        for _ in range(3):
            with make():
                assert await helper() == inside
                assert ask() == inside
            assert await helper() == outside

    async def other():
        for _ in range(10):
            assert await helper() == outside

    @asynccontextmanager
    async def block():
        with make():
            yield

    async def main():
        await asyncio.gather(quiet(), other(), quiet())
        async with block():
            await asyncio.sleep(0)
            assert ask() == inside
            found = await asyncio.gather(helper(), helper())  # started inside
            late = asyncio.create_task(helper())
        assert found == [inside, inside]
        assert ask() == outside
        assert await late == inside

    asyncio.run(main())
    assert ask() == outside


def test_the_innermost_block_of_what_runs_counts():
    def inner():
        with enable_grad():
            while True:
                yield records()

    def outer(generator):
        with no_grad():
            for _ in range(2):
                yield records(), next(generator), records()

    generator = inner()
    assert next(generator)
    with no_grad():
        assert not records()
        assert next(generator)
        assert [*outer(generator)] == [(False, True, False)] * 2
        with enable_grad():
            assert records()
        assert not records()
    generator.close()


def test_one_object_serves_several_blocks():
    quiet = no_grad()

    def numbers():
        with quiet:
            yield records()
            with quiet:
                yield records()
            yield records()

    one, other = numbers(), numbers()
    assert [next(one), next(other), next(one), records()] == [False] * 3 + [True]
    with quiet:
        assert not records()
    assert [*one] == [False]
    assert [*other] == [False, False]


def test_blocks_that_end_in_another_order():
    one, other = no_grad(), enable_grad()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert records()
    other.__exit__(None, None, None)
    assert records()


def test_a_generator_trains_while_its_caller_evaluates(backend):
    def training(layer):
        optimizer = nn.optim.SGD(layer.parameters(), lr=0.1)
        while True:
            with enable_grad():
                loss = (layer(ones(1, 2)) ** 2).sum()
                loss.backward()
                yield loss.item()
                optimizer.step()
                optimizer.zero_grad()

    layer = nn.Linear(2, 1)
    steps = training(layer)
    with no_grad():
        losses = []
        for _ in range(5):
            losses.append(next(steps))
            assert not layer(ones(1, 2)).requires_grad
    steps.close()
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("context", [no_grad, enable_grad])
def test_a_walk_inside_a_generators_block_is_recorded_if_it_shall_be(context, backend):
    def slopes(x):
        with enable_grad():
            loss = (x**3).sum()
        with context():
            yield grad(loss, x, create_graph=True)[0]
            yield grad(loss, x, retain_graph=True)[0]
            loss.backward()
            with pytest.raises(RuntimeError, match="was freed by an earlier backward"):
                loss.backward()
            yield x.grad

    x = Tensor([2.0], requires_grad=True)
    recorded, plain, kept = slopes(x)
    assert recorded.tolist() == plain.tolist() == kept.tolist() == [12.0]
    assert (recorded.requires_grad, plain.requires_grad) == (True, False)
    assert grad(recorded.sum(), x)[0].tolist() == [12.0]


def test_a_generator_may_end_in_another_thread():
    def numbers():
        with no_grad():
            yield 1
            yield 2

    found, generator = [], numbers()
    next(generator)

    def finish():
        found.extend(generator)
        found.append(enabled())

    thread = threading.Thread(target=finish)
    thread.start()
    thread.join()
    assert found == [2, True]
    assert enabled()
    assert type(context.now) is Now


def enabled():
    return (Tensor([1.0], requires_grad=True) * 2.0).requires_grad


def test_no_grad_decorates_without_parentheses():
    @no_grad
    def inside(x):
        """Doc."""
        return (x * 2.0).requires_grad

    assert inside.__doc__ == "Doc."
    assert inside(Tensor([1.0], requires_grad=True)) is False
    assert enabled()
