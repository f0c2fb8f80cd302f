"""Saved files: what stands beside them, and where they cannot be written."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_cc, needs_numpy

import nn
from tinygrad_attn import manual_seed, randn, use_backend, write
from tinygrad_attn.program import compiling, saving

pytestmark = needs_numpy
TARGETS = ["numpy", "python"]


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        manual_seed(0)
        yield


def trained(target="numpy"):
    """A step of training, and its input."""
    model = nn.Linear(3, 2)
    adam = nn.optim.Adam(model.parameters(), lr=0.1)

    def loss(x):
        return (model(x) ** 2).mean()

    x = randn(4, 3)
    return write(loss, {"x": x}, update=adam, target=target), x


def loss_of(path, x, t):
    """The loss of a saved step in Python or C."""
    if path.suffix == ".py":
        given = x.array if "numpy" in path.read_text() else x.reshape(-1).tolist()
        return float(runpy.run_path(str(path))["step"](given, 0.1, t)[0])
    numbers = ", ".join(map(repr, x.reshape(-1).tolist()))
    main = path.with_name("main.c")
    main.write_text(
        f'#include "{path.name}"\nint main(void) {{\n'
        f"  double x[] = {{{numbers}}}, loss;\n"
        f'  if (load("{path.name}.numbers") || run(x, 0.1, {t}, &loss)) return 1;\n'
        '  printf("%.17g", loss); return 0;\n}\n'
    )
    for command in ([*compiling.some_compiler(), "main.c", "-lm"], ["./a.out"]):
        done = subprocess.run(
            command, cwd=path.parent, capture_output=True, text=True, check=True
        )
    return float(done.stdout)


# --- the file beside ------------------------------------------------------------------


@needs_cc
@pytest.mark.parametrize("target", TARGETS)
def test_each_file_has_numbers_of_its_own(target, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "MOST", 1)
    step, x = trained(target)
    step.save(tmp_path / "model.py")
    first = step(x).item()
    step.save(tmp_path / "model.c")
    second = step(x).item()
    assert first != second
    assert {p.name for p in tmp_path.iterdir()} == {
        *("model.py", "model.py.numbers", "model.c", "model.c.numbers")
    }
    assert loss_of(tmp_path / "model.py", x, 1) == pytest.approx(first, rel=1e-12)
    assert loss_of(tmp_path / "model.c", x, 2) == pytest.approx(second, rel=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_numbers_of_another_program_are_refused(target, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "MOST", 1)
    step, _ = trained(target)
    step.save(tmp_path / "model.py")
    beside = tmp_path / "model.py.numbers"
    whole = beside.read_bytes()
    for wrong in (whole[:-8], whole + whole, b""):
        beside.write_bytes(wrong)
        with pytest.raises(
            ValueError,
            match=rf"^{len(wrong)} bytes in the .*; it must have {len(whole)},",
        ):
            runpy.run_path(str(tmp_path / "model.py"))


@pytest.mark.parametrize("name", ["it's.py", 'a "b".py', "ünï.py", "two words.py"])
def test_any_name_has_its_numbers(name, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "MOST", 1)
    step, x = trained()
    step.save(tmp_path / name)
    assert loss_of(tmp_path / name, x, 1) == step(x).item()


# --- how a file is used ---------------------------------------------------------------


@pytest.mark.parametrize("stem", ["class", "my-step", "a.b", "3", "None", "own"])
def test_the_head_says_how_a_file_is_used(stem, tmp_path):
    step, x = trained()
    step.save(tmp_path / f"{stem}.py")
    text = (tmp_path / f"{stem}.py").read_text()
    head = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    call = head.index("(loss,) = step(x, lr=0.1, t=1)")
    says = "\n".join(head[: call + 1])
    assert ("from own import step" in says) == (stem == "own")
    code = f"import numpy as np\nx = np.array({x.tolist()})\n{says}\nprint(loss)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert float(done.stdout) == step(x).item()


@pytest.mark.parametrize("many", [False, True])
def test_the_head_says_how_c_loads_its_numbers(many, tmp_path, monkeypatch):
    if many:
        monkeypatch.setattr(saving, "MOST", 1)
    step, _ = trained()
    step.save(tmp_path / "a b.c")
    head = (tmp_path / "a b.c").read_text().partition("*/")[0]
    load = '    load("a b.c.numbers");  // once' if many else "    load();  // once"
    assert load in head
    assert "(a b.c, with -lm)" in head


def test_a_name_that_would_end_the_head_is_left_out(tmp_path):
    step, x = trained()
    path = tmp_path / 'a"""b\\N.py'
    step.save(path)
    assert loss_of(path, x, 1) == step(x).item()


# --- where it cannot be written -------------------------------------------------------


@pytest.mark.parametrize("path", [3, None, 1.5, ["step.py"]])
def test_what_is_no_path_is_refused(path):
    step, _ = trained()
    with pytest.raises(TypeError, match=r"^save: .*, a \w+, given; it must be a str"):
        step.save(path)


def test_a_name_too_long_is_told(tmp_path):
    step, _ = trained()
    with pytest.raises(OSError, match=r"^save: '.*' could not be written: File name"):
        step.save(tmp_path / f"{'x' * 300}.py")
    assert [*tmp_path.iterdir()] == []


def test_bytes_and_strings_are_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    step, _ = trained()
    for path in (b"a.py", "b.py", Path("c.py")):
        step.save(path)
    assert {p.name for p in tmp_path.iterdir()} == {"a.py", "b.py", "c.py"}


@pytest.mark.parametrize("suffix", ["py", "c", "js"])
def test_a_folder_in_the_way_is_refused(suffix, tmp_path):
    step, _ = trained()
    path = tmp_path / f"x.{suffix}"
    path.mkdir()
    with pytest.raises(
        FileExistsError, match=r"^save: '.*' given; it is there already"
    ):
        step.save(path)
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_in_the_way_of_the_numbers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "MOST", 1)
    step, _ = trained()
    beside = tmp_path / "x.py.numbers"
    beside.mkdir()
    with pytest.raises(FileExistsError, match=r"^save: '.*x\.py\.numbers' .* no file"):
        step.save(tmp_path / "x.py")
    assert [*tmp_path.iterdir()] == [beside]


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_full_disk_leaves_the_old_files(fails_at, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "MOST", 1)
    step, x = trained()
    step.save(tmp_path / "x.py")
    old = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    want = step(x).item()
    count = []

    def full(path, data, write=Path.write_bytes):
        count.append(path)
        write(path, data[: len(data) // 2])
        if len(count) == fails_at:
            raise OSError(28, os.strerror(28))
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(
            OSError, match=r"^save: '.*x\.py.*' could not be written: No space"
        ):
            step.save(tmp_path / "x.py")
    assert len(count) == fails_at
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == old
    assert loss_of(tmp_path / "x.py", x, 1) == want


def test_files_of_others_stay(tmp_path):
    (tmp_path / "x.py.new").write_text("mine")
    step, _ = trained()
    step.save(tmp_path / "x.py")
    assert (tmp_path / "x.py.new").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "x.py"
    link.symlink_to(tmp_path / "real" / "y.py")
    step, x = trained()
    step.save(link)
    assert link.is_symlink()
    assert loss_of(link, x, 1) == step(x).item()
