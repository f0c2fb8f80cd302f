"""Chapters 4 and 5: how a calculation is written down, and walked backward.

    recording.py      chapter 4: what a recorded tensor has; `apply`
    walk.py           chapter 5: the walk backward
    differentiate.py  chapter 5, continued: where a walk begins; `backward`, `grad`
    debugging.py      beside them: who made the first nan
    lines.py          beside them: which line of source asked for an operation
    variables.py      beside them: what that line calls a tensor
    source.py         beside them: what stands in that line

It may import rules, arrays and everything below them; it knows no Tensor.
"""

from typing import Any

from .. import wiring

OF_PYTORCH = "Function Variable backward detect_anomaly enable_grad functional grad"
MORE_OF_PYTORCH = "gradcheck gradgradcheck no_grad profiler set_detect_anomaly"


def __getattr__(name: str) -> Any:
    """`torch.autograd` has more; wiring.py knows where that stands here."""
    if name in (*OF_PYTORCH.split(), *MORE_OF_PYTORCH.split()):
        return wiring.autograd(name)
    has = f": it has {', '.join(OF_PYTORCH.split())} and no_grad"
    raise AttributeError(f"autograd has no {name!r}{'' if name[0] == '_' else has}")
