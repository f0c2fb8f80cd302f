"""What of a page can be switched, and where a part's plain numbers are in the whole."""

from __future__ import annotations

import math

import nn
from tinygrad_attn import Tensor, functional, manual_seed, ops, randn, record
from tinygrad_attn.graph.unfold import graph_of
from tinygrad_attn.pictures.page.plain_numbers import mark, marked, same_numbers
from tinygrad_attn.pictures.page.switches import switches
from tinygrad_attn.pictures.sheets.labels import short_names


def names_of(graph):
    """As the program of a page calls the plain numbers of a graph."""
    return {
        (node.id, i): f"{node.id}_{i}"
        for node in graph
        for i, x in enumerate(node.arguments)
        if isinstance(x, float)
    }


def found_in(loss):
    graph = graph_of("test", loss)
    found = switches(graph, names_of(graph))
    names = {n.id: n.name for n in graph}
    return {
        "masks": {name: [names[i] for i in ids] for name, ids, _ in found["masks"]},
        "off": {name: off for name, _, off in found["masks"]},
        "computed": found["computed"],
        "scales": [names[name.split("_")[0]] for name in found["scales"]],
        "tokens": [(names[id], axis, word) for id, axis, word in found["tokens"]],
        "most": {names[id]: most for id, most in found["most"].items()},
    }


def test_masks_of_attention_and_no_other_choices():
    q = randn(3, 4).requires_grad_()
    causal, padding = functional.causal_mask(3), Tensor([True, True, False])
    hidden, other = Tensor([False, False, True]), Tensor([True, False, True, True])
    with record():
        scores = q @ q.transpose(0, 1)
        kept = ops.where(causal, ops.where(padding, scores, -math.inf), -1e9)
        weights = functional.softmax(kept, -1)
        inverse = functional.softmax(ops.where(hidden, -math.inf, scores), -1)
        z = ops.where(other, weights @ q, 0.0)
        loss = z.sum() + (inverse @ q).sum()
    assert found_in(loss)["masks"] == {"padding": ["padding"], "causal": ["causal"]}


def test_two_masks_in_one_are_two():
    q = randn(1, 3, 4).requires_grad_()
    padding = Tensor([[True, True, False]])
    with record():
        z = functional.scaled_dot_product_attention(
            q, q, q, padding.reshape(1, 1, 3), is_causal=True
        )
        loss = z.sum()
    assert len(found_in(loss)["masks"]) == 2


def test_masks_that_are_added_to_scores():
    """What is learned, or has other numbers, is none."""
    q = randn(3, 4).requires_grad_()
    inf = math.inf
    causal = Tensor([[0.0, -inf, -inf], [0.0, 0.0, -inf], [0.0, 0.0, 0.0]])
    padding, nothing = Tensor([0.0, 0.0, -1e9]), Tensor([0.0, 0.0, 0.0])
    nearer = Tensor([[0.0, -1.0, -2.0]])
    learned = Tensor([0.0, 0.0, -1e9]).requires_grad_()
    with record():
        scores = q @ q.transpose(0, 1)
        kept = scores + (causal + padding.reshape(1, 3))
        other = scores + nothing + nearer + learned
        z = functional.softmax(kept, -1) @ q + functional.softmax(other, -1) @ q
        loss = (z * z).sum()
    found = found_in(loss)
    assert found["masks"] == {"causal": ["causal"], "padding": ["padding"]}
    assert found["off"] == {"causal": 0, "padding": 0}


def test_a_mask_that_a_step_computes_is_named():
    q = randn(3, 4).requires_grad_()
    places, given = Tensor([0.0, 1.0, 2.0]), Tensor([True, True, False])
    with record():
        earlier = places.reshape(1, 3) <= places.reshape(3, 1)
        z = functional.scaled_dot_product_attention(q, q, q, earlier)
        y = functional.scaled_dot_product_attention(z, z, z, given)
        loss = (y * y).sum()
    found = found_in(loss)
    assert found["computed"] == ["earlier"]
    assert found["masks"] == {"given": ["given"]}
    assert found["off"] == {"given": 1}


def test_only_the_root_of_d_k_is_called_so():
    q = randn(3, 4).requires_grad_()
    layer = nn.Linear(4, 4)
    with record():
        scores = q @ q.transpose(0, 1)
        divided = scores / 2.0
        timed = scores * 0.5
        cold = scores * 0.7
        logits = layer(q) * 0.5  # a product with a weight
        loss = sum(
            functional.softmax(s, -1)[0, 0] for s in (divided, timed, cold, logits)
        )
    assert sorted(found_in(loss)["scales"]) == ["divided", "timed"]


def test_what_changes_places_and_how_large_an_index_may_be():
    embedding = nn.Embedding(5, 4)
    tokens, labels = Tensor([1, 2, 4]), Tensor([0, 2, 1])
    x = randn(2, 4)
    with record():
        rows = embedding(tokens)
        z = functional.scaled_dot_product_attention(rows, rows, rows)
        loss = functional.cross_entropy(z, labels) + (z @ x.transpose(0, 1)).sum()
    found = found_in(loss)
    assert found["tokens"] == [("indices", "column", "token"), ("x", "row", "row")]
    assert [*found["most"].values()] == [4, 3]


class Attention(nn.Module):
    def __init__(self, scale):
        self.scale, self.project = scale, nn.Linear(4, 4)

    def forward(self, x):
        y = self.project(x)
        return functional.scaled_dot_product_attention(y, y, y, scale=self.scale)


def of_layers(*scales):
    """Several attentions one after the other."""
    manual_seed(0)
    layers, x = [Attention(s) for s in scales], randn(1, 3, 4).requires_grad_()
    with record():
        for layer in layers:
            x = layer(x)
        loss = (x * x).sum()
    return layers, loss


def test_a_number_of_a_part_is_found_in_the_whole():
    """In the same call, be there others with the same number."""
    layers, loss = of_layers(0.5, 0.5, 0.5)
    for level in ("op", "primitive"):
        whole = graph_of("test", loss, level)
        scales = [n for n in whole if n.name.startswith("energies")]
        for i, layer in enumerate(layers):
            part = graph_of("test", loss, level, module=layer)
            (own,) = [n for n in part if n.name.startswith("energies")]
            links = same_numbers(part, whole, names_of(part), names_of(whole))
            assert links[f"{own.id}_1"] == f"{scales[i].id}_1"


def test_another_number_is_not_taken_for_the_same():
    layers, loss = of_layers(0.5)
    _, other = of_layers(0.25)
    part, whole = graph_of("test", loss, module=layers[0]), graph_of("test", other)
    assert same_numbers(part, whole, names_of(part), names_of(whole)) == {}


def test_a_formula_without_its_number_has_no_marks():
    """In x³ the exponent has become a part of the rule, 3 x²."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    with record():
        loss = (x**3 * 0.5).sum()
    graph = graph_of("test", loss)
    called = short_names(graph)
    power, product = (graph.node(op) for op in ("pow", "mul"))
    assert marked(graph, power, called) is None
    assert marked(graph, product, called).formula == f"pow ⊙ {mark(1)}"
    assert marked(graph, graph.root, called) is None
