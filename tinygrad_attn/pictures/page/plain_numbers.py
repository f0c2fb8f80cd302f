"""Plain numbers between the cards, such as the ½ of S ⊙ ½, or an eps.

Such a number is no card: it stands in the step that takes it. The page's program has it
as a leaf (`Living.given`), so it can be changed as well. Then what is said of the step
must have the new number. So its formula, its sentences and its rules come once more,
with a mark where the number stands.

If the page shows a part, the number must be changed in the program of the whole, too.
`same_numbers` finds it there. Both graphs opened the same composite, by the same code:
the number is the same if it is taken by the same operation, and if from there the same
operations lead to the same recorded tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...graph.data import Graph, Node
from ...graph.notation.formulas import Written, rule_of, written

Where = tuple[str, int]  # a node's id, and the number of an argument
FIRST_MARK = 0xE000  # a letter that no name has: for private use, says Unicode


def mark(position: int) -> str:
    """What stands in a text for the plain number at a position."""
    return chr(FIRST_MARK + position)


def marked(graph: Graph, node: Node, called: dict[str, str]) -> Written | None:
    """What is said of a step, with marks for its plain numbers; None if it has none, or
    if its formula does not show one: in x³ the 3 has worked itself into the rules."""
    numbers = [i for i, x in enumerate(node.arguments) if isinstance(x, float)]
    if not numbers:
        return None
    words = written(graph, node, called, marks={i: mark(i) for i in numbers})
    return words if all(mark(i) in words.formula for i in numbers) else None


def given_data(
    graph: Graph, node: Node, called: dict[str, str], names: Mapping[Where, str]
) -> dict[str, Any]:
    """The plain numbers of a card as data, and what is said of it with marks.

    Args:
        names: of the leaves that the page's program has for them.
    """
    words = marked(graph, node, called)
    found = [i for i in range(len(node.arguments)) if (node.id, i) in names]
    if words is None or not found:
        return {}
    rules = {
        e.position: rule_of(graph, e, words.rules[e.position], called)
        for e in graph.inputs(node)
        if e.contribution_array is not None
    }
    return {
        "given": [{"id": names[node.id, i], "position": i} for i in found],
        "marked": {
            "formula": f"{called[node.id]} = {words.formula}",
            "sentence": words.sentence,
            "why": words.why,
            "rules": rules,
        },
    }


def same_numbers(
    part: Graph,
    whole: Graph,
    names: Mapping[Where, str],
    names_in_whole: Mapping[Where, str],
) -> dict[str, str]:
    """For plain numbers of a part: the name of the same number in the whole."""
    ways = ways_in(whole)
    there = {}
    for (id, i), name in names_in_whole.items():
        if id in ways:
            node = whole.by_id(id)
            there[ways[id], node.op, i] = name, node.arguments[i]
    ways, found = ways_in(part), {}
    for (id, i), name in names.items():
        node = part.by_id(id)
        other, number = there.get((ways.get(id, ()), node.op, i), ("", None))
        if other and number == node.arguments[i]:
            found[name] = other
    return found


def ways_in(graph: Graph) -> dict[str, tuple[Any, ...]]:
    """For each node the recorded tensor that it is, or that it is a step of, and the
    shortest way to that: operations, and which of their arguments it leads through."""
    ways: dict[str, tuple[Any, ...]] = {}
    for node in reversed(graph.nodes):
        if node.recorded is not None:
            ways[node.id] = (node.recorded,)
        if node.id not in ways:
            continue
        for edge in graph.inputs(node):
            way = (*ways[node.id], node.op, edge.position)
            known = ways.get(edge.source, way)
            ways[edge.source] = min(way, known, key=lambda w: (len(w), w))
    return ways
