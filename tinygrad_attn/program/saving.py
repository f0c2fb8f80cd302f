"""Saving: a program as a file that runs without this package.

The file is the program's text, and the numbers that last from run to run: parameters,
an optimizer's state, constants. Up to MOST numbers stand in the file; more of them in a
second one beside it, which the first reads. (In JavaScript all stand in the file.) All
are exact.
"""

from __future__ import annotations

import base64
import math
import struct
import textwrap
from pathlib import Path
from typing import Any

from ..arrays.array import Array
from ..errors import say_path
from .anatomy import Buffer
from .files import PLAIN_NAME, WIDTH, path_of, replace
from .listing import Program
from .saving_c import Numbers, c_file
from .writers.javascript_text import JavaScriptText
from .writers.numpy_text import NumPyText
from .writers.numpy_words import flat_numbers
from .writers.python_text import PythonText

MOST = 100_000  # numbers in the text
SUFFIX = ".numbers"  # of the file beside it: that of step.py is step.py.numbers


def save(program: Program, machine: Any, said: Any, path: Any) -> None:
    """Writes a program to a file.

    Args:
        path: its suffix says in which language: .py, .c or .js.
    """
    target = path_of(path)
    given = f"save: {say_path(target)} given"
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
    program.check_lasts("save")
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


WRITERS: dict[str, Any] = {".py": numpy_file, ".c": c_file}
