"""A program as a file in C: with memory of its own, numbers in it, and a `run`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from .anatomy import Buffer, View
from .files import PLAIN_NAME, WIDTH
from .listing import Program
from .memory import memory_of
from .naming import unused
from .writers.c_text import CText
from .writers.c_words import SAY, TYPES
from .writers.numpy_words import flat_numbers

Numbers = list[tuple[Buffer, bytes]]


def c_file(
    program: Program, said: Any, numbers: Numbers, beside: Path | None, module: str
) -> str:
    """A file in C, with memory of its own."""
    groups_of_one = [[step] for step in program.steps]
    results = [*program.results, *(View(b) for b in program.given)]
    memory = memory_of(program, groups_of_one, set(), results)
    groups = [Alone(group) for group in groups_of_one]
    text = CText(program, memory, groups, set(), said=said, module=module).text()
    if beside is not None and PLAIN_NAME.fullmatch(beside.name):
        text = text.replace("load();", f'load("{beside.name}");', 1)  # in its head
    kinds = [TYPES[dtype] for dtype, _ in memory.arenas]
    taken = {*program.namer.taken}
    names = [unused(f"arena_{k}", taken) for k in range(len(kinds))]
    arenas = [
        f"static {kind} {name}[{size + 16}] __attribute__((aligned(64)));"
        for name, kind, size in zip(names, kinds, memory.sizes)
    ]
    pointers = ", ".join(names)

    def place(view: View) -> str:
        arena, start = memory.place(view)
        return f"{names[arena]} + {start}"

    arguments = [f"const {TYPES[b.dtype]} *{b.name}" for b in program.given]
    arguments += [f"double {b.name}" for b in program.scalars]
    copies = [
        f"  memcpy({place(View(b))}, {b.name}, {b.size} * sizeof *{b.name});"
        for b in program.given
    ]
    outputs = []
    for k, view in enumerate(program.results):
        result = unused(f"result_{k}", taken)
        arguments.append(f"{TYPES[view.dtype]} *{result}")
        outputs.append(
            f"  for (long i = 0; i < {view.size}; i++) "
            f"{result}[i] = ({place(view)})[{flat_address(view)}];"
        )
    scalars = ", ".join(b.name for b in program.scalars) or "0"
    return "\n".join(
        [
            text,
            "#include <stdio.h>",
            "#include <string.h>",
            "",
            *arenas,
            f"static void *arenas[] = {{{pointers}}};",
            *constants(memory, place),
            *stored(place, numbers, beside),
            *called_how(program),
            f"long long run({', '.join(arguments)}) {{",
            f"  const double s[] = {{{scalars}}};",
            *copies,
            "  const long long wrong = step(arenas, s);",
            "  if (wrong) return wrong;",
            *outputs,
            "  return 0;",
            "}",
            "",
        ]
    )


class Alone:
    """A step by itself, as CText takes groups."""

    def __init__(self, steps: list[Any]) -> None:
        self.steps, self.items = steps, list[Any]()


def called_how(program: Program) -> list[str]:
    """What stands above `run`."""
    says = "/* One step, after load(). Returns 0"
    failing = [f"   {i + 1}: {c.sentence}" for i, c in enumerate(checks_of(program))]
    return (
        [f"{says}, or which check failed:", *failing, "*/"]
        if failing
        else [f"{says}. */"]
    )


def checks_of(program: Program) -> list[Any]:
    return [step for step in program.all_steps if hasattr(step, "sentence")]


def flat_address(view: View) -> str:
    """Where a view's i-th number lies."""
    if view.contiguous:
        return "i"
    terms, below = [], 1
    for size, stride in zip(reversed(view.shape), reversed(view.strides)):
        terms.append(f"(i / {below}) % {size} * {stride}")
        below *= size
    return " + ".join(reversed(terms)) or "0"


def constants(memory: Any, place: Any) -> list[str]:
    """Numbers that never change, and the function that puts them in their place."""
    lines, puts = [], []
    for buffer in memory.places:
        if buffer.role == "constant" and buffer.owner is None:
            flat, kind = flat_numbers(buffer.value), TYPES[buffer.dtype]
            listed = ", ".join(SAY.literal(v, buffer.dtype) for v in flat)
            lines.append(f"static const {kind} given_{buffer.name}[] = {{{listed}}};")
            puts.append(
                f"  memcpy({place(View(buffer))}, given_{buffer.name}, "
                f"sizeof given_{buffer.name});"
            )
    return [*lines, "static void put(void) {", *puts, "}"]


def stored(place: Any, numbers: Numbers, beside: Path | None) -> list[str]:
    """The numbers that last, and `load`, which puts them in their place."""
    lines, puts, reads = [], [], []
    for buffer, data in numbers:
        to = place(View(buffer))
        if beside is None:
            listed = ", ".join(map(str, data))
            wrapped = "\n".join(textwrap.wrap(listed, WIDTH))
            lines.append(
                f"static const unsigned char numbers_{buffer.name}[] = {{\n{wrapped}}};"
            )
            puts.append(f"  memcpy({to}, numbers_{buffer.name}, {len(data)});")
        else:
            reads.append(
                f"  if (fread({to}, 1, {len(data)}, file) != {len(data)}) return -1;"
            )
    if beside is None:
        head, tail = ["int load(void) {"], puts
    else:
        head = [
            "/* `path` is that of the file with the numbers, " + beside.name + " */"
        ]
        head += ["int load(const char *path) {", '  FILE *file = fopen(path, "rb");']
        tail = ["  if (!file) return -1;", *reads, "  fclose(file);"]
    return [*lines, *head, *tail, "  put();", "  once(arenas);", "  return 0;", "}", ""]
