"""compile: another program for what the first was not written for, and never a wrong
one."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
from conftest import needs_cc, needs_numpy

import nn
from tinygrad_attn import (
    Tensor,
    compile,
    manual_seed,
    no_grad,
    randint,
    randn,
    use_backend,
    write,
)
from tinygrad_attn.functional import cross_entropy, mse_loss, relu
from tinygrad_attn.program import compiling, machines, proving
from tinygrad_attn.program import write as writing
from tinygrad_attn.program.compiled import MOST
from tinygrad_attn.program.writers import c_words

pytestmark = needs_numpy


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        manual_seed(0)
        yield


class Model(nn.Module):
    def __init__(self):
        self.first = nn.Linear(3, 4)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.drop(self.first(x).tanh()))


def eager(model, optimizer, x, y):
    loss = mse_loss(model(x), y)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def twins(make=nn.optim.Adam, target="numpy"):
    """A compiled step, and what steps a model like it eagerly."""
    model = Model()
    model.drop.p = 0.0
    other = copy.deepcopy(model)
    mine, theirs = (make(m.parameters(), lr=0.1) for m in (model, other))

    @compile(update=mine, target=target)
    def step(x, y):
        return mse_loss(model(x), y)

    return step, model, mine, other, theirs


def test_another_shape_another_program():
    step, _, _, other, theirs = twins()
    for n in (2, 3, 2, 3, 2):
        x, y = randn(n, 3), randn(n, 2)
        assert step(x, y).item() == eager(other, theirs, x, y)
    assert step.count == 2


def test_another_mode_another_program():
    model = Model()

    @compile(target="numpy")
    def run(x):
        return model(x)

    x = randn(2, 3)
    with no_grad():
        manual_seed(1)
        want = model(x).tolist()
    manual_seed(1)
    assert run(x).tolist() == want
    model.eval()
    assert run(x).tolist() == model(x).tolist()
    model.train()
    assert run.count == 2


def test_a_frozen_parameter_stays_where_it_is():
    step, model, _, other, theirs = twins()
    x, y = randn(2, 3), randn(2, 2)
    step(x, y)
    eager(other, theirs, x, y)
    for m in (model, other):
        m.first.weight.requires_grad_(False)
    before = model.first.weight.tolist()
    assert step(x, y).item() == eager(other, theirs, x, y)
    assert model.first.weight.tolist() == before
    assert step.count == 2


def test_an_exchanged_layer_is_the_one_that_runs():
    step, model, mine, _, _ = twins()
    x, y = randn(2, 3), randn(2, 2)
    step(x, y)
    model.last = nn.Linear(4, 2)
    mine.add_param_group({"params": list(model.last.parameters())})
    want = mse_loss(model(x), y).item()
    assert step(x, y).item() == want


def test_a_rate_is_read_at_each_run():
    step, _, mine, other, theirs = twins()
    for rate in (0.1, 0.01, 0.5):
        mine.lr = theirs.lr = rate
        x, y = randn(2, 3), randn(2, 2)
        assert step(x, y).item() == eager(other, theirs, x, y)
    assert step.count == 1


def test_a_decay_that_comes_and_goes():
    step, _, mine, other, theirs = twins()
    for decay in (0.0, 0.1, 0.2, 0.0):
        mine.weight_decay = theirs.weight_decay = decay
        x, y = randn(2, 3), randn(2, 2)
        assert step(x, y).item() == eager(other, theirs, x, y)
    assert step.count == 2


def test_momentum_begins_with_the_first_gradient():
    step, _, _, other, theirs = twins(
        lambda p, lr: nn.optim.SGD(p, lr, momentum=0.9, dampening=0.3)
    )
    for _ in range(4):
        x, y = randn(2, 3), randn(2, 2)
        assert step(x, y).item() == eager(other, theirs, x, y)
    assert step.count == 2  # without a velocity, and with one


def test_other_values_are_part_of_the_key():
    @compile(target="numpy")
    def scaled(x, factor, *, add=0.0):
        return x * factor + add

    x = Tensor([1.0, 2.0])
    assert scaled(x, 2.0).tolist() == [2.0, 4.0]
    assert scaled(x, 3.0, add=1.0).tolist() == [4.0, 7.0]
    assert scaled(x, True).tolist() == [1.0, 2.0]
    assert scaled(x, 1).tolist() == [1.0, 2.0]
    assert scaled.count == 4
    with pytest.raises(TypeError, match=r"^compile: argument 1 is a list; it must be"):
        scaled(x, [2.0])


@pytest.mark.filterwarnings("ignore:compile. doubled was called with more than 16")
def test_programs_are_not_kept_for_ever():
    @compile(target="numpy")
    def doubled(x):
        return x * 2.0

    for n in range(1, MOST + 5):
        assert doubled(randn(n)).shape == (n,)
    assert doubled.count == MOST


def test_a_method_can_be_compiled():
    class Doubler:
        @compile(target="numpy")
        def run(self, x):
            return x * 2.0

    assert Doubler().run(Tensor([1.0])).tolist() == [2.0]


def test_one_compiled_function_inside_another():
    @compile(target="numpy")
    def square(x):
        return x * x

    @compile(target="numpy")
    def outer(x):
        return square(x) + 1.0

    assert outer(Tensor([2.0])).tolist() == [5.0]
    assert square.count == 0


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="^compile: 3 given; it stands above a func"):
        compile(3)
    with pytest.raises(TypeError, match="^write: update='Adam' given; it must be an"):
        compile(lambda x: x, update="Adam")


# --- a step that was written ----------------------------------------------------------


def test_a_written_step_says_what_has_changed():
    model = Model()
    x, y = randn(2, 3), randn(2, 2)
    step = write(lambda x, y: mse_loss(model(x), y), {"x": x, "y": y}, target="numpy")
    step(x, y)
    model.eval()
    with pytest.raises(
        RuntimeError, match=r"^step: \w+ is in eval mode, and was in tr"
    ):
        step(x, y)
    model.train()
    step(x, y)
    model.first.weight.requires_grad_(False)
    with pytest.raises(RuntimeError, match="requires no gradient any more"):
        step(x, y)
    model.first.weight.requires_grad_(True)
    model.last = nn.Linear(4, 2)
    with pytest.raises(RuntimeError, match="last was replaced by another"):
        step(x, y)


def test_a_tensor_set_inside_is_refused():
    model = Model()
    model.register_buffer("mean", Tensor([0.0]))

    def forward(x):
        model.mean = x.mean(axis=0, keepdims=True).reshape(-1)[:1]
        return model(x)

    with pytest.raises(RuntimeError, match="^Model.mean is set to a Tensor while a"):
        write(forward, {"x": randn(2, 3)}, target="numpy")
    assert model.mean.tolist() == [0.0]


def test_a_method_has_the_names_of_its_model():
    class Own(nn.Module):
        def __init__(self):
            self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

        def loss(self, x, y):
            return mse_loss(self.last(self.first(x).relu()), y)

    model, (x, y) = Own(), (randn(2, 3), randn(2, 2))
    step = write(model.loss, {"x": x, "y": y}, target="numpy")
    names = [buffer.name for buffer in step.program.leaves.values()]
    assert names == ["first_weight", "first_bias", "last_weight", "last_bias"]
    found = compile(model.loss, target="numpy")
    found(x, y)
    ((inner,),) = found.steps.values()
    assert inner.source == step.source


# --- the compiler ---------------------------------------------------------------------


def classifier(target):
    model = nn.Linear(4, 3)

    def loss(x, y):
        return cross_entropy(model(x), y)

    x, y = randn(5, 4), randint(0, 3, (5,))
    return write(loss, {"x": x, "y": y}, target=target), (x, y)


def test_without_a_compiler_numpy_runs(monkeypatch):
    monkeypatch.setattr(compiling, "compiler", lambda: None)
    with pytest.warns(
        UserWarning, match="^write: no C compiler was found .* in numpy$"
    ):
        step, given = classifier("c")
    assert step.target == "numpy"
    assert step(*given)[0].shape == ()


@needs_cc
def test_a_compiler_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(c_words, "HEAD", "this is no C;\n")
    monkeypatch.setattr("tinygrad_attn.program.writers.c_text.HEAD", "this is no C;\n")
    for asked in (lambda step, given: step(*given), lambda step, _: step.source):
        step, given = classifier("c")
        with pytest.warns(UserWarning, match="does not compile the program: .*error"):
            asked(step, given)
        assert step.target == "numpy"


@needs_cc
def test_a_program_that_computes_something_else_is_refused(monkeypatch):
    monkeypatch.setitem(c_words.FUNCTIONS, "sub", "{0} - 0.999 * {1}")
    step, given = classifier("c")
    with pytest.warns(UserWarning, match=r"^step: the compiled program is wrong \("):
        found = step(*given)
    assert step.target == "numpy"
    monkeypatch.undo()
    right, _ = classifier("numpy")[0], given
    assert found[0].shape == right(*given)[0].shape


def squared(x):
    return x * x


@pytest.mark.parametrize(
    ("between", "most", "all_alike", "refused"),
    [
        (relu, 0.002, True, False),  # as if one input of the relu were about 0
        (relu, 0.05, True, True),  # too many, too far apart
        (relu, 0.3, False, True),
        (squared, 0.002, True, True),  # nothing is chosen here
    ],
)
def test_what_rounding_may_do_is_accepted(between, most, all_alike, refused):
    with use_backend("numpy", "float32"):
        first, last, x = nn.Linear(8, 16), nn.Linear(16, 4), randn(5, 8)

    def loss(x):
        return (last(between(first(x))) ** 2).mean()

    program = write(loss, {"x": x}, target="numpy").program
    mine, other = machines.NumPyMachine(program), machines.NumPyMachine(program)
    for machine in (mine, other):
        for leaf, buffer in program.leaves.items():
            machine.take(buffer, leaf.array)
        machine.run([x.array], [])
    views = dict(proving.compared(program))
    wanted = {what: other.array(view) for what, view in views.items()}
    assert proving.first_difference(program, mine, [*wanted.values()]) == ""
    gradient = wanted["∂loss/∂Linear_1_weight"]
    gradient[... if all_alike else (3, 5)] += most * abs(gradient).max()
    found = proving.first_difference(program, mine, [*wanted.values()])
    assert found.startswith("∂loss/∂Linear_1_weight at [") == refused
    assert bool(found) == refused


def test_an_unknown_target_is_refused():
    with pytest.raises(ValueError, match="^write: target='rust' given; it must be one"):
        classifier("rust")
    assert {"numpy", "c", "python", "javascript"} == {*writing.MACHINES}


# --- memory ---------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["numpy", pytest.param("c", marks=needs_cc)])
def test_what_somebody_keeps_stays(target):
    step, model, mine, _, _ = twins(target=target)
    x, y = randn(2, 3), randn(2, 2)
    step(x, y)
    kept = model.state_dict()
    constant = model.first.weight.detach()
    piece = model.last.weight[0]
    loss = mse_loss(model(x), y)  # recorded
    state = mine.state_dict()["state"][0]["exp_avg"]
    seen = [t.tolist() for t in (*kept.values(), constant, piece, state)]
    memory = step.steps[next(iter(step.steps))][0].machine
    step(x, y)
    step(x, y)
    assert [t.tolist() for t in (*kept.values(), constant, piece, state)] == seen
    loss.backward()
    slopes = model.first.weight.grad
    other = Model()
    other.load_state_dict(kept)
    other.drop.p = 0.0
    mse_loss(other(x), y).backward()
    assert slopes.tolist() == other.first.weight.grad.tolist()
    assert isinstance(memory, machines.NumPyMachine)


KEEPERS = {
    "its tensor": lambda w, state: w.detach(),
    "a row of it": lambda w, state: w.detach()[1],
    "a part of a row": lambda w, state: w.detach()[1][1:],
    "it in another shape": lambda w, state: w.reshape(-1),
    "its array": lambda w, state: w.array,
    "a row of its array": lambda w, state: w.array[1],
    "as NumPy's": lambda w, state: w.detach().numpy(),
    "its state": lambda w, state: state["exp_avg"],
    "a row of its state": lambda w, state: state["exp_avg"][1],
}


@pytest.mark.parametrize("keep", KEEPERS.values(), ids=KEEPERS)
@pytest.mark.parametrize("target", ["numpy", pytest.param("c", marks=needs_cc)])
def test_each_alone_stays(target, keep):
    step, model, mine, _, _ = twins(target=target)
    x, y = randn(2, 3), randn(2, 2)
    step(x, y)
    kept = keep(model.first.weight, mine.state[model.first.weight])
    seen = kept.tolist()
    step(x, y)
    step(x, y)
    assert kept.tolist() == seen


@pytest.mark.parametrize(
    "target", ["numpy", pytest.param("c", marks=needs_cc), "python"]
)
@pytest.mark.parametrize("whole", [False, True])
def test_a_state_that_somebody_put_there_counts(target, whole):
    step, model, mine, other, theirs = twins(target=target)
    x, y = randn(2, 3), randn(2, 2)
    for _ in range(2):
        step(x, y)
        eager(other, theirs, x, y)
    for m, optimizer in ((model, mine), (other, theirs)):
        state = optimizer.state[m.last.bias]
        zeros = state["exp_avg"] * 0.0
        if whole:
            optimizer.state[m.last.bias] = {**state, "exp_avg": zeros}
        else:
            state["exp_avg"] = zeros
    for _ in range(2):
        want = eager(other, theirs, x, y)
        assert step(x, y).item() == pytest.approx(want, rel=1e-6)
    assert model.last.bias.tolist() == pytest.approx(other.last.bias.tolist(), rel=1e-5)


@pytest.mark.parametrize("target", ["numpy", pytest.param("c", marks=needs_cc)])
def test_memory_that_nobody_keeps_does_not_move(target):
    step, _, _, _, _ = twins(target=target)
    x, y = randn(2, 3), randn(2, 2)
    step(x, y)
    (programs,) = step.steps.values()
    machine = programs[0].machine
    moves = []
    machine.move = lambda: moves.append(1)
    for _ in range(5):
        step(x, y)
    assert moves == []


# --- files ----------------------------------------------------------------------------


@needs_cc
@pytest.mark.parametrize("many", [False, True])
def test_a_saved_file_goes_on_by_itself(many, tmp_path, monkeypatch):
    if many:  # numbers in a file beside it
        monkeypatch.setattr("tinygrad_attn.program.saving.MOST", 1)
    model = nn.Linear(4, 3)
    adam = nn.optim.Adam(model.parameters(), lr=0.1)
    x, y = randn(5, 4), randint(0, 3, (5,))
    step = write(
        lambda x, y: cross_entropy(model(x), y),
        {"x": x, "y": y},
        update=adam,
        target="numpy",
    )
    step(x, y)
    for suffix in ("py", "c"):
        step.save(tmp_path / f"step_{suffix}.{suffix}")
    want = [step(x, y).item() for _ in range(3)]
    assert run_python(tmp_path, x, y) == want
    assert run_c(tmp_path, x, y, many) == pytest.approx(want, rel=1e-12)


def run_python(folder, x, y):
    """The losses of three steps of the saved file, where the package is not."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np, step_py\n"
        f"x, y = np.array({x.tolist()}), np.array({y.tolist()})\n"
        "print([float(step_py.step(x, y, 0.1, t)[0]) for t in (2, 3, 4)])\n"
        "assert 'tinygrad_attn' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [float(v) for v in done.stdout.strip("[]\n").split(", ")]


def run_c(folder, x, y, many):
    """The same of the saved C."""
    flat = [v for row in x.tolist() for v in row]
    load = '"step_c.c.numbers"' if many else ""
    main = (
        '#include "step_c.c"\nint main(void) {\n'
        f"  double x[] = {{{', '.join(map(repr, flat))}}}, loss;\n"
        f"  long long y[] = {{{', '.join(map(str, y.tolist()))}}};\n"
        f"  if (load({load})) return 1;\n"
        "  for (int t = 2; t < 5; t++) {\n"
        "    if (run(x, y, 0.1, t, &loss)) return 2;\n"
        '    printf("%.17g\\n", loss);\n  }\n  return 0;\n}\n'
    )
    (folder / "main.c").write_text(main)
    cc = compiling.some_compiler()
    command = [*cc, "-O2", "-Wall", "-Wno-unknown-pragmas", "-Werror", "main.c", "-lm"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    done = subprocess.run(["./a.out"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0
    return [float(v) for v in done.stdout.split()]


def test_a_file_of_another_kind_is_refused(tmp_path):
    step, _ = classifier("numpy")
    with pytest.raises(
        ValueError, match=r"^save: '.*\.rs' given; its name must end in"
    ):
        step.save(tmp_path / "step.rs")
