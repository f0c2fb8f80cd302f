"""What is the gradient of a number that was broadcast?

    python3 examples/lesson_broadcast.py

You see a bias that is added to every row of a matrix: each of its numbers is used more
than once, so its gradient is a sum of shares. The same for a column and for a single
number; the mirror image, a sum, whose gradient is a broadcast; why a gradient always
has the shape of its tensor; and the proof, with single numbers.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
from examples.common import lesson, section, slope
from tinygrad_attn import Tensor, Value, grad, zeros
from tinygrad_attn.arrays.backends import namespace_of
from tinygrad_attn.autograd.walk import unbroadcast
from tinygrad_attn.scalar import topological_order

Function = Callable[[Tensor, Tensor], Tensor]

X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
K = [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]  # L = Σ z · k, so that ∂L/∂z is k
BIAS, COLUMN = [0.1, 0.2, 0.3], [[0.1], [0.2]]

# === What is taught ===================================================================


class Traced(NamedTuple):
    """What happens to a small tensor b in z = f(x, b), L = Σ z · k."""

    b: Tensor
    z: Tensor
    share: Tensor  # what the rule that made z offers b, in the shape of z
    summed: Tensor  # what `unbroadcast` makes of it
    grad: Tensor  # what backward() leaves in b.grad


def trace(f: Function, numbers: Any) -> Traced:
    """The steps of backward() that concern b, one at a time; and backward() itself."""
    b = Tensor(numbers, requires_grad=True)
    z = f(Tensor(X), b)
    loss = (z * Tensor(K)).sum()
    g, rule, xp = Tensor(K).array, cast(Any, z._op), namespace_of([z.array])
    _, share = rule.vjp(xp, g, z.array, z._arrays, z._needs, None)
    summed = unbroadcast(xp, share, b.shape, rule)
    loss.backward()
    return Traced(b, z.detach(), Tensor(share), Tensor(summed), cast(Tensor, b.grad))


def measured(f: Function, b: Tensor) -> Tensor:
    """∂L/∂b by finite differences: move one number of b, look at L."""

    def loss(i: int, h: float) -> float:
        moved = Tensor([h if j == i else 0.0 for j in range(b.size)])
        z = f(Tensor(X), b.detach() + moved.reshape(b.shape))
        return (z * Tensor(K)).sum().item()  # type: ignore[no-any-return]

    slopes = [slope(partial(loss, i), 0.0) for i in range(b.size)]
    return Tensor(slopes).reshape(b.shape)


def single_numbers() -> list[tuple[Value, int]]:
    """x + b and L once more, number by number: those of b, and how often each was
    used."""
    b = [Value(number) for number in BIAS]
    loss = Value(0.0)
    for x_row, k_row in zip(X, K):
        for x, bias, k in zip(x_row, b, k_row):
            loss = loss + (bias + x) * k
    loss.backward()
    operands = [x for v in topological_order(loss) for x in v._prev]
    return [(bias, operands.count(bias)) for bias in b]


# === How it is printed ================================================================


def beside(*blocks: tuple[str, Tensor]) -> None:
    """Tensors side by side, each under its name and its shape."""
    columns = []
    for name, t in blocks:
        rows = t.reshape(-1, t.shape[-1] if t.shape else 1).tolist()
        lines = ["".join(f"{v:6g}" for v in row) for row in rows]
        columns.append([name, str(t.shape), *lines])
    height = max(map(len, columns))
    for at in range(height):
        cells = [column[at] if at < len(column) else "" for column in columns]
        print("    " + "  ".join(f"{cell:22}" for cell in cells).rstrip())


def show(t: Traced, f: Function) -> None:
    """A small tensor from z back to its gradient."""
    beside(("x", Tensor(X)), ("b", t.b), ("z", t.z))
    print()
    beside(("g = ∂L/∂z", Tensor(K)), ("b's shares", t.share))
    print()
    moved = measured(f, t.b)
    beside(("unbroadcast", t.summed), ("b.grad", t.grad), ("measured", moved))


def teach() -> None:
    section("1. A bias is added to every row")
    t = trace(operator.add, BIAS)
    copies = t.b.detach() + zeros(2, 3)
    beside(("x", Tensor(X)), ("b (3,), stretched", copies), ("z = x + b", t.z))
    print("\nb has 3 numbers, and z needs 6. So each number of b is used twice, once")
    print("in each row.")

    section("2. Its gradient: shares, then their sum")
    print("Let L be the sum of z · k, for some k. Then g = ∂L/∂z is k. The rule of +")
    print("hands g on as it is: a share for each use of a number of b, six in all.\n")
    beside(("g = ∂L/∂z", Tensor(K)), ("b's shares", t.share), ("unbroadcast", t.summed))
    print("\nWhat is used twice moves L along two paths, and the chain rule adds them.")
    print("`unbroadcast` does it: it sums over the axis that b was stretched along.\n")
    for j, (first, second) in enumerate(zip(*t.share.tolist())):
        print(f"    ∂L/∂b{j} = {first:g} + {second:g} = {t.summed[j].item():g}")

    section("3. Is it true?")
    print("Ask single numbers, which have no shapes: x + b written out as six sums.")
    print("And ask L itself: move each number of b a little, and look.\n")
    print("          uses    single numbers    measured    b.grad")
    numbers = single_numbers(), measured(operator.add, t.b).tolist(), t.grad.tolist()
    for j, ((single, uses), moved, ours) in enumerate(zip(*numbers)):
        print(f"    b{j}{uses:8}{single.grad:18g}{moved:12.6f}{ours:10g}")

    section("4. A column: stretched along the other axis")
    show(trace(operator.add, COLUMN), operator.add)

    section("5. A single number times a matrix: stretched along both")
    show(trace(operator.mul, 0.5), operator.mul)
    print("\nThe rule of a product offers x · g. What follows is the same.")

    section("6. The mirror: a sum's gradient is a broadcast")
    x, k = Tensor(X, requires_grad=True), Tensor(K[0])
    z = x.sum(axis=0)
    (gradient,) = grad((z * k).sum(), x)
    beside(("x", x), ("z = x.sum(axis=0)", z))
    print()
    beside(("∂L/∂x", gradient), ("g = ∂L/∂z", k))
    print("\nEach x is in one sum, with derivative 1, and so gets that sum's whole g.")
    print("Sum forward, stretch backward; above: stretch forward, sum backward.")

    section("7. Why grad.shape == data.shape, always")
    print("A number has one gradient: how L moves when that number does. And a step of")
    print("training must leave b what it is, one bias for all rows, however many:\n")
    good, bad = (t.b.detach() - 0.1 * step for step in (t.grad, t.share))
    print(f"    b - 0.1 · b.grad    has the shape {good.shape}")
    print(f"    b - 0.1 · shares    has the shape {bad.shape}: a bias for each row")


def main(argv: Sequence[str] | None = None) -> int:
    return lesson("The gradient of a broadcast", teach, argv, __file__)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
