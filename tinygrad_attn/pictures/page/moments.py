"""The moments of a training that a page shows: what its leaves were at each snapshot.

A snapshot sets the parameters. A page of one head begins later than at them, at what
the layers before made of the tokens; so that is computed here, for each snapshot, and
all else by the page itself.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from struct import pack, unpack
from typing import Any

from ...arrays.array import Array
from ...arrays.backends import use_backend
from ...context import no_grad
from ...errors import brief, say
from ...graph.data import Graph, flat
from ...graph.names import Names
from ...graph.trace import trace_of
from ...program.living import Again, Living
from ...tensor import Tensor
from ..history import History

Numbers = Sequence[float]
State = Mapping[str, Numbers]  # id of a node → its numbers


LEFT_OUT = (
    "The history is left out: what the model computed then cannot be computed here."
)


def check_history(history: Any, root: Any) -> None:
    """Refuses what is no history, or stands beside a graph that has no Tensors."""
    if history is not None and not isinstance(history, History):
        raise TypeError(
            f"play: history={brief(history)} given; it must be a History, which "
            "keeps snapshots of a model in training"
        )
    if history is not None and isinstance(root, Graph):
        raise ValueError(
            "play: history given beside a Graph, which does not know its Tensors; give "
            "the Tensor that it was made from"
        )


def past(
    history: History, root: Any, graph: Graph, program: Living | None, why_not: str
) -> dict[str, Any]:
    """A history as the page's data; or why there is none, after why the page only
    plays."""
    found = moments(history, root, graph, program)
    if found is None:
        return {"only_plays": f"{why_not} {LEFT_OUT}".strip()}
    return {"moments": found}


def moments(
    history: History, root: Tensor, graph: Graph, program: Living | None
) -> dict[str, Any] | None:
    """A history as the page's data.

    Args:
        root: L.
        graph: the whole computation of it.
        program: that of the page which a snapshot is put into; it may begin later than
            the graph. None if there is none.

    Returns:
        `leaves` and `counts` (what changes from snapshot to snapshot, and how many
        numbers that has), `steps`, `numbers` (for each step those of all leaves) and
        `at`: which of the steps was recorded. Where that is none of those kept, it
        comes last, and its step is None. None if there is no program.

    Raises:
        ValueError: nothing was kept, or of other Tensors than those behind L.
    """
    kept = kept_in(history, root, graph)
    if program is None:
        return None
    now = {id: flat(graph.by_id(id).array) for id in kept}
    states: list[State] = [
        {id: s.numbers[i] for id, i in kept.items()} for s in history.snapshots
    ]
    steps: list[int | None] = [*history.steps]
    same = [i for i, s in enumerate(states) if all([*s[id]] == now[id] for id in kept)]
    if not same:
        same = [len(states)]
        states.append(now)
        steps.append(None)
    begins = {n.id for n in graph if n.id in program.numbers}
    found = [leaves_at(graph, begins, state) for state in states]
    leaves = list(found[0])
    return {
        "leaves": leaves,
        "counts": [len(found[0][id]) for id in leaves],
        "steps": steps,
        "numbers": [packed([v for id in leaves for v in s[id]]) for s in found],
        "at": same[-1],
    }


def kept_in(history: History, root: Tensor, graph: Graph) -> dict[str, int]:
    """The leaves of a graph that a history keeps: id → number of the parameter."""
    if not history.snapshots:
        raise ValueError(
            "play: a history without snapshots given; call its keep(step) in training"
        )
    number = {id(t): i for i, t in enumerate(history.parameters)}
    recorded = {at: t for t, at in Names(trace_of("play", root)).recorded.items()}
    leaves = [n for n in graph if n.operation is None and n.recorded is not None]
    found = {n.id: number.get(id(recorded.get(n.recorded or 0))) for n in leaves}
    kept = {id: i for id, i in found.items() if i is not None}
    if not kept:
        raise ValueError(
            f"play: history={say(history)} given; the root was computed from none of "
            "its "
            "parameters, so it is of another model"
        )
    return kept


def leaves_at(graph: Graph, begins: set[str], state: State) -> dict[str, Numbers]:
    """What a program begins with, as far as other parameters change it."""
    found: dict[str, Numbers] = {id: state[id] for id in state if id in begins}
    made = [n for n in graph if n.id in begins and n.operation is not None]
    if not made:
        return found
    before = before_them(graph, {n.id for n in made})
    again = Again(before)
    for id, numbers in state.items():
        if id in again.leaves:
            leaf = again.leaves[id]
            leaf.array = Array([*numbers], leaf.shape, "float64")
    with use_backend("python"), no_grad():
        for node in before:
            again.tensors[node.id] = again.made(node)
    found.update((n.id, flat(again.tensors[n.id].array)) for n in made)
    return found


def before_them(graph: Graph, ends: set[str]) -> Graph:
    """The part of a graph that some nodes are computed from, with them."""
    needed = set(ends)
    for node in reversed(graph.nodes):
        if node.id in needed:
            needed.update(edge.source for edge in graph.inputs(node))
    nodes = [n for n in graph if n.id in needed]
    edges = [e for e in graph.edges if e.target in needed]
    return replace(graph, nodes=nodes, edges=edges, seeds={})


def packed(numbers: Numbers) -> str:
    """Floats as bytes in base64: as float32, if that loses nothing, else as float64.
    A letter says which: "f" or "d"."""
    narrow = pack(f"<{len(numbers)}f", *numbers) if all_fit(numbers) else b""
    if narrow and list(unpack(f"<{len(numbers)}f", narrow)) == [*numbers]:
        return "f" + b64encode(narrow).decode()
    return "d" + b64encode(pack(f"<{len(numbers)}d", *numbers)).decode()


def all_fit(numbers: Numbers) -> bool:
    """Whether float32 has numbers as large as these."""
    return all(abs(v) < 3e38 for v in numbers)
