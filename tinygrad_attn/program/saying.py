"""Comments: what stands beside each line of a program, and above each part of it.

Beside a forward line stand its shape and its formula, beside a backward line the rule
by which the gradient is sent back, as in the pictures, with the names of the program:

    (6, 6)  energies = products / 2
    (6, 6)  ∂products = ∂energies / 2

What is used twice gets two contributions, each a line with +=: the first is stored, the
next are added on a line of their own.

    (6, 4)  ∂sub += ∂mul ⊙ sub
    (6, 4)  ∂sub += ∂mul ⊙ sub
    (6, 4)  ∂sub: the sum of both;  ∂z = ∂sub

Some gradients are the same numbers as others, or another view of them, and have no
line: subtracting the target changes no slope, so ∂z is ∂sub. That stands beside the
line that makes the numbers. What a rule needs on its way has a formula as well
(wording.py); a line without one is a stage on the way to the next that has one.

Above a part stands the module that computes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import Any

from ..graph.data import Graph, Node
from ..graph.names import Names, is_module
from ..graph.notation.formulas import transpose_name, written
from ..graph.notation.tidy import is_transpose
from ..graph.trace import Trace, history
from ..graph.unfold import of_tensors
from .anatomy import Buffer, Check, Step, View
from .listing import Program
from .wording import Wording

WIDEST = 110  # characters of a formula


class Sayings:
    """The comments of a program.

    Attributes:
        beside: step → what stands beside it, without its shape.
        also: step → the gradients that are the same numbers, and have no line.
    """

    def __init__(self, program: Program, stages: Container[Buffer] = ()) -> None:
        """
        Args:
            stages: buffers that lie where the next step writes.
        """
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
        steps = [s for s in program.all_steps if not isinstance(s, Check)]
        self.last = {s.out.buffer: s for s in steps}
        self.beside: dict[Step, str] = {}
        self.also: dict[Step, dict[str, None]] = {}
        sent = [x for t, i, _ in draft.shares if (x := self.source(t, i))]
        self.uses = Counter(sent)  # node's id → how many contributions it gets
        for t, node in self.nodes.items():
            if t._op is not None and t._inputs and not is_transpose(node):
                self.forward(t)
        for t, i, share in draft.shares:
            self.backward(t, i, share)
        seed = self.last.get(draft.seed.buffer) if draft.seed is not None else None
        if seed is not None:
            self.beside[seed] = f"∂{self.called[self.nodes[roots[0]].id]} = 1"
        self.slopes: dict[Buffer, str] = {}  # what formulas call a gradient
        for t, g in draft.reached.items():
            self.complete(t, g)
            if t in self.nodes and g.size == g.buffer.size:
                name = f"∂{self.called[self.nodes[t].id]}"
                self.slopes.setdefault(g.buffer, name)
        wording = Wording(steps, self.beside, stages, self.slopes)
        for step in steps:
            if step not in self.beside and (formula := wording.formula(step)):
                self.beside[step] = formula

    def name_of(self, t: Any, node: Node) -> str:
        """What the program calls a tensor."""
        array = self.program.draft.tape.leaves.get(id(t), (t, t.array))[1]
        if not isinstance(array, View):
            return node.name
        namer = self.program.namer
        known = namer.called.get(array.key) or namer.views.get(array.key)
        return known or array.buffer.name or node.name

    def forward(self, t: Any) -> None:
        """The formula of a result, beside the last step that makes it."""
        step = self.last.get(t.array.buffer)
        if step is None or step.origin.op is not t._op or step.origin.part != "forward":
            return
        node = self.nodes[t]
        formula = written(self.graph, node, self.called, own=False).formula
        if formula:
            self.beside[step] = f"{self.called[node.id]} = {formula}"

    def backward(self, t: Any, i: int, share: View) -> None:
        """A rule, beside the last step of what is sent back to an input."""
        step, source = self.last.get(share.buffer), self.source(t, i)
        rules = written(self.graph, self.nodes[t], self.called, own=False).rules
        if step is None or not source or i >= len(rules) or not rules[i]:
            return
        sign = "=" if self.uses[source] == 1 else "+="
        rule = f"∂{self.called[source]} {sign} {rules[i]}"
        if is_transpose(self.nodes[t]):
            rule = f"∂{self.called[source]} {sign} (∂{self.called[self.nodes[t].id]})ᵀ"
        if step.origin.node is t and step not in self.beside:
            self.beside[step] = rule
        elif rule != self.beside.get(step):
            self.also.setdefault(step, {})[rule] = None

    def source(self, t: Any, i: int) -> str:
        """The id of an operation's input; "" if the graph has none."""
        edges = self.graph.inputs(self.nodes[t]) if t in self.nodes else []
        return next((e.source for e in edges if e.position == i), "")

    def complete(self, t: Any, g: View) -> None:
        """What is said of the line that adds up the contributions of a gradient."""
        step, node = self.last.get(g.buffer), self.nodes.get(t)
        count = self.uses[node.id] if node else 0
        if step is None or node is None or count < 2 or step in self.beside:
            return
        if getattr(step, "function", "") == "add":
            all_of = "both" if count == 2 else f"all {count}"
            self.beside[step] = f"∂{self.called[node.id]}: the sum of {all_of}"

    def with_stages(self, stages: Container[Buffer]) -> Sayings:
        """The same, for a text in which some buffers lie in others."""
        return Sayings(self.program, stages)

    def notes(self, steps: Sequence[Step]) -> list[str]:
        """What long vectors are that some steps read, which others wrote by parts."""
        parts: dict[Buffer, list[str]] = {}
        made = {s.out.buffer: s.out.buffer for s in self.program.all_steps}
        for buffer in sorted(made, key=lambda b: b.place[1]):
            if buffer.home is not None:
                name = self.slopes.get(buffer, buffer.name)
                parts.setdefault(buffer.home[0], []).append(name)
        read = {v.buffer: None for step in steps for v in step.reads()}
        return [
            f"{b.name}: {', '.join(names[:6])}{', ...' * (len(names) > 6)}, end to end"
            for b in read
            if b.role == "local" and len(names := parts.get(b, ())) > 1
        ]

    def comment(self, *steps: Step) -> str:
        """What stands beside a step, or some that are one line: shape, formula."""
        out = steps[-1].out
        if isinstance(steps[-1], Check) or out.buffer.role == "scalar":
            return ""
        own = [self.beside.get(steps[-1], ""), *self.also.get(steps[-1], ())]
        more = [
            text
            for step in steps[:-1]
            for text in (self.beside.get(step, ""), *self.also.get(step, ()))
        ]
        said = ";  ".join(filter(None, [*more, *own]))
        if len(said) > 2 * WIDEST:  # what the line makes matters most
            said = ";  ".join(filter(None, own))
        if len(said) > 2 * WIDEST or (not more and len(said) > WIDEST):
            said = said[: WIDEST - 1] + "…"
        return f"{out.shape}  {said}".strip()

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
