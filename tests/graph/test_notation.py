"""Formulas and rules with names: every operation has them, and they fit its inputs."""

from __future__ import annotations

import re

import pytest
from conftest import assert_close

import nn
from tinygrad_attn import Tensor, functional, ones, ops, randn, record, unfold
from tinygrad_attn.graph.notation.formulas import written
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.rules import activations, comparisons, composites, movement
from tinygrad_attn.rules import primitives as rules
from tinygrad_attn.rules.operation import Op

MODULES = (rules, movement, comparisons, activations, composites)
OPS = {
    item.name: item
    for module in MODULES
    for item in vars(module).values()
    if isinstance(item, Op)
}


@pytest.mark.parametrize("name", OPS)
def test_every_operation_says_what_it_is(name):
    op, meaning = OPS[name], OPS[name].meaning
    assert op.kind
    assert meaning.formula
    assert meaning.sentence.endswith((".", ":"))
    assert bool(meaning.rules) == op.differentiable


@pytest.mark.parametrize("name", OPS)
def test_every_operation_says_why_its_gradient_is_so(name):
    """A reason, in a sentence that fits beside a picture; or why none passes."""
    why = OPS[name].meaning.why
    assert why.endswith(".")
    assert len(why) < 200
    assert re.search(r": |\bso\b|\bas\b|\b[Ii]f\b|[Ww]here|[Oo]nly|\bis\b", why)
    assert ("no gradient passes" in why) == (not OPS[name].differentiable)


@pytest.mark.parametrize("name", OPS)
def test_no_sentence_uses_a_letter_that_may_be_a_name(name):
    """In a picture x, y and z may be other things: a sentence has them in backticks,
    and the step's names are put there."""
    meaning = OPS[name].meaning
    for sentence in (meaning.sentence, meaning.why):
        plain = re.sub("`[^`]*`", "", sentence)
        letters = {"g", "t", "u", "x", "y", "z", *meaning.inputs} - WORDS
        assert letters.isdisjoint(re.findall("[a-zA-Z_]+", plain))
        assert not re.search("[ˣʸᶻ]", sentence)


WORDS = {"inputs", "weight", "target", "value", "key", "query"}  # also plain English


def sentences(root, name, **settings):
    graph = without_transposes(unfold(root, **settings))
    words = written(graph, graph.node(name), names(graph))
    return words.sentence, words.why


def test_sentences_speak_with_the_names_of_the_picture():
    products, scale = (randn(2, 2).requires_grad_() for _ in "ab")
    with record():
        energies = products / scale
        loss = energies.sum()
    assert sentences(loss, "energies")[1] == (
        "If products grows by 1, energies grows by 1/scale. And ∂energies/∂scale = "
        "-products/scale², which is -energies/scale."
    )


def test_of_a_plain_number_the_letters_are_explained():
    x = randn(2, 2).requires_grad_()
    with record():
        energies = x / 2
        squares = x**3
        loss = (energies + squares).sum()
    assert sentences(loss, "energies")[1].endswith(" Here y = 2, z = energies.")
    assert sentences(loss, "squares")[0] == "x to the power 3, number by number."
    assert sentences(loss, "squares")[1].endswith(" Here y = 3, z = squares.")


def test_a_sentence_has_the_numbers_of_its_settings():
    x = randn(2, 2).requires_grad_()
    with record():
        bent = functional.leaky_relu(x, 0.2)
        loss = bent.sum()
    assert sentences(loss, "bent")[0] == "Negative numbers are multiplied by .2."


def names(graph):
    return {node.id: node.name for node in graph}


def test_a_product_with_a_transposition_is_written_as_on_paper():
    Q, K = randn(3, 2).requires_grad_(), randn(4, 2).requires_grad_()
    with record():
        S = Q @ K.mT
        loss = S.sum()
    before = unfold(loss)
    graph = without_transposes(before)
    assert len(graph) == len(before) - 1
    node = graph.node("S")
    words = written(graph, node, names(graph))
    assert words.formula == "Q Kᵀ"
    assert words.rules == ["∂S K", "∂Sᵀ Q"]
    q, k = graph.inputs(node)
    assert (q.turned, k.turned) == (False, True)
    assert graph.by_id(k.source).name == "K"
    assert_close(k.contribution_array, graph.node("K").gradient_array, 0.0)


def test_what_is_transposed_twice_is_not_turned():
    x = randn(2, 3).requires_grad_()
    graph = without_transposes(unfold((x.mT.mT @ ones(3, 2)).sum()))
    edge, _ = graph.inputs(graph.nodes[2])
    assert graph.nodes[2].op == "matmul"
    assert not edge.turned
    assert_close(edge.contribution_array, graph.nodes[0].gradient_array, 0.0)


def test_a_transposition_that_is_used_outside_of_products_stays():
    x = randn(2, 2).requires_grad_()
    graph = without_transposes(unfold((x @ x.mT + x.mT).sum()))
    assert [n.op for n in graph].count("permute_dims") == 1
    assert not any(edge.turned for edge in graph.edges[-3:])


def test_a_transposition_that_is_the_end_stays():
    x = randn(2, 3).requires_grad_()
    assert [n.op for n in without_transposes(unfold(x.mT))] == ["input", "permute_dims"]


def test_an_input_that_was_not_given_is_not_written():
    layer = nn.Linear(2, 3, bias=False)
    x = randn(4, 2)
    with record():
        z = layer(x)
    graph = unfold(z.sum())
    node = graph.node("Linear")
    assert written(graph, node, names(graph)).formula == "x weightᵀ"


def test_numbers_and_settings_are_written():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with record():
        half = x * 0.5
        y = ops.permute_dims(half, (1, 0))
    graph = unfold(y)
    assert written(graph, graph.node("half"), names(graph)).formula == "x ⊙ .5"
    assert written(graph, graph.root, names(graph)).formula == "half, axes (1, 0)"


def lines(graph, name):
    """The formula of a step, and what it adds to each input's gradient."""
    node = graph.node(name)
    words = written(graph, node, names(graph))
    return [words.formula, *(words.rules[e.position] for e in graph.inputs(node))]


def test_powers_and_negative_numbers_are_written_as_on_paper():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with record():
        a = x**2
        b = x**3
        c = x**-0.5
        d = x - (-2)
        e = x * -1e-12
        f = 1 / x
        g = x**1
        loss = (a + b + c + d + e + f + g).sum()
    graph = unfold(loss)
    assert lines(graph, "a") == ["x²", "∂a ⊙ 2 x"]
    assert lines(graph, "b") == ["x³", "∂b ⊙ 3 x²"]
    assert lines(graph, "c") == ["x ^ (−.5)", "∂c ⊙ (−.5) x ^ (−1.5)"]
    assert lines(graph, "d") == ["x − (−2)", "∂d"]
    assert lines(graph, "e") == ["x ⊙ (−1·10⁻¹²)", "∂e ⊙ (−1·10⁻¹²)"]
    assert lines(graph, "f") == ["1 / x", "−∂f ⊙ f / x"]
    assert lines(graph, "g") == ["x ^ 1", "∂g"]


def test_axes_and_slices_are_written_unless_they_go_without_saying():
    x = randn(3, 4).requires_grad_()
    with record():
        a = x.sum(axis=0)
        b = x.max(axis=1)
        c = x[:, 1:3]
        d = functional.softmax(x, axis=0)
        e = functional.softmax(x)
        f = x.sum()
        loss = a.sum() + b.sum() + c.sum() + (d * e).sum() + f
    graph = unfold(loss)
    assert lines(graph, "a")[0] == "Σ x over axis 0"
    assert lines(graph, "b")[0] == "max x over axis 1"
    assert lines(graph, "c") == ["x[:, 1:3]", "∂c at [:, 1:3], else 0"]
    assert lines(graph, "d")[0] == "softmax(x, axis 0)"
    assert lines(graph, "e")[0] == "softmax(x)"
    for name, each in ("d", "Each part over axis 0"), ("e", "Each row"):
        words = written(graph, graph.node(name), names(graph))
        assert words.sentence == f"{each} becomes positive and adds up to 1."
    assert lines(graph, "f")[0] == "Σ x"


def test_what_was_broadcast_collects_from_all_its_copies():
    x, b, c, s = (
        randn(*shape).requires_grad_() for shape in [(2, 3), (3,), (2, 1), ()]
    )
    y, w = randn(2, 3, 4).requires_grad_(), randn(4, 3).requires_grad_()
    with record():
        p = x + b
        q = p * c
        r = q - s
        t = y @ w
        loss = r.sum() + t.sum()
    graph = unfold(loss)
    assert lines(graph, "p") == ["x + b", "∂p", "Σ rows of ∂p"]
    assert lines(graph, "q") == ["p ⊙ c", "∂q ⊙ c", "Σ ∂q ⊙ p over axis 1"]
    assert lines(graph, "r") == ["q − s", "∂r", "Σ −∂r"]
    assert lines(graph, "t") == ["y w", "∂t wᵀ", "Σ yᵀ ∂t over the batch"]


def test_a_function_of_one_input_is_written_with_its_name():
    x = randn(2, 3).requires_grad_()
    with record():
        a = functional.gelu(x)
        b = functional.leaky_relu(x)
        loss = (a + b).sum()
    graph = unfold(loss)
    assert lines(graph, "a")[1] == "∂a ⊙ (Φ(x) + x ⊙ φ(x))"
    assert lines(graph, "b")[1] == "∂b where x > 0, else .01 · ∂b"


def test_a_vector_that_is_made_a_column_is_not_called_by_the_matrix():
    A, x = randn(4, 3).requires_grad_(), randn(3).requires_grad_()
    with record():
        y = A @ x
        loss = (y * y).sum()
    leaves = [node.name for node in unfold(loss) if not node.arguments]
    assert "A" in leaves
    assert not any(name.startswith("A_") for name in leaves)


def test_a_choice_is_told_whichever_side_a_number_is_on():
    x = randn(3).requires_grad_()
    with record():
        y = ops.where(x > 0.0, 0.0, x)
    words = [written(g, g.root, names(g)).sentence for g in [unfold(y)]]
    assert words == ["Each number is that of 0 where greater is true, else that of x."]
