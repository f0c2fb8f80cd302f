"""Products: of matrices, and of any arrays by einsum, which is made of the former.

einsum names the axes, and sums over those that are not in the result:

    "bhtd,bhsd->bhts"     z[b,h,t,s] = Σ_d x[b,h,t,d] · y[b,h,s,d]: energies

Every letter of two operands is one of four kinds, and matmul knows them all:

    batch       in x, in y and in z       the leading axes of matmul
    contracted  in x and in y, not in z   the inner axis
    rows        in x and in z only        the rows
    columns     in y and in z only        the columns

A letter in one operand alone and not in z is summed first.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays import shapes
from ..autograd.recording import Recorded, apply
from ..errors import say
from ..rules import primitives
from .elementwise import numeric
from .indexing import getitem
from .movement import broadcast_to, permute_dims, reshape
from .operands import Operand, Tensor, check, constant, together
from .reductions import sum
from .spelling import named

__all__ = ["einsum", "matmul"]


@named()
def matmul(x: Operand, y: Operand) -> Any:
    """The matrix product, (..., n, k) @ (..., k, m) → (..., n, m); batches broadcast.

    A vector (k,) on the left is a row (1, k), on the right a column (k, 1); the result
    then lacks that axis.

    Raises:
        ValueError: the inner sizes differ, or an operand is a single number.

    >>> matmul(Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0]))
    Tensor([11.0], float64)
    """
    a, b = x, y
    if not (isinstance(x, Recorded) and isinstance(y, Recorded)):
        a = numeric("matmul", constant("matmul", x, y), x, y)
        b = numeric("matmul", constant("matmul", y, x), x, y)
    if a.array.dtype != b.array.dtype:
        a, b = together("matmul", a, b)
    if len(a.array.shape) != 1 != len(b.array.shape):
        return apply(primitives.matmul, a, b)
    shape = check("matmul", shapes.matmul_shape, a.shape, b.shape)
    row = reshape(a, (1, a.size)) if a.ndim == 1 else a
    column = reshape(b, (b.size, 1)) if b.ndim == 1 else b
    return reshape(apply(primitives.matmul, row, column), shape)


def einsum(equation: str, *operands: Tensor) -> Tensor:
    """Σ of products over the letters that are not in the output.

    Args:
        equation: "ij,jk->ik": a letter for each axis of each operand, and the output's.
            Without "->" the output has the letters that occur once, in alphabetical
            order. A letter twice in one operand is its diagonal ("ii->" a trace). "..."
            stands for any more axes, in front or elsewhere, which broadcast.
        operands: Tensors, as many as the equation has; they are multiplied from left to
            right.

    Raises:
        ValueError: the equation cannot be read, or does not fit the shapes.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> einsum("ij,kj->ik", x, x)
    Tensor([[ 5.0, 11.0],
            [11.0, 25.0]], float64)
    """
    wide, terms, out, sizes = read(equation, operands)
    (z, zs), *factors = map(diagonal, wide, terms)
    while factors:
        y, ys = factors.pop(0)
        wanted = out + "".join(term for _, term in factors)
        z, zs = multiplied(z, zs, y, ys, wanted, sizes)
    z, zs = sum_alone(z, zs, out)
    return permute_dims(z, [zs.index(c) for c in out])


def multiplied(
    x: Tensor, xs: str, y: Tensor, ys: str, wanted: str, sizes: dict[str, int]
) -> tuple[Tensor, str]:
    """The sum of products over the letters of x and y that nobody wants later."""
    x, xs = sum_alone(x, xs, wanted + ys)
    y, ys = sum_alone(y, ys, wanted + xs)
    batch = [c for c in xs if c in ys and c in wanted]
    inner = [c for c in xs if c in ys and c not in wanted]
    rows = [c for c in xs if c not in ys]
    columns = [c for c in ys if c not in xs]
    left = group_axes(x, xs, [batch, rows, inner], sizes)  # (batch, rows, inner)
    right = group_axes(y, ys, [batch, inner, columns], sizes)  # (batch, inner, columns)
    z = matmul(left, right)
    letters = [*batch, *rows, *columns]
    return reshape(z, tuple(sizes[c] for c in letters)), "".join(letters)


def group_axes(
    x: Tensor, term: str, groups: list[list[str]], sizes: dict[str, int]
) -> Tensor:
    """x with its axes in the order of the groups: those of the first group kept apart,
    those of each other made one."""
    first, *others = groups
    x = permute_dims(x, [term.index(c) for group in groups for c in group])
    merged = [math.prod(sizes[c] for c in group) for group in others]
    return reshape(x, (*(sizes[c] for c in first), *merged))


def sum_alone(x: Tensor, term: str, kept: str) -> tuple[Tensor, str]:
    """x summed over the letters that nothing else has."""
    alone = tuple(i for i, c in enumerate(term) if c not in kept)
    if alone:
        x = sum(x, axis=alone)
    return x, "".join(c for c in term if c in kept)


def diagonal(x: Tensor, term: str) -> tuple[Tensor, str]:
    """x with one axis where a letter stands twice: the elements of equal index. In rows
    of n they stand n + 1 apart."""
    for c in dict.fromkeys(term):
        while term.count(c) > 1:
            a = term.index(c)
            b = term.index(c, a + 1)
            others = [i for i in range(len(term)) if i not in (a, b)]
            n, kept = x.shape[a], tuple(x.shape[i] for i in others)
            x = reshape(permute_dims(x, [*others, a, b]), (*kept, n * n))
            x = getitem(x, (..., slice(None, None, n + 1)))
            term = "".join(term[i] for i in others) + c
    return x, term


def read(
    equation: str, operands: tuple[Any, ...]
) -> tuple[list[Any], list[str], str, dict[str, int]]:
    """The operands, the letters of each and of the output, and their sizes. The axes of
    "..." get letters of their own, and their full size."""
    if not isinstance(equation, str):
        raise TypeError(
            f"einsum: the equation is a {type(equation).__name__}; it must be a "
            "string such as 'ij,jk->ik'"
        )
    for x in operands:
        if not isinstance(x, Recorded):
            raise TypeError(f"einsum: {type(x).__name__} given; it takes Tensors")
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(
            f"einsum: {say(equation)} has {len(terms)} operands and {len(operands)} "
            "are "
            "given; there must be as many"
        )
    letters = left.replace("...", "").replace(",", "")
    if not arrow:
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        out = "..." * ("..." in left) + "".join(once)
    named = out.replace("...", "", 1)
    good = all(c.isalpha() for c in letters + named) and set(named) <= set(letters)
    good = good and len(set(named)) == len(named)
    good = good and all(term.count("...") < 2 for term in terms)
    if not good or ("..." in out and "..." not in left):
        raise ValueError(
            f"einsum: {say(equation)} given; it must be letters such as 'ij,jk->ik', "
            "with "
            "at most one ... in each operand, and the output's letters among them, "
            "each once"
        )
    extra = [x.ndim - len(t.replace("...", "")) for t, x in zip(terms, operands)]
    for term, x, more in zip(terms, operands, extra):
        if more < 0 or (more and "..." not in term):
            raise ValueError(
                f"einsum: {say(term)} given for shape {x.shape}; it needs a letter for "
                "each axis"
            )
    dots = "".join(chr(0x2460 + i) for i in range(max(extra)))  # letters of their own
    out = out.replace("...", dots)
    terms = [t.replace("...", dots[len(dots) - n :]) for t, n in zip(terms, extra)]
    sizes: dict[str, int] = {}
    for term, x in zip(terms, operands):
        for c, size in zip(term, x.shape):
            known = sizes.setdefault(c, size)
            if c in dots and known == 1:
                sizes[c] = size
            elif known != size and not (c in dots and size == 1):
                raise ValueError(
                    f"einsum: {c!r} has sizes {known} and {size} in {equation!r}; they "
                    "must be equal"
                    if c not in dots
                    else f"einsum: the axes of ... have sizes {known} and {size} in "
                    f"{equation!r}; they must be equal, or one of them 1"
                )
    wide = [
        broadcast_to(x, [n if c not in dots else sizes[c] for c, n in zip(t, x.shape)])
        for t, x in zip(terms, operands)
    ]
    return wide, terms, out, sizes
