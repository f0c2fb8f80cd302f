"""`record()`: source lines, and how constants were made; nothing of it outside."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

import nn
from tinygrad_attn import (
    Tensor,
    debug,
    functional,
    grad,
    no_grad,
    ops,
    randn,
    record,
    unfold,
)

HERE = Path(__file__).name


def leaf(*values):
    return Tensor(list(values), requires_grad=True)


def test_a_line_is_kept_inside_and_none_outside(any_backend):
    x = leaf(1.0, 2.0)
    outside = x * 2.0
    with record():
        inside = x * 3.0
    assert outside._where is None
    assert Path(inside._where.file).name == HERE
    assert inside._where.text == "inside = x * 3.0"
    assert str(inside._where).endswith(
        f"{HERE}:{inside._where.number}: inside = x * 3.0"
    )


def test_the_line_of_a_layer_is_the_layers(any_backend):
    layer = nn.AttentionHead(4, 2)
    with record():
        _, weights = layer(randn(3, 4))
    assert Path(weights._where.file).name == "multi_head.py"
    assert weights._where.text == "weights = functional.softmax(masked)"


def test_the_variable_that_a_result_was_assigned_to():
    x = leaf(1.0, 2.0)
    with record():
        product = x * 2.0
        half, third = product / 2.0, product / 3.0
        total = (product * product).sum()
        assert (x + 1.0)._where.target == ""
    assert product._where.target == "product"
    assert total._where.target == "total"
    assert total._inputs[0]._where.target == ""
    assert {half._where.target, third._where.target} <= {"half", "third", ""}


@pytest.mark.parametrize(
    ("compare", "name"),
    [
        (lambda x, y: x == y, "equal"),
        (lambda x, y: x != y, "not_equal"),
        (lambda x, y: x < y, "less"),
        (lambda x, y: x <= y, "less_equal"),
        (lambda x, y: x > y, "greater"),
        (lambda x, y: x >= y, "greater_equal"),
    ],
)
def test_a_comparison_is_an_operation_without_a_gradient(compare, name, any_backend):
    x, y = leaf(1.0, 2.0, 3.0), leaf(2.0, 2.0, 2.0)
    bare = compare(x, y)
    assert (bare._op, bare.requires_grad) == (None, False)
    with record():
        kept = compare(x, y)
    assert kept.tolist() == bare.tolist()
    assert kept._op.name == name
    assert list(kept._inputs) == [x, y] or kept._inputs[0] is x
    assert not kept.requires_grad
    assert kept.is_leaf
    z = ops.where(kept, x, y).sum()
    z.backward()
    assert x.grad.tolist() == [float(v) for v in bare.tolist()]


def test_a_constant_can_become_a_leaf(any_backend):
    with record():
        c = Tensor([1.0, 2.0]) * 3.0
    assert c._op.name == "mul"
    c.requires_grad_()
    (c * c).sum().backward()
    assert c.grad.tolist() == [6.0, 12.0]


def test_stop_gradient_and_detach_keep_where_they_came_from(any_backend):
    x = leaf(1.0, 2.0)
    with record():
        for constant in x.detach(), ops.stop_gradient(x):
            assert constant._op.name == "stop_gradient"
            assert constant._inputs[0] is x
            assert not constant.requires_grad
    assert x.detach()._op is None


def test_no_grad_inside_it_records_nothing(any_backend):
    x = leaf(1.0)
    with record(), no_grad():
        y = x * 2.0
    assert y._op is None


def test_it_nests_decorates_and_ends_with_an_error(any_backend):
    x = leaf(1.0)

    @record()
    def inside():
        with record():
            pass
        return x > 0.0

    assert inside()._op is not None
    with pytest.raises(ValueError, match="x"), record():
        raise ValueError("x")
    assert (x > 0.0)._op is None


def test_it_belongs_to_its_thread():
    found = []
    x = leaf(1.0)
    with record():
        thread = threading.Thread(target=lambda: found.append((x > 0.0)._op))
        thread.start()
        thread.join()
    assert found == [None]


def test_gradients_are_the_same_inside(any_backend):
    x = randn(2, 3, requires_grad=True)
    (want,) = grad(functional.softmax(x)[0, 1], x)
    with record():
        y = functional.softmax(x)[0, 1]
    (got,) = grad(y, x)
    assert got.tolist() == want.tolist()


def test_inside_debug_too(any_backend):
    with record(), debug():
        y = leaf(1.0) * 2.0
    assert y._where.text == "y = leaf(1.0) * 2.0"


def test_no_frame_is_kept():
    """A frame would keep alive what the function that computed had in its variables."""

    class Big:
        pass

    seen = []

    def compute(x):
        big = Big()
        seen.append(weakref.ref(big))
        return x * 2.0

    gc.disable()
    try:
        with record():
            y = compute(leaf(1.0))
        assert seen[0]() is None
        assert y._where.text == "return x * 2.0"
    finally:
        gc.enable()


def test_a_leaf_is_called_what_its_first_use_calls_it():
    first, second = leaf(1.0, 2.0), randn(2)
    with record():
        both = (
            first * second  # in a statement of several lines
            + 1.0
        )
        total: Tensor = both.sum()
    graph = unfold(total)
    assert [n.name for n in graph] == ["first", "second", "mul", "both", "total"]


def test_what_a_function_makes_inside_does_not_get_the_name_of_its_argument():
    with record():
        logits = leaf(1.0, 2.0).reshape(1, 2)
        total = functional.cross_entropy(logits, Tensor([1]))
    names = [n.name for n in unfold(total)]
    assert "logits" in names
    assert "logits_2" not in names


def test_a_leaf_that_no_variable_held_is_an_input_or_a_constant():
    with record():
        total = (leaf(1.0) * randn(1)).sum()
    assert [n.name for n in unfold(total)][:2] == ["input", "constant"]
