"""One attention head, four times: modules, ideas, rules, single numbers.

    python3 examples/lesson_four_levels.py

You see the computation of one head unfolded step by step, from a single box down to a
graph of single numbers; how many nodes it has at each level; that one of its weights
has the same value and the same gradient at all of them; and where that gradient came
from, product by product.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples.common import lesson, section
from tinygrad_attn import Tensor, explain, manual_seed, randn, record, unfold
from tinygrad_attn.functional import causal_mask, mse_loss
from tinygrad_attn.graph import Graph, Node

T, D_MODEL, D_K = 4, 8, 4
ROW, COLUMN = 2, 1  # the attention weight that is followed: query 2 looks at key 1


class Encoder(nn.Module):
    """A model of one head and a linear layer, so that there is something to fold."""

    def __init__(self) -> None:
        self.head = nn.AttentionHead(D_MODEL, D_K)
        self.out = nn.Linear(D_K, D_K)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, weights = self.head(x, mask=causal_mask(T))
        return self.out(z), weights


def computed() -> tuple[Encoder, Tensor, Tensor]:
    """A model, what its head looked at, and a loss, all recorded."""
    manual_seed(0)
    model = Encoder()
    x, target = randn(T, D_MODEL).requires_grad_(), randn(T, D_K)
    with record():
        y, weights = model(x)
        loss = mse_loss(y, target)
    return model, weights, loss


# === The lesson =======================================================================


def made(graph: Graph, node: Node) -> str:
    """How a node was computed: its operation, what it was applied to, numbers too."""
    given = [
        graph.by_id(x).name if isinstance(x, str) else f"{x:g}"
        for x in node.arguments
        if x is not None
    ]
    return f"{node.name} = {node.op}({', '.join(given)})"


def steps(graph: Graph) -> None:
    """A line for each node that was computed."""
    for node in graph:
        if graph.inputs(node):
            shape = "×".join(map(str, node.shape)) or "one number"
            print(f"    {made(graph, node):60} {shape}")


def counted(graph: Graph) -> str:
    """How many nodes there are of the most frequent kinds."""
    names = {"*": "products", "+": "sums", "parameter": "parameters"}
    most = [(op, n) for op, n in graph.counts().items() if op in names]
    return ", ".join(f"{count} {names[op]}" for op, count in most)


def followed(graph: Graph) -> Node:
    """The node of the weights, or of the one weight that is followed."""
    if graph.level == "scalar":
        return graph.node(f"weights[{ROW},{COLUMN}]")
    return graph.node("weights")


def teach() -> None:
    model, _, loss = computed()
    graphs = {level: unfold(loss, level) for level in ("module", "op", "primitive")}
    graphs["scalar"] = unfold(loss, "scalar")

    section("1. Modules: who calls whom")
    print("The forward was recorded once. Folded by the modules that computed it:\n")
    steps(graphs["module"])
    print("\nThe target is the answer that was wanted.")

    section("2. Ideas: the head, opened")
    print("Each step is one idea, as the head's source writes it, line by line:\n")
    steps(unfold(loss, "op", module="head"))

    section("3. Rules: the softmax, opened")
    print("A softmax is made of rules from a calculus book. It was computed as one")
    print("operation; its steps are found by running its own forward once more, and")
    print("must give the numbers that were recorded:\n")
    primitive = unfold(loss, "primitive", module="head")
    whole = {node.name for node in unfold(loss, "op", module="head")}
    for node in primitive:
        if node.name not in whole or node.name == "weights":
            print(f"    {made(primitive, node):36} {node.formula}")

    section("4. Numbers: everything is + and ·")
    print("The same rules, run on single numbers that record themselves. One number")
    print("of Q is a sum of products:\n")
    scalar = graphs["scalar"]
    trail(scalar, scalar.node("Q[0,0]"))

    section("5. It is the same computation")
    print(f"Follow one weight, of query {ROW} for key {COLUMN}, and ∂loss/∂weight:\n")
    print("    level       nodes  edges      value          gradient")
    for level, graph in graphs.items():
        size = f"    {level:10}{len(graph):7}{len(graph.edges):7}"
        if level == "module":
            print(f"{size}      inside the box of the head")
            continue
        node = followed(graph)
        value, gradient = node.value, node.gradient
        if level != "scalar":
            value, gradient = value[ROW][COLUMN], gradient[ROW][COLUMN]
        print(f"{size}   {value:.12f}  {gradient:+.12f}")
    print(f"\n    scalar: {counted(scalar)}, and others")
    print("\nThe first levels apply rules for whole arrays, derived by hand. The last")
    print("knows nothing but the local derivatives of +, ·, exp and a few others.")

    section("6. Where does a gradient come from?")
    print("Ask for one number of W_Q, the second in its first row:\n")
    print(indented(str(explain(model.head.W_Q[0, 1], of=loss))))
    print("\nW_Q[0,1] is used once for every row of x: as many products are added up.")


def trail(graph: Graph, node: Node) -> None:
    """The numbers that one was made of, as a column of sums."""
    terms: list[Node] = []
    while node.op in ("+", "identity"):
        inputs = [graph.by_id(edge.source) for edge in graph.inputs(node)]
        terms += inputs[1:]
        node = inputs[0]
    for i, product in enumerate([node, *reversed(terms)]):
        x, w = (graph.by_id(edge.source) for edge in graph.inputs(product))
        sign = " " if i == 0 else "+"
        written = f"{x.name} · {w.name}"
        print(f"    {sign} {written:24} = {x.value:+.4f} · {w.value:+.4f}", end="")
        print(f" = {product.value:+.4f}")
    total = graph.node("Q[0,0]")
    print(f"    = {total.name:24}                       {total.value:+.4f}")


def indented(text: str) -> str:
    """Each line moved four places to the right."""
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def main(argv: Sequence[str] | None = None) -> int:
    return lesson("One attention head at four levels", teach, argv, __file__)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
