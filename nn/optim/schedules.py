"""What all schedules share: the count of epochs, the rates they set, their state.

A schedule sets the rate of the first step when it is made. Call its `step()` after the
optimizer's; it sets the rate of the next. One call may also stand for an epoch of many
steps: a schedule counts its own calls, as `last_epoch`.

    >>> from nn.optim import SGD, Parameter, WarmUp
    >>> w = Parameter([1.0])
    >>> optimizer = SGD([w], lr=1.0)
    >>> schedule = WarmUp(optimizer, 4)
    >>> rates = []
    >>> for _ in range(6):
    ...     w.grad = Tensor([0.0])
    ...     rates.append(optimizer.lr)
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]

The optimizer's `state_dict` has the schedule in it. A training that is restored goes on
with its rates, be the schedule made before the state is loaded, or the same one after.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from tinygrad_attn.errors import check_number, say

from .base import Optimizer
from .groups import plain
from .states import QUOTES, check_keys


class LRScheduler:
    """The base of all schedules. Subclasses define `get_lr` and `check`.

    Args:
        optimizer: its groups' `lr` are set. It has one schedule, the last that is made.
        settings: the numbers of the formula. They become attributes.

    Attributes:
        last_epoch: how often `step` was called, e = 0, 1, ...
    """

    optimizer: Optimizer

    def __init__(self, optimizer: Optimizer, **settings: Any) -> None:
        name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{name}: a {type(optimizer).__name__} given; it takes an optimizer"
            )
        self.optimizer = optimizer
        self.last_epoch = 0
        self._settings = tuple(settings)
        self._made_at = optimizer.steps
        self._set(settings)
        saved = optimizer.saved_schedule or {}
        if saved.get("schedule") == name and all(
            saved.get(key) == getattr(self, key) for key in settings
        ):
            self.load_state_dict(saved)  # it goes on
        else:
            self._set_rates()
        optimizer.schedule, optimizer.saved_schedule = self, None

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuses settings that are wrong."""

    def get_lr(self) -> list[float]:
        """The learning rate of each group at `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__}: get_lr is not defined")

    @property
    def base_lrs(self) -> list[float]:
        """The rate of each group before the schedule: its `initial_lr`."""
        groups = self.optimizer.param_groups
        return [plain(group.get("initial_lr", group["lr"])) for group in groups]

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def step(self) -> None:
        """Sets the learning rates of the optimizer's next steps."""
        name = type(self).__name__
        if self.optimizer.schedule is not self:
            raise RuntimeError(
                f"{name}: its optimizer has another schedule since, a "
                f"{type(self.optimizer.schedule).__name__}; step that one"
            )
        if not self.last_epoch and self.optimizer.steps == self._made_at:
            warnings.warn(
                f"{name}: step() before the optimizer's first step, which will not "
                "have the first rate; call optimizer.step(), then schedule.step()",
                stacklevel=2,
            )
        self._set({key: getattr(self, key) for key in self._settings})
        self.last_epoch += 1
        self._set_rates()

    def _set(self, settings: Mapping[str, Any]) -> None:
        self.check(settings)
        vars(self).update({key: plain(value) for key, value in settings.items()})

    def _set_rates(self) -> None:
        self.optimizer.options()  # checks the rates it begins from
        for group, lr in zip(self.optimizer.param_groups, self.get_lr()):
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = lr

    # --- saving -----------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that the next rates depend on, beside functions, as plain data."""
        return {
            "schedule": type(self).__name__,
            "last_epoch": self.last_epoch,
            "base_lrs": self.base_lrs,
            "last_lrs": [plain(lr) for lr in self.get_last_lr()],
            **{key: getattr(self, key) for key in self._settings},
        }

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Refuses a state that is not of such a schedule."""
        name, count = type(self).__name__, len(self.optimizer.param_groups)
        keys = ("schedule", "last_epoch", "base_lrs", "last_lrs", *self._settings)
        given = state.get("schedule", name) if isinstance(state, Mapping) else name
        if given != name:
            other = say(given).strip(QUOTES)
            raise ValueError(f"{name}: a state of {other} given; it must be of {name}")
        check_keys(name, "a state", state, keys)
        check_number(name, "last_epoch", state["last_epoch"], 0, whole=True)
        for key in "base_lrs", "last_lrs":
            rates = state[key]
            if not isinstance(rates, (list, tuple)) or len(rates) != count:
                raise ValueError(
                    f"{name}: {key}={say(rates)} given; it must have a rate for each "
                    f"of {count} groups"
                )
            for rate in rates:
                check_number(name, key, rate, 0.0)
        self.check({key: state[key] for key in self._settings})

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes over a `state_dict`, and sets the rates that it tells."""
        self.check_state(state)
        self._set({key: state[key] for key in self._settings})
        self.last_epoch = int(state["last_epoch"])
        rates = zip(state["base_lrs"], state["last_lrs"])
        for group, (base, last) in zip(self.optimizer.param_groups, rates):
            group["initial_lr"], group["lr"] = plain(base), plain(last)
