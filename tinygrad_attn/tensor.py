"""Tensor: an array that remembers how it was made.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = (x * x).sum()
    >>> loss
    Tensor(14.0, float64, from sum)
    >>> loss.backward()
    >>> x.grad                                          # ∂Σx²/∂x = 2x
    Tensor([2.0, 4.0, 6.0], float64)

A Tensor adds to its array (`data`) whether a gradient is wanted (`requires_grad`), the
gradient once there is one (`grad`), and, for a result, the operation, inputs and params
that it came from. That is the whole graph; `recording.apply` writes it and
`autograd.walk` reads it. The operators are one line each: the rules stand in
`primitives.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from . import printing
from .arrays.array import Array
from .arrays.backends import current_backend, namespace_of
from .autograd.lines import Line
from .context import Scope
from .methods import Methods, connect
from .rules import comparisons as nondifferentiable
from .rules import primitives
from .rules.operation import Op

Operand = Any  # a Tensor, a number, an array or nested lists


class Tensor(Methods):
    """An n-dimensional array of numbers, and how it was made.

    Args:
        data: a number, nested lists of equal lengths, or an array.
        requires_grad: whether `backward` shall compute ∂loss/∂self; floats only.
        dtype: "float64", "float32" (NumPy only), "int64" or "bool". By default whole
            numbers become int64, and others the backend's floats (`set_backend`).

    Raises:
        ValueError: ragged lists.
        TypeError: something that is no number, or a dtype that the backend lacks.
    """

    __slots__ = (
        "__weakref__",
        "_arrays",
        "_grad",
        "_inputs",
        "_needs",
        "_op",
        "_params",
        "_requires_grad",
        "_saved",
        "_scope",
        "_where",
        "data",
    )
    data: Any
    __array_ufunc__ = None  # NumPy's operators leave array + Tensor to Tensor

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: str | None = None
    ) -> None:
        if not isinstance(requires_grad, bool):
            raise TypeError(
                f"Tensor: requires_grad={requires_grad!r}, a "
                f"{type(requires_grad).__name__}, given; it is a bool"
            )
        backend = current_backend()
        try:
            if isinstance(data, Tensor):
                data = data.detach().data
                same = namespace_of([data]) is backend.xp
                data = data if same else data.tolist()
            array = backend.xp.asarray(data, dtype)
            plain = dtype is None and not hasattr(data, "dtype")
            if plain and array.dtype == "float64" != backend.dtype:
                array = backend.xp.astype(array, backend.dtype)
        except (ValueError, TypeError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"Tensor: {' '.join(str(error).split())}") from None
        self.data = array
        self._grad: Tensor | None = None
        self._op: Op | None = None
        self._inputs: Sequence[Any] | None = ()
        self._arrays: Sequence[Any] | None = ()
        self._needs: Sequence[bool] = ()
        self._params: dict[str, Any] = {}
        self._saved: Any = None
        self._scope: Scope | None = None
        self._where: Line | None = None  # inside record() or debug()
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = True

    # --- what it is -------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        return self.data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.data.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.data.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        """ "float64", "float32", "int64" or "bool"."""
        return dtype_name(self.data.dtype)

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted for it, or for something it was made from."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and not self.dtype.startswith("float"):
            raise TypeError(
                f"Tensor: requires_grad given for {self.dtype}; only floats have "
                "gradients (write 2.0 for 2, or dtype='float64')"
            )
        if self._op is not None and self._requires_grad and not wanted:
            raise RuntimeError(
                f"requires_grad: this tensor came from {self._op.name}; only a leaf's "
                "can be switched off, detach() gives a copy without a graph"
            )
        if wanted and not self._requires_grad:
            self.data = namespace_of([self.data]).leaf(self.data)
            self._op, self._inputs, self._arrays, self._needs = None, (), (), ()
        self._requires_grad = bool(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Sets `requires_grad`; returns self."""
        if not isinstance(requires_grad, bool):
            raise TypeError(
                f"requires_grad_: {requires_grad!r}, a {type(requires_grad).__name__}, "
                "given; it must be True or False"
            )
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not by a recorded operation."""
        return self._op is None or not self._requires_grad

    @property
    def grad(self) -> Tensor | None:
        """∂loss/∂self, in the shape of self; None until a `backward` has reached it.

        Only leaves keep one; several backwards add up (set it to None between steps).
        """
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"grad: a {type(value).__name__} given; it must be a Tensor or None"
            )
        if value is not None and value.shape != self.shape:
            raise ValueError(
                f"grad: shape {value.shape} given for a tensor of shape {self.shape}; "
                "they must be equal"
            )
        self._grad = value

    def item(self) -> Any:
        """The one number of a tensor of one element, as a Python number."""
        if self.size != 1:
            raise ValueError(
                f"item: shape {self.shape} has {self.size} elements; it must be one"
            )
        return self.reshape(()).tolist()

    def tolist(self) -> Any:
        """The numbers as nested Python lists (one number for shape ())."""
        return self.data.tolist()

    def numpy(self) -> Any:
        """The numbers as a NumPy array of its own; self must not require a gradient."""
        if self.requires_grad:
            raise RuntimeError(
                "numpy: this tensor requires a gradient, which NumPy would not follow; "
                "call detach().numpy()"
            )
        import numpy

        if isinstance(self.data, Array):
            return numpy.array(self.tolist(), dtype=self.dtype).reshape(self.shape)
        return numpy.array(self.data)

    def detach(self) -> Tensor:
        """The same numbers without the graph: a constant."""
        return ops.stop_gradient(self)

    # --- the walk backward ------------------------------------------------------------

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Adds ∂self/∂leaf to the `grad` of every leaf that self was made from.

        Args:
            gradient: ∂L/∂self, in self's shape, if self is not the scalar L itself.
            retain_graph: keep the graph for another walk. By default it is freed on the
                way, and a second backward is an error.
            create_graph: record the walk, so that the gradients can be differentiated.

        Raises:
            RuntimeError: self is no scalar and `gradient` is missing, self has no
                graph, or the graph was freed by an earlier backward.
        """
        from .autograd.differentiate import backward

        backward(self, gradient, retain_graph, create_graph)

    # --- operators: one line each, the rules are in primitives.py ---------------------

    def __add__(self, y: Operand) -> Tensor:
        return recording.binary(primitives.add, self, y)

    def __radd__(self, y: Operand) -> Tensor:
        return recording.binary(primitives.add, y, self)

    def __sub__(self, y: Operand) -> Tensor:
        return recording.binary(primitives.sub, self, y)

    def __rsub__(self, y: Operand) -> Tensor:
        return recording.binary(primitives.sub, y, self)

    def __mul__(self, y: Operand) -> Tensor:
        return recording.binary(primitives.mul, self, y)

    def __rmul__(self, y: Operand) -> Tensor:
        return recording.binary(primitives.mul, y, self)

    def __truediv__(self, y: Operand) -> Tensor:
        return ops.div(self, y)

    def __rtruediv__(self, y: Operand) -> Tensor:
        return ops.div(y, self)

    def __pow__(self, y: Operand) -> Tensor:
        return ops.pow(self, y)

    def __rpow__(self, y: Operand) -> Tensor:
        base = recording.constant(y, self)
        return ops.pow(y if base is None else base, self)

    def __neg__(self) -> Tensor:
        return ops.neg(self)

    def __matmul__(self, y: Operand) -> Tensor:
        return ops.matmul(self, y)

    def __rmatmul__(self, y: Operand) -> Tensor:
        return ops.matmul(y, self)

    def __getitem__(self, key: Any) -> Tensor:
        return indexing.getitem(self, key)

    # Comparisons give a tensor of bools. They are flat but for jumps: no gradient.

    def __eq__(self, y: Operand) -> Tensor:  # type: ignore[override]
        return recording.compare(nondifferentiable.equal, self, y)

    def __ne__(self, y: Operand) -> Tensor:  # type: ignore[override]
        return recording.compare(nondifferentiable.not_equal, self, y)

    def __lt__(self, y: Operand) -> Tensor:
        return recording.compare(nondifferentiable.less, self, y)

    def __le__(self, y: Operand) -> Tensor:
        return recording.compare(nondifferentiable.less_equal, self, y)

    def __gt__(self, y: Operand) -> Tensor:
        return recording.compare(nondifferentiable.greater, self, y)

    def __ge__(self, y: Operand) -> Tensor:
        return recording.compare(nondifferentiable.greater_equal, self, y)

    __hash__ = object.__hash__

    # --- as a Python object -----------------------------------------------------------

    def __repr__(self) -> str:
        return printing.tensor_repr(self)

    def _repr_html_(self) -> str:
        return printing.tensor_html(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: a tensor of shape () has no axis to count along")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                f"bool: shape {self.shape} has {self.size} truth values; compare with "
                "(x == y).min(), or `is` for the same tensor"
            )
        return bool(self.item())

    def __abs__(self) -> Tensor:
        return self.abs()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            "x[...] = y: tensors are values and are never changed in place; write "
            "x = where(mask, y, x), or concat the parts"
        )


dtype_name = cache(str)  # NumPy takes its time to spell a dtype


def make(array: Any) -> Tensor:
    """A Tensor around an array of some backend, without a graph."""
    t = Tensor.__new__(Tensor)
    t.data = array
    t._grad = t._op = t._saved = t._scope = t._where = None
    t._inputs = t._arrays = t._needs = ()
    t._params = {}
    t._requires_grad = False
    return t


# Operators record, and recording makes Tensors: the circle closes here.
from . import ops  # noqa: E402
from .autograd import recording  # noqa: E402
from .functions import indexing  # noqa: E402

connect()
