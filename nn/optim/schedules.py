"""Schedules: the learning rate of each step of a training.

Call a schedule's `step()` before the optimizer's. A schedule counts by the optimizer's
own steps, so a training that is saved and restored continues at its learning rate.
"""

from __future__ import annotations

from tinygrad_attn.errors import check_number

from .base import Optimizer


class WarmUp:
    """A learning rate that grows linearly from 0 to the optimizer's `lr`.

    Adam's means are rough at first, and a full step along a rough mean can spoil a new
    model.

        lr(t) = lr · min(1, t / warmup_steps),      t = 1, 2, ...

    >>> from nn.optim import SGD, Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> WarmUp(optimizer, 4).step()
    >>> optimizer.lr
    0.25
    """

    def __init__(self, optimizer: Optimizer, warmup_steps: int) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"WarmUp: a {type(optimizer).__name__} given; it takes an optimizer"
            )
        check_number("WarmUp", "warmup_steps", warmup_steps, 0, whole=True)
        self.optimizer = optimizer
        self.warmup_steps = warmup_steps
        self.lr = optimizer.lr

    def step(self) -> None:
        """Sets the learning rate of the optimizer's next step."""
        t = self.optimizer.steps + 1
        self.optimizer.lr = self.lr * min(1.0, t / max(1, self.warmup_steps))


class Noam:
    """The paper's learning rate (Vaswani et al. 2017, equation 3). For `warmup_steps`
    steps it grows linearly, then it falls with the inverse square root of the step.

        lr(t) = factor · d_model^-0.5 · min(t^-0.5, t · warmup_steps^-1.5)

    The two meet at t = warmup_steps, where lr is largest: factor / √(d_model · t).
    Steps count from 1; lr(0) is 0.

    Args:
        optimizer: its `lr` is set. The paper has Adam with β₂ = 0.98 and ε = 1e-9.
        d_model: the model's width; a wider model takes smaller steps.
        warmup_steps: the paper has 4,000, of 100,000 steps in all.
        factor: multiplies the learning rate; the paper has 1.

    >>> from nn.optim import Adam, Parameter
    >>> optimizer = Adam([Parameter([1.0])], betas=(0.9, 0.98), eps=1e-9)
    >>> schedule = Noam(optimizer, d_model=4, warmup_steps=4)
    >>> [round(schedule.lr_at(t), 4) for t in (0, 1, 2, 4, 16)]
    [0.0, 0.0625, 0.125, 0.25, 0.125]
    >>> schedule.step()
    >>> optimizer.lr
    0.0625
    """

    def __init__(
        self,
        optimizer: Optimizer,
        d_model: int,
        warmup_steps: int = 4000,
        factor: float = 1.0,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Noam: a {type(optimizer).__name__} given; it takes an optimizer"
            )
        check_number("Noam", "d_model", d_model, 1, whole=True)
        check_number("Noam", "warmup_steps", warmup_steps, 1, whole=True)
        check_number("Noam", "factor", factor, 0.0)
        self.optimizer = optimizer
        self.d_model = d_model
        self.warmup_steps = warmup_steps
        self.factor = factor

    def lr_at(self, t: int) -> float:
        """The learning rate of step t = 1, 2, ...; 0 for t = 0."""
        check_number("Noam", "t", t, 0, whole=True)
        if t == 0:
            return 0.0
        slope = t * self.warmup_steps**-1.5
        return float(self.factor * self.d_model**-0.5 * min(t**-0.5, slope))

    def step(self) -> None:
        """Sets the learning rate of the optimizer's next step."""
        self.optimizer.lr = self.lr_at(self.optimizer.steps + 1)
