"""Names in graphs: a tensor is called what the program calls it, however the line that
uses it is written; and no tensor has another's name."""

from __future__ import annotations

import gc
import weakref

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
    assert names(g) == ["x", "h", "w", "g"]


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


def test_targets_have_the_names_of_the_program():
    logits, classes, shares = leaf(1, 2), [1], [[0.25, 0.75]]
    with record():
        a = functional.cross_entropy(logits, classes)
        b = functional.cross_entropy(logits, shares)
    assert leaves(a) == ["classes", "logits"]
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
