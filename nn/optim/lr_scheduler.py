"""Schedules: the learning rate of each step of a training.

Make one for an optimizer; it sets the rate of the first step. Then, in each step:

    optimizer.step()
    schedule.step()

`WarmUp`, `LinearLR` and `CosineAnnealingLR` may begin with a warm-up; `Noam` is the
paper's; `LambdaLR` takes any function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygrad_attn.errors import check_number, say
from tinygrad_attn.torch_names.instead import advice

from .base import Optimizer
from .groups import plain
from .schedules import LRScheduler as LRScheduler


class LambdaLR(LRScheduler):
    """Each rate times a function of the epoch: lr(e) = lr · lr_lambda(e).

    Args:
        lr_lambda: such a function, or a list of one for each group. A state does not
            have it: the schedule that a state is loaded into must be made with it.

    >>> from nn.optim import SGD, Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> schedule = LambdaLR(optimizer, lambda e: 0.5 ** (e // 10))  # halved every 10
    >>> optimizer.lr
    1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
    ) -> None:
        self.lr_lambda = lr_lambda
        one = [lr_lambda] if callable(lr_lambda) else lr_lambda
        if not isinstance(one, (list, tuple)) or not all(map(callable, one)):
            raise TypeError(
                f"LambdaLR: lr_lambda={say(lr_lambda)} given; it must be a function of "
                "the epoch, or a list of them"
            )
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        given, e, count = self.lr_lambda, self.last_epoch, len(self.base_lrs)
        functions = [given] * count if callable(given) else given
        if len(functions) != count:
            raise ValueError(
                f"LambdaLR: {len(functions)} functions given for {count} groups; there "
                "must be one, or one for each"
            )
        factors = [f(e) for f in functions]
        for factor in factors:
            check_number("LambdaLR", f"lr_lambda({e})", factor, 0.0)
        return [base * plain(f) for base, f in zip(self.base_lrs, factors)]


class WarmUp(LRScheduler):
    """A learning rate that grows linearly from 0 to the optimizer's `lr`.

    Adam's means are rough at first, and a full step along a rough mean can spoil a new
    model. For w = warmup_steps, and e = 0, 1, ...:

        lr(e) = lr · (e + 1) / w                 while e < w
        lr(e) = the rate of epoch e - w of what comes after, here lr, from then on

    Args:
        warmup_steps: w; 0 for none.
    """

    warmup_steps: int

    def __init__(
        self, optimizer: Optimizer, warmup_steps: int, **settings: Any
    ) -> None:
        super().__init__(optimizer, warmup_steps=warmup_steps, **settings)

    def check(self, settings: Mapping[str, Any]) -> None:
        name, steps = type(self).__name__, settings["warmup_steps"]
        check_number(name, "warmup_steps", steps, 0, whole=True)

    def after(self, lr: float, e: int) -> float:
        """The rate of epoch e = 0, 1, ... after the warm-up."""
        return lr

    def get_lr(self) -> list[float]:
        e, w = self.last_epoch, self.warmup_steps
        share = min(1.0, (e + 1) / max(1, w))
        return [self.after(lr, max(0, e - w)) * share for lr in self.base_lrs]


class LinearLR(WarmUp):
    """From start_factor · lr to end_factor · lr on a straight line, then constant.

        lr(e) = lr · (start + (end - start) · min(e, total_iters) / total_iters)

    PyTorch's defaults are a warm-up. To fall after one: `LinearLR(optimizer, 1.0, 0.0,
    total_iters=900, warmup_steps=100)`.

    Args:
        warmup_steps: of a warm-up before (see `WarmUp`).
    """

    start_factor: float
    end_factor: float
    total_iters: int

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        *,
        warmup_steps: int = 0,
    ) -> None:
        super().__init__(
            optimizer,
            warmup_steps,
            start_factor=start_factor,
            end_factor=end_factor,
            total_iters=total_iters,
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        super().check(settings)
        start, end = settings["start_factor"], settings["end_factor"]
        check_number("LinearLR", "start_factor", start, 0.0, 1.0, open_low=True)
        check_number("LinearLR", "end_factor", end, 0.0, 1.0)
        check_number("LinearLR", "total_iters", settings["total_iters"], 1, whole=True)

    def after(self, lr: float, e: int) -> float:
        start, end, total = self.start_factor, self.end_factor, self.total_iters
        return lr * (start + (end - start) * min(e, total) / total)


class CosineAnnealingLR(WarmUp):
    """From lr down to eta_min along half a cosine (Loshchilov & Hutter 2017, eq. 5).

        lr(e) = eta_min + (lr - eta_min) · (1 + cos(π e / T_max)) / 2

    Past T_max it rises again, as in PyTorch.

    Args:
        T_max: the epochs from top to bottom.
        eta_min: the lowest rate.
        warmup_steps: of a warm-up before (see `WarmUp`), not counted in T_max.
    """

    T_max: int
    eta_min: float

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,
        eta_min: float = 0.0,
        *,
        warmup_steps: int = 0,
    ) -> None:
        super().__init__(optimizer, warmup_steps, T_max=T_max, eta_min=eta_min)

    def check(self, settings: Mapping[str, Any]) -> None:
        super().check(settings)
        check_number("CosineAnnealingLR", "T_max", settings["T_max"], 1, whole=True)
        check_number("CosineAnnealingLR", "eta_min", settings["eta_min"], 0.0)

    def after(self, lr: float, e: int) -> float:
        share = (1.0 + math.cos(math.pi * e / self.T_max)) / 2
        return self.eta_min + (lr - self.eta_min) * share


class StepLR(LRScheduler):
    """The rate times gamma every so many epochs: lr(e) = lr · gamma^(e // step_size).

    >>> from nn.optim import SGD, Parameter
    >>> w = Parameter([1.0])
    >>> optimizer = SGD([w], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(2):
    ...     w.sum().backward()
    ...     optimizer.step()
    ...     schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    step_size: int
    gamma: float

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1
    ) -> None:
        super().__init__(optimizer, step_size=step_size, gamma=gamma)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_number("StepLR", "step_size", settings["step_size"], 1, whole=True)
        check_number("StepLR", "gamma", settings["gamma"], 0.0)

    def get_lr(self) -> list[float]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [lr * factor for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """The rate times gamma at each of these epochs."""

    milestones: list[int]
    gamma: float

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1
    ) -> None:
        super().__init__(optimizer, milestones=[*milestones], gamma=gamma)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_number("MultiStepLR", "gamma", settings["gamma"], 0.0)
        for epoch in settings["milestones"]:
            check_number("MultiStepLR", "milestones", epoch, 0, whole=True)

    def get_lr(self) -> list[float]:
        passed = sum(epoch <= self.last_epoch for epoch in self.milestones)
        return [lr * self.gamma**passed for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """The rate times gamma every epoch: lr(e) = lr · gammaᵉ."""

    gamma: float

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, gamma=gamma)

    def check(self, settings: Mapping[str, Any]) -> None:
        check_number("ExponentialLR", "gamma", settings["gamma"], 0.0)

    def get_lr(self) -> list[float]:
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class Noam(LRScheduler):
    """The paper's learning rate (Vaswani et al. 2017, equation 3). For `warmup_steps`
    steps it grows linearly, then it falls with the inverse square root of the step.

        lr(t) = factor · d_model^-0.5 · min(t^-0.5, t · warmup_steps^-1.5)

    The two meet at t = warmup_steps, where lr is largest: factor / √(d_model · t).
    Steps count from 1, so t is last_epoch + 1; lr(0) is 0.

    Args:
        optimizer: its `lr` is set, the same in all groups. The paper has Adam with
            β₂ = 0.98 and ε = 1e-9.
        d_model: the model's width; a wider model takes smaller steps.
        warmup_steps: the paper has 4,000, of 100,000 steps in all.
        factor: multiplies the learning rate; the paper has 1.

    >>> from nn.optim import Adam, Parameter
    >>> optimizer = Adam([Parameter([1.0])], betas=(0.9, 0.98), eps=1e-9)
    >>> schedule = Noam(optimizer, d_model=4, warmup_steps=4)
    >>> [round(schedule.lr_at(t), 4) for t in (0, 1, 2, 4, 16)]
    [0.0, 0.0625, 0.125, 0.25, 0.125]
    >>> optimizer.lr                                         # of step 1
    0.0625
    """

    d_model: int
    warmup_steps: int
    factor: float

    def __init__(
        self,
        optimizer: Optimizer,
        d_model: int,
        warmup_steps: int = 4000,
        factor: float = 1.0,
    ) -> None:
        super().__init__(
            optimizer, d_model=d_model, warmup_steps=warmup_steps, factor=factor
        )

    def check(self, settings: Mapping[str, Any]) -> None:
        check_number("Noam", "d_model", settings["d_model"], 1, whole=True)
        check_number("Noam", "warmup_steps", settings["warmup_steps"], 1, whole=True)
        check_number("Noam", "factor", settings["factor"], 0.0)

    def lr_at(self, t: int) -> float:
        """The learning rate of step t = 1, 2, ...; 0 for t = 0."""
        check_number("Noam", "t", t, 0, whole=True)
        if t == 0:
            return 0.0
        slope = t * self.warmup_steps**-1.5
        return float(self.factor * self.d_model**-0.5 * min(t**-0.5, slope))

    def get_lr(self) -> list[float]:
        rates = set(self.base_lrs)
        if len(rates) > 1:
            raise ValueError(
                f"Noam: groups of lr {', '.join(map(str, sorted(rates)))} given; it "
                "sets one rate for all, so they must be equal"
            )
        return [self.lr_at(self.last_epoch + 1)] * len(self.base_lrs)


def __getattr__(name: str) -> object:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("nn.optim.lr_scheduler", name, [*globals()]))
