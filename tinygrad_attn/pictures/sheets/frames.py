"""The frame of each card: the calls of modules and composites."""

from __future__ import annotations

from ...graph.data import Graph, Group
from ..look.text import fit_text
from .sheet import NAME, Frame
from .stages import add_stages


def find_frames(graph: Graph) -> tuple[dict[str, str], list[Frame]]:
    """For each node the id of its frame, or "", and the frames."""
    homes = frames_of_cards(graph)
    frames = frames_of(graph, set(homes.values()))
    drawn = {frame.id for frame in frames}
    homes = {id: home if home in drawn else "" for id, home in homes.items()}
    if graph.level == "op":
        homes, frames = add_stages(graph, homes, frames)
    return homes | homes_near_uses(graph, homes, frames), frames


def homes_near_uses(
    graph: Graph, homes: dict[str, str], frames: list[Frame]
) -> dict[str, str]:
    """For an input or a constant the innermost frame around its use: for one of several
    steps, around all of them. So X stands where Q, K and V are computed from it, and a
    mask beside the scores. What a frame begins with stays outside, before it."""
    parent = {frame.id: frame.parent for frame in frames}
    computed = {edge.target for edge in graph.edges}
    found = {}
    for node in graph:
        users = list(dict.fromkeys([edge.target for edge in graph.uses(node)]))
        own = homes[node.id]
        if graph.inputs(node) or not users or (own and node.op == "parameter"):
            continue
        shared = frames_around(homes[users[0]], parent)
        for user in users[1:]:
            other = frames_around(homes[user], parent)
            shared = [id for id in shared if id in other]
        if len(users) == 1:
            edges = graph.inputs(graph.by_id(users[0]))
            made = [homes[e.source] for e in edges if e.source in computed]
            before = {id for home in made for id in frames_around(home, parent)}
            shared = [id for id in shared if id in before]
        if not own or own in shared:  # what a module made stays inside of it
            found[node.id] = shared[0] if shared else ""
    return found


def frames_around(id: str, parent: dict[str, str]) -> list[str]:
    """A frame and those around it, the innermost first."""
    found = []
    while id:
        found.append(id)
        id = parent.get(id, "")
    return found


def frames_of_cards(graph: Graph) -> dict[str, str]:
    """For each node the id of the call that it was computed in; for a parameter, of the
    innermost call around all its uses."""
    found = {node.id: node.group for node in graph}
    for node in graph:
        if node.op == "parameter" and graph.uses(node):
            users = [graph.by_id(e.target).group for e in graph.uses(node)]
            chains = [calls_around(graph, id) for id in users]
            shared = [id for id in chains[0] if all(id in c for c in chains)]
            found[node.id] = shared[0] if shared else ""
    return found


def calls_around(graph: Graph, id: str) -> list[str]:
    """A call and the calls around it, the innermost first."""
    found = []
    while id:
        found.append(id)
        id = graph.groups[id].parent
    return found


def frames_of(graph: Graph, own: set[str]) -> list[Frame]:
    """Frames for the calls that have cards (`own`) and the calls around them, outermost
    first; without an outermost call that has no cards and only one frame inside."""
    used: dict[str, Group] = {}
    for id in own:
        for call in calls_around(graph, id):
            used[call] = graph.groups[call]
    ordered = [g for id, g in graph.groups.items() if id in used]
    while len(ordered) > 1 and ordered[0].id not in own:
        inside = [g for g in ordered if g.parent == ordered[0].id]
        if len(inside) != 1 or any(g.parent not in used for g in ordered[1:]):
            break
        ordered = ordered[1:]
    drawn = {g.id for g in ordered}
    return [Frame(g.id, g.parent, frame_label(g, used, drawn)) for g in ordered]


def frame_label(group: Group, calls: dict[str, Group], drawn: set[str]) -> str:
    """A frame's name: a module's path inside the frame around it, with its type, or a
    composite's name."""
    name = group.name
    if group.parent in drawn:
        name = name.removeprefix(f"{calls[group.parent].name}.")
    start, _, number = name.rpartition("_")
    numbered = start == group.type and number.isdigit()  # of several in no list
    if group.type == "composite" or name == group.type or numbered:
        return fit_text(name, NAME)
    return fit_text(f"{name}  {group.type}", NAME)
