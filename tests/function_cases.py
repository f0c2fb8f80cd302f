"""One table of all public functions and methods: how to call each, and its peers.

As `rule_cases.py` is for the rules, this is for what a user calls. A row names a
function ("ops.exp") and the methods and operators that must do the same (".exp",
".__neg__"), makes inputs where the function is smooth, and has NumPy's and PyTorch's
way to compute it. `test_functions.py` drives every test from here, and proves that
nothing is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import public
from rule_cases import CASES, away_from_0, distribution, mask, normal, positive, spread

from tinygrad_attn import Tensor, manual_seed, rand, randint, randn


class Later:
    """NumPy or PyTorch, imported when a function of it is called: the table can be read
    where they are not installed."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(import_module(self._module), name)(*args, **kwargs)

        return call


FUNCTIONS = public.functions()
np, torch, F = Later("numpy"), Later("torch"), Later("torch.nn.functional")


@dataclass
class Row:
    """One way to call a function."""

    names: str  # the function first, then what must do the same; methods have a dot
    inputs: tuple[Any, ...] = ()  # (maker, sizes...) is made, all else given as it is
    params: dict[str, Any] = field(default_factory=dict)
    numpy: Any = None  # the same of ndarrays
    torch: Any = None  # the same of PyTorch's tensors
    why: str = ""  # why a peer is missing
    note: str = ""
    check: Any = None  # instead of NumPy: is it right, given the outputs and inputs?
    differentiable: bool = True
    smooth: bool = True  # False: made to stand at a kink; no finite differences there
    any_shape: bool = False  # it may also be called on inputs of any other shape
    broadcasts: bool = False  # its (last) two inputs broadcast, element by element
    packed: bool = False  # it takes its tensors as one list
    seeded: bool = False  # it draws random numbers
    plain: bool = False  # it gives something else than tensors

    def calls(self) -> list[tuple[str, Callable[..., Any]]]:
        """The function, and what must do the same, ready to be called with `make()`."""
        return [(name, self._ready(named(name))) for name in self.names.split()]

    def call(self, *inputs: Any) -> Any:
        """The function on these inputs."""
        return self.calls()[0][1](*inputs)

    def outputs(self, *inputs: Any) -> list[Tensor]:
        """What the function gives, one tensor or several, as a list."""
        z = self.call(*inputs)
        return [z] if isinstance(z, Tensor) else list(z)

    def _ready(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*inputs: Any) -> Any:
            if self.seeded:
                manual_seed(11)
            return function(*self.arranged(inputs), **self.params)

        return call

    def arranged(self, inputs: Any) -> Any:
        """The inputs as the function takes them."""
        if not self.packed:
            return inputs
        tensors = [x for x in inputs if hasattr(x, "shape")]
        return [tensors, *(x for x in inputs if not hasattr(x, "shape"))]

    def peer(self, function: Any, inputs: Any) -> list[Any]:
        """What a peer gives for the inputs converted to its arrays, as a list."""
        z = function(*self.arranged(inputs), **self.params)
        return list(z) if isinstance(z, (tuple, list)) else [z]

    def make(self, *shapes: tuple[int, ...]) -> list[Any]:
        """Fresh inputs; of these shapes instead of their own, if some are given (the
        last one for all that follow)."""
        made, left = [], list(shapes)
        for i in self.inputs:
            if isinstance(i, tuple) and i and callable(i[0]):
                sizes = i[1:] if not left else left.pop(0) if len(left) > 1 else left[0]
                i = i[0](*sizes)
            made.append(i)
        return made

    def __str__(self) -> str:
        name = self.names.split()[0]
        params = ", ".join(f"{k}={v}" for k, v in self.params.items())
        return " ".join(part for part in (name, params, self.note) if part)


def named(name: str) -> Callable[..., Any]:
    """ "ops.exp" → the function; ".exp" → the method, or what reads the property."""
    if not name.startswith("."):
        return FUNCTIONS[name]
    if name in AS_FUNCTIONS:
        return AS_FUNCTIONS[name]
    found = getattr(Tensor, name[1:])
    if isinstance(found, property):
        return found.fget
    return found if callable(found) else lambda x: getattr(x, name[1:])


# --- makers of inputs, beside those of rule_cases.py ----------------------------------


def digits(*shape: int) -> Tensor:
    """Floats among which many are equal."""
    return randint(0, 3, shape).astype("float64").requires_grad_()


def whole(*shape: int) -> Tensor:
    """Integers from -4 to 4."""
    return randint(-4, 5, shape)


def bools(*shape: int) -> Tensor:
    return rand(*shape) < 0.5


def classes(*shape: int) -> Tensor:
    """Integers 0, 1 and 2."""
    return randint(0, 3, shape)


def below_4(*shape: int) -> Tensor:
    """Numbers that are less than all of `above_4`."""
    return (rand(*shape, dtype="float64") * 3.0).requires_grad_()


def ties(*shape: int) -> Tensor:
    """Every second number is 2, the others are below."""
    x = randn(*shape, dtype="float64").tanh().tolist()
    flat = [x] if not shape else x
    for _ in shape[1:]:
        flat = [v for row in flat for v in row]
    flat = [2.0 if i % 2 else v for i, v in enumerate(flat)]
    return Tensor(flat).reshape(shape).requires_grad_()


def twos(*shape: int) -> Tensor:
    return (rand(*shape, dtype="float64") * 0.0 + 2.0).requires_grad_()


def nothing(*shape: int) -> Tensor:
    return (rand(*shape, dtype="float64") * 0.0).requires_grad_()


def not_finite(*shape: int) -> Tensor:
    """nan, inf and -inf, by turns."""
    values = [math.nan, math.inf, -math.inf]
    flat = [values[i % 3] for i in range(math.prod(shape))]
    return Tensor(flat, dtype="float64").reshape(shape).requires_grad_()


def nobody(*shape: int) -> Tensor:
    """A mask by which nothing may be attended to in the first row."""
    rows = [[i > 0 and j != 1 for j in range(shape[1])] for i in range(shape[0])]
    return Tensor(rows)


# --- what NumPy, or PyTorch, has no one function for ----------------------------------


def all_axes(x: Any, axis: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


def np_erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[float])(x)


def np_sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-1.0 * x))


def np_gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "tanh":
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * 1.0) ** 3)
        return 0.5 * x * (1.0 + np.tanh(inner))
    return 0.5 * x * (1.0 + np_erf(x / math.sqrt(2.0)))


def np_softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.amax(x, axis=axis, keepdims=True, initial=-math.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


def np_var(x: Any, axis: Any = None, correction: float = 1, keepdims: Any = False):
    return np.var(x, axis=axis, ddof=correction, keepdims=keepdims)


def np_std(x: Any, axis: Any = None, correction: float = 1, keepdims: Any = False):
    return np.std(x, axis=axis, ddof=correction, keepdims=keepdims)


def np_logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def np_reduce(x: Any, reduction: str) -> Any:
    return {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction](x)


def np_cross_entropy(
    logits: Any,
    target: Any,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    if logits.ndim == 1:
        z = np_cross_entropy(
            logits[None],
            np.asarray(target)[None],
            ignore_index,
            "none",
            label_smoothing,
        )
        return z[0]
    n, c = logits.shape
    nats = -np.log(np_softmax(logits, axis=1))
    if target.shape == logits.shape:
        smooth = (1 - label_smoothing) * target + label_smoothing / c
        return np_reduce(np.sum(smooth * nats, axis=1), reduction)
    rows = []
    for i in range(n):
        if target[i] != ignore_index:
            right = nats[i, target[i]]
            mean = sum(nats[i]) / c
            rows.append((1 - label_smoothing) * right + label_smoothing * mean)
        else:
            rows.append(0.0)
    if reduction == "mean":
        return np.asarray(sum(rows) / np.sum(target != ignore_index))
    return np_reduce(np.array(rows), reduction)


def np_attention(
    q: Any,
    k: Any,
    v: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Any:
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    energies = np.matmul(q, np.swapaxes(k, -1, -2)) * scale
    allowed = np.ones(energies.shape, dtype=bool)
    if attn_mask is not None:
        allowed = allowed & attn_mask
    if is_causal:
        allowed = allowed & np.tri(*energies.shape[-2:], dtype=bool)
    e = np.where(allowed, np.exp(energies), 0.0)
    total = np.sum(e, axis=-1, keepdims=True)
    return np.matmul(e / np.where(total == 0, 1.0, total), v)


def np_layer_norm(
    x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    axis = tuple(range(-len(shape), 0)) if isinstance(shape, tuple) else (-1,)
    centered = x - np.mean(x, axis=axis, keepdims=True)
    z = centered / np.sqrt(np.mean(centered**2, axis=axis, keepdims=True) + eps)
    return z * (1.0 if weight is None else weight) + (0.0 if bias is None else bias)


def np_rms_norm(x: Any, shape: Any, weight: Any = None, eps: float | None = None):
    axis = tuple(range(-len(shape), 0)) if isinstance(shape, tuple) else (-1,)
    eps = 2.0**-52 if eps is None else eps
    z = x / np.sqrt(np.mean(x * x, axis=axis, keepdims=True) + eps)
    return z * (1.0 if weight is None else weight)


def torch_layer_norm(x: Any, shape: Any, *affine: Any, **params: Any) -> Any:
    return F.layer_norm(x, tuples(shape), *affine, **params)


def torch_rms_norm(x: Any, shape: Any, *affine: Any, **params: Any) -> Any:
    return F.rms_norm(x, tuples(shape), *affine, **params)


def tuples(shape: Any) -> tuple[int, ...]:
    return shape if isinstance(shape, tuple) else (shape,)


def np_place(x: Any, bounds: Any, shape: Any) -> Any:
    z = np.zeros(shape)
    z[tuple(slice(*b) for b in bounds)] = x
    return z


def torch_place(x: Any, bounds: Any, shape: Any) -> Any:
    z = torch.zeros(shape, dtype=x.dtype)
    z[tuple(slice(*b) for b in bounds)] = x
    return z


def np_scatter_add(x: Any, indices: Any, rows: int) -> Any:
    z = np.zeros((rows, *x.shape[indices.ndim :]))
    for at in np.ndindex(indices.shape):
        z[indices[at]] += x[at]
    return z


def torch_scatter_add(x: Any, indices: Any, rows: int) -> Any:
    z = torch.zeros((rows, *x.shape[indices.ndim :]), dtype=x.dtype)
    return z.index_put((indices,), x, accumulate=True)


def np_flatten(x: Any, start: int = 0, end: int = -1) -> Any:
    start, end = start % max(x.ndim, 1), end % max(x.ndim, 1)
    size = math.prod(x.shape[start : end + 1])
    return np.reshape(x, (*x.shape[:start], size, *x.shape[end + 1 :]))


def np_squeeze(x: Any, axis: Any = None) -> Any:
    axes = range(x.ndim) if axis is None else axis
    axes = axes if isinstance(axes, (tuple, range)) else (axes,)
    gone = tuple(a % x.ndim for a in axes if x.shape[a] == 1)
    return np.squeeze(x, axis=gone)


def np_pad(x: Any, pad: Any, value: float = 0.0) -> Any:
    pairs = list(zip(pad[::2], pad[1::2]))[::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    return np.pad(x, pairs, constant_values=value)


def np_expand(x: Any, *sizes: Any) -> Any:
    sizes = sizes[0] if isinstance(sizes[0], tuple) else sizes
    own = (0,) * (len(sizes) - x.ndim) + x.shape
    return np.broadcast_to(x, [o if s == -1 else s for s, o in zip(sizes, own)])


def np_split(x: Any, size: Any, axis: int = 0) -> Any:
    n = x.shape[axis]
    if isinstance(size, int):
        return np.split(x, list(range(size, n, size)), axis=axis)
    return np.split(x, list(np.cumsum(size)[:-1]), axis=axis)


def np_chunk(x: Any, chunks: int, axis: int = 0) -> Any:
    return np_split(x, max(1, math.ceil(x.shape[axis] / chunks)), axis)


def np_gather(x: Any, axis: int, index: Any) -> Any:
    z = np.zeros(index.shape)
    for at in np.ndindex(index.shape):
        source = list(at)
        source[axis] = index[at]
        z[at] = x[tuple(source)]
    return z


def np_one_hot(i: Any, num_classes: int = -1) -> Any:
    count = np.amax(i) + 1 if num_classes == -1 else num_classes
    return np.asarray(i[..., None] == np.arange(count)).astype("int64")


def squared_backward(x: Tensor) -> Tensor:
    """`backward` as a function: ∂Σx²/∂x."""
    (x * x).sum().backward()
    return x.grad


def set_grad(x: Tensor) -> Tensor:
    x.grad = x.detach() + 1.0
    return x.grad


def retained(x: Any) -> Any:
    """The gradient that a result, x + 1, keeps of the sum of its squares."""
    h = x + 1.0
    h.retain_grad()
    (h * h).sum().backward()
    return h.grad


def assigned(x: Any) -> Any:
    """x, after it was given x + 1."""
    x.assign(x.detach() + 1.0)
    return x.detach()


def of_a_copy(name: str) -> Callable[..., Any]:
    """A method that changes its tensor, on a copy without a graph, by constants: where
    a gradient would end it is refused."""
    return lambda x, *others: getattr(Tensor(x), name)(
        *(y.detach() if isinstance(y, Tensor) else y for y in others)
    )


CHANGES = ["add_", "sub_", "mul_", "div_", "copy_", "fill_", "zero_"]
AS_FUNCTIONS: dict[str, Callable[..., Any]] = {
    ".backward": squared_backward,
    ".grad": set_grad,
    ".retain_grad": retained,
    ".assign": assigned,
    **{f".{name}": of_a_copy(name) for name in CHANGES},
}


# --- the table ------------------------------------------------------------------------

RANDOM = "random: its peers draw other numbers"
NO_GRADIENT = {"differentiable": False}


def one(names: str, maker: Any, numpy: Any, torch: Any, *more: Any, **kw: Any) -> Row:
    """A function of single numbers, of one input."""
    return Row(names, ((maker, 2, 3), *more), numpy=numpy, torch=torch,
               any_shape=True, **kw)  # fmt: skip


def two(names: str, makers: Any, numpy: Any, torch: Any, **kw: Any) -> Row:
    """A function of single numbers, of two inputs."""
    first, second = makers
    return Row(names, ((first, 2, 3), (second, 3)), numpy=numpy, torch=torch,
               any_shape=True, broadcasts=True, **kw)  # fmt: skip


BOTH = (normal, normal)
EQUALS = (digits, digits)

ELEMENTWISE = [
    one("ops.neg .__neg__", normal, np.negative, torch.neg),
    one("ops.exp .exp", normal, np.exp, torch.exp),
    one("ops.log .log", positive, np.log, torch.log),
    one("ops.log1p .log1p", positive, np.log1p, torch.log1p),
    one("ops.sqrt .sqrt", positive, np.sqrt, torch.sqrt),
    one("ops.sin .sin", normal, np.sin, torch.sin),
    one("ops.cos .cos", normal, np.cos, torch.cos),
    one("ops.tanh .tanh", normal, np.tanh, torch.tanh),
    one("ops.erf .erf", normal, np_erf, torch.erf),
    one("elementwise.abs .abs", away_from_0, np.abs, torch.abs),
    one("elementwise.abs .abs", nothing, np.abs, torch.abs, note="at 0", smooth=False),
    one("elementwise.rsqrt .rsqrt", positive, lambda x: 1 / np.sqrt(x), torch.rsqrt),
    one("functional.sigmoid .sigmoid", normal, np_sigmoid, torch.sigmoid),
    one("functional.silu .silu", normal, lambda x: x * np_sigmoid(x), F.silu),
    one("functional.softplus .softplus", normal, lambda x: np.logaddexp(0, x),
        F.softplus),
    one("functional.relu .relu", away_from_0, lambda x: np.maximum(x, 0.0), F.relu),
    one("functional.relu .relu", nothing, lambda x: np.maximum(x, 0.0), F.relu,
        note="at 0", smooth=False),

    Row("functional.relu .relu", ((not_finite, 3),), note="nan",
        why="equal to PyTorch's, but for a second derivative at nan: nan, not 0",
        numpy=lambda x: np.maximum(x, 0.0), smooth=False),
    *(Row(f"ops.{name} .{name}", ((not_finite, 2),), note="nan and inf", smooth=False,
          numpy=getattr(np, name), torch=getattr(torch, name))
      for name in ("exp", "tanh")),
    *(Row(names, ((not_finite, 3), (normal, 3)), note="nan and inf", smooth=False,
          numpy=numpy, why="beside nan PyTorch gives both inputs the whole gradient")
      for names, numpy in (("ops.maximum", np.maximum),
                           ("elementwise.minimum", np.minimum))),
    one("functional.leaky_relu .leaky_relu", away_from_0,
        lambda x: np.where(x > 0, x, 0.01 * x), F.leaky_relu),
    one("functional.leaky_relu .leaky_relu", away_from_0,
        lambda x, negative_slope: np.where(x > 0, x, negative_slope * x), F.leaky_relu,
        params={"negative_slope": 0.3}),
    one("functional.gelu .gelu", normal, np_gelu, F.gelu),
    one("functional.gelu .gelu", normal, np_gelu, F.gelu,
        params={"approximate": "tanh"}),
    one("ops.stop_gradient .detach", normal, np.array, lambda x: x.detach(),
        **NO_GRADIENT),
    one("ops.astype .astype", normal, lambda x, d: x.astype(d), None, "float64",
        why="PyTorch has other names for dtypes"),
    one("ops.astype .astype", normal, lambda x, d: x.astype(d), None, "int64",
        note="int64", why="PyTorch has other names for dtypes", **NO_GRADIENT),
    one("ops.astype .astype", digits, lambda x, d: x.astype(d), None, "bool",
        note="bool", why="PyTorch has other names for dtypes", **NO_GRADIENT),
    one("elementwise.clip .clip", spread, np.clip, torch.clamp, -0.5, 0.5),
    one("elementwise.clip .clip", spread, np.clip, torch.clamp, params={"min": -0.5}),
    one("elementwise.clip .clip", spread, np.clip, torch.clamp, params={"max": 0.2}),
    one("elementwise.clip .clip", twos, np.clip, torch.clamp, 2.0, 3.0,
        note="at the lower bound", smooth=False),
    one("elementwise.clip .clip", twos, np.clip, torch.clamp, 1.0, 2.0,
        note="at the upper bound", smooth=False),
    Row("elementwise.clip .clip", ((normal, 2, 3), (positive, 3), (positive, 2, 1)),
        numpy=lambda x, a, b: np.minimum(np.maximum(x, a), b), torch=torch.clamp,
        note="between tensors"),
    two("ops.add .__add__ .__radd__", BOTH, np.add, torch.add),
    two("ops.sub .__sub__", BOTH, np.subtract, torch.sub),
    two(".__rsub__", BOTH, lambda x, y: y - x, lambda x, y: y - x),
    two("ops.mul .__mul__ .__rmul__", BOTH, np.multiply, torch.mul),
    two("ops.div .__truediv__", (normal, positive), np.divide, torch.div),
    two(".__rtruediv__", (positive, normal), lambda x, y: y / x, lambda x, y: y / x),
    two("ops.pow .__pow__", (positive, normal), np.power, torch.pow),
    two(".__rpow__", (normal, positive), lambda x, y: y**x, lambda x, y: y**x),
    two("ops.maximum .maximum", (spread, below_4), np.maximum, torch.maximum),
    two("elementwise.minimum .minimum", (spread, below_4), np.minimum, torch.minimum),

    # the larger is not.
    *(Row(f"{name} .{name.partition('.')[2]}", ((maker, 2, 3), (maker, 3)), note=note,
          numpy=numpy, torch=peer, **NO_GRADIENT)
      for name, numpy, peer in (("ops.maximum", np.maximum, torch.maximum),
                                ("elementwise.minimum", np.minimum, torch.minimum))
      for maker, note in ((whole, "whole"), (bools, "bools"))),
    two("ops.maximum .maximum", (twos, twos), np.maximum, torch.maximum,
        note="at a tie", smooth=False),
    two("elementwise.minimum .minimum", (twos, twos), np.minimum, torch.minimum,
        note="at a tie", smooth=False),
    two(".__eq__", EQUALS, np.equal, torch.eq, **NO_GRADIENT),
    two(".__ne__", EQUALS, np.not_equal, torch.ne, **NO_GRADIENT),
    two(".__lt__", EQUALS, np.less, torch.lt, **NO_GRADIENT),
    two(".__le__", EQUALS, np.less_equal, torch.le, **NO_GRADIENT),
    two(".__gt__", EQUALS, np.greater, torch.gt, **NO_GRADIENT),
    two(".__ge__", EQUALS, np.greater_equal, torch.ge, **NO_GRADIENT),
    Row("ops.where", ((mask, 2, 3), (normal, 2, 3), (normal, 3)), numpy=np.where,
        torch=torch.where, any_shape=True, broadcasts=True),
    Row("ops.where", ((mask, 2, 3), 0.5, (normal, 3)), numpy=np.where,
        torch=torch.where, note="number"),
    Row("ops.where", ((mask, 2, 3), 1, 0), numpy=np.where, torch=torch.where,
        note="whole numbers", **NO_GRADIENT),
    Row("ops.where", ((mask, 2, 3), (whole, 2, 3), (normal, 3)), numpy=np.where,
        torch=torch.where, note="whole and float"),
    Row("ops.add .__add__ .__radd__", ((normal, 2, 3), 2.0), numpy=np.add,
        torch=torch.add, note="number"),
    Row("ops.sub .__sub__", ((normal, 2, 3), 2), numpy=np.subtract, torch=torch.sub,
        note="number"),
    Row(".__rsub__", ((normal, 2, 3), 2.0), numpy=lambda x, y: y - x,
        torch=lambda x, y: y - x, note="number"),
    Row("ops.mul .__mul__ .__rmul__", ((normal, 2, 3), -2), numpy=np.multiply,
        torch=torch.mul, note="number"),
    Row("ops.div", (2.0, (positive, 2, 3)), numpy=np.divide, torch=torch.div,
        note="number"),
    Row("ops.pow .__pow__", ((normal, 2, 3), 3), numpy=np.power, torch=torch.pow,
        note="cube"),
    Row("ops.pow .__pow__", ((normal, 2, 3), 2), numpy=np.power, torch=torch.pow,
        note="square"),
    Row("ops.pow .__pow__", ((away_from_0, 2, 3), -1), numpy=lambda x, y: 1 / x,
        torch=torch.pow, note="reciprocal"),
    Row("ops.pow .__pow__", ((positive, 2, 3), 0.5), numpy=np.power, torch=torch.pow,
        note="root"),
    Row("ops.pow", (2.0, (normal, 2, 3)), numpy=np.power, torch=torch.pow,
        note="of a number"),
    Row(".__rpow__", ((normal, 2, 3), 2.0), numpy=lambda x, y: y**x,
        torch=lambda x, y: y**x, note="of a number"),
    Row(".__eq__", ((digits, 2, 3), 1), numpy=np.equal, torch=torch.eq, note="number",
        **NO_GRADIENT),
    Row("ops.maximum .maximum", ((away_from_0, 2, 3), 0.0), numpy=np.maximum,
        torch=lambda x, y: torch.clamp(x, min=y), note="number"),
    Row("elementwise.minimum .minimum", ((away_from_0, 2, 3), 0.0), numpy=np.minimum,
        torch=lambda x, y: torch.clamp(x, max=y), note="number"),
]  # fmt: skip


def torch_amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.amax(x, all_axes(x, axis), keepdims)


def torch_amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.amin(x, all_axes(x, axis), keepdims)


def torch_reduction(name: str) -> Any:
    def call(x: Any, axis: Any = None, keepdims: bool = False, **kw: Any) -> Any:
        function = getattr(torch, name)
        return function(x, dim=all_axes(x, axis), keepdim=keepdims, **kw)

    return call


def torch_arg(name: str) -> Any:
    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return getattr(torch, name)(x, dim=axis, keepdim=keepdims)

    return call


AXES: list[dict[str, Any]] = [
    {},
    {"axis": 1},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": (-1, 0), "keepdims": True},
    {"axis": None, "keepdims": True},
    {"axis": ()},
]
ONE_AXIS = [p for p in AXES if not isinstance(p.get("axis"), tuple)]

REDUCTIONS = [
    Row(f"{name} .{name.partition('.')[2]}", ((maker, 2, 3, 4),), params,
        numpy=numpy, torch=peer, any_shape=params in ({}, AXES[5]))
    for name, maker, numpy, peer in [
        ("ops.sum", normal, np.sum, torch_reduction("sum")),
        ("ops.max", spread, np.amax, torch_amax),
        ("reductions.min", spread, np.amin, torch_amin),
        ("reductions.mean", normal, np.mean, torch_reduction("mean")),
        ("reductions.logsumexp", normal, np_logsumexp, torch_reduction("logsumexp")),
    ]
    for params in AXES
    # (PyTorch means all axes by axis=(); NumPy and we none)
    if params != {"axis": ()}
] + [
    Row(f"{name} .{name.partition('.')[2]}", ((normal, 2, 3),), {"axis": ()},
        numpy=numpy, why="PyTorch means all axes by none")
    for name, numpy in [
        ("ops.sum", np.sum),
        ("ops.max", np.amax),
        ("reductions.min", np.amin),
        ("reductions.mean", np.mean),
        ("reductions.logsumexp", np_logsumexp),
    ]
] + [
    Row(f"{name} .{name.partition('.')[2]}", ((normal, 3, 4, 3),),
        {"correction": correction, **params}, numpy=numpy, torch=peer,
        any_shape=params == {})
    for name, numpy, peer in [
        ("reductions.var", np_var, torch_reduction("var")),
        ("reductions.std", np_std, torch_reduction("std")),
    ]
    for correction in (0, 1, 2)
    for params in AXES[:5]
] + [
    Row(f"{name} .{name.partition('.')[2]}", ((maker, 3, 4),), {"axis": 1}, numpy=numpy,
        note=f"of {maker.__name__}", why="PyTorch wants floats, or gives none",
        **NO_GRADIENT)
    for name, numpy in [
        ("ops.sum", np.sum),
        ("ops.max", np.amax),
        ("reductions.min", np.amin),
        ("reductions.mean", np.mean),
        ("reductions.var", np_var),
        ("reductions.argmin", np.argmin),
    ]
    for maker in (whole, bools)
] + [
    Row("reductions.var .var", ((normal, 3, 4),), numpy=np_var, torch=torch.var,
        note="the default correction is 1", any_shape=True),
    Row("reductions.std .std", ((normal, 3, 4),), numpy=np_std, torch=torch.std,
        note="the default correction is 1", any_shape=True),
    Row("reductions.std .std", ((twos, 3, 4),), {"axis": 1}, numpy=np_std,
        note="of equal numbers", smooth=False,
        why="PyTorch's gradient is nan here, ours 0 by choice"),
    Row("ops.max .max", ((ties, 3, 4),), {"axis": 1}, numpy=np.amax, torch=torch_amax,
        note="ties", smooth=False),
    Row("ops.max .max", ((ties, 3, 4),), numpy=np.amax, torch=torch_amax, note="ties",
        smooth=False),
    Row("reductions.min .min", ((digits, 3, 4),), {"axis": 0}, numpy=np.amin,
        torch=torch_amin, note="ties", smooth=False),
] + [
    Row(f"reductions.{name} .{name}", ((maker, *shape),), params,
        numpy=getattr(np, name), torch=torch_arg(name) if shape else None,
        why="" if shape else "there is one answer", note=note, **NO_GRADIENT)
    for name in ("argmax", "argmin")
    for maker, shape, note in (
        (spread, (2, 3, 4), ""),
        (normal, (5,), "vector"),
        (normal, (), "number"),
        (whole, (3, 5), "whole"),
    )
    for params in ONE_AXIS
    if "axis" not in params or len(shape) > max(0, params["axis"] or 0)
] + [
    Row(f"reductions.{name} .{name}", ((digits, 3, 7),), {"axis": 1},
        numpy=getattr(np, name), note="ties: the first",
        why="PyTorch does not say which of equals it gives", **NO_GRADIENT)
    for name in ("argmax", "argmin")
]  # fmt: skip

FIRST = (Tensor, [[0, 2, 1, 0], [1, 1, 2, 0]])
SHAPING = [
    Row("shaping.transpose shaping.swapaxes .transpose .swapaxes",
        ((normal, 2, 3, 4), 0, 2), numpy=np.swapaxes, torch=torch.swapaxes),
    Row("shaping.swapaxes .swapaxes .transpose", ((normal, 2, 3, 4), -1, 1),
        numpy=np.swapaxes, torch=torch.swapaxes),
    Row("shaping.matrix_transpose .mT", ((normal, 2, 3, 4),),
        numpy=np.matrix_transpose, torch=lambda x: x.mT),
    Row("shaping.matrix_transpose .mT .T", ((normal, 2, 3),),
        numpy=np.transpose, torch=lambda x: x.mT, note="one matrix"),
    Row("shaping.matrix_transpose .mT", ((normal, 0, 3),),
        numpy=np.transpose, torch=lambda x: x.mT, note="empty"),
    Row(".T", ((normal, 2, 3, 4),), numpy=np.transpose, any_shape=True,
        torch=lambda x: x.permute(2, 1, 0)),
    Row("shaping.squeeze .squeeze", ((normal, 1, 3, 1),), numpy=np_squeeze,
        torch=torch.squeeze, any_shape=True),
    Row("shaping.squeeze .squeeze", ((normal, 1, 3, 1), 2), numpy=np_squeeze,
        torch=torch.squeeze, note="one"),
    Row("shaping.squeeze .squeeze", ((normal, 1, 3, 1), (0, -1)), numpy=np_squeeze,
        torch=torch.squeeze, note="two"),
    Row("shaping.squeeze .squeeze", ((normal, 1, 3, 1), 1), numpy=np_squeeze,
        torch=torch.squeeze, note="not of size 1"),
    *(Row("shaping.unsqueeze .unsqueeze", ((normal, 2, 3), axis), numpy=np.expand_dims,
          torch=torch.unsqueeze, note=f"at {axis}") for axis in (0, 1, 2, -1, -3)),
    *(Row("shaping.unsqueeze .unsqueeze", ((normal, 2, 3), axis), numpy=np.expand_dims,
          torch=torch.unsqueeze, note=f"any at {axis}", any_shape=True)
      for axis in (0, -1)),
    Row("shaping.expand .expand", ((normal, 2, 1), -1, 4), numpy=np_expand,
        torch=lambda x, *s: x.expand(*s)),
    Row("shaping.expand .expand", ((normal, 2, 1), (5, 2, 3)), numpy=np_expand,
        torch=lambda x, *s: x.expand(*s), note="as a tuple"),
    Row("shaping.expand .expand", ((normal,), 2, 3), numpy=np_expand,
        torch=lambda x, *s: x.expand(*s), note="a number"),
    Row("shaping.expand .expand", ((normal, 2, 1), 3, -1, 0), numpy=np_expand,
        torch=lambda x, *s: x.expand(*s), note="to nothing"),
    Row("shaping.flatten .flatten", ((normal, 2, 3, 4),), numpy=np_flatten,
        torch=torch.flatten, any_shape=True),
    Row("shaping.flatten .flatten", ((normal, 2, 3, 4), 1), numpy=np_flatten,
        torch=torch.flatten, note="from 1"),
    Row("shaping.flatten .flatten", ((normal, 2, 3, 4), 0, 1), numpy=np_flatten,
        torch=torch.flatten, note="to 1"),
    Row("shaping.flatten .flatten", ((normal, 2, 3, 4), -2, -2), numpy=np_flatten,
        torch=torch.flatten, note="one axis"),
    Row("shaping.flatten .flatten", ((normal, 3, 0, 4), 0, 1), numpy=np_flatten,
        torch=torch.flatten, note="empty"),
    Row("shaping.flatten .flatten", ((normal, 2, 0, 4), 0, 0), numpy=np_flatten,
        torch=torch.flatten, note="an axis beside an empty one"),
    Row("shaping.flatten .flatten", ((normal, 0, 2, 4), 1, 2), numpy=np_flatten,
        torch=torch.flatten, note="axes beside an empty one"),
    *(Row("shaping.stack", ((normal, 2, 3), (normal, 2, 3), (normal, 2, 3)),
          {"axis": axis}, numpy=np.stack, torch=torch.stack, packed=True)
      for axis in (0, 1, 2, -1, -2)),
    Row("shaping.stack", ((normal,), (normal,)), numpy=np.stack, torch=torch.stack,
        packed=True, any_shape=True),
    Row("shaping.split .split", ((normal, 5, 2), 2), numpy=np_split, torch=torch.split),
    Row("shaping.split .split", ((normal, 2, 6), 2, 1), numpy=np_split,
        torch=torch.split, note="axis 1"),
    Row("shaping.split .split", ((normal, 2, 6), [1, 0, 5], -1), numpy=np_split,
        torch=torch.split, note="sizes"),
    Row("shaping.split .split", ((normal, 0, 2), 3), numpy=np_split, torch=torch.split,
        note="empty"),
    Row("shaping.chunk .chunk", ((normal, 5, 2), 2), numpy=np_chunk, torch=torch.chunk),
    Row("shaping.chunk .chunk", ((normal, 2, 6), 4, 1), numpy=np_chunk,
        torch=torch.chunk, note="fewer"),
    Row("shaping.chunk .chunk", ((normal, 2, 3), 7, -1), numpy=np_chunk,
        torch=torch.chunk, note="too many"),
    Row("shaping.pad", ((normal, 2, 3), (1, 2)), numpy=np_pad, torch=F.pad),
    Row("shaping.pad", ((normal, 2, 3), (0, 1, 2, 0)), {"value": -1.5}, numpy=np_pad,
        torch=F.pad),
    Row("shaping.pad", ((normal, 2, 3), [1, 0]), {"value": -math.inf}, numpy=np_pad,
        torch=F.pad, smooth=False, note="inf has no differences"),
    Row("shaping.pad", ((whole, 3), (1, 1)), {"value": 2}, numpy=np_pad, torch=F.pad,
        note="whole", **NO_GRADIENT),
    Row("shaping.pad", ((normal, 0), (1, 1)), {"value": 2.0}, numpy=np_pad,
        torch=F.pad, note="empty"),
    Row("shaping.pad", ((normal, 2, 0), (0, 0, 1, 0)), numpy=np_pad, torch=F.pad,
        note="stays empty"),
    *(Row(f"shaping.{name} .{name}", ((normal, *shape), k), numpy=getattr(np, name),
          torch=getattr(torch, name), note=f"{shape} {k}")
      for name in ("tril", "triu")
      for shape, k in (((3, 3), 0), ((3, 4), 1), ((2, 4, 3), -1), ((3, 3), 9),
                       ((0, 3), 0), ((2, 0), 0))),
    Row("shaping.tril .tril", ((whole, 3, 3),), numpy=np.tril, torch=torch.tril,
        note="whole", **NO_GRADIENT),
    Row("ops.reshape .reshape", ((normal, 2, 6), (3, 4)), numpy=np.reshape,
        torch=torch.reshape),
    Row("ops.reshape .reshape", ((normal, 2, 6), (3, -1, 2)), numpy=np.reshape,
        torch=torch.reshape, note="-1"),
    Row("ops.reshape .reshape", ((normal, 1, 1), ()), numpy=np.reshape,
        torch=torch.reshape, note="to a number"),
    Row("ops.reshape .reshape", ((normal, 2, 0), (0, 3)), numpy=np.reshape,
        torch=torch.reshape, note="empty"),
    Row("ops.reshape .reshape", ((normal, 2, 0, 3), (3, -1)), numpy=np.reshape,
        torch=torch.reshape, note="empty -1"),
    Row("ops.reshape .reshape", ((normal, 2, 3), (-1,)), numpy=np.reshape,
        torch=torch.reshape, note="flat", any_shape=True),
    Row("ops.permute_dims .permute_dims", ((normal, 2, 3, 4), (2, 0, 1)),
        numpy=np.transpose, torch=torch.permute),
    Row("ops.permute_dims .permute_dims", ((normal, 2, 3, 4), (-1, 1, 0)),
        numpy=np.transpose, torch=torch.permute, note="negative"),
    Row("ops.permute_dims .permute_dims", ((normal, 2, 0, 4), (1, 2, 0)),
        numpy=np.transpose, torch=torch.permute, note="empty"),
    Row("ops.permute_dims .permute_dims", ((normal,), ()), numpy=np.transpose,
        torch=torch.permute, note="a number"),
    Row("ops.broadcast_to .broadcast_to", ((normal, 3, 1), (2, 3, 4)),
        numpy=np.broadcast_to, torch=torch.broadcast_to),
    Row("ops.broadcast_to .broadcast_to", ((normal,), (2, 3)), numpy=np.broadcast_to,
        torch=torch.broadcast_to, note="a number"),
    Row("ops.broadcast_to .broadcast_to", ((normal, 1, 3), (0, 3)),
        numpy=np.broadcast_to, torch=torch.broadcast_to, note="to nothing"),
    Row("ops.concat", ((normal, 2, 3), (normal, 2, 1), (normal, 2, 2)), {"axis": 1},
        numpy=np.concatenate, torch=torch.cat, packed=True),
    Row("ops.concat", ((normal, 2, 3), (normal, 1, 3)), {"axis": -2},
        numpy=np.concatenate, torch=torch.cat, packed=True),
    Row("ops.concat", ((normal, 0, 3), (normal, 1, 3), (normal, 0, 3)),
        numpy=np.concatenate, torch=torch.cat, packed=True, note="empty"),
    Row("ops.concat", ((whole, 2), (normal, 3)), numpy=np.concatenate, torch=torch.cat,
        packed=True, note="whole and float"),
    Row("ops.concat", ((bools, 2), (whole, 3)), numpy=np.concatenate, torch=torch.cat,
        packed=True, note="bool and whole", **NO_GRADIENT),
    Row("ops.take", ((normal, 3, 4), (Tensor, [[0, 2], [2, 1]])),
        numpy=lambda x, i: np.take(x, i, axis=0), torch=lambda x, i: x[i]),
    Row("ops.take", ((normal, 3), [1, 1, 0]), numpy=lambda x, i: np.take(x, i, axis=0),
        torch=lambda x, i: x[i], note="list"),
    Row("ops.take", ((normal, 3, 2), []),
        numpy=lambda x, i: np.zeros((0, 2)), torch=lambda x, i: x[:0],
        note="nothing"),
    Row("ops.scatter_add", ((normal, 4, 2), (Tensor, [0, 2, 0, 0]), 3),
        numpy=np_scatter_add, torch=torch_scatter_add),
    Row("ops.scatter_add", ((normal, 2, 2, 3), (Tensor, [[0, 1], [1, 4]]), 5),
        numpy=np_scatter_add, torch=torch_scatter_add, note="matrix"),
    Row("ops.place", ((normal, 2, 3), ((1, 4, 2), (4, None, -2)), (4, 5)),
        numpy=np_place, why="PyTorch has no negative steps"),
    Row("ops.place", ((normal, 2), ((1, 4, 2),), (5,)), numpy=np_place,
        torch=torch_place, note="step 2"),
    Row("indexing.take_along_axis .take_along_axis", ((normal, 3, 4), FIRST, 0),
        numpy=np.take_along_axis, torch=torch.take_along_dim),
    Row("indexing.take_along_axis .take_along_axis",
        ((normal, 2, 4), (Tensor, [[3, 3, 0, 1, 2], [0, 0, 0, 0, 1]])),
        numpy=lambda x, i: np.take_along_axis(x, i, axis=-1),
        torch=lambda x, i: torch.take_along_dim(x, i, -1), note="last"),
    Row("indexing.take_along_axis .take_along_axis",
        ((normal, 2, 1, 4), (Tensor, [[[0, 0, 0, 0]], [[0, 0, 0, 0]]]), 1),
        numpy=np.take_along_axis, torch=torch.take_along_dim, note="middle"),
    Row("indexing.take_along_axis .take_along_axis",
        ((normal, 3, 4), (Tensor, [[2], [0]]), 0),
        numpy=np.take_along_axis, torch=torch.take_along_dim, note="broadcast"),
    Row("indexing.gather .gather", ((normal, 3, 4), 0, FIRST), numpy=np_gather,
        torch=torch.gather),
    Row("indexing.gather .gather", ((normal, 3, 4), 1, (Tensor, [[3, 3], [0, 1]])),
        numpy=np_gather, torch=torch.gather, note="smaller"),
    Row("indexing.gather .gather", ((normal, 3, 4), -1, (Tensor, [[3], [0], [0]])),
        numpy=np_gather, torch=torch.gather, note="a class each"),
    Row("indexing.one_hot", ((classes, 2, 4), 3), numpy=np_one_hot, torch=F.one_hot,
        **NO_GRADIENT),
    Row("indexing.one_hot", ((Tensor, [2, 0, 3]),), numpy=np_one_hot, torch=F.one_hot,
        note="as many as needed", **NO_GRADIENT),
    Row("indexing.one_hot", ((Tensor, 2), 5), numpy=np_one_hot, torch=F.one_hot,
        note="a number", **NO_GRADIENT),
]  # fmt: skip

MATMUL = [
    Row("ops.matmul .__matmul__", ((normal, *x), (normal, *y)), numpy=np.matmul,
        torch=torch.matmul, note=f"{x} {y}")
    for x, y in [
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 2)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((2, 1, 2, 3), (5, 3, 1)),
        ((2, 1, 2, 3), (1, 3, 3, 2)),
        ((2, 0), (0, 3)),
        ((0,), (0,)),
        ((0, 3), (3, 2)),
        ((2, 3), (3, 0)),
        ((0, 2, 3), (3, 2)),
        ((0, 2, 3), (1, 3, 2)),
        ((4, 2, 0), (0, 3)),
        ((0,), (0, 3)),
        ((2, 0), (0,)),
    ]
] + [
    Row(".__rmatmul__", ((normal, 3, 2), (normal, 4, 3)),
        numpy=lambda x, y: np.matmul(y, x), torch=lambda x, y: y @ x),
    Row("ops.matmul .__matmul__", ((whole, 2, 3), (normal, 3)), numpy=np.matmul,
        torch=lambda x, y: x.double() @ y, note="whole and float"),

    # float64 while its numbers are ints.
    Row("ops.matmul .__matmul__", ((whole, 2, 3), (whole, 3, 2)), numpy=np.matmul,
        torch=torch.matmul, note="whole", **NO_GRADIENT),
]  # fmt: skip

EINSUM = [
    Row("products.einsum", (equation, *((normal, *shape) for shape in shapes)),
        numpy=np.einsum, torch=torch.einsum, note=f"{equation} {shapes}")
    for equation, *shapes in [
        ("i->", (3,)),
        ("i->i", (3,)),
        ("->", ()),
        ("ij->ji", (2, 3)),
        ("ba", (2, 3)),
        ("ijk->kj", (2, 3, 4)),
        ("bthd->bhtd", (2, 3, 2, 4)),
        ("ij->", (2, 3)),
        ("i,i->", (3,), (3,)),
        ("i,j->ij", (2,), (3,)),
        ("i,j->ji", (2,), (3,)),
        ("i,i->i", (3,), (3,)),
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("ij,jk", (2, 3), (3, 4)),
        ("ij,kj->ki", (2, 3), (4, 3)),
        ("ij,ij->", (2, 3), (2, 3)),
        ("ij,ij->j", (2, 3), (2, 3)),
        ("ij,ji->ij", (2, 3), (3, 2)),
        ("ij,j->i", (2, 3), (3,)),
        ("btd,hd->bth", (2, 3, 4), (5, 4)),
        ("bhtd,bhsd->bhts", (2, 2, 3, 4), (2, 2, 5, 4)),
        ("bhts,bhsd->bhtd", (2, 2, 3, 5), (2, 2, 5, 4)),
        ("bhts,bhsd->bthd", (2, 2, 3, 5), (2, 2, 5, 4)),
        ("bthd,bshd->bhts", (2, 3, 2, 4), (2, 5, 2, 4)),
        ("btd,dhk->bhtk", (2, 3, 4), (4, 2, 3)),
        ("bhtk,hkd->btd", (2, 2, 3, 4), (2, 4, 3)),
        ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)),
        ("ijx,jky->ik", (2, 3, 2), (3, 4, 2)),
        ("ab,cd->", (2, 3), (2, 4)),
        ("ab,->ba", (2, 3), ()),
        (" i j , j k -> i k ", (2, 3), (3, 4)),
        ("ij,jk->ik", (2, 0), (0, 4)),
        ("ij,jk->ik", (0, 3), (3, 4)),
        ("bij,bjk->bik", (0, 2, 3), (0, 3, 4)),
        ("Ij,jK->KI", (2, 3), (3, 4)),
        ("bA,aB", (2, 3), (4, 5)),
    ]
]  # fmt: skip

LOGITS = (normal, 4, 3)
CE = {"numpy": np_cross_entropy, "torch": F.cross_entropy}
ATTENTION = {"numpy": np_attention, "torch": F.scaled_dot_product_attention}
Q, K, V = (normal, 2, 3, 4), (normal, 2, 5, 4), (normal, 2, 5, 2)

FUNCTIONAL = [
    Row("functional.softmax .softmax", ((normal, 2, 5),), numpy=np_softmax,
        torch=lambda x: torch.softmax(x, -1)),
    Row("functional.softmax .softmax", ((normal, 2, 3, 4), 1), numpy=np_softmax,
        torch=torch.softmax, note="middle"),
    *(Row("functional.softmax .softmax", ((normal, *shape), axis), numpy=np_softmax,
          torch=torch.softmax, note=f"{shape} {axis}")
      for shape in ((0,), (2, 0), (0, 3)) for axis in (0, -1)),
    Row("functional.log_softmax .log_softmax", ((normal, 2, 5),),
        numpy=lambda x: np.log(np_softmax(x)),
        torch=lambda x: torch.log_softmax(x, -1)),
    Row("functional.log_softmax .log_softmax", ((normal, 2, 3, 4), 0),
        numpy=lambda x, axis: np.log(np_softmax(x, axis)), torch=torch.log_softmax,
        note="first"),
    *(Row("functional.log_softmax .log_softmax", ((normal, *shape), axis),
          numpy=lambda x, axis: np.log(np_softmax(x, axis)), torch=torch.log_softmax,
          note=f"{shape} {axis}")
      for shape in ((0,), (2, 0), (0, 3)) for axis in (0, -1)),
    *(Row("functional.cross_entropy", (LOGITS, (classes, 4)),
          {"reduction": reduction, "label_smoothing": smoothing}, note="classes", **CE)
      for reduction in ("mean", "sum", "none") for smoothing in (0.0, 0.1)),
    *(Row("functional.cross_entropy", (LOGITS, (distribution, 4, 3)),
          {"reduction": reduction, "label_smoothing": smoothing}, note="probabilities",
          **CE)
      for reduction in ("mean", "sum", "none") for smoothing in (0.0, 0.1)),
    *(Row("functional.cross_entropy", (LOGITS, (Tensor, target)),
          {"reduction": reduction, "ignore_index": ignored,
           "label_smoothing": smoothing}, note=f"ignoring {target}", **CE)
      for reduction in ("mean", "sum", "none") for smoothing in (0.0, 0.25)
      for target, ignored in (([0, 2, 0, 1], 0), ([-100, 2, 0, -100], -100))),
    Row("functional.cross_entropy", (LOGITS, (classes, 4)), note="defaults", **CE),
    Row("functional.cross_entropy", (LOGITS, (Tensor, [-100] * 4)),
        {"reduction": "sum"}, note="ignoring all", **CE),
    Row("functional.cross_entropy", (LOGITS, (Tensor, [[1.0, 1, 0], [0, 2, 1]] * 2)),
        {"label_smoothing": 0.1}, note="weights that do not add up to 1", **CE),
    Row("functional.cross_entropy", (LOGITS, (Tensor, [-100] * 4)), smooth=False,
        note="ignoring all: nan", numpy=np_cross_entropy,
        why="PyTorch's gradient is 0 where its value is nan, ours is nan"),
    Row("functional.cross_entropy", ((normal, 3), (Tensor, 2)), note="one class", **CE),
    Row("functional.cross_entropy", ((normal, 3), (Tensor, [0.2, 0.3, 0.5])),
        {"label_smoothing": 0.1}, note="one distribution", **CE),
    *(Row("functional.mse_loss", ((normal, 2, 3), (normal, 2, 3)),
          {"reduction": reduction}, torch=F.mse_loss, any_shape=reduction != "mean",
          numpy=lambda x, y, reduction: np_reduce((x - y) ** 2, reduction))
      for reduction in ("mean", "sum", "none")),
    Row("functional.mse_loss", ((normal, 2, 3), (normal, 2, 3)), torch=F.mse_loss,
        numpy=lambda x, y: np.mean((x - y) ** 2), note="default", any_shape=True),
    Row("functional.embedding", ((Tensor, [[0, 2], [2, 1]]), (normal, 3, 4)),
        numpy=lambda i, w: w[i], torch=F.embedding),
    Row("functional.embedding", ((Tensor, 1), (normal, 3, 4)),
        numpy=lambda i, w: w[i], torch=F.embedding, note="one"),
    Row("functional.embedding", ((Tensor, [], False, "int64"), (normal, 3, 4)),
        numpy=lambda i, w: w[i], torch=F.embedding, note="none"),
    *(Row("functional.linear", ((normal, *shape), (normal, 5, 4), (normal, 5)),
          numpy=lambda x, w, b: np.matmul(x, w.T) + b, torch=F.linear, note=f"{shape}")
      for shape in ((4,), (3, 4), (2, 3, 4), (0, 4), (2, 0, 4))),
    Row("functional.linear", ((normal, 3, 4), (normal, 5, 4)),
        numpy=lambda x, w: np.matmul(x, w.T), torch=F.linear, note="no bias"),
    Row("functional.linear", ((normal, 3, 0), (normal, 5, 0), (normal, 5)),
        numpy=lambda x, w, b: np.matmul(x, w.T) + b, torch=F.linear, note="of nothing"),
    Row("functional.layer_norm", ((normal, 2, 4), 4, (normal, 4), (normal, 4)),
        numpy=np_layer_norm, torch=torch_layer_norm),
    Row("functional.layer_norm", ((normal, 2, 3, 4), (3, 4)), {"eps": 0.1},
        numpy=np_layer_norm, torch=torch_layer_norm, note="two axes"),
    Row("functional.layer_norm", ((normal, 2, 4), 4, (normal, 4)),
        numpy=np_layer_norm, torch=torch_layer_norm, note="no bias"),
    Row("functional.layer_norm", ((normal, 0, 4), 4, (normal, 4), (normal, 4)),
        numpy=np_layer_norm, torch=torch_layer_norm, note="empty"),
    Row("functional.layer_norm", ((normal, 2, 0), 0, (normal, 0), (normal, 0)),
        numpy=np_layer_norm, torch=torch_layer_norm, note="of nothing"),
    Row("functional.rms_norm", ((normal, 2, 4), 4, (normal, 4)), numpy=np_rms_norm,
        torch=torch_rms_norm),
    Row("functional.rms_norm", ((normal, 2, 3, 4), (3, 4)), {"eps": 0.1},
        numpy=np_rms_norm, torch=torch_rms_norm, note="two axes"),
    Row("functional.rms_norm", ((normal, 2, 0), 0, (normal, 0)), numpy=np_rms_norm,
        torch=torch_rms_norm, note="of nothing"),
    Row("functional.rms_norm", ((normal, 0, 4), 4, (normal, 4)), numpy=np_rms_norm,
        torch=torch_rms_norm, note="empty"),
    Row("functional.scaled_dot_product_attention", (Q, K, V), **ATTENTION),
    Row("functional.scaled_dot_product_attention", (Q, K, V), {"is_causal": True},
        **ATTENTION),
    Row("functional.scaled_dot_product_attention", (Q, K, V, (nobody, 3, 5)),
        note="mask", **ATTENTION),
    Row("functional.scaled_dot_product_attention", (Q, K, V), {"scale": 2},
        **ATTENTION),
    Row("functional.scaled_dot_product_attention", (Q, K, V, (nobody, 3, 5)),
        {"is_causal": True}, numpy=np_attention, note="mask",
        why="PyTorch takes one of mask and is_causal"),
    Row("functional.scaled_dot_product_attention",
        ((normal, 3, 1, 2, 4), (normal, 2, 3, 4), (normal, 2, 3, 2)),
        note="batches broadcast", **ATTENTION),
    Row("functional.scaled_dot_product_attention",
        ((normal, 2, 4), (normal, 0, 4), (normal, 0, 3)), note="nothing to attend to",
        **ATTENTION),
    Row("functional.scaled_dot_product_attention",
        ((normal, 0, 4), (normal, 2, 4), (normal, 2, 3)), note="nobody attends",
        **ATTENTION),
    Row("functional.scaled_dot_product_attention", (Q, K, V), {"dropout_p": 0.4},
        check=lambda z, q, k, v: z.shape == (2, 3, 2), seeded=True, why=RANDOM),
    Row("functional.causal_mask", (4,), numpy=lambda n: np.tri(n, dtype=bool),
        torch=lambda n: torch.ones(n, n).bool().tril(), **NO_GRADIENT),
    Row("functional.causal_mask", (3, 5), numpy=lambda n, m: np.tri(n, m, dtype=bool),
        torch=lambda n, m: torch.ones(n, m).bool().tril(), note="wide", **NO_GRADIENT),
    Row("functional.causal_mask", (0,), numpy=lambda n: np.tri(n, dtype=bool),
        torch=lambda n: torch.ones(n, n).bool().tril(), note="empty", **NO_GRADIENT),
    Row("functional.padding_mask", ((classes, 2, 3),), numpy=lambda t: t != 0,
        torch=lambda t: t != 0, any_shape=True, **NO_GRADIENT),
    Row("functional.padding_mask", ((classes, 2, 3), 2), numpy=lambda t, pad: t != pad,
        torch=lambda t, pad: t != pad, note="pad", **NO_GRADIENT),
    Row("functional.dropout", ((normal, 4, 5),), {"p": 0.25}, seeded=True, why=RANDOM,
        check=lambda z, x: all(
            a == 0.0 or abs(a - b / 0.75) < 1e-12
            for a, b in zip(z.reshape(-1).tolist(), x.reshape(-1).tolist()))),
    Row("functional.dropout", ((normal, 4, 5),), {"p": 0.0}, numpy=lambda x, p: x,
        torch=F.dropout),
    Row("functional.dropout", ((normal, 4, 5), 0.5, False), note="not training",
        numpy=lambda x, p, training: x, torch=F.dropout, any_shape=True),
]  # fmt: skip

CREATION = [
    Row(f"creation.{name}", inputs, params, numpy=numpy, torch=peer, note=note,
        why="PyTorch has other names for dtypes, and makes float32", **NO_GRADIENT)
    for name, inputs, params, numpy, peer, note in [
        ("arange", (5,), {}, np.arange, torch.arange, "stop"),
        ("arange", (2, 11, 3), {}, np.arange, torch.arange, "step"),
        ("arange", (5, -3, -2), {}, np.arange, torch.arange, "down"),
        ("arange", (3, 3), {}, np.arange, torch.arange, "empty"),
        ("arange", (0, 1, 0.1), {}, np.arange, None, "tenths"),
        ("arange", (1.0, 2.5), {}, np.arange, None, "floats"),

        # quotient, NumPy with the rounded one, ceil((stop - start) / step).
        ("arange", (-2.6, 2.8, 1.8), {}, np.arange, None, "rounding"),
        ("eye", (3,), {}, np.eye, torch.eye, "square"),
        ("eye", (2, 4), {}, np.eye, torch.eye, "wide"),
        ("eye", (0, 2), {}, np.eye, torch.eye, "empty"),
        ("full", ((2, 3), 7.5), {}, np.full, torch.full, ""),
        ("full", ((), -1.0), {}, np.full, torch.full, "a number"),
        ("full", ((2,), 3), {"dtype": "int64"}, np.full, None, ""),
        ("ones", (2, 3), {}, lambda *s: np.ones(s), torch.ones, ""),
        ("ones", ((2, 0),), {}, np.ones, torch.ones, "a tuple"),
        ("ones", (3,), {"dtype": "bool"}, np.ones, None, ""),
        ("zeros", (2, 3), {}, lambda *s: np.zeros(s), torch.zeros, ""),
        ("zeros", (), {}, lambda: np.zeros(()), lambda: torch.zeros(()), "a number"),
        ("zeros", (3,), {"dtype": "int64"}, np.zeros, None, ""),
        ("ones_like", ((normal, 2, 3),), {}, np.ones_like, torch.ones_like, ""),
        ("ones_like", ((whole, 2, 3),), {}, np.ones_like, torch.ones_like, "whole"),
        ("zeros_like", ((normal, 0, 3),), {}, np.zeros_like, torch.zeros_like, ""),
        ("zeros_like", ((bools, 2),), {}, np.zeros_like, torch.zeros_like, "bools"),
    ]
] + [
    Row("creation.rand", (50, 2), seeded=True, why=RANDOM,
        check=lambda z, *_: (
            z.shape == (50, 2) and z.dtype == "float64"
            and all(0.0 <= v < 1.0 for v in z.reshape(-1).tolist())
            and z.min().item() < 0.1 and z.max().item() > 0.9), **NO_GRADIENT),
    Row("creation.rand", (0, 2), seeded=True, why=RANDOM, note="empty",
        check=lambda z, *_: z.shape == (0, 2), **NO_GRADIENT),
    Row("creation.randn", (51,), seeded=True, why=RANDOM,
        check=lambda z, *_: (
            z.shape == (51,) and z.dtype == "float64" and abs(z.mean().item()) < 0.5
            and 0.7 < z.std().item() < 1.3), **NO_GRADIENT),
    Row("creation.randn", (), seeded=True, why=RANDOM, note="a number",
        check=lambda z, *_: z.shape == () and abs(z.item()) < 9.0, **NO_GRADIENT),
    Row("creation.randint", (-2, 3, (40, 2)), seeded=True, why=RANDOM,
        check=lambda z, *_: (
            z.shape == (40, 2) and z.dtype == "int64"
            and set(z.reshape(-1).tolist()) == {-2, -1, 0, 1, 2}), **NO_GRADIENT),
]  # fmt: skip

AS_AN_OBJECT = [
    Row(".backward", ((normal, 2, 3),), numpy=lambda x: 2 * x, any_shape=True,
        why="it returns nothing", note="of squares", **NO_GRADIENT),
    Row(".grad", ((normal, 2, 3),), numpy=lambda x: x + 1, any_shape=True,
        why="a gradient that was set", **NO_GRADIENT),
    Row(".requires_grad_", ((normal, 2, 3),), numpy=np.array, any_shape=True,
        torch=lambda x: x.requires_grad_()),
    *(Row(f".{name}", ((maker, 2, 3),), numpy=numpy, plain=True, any_shape=True,
          why="no tensor", note=maker.__name__, **NO_GRADIENT)
      for maker in (normal, whole, bools)
      for name, numpy in [
          ("shape", lambda x: x.shape),
          ("ndim", lambda x: x.ndim),
          ("size", lambda x: x.size),
          ("dtype", lambda x: str(x.dtype)),
          ("tolist", lambda x: x.tolist()),
          ("is_leaf", lambda x: True),
      ]),
    Row(".requires_grad", ((normal, 2, 3),), numpy=lambda x: True, plain=True,
        why="no tensor", any_shape=True, **NO_GRADIENT),
    Row(".requires_grad", ((whole, 2, 3),), numpy=lambda x: False, plain=True,
        why="no tensor", note="whole", any_shape=True, **NO_GRADIENT),
    Row(".item", ((normal, 1, 1),), numpy=lambda x: x.item(), plain=True,
        any_shape=True, why="no tensor", **NO_GRADIENT),
    Row(".item", ((whole,),), numpy=lambda x: x.item(), plain=True, why="no tensor",
        note="whole", **NO_GRADIENT),
    Row(".__len__", ((normal, 2, 3),), numpy=len, plain=True, why="no tensor",
        **NO_GRADIENT),
    Row(".__iter__", ((normal, 2, 3),), numpy=list, torch=lambda x: list(x)),
    *(Row(".numpy", ((maker, 2, 3),), numpy=np.array, plain=True, any_shape=True,
          why="an ndarray", note=maker.__name__, **NO_GRADIENT)
      for maker in (whole, bools)),
    Row(".array", ((whole, 2, 3),), numpy=np.array, plain=True, any_shape=True,
        why="the backend's own array", **NO_GRADIENT),
    Row(".data", ((normal, 2, 3),), numpy=np.array, torch=lambda x: x.data,
        any_shape=True, **NO_GRADIENT),
    *(Row(f".{name}", ((normal, 2, 3), (normal, 3)), numpy=numpy,
          torch=lambda x, y, name=name: getattr(x.detach().clone(), name)(y),
          **NO_GRADIENT)
      for name, numpy in [
          ("add_", lambda x, y: x + y),
          ("sub_", lambda x, y: x - y),
          ("mul_", lambda x, y: x * y),
          ("div_", lambda x, y: x / y),
          ("copy_", lambda x, y: x * 0.0 + y),
      ]),
    Row(".fill_", ((normal, 2, 3), 0.5), numpy=lambda x, y: x * 0.0 + y,
        torch=lambda x, y: x.detach().clone().fill_(y), **NO_GRADIENT),
    Row(".zero_", ((whole, 2, 3),), numpy=lambda x: x * 0, torch=lambda x: x * 0,
        any_shape=True, **NO_GRADIENT),
    Row(".assign", ((normal, 2, 3),), numpy=lambda x: x + 1, any_shape=True,
        why="it returns nothing", **NO_GRADIENT),
    Row(".retain_grad", ((normal, 2, 3),), numpy=lambda x: 2 * (x + 1), any_shape=True,
        why="it returns nothing", **NO_GRADIENT),
]  # fmt: skip

LISTED = {name for row in ELEMENTWISE for name in row.names.split()}
# What is in the table of rules, and is called the same by all, needs no row of its own.
BY_RULE = [
    one(f"ops.{case.op.name}", *case.inputs[0][:1], getattr(np, case.op.name),
        getattr(torch, case.op.name))
    for case in CASES
    if case.op.elementwise and len(case.inputs) == 1 and not case.op.composite
    and f"ops.{case.op.name}" not in LISTED
]  # fmt: skip

ROWS = [
    *ELEMENTWISE,
    *BY_RULE,
    *REDUCTIONS,
    *SHAPING,
    *MATMUL,
    *EINSUM,
    *FUNCTIONAL,
    *CREATION,
    *AS_AN_OBJECT,
]
