"""Names in graphs: a tensor is called what the program calls it, however the line that
uses it is written; and no tensor has another's name."""

from __future__ import annotations

import functools
import gc
import operator
import weakref
from dataclasses import dataclass

import pytest

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    einsum,
    functional,
    grad,
    maximum,
    minimum,
    ops,
    randn,
    record,
    stack,
    unfold,
    where,
)


def leaf(*shape):
    return randn(*shape).requires_grad_()


def names(z, level="op"):
    """The names of all nodes but the last sum, in order."""
    with record():
        total = z.sum()
    return [node.name for node in unfold(total, level)][:-1]


def leaves(z):
    """The names of what nothing was computed for."""
    with record():
        total = z.sum()
    return sorted(node.name for node in unfold(total) if not node.arguments)


# --- leaves ---------------------------------------------------------------------------


def test_the_receiver_of_a_method_and_its_arguments():
    x, w = leaf(2, 3), leaf(2, 3)
    with record():
        h = x.tanh()
        g = w.maximum(h)
    assert names(g) == ["w", "x", "h", "g"]


def test_keyword_arguments_in_any_order():
    x, W, b = leaf(2, 3), leaf(4, 3), leaf(4)
    with record():
        z = functional.linear(bias=b, weight=W, x=x)
        y = ops.maximum(y=z, x=b)
    assert leaves(z) == ["W", "b", "x"]
    assert leaves(y) == ["W", "b", "x"]


def test_slices_and_attributes_of_a_tensor():
    x, w, u = leaf(4, 3), leaf(2, 3), leaf(3, 4)
    with record():
        a = x[0]
        b = x[:, 1:3] @ w
        c = u.T @ w.mT
        d = x[Tensor([0, 1])]
    assert leaves(a) == ["x"]
    assert leaves(b) == ["w", "x"]
    assert leaves(c) == ["u", "w"]
    assert leaves(d)[-1] == "x"


def test_chains_signs_and_comparisons():
    x, y = leaf(2, 3), leaf(2, 3)
    with record():
        a = x.reshape(3, 2).tanh().reshape(6)
        b = -y
        c = where(x > y, x, y)
    assert leaves(a) == ["x"]
    assert leaves(b) == ["y"]
    assert leaves(c) == ["x", "y"]


def test_numbers_lists_and_arrays_on_either_side():
    x = leaf(2, 2)
    rows = [[1.0, 2.0], [3.0, 4.0]]
    with record():
        a = 2.0 * x
        b = rows @ x
        c = x - rows
        d = 1.0 / x
    assert leaves(a) == ["x"]
    assert leaves(b) == ["rows", "x"]
    assert leaves(c) == ["rows", "x"]
    assert leaves(d) == ["x"]


def test_arrays_of_numpy():
    np = pytest.importorskip("numpy", reason="needs NumPy")
    x, table = leaf(2, 2), np.eye(2)
    with record():
        a = table @ x
    assert leaves(a) == ["table", "x"]


def test_several_tensors_at_once():
    a, b, c = leaf(2, 3), leaf(2, 3), leaf(3, 2)
    with record():
        x = concat([a, b])
        y = stack((b, a))
        z = einsum("ij,jk->ik", a, c)
        u = maximum(*(a, b))
    assert leaves(x) == leaves(y) == leaves(u) == ["a", "b"]
    assert leaves(z) == ["a", "c"]


def test_functions_made_of_several_operations():
    x, y = leaf(3), leaf(3)
    with record():
        a = minimum(x, y)
        b = y.abs()
        c = x.clip(min=-0.5, max=y)
        d = functional.mse_loss(y, x)
    assert leaves(a) == ["x", "y"]
    assert leaves(b) == ["y"]
    assert leaves(c) == ["x", "y"]
    assert leaves(d) == ["x", "y"]


def test_what_holds_a_tensor_gives_it_its_name():
    class Holder:
        pass

    holder, weights, parts = Holder(), {"W_Q": leaf(2, 2)}, [leaf(2, 2), leaf(2, 2)]
    holder.table = leaf(2, 2)
    with record():
        z = holder.table @ weights["W_Q"] + parts[1]
    assert leaves(z) == ["W_Q", "parts.1", "table"]


def test_a_mask_of_the_reader_has_its_own_name():
    x, keep = leaf(3), Tensor([True, False, True])
    index = Tensor([0, 2])
    with record():
        z = where(keep, x, 0.0)
        y = ops.take(x, index)
    assert leaves(z) == ["keep", "x"]
    assert leaves(y) == ["index", "x"]


def test_a_name_is_that_of_the_line_and_not_of_another_variable():
    x, _w = leaf(3), leaf(3)
    also = x
    with record():
        z = also * _w
    assert x is also
    assert leaves(z) == ["_w", "also"]


GLOBAL = leaf(3)


def test_variables_of_the_module_and_of_the_function_around():
    x = leaf(3)

    def inner():
        return x * GLOBAL

    with record():
        z = inner()
    assert leaves(z) == ["GLOBAL", "x"]


def test_what_a_function_makes_for_itself_takes_no_variable():
    def padded(v):
        return concat([v, Tensor([0.0, 0.0])])

    x, w = leaf(3), leaf(5)
    with record():
        z = padded(x) * w
        q = x * Tensor([1.0, 2.0, 3.0])
    assert leaves(z) == ["constant", "v", "w"]
    assert leaves(q) == ["constant", "x"]


def test_parameters_keep_their_paths():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    x = leaf(4, 3)
    with record():
        z = model(x)
    assert leaves(z) == ["0.bias", "0.weight", "1.bias", "1.weight", "x"]


def test_a_name_that_two_tensors_have_is_numbered():
    def doubled(v):
        return v + v

    a, b = leaf(2), leaf(2)
    with record():
        z = doubled(a) * doubled(b)
    assert leaves(z) == ["v", "v_2"]


# --- results and loops ----------------------------------------------------------------


def test_a_variable_used_again_in_a_loop_is_numbered():
    x, w = leaf(2, 2), leaf(2, 2)
    with record():
        h = x
        for _ in range(3):
            h = (h @ w).tanh()
    products = ["matmul", "matmul_2", "matmul_3"]
    assert [n for n in names(h) if n not in products] == ["h", "w", "h_2", "h_3", "h_4"]


def test_leaves_that_are_made_anew_in_each_turn_are_numbered():
    y = leaf(2)
    with record():
        for i in range(3):
            m = Tensor([float(i), 1.0])
            y = y * m
    found = names(y)
    assert found[:2] == ["y", "m"]
    assert {"m_2", "m_3", "y_2", "y_3", "y_4"} <= set(found)
    assert len(found) == 7


def test_a_variable_of_several_lines_is_numbered():
    x = leaf(2)
    with record():
        h = x.tanh()
        h = h + 1.0
        h *= 2.0
        h -= x
    assert names(h) == ["x", "h", "h_2", "h_3", "h_4"]


def test_two_at_once():
    x, w = leaf(2), leaf(2)
    with record():
        a, b = x.tanh(), w.exp()
        c = a * b
    assert names(c) == ["x", "a", "w", "b", "c"]


def test_other_ways_to_assign():
    x, w = leaf(2), leaf(2)
    with record():
        a = x.tanh()
        c: Tensor = a * w
        if (d := c + x) is not None:
            e = d.sum()
        each = [v * 2.0 for v in (x, w)]
        f = each[0] + each[1]
    assert names(e) == ["x", "a", "w", "c", "d", "e"]
    assert names(f) == ["x", "mul", "w", "mul_2", "f"]


def test_a_line_broken_in_two_is_one_line():
    x, w = leaf(2, 2), leaf(2, 2)
    with record():
        h = x.tanh().maximum(
            w,
        )
    assert names(h) == ["x", "tanh", "w", "h"]


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
def test_names_are_the_same_at_every_level(level):
    x, w = leaf(2, 2), leaf(2, 2)
    with record():
        h = x
        for _ in range(2):
            h = functional.softmax(h @ w)
        loss = h.maximum(x).sum()
    found = {node.tensor or node.name for node in unfold(loss, level)}
    assert {"w", "h", "h_2", "h_3", "loss"} <= found


def test_a_tensor_is_not_called_by_what_was_computed_from_it():
    x, w = leaf(2, 2), leaf(2, 2)
    with record():
        w2 = w * 2.0
        x2 = x.maximum(w2)
        z = w2.maximum(x2)
    assert names(z) == ["w", "w2", "x", "x2", "z"]


def test_recording_keeps_no_variable_alive():
    class Large:
        pass

    def step():
        large = Large()
        x = leaf(2)
        with record():
            return (x * 2.0).sum(), weakref.ref(large)

    loss, gone = step()
    assert gone() is None
    assert [node.name for node in unfold(loss)][0] == "x"


def test_a_name_of_the_program_is_not_taken_by_a_number():
    x, w = leaf(2), leaf(2)
    with record():
        h = x.tanh()
        h = h * 2.0
        h_2 = h + w
        y = h_2 * h
    assert names(y) == ["x", "h", "h_3", "w", "h_2", "y"]
    with record():
        z = (x * w).tanh()
        mul = z * w
    assert names(mul)[-2:] == ["z", "mul"]


def test_numbers_follow_the_order_of_computing():
    x, w = leaf(2), leaf(2)
    with record():
        h = x.tanh()
        k = h.exp()
        h = w.sin()
        y = h * k
    found = {node.name: node.op for node in unfold(y.sum())}
    assert (found["h"], found["h_2"]) == ("tanh", "sin")


# --- programs, and what their tensors are called --------------------------------------

PROGRAMS = []


def called(*names):
    """Decorator: all nodes of the program's graph have these names, in order."""

    def note(program):
        PROGRAMS.append(pytest.param(program, list(names), id=program.__name__))
        return program

    return note


class Holder:
    """An object with attributes."""


@called("x", "q", "k", "s", "v", "z")
def parts_of_a_tensor():
    x = leaf(6)
    q, k, v = x.split(2)
    s = q * k
    z = s * v
    return z


@called("x", "getslice", "a", "getslice_2", "b", "z")
def rows_of_a_tensor():
    x = leaf(2, 3)
    a, b = x
    z = a * b
    return z


@called("x", "getslice", "row", "out", "getslice_2", "row_2", "out_2")
def rows_in_a_loop():
    x, out = leaf(2, 3), 0.0
    for row in x:
        out = out + row
    return out


@called("x", "w", "mul", "out", "x_2", "w_2", "mul_2", "out_2")
def pairs_in_a_loop():
    out = 0.0
    for x, w in zip([leaf(2), leaf(2)], [leaf(2), leaf(2)]):
        out = out + x * w
    return out


@called("v", "w", "matmul", "y", "z")
def what_a_function_returns():
    x, w = leaf(2, 2), leaf(2, 2)

    def model(v):
        return (v @ w).tanh()

    y = model(x)
    z = y * y
    return z


@called("h", "x", "h_2", "h_3")
def one_operation_in_a_loop():
    h, x = leaf(3), leaf(3)
    for _ in range(2):
        h = h * x
    return h


@called("h", "x", "y", "y_2")
def one_operation_under_two_names_in_a_loop():
    h, x = leaf(3), leaf(3)
    for _ in range(2):
        y = h * x
        h = y
    return h


@called("h", "x", "h_2", "h_3")
def an_attribute_in_a_loop():
    model = Holder()
    model.h, model.x = leaf(3), leaf(3)
    for _ in range(2):
        model.h = model.h * model.x
    return model.h


@called("h", "x", "h_2", "h_3")
def a_key_in_a_loop():
    cache, x = {"h": leaf(3)}, leaf(3)
    for _ in range(2):
        cache["h"] = cache["h"] * x
    return cache["h"]


@called("h", "h_2", "h_3")
def a_variable_of_the_function_around():
    h = leaf(2)

    def step():
        nonlocal h
        h = h * 2.0

    step()
    step()
    return h


@called("x", "p_3", "p_2", "p", "z")
def what_is_used_in_reverse_is_numbered_as_it_was_computed():
    x = leaf(2)
    found = []
    for i in range(3):
        p = x * float(i + 1)
        found.append(p)
    z = concat(found[::-1])
    return z


@called("m_2", "mul_2", "m", "mul", "z")
def leaves_that_are_used_in_reverse():
    found = []
    for _ in range(2):
        m = leaf(2)
        found.append(m * 2.0)
    z = concat(found[::-1])
    return z


@called("x", "less", "where", "greater", "x_2", "less_2", "where_2", "greater_2", "x_3")
def a_function_of_several_steps_in_a_loop():
    x = leaf(3)
    for _ in range(2):
        x = x.clip(0.0, 1.0)
    return x


@called("x", "lo", "less", "where", "hi", "greater", "y")
def a_function_of_several_steps():
    x, lo, hi = leaf(3), leaf(3), leaf(3)
    y = x.clip(lo, max=hi)
    return y


@called("x", "astype", "y")
def a_step_before_the_function():
    x = Tensor([1, 2, 3])
    y = functional.softmax(x)
    return y


@called("b", "a", "a_2", "b_2", "z")
def two_variables_that_change_places():
    a, b = leaf(3), leaf(3)
    a, b = b * 2.0, a * 3.0
    z = a * b
    return z


@called("b", "y", "z", "total")
def two_variables_of_one_leaf():
    a = leaf(2)
    b = a
    y = b * 2.0
    z = a * 3.0
    total = y + z
    return total


@called("a", "y", "a_2", "y_2")
def a_variable_bound_anew():
    a = leaf(2)
    y = a * 1.0
    a = leaf(2)
    y = y * a
    return y


@called("x", "mask", "y")
def an_attribute_of_an_attribute():
    model, x = Holder(), leaf(2)
    model.inner = Holder()
    model.inner.mask = leaf(2)
    y = x * model.inner.mask
    return y


@called("x", "w", "b", "y")
def attributes_as_keyword_arguments():
    @dataclass
    class Weights:
        w: Tensor
        b: Tensor

    p, x = Weights(leaf(4, 3), leaf(4)), leaf(2, 3)
    y = functional.linear(x, bias=p.b, weight=p.w)
    return y


@called("w", "y")
def an_attribute_in_slots():
    class Slots:
        __slots__ = ("w",)

    held = Slots()
    held.w = leaf(2)
    y = held.w * 2.0
    return y


@called("ws.1", "ws.0", "y")
def places_in_a_list():
    ws, i = [leaf(2), leaf(2)], 1
    y = ws[i] * ws[0]
    return y


@called("ws.0", "add", "ws.1", "y")
def a_list_in_sum():
    ws = [leaf(2), leaf(2)]
    y = sum(ws)
    return y


@called("ws.0", "ws.1", "y")
def a_list_in_reduce():
    ws = [leaf(2), leaf(2)]
    y = functools.reduce(operator.mul, ws)
    return y


@called("x", "weight", "y")
def starred_arguments():
    given = {"x": leaf(2, 3), "weight": leaf(4, 3)}
    y = functional.linear(**given)
    return y


@called("x", "y")
def a_function_of_a_module_is_no_receiver():
    x = leaf(2, 3)
    y = functional.softmax(x)
    return y


@called("x", "reshape", "y")
def arguments_that_are_no_tensors():
    x, n, m, axis = leaf(2, 3), 3, 2, 1
    y = x.reshape(n, m).softmax(axis)
    return y


@called("z", "target", "sub", "mul", "sum", "loss")
def a_list_given_to_a_function():
    z, target = leaf(3), [1.0, 0.0, 1.0]
    loss = functional.mse_loss(z, target)
    return loss


@called("x", "constant", "astype", "pow", "y")
def a_whole_number_is_no_index():
    x = leaf(2)
    y = x * 2**x
    return y


@called("constant", "x", "y")
def a_list_that_no_variable_holds():
    x, n = leaf(2), 2.0
    y = [n, n] + x
    return y


@called("x", "y")
def one_or_the_other():
    x, twice = leaf(2), True
    y = x * 2.0 if twice else x * 3.0
    return y


@called("x", "a", "w", "b", "add", "c", "y")
def tuples_in_tuples():
    x, w = leaf(2), leaf(2)
    (a, b), c = (x * 2.0, w * 3.0), x * w
    y = a + b + c
    return y


@called("x", "tanh", "w", "maximum", "y")
def a_chain_of_methods_in_lines_of_their_own():
    x, w = leaf(2, 2), leaf(2, 2)
    y = (
        x.tanh()
        .maximum(
            w,
        )
        .reshape(4)
    )
    return y


@called("v", "w", "mul", "v_2", "mul_2", "y")
def a_comprehension():
    xs, w = [leaf(2), leaf(2)], leaf(2)
    y = concat([v * w for v in xs])
    return y


@called("h", "h_2", "h_3")
def a_walrus_in_a_loop():
    h = leaf(2)
    while (h := h * 2.0).data is not None and h._inputs[0]._op is None:
        pass
    return h


@pytest.mark.parametrize(("program", "expected"), PROGRAMS)
def test_a_program_and_its_names(program, expected):
    with record():
        z = program()
    assert [node.name for node in unfold(z)] == expected


def test_what_is_made_of_a_variable_has_not_its_name():
    logits, classes, shares = leaf(1, 2), [1], [[0.25, 0.75]]
    with record():
        a = functional.cross_entropy(logits, classes)
        b = functional.cross_entropy(logits, shares)
    assert leaves(a) == ["constant", "constant_2", "logits"]  # rows of 0 and 1
    assert leaves(b) == ["logits", "shares"]


def test_second_derivatives_have_the_names_of_the_program():
    x = leaf(2)
    with record():
        loss = (x**3).sum()
        (slope,) = grad(loss, x, create_graph=True)
        bend = slope * slope
    found = [node.name for node in unfold(bend)]
    assert found[-2:] == ["slope", "bend"]
    assert "x" in found


def test_source_that_cannot_be_read():
    """The variables are found, but not what is assigned."""
    x, w = leaf(2), leaf(2)
    found = {"x": x, "w": w, "concat": concat}
    with record():
        exec("y = x * w\nz = concat([w, y])", found)
    assert [node.name for node in unfold(found["z"])][:3] == ["w", "x", "y"]


def test_locals_of_the_program_are_left_alone():
    x = leaf(2)
    with record():
        mine = locals()
        y = x * 2.0
        assert mine["x"] is x
    assert y._where.names[0] == "x"


def test_what_the_program_lets_go_of_is_gone():
    class Large:
        pass

    x, large = leaf(2), Large()
    gone = weakref.ref(large)
    gc.disable()
    try:
        with record():
            y = x * 2.0 if large else x
            del large
            assert gone() is None
    finally:
        gc.enable()
    assert y._where.names[0] == "x"


class OwnAttention(nn.Module):
    """As a reader writes it, in letters of the paper."""

    def __init__(self):
        self.W_Q, self.W_K, self.W_V = (nn.Linear(4, 4, bias=False) for _ in range(3))

    def forward(self, x):
        Q, K, V = self.W_Q(x), self.W_K(x), self.W_V(x)
        q = Q.reshape(3, 2, 2).swapaxes(0, 1)
        k = K.reshape(3, 2, 2).swapaxes(0, 1)
        v = V.reshape(3, 2, 2).swapaxes(0, 1)
        S = q @ k.mT
        A = functional.softmax(S)
        z = A @ v
        return z


def test_what_a_layer_returns_has_the_name_of_the_variable_that_takes_it():
    layer, x = OwnAttention(), leaf(3, 4)
    with record():
        y = layer(x)
        loss = y.sum()
    whole = [node.name for node in unfold(loss) if node.op == "linear"]
    assert whole == ["Q", "K", "V"]
    head = [node.name for node in unfold(loss, head=(layer, 1))]
    assert set(head) >= {"x", "q", "k", "v", "S", "A", "z"}


def test_a_layer_without_a_variable_gives_its_own_name():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    with record():
        loss = model(leaf(3, 4)).sum()
    assert [node.name for node in unfold(loss) if node.op == "linear"] == [
        "Linear_0",
        "Sequential",
    ]
