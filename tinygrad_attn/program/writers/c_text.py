"""A program in C: loops over memory.

Each step is a call of a small function that has the loops (bodies.py), or that walks
over rows (c_rows.py). Steps with the same loops over other memory share one function. A
function gets a pointer for each operand; none of them overlaps another that is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..anatomy import Check, Map, Operand, Product, Step, View
from ..listing import Program
from ..nesting import told
from .bodies import body_of, check_body, operands
from .c_blocks import LEAST, block_body, block_functions, cut, memory_of
from .c_lanes import walk_of
from .c_products import GEMM, gemm_body, large
from .c_tiles import Tile, function_of, tiled_body, types_of
from .c_words import FLOOR, HEAD, SAY, TYPES, compute, exp_of, literal
from .preface import preface


class CText:
    """The text of a program.

    Attributes:
        places: buffer → which arena it lies in, and where.
    """

    def __init__(
        self,
        program: Program,
        memory: Any,
        groups: Sequence[Any],
        passing: Any,
        whole: str = "",
        widest: int = 16,
        said: Any = None,
        module: str = "step",
    ) -> None:
        self.module = module
        self.program, self.memory = program, memory
        self.groups, self.passing = groups, passing
        self.whole, self.uses_blas = whole, False
        self.widest = widest  # how many bytes are in a vector
        self.tiles: dict[Tile, None] = {}  # those that products are cut into
        self.blocks: dict[Tile, tuple[int, int]] = {}  # those of large ones → memory
        self.said, self.title = said, ""
        self.loops: dict[str, str] = {}  # the body of a function → its name
        self.functions: list[str] = []
        self.checks: list[Check] = []

    def text(self) -> str:
        first = [line for s in self.program.first for line in self.lines(s)]
        once = self.names(self.program.first)
        each = self.parts()
        return "\n".join(
            [
                *self.head(),
                "",
                HEAD,
                *([GEMM.replace("@", self.whole)] if self.uses_blas else []),
                *self.helpers([*self.functions, *first, *each]),
                *dict.fromkeys(map(types_of, self.tiles)),
                *map(function_of, self.tiles),
                *self.blockwise(),
                *self.functions,
                "/* what is the same at each step */",
                "void once(void **m) {",
                *self.arenas(once),
                *once,
                *first,
                "}",
                "",
                *each,
                "",
            ]
        )

    def parts(self) -> list[str]:
        """The function of a step; if there is an update, one for each half."""
        update = [g for g in self.groups if g.steps[0].origin.part == "update"]
        if not update:
            return self.part("step", self.groups)
        return [
            *self.part("differentiate", self.groups[: -len(update)]),
            "",
            *self.part("update", update),
            "",
            "long long step(void **m, const double *s) {",
            "  const long long wrong = differentiate(m, s);",
            "  return wrong ? wrong : update(m, s);",
            "}",
        ]

    def part(self, name: str, groups: Sequence[Any]) -> list[str]:
        """A function that does some groups of steps."""
        each = [line for g in groups for line in self.group(g)]
        names = self.names([s for g in groups for s in g.steps])
        used = {*re.findall(r"\w+", "\n".join(each))}
        scalars = enumerate(b.name for b in self.program.scalars)
        return [
            f"long long {name}(void **m, const double *s) {{",
            *(f"  const double {b} = s[{k}];" for k, b in scalars if b in used),
            *self.arenas(names),
            *names,
            *each,
            "  return 0;",
            "}",
        ]

    def head(self) -> list[str]:
        """What the text is, and how it is used."""
        if self.said is None:
            return [f"/* {self.program.title}. */"]
        first, *others = preface(self.program, "c", self.module)
        lines = [f"   {line}".rstrip() for line in others]
        return [f"/* {first}".replace("*/", ""), *lines, "*/"]

    def arenas(self, names: list[str]) -> list[str]:
        """The memory, by type, as far as some names lie in it."""
        return [
            f"  {TYPES[dtype]} *const m{k} = m[{k}];"
            for (dtype, _), k in self.memory.arenas.items()
            if any(f" m{k} + " in name for name in names)
        ]

    def names(self, steps: Sequence[Step]) -> list[str]:
        """A pointer for each buffer that has a place in memory."""
        buffers = {v.buffer: None for s in steps for v in (s.out, *s.reads())}
        found = []
        for buffer, place in self.memory.names(buffers):
            line = f"  {TYPES[buffer.dtype]} *const {buffer.name} = {place};"
            found.append(f"{line:<60}  // {buffer.shape}" if self.said else line)
        return found

    def group(self, group: Any) -> list[str]:
        """A walk over rows; or a step of another kind."""
        lines = self.comments(group.steps)
        if len(group.items) == 0:
            return lines + [line for step in group.steps for line in self.lines(step)]
        walk = walk_of(group, self.passing)
        body = walk.body()
        kinds, args = [], []
        for name, view, written in walk.pointers.values():
            const = "" if written else "const "
            kinds.append(f"{const}{TYPES[view.dtype]} *restrict {name}")
            args.append(self.memory.pointer(view))
        for k, view in enumerate(walk.scalars.values()):
            kinds.append(f"const double s{k}")
            args.append(self.scalar(view))
        return [*lines, self.called(f"({', '.join(kinds)}) {{\n{body}\n}}", args)]

    def comments(self, steps: Sequence[Step]) -> list[str]:
        """The modules that some steps belong to, and what these compute. A walk over
        rows may do steps of several."""
        if not self.said:
            return []
        lines: list[str] = []
        steps = [own for step in steps for own in told(step, self.said.beside)]
        title = "; ".join(dict.fromkeys(map(self.said.title, steps)))
        if title != self.title:
            lines += ["", f"  // --- {title} ---"]
            lines += [f"  // {note}" for note in self.said.notes(steps)]
            self.title = title
        for step in steps:
            said = self.said.comment(step)
            if isinstance(step, Check):
                said = f"refused: {step.sentence}"
            if step in self.said.beside or (said and len(steps) == 1):
                lines.append(f"  //   {said}")
        return lines

    def called(self, key: str, args: list[str]) -> str:
        """A call of the function with these parameters and this body, which is made if
        there is none."""
        if key not in self.loops:
            self.loops[key] = f"loop_{len(self.loops)}"
            self.functions.append(f"static void {self.loops[key]}{key}\n")
        return f"  {self.loops[key]}({', '.join(args)});"

    def helpers(self, lines: list[str]) -> list[str]:
        """The functions that C lacks, if some lines call them."""
        called = "\n".join(lines)
        kinds = ("float", "double")
        exps = [exp_of(kind) for kind in kinds if f"exp_{kind}(" in called]
        return [*exps, *([FLOOR] if "floor_divide" in called else [])]

    def blockwise(self) -> list[str]:
        """The functions that multiply block by block."""
        texts = [
            t
            for tile, most in self.blocks.items()
            for t in block_functions(tile, *most)
        ]
        return [*([LEAST] if texts else []), *dict.fromkeys(texts)]

    # --- a step -----------------------------------------------------------------------

    def lines(self, step: Step) -> list[str]:
        if isinstance(step, Check):
            return [self.check(step)]
        if step.out.buffer.role == "scalar":
            assert isinstance(step, Map)
            args = [self.scalar(v) for v in step.args]
            value = compute(step.function, args, step.args, "double", "float64")
            return [f"  const double {step.out.buffer.name} = {value};"]
        body = self.product(step) if isinstance(step, Product) else ""
        return [self.call(step, body or body_of(SAY, step))]

    def product(self, step: Product) -> str:
        """The body of a product of size; "" for a small one."""
        tile, by_blocks = cut(step, self.widest, bool(self.whole))
        if tile and not by_blocks:
            rest = step.x.shape[-2] % tile.rows
            self.tiles |= {tile._replace(rows=n): None for n in (tile.rows, rest) if n}
            return tiled_body(step, tile)
        if tile:
            self.tiles |= {tile: None}
            need, most = memory_of(step, tile), self.blocks.get(tile, (0, 0))
            self.blocks[tile] = max(need[0], most[0]), max(need[1], most[1])
            return block_body(step, tile)
        library = gemm_body(step) if self.whole and large(step) else ""
        self.uses_blas = self.uses_blas or bool(library)
        return library

    def call(self, step: Step, body: str) -> str:
        """A call of the function with this body, which is made if there is none."""
        kinds: list[str] = []
        args: list[str] = []
        seen: dict[str, int] = {}
        for at, view in enumerate(operands(step)):
            place = self.memory.pointer(view)
            if place in seen:  # the same memory twice is one pointer
                body = re.sub(rf"\bp{at}\b", f"p{seen[place]}", body)
                continue
            seen[place] = at
            const = "" if at == 0 else "const "
            kinds.append(f"{const}{TYPES[view.dtype]} *restrict p{at}")
            args.append(place)
        scalars = [v for v in step.reads() if v.buffer.role == "scalar"]
        for k, v in enumerate({v.buffer: v for v in scalars}.values()):
            body = body.replace(f"{{{v.buffer.name}}}", f"s{k}")
            kinds.append(f"const double s{k}")
            args.append(self.scalar(v))
        key = f"({', '.join(kinds)}) {{\n{body}\n}}"
        return self.called(key, args)

    def check(self, step: Check) -> str:
        self.checks.append(step)
        body = check_body(SAY, step, f"return {len(self.checks)};")
        pointer = f"const {TYPES[step.out.dtype]} *p1"
        return f"  {{ {pointer} = {self.memory.pointer(step.out)};\n{body} }}"

    def scalar(self, v: Operand) -> str:
        """A plain number: given at each run, or computed of such."""
        if not isinstance(v, View):
            return literal(v, "double")
        return v.buffer.name
