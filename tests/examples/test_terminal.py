"""The examples in a terminal, in pipes and in other encodings; and how they end."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest
from conftest import ROOT, needs_numpy

from examples import (
    terminal,
    train_reverse,
    training,
    translate_dates,
)
from examples.terminal import Progress, fit
from tinygrad_attn.printing import PLAIN, plain

EXAMPLES = ROOT / "examples"
LESSONS = sorted(EXAMPLES.glob("lesson_*.py")) + [EXAMPLES / "attention_as_lookup.py"]
QUICK = ("--seq-len", "4", "--d-model", "8", "--vocab", "8", "--steps", "3")
TRAINING = (EXAMPLES / "train_reverse.py", *QUICK)


def run(*command, **settings):
    settings = {"capture_output": True, "timeout": 120} | settings
    return subprocess.run([sys.executable, *map(str, command)], **settings)


# === Progress =========================================================================

FACTS = ["step 1000", "loss 0.1234", "validation 100.0%", "123.4 steps/s"]


@pytest.mark.parametrize("width", range(1, 130))
def test_a_progress_line_fits_and_cuts_no_number(width):
    line = fit(0.5, FACTS, width)
    assert len(line) <= width
    if width >= len("step 1000"):
        shown = re.sub(r"^ 50% [█░]+ ", "", line).split("  ")
        assert shown == FACTS[: len(shown)]
    if width >= len("step 1000  loss 0.1234"):
        assert "loss 0.1234" in line


class Screen(StringIO):
    """A terminal so many columns wide, that shows lines."""

    def isatty(self):
        return True

    def rows(self):
        shown = []
        for line in self.getvalue().split("\n"):
            shown.append(line.split("\r\x1b[K")[-1])
        return shown


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    return Screen()


def test_a_warning_takes_the_place_of_the_line(screen):
    def show(message, *where):
        sys.stderr.write(f"{message}\n")

    with redirect_stderr(screen), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        with Progress() as progress:
            progress.update(0.1, "loss 2.0")
            warnings.warn("something", stacklevel=1)
            progress.update(0.2, "loss 1.0")
        assert warnings.showwarning is show
    warning, line, end = screen.rows()
    assert warning == "something"  # what stood there was erased
    assert "step 2  loss 1.0" in line
    assert end == ""


def test_an_error_ends_the_line_and_it_is_not_drawn_again(screen):
    def work():
        with Progress() as progress:
            progress.update(0.1, "loss 2.0")
            raise ValueError("no more")

    with redirect_stderr(screen):
        assert terminal.run("me", work) == 2
    line, message, end = screen.rows()
    assert "step 1  loss 2.0" in line
    assert (message, end) == ("me: no more", "")


def test_a_line_that_a_narrower_window_has_wrapped_is_erased(screen, monkeypatch):
    monkeypatch.setattr(terminal, "columns", lambda: 80)
    with redirect_stderr(screen):
        progress = Progress()
        progress.update(0.5, "loss 2.0", "validation 50.0%")
        assert len(progress.line) > 50
        monkeypatch.setattr(terminal, "columns", lambda: 40)
        before = len(screen.getvalue())
        progress._draw()
    assert screen.getvalue()[before:].startswith("\r\x1b[K\x1b[A\x1b[K")
    assert len(progress.line) < 40


@needs_numpy
def test_the_loss_is_shown_before_the_first_validation_score(screen):
    args = "--model", "encoder-decoder", "--backend", "numpy", "--steps", "3"
    with redirect_stderr(screen):
        assert train_reverse.main(args) == 1
    line = next(row for row in screen.getvalue().split("\r\x1b[K") if "step 1 " in row)
    assert re.search(r"loss \d\.\d{4}", line)
    assert "validation" not in line


TINY = ("--steps", "1", "--d-model", "8", "--heads", "1", "--batch", "2")


@pytest.mark.parametrize(
    ("example", "arguments"),
    [
        (train_reverse, ("--backend", "scalar", "--steps", "1")),
        pytest.param(translate_dates, TINY, marks=needs_numpy),
        pytest.param(
            train_reverse,
            (*TINY, "--model", "encoder-decoder", "--seq-len", "12"),
            marks=needs_numpy,
        ),
    ],
)
def test_what_is_printed_fits_into_80_columns(example, arguments, screen):
    with redirect_stdout(screen):
        assert example.main(arguments) == 1
    assert "0.0% of 1,000 held-out" in screen.getvalue()
    assert max(map(len, screen.getvalue().splitlines())) <= 80


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (lambda text: "7" * 99, r"  (\d ){4} →  7 7 7 …  ✗( \d){4}"),
        (lambda text: text[::-1], r"  (\d ){4} →  (\d ){4} ✓"),
    ],
    ids=["wrong", "right"],
)
def test_an_answer_is_cut_if_it_is_wrong_and_long(answer, shown, screen, monkeypatch):
    def answers(run, texts):
        return [answer(text) for text in texts]

    monkeypatch.setattr(training, "columns", lambda stream: 1)
    monkeypatch.setattr(train_reverse.Run, "answers", answers)
    with redirect_stdout(screen):
        train_reverse.main(QUICK)
    lines = [line for line in screen.getvalue().splitlines() if "→" in line]
    assert len(lines) == 5
    assert all(re.fullmatch(shown, line) for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
@pytest.mark.parametrize("width", [20, 60, 80, 100])
def test_a_real_terminal_keeps_one_line(width):
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    done = run(*TRAINING, capture_output=False, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65536):
            seen += part
    except OSError:  # all has been read, on Linux
        pass
    os.close(ours)
    assert done.returncode == 1
    drawn, *message, end = seen.decode().split("\r\n")
    lines = drawn.split("\r\x1b[K")
    assert all(len(line) <= width - 3 for line in lines)
    assert lines[-1].lstrip(" %0123456789█░").startswith("step 3")
    words = " ".join(message).split()
    assert " ".join(words).startswith("train_reverse: the goal, 100% of the validation")
    assert all(len(line) <= max(width, max(map(len, words))) for line in message)
    assert end == ""


# === Encodings and pipes ==============================================================


def test_a_character_of_the_table_has_a_form_in_ascii():
    for c in map(chr, PLAIN):
        assert plain(c).isascii()
        assert "\\" not in plain(c)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_printed_in_every_encoding(path, encoding):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run(path, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\\" not in done.stdout.decode(encoding)
    whole = run(path, env=os.environ | {"PYTHONIOENCODING": "utf-8"}).stdout.decode()
    assert done.stdout.decode(encoding).count("\n") == whole.count("\n")


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_a_training_and_what_it_refuses_are_printed_in_every_encoding(encoding):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run(*TRAINING, env=env)
    assert done.returncode == 1, done.stderr
    assert b"->" in done.stdout
    assert b"not reached" in done.stderr
    refused = run(EXAMPLES / "translate_dates.py", "--ask", "3 août 語", env=env)
    assert refused.returncode == 2
    assert b"--ask '3 ao" in refused.stderr
    assert refused.stderr.count(b"\n") == 1


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_a_model_a_graph_and_an_explanation_are_printed(encoding):
    code = (
        "import nn; from tinygrad_attn import *\n"
        "x = Tensor([1.0], requires_grad=True); loss = (x * x).sum()\n"
        "print(nn.Linear(2, 3)); print(unfold(loss, 'op')); print(explain(x, of=loss))"
        "\nprint(repr(draw(loss, title='∂')))"
    )
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = run("-c", code, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()
    assert b"Linear(2 -> 3)" in done.stdout


def test_the_c_locale_is_fine():
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    for more in {}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}:
        done = run(EXAMPLES / "lesson_broadcast.py", env=env | {"LC_ALL": "C"} | more)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("path", [LESSONS[0], TRAINING[0]], ids=lambda p: p.stem)
def test_a_reader_that_leaves_is_no_error(path, unbuffered, tmp_path):
    more = QUICK if path == TRAINING[0] else ()
    command = [sys.executable, str(path), *more]
    metrics = tmp_path / "metrics"
    if more:
        command += ["--metrics", str(metrics)]
    read, write = os.pipe()
    os.close(read)
    env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=env)
    os.close(write)
    assert done.returncode == (1 if more else 0)
    assert b"roken" not in done.stderr
    assert b"ignored" not in done.stderr
    if more:  # and the work went on
        last = json.loads(metrics.read_text().splitlines()[-1])
        assert last["scored_on"] == "test"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-"])
def test_streams_that_are_closed_from_the_start(closed):
    command = shlex.join(map(str, (sys.executable, *TRAINING)))
    done = subprocess.run(
        f"{command} {closed}", shell=True, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert ("held-out" in done.stdout) == (closed == "2>&-")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full:
        done = run(LESSONS[0], capture_output=False, stdout=full, stderr=-1)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr
