"""Optimizers, which move parameters, and schedules of their learning rates.

Read groups.py (parameters, and options for some), joining.py (many arrays as one
vector), states.py (what is saved), base.py (what all optimizers share), optimizers.py
(SGD, RMSprop, Adam, AdamW), clipping.py, schedules.py (what all schedules share) and
lr_scheduler.py (their formulas); each may import those before it. They import
tinygrad_attn and, of nn/, module.py only.
"""

from tinygrad_attn.torch_names.instead import advice
from tinygrad_attn.torch_names.keywords import understand as _understand

from ..module import Parameter as Parameter
from . import lr_scheduler as lr_scheduler
from .base import Optimizer as Optimizer
from .clipping import clip_grad_norm as clip_grad_norm
from .lr_scheduler import CosineAnnealingLR as CosineAnnealingLR
from .lr_scheduler import ExponentialLR as ExponentialLR
from .lr_scheduler import LambdaLR as LambdaLR
from .lr_scheduler import LinearLR as LinearLR
from .lr_scheduler import LRScheduler as LRScheduler
from .lr_scheduler import MultiStepLR as MultiStepLR
from .lr_scheduler import Noam as Noam
from .lr_scheduler import StepLR as StepLR
from .lr_scheduler import WarmUp as WarmUp
from .optimizers import SGD as SGD
from .optimizers import Adam as Adam
from .optimizers import AdamW as AdamW
from .optimizers import RMSprop as RMSprop

for _kind in [*globals().values()]:
    if isinstance(_kind, type) and issubclass(_kind, (Optimizer, LRScheduler)):
        _understand(_kind, "__init__ load_state_dict")


def __getattr__(name: str) -> object:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("nn.optim", name, [*globals()]))
