"""tinygrad: the whole step under TinyJit, which replays its kernels.

On a CPU it compiles them with clang, which must be installed beside it. (A good part of
a small step is what it takes to make Tensors of tokens and labels.)
"""

from __future__ import annotations

import math
import shutil
from importlib import import_module
from typing import Any

from ..workloads import BETAS, EPS, LR, WEIGHT_DECAY, Workload, fused
from . import Missing, Step

tinygrad: Any = import_module("tinygrad")
optim: Any = import_module("tinygrad.nn.optim")
Tensor: Any = tinygrad.Tensor


class Model:
    """The forward, on weights by name."""

    def __init__(self, w: Workload, weights: dict[str, Any]) -> None:
        self.w, self.weights = w, weights
        self.mask = Tensor.ones(w.length, w.length).tril() > 0

    def linear(self, name: str, x: Any) -> Any:
        return x.linear(
            self.weights[f"{name}.weight"].transpose(), self.weights[f"{name}.bias"]
        )

    def norm(self, name: str, x: Any) -> Any:
        scaled = x.layernorm(eps=1e-5) * self.weights[f"{name}.weight"]
        return scaled + self.weights[f"{name}.bias"]

    def attention(self, qkv: Any) -> Any:
        """(B, T, 3 d) → (B, T, d)."""
        w = self.w
        parts = qkv.reshape(w.batch, w.length, 3, w.heads, w.width // w.heads)
        q, k, v = (parts[:, :, i].transpose(1, 2) for i in range(3))
        energies = q @ k.transpose(-1, -2) * (1.0 / math.sqrt(w.width // w.heads))
        if w.causal:
            energies = self.mask.where(energies, -math.inf)
        z = energies.softmax(-1) @ v
        return z.transpose(1, 2).reshape(w.batch, w.length, w.width)

    def loss(self, tokens: Any, labels: Any) -> Any:
        x = self.weights["tokens.weight"][tokens] + self.weights["positions.weight"]
        for i in range(self.w.layers):
            layer = f"layers.{i}"
            y = self.norm(f"{layer}.norm1", x)
            z = self.attention(self.linear(f"{layer}.qkv_proj", y))
            x = x + self.linear(f"{layer}.self_attn.out_proj", z)
            y = self.norm(f"{layer}.norm2", x)
            y = self.linear(f"{layer}.feed_forward.linear1", y).relu()
            x = x + self.linear(f"{layer}.feed_forward.linear2", y)
        logits = self.linear("head", self.norm("norm", x))
        return logits.reshape(-1, self.w.vocabulary).sparse_categorical_crossentropy(
            labels.reshape(-1)
        )


def step(variant: str, w: Workload, weights: dict[str, Any]) -> Step:
    """One step."""
    if tinygrad.Device.DEFAULT == "CPU" and not shutil.which("clang"):
        raise Missing("tinygrad needs clang")
    given = fused(weights, w.layers)
    mine = {name: Tensor(v).contiguous().realize() for name, v in given.items()}
    for t in mine.values():
        t.requires_grad = True
    model = Model(w, mine)
    model.mask.realize()
    optimizer = optim.AdamW(
        [*mine.values()],
        LR,
        b1=BETAS[0],
        b2=BETAS[1],
        eps=EPS,
        weight_decay=WEIGHT_DECAY,
    )

    @tinygrad.TinyJit  # type: ignore[untyped-decorator]
    def jitted(tokens: Any, labels: Any) -> Any:
        optimizer.zero_grad()
        loss = model.loss(tokens, labels).backward()
        return loss.realize(*optimizer.schedule_step())

    def run(tokens: Any, labels: Any) -> float:
        with tinygrad.Context(TRAINING=1):
            loss = jitted(Tensor(tokens).realize(), Tensor(labels).realize())
            return loss.item()  # type: ignore[no-any-return]

    return run
