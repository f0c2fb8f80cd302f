"""Mutants: does a test fail wherever the code is changed?

    python -m benchmarks.mutants.run [--again] [FILE ...]

Every file of targets.py is changed in one place at a time (`a + b` becomes `a - b`, a
number grows by 1, an argument is left out), and its tests run on the result. A mutant
that no test notices has survived. It shows a test that is missing, or it changes
nothing that counts; then reasons.txt says why. Survivors are printed with their
reasons, and a table at the end. The exit status is 1 if fewer than 97 % were killed, if
a survivor has no reason, or if a reason has no survivor.

    FILE       only these files
    --again    only what survived, for want of a reason, the last time

The changes are those of mutmut. It is not run itself, because it leaves out decorated
functions, which all the rules are, and because its own frames would stand among those
that autograd/lines.py looks at. Here each mutant is a file in a copy of the repository,
and its tests run in a fork of a process that has loaded pytest and NumPy already: most
take half a second. Left out by kind are annotations, type aliases, imports, docstrings
and what stands in a `raise`, as no test should know the texts of errors word by word.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import libcst as cst
from mutmut.mutation.mutators import mutation_operators

from benchmarks.mutants.targets import LEFT_ALONE, TARGETS

ROOT = Path(__file__).resolve().parent.parent.parent
REASONS = Path(__file__).with_name("reasons.txt")
SURVIVED = ROOT / "out" / "mutants.txt"  # those without a reason, of the last run
WANTED = 0.97
WORKERS = min(2, os.cpu_count() or 1)
LOADED = ("pytest", "_pytest.doctest", "hypothesis", "numpy", "unittest.mock")
OPTIONS = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is LOADED
NOT_COPIED = (".git", ".venv", ".mypy_cache", ".ruff_cache", "out", "build")
SECONDS = 60  # of computing; a mutant that needs more is in an endless loop
MEMORY = 4 << 30  # bytes
LEFT_OUT = (cst.Annotation, cst.Import, cst.ImportFrom, cst.Raise)


class Mutant(NamedTuple):
    """A file with one change.

    Attributes:
        key: file, function, lines before and after: what reasons.txt calls it.
        code: the whole file.
    """

    key: str
    code: str


# --- making them ----------------------------------------------------------------------


def mutants_of(file: str) -> Iterator[Mutant]:
    """All mutants of a file, in order."""
    source = (ROOT / file).read_text(encoding="utf-8")
    module = cst.MetadataWrapper(cst.parse_module(source)).module  # no node twice
    for node, changed, place in changes(module, ""):
        code = module.deep_replace(node, changed).code
        if code != source and place not in LEFT_ALONE.get(file, ()):
            yield Mutant(f"{file}: {place}\n{diff(source, code)}", code)


def changes(node: Any, place: str) -> Iterator[tuple[Any, Any, str]]:
    """Nodes below this one, each with another to take its place, and the class and
    function that they are in, or the constant."""
    if is_left_out(node, place):
        return
    if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
        place = f"{place}.{node.name.value}" if place else node.name.value
    elif not place and isinstance(node, (cst.Assign, cst.AnnAssign)):
        place = name_of_target(node)
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            found = list(operator(node))
            if isinstance(node, cst.SimpleString):
                found = found[:1]  # the others change case
            for changed in found:
                yield node, changed, place
    for child in node.children:
        yield from changes(child, place)


def is_left_out(node: Any, place: str) -> bool:
    """Whether a node and all below it stay as they are."""
    if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString):
        return True  # a docstring
    if isinstance(node, cst.Assign) and not place:
        return bool(re.match("[A-Z]([a-z]|$)", name_of_target(node)))  # a type
    return isinstance(node, LEFT_OUT)


def name_of_target(node: Any) -> str:
    """The name that an assignment gives a value to; "" for anything else."""
    target = node.targets[0].target if isinstance(node, cst.Assign) else node.target
    return str(target.value) if isinstance(target, cst.Name) else ""


def diff(before: str, after: str) -> str:
    """The lines that differ, "- " before the old and "+ " before the new."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return "\n".join(f"{s[0]} {s[2:].strip()}" for s in lines if s[0] in "+-")


# --- testing them ---------------------------------------------------------------------

here = Path()  # a worker's copy of the repository


def settle(folder: str) -> None:
    """What a worker does first: it copies the repository, and loads what tests need."""
    global here
    here = Path(tempfile.mkdtemp(dir=folder))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy2(path, here)
        elif path.name not in NOT_COPIED and path.suffix != ".egg-info":
            shutil.copytree(path, here / path.name)
    os.environ["OMP_NUM_THREADS"] = "1"
    for module in LOADED:
        importlib.import_module(module)


def survives(task: tuple[str, Mutant]) -> bool:
    """Whether the tests of a file pass with a mutant in its place."""
    file, mutant = task
    path = here / file
    before = path.read_text(encoding="utf-8")
    quick, thorough = TARGETS[file]
    path.write_text(mutant.code, encoding="utf-8")
    try:
        return tests_pass([file, *quick]) and tests_pass(thorough)
    finally:
        path.write_text(before, encoding="utf-8")


def tests_pass(tests: Sequence[str]) -> bool:
    """Whether tests pass in this worker's copy, in a fork that has loaded nothing of
    it yet."""
    child = os.fork()
    if child == 0:
        run_tests(tests)
    _, status = os.waitpid(child, 0)
    return status == 0


def run_tests(tests: Sequence[str]) -> None:
    """In a fork: pytest, whose exit status becomes that of the process."""
    status = 1
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(10 * SECONDS)  # for one that waits
        os.chdir(here)
        os.environ["PYTHONPATH"] = str(here)
        sys.path[0] = str(here)  # before the repository itself, which is installed
        sys.dont_write_bytecode = True
        pytest = importlib.import_module("pytest")
        status = pytest.main([*OPTIONS, *tests])
    finally:
        os._exit(int(status))


# --- saying what came of it -----------------------------------------------------------


def reasons() -> dict[str, str]:
    """A survivor's key → why it may survive."""
    found = {}
    for block in REASONS.read_text(encoding="utf-8").strip().split("\n\n"):
        if not block.startswith("#"):
            key, _, reason = block.rpartition("\n= ")
            found[key] = reason
    return found


def work(files: Sequence[str], again: bool) -> list[tuple[str, Mutant]]:
    """The mutants to be tested; first, for each file, the unchanged one."""
    last = set(SURVIVED.read_text(encoding="utf-8").split("\n\n") if again else ())
    last -= set(reasons())
    tasks = []
    for file in files:
        source = (ROOT / file).read_text(encoding="utf-8")
        found = [(file, m) for m in mutants_of(file) if not again or m.key in last]
        tasks += [(file, Mutant("", source)), *found] if found else []
    return tasks


def table(tested: Counter[str], survived: Counter[str]) -> float:
    """Prints how many were killed of each file, and returns the share of all."""
    width = max(map(len, tested))
    print(f"{'file':<{width}}  mutants  killed  survived        ")
    both = Counter(tested), Counter(survived)
    both[0]["all"], both[1]["all"] = tested.total(), survived.total()
    for file, n in both[0].items():
        left = both[1][file]
        share = (n - left) / n
        print(f"{file:<{width}}  {n:7}  {n - left:6}  {left:8}  {share:6.1%}")
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    """Tests the mutants, prints the table; 0 if enough were killed and all is told."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="only these files")
    parser.add_argument("--again", action="store_true", help="only the last survivors")
    options = parser.parse_args(arguments)
    os.nice(10)
    tasks = work(options.files or list(TARGETS), options.again)
    tested, survived = Counter[str](), Counter[str]()
    known, unknown = reasons(), []
    unused = {key for key in known if key.partition(":")[0] in {f for f, _ in tasks}}
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        get_context("fork").Pool(WORKERS, settle, [folder]) as pool,
    ):
        for (file, mutant), alive in zip(tasks, pool.imap(survives, tasks)):
            if not mutant.key:
                print(f"... {file}", file=sys.stderr, flush=True)
                if not alive:
                    raise SystemExit(f"{file}: its tests fail without any change")
                continue
            tested[file] += 1
            survived[file] += alive
            if alive:
                print(f"{mutant.key}\n= {known.get(mutant.key, '???')}\n", flush=True)
                unused.discard(mutant.key)
                if mutant.key not in known:
                    unknown.append(mutant.key)
    SURVIVED.parent.mkdir(exist_ok=True)
    SURVIVED.write_text("\n\n".join(unknown), encoding="utf-8")
    if options.again:
        print(f"{tested.total() - survived.total()} of {tested.total()} killed now")
        return 0
    share = table(tested, survived)
    print(f"{len(unknown)} survived without a reason (??? above, and in {SURVIVED})")
    for key in unused:
        print(f"reasons.txt gives a reason, but it was killed or is gone:\n{key}\n")
    return 0 if share >= WANTED and not unknown and not unused else 1


if __name__ == "__main__":
    sys.exit(main())
