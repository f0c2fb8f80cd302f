"""Attention: one head as in a textbook, then many at once.

**A soft look-up.** A dictionary looks a query up among keys and returns the value of
the one that matches. Attention returns a blend of all values, each in proportion to how
well its key matches. Nothing is chosen, so everything has a gradient.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.2.1 and 3.2.2.
"""

from __future__ import annotations

import math

from tinygrad_attn import Tensor, functional, ops
from tinygrad_attn.errors import check_number
from tinygrad_attn.functions import attention
from tinygrad_attn.rules.composites import MASKED

from ..layers import Linear, check_positive, check_sequence, xavier_uniform
from ..module import Module
from .cache import KeyValueCache
from .masks import NAMES, one_mask


class AttentionHead(Module):
    """One head, every step a line.

        Q = X W_Q            what each position asks                       (..., T, d_k)
        K = M W_K            what each position offers to be found by      (..., S, d_k)
        V = M W_V            what is fetched from it                       (..., S, d_v)
        energies = Q Kᵀ/√d_k how well each query matches each key          (..., T, S)
        weights = softmax    row by row: positive, adding up to 1          (..., T, S)
        weights V            for each query the blend of values            (..., T, d_v)

    Backward, dX being ∂L/∂X: `composites.scaled_dot_product_attention` derives dQ, dK
    and dV, and why the energies are divided by √d_k. From those, by the rule of the
    matrix product, dW_Q = Xᵀ dQ, dW_K = Mᵀ dK, dW_V = Mᵀ dV. In self-attention M is X,
    which is thus used three times, and the paths add: dX = dQ W_Qᵀ + dK W_Kᵀ + dV W_Vᵀ.

    Args:
        d_model: the width of x and memory.
        d_k: the width of queries and keys.
        d_v: the width of values; d_k by default.

    Parameters: W_Q and W_K (d_model, d_k), W_V (d_model, d_v), without biases.

    >>> from tinygrad_attn import ones
    >>> head = AttentionHead(8, 4)
    >>> z, weights = head(ones(5, 8))
    >>> z.shape, weights.shape
    ((5, 4), (5, 5))
    >>> weights[0]
    Tensor([0.2000, 0.2000, 0.2000, 0.2000, 0.2000], float64, from reshape)
    """

    num_heads = 1

    def __init__(self, d_model: int, d_k: int, d_v: int | None = None) -> None:
        d_v = d_k if d_v is None else d_v
        check_positive("AttentionHead", d_model=d_model, d_k=d_k, d_v=d_v)
        self.W_Q = xavier_uniform(d_model, d_k)
        self.W_K = xavier_uniform(d_model, d_k)
        self.W_V = xavier_uniform(d_model, d_v)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """x (..., T, d_model) looks up in memory (..., S, d_model), by default in
        itself.

        Args:
            mask: boolean, broadcasting to (..., T, S); True = may be attended to.

        Returns:
            The blend (..., T, d_v) and the weights (..., T, S).
        """
        memory = x if memory is None else memory
        for what, t in (("x", x), ("memory", memory)):
            check_sequence("AttentionHead", what, t, self.W_Q.shape[0])
        Q = x @ self.W_Q  # (..., T, d_k)
        K = memory @ self.W_K  # (..., S, d_k)
        V = memory @ self.W_V  # (..., S, d_v)
        d_k = Q.shape[-1]
        products = Q @ K.mT  # (..., T, S)
        energies = products / math.sqrt(d_k)
        masked = energies
        if mask is not None:
            attention.check_mask("AttentionHead", mask, energies.shape, "mask")
            masked = ops.where(mask, energies, MASKED)
        weights = functional.softmax(masked)
        if mask is not None:  # a row with no key to attend to has no weights at all
            weights = ops.where(mask, weights, 0.0)
        return weights @ V, weights  # (..., T, d_v)

    def extra_repr(self) -> str:
        return f"{self.W_Q.shape[0]} → {self.W_V.shape[1]}, d_k={self.W_Q.shape[1]}"


class MultiHeadAttention(Module):
    """Several heads side by side, each with its own projections of width d_model / H:
    head h attends by its own criterion, and out_proj mixes what the heads found.

        MultiHead(Q, K, V) = Concat(head₁, ..., head_H) W_O       (section 3.2.2)

    The projections of all heads are one matrix each (q_proj, k_proj, v_proj), head h
    owning rows h·d_k to (h+1)·d_k of its weight: one product instead of H.

    Args:
        d_model: the width of the query and of the output.
        num_heads: H, which must divide d_model.
        dropout: the probability to drop an attention weight in training.
        bias: whether the projections have one.
        kdim, vdim: the widths of key and value; d_model by default.

    Parameters: q_proj (d_model → d_model), k_proj (kdim → d_model), v_proj (vdim →
    d_model), out_proj (d_model → d_model). `from_torch` and `to_torch` translate them
    from and to those of `torch.nn.MultiheadAttention`.

    >>> from tinygrad_attn import ones
    >>> z, weights = MultiHeadAttention(8, 2)(ones(1, 5, 8), need_weights=True)
    >>> z.shape, weights.shape
    ((1, 5, 8), (1, 2, 5, 5))
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        kdim: int | None = None,
        vdim: int | None = None,
    ) -> None:
        who = "MultiHeadAttention"
        kdim = d_model if kdim is None else kdim
        vdim = d_model if vdim is None else vdim
        check_positive(who, d_model=d_model, num_heads=num_heads, kdim=kdim, vdim=vdim)
        if d_model % num_heads:
            raise ValueError(
                f"{who}: d_model={d_model} is not divisible by "
                f"num_heads={num_heads}; every head has the same width"
            )
        check_number(who, "dropout", dropout, 0.0, 1.0, open_high=True)
        self.num_heads = num_heads
        self.dropout = dropout
        self.q_proj = Linear(d_model, d_model, bias)
        self.k_proj = Linear(kdim, d_model, bias)
        self.v_proj = Linear(vdim, d_model, bias)
        self.out_proj = Linear(d_model, d_model, bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
        need_weights: bool = False,
        key_padding_mask: Tensor | None = None,
        cache: KeyValueCache | None = None,
        mask_names: tuple[str, str] = NAMES,
    ) -> tuple[Tensor, Tensor | None]:
        """query (..., T, d_model) looks up in key (..., S, kdim) and value (..., S,
        vdim).

        Where two masks are given, a query may attend where both are true. A query that
        may attend to nothing gets weights of 0, and so out_proj's bias.

        Args:
            key: by default the query: self-attention.
            value: by default the key.
            attn_mask: boolean (T, S), (B, T, S) or (B, H, T, S); **True = may attend**.
            is_causal: position i attends to positions up to i only.
            need_weights: whether to return the weights.
            key_padding_mask: boolean (B, S), True = a key to attend to, False =
                padding: what `padding_mask` makes of tokens.
            cache: the keys and values of earlier calls (cache.py). The queries' are
                then the last T of the keys' positions.
            mask_names: the caller's names for attn_mask and key_padding_mask, for the
                errors.

        Returns:
            (..., T, d_model), and the weights of every head (..., H, T, S) or None.

        Raises:
            ValueError, TypeError: a width is not the layer's, or a mask is not boolean
                or of none of these shapes.

        >>> from tinygrad_attn import Tensor, randn
        >>> x, real = randn(1, 3, 4), Tensor([[True, True, False]])
        >>> _, weights = MultiHeadAttention(4, 1)(
        ...     x, need_weights=True, key_padding_mask=real
        ... )
        >>> weights[0, 0, :, 2].tolist()
        [0.0, 0.0, 0.0]
        """
        key = query if key is None else key
        value = key if value is None else value
        for what, x, width in (
            ("query", query, self.q_proj.weight.shape[1]),
            ("key", key, self.k_proj.weight.shape[1]),
            ("value", value, self.v_proj.weight.shape[1]),
        ):
            check_sequence("MultiHeadAttention", what, x, width)
        q = self.split_heads(self.q_proj(query))  # (..., H, T, d_k)
        if cache is None:
            k, v = self.keys_and_values(key, value)  # (..., H, S, d_k)
        else:
            k, v = cache.complete or cache.append(*self.keys_and_values(key, value))
        t, s = q.shape[-2], k.shape[-2]
        masks = (attn_mask, key_padding_mask)
        mask = one_mask("MultiHeadAttention", (*q.shape[:-1], s), *masks, mask_names)
        z, weights = attention.attention_with_weights(
            q,
            k,
            v,
            mask,
            self.dropout if self.training else 0.0,
            is_causal,
            want_weights=need_weights,
            start=0 if cache is None else s - t,  # the queries' are the last positions
        )
        return self.out_proj(self.join_heads(z)), weights  # (..., T, d_model)

    def keys_and_values(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """(..., S, kdim) and (..., S, vdim) → what each head is offered, twice
        (..., H, S, d_k)."""
        return self.split_heads(self.k_proj(key)), self.split_heads(self.v_proj(value))

    def split_heads(self, x: Tensor) -> Tensor:
        """(..., T, d_model) → (..., H, T, d_k)."""
        *batch, t, d_model = x.shape
        x = x.reshape(*batch, t, self.num_heads, d_model // self.num_heads)
        return x.transpose(-3, -2)

    def join_heads(self, x: Tensor) -> Tensor:
        """(..., H, T, d_k) → (..., T, d_model), the heads side by side."""
        *batch, heads, t, d_k = x.shape
        return x.transpose(-3, -2).reshape(*batch, t, heads * d_k)

    def extra_repr(self) -> str:
        return f"{self.num_heads} heads"
