"""Products of matrices in JavaScript, by tiles.

An inner product reads two numbers for each that it adds up. For two rows and four
columns at once it reads six for eight: in Node.js that takes less than half the time.
Small products stay as simple as they are.
"""

from __future__ import annotations

from ..anatomy import Product, View
from ..loops import address, of_batch, sizes_of
from .bodies import COUNTERS, nest, product_body
from .javascript_words import JavaScript

LARGE = 2**14  # multiplications, from which a product is worth so many lines
TILES = [(2, 4), (2, 3), (1, 4), (2, 2), (1, 3), (2, 1), (1, 2)]  # rows and columns


def tiled_body(say: JavaScript, step: Product) -> str:
    """The loops of a product, over tiles that cover its result without a rest."""
    out, x, y = step.out, step.x, step.y
    n, k, m = sizes_of(step)
    fitting = [(i, j) for i, j in TILES if n % i == 0 and m % j == 0]
    if not fitting or n * k * m < LARGE:
        return product_body(say, step)
    rows, columns = fitting[0]
    loops = of_batch(step)
    outer = COUNTERS[: len(loops.sizes)]
    (zi, zj), (xi, xk), (yk, yj) = (v.strides[-2:] for v in (out, x, y))
    z_strides, x_strides, y_strides = loops.strides

    def place(at: int, view: View, strides: tuple[int, ...], **inner: int) -> str:
        return say.place(
            at, view, address([*outer, *inner], [*strides, *inner.values()])
        )

    tile = [(i, j) for i in range(rows) for j in range(columns)]
    sums = ", ".join(f"s{i}{j} = 0" for i, j in tile)
    a = ", ".join(f"a{i} = x[{plus('xAt', i * xi)}]" for i in range(rows))
    b = ", ".join(f"b{j} = y[{plus('yAt', j * yj)}]" for j in range(columns))
    lines = [
        f"for (let r = 0; r < {n}; r += {rows}) {{",
        f"  const xRow = {place(1, x, x_strides, r=xi)};",
        f"  for (let c = 0; c < {m}; c += {columns}) {{",
        f"    const yColumn = {place(2, y, y_strides, c=yj)};",
        f"    let {sums};",
        f"    for (let q = 0; q < {k}; q++) {{",
        f"      const xAt = xRow + {address('q', [xk])};",
        f"      const yAt = yColumn + {address('q', [yk])};",
        f"      const {a};",
        f"      const {b};",
        *(f"      s{i}{j} += a{i} * b{j};" for i, j in tile),
        "    }",
        f"    const zAt = {place(0, out, z_strides, r=zi, c=zj)};",
    ]
    for i, j in tile:
        total = say.total(f"s{i}{j}", out.dtype)
        lines.append(f"    z[{plus('zAt', i * zi + j * zj)}] = {total};")
    beside = f"  // rows: {rows} at once; columns: {columns}"
    body = nest(say, outer, loops.sizes, [*lines, "  }", "}"], simd="none")
    return f"{beside}\n{body}"


def plus(name: str, more: int) -> str:
    """A place further on: "xAt + 64"."""
    sign = "-" if more < 0 else "+"
    return f"{name} {sign} {abs(more)}" if more else name
