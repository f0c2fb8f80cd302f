"""Optimizers, and schedules of their learning rates."""

from ..module import Parameter as Parameter
from .optimizer import Optimizer as Optimizer
from .optimizer import clip_grad_norm as clip_grad_norm
from .optimizers import SGD as SGD
from .optimizers import Adam as Adam
from .optimizers import AdamW as AdamW
from .schedules import Noam as Noam
from .schedules import WarmUp as WarmUp
