"""SGD, RMSprop, Adam and AdamW: four ways to move weights w against their gradient g.

In all four lr is the learning rate, and λ the weight decay, which pulls weights
towards 0. The code uses the letters of the formulas: `beta1` is β₁, `m_hat` m̂.
With `maximize` g is -g: the weights go uphill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_attn.errors import check_flags, check_number, say

from .base import Optimizer, by_number
from .groups import Given, Group


class SGD(Optimizer):
    """Stochastic gradient descent: every step goes straight down the gradient.

        g ← g + λ w          v ← μ v + (1 - τ) g          w ← w - lr v

    With momentum μ > 0 the velocity v remembers earlier gradients; it begins as the
    first g. Nesterov's momentum looks one step ahead (Sutskever et al. 2013, equations
    3 and 4, in PyTorch's form): w ← w - lr (g + μ v).

    Args:
        params: parameters, or groups of them.
        lr: the learning rate.
        momentum: μ in [0, 1).
        dampening: τ in [0, 1].
        weight_decay: λ.
        nesterov: whether to look ahead; μ must not be 0, and τ must be.
        maximize: whether to go uphill.

    >>> from nn import Parameter
    >>> w = Parameter([1.0])
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.5000], float64, requires_grad)
    """

    optional_slots = ("momentum_buffer",)  # v

    def __init__(
        self,
        params: Given,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def check(self, who: str, options: Mapping[str, Any]) -> None:
        super().check(who, options)
        momentum, dampening = options["momentum"], options["dampening"]
        check_number(who, "momentum", momentum, 0.0, 1.0, open_high=True)
        check_number(who, "dampening", dampening, 0.0, 1.0)
        check_flags(who, nesterov=options["nesterov"])
        if options["nesterov"] and (not momentum or dampening):
            raise ValueError(
                f"{who}: nesterov with momentum={momentum} and dampening={dampening} "
                "given; it needs a momentum above 0, and no dampening"
            )

    @by_number
    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any], options: Group
    ) -> tuple[Any, dict[str, Any]]:
        lr, mu, decay = options["lr"], options["momentum"], options["weight_decay"]
        g = g + decay * w if decay else g
        if not mu:
            return w - lr * g, state
        v, dampening = state.get("momentum_buffer"), options["dampening"]
        if v is None:
            v = g
        else:
            v = mu * v + ((1.0 - dampening) * g if dampening else g)
        w = w - lr * (g + mu * v if options["nesterov"] else v)
        return w, {"momentum_buffer": v}


class RMSprop(Optimizer):
    """Each weight at its own pace: its step is lr · g / √mean(g²) (Hinton 2012).

        g ← g + λ w          v ← α v + (1 - α) g²          w ← w - lr g / (√v + ε)

    With momentum μ > 0 the velocity b remembers earlier steps:
    b ← μ b + g / (√v + ε), w ← w - lr b. Centered, v - mean(g)² takes v's place.

    Args:
        params: parameters, or groups of them.
        lr: the learning rate.
        alpha: α, how much of the old mean is kept.
        eps: ε, so that nothing is divided by 0.
        weight_decay: λ.
        momentum: μ.
        centered: whether the variance of g divides, and not its mean square.
        maximize: whether to go uphill.

    >>> from nn import Parameter
    >>> w = Parameter([1.0])
    >>> optimizer = RMSprop([w], lr=0.05)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.5000], float64, requires_grad)
    """

    slots = ("square_avg",)  # v
    optional_slots = ("momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Given,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def check(self, who: str, options: Mapping[str, Any]) -> None:
        super().check(who, options)
        check_number(who, "alpha", options["alpha"], 0.0, 1.0)
        check_number(who, "eps", options["eps"], 0.0)
        check_number(who, "momentum", options["momentum"], 0.0, 1.0, open_high=True)
        check_flags(who, centered=options["centered"])

    @by_number
    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any], options: Group
    ) -> tuple[Any, dict[str, Any]]:
        lr, alpha, decay = options["lr"], options["alpha"], options["weight_decay"]
        mu = options["momentum"]
        g = g + decay * w if decay else g
        v = alpha * state.get("square_avg", 0.0) + (1 - alpha) * (g * g)
        kept = {"square_avg": v}
        if options["centered"]:
            m = alpha * state.get("grad_avg", 0.0) + (1 - alpha) * g
            kept["grad_avg"], v = m, v - m * m
        step = g / (xp.sqrt(v) + options["eps"])
        if mu:
            step = kept["momentum_buffer"] = (
                mu * state.get("momentum_buffer", 0.0) + step
            )
        return w - lr * step, kept


class Adam(Optimizer):
    """Each weight at its own pace: its step is lr · mean(g) / √mean(g²).

    Kingma & Ba 2015, algorithm 1, at a parameter's step t = 1, 2, ...:

        g ← g + λ w
        m ← β₁ m + (1 - β₁) g            v ← β₂ v + (1 - β₂) g²
        m̂ = m / (1 - β₁ᵗ)                v̂ = v / (1 - β₂ᵗ)
        w ← w - lr m̂ / (√v̂ + ε)

    m and v are running means of g and g². They start at 0, so at first they are too
    small; m̂ and v̂ correct that. (The paper writes θ for w and α for lr.)

    Args:
        params: parameters, or groups of them.
        lr: the learning rate.
        betas: (β₁, β₂), how much of the old mean is kept.
        eps: ε, so that nothing is divided by 0.
        weight_decay: λ; the paper has none.
        amsgrad: whether v̂ is made of the largest v so far, so that no weight's pace
            grows again (Reddi et al. 2018, algorithm 2).
        maximize: whether to go uphill.

    >>> from nn import Parameter
    >>> w = Parameter([1.0])
    >>> optimizer = Adam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.7500], float64, requires_grad)
    """

    slots = ("exp_avg", "exp_avg_sq")  # m and v
    optional_slots = ("max_exp_avg_sq",)

    def __init__(
        self,
        params: Given,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def check(self, who: str, options: Mapping[str, Any]) -> None:
        super().check(who, options)
        betas = options["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"{who}: betas={say(betas)} given; there must be two")
        for beta in betas:
            check_number(who, "betas", beta, 0.0, 1.0, open_high=True)
        check_number(who, "eps", options["eps"], 0.0)
        check_flags(who, amsgrad=options["amsgrad"])

    @by_number
    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any], options: Group
    ) -> tuple[Any, dict[str, Any]]:
        lr, eps, decay = options["lr"], options["eps"], options["weight_decay"]
        beta1, beta2 = options["betas"]
        t = state["step"]
        g = g + decay * w if decay else g
        m = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * g
        v = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * (g * g)
        state = {**state, "exp_avg": m, "exp_avg_sq": v}
        if options["amsgrad"]:
            v = state["max_exp_avg_sq"] = xp.maximum(state.get("max_exp_avg_sq", v), v)
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - lr * m_hat / (xp.sqrt(v_hat) + eps)
        return w, state


class AdamW(Adam):
    """Adam with weight decay outside the gradient: w ← (1 - lr λ) w, then Adam's step.

    Loshchilov & Hutter 2019, algorithm 2. Inside the gradient, as in Adam, λ w is
    divided by √v̂ as well, so weights with large gradients hardly decay.

    >>> from nn import Parameter
    >>> w = Parameter([1.0])
    >>> optimizer = AdamW([w], lr=0.25, weight_decay=1.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    Tensor([0.5000], float64, requires_grad)
    """

    def __init__(
        self,
        params: Given,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize
        )

    @by_number
    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any], options: Group
    ) -> tuple[Any, dict[str, Any]]:
        w = w * (1.0 - options["lr"] * options["weight_decay"])
        return super().update(xp, w, g, state, {**options, "weight_decay": 0.0})
