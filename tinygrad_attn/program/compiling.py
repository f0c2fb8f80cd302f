"""The system's C compiler: from a text to a function."""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as threads
from typing import Any
from weakref import finalize

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

# gcc's -O2 makes vectors only of what gets no longer by it. At the end of the sum of a
# row, or of its largest number, that takes three times as long.
GCC = ("-fvect-cost-model=dynamic",)


# Texts that are compiled at the same time; a compiler may take 100 MB.
AT_ONCE = 4


class NoCompiler(RuntimeError):
    """There is no C compiler, or it does not compile."""


class Stopped(NoCompiler):
    """Somebody ended it by a signal: perhaps ^C, which all that runs is sent."""


class Fallback(UserWarning):
    """A program runs in another language than it was written for.

    Attributes:
        why: what is missing or wrong.
        instead: what runs, and what else may help.
    """

    def __init__(self, who: str, why: str, instead: str) -> None:
        super().__init__(f"{who}: {why}; {instead}")
        self.why, self.instead = why, instead


def compiler() -> tuple[str, ...] | None:
    """The command of the system's C compiler, such as ("gcc",) or ("ccache", "gcc");
    None if there is none. The environment's CC comes first."""
    return found(os.environ.get("CC", ""), os.environ.get("PATH"))


@cache
def found(wanted: str, path: str | None) -> tuple[str, ...] | None:
    """The first command whose program is there."""
    try:
        own = shlex.split(wanted, posix=os.name == "posix")
    except ValueError:  # a quote is not closed
        own = wanted.split()
    for words in ([wanted], own, ["cc"], ["gcc"], ["clang"]):
        if any(words) and (program := shutil.which(words[0], path=path)):
            return os.path.abspath(program), *words[1:]
    return None


def some_compiler() -> tuple[str, ...]:
    """The same, which there must be."""
    cc = compiler()
    if cc is None:
        raise NoCompiler(
            "no C compiler was found (install gcc or clang, or name one by CC)"
        )
    return cc


def run(command: Sequence[str], given: str = "") -> Any:
    """A command's exit status, and what it said.

    Raises:
        NoCompiler: it cannot be run.
    """
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise NoCompiler(f"{command[0]} does not run: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Why something failed, in one line."""
    return " ".join(str(error.strerror or error).split())


@cache
def vector_math(cc: tuple[str, ...]) -> tuple[str, ...]:
    """What asks for exp of several numbers at once, where the system has it."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        return ()
    test = "#include <math.h>\nint f(void) { return 0; }\n"
    with folder_for_a_while() as folder:
        out = str(folder / "f.so")
        command = [*cc, "-shared", "-fPIC", "-xc", "-", "-o", out, "-lmvec"]
        done = run(command, test)
    return ("-DMVEC", "-lmvec") if done.returncode == 0 else ()


def vector_bytes() -> int:
    """How many bytes are in a vector of the processor that is compiled for."""
    told, known = said_by(some_compiler()), {"__AVX512F__": 64, "__AVX2__": 32}
    return next((size for name, size in known.items() if name in told), 16)


@cache
def said_by(cc: tuple[str, ...]) -> str:
    """What a compiler says of itself and of the processor."""
    found: str = run([*cc, *native(), "-dM", "-E", "-xc", os.devnull]).stdout
    return found


def native() -> tuple[str, ...]:
    """What asks for all that this processor can."""
    return X86 if platform.machine() == "x86_64" else ()


def own(cc: tuple[str, ...]) -> tuple[str, ...]:
    """What only gcc knows."""
    told = said_by(cc)
    return GCC if "__GNUC__" in told and "__clang__" not in told else ()


@contextmanager
def folder_for_a_while() -> Iterator[Path]:
    """An empty folder, which is removed at the end.

    Raises:
        NoCompiler: there can be none, or a file in it cannot be written.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="tinygrad_attn_"))
    except OSError as error:
        raise NoCompiler(
            f"no folder to compile in: {reason(error)} (TMPDIR names another)"
        ) from error
    try:
        yield folder
    except OSError as error:
        raise NoCompiler(f"{folder}: {reason(error)} (TMPDIR names another)") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compiled(text: str, cc: tuple[str, ...]) -> Any:
    """The library that a compiler makes of a text in C.

    Raises:
        NoCompiler: it refuses the text, or makes nothing that can be loaded; says why.
    """
    extra = vector_math(cc)
    with folder_for_a_while() as folder:
        source, library = folder / "step.c", folder / "step.so"
        source.write_text(text, encoding="utf-8")
        flags = [*FLAGS, *native(), *own(cc), *extra[:1]]
        done = run([*cc, *flags, str(source), "-o", str(library), *extra[1:], "-lm"])
        name = shlex.join(cc)
        fails = f"{name} does not compile the program"
        if done.returncode < 0:
            raise Stopped(f"{fails}: signal {-done.returncode} ended it")
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it says nothing"]
            first = next((line for line in said if "error" in line), said[0])
            raise NoCompiler(f"{fails}: {first.strip()}")
        if not library.is_file():
            raise NoCompiler(f"{fails}: it made no file")
        return loaded(name, library)  # from then on, the file may go


class Compiling(Thread):
    """A text that is compiled while something else is done, by the compiler that there
    is now. (Of many texts, some wait until their libraries are asked for.)"""

    def __init__(self, text: str) -> None:
        super().__init__(name="compiler", daemon=False)  # Python's end waits for it
        self.text, self.cc = text, some_compiler()
        self.made: Any = None
        self.failed = ""  # why, in words: an error would keep all that led to it
        self.ended = Event()  # a join() that ^C interrupts takes the thread for ended
        if sum(isinstance(t, Compiling) for t in threads()) < AT_ONCE:
            with suppress(RuntimeError):  # there can be no more threads
                self.start()

    def run(self) -> None:
        with suppress(Exception):  # which the second try tells
            try:
                self.made = compiled(self.text, self.cc)
            except NoCompiler as error:
                self.failed = "" if isinstance(error, Stopped) else str(error)
        self.ended.set()

    def library(self) -> Any:
        """The library, as soon as it is there. Where the thread made none, it is made
        now: there may have been no thread, or this may be a fork of the process.

        Raises:
            NoCompiler: as `compiled`.
        """
        if self.is_alive():
            self.ended.wait()
        if self.failed:
            raise NoCompiler(self.failed)
        self.made = self.made or compiled(self.text, self.cc)
        return self.made


def loaded(name: str, library: Path) -> Any:
    """A library that a compiler has made."""
    try:
        found = ctypes.CDLL(str(library))
    except OSError as error:
        raise NoCompiler(
            f"what {name} made of the program cannot be loaded: {reason(error)} "
            "(if programs may not run from there, TMPDIR names another folder)"
        ) from error
    if close := getattr(import_module("_ctypes"), "dlclose", None):  # not on Windows
        finalize(found, close, found._handle).atexit = False  # with its last function
    if not hasattr(found, "step"):
        raise NoCompiler(f"what {name} made of the program is another library")
    return found
