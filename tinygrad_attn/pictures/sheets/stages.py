"""The stages of attention, as frames: projections, scores, softmax, mix.

They are found by their operations, not by names: before a softmax in a call come the
steps that lead to it, and after it the product that takes its weights.
"""

from __future__ import annotations

from ...graph.data import Graph, Node
from .sheet import Frame

STAGES = ("projections", "scores", "softmax", "mix")


def add_stages(
    graph: Graph, homes: dict[str, str], frames: list[Frame]
) -> tuple[dict[str, str], list[Frame]]:
    """The frame of each node, and all frames, with those of the stages added.

    Args:
        homes: for each node the id of its frame, before.
    """
    homes, frames = dict(homes), list(frames)
    done = {""}  # a second attention in the same call gets no frames
    for node in graph:
        if node.kind == "softmax" and homes[node.id] not in done:
            stage = stages_around(graph, node, homes)
            if "mix" not in stage.values():
                continue
            home = homes[node.id]
            done.add(home)
            for name in STAGES:
                inside = [id for id, found in stage.items() if found == name]
                if not inside:
                    continue
                frame = Frame(f"{home}{name[0]}{name[1]}", home, name)
                frames.append(frame)
                homes |= dict.fromkeys(inside, frame.id)
    return homes, frames


def stages_around(graph: Graph, softmax: Node, homes: dict[str, str]) -> dict[str, str]:
    """The stages of the nodes in the same frame as a softmax."""
    here = homes[softmax.id]
    found = {softmax.id: "softmax"}
    weights = softmax
    while True:  # forward, to the product
        users = [graph.by_id(e.target) for e in graph.uses(weights)]
        users = [u for u in users if homes[u.id] == here]
        if len(users) != 1:
            return found
        weights = users[0]
        if weights.kind == "product":
            found[weights.id] = "mix"
            break
        if weights.kind not in ("choice", "gate"):
            return found
        found[weights.id] = "softmax"
    mix = weights
    todo = [(softmax, "scores"), (mix, "projections")]
    while todo:  # and backward
        node, stage = todo.pop()
        for edge in graph.inputs(node):
            source = graph.by_id(edge.source)
            if source.id in found or homes[source.id] != here:
                continue
            if source.op == "parameter":
                found[source.id] = stage
            elif graph.inputs(source) and not projects(graph, node):
                # The inputs of the scores' product, query and key, are projections.
                before = "projections" if node.kind == "product" else stage
                before = "projections" if projects(graph, source) else before
                found[source.id] = before
                todo.append((source, before))
    return found


def projects(graph: Graph, node: Node) -> bool:
    """Whether a node is a product with a parameter as input."""
    sources = [graph.by_id(e.source) for e in graph.inputs(node)]
    return node.kind == "product" and any(s.op == "parameter" for s in sources)
