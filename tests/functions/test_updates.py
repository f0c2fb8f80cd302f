"""How a leaf moves: inside no_grad, by its `data`, by methods that end in _; and what
keeps its numbers."""

from __future__ import annotations

import pickle

import pytest
from conftest import flatten, needs_numpy

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    draw,
    enable_grad,
    explain,
    full,
    functional,
    grad,
    no_grad,
    ones,
    randn,
    record,
    unfold,
    use_backend,
    where,
    zeros,
)

# --- one step, in the words of many courses -------------------------------------------


def minus_equals(p, lr):
    with no_grad():
        p -= lr * p.grad


def plus_equals(p, lr):
    with no_grad():
        p += -lr * p.grad


@no_grad()
def in_a_loop(p, lr):
    for q in [p]:
        q -= lr * q.grad


def data_minus_equals(p, lr):
    p.data -= lr * p.grad


def data_plus_equals(p, lr):
    p.data += -lr * p.grad.data


def data_equals(p, lr):
    p.data = p.data - lr * p.grad


def data_equals_the_difference(p, lr):
    p.data = p - lr * p.grad


def by_methods(p, lr):
    with no_grad():
        p.sub_(lr * p.grad)


def by_methods_of_data(p, lr):
    p.data.add_(p.grad, alpha=-lr)


def through_a_variable(p, lr):
    numbers = p.data
    numbers -= lr * p.grad


def by_copying(p, lr):
    with no_grad():
        p.copy_(p - lr * p.grad)


def by_assigning(p, lr):
    p.assign(p.detach() - lr * p.grad)


def by_assigning_lists(p, lr):
    p.assign([v - lr * g for v, g in zip(p.tolist(), p.grad.tolist())])


STEPS = [
    minus_equals,
    plus_equals,
    in_a_loop,
    data_minus_equals,
    data_plus_equals,
    data_equals,
    data_equals_the_difference,
    by_methods,
    by_methods_of_data,
    through_a_variable,
    by_copying,
    by_assigning,
    by_assigning_lists,
]


def none(p):
    p.grad = None


def zero(p):
    p.grad.zero_()


def zero_of_data(p):
    p.grad.data.zero_()


def times_zero(p):
    p.grad.mul_(0.0)


def filled(p):
    p.grad.fill_(0)


@pytest.mark.parametrize("make", [nn.Parameter, lambda v: Tensor(v, True)])
@pytest.mark.parametrize("forget", [none, zero, zero_of_data, times_zero, filled])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_in_the_words_of_a_course(step, forget, make, any_backend):
    p = make([1.0, 2.0])
    losses = []
    for _ in range(3):
        loss = (p * p).sum()
        loss.backward()
        losses.append(loss.item())
        step(p, 0.1)
        forget(p)
    assert losses == pytest.approx([5.0, 3.2, 2.048], rel=1e-6)
    assert p.requires_grad
    assert p.is_leaf


IN_PLACE = {
    "+=": lambda x: x.__iadd__(1.0),
    "-=": lambda x: x.__isub__(1.0),
    "*=": lambda x: x.__imul__(1.0),
    "/=": lambda x: x.__itruediv__(1.0),
    "**=": lambda x: x.__ipow__(1.0),
    "@=": lambda x: x.__imatmul__(ones(2, 2)),
    "add_": lambda x: x.add_(1.0),
    "sub_": lambda x: x.sub_(1.0),
    "mul_": lambda x: x.mul_(1.0),
    "div_": lambda x: x.div_(1.0),
    "zero_": lambda x: x.zero_(),
    "fill_": lambda x: x.fill_(1.0),
    "copy_": lambda x: x.copy_(1.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_leaf_moves_where_nothing_is_recorded_or_by_a_sum(name, any_backend):
    w = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    if name in ("+=", "-=", "add_", "sub_"):
        before, square = w.tolist(), (w * w).sum()
        assert IN_PLACE[name](w) is w
        assert w.is_leaf
        assert w.requires_grad
        square.backward()  # of the numbers that it was computed from
        assert w.grad.tolist() == [[2.0 * v for v in row] for row in before]
        (w * w).sum().backward()
        step = 1.0 if name in ("+=", "add_") else -1.0
        both = [[4.0 * v + 2.0 * step for v in row] for row in before]
        assert w.grad.tolist() == both
    else:
        with pytest.raises(
            RuntimeError, match=r"a leaf that requires a gradient is changed"
        ):
            IN_PLACE[name](w)
        assert w.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with no_grad():
        assert IN_PLACE[name](w) is w
        assert IN_PLACE[name](w.data).tolist() == w.tolist()


@pytest.mark.parametrize("name", ["+=", "-=", "add_", "sub_"])
def test_a_leaf_takes_no_graph_into_itself(name, any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"y requires a gradient, .* y.detach\(\)"):
        {
            "+=": w.__iadd__,
            "-=": w.__isub__,
            "add_": w.add_,
            "sub_": w.sub_,
        }[name](w * 2.0)
    assert w.tolist() == [1.0, 2.0]


def test_any_other_tensor_is_bound_anew(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    total = zeros(2)
    first = total
    for _ in range(3):
        total += w * w
        total *= 2.0
    assert first.tolist() == [0.0, 0.0]
    total.sum().backward()
    assert w.grad.tolist() == [28.0, 56.0]  # 2w (2 + 4 + 8)


@pytest.mark.parametrize("name", ["zero_", "fill_", "add_", "copy_"])
def test_a_result_keeps_its_numbers(name, any_backend):
    w = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    h = w.tanh()
    before = h.tolist()
    for change in (
        lambda: IN_PLACE[name](h),
        lambda: IN_PLACE[name](h.data),
        lambda: h.assign(zeros(2, 2)),
        lambda: setattr(h, "data", zeros(2, 2)),
    ):
        with pytest.raises(RuntimeError, match="is the result of tanh"):
            change()
    assert h.tolist() == before
    copy = Tensor(h)
    assert IN_PLACE[name](copy) is copy
    assert h.tolist() == before


# --- what is taken --------------------------------------------------------------------


@pytest.mark.parametrize("way", ["assign", "data"])
@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (lambda: Tensor([1.0, 2.0, 3.0]), ValueError, r"shape \(3,\) given .*\(2,\)"),
        (lambda: [1.0, 2.0, 3.0], ValueError, r"shape \(3,\) given"),
        (lambda: 3.0, ValueError, r"shape \(\) given"),
        (lambda: [[1.0, 2.0]], ValueError, r"shape \(1, 2\) given"),
        (lambda: Tensor([1, 2]), TypeError, r"int64 given for a tensor of float"),
        (lambda: Tensor([True, False]), TypeError, "bool given for a tensor of float"),
        (lambda: [True, False], TypeError, "bool given for a tensor of float"),
        (lambda: ["a", "b"], TypeError, "not a number"),
        (lambda: None, TypeError, "not a number"),
        (lambda: [1.0, [2.0]], ValueError, ""),
    ],
)
def test_what_does_not_fit_is_refused(way, given, error, says, any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(error, match=f"^{way}: .*{says}"):
        w.assign(given()) if way == "assign" else setattr(w, "data", given())
    assert w.tolist() == [1.0, 2.0]


def test_whole_numbers_in_a_list_stand_for_floats(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.data = [3, 4]
    assert (w.tolist(), w.dtype[:5]) == ([3.0, 4.0], "float")
    n = Tensor([1, 2])
    n.data = [3, 4]
    assert (n.tolist(), n.dtype) == ([3, 4], "int64")
    with pytest.raises(TypeError, match="float64 given for a tensor of int64"):
        n.data = [3.0, 4.0]
    with pytest.raises(TypeError, match="given for a tensor of int64"):
        n.mul_(0.5)


@needs_numpy
def test_numbers_of_another_backend_and_dtype():
    import numpy as np

    theirs = np.array([3.0, 4.0])
    for backend in ("python", "numpy", "scalar"):
        with use_backend(backend):
            w = Tensor([1.0, 2.0], requires_grad=True)
        dtype = w.dtype
        w.data = theirs
        theirs += 1.0
        assert w.tolist() == [3.0, 4.0]  # a copy
        theirs -= 1.0
        with use_backend("numpy"):
            given = Tensor([5.0, 6.0])
        w.data = given
        assert w.tolist() == [5.0, 6.0]
        w.data = w.data * 2.0
        assert (w.tolist(), w.dtype) == ([10.0, 12.0], dtype)
        (w * w).sum().backward()
        assert w.grad.tolist() == [20.0, 24.0]


@needs_numpy
@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (0,)])
@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
@pytest.mark.parametrize("to", ["python", "numpy", "scalar"])
def test_what_is_empty_keeps_its_shape_on_the_way_to_another_backend(shape, dtype, to):
    import numpy as np

    for origin in ("python", "numpy", "scalar"):
        with use_backend(origin):
            t = zeros(*shape, dtype=dtype)
        with use_backend(to):
            other = zeros(*shape, dtype=dtype)
            other.assign(t)
            for x in (other, Tensor(t), pickle.loads(pickle.dumps(t))):
                assert x.shape == shape
                assert x.dtype.rstrip("0123456789") == dtype.rstrip("0123456789")
            assert Tensor(np.zeros(shape, dtype)).shape == shape


def test_a_view_has_the_numbers_as_they_are_now(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    numbers = w.data
    assert not numbers.requires_grad
    (numbers * w).sum().backward()
    assert w.grad.tolist() == [1.0, 2.0]  # numbers is a constant
    with no_grad():
        w += 2.0
    assert numbers.tolist() == [3.0, 4.0]
    copy = Tensor(numbers)
    numbers.zero_()
    assert (w.tolist(), copy.tolist()) == ([0.0, 0.0], [3.0, 4.0])


def test_a_view_from_before_keeps_its_numbers_when_data_is_replaced(any_backend):
    p, q = Tensor([1.0], requires_grad=True), Tensor([2.0], requires_grad=True)
    old, same = p.data, p.data
    p.data = p.data + 1.0
    assert (p.tolist(), old.tolist(), same.tolist()) == ([2.0], [1.0], [1.0])
    old.add_(4.0)  # two views of the numbers that were left
    assert (p.tolist(), old.tolist(), same.tolist()) == ([2.0], [5.0], [5.0])
    p.data = old
    assert p.tolist() == [5.0]
    p.data, q.data = q.data, p.data
    assert (p.tolist(), q.tolist()) == ([2.0], [5.0])
    kept = [t.data for t in (p, q)]
    for t in (p, q):
        t.data = t.data * 0.0
    for t, numbers in zip((p, q), kept):
        t.data = numbers
    assert (p.tolist(), q.tolist()) == ([2.0], [5.0])
    p.data += 1.0
    assert (p.tolist(), kept[0].tolist()) == ([3.0], [2.0])


def test_a_view_may_ask_for_a_gradient_or_says_why_not(any_backend):
    w = Tensor([2.0])
    view = w.data
    if any_backend == "scalar":
        with pytest.raises(RuntimeError, match="requires_grad: x.data shows the numb"):
            view.requires_grad_()
        return
    view.requires_grad_()
    (view * view).sum().backward()
    assert view.grad.tolist() == [4.0]
    assert w.grad is None


@pytest.mark.parametrize(
    ("taken", "want"),
    [
        (lambda w: w[0], [5.0, 5.0, 3.0, 4.0]),
        (lambda w: w[:, 1:], [1.0, 5.0, 3.0, 5.0]),
        (lambda w: w[:, 1], [1.0, 5.0, 3.0, 5.0]),
        (lambda w: w.data[1], [1.0, 2.0, 5.0, 5.0]),
        (lambda w: w.reshape(4)[1:3], [1.0, 5.0, 5.0, 4.0]),
        (lambda w: w.T[0], [5.0, 2.0, 5.0, 4.0]),
        (lambda w: w.unsqueeze(1)[1][0][:1], [1.0, 2.0, 5.0, 4.0]),
        (lambda w: w.detach(), [5.0, 5.0, 5.0, 5.0]),
        (lambda w: w[0:1].reshape(2), [5.0, 5.0, 3.0, 4.0]),
        (lambda w: w.T.reshape(4), [1.0, 2.0, 3.0, 4.0]),  # copies
        (lambda w: w[:, 1:].T.contiguous(), [1.0, 2.0, 3.0, 4.0]),
        (lambda w: w[[0, 1]], [1.0, 2.0, 3.0, 4.0]),
        (lambda w: w.clone(), [1.0, 2.0, 3.0, 4.0]),
        (lambda w: concat([w]), [1.0, 2.0, 3.0, 4.0]),
    ],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_was_taken_from_another_changes_with_it(
    taken, want, recorded, any_backend
):
    """As in PyTorch, whose tensors share numbers."""
    for change in (
        lambda x: x.fill_(5.0),
        lambda x: x.copy_(full((), 5.0)),
        lambda x: x.assign(full(x.shape, 5.0)),
        lambda x: nn.init.constant_(x, 5.0),
        lambda x: x.__setitem__(..., 5.0),
        lambda x: (x.zero_(), x.add_(5.0)),
    ):
        w = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        with no_grad():
            part = taken(w)
            if recorded:
                with record():
                    part = taken(w)
            change(part)
        assert part.reshape(-1).tolist() == [5.0] * part.numel()
        assert w.reshape(-1).tolist() == want
        assert w.is_leaf
        assert w.requires_grad
        alias = part
        if not recorded:
            with no_grad():
                part += 1.0
            assert part is alias
            assert w.reshape(-1).tolist() == [v + (v == 5.0) for v in want]


@pytest.mark.parametrize(
    "change",
    [
        lambda x, w: x.add_(w),
        lambda x, w: x.copy_(w),
        lambda x, w: x.mul_(w),
        lambda x, w: x.fill_(w[0]),
        lambda x, w: x.clamp_(min=w),
        lambda x, w: x.lerp_(w, 0.5),
        lambda x, w: x.lerp_(zeros(2), w),
        lambda x, w: x.masked_fill_(x == 0.0, w[1]),
        lambda x, w: x.scatter_(0, Tensor([0]), w[:1]),
        lambda x, w: x.index_add_(0, Tensor([1, 0]), w),
    ],
)
def test_no_gradient_ends_in_a_change_in_place(change, any_backend):
    x, w = zeros(2), Tensor([2.0, 3.0], requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"_: y requires a gradient, .* y.detach\(\)"
    ):
        change(x, w)
    assert x.tolist() == [0.0, 0.0]
    change(x, w.detach())
    with no_grad():
        change(zeros(2), w)


def test_a_constant_changes_under_all_its_names(any_backend):
    def count(x):
        x += 1
        x *= 2.0
        return x

    x = zeros(2)
    y = x
    assert count(x) is x
    assert y.tolist() == [2.0, 2.0]
    total = zeros(1)
    first, w = total, Tensor([3.0], requires_grad=True)
    total += w * 2.0  # a graph is kept
    total.sum().backward()
    assert (first.tolist(), total.tolist(), w.grad.tolist()) == ([0.0], [6.0], [2.0])
    with pytest.raises(ValueError, match=r"\+=: numbers of shape \(2, 2\) given"):
        x += ones(2, 2)
    whole = Tensor([1, 2])
    with pytest.raises(TypeError, match="/=: numbers of float.* given for .* int64"):
        whole /= 2


def test_all_that_a_slice_was_taken_from_changes(any_backend):
    x = zeros(3, 1, 4)
    rows = x.squeeze(1)
    row = rows[1]
    x[0][0][3] = 1.0  # what x[0] is, nobody knows any more
    with pytest.raises(RuntimeError, match="that one has other numbers since"):
        row[0] = 2.0
    rows = x.squeeze(1)
    row = rows[1]
    row[0] = 2.0
    row[1] += 3.0
    assert rows.tolist() == [[0, 0, 0, 1], [2, 3, 0, 0], [0, 0, 0, 0]]
    assert x.tolist() == [[r] for r in rows.tolist()]
    rows[2] = 4.0
    assert x[2].tolist() == [[4.0] * 4]
    with pytest.raises(RuntimeError, match="several of its elements are one"):
        zeros_of(x[0], 2, 4)[0, 0] = 1.0


def zeros_of(x, *shape):
    return x.expand(*shape)


def test_a_result_of_a_graph_does_not_change_with_what_was_taken_from_it(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    z = w * w
    with pytest.raises(RuntimeError, match="result of mul"):
        z.detach()[0] = 5.0
    assert z.tolist() == [1.0, 4.0]


def test_what_was_computed_changes_in_place(any_backend):
    """It has numbers of its own, in PyTorch too."""
    w = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    made = (
        lambda: w.tanh(),
        lambda: w.sum(),
        lambda: w @ w,
        lambda: concat([w, w]),
        lambda: w.astype("int64"),
        lambda: where(w > 1.0, w, 0.0),
    )
    for make in made:
        with no_grad():
            z = make()
        alias = z
        assert z.zero_() is alias
        with no_grad():
            z += 1
        assert z is alias
        assert set(flatten([alias.tolist()])) == {1}


def test_the_numbers_of_a_state_dict_are_the_models(any_backend):
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    state["weight"].copy_(zeros(2, 2))
    assert layer.weight.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert layer.weight.requires_grad
    with no_grad():
        layer.weight.fill_(1.0)
    assert state["weight"].tolist() == [[0.0, 0.0], [0.0, 0.0]]  # as they were
    with pytest.raises(RuntimeError, match="copy_: this tensor was taken from another"):
        state["weight"].copy_(ones(2, 2))


def test_what_no_graph_keeps_changes_in_place(any_backend):
    """The velocities of a momentum of one's own, and weights that are averaged."""
    w = Tensor([1.0], requires_grad=True)
    velocities = [zeros(1)]
    for _ in range(3):
        (w * w).sum().backward()
        with no_grad():
            for p, v in zip([w], velocities):
                v *= 0.9
                v += p.grad
                p -= 0.1 * v
        w.grad = None
    assert w.tolist() == pytest.approx([0.062])
    assert velocities[0].tolist() == pytest.approx([3.98])


@pytest.mark.parametrize("context", [no_grad, enable_grad])
def test_a_frozen_parameter_changes_in_place_everywhere(context, any_backend):
    model, mean = nn.Linear(1, 1), nn.Linear(1, 1).requires_grad_(False)
    nn.init.ones_(model.weight)
    nn.init.zeros_(mean.weight)
    with context():
        for p, q in zip(mean.parameters(), model.parameters()):
            p *= 0.9
            p += 0.1 * q.detach()
    assert mean.weight.tolist() == [[pytest.approx(0.1)]]
    assert not mean.weight.requires_grad
    mean.weight -= 0.1
    assert mean.weight.tolist() == [[pytest.approx(0.0)]]


@pytest.mark.parametrize(
    ("given", "want"),
    [
        (([1.0, 1.0], 2), [2.0, 2.0]),
        (([1.0], 2), [2.0, 2.0]),
        ((3.0, 0.5), [1.5, 1.5]),
        ((Tensor([1.0, 2.0]), -1), [-1.0, -2.0]),
    ],
)
def test_add_times_alpha(given, want, backend):
    other, alpha = given
    other = Tensor(other.tolist()) if isinstance(other, Tensor) else other
    assert zeros(2).add_(other, alpha=alpha).tolist() == want
    assert zeros(2).sub_(other, alpha=-alpha).tolist() == want
    with pytest.raises(ValueError, match="add_: "):
        zeros(4).add_([1.0, 5.0, 1.0], alpha=2)
    with pytest.raises(TypeError, match="add_: "):
        zeros(4).add_("no", alpha=2)


@needs_numpy
def test_numbers_of_numpy_and_tensors_of_one_number_fill(any_backend):
    import numpy as np

    for three in (np.float32(3.0), np.int64(3), np.float64(3.0), Tensor(3.0), True + 2):
        assert zeros(2).fill_(three).tolist() == [3.0, 3.0]
        assert zeros(2, dtype="int64").fill_(three).tolist() == [3, 3]
    whole = np.array([100], dtype=np.int8)
    assert zeros(2, dtype="int64").add_(whole, alpha=2).tolist() == [200, 200]


# --- what was recorded before ---------------------------------------------------------


def test_a_graph_keeps_the_numbers_it_was_recorded_with(any_backend):
    w, x = Tensor([1.0, 2.0], requires_grad=True), Tensor([5.0, 7.0])
    loss = (w * w * x).sum()
    w.data -= 1.0
    loss.backward()
    assert w.grad.tolist() == [10.0, 28.0]  # 2wx at the old w


def test_a_recorded_walk_over_a_leaf_that_moved_is_refused(backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    loss = (w**3).sum()
    with no_grad():
        w -= 0.5
    with pytest.raises(RuntimeError, match="create_graph: an input of pow got new"):
        grad(loss, w, create_graph=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda w, c: w * w * c,
        lambda w, c: w * w * c.data,
        lambda w, c: where(c > 1.0, w * w, w) * c,
        lambda w, c: functional.linear(w * w, w.reshape(1, 2)) * c,
    ],
)
def test_so_is_one_over_a_constant_that_changed(make, backend):
    w, c = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0])
    loss = make(w, c).sum()
    (want,) = grad(loss, w, retain_graph=True)
    before = explain(w[0], of=loss).gradient
    c.fill_(100.0)
    assert grad(loss, w, retain_graph=True)[0].tolist() == want.tolist()
    assert explain(w[0], of=loss).gradient == before == want[0].item()
    with pytest.raises(RuntimeError, match="create_graph: an input of .* got new"):
        grad(loss, w, create_graph=True)


def test_a_picture_shows_the_leaf_as_it_was(backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    with record():
        loss = (w * w).sum()
    w.data += 10.0
    leaf = unfold(loss).nodes[0]
    assert flatten(leaf.value) == [1.0, 2.0]
    assert flatten(leaf.gradient) == [2.0, 4.0]
    assert draw(loss).svg


# --- gradients ------------------------------------------------------------------------


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_are_tensors_of_their_own(create_graph, backend):
    a, b, c = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(3))
    seed = Tensor([1.0, 1.0])
    (a + b + c).backward(seed, create_graph=create_graph)
    a.grad.data.zero_()
    seed.zero_()
    assert b.grad.tolist() == c.grad.tolist() == [1.0, 1.0]
    assert a.grad.tolist() == [0.0, 0.0]


def test_a_result_keeps_its_gradient_if_it_is_told_to(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    h = w * 3.0
    h.retain_grad()
    h.retain_grad()
    assert h.grad is None
    for times in (1.0, 2.0):
        (h * h).sum().backward(retain_graph=True)
        assert h.grad.tolist() == [6.0 * times, 12.0 * times]
    h.grad = None
    assert h.grad is None
    (h * h).sum().backward()
    assert h.grad.tolist() == [6.0, 12.0]
    w.retain_grad()  # a leaf keeps one anyway
    assert w.grad is not None
    with pytest.warns(UserWarning, match="retain_grad: this tensor requires no"):
        randn(2).retain_grad()


def test_an_optimizer_moves_what_a_variable_holds(any_backend):
    w = nn.Parameter([1.0, 2.0])
    numbers = w.data
    (w * w).sum().backward()
    nn.optim.SGD([w], lr=0.5).step()
    assert numbers.tolist() == w.tolist() == [0.0, 0.0]
