"""What stops a training: Ctrl-C at any moment, `kill`, a window that is closed; and
that what is then said to type does go on, from where one is."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, after_steps, started

from examples import terminal
from examples.terminal import complain, tell, wrapped

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
SCRIPT = ROOT / "examples" / "train_reverse.py"


@pytest.fixture(autouse=True)
def obeyed():
    """A child started in here reacts to all that ends it, also where this process,
    started in a background or by nohup, does not."""
    usual = dict.fromkeys(terminal.ENDS, signal.SIG_DFL)
    usual["SIGINT"] = signal.default_int_handler
    before = {
        name: signal.signal(getattr(signal, name), handler)
        for name, handler in usual.items()
    }
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_ends_a_training_lets_it_save(name, tmp_path):
    """Elsewhere than in the clone, and two blanks in each name; the command that is
    printed goes on, with all files."""
    number, folder = getattr(signal, name), tmp_path / "some  where"
    folder.mkdir()
    metrics, saved = folder / "its  metrics", folder / "a  model"
    given = "--save", saved.name, "--metrics", metrics.name, "--out", "the  pictures"
    process = after_steps(started(SCRIPT, *given, cwd=folder), metrics)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    said = re.search(r"to go on: python3 (.*)", out)[1]
    before = metrics.read_text()
    command = [*shlex.split(said), "--steps", str(before.count("\n") + 1)]
    done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True)
    assert done.returncode == 1, done.stderr.decode()
    assert metrics.read_text().startswith(before)
    assert metrics.read_text().count("\n") > before.count("\n")
    assert (folder / "the  pictures" / "attention.svg").exists()
    more = f"to go on: python3 {said}"  # of a goal that was missed
    assert more in done.stderr.decode()


def test_a_terminal_that_is_closed_keeps_what_was_learned(tmp_path):
    """Then nothing can be printed any more."""
    import pty

    ours, theirs = pty.openpty()
    metrics, saved = tmp_path / "metrics", tmp_path / "model"
    command = [sys.executable, SCRIPT, "--save", saved, "--metrics", metrics]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    after_steps(process, metrics)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    assert saved.stat().st_size > 1000


@pytest.mark.parametrize("name", ["render_attention_head", "attention_as_lookup"])
@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.3, 0.6])
def test_ctrl_c_is_no_traceback_at_any_moment(name, seconds, tmp_path):
    process = started(SCRIPT.with_name(f"{name}.py"), cwd=tmp_path)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if "Fatal Python error: init" in err:
        return  # Python itself was still starting, on a machine that is busy
    interrupted = process.returncode in (130, -signal.SIGINT)
    assert interrupted or process.returncode == 0
    if seconds > 0.1:  # before, Python itself is only starting
        assert "Traceback" not in err
        assert process.returncode != 130 or "stopped" in err


def test_a_stop_that_says_nothing_is_told(capsys):
    def work():
        raise KeyboardInterrupt

    assert terminal.run("me", work) == 130
    assert capsys.readouterr().err == "\nstopped\n"


# === What is said =====================================================================


class Narrow:
    """A terminal of 24 columns."""

    def isatty(self):
        return True

    def fileno(self):
        raise OSError


def test_on_a_terminal_no_word_is_cut_and_no_blank_is_lost(monkeypatch):
    monkeypatch.setattr(terminal, "columns", lambda stream=None: 24)
    text = (
        "to go on: python3 x.py --save 'two  blanks here' and-a-word-that-is-too-long"
    )
    lines = wrapped(text, Narrow()).split("\n")
    assert lines == [
        "to go on: python3 x.py",
        "--save 'two  blanks",
        "here'",
        "and-a-word-that-is-too-long",
    ]
    assert wrapped("short", Narrow()) == "short"
    assert wrapped("  indented stays", Narrow()) == "  indented stays"


def test_elsewhere_a_sentence_is_one_line_as_it_was_given(capsys):
    text = "x" * 50 + "  two  blanks " * 9
    tell(text)
    complain("me", f"{text}\n   and more")
    out, err = capsys.readouterr()
    assert out == text + "\n"
    assert err == f"me: {text.rstrip()} and more\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--layer", 1), "unrecognized arguments: --layer 1"),
        (
            ("--load", "no  where"),
            "no  where cannot be read (No such file or directory)",
        ),
        (("--ask", " 1 2"), "--ask ' 1 2' given"),
        (("--metrics", "/dev/full"), "--metrics /dev/full: No space left on device"),
    ],
)
def test_what_is_refused_is_named_as_it_was_given(arguments, words):
    if "/dev/full" in arguments and not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    process = started(SCRIPT, *arguments, "--backend", "python")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert words in err
    assert err.strip().count("\n") == 0
