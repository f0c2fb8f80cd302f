"""examples/render_attention_head.py, as a user runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest
from conftest import ROOT, call, needs_numpy

from examples import render_attention_head, train_reverse, training
from tinygrad_attn.arrays.backends import current_backend

PICTURES = ("head_module", "head_op", "head_primitive", "head_number")


def run(*args, cwd, path=None):
    env = dict(os.environ)
    if path is not None:
        env["PATH"] = path
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "render_attention_head.py"), *args],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A model that train_reverse.py saved after three steps."""
    saved = tmp_path_factory.mktemp("saved") / "model.safetensors"
    args = "--steps", 3, "--backend", "numpy", "--save", saved
    done = call(train_reverse.main, *args)
    assert done.returncode == 1, done.stderr  # so few steps
    return saved


def check_pictures(out):
    for name in PICTURES:
        ElementTree.parse(out / f"{name}.svg")
        assert (out / f"{name}.dot").read_text().startswith("digraph {\n")
    for name in ("attention.svg", "attention.html", "head.html"):
        assert (out / name).stat().st_size > 10_000
    assert "products = q_proj k_projᵀ" in (out / "head_op.dot").read_text()
    assert (out / "head.html").stat().st_size < 2_000_000


@pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz's dot")
def test_it_trains_and_draws(tmp_path, monkeypatch):
    """It trains as train_reverse.py does, which must learn (test_train_reverse.py);
    here three steps are enough."""
    whole = training.train

    def three_steps(run, metrics, stopped):
        assert run.options.steps == 1000
        run.options.steps = 3
        return whole(run, metrics, stopped)

    monkeypatch.setattr(training, "train", three_steps)
    monkeypatch.chdir(tmp_path)
    done = call(render_attention_head.main)
    assert done.returncode == 0, done.stderr
    check_pictures(tmp_path / "out")
    assert "after 3 steps" in done.stdout
    assert "open this one first" in done.stdout
    assert "laid out by Graphviz's dot" in done.stdout
    printed = set()
    for line in filter(lambda line: "out/" in line, done.stdout.splitlines()):
        path = tmp_path / line.split()[0].rstrip(",")
        others = re.findall(r", and (\.\w+)", line)
        printed |= {path, *map(path.with_suffix, others)}
    assert printed == set((tmp_path / "out").iterdir())


@needs_numpy
def test_it_draws_a_checkpoint_without_dot(checkpoint, tmp_path):
    args = ("--checkpoint", str(checkpoint), "--head", "1", "--digits", "31415926")
    done = run(*args, "--out", "here", cwd=tmp_path, path="")
    assert done.returncode == 0, done.stderr
    assert "a model after 3 steps" in done.stdout
    assert "3 1 4 1 5 9 2 6" in done.stdout
    if find_spec("pygraphviz") is None:
        assert "laid out by tinygrad_attn: Graphviz is missing" in done.stdout
        assert "apt install graphviz" in done.stdout
    else:
        assert "laid out by Graphviz in pygraphviz" in done.stdout
    check_pictures(tmp_path / "here")


@needs_numpy
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--head", "2"), "--head 2 given; the model has 2, numbered from 0"),
        (("--layer", "-1"), "--layer -1 given; the model has 1"),
        (("--digits", "123"), "--digits '123' given; it must be 8 digits from 0 to 9"),
        (("--digits", "1234567x"), "--digits '1234567x' given"),
        (("--checkpoint", "nowhere"), "nowhere"),
        (("--out", "model.safetensors"), "model.safetensors"),
    ],
)
def test_bad_input_gets_one_line(checkpoint, args, words, monkeypatch):
    monkeypatch.chdir(checkpoint.parent)
    if "--checkpoint" not in args:
        args = ("--checkpoint", checkpoint, *args)
    done = call(render_attention_head.main, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--layer", "1"), "--layer 1 given; the model has 1"),
        (("--head", "2"), "--head 2 given; the model has 2"),
        (("--digits", "123"), "--digits '123' given"),
        (("--digits", ""), "argument --digits"),
        (("--out", ""), "argument --out"),
        (("--out", __file__), f"--out {__file__}: no folder"),
        (("--checkpoint", ""), "argument --checkpoint"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_training(args, words, monkeypatch):
    monkeypatch.setattr(training, "train", None)
    done = call(render_attention_head.main, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@needs_numpy
@pytest.mark.parametrize("backend", ["numpy", "scalar"])
def test_it_draws_on_the_backend_of_the_environment(backend, monkeypatch, tmp_path):
    learn, used = training.train, []

    def one_step(run, metrics, stopped):
        run.options.steps = 1
        used.append(current_backend().name)
        learn(run, metrics, stopped)

    monkeypatch.setenv("TINYGRAD_ATTN_BACKEND", backend)
    monkeypatch.setattr(training, "train", one_step)
    done = call(render_attention_head.main, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert used == [backend]
    ElementTree.parse(tmp_path / "head_op.svg")
