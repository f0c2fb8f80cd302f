# Written by tests/stubs.py: what functional.py offers, for type checkers.

from collections.abc import Sequence
from typing import Any

from .tensor import Tensor

binary_cross_entropy: Any
binary_cross_entropy_with_logits: Any
cosine_similarity: Any
huber_loss: Any
kl_div: Any
l1_loss: Any
logsigmoid: Any
nll_loss: Any
normalize: Any
one_hot: Any
pad: Any
smooth_l1_loss: Any
tanh: Any

def causal_mask(
    t: int, s: int | None = None, like: Tensor | None = None, start: int = 0
) -> Tensor: ...
def cross_entropy(
    logits: Tensor,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    **others: Any,
) -> Tensor: ...
def dropout(
    x: Tensor, p: float = 0.5, training: bool = True, **others: Any
) -> Tensor: ...
def embedding(indices: Tensor, weight: Tensor) -> Tensor: ...
def gelu(x: Tensor, approximate: str = "none", **others: Any) -> Tensor: ...
def layer_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor: ...
def leaky_relu(x: Tensor, negative_slope: float = 0.01, **others: Any) -> Tensor: ...
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
def log_softmax(x: Tensor, axis: int = -1, **others: Any) -> Tensor: ...
def mse_loss(input: Tensor, target: Any, reduction: str = "mean") -> Tensor: ...
def padding_mask(tokens: Tensor, pad: int = 0) -> Tensor: ...
def relu(x: Tensor, **others: Any) -> Tensor: ...
def rms_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor: ...
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor: ...
def sigmoid(x: Tensor, **others: Any) -> Tensor: ...
def silu(x: Tensor, **others: Any) -> Tensor: ...
def softmax(x: Tensor, axis: int = -1, **others: Any) -> Tensor: ...
def softplus(x: Tensor, **others: Any) -> Tensor: ...
