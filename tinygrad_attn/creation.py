"""New tensors: filled, counted, or random.

One seed gives one model on every backend: random numbers come in bulk from this
thread's `random.Random` as bytes, and each 8 of them become a number in [0, 1) with 53
random bits, the same in pure Python and in NumPy. Normal ones are made of pairs of
those.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from .arrays.backends import current_backend, normal, uniform
from .arrays.shapes import Shape, integers
from .autograd.recording import make_here
from .errors import check_number, counted, say, under_name
from .functions.operands import check, home, tensor
from .functions.spelling import named
from .tensor import Tensor

__all__ = [
    "arange",
    "eye",
    "full",
    "ones",
    "ones_like",
    "rand",
    "randint",
    "randn",
    "zeros",
    "zeros_like",
]


@named(makes=True)
def full(
    shape: int | Sequence[int],
    fill_value: float,
    dtype: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of a shape with one number everywhere. Its dtype is that of the number:
    7.0 makes floats, 7 integers, True bools.

    >>> full((2, 2), 7.0)
    Tensor([[7.0, 7.0],
            [7.0, 7.0]], float64)
    """
    if dtype is None and isinstance(fill_value, Integral):
        dtype = "bool" if isinstance(fill_value, bool) else "int64"
    return _fill("full", shape, fill_value, dtype, requires_grad)


@named(makes=True)
def zeros(*shape: Any, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: zeros(2, 3) or zeros((2, 3)).

    >>> zeros(3)
    Tensor([0.0, 0.0, 0.0], float64)
    """
    return _fill("zeros", _sizes(shape), 0.0, dtype, requires_grad)


@named(makes=True)
def ones(*shape: Any, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones: ones(2, 3) or ones((2, 3)).

    >>> ones(3, dtype="int64")
    Tensor([1, 1, 1], int64)
    """
    return _fill("ones", _sizes(shape), 1.0, dtype, requires_grad)


@named(makes=True)
def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: str | None = None
) -> Tensor:
    """start, start + step, ... up to but without stop; arange(n) counts from 0.

    >>> arange(3), arange(1, 2, 0.5)
    (Tensor([0, 1, 2], int64), Tensor([1.0000, 1.5000], float64))
    """
    if stop is None:
        start, stop = 0, start
    start, stop, step = map(counted, (start, stop, step))
    for what, v in (("start", start), ("stop", stop), ("step", step)):
        check_number("arange", what, v)
    if step == 0:
        raise ValueError("arange: step 0 given; it would never arrive")
    backend = current_backend()
    whole = all(isinstance(v, Integral) for v in (start, stop, step))
    dtype = _dtype("arange", dtype or ("int64" if whole else None))
    number = int if whole else float  # NumPy's numbers would round as NumPy does
    given = number(start), number(stop), number(step)
    try:
        return make_here(backend.xp.arange(*given, dtype))
    except (ValueError, OverflowError) as error:
        raise under_name("arange", error) from error


@named(makes=True)
def rand(*shape: Any, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    """Random numbers, uniform in [0, 1).

    >>> from tinygrad_attn import manual_seed
    >>> manual_seed(0)
    >>> rand(2).shape
    (2,)
    """
    data = uniform(_shape("rand", _sizes(shape)), _dtype("rand", dtype))
    return _leaf("rand", data, requires_grad)


@named(makes=True)
def randn(*shape: Any, dtype: str | None = None, requires_grad: bool = False) -> Tensor:
    """Random numbers from the normal distribution of mean 0 and variance 1.

    >>> randn(2, 3).shape
    (2, 3)
    """
    data = normal(_shape("randn", _sizes(shape)), _dtype("randn", dtype))
    return _leaf("randn", data, requires_grad)


@named(makes=True)
def randint(
    low: int, high: Any = (), shape: Any = (), dtype: str | None = None
) -> Tensor:
    """Random integers, each of low, low + 1, ..., high - 1 as likely as the others.
    randint(high, shape) counts from 0.

    >>> randint(3, 4, (2,))
    Tensor([3, 3], int64)
    """
    if shape == () and isinstance(high, (tuple, list)):  # randint(high, shape)
        high, shape = (), high
    if high == ():
        low, high = 0, low
    for v in (low, high):
        if not isinstance(v, Integral) or isinstance(v, bool):
            raise TypeError(f"randint: {say(v)} given; the bounds must be integers")
    if abs(low) >= 2**62 or abs(high) >= 2**62:
        raise ValueError(f"randint: {low}..{high} given; integers have 64 bits")
    if high <= low:
        raise ValueError(f"randint: {low}..{high} given; high must be above low")
    backend = current_backend()
    scaled = uniform(_shape("randint", shape)) * float(high - low)
    return make_here(
        backend.xp.astype(
            backend.xp.astype(scaled, "int64") + low,
            _dtype("randint", dtype or "int64"),
        )
    )


@named(makes=True)
def eye(n: int, m: int | None = None, dtype: str | None = None) -> Tensor:
    """The n × m (by default n × n) matrix with 1 on the diagonal, 0 elsewhere.

    >>> eye(2)
    Tensor([[1.0, 0.0],
            [0.0, 1.0]], float64)
    """
    rows, columns = _shape("eye", (n, n if m is None else m))
    backend = current_backend()
    xp = backend.xp
    diagonal = xp.reshape(xp.arange(0, rows), (rows, 1)) == xp.arange(0, columns)
    return make_here(xp.astype(diagonal, _dtype("eye", dtype)))


@named(makes=True)
def zeros_like(
    x: Tensor, dtype: str | None = None, requires_grad: bool = False
) -> Tensor:
    """Zeros in the shape and dtype of x, on its backend.

    >>> zeros_like(Tensor([1, 2]))
    Tensor([0, 0], int64)
    """
    return _fill_like("zeros_like", x, 0.0, dtype, requires_grad)


@named(makes=True)
def ones_like(
    x: Tensor, dtype: str | None = None, requires_grad: bool = False
) -> Tensor:
    """Ones in the shape and dtype of x, on its backend.

    >>> ones_like(Tensor([1, 2]))
    Tensor([1, 1], int64)
    """
    return _fill_like("ones_like", x, 1.0, dtype, requires_grad)


def _fill(
    who: str, shape: Any, fill: Any, dtype: str | None, requires_grad: bool
) -> Tensor:
    if not isinstance(fill, Real):
        kind = type(fill).__name__
        raise TypeError(
            f"{who}: fill_value={say(fill)}, a {kind}, given; it is a number"
        )
    sizes, kind = _shape(who, shape), _dtype(who, dtype)
    try:
        data = current_backend().xp.full(sizes, fill, kind)
    except (OverflowError, ValueError) as error:
        raise under_name(who, error) from error
    return _leaf(who, data, requires_grad)


def _fill_like(
    who: str, x: Any, fill: float, dtype: str | None, requires_grad: bool
) -> Tensor:
    xp = home(tensor(who, x))
    data = xp.full(x.shape, fill, _dtype(who, x.dtype if dtype is None else dtype))
    return _leaf(who, data, requires_grad)


def _leaf(who: str, data: Any, requires_grad: bool) -> Tensor:
    """A Tensor that the user made."""
    if not isinstance(requires_grad, bool):
        raise TypeError(
            f"{who}: requires_grad={say(requires_grad)} given; it must be True or False"
        )
    try:
        return make_here(data).requires_grad_(requires_grad)
    except TypeError as error:
        raise under_name(who, error) from error


def _dtype(who: str, dtype: str | None) -> str:
    """The given dtype, or by default the backend's floats."""
    backend = current_backend()
    if dtype is None:
        return backend.dtype
    allowed = (*backend.xp.float_dtypes, "int64", "bool")
    if not isinstance(dtype, str) or dtype not in allowed:
        raise TypeError(
            f"{who}: dtype {say(dtype)} given; the backend {say(backend.name)} has "
            f"{', '.join(allowed)}"
        )
    return dtype


def _sizes(shape: tuple[Any, ...]) -> Any:
    return shape[0] if len(shape) == 1 else shape


def _shape(who: str, shape: Any) -> Shape:
    given = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    sizes = tuple(map(counted, given))
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 0:
            raise ValueError(
                f"{who}: shape {say(given)} given; sizes are integers from 0 up"
            )
    sized: Shape = check(who, integers, sizes)
    return sized
