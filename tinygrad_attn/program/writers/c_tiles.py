"""Products of matrices in C, tile by tile.

A tile of z, some rows by some vectors of columns, stays in the processor's registers
while all terms are added to it: for each, a row of y is loaded once, and multiplied by
a number of each row of x.

    z[i, j] += x[i, k] · y[k, j]        for 8 i and 32 j at once, say

The columns of y that a row of tiles needs are copied side by side before, into a panel,
as they are needed for all rows of x. Where x is turned, a panel has as many terms as
the nearest cache holds; elsewhere x would be read in pieces. A bias is added to the
sums before they leave the registers. Of matrices that are this small, or this narrow,
that is faster than a library which takes any (docs/performance.md).
"""

from __future__ import annotations

from typing import NamedTuple

from ..anatomy import Product
from ..loops import address, of_batch, sizes_of
from ..nesting import Linear
from .bodies import COUNTERS, nest
from .c_words import SAY, TYPES

BYTES = {"float32": 4, "float64": 8}
LINE = 16  # numbers of a line of the cache
FAR = 2**17  # numbers of a turned x, above which those of a row lie too far apart
NEAR = 2**15  # bytes of a panel, at most, where x is turned


class Tile(NamedTuple):
    """How a product is cut.

    Attributes:
        dtype: of its numbers.
        lanes: how many numbers are in a vector.
        rows: how many rows a tile has.
        vectors: how many vectors there are in a row of it.
    """

    dtype: str
    lanes: int
    rows: int
    vectors: int

    @property
    def name(self) -> str:
        """What the function for such a tile is called."""
        kind = TYPES[self.dtype]
        return f"{kind}_{self.rows}x{self.width}"

    @property
    def width(self) -> int:
        """How many columns it has."""
        return self.vectors * self.lanes

    @property
    def vector(self) -> str:
        """The type of a vector; with _in behind it, of one anywhere in memory."""
        return f"{TYPES[self.dtype]}x{self.lanes}"


def is_cuttable(step: Product) -> bool:
    """Whether all numbers are floats of one kind, and those of a row of z lie side by
    side."""
    out, dtypes = step.out, {v.dtype for v in (step.out, step.x, step.y)}
    return len(dtypes) == 1 and out.dtype in BYTES and out.strides[-1] == 1


def tile_of(step: Product, widest: int) -> Tile | None:
    """The tile for a product; None if it cannot be cut, or better isn't.

    Args:
        widest: how many bytes the processor's vectors have at most.
    """
    out, x = step.out, step.x
    n, k, m = sizes_of(step)
    if not is_cuttable(step) or n < 8 or (x.strides[-2] == 1 and n * k > FAR):
        return None
    if not k or not m:
        return None
    for size in (64, 32, 16):
        lanes = size // BYTES[out.dtype]
        if size <= widest and m % lanes == 0:
            break
    else:
        return None
    registers = 32 if widest == 64 else 16
    shapes = [(6, 4), (8, 3), (8, 2), (6, 2), (8, 1)]
    tiles = [
        Tile(out.dtype, lanes, rows, vectors)
        for rows, vectors in shapes
        if (rows + 1) * vectors < registers and m % (vectors * lanes) == 0
    ]
    best = min(cycles(tile, n, k) for tile in tiles)
    return next(tile for tile in tiles if cycles(tile, n, k) < 1.05 * best)


def cycles(tile: Tile, n: int, k: int) -> float:
    """About how long a column of z takes, for each term, if two products and two loads
    can begin at once, and a sum waits 4 cycles for the one before."""
    rows, vectors = tile.rows, tile.vectors
    start = 10 / k  # of a tile
    whole = max(rows * vectors, rows + vectors, 8) / 2 + start
    single = max(1 + vectors, 8) / 2 + start
    return (n // rows * whole + n % rows * single) / vectors


def types_of(tile: Tile) -> str:
    """The text of the types of its vectors."""
    kind, bytes_each = TYPES[tile.dtype], BYTES[tile.dtype]
    size = f"vector_size({tile.lanes * bytes_each})"
    return (
        f"typedef {kind} {tile.vector} __attribute__(({size}));\n"
        f"typedef {kind} {tile.vector}_in "
        f"__attribute__(({size}, aligned({bytes_each}), may_alias));\n"
    )


def function_of(tile: Tile) -> str:
    """The text of the function that computes one tile."""
    kind, lanes, vector = TYPES[tile.dtype], tile.lanes, tile.vector
    columns = [lanes * c for c in range(tile.vectors)]
    names = [[f"z{r}_{c}" for c in range(tile.vectors)] for r in range(tile.rows)]
    lines = [
        f"static inline __attribute__((always_inline)) void {tile.name}(",
        f"    {kind} *z, long zr, const {kind} *x, long xr, long xk, const {kind} *y,",
        f"    long terms, int more, const {kind} *bias) {{",
        *(
            f"  {vector} " + ", ".join(f"{z} = {{0}}" for z in row) + ";"
            for row in names
        ),
        "  if (more) {  // there are sums of other terms already",
        *(
            f"    {z} = *({vector}_in *) (z + {r} * zr + {at});"
            for r, row in enumerate(names)
            for z, at in zip(row, columns)
        ),
        "  }",
        "  for (long k = 0; k < terms; k++) {",
        *(
            f"    const {vector} y{c} = *(const {vector}_in *) (y + {at});"
            for c, at in enumerate(columns)
        ),
    ]
    for r, row in enumerate(names):
        sums = " ".join(f"{z} += a * y{c};" for c, z in enumerate(row))
        lines.append(f"    {{ const {kind} a = x[{r} * xr]; {sums} }}")
    lines += [
        f"    x += xk, y += {tile.width};",
        '    __asm__("" : "+r"(x), "+r"(y));  // or gcc 12 keeps the tile in memory',
        "  }",
        "  if (bias) {",
        *(
            f"    const {vector} b{c} = *(const {vector}_in *) (bias + {at});"
            for c, at in enumerate(columns)
        ),
        *(
            "    " + " ".join(f"{z} += b{c};" for c, z in enumerate(row))
            for row in names
        ),
        "  }",
        *(
            f"  *({vector}_in *) (z + {r} * zr + {at}) = {z};"
            for r, row in enumerate(names)
            for z, at in zip(row, columns)
        ),
        "}",
        "",
    ]
    return "\n".join(lines)


def tiled_body(step: Product, tile: Tile) -> str:
    """The loops of a product, tile by tile."""
    out, x, y = step.out, step.x, step.y
    n, k, m = sizes_of(step)
    kind, width = TYPES[tile.dtype], tile.width
    loops = of_batch(step)
    outer = COUNTERS[: len(loops.sizes)]
    z0, x0, y0 = (address(outer, s) for s in loops.strides)
    (zr, _), (xr, xk), (yk, yj) = (v.strides[-2:] for v in (out, x, y))
    most = part(k, NEAR // (width * BYTES[tile.dtype])) if xr == 1 else k
    terms = "terms" if k % most else f"{most}"
    t = ["t"] if most < k else []  # the first term of a panel, of several
    to = f"p0 + {address(['r', 'c'], [zr, 1])} + {z0}"
    of = f"p1 + {address(['r', *t], [xr, xk])} + {x0}"
    bias = "p3 + c" if isinstance(step, Linear) else "0"
    more = "t > 0" if t else "0"
    if t and bias != "0":
        bias = f"t + {most} < {k} ? 0 : {bias}"
    given = f"{to}, {zr}, {of}, {xr}, {xk}, panel, {terms}, {more}, {bias}"
    at = f"p2[{address(['q', 'c', 's', *t], [yk, yj, yj, yk])} + {y0}]"
    rest = tile._replace(rows=n % tile.rows)
    lines = [
        *copying(terms, width, yj),
        f"    panel[q * {width} + s] = {at};",
        "long r = 0;",
        f"for (; r + {tile.rows} <= {n}; r += {tile.rows})",
        f"  {tile.name}({given});",
        *([f"{rest.name}({given});"] if rest.rows else []),
    ]
    if k % most:
        lines.insert(0, f"const long terms = {k} - t < {most} ? {k} - t : {most};")
    if t:
        head = f"for (long t = 0; t < {k}; t += {most}) {{"
        lines = [head, *(f"  {line}" for line in lines), "}"]
    lines = [
        f"for (long c = 0; c < {m}; c += {width}) {{",
        f"  static {kind} panel[{most * width}] __attribute__((aligned(64)));",
        *(f"  {line}" for line in lines),
        "}",
    ]
    return nest(SAY, outer, loops.sizes, lines, simd="none")


def copying(terms: str, width: int, yj: int) -> list[str]:
    """The loops over a panel's numbers: q is the term, s the column."""
    columns = f"for (long s = 0; s < {width}; s++)"
    if yj == 1:
        return [f"for (long q = 0; q < {terms}; q++)", f"  {columns}"]
    # its columns lie side by side: a line of the cache of each, by turns
    whole = terms.isdigit() and int(terms) % LINE == 0
    end = f"b + {LINE}" if whole else f"b + {LINE} && q < {terms}"
    return [
        f"for (long b = 0; b < {terms}; b += {LINE}) {columns}",
        f"  for (long q = b; q < {end}; q++)",
    ]


def part(whole: int, most: int, unit: int = 1) -> int:
    """The size of equal parts, each of whole units, and none larger than the most.

    >>> part(1024, 384), part(256, 224, 14)
    (342, 140)
    """
    parts = -(-whole // most)
    return -(-whole // (parts * unit)) * unit
