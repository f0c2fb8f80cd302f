"""What the tests of programs in plain Python share: models, and a Python without us."""

from __future__ import annotations

import copy
import subprocess
import sys

from conftest import flatten
from targets import assert_near

import nn
from tinygrad_attn import Tensor, compile, manual_seed, write
from tinygrad_attn.functional import cross_entropy

NEAR = 1e-12


class GPT(nn.Module):
    """Tokens to the next tokens."""

    def __init__(self, vocab=11, d=8, heads=2, length=6):
        self.tokens = nn.Embedding(vocab, d)
        self.positions = nn.LearnedPositions(length, d)
        layer = nn.TransformerEncoderLayer(
            d, heads, d_ff=2 * d, dropout=0.0, norm_first=True
        )
        self.layers = nn.ModuleList([layer])
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab)

    def forward(self, tokens):
        x = self.positions(self.tokens(tokens))
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.head(self.norm(x))

    def loss(self, tokens, labels):
        scores = self(tokens)
        return cross_entropy(scores.reshape(-1, scores.shape[-1]), labels.reshape(-1))


class Encoder(nn.Module):
    """Padded sequences to a class for each, with dropout."""

    def __init__(self, vocab=9, d=8, heads=2, classes=3):
        self.tokens = nn.Embedding(vocab, d)
        self.layer = nn.TransformerEncoderLayer(d, heads, d_ff=12, dropout=0.25)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(d, classes)

    def loss(self, tokens, labels):
        x = self.drop(self.tokens(tokens))
        x = self.layer(x, src_key_padding_mask=tokens != 0)
        return cross_entropy(self.head(x.mean(axis=1)), labels)


def eager_step(model, optimizer, *inputs):
    loss = model.loss(*inputs)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def parameters_of(model, twin):
    """The parameters of two models, without those whose true gradient is 0: the bias of
    the keys moves all energies of a row alike. Adam divides its rounding by itself."""
    for (name, p), q in zip(model.named_parameters(), twin.parameters()):
        if not name.endswith("k_proj.bias"):
            yield name, p, q


def trained_alike(model, optimizer_of, batches, steps):
    """Trains eagerly and by a program, and compares all that there is."""
    twin = copy.deepcopy(model)
    optimizer, other = optimizer_of(model), optimizer_of(twin)
    step = compile(twin.loss, update=other, target="python")
    for k in range(steps):
        batch = batches[k % len(batches)]
        manual_seed(k)
        want = eager_step(model, optimizer, *batch)
        manual_seed(k)
        assert_near(f"loss {k}", step(*batch), want, NEAR)
    for name, p, q in parameters_of(model, twin):
        assert_near(name, q, p, NEAR)
        for slot, array in optimizer.state[p].items():
            if slot == "step":
                assert other.state[q][slot] == array == steps
            else:
                got = Tensor(other.state[q][slot])
                assert_near(f"{slot} of {name}", got, Tensor(array), NEAR)


def same(got, want):
    """To the last bit, nan for nan and -0.0 for -0.0."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert [*map(repr, flatten(got.tolist()))] == [*map(repr, flatten(want.tolist()))]


def runs_alike(function, *inputs):
    """The program gives what the function gives, to the last bit; returns it."""
    names = "abcdef"[: len(inputs)]
    step = write(function, dict(zip(names, inputs)), target="python")
    found, wanted = step(*inputs), function(*inputs)
    several = isinstance(wanted, (tuple, list))
    for got, want in zip(found, wanted) if several else [(found, wanted)]:
        same(got, want)
    return step


# --- a Python without this package ----------------------------------------------------

# Nothing of this package can be imported after it.
ALONE = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tinygrad_attn", "numpy", "nn"):
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
"""


def python(code, *args):
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, *args, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
