"""Where a model looks: the attention weights of its own forward.

`need_weights=True` would have to be passed down through every module above a layer. So
no module is asked. The model runs as usual, and a watcher, told of every operation,
looks for the two steps that make up attention:

    weights = softmax(energies)       along the last axis: each row adds up to 1
    weights V                         a matrix product: weighted means of the values

A softmax that is written by hand, e / e.sum(-1), is known by its numbers: none is
negative, and each row adds up to 1. In between, masked weights may be set to 0: the
result is the weights. They may also be dropped out (not in eval mode), converted,
reshaped or transposed: the weights stay the same. The watcher reports the very tensor
that was used. It finds the attention of `nn.MultiHeadAttention`, `nn.AttentionHead` and
`functional.scaled_dot_product_attention`, attention written by hand, and a `composite`
of the kind "attention".
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_attn import Tensor, no_grad
from tinygrad_attn.autograd.recording import watch
from tinygrad_attn.context import context
from tinygrad_attn.graph.check import are_weights
from tinygrad_attn.rules.operation import Op

from ..module import Module, in_eval_mode


def attention_maps(model: Module, /, *inputs: Any, **kwargs: Any) -> dict[str, Tensor]:
    """The weights of every head of every attention in `model(*inputs, **kwargs)`:
    self-attention, masked attention and cross-attention.

    The model runs once, in eval mode (for this thread) and under `no_grad`. The weights
    are those that this forward used. Masked weights are exactly 0. If a query may
    attend to nothing, its whole row is 0.

    Args:
        model: any Module. Attention is each softmax along the last axis (or what else
            makes rows that add up to 1) whose result then multiplies values in a matrix
            product, also in classes of your own.
        inputs, kwargs: the arguments of the model.

    Returns:
        Path → weights (B, H, T, S) in the order of their use: B sequences, H heads, T
        queries, S keys. Without a batch B is 1; several batch axes become one. Weights
        of three axes, (B, T, S), of a module without `num_heads` have H = 1.
        The path is the module's path in the model, as "layers.0.self_attn", or the
        model's type for the model itself. A module that attends several times has
        "path", "path#2", "path#3"; a shared module has the first of its paths.

    Raises:
        TypeError: model is not a Module.
        ValueError: the model has no attention.

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
        watch(seen, model, *inputs, **kwargs)
    if not seen.maps:
        raise ValueError(
            f"attention_maps: {type(model).__name__} attended to nothing; somewhere in "
            "its forward a softmax along the last axis must multiply values, as in "
            "softmax(energies) @ values or scaled_dot_product_attention (with at least "
            "one query and one key)"
        )
    return seen.maps


class Watcher:
    """Called with every operation; keeps the attention weights.

    Attributes:
        maps: path → weights (B, H, T, S).
    """

    def __init__(self, model: Module) -> None:
        self.maps: dict[str, Tensor] = {}
        self.paths: dict[int, str] = {}
        for path, module in model.named_modules():
            self.paths.setdefault(id(module), path or type(model).__name__)
        # tensor → the weights that it holds, perhaps rearranged
        self.weights: dict[Tensor, Tensor] = {}
        self.used: set[Tensor] = set()

    def __call__(
        self, op: Op, inputs: tuple[Any, ...], params: dict[str, Any], z: Tensor
    ) -> None:
        if op.kind == "softmax":
            if z.ndim > 1 and params.get("axis", -1) in (-1, z.ndim - 1):
                self.weights[z] = z
            return
        known = [
            x for x in inputs if isinstance(x, Tensor) and x in self.weights
        ]  # usually none
        if not known:
            if op.kind == "elementwise" and are_weights(z.array):
                self.weights[z] = z  # a softmax written by hand
            return
        weights = self.weights[known[0]]
        if op.kind in ("movement", "gate"):
            self.weights[z] = weights
        elif op.kind == "choice" and z.shape == weights.shape:  # masked: 0
            self.weights[z] = z
        elif op.kind == "product" and weights not in self.used:
            self.used.add(weights)
            self.keep(weights, known[0])

    def keep(self, weights: Tensor, factor: Tensor) -> None:
        """Keeps weights under the path of the module that used them. `factor` is the
        tensor that multiplied the values: the weights, perhaps rearranged."""
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
        weights = factor  # (B, S) became (B, 1, S): one query per sequence
    *batch, t, s = weights.shape
    heads = getattr(module, "num_heads", None)
    if batch and batch[-1] == heads:
        batch.pop()
    elif heads is None and len(batch) > 1:
        heads = batch.pop()
    else:
        heads = 1
    return weights.detach().reshape(math.prod(batch), heads, t, s)
