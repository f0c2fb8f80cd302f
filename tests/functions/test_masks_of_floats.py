"""Masks of floats: added to the energies, with a gradient where one is asked for."""

from __future__ import annotations

import math

import pytest
from conftest import assert_close, flatten, needs_numpy, needs_torch

import nn
from nn.transformer.cache import KeyValueCache
from tinygrad_attn import Tensor, compile, gradcheck, randn, record, unfold
from tinygrad_attn.functional import scaled_dot_product_attention as attention
from tinygrad_attn.functional import softmax

INF = math.inf
BIAS = [[0.5, -1.0, 2.0], [0.0, -INF, 1.0]]


def inputs(*shape, count=3):
    return [randn(*shape, requires_grad=True) for _ in range(count)]


def test_it_is_added_to_the_energies(any_backend):
    q, k, v = inputs(2, 2, 4, count=1) + inputs(2, 3, 4, count=2)
    bias = Tensor([[0.5, -1.0, 2.0], [0.0, 3.0, 1.0]], requires_grad=True)
    z = attention(q, k, v, bias)
    want = softmax(q @ k.mT / 2.0 + bias) @ v
    assert_close(z, want)
    z.sum().backward()
    got = bias.grad.tolist()
    bias.grad = None
    want.sum().backward()
    assert_close(bias.grad, got)


def test_minus_infinity_hides_a_key_and_has_no_gradient(any_backend):
    q, k, v = inputs(1, 4, count=1) + inputs(3, 4, count=2)
    bias = Tensor(BIAS[1:], requires_grad=True)
    z = attention(q, k, v, bias)
    assert_close(z, attention(q, k[::2], v[::2], Tensor([[0.0, 1.0]])))
    (z * z).sum().backward()
    assert bias.grad.tolist()[0][1] == 0.0
    assert v.grad.tolist()[1] == [0.0] * 4
    assert all(map(math.isfinite, flatten(bias.grad.tolist())))


def test_a_row_that_sees_nothing_yields_zeros(any_backend):
    q, k, v = inputs(2, 4, count=1) + inputs(3, 4, count=2)
    bias = Tensor([[-INF] * 3, [0.0, 1.0, -INF]], requires_grad=True)
    z = attention(q, k, v, bias)
    assert z.tolist()[0] == [0.0] * 4
    z.sum().backward()
    for t in (q, k, v, bias):
        assert all(map(math.isfinite, flatten(t.grad.tolist())))
    assert bias.grad.tolist()[0] == [0.0] * 3


def test_beside_a_causal_mask_a_scale_and_dropout(any_backend):
    q, k, v = inputs(3, 4)
    bias = randn(3, 3)
    z = attention(q, k, v, bias, is_causal=True, scale=0.3)
    masked = Tensor([[0.0, -INF, -INF], [0.0, 0.0, -INF], [0.0, 0.0, 0.0]])
    assert_close(z, softmax(q @ k.mT * 0.3 + bias + masked) @ v)
    dropped = attention(q, k, v, bias, dropout_p=0.999999)
    assert_close(dropped, [[0.0] * 4] * 3)


def test_gradients_of_every_order(backend):
    q, k, v = inputs(2, 3)
    bias = randn(2, 2, requires_grad=True)
    assert gradcheck(attention, (q, k, v, bias))


def heads():
    layer = nn.MultiHeadAttention(4, 2)
    return layer, randn(2, 3, 4)


def test_in_heads_of_every_shape_and_beside_padding(any_backend):
    layer, x = heads()
    real = Tensor([[True, True, True], [True, True, False]])
    for shape in ((3, 3), (2, 3, 3), (2, 2, 3, 3), (1, 3)):
        bias = randn(*shape, requires_grad=True)
        z, weights = layer(x, attn_mask=bias, key_padding_mask=real, need_weights=True)
        assert weights.tolist()[1][0][0][2] == 0.0
        z.sum().backward()
        assert bias.grad.shape == shape
        assert_close(z, layer(x, attn_mask=bias, key_padding_mask=real)[0])


def test_as_a_boolean_mask_says_it(any_backend):
    layer, x = heads()
    mask = Tensor([[True, False, True], [True, True, False], [False, False, False]])
    added = Tensor([[0.0 if may else -INF for may in row] for row in mask.tolist()])
    assert_close(layer(x, attn_mask=added)[0], layer(x, attn_mask=mask)[0])


def test_with_a_cache(any_backend):
    layer, x = heads()
    bias = randn(3, 3)
    want = layer(x, attn_mask=bias, is_causal=True)[0]
    cache = KeyValueCache()
    for t in range(3):
        step = x[:, t : t + 1]
        row = bias[t : t + 1, : t + 1]
        z, _ = layer(step, attn_mask=row, is_causal=True, cache=cache)
        assert_close(z, want[:, t : t + 1])


def test_it_is_drawn_cut_into_heads_and_written_down(any_backend):
    layer, x = heads()
    bias = randn(3, 3, requires_grad=True)
    with record():
        loss = layer(x, attn_mask=bias)[0].sum()
    assert len(unfold(loss, "primitive")) > 5
    assert len(unfold(loss, "op", head=(layer, 1))) > 5


@needs_numpy
def test_as_a_program(on_numpy):
    layer, x = heads()
    bias = randn(3, 3)

    def step(x, bias):
        return layer(x, attn_mask=bias)[0].sum()

    written = compile(step)
    assert_close(written(x, bias)[0], step(x, bias))
    assert_close(written(x, bias * 2.0)[0], step(x, bias * 2.0))


@needs_torch
def test_pytorch_agrees(on_numpy):
    import torch

    q, k, v = inputs(2, 2, 4, count=1) + inputs(2, 3, 4, count=2)
    bias = Tensor(BIAS, requires_grad=True)
    (attention(q, k, v, bias) ** 2).sum().backward()
    theirs = [torch.tensor(t.tolist(), dtype=torch.float64) for t in (q, k, v, bias)]
    for t in theirs:
        t.requires_grad_()
    z = torch.nn.functional.scaled_dot_product_attention(*theirs)
    (z**2).sum().backward()
    for ours, other in zip((q, k, v, bias), theirs):
        assert_close(ours.grad, other.grad.nan_to_num().tolist())


def test_whole_numbers_are_no_mask(backend):
    layer, x = heads()
    for call in (
        lambda m: layer(x, attn_mask=m),
        lambda m: attention(x, x, x, m),
    ):
        with pytest.raises(TypeError, match=r"int64 given; .* or of floats, which are"):
            call(Tensor([[1, 0, 1]] * 3))
