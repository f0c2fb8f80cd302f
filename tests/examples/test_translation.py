"""The encoder-decoder examples: reversing digits, and reading dates."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import unicodedata
from datetime import date, timedelta

import pytest
from conftest import ROOT, call, needs_numpy, needs_safetensors

from examples import date_phrases, reverse_translation, train_reverse, translate_dates
from examples.options import option
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
    assert share >= 98.0  # 99.5 of the validation set ended it
    given, wanted = re.findall(r"^  (?:given|to write) +(.*)$", done.stdout, re.M)
    assert given.split()[0] == "BOS"
    assert wanted.split()[-1] == "EOS"
    assert given.split()[1:] == wanted.split()[:-1]
    assert (tmp_path / "cross_attention.svg").stat().st_size > 10_000


def test_encoder_and_decoder_are_not_trained_number_by_number():
    args = "--model", "encoder-decoder", "--backend", "scalar"
    for main, given in (train_reverse.main, args), (translate_dates.main, args[2:]):
        done = call(main, *given)
        assert done.returncode == 2
        assert "--backend scalar given" in done.stderr
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
    held_out = {answer for _, answer in (*dates.validation, *dates.test)}
    assert len(held_out) == len(dates.validation) + len(dates.test) == 2000
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
    assert done.returncode == 1, done.stderr
    assert "98% of the validation set, was not reached" in done.stderr.splitlines()[-1]
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
    assert done.returncode == 1, done.stderr
    return saved


@needs_numpy
@needs_safetensors
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--ask", "3 августа"), "--ask '3 августа' given"),
        (("--ask", ""), "argument --ask: '' given"),
        (("--ask", "1" * 100), "from 1950-01-01 to 2049-12-31"),
        (("--ask", "hello"), "such as '23.11.2026'"),
        (("--ask", "31 June 1998"), "--ask '31 June 1998' given"),
        (("--ask", "Tue 23rd Nov 2026"), "it must be a date"),  # it was a Monday
        (("--ask", "3 août 1949"), "from 1950-01-01"),
        (("--load", "nowhere"), "nowhere"),
        (("--steps", 9), "--steps given beside --load"),
        (("--batch", 2), "--batch given beside --load"),
        (("--seed", 0), "--seed given beside --load"),
        (("--save", "x"), "--save given beside --load"),
        (("--metrics", "x"), "--metrics given beside --load"),
        (("--resume", "x"), "--resume given beside --load"),
    ],
)
def test_bad_dates_get_one_line(after_one_step, args, words):
    load = () if "--load" in args else ("--load", after_one_step)
    done = call(translate_dates.main, "--backend", "numpy", *load, *args)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "3 août 1998",
        unicodedata.normalize("NFD", "3 août 1998"),
        "3 AOÛT 1998",
        " 3  août\u00a01998",
        os.fsencode("3 août 1998").decode("ascii", "surrogateescape"),
    ],
)
def test_a_date_is_understood_in_every_unicode_form(text):
    assert date_phrases.understood(text) == ("3 août 1998", date(1998, 8, 3))


def test_every_form_of_a_day_is_understood():
    for day in date_phrases.FIRST, date(2024, 2, 29), date_phrases.LAST:
        for phrase in date_phrases.every_form(day):
            assert date_phrases.understood(phrase) == (phrase, day)


@pytest.mark.parametrize("settings", [("--batch", 0), ("--steps", 0), ("--lr", "nan")])
def test_what_cannot_be_trained_is_refused(settings):
    done = call(translate_dates.main, "--backend", "python", *settings)
    assert done.returncode == 2
    assert settings[0] in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_encoder_and_decoder_learn_in_pure_python(tmp_path):
    """From a bare clone, within two minutes; here only the first steps of it."""
    metrics = tmp_path / "metrics"
    args = "--model", "encoder-decoder", "--metrics", metrics, "--steps", 40
    done = call(train_reverse.main, *args, "--backend", "python")
    assert done.returncode == 1, done.stderr
    rows = [json.loads(line) for line in metrics.read_text().splitlines()]
    losses = [row["loss"] for row in rows if row["scored_on"] == "batch"]
    assert losses[0] > 2.5
    assert losses[-1] < 0.8 * losses[0]


@needs_numpy
def test_the_sizes_of_pure_python_are_learned():
    sizes = [
        text
        for name, value in reverse_translation.SIZES["python"].items()
        for text in (option(name), str(value))
    ]
    args = "--model", "encoder-decoder", "--backend", "numpy", "--dtype", "float64"
    done = call(train_reverse.main, *args, *sizes)
    assert done.returncode == 0, done.stderr
    share, steps = re.search(r"([\d.]+)% of 1,000 .* (\d+) steps", done.stdout).groups()
    assert float(share) > 98.0
    assert int(steps) < 600
