"""Schedules: how large the steps are, from the first to the last.

Call a schedule's `step()` before each of the optimizer's. Both count with the
optimizer, so that a saved and restored one goes on where it was.
"""

from __future__ import annotations

from tinygrad_attn.errors import check_number

from .optimizer import Optimizer


class WarmUp:
    """A learning rate that grows from 0 to its full size within the first steps.

    Adam's means are rough at first, and a full step along a rough mean can spoil a
    fresh model. Call `step()` before each of the optimizer's.

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
    """The paper's learning rate (Vaswani et al. 2017, equation 3): up in a line for
    `warmup_steps` steps, then down with the root of the steps.

        lr(t) = factor · d_model^-0.5 · min(t^-0.5, t · warmup_steps^-1.5)

    The two meet at t = warmup_steps, where lr is largest: factor / √(d_model · t). The
    steps count from 1; at 0, where t^-0.5 is none, lr is 0.

    Args:
        optimizer: whose `lr` is set. The paper's is Adam with β₂ = 0.98, ε = 1e-9.
        d_model: the model's width: a wider one takes smaller steps.
        warmup_steps: 4,000 in the paper, for 100,000 steps.
        factor: of the whole; the paper has 1.

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
