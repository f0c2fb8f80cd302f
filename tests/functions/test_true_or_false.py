"""Whoever writes keepdims="no" is told: it would be true."""

from __future__ import annotations

import inspect

import public
import pytest

from tinygrad_attn import Tensor, ones

FLAGS = {
    f"{name}, {p.name}": (function, name.rpartition(".")[2], p.name)
    for name, function in public.functions().items()
    for p in inspect.signature(function).parameters.values()
    if isinstance(p.default, bool)
}
NEEDED = {"full": (2, 0.5), "scaled_dot_product_attention": (ones(2, 3),) * 3}
MADE_OF_SIZES = ("ones", "zeros", "rand", "randn")


@pytest.mark.parametrize("given", ["no", 1, 0.0, None], ids=repr)
@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_true_or_false(name, given):
    function, called, flag = FLAGS[name]
    sizes = (2, 3) if called in MADE_OF_SIZES else (ones(2, 3),)
    arguments = NEEDED.get(called, sizes)
    assert function(*arguments, **{flag: True}) is not None
    with pytest.raises(TypeError, match=rf"{flag}=.* must be True or False") as caught:
        function(*arguments, **{flag: given})
    assert "\n" not in str(caught.value)
    assert called in str(caught.value) or flag == "requires_grad"


def test_what_has_flags_is_found():
    assert len(FLAGS) > 15
    assert "reductions.mean, keepdims" in FLAGS
    with pytest.raises(TypeError, match="^mean: keepdims"):
        Tensor([1.0]).mean(keepdims="no")
