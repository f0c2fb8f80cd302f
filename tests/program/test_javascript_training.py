"""Whole models, trained by a program in JavaScript and by the engine itself."""

from __future__ import annotations

import math
import re
from random import Random

import pytest
from conftest import needs_numpy
from in_node import (
    JS,
    Job,
    assert_near,
    job_of,
    needs_node,
    numbers_of,
    outputs,
    run_all,
)
from targets import each_target

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    use_backend,
)
from tinygrad_attn.program.write import write
from tinygrad_attn.program.writers.javascript_text import JavaScriptText
from tinygrad_attn.program.writers.numpy_text import NumPyText

pytestmark = [needs_node, needs_numpy, pytest.mark.usefixtures("on_numpy")]
inf, nan = math.inf, math.nan


# --- whole models ---------------------------------------------------------------------

TOKENS = [[1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 8]]
LABELS = [[2, 3, 4, 5, 6, 7], [4, 5, 6, -100, 8, -100]]
STEPS = 50


class Block(nn.Module):
    def __init__(self, d, dropout, approximate):
        super().__init__()
        self.attention = nn.MultiHeadAttention(d, 2)
        self.norm, self.norm_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
        self.dropout, self.approximate = nn.Dropout(dropout), approximate

    def forward(self, x, mask):
        h = self.norm(x)
        mixed, _ = self.attention(h, h, h, mask)
        x = x + self.dropout(mixed)
        h = functional.gelu(self.up(self.norm_2(x)), approximate=self.approximate)
        return x + self.dropout(self.down(h))


class GPT(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(11, 8), nn.LearnedPositions(6, 8)
        self.blocks = nn.ModuleList(
            [Block(8, dropout, kind) for kind in ("none", "tanh")]
        )
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 11)

    def forward(self, tokens, labels):
        x = self.positions(self.tokens(tokens))
        for block in self.blocks:
            x = block(x, nn.causal_mask(6))
        logits = self.head(self.norm(x))
        return functional.cross_entropy(logits.reshape(-1, 11), labels.reshape(-1))


class Reader(nn.Module):
    """Reads a sequence, and says of which of three classes it is."""

    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(11, 8), nn.SinusoidalPositions(6, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(8, 3)

    def forward(self, tokens, labels):
        x = self.positions(self.tokens(tokens))
        x = self.encoder(x, src_key_padding_mask=tokens != 8)
        nats = functional.cross_entropy(
            self.head(x.mean(1)), labels, reduction="none", label_smoothing=0.1
        )
        return nats.mean()


MODELS = {
    "GPT": (GPT, {"tokens": TOKENS, "labels": LABELS}),
    "encoder": (Reader, {"tokens": TOKENS, "labels": [2, 0]}),
}
OPTIMIZERS = {
    "Adam": lambda p: nn.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: nn.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
}


def trained(model, inputs, optimizer, clip, steps=STEPS):
    """The losses of so many steps of the engine itself, and the first gradients."""
    losses, first = [], []
    for _ in range(steps):
        loss = model(*(Tensor(v) for v in inputs.values()))
        optimizer.zero_grad()
        loss.backward()
        first = first or [p.grad.tolist() for p in model.parameters()]
        nn.optim.clip_grad_norm(model.parameters(), clip)
        optimizer.step()
        losses.append(loss.item())
    return losses, first


@pytest.mark.parametrize("kind", [*MODELS])
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS])
def test_training(kind, optimizer):
    build, inputs = MODELS[kind]
    model = build()
    update = OPTIMIZERS[optimizer](model.parameters())
    training = write(model, inputs, update=update, clip=0.5, target=JS)
    slopes = write(model, inputs, target=JS)
    names = {t: b.name for t, b in training.program.leaves.items()}
    counts = [{} if optimizer == "SGD" else {"t": t + 1} for t in range(STEPS)]
    show = [f"parameters.{names[p]}" for p in model.parameters()]
    steps = [inputs | count for count in counts]
    found, once = run_all([job_of(training, *steps, show=show), job_of(slopes, inputs)])

    losses, gradients = trained(model, inputs, update, clip=0.5)
    assert losses[-1] < losses[0] * 0.8
    assert_near("losses", [step["loss"] for step in found.steps], losses)
    assert_near("first loss", [once.steps[0]["loss"]], losses[:1])
    for p, g in zip(model.parameters(), gradients):
        assert_near(names[p], once.steps[0]["gradients"][names[p]], g)
    for p, shown in zip(model.parameters(), found.shown):
        assert tuple(shown["shape"]) == p.shape
        assert_near(names[p], shown["array"], p.tolist(), 1e-9)


@each_target
@pytest.mark.parametrize("options", [{}, {"nesterov": True, "weight_decay": 0.1}])
def test_one_program_for_the_first_step_and_all_others(target, options):
    """An optimizer's state that begins with 0 is no other program."""
    model, inputs = nn.Linear(2, 3), {"x": [[1.0, 2.0], [3.0, -1.0]], "labels": [0, 2]}

    def loss(x, labels):
        return functional.cross_entropy(model(x), labels)

    start = {name: p.tolist() for name, p in model.named_parameters()}
    update = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, **options)
    step = write(loss, inputs, update=update, target=target.name)
    losses = [step(**inputs).item() for _ in range(6)]

    model.load_state_dict({name: Tensor(v) for name, v in start.items()})
    update = nn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, **options)
    for got in losses:
        want = loss(*map(Tensor, inputs.values()))
        update.zero_grad()
        want.backward()
        update.step()
        assert_near("loss", [got], [want.item()])


def test_dropout_by_masks_that_are_given():
    """Beside the same program of NumPy, which is given the same."""
    model = GPT(dropout=0.3)
    inputs = MODELS["GPT"][1]
    step = write(
        model,
        inputs,
        update=nn.optim.Adam(model.parameters(), lr=0.01),
        clip=1.0,
        target=JS,
    )
    random = Random(5)
    values = {}
    exec(NumPyText(step.program).text(), values)
    for t, buffer in step.program.leaves.items():
        values[buffer.name][...] = t.array
    given, losses = [], []
    for t in range(STEPS):
        masks = {
            b.name: [random.random() for _ in range(b.size)]
            for b in step.program.given
            if b.role == "random"
        }
        assert masks
        given.append({**inputs, **masks, "t": t + 1})
        numbers = {"clip": 1.0, "lr": 0.01} | given[-1]
        arrays = [
            Tensor(numbers[b.name]).reshape(b.shape).array for b in step.program.given
        ]
        scalars = [numbers[b.name] for b in step.program.scalars]
        losses.append(values["step"](*arrays, *scalars)[0].item())
    found = run_all([job_of(step, *given)])[0]
    assert_near("losses", [step["loss"] for step in found.steps], losses)


def test_random_numbers_that_are_not_given_are_drawn():
    step = write(lambda x: functional.dropout(x, 0.5), {"x": [1.0] * 1000}, target=JS)
    found = run_all([job_of(step, *[{"x": [1.0] * 1000}] * 2)])[0]
    first, second = (outputs(found, k)[0] for k in (0, 1))
    assert {*first} == {*second} == {0.0, 2.0}
    assert first != second
    assert 350 < first.count(0.0) < 650


@pytest.mark.parametrize("kind", [*MODELS])
def test_float32(kind):
    build, inputs = MODELS[kind]
    with use_backend("numpy", "float32"):
        model = build()
        update = OPTIMIZERS["Adam"](model.parameters())
        training = write(model, inputs, update=update, clip=0.5, target=JS)
        slopes = write(model, inputs, target=JS)
        names = {t: b.name for t, b in training.program.leaves.items()}
        steps = [{**inputs, "t": t + 1} for t in range(10)]
        jobs = [
            job_of(training, *steps, show=["state.exp_avg"]),
            job_of(slopes, inputs),
        ]
        found, once = run_all(jobs)
        losses, gradients = trained(model, inputs, update, clip=0.5, steps=10)
    assert "Float32Array" in training.source
    assert found.shown[0]["dtype"] == "float32"
    assert_near("losses", [step["loss"] for step in found.steps], losses, 1e-5)
    for p, g in zip(model.parameters(), gradients):
        assert_near(names[p], once.steps[0]["gradients"][names[p]], g, 1e-5)


def test_plain_arrays_in_64_bits():
    """They have no parts: a parameter is at some place of the vector of all."""
    build, inputs = MODELS["GPT"]
    model = build()
    update = OPTIMIZERS["AdamW"](model.parameters())
    step = write(model, inputs, update=update, clip=0.5, target=JS)
    names = {t: b.name for t, b in step.program.leaves.items()}
    text = JavaScriptText(step.program, typed=False).text()
    assert "Array(" in text
    assert not re.search("Float64Array|Float32Array|Uint8Array|subarray|fround", text)
    steps = [{**inputs, "t": t + 1} for t in range(10)]
    show = [f"parameters.{names[p]}" for p in model.parameters()]
    found = run_all([Job(text, numbers_of(step), steps, show)])[0]
    losses, _ = trained(model, inputs, update, clip=0.5, steps=10)
    assert_near("losses", [step["loss"] for step in found.steps], losses)
    for p, shown in zip(model.parameters(), found.shown):
        assert_near(names[p], shown["array"], p.tolist(), 1e-9)


def test_it_runs_in_a_browser(look_at):
    build, inputs = MODELS["GPT"]
    model = build()
    update = OPTIMIZERS["AdamW"](model.parameters())
    step = write(model, inputs, update=update, clip=0.5, target=JS)
    tab = look_at(f"<!doctype html><title>x</title><script>{step.source}</script>")
    steps = [{**inputs, "t": t + 1} for t in range(5)]
    found = tab.evaluate(
        """([numbers, steps]) => {
            const program = createProgram(numbers);
            return steps.map((given) => program.step(given).loss);
        }""",
        [numbers_of(step), steps],
    )
    losses, _ = trained(model, inputs, update, clip=0.5, steps=5)
    assert_near("losses", found, losses)
