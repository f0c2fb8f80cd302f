"""What all optimizers share: groups of parameters, a state for each, and `step`.

Parameters that have come equally far are laid end to end as one long vector w, their
gradients as g. So an update is written once for the whole, as on paper. Afterwards each
parameter takes its piece of the new w.

**Gradient accumulation.** A batch that is too large for memory is split into parts. The
gradients of several `backward()` add up in `grad` until `zero_grad()`. The mean over
the whole batch is the sum of the parts' means, each times its share of the batch.

    >>> from nn import Parameter
    >>> w, batch = Parameter([1.0]), Tensor([1.0, 2.0, 3.0, 6.0])
    >>> for part in batch.chunk(2):
    ...     loss = (w * part).mean() * (len(part) / len(batch))
    ...     loss.backward()
    >>> w.grad, batch.mean()                            # ∂mean(w x)/∂w = mean(x)
    (Tensor([3.0], float64), Tensor(3.0, float64))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from tinygrad_attn import Tensor, enable_grad, zeros_like
from tinygrad_attn.arrays.backends import brought, namespace_of
from tinygrad_attn.context import context
from tinygrad_attn.errors import check_flags, in_a_program, say
from tinygrad_attn.functions.updates import give

from .groups import (
    Given,
    Group,
    check_rates,
    list_groups,
    make_group,
    plain,
    read_options,
    refuse_repeats,
)
from .joining import Vectors
from .states import take_state, write_state

F = TypeVar("F", bound=Callable[..., Any])


class Optimizer:
    """The base of all optimizers. Parameters without a gradient are left as they are.

    Subclasses define `update`, and name the arrays that it keeps for each parameter.

    Args:
        params: several Parameters (or other leaves), such as `model.parameters()`; also
            with their names, as from `model.named_parameters()`; or groups of them
            (groups.py).
        defaults: the options of each group that does not set its own.

    Attributes:
        param_groups: the groups. A change of an option counts from the next step on.
            `optimizer.lr` is the lr of all groups, to be read and set; so for all
            options.
        state: parameter → its "step", the count of its own steps, and its arrays.
        steps: the count of the steps that moved anything.
        schedule: the schedule that sets the learning rates, if there is one.

    >>> from nn import Parameter
    >>> class Descent(Optimizer):
    ...     def update(self, xp, w, g, state, options):
    ...         return w - options["lr"] * g, state
    >>> w = Parameter([1.0])
    >>> optimizer = Descent([w], {"lr": 0.25})
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w, optimizer.steps
    (Tensor([0.5000], float64, requires_grad), 1)
    """

    slots: tuple[str, ...] = ()  # what a parameter has in its state from step 1 on
    optional_slots: tuple[str, ...] = ()  # what some options make it keep too

    def __init__(
        self,
        params: Given,
        defaults: Mapping[str, Any],
    ) -> None:
        name = type(self).__name__
        if not isinstance(defaults, Mapping):
            raise TypeError(
                f"{name}: defaults={say(defaults)}, a {type(defaults).__name__}, "
                "given; it must be a dict of options, such as {'lr': 0.1}"
            )
        groups = list_groups(name, params)
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        self.steps = 0
        self.schedule: Any = None
        self.saved_schedule: Any = None  # a loaded state of one that is not made yet
        self._vectors = Vectors()
        self.check(name, defaults)
        for group in groups:
            self.param_groups.append(make_group(name, group, defaults))
        self.defaults = dict(defaults)
        refuse_repeats(name, self.param_groups)
        self.options()

    def add_param_group(self, param_group: Group) -> None:
        """Moves the parameters of one more group from the next step on."""
        name = type(self).__name__
        groups = [*self.param_groups, make_group(name, param_group, self.defaults)]
        refuse_repeats(name, groups)
        self.options(groups)
        self.param_groups[:] = groups

    @property
    def parameters(self) -> list[Tensor]:
        """The parameters of all groups, in order."""
        return [p for group in self.param_groups for p in group["params"]]

    # --- options ----------------------------------------------------------------------

    def check(self, who: str, options: Mapping[str, Any]) -> None:
        """Refuses options that are wrong. It is asked anew before every step."""
        check_rates(who, options)

    def options(self, groups: list[Group] | None = None) -> list[Group]:
        """The options of each group, checked."""
        name, groups = type(self).__name__, groups or self.param_groups
        found = []
        for k, group in enumerate(groups):
            who = f"{name}: group {k}" if len(groups) > 1 else name
            options = read_options(who, group, self.defaults)
            self.check(who, options)
            found.append({key: plain(value) for key, value in options.items()})
        return found

    def __getattr__(self, name: str) -> Any:
        """An option that is the same in all groups."""
        if name not in vars(self).get("defaults", ()):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        values = [group[name] for group in self.param_groups]
        if any(value != values[0] for value in values):
            raise AttributeError(
                f"{type(self).__name__}: its groups have different {name}, "
                f"{', '.join(map(say, values))}; read param_groups[i]['{name}']"
            )
        return values[0]

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an option in all groups."""
        if name in vars(self).get("defaults", ()):
            for group in self.param_groups:
                group[name] = value
        else:
            super().__setattr__(name, value)

    # --- a step -----------------------------------------------------------------------

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any], options: Group
    ) -> tuple[Any, dict[str, Any]]:
        """The new w and the new state.

        Args:
            xp: the namespace of the arrays.
            w: parameters of one group that have come equally far, end to end.
            g: their gradients, the same way.
            state: "step", the count t = 1, 2, ... of this step of theirs, and the
                vectors that the steps before have made.
            options: the group's.
        """
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Moves every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients, before the step; optional.

        Returns:
            What the closure returned, else None.
        """
        name, loss = type(self).__name__, None
        if context.now.writer is not None:
            raise in_a_program(f"{name}.step", "called")
        if closure is not None:
            if not callable(closure):
                raise TypeError(
                    f"{name}: step({say(closure)}) called; it takes nothing, or a "
                    "function that computes the loss and calls backward()"
                )
            with enable_grad():
                loss = closure()
        parts = [
            (part, options)
            for group, options in zip(self.param_groups, self.options())
            for part in self._alike(group["params"])
        ]
        if not parts:
            raise RuntimeError(
                f"{name}: step without a gradient; call backward() first"
            )
        self.steps += 1
        for part, options in parts:
            self._move(part, options)
        self._vectors.end_step()
        return loss

    def _alike(self, parameters: list[Tensor]) -> Iterable[list[Tensor]]:
        """Those that have a gradient, parted by kind of array, dtype and state."""
        parts: dict[Any, list[Tensor]] = {}
        for p in parameters:
            g = p.grad
            if g is None:
                continue
            array, state = p.array, self.state.get(p, {})
            if type(g.array) is not type(array):
                namespace_of([array, g.array], type(self).__name__)
            alone = id(p) if array.size > BLOCK and is_by_number(self.update) else 0
            key = type(array), array.dtype, alone, state.get("step", 0), *state
            parts.setdefault(key, []).append(p)
        return parts.values()

    def _move(self, parameters: list[Tensor], options: Group) -> None:
        """Updates parameters that are alike, and their state."""
        xp, dtype = namespace_of([parameters[0].array]), parameters[0].dtype
        states = [self.state.get(p, {}) for p in parameters]
        gradients = [p.grad.array for p in parameters if p.grad is not None]
        if any(g.dtype != parameters[0].array.dtype for g in gradients):
            gradients = [xp.astype(g, dtype) for g in gradients]
        t = states[0].get("step", 0) + 1
        weights = [xp.stop_gradient(p.array) for p in parameters]
        w, vectors = self.moved(xp, weights, gradients, states, t, options)
        shapes = [(p.array.size, p.shape) for p in parameters]
        for p, array in zip(
            parameters, self._vectors.part(xp, xp.astype(w, dtype), shapes)
        ):
            give(p, xp, array)
            self.state[p] = {"step": t}
        for slot, vector in vectors.items():
            for p, array in zip(parameters, self._vectors.part(xp, vector, shapes)):
                self.state[p][slot] = array

    def moved(
        self,
        xp: Any,
        weights: list[Any],
        gradients: list[Any],
        states: list[dict[str, Any]],
        t: Any,
        options: Group,
    ) -> tuple[Any, dict[str, Any]]:
        """`update`, for several arrays: they are laid end to end. Returns the new
        vector of weights, and those of the state."""
        join = self._vectors.join
        w, g = join(xp, weights), join(xp, gradients)
        state = {k: join(xp, [s[k] for s in states]) for k in states[0] if k != "step"}
        g = -g if options.get("maximize") else g
        by_number = is_by_number(self.update)
        if not by_number and xp.name == "numpy":  # who knows what it writes to
            w, state = w.copy(), {k: vector.copy() for k, vector in state.items()}
        if w.size <= BLOCK or xp.name != "numpy" or not by_number:
            w, state = self.update(xp, w, g, {**state, "step": t}, options)
            return w, {k: vector for k, vector in state.items() if k != "step"}
        parts = []
        for start in range(0, w.size, BLOCK):
            at = slice(start, start + BLOCK)
            own = {k: vector[at] for k, vector in state.items()}
            parts.append(self.update(xp, w[at], g[at], {**own, "step": t}, options))
        slots = [k for k in parts[0][1] if k != "step"]
        vectors = {k: join(xp, [state[k] for _, state in parts]) for k in slots}
        return join(xp, [w for w, _ in parts]), vectors

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets all gradients; or makes them 0, if not set_to_none: then momentum
        still moves a parameter that the next `backward()` does not reach."""
        check_flags(f"{type(self).__name__}.zero_grad", set_to_none=set_to_none)
        for p in self.parameters:
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad = zeros_like(p.grad)

    # --- saving -----------------------------------------------------------------------

    def __setstate__(self, saved: dict[str, Any]) -> None:
        """Unpickled, perhaps on another backend: the state follows its parameters."""
        vars(self).update(saved)
        for p, state in self.state.items():
            xp = namespace_of([p.array])
            for slot, vector in state.items():
                if slot != "step":
                    state[slot] = brought(xp, vector, p.dtype)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, beside parameters and gradients: plain
        data, and a Tensor for each array. Parameters have numbers in it."""
        return write_state(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over a `state_dict` of any backend. The class must be the same, and the
        groups' parameters must have the same shapes, in the same order.

        Changes nothing unless all fits. A schedule may be made before or after; it
        goes on where the saved one was.
        """
        take_state(self, state)


# A long vector is updated in blocks of so many numbers, which stay in the processor's
# cache from one line of the formula to the next.
BLOCK = 32 * 1024


def by_number(update: F) -> F:
    """Decorator: an update computes each number from those at its place alone, and
    writes to none of the arrays that it is given."""
    update.by_number = True  # type: ignore[attr-defined]
    return update


def is_by_number(update: Any) -> bool:
    """Whether an update says so."""
    return bool(getattr(update, "by_number", False))
