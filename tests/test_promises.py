"""What users of this field suffer from, and what is promised them: a test for each.

The numbers are those of the project's list of promises. Where a promise is proved in
another file, the test here is its shortest example.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings

import pytest
from conftest import ROOT, assert_close, needs_numpy, needs_torch
from rule_cases import ALL_OPS, CASES

import nn
from examples import lesson_topological_order, translation
from tinygrad_attn import (
    Tensor,
    Value,
    concat,
    debug,
    draw,
    draw_attention,
    functional,
    grad,
    manual_seed,
    ones,
    ops,
    play,
    randn,
    record,
    unfold,
    where,
    zeros,
)
from tinygrad_attn.functions import attention
from tinygrad_attn.pictures.writing import graphviz


def leaf(*values):
    return Tensor(list(values), requires_grad=True)


def test_promise_1_without_dot_pictures_and_pages_come_out(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)
    picture = draw(loss, layout="dot")
    assert picture.dot.startswith("digraph")
    assert "<svg" in picture.save(tmp_path / "x.svg").read_text()
    assert "install graphviz" in picture.note
    with pytest.warns(UserWarning, match="needs Graphviz; .* is missing"):
        picture.save(tmp_path / "x.png")
    assert "</html>" in play(loss, tmp_path / "x.html")


def test_promise_2_repeats_fold_and_what_is_too_large_is_refused():
    model = nn.Sequential(*(nn.TransformerEncoderLayer(4, 1, d_ff=4) for _ in range(4)))
    loss = model(randn(1, 2, 4)).sum()
    sheet = draw(loss, "module").sheet
    assert any(frame.label.endswith("× 4") for frame in sheet.frames)
    with pytest.raises(ValueError, match=r"more than 50 cannot be read; give a head"):
        draw(loss, limit=50, fold=False)
    assert sum(not card.again for card in draw(loss, limit=50).sheet.cards) <= 50
    with pytest.raises(ValueError, match=r"more than 2 cannot be read; give a head"):
        draw(loss, limit=2)  # with all modules closed there are 3


def test_promise_2_a_level_a_head_a_focus_and_a_refusal_with_the_size():
    layer = nn.MultiHeadAttention(8, 2)
    z, _ = layer(randn(2, 4, 8))
    loss = (z * z).sum()
    sizes = [len(unfold(loss, level)) for level in ("module", "op", "primitive")]
    assert sizes == sorted(sizes)
    head = unfold(loss, "scalar", head=(layer, 0))
    assert len(head) < len(unfold(loss, "scalar")) / 4
    assert len(unfold(loss, "scalar", head=(layer, 0), focus="weights[1,0]")) < len(
        head
    )
    with pytest.raises(ValueError, match=r"about [\d,]+ single numbers.*coarser level"):
        unfold(loss, "scalar", limit=1000)


def test_promise_3_true_may_be_attended_to_everywhere():
    layer, x = nn.MultiHeadAttention(4, 2), randn(1, 3, 4)
    only_first = Tensor([[True, False, False]] * 3)
    padding = Tensor([[True, False, False]])
    for settings in {"attn_mask": only_first}, {"key_padding_mask": padding}:
        _, weights = layer(x, need_weights=True, **settings)
        assert weights.tolist() == [[[[1.0, 0.0, 0.0]] * 3] * 2]
    assert nn.causal_mask(2).tolist() == [[True, False], [True, True]]
    assert nn.padding_mask(Tensor([[5, nn.PAD]])).tolist() == [[True, False]]


def test_promise_4_an_operation_without_a_check_fails_the_suite():
    checked = {case.op.name for case in CASES}
    assert {op.name for op in ALL_OPS} == checked


def test_promise_4_training_says_which_parameters_received_no_gradient(any_backend):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    with pytest.raises(RuntimeError, match=r"after backward\(\)"):
        nn.without_gradient(model)
    model[1](model[0](ones(1, 2)).detach()).sum().backward()
    assert nn.without_gradient(model) == ["0.weight", "0.bias"]
    said = r"2 of 4 parameters received no gradient.*: 0\.weight, 0\.bias; .* detach"
    with pytest.warns(UserWarning, match=said):
        nn.warn_without_gradient(model)


def test_promise_5_a_fully_masked_row_is_zero_not_nan(any_backend):
    q, k, v = (randn(3, 4, requires_grad=True) for _ in range(3))
    mask = Tensor([[True, True, False], [False] * 3, [True] * 3])
    z, weights = attention.attention_with_weights(q, k, v, mask)
    assert z[1].tolist() == [0.0] * 4
    assert weights[1].tolist() == [0.0] * 3
    (z * z).sum().backward()
    assert q.grad[1].tolist() == [0.0] * 4
    numbers = [g for t in (q, k, v) for row in t.grad.tolist() for g in row]
    assert all(math.isfinite(g) for g in numbers)


def test_promise_6_the_weights_of_every_head_from_the_real_forward():
    model = nn.Seq2SeqTransformer(9, 4, 2, 1, 1, d_ff=4)
    maps = nn.attention_maps(model, Tensor([[3, 4, 5]]), Tensor([[nn.BOS, 5]]))
    assert [w.shape for w in maps.values()] == [
        (1, 2, 3, 3),
        (1, 2, 2, 2),
        (1, 2, 2, 3),
    ]


def test_promise_7_why_the_order_is_topological():
    """examples/lesson_topological_order.py tells it; here are its numbers."""
    a = Value(3.0)
    b = a + a
    c = b + b
    wrong, right = {c: 1.0}, {c: 1.0}
    list(lesson_topological_order.hand_on_all(c, wrong))
    list(lesson_topological_order.in_order(c, right))
    c.backward()
    assert (wrong[a], right[a], a.grad) == (6.0, 4.0, 4.0)


def test_promise_8_a_second_backward_gives_no_wrong_number(any_backend):
    x = leaf(3.0)
    y = (x * x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    assert x.grad.tolist() == [27.0]
    v = Value(3.0)
    square = v * v
    cube = square * v
    cube.backward()
    cube.backward()
    assert (square.grad, v.grad) == (3.0, 54.0)  # what lies between starts anew


def test_promise_9_a_graph_of_100_000_steps(backend):
    """On single numbers the graph is Values: test_order_and_depth in test_scalar.py."""
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0]


def test_promise_9_drawing_does_not_recurse():
    y = leaf(1.0)
    for _ in range(1_500):
        y = y * 1.0
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        picture = draw(y.sum(), grads=False, fold=False)
        assert picture.svg.count("</g>") > 1_500


def test_promise_10_the_decoder_is_shifted_once_and_the_alignment_is_printed(capsys):
    labels = Tensor([[5, 6, nn.EOS, nn.PAD]])
    assert nn.shift_right(labels).tolist() == [[nn.BOS, 5, 6, nn.EOS]]
    letters = translation.Letters("ab")
    translation.show_alignment(letters, ("ab", "ba"))
    shown = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert shown == [["given", "BOS", "b", "a"], ["to", "write", "b", "a", "EOS"]]


def test_promise_11_anybody_can_test_that_a_model_is_causal():
    model = nn.Seq2SeqTransformer(9, 4, 1, 1, 1, d_ff=4)
    nn.testing.assert_causal(model)
    nn.testing.assert_padding_invariant(model)

    class Leaky(nn.Module):
        def forward(self, x):
            return x + x.mean(axis=1, keepdims=True)

    with pytest.raises(AssertionError):
        nn.testing.assert_causal(Leaky(), randn(1, 4, 2))


@pytest.mark.parametrize("norm_first", [False, True])
def test_promise_12_norm_before_or_after(norm_first):
    manual_seed(0)
    assert nn.TransformerEncoderLayer(4, 1, d_ff=4).norm_first is False  # the paper
    model = nn.Seq2SeqTransformer(9, 8, 2, 1, 1, d_ff=8, norm_first=norm_first)
    optimizer = nn.optim.Adam(model.parameters(), 0.01)
    src, labels = Tensor([[3, 4, 5]]), Tensor([[5, 4, 3, nn.EOS]])
    model.eval()
    losses = []
    for _ in range(40):
        loss = model.loss(src, labels)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 < losses[0]


@needs_torch
def test_promise_13_layer_norm_is_pytorchs(any_backend):
    import torch

    x = randn(4, 6) * 3.0 + 1.0
    theirs = torch.tensor(x.tolist(), dtype=torch.float64)
    assert_close(nn.LayerNorm(6)(x), torch.nn.functional.layer_norm(theirs, (6,)))
    flat = ones(1, 6)  # ε inside the root: no division by zero
    assert nn.LayerNorm(6)(flat).tolist() == [[0.0] * 6]


def test_promise_14_what_no_backward_has_reached_is_not_0(any_backend):
    x = leaf(1.0, 2.0)
    assert x.grad is None
    with record():
        loss = where(x > 1.0, x * x.detach(), 0.0).sum()
    for level in "op", "primitive":
        unreached = {n.op for n in unfold(loss, level) if n.gradient is None}
        assert unreached == {"stop_gradient", "greater"}
    unreached = [n for n in unfold(loss, "scalar") if n.gradient is None]
    assert {n.tensor for n in unreached} == {"stop_gradient"}
    assert x.grad is None


def test_promise_14_pictures_draw_a_dash_for_what_no_backward_has_reached():
    a = Value(2.0, label="a")
    b = a * 3.0
    assert "–" in draw(b).dot
    b.backward()
    assert "–" not in draw(b).dot
    w = leaf(1.0)
    with record():
        loss = (leaf(1.0) + ops.stop_gradient(w)).sum()
    assert "–" in draw(loss).dot


def test_promise_15_a_page_steps_through_ones_own_graph():
    x = leaf(1.0, 2.0)
    with record():
        y = x * x
        loss = y.sum()
    text = play(loss, None)
    start = text.index('type="application/json"')
    data = text[text.index(">", start) + 1 : text.index("</script>", start)]
    steps = [step["kind"] for step in json.loads(data)["steps"]]
    assert steps == ["forward"] * 2 + ["seed"] + ["backward"] * 2


def test_promise_16_a_gradient_has_the_shape_of_its_tensor(any_backend):
    shapes = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (4, 1, 1)]
    for a in shapes:
        for b in shapes:
            x, y = randn(*a, requires_grad=True), randn(*b, requires_grad=True)
            (x * y + x - y).sum().backward()
            assert (x.grad.shape, y.grad.shape) == (a, b)


def test_promise_17_debug_names_the_first_nan(any_backend):
    x = leaf(1.0, -1.0)
    with debug(), pytest.raises(FloatingPointError, match=r"sqrt made nan at \[1\]"):
        x.sqrt()


def test_promise_18_in_place_assignment_is_refused_with_the_form_to_write(any_backend):
    x = leaf(1.0, 2.0, 3.0)
    with pytest.raises(TypeError, match=r"where\(mask, y, x\), or concat"):
        x[0] = 5.0
    changed = concat([Tensor([5.0]), x[1:]])
    (changed * changed).sum().backward()
    assert x.grad.tolist() == [0.0, 4.0, 6.0]
    y = x
    with pytest.raises(RuntimeError, match=r"changed in place .*no_grad\(\), or comp"):
        y *= 2.0
    y = x * 1.0
    y += 1.0  # makes a new tensor
    assert x.tolist() == [1.0, 2.0, 3.0]


def test_promise_19_where_keeps_the_branch_not_taken_out(any_backend):
    x = leaf(0.0, 4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        where(x > 0, Tensor([2.0, 2.0]) / where(x > 0, x, 1.0), x * math.inf)
    where(x > 0, x * 2.0, Tensor([math.nan, math.nan]) * 1.0).sum().backward()
    assert x.grad.tolist() == [0.0, 2.0]


@needs_numpy
def test_promise_20_numpy_on_the_left_gives_a_tensor(any_backend):
    import numpy as np

    x = leaf(1.0, 2.0)
    array = np.array([3.0, 4.0])
    for z in (
        array + x,
        array - x,
        array * x,
        array / x,
        array**x,
        np.float64(2.0) * x,
    ):
        assert isinstance(z, Tensor)
        assert z.requires_grad
    assert isinstance(array @ x, Tensor)
    assert (array > x).tolist() == [True, True]


def test_promise_20_reflected_operators_of_value():
    v = Value(2.0)
    results = [1 + v, 1 - v, 3 * v, 3 / v, 3**v]
    assert [r.data for r in results] == [3.0, -1.0, 6.0, 1.5, 9.0]


def test_promise_21_nothing_overflows(any_backend):
    x = leaf(-1e4, 0.0, 1e4)
    for f in (functional.softmax, functional.log_softmax, functional.sigmoid):
        assert all(math.isfinite(v) for v in f(x).tolist())
    assert functional.softplus(x).tolist()[2] == 1e4
    assert x.tanh().tolist() == [-1.0, 0.0, 1.0]
    loss = functional.cross_entropy(x.reshape(1, 3), Tensor([0]))
    assert loss.item() == 2e4
    assert Value(1e4).tanh().data == 1.0
    assert Value(1e4).exp().data == math.inf


def test_promise_21_probabilities_in_cross_entropy_are_warned_of(any_backend):
    x = randn(2, 3, requires_grad=True)
    said = "takes logits and makes the softmax itself"
    with pytest.warns(UserWarning, match=said) as caught:
        functional.cross_entropy(functional.softmax(x), Tensor([0, 1]))
    assert caught[0].filename == __file__  # it points at the user's line
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        functional.cross_entropy(x, Tensor([0, 1]))


def test_promise_22_names_and_both_edges_and_the_same_bytes_each_time():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    y = model(ones(1, 2))
    loss = (y * y).sum()
    graph = unfold(loss)
    names = {n.name for n in graph}
    assert names >= {"0.weight", "0.bias", "1.weight", "1.bias"}
    square = next(n for n in graph if n.op == "mul")
    assert [e.position for e in graph.inputs(square)] == [0, 1]
    assert len({e.source for e in graph.inputs(square)}) == 1
    assert unfold(loss).to_dict() == graph.to_dict()
    assert draw(loss).dot == draw(loss).dot
    lines = [line for line in draw(loss).dot.splitlines() if "->" in line]
    assert len(lines) == len(draw(loss).sheet.links)


def test_promise_23_the_core_needs_nothing_and_names_no_upper_bound():
    text = (ROOT / "pyproject.toml").read_text()
    assert "\ndependencies = []\n" in text
    assert 'requires-python = ">=3.10"' in text
    assert "<" not in text.split("[project.optional-dependencies]")[1].split("[tool")[0]
    code = "import sys; sys.path.insert(0, '.'); import nn; print(nn.Linear(1, 1))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("Linear(1 → 1)"), done.stderr


def test_promise_24_decoding_is_done_in_eval_mode_which_is_put_back():
    model = nn.Seq2SeqTransformer(9, 4, 1, 1, 1, d_ff=4, dropout=0.5)
    src = Tensor([[3, 4, 5]])
    assert model.training
    found = [nn.greedy_decode(model, src, max_len=4) for _ in range(5)]
    assert all(row == found[0] for row in found)  # no dropout
    assert model.training


def test_promise_25_pictures_and_pages_are_one_call_each(tmp_path):
    layer = nn.MultiHeadAttention(4, 2)
    x = randn(1, 3, 4)
    z, _ = layer(x)
    loss = z.sum()
    draw(loss).save(tmp_path / "graph.svg")
    draw(loss).save(tmp_path / "graph.dot")
    play(loss, tmp_path / "graph.html")
    draw_attention(nn.attention_maps(layer, x)).save(tmp_path / "attention.svg")
    assert len(list(tmp_path.iterdir())) == 4


def test_a_gradient_of_zero_is_not_the_same_as_none(any_backend):
    x, unused = leaf(1.0), leaf(1.0)
    (x * 0.0).sum().backward()
    assert x.grad.tolist() == [0.0]
    assert unused.grad is None
    with pytest.raises(RuntimeError, match="not used"):
        grad((x * zeros(1)).sum(), unused)
