"""A program in NumPy: in-place calls, over arrays that are made once."""

from __future__ import annotations

import math
from typing import Any

from ..anatomy import (
    Buffer,
    Check,
    Gather,
    Map,
    Operand,
    Product,
    Reduce,
    Scatter,
    Step,
    View,
)
from ..listing import Program
from ..saying import temporaries

CALLS = {
    "add": "np.add({0}, {1}, out={out})",
    "sub": "np.subtract({0}, {1}, out={out})",
    "mul": "np.multiply({0}, {1}, out={out})",
    "div": "np.divide({0}, {1}, out={out})",
    "pow": "np.power({0}, {1}, out={out})",
    "neg": "np.negative({0}, out={out})",
    "exp": "np.exp({0}, out={out})",
    "log": "np.log({0}, out={out})",
    "log1p": "np.log1p({0}, out={out})",
    "sqrt": "np.sqrt({0}, out={out})",
    "sin": "np.sin({0}, out={out})",
    "cos": "np.cos({0}, out={out})",
    "tanh": "np.tanh({0}, out={out})",
    "erf": "erf({0}, {out})",
    "maximum": "np.maximum({0}, {1}, out={out})",
    "eq": "np.equal({0}, {1}, out={out})",
    "ne": "np.not_equal({0}, {1}, out={out})",
    "lt": "np.less({0}, {1}, out={out})",
    "le": "np.less_equal({0}, {1}, out={out})",
    "gt": "np.greater({0}, {1}, out={out})",
    "ge": "np.greater_equal({0}, {1}, out={out})",
    "copy": "np.copyto({out}, {0})",
    "where": "where({0}, {1}, {2}, out={out})",
}
# What NumPy computes x ** y by, if y is one of these.
POWERS = {
    2.0: "np.square({0}, out={out})",
    0.5: "np.sqrt({0}, out={out})",
    -1.0: "np.reciprocal({0}, out={out})",
}
# Of plain numbers.
SCALARS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "pow": "{0} ** {1}",
    "neg": "-{0}",
    "sqrt": "math.sqrt({0})",
    "copy": "{0}",
}
REDUCTIONS = {
    "sum": "np.add.reduce({0}, axis={axes}, keepdims=True, out={out})",
    "max": "np.maximum.reduce({0}, axis={axes}, keepdims=True, out={out})",
    "argmax": "np.argmax({0}, axis={axis}, keepdims=True, out={out})",
}
HELPERS = {
    "where": """
def where(condition, x, y, out):
    np.copyto(out, y)
    np.copyto(out, x, where=condition)
""",
    "erf": """
def erf(x, out):
    out[...] = np.frompyfunc(math.erf, 1, 1)(x)
""",
    "check_range": """
def check_range(x, count, but, says):
    wrong = (x < 0) | (x >= count)
    if wrong.any():
        for i in x[wrong]:
            if i != but:
                raise IndexError(says.format(i))
""",
    "check_true": """
def check_true(x, says):
    if not x.all():
        raise ValueError(says)
""",
    "check_finite": """
def check_finite(x, says):
    if not np.isfinite(x).all():
        raise RuntimeError(says.format(float(x)))
""",
}


class NumPyText:
    """The text of a program."""

    def __init__(self, program: Program, said: Any = None) -> None:
        self.program, self.said = program, said
        self.memory: list[str] = []  # what makes arrays
        self.known: dict[Any, str] = {}  # view → its name
        self.used: set[str] = set()  # helpers
        self.lies_in = temporaries(program.steps)

    def text(self) -> str:
        program, body = self.program, list[str]()
        for buffer in program.lasting:
            self.ref(View(buffer))
        parts = (
            self.said.sections(program.steps) if self.said else [("", program.steps)]
        )
        for title, steps in parts:
            body += ["", f"    # --- {title} ---"] if title else []
            body += [line for step in steps for line in self.lines(step, "    ")]
        first = [line for step in program.first for line in self.lines(step, "")]
        results = ", ".join(f"{self.ref(view)}.copy()" for view in program.results)
        given = [f"new_{b.name}" for b in program.given]
        head = ", ".join([*given, *(b.name for b in program.scalars)])
        copies = [f"    np.copyto({b.name}, new_{b.name})" for b in program.given]
        helpers = [HELPERS[name].strip() for name in sorted(self.used)]
        lines = [
            f'"""{program.title}."""',
            "import math",
            "import numpy as np",
            *helpers,
            "\n".join(
                [f"def step({head}):", *copies, *body, "", f"    return ({results},)"]
            ),
            "\n".join(["# === Memory: each array is made once ===\n", *self.memory]),
        ]
        if first:
            once = "# === What is the same at each step ===\n"
            lines.append("\n".join([once, *first]))
        return "\n\n\n".join(lines).replace("math\n\n\n", "math\n\n") + "\n"

    # --- one step ---------------------------------------------------------------------

    def lines(self, step: Step, indent: str) -> list[str]:
        code = indent + self.call(step)
        comment = self.said.comment(step) if self.said else ""
        return [f"{code:<68}  # {comment}" if comment else code]

    def call(self, step: Step) -> str:
        if isinstance(step, Check):
            helper = f"check_{step.question}"
            self.used.add(helper)
            what = f"{step.count}, {step.but}, " if step.question == "range" else ""
            return f"{helper}({self.ref(step.out)}, {what}{step.sentence!r})"
        if step.out.buffer.role == "scalar":
            assert isinstance(step, Map)
            args = [self.operand(v) for v in step.args]
            return f"{step.out.buffer.name} = {SCALARS[step.function].format(*args)}"
        out = self.ref(step.out)
        if isinstance(step, Map):
            return self.map_call(step, out)
        if isinstance(step, Reduce):
            dtype = f", dtype={step.out.dtype!r}" if step.x.dtype == "bool" else ""
            axes = step.axes if len(step.axes) != 1 else step.axes[0]
            call = REDUCTIONS[step.function]
            if step.function == "sum" and dtype:
                call = call.replace(", out=", dtype + ", out=")
            return call.format(self.ref(step.x), axes=axes, axis=axes, out=out)
        if isinstance(step, Product):
            return f"np.matmul({self.ref(step.x)}, {self.ref(step.y)}, out={out})"
        if isinstance(step, Gather):
            x, at = self.ref(step.x), self.ref(step.indices)
            return f'np.take({x}, {at}, axis=0, out={out}, mode="clip")'
        assert isinstance(step, Scatter)
        x, at = self.ref(step.x), self.ref(step.indices)
        return f"{out}.fill(0); np.add.at({out}, {at}, {x})"

    def map_call(self, step: Map, out: str) -> str:
        args = [self.operand(v) for v in step.args]
        call = CALLS[step.function]
        if step.function in HELPERS:
            self.used.add(step.function)
        if step.function == "pow" and isinstance(step.args[1], (int, float)):
            call = POWERS.get(float(step.args[1]), call)
        text = call.format(*args, out=out)
        if step.function == "where" and args[2] == out:  # it is there already
            return f"np.copyto({out}, {args[1]}, where={args[0]})"
        views = [v.dtype for v in step.args if isinstance(v, View)]
        if step.function == "copy" and views and views[0] != step.out.dtype:
            text = text[:-1] + ', casting="unsafe")'
        return text

    # --- names ------------------------------------------------------------------------

    def operand(self, v: Operand) -> str:
        return self.ref(v) if isinstance(v, View) else literal(v)

    def ref(self, view: View) -> str:
        """The name of a view, which is made in the memory's section."""
        if view.key in self.known:
            return self.known[view.key]
        if view.buffer in self.lies_in:  # a stage on the way to another
            return self.ref(View(self.lies_in[view.buffer]))
        if view.buffer.role == "scalar":
            return view.buffer.name
        home = view.buffer.home
        if home and view.whole and view.shape == home[0].shape:  # all of its home
            return self.ref(View(home[0]))
        if view.whole and view.shape == view.buffer.shape:
            self.known[view.key] = view.buffer.name
            self.memory.append(self.made(view.buffer))
            return view.buffer.name
        expression = self.expression(view)
        namer = self.program.namer
        if view.key not in namer.views:
            namer.views[view.key] = namer.free(wish_of(view))
        name = namer.views[view.key]
        self.known[view.key] = name
        self.memory.append(f"{name} = {expression}  # {view.shape}, a view")
        return name

    def made(self, buffer: Buffer) -> str:
        """The line that makes a buffer's memory."""
        if buffer.home is not None:
            home, start = buffer.home
            whole = self.ref(View(home))
            flat = whole if len(home.shape) == 1 else f"{whole}.reshape(-1)"
            piece = f"{flat}[{start} : {start + buffer.size}]"
            return f"{buffer.name} = {piece}.reshape({buffer.shape})"
        if buffer.role == "constant" and buffer.owner is None:
            return f"{buffer.name} = {constant_text(buffer)}"
        make = "zeros" if buffer.role == "state" else "empty"
        return f'{buffer.name} = np.{make}({buffer.shape}, "{buffer.dtype}")'

    def expression(self, view: View) -> str:
        if view.made is None:  # all of a buffer, under another shape
            return f"{self.ref(View(view.buffer))}.reshape({view.shape})"
        parent, how, what = view.made
        x = self.ref(parent)
        if how == "reshape":
            return f"{x}.reshape({what})"
        if how == "transpose":
            swapped = (*range(len(what) - 2), len(what) - 1, len(what) - 2)
            return f"{x}.mT" if what == swapped else f"{x}.transpose({what})"
        if how == "broadcast":
            return f"np.broadcast_to({x}, {what})"
        return f"{x}[{', '.join(map(slice_text, what, parent.shape))}]"


def wish_of(view: View) -> str:
    """A name for a view that nothing names."""
    if view.made is None:
        return f"{view.buffer.name}_view"
    parent, how, what = view.made
    base = parent.buffer.name
    if how == "transpose":
        return f"{base}_T"
    if how == "reshape":
        return f"{base}_{'x'.join(map(str, what)) or 'number'}"
    return f"{base}_part" if how == "slice" else f"{base}_repeated"


def slice_text(bounds: tuple[int, int | None, int], size: int) -> str:
    start, stop, step = bounds
    left = "" if start == 0 and step > 0 else str(start)
    right = "" if stop is None or (stop == size and step > 0) else str(stop)
    return f"{left}:{right}" + (f":{step}" if step != 1 else "")


def literal(v: float) -> str:
    """A number, as Python writes it."""
    if isinstance(v, float) and not math.isfinite(v):
        return "np.nan" if v != v else ("np.inf" if v > 0 else "-np.inf")
    return repr(v)


def constant_text(buffer: Buffer) -> str:
    """What makes an array of numbers that never change."""
    flat = flat_numbers(buffer.value)
    if (
        len(flat) > 1
        and isinstance(flat[0], int)
        and flat == [*range(flat[0], flat[0] + len(flat))]
    ):
        made = f"np.arange({flat[0]}, {flat[0] + len(flat)})"
    elif len(flat) > 1 and len({*flat}) == 1:
        made = f'np.full({len(flat)}, {literal(flat[0])}, "{buffer.dtype}")'
    else:
        listed = ", ".join(map(literal, flat))
        made = f'np.array([{listed}], "{buffer.dtype}")'
    return made if buffer.shape == (len(flat),) else f"{made}.reshape({buffer.shape})"


def flat_numbers(array: Any) -> list[Any]:
    """The numbers of an array of any backend, row by row."""
    numbers: list[Any] = [array.tolist()]
    for _ in array.shape:
        numbers = [v for row in numbers for v in row]
    return numbers
