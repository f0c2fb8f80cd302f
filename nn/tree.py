"""What is inside a module: its parts, by name.

Nothing is registered. An attribute that is a Parameter or a Module belongs to the
module, in the order of assignment. Attribute names make the paths
("encoder.0.self_attn.q_proj.weight"). A part may know the whole it is in: from the
whole, the way back up is not followed.

A list that holds a layer is no module, so nothing in it would be trained or saved.
Such a layer is refused, by name, wherever it hides: in lists, tuples, dicts, sets and
deques, one inside the other, in a dataclass, or in an object that has a `forward`. It
may stand there if it is also an attribute. (A function, a weakref.ref and any other
object keep what they hold to themselves.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from dataclasses import fields, is_dataclass
from types import GeneratorType, MappingProxyType, SimpleNamespace
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.errors import check_flags

from .parameter import Parameter

Found = tuple[str, Any]  # where in a container, and what

NOTHING_INSIDE = frozenset((bool, int, float, complex, str, bytes, type(None)))
IN_ORDER = (list, tuple, deque)
WITHOUT_ORDER = (set, frozenset, KeysView, ValuesView, ItemsView)
NOT_YET_THERE = (map, filter, zip)  # and generator expressions


class Tree:
    """A part of a model that has parts. `Module` (module.py) is the users' class."""

    _buffers: dict[str, bool] = {}  # name → whether it is saved; see register_buffer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, value in vars(cls).items():
            if isinstance(value, Parameter) or (
                isinstance(value, Tree) and size(value)
            ):
                raise TypeError(
                    f"{cls.__name__}.{name} is a {type(value).__name__} of the class, "
                    "and would be no part of the model; assign it to self in __init__"
                )

    # --- directly inside --------------------------------------------------------------

    def _children(self) -> list[tuple[str, Any]]:
        """(attribute name, module) of each module directly inside."""
        return [(n, v) for n, v in vars(self).items() if isinstance(v, Tree)]

    def _own_parameters(self) -> list[tuple[str, Parameter]]:
        """(attribute name, parameter) of each parameter directly inside."""
        return [(n, v) for n, v in vars(self).items() if isinstance(v, Parameter)]

    def _own_buffers(self) -> list[tuple[str, Tensor]]:
        """(attribute name, buffer) of each buffer directly inside."""
        named = [(n, vars(self)[n]) for n in self._buffers]
        return [(n, t) for n, t in named if t is not None]

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """(attribute name, module) of each module directly inside, each once."""
        refuse_hidden([("", self)], inside(self))
        return iter(once(self._children()))

    def children(self) -> Iterator[Any]:
        """Each module directly inside, once."""
        return (child for _, child in self.named_children())

    # --- inside, however deep ---------------------------------------------------------

    def named_modules(
        self, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """(path, module) of this one (path "") and all inside, outer before inner.

        Args:
            prefix: what all paths begin with.
            remove_duplicate: a module in several places is listed once, under the first
                of its paths; otherwise under each.
        """
        check_flags("named_modules", remove_duplicate=remove_duplicate)
        rows = checked(self, every_path=not remove_duplicate)
        return ((joined(prefix, path), module) for path, module in rows)

    def modules(self) -> Iterator[Any]:
        """This module and all inside, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter), each parameter once; without `recurse` only those of the
        module itself."""
        check_flags("named_parameters", recurse=recurse)
        rows = checked(self) if recurse else [("", self)]
        found = [
            (joined(prefix, joined(path, name)), p)
            for path, module in rows
            for name, p in module._own_parameters()
        ]
        return iter(once(found))

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Each parameter once, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(path, buffer), each buffer once (`register_buffer`)."""
        check_flags("named_buffers", recurse=recurse)
        rows = checked(self) if recurse else [("", self)]
        found = [
            (joined(prefix, joined(path, name)), t)
            for path, module in rows
            for name, t in module._own_buffers()
        ]
        return iter(once(found))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Each buffer once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _saved(self) -> list[tuple[str, Any, str, Tensor]]:
        """(path, owner, attribute name, tensor) of all that a state_dict has; what is
        shared, under each of its paths."""
        return [
            (joined(path, name), module, name, t)
            for path, module in checked(self, every_path=True)
            for name, t in [*module._own_parameters(), *module._own_buffers()]
            if module._buffers.get(name, True)
        ]


def joined(prefix: str, name: str) -> str:
    """Two parts of a path in one."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


def once(named: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The pairs without those whose second has been there before."""
    first: dict[int, tuple[str, Any]] = {}
    for name, value in named:
        first.setdefault(id(value), (name, value))
    return [*first.values()]


def size(module: Tree) -> int:
    """How many numbers are learned inside."""
    own = [p for _, part in inside(module) for p in part._own_parameters()]
    return sum(p.size for _, p in once(own))


# --- the walk -------------------------------------------------------------------------


def inside(top: Tree, every_path: bool = False) -> list[tuple[str, Any]]:
    """(path, module) of a module and all in it, outer before inner.

    A module that is inside itself, by whatever way, is not entered again: the last step
    back to a module that we are in is left out, here and wherever else we meet it.

    Args:
        every_path: a module in several places is listed under each of its paths.
    """
    rows: list[tuple[str, Any]] = []
    onward: dict[int, list[tuple[str, Any]]] = {}  # module → its parts, without those
    stack: list[tuple[str, Any, frozenset[int]]] = [("", top, frozenset())]
    while stack:
        path, module, around = stack.pop()
        if id(module) in onward and not every_path:
            continue
        around |= {id(module)}
        if id(module) not in onward:
            parts = module._children()
            onward[id(module)] = [(n, m) for n, m in parts if id(m) not in around]
        rows.append((path, module))
        stack += [
            (joined(path, name), part, around)
            for name, part in reversed(onward[id(module)])
        ]
    return rows


def checked(top: Tree, every_path: bool = False) -> list[tuple[str, Any]]:
    """As `inside`; refuses a module or parameter that hides."""
    rows = inside(top, every_path)
    refuse_hidden(rows, rows)
    return rows


# --- what would be missed -------------------------------------------------------------


def refuse_hidden(rows: list[tuple[str, Any]], known: list[tuple[str, Any]]) -> None:
    """Refuses what an attribute of these modules holds in a container, unless it is
    among the known ones, or a parameter of theirs."""
    hidden = [
        (module, name, value, place, thing)
        for _, module in once(rows)
        for name, value in vars(module).items()
        if may_hold(value) and not isinstance(value, (Tree, Tensor))
        for place, thing in search(value)
    ]
    if not hidden:
        return
    there = {id(module) for _, module in known}
    there |= {id(p) for _, module in known for _, p in module._own_parameters()}
    for module, name, value, place, thing in hidden:
        if id(thing) in there:
            continue
        who, kind = f"{type(module).__name__}.{name}", type(value).__name__
        if isinstance(thing, (*NOT_YET_THERE, GeneratorType)):
            raise TypeError(
                f"{who}{place} is a {type(thing).__name__}, and what it will give "
                "cannot be seen; make it a list, or a ModuleList if it gives modules"
            )
        what = "Module" if isinstance(thing, Tree) else "Parameter"
        raise TypeError(
            f"{who} is a {kind} that holds a {type(thing).__name__} (self.{name}"
            f"{place}), which would be missed: neither trained nor saved; make it a "
            f"{what}List, a {what}Dict, or attributes"
        )


def search(value: Any) -> Iterator[Found]:
    """The modules, parameters and generators in a container, each with its place in
    it: "[0]['key']". No attribute of a module is searched here."""
    seen: set[int] = set()
    stack: list[Found] = [("", value)]
    while stack:
        place, value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        later = isinstance(value, NOT_YET_THERE) or (
            isinstance(value, GeneratorType) and value.__name__ == "<genexpr>"
        )
        if later or isinstance(value, (Tree, Parameter)):
            yield place, value
        else:
            stack += reversed(contents(place, value))


def may_hold(value: Any) -> bool:
    """Whether it is worth a look: not a number or a text, of which there are many."""
    return type(value) not in NOTHING_INSIDE


def contents(place: str, value: Any) -> list[Found]:
    """What a container holds, each with its place; nothing, if it is none."""
    if isinstance(value, IN_ORDER):
        return [(f"{place}[{i}]", v) for i, v in enumerate(value) if may_hold(v)]
    if isinstance(value, (dict, MappingProxyType)):
        held = [(f"{place}[{k!r}]", v) for k, v in value.items() if may_hold(v)]
        return held + [(f"{place}.keys()", k) for k in value if may_hold(k)]
    if isinstance(value, WITHOUT_ORDER):
        return [(place, v) for v in value if may_hold(v)]
    if isinstance(value, type):
        return []
    if is_dataclass(value):
        names = [f.name for f in fields(value) if hasattr(value, f.name)]
        return [(f"{place}.{name}", getattr(value, name)) for name in names]
    if isinstance(value, SimpleNamespace) or hasattr(type(value), "forward"):
        held_by_name = getattr(value, "__dict__", {})
        return [(f"{place}.{name}", v) for name, v in held_by_name.items()]
    return []
