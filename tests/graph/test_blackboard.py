"""What stands on the blackboard is so: every formula and every rule that a picture can
show is read as it is written, computed, and compared with the numbers of the graph."""

from __future__ import annotations

from itertools import product

import pytest
from conftest import needs_numpy
from rule_cases import (
    CASES,
    Case,
    away_from_0,
    mask,
    normal,
    positive,
    spread,
)

from tinygrad_attn import Tensor, manual_seed, ops, randn, record, use_backend
from tinygrad_attn.graph.names import Names
from tinygrad_attn.graph.notation.formulas import written
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.graph.trace import trace_of
from tinygrad_attn.graph.unfold import of_tensors
from tinygrad_attn.rules import activations, composites, primitives
from tinygrad_attn.rules.operation import OWN

np = pytest.importorskip("numpy", reason="needs NumPy")
from blackboard import Reader  # noqa: E402  (it needs NumPy too)

pytestmark = needs_numpy
P = primitives


def graph_of(z):
    """The graph of a weighted sum of z, whose gradient is therefore anything."""
    trace = trace_of("test", (z * randn(*z.shape)).sum())
    return of_tensors(trace, Names(trace), "op", "loss")


def step_of(graph, op):
    """The node that an operation made."""
    return next(node for node in graph if node.op == op.name)


def letters(graph, node):
    """A letter for each node: a, b, c for the inputs of a step, r for the step."""
    called = {n.id: "other" for n in graph}
    for letter, edge in zip("abcde", graph.inputs(node)):
        called[edge.source] = letter
    return called | {node.id: "r"}


def reader(text, graph, node, called, shape):
    """What the letters are, beside a step."""
    inputs = [graph.by_id(edge.source) for edge in graph.inputs(node)]
    names = {called[n.id]: np.array(n.value) for n in inputs}
    z, g = np.array(node.value), node.gradient
    x = np.array(inputs[0].value)
    column = node.kind == "norm" and z.ndim < x.ndim  # a number for each row
    names["r"] = z[..., None] if column else z
    if g is not None:
        names["∂r"] = np.array(g)[..., None] if column else np.array(g)
    axis = node.settings.get("axis", (-1,))
    axes = axis if isinstance(axis, tuple) else (axis,)
    eps = node.settings.get("eps", 0.0)
    names["rms?"] = node.op == "rms_norm"
    norm = Reader("", names, axes, x, eps=eps)
    if node.kind == "norm":
        centre = 0 if names["rms?"] else x.mean(axis=axes, keepdims=True)
        names["x̂"] = (x - centre) / norm.deviation(x)
    if node.kind == "attention":
        names["A"] = weights_of(node, inputs)
    if column and shape == node.shape:
        shape = (*shape, 1)
    slope = node.settings.get("slope", 0.0)
    return Reader(text, names, axes, x, shape, eps, slope)


def weights_of(node, inputs):
    """The attention weights, by their formula."""
    q, k, *_ = (np.array(n.value) for n in inputs)
    e = q @ np.swapaxes(k, -1, -2) * node.settings["scale"]
    e = np.exp(e - e.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def computed(text, graph, node, called, shape):
    """What a text says, in a shape."""
    with np.errstate(all="ignore"):
        found = reader(text, graph, node, called, shape).whole()
    found = np.asarray(found, float)
    if found.ndim == len(shape) + 1 and found.shape[-1] == 1:
        found = found[..., 0]
    return np.broadcast_to(found, shape)


def assert_true(graph, node):
    """The formula is the value; the rule beside each edge is what flows along it."""
    called = letters(graph, node)
    said = written(graph, node, called)
    want = np.array(node.value, float)
    assert computed(said.formula, graph, node, called, node.shape) == near(want), (
        said.formula
    )
    assert len(graph.inputs(node))
    for edge in graph.inputs(node):
        rule = said.rules[edge.position]
        if edge.contribution is None:
            continue
        shape = graph.by_id(edge.source).shape
        got = computed(rule, graph, node, called, shape)
        assert got == near(np.array(edge.contribution)), rule


def near(want):
    return pytest.approx(want, rel=1e-9, abs=1e-11)


ORDINARY = [
    case
    for case in CASES
    if not (case.op.kind == "attention" and any(x is not None for x in case.inputs[3:]))
]


@pytest.fixture(autouse=True)
def float64():
    with use_backend("numpy", "float64"):
        manual_seed(7)
        yield


@pytest.mark.parametrize("case", ORDINARY, ids=str)
def test_every_rule_says_what_its_vjp_computes(case):
    z = ops.apply(case.op, *case.make(), **case.params)
    graph = graph_of(z)
    assert_true(graph, step_of(graph, case.op))


PAIRS = [
    *[((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), ()), ((2, 3), (1, 3)), ((3,), (2, 3))],
    *[((4, 2, 3), (2, 3)), ((4, 2, 3), (2, 1)), ((4, 1, 3), (2, 1)), ((), (2, 2))],
    *[((1,), (3,)), ((2, 1, 3), (1, 4, 1)), ((1, 1), (2, 3)), ((2, 3), (1, 1))],
]
BINARY = {
    P.add: normal,
    P.sub: normal,
    P.mul: normal,
    P.div: away_from_0,
    P.pow: positive,
    P.maximum: normal,
}


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize("op", BINARY, ids=str)
def test_what_was_broadcast_collects_as_it_is_written(op, shapes):
    make = BINARY[op]
    graph = graph_of(ops.apply(op, *(make(*shape) for shape in shapes)))
    assert_true(graph, step_of(graph, op))


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_a_choice_collects_as_it_is_written(shapes):
    first, second = shapes
    both = np.broadcast_shapes(first, second)
    for condition in {first, second, both}:
        z = ops.apply(P.where, mask(*condition), normal(*first), normal(*second))
        graph = graph_of(z)
        assert_true(graph, step_of(graph, P.where))


NUMBERS = (2, 3, 0.5, -1, -2.5, 1, 0, 4.0)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("op", BINARY, ids=str)
def test_plain_numbers_are_written_as_they_are(op, number):
    if number == 0 and op is P.div:
        number = 8
    pairs = [(positive(2, 3), number)]
    if op is not P.pow or number > 0:
        pairs.append((number, positive(2, 3)))
    for inputs in pairs:
        graph = graph_of(ops.apply(op, *inputs))
        assert_true(graph, step_of(graph, op))


def test_ties_are_shared_as_it_is_written():
    x = Tensor([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]], requires_grad=True)
    y = Tensor([[1.0, 1.0, 2.0]], requires_grad=True)
    for z, op in ((ops.maximum(x, y), P.maximum), (ops.max(x, axis=1), P.max)):
        graph = graph_of(z)
        assert_true(graph, step_of(graph, op))


@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 2), (4, 2)),
        ((5, 3, 2), (5, 4, 2)),
        ((5, 3, 2), (4, 2)),
        ((3, 2), (5, 4, 2)),
    ],
    ids=str,
)
@pytest.mark.parametrize("turned", [(False, True), (True, False), (True, True)])
def test_products_of_transposes_are_written_as_on_paper(shapes, turned):
    """Q Kᵀ, and what it sends to Q and to K itself."""
    q, k = (normal(*shape) for shape in shapes)
    x = q.mT.detach().requires_grad_() if turned[0] else q
    y = k if turned[1] else k.mT.detach().requires_grad_()
    with record():
        z = (x.mT if turned[0] else x) @ (y.mT if turned[1] else y)
    graph = without_transposes(graph_of(z))
    node = step_of(graph, P.matmul)
    assert [edge.turned for edge in graph.inputs(node)] == list(turned)
    assert_true(graph, node)


def test_a_layer_of_a_transposed_weight_is_written_as_on_paper():
    x, w, b = normal(2, 3, 4), normal(4, 5), normal(5)
    with record():
        z = ops.apply(composites.linear, x, w.mT, b)
    graph = without_transposes(graph_of(z))
    node = step_of(graph, composites.linear)
    assert graph.inputs(node)[1].turned
    assert_true(graph, node)


@pytest.mark.parametrize("axis", [(0,), (1,), (2,), (0, 2), (0, 1, 2), (1, 2)])
def test_axes_are_written_as_they_are_used(axis):
    for op, keepdims in product((P.sum, P.max), (False, True)):
        z = ops.apply(op, spread(2, 3, 4), axis=axis, keepdims=keepdims)
        graph = graph_of(z)
        assert_true(graph, step_of(graph, op))
    if len(axis) == 1:
        for op in (composites.softmax, composites.log_softmax):
            graph = graph_of(ops.apply(op, normal(2, 3, 4), axis=axis[0]))
            assert_true(graph, step_of(graph, op))


WRITTEN_OUT = [case for case in ORDINARY if case.op.meaning.means]


@pytest.mark.parametrize("case", WRITTEN_OUT, ids=str)
def test_a_formula_written_out_is_the_formula(case):
    graph = graph_of(ops.apply(case.op, *case.make(), **case.params))
    node = step_of(graph, case.op)
    called = letters(graph, node)
    from tinygrad_attn.graph.notation.formulas import Blackboard

    names = [called.get(x, "") if isinstance(x, str) else "" for x in node.arguments]
    text = Blackboard(graph, node, names, "r").fill(case.op.meaning.means)
    assert computed(text, graph, node, called, node.shape) == near(np.array(node.value))


def test_attention_is_blended_with_a_mask_as_without():
    """Its notation leaves the mask out; what is behind one is in no picture."""
    case = Case(
        composites.scaled_dot_product_attention,
        ((normal, 2, 3, 4), (normal, 2, 5, 4), (normal, 2, 5, 2), None, None, None),
        {"scale": 0.3},
    )
    graph = graph_of(ops.apply(case.op, *case.make(), **case.params))
    assert_true(graph, step_of(graph, case.op))


# --- the test is tested ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "input", "wrong"),
    [
        (P.tanh, "x", "∂z ⊙ (1 + z²)"),
        (P.sub, "y", "∂z"),
        (P.matmul, "x", "∂z y"),
        (P.matmul, "y", "x ∂z"),
        (P.pow, "x", "∂z ⊙ y ⊙ x ^ (y + 1)"),
        (P.sqrt, "x", "∂z / z"),
        (P.maximum, "x", "∂z where x < y, ½ ∂z where x = y, else 0"),
        (activations.silu, "x", "∂z ⊙ (σ(x) + z ⊙ (1 + σ(x)))"),
        (composites.softmax, "x", "z ⊙ (∂z − Σⱼ ∂z)"),
        (composites.rms_norm, "x", "s ⊙ (ĝ + x̂ ⊙ mean(ĝ ⊙ x̂)), ĝ = ∂z ⊙ weight"),
        (composites.layer_norm, "x", "s ⊙ (ĝ − mean ĝ − x̂ ⊙ mean(ĝ ⊙ x̂)), ĝ = ∂z"),
        (composites.layer_norm, "x", ("− mean", "+ mean")),
        (composites.rms_norm, "x", ("− x", "+ x")),
        (composites.linear, "weight", "∂z xᵀ"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_found(op, input, wrong, monkeypatch):
    if isinstance(wrong, tuple):
        right = op.meaning.rules[input]
        wrong = right.replace(*wrong)
        assert wrong != right
    monkeypatch.setitem(op.meaning.rules, input, wrong)
    case = next(c for c in CASES if c.op is op and None not in c.inputs)
    graph = graph_of(ops.apply(op, *case.make(), **case.params))
    with pytest.raises((AssertionError, ValueError)):
        assert_true(graph, step_of(graph, op))


def test_no_rule_of_ours_is_without_notation():
    for case in CASES:
        said = case.op.meaning
        moved = [n for n, x in zip(case.op.inputs, case.inputs) if moves(x)]
        assert set(moved) <= set(said.rules), case
        assert OWN not in case.op.gradients


def moves(x):
    """Whether a gradient flows to what a case makes of this."""
    return isinstance(x, tuple) and x[0] not in (mask,) and x[0].__name__ != "indices"
