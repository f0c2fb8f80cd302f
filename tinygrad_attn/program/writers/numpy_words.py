"""The words of NumPy: calls, helpers, numbers."""

from __future__ import annotations

import math
from typing import Any

from ...arrays.precision import BLOCK, FEW
from ..anatomy import Buffer, Reduce

CALLS = {
    "add": "np.add({0}, {1}, out={out})",
    "sub": "np.subtract({0}, {1}, out={out})",
    "mul": "np.multiply({0}, {1}, out={out})",
    "div": "np.divide({0}, {1}, out={out})",
    "floor_divide": "np.floor_divide({0}, {1}, out={out})",
    "pow": "np.power({0}, {1}, out={out})",
    "neg": "np.negative({0}, out={out})",
    "exp": "np.exp({0}, out={out})",
    "log": "np.log({0}, out={out})",
    "log1p": "np.log1p({0}, out={out})",
    "sqrt": "np.sqrt({0}, out={out})",
    "sin": "np.sin({0}, out={out})",
    "cos": "np.cos({0}, out={out})",
    "tanh": "np.tanh({0}, out={out})",
    "erf": "erf({0}, {out})",
    "maximum": "np.maximum({0}, {1}, out={out})",
    "eq": "np.equal({0}, {1}, out={out})",
    "ne": "np.not_equal({0}, {1}, out={out})",
    "lt": "np.less({0}, {1}, out={out})",
    "le": "np.less_equal({0}, {1}, out={out})",
    "gt": "np.greater({0}, {1}, out={out})",
    "ge": "np.greater_equal({0}, {1}, out={out})",
    "copy": "np.copyto({out}, {0})",
    "where": "where({0}, {1}, {2}, out={out})",
}
# What NumPy computes x ** y by, if y is one of these.
POWERS = {
    2.0: "np.square({0}, out={out})",
    0.5: "np.sqrt({0}, out={out})",
    -1.0: "np.reciprocal({0}, out={out})",
}
# Of plain numbers.
SCALARS = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "pow": "{0} ** {1}",
    "neg": "-{0}",
    "sqrt": "math.sqrt({0})",
    "copy": "{0}",
}
REDUCTIONS = {
    "sum": "np.add.reduce({0}, axis={axes}, keepdims=True, out={out})",
    "max": "np.maximum.reduce({0}, axis={axes}, keepdims=True, out={out})",
    "argmax": "np.argmax({0}, axis={axis}, keepdims=True, out={out})",
}
# NumPy's own ways to choose between so many numbers and 0, to find the largest of them,
# and to add their rows to others, take a multiple of the time.
MANY = 4096
HELPERS = {
    "keep": """
def keep(condition, x, out):  # x where condition, else 0: all its bits, or none
    bits = f"i{x.itemsize}"
    np.multiply(x.view(bits), condition, out=out.view(bits))
""",
    "drop": """
def drop(condition, x, out):  # 0 where condition, else x: no bits, or all
    bits = f"i{x.itemsize}"
    np.multiply(x.view(bits), ~condition, out=out.view(bits))
""",
    "aligned": """
def aligned(shape, dtype):  # zeros that begin where a line of the cache does
    memory = np.zeros(math.prod(shape) * np.dtype(dtype).itemsize + 64, np.uint8)
    return np.ndarray(shape, dtype, memory, -memory.ctypes.data % 64)
""",
    "add_many": f"""
def add_many(x, axes, out):  # many rows, in blocks, so that the error does not grow
    for a in axes:
        while (n := x.shape[a]) > {FEW}:
            parts = np.split(x, [n - n % {BLOCK}], axis=a)
            sizes = *x.shape[:a], n // {BLOCK}, {BLOCK}, *x.shape[a + 1 :]
            x = np.add.reduce(parts[0].reshape(sizes), axis=a + 1)
            if n % {BLOCK}:
                rest = np.add.reduce(parts[1], axis=a, keepdims=True)
                x = np.concatenate([x, rest], axis=a)
        x = np.add.reduce(x, axis=a, keepdims=True)
    np.copyto(out, x)
""",
    "add_rows": """
def add_rows(x, indices, out):  # number by number, which NumPy does much faster
    width = math.prod(x.shape[indices.ndim :])
    places = indices.reshape(-1, 1) * width + np.arange(width)
    out.fill(0)
    np.add.at(out.reshape(-1), places.reshape(-1), x.reshape(-1))
""",
    "where": """
def where(condition, x, y, out):
    np.copyto(out, y)
    np.copyto(out, x, where=condition)
""",
    "erf": """
def erf(x, out):
    out[...] = np.frompyfunc(math.erf, 1, 1)(x)
""",
    "check_given": """
def check_given(name, given, shape):
    if np.shape(given) != shape:
        raise ValueError(
            f"step: {name} of shape {np.shape(given)} given; it must be {shape}"
        )
""",
    "check_range": """
def check_range(x, count, but, says):
    if x.size and (x.min() < 0 or x.max() >= count):
        for i in x[(x < 0) | (x >= count)]:
            if i != but:
                raise IndexError(says.format(i))
""",
    "check_true": """
def check_true(x, says):
    if not x.all():
        raise ValueError(says)
""",
    "check_finite": """
def check_finite(x, says):
    if not np.isfinite(x).all():
        raise RuntimeError(says.format(float(x)))
""",
}


def literal(v: float) -> str:
    """A number, as Python writes it."""
    if isinstance(v, float) and not math.isfinite(v):
        return "np.nan" if v != v else ("np.inf" if v > 0 else "-np.inf")
    return repr(v)


def many(step: Reduce) -> bool:
    """Whether so much is added up that NumPy would add row after row, and the error
    would grow with their number. (Side by side in memory it adds in pairs.)"""
    x, axes = step.x, step.axes
    last = axes == tuple(range(x.ndim))[-len(axes) :]
    few = math.prod(x.shape[a] for a in axes) <= FEW
    floats = x.dtype.startswith("float") and step.function == "sum"
    return floats and not few and not (last and x.contiguous)


def constant_text(buffer: Buffer) -> str:
    """What makes an array of numbers that never change."""
    flat = flat_numbers(buffer.value)
    if (
        len(flat) > 1
        and buffer.dtype == "int64"
        and flat == [*range(flat[0], flat[0] + len(flat))]
    ):
        made = f"np.arange({flat[0]}, {flat[0] + len(flat)})"
    elif len(flat) > 1 and len({*map(literal, flat)}) == 1:  # -0.0 is not 0.0
        made = f'np.full({len(flat)}, {literal(flat[0])}, "{buffer.dtype}")'
    else:
        listed = ", ".join(map(literal, flat))
        made = f'np.array([{listed}], "{buffer.dtype}")'
    return made if buffer.shape == (len(flat),) else f"{made}.reshape({buffer.shape})"


def flat_numbers(array: Any) -> list[Any]:
    """The numbers of an array of any backend, row by row."""
    numbers: list[Any] = [array.tolist()]
    for _ in array.shape:
        numbers = [v for row in numbers for v in row]
    return numbers
