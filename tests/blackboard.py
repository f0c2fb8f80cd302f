"""Reads what stands on the blackboard, and computes it: "∂S Kᵀ", "∂z ⊙ (1 − z²)".

A formula that a picture shows is a sentence for people. Here it is taken at its word:
parsed, and evaluated with NumPy, so that a test can hold it against the numbers of the
graph. Nothing of the rules is used for it.

    a b, aᵀ           matrix product, transpose (of the last two axes)
    a ⊙ b, a · b      number by number; a number before a name is a factor
    exp a, ln a, √a   of what follows
    Σⱼ a ⊙ b          along the last axis, which stays; Σ(axis 0) along others
    a where c, b where d, else e
    Σ a, Σ rows of a, Σ a over axis 0, Σ a over the batch, Σ a over the copies
    a, repeated over axis 0;  a, reshaped;  a, axes (1, 0);  a[:, 1:3];
    a at [1:], else 0;  a[i];  Σ a, added at i;  [a, b, axis 0]
    a, ĝ = b          ĝ is b
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")
NAME = re.compile(r"(x̂|∂?[^\W\d]\w*?′?)(?=[²³ᵀ]|\W|$)")
RELATIONS = {
    ">": np.greater, "<": np.less, "=": np.equal,
    "≥": np.greater_equal, "≤": np.less_equal, "≠": np.not_equal,
}  # fmt: skip
_erf = np.vectorize(math.erf, otypes=[float])


def bell(x: Any) -> Any:
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def slope_of_gelu_tanh(x: Any) -> Any:
    t = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner


CALLED: dict[str, Any] = {
    "ln": np.log, "erf": _erf, "σ": sigmoid, "φ": bell,
    "Φ": lambda x: (1 + _erf(x / math.sqrt(2))) / 2,
    "max": lambda *xs: np.max(np.broadcast_arrays(*xs), axis=0),
    "relu": lambda x: np.maximum(x, 0),
    "gelu": lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": gelu_tanh, "gelu_tanh′": slope_of_gelu_tanh,
}  # fmt: skip


@dataclass
class Reader:
    """A text, how far it is read, and what its names are.

    Attributes:
        names: name → array.
        axes: what `mean`, `var`, `norm` and `rms` go along.
        x: the step's first input; for `is the largest` and for "repeated".
        shape: the shape that is asked for.
        eps: under the root of a norm.
        slope: of leaky_relu.
    """

    text: str
    names: dict[str, Any]
    axes: tuple[int, ...] = (-1,)
    x: Any = None
    shape: tuple[int, ...] = ()
    eps: float = 0.0
    slope: float = 0.01
    at: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    # --- reading ----------------------------------------------------------------------

    def sees(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    def take(self, sign: str) -> bool:
        if self.sees(sign):
            self.at += len(sign)
            return True
        return False

    def must(self, sign: str) -> None:
        assert self.take(sign), f"{self.text[: self.at]}<here>{self.text[self.at :]}"

    def match(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        found = re.compile(pattern).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    # --- the grammar ------------------------------------------------------------------

    def whole(self) -> Any:
        """All of the text; definitions come last and are read first."""
        while found := re.search(r", (ĝ|x̂|∂A) = (.+)$", self.text):
            self.names[found[1]] = self.of(found[2])
            self.text = self.text[: found.start()]
        result = self.choice()
        if found := self.match(r" ([><=≥≤≠]) "):
            result = RELATIONS[found[1]](result, self.sum())
        assert self.at == len(self.text), f"not read: {self.text[self.at :]!r}"
        return result

    def of(self, text: str) -> Any:
        """Another text, with the same names."""
        other = Reader(text, self.names, self.axes, self.x, self.shape, self.eps)
        return other.choice()

    def choice(self) -> Any:
        first = self.sum()
        if not self.take(" where "):
            return self.moved(first)
        pieces = [(self.condition(), first)]
        while not self.sees(", else "):
            self.must(", ")
            value = self.sum()
            self.must(" where ")
            pieces.append((self.condition(), value))
        self.must(", else ")
        result = self.sum()
        for condition, value in reversed(pieces if "shared" not in self.extra else []):
            result = np.where(condition, value, result)
        if self.extra.pop("shared", False):  # ∂z is that of the row, or part
            largest, value = pieces[0]
            if np.ndim(value) < largest.ndim:
                value = np.expand_dims(value, self.axes)
            result = np.where(largest, value, result)
            ties = np.sum(pieces[0][0], axis=self.axes, keepdims=True)
            result = result / ties
        return result

    def condition(self) -> Any:
        left = self.sum()
        if self.take(" is the largest"):
            self.extra["shared"] = True
            return left == left.max(axis=self.axes, keepdims=True)
        found = self.match(r" ([><=≥≤≠]) ")
        return RELATIONS[found[1]](left, self.sum()) if found else left

    def moved(self, value: Any) -> Any:
        """What stands behind an expression: ", reshaped"."""
        if found := self.match(r", repeated(?: over ax[ie]s ([\d, ]+))?"):
            return self.repeated(value, found[1])
        if self.take(", reshaped"):
            return np.reshape(value, self.shape)
        if found := self.match(r", axes \(([\d, ]+)\)"):
            return np.transpose(value, numbers(found[1]))
        if found := self.match(r" at \[([^]]*)\], else 0"):
            result = np.zeros(self.shape)
            result[slices(found[1])] = value
            return result
        if self.take(", held constant") or self.match(r" as \w+"):
            return value
        return value

    def repeated(self, value: Any, axes: str | None) -> Any:
        """Copies: along the axes that a sum left out, or to a shape."""
        if axes and np.ndim(value) < len(self.shape):
            value = np.expand_dims(value, tuple(numbers(axes)))
        elif np.size(value) == 1:
            value = np.reshape(value, ())
        return np.broadcast_to(value, self.shape)

    def sum(self) -> Any:
        total = -self.term() if self.take("−") else self.term()
        while True:
            if self.take(" + "):
                total = total + self.term()
            elif self.take(" − "):
                total = total - self.term()
            else:
                return total

    def term(self) -> Any:
        value = self.product()
        while True:
            if self.match(r" ⊙ | · |·"):
                value = value * self.product()
            elif self.match(r" / |/"):
                value = value / self.product()
            else:
                return value

    def product(self) -> Any:
        """x y, a matrix product; or 2 x, if the first is a number."""
        value, plain = self.factor()
        while self.match(r" (?=[\w∂(ĝ√])(?!where|else|over|at |as |is )"):
            other, _ = self.factor()
            value = value * other if plain else np.matmul(value, other)
            plain = False
        return value

    def factor(self) -> tuple[Any, bool]:
        """A factor, and whether it is a plain number."""
        value, plain = self.atom()
        while True:
            if self.take("²"):
                value = value**2
            elif self.take("³"):
                value = value**3
            elif self.take("ᵀ"):
                value = np.swapaxes(value, -1, -2)
            elif self.take(" ^ "):
                value = value ** self.factor()[0]
            elif found := self.match(r"\[([^]]*)\]"):
                value = self.part(value, found[1])
            else:
                return value, plain

    def part(self, value: Any, inside: str) -> Any:
        if inside in self.names:
            return value[self.names[inside]]
        return value[slices(inside)]

    def atom(self) -> tuple[Any, bool]:
        if self.take("½"):
            return 0.5, True
        if self.take("∞"):
            return math.inf, True
        if found := self.match(NUMBER):
            mantissa, _, power = found[0].partition("·10")
            digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
            return float(f"{mantissa}e{power.translate(digits) or 0}"), True
        if self.take("π"):
            return math.pi, True
        if self.take("√"):
            return np.sqrt(self.factor()[0]), False
        if self.take("("):
            value = self.choice()
            self.must(")")
            return value, isinstance(value, float)
        if self.take("["):
            return self.laid_end_to_end(), False
        if self.sees("Σ"):
            return self.added_up(), False
        for name in ("mean", "var"):
            if self.match(rf"{name}(?=[ (])"):
                self.take(" ")
                of = np.mean if name == "mean" else np.var
                return of(self.factor()[0], axis=self.axes, keepdims=True), False
        found = self.match(NAME)
        assert found, f"{self.text[: self.at]}<here>{self.text[self.at :]}"
        return self.named(found[1]), False

    def named(self, name: str) -> Any:
        """A name's array, or what a function makes of its arguments."""
        if name in self.names and not self.sees("("):
            return self.names[name]
        function = CALLED.get(name) or getattr(np, name, None)
        if function and name != "max" and self.take(" "):
            return function(self.factor()[0])
        if name == "max" and self.take(" "):
            value, axes = self.factor()[0], None
            if found := self.match(r" over ax[ie]s ([\d, ]+)"):
                axes = tuple(numbers(found[1]))
            return np.reshape(value.max(axis=axes), self.shape)
        if name == "s":
            return 1 / self.deviation(self.x)
        self.must("(")
        arguments = [self.choice()]
        axis: tuple[int, ...] = (-1,)
        while not self.take(")"):
            if found := self.match(r", ax[ie]s ([\d, ]+)"):
                axis = tuple(numbers(found[1]))
            else:
                self.must(", ")
                arguments.append(self.choice())
        x = arguments[0]
        if name == "softmax":
            e = np.exp(x - x.max(axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)
        if name == "norm":
            return (x - x.mean(axis=axis, keepdims=True)) / self.deviation(x, axis)
        if name == "rms":
            return np.sqrt((x**2).mean(axis=axis, keepdims=True) + self.eps)
        if name == "leaky_relu":
            return np.where(x > 0, x, self.slope * x)
        return function(*arguments)

    def deviation(self, x: Any, axis: Any = None) -> Any:
        """√(σ² + ε), or without a mean √(mean(x²) + ε)."""
        axis = self.axes if axis is None else axis
        if self.extra.get("rms") or self.names.get("rms?"):
            return np.sqrt((x**2).mean(axis=axis, keepdims=True) + self.eps)
        return np.sqrt(x.var(axis=axis, keepdims=True) + self.eps)

    def laid_end_to_end(self) -> Any:
        parts, axis = [], -1
        while not self.take("]"):
            if found := self.match(r", axis (\d+)"):
                axis = int(found[1])
                continue
            self.take(", ")
            parts.append(self.choice())
        return np.concatenate(parts, axis)

    def added_up(self) -> Any:
        self.must("Σ")
        if self.take("ⱼ "):
            return self.term().sum(axis=-1, keepdims=True)
        if found := self.match(r"\(ax[ie]s ([\d, ]+)\) "):
            return self.term().sum(axis=tuple(numbers(found[1])), keepdims=True)
        if not self.take(" rows of "):
            self.must(" ")
        value = -self.term() if self.take("−") else self.term()
        if self.take(", added at "):
            index = self.names[self.match(NAME)[1]]  # type: ignore[index]
            result = np.zeros(self.shape)
            np.add.at(result, index, value)
            return result
        if found := self.match(r" over ax[ie]s ([\d, ]+)"):
            return self.in_shape(value, tuple(numbers(found[1])))
        if self.take(" over the batch") or self.take(" over the copies"):
            return self.in_shape(value)
        return self.in_shape(value)

    def in_shape(self, value: Any, axes: tuple[int, ...] | None = None) -> Any:
        """A value summed down to the shape that is asked for; the axes that are named
        must be those that have to go."""
        while np.ndim(value) > len(self.shape):
            lead = tuple(range(np.ndim(value) - len(self.shape)))
            if axes is not None and np.shape(value.sum(axis=axes)) == self.shape:
                return value.sum(axis=axes)
            value = value.sum(axis=lead)
        gone = tuple(
            i for i, n in enumerate(np.shape(value)) if n != 1 and self.shape[i] == 1
        )
        return np.reshape(value.sum(axis=gone, keepdims=True), self.shape)


def numbers(text: str) -> list[int]:
    return [int(n) for n in text.split(",") if n.strip()]


def slices(text: str) -> tuple[slice, ...]:
    """Slices as Python writes them."""
    found = []
    for part in text.split(", "):
        bounds = [int(b) if b else None for b in part.split(":")]
        found.append(slice(*bounds))
    return tuple(found)
