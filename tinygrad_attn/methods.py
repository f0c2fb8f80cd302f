"""Tensor's methods by name: each is a function of another file, called on self.

    x.softmax()  is  functional.softmax(x)       x.sum(axis=0)  is  ops.sum(x, axis=0)

The functions say what they do, in which shapes, and what they refuse.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import functional, ops
    from .functions import elementwise as elementary
    from .functions import indexing, reductions, shaping
    from .tensor import Operand, Tensor

FILES = {
    "elementary": ".functions.elementwise",
    "functional": ".functional",
    "indexing": ".functions.indexing",
    "ops": ".ops",
    "reductions": ".functions.reductions",
    "shaping": ".functions.shaping",
}


class Methods:
    """What Tensor inherits: a method for each function of one tensor."""

    __slots__ = ()

    # --- elementary functions ---------------------------------------------------------

    def abs(self: Any) -> Tensor:
        """|x|: `elementary.abs`."""
        return elementary.abs(self)

    def exp(self: Any) -> Tensor:
        """eˣ: `ops.exp`."""
        return ops.exp(self)

    def log(self: Any) -> Tensor:
        """ln x: `ops.log`."""
        return ops.log(self)

    def log1p(self: Any) -> Tensor:
        """ln(1 + x): `ops.log1p`."""
        return ops.log1p(self)

    def sqrt(self: Any) -> Tensor:
        """√x: `ops.sqrt`."""
        return ops.sqrt(self)

    def rsqrt(self: Any) -> Tensor:
        """1/√x: `elementary.rsqrt`."""
        return elementary.rsqrt(self)

    def sin(self: Any) -> Tensor:
        """sin x: `ops.sin`."""
        return ops.sin(self)

    def cos(self: Any) -> Tensor:
        """cos x: `ops.cos`."""
        return ops.cos(self)

    def tanh(self: Any) -> Tensor:
        """tanh x: `ops.tanh`."""
        return ops.tanh(self)

    def erf(self: Any) -> Tensor:
        """erf x: `ops.erf`."""
        return ops.erf(self)

    def sigmoid(self: Any) -> Tensor:
        """1/(1 + e⁻ˣ): `functional.sigmoid`."""
        return functional.sigmoid(self)

    def relu(self: Any) -> Tensor:
        """max(x, 0): `functional.relu`."""
        return functional.relu(self)

    def leaky_relu(self: Any, negative_slope: float = 0.01) -> Tensor:
        """x where x > 0, else negative_slope · x: `functional.leaky_relu`."""
        return functional.leaky_relu(self, negative_slope)

    def gelu(self: Any, approximate: str = "none") -> Tensor:
        """x·Φ(x): `functional.gelu`."""
        return functional.gelu(self, approximate)

    def silu(self: Any) -> Tensor:
        """x σ(x): `functional.silu`."""
        return functional.silu(self)

    def softplus(self: Any) -> Tensor:
        """ln(1 + eˣ): `functional.softplus`."""
        return functional.softplus(self)

    def maximum(self: Any, other: Operand) -> Tensor:
        """The larger of self and other: `ops.maximum`."""
        return ops.maximum(self, other)

    def minimum(self: Any, other: Operand) -> Tensor:
        """The smaller of self and other: `elementary.minimum`."""
        return elementary.minimum(self, other)

    def clip(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """No less than min, no more than max: `elementary.clip`."""
        return elementary.clip(self, min, max)

    def softmax(self: Any, axis: int = -1) -> Tensor:
        """exp(x) / Σ exp(x) along an axis: `functional.softmax`."""
        return functional.softmax(self, axis)

    def log_softmax(self: Any, axis: int = -1) -> Tensor:
        """ln softmax(x) along an axis: `functional.log_softmax`."""
        return functional.log_softmax(self, axis)

    def astype(self: Any, dtype: str) -> Tensor:
        """In another dtype: `ops.astype`."""
        return ops.astype(self, dtype)

    # --- reductions -------------------------------------------------------------------

    def sum(self: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Σ x over an axis, several, or all: `ops.sum`."""
        return ops.sum(self, axis=axis, keepdims=keepdims)

    def mean(self: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Σ x / n over an axis, several, or all: `reductions.mean`."""
        return reductions.mean(self, axis=axis, keepdims=keepdims)

    def var(
        self: Any, axis: Any = None, correction: float = 1, keepdims: bool = False
    ) -> Tensor:
        """Σ (x - mean)² / (n - correction): `reductions.var`."""
        return reductions.var(self, axis=axis, correction=correction, keepdims=keepdims)

    def std(
        self: Any, axis: Any = None, correction: float = 1, keepdims: bool = False
    ) -> Tensor:
        """√var: `reductions.std`."""
        return reductions.std(self, axis=axis, correction=correction, keepdims=keepdims)

    def max(self: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        """The largest along an axis, several, or all: `ops.max`."""
        return ops.max(self, axis=axis, keepdims=keepdims)

    def min(self: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        """The smallest along an axis, several, or all: `reductions.min`."""
        return reductions.min(self, axis=axis, keepdims=keepdims)

    def logsumexp(self: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
        """ln Σ exp(x) over an axis, several, or all: `reductions.logsumexp`."""
        return reductions.logsumexp(self, axis=axis, keepdims=keepdims)

    def argmax(self: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Where the largest is: integers: `reductions.argmax`."""
        return reductions.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """Where the smallest is: integers: `reductions.argmin`."""
        return reductions.argmin(self, axis=axis, keepdims=keepdims)

    # --- another shape ----------------------------------------------------------------

    def reshape(self: Any, *shape: Any) -> Tensor:
        """The same elements under another shape: `ops.reshape`."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape)

    def permute_dims(self: Any, *axes: Any) -> Tensor:
        """The axes in another order: `ops.permute_dims`."""
        return ops.permute_dims(self, axes[0] if len(axes) == 1 else axes)

    def broadcast_to(self: Any, *shape: Any) -> Tensor:
        """Repeated up to a shape: `ops.broadcast_to`."""
        return ops.broadcast_to(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self: Any, axis0: int, axis1: int) -> Tensor:
        """Two axes exchanged: `shaping.transpose`."""
        return shaping.transpose(self, axis0, axis1)

    def swapaxes(self: Any, axis0: int, axis1: int) -> Tensor:
        """Two axes exchanged: `shaping.swapaxes`."""
        return shaping.swapaxes(self, axis0, axis1)

    def squeeze(self: Any, axis: Any = None) -> Tensor:
        """Without axes of size 1: `shaping.squeeze`."""
        return shaping.squeeze(self, axis)

    def unsqueeze(self: Any, axis: int) -> Tensor:
        """With a new axis of size 1: `shaping.unsqueeze`."""
        return shaping.unsqueeze(self, axis)

    def expand(self: Any, *sizes: Any) -> Tensor:
        """Repeated along axes of size 1; -1 leaves one as it is: `shaping.expand`."""
        return shaping.expand(self, *sizes)

    def flatten(self: Any, start_axis: int = 0, end_axis: int = -1) -> Tensor:
        """Several axes made one: `shaping.flatten`."""
        return shaping.flatten(self, start_axis, end_axis)

    def tril(self: Any, k: int = 0) -> Tensor:
        """0 above diagonal k: `shaping.tril`."""
        return shaping.tril(self, k)

    def triu(self: Any, k: int = 0) -> Tensor:
        """0 below diagonal k: `shaping.triu`."""
        return shaping.triu(self, k)

    def split(self: Any, size: Any, axis: int = 0) -> tuple[Tensor, ...]:
        """Pieces of a size, or of these sizes: `shaping.split`."""
        return shaping.split(self, size, axis)

    def chunk(self: Any, chunks: int, axis: int = 0) -> tuple[Tensor, ...]:
        """So many pieces of one size: `shaping.chunk`."""
        return shaping.chunk(self, chunks, axis)

    @property
    def T(self: Any) -> Tensor:
        """All axes in reverse order: the transpose of a matrix."""
        return ops.permute_dims(self, tuple(reversed(range(self.ndim))))

    @property
    def mT(self: Any) -> Tensor:
        """The last two axes exchanged: `shaping.matrix_transpose`."""
        return shaping.matrix_transpose(self)

    def take_along_axis(self: Any, indices: Any, axis: int = -1) -> Tensor:
        """The elements at these indices: `indexing.take_along_axis`."""
        return indexing.take_along_axis(self, indices, axis)

    def gather(self: Any, axis: int, index: Any) -> Tensor:
        """The elements at these indices: `indexing.gather`."""
        return indexing.gather(self, axis, index)


def connect() -> None:
    """Imports the files whose functions the methods call. They need Tensor, which needs
    this file: so Tensor calls this once it is there itself."""
    for name, file in FILES.items():
        globals()[name] = import_module(file, __package__)
