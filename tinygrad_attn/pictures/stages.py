"""The stages of attention, as frames: projections, scores, softmax, mix.

They are found by what is computed, not by names: around the softmax in a call lie the
steps that led to it and the product that takes its weights.
"""

from __future__ import annotations

from ..graph.plain import Graph, Node
from .sheet import Frame

STAGES = ("projections", "scores", "softmax", "mix")
GATES = ("where", "dropout")  # what may happen to weights before they are used


def add_stages(
    graph: Graph, homes: dict[str, str], frames: list[Frame]
) -> tuple[dict[str, str], list[Frame]]:
    """The frames with those of the stages inside, and where each card stands then.

    Args:
        homes: for each node the id of the frame it stands in.
    """
    homes, frames = dict(homes), list(frames)
    for node in graph:
        if node.op == "softmax" and homes[node.id]:
            stage = stages_around(graph, node, homes)
            if "mix" not in stage.values():
                continue
            home = homes[node.id]
            for name in STAGES:
                inside = [id for id, found in stage.items() if found == name]
                if not inside:
                    continue
                frame = Frame(f"{home}{name[0]}{name[1]}", home, name)
                if any(f.id == frame.id for f in frames):
                    break
                frames.append(frame)
                homes |= dict.fromkeys(inside, frame.id)
    return homes, frames


def stages_around(graph: Graph, softmax: Node, homes: dict[str, str]) -> dict[str, str]:
    """The stage of each node that stands in the same frame as a softmax."""
    here = homes[softmax.id]
    found = {softmax.id: "softmax"}
    weights = softmax
    while True:  # forward, to the product
        users = [graph.by_id(e.target) for e in graph.uses(weights)]
        users = [u for u in users if homes[u.id] == here]
        if len(users) != 1:
            return found
        weights = users[0]
        if weights.op == "matmul":
            found[weights.id] = "mix"
            break
        if weights.op not in GATES:
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
            if projects(graph, source):
                found[source.id] = "projections"
                todo.append((source, "projections"))
            elif source.op == "parameter" or graph.inputs(source):
                found[source.id] = stage
                todo.append((source, stage))
    return found


def projects(graph: Graph, node: Node) -> bool:
    """Whether a node is a product with a parameter."""
    sources = [graph.by_id(e.source) for e in graph.inputs(node)]
    return node.op in ("matmul", "linear") and any(s.op == "parameter" for s in sources)
