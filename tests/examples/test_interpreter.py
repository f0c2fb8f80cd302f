"""An example finds what it needs in the clone's .venv, and refuses an old Python."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import venv
from types import SimpleNamespace

import pytest
from conftest import ROOT

from examples import interpreter, terminal
from tinygrad_attn.errors import how_to_install

PROGRAMS = sorted(
    path
    for path in (ROOT / "examples").glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8")
)
# What an old Python reads until it is told that it is too old.
READ = [
    *PROGRAMS,
    ROOT / "examples" / "interpreter.py",
    ROOT / "nn" / "__init__.py",
    ROOT / "tinygrad_attn" / "__init__.py",
]


def run(*command, **variables):
    kept = {n: v for n, v in os.environ.items() if n != "TINYGRAD_ATTN_BACKEND"}
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, env={**kept, **variables}
    )


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_an_old_python_can_read_what_refuses_it(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_an_old_python_gets_one_line(path):
    code = (
        "import sys, runpy\n"
        "sys.version_info, sys.version = (3, 9, 2), '3.9.2 (main)'\n"
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    done = run(sys.executable, "-c", code, path)
    assert done.returncode
    assert done.stdout == ""
    assert done.stderr == (
        "tinygrad_attn needs Python 3.10 or later; this is Python 3.9.2 "
        f"({sys.executable})\n"
    )


@pytest.mark.parametrize("name", ["nn", "tinygrad_attn"])
def test_an_import_tells_an_old_python_the_same(name):
    done = run(
        sys.executable,
        "-c",
        f"import sys; sys.version_info = (3, 9, 2)\nimport {name}",
        PYTHONPATH=str(ROOT),
    )
    assert re.match(
        "ImportError: tinygrad_attn needs Python 3.10 or later; this is Python ",
        done.stderr.splitlines()[-1],
    )


def test_the_oldest_python_is_the_one_that_is_required():
    required = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    refused = (ROOT / "tinygrad_attn" / "__init__.py").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.10"' in required
    assert "_sys.version_info < (3, 10)" in refused


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with a space in its path, and a Python that has nothing installed."""
    folder = tmp_path_factory.mktemp("a clone")
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("examples", "nn", "tinygrad_attn"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
    venv.create(folder / "bare", with_pip=False, symlinks=True)

    def example(name, *arguments, **variables):
        return run(
            folder / "bare" / "bin" / "python",
            folder / "examples" / f"{name}.py",
            *arguments,
            **variables,
        )

    return SimpleNamespace(folder=folder, example=example)


@pytest.fixture
def has(clone):
    """Gives the clone a .venv that has some packages, and says what it is to run."""
    home = clone.folder / ".venv" / "bin"
    home.mkdir(parents=True)

    def having(*packages):
        (home / "python").write_text(
            f'#!/bin/sh\n[ "$1" = -c ] && echo {" ".join(packages)} && exit\n'
            'printf "<%s>" "$@"\n'
        )
        (home / "python").chmod(0o755)

    yield having
    shutil.rmtree(home.parent)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("train_reverse", ["--backend", "numpy"]),
        ("train_reverse", ["--backend=numpy", "--steps", "1"]),
        ("translate_dates", ["--ask", "3 août 1998"]),
    ],
)
def test_numpy_is_found_in_the_clones_venv(clone, has, name, arguments):
    has("numpy")
    done = clone.example(name, *arguments)
    script = clone.folder / "examples" / f"{name}.py"
    assert done.stdout == "".join(f"<{a}>" for a in [script, *arguments])
    bare, found = clone.folder / "bare", clone.folder / ".venv"
    assert done.stderr == (
        f"{bare}/bin/python has no numpy; going on with {found}/bin/python\n"
    )


def test_that_it_goes_on_there_has_the_terminals_width(monkeypatch, capsys, tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "here" / "python"))
    monkeypatch.setattr(interpreter, "VENV", tmp_path / "there" / "python")
    monkeypatch.setattr(interpreter, "find_spec", lambda name: None)
    monkeypatch.setattr(interpreter, "in_venv", set)
    monkeypatch.setattr(os, "execv", lambda *command: None)
    monkeypatch.setattr(terminal, "columns", lambda stream: 24)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    interpreter.go_on_in_venv({"numpy", "matplotlib"})
    lines = capsys.readouterr().err.splitlines()
    assert "has no matplotlib and numpy; going on with" in " ".join(lines)
    assert all(len(line) <= 24 or " " not in line for line in lines)


def test_so_is_what_an_option_needs(clone, has):
    has("matplotlib")
    done = clone.example("train_reverse", "--out", "x")
    assert done.stderr.startswith(f"{clone.folder}/bare/bin/python has no matplotlib; ")
    assert done.stdout.endswith("<--out><x>")


@pytest.mark.parametrize("option", ["--save", "--resume", "--load"])
def test_a_checkpoint_needs_nothing(clone, has, option):
    has("numpy", "matplotlib")
    done = clone.example("train_reverse", option, "/no/such/folder/x")
    assert "going on" not in done.stderr


def test_pictures_that_need_no_package_ask_for_none(clone, has, tmp_path):
    has("matplotlib")
    done = clone.example("attention_as_lookup", "--out", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_environments_backend_is_asked_for_too(clone, has):
    has("numpy")
    done = clone.example("lesson_four_levels", TINYGRAD_ATTN_BACKEND="numpy")
    assert done.stdout.endswith("lesson_four_levels.py>")


def test_nothing_changes_where_nothing_is_missing(clone, has):
    has("numpy", "matplotlib")
    done = clone.example("train_reverse", "--steps", "1", "--seq-len", "4")
    assert done.returncode == 1  # the goal was missed
    assert "held-out sequences reversed" in done.stdout
    assert "going on" not in done.stderr


@pytest.mark.parametrize("packages", [None, []])
def test_where_it_is_nowhere_one_line_says_how_to_get_it(clone, has, packages):
    if packages is not None:
        has(*packages)
    done = clone.example("train_reverse", "--backend", "numpy")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install numpy" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["--target", "c"], ["--target", "numpy"], ["--save", "x.c"]]
)
def test_a_program_that_needs_numpy_says_what_needs_none(clone, has, arguments):
    done = clone.example("write_program", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "pip install numpy" in done.stderr
    assert "or choose --target python" in done.stderr
    assert "--backend" not in done.stderr
    has("numpy")
    done = clone.example("write_program", *arguments)
    assert done.stdout.endswith("".join(f"<{a}>" for a in arguments))


@pytest.mark.parametrize("language", ["c", "numpy"])
def test_what_runs_without_numpy_is_one_line(clone, language):
    done = clone.example("train_reverse", "--program", language, "--steps", "1")
    assert done.returncode == 1
    first, *_ = done.stderr.splitlines()
    assert first.startswith("train_reverse: NumPy is not installed (")
    assert "pip install numpy" in first
    assert first.endswith("; the program runs in python")
    assert "Warning" not in done.stderr
    assert "after 1 step and" in done.stdout


def test_a_backend_that_the_environment_misspells_is_one_line(clone):
    done = clone.example("lesson_four_levels", TINYGRAD_ATTN_BACKEND="nmpy")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "lesson_four_levels: TINYGRAD_ATTN_BACKEND=nmpy: backend 'nmpy' given; it must "
        "be one of python, numpy, scalar\n"
    )


@pytest.mark.parametrize("variable", ["nmpy", "numpy", ""])
def test_the_command_line_comes_before_the_environment(clone, variable):
    """That Python has no NumPy; nobody needs it."""
    arguments = ["--steps", "1"]
    if variable:
        arguments += ["--backend", "python"]
    done = clone.example("train_reverse", *arguments, TINYGRAD_ATTN_BACKEND=variable)
    assert done.returncode == 1
    assert "with --steps 1" in done.stderr
    assert "numpy" not in done.stderr


def test_a_python_that_pip_may_not_change_gets_an_environment_first(
    tmp_path, monkeypatch
):
    import sysconfig

    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert how_to_install("numpy") == "pip install numpy"
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert how_to_install("numpy") == (
        "python3 -m venv .venv && .venv/bin/pip install numpy (then use "
        ".venv/bin/python)"
    )
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # in an environment
    assert how_to_install("numpy") == "pip install numpy"


def test_nobody_else_writes_down_how_to_install():
    told = re.compile(r"pip install (?!-|\.)[a-z{]")
    folders = ("benchmarks", "docs", "examples", "nn", "tinygrad_attn")
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if told.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"tinygrad_attn/errors.py"}
