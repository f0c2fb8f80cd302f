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
