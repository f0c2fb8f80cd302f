"""Promise 11: a causality test that users run on their models, and one of padding.

Both hold for what is here, and each is proved able to fail: on masks that are missing,
turned round, or one off.
"""

from __future__ import annotations

import pytest
from conftest import needs_numpy

import nn
from nn import BOS, EOS, PAD
from nn.testing import assert_causal, assert_padding_invariant
from tinygrad_attn import Tensor, get_rng_state, manual_seed, ones, randn, use_backend

VOCAB = 9


def tokens():
    return Tensor([[5, 6, 7, 3], [8, 4, 3, 5]])


def padded():
    return Tensor([[5, 6, 7, EOS], [8, EOS, PAD, PAD]])


class Language(nn.Module):
    """A decoder without memory: tokens to logits, with a mask to be got wrong."""

    def __init__(self, mask):
        self.embedding = nn.TiedEmbedding(VOCAB, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.5)
        self.mask = mask

    def forward(self, x):
        t = x.shape[1]
        mask = self.mask(t)
        return self.embedding.logits(self.layer(self.embedding(x), mask))


def off_by_one(t):
    """Each position sees the next one too."""
    return Tensor([[j <= i + 1 for j in range(t)] for i in range(t)])


def turned_round(t):
    return nn.causal_mask(t).T


def seq2seq(**settings):
    return nn.Seq2SeqTransformer(VOCAB, 8, 2, 1, 1, 12, dropout=0.5, **settings)


# --- causality ------------------------------------------------------------------------


def test_what_is_causal_passes(any_backend):
    assert_causal(Language(nn.causal_mask), tokens())
    assert_causal(seq2seq(), padded(), tokens())
    assert_causal(seq2seq(norm_first=True), padded(), tokens())
    assert_causal(seq2seq(pad=3, bos=4, eos=5))  # with its own example_inputs()
    layer = nn.TransformerEncoderLayer(8, 2, 12)
    assert_causal(lambda x: layer.eval()(x, is_causal=True), randn(2, 4, 8))


@pytest.mark.parametrize(
    "mask", [lambda t: None, off_by_one, turned_round], ids=["none", "one", "turned"]
)
def test_a_leaking_mask_is_found(mask, any_backend):
    with pytest.raises(AssertionError, match="it sees what comes after it") as caught:
        assert_causal(Language(mask), tokens())
    assert "\n" not in str(caught.value)


def test_a_leak_from_the_last_position_alone_is_found(any_backend):
    def leak(x):
        return x + 1e-3 * x[:, -1:] * Tensor([[[1.0]], [[0.0]]])

    said = "output 0 of sequence 0 changes by .* inputs from 1 on"
    with pytest.raises(AssertionError, match=said):
        assert_causal(leak, randn(2, 4, 3))


def test_a_decoder_that_is_given_its_labels_unshifted_looks_causal_but_shifted():
    """What the test cannot see: that input t is label t. `shift_right` sees to that."""
    model = seq2seq()
    assert_causal(
        lambda src, y: model.eval()(src, nn.shift_right(y)), padded(), tokens()
    )


def test_a_model_that_ignores_its_input_is_no_pass(any_backend):
    with pytest.raises(AssertionError, match="no output changes .* nothing was tested"):
        assert_causal(lambda x: x * 0.0, randn(2, 3, 4))


@needs_numpy
def test_rounding_in_float32_is_no_leak():
    with use_backend("numpy"):
        manual_seed(0)
        assert_causal(Language(nn.causal_mask), tokens())
        with pytest.raises(AssertionError):
            assert_causal(Language(off_by_one), tokens())


def test_the_model_and_the_random_numbers_are_left_as_they_were():
    model = Language(nn.causal_mask)
    model.layer.norm1.eval()
    before = {path: module.training for path, module in model.named_modules()}
    state = get_rng_state()
    assert_causal(model, tokens())
    assert_padding_invariant(model, tokens())
    x = randn(2, 3, 4)
    state = get_rng_state()
    assert_causal(lambda x: x * 2.0, x)
    assert get_rng_state() == state
    assert {p: m.training for p, m in model.named_modules()} == before


# --- padding --------------------------------------------------------------------------


class Encoder(nn.Module):
    """Tokens to one vector each, or to their mean; padding looked at or not."""

    def __init__(self, masked, pooled=None):
        self.embedding = nn.Embedding(VOCAB, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.5)
        self.masked, self.pooled = masked, pooled

    def forward(self, x):
        real = nn.padding_mask(x)
        padding = real if self.masked else None
        z = self.layer(self.embedding(x), src_key_padding_mask=padding)
        if self.pooled == "all":
            return z.mean(axis=1)
        if self.pooled == "real":
            kept = real.astype(z.dtype).unsqueeze(-1)
            return (z * kept).sum(axis=1) / kept.sum(axis=1)
        return z


def test_what_ignores_padding_passes(any_backend):
    for x in (tokens(), padded()):
        assert_padding_invariant(Encoder(masked=True), x)
        assert_padding_invariant(Encoder(masked=True, pooled="real"), x)
        assert_padding_invariant(seq2seq(), x, Tensor([[BOS, 4, PAD], [BOS, 3, 4]]))
        assert_padding_invariant(Language(nn.causal_mask), x)
    assert_padding_invariant(seq2seq())


def test_a_model_of_ours_with_its_masks_taken_away_is_found(any_backend, monkeypatch):
    model = seq2seq()
    monkeypatch.setattr(model, "real", lambda tokens: None)
    with pytest.raises(AssertionError, match="appended to input 0"):
        assert_padding_invariant(model)
    decoder = model.decoder.forward

    def uncausal(*inputs, tgt_is_causal, **masks):
        return decoder(*inputs, **masks)

    model.decoder.forward = uncausal
    with pytest.raises(AssertionError, match="it sees what comes after it"):
        assert_causal(model)


@pytest.mark.parametrize(
    "model",
    [lambda: Encoder(masked=False), lambda: Encoder(masked=True, pooled="all")],
    ids=["attended to", "counted in the mean"],
)
def test_padding_that_matters_is_found(model, any_backend):
    with pytest.raises(AssertionError, match="3 PAD are appended to input 0"):
        assert_padding_invariant(model(), tokens())


def test_a_memory_whose_padding_is_looked_at_is_found(any_backend):
    model = seq2seq().eval()

    def forgetful(src, tgt):
        return model.decode(tgt, model.encode(src))

    with pytest.raises(AssertionError, match="2 PAD are appended to input 0"):
        assert_padding_invariant(forgetful, padded(), tokens(), extra=2)


def test_another_number_for_pad(any_backend):
    model = seq2seq(pad=8)
    x = Tensor([[3, 4, 5]])
    assert_padding_invariant(model, x, x, pad=8)
    with pytest.raises(AssertionError, match="appended to input 0"):
        assert_padding_invariant(model, x, x)  # 0 is a word here


# --- wrong calls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: assert_causal(3, tokens()), TypeError, "assert_causal: a int given"),
        (
            lambda: assert_causal(Encoder(True)),
            TypeError,
            "assert_causal: a Encoder given, and nothing to call it with; give its "
            "inputs too, or a method example_inputs() that returns them",
        ),
        (
            lambda: assert_causal(lambda x: x * 1.0, ones(2, 3, dtype="int64")),
            ValueError,
            "assert_causal: a last input of int64 (2, 3) given; it must be tokens",
        ),
        (
            lambda: assert_causal(lambda x: x, randn(2, 1, 3)),
            ValueError,
            "assert_causal: a last input of float64 (2, 1, 3) given",
        ),
        (
            lambda: assert_causal(lambda x: x[:, 1:], randn(2, 3, 4)),
            ValueError,
            "assert_causal: an output of (2, 2, 4) for a sequence of (2, 3, 4)",
        ),
        (
            lambda: assert_causal(lambda x: x.tolist(), randn(2, 3, 4)),
            TypeError,
            "assert_causal: the model returned list; it must be a Tensor (B, ...)",
        ),
        (
            lambda: assert_causal(lambda x: nn.functional.dropout(x), randn(2, 3, 4)),
            ValueError,
            "assert_causal: two runs on the same input differ",
        ),
        (
            lambda: assert_causal(lambda x: x * float("nan"), randn(2, 3, 4)),
            ValueError,
            "assert_causal: two runs on the same input differ, or are nan",
        ),
        (
            lambda: assert_padding_invariant(lambda x: x, randn(2, 3, 4)),
            TypeError,
            "assert_padding_invariant: no tokens given",
        ),
        (
            lambda: assert_padding_invariant(Encoder(True), tokens(), extra=0),
            ValueError,
            "assert_padding_invariant: extra=0 given; it must be an integer",
        ),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
