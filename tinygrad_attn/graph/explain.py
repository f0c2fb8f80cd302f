"""`explain`: where does this gradient come from?

∂L/∂x is a sum over everything that x was used for. For one number of x, written out:

    ∂L/∂x = Σ over the uses z, Σ over z's numbers k:  ∂L/∂zₖ · ∂zₖ/∂x
                                                      upstream · local = contribution

`explain` lists these products, adds them up, and puts a finite difference beside the
sum: L is computed again, from what was recorded, with x a little larger and smaller.

The local derivatives are read off the rules. A vjp is linear in the upstream gradient
u: vjp(u) = Σₖ uₖ · ∂zₖ/∂x. So run it on a u that records, and differentiate the result
by u: that is ∂zₖ/∂x, for all k at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import ops
from ..autograd import unbroadcast
from ..backends import namespace_of
from ..context import enable_grad, no_grad
from ..differentiate import grad
from ..errors import named
from ..printing import tensor_repr
from ..tensor import Tensor, make
from .head import MOVEMENT
from .names import Names, formulas
from .plain import Numbers, listed
from .trace import Trace, inputs_of, recorded
from .unfold import indices
from .values import flat

SHOWN = 8  # products of one use, and uses, that are printed
STEP = 2.0**-17  # of the finite difference, about the cube root of a float's precision
CHECKED = 3  # numbers of a whole tensor whose finite difference is taken


@dataclass(eq=False)
class Product:
    """upstream · local = contribution, for one number z[index] that x was used for."""

    index: tuple[int, ...]
    upstream: float
    local: float
    contribution: float


@dataclass(eq=False)
class Use:
    """One edge from x to a result that was made from it.

    Attributes:
        name, op: the result, and the operation that made it.
        position: which of the operation's inputs x is, from 0.
        formula, rule: what the operation computes, and gives back.
        shape: the result's.
        source: the file, line and text of the operation, inside `record()`, else "".
        upstream: ∂L/∂result, nested lists in its shape.
        contribution: what flows back along this edge, in x's shape (one number for one
            number of x).
        products: for one number of x, the products that the contribution is the sum of;
            those with a local derivative of 0 are left out.
    """

    name: str
    op: str
    position: int
    formula: str
    rule: str
    shape: tuple[int, ...]
    source: str
    upstream: Numbers
    contribution: Numbers
    products: list[Product]


@dataclass(eq=False)
class Explanation:
    """Where a gradient came from; printed, it says so.

    Attributes:
        name: what is explained, such as "W_Q[0, 1]".
        root: what the gradient is of.
        value: its number or numbers.
        gradient: ∂root/∂value; None if nothing flowed to it.
        source: the line that made it, inside `record()`, else "".
        uses: every edge that contributes; their contributions add up to the gradient.
        finite_differences: (index, gradient, finite difference) of the number that was
            asked for, or of a tensor's largest gradients.
    """

    name: str
    root: str
    value: Numbers
    gradient: Numbers
    source: str
    uses: list[Use]
    finite_differences: list[tuple[tuple[int, ...], float, float]]

    @property
    def finite_difference(self) -> float:
        """The finite difference of the number that was asked for, or of the largest."""
        return self.finite_differences[0][2]

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        whole = isinstance(self.gradient, list)
        yield f"∂{self.root}/∂{self.name}" + ("" if whole else f" = {self.gradient!r}")
        yield shown("  value ", self.value)
        if self.source:
            yield f"  made at {short(self.source)}"
        if self.gradient is None:
            yield f"  nothing flows from {self.root} to it"
            return
        for use in self.uses[:SHOWN]:
            yield ""
            yield f"through {use.name} {use.shape}, {use.op} ({use.formula})"
            if use.source:
                yield f"  at {short(use.source)}"
            yield from self._products(use) if not whole else self._arrays(use)
        if len(self.uses) > SHOWN:
            yield f"\n... and {len(self.uses) - SHOWN} more uses"
        yield ""
        if whole:
            yield shown(f"sum of {plural(len(self.uses), 'use')} ", self.gradient)
        else:
            yield f"sum of {plural(len(self.uses), 'use')} {self.gradient:>+.10e}"
        for index, g, difference in self.finite_differences:
            at = f" at {list(index)}: {g:+.10e}, and" if whole else ":"
            yield f"finite difference{at} {difference:+.10e}"

    def _products(self, use: Use) -> Iterator[str]:
        ranked = sorted(use.products, key=_by_size)[:SHOWN]
        names = [f"{use.name}{list(p.index) or ''}" for p in ranked]
        width = max(map(len, names), default=0)
        for name, p in zip(names, ranked):
            yield (
                f"  ∂{self.root}/∂{name:<{width}} {p.upstream:>+12.5g}  ·  local "
                f"{p.local:>+12.5g}  =  {p.contribution:>+12.5g}"
            )
        rest = len(use.products) - len(ranked)
        if rest:
            others = sum(p.contribution for p in use.products) - sum(
                p.contribution for p in ranked
            )
            yield f"  ... and {rest} smaller products, together {others:+.5g}"
        yield f"  contribution {use.contribution:+.10e}"

    def _arrays(self, use: Use) -> Iterator[str]:
        yield f"  rule: {use.rule or 'see the source of ' + use.op}"
        yield shown("  upstream ", use.upstream)
        yield shown("  contribution ", use.contribution)


@named
def explain(x: Tensor, of: Tensor) -> Explanation:
    """Where ∂of/∂x comes from: every use of x as upstream · local = contribution, their
    sum, and a finite difference beside it.

    Like `unfold` it touches no `.grad` and frees nothing; call it before `backward()`.
    Recorded inside `record()`, it knows the line of every step.

    Args:
        x: a tensor that `of` was made from, or one number of it: explain(x[0, 1], ...).
        of: a scalar, such as a loss.

    Raises:
        RuntimeError: `of` is not recorded, or freed.
        ValueError: `of` is no scalar, or x has no part in it.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * 3.0
    >>> found = explain(x[1], of=(y * y).sum())
    >>> use, = found.uses
    >>> [(p.upstream, p.local, p.contribution) for p in use.products]
    [(12.0, 3.0, 36.0)]
    >>> abs(found.finite_difference - 36.0) < 1e-6
    True
    """
    trace = recorded("explain", of)
    root = trace.roots[0]
    if not trace.seeds:
        raise ValueError(
            f"explain: of= a tensor of shape {root.shape} given; it must be a scalar "
            "that requires a gradient, such as a loss"
        )
    t, element = located(trace, x)
    called = Names(trace).of(trace)
    g = trace.gradients.get(t)
    uses = list(uses_of(trace, t, element, called))
    at = list(indices(t.shape))
    name, value, gradient = called[t], listed(t.data), None if g is None else listed(g)
    if element is not None:
        name += f"{list(at[element])}" if t.shape else ""
        value = flat(t.data)[element]
        gradient = None if g is None else flat(g)[element]
    checked = []
    if g is not None:
        slopes = flat(g)
        largest = sorted(range(t.size), key=lambda i: -abs(slopes[i]))[:CHECKED]
        again = Again(trace, t)
        for i in largest if element is None else [element]:
            checked.append((at[i], slopes[i], again.slope(i)))
    source = str(t._where) if t._where else ""
    return Explanation(name, called[root], value, gradient, source, uses, checked)


def located(trace: Trace, x: Any) -> tuple[Tensor, int | None]:
    """The tensor of the trace that x is, or is one number of; and where that number
    lies in it (None for all of it)."""
    if not isinstance(x, Tensor):
        raise TypeError(
            f"explain: a {type(x).__name__} given; it takes a Tensor that the root was "
            "made from, or one number of it, x[i, j]"
        )
    copies = {origin: copy for copy, origin in trace.origin.items()}
    if x in copies:
        return copies[x], 0 if x.size == 1 else None
    moves: list[Tensor] = []
    source = x
    while source not in copies:
        inputs = inputs_of(source)
        moving = source._op is not None and source._op.name in (*MOVEMENT, "take")
        if not moving or not inputs:
            raise ValueError(
                f"explain: a tensor of shape {x.shape} given that has no part in the "
                "root; give one that it was made from and that requires a gradient"
            )
        moves.append(source)
        source = inputs[0]
    t = copies[source]
    if x.size != 1:
        raise ValueError(
            f"explain: a part of shape {x.shape} given of a tensor of shape {t.shape}; "
            "give one number of it, x[i, j], or all of it"
        )
    xp = namespace_of([t.data])
    at = xp.reshape(xp.arange(0, t.size), t.shape)
    for move in reversed(moves):
        rest = [v.data if isinstance(v, Tensor) else v for v in move._inputs or ()][1:]
        assert move._op is not None
        at = move._op.forward(xp, at, *rest, **move._params)
    return t, int(xp.reshape(at, (1,)).tolist()[0])


def uses_of(
    trace: Trace, t: Tensor, element: int | None, called: dict[Tensor, str]
) -> Iterator[Use]:
    """Every edge out of t that contributes to its gradient."""
    for user in trace.tensors():
        shares = trace.shares.get(user, ())
        for i, share in enumerate(shares):
            if share is None or (user._inputs or ())[i] is not t:
                continue
            g = trace.gradients[user]
            products: list[Product] = []
            contribution = listed(share)
            if element is not None:
                local = local_derivatives(user, i, element)
                products = [
                    Product(at, u, d, u * d)
                    for at, u, d in zip(indices(user.shape), flat(g), local)
                    if d != 0.0
                ]
                contribution = flat(share)[element]
            assert user._op is not None
            yield Use(
                called[user],
                user._op.name,
                i,
                *formulas(user._op),
                user.shape,
                str(user._where) if user._where else "",
                listed(g),
                contribution,
                products,
            )


def local_derivatives(z: Tensor, position: int, element: int) -> list[float]:
    """∂zₖ/∂x for every number zₖ of z, x being one number of one of its inputs."""
    assert z._op is not None
    assert z._op.vjp is not None
    inputs = [make(x.data) if isinstance(x, Tensor) else x for x in z._inputs or ()]
    needs = [i == position for i in range(len(inputs))]
    xp = namespace_of([z.data])
    with ExitStack() as stack:
        stack.enter_context(enable_grad())
        stack.enter_context(xp.quiet())
        u = make(xp.full(z.shape, 1.0, z.dtype)).requires_grad_()
        shares = z._op.vjp(ops, u, make(z.data), inputs, needs, None, **z._params)
        share = shares[position]
        if share.shape != inputs[position].shape:
            share = unbroadcast(ops, share, inputs[position].shape, z._op)
        if not share.requires_grad:
            return [0.0] * z.size
        (found,) = grad(share.reshape(share.size)[element], u)
    return [float(v) for v in flat(found.data)]


class Again:
    """The root computed again, with one number of a tensor changed; in float64."""

    def __init__(self, trace: Trace, t: Tensor) -> None:
        self.t, self.root = t, trace.roots[0]
        self.xp = namespace_of([t.data])
        self.after: list[Tensor] = []  # what depends on t
        touched = {t}
        for other in trace.tensors():
            if touched & set(inputs_of(other)):
                touched.add(other)
                self.after.append(other)
        self.wide: dict[Tensor, Any] = {}

    def slope(self, element: int) -> float:
        """The central difference of the root at one number."""
        x = flat(self.t.data)[element]
        h: float = STEP * max(1.0, abs(x))
        rise: float = self.at(element, x + h) - self.at(element, x - h)
        return rise / (2.0 * h)

    def at(self, element: int, value: float) -> float:
        numbers = flat(self.t.data)[:]
        numbers[element] = value
        xp = self.xp
        moved = {self.t: xp.reshape(xp.asarray(numbers, "float64"), self.t.shape)}
        with no_grad(), xp.quiet():
            for z in self.after:
                arrays = [
                    (moved[x] if x in moved else self.widened(x))
                    if isinstance(x, Tensor)
                    else x
                    for x in z._inputs or ()
                ]
                assert z._op is not None
                params = z._params
                if str(params.get("dtype", "")).startswith("float"):
                    params = params | {"dtype": "float64"}
                out = z._op.forward(xp, *arrays, **params)
                moved[z] = out[0] if isinstance(out, tuple) else out
        return float(flat(moved[self.root])[0])

    def widened(self, x: Tensor) -> Any:
        if x not in self.wide:
            single = x.dtype == "float32"
            self.wide[x] = self.xp.astype(x.data, "float64") if single else x.data
        return self.wide[x]


def shown(label: str, numbers: Numbers) -> str:
    """Numbers as a Tensor prints them, corners only if they are many."""
    if not isinstance(numbers, list):
        return f"{label}{numbers:.10g}"
    text = tensor_repr(Tensor(numbers))
    rows = text[len("Tensor(") : text.rindex("]") + 1].split("\n" + " " * 7)
    return label + ("\n" + " " * len(label)).join(rows)


def short(source: str) -> str:
    """A line of source with the file's name only."""
    path, colon, rest = source.partition(":")
    return f"{Path(path).name}{colon}{rest}"


def plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}:"


def _by_size(product: Product) -> float:
    return -abs(product.contribution)
