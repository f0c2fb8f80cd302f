"""A program in JavaScript, for a page or for Node.js.

The text is one function, `createProgram`. Inside, each buffer is an array that has its
name, and each step a call of a small function that has the loops (bodies.py). Steps
with the same loops over other arrays share one.

    const program = createProgram();
    program.load({ weight: [[0.1, 0.2], [0.3, 0.4]], bias: [0, 0] });
    const { loss } = program.step({ x: [[1, 2]], labels: [0], lr: 0.1, t: 1 });
    program.parameters.weight.array; // its numbers as they are now
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from ..anatomy import Buffer, Check, Map, Operand, Product, Step, View
from ..listing import Program
from ..naming import unused
from .bodies import body_of, check_body, operands
from .javascript_frame import GIVEN, MEMORY, PLAIN, REQUIRED, SHOWN, TYPED
from .javascript_products import tiled_body
from .javascript_words import HELPERS, NAMES, JavaScript, comment, string
from .numpy_text import wish_of
from .numpy_words import flat_numbers
from .preface import names_given, preface

# role of a buffer → the group in which the program shows it
GROUPS = {
    "input": "inputs",
    "random": "randoms",
    "parameter": "parameters",
    "constant": "constants",
    "state": "state",
    "local": "locals",
}
COMMENTS = 64  # the column where they begin


class JavaScriptText:
    """The text of a program.

    Attributes:
        said: what stands beside the lines (saying.py).
        typed: whether arrays are typed, those of float32 with 32 bits; else all are
            plain ones.
        module: whether the text is a module that exports createProgram; else a script,
            in which that is a global function, and which Node.js can `require`.
        alone: step → the name of the part that it belongs to. A part is a function,
            `program.alone.NAME()`, which a step calls, and which can be called alone.
    """

    def __init__(
        self,
        program: Program,
        said: Any = None,
        *,
        typed: bool = True,
        module: bool = False,
        alone: Mapping[Step, str] | None = None,
    ) -> None:
        self.program, self.said, self.module = program, said, module
        self.alone = alone or {}
        self.say = JavaScript(typed)
        self.taken = {*program.namer.taken}
        namer = program.namer
        self.known = namer.views | namer.called  # view → its name
        self.memory: dict[Buffer, list[str]] = {}  # the lines that make an array
        self.loops: dict[tuple[str, str], str] = {}  # a function → its name
        self.counts: dict[str, int] = {}  # what functions are called → how many are
        self.inputs = names_given(program)
        self.model = {*program.leaves.values()}

    def text(self) -> str:
        program, said = self.program, self.said
        for buffer in (*program.given, *program.lasting):
            self.declare(buffer)
        each: list[str] = []
        for title, steps in said.sections(program.steps) if said else []:
            each += ["", f"// --- {comment(title)} ---"]
            each += [f"// {comment(note)}" for note in said.notes(steps)]
            each += map(self.line, steps)
        first = [*map(self.line, program.first)]
        parts: list[str] = []
        if not each:
            parts, each = self.parts()
        inside = [*self.start(), *each, "", *self.returned()]
        loops = [f"function {name}{text}\n" for (text, _), name in self.loops.items()]
        used = "\n".join([*loops, *each, *first, *parts])
        helpers = [text for name, text in HELPERS.items() if f"{name}(" in used]
        made = MEMORY.replace("@array@", TYPED if self.say.typed else PLAIN)
        arrays = [line for lines in self.memory.values() for line in lines]
        chapters = {
            "A step": ["function step(given = {}) {", *indented(inside), "}"],
            "Loops": [*helpers, *loops],
            "Memory: an array for each tensor": [made, *arrays, *self.views()],
            "Parts of a step": parts,
            "What is the same at each step": first,
            "What is given and read": [GIVEN],
        }
        body = ['"use strict";']
        for title, lines in chapters.items():
            body += ["", f"// === {title} ===", "", *lines] if lines else []
        body += ["", "loadNumbers(numbers ?? {});", SHOWN]
        return "\n".join(
            [
                *self.head(),
                "",
                f"{'export ' * self.module}function createProgram(numbers) {{",
                *indented(body),
                "}",
                *([] if self.module else [REQUIRED]),
                "",
            ]
        )

    def parts(self) -> tuple[list[str], list[str]]:
        """The lines of the parts, and those of the steps, which call them."""
        parts: list[str] = []
        each: list[str] = []
        for name, steps in groupby(self.program.steps, self.alone.get):
            lines = [*map(self.line, steps)]
            if name is None:
                each += lines
                continue
            parts += [f"program.alone.{name} = () => {{", *indented(lines), "};"]
            each.append(f"program.alone.{name}();")
        return ["program.alone = {};", *parts] if parts else [], each

    def head(self) -> list[str]:
        """What the text is, and how it is used."""
        if self.said is None:
            return [f"// {comment(self.program.title)}."]
        lines = preface(self.program, "javascript")
        return [f"// {comment(line)}".rstrip() for line in lines]

    # --- a step -----------------------------------------------------------------------

    def line(self, step: Step) -> str:
        if isinstance(step, Check):
            return self.called("check", step, check_body(self.say, step, refusal(step)))
        if step.out.buffer.role == "scalar":
            assert isinstance(step, Map)
            args = [self.scalar(v) for v in step.args]
            value = self.say.computed(
                step.function, args, step.args, "float64", "float64"
            )
            return f"const {step.out.buffer.name} = {value};"
        name = getattr(step, "function", type(step).__name__.lower())
        if isinstance(step, Product):
            code = self.called(name, step, tiled_body(self.say, step))
        else:
            code = self.called(name, step, body_of(self.say, step))
        beside = comment(self.said.comment(step)) if self.said else ""
        return f"{code:<{COMMENTS}} // {beside}" if beside else code

    def called(self, wish: str, step: Step, body: str) -> str:
        """A call of the function with this body, which is made if there is none."""
        heads: list[str] = []
        args: list[str] = []
        kinds: list[str] = []  # arrays of one kind alone keep a function fast
        reads = 1 if isinstance(step, Check) else 0
        for k, view in enumerate(operands(step), reads):
            buffer = view.buffer.alias
            self.declare(buffer)
            offset = self.say.offset(view)
            heads += [NAMES[k], f"{NAMES[k]}0"][: 2 if offset else 1]
            args += [buffer.name, str(offset)][: 2 if offset else 1]
            kinds.append(self.say.kind(view.dtype))
        for k, number in enumerate(dict.fromkeys(re.findall("«(.*?)»", body))):
            body = body.replace(f"«{number}»", f"s{k}")
            heads.append(f"s{k}")
            args.append(number)
        text = f"({', '.join(heads)}) {{\n{body}\n}}"
        key = text, ", ".join(kinds)
        if key not in self.loops:
            count = self.counts[wish] = self.counts.get(wish, 0) + 1
            self.loops[key] = unused(f"{wish}{count}", self.taken)
        return f"{self.loops[key]}({', '.join(args)});"

    def scalar(self, v: Operand) -> str:
        """A plain number: given at each run, or computed of such."""
        if isinstance(v, View):
            return v.buffer.name
        return self.say.literal(v, "float64")

    # --- memory -----------------------------------------------------------------------

    def declare(self, buffer: Buffer) -> None:
        """Notes the lines that make an array, behind those of what it is a part of."""
        if buffer in self.memory or buffer.role == "scalar":
            return
        args = [
            string(self.group(buffer)),
            string(self.inputs.get(buffer, buffer.name)),
            string(buffer.dtype),
            f"[{', '.join(map(str, buffer.shape))}]",
        ]
        if buffer.home is not None:
            self.declare(buffer.home[0])
            home, start = buffer.home if self.say.typed else buffer.place
            args += [buffer.home[0].name, str(start)]
        self.memory[buffer] = [f"const {buffer.name} = memory({', '.join(args)});"]
        if self.group(buffer) == "fixed":
            self.memory[buffer] += self.filled(buffer)

    def group(self, buffer: Buffer) -> str:
        """Where the program shows a buffer."""
        if buffer.role == "parameter" and buffer not in self.model:
            return "vectors"  # of which parameters are parts
        if buffer.role == "constant" and buffer.owner is None:
            return "fixed"
        return GROUPS[buffer.role]

    def filled(self, buffer: Buffer) -> list[str]:
        """The lines that put a constant's numbers into its array."""
        flat = [self.say.literal(v, buffer.dtype) for v in flat_numbers(buffer.value)]
        if len({*flat}) == 1:
            return [f"{buffer.name}.fill({flat[0]});"]
        if flat == [str(i) for i in range(len(flat))]:
            return [f"{buffer.name}.forEach((_, i, all) => {{ all[i] = i; }});"]
        put = f"].forEach((v, i) => {{ {buffer.name}[i] = v; }});"
        return ["[", *indented(textwrap.wrap(", ".join(flat), 80)), put]

    def views(self) -> list[str]:
        """The lines that show views, as tensors."""
        lines = []
        for (buffer, offset, shape, strides), name in self.known.items():
            if buffer in self.memory:
                start = self.say.offset(View(buffer, shape, strides, offset))
                args = f"{string(buffer.dtype)}, {[*shape]}, {[*strides]}"
                made = f"makeTensor({buffer.name}, {start}, {args})"
                lines.append(f"program.views.{name} = {made};")
        return ["", *lines] if lines else []

    def shown(self, view: View) -> str:
        """A view, as the program shows it."""
        buffer = view.buffer
        self.declare(buffer)
        if view.whole and view.shape == buffer.shape:
            name = self.inputs.get(buffer, buffer.name)
            return f"program.{self.group(buffer)}.{name}"
        if view.key not in self.known:
            self.known[view.key] = unused(wish_of(view), self.taken)
        return f"program.views.{self.known[view.key]}"

    # --- what is given, and what comes out --------------------------------------------

    def start(self) -> list[str]:
        """The first lines of a step."""
        self.program.check_lasts("write")
        scalars = self.program.scalars
        names = [b.name for b in scalars]
        lines = [f"takeGiven(given, [{', '.join(map(string, names))}]);"]
        for b in scalars:
            args = [string(b.name), f"given.{b.name}"]
            args += [] if b.value is None else [self.scalar(b.value)]
            lines.append(f"const {b.name} = takeNumber({', '.join(args)});")
        for b, was in self.program.draft.tape.decided.items():
            if b in scalars:
                number, wrong = (
                    ("a number other than 0", "===") if was else ("0", "!==")
                )
                says = f"step: {b.name} must be {number}, which the program is for"
                lines.append(
                    f"if ({b.name} {wrong} 0) throw new Error({string(says)});"
                )
        return lines

    def returned(self) -> list[str]:
        """The lines of what a step returns."""
        draft, results = self.program.draft, self.program.results
        outputs, gradients = (
            results[: len(draft.outputs)],
            results[len(draft.outputs) :],
        )
        lines = []
        if draft.trains:
            loss, outputs = outputs[0], outputs[1:]
            self.declare(loss.buffer)
            lines = [f"loss: {loss.buffer.name}[{self.say.offset(loss)}],"]
        shown = [self.shown(view) for view in outputs]
        if shown:
            pairs = {name.rpartition(".")[2]: name for name in shown}
            lines += read("outputs", pairs)
        if gradients:
            names = self.program.gradient_names
            lines += read("gradients", dict(zip(names, map(self.shown, gradients))))
        return ["return {", *indented(lines), "};"]


def read(group: str, tensors: Mapping[str, str]) -> list[str]:
    """The lines that return the numbers of tensors, by name."""
    lines = [f"{name}: readTensor({tensor})," for name, tensor in tensors.items()]
    return [f"{group}: {{", *indented(lines), "},"]


def refusal(check: Check) -> str:
    """What throws a check's error, with the number v in its sentence."""
    error = "RangeError" if issubclass(check.error, IndexError) else "Error"
    if check.question == "true":
        return f"throw new {error}({string(check.sentence)});"
    number = "v" if check.question == "range" else "spelled(v)"
    before, _, after = check.sentence.format("\0").partition("\0")
    return f"throw new {error}({string(before)} + {number} + {string(after)});"


def indented(lines: Iterable[str]) -> list[str]:
    """Lines, further to the right."""
    return [f"  {line}".rstrip() for several in lines for line in several.split("\n")]
