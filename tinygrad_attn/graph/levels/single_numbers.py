"""The scalar level: the same computation, one number at a time.

Every number becomes a `Value`. The primitives' forwards run on arrays of Values and
leave a graph of single numbers, as in chapter 1; no vjp of an array takes part. Each
value must equal the recorded one. Each gradient comes from the local derivatives of
Values alone, and must equal the recorded one too.

To compare gradients number by number, every element of a tensor needs a Value of its
own. A reshape would pass on the Values of its input, and a relu some of them; then a
gradient that reaches the input along another path would count as the result's too. So
such an element gets a new Value: the identity of the old one, or a constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from ...arrays import values as scalars
from ...arrays.array import Array, ValueArray
from ...scalar import Value, made
from ...tensor import Tensor
from ..check import compare, compare_gradients, size
from ..data import flat
from ..noise import STEP, gradients_of
from ..trace import Trace, inputs_first, inputs_of
from .opening import names_op

LIMIT = 100_000


class SingleNumbers:
    """The Values of a trace's tensors.

    Attributes:
        of: a tensor → its Values, row by row (not for bools and integers).
        maker: a Value → the tensor that it was made for.
        grad: the gradient of every Value that the roots depend on.
        moved: the same after a second walk, with all numbers moved (see `noise.py`).
        dtype: the coarsest of the tensors.
    """

    def __init__(self, trace: Trace, limit: int = LIMIT) -> None:
        tensors = trace.tensors()
        self.count = sum(map(values_needed, tensors))
        if self.count > limit:
            raise ValueError(
                f"{trace.who}: about {self.count:,} single numbers; more than "
                f"{limit:,} are not unfolded. Give a focus (focus='O[1,0]'), one head "
                "(head=(layer, 0)), a smaller input, or a coarser level ('primitive')"
            )
        self.of: dict[Tensor, list[Value]] = {}
        self.maker: dict[Value, Tensor] = {}
        for t in tensors:
            self._run(t)
        single = any(t.dtype == "float32" for t in self.of)
        self.dtype = "float32" if single else "float64"
        self._walk(trace)

    def _run(self, t: Tensor) -> None:
        """Computes t from the Values of its inputs, and gives it Values of its own."""
        floats = t.dtype.startswith("float")
        if not inputs_of(t):
            if floats:
                self._keep(t, [Value(v) for v in flat(t.array)])
            return
        arrays = [self._array(x) if isinstance(x, Tensor) else x for x in t._inputs]  # type: ignore[union-attr]
        assert t._op is not None
        params = t._params
        if str(params.get("dtype", "")).startswith("float"):
            params = params | {"dtype": "float64"}
        z = t._op.forward(scalars, *arrays, **params)
        z = z[0] if isinstance(z, tuple) else z
        want = Array(flat(t.array), t.shape, z.dtype)
        scale = size(t.array, *(x.array for x in inputs_of(t)))
        dtype = t.dtype if floats else ""
        compare(
            f"{t._op.name}, number by number,", plain_numbers(z), want, scale, dtype
        )
        if not floats:
            return
        given = {id(v) for a in arrays if isinstance(a, Array) for v in a.data}
        own: list[Value] = []
        for v, number in zip(z.data, want.data):
            if not isinstance(v, Value):
                v = Value(number)
            elif id(v) in given:
                v = made(number, "", v, 1.0)
            given.add(id(v))
            v.data = number  # exactly the recorded number
            own.append(v)
        self._keep(t, own)

    def _keep(self, t: Tensor, own: list[Value]) -> None:
        """Notes the Values of t; those between them and its inputs are made for t."""
        self.of[t] = own
        todo = list(own)
        while todo:
            v = todo.pop()
            if v not in self.maker:
                self.maker[v] = t
                todo += v._prev

    def _array(self, x: Tensor) -> Array:
        if x in self.of:
            return ValueArray(self.of[x], x.shape, "float64")
        return Array(flat(x.array), x.shape, x.dtype)

    def _walk(self, trace: Trace) -> None:
        """Finds ∂L/∂v of every Value by the chain rule of chapter 1.

        The walk over arrays multiplies all numbers of a tensor, also those that nothing
        depends on, and 0 · ∞ is nan. To meet that nan here too, the walk begins with a
        0 at every number of a tensor that has a gradient.
        """
        pairs = [
            (v, float(g))
            for root, seed in zip(trace.roots, trace.seeds)
            if seed is not None
            for v, g in zip(self.of[root], flat(seed))
        ]
        pairs += [(v, 0.0) for t in self.of if t in trace.gradients for v in self.of[t]]
        end = Value(0.0, tuple(v for v, _ in pairs), "", tuple(g for _, g in pairs))
        self.grad, self.moved = gradients_of(end), gradients_of(end, STEP)
        del self.grad[end], self.moved[end]
        scales = trace.scales()
        compare_gradients(
            (
                (
                    names_op(t),
                    self.gradient(t),
                    plain_numbers(trace.gradient(t)),
                    scales.get(t, 0),
                )
                for t in self.of
                if t._requires_grad
            ),
            "scalar",
            self.dtype,
        )

    def made_for(self, t: Tensor) -> Iterator[Value]:
        """The Values made for t, each after its inputs."""

        def inputs(v: Value) -> list[Value]:
            return [x for x in v._prev if self.maker[x] is t]

        return inputs_first(self.of[t], inputs)

    def gradient(self, t: Tensor) -> Array:
        """A tensor's gradient, as an array of the gradients of its Values."""
        return Array([self.grad.get(v, 0.0) for v in self.of[t]], t.shape)


def plain_numbers(array: Any) -> Array:
    """Any array as an array of Python numbers, without Values."""
    numbers = [v.data if isinstance(v, Value) else v for v in flat(array)]
    dtype = str(array.dtype)
    return Array(numbers, array.shape, "float64" if dtype == "float32" else dtype)


def values_needed(t: Tensor) -> int:
    """About how many Values a primitive makes: n·m·(2k - 1) for a matrix product, one
    for each summed number of a sum, else one for each element of the result."""
    if not t.dtype.startswith("float"):
        return 0
    kind = t._op.kind if t._op else ""
    if kind == "product":
        k = inputs_of(t)[0].shape[-1]
        return t.size * max(2 * k - 1, 1)
    if kind == "reduction":
        return max(prod(inputs_of(t)[0].shape), t.size)
    return t.size
