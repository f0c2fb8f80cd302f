"""Saving: a program as a file that runs without this package.

The file is the program's text, and the numbers that last from run to run: parameters,
an optimizer's state, constants. Up to MOST numbers stand in the file; more of them in a
second one beside it, which the first reads. (In JavaScript all stand in the file.) All
are exact.
"""

from __future__ import annotations

import base64
import math
import re
import struct
import textwrap
from pathlib import Path
from typing import Any

from ..arrays.array import Array
from ..errors import say
from .anatomy import Buffer, View
from .files import path_of, replace
from .listing import Program
from .memory import memory_of
from .naming import unused
from .writers.c_text import CText
from .writers.c_words import SAY, TYPES
from .writers.javascript_text import JavaScriptText
from .writers.numpy_text import NumPyText
from .writers.numpy_words import flat_numbers
from .writers.python_text import PythonText

MOST = 100_000  # numbers in the text
SUFFIX = ".numbers"  # of the file beside it: that of step.py is step.py.numbers
WIDTH = 86
PLAIN_NAME = re.compile(r"[\w +,.=@~-]+")  # a file's, that may stand in a text

Numbers = list[tuple[Buffer, bytes]]


def save(program: Program, machine: Any, said: Any, path: Any) -> None:
    """Writes a program to a file.

    Args:
        path: its suffix says in which language: .py, .c or .js.
    """
    target = path_of(path)
    given = f"save: {say(str(target))} given"
    if machine.name == "javascript" and target.suffix in WRITERS:
        raise ValueError(
            f"{given}; this program is JavaScript, and its file's name "
            'ends in .js (target="numpy", "python" or "c" writes others)'
        )
    if target.suffix == ".js":
        replace({target: javascript_file(program, said).encode()})
        return
    if target.suffix not in WRITERS:
        raise ValueError(
            f"{given}; its name must end in {' or '.join([*WRITERS, '.js'])}"
        )
    numbers = lasting_numbers(program, machine)
    count = sum(buffer.size for buffer, _ in numbers)
    beside = target.with_name(target.name + SUFFIX) if count > MOST else None
    write = WRITERS[target.suffix]
    if write is numpy_file and machine.name == "python":
        write = python_file
    module = target.stem if PLAIN_NAME.fullmatch(target.stem) else "step"
    text = write(program, said, numbers, beside, module)
    contents = {beside: b"".join(data for _, data in numbers)} if beside else {}
    replace(contents | {target: text.encode()})


def javascript_file(program: Program, said: Any) -> str:
    """A file for a browser or Node.js: `createProgram(numbers)` makes a program with
    the numbers that stand in it."""
    named = {b.name: flat_numbers(t.array) for t, b in program.leaves.items()}
    for part in program.parts:
        for slot, buffer in part.slots.items():
            found: list[Any] = []
            for p in part.parameters:
                kept = part.optimizer.state.get(p, {}).get(slot)
                found += [0.0] * p.size if kept is None else flat_numbers(kept)
            named[buffer.name] = found
    rows = [f"  {name}: [{', '.join(map(spelled, v))}]," for name, v in named.items()]
    lines = [
        JavaScriptText(program, said).text().rstrip(),
        "",
        "// The numbers, as they were when this was written: createProgram(numbers).",
        "const numbers = {",
        *rows,
        "};",
        'if (typeof module === "object") module.exports.numbers = numbers;',
        "",
    ]
    return "\n".join(lines)


def spelled(v: float) -> str:
    """A number in JavaScript."""
    if isinstance(v, float) and not math.isfinite(v):
        return "NaN" if v != v else ("Infinity" if v > 0 else "-Infinity")
    return str(int(v)) if isinstance(v, bool) else repr(v)


def lasting_numbers(program: Program, machine: Any) -> Numbers:
    """What lasts, as bytes."""
    found = []
    for buffer in program.lasting:
        if buffer.home is None:
            array = machine.arrays[buffer]
            if isinstance(array, Array):
                data = struct.pack(code_of(buffer), *array.data)
            else:
                data = array.astype(array.dtype.newbyteorder("<")).tobytes()
            found.append((buffer, data))
    return found


def code_of(buffer: Buffer) -> str:
    """How `struct` calls a buffer's numbers."""
    kinds = {"float32": "f", "float64": "d", "int64": "q", "bool": "?"}
    return f"<{buffer.size}{kinds[buffer.dtype]}"


# --- Python ---------------------------------------------------------------------------

# A function, so that only its own name is taken.
LOADING = """

# === Numbers, as they were when this was written ===


def load_numbers(names, data):
    {check}at = 0
    for name in names:
        {array}


load_numbers({names}, {data})
"""
PLAIN = """\
kind = names[name]
        globals()[name] = [*struct.unpack_from(kind, data, at)]
        at += struct.calcsize(kind)"""
ARRAYS = """\
array = globals()[name]
        piece = data[at : at + array.nbytes]
        array[...] = np.frombuffer(piece, array.dtype).reshape(array.shape)
        at += array.nbytes"""
CHECK = """\
if len(data) != {size}:
        raise ValueError(
            f"{{len(data)}} bytes in the file of numbers beside this; it must have "
            "{size}, and be saved together with this"
        )
    """


def python_file(
    program: Program, said: Any, numbers: Numbers, beside: Path | None, module: str
) -> str:
    """A file in plain Python."""
    writer = PythonText(program, said, module)
    if not numbers:
        return writer.text()
    imports, data, check = data_in(numbers, beside)
    kinds = [f'"{b.name}": "{code_of(b)}",' for b, _ in numbers]
    names = "\n".join(["{", *(f"    {kind}" for kind in kinds), "}"])
    text = writer.text([*imports, "struct"])
    return text + LOADING.format(array=PLAIN, names=names, data=data, check=check)


def numpy_file(
    program: Program, said: Any, numbers: Numbers, beside: Path | None, module: str
) -> str:
    """A file for NumPy."""
    writer = NumPyText(program, said, module)
    if not numbers:
        return writer.text()
    imports, data, check = data_in(numbers, beside)
    names = "\n".join(["[", *(f'    "{b.name}",' for b, _ in numbers), "]"])
    text = writer.text(imports)
    return text + LOADING.format(array=ARRAYS, names=names, data=data, check=check)


def data_in(numbers: Numbers, beside: Path | None) -> tuple[list[str], str, str]:
    """What a file in Python imports for its numbers, where it has them from, and what
    it checks first."""
    data = b"".join(data for _, data in numbers)
    if beside is not None:
        name = f"with_name({beside.name!r})"
        source = f"pathlib.Path(__file__).{name}.read_bytes()"
        return ["pathlib"], source, CHECK.format(size=len(data))
    lines = "\n".join(textwrap.wrap(base64.b64encode(data).decode(), WIDTH))
    return ["base64"], f'base64.b64decode("""\n{lines}\n""")', ""


# --- C --------------------------------------------------------------------------------


def c_file(
    program: Program, said: Any, numbers: Numbers, beside: Path | None, module: str
) -> str:
    """A file in C, with memory of its own."""
    groups_of_one = [[step] for step in program.steps]
    results = [*program.results, *(View(b) for b in program.given)]
    memory = memory_of(program, groups_of_one, set(), results)
    groups = [Alone(group) for group in groups_of_one]
    text = CText(program, memory, groups, set(), said=said, module=module).text()
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
            "/* One step. Call load() once before. Returns 0, or which check failed:",
            *(f"   {i + 1}: {c.sentence}" for i, c in enumerate(checks_of(program))),
            "*/",
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


WRITERS: dict[str, Any] = {".py": numpy_file, ".c": c_file}
