"""MultiHeadAttention: its masks, its widths, what it refuses, and PyTorch's twin."""

from __future__ import annotations

import pytest
from conftest import assert_close, needs_numpy, needs_torch
from torch_peers import compare, give_weights, masked_out, torch_of

import nn
from nn.transformer.cache import KeyValueCache
from tinygrad_attn import Tensor, concat, manual_seed, ones, randn, use_backend

B, H, T, S, D = 2, 2, 3, 4, 6


def some_mask(*shape):
    """Random, but every query may attend to key 0."""
    mask = (randn(*shape) > 0).tolist()

    def first(rows):
        if isinstance(rows[0], list):
            return [first(row) for row in rows]
        return [True, *rows[1:]]

    return Tensor(first(mask))


def padding():
    """Keys of two sequences, 4 and 2 long."""
    return nn.padding_mask(Tensor([[5, 6, 7, 8], [5, 6, 0, 0]]))


# --- masks ----------------------------------------------------------------------------


def test_promise_3_true_means_may_attend_in_every_mask(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x = randn(1, 2, D)
    only_0 = {"attn_mask": Tensor([[True, False]] * 2)}
    for masks in (only_0, {"key_padding_mask": Tensor([[True, False]])}):
        _, weights = layer(x, need_weights=True, **masks)
        assert weights[0, 0].tolist() == [[1.0, 0.0]] * 2
    _, weights = layer(x, attn_mask=nn.causal_mask(2), need_weights=True)
    assert weights[0, 0, 0].tolist() == [1.0, 0.0]
    assert weights[0, 0, 1, 1].item() > 0.0


def test_a_padding_mask_is_that_attn_mask_for_every_head_and_query(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x, memory = randn(B, T, D), randn(B, S, D)
    z, weights = layer(x, memory, key_padding_mask=padding(), need_weights=True)
    spread = Tensor([[[row] * T] * H for row in padding().tolist()])  # (B, H, T, S)
    want, same = layer(x, memory, attn_mask=spread, need_weights=True)
    assert_close(z, want, 0.0)
    assert_close(weights, same, 0.0)
    assert weights[1, :, :, 2:].tolist() == [[[0.0, 0.0]] * T] * H
    free, _ = layer(x, memory)
    assert max(map(abs, (z - free)[1].reshape(-1).tolist())) > 1e-3


def test_a_size_of_1_in_a_mask_stands_for_all(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x = randn(B, T, D)
    first = Tensor([[True, False, False]])
    for masks in (
        {"key_padding_mask": first},
        {"attn_mask": first},
        {"attn_mask": first.reshape(1, 1, 1, T)},
    ):
        _, weights = layer(x, need_weights=True, **masks)
        assert weights.tolist() == [[[[1.0, 0.0, 0.0]] * T] * H] * B
    nobody = Tensor([[True], [False]])
    _, weights = layer(x, need_weights=True, key_padding_mask=nobody)
    assert_close(weights.sum(axis=-1), [[[1.0] * T] * H, [[0.0] * T] * H])


def test_of_two_masks_both_must_allow(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x = randn(B, S, D)
    real = padding()
    _, weights = layer(x, is_causal=True, key_padding_mask=real, need_weights=True)
    for b in range(B):
        for t in range(S):
            for s in range(S):
                allowed = s <= t and real[b, s].item()
                assert (weights[b, 0, t, s].item() > 0) == allowed


def test_a_padding_mask_of_a_single_sequence(any_backend):
    layer = nn.MultiHeadAttention(D, H)
    x = randn(S, D)
    real = padding()[1]
    z, weights = layer(x, key_padding_mask=real, need_weights=True)
    want, _ = layer(x.reshape(1, S, D), key_padding_mask=real.reshape(1, S))
    assert_close(z, want[0])
    assert weights.shape == (H, S, S)
    mask = some_mask(H, S, S)
    got, _ = layer(x, attn_mask=mask)
    want, _ = layer(x.reshape(1, S, D), attn_mask=mask.reshape(1, H, S, S))
    assert_close(got, want[0])


def test_promise_5_a_sequence_of_padding_alone_yields_zeros(any_backend):
    layer = nn.MultiHeadAttention(D, H, bias=False)
    x = randn(B, T, D, requires_grad=True)
    real = Tensor([[True] * T, [False] * T])
    z, weights = layer(x, key_padding_mask=real, need_weights=True)
    assert z[1].tolist() == [[0.0] * D] * T
    assert weights[1].tolist() == [[[0.0] * T] * T] * H
    (z * z).sum().backward()
    assert x.grad[1].tolist() == [[0.0] * D] * T
    assert all(p.grad is not None for p in layer.parameters())


def test_causal_counts_queries_and_keys_from_the_same_first_position(any_backend):
    _, weights = nn.MultiHeadAttention(4, 2)(
        randn(1, 3, 4), randn(1, 5, 4), is_causal=True, need_weights=True
    )
    for head in weights[0].tolist():
        seen = [[j for j, w in enumerate(row) if w > 0.0] for row in head]
        assert seen == [[0], [0, 1], [0, 1, 2]]


@pytest.mark.parametrize("batch", [(), (2,)])
def test_with_a_cache_the_queries_have_the_last_positions(batch, any_backend):
    layer, x = nn.MultiHeadAttention(4, 2), randn(*batch, 7, 4)
    want, _ = layer(x, is_causal=True)
    cache = KeyValueCache()
    parts = [
        layer(x[..., start:stop, :], is_causal=True, cache=cache)[0]
        for start, stop in ((0, 3), (3, 4), (4, 7))
    ]
    assert_close(concat(parts, axis=-2), want)


def test_weights_are_dropped_in_training_only(any_backend):
    layer, x = nn.MultiHeadAttention(4, 2, dropout=0.5), randn(1, 6, 4)
    first, second = layer(x)[0], layer(x)[0]
    assert first.tolist() != second.tolist()
    layer.eval()
    plain = nn.MultiHeadAttention(4, 2)
    plain.load_state_dict(layer.state_dict())
    assert layer(x)[0].tolist() == plain(x)[0].tolist()


def test_other_widths_of_key_and_value(any_backend):
    layer = nn.MultiHeadAttention(D, H, kdim=5, vdim=3)
    z, _ = layer(randn(B, T, D), randn(B, S, 5), randn(B, S, 3))
    assert z.shape == (B, T, D)
    assert layer.k_proj.weight.shape == (D, 5)
    assert layer.v_proj.weight.shape == (D, 3)
    with pytest.raises(ValueError, match=r"value of \(2, 4, 5\) given; .*T, 3\)"):
        layer(randn(B, T, D), randn(B, S, 5))


SHAPES = "(T, S) = (3, 4) or (B, T, S) = (2, 3, 4) or (B, H, T, S) = (2, 2, 3, 4)"


@pytest.mark.parametrize(
    ("name", "mask", "kind", "said"),
    [
        ("attn_mask", (4, 3), ValueError, f"must be {SHAPES}"),
        ("attn_mask", (3, 3, 4), ValueError, f"must be {SHAPES}"),
        ("attn_mask", (2, 3, 3, 4), ValueError, f"must be {SHAPES}"),
        ("attn_mask", (4,), ValueError, f"must be {SHAPES}"),
        (
            "attn_mask",
            (2, 4),
            ValueError,
            f"(2, 4) given; it must be {SHAPES}; one flag for each key is a "
            "key_padding_mask",
        ),
        ("key_padding_mask", (2, 3), ValueError, "it must be (B, S) = (2, 4)"),
        ("key_padding_mask", (4,), ValueError, "it must be (B, S) = (2, 4)"),
        ("key_padding_mask", (2, 1, 4), ValueError, "it must be (B, S) = (2, 4)"),
        ("attn_mask", "int64", TypeError, "attn_mask of int64 given"),
        ("key_padding_mask", "float64", TypeError, "key_padding_mask of float64 given"),
        ("key_padding_mask", None, TypeError, "key_padding_mask of list given"),
    ],
)
def test_a_wrong_mask_is_answered_in_one_line(name, mask, kind, said):
    if isinstance(mask, str):
        mask = ones(T, S, dtype=mask)
    elif mask is None:
        mask = [[True] * S] * B
    else:
        mask = ones(*mask, dtype="bool")
    with pytest.raises(kind) as caught:
        nn.MultiHeadAttention(D, H)(randn(B, T, D), randn(B, S, D), **{name: mask})
    text = str(caught.value)
    assert text.startswith("MultiHeadAttention: ")
    assert said in text
    assert "\n" not in text


def test_padding_mask_takes_tokens():
    assert padding().tolist() == [[True] * 4, [True, True, False, False]]
    assert nn.padding_mask(Tensor([[1, 9]]), pad=9).tolist() == [[True, False]]
    with pytest.raises(TypeError, match="padding_mask: tokens of float64 given"):
        nn.padding_mask(ones(2, 3))


# --- PyTorch --------------------------------------------------------------------------

MASKS = {
    "none": lambda: {},
    "(T, S)": lambda: {"attn_mask": some_mask(T, S)},
    "(B, T, S)": lambda: {"attn_mask": some_mask(B, T, S)},
    "(B, H, T, S)": lambda: {"attn_mask": some_mask(B, H, T, S)},
    "padding": lambda: {"key_padding_mask": padding()},
    "both": lambda: {"attn_mask": some_mask(T, S), "key_padding_mask": padding()},
}
WIDTHS = {
    "same": {},
    "other": {"kdim": 5, "vdim": 3},
    "no bias": {"bias": False},
    "other, no bias": {"kdim": 5, "vdim": 3, "bias": False},
}


def theirs_of(masks):
    """Our masks in PyTorch's shape and polarity."""
    masks = {name: masked_out(mask) for name, mask in masks.items()}
    mask = masks.get("attn_mask")
    if mask is not None and mask.ndim == 3:  # (B, T, S): once for each head
        masks["attn_mask"] = mask.repeat_interleave(H, dim=0)
    if mask is not None and mask.ndim == 4:
        masks["attn_mask"] = mask.flatten(0, 1)
    return masks


@needs_torch
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("masks", MASKS)
def test_it_equals_pytorch(masks, widths, mode, backend):
    import torch

    dropout = 0.5 if mode == "eval" else 0.0
    settings = WIDTHS[widths]
    ours = nn.MultiHeadAttention(D, H, dropout, **settings)
    theirs = torch.nn.MultiheadAttention(D, H, dropout, batch_first=True, **settings)
    give_weights(theirs, ours)
    ours.train(mode == "train")
    theirs.train(mode == "train")
    given = MASKS[masks]()
    kdim, vdim = settings.get("kdim", D), settings.get("vdim", D)
    inputs = randn(B, T, D), randn(B, S, kdim), randn(B, S, vdim)
    expected = {}

    def run_theirs(module, q, k, v):
        z, weights = module(q, k, v, average_attn_weights=False, **theirs_of(given))
        expected["weights"] = weights
        return z

    compare(ours, theirs, inputs, lambda m, q, k, v: m(q, k, v, **given)[0], run_theirs)
    _, weights = ours(*inputs, need_weights=True, **given)
    assert_close(weights, expected["weights"], 1e-10)


@needs_torch
@needs_numpy
def test_it_equals_pytorch_in_float32():
    import torch

    with use_backend("numpy", "float32"):
        manual_seed(0)
        ours = nn.MultiHeadAttention(D, H)
        theirs = torch.nn.MultiheadAttention(D, H, batch_first=True)
        give_weights(theirs, ours, "float32")
        compare(
            ours,
            theirs,
            (randn(B, T, D),),
            lambda m, x: m(x)[0],
            lambda m, x: m(x, x, x)[0],
            "float32",
        )


@needs_torch
@pytest.mark.parametrize("widths", WIDTHS)
def test_weights_come_from_pytorch_and_go_back(widths, any_backend):
    import torch

    settings = WIDTHS[widths]
    theirs = torch.nn.MultiheadAttention(D, H, batch_first=True, **settings).double()
    ours = nn.MultiHeadAttention(D, H, **settings)
    ours.load_state_dict(nn.from_torch(theirs.state_dict()))
    back = nn.to_torch(ours.state_dict())
    assert set(back) == set(theirs.state_dict())
    for path, numbers in theirs.state_dict().items():
        assert back[path].tolist() == numbers.tolist()
    x = randn(B, T, D)
    k = randn(B, S, settings.get("kdim", D))
    v = randn(B, S, settings.get("vdim", D))
    want, _ = theirs(*map(torch_of, (x, k, v)))
    assert_close(ours(x, k, v)[0], want, 1e-10)


def test_what_pytorch_has_and_we_do_not_is_said():
    with pytest.raises(ValueError, match=r"attn\.bias_k given; .*add_bias_kv=False"):
        nn.from_torch({"attn.bias_k": [[1.0]]})
    with pytest.raises(ValueError, match=r"in_proj_weight of shape \(4, 1\) given"):
        nn.from_torch({"in_proj_weight": [[1.0]] * 4})
    with pytest.raises(ValueError, match=r"a\.q_proj\.bias given without a\.k_proj"):
        nn.to_torch({"a.q_proj.bias": Tensor([1.0])})
    for convert in (nn.from_torch, nn.to_torch):
        with pytest.raises(TypeError, match="list given; it must be a state_dict"):
            convert([])


@needs_numpy
@needs_torch
@pytest.mark.parametrize("shape", [(T, T), (B * H, T, T)])
def test_a_mask_of_floats_is_added_as_pytorch_adds_it(shape, on_numpy):
    """Its gradient, that of the input and those of the weights too."""
    import torch

    hidden = Tensor([0.0, -1e9, 0.0])
    for mask in (randn(*shape), randn(*shape) + hidden):
        ours = nn.MultiHeadAttention(D, H)
        theirs = torch.nn.MultiheadAttention(D, H, batch_first=True)
        give_weights(theirs, ours)

        def run_ours(layer, x, bias):
            bias = bias if bias.ndim == 2 else bias.reshape(B, H, T, T)
            return layer(x, attn_mask=bias)[0]

        def run_theirs(layer, x, bias):
            return layer(x, x, x, attn_mask=bias, need_weights=False)[0]

        compare(ours, theirs, [randn(B, T, D), mask], run_ours, run_theirs)


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        ([1.0], TypeError, "x of list given"),
        (Tensor(1.0), ValueError, r"x of \(\) given"),
        (Tensor([1.0, 2.0]), ValueError, r"x of \(2,\) given"),
    ],
)
def test_what_has_no_heads_is_refused(x, error, says):
    attention = nn.MultiHeadAttention(4, 2)
    with pytest.raises(error, match=rf"split_heads: {says}; .* \(\.\.\., T, d_model\)"):
        attention.split_heads(x)
    with pytest.raises(error, match=rf"join_heads: {says}; .* \(\.\.\., H, T, d_k\)"):
        attention.join_heads(x)
