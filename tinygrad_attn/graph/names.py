"""The names of tensors, modules and parameters: the model's own, where it has some.

A parameter has its path in the model as its name ("self_attn.q_proj.weight"). A result
has that of the variable it was assigned to (inside `record()`), else of the variable
that held it when it was used, else of the module that returned it, else of its
operation. A leaf has that of the variable that held it when it was used first. Equal
names are numbered in the order of computing; the program's own come first.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any

from ..context import Scope
from ..docstrings import first_words
from ..rules import activations, primitives
from ..rules.operation import Op
from ..tensor import Tensor
from .data import Group, Node
from .trace import Trace, inputs_of, scopes


class Names:
    """The paths of modules and parameters, from the outermost modules of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.paths: dict[int, str] = {}
        self.parameters: dict[Tensor, str] = {}
        self.modules: dict[str, Any] = {}
        order = [trace.origin.get(t) for t in trace.tensors()]
        self.recorded: dict[Tensor | None, int] = {
            t: i for i, t in enumerate(order) if t is not None
        }
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
            ValueError: it is in no module that was called on the way to the root.
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

    def learned(self, trace: Trace) -> set[Tensor]:
        """The parameters of modules among the tensors of a trace."""
        return {t for t in trace.origin if self.owns(t, trace)}

    def owns(self, t: Tensor, trace: Trace) -> bool:
        """Whether a tensor is a parameter of a module."""
        origin = trace.origin.get(t)
        return origin is not None and origin in self.parameters

    def of_owner(self, owner: Any) -> tuple[str, str]:
        """The name of a scope's owner, and its type."""
        if not is_module(owner):
            return str(getattr(owner, "name", owner)), "composite"
        kind = type(owner).__name__
        return self.paths.get(id(owner), "") or kind, kind

    def module(self, scope: Scope | None) -> str:
        """The path of the innermost module around a scope; "" outside of all."""
        for s in reversed(scopes(scope)):
            if is_module(s.owner):
                return self.paths.get(id(s.owner), type(s.owner).__name__)
        return ""

    def of(self, trace: Trace) -> dict[Tensor, str]:
        """A unique name for each tensor."""
        tensors = trace.tensors()
        uses: dict[Tensor, list[Tensor]] = {t: [] for t in tensors}
        for t in sorted(tensors, key=time_of):
            for x in inputs_of(t):
                uses[x].append(t)
        order = sorted(tensors, key=partial(when, uses=uses))
        own: dict[Tensor, str] = {}  # names that the program gives
        for t in order:
            if name := self._own_name(trace, t, uses[t]):
                own[t] = name
        found: dict[Tensor, str] = {}
        reserved, taken = set(own.values()), set[str]()
        count: dict[str, int] = {}
        for t in [*own, *(t for t in order if t not in own)]:
            name = first = own.get(t) or self._plain_name(trace, t, uses[t])
            while name in taken or (name in reserved and name != own.get(t)):
                count[first] = count.get(first, 1) + 1
                name = f"{first}_{count[first]}"
            taken.add(name)
            found[t] = name
        return {t: found[t] for t in tensors}

    def _own_name(self, trace: Trace, t: Tensor, uses: list[Tensor]) -> str:
        """The name that the program gives a tensor, or ""."""
        if t in trace.called:
            return trace.called[t]
        origin = trace.origin.get(t)
        if origin is not None and origin in self.parameters:
            return self.parameters[origin]
        if not inputs_of(t):
            return variable(t, uses)
        if t._where is not None and t._where.target and ends_its_line(t, uses):
            return t._where.target
        # bound in a way that its line does not show: q, k, v = x.split(2), y = model(x)
        names = [name_at(t, user) for user in uses if within_sight(t, user)]
        if not self._returned_by(t, uses):
            names += [name_at(t, user) for user in uses if both_readers(t, user)]
        return next(filter(None, names), "")

    def _plain_name(self, trace: Trace, t: Tensor, uses: list[Tensor]) -> str:
        """The name of a tensor that the program gives none."""
        if not inputs_of(t):
            found = kind(t, self, trace)
            return usual_name(t, uses) if found == "constant" else found
        if name := self._returned_by(t, uses):
            return name
        if "seeing" in taken_as(t, uses):
            return "seeing"  # the rows of a mask that may attend to something
        ends_here = any(t is root for root in trace.roots)
        if ends_here and t.size == 1 and t._requires_grad:
            return "loss"  # L, if it has no other name
        return t._op.name if t._op else ""

    def _returned_by(self, t: Tensor, uses: list[Tensor]) -> str:
        """The name of the module that returned a tensor, or ""."""
        for scope in scopes(t._scope):
            outside = [u for u in uses if not within(u, scope)]
            if is_module(scope.owner) and outside:
                path = self.paths.get(id(scope.owner), "")
                return last_name(path, type(scope.owner).__name__)
        return ""


def time_of(t: Tensor) -> int:
    """When a tensor was computed; 0 for a leaf, or if that was not recorded."""
    return t._where.time if t._where is not None and inputs_of(t) else 0


def when(t: Tensor, uses: dict[Tensor, list[Tensor]]) -> int:
    """When a tensor was computed; for a leaf, when it was used first."""
    if inputs_of(t):
        return time_of(t)
    return min((time_of(user) for user in uses[t]), default=0)


class Calls:
    """The calls of modules and composites around some tensors, as groups."""

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
        """The id of the innermost call around a tensor, or ""."""
        return self.ids[t._scope] if t._scope else ""


def last_name(path: str, kind_of: str) -> str:
    """The last part of a module's path. A number keeps the part before it, or, if there
    is none, gets the type.

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


def ends_its_line(t: Tensor, uses: list[Tensor]) -> bool:
    """Whether a tensor is what its line assigns, and no step on the way there. A use by
    the same line is such a step, unless t had a name by then: that is another turn of
    a loop."""
    return not any(
        t._where is not None and t._where.same_as(u._where) and not name_at(t, u)
        for u in uses
    )


def taken_as(t: Tensor, uses: list[Tensor]) -> list[str]:
    """What the operations that use a tensor call this input of theirs."""
    return [
        name
        for user in uses
        for x, name in zip(user._inputs or (), user._op.inputs if user._op else ())
        if x is t
    ]


def usual_name(t: Tensor, uses: list[Tensor]) -> str:
    """The name of a constant that no variable holds."""
    taken = taken_as(t, uses)
    if "keep" in taken:
        return "dropout_mask"
    if t.dtype == "bool":
        return "mask"
    return "indices" if "indices" in taken else "constant"


def within_sight(t: Tensor, user: Tensor) -> bool:
    """Whether the line that used a tensor belongs to the call that computed it, or to
    one around that. What a module calls what it was given is no name for it outside."""
    made, used = t._where, user._where
    if made is None or used is None:
        return False
    around = user._scope is None or any(s is user._scope for s in scopes(t._scope))
    return around and (used.readers or made.code is used.code)


def both_readers(t: Tensor, user: Tensor) -> bool:
    """Whether the reader wrote both the line that made a tensor and this use of it."""
    lines = t._where, user._where
    return all(line is not None and line.readers for line in lines)


def variable(t: Tensor, uses: list[Tensor]) -> str:
    """A leaf's name: that of the array or list it was made of, if an operator did so,
    else its name in the first line that used it."""
    if t._where is not None and any(t._where.names):
        return t._where.names[0]
    for user in uses:
        if name := name_at(t, user):
            return name
    return ""


def name_at(t: Tensor, user: Tensor) -> str:
    """What the program called t when it was used."""
    names = user._where.names if user._where else ()
    return next((n for x, n in zip(user._inputs or (), names) if x is t and n), "")


def within(t: Tensor, scope: Scope) -> bool:
    """Whether a tensor was computed during this call."""
    return any(s is scope for s in scopes(t._scope))


def is_module(owner: Any) -> bool:
    """Whether the owner of a scope is a module (and not a composite)."""
    return hasattr(owner, "named_modules")


def kind(t: Tensor, names: Names, trace: Trace) -> str:
    """The kind of a leaf: "parameter", of a module or alone, "input" or "constant"."""
    if names.owns(t, trace) or trace.origin.get(t, t)._trained:
        return "parameter"
    return "input" if t._requires_grad or t in trace.totals else "constant"


def node_of(t: Tensor, name: str, at: int, names: Names, trace: Trace) -> Node:
    """A tensor as a node."""
    computed = bool(inputs_of(t))
    operation = t._op if computed else None
    return Node(
        id=f"n{at}",
        name=name,
        op=operation.name if operation else kind(t, names, trace),
        operation=operation,
        formula=operation.equation if operation else "",
        rule=operation.gradients if operation else "",
        shape=t.shape,
        dtype=t.dtype,
        module=names.module(t._scope),
        source=t._where.brief if t._where and computed else "",
        array=t.array,
        settings=dict(t._params) if computed else {},
        gradient_array=trace.gradients.get(t),
        total_array=trace.total(t),
        positions=trace.positions.get(t),
        recorded=names.recorded.get(trace.origin.get(t)),
    )


def formula_of_module(module: Any) -> str:
    """A module's formula, if its docstring begins with an equation, else ""."""
    text = first_words(module)
    text = re.split(r"[.:;](?: |$)|\. |, (?=\()", text, maxsplit=1)[0]
    return text.strip() if "=" in text else ""


@cache
def of_symbol(symbol: str) -> Op | None:
    """The operation that Values have a symbol for: "+", "exp", "ReLU"."""
    if not symbol:  # a number handed on
        return None
    for op in (*vars(primitives).values(), *vars(activations).values()):
        if isinstance(op, Op) and symbol.lower() in (op.meaning.symbol, op.name):
            return op
    return None
