"""Which dtype comes out when two meet, and which whole numbers there are.

The four dtypes stand in a row. Where several meet, the last of them comes out:

    bool  →  int64  →  float32  →  float64

A plain number has no dtype, only a kind (so have nested lists, and arrays that are no
Tensors): it is a bool, an int or a float. It counts where no Tensor beside it has its
kind or a later one, and a float then means the backend's own, `floats`: float64 in pure
Python, float32 in NumPy unless float64 was chosen.

    beside    bool     int64    float32  float64
    bool      bool     int64    float32  float64     a Tensor
    int64     int64    int64    float32  float64
    float32   float32  float32  float32  float64
    float64   float64  float64  float64  float64
    True      bool     int64    float32  float64     a number
    2         int64    int64    float32  float64
    0.5       floats   floats   float32  float64

So it is for + - * and where, concat, stack, pad, clip, maximum, minimum, matmul, on
every backend. It is PyTorch's table, but that a Tensor of shape () counts like any
other. Three more rules: / and ** and what has digits behind the point (exp, mean, ...)
turn whole numbers into floats; the sum of bools is a whole number; a 0 that fills
(tril, pad) is one of any dtype.

An int64 holds -2⁶³ ... 2⁶³ - 1. A whole number beyond is refused, whether it is given
or computed: NumPy alone would wrap it round in silence.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import say

ORDER = ("bool", "int64", "float32", "float64")
KINDS = {"bool": 0, "int": 1, "float": 2}  # of plain numbers: their places in ORDER
INT64 = ORDER.index("int64")
FLOAT = ORDER.index("float32")  # from here on there is something behind the point


class Places(dict[Any, int]):
    """Where in ORDER a dtype stands, or the one that a kind of plain number needs."""

    def __missing__(self, dtype: Any) -> int:
        name = str(dtype)  # NumPy takes its time to spell one: it is asked once
        self[dtype] = KINDS[name] if name in KINDS else ORDER.index(name)
        return self[dtype]


PLACE = Places()


@cache
def promoted(dtypes: frozenset[str], floats: str = "float64") -> str:
    """The dtype that comes out where these meet; for a plain number stands its kind.

    >>> promoted(frozenset(["int64", "float32"]))
    'float32'
    >>> promoted(frozenset(["int64", "float"])), promoted(frozenset(["int", "float32"]))
    ('float64', 'float32')
    """
    typed = [PLACE[name] for name in dtypes if name in ORDER]
    last, least = max(typed, default=0), max(PLACE[name] for name in dtypes)
    if last >= least:
        return ORDER[last]
    return floats if least >= FLOAT else ORDER[least]


def fits_int64(v: int) -> bool:
    """Whether an int64 can hold a whole number."""
    return -(2**63) <= v < 2**63


def check_int64(*numbers: int) -> None:
    """Refuses a whole number that an int64 cannot hold."""
    for v in numbers:
        if not fits_int64(v):
            raise ValueError(
                f"the whole number {say(v)} does not fit an int64, which holds -2**63 "
                "to 2**63 - 1; with floats it goes up to about 1e308, rounded"
            )


def number(v: float, dtype: str) -> float:
    """A plain number as an element of a dtype. Where bools come out of a comparison it
    stays as it is."""
    if dtype == "float64":
        return float(v)
    if dtype == "int64":
        check_int64(int(v))
        return int(v)
    return v
