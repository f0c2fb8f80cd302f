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
from ..rules import primitives
from .elementwise import numeric
from .movement import permute_dims, reshape
from .operands import Operand, Tensor, check, constant, together
from .reductions import sum

__all__ = ["einsum", "matmul"]


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
            order. No letter may stand twice in one operand, and there is no "...".
        operands: one or two Tensors.

    Raises:
        ValueError: the equation cannot be read, or does not fit the shapes.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> einsum("ij,kj->ik", x, x)
    Tensor([[ 5.0, 11.0],
            [11.0, 25.0]], float64)
    """
    terms, out, sizes = read(equation, operands)
    if len(operands) == 1:
        (x,), (term,) = operands, terms
        x, term = sum_alone(x, term, out)
        return permute_dims(x, [term.index(c) for c in out])
    (x, y), (xs, ys) = operands, terms
    x, xs = sum_alone(x, xs, out + ys)
    y, ys = sum_alone(y, ys, out + xs)
    batch = [c for c in xs if c in ys and c in out]
    inner = [c for c in xs if c in ys and c not in out]
    rows = [c for c in xs if c not in ys]
    columns = [c for c in ys if c not in xs]
    left = group_axes(x, xs, [batch, rows, inner], sizes)  # (batch, rows, inner)
    right = group_axes(y, ys, [batch, inner, columns], sizes)  # (batch, inner, columns)
    z = matmul(left, right)
    letters = [*batch, *rows, *columns]
    z = reshape(z, tuple(sizes[c] for c in letters))
    return permute_dims(z, [letters.index(c) for c in out])


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


def read(
    equation: str, operands: tuple[Recorded, ...]
) -> tuple[list[str], str, dict[str, int]]:
    """The letters of each operand and of the output, and their sizes."""
    if not isinstance(equation, str):
        raise TypeError(
            f"einsum: the equation is a {type(equation).__name__}; it must be a "
            "string such as 'ij,jk->ik'"
        )
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    letters = "".join(terms)
    if not arrow:
        out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    good = all(c.isalpha() for c in letters + out) and set(out) <= set(letters)
    for term in [*terms, out]:
        good = good and len(set(term)) == len(term)
    if not good:
        raise ValueError(
            f"einsum: {equation!r} given; it must be letters such as 'ij,jk->ik', no "
            "letter twice in one operand, and the output's letters among them"
        )
    if len(operands) not in (1, 2) or len(terms) != len(operands):
        raise ValueError(
            f"einsum: {equation!r} has {len(terms)} operands and {len(operands)} are "
            "given; there must be one or two, and as many"
        )
    sizes: dict[str, int] = {}
    for term, x in zip(terms, operands):
        if not isinstance(x, Recorded):
            raise TypeError(f"einsum: {type(x).__name__} given; it takes Tensors")
        if len(term) != x.ndim:
            raise ValueError(
                f"einsum: {term!r} given for shape {x.shape}; it needs a letter for "
                "each axis"
            )
        for c, size in zip(term, x.shape):
            if sizes.setdefault(c, size) != size:
                raise ValueError(
                    f"einsum: {c!r} has sizes {sizes[c]} and {size} in {equation!r}; "
                    "they must be equal"
                )
    return terms, out, sizes
