"""The functions of the package, and of `functional`, under PyTorch's names.

FUNCTIONS and FUNCTIONAL are tables: a name, and what it is here. `torch.sum(x, 1)` is
the method `x.sum(1)`, and so for every method; what differs stands below.
"""

from __future__ import annotations

import math
from functools import cache
from types import FunctionType, SimpleNamespace
from typing import Any

from .. import creation
from ..autograd import differentiate
from ..autograd.debugging import debug
from ..autograd.recording import Recorded
from ..context import context, enable_grad, no_grad
from ..devices import Generator, accelerator, backends, cuda, device
from ..errors import check_flags
from ..functions import elementwise, indexing, movement, reductions
from ..tensor import Tensor, tensor
from . import distributions, making, moving, objectives, own_function, reducing
from .instead import advice
from .keywords import pytorchs
from .methods import dtype_of

# --- what differs from the methods ----------------------------------------------------


def max(input: Any, *given: Any, **options: Any) -> Any:
    """The largest number; with an axis, the pair (values, indices); of two tensors the
    larger, element by element."""
    return extreme(reductions.max, elementwise.maximum, input, *given, **options)


def min(input: Any, *given: Any, **options: Any) -> Any:
    """The smallest number; with an axis, the pair (values, indices); of two tensors the
    smaller, element by element."""
    return extreme(reductions.min, elementwise.minimum, input, *given, **options)


def extreme(one: Any, of_two: Any, x: Any, *given: Any, **options: Any) -> Any:
    other = given[0] if given else options.get("other")
    if isinstance(other, Recorded):
        return of_two(x, other)
    if given:  # torch.max(x, 1): a dim
        return one(x, **dict(zip(("dim", "keepdim"), given)), **options)
    return one(x, **options)


def is_tensor(x: Any) -> bool:
    """Whether x is a Tensor."""
    return isinstance(x, Tensor)


def set_grad_enabled(mode: bool) -> Any:
    """A context in which operations are recorded, or not."""
    check_flags("set_grad_enabled", mode=mode)
    return enable_grad() if mode else no_grad()


def is_grad_enabled() -> bool:
    """Whether operations are recorded."""
    return bool(context.now.recording)


def inference_mode(mode: Any = True) -> Any:
    """`no_grad`, also as a decorator; with mode=False operations are recorded."""
    return enable_grad() if mode is False else no_grad(None if mode is True else mode)


def of_autograd(name: str) -> Any:
    """What a name of `torch.autograd` is here."""
    if name == "functional":
        return SimpleNamespace(jacobian=own_function.jacobian)
    ours = {
        "Function": own_function.Function,
        "Variable": tensor,
        "detect_anomaly": debug,
        "enable_grad": enable_grad,
        "grad": differentiate.grad,
        "no_grad": no_grad,
    }
    if name in ours:
        return ours[name]
    raise AttributeError(f"autograd has no {name!r}: {AUTOGRAD[name]}")


AUTOGRAD = {
    "backward": "write loss.backward()",
    "gradcheck": "tinygrad_attn.gradcheck is here",
    "gradgradcheck": "tinygrad_attn.gradgradcheck is here",
    "profiler": "time.perf_counter() measures a step",
    "set_detect_anomaly": "write with debug(): ..., which says who made the first nan",
}


class Linalg:
    """`torch.linalg`: what there is of it, the norm."""

    norm = vector_norm = staticmethod(reducing.linalg_norm)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(advice("linalg", name, dir(self)))


# --- the tables -----------------------------------------------------------------------

FUNCTIONAL: dict[str, Any] = {
    "binary_cross_entropy": objectives.binary_cross_entropy,
    "binary_cross_entropy_with_logits": objectives.binary_cross_entropy_with_logits,
    "cosine_similarity": objectives.cosine_similarity,
    "huber_loss": objectives.huber_loss,
    "kl_div": objectives.kl_div,
    "l1_loss": objectives.l1_loss,
    "logsigmoid": objectives.logsigmoid,
    "nll_loss": objectives.nll_loss,
    "normalize": objectives.normalize,
    "one_hot": indexing.one_hot,
    "pad": objectives.pad,
    "smooth_l1_loss": objectives.smooth_l1_loss,
    "tanh": elementwise.tanh,
}
FUNCTIONS: dict[str, Any] = {
    "cat": movement.concat,
    "concatenate": movement.concat,
    "max": max,
    "min": min,
    "cdist": reducing.cdist,
    "cosine_similarity": objectives.cosine_similarity,
    "hstack": moving.hstack,
    "meshgrid": moving.meshgrid,
    "vstack": moving.vstack,
    "linalg": Linalg(),
    "distributions": distributions,
    "is_tensor": is_tensor,
    "is_grad_enabled": is_grad_enabled,
    "set_grad_enabled": set_grad_enabled,
    "inference_mode": inference_mode,
    # new tensors
    "tensor": tensor,
    "as_tensor": making.as_tensor,
    "asarray": tensor,
    "from_numpy": making.from_numpy,
    "FloatTensor": making.float_tensor,
    "DoubleTensor": making.float_tensor,
    "LongTensor": making.long_tensor,
    "IntTensor": making.long_tensor,
    "empty": making.empty,
    "empty_like": creation.zeros_like,
    "full_like": making.full_like,
    "rand_like": making.rand_like,
    "randn_like": making.randn_like,
    "normal": making.normal,
    "linspace": making.linspace,
    "randperm": making.randperm,
    "bernoulli": making.bernoulli,
    "multinomial": making.multinomial,
    # devices
    "Generator": Generator,
    "device": device,
    "accelerator": accelerator,
    "cuda": cuda,
    "backends": backends,
    "mps": backends.mps,
    # numbers and kinds
    "Size": tuple,
    "dtype": str,
    "pi": math.pi,
    "inf": math.inf,
    "nan": math.nan,
    "e": math.e,
}
DTYPES = "bool int8 uint8 int16 short int32 int int64 long float32 float float64 double"
NO_FUNCTIONS = "T mT data grad dtype shape size ndim item tolist numpy device to type"


def function(name: str, ours: list[str]) -> Any:
    """What a name of the package `torch` is here, beside ours.

    Raises:
        AttributeError: it is not here; with what to write instead.
    """
    if name in FUNCTIONS:
        return with_keywords(name, FUNCTIONS[name])
    if name in DTYPES.split():
        return dtype_of(name)
    method = getattr(Tensor, name, None)
    named = not name.startswith("_") and name not in NO_FUNCTIONS.split()
    if named and callable(method):
        return with_keywords(name, method)
    known = [*FUNCTIONS, *DTYPES.split(), *dir(Tensor), *ours]
    raise AttributeError(advice("tinygrad_attn", name, known))


def with_keywords(name: str, found: Any) -> Any:
    """A function that takes PyTorch's keywords too; what is none as it is."""
    return once(name, found) if isinstance(found, FunctionType) else found


@cache
def once(name: str, found: Any) -> Any:
    """The same function whenever it is asked for."""
    return pytorchs(found, name)


def functional(name: str, ours: list[str]) -> Any:
    """What a name of `torch.nn.functional` is here, beside ours."""
    if name in FUNCTIONAL:
        return with_keywords(name, FUNCTIONAL[name])
    raise AttributeError(advice("functional", name, [*FUNCTIONAL, *ours]))
