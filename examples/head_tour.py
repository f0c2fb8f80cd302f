"""Ten stops on the page of one attention head, for `play(..., tour=...)`.

The words are those of the lessons `attention_as_lookup.py` (forward) and
`lesson_one_neuron.py` (backward). A ∂ before a card's name leads to where its gradient
is complete.
"""

from __future__ import annotations

from tinygrad_attn.graph import Graph

ROWS = "rows"  # stands for the card that a head begins with, whose name differs

STOPS = [
    (
        "lookup",
        ROWS,
        "Attention is a look-up. All that this head computes is made from these rows, "
        "one for each token.",
    ),
    (
        "query",
        "q_proj",
        "A query is what a token asks. Each row is multiplied by a matrix, and that "
        "matrix is learned.",
    ),
    (
        "key",
        "k_proj",
        "A key is what a token can be found by. It is made from the same rows, by "
        "another matrix.",
    ),
    (
        "energy",
        "products",
        "Each query meets each key: multiply number by number and add. The result is "
        "large where both are; row i has what token i asks of all.",
    ),
    (
        "scale",
        "energies",
        "A product is a sum of d_k numbers, so its variance grows with d_k, and large "
        "energies make the softmax all but choose: then its slope is near 0. Divided "
        "by √d_k, the gradient stays.",
    ),
    (
        "softmax",
        "weights",
        "e to the power of each energy is positive; divided by the sum of its row, all "
        "add up to 1. Blue is where a token looks.",
    ),
    (
        "blend",
        "z",
        "A dictionary would return the one value whose key matches. This returns a "
        "blend of all values, and so each number here has a gradient, and can be "
        "learned.",
    ),
    (
        "seed",
        "∂z",
        "Now backward. What is computed from z after this head sends this gradient to "
        "it: how much the loss changes if a number of z grows a little.",
    ),
    (
        "softmax-back",
        "∂weights",
        "A row always adds up to 1: raising one weight lowers the others, so only "
        "what differs from the row's weighted mean passes to the energies.",
    ),
    (
        "weight",
        "∂q_proj.weight",
        "What backprop is for: a weight meets every row, so its gradient adds up over "
        "all rows. Click one to change it and to see its paths to the loss; then end "
        "the tour, and step downhill.",
    ),
]


def tour_of(graph: Graph) -> list[tuple[str, str, str]]:
    """The stops for the graph of one head; none if a card is missing."""
    names = {node.name for node in graph}
    names |= {name.rpartition("self_attn.")[2] for name in names}
    stops = [
        (name, graph.nodes[0].name if card == ROWS else card, words)
        for name, card, words in STOPS
    ]
    there = all(card.removeprefix("∂") in names for _, card, _ in stops)
    return stops if there else []
