"""Parameter: a Tensor that a module learns."""

from __future__ import annotations

from typing import Any

from tinygrad_attn import Tensor, copies
from tinygrad_attn.arrays.backends import namespace_of


class Parameter(Tensor):
    """A Tensor that a module learns: a leaf that requires a gradient.

    Args:
        data: numbers, or a Tensor with these numbers.

    >>> Parameter([1.0, 2.0])
    Tensor([1.0, 2.0], float64, requires_grad)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad=requires_grad)

    def _in_place(self, other: Any) -> Any:
        raise TypeError(
            "+= and its like would make a new Tensor, and the model would keep the old "
            "Parameter; let an optimizer move it, or write p.assign((p - step).data)"
        )

    __iadd__ = __isub__ = __imul__ = __itruediv__ = _in_place

    def assign(self, array: Any) -> None:
        """Replaces the numbers, between steps, by an array of the same shape."""
        self.data = namespace_of([self.data]).leaf(array)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A Parameter with the same numbers; its gradient is left behind, as in
        PyTorch."""
        twin = copies.deep_copy(self, memo)
        twin.grad = None
        return twin
