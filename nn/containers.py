"""Modules that hold modules: a list of them, and a list that is called in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .module import Module


class ModuleList(Module):
    """A list of modules, under the names "0", "1", ...

    >>> import nn
    >>> layers = ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    >>> len(layers), [name for name, _ in layers.named_parameters()][:2]
    (2, ['0.weight', '0.bias'])
    """

    def __init__(self, modules: Any = ()) -> None:
        if isinstance(modules, Module) or not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}: a {type(modules).__name__} given; it takes a "
                "list of modules"
            )
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> None:
        """Adds a module at the end."""
        if not isinstance(module, Module):
            raise TypeError(
                f"{type(self).__name__}: a {type(module).__name__} given; it takes "
                "modules"
            )
        setattr(self, str(len(self)), module)

    def __iter__(self) -> Iterator[Any]:
        return (child for _, child in self.named_children())

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __getitem__(self, i: int) -> Any:
        try:
            return list(self)[i]
        except (IndexError, TypeError) as error:
            raise type(error)(
                f"{type(self).__name__}: index {i!r}, a {type(i).__name__}, given; it "
                f"has {len(self)} modules"
            ) from None


class Sequential(ModuleList):
    """Modules in a chain: each takes the output of the one before.

    >>> import nn
    >>> Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
    Sequential()                                   58
    ├─ 0: Linear(4 → 8)  weight (8, 4)  bias (8,)  40
    └─ 1: Linear(8 → 2)  weight (2, 8)  bias (2,)  18
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x
