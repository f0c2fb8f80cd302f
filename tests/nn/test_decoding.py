"""Decoding: the cache gives the full forward's logits, greedy is greedy, a beam finds
what an exhaustive search finds, and the model is left as it was."""

from __future__ import annotations

import itertools
import math

import pytest
from conftest import assert_close, needs_numpy

import nn
from nn import BOS, EOS, PAD
from nn.transformer.decoding import Hypothesis
from tinygrad_attn import Tensor, manual_seed, no_grad, ones, randint, use_backend

VOCAB = 6


SEEDS = (1, 2, 3, 7)  # of models whose answers have 0, 2, 3, 4 and 7 tokens


def small(seed=0, sharp=0.5, **settings):
    """A model that nobody trained; with a table so small it does not only echo."""
    manual_seed(seed)
    model = nn.Seq2SeqTransformer(VOCAB, 8, 2, 2, 2, 12, **settings)
    model.embedding.weight.assign((model.embedding.weight * sharp).detach())
    return model


ROWS = [[3, 4, 5], [5], [4, 4], [3, 3, 3]]


def rows_of_words():
    """ROWS, filled up with PAD."""
    return Tensor([row + [PAD] * (3 - len(row)) for row in ROWS])


def sources():
    return Tensor([[3, 4, 5, EOS], [5, EOS, PAD, PAD], [4, 4, EOS, PAD]])


# --- the cache ------------------------------------------------------------------------


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("steps", [[1] * 5, [2, 1, 2], [5]], ids=str)
def test_the_cache_gives_the_logits_of_the_full_forward(steps, norm_first, backend):
    model = small(norm_first=norm_first).eval()
    src = sources()
    tgt = Tensor([[BOS, 3, 4, 5, EOS], [BOS, 5, EOS, PAD, PAD], [BOS, 4, 3, EOS, PAD]])
    want = model(src, tgt)
    memory, real, cache = model.encode(src), model.real(src), model.new_cache()
    stop = 0
    for count in steps:
        start, stop = stop, stop + count
        got = model.decode(tgt[:, :stop], memory, real, cache)
        assert got.shape == (3, count, VOCAB)
        assert_close(got, want[:, start:stop])
        assert len(cache) == stop


def test_the_cache_projects_each_position_once_and_the_memory_once(monkeypatch):
    model = small().eval()
    seen = []
    projected = nn.MultiHeadAttention.keys_and_values

    def counted(self, key, value):
        seen.append(key.shape[-2])
        return projected(self, key, value)

    monkeypatch.setattr(nn.MultiHeadAttention, "keys_and_values", counted)
    src, cache = sources(), model.new_cache()
    memory, real = model.encode(src), model.real(src)
    seen.clear()
    tgt = Tensor([[BOS, 3, 4]] * 3)
    for t in (1, 2, 3):
        model.decode(tgt[:, :t], memory, real, cache)
    assert seen == [1, 4, 1, 4] + [1, 1] * 2  # two layers; the memory has 4 positions
    with pytest.raises(ValueError, match=r"tgt of shape \(3, 3\) .* cache of 3 posit"):
        model.decode(tgt, memory, real, cache)


def test_a_causal_mask_for_the_last_queries_is_the_last_rows_of_the_whole(any_backend):
    whole = nn.causal_mask(5)
    for t in range(6):
        assert nn.causal_mask(t, 5, start=5 - t).tolist() == whole[5 - t :].tolist()
    with pytest.raises(TypeError, match="causal_mask: start='a'"):
        nn.causal_mask(2, start="a")


def test_a_selection_of_rows_is_what_these_rows_would_have_had(backend):
    model = small().eval()
    src = sources()
    tgt = Tensor([[BOS, 3, 4], [BOS, 5, 5], [BOS, 4, 3]])
    memory, real, cache = model.encode(src), model.real(src), model.new_cache()
    model.decode(tgt[:, :2], memory, real, cache)
    rows = [2, 0, 0]
    cache.select(rows)
    got = model.decode(tgt[rows], memory[rows], real[rows], cache)
    assert_close(got, model(src, tgt)[rows][:, 2:])


# --- greedy ---------------------------------------------------------------------------


def written_slowly(model, row, limit):
    """Greedy, token by token, from the full forward of a single sequence."""
    model.eval()
    tokens = []
    while len(tokens) < limit:
        logits = model(Tensor([row]), Tensor([[BOS, *tokens]]))[0, -1].tolist()
        tokens.append(max(range(2, VOCAB), key=logits.__getitem__))
        if tokens[-1] == EOS:
            return tokens[:-1]
    return tokens


@pytest.mark.parametrize("seed", SEEDS)
def test_greedy_writes_the_best_token_each_time_and_each_row_ends_at_its_eos(
    seed, backend
):
    model = small(seed)
    with no_grad():
        want = [written_slowly(model, row, 7) for row in ROWS]
    assert nn.greedy_decode(model, rows_of_words(), max_len=7) == want


def test_the_models_of_the_greedy_test_end_their_rows_apart():
    """Else it had tested nothing."""
    answers = [nn.greedy_decode(small(seed), rows_of_words(), 7) for seed in SEEDS]
    assert {len(row) for rows in answers for row in rows} >= {0, 2, 3, 4, 7}
    assert {len({len(row) for row in rows}) for rows in answers} >= {2, 4}


def test_who_has_ended_writes_pad(backend, monkeypatch):
    model = small(3)
    given = []
    decode = model.decode

    def watched(tgt, *rest):
        given.append(tgt.tolist())
        return decode(tgt, *rest)

    monkeypatch.setattr(model, "decode", watched)
    answers = nn.greedy_decode(model, rows_of_words(), 7)
    for row, tokens in zip(given[-1], answers):
        assert row == ([BOS, *tokens, EOS] + [PAD] * 7)[: len(row)]


def fixed(model, after):
    """The model, but its logits after t tokens are given: `after(tgt)` → (K, VOCAB)."""

    def decode(tgt, memory, real=None, cache=None):
        return Tensor([[row] for row in after(tgt.tolist())])

    model.decode = decode
    return model


def test_pad_and_bos_are_never_written(any_backend):
    scores = [9.0, 8.0, 1.0, 2.0, 0.0, 0.0]  # PAD, BOS, EOS, 3, 4, 5
    model = fixed(small(), lambda tgt: [scores] * len(tgt))
    assert nn.greedy_decode(model, sources(), 2) == [[3, 3]] * 3
    assert nn.beam_search(model, sources(), 2, 0.0, max_len=1) == [[]] * 3
    assert nn.beam_search(model, sources(), 1, 0.0, max_len=2) == [[3, 3]] * 3


def test_the_longest_answer():
    scores = [0.0, 0.0, -math.inf, 9.0, 0.0, 0.0]  # never an EOS
    model = fixed(small(max_len=60), lambda tgt: [scores] * len(tgt))
    for decode in (nn.greedy_decode, nn.beam_search):
        assert [len(row) for row in decode(model, sources())] == [54] * 3  # S + 50
    model = fixed(small(max_len=9), lambda tgt: [scores] * len(tgt))
    assert [len(row) for row in nn.greedy_decode(model, sources())] == [9] * 3


@pytest.mark.parametrize("decode", [nn.greedy_decode, nn.beam_search])
def test_promise_24_eval_mode_while_decoding_and_as_before_after(decode, backend):
    model = small(dropout=0.5)
    model.encoder.layers[0].eval()
    before = {path: module.training for path, module in model.named_modules()}
    answers = [decode(model, sources(), max_len=5) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]  # no dropout
    assert {p: m.training for p, m in model.named_modules()} == before
    model.decoder.forward = None
    with pytest.raises(TypeError):
        decode(model, sources())
    assert {p: m.training for p, m in model.named_modules()} == before


# --- beam search ----------------------------------------------------------------------


def best_of_all(model, row, alpha, limit):
    """Every sequence of up to `limit` tokens, scored by the full forward."""
    found = []
    words = [t for t in range(VOCAB) if t not in (PAD, BOS, EOS)]
    for length in range(limit):
        for tokens in itertools.product(words, repeat=length):
            tgt, labels = [BOS, *tokens], [*tokens, EOS]
            log_p = model(Tensor([row]), Tensor([tgt])).log_softmax()[0].tolist()
            total = sum(log_p[t][label] for t, label in enumerate(labels))
            found.append((total / ((5 + len(labels)) / 6) ** alpha, list(tokens)))
    return max(found)[1]


@needs_numpy
@pytest.mark.parametrize("alpha", [0.0, 0.6, 3.0])
@pytest.mark.parametrize("seed", [0, 7, 8, 12, 13])  # 0.6: of 0, 1, 2 and 3 tokens
def test_a_beam_wide_enough_finds_what_an_exhaustive_search_finds(seed, alpha):
    with use_backend("numpy", "float64"):
        model = small(seed, sharp=3.0).eval()
        rows = [[3, 4, 5, EOS], [5, EOS]]
        with no_grad():
            want = [best_of_all(model, row, alpha, 4) for row in rows]
        src = Tensor([rows[0], [*rows[1], PAD, PAD]])
        assert nn.beam_search(model, src, 4**4, alpha, max_len=4) == want


def garden_path(tgt):
    """Token 3 looks best, but 4 leads to a sure end: P(3 x EOS) < P(4 EOS)."""
    after = {
        (): {3: 0.6, 4: 0.4},
        (3,): {3: 0.4, 4: 0.3, 5: 0.3},
        (4,): {EOS: 1.0},
    }
    rows = []
    for _, *tokens in tgt:
        p = after.get(tuple(tokens), {EOS: 1.0})
        rows.append([math.log(p.get(t, 1e-9)) for t in range(VOCAB)])
    return rows


def test_a_beam_finds_what_greedy_walks_past(any_backend):
    model = fixed(small(), garden_path)
    src = sources()[:1]
    assert nn.greedy_decode(model, src) == [[3, 3]]
    assert nn.beam_search(model, src, beam_size=1) == [[3, 3]]
    assert nn.beam_search(model, src, beam_size=2) == [[4]]


def short_or_long(tgt):
    """ln P is -1.0 of EOS at once, and -1.2 of 3 3 3 EOS."""
    rows = []
    for _, *tokens in tgt:
        more = math.exp(-1.2) / (1 - math.exp(-1.0))  # of a second and a third 3
        p = {EOS: math.exp(-1.0), 3: 1 - math.exp(-1.0)}
        if tokens:
            p = {3: more**0.5, EOS: 1 - more**0.5} if len(tokens) < 3 else {EOS: 1.0}
        rows.append([math.log(p.get(t, 1e-9)) for t in range(VOCAB)])
    return rows


def test_the_length_penalty_lets_longer_ones_win(any_backend):
    model = fixed(small(), short_or_long)
    src = sources()[:1]
    assert nn.beam_search(model, src, 3, alpha=0.0) == [[]]
    assert nn.beam_search(model, src, 3, alpha=0.6) == [[3, 3, 3]]  # 1.2 / 1.5⁰·⁶ < 1


def test_the_length_penalty_is_the_papers():
    h = Hypothesis([3] * 7, -6.0)
    assert h.score(alpha=0.0) == -6.0
    assert h.score(alpha=1.0) == -6.0 / ((5 + 7) / 6)
    assert h.score(alpha=0.6) == pytest.approx(-6.0 / 2**0.6)
    assert h.score(alpha=1.0, length=13) == -2.0


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_of_one_is_greedy(seed, backend):
    model = small(seed)
    src = sources()
    assert nn.beam_search(model, src, 1, max_len=6) == nn.greedy_decode(model, src, 6)


# --- wrong calls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (
            lambda: nn.greedy_decode(nn.Linear(2, 2), sources()),
            TypeError,
            "greedy_decode: a Linear given; it takes a Seq2SeqTransformer",
        ),
        (
            lambda: nn.greedy_decode(small(max_len=8), sources(), 9),
            ValueError,
            "greedy_decode: max_len=9 given; it must be an integer in [1, 8]",
        ),
        (
            lambda: nn.beam_search(small(), sources(), beam_size=0),
            ValueError,
            "beam_search: beam_size=0 given; it must be an integer in [1, inf)",
        ),
        (
            lambda: nn.beam_search(small(), sources(), alpha=-1.0),
            ValueError,
            "beam_search: alpha=-1.0 given; it must be a number in [0, inf)",
        ),
        (
            lambda: nn.beam_search(small(max_len=3), sources()),
            ValueError,
            "beam_search: src of shape (3, 4) given; it must be a Tensor of int64 "
            "(B, T), T up to 3",
        ),
        (
            lambda: nn.greedy_decode(small(), ones(2, 3)),
            TypeError,
            "greedy_decode: src of float64 given; it must be a Tensor of int64 (B, T), "
            "T up to 1024",
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(said)


def test_any_source_of_words_can_be_decoded(backend):
    """Nothing in it asks for an EOS in the source, or for rows of one length."""
    model = small()
    src = randint(3, VOCAB, (2, 5))
    assert len(nn.greedy_decode(model, src, 3)) == 2
