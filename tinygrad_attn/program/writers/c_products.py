"""Products of matrices by NumPy's own library, in C."""

from __future__ import annotations

from ..anatomy import Product
from ..loops import address, of_batch, sizes_of
from .bodies import COUNTERS, nest
from .c_words import SAY

# The product of NumPy's library; rows and columns are told by 111 and 112.
GEMM = """\
typedef void (*sgemm_t)(int, int, int, @, @, @, float, const float *, @,
                        const float *, @, float, float *, @);
typedef void (*dgemm_t)(int, int, int, @, @, @, double, const double *, @,
                        const double *, @, double, double *, @);
static sgemm_t sgemm;
static dgemm_t dgemm;
void use_library(void *single, void *twice) {
  sgemm = (sgemm_t) single;
  dgemm = (dgemm_t) twice;
}
"""
LARGE = 2048  # multiplications from which a product is the library's


def large(step: Product) -> bool:
    """Whether a product is worth a call of the library."""
    n, k, m = sizes_of(step)
    return n * k * m >= LARGE and step.out.dtype.startswith("float")


def gemm_body(step: Product) -> str:
    """A product by the library; "" if its operands do not lie as that needs it."""
    out, x, y = step.out, step.x, step.y
    n, k, m = sizes_of(step)
    if not x.dtype == y.dtype == out.dtype or out.strides[-1] != 1:
        return ""
    ways = []
    for v in (x, y):
        (rows, columns), (sr, sc) = v.shape[-2:], v.strides[-2:]
        if sc == 1 and sr >= columns:
            ways.append(("111", sr))
        elif sr == 1 and sc >= rows:
            ways.append(("112", sc))
        else:
            return ""
    (tx, lx), (ty, ly) = ways
    loops = of_batch(step)
    c = COUNTERS[: len(loops.sizes)]
    z0, x0, y0 = (address(c, s) for s in loops.strides)
    name, f = ("sgemm", "f") if out.dtype == "float32" else ("dgemm", "")
    call = (
        f"{name}(101, {tx}, {ty}, {n}, {m}, {k}, 1.0{f}, p1 + {x0}, {lx}, p2 + {y0}, "
        f"{ly}, 0.0{f}, p0 + {z0}, {out.strides[-2]});"
    )
    return nest(SAY, c, loops.sizes, [call], simd="none")
