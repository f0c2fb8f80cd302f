"""The examples in a terminal, in pipes and in other encodings; and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from contextlib import redirect_stderr
from io import StringIO

import pytest
from conftest import ROOT, call, needs_numpy, needs_safetensors

from examples import (
    lesson_broadcast,
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
    drawn, message, end = seen.decode().split("\r\n")
    lines = drawn.split("\r\x1b[K")
    assert all(len(line) <= width - 3 for line in lines)
    assert lines[-1].lstrip(" %0123456789█░").startswith("step 3")
    assert message.startswith("train_reverse: the goal")
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
    command = " ".join(map(str, (sys.executable, *TRAINING)))
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


# === The backend and its threads ======================================================


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+\.\d+", text)]


@needs_numpy
@pytest.mark.parametrize("backend", ["numpy", "scalar"])
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_the_same_on_every_backend(path, backend, monkeypatch):
    lesson = __import__(f"examples.{path.stem}", fromlist=["main"])
    want = call(lesson.main)
    monkeypatch.setenv("TINYGRAD_ATTN_BACKEND", backend)
    done = call(lesson.main)
    assert done.returncode == 0, done.stderr
    assert numbers(done.stdout) == pytest.approx(numbers(want.stdout), abs=1e-9)


@pytest.mark.parametrize("main", [lesson_broadcast.main, train_reverse.main])
def test_a_backend_of_the_environment_that_is_none_is_refused(main, monkeypatch):
    monkeypatch.setenv("TINYGRAD_ATTN_BACKEND", "cuda")
    done = call(main)
    assert done.returncode == 2
    assert "TINYGRAD_ATTN_BACKEND=cuda" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_command_line_is_above_the_environment(monkeypatch):
    monkeypatch.setenv("TINYGRAD_ATTN_BACKEND", "scalar")
    assert train_reverse.parse([]).backend == "scalar"
    assert train_reverse.parse(["--backend", "python"]).backend == "python"
    monkeypatch.setenv("TINYGRAD_ATTN_BACKEND", "")
    assert train_reverse.parse([]).backend == "python"


@pytest.mark.parametrize(
    ("given", "want"),
    [({}, "1"), ({"OMP_NUM_THREADS": "3"}, None), ({"OPENBLAS_NUM_THREADS": "2"}, "2")],
)
def test_numpy_has_one_thread_unless_the_user_says_more(given, want, monkeypatch):
    for name in "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS":
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    seen = []
    terminal.run("me", lambda: len(seen.append("numpy") or ""))
    assert os.environ.get("OPENBLAS_NUM_THREADS") == want


# === What is refused before training ==================================================


@needs_safetensors
@pytest.mark.parametrize("main", [train_reverse.main, translate_dates.main])
@pytest.mark.parametrize(
    "option", ["--save", "--load", "--resume", "--metrics", "--out", "--ask"]
)
@pytest.mark.parametrize("value", ["", "  ", "/dev/null/x"])
def test_names_that_cannot_be_used(main, option, value, monkeypatch):
    monkeypatch.setattr(training, "learn", None)
    done = call(main, "--backend", "python", option, value)
    assert done.returncode == 2
    read = option in ("--load", "--resume") and value.strip()
    assert (value if read else option) in done.stderr
    assert len(done.stderr.splitlines()) == 1


@needs_safetensors
def test_one_file_for_two_purposes_is_refused(tmp_path):
    one = tmp_path / "one"
    done = call(train_reverse.main, "--save", one, "--metrics", f"{tmp_path}/./one")
    assert done.returncode == 2
    assert "--metrics" in done.stderr
    assert "--save" in done.stderr
    assert not one.exists()


@needs_safetensors
def test_a_refused_command_leaves_old_files_as_they_were(tmp_path):
    metrics = tmp_path / "metrics"
    metrics.write_text("old\n")
    done = call(train_reverse.main, "--metrics", metrics, "--save", "/dev/null")
    assert done.returncode == 2
    assert metrics.read_text() == "old\n"
    assert os.listdir(tmp_path) == ["metrics"]


LARGE = ("--d-model", "--heads", "--layers", "--batch")


@pytest.mark.parametrize("main", [train_reverse.main, translate_dates.main])
@pytest.mark.parametrize("option", LARGE)
def test_what_does_not_fit_into_memory_is_refused(main, option):
    done = call(main, "--backend", "python", option, 10**8)
    assert done.returncode == 2
    assert f"{option} 100000000 given" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@needs_numpy
@pytest.mark.parametrize("backend", ["python", "numpy"])
@pytest.mark.parametrize("model", ["encoder", "encoder-decoder"])
def test_a_loss_that_is_no_number_ends_the_training(backend, model, tmp_path):
    save = tmp_path / "x"
    given = "--backend", backend, "--model", model, "--lr", "1e300", "--steps", 9
    done = call(train_reverse.main, *given, "--metrics", save)
    assert done.returncode == 2
    assert "--lr 1e+300 given; the loss of step 2 is" in done.stderr.splitlines()[-1]


# === Ctrl-C ===========================================================================


@needs_numpy
@needs_safetensors
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("train_reverse.py", ("--model", "encoder-decoder", "--seq-len", "12")),
        ("translate_dates.py", ("--batch", "8", "--d-model", "16")),
    ],
)
def test_ctrl_c_keeps_what_was_learned_and_the_rest_is_the_same(name, args, tmp_path):
    saved, first, rest, whole = (tmp_path / n for n in ("x", "a", "b", "c"))
    args = (name, "--backend", "numpy", *args)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    command = [sys.executable, EXAMPLES / name, *args[1:]]
    process = subprocess.Popen(
        [*command, "--save", saved, "--metrics", first],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    while not first.exists() or first.read_text().count("\n") < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert f"--resume {saved} --save {saved}" in out
    steps = int(re.search(r"saved after (\d+) steps", out)[1])
    module = {"train_reverse.py": train_reverse, "translate_dates.py": translate_dates}
    more = "--steps", steps + 2
    call(module[name].main, "--resume", saved, *more, "--metrics", rest)
    call(module[name].main, *args[1:], *more, "--metrics", whole)
    losses = [
        [
            json.loads(line)["loss"]
            for line in path.read_text().splitlines()
            if '"batch"' in line
        ]
        for path in (first, rest, whole)
    ]
    assert len(losses[1]) == 2
    assert losses[0] + losses[1] == losses[2]
    asked = {"train_reverse.py": "3" * 12, "translate_dates.py": "3 août 1998"}[name]
    answer = call(module[name].main, "--load", saved, "--ask", asked)
    assert answer.returncode == 0, answer.stderr
    assert "→" in answer.stdout


@pytest.mark.parametrize("installed", [True, False])
def test_no_option_is_recommended_that_would_be_refused(installed, monkeypatch):
    if installed:
        pytest.importorskip("safetensors", reason="needs safetensors")
    else:
        monkeypatch.setitem(sys.modules, "safetensors", None)

    def stop(run, metrics, stopped):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    done = call(train_reverse.main, *QUICK)
    assert done.returncode == 130
    assert "--save FILE" in done.stderr
    assert ("pip install safetensors" in done.stderr) != installed


@needs_safetensors
def test_a_training_that_is_done_is_not_gone_on_with(tmp_path):
    saved = tmp_path / "x"
    assert call(train_reverse.main, *QUICK, "--save", saved).returncode == 1
    done = call(train_reverse.main, "--resume", saved)
    assert done.returncode == 2
    assert "saved after 3 steps, and --steps is 3; give more" in done.stderr
