"""One neuron, step by step: forward, backward, a check, and a step downhill.

    python3 examples/lesson_one_neuron.py

You see every number of a neuron and of its error, every gradient as a product upstream
× local, each gradient measured as well, and the loss falling when the weights move
against theirs. Everything is read from the graph that `Value` recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
from examples.common import lesson, section, slope
from tinygrad_attn.scalar import Value, topological_order

Numbers = dict[str, float]

START: Numbers = {"x1": 2.0, "x2": -1.0, "w1": 0.6, "w2": 0.9, "b": -0.2, "y": 0.8}
PARAMETERS = ("w1", "w2", "b")  # what is learned; x1 and x2 are given, y is wanted
RATE = 0.1  # how far a step goes


def neuron(numbers: Numbers, moved: str = "", by: float = 0.0) -> dict[str, Value]:
    """Every number of the calculation, by name; the one named `moved` is off by `by`,
    and those after it follow."""
    v: dict[str, Value] = {}

    def let(name: str, value: Value) -> None:
        v[name] = value + by if name == moved else value
        v[name].label = name

    for name, number in numbers.items():
        let(name, Value(number))
    let("p1", v["w1"] * v["x1"])
    let("p2", v["w2"] * v["x2"])
    let("p", v["p1"] + v["p2"])
    let("s", v["p"] + v["b"])
    let("z", v["s"].tanh())
    let("e", v["z"] - v["y"])
    let("loss", v["e"] * v["e"])
    return v


def measured(numbers: Numbers, name: str) -> float:
    """∂loss/∂name, found by moving that number and looking at the loss."""
    return slope(lambda h: neuron(numbers, name, h)["loss"].data, 0.0)


def step(numbers: Numbers, v: dict[str, Value]) -> Numbers:
    """The numbers after each parameter has moved against its gradient."""
    return numbers | {name: v[name].data - RATE * v[name].grad for name in PARAMETERS}


# === What is printed ==================================================================


def formula(v: Value, names: list[str]) -> str:
    """How v was made, with its operands called by the names."""
    sign = {"*": "·"}.get(v._op, v._op)
    return f" {sign} ".join(names) if len(names) == 2 else f"{sign}({names[0]})"


def forward(v: dict[str, Value]) -> None:
    """Each number that was made of others: from which, and how much it is."""
    for name, made in v.items():
        if made._prev:
            names = formula(made, [x.label for x in made._prev])
            data = formula(made, [f"{x.data:.4f}" for x in made._prev])
            print(f"    {name:4} = {names:8} = {data:17} = {made.data:7.4f}")


def backward(loss: Value) -> None:
    """Each number in topological order: what it hands on to those it was made of."""
    print("    from    to    upstream ×  local   =  share      it has")
    grad = {loss: 1.0}
    for v in topological_order(loss):
        for x, local in zip(v._prev, v.derivatives):
            share = grad[v] * local
            grad[x] = grad.get(x, 0.0) + share
            product = f"{grad[v]:8.4f} × {local:7.4f} = {share:7.4f}"
            print(f"    {v.label:7} {x.label:5} {product}     {grad[x]:7.4f}")


def teach() -> None:

    section("1. What is given")
    print("The neuron is z = tanh(w1·x1 + w2·x2 + b). It sees x1 and x2, and should")
    print("answer y. The weights w1, w2 and the bias b are what it can change.\n")
    print("    " + "   ".join(f"{name} = {number:g}" for name, number in START.items()))

    section("2. Forward: one operation at a time")
    v = neuron(START)
    forward(v)
    print(f"\nIt answers {v['z'].data:.4f} where {v['y'].data:g} is wanted. e says how")
    print("far off that is, and the loss, e², is what shall become small.")

    section("3. Backward: share = upstream × local")
    print("upstream is the gradient of a number, ∂loss/∂it; the loss itself has 1.")
    print("local is ∂it/∂operand, noted when the operation was done: for a sum 1, for")
    print("a product the other factor, for tanh 1 - z². What arrives is added up.\n")
    backward(v["loss"])
    print("\ne was used twice (loss = e · e): it got two shares, and waited for both.")

    section("4. Is it true? Move each number a little, and look at the loss")
    v["loss"].backward()
    print("    number       backward           measured")
    for name in v:
        print(f"    {name:4} {v[name].grad:18.10f} {measured(START, name):18.10f}")

    section("5. One step downhill")
    print("A gradient points to where the loss grows. So each parameter moves against")
    print(f"its own: new = old - {RATE} · gradient.\n")
    after = step(START, v)
    for name in PARAMETERS:
        work = f"{START[name]:7.4f} - {RATE} · {v[name].grad:7.4f}"
        print(f"    {name:2} = {work} = {after[name]:7.4f}")
    new = neuron(after)["loss"].data
    print(f"\nThe loss was {v['loss'].data:.4f} and is {new:.4f}.")

    section("6. And again: forward, backward, step")
    print("    step      w1        w2        b         z         loss")
    numbers = START
    for count in range(9):
        v = neuron(numbers)
        shown = (*PARAMETERS, "z", "loss")
        print(f"    {count:4}" + "".join(f"{v[name].data:10.4f}" for name in shown))
        v["loss"].backward()
        numbers = step(numbers, v)
    print(f"\nz has come close to y = {START['y']:g}. A network is many of these, and")
    print("training it is this loop.")


def main(argv: Sequence[str] | None = None) -> int:
    return lesson("One neuron, step by step", teach, argv, __file__)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
