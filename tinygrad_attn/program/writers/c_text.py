"""A program in C: loops over memory.

Each step is a call of a small function that has the loops. Steps with the same loops
over other memory share one function. A function gets a pointer for each operand; none
of them overlaps another that is written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...arrays.shapes import broadcast_strides
from ..anatomy import Check, Gather, Map, Operand, Product, Reduce, Scatter, Step, View
from ..listing import Program
from ..loops import address, merged, strides_in

TYPES = {"float32": "float", "float64": "double", "int64": "long long", "bool": "char"}
COUNTERS = "ijklmnop"

FUNCTIONS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "copy": "{0}",
    "where": "{0} ? {1} : {2}",
    "maximum": "{0} > {1} || {0} != {0} ? {0} : {1}",
}
# Those of math.h, with an f behind their names for float.
MATHS = ("exp", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "pow")
POWERS = {2.0: "{0} * {0}", 0.5: "sqrt{f}({0})", -1.0: "1 / {0}", 1.0: "{0}"}
HEAD = """\
#include <math.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(MVEC)
#pragma omp declare simd notinbranch
extern float expf(float);
#pragma omp declare simd notinbranch
extern float logf(float);
#pragma omp declare simd notinbranch
extern double exp(double);
#pragma omp declare simd notinbranch
extern double log(double);
#pragma omp declare simd notinbranch
extern float tanhf(float);
#pragma omp declare simd notinbranch
extern double tanh(double);
#endif
"""


class CText:
    """The text of a program.

    Attributes:
        places: buffer → which arena it lies in, and where.
    """

    def __init__(self, program: Program, memory: Any) -> None:
        self.program, self.memory = program, memory
        self.loops: dict[str, str] = {}  # the body of a function → its name
        self.functions: list[str] = []
        self.checks: list[Check] = []

    def text(self) -> str:
        first = [line for s in self.program.first for line in self.lines(s)]
        each = [line for s in self.program.steps for line in self.lines(s)]
        arenas = [
            f"  {TYPES[dtype]} *const m{k} = m[{k}];"
            for (dtype, _), k in self.memory.arenas.items()
        ]
        return "\n".join(
            [
                HEAD,
                *self.functions,
                "void once(void **m) {",
                *arenas,
                *first,
                "}",
                "",
                "long long step(void **m, const double *s) {",
                *arenas,
                *each,
                "  return 0;",
                "}",
                "",
            ]
        )

    # --- a step -----------------------------------------------------------------------

    def lines(self, step: Step) -> list[str]:
        if isinstance(step, Check):
            return [self.check(step)]
        if step.out.buffer.role == "scalar":
            assert isinstance(step, Map)
            args = [self.scalar(v) for v in step.args]
            value = self.compute(step.function, args, step.args, "double")
            return [f"  const double {step.out.buffer.name} = {value};"]
        if isinstance(step, Map):
            views: list[View] = [step.out, *step.reads()]
            return [self.call(step, views, self.map_body(step))]
        if isinstance(step, Reduce):
            return [self.call(step, [step.out, step.x], self.reduce_body(step))]
        if isinstance(step, Product):
            return [self.call(step, [step.out, step.x, step.y], product_body(step))]
        if isinstance(step, Gather):
            return [
                self.call(step, [step.out, step.x, step.indices], gather_body(step))
            ]
        assert isinstance(step, Scatter)
        return [self.call(step, [step.out, step.x, step.indices], scatter_body(step))]

    def call(self, step: Step, views: Sequence[View], body: str) -> str:
        """A call of the function with this body, which is made if there is none."""
        kinds: list[str] = []
        args: list[str] = []
        seen: dict[str, int] = {}
        for at, view in enumerate(v for v in views if v.buffer.role != "scalar"):
            place = self.memory.pointer(view)
            if place in seen:  # the same memory twice is one pointer
                body = body.replace(f"p{at}[", f"p{seen[place]}[")
                continue
            seen[place] = at
            const = "" if at == 0 else "const "
            kinds.append(f"{const}{TYPES[view.dtype]} *restrict p{at}")
            args.append(place)
        scalars = [v for v in step.reads() if v.buffer.role == "scalar"]
        for k, v in enumerate({v.buffer: v for v in scalars}.values()):
            body = body.replace(f"{{{v.buffer.name}}}", f"s{k}")
            kinds.append(f"const double s{k}")
            args.append(self.scalar(v))
        key = f"({', '.join(kinds)}) {{\n{body}\n}}"
        if key not in self.loops:
            self.loops[key] = f"loop_{len(self.loops)}"
            self.functions.append(f"static void {self.loops[key]}{key}\n")
        return f"  {self.loops[key]}({', '.join(args)});"

    def map_body(self, step: Map) -> str:
        views = [step.out, *(v for v in step.reads() if v.buffer.role != "scalar")]
        loops = merged(step.out.shape, [strides_in(v, step.out.shape) for v in views])
        counters = COUNTERS[: len(loops.sizes)]
        kind = TYPES[widest(views[1:] or [step.out], step)]
        loads: list[str] = []
        args: list[str] = []
        for v in step.args:
            if not isinstance(v, View):
                args.append(literal(v, kind))
            elif v.buffer.role == "scalar":
                args.append(f"({kind}) {{{v.buffer.name}}}")
            else:
                at = len(loads) + 1
                where = address(counters, loops.strides[at])
                chooses = step.function == "where" and not args
                own = TYPES[v.dtype] if chooses else kind
                loads.append(f"const {own} x{at} = p{at}[{where}];")
                args.append(f"x{at}")
        value = self.compute(step.function, args, step.args, kind)
        out = f"p0[{address(counters, loops.strides[0])}] = {value};"
        return nest(counters, loops.sizes, [*loads, out])

    def compute(
        self, function: str, args: list[str], given: Sequence[Operand], kind: str
    ) -> str:
        f = "f" if kind == "float" else ""
        if function == "pow" and not isinstance(given[1], View):
            form = POWERS.get(float(given[1]), "pow{f}({0}, {1})")
            return form.format(*args, f=f)
        if function in MATHS:
            return f"{function}{f}({', '.join(args)})"
        return FUNCTIONS[function].format(*args)

    def reduce_body(self, step: Reduce) -> str:
        out, x = step.out, step.x
        kept = [a for a in range(x.ndim) if a not in step.axes]
        kind, own = TYPES[out.dtype], TYPES[x.dtype]
        along = merged(
            [x.shape[a] for a in step.axes], [[x.strides[a] for a in step.axes]]
        )
        over = merged(
            [x.shape[a] for a in kept],
            [[out.strides[a] for a in kept], [x.strides[a] for a in kept]],
        )
        c = COUNTERS[: len(over.sizes)]
        d = COUNTERS[len(over.sizes) : len(over.sizes) + len(along.sizes)]
        where = address([*c, *d], [*over.strides[1], *along.strides[0]])
        to = address(c, over.strides[0])
        inner = along.strides[0][-1:] != (1,) and over.strides[1][-1:] == (1,)
        if step.function == "sum" and inner:  # columns: row after row is added
            zero = nest(c, over.sizes, [f"p0[{to}] = 0;"])
            add = nest(
                [*d, *c], [*along.sizes, *over.sizes], [f"p0[{to}] += p1[{where}];"]
            )
            return f"{zero}\n{add}"
        if step.function == "sum":
            lines = [
                f"{kind} sum = 0;",
                nest(d, along.sizes, [f"sum += p1[{where}];"], simd="+:sum"),
                f"p0[{to}] = sum;",
            ]
        elif step.function == "max":
            start = address(c, over.strides[1])
            lines = [
                f"{own} most = p1[{start}];",
                nest(
                    d,
                    along.sizes,
                    [
                        f"const {own} x = p1[{where}];",
                        "most = x > most || x != x ? x : most;",
                    ],
                    simd="none",
                ),
                f"p0[{to}] = most;",
            ]
        else:
            (axis,) = step.axes
            start, stride = address(c, over.strides[1]), x.strides[axis]
            lines = [
                "long long at = 0;",
                f"{own} most = p1[{start}];",
                f"for (long k = 1; k < {x.shape[axis]}; k++) {{",
                f"  const {own} x = p1[{start} + k * {stride}];",
                "  if (x > most || (x != x && most == most)) { most = x; at = k; }",
                "}",
                f"p0[{to}] = at;",
            ]
        return nest(c, over.sizes, lines, simd="none")

    def check(self, step: Check) -> str:
        self.checks.append(step)
        code = len(self.checks)
        view = step.out
        loops = merged(view.shape, [view.strides])
        c = COUNTERS[: len(loops.sizes)]
        where = address(c, loops.strides[0])
        kind = TYPES[view.dtype]
        but = f" && x != {step.but}" if step.but is not None else ""
        wrong = {
            "range": f"(x < 0 || x >= {step.count}){but}",
            "true": "!x",
            "finite": "!(x - x == 0)",
        }[step.question]
        body = nest(
            c,
            loops.sizes,
            [f"const {kind} x = p[{where}];", f"if ({wrong}) return {code};"],
            simd="none",
        )
        return f"  {{ const {kind} *p = {self.memory.pointer(view)};\n{body} }}"

    def scalar(self, v: Operand) -> str:
        """A plain number: given at each run, or computed of such."""
        if not isinstance(v, View):
            return literal(v, "double")
        scalars = self.program.scalars
        if v.buffer in scalars:
            return f"s[{scalars.index(v.buffer)}]"
        return v.buffer.name


def widest(views: Sequence[View], step: Map) -> str:
    """The dtype in which a step computes."""
    if step.function in ("eq", "ne", "lt", "le", "gt", "ge"):
        dtypes = {v.dtype for v in views}
        if any(isinstance(v, float) for v in step.args) and not any(
            d.startswith("float") for d in dtypes
        ):
            return "float64"
        for dtype in ("float64", "float32", "int64", "bool"):
            if dtype in dtypes:
                return dtype if dtype != "bool" else "int64"
    return step.out.dtype if step.out.dtype != "bool" else "int64"


def product_body(step: Product) -> str:
    """Row by row: a multiple of each row of y is added; or inner products, if y lies
    column by column."""
    out, x, y = step.out, step.x, step.y
    (n, k), m = x.shape[-2:], y.shape[-1]
    batch = out.shape[:-2]
    loops = merged(
        batch,
        [
            out.strides[:-2],
            *(broadcast_strides(v.shape[:-2], v.strides[:-2], batch) for v in (x, y)),
        ],
    )
    c = COUNTERS[: len(loops.sizes)]
    z0, x0, y0 = (address(c, s) for s in loops.strides)
    kind = TYPES[out.dtype]
    zi, zj = out.strides[-2:]
    xi, xk = x.strides[-2:]
    yk, yj = y.strides[-2:]
    if yj == 1 and zj == 1 or yk != 1:
        lines = [
            f"for (long r = 0; r < {n}; r++) {{",
            f"  {kind} *restrict z = p0 + {z0} + r * {zi};",
            f"  for (long c = 0; c < {m}; c++) z[c * {zj}] = 0;",
            f"  for (long q = 0; q < {k}; q++) {{",
            f"    const {kind} a = p1[{x0} + r * {xi} + q * {xk}];",
            "    #pragma omp simd",
            f"    for (long c = 0; c < {m}; c++) z[c * {zj}] += a * p2[{y0} + q * {yk} "
            f"+ c * {yj}];",
            "  }",
            "}",
        ]
    else:
        lines = [
            f"for (long r = 0; r < {n}; r++) {{",
            f"  for (long c = 0; c < {m}; c++) {{",
            f"    {kind} sum = 0;",
            "    #pragma omp simd reduction(+:sum)",
            f"    for (long q = 0; q < {k}; q++) sum += p1[{x0} + r * {xi} + q * {xk}] "
            f"* p2[{y0} + q * {yk} + c * {yj}];",
            f"    p0[{z0} + r * {zi} + c * {zj}] = sum;",
            "  }",
            "}",
        ]
    return nest(c, loops.sizes, lines, simd="none")


def gather_body(step: Gather) -> str:
    return rows_body(step.out, step.x, step.indices, "p0[{many}] = p1[{one}];")


def scatter_body(step: Scatter) -> str:
    zero = merged(step.out.shape, [step.out.strides])
    c = COUNTERS[: len(zero.sizes)]
    clear = nest(c, zero.sizes, [f"p0[{address(c, zero.strides[0])}] = 0;"])
    add = rows_body(step.x, step.out, step.indices, "p0[{one}] += p1[{many}];")
    return f"{clear}\n{add}"


def rows_body(many: View, one: View, indices: View, line: str) -> str:
    """For each index a row of `many` and the one of `one` that it names."""
    depth = indices.ndim
    outer = merged(indices.shape, [indices.strides, many.strides[:depth]])
    inner = merged(one.shape[1:], [many.strides[depth:], one.strides[1:]])
    c = COUNTERS[: len(outer.sizes)]
    d = COUNTERS[len(c) : len(c) + len(inner.sizes)]
    at = address(c, outer.strides[0])
    places = {
        "many": address([*c, *d], [*outer.strides[1], *inner.strides[0]]),
        "one": " + ".join([f"row * {one.strides[0]}", address(d, inner.strides[1])]),
    }
    body = nest(d, inner.sizes, [line.format(**places)])
    row = f"const long long row = p2[{at}];"
    return nest(c, outer.sizes, [row, body], simd="none")


def nest(
    counters: Sequence[str], sizes: Sequence[int], lines: Sequence[str], simd: str = ""
) -> str:
    """Lines inside loops."""
    text, pad = [], "  "
    for at, (counter, size) in enumerate(zip(counters, sizes)):
        if at == len(sizes) - 1 and simd != "none":
            text.append(
                f"{pad}#pragma omp simd" + (f" reduction({simd})" if simd else "")
            )
        text.append(
            f"{pad}for (long {counter} = 0; {counter} < {size}; {counter}++) {{"
        )
        pad += "  "
    text += [pad + line.replace("\n", "\n" + pad) for line in lines]
    for _ in sizes:
        pad = pad[:-2]
        text.append(f"{pad}}}")
    return "\n".join(text)


def literal(v: float, kind: str) -> str:
    """A number in C."""
    f = "f" if kind == "float" else ""
    if isinstance(v, float):
        if math.isnan(v):
            return "NAN"
        if math.isinf(v):
            return "INFINITY" if v > 0 else "(-INFINITY)"
        return f"{v!r}{f}" if v >= 0 and str(v)[0] != "-" else f"({v!r}{f})"
    if kind in ("float", "double"):
        return f"{int(v)}.0{f}" if v >= 0 else f"({int(v)}.0{f})"
    return str(int(v)) if v >= 0 else f"({int(v)})"
