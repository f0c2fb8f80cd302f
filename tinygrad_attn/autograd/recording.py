"""Chapter 4: how a calculation is recorded.

`apply` computes one operation and writes down where the result came from: the
operation, its inputs and its params. Every operator of a Tensor and every function that
computes ends here, so the history of a result is recorded automatically. (On a first
reading of `apply`, skip the lines about values, parts, debug, tracing, scope,
watcher and writer.)

    >>> from tinygrad_attn.rules import primitives
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> z = apply(primitives.exp, x)
    >>> z._op, z._inputs[0] is x
    (<primitive exp>, True)

`Recorded` is what every recorded tensor has. `Arithmetic` (functions/operands.py) adds
the operators, and the users' `Tensor` (tensor.py) the methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any
from weakref import ref

from .. import wiring
from ..arrays import values
from ..arrays.backends import NAMESPACES, namespace_of
from ..arrays.batches import in_parts
from ..context import Changes, Scope, context
from ..errors import say, under_name
from ..rules.operation import Op
from .debugging import check_forward
from .lines import SourceLine, source_line

NUMBERS = frozenset((float, int, bool))  # what a rule takes as it is, beside Tensors
Step = tuple[Op, dict[str, Any]]  # an operation, and its settings


class Recorded:
    """An array, and how it was made. `apply` writes it, the walk reads it.

    Attributes:
        array: its numbers, an array of some backend, which is never written to.
        _result: the class of results, which tensor.py sets to Tensor; see `result`.
    """

    __slots__ = (
        "__weakref__",
        "_arrays",  # the inputs' numbers at that time; a step may give x new ones
        "_grad",  # ∂loss/∂self, of leaves
        "_inputs",  # None once the graph was freed
        "_moved",  # whose numbers it has, if others' (a slice, a detach()ed one)
        "_needs",  # which inputs require a gradient
        "_op",  # None for what the user made
        "_params",
        "_requires_grad",
        "_saved",
        "_scope",  # in which module's call
        "_where",  # the line of source, inside record() or debug()
        "array",
    )
    array: Any
    _arrays: Sequence[Any] | None
    _grad: Any
    _inputs: Sequence[Any] | None
    _moved: tuple[Taken, ...]
    _needs: Sequence[bool]
    _op: Op | None
    _params: dict[str, Any]
    _requires_grad: bool
    _saved: Any
    _scope: Scope | None
    _where: SourceLine | None
    _result: type[Recorded] | None = None
    _owner: Any = None  # whose numbers these are, if another's
    _trained = False  # whether `x += y` changes x in every case: a Parameter

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        return self.array.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.array.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.array.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        """ "float64", "float32", "int64" or "bool"."""
        return dtype_name(self.array.dtype)

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
            # on the scalar backend, Values without operands: leaves of their graph
            self.array = namespace_of([self.array]).leaf(self.array)
            self._op, self._inputs, self._arrays, self._needs = None, (), (), ()
        self._requires_grad = bool(wanted)
        Changes.happened()

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user and not by a recorded operation."""
        return self._op is None or not self._requires_grad


Taken = tuple["ref[Recorded]", Any, Step | None]  # see functions/aliases.py


dtype_name = cache(str)  # NumPy takes its time to spell a dtype


def make(array: Any) -> Any:
    """A Tensor around an array of some backend, without a graph."""
    t: Any = object.__new__(Recorded._result or result())
    t.array = array
    t._grad = t._op = t._saved = t._scope = t._where = None
    t._inputs = t._arrays = t._needs = t._moved = ()
    t._params = {}
    t._requires_grad = False
    return t


def make_here(data: Any) -> Any:
    """A leaf that belongs to the module's call that makes it, as a mask of dropout or
    zeros to start from: a picture shows it inside."""
    t = make(data)
    t._scope = context.now.scope
    return t


def twin(t: Any) -> Any:
    """Another Tensor with the numbers and the history of this one."""
    other = make(t.array)
    other._requires_grad, other._op, other._inputs = t._requires_grad, t._op, t._inputs
    other._arrays, other._needs, other._params = t._arrays, t._needs, t._params
    other._saved, other._scope, other._where = t._saved, t._scope, t._where
    return other


def result() -> type[Recorded]:
    """The class of results, Tensor. It stands above, and tells this file of itself when
    it is loaded (tensor.py, last lines)."""
    return wiring.Tensor()


# --- computing and writing down -------------------------------------------------------


def apply(op: Op, *inputs: Any, **params: Any) -> Any:
    """The result of an operation, a Tensor that remembers how it was made.

    Args:
        op: a primitive or composite.
        inputs: Tensors; plain numbers and None where the operation takes them.
        params: its settings.

    Raises:
        ValueError, TypeError, IndexError: the inputs do not fit; the message begins
            with the operation's name.
    """
    now = context.now
    arrays: list[Any] = []
    needs: list[bool] = []
    for x in inputs:
        if isinstance(x, Recorded):
            arrays.append(x.array)
            needs.append(x._requires_grad)
        else:
            arrays.append(number(op, x))
            needs.append(False)
    if not op.differentiable:
        needs = [False] * len(inputs)
    if now.writer is not None:  # a program is being written: arrays are names
        arrays = now.writer.arrays(op, inputs, arrays, params)
    differentiable = now.recording and True in needs  # False under no_grad
    keep = differentiable or (now.recording and now.tracing)  # record() keeps all
    if op.composite and now.watcher is not None and op.kind == "attention":
        z = step_by_step(op, *inputs, **params)  # so that its weights are seen
        return z[0] if type(z) is tuple else z
    if keep and op.vjp is None:
        if op.composite:  # without a rule: record its parts
            z = step_by_step(op, *inputs, **params)
            return z if isinstance(z, Recorded) else no_tensor(op, z)
        if differentiable:
            raise no_rule(op)
    xp = namespace_of(arrays, op.name)
    if xp is values and not differentiable:  # Values would record themselves
        arrays = [xp.stop_gradient(a) if hasattr(a, "shape") else a for a in arrays]
    forward = in_parts(op.forward) if op.by_matrix else op.forward
    try:
        z = forward(xp, *arrays, **params)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise misfit(op, error, arrays) from error
    except MemoryError as error:
        raise no_memory(op, arrays, params) from error
    saved = None
    if type(z) is tuple:
        z, saved = z
    if xp is values and differentiable:
        z, saved = xp.own_values(z, arrays), None
    t = make(z)
    if op.kind == "movement" and not differentiable and len(arrays) == 1:
        t._moved = () if "dtype" in params else taken_from(inputs[0], (op, params))
    if now.debug and now.writer is None:
        t._where = check_forward(op, arrays, z)
    if keep:
        if now.tracing:
            t._where = source_line(inputs)
        t._requires_grad = differentiable
        t._op = op
        t._inputs = inputs
        t._arrays = arrays
        t._needs = needs
        t._params = params
        t._saved = saved
        t._scope = now.scope
    if now.watcher is not None:
        now.watcher(op, inputs, params, t)
    return t


def taken_from(x: Any, step: Step | None = None) -> tuple[Taken, ...]:
    """x, and what x itself has its numbers from, as long as these are there: with the
    arrays that they have now, and the step that leads from each to the next."""
    if x._owner is not None and x._owner.tensor is not None:  # x.data
        x = x._owner.tensor
    return ((ref(x), x.array, step), *x._moved)


def no_rule(op: Op) -> RuntimeError:
    """What to say if a gradient is wanted of an operation that has no vjp."""
    return RuntimeError(
        f"{op.name}: it has no vjp, so no gradient can pass; write one under "
        f"@{op.name}.defvjp, or say @primitive(differentiable=False)"
    )


def no_tensor(op: Op, z: Any) -> Any:
    """Refuses what a composite's forward returned."""
    raise TypeError(
        f"{op.name}: its forward returned a {type(z).__name__}; without a vjp, which "
        "could use what is saved, it must return z alone"
    )


def step_by_step(op: Op, *inputs: Any, **params: Any) -> Any:
    """What a composite's forward returns, run on the Tensors themselves: each of its
    steps is recorded, in the scope of the composite."""
    ops = NAMESPACES[Recorded._result or result()]
    return in_scope(op, op.forward, ops, *inputs, **params)


def number(op: Op, x: Any) -> Any:
    """What may stand beside Tensors as it is: a number, or None."""
    if x is None or type(x) in NUMBERS:
        return x
    raise TypeError(
        f"{op.name}: {type(x).__name__} given; it takes Tensors (Tensor(x) makes one)"
    )


def misfit(op: Op, error: Exception, arrays: Sequence[Any]) -> Exception:
    """The error under the operation's name; if the shapes do not fit, the sentence that
    says why. A check speaks for the function that asked for it."""
    if op.kind == "check":
        return error
    if op.check is not None:
        try:
            op.check(*(getattr(a, "shape", ()) for a in arrays))
        except ValueError as why:
            error = why
    return under_name(op.name, error)


def no_memory(op: Op, arrays: Sequence[Any], params: dict[str, Any]) -> MemoryError:
    """What to say where there is no memory for a result."""
    shapes = ", ".join(str(getattr(a, "shape", a)) for a in arrays)
    settings = "".join(f", {name}={say(value)}" for name, value in params.items())
    return MemoryError(
        f"{op.name}: {shapes}{settings} given; there is no memory for the result"
    )


# --- scopes and watchers --------------------------------------------------------------


def in_scope(owner: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of a call. All that it records remembers that it was made for `owner`,
    a module or a composite. By this pictures group and name the steps."""
    now = context.now
    before = now.scope
    now.scope = Scope(owner, before)
    try:
        return call(*args, **kwargs)
    finally:
        now.scope = before


def watch(watcher: Callable[..., None], call: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of a call, in which `watcher(op, inputs, params, z)` is told of every
    operation as soon as it is done, also within `no_grad`, where nothing is recorded.

    `context.now.scope` says in which module that was. Attention then runs step by step,
    so that its weights are seen.
    """
    now = context.now
    before = now.watcher
    now.watcher = watcher
    try:
        return call(*args, **kwargs)
    finally:
        now.watcher = before
