"""A program in C: loops over memory.

Each step is a call of a small function that has the loops. Steps with the same loops
over other memory share one function. A function gets a pointer for each operand; none
of them overlaps another that is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..anatomy import Check, Gather, Map, Operand, Product, Reduce, Scatter, Step, View
from ..listing import Program
from ..loops import address, merged, strides_in
from .c_products import GEMM, gather_body, gemm_body, large, product_body, scatter_body
from .c_rows import Walk
from .c_words import COUNTERS, HEAD, TYPES, compute, literal, nest, widest


class CText:
    """The text of a program.

    Attributes:
        places: buffer → which arena it lies in, and where.
    """

    def __init__(
        self,
        program: Program,
        memory: Any,
        groups: Sequence[Any],
        passing: Any,
        whole: str = "",
    ) -> None:
        self.program, self.memory = program, memory
        self.groups, self.passing = groups, passing
        self.whole, self.uses_blas = whole, False
        self.loops: dict[str, str] = {}  # the body of a function → its name
        self.functions: list[str] = []
        self.checks: list[Check] = []

    def text(self) -> str:
        first = [line for s in self.program.first for line in self.lines(s)]
        each = [line for g in self.groups for line in self.group(g)]
        arenas = [
            f"  {TYPES[dtype]} *const m{k} = m[{k}];"
            for (dtype, _), k in self.memory.arenas.items()
        ]
        return "\n".join(
            [
                HEAD,
                *([GEMM.replace("@", self.whole)] if self.uses_blas else []),
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

    def group(self, group: Any) -> list[str]:
        """A walk over rows; or a step of another kind."""

        if len(group.items) == 0:
            return [line for step in group.steps for line in self.lines(step)]
        walk = Walk(group, self.passing)
        body = walk.body()
        kinds, args = [], []
        for name, view, written in walk.pointers.values():
            const = "" if written else "const "
            kinds.append(f"{const}{TYPES[view.dtype]} *restrict {name}")
            args.append(self.memory.pointer(view))
        for k, view in enumerate(walk.scalars.values()):
            kinds.append(f"const double s{k}")
            args.append(self.scalar(view))
        return [self.called(f"({', '.join(kinds)}) {{\n{body}\n}}", args)]

    def called(self, key: str, args: list[str]) -> str:
        """A call of the function with these parameters and this body, which is made if
        there is none."""
        if key not in self.loops:
            self.loops[key] = f"loop_{len(self.loops)}"
            self.functions.append(f"static void {self.loops[key]}{key}\n")
        return f"  {self.loops[key]}({', '.join(args)});"

    # --- a step -----------------------------------------------------------------------

    def lines(self, step: Step) -> list[str]:
        if isinstance(step, Check):
            return [self.check(step)]
        if step.out.buffer.role == "scalar":
            assert isinstance(step, Map)
            args = [self.scalar(v) for v in step.args]
            value = compute(step.function, args, step.args, "double")
            return [f"  const double {step.out.buffer.name} = {value};"]
        if isinstance(step, Map):
            views: list[View] = [step.out, *step.reads()]
            return [self.call(step, views, self.map_body(step))]
        if isinstance(step, Reduce):
            return [self.call(step, [step.out, step.x], self.reduce_body(step))]
        if isinstance(step, Product):
            body = product_body(step)
            if self.whole and large(step) and (call := gemm_body(step)):
                body, self.uses_blas = call, True
            return [self.call(step, [step.out, step.x, step.y], body)]
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
                body = re.sub(rf"\bp{at}\b", f"p{seen[place]}", body)
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
        return self.called(key, args)

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
        value = compute(step.function, args, step.args, kind)
        out = f"p0[{address(counters, loops.strides[0])}] = {value};"
        return nest(counters, loops.sizes, [*loads, out])

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
