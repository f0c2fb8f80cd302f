"""The proof of the idea: one computation, three kinds of numbers, the same gradients.

On the scalar backend the gradient comes from `scalar.Value` alone: the rules' vjps
raise there. So its agreement with the other two is no agreement of a rule with itself.
"""

from __future__ import annotations

import pytest
from conftest import assert_close, needs_numpy
from rule_cases import ALL_OPS

import nn
from tinygrad_attn import Tensor, manual_seed, randn, use_backend
from tinygrad_attn.functional import causal_mask, cross_entropy


def head():
    """One attention head, with a row that may attend to nothing."""
    module = nn.AttentionHead(6, 3, 2)
    mask = [[True, False, True, True], [False] * 4, [True, True, False, False]]
    z, weights = module(randn(2, 3, 6), randn(2, 4, 6), Tensor(mask))
    return module, (z * randn(*z.shape)).sum() + (weights * weights).sum()


def heads():
    """Multi-head attention, masked, with dropout on its weights."""
    module = nn.MultiHeadAttention(6, 3, dropout=0.3)
    z, _ = module(randn(2, 4, 6), attn_mask=causal_mask(4))
    return module, (z * randn(*z.shape)).sum()


def heads_with_weights():
    """The same with the weights asked for, which opens the composite."""
    module = nn.MultiHeadAttention(6, 2, dropout=0.3)
    z, weights = module(randn(2, 4, 6), randn(2, 3, 6), need_weights=True)
    return module, (z * randn(*z.shape)).sum() + (weights**2).sum()


class Model(nn.Module):
    def __init__(self, norm_first):
        self.tokens = nn.Embedding(5, 6)
        self.positions = nn.LearnedPositions(4, 6)
        self.dropout = nn.Dropout(0.2)
        self.layer = nn.TransformerEncoderLayer(
            6, 2, 8, dropout=0.25, activation="gelu", norm_first=norm_first
        )
        self.norm = nn.LayerNorm(6)
        self.out = nn.Linear(6, 5)

    def forward(self, tokens, mask):
        x = self.dropout(self.positions(self.tokens(tokens)))
        return self.out(self.norm(self.layer(x, mask)))


def model(norm_first=True):
    """The whole small model: embeddings, layer, norm, masks, dropout, loss."""
    module = Model(norm_first)
    tokens = [[0, 3, 1, 3], [4, 4, 2, 0]]
    may_attend = [[[True] * 4] * 4, [[j < 3 for j in range(4)]] * 3 + [[False] * 4]]
    logits = module(Tensor(tokens), Tensor(may_attend))
    loss = cross_entropy(logits.reshape(8, 5), Tensor(tokens).reshape(8))
    return module, loss


def post_norm_model():
    return model(norm_first=False)


def run(build, backend):
    with use_backend(backend, "float64"):
        manual_seed(11)
        module, loss = build()
        loss.backward()
        gradients = {name: p.grad for name, p in module.named_parameters()}
        assert all(g is not None for g in gradients.values())
        return loss.item(), {name: g.tolist() for name, g in gradients.items()}


def refuse(*args, **kwargs):
    raise AssertionError("a vjp was called on the scalar backend")


@needs_numpy
@pytest.mark.parametrize(
    "build", [head, heads, heads_with_weights, model, post_norm_model]
)
def test_every_gradient_is_the_same_in_every_namespace(build, monkeypatch):
    python, numpy = run(build, "python"), run(build, "numpy")
    for op in ALL_OPS:
        if op.vjp is not None:
            monkeypatch.setattr(op, "vjp", refuse)
    scalar = run(build, "scalar")
    for other in (numpy, scalar):
        assert abs(other[0] - python[0]) <= 1e-12
        for name, want in python[1].items():
            assert_close(other[1][name], want, 1e-12)


def test_the_vjps_can_raise(monkeypatch):
    """The proof above would notice a vjp: elsewhere than on scalars one is called."""
    for op in ALL_OPS:
        if op.vjp is not None:
            monkeypatch.setattr(op, "vjp", refuse)
    with pytest.raises(AssertionError, match="a vjp was called"):
        run(head, "python")
