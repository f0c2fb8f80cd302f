"""What all optimizers share: parameters, a learning rate, a state, and `step`.

All of an optimizer's parameters are laid end to end as one long vector w, their
gradients as g. So an update is written once for the whole, as on paper. Afterwards each
parameter takes its piece of the new w.

**Gradient accumulation.** A batch that is too large for memory is split into parts. The
gradients of several `backward()` add up in `grad` until `zero_grad()`. The mean over
the whole batch is the sum of the parts' means, each times its share of the batch.

    >>> w, batch = Parameter([1.0]), Tensor([1.0, 2.0, 3.0, 6.0])
    >>> for part in batch.chunk(2):
    ...     loss = (w * part).mean() * (len(part) / len(batch))
    ...     loss.backward()
    >>> w.grad, batch.mean()                            # ∂mean(w x)/∂w = mean(x)
    (Tensor([3.0], float64), Tensor(3.0, float64))
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import namespace_of
from tinygrad_attn.errors import check_number

from ..module import Parameter


class Optimizer:
    """The base of all optimizers. Parameters without a gradient are left as they are.

    Subclasses define `update`, and name in `slots` the arrays that it keeps for each
    parameter.

    Args:
        parameters: several Parameters, such as `model.parameters()`.
        lr: the learning rate.

    >>> class Descent(Optimizer):
    ...     def update(self, xp, w, g, state):
    ...         return w - self.lr * g, state
    >>> w = Parameter([1.0])
    >>> optimizer = Descent([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w, optimizer.steps
    (Tensor([0.5000], float64, requires_grad), 1)
    """

    slots: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Parameter], lr: float) -> None:
        name = type(self).__name__
        self.parameters = _list_parameters(name, parameters)
        check_number(name, "lr", lr, 0.0)
        self.lr = float(lr)
        self.steps = 0
        self.state: dict[str, list[Any]] = {
            slot: [_zeros_like(p) for p in self.parameters] for slot in self.slots
        }

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """The new w and the new state.

        Args:
            xp: the namespace of the arrays.
            w: all parameters that move, end to end, one vector.
            g: their gradients, the same way.
            state: slot → vector, the same way.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Moves every parameter that has a gradient."""
        moving = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        if not moving:
            raise RuntimeError(
                f"{type(self).__name__}: step without a gradient; call backward() first"
            )
        self.steps += 1
        parameters = [self.parameters[i] for i in moving]
        xp = namespace_of([parameters[0].array])
        w = _join(xp, [p.detach().array for p in parameters])
        g = _join(xp, [p.grad.array for p in parameters if p.grad is not None])
        state = {
            slot: _join(xp, [arrays[i] for i in moving])
            for slot, arrays in self.state.items()
        }
        w, state = self.update(xp, w, g, state)
        start = 0
        for i, p in zip(moving, parameters):
            piece = slice(start, start + p.size)
            start += p.size
            p.assign(xp.reshape(w[piece], p.shape))
            for slot, vector in state.items():
                self.state[slot][i] = xp.reshape(vector[piece], p.shape)

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for p in self.parameters:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The number of steps, and for every slot a Tensor for each parameter."""
        return {
            "steps": self.steps,
            **{
                slot: [Tensor(a) for a in arrays] for slot, arrays in self.state.items()
            },
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over a `state_dict` of any backend. The parameters must have the same
        shapes, in the same order."""
        name = type(self).__name__
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{name}: a state of {type(state).__name__} given; it must be what "
                "state_dict() returned"
            )
        expected = {"steps", *self.slots}
        if set(state) != expected:
            raise ValueError(
                f"{name}: state with {', '.join(sorted(state))} given; it must have "
                f"{', '.join(sorted(expected))}"
            )
        check_number(name, "steps", state["steps"], 0, whole=True)
        for slot in self.slots:
            if not isinstance(state[slot], (list, tuple)):
                raise TypeError(
                    f"{name}: {slot} is a {type(state[slot]).__name__}; it must be a "
                    "list of Tensors"
                )
            for t in state[slot]:
                if not isinstance(t, Tensor):
                    raise TypeError(
                        f"{name}: {slot} has a {type(t).__name__}; it must have Tensors"
                    )
            shapes = [t.shape for t in state[slot]]
            own = [p.shape for p in self.parameters]
            if shapes != own:
                raise ValueError(
                    f"{name}: {slot} of shapes {shapes} given for parameters of {own}"
                )
        self.steps = state["steps"]
        for slot in self.slots:
            self.state[slot] = [
                _array_like(p, t) for p, t in zip(self.parameters, state[slot])
            ]


def clip_grad_norm(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Scales all gradients by one factor, so that their norm √Σg² is at most max_norm.

    Their common direction stays the same (Pascanu et al. 2013, algorithm 1).

    Returns:
        The norm before.

    >>> w = Parameter([1.0])
    >>> (w * 8.0).sum().backward()
    >>> clip_grad_norm([w], 2.0), w.grad
    (8.0, Tensor([2.0], float64))
    """
    check_number("clip_grad_norm", "max_norm", max_norm, 0.0, open_low=True)
    parameters = _list_parameters("clip_grad_norm", parameters, may_be_empty=True)
    gradients = [(p, p.grad) for p in parameters if p.grad is not None]
    norm = math.sqrt(sum((g * g).sum().item() for _, g in gradients))
    if norm > max_norm:
        for p, g in gradients:
            p.grad = g * (max_norm / norm)
    return norm


def _list_parameters(
    who: str, parameters: Iterable[Parameter], may_be_empty: bool = False
) -> list[Parameter]:
    """The parameters as a list, each once; refuses anything else."""
    if isinstance(parameters, Tensor) or not isinstance(parameters, Iterable):
        raise TypeError(
            f"{who}: a {type(parameters).__name__} given; it takes several parameters, "
            "such as model.parameters()"
        )
    found = list(parameters)
    for p in found:
        if not isinstance(p, Parameter):
            raise TypeError(
                f"{who}: a {type(p).__name__} among the parameters; it takes Parameters"
            )
    if not found and not may_be_empty:
        raise ValueError(f"{who}: no parameters given")
    return list(dict.fromkeys(found))


def _join(xp: Any, arrays: list[Any]) -> Any:
    """The arrays end to end, as one vector."""
    return xp.concat([xp.reshape(a, (a.size,)) for a in arrays], axis=0)


def _zeros_like(p: Parameter) -> Any:
    """An array of zeros, of a parameter's shape, dtype and backend."""
    return namespace_of([p.array]).zeros(p.shape, p.dtype)


def _array_like(p: Parameter, t: Tensor) -> Any:
    """The numbers of t as an array of a parameter's dtype and backend."""
    xp = namespace_of([p.array])
    numbers = t.detach().array if namespace_of([t.array]) is xp else t.tolist()
    return xp.asarray(numbers, p.dtype)
