"""Attention: one head as in a textbook, then many at once.

**A soft look-up.** A dictionary compares a query with its keys, and returns the value
of the key that matches. Attention returns a weighted mean of all values, and the better
a key matches, the larger its weight. Nothing is picked out, so everything has a
gradient.

Vaswani et al. 2017, "Attention Is All You Need", sections 3.2.1 and 3.2.2.
"""

from __future__ import annotations

import math

from tinygrad_attn import Tensor, functional, ops
from tinygrad_attn.errors import check_flags, check_number
from tinygrad_attn.functions import attention

from ..layers import Linear, check_axes, check_positive, check_sequence, xavier_uniform
from ..module import Module
from .cache import KeyValueCache, check_cache
from .masks import NAMES, one_mask


class AttentionHead(Module):
    """One attention head; each line of `forward` is one step.

        Q = X W_Q             queries                                      (..., T, d_k)
        K = M W_K             keys                                         (..., S, d_k)
        V = M W_V             values                                       (..., S, d_v)
        energies = Q Kᵀ/√d_k  how well each query matches each key         (..., T, S)
        weights = softmax     row by row: positive, adding up to 1         (..., T, S)
        weights V             a weighted mean of values for each query     (..., T, d_v)

    Backward, with dX for ∂L/∂X: `composites.scaled_dot_product_attention` derives dQ,
    dK and dV, and says why the energies are divided by √d_k. The rule of the matrix
    product then gives dW_Q = Xᵀ dQ, dW_K = Mᵀ dK and dW_V = Mᵀ dV. In self-attention M
    is X. So X is used three times, and its gradient is the sum of three paths:
    dX = dQ W_Qᵀ + dK W_Kᵀ + dV W_Vᵀ.

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
        """x (..., T, d_model) attends to memory (..., S, d_model).

        Args:
            memory: by default x: self-attention.
            mask: boolean, broadcasting to (..., T, S); True = may be attended to.

        Returns:
            The weighted means of values (..., T, d_v), and the weights (..., T, S).
        """
        memory = x if memory is None else memory
        check_sequence("AttentionHead", "x", x, self.W_Q.shape[0])
        check_sequence("AttentionHead", "memory", memory, self.W_Q.shape[0])
        Q = x @ self.W_Q  # (..., T, d_k)
        K = memory @ self.W_K  # (..., S, d_k)
        V = memory @ self.W_V  # (..., S, d_v)
        d_k = Q.shape[-1]
        products = Q @ K.mT  # (..., T, S)
        energies = products / math.sqrt(d_k)
        masked = energies
        seeing = None
        if mask is not None:
            attention.check_mask("AttentionHead", mask, energies.shape, "mask")
            mask, seeing = attention.rows_that_see(mask)  # (..., T, 1), or None
            masked = ops.where(mask, energies, -math.inf)
        if seeing is None:
            weights = functional.softmax(masked)
        else:  # not each query sees a key; where none is seen, all weights are 0
            filled = ops.where(seeing, masked, 0.0)
            weights = ops.where(seeing, functional.softmax(filled), 0.0)
        return weights @ V, weights  # (..., T, d_v)

    def extra_repr(self) -> str:
        return f"{self.W_Q.shape[0]} → {self.W_V.shape[1]}, d_k={self.W_Q.shape[1]}"


class MultiHeadAttention(Module):
    """H heads side by side. Each has its own projections, of width d_k = d_model / H,
    and so compares in its own way. out_proj mixes the outputs of all heads.

        MultiHead(Q, K, V) = Concat(head₁, ..., head_H) W_O       (section 3.2.2)

    q_proj projects the queries of all heads in one product instead of H: rows h·d_k to
    (h+1)·d_k of its weight belong to head h. The same holds for k_proj and v_proj.

    Args:
        d_model: the width of the query and of the output.
        num_heads: H; it must divide d_model.
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
        check_flags(who, bias=bias)
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
        """query (..., T, d_model) attends to key (..., S, kdim) and value
        (..., S, vdim).

        With two masks, a query may attend where both are true. A query that may attend
        to nothing has weights of 0, and its output is out_proj's bias.

        Args:
            key: by default the query: self-attention.
            value: by default the key.
            attn_mask: boolean (T, S), (B, T, S) or (B, H, T, S); **True = may attend**.
                Or floats, added to the energies; they may require a gradient.
            is_causal: position i attends to positions up to i only.
            need_weights: whether to return the weights.
            key_padding_mask: boolean (B, S), True = may be attended to, False =
                padding; `padding_mask` makes it from tokens.
            cache: the keys and values of earlier calls (cache.py). The queries' are
                then the last T of the keys' positions.
            mask_names: the caller's names for attn_mask and key_padding_mask, for the
                errors.

        Returns:
            (..., T, d_model), and the weights of every head (..., H, T, S) or None.

        Raises:
            ValueError, TypeError: a width is not the layer's, a mask is of integers, or
                its shape is none of these.

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
        who = "MultiHeadAttention"
        check_flags(who, is_causal=is_causal, need_weights=need_weights)
        check_cache(who, cache, KeyValueCache)
        check_sequence(who, "query", query, self.q_proj.weight.shape[1])
        check_sequence(who, "key", key, self.k_proj.weight.shape[1])
        check_sequence(who, "value", value, self.v_proj.weight.shape[1])
        q = self.split_heads(self.q_proj(query))  # (..., H, T, d_k)
        if cache is None:
            k, v = self.keys_and_values(key, value)  # (..., H, S, d_k)
        else:
            projections = (self.k_proj.weight.array, self.v_proj.weight.array)
            cache.check(who, key, value, projections)
            k, v = cache.complete or cache.append(*self.keys_and_values(key, value))
            if cache.seen is not None:  # in its place of a causal mask
                seen, is_causal = cache.seen, False
                attn_mask = (
                    seen if attn_mask is None else attention.both(attn_mask, seen)
                )
        t, s = q.shape[-2], k.shape[-2]
        energies_shape = (*q.shape[:-1], s)  # (..., H, T, S)
        mask = one_mask(who, energies_shape, attn_mask, key_padding_mask, mask_names)
        z, weights = attention.attention_with_weights(
            q,
            k,
            v,
            mask,
            self.dropout if self.training else 0.0,
            is_causal,
            want_weights=need_weights,
            start=0 if cache is None else s - t,  # queries have the last positions
        )
        return self.out_proj(self.join_heads(z)), weights  # (..., T, d_model)

    def keys_and_values(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """key (..., S, kdim) and value (..., S, vdim) → the keys and values of each
        head, both (..., H, S, d_k)."""
        return self.split_heads(self.k_proj(key)), self.split_heads(self.v_proj(value))

    def split_heads(self, x: Tensor) -> Tensor:
        """(..., T, d_model) → (..., H, T, d_k)."""
        check_axes("split_heads", x, 2, "(..., T, d_model)")
        *batch, t, d_model = x.shape
        x = x.reshape(*batch, t, self.num_heads, d_model // self.num_heads)
        return x.transpose(-3, -2)

    def join_heads(self, x: Tensor) -> Tensor:
        """(..., H, T, d_k) → (..., T, d_model), the heads side by side."""
        check_axes("join_heads", x, 3, "(..., H, T, d_k)")
        *batch, heads, t, d_k = x.shape
        return x.transpose(-3, -2).reshape(*batch, t, heads * d_k)

    def extra_repr(self) -> str:
        return f"{self.num_heads} heads"
