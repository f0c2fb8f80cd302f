"""Compilers that do not do what they should: NumPy's program runs, and one line says
why. What CC names is run with all its words, and asked anew when it changes."""

from __future__ import annotations

import os
import re
import tempfile
import warnings

import pytest
from conftest import needs_cc, needs_numpy

from tinygrad_attn import use_backend, write
from tinygrad_attn.program import compiling

pytestmark = [
    needs_numpy,
    pytest.mark.skipif(os.name != "posix", reason="needs scripts"),
    needs_cc,
]
REAL = compiling.compiler()


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        yield


def doubled(x):
    return x * 2.0


def told(target="c"):
    """Which program runs, and the one warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step = write(doubled, {"x": [1.0, 2.0]}, target=target)
        assert step([1.0, 3.0]).tolist() == [2.0, 6.0]
    said = [str(warning.message) for warning in caught]
    assert all("\n" not in line for line in said)
    return (step.target, *said)


def script(folder, lines, head="#!/bin/sh\n"):
    """A compiler that is a script."""
    path = folder / "own-cc"
    path.write_text(head + lines)
    path.chmod(0o755)
    return str(path)


# the last of its words but one is not known; what follows -o is
OUT = 'for w; do if [ "$before" = -o ]; then out="$w"; fi; before="$w"; done\n'
BROKEN = {
    "makes nothing": ("exit 0", "does not compile the program: it made no file"),
    "makes garbage": (OUT + 'echo garbage > "$out"', "cannot be loaded: .*step.so"),
    "makes nothing in it": (OUT + ': > "$out"', "cannot be loaded: .*step.so"),
    "speaks Latin-1": (
        "printf 'error: \\351\\n' >&2; exit 1",
        "does not compile the program: error: \N{REPLACEMENT CHARACTER}",
    ),
    "says nothing": ("exit 1", "does not compile the program: it says nothing"),
    "dies": ("kill -9 $$", "does not compile the program: signal 9 ended it"),
    "makes another": (
        OUT + f'echo "int f;" | {REAL and REAL[0]} -shared -xc - -o "$out"',
        "is another library",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_compiler_that_is_broken_is_told_in_a_line(name, tmp_path, monkeypatch):
    lines, says = BROKEN[name]
    monkeypatch.setenv("CC", script(tmp_path, lines))
    target, warning = told()
    assert target == "numpy"
    assert re.search(says, warning), warning
    assert warning.endswith("; the program runs in numpy")


def test_what_is_no_program_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", script(tmp_path, "\0\0", head="\x7fELF"))
    target, warning = told()
    assert target == "numpy"
    assert f"own-cc does not run: {os.strerror(8)}" in warning


@pytest.mark.parametrize("cc", ["", " ", "  \t", "'"])
def test_a_CC_without_words_is_none(cc, monkeypatch):
    monkeypatch.setenv("CC", cc)
    assert told() == ("c",)


def test_all_words_of_CC_are_run(tmp_path, monkeypatch):
    real = REAL[0]
    mark = tmp_path / "with a space"
    lines = f'echo "$1" >> "{tmp_path / "seen"}"; shift; exec {real} "$@"'
    own = script(tmp_path, lines)
    for cc in (f"env {real}", f"{real} -O1", f"{own} -DWORD", f"'{own}' '{mark}'"):
        monkeypatch.setenv("CC", cc)
        assert told() == ("c",)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert {*seen} == {"-DWORD", str(mark)}
    monkeypatch.setenv("CC", f"{real} -fno-such-flag")
    assert told()[0] == "numpy"
    monkeypatch.delenv("CC")
    assert told() == ("c",)  # asked anew


def test_a_compiler_where_there_are_spaces(tmp_path, monkeypatch):
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.setenv("CC", script(folder, f'exec {REAL[0]} "$@"'))
    assert told() == ("c",)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    target, warning = told()
    assert target == "numpy"
    assert f"no folder to compile in: {os.strerror(2)} (TMPDIR names" in warning


def test_a_full_disk_is_told(monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(compiling.Path, "write_text", full)
    target, warning = told()
    assert target == "numpy"
    assert f"{os.strerror(28)} (TMPDIR names another)" in warning


def test_a_folder_that_nothing_may_run_from_is_told(tmp_path, monkeypatch):
    """As on a file system mounted noexec."""

    def refused(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(compiling.ctypes, "CDLL", refused)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert write(doubled, {"x": [1.0]}, target="c").target == "numpy"
    assert "failed to map segment" in str(caught[0].message)
    assert "TMPDIR names another folder" in str(caught[0].message)


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert told() == ("c",)
    monkeypatch.setenv("CC", "false")
    assert told()[0] == "numpy"
    assert [*tmp_path.iterdir()] == []
