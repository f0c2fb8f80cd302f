"""Large products of matrices in C, block by block.

A processor multiplies far faster than memory answers. So what is multiplied next has to
lie near, in the order in which it is needed:

    for some terms k               all columns of y are laid side by side, in ys
      for some rows of x           they are laid side by side, in xs
        for each tile of z         z[r, c] += xs[r, k] · ys[k, c]

The columns that a tile needs stay in the nearest cache while the rows of xs pass by;
xs stays in the next one, while the columns do.

Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
"""

from __future__ import annotations

from ..anatomy import Product
from ..loops import address, of_batch, sizes_of
from ..nesting import Linear
from .bodies import COUNTERS, nest
from .c_tiles import BYTES, Tile, is_cuttable, part, tile_of
from .c_words import SAY, TYPES

LARGE = 2**18  # multiplications from which it is worth while to lay them side by side
NEAR = 1536  # bytes of a block's terms, in a row or column: 384 of float32
TILES = 16  # in a block of rows, at most

LEAST = "static inline long least(long a, long b) { return a < b ? a : b; }"

# Rows of a matrix, or columns: strip by strip, as many as a tile has, and in it term by
# term. Where numbers of a term lie side by side already, all strips are made at once.
SIDE_BY_SIDE = """\
static void {name}({kind} *restrict to, const {kind} *restrict from, long count,
    long apart, long next, long terms) {{
  if (apart == 1)
    for (long k = 0; k < terms; k++)
      for (long c = 0; c < count; c += {wide}) {{
        {kind} *const z = to + c * terms + k * {wide};
        const {kind} *const x = from + k * next + c;
        if (c + {wide} <= count) {{
          _Pragma("GCC unroll {wide}")
          for (long s = 0; s < {wide}; s++) z[s] = x[s];
        }} else
          for (long s = 0; s < {wide}; s++) z[s] = c + s < count ? x[s] : 0;
      }}
  else
    for (long c = 0; c < count; c += {wide})
      for (long k = 0; k < terms; k++) {{
        {kind} *const z = to + c * terms + k * {wide};
        const {kind} *const x = from + k * next + c * apart;
        if (c + {wide} <= count) {{
          _Pragma("GCC unroll {wide}")
          for (long s = 0; s < {wide}; s++) z[s] = x[s * apart];
        }} else
          for (long s = 0; s < {wide}; s++) z[s] = c + s < count ? x[s * apart] : 0;
      }}
}}
"""

# z = x · y, of shapes (n, m), (n, k) and (k, m), which lie as their strides say; the
# numbers of a row of z lie side by side. A bias, if there is one, is added to each row.
BLOCKS = """\
static {kind} {name}_xs[{xs}] __attribute__((aligned(64)));
static {kind} {name}_ys[{ys}] __attribute__((aligned(64)));
static void {name}({kind} *restrict z, long zr,
    const {kind} *restrict x, long xr, long xk, const {kind} *restrict y, long yk,
    long yj, const {kind} *bias, long n, long k, long m, long most_terms,
    long most_rows) {{
  {kind} *const xs = {name}_xs, *const ys = {name}_ys;
  for (long t = 0; t < k; t += most_terms) {{
    const long terms = least(k - t, most_terms);
    {columns}(ys, y + t * yk, m, yj, yk, terms);
    for (long first = 0; first < n; first += most_rows) {{
      const long rows = least(n - first, most_rows);
      {rows}(xs, x + first * xr + t * xk, rows, xr, xk, terms);
      for (long c = 0; c < m; c += {wide})
        for (long r = 0; r < rows; r += {high}) {{
          {kind} *const to = z + (first + r) * zr + c;
          const {kind} *const a = xs + r * terms, *const b = ys + c * terms;
          const {kind} *const last = bias && t + terms == k ? bias + c : 0;
          if (r + {high} <= rows && c + {wide} <= m) {{
            {tile}(to, zr, a, 1, {high}, b, terms, t > 0, last);
            continue;
          }}
          {kind} edge[{high} * {wide}];  // of which z has only a part
          {tile}(edge, {wide}, a, 1, {high}, b, terms, 0, 0);
          for (long i = 0; i < least({high}, rows - r); i++)
            for (long j = 0; j < least({wide}, m - c); j++) {{
              const {kind} sum = (t > 0 ? to[i * zr + j] : 0) + edge[i * {wide} + j];
              to[i * zr + j] = last ? sum + last[j] : sum;
            }}
        }}
    }}
  }}
}}
"""


def block_tile(step: Product, widest: int) -> Tile | None:
    """The tile for a large product; None for others.

    Args:
        widest: how many bytes the processor's vectors have at most.
    """
    n, k, m = sizes_of(step)
    if not is_cuttable(step) or n * k * m < LARGE:
        return None
    dtype, heights = step.out.dtype, (14, 13, 12) if widest == 64 else (6, 5, 4)
    lanes = widest // BYTES[dtype]
    tiles = [Tile(dtype, lanes, rows, 2) for rows in heights]  # of all registers
    return min(tiles, key=lambda tile: -n % tile.rows)


def cut(step: Product, widest: int, library: bool) -> tuple[Tile | None, bool]:
    """The tile that a product is cut into, and whether it is computed block by block.
    Without a tile a library computes it, or plain loops; these take no bias."""
    if tile := tile_of(step, widest):
        return tile, False
    tile = block_tile(step, widest)
    return (tile, True) if tile and fits(step, tile, library) else (None, False)


def fits(step: Product, tile: Tile, library: bool) -> bool:
    """Whether the tiles have at most an eighth more numbers than the product; without a
    library, which has none too many, at most twice as many."""
    more = 1 / 8 if library else 1
    n, _, m = sizes_of(step)
    rows, columns = -(-n // tile.rows) * tile.rows, -(-m // tile.width) * tile.width
    return rows * columns <= (1 + more) * n * m


def blocks_of(step: Product, tile: Tile) -> tuple[int, int]:
    """How many terms and rows a block has."""
    n, k, _ = sizes_of(step)
    terms = part(k, NEAR // BYTES[tile.dtype])
    return terms, part(n, TILES * tile.rows, tile.rows)


def memory_of(step: Product, tile: Tile) -> tuple[int, int]:
    """How many numbers lie side by side, of x and of y."""
    terms, rows = blocks_of(step, tile)
    return rows * terms, terms * -(-step.y.shape[-1] // tile.width) * tile.width


def block_body(step: Product, tile: Tile) -> str:
    """A call of the function for each matrix of a batch."""
    views = (step.out, step.x, step.y)
    loops = of_batch(step)
    c = COUNTERS[: len(loops.sizes)]
    z, x, y = (f"p{at} + {address(c, s)}" for at, s in enumerate(loops.strides))
    (zr, _), (xr, xk), (yk, yj) = (v.strides[-2:] for v in views)
    n, k, m = sizes_of(step)
    terms, rows = blocks_of(step, tile)
    bias = "p3" if isinstance(step, Linear) else "0"
    call = (
        f"{tile.name}_blocks({z}, {zr}, {x}, {xr}, {xk}, {y}, {yk}, {yj}, {bias}, "
        f"{n}, {k}, {m}, {terms}, {rows});"
    )
    return nest(SAY, c, loops.sizes, [call], simd="none")


def block_functions(tile: Tile, xs: int, ys: int) -> list[str]:
    """The text of the functions that multiply by such tiles.

    Args:
        xs, ys: how many numbers lie side by side.
    """
    kind = TYPES[tile.dtype]
    rows, columns = (f"{kind}_{n}_side_by_side" for n in (tile.rows, tile.width))
    return [
        SIDE_BY_SIDE.format(kind=kind, name=rows, wide=tile.rows),
        SIDE_BY_SIDE.format(kind=kind, name=columns, wide=tile.width),
        BLOCKS.format(
            kind=kind,
            name=f"{tile.name}_blocks",
            tile=tile.name,
            high=tile.rows,
            wide=tile.width,
            rows=rows,
            columns=columns,
            xs=xs,
            ys=ys,
        ),
    ]
