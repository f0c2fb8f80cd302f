"""PyTorch's lines (test_same_as_pytorch.py) as programs, in every language: each gives
what it gives here, or is refused in a sentence that names it."""

from __future__ import annotations

import re

from targets import Target, assert_near, each_target
from test_same_as_pytorch import INPUTS, LINES

import tinygrad_attn
from tinygrad_attn import Tensor, functional, use_backend, write

# What depends on the numbers: a shape, or an order of which a program has no step.
REFUSED = r"sort|topk|unique|bincount|nonzero|masked_select|repeat_interleave\(torch"
REFUSED += r"|one_hot\(c\)|where\(b\)\[|where\(n > 0\)\["


def evaluated(line, names):
    return eval(line, {"torch": tinygrad_attn, "F": functional, **names})


class Lines:
    """Those that compute a Tensor of some inputs, as one function of all inputs."""

    def __init__(self):
        self.given = {k: Tensor(v) for k, v in INPUTS.items() if k != "s"}
        self.lines = [line for line in LINES if self.fits(line)]

    def fits(self, line):
        z = evaluated(line, self.given | {"s": Tensor(INPUTS["s"])})
        return isinstance(z, Tensor) and not re.search(REFUSED, line)

    def __call__(self, *given):
        names = dict(zip(INPUTS, given)) | {"s": Tensor(INPUTS["s"])}
        found = [evaluated(line, names) for line in self.lines]
        return tuple(z * 1 if z.dtype != "bool" else z | False for z in found)


@each_target
def test_all_lines_as_a_program(target: Target):
    with use_backend(target.backend, "float64"):
        lines = Lines()
        assert len(lines.lines) > 200
        want = lines(*lines.given.values())
        step = write(lines, lines.given, target=target.name)
        assert step.target == target.name
        for line, a, b in zip(lines.lines, step(**lines.given), want):
            assert_near(line, a, b, target.near["float64"])
