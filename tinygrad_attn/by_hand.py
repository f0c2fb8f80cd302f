"""What a Value was made of, and operations of one's own, as in micrograd's lecture.

    def cube(x):                                  # z = x³
        out = Value(x.data**3, (x,), "cube")

        def hand_on():                            # ∂z/∂x = 3x²
            x.grad += 3 * x.data**2 * out.grad

        out._backward = hand_on
        return out

Or with the local derivatives alone: `Value(x.data**3, (x,), "cube", (3 * x.data**2,))`.
An operation without either is refused: a gradient must not become 0 in silence.

A `Value` (scalar.py) is a `ByHand`; `_own` is None, but for such an operation: then it
is the operands, and the local derivatives or the function.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

from .errors import say


class ByHand:
    """What a Value is asked of the operation that made it, and told of one's own."""

    __slots__ = ()
    data: float
    grad: float
    label: str
    _op: Any
    _x: Any
    _dx: Any
    _y: Any
    _dy: Any
    _own: Any

    @property
    def _prev(self) -> tuple[Any, ...]:
        """The operands, as micrograd has them: Values alone. A leaf has none."""
        if self._dx is None:
            return self._own[0] if self._own else ()
        return (self._x,) if self._dy is None else (self._x, self._y)

    @property
    def operands(self) -> tuple[Any, ...]:
        """What it was made of, in order, with the constants, which are no nodes: of
        1 - x these are (1, x)."""
        beside = self._y if self._dy is None else None
        if isinstance(beside, tuple):
            return *beside, *self._prev
        return self._prev if beside is None else (*self._prev, beside)

    def _made_by_hand(self, given: Any, local: Any) -> None:
        """Notes the operands and the local derivatives, if any.

        Raises:
            TypeError: no number, an operand that is no Value, or not one derivative
                for each operand.
        """
        if not isinstance(self._op, str):  # the order in which others have them
            self._op, local = "", self._op
        name = self._op or "a result"
        data: Any = self.data
        if not isinstance(data, Real):
            write = ""
            if isinstance(data, ByHand):
                write = "; write x.data for that of a Value x"
            elif hasattr(data, "item"):
                write = "; write x.item() for that of an x with one"
            raise TypeError(f"Value: {named(data)}, is no number{write}")
        if isinstance(local, str):
            raise TypeError(
                f"Value: {say(local)} is no derivative; write label={local!r}"
            )
        if not isinstance(local, (tuple, list)):
            raise TypeError(
                f"Value: {say(local)} given for derivatives; {WRITE}, one for each "
                "operand"
            )
        try:
            operands = tuple(given)
        except TypeError:
            raise TypeError(
                f"Value: {say(given)} given for operands; it must be a tuple of Values"
            ) from None
        for x in operands:
            if not isinstance(x, ByHand):
                raise TypeError(
                    f"Value: {name} has an operand {say(x)}, which is no Value; write "
                    "Value(x) there, or leave a constant out"
                )
        if local and len(local) != len(operands):
            raise TypeError(
                f"Value: {name} has {len(operands)} operands and {len(local)} "
                f"derivatives; {WRITE}, one for each operand"
            )
        if operands:
            self._own = operands, tuple(local)

    @property
    def derivatives(self) -> tuple[Any, ...]:
        """∂self/∂x for each operand x. Of an operation of one's own it is what
        `_backward` adds to `x.grad` where `self.grad` is 1."""
        if not self._own:
            return tuple(d for d in (self._dx, self._dy) if d is not None)
        operands, how = self._own
        if not how:
            raise TypeError(
                f"Value: {self._op or 'a result'} has operands and no derivatives; "
                f"{WRITE}, or set _backward"
            )
        return how if isinstance(how, tuple) else self._found(operands, how)

    def _found(self, operands: tuple[Any, ...], hand_on: Any) -> tuple[Any, ...]:
        """What a function adds to the operands' gradients. It changes nothing."""
        z: Any = self
        kept = [(v, v.grad) for v in (z, *operands)]
        for x in operands:
            x.grad = 0.0
        z.grad = 1.0
        hand_on()
        found = dict.fromkeys(range(len(operands)), 0.0)
        first = {x: i for i, x in reversed([*enumerate(operands)])}
        found |= {i: x.grad for x, i in first.items()}  # of x · x all at the first
        for v, grad in kept:
            v.grad = grad
        return tuple(found.values())

    @property
    def _backward(self) -> Callable[[], object]:
        """Hands this Value's gradient on: adds to that of each operand. Once set, it
        takes the place of local derivatives."""
        if self._own and callable(self._own[1]):
            found: Callable[[], object] = self._own[1]
            return found
        return self._hand_on

    @_backward.setter
    def _backward(self, hand_on: Callable[[], object]) -> None:
        if not self._prev:
            raise TypeError(
                "_backward: this Value has no operands to hand a gradient to; write "
                "Value(z, (x, y), name) where it is made"
            )
        self._own = self._prev, hand_on
        self._x = self._dx = self._y = self._dy = None

    def _hand_on(self) -> None:
        for x, local in zip(self._prev, self.derivatives):
            x.grad += local * self.grad

    # The names of another published class.
    _children = property(lambda self: self._prev)
    _local_grads = property(lambda self: self.derivatives)


def named(x: Any) -> str:
    """What was given, and its kind."""
    kind = type(x).__name__
    said = say(x)
    return said if said.startswith(f"a {kind}") else f"{said}, a {kind}"


WRITE = "write Value(z, (x, y), name, (∂z/∂x, ∂z/∂y))"
