"""PyTorch's modules beyond the course, with PyTorch's arguments.

`nn.MultiheadAttention` is the course's `MultiHeadAttention` in PyTorch's order, with
its masks, which mean the opposite. The others are functions as modules, as in
stateless.py. What is not here says what to write instead.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

from tinygrad_attn import Tensor, functional
from tinygrad_attn.errors import check_flags, check_number
from tinygrad_attn.functions.losses import check_reduction
from tinygrad_attn.functions.spelling import without_unknown
from tinygrad_attn.torch_names.instead import advice
from tinygrad_attn.torch_names.keywords import known

from .layers import refuse_inplace
from .module import Module
from .transformer.multi_head import MultiHeadAttention

# --- attention ------------------------------------------------------------------------


class MultiheadAttention(MultiHeadAttention):
    """`MultiHeadAttention` as PyTorch calls it.

    Args:
        embed_dim: d_model.
        batch_first: whether inputs are (B, T, embed_dim), and not (T, B, embed_dim).

    >>> from tinygrad_attn import ones
    >>> x = ones(5, 1, 8)
    >>> z, weights = MultiheadAttention(8, 2)(x, x, x)
    >>> z.shape, weights.shape
    ((5, 1, 8), (1, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        who = "MultiheadAttention"
        check_flags(who, batch_first=batch_first, add_bias_kv=add_bias_kv)
        check_flags(who, add_zero_attn=add_zero_attn)
        if add_bias_kv or add_zero_attn:
            raise ValueError(f"{who}: there is no add_bias_kv and no add_zero_attn")
        super().__init__(embed_dim, num_heads, dropout, bias, kdim, vdim)
        self.embed_dim, self.batch_first = embed_dim, batch_first

    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the weights, the mean over the heads, or None.

        Args:
            key_padding_mask: boolean (B, S), **True = padding**, the opposite of ours.
            attn_mask: boolean (T, S) or (B · H, T, S), **True = may not attend**; or
                floats, which are added to the energies.
            average_attn_weights: False keeps the weights of every head.
            is_causal: says that attn_mask is the causal one; it must be given too.
        """
        who = "MultiheadAttention"
        check_flags(who, average_attn_weights=average_attn_weights, is_causal=is_causal)
        if is_causal and attn_mask is None:
            raise ValueError(
                f"{who}: is_causal=True given without attn_mask; the mask is "
                "~causal_mask(T)"
            )
        turned = not self.batch_first and query.ndim == 3
        if turned:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        if attn_mask is not None and attn_mask.ndim == 3:  # (B · H, T, S)
            attn_mask = attn_mask.reshape(-1, self.num_heads, *attn_mask.shape[1:])
        z, weights = super().forward(
            query,
            key,
            value,
            attn_mask=opposite(attn_mask),
            need_weights=need_weights,
            key_padding_mask=opposite(key_padding_mask),
        )
        if weights is not None and average_attn_weights:
            weights = weights.mean(axis=-3)
        return (z.transpose(0, 1) if turned else z), weights


def opposite(mask: Tensor | None) -> Tensor | None:
    """A mask of bools turned over; one of floats as it is."""
    if mask is None or mask.dtype != "bool":
        return mask
    return mask == False  # noqa: E712


# --- functions as modules -------------------------------------------------------------


class Flatten(Module):
    """The axes from start_dim to end_dim made one; by default all but the first.

    >>> Flatten()(Tensor([[[1, 2], [3, 4]]])).shape
    (1, 4)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope · x.

    >>> LeakyReLU(0.5)(Tensor([-1.0, 2.0]))
    Tensor([-0.5000, 2.0000], float64)
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        refuse_inplace("LeakyReLU", inplace)
        check_number("LeakyReLU", "negative_slope", negative_slope)
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(x, self.negative_slope)


class Softplus(Module):
    """ln(1 + eˣ): a smooth max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.softplus(x)


class LogSigmoid(Module):
    """ln sigmoid(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return -functional.softplus(-x)


class LogSoftmax(Module):
    """ln softmax(x) along an axis.

    >>> LogSoftmax(dim=0)(Tensor([0.0])).item()
    0.0
    """

    def __init__(self, dim: int = -1) -> None:
        check_number("LogSoftmax", "dim", dim, whole=True)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return functional.log_softmax(x, self.dim)


class Loss(Module):
    """A loss of functional.py, with its settings."""

    function = ""

    def __init__(self, *, reduction: str = "mean", **settings: Any) -> None:
        if not (self.function == "kl_div" and reduction == "batchmean"):
            check_reduction(type(self).__name__, reduction)
        who = type(self).__name__
        own = {*signature(getattr(functional, self.function)).parameters}
        settings = without_unknown(who, own, known(who, own, settings))
        self.settings = {"reduction": reduction, **settings}

    def forward(self, input: Tensor, target: Any) -> Any:
        return getattr(functional, self.function)(input, target, **self.settings)


class NLLLoss(Loss):
    """-x[target], of ln of probabilities: log_softmax before it makes cross-entropy."""

    function = "nll_loss"

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction, ignore_index=ignore_index)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Any) -> Any:
        return functional.nll_loss(input, target, self.weight, **self.settings)


class KLDivLoss(Loss):
    """q (ln q - x), of x = ln p: how far the target q is from p."""

    function = "kl_div"

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction=reduction, log_target=log_target)


class BCELoss(Loss):
    """-(y ln p + (1 - y) ln(1 - p)), of probabilities p."""

    function = "binary_cross_entropy"


class BCEWithLogitsLoss(Loss):
    """The same of p = sigmoid(x), where no exp overflows."""

    function = "binary_cross_entropy_with_logits"


class L1Loss(Loss):
    """|x - y|, its mean, or its sum."""

    function = "l1_loss"


class SmoothL1Loss(Loss):
    """d²/2β where d = |x - y| is below β, else d - β/2."""

    function = "smooth_l1_loss"

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction, beta=beta)


class HuberLoss(Loss):
    """d²/2 where d = |x - y| is below δ, else δ (d - δ/2)."""

    function = "huber_loss"

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction, delta=delta)


NAMES = {
    kind.__name__: kind
    for kind in (
        MultiheadAttention,
        Flatten,
        LeakyReLU,
        Softplus,
        LogSigmoid,
        LogSoftmax,
        NLLLoss,
        KLDivLoss,
        BCELoss,
        BCEWithLogitsLoss,
        L1Loss,
        SmoothL1Loss,
        HuberLoss,
    )
}


def named(name: str, here: list[str]) -> Any:
    """What a name of `torch.nn` is here.

    Raises:
        AttributeError: it is not here; with what to write instead.
    """
    if name in NAMES:
        return NAMES[name]
    raise AttributeError(advice("nn", name, [*here, *NAMES]))
