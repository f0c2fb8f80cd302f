"""A computation as plain data: nodes, and the edges between them.

`unfold` returns a `Graph`, and `draw` and `play` need nothing else. It holds arrays,
names, texts and rules, but no Tensor and no Value. So it may outlive the recorded
graph, and it can be written as JSON (`to_dict`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from .. import wiring
from ..arrays.array import Array
from ..arrays.shapes import strides_of
from ..errors import say
from ..printing import printable
from ..rules.operation import Meaning, Op

Numbers = Any  # nested lists of numbers, or one number


@dataclass(eq=False)
class Node:
    """One step of a computation, or something it started from.

    Attributes:
        id: "n0", "n1", ..., in the order of the graph.
        name: the path of a parameter or module, the variable the result was assigned
            to, or the operation, with a number where that is not unique. A tensor has
            the same name at every level. (At the scalar level, a number in the middle
            of a step is named after its operation alone.)
        op: the operation ("matmul"), a module's type, or for a leaf "parameter",
            "input" (it has a gradient) or "constant".
        operation: the rule itself, a pair of functions without state; None for a leaf
            or a module.
        formula: "z = x ⊙ y"; "" for a leaf.
        rule: what each input's gradient receives, "∂x += ∂z ⊙ y, ∂y += ∂z ⊙ x"; or "".
        shape, dtype: of its value.
        module: the path of the module that it was computed in.
        group: the id of the innermost call, of a module or composite, that it was
            computed in, or "". See `Graph.groups`.
        source: the file, line and text of the code that computed it, if recorded inside
            `record()`, else "".
        tensor, index: at the scalar level, the name of the tensor that the number
            belongs to, and its index there. A number in the middle of a step has the
            tensor that the step makes, and the index None.
        arguments: the operation's inputs, in order: a node's id, a plain number, or
            None for an optional input that was not given.
        settings: the operation's params, such as an axis.
        parameters: at the module level, how many numbers the module learns.
        noise: numbers of its gradient up to this size are what rounding left; 0 if none
            are (see `noise.py`).
        positions: in one head's graph, where these numbers lie in the whole tensor,
            flattened; else None.
        recorded: which of the recorded tensors it is, or is a slice of, in the order of
            computing; the same number in each graph of one computation. None for the
            steps inside an operation.
    """

    id: str
    name: str
    op: str
    operation: Op | None = field(default=None, repr=False)
    formula: str = ""
    rule: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    module: str = ""
    source: str = ""
    group: str = ""
    tensor: str = ""
    index: tuple[int, ...] | None = None
    arguments: list[str | float | None] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    parameters: int = 0
    noise: float = 0.0
    array: Any = field(default=None, repr=False)
    gradient_array: Any = field(default=None, repr=False)
    total_array: Any = field(default=None, repr=False)
    positions: Any = field(default=None, repr=False)
    recorded: int | None = None

    @property
    def kind(self) -> str:
        """Which numbers of its inputs make one of its own, a kind of
        rules/operation.py; "" for a leaf, a module, or a rule of the reader's own."""
        return self.operation.kind if self.operation else ""

    @property
    def meaning(self) -> Meaning | None:
        """What is to be known of the operation: its notation, sentences and kinks."""
        return self.operation.meaning if self.operation else None

    @property
    def value(self) -> Numbers:
        """Its numbers, as nested lists (one number for shape ())."""
        return to_lists(self.array)

    @property
    def gradient(self) -> Numbers:
        """∂L/∂value, in the same form; None if no gradient reached the node. In the
        graph of a module, head or focus, the share that flows through it."""
        return to_lists(self.gradient_array)

    @property
    def total(self) -> Numbers:
        """∂L/∂value through the whole computation; it differs from `gradient` only in
        the graph of a module, head or focus."""
        return to_lists(self.total_array)


@dataclass(eq=False)
class Edge:
    """One use of a node: `target` was computed from `source`.

    Attributes:
        source, target: the nodes' ids.
        position: which input of the target the source is, from 0; x * x has 0 and 1.
        local: at the scalar level ∂target/∂source, else None.
        result: at the module level, which result of the source is used: 0 for the one
            that its box shows; 1, 2, ... for its other results.
        noise: numbers of its contribution up to this size are what rounding left.
        turned: whether the target uses the transpose of the source (see
            `notation/tidy.py`).
    """

    source: str
    target: str
    position: int
    local: float | None = None
    contribution_array: Any = field(default=None, repr=False)
    result: int = 0
    noise: float = 0.0
    turned: bool = False

    @property
    def contribution(self) -> Numbers:
        """The contribution of this use to ∂L/∂source, in the source's shape; None if
        no gradient flows back. The contributions of all uses add up to the node's
        gradient (at the module level, those of result 0). In a module's graph a
        result also gets a gradient from outside, which no edge shows."""
        return to_lists(self.contribution_array)


@dataclass(eq=False)
class Group:
    """One call of a module, or of a composite that was opened.

    Attributes:
        id: "g0", "g1", ...
        parent: the id of the call around it, or "".
        name: the module's path, or the composite's name.
        type: the module's type, or "composite".
    """

    id: str
    parent: str
    name: str
    type: str


@dataclass(eq=False)
class Graph:
    """A computation at one level of detail.

    Attributes:
        level: "module", "op", "primitive" or "scalar".
        nodes: in topological order: each after its inputs.
        edges: for every node the edges from its inputs, in order.
        of: the name of L, whose gradients these are, such as "loss". In the graph of a
            module, head or focus L is not among the nodes.
        groups: by id, the calls that the nodes were computed in.
        through: if this is a part, what its gradients flow through: "O[1,0]"; else "".
        seeds: a node's id → the gradient that does not come along an edge: ∂L/∂L = 1;
            in a part's graph, what its results get from outside.
    """

    level: str
    nodes: list[Node]
    edges: list[Edge]
    of: str = ""
    groups: dict[str, Group] = field(default_factory=dict)
    through: str = ""
    seeds: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._by_id = {node.id: node for node in self.nodes}
        self._by_name = {node.name: node for node in reversed(self.nodes)}
        self._into: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        self._out_of: dict[str, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            self._into[edge.target].append(edge)
            self._out_of[edge.source].append(edge)

    @property
    def root(self) -> Node:
        """The last node."""
        return self.nodes[-1]

    def by_id(self, id: str) -> Node:
        """The node with this id, such as an edge's source."""
        return self._by_id[id]

    def node(self, name: str) -> Node:
        """The node with this name.

        Raises:
            KeyError: no node has this name.
        """
        if isinstance(name, str) and name in self._by_name:
            return self._by_name[name]
        known = ", ".join(node.name for node in self.nodes[:12])
        more = f", and {len(self.nodes) - 12} more" if len(self.nodes) > 12 else ""
        raise KeyError(f"node: {say(name)} given; there are {known}{more}")

    def inputs(self, node: Node) -> list[Edge]:
        """The edges into a node, in the order of its inputs."""
        return self._into[self._one("inputs", node).id]

    def uses(self, node: Node) -> list[Edge]:
        """The edges out of a node, one for each use."""
        return self._out_of[self._one("uses", node).id]

    def _one(self, who: str, node: Node) -> Node:
        """A node of this graph."""
        if not isinstance(node, Node) or node.id not in self._by_id:
            raise TypeError(
                f"{who}: {say(node)} given; it takes a node of this graph, such as "
                "graph.node(name)"
            )
        return node

    def counts(self) -> dict[str, int]:
        """The number of nodes of each operation, the most frequent first."""
        found: dict[str, int] = {}
        for node in self.nodes:
            found[node.op] = found.get(node.op, 0) + 1
        return dict(sorted(found.items(), key=_by_count))

    def to_dict(self) -> dict[str, Any]:
        """The graph as dicts, lists, numbers and strings, ready for JSON; numbers that
        are not finite become "nan", "inf" or "-inf"."""
        return {
            "level": self.level,
            "of": self.of,
            "through": self.through,
            "groups": [vars(group) for group in self.groups.values()],
            "nodes": [_plain(n, ("value", "gradient", "total")) for n in self.nodes],
            "edges": [_plain(e, ("contribution",)) for e in self.edges],
        }

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        return (
            f"Graph({self.level!r}: {len(self.nodes)} nodes, {len(self.edges)} edges)"
        )

    def _repr_html_(self) -> str:
        return wiring.html(self)

    def __str__(self) -> str:
        shown = self.nodes[:LIMIT]
        cells = [
            (n.id, n.name, n.op, str(n.shape), n.formula, _from(self, n)) for n in shown
        ]
        rows = [tuple(map(printable, row)) for row in cells]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = [repr(self)]
        lines += [
            "  ".join(t.ljust(w) for t, w in zip(row, widths)).rstrip() for row in rows
        ]
        if len(self.nodes) > LIMIT:
            lines.append(f"... and {len(self.nodes) - LIMIT} more nodes")
        return "\n".join(lines)


LIMIT = 60  # nodes that a printed graph shows


def to_lists(array: Any) -> Numbers:
    """An array as nested lists; anything else unchanged."""
    return array.tolist() if hasattr(array, "tolist") else array


def flat(array: Any) -> list[Any]:
    """The numbers of an array in one list."""
    if isinstance(array, Array):
        return array.data
    return array.reshape(-1).tolist()  # type: ignore[no-any-return]


def index_of(position: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of the number at a position, counted row by row."""
    return tuple(
        position // stride % size for size, stride in zip(shape, strides_of(shape))
    )


def _from(graph: Graph, node: Node) -> str:
    sources = [edge.source for edge in graph.inputs(node)]
    return f"from {' '.join(sources)}" if sources else ""


def _by_count(item: tuple[str, int]) -> int:
    return -item[1]


def _plain(item: Any, computed: tuple[str, ...]) -> dict[str, Any]:
    found = {
        key: _writable(value)
        for key, value in vars(item).items()
        if not key.endswith("array") and key != "operation"
    }
    return found | {key: _writable(getattr(item, key)) for key in computed}


def _writable(x: Any) -> Any:
    """A value as JSON can hold it, with strings for numbers that are not finite."""
    if isinstance(x, dict):
        return {key: _writable(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [_writable(v) for v in x]
    x = to_lists(x)
    if isinstance(x, list):
        return _writable(x)
    unwritable = isinstance(x, float) and not isfinite(x)
    return str(x) if unwritable else x


def lines_told(graph: Graph) -> str:
    """What is said of a picture or page that shows lines of source: whoever gets it can
    read them; "" if there are none."""
    count = len({node.source for node in graph.nodes if node.source})
    if not count:
        return ""
    what = "a line" if count == 1 else f"{count:,} lines"
    return f"{what} of source (lines=False: none)"


def without_lines(graph: Graph) -> Graph:
    """The same graph without the lines of source that its nodes were made by."""
    return replace(graph, nodes=[replace(node, source="") for node in graph.nodes])
