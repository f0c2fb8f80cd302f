"""A group of steps in C: one walk over rows (see fusing.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..anatomy import Buffer, Map, Reduce, View
from ..fusing import STACK, Group, Item, Operand, crosses, needs_row, start
from ..loops import address
from .bodies import COUNTERS, widest
from .c_words import TYPES, compute, literal

# What no number is less than.
LEAST = {
    "float": "-INFINITY",
    "double": "-INFINITY",
    "long long": "(-9223372036854775807LL - 1)",
    "int": "0",
}
# The types of a walk's own numbers. In memory a bool is a char; beside floats it is as
# wide as they are, or compilers would take two numbers at a time.
OWN = {**TYPES, "bool": "int"}


class Total(NamedTuple):
    """A sum of many rows, which is added to what there is so far."""

    kind: str
    name: str
    to: str


@dataclass
class Loop:
    """The lines of a loop along the rows.

    Attributes:
        first: loops that come before it.
        before, inside, after: where they stand.
        sums: what the loop sums up, as OpenMP writes it.
        columns, rows: of several rows at a time (c_lanes.py), what they sum up together
            inside, and after.
    """

    first: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    columns: list[Total] = field(default_factory=list)
    rows: list[Total] = field(default_factory=list)


class Walk:
    """The text of a walk.

    Attributes:
        passing: buffers without memory.
        pointers: what is read and written in memory: view's start → its name.
        scalars: plain numbers that are used.
    """

    def __init__(self, group: Group, passing: set[Buffer]) -> None:
        self.group = group
        self.passing = passing
        self.written = {
            i.out.view.buffer.place[0]: i.out.view
            for i in group.items
            if i.out.view.buffer.place[0] not in self.passing
        }
        self.pointers: dict[Any, tuple[str, View, bool]] = {}
        self.scalars: dict[Buffer, View] = {}
        self.counters = COUNTERS[: len(group.rows)]
        self.rows = [*self.counters]
        self.names: dict[Buffer, str] = {}
        self.arrays: list[str] = []
        self.wide: dict[str, str] = {}  # bools in memory → the same as wide numbers
        self.first: list[str] = []  # loops before the walk
        self.makers = {
            i.out.view.buffer: i
            for i in group.items
            if i.out.view.buffer in self.passing
        }
        for k, (buffer, item) in enumerate(self.makers.items()):
            whole = needs_row(item, group)
            self.names[buffer] = name = f"t{k}" if whole else f"r{k}"
            if whole or item.kind == "row" or item.length == 1:
                size = item.length if whole else 1
                self.room(OWN[buffer.dtype], name, size)

    # --- text -------------------------------------------------------------------------

    def body(self) -> str:
        """What stands between the braces of the function."""
        loops = sorted({i.loop for i in self.group.items})
        inner: list[str] = []
        for loop in loops:
            inner += self.loop([i for i in self.group.items if i.loop == loop])
        lines = [*self.arrays, *self.cleared(), *self.first]
        pad = ""
        for counter, size in zip(self.counters, self.group.rows):
            lines.append(f"{pad}{self.head(counter, size)}")
            pad += "  "
        lines += [pad + line for line in inner]
        for _ in self.counters:
            pad = pad[:-2]
            lines.append(f"{pad}}}")
        return "\n".join("  " + line for line in lines)

    def cleared(self) -> list[str]:
        """Sums over rows begin at 0."""
        lines = []
        for item in self.group.items:
            if item.kind == "rows" or crosses(item):
                view = item.out.view
                where = self.memory(view)
                lines.append(
                    f"for (long z = 0; z < {view.size}; z++) {where.replace('@', 'z')}"
                    " = 0;"
                )
        return lines

    def loop(self, items: list[Item]) -> list[str]:
        """One loop along the rows."""
        loop = Loop()
        self.rows_first = loop.first
        for k, item in enumerate(items):
            kind = OWN[item.out.view.dtype]
            if item.kind == "row":
                own = self.names.get(item.out.view.buffer, "")
                name = self.number(own or self.room(kind, f"a{item.loop}_{k}", 1))
                (read,) = item.reads
                value = self.load(read, item)
                if is_max(item):  # a nan is the largest
                    loop.before.append(self.begun(kind, name, LEAST[kind]))
                    loop.inside.append(f"const {kind} x{k} = {value};")
                    loop.inside.append(f"{name} = x{k} > {name} ? x{k} : {name};")
                    loop.sums.append(f"max:{name}")
                    if kind in ("float", "double"):
                        nan = f"nan{id_of(item, self.group)}"
                        nan = self.number(self.room("int", nan, 1))
                        loop.before.append(self.begun("int", nan, "0"))
                        loop.inside.append(f"{nan} |= x{k} != x{k};")
                        loop.after.append(f"if ({nan}) {name} = NAN;")
                        loop.sums.append(f"|:{nan}")
                else:
                    loop.before.append(self.begun(kind, name, "0"))
                    loop.inside.append(f"{name} += {value};")
                    loop.sums.append(f"+:{name}")
                if not own:
                    self.finish(item, name, loop)
            elif item.kind == "rows":
                (read,) = item.reads
                self.add_row(item, self.load(read, item), loop)
            else:
                loop.inside += self.mapped(item, kind)
        return self.looped(loop, items[0].length)

    # --- rows one after the other -----------------------------------------------------

    def head(self, counter: str, size: int) -> str:
        """A loop over rows begins."""
        return f"for (long {counter} = 0; {counter} < {size}; {counter}++) {{"

    def room(self, kind: str, name: str, size: int) -> str:
        """Makes room for a row's numbers; one alone is declared where it is made."""
        if size > 1:
            self.arrays.append(f"{kind} {name}[{size}];")
        return name

    def number(self, name: str) -> str:
        """The number that a row has of this name."""
        return name

    def in_row(self, name: str, at: str) -> str:
        """One of the numbers that it has of this name."""
        return f"{name}[{at}]"

    def begun(self, kind: str, name: str, value: str) -> str:
        """What a sum begins with."""
        return f"{kind} {name} = {value};"

    def made(self, kind: str, name: str, value: str) -> str:
        """A number is made."""
        return f"const {kind} {name} = {value};"

    def finish(self, item: Item, name: str, loop: Loop) -> None:
        """What becomes of a row's sum that is not kept."""
        sign = "+=" if crosses(item) else "="
        loop.after.append(f"{self.place(item.out)} {sign} {name};")

    def add_row(self, item: Item, value: str, loop: Loop) -> None:
        """A number of a row is added to those of other rows."""
        loop.inside.append(f"{self.place(item.out)} += {value};")

    def looped(self, loop: Loop, length: int) -> list[str]:
        """The lines of a loop; without one, if a row is one number."""
        if length == 1:
            return [*loop.first, *loop.before, *loop.inside, *loop.after]
        pragma = "#pragma omp simd" + "".join(f" reduction({s})" for s in loop.sums)
        head = f"for (long c = 0; c < {length}; c++) {{"
        lines = [head, *("  " + line for line in loop.inside), "}"]
        return [*loop.first, *loop.before, pragma, *lines, *loop.after]

    # --- steps ------------------------------------------------------------------------

    def mapped(self, item: Item, kind: str) -> list[str]:
        """The lines of an element-wise step."""
        step = item.step
        assert isinstance(step, Map)
        own = OWN[widest(step)]
        lines: list[str] = []
        args: list[str] = []
        reads = iter(item.reads)
        for v in step.args:
            if not isinstance(v, View):
                args.append(literal(v, own))
            elif v.buffer.role == "scalar":
                self.scalars.setdefault(v.buffer, v)
                number = [*self.scalars].index(v.buffer)
                args.append(f"({own}) s{number}")
            else:
                read = next(reads)
                text = self.load(read, item)
                if own != "int" and self.is_narrow(read):
                    text = self.widen(read, item, text)
                if not text.isidentifier():  # loaded before one is chosen
                    chooses = step.function == "where" and not args
                    mine = OWN[v.dtype] if chooses else own
                    name = f"x{item.loop}_{id_of(item, self.group)}_{len(args)}"
                    lines.append(f"const {mine} {name} = {text};")
                    text = name
                args.append(text)
        value = compute(step.function, args, step.args, own, step.out.dtype)
        buffer = item.out.view.buffer
        if buffer in self.names:
            name = self.names[buffer]
            if name.startswith("t"):
                lines.append(f"{self.in_row(name, 'c')} = {value};")
            else:
                lines.append(self.made(kind, name, value))
        else:
            lines.append(f"{self.place(item.out)} = {value};")
        return lines

    def is_narrow(self, read: Operand) -> bool:
        """Whether it is a row of bools that was in memory before the walk."""
        buffer = read.view.buffer
        made = buffer in self.names or buffer.place[0] in self.written
        return read.view.dtype == "bool" and read.along != 0 and not made

    def widen(self, read: Operand, item: Item, text: str) -> str:
        """Bools in memory as numbers of the walk's own: all of them before it begins,
        or those of each row. (What a loop has just written in halves of a vector, the
        next one waits for.)"""
        sizes, strides = [*item.rows, item.length], [*read.rows, read.along]
        span = 1 + sum((n - 1) * stride for n, stride in zip(sizes, strides))
        if min(strides) >= 0 and span <= STACK:
            where = address([*self.rows, "c"], strides)
            return f"{self.widened(read.view, span)}[{where}]"
        if item.length > STACK:
            return text
        name = self.room("int", f"w{len(self.arrays)}", item.length)
        own = self.in_row(name, "c")
        self.rows_first += self.looped(Loop(inside=[f"{own} = {text};"]), item.length)
        return own

    def widened(self, view: View, span: int) -> str:
        """The name of such numbers, all of which are there before the walk begins."""
        place = self.memory(view)
        if place not in self.wide:
            name = self.wide[place] = f"w{len(self.arrays)}"
            self.arrays.append(f"int {name}[{span}];")
            value = place.replace("@", "z")
            self.first.append("#pragma omp simd")
            self.first.append(f"for (long z = 0; z < {span}; z++) {name}[z] = {value};")
        return self.wide[place]

    # --- where numbers lie ------------------------------------------------------------

    def load(self, read: Operand, item: Item) -> str:
        """An operand's number: of this walk, or of memory."""
        buffer = read.view.buffer
        if buffer not in self.names:
            return self.place(read)
        name, maker = self.names[buffer], self.makers[buffer]
        if name.startswith("r"):
            return self.number(name)
        shift = start(read.view) - start(maker.out.view)
        terms = address(["c", "1"], [read.along, shift]).replace("1 * ", "")
        return self.in_row(name, terms)

    def place(self, operand: Operand) -> str:
        """An operand's number in memory."""
        where = address([*self.rows, "c"], [*operand.rows, operand.along])
        return self.memory(operand.view).replace("@", where)

    def memory(self, view: View) -> str:
        """A pointer and a place relative to it: what is written has one pointer, to
        which all its readers refer."""
        home = view.buffer.place[0]
        base = self.written.get(home, view)
        key = home, start(base)
        if key not in self.pointers:
            name = f"p{len(self.pointers)}"
            self.pointers[key] = name, base, home in self.written
        name, base, _ = self.pointers[key]
        shift = start(view) - start(base)
        return f"{name}[@ + {shift}]" if shift else f"{name}[@]"


def id_of(item: Item, group: Group) -> int:
    return next(k for k, other in enumerate(group.items) if other is item)


def is_max(item: Item) -> bool:
    return isinstance(item.step, Reduce) and item.step.function == "max"
