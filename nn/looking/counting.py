"""How large is a model? Its shapes alone tell, without its numbers.

The paper's big transformer has 214 million parameters: to build it takes nearly a
gigabyte, and minutes in pure Python. Inside `shapes_only()` an array is only a shape
and a dtype, without elements. Random numbers and computations give such arrays too.

    >>> import nn
    >>> with shapes_only():
    ...     model = nn.Transformer()
    >>> print(f"{count_parameters(model):,}")
    44,140,544
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from tinygrad_attn.arrays import array
from tinygrad_attn.arrays.backends import NAMESPACES, Backend
from tinygrad_attn.arrays.shapes import basic_index, broadcast_shapes
from tinygrad_attn.switching import Switch

from ..module import Module

Shape = tuple[int, ...]


def count_parameters(model: Module) -> int:
    """How many numbers a model learns. A shared parameter counts once.

    >>> import nn
    >>> count_parameters(nn.Linear(3, 2))                   # 2·3 and 2
    8
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"count_parameters: a {type(model).__name__} given; it takes a model, an "
            "nn.Module"
        )
    return sum(p.size for p in model.parameters())


@contextmanager
def shapes_only() -> Iterator[None]:
    """Inside the block, this thread's new tensors have shapes, but no numbers.

    To build models, print them and count their parameters. Such a model cannot be run.
    The random generator does not advance.

    >>> import nn
    >>> with shapes_only():
    ...     nn.Linear(10**6, 10**6, bias=False)
    Linear(1000000 → 1000000)  weight (1000000, 1000000)  1,000,000,000,000
    """
    only = {"backend": Backend(NAMESPACE, "float32"), "random": Silent()}
    with Switch(only):
        yield


class Silent(random.Random):
    """A generator of no bytes at all, for arrays without elements."""

    def randbytes(self, n: int) -> bytes:
        return b""


class Hollow:
    """An array without elements: a shape and a dtype. Arithmetic broadcasts shapes.

    >>> (Hollow((2, 1)) * 3.0 + Hollow((4,))).shape
    (2, 4)
    """

    __slots__ = ("dtype", "shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, shape: Shape, dtype: str = "float32") -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def tolist(self) -> Any:
        raise RuntimeError(
            "this model was built inside shapes_only() and has no numbers; build it "
            "outside to run it"
        )

    __iter__ = tolist

    def _broadcast(self, other: Any) -> Hollow:
        return Hollow(broadcast_shapes(self.shape, getattr(other, "shape", ())))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _broadcast
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _broadcast

    def __neg__(self) -> Hollow:
        return self

    def __getitem__(self, key: Any) -> Hollow:
        """Basic indexing: ints, slices, None and ... ."""
        return Hollow(basic_index(key, self.shape)[1], self.dtype)


class Namespace:
    """The part of a backend's namespace that building a model needs, for `Hollow`."""

    name = "shapes"
    records = False
    float_dtypes = ("float32", "float64")
    quiet = nullcontext

    def full(self, shape: Sequence[int], fill: float, dtype: str = "float32") -> Hollow:
        return Hollow(tuple(shape), dtype)

    def zeros(self, shape: Sequence[int], dtype: str = "float32") -> Hollow:
        return Hollow(tuple(shape), dtype)

    def uniform(self, raw: bytes, shape: Shape, dtype: str = "float32") -> Hollow:
        return Hollow(tuple(shape), dtype)

    def arange(
        self, start: float, stop: float, step: float = 1, dtype: str = "int64"
    ) -> Hollow:
        return Hollow((max(0, math.ceil((stop - start) / step)),), dtype)

    def asarray(self, obj: Any, dtype: str | None = None) -> Hollow:
        if not hasattr(obj, "shape"):
            obj = array.asarray(obj)
        return Hollow(tuple(obj.shape), dtype or str(obj.dtype))

    def astype(self, x: Hollow, dtype: str) -> Hollow:
        return Hollow(x.shape, dtype)

    def reshape(self, x: Hollow, shape: Sequence[int]) -> Hollow:
        return Hollow(tuple(shape), x.dtype)

    def concat(self, arrays: Sequence[Hollow], *, axis: int = 0) -> Hollow:
        shape = list(arrays[0].shape)
        shape[axis] = sum(x.shape[axis] for x in arrays)
        return Hollow(tuple(shape), arrays[0].dtype)

    def permute_dims(self, x: Hollow, axes: Sequence[int]) -> Hollow:
        return Hollow(tuple(x.shape[axis] for axis in axes), x.dtype)

    def same(self, x: Hollow) -> Hollow:
        return x

    exp = log = sqrt = sin = cos = tanh = leaf = stop_gradient = same

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python tries names that may be missing
            raise AttributeError(name)
        raise RuntimeError(
            f"{name}: this model was built inside shapes_only() and has no numbers; "
            "build it outside to run it"
        )


NAMESPACE = Namespace()
NAMESPACES[Hollow] = NAMESPACE
