"""Nesting: a step that is computed inside the one that reads it.

    centered = x - mean                  z = (x - mean) * s
    z = centered * s

What is read once, number by number, needs no memory and no line of its own. The first
step becomes an operand of the second: a formula with several operations, for the
languages that compute number by number. In the same way a sum of products becomes an
inner product. And a product of matrices takes in the bias that is added to it, in C
where it is computed by tiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..arrays.shapes import Shape, reshaped_strides
from .anatomy import Buffer, Map, Operand, Product, Reduce, Step, View
from .arranging import uses
from .fusing import meet
from .loops import strides_in

MOST = 16  # operations in a formula


@dataclass(eq=False)
class Formula(Map):
    """A Map in whose args other Maps may stand, in place of their results.

    Attributes:
        source: the step that it was.
    """

    source: Step | None = None

    def reads(self) -> Iterator[View]:
        for v in self.args:
            if isinstance(v, Map):
                yield from v.reads()
            elif isinstance(v, View):
                yield v

    @property
    def count(self) -> int:
        """Of its operations."""
        return 1 + sum(v.count for v in self.args if isinstance(v, Formula))


@dataclass(eq=False)
class Inner(Reduce):
    """out = Σ x y along axes: rows times rows, number by number.

    Attributes:
        source: the steps that it was.
    """

    y: View
    source: tuple[Step | None, Step]

    def operands(self) -> tuple[Operand, ...]:
        return self.x, self.y

    def rewritten(self, change: Callable[[View], View]) -> None:
        super().rewritten(change)
        self.y = change(self.y)


@dataclass(eq=False)
class Linear(Product):
    """out = x y + bias: a row, side by side in memory, is added to each row of a
    product.

    Attributes:
        source: the steps that it was.
    """

    bias: View
    source: tuple[Step, Step]

    def operands(self) -> tuple[Operand, ...]:
        return self.x, self.y, self.bias

    def rewritten(self, change: Callable[[View], View]) -> None:
        super().rewritten(change)
        self.bias = change(self.bias)


def sources(step: Step) -> Iterator[Step]:
    """The steps that a step is made of, itself the last."""
    if isinstance(step, Formula):
        for v in step.args:
            if isinstance(v, Formula):
                yield from sources(v)
        yield step.source or step
    elif isinstance(step, (Inner, Linear)):
        yield from filter(None, step.source)
    else:
        yield step


def told(step: Step, beside: Mapping[Step, str]) -> list[Step]:
    """The steps that a step is made of, of which something is said: of a product with
    its bias only the sum, unless that speaks of the product by a name.

    Args:
        beside: step → its formula.
    """
    steps = [*sources(step)]
    if isinstance(step, Linear) and (formula := beside.get(steps[-1])):
        name = steps[0].out.buffer.name
        return steps if re.search(rf"\b{name}\b", formula) else steps[-1:]
    return steps


def nested(steps: Sequence[Step], results: Iterable[View]) -> list[Step]:
    """The steps, each that can be inside of the one that reads it.

    Args:
        results: what must be kept.
    """
    results = [*results]
    steps = biased(steps, results)
    once = read_once(steps, results)
    inside: dict[Buffer, tuple[int, Formula]] = {}
    found: list[Step | None] = []
    for at, step in enumerate(steps):
        if isinstance(step, Reduce) and step.x.buffer in inside:
            made, formula = inside[step.x.buffer]
            inner = inner_product(formula, step)
            if inner is not None and undisturbed(inner, step, steps[made + 1 : at]):
                step, found[made] = inner, None
        if not isinstance(step, Map) or step.out.buffer.role == "scalar":
            found.append(step)
            continue
        args: list[Operand] = []
        count = 1
        for v in step.args:
            args.append(v)
            if not isinstance(v, View) or v.buffer not in inside:
                continue
            made, formula = inside[v.buffer]
            part = moved(formula, v, step.out.shape)
            if part is None or count + part.count > MOST:
                continue
            if undisturbed(part, step, steps[made + 1 : at]):
                args[-1], found[made] = part, None
                count += part.count
        whole = Formula(step.out, step.function, tuple(args), step, origin=step.origin)
        found.append(whole)
        if step.out.buffer in once:
            inside[step.out.buffer] = at, whole
    return [step for step in found if step is not None]


def biased(
    steps: Sequence[Step],
    results: Iterable[View],
    taken: Callable[[Product], bool] = lambda product: True,
) -> list[Step]:
    """The steps, each product with the bias that is added to it.

    Args:
        taken: whether a product is computed in a way that takes in a bias.
    """
    once = read_once(steps, results)
    products: dict[Buffer, tuple[int, Product]] = {}
    found: list[Step | None] = []
    for at, step in enumerate(steps):
        if isinstance(step, Product) and step.out.buffer in once and taken(step):
            products[step.out.buffer] = at, step
        for z, bias in pairs_of(step):
            if z.buffer not in products:
                continue
            made, product = products[z.buffer]
            linear = with_bias(product, z, bias, step)
            if linear is not None and undisturbed(linear, step, steps[made + 1 : at]):
                step, found[made] = linear, None
                break
        found.append(step)
    return [step for step in found if step is not None]


def pairs_of(step: Step) -> list[tuple[View, View]]:
    """What a step adds, in both orders: two arrays."""
    if not isinstance(step, Map) or step.function != "add":
        return []
    x, y = step.args
    if not isinstance(x, View) or not isinstance(y, View):
        return []
    scalar = "scalar" in (x.buffer.role, y.buffer.role)
    return [] if scalar else [(x, y), (y, x)]


def read_once(steps: Sequence[Step], results: Iterable[View]) -> set[Buffer]:
    """The buffers that one step makes, whole, for one other that reads them once."""
    writes, _ = uses(steps)
    kept = {view.buffer.place[0] for view in results}
    readers: dict[Buffer, int] = {}
    for step in steps:
        for view in step.reads():
            home = view.buffer.place[0]
            readers[home] = readers.get(home, 0) + 1
    return {
        step.out.buffer
        for step in steps
        if step.out.buffer.role == "local"
        and len(writes.get(step.out.buffer, ())) == 1
        and readers.get(step.out.buffer) == 1
        and step.out.whole
        and step.out.buffer not in kept
    }


def moved(formula: Formula, v: View, shape: Shape) -> Formula | None:
    """A formula for a step of another shape, which reads its result by a view; None if
    the view has the numbers in another order, or repeats them."""
    if not v.whole or v.size != View(formula.out.buffer, shape).size:
        return None
    args: list[Operand] = []
    for arg in formula.args:
        if isinstance(arg, Formula):
            inner = moved(arg, View(arg.out.buffer, arg.out.shape), shape)
            if inner is None:
                return None
            args.append(inner)
        elif isinstance(arg, View) and arg.buffer.role != "scalar":
            strides = strides_in(arg, formula.out.shape)
            new = reshaped_strides(formula.out.shape, strides, shape)
            if new is None:
                return None
            args.append(View(arg.buffer, shape, new, arg.offset))
        else:
            args.append(arg)
    out = View(formula.out.buffer, shape)
    return Formula(
        out, formula.function, tuple(args), formula.source, origin=formula.origin
    )


def inner_product(formula: Formula, step: Reduce) -> Inner | None:
    """The sum of a product, as one step; None if it is another, or numbers repeat."""
    product = moved(formula, step.x, step.x.shape)
    if product is None or formula.function != "mul" or step.function != "sum":
        return None
    x, y = product.args
    if not isinstance(x, View) or not isinstance(y, View) or step.x.dtype == "bool":
        return None
    for view in (x, y):
        strides = strides_in(view, step.x.shape)
        if any(n > 1 and s == 0 for n, s in zip(step.x.shape, strides)):
            return None
    origin, source = step.origin, (formula.source, step)
    return Inner(step.out, "sum", x, step.axes, y, source, origin=origin)


def with_bias(product: Product, z: View, bias: View, step: Step) -> Linear | None:
    """A product and the row that a step adds to it, as one step; None if what is added
    is no row, or one for each of several matrices.

    Args:
        z: the product's result, as the step reads it.
    """
    out, width = step.out, product.out.shape[-1]
    if not (product.out.dtype == bias.dtype == out.dtype != "bool"):
        return None
    in_order = z.whole and out.whole and z.size == out.size
    if not in_order or out.shape[-1:] != (width,):
        return None
    if product.out.ndim > 2 or 0 in product.x.shape:
        return None
    *others, along = strides_in(bias, out.shape)
    repeated = not any(s for n, s in zip(out.shape, others) if n > 1)
    if not repeated or (width > 1 and along != 1):
        return None
    if meet(out, product.x) or meet(out, product.y):
        return None  # rows of them are needed when others are written already
    row = View(bias.buffer, (width,), (1,), bias.offset)
    whole = View(out.buffer, product.out.shape)
    made = product, step
    return Linear(whole, product.x, product.y, row, made, origin=step.origin)


def undisturbed(whole: Step, step: Step, between: Sequence[Step]) -> bool:
    """Whether a step with another inside reads, in the place of the later one, `step`,
    the same numbers as the other did in its own.

    Args:
        between: the steps between the two.
    """
    for read in whole.reads():
        if read.buffer.role == "scalar":
            continue
        if any(meet(other.out, read) for other in between):
            return False
        same = read.buffer.place[0] is step.out.buffer.place[0]
        if same and meet(step.out, read) and not alike(step.out, read):
            return False
    return True


def alike(a: View, b: View) -> bool:
    """Whether two views are the same numbers in the same order."""
    starts = [v.buffer.place[1] + v.offset for v in (a, b)]
    strides = [[s for n, s in zip(v.shape, v.strides) if n != 1] for v in (a, b)]
    return starts[0] == starts[1] and strides[0] == strides[1]
