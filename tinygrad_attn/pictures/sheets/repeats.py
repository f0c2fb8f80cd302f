"""Repeats at the module level: of six equal layers one is drawn, with "× 6".

A fold must not lie: what is drawn, times its counts, is the whole. So the members of a
run compute the same steps with parameters of their own, or all with the same ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ...graph.data import Graph, Node


@dataclass
class Repeats:
    """What stands for what.

    Attributes:
        shown: for each node the id of the one that is drawn for it.
        runs: the numbers of the modules that a path stands for, such as {"layers.0":
            [0, 1, 2, 3, 4, 5]}.
        whole: of these paths, those that stand for all modules of their list.
        paths: for each node the path of the module that it belongs to.
        homes: for each node the path of the module whose frame it stands in.
    """

    shown: dict[str, str]
    runs: dict[str, list[int]]
    whole: set[str]
    paths: dict[str, str]
    homes: dict[str, str]

    def __post_init__(self) -> None:
        self.sizes = Counter(self.shown.values())

    def count(self, node: Node) -> int:
        """How many nodes a card stands for, each time that its frame is there."""
        return self.sizes[node.id] // self.frames(node)

    def frames(self, node: Node) -> int:
        """How often the frames around a card are there."""
        return prod(self.times(path) for path in prefixes(self.homes[node.id]))

    def times(self, path: str) -> int:
        """How many modules a path stands for."""
        return len(self.runs.get(path, [0]))


def repeats_of(graph: Graph, fold: bool = True, step: int = 1) -> Repeats:
    """The repeats in a graph of modules; none if nothing shall be folded.

    Args:
        step: which of them is drawn for all, from 1; the last, where there are fewer.
    """
    paths = {node.id: path_of(graph, node) for node in graph}
    blocks: dict[str, dict[int, list[Node]]] = {}
    for node in graph:
        for found in re.finditer(r"(?:^|\.)(\d+)(?=\.|$)", paths[node.id]):
            path = paths[node.id][: found.start(1)]
            blocks.setdefault(path, {}).setdefault(int(found[1]), []).append(node)
    shown = {node.id: node.id for node in graph}
    runs: dict[str, list[int]] = {}
    whole: set[str] = set()
    own: dict[str, str] = {}  # a leaf that each of a run has for itself → its home
    for path, members in sorted(blocks.items()) if fold else ():
        for run in runs_of(graph, members):
            drawn = run[min(step, len(run)) - 1]
            runs[f"{path}{drawn}"] = run
            for i in run:
                for node, like in zip(members[i], members[drawn]):
                    shown[node.id] = shown[like.id]
            blocks_of_run = [members[i] for i in run]
            for leaf, twins in own_leaves(graph, blocks_of_run, run.index(drawn)):
                own[leaf] = f"{path}{drawn}"
                shown |= dict.fromkeys(twins, leaf)
            if len(run) == len(members):
                whole.add(f"{path}{drawn}")
    for id in shown:
        while shown[id] != shown[shown[id]]:
            shown[id] = shown[shown[id]]
    boxes = {node.module for node in graph if is_call(graph, node)}
    homes = {node.id: home_of(graph, node, paths[node.id], boxes) for node in graph}
    homes |= {id: home for id, home in own.items() if home not in boxes}
    return Repeats(shown, runs, whole, paths, homes)


def own_leaves(
    graph: Graph, blocks: Sequence[Sequence[Node]], drawn: int
) -> Iterator[tuple[str, list[str]]]:
    """The leaves from outside that each of several equal blocks has for itself, such as
    a table of cosines: that of the drawn block, and those of the others."""
    inside = [{node.id for node in block} for block in blocks]
    for alike in zip(*blocks):
        for edges in zip(*map(graph.inputs, alike)):
            leaves = [edge.source for edge in edges]
            if len(set(leaves)) == len(leaves) and all(
                id not in mine
                and not graph.inputs(graph.by_id(id))
                and all(edge.target in mine for edge in graph.uses(graph.by_id(id)))
                for id, mine in zip(leaves, inside)
            ):
                yield leaves[drawn], leaves[:drawn] + leaves[drawn + 1 :]


def runs_of(graph: Graph, members: dict[int, list[Node]]) -> list[list[int]]:
    """The modules of a list that repeat each other: they compute the same steps, and
    follow each other with nothing between, or stand beside each other."""
    runs: list[list[int]] = []
    steps: list[Any] = []
    for i in sorted(members):
        here = steps_of(graph, members[i])
        if runs and i == runs[-1][-1] + 1 and here == steps:
            first, last = runs[-1][0], runs[-1][-1]
            if follows(graph, members[first], members[last], members[i]):
                runs[-1].append(i)
                continue
        runs.append([i])  # a run ends, and perhaps another begins
        steps = here
    return [run for run in runs if len(run) > 1]


def follows(
    graph: Graph, first: Sequence[Node], before: Sequence[Node], here: Sequence[Node]
) -> bool:
    """Whether a block comes right after the one before, or stands beside it, so that a
    card with a count can tell all lines. What it is given comes from the one before, or
    is given to the first block as well, or is a leaf. The one before gives to nobody
    else; or, if they stand beside each other, to whom this one gives, too."""
    own, old = ({node.id for node in block} for block in (here, before))
    given = {edge.source for node in first for edge in graph.inputs(node)}
    taking = {edge.target for node in here for edge in graph.uses(node)}
    sources = {edge.source for node in here for edge in graph.inputs(node)}
    targets = {edge.target for node in before for edge in graph.uses(node)}
    computed = {id for id in sources if graph.inputs(graph.by_id(id))}
    others = taking if own.isdisjoint(targets) else set[str]()
    return computed <= own | old | given and targets <= own | old | others


def is_call(graph: Graph, node: Node) -> bool:
    """Whether a node is a module's call, not an operation between modules."""
    return bool(graph.inputs(node)) and node.operation is None


def path_of(graph: Graph, node: Node) -> str:
    """The path of the module that a node belongs to: for a parameter with a box of its
    own, of the innermost module around all its uses."""
    if graph.inputs(node) or node.op != "parameter":
        return node.module
    if not graph.uses(node):
        return ""
    users = [graph.by_id(edge.target).module for edge in graph.uses(node)]
    if len(set(users)) == 1:
        return users[0]
    parts = [path.split(".") for path in users]
    shared: list[str] = []
    for level in zip(*parts):
        if any(part != level[0] for part in level):
            numbers = all(part.isdigit() for part in level)
            if numbers and shared and not shared[-1].isdigit():
                shared.pop()  # "layers", a list of modules, is no module
            break
        shared.append(level[0])
    return ".".join(shared)


def home_of(graph: Graph, node: Node, path: str, boxes: set[str]) -> str:
    """The path of the module whose frame a node stands in. A call, and a parameter that
    only one module's calls use, stand beside each other in the frame of the parent."""
    alone = is_call(graph, node) or (node.op == "parameter" and path in boxes)
    return path.rpartition(".")[0] if alone else path


def prefixes(path: str) -> list[str]:
    """A path and those of the modules around it."""
    parts = path.split(".") if path else []
    return [".".join(parts[: n + 1]) for n in range(len(parts))]


def steps_of(graph: Graph, block: Sequence[Node]) -> list[tuple[Any, ...]]:
    """The steps of a block, for comparison: equal for repeats. An input is known by its
    place in the block; a parameter from outside is the same one for all repeats."""
    place = {node.id: at for at, node in enumerate(block)}
    found = []
    for node in block:
        sources = []
        for edge in graph.inputs(node):
            shared = graph.by_id(edge.source).op == "parameter"
            outside = edge.source if shared else None
            sources.append((place.get(edge.source, outside), edge.result))
        numbers = [x for x in node.arguments if not isinstance(x, str)]
        step = node.op, node.shape, node.parameters, sources, numbers
        found.append((*step, sorted(map(str, node.settings.items()))))
    return found


def numbered(name: str, path: str, run: Sequence[int]) -> str:
    """A name that begins with a module's number, with those of all that it stands for.

    >>> numbered("0", "layers.0", range(5))
    '0 to 4'
    >>> numbered("layers.2.weight", "layers.2", range(2, 5))
    'layers.2 to 4.weight'
    >>> numbered("0_2", "layers.0", range(5))  # called a second time
    '0_2 to 4_2'
    >>> numbered("3", "layers.3", range(5))  # the fourth is drawn
    '3 of 0 to 4'
    """
    outer, _, drawn = path.rpartition(".")
    if len(run) == 1 or not drawn.isdigit():
        return name
    before = f"{outer}." if outer and name.startswith(f"{outer}.") else ""
    own = re.match(rf"{drawn}(_\d+)?(?![^.])", name[len(before) :])
    if own is None:
        return name
    call = own[1] or ""
    which = f"{run[0]}{call} to {run[-1]}{call}"
    if int(drawn) != run[0]:
        which = f"{own[0]} of {which}"
    return f"{before}{which}{name[len(before) + own.end() :]}"
