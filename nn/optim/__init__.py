"""Optimizers, which move parameters, and schedules of their learning rates.

Read base.py (what all share), optimizers.py (SGD, Adam, AdamW) and schedules.py;
each may import those before it. They import tinygrad_attn and, of nn/, module.py only.
"""

from ..module import Parameter as Parameter
from .base import Optimizer as Optimizer
from .base import clip_grad_norm as clip_grad_norm
from .optimizers import SGD as SGD
from .optimizers import Adam as Adam
from .optimizers import AdamW as AdamW
from .schedules import Noam as Noam
from .schedules import WarmUp as WarmUp
