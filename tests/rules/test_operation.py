"""What an operation is: its name, text and kind, and a call of it inside another."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from conftest import assert_close
from rule_cases import ALL_OPS

from tinygrad_attn import Tensor, grad, no_grad, ops, record
from tinygrad_attn.arrays.backends import namespace_of
from tinygrad_attn.arrays.shapes import broadcast_shapes
from tinygrad_attn.autograd.recording import watch
from tinygrad_attn.rules import (
    activations,
    comparisons,
    composites,
    movement,
    primitives,
)
from tinygrad_attn.rules.operation import (
    ELEMENTWISE,
    KINDS,
    OWN,
    ROWWISE,
    Meaning,
    Op,
    composite,
    primitive,
)


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
    array = x.array
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


def test_a_primitive_without_a_rule_passes_no_gradient_and_says_so(backend):
    op = primitive(exp_like)
    assert ops.apply(op, Tensor([1.0])).tolist() == [1.0]
    with pytest.raises(RuntimeError, match="^exp_like: it has no vjp, so no gradient"):
        ops.apply(op, Tensor([1.0], requires_grad=True))


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


# --- what an operation means ----------------------------------------------------------


def test_a_meaning_is_empty_until_told_and_stays_as_it_is():
    nothing = Meaning()
    assert dataclasses.asdict(nothing) == {
        **dict.fromkeys(
            ("kind", "formula", "means", "sentence", "why", "kink", "steep"), ""
        ),
        "rules": {},
        "inputs": (),
    }
    assert (nothing.symbol, nothing.turned, nothing.rule(0)) == ("", False, "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        nothing.kind = "product"


@primitive(
    "reduction",
    z="{Σ} x, {part}{axes}{back}{dtype}{over}",
    means="y",
    x="∂z{part}",
    kink="at 1",
    steep="at 2",
)
def told(xp, x, *others, over=None):
    """The first
    sentence.

    And another.
    """
    return x


@told.defvjp
def told_vjp(xp, g, z, inputs, needs, saved, over=None):
    """Why.

    At length."""


def test_what_is_told_of_an_operation_is_its_meaning():
    assert told.meaning == Meaning(
        kind="reduction",
        formula="{Σ} x, {part}{axes}{back}{dtype}{over}",
        means="y",
        rules={"x": "∂z{part}"},
        inputs=("x", "others"),
        sentence="The first sentence.",
        why="Why.",
        kink="at 1",
        steep="at 2",
    )
    assert told.meaning is told.meaning
    assert told.inputs == ("x", "others")
    assert [told.meaning.rule(i) for i in range(3)] == ["∂z{part}", "", ""]
    assert (told.elementwise, told.check) == (False, None)


def test_a_notation_without_the_settings_of_a_step():
    assert told.equation == "z = Σ x, [...](...)(...)dtype = y"
    assert told.gradients == "∂x += ∂z[...]"
    assert primitives.mul.gradients == "∂x += ∂z ⊙ y, ∂y += ∂z ⊙ x"
    assert comparisons.less.gradients == ""  # no gradient passes
    untold = primitive(plain)
    assert untold.equation == "z = plain(x, y)"
    assert untold.gradients == OWN
    assert untold.meaning == Meaning(inputs=("x", "y"))


def plain(xp, x, y):
    return x


def test_the_last_name_is_that_of_all_that_follow():
    assert movement.concat.inputs == ("inputs",)
    meaning = movement.concat.meaning
    assert meaning.rule(0) == meaning.rule(1) == meaning.rule(7) != ""


def test_what_is_written_out_with_a_calculus_books_functions_alone():
    assert {op.name for op in ALL_OPS if op.meaning.means} == {
        *("softmax", "log_softmax", "layer_norm", "rms_norm"),
        *("relu", "leaky_relu", "gelu", "gelu_tanh", "sigmoid"),
    }


def test_where_a_slope_jumps_or_is_infinite():
    """Each text follows "a kink" or "an infinite slope" in a sentence."""
    kinks = {op.name: op.meaning.kink for op in ALL_OPS if op.meaning.kink}
    assert set(kinks) == {"maximum", "max", "relu", "leaky_relu"}
    steep = {op.name: op.meaning.steep for op in ALL_OPS if op.meaning.steep}
    assert set(steep) == {"log", "log1p", "sqrt", "div", "pow"}
    for text in (*kinks.values(), *steep.values()):
        assert text.startswith("at ")


def test_an_operators_symbol_is_pythons():
    binary = [primitives.add, primitives.sub, primitives.mul, primitives.div]
    symbols = [op.meaning.symbol for op in (*binary, primitives.pow)]
    assert symbols == ["+", "-", "*", "/", "**"]
    for op in (primitives.matmul, primitives.exp, primitives.maximum, told):
        assert op.meaning.symbol == ""


def test_a_factor_may_stand_transposed():
    turned = [op for op in ALL_OPS if op.meaning.turned]
    assert turned == [composites.linear, composites.scaled_dot_product_attention]
    assert primitive("product", z="x yᵀ")(plain).meaning.turned
    assert not primitive("product", z="xᵀ y")(plain).meaning.turned
    assert not primitive(z="xᵀ")(exp_like).meaning.turned


def test_what_is_said_of_no_input_or_of_no_kind_is_refused():
    for make, kind, said in (
        (
            lambda: primitive(y="∂z")(exp_like),
            TypeError,
            "exp_like: y= given; it takes z, means, why, kink, steep, "
            "check, differentiable, by_matrix, and a rule for an input: x",
        ),
        (
            lambda: primitive(y="∂z", z="x")(plain_of_none),
            TypeError,
            "plain_of_none: y= given; it takes z, means, why, kink, steep, "
            "check, differentiable, by_matrix, and a rule for an input: but it has "
            "none",
        ),
        (
            lambda: primitive(x="∂z", y="∂z", w="∂z")(plain),
            TypeError,
            "plain: w= given; it takes z, means, why, kink, steep, "
            "check, differentiable, by_matrix, and a rule for an input: x, y",
        ),
        (
            lambda: composite("sum")(exp_like),
            ValueError,
            "exp_like: kind 'sum' given; it must be one of elementwise, choice, gate, "
            "comparison, check, reduction, movement, product, norm, softmax, attention",
        ),
        (
            lambda: primitive(differentiable="no")(exp_like),
            TypeError,
            "exp_like: differentiable='no', a str, given; it must be True or False",
        ),
        (
            lambda: composite("product", by_matrix=1)(exp_like),
            TypeError,
            "exp_like: by_matrix=1, a int, given; it must be True or False",
        ),
        (
            lambda: primitive(check="shapes")(exp_like),
            TypeError,
            "exp_like: check='shapes' given; it must be a function of the inputs' "
            "shapes",
        ),
    ):
        with pytest.raises(kind) as caught:
            make()
        assert str(caught.value) == said


def exp_like(xp, x):
    return x


def plain_of_none(xp):
    return None


@pytest.mark.parametrize("name", ["kind", "check", "differentiable", "means", "kink"])
def test_an_input_may_not_bear_the_name_of_what_is_said(name):
    names = {}
    exec(f"def f(xp, x, {name}): return x", names)
    with pytest.raises(TypeError, match=f"^f: an input is called {name}, which means"):
        primitive(names["f"])


def test_a_decorator_stands_above_a_function():
    for decorator, name in ((primitive, "primitive"), (composite, "composite")):
        with pytest.raises(TypeError, match=f"^{name}: a tuple given; it stands above"):
            decorator("elementwise")(())


@composite
def two_results(xp, x):
    """A composite that saves something, without a vjp that could use it."""
    return x * 2.0, x


def test_a_composite_without_a_rule_returns_z_alone(backend):
    said = "^two_results: its forward returned a tuple; without a vjp"
    with pytest.raises(TypeError, match=said):
        ops.apply(two_results, Tensor([1.0], requires_grad=True))


def test_a_decorator_with_and_without_what_is_said():
    for decorator, of_parts in ((primitive, False), (composite, True)):
        for op in (
            decorator(exp_like),
            decorator()(exp_like),
            decorator("elementwise", z="x", check=None, differentiable=True)(exp_like),
        ):
            assert (op.composite, op.differentiable, op.name) == (
                of_parts,
                True,
                "exp_like",
            )
            assert op.forward is exp_like
        assert not decorator(differentiable=False)(exp_like).differentiable
        assert decorator("product", check=shape_of)(plain).check is shape_of
        assert decorator("product")(plain).check is None
        elementwise = [
            k for k in KINDS if k and decorator(k)(plain).check is broadcast_shapes
        ]
        assert elementwise == list(ELEMENTWISE)
        assert [decorator(k)(plain).elementwise for k in ELEMENTWISE] == [True] * 5
        assert [decorator(k)(plain).elementwise for k in ROWWISE] == [False] * 2


def shape_of(x, y):
    return x


def test_an_operation_is_pickled_by_its_name_in_its_module():
    op = primitives.exp
    assert (op.__module__, op.__reduce__()) == (primitives.__name__, "exp")
    assert pickle.loads(pickle.dumps(op)) is op
