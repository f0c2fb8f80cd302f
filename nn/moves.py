"""What PyTorch's programs ask of a model beyond the course: devices and dtypes."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import namespace_of
from tinygrad_attn.context import Changes
from tinygrad_attn.devices import check_device
from tinygrad_attn.errors import say
from tinygrad_attn.functions.updates import give
from tinygrad_attn.torch_names.instead import advice
from tinygrad_attn.torch_names.methods import dtype_of, is_dtype

from .parameter import Parameter
from .tree import Tree

Self = TypeVar("Self", bound="Moves")


class Moves(Tree):
    """`model.to(device)` and its like. There is one device, so nothing moves there."""

    def to(self: Self, *targets: Any, **options: Any) -> Self:
        """The model itself: where it is already, or with its floats in a dtype."""
        options.pop("non_blocking", None)
        unknown = [name for name in options if name not in ("device", "dtype")]
        if unknown:
            raise TypeError(
                f"{type(self).__name__}.to: {unknown[0]} given; it takes a device and "
                "a dtype"
            )
        for given in (*targets, *(v for v in options.values() if v is not None)):
            if isinstance(given, str) and is_dtype(given):
                self._in_dtype(dtype_of(given))
            else:
                check_device(f"{type(self).__name__}.to", given)
        return self

    def cpu(self: Self) -> Self:
        """The model itself, which is there already."""
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Refused: there is no such device here."""
        check_device(f"{type(self).__name__}.cuda", "cuda")
        return self

    def float(self: Self) -> Self:
        """Its floats as float32, where the backend has it; returns self."""
        return self._in_dtype(dtype_of("float"))

    def double(self: Self) -> Self:
        """Its floats as float64; returns self."""
        return self._in_dtype("float64")

    def register_module(self, name: str, module: Any) -> None:
        """Sets a module as an attribute, `self.name`; a number as a name is one too."""
        self._check_name("register_module", name)
        if not isinstance(module, Tree) and module is not None:
            raise TypeError(
                f"{type(self).__name__}.register_module: a {type(module).__name__} "
                "given; it takes a Module or None"
            )
        setattr(self, name, module)

    add_module = register_module

    def register_parameter(self, name: str, param: Any) -> None:
        """Sets a parameter as an attribute, `self.name`."""
        self._check_name("register_parameter", name)
        if not isinstance(param, Parameter) and param is not None:
            raise TypeError(
                f"{type(self).__name__}.register_parameter: a {type(param).__name__} "
                "given; it takes a Parameter or None"
            )
        setattr(self, name, param)

    def _check_name(self, who: str, name: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(
                f"{type(self).__name__}.{who}: name {say(name)} given; it must be a "
                "string"
            )

    def _in_dtype(self: Self, dtype: str) -> Self:
        if not dtype.startswith("float"):
            raise TypeError(
                f"{type(self).__name__}.to: {dtype} given; a model has floats"
            )
        for t in (*self.parameters(), *self.buffers()):
            if t.dtype.startswith("float") and t.dtype != dtype:
                moved = t.detach().astype(dtype)
                grad = t._grad if isinstance(t._grad, Tensor) else None
                t._grad = None
                give(t, namespace_of([t.array]), moved.array)
                t._grad = None if grad is None else grad.astype(dtype)
        Changes.happened()
        return self

    def __getattr__(self, name: str) -> NoReturn:
        """What it has not: with what to write instead, if PyTorch's has it."""
        known = [] if name.startswith("_") else dir(self)
        said = advice("Module", name, known).removeprefix("Module")
        raise AttributeError(f"{type(self).__name__}{said}", name=name, obj=self)
