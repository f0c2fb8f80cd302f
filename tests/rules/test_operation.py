"""What an operation is: its name, text and kind, and a call of it inside another."""

from __future__ import annotations

import pytest
from conftest import assert_close
from rule_cases import ALL_OPS

from tinygrad_attn import Tensor, grad, no_grad, ops, record
from tinygrad_attn.arrays.backends import namespace_of
from tinygrad_attn.autograd.recording import watch
from tinygrad_attn.rules import activations, comparisons, composites, primitives
from tinygrad_attn.rules.operation import Op, composite


@pytest.mark.parametrize("op", ALL_OPS, ids=str)
def test_an_operation_bears_its_forwards_name_and_text(op):
    assert op.name == op.forward.__name__
    assert op.__doc__
    assert op.__doc__ == op.forward.__doc__  # help(op) shows the formula


def test_an_operation_says_its_kind():
    assert (primitives.exp.composite, composites.softmax.composite) == (False, True)
    assert [type(op.composite) for op in ALL_OPS] == [bool] * len(ALL_OPS)
    kinds = repr([primitives.exp, composites.softmax])
    assert kinds == "[<primitive exp>, <composite softmax>]"


def test_inside_another_an_operation_gives_z_and_not_what_it_saved(backend):
    x = Tensor([[1.0, 2.0, 4.0]])
    array = x.data
    xp = namespace_of([array])
    z, _ = composites.layer_norm.forward(xp, array, None, None)
    for got in (
        composites.layer_norm(xp, array, None, None),
        composites.layer_norm(ops, x, None, None),
    ):
        assert_close(got, z)


def test_inside_another_an_operation_on_tensors_is_a_step_of_its_own(backend):
    x = Tensor([1.0], requires_grad=True)
    z = primitives.exp(ops, x)
    assert (z._op, z._inputs, z._params, z._saved) == (primitives.exp, (x,), {}, None)
    with no_grad():
        y = primitives.exp(ops, x)
    for t in (x, y):
        assert (t._op, t._inputs, t._params, t._saved) == (None, (), {}, None)


def test_shapes_that_do_not_fit_are_refused_by_every_operation_of_two(backend):
    every = [*ALL_OPS, *filter(is_op, vars(comparisons).values())]
    checking = [op for op in every if op.check and len(op.inputs) > 1]
    assert len(checking) == 9 + 6
    for op in checking:
        x, y = Tensor([[1.0, 2.0]] * 2), Tensor([[1.0, 2.0, 3.0]] * 3)
        inputs = [x > 0.0, x, y] if op is primitives.where else [x, y]
        settings = {"p": 0.5} if op is activations.dropout else {}
        with pytest.raises(ValueError, match=rf"^{op.name}: .*\(2, 2\).*\(3, 3\)"):
            ops.apply(op, *inputs, **settings)


def is_op(value):
    return isinstance(value, Op)


COMPARISONS = [op for op in vars(comparisons).values() if is_op(op) and op.inputs[1:]]
AS_PYTHON = str.maketrans({"=": "==", "≠": "!=", "≤": "<=", "≥": ">="})


@pytest.mark.parametrize("op", COMPARISONS, ids=str)
def test_a_comparisons_formula_says_what_it_computes(op, backend):
    formula = compile(op.meaning.formula.translate(AS_PYTHON), op.name, "eval")
    numbers = [(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]
    x, y = (Tensor(list(column)) for column in zip(*numbers))
    want = [eval(formula, {"x": a, "y": b}) for a, b in numbers]
    assert ops.apply(op, x, y).tolist() == want


@pytest.mark.parametrize("op", [primitives.sum, primitives.max], ids=str)
def test_a_reduction_drops_its_axes_unless_told_to_keep_them(op, backend):
    x = Tensor([[1.0, 2.0, 4.0], [8.0, 0.0, 3.0]])
    assert ops.apply(op, x, axis=(1,)).shape == (2,)
    assert ops.apply(op, x, axis=(1,), keepdims=True).shape == (2, 1)


@composite
def scaled_square(xp, x, *, by):
    """z = by · x², without a rule of its own."""
    return x * x * by


def test_a_composite_without_a_rule_records_its_parts(any_backend):
    x = Tensor([1.0, -2.0], requires_grad=True)
    z = ops.apply(scaled_square, x, by=3.0)
    assert z.tolist() == [3.0, 12.0]
    assert z._op is primitives.mul
    assert (z._scope.owner, z._scope.parent) == (scaled_square, None)
    assert grad(z.sum(), x)[0].tolist() == [6.0, -12.0]


def test_a_composite_without_a_rule_is_one_step_where_nothing_is_recorded(backend):
    x = Tensor([1.0, -2.0], requires_grad=True)
    seen = []

    def watcher(op, inputs, params, z):
        seen.append((op, inputs, params, z.tolist()))

    with no_grad():
        z = watch(watcher, ops.apply, scaled_square, x, by=3.0)
    assert (z._op, z.requires_grad) == (None, False)
    assert seen == [(scaled_square, (x,), {"by": 3.0}, [3.0, 12.0])]
    with record():
        z = ops.apply(scaled_square, x.detach(), by=3.0)
    assert (z._op, z.requires_grad) == (primitives.mul, False)
