"""JAX: the step as one jitted function, which may reuse the old weights' memory."""

from __future__ import annotations

import math
from functools import partial
from importlib import import_module
from typing import Any

from ..workloads import BETAS, EPS, LR, WEIGHT_DECAY, Workload, fused
from . import Step

jax: Any = import_module("jax")
jax.config.update("jax_cpu_enable_async_dispatch", False)  # no second thread
jnp: Any = import_module("jax.numpy")


def linear(weights: dict[str, Any], name: str, x: Any) -> Any:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def norm(weights: dict[str, Any], name: str, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scale = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
    return centred * scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attention(w: Workload, qkv: Any) -> Any:
    """(B, T, 3 d) → (B, T, d)."""
    b, t, d = w.batch, w.length, w.width
    parts = qkv.reshape(b, t, 3, w.heads, d // w.heads)
    q, k, v = (parts[:, :, i].transpose(0, 2, 1, 3) for i in range(3))  # (B, H, T, k)
    energies = q @ k.swapaxes(-1, -2) * (1.0 / math.sqrt(d // w.heads))
    if w.causal:
        energies = jnp.where(jnp.tril(jnp.ones((t, t), bool)), energies, -jnp.inf)
    z = jax.nn.softmax(energies, -1) @ v
    return z.transpose(0, 2, 1, 3).reshape(b, t, d)


def loss_of(w: Workload, weights: dict[str, Any], tokens: Any, labels: Any) -> Any:
    x = weights["tokens.weight"][tokens] + weights["positions.weight"]
    for i in range(w.layers):
        layer = f"layers.{i}"
        y = norm(weights, f"{layer}.norm1", x)
        z = attention(w, linear(weights, f"{layer}.qkv_proj", y))
        x = x + linear(weights, f"{layer}.self_attn.out_proj", z)
        y = norm(weights, f"{layer}.norm2", x)
        y = jax.nn.relu(linear(weights, f"{layer}.feed_forward.linear1", y))
        x = x + linear(weights, f"{layer}.feed_forward.linear2", y)
    log_p = jax.nn.log_softmax(linear(weights, "head", norm(weights, "norm", x)), -1)
    return -jnp.take_along_axis(log_p, labels[..., None], -1).mean()


def training_step(w: Workload, state: Any, tokens: Any, labels: Any) -> Any:
    """The loss, and the weights and means after AdamW's step t."""
    t, weights, m, v = state
    loss, g = jax.value_and_grad(partial(loss_of, w))(weights, tokens, labels)
    t = t + 1
    each = jax.tree.map
    m = each(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, m, g)
    v = each(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, v, g)
    first, second = 1 - BETAS[0] ** t, 1 - BETAS[1] ** t

    def moved(w: Any, m: Any, v: Any) -> Any:
        pace = (m / first) / (jnp.sqrt(v / second) + EPS)
        return w * (1 - LR * WEIGHT_DECAY) - LR * pace

    return loss, (t, each(moved, weights, m, v), m, v)


def step(variant: str, w: Workload, weights: dict[str, Any]) -> Step:
    """One step."""
    given = fused(weights, w.layers)
    mine = {name: jnp.asarray(v) for name, v in given.items()}
    m, v = (jax.tree.map(jnp.zeros_like, mine) for _ in range(2))
    state = jnp.float32(0), mine, m, v
    jitted = jax.jit(partial(training_step, w), donate_argnums=0)

    def run(tokens: Any, labels: Any) -> float:
        nonlocal state
        loss, state = jitted(state, tokens, labels)
        return float(loss)

    return run
