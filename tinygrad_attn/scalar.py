"""Chapter 1: backpropagation on single numbers.

A `Value` is one number that remembers how it was made. A calculation with Values leaves
its **graph** behind: every result points to its operands, and beside each pointer lies
a plain number, the **local derivative** ∂result/∂operand.

    >>> a, b = Value(3.0), Value(2.0)
    >>> z = a * b + a              # made of two steps: p = a·b, then z = p + a
    >>> z.backward()
    >>> a.grad, b.grad             # ∂z/∂a = b + 1, ∂z/∂b = a
    (3.0, 3.0)

`backward` is the chain rule, from the result to the leaves (inputs and parameters, made
of nothing): for every operand x of a result z, `x.grad += z.grad · ∂z/∂x`.

**Why `+=`?** `a` reaches z along two paths, through p and directly, and the chain rule
adds up what all the paths contribute: 2 and 1.

**In which order?** A node hands on its gradient once everything made from it has
delivered. Take b = a + a and c = b + b, where dc/da is 4. Were b to hand on what it has
at each delivery (1, then 2), a would be sent 1+1 and 2+2: 6.

The other chapters do the same with whole arrays, by rules of their own. None of those
is used here, so that each proves the other: they must get the same gradients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real

from . import floats

Number = float | int
NUMBERS = (float, int)


class Value:
    """One number, the Values it was made of, by which operation, with which local
    derivatives, and a name to read and to draw.

    `grad` is ∂root/∂self for the root whose `backward` was called: the integer 0 until
    a backward reaches this Value, a float from then on.
    """

    __slots__ = ("__weakref__", "_local", "_op", "_prev", "data", "grad", "label")

    def __init__(
        self,
        data: Number,
        _children: tuple[Value, ...] = (),
        _op: str = "",
        _local: tuple[Number, ...] = (),
        label: str = "",
    ) -> None:
        if not _children and not isinstance(data, (float, int, Real)):
            raise TypeError(f"Value: {data!r}, a {type(data).__name__}, is no number")
        self.data = data
        self.grad: Number = 0
        self._prev = _children
        self._op = _op
        self._local = _local
        self.label = label

    # --- arithmetic: each line is the result, its operands, its local derivatives -----

    def __add__(self, other: Value | Number) -> Value:
        """z = x + y;  ∂z/∂x = 1, ∂z/∂y = 1."""
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), "+", (1.0, 1.0))
        if isinstance(other, NUMBERS):  # a constant: no operand, no derivative
            return Value(self.data + other, (self,), "+", (1.0,))
        return NotImplemented

    def __radd__(self, other: Number) -> Value:
        """y + x. `sum` starts at 0, which adds nothing: no node for it."""
        if isinstance(other, NUMBERS):
            return self + other if other else self
        return NotImplemented

    def __mul__(self, other: Value | Number) -> Value:
        """z = x · y;  ∂z/∂x = y, ∂z/∂y = x."""
        if isinstance(other, Value):
            x, y = self.data, other.data
            return Value(x * y, (self, other), "*", (y, x))
        if isinstance(other, NUMBERS):
            return Value(self.data * other, (self,), "*", (other,))
        return NotImplemented

    __rmul__ = __mul__

    def __neg__(self) -> Value:
        """z = -x;  ∂z/∂x = -1."""
        return Value(-self.data, (self,), "neg", (-1.0,))

    def __sub__(self, other: Value | Number) -> Value:
        """z = x - y;  ∂z/∂x = 1, ∂z/∂y = -1."""
        if isinstance(other, Value):
            return Value(self.data - other.data, (self, other), "-", (1.0, -1.0))
        if isinstance(other, NUMBERS):
            return Value(self.data - other, (self,), "-", (1.0,))
        return NotImplemented

    def __rsub__(self, other: Number) -> Value:
        """z = y - x;  ∂z/∂x = -1."""
        if isinstance(other, NUMBERS):
            return Value(other - self.data, (self,), "-", (-1.0,))
        return NotImplemented

    def __truediv__(self, other: Value | Number) -> Value:
        """z = x / y;  ∂z/∂x = 1/y, ∂z/∂y = -x/y²."""
        if isinstance(other, Value):
            y, z = other.data, floats.div(self.data, other.data)
            local = floats.div(1.0, y), -floats.div(z, y)
            return Value(z, (self, other), "/", local)
        if isinstance(other, NUMBERS):
            z, dx = floats.div(self.data, other), floats.div(1.0, other)
            return Value(z, (self,), "/", (dx,))
        return NotImplemented

    def __rtruediv__(self, other: Number) -> Value:
        """z = y / x;  ∂z/∂x = -y/x²."""
        if isinstance(other, NUMBERS):
            z = floats.div(other, self.data)
            return Value(z, (self,), "/", (-floats.div(z, self.data),))
        return NotImplemented

    def __pow__(self, other: Value | Number) -> Value:
        """z = xʸ;  ∂z/∂x = y·xʸ⁻¹, ∂z/∂y = xʸ·ln x."""
        if isinstance(other, Value):
            x, y = self.data, other.data
            local = floats.pow_dx(x, y), floats.pow_dy(x, y)
            return Value(floats.pow(x, y), (self, other), "**", local)
        if isinstance(other, NUMBERS):
            z, dx = floats.pow(self.data, other), floats.pow_dx(self.data, other)
            return Value(z, (self,), "**", (dx,))
        return NotImplemented

    def __rpow__(self, other: Number) -> Value:
        """z = yˣ;  ∂z/∂x = yˣ·ln y."""
        if isinstance(other, NUMBERS):
            z, dx = floats.pow(other, self.data), floats.pow_dy(other, self.data)
            return Value(z, (self,), "**", (dx,))
        return NotImplemented

    # --- functions --------------------------------------------------------------------

    def exp(self) -> Value:
        """z = eˣ;  ∂z/∂x = eˣ = z."""
        z = floats.exp(self.data)
        return Value(z, (self,), "exp", (z,))

    def log(self) -> Value:
        """z = ln x;  ∂z/∂x = 1/x."""
        dx = floats.div(1.0, self.data)
        return Value(floats.log(self.data), (self,), "log", (dx,))

    def sqrt(self) -> Value:
        """z = √x;  ∂z/∂x = 1/(2√x)."""
        z = floats.sqrt(self.data)
        return Value(z, (self,), "sqrt", (floats.div(0.5, z),))

    def tanh(self) -> Value:
        """z = tanh x;  ∂z/∂x = 1 - z²."""
        z = math.tanh(self.data)
        return Value(z, (self,), "tanh", (1.0 - z * z,))

    def sigmoid(self) -> Value:
        """z = 1/(1 + e⁻ˣ), for x < 0 as eˣ/(1 + eˣ): no overflow;  ∂z/∂x = z(1 - z)."""
        e = math.exp(-abs(self.data))
        z = (1.0 if self.data >= 0 else e) / (1.0 + e)
        return Value(z, (self,), "sigmoid", (z * (1.0 - z),))

    def relu(self) -> Value:
        """z = max(x, 0);  ∂z/∂x = 1 if x > 0 else 0 (at the kink too, by choice)."""
        if self.data <= 0:
            return Value(0.0, (self,), "ReLU", (0.0,))
        return Value(self.data, (self,), "ReLU", (1.0,))

    def sin(self) -> Value:
        """z = sin x;  ∂z/∂x = cos x."""
        x = self.data
        return Value(floats.sin(x), (self,), "sin", (floats.cos(x),))

    def cos(self) -> Value:
        """z = cos x;  ∂z/∂x = -sin x."""
        x = self.data
        return Value(floats.cos(x), (self,), "cos", (-floats.sin(x),))

    # --- comparisons look at the numbers (float < Value asks Value > float) -----------

    def __lt__(self, other: Value | Number) -> bool:
        return self.data < other

    def __le__(self, other: Value | Number) -> bool:
        return self.data <= other

    def __gt__(self, other: Value | Number) -> bool:
        return self.data > other

    def __ge__(self, other: Value | Number) -> bool:
        return self.data >= other

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def _repr_html_(self) -> str:
        from .pictures.notebook import value_html

        return value_html(self)

    # --- the walk backward ------------------------------------------------------------

    def backward(self) -> None:
        """Sets `grad` of every Value that this one was made of to ∂self/∂that.

        Leaves (a model's parameters) add to what they have, so that the gradients of
        several losses can be summed; set `leaf.grad = 0` between steps. Everything in
        between starts anew: its old gradient belongs to an older walk.
        """
        order = list(topological_order(self))
        for v in order:
            if v._prev:
                v.grad = 0.0
        self.grad = 1.0
        for v in order:
            g = v.grad
            for x, local in zip(v._prev, v._local):
                x.grad += local * g


def topological_order(root: Value) -> Iterator[Value]:
    """`root` and all it was made of, each after everything made from it.

    First count how often each Value is used (x * x uses x twice), then release one when
    its last use has been listed. Both loops keep a stack of their own: a recursive
    function would overflow Python's, for a graph may be a million steps deep.
    """
    uses = {root: 0}
    stack = [root]
    while stack:
        for x in stack.pop()._prev:
            if x not in uses:
                uses[x] = 0
                stack.append(x)
            uses[x] += 1
    stack = [root]
    while stack:
        v = stack.pop()
        yield v
        for x in v._prev:
            uses[x] -= 1
            if uses[x] == 0:
                stack.append(x)
