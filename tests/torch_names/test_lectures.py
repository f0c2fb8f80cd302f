"""Programs as lectures write them, run with PyTorch and with this package.

Each takes `torch`, its `nn` and its `functional`, makes weights that are the same in
both, trains for a few steps, and returns numbers, which must be equal. They use the
names that the published ones use: language models with attention, an encoder with a
decoder, batch norm by hand, counts of letters, regression from scratch.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import pytest
from conftest import needs_torch
from torch_programs import set_weights, waves

import tinygrad_attn
from tinygrad_attn import nn, use_backend

TEXT = "attention is a soft look-up: all you need is a query, a key and a value. "


# --- a language model -----------------------------------------------------------------


def language_model(torch, nn, F):
    device = "cuda" if torch.cuda.is_available() and False else "cpu"
    letters = sorted(set(TEXT))
    index = {c: i for i, c in enumerate(letters)}
    data = torch.tensor([index[c] for c in TEXT], dtype=torch.long)
    block, width, heads, vocabulary = 8, 8, 2, len(letters)

    class Head(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.key = nn.Linear(width, size, bias=False)
            self.query = nn.Linear(width, size, bias=False)
            self.value = nn.Linear(width, size, bias=False)
            lower = torch.tril(torch.ones(block, block))
            self.register_buffer("lower", lower)
            self.dropout = nn.Dropout(0.2)

        def forward(self, x):
            B, T, C = x.shape
            k, q = self.key(x), self.query(x)
            scores = q @ k.transpose(-2, -1) * C**-0.5
            scores = scores.masked_fill(self.lower[:T, :T] == 0, float("-inf"))
            return self.dropout(F.softmax(scores, dim=-1)) @ self.value(x)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ModuleList([Head(width // heads) for _ in range(heads)])
            self.project = nn.Linear(width, width)
            self.net = nn.Sequential(
                nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
            )
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)

        def forward(self, x):
            y = self.ln1(x)
            x = x + self.project(torch.cat([h(y) for h in self.heads], dim=-1))
            return x + self.net(self.ln2(x))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict(
                dict(  # noqa: C408 - as it is written there
                    tokens=nn.Embedding(vocabulary, width),
                    positions=nn.Embedding(block, width),
                )
            )
            self.blocks = nn.Sequential(*[Block() for _ in range(2)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary)

        def forward(self, idx, targets=None):
            b, t = idx.size()
            places = torch.arange(0, t, dtype=torch.long, device=idx.device)
            x = self.parts.tokens(idx) + self.parts.positions(places.unsqueeze(0))
            logits = self.head(self.norm(self.blocks(x)))
            if targets is None:
                return logits, None
            flat = logits.view(-1, logits.size(-1))
            return logits, F.cross_entropy(flat, targets.view(-1), ignore_index=-1)

        @torch.no_grad()
        def generate(self, idx, count, top_k):
            for _ in range(count):
                near = idx if idx.size(1) <= block else idx[:, -block:]
                logits, _ = self(near)
                logits = logits[:, -1, :] / 0.8
                v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                logits[logits < v[:, [-1]]] = -float("inf")
                probs = F.softmax(logits, dim=-1)
                _, following = torch.topk(probs, k=1, dim=-1)
                idx = torch.cat((idx, following), dim=1)
            return idx

    @torch.no_grad()
    def estimate():
        model.eval()
        losses = torch.zeros(3)
        for k in range(3):
            losses[k] = model(*batch([k, k + 9]))[1].item()
        model.train()
        return losses.mean()

    def batch(starts):
        ix = torch.tensor(starts)
        x = torch.stack([data[i : i + block] for i in ix])
        y = torch.stack([data[i + 1 : i + block + 1] for i in ix])
        return x.to(device), y.to(device)

    model = Model().double()
    set_weights(torch, model)
    model = model.to(device)
    count = sum(p.numel() for p in model.parameters())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, betas=(0.9, 0.99))
    found = [count]
    model.eval()  # dropout would draw other numbers
    for step in range(4):
        _, loss = model(*batch([3 * step, 40 - step]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        found += [loss.item(), norm.item()]
    found.append(estimate().item())
    start = torch.zeros((1, 1), dtype=torch.long, device=device)
    return found + model.eval().generate(start, 12, top_k=3)[0].tolist()


# --- an encoder with a decoder --------------------------------------------------------


def encoder_and_decoder(torch, nn, F):
    def clones(module, n):
        return nn.ModuleList([copy.deepcopy(module) for _ in range(n)])

    def following(size):
        later = torch.triu(torch.ones(1, size, size), diagonal=1).type(torch.uint8)
        return later == 0

    class Norm(nn.Module):
        def __init__(self, features, eps=1e-6):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(features))
            self.bias = nn.Parameter(torch.zeros(features))
            self.eps = eps

        def forward(self, x):
            mean = x.mean(-1, keepdim=True)
            std = x.std(-1, keepdim=True)
            return self.gain * (x - mean) / (std + self.eps) + self.bias

    class Attention(nn.Module):
        def __init__(self, h, width):
            super().__init__()
            self.h, self.d_k = h, width // h
            self.linears = clones(nn.Linear(width, width), 4)
            self.weights = None

        def forward(self, query, key, value, mask=None):
            batches = query.size(0)
            q, k, v = [
                linear(x).view(batches, -1, self.h, self.d_k).transpose(1, 2)
                for linear, x in zip(self.linears, (query, key, value))
            ]
            scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(self.d_k)
            if mask is not None:
                scores = scores.masked_fill(mask.unsqueeze(1) == 0, -1e9)
            self.weights = scores.softmax(dim=-1)
            x = torch.matmul(self.weights, v).transpose(1, 2).contiguous()
            return self.linears[-1](x.view(batches, -1, self.h * self.d_k))

    class Positions(nn.Module):
        def __init__(self, width, most=20):
            super().__init__()
            pe = torch.zeros(most, width)
            at = torch.arange(0, most).unsqueeze(1)
            rate = torch.exp(torch.arange(0, width, 2) * -(math.log(1e4) / width))
            pe[:, 0::2] = torch.sin(at * rate)
            pe[:, 1::2] = torch.cos(at * rate)
            self.register_buffer("pe", pe.unsqueeze(0))

        def forward(self, x):
            return x + self.pe[:, : x.size(1)].requires_grad_(False)

    class Smoothing(nn.Module):
        def __init__(self, size, padding, smoothing):
            super().__init__()
            self.criterion = nn.KLDivLoss(reduction="sum")
            self.size, self.padding, self.smoothing = size, padding, smoothing

        def forward(self, x, target):
            assert x.size(1) == self.size
            right = x.data.clone()
            right.fill_(self.smoothing / (self.size - 2))
            right.scatter_(1, target.data.unsqueeze(1), 1.0 - self.smoothing)
            right[:, self.padding] = 0
            mask = torch.nonzero(target.data == self.padding)
            if mask.dim() > 0:
                right.index_fill_(0, mask.squeeze(), 0.0)
            return self.criterion(x, right.clone().detach())

    class Model(nn.Module):
        def __init__(self, vocabulary, width):
            super().__init__()
            self.embed = nn.Sequential(
                nn.Embedding(vocabulary, width), Positions(width)
            )
            self.own, self.past, self.across = clones(Attention(2, width), 3)
            self.norms = clones(Norm(width), 5)
            self.project = nn.Linear(width, vocabulary)

        def encode(self, src, mask):
            x = self.embed(src)
            y = self.norms[0](x)
            return self.norms[1](x + self.own(y, y, y, mask))

        def decode(self, memory, src_mask, tgt, tgt_mask):
            x = self.embed(tgt)
            y = self.norms[2](x)
            x = x + self.past(y, y, y, tgt_mask)
            x = x + self.across(self.norms[3](x), memory, memory, src_mask)
            out = self.project(self.norms[4](x).relu())
            return F.log_softmax(out, dim=-1)

    data = torch.tensor([[1, 4, 2, 5, 3, 0], [1, 3, 5, 2, 4, 2]])
    model = Model(7, 8).double()
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    set_weights(torch, model)
    criterion = Smoothing(7, 0, 0.1)
    optimizer = torch.optim.Adam(
        model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer=optimizer, lr_lambda=lambda step: 0.02 * min(1, (step + 1) / 3)
    )
    found = []
    for _ in range(4):
        src, tgt = data, data[:, :-1]
        src_mask = (src != 0).unsqueeze(-2)
        tgt_mask = (tgt != 0).unsqueeze(-2)
        tgt_mask = tgt_mask & following(tgt.size(-1)).type_as(tgt_mask.data)
        count = (data[:, 1:] != 0).data.sum()
        out = model.decode(model.encode(src, src_mask), src_mask, tgt, tgt_mask)
        flat = out.contiguous().view(-1, out.size(-1))
        loss = criterion(flat, data[:, 1:].contiguous().view(-1)) / count
        loss.backward()
        found += [loss.data.item(), optimizer.param_groups[0]["lr"]]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
    src_mask = torch.ones(1, 1, 6)
    memory = model.encode(data[:1], src_mask)
    ys = torch.zeros(1, 1).fill_(1).type_as(data.data)
    for _ in range(4):
        mask = following(ys.size(1)).type_as(data.data)
        _, word = torch.max(model.decode(memory, src_mask, ys, mask)[:, -1], dim=1)
        word = word.data[0]
        ys = torch.cat([ys, torch.empty(1, 1).type_as(data).fill_(word)], dim=1)
    return [*found, *ys[0].tolist()]


# --- batch norm by hand, and layers that are plain classes ----------------------------


def layers_by_hand(torch, nn, F):
    class BatchNorm:
        def __init__(self, width, momentum=0.1):
            self.gain, self.bias = torch.ones(width), torch.zeros(width)
            self.running = torch.zeros(width)
            self.momentum = momentum

        def __call__(self, x):
            dim = 0 if x.ndim == 2 else (0, 1)
            mean = x.mean(dim, keepdim=True)
            var = x.var(dim, keepdim=True)
            with torch.no_grad():
                self.running = (1 - self.momentum) * self.running + (
                    self.momentum * mean.view(-1)
                )
            self.out = self.gain * (x - mean) / torch.sqrt(var + 1e-5) + self.bias
            return self.out

    table = waves(torch, 9, 4)
    w1, w2 = waves(torch, 8, 6, scale=0.5), waves(torch, 12, 9, scale=0.5)
    norm = BatchNorm(6)
    parameters = [table, w1, w2, norm.gain, norm.bias]
    for p in parameters:
        p.requires_grad = True
    x = torch.tensor([[1, 2, 3, 4], [4, 5, 6, 7], [8, 0, 1, 3], [2, 2, 5, 8]])
    y = torch.tensor([5, 8, 0, 1])
    found = [sum(p.nelement() for p in parameters)]
    for _ in range(4):
        pairs = table[x].view(x.shape[0], x.shape[1] // 2, -1)
        h = torch.tanh(norm(pairs @ w1))
        h.retain_grad()
        logits = h.view(h.shape[0], -1).squeeze(1) @ w2
        loss = F.cross_entropy(logits, y)
        for p in parameters:
            p.grad = None
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
        with torch.no_grad():
            ratios = [((0.1 * p.grad).std() / p.data.std()).log10() for p in [w1, w2]]
        found += [loss.log10().item(), *[r.item() for r in ratios]]
    found += [(h.abs() > 0.9).double().mean().item(), h.grad.abs().max().item()]
    mean = torch.tensor(found).view(-1, len(found)).mean(1)
    probs = F.softmax(logits, 1)
    probs = probs.detach().clone()
    probs[range(4), y] -= 1
    best = logits.max(1, keepdim=True).values
    hot = F.one_hot(logits.max(dim=1).indices, num_classes=logits.shape[1])
    same = torch.allclose(best, (hot * logits).sum(1, keepdim=True))
    numbers = [mean.item(), probs.sum().item(), probs[0, 5].item(), same]
    return found + numbers + norm.running.tolist()


def counts_of_letters(torch, nn, F):
    words = ["anna", "bob", "cab", "dad"]
    index = {c: i + 1 for i, c in enumerate("abcdn o")}
    index["."] = 0
    counts = torch.zeros((9, 9), dtype=torch.int32)
    for word in words:
        letters = [".", *word, "."]
        for a, b in pairwise(letters):
            counts[index[a], index[b]] += 1
    P = (counts + 1).float()
    P /= P.sum(1, keepdims=True)
    total, n = 0.0, 0
    xs, ys = [], []
    for word in words:
        letters = [".", *word, "."]
        for a, b in pairwise(letters):
            total += torch.log(P[index[a], index[b]])
            n += 1
            xs.append(index[a])
            ys.append(index[b])
    found = [(-total / n).item(), P[0].sum().item()]
    xs, ys = torch.tensor(xs), torch.tensor(ys)
    W = waves(torch, 9, 9).requires_grad_()
    for _ in range(3):
        logits = F.one_hot(xs, num_classes=9).double() @ W
        e = logits.exp()
        p = e / e.sum(1, keepdims=True)
        loss = -p[torch.arange(xs.nelement()), ys].log().mean() + 0.01 * (W**2).mean()
        W.grad = None
        loss.backward()
        W.data += -5 * W.grad
        found.append(loss.item())
    return found


def from_scratch(torch, nn, F):
    X = waves(torch, 20, 2)
    true_w = torch.tensor([2, -3.4], dtype=torch.float64)
    y = (torch.matmul(X, true_w) + 4.2).reshape((-1, 1))
    w = waves(torch, 2, 1, scale=0.1).requires_grad_(True)
    b = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    found = []
    for start in range(0, len(X), 5):
        at = torch.tensor(list(range(start, min(start + 5, len(X)))))
        y_hat = torch.matmul(X[at], w) + b
        loss = (y_hat - y[at].reshape(y_hat.shape)) ** 2 / 2
        loss.sum().backward()
        with torch.no_grad():
            for p in [w, b]:
                p -= 0.03 * p.grad / 5
                p.grad.zero_()
        found.append(loss.mean().item())
    W = waves(torch, 4, 3, scale=0.1).requires_grad_()
    images, labels = waves(torch, 6, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    powers = torch.exp(torch.matmul(images.reshape((-1, W.shape[0])), W))
    y_hat = powers / powers.sum(1, keepdim=True)
    loss = -torch.log(y_hat[range(len(y_hat)), labels])
    loss.sum().backward()
    right = y_hat.argmax(axis=1).type(labels.dtype) == labels
    found += [float(right.type(labels.dtype).sum()), labels.numel()]
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).double()

    def start_again(m):
        if type(m) is nn.Linear:
            nn.init.normal_(m.weight, std=0.01)

    net.apply(start_again)
    set_weights(torch, net)
    net[1].bias.data.fill_(0)
    trainer = torch.optim.SGD(net.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss(reduction="none")
    for _ in range(2):
        loss = criterion(net(images), labels)
        trainer.zero_grad()
        loss.mean().backward()
        trainer.step()
        found.append(loss.sum().item())
    A = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    A[1, 2] = 17
    A[:2, 0:1] = 12
    Z = torch.zeros_like(A)
    Z[:] = A + A
    found += [A.sum().item(), Z.cumsum(axis=0)[2].tolist(), *A.shape, A.numel()]
    return found


PROGRAMS = [
    language_model,
    encoder_and_decoder,
    layers_by_hand,
    counts_of_letters,
    from_scratch,
]


@needs_torch
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", ["python", "numpy"])
def test_a_program_gives_what_it_gives_with_pytorch(program, name):
    import torch

    torch.set_default_dtype(torch.float64)
    try:
        want = program(torch, torch.nn, torch.nn.functional)
    finally:
        torch.set_default_dtype(torch.float32)
    with use_backend(name, "float64"):
        got = program(tinygrad_attn, nn, nn.functional)
    assert len(got) == len(want)
    rel = 1e-6 if program is counts_of_letters else 1e-9  # .float() has 32 bits there
    for a, b in zip(got, want):
        assert a == pytest.approx(b, rel=rel, abs=1e-12)
