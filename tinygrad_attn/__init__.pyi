# Written by tests/stubs.py: what __init__.py offers, for type checkers.

from collections.abc import Sequence
from typing import Any

from . import functional as functional
from . import graph as graph
from . import nn as nn
from . import ops as ops
from .arrays.backends import set_backend as set_backend
from .arrays.backends import use_backend as use_backend
from .autograd.debugging import debug as debug
from .check_gradients import GradcheckError as GradcheckError
from .check_gradients import gradcheck as gradcheck
from .check_gradients import gradgradcheck as gradgradcheck
from .context import enable_grad as enable_grad
from .context import get_rng_state as get_rng_state
from .context import manual_seed as manual_seed
from .context import no_grad as no_grad
from .context import record as record
from .context import set_rng_state as set_rng_state
from .creation import arange as arange
from .creation import eye as eye
from .creation import full as full
from .creation import ones as ones
from .creation import ones_like as ones_like
from .creation import rand as rand
from .creation import randint as randint
from .creation import randn as randn
from .creation import zeros as zeros
from .creation import zeros_like as zeros_like
from .functions.own_rules import composite as composite
from .functions.own_rules import primitive as primitive
from .graph import explain as explain
from .graph import unfold as unfold
from .pictures.draw import draw as draw
from .pictures.heads.draw_attention import draw_attention as draw_attention
from .pictures.history import History as History
from .pictures.play import play as play
from .program.compiled import compile as compile
from .program.write import write as write
from .scalar import Value as Value
from .tensor import Tensor as Tensor

__version__: str

def chunk(x: Tensor, chunks: int, axis: int = 0) -> tuple[Tensor, ...]: ...
def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor: ...
def concat(tensors: Sequence[Tensor], axis: int = 0) -> Tensor: ...
def einsum(equation: str, *operands: Tensor) -> Tensor: ...
def gather(x: Tensor, axis: int, index: Any) -> Tensor: ...
def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]: ...
def logsumexp(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor: ...
def matmul(x: Any, y: Any) -> Tensor: ...
def maximum(x: Any, y: Any) -> Tensor: ...
def minimum(x: Any, y: Any) -> Tensor: ...
def one_hot(indices: Any, num_classes: int = -1) -> Tensor: ...
def pad(x: Tensor, pad: Sequence[int], value: float = 0.0) -> Tensor: ...
def split(
    x: Tensor, size: int | Sequence[int], axis: int = 0
) -> tuple[Tensor, ...]: ...
def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor: ...
def take_along_axis(x: Tensor, indices: Any, axis: int = -1) -> Tensor: ...
def tril(x: Tensor, k: int = 0) -> Tensor: ...
def triu(x: Tensor, k: int = 0) -> Tensor: ...
def where(condition: Tensor, x: Any, y: Any) -> Tensor: ...
