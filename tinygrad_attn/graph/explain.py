"""`explain`: where does this gradient come from?

∂L/∂x is a sum over everything that x was used for. For one number of x, written out:

    ∂L/∂x = Σ over the uses z, Σ over z's numbers k:  ∂L/∂zₖ × ∂zₖ/∂x
                                                      upstream × local = contribution

`explain` lists these products, adds them up, and puts a finite difference beside the
sum (`differences.py`).

The local derivatives are read off the rules. A vjp is linear in the upstream gradient
u: vjp(u) = Σₖ uₖ · ∂zₖ/∂x. So run it on a u that records, and differentiate the result
by u: that is ∂zₖ/∂x, for all k at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf, isfinite, isnan
from pathlib import Path
from typing import Any

from .. import ops
from ..autograd import unbroadcast
from ..backends import namespace_of
from ..context import enable_grad
from ..differentiate import grad
from ..errors import named
from ..printing import LIMIT, nested, render, style
from ..shapes import strides_of
from ..tensor import Tensor, make
from .differences import Again
from .head import MOVEMENT
from .names import Names, formulas
from .plain import Numbers, listed
from .trace import Trace, inputs_of, recorded
from .values import flat

USES = 5  # that are printed,
PRODUCTS = 8  # of one use,
LINES = 8  # of one array,
WIDTH = 80  # and columns
CHECKED = 3  # numbers of a whole tensor whose finite difference is taken


@dataclass(eq=False)
class Product:
    """upstream × local = contribution, for one number z[index] that x was used for."""

    index: tuple[int, ...]
    upstream: float
    local: float
    contribution: float


@dataclass(eq=False)
class Use:
    """One edge from x to a result that was made from it.

    Attributes:
        name, op: the result, and the operation that made it.
        position: which of the operation's inputs x is, from 0; x * x has 0 and 1.
        inputs: how many tensors the operation took.
        formula, rule: what the operation computes, and gives back.
        shape: the result's.
        source: the file, line and text of the operation, inside `record()`, else "".
        products: for one number of x, the products that the contribution is the sum of;
            those with a local derivative of 0 are left out.
    """

    name: str
    op: str
    position: int
    inputs: int
    formula: str
    rule: str
    shape: tuple[int, ...]
    source: str
    products: list[Product] = field(repr=False)
    upstream_array: Any = field(repr=False)
    contribution_array: Any = field(repr=False)

    @property
    def upstream(self) -> Numbers:
        """∂L/∂result, as nested lists in its shape."""
        return listed(self.upstream_array)

    @property
    def contribution(self) -> Numbers:
        """What flows back along this edge: a number for one number of x, else nested
        lists in x's shape."""
        return listed(self.contribution_array)


@dataclass(eq=False)
class Explanation:
    """Where a gradient came from; printed, it says so. It holds numbers and texts only,
    and may outlive the graph that it was made from.

    Attributes:
        name: what is explained, such as "W_Q[0, 1]".
        root: what the gradient is of.
        value: its number, or its numbers as nested lists.
        gradient: ∂root/∂value, in the same form; None if nothing flowed to it.
        source: the line that made it, inside `record()`, else "".
        uses: every edge that contributes; their contributions add up to the gradient.
        finite_differences: (index, gradient, finite difference) of the number that was
            asked for, or of a tensor's largest gradients.
        note: why there is no gradient, or why the finite difference is another; or "".
    """

    name: str
    root: str
    value: Numbers
    gradient: Numbers
    source: str
    uses: list[Use]
    finite_differences: list[tuple[tuple[int, ...], float, float]]
    note: str = ""

    @property
    def finite_difference(self) -> float | None:
        """The finite difference of the number that was asked for, or of the largest;
        None if there is no gradient."""
        return self.finite_differences[0][2] if self.finite_differences else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as dicts, lists, numbers and strings."""
        found = dict(vars(self))
        found["finite_differences"] = [
            [list(index), g, difference]
            for index, g, difference in self.finite_differences
        ]
        found["uses"] = [
            {k: v for k, v in vars(use).items() if not k.endswith("_array")}
            | {"shape": list(use.shape)}
            | {"upstream": use.upstream, "contribution": use.contribution}
            | {"products": [vars(p) | {"index": list(p.index)} for p in use.products]}
            for use in self.uses
        ]
        return found

    def __repr__(self) -> str:
        return "\n".join(lines_of(self))


@named
def explain(x: Tensor, of: Tensor) -> Explanation:
    """Where ∂of/∂x comes from: every use of x as upstream × local = contribution, their
    sum, and a finite difference beside it.

    Like `unfold` it touches no `.grad` and frees nothing; call it before `backward()`.
    Recorded inside `record()`, it knows the line of every step. A parameter that an
    optimizer has moved since is explained as it was.

    Args:
        x: a tensor that `of` was made from, or one number of it: explain(x[0, 1], ...).
        of: a scalar, such as a loss.

    Raises:
        RuntimeError: `of` is not recorded, or freed.
        ValueError: `of` is no scalar, or x has no part in it, or is a part of a tensor
            with more than one number.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * 3.0
    >>> explain(x[1], of=(y * y).sum())
    ∂sum/∂input[1] = +36
      value 2
    <BLANKLINE>
    through mul (2,): z = x · y
                 upstream  ×        local  =  contribution
      mul[1]          +12  ×           +3  =           +36
    <BLANKLINE>
    sum of 1 use       = +36
    finite difference  ≈ +36
    """
    for what, given in (("", x), ("of=", of)):
        if not isinstance(given, Tensor):
            raise TypeError(
                f"explain: {what}{type(given).__name__} given; it takes a Tensor, or "
                "one number of it, x[i, j], and of= the scalar that was made from it"
            )
    trace = recorded("explain", of)
    root = trace.roots[0]
    if root.size != 1:
        raise ValueError(
            f"explain: of= a tensor of shape {root.shape} given; it must be one "
            "number, such as a loss: reduce it by sum() or mean(), or take one of it"
        )
    if not trace.seeds:
        raise ValueError(
            "explain: of= a tensor without a gradient given; nothing that it was made "
            "from has requires_grad=True"
        )
    t, element = located(trace, x)
    called = Names(trace).of(trace)
    name, value, gradient = called[t], listed(t.data), trace.gradients.get(t)
    uses = list(uses_of(trace, t, element, called))
    checked: list[tuple[tuple[int, ...], float, float]] = []
    note = "" if gradient is not None else closed(t, called[root])
    if gradient is not None:
        slopes = flat(gradient)
        ranked = range(t.size) if element is None else [element]
        again, scale = Again(trace, t), sum(map(size_of, uses))
        for i in sorted(ranked, key=lambda i: -abs(slopes[i]))[:CHECKED]:
            at, difference = index_of(i, t.shape), again.slope(i, slopes[i], scale)
            checked.append((at, slopes[i], difference))
            said = differing(again, i, slopes[i], difference, scale)
            if said and element is None:
                said = f"at {list(at)}, {said}"
            note = note or said
        if t is root:
            note = f"{name} itself, where the walk begins: ∂L/∂L = 1"
    if element is not None:
        name += f"{list(index_of(element, t.shape)) or ''}"
        value = flat(t.data)[element]
        gradient = None if gradient is None else flat(gradient)[element]
    source = str(t._where) if t._where else ""
    return Explanation(
        name, called[root], value, listed(gradient), source, uses, checked, note
    )


def located(trace: Trace, x: Tensor) -> tuple[Tensor, int | None]:
    """The tensor of the trace that x is, or is one number of; and where that number
    lies in it (None for all of it)."""
    copies: dict[Tensor, Tensor] = {}
    twice: set[Tensor] = set()
    for copy in trace.tensors():
        origin = trace.origin[copy]
        if origin in copies and copy not in trace.gradients:
            continue  # a mask was made from it, say
        if origin in copies and copies[origin] in trace.gradients:
            twice.add(origin)
        copies[origin] = copy
    moves: list[Tensor] = []
    source = x
    while source not in copies:
        inputs = inputs_of(source)
        moving = source._op is not None and source._op.name in (*MOVEMENT, "take")
        if not moving or not inputs:
            raise ValueError(
                f"explain: a tensor of shape {x.shape} given that has no part in of=, "
                "or only as a constant (made under no_grad(), or by detach()); give "
                "one that of= was made from"
            )
        moves.append(source)
        source = inputs[0]
    t = copies[source]
    if source in twice:
        raise ValueError(
            f"explain: a tensor of shape {t.shape} given that got new numbers between "
            "its uses (by an optimizer's step?); of= must be made from one state of it"
        )
    if x.size != 1 and moves:
        raise ValueError(
            f"explain: a part of shape {x.shape} given of a tensor of shape {t.shape}; "
            "give one number of it, x[i, j], or all of it"
        )
    if not moves:
        return t, 0 if x.size == 1 else None
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
            upstream = trace.gradients[user]
            products: list[Product] = []
            if element is not None:
                numbers = flat(upstream)
                products = [
                    Product(index_of(k, user.shape), numbers[k], d, numbers[k] * d)
                    for k, d in enumerate(local_derivatives(user, i, element))
                    if d  # nan counts
                ]
                share = flat(share)[element]
            assert user._op is not None
            yield Use(
                called[user],
                user._op.name,
                i,
                len(inputs_of(user)),
                *formulas(user._op),
                user.shape,
                str(user._where) if user._where else "",
                products,
                upstream,
                share,
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
    return flat(found.data)


def size_of(use: Use) -> float:
    """The size of the numbers that a contribution was added up from."""
    upstream = max((abs(u) for u in flat(use.upstream_array)), default=0.0)
    if use.products:  # a local derivative near 0 may be a difference of larger numbers
        return 1e-3 * upstream + sum(abs(p.contribution) for p in use.products)
    return upstream


def index_of(position: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of the number at a position, counted row by row."""
    return tuple(
        position // stride % size for size, stride in zip(shape, strides_of(shape))
    )


# --- what a note says -----------------------------------------------------------------


def closed(t: Tensor, root: str) -> str:
    """Why nothing flowed to a tensor."""
    if not t.requires_grad:
        return "no gradient: it is a constant (requires_grad=False)"
    return (
        f"no gradient: nothing flows from {root} to it; on every way there stands a "
        "stop_gradient or a comparison"
    )


def differing(
    again: Again, i: int, gradient: float, difference: float, scale: float
) -> str:
    """Why a finite difference is not the gradient; "" if it is."""
    if not isfinite(gradient) or again.near(difference, gradient, scale):
        return ""
    if isnan(difference):
        return "there is no finite difference: a small step leads to what is no number"
    left, right = again.sides(i)
    if abs(left - right) > abs(gradient - difference):
        return (
            f"they differ: the slope is {left:+.5g} to the left and {right:+.5g} to "
            "the right. At a kink, such as relu at 0 or a tie in a maximum, the rule "
            "chooses one."
        )
    return "they differ by more than rounding explains"


# --- as text --------------------------------------------------------------------------


def lines_of(found: Explanation) -> Iterator[str]:
    """An explanation, line by line; however large the graph, they are few."""
    name, whole = clipped(found.name, 44, at_end=False), isinstance(found.value, list)
    head = f"∂{clipped(found.root, 20)}/∂{name}"
    if found.gradient is None or whole:
        yield head
    else:
        yield f"{head} = {found.gradient:+.10g}"
    yield shown("  value ", found.value)
    if found.source:
        yield clipped(f"  made at {short(found.source)}")
    if found.gradient is None:
        yield from wrapped(found.note)
        return
    ranked = sorted(found.uses, key=_by_contribution) if found.uses[USES:] else None
    picked = (ranked or found.uses)[:USES]
    few = len(picked) <= 2
    for use in picked:
        yield ""
        yield clipped(title(use))
        if use.source:
            yield clipped(f"  at {short(use.source)}")
        if whole:
            if use.rule:
                yield clipped(f"  rule: {use.rule}")
            yield shown("  upstream     ", use.upstream, LINES if few else 3)
            yield shown("  contribution ", use.contribution, LINES if few else 3)
        else:
            yield from table(use, PRODUCTS if few else PRODUCTS // 2)
    if ranked:
        yield ""
        rest = f"... and {plural(len(ranked) - USES, 'more use')}"
        if not whole:
            rest += f": {sum(use.contribution for use in ranked[USES:]):+.5g} together"
        yield rest
    yield ""
    if found.uses:
        total = f"sum of {plural(len(found.uses), 'use')}"
        if whole:
            yield shown(f"{total} = ", found.gradient)
        else:
            yield f"{total:<17}  = {found.gradient:+.10g}"
    if not whole:
        yield f"finite difference  ≈ {found.finite_difference:+.10g}"
    elif found.finite_differences:
        labels = [str(list(index)) for index, _, _ in found.finite_differences]
        width = max(17, *map(len, labels))
        yield (
            f"{'where it is largest':<{width + 2}} {'gradient':>18}  "
            f"{'finite difference':>18}"
        )
        for label, (_, g, difference) in zip(labels, found.finite_differences):
            yield f"  {label:<{width}} {g:>+18.10g}  {difference:>+18.10g}"
    yield from wrapped(found.note)


def title(use: Use) -> str:
    """through h (2, 2), input 1 of matmul: z = x y"""
    which = f"input {use.position} of {use.op}" if use.inputs > 1 else use.op
    if use.inputs == 1 and use.name == use.op:
        which = ""
    shape = f" {use.shape}" if use.shape else ""
    made = ", ".join(p for p in (f"through {clipped(use.name, 36)}{shape}", which) if p)
    return f"{made}: {use.formula}" if use.formula else made


def table(use: Use, most: int) -> Iterator[str]:
    """The products of a use in columns, the largest first."""
    ranked = sorted((p for p in use.products if p.contribution), key=_by_size)
    labels = [
        clipped(f"{use.name}{list(p.index) or ''}", 30, at_end=False)
        for p in ranked[:most]
    ]
    width = max(map(len, labels), default=0)
    if ranked:
        yield f"  {'':<{width}} {'upstream':>12}  × {'local':>12}  =  contribution"
    for label, p in zip(labels, ranked):
        yield (
            f"  {label:<{width}} {p.upstream:>+12.5g}  × {p.local:>+12.5g}  =  "
            f"{p.contribution:>+12.5g}"
        )
    rest = ranked[most:]
    zeros = len(use.products) - len(ranked)
    wide = width + 31  # up to the "="
    if rest:
        smaller = sum(p.contribution for p in rest)
        text = f"and {plural(len(rest), 'smaller product')}"
        yield f"  {text:<{wide}}=  {smaller:>+12.5g}"
    if zeros:
        yield f"  {'and ' if ranked else ''}{plural(zeros, 'product')} of 0"
    if not use.products:
        yield "  every local derivative is 0"
    if len(ranked) > 1:
        yield f"  {'together':<{wide}}   {use.contribution:>+12.5g}"


def shown(label: str, numbers: Numbers, most: int = LINES) -> str:
    """Numbers in rows under each other; their corners only if they are many, and only
    how large they are if those are many too."""
    if not isinstance(numbers, list):
        return f"{label}{numbers:.10g}"
    shape: list[int] = []
    values = [numbers]
    while values and isinstance(values[0], list):
        shape.append(len(values[0]))
        values = [v for row in values for v in row]
    form = style(numbers)
    for edge in (None, 3, 2, 1):
        if edge is None and len(values) > LIMIT:
            continue
        texts: list[str] = []
        layout = nested(numbers, edge, form, texts)
        width = max(map(len, texts), default=0) if len(shape) > 1 else 0
        rows = render(layout, width, len(label)).split("\n")
        if len(rows) <= most and len(label + rows[0]) <= WIDTH:
            return label + "\n".join(rows)
    low, high = min(values, default=0.0), max(values, default=0.0)
    return f"{label}of shape {tuple(shape)}, from {low:+.5g} to {high:+.5g}"


def short(source: str) -> str:
    """A line of source with the last two parts of the file's path."""
    found = re.match(r"(.*?):(\d+(?:: .*)?)$", source, re.DOTALL)
    if found is None:
        return source
    return f"{'/'.join(Path(found[1]).parts[-2:])}:{found[2]}"


def clipped(text: str, width: int = WIDTH, at_end: bool = True) -> str:
    """A text that is no longer than this, for want of its end or its beginning."""
    if len(text) <= width:
        return text
    return f"{text[: width - 1]}…" if at_end else f"…{text[1 - width :]}"


def wrapped(text: str) -> Iterator[str]:
    """A sentence in lines of at most WIDTH."""
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    if line:
        yield line


def plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _by_size(product: Product) -> float:
    """The largest first, and nan before them."""
    size = abs(product.contribution)
    return -inf if isnan(size) else -size


def _by_contribution(use: Use) -> float:
    """The largest first."""
    numbers = use.contribution_array
    if not hasattr(numbers, "shape"):
        return -abs(float(numbers))
    return -max((abs(v) for v in flat(numbers)), default=0.0)
