"""Which parameters does training not reach? Said aloud, for nothing else says it.

A parameter that the loss was not made from gets no gradient, and an optimizer leaves it
as it is. Nothing fails: the model trains, a little worse than it could. The cause may
be a layer that `forward` forgets, a `detach()` left behind, a block under `no_grad()`.
"""

from __future__ import annotations

import warnings

from ..module import Module

NAMED = 5  # parameters that the warning names, before it counts the rest


def without_gradient(model: Module) -> list[str]:
    """The paths of the parameters that have no gradient, after a `backward()`.

    Listed is whose `grad` is None: the walk from the loss did not come there. Not
    listed is a parameter that asks for none (`requires_grad` is False), and not one
    with a gradient of zeros: the walk came there and found a slope of 0, from a relu
    that is off, say, or a factor of 0, which the next step may change.

    Args:
        model: a Module, between `backward()` and the next `zero_grad()`.

    Returns:
        Paths as in `named_parameters()`, so a shared parameter is listed once.

    Raises:
        RuntimeError: no parameter has a gradient.

    >>> import nn
    >>> from tinygrad_attn import ones
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    >>> model[1](ones(1, 2)).sum().backward()               # model[0] is left out
    >>> without_gradient(model)
    ['0.weight', '0.bias']
    """
    return _without_gradient("without_gradient", model)[0]


def warn_without_gradient(model: Module) -> None:
    """Warns of the parameters that `without_gradient` lists: for a training loop, once,
    after the first `backward()`.

    Args:
        model: a Module, between `backward()` and the next `zero_grad()`.

    Raises:
        RuntimeError: no parameter has a gradient.

    >>> import nn
    >>> from tinygrad_attn import ones
    >>> model = nn.Linear(2, 1)
    >>> model(ones(1, 2)).sum().backward()
    >>> warn_without_gradient(model)                # each has one: nothing to say
    """
    paths, count = _without_gradient("warn_without_gradient", model)
    if not paths:
        return
    named = ", ".join(paths[:NAMED])
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    warnings.warn(
        f"{len(paths)} of {count} parameters received no gradient, and no optimizer "
        f"will move them: {named}{more}; the usual causes are that forward never uses "
        "them, that detach() or no_grad() cuts them off from the loss, or that "
        "zero_grad() was called between backward() and this check",
        stacklevel=2,
    )


def _without_gradient(who: str, model: Module) -> tuple[list[str], int]:
    """The paths, and how many parameters ask for a gradient."""
    if not isinstance(model, Module):
        raise TypeError(
            f"{who}: a {type(model).__name__} given; it takes a model, an nn.Module"
        )
    asking = [(path, p) for path, p in model.named_parameters() if p.requires_grad]
    paths = [path for path, p in asking if p.grad is None]
    if paths and len(paths) == len(asking):
        raise RuntimeError(
            f"{who}: no parameter of {len(asking)} has a gradient; call it after "
            "backward() and before zero_grad(), with a loss made by this model"
        )
    return paths, len(asking)
