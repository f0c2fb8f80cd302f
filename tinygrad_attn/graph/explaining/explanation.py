"""The result of `explain`: an object, and a text for a terminal.

Like `Graph` it is plain data: numbers, names and texts, no Tensor. The text stays short
for a graph of any size: of many uses and products it shows the largest, and counts the
rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isnan
from pathlib import Path
from typing import Any

from ...printing import LIMIT, as_texts, printable, render, style
from ..data import Numbers, flat, to_lists

USES = 5  # the uses that are printed,
PRODUCTS = 8  # the products of one use,
LINES = 8  # the lines of one array,
WIDTH = 80  # and the columns
PACKAGES = ("tinygrad_attn", "nn")  # paths of their files are printed from here on


@dataclass(eq=False)
class Product:
    """upstream × local = contribution, for one number z[index] computed from x."""

    index: tuple[int, ...]
    upstream: float
    local: float
    contribution: float


@dataclass(eq=False)
class Use:
    """One edge from x to a result that was computed from it.

    Attributes:
        name, op: the result, and the operation that made it.
        position: which input of the operation x is, from 0; x * x has 0 and 1.
        inputs: how many tensors the operation took.
        letter: what the formula calls x; "" if it has one name for several inputs.
        formula, rule: the operation's formula, and the gradients of its inputs.
        shape: of the result.
        source: the file, line and text of the operation, inside `record()`, else "".
        products: for one number of x, the products whose sum is the contribution;
            those with a local derivative of 0 are left out.
    """

    name: str
    op: str
    position: int
    inputs: int
    letter: str
    formula: str
    rule: str
    shape: tuple[int, ...]
    source: str
    products: list[Product] = field(repr=False)
    upstream_array: Any = field(repr=False)
    contribution_array: Any = field(repr=False)

    @property
    def upstream(self) -> Numbers:
        """∂L/∂result, as nested lists in its shape."""
        return to_lists(self.upstream_array)

    @property
    def contribution(self) -> Numbers:
        """The part of ∂L/∂x that flows back along this edge: a number for one number
        of x, else nested lists in x's shape."""
        return to_lists(self.contribution_array)


@dataclass(eq=False)
class Explanation:
    """Where a gradient came from; print it to read it. It holds numbers and texts only,
    and may outlive the graph.

    Attributes:
        name: the explained tensor or number, such as "W_Q[0, 1]".
        root: the name of L.
        value: the number, or the numbers as nested lists.
        gradient: ∂root/∂value, in the same form; None if no gradient flows to it.
        source: the line that computed it, inside `record()`, else "".
        uses: every edge that contributes; their contributions add up to the gradient.
        finite_differences: (index, gradient, finite difference) of the explained
            number, or of a tensor's largest gradients.
        note: why there is no gradient, or why the finite difference differs; or "".
    """

    name: str
    root: str
    value: Numbers
    gradient: Numbers
    source: str
    uses: list[Use]
    finite_differences: list[tuple[tuple[int, ...], float, float]]
    note: str = ""

    @property
    def finite_difference(self) -> float | None:
        """The finite difference of the explained number, or of the number with the
        largest gradient; None if there is no gradient."""
        return self.finite_differences[0][2] if self.finite_differences else None

    def to_dict(self) -> dict[str, Any]:
        """The explanation as dicts, lists, numbers and strings."""
        found = dict(vars(self))
        found["finite_differences"] = [
            [list(index), g, difference]
            for index, g, difference in self.finite_differences
        ]
        found["uses"] = [
            {k: v for k, v in vars(use).items() if not k.endswith("_array")}
            | {"shape": list(use.shape)}
            | {"upstream": use.upstream, "contribution": use.contribution}
            | {"products": [vars(p) | {"index": list(p.index)} for p in use.products]}
            for use in self.uses
        ]
        return found

    def __repr__(self) -> str:
        return printable("\n".join(lines_of(self)))


# --- as text --------------------------------------------------------------------------


def lines_of(found: Explanation) -> Iterator[str]:
    """An explanation, line by line; a few lines for a graph of any size."""
    name, whole = shorten(found.name, 44, at_end=False), isinstance(found.value, list)
    head = f"∂{shorten(found.root, 20)}/∂{name}"
    if found.gradient is None or whole:
        yield head
    else:
        yield f"{head} = {found.gradient:+.10g}"
    yield show("  value ", found.value)
    if found.source:
        yield shorten(f"  made at {short(found.source)}")
    if found.gradient is None:
        yield from wrap(found.note)
        return
    ranked = sorted(found.uses, key=_by_contribution) if found.uses[USES:] else None
    picked = (ranked or found.uses)[:USES]
    few = len(picked) <= 2
    for use in picked:
        yield ""
        yield shorten(title(use))
        if use.source:
            yield shorten(f"  at {short(use.source)}")
        if whole:
            if use.rule:
                yield shorten(f"  rule: {use.rule}")
            yield show("  upstream     ", use.upstream, LINES if few else 3)
            yield show("  contribution ", use.contribution, LINES if few else 3)
        else:
            yield from table(use, PRODUCTS if few else PRODUCTS // 2)
    if ranked:
        yield ""
        rest = f"... and {plural(len(ranked) - USES, 'more use')}"
        if not whole:
            rest += f": {sum(use.contribution for use in ranked[USES:]):+.5g} together"
        yield rest
    yield ""
    if found.uses:
        total = f"sum of {plural(len(found.uses), 'use')}"
        if whole:
            yield show(f"{total} = ", found.gradient)
        else:
            yield f"{total:<17}  = {found.gradient:+.10g}"
    if not whole:
        yield f"finite difference  ≈ {found.finite_difference:+.10g}"
    elif found.finite_differences:
        labels = [str(list(index)) for index, _, _ in found.finite_differences]
        width = max(17, *map(len, labels))
        yield (
            f"{'where it is largest':<{width + 2}} {'gradient':>18}  "
            f"{'finite difference':>18}"
        )
        for label, (_, g, difference) in zip(labels, found.finite_differences):
            yield f"  {label:<{width}} {g:>+18.10g}  {difference:>+18.10g}"
    yield from wrap(found.note)


def title(use: Use) -> str:
    """through h (2, 2), as y in matmul: z = x y"""
    x = f"as {use.letter}" if use.letter else f"as input {use.position}, from 0,"
    which = f"{x} in {use.op}" if use.inputs > 1 else use.op
    if use.inputs == 1 and use.name == use.op:
        which = ""
    shape = f" {use.shape}" if use.shape else ""
    made = ", ".join(p for p in (f"through {shorten(use.name, 36)}{shape}", which) if p)
    return f"{made}: {use.formula}" if use.formula else made


def table(use: Use, most: int) -> Iterator[str]:
    """The products of a use in columns, the largest first."""
    ranked = sorted((p for p in use.products if p.contribution), key=_by_size)
    labels = [
        shorten(f"{use.name}{list(p.index) or ''}", 30, at_end=False)
        for p in ranked[:most]
    ]
    width = max(map(len, labels), default=0)
    if ranked:
        yield f"  {'':<{width}} {'upstream':>12}  × {'local':>12}  =  contribution"
    for label, p in zip(labels, ranked):
        yield (
            f"  {label:<{width}} {p.upstream:>+12.5g}  × {p.local:>+12.5g}  =  "
            f"{p.contribution:>+12.5g}"
        )
    rest = ranked[most:]
    zeros = len(use.products) - len(ranked)
    wide = width + 31  # up to the "="
    if rest:
        smaller = sum(p.contribution for p in rest)
        text = f"and {plural(len(rest), 'smaller product')}"
        yield f"  {text:<{wide}}=  {smaller:>+12.5g}"
    if zeros:
        yield f"  {'and ' if ranked else ''}{plural(zeros, 'product')} of 0"
    if not use.products:
        yield "  every local derivative is 0"
    if len(ranked) > 1:
        yield f"  {'together':<{wide}}   {use.contribution:>+12.5g}"


def show(label: str, numbers: Numbers, most: int = LINES) -> str:
    """Numbers, row by row. Of many only the corners; if these are too long as well, the
    shape and the range."""
    if not isinstance(numbers, list):
        return f"{label}{numbers:.10g}"
    shape: list[int] = []
    values = [numbers]
    while values and isinstance(values[0], list):
        shape.append(len(values[0]))
        values = [v for row in values for v in row]
    form = style(numbers)
    for edge in (None, 3, 2, 1):
        if edge is None and len(values) > LIMIT:
            continue
        texts: list[str] = []
        layout = as_texts(numbers, edge, form, texts)
        width = max(map(len, texts), default=0) if len(shape) > 1 else 0
        rows = render(layout, width, len(label)).split("\n")
        if len(rows) <= most and len(label + rows[0]) <= WIDTH:
            return label + "\n".join(rows)
    low, high = min(values, default=0.0), max(values, default=0.0)
    return f"{label}of shape {tuple(shape)}, from {low:+.5g} to {high:+.5g}"


def short(source: str) -> str:
    """A source line with a short path: from our package on, or its last two parts."""
    found = re.match(r"(.*?):(\d+(?:: .*)?)$", source, re.DOTALL)
    if found is None:
        return source
    parts = Path(found[1]).parts
    ours = [at for at, part in enumerate(parts) if part in PACKAGES]
    return f"{'/'.join(parts[ours[-1] if ours else -2 :])}:{found[2]}"


def shorten(text: str, width: int = WIDTH, at_end: bool = True) -> str:
    """A text of at most this width; … stands for its end or its beginning."""
    if len(text) <= width:
        return text
    return f"{text[: width - 1]}…" if at_end else f"…{text[1 - width :]}"


def wrap(text: str) -> Iterator[str]:
    """A text, broken into lines of at most WIDTH."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield line


def plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _by_size(product: Product) -> float:
    """A sort key: nan first, then the largest."""
    size = abs(product.contribution)
    return -inf if isnan(size) else -size


def _by_contribution(use: Use) -> float:
    """A sort key: the largest first."""
    numbers = use.contribution_array
    if not hasattr(numbers, "shape"):
        return -abs(float(numbers))
    return -max((abs(v) for v in flat(numbers)), default=0.0)
