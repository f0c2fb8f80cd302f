"""Products and rows by index, in C."""

from __future__ import annotations

from ...arrays.shapes import broadcast_strides
from ..anatomy import Gather, Product, Scatter, View
from ..loops import address, merged
from .c_words import COUNTERS, TYPES, nest

# The product of NumPy's library; rows and columns are told by 111 and 112.
GEMM = """\
typedef void (*sgemm_t)(int, int, int, @, @, @, float, const float *, @,
                        const float *, @, float, float *, @);
typedef void (*dgemm_t)(int, int, int, @, @, @, double, const double *, @,
                        const double *, @, double, double *, @);
static sgemm_t sgemm;
static dgemm_t dgemm;
void products(void *single, void *twice) {
  sgemm = (sgemm_t) single;
  dgemm = (dgemm_t) twice;
}
"""
LARGE = 2048  # multiplications from which a product is the library's


def large(step: Product) -> bool:
    """Whether a product is worth a call of the library."""
    (n, k), m = step.x.shape[-2:], step.y.shape[-1]
    return n * k * m >= LARGE and step.out.dtype.startswith("float")


def gemm_body(step: Product) -> str:
    """A product by the library; "" if its operands do not lie as that needs it."""
    out, x, y = step.out, step.x, step.y
    (n, k), m = x.shape[-2:], y.shape[-1]
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
    batch = out.shape[:-2]
    loops = merged(
        batch,
        [
            out.strides[:-2],
            *(broadcast_strides(v.shape[:-2], v.strides[:-2], batch) for v in (x, y)),
        ],
    )
    c = COUNTERS[: len(loops.sizes)]
    z0, x0, y0 = (address(c, s) for s in loops.strides)
    name, f = ("sgemm", "f") if out.dtype == "float32" else ("dgemm", "")
    call = (
        f"{name}(101, {tx}, {ty}, {n}, {m}, {k}, 1.0{f}, p1 + {x0}, {lx}, p2 + {y0}, "
        f"{ly}, 0.0{f}, p0 + {z0}, {out.strides[-2]});"
    )
    return nest(c, loops.sizes, [call], simd="none")


def product_body(step: Product) -> str:
    """Row by row: a multiple of each row of y is added; or inner products, if y lies
    column by column."""
    out, x, y = step.out, step.x, step.y
    (n, k), m = x.shape[-2:], y.shape[-1]
    batch = out.shape[:-2]
    loops = merged(
        batch,
        [
            out.strides[:-2],
            *(broadcast_strides(v.shape[:-2], v.strides[:-2], batch) for v in (x, y)),
        ],
    )
    c = COUNTERS[: len(loops.sizes)]
    z0, x0, y0 = (address(c, s) for s in loops.strides)
    kind = TYPES[out.dtype]
    zi, zj = out.strides[-2:]
    xi, xk = x.strides[-2:]
    yk, yj = y.strides[-2:]
    if yj == 1 and zj == 1 or yk != 1:
        lines = [
            f"for (long r = 0; r < {n}; r++) {{",
            f"  {kind} *restrict z = p0 + {z0} + r * {zi};",
            f"  for (long c = 0; c < {m}; c++) z[c * {zj}] = 0;",
            f"  for (long q = 0; q < {k}; q++) {{",
            f"    const {kind} a = p1[{x0} + r * {xi} + q * {xk}];",
            "    #pragma omp simd",
            f"    for (long c = 0; c < {m}; c++) z[c * {zj}] += a * p2[{y0} + q * {yk} "
            f"+ c * {yj}];",
            "  }",
            "}",
        ]
    else:
        lines = [
            f"for (long r = 0; r < {n}; r++) {{",
            f"  for (long c = 0; c < {m}; c++) {{",
            f"    {kind} sum = 0;",
            "    #pragma omp simd reduction(+:sum)",
            f"    for (long q = 0; q < {k}; q++) sum += p1[{x0} + r * {xi} + q * {xk}] "
            f"* p2[{y0} + q * {yk} + c * {yj}];",
            f"    p0[{z0} + r * {zi} + c * {zj}] = sum;",
            "  }",
            "}",
        ]
    return nest(c, loops.sizes, lines, simd="none")


def gather_body(step: Gather) -> str:
    return rows_body(step.out, step.x, step.indices, "p0[{many}] = p1[{one}];")


def scatter_body(step: Scatter) -> str:
    zero = merged(step.out.shape, [step.out.strides])
    c = COUNTERS[: len(zero.sizes)]
    clear = nest(c, zero.sizes, [f"p0[{address(c, zero.strides[0])}] = 0;"])
    add = rows_body(step.x, step.out, step.indices, "p0[{one}] += p1[{many}];")
    return f"{clear}\n{add}"


def rows_body(many: View, one: View, indices: View, line: str) -> str:
    """For each index a row of `many` and the one of `one` that it names."""
    depth = indices.ndim
    outer = merged(indices.shape, [indices.strides, many.strides[:depth]])
    inner = merged(one.shape[1:], [many.strides[depth:], one.strides[1:]])
    c = COUNTERS[: len(outer.sizes)]
    d = COUNTERS[len(c) : len(c) + len(inner.sizes)]
    at = address(c, outer.strides[0])
    places = {
        "many": address([*c, *d], [*outer.strides[1], *inner.strides[0]]),
        "one": " + ".join([f"row * {one.strides[0]}", address(d, inner.strides[1])]),
    }
    body = nest(d, inner.sizes, [line.format(**places)])
    row = f"const long long row = p2[{at}];"
    return nest(c, outer.sizes, [row, body], simd="none")
