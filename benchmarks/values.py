"""Single numbers, timed beside micrograd's: a training step, and a million nodes.

    python3 benchmarks/values.py          # all of it, in about a minute

A training step is that of micrograd's own demonstration: layers of 16, 16 and 1
neurons, a hinge loss over 20 points, and a penalty on the weights. Both run the very
same program, in turns, so that what disturbs one disturbs the other. A graph of a
million Values is measured in a process of its own, which has nothing else in it.
"""

from __future__ import annotations

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
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def beside_micrograd() -> None:
    """Prints the medians of a step on either Value, and of their ratio."""
    peer = find_spec("micrograd")
    theirs = trainer(import_module("micrograd.engine").Value) if peer else None
    ours = trainer(Value)
    times: list[tuple[float, float]] = []
    for i in range(ROUNDS):
        if theirs is None:
            times.append((seconds(ours), 0.0))
        elif i % 2:
            a, b = seconds(ours), seconds(theirs)
            times.append((a, b))
        else:
            b, a = seconds(theirs), seconds(ours)
            times.append((a, b))
    print(f"{'tinygrad_attn':<34}{median(a for a, _ in times) * 1e3:>10.1f} ms")
    if theirs is None:
        print("micrograd                         not installed: pip install micrograd")
        return
    assert abs(ours() - theirs()) < 1e-9, "the two did not learn the same"
    print(f"{'micrograd':<34}{median(b for _, b in times) * 1e3:>10.1f} ms")
    print(f"{'micrograd / tinygrad_attn':<34}{median(b / a for a, b in times):>10.2f}")


# --- a million nodes ------------------------------------------------------------------


def chain() -> Value:
    """v = v + 1, again and again: as deep as it is large."""
    v = Value(0.0)
    for _ in range(NODES - 1):
        v = v + 1.0
    return v


def network() -> Value:
    """Layers of 500 numbers, each an inner product with all of the layer before."""
    x = [Value(1.0) for _ in range(500)]
    weights = [Value(0.002) for _ in range(500)]
    for _ in range((NODES - 1000) // (500 * 1001)):
        x = [sum((a * w for a, w in zip(x, weights)), Value(0.0)) for _ in x]
    return sum(x, Value(0.0))


GRAPHS = {"chain": chain, "network": network}


def measure(name: str) -> None:
    """In a process of its own: builds, walks and drops a graph; prints JSON."""
    resource = import_module("resource")  # not on Windows

    start = time.perf_counter()
    root = GRAPHS[name]()
    built = time.perf_counter()
    root.backward()
    walked = time.perf_counter()
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    before = time.perf_counter()
    del root
    dropped = time.perf_counter()
    times = [built - start, walked - built, dropped - before]
    print(json.dumps({"times": times, "peak": peak}))


def million() -> None:
    for name in GRAPHS:
        command = [sys.executable, __file__, name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        build, walk, drop = found["times"]
        print(
            f"{name:<10} built {build:.1f} s, walked {walk:.1f} s, dropped {drop:.1f} s"
            f", {found['peak'] / 1e6:.0f} MB at the peak"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1])
    else:
        beside_micrograd()
        million()
