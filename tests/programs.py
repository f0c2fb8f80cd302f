"""Random programs: small computations as plain data, how to draw one, how to run one.

A program is a list of leaves and steps. Its values are called a, b, c, ... in their
order, and a step names the values it is made of, so each may be used many times:

    Program(
        leaf(2, 3),  # a
        step("tanh", "a"),  # b
        step("mul", "a", "b"),  # c
        step("sum", "c", axis=0),  # d
    )

That is also how a program prints itself. `run` computes it with a table of functions,
of which there are two: OURS, and PyTorch's (`torch_functions`).

`draw_program` draws one that is smooth where it is evaluated: a step that lands close
to a kink or a tie, or leaves the tame numbers, is not taken. To know, it evaluates as
it draws, with PyTorch's functions if there are any.
"""

from __future__ import annotations

import math
import operator
import warnings
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from random import Random
from string import ascii_lowercase
from typing import Any

from conftest import flatten

from tinygrad_attn import Tensor, concat, functional, ops
from tinygrad_attn.arrays.shapes import broadcast_shapes
from tinygrad_attn.functions import (
    elementwise as elementary,
)
from tinygrad_attn.functions import (
    indexing,
    reductions,
    shaping,
)

NAMES = ascii_lowercase  # of the values; a program has no more of them
MARGIN = 0.02  # how far from a kink or a tie
LARGEST = 30.0  # the largest number in a program
MOST = 48  # and the most numbers in a value

# --- the data -------------------------------------------------------------------------


@dataclass
class Leaf:
    """An input of random numbers, which want a gradient or are constants."""

    shape: tuple[int, ...]
    grad: bool

    def __repr__(self):
        given = [*map(str, self.shape), *([] if self.grad else ["grad=False"])]
        return f"leaf({', '.join(given)})"


@dataclass
class Step:
    """An operation on values (by name) and numbers, and its settings."""

    name: str
    inputs: tuple[Any, ...]
    params: dict[str, Any]

    def __repr__(self):
        given = [repr(v) for v in (self.name, *self.inputs)]
        given += [f"{k}={v!r}" for k, v in self.params.items()]
        return f"step({', '.join(given)})".replace("'", '"')


def leaf(*shape, grad=True):
    return Leaf(shape, grad)


def step(name, *inputs, **params):
    return Step(name, inputs, params)


class Program:
    """Leaves and steps. The loss is made of all floats that steps made, but for those
    named in `without`: they serve other steps, or nobody."""

    def __init__(self, *items, without=""):
        self.items = items
        self.without = without

    def __repr__(self):
        lines = [f"    {item!r},  # {n}" for n, item in zip(NAMES, self.items)]
        if self.without:
            lines.append(f'    without="{self.without}",')
        return "\n".join(["Program(", *lines, ")"])

    def leaves(self):
        """The names of those that want a gradient."""
        pairs = zip(NAMES, self.items)
        return [n for n, item in pairs if isinstance(item, Leaf) and item.grad]

    def results(self):
        """The names of the values that the loss may be made of."""
        pairs = zip(NAMES, self.items)
        names = [n for n, item in pairs if isinstance(item, Step)]
        return [n for n in names if n not in self.without]


def run(program, functions, make_leaf):
    """Every value by name; make_leaf(name, leaf) makes the inputs."""
    values = {}
    for name, item in zip(NAMES, program.items):
        if isinstance(item, Leaf):
            values[name] = make_leaf(name, item)
        else:
            values[name] = compute(item, functions, values)
    return values


def compute(item, functions, values):
    inputs = [values[i] if isinstance(i, str) else i for i in item.inputs]
    return functions[item.name](*inputs, **item.params)


def generic(what, size):
    """So many numbers in -1.5..1.5 without a pattern, the same for the same name."""
    draw = Random(what)
    return [draw.uniform(-1.5, 1.5) for _ in range(size)]


def kind(x):
    return str(x.dtype).rpartition(".")[2]


# --- the two tables of functions ------------------------------------------------------

COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compare(x, y, how):
    return COMPARE[how](x, y)


OPERATORS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "matmul": operator.matmul,
    "compare": compare,
}


def ours_pieces(cut):
    """split or chunk, and some of the pieces put together in some order."""

    def rejoined(x, size, axis, order):
        pieces = cut(x, size, axis)
        return concat([pieces[i % len(pieces)] for i in order], axis=axis)

    return rejoined


def ours_concat(*tensors, axis):
    return ops.concat(tensors, axis=axis)


def ours_stack(*tensors, axis):
    return shaping.stack(tensors, axis)


def ours_index(x, key):
    return x[key]


def ours_masked(x, mask):
    return x[mask]


def ours_einsum(*operands, equation):
    return import_module("tinygrad_attn.functions.products").einsum(equation, *operands)


def ours_attention(q, k, v, mask=None, **settings):
    mask = Tensor(mask, dtype="bool") if isinstance(mask, list) else mask
    return functional.scaled_dot_product_attention(q, k, v, mask, **settings)


def found(module, names):
    return {name: getattr(module, name) for name in names.split()}


OURS = {
    **found(ops, "exp log log1p sqrt sin cos tanh erf astype maximum where sum max"),
    **found(ops, "reshape permute_dims broadcast_to take scatter_add place"),
    **found(elementary, "abs clip minimum rsqrt"),
    **found(reductions, "mean var std min logsumexp"),
    **found(shaping, "transpose swapaxes matrix_transpose squeeze unsqueeze expand"),
    **found(shaping, "flatten pad tril triu"),
    **found(indexing, "gather take_along_axis"),
    **found(functional, "relu gelu sigmoid silu softplus leaky_relu softmax"),
    **found(functional, "log_softmax layer_norm rms_norm linear cross_entropy"),
    **found(functional, "mse_loss"),
    **OPERATORS,
    "concat": ours_concat,
    "stack": ours_stack,
    "split": ours_pieces(shaping.split),
    "chunk": ours_pieces(shaping.chunk),
    "index": ours_index,
    "masked": ours_masked,
    "einsum": ours_einsum,
    "scaled_dot_product_attention": ours_attention,
}


def torch_functions():
    """The same functions by PyTorch, which has other names for some settings."""
    import numpy
    import torch
    from torch.nn import functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def reduction(f):
        def reduced(x, axis=None, keepdims=False, **settings):
            dim = tuple(range(x.ndim)) if axis is None else axis
            with warnings.catch_warnings():  # var() of an empty tensor warns
                warnings.simplefilter("ignore")
                return f(x, dim=dim, keepdim=keepdims, **settings)

        return reduced

    def along(f):
        return lambda x, axis=-1: f(x, dim=axis)

    def pieces(cut):
        def rejoined(x, size, axis, order):
            parts = cut(x, size, axis)
            return torch.cat([parts[i % len(parts)] for i in order], axis)

        return rejoined

    def tensor(x):
        if isinstance(x, torch.Tensor):
            return x
        return torch.tensor(x, dtype=torch.float64)

    def integers(x):
        return torch.tensor(x, dtype=torch.int64)

    def clip(x, min=None, max=None):
        x, *limits = (None if v is None else tensor(v) for v in (x, min, max))
        full = broadcast_shapes(*(v.shape for v in (x, *limits) if v is not None))
        # (a smaller x has no gradient there)
        return torch.clamp(x.expand(full), *limits)

    def index(x, key):  # NumPy says where the elements lie
        p = numpy.arange(x.numel()).reshape(x.shape)[key]
        return x.reshape(-1)[integers(p.ravel().tolist())].reshape(p.shape)

    def along_axis(x, indices, axis=-1):
        return torch.take_along_dim(x, integers(indices), axis)

    def scatter_add(x, indices, rows):
        at = integers(indices)
        flat = x.reshape(at.numel(), *x.shape[at.ndim :])
        return x.new_zeros(rows, *flat.shape[1:]).index_add(0, at.reshape(-1), flat)

    def place(x, bounds, shape):
        p = numpy.arange(math.prod(shape)).reshape(shape)
        p = p[tuple(slice(*b) for b in bounds)]
        zeros = x.new_zeros(math.prod(shape))
        flat = zeros.index_add(0, integers(p.ravel().tolist()), x.reshape(-1))
        return flat.reshape(shape)

    def layer_norm(x, size, weight=None, bias=None, eps=1e-5):
        if weight is None and bias is not None:  # has no second derivative there
            return F.layer_norm(x, size, None, None, eps) + bias
        return F.layer_norm(x, size, weight, bias, eps)

    def cross_entropy(logits, target, **settings):
        target = target if isinstance(target, torch.Tensor) else integers(target)
        return F.cross_entropy(logits, target, **settings)

    def attention(q, k, v, mask=None, is_causal=False, scale=None):
        t, s = q.shape[-2], k.shape[-2]
        mask = torch.tensor(mask, dtype=torch.bool) if isinstance(mask, list) else mask
        if is_causal:
            causal = torch.ones(t, s, dtype=torch.bool).tril()
            mask = causal if mask is None else mask & causal
        batch = torch.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
        q, k, v = (x.expand(*batch, *x.shape[-2:]) for x in (q, k, v))
        with sdpa_kernel(SDPBackend.MATH):  # the one with second derivatives
            z = F.scaled_dot_product_attention(q, k, v, mask, scale=scale)
        if mask is not None:  # older versions have nan there
            nobody = ~mask.expand(*batch, t, s).any(-1, keepdim=True)
            z = torch.where(nobody, 0.0, z)
        return z

    return {
        **found(torch, "exp log log1p sqrt rsqrt sin cos tanh erf abs where relu"),
        **found(torch, "sigmoid transpose swapaxes flatten"),
        **found(F, "gelu silu softplus leaky_relu rms_norm linear mse_loss"),
        **OPERATORS,
        "maximum": lambda x, y: torch.maximum(tensor(x), tensor(y)),
        "minimum": lambda x, y: torch.minimum(tensor(x), tensor(y)),
        "clip": clip,
        "astype": lambda x, dtype: x.to(getattr(torch, dtype)),
        "sum": reduction(torch.sum),
        "mean": reduction(torch.mean),
        "var": reduction(torch.var),
        "std": reduction(torch.std),
        "max": reduction(torch.amax),
        "min": reduction(torch.amin),
        "logsumexp": reduction(torch.logsumexp),
        "softmax": along(torch.softmax),
        "log_softmax": along(torch.log_softmax),
        "layer_norm": layer_norm,
        "reshape": lambda x, shape: x.reshape(shape),
        "permute_dims": lambda x, axes: x.permute(axes),
        "matrix_transpose": lambda x: x.mT,
        "broadcast_to": lambda x, shape: x.broadcast_to(shape),
        "expand": lambda x, sizes: x.expand(sizes),
        "squeeze": lambda x, axis=None: (
            x.squeeze() if axis is None else x.squeeze(axis)
        ),
        "unsqueeze": lambda x, axis: x.unsqueeze(axis),
        "stack": lambda *x, axis: torch.stack(x, axis),
        "concat": lambda *x, axis: torch.cat(x, axis),
        "split": pieces(torch.split),
        "chunk": pieces(torch.chunk),
        "pad": lambda x, pad, value=0.0: F.pad(x, pad, value=value),
        "tril": lambda x, k: torch.tril(x, k),
        "triu": lambda x, k: torch.triu(x, k),
        "index": index,
        "masked": lambda x, mask: x[mask],
        "take": lambda x, indices: x[integers(indices)],
        "gather": lambda x, axis, index: torch.gather(x, axis, integers(index)),
        "take_along_axis": along_axis,
        "scatter_add": scatter_add,
        "place": place,
        "einsum": lambda *x, equation: torch.einsum(equation, *x),
        "cross_entropy": cross_entropy,
        "scaled_dot_product_attention": attention,
    }


# --- what a program must stay away from -----------------------------------------------


def first(f, x, *rest, **params):
    return flatten(x.tolist())


def difference(f, x, y, **params):
    return flatten((x - y).tolist())


def bounds(f, x, min=None, max=None):
    return [
        v
        for a, b in ((x, min), (x, max), (min, max))
        if a is not None and b is not None
        for v in ([a - b] if isinstance(a - b, float) else flatten((a - b).tolist()))
    ]


def second_largest(f, x, axis=None, keepdims=False):
    """How far behind the largest all others are."""
    z = f["max"](x, axis=axis, keepdims=True)
    return sorted(flatten((z - x).tolist()))[math.prod(z.shape) :]


def second_smallest(f, x, axis=None, keepdims=False):
    return second_largest(f, -x, axis)


def step_of_trunc(f, x, dtype):
    numbers = flatten(x.tolist())
    if kind(x) != "float64" or dtype == "float64":
        return []
    return numbers if dtype == "bool" else [v - round(v) for v in numbers]


def deviation(f, x, axis=None, correction=1, keepdims=False):
    return flatten(f["std"](x, axis=axis, correction=correction).tolist())


def row_deviation(f, x, size, *affine, **settings):
    axes = tuple(range(x.ndim - len(size), x.ndim))
    if math.prod(size) <= 1:
        return []
    return flatten(f["var"](x, axis=axes, correction=0).tolist())


def row_square(f, x, size, *affine, **settings):
    axes = tuple(range(x.ndim - len(size), x.ndim))
    return flatten(f["mean"](x * x, axis=axes).tolist())


# What must not be close to 0 for a step: there its slope jumps, or is huge.
AWAY_FROM_0 = {
    "relu": first,
    "leaky_relu": first,
    "abs": first,
    "maximum": difference,
    "minimum": difference,
    "compare": difference,
    "clip": bounds,
    "max": second_largest,
    "min": second_smallest,
    "astype": step_of_trunc,
    "std": deviation,
    "layer_norm": row_deviation,
    "rms_norm": row_square,
}


# --- drawing --------------------------------------------------------------------------


class Impossible(Exception):
    """This step cannot be made of what there is; another will be tried."""


NUMBERS = (2.0, 0.5, -1.5, 3, -1)


class Drawing:
    """A program as it grows, with the value of everything in it.

    Args:
        integer: integer(low, high) draws one; all chance comes from it, 0 being the
            simplest choice.
    """

    def __init__(self, integer, functions, make_leaf):
        self.integer = integer
        self.functions = functions
        self.make_leaf = make_leaf
        self.items = []
        self.values = {}

    def pick(self, options):
        options = list(options)
        if not options:
            raise Impossible
        return options[self.integer(0, len(options) - 1)]

    def coin(self):
        return bool(self.integer(0, 1))

    def order(self, n):
        """0..n-1 in some order."""
        left = list(range(n))
        return tuple(left.pop(self.integer(0, len(left) - 1)) for _ in range(n))

    # what is there

    def shape(self, name):
        return tuple(self.values[name].shape)

    def numbers(self, name):
        return flatten(self.values[name].tolist())

    def having(self, kinds=("float64",), ndim=0):
        return [
            n
            for n, v in self.values.items()
            if kind(v) in kinds and len(v.shape) >= ndim
        ]

    def floats(self, ndim=0):
        """One of the values; if none has so many axes, a leaf."""
        options = self.having(ndim=ndim)
        return self.pick(options) if options else self.leaf(self.sizes(ndim))

    def sizes(self, ndim):
        return tuple(
            self.pick((2, 3, 1, 2, 3, 1, 2, 3, 1, 4, 2, 0)) for _ in range(ndim)
        )

    # what is added

    def leaf(self, shape):
        item = Leaf(tuple(shape), grad=self.integer(0, 4) < 4)
        return self._append(item, self.make_leaf(self._next_name(), item))

    def add(self, name, *inputs, **params):
        """A step, unless it would not be smooth and tame there."""
        item = Step(name, inputs, params)
        self._next_name()
        away = AWAY_FROM_0.get(name)
        if away:
            given = [self.values[i] if isinstance(i, str) else i for i in inputs]
            if any(abs(v) < MARGIN for v in away(self.functions, *given, **params)):
                raise Impossible
        value = compute(item, self.functions, self.values)
        numbers = flatten(value.tolist())
        if len(numbers) > MOST or len(value.shape) > 4:
            raise Impossible
        if not all(abs(v) <= LARGEST for v in numbers):  # a nan is not
            raise Impossible
        return self._append(item, value)

    def _next_name(self):
        if len(self.items) == len(NAMES):
            raise Impossible
        return NAMES[len(self.items)]

    def _append(self, item, value):
        name = self._next_name()
        self.items.append(item)
        self.values[name] = value
        return name

    # values with a property, made if need be

    def within(self, name, limit):
        numbers = self.numbers(name)
        return name if all(abs(v) <= limit for v in numbers) else self.add("tanh", name)

    def positive(self, name):
        """Safe to divide by, and to take a logarithm or a root of."""
        if all(v > 0.25 for v in self.numbers(name)):
            return name
        how = self.integer(0, 2)
        if how == 0:
            return self.add("add", self.add("mul", name, name), 0.5)
        if how == 1:
            return self.add("add", self.add("sigmoid", name), 0.25)
        return self.add("exp", self.within(name, 1.0))

    def shaped(self, *shape):
        """A value of this very shape."""
        options = [n for n in self.having() if self.shape(n) == shape]
        return (
            self.pick(options) if options and self.coin() else self.leaf(tuple(shape))
        )

    def beside(self, *names, kinds=("float64",)):
        """A value that broadcasts with these."""
        shapes = [self.shape(n) for n in names]
        options = [n for n in self.having(kinds) if fits(self.shape(n), *shapes)]
        if options and self.integer(0, 3):
            return self.pick(options)
        full = broadcast_shapes(*shapes)
        sizes = [self.pick((size, 1)) for size in full[self.integer(0, len(full)) :]]
        if not sizes and self.coin():
            sizes = [self.pick((2, 3)), *full]
        return self.leaf(sizes)

    def axes(self, ndim):
        """axis=...: all, one, or several."""
        how = self.integer(0, 3) if ndim else 0
        if how == 0:
            return None
        if how < 3:
            return self.integer(-ndim, ndim - 1)
        chosen = self.order(ndim)[: self.integer(1, ndim)]
        return tuple(a - ndim * self.integer(0, 1) for a in chosen)

    def indices(self, size, *shape):
        """Nested lists of integers in 0..size-1."""
        if not size and math.prod(shape):
            raise Impossible
        if not shape:
            return self.integer(0, size - 1)
        return [self.indices(size, *shape[1:]) for _ in range(shape[0])]

    def mask(self, *shape):
        if not shape:
            return self.integer(0, 2) > 0
        if len(shape) == 1 and self.integer(0, 3) == 0:
            return [False] * shape[0]
        return [self.mask(*shape[1:]) for _ in range(shape[0])]


def fits(*shapes):
    try:
        return math.prod(broadcast_shapes(*shapes)) <= MOST
    except ValueError:
        return False


DRAWS = {}


def draws(*names):
    """Registers what draws a step of these operations: draw(drawing, operation)."""

    def register(draw):
        DRAWS.update(dict.fromkeys(names, draw))
        return draw

    return register


@draws("neg", "sin", "cos", "tanh", "erf", "sigmoid", "silu", "softplus", "relu", "abs")
def draw_unary(d, name):
    d.add(name, d.floats())


@draws("leaky_relu")
def draw_leaky_relu(d, name):
    d.add(name, d.floats(), negative_slope=d.pick((0.25, 0.01, -0.5)))


@draws("gelu")
def draw_gelu(d, name):
    d.add(name, d.floats(), approximate=d.pick(("none", "tanh")))


@draws("exp")
def draw_exp(d, name):
    d.add(name, d.within(d.floats(), 3.0))


@draws("log", "sqrt", "rsqrt", "log1p")
def draw_of_positive(d, name):
    d.add(name, d.positive(d.floats()))


@draws("add", "sub", "mul", "maximum", "minimum")
def draw_binary(d, name):
    x = d.floats()
    how = d.integer(0, 5)
    kinds = ("float64", "int64") if name in ("add", "sub", "mul") else ("float64",)
    kinds = (*kinds, "bool") if name in ("add", "mul") else kinds
    y = d.pick(NUMBERS) if how == 0 else x if how == 1 else d.beside(x, kinds=kinds)
    d.add(name, *((x, y) if d.coin() else (y, x)))


@draws("div")
def draw_div(d, name):
    x, how = d.floats(), d.integer(0, 3)
    if how == 0:
        d.add(name, x, d.pick(NUMBERS))
    elif how == 1:
        d.add(name, d.pick(NUMBERS), d.positive(x))
    else:
        d.add(name, d.beside(x), d.positive(x))


@draws("pow")
def draw_pow(d, name):
    x, how = d.floats(), d.integer(0, 3)
    if how == 0:
        d.add(name, d.within(x, 3.0), d.pick((2, 3, 2.0, 3.0, 1, 0)))
    elif how == 1:
        d.add(name, d.positive(x), d.pick((0.5, -1, -2.0, 1.5)))
    elif how == 2:
        d.add(name, d.pick((2.0, 0.5, 3)), d.within(x, 2.0))
    else:
        d.add(name, d.positive(x), d.within(d.beside(x), 2.0))


@draws("compare")
def draw_compare(d, name):
    x = d.floats()
    y = d.pick((0.0, 0.5, -0.5)) if d.coin() else d.beside(x)
    return d.add(name, x, y, how=d.pick(COMPARE))


def a_mask(d):
    options = d.having(("bool",))
    return d.pick(options) if options and d.coin() else draw_compare(d, "compare")


@draws("where")
def draw_where(d, name):
    mask = a_mask(d)
    x = d.beside(mask)
    y = d.beside(mask, x) if d.integer(0, 2) else d.pick(NUMBERS)
    d.add(name, mask, *((x, y) if d.coin() else (y, x)))


@draws("clip")
def draw_clip(d, name):
    x, how = d.floats(), d.integer(0, 3)
    low, high = d.pick((-0.5, -1.0, 0.3)), d.pick((0.5, 1, -0.7))
    if how == 3:
        low = d.beside(x)
        high = d.beside(x, low) if d.coin() else high
    d.add(name, x, None if how == 1 else low, None if how == 2 else high)


@draws("astype")
def draw_astype(d, name):
    x = d.pick(d.having(("float64", "int64", "bool")))
    d.add(name, x, dtype=d.pick(("int64", "float64", "bool")))


@draws("sum", "mean", "max", "min", "logsumexp", "var", "std")
def draw_reduction(d, name):
    x = d.floats()
    shape = d.shape(x)
    axis = d.axes(len(shape))
    params = {"axis": axis, "keepdims": d.coin()}
    over = range(len(shape)) if axis is None else axis
    over = over if hasattr(over, "__iter__") else (over,)
    n = math.prod(shape[a] for a in over)
    if name in ("max", "min") and not n:
        raise Impossible
    if name in ("var", "std"):
        params["correction"] = d.pick((1, 0))
        if n <= params["correction"]:
            raise Impossible
    d.add(name, x, **params)


@draws("softmax", "log_softmax")
def draw_softmax(d, name):
    x = d.floats(1)
    ndim = len(d.shape(x))
    axis = d.integer(-ndim, ndim - 1)
    d.add(name, x, axis=axis)


@draws("layer_norm", "rms_norm")
def draw_norm(d, name):
    x = d.floats(1)
    shape = d.shape(x)
    size = shape[d.integer(0, len(shape) - 1) :]
    affine = [d.shaped(*size) if d.coin() else None for _ in range(2)]
    if name == "rms_norm":
        d.add(name, x, size, affine[0], eps=d.pick((1e-5, None, 1e-3)))
    else:
        d.add(name, x, size, *affine, eps=d.pick((1e-5, 1e-3)))


@draws("matmul")
def draw_matmul(d, name):
    x = d.floats(1)
    *front, k = d.shape(x)
    options = [n for n in d.having(ndim=1) if contracts(d.shape(x), d.shape(n))]
    how = d.integer(0, 3)
    if how == 0 and options:
        return d.add(name, x, d.pick(options))
    if how == 1 and front:
        return d.add(name, x, d.add("matrix_transpose", x))
    y = (*front[:-1], k, *d.sizes(1))[-d.integer(1, 3) :]
    if how == 2:
        y = (k,)
    elif len(y) < 2:
        y = (k, *y)
    return d.add(name, x, d.leaf(y))


def contracts(x, y):
    return x[-1] == y[max(0, len(y) - 2)] and fits(x[:-2], y[:-2])


@draws("einsum")
def draw_einsum(d, name):
    x = d.floats()
    sizes = dict(zip("ijkl", d.shape(x)))
    terms, operands = ["".join(sizes)], [x]
    if d.integer(0, 3):
        y = d.floats() if d.coin() else d.leaf(d.sizes(d.integer(0, 3)))
        term = ""
        for size in d.shape(y):
            letters = [c for c in sizes if sizes[c] == size and c not in term]
            fresh = "pqrs"[len(term)]
            letter = d.pick([*letters, fresh])
            sizes[letter] = size
            term += letter
        terms, operands = [*terms, term], [*operands, y]
    equation = ",".join(terms)
    if d.integer(0, 3):
        letters = list(sizes)
        out = [letters[i] for i in d.order(len(letters))]
        equation += "->" + "".join(out[: d.integer(0, len(out))])
    d.add(name, *operands, equation=equation)


@draws("linear")
def draw_linear(d, name):
    x, out = d.floats(1), d.integer(1, 3)
    bias = [d.shaped(out)] if d.coin() else []
    d.add(name, x, d.shaped(out, d.shape(x)[-1]), *bias)


@draws("reshape")
def draw_reshape(d, name):
    x = d.floats()
    left, shape = math.prod(d.shape(x)), []
    if left == 0:
        return d.add(name, x, shape=tuple(reversed(d.shape(x))))
    while left > 1 and len(shape) < 3:
        shape.append(d.pick([n for n in range(2, left + 1) if left % n == 0]))
        left //= shape[-1]
    shape += [left] * (left > 1 or d.coin())
    if shape and d.coin():
        shape[d.integer(0, len(shape) - 1)] = -1
    return d.add(name, x, shape=tuple(shape))


@draws("transpose", "swapaxes")
def draw_transpose(d, name):
    x = d.floats(1)
    ndim = len(d.shape(x))
    d.add(name, x, d.integer(-ndim, ndim - 1), d.integer(-ndim, ndim - 1))


@draws("matrix_transpose")
def draw_matrix_transpose(d, name):
    d.add(name, d.floats(2))


@draws("permute_dims")
def draw_permute(d, name):
    x = d.floats()
    d.add(name, x, axes=d.order(len(d.shape(x))))


@draws("squeeze")
def draw_squeeze(d, name):
    x = d.floats()
    d.add(name, x, axis=d.axes(len(d.shape(x))))


@draws("unsqueeze")
def draw_unsqueeze(d, name):
    x = d.floats()
    ndim = len(d.shape(x))
    d.add(name, x, axis=d.integer(-ndim - 1, ndim))


@draws("expand", "broadcast_to")
def draw_expand(d, name):
    x = d.floats()
    sizes = [d.pick((2, 3, 1, 0)) if n == 1 else n for n in d.shape(x)]
    sizes = [*d.sizes(d.integer(0, 1)), *sizes]
    if name == "broadcast_to":
        return d.add(name, x, shape=tuple(sizes))
    extra = len(sizes) - len(d.shape(x))
    kept = [n if i < extra or d.coin() else -1 for i, n in enumerate(sizes)]
    return d.add(name, x, tuple(kept))


@draws("flatten")
def draw_flatten(d, name):
    x = d.floats()
    ndim = len(d.shape(x))
    a, b = sorted(d.integer(0, max(0, ndim - 1)) for _ in range(2))
    d.add(name, x, a, b - ndim * d.integer(0, 1) if ndim else -1)


@draws("stack")
def draw_stack(d, name):
    x = d.floats()
    ndim = len(d.shape(x))
    parts = [x, *(d.shaped(*d.shape(x)) for _ in range(d.integer(0, 2)))]
    d.add(name, *parts, axis=d.integer(-ndim - 1, ndim))


@draws("concat")
def draw_concat(d, name):
    x = d.floats(1)
    shape = d.shape(x)
    axis = d.integer(-len(shape), len(shape) - 1)
    parts = [x]
    for _ in range(d.integer(0, 2)):
        other = list(shape)
        other[axis] = d.pick((shape[axis], *d.sizes(1)))
        parts.append(x if d.integer(0, 4) == 0 else d.shaped(*other))
    d.add(name, *(parts[i] for i in d.order(len(parts))), axis=axis)


@draws("split", "chunk")
def draw_pieces(d, name):
    x = d.floats(1)
    shape = d.shape(x)
    axis = d.integer(-len(shape), len(shape) - 1)
    size = d.integer(1, 3)
    if name == "split" and d.coin():
        first = d.integer(0, shape[axis])
        size = [first, shape[axis] - first]
    order = [d.integer(0, 3) for _ in range(d.integer(1, 3))]
    d.add(name, x, size=size, axis=axis, order=order)


@draws("pad")
def draw_pad(d, name):
    x = d.floats(1)
    axes = d.integer(1, len(d.shape(x)))
    widths = [d.integer(0, 2) for _ in range(2 * axes)]
    d.add(name, x, widths, value=d.pick((0.0, 1.5)))


@draws("tril", "triu")
def draw_triangle(d, name):
    d.add(name, d.floats(2), k=d.integer(-2, 2))


def a_slice(d, size):
    bound = [None, *range(-size - 1, size + 2)]
    return slice(d.pick(bound), d.pick(bound), d.pick((None, 1, 2, -1, -2, 3)))


@draws("index")
def draw_index(d, name):
    x = d.floats(1)
    key = []
    picked = d.pick(((2,), (1,), (3,), (2, 2), (0,)))
    for size in d.shape(x):
        how = d.integer(0, 5)
        if how == 0:
            key.append(slice(None))
        elif how <= 2:
            key.append(a_slice(d, size))
        elif how == 3 and size:
            key.append(d.integer(-size, size - 1))
        elif size and d.coin():
            stretched = (1,) if d.integer(0, 3) == 0 else picked
            key.append(signed(d, d.indices(size, *stretched), size))
        elif not any(isinstance(k, list) for k in key) and size:
            key.append([d.coin() for _ in range(size)])
            picked = (sum(key[-1]),)
        else:
            key.append(slice(None))
    if d.integer(0, 2) == 0:
        key.insert(d.integer(0, len(key)), None)
    if d.integer(0, 2) == 0:
        at = d.integer(0, len(key))
        key[at : at + d.integer(0, 1)] = [Ellipsis]
    elif d.integer(0, 2) == 0:
        key = key[: d.integer(1, len(key))]
    d.add(name, x, key=of_one_meaning(key))


def of_one_meaning(key):
    """The key, without ints that stand apart from arrays: NumPy and PyTorch would put
    the arrays' axes in different places."""
    picking = [at for at, k in enumerate(key) if isinstance(k, (int, list))]
    apart = picking and picking[-1] - picking[0] >= len(picking)
    if apart and any(isinstance(k, list) for k in key):
        key = [[k] if isinstance(k, int) else k for k in key]
    return tuple(key)


def signed(d, indices, size):
    if isinstance(indices, list):
        return [signed(d, i, size) for i in indices]
    return indices - size * d.integer(0, 1)


@draws("masked")
def draw_masked(d, name):
    pairs = [
        (x, m)
        for m in d.having(("bool",), 1)
        for x in d.having(ndim=1)
        if d.shape(x)[: len(d.shape(m))] == d.shape(m)
    ]
    if not pairs or d.coin():
        x = d.floats(1)
        pairs = [(x, d.add("compare", x, d.pick((0.0, -0.5)), how=d.pick(COMPARE)))]
    d.add(name, *d.pick(pairs))


@draws("take")
def draw_take(d, name):
    x = d.floats(1)
    size = d.shape(x)[0]
    d.add(name, x, indices=d.indices(size, *d.pick(((2,), (3,), (2, 2), (), (0,)))))


@draws("gather", "take_along_axis")
def draw_gather(d, name):
    x = d.floats(1)
    shape = list(d.shape(x))
    axis = d.integer(-len(shape), len(shape) - 1)
    size = shape[axis]
    if name == "gather":
        shape = [d.integer(0, n) if d.integer(0, 3) == 0 else n for n in shape]
    else:  # broadcasts off the axis
        shape = [d.pick((n, n, 1, 2 if n == 1 else n)) for n in shape]
    shape[axis] = d.integer(0, 3)
    if 0 in shape[:-1]:  # nested lists cannot say how empty they are
        raise Impossible
    indices = d.indices(size, *shape)
    if name == "gather":
        d.add(name, x, axis=axis, index=indices)
    else:
        d.add(name, x, indices=signed(d, indices, size), axis=axis)


@draws("scatter_add")
def draw_scatter_add(d, name):
    x, rows = d.floats(1), d.integer(1, 3)
    d.add(name, x, indices=d.indices(rows, d.shape(x)[0]), rows=rows)


@draws("place")
def draw_place(d, name):
    x = d.floats()
    bounds, shape = [], []
    for n in d.shape(x):
        start, step, after = d.integer(0, 1), d.integer(1, 2), d.integer(0, 1)
        bounds.append((start, start + n * step, step))
        shape.append(start + n * step + after)
    d.add(name, x, bounds=tuple(bounds), shape=tuple(shape))


@draws("cross_entropy")
def draw_cross_entropy(d, name):
    options = [n for n in d.having(ndim=1) if len(d.shape(n)) <= 2]
    x = d.pick(options) if options and d.coin() else d.leaf((d.integer(1, 3), 3))
    shape = d.shape(x)
    if 0 in shape:
        raise Impossible
    made = d.items[NAMES.index(x)]
    if isinstance(made, Step) and made.name in ("softmax", "log_softmax"):
        x = d.add("mul", x, 2.0)  # of these it warns
    params = {
        "reduction": d.pick(("mean", "sum", "none")),
        "label_smoothing": d.pick((0.0, 0.0, 0.3)),
    }
    if d.integer(0, 2) == 0:
        return d.add(name, x, d.add("softmax", d.shaped(*shape), axis=-1), **params)
    target = d.indices(shape[-1], *shape[:-1])
    if isinstance(target, list) and d.integer(0, 2) == 0:
        params["ignore_index"] = d.pick((-100, 0))
        target[d.integer(0, len(target) - 1)] = params["ignore_index"]
    return d.add(name, x, target=target, **params)


@draws("mse_loss")
def draw_mse_loss(d, name):
    x = d.floats()
    y = d.shaped(*d.shape(x))
    d.add(name, x, y, reduction=d.pick(("mean", "sum", "none")))


@draws("scaled_dot_product_attention")
def draw_attention(d, name):
    q = d.floats(2)
    *batch, t, width = d.shape(q)
    batch = batch if d.coin() else []
    s = d.pick((2, 3, 1, 4, 2, 3, 0))
    keys = [
        n
        for n in d.having(ndim=2)
        if d.shape(n)[-1] == width and fits(d.shape(n)[:-2], d.shape(q)[:-2])
    ]
    k = d.pick(keys) if keys and d.coin() else d.leaf((*batch, s, width))
    s = d.shape(k)[-2]
    v = k if d.integer(0, 3) == 0 else d.shaped(*batch, s, d.integer(1, 3))
    if not fits(*(d.shape(n)[:-2] for n in (q, k, v))):
        raise Impossible
    batch = broadcast_shapes(*(d.shape(n)[:-2] for n in (q, k, v)))
    params = {"is_causal": d.integer(0, 3) == 0, "scale": d.pick((None, 0.5))}
    energies = (*batch, t, s)
    if not width:  # PyTorch's weights are then no softmax of zeros
        raise Impossible
    inputs = []
    if d.integer(0, 3):
        masks = [n for n in d.having(("bool",)) if covers(energies, d.shape(n))]
        if masks and d.coin():
            inputs = [d.pick(masks)]
        else:
            shape = energies if d.coin() else (t, s)
            if 0 in shape[:-1]:
                raise Impossible
            params["mask"] = d.mask(*shape)
    d.add(name, q, k, v, *inputs, **params)


def covers(shape, smaller):
    return fits(shape, smaller) and broadcast_shapes(shape, smaller) == shape


def evaluator():
    """The functions to draw with, and what makes their leaves."""
    if find_spec("torch") and find_spec("numpy"):
        import torch

        def torch_leaf(name, item):
            numbers = generic(name, math.prod(item.shape))
            return torch.tensor(numbers, dtype=torch.float64).reshape(item.shape)

        return torch_functions(), torch_leaf

    def our_leaf(name, item):
        numbers = generic(name, math.prod(item.shape))
        return Tensor(numbers, dtype="float64").reshape(item.shape)

    return OURS, our_leaf


EVALUATOR = evaluator()


# Those of many forms are drawn more often.
OPERATIONS = (
    *DRAWS,
    *2 * ("index", "matmul", "einsum", "scaled_dot_product_attention"),
)


def draw_program(integer, names=OPERATIONS):
    """A program of up to 12 drawn steps, and those that they need."""
    d = Drawing(integer, *EVALUATOR)
    for _ in range(integer(1, 3)):
        d.leaf(d.sizes(d.pick((2, 1, 3, 0))))
    for _ in range(12):
        name = d.pick(names)
        try:
            DRAWS[name](d, name)
        except Impossible:
            continue
        if integer(0, 11) == 0:
            break
    results = [n for n, item in zip(NAMES, d.items) if isinstance(item, Step)]
    without = [n for n in results[:-1] if integer(0, 7) == 7]
    return Program(*d.items, without="".join(without))
