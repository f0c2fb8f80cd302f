"""unfold: the same computation at every level, in value and in gradient."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT, flatten, near

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    functional,
    grad,
    manual_seed,
    maximum,
    ones,
    randn,
    record,
    unfold,
    where,
    zeros,
)
from tinygrad_attn.functional import causal_mask, cross_entropy, mse_loss
from tinygrad_attn.rules import composites, primitives

LEVELS = ("module", "op", "primitive", "scalar")


def leaf(*shape):
    return randn(*shape).requires_grad_()


# --- programs: each returns a loss ----------------------------------------------------


def one_head():
    z, _ = nn.AttentionHead(6, 3)(leaf(4, 6), mask=causal_mask(4))
    return mse_loss(z, randn(4, 3))


def a_fully_masked_row():
    mask = Tensor([[True, False, True], [False] * 3, [True] * 3])
    z, _ = nn.MultiHeadAttention(4, 2)(leaf(2, 3, 4), attn_mask=mask)
    return (z * z).sum()


def weights_in_the_loss():
    layer = nn.MultiHeadAttention(4, 2)
    z, weights = layer(leaf(1, 3, 4), is_causal=True, need_weights=True)
    return (z * z).sum() + (weights * weights).sum()


def an_encoder_layer_with_dropout():
    layer = nn.TransformerEncoderLayer(4, 2, d_ff=8, dropout=0.3)
    return (layer(leaf(2, 3, 4)) ** 2).mean()


def a_pre_norm_layer():
    layer = nn.TransformerEncoderLayer(
        4, 2, d_ff=6, dropout=0.0, activation="gelu", norm_first=True
    )
    return (layer(leaf(1, 3, 4), causal_mask(3)) ** 2).mean()


def classes():
    target = Tensor([0, 2, -100, 1])
    table, out = nn.Embedding(5, 3), nn.Linear(3, 3)
    logits = out(table(Tensor([4, 1, 1, 0])))
    return cross_entropy(logits, target, label_smoothing=0.1)


def a_square():
    x = leaf(3)
    return (x * x).sum()


def doubled_twice():
    a = leaf()
    b = a + a
    return b + b


def a_second_use_after_a_reshape():
    x = leaf(2, 3)
    flat = x.reshape(6)
    return (flat * flat).sum() + (x.exp() * x).sum() + flat[0] * x[0, 0]


def relu_at_work():
    x = leaf(3, 3)
    y = functional.relu(x)
    return (y * randn(3, 3)).sum() + (y * x).sum()


def moved_about():
    x, y = leaf(2, 3), leaf(1, 3)
    joined = concat([x, y, x], axis=0)
    picked = joined[[0, 0, 4, 2]]
    return (picked.permute_dims(1, 0) * randn(3, 4))[1:, ::2].sum() + x[-1, 0]


def ties():
    x = Tensor([[1.0, 1.0], [0.0, 2.0]]).requires_grad_()
    y = Tensor([[1.0, 0.0], [0.0, 3.0]]).requires_grad_()
    return (x.max(axis=1) * randn(2)).sum() + (maximum(x, y) * randn(2, 2)).sum()


def constants_among_numbers():
    x = leaf(2, 2)
    y = where(x > 0.0, x, 5.0)
    return (y * x.detach() * ones(2, 2) / 3.0).sum() + (2.0 ** (-y)).sum()


def broadcasts():
    x, column, number = leaf(2, 3), leaf(2, 1), leaf()
    z = x + column * number
    return (z / z.sum(axis=1, keepdims=True)).tanh().mean()


def a_norm_of_rows():
    x = leaf(3, 4)
    return (functional.rms_norm(x, 4) * functional.layer_norm(x, 4) * x).sum()


def nothing_at_all():
    return (leaf(0, 3) * 2.0).sum() + leaf(2).sum()


PROGRAMS = [
    one_head,
    a_fully_masked_row,
    weights_in_the_loss,
    an_encoder_layer_with_dropout,
    a_pre_norm_layer,
    classes,
    a_square,
    doubled_twice,
    a_second_use_after_a_reshape,
    relu_at_work,
    moved_about,
    ties,
    constants_among_numbers,
    broadcasts,
    a_norm_of_rows,
    nothing_at_all,
]
every_program = pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)


def made(program):
    manual_seed(3)
    with record():
        return program()


@cache
def unfolded(program, level, backend):
    """A program's graph, on the backend in use, whose name is given."""
    return unfold(made(program), level)


@pytest.fixture(scope="module", autouse=True)
def _let_them_go():
    """At the end: the garbage collector looks at all of them otherwise."""
    yield
    unfolded.cache_clear()


# --- what holds at every level --------------------------------------------------------


@every_program
@pytest.mark.parametrize("level", LEVELS)
def test_a_gradient_is_the_sum_of_what_flows_along_the_edges(
    program, level, any_backend
):
    graph = unfolded(program, level, any_backend)
    assert graph.root.gradient in (1.0, [1.0])
    for node in graph.nodes[:-1]:
        shares = [e.contribution for e in graph.uses(node) if e.result == 0]
        shares = [flatten(s) for s in shares if s is not None]
        if node.gradient is None:
            assert shares == []
            continue
        nothing = [0.0] * len(flatten(node.gradient))
        total = [sum(parts) for parts in zip(*shares)] or nothing
        assert total == near(flatten(node.gradient)), node


@every_program
def test_single_numbers_have_the_gradients_of_the_rules(program, any_backend):
    primitive = unfolded(program, "primitive", any_backend)
    scalar = unfolded(program, "scalar", any_backend)
    numbers = [node for node in scalar if node.index is not None]
    found = {node.name: node for node in numbers}
    of = defaultdict(list)
    for node in numbers:
        of[node.tensor].append(node)
    for node in primitive:
        if not node.dtype.startswith("float"):
            continue
        each = of[node.name]
        assert [n.value for n in each] == flatten(node.value)
        assert [n.index for n in each] == sorted(n.index for n in each)
        if node.gradient is None:
            assert all(n.gradient is None for n in each)
        else:
            assert [n.gradient for n in each] == near(flatten(node.gradient))
    assert found[scalar.root.name] is scalar.root


@every_program
def test_the_op_level_has_the_engines_own_gradients(program, any_backend):
    loss = made(program)
    graph = unfold(loss, "op")
    leaves, todo, seen = [], [loss], set()
    while todo:
        t = todo.pop()
        if id(t) not in seen:
            seen.add(id(t))
            todo += [x for x in t._inputs if isinstance(x, Tensor)]
            if t.is_leaf and t.requires_grad:
                leaves.append(t)
    wanted = grad(loss, leaves, retain_graph=True, allow_unused=True)
    shown = [n for n in graph if n.op in ("input", "parameter")]
    assert len(shown) == len(leaves)
    for t, g in zip(leaves, wanted):
        same = [n for n in shown if n.shape == t.shape and n.value == t.tolist()]
        if g is None:
            assert any(n.gradient is None for n in same)
        else:
            want = near(flatten(g.tolist()))
            assert any(
                n.gradient is not None and flatten(n.gradient) == want for n in same
            )
    assert all(t.grad is None for t in leaves)
    loss.backward()  # the graph is whole


def test_at_the_scalar_level_plus_and_times_can_be_checked_by_hand(any_backend):
    graph = unfolded(one_head, "scalar", any_backend)
    for node in graph:
        values = [graph.by_id(e.source).value for e in graph.inputs(node)]
        if len(values) == 2 and node.op in "+*-":
            want = {"+": sum(values), "*": values[0] * values[1]}.get(
                node.op, values[0] - values[1]
            )
            assert node.value == near(want)
            assert node.formula
        for e in graph.inputs(node):
            if e.contribution is not None:
                assert e.contribution == near(e.local * node.gradient)


# --- what is in a node ----------------------------------------------------------------


def test_nodes_have_names_formulas_modules_and_lines(any_backend):
    model = nn.TransformerEncoderLayer(4, 2, d_ff=8, dropout=0.0)
    with record():
        loss = (model(leaf(1, 3, 4), causal_mask(3)) ** 2).mean()
    graph = unfold(loss, "op")
    assert [node.id for node in graph] == [f"n{i}" for i in range(len(graph))]
    assert len({node.name for node in graph}) == len(graph)
    weight = graph.node("self_attn.q_proj.weight")
    assert (weight.op, weight.shape, weight.formula) == ("parameter", (4, 4), "")
    softmax = next(node for node in graph if node.op == "softmax")
    assert softmax.module == "self_attn"
    assert softmax.formula == "z = softmax(x) = exp x / Σ exp x"
    assert "composites.py:" in softmax.source
    assert "softmax(xp, masked" in softmax.source
    norm = next(node for node in graph if node.op == "layer_norm")
    assert norm.settings == {"axis": (2,), "eps": 1e-05}
    assert Path(graph.root.source.split(":")[0]).name == "test_levels.py"
    scores = next(node for node in graph if node.op == "mul")
    assert scores.arguments[1] == 1 / 2**0.5
    for node in graph:
        assert bool(node.source) == bool(graph.inputs(node))


def test_outside_record_there_are_no_lines():
    x = leaf(2)
    assert all(node.source == "" for node in unfold((x * x).sum()))


def test_a_mask_shows_how_it_was_made_inside_record(any_backend):
    x = leaf(3)
    with record():
        loss = where(x > 0.5, x, x * 2.0).sum()
    graph = unfold(loss)
    mask = next(node for node in graph if node.op == "greater")
    assert [graph.by_id(e.source).op for e in graph.inputs(mask)] == ["input"]
    assert mask.gradient is None
    assert graph.uses(mask)[0].contribution is None


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
def test_a_name_means_the_same_number_at_every_level(level, any_backend):
    logits, target = leaf(2, 5), Tensor([1, 3])
    with record():
        h = logits * 2.0
        h = h.tanh()
        h_2 = h + 1.0
        loss = cross_entropy(h_2, target, label_smoothing=0.1)
    graph = unfold(loss, level)
    assert graph.of == "loss"
    assert graph.node("loss").value == loss.item()
    assert graph.node("loss").gradient == 1.0
    if level != "scalar":
        assert len({node.name for node in graph}) == len(graph)
        assert graph.node("h_2").value in (h.tolist(), h_2.tolist())


def test_nodes_know_the_calls_they_were_computed_in(any_backend):
    model = nn.Sequential(nn.Linear(3, 3), nn.Softmax())
    graph = unfold(model(leaf(2, 3))[0, 0], "primitive")
    groups = graph.groups
    product = next(n for n in graph if n.op == "matmul")
    assert groups[product.group].type == "composite"
    assert groups[product.group].name == "linear"
    inside = groups[groups[product.group].parent]
    assert (inside.name, inside.type) == ("0", "Linear")
    outer = groups[inside.parent]
    assert (outer.name, outer.type, outer.parent) == ("Sequential", "Sequential", "")
    steps = {n.op for n in graph if n.group and groups[n.group].name == "softmax"}
    assert steps == {"max", "stop_gradient", "sub", "exp", "sum", "div"}


def test_both_edges_of_a_plus_a_in_order():
    a = Tensor(3.0, requires_grad=True)
    graph = unfold(a + a)
    assert [(e.source, e.target, e.position) for e in graph.edges] == [
        ("n0", "n1", 0),
        ("n0", "n1", 1),
    ]
    assert [e.contribution for e in graph.edges] == [1.0, 1.0]


def test_it_is_the_same_to_the_last_byte_in_every_process():
    code = (
        "import json; from test_levels import *\n"
        "from tinygrad_attn import unfold\n"
        "for level in LEVELS:\n"
        "    for program in (an_encoder_layer_with_dropout, classes):\n"
        "        print(json.dumps(unfold(made(program), level).to_dict()))\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT / "tests" / "graph",
            env={
                "PYTHONHASHSEED": seed,
                "PATH": "",
                "PYTHONPATH": f"{ROOT}/tests:{ROOT}",
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert len(texts.pop().splitlines()) == 8


def test_the_graph_outlives_what_it_was_made_from():
    loss = made(one_head)
    graph = unfold(loss, "op")
    loss.backward()
    del loss
    assert json.loads(json.dumps(graph.to_dict()))["nodes"][-1]["value"] > 0.0
    assert not any(isinstance(v, Tensor) for n in graph for v in vars(n).values())


def test_a_leaf_shows_the_numbers_it_had(any_backend):
    w = nn.Parameter([1.0, 2.0])
    loss = (w * w).sum()
    w.assign(zeros(2))
    graph = unfold(loss)
    assert graph.nodes[0].value == [1.0, 2.0]
    assert graph.nodes[0].gradient == [2.0, 4.0]


# --- modules --------------------------------------------------------------------------


def test_a_module_alone_has_its_inputs_as_leaves_and_its_share(any_backend):
    layer = nn.Linear(3, 3)
    x = leaf(2, 3)
    loss = (layer(x) * x).sum()
    whole, part = unfold(loss, "op"), unfold(loss, "op", module=layer)
    assert [n.op for n in part] == ["input", "parameter", "parameter", "linear"]
    assert part.root.gradient == whole.node("Linear").gradient
    assert part.node("weight").gradient == whole.node("weight").gradient
    shares = [e.contribution for e in whole.uses(whole.node("input"))]
    assert part.node("input").gradient in shares
    assert part.node("input").total == whole.node("input").gradient
    assert part.node("input").total != part.node("input").gradient


def test_modules_fold_with_their_parameters(any_backend):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    loss = model(leaf(5, 3)).sum()
    graph = unfold(loss, "module")
    rows = [(n.name, n.op, n.parameters, n.shape) for n in graph]
    assert rows == [
        ("input", "input", 0, (5, 3)),
        ("0", "Linear", 16, (5, 4)),
        ("1", "Linear", 10, (5, 2)),
        ("loss", "sum", 0, ()),
    ]
    coarse = unfold(loss, "module", depth=1)
    assert [(n.op, n.parameters) for n in coarse] == [
        ("input", 0),
        ("Sequential", 26),
        ("sum", 0),
    ]


class Split(nn.Module):
    """Hands out two results, one of them by way of another module."""

    def __init__(self):
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        return self.inner(x), x * 2.0


def test_a_box_comes_after_all_that_it_uses(any_backend):
    split, after = Split(), nn.Linear(2, 2)
    p, q = split(leaf(1, 2))
    loss = (after(p) + q * p).sum()
    for depth in None, 1:
        graph = unfold(loss, "module", depth=depth)
        place = {node.id: i for i, node in enumerate(graph)}
        assert all(place[e.source] < place[e.target] for e in graph.edges)
        assert [node.id for node in graph] == [f"n{i}" for i in range(len(graph))]


def test_a_module_shows_all_that_it_hands_out(any_backend):
    split = Split()
    p, q = split(leaf(1, 2))
    loss = (p + q.detach()).sum()
    with record():
        p, q = split(leaf(1, 2))
        loss = (p + q.detach()).sum()
    graph = unfold(loss, "op", module=split)
    assert {n.op for n in graph} >= {"linear", "mul"}
    assert next(n for n in graph if n.op == "mul").gradient is None


def test_what_is_moved_and_used_besides_keeps_its_own_gradient(any_backend):
    x = leaf(2, 3)
    y = x * 2.0
    z = y.reshape(3, 2).mT
    loss = (z * y).sum() + y.sum()
    (wanted,) = grad(loss, y, retain_graph=True)
    graph = unfold(loss, "module")
    node = next(n for n in graph if n.value == y.tolist())
    assert node.gradient == wanted.tolist()
    shares = [flatten(edge.contribution) for edge in graph.uses(node)]
    assert len(shares) == 3
    assert [sum(parts) for parts in zip(*shares)] == near(flatten(node.gradient))


def test_the_results_of_a_module_are_told_apart(any_backend):
    head = nn.AttentionHead(4, 3)  # its z and its weights have the same shape
    z, weights = head(leaf(3, 4))
    loss = (z * z).sum() + (weights * weights).sum()
    wanted = grad(loss, z, retain_graph=True)[0].tolist()
    graph = unfold(loss, "module")
    node = next(n for n in graph if n.op == "AttentionHead")
    assert (node.value, node.gradient) == (z.tolist(), wanted)
    shares: dict[int, list] = {}
    for edge in graph.uses(node):
        shares.setdefault(edge.result, []).append(flatten(edge.contribution))
    assert sorted(shares) == [0, 1]
    assert [sum(parts) for parts in zip(*shares[0])] == near(flatten(wanted))
    of_weights = [2.0 * w for w in flatten(weights.tolist())]
    assert [sum(parts) for parts in zip(*shares[1])] == near(of_weights)


def test_a_layer_called_twice_is_two_boxes(any_backend):
    layer = nn.Linear(2, 2)
    loss = layer(layer(leaf(1, 2))).sum()
    graph = unfold(loss, "module")
    assert [n.name for n in graph if n.op == "Linear"] == ["Linear", "Linear_2"]
    assert {n.name for n in graph if n.op == "parameter"} == {"weight", "bias"}


# --- the proof can fail ---------------------------------------------------------------


def test_a_wrong_hand_derived_rule_is_found_out(monkeypatch):
    right = composites.softmax.vjp
    monkeypatch.setattr(
        composites.softmax,
        "vjp",
        lambda *a, **k: tuple(g * 1.001 for g in right(*a, **k)),
    )
    loss = (functional.softmax(leaf(3)) * randn(3)).sum()
    unfold(loss, "op")
    with pytest.raises(RuntimeError, match="gradient of .* departs by"):
        unfold(loss, "primitive")


@pytest.mark.parametrize("rule", [lambda *a, **k: (None,), lambda xp, g, *a, **k: (g,)])
def test_a_rule_that_says_too_little_is_found_out(rule, monkeypatch):
    """However small the gradients are."""
    monkeypatch.setattr(composites.softmax, "vjp", rule)
    loss = (functional.softmax(leaf(3)) * randn(3)).sum() * 1e-12
    with pytest.raises(RuntimeError, match="gradient of .* departs by"):
        unfold(loss, "primitive")
    monkeypatch.setattr(primitives.exp, "vjp", rule)
    loss = leaf(3).exp().sum() * 1e-12
    with pytest.raises(
        RuntimeError, match="level scalar the gradient of .* departs by"
    ):
        unfold(loss, "scalar")


def test_a_wrong_step_is_found_out(monkeypatch):
    loss = leaf(3).exp().sum()
    unfold(loss, "scalar")
    right = primitives.exp.forward
    monkeypatch.setattr(primitives.exp, "forward", lambda xp, x: right(xp, x) * 1.001)
    with pytest.raises(RuntimeError, match="exp.*departs from what was recorded"):
        unfold(loss, "scalar")


def test_a_wrong_derivative_of_single_numbers_is_found_out(monkeypatch):
    from tinygrad_attn import Value

    loss = leaf(3).exp().sum()
    unfold(loss, "scalar")
    right = Value.exp

    def wrong(self):
        z = right(self)
        return Value(z.data, z._prev, z._op, (z.derivatives[0] * 1.001,))

    monkeypatch.setattr(Value, "exp", wrong)
    with pytest.raises(RuntimeError, match="at level scalar the gradient"):
        unfold(loss, "scalar")


# --- limits and wrong calls -----------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_promise_9_nothing_recurses(level):
    """Python ends what does at 1,000 calls."""
    x = Tensor(0.0, requires_grad=True)
    for _ in range(2000):
        x = x + 1.0
    assert unfold(x, level).nodes[0].gradient == 1.0


def test_promise_2_too_many_numbers_are_refused_with_the_count():
    manual_seed(0)
    z, _ = nn.MultiHeadAttention(32, 4)(leaf(2, 8, 32))
    with pytest.raises(ValueError, match=r"^unfold: about 1\d\d,\d\d\d single") as e:
        unfold(z.sum(), "scalar")
    for word in ("100,000", "focus=", "head=", "smaller input", "'primitive'"):
        assert word in str(e.value)


def test_one_head_of_width_8_at_8_positions_is_about_8700_values():
    z, _ = nn.AttentionHead(16, 8)(leaf(8, 16))
    graph = unfold(z.sum(), "scalar", module=None)
    assert 8_600 < len(graph) < 9_000


def test_what_is_no_scalar_has_values_and_no_gradients(any_backend):
    graph = unfold(leaf(3) * 2.0)
    assert [n.gradient for n in graph] == [None, None]
    assert graph.edges[0].contribution is None


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: unfold(t, "ops"), ValueError, "'ops' given; it must be one of modu"),
        (lambda t: unfold(t, 3), ValueError, "level 3 given"),
        (lambda t: unfold(3.0), TypeError, "a float given"),
        (lambda t: unfold(leaf(2)), RuntimeError, "was not computed, or not recorded"),
        (lambda t: unfold(t, module="no"), ValueError, "module 'no' given"),
        (lambda t: unfold(t, module=nn.Linear(1, 1)), ValueError, "module Linear"),
        (lambda t: unfold(t, "module", depth=0), ValueError, "depth=0"),
        (lambda t: unfold(t, "op", depth=1), ValueError, "depth given at level 'op'"),
        (lambda t: unfold(t, sample=9), ValueError, "sample given without head="),
        (lambda t: unfold(t, limit="a"), TypeError, "limit='a'"),
        (lambda t: unfold(t, head=3), ValueError, "head=3 given"),
        (lambda t: unfold(t, head=("", 5)), ValueError, "head"),
    ],
)
def test_a_wrong_call_gets_one_sentence(call, error, says):
    loss = nn.Linear(2, 2)(leaf(1, 2)).sum()
    with pytest.raises(error, match="^unfold: ") as caught:
        call(loss)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_freed_graph_says_when_to_call(any_backend):
    loss = (leaf(2) * 2.0).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"before backward\(\).*retain_graph=True"):
        unfold(loss)


def test_a_module_that_was_never_called_is_refused():
    class Half(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x)

    loss = Half()(ones(1, 2)).sum()
    for level in ("module", "op", "primitive", "scalar"):
        with pytest.raises(ValueError, match="'unused' given; it was not called"):
            unfold(loss, level, "unused")


def test_at_the_level_of_numbers_constants_stand_in_their_place(backend):
    x = Tensor([2.0], requires_grad=True)
    graph = unfold(((1.0 - x) * 3.0 + (x**2).maximum(0.5)).sum(), "scalar")
    by_op = {node.op: node for node in graph}
    first = graph.nodes[0].id
    assert by_op["-"].arguments == [1.0, first]
    assert by_op["**"].arguments == [first, 2.0]
    assert by_op["*"].arguments == [by_op["-"].id, 3.0]
    assert by_op["maximum"].arguments == [by_op["**"].id, 0.5]
    for node in graph:
        for edge in graph.inputs(node):
            assert node.arguments[edge.position] == edge.source
