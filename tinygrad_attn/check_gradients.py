"""Is a gradient right? Ask the function itself.

The derivative of f in the direction v is how fast f changes when the input moves along
v. Finite differences measure it from values of f alone. It must equal ⟨∂f, v⟩, the
result of backpropagation. One random direction per input tests all its partial
derivatives at once: a rule that is wrong anywhere is wrong along almost every
direction.

The difference quotient is the five-point one,

    f'(0) ≈ [f(-2h) - 8 f(-h) + 8 f(h) - f(2h)] / 12h,

whose error is of order h⁴: in float64, with h = 1e-3, about eleven digits are right
where the usual (f(h) - f(-h)) / 2h has seven or eight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose
from random import Random
from typing import Any

from .autograd.differentiate import grad, several
from .autograd.walk import topological_order
from .context import record
from .errors import check_number
from .functions.operands import constant
from .tensor import Tensor


class GradcheckError(RuntimeError):
    """Backpropagation and finite differences disagree, or cannot be compared: func is
    random, or does not use its argument.

    >>> issubclass(GradcheckError, RuntimeError)
    True
    """


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    eps: float = 1e-3,
    atol: float = 1e-7,
    rtol: float = 1e-7,
) -> bool:
    """Compares every input's gradient with finite differences, along random directions.

    Args:
        func: takes the inputs, returns a Tensor or several. It is called with copies of
            the inputs, so it must compute with its arguments. It must be smooth within
            2 eps of the inputs: keep them away from kinks and ties.
        inputs: those that require a gradient are checked; they must be float64.
        eps: the step h, in units of the input.
        atol, rtol: |measured - computed| may be atol + rtol·|measured|.

    Returns:
        True.

    Raises:
        GradcheckError: names the input and both numbers; or says that func is random,
            or that it does not use an input.
        ValueError: nothing requires a gradient.
        TypeError: an input is not float64.

    >>> gradcheck(lambda x: x.tanh(), Tensor([0.5, -1.0], requires_grad=True))
    True
    """
    check_steps("gradcheck", eps, atol, rtol)
    given = arguments("gradcheck", func, inputs)
    outputs = first_call("gradcheck", func, given, eps)
    draw = Random(0)
    weights = [direction_beside(z, draw) for z in outputs]
    compare("gradcheck", func, given, weights, draw, eps, atol, rtol)
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Tensor | Sequence[Tensor] | None = None,
    eps: float = 1e-3,
    atol: float = 1e-6,
    rtol: float = 1e-6,
) -> bool:
    """gradcheck of the gradient itself: are the second derivatives right?

    Args:
        grad_outputs: weights of the outputs; random numbers by default.
        The others as for `gradcheck`.

    >>> gradgradcheck(lambda x: x.tanh(), Tensor([0.5, -1.0], requires_grad=True))
    True
    """
    check_steps("gradgradcheck", eps, atol, rtol)
    given = arguments("gradgradcheck", func, inputs)
    outputs = first_call("gradgradcheck", func, given, eps)
    if grad_outputs is None:
        draw = Random(1)
        weights = [direction_beside(z, draw) for z in outputs]
    else:
        weights = several("gradgradcheck", "grad_outputs", grad_outputs)
    n = len(given)

    def first_derivatives(*args: Any) -> list[Tensor]:
        wanted = [args[i] for i in checked(args[:n])]
        outputs = _several(func(*args[:n]))
        pairs = [(z, w) for z, w in zip(outputs, args[n:]) if z.requires_grad]
        found = grad(
            [z for z, _ in pairs],
            wanted,
            [w for _, w in pairs],
            create_graph=True,
            allow_unused=True,
        )
        return [g for g in found if g is not None]

    given = (*given, *(leaf_like(w) for w in weights))
    draw = Random(0)
    weights = [direction_beside(g, draw) for g in first_derivatives(*given)]
    compare("gradgradcheck", first_derivatives, given, weights, draw, eps, atol, rtol)
    return True


def compare(
    who: str,
    func: Callable[..., Any],
    given: tuple[Any, ...],
    weights: Sequence[Tensor],
    draw: Random,
    eps: float,
    atol: float,
    rtol: float,
) -> None:
    """Holds ∂(Σ weights · outputs)/∂input against finite differences, along a random
    direction for each input that requires a gradient."""
    copies = copies_of(given)
    graph = [
        (z, w) for z, w in zip(_several(func(*copies)), weights) if z.requires_grad
    ]
    gradients = grad(
        [z for z, _ in graph],
        [copies[i] for i in checked(given)],
        [w for _, w in graph],
        allow_unused=True,
    )

    def along(i: int, direction: Tensor, step: float) -> float:
        """Σ weights · outputs with input i moved by step · direction."""
        moved = list(copies)
        moved[i] = leaf_like(given[i].detach() + direction * step)
        total = 0.0
        for z, w in zip(_several(func(*moved)), weights):
            total += (z.detach() * w).sum().item()
        return total

    for i, g in zip(checked(given), gradients):
        direction = direction_beside(given[i], draw)
        f = [along(i, direction, step * eps) for step in (-2, -1, 1, 2)]
        measured = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * eps)
        computed = 0.0 if g is None else (g.detach() * direction).sum().item()
        if not abs(measured - computed) <= atol + rtol * abs(measured):
            raise GradcheckError(
                f"{who}: input {i} of shape {given[i].shape}: along a random "
                f"direction finite differences give {measured:.10g}, backpropagation "
                f"{computed:.10g}"
            )


# --- whether there is anything to compare ---------------------------------------------


def first_call(
    who: str, func: Callable[..., Any], given: tuple[Any, ...], eps: float
) -> list[Tensor]:
    """func's outputs at copies of the inputs, once it is seen that they can be checked:
    a second call gives the same, and every input has a part in them."""
    wanted = checked(given)
    if not wanted:
        raise ValueError(f"{who}: no input requires a gradient; nothing to check")
    for i in wanted:
        if given[i].dtype != "float64":
            raise TypeError(
                f"{who}: input {i} is {given[i].dtype}; finite differences need float64"
            )
    copies = copies_of(given)
    with record():  # so that what no gradient passes is seen to be used, too
        outputs = _several(func(*copies))
    check_repeats(who, outputs, _several(func(*copies)))
    for i in wanted:
        check_used(who, func, given, copies, i, outputs, eps)
    if not any(z.requires_grad for z in outputs):
        raise GradcheckError(f"{who}: no output has a graph, so no gradient exists")
    return outputs


def check_repeats(who: str, first: list[Tensor], second: list[Tensor]) -> None:
    """Refuses a func whose outputs differ from call to call: finite differences would
    measure the chance in it."""
    apart = difference(first, second)
    if apart:
        raise GradcheckError(
            f"{who}: func called twice with the same inputs gave different results "
            f"({apart}); it must not depend on chance: switch dropout off with "
            "model.eval(), or draw the mask once, outside func"
        )


def check_used(
    who: str,
    func: Callable[..., Any],
    given: tuple[Any, ...],
    copies: list[Any],
    i: int,
    outputs: list[Tensor],
    eps: float,
) -> None:
    """Refuses a func that leaves input i out, or that takes the same tensor from
    outside: finite differences move the argument, and nothing else.

    An input is used if an output was computed from it, be it by an operation that no
    gradient passes. Numbers may also have been taken out of it (`x.item()`), which no
    graph shows: then an output moves with it.
    """
    name = f"input {i}, of shape {given[i].shape}"
    used = is_made_from(outputs, copies[i])
    if given[i] in set(topological_order(z for z in outputs if z.requires_grad)):
        what = f"uses {name}, from outside, too" if used else f"did not use {name}"
        raise GradcheckError(
            f"{who}: func {what}; it takes that very tensor from outside, which is "
            "never moved: compute with func's argument alone"
        )
    if used:
        return
    moved = list(copies)
    moved[i] = leaf_like(given[i].detach() + eps)
    if not difference(outputs, _several(func(*moved))):
        raise GradcheckError(
            f"{who}: func did not use {name}; it may use that tensor from outside: "
            "compute with func's argument, or leave the input out"
        )


def difference(first: list[Tensor], second: list[Tensor]) -> str:
    """Where two lists of outputs differ by more than rounding, in words; "" nowhere."""
    shapes = [z.shape for z in first], [z.shape for z in second]
    if shapes[0] != shapes[1]:
        return f"shapes {shapes[0]}, then {shapes[1]}"
    for a, b in zip(first, second):
        for x, y in zip(a.reshape(-1).tolist(), b.reshape(-1).tolist()):
            both_nan = x != x and y != y
            if not both_nan and not isclose(x, y, rel_tol=1e-12, abs_tol=1e-12):
                return f"{x:.10g}, then {y:.10g}"
    return ""


def is_made_from(outputs: Sequence[Tensor], x: Tensor) -> bool:
    """Whether an output was computed from x, by whatever operations were recorded."""
    seen, todo = set(outputs), list(outputs)
    while todo:
        for t in todo.pop()._inputs or ():
            if isinstance(t, Tensor) and t not in seen:
                seen.add(t)
                todo.append(t)
    return x in seen


def checked(given: Sequence[Any]) -> list[int]:
    """The places of the inputs that require a gradient."""
    return [i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad]


def copies_of(given: Sequence[Any]) -> list[Any]:
    """The inputs, with a leaf of its own for each that requires a gradient."""
    copies = list(given)
    for i in checked(given):
        copies[i] = leaf_like(given[i])
    return copies


def leaf_like(x: Tensor) -> Tensor:
    """A leaf with the numbers of x."""
    return x.detach().requires_grad_()


def direction_beside(x: Tensor, draw: Random) -> Tensor:
    """Random numbers in the shape, on the backend and in the dtype of x."""
    flat = [draw.gauss(0.0, 1.0) for _ in range(x.size)]
    beside: Tensor = constant("gradcheck", flat, x.detach())
    return beside.reshape(x.shape)


def check_steps(who: str, eps: float, atol: float, rtol: float) -> None:
    """Refuses a step or a tolerance that is no number, or negative."""
    check_number(who, "eps", eps, 0.0, open_low=True)
    check_number(who, "atol", atol, 0.0)
    check_number(who, "rtol", rtol, 0.0)


def arguments(who: str, func: Any, inputs: Any) -> tuple[Any, ...]:
    """The inputs as a tuple, once func is seen to be a function."""
    if not callable(func) or isinstance(func, Tensor):
        raise TypeError(
            f"{who}: a {type(func).__name__} given as func; it must be a function"
        )
    if isinstance(inputs, Tensor):
        return (inputs,)
    if not isinstance(inputs, (list, tuple)):
        raise TypeError(
            f"{who}: inputs of {type(inputs).__name__} given; a Tensor or a list of "
            "func's arguments is needed"
        )
    return tuple(inputs)


def _several(outputs: Any) -> list[Tensor]:
    return several("gradcheck", "outputs of func", outputs)
