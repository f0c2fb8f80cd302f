"""The lessons run bare, print what they teach in order, and teach what is true."""

from __future__ import annotations

import operator
import re
import subprocess
import sys
from functools import cache
from importlib import import_module

import pytest
from conftest import ROOT, call

from examples import (
    lesson_broadcast,
    lesson_four_levels,
    lesson_one_neuron,
    lesson_topological_order,
)
from examples.common import slope
from tinygrad_attn import Tensor, Value, grad, unfold, use_backend

LESSONS = sorted((ROOT / "examples").glob("lesson_*.py"))
LESSONS.append(ROOT / "examples" / "attention_as_lookup.py")
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def run(path, *arguments):
    """As from a bare clone: no site-packages, no environment, from anywhere."""
    return subprocess.run(
        [sys.executable, "-I", "-S", path, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd="/",
    )


# === Each of them =====================================================================


@every_lesson
def test_a_lesson_runs_with_nothing_installed_and_fits_a_terminal(path):
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)
    numbers = [int(n) for n in re.findall(r"^(\d+)\. \w.*\n-+$", done.stdout, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 2
    lesson = import_module(f"examples.{path.stem}")
    assert told(lesson) == done.stdout  # the same again, in another process


@every_lesson
def test_a_lesson_takes_no_arguments(path):
    done = run(path, "--fast")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "unrecognized arguments: --fast" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@every_lesson
def test_a_lesson_says_how_to_run_it_and_is_listed(path):
    command = f"python3 examples/{path.name}"
    assert f"\n    {command}\n" in path.read_text(encoding="utf-8")
    assert f"| `{command}` |" in (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.search(r"^LESSONS := ((?:.*\\\n)*.*)$", makefile, re.M)[1].split()
    assert path.stem in listed


def in_order(text, *parts):
    """The parts stand in the text, one after the other."""
    at = 0
    for part in parts:
        assert part in text[at:], f"{part!r} is not in what follows:\n{text[at:]}"
        at = text.index(part, at) + len(part)


@cache
def told(lesson):
    """What a lesson prints, as it is."""
    done = call(lesson.main)
    assert done.returncode == 0
    return done.stdout


def printed(lesson, capsys):
    """What it prints now, of other numbers or another backend."""
    assert lesson.main([]) == 0
    return capsys.readouterr().out


# === Topological order ================================================================

topological = lesson_topological_order
RIGHT = [topological.in_order, topological.hand_on_new]


def gradient(walk, root, leaf):
    """∂root/∂leaf as a walk has it, and how many deliveries it made."""
    grad = {root: 1.0}
    count = len(list(walk(root, grad)))
    return grad[leaf], count


def test_topological_order_prints_its_numbers_in_order():
    text = told(topological)
    in_order(text, "b has 1", "a has 1", "a has 2", "b has 2", "a has 4", "a has 6")
    in_order(
        text,
        "It says ∂c/∂a = 6.",
        "It says ∂c/∂a = 4.",
        "c moves 4.000000 times",
        "Yes, 4 is right.",
        "    12       4096           24      4096         8190",
        "first                   3      27              3      27",
        "second                  6      45              3      27",
    )


def test_the_depth_first_walk_is_wrong_and_the_others_are_right():
    a = Value(3.0)
    c = topological.doublings(a, 2)
    assert gradient(topological.hand_on_all, c, a) == (6.0, 6)
    assert gradient(topological.hand_on_new, c, a) == (4.0, 6)
    assert gradient(topological.in_order, c, a) == (4.0, 4)


def diamond(a):
    b = a * a
    return b * b + b.tanh()


def long_way(a):
    b = a.exp()
    return (b + b * b) * b


@pytest.mark.parametrize("f", [diamond, long_way])
def test_the_walks_on_other_graphs_against_finite_differences(f):
    a = Value(0.7)
    z = f(a)
    want = pytest.approx(slope(lambda x: f(Value(x)).data, 0.7), rel=1e-9)
    for walk in RIGHT:
        assert gradient(walk, z, a)[0] == want
    assert gradient(topological.hand_on_all, z, a)[0] != want
    z.backward()
    assert a.grad == want


def test_the_depth_first_walk_is_right_on_a_chain():
    a = Value(0.7)
    z = a.exp().tanh() * 3.0
    z.backward()
    for walk in [*RIGHT, topological.hand_on_all]:
        assert gradient(walk, z, a)[0] == pytest.approx(a.grad)


def test_what_is_new_follows_every_path():
    for n in (1, 5, 10):
        a = Value(1.0)
        z = topological.doublings(a, n)
        assert gradient(topological.in_order, z, a) == (2.0**n, 2 * n)
        assert gradient(topological.hand_on_new, z, a) == (2.0**n, 2 ** (n + 1) - 2)


# === One neuron =======================================================================

neuron = lesson_one_neuron


def test_one_neuron_prints_its_numbers_in_order():
    text = told(neuron)
    v = neuron.neuron(neuron.START)
    v["loss"].backward()
    after = neuron.neuron(neuron.step(neuron.START, v))
    in_order(
        text,
        *(f"= {v[name].data:7.4f}" for name in ("p1", "p2", "p", "s", "z", "e")),
        *(f" {v[name].grad:7.4f}\n" for name in ("e", "z", "y", "s", "w2", "w1")),
        *(f"{v[name].grad:18.10f}" for name in v),
        f"The loss was {v['loss'].data:.4f} and is {after['loss'].data:.4f}.",
    )
    assert after["loss"].data < v["loss"].data
    table = text[text.index("    step ") :].splitlines()[1:10]
    losses = [float(row.split()[-1]) for row in table]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(v["loss"].data, abs=1e-4)


def test_the_walk_that_is_printed_is_the_engines(capsys):
    """The last "it has" of each number is the gradient that Value.backward finds, and
    each share is the product beside it."""
    v = neuron.neuron(neuron.START | {"x1": -1.7, "b": 0.4})
    neuron.backward(v["loss"])
    v["loss"].backward()
    has = {}
    for line in capsys.readouterr().out.splitlines()[1:]:
        _, name, upstream, _, local, _, share, total = line.split()
        assert float(upstream) * float(local) == pytest.approx(float(share), abs=5e-4)
        has[name] = float(total)
    assert set(has) == set(v) - {"loss"}
    for name, total in has.items():
        assert total == pytest.approx(v[name].grad, abs=1e-4)


@pytest.mark.parametrize("b", [-1.0, 0.0, 2.0])
def test_every_gradient_of_the_neuron_is_measured(b):
    numbers = neuron.START | {"b": b}
    v = neuron.neuron(numbers)
    v["loss"].backward()
    for name in v:
        measured = neuron.measured(numbers, name)
        assert v[name].grad == pytest.approx(measured, rel=1e-8, abs=1e-9)


# === Broadcast ========================================================================

broadcast = lesson_broadcast


def test_broadcast_prints_its_numbers_in_order():
    in_order(
        told(broadcast),
        "each number of b is used twice",
        *("= 1 + 10 = 11", "= 2 + 20 = 22", "= 3 + 30 = 33"),
        "b0       2                11   11.000000        11",
        "b2       2                33   33.000000        33",
        *("(2, 1)", "         6    ", "        60    "),
        *("()", "        10    20    30          40   100   180", "       334    "),
        "(3,)\n         1     2     3           1     2     3",
        "b - 0.1 · b.grad    has the shape (3,)",
        "b - 0.1 · shares    has the shape (2, 3)",
    )


@pytest.mark.parametrize("f", [operator.add, operator.sub, operator.mul])
@pytest.mark.parametrize(
    "numbers", [[0.1, 0.2, 0.3], [[1.0, 2.0, 3.0]], [[0.1], [0.2]], [0.4], 0.5]
)
def test_the_steps_of_a_broadcast_are_the_engines(f, numbers):
    with use_backend("python"):
        t = broadcast.trace(f, numbers)
        measured = broadcast.measured(f, t.b)
    assert t.share.shape == t.z.shape == (2, 3)
    assert t.summed.shape == t.grad.shape == measured.shape == t.b.shape
    assert t.summed.tolist() == t.grad.tolist()
    total = t.share.sum().item()
    assert t.grad.sum().item() == pytest.approx(total)
    flat = t.grad.reshape(-1).tolist()
    assert measured.reshape(-1).tolist() == pytest.approx(flat, rel=1e-9)


def test_single_numbers_prove_the_sum():
    with use_backend("python"):
        grads = broadcast.trace(operator.add, broadcast.BIAS).grad.tolist()
    found = broadcast.single_numbers()
    assert [value.grad for value, _ in found] == grads
    assert [uses for _, uses in found] == [2, 2, 2]


def test_the_lesson_follows_what_it_computes(monkeypatch, capsys):
    """With other numbers it prints other ones: nothing is a picture of a result."""
    monkeypatch.setattr(broadcast, "K", [[1.0, 2.0, 3.0], [100.0, 200.0, 300.0]])
    text = printed(broadcast, capsys)
    in_order(text, "= 1 + 100 = 101", "101  101.000000       101")
    assert "11.000000 " not in text.replace("101.000000", "")
    monkeypatch.setitem(neuron.START, "x1", 1.3)
    assert "w1 · x1  = 0.6000 · 1.3000   =  0.7800" in printed(neuron, capsys)


def test_the_backend_that_the_user_chose_stays(capsys):
    with use_backend("scalar"):
        assert broadcast.main([]) == 0
        assert isinstance(Tensor([1.0], requires_grad=True).array.data[0], Value)


# === One head at four levels ==========================================================

levels = lesson_four_levels


def test_four_levels_prints_its_numbers_in_order():
    text = told(levels)
    in_order(
        text,
        "head = AttentionHead(x, mask)",
        "Q = matmul(x, head.W_Q)",
        "energies = div(products, 2)",
        "weights = softmax(masked)",
        "e = exp(sub)",
        "+ x[0,7] · head.W_Q[7,0]",
        "= Q[0,0]",
        "through Q (4, 4), as y in matmul",
        "finite difference",
    )


def test_four_levels_counts_what_is_there():
    text = told(levels)
    _, _, loss = levels.computed()
    sizes = []
    for level in "module", "op", "primitive", "scalar":
        graph = unfold(loss, level)
        sizes.append(len(graph))
        row = rf"^    {level} +{len(graph)} +{len(graph.edges)} "
        assert re.search(row, text, re.M), text
    assert sizes == sorted(sizes)
    assert sizes[3] > 20 * sizes[2]


def test_four_levels_follows_the_number_that_was_recorded():
    text = told(levels)
    model, weights, loss = levels.computed()
    at = levels.ROW, levels.COLUMN
    (g,) = grad(loss, weights, retain_graph=True)
    row = f"{weights[at].item():.12f}  {g[at].item():+.12f}"
    assert text.count(row) == 3
    (g,) = grad(loss, model.head.W_Q)
    assert f"∂loss/∂head.W_Q[0, 1] = {g[0, 1].item():+.6f}"[:-1] in text
