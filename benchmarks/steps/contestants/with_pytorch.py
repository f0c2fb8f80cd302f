"""PyTorch: the model as fast programs have it, with its own layer, and compiled.

The fast model has one projection for queries, keys and values and PyTorch's
`scaled_dot_product_attention`. `nn.TransformerEncoderLayer` takes some 10 to 20 % more
time. AdamW is the fused one, its fastest on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..workloads import BETAS, EPS, LR, WEIGHT_DECAY, Workload, fused
from . import Step

torch: Any = import_module("torch")
F: Any = import_module("torch.nn.functional")
Module: Any = torch.nn.Module
torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Layer(Module):  # type: ignore[misc]
    """A pre-norm layer."""

    def __init__(self, w: Workload) -> None:
        super().__init__()
        d, linear, norm = w.width, torch.nn.Linear, torch.nn.LayerNorm
        self.norm1, self.norm2 = norm(d), norm(d)
        self.qkv_proj, self.out_proj = linear(d, 3 * d), linear(d, d)
        self.linear1, self.linear2 = linear(d, 4 * d), linear(4 * d, d)
        self.heads, self.causal = w.heads, w.causal

    def forward(self, x: Any) -> Any:
        b, t, d = x.shape
        q, k, v = (
            part.view(b, t, self.heads, d // self.heads).transpose(1, 2)  # (B, H, T, k)
            for part in self.qkv_proj(self.norm1(x)).split(d, 2)
        )
        z = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        x = x + self.out_proj(z.transpose(1, 2).reshape(b, t, d))
        return x + self.linear2(F.relu(self.linear1(self.norm2(x))))


class Transformer(Module):  # type: ignore[misc]
    """The model, of layers of one kind or the other."""

    def __init__(self, w: Workload, own_layers: bool) -> None:
        super().__init__()
        d = w.width
        self.tokens = torch.nn.Embedding(w.vocabulary, d)
        self.positions = torch.nn.Embedding(w.length, d)
        self.layers = torch.nn.ModuleList(
            torch.nn.TransformerEncoderLayer(
                d, w.heads, 4 * d, 0.0, batch_first=True, norm_first=True
            )
            if own_layers
            else Layer(w)
            for _ in range(w.layers)
        )
        self.norm = torch.nn.LayerNorm(d)
        self.head = torch.nn.Linear(d, w.vocabulary)
        self.given = {}
        if own_layers and w.causal:
            mask = torch.nn.Transformer.generate_square_subsequent_mask(w.length)
            self.given = {"src_mask": mask, "is_causal": True}

    def forward(self, tokens: Any, labels: Any) -> Any:
        """The loss."""
        x = self.tokens(tokens) + self.positions.weight
        for layer in self.layers:
            x = layer(x, **self.given)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def translated(weights: dict[str, Any], w: Workload, own_layers: bool) -> Any:
    """Our weights under the names of this file's model, or of PyTorch's layer."""
    state = {}
    for name, v in fused(weights, w.layers).items():
        name = name.replace("feed_forward.", "")
        if own_layers:
            name = name.replace("qkv_proj.", "self_attn.in_proj_")
        else:
            name = name.replace("self_attn.", "")
        state[name] = torch.from_numpy(v)
    return state


def step(variant: str, w: Workload, weights: dict[str, Any]) -> Step:
    """One step."""
    own = variant == "layer"
    model = Transformer(w, own)
    model.load_state_dict(translated(weights, w, own))
    settings = {"betas": BETAS, "eps": EPS, "weight_decay": WEIGHT_DECAY}
    optimizer = torch.optim.AdamW(model.parameters(), LR, fused=True, **settings)
    loss_of = torch.compile(model) if variant == "compiled" else model
    from_numpy = torch.from_numpy

    def run(tokens: Any, labels: Any) -> float:
        loss = loss_of(from_numpy(tokens), from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()  # type: ignore[no-any-return]

    return run


# --- small operations -----------------------------------------------------------------


def operations() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Name → what computes one (recorded) and what walks back from its result. The
    names and shapes are those of operations.py."""
    torch.manual_seed(0)
    x, y = (torch.randn(16, 16, requires_grad=True) for _ in range(2))
    weight, bias = (torch.randn(16, requires_grad=True) for _ in range(2))
    given = {z.shape: z for z in (torch.randn(16, 16), torch.randn(()))}

    def back(z: Any) -> None:
        x.grad = y.grad = weight.grad = bias.grad = None
        z.backward(given[z.shape])

    forwards: dict[str, Callable[[], Any]] = {
        "add": lambda: x + y,
        "mul": lambda: x * y,
        "matmul": lambda: x @ y,
        "exp": lambda: x.exp(),
        "sum": lambda: x.sum(),
        "softmax": lambda: F.softmax(x, -1),
        "layer_norm": lambda: F.layer_norm(x, (16,), weight, bias),
    }
    return {name: (forward, back) for name, forward in forwards.items()}
