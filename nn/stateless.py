"""Functions as modules, to stand in a Sequential: activations and losses. They have no
parameters; functional.py has the mathematics."""

from __future__ import annotations

from typing import Any

from tinygrad_attn import Tensor, functional
from tinygrad_attn.errors import check_number, say
from tinygrad_attn.functions.losses import check_reduction

from .layers import refuse_inplace
from .module import Module

# --- activations ----------------------------------------------------------------------


class ReLU(Module):
    """max(x, 0), element by element.

    >>> ReLU()(Tensor([-1.0, 2.0]))
    Tensor([0.0, 2.0], float64)
    """

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("ReLU", inplace)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x)


class GELU(Module):
    """x·Φ(x), element by element, Φ the normal distribution (Hendrycks & Gimpel 2016).

    Args:
        approximate: "none" for the exact function, "tanh" for the approximation by
            tanh.

    >>> GELU()(Tensor([0.0, 1.0]))
    Tensor([0.0000, 0.8413], float64)
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise ValueError(
                f"GELU: approximate={say(approximate)} given; it must be 'none' or "
                "'tanh'"
            )
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        return functional.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return "" if self.approximate == "none" else f"approximate={self.approximate}"


class Tanh(Module):
    """(eˣ - e⁻ˣ)/(eˣ + e⁻ˣ), element by element: from -1 to 1.

    >>> Tanh()(Tensor([0.0]))
    Tensor([0.0], float64)
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


class Sigmoid(Module):
    """1/(1 + e⁻ˣ), element by element: from 0 to 1.

    >>> Sigmoid()(Tensor([0.0]))
    Tensor([0.5000], float64)
    """

    def forward(self, x: Tensor) -> Tensor:
        return functional.sigmoid(x)


class SiLU(Module):
    """x σ(x), element by element, σ the sigmoid (Elfwing et al. 2017).

    >>> SiLU()(Tensor([0.0]))
    Tensor([0.0], float64)
    """

    def __init__(self, inplace: bool = False) -> None:
        refuse_inplace("SiLU", inplace)

    def forward(self, x: Tensor) -> Tensor:
        return functional.silu(x)


class Identity(Module):
    """x itself: where a layer could be, and none is wanted. It takes any arguments.

    >>> Identity(54, unused=True)(Tensor([1.0]))
    Tensor([1.0], float64)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        return x


# --- losses ---------------------------------------------------------------------------


class CrossEntropyLoss(Module):
    """-ln softmax(logits)[target], in nats: the surprise at the targets.

    Args:
        weight: (C,), by how much each class counts; a buffer.
        ignore_index: rows of this class count for nothing.
        reduction: "mean" over the rows that count, "sum", or "none".
        label_smoothing: ε in [0, 1), the share spread over all classes.

    >>> CrossEntropyLoss()(Tensor([[0.0, 0.0]]), Tensor([1])).item()     # ln 2
    0.6931471805599453
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Any = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        check_reduction("CrossEntropyLoss", reduction)
        check_number(
            "CrossEntropyLoss", "label_smoothing", label_smoothing, 0, 1, open_high=True
        )
        if weight is not None and not isinstance(weight, Tensor):
            weight = Tensor(weight)
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Any) -> Tensor:
        return functional.cross_entropy(
            logits,
            target,
            self.weight,
            self.ignore_index,
            self.reduction,
            self.label_smoothing,
        )


class MSELoss(Module):
    """(input - target)², its mean, sum, or none of both.

    >>> MSELoss()(Tensor([1.0, 4.0]), Tensor([1.0, 2.0]))
    Tensor(2.0, float64)
    """

    def __init__(self, *, reduction: str = "mean") -> None:
        check_reduction("MSELoss", reduction)
        self.reduction = reduction

    def forward(self, input: Tensor, target: Any) -> Tensor:
        return functional.mse_loss(input, target, self.reduction)
