"""Chapter 1: backpropagation on single numbers.

A `Value` is a number that remembers how it was made: a calculation leaves its **graph**
behind, in which a result points to its operands, and beside each pointer lies a plain
number, the **local derivative** ∂result/∂operand.

    >>> a, b = Value(3.0), Value(2.0)
    >>> z = a * b + a              # made of two steps: p = a·b, then z = p + a
    >>> z.backward()
    >>> a.grad, b.grad             # ∂z/∂a = b + 1, ∂z/∂b = a
    (3.0, 3.0)

`backward` is the chain rule, from the result to the leaves (inputs and parameters): for
every operand x of a result z, `x.grad += z.grad · ∂z/∂x`.

**Why `+=`?** `a` reaches z along two paths, through p and directly, and the chain rule
adds up what all the paths contribute: 2 and 1. **In which order?** A node passes its
gradient on only after everything computed from it has. If, in b = a + a and c = b + b,
b passed on each arrival (1, then 2), a would receive 1+1+2+2 = 6; right is 4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

from . import floats, wiring  # floats: inf or nan where Python's math would raise
from .by_hand import ByHand  # `_prev`, the operands; and operations of one's own

Number = float | int
NUMBERS = (float, int)
new = object.__new__  # which calls no __init__


class Value(ByHand):
    """A number. One that was made of others has the operation and its operands x and y,
    with the local derivatives dx = ∂self/∂x and dy (y may be a constant, without a dy).
    `grad` is 0, and ∂root/∂self after `root.backward()`; in a leaf several add up."""

    __slots__ = ("__weakref__", "_dx", "_dy", "_op", "_own", "_x", "_y", "data", "grad",
                 "label")  # fmt: skip

    def __init__(
        self,
        data: Number,
        _children: Iterable[Value] = (),
        _op: str = "",
        _local: Sequence[Number] = (),
        label: str = "",
    ) -> None:
        self.data, self.grad, self.label, self._op = data, 0, label, _op
        self._x = self._dx = self._y = self._dy = self._own = None
        if type(data) not in NUMBERS or _children or _local:
            self._made_by_hand(_children, _local)

    def __add__(self, other: Value | Number) -> Value:
        """z = x + y;  ∂z/∂x = 1, ∂z/∂y = 1."""
        if isinstance(other, Value):
            return made(self.data + other.data, "+", self, 1.0, other, 1.0)
        if isinstance(other, NUMBERS):  # a constant: no node, no derivative
            return made(self.data + other, "+", self, 1.0, other)
        return self + float(other) if isinstance(other, Real) else NotImplemented

    def __mul__(self, other: Value | Number) -> Value:
        """z = x · y;  ∂z/∂x = y, ∂z/∂y = x."""
        if isinstance(other, Value):
            x, y = self.data, other.data
            return made(x * y, "*", self, y, other, x)
        if isinstance(other, NUMBERS):
            return made(self.data * other, "*", self, other, other)
        return self * float(other) if isinstance(other, Real) else NotImplemented

    def backward(self) -> None:
        """Sets `grad` of every Value that this one was made of. Leaves add to what they
        have, so several losses can be summed: set `leaf.grad = 0` between steps."""
        order = self.topological_order()
        for v in order:
            if v._dx is not None or v._own:  # no leaf: what it has is another walk's
                v.grad = 0.0
        self.grad = 1.0
        for v in order:
            if v._dx is not None:
                v._x.grad += v._dx * v.grad
                if v._dy is not None:
                    v._y.grad += v._dy * v.grad
            elif v._own:
                v._backward()

    def topological_order(self) -> list[Value]:
        """This Value and all it was made of, each after everything made from it. (Depth
        first: whatever is complete, its operands being listed, is listed in turn.)"""
        listed, seen = [], set()
        stack: list[Any] = [self]  # no recursion: a graph may be a million deep
        while stack:
            v = stack.pop()
            if v is None:  # the next one is complete
                listed.append(stack.pop())
            elif v not in seen:
                seen.add(v)
                stack.append(v)
                stack.append(None)
                if v._dy is not None and v._y not in seen:
                    stack.append(v._y)
                if v._dx is None:
                    stack += v._prev
                elif v._x not in seen:
                    stack.append(v._x)
        return listed[::-1]

    # That is all of backpropagation; more operations follow. (The other chapters do the
    # same with whole arrays, with separately written rules, so that each checks the
    # other: they must get the same gradients.)

    def __radd__(self, other: Number) -> Value:
        """y + x. `sum` starts at 0, which adds nothing: no node for it."""
        if isinstance(other, NUMBERS) and other:
            return made(other + self.data, "+", self, 1.0, (other,))
        if isinstance(other, NUMBERS):
            return self
        return float(other) + self if isinstance(other, Real) else NotImplemented

    def __rmul__(self, other: Number) -> Value:
        """z = y · x;  ∂z/∂x = y."""
        if isinstance(other, NUMBERS):
            return made(other * self.data, "*", self, other, (other,))
        return float(other) * self if isinstance(other, Real) else NotImplemented

    def __neg__(self) -> Value:
        """z = -x;  ∂z/∂x = -1."""
        return made(-self.data, "neg", self, -1.0)

    def __sub__(self, other: Value | Number) -> Value:
        """z = x - y;  ∂z/∂x = 1, ∂z/∂y = -1."""
        if isinstance(other, Value):
            return made(self.data - other.data, "-", self, 1.0, other, -1.0)
        if isinstance(other, NUMBERS):
            return made(self.data - other, "-", self, 1.0, other)
        return self - float(other) if isinstance(other, Real) else NotImplemented

    def __rsub__(self, other: Number) -> Value:
        """z = y - x;  ∂z/∂x = -1."""
        if isinstance(other, NUMBERS):
            return made(other - self.data, "-", self, -1.0, (other,))
        return float(other) - self if isinstance(other, Real) else NotImplemented

    def __truediv__(self, other: Value | Number) -> Value:
        """z = x / y;  ∂z/∂x = 1/y, ∂z/∂y = -x/y²."""
        if isinstance(other, Value):
            y, z = other.data, floats.div(self.data, other.data)
            dx, dy = floats.div(1.0, y), -floats.div(z, y)
            return made(z, "/", self, dx, other, dy)
        if isinstance(other, NUMBERS):
            z, dx = floats.div(self.data, other), floats.div(1.0, other)
            return made(z, "/", self, dx, other)
        return self / float(other) if isinstance(other, Real) else NotImplemented

    def __rtruediv__(self, other: Number) -> Value:
        """z = y / x;  ∂z/∂x = -y/x²."""
        if isinstance(other, NUMBERS):
            z = floats.div(other, self.data)
            dx = -floats.div(z, self.data)
            return made(z, "/", self, dx, (other,))
        return float(other) / self if isinstance(other, Real) else NotImplemented

    def __pow__(self, other: Value | Number) -> Value:
        """z = xʸ;  ∂z/∂x = y·xʸ⁻¹, ∂z/∂y = xʸ·ln x.

        By convention, as in PyTorch, ∂z/∂x is 0 for y = 0, and ∂z/∂y is 0 for x = 0 and
        y ≥ 0, where the formulas may be 0 · inf or -inf.
        """
        x, y = self.data, other.data if isinstance(other, Value) else other
        if not isinstance(y, NUMBERS):
            return self ** float(other) if isinstance(other, Real) else NotImplemented
        z = floats.pow(x, y)
        dx = y * floats.pow(x, y - 1) if y else 0.0
        if not isinstance(other, Value):
            return made(z, "**", self, dx, y)
        dy = z * floats.log(x) if x or y < 0 else 0.0
        return made(z, "**", self, dx, other, dy)

    def __rpow__(self, other: Number) -> Value:
        """z = yˣ;  ∂z/∂x = yˣ·ln y."""
        if not isinstance(other, NUMBERS):
            return float(other) ** self if isinstance(other, Real) else NotImplemented
        z = floats.pow(other, self.data)
        dx = z * floats.log(other) if other or self.data < 0 else 0.0
        return made(z, "**", self, dx, (other,))

    def tanh(self) -> Value:
        """z = tanh x;  ∂z/∂x = 1 - z²."""
        z = math.tanh(self.data)
        return made(z, "tanh", self, 1.0 - z * z)

    def exp(self) -> Value:
        """z = eˣ;  ∂z/∂x = eˣ = z."""
        z = floats.exp(self.data)
        return made(z, "exp", self, z)

    def log(self) -> Value:
        """z = ln x;  ∂z/∂x = 1/x."""
        dx = floats.div(1.0, self.data)
        return made(floats.log(self.data), "log", self, dx)

    def sqrt(self) -> Value:
        """z = √x;  ∂z/∂x = 1/(2√x)."""
        z = floats.sqrt(self.data)
        return made(z, "sqrt", self, floats.div(0.5, z))

    def sigmoid(self) -> Value:
        """z = 1/(1 + e⁻ˣ), for x < 0 as eˣ/(1 + eˣ): no overflow;  ∂z/∂x = z(1 - z)."""
        e = math.exp(-abs(self.data))
        z = (1.0 if self.data >= 0 else e) / (1.0 + e)
        return made(z, "sigmoid", self, z * (1.0 - z))

    def relu(self) -> Value:
        """z = max(x, 0);  ∂z/∂x = 1 if x > 0 else 0 (at the kink too, by choice)."""
        if self.data <= 0:
            return made(0.0, "ReLU", self, 0.0)
        return made(self.data, "ReLU", self, 1.0)

    def sin(self) -> Value:
        """z = sin x;  ∂z/∂x = cos x."""
        x = self.data
        return made(floats.sin(x), "sin", self, floats.cos(x))

    def cos(self) -> Value:
        """z = cos x;  ∂z/∂x = -sin x."""
        x = self.data
        return made(floats.cos(x), "cos", self, -floats.sin(x))

    # --- comparisons look at the numbers (float < Value asks Value > float) -----------

    def __lt__(self, other: Value | Number) -> bool:
        return self.data < other

    def __le__(self, other: Value | Number) -> bool:
        return self.data <= other

    def __gt__(self, other: Value | Number) -> bool:
        return self.data > other

    def __ge__(self, other: Value | Number) -> bool:
        return self.data >= other

    # --- as a Python object -----------------------------------------------------------

    def __reduce__(self) -> tuple[object, ...]:
        """For copy and pickle: the number, its name and gradient, without operands."""
        return Value, (self.data, (), "", (), self.label), (None, {"grad": self.grad})

    def __float__(self) -> float:
        raise TypeError(
            "float: a Value given; x.data is its number, and a result with a gradient "
            "comes from Value's own operations, such as x.exp()"
        )

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def _repr_html_(self) -> str:
        return wiring.html(self)


def made(
    data: Number, op: str, x: Value, dx: Number, y: Any = None, dy: Number | None = None
) -> Value:
    """The result of an operation of this file, without the checks of `Value(...)`."""
    z = new(Value)
    z.data, z.grad, z.label = data, 0, ""
    z._op, z._x, z._dx = op, x, dx
    z._y, z._dy, z._own = y, dy, None
    return z


topological_order = Value.topological_order  # of a root: topological_order(loss)
