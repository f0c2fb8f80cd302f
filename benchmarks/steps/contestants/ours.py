"""tinygrad_attn: the step as one writes it, and the program written from it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import nn
from tinygrad_attn import Tensor, manual_seed, randn, set_backend, use_backend
from tinygrad_attn.functional import cross_entropy, layer_norm, softmax

from ..workloads import BETAS, EPS, LR, WEIGHT_DECAY, Workload
from . import Missing, Step


class Transformer(nn.Module):
    """Tokens and positions, pre-norm layers, a score for each token at each place."""

    def __init__(self, w: Workload) -> None:
        self.tokens = nn.Embedding(w.vocabulary, w.width, std=0.02)
        self.positions = nn.LearnedPositions(w.length, w.width, std=0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                w.width, w.heads, 4 * w.width, dropout=0.0, norm_first=True
            )
            for _ in range(w.layers)
        )
        self.norm = nn.LayerNorm(w.width)
        self.head = nn.Linear(w.width, w.vocabulary)
        self.causal = w.causal

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) integers → (B, T, V) scores."""
        x = self.positions(self.tokens(tokens))  # (B, T, d)
        for layer in self.layers:
            x = layer(x, is_causal=self.causal)
        return self.head(self.norm(x))  # type: ignore[no-any-return]

    def loss(self, tokens: Tensor, labels: Tensor) -> Tensor:
        """The mean over all places, in nats."""
        logits = self(tokens)
        return cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1))


def initial_weights(w: Workload) -> dict[str, Any]:
    """Name → array of float32, of a fresh model."""
    import numpy as np

    with use_backend("numpy"):
        manual_seed(0)
        state = Transformer(w).state_dict()
        return {name: np.asarray(t.array) for name, t in state.items()}


def trained(w: Workload, weights: dict[str, Any]) -> tuple[Transformer, Any]:
    """The model with these weights, and its optimizer."""
    model = Transformer(w)
    model.load_state_dict({name: Tensor(v) for name, v in weights.items()})
    optimizer = nn.optim.AdamW(
        model.parameters(), LR, betas=BETAS, eps=EPS, weight_decay=WEIGHT_DECAY
    )
    return model, optimizer


def step(variant: str, w: Workload, weights: dict[str, Any]) -> Step:
    """One step, eager or by a program."""
    set_backend("python" if variant == "python" else "numpy")
    model, optimizer = trained(w, weights)
    if variant != "eager":
        return program(variant, w, model, optimizer)

    def eager(tokens: Any, labels: Any) -> float:
        loss = model.loss(Tensor(tokens), Tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()  # type: ignore[no-any-return]

    return eager


def program(target: str, w: Workload, model: Transformer, optimizer: Any) -> Step:
    """The written program of a target. If another would run instead, here or at the
    first step, it is Missing."""
    from tinygrad_attn.program.compiling import Fallback
    from tinygrad_attn.program.write import MACHINES, write

    if target not in MACHINES:
        raise Missing(f"no program is written in {target} so far")
    zeros = Tensor([[0] * w.length] * w.batch)
    example = {"tokens": zeros, "labels": zeros}
    warnings.simplefilter("error", Fallback)
    try:
        run = write(model.loss, example, update=optimizer, target=target)
    except Fallback as warning:
        raise Missing(warning.why) from warning

    def step(tokens: Any, labels: Any) -> float:
        if target == "python":
            tokens, labels = Tensor(tokens), Tensor(labels)
        try:
            return run(tokens, labels).item()  # type: ignore[no-any-return]
        except Fallback as warning:
            raise Missing(warning.why) from warning

    return step


def writing(
    target: str, w: Workload, weights: dict[str, Any], batch: Any
) -> dict[str, float]:
    """Seconds from a function to its program, and to the end of the first run; the
    model and the optimizer are there."""
    set_backend("python" if target == "python" else "numpy")
    model, optimizer = trained(w, weights)
    began = time.perf_counter()
    run = program(target, w, model, optimizer)
    written = time.perf_counter() - began
    run(*batch)
    return {"written": written, "first": time.perf_counter() - began}


# --- small operations -----------------------------------------------------------------


def operations() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Name → what computes one (recorded) and what walks back from its result. The
    names and shapes are those of operations.py."""
    set_backend("numpy")
    manual_seed(0)
    x, y = (Tensor(randn(16, 16), requires_grad=True) for _ in range(2))
    weight, bias = (Tensor(randn(16), requires_grad=True) for _ in range(2))
    given = {z.shape: z for z in (randn(16, 16), randn())}

    def back(z: Tensor) -> None:
        x.grad = y.grad = weight.grad = bias.grad = None
        z.backward(given[z.shape])

    forwards: dict[str, Callable[[], Any]] = {
        "add": lambda: x + y,
        "mul": lambda: x * y,
        "matmul": lambda: x @ y,
        "exp": lambda: x.exp(),
        "sum": lambda: x.sum(),
        "softmax": lambda: softmax(x, -1),
        "layer_norm": lambda: layer_norm(x, 16, weight, bias),
    }
    return {name: (forward, back) for name, forward in forwards.items()}
