"""The update: how an optimizer moves the parameters, as steps of the program.

The optimizer's own formula runs on names (`Optimizer.moved` calls `update`), so what is
written here knows no optimizer. Parameters that have been updated equally often are one
long vector, as they are when an optimizer steps: in the program they lie end to end in
memory, and nothing has to be copied together.

The learning rate, the weight decay and the count of steps are scalars: they are read at
each run. Where a formula asks `if weight_decay:`, the answer belongs to the program.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ..context import context
from ..errors import say
from ..tensor import Tensor
from . import namespace
from .anatomy import LASTING, Buffer, Check, Map, Origin, Step, View
from .drafting import Draft
from .tape import Tape
from .traced import Traced

RATES = ("lr", "weight_decay")  # options that are read at each run


@dataclass(eq=False)
class Part:
    """Parameters that an optimizer moves as one vector.

    Attributes:
        optimizer: whose they are.
        group: the place of their group.
        parameters: in order.
        step: the scalar that counts their steps.
        rates: option → its scalar.
        weights: the vector that they are parts of, if it is theirs alone.
        slots: name → the vector of the state.
        given: the slots that the update was given.
        from_0: those that may be missing, as they begin at 0.
        fixed: the options that are not read at each run.
        listed: all parameters of the group, with or without a gradient.
    """

    optimizer: Any
    group: int
    parameters: list[Tensor]
    step: Traced
    rates: dict[str, Traced] = field(default_factory=dict)
    weights: Buffer | None = None
    slots: dict[str, Buffer] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    from_0: frozenset[str] = frozenset()
    fixed: dict[str, Any] = field(default_factory=dict)
    listed: list[Tensor] = field(default_factory=list)

    def suits(self) -> bool:
        """Whether the state is what the update was written for: the slots that it
        reads, and all parameters updated equally often. Slots may be missing if they
        begin at 0 (`from_zeros`)."""
        states = [self.optimizer.state.get(p, {}) for p in self.parameters]
        own = {frozenset(s) - {"step"} for s in states}
        if len({s.get("step", 0) for s in states}) > 1 or len(own) > 1:
            return False
        (slots,) = own
        return slots == self.given or (not slots and self.given <= self.from_0)

    def other_option(self) -> str:
        """Which option is not what the update was written for, in words; "" if none."""
        now = fixed_options(self.optimizer, self.group)
        for name, was in self.fixed.items():
            if now[name] != was:
                return f"{name} is {say(now[name])}, and was {say(was)}"
        own = self.optimizer.param_groups[self.group]["params"]
        for i, (p, was) in enumerate(zip(own, self.listed)):
            if p is not was:
                return f"parameter {i} is another, and was one of shape {was.shape}"
        return ""


def fixed_options(optimizer: Any, group: int) -> dict[str, Any]:
    """The options of a group that an update has in it as they are; and how many groups
    and parameters there are."""
    own = optimizer.param_groups[group]
    found = {
        name: tuple(own[name]) if isinstance(own[name], list) else own[name]
        for name in optimizer.defaults
        if name not in RATES
    }
    found["the number of groups"] = len(optimizer.param_groups)
    found["the number of parameters"] = len(own["params"])
    return found


def scalar(name: str, value: Any) -> Traced:
    """A plain number that is read at each run."""
    return Traced(Buffer((), "float64", "scalar", name, value), weak=True)


def update(draft: Draft, optimizers: Sequence[Any], clip: Traced | None) -> list[Part]:
    """Notes the update of all parameters that have a gradient."""
    tape = draft.tape
    refuse_update(draft, optimizers)
    tape.origin = Origin()
    for t in draft.outputs:
        t.array = apart(tape, t.array)
    tape.origin = Origin("update")
    gradients = {p: apart(tape, g) for p, g in draft.gradients.items()}
    if clip is not None:
        mine = dict.fromkeys(p for o in optimizers for p in o.parameters)
        bound = {p: gradients[p] for p in mine if p in gradients}
        gradients |= clipped(draft, bound, clip)
    parts = []
    for optimizer in optimizers:
        for k, (group, options) in enumerate(
            zip(optimizer.param_groups, optimizer.options())
        ):
            for alike in parted(optimizer, group["params"], gradients):
                parts.append(moved(draft, optimizer, k, alike, gradients, options))
    return parts


def refuse_update(draft: Draft, optimizers: Sequence[Any]) -> None:
    """Refuses an update that would move nothing."""
    loss = draft.outputs[0]
    for optimizer in optimizers:
        name = type(optimizer).__name__
        if loss.size != 1:
            raise ValueError(
                f"write: update={name} given, and the function returned a Tensor of "
                f"shape {loss.shape}; it must return a loss, a single number"
            )
        if not draft.trains:
            raise ValueError(
                f"write: update={name} given, and the loss requires no gradient; "
                "return it as it was computed of parameters, outside no_grad(), and "
                "without detach() or .data"
            )
        if not any(p in draft.gradients for p in optimizer.parameters):
            found = len(draft.gradients)
            raise ValueError(
                f"write: update={name} given, and no gradient of the loss reaches any "
                f"of its {len(optimizer.parameters)} parameters, but {found} "
                f"other{'s' * (found != 1)}; it must be the optimizer of the model "
                "that the function calls"
            )


def parted(
    optimizer: Any, parameters: Sequence[Tensor], gradients: dict[Tensor, Traced]
) -> list[list[Tensor]]:
    """Those that have a gradient, by dtype and by how often they were updated."""
    found: dict[Any, list[Tensor]] = {}
    for p in parameters:
        if p in gradients:
            state = optimizer.state.get(p, {})
            key = p.dtype, state.get("step", 0), *state
            found.setdefault(key, []).append(p)
    return list(found.values())


def moved(
    draft: Draft,
    optimizer: Any,
    group: int,
    parameters: list[Tensor],
    gradients: dict[Tensor, Traced],
    options: dict[str, Any],
) -> Part:
    """Notes the update of parameters that are alike."""
    tape = draft.tape
    tape.origin = Origin("update", optimizer)
    several = f"_{group}" if group else ""
    part = Part(optimizer, group, parameters, scalar(f"t{several}", None))
    part.fixed = fixed_options(optimizer, group)
    part.listed = [*optimizer.param_groups[group]["params"]]
    settings = dict(options)
    for rate in RATES:
        if rate in settings:
            settings[rate] = part.rates[rate] = scalar(rate + several, options[rate])
    names = [tape.leaf(p) for p in parameters]
    size = sum(p.size for p in parameters)
    dtype = parameters[0].dtype
    if all(x.buffer.home is None for x in names):  # they are laid end to end
        part.weights = Buffer((size,), dtype, "parameter", f"parameters{several}")
        lay(part.weights, [x.buffer for x in names])
    weights = names if part.weights is None else [Traced(part.weights)]
    ours = [gradients[p] for p in parameters]
    part.from_0 = from_zeros(optimizer, size, dtype, settings, part.step)
    state = optimizer.state.get(parameters[0], {})
    part.given = frozenset(state) - {"step"} or part.from_0
    for slot in sorted(part.given):
        part.slots[slot] = Buffer((size,), dtype, "state", slot + several)
    w, vectors = optimizer.moved(
        namespace,
        weights,
        ours,
        [{slot: Traced(b) for slot, b in part.slots.items()}],
        part.step,
        settings,
    )
    w = namespace.astype(w, dtype)
    stores: list[tuple[Traced, Traced]] = []  # where to, and what
    if part.weights is not None:
        stores.append((Traced(part.weights), w))
    else:
        start = 0
        for x, p in zip(names, parameters):
            piece = namespace.reshape(w[start : start + p.size], p.shape)
            stores.append((x, piece))
            start += p.size
    for slot, vector in vectors.items():
        if slot not in part.slots:
            part.slots[slot] = Buffer((size,), dtype, "state", slot + several)
        home = Traced(part.slots[slot])
        stores.append((home, namespace.astype(vector, dtype)))
    values = [apart(tape, value) for _, value in stores]  # before any is overwritten
    for (home, _), value in zip(stores, values):
        tape.emit(Map(home, "copy", (value,)))
    return part


def apart(tape: Tape, x: Traced) -> Traced:
    """The numbers of x, as they are before the update moves what they are part of."""
    if x.buffer.role not in LASTING:
        return x
    copy = Traced(Buffer(x.shape, x.dtype))
    tape.emit(Map(copy, "copy", (x,)))
    return copy


def from_zeros(
    optimizer: Any, size: int, dtype: str, options: dict[str, Any], step: Traced
) -> frozenset[str]:
    """The slots of a state, if an update without one is the same as with zeros, so that
    one program serves the first step too. It is written down both ways, and
    compared."""
    now, found = context.now, []
    tape = now.writer
    w, g = (Traced(Buffer((size,), dtype)) for _ in range(2))
    state: dict[str, Traced] = {}
    try:
        for _ in range(2):
            now.writer = Tape()
            _, vectors = optimizer.moved(namespace, [w], [g], [state], step, options)
            zeros = {x.buffer for x in state.values()}
            found.append(described(now.writer.steps, zeros, vectors))
            slots = {*optimizer.slots, *vectors}
            state = {slot: Traced(Buffer((size,), dtype)) for slot in slots}
    finally:
        now.writer = tape
    without, with_zeros = found
    return frozenset(state) if without == with_zeros else frozenset()


def described(
    steps: Sequence[Step], zeros: Set[Buffer], results: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Steps and results as plain data, which is equal if they compute the same; some
    buffers are told as 0, so is what is multiplied by them, and nothing is added."""
    places: dict[Buffer, Any] = dict.fromkeys(zeros, 0)
    found: list[Any] = []
    for s in steps:
        operands = [
            places.get(v.buffer, v.buffer) if isinstance(v, View) else v
            for v in s.operands()
        ]
        function = getattr(s, "function", type(s).__name__)
        if function == "mul" and 0 in operands:
            places[s.out.buffer] = 0
        elif function == "add" and 0 in operands:
            places[s.out.buffer] = operands[1 - operands.index(0)]
        else:
            places[s.out.buffer] = f"step {len(found)}"
            found.append((function, operands))
    return found, {
        name: places.get(x.buffer, x.buffer) if isinstance(x, View) else x
        for name, x in results.items()
    }


def lay(whole: Buffer, buffers: Sequence[Buffer]) -> None:
    """Makes buffers parts of a larger one, end to end."""
    start = 0
    for buffer in buffers:
        buffer.home = whole, start
        start += buffer.size


def clipped(
    draft: Draft, gradients: dict[Tensor, Traced], bound: Traced
) -> dict[Tensor, Traced]:
    """All gradients times min(1, bound / norm), as `clip_grad_norm` does it."""
    xp, tape = namespace, draft.tape
    wide = [xp.astype(g, "float64") for g in gradients.values()]
    unit: Any = 1.0
    if any(p.dtype == "float64" for p in gradients):  # whose squares may not fit
        sizes = [xp.max(xp.maximum(g, -g), axis=None) for g in wide if g.size]
        sizes = sizes or [xp.zeros((), "float64")]
        largest = xp.max(xp.concat([xp.reshape(s, (1,)) for s in sizes]), axis=None)
        unit = xp.where(largest > 1e150, xp.where(largest < inf, largest, 1.0), 1.0)
        wide = [g / unit for g in wide]
    squares = [xp.sum(g * g, axis=None) for g in wide]
    norm = xp.sqrt(sum(squares[1:], squares[0])) * unit
    says = (
        "clip_grad_norm: the norm is {}; the gradients must be finite (debug() finds "
        "the operation that made them)"
    )
    tape.emit(Check(norm, "finite", says, RuntimeError))
    factor = xp.where(norm > bound, bound / norm, 1.0)
    return {p: g * xp.astype(factor, p.dtype) for p, g in gradients.items()}
