"""Where a model looks: the weights of all its attention, from its own forward.

A layer's `need_weights=True` would have to be passed through every module above it, and
what was called once more for its weights is not what was computed. So nobody is asked.
The model runs as it always does, and a watcher, who is told of every operation, looks
for the one thing that makes attention what it is:

    weights = softmax(energies)       along the last axis: row by row they add up to 1
    weights V                         a matrix product blends values with them

Between the two, masked weights may be set to 0, which makes other weights of them; and
they may be dropped (not in eval mode), converted, reshaped or transposed, which does
not. What is reported is the very tensor that was used. `nn.MultiHeadAttention`,
`nn.AttentionHead`, `functional.scaled_dot_product_attention` and what anybody writes by
hand all do this, and so they are all seen.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_attn import Tensor, no_grad
from tinygrad_attn.autograd.recording import watched
from tinygrad_attn.context import context
from tinygrad_attn.rules.activations import dropout
from tinygrad_attn.rules.composites import softmax
from tinygrad_attn.rules.movement import astype, getslice, permute_dims, reshape
from tinygrad_attn.rules.operation import Op
from tinygrad_attn.rules.primitives import broadcast_to, matmul, where

from ..module import Module, in_eval_mode

# Operations after which weights are still those same weights.
SAME = {astype, broadcast_to, dropout, getslice, permute_dims, reshape}


def attention_maps(model: Module, /, *inputs: Any, **kwargs: Any) -> dict[str, Tensor]:
    """The weights of every attention in `model(*inputs, **kwargs)`: self-attention,
    masked, and cross-attention alike, each head for itself.

    The model runs once, in eval mode and under `no_grad`; each module's mode is put
    back afterwards. The weights are those that this forward used, not computed again,
    before any dropout. Where a mask forbids to look they are exactly 0, and so is the
    whole row of a query that may look nowhere.

    Args:
        model: any module. What it holds and computes with may be anybody's own: seen is
            each softmax along the last axis whose result then multiplies values in a
            matrix product.
        inputs, kwargs: what the model is called with.

    Returns:
        Path → weights (B, H, T, S), in the order they were used. B is 1 where there
        was no batch, and several batch axes are made one; H is 1 where a module has
        weights of three axes, (B, T, S), and no `num_heads`. T counts queries, S keys.
        The path is the module's in the model, "layers.0.self_attn", and the type of the
        model where it is the model itself. A module that attends more than once has
        "path", "path#2", "path#3", and a shared one the first of its paths.

    Raises:
        TypeError: model is no Module.
        ValueError: nothing in it attended to anything.

    >>> import nn
    >>> from tinygrad_attn import randn
    >>> layer = nn.TransformerEncoderLayer(8, num_heads=2, d_ff=16)
    >>> maps = attention_maps(nn.Sequential(layer, layer), randn(3, 5, 8))
    >>> {path: weights.shape for path, weights in maps.items()}
    {'0.self_attn': (3, 2, 5, 5), '0.self_attn#2': (3, 2, 5, 5)}
    """
    if not isinstance(model, Module):
        raise TypeError(
            f"attention_maps: a {type(model).__name__} given; it takes a Module, and "
            "what the module is called with"
        )
    seen = Watcher(model)
    with in_eval_mode(model), no_grad():
        watched(seen, model, *inputs, **kwargs)
    if not seen.maps:
        raise ValueError(
            f"attention_maps: {type(model).__name__} attended to nothing; somewhere in "
            "its forward a softmax along the last axis must multiply values, as in "
            "softmax(energies) @ values or scaled_dot_product_attention (with at least "
            "one query and one key)"
        )
    return seen.maps


class Watcher:
    """Is told of every operation, and keeps the weights.

    Attributes:
        maps: path → weights (B, H, T, S).
    """

    def __init__(self, model: Module) -> None:
        self.maps: dict[str, Tensor] = {}
        self.paths: dict[int, str] = {}
        for path, module in model.named_modules():
            self.paths.setdefault(id(module), path or type(model).__name__)
        # tensor → the weights that it is, maybe in another arrangement
        self.weights: dict[Tensor, Tensor] = {}
        self.used: set[Tensor] = set()

    def __call__(
        self, op: Op, inputs: tuple[Any, ...], params: dict[str, Any], z: Tensor
    ) -> None:
        if op is softmax:
            if z.ndim > 1 and params["axis"] in (-1, z.ndim - 1):
                self.weights[z] = z
            return
        known = [
            x for x in inputs if isinstance(x, Tensor) and x in self.weights
        ]  # mostly none
        if not known:
            return
        weights = self.weights[known[0]]
        if op in SAME:
            self.weights[z] = weights
        elif op is where and z.shape == weights.shape:  # the masked ones are now 0
            self.weights[z] = z
        elif op is matmul and weights not in self.used:
            self.used.add(weights)
            self.keep(weights, known[0])

    def keep(self, weights: Tensor, factor: Tensor) -> None:
        """Puts weights down under the module that used them, as the factor `factor`."""
        scope = context.now.scope
        while scope and id(scope.owner) not in self.paths:  # a composite, say
            scope = scope.parent
        module = scope.owner if scope else None
        first = path = self.paths[id(module)] if scope else ""
        times = 1
        while path in self.maps:
            times += 1
            path = f"{first}#{times}"
        self.maps[path] = four_axes(weights, factor, module)


def four_axes(weights: Tensor, factor: Tensor, module: Any) -> Tensor:
    """The weights (..., T, S) of a module as (B, H, T, S)."""
    added = factor.ndim > weights.ndim and factor.size == weights.size
    if added and factor.shape[-1] == weights.shape[-1]:
        weights = factor  # (B, S) was made (B, 1, S): one query each
    *batch, t, s = weights.shape
    heads = getattr(module, "num_heads", None)
    if batch and batch[-1] == heads:
        batch.pop()
    elif heads is None and len(batch) > 1:
        heads = batch.pop()
    else:
        heads = 1
    return weights.detach().reshape(math.prod(batch), heads, t, s)
