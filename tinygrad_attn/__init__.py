"""tinygrad_attn: reverse-mode automatic differentiation to read, and attention on it.

    >>> from tinygrad_attn import Tensor
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x**3).sum().backward()
    >>> x.grad                                          # 3x²
    Tensor([3.0, 12.0], float64)

The source is a course; read it in this order: scalar.py, op.py, primitives.py,
recording.py, autograd.py, movement.py, composites.py. README.md says what each teaches.
"""

from . import functional as functional
from . import ops as ops
from .arrays.backends import set_backend as set_backend
from .arrays.backends import use_backend as use_backend
from .autograd.debugging import debug as debug
from .autograd.differentiate import grad as grad
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
from .functions.elementwise import clip as clip
from .functions.elementwise import minimum as minimum
from .functions.indexing import gather as gather
from .functions.indexing import one_hot as one_hot
from .functions.indexing import take_along_axis as take_along_axis
from .functions.products import einsum as einsum
from .functions.reductions import logsumexp as logsumexp
from .functions.shaping import chunk as chunk
from .functions.shaping import pad as pad
from .functions.shaping import split as split
from .functions.shaping import stack as stack
from .functions.shaping import tril as tril
from .functions.shaping import triu as triu
from .gradcheck import GradcheckError as GradcheckError
from .gradcheck import gradcheck as gradcheck
from .gradcheck import gradgradcheck as gradgradcheck
from .graph import explain as explain
from .graph import unfold as unfold
from .ops import concat as concat
from .ops import matmul as matmul
from .ops import maximum as maximum
from .ops import where as where
from .pictures.draw import draw as draw
from .pictures.heads.draw_attention import draw_attention as draw_attention
from .pictures.play import play as play
from .scalar import Value as Value
from .tensor import Tensor as Tensor

__version__ = "0.1.0"
