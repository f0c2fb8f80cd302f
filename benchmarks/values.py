"""Single numbers, timed beside two other classes of them, and a million nodes.

    python3 benchmarks/values.py          # all of it, in some ten seconds

A training step is that of micrograd's own demonstration: layers of 16, 16 and 1
neurons, a hinge loss over 20 points, and a penalty on the weights. All run the very
same program, in turns, so that what disturbs one disturbs the others: micrograd's
class, which has a function for each node, and `Tuples`, made as that of the published
scalar GPT is. A graph of a million Values is measured in a process of its own, which
has nothing else in it.
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

import examples.interpreter  # first: it refuses an old Python
from examples import terminal
from examples.options import Parser
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


class Tuples:
    """A number with a tuple of operands and one of local derivatives; constants are
    nodes, and `backward` sorts by recursion."""

    __slots__ = ("data", "grad", "local", "made_of")

    def __init__(
        self, data: float, made_of: tuple[Any, ...] = (), local: tuple[Any, ...] = ()
    ) -> None:
        self.data, self.grad = data, 0.0
        self.made_of, self.local = made_of, local

    def __add__(self, y: Any) -> Tuples:
        y = y if isinstance(y, Tuples) else Tuples(y)
        return Tuples(self.data + y.data, (self, y), (1, 1))

    def __mul__(self, y: Any) -> Tuples:
        y = y if isinstance(y, Tuples) else Tuples(y)
        return Tuples(self.data * y.data, (self, y), (y.data, self.data))

    __radd__, __rmul__ = __add__, __mul__

    def relu(self) -> Tuples:
        return Tuples(max(0.0, self.data), (self,), (float(self.data > 0),))

    def backward(self) -> None:
        order: list[Tuples] = []
        seen = set()

        def sort(v: Tuples) -> None:
            if v not in seen:
                seen.add(v)
                for x in v.made_of:
                    sort(x)
                order.append(v)

        sort(self)
        self.grad = 1.0
        for v in reversed(order):
            for x, local in zip(v.made_of, v.local):
                x.grad += local * v.grad


def beside_others() -> None:
    """Prints the medians of a step on each class, and of their ratios."""
    classes: dict[str, Any] = {"tinygrad_attn": Value, "tuples": Tuples}
    if find_spec("micrograd"):
        classes["micrograd"] = import_module("micrograd.engine").Value
    else:
        terminal.tell(f"micrograd is not installed: {how_to_install('micrograd')}")
    steps = {name: trainer(made) for name, made in classes.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(ROUNDS):
        for name in list(steps)[:: 1 if i % 2 else -1]:
            times[name].append(seconds(steps[name]))
    losses = [step() for step in steps.values()]
    if max(losses) - min(losses) > 1e-9:
        raise RuntimeError("they have not learned the same")
    print("one training step of a 2-16-16-1 network on 20 points")
    for name, taken in times.items():
        ratio = median(b / a for a, b in zip(times["tinygrad_attn"], taken))
        print(f"  {name:13} {median(taken) * 1e3:8.1f} ms, {ratio:.2f} times as long")


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
        terminal.tell(
            f"{name}, {found['nodes']:,} nodes: built in {build:.1f} s, walked in "
            f"{walk:.1f} s, dropped in {drop:.1f} s, {found['peak'] / 1e6:.0f} MB"
        )


def main() -> int:
    parser = Parser(description="Times graphs of single numbers.")
    parser.add_argument("graph", nargs="?", choices=[*GRAPHS], help="only builds it")
    options = parser.parse_args()
    if options.graph:
        measure(options.graph)
    else:
        beside_others()
        million()
    return 0


if __name__ == "__main__":
    examples.interpreter.begin(set())
    sys.exit(terminal.run("values", main))
