"""HIPS autograd: a function on NumPy's arrays, differentiated; AdamW on one vector."""

from __future__ import annotations

import math
from functools import partial
from importlib import import_module
from typing import Any

from ..workloads import BETAS, EPS, LR, WEIGHT_DECAY, Workload
from . import Step

autograd: Any = import_module("autograd")
np: Any = import_module("autograd.numpy")
plain: Any = import_module("numpy")


def linear(weights: dict[str, Any], name: str, x: Any) -> Any:
    """On rows: a batch of products would have a gradient for each, and add them up."""
    rows = np.reshape(x, (-1, x.shape[-1]))
    z = np.dot(rows, weights[f"{name}.weight"].T) + weights[f"{name}.bias"]
    return np.reshape(z, (*x.shape[:-1], z.shape[-1]))


def norm(weights: dict[str, Any], name: str, x: Any) -> Any:
    centred = x - np.mean(x, -1, keepdims=True)
    variance = np.mean(centred * centred, -1, keepdims=True)
    x_hat = centred / np.sqrt(variance + plain.float32(1e-5))
    return x_hat * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attention(w: Workload, mask: Any, q: Any, k: Any, v: Any) -> Any:
    """Three arrays (B, T, d) → (B, T, d)."""
    b, t, d = w.batch, w.length, w.width

    def split(x: Any) -> Any:
        return np.transpose(np.reshape(x, (b, t, w.heads, d // w.heads)), (0, 2, 1, 3))

    scale = plain.float32(1.0 / math.sqrt(d // w.heads))
    energies = np.matmul(split(q), np.transpose(split(k), (0, 1, 3, 2))) * scale
    if mask is not None:
        energies = energies + mask
    e = np.exp(energies - np.max(energies, -1, keepdims=True))
    z = np.matmul(e / np.sum(e, -1, keepdims=True), split(v))
    return np.reshape(np.transpose(z, (0, 2, 1, 3)), (b, t, d))


def loss_of(
    w: Workload, mask: Any, weights: dict[str, Any], tokens: Any, labels: Any
) -> Any:
    x = weights["tokens.weight"][tokens] + weights["positions.weight"]
    for i in range(w.layers):
        layer = f"layers.{i}"
        y = norm(weights, f"{layer}.norm1", x)
        qkv = (linear(weights, f"{layer}.self_attn.{n}_proj", y) for n in "qkv")
        z = attention(w, mask, *qkv)
        x = x + linear(weights, f"{layer}.self_attn.out_proj", z)
        y = norm(weights, f"{layer}.norm2", x)
        y = np.maximum(linear(weights, f"{layer}.feed_forward.linear1", y), 0)
        x = x + linear(weights, f"{layer}.feed_forward.linear2", y)
    logits = linear(weights, "head", norm(weights, "norm", x))
    rows = np.reshape(logits, (-1, w.vocabulary))
    shifted = rows - np.max(rows, -1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), -1, keepdims=True))
    return -np.mean(log_p[plain.arange(labels.size), labels.reshape(-1)])


def step(variant: str, w: Workload, weights: dict[str, Any]) -> Step:
    """One step. The weights are views of one vector."""
    names = [*weights]
    vector = plain.concatenate([weights[n].reshape(-1) for n in names])
    m, v = plain.zeros_like(vector), plain.zeros_like(vector)
    mine, start = {}, 0
    for name in names:
        size, shape = weights[name].size, weights[name].shape
        mine[name] = vector[start : start + size].reshape(shape)
        start += size
    mask = None
    if w.causal:
        below = plain.tril(plain.ones((w.length, w.length), bool))
        mask = plain.where(below, 0, -plain.inf).astype("float32")
    differentiated = autograd.value_and_grad(partial(loss_of, w, mask))
    t = 0

    def run(tokens: Any, labels: Any) -> float:
        nonlocal t
        loss, gradients = differentiated(mine, tokens, labels)
        g = plain.concatenate([gradients[n].reshape(-1) for n in names])
        t += 1
        m[:] = BETAS[0] * m + (1 - BETAS[0]) * g
        v[:] = BETAS[1] * v + (1 - BETAS[1]) * (g * g)
        vector[:] *= 1 - LR * WEIGHT_DECAY
        root = plain.sqrt(v / (1 - BETAS[1] ** t)) + EPS
        vector[:] -= LR / (1 - BETAS[0] ** t) * m / root
        return float(loss)

    return run
