"""Settings that are neither True nor False, and caches of another kind: refused by the
name of the layer and of the setting. "no" would be true."""

from __future__ import annotations

import pytest

import nn
from nn.transformer.cache import DecoderCache, KeyValueCache, LayerCache
from tinygrad_attn import Tensor, ones

X = ones(1, 2, 4)
NOT = "; it must be True or False"


def attention():
    return nn.MultiHeadAttention(4, 2)


def decoder_layer():
    return nn.TransformerDecoderLayer(4, 2, d_ff=4)


def encoder_layer(**given):
    return nn.TransformerEncoderLayer(4, 2, d_ff=4, **given)


def decoder():
    return nn.TransformerDecoder(decoder_layer(), 1)


@pytest.mark.parametrize(
    ("call", "who", "setting"),
    [
        (lambda: nn.Linear(1, 1, bias="no"), "Linear", "bias"),
        (lambda: nn.LayerNorm(1, bias="no"), "LayerNorm", "bias"),
        (
            lambda: nn.LayerNorm(1, elementwise_affine="no"),
            "LayerNorm",
            "elementwise_affine",
        ),
        (
            lambda: nn.RMSNorm(1, elementwise_affine="no"),
            "RMSNorm",
            "elementwise_affine",
        ),
        (lambda: nn.FeedForward(1, 1, bias="no"), "FeedForward", "bias"),
        (lambda: nn.MultiHeadAttention(4, 2, bias="no"), "MultiHeadAttention", "bias"),
        (lambda: attention()(X, is_causal="no"), "MultiHeadAttention", "is_causal"),
        (
            lambda: attention()(X, need_weights="no"),
            "MultiHeadAttention",
            "need_weights",
        ),
        (
            lambda: encoder_layer(norm_first="no"),
            "TransformerEncoderLayer",
            "norm_first",
        ),
        (lambda: encoder_layer(bias="no"), "TransformerEncoderLayer", "bias"),
        (lambda: nn.Transformer(4, 2, norm_first="no"), "Transformer", "norm_first"),
        (lambda: nn.Transformer(4, 2, final_norm="no"), "Transformer", "final_norm"),
    ],
)
def test_what_is_neither_true_nor_false_is_refused(call, who, setting):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == f"{who}: {setting}='no', a str, given{NOT}"


@pytest.mark.parametrize(
    ("call", "who", "kind"),
    [
        (lambda c: attention()(X, cache=c), "MultiHeadAttention", KeyValueCache),
        (
            lambda c: decoder_layer()(X, X, cache=c),
            "TransformerDecoderLayer",
            LayerCache,
        ),
        (lambda c: decoder()(X, X, cache=c), "TransformerDecoder", DecoderCache),
    ],
)
def test_a_cache_of_another_kind_is_refused(call, who, kind):
    with pytest.raises(TypeError) as caught:
        call(3)
    said = f"{who}: cache of int given; it must be a {kind.__name__} or None"
    assert str(caught.value) == said


def test_a_cache_of_another_memory_is_refused_before_it_grows():
    layer, cache = decoder_layer(), LayerCache()
    layer(X, X, cache=cache)
    with pytest.raises(ValueError, match="^TransformerDecoderLayer: a cache given t"):
        layer(X, X * 2.0, cache=cache)
    assert len(cache) == 2


def test_a_cache_that_other_weights_filled_is_refused():
    cache = KeyValueCache()
    attention()(X, cache=cache)
    with pytest.raises(ValueError, match="^MultiHeadAttention: a cache given that oth"):
        attention()(X, cache=cache)


def test_waves_are_computed_anew_and_not_saved():
    positions = nn.SinusoidalPositions(3, 4)
    assert positions.state_dict() == {}
    assert [name for name, _ in positions.named_buffers()] == ["waves"]
    assert isinstance(positions.waves, Tensor)
