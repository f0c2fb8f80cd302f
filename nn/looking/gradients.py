"""Which parameters does training not reach?

A parameter that the loss does not depend on gets no gradient, and optimizers leave it
as it is. Nothing fails: the model trains, only worse than it could. The cause may be a
layer that `forward` never uses, a `detach()` left behind, or a block under `no_grad()`.
"""

from __future__ import annotations

import warnings

from ..module import Module

NAMED = 5  # parameters that the warning names, before it counts the rest


def without_gradient(model: Module) -> list[str]:
    """The paths of the parameters that have no gradient, after a `backward()`.

    These are the parameters with `requires_grad` whose `grad` is None: `backward()` did
    not reach them. A gradient of zeros is a gradient: `backward()` did reach that
    parameter, and found a slope of 0, perhaps behind a relu that is off, which the next
    step may switch on.

    Args:
        model: a Module, between `backward()` and the next `zero_grad()`.

    Returns:
        Paths as in `named_parameters()`; a shared parameter is listed once.

    Raises:
        RuntimeError: no parameter has a gradient.

    >>> import nn
    >>> from tinygrad_attn import ones
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    >>> model[1](ones(1, 2)).sum().backward()               # model[0] is left out
    >>> without_gradient(model)
    ['0.weight', '0.bias']
    """
    return _find("without_gradient", model)[0]


def warn_without_gradient(model: Module) -> None:
    """Warns of the parameters that `without_gradient` lists. A training loop calls it
    once, after the first `backward()`.

    Args:
        model: a Module, between `backward()` and the next `zero_grad()`.

    Raises:
        RuntimeError: no parameter has a gradient.

    >>> import nn
    >>> from tinygrad_attn import ones
    >>> model = nn.Linear(2, 1)
    >>> model(ones(1, 2)).sum().backward()
    >>> warn_without_gradient(model)                # all have one: no warning
    """
    paths, count = _find("warn_without_gradient", model)
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


def _find(who: str, model: Module) -> tuple[list[str], int]:
    """The paths without a gradient, and how many parameters require one."""
    if not isinstance(model, Module):
        raise TypeError(
            f"{who}: a {type(model).__name__} given; it takes a model, an nn.Module"
        )
    requiring = [(path, p) for path, p in model.named_parameters() if p.requires_grad]
    paths = [path for path, p in requiring if p.grad is None]
    if paths and len(paths) == len(requiring):
        raise RuntimeError(
            f"{who}: no parameter of {len(requiring)} has a gradient; call it after "
            "backward() and before zero_grad(), with a loss made by this model"
        )
    return paths, len(requiring)
