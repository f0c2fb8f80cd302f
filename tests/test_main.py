"""`python -m tinygrad_attn` tells what there is, in commands that work as they stand.

What it tells of an installation stands in test_wheel.py.
"""

from __future__ import annotations

import doctest
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from tinygrad_attn import __main__ as program
from tinygrad_attn import __version__


def told(*arguments, cwd=ROOT, python=sys.executable, **variables):
    done = subprocess.run(
        [python, "-m", "tinygrad_attn", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("end", ["| true", ">&-", ">&- 2>&-"])
def test_a_reader_that_is_not_there_is_no_error(end):
    command = f"{shlex.quote(sys.executable)} -m tinygrad_attn {end}"
    done = subprocess.run(command, shell=True, capture_output=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("option", [[], ["--help"], ["--version"]])
def test_a_full_disk_is_one_line(option):
    command = [sys.executable, "-m", "tinygrad_attn", *option]
    env = os.environ | {"PYTHONUNBUFFERED": ""}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=-1, text=True, cwd=ROOT, env=env
        )
    assert done.returncode == 2
    assert done.stderr == "tinygrad_attn: [Errno 28] No space left on device\n"


def commands(text):
    """The lines that are to be typed into a shell."""
    lines = text.partition("Lessons and examples\n")[2].splitlines()
    return [
        s.strip() for s in lines if s.startswith("    ") and not s.startswith(" " * 8)
    ]


def test_every_program_is_a_command_that_runs_here():
    said = commands(told())
    files = [shlex.split(command)[1] for command in said]
    programs = {
        f"examples/{path.name}"
        for path in (ROOT / "examples").glob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    }
    assert sorted(files) == sorted(programs)
    assert all(shlex.split(command)[0] == sys.executable for command in said)
    assert files[0].startswith("examples/lesson_")
    done = subprocess.run(said[2], shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_from_another_folder_one_is_led_there_first(tmp_path):
    """To a clone with a space in its path, by a Python that was called by a path."""
    clone, bin = tmp_path / "a clone", tmp_path / "my bin"
    for name in ("examples", "nn", "tinygrad_attn"):
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, clone / name, ignore=unwanted)
    bin.mkdir()
    (bin / "python").symlink_to(sys.executable)
    text = told(cwd=tmp_path, python="my bin/python", PYTHONPATH=str(clone))
    first, *rest = commands(text)
    assert first == f"cd '{clone}'"
    lesson = next(command for command in rest if "one_neuron" in command)
    both = f"{first} && {lesson} | head -1"
    done = subprocess.run(both, shell=True, cwd=tmp_path, capture_output=True)
    assert done.stdout.startswith(b"One neuron"), done.stderr


def test_the_first_try_says_what_it_gives():
    tried = doctest.DocTestParser().get_doctest(program.TRY, {}, "TRY", None, None)
    assert len(tried.examples) == 3
    assert doctest.DocTestRunner().run(tried).failed == 0


@pytest.mark.parametrize("language", ["C", "C.UTF-8"])
def test_it_is_plain_letters_in_60_columns(language):
    text = told(LC_ALL=language, PYTHONIOENCODING="", PYTHONUTF8="0")
    text = text.replace(str(ROOT), "").replace(sys.executable, "python3")
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 60


def test_a_path_that_the_terminal_cannot_show_does_no_harm(tmp_path):
    clone = tmp_path / "é"
    shutil.copytree(ROOT / "tinygrad_attn", clone / "tinygrad_attn")
    text = told(cwd=tmp_path, PYTHONPATH=str(clone), PYTHONIOENCODING="ascii")
    assert "\\xe9" in text


def test_its_version_can_be_asked():
    assert told("--version") == f"{__version__}\n"
