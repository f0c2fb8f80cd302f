"""The draft: a function run on names, forward, backward and update.

The function is called once, with inputs whose arrays are names. What it computes is
recorded as always, and noted on the tape (tape.py). Then the walk of every `backward()`
goes through the graph, from ∂L/∂L = 1: its rules note the gradients. Then the optimizer
updates the parameters' names. Nothing else is needed, and nothing was computed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..arrays.backends import Backend, current_backend
from ..autograd.recording import Recorded, apply, make
from ..autograd.walk import walk
from ..context import Scope, context
from ..errors import brief, in_a_program, say
from ..functions.activations import keep_mask
from ..graph.trace import history
from ..switching import Switch
from ..tensor import Tensor
from . import namespace
from .anatomy import Buffer, Origin
from .tape import Tape
from .traced import Traced


@dataclass(eq=False, repr=False)
class Draft:
    """What a function computes.

    Attributes:
        tape: its steps.
        inputs: name → its array.
        outputs: what the function returned, as Tensors; the loss is the first.
        trains: whether the first output is a loss, with gradients.
        gradients: parameter → its gradient.
        reached: recorded tensor → its gradient.
        shares: a node, the place of an input, and what is sent back to it.
        returned: the structure of what the function returned.
        seed: ∂loss/∂loss.
    """

    tape: Tape
    inputs: dict[str, Traced] = field(default_factory=dict)
    outputs: list[Tensor] = field(default_factory=list)
    trains: bool = False
    gradients: dict[Tensor, Traced] = field(default_factory=dict)
    reached: dict[Tensor, Traced] = field(default_factory=dict)
    shares: list[tuple[Tensor, int, Traced]] = field(default_factory=list)
    returned: Any = None
    seed: Traced | None = None


def draft_of(
    function: Any,
    inputs: Mapping[str, Any],
    finish: Callable[[Draft], Any] = lambda draft: None,
) -> Draft:
    """The draft of a function, or of a loss that was recorded.

    Args:
        function: called with the inputs, in their order; or a Tensor, made in record().
        inputs: name → an example: a Tensor, an array or a list.
        finish: notes what follows the gradients: the update.
    """
    backend, now = current_backend(), context.now
    refuse_call(function, inputs, backend)
    draft = Draft(Tape(backend.xp))
    examples = {name: example(name, given) for name, given in inputs.items()}
    given = [named_input(draft, name, t) for name, t in examples.items()]
    random, recording = now.random.getstate(), now.recording
    switches = {
        **{"writer": draft.tape, "tracing": True, "recording": True, "debug": False},
        "watcher": None,
        "scope": None if (model := model_of(function)) is None else Scope(model, None),
        "backend": Backend(namespace, backend.dtype),
    }
    try:
        with Switch(switches):
            if isinstance(function, Tensor):
                returned = replayed(function, [*examples.values()], given)
            else:
                returned = function(*given)
            draft.returned, draft.outputs = returned, outputs_of(returned)
            loss = draft.outputs[0]
            draft.trains = recording and loss.requires_grad and loss.size == 1
            if draft.trains:
                backward(draft, loss)
            finish(draft)
    finally:
        now.random.setstate(random)
    return draft


def model_of(function: Any) -> Any:
    """The module that a function is a method of, such as `model.loss`; else None."""
    owner = getattr(inspect.unwrap(function), "__self__", None)
    return owner if hasattr(owner, "named_modules") else None


def refuse_call(function: Any, inputs: Any, backend: Backend) -> None:
    """Refuses what no program can be written of."""
    if context.now.writer is not None:
        raise in_a_program("write", "called")
    if backend.name == "scalar":
        raise RuntimeError(
            "write: the backend is 'scalar', where every number records itself; a "
            "program is written on 'python' or 'numpy'"
        )
    if not callable(function) and not isinstance(function, Tensor):
        raise TypeError(
            f"write: {brief(function)} given; it must be a function that returns the "
            "loss, or a loss that was made inside record()"
        )
    if not isinstance(inputs, Mapping):
        raise TypeError(
            f"write: inputs={brief(inputs)} given; it must be a dict, from a name to "
            "an example: {'tokens': tokens}"
        )


def example(name: str, given: Any) -> Tensor:
    """An input as a Tensor."""
    if isinstance(given, Tensor):
        return given
    try:
        return Tensor(given)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"write: input {say(name)} of {type(given).__name__} given; it must be an "
            "example of it: a Tensor, an array or lists of numbers"
        ) from error


def named_input(draft: Draft, name: str, t: Tensor) -> Tensor:
    """A Tensor of a shape and dtype, whose numbers come at each run."""
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(
            f"write: input {say(name)} given; it must be a name, such as 'tokens'"
        )
    array = Traced(Buffer(t.shape, t.dtype, "input", name))
    draft.inputs[name] = array
    x: Tensor = make(array)
    x._requires_grad = t.requires_grad
    return x


def outputs_of(returned: Any) -> list[Tensor]:
    """The Tensors that a function returned: one, or several in a tuple or list."""
    several = isinstance(returned, (tuple, list))
    found = list(returned) if several else [returned]
    for i, t in enumerate(found or [returned]):
        if not isinstance(t, Tensor) or type(t.array) is not Traced:
            kind = f"a {type(t).__name__}" if found else f"an empty {say(returned)}"
            kind = "a Tensor that was there before" if isinstance(t, Tensor) else kind
            kind += f" (result {i})" if several and found else ""
            raise TypeError(
                f"write: the function returned {kind}; it must return a Tensor that it "
                "computes, such as the loss, or a tuple of them (x * 1 computes one)"
            )
    return found


def backward(draft: Draft, loss: Tensor) -> None:
    """The walk of `loss.backward()`, noted."""
    tape, now = draft.tape, context.now
    tape.origin = Origin("backward", node=loss)
    now.recording = now.tracing = False
    seed = draft.seed = namespace.full(loss.shape, 1.0, loss.dtype)
    start, given = len(tape.steps), {id(x) for x in draft.inputs.values()}
    for node, g, shares in walk([loss], [seed], free=False):
        origin = Origin("backward", node._op, node._scope, node, node._params)
        for step in tape.steps[start:]:
            step.origin = origin
        start = len(tape.steps)
        draft.reached[node] = g
        draft.shares += [(node, i, s) for i, s in enumerate(shares) if s is not None]
        mine = type(node.array) is not Traced or id(node.array) in given
        if node._op is None and mine:  # no leaf that the function made
            draft.gradients[node] = g


def replayed(loss: Tensor, examples: list[Tensor], given: list[Tensor]) -> Tensor:
    """A recorded loss, computed once more, on names."""
    new: dict[Any, Any] = dict(zip(examples, given))
    now, steps = context.now, history([loss])
    refuse_unrecorded(steps)
    new |= drawn_anew(steps)
    for t in steps:
        if t in new or t._op is None or not t._inputs:
            continue
        now.scope = t._scope
        inputs = [new.get(x, x) if isinstance(x, Recorded) else x for x in t._inputs]
        z = new[t] = apply(t._op, *inputs, **t._params)
        z._where = t._where
    now.scope = None
    found: Tensor = new[loss]
    return found


def refuse_unrecorded(tensors: list[Tensor]) -> None:
    """A program of a loss needs all that it was made of, the last of these tensors."""
    for t in tensors:
        if t._op is not None and t._inputs is None:
            raise RuntimeError(
                f"write: the graph behind {t._op.name} was freed by backward(); write "
                "before that, or call it with retain_graph=True"
            )
        if t._op is not None and t._where is None:
            raise RuntimeError(
                f"write: a {t._op.name} was computed outside record(), where masks and "
                "other constants are not kept; compute all of the loss inside, or give "
                "a function"
            )
    if tensors[-1]._op is None:
        raise RuntimeError(
            "write: this tensor was not computed; give a loss made inside record(), or "
            "a function"
        )


def drawn_anew(tensors: list[Tensor]) -> dict[Tensor, Tensor]:
    """The masks of dropout among recorded tensors, and for each another, in the order
    in which they were drawn. What else was made of numbers, and not recorded, would be
    the same at each run, and is refused."""
    masks: dict[int, Tensor] = {}
    for t in tensors:
        made = t._params if t._op is None else {}
        if "frozen" in made:
            raise RuntimeError(
                f"write: this loss was recorded with {made['frozen']}, which would be "
                "the same at each run; write a function that computes the loss"
            )
        if "drawn" in made:
            masks[made["drawn"]] = t
    return {
        t: keep_mask("dropout", t.shape, t._params["p"], t)
        for _, t in sorted(masks.items())
    }
