"""The words of JavaScript: arrays, functions, numbers."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence

from ..anatomy import Operand, View
from .dialect import COMPARISONS, Dialect

# The arrays that hold numbers of a dtype. Whole numbers are floats, exact up to EXACT.
ARRAYS = {
    "float32": "Float32Array",
    "float64": "Float64Array",
    "int64": "Float64Array",
    "bool": "Uint8Array",
}
EXACT = 2**53
FUNCTIONS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "eq": "{0} === {1}",
    "ne": "{0} !== {1}",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "copy": "{0}",
    "where": "{0} ? {1} : {2}",
    "maximum": "Math.max({0}, {1})",
    "exp": "Math.exp({0})",
    "log": "Math.log({0})",
    "log1p": "Math.log1p({0})",
    "sqrt": "Math.sqrt({0})",
    "sin": "Math.sin({0})",
    "cos": "Math.cos({0})",
    "tanh": "Math.tanh({0})",
    "erf": "erf({0})",
    "pow": "power({0}, {1})",
    "floor_divide": "floorDivide({0}, {1})",
}
POWERS = {2.0: "{0} * {0}", 0.5: "Math.sqrt({0})", -1.0: "1 / {0}", 1.0: "{0}"}
ARITHMETIC = (
    "add",
    "sub",
    "mul",
    "neg",
    "floor_divide",
)  # of whole numbers, it may leave the exact
NAMES = "zxyu"  # of the operands of a loop, the result being z

# What JavaScript lacks, each written out where it is used.
HELPERS = {
    "erf": """\
// 2/√π ∫ exp(−t²) dt from 0 to x: near 0 by its series Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)),
// further out as 1 less a continued fraction.
const erfSeries = [];
for (let n = 0, factorial = 1; n < 28; n++, factorial *= -n) {
  erfSeries.push(1 / (factorial * (2 * n + 1)));
}
function erf(x) {
  const size = Math.abs(x);
  if (!(size < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  if (size < 1.75) {
    const square = x * x;
    let sum = 0;
    for (let n = 27; n >= 0; n--) sum = sum * square + erfSeries[n];
    return (2 / Math.sqrt(Math.PI)) * x * sum;
  }
  let rest = size;
  for (let k = 60; k > 0; k--) rest = size + k / 2 / rest;
  return Math.sign(x) * (1 - Math.exp(-x * x) / Math.sqrt(Math.PI) / rest);
}
""",
    "power": """\
// x to the y. Of 1 to the nan, and of ±1 to the ±∞, JavaScript makes nan; others, 1.
function power(x, y) {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;
}
""",
    "floorDivide": """\
// ⌊x / y⌋, which x / y itself may have been rounded up to.
function floorDivide(x, y) {
  if (y === 0) return x / y;
  const rest = x % y;
  const quotient = (x - rest) / y - (rest !== 0 && rest < 0 !== y < 0 ? 1 : 0);
  const below = Math.floor(quotient);
  return quotient - below > 0.5 ? below + 1 : below;
}
""",
    "whole": """\
// A whole number that was computed; beyond 2 ** 53 there are gaps between floats.
function whole(v) {
  if (Math.abs(v) <= 2 ** 53) return v + 0; // of -0, 0
  throw new RangeError(
    `the whole number ${v} was computed; JavaScript has them up to 2 ** 53`
  );
}
""",
    "spelled": """\
// A number as in Python.
function spelled(v) {
  return String(v).replace("NaN", "nan").replace("Infinity", "inf");
}
""",
}


class JavaScript(Dialect):
    """JavaScript, as loops need it (see dialect.py). What a loop is given beside its
    arrays stands in «».

    Attributes:
        typed: whether arrays are typed, and so can be parts of others.
    """

    counter = "let"
    functions = FUNCTIONS

    def __init__(self, typed: bool) -> None:
        self.typed = typed

    def kind(self, dtype: str) -> str:
        """The arrays of a dtype."""
        return ARRAYS[dtype] if self.typed else "Array"

    def offset(self, view: View) -> int:
        """Where a view begins, in the array that has its buffer's name."""
        return view.offset + (0 if self.typed else view.buffer.place[1])

    def place(self, k: int, view: View, where: str) -> str:
        """A place in an operand's array: behind its offset, if it has one."""
        if not self.offset(view):
            return where
        if where == "0":
            return f"{NAMES[k]}0"
        return f"{NAMES[k]}0 + {where}".replace("+ -", "- ")

    def element(self, k: int, view: View, where: str) -> str:
        return f"{NAMES[k]}[{self.place(k, view, where)}]"

    def loaded(
        self, k: int, view: View, where: str, dtype: str
    ) -> tuple[list[str], str]:
        number = self.element(k, view, where)
        narrow = self.typed and dtype == "float32" and view.dtype == "int64"
        return [], f"Math.fround({number})" if narrow else number

    def row(self, k: int, view: View, where: str) -> str:
        return f"const {NAMES[k]}Row = {self.place(k, view, where)};"

    def in_row(self, k: int, where: str) -> str:
        row = f"{NAMES[k]}Row"
        return f"{NAMES[k]}[{row if where == '0' else f'{row} + {where}'}]"

    def scalar(self, name: str, dtype: str) -> str:
        narrow = self.typed and dtype == "float32"
        return f"«Math.fround({name})»" if narrow else f"«{name}»"

    def number(self, v: float, dtype: str) -> str:
        return f"«{self.written(v, dtype)}»"

    def literal(self, v: float, dtype: str) -> str:
        text = self.written(v, dtype)
        return f"({text})" if text.startswith("-") else text

    def written(self, v: float, dtype: str) -> str:
        """A number written out, alone."""
        text = literal(float(v) if dtype.startswith("float") else v)
        if self.typed and dtype == "float32" and not is_float32(v):
            return f"Math.fround({text})"
        return text

    def declared(self, dtype: str, name: str, value: str, changes: bool = False) -> str:
        return f"{'let' if changes else 'const'} {name} = {value};"

    def computed(
        self,
        function: str,
        args: Sequence[str],
        given: Sequence[Operand],
        dtype: str,
        out: str,
    ) -> str:
        form = FUNCTIONS[function]
        if function == "pow" and not isinstance(given[1], View):
            form = POWERS.get(float(given[1]), form)
        value = form.format(*args)
        if out == "bool":
            if function in COMPARISONS:
                return f"{value} ? 1 : 0"
            bools = all(isinstance(v, View) and v.dtype == "bool" for v in given)
            return value if bools else f"({value}) !== 0 ? 1 : 0"
        if out == "int64":
            floats = any(isinstance(v, View) and "float" in v.dtype for v in given)
            if function == "copy" and floats:
                return f"whole(Math.trunc({value}))"
            return f"whole({value})" if function in ARITHMETIC else value
        return value

    def added(self, to: str, value: str, dtype: str) -> str:
        if dtype == "int64":
            return f"{to} = whole({to} + {value});"
        return f"{to} += {value};"

    def total(self, value: str, dtype: str) -> str:
        return f"whole({value})" if dtype == "int64" else value


def literal(v: float) -> str:
    """A number in JavaScript."""
    if isinstance(v, float):
        if math.isfinite(v):
            return repr(v).removesuffix(".0")
        return "NaN" if v != v else ("Infinity" if v > 0 else "-Infinity")
    if abs(v) > EXACT:
        raise ValueError(
            f"write: the whole number {v} is in the program; JavaScript has them up to "
            "2**53"
        )
    return str(int(v))


def is_float32(v: float) -> bool:
    """Whether a number is the same with 32 bits."""
    if v != v or math.isinf(v):
        return True
    try:
        return struct.unpack("f", struct.pack("f", v))[0] == v  # type: ignore[no-any-return]
    except OverflowError:
        return False


def string(text: str) -> str:
    """A string in JavaScript, which may stand in a page too."""
    return json.dumps(text).replace("<", "\\u003c")


def comment(text: str) -> str:
    """A text for a comment: in one line, and without a word that ends a script."""
    return " ".join(text.splitlines()).replace("</", "<").replace("<!", "<")
