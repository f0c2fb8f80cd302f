"""The words of a program in plain Python: formulas, and functions that it brings along.

Python raises where IEEE 754 has an answer: 1 / 0, exp(1000), log(0), sqrt(-1). The
functions that answer are those of the pure-Python backend (floats.py), as they stand
there. Where no such number can arise (signs.py), the plain operator stands.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from ... import floats
from ...arrays import dtypes
from ..anatomy import Map, Operand, View
from ..signs import Signs
from .python_layout import Listing, returned

# How tightly a form holds together: Python's precedence.
CHOICE, OR, AND, COMPARED, SUM, TERM, SIGN, ATOM = range(1, 9)

# function → its form, how tightly that holds, and how tightly each operand must.
FORMS = {
    "add": ("{0} + {1}", SUM, (SUM, TERM)),
    "sub": ("{0} - {1}", SUM, (SUM, TERM)),
    "mul": ("{0} * {1}", TERM, (TERM, SIGN)),
    "div": ("{0} / {1}", TERM, (TERM, SIGN)),
    "floor_divide": ("{0} // {1}", TERM, (TERM, SIGN)),
    "neg": ("-{0}", SIGN, (SIGN,)),
    "eq": ("{0} == {1}", COMPARED, (SUM, SUM)),
    "ne": ("{0} != {1}", COMPARED, (SUM, SUM)),
    "lt": ("{0} < {1}", COMPARED, (SUM, SUM)),
    "le": ("{0} <= {1}", COMPARED, (SUM, SUM)),
    "gt": ("{0} > {1}", COMPARED, (SUM, SUM)),
    "ge": ("{0} >= {1}", COMPARED, (SUM, SUM)),
    "where": ("{1} if {0} else {2}", CHOICE, (OR, OR, CHOICE)),
}
OF_BOOLS = {
    "add": ("{0} or {1}", OR, (OR, AND)),
    "mul": ("{0} and {1}", AND, (AND, COMPARED)),
}
# Those of `math` that never raise, and those that do for some numbers: the operand of
# which something must be known, and what.
PLAIN = ("tanh", "erf")
SAFE: dict[str, Callable[[Any], bool]] = {
    "exp": lambda known: known.most <= 700,
    "log": lambda known: known.positive,
    "log1p": lambda known: known.least >= 0,
    "sqrt": lambda known: known.least >= 0,
    "sin": lambda known: False,
    "cos": lambda known: False,
    "pow": lambda known: False,
}
# What the text calls those of floats.py that a model may well have names like.
NAMES = {"div": "over", "floor_divide": "floor_over", "maximum": "larger"}


class Words:
    """Formulas, as text.

    Attributes:
        signs: what is known of the numbers.
        used: the functions that the text must bring along.
        risky: whether a formula had an operation that may raise.
    """

    def __init__(self, signs: Signs) -> None:
        self.signs = signs
        self.used: set[str] = set()
        self.risky = False

    def formula(self, v: Operand, names: Any, careful: bool) -> tuple[str, int]:
        """An operand as text, and how tightly it holds.

        Args:
            names: view → what it is called.
            careful: whether operations that may raise shall answer.
        """
        if isinstance(v, Map):
            return self.computed(v, names, careful)
        if isinstance(v, View):
            return names(v), ATOM
        return literal(v), SIGN if literal(v).startswith("-") else ATOM

    def computed(self, step: Map, names: Any, careful: bool) -> tuple[str, int]:
        """What a Map computes."""
        function, args = step.function, step.args
        dtype = step.out.dtype
        if function in ("where", "maximum", "copy"):  # they hand numbers through
            keep = 1 if function == "where" else 0
            given = [self.formula(v, names, careful) for v in args[:keep]]
            given += [self.turned(v, dtype, names, careful) for v in args[keep:]]
        else:
            given = [self.formula(v, names, careful) for v in args]
        texts = [text for text, _ in given]
        if function == "copy":
            return given[0]
        if function == "maximum":
            if all(text.isidentifier() for text in texts):
                x, y = texts
                return f"{x} if {x} >= {y} or {x} != {x} else {y}", CHOICE
            return self.called("maximum", texts), ATOM
        if function == "pow" and is_square(*args) and texts[0].isidentifier():
            return f"{texts[0]} * {texts[0]}", TERM
        if function in PLAIN:
            return f"math.{function}({texts[0]})", ATOM
        if function in SAFE:
            if SAFE[function](self.signs.of(args[0])):
                return f"math.{function}({texts[0]})", ATOM
            self.risky = True
            if not careful:
                return f"math.{function}({', '.join(texts)})", ATOM
            return self.called(function, texts), ATOM
        if function in ("div", "floor_divide") and not self.divides(args[1]):
            self.risky = True
            if careful:
                return self.called(function, texts), ATOM
        forms = OF_BOOLS if dtype == "bool" and function in OF_BOOLS else FORMS
        form, own, needed = forms[function]
        held = [f"({t})" if p < n else t for (t, p), n in zip(given, needed)]
        return form.format(*held), own

    def divides(self, v: Operand) -> bool:
        """Whether numbers are never 0."""
        known = self.signs.of(v)
        return known.positive or known.most < 0

    def turned(
        self, v: Operand, dtype: str, names: Any, careful: bool
    ) -> tuple[str, int]:
        """An operand as a number of a dtype."""
        kind = kind_of(dtype)
        if not isinstance(v, (Map, View)):
            number = bool(v) if dtype == "bool" else dtypes.number(v, kind)
            return self.formula(number, names, careful)
        text, held = self.formula(v, names, careful)
        own = v.out.dtype if isinstance(v, Map) else v.dtype
        if kind_of(own) == kind:
            return text, held
        if kind != "bool" and held < ATOM and kind_of(own) == "bool":
            zero, one = ("0.0", "1.0") if kind == "float64" else ("0", "1")
            return f"{one} if {text} else {zero}", CHOICE
        return f"{KINDS[kind]}({text})", ATOM

    def called(self, function: str, args: list[str]) -> str:
        """A call of a function that the text brings along."""
        self.used.add(function)
        return f"{NAMES.get(function, function)}({', '.join(args)})"


def is_square(x: Operand, y: Operand) -> bool:
    """Whether xʸ is x x, a float."""
    return isinstance(x, View) and kind_of(x.dtype) == "float64" and y_is(y, 2.0)


def y_is(y: Operand, number: float) -> bool:
    """Whether an operand is a certain plain number. (A name is not even compared.)"""
    return not isinstance(y, (View, Map)) and bool(y == number)


KINDS = {"float64": "float", "int64": "int", "bool": "bool"}


def kind_of(dtype: str) -> str:
    """Python has floats of one size."""
    return "float64" if dtype.startswith("float") else dtype


def literal(v: float) -> str:
    """A number in Python."""
    if isinstance(v, float) and not math.isfinite(v):
        return "nan" if v != v else ("inf" if v > 0 else "-inf")
    return repr(v)


# --- functions that a text brings along -----------------------------------------------

HELPERS = {
    "rows_of": '''
def rows_of(x, width):
    """The numbers of a list, so many at a time."""
    return zip(*[iter(x)] * width)
''',
    "largest": '''
def largest(rows):
    """The largest number of each row; nan if one is nan."""
    if isnan(sum(map(sum, rows))):  # of a nan, or of inf and -inf
        return [nan if any(map(isnan, row)) else max(row) for row in rows]
    return [*map(max, rows)]
''',
    "largest_at": '''
def largest_at(xs):
    """Where the largest number is, the first if there are several; a nan wins."""
    for i, x in enumerate(xs):
        if x != x:
            return i
    return xs.index(max(xs))
''',
    "add_rows": '''
def add_rows(rows, indices, count, width, zero):
    """Zeros, to which each row is added at its index."""
    sums = [[zero] * width for _ in range(count)]
    for i, row in zip(indices, rows):
        sums[i] = [x + y for x, y in zip(sums[i], row)]
    return [x for row in sums for x in row]
''',
    "put_rows": '''
def put_rows(rows, indices, count, width, zero):
    """Zeros, but each row at its index."""
    found = [[zero] * width for _ in range(count)]
    for i, row in zip(indices, rows):
        found[i] = row
    return [x for row in found for x in row]
''',
    "put": '''
def put(xs, places, numbers):
    """Writes numbers into a list, each at its place."""
    for i, x in zip(places, numbers):
        xs[i] = x
''',
    "check_given": '''
def check_given(name, numbers, count):
    """Refuses what is no flat list of so many numbers."""
    flat = not any(hasattr(x, "__len__") for x in numbers)
    if len(numbers) != count or not flat:
        kind = "numbers" if flat else "rows"
        raise ValueError(
            f"step: {name} has {len(numbers)} {kind}; it must be a flat list of "
            f"{count} numbers, row by row"
        )
''',
    "check_range": """
def check_range(xs, count, but, says):
    for x in xs:
        if not 0 <= x < count and x != but:
            raise IndexError(says.format(x))
""",
    "check_true": """
def check_true(xs, says):
    if not all(xs):
        raise ValueError(says)
""",
    "check_finite": """
def check_finite(xs, says):
    for x in xs:
        if not math.isfinite(x):
            raise RuntimeError(says.format(x))
""",
}


def helper(name: str) -> list[str]:
    """The lines of a function that a text brings along."""
    if name in HELPERS:
        return HELPERS[name].strip().splitlines()
    text = inspect.getsource(getattr(floats, name)).strip()
    return text.replace(f"def {name}(", f"def {NAMES.get(name, name)}(").splitlines()


# --- matrix products ------------------------------------------------------------------

LONG = 24  # from here on Python's own inner product is faster, where there is one
MOST = 128  # products in one formula


PRODUCTS = {
    "product": ("rows, columns", "The product of matrices: each row times each column"),
    "products": ("xs, ys", "The products of matrices: each row times each column"),
    "linear": (
        "rows, columns, bias",
        "Each row times each column, plus the bias",
    ),
    "inner": ("rows, others", "Each row times the other of the same place"),
}


def product_lines(name: str, kind: str, k: int) -> list[str]:
    """A function that multiplies rows of k numbers."""
    given, says = PRODUCTS[kind]
    text = [f"def {name}({given}):", f'    """{says}, a sum of {k} products."""']
    xs, ys = (", ".join(f"{c}{i}" for i in range(k)) for c in "xy")
    if k == 1:
        xs, ys = f"{xs},", f"{ys},"

    def fors(x: str, y: str) -> list[str]:
        if kind == "inner":
            pair = f"({x}), ({y})" if "," in x else f"{x}, {y}"
            return [f"for {pair} in zip(rows, others)"]
        if kind == "linear":
            pair = f"({y}), b" if "," in y else f"{y}, b"
            return [f"for {x} in rows", f"for {pair} in pairs"]
        outer = ["for rows, columns in zip(xs, ys)"] if kind == "products" else []
        return [*outer, f"for {x} in rows", f"for {y} in columns"]

    plus = ""
    if kind == "linear":
        plus, text = " + b", [*text, "    pairs = [*zip(columns, bias)]"]

    if k > LONG:
        value = Listing([f"sumprod(x, y){plus}", *fors("x", "y")])
        text += ["    if sumprod:", *returned("        ", value)]
    if k > MOST:
        value = Listing([f"sum(map(times, x, y)){plus}", *fors("x", "y")])
        return [*text, *returned("    ", value)]
    terms = " + ".join(f"x{i} * y{i}" for i in range(k)) + plus
    return [*text, *returned("    ", Listing([terms, *fors(xs, ys)]))]
