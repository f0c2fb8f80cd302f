"""The encoder-decoder examples: reversing digits, and reading dates."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from datetime import date, timedelta

import pytest
from conftest import ROOT, call, needs_numpy, needs_safetensors

from examples import date_phrases, train_reverse, translate_dates
from examples.translate_dates import Dates


def run(script, *args):
    """As a user does, in a process of its own."""
    command = [sys.executable, str(ROOT / "examples" / script), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=500)


@needs_numpy
@pytest.mark.parametrize(
    "settings",
    [(), ("--norm", "post", "--seq-len", 5)],
    ids=["as in the README", "post-norm, shorter ones"],
)
def test_an_encoder_and_a_decoder_learn_to_reverse(settings, tmp_path):
    args = ("--model", "encoder-decoder", "--backend", "numpy", *settings)
    done = call(train_reverse.main, *args, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    share = float(re.search(r"([\d.]+)% of 1,000 held-out", done.stdout)[1])
    assert share >= 99.0
    given, wanted = re.findall(r"^  (?:given|to write) +(.*)$", done.stdout, re.M)
    assert given.split()[0] == "BOS"
    assert wanted.split()[-1] == "EOS"
    assert given.split()[1:] == wanted.split()[:-1]
    assert (tmp_path / "cross_attention.svg").stat().st_size > 10_000


@pytest.mark.parametrize(
    "args", [("--save", "x"), ("--resume", "x"), ("--backend", "scalar")]
)
def test_what_the_encoder_decoder_does_not_do_is_refused(args):
    done = call(train_reverse.main, "--model", "encoder-decoder", *args)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_phrase_means_one_day():
    seen, letters = {}, set(date_phrases.alphabet())
    day = date_phrases.FIRST
    while day <= date_phrases.LAST:
        for phrase in date_phrases.every_form(day):
            assert seen.setdefault(phrase, day) == day
            assert set(phrase) <= letters
        day += timedelta(days=3)
    assert max(map(len, seen)) <= 40


def test_no_day_that_is_held_out_is_trained_on():
    dates = Dates(0)
    held_out = {answer for _, answer in dates.held_out}
    assert len(held_out) == 1000
    assert not held_out & {answer for _, answer in dates.pairs(5000)}


def test_random_phrases_use_every_language_and_form():
    source = random.Random(0)
    day = date(2026, 11, 23)
    found = {date_phrases.random_phrase(day, source) for _ in range(1000)}
    assert found == set(date_phrases.every_form(day))


@needs_numpy
@needs_safetensors
def test_dates_are_learned_saved_loaded_and_asked(tmp_path):
    saved, small = tmp_path / "x.safetensors", ("--d-model", 16, "--layers", 1)
    args = ("--backend", "numpy", "--steps", 5, "--batch", 8, *small)
    done = run("translate_dates.py", *args, "--heads", 2, "--save", saved)
    assert done.returncode == 0, done.stderr
    assert "of 1,000 held-out dates read exactly, after 5 steps" in done.stdout
    asked = ("--load", saved, "--ask", "3 août 1998", "--backend", "numpy")
    first = run("translate_dates.py", *asked)
    assert first.returncode == 0, first.stderr
    assert "3 août 1998  →  " in first.stdout
    again = call(translate_dates.main, *asked, "--out", tmp_path / "out")
    assert again.stdout.split("\n")[0] + "\n" == first.stdout
    assert (tmp_path / "out" / "cross_attention.svg").exists()


@pytest.fixture(scope="module")
def after_one_step(tmp_path_factory):
    """A checkpoint of a small model that has seen two dates."""
    saved = tmp_path_factory.mktemp("dates") / "x.safetensors"
    train = ("--backend", "numpy", "--steps", 1, "--batch", 2, "--d-model", 8)
    done = call(translate_dates.main, *train, "--layers", 1, "--save", saved)
    assert done.returncode == 0, done.stderr
    return saved


@needs_numpy
@needs_safetensors
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--ask", "3 августа"), "--ask '3 августа' given"),
        (("--ask", ""), "--ask '' given"),
        (("--ask", "1" * 100), "1 to 64 letters"),
        (("--load", "nowhere"), "nowhere"),
    ],
)
def test_bad_dates_get_one_line(after_one_step, args, words):
    load = () if "--load" in args else ("--load", after_one_step)
    done = call(translate_dates.main, "--backend", "numpy", *load, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
