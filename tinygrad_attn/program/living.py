"""Living: a graph as a program of JavaScript, for a page where numbers can be changed.

A graph is plain data: for each node its operation, its inputs and its settings. So it
can be computed once more, on names (drafting.py), and its walk backward with it. Unlike
`write`'s, this program keeps all: the value and the gradient of each node, and the
contribution of each edge, lie at a place of their own, which `Living` names. What the
graph begins with (parameters, inputs, constants, and the plain numbers in between, such
as √d_k) is loaded before the first step, and may be changed between steps.

All is computed in float64, whatever was recorded: so an edit moves only what depends on
it.

    const program = createProgram(numbers);
    program.step();
    program.parameters.n3.array[0] += 0.1;
    program.step();

What a node sends back can be asked of any gradient, too. `program.alone.n5()` takes the
one that lies at n5's place, and writes the contributions of n5's edges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ..arrays.array import Array
from ..arrays.backends import use_backend
from ..autograd.recording import apply, make
from ..graph.data import Graph, Node, flat
from ..rules import comparisons, composites, movement, primitives
from ..tensor import Tensor
from .anatomy import Buffer, Origin, View
from .arranging import needed
from .drafting import Draft, draft_of
from .listing import Program
from .writers.javascript_text import JavaScriptText

Place = tuple[str, int, list[int], list[int]]  # array, offset, shape, strides


@dataclass(eq=False)
class Living:
    """A graph's program, and where its numbers lie.

    Attributes:
        text: the program.
        numbers: name of a leaf → its numbers, as they were recorded.
        values, gradients: a node's id → their place.
        shares: (a node's id, number of an argument) → the place of what the node sends
            back to it.
        given: (a node's id, number of an argument) → the name of the plain number that
            is given there.
        loss: the place of L.
    """

    text: str
    numbers: dict[str, list[float]]
    values: dict[str, Place]
    gradients: dict[str, Place]
    shares: dict[tuple[str, int], Place]
    given: dict[tuple[str, int], str]
    loss: Place


def living(graph: Graph) -> Living:
    """The program of a graph at level "op" or "primitive".

    If the graph is a part, L is not in it. Then the gradients that its results get from
    outside are loaded, too (`seed_n7`), and L stands for Σ gradient ⊙ result, which
    sends just these gradients back.

    >>> from ..graph.unfold import unfold
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> found = living(unfold((x * x).sum()))
    >>> found.values["n1"], found.numbers
    (('n1', 0, [2], [1]), {'n0': [1.0, 2.0]})
    """
    again = Again(graph)
    with use_backend("python"):
        draft = draft_of(again, {})
    made = {id: t.array for id, t in again.tensors.items() if id not in again.leaves}
    # leaves first: what only looks at one has its buffer, and its name
    values = {id: draft.tape.leaf(t) for id, t in again.leaves.items()} | made
    reached = {id: draft.reached.get(t) for id, t in again.tensors.items()}
    gradients = {id: g for id, g in reached.items() if g is not None}
    ids = {t: id for id, t in again.tensors.items()}
    shares = {(ids[t], i): g for t, i, g in draft.shares if t in ids}
    known = [*values.values(), *gradients.values(), *shares.values()]
    program = program_of(draft, [*known, draft.outputs[0].array], values)
    alone = {s: ids[s.origin.node] for s in program.steps if sent_by(s.origin, ids)}
    return Living(
        JavaScriptText(program, alone=alone).text(),
        {name: flat(t.array) for name, t in again.leaves.items()},
        {node.id: place(values[node.id]) for node in graph},
        {id: place(g) for id, g in gradients.items()},
        {where: place(share) for where, share in shares.items()},
        again.given,
        place(draft.outputs[0].array),
    )


def sent_by(origin: Origin, ids: Mapping[Any, str]) -> bool:
    """Whether a step computes what a node sends back."""
    return origin.part == "backward" and origin.node in ids


@dataclass(eq=False)
class Again:
    """A graph, to be computed once more: a function that returns L.

    Attributes:
        leaves: name → the tensor that is loaded.
        tensors: a node's id → its tensor.
        given: as in `Living`.
    """

    graph: Graph
    leaves: dict[str, Tensor] = field(default_factory=dict)
    tensors: dict[str, Any] = field(default_factory=dict)
    given: dict[tuple[str, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.graph:
            if node.operation is None:
                self.leaf(node.id, node.array, node.gradient_array is not None)
            for i, x in enumerate(node.arguments):
                if isinstance(x, float):
                    self.given[node.id, i] = name = f"{node.id}_{i}"
                    self.leaf(name, Array([x], (), "float64"))
        for id, g in self.outside.items():
            self.leaf(f"seed_{id}", g)

    @property
    def outside(self) -> Mapping[str, Any]:
        """The seeds of a part; L itself needs none."""
        seeds, root = self.graph.seeds, self.graph.root
        whole = [*seeds] == [root.id] and flat(seeds[root.id]) == [1.0]
        return {} if whole and root.name == self.graph.of else seeds

    def leaf(self, name: str, array: Any, learns: bool = False) -> None:
        dtype = str(array.dtype)
        dtype = "float64" if dtype.startswith("float") else dtype
        numbers = Array(flat(array), tuple(array.shape), dtype)
        self.leaves[name] = t = make(numbers)
        t._requires_grad = learns

    def __call__(self) -> Any:
        for node in self.graph:
            self.tensors[node.id] = self.made(node)
        if not self.outside:
            return self.tensors[self.graph.root.id]
        parts = [
            (self.tensors[id] * self.leaves[f"seed_{id}"]).sum() for id in self.outside
        ]
        return sum(parts[1:], parts[0])

    def made(self, node: Node) -> Any:
        if node.operation is None:
            return self.leaves[node.id]
        inputs: list[Any] = []
        for i, x in enumerate(node.arguments):
            if isinstance(x, str):
                inputs.append(self.tensors[x])
            else:
                inputs.append(self.leaves.get(f"{node.id}_{i}", x))
        settings = {
            key: "float64" if str(v).startswith("float") else v
            for key, v in node.settings.items()
        }
        if node.operation in (movement.take, comparisons.one_hot):
            inputs[-1] = in_range(inputs[-1], node, settings.get("classes", inputs[0]))
        if self.takes_it_that_rows_see(node):
            inputs[0] = apply(comparisons.each_row_sees, inputs[0], says=SEES)
        return apply(node.operation, *inputs, **settings)

    def takes_it_that_rows_see(self, node: Node) -> bool:
        """Whether a step masks scores of attention that was recorded with each query
        seeing something. Else it was recorded with a choice of 0 for the others."""
        group = self.graph.groups.get(node.group)
        attention = composites.scaled_dot_product_attention.name
        if group is None or group.type != "composite" or group.name != attention:
            return False
        users = [self.graph.by_id(edge.target) for edge in self.graph.uses(node)]
        masks = node.operation is primitives.where and node.arguments[2] == -inf
        return masks and not any(user.operation is primitives.where for user in users)


SEES = (
    "attention: a query would see nothing, and this graph was recorded with masks that "
    "let each query see something"
)


def in_range(indices: Any, node: Node, rows: Any) -> Any:
    """Indices that a page may change: the program refuses one that names no row."""
    count = rows if isinstance(rows, int) else rows.shape[0]
    says = f"{node.op}: {{}} given; it is out of range, allowed is 0..{count - 1}"
    ignored = -100 if node.operation is comparisons.one_hot else None
    return apply(comparisons.in_range, indices, count=count, says=says, but=ignored)


def program_of(draft: Draft, known: list[View], values: Mapping[str, View]) -> Program:
    """The program of a draft that keeps what is known, under short names."""
    steps = needed(draft.tape.steps, known)
    names: dict[Buffer, str] = {}
    for id, view in values.items():
        names.setdefault(view.buffer, id)
    buffers = dict.fromkeys(v.buffer for s in steps for v in (s.out, *s.reads()))
    buffers |= dict.fromkeys(view.buffer for view in known)
    for at, buffer in enumerate(buffers):
        buffer.name = buffer.name or names.get(buffer, f"b{at}")
    leaves = {t: x.buffer for t, x in draft.tape.leaves.values()}
    results = [x.array for x in draft.outputs]
    return Program(draft, "A graph", [], steps, [], [], results, leaves, [])


def place(view: View) -> Place:
    """Where the numbers of a view lie."""
    buffer, offset = view.buffer.place
    return buffer.name, offset + view.offset, [*view.shape], [*view.strides]
