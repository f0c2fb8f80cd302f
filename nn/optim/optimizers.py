"""SGD, Adam and AdamW: three ways to move weights w against their gradient g.

In all three lr is the learning rate, and λ the weight decay, which pulls weights
towards 0. The code uses the letters of the formulas: `beta1` is β₁, `m_hat` m̂.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_attn.errors import check_number

from ..module import Parameter
from .base import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: every step goes straight down the gradient.

        g ← g + λ w          v ← μ v + g          w ← w - lr v

    With momentum μ > 0 the velocity v remembers earlier gradients.

    Args:
        momentum: μ in [0, 1).
        weight_decay: λ.

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
        self.momentum = float(momentum)
        self.weight_decay = float(weight_decay)

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        lr, mu, decay = self.lr, self.momentum, self.weight_decay
        g = g + decay * w if decay else g
        v = mu * state["velocity"] + g
        w = w - lr * v
        return w, {"velocity": v}


class Adam(Optimizer):
    """Each weight at its own pace: its step is lr · mean(g) / √mean(g²).

    Kingma & Ba 2015, algorithm 1, at step t = 1, 2, ...:

        g ← g + λ w
        m ← β₁ m + (1 - β₁) g            v ← β₂ v + (1 - β₂) g²
        m̂ = m / (1 - β₁ᵗ)                v̂ = v / (1 - β₂ᵗ)
        w ← w - lr m̂ / (√v̂ + ε)

    m and v are running means of g and g². They start at 0, so at first they are too
    small; m̂ and v̂ correct that. (The paper writes θ for w and α for lr.)

    Args:
        betas: (β₁, β₂), how much of the old mean is kept.
        eps: ε, so that nothing is divided by 0.
        weight_decay: λ; the paper has none.

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
        self.betas = float(betas[0]), float(betas[1])
        self.eps = float(eps)
        self.weight_decay = float(weight_decay)

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        lr, (beta1, beta2), eps, t = self.lr, self.betas, self.eps, self.steps
        g = g + self.weight_decay * w if self.weight_decay else g
        m = beta1 * state["m"] + (1 - beta1) * g
        v = beta2 * state["v"] + (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w = w - lr * m_hat / (xp.sqrt(v_hat) + eps)
        return w, {"m": m, "v": v}


class AdamW(Adam):
    """Adam with weight decay outside the gradient: w ← (1 - lr λ) w, then Adam's step.

    Loshchilov & Hutter 2019, algorithm 2. Inside the gradient, as in Adam, λ w is
    divided by √v̂ as well, so weights with large gradients hardly decay.

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
        self.decay = float(weight_decay)

    def update(
        self, xp: Any, w: Any, g: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        return super().update(xp, w * (1.0 - self.lr * self.decay), g, state)
