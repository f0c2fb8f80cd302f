"""not, and, or, either of masks: ~ & | ^."""

from __future__ import annotations

import operator
import re
from itertools import product

import pytest

from tinygrad_attn import Tensor, draw, record, where
from tinygrad_attn.functional import causal_mask, padding_mask
from tinygrad_attn.program.write import write

pytestmark = pytest.mark.usefixtures("backend")

SIGNS = {"&": operator.and_, "|": operator.or_, "^": operator.xor}
A, B = zip(*product([False, True], repeat=2))


@pytest.mark.parametrize("sign", SIGNS)
def test_it_is_pythons_own(sign):
    f = SIGNS[sign]
    want = [f(x, y) for x, y in zip(A, B)]
    a, b = Tensor([*A]), Tensor([*B])
    for z in (f(a, b), f(a, [*B]), f([*A], b)):
        assert (z.tolist(), z.dtype) == (want, "bool")
    for y in (True, False):
        assert f(a, y).tolist() == f(y, a).tolist() == [f(x, y) for x in A]
    assert (~a).tolist() == [not x for x in A]


def test_a_causal_and_a_padding_mask_become_one():
    """(T, T) and (B, 1, T): they broadcast."""
    real = padding_mask(Tensor([[5, 6, 0], [5, 6, 7]]), 0).reshape(2, 1, 3)
    mask = causal_mask(3) & real
    assert mask.shape == (2, 3, 3)
    for b, i, j in product(range(2), range(3), range(3)):
        assert mask[b, i, j].item() == (j <= i and real[b, 0, j].item())


@pytest.mark.parametrize("sign", SIGNS)
def test_numbers_are_refused(sign):
    f, a = SIGNS[sign], Tensor([True, False])
    for other in (1, 1.0, [1, 0], Tensor([1, 0]), Tensor([0.5, 1.0])):
        for x, y in ((a, other), (other, a)):
            with pytest.raises(TypeError, match=r"given; it takes bools \(x != 0"):
                f(x, y)
    with pytest.raises(TypeError, match="~: int64 given; it takes bools"):
        ~Tensor([1])
    with pytest.raises(ValueError, match=re.escape(sign) + ": shapes .* do not broad"):
        f(a, Tensor([True] * 3))
    with pytest.raises(TypeError, match="Tensor and str given"):
        f(a, "no")


def test_programs_and_pictures_have_them():
    x = Tensor([0.5, -1.0, 2.0], requires_grad=True)

    def loss(x):
        return where(~(x > 1.0) & (x > 0.0) | (x < -0.5), x * x, 0.0).sum()

    with record():
        assert "svg" in draw(loss(x)).svg
    (found, _) = write(loss, {"x": x}, target="python")(x)
    assert found.item() == loss(x).item() == 1.25
