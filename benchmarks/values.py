"""Single numbers, timed beside micrograd's: a training step, and a million nodes.

    python3 benchmarks/values.py          # all of it, in some ten seconds

A training step is that of micrograd's own demonstration: layers of 16, 16 and 1
neurons, a hinge loss over 20 points, and a penalty on the weights. Both run the very
same program, in turns, so that what disturbs one disturbs the other. A graph of a
million Values is measured in a process of its own, which has nothing else in it.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

from tinygrad_attn import Value
from tinygrad_attn.errors import how_to_install
from tinygrad_attn.scalar import topological_order

ROUNDS = 25
NODES = 1_000_000


# --- the same training step on any Value ----------------------------------------------


def trainer(make: Any) -> Callable[[], float]:
    """A function that does one training step on Values made by `make`, and returns the
    loss."""
    draw = random.Random(1337).uniform
    sizes = (2, 16, 16, 1)
    layers = [
        [
            ([make(draw(-1, 1)) for _ in range(inputs)], make(0.0))
            for _ in range(outputs)
        ]
        for inputs, outputs in zip(sizes, sizes[1:])
    ]
    parameters = [p for layer in layers for w, b in layer for p in (*w, b)]
    points = [(draw(-1, 1), draw(-1, 1)) for _ in range(20)]
    labels = [1.0 if x * y > 0 else -1.0 for x, y in points]

    def score(point: tuple[float, float]) -> Any:
        x = [make(v) for v in point]
        for layer in layers:
            x = [sum((a * b for a, b in zip(w, x)), bias) for w, bias in layer]
            if layer is not layers[-1]:
                x = [v.relu() for v in x]
        return x[0]

    def step() -> float:
        margins = [(1 + -y * score(p)).relu() for y, p in zip(labels, points)]
        loss = sum(margins) * (1.0 / len(margins))
        loss = loss + 1e-4 * sum(p * p for p in parameters)
        for p in parameters:
            p.grad = 0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return float(loss.data)

    return step


def seconds(f: Callable[[], Any]) -> float:
    gc.collect()  # what the one leaves for the collector shall not delay the other
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def beside_micrograd() -> None:
    """Prints the medians of a step on either Value, and of their ratio."""
    if not find_spec("micrograd"):
        print(f"micrograd is not installed: {how_to_install('micrograd')}")
        return
    ours, theirs = trainer(Value), trainer(import_module("micrograd.engine").Value)
    times: dict[Any, list[float]] = {ours: [], theirs: []}
    for i in range(ROUNDS):
        for step in (ours, theirs) if i % 2 else (theirs, ours):
            times[step].append(seconds(step))
    if abs(ours() - theirs()) > 1e-9:
        raise RuntimeError("the two have not learned the same")
    ratio = median(b / a for a, b in zip(times[ours], times[theirs]))
    print("one training step of a 2-16-16-1 network on 20 points")
    print(f"  tinygrad_attn {median(times[ours]) * 1e3:8.1f} ms")
    print(f"  micrograd     {median(times[theirs]) * 1e3:8.1f} ms, ", end="")
    print(f"{ratio:.2f} times as long")


# --- a million nodes ------------------------------------------------------------------


def chain() -> Value:
    """v = v + 1, again and again: as deep as it is large."""
    v = Value(0.0)
    for _ in range(NODES - 1):
        v = v + 1.0
    return v


def network() -> Value:
    """Four layers of 288 numbers, each an inner product with weights of its own: for
    every weight a leaf, a product and a sum."""
    size, layers = 288, 4
    x = [Value(1.0) for _ in range(size)]
    for _ in range(layers):
        rows = [[Value(1.0 / size) for _ in x] for _ in x]
        x = [sum((w * v for w, v in zip(row, x)), Value(0.0)) for row in rows]
    return sum(x, Value(0.0))


GRAPHS = {"chain": chain, "network": network}


def measure(name: str) -> None:
    """In a process of its own: builds, walks and drops a graph; prints JSON."""
    import resource  # not on Windows

    start = time.perf_counter()
    root = GRAPHS[name]()
    built = time.perf_counter()
    root.backward()
    walked = time.perf_counter()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    nodes = sum(1 for _ in topological_order(root))
    before = time.perf_counter()
    del root
    dropped = time.perf_counter()
    times = [built - start, walked - built, dropped - before]
    print(json.dumps({"nodes": nodes, "times": times, "peak": peak}))


def million() -> None:
    """Prints what a graph of a million nodes takes: a deep one and a broad one."""
    for name in GRAPHS:
        command = [sys.executable, __file__, name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        build, walk, drop = found["times"]
        print(
            f"{name}, {found['nodes']:,} nodes: built in {build:.1f} s, walked in "
            f"{walk:.1f} s, dropped in {drop:.1f} s, {found['peak'] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        beside_micrograd()
        million()
