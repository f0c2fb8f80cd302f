"""Comments: what stands beside each line of a program, and above each part of it.

Beside a forward line its shape and its formula, beside a backward line the rule by
which the gradient is sent back, with the names of the program, as in the pictures:

    energies     (4, 4)   energies = products · ½
    d_products   (4, 4)   ∂products = ∂energies · ½

Above a part stands the module that computes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..graph.data import Graph, Node
from ..graph.names import Names, is_module
from ..graph.notation.formulas import transpose_name, written
from ..graph.notation.tidy import is_transpose
from ..graph.trace import Trace, history
from ..graph.unfold import of_tensors
from .anatomy import Check, Step, View
from .listing import Program

WIDEST = 60  # characters of a formula


class Sayings:
    """The comments of a program.

    Attributes:
        beside: step → what stands beside it, without its shape.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        draft = program.draft
        roots = [t for t in draft.outputs if t._inputs]
        trace = Trace(roots, [])
        trace.origin = {t: t for t in history(roots)}
        self.names = Names(trace)
        graph = of_tensors(trace, self.names, "op", "")
        self.nodes = dict(zip(trace.tensors(), graph.nodes))
        self.graph: Graph = graph
        self.called = {n.id: self.name_of(t, n) for t, n in self.nodes.items()}
        for node in graph.nodes:  # each after its inputs
            if is_transpose(node) and isinstance(node.arguments[0], str):
                self.called[node.id] = transpose_name(self.called[node.arguments[0]])
        self.last = {s.out.buffer: s for s in program.all_steps if s.out is not None}
        self.beside: dict[Step, str] = {}
        for t, node in self.nodes.items():
            if t._op is not None and t._inputs and not is_transpose(node):
                self.forward(t)
        for t, i, share in draft.shares:
            self.backward(t, i, share)
        seed = self.last.get(draft.seed.buffer) if draft.seed is not None else None
        if seed is not None:
            self.beside[seed] = f"∂{self.called[self.nodes[roots[0]].id]} = 1"

    def name_of(self, t: Any, node: Node) -> str:
        """What the program calls a tensor."""
        array = self.program.draft.tape.leaves.get(id(t), (t, t.array))[1]
        if not isinstance(array, View):
            return node.name
        known = self.program.namer.views.get(array.key)
        return known or array.buffer.name or node.name

    def forward(self, t: Any) -> None:
        """The formula of a result, beside the last step that makes it."""
        step = self.last.get(t.array.buffer)
        if step is None or step.origin.op is not t._op or step.origin.part != "forward":
            return
        node = self.nodes[t]
        formula = written(self.graph, node, self.called).formula
        if formula:
            self.beside[step] = f"{self.called[node.id]} = {formula}"

    def backward(self, t: Any, i: int, share: View) -> None:
        """A rule, beside the last step of what is sent back to an input."""
        step = self.last.get(share.buffer)
        if step is None or step.origin.node is not t or step in self.beside:
            return
        node = self.nodes[t]
        rules = written(self.graph, node, self.called).rules
        edge = next(e for e in self.graph.inputs(node) if e.position == i)
        if i < len(rules) and rules[i]:
            self.beside[step] = f"∂{self.called[edge.source]} += {rules[i]}"

    def comment(self, step: Step) -> str:
        """What stands beside a step: shape, formula."""
        if isinstance(step, Check) or step.out.buffer.role == "scalar":
            return ""
        said = self.beside.get(step, "")
        if len(said) > WIDEST:
            said = said[: WIDEST - 1] + "…"
        return f"{step.out.shape}  {said}".strip()

    def sections(self, steps: Sequence[Step]) -> Iterator[tuple[str, list[Step]]]:
        """The steps in parts, each with a title."""
        title, part = "", list[Step]()
        for step in steps:
            own = self.title(step)
            if own != title:
                if part:
                    yield title, part
                title, part = own, []
            part.append(step)
        if part:
            yield title, part

    def title(self, step: Step) -> str:
        """Which part of the program a step belongs to."""
        origin = step.origin
        if origin.part == "update":
            kind = type(origin.op).__name__ if origin.op is not None else "clipping"
            return f"update: {kind}"
        scope = origin.scope
        while scope is not None and not is_module(scope.owner):
            scope = scope.parent
        if scope is None:
            return origin.part
        path = self.names.paths.get(id(scope.owner), "")
        kind = type(scope.owner).__name__
        return f"{origin.part}: {path or kind}" + (f", {kind}" if path else "")
