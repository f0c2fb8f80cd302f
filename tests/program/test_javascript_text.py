"""A program in JavaScript: what it takes and refuses, and how it reads."""

from __future__ import annotations

import json
import math
import re
import subprocess

import pytest
from conftest import flatten, needs_numpy
from in_node import (
    JS,
    NODE,
    AsItIs,
    Job,
    assert_near,
    job,
    needs_node,
    numbers_of,
    outputs,
    run,
    run_all,
)

import nn
from tinygrad_attn import (
    Tensor,
    functional,
)
from tinygrad_attn.program.write import write
from tinygrad_attn.program.writers.javascript_text import JavaScriptText

pytestmark = [needs_node, needs_numpy, pytest.mark.usefixtures("on_numpy")]
inf, nan = math.inf, math.nan


# --- what is given, and what is refused -----------------------------------------------


def test_the_state_may_be_loaded():
    model = nn.Linear(2, 3)
    inputs = {"x": [[1.0, 2.0], [3.0, -1.0]], "labels": [0, 2]}

    def loss(x, labels):
        return functional.cross_entropy(model(x), labels)

    update = nn.optim.Adam(model.parameters(), lr=0.1)
    step = write(loss, inputs, update=update, target=JS)

    def eager(steps):
        losses = []
        for _ in range(steps):
            found = loss(*map(Tensor, inputs.values()))
            update.zero_grad()
            found.backward()
            update.step()
            losses.append(found.item())
        return losses

    eager(3)
    (part,) = step.program.parts
    state = {
        slot: [
            v for p in part.parameters for v in flatten(update.state[p][slot].tolist())
        ]
        for slot in ("exp_avg", "exp_avg_sq")
    }
    load = numbers_of(step) | state
    steps = [{**inputs, "t": t} for t in (4, 5, 6)]
    found = run(step.source, load, steps)
    assert_near("losses", [s["loss"] for s in found.steps], eager(3))


def test_a_check_says_what_eager_says():
    table = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)

    def embedded(at):
        return functional.embedding(at, table).sum()

    def surprise(labels):
        return functional.cross_entropy(table, labels)

    cases = [
        (embedded, "at", [0, 2], [1, 3]),
        (embedded, "at", [0, 2], [-1, 0]),
        (surprise, "labels", [0, 1, -100], [0, 1, 2]),
        (surprise, "labels", [-100, 1, 1], [-7, 1, 2]),
    ]
    jobs = [
        job(f, {name: good}, {name: good}, {name: bad}) for f, name, good, bad in cases
    ]
    for found, (function, _, _, bad) in zip(run_all(jobs), cases, strict=True):
        with pytest.raises(IndexError) as eager:
            function(Tensor(bad))
        assert "error" not in found.steps[0]
        assert found.steps[1] == {"error": "RangeError", "says": str(eager.value)}


def test_gradients_without_an_end_are_refused_as_in_numpy():
    w = Tensor([1.0, 2.0], requires_grad=True)
    update = nn.optim.SGD([w], lr=0.1)
    good, bad = [1.0, 2.0], ([inf, 1.0], [nan, 1.0], [-inf, 0.0])

    def loss(x):
        return (w * x).sum()

    step = write(loss, {"x": good}, update=update, clip=1.0, target=JS)
    found = run(step.source, numbers_of(step), [{"x": x} for x in bad])
    for x, error in zip(bad, found.steps, strict=True):
        with pytest.raises(RuntimeError, match="clip_grad_norm: the norm is") as numpy:
            write(loss, {"x": good}, update=update, clip=1.0, target="numpy")(x)
        assert error == {"error": "Error", "says": str(numpy.value)}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "step: no x given; it takes x, k, lr"),
        ({"x": [1, 2], "k": [1], "y": 1}, "step: y given; it takes x, k, lr"),
        ({"x": [1], "k": [1]}, "step: x must be numbers of shape (2), flat or in rows"),
        ({"x": [[1, 2]], "k": [1]}, "step: x must be numbers of shape (2), flat or"),
        ({"x": ["a", 2], "k": [1]}, "step: x has a; it must be numbers"),
        ({"x": [1, 2], "k": [1.5]}, "step: k has 1.5; it must be whole numbers of at"),
        ({"x": [1, 2], "k": [1], "lr": "0.1"}, "step: lr is 0.1; it must be a number"),
        ({"x": [1, 2], "k": [1], "lr": None}, "step: lr is null; it must be a number"),
    ],
)
def test_what_is_given_wrongly_is_refused(given, says):
    w = Tensor([1.0, 2.0], requires_grad=True)
    update = nn.optim.SGD([w], lr=0.1)
    inputs = {"x": [1.0, 2.0], "k": [3]}
    step = write(lambda x, k: (w * x * k).sum(), inputs, update=update, target=JS)
    raw = {name: AsItIs(v) for name, v in given.items()}
    found = run(step.source, numbers_of(step), [inputs, raw])
    assert "error" not in found.steps[0]
    assert found.steps[1]["says"].startswith(says)


def test_numbers_are_loaded_by_name_and_none_is_forgotten():
    w, b = (Tensor([1.0, 2.0], requires_grad=True) for _ in "wb")
    step = write(lambda x: (w * x + b).sum(), {"x": [1.0, 2.0]}, target=JS)
    first, second = numbers_of(step)
    jobs = [
        Job(step.source, {first: [1.0, 2.0]}, [{"x": [1.0, 2.0]}]),
        Job(step.source, {"v": [1.0, 2.0]}),
        Job(step.source, {first: [1.0, 2.0, 3.0]}),
        Job(step.source, {first: AsItIs([[1.0], [2.0]])}),
    ]
    forgotten, unknown, *long = run_all(jobs)
    says = f"step: no numbers of {second} yet; load({{ name: numbers }}) does it"
    assert forgotten.steps == [{"error": "Error", "says": says}]
    assert unknown.loaded["says"] == f"load: v given; there are {first}, {second}"
    for found in long:
        says = f"load: {first} must be numbers of shape (2), flat or in rows"
        assert found.loaded == {"error": "RangeError", "says": says}


def test_rows_may_be_lists_or_typed_arrays():
    step = write(lambda x: x * 2, {"x": [[1.0, 2.0], [3.0, 4.0]]}, target=JS)
    script = """
    const rows = [[1, 2], [3, 4]];
    const given = [rows, rows.map((r) => Float32Array.from(r)), rows.flat(),
      Float64Array.from(rows.flat())];
    const program = createProgram();
    const found = given.map((x) => Object.values(program.step({ x }).outputs)[0]);
    process.stdout.write(JSON.stringify(found));
    """
    done = subprocess.run(
        [NODE, "-e", step.source + script], capture_output=True, text=True
    )
    assert json.loads(done.stdout) == [[2, 4, 6, 8]] * 4


def test_what_a_rule_decided_by_a_number_stays_decided():
    w = Tensor([1.0, 2.0], requires_grad=True)
    update = nn.optim.SGD([w], lr=0.1, weight_decay=0.5)
    step = write(lambda x: (w * x).sum(), {"x": [1.0, 2.0]}, update=update, target=JS)
    steps = [{"x": [1.0, 2.0]}, {"x": [1.0, 2.0], "weight_decay": 0}]
    found = run(step.source, numbers_of(step), steps)
    assert "error" not in found.steps[0]
    assert "weight_decay must be a number other than 0" in found.steps[1]["says"]


def test_a_state_that_begins_otherwise_than_at_0_is_refused():
    w = Tensor([1.0, 2.0], requires_grad=True)
    update = nn.optim.SGD([w], lr=0.1, momentum=0.9, dampening=0.5)
    inputs = {"x": [1.0, 2.0]}
    with pytest.raises(ValueError, match=r"SGD has no momentum_buffer so far, and"):
        write(lambda x: (w * x).sum(), inputs, update=update, target=JS)


def test_it_does_not_run_here():
    for w in (Tensor([2.0]), Tensor([2.0], requires_grad=True), 2.0):
        step = write(lambda x, w=w: x * w, {"x": [1.0]}, target=JS)
        with pytest.raises(RuntimeError, match=r"JavaScript, which runs in a browser"):
            step([1.0])


# --- the text -------------------------------------------------------------------------


def test_every_buffer_and_view_has_a_name_in_the_program():
    model = nn.Linear(3, 2)

    def loss(x):
        y = model(x)
        turned = y.mT
        return (turned * turned).sum()

    step = write(loss, {"x": [[1.0, 2.0, 3.0]] * 4}, target=JS)
    names = {
        f"{group}.{v.buffer.name}"
        for s in step.program.all_steps
        for v in (s.out, *s.reads())
        for group in ("locals", "inputs", "parameters", "fixed")
        if f'memory("{group}", "{v.buffer.name}"' in step.source
    }
    assert len(names) == len(
        {
            b
            for s in step.program.all_steps
            for b in (s.out.buffer, *(v.buffer for v in s.reads()))
        }
    )
    show = [*sorted(names), "views.turned"]
    found = run(step.source, numbers_of(step), [{"x": [[1.0, 2.0, 3.0]] * 4}], show)
    shown = dict(zip(show, found.shown))
    y = model(Tensor([[1.0, 2.0, 3.0]] * 4))
    assert_near("turned", shown["views.turned"]["array"], y.mT.tolist())
    assert shown["views.turned"]["shape"] == [2.0, 4.0]
    for tensor in found.shown:
        assert len(tensor["array"]) == math.prod(map(int, tensor["shape"]))


def test_names_that_mean_something_in_javascript():
    inputs = {
        name: [float(i)]
        for i, name in enumerate(
            ["step", "new", "given", "program", "erf", "constructor", "lr", "t", "add1",
             "Math", "undefined", "arguments", "toString", "z", "x", "whole"]
        )
    }  # fmt: skip

    def function(*given):
        return [x + i for i, x in enumerate(given)]

    found = run_all([job(function, inputs)])[0]
    assert outputs(found) == [[2.0 * i] for i in range(len(inputs))]


class Named(nn.Module):
    """Python takes "ﬁ" and "fi" for one name."""

    def __init__(self):
        super().__init__()
        names = "α²", "ﬁ", "fi", "a-b", "·"
        self.all = nn.ModuleDict({name: nn.Linear(1, 1) for name in names})

    def forward(self, x):
        return sum(layer(x).sum() * i for i, layer in enumerate(self.all.values(), 1))


def test_names_that_are_no_identifiers():
    model, inputs = Named(), {"x": [[2.0]]}
    step = write(model, inputs, target=JS)
    names = {*numbers_of(step)}
    assert {"all_α2_bias", "all_fi_bias", "all_fi_bias_2", "all_a_b_bias"} < names
    found = run(step.source, numbers_of(step), [inputs])
    want, _ = write(model, inputs, target="numpy")([[2.0]])
    assert_near("loss", [found.steps[0]["loss"]], [want.item()])


def test_an_input_and_a_number_may_bear_one_name():
    """The count of steps is t, unless an input is."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    update = nn.optim.Adam([w], lr=0.5)
    step = write(lambda t: (w * t).sum(), {"t": [1.0, 2.0]}, update=update, target=JS)
    found = run(step.source, numbers_of(step), [{"t": [1.0, 2.0], "t_2": 1}])
    assert_near("loss", [found.steps[0]["loss"]], [5.0])


def test_a_text_may_stand_in_a_page():
    def loss(x):
        return x.sum()

    loss.__qualname__ = "</script><!--\u2028 */ \n throw 1"
    step = write(loss, {"x": [1.0, 2.0]}, target=JS)
    assert not re.search("</script|<!--", step.source)
    assert outputs_or_loss(run(step.source, {}, [{"x": [1.0, 2.0]}])) == 3.0


def outputs_or_loss(found):
    (step,) = found.steps
    return step.get("loss") or [*step["outputs"].values()][0][0]


def test_as_a_script_and_as_a_module(tmp_path):
    step = write(lambda x: x * 2, {"x": [1.0, 2.0]}, target=JS)
    use = "console.log(JSON.stringify(createProgram().step({ x: [1, 2] })));"
    script, module = tmp_path / "step.js", tmp_path / "step.mjs"
    script.write_text(step.source)
    module.write_text(JavaScriptText(step.program, module=True).text())
    main = tmp_path / "main.cjs"
    main.write_text(f'const {{ createProgram }} = require("./step.js");{use}')
    other = tmp_path / "main.mjs"
    other.write_text(f'import {{ createProgram }} from "./step.mjs";{use}')
    for path in (main, other):
        done = subprocess.run([NODE, path], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (found,) = json.loads(done.stdout)["outputs"].values()
        assert found == [2, 4]
