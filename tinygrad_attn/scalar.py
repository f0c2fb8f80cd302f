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
from collections.abc import Callable, Iterator
from numbers import Real

from . import floats, wiring  # floats: inf or nan where Python's math would raise

Number = float | int
NUMBERS = (float, int)


class Value:
    """A number, its operands, the operation, its local derivatives, and a name. `grad`
    is 0, and ∂root/∂self after `root.backward()`; in a leaf several backwards add up.
    The names `_children`, `_prev` (the operands) and `_op` are micrograd's."""

    __slots__ = ("__weakref__", "_beside", "_local", "_op", "_own", "_prev", "data",
                 "grad", "label")  # fmt: skip

    def __init__(
        self,
        data: Number,
        _children: tuple[Value, ...] = (),
        _op: str = "",
        _local: tuple[Number, ...] = (),
        label: str = "",
        _beside: Number | tuple[Number] | None = None,
    ) -> None:
        if not _children and not isinstance(data, (float, int, Real)):
            raise TypeError(f"Value: {data!r}, a {type(data).__name__}, is no number")
        self.data, self.label = data, label
        self.grad: Number = 0
        self._prev, self._op, self._local = _children, _op, _local
        if _beside is not None:  # a constant, for pictures: 1 in x - 1, (1,) in 1 - x
            self._beside = _beside

    def __add__(self, other: Value | Number) -> Value:
        """z = x + y;  ∂z/∂x = 1, ∂z/∂y = 1."""
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), "+", (1.0, 1.0))
        if isinstance(other, NUMBERS):  # a constant: no node, no derivative
            return Value(self.data + other, (self,), "+", (1.0,), "", other)
        return self + float(other) if isinstance(other, Real) else NotImplemented

    def __mul__(self, other: Value | Number) -> Value:
        """z = x · y;  ∂z/∂x = y, ∂z/∂y = x."""
        if isinstance(other, Value):
            x, y = self.data, other.data
            return Value(x * y, (self, other), "*", (y, x))
        if isinstance(other, NUMBERS):
            return Value(self.data * other, (self,), "*", (other,), "", other)
        return self * float(other) if isinstance(other, Real) else NotImplemented

    def tanh(self) -> Value:
        """z = tanh x;  ∂z/∂x = 1 - z²."""
        z = math.tanh(self.data)
        return Value(z, (self,), "tanh", (1.0 - z * z,))

    def backward(self) -> None:
        """Sets `grad` of every Value that this one was made of. Leaves add to what they
        have, so several losses can be summed: set `leaf.grad = 0` between steps."""
        order = list(self.topological_order())
        for v in order:
            if v._prev:  # no leaf: its old gradient is another walk's
                v.grad = 0.0
        self.grad = 1.0
        for v in order:
            if v._local:
                g = v.grad
                for x, local in zip(v._prev, v._local):
                    x.grad += local * g
            elif v._prev:
                v._backward()

    def topological_order(self) -> Iterator[Value]:
        """This Value and all it was made of, each after everything made from it: first
        count each one's uses (x * x uses x twice), then list it after its last use."""
        uses, stack = {self: 0}, [self]  # no recursion: a graph may be a million deep
        while stack:
            for x in stack.pop()._prev:
                if x not in uses:
                    uses[x] = 0
                    stack.append(x)
                uses[x] += 1
        stack = [self]
        while stack:
            v = stack.pop()
            yield v
            for x in v._prev:
                uses[x] -= 1
                if uses[x] == 0:
                    stack.append(x)

    @property
    def _backward(self) -> Callable[[], object]:
        """What adds to the operands' `grad`, as micrograd teaches it, for an operation
        of one's own: `out = Value(z, (x,), "name"); out._backward = f`. It takes the
        place of local derivatives."""
        try:
            return self._own
        except AttributeError:
            raise TypeError(
                f"Value: {self._op or 'a result'} has operands and no derivatives; "
                "give them, Value(z, (x, y), name, (∂z/∂x, ∂z/∂y)), or set _backward"
            ) from None

    @_backward.setter
    def _backward(self, add: Callable[[], object]) -> None:
        self._own, self._local = add, ()

    # That is all of backpropagation; more operations follow. (The other chapters do the
    # same with whole arrays, with separately written rules, so that each checks the
    # other: they must get the same gradients.)

    def __radd__(self, other: Number) -> Value:
        """y + x. `sum` starts at 0, which adds nothing: no node for it."""
        if isinstance(other, NUMBERS) and other:
            return Value(other + self.data, (self,), "+", (1.0,), "", (other,))
        if isinstance(other, NUMBERS):
            return self
        return float(other) + self if isinstance(other, Real) else NotImplemented

    def __rmul__(self, other: Number) -> Value:
        """z = y · x;  ∂z/∂x = y."""
        if isinstance(other, NUMBERS):
            return Value(other * self.data, (self,), "*", (other,), "", (other,))
        return float(other) * self if isinstance(other, Real) else NotImplemented

    def __neg__(self) -> Value:
        """z = -x;  ∂z/∂x = -1."""
        return Value(-self.data, (self,), "neg", (-1.0,))

    def __sub__(self, other: Value | Number) -> Value:
        """z = x - y;  ∂z/∂x = 1, ∂z/∂y = -1."""
        if isinstance(other, Value):
            return Value(self.data - other.data, (self, other), "-", (1.0, -1.0))
        if isinstance(other, NUMBERS):
            return Value(self.data - other, (self,), "-", (1.0,), "", other)
        return self - float(other) if isinstance(other, Real) else NotImplemented

    def __rsub__(self, other: Number) -> Value:
        """z = y - x;  ∂z/∂x = -1."""
        if isinstance(other, NUMBERS):
            return Value(other - self.data, (self,), "-", (-1.0,), "", (other,))
        return float(other) - self if isinstance(other, Real) else NotImplemented

    def __truediv__(self, other: Value | Number) -> Value:
        """z = x / y;  ∂z/∂x = 1/y, ∂z/∂y = -x/y²."""
        if isinstance(other, Value):
            y, z = other.data, floats.div(self.data, other.data)
            local = floats.div(1.0, y), -floats.div(z, y)
            return Value(z, (self, other), "/", local)
        if isinstance(other, NUMBERS):
            z, dx = floats.div(self.data, other), floats.div(1.0, other)
            return Value(z, (self,), "/", (dx,), "", other)
        return self / float(other) if isinstance(other, Real) else NotImplemented

    def __rtruediv__(self, other: Number) -> Value:
        """z = y / x;  ∂z/∂x = -y/x²."""
        if isinstance(other, NUMBERS):
            z = floats.div(other, self.data)
            dx = -floats.div(z, self.data)
            return Value(z, (self,), "/", (dx,), "", (other,))
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
            return Value(z, (self,), "**", (dx,), "", y)
        dy = z * floats.log(x) if x or y < 0 else 0.0
        return Value(z, (self, other), "**", (dx, dy))

    def __rpow__(self, other: Number) -> Value:
        """z = yˣ;  ∂z/∂x = yˣ·ln y."""
        if not isinstance(other, NUMBERS):
            return float(other) ** self if isinstance(other, Real) else NotImplemented
        z = floats.pow(other, self.data)
        dx = z * floats.log(other) if other or self.data < 0 else 0.0
        return Value(z, (self,), "**", (dx,), "", (other,))

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

    @property
    def operands(self) -> tuple[Value | Number, ...]:
        """What it was made of, in order, with the constants, which are no nodes: of
        1 - x these are (1, x). (`_prev` has the Values alone.)"""
        beside = getattr(self, "_beside", None)
        if isinstance(beside, tuple):
            return *beside, *self._prev
        return self._prev if beside is None else (*self._prev, beside)

    @property
    def derivatives(self) -> tuple[Number, ...]:
        """∂self/∂x for each operand x. Of an operation of one's own it is what
        `_backward` adds to `x.grad` where `self.grad` is 1."""
        if self._local or not self._prev:
            return self._local
        kept = [(v, v.grad) for v in (self, *self._prev)]
        for x in self._prev:
            x.grad = 0.0
        self.grad = 1.0
        self._backward()
        found = dict.fromkeys(range(len(self._prev)), 0.0)
        first = {x: i for i, x in reversed([*enumerate(self._prev)])}
        found |= {i: x.grad for x, i in first.items()}  # of x · x all at the first
        for v, grad in kept:
            v.grad = grad
        return tuple(found.values())

    # --- as a Python object -----------------------------------------------------------

    def __reduce__(self) -> tuple[object, ...]:
        """For copy and pickle: the number and its name, without its operands."""
        return Value, (self.data, (), "", (), self.label)

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def _repr_html_(self) -> str:
        return wiring.html(self)


topological_order = Value.topological_order  # of a root: topological_order(loss)
