"""The matrix products of NumPy's own library, for programs in C.

NumPy's wheels bring OpenBLAS, whose products of matrices are as fast as the processor
allows. Its function is found by its name among what NumPy has loaded; nothing is
installed for it. Where it is not found, products are loops.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

# What the function is called, for float and double, and how wide its whole numbers are.
NAMES = (
    ("scipy_cblas_{}gemm64_", "scipy_openblas_{}_num_threads64_", "long long"),
    ("cblas_{}gemm64_", "openblas_{}_num_threads64_", "long long"),
    ("scipy_cblas_{}gemm", "scipy_openblas_{}_num_threads", "int"),
    ("cblas_{}gemm", "openblas_{}_num_threads", "int"),
)


# Threads share a product from so many multiplications on, about a millisecond of work.
# To share less gains little, and on a busy machine a thread that waits for the other
# may take ten times as long.
SHARED = 2**27
ALONE = 2**18  # up to here the library itself uses one thread


class Blas(NamedTuple):
    """Where the functions are in memory, and what they take.

    Attributes:
        single, double: the addresses of sgemm and dgemm.
        whole: the type of their whole numbers, in C.
        get_threads, set_threads: how many threads they use.
    """

    single: int
    double: int
    whole: str
    get_threads: Any
    set_threads: Any


@cache
def blas() -> Blas | None:
    """The library that NumPy uses; None if it has another, or is not installed."""
    try:
        core: Any = import_module("numpy._core._multiarray_umath")
        library = ctypes.CDLL(str(core.__file__))
    except (ImportError, OSError):
        return None
    for product, threads, whole in NAMES:
        try:
            single = getattr(library, product.format("s"))
            double = getattr(library, product.format("d"))
            get, put = (getattr(library, threads.format(w)) for w in ("get", "set"))
        except AttributeError:
            continue
        at = [ctypes.cast(f, ctypes.c_void_p).value or 0 for f in (single, double)]
        return Blas(at[0], at[1], whole, get, put)
    return None


class Threads:
    """A block in which the library computes in one thread, if no product is worth
    sharing.

    Args:
        most: the multiplications of the largest product.
    """

    def __init__(self, most: int) -> None:
        self.library = blas() if ALONE < most < SHARED else None
        self.before = 1

    def __enter__(self) -> None:
        if self.library is not None:
            self.before = self.library.get_threads()
            if self.before > 1:
                self.library.set_threads(1)

    def __exit__(self, *_: object) -> None:
        if self.before > 1 and self.library is not None:
            self.library.set_threads(self.before)
