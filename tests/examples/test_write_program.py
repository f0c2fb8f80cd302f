"""A program's language, where it is saved, and what is refused before it is printed."""

from __future__ import annotations

import os
import shutil

import pytest
from conftest import call, needs_cc, needs_numpy

from examples import train_reverse, write_program


@pytest.mark.parametrize(
    ("given", "name", "language", "begins"),
    [
        ((), "x.py", "python", '"""'),
        ((), "x.js", "javascript", "//"),
        pytest.param((), "x.c", "c", "/*", marks=[needs_numpy, needs_cc]),
        pytest.param(("--target", "numpy"), "x.py", "numpy", '"""', marks=needs_numpy),
    ],
)
def test_what_is_printed_is_what_is_saved(given, name, language, begins, tmp_path):
    file = tmp_path / name
    assert write_program.parse([*given, "--save", str(file)]).target == language
    done = call(write_program.main, *given, "--save", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(begins)
    assert f"written to {file}" in done.stdout
    text = file.read_text()
    assert text.startswith(begins)
    assert ("import numpy" in text) == (language == "numpy")


@needs_numpy
@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        (("--target", "c"), "x.py", "given beside --target c, whose files end in .c"),
        (("--target", "python"), "x.c", "beside --target python, whose files end in"),
        (("--target", "javascript"), "x.c", "beside --target javascript, whose files"),
        ((), "x.txt", "given; its name must end in .py, .c or .js"),
        ((), "x", "given; its name must end in .py, .c or .js"),
        ((), "", "given; its name must end in .py, .c or .js"),
        ((), "nowhere/x.py", "no file can be written there (there is no folder"),
        ((), "folder.py", "no file can be written there (it is there already"),
    ],
)
def test_what_cannot_be_saved_is_refused_first(given, name, says, tmp_path):
    (tmp_path / "folder.py").mkdir()
    done = call(write_program.main, *given, "--save", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"write_program: --save {tmp_path / name}")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["folder.py"]


@needs_numpy
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(not shutil.which("false"), reason="a command of Unix")
@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("CC", "false", "false does not compile the program: it says nothing"),
        ("PATH", "", "no C compiler was found (install gcc or clang, or name one by "),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        (write_program, "--target", "c"),
        (train_reverse, "--program", "c", "--backend", "numpy", "--steps", "1"),
    ],
    ids=lambda command: command[1],
)
def test_without_a_compiler_one_line_says_what_runs(
    command, variable, value, why, monkeypatch
):
    if variable == "PATH":
        monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv(variable, value)
    module, *arguments = command
    done = call(module.main, *arguments)
    name = module.__name__.partition(".")[2]
    (line,) = (s for s in done.stderr.splitlines() if "runs in numpy" in s)
    assert line.startswith(f"{name}: ")
    assert line.endswith("; the program runs in numpy")
    assert why in line
    assert "Warning" not in done.stderr
    assert ".py:" not in done.stderr
