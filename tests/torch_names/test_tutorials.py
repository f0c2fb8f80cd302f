"""More programs of the field, run with PyTorch and with this package: their
numbers must be equal. (test_lectures.py has the first ones.)"""

from __future__ import annotations

import copy
import math

import pytest
from conftest import needs_torch
from torch_programs import set_weights, waves

import tinygrad_attn
from tinygrad_attn import nn, use_backend


def groups_of_parameters(torch, nn, F):
    """A language model with tied weights, groups with and without decay, warm-up and
    cosine, accumulation, clipping; sampling among the k best."""

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(7, 6)
            self.mix = nn.Linear(6, 18)
            self.head = nn.Linear(6, 7, bias=False)
            self.tokens.weight = self.head.weight

        def forward(self, idx):
            B, T = idx.size()
            q, k, v = self.mix(self.tokens(idx)).split(6, dim=2)
            q, k, v = (t.view(B, T, 2, 3).transpose(1, 2) for t in (q, k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.head(z.transpose(1, 2).contiguous().view(B, T, 6))

    model = Model()
    set_weights(torch, model)
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [p for p in named.values() if p.dim() >= 2],
                "weight_decay": 0.1,
            },
            {"params": [p for p in named.values() if p.dim() < 2], "weight_decay": 0.0},
        ],
        lr=0.01,
        betas=(0.9, 0.95),
    )
    data, found = torch.tensor([(3 * i * i + i) % 7 for i in range(20)]), []
    for step in range(3):
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * 0.5 * (1.0 + math.cos(math.pi * step / 3))
        for part in range(2):
            at = torch.tensor([step, step + part + 4])
            x = torch.stack([data[i : i + 5] for i in at])
            y = torch.stack([data[i + 1 : i + 6] for i in at])
            logits = model(x)
            loss = F.cross_entropy(logits.view(-1, 7), y.view(-1), ignore_index=-1)
            (loss / 2).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        found += [loss.item(), norm.item()]
    with torch.no_grad():
        logits = model(data[None, :4])[:, -1, :]
        best, _ = torch.topk(logits, min(3, logits.size(-1)))
        logits[logits < best[:, [-1]]] = -float("Inf")
        found += F.softmax(logits, dim=-1)[0].tolist()
        state = model.state_dict()
        state["mix.bias"].copy_(torch.ones(18))
    return [*found, model.mix.bias.sum().item()]


def letters_in_place(torch, nn, F):
    """Words as one-hot letters, a cell of Linear layers, counts of mistakes."""
    words = ["abba", "cab", "bad"]
    tensors = []
    for word in words:
        letters = torch.zeros(len(word), 1, 4)
        for i, letter in enumerate(word):
            letters[i][0]["abcd".find(letter)] = 1
        tensors.append(letters)
    hidden_of, out_of = nn.Linear(9, 5), nn.Linear(5, 3)
    set_weights(torch, hidden_of)
    set_weights(torch, out_of)
    criterion, log_softmax = nn.NLLLoss(), nn.LogSoftmax(dim=1)
    confusion, found = torch.zeros(3, 3), []
    for k, letters in enumerate(tensors * 2):
        hidden = torch.zeros(1, 5)
        for i in range(letters.size()[0]):
            hidden = torch.tanh(hidden_of(torch.cat((letters[i], hidden), 1)))
        output = log_softmax(out_of(hidden))
        loss = criterion(output, torch.tensor([k % 3]))
        hidden_of.zero_grad()
        out_of.zero_grad()
        loss.backward()
        for p in (*hidden_of.parameters(), *out_of.parameters()):
            p.data.add_(p.grad.data, alpha=-0.3)
        top, at = output.topk(1)
        confusion[k % 3][at[0].item()] += 1
        found += [loss.item(), top[0][0].item()]
    for i in range(3):
        confusion[i] = confusion[i] / confusion[i].sum()
    return found + confusion.view(-1).tolist()


def own_gradient(torch, nn, F):
    """A function with a gradient of its own, a gradient penalty, a Jacobian."""

    class Cubic(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x)
            ctx.scale = scale
            return scale * (5 * x**3 - 3 * x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * ctx.scale * (15 * x**2 - 3), None

    x = torch.linspace(-1, 1, 7)
    a = torch.tensor(0.3, requires_grad=True)
    found = []
    for _ in range(3):
        loss = (Cubic.apply(a + a * x, 0.5) - torch.sin(x)).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            a -= 0.01 * a.grad
            a.grad = None
        found.append(loss.item())
    w = waves(torch, 3).requires_grad_()
    (slope,) = torch.autograd.grad(Cubic.apply(w, 0.5).sum(), w, create_graph=True)
    (slope.norm() - 1).pow(2).backward()
    jacobian = torch.autograd.functional.jacobian(lambda t: t[:2] * t.sum(), x[:3])
    return [*found, *w.grad.tolist(), *jacobian.view(-1).tolist()]


def batches(torch, nn, F):
    """Datasets, loaders, RMSprop, schedules by steps, the best state of all."""
    xs, ys = waves(torch, 10, 3), waves(torch, 10, 1)
    data = torch.utils.data.TensorDataset(xs, ys)
    loader = torch.utils.data.DataLoader(data, batch_size=4)
    found = [len(loader), len(data)]
    for make in (
        lambda o: torch.optim.lr_scheduler.StepLR(o, step_size=2, gamma=0.5),
        lambda o: torch.optim.lr_scheduler.MultiStepLR(o, milestones=[1, 3]),
        lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma=0.9),
    ):
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        set_weights(torch, model)
        optimizer = torch.optim.RMSprop(
            model.parameters(), lr=0.01, momentum=0.5, centered=True, weight_decay=0.1
        )
        schedule, best = make(optimizer), (float("inf"), None)
        for _ in range(4):
            for x, y in loader:
                loss = nn.SmoothL1Loss()(model(x), y) + nn.HuberLoss()(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            schedule.step()
            found += [loss.item(), *schedule.get_last_lr()]
            if loss.item() < best[0]:
                best = loss.item(), copy.deepcopy(model.state_dict())
        model.load_state_dict(best[1])
        found.append(F.mse_loss(model(xs), ys).item())
    rows = torch.utils.data.DataLoader(
        [{"x": 1, "y": [0.5, 2.0]}, {"x": 3, "y": [1.5, 4.0]}], batch_size=2
    )
    (row,) = rows
    parts = torch.utils.data.random_split(range(10), [0.6, 0.4])
    shuffled = torch.utils.data.DataLoader(data, batch_size=3, shuffle=True)
    total = sum(x.sum().item() for x, _ in shuffled)
    found += [*row["x"].tolist(), *row["y"][0].tolist(), total]
    return [*found, *map(len, parts), sum(i for p in parts for i in p)]


def policies(torch, nn, F):
    """Distributions, and the gradient of what was drawn."""
    net = nn.Linear(3, 4)
    set_weights(torch, net)
    states, actions = waves(torch, 5, 3), torch.tensor([0, 1, 2, 3, 0])
    Categorical = torch.distributions.Categorical
    policy = Categorical(logits=net(states))
    loss = -(policy.log_prob(actions) * waves(torch, 5)).mean()
    loss = loss - 0.1 * policy.entropy().mean()
    loss.backward()
    other = Categorical(probs=torch.tensor([[1.0, 1.0, 2.0]]))
    found = [loss.item(), *net.weight.grad.view(-1).tolist()]
    found += [other.probs[0, 2].item(), other.log_prob(torch.tensor([2])).item()]
    found += [*policy.sample().shape, *policy.sample((2,)).shape]
    normal = torch.distributions.Normal(waves(torch, 4), torch.tensor(2.0))
    found += [normal.entropy().sum().item(), *normal.rsample().shape]
    found += normal.log_prob(torch.ones(4)).tolist()
    coin = torch.distributions.Bernoulli(logits=waves(torch, 2))
    found += coin.log_prob(torch.tensor([1.0, 0.0])).tolist()
    return found + coin.entropy().tolist() + [*coin.sample((3,)).shape]


def layers_of_llama(torch, nn, F):
    """Rotary positions, a cache that is written to, top-p, low rank, a running mean."""
    x = waves(torch, 2, 5, 2, 4)
    freqs = torch.outer(
        torch.arange(5), 1.0 / 10000 ** (torch.arange(0, 4, 2).double() / 4)
    )
    cos, sin = freqs.cos()[None, :, None], freqs.sin()[None, :, None]
    even, odd = x.reshape(*x.shape[:-1], -1, 2).unbind(-1)
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    turned = turned.flatten(3).type_as(x)
    cache = torch.zeros(2, 8, 2, 4)
    with torch.inference_mode():
        for t in range(5):
            cache[:2, t : t + 1] = turned[:, t : t + 1]
    keys = cache[:, :5][:, :, :, None, :].expand(2, 5, 2, 2, 4).reshape(2, 5, 4, 4)
    probs, order = torch.sort(F.softmax(waves(torch, 2, 6), dim=-1), -1, True)
    probs[torch.cumsum(probs, dim=-1) - probs > 0.6] = 0.0
    probs.div_(probs.sum(dim=-1, keepdim=True))
    base = nn.Linear(4, 3).requires_grad_(False)
    set_weights(torch, base)
    A = nn.Parameter(torch.empty(2, base.in_features))
    B = nn.Parameter(torch.zeros(base.out_features, 2))
    with torch.no_grad():
        A.copy_(waves(torch, 2, 4))
        B.add_(0.5).lerp_(waves(torch, 3, 2), 0.25)
    z = base(keys) + keys @ A.T @ B.T
    z.pow(2).mean().backward()
    hot = torch.zeros_like(probs).scatter_(1, order[:, :1], 1.0)
    noise = torch.cumprod(1.0 - torch.linspace(1e-4, 0.02, 6), dim=0)
    total = torch.zeros(3, 4).index_add_(0, torch.tensor([2, 0]), keys[0, :2, 0])
    parts = (turned, keys, probs, z, A.grad, B.grad, hot, noise, total)
    return [v for part in parts for v in part.reshape(-1).tolist()]


PROGRAMS = [
    groups_of_parameters,
    letters_in_place,
    own_gradient,
    batches,
    policies,
    layers_of_llama,
]


@needs_torch
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", ["python", "numpy"])
def test_a_program_gives_what_it_gives_with_pytorch(program, name):
    import torch
    import torch.utils.data

    torch.set_default_dtype(torch.float64)
    try:
        want = program(torch, torch.nn, torch.nn.functional)
    finally:
        torch.set_default_dtype(torch.float32)
    with use_backend(name, "float64"):
        got = program(tinygrad_attn, nn, nn.functional)
    assert len(got) == len(want)
    assert got == pytest.approx(want, rel=1e-9, abs=1e-12)
