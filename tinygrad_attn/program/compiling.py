"""The system's C compiler: from a text to a function."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

# -O2 and never -O3: gcc 12 miscompiles a conditional load in a nested loop there. And
# nothing of -ffast-math that computes something else: x·0 is nan where x is inf, and
# (x + y) − y is not x. Only sums of many are reordered, where the text says so. (A
# product and a sum may be one operation of the processor, which rounds once.)
FLAGS = (
    "-O2",
    "-shared",
    "-fPIC",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-fno-trapping-math",
)

# Without a red zone: gcc 12 puts the sums of short loops there, as if it were aligned.
X86 = ("-march=native", "-mno-red-zone")


class NoCompiler(RuntimeError):
    """There is no C compiler, or it does not compile."""


@cache
def compiler() -> str | None:
    """The system's C compiler; None if there is none."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and (found := shutil.which(name.split()[0])):
            return found
    return None


def some_compiler() -> str:
    """The same, which there must be."""
    cc = compiler()
    if cc is None:
        raise NoCompiler("no C compiler was found (cc, gcc or clang; CC names another)")
    return cc


@cache
def vector_math() -> tuple[str, ...]:
    """What asks for exp of several numbers at once, where the system has it."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return ()
    test = "#include <math.h>\nint f(void) { return 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "f.so")
        command = [str(compiler()), "-shared", "-fPIC", "-xc", "-", "-o", out, "-lmvec"]
        done = subprocess.run(command, input=test.encode(), capture_output=True)
    return ("-DMVEC", "-lmvec") if done.returncode == 0 else ()


@cache
def vector_bytes() -> int:
    """How many bytes are in a vector of the processor that is compiled for."""
    command = [some_compiler(), *native(), "-dM", "-E", "-xc", os.devnull]
    done = subprocess.run(command, capture_output=True, text=True)
    known = {"__AVX512F__": 64, "__AVX2__": 32}
    return next((size for name, size in known.items() if name in done.stdout), 16)


def native() -> tuple[str, ...]:
    """What asks for all that this processor can."""
    return X86 if platform.machine() == "x86_64" else ()


def compiled(text: str) -> Any:
    """The library of a text in C.

    Raises:
        NoCompiler: there is none, or it refuses the text; says why.
    """
    cc = some_compiler()
    folder = tempfile.mkdtemp(prefix="tinygrad_attn_")
    try:
        source, library = Path(folder, "step.c"), Path(folder, "step.so")
        source.write_text(text, encoding="utf-8")
        extra = vector_math()
        command = [cc, *FLAGS, *native(), *extra[:1], str(source), "-o", str(library)]
        command += [*extra[1:], "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it says nothing"]
            first = next((line for line in said if "error" in line), said[0])
            raise NoCompiler(f"{cc} does not compile the program: {first.strip()}")
        return ctypes.CDLL(str(library))
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # it is loaded; the file may go
