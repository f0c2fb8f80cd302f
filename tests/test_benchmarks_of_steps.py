"""The benchmark of training steps runs, compares losses, and says who is missing.

No test here looks at a time.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv

import pytest
from conftest import ROOT, needs_cc, needs_matplotlib, needs_numpy, needs_torch

from benchmarks.steps import __main__ as steps
from benchmarks.steps import floors, growth, memory, picture, startup, tables, workers
from benchmarks.steps.contestants import CONTESTANTS, Contestant, Missing
from benchmarks.steps.measuring import Result, Settings, check_losses, compared
from benchmarks.steps.workloads import WORKLOADS, Workload, fused
from examples import terminal

TINY = Workload("tiny", True, 2, 8, 2, 5, 2, 3)
QUICK = Settings(rounds=2, seconds=0.001)


def result(key, **given):
    return Result(CONTESTANTS[key], **given)


def run(capsys, *argv):
    """What a quick run prints."""
    assert steps.main(["--quick", "--workloads", "W1", *argv]) == 0
    return capsys.readouterr().out


@needs_numpy
def test_the_table_and_its_json(capsys, tmp_path, monkeypatch):
    nobody = Contestant("nobody", "Nobody", "with_nobody", "eager", "no_such_package")
    monkeypatch.setitem(CONTESTANTS, "nobody", nobody)
    file = tmp_path / "new" / "steps.json"
    keys = "eager,numpy,nobody"
    told = run(
        capsys, "--steps-only", "--contestants", keys, "--json", str(file), "--ops"
    )
    assert "Nobody: no_such_package is not installed (make peers)" in told
    assert str(WORKLOADS["W1"]) in told
    found = json.loads(file.read_text())
    assert found["machine"]["threads"] == 1
    assert found["machine"]["environment"]["OMP_NUM_THREADS"] == "1"
    w1 = found["steps"]["W1"]
    assert w1["workload"] == WORKLOADS["W1"].plain()
    assert w1["ratios"] == {"eager": {}, "numpy": {}}
    assert w1["contestants"]["nobody"].keys() == {"title", "missing"}
    for key in ("eager", "numpy"):
        contestant = w1["contestants"][key]
        assert len(contestant["losses"]) == 5
        assert contestant["rounds"] == 1
        low, high = contestant["quartiles"]
        assert 0 < low <= contestant["seconds"] <= high
        assert contestant["package"].startswith("numpy ")
    layer_norm = found["operations"]["operations"]["layer_norm"]
    assert layer_norm["forward"]["eager"] > 0 < layer_norm["backward"]["eager"]


@needs_numpy
@needs_torch
def test_pytorch_does_the_same_work():
    keys = ["eager", "pytorch", "pytorch-layer"]
    for w in (TINY, WORKLOADS["W2"]):
        results = compared(w, [CONTESTANTS[k] for k in keys], QUICK)
        assert [r.missing for r in results.values()] == ["", "", ""]
        assert all(len(r.times) == 2 for r in results.values())
        assert results["pytorch"].ratio(results["eager"]) > 0


@needs_numpy
def test_memory_growth_startup_and_pictures(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "TRAIN", [sys.executable, "-c", "pass"])
    monkeypatch.setattr(growth, "VALUES", {"layers": (1, 2)})
    monkeypatch.setattr("benchmarks.steps.picture.VALUES", {"layers": (1, 2)})
    file = tmp_path / "steps.json"
    argv = ["--contestants", "eager", "--growth", "--cpu", "--json", str(file)]
    told = run(capsys, *argv, "--out", str(tmp_path / "pictures"))
    found = json.loads(file.read_text())
    assert found["clock"] == "processor"
    assert found["memory"]["eager"]["peak"] > found["memory"]["eager"]["imported"] > 0
    assert found["growth"]["layers"]["2"]["eager"] > 0
    times = found["startup"]["writing"]["numpy"]["W1"]
    assert 0 < times["written"] < times["first"]
    assert found["startup"]["training"]["numpy"] > 0
    assert "Memory of a step of W1" in told
    assert "How a step grows" in told
    drawn = {p.name for p in (tmp_path / "pictures").glob("*.svg")}
    assert drawn == {"steps.svg", "growth.svg"} or "matplotlib is not" in told


@needs_numpy
@pytest.mark.skipif(not shutil.which("false"), reason="a command of Unix")
@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("CC", shutil.which("false"), "does not compile the program"),
        ("PATH", "", "no C compiler was found"),
    ],
)
def test_a_program_that_would_run_in_another_language_is_missing(
    variable, value, says, monkeypatch
):
    if variable == "PATH":
        monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv(variable, value)
    results = compared(TINY, [CONTESTANTS[k] for k in ("numpy", "c")], QUICK)
    assert len(results["numpy"].times) == 2
    assert says in results["c"].missing
    assert results["c"].plain().keys() == {"title", "missing"}
    assert says in "\n".join(tables.missing({TINY: results}))
    once = Settings(rounds=1, seconds=0.001)
    assert says in startup.writing(once)["c"]["missing"]
    assert says in memory.measured(once)["c"]["missing"]
    monkeypatch.setattr(growth, "VALUES", {"layers": (1,)})
    found = growth.measured(once)
    assert says in found["missing"]["c"]
    assert "c" not in found["layers"]["1"]


@needs_cc
def test_the_floors(capsys, monkeypatch):
    monkeypatch.setattr(floors, "SECONDS", 0.01)
    floors.main(["W1"])
    *_, line = capsys.readouterr().out.splitlines()
    name, products, *_ = line.split()
    assert (name, products) == ("W1", "27")


def test_other_losses_are_refused():
    ours = result("eager", losses=[2.0, 1.0])
    check_losses({"eager": ours, "jax": result("jax", losses=[2.0001, 1.00005])})
    for losses in ([2.0, 1.001], [2.0, float("nan")]):
        with pytest.raises(workers.Failed, match="JAX jit: losses"):
            check_losses({"eager": ours, "jax": result("jax", losses=losses)})


def test_ratios_are_of_the_same_round():
    ours = result("eager", times={0: 1.0, 1: 10.0, 2: 2.0})
    theirs = result("jax", times={0: 2.0, 2: 4.0})  # a slow one misses rounds
    assert theirs.ratio(ours) == 2.0


def test_noise_is_said():
    ours = result("eager", times={0: 1.0, 1: 2.0, 2: 3.0}, busy=dict.fromkeys("012", 1))
    said = tables.noise({TINY: {"eager": ours}})
    assert said == [
        "Noise: the middle half of a contestant's times spans 100% of their median; at "
        "worst 100%."
    ]
    theirs = result("jax", times={0: 1.0}, busy={0: 1.5})
    ours.busy = {0: 0.4}
    assert tables.noise({TINY: {"eager": ours, "jax": theirs}})[1:] == [
        "The machine was busy: one of them had 40% of a core.",
        "JAX jit used 1.5 cores (tiny).",
    ]


def test_a_missing_package_is_said():
    nobody = Contestant("nobody", "Nobody", "with_nobody", "eager", "no_such_package")
    with pytest.raises(Missing, match="no_such_package is not installed"):
        workers.interpreter(nobody)
    with pytest.raises(Missing):
        workers.interpreter(nobody, "/no/such/python")


@needs_numpy
def test_what_fails_in_a_worker_is_said():
    process = workers.Process(CONTESTANTS["eager"], sys.executable)
    try:
        process.ask("load")
        with pytest.raises(workers.Failed, match="FileNotFoundError"):
            process.ask("prepare", workload=TINY.plain(), file="no such file")
        process.process.kill()
        with pytest.raises(workers.Failed, match="its process ended with status"):
            process.ask("peak")
    finally:
        process.close()


def test_what_cannot_be_is_refused_before_anything_is_measured(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    for argv, says in {
        ("--workloads", "W9"): "--workloads 'W9' given; it must be of W1, W2, W3, W4",
        ("--workloads", ""): "--workloads '' given; it must be of W1, W2, W3, W4",
        ("--contestants", "you"): "--contestants 'you' given; it must be of eager, ",
        ("--rounds", "0"): "'0' given; it must be 1 or more",
        ("--peers", str(file)): f"--peers '{file}' given; it is no Python that runs",
        ("--peers", "true"): "--peers 'true' given; it is no Python that runs",
        ("--peers", ""): "--peers '' given; it is no Python that runs",
        ("--json", str(tmp_path)): f"--json {tmp_path}: no file can be written there",
        ("--json", str(file / "a.json")): f"--json {file}: no folder can be made",
        ("--out", str(file)): f"--out {file}: no folder can be made there",
    }.items():
        assert steps.main(argv) == 2
        out, err = capsys.readouterr()
        assert not out
        assert err.startswith("benchmarks.steps: ")
        assert says in err
        assert err.count("\n") == 1


@needs_numpy
@pytest.mark.parametrize(
    ("workload", "key", "says"),
    [
        ("W1", "nobody", "Nobody: no_such_package is not installed (make peers)"),
        ("W3", "python", "Python program: it would take minutes a step"),
    ],
)
def test_if_nobody_can_be_measured_that_is_said(
    workload, key, says, capsys, monkeypatch
):
    nobody = Contestant("nobody", "Nobody", "with_nobody", "eager", "no_such_package")
    monkeypatch.setitem(CONTESTANTS, "nobody", nobody)
    argv = ["--quick", "--workloads", workload, "--contestants", key]
    assert steps.main(argv) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == f"benchmarks.steps: nothing to measure: {says}\n"


@needs_numpy
def test_one_projection_instead_of_three():
    import numpy as np

    names = [f"layers.0.self_attn.{x}_proj.weight" for x in "qkv"]
    weights = {name: np.full((2, 2), i) for i, name in enumerate(names)}
    weights |= {name.replace("weight", "bias"): np.zeros(2) for name in names}
    weights["layers.0.self_attn.out_proj.weight"] = np.ones((2, 2))
    found = fused(weights, 1)
    assert set(found) == {
        "layers.0.self_attn.out_proj.weight",
        "layers.0.qkv_proj.weight",
        "layers.0.qkv_proj.bias",
    }
    assert found["layers.0.qkv_proj.weight"][:, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_sentences_have_a_terminals_width_and_tables_their_own(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "columns", lambda stream=None: 24)
    sentence, row = "a word, then " * 5 + "a last one", "  name  " + "12  " * 9 + "3"
    tables.show(f"{sentence}\n\n{row}")
    assert capsys.readouterr().out == f"{sentence}\n\n{row}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    tables.show(f"{sentence}\n\n{row}")
    *lines, nothing, last = capsys.readouterr().out.splitlines()
    assert " ".join(lines) == sentence
    assert max(map(len, lines)) <= 24
    assert (nothing, last) == ("", row)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(12.34, "12.3 s"), (0.00123, "1.23 ms"), (2.5e-7, "0.25 µs"), (0.5, "500 ms")],
)
def test_durations(seconds, said):
    assert tables.duration(seconds) == said


def test_factors():
    assert [*map(tables.factor, (0.456, 1.234, 3.45, 45.6))] == [
        "0.46",
        "1.23",
        "3.5",
        "46",
    ]


@needs_matplotlib
@pytest.mark.parametrize("speed", [0.004, 0.05, 0.14, 0.16, 0.5, 0.95, 1.0, 1.13, 24.0])
def test_the_line_at_1_passes_through_no_number(speed):
    figure, ax = picture.plotting().subplots(figsize=(2.6, 2.0))
    ax.set_xscale("log")
    ax.set_xlim(picture.LEFT, 100)
    picture.point(ax, 0, speed, "eager")
    figure.canvas.draw()
    box = ax.texts[0].get_window_extent()
    line, _ = ax.transData.transform((1.0, 0))
    edge = ax.get_window_extent().x0
    assert box.x1 < line or box.x0 > line
    assert box.x0 >= edge


def test_the_picture_shows_the_ratios_of_the_table():
    w = {
        "contestants": {"c": {"seconds": 2.0}, "pytorch": {"seconds": 5.0}},
        "ratios": {"c": {"pytorch": 2.4}},  # the median of the rounds' ratios
    }
    assert picture.speed(w, "c", "pytorch") == 2.4
    assert picture.speed(w, "pytorch", "pytorch") == 1.0
    assert picture.speed(w, "pytorch", "c") == 0.4


# === As a program =====================================================================

STEPS, FLOORS, PEERS = (f"benchmarks.steps{s}" for s in ("", ".floors", ".peers"))


def started(*command, python=sys.executable, **settings):
    settings = {"stdout": -1, "stderr": -1, "cwd": ROOT, "text": True} | settings
    return subprocess.Popen([str(python), *map(str, command)], **settings)


@pytest.mark.parametrize("program", [STEPS, FLOORS, PEERS])
def test_help_is_only_said(program, tmp_path):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    process = started("-m", program, "--help", cwd=tmp_path, env=env)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert f"usage: python -m {program} " in out
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("program", [STEPS, FLOORS])
def test_without_numpy_one_line_says_so(program, tmp_path):
    """By a Python that has nothing installed, in a clone that has no .venv."""
    for name in ("benchmarks", "examples", "nn", "tinygrad_attn"):
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unwanted)
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    process = started("-m", program, python=python, cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(f"{program}: this benchmark needs NumPy, which is ")
    assert err.count("\n") == 1
    home = tmp_path / ".venv" / "bin" / "python"
    home.parent.mkdir(parents=True)
    home.write_text('#!/bin/sh\n[ "$1" = -c ] && echo numpy || printf "<%s>" "$@"\n')
    home.chmod(0o755)
    process = started("-m", program, "x", python=python, cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert out == "".join(f"<{a}>" for a in ["-m", program, "x"])
    assert "going on with" in err


@needs_numpy
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("seconds", [0.3, 3.0])
def test_ctrl_c_is_no_traceback(seconds):
    process = started("-m", STEPS, "--contestants", "eager", start_new_session=True)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert process.returncode != 130 or err == "\nstopped\n"


@needs_numpy
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "program",
    [
        ["benchmarks/hops.py"],
        ["-m", STEPS, "--quick", "--workloads", "W1", "--contestants", "eager"],
    ],
    ids=["hops", "steps"],
)
def test_a_full_disk_is_one_line(program):
    with open("/dev/full", "w") as full:
        process = started(*program, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "No space left" in err
    assert err.count("\n") == 1
