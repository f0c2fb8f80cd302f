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
from random import Random
from typing import Any

from .autograd.differentiate import grad, several
from .context import no_grad
from .errors import check_number
from .functions.operands import constant
from .tensor import Tensor


class GradcheckError(RuntimeError):
    """Backpropagation and finite differences disagree.

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
        func: takes the inputs, returns a Tensor or several. It must be smooth within 2
            eps of the inputs: keep them away from kinks and ties.
        inputs: those that require a gradient are checked; they must be float64.
        eps: the step h, in units of the input.
        atol, rtol: |measured - computed| may be atol + rtol·|measured|.

    Returns:
        True.

    Raises:
        GradcheckError: names the input and both numbers.
        ValueError: nothing requires a gradient.
        TypeError: an input is not float64.

    >>> gradcheck(lambda x: x.tanh(), Tensor([0.5, -1.0], requires_grad=True))
    True
    """
    check_steps("gradcheck", eps, atol, rtol)
    given = arguments("gradcheck", func, inputs)
    checked = [
        i for i, x in enumerate(given) if isinstance(x, Tensor) and x.requires_grad
    ]
    if not checked:
        raise ValueError("gradcheck: no input requires a gradient; nothing to check")
    for i in checked:
        if given[i].dtype != "float64":
            raise TypeError(
                f"gradcheck: input {i} is {given[i].dtype}; finite differences need "
                "float64"
            )
    draw = Random(0)
    outputs = _several(func(*given))
    weights = [direction_beside(z, draw) for z in outputs]
    graph = [(z, w) for z, w in zip(outputs, weights) if z.requires_grad]
    if not graph:
        raise GradcheckError("gradcheck: no output has a graph, so no gradient exists")
    gradients = grad(
        [z for z, _ in graph],
        [given[i] for i in checked],
        [w for _, w in graph],
        allow_unused=True,
    )

    def along(i: int, direction: Tensor, step: float) -> float:
        """Σ weights · outputs with input i moved by step · direction."""
        moved = list(given)
        moved[i] = (given[i].detach() + direction * step).requires_grad_()
        total = 0.0
        for z, w in zip(_several(func(*moved)), weights):
            total += (z.detach() * w).sum().item()
        return total

    for i, g in zip(checked, gradients):
        direction = direction_beside(given[i], draw)
        f = [along(i, direction, step * eps) for step in (-2, -1, 1, 2)]
        measured = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * eps)
        computed = 0.0 if g is None else (g.detach() * direction).sum().item()
        if not abs(measured - computed) <= atol + rtol * abs(measured):
            raise GradcheckError(
                f"gradcheck: input {i} of shape {given[i].shape}: along a random "
                f"direction finite differences give {measured:.10g}, backpropagation "
                f"{computed:.10g}"
            )
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
    if not any(isinstance(x, Tensor) and x.requires_grad for x in given):
        raise ValueError(
            "gradgradcheck: no input requires a gradient; nothing to check"
        )
    if grad_outputs is None:
        with no_grad():
            outputs = _several(func(*given))
        draw = Random(1)
        weights = [direction_beside(z, draw) for z in outputs]
    else:
        weights = several("gradgradcheck", "grad_outputs", grad_outputs)
    n = len(given)

    def first_derivatives(*args: Any) -> list[Tensor]:
        wanted = [a for a in args[:n] if isinstance(a, Tensor) and a.requires_grad]
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

    weighted = [w.detach().requires_grad_() for w in weights]
    return gradcheck(first_derivatives, [*given, *weighted], eps, atol, rtol)


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
