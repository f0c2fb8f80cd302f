"""write: the program of a function.

draft      the function is run on names: forward, backward, update (drafting.py)
arranged   what nobody needs is left out, buffers get names (listing.py)
machine    the text is printed, compiled, and has memory (machines.py)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from ..arrays.backends import current_backend
from ..errors import brief, check_number, how_to_install, outside, say
from ..tensor import Tensor
from .compiling import Fallback, NoCompiler
from .drafting import Draft, draft_of
from .keys import key_of, modules_of
from .listing import Program, arranged
from .machines import CMachine, JavaScriptMachine, NumPyMachine
from .python_machine import PythonMachine
from .running import Step
from .updating import Part, scalar
from .updating import update as updates


def write(
    function: Callable[..., Any] | Tensor,
    inputs: Mapping[str, Any] | None = None,
    *,
    update: Any = None,
    clip: float | None = None,
    target: str | None = None,
) -> Step:
    """The program of a function: a whole step of training as straight-line code.

    The function is called once, on names instead of numbers; nothing is computed. What
    it computes, the gradients of what it returns, and the update of an optimizer become
    the lines of the program. Then the program runs as often as one likes, without the
    engine.

    Parameters, the optimizers' state and their rates are read at each run. A frozen
    parameter, another mode, another layer or setting of a module is noticed, and
    refused (`compile` writes another program). What else the function reads (a global,
    NumPy's random numbers) is as it was when the program was written; and its side
    effects happened then. Whole numbers that leave 64 bits are refused by the engine;
    in a program of NumPy or C they begin again at the other end. Of numbers whose
    squares are too large for a float the engine finds the norm and the deviation all
    the same; in a program these are inf.

    Args:
        function: given the inputs, in their order, it returns a loss; a loss and other
            results; or any results. If the first is a single number that requires a
            gradient, it is the loss. Or a loss that was made of these very inputs
            inside `record()`.
        inputs: name → an example: a Tensor, an array or lists. Its shape and dtype are
            the program's.
        update: an optimizer, or several, whose parameters each run moves.
        clip: the bound for the norm of all gradients, as for
            `nn.optim.clip_grad_norm`.
        target: the language: "c", "numpy", "python" or "javascript" (which runs in a
            browser, not here). By default "c" on the backend NumPy and "python" on the
            pure-Python one. Without a C compiler NumPy's program runs, with a warning.
            The compiler works in the background: if it fails, the first run says so.

    Returns:
        A `Step`. `step(tokens, labels)` runs it, and returns what the function returns;
        without `update`, of a loss also the gradients, by the names that the program
        has for the parameters (`step.parameters`). Nobody walks back through a
        program's results: they require no gradient. `step.source` is its text,
        `step.save("step.py")` writes a file that runs by itself.

    Raises:
        TypeError, ValueError, RuntimeError: the function returns no Tensor, asks for a
            number of an array, or does not depend on an input; the message says which.

    >>> from tinygrad_attn import Tensor
    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> def loss(x):
    ...     return (w * x).sum()
    >>> step = write(loss, {"x": [0.0, 0.0]}, target="python")
    >>> step([3.0, 4.0])
    (Tensor(11.0, float64), {'w': Tensor([3.0, 4.0], float64)})
    """
    return written(function, inputs or {}, optimizers_of(update), clip, target)


def optimizers_of(given: Any) -> list[Any]:
    """One optimizer, several or none, as a list."""
    found = (
        [] if given is None else given if isinstance(given, (list, tuple)) else [given]
    )
    for optimizer in found:
        if not hasattr(optimizer, "moved") or isinstance(optimizer, type):
            raise TypeError(
                f"write: update={brief(optimizer)} given; it must be an optimizer, "
                "such as nn.optim.Adam(model.parameters()), or several"
            )
        if steps_otherwise(optimizer):
            raise TypeError(
                f"write: update={type(optimizer).__name__} given, and its step() is "
                "its own, which a program would not call; define `update` (to clip, "
                "give clip=)"
            )
    if len({*map(id, found)}) < len(found):
        raise ValueError("write: update has an optimizer twice; it moves once a step")
    return [*found]


def steps_otherwise(optimizer: Any) -> bool:
    """Whether an optimizer's step() is another than the one that all have."""
    kind = type(optimizer)
    first = [c for c in kind.__mro__ if "moved" in vars(c)][-1]
    own = "step" in vars(optimizer)
    return own or getattr(kind, "step", None) is not getattr(first, "step", None)


def written(
    function: Any,
    inputs: Mapping[str, Any],
    optimizers: list[Any],
    clip: float | None,
    target: str | None,
) -> Step:
    parts: list[Part] = []
    if clip is not None:
        check_number("write", "clip", clip, 0.0, open_low=True)
        if not optimizers:
            raise ValueError(
                f"write: clip={say(clip)} given without update; it bounds the "
                "gradients by which an optimizer moves its parameters"
            )
    bound = None if clip is None else scalar("clip", float(clip))

    def finish(draft: Draft) -> None:
        parts.extend(updates(draft, optimizers, bound))

    draft = draft_of(function, inputs, finish)
    program = arranged(draft, parts, title_of(function, draft, parts))
    key = key_of(modules_of(function, draft), program.leaves)
    given = [t for t in inputs.values() if isinstance(t, Tensor)]
    return Step(program, machine_for(program, target), clip, key, given)


def machine_for(program: Program, target: str | None) -> Any:
    """What runs a program; if that is not there, the next best, with a warning."""
    wanted = DEFAULT[current_backend().name] if target is None else target
    if not isinstance(wanted, str) or wanted not in MACHINES:
        raise ValueError(
            f"write: target={say(target)} given; it must be one of "
            + ", ".join(MACHINES)
        )
    try:
        return MACHINES[wanted](program)
    except (NoCompiler, ImportError) as error:
        instead = "numpy" if find_spec("numpy") else "python"
        if instead == wanted:
            raise
        why = str(error)
        if isinstance(error, ImportError):
            why = f"NumPy is not installed ({how_to_install('numpy')})"
        warning = Fallback("write", why, f"the program runs in {instead}")
        warnings.warn(warning, stacklevel=outside())
        return MACHINES[instead](program)


MACHINES: dict[str, Any] = {
    "numpy": NumPyMachine,
    "c": CMachine,
    "python": PythonMachine,
    "javascript": JavaScriptMachine,
}
DEFAULT = {"numpy": "c", "python": "python"}  # backend → target


def title_of(function: Any, draft: Draft, parts: Sequence[Part]) -> str:
    """What the program is called."""
    kind = "A training step" if parts else "The gradients" if draft.trains else "A run"
    name = getattr(function, "__qualname__", "").rpartition("<locals>.")[2]
    if not name and not parts:
        name = "a loss" if draft.trains else "a function"
    return f"{kind} of {name}" if name else kind
