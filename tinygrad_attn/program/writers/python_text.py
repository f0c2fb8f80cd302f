"""A program in plain Python: lists of numbers, and nothing that is not Python's own.

Each step is a line that makes a list. What is computed number by number is a
comprehension, with as many steps in it as nothing else reads (nesting.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..anatomy import LASTING, Buffer, View
from ..listing import Program
from ..nesting import nested
from ..signs import Signs
from .numpy_words import flat_numbers
from .preface import preface
from .python_layout import Listing, commented, folded, section
from .python_lists import Segment, zero
from .python_steps import Steps
from .python_words import helper, literal, product_lines

IMPORTS = {
    "math": {"inf": "inf", "isnan": "isnan", "nan": "nan"},
    "operator": {"itemgetter": "itemgetter", "times": "mul as times"},
}


class PythonText:
    """The text of a program.

    Attributes:
        moved: the lasting buffers that a step writes.
    """

    def __init__(
        self, program: Program, said: Any = None, module: str = "step"
    ) -> None:
        self.program, self.said, self.module = program, said, module
        signs = Signs(program.all_steps)
        read = [view for step in program.steps for view in step.reads()]
        self.first = nested(program.first, [*program.results, *read])
        self.each = nested(program.steps, program.results)
        homes = [s.out.buffer.place[0] for s in self.each if s.out.size]
        self.moved = [b for b in dict.fromkeys(homes) if b.role in LASTING]
        every, namer, taken = [*self.first, *self.each], program.namer, set[str]()
        taken |= namer.taken
        self.steps = Steps(every, namer, signs, {})
        self.write()  # counts what is read several times
        often = self.steps.matrices.counts
        namer.taken = {*taken}
        self.steps = Steps(every, namer, signs, often, said)
        self.once, self.body = self.write()
        namer.taken = taken

    def text(self, imports: Sequence[str] = ()) -> str:
        """The text, which imports what it needs, and some modules more."""
        program, steps = self.program, self.steps
        named = ", ".join(b.name for b in (*program.given, *program.scalars))
        once = [*steps.lists.order_lines(), *self.once]
        memory = [
            commented(f"{b.name} = [{zero(b)}] * {b.size}", f"{b.shape}")
            for b in program.lasting
            if b.home is None
        ]
        lines = [
            *section("Memory: what lasts from step to step", memory),
            *section("What is the same at each step", once),
            *("", "", *folded(f"def step({named}):", "", "        ")),
            *self.docstring(),
            *self.body,
            "",
        ]
        head = [f'"""{program.title}."""']
        if self.said is not None:
            first, *others = preface(program, "python", self.module)
            head = [f'"""{first}', *others, '"""']
        return "\n".join([*head, *self.helpers(lines, imports), *lines])

    def write(self) -> tuple[list[str], list[str]]:
        """The lines that run once, and those of a step."""
        program, steps = self.program, self.steps
        lists = steps.lists
        used = [view for s in (*self.first, *self.each) for view in s.reads()]
        for view in (*used, *program.results):
            home = view.buffer.place[0]
            if home.role == "constant" and home.owner is None:
                self.constant(home)
        for step in self.first:
            steps.write(step)
        once, steps.lines, steps.indent = steps.lines, [], "    "
        for buffer in (*program.lasting, *program.given):
            if buffer.home is None:
                lists.known(buffer, buffer.name)
        self.cut()
        parts = self.said.sections(self.each) if self.said else [("", self.each)]
        for title, part in parts:
            steps.lines += ["", f"    # --- {title} ---"] if title else []
            for step in part:
                steps.write(step)
        results = ", ".join(self.result(view) for view in program.results)
        if self.moved:
            steps.lines += ["", "    # --- what the next step begins with ---"]
            for buffer in self.moved:
                steps.assign(buffer.name, lists.read(buffer, 0, buffer.size))
        steps.lines += folded(f"return ({results},)", "    ", "        ")
        return once, steps.lines

    def constant(self, buffer: Buffer) -> None:
        """The numbers that never change."""
        if buffer in self.steps.lists.segments:
            return
        flat: list[Any] = flat_numbers(buffer.value)
        if buffer.dtype.startswith("float"):
            flat = [*map(float, flat)]
        elif buffer.dtype == "bool":
            flat = [*map(bool, flat)]
        many = len(flat) > 1
        last = flat[0] + len(flat) if many and buffer.dtype == "int64" else 0
        value: str | Listing
        if last and flat == [*range(flat[0], last)]:
            value = f"[*range({flat[0]}, {last})]"
        elif many and len({*map(literal, flat)}) == 1:
            value = f"[{literal(flat[0])}] * {len(flat)}"
        else:
            value = Listing([*map(literal, flat)], ",")
        self.steps.assign(buffer.name, value, f"{buffer.shape}")
        self.steps.lists.known(buffer, buffer.name)

    def cut(self) -> None:
        """Cuts the vector of all parameters into the parts that the steps read."""
        lists, lines = self.steps.lists, self.steps.lines
        parts = {
            view.buffer: view.buffer.place
            for step in self.each
            for view in step.reads()
            if view.buffer.home and view.buffer.owner is not None
        }
        if parts:
            lines += ["", "    # --- the parameters ---"]
        for part, (home, start) in parts.items():
            stop = start + part.size
            name = lists.read(home, start, stop)
            self.steps.assign(part.name, name, f"{part.shape}")
            new = Segment(start, stop, part.name, 0, part.size)
            lists.segments[home].append(new)

    def result(self, view: View) -> str:
        """A list that a step returns; or a number."""
        text = self.steps.listed(view)
        number = re.fullmatch(r"\[(\w+)\]", text)
        return number[1] if number else text

    def docstring(self) -> list[str]:
        """What a step begins with."""
        lines = ['    """One step. Arrays are flat lists of numbers, row by row."""']
        if self.moved:
            names = ", ".join(b.name for b in self.moved)
            moved = folded(names, "    global ", "    global ")
            lines += [line.removesuffix(",") for line in moved]
        for b in self.program.given if self.said is not None else ():
            lines.append(f'    check_given("{b.name}", {b.name}, {b.size})')
        return lines

    def helpers(self, lines: list[str], more: Sequence[str]) -> list[str]:
        """The imports, and the functions that the text brings along."""
        used = self.steps.words.used
        if self.said is not None and self.program.given:
            used |= {"check_given"}
        text: list[str] = []
        for name in sorted(used):
            text += ["", "", *helper(name)]
        for (kind, k), name in self.steps.products.items():
            text += ["", "", *product_lines(name, kind, k)]
        every = "\n".join([*text, *lines])
        said = re.sub(r'""".*?"""|#[^\n]*', "", every, flags=re.S)
        words = {*re.findall(r"[A-Za-z_]\w*", said)}
        modules = {*more, *(["math"] if {"math", "sumprod"} & words else [])}
        found = [f"import {name}" for name in sorted(modules)]
        for name, known in IMPORTS.items():
            if names := [known[word] for word in known if word in words]:
                found.append(f"from {name} import {', '.join(names)}")
        imports = ["", *found] if found else []
        if "sumprod" in said:
            given = 'sumprod = getattr(math, "sumprod", None)'
            imports += ["", commented(given, "from Python 3.12 on")]
        return [*imports, *text]
