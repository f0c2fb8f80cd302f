"""A program in NumPy: in-place calls, over arrays that are made once."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from ..arranging import stages, uses
from ..listing import Program
from ..memory import BYTES, Memory, memory_of
from ..naming import unused
from .numpy_blocks import BLOCK, length_of, own_buffers, runs
from .numpy_choices import is_zero, with_maxima
from .numpy_words import (
    CALLS,
    HELPERS,
    MANY,
    POWERS,
    REDUCTIONS,
    SCALARS,
    constant_text,
    literal,
    many,
)
from .preface import preface

ENOUGH = 1_000_000  # bytes: up to here each buffer has its own
MEMORY = "# === Memory: each array is made once ===\n"


class NumPyText:
    """The text of a program."""

    def __init__(
        self, program: Program, said: Any = None, module: str = "step"
    ) -> None:
        self.program, self.said, self.module = program, said, module
        self.memory: list[str] = []  # what makes arrays
        self.known: dict[Any, str] = {}  # view → its name
        self.used: set[str] = set()  # helpers
        changed = with_maxima(program.steps)
        self.was = {new: old for old, new in changed.items()}
        self.steps = [*self.was]
        own = {s.out.buffer for s in self.steps if s.out.buffer.role == "local"}
        self.large = sum(b.size * BYTES[b.dtype] for b in own) > ENOUGH
        kept = {view.buffer for view in (*program.results, *program.gradients)}
        if not self.large:  # what has a name of its own has memory of its own
            kept |= program.namer.told
        self.lies_in = stages(self.steps, kept, self.large)
        self.small = {  # buffers of which a piece is enough
            buffer
            for run in runs(self.steps)
            if max(map(length_of, run)) > 1
            for buffer in own_buffers(run, self.steps)
            if self.home(buffer).role == "local"
        }
        self.plan = self.planned()
        _, reads = uses(self.steps)
        there, told = self.plan.places if self.plan else (), program.namer.told
        self.renamed = {  # those that need no name of their own
            stage
            for stage in self.lies_in
            if (len({*reads[stage]}) == 1 and stage not in told)
            or self.home(stage) not in there
        }
        if said is not None:
            self.said = said.with_stages(self.renamed)

    def planned(self) -> Memory | None:
        """Where buffers lie that leave their place to others; None if each has memory
        of its own, as long as that is not too much."""
        program = self.program
        if not self.large:
            return None
        results = [*program.results, *(View(b) for b in program.given)]
        results += program.gradients  # a compiled program's are compared with them
        steps = [[step] for step in self.steps]
        return memory_of(program, steps, self.small, results, self.lies_in)

    def text(self, imports: Sequence[str] = ()) -> str:
        """The text, which imports what it needs, and some modules more."""
        program, body = self.program, list[str]()
        for buffer in (*program.lasting, *program.given):
            self.ref(View(buffer))
        parts = self.said.sections(self.steps) if self.said else [("", self.steps)]
        for title, steps in parts:
            body += ["", f"    # --- {title} ---"] if title else []
            for note in self.said.notes(steps) if title else ():
                body.append(f"    # {note}")
            for run in runs(steps):
                body += self.run(run)
        first = [line for step in program.first for line in self.lines(step, "")]
        results = ", ".join(f"{self.ref(view)}.copy()" for view in program.results)
        given = [self.given(b) for b in program.given]
        head = ", ".join([*given, *(b.name for b in program.scalars)])
        both = [*zip(program.given, given)]
        copies = [f"    np.copyto({b.name}, {new})" for b, new in both]
        if self.said is not None and both:
            self.used.add("check_given")
            checks = [f'    check_given("{b.name}", {n}, {b.shape})' for b, n in both]
            copies = [*checks, *copies]
        arenas = self.arenas()
        helpers = [HELPERS[name].strip() for name in sorted(self.used)]
        used = "\n".join([*helpers, *body, *first])
        modules = {*imports, *(["math"] if "math." in used else [])}
        imported = "".join(f"import {m}\n" for m in sorted(modules))
        imported += "\n" * bool(imported)
        lines = [
            self.head(),
            imported + "import numpy as np",
            *helpers,
            "\n".join(
                [f"def step({head}):", *copies, *body, "", f"    return ({results},)"]
            ),
            "\n".join([MEMORY, *arenas, *self.memory]),
        ]
        if first:
            once = "# === What is the same at each step ===\n"
            lines.append("\n".join([once, *first]))
        return "\n\n\n".join(lines).replace("\n\n\n", "\n\n", 1) + "\n"

    def head(self) -> str:
        """What the text is, and how it is used."""
        if self.said is None:
            return f'"""{self.program.title}."""'
        lines = preface(self.program, "numpy", self.module)
        return "\n".join([f'"""{lines[0]}', *lines[1:], '"""'])

    def run(self, run: Sequence[Step]) -> list[str]:
        """The lines of some steps; of those through long vectors a loop over pieces."""
        if len(run) == 1 or max(map(length_of, run)) == 1:
            return [line for step in run for line in self.lines(step, "    ")]
        numbers = [s for s in run if length_of(s) == 1]
        lines = [line for step in numbers for line in self.lines(step, "    ")]
        steps = [s for s in run if length_of(s) > 1]
        size = steps[0].out.size
        views = {v.key: v for s in steps for v in (*s.reads(), s.out)}
        pieces: list[str] = []
        names: dict[str, str] = {}
        taken = {*self.program.namer.taken}
        for view in views.values():
            if view.buffer.role == "scalar":
                continue
            name = self.ref(view)
            if name not in names:
                names[name] = unused(f"{name}_at", taken)
                small = self.home(view.buffer) in self.small
                cut = f"[: {size} - at]" if small else f"[at : at + {BLOCK}]"
                pieces.append(f"{names[name]} = {name}{cut}")
        inner = [line for step in steps for line in self.lines(step, " " * 8)]
        for name, piece in names.items():
            inner = [re.sub(rf"\b{name}\b(?=[,)\]])", piece, line) for line in inner]
        head = f"    for at in range(0, {size}, {BLOCK}):"
        return [*lines, head, *(" " * 8 + piece for piece in pieces), *inner]

    def given(self, buffer: Buffer) -> str:
        """What the numbers that a run is given for a buffer are called."""
        namer = self.program.namer
        if buffer not in namer.given:
            namer.given[buffer] = namer.free(f"new_{buffer.name}")
        return namer.given[buffer]

    # --- one step ---------------------------------------------------------------------

    def lines(self, step: Step, indent: str) -> list[str]:
        code = indent + self.call(step)
        comment = self.said.comment(self.was.get(step, step)) if self.said else ""
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
            if many(step):
                self.used.add("add_many")
                return f"add_many({self.ref(step.x)}, {step.axes}, out={out})"
            call = REDUCTIONS[step.function]
            if step.function == "sum" and dtype:
                call = call.replace(", out=", dtype + ", out=")
            floats = step.x.dtype.startswith("float")
            if step.function == "max" and floats and step.x.size > MANY:
                call = call.replace(", out=", ", initial=-np.inf, out=")
            return call.format(self.ref(step.x), axes=axes, axis=axes, out=out)
        if isinstance(step, Product):
            return f"np.matmul({self.ref(step.x)}, {self.ref(step.y)}, out={out})"
        if isinstance(step, Gather):
            x, at = self.ref(step.x), self.ref(step.indices)
            return f'np.take({x}, {at}, axis=0, out={out}, mode="clip")'
        assert isinstance(step, Scatter)
        x, at = self.ref(step.x), self.ref(step.indices)
        if not step.adds:
            return f"{out}.fill(0); {out}[{at}] = {x}"
        if step.x.size > MANY and step.out.contiguous:
            self.used.add("add_rows")
            return f"add_rows({x}, {at}, out={out})"
        return f"{out}.fill(0); np.add.at({out}, {at}, {x})"

    def map_call(self, step: Map, out: str) -> str:
        args = [self.operand(v) for v in step.args]
        if step.function == "where" and (bitwise := self.by_bits(step, args, out)):
            return bitwise
        call = CALLS[step.function]
        if step.function in HELPERS:
            self.used.add(step.function)
        if step.function == "pow" and isinstance(step.args[1], (int, float)):
            call = POWERS.get(float(step.args[1]), call)
        text = call.format(*args, out=out)
        if step.function == "where" and self.is_there(step.args[2], step.out):
            return f"np.copyto({out}, {args[1]}, where={args[0]})"
        if step.function == "where" and self.is_there(step.args[1], step.out):
            return f"np.copyto({out}, {args[2]}, where=~{args[0]})"
        views = [v.dtype for v in step.args if isinstance(v, View)]
        if step.function == "copy" and views and views[0] != step.out.dtype:
            text = text[:-1] + ', casting="unsafe")'
        return text

    def arenas(self) -> list[str]:
        """The memory that buffers share one after the other."""
        if self.plan is None:
            return []
        self.used.add("aligned")
        return [
            f'memory_of_{dtype} = aligned(({self.plan.sizes[k]},), "{dtype}")'
            for (dtype, lasts), k in self.plan.arenas.items()
            if not lasts
        ]

    def by_bits(self, step: Map, args: list[str], out: str) -> str:
        """A choice between many numbers and 0; "" for any other."""
        condition, x, y = step.args
        zeros = [*map(is_zero, (x, y))]
        other = y if zeros[0] else x
        fits = isinstance(other, View) and other.dtype == step.out.dtype
        if step.out.size <= MANY or not any(zeros) or not fits:
            return ""
        if condition.dtype != "bool" or not step.out.dtype.startswith("float"):
            return ""
        word, at = ("drop", 2) if zeros[0] else ("keep", 1)
        self.used.add(word)
        return f"{word}({args[0]}, {args[at]}, out={out})"

    # --- names ------------------------------------------------------------------------

    def operand(self, v: Operand) -> str:
        return self.ref(v) if isinstance(v, View) else literal(v)

    def home(self, buffer: Buffer) -> Buffer:
        """The buffer in whose memory it lies."""
        while buffer in self.lies_in:
            buffer = self.lies_in[buffer]
        return buffer

    def called(self, buffer: Buffer) -> Buffer:
        """The buffer whose name it has."""
        while buffer in self.renamed:
            buffer = self.lies_in[buffer]
        return buffer

    def is_there(self, v: Operand, out: View) -> bool:
        """Whether an operand's numbers lie where a result is to be."""
        return isinstance(v, View) and self.place(v) == self.place(out)

    def place(self, view: View) -> tuple[Any, ...]:
        """Where a view's numbers lie."""
        buffer, offset = self.home(view.buffer).place
        return View(buffer, view.shape, view.strides, offset + view.offset).key

    def ref(self, view: View) -> str:
        """The name of a view, which is made in the memory's section."""
        if view.key in self.known:
            return self.known[view.key]
        if view.buffer in self.renamed:  # a stage on the way to another
            whole = View(self.called(view.buffer))
            made = (whole, "reshape", view.shape)
            return self.ref(View(whole.buffer, view.shape, made=made))
        if view.buffer.role == "scalar":
            return view.buffer.name
        home = view.buffer.home if view.buffer.role == "local" else None
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
        place = self.plan.places.get(self.home(buffer)) if self.plan else None
        if place is not None and buffer.role == "local":
            arena, start = f"memory_of_{buffer.dtype}", place[1]
            piece = f"{arena}[{start} : {start + buffer.size}]"
            return f"{buffer.name} = {piece}.reshape({buffer.shape})"
        if buffer.role == "constant" and buffer.owner is None:
            return f"{buffer.name} = {constant_text(buffer)}"
        shape = (BLOCK,) if buffer in self.small else buffer.shape
        make = "np.zeros" if buffer.role == "state" else "np.empty"
        make = "aligned" if self.large else make
        return f'{buffer.name} = {make}({shape}, "{buffer.dtype}")'

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
