"""What a step cannot do without: the products of its matrices.

A training step of a transformer is products of matrices, and what lies between them.
So their time alone is a floor: no program that computes the same can be faster, unless
it multiplies faster.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple

import examples.interpreter  # first: it refuses an old Python
from examples import terminal
from examples.options import Parser, check_numpy
from tinygrad_attn import use_backend

from .contestants import ours
from .workloads import WORKLOADS, Workload, batches

SECONDS = 1.0  # of each measurement


class Floor(NamedTuple):
    """What a workload's program in C needs.

    Attributes:
        products: how many products of matrices there are.
        operations: multiplications and additions in them.
        memory: bytes of all that the program keeps, and works with.
        alone: seconds of the products alone.
        whole: seconds of the whole step.
    """

    products: int
    operations: float
    memory: int
    alone: float
    whole: float


def floor(w: Workload) -> Floor:
    """Writes the program of a workload, and the same with nothing but its products."""
    from tinygrad_attn import Tensor, write
    from tinygrad_attn.program.anatomy import Product
    from tinygrad_attn.program.compiling import (
        Fallback,
        compiled,
        some_compiler,
        vector_bytes,
    )
    from tinygrad_attn.program.writers.c_text import CText

    model, optimizer = ours.trained(w, ours.initial_weights(w))
    given = [(Tensor(x), Tensor(y)) for x, y in batches(w)]
    example = dict(zip(("tokens", "labels"), given[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", Fallback)
        try:
            step = write(model.loss, example, update=optimizer, target="c")
            step(*given[0])
        except Fallback as warning:
            raise RuntimeError(warning.why) from warning
    turn = cycle(given)
    machine, steps = step.machine, step.program.steps
    products = [s for s in steps if isinstance(s, Product)]
    groups = [g for g in machine.groups if isinstance(g.steps[0], Product)]
    library, passed = machine.blas, machine.passed
    whole = library.whole if library else ""
    args = (step.program, machine.memory, groups, passed, whole, vector_bytes())
    code = compiled(CText(*args).text(), some_compiler())
    if library and hasattr(code, "use_library"):
        code.use_library(*map(ctypes.c_void_p, (library.single, library.double)))
    return Floor(
        len(products),
        sum(2.0 * math.prod(s.out.shape) * s.x.shape[-1] for s in products),
        sum(arena.nbytes for arena in machine.arenas),
        median(lambda: code.step(machine.pointers, machine.numbers)),
        median(lambda: step(*next(turn))),
    )


def median(call: Callable[[], Any]) -> float:
    """Seconds of a call."""
    call()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 3:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return sorted(times)[len(times) // 2]


def told(floors: dict[str, Floor]) -> str:
    """As a table."""
    lines = [
        "What a step needs at least: its products of matrices, in C, one thread.",
        "",
        f"{'':4}{'products':>9}{'GFLOP':>9}{'memory':>11}{'alone':>11}{'GFLOP/s':>9}"
        f"{'step':>11}{'of it':>7}",
    ]
    for name, f in floors.items():
        lines.append(
            f"{name:4}{f.products:9}{f.operations / 1e9:9.4f}"
            f"{f.memory / 2**20:8.2f} MB{f.alone * 1e3:8.3f} ms"
            f"{f.operations / f.alone / 1e9:9.0f}{f.whole * 1e3:8.3f} ms"
            f"{f.alone / f.whole:7.0%}"
        )
    return "\n".join(lines)


def program(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="python -m benchmarks.steps.floors",
        description="Times the products of a step's matrices alone.",
    )
    known = ", ".join(WORKLOADS)
    parser.add_argument("names", nargs="*", help=f"of {known}; or all")
    names = parser.parse_args(argv).names or [*WORKLOADS]
    if unknown := [name for name in names if name not in WORKLOADS]:
        raise ValueError(f"{unknown[0]!r} given; it must be of {known}")
    check_numpy("this benchmark")
    with use_backend("numpy"):
        print(told({name: floor(WORKLOADS[name]) for name in names}))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return terminal.run("benchmarks.steps.floors", partial(program, argv))


if __name__ == "__main__":
    from .workers import ONE_THREAD

    examples.interpreter.begin({"numpy"})
    os.environ.update(ONE_THREAD)
    sys.exit(main())
