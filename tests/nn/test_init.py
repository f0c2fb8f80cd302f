"""Initial weights: PyTorch's formulas, from the library's seed."""

from __future__ import annotations

import math

import pytest
from conftest import needs_numpy, needs_torch

import nn
from nn import init
from tinygrad_attn import Tensor, manual_seed, ones, use_backend, zeros

N = 120


def weight(*shape):
    return nn.Parameter(zeros(*shape))


@pytest.mark.parametrize(
    ("fill", "bound", "std"),
    [
        (lambda t: init.uniform_(t, -2.0, 2.0), 2.0, 2 / math.sqrt(3)),
        (lambda t: init.normal_(t, 0.0, 0.5), None, 0.5),
        (lambda t: init.xavier_uniform_(t, 2.0), 2 * math.sqrt(6 / (N + 30)), None),
        (lambda t: init.xavier_normal_(t, 2.0), None, 2 * math.sqrt(2 / (N + 30))),
        (init.kaiming_uniform_, math.sqrt(2) * math.sqrt(3 / 30), None),
        (init.kaiming_normal_, None, math.sqrt(2 / 30)),
        (lambda t: init.kaiming_normal_(t, 1.0, "fan_out"), None, math.sqrt(1 / N)),
        (
            lambda t: init.kaiming_normal_(t, nonlinearity="tanh"),
            None,
            5 / 3 / math.sqrt(30),
        ),
    ],
)
def test_the_spread_is_the_formulas(fill, bound, std, backend):
    p = weight(N, 30)
    assert fill(p) is p
    assert p.requires_grad
    assert abs(p.mean().item()) < 0.1
    if bound:
        assert 0.98 * bound < p.abs().max().item() <= bound
    else:
        assert p.std().item() == pytest.approx(std, rel=0.05)


def test_one_seed_gives_one_weight_and_training_is_what_it_was():
    manual_seed(4)
    layer = nn.Linear(9, 3)
    manual_seed(4)
    again = init.uniform_(Tensor(layer.weight), -1 / 3, 1 / 3)
    assert again.tolist() == layer.weight.tolist()
    assert init.constant_(weight(2), 0.5).tolist() == [0.5, 0.5]
    assert init.ones_(Tensor([3, 4])).tolist() == [1, 1]
    assert init.zeros_(ones(2)).tolist() == [0.0, 0.0]


@needs_numpy
def test_a_tensor_is_filled_on_its_own_backend():
    with use_backend("numpy"):
        layer = nn.Linear(3, 2)
    nn.init_xavier(layer)
    assert type(layer.weight.array).__name__ == "ndarray"
    assert init.normal_(layer.weight).dtype == "float32"
    with use_backend("numpy"):
        layer(ones(1, 3)).sum().backward()


@needs_torch
def test_gains_and_fans_are_pytorchs():
    import torch

    for name, param in [
        *[(n, None) for n in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu")],
        ("leaky_relu", None),
        ("leaky_relu", 0.3),
    ]:
        right = torch.nn.init.calculate_gain(name, param)
        assert init.calculate_gain(name, param) == pytest.approx(right)
    t = torch.zeros(5, 3, 2, 2)
    right = torch.nn.init._calculate_fan_in_and_fan_out(t)
    assert init.fans("fans", weight(5, 3, 2, 2)) == right


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda: init.zeros_([1.0]), TypeError, "zeros_: a list given"),
        (
            lambda: init.zeros_(weight(2) * 2.0),
            RuntimeError,
            "zeros_: this tensor is the",
        ),
        (lambda: init.uniform_(weight(2), 1.0, 0.0), ValueError, "uniform_: b=0.0"),
        (lambda: init.normal_(weight(2), std=-1.0), ValueError, "normal_: std=-1.0"),
        (lambda: init.normal_(Tensor([1])), TypeError, "normal_: a tensor of int64"),
        (lambda: init.xavier_uniform_(weight(2)), ValueError, "(2,) given; it must be"),
        (
            lambda: init.kaiming_normal_(weight(2, 2), mode="in"),
            ValueError,
            "mode='in'",
        ),
        (lambda: init.calculate_gain("gelu"), ValueError, "nonlinearity='gelu'"),
        (lambda: nn.init_xavier("a"), TypeError, "init_xavier: a str given"),
        (lambda: nn.Linear(1, 1, bias="no"), TypeError, "Linear: bias='no'"),
        (lambda: nn.LayerNorm(1, bias=0), TypeError, "LayerNorm: bias=0"),
        (lambda: nn.RMSNorm(1, elementwise_affine="no"), TypeError, "='no'"),
        (lambda: nn.FeedForward(1, 1, bias="no"), TypeError, "FeedForward: bias='no'"),
        (lambda: nn.MultiHeadAttention(4, 2, bias="no"), TypeError, "bias='no'"),
        (
            lambda: nn.TransformerEncoderLayer(4, 2, norm_first="no"),
            TypeError,
            "TransformerEncoderLayer: norm_first='no'",
        ),
        (lambda: nn.Transformer(4, 2, final_norm="no"), TypeError, "final_norm='no'"),
        (
            lambda: nn.MultiHeadAttention(4, 2)(ones(1, 2, 4), is_causal="yes"),
            TypeError,
            "MultiHeadAttention: is_causal='yes'",
        ),
        (
            lambda: nn.MultiHeadAttention(4, 2)(ones(1, 2, 4), cache=3),
            TypeError,
            "MultiHeadAttention: cache of int given; it must be a KeyValueCache or",
        ),
        (
            lambda: nn.functional.scaled_dot_product_attention(
                ones(2, 4), ones(2, 4), ones(2, 4), is_causal="yes"
            ),
            TypeError,
            "scaled_dot_product_attention: is_causal='yes'",
        ),
        (lambda: nn.functional.dropout(ones(2), training="no"), TypeError, "='no'"),
        (
            lambda: ones(1, requires_grad=True).sum().backward(retain_graph="no"),
            TypeError,
            "backward: retain_graph='no'",
        ),
    ],
)
def test_a_wrong_call_is_refused_in_one_sentence(wrong, error, said):
    with pytest.raises(error) as caught:
        wrong()
    assert said in str(caught.value)


# --- what each function says, and does by default -------------------------------------

FUNCTIONS = {
    "constant_": lambda t, **given: init.constant_(t, **{"val": 1.0, **given}),
    "zeros_": init.zeros_,
    "ones_": init.ones_,
    "uniform_": init.uniform_,
    "normal_": init.normal_,
    "xavier_uniform_": init.xavier_uniform_,
    "xavier_normal_": init.xavier_normal_,
    "kaiming_uniform_": init.kaiming_uniform_,
    "kaiming_normal_": init.kaiming_normal_,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_leaf_is_refused_under_the_functions_name(name, backend):
    p = weight(3, 2)
    before = p.tolist()
    under = name.replace("xavier_", "").replace("kaiming_", "")
    with pytest.raises(RuntimeError, match=f"^{under}: this tensor is the result of"):
        FUNCTIONS[name](p * 2.0)
    with pytest.raises((TypeError, ValueError), match=f"^{name}: .*str.* given"):
        FUNCTIONS[name]("a")
    assert p.tolist() == before


@pytest.mark.parametrize(
    ("name", "setting", "least"),
    [
        ("constant_", "val", None),
        ("uniform_", "a", None),
        ("uniform_", "b", 0.0),
        ("normal_", "mean", None),
        ("normal_", "std", 0.0),
        ("xavier_uniform_", "gain", 0.0),
        ("xavier_normal_", "gain", 0.0),
    ],
)
def test_a_setting_that_is_no_number_is_refused_by_name(name, setting, least):
    with pytest.raises(TypeError, match=f"^{name}: {setting}='a', a str, given"):
        FUNCTIONS[name](weight(3, 2), **{setting: "a"})
    if least is not None:
        FUNCTIONS[name](weight(3, 2), **{setting: least})
        with pytest.raises(ValueError, match=f"^{name}: {setting}=-0.5 given"):
            FUNCTIONS[name](weight(3, 2), **{setting: -0.5})


def test_one_or_two_numbers_too_few_make_no_matrix():
    for name in ("xavier_uniform_", "xavier_normal_", "kaiming_uniform_"):
        with pytest.raises(ValueError, match=rf"^{name}: \(2,\) given; it must be a"):
            FUNCTIONS[name](weight(2))


def test_the_defaults(backend):
    p = weight(N, 30)
    init.uniform_(p)
    assert (p.min().item() < 0.02, p.max().item() > 0.98) == (True, True)
    assert 0.0 <= p.min().item() < p.max().item() <= 1.0
    init.uniform_(p, 3.0, 5.0)
    assert 3.0 <= p.min().item() < 3.1 < 4.9 < p.max().item() <= 5.0
    init.normal_(p)
    assert abs(p.mean().item()) < 0.1
    assert p.std().item() == pytest.approx(1.0, rel=0.05)
    init.xavier_normal_(p)
    assert p.std().item() == pytest.approx(math.sqrt(2 / (N + 30)), rel=0.05)
    init.xavier_uniform_(p)
    bound = math.sqrt(6 / (N + 30))
    assert 0.98 * bound < p.abs().max().item() <= bound


@needs_numpy
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_tensors_own_backend_and_dtype(name):
    with use_backend("numpy", "float32"):
        p = weight(3, 2)
    FUNCTIONS[name](p)  # while another backend is in use
    assert (p.dtype, type(p.array).__name__) == ("float32", "ndarray")


def test_the_gains():
    for name in ("linear", "conv1d", "conv2d", "conv3d", "sigmoid"):
        assert init.calculate_gain(name) == 1.0
    assert init.calculate_gain("tanh") == 5.0 / 3.0
    assert init.calculate_gain("relu") == math.sqrt(2.0)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2.0 / 1.0001)
    assert init.calculate_gain("leaky_relu", 1.0) == 1.0
    assert init.calculate_gain("selu") == 0.75
    with pytest.raises(TypeError, match="^calculate_gain: param='a', a str, given"):
        init.calculate_gain("leaky_relu", "a")


def test_further_axes_count_for_both_fans(backend):
    """A weight (d_out, d_in, h, w) makes each output of d_in·h·w inputs."""
    p = weight(20, 5, 2, 3)
    for mode, fan in (("fan_in", 5 * 6), ("fan_out", 20 * 6)):
        init.kaiming_uniform_(p, 1.0, mode)  # gain 1
        bound = math.sqrt(3.0 / fan)
        assert 0.9 * bound < p.abs().max().item() <= bound
    for name in ("kaiming_uniform_", "kaiming_normal_"):
        with pytest.raises(ValueError, match=f"^{name}: mode='in' given"):
            FUNCTIONS[name](p, mode="in")
        with pytest.raises(ValueError, match=rf"^{name}: \(3,\) given"):
            FUNCTIONS[name](weight(3))
        with pytest.raises(ValueError, match=f"^{name}: str given"):
            FUNCTIONS[name]("a")


def test_what_whole_numbers_cannot_hold_is_refused(backend):
    for who, call in (
        ("constant_", lambda: init.constant_(Tensor([1, 2]), 0.5)),
        ("fill_", lambda: Tensor([1, 2]).fill_(0.5)),
    ):
        with pytest.raises(TypeError, match=f"^{who}: 0.5 given for a tensor of int64"):
            call()
    for v in (math.nan, math.inf):
        with pytest.raises(TypeError, match="^fill_: .* given for a tensor of int64"):
            Tensor([1, 2]).fill_(v)
    assert init.constant_(Tensor([1, 2]), 3.0).tolist() == [3, 3]
    assert init.zeros_(Tensor([1, 2])).tolist() == [0, 0]
    assert init.ones_(Tensor([3, 2])).tolist() == [1, 1]
    for who, draw in (("uniform_", init.uniform_), ("normal_", init.normal_)):
        with pytest.raises(TypeError, match=f"^{who}: a tensor of int64 given; it mu"):
            draw(Tensor([1, 2]))
    assert Tensor([1, 2]).fill_(3).tolist() == [3, 3]
