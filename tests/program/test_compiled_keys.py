"""compile: which program runs for which arguments, what inputs are called, what comes
back."""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections import namedtuple
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import needs_cc, needs_numpy

from tinygrad_attn import Tensor, compile, manual_seed, randn, use_backend, write
from tinygrad_attn.program import compiled, compiling

numpy = pytest.importorskip("numpy")
pytestmark = needs_numpy


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        manual_seed(0)
        yield


# --- a call that fails ----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:compile. half was called with more than 16")
def test_calls_that_fail_while_writing_leave_nothing():
    wrong = [True]

    @compile(target="numpy")
    def half(x):
        if wrong[0]:
            raise KeyError("on the way")
        return x / 2.0

    for n in range(1, 41):
        with pytest.raises(KeyError):
            half(randn(n))
    assert not half.steps
    wrong[0] = False
    for n in range(1, 41):
        x = randn(n)
        assert half(x).tolist() == (x / 2.0).tolist()


# --- names ----------------------------------------------------------------------------


def of_rest(x1, *rest):
    return x1 - sum(rest[1:], rest[0])


def of_others(x0, *rest, rest_1):
    return x0 * rest[0] - rest[1] * rest_1


def of_all(*x):
    return x[0] / x[1]


def of_place(x, /, **more):
    return x - more["x"]


X, Y, Z = Tensor([5.0, 7.0]), Tensor([2.0, 3.0]), Tensor([11.0, 13.0])
CALLS = [
    (of_rest, (X, Y), {}, ["x1", "rest_1"]),
    (of_rest, (X, Y, Z), {}, ["x1", "rest_1", "rest_2"]),
    (of_others, (X, Y, Z), {"rest_1": Y}, ["x0", "rest_2", "rest_3", "rest_1"]),
    (of_all, (X, Y), {}, ["x_1", "x_2"]),
    (of_place, (X,), {"x": Y}, ["x", "x_1"]),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "names"), CALLS)
def test_each_input_has_a_name_of_its_own(function, args, kwargs, names):
    found = compile(function)
    want = function(*args, **kwargs).tolist()
    assert found(*args, **kwargs).tolist() == want
    ((step,),) = found.steps.values()
    assert step.names == names


# --- the key --------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    by: object


Pair = namedtuple("Pair", "by and_by")

EQUAL = [  # in Python, and not in what a function makes of them
    (2, 2.0),
    ((2,), (2.0,)),
    ((1,), (True,), (1.0,)),
    (((0,),), ((False,),), ((0.0,),), ((-0.0,),)),
    (0.0, -0.0, 0, False),
    (frozenset([1]), frozenset([1.0]), frozenset([True])),
    (Setting(1), Setting(1.0), Setting((True,)), Setting((1,))),
    (Pair(1, 2), (1, 2), Pair(1, 2.0)),
    (complex(0.0, 0.0), complex(0.0, -0.0), complex(-0.0, 0.0)),
    (Decimal("1.0"), Decimal("1.00"), 1),
    ((numpy.float32(0.0),), (numpy.float32(-0.0),), (0.0,)),
]


def as_text(x, setting):
    """Depends on all that a setting is."""
    shown = repr(setting)
    return x * float(sum(map(ord, shown))) + float(len(shown))


@pytest.mark.parametrize("settings", EQUAL)
def test_arguments_that_are_equal_in_python_are_told_apart(settings):
    found = compile(as_text)
    for _ in range(2):
        for setting in settings:
            want = as_text(X, setting).tolist()
            assert found(X, setting).tolist() == want
    assert found.count == len({*map(repr, settings)})


@dataclass(eq=False)
class Factors:
    """Hashed as the object that it is."""

    by: list[float]

    @compile
    def times(self, x):
        return x * self.by[0]


@dataclass(frozen=True)
class Noted:
    by: float
    notes: list[str] = field(default_factory=list, compare=False)


def test_objects_that_hold_what_cannot_be_hashed():
    two, three = Factors([2.0]), Factors([3.0])
    for factors in (two, three, two):
        assert factors.times(X).tolist() == (X * factors.by[0]).tolist()
    found = compile(as_text)
    for noted in (Noted(1), Noted(1.0), Noted(1)):
        assert found(X, noted).tolist() == as_text(X, noted).tolist()
    assert (Factors.times.count, found.count) == (2, 2)


def test_nan_is_one_argument():
    @compile(target="numpy")
    def filled(x, by, *, more=()):
        return x + by

    for _ in range(3):
        filled(X, float("nan"))
        filled(X, 1.0, more=(float("nan"), [math.nan][0]))
    assert filled.count == 2


def test_another_backend_another_program():
    @compile
    def triple(x):
        return x * Tensor([3.0, 1 / 3])

    given = [1.0, 1.0]
    for name, dtype, target in (
        ("numpy", "float32", "c"),
        ("numpy", "float64", "c"),
        ("python", "float64", "python"),
    ) * 2:
        with use_backend(name, dtype):
            x = Tensor(given, dtype="float64")
            want = x * Tensor([3.0, 1 / 3])
            found = triple(x)
            assert found.tolist() == want.tolist()
            assert type(found.array) is type(want.array)
            (step,) = [*triple.steps.values()][-1]
            assert step.target == target or compiling.compiler() is None
    assert triple.count == 3


def test_results_are_on_the_backend_of_the_inputs():
    found = compile(of_all)
    with use_backend("python"):
        x, y = Tensor([1.0]), Tensor([2.0])
    for given in ((X, Y), (x, y), (X, Y)):
        assert type(found(*given).array) is type(given[0].array)


# --- what comes back ------------------------------------------------------------------

Both = namedtuple("Both", "double half")


@pytest.mark.parametrize("kind", [list, tuple, Both._make])
@pytest.mark.parametrize("target", ["numpy", "python"])
def test_results_come_back_as_the_function_returns_them(kind, target):
    def both(x):
        return kind([x * 2.0, x / 2.0])

    want = both(X)
    for found in (
        compile(target=target)(both)(X),
        write(both, {"x": X}, target=target)(X),
    ):
        assert type(found) is type(want)
        assert [t.tolist() for t in found] == [t.tolist() for t in want]
    w = Tensor([1.0, 2.0], requires_grad=True)

    def losses(x):
        return kind([(w * x).sum(), x / 2.0])

    found, slopes = compile(target=target)(losses)(X)
    assert type(found) is type(want)
    assert slopes["w"].tolist() == X.tolist()


# --- inputs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", ["numpy", "python", pytest.param("c", marks=needs_cc)]
)
def test_arrays_of_another_class_are_read_as_a_tensor_reads_them(target):
    class Odd(numpy.ndarray):
        def __array_finalize__(self, obj):
            pass

    step = write(lambda x: x * 2.0, {"x": X}, target=target)
    masked = numpy.ma.array([1.0, 2.0], mask=[False, True])
    says = r"^step: input 'x': Tensor: a MaskedArray given; fill what is masked first"
    for given in (masked, masked[:]):
        with pytest.raises(TypeError, match=says):
            step(given)
    with pytest.raises(ValueError, match=r"^step: x of shape \(1, 2\) and"):
        step(numpy.ma.array([[1.0, 2.0]]).data.view(Odd))
    for given in (
        numpy.array([1.0, 2.0]).view(Odd),
        numpy.array([1.0, 2.0], dtype=">f8"),
        numpy.array([1.0, 9.0, 2.0])[::2],
    ):
        assert step(given).tolist() == [2.0, 4.0]
    run = compile(target=target)(doubled)
    assert run(numpy.array([1.0, 2.0])).tolist() == [2.0, 4.0]
    with pytest.raises(TypeError, match=says):
        run(masked)


def doubled(x):
    return x * 2.0


# --- where a warning points -----------------------------------------------------------


class Holder:
    @compile
    def twice(self, x):
        return x * 2.0


def test_a_warning_points_at_the_line_that_calls(monkeypatch):
    monkeypatch.setattr(compiling, "compiler", lambda: None)
    calls = [
        lambda: write(doubled, {"x": X}, target="c"),
        lambda: compile(target="c")(doubled)(X),
        lambda: Holder().twice(X),
    ]
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        (warning,) = caught
        assert Path(warning.filename) == Path(__file__)
        assert warning.lineno == call.__code__.co_firstlineno


@pytest.mark.filterwarnings("ignore:compile. plus was called with more than 2")
def test_threads_share_a_function(monkeypatch):
    """Of which few programs are kept, so that they are often written."""
    fits = compiled.fits

    def slow(step):
        time.sleep(0.001)  # others go on
        return fits(step)

    monkeypatch.setattr(compiled, "MOST", 2)
    monkeypatch.setattr(compiled, "fits", slow)

    @compile
    def plus(x):
        return x + 1.0

    wrong = []

    def run(first):
        try:
            for i in range(20):
                size = 1 + (first + 7 * i) % 4
                if plus(Tensor([1.0] * size)).tolist() != [2.0] * size:
                    wrong.append(size)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert plus.count <= compiled.MOST


@needs_cc
def test_so_does_that_of_the_first_run(monkeypatch):
    monkeypatch.setattr(
        "tinygrad_attn.program.running.first_difference", lambda *_: "for a test"
    )
    for call in (
        lambda: write(doubled, {"x": X}, target="c")(X),
        lambda: compile(target="c")(doubled)(X),
    ):
        with pytest.warns(UserWarning, match="is wrong") as caught:
            call()
        assert Path(caught[0].filename) == Path(__file__)


@pytest.mark.parametrize(
    "batch",
    [
        (Tensor([1.0]), Tensor([2.0])),
        ("x", (1, Tensor([2.0]))),
        (1, numpy.ones(2)),
        namedtuple("Batch", "x y")(Tensor([1.0]), 2),
    ],
)
def test_a_batch_in_one_argument_is_refused(batch):
    """Its identity would be a part of the key: each batch had a program of its own."""

    @compile(target="python")
    def step(batch):
        return batch[0] * 2.0

    with pytest.raises(TypeError, match="in it; each must be an argument of its own"):
        step(batch)
    assert step.count == 0


def test_too_many_kinds_of_arguments_are_said_once():
    @compile(target="python")
    def double(x):
        return x * 2.0

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for n in (*range(1, 20), 1):
            assert double(Tensor([1.0] * n)).tolist() == [2.0] * n
    (one,) = said
    assert "compile: double was called with more than 16" in str(one.message)
    assert one.filename == __file__
