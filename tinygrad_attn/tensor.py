"""Tensor: an array that remembers how it was made.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = (x * x).sum()
    >>> loss
    Tensor(14.0, float64, from sum)
    >>> loss.backward()
    >>> x.grad                                          # ∂Σx²/∂x = 2x
    Tensor([2.0, 4.0, 6.0], float64)

A Tensor adds to its `array` whether a gradient is wanted (`requires_grad`), the
gradient once there is one (`grad`), and, for a result, the operation, inputs and params
that it came from. That is the whole graph: autograd/recording.py writes it and
autograd/walk.py reads it. Here is the face that users see. The operators + - * / **
and comparisons come from functions/operands.py, and what Python asks of any object
(`len(x)`, `float(x)`, its repr) from as_object.py. Most functions of the folder
functions/ whose first argument is a tensor are its methods too: `x.softmax()` is
`softmax(x)`.
"""

from __future__ import annotations

import sys
import warnings
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

from . import ops
from .arrays.array import Array
from .arrays.backends import NAMESPACES, brought, current_backend, namespace_of
from .arrays.dtypes import FLOAT, PLACE
from .arrays.reading import dtype_name
from .as_object import AsObject
from .autograd import differentiate
from .autograd.recording import Recorded, make, taken_from
from .context import context
from .errors import check_flags, in_a_program, no_room, under_name
from .functions import (
    activations,
    elementwise,
    indexing,
    movement,
    products,
    reductions,
    shaping,
    updates,
)
from .functions.operands import Operand
from .functions.setting import setitem
from .functions.spelling import named
from .torch_names.keywords import understand
from .torch_names.methods import Methods, dtype_of


class Tensor(Methods, AsObject):
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

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: str | None = None
    ) -> None:
        check_flags("Tensor", requires_grad=requires_grad)
        backend, copied = current_backend(), isinstance(data, Tensor)
        try:
            if isinstance(data, Tensor):
                data = data if context.now.writer is None else data.detach()
                foreign = namespace_of([data.array]) is not backend.xp
                if foreign and dtype is None and data.dtype.startswith("float"):
                    dtype = backend.dtype
                data = brought(backend.xp, data.array, dtype)
            array = backend.xp.asarray(data, dtype)
            if dtype is None and PLACE[array.dtype] >= FLOAT:
                own = dtype_name(data) in backend.xp.float_dtypes  # as an array has one
                array = array if own else backend.xp.astype(array, backend.dtype)
        except (ValueError, TypeError, OverflowError) as error:
            raise under_name("Tensor", error) from error
        except MemoryError as error:
            raise no_room("Tensor", data) from error
        self.array = array
        self._grad = self._op = self._saved = self._where = None
        self._scope = context.now.scope  # a picture shows it in the call that made it
        self._inputs = self._arrays = self._needs = self._moved = ()
        self._params = {}
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = True
        elif context.now.tracing and copied:  # a program would not follow it
            self._params = {"frozen": "a copy of a tensor, made by Tensor(x)"}

    # --- its gradient -----------------------------------------------------------------

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Sets `requires_grad`; returns self."""
        check_flags("requires_grad_", requires_grad=requires_grad)
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        """∂loss/∂self, in the shape of self; None until a `backward` has reached it.

        In a leaf several backwards add up (set it to None between steps); a result has
        that of the last one, unless `retain_grad` was called for it.

        >>> x = Tensor([2.0], requires_grad=True)
        >>> h = x * x
        >>> (h * 3.0).sum().backward()
        >>> h.grad, x.grad
        (Tensor([3.0], float64), Tensor([12.0], float64))
        """
        found = self._grad
        if found is None and self._op is not None and self._requires_grad:
            warnings.warn(
                f"grad: this tensor is no leaf but the result of {self._op.name}, and "
                "no backward() has reached it so far (with create_graph one gives "
                "gradients to leaves only, and to what retain_grad() was called for)",
                stacklevel=2,
            )
        if found is None or found is differentiate.RETAINED:
            return None
        if isinstance(found, Tensor):
            return found
        if not isinstance(found, differentiate.Shown):
            self._grad = found = differentiate.Shown(found)
        shown: Tensor = found.tensor
        return shown

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and context.now.writer is not None:
            raise in_a_program("grad", "set")
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"grad: a {type(value).__name__} given; it must be a Tensor or None"
            )
        if value is not None and value.shape != self.shape:
            raise ValueError(
                f"grad: shape {value.shape} given for a tensor of shape {self.shape}; "
                "they must be equal"
            )
        kept = self._op is not None and isinstance(self._grad, differentiate.ADDS_UP)
        self._grad = differentiate.RETAINED if value is None and kept else value

    def retain_grad(self) -> None:
        """Lets the gradients of several backwards add up in a result, as in a leaf.

        >>> x = Tensor([2.0], requires_grad=True)
        >>> h = x * x
        >>> h.retain_grad()
        >>> (h * 3.0).sum().backward()
        >>> h.grad
        Tensor([3.0], float64)
        """
        if not self._requires_grad:
            warnings.warn(
                "retain_grad: this tensor requires no gradient, so it will not get one",
                stacklevel=2,
            )
        elif self._op is not None and not isinstance(self._grad, differentiate.ADDS_UP):
            found = self.grad if self._grad is not None else None
            self._grad = differentiate.RETAINED if found is None else found

    backward = differentiate.backward

    # --- its numbers ------------------------------------------------------------------

    @property
    def data(self) -> Tensor:
        """The same numbers without the graph: a constant. Unlike detach()'s, it is a
        view: what a leaf's `data` is changed to, in whichever way, the leaf is.

        >>> w = Tensor([1.0, 2.0], requires_grad=True)
        >>> w.data -= 1.0
        >>> w
        Tensor([0.0, 1.0], float64, requires_grad)
        """
        link = LINKS.get(id(self))
        if link is None:
            LINKS[id(self)] = link = Link(self)
        return View(link)

    @data.setter
    def data(self, numbers: Any) -> None:
        if isinstance(numbers, View) and numbers._owner.tensor is self:
            return  # x.data += y
        before = self.array
        updates.assigned(self, numbers, "data")
        if link := LINKS.pop(id(self), None):  # views keep what was there before
            link.tensor, link.array = None, before

    def item(self) -> Any:
        """The one number of a tensor of one element, as a Python number."""
        if not self.array.shape:
            return self.array.tolist()
        if self.size != 1:
            raise ValueError(
                f"item: shape {self.shape} has {self.size} elements; it must be one"
            )
        return self.reshape(()).tolist()

    def tolist(self) -> Any:
        """The numbers as nested Python lists (one number for shape ())."""
        named = context.now.writer is not None  # there are names, and no numbers
        return (self.detach() if named else self).array.tolist()

    def numpy(self) -> Any:
        """The numbers as a NumPy array of its own; self must not require a gradient."""
        if self.requires_grad:
            raise RuntimeError(
                "numpy: this tensor requires a gradient, which NumPy would not follow; "
                "call detach().numpy()"
            )
        import numpy

        if isinstance(self.array, Array) or context.now.writer is not None:
            return numpy.array(self.tolist(), dtype=self.dtype).reshape(self.shape)
        return numpy.array(self.array)

    def detach(self) -> Tensor:
        """The same numbers without the graph: a constant."""
        constant = elementwise.stop_gradient(self)
        constant._moved = taken_from(self)
        return constant

    # --- methods: functions, called on self -------------------------------------------

    abs = elementwise.abs
    exp = elementwise.exp
    log = elementwise.log
    log1p = elementwise.log1p
    sqrt = elementwise.sqrt
    rsqrt = elementwise.rsqrt
    sin = elementwise.sin
    cos = elementwise.cos
    tanh = elementwise.tanh
    erf = elementwise.erf
    clip = elementwise.clip
    astype = elementwise.astype

    relu = activations.relu
    leaky_relu = activations.leaky_relu
    gelu = activations.gelu
    sigmoid = activations.sigmoid
    silu = activations.silu
    softplus = activations.softplus
    softmax = activations.softmax
    log_softmax = activations.log_softmax

    sum = reductions.sum
    mean = reductions.mean
    var = reductions.var
    std = reductions.std
    max = reductions.max
    min = reductions.min
    argmax = reductions.argmax
    argmin = reductions.argmin
    logsumexp = reductions.logsumexp

    reshape = movement.reshape
    permute_dims = movement.permute_dims
    broadcast_to = movement.broadcast_to

    transpose = shaping.transpose
    swapaxes = shaping.swapaxes
    squeeze = shaping.squeeze
    unsqueeze = shaping.unsqueeze
    expand = shaping.expand
    flatten = shaping.flatten
    split = shaping.split
    chunk = shaping.chunk
    tril = shaping.tril
    triu = shaping.triu

    take_along_axis = indexing.take_along_axis
    gather = indexing.gather
    __getitem__ = indexing.getitem
    __setitem__ = setitem
    __matmul__ = products.matmul

    assign = updates.assign
    copy_ = updates.copy_
    fill_ = updates.fill_
    zero_ = updates.zero_
    add_ = updates.add_
    sub_ = updates.sub_
    mul_ = updates.mul_
    div_ = updates.div_
    __iadd__ = updates.iadd
    __isub__ = updates.isub
    __imul__ = updates.imul
    __itruediv__ = updates.itruediv
    __ipow__ = updates.ipow
    __imatmul__ = updates.imatmul

    mT = property(shaping.matrix_transpose, doc="The last two axes exchanged.")

    def maximum(self, other: Operand) -> Tensor:
        """The larger of self and other, element by element."""
        return elementwise.maximum(self, other)

    def minimum(self, other: Operand) -> Tensor:
        """The smaller of self and other, element by element."""
        return elementwise.minimum(self, other)

    def __rmatmul__(self, x: Operand) -> Tensor:
        return products.matmul(x, self)

    @property
    def T(self) -> Tensor:
        """All axes in reverse order: the transpose of a matrix."""
        return movement.permute_dims(self, tuple(reversed(range(self.ndim))))


class Link:
    """Whose numbers some views show; or the numbers, once the tensor has others."""

    __slots__ = ("__weakref__", "array", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Tensor | None = tensor
        self.array: Any = None


# id of a tensor → the link of its views, as long as there are any.
LINKS: WeakValueDictionary[int, Link] = WeakValueDictionary()


class View(Tensor):
    """The numbers of another tensor, as they are now: `x.data`. Once `x.data = y` has
    given x the numbers of y, a view from before keeps those that x had."""

    __slots__ = ("_owner",)
    _owner: Link

    def __init__(self, link: Link) -> None:
        self._owner = link
        self._grad = self._op = self._saved = self._scope = self._where = None
        self._inputs = self._arrays = self._needs = self._moved = ()
        self._params = {}
        self._requires_grad = False

    @property
    def array(self) -> Any:
        tensor = self._owner.tensor
        array = self._owner.array if tensor is None else tensor.array
        return namespace_of([array]).stop_gradient(array)

    @array.setter
    def array(self, array: Any) -> None:
        if self._owner.tensor is None:
            self._owner.array = array
        else:
            updates.assigned(self._owner.tensor, make(array), "data")

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted for it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and namespace_of([self.array]).name == "scalar":
            raise RuntimeError(
                "requires_grad: x.data shows the numbers of x, and on the scalar "
                "backend only x itself can collect their gradient; detach() gives a "
                "tensor of its own"
            )
        self._requires_grad = bool(wanted)


@named(makes=True)
def tensor(data: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Numbers as a tensor: PyTorch's `torch.tensor`.

    >>> tensor([1.0, 2.0], device="cpu")
    Tensor([1.0, 2.0], float64)
    """
    kind = None if dtype is None else dtype_of(dtype)
    return Tensor(data, requires_grad=requires_grad, dtype=kind)


class Callable(ModuleType):
    """This file has the name of that function, and so it can be called."""

    __call__ = staticmethod(tensor)


sys.modules[__name__].__class__ = Callable

understand(Tensor, "backward copy_ div_ expand fill_ mul_ numpy")

# From here on results are Tensors, and rules can run on them.
Recorded._result = Tensor
NAMESPACES[Tensor] = ops
