"""`explain`: where does this gradient come from?

∂L/∂x is a sum over all uses of x. For one number of x, written out:

    ∂L/∂x = Σ over the uses z, Σ over z's numbers k:  ∂L/∂zₖ × ∂zₖ/∂x
                                                      upstream × local = contribution

`explain` lists these products, adds them up, and puts a finite difference beside the
sum (`differences.py`).

The local derivatives come from the rules. A vjp is linear in the upstream gradient
u: vjp(u) = Σₖ uₖ · ∂zₖ/∂x. So run it on a u that records, and differentiate the result
by u: that is ∂zₖ/∂x, for all k at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from math import inf, isfinite, isnan

from ... import ops
from ...arrays.backends import namespace_of
from ...autograd.differentiate import grad
from ...autograd.recording import make
from ...autograd.walk import unbroadcast
from ...context import enable_grad
from ...tensor import Tensor
from ..data import flat, index_of, to_lists
from ..names import Names
from ..noise import noise_in
from ..trace import Trace, inputs_of, moved, moves, trace_of
from .differences import Again
from .explanation import Explanation as Explanation
from .explanation import Product, Use

NO_PART = (
    "explain: a tensor of shape {shape} given that has no part in of=, or only as a "
    "constant (made under no_grad(), or by detach()); give one that of= was made from"
)
ALIKE = 0.1  # of a gradient; a finite difference as near to it confirms it
CHECKED = 3  # of a whole tensor, the numbers that get a finite difference


def explain(x: Tensor, of: Tensor | None = None) -> Explanation:
    """Where ∂of/∂x comes from: every use of x as upstream × local = contribution, their
    sum, and a finite difference beside it.

    Like `unfold` it touches no `.grad` and frees nothing; call it before `backward()`.
    If the graph was recorded inside `record()`, it knows the source line of every step.
    If an optimizer has changed a parameter since, `explain` uses the old numbers.

    Args:
        x: a tensor that `of` was made from, or one number of it: explain(x[0, 1], ...).
        of: a scalar, such as a loss; it must be given.

    Raises:
        TypeError: x or `of` is no Tensor.
        RuntimeError: `of` is not recorded, or freed.
        ValueError: `of` is no scalar or has no gradient; or x has no part in it, or is
            a slice with more than one number.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> y = x * 3.0
    >>> explain(x[1], of=(y * y).sum())
    ∂loss/∂input[1] = +36
      value 2
    <BLANKLINE>
    through mul (2,): z = x ⊙ y
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
    trace = trace_of("explain", of)
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
    t, element = locate(trace, x)
    called = Names(trace).of(trace)
    name, value, gradient = called[t], to_lists(t.array), trace.gradients.get(t)
    uses = list(uses_of(trace, t, element, called))
    checked: list[tuple[tuple[int, ...], float, float]] = []
    note = "" if gradient is not None else why_none(t, called[root])
    if gradient is not None:
        slopes = flat(gradient)
        ranked = range(t.size) if element is None else [element]
        again, scale = Again(trace, t), sum(map(size_of, uses))
        for i in sorted(ranked, key=partial(by_size, slopes))[:CHECKED]:
            at, difference = index_of(i, t.shape), again.slope(i, slopes[i], scale)
            checked.append((at, slopes[i], difference))
            said = differing(again, i, slopes[i], difference, scale)
            if said and element is None:
                said = f"at {list(at)}, {said}"
            note = note or said
        if t is root:
            note = f"{name} itself, where the walk begins: ∂L/∂L = 1"
        elif element is not None and not isfinite(slopes[element]):
            note = why_not_finite(uses)
        elif element is not None and is_noise(slopes[element], difference, trace, t):
            note = "≈ 0: the contributions cancel, and what is left is rounding"
    if element is not None:
        name += f"{list(index_of(element, t.shape)) or ''}"
        value = flat(t.array)[element]
        gradient = None if gradient is None else flat(gradient)[element]
    source = str(t._where) if t._where else ""
    return Explanation(
        name, called[root], value, to_lists(gradient), source, uses, checked, note
    )


def locate(trace: Trace, x: Tensor) -> tuple[Tensor, int | None]:
    """The tensor of the trace that x is, or is one number of; and the position of that
    number in it, or None for the whole tensor."""
    copies: dict[Tensor, Tensor] = {}
    twice: set[Tensor] = set()
    for copy in trace.tensors():
        origin = trace.origin[copy]
        if origin in copies and copy not in trace.gradients:
            continue  # used without a gradient, such as to make a mask
        if origin in copies and copies[origin] in trace.gradients:
            twice.add(origin)
        copies[origin] = copy
    steps: list[Tensor] = []
    source = x
    while source not in copies:
        inputs = inputs_of(source)
        numbers = [v for v in inputs if v.dtype.startswith("float")]
        if not moves(source) or len(numbers) != 1:
            raise ValueError(NO_PART.format(shape=x.shape))
        steps.append(source)
        source = inputs[0]
    t = copies[source]
    if source in twice:
        raise ValueError(
            f"explain: a tensor of shape {t.shape} given that got new numbers between "
            "its uses (by an optimizer's step?); of= must be made from one state of it"
        )
    if x.size != 1 and steps:
        raise ValueError(
            f"explain: a part of shape {x.shape} given of a tensor of shape {t.shape}; "
            "give one number of it, x[i, j], or all of it"
        )
    if not steps:
        return t, 0 if x.size == 1 else None
    xp = namespace_of([t.array])
    at = xp.reshape(xp.arange(1, t.size + 1), t.shape)  # 0 is a number put beside them
    for move in reversed(steps):
        rest = [v.array if isinstance(v, Tensor) else v for v in move._inputs or ()][1:]
        assert move._op is not None
        at = moved(xp, move._op, move._params, at, *rest)
    found = int(xp.reshape(at, (1,)).tolist()[0])
    if not found:
        raise ValueError(NO_PART.format(shape=x.shape))
    return t, found - 1


def uses_of(
    trace: Trace, t: Tensor, element: int | None, called: dict[Tensor, str]
) -> Iterator[Use]:
    """The edges out of t that contribute to its gradient."""
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
            count, letters = len(inputs_of(user)), user._op.inputs
            yield Use(
                called[user],
                user._op.name,
                i,
                count,
                letters[i] if count <= len(letters) else "",
                user._op.equation,
                user._op.gradients,
                user.shape,
                str(user._where) if user._where else "",
                products,
                upstream,
                share,
            )


def local_derivatives(z: Tensor, position: int, element: int) -> list[float]:
    """∂zₖ/∂x for every number zₖ of z, where x is one number of one of z's inputs."""
    assert z._op is not None
    assert z._op.vjp is not None
    inputs = [make(x.array) if isinstance(x, Tensor) else x for x in z._inputs or ()]
    needs = [i == position for i in range(len(inputs))]
    xp = namespace_of([z.array])
    with ExitStack() as stack:
        stack.enter_context(enable_grad())
        stack.enter_context(xp.quiet())
        u = make(xp.full(z.shape, 1.0, z.dtype)).requires_grad_()
        shares = z._op.vjp(ops, u, make(z.array), inputs, needs, None, **z._params)
        share = shares[position]
        if share.shape != inputs[position].shape:
            share = unbroadcast(ops, share, inputs[position].shape, z._op)
        if not share.requires_grad:
            return [0.0] * z.size
        (found,) = grad(share.reshape(share.size)[element], u)
    return flat(found.array)


def by_size(numbers: list[float], i: int) -> float:
    """A sort key: nan first, then the largest."""
    return -inf if isnan(numbers[i]) else -abs(numbers[i])


def size_of(use: Use) -> float:
    """The size of the numbers that add up to a contribution."""
    upstream = max((abs(u) for u in flat(use.upstream_array)), default=0.0)
    if use.products:  # a local derivative near 0 may be a difference of larger numbers
        return 1e-3 * upstream + sum(abs(p.contribution) for p in use.products)
    return upstream


# --- notes ----------------------------------------------------------------------------


def why_none(t: Tensor, root: str) -> str:
    """Why a tensor has no gradient."""
    if not t.requires_grad:
        return "no gradient: it is a constant (requires_grad=False)"
    return (
        f"no gradient: nothing flows from {root} to it; on every way there stands a "
        "stop_gradient or a comparison"
    )


def why_not_finite(uses: list[Use]) -> str:
    """Where a gradient becomes nan or infinite, or through which step it comes."""
    for use in uses:
        for p in use.products:
            if isfinite(p.contribution):
                continue
            step, what = f"{use.name}{list(p.index) or ''}", f"{p.contribution:g}"
            if not isfinite(p.upstream):
                return f"{what} comes from {step}, whose gradient is {p.upstream:g}"
            return (
                f"{what} begins at {step}: {p.upstream:g}, which arrives there, times "
                f"{p.local:g}, its slope here, is {what}"
            )
    return "the contributions are finite, and their sum is not"


def is_noise(gradient: float, difference: float, trace: Trace, t: Tensor) -> bool:
    """Whether one number of a gradient is what rounding left of contributions that
    cancel, here or on the way here, as pictures say it. If the finite difference is
    nearly the same, it is none."""
    if abs(difference - gradient) <= ALIKE * abs(gradient):
        return False
    return 0.0 < abs(gradient) <= noise_in(trace).gradients.get(t, 0.0)


def differing(
    again: Again, i: int, gradient: float, difference: float, scale: float
) -> str:
    """Why a finite difference is not the gradient; "" if they agree."""
    if not isfinite(gradient) or again.near(difference, gradient, scale):
        return ""
    if isnan(difference):
        return "there is no finite difference: a small step leads to what is no number"
    left, right = again.sides(i)
    if abs(left - right) > abs(gradient - difference):
        return (
            f"they differ: the slope is {left:+.5g} to the left and {right:+.5g} to "
            f"the right. {kinks(again)}"
        )
    return "they differ by more than rounding explains"


def kinks(again: Again) -> str:
    """Which steps on the way have a kink, and what their rules take there."""
    ops = dict.fromkeys(z._op for z in again.after if z._op)
    found = [f"{op.name} has one {op.meaning.kink}" for op in ops if op.meaning.kink]
    told = "; ".join(found) or "a comparison jumps"
    return f"At a kink a rule chooses one slope: {told}."
