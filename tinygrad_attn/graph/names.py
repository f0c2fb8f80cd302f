"""What things are called: in the model's own words, where it has some.

A parameter is called by its path in the model ("self_attn.q_proj.weight"), a result by
the variable it was assigned to (inside `record()`), or by the module that handed it
out, or else by its operation. What is called the same is numbered, in order.
"""

from __future__ import annotations

import re
from typing import Any

from ..context import Scope
from ..tensor import Tensor
from .data import Group, Node
from .trace import Trace, inputs_of, scopes

PLAIN = {"bool": "mask", "int64": "indices"}  # what constants usually are


class Names:
    """Paths of modules and parameters, from the outermost modules of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.paths: dict[int, str] = {}
        self.parameters: dict[Tensor, str] = {}
        self.modules: dict[str, Any] = {}
        outermost: list[Any] = []
        for t in trace.tensors():
            owners = [s.owner for s in scopes(t._scope) if is_module(s.owner)]
            if owners and not any(owners[0] is m for m in outermost):
                outermost.append(owners[0])
        inner = {id(c) for m in outermost for c in list(m.modules())[1:]}
        tops = [m for m in outermost if id(m) not in inner]
        for i, top in enumerate(tops):
            prefix = (
                "" if len(tops) == 1 else self._free_name(type(top).__name__, i, tops)
            )
            for path, module in top.named_modules():
                path = ".".join(p for p in (prefix, path) if p)
                self.paths.setdefault(id(module), path)
                self.modules.setdefault(path, module)
            for path, parameter in top.named_parameters():
                path = ".".join(p for p in (prefix, path) if p)
                self.parameters.setdefault(parameter, path)

    @staticmethod
    def _free_name(name: str, i: int, tops: list[Any]) -> str:
        same = [j for j, m in enumerate(tops) if type(m).__name__ == name]
        return name if len(same) == 1 else f"{name}_{same.index(i) + 1}"

    def find(self, who: str, module: Any) -> Any:
        """A module given as itself or as its path.

        Raises:
            ValueError: it has no part in the computation.
        """
        found = module
        if isinstance(module, str):
            found = self.modules.get(module)
        elif id(module) not in self.paths:
            found = None
        if found is None:
            given = repr(module) if isinstance(module, str) else type(module).__name__
            known = ", ".join(repr(path) for path in list(self.modules)[:12])
            raise ValueError(
                f"{who}: module {given} given; it must be one that was called on the "
                f"way to the root: {known or 'none was'}"
            )
        return found

    def of_owner(self, owner: Any) -> tuple[str, str]:
        """What the owner of a scope is called, and its type."""
        if not is_module(owner):
            return str(getattr(owner, "name", owner)), "composite"
        kind = type(owner).__name__
        return self.paths.get(id(owner), "") or kind, kind

    def module(self, scope: Scope | None) -> str:
        """The path of the innermost module of a scope; "" for the outermost."""
        for s in reversed(scopes(scope)):
            if is_module(s.owner):
                return self.paths.get(id(s.owner), type(s.owner).__name__)
        return ""

    def of(self, trace: Trace) -> dict[Tensor, str]:
        """A name for each tensor, no two the same."""
        order = trace.tensors()
        uses: dict[Tensor, list[Tensor]] = {t: [] for t in order}
        for t in order:
            for x in inputs_of(t):
                uses[x].append(t)
        found: dict[Tensor, str] = {}
        settled, taken = set(trace.called.values()), set[str]()
        count: dict[str, int] = {}
        for t in order:
            name = first = self._name(trace, t, uses[t])
            if name in taken and kind(t, self, trace) == "constant" and not t._inputs:
                # made inside of what the line calls, and not the variable it names
                name = first = PLAIN.get(t.dtype, "constant")
            while name in taken or (name in settled and t not in trace.called):
                count[first] = count.get(first, 1) + 1
                name = f"{first}_{count[first]}"
            taken.add(name)
            found[t] = name
        return found

    def _name(self, trace: Trace, t: Tensor, uses: list[Tensor]) -> str:
        if t in trace.called:
            return trace.called[t]
        origin = trace.origin.get(t)
        if origin is not None and origin in self.parameters:
            return self.parameters[origin]
        if not inputs_of(t):
            found = kind(t, self, trace)
            if found == "constant" and t.dtype in PLAIN:
                return PLAIN[t.dtype]
            return variable(t, uses) or found
        last = not any(u._where == t._where for u in uses)  # of what the line computes
        if t._where is not None and last and t._where.target:
            return t._where.target
        for scope in scopes(t._scope):  # handed out by a module?
            outside = [u for u in uses if not within(u, scope)]
            if is_module(scope.owner) and outside:
                path = self.paths.get(id(scope.owner), "")
                return last_name(path, type(scope.owner).__name__)
        ends_here = any(t is root for root in trace.roots)
        if ends_here and t.size == 1 and t._requires_grad:
            return "loss"  # what gradients are of, if it has no other name
        return t._op.name if t._op else ""


class Calls:
    """The calls of modules and composites that some tensors were made in, as groups."""

    def __init__(self, order: list[Tensor], names: Names) -> None:
        self.ids: dict[Scope, str] = {}
        self.groups: dict[str, Group] = {}
        for t in order:
            for s in scopes(t._scope):
                if s not in self.ids:
                    self.ids[s] = id = f"g{len(self.ids)}"
                    parent = self.ids[s.parent] if s.parent else ""
                    self.groups[id] = Group(id, parent, *names.of_owner(s.owner))

    def group(self, t: Tensor) -> str:
        """The id of the innermost call that a tensor was made in."""
        return self.ids[t._scope] if t._scope else ""


def last_name(path: str, kind_of: str) -> str:
    """The end of a module's path that says what it is; with its type, if a number alone
    would be left.

    >>> last_name("encoder.self_attn", "Attention")
    'self_attn'
    >>> last_name("encoder.layers.2", "Layer")
    'layers.2'
    >>> last_name("2", "Layer"), last_name("", "Layer")
    ('Layer_2', 'Layer')
    """
    parts = path.split(".")
    if path.isdigit():
        return f"{kind_of}_{path}"
    return ".".join(parts[-2:] if parts[-1].isdigit() else parts[-1:]) or kind_of


def variable(t: Tensor, uses: list[Tensor]) -> str:
    """What a leaf is called in the line that used it first: "x" in `x @ self.W`."""
    for user in uses:
        names = user._where.operands if user._where is not None else []
        reshaped = user._op is not None and user._op.name == "reshape"
        if reshaped and all(names[1:2]):
            continue  # in A @ x a vector x becomes a column first: which of the two?
        for x, name in zip(user._inputs or (), names):
            if x is t and name:
                return name
    return ""


def within(t: Tensor, scope: Scope) -> bool:
    """Whether a tensor was made during this very call."""
    return any(s is scope for s in scopes(t._scope))


def is_module(owner: Any) -> bool:
    """Whether the owner of a scope is a module (and not a composite)."""
    return hasattr(owner, "named_modules")


def kind(t: Tensor, names: Names, trace: Trace) -> str:
    """What a tensor that was not computed is."""
    origin = trace.origin.get(t)
    if origin is not None and origin in names.parameters:
        return "parameter"
    return "input" if t._requires_grad or t in trace.totals else "constant"


def node_of(t: Tensor, name: str, at: int, names: Names, trace: Trace) -> Node:
    """A tensor as a node."""
    computed = bool(inputs_of(t))
    formula, rule = formulas(t._op) if computed and t._op else ("", "")
    return Node(
        id=f"n{at}",
        name=name,
        op=t._op.name if computed and t._op else kind(t, names, trace),
        formula=formula,
        rule=rule,
        shape=t.shape,
        dtype=t.dtype,
        module=names.module(t._scope),
        source=str(t._where) if t._where else "",
        array=t.data,
        settings=dict(t._params) if computed else {},
        gradient_array=trace.gradients.get(t),
        total_array=trace.total(t),
        positions=trace.positions.get(t),
    )


def formula_of_module(module: Any) -> str:
    """What a module computes, if its docstring begins with an equation."""
    formula, _ = formulas(module)
    return formula if "=" in formula else ""


def formulas(op: Any) -> tuple[str, str]:
    """What an operation computes and what it gives back, from its docstring's first
    sentence: "z = x · y;  ∂z/∂x = y, ∂z/∂y = x." has both."""
    text = " ".join((op.__doc__ or "").split("\n\n")[0].split())
    text = re.split(r"[.:](?: |$)|\. ", text, maxsplit=1)[0]
    forward, _, back = text.partition(";")
    forward = re.split(r", (?=\()", forward)[0]
    return forward.strip(), back.strip()
