"""For programs that run with PyTorch and with this package: weights that are equal."""

from __future__ import annotations

import math


def waves(torch, *shape, scale=1.0):
    """Numbers that look random, the same everywhere."""
    count = math.prod(shape)
    numbers = [scale * math.sin(1.7 * i * i + 0.3) for i in range(count)]
    return torch.tensor(numbers, dtype=torch.float64).view(*shape)


def set_weights(torch, model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.fill_(0.0)
            elif p.dim() > 1:
                p.copy_(waves(torch, *p.shape, scale=1.5 / math.sqrt(p.shape[-1])))
