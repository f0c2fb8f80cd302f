"""Chapter 1: backpropagation on single numbers.

A `Value` is one number that remembers how it was made. Write an ordinary calculation
with Values, and what is left behind is its **graph**: every result points to the
numbers it was made of, and beside each pointer lies one more number, the **local
derivative** ∂result/∂operand at the values just used.

    >>> a, b = Value(3.0), Value(2.0)
    >>> z = a * b + a              # made of two steps: p = a·b, then z = p + a
    >>> z.backward()
    >>> a.grad, b.grad             # ∂z/∂a = b + 1, ∂z/∂b = a
    (3.0, 3.0)

`backward` applies the chain rule from the result to the leaves:

    for every operand x of z:   x.grad += z.grad · ∂z/∂x

(A leaf is a number that was not made of others: the inputs, a model's parameters.)

**Why `+=`?** Above, `a` reaches z along two paths: through p and directly. The chain
rule for several variables adds the contributions of all paths, 2 and 1.

**Why in that order?** A node may hand its gradient on only once the gradient is
complete, that is after everything made from it has delivered. Take b = a + a and
c = b + b, where dc/da is 4. Were b to hand on what it has each time a delivery comes
(1, then 2), a would be sent 1+1 and 2+2: 6. So `topological_order` lists a node after
all its users, and `backward` goes once down that list. (To hand on only what is new
each time would be right too, but follows every path: 2ⁿ of them after n such steps.)

The other chapters do the same with whole arrays, by rules of their own. None of those
rules is used here, which makes this file the independent proof of that engine: the two
must get the same gradients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from . import floats

Number = float | int


class Value:
    """One number, how it was made, and its gradient.

    Args:
        data: the number.
        _children: the Values that it was made of; none for a leaf.
        _op: the operation, to read and to draw.
        _local: ∂self/∂child for each of them, as plain numbers.
        label: a name, to read and to draw.

    `grad` is ∂root/∂self for the root whose `backward` was called: the integer 0
    until a backward reaches this Value, a float from then on.
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
        if not _children and not hasattr(data, "__float__"):
            kind = type(data).__name__
            raise TypeError(f"Value: {data!r}, a {kind}, given; it must be a number")
        self.data = data
        self.grad: Number = 0
        self._prev = _children
        self._op = _op
        self._local = _local
        self.label = label

    # --- arithmetic: each line is the result, its operands, its local derivatives ----

    def __add__(self, other: Value | Number) -> Value:
        """z = x + y;  ∂z/∂x = 1, ∂z/∂y = 1."""
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), "+", (1.0, 1.0))
        if not isinstance(other, (float, int)):
            return NotImplemented
        return Value(self.data + other, (self,), "+", (1.0,))

    def __radd__(self, other: Number) -> Value:
        """y + x. `sum` starts at 0, which adds nothing: no node for it."""
        return self if other == 0 else self + other

    def __sub__(self, other: Value | Number) -> Value:
        """z = x - y;  ∂z/∂x = 1, ∂z/∂y = -1."""
        if isinstance(other, Value):
            return Value(self.data - other.data, (self, other), "-", (1.0, -1.0))
        if not isinstance(other, (float, int)):
            return NotImplemented
        return Value(self.data - other, (self,), "-", (1.0,))

    def __rsub__(self, other: Number) -> Value:
        """z = y - x;  ∂z/∂x = -1."""
        if not isinstance(other, (float, int)):
            return NotImplemented
        return Value(other - self.data, (self,), "-", (-1.0,))

    def __mul__(self, other: Value | Number) -> Value:
        """z = x · y;  ∂z/∂x = y, ∂z/∂y = x."""
        if isinstance(other, Value):
            x, y = self.data, other.data
            return Value(x * y, (self, other), "*", (y, x))
        if not isinstance(other, (float, int)):
            return NotImplemented
        return Value(self.data * other, (self,), "*", (other,))

    __rmul__ = __mul__

    def __truediv__(self, other: Value | Number) -> Value:
        """z = x / y;  ∂z/∂x = 1/y, ∂z/∂y = -x/y²."""
        if isinstance(other, Value):
            x, y = self.data, other.data
            z = floats.div(x, y)
            local = floats.div(1.0, y), -floats.div(z, y)
            return Value(z, (self, other), "/", local)
        if not isinstance(other, (float, int)):
            return NotImplemented
        local_x = floats.div(1.0, other)
        return Value(floats.div(self.data, other), (self,), "/", (local_x,))

    def __rtruediv__(self, other: Number) -> Value:
        """z = y / x;  ∂z/∂x = -y/x²."""
        if not isinstance(other, (float, int)):
            return NotImplemented
        z = floats.div(other, self.data)
        return Value(z, (self,), "/", (-floats.div(z, self.data),))

    def __pow__(self, other: Value | Number) -> Value:
        """z = xʸ;  ∂z/∂x = y·xʸ⁻¹, ∂z/∂y = xʸ·ln x."""
        x = self.data
        if isinstance(other, Value):
            y = other.data
            z = floats.pow(x, y)
            return Value(z, (self, other), "**", (_dx(x, y), _dy(x, y)))
        if not isinstance(other, (float, int)):
            return NotImplemented
        return Value(floats.pow(x, other), (self,), "**", (_dx(x, other),))

    def __rpow__(self, other: Number) -> Value:
        """z = yˣ;  ∂z/∂x = yˣ·ln y."""
        if not isinstance(other, (float, int)):
            return NotImplemented
        z, local = floats.pow(other, self.data), _dy(other, self.data)
        return Value(z, (self,), "**", (local,))

    def __neg__(self) -> Value:
        """z = -x;  ∂z/∂x = -1."""
        return Value(-self.data, (self,), "neg", (-1.0,))

    # --- functions --------------------------------------------------------------------

    def exp(self) -> Value:
        """z = eˣ;  ∂z/∂x = eˣ = z."""
        z = floats.exp(self.data)
        return Value(z, (self,), "exp", (z,))

    def log(self) -> Value:
        """z = ln x;  ∂z/∂x = 1/x."""
        x = self.data
        return Value(floats.log(x), (self,), "log", (floats.div(1.0, x),))

    def log1p(self) -> Value:
        """z = ln(1 + x), exact for a small x too;  ∂z/∂x = 1/(1 + x)."""
        x = self.data
        return Value(floats.log1p(x), (self,), "log1p", (floats.div(1.0, 1.0 + x),))

    def sqrt(self) -> Value:
        """z = √x;  ∂z/∂x = 1/(2√x)."""
        z = floats.sqrt(self.data)
        return Value(z, (self,), "sqrt", (floats.div(0.5, z),))

    def tanh(self) -> Value:
        """z = tanh x;  ∂z/∂x = 1 - z²."""
        z = math.tanh(self.data)
        return Value(z, (self,), "tanh", (1.0 - z * z,))

    def erf(self) -> Value:
        """z = erf x, the area under the bell curve;  ∂z/∂x = 2/√π · exp(-x²)."""
        x = self.data
        local = 2.0 / math.sqrt(math.pi) * math.exp(-x * x)
        return Value(math.erf(x), (self,), "erf", (local,))

    def sin(self) -> Value:
        """z = sin x;  ∂z/∂x = cos x."""
        x = self.data
        return Value(floats.sin(x), (self,), "sin", (floats.cos(x),))

    def cos(self) -> Value:
        """z = cos x;  ∂z/∂x = -sin x."""
        x = self.data
        return Value(floats.cos(x), (self,), "cos", (-floats.sin(x),))

    def sigmoid(self) -> Value:
        """z = 1/(1 + e⁻ˣ);  ∂z/∂x = z(1 - z). For x < 0 it is eˣ/(1 + eˣ), the same
        number, in which no exp overflows."""
        x = self.data
        e = math.exp(-abs(x))
        z = 1.0 / (1.0 + e) if x >= 0 else e / (1.0 + e)
        return Value(z, (self,), "sigmoid", (z * (1.0 - z),))

    def relu(self) -> Value:
        """z = max(x, 0);  ∂z/∂x = 0 if x ≤ 0 (at the kink too, by choice) else 1."""
        x = self.data
        if x <= 0:
            return Value(0.0, (self,), "ReLU", (0.0,))
        return Value(x, (self,), "ReLU", (1.0,))

    # --- comparisons look at the numbers and record nothing ---------------------------

    def __lt__(self, other: Value | Number) -> bool:
        return self.data < value(other)

    def __le__(self, other: Value | Number) -> bool:
        return self.data <= value(other)

    def __gt__(self, other: Value | Number) -> bool:
        return self.data > value(other)

    def __ge__(self, other: Value | Number) -> bool:
        return self.data >= value(other)

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    # --- the walk backward ------------------------------------------------------------

    def backward(self) -> None:
        """Sets `grad` of every Value that this one was made of to ∂self/∂that.

        Leaves (a model's parameters) add to what they have, so that the gradients of
        several losses can be summed; set `leaf.grad = 0` between steps. Everything in
        between starts anew: its old gradient belongs to an older walk.
        """
        order = list(topological_order(self))
        for v in order:
            if v._prev or v is self:
                v.grad = 0.0
        self.grad = 1.0
        for v in order:
            g = v.grad
            for x, local in zip(v._prev, v._local):
                x.grad += local * g


def topological_order(root: Value) -> Iterator[Value]:
    """`root` and all it was made of, each after everything made from it.

    First count how often each Value is used (x * x uses x twice), then release one
    when its last use has been listed. Both loops keep their own stack where a recursive
    function would overflow Python's: a graph may be 100,000 steps deep.
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


# --- the same functions for a Value or a plain number ---------------------------------
# An Array of Values may hold plain numbers too (constants, masks): see array.py.


def value(x: Value | Number) -> Number:
    """The plain number inside."""
    return x.data if isinstance(x, Value) else x


def exp(x: Value | Number) -> Value | Number:
    """eˣ."""
    return x.exp() if isinstance(x, Value) else floats.exp(x)


def log(x: Value | Number) -> Value | Number:
    """ln x."""
    return x.log() if isinstance(x, Value) else floats.log(x)


def log1p(x: Value | Number) -> Value | Number:
    """ln(1 + x)."""
    return x.log1p() if isinstance(x, Value) else floats.log1p(x)


def sqrt(x: Value | Number) -> Value | Number:
    """√x."""
    return x.sqrt() if isinstance(x, Value) else floats.sqrt(x)


def tanh(x: Value | Number) -> Value | Number:
    """tanh x."""
    return x.tanh() if isinstance(x, Value) else math.tanh(x)


def erf(x: Value | Number) -> Value | Number:
    """erf x."""
    return x.erf() if isinstance(x, Value) else math.erf(x)


def sin(x: Value | Number) -> Value | Number:
    """sin x."""
    return x.sin() if isinstance(x, Value) else floats.sin(x)


def cos(x: Value | Number) -> Value | Number:
    """cos x."""
    return x.cos() if isinstance(x, Value) else floats.cos(x)


def div(x: Value | Number, y: Value | Number) -> Value | Number:
    """x / y."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x / y
    return floats.div(x, y)


def pow(x: Value | Number, y: Value | Number) -> Value | Number:
    """xʸ."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x**y
    return floats.pow(x, y)


def maximum(x: Value | Number, y: Value | Number) -> Value | Number:
    """The larger of two; where they are equal, each gets half of the gradient."""
    a, b = value(x), value(y)
    z = floats.maximum(a, b)
    share = 0.5 if a == b else float(z is a)
    pairs = [(v, s) for v, s in ((x, share), (y, 1.0 - share)) if isinstance(v, Value)]
    if not pairs:
        return z
    operands, local = zip(*pairs)
    return Value(z, operands, "maximum", local)


def largest(xs: list[Value | Number]) -> Value | Number:
    """The largest of several; those equal to it share the gradient evenly."""
    z = floats.largest([value(x) for x in xs])
    ties = [x for x in xs if value(x) == z]
    winners = tuple(x for x in ties if isinstance(x, Value))
    if not winners:
        return z
    return Value(z, winners, "max", (1.0 / len(ties),) * len(winners))


def equal(x: Value | Number, y: Value | Number) -> bool:
    """Are the two numbers the same? (`==` on Values asks whether they are one node.)"""
    return value(x) == value(y)


def _dx(x: Number, y: Number) -> Number:
    """∂xʸ/∂x = y·xʸ⁻¹; 0 for y = 0, where the formula is 0 · inf at x = 0."""
    return y * floats.pow(x, y - 1) if y else 0.0


def _dy(x: Number, y: Number) -> Number:
    """∂xʸ/∂y = xʸ·ln x; 0 for x = 0 and y ≥ 0, where the formula is 0 · -inf."""
    return floats.pow(x, y) * floats.log(x) if x or y < 0 else 0.0
