"""The workloads: which model, how many tokens, which numbers.

All contestants get the same initial weights and the same batches, as NumPy's arrays in
a file. The names of weights are those of our model (contestants/ours.py):

    tokens.weight (V, d)                positions.weight (T, d)
    layers.0.norm1.weight, .bias (d,)   layers.0.norm2.weight, .bias (d,)
    layers.0.self_attn.q_proj.weight (d, d), .bias (d,); k_proj, v_proj, out_proj alike
    layers.0.feed_forward.linear1.weight (4 d, d), .bias; linear2.weight (d, 4 d), .bias
    norm.weight, .bias (d,)             head.weight (V, d), .bias (V,)

A layer is a pre-norm layer of a transformer with relu in between, as PyTorch's
`nn.TransformerEncoderLayer(d, heads, 4 * d, dropout=0.0, norm_first=True)` is one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

BATCHES = 4  # different ones, in turns
LR = 1e-3
BETAS = (0.9, 0.999)
EPS = 1e-8
WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class Workload:
    """A model, and how much of what it is trained on.

    Attributes:
        name: what it is called.
        causal: whether it is a GPT, which predicts the next token, or an encoder, which
            reverses.
    """

    name: str
    causal: bool
    layers: int
    width: int
    heads: int
    vocabulary: int
    batch: int
    length: int

    def __str__(self) -> str:
        kind = "GPT" if self.causal else "encoder"
        layers = f"{self.layers} layer{'s' if self.layers > 1 else ''}"
        heads = f"{self.heads} head{'s' if self.heads > 1 else ''}"
        return (
            f"{self.name}: {kind}, {layers}, d {self.width}, {heads}, vocabulary "
            f"{self.vocabulary}, {self.batch} × {self.length} tokens"
        )

    def plain(self) -> dict[str, Any]:
        """What JSON can say."""
        return asdict(self)


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", True, 1, 16, 4, 27, 1, 16),
        Workload("W2", False, 1, 32, 1, 10, 64, 16),
        Workload("W3", True, 4, 128, 4, 65, 12, 64),
        Workload("W4", True, 6, 384, 6, 65, 4, 256),
    )
}


class Given(NamedTuple):
    """What every contestant is given.

    weights: name → array of float32.
    batches: tokens and labels (B, T) each, int64.
    """

    weights: dict[str, Any]
    batches: list[tuple[Any, Any]]


def batches(w: Workload) -> list[tuple[Any, Any]]:
    """Tokens drawn at random, and what is right for them."""
    import numpy as np

    random = np.random.default_rng(1)
    found = []
    for _ in range(BATCHES):
        drawn = random.integers(0, w.vocabulary, (w.batch, w.length + 1))
        tokens = np.ascontiguousarray(drawn[:, :-1])
        labels = drawn[:, 1:] if w.causal else tokens[:, ::-1]
        found.append((tokens, np.ascontiguousarray(labels)))
    return found


def save(path: Path, weights: dict[str, Any], w: Workload) -> None:
    """Writes the file that the contestants read. All weights are moved a little, or
    biases of 0 and norms of 1 could be mixed up and nobody would notice."""
    import numpy as np

    random = np.random.default_rng(2)
    arrays: dict[str, Any] = {
        name: np.asarray(v + 0.02 * random.standard_normal(v.shape), np.float32)
        for name, v in weights.items()
    }
    for i, (tokens, labels) in enumerate(batches(w)):
        arrays |= {f"batch {i} tokens": tokens, f"batch {i} labels": labels}
    np.savez(path, **arrays)


def load(path: Path) -> Given:
    """Reads it."""
    import numpy as np

    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    pairs = [
        (arrays.pop(f"batch {i} tokens"), arrays.pop(f"batch {i} labels"))
        for i in range(BATCHES)
    ]
    return Given(arrays, pairs)


def fused(weights: dict[str, Any], layers: int) -> dict[str, Any]:
    """The weights, with one projection for queries, keys and values (`qkv_proj`, 3 d
    wide) instead of three: fast programs have one product there."""
    import numpy as np

    apart = {
        f"layers.{i}.self_attn.{x}_proj.{part}": (f"layers.{i}.qkv_proj.{part}", x)
        for i in range(layers)
        for part in ("weight", "bias")
        for x in "qkv"
    }
    found = {name: v for name, v in weights.items() if name not in apart}
    for together in dict.fromkeys(name for name, _ in apart.values()):
        three = [weights[n] for n, (whole, _) in apart.items() if whole == together]
        found[together] = np.concatenate(three)
    return found
