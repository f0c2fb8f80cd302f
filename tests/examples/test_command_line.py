"""The examples' options: the backend, what is refused before training, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal

import pytest
from conftest import ROOT, after_steps, call, needs_numpy, started

from examples import (
    common,
    lesson_broadcast,
    terminal,
    train_reverse,
    training,
    translate_dates,
)

EXAMPLES = ROOT / "examples"
LESSONS = sorted(EXAMPLES.glob("lesson_*.py")) + [EXAMPLES / "attention_as_lookup.py"]
QUICK = ("--seq-len", "4", "--d-model", "8", "--vocab", "8", "--steps", "3")


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


@pytest.mark.parametrize("option", ["--program", "--steps", "--metrics"])
def test_what_only_a_training_needs_is_refused_beside_load(option):
    value = {"--program": "python", "--steps": 9, "--metrics": "x"}[option]
    done = call(train_reverse.main, "--load", "some", option, value)
    assert done.returncode == 2
    assert f"{option} given beside --load, which does not train" in done.stderr


def test_one_file_for_two_purposes_is_refused(tmp_path):
    one = tmp_path / "one"
    done = call(train_reverse.main, "--save", one, "--metrics", f"{tmp_path}/./one")
    assert done.returncode == 2
    assert "--metrics" in done.stderr
    assert "--save" in done.stderr
    assert not one.exists()


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
    given = *args[1:], "--save", saved, "--metrics", first
    process = started(EXAMPLES / name, *given)
    signal.signal(signal.SIGINT, before)
    after_steps(process, first)
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


def test_a_ctrl_c_says_what_would_have_kept_the_model(monkeypatch):
    def stop(run, metrics, stopped):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", stop)
    done = call(train_reverse.main, *QUICK)
    assert done.returncode == 130
    assert "--save FILE would have kept" in done.stderr


def test_a_training_that_is_done_is_not_gone_on_with(tmp_path):
    saved = tmp_path / "x"
    assert call(train_reverse.main, *QUICK, "--save", saved).returncode == 1
    done = call(train_reverse.main, "--resume", saved)
    assert done.returncode == 2
    assert "saved after 3 steps, and --steps is 3; give more" in done.stderr


def test_one_step_is_no_steps(tmp_path):
    saved = tmp_path / "x"
    done = call(train_reverse.main, *QUICK[:-1], "1", "--save", saved)
    assert "saved after 1 step: " in done.stdout
    assert "exactly, after 1 step and" in done.stdout
    done = call(train_reverse.main, "--resume", saved)
    assert "saved after 1 step, and --steps is 1; give more" in done.stderr


def test_half_a_line_of_metrics_is_cut_off_before_more_is_added(tmp_path):
    path = tmp_path / "metrics"
    path.write_text('{"step": 1}\n{"ste')  # a process was killed meanwhile
    with common.Metrics(str(path), append=True) as metrics:
        metrics.write(step=2)
    steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
    assert steps == [1, 2]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a full disk of Linux")
def test_a_full_disk_is_told_with_the_name_of_the_metrics():
    metrics = common.Metrics("/dev/full")
    with metrics, pytest.raises(OSError, match="--metrics /dev/full: No space left"):
        metrics.write(step=1)
