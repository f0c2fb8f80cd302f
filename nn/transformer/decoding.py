"""Decoding: a trained model writes a sequence, one token at a time.

The model gives each possible next token a probability. Which one to write?

    greedy         the most probable token, each time
    beam search    keep the `beam_size` most probable beginnings, and choose at the end

Greedy decoding misses the best sequence if its first token is not the most probable
one. Both keep keys and values in a cache (cache.py), so a step computes one new
position only.

Vaswani et al. 2017, "Attention Is All You Need", section 6.1: a beam of 4, a length
penalty of α = 0.6, and at most 50 tokens more than the source has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from operator import itemgetter

from tinygrad_attn import Tensor, concat, no_grad, where
from tinygrad_attn.errors import check_number
from tinygrad_attn.functions.operands import constant

from ..module import in_eval_mode
from .seq2seq import Seq2SeqTransformer
from .tokens import check_tokens


def greedy_decode(
    model: Seq2SeqTransformer, src: Tensor, max_len: int | None = None
) -> list[list[int]]:
    """Writes the most probable token each time, until EOS.

    The model runs in eval mode (for this thread), without recording.

    Args:
        src: (B, S) tokens.
        max_len: the most tokens to write, EOS included; by default S + 50, or as many
            as the model's positions allow.

    Returns:
        The tokens of each sequence, without BOS and EOS.

    >>> import nn
    >>> model = nn.Seq2SeqTransformer(10, d_model=8, num_heads=2, d_ff=16)
    >>> answers = greedy_decode(model, Tensor([[5, 6, 7], [8, 9, 0]]), max_len=4)
    >>> len(answers), max(map(len, answers)) <= 4, model.training
    (2, True, True)
    """
    limit = check_call("greedy_decode", model, src, max_len)
    with in_eval_mode(model), no_grad():
        memory, real = model.encode(src), model.real(src)  # (B, S, d_model), (B, S)
        cache = model.new_cache()
        tgt = constant("greedy_decode", [[model.bos]] * src.shape[0], src)  # (B, 1)
        done = tgt == model.eos  # (B, 1): none yet
        while tgt.shape[1] <= limit and not done.min():
            logits = model.decode(tgt, memory, real, cache)[:, -1]  # (B, vocab_size)
            scores = exclude_special(model, logits)
            best = scores.argmax(axis=-1, keepdims=True)  # (B, 1)
            token = where(done, model.pad, best)  # PAD after a sequence's EOS
            tgt = concat([tgt, token], axis=1)
            done = where(done, True, token == model.eos)
    return [cut_at(model.eos, row[1:]) for row in tgt.tolist()]


@dataclass
class Hypothesis:
    """A possible output: the tokens after BOS, and ln P(tokens | source).

    >>> Hypothesis([5, 6], -2.0).score(alpha=0.0)
    -2.0
    """

    tokens: list[int]
    log_p: float

    def score(self, alpha: float, length: int | None = None) -> float:
        """ln P / lp, with the length penalty lp = ((5 + |Y|)/(5 + 1))^α.

        Each token makes P smaller. Without the penalty the shortest sequence would win.
        Wu et al. 2016, "Google's Neural Machine Translation System", equation 14.
        """
        size = len(self.tokens) if length is None else length
        return self.log_p / math.pow((5.0 + size) / 6.0, alpha)


def beam_search(
    model: Seq2SeqTransformer,
    src: Tensor,
    beam_size: int = 4,
    alpha: float = 0.6,
    max_len: int | None = None,
) -> list[list[int]]:
    """Writes the best sequence that `beam_size` hypotheses, kept side by side, lead to.

    Each step extends every hypothesis by every token, and keeps the `beam_size` most
    probable results. A hypothesis that ends in EOS is finished. The search ends when no
    unfinished hypothesis can still score better than the best finished one. A beam of 1
    is greedy decoding.

    The model runs in eval mode (for this thread), without recording.

    Args:
        src: (B, S) tokens.
        beam_size: how many hypotheses to keep.
        alpha: α of the length penalty (`Hypothesis.score`). 0 means no penalty; a
            larger α favours longer sequences.
        max_len: the most tokens to write, EOS included; by default S + 50, or as many
            as the model's positions allow. If no hypothesis is finished by then, the
            best unfinished one is the answer.

    Returns:
        The tokens of each sequence, without BOS and EOS.

    >>> import nn
    >>> model = nn.Seq2SeqTransformer(10, d_model=8, num_heads=2, d_ff=16)
    >>> src = Tensor([[5, 6, 7], [8, 9, 0]])
    >>> greedy_decode(model, src, 4) == beam_search(model, src, beam_size=1, max_len=4)
    True
    """
    limit = check_call("beam_search", model, src, max_len)
    check_number("beam_search", "beam_size", beam_size, 1, whole=True)
    check_number("beam_search", "alpha", alpha, 0.0)
    answers = []
    with in_eval_mode(model), no_grad():
        memory, real = model.encode(src), model.real(src)  # (B, S, d_model), (B, S)
        for b in range(src.shape[0]):
            one = slice(b, b + 1)
            best = search(model, memory[one], real[one], beam_size, alpha, limit)
            answers.append(cut_at(model.eos, best.tokens))
    return answers


def search(
    model: Seq2SeqTransformer,
    memory: Tensor,
    real: Tensor,
    beam_size: int,
    alpha: float,
    limit: int,
) -> Hypothesis:
    """The best hypothesis for one source, from its memory (1, S, d_model) and its
    padding mask `real` (1, S)."""
    cache = model.new_cache()
    alive, finished = [Hypothesis([], 0.0)], []
    for _ in range(limit):
        tgt = constant(
            "beam_search", [[model.bos, *h.tokens] for h in alive], memory
        )  # (K, t)
        logits = model.decode(tgt, memory, real, cache)[:, -1]  # (K, vocab_size)
        log_p = exclude_special(model, logits.log_softmax()).tolist()
        extensions = (
            (h.log_p + p, k, token)
            for k, h in enumerate(alive)
            for token, p in enumerate(log_p[k])
            if p > -math.inf
        )
        kept, rows = [], []
        for total, k, token in nlargest(beam_size, extensions, key=itemgetter(0)):
            longer = Hypothesis([*alive[k].tokens, token], total)
            if token == model.eos:
                finished.append(longer)
            else:
                kept.append(longer)
                rows.append(k)
        if finished:  # ln P only falls, so a score is at best today's at full length
            best = max(h.score(alpha) for h in finished)
            hope = max((h.score(alpha, limit) for h in kept), default=-math.inf)
            if hope <= best:
                break
        alive = kept
        cache.select(rows)
    return max(finished or alive, key=partial(Hypothesis.score, alpha=alpha))


def check_call(
    who: str, model: Seq2SeqTransformer, src: Tensor, max_len: int | None
) -> int:
    """Refuses a wrong call; returns the most tokens to write."""
    if not isinstance(model, Seq2SeqTransformer):
        raise TypeError(
            f"{who}: a {type(model).__name__} given; it takes a Seq2SeqTransformer"
        )
    check_tokens(who, "src", src, model.max_len)
    if max_len is None:
        return min(src.shape[1] + 50, model.max_len)
    check_number(who, "max_len", max_len, 1, model.max_len, whole=True)
    return max_len


def exclude_special(model: Seq2SeqTransformer, scores: Tensor) -> Tensor:
    """Scores (B, vocab_size), with -inf for PAD and BOS, which are never written."""
    never = (model.pad, model.bos)
    words = constant(
        "decode", [i not in never for i in range(scores.shape[-1])], scores
    )
    return where(words, scores, -math.inf)


def cut_at(eos: int, tokens: list[int]) -> list[int]:
    """The tokens before the first EOS; all if there is none."""
    return tokens[: tokens.index(eos)] if eos in tokens else tokens
