"""A tour through a page: its stops, each at a card, with a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import brief, say
from ...graph.data import Graph, Node

BACK = "∂"  # before a card's name: where its gradient is looked at


def stops(
    tour: Any, graph: Graph, called: Mapping[str, str], steps: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The stops as data.

    Args:
        tour: of each stop its name in a link, its card, and the words; see `play`.
        called: the name of each card on the page, by id.
        steps: of the page, as `play` makes them.

    Raises:
        TypeError, ValueError: a stop is no such triple, or it cannot be found.
    """
    if tour is None:
        return []
    if isinstance(tour, (str, Mapping)) or not isinstance(tour, Sequence):
        raise TypeError(f"play: tour={brief(tour)} given; {FORM}")
    found: dict[str, dict[str, Any]] = {}
    for given in tour:
        if not is_stop(given):
            raise TypeError(f"play: tour stop {brief(given)} given; {FORM}")
        name, where, words = given
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or name in found:
            raise ValueError(
                f"play: tour stop {say(name)} given; its name stands in a link, so it "
                "must be of letters, digits and hyphens, and no other stop's"
            )
        node = node_at(where.removeprefix(BACK), name, graph, called)
        if where.startswith(BACK) and node.gradient_array is None:
            raise ValueError(
                f"play: tour stop {say(name)} is at {say(where)}, but no gradient "
                f"reaches {node.name}"
            )
        step = step_of(node, where.startswith(BACK), steps)
        is_leaf = not graph.inputs(node)
        place = {"card": node.id, "step": step, "leaf": is_leaf}
        found[name] = {"name": name, "words": words} | place
    return [*found.values()]


FORM = (
    "it must be a list of stops, each (name, card, words): ('softmax', 'weights', "
    "'Each row adds up to 1.')"
)


def is_stop(given: Any) -> bool:
    """Whether this is a triple of texts."""
    form = isinstance(given, (tuple, list)) and len(given) == 3
    return form and all(isinstance(text, str) for text in given)


def node_at(where: str, stop: str, graph: Graph, called: Mapping[str, str]) -> Node:
    """The card that a stop is at, by its name on the page or in the graph."""
    for node in graph:
        if where in (called[node.id], node.name):
            return node
    names = [called[node.id] for node in graph]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    raise ValueError(
        f"play: tour stop {say(stop)} is at {say(where)}, which is no card; the cards "
        f"are {', '.join(names[:12])}{more}"
    )


def step_of(node: Node, back: bool, steps: list[dict[str, Any]]) -> int:
    """The number of the step at which a card is looked at: forward where it is made,
    backward where its gradient is complete. A leaf, which has no step, is looked at
    before all or after all."""
    kinds = ("seed", "backward") if back else ("forward",)
    for i, step in enumerate(steps):
        if step["card"] == node.id and step["kind"] in kinds:
            return i
    return len(steps) - 1 if back else 0
