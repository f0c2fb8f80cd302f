"""PyTorch's lines (test_same_as_pytorch.py) as programs, in every language: each gives
what it gives here, or is refused in a sentence that names it."""

from __future__ import annotations

import math
import re

import pytest
from targets import Target, assert_near, each_target
from test_same_as_pytorch import INPUTS, LINES

import tinygrad_attn
from tinygrad_attn import Tensor, functional, use_backend, write

# Their shape depends on the numbers.
REFUSED = r"unique|bincount|nonzero|masked_select|repeat_interleave\(torch|one_hot\(c\)"
REFUSED += r"|where\(b\)\[|where\(n > 0\)\["


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


@pytest.mark.parametrize("line", [x for x in LINES if re.search(REFUSED, x)])
def test_of_another_shape_a_line_is_refused(line):
    names = {k: Tensor(v) for k, v in INPUTS.items() if re.search(rf"\b{k}\b", line)}
    names.pop("i", None) if "nonzero" in line else None
    with pytest.raises((RuntimeError, TypeError, ValueError)) as caught:
        write(lambda *given: evaluated(line, dict(zip(names, given))), names)
    (said,) = re.findall(
        r"in (\w+)\(\) while its|mask picks|give num_classes", said_by(caught)
    )
    assert not said or said in line


def said_by(caught):
    message = str(caught.value)
    assert "\n" not in message
    return message


NUMBERS = [3.0, math.nan, 1.0, 1.0, -math.inf, math.inf, math.nan, -0.0, 0.0]
ORDERS = """
x.argsort(0)
x.argsort(1, descending=True)
x.sort(1).values
x.sort(0, True).indices
x.topk(4).values
x.topk(3, largest=False)[1]
n.argsort(-1)
n.sort(descending=True)[0]
b.argsort()
torch.argsort(x[0, :0])
torch.argsort(x[0, 0])
x.scatter(1, x.topk(2, 1).indices, 0.0)
"""


@each_target
def test_orders_of_special_numbers(target: Target):
    """A number's place is how many come before it, nan and equal ones included."""
    lines = ORDERS.split("\n")[1:-1]
    with use_backend(target.backend, "float64"):
        x = Tensor([NUMBERS, [1.0, 2.0, 3.0, 2.0, 1.0, 0.0, 0.0, 5.0, 5.0]])
        n, b = Tensor([[3, 1, 2], [1, 1, 1]]), Tensor([True, False, True])
        given = {"x": x, "n": n, "b": b}

        def function(*tensors):
            return tuple(evaluated(v, dict(zip(given, tensors))) for v in lines)

        want = function(*given.values())
        step = write(function, given, target=target.name)
        for line, a, z in zip(lines, step(**given), want):
            assert_near(line, a, z, 0.0)


def test_too_many_pairs_are_refused():
    x = Tensor([0.0]).expand(2, 10000)
    with pytest.raises(ValueError, match="argsort: 20000 numbers in rows of 10000"):
        write(lambda x: x.argsort(1), {"x": x})
