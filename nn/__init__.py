"""Layers, attention and optimizers on tinygrad_attn's Tensor.

Names, arguments and defaults are PyTorch's wherever PyTorch has the thing. Masks are
boolean everywhere, True = may be attended to.

Read parameter.py, tree.py, module.py (with hooks.py, modes.py, state.py, moves.py),
containers.py, init.py, layers.py and stateless.py, then transformer/, optim/, looking/
and testing.py; tensor_file.py, foreign.py, checkpoint.py, saved.py and convert.py save
and convert; pytorch.py and utils.py have PyTorch's other names. All import
tinygrad_attn, which never imports nn, and of nn only what comes before them in this
order. The package's full name is tinygrad_attn.nn.
"""

if __name__ == "nn":  # `import nn`: the same modules under a second, shorter name
    import sys
    from importlib import import_module

    import_module("tinygrad_attn.nn")
    for name in reversed([*sys.modules]):  # the package itself last
        if name.startswith("tinygrad_attn.nn"):
            sys.modules[name.removeprefix("tinygrad_attn.")] = sys.modules[name]

import sys as _sys

from tinygrad_attn import functional as functional
from tinygrad_attn.functional import causal_mask as causal_mask
from tinygrad_attn.functional import padding_mask as padding_mask
from tinygrad_attn.torch_names.keywords import understand as _understand

from . import checkpoint as checkpoint
from . import init as init
from . import optim as optim
from . import pytorch as pytorch
from . import saved as saved
from . import testing as testing
from . import utils as utils
from .containers import ModuleDict as ModuleDict
from .containers import ModuleList as ModuleList
from .containers import ParameterDict as ParameterDict
from .containers import ParameterList as ParameterList
from .containers import Sequential as Sequential
from .convert import from_torch as from_torch
from .convert import to_torch as to_torch
from .layers import Dropout as Dropout
from .layers import Embedding as Embedding
from .layers import LayerNorm as LayerNorm
from .layers import Linear as Linear
from .layers import RMSNorm as RMSNorm
from .layers import Softmax as Softmax
from .layers import TiedEmbedding as TiedEmbedding
from .layers import init_xavier as init_xavier
from .looking.attention_maps import attention_maps as attention_maps
from .looking.counting import count_parameters as count_parameters
from .looking.counting import shapes_only as shapes_only
from .looking.gradients import warn_without_gradient as warn_without_gradient
from .looking.gradients import without_gradient as without_gradient
from .module import Module as Module
from .parameter import Parameter as Parameter
from .stateless import GELU as GELU
from .stateless import CrossEntropyLoss as CrossEntropyLoss
from .stateless import Identity as Identity
from .stateless import MSELoss as MSELoss
from .stateless import ReLU as ReLU
from .stateless import Sigmoid as Sigmoid
from .stateless import SiLU as SiLU
from .stateless import Tanh as Tanh
from .transformer.cache import FixedCache as FixedCache
from .transformer.decoder import TransformerDecoder as TransformerDecoder
from .transformer.decoder import TransformerDecoderLayer as TransformerDecoderLayer
from .transformer.decoding import beam_search as beam_search
from .transformer.decoding import greedy_decode as greedy_decode
from .transformer.encoder import TransformerEncoder as TransformerEncoder
from .transformer.encoder import TransformerEncoderLayer as TransformerEncoderLayer
from .transformer.multi_head import AttentionHead as AttentionHead
from .transformer.multi_head import MultiHeadAttention as MultiHeadAttention
from .transformer.positions import LearnedPositions as LearnedPositions
from .transformer.positions import SinusoidalPositions as SinusoidalPositions
from .transformer.seq2seq import Seq2SeqTransformer as Seq2SeqTransformer
from .transformer.seq2seq import Transformer as Transformer
from .transformer.shared import FeedForward as FeedForward
from .transformer.tokens import BOS as BOS
from .transformer.tokens import EOS as EOS
from .transformer.tokens import PAD as PAD
from .transformer.tokens import shift_right as shift_right

for _kind in [*globals().values(), *pytorch.NAMES.values()]:
    if isinstance(_kind, type) and issubclass(_kind, Module) and _kind is not Module:
        _understand(_kind)
_understand(Module, "apply load_state_dict named_buffers named_modules")
_understand(Module, "modules named_parameters register_forward_hook state_dict")
_sys.modules[f"{__name__}.functional"] = functional  # `import nn.functional as F`


def __getattr__(name: str) -> object:
    """PyTorch's other names; or an error that says what to write instead."""
    rooms = ("checkpoint", "functional", "init", "optim", "utils")  # the public ones
    found = globals().items()
    known = [n for n, v in found if n in rooms or not isinstance(v, type(_sys))]
    return pytorch.named(name, known)
