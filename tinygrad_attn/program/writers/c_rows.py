"""A group of steps in C: one walk over rows (see fusing.py)."""

from __future__ import annotations

from typing import Any

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
        self.rows = COUNTERS[: len(group.rows)]
        self.names: dict[Buffer, str] = {}
        self.arrays: list[str] = []
        self.makers = {
            i.out.view.buffer: i
            for i in group.items
            if i.out.view.buffer in self.passing
        }
        for k, (buffer, item) in enumerate(self.makers.items()):
            self.names[buffer] = f"r{k}"
            if needs_row(item, group):
                kind = OWN[buffer.dtype]
                self.names[buffer] = f"t{k}"
                self.arrays.append(f"{kind} t{k}[{item.length}];")

    # --- text -------------------------------------------------------------------------

    def body(self) -> str:
        """What stands between the braces of the function."""
        loops = sorted({i.loop for i in self.group.items})
        inner: list[str] = []
        for loop in loops:
            inner += self.loop([i for i in self.group.items if i.loop == loop])
        lines = [*self.arrays, *self.cleared()]
        pad = ""
        for counter, size in zip(self.rows, self.group.rows):
            lines.append(
                f"{pad}for (long {counter} = 0; {counter} < {size}; {counter}++) {{"
            )
            pad += "  "
        lines += [pad + line for line in inner]
        for _ in self.rows:
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
        """One loop along the rows; without one, if a row is one number."""
        length = items[0].length
        before: list[str] = []
        inside: list[str] = []
        after: list[str] = []
        self.widened = before
        sums: list[str] = []
        for k, item in enumerate(items):
            kind = OWN[item.out.view.dtype]
            if item.kind == "row":
                name = self.names.get(item.out.view.buffer, f"a{item.loop}_{k}")
                (read,) = item.reads
                value = self.load(read, item)
                if is_max(item):  # a nan is the largest
                    before.append(f"{kind} {name} = {LEAST[kind]};")
                    inside.append(f"const {kind} x{k} = {value};")
                    inside.append(f"{name} = x{k} > {name} ? x{k} : {name};")
                    sums.append(f"max:{name}")
                    if kind in ("float", "double"):
                        nan = f"nan{id_of(item, self.group)}"
                        before.append(f"int {nan} = 0;")
                        inside.append(f"{nan} |= x{k} != x{k};")
                        after.append(f"if ({nan}) {name} = NAN;")
                        sums.append(f"|:{nan}")
                else:
                    before.append(f"{kind} {name} = 0;")
                    inside.append(f"{name} += {value};")
                    sums.append(f"+:{name}")
                if item.out.view.buffer not in self.names:
                    sign = "+=" if crosses(item) else "="
                    after.append(f"{self.place(item.out)} {sign} {name};")
            elif item.kind == "rows":
                (read,) = item.reads
                inside.append(f"{self.place(item.out)} += {self.load(read, item)};")
            else:
                inside += self.mapped(item, kind)
        if length == 1:
            return [*before, *inside, *after]
        pragma = "#pragma omp simd" + "".join(f" reduction({one})" for one in sums)
        head = f"for (long c = 0; c < {length}; c++) {{"
        looped = [head, *("  " + line for line in inside), "}"]
        return [*before, pragma, *looped, *after]

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
                if own != "int" and item.length <= STACK and self.is_narrow(read):
                    text = self.widen(text, item.length)
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
                lines.append(f"{name}[c] = {value};")
            else:
                lines.append(f"const {kind} {name} = {value};")
        else:
            lines.append(f"{self.place(item.out)} = {value};")
        return lines

    def is_narrow(self, read: Operand) -> bool:
        """Whether it is a row of bools that was in memory before the walk."""
        buffer = read.view.buffer
        made = buffer in self.names or buffer.place[0] in self.written
        return read.view.dtype == "bool" and read.along != 0 and not made

    def widen(self, text: str, length: int) -> str:
        """A row of bools in memory, as numbers of the walk's own."""
        name = f"w{len(self.arrays)}"
        self.arrays.append(f"int {name}[{length}];")
        self.widened.append("#pragma omp simd")
        self.widened.append(f"for (long c = 0; c < {length}; c++) {name}[c] = {text};")
        return f"{name}[c]"

    # --- where numbers lie ------------------------------------------------------------

    def load(self, read: Operand, item: Item) -> str:
        """An operand's number: of this walk, or of memory."""
        buffer = read.view.buffer
        if buffer not in self.names:
            return self.place(read)
        name, maker = self.names[buffer], self.makers[buffer]
        if name.startswith("r"):
            return name
        shift = start(read.view) - start(maker.out.view)
        terms = address(["c", "1"], [read.along, shift]).replace("1 * ", "")
        return f"{name}[{terms}]"

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
