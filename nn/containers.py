"""Modules that hold modules or parameters: lists, dicts, and a list called in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from tinygrad_attn import Tensor
from tinygrad_attn.errors import check_number, say

from .module import Module
from .parameter import Parameter
from .tree import Tree

# --- lists ----------------------------------------------------------------------------


class ModuleList(Module):
    """A list of modules, under the names "0", "1", ...

    >>> import nn
    >>> layers = ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (2, ['0.weight', '0.bias'])
    """

    _holds: ClassVar[tuple[type[Any], str]] = (Tree, "modules")

    def __init__(self, modules: Any = ()) -> None:
        self.extend(modules)

    def append(self, module: Any) -> ModuleList:
        """Adds one at the end; returns self."""
        return self.extend([module])

    def extend(self, modules: Any) -> ModuleList:
        """Adds several at the end; returns self."""
        new = held_by(self, modules)  # all are looked at before one is added
        numbers = [int(name) for name, _ in self._named() if name.isdecimal()]
        start = max([len(self) - 1, *numbers]) + 1
        for i, module in enumerate(new, start):
            setattr(self, str(i), module)
        return self

    __iadd__ = extend

    def __add__(self, other: Any) -> ModuleList:
        return self._like([*self]).extend(other)

    def insert(self, index: int, module: Any) -> None:
        """Puts one before position `index`."""
        items = [*self]
        check_number(f"{type(self).__name__}.insert", "index", index, whole=True)
        items.insert(index, *held_by(self, [module]))
        self._renumber(items)

    def pop(self, index: int = -1) -> Any:
        """Takes one out and returns it."""
        module = self[index]
        del self[index]
        return module

    def __iter__(self) -> Iterator[Any]:
        return (module for _, module in self._named())

    def __len__(self) -> int:
        return len(self._named())

    def __getitem__(self, i: int | slice) -> Any:
        return self._like(self._at(i)) if isinstance(i, slice) else self._at(i)[1]

    def __setitem__(self, i: int, module: Any) -> None:
        (new,) = held_by(self, [module])
        setattr(self, self._at(i)[0], new)

    def __delitem__(self, i: int | slice) -> None:
        self._at(i)
        items = [*self]
        del items[i]
        self._renumber(items)

    def _named(self) -> list[tuple[str, Any]]:
        """(name, module) of each, in order."""
        return self._children()

    def _at(self, i: int | slice) -> Any:
        """(name, module) at a position; a list of these for a slice."""
        try:
            return self._named()[i]
        except (IndexError, TypeError) as error:
            raise type(error)(
                f"{type(self).__name__}: index {say(i)}, a {type(i).__name__}, given; "
                "it "
                f"has {len(self)} {self._holds[1]}"
            ) from None

    def _like(self, modules: list[Any]) -> ModuleList:
        """A list of the same class with these modules, or (name, module) pairs."""
        return type(self)(m[1] if isinstance(m, tuple) else m for m in modules)

    def _renumber(self, modules: list[Any]) -> None:
        """Holds these instead, under the names 0, 1, ..."""
        for name, _ in self._named():
            delattr(self, name)
        self.extend(modules)


class Sequential(ModuleList):
    """Modules in a chain: each takes the output of the one before.

    Args:
        modules: modules, or one dict of them by name.

    >>> import nn
    >>> Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    Sequential()                                   58
    ├─ 0: Linear(4 → 8)  weight (8, 4)  bias (8,)  40
    ├─ 1: ReLU()                                    0
    └─ 2: Linear(8 → 2)  weight (2, 8)  bias (2,)  18
    """

    def __init__(self, *modules: Any) -> None:
        if len(modules) == 1 and isinstance(modules[0], dict):
            for (name, _), module in zip(
                modules[0].items(), held_by(self, modules[0].values())
            ):
                set_named(self, name, module)
        else:
            super().__init__(modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def _like(self, modules: list[Any]) -> ModuleList:
        pairs = all(isinstance(m, tuple) for m in modules)
        return type(self)(dict(modules)) if pairs else type(self)(*modules)


class ParameterList(ModuleList):
    """A list of parameters, under the names "0", "1", ... A Tensor that is added
    becomes a Parameter.

    >>> scales = ParameterList([Parameter([1.0]), Tensor([2.0])])
    >>> [(name, p.tolist()) for name, p in scales.named_parameters()]
    [('0', [1.0]), ('1', [2.0])]
    """

    _holds = (Parameter, "parameters")

    def _named(self) -> list[tuple[str, Any]]:
        return list(self._own_parameters())


# --- dicts ----------------------------------------------------------------------------


class ModuleDict(Module):
    """Modules by name, in the order in which they were added.

    >>> import nn
    >>> parts = ModuleDict({"first": nn.Linear(2, 2), "second": nn.ReLU()})
    >>> [*parts], "first" in parts, [name for name, _ in parts.named_parameters()]
    (['first', 'second'], True, ['first.weight', 'first.bias'])
    """

    _holds: ClassVar[tuple[type[Any], str]] = (Tree, "modules")

    def __init__(self, modules: Any = None) -> None:
        if modules is not None:
            self.update(modules)

    def update(self, modules: Any) -> None:
        """Adds those of another: a dict, a ModuleDict, or (name, module) pairs."""
        try:
            new = dict(modules)
        except (TypeError, ValueError):
            raise TypeError(
                f"{type(self).__name__}: a {type(modules).__name__} given; it takes a "
                f"dict of {self._holds[1]}"
            ) from None
        for name, module in zip(new, held_by(self, new.values())):
            set_named(self, name, module)

    def keys(self) -> Any:
        """The names."""
        return dict(self._named()).keys()

    def values(self) -> Any:
        """What stands under the names."""
        return dict(self._named()).values()

    def items(self) -> Any:
        """(name, module) of each."""
        return dict(self._named()).items()

    def get(self, name: str, default: Any = None) -> Any:
        """What stands under a name, or the default."""
        return dict(self._named()).get(name, default)

    def pop(self, name: str) -> Any:
        """Takes one out and returns it."""
        module = self[name]
        del self[name]
        return module

    def clear(self) -> None:
        """Takes all out."""
        for name in [*self]:
            del self[name]

    def __getitem__(self, name: str) -> Any:
        try:
            return dict(self._named())[name]
        except (KeyError, TypeError):
            raise KeyError(
                f"{type(self).__name__}: {say(name)} given; it has "
                f"{', '.join(self) or f'no {self._holds[1]}'}"
            ) from None

    def __setitem__(self, name: str, module: Any) -> None:
        self.update({name: module})

    def __delitem__(self, name: str) -> None:
        _ = self[name]
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in [*self]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._named())

    def __len__(self) -> int:
        return len(self._named())

    def _named(self) -> list[tuple[str, Any]]:
        """(name, module) of each, in order."""
        return self._children()


class ParameterDict(ModuleDict):
    """Parameters by name. A Tensor that is added becomes a Parameter.

    >>> scales = ParameterDict({"a": Parameter([1.0])})
    >>> scales["b"] = Tensor([2.0])
    >>> [name for name, _ in scales.named_parameters()]
    ['a', 'b']
    """

    _holds = (Parameter, "parameters")

    def _named(self) -> list[tuple[str, Any]]:
        return list(self._own_parameters())


# --- what they take -------------------------------------------------------------------


def held_by(container: Any, given: Any) -> list[Any]:
    """What is given to a list or dict, looked at; Tensors as Parameters."""
    who, (kind, plural) = type(container).__name__, container._holds
    single = isinstance(given, (Tree, Tensor)) and not isinstance(given, ModuleList)
    if single or not isinstance(given, Iterable) or isinstance(given, (str, Mapping)):
        raise TypeError(
            f"{who}: a {type(given).__name__} given; it takes a list of {plural}"
        )
    new = []
    for one in given:
        if kind is Parameter and type(one) is Tensor:
            one = Parameter(one)
        if not isinstance(one, kind):
            raise TypeError(f"{who}: a {type(one).__name__} given; it takes {plural}")
        new.append(one)
    return new


def set_named(container: Any, name: Any, module: Any) -> None:
    """Puts a module under a name, which must be free or a module's."""
    who = type(container).__name__
    if not isinstance(name, str):
        raise TypeError(f"{who}: a name of {type(name).__name__} given; it takes str")
    if not name or (name not in dict(container._named()) and hasattr(container, name)):
        raise KeyError(
            f"{who}: the name {say(name)} given, which is empty or an attribute already"
        )
    setattr(container, name, module)
