"""Parameter: a Tensor that a module learns."""

from __future__ import annotations

from typing import Any

from tinygrad_attn import Tensor, copies


class Parameter(Tensor):
    """A Tensor that a module learns: a leaf that requires a gradient.

    Args:
        data: numbers, or a Tensor with these numbers.

    >>> Parameter([1.0, 2.0])
    Tensor([1.0, 2.0], float64, requires_grad)
    """

    __slots__ = ()
    _trained = True

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad=requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A Parameter with the same numbers; its gradient is left behind, as in
        PyTorch."""
        twin = copies.deep_copy(self, memo)
        twin.grad = None
        return twin
