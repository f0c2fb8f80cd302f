"""Optimizers: how parameters move against their gradients.

All of an optimizer's parameters are laid end to end as one long vector w, their
gradients as g, and a rule is written once for the whole, as on paper. Afterwards each
parameter takes its piece of the new w.

**Gradient accumulation.** A batch that is too large for memory goes in parts: gradients
of several `backward()` add up in `grad` until `zero_grad()`, and the mean over the
whole is what each part's mean, times its share, adds up to.

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
    """What all share: the parameters, the learning rate, and a state for each
    parameter.

    Subclasses name their state (`slots`) and give the rule (`update`). Parameters
    without a gradient are left as they are.

    >>> SGD([Parameter([1.0])], lr=0.1).steps
    0
    """

    slots: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Parameter], lr: float) -> None:
        name = type(self).__name__
        self.parameters = _parameters_of(name, parameters)
        check_number(name, "lr", lr, 0.0)
        self.lr = lr
        self.steps = 0
        self.state: dict[str, list[Any]] = {
            slot: [_zeros_like(p) for p in self.parameters] for slot in self.slots
        }

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """The new w and the new state from w, its gradient g and the state."""
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
        xp = namespace_of([parameters[0].data])
        w = _flat(xp, [p.detach().data for p in parameters])
        g = _flat(xp, [p.grad.data for p in parameters if p.grad is not None])
        state = {
            slot: _flat(xp, [arrays[i] for i in moving])
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
        """Takes over what `state_dict` gave, on any backend; the parameters must be the
        same ones."""
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
                _beside(p, t) for p, t in zip(self.parameters, state[slot])
            ]


class SGD(Optimizer):
    """w ← w - lr·g, or with momentum μ: v ← μ v + g, w ← w - lr·v.

    Args:
        momentum: μ in [0, 1).
        weight_decay: λ; λ·w is added to g.

    >>> w = Parameter([1.0])
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.5000], float64, requires_grad)
    """

    slots = ("velocity",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        check_number("SGD", "momentum", momentum, 0.0, 1.0, open_high=True)
        check_number("SGD", "weight_decay", weight_decay, 0.0)
        self.momentum = momentum
        self.weight_decay = weight_decay

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        g = g + w * self.weight_decay if self.weight_decay else g
        v = state["velocity"] * self.momentum + g
        return w - v * self.lr, {"velocity": v}


class Adam(Optimizer):
    """Each weight at its own pace: its step is lr · mean(g) / √mean(g²).

    Kingma & Ba 2015, algorithm 1. The means are running ones, which start at 0 and are
    therefore too small at first; dividing by 1 - βᵗ corrects that.

        m ← β₁ m + (1 - β₁) g            v ← β₂ v + (1 - β₂) g²
        w ← w - lr · m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + ε)

    Args:
        betas: (β₁, β₂), how much of the old mean is kept.
        eps: ε, so that nothing is divided by 0.
        weight_decay: λ; λ·w is added to g (AdamW does it otherwise).

    >>> w = Parameter([1.0])
    >>> optimizer = Adam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.7500], float64, requires_grad)
    """

    slots = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        name = type(self).__name__
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{name}: betas={betas!r} given; there must be two")
        for beta in betas:
            check_number(name, "betas", beta, 0.0, 1.0, open_high=True)
        check_number(name, "eps", eps, 0.0)
        check_number(name, "weight_decay", weight_decay, 0.0)
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        g = g + w * self.weight_decay if self.weight_decay else g
        beta1, beta2 = self.betas
        m = state["m"] * beta1 + g * (1.0 - beta1)
        v = state["v"] * beta2 + g * g * (1.0 - beta2)
        pace = self.lr / (1.0 - beta1**self.steps)
        spread = xp.sqrt(v) * (1.0 / math.sqrt(1.0 - beta2**self.steps)) + self.eps
        return w - m * pace / spread, {"m": m, "v": v}


class AdamW(Adam):
    """Adam with the weight decay beside it: w ← w - lr·λ·w, then Adam's step.

    Loshchilov & Hutter 2019, algorithm 2. In Adam λ·w would be divided by √v like the
    gradient, and weights with large gradients would hardly decay.

    >>> w = Parameter([1.0])
    >>> optimizer = AdamW([w], lr=0.25, weight_decay=1.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.5000], float64, requires_grad)
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps)
        check_number("AdamW", "weight_decay", weight_decay, 0.0)
        self.decay = weight_decay

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        return super().update(xp, w * (1.0 - self.lr * self.decay), g, state)


def clip_grad_norm(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Scales all gradients so that their common length √Σg² is at most max_norm.

    Pascanu et al. 2013, algorithm 1: the direction stays.

    Returns:
        The length before.

    >>> w = Parameter([1.0])
    >>> (w * 8.0).sum().backward()
    >>> clip_grad_norm([w], 2.0), w.grad
    (8.0, Tensor([2.0], float64))
    """
    check_number("clip_grad_norm", "max_norm", max_norm, 0.0, open_low=True)
    parameters = _parameters_of("clip_grad_norm", parameters, none_is_fine=True)
    having = [p for p in parameters if p.grad is not None]
    grads = [p.grad for p in having if p.grad is not None]
    norm = math.sqrt(sum((g * g).sum().item() for g in grads))
    if norm > max_norm:
        for p, g in zip(having, grads):
            p.grad = g * (max_norm / norm)
    return norm


def _parameters_of(
    who: str, parameters: Iterable[Parameter], none_is_fine: bool = False
) -> list[Parameter]:
    """The parameters as a list, each once, when all are seen to be parameters."""
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
    if not found and not none_is_fine:
        raise ValueError(f"{who}: no parameters given")
    return list(dict.fromkeys(found))


def _flat(xp: Any, arrays: list[Any]) -> Any:
    """The arrays end to end, as one vector."""
    return xp.concat([xp.reshape(a, (a.size,)) for a in arrays], axis=0)


def _zeros_like(p: Parameter) -> Any:
    """An array of zeros beside a parameter."""
    return namespace_of([p.data]).zeros(p.shape, p.dtype)


def _beside(p: Parameter, t: Tensor) -> Any:
    """The numbers of t as an array like those of a parameter."""
    xp = namespace_of([p.data])
    numbers = t.detach().data if namespace_of([t.data]) is xp else t.tolist()
    return xp.asarray(numbers, p.dtype)
