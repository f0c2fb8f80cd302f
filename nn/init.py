"""Initial weights: PyTorch's functions, from the library's seed (`manual_seed`).

Each fills a tensor with new numbers, on its own backend and in its dtype, and returns
it. Why not just any numbers? A layer z = x W of d_in inputs multiplies the variance by
d_in · Var(W), and on the way back that of the gradient by d_out · Var(W). If these
factors are not about 1, a deep network's activations or gradients vanish or explode.

    >>> from nn import Linear
    >>> layer = Linear(3, 3)
    >>> bias = zeros_(layer.bias)
    >>> xavier_uniform_(layer.weight).abs().max().item() <= 1.0         # √(6/(3 + 3))
    True
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import namespace_of, normal, uniform
from tinygrad_attn.autograd.recording import make
from tinygrad_attn.errors import check_number, say
from tinygrad_attn.functions.updates import assigned, check_held, refuse_result
from tinygrad_attn.torch_names.instead import advice
from tinygrad_attn.torch_names.keywords import pytorchs

T = TypeVar("T", bound=Tensor)

# --- one rule for all numbers ---------------------------------------------------------


def constant_(tensor: T, val: float) -> T:
    """One number everywhere.

    >>> constant_(Tensor([1.0, 2.0]), 3.0)
    Tensor([3.0, 3.0], float64)
    """
    check_number("constant_", "val", val)

    def whole(xp: Any, t: Tensor) -> Any:
        check_held("constant_", t, val)
        return xp.full(t.shape, val, t.dtype)

    return fill("constant_", tensor, whole)


def zeros_(tensor: T) -> T:
    """0 everywhere: the usual start of a bias.

    >>> zeros_(Tensor([1.0, 2.0]))
    Tensor([0.0, 0.0], float64)
    """
    return fill("zeros_", tensor, lambda xp, t: xp.full(t.shape, 0.0, t.dtype))


def ones_(tensor: T) -> T:
    """1 everywhere: the usual start of a norm's weight.

    >>> ones_(Tensor([1.0, 2.0]))
    Tensor([1.0, 1.0], float64)
    """
    return fill("ones_", tensor, lambda xp, t: xp.full(t.shape, 1.0, t.dtype))


@pytorchs
def uniform_(tensor: T, a: float = 0.0, b: float = 1.0) -> T:
    """Uniform in [a, b): variance (b - a)²/12.

    >>> uniform_(Tensor([0.0]), 2.0, 3.0).item() >= 2.0
    True
    """
    who = "uniform_"
    check_number(who, "a", a)
    check_number(who, "b", b, a)
    centre, half = (a + b) / 2, (b - a) / 2

    def draw(xp: Any, t: Tensor) -> Any:
        return (uniform(t.shape, floats(who, t), xp) * 2.0 - 1.0) * half + centre

    return fill(who, tensor, draw)


@pytorchs
def normal_(tensor: T, mean: float = 0.0, std: float = 1.0) -> T:
    """Normal, with a mean and a standard deviation.

    >>> normal_(Tensor([1.0, 2.0]), mean=3.0, std=0.0)
    Tensor([3.0, 3.0], float64)
    """
    who = "normal_"
    check_number(who, "mean", mean)
    check_number(who, "std", std, 0.0)

    def draw(xp: Any, t: Tensor) -> Any:
        return normal(t.shape, floats(who, t), xp) * std + mean

    return fill(who, tensor, draw)


# --- by the size of the layer ---------------------------------------------------------


@pytorchs
def xavier_uniform_(tensor: T, gain: float = 1.0) -> T:
    """Uniform within ±gain·√(6 / (fan_in + fan_out)): variance 2/(fan_in + fan_out), a
    compromise between forward and backward.

    Glorot & Bengio 2010, equation 16.

    >>> xavier_uniform_(Tensor([[0.0] * 3] * 3)).abs().max().item() <= 1.0
    True
    """
    check_number("xavier_uniform_", "gain", gain, 0.0)
    fan_in, fan_out = fans("xavier_uniform_", tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound)


@pytorchs
def xavier_normal_(tensor: T, gain: float = 1.0) -> T:
    """Normal, with the standard deviation gain·√(2 / (fan_in + fan_out)).

    Glorot & Bengio 2010, equation 12.

    >>> xavier_normal_(Tensor([[0.0, 0.0]]), gain=0.0)
    Tensor([[0.0, 0.0]], float64)
    """
    check_number("xavier_normal_", "gain", gain, 0.0)
    fan_in, fan_out = fans("xavier_normal_", tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


@pytorchs
def kaiming_uniform_(
    tensor: T, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> T:
    """Uniform within ±gain·√(3 / fan), for layers that a rectifier follows.

    He et al. 2015, equations 10 and 14.

    Args:
        a: the slope below 0 of the leaky_relu that follows.
        mode: "fan_in" keeps the variance of activations, "fan_out" that of gradients.
        nonlinearity: what follows; `calculate_gain` gives its gain.

    >>> kaiming_uniform_(Tensor([[0.0] * 6])).abs().max().item() <= 1.0   # √2·√(3/6)
    True
    """
    who = "kaiming_uniform_"
    bound = math.sqrt(3.0) * kaiming_std(who, tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


@pytorchs
def kaiming_normal_(
    tensor: T, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
) -> T:
    """Normal, with the standard deviation gain/√fan. Arguments as in
    `kaiming_uniform_`.

    He et al. 2015, equations 10 and 14.

    >>> kaiming_normal_(Tensor([[0.0, 0.0]])).shape
    (1, 2)
    """
    return normal_(
        tensor, 0.0, kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    )


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much weights must be larger to make up for the activation that follows.

    | nonlinearity | gain |
    |---|---|
    | linear, conv1d, conv2d, conv3d, sigmoid | 1 |
    | tanh | 5/3 |
    | relu | √2: it sets half of its inputs to 0 |
    | leaky_relu | √(2 / (1 + slope²)), slope = param, 0.01 by default |
    | selu | 3/4 |

    >>> calculate_gain("relu") == math.sqrt(2.0)
    True
    """
    slope = 0.01 if param is None else param
    check_number("calculate_gain", "param", slope)
    gains = {
        **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "sigmoid"), 1.0),
        "tanh": 5.0 / 3.0,
        "relu": math.sqrt(2.0),
        "leaky_relu": math.sqrt(2.0 / (1.0 + slope * slope)),
        "selu": 0.75,
    }
    if not isinstance(nonlinearity, str) or nonlinearity not in gains:
        raise ValueError(
            f"calculate_gain: nonlinearity={say(nonlinearity)} given; it must be one "
            f"of {', '.join(gains)}"
        )
    return gains[nonlinearity]


# --- how ------------------------------------------------------------------------------


def fill(who: str, tensor: T, numbers: Callable[[Any, Tensor], Any]) -> T:
    """Gives a tensor new numbers, of its namespace; refuses what is no leaf."""
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"{who}: a {type(tensor).__name__} given; it fills a Tensor, such as a "
            "Parameter"
        )
    refuse_result(tensor, who)
    array = numbers(namespace_of([tensor.array]), tensor)
    assigned(tensor, make(array), who)
    return tensor


def floats(who: str, tensor: Tensor) -> str:
    """The dtype of a tensor of floats; others have no random numbers."""
    if not tensor.dtype.startswith("float"):
        raise TypeError(f"{who}: a tensor of {tensor.dtype} given; it must be floats")
    return tensor.dtype


def fans(who: str, tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output is made of, and how many outputs each input goes to:
    (d_in, d_out) for a weight (d_out, d_in), times the size of any further axes."""
    if not isinstance(tensor, Tensor) or tensor.ndim < 2 or not tensor.size:
        given = tensor.shape if isinstance(tensor, Tensor) else type(tensor).__name__
        raise ValueError(
            f"{who}: {given} given; it must be a weight of two or more axes, "
            "(d_out, d_in)"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def kaiming_std(
    who: str, tensor: Tensor, a: float, mode: str, nonlinearity: str
) -> float:
    """gain/√fan."""
    both = dict(zip(("fan_in", "fan_out"), fans(who, tensor)))
    if not isinstance(mode, str) or mode not in both:
        raise ValueError(
            f"{who}: mode={say(mode)} given; it must be 'fan_in' or 'fan_out'"
        )
    return calculate_gain(nonlinearity, a) / math.sqrt(both[mode])


def __getattr__(name: str) -> object:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("nn.init", name, [*globals()]))
