"""Modules: what they hold and how they show it, and each layer against its formula."""

from __future__ import annotations

import math

import pytest
from conftest import assert_close, needs_numpy, needs_torch

import nn
from tinygrad_attn import Tensor, functional, manual_seed, ones, ops, randn, use_backend
from tinygrad_attn.functions import attention


class Twice(nn.Module):
    def __init__(self):
        self.first = nn.Linear(3, 3)
        self.blocks = nn.ModuleList([nn.Linear(3, 2, bias=False), nn.LayerNorm(2)])
        self.shared = self.first
        self.note = "no parameter"

    def forward(self, x):
        for block in self.blocks:
            x = block(self.shared(self.first(x)) if x.shape[-1] == 3 else x)
        return x


def test_parameters_have_paths_and_a_shared_one_is_listed_once():
    model = Twice()
    assert [name for name, _ in model.named_parameters()] == [
        "first.weight",
        "first.bias",
        "blocks.0.weight",
        "blocks.1.weight",
        "blocks.1.bias",
    ]
    assert len(list(model.parameters())) == 5
    assert "shared.weight" in model.state_dict()
    once = ["", "first", "blocks", "blocks.0", "blocks.1"]
    assert [name for name, _ in model.named_modules()] == once
    every = model.named_modules(remove_duplicate=False)
    assert [name for name, _ in every] == [*once, "shared"]


def test_train_and_eval_reach_every_module():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    assert all(m.training for m in model.modules())
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert model(ones(100)).tolist() == [1.0] * 100
    model.train()
    assert 0.0 in model(ones(100)).tolist()


def test_zero_grad(any_backend):
    model = nn.Linear(2, 1)
    model(ones(1, 2)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad(set_to_none=False)
    assert [p.grad.tolist() for p in model.parameters()] == [[[0.0, 0.0]], [0.0]]
    with pytest.raises(TypeError, match=r"^Linear\.zero_grad: set_to_none='no'"):
        model.zero_grad(set_to_none="no")
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.zero_grad(set_to_none=False)  # where there is none, none is made
    assert all(p.grad is None for p in model.parameters())


def test_a_list_of_modules_is_refused():
    class Lost(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2)]

    with pytest.raises(TypeError, match=r"Lost\.layers is a list.*ModuleList"):
        list(Lost().parameters())


def test_a_part_of_a_model_is_replaced_by_another_part_or_by_none():
    layer = nn.Linear(2, 2)
    weight, bias = layer.weight, layer.bias
    for wrong in (weight + 1.0, Tensor([1.0]), [weight], 1.0):
        kind = type(wrong).__name__
        said = f"^Linear.weight is a Parameter, and a {kind} given .* no part of the"
        with pytest.raises(TypeError, match=said):
            layer.weight = wrong
        assert layer.weight is weight
    layer.weight = bias
    layer.bias = None
    layer.bias = nn.Dropout(0.5)
    with pytest.raises(TypeError, match=r"^Linear.bias is a Dropout, and a float"):
        layer.bias = 0.5
    layer.note = 1.0
    layer.note = "another"  # no part of the model, before or after
    assert layer.note == "another"
    assert [name for name, _ in layer.named_parameters()] == ["weight"]


def test_a_parameter_moves_by_a_constant_and_is_not_scaled_in_place():
    p = nn.Parameter([1.0])
    for step in ("p *= 2.0", "p /= 2.0"):
        with pytest.raises(RuntimeError, match=r"leaf that .* changed in place"):
            exec(step, {"p": p})
    assert p.tolist() == [1.0]
    for step in ("p += 3.0", "p -= 1.0"):
        exec(step, {"p": p})
    assert p.tolist() == [3.0]


def test_state_dict_and_back(any_backend):
    a, b = Twice(), Twice()
    b.load_state_dict(a.state_dict())
    x = randn(2, 3)
    assert_close(a(x), b(x), 0.0)
    b.load_state_dict({k: v.tolist() for k, v in a.state_dict().items()})
    assert all(p.requires_grad for p in b.parameters())
    b(x).sum().backward()
    assert b.first.weight.grad is not None


@needs_numpy
def test_a_state_dict_moves_between_backends():
    a = nn.Linear(3, 2)
    with use_backend("numpy"):
        b = nn.Linear(3, 2)
        b.load_state_dict(a.state_dict())
        assert b.weight.dtype == "float32"
        b.load_state_dict({k: t.astype("float64") for k, t in b.state_dict().items()})
        assert b.weight.dtype == "float32"
    assert a.weight.tolist() != nn.Linear(3, 2).weight.tolist()
    b.load_state_dict(a.state_dict())  # where other tensors live elsewhere
    assert type(b.weight.array).__name__ == "ndarray"
    a.load_state_dict(b.state_dict())
    assert a.weight.dtype == "float64"
    assert_close(a.weight, b.weight, 1e-7)


def test_load_state_dict_lists_all_that_is_wrong_and_changes_nothing():
    model = nn.Linear(3, 2)
    before = model.weight.tolist()
    state = {"weight": ones(2, 2), "extra": ones(1)}
    with pytest.raises(ValueError, match="Linear") as caught:
        model.load_state_dict(state)
    assert str(caught.value) == (
        "Linear.load_state_dict: missing: bias; unexpected: extra; mis-shaped: weight "
        "(2, 2), must be (2, 3)"
    )
    assert model.weight.tolist() == before
    model.load_state_dict({"bias": ones(2), "extra": ones(1)}, strict=False)
    assert model.bias.tolist() == [1.0, 1.0]


def test_load_state_dict_lists_several_of_each():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    state = {"0.weight": ones(1), "0.bias": ones(1), "a": ones(1), "b": ones(1)}
    with pytest.raises(ValueError, match="missing") as caught:
        model.load_state_dict(state)
    assert str(caught.value) == (
        "Sequential.load_state_dict: missing: 1.weight, 1.bias; unexpected: a, b; "
        "mis-shaped: 0.weight (1,), must be (2, 3), 0.bias (1,), must be (2,)"
    )


def test_a_notebook_shows_the_tree():
    assert "weight 2 × 4,  bias 2" in nn.Linear(4, 2)._repr_html_()


def test_what_lies_inside_the_last_is_indented_by_blanks():
    assert repr(nn.Sequential(nn.Sequential(nn.Softmax()))) == (
        "Sequential()          0\n└─ 0: Sequential()    0\n   └─ 0: Softmax()    0"
    )


def test_the_tree():
    assert repr(nn.Sequential(nn.FeedForward(4, 8), nn.Softmax())) == (
        "Sequential()                                             76\n"
        "├─ 0: FeedForward()                                      76\n"
        "│  ├─ linear1: Linear(4 → 8)   weight (8, 4)  bias (8,)  40\n"
        "│  ├─ linear2: Linear(8 → 4)   weight (4, 8)  bias (4,)  36\n"
        "│  └─ dropout: Dropout(p=0.0)                             0\n"
        "└─ 1: Softmax()                                           0"
    )


def test_the_recorded_tensors_know_their_module():
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    z = model(ones(1, 2))
    assert z._scope.owner is model[1]
    assert z._scope.parent.owner is model
    assert z._scope.parent.parent is None
    assert (z * 2)._scope is None


# --- layers ---------------------------------------------------------------------------


def test_linear_and_softmax_and_embedding(any_backend):
    layer = nn.Linear(3, 2)
    x = randn(4, 5, 3)
    want = x @ layer.weight.T + layer.bias
    assert_close(layer(x), want)
    assert nn.Linear(3, 2)(randn(3)).shape == (2,)
    assert_close(nn.Softmax()(x).sum(axis=-1), ones(4, 5))
    table = nn.Embedding(4, 2)
    rows = table(Tensor([[3, 0]]))
    assert rows.tolist() == [[table.weight[3].tolist(), table.weight[0].tolist()]]


def test_dropout_keeps_the_mean_and_drops_the_share(backend):
    z = nn.Dropout(0.25)(ones(20_000))
    values = set(z.tolist())
    assert values == {0.0, 1.0 / 0.75}
    assert z.mean().item() == pytest.approx(1.0, abs=0.02)


def test_sinusoidal_positions_are_the_papers():
    waves = nn.SinusoidalPositions(50, 6).waves.tolist()
    for t in (0, 1, 49):
        for i in range(3):
            angle = t / 10000 ** (2 * i / 6)
            assert waves[t][2 * i] == pytest.approx(math.sin(angle), abs=1e-12)
            assert waves[t][2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-12)
    zero = nn.SinusoidalPositions(50, 6)(ones(1, 3, 6) * 0.0)
    assert zero[0].tolist() == waves[:3]


def test_feed_forward(any_backend):
    module = nn.FeedForward(4, 8)
    x = randn(3, 4)
    want = module.linear2(functional.relu(module.linear1(x)))
    assert_close(module(x), want, 0.0)


# --- attention ------------------------------------------------------------------------


def test_multi_head_attention_is_that_many_heads_side_by_side(any_backend):
    d_model, heads, d_k = 6, 3, 2
    many = nn.MultiHeadAttention(d_model, heads, bias=False)
    x, memory = randn(2, 4, d_model), randn(2, 5, d_model)
    mask = Tensor([[j <= i + 1 for j in range(5)] for i in range(4)])
    z, weights = many(x, memory, attn_mask=mask, need_weights=True)
    found = []
    for h in range(heads):
        head = nn.AttentionHead(d_model, d_k)
        rows = slice(h * d_k, (h + 1) * d_k)
        for one, all_heads in (
            (head.W_Q, many.q_proj),
            (head.W_K, many.k_proj),
            (head.W_V, many.v_proj),
        ):
            one.assign(all_heads.weight[rows].T.detach())
        blend, head_weights = head(x, memory, mask)
        assert_close(weights[:, h], head_weights)
        found.append(blend)
    assert_close(z, many.out_proj(ops.concat(found, axis=-1)))


def test_weights_add_up_to_one_and_asking_for_them_changes_nothing(any_backend):
    many = nn.MultiHeadAttention(6, 2)
    x = randn(2, 4, 6)
    z, weights = many(x, is_causal=True, need_weights=True)
    assert_close(weights.sum(axis=-1), ones(2, 2, 4))
    assert weights[0, 1, 0].tolist()[1:] == [0.0, 0.0, 0.0]
    folded, none = many(x, is_causal=True)
    assert none is None
    assert_close(z, folded)


def test_masks_of_every_shape_say_the_same(any_backend):
    many = nn.MultiHeadAttention(4, 2)
    x = randn(3, 2, 4)
    rows = [[True, False], [True, True]]
    want, _ = many(x, attn_mask=Tensor(rows))
    for mask in ([rows] * 3, [[rows] * 2] * 3, [[rows]] * 3):
        got, _ = many(x, attn_mask=Tensor(mask))
        assert_close(got, want)


def test_promise_5_a_row_that_may_attend_to_nothing_yields_zeros(any_backend):
    q, k, v = (randn(2, 3, 4, requires_grad=True) for _ in range(3))
    mask = Tensor([[True, True, False], [False] * 3, [True] * 3])
    z, weights = attention.attention_with_weights(q, k, v, mask)
    assert z[:, 1].tolist() == [[0.0] * 4] * 2
    assert weights[:, 1].tolist() == [[0.0] * 3] * 2
    (z * z).sum().backward()
    assert q.grad[:, 1].tolist() == [[0.0] * 4] * 2
    for t in (q, k, v):
        flat = t.grad.reshape(-1).tolist()
        assert not any(math.isnan(g) for g in flat)
        assert any(flat)


def test_all_masked_has_no_gradient_at_all(any_backend):
    q = randn(2, 3, requires_grad=True)
    z = functional.scaled_dot_product_attention(q, q, q, Tensor([[False] * 2] * 2))
    assert z.tolist() == [[0.0] * 3] * 2
    z.sum().backward()
    assert q.grad is None or q.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_layer_reads_like_its_equation(norm_first, any_backend):
    layer = nn.TransformerEncoderLayer(
        4, 2, 8, dropout=0.0, activation="gelu", norm_first=norm_first
    )
    x = randn(2, 3, 4)

    def attend(y):
        return layer.self_attn(y)[0]

    if norm_first:
        y = x + attend(layer.norm1(x))
        want = y + layer.feed_forward(layer.norm2(y))
    else:
        y = layer.norm1(x + attend(x))
        want = layer.norm2(y + layer.feed_forward(y))
    assert_close(layer(x), want)
    same, weights = layer.forward_with_weights(x)
    assert_close(same, want)
    assert weights.shape == (2, 2, 3, 3)


@needs_torch
@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_layer_equals_pytorch(norm_first, backend):
    import torch

    ours = nn.TransformerEncoderLayer(8, 2, 16, 0.0, norm_first=norm_first)
    theirs = torch.nn.TransformerEncoderLayer(
        8, 2, 16, 0.0, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    state = {
        k: torch.tensor(v.tolist(), dtype=torch.float64)
        for k, v in ours.state_dict().items()
    }
    q, k, v = ("self_attn." + name for name in ("q_proj", "k_proj", "v_proj"))
    renamed = {
        f"self_attn.in_proj_{kind}": torch.cat(
            [state.pop(f"{name}.{kind}") for name in (q, k, v)]
        )
        for kind in ("weight", "bias")
    }
    renamed |= {name.replace("feed_forward.", ""): t for name, t in state.items()}
    theirs.load_state_dict(renamed)
    x = randn(2, 5, 8, requires_grad=True)
    their_x = torch.tensor(x.tolist(), dtype=torch.float64, requires_grad=True)
    z, want = ours(x), theirs(their_x)
    assert_close(z, want)
    weights = randn(2, 5, 8)
    (z * weights).sum().backward()
    (want * torch.tensor(weights.tolist(), dtype=torch.float64)).sum().backward()
    assert_close(x.grad, their_x.grad)
    assert_close(ours.norm1.weight.grad, theirs.norm1.weight.grad)
    assert_close(ours.feed_forward.linear1.weight.grad, theirs.linear1.weight.grad)
    by_ours = [
        row
        for name in ("q_proj", "k_proj", "v_proj")
        for row in getattr(ours.self_attn, name).weight.grad.tolist()
    ]
    assert_close(by_ours, theirs.self_attn.in_proj_weight.grad)


def test_the_same_seed_gives_the_same_layer():
    manual_seed(4)
    a = nn.TransformerEncoderLayer(4, 2, 8)
    manual_seed(4)
    b = nn.TransformerEncoderLayer(4, 2, 8)
    for (_, p), (_, q) in zip(a.named_parameters(), b.named_parameters()):
        assert p.tolist() == q.tolist()
