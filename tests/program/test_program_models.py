"""Whole models, trained by programs and eagerly from the same weights and the same
seed: the same losses, step by step, and the same weights in the end. In NumPy they are
equal to the last bit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from targets import (
    Target,
    assert_near,
    each_trainer,
    each_trainer_and_dtype,
    gradients_of,
)

import nn
from nn import optim
from tinygrad_attn import (
    Tensor,
    compile,
    get_rng_state,
    manual_seed,
    ones,
    randint,
    randn,
    record,
    use_backend,
    write,
)
from tinygrad_attn.functional import (
    cross_entropy,
    dropout,
    gelu,
    mse_loss,
    padding_mask,
    silu,
)

# --- models: loss(*batch), and batches ------------------------------------------------


class Classifier(nn.Module):
    """An encoder that tells kinds of sentences apart: masks made of its inputs, a
    buffer of waves."""

    def __init__(self) -> None:
        self.tokens = nn.Embedding(11, 8)
        self.positions = nn.SinusoidalPositions(12, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2)
        self.encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8))
        self.head = nn.Linear(8, 3)

    def loss(self, tokens: Tensor, labels: Tensor) -> Any:
        real = padding_mask(tokens)
        x = self.positions(self.tokens(tokens))
        x = self.encoder(x, src_key_padding_mask=real)  # (B, T, 8)
        words = real.unsqueeze(-1).astype(x.dtype)
        mean = (x * words).sum(axis=1) / words.sum(axis=1)
        return cross_entropy(self.head(mean), labels, label_smoothing=0.1)

    def batch(self) -> Any:
        return randint(1, 11, (4, 6)) * words_of(6, 4, 2, 5), randint(0, 3, (4,))


class Translator(nn.Module):
    """Encoder and decoder. The last sequence is padding only: its queries may attend to
    nothing. In every third batch no label counts, and the loss is nan."""

    def __init__(self) -> None:
        settings = {"dropout": 0.1, "inner_dropout": 0.1, "max_len": 12}
        self.net = nn.Seq2SeqTransformer(11, 8, 2, 1, 1, 16, **settings)
        self.count = [0]

    def loss(self, src: Tensor, labels: Tensor) -> Any:
        return self.net.loss(src, labels, 0.1)

    def batch(self) -> Any:
        self.count[0] += 1
        src, labels = randint(3, 11, (3, 6)), randint(3, 11, (3, 5))
        counts = 0 if self.count[0] % 3 == 0 else 1
        return src * words_of(6, 4, 0), labels * words_of(5, 3, 1)[:, :5] * counts


class GPT(nn.Module):
    """Predicts the next token: causal, pre-norm, with one table for both ends."""

    def __init__(self) -> None:
        self.tokens = nn.Embedding(11, 8, std=0.3)
        self.positions = nn.LearnedPositions(8, 8)
        layer = nn.TransformerEncoderLayer(
            8, 2, 16, 0.2, "gelu", norm_first=True, bias=False
        )
        self.blocks = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8, bias=False))
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.tokens.weight

    def loss(self, x: Tensor, y: Tensor) -> Any:
        h = self.blocks(self.positions(self.tokens(x)), is_causal=True)
        return cross_entropy(self.head(h).reshape(-1, 11), y.reshape(-1))

    def batch(self) -> Any:
        text = randint(0, 11, (3, 8))
        return text[:, :-1].detach(), text[:, 1:].detach()


class Layers(nn.Module):
    """All kinds of layers between; one is frozen, one is not used."""

    def __init__(self) -> None:
        self.a, self.norm, self.b = nn.Linear(5, 8), nn.RMSNorm(8), nn.Linear(8, 8)
        self.frozen, self.unused = nn.Linear(8, 8), nn.Linear(3, 3)
        self.c = nn.Linear(8, 2)
        self.frozen.requires_grad_(False)
        self.register_buffer("scale", ones(8) * 0.5)

    def loss(self, x: Tensor, y: Tensor) -> Any:
        h = self.norm(gelu(self.a(x), "tanh")) * self.scale
        h = silu(self.b(h)) + h
        h = dropout(gelu(self.frozen(h)), 0.1)
        return mse_loss(self.c(h), y)

    def batch(self) -> Any:
        return randn(6, 5, dtype=self.scale.dtype), randn(6, 2, dtype=self.scale.dtype)


def words_of(*lengths: int) -> Tensor:
    """(B, T), 1 where a sequence of this length has a word, else 0."""
    most = max(lengths)
    return Tensor([[int(i < n) for i in range(most)] for n in lengths])


# --- the race -------------------------------------------------------------------------


def groups(model: nn.Module) -> list[dict[str, Any]]:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    return [
        {"params": matrices, "weight_decay": 0.1},
        {"params": others, "lr": 0.003, "weight_decay": 0.0},
    ]


OPTIMIZERS = {
    "SGD": lambda m: optim.SGD(m.parameters(), 0.1),
    "momentum": lambda m: optim.SGD(m.parameters(), 0.1, 0.9, weight_decay=0.01),
    "nesterov": lambda m: optim.SGD(m.parameters(), 0.05, 0.9, nesterov=True),
    "dampening": lambda m: optim.SGD(m.parameters(), 0.1, 0.9, 0.5),
    "uphill": lambda m: optim.SGD(m.parameters(), 0.01, maximize=True),
    "Adam": lambda m: optim.Adam(m.parameters(), 0.01),
    "decay": lambda m: optim.Adam(m.parameters(), 0.01, weight_decay=0.1),
    "amsgrad": lambda m: optim.Adam(m.parameters(), 0.01, amsgrad=True),
    "AdamW": lambda m: optim.AdamW(m.parameters(), 0.01),
    "groups": lambda m: optim.AdamW(groups(m), 0.01),
}


def race(
    target: Target, make: Any, optimizer: str, clip: float | None, schedule: bool
) -> tuple[list[Any], list[Any], nn.Module, nn.Module]:
    """Both trainings: their losses, and the models."""
    manual_seed(0)
    model = make()
    twin, batches = copy.deepcopy(model), [model.batch() for _ in range(5)]
    theirs, mine = (OPTIMIZERS[optimizer](m) for m in (model, twin))
    schedules = [
        optim.lr_scheduler.CosineAnnealingLR(o, target.steps + 2, warmup_steps=5)
        for o in (theirs, mine)
        if schedule
    ]

    @compile(update=mine, clip=clip, target=target.name)
    def step(*batch: Tensor) -> Any:
        return twin.loss(*batch)

    def eager(*batch: Tensor) -> Any:
        loss = model.loss(*batch)
        model.zero_grad()
        loss.backward()
        if clip is not None:
            optim.clip_grad_norm(theirs.parameters, clip)
        theirs.step()
        return loss

    losses: list[list[Any]] = []
    for k, train in enumerate((eager, step)):
        manual_seed(3)
        losses.append([])
        for i in range(target.steps):
            losses[-1].append(train(*batches[i % 5]).detach())
            if schedule:
                schedules[k].step()
    assert {s.target for known in step.steps.values() for s in known} == {target.name}
    return (*losses, model, twin)


def check_race(target: Target, dtype: str, *settings: Any) -> None:
    with use_backend(target.backend, dtype):
        want, got, model, twin = race(target, *settings)
    exact = target.name == "numpy"
    tolerance = 0.0 if exact else target.near[dtype] * 100
    for i, (a, b) in enumerate(zip(got, want)):
        assert_near(f"loss {i}", a, b, tolerance)
    if exact:  # (Adam moves a weight whose gradient is 0 by rounding noise)
        for (name, p), q in zip(model.named_parameters(), twin.parameters()):
            assert_near(name, q.detach(), p.detach(), 0.0)


@each_trainer_and_dtype
@pytest.mark.parametrize("make", [Classifier, Translator, GPT, Layers])
def test_models(make: Any, target: Target, dtype: str) -> None:
    check_race(target, dtype, make, "Adam", None, False)


@each_trainer
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str, target: Target) -> None:
    check_race(target, "float64", Layers, optimizer, None, False)


@each_trainer
@pytest.mark.parametrize("optimizer", ["momentum", "amsgrad", "groups"])
def test_clipping_under_a_schedule(optimizer: str, target: Target) -> None:
    make = Translator if optimizer == "momentum" else Layers
    check_race(target, "float64", make, optimizer, 0.3, True)


# --- gradients, and the same without a function ---------------------------------------


@each_trainer
@pytest.mark.parametrize("make", [Classifier, Translator, GPT, Layers])
@pytest.mark.parametrize("from_loss", [False, True])
def test_first_gradients(make: Any, from_loss: bool, target: Target) -> None:
    """Of a function, and of a loss that was recorded: its masks of dropout are drawn
    anew at each run, and other inputs may be given."""
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        model = make()
        first, other = model.batch(), model.batch()
        inputs = {"x": first[0], "y": first[1]}
        function: Any = model.loss
        if from_loss:
            with record():
                function = model.loss(*first)
        before = get_rng_state()
        step = write(function, inputs, target=target.name)
        assert get_rng_state() == before  # writing draws nothing
        for batch in (first, other):
            model.zero_grad()
            manual_seed(7)
            want = model.loss(*batch)
            want.backward()
            manual_seed(7)
            loss, gradients = gradients_of(step, step(*batch))
            assert_near("loss", loss, want, 1e-12)
            learning = {n: p for n, p in model.named_parameters() if p.grad is not None}
            assert {*gradients} == {id(p) for p in learning.values()}
            for name, p in learning.items():
                assert_near(name, gradients[id(p)], p.grad, 1e-12)


@each_trainer
def test_no_label_counts(target: Target) -> None:
    """The loss is nan, and all gradients are 0."""
    with use_backend(target.backend, "float64"):
        manual_seed(0)
        model = Translator()
        src, labels = model.batch()
        step = write(model.loss, {"src": src, "labels": labels}, target=target.name)
        loss, gradients = gradients_of(step, step(src, labels * 0))
        assert loss.item() != loss.item()
        assert {v for g in gradients.values() for v in g.reshape(-1).tolist()} == {0.0}
