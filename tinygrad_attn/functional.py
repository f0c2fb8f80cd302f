"""The functions of layers under one name: PyTorch's names, arguments and defaults.

They stand in functions/activations.py, layers.py, attention.py and losses.py.
"""

from . import tensor as _tensor  # noqa: F401  (it makes results Tensors)
from .functions.activations import (
    dropout,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
)
from .functions.attention import (
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
)
from .functions.layers import embedding, layer_norm, linear, rms_norm
from .functions.losses import cross_entropy, mse_loss
from .torch_names.keywords import pytorchs as _pytorchs

for _name in [
    "cross_entropy",
    "embedding",
    "layer_norm",
    "linear",
    "mse_loss",
    "rms_norm",
    "scaled_dot_product_attention",
]:
    globals()[_name] = _pytorchs(globals()[_name], _name)


def __getattr__(name: str) -> object:
    """PyTorch's other names of losses and the like."""
    from .torch_names.package import functional

    return functional(name, __all__)


__all__ = [
    "causal_mask",
    "cross_entropy",
    "dropout",
    "embedding",
    "gelu",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "padding_mask",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]
