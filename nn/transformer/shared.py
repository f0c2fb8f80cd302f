"""What encoder and decoder layers share: settings, feed-forward, residual connections.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.1 and 3.3.
"""

from __future__ import annotations

import copy
from typing import Any

from tinygrad_attn import Tensor, functional
from tinygrad_attn.errors import check_flags, say

from ..containers import ModuleList
from ..layers import Dropout, LayerNorm, Linear, check_positive, init_xavier
from ..module import Module
from .multi_head import MultiHeadAttention

ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu}


class FeedForward(Module):
    """max(0, x W₁ + b₁) W₂ + b₂, at every position alike (section 3.3, equation 2).

    Args:
        d_model: the width of input and output.
        d_ff: the width in between.
        dropout: the probability to drop an inner element in training.
        activation: "relu" (the paper) or "gelu".
        bias: whether there are b₁ and b₂.

    >>> from tinygrad_attn import randn
    >>> FeedForward(4, 16)(randn(2, 7, 4)).shape
    (2, 7, 4)
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        dropout: float = 0.0,
        activation: str = "relu",
        bias: bool = True,
    ) -> None:
        check_positive("FeedForward", d_model=d_model, d_ff=d_ff)
        check_flags("FeedForward", bias=bias)
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            raise ValueError(
                f"FeedForward: activation={say(activation)} given; it must be one of "
                f"{', '.join(ACTIVATIONS)}"
            )
        self.linear1 = Linear(d_model, d_ff, bias)
        self.linear2 = Linear(d_ff, d_model, bias)
        self.dropout = Dropout(dropout)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]


class TransformerLayer(Module):
    """A layer of encoder or decoder: its attentions, then feed-forward. Each of these
    sublayers has a residual connection and a norm.

        norm_first=False, the paper:  x = norm(x + dropout(sublayer(x)))
        norm_first=True, pre-norm:    x = x + dropout(sublayer(norm(x)))

    In the pre-norm form the residual path from the loss to the embeddings is the
    identity, so gradients arrive at full size and training needs less warm-up. It needs
    a final norm after the last layer (Xiong et al. 2020).

    Subclasses name their attentions and define `forward`.

    Args:
        d_model: the width throughout.
        num_heads: how many heads each attention has; must divide d_model.
        d_ff: the inner width of the feed-forward.
        dropout: in training, the probability to drop an element of a sublayer's output
            before it is added to x (section 5.4).
        activation: of the feed-forward, "relu" or "gelu".
        norm_first: pre-norm instead of the paper's post-norm.
        layer_norm_eps: the ε of the norms.
        bias: whether linear layers and norms have one.
        inner_dropout: in training, the probability to drop an attention weight, or an
            inner element of the feed-forward. The paper drops none there (0.0); by
            default it is `dropout`, as in PyTorch.
    """

    attentions: tuple[str, ...] = ()  # the names of their attributes, in order
    norm1: LayerNorm  # of the first sublayer, and so on
    dropout1: Dropout

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        norm_first: bool = False,
        layer_norm_eps: float = 1e-5,
        bias: bool = True,
        inner_dropout: float | None = None,
    ) -> None:
        check_flags(type(self).__name__, norm_first=norm_first, bias=bias)
        inner = dropout if inner_dropout is None else inner_dropout
        for name in self.attentions:
            setattr(self, name, MultiHeadAttention(d_model, num_heads, inner, bias))
        self.feed_forward = FeedForward(d_model, d_ff, inner, activation, bias)
        sublayers = range(1, len(self.attentions) + 2)
        for i in sublayers:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        for i in sublayers:
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.norm_first = norm_first

    def norm_before(self, norm: Module, x: Tensor) -> Tensor:
        """The input of a sublayer: norm(x) in the pre-norm form, else x."""
        return norm(x) if self.norm_first else x

    def norm_after(self, norm: Module, x: Tensor) -> Tensor:
        """The output of a residual connection: norm(x) in the paper's form, else x."""
        return x if self.norm_first else norm(x)

    def extra_repr(self) -> str:
        return "pre-norm" if self.norm_first else "post-norm"


# --- a stack of layers ----------------------------------------------------------------


def copy_layer(who: str, layer: Any, num_layers: int) -> ModuleList:
    """Copies of a layer. Equal copies would learn the same thing, so the linear layers
    of each are initialised anew (`init_xavier`)."""
    check_positive(who, num_layers=num_layers)
    if not isinstance(layer, Module):
        raise TypeError(f"{who}: a {type(layer).__name__} given; it takes a layer")
    layers = ModuleList(copy.deepcopy(layer) for _ in range(num_layers))
    init_xavier(layers)
    return layers


def check_norm(who: str, norm: Any) -> Module | None:
    """The norm at the end of a stack, or None; refuses anything else."""
    if norm is None or isinstance(norm, Module):
        return norm
    raise TypeError(
        f"{who}: norm={say(norm)} given; it must be a Module, such as LayerNorm, or "
        "None"
    )
