"""`torch.distributions`: what random numbers are drawn from, and how likely each was.

policy = Categorical(logits=model(state))
action = policy.sample()
loss = -policy.log_prob(action) * reward          # its gradient reaches the model
"""

from __future__ import annotations

import math
from typing import Any

from ..creation import randn
from ..functions.activations import log_softmax, softplus
from ..functions.elementwise import where
from ..functions.indexing import take_along_axis
from ..functions.movement import broadcast_to
from ..functions.operands import tensor as tensor_of
from ..tensor import Tensor
from .instead import advice
from .keywords import understand
from .making import bernoulli, multinomial


class Categorical:
    """One of C classes: probabilities (..., C), which are divided by their sum, or
    logits.

    >>> coin = Categorical(probs=Tensor([1.0, 3.0]))
    >>> coin.log_prob(Tensor(1)).exp(), coin.sample().shape
    (Tensor(0.7500, float64), ())
    """

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        given = one_of("Categorical", probs, logits)
        if probs is not None:
            given = (given / given.sum(axis=-1, keepdims=True)).log()
        self.logits = log_softmax(given, axis=-1)
        self.probs = self.logits.exp()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Classes (*sample_shape, ...), as likely as their probabilities."""
        count, classes = math.prod(sample_shape), self.probs.shape[-1]
        batch = self.probs.shape[:-1]
        rows = self.probs.detach().reshape(-1, classes)
        drawn = multinomial(rows, count, replacement=True).T  # (count, rows)
        return drawn.reshape((*sample_shape, *batch))

    def log_prob(self, value: Tensor) -> Tensor:
        """ln of how likely these classes are."""
        at = tensor_of("log_prob", value).unsqueeze(-1)
        rows = broadcast_to(self.logits, (*value.shape, self.logits.shape[-1]))
        return take_along_axis(rows, at, -1).squeeze(-1)

    def entropy(self) -> Tensor:
        """-Σ p ln p, in nats."""
        positive = self.probs > 0.0
        return -where(positive, self.probs * self.logits, 0.0).sum(axis=-1)


class Bernoulli:
    """True with probability p, or sigmoid(logits): 1.0 or 0.0."""

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        given = one_of("Bernoulli", probs, logits)
        self.probs = given if logits is None else given.sigmoid()
        self.logits = given if probs is None else (given / (1.0 - given)).log()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Ones and zeros (*sample_shape, ...)."""
        p = self.probs.detach()
        return bernoulli(broadcast_to(p, (*sample_shape, *p.shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        """ln p of each 1, ln(1 - p) of each 0."""
        return value * self.logits - softplus(self.logits)

    def entropy(self) -> Tensor:
        """-p ln p - (1 - p) ln(1 - p), in nats."""
        return softplus(self.logits) - self.probs * self.logits


class Normal:
    """The normal distribution of a mean and a standard deviation.

    >>> Normal(0.0, 1.0).log_prob(Tensor(0.0)).exp()               # 1/√2π
    Tensor(0.3989, float64)
    """

    def __init__(self, loc: Any, scale: Any) -> None:
        like = next((v for v in (loc, scale) if hasattr(v, "dtype")), None)
        whole = Tensor(0.0) if like is None else like * 0.0
        self.loc, self.scale = whole + loc, whole + scale
        self.mean, self.stddev = self.loc, self.scale

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers (*sample_shape, ...), constants."""
        return self.rsample(sample_shape).detach()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """mean + std · ε, ε of the standard normal one: a gradient reaches both."""
        noise = randn((*sample_shape, *(self.loc + self.scale).shape))
        return self.loc + self.scale * noise

    def log_prob(self, value: Any) -> Tensor:
        """ln of the density."""
        z = (value - self.loc) / self.scale
        return -(z * z) / 2.0 - self.scale.log() - math.log(2.0 * math.pi) / 2.0

    def entropy(self) -> Tensor:
        """½ ln(2πe) + ln std, in nats."""
        return self.scale.log() + (math.log(2.0 * math.pi) + 1.0) / 2.0


def one_of(who: str, probs: Any, logits: Any) -> Any:
    """What is given, a Tensor: probabilities or logits."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{who}: give probs or logits, and one of them")
    given = logits if probs is None else probs
    return given if hasattr(given, "array") else Tensor(given)


for _kind in (Categorical, Bernoulli, Normal):
    understand(_kind)


def __getattr__(name: str) -> Any:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("distributions", name, [*globals()]))
