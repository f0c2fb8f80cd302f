"""The lesson on attention as a look-up: what it prints is computed, and is true."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from conftest import assert_close
from test_lessons import in_order, printed, run, told

from examples import attention_as_lookup as lesson
from examples import sentence
from examples.sentence import SENTENCE, SWAPPED, VALUES, Heads, embedding, head
from tinygrad_attn import Tensor, use_backend
from tinygrad_attn.functional import causal_mask, scaled_dot_product_attention

SMALL, CHASED = SENTENCE.index("small"), SENTENCE.index("chased")


@pytest.fixture(autouse=True)
def pure_python():
    with use_backend("python"):
        yield


# === What is printed ==================================================================


def test_it_prints_its_numbers_in_order():
    text = told(lesson)
    z, weights = head(1)(embedding(SENTENCE))
    w = weights[SMALL].tolist()
    causal = head(1)(embedding(SENTENCE), mask=causal_mask(7))[1][SMALL].tolist()
    in_order(
        text,
        "1. The sentence, as numbers",
        "    small         ·   1.00 ",
        "3. Energies: what “small” asks",
        "    mouse    6.00· 1.00 + ",
        "d_k = 4, so each is divided by 2.",
        *(f"{x:.4f}  {lesson.bar(x)}".rstrip() + "\n" for x in w),
        f"    z{z[SMALL, 0].item():22.2f}{z[SMALL, 1].item():9.2f}",
        "finds the same z (within 1e-12: True)",
        "6. All ask at once",
        "7. Why √d_k?",
        f"most at “cat” now: {causal[2]:.2f}, not {w[2]:.2f}.",
        "(within 1e-12: True). Who may",
        "z = [0.0, 0.0]",
        "    one head                  0.44 0.44            0.44 0.44         0.00",
        "With --out DIR",
    )


def test_the_energies_printed_are_sums_of_the_products_beside_them():
    text = told(lesson)
    part = text[text.index("3. Energies") : text.index("4. Weights")]
    lines = re.findall(r"^    \w+ +(.*) = +(-?\d+\.\d\d)$", part, re.M)
    assert len(lines) == len(SENTENCE)
    for terms, product in lines:
        pairs = [map(float, term.split("·")) for term in terms.split(" + ")]
        total = sum(a * b for a, b in pairs)
        assert total == pytest.approx(float(product), abs=0.06)


def test_with_other_numbers_it_prints_other_ones(capsys, monkeypatch):
    before = told(lesson)
    monkeypatch.setattr(sentence, "STRENGTH", 3.0)
    after = printed(lesson, capsys)
    for start, end in (
        ("2. Who", "3. En"),
        ("4. We", "5. Th"),
        ("10. One", "With --out"),
    ):
        parts = [t[t.index(start) : t.index(end)] for t in (before, after)]
        assert parts[0] != parts[1]
    in_order(after, "mouse    3.00· 1.00 +", "6.00\n", "4. Weights")


# === What is said =====================================================================


def test_every_number_of_the_embedding_means_what_its_column_says():
    x = embedding([*SENTENCE, sentence.PAD]).tolist()
    for place, (token, row) in enumerate(zip([*SENTENCE, sentence.PAD], x)):
        named = dict(zip(sentence.FEATURES, row))
        on = {name for name in named if named[name] == 1.0} - {"cos", "sin"}
        assert on == sentence.WORDS[token]
        angle = math.atan2(named["sin"], named["cos"])
        assert angle == pytest.approx(sentence.ANGLE * place)


@pytest.mark.parametrize("places", [None, -2, 1, 2])
def test_the_head_asks_for_a_kind_and_a_place(places):
    """Each energy from what the lesson says in words, without a matrix."""
    one, x = head(places), embedding(SENTENCE)
    products = ((x @ one.W_Q) @ (x @ one.W_K).mT).tolist()
    for i, asking in enumerate(SENTENCE):
        for j, offering in enumerate(SENTENCE):
            kinds = [sentence.ASKS.get(kind) for kind in sentence.WORDS[asking]]
            want = 6.0 * any(kind in sentence.WORDS[offering] for kind in kinds)
            if places is not None:
                want += 6.0 * math.cos(sentence.ANGLE * (j - i - places))
            assert products[i][j] == pytest.approx(want, abs=1e-12)


def test_who_looks_at_whom():
    weights = head(1)(embedding(SENTENCE))[1].tolist()
    most = {t: SENTENCE[r.index(max(r))] for t, r in zip(SENTENCE, weights)}
    assert most["hungry"] == "cat"
    assert most["small"] == "mouse"
    assert most["cat"] == "chased"


def test_the_head_is_the_engines_attention():
    x, one = embedding(SENTENCE), head(1)
    z = scaled_dot_product_attention(x @ one.W_Q, x @ one.W_K, x @ one.W_V)
    assert_close(one(x)[0], z)


def test_two_heads_tell_who_chased_whom_and_one_does_not():
    single = Heads(anywhere=head(None))
    both = Heads(before=head(-2), after=head(2))
    for tokens, want in (SENTENCE, [1, 0, 0, 1]), (SWAPPED, [0, 1, 1, 0]):
        assert [round(v) for v in both(embedding(tokens))[CHASED].tolist()] == want
    one = [single(embedding(tokens))[CHASED] for tokens in (SENTENCE, SWAPPED)]
    assert_close(*one)
    assert max(one[0].tolist()) < 0.5


# === √d_k =============================================================================


@pytest.mark.parametrize("d_k", [16, 64, 256])
def test_without_the_root_the_softmax_saturates_and_the_gradient_vanishes(d_k):
    variance, largest, half, tenth = lesson.measured(d_k, 200, scaled=False)
    assert variance == pytest.approx(d_k, rel=0.25)
    scaled = lesson.measured(d_k, 200, scaled=True)
    assert scaled[0] == pytest.approx(variance / d_k)
    assert 0.3 < scaled[1] < 0.45 < 0.7 < largest
    assert scaled[2] > 2 * half
    assert scaled[3] > 0.1 > 10 * tenth


def test_the_gradient_is_the_softmaxs_by_its_formula():
    energies, weights, gradient = lesson.lookups(64, 3, scaled=True)
    for e, w, g in zip(energies.tolist(), weights.tolist(), gradient.tolist()):
        powers = [math.exp(x) for x in e]
        assert w == pytest.approx([p / sum(powers) for p in powers])
        assert sum(g) == pytest.approx(0.0, abs=1e-12)  # all energies up: no change
    assert isinstance(gradient, Tensor)


# === Pictures =========================================================================


def test_it_draws_what_it_tells(tmp_path):
    out = tmp_path / "new" / "pictures"
    done = run(lesson.__file__, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = re.findall(rf"^    {re.escape(str(out))}/(\S+)", done.stdout, re.M)
    assert sorted(told) == sorted(path.name for path in out.iterdir())
    assert len(told) == 8
    for name in told:
        text = (out / name).read_text(encoding="utf-8")
        if name.endswith(".svg"):
            ElementTree.fromstring(text)
        if name.startswith("attention"):
            assert "mouse" in text
    weights = head(1)(embedding(SENTENCE))[1]
    cell = f"small → mouse: {weights[SMALL, SENTENCE.index('mouse')].item():.4f}"
    assert cell in (out / "attention_one_head.svg").read_text(encoding="utf-8")
    assert "“small”" in (out / "lookup.html").read_text(encoding="utf-8")
    assert len(VALUES) == 2


def test_a_folder_that_cannot_be_made_is_one_line():
    done = run(lesson.__file__, "--out", __file__)
    assert done.returncode == 2
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert f"--out {__file__}: no folder can be made there" in last
    assert "Traceback" not in done.stderr
