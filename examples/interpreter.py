"""With which Python an example or a benchmark runs: called in one way, before and
after `make`.

`python3 examples/train_reverse.py --backend numpy` runs where that Python has NumPy.
Debian's has none, and pip may not add it. Then the example says so, and goes on with
the clone's own .venv, which `make venv` fills.

An old Python must be able to read this file and those that import it: it is refused
here, in one line.
"""

import argparse
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

if (
    {Path(__file__).resolve().parents[1] / name for name in ("examples", "benchmarks")}
    & set(Path(sys.argv[0]).resolve().parents)
    and signal.getsignal(signal.SIGINT) is signal.default_int_handler
):  # from here to `begin`, Ctrl-C ends the program without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

try:
    import tinygrad_attn  # noqa: F401
except ImportError as error:
    sys.exit(str(error))

from collections.abc import Callable

from examples.terminal import wrapped
from tinygrad_attn.arrays.backends import VARIABLE, current_backend

VENV = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"
LANGUAGES = "--program", "--target"  # the language of a program that is written
TELL = """
import sys
from importlib.util import find_spec
print(*filter(find_spec, sys.argv[1:]))
"""


def asked(backend: str, out: str | None, compiled: bool) -> tuple[set[str], bool]:
    """The packages that the command line asks for, or the default backend; and whether
    --backend is given."""
    needs = {"--out": out} if out else {}
    parser = argparse.ArgumentParser(
        add_help=False, exit_on_error=False, allow_abbrev=False
    )
    for option in ("--backend", "--save", *LANGUAGES, *needs):
        parser.add_argument(option)
    try:
        given, _ = parser.parse_known_args()
    except argparse.ArgumentError:
        return set(), True  # the example itself says what is wrong
    packages = {needs[option] for option in needs if getattr(given, option[2:])}
    languages = {getattr(given, option[2:]) for option in LANGUAGES}
    if compiled and not given.target and Path(given.save or "").suffix == ".c":
        languages.add("c")
    if (given.backend or backend) == "numpy" or languages & {"numpy", "c"}:
        packages.add("numpy")
    return packages, given.backend is not None


def in_venv(wanted: set[str]) -> set[str]:
    """Which of the packages the Python of .venv has; none if that does not work."""
    try:
        answer = subprocess.check_output(
            [VENV, "-c", TELL, *wanted], text=True, stderr=subprocess.DEVNULL
        )
    except (OSError, subprocess.CalledProcessError):
        return set()
    return set(answer.split())


def go_on_in_venv(wanted: set[str]) -> None:
    """The same command with the Python of .venv, if that has more of the packages."""
    here = set(filter(find_spec, wanted))
    if here == wanted:
        return
    try:
        if Path(sys.executable).parent.samefile(VENV.parent):
            return
    except OSError:
        return  # there is none
    there = in_venv(wanted)
    if there > here:
        more = " and ".join(sorted(there - here))
        said = f"{sys.executable} has no {more}; going on with {VENV}"
        if sys.stderr is not None:  # it was not closed by the caller
            print(wrapped(said, sys.stderr), file=sys.stderr, flush=True)
        os.execv(VENV, [str(VENV), *sys.orig_argv[1:]])


def begin(wanted: set[str]) -> None:
    """Goes on in .venv if only that has the packages. From here on Ctrl-C is an
    exception."""
    go_on_in_venv(wanted)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def run(
    main: Callable[[], int],
    backend: str | None = None,
    out: str | None = None,
    compiled: bool = False,
) -> int:
    """The exit status of an example's main(), under a Python that has what it needs.

    Args:
        main: the example.
        backend: what it computes on by default; without one, what the environment says.
        out: the package that its --out needs, if any.
        compiled: whether `--save x.c` means a program in C.
    """
    usual = os.environ.get(VARIABLE) or backend or "python"
    packages, chosen = asked(usual, out, compiled)
    begin(packages)
    try:
        if not chosen:
            current_backend()  # which the environment may name
    except (RuntimeError, ValueError) as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        return 2
    return main()
