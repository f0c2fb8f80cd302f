"""The words of C: types, functions, numbers, loops."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..anatomy import Operand, View
from .dialect import COMPARISONS, Dialect

TYPES = {"float32": "float", "float64": "double", "int64": "long long", "bool": "char"}

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
MATHS = ("log", "log1p", "sqrt", "sin", "cos", "tanh", "erf", "pow")
POWERS = {2.0: "{0} * {0}", 0.5: "sqrt{f}({0})", -1.0: "1 / {0}", 1.0: "{0}"}
HEAD = """\
#include <math.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(MVEC)
#pragma omp declare simd notinbranch
extern float logf(float);
#pragma omp declare simd notinbranch
extern double log(double);
#pragma omp declare simd notinbranch
extern float tanhf(float);
#pragma omp declare simd notinbranch
extern double tanh(double);
#endif
"""

# exp(x) is 2ⁿ exp(r), with n whole and r at most ln 2 / 2 from 0, where a few terms of
# its series are exact but for the last bit. Nothing is decided, so the compiler makes
# it of many at once, in a fifth of the time of the C library's exp of vectors. The
# nearest whole number is what the last bits keep when a number is added of which the
# last bit counts ones.
EXP = """\
static inline {kind} exp_{kind}({kind} x) {{
  x = x < {least} ? {least} : x;  // 0 from here on
  x = x > {most} ? {most} : x;  // infinite from here on
  const {kind} near = x * {per_ln_2} + {ones}, n = near - {ones};
  const {kind} r = (x - n * {ln_2}) - n * {ln_2_rest};
  {kind} p = {series};
  {bits} whole, up, more;  // of 2^n, as two factors: each is a normal number
  memcpy(&whole, &near, sizeof near);
  whole = whole - {bits_of_ones} + {zero}, up = whole >> 1, more = whole - up;
  up <<= {mantissa}, more <<= {mantissa};
  {kind} two_up, two_more;
  memcpy(&two_up, &up, sizeof up);
  memcpy(&two_more, &more, sizeof more);
  return p * two_up * two_more;
}}
"""


# ⌊x / y⌋, which x / y itself may have been rounded up to.
FLOOR = """\
static inline double floor_divide(double x, double y) {
  if (y == 0) return x / y;
  const double rest = fmod(x, y);
  const double quotient = (x - rest) / y - (rest != 0 && (rest < 0) != (y < 0));
  const double below = floor(quotient);
  return quotient - below > 0.5 ? below + 1 : below;
}
static inline long long floor_divide_whole(long long x, long long y) {
  if (y == -1) return (long long) (0ull - (unsigned long long) x);
  const long long rest = x % y;
  return x / y - (rest != 0 && (rest < 0) != (y < 0));
}
"""


def exp_of(kind: str) -> str:
    """The text of the function that computes exp, of float or double."""
    single = kind == "float"
    f, terms = ("f", 8) if single else ("", 14)
    series = [f"1 / {math.factorial(k)}.0{f}" for k in reversed(range(terms))]
    return EXP.format(
        kind=kind,
        least="-104.0f" if single else "-746.0",
        most="89.0f" if single else "710.0",
        per_ln_2=f"1.4426950408889634{f}",
        ones="12582912.0f" if single else "6755399441055744.0",
        ln_2="0.693359375f" if single else "0.693147180369123816490",
        ln_2_rest="-2.12194440e-4f" if single else "1.90821492927058770002e-10",
        bits="unsigned" if single else "unsigned long long",
        bits_of_ones="0x4b400000u" if single else "0x4338000000000000ull",
        zero="254" if single else "2046",
        mantissa="23" if single else "52",
        series=";\n  p = p * r + ".join(series),
    )


def compute(
    function: str, args: Sequence[str], given: Sequence[Operand], kind: str, out: str
) -> str:
    """A function of numbers, as an expression: computed in one type, for a dtype."""
    f = "f" if kind == "float" else ""
    if function == "pow" and not isinstance(given[1], View):
        form = POWERS.get(float(given[1]), "pow{f}({0}, {1})")
    elif function == "exp":
        form = f"exp_{kind}({{0}})"
    elif function == "floor_divide":
        whole = kind in ("float", "double")
        form = f"floor_divide{'' if whole else '_whole'}({{0}}, {{1}})"
    elif function in MATHS:
        form = f"{function}{f}({', '.join(args)})"
    else:
        form = FUNCTIONS[function]
    value = form.format(*args, f=f)
    if out == "bool" and function not in COMPARISONS:
        return f"({value}) != 0"
    return value


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


class C(Dialect):
    """C, as loops need it (see dialect.py)."""

    counter = "long"
    functions = FUNCTIONS

    def element(self, k: int, view: View, where: str) -> str:
        return f"p{k}[{where}]"

    def loaded(
        self, k: int, view: View, where: str, dtype: str
    ) -> tuple[list[str], str]:
        line = self.declared(dtype, f"x{k}", self.element(k, view, where))
        return [line], f"x{k}"

    def row(self, k: int, view: View, where: str) -> str:
        const, restrict = ("", "restrict ") if k == 0 else ("const ", "")
        kind = f"{const}{TYPES[view.dtype]} *{restrict}"
        return f"{kind}{'zxy'[k]} = p{k} + {where};"

    def in_row(self, k: int, where: str) -> str:
        return f"{'zxy'[k]}[{where}]"

    def scalar(self, name: str, dtype: str) -> str:
        return f"({TYPES[dtype]}) {{{name}}}"

    def literal(self, v: float, dtype: str) -> str:
        return literal(v, TYPES[dtype])

    def declared(self, dtype: str, name: str, value: str, changes: bool = False) -> str:
        const = "" if changes else "const "
        return f"{const}{TYPES[dtype]} {name} = {value};"

    def computed(
        self,
        function: str,
        args: Sequence[str],
        given: Sequence[Operand],
        dtype: str,
        out: str,
    ) -> str:
        return compute(function, args, given, TYPES[dtype], out)

    def before_innermost(self, reduction: str) -> list[str]:
        return ["#pragma omp simd" + (f" reduction({reduction})" if reduction else "")]


SAY = C()
