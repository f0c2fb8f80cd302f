"""Why does backpropagation sort the graph first?

    python3 examples/lesson_topological_order.py

You see a graph of three numbers on which the obvious walk, "whoever receives a gradient
passes it on", gives 6 where 4 is right; why the topological order mends it; what the
other cure costs; and what goes wrong when backward is called twice.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
from examples.common import lesson, section, slope
from tinygrad_attn.scalar import Value, topological_order

Gradients = dict[Value, float]
Delivery = tuple[
    Value, Value, float, float
]  # from, to, how much, what that one has now

# === Three walks; grad starts as {root: 1.0} ==========================================


def hand_on_all(v: Value, grad: Gradients) -> Iterator[Delivery]:
    """Depth first. Whoever is reached hands on, at once, all that it has."""
    for x, local in zip(v._prev, v.derivatives):
        share = grad[v] * local
        grad[x] = grad.get(x, 0.0) + share
        yield v, x, share, grad[x]
        yield from hand_on_all(x, grad)


def hand_on_new(v: Value, grad: Gradients, new: float = 1.0) -> Iterator[Delivery]:
    """Depth first. Whoever is reached hands on, at once, only what has just come."""
    for x, local in zip(v._prev, v.derivatives):
        share = new * local
        grad[x] = grad.get(x, 0.0) + share
        yield v, x, share, grad[x]
        yield from hand_on_new(x, grad, share)


def in_order(root: Value, grad: Gradients) -> Iterator[Delivery]:
    """Each number once, after all that were made from it: it has everything by then."""
    for v in topological_order(root):
        for x, local in zip(v._prev, v.derivatives):
            share = grad[v] * local
            grad[x] = grad.get(x, 0.0) + share
            yield v, x, share, grad[x]


# === The lesson =======================================================================


def doublings(x: Value, n: int) -> Value:
    """x doubled n times, each time as z + z: 2ⁿ paths lead from the end to x."""
    for _ in range(n):
        x = x + x
    return x


def tell(root: Value, deliveries: Iterable[Delivery]) -> None:
    """A line for each delivery, those that are not from the root further in."""
    print(f"    {root.label} has 1")
    for v, x, share, total in deliveries:
        sent = f"{'' if v is root else '    '}{v.label} sends {share:g} to {x.label}"
        print(f"    {sent:22}{x.label} has {total:g}")


def teach() -> None:

    section("1. The graph")
    a = Value(3.0, label="a")
    b = a + a
    c = b + b
    b.label, c.label = "b", "c"
    print("b = a + a and c = b + b: each number is used twice.\n")
    print(f"        ┌── {b.derivatives[0]:g} ──┐        ┌── {c.derivatives[0]:g} ──┐")
    print("    a ──┤       ├──▶ b ──┤       ├──▶ c")
    print(f"        └── {b.derivatives[1]:g} ──┘        └── {c.derivatives[1]:g} ──┘")
    print(f"    {a.data:<17g}{b.data:<17g}{c.data:g}\n")
    print("On each edge stands its local derivative, ∂b/∂a or ∂c/∂b. We want ∂c/∂a.")
    print("A number sends gradient × local derivative back along each of its edges;")
    print("what arrives at a number is added up. c starts with ∂c/∂c = 1.")

    section("2. Depth first: whoever is reached hands on all that it has")
    tell(c, hand_on_all(c, grad := {c: 1.0}))
    print(f"\nIt says ∂c/∂a = {grad[a]:g}. The first 1 that came to b was handed on")
    print("twice: when it came, and once more as a part of the 2.")

    section("3. In topological order: after all that were made from it")
    tell(c, in_order(c, grad := {c: 1.0}))
    print(f"\nIt says ∂c/∂a = {grad[a]:g}. b waited for both, and handed on once.")

    section("4. Who is right?")
    print("Ask the numbers. Move a a little, and look at c:\n")
    for moved in (a.data - 0.001, a.data, a.data + 0.001):
        print(f"    a = {moved:.3f}    c = {doublings(Value(moved), 2).data:.3f}")
    measured = slope(lambda x: doublings(Value(x), 2).data, a.data)
    print(f"\nc moves {measured:.6f} times as far as a.")

    section("5. Could each hand on only what is new?")
    tell(c, hand_on_new(c, grad := {c: 1.0}))
    print(f"\nYes, {grad[a]:g} is right. But it goes along every path, and n doublings")
    print("have 2ⁿ paths. Deliveries, counted as they are made:\n")
    print("                in order            only what is new       all it has")
    print("     n      ∂z/∂a   deliveries     ∂z/∂a   deliveries          ∂z/∂a")
    for n in (1, 2, 3, 4, 8, 12):
        x = Value(1.0)
        z = doublings(x, n)
        few = len(list(in_order(z, right := {z: 1.0})))
        many = len(list(hand_on_new(z, also := {z: 1.0})))
        list(hand_on_all(z, wrong := {z: 1.0}))
        right_ones = f"{right[x]:11g}{few:13}{also[x]:10g}{many:13}"
        print(f"    {n:2}{right_ones}{wrong[x]:15.4g}")
    print("\nIn order it takes 2n. (For n = 1 the wrong walk is right: it errs where a")
    print("number that is used twice was itself made of others.)")

    section("6. The other trap: backward twice")
    x = Value(3.0)
    square = x * x
    cube = square * x
    print("square = x · x, cube = square · x, at x = 3: the slope of x³ is 3x² = 27.")
    print("Between two backwards x forgets its gradient, as parameters in training do.")
    print("The square keeps what it has, unless the walk sees to it:\n")
    print("                     in order, as above       Value.backward")
    print("    gradient of        square       x         square       x")
    grad = {}
    for time in ("first", "second"):
        x.grad = grad[x] = 0.0
        grad[cube] = 1.0
        list(in_order(cube, grad))
        cube.backward()
        ours = f"{square.grad:15g}{x.grad:8g}"
        print(f"    {time:15}{grad[square]:10g}{grad[x]:8g}{ours}")
    print("\nOn the left, the second walk added to what the square still had. So")
    print("Value.backward starts anew every number that was made of others. A Tensor")
    print("lets its graph go; to walk it twice, the first needs retain_graph=True.")


def main(argv: Sequence[str] | None = None) -> int:
    return lesson("Why topological order?", teach, argv, __file__)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
