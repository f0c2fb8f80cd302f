"""The main job, end to end: it learns, on both backends, and answers bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from conftest import (
    after_steps,
    assert_close,
    call,
    needs_matplotlib,
    needs_numpy,
    started,
)

import nn
from examples import train_reverse, training
from examples.common import Metrics
from examples.options import option
from examples.reverse_task import TEST, VALIDATION, Task, reverse
from tinygrad_attn import use_backend
from tinygrad_attn.arrays.array import ValueArray

SCRIPT = Path(train_reverse.__file__)
SMALL = ["--seq-len", "4", "--d-model", "8", "--heads", "1", "--vocab", "8"]
QUICK = ["--seed", "0"]  # one of the seeds that need few steps
ALMOST = 158  # some steps before it has learned, with these settings


def rows(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def losses(path):
    return [row["loss"] for row in rows(path) if row["scored_on"] == "batch"]


def script(*arguments, env=None):
    """As a user runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The README's command, once for each backend: what it printed, and the folder
    where its pictures (out) and its losses (metrics) are."""

    @cache
    def run(backend):
        folder = tmp_path_factory.mktemp(backend)
        files = "--out", folder / "out", "--metrics", folder / "metrics"
        return script("--backend", backend, *files), folder

    return run


@pytest.mark.parametrize(
    "backend", ["python", pytest.param("numpy", marks=needs_numpy)]
)
def test_it_learns_to_reverse_every_held_out_sequence(backend, learned):
    done, folder = learned(backend)
    metrics = folder / "metrics"
    assert done.returncode == 0, done.stderr
    assert "100.0% of 1,000 held-out sequences" in done.stdout
    assert "✓" in done.stdout
    assert "✗" not in done.stdout
    last = rows(metrics)[-1]
    assert last["scored_on"] == "test"
    assert last["exact_match"] == last["token_accuracy"] == 1.0
    assert [row["scored_on"] for row in rows(metrics)].count("test") == 1
    seconds = [row["seconds"] for row in rows(metrics)]
    assert 0.0 < seconds[0] <= seconds[-1]
    picture = (folder / "out" / "attention.svg").read_text()
    assert picture.startswith("<svg")
    assert "head 1" in picture
    if backend == "python":
        assert "--backend numpy is" in done.stdout


PERFECT = training.Step(
    0.0, 1.0, scores={"exact_match": 1.0}
)  # a batch without a mistake


@needs_numpy
def test_an_untrained_model_does_not_pass(tmp_path, capsys):
    metrics = tmp_path / "metrics"
    with use_backend("numpy"):
        run = train_reverse.Run(train_reverse.parse([]))
        assert run.look(PERFECT, []) is None
        run.losses.append(0.0)
        with Metrics(str(metrics)) as file:
            training.score(run, file)
    (last,) = rows(metrics)
    assert last["token_accuracy"] < 0.3
    assert last["exact_match"] == 0.0
    assert capsys.readouterr().out.startswith("0.0% of 1,000 held-out sequences")


def test_one_wrong_digit_is_noticed(monkeypatch, capsys):
    run = train_reverse.Run(train_reverse.parse([]))
    bad = run.task.validation[333]

    def nearly_perfect(model, asked):
        answers = reverse(asked)
        if bad in asked:
            answers[asked.index(bad)][0] ^= 1
        return answers

    monkeypatch.setattr(train_reverse, "predict", nearly_perfect)
    assert run.look(PERFECT, []) is None
    assert run.validation.order[0] == 333  # asked first at the next look
    bad = run.task.test[777]
    assert run.look(PERFECT, []) == 1.0
    run.losses.append(0.0)
    training.score(run, Metrics(None))
    assert capsys.readouterr().out.startswith("99.9% of 1,000 held-out sequences")


def test_held_out_sequences_are_different_and_never_trained_on():
    task = Task(vocab=7, seq_len=4, seed=0)
    held_out = {tuple(row) for row in (*task.validation, *task.test)}
    assert len(held_out) == len(task.validation) + len(task.test)
    assert (len(task.validation), len(task.test)) == (VALIDATION, TEST)
    trained = {tuple(row) for _ in range(100) for row in task.batch(50)}
    assert len(trained) > 900
    assert not trained & held_out


@needs_numpy
def test_the_test_set_is_first_looked_at_when_the_training_is_over(monkeypatch):
    asked, now = {"training": set(), "score": []}, ["training"]
    predict, score = train_reverse.predict, training.score

    def watched(model, rows):
        if now[0] == "training":
            asked["training"] |= {tuple(row) for row in rows}
        else:
            asked["score"] += [tuple(row) for row in rows]
        return predict(model, rows)

    def scored(run, metrics):
        now[0] = "score"
        return score(run, metrics)

    monkeypatch.setattr(train_reverse, "predict", watched)
    monkeypatch.setattr(training, "score", scored)
    assert call(train_reverse.main, "--backend", "numpy").returncode == 0
    task = Task(vocab=10, seq_len=8, seed=0)
    assert asked["training"] == {tuple(row) for row in task.validation}
    assert asked["score"] == [tuple(row) for row in task.test]  # each once


def after(steps, backend, dtype=None, *arguments):
    """A run after so many steps."""
    with use_backend(backend, dtype):
        run = train_reverse.Run(train_reverse.parse(arguments))
        for _ in range(steps):
            rows = run.task.batch(run.options.batch)
            loss, _ = train_reverse.train_step(run.model, run.optimizer, rows)
            run.warm_up.step()
            run.losses.append(loss)
    return run


@pytest.mark.parametrize(
    "backend", ["python", pytest.param("numpy", marks=needs_numpy)]
)
def test_same_seed_same_losses_to_the_last_bit(backend, learned):
    """Here, and in the process that trained to the end."""
    _, folder = learned(backend)
    here = after(8, backend).losses
    assert here == losses(folder / "metrics")[:8]
    assert after(1, backend, None, "--seed", "1").losses != here[:1]


TINY = "--backend", "scalar"  # what is trained on another backend too


@pytest.fixture(scope="module")
def number_by_number():
    return after(8, "scalar", "float64", *TINY)


@pytest.mark.parametrize(
    "backend", ["python", pytest.param("numpy", marks=needs_numpy)]
)
def test_single_numbers_have_the_same_losses_and_weights_step_by_step(
    backend, number_by_number
):
    ours, theirs = number_by_number, after(8, backend, "float64", *TINY)
    assert isinstance(ours.model.head.weight.array, ValueArray)
    assert len(ours.losses) == len(theirs.losses) == 8
    assert max(abs(a - b) for a, b in zip(ours.losses, theirs.losses)) < 1e-9
    for p, q in zip(ours.model.parameters(), theirs.model.parameters()):
        assert_close(p, q, 1e-9)


@needs_numpy
def test_a_tiny_model_reaches_100_percent_number_by_number(tmp_path):
    """The same steps as with --backend scalar from the start, but for the last of them
    made in NumPy, which is faster; and those last ones in pure Python too."""
    options = train_reverse.parse(["--backend", "scalar", *QUICK])
    names = [*train_reverse.SETTINGS]
    sizes = [str(v) for n in names for v in (option(n), getattr(options, n))]
    saved, metrics, out = (tmp_path / name for name in ("saved", "metrics", "out"))
    main = train_reverse.main
    fast = "--backend", "numpy", "--dtype", "float64"
    first = call(main, *sizes, *fast, "--steps", ALMOST, "--save", saved)
    assert first.returncode == 1  # it is not there yet
    go_on = "--resume", saved, "--steps", 1000
    rest = call(main, *go_on, "--backend", "python", "--metrics", metrics)
    assert "100.0% of 1,000 held-out sequences" in rest.stdout
    done = script(
        *go_on,
        *("--backend", "scalar"),
        *("--metrics", tmp_path / "numbers", "--out", out),
    )
    assert done.returncode == 0, done.stderr
    said = "100.0% of 1,000 held-out sequences reversed exactly, after {} steps"
    steps = ALMOST + len(losses(metrics))
    assert said.format(steps) in done.stdout
    assert "✗" not in done.stdout
    numbers = losses(tmp_path / "numbers")
    assert len(numbers) == len(losses(metrics)) > 0
    assert max(abs(a - b) for a, b in zip(numbers, losses(metrics))) < 1e-9
    assert (out / "attention.svg").read_text().startswith("<svg")


def test_scalar_has_small_defaults_and_what_is_given_wins():
    options = train_reverse.parse(["--backend", "scalar", "--d-model", "8"])
    assert (options.seq_len, options.d_model, options.heads) == (4, 8, 1)
    options = train_reverse.parse(["--backend", "numpy", "--heads", "4"])
    assert (options.seq_len, options.d_model, options.heads) == (8, 16, 4)


def test_scalar_says_how_many_numbers_a_step_has(capsys):
    assert train_reverse.main(["--backend", "scalar", "--steps", "1"]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    count = int(
        re.search(r"a graph of ([\d,]+) single numbers", line)[1].replace(",", "")
    )
    assert 20_000 < count < 40_000
    train_reverse.main(["--steps", "1", *SMALL])
    assert "single numbers" not in capsys.readouterr().out


def test_a_part_that_gets_no_gradient_is_named_at_the_first_step(monkeypatch, tmp_path):
    monkeypatch.setattr(train_reverse.nn, "LearnedPositions", Forgotten)
    with pytest.warns(UserWarning, match="1 of 22 .*: positions.weight;") as caught:
        train_reverse.main([*SMALL, "--steps", "3"])
    assert len(caught) == 1


class Forgotten(nn.LearnedPositions):
    def forward(self, x):
        return x


@needs_numpy
def test_numpy_and_pure_python_have_the_same_losses_over_the_default_run(
    learned, tmp_path
):
    arguments = ["--backend", "numpy", "--dtype", "float64", "--metrics"]
    assert train_reverse.main([*arguments, str(tmp_path / "numpy")]) == 0
    python, numpy = losses(learned("python")[1] / "metrics"), losses(tmp_path / "numpy")
    assert len(python) == len(numpy) > 20
    assert max(abs(a - b) for a, b in zip(python, numpy)) < 1e-9


@pytest.mark.parametrize(
    "backend", ["python", pytest.param("numpy", marks=needs_numpy)]
)
def test_a_resumed_run_continues_to_the_last_bit(backend, tmp_path):
    def run(steps, name, *more):
        arguments = ["--backend", backend, *SMALL, "--steps", str(steps)]
        arguments += ["--metrics", str(tmp_path / name), *more]
        assert train_reverse.main(arguments) == 1  # so few steps

    checkpoint = str(tmp_path / "checkpoint")
    run(12, "whole")
    run(5, "first", "--save", checkpoint)
    run(12, "rest", "--resume", checkpoint)
    assert losses(tmp_path / "first") + losses(tmp_path / "rest") == losses(
        tmp_path / "whole"
    )


@pytest.fixture
def ctrl_c():
    """A child started in here reacts to Ctrl-C, also where this process, started in a
    background, does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path, ctrl_c):
    checkpoint = tmp_path / "checkpoint"
    metrics = tmp_path / "metrics"
    process = started(SCRIPT, "--save", checkpoint, "--metrics", metrics)
    after_steps(process, metrics, 3)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert f"--resume {checkpoint} --save {checkpoint}" in stdout
    steps = len(losses(metrics))
    assert f"saved after {steps} steps" in stdout
    done = script("--resume", checkpoint, "--steps", steps + 1)
    assert done.returncode == 1, done.stderr
    assert f"after {steps + 1} steps" in done.stdout


def test_ctrl_c_without_save_ends_without_a_traceback(tmp_path, ctrl_c):
    metrics = tmp_path / "metrics"
    process = started(SCRIPT, "--metrics", metrics, "--d-model", "32")
    after_steps(process, metrics, 1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert "--save" in stderr


BAD = [
    (["--backend", "cuda"], ["'cuda'", "python, numpy"]),
    (["--backend", "python", "--dtype", "float32"], ["float64", "float32"]),
    (["--heads", "3"], ["d_model=16", "num_heads=3", "divisible"]),
    (["--seq-len", "0"], ["--seq-len 0", "1 or more"]),
    (["--vocab", "-3"], ["--vocab -3"]),
    (["--vocab", "2", "--seq-len", "3"], ["--vocab 2", "8 sequences"]),
    (["--vocab", "63"], ["--vocab 63", "62 digits"]),
    (["--backend", "scalar", "--vocab", "3"], ["--seq-len 4", "81 sequences"]),
    (["--norm", "middle"], ["--norm", "middle", "pre", "post"]),
    (["--steps", "0"], ["--steps 0"]),
    (["--layers", "0"], ["--layers 0"]),
    (["--d-model", "0"], ["--d-model 0"]),
    (["--heads", "0"], ["--heads 0"]),
    (["--lr", "-1"], ["--lr -1"]),
    (["--lr", "nan"], ["--lr nan"]),
    (["--resume", "/nowhere/at/all"], ["/nowhere/at/all"]),
    (["--resume", __file__], [__file__, "no whole safetensors file"]),
    (["--metrics", "/nowhere/at/all"], ["/nowhere/at/all"]),
    (["--save", "/nowhere/at/all"], ["--save", "/nowhere/at/all"]),
    (["--out", __file__], [__file__]),
    (["--steps", "many"], ["--steps", "many"]),
]


@pytest.mark.parametrize(("arguments", "names"), BAD)
def test_bad_input_ends_with_one_line_and_status_2(arguments, names):
    done = call(train_reverse.main, *arguments)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    for name in names:
        assert name in last


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    from nn import checkpoint
    from tinygrad_attn import ones

    checkpoint.save(tmp_path / "x", {"w": ones(2)}, config={"kind": "other"})
    done = script("--resume", tmp_path / "x")
    assert done.returncode == 2
    assert "was not saved by train_reverse" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_matplotlib_the_loss_curve_is_a_line_of_advice(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert train_reverse.main([*SMALL, "--steps", "1", "--out", str(tmp_path)]) == 1
    assert "pip install matplotlib" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path)) == ["attention.svg", "training.html"]


@needs_matplotlib
def test_a_notebooks_matplotlib_backend_does_not_matter(tmp_path):
    env = {**os.environ, "MPLBACKEND": "module://no_such.backend"}
    arguments = "--steps", 1, "--out", tmp_path
    done = script(*SMALL, *arguments, env=env)
    assert done.returncode == 1, done.stderr
    assert "not reached" in done.stderr.splitlines()[-1]
    assert (tmp_path / "loss.svg").read_text().startswith("<?xml")


@needs_numpy
def test_a_resumed_run_keeps_its_settings_and_its_backend(tmp_path):
    checkpoint = tmp_path / "x"
    one = "--backend", "numpy", *SMALL, "--steps", 1, "--save", checkpoint
    first = call(train_reverse.main, *one)
    assert first.returncode == 1, first.stderr
    done = call(train_reverse.main, "--resume", checkpoint, "--d-model", 32)
    assert done.returncode == 2
    assert "--d-model 32 given" in done.stderr
    assert "was trained with 8" in done.stderr
    from nn import checkpoint as saved

    assert saved.load(checkpoint).config["backend"] == ["numpy", None]
