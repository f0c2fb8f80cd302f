"""The words of C: types, functions, numbers, loops."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..anatomy import Map, Operand, View

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


def compute(function: str, args: list[str], given: Sequence[Operand], kind: str) -> str:
    """A function of numbers, as an expression."""
    f = "f" if kind == "float" else ""
    if function == "pow" and not isinstance(given[1], View):
        form = POWERS.get(float(given[1]), "pow{f}({0}, {1})")
        return form.format(*args, f=f)
    if function in MATHS:
        return f"{function}{f}({', '.join(args)})"
    return FUNCTIONS[function].format(*args)


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
