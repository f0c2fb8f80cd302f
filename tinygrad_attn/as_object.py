"""A Tensor as an object: what Python, notebooks and NumPy ask of one.

    >>> x = Tensor([1.0, 2.0])
    >>> len(x), [row * 2.0 for row in x], f"{x.sum():.1f}"
    (2, [Tensor(2.0, float64), Tensor(4.0, float64)], '3.0')
    >>> x == x, bool((x == x).min())                    # == compares the numbers
    (Tensor([True, True], bool), True)

None of it is needed to learn backprop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import copies, printing, wiring
from .functions import numpys
from .functions.operands import Arithmetic

Tensor = Any  # the class, which is made of these methods


class AsObject(Arithmetic):
    """What is not mathematics."""

    __slots__ = ()

    __reduce_ex__ = copies.reduced
    __copy__ = copies.shallow_copy
    __deepcopy__ = copies.deep_copy

    def __repr__(self: Any) -> str:
        return printing.tensor_repr(self)

    def _repr_html_(self: Any) -> str:
        return wiring.html(self)

    def __len__(self: Any) -> int:
        if not self.shape:
            raise TypeError("len: a tensor of shape () has no axis to count along")
        return int(self.shape[0])

    def __iter__(self: Any) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self: Any) -> bool:
        if self.size != 1:
            raise ValueError(
                f"bool: shape {self.shape} has {self.size} truth values; compare with "
                "(x == y).min(), or `is` for the same tensor"
            )
        return bool(self.item())

    def __abs__(self: Any) -> Tensor:
        return self.abs()

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __array__(self: Any, dtype: Any = None, copy: Any = None) -> Any:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    __array_ufunc__ = numpys.array_ufunc
    __array_function__ = numpys.array_function

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __index__(self: Any) -> int:
        if self.dtype != "int64" or self.size != 1:
            raise TypeError(
                f"index: {self.dtype} of shape {self.shape} given; as an index it must "
                "be one integer"
            )
        return int(self.item())
