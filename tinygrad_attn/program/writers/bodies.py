"""The loops of a step, for languages that have no arrays: C and JavaScript.

A body is what stands between the braces of a function. Its operands are the memory of
the step: the result is the 0th, what is read follows. A dialect (dialect.py) says how
to call them.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent
from typing import Any

from ..anatomy import Check, Gather, Map, Product, Reduce, Scatter, Step, View
from ..loops import address, merged, of_batch, sizes_of, strides_in
from .dialect import Dialect

COUNTERS = "ijklmnop"


def operands(step: Step) -> list[View]:
    """The arrays of a step, in the order of its body's operands."""
    if isinstance(step, Check):
        return [step.out]
    return [step.out, *(v for v in step.reads() if v.buffer.role != "scalar")]


def body_of(say: Dialect, step: Step) -> str:
    """The loops of a step."""
    if isinstance(step, Map):
        return map_body(say, step)
    if isinstance(step, Reduce):
        return reduce_body(say, step)
    if isinstance(step, Product):
        return product_body(say, step)
    if isinstance(step, Gather):
        return gather_body(say, step)
    assert isinstance(step, Scatter)
    return scatter_body(say, step)


def map_body(say: Dialect, step: Map) -> str:
    views = operands(step)
    loops = merged(step.out.shape, [strides_in(v, step.out.shape) for v in views])
    counters = COUNTERS[: len(loops.sizes)]
    dtype = widest(step)
    loads: list[str] = []
    args: list[str] = []
    k = 0
    for v in step.args:
        if not isinstance(v, View):
            args.append(say.number(v, dtype))
        elif v.buffer.role == "scalar":
            args.append(say.scalar(v.buffer.name, dtype))
        else:
            k += 1
            chooses = step.function == "where" and not args
            where = address(counters, loops.strides[k])
            lines, name = say.loaded(k, v, where, v.dtype if chooses else dtype)
            loads += lines
            args.append(name)
    value = say.computed(step.function, args, step.args, dtype, step.out.dtype)
    to = say.element(0, step.out, address(counters, loops.strides[0]))
    return nest(say, counters, loops.sizes, [*loads, f"{to} = {value};"])


def widest(step: Map) -> str:
    """The dtype in which a step computes: that of its result; but bools come of
    anything."""
    if step.out.dtype != "bool":
        return step.out.dtype
    arrays = operands(step)[1:]
    dtypes = {v.dtype for v in arrays}
    scalars = len([*step.reads()]) - len(arrays)
    if scalars or any(isinstance(v, float) for v in step.args):
        dtypes.add("float32" if "float32" in dtypes else "float64")  # plain numbers
    if {"float32", "int64"} <= dtypes:  # not every whole number is a float32
        return "float64"
    return next((d for d in ("float64", "float32") if d in dtypes), "int64")


def reduce_body(say: Dialect, step: Reduce) -> str:
    out, x = step.out, step.x
    kept = [a for a in range(x.ndim) if a not in step.axes]
    along = merged([x.shape[a] for a in step.axes], [[x.strides[a] for a in step.axes]])
    over = merged(
        [x.shape[a] for a in kept],
        [[out.strides[a] for a in kept], [x.strides[a] for a in kept]],
    )
    c = COUNTERS[: len(over.sizes)]
    d = COUNTERS[len(over.sizes) : len(over.sizes) + len(along.sizes)]
    where = address([*c, *d], [*over.strides[1], *along.strides[0]])
    to = say.element(0, out, address(c, over.strides[0]))
    v = say.element(1, x, where)
    beside = along.strides[0][-1:] != (1,) and over.strides[1][-1:] == (1,)
    if step.function == "sum" and beside:  # columns: row after row is added
        zero = nest(say, c, over.sizes, [f"{to} = 0;"])
        sizes = [*along.sizes, *over.sizes]
        add = nest(say, [*d, *c], sizes, [say.added(to, v, out.dtype)])
        return f"{zero}\n{add}"
    first = say.element(1, x, address(c, over.strides[1]))
    if step.function == "sum":
        lines = [
            say.declared(out.dtype, "sum", "0", changes=True),
            inner(say, d, along.sizes, [f"sum += {v};"], simd="+:sum"),
            f"{to} = {say.total('sum', out.dtype)};",
        ]
    elif step.function == "max":
        more = say.functions["maximum"].format("v", "most")
        lines = [
            say.declared(x.dtype, "most", first, changes=True),
            inner(
                say,
                d,
                along.sizes,
                [say.declared(x.dtype, "v", v), f"most = {more};"],
                simd="none",
            ),
            f"{to} = most;",
        ]
    else:  # the first that is larger than all before, or is nan
        nan = say.functions["ne"].format("v", "v")
        yet = say.functions["eq"].format("most", "most")
        inside = address([*c, "k"], [*over.strides[1], x.strides[step.axes[0]]])
        lines = [
            say.declared("int64", "at", "0", changes=True),
            say.declared(x.dtype, "most", first, changes=True),
            f"for ({say.counter} k = 1; k < {x.shape[step.axes[0]]}; k++) {{",
            f"  {say.declared(x.dtype, 'v', say.element(1, x, inside))}",
            f"  if (v > most || ({nan} && {yet})) {{ most = v; at = k; }}",
            "}",
            f"{to} = at;",
        ]
    return nest(say, c, over.sizes, lines, simd="none")


def product_body(say: Dialect, step: Product) -> str:
    """Row by row: a multiple of each row of y is added; or inner products, if y lies
    column by column."""
    out, x, y = step.out, step.x, step.y
    n, k, m = sizes_of(step)
    loops = of_batch(step)
    outer = COUNTERS[: len(loops.sizes)]
    (zi, zj), (xi, xk), (yk, yj) = (v.strides[-2:] for v in (out, x, y))
    by_rows = yj == 1 and zj == 1 or yk != 1
    z_row, x_row, y_row = (
        say.row(at, v, address([*outer, counter], [*strides, stride]))
        for at, v, counter, strides, stride in zip(
            (0, 1, 2),
            (out, x, y),
            ("r", "r", "q" if by_rows else "c"),
            loops.strides,
            (zi, xi, yk if by_rows else yj),
        )
    )
    z, u = say.in_row(0, address("c", [zj])), say.in_row(1, address("q", [xk]))
    v = say.in_row(2, address("c", [yj]) if by_rows else address("q", [yk]))
    rows, columns, terms = (
        f"for ({say.counter} {c} = 0; {c} < {size}; {c}++)"
        for c, size in (("r", n), ("c", m), ("q", k))
    )
    if by_rows:
        lines = [
            f"{rows} {{",
            f"  {z_row}",
            f"  {x_row}",
            f"  {columns} {z} = 0;",
            f"  {terms} {{",
            f"    {say.declared(out.dtype, 'a', u)}",
            f"    {y_row}",
            *(f"    {line}" for line in say.before_innermost("")),
            f"    {columns} {say.added(z, f'a * {v}', out.dtype)}",
            "  }",
            "}",
        ]
    else:
        lines = [
            f"{rows} {{",
            f"  {z_row}",
            f"  {x_row}",
            f"  {columns} {{",
            f"    {y_row}",
            f"    {say.declared(out.dtype, 'sum', '0', changes=True)}",
            *(f"    {line}" for line in say.before_innermost("+:sum")),
            f"    {terms} sum += {u} * {v};",
            f"    {z} = {say.total('sum', out.dtype)};",
            "  }",
            "}",
        ]
    return nest(say, outer, loops.sizes, lines, simd="none")


def gather_body(say: Dialect, step: Gather) -> str:
    return rows_body(say, step, 0, 1)


def scatter_body(say: Dialect, step: Scatter) -> str:
    zero = merged(step.out.shape, [step.out.strides])
    c = COUNTERS[: len(zero.sizes)]
    to = say.element(0, step.out, address(c, zero.strides[0]))
    clear = nest(say, c, zero.sizes, [f"{to} = 0;"])
    return f"{clear}\n{rows_body(say, step, 1, 0)}"


def rows_body(say: Dialect, step: Gather | Scatter, many_at: int, one_at: int) -> str:
    """For each index a row of `many` and the one of `one` that it names."""
    views = operands(step)
    many, one, indices = views[many_at], views[one_at], step.indices
    depth = indices.ndim
    outer = merged(indices.shape, [indices.strides, many.strides[:depth]])
    within = merged(one.shape[1:], [many.strides[depth:], one.strides[1:]])
    c = COUNTERS[: len(outer.sizes)]
    d = COUNTERS[len(c) : len(c) + len(within.sizes)]
    each = address([*c, *d], [*outer.strides[1], *within.strides[0]])
    named = address(["row", *d], [one.strides[0], *within.strides[1]])
    each, named = say.element(many_at, many, each), say.element(one_at, one, named)
    if isinstance(step, Gather):
        line = f"{each} = {named};"
    else:
        added = say.added(named, each, one.dtype)
        line = added if step.adds else f"{named} = {each};"
    at = say.element(2, indices, address(c, outer.strides[0]))
    row = say.declared("int64", "row", at)
    lines = [row, inner(say, d, within.sizes, [line])]
    return nest(say, c, outer.sizes, lines, simd="none")


def check_body(say: Dialect, step: Check, refuse: str) -> str:
    """Looks at all numbers; at a wrong one it refuses."""
    loops = merged(step.out.shape, [step.out.strides])
    c = COUNTERS[: len(loops.sizes)]
    v = say.element(1, step.out, address(c, loops.strides[0]))
    outside = f"v < 0 || v >= {step.count}"
    if step.but is not None:
        allowed = say.literal(step.but, step.out.dtype)
        outside = f"({outside}) && {say.functions['ne'].format('v', allowed)}"
    wrong = {
        "range": outside,
        "true": "!v",
        "finite": f"!({say.functions['eq'].format('v - v', '0')})",
    }[step.question]
    lines = [say.declared(step.out.dtype, "v", v), f"if ({wrong}) {refuse}"]
    return nest(say, c, loops.sizes, lines, simd="none")


def nest(
    say: Dialect,
    counters: Sequence[str],
    sizes: Sequence[int],
    lines: Sequence[str],
    simd: str = "",
) -> str:
    """Lines inside loops.

    Args:
        simd: what the innermost sums up, if its turns are independent otherwise; or
            "none".
    """
    text, pad = [], "  "
    for at, (counter, size) in enumerate(zip(counters, sizes)):
        if at == len(sizes) - 1 and simd != "none":
            text += [pad + line for line in say.before_innermost(simd)]
        text.append(
            f"{pad}for ({say.counter} {counter} = 0; {counter} < {size}; {counter}++) "
            "{"
        )
        pad += "  "
    text += [pad + line.replace("\n", "\n" + pad) for line in lines]
    for _ in sizes:
        pad = pad[:-2]
        text.append(f"{pad}}}")
    return "\n".join(text)


def inner(*args: Any, **kwargs: Any) -> str:
    """Lines inside loops, which stand inside others."""
    return dedent(nest(*args, **kwargs))
