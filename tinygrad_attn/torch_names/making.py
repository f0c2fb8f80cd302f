"""New tensors under PyTorch's names: torch.tensor, torch.normal, torch.multinomial."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from ..arrays.backends import uniform
from ..autograd.recording import Recorded, make_here
from ..creation import full, rand, randn
from ..errors import check_flags, check_number, say
from ..functions.operands import found, home, is_float
from ..functions.spelling import named
from ..tensor import Tensor, tensor
from .methods import dtype_of
from .sorting import argsort


def from_numpy(array: Any) -> Tensor:
    """An array of NumPy's as a tensor, with numbers of its own."""
    return Tensor(array)


@named(makes=True)
def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """Numbers as a tensor; of a tensor itself, or it in another dtype."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.astype(dtype_of(dtype))
    return tensor(data, dtype=dtype)


def float_tensor(data: Any = ()) -> Tensor:
    """Numbers as a tensor of floats: PyTorch's FloatTensor."""
    return Tensor(data, dtype=dtype_of("float"))


def long_tensor(data: Any = ()) -> Tensor:
    """Numbers as a tensor of integers: PyTorch's LongTensor."""
    return Tensor(data, dtype="int64")


@named(makes=True)
def empty(*shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be filled; until then of zeros."""
    sizes = shape[0] if len(shape) == 1 else shape
    return full(sizes, 0.0, dtype, requires_grad)


@named(makes=True)
def full_like(x: Tensor, fill_value: float, dtype: Any = None) -> Tensor:
    """One number everywhere, in the shape and dtype of x."""
    return full(x.shape, fill_value, dtype or x.dtype)


@named(makes=True)
def rand_like(x: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Random numbers between 0 and 1, in the shape and dtype of x."""
    return rand(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad)


@named(makes=True)
def randn_like(x: Tensor, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Random numbers of the normal distribution, in the shape and dtype of x."""
    return randn(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad)


@named(makes=True)
def normal(
    mean: Any = 0.0, std: Any = 1.0, shape: Any = None, requires_grad: bool = False
) -> Tensor:
    """Random numbers of the normal distribution of a mean and a standard deviation,
    numbers or tensors.

    >>> normal(0.0, 0.01, size=(2, 3)).shape
    (2, 3)
    """
    if shape is None:
        like = [v for v in (mean, std) if isinstance(v, Recorded)]
        if not like:
            raise TypeError("normal: no size given; normal(0.0, 1.0, (2, 3)) has one")
        shape = like[0].shape
    z = randn(shape) * std + mean
    return z.requires_grad_(requires_grad) if requires_grad else z


@named(makes=True)
def linspace(
    start: float, end: float, steps: int, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """So many numbers from start to end, both included, at equal distances.

    >>> linspace(0.0, 1.0, 5)
    Tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000], float64)
    """
    for what, v in (("start", start), ("end", end)):
        check_number("linspace", what, v)
    check_number("linspace", "steps", steps, 0, whole=True)
    n = int(steps)
    step = (end - start) / max(1, n - 1)
    numbers = [start + step * i for i in range((n + 1) // 2)]  # from both ends: exact
    numbers += [end - step * i for i in range(n // 2 - 1, -1, -1)]
    kind = full((), 0.0, dtype).dtype
    return Tensor([float(v) for v in numbers], requires_grad, kind)


@named(makes=True)
def randperm(n: int, dtype: Any = None) -> Tensor:
    """0 ... n - 1 in a random order.

    >>> sorted(randperm(3).tolist())
    [0, 1, 2]
    """
    check_number("randperm", "n", n, 0, whole=True)
    return argsort(rand(int(n)))


@named(makes=True)
def bernoulli(input: Tensor) -> Tensor:
    """1 with probability x, else 0, element by element, in the dtype of x."""
    drawn = make_here(uniform(input.shape, backend=home(input)))
    return (drawn < input).astype(input.dtype)


@named(makes=True)
def multinomial(input: Tensor, num_samples: int, replacement: bool = False) -> Tensor:
    """Random classes, each as likely as its share of the weights in its row.

    Args:
        input: (C,) or (N, C), weights from 0; they need not add up to 1.
        num_samples: how many to draw of each row.
        replacement: whether a class may be drawn twice.

    >>> multinomial(Tensor([0.0, 1.0]), 1)
    Tensor([1], int64)
    """
    who = "multinomial"
    check_flags(who, replacement=replacement)
    if (
        not isinstance(input, Recorded)
        or input.ndim not in (1, 2)
        or not is_float(input)
    ):
        given = (
            f"{input.dtype} of shape {input.shape}"
            if isinstance(input, Recorded)
            else say(input)
        )
        raise TypeError(
            f"{who}: {given} given; it takes a Tensor of floats, (C,) or (N, C)"
        )
    check_number(who, "num_samples", num_samples, 1, whole=True)
    rows = input.detach().reshape(-1, input.shape[-1]).tolist()
    for row in rows:
        if not all(0.0 <= w < float("inf") for w in row) or not sum(row):
            raise ValueError(
                f"{who}: a row of weights {say(row)} given; they must be finite, from "
                "0 up, and one above 0"
            )
        if not replacement and sum(w > 0 for w in row) < num_samples:
            raise ValueError(
                f"{who}: num_samples={num_samples} given for {sum(w > 0 for w in row)} "
                "classes above 0; with replacement=True one may be drawn twice"
            )
    draws = uniform((len(rows), int(num_samples))).tolist()
    drawn = [drawn_of(row, us, replacement) for row, us in zip(rows, draws)]
    xp = home(input)
    shape = (*input.shape[:-1], int(num_samples))
    flat = [c for row in drawn for c in row]
    return found(who, input, xp.reshape(xp.asarray(flat, "int64"), shape))


def drawn_of(weights: list[float], draws: list[float], again: bool) -> list[int]:
    """A class for each draw u in [0, 1): the first whose weights add up to more than u
    of all."""
    left, picked = list(weights), []
    for u in draws:
        ends = list(accumulate(left))
        c = bisect_right(ends, u * ends[-1])
        while not left[c]:  # u · ends[-1] was rounded up to the end
            c -= 1
        picked.append(c)
        if not again:
            left[c] = 0.0
    return picked
