"""The steps of a program in plain Python, one after the other."""

from __future__ import annotations

from math import prod
from typing import Any

from ..anatomy import Check, Gather, Map, Product, Reduce, Scatter, Step, View
from ..loops import merged
from ..nesting import Inner, Linear
from .python_layout import WIDTH, Listing
from .python_lists import zero
from .python_maps import Maps
from .python_matrices import Vectors, as_list, side_by_side


class Steps(Maps):
    """Writes steps as lines.

    Attributes:
        products: (kind, length of a row) → the function that multiplies.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.products: dict[tuple[str, int], str] = {}

    def write(self, step: Step) -> None:
        """The lines of a step."""
        if isinstance(step, Check):
            self.check(step)
        elif step.out.size == 0:
            return
        elif step.out.buffer.role == "scalar":
            assert isinstance(step, Map)
            name = step.out.buffer.name
            self.assign(name, self.formula(step, {}), self.comment(step))
        elif isinstance(step, Map):
            self.map(step)
        elif isinstance(step, Reduce):
            self.reduce(step)
        elif isinstance(step, Product):
            self.product(step)
        elif isinstance(step, Gather):
            self.gather(step)
        else:
            assert isinstance(step, Scatter)
            self.scatter(step)

    def reduce(self, step: Reduce) -> None:
        """Rows that become numbers."""
        x, out = step.x, step.out
        kept = [a for a in range(x.ndim) if a not in step.axes]
        length = prod(x.shape[a] for a in step.axes)
        call = {"max": "largest", "argmax": "largest_at"}.get(step.function, "sum")
        if call == "largest" and not x.dtype.startswith("float"):
            call = "max"
        if call.startswith("largest"):
            self.words.used.add(call)
        if length == 0:
            self.zeros(step)
        elif out.size == 1:
            text = self.reduced_to_one(step, call, (*kept, *step.axes))
            number = out.buffer.place[0] in self.lists.numbers
            self.store(step, text if number else f"[{text}]", True)
        elif isinstance(step, Inner):
            both = [self.reduced(v, kept, step.axes) for v in (x, step.y)]
            self.store(step, f"{self.times('inner', length)}({', '.join(both)})")
        elif call == "largest":
            self.store(step, f"largest({as_list(self.reduced(x, kept, step.axes))})")
        else:
            self.store(step, f"[*map({call}, {self.reduced(x, kept, step.axes)})]")

    def reduced_to_one(self, step: Reduce, call: str, order: Any) -> str:
        """All numbers of a view become one."""
        x = self.numbers(step.x, order)
        if isinstance(step, Inner):
            return f"sum(map(times, {x}, {self.numbers(step.y, order)}))"
        return f"largest([{x}])[0]" if call == "largest" else f"{call}({x})"

    def zeros(self, step: Step) -> None:
        """Sums of nothing."""
        text, size = zero(step.out.buffer), step.out.size
        number = step.out.buffer.place[0] in self.lists.numbers
        self.store(step, text if number else f"[{text}] * {size}", True)

    def numbers(self, x: View, order: Any) -> str:
        """The numbers of a view, its axes in another order."""
        shape = tuple(x.shape[a] for a in order)
        return self.lists.flat(x, shape, tuple(x.strides[a] for a in order))

    def reduced(self, x: View, kept: Any, axes: Any) -> str:
        """A row for each number that is reduced to one."""
        home, start = x.buffer.place
        at, order = start + x.offset, (*kept, *axes)
        shape = tuple(x.shape[a] for a in order)
        strides = tuple(x.strides[a] for a in order)
        over = merged(shape[: len(kept)], [strides[: len(kept)]])
        along = merged(shape[len(kept) :], [strides[len(kept) :]])
        if over.strides == ((1,),) and along.strides == (over.sizes,):
            (n,), (k,) = over.sizes, along.sizes
            return self.matrices.made(Vectors(home, at, n, k, 1, n))
        length = prod(shape[len(kept) :])
        return self.matrices.cut(home, at, shape, strides, length)

    def times(self, kind: str, k: int) -> str:
        """The name of the function that multiplies rows of k numbers."""
        if (kind, k) not in self.products:
            self.products[kind, k] = self.namer.free(f"{kind}_{k}")
        return self.products[kind, k]

    def product(self, step: Product) -> None:
        """Each row of x times each column of y."""
        x, y, batch = step.x, step.y, step.out.shape[:-2]
        k = x.shape[-1]
        if k == 0:
            self.zeros(step)
            return
        kind = "products" if prod(batch) > 1 else "product"
        rows = self.matrices.vectors(x, batch, columns=False)
        columns = as_list(self.matrices.vectors(y, batch, columns=True))
        given = f"{rows}, {columns}"
        if isinstance(step, Linear):
            kind, given = "linear", f"{given}, {self.numbers(step.bias, (0,))}"
        text = f"{self.times(kind, k)}({given})"
        if step.out.dtype == "bool":
            text = f"[*map(bool, {text})]"
        self.store(step, text)

    def gather(self, step: Gather) -> None:
        """Rows that indices pick."""
        x = step.x
        run = prod(x.shape[1:])
        name, at, stride = self.whole_rows(x)
        indices = self.listed(step.indices)
        i = next(self.letters([name, indices], "ijk"))
        v = next(self.letters([name, indices, i]))
        each = f"for {i} in {indices}"
        place = f"{i} * {stride}" if stride != 1 else i
        place = f"{at} + {place}" if at else place
        if run == 1:
            self.store(step, Listing([f"{name}[{place}]", each]))
            return
        part = f"{name}[{place} : {place} + {run}]"
        self.store(step, Listing([v, each, f"for {v} in {part}"]))

    def whole_rows(self, x: View) -> tuple[str, int, int]:
        """A list in which each row of x lies side by side: its name, where the first
        begins, and how far it is to the next."""
        home, start = x.buffer.place
        at, run = start + x.offset, prod(x.shape[1:])
        together = side_by_side(x.shape[1:], x.strides[1:]) and x.strides[0] >= 0
        if together and home not in self.lists.numbers:
            stop = at + (x.shape[0] - 1) * x.strides[0] + run
            return *self.lists.base(home, at, stop), x.strides[0]
        name = self.matrices.named(
            ("list", self.lists.version(home), x.key),
            lambda: self.listed(x),
            f"{x.buffer.name}_list",
            always=True,
        )
        return name, 0, run

    def scatter(self, step: Scatter) -> None:
        """Rows that are added where indices say."""
        x, out = step.x, step.out
        if x.size == 0:
            self.zeros(step)
            return
        name = "add_rows" if step.adds else "put_rows"
        self.words.used.add(name)
        run = prod(out.shape[1:])
        home, start = x.buffer.place
        rows = self.matrices.cut(home, start + x.offset, x.shape, x.strides, run)
        indices = self.listed(step.indices)
        given = f"{rows}, {indices}, {out.shape[0]}, {run}, {zero(out.buffer)}"
        self.store(step, f"{name}({given})")

    def check(self, step: Check) -> None:
        """A call that refuses numbers."""
        name = f"check_{step.question}"
        self.words.used.add(name)
        given = self.listed(step.out)
        if step.question == "range":
            given += f", {step.count}, {step.but}"
        pad, says = self.indent, repr(step.sentence)
        line = f"{pad}{name}({given}, {says})"
        several = [
            f"{pad}{name}(",
            f"{pad}    {given},",
            f"{pad}    {says},",
            f"{pad})",
        ]
        self.lines += [line] if len(line) <= WIDTH else several
