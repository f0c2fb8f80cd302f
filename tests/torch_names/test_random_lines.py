"""PyTorch's calls with random shapes, dtypes and axes: equal values, shapes, dtypes and
gradients, or one clear sentence. No difference is silent."""

from __future__ import annotations

import math
import random

import pytest
from conftest import needs_torch

import tinygrad_attn
from tinygrad_attn import Tensor, functional, use_backend

SHAPES = [(), (1,), (3,), (0,), (2, 3), (3, 3), (1, 3), (2, 0), (2, 1, 3), (2, 2, 3)]
LINES = """
x.sum({d}) x.sum(dim={d},keepdim=True) x.sum(dim=(0,-1)) x.mean({d}) x.std({d})
x.var({d},False) x.max({d}) x.max({d},True) x.min(dim={d}) x.max(y) torch.min(x,y)
x.amax({d}) x.amin({d},True) x.argmax({d}) x.argmin({d},True) x.prod({d}) x.cumsum({d})
x.cumprod({d}) x.all({d}) x.any({d},keepdim=True) x.norm(dim={d}) x.norm(1,{d})
x.norm(0) x.logsumexp({d}) x.softmax({d}) F.log_softmax(x,{d}) x.view(-1)
x.reshape(1,-1) x.reshape(-1,3) x.flatten({d}) x.unflatten({d},(1,-1)) x.squeeze({d})
x.unsqueeze({d}) x.t() x.mT x.transpose(0,{d}) x.permute({d},0) x.movedim(0,{d})
x.expand(2,-1) x.expand(2,2,3) x.repeat(2,1) x.tile(2) x.repeat_interleave(2,{d})
x.flip({d}) x.roll(1,{d}) x.unbind({d}) x.split(2,{d}) x.split([1,2],dim=-1)
x.topk(1,{d}) x.sort({d}) x.sort({d},True) x.argsort({d}) x.abs() -x x.sign() x.floor()
x.round() x.trunc() x.exp() x.sigmoid() ~x x.logical_not() x.bool() x.long() x.clone()
x.size({d}) x.isnan() x+y x-y x*y x/y x//2 x%2 x==y x<y x&y x|y x.add(y,alpha=2)
x.sub(y) x.mul(y) x.div(y) x.div(2,rounding_mode="trunc") x.eq(y) x.ge(0)
x.logical_and(y) x.logical_xor(y) x.clamp(-1,1) x.clamp(min=y) x@y x@y.mT x.mm(y)
x.bmm(y.mT) x.mv(y) x.dot(y) torch.outer(x,y) torch.einsum("ij,kj->ik",x,y)
x.diagonal(1) x.diagonal(0,-2,-1) x.trace() x.tril() x.triu(1) torch.diag(x) x.unique()
x.masked_fill(m,0) x.masked_fill(m,torch.tensor(2.0)) x.masked_select(m) x[m]
torch.where(m,x,y) torch.where(m) x.nonzero() x.gather({d},i) x.index_select({d},j)
x.scatter({d},i,9) x.scatter_add({d},i,x) x.index_add({d},j,x) x[j] x[...,0] x[-1]
x[:,None] x[::2] x[...,j] x[0:5] torch.cat([x,y],{d}) torch.stack([x,y],{d})
torch.hstack([x,y]) torch.vstack([x,y]) torch.cat([x,m]) torch.zeros_like(x)
torch.full_like(x,3) x.new_ones(2,1) x.to(y) x.type_as(y) x.lerp(y,0.5) F.pad(x,(1,1))
F.one_hot(x.abs()) F.normalize(x,dim={d}) F.cosine_similarity(x,y,dim={d})
torch.cdist(x,y) torch.linalg.norm(x) torch.bincount(x)
torch.meshgrid(x,x,indexing="ij") F.mse_loss(x,y) F.l1_loss(x,y) F.smooth_l1_loss(x,y)
F.relu(x) F.softplus(x) F.gelu(x) x.equal(y) x.isclose(x) x.item() len(x)
"""
CALLS = LINES.split()
# Where one is stricter, by choice: sums over () and steps below 0, say, are not here.
ROUNDS, FLAT = 8, ("sign", "floor", "round", "trunc", "//", "rounding_mode", "norm(0)")


def numbers(shape, kind, k):
    """Numbers, the same at each run; ties among those of y."""
    n = math.prod(shape)
    if kind == "float64":
        flat = [round(1.7 * math.sin(1.3 * i * i + k), 2) for i in range(n)]
    elif kind == "int64":
        flat = [(i * 7 + k * 3) % 11 - 5 for i in range(n)]
    else:
        flat = [(i * 5 + k) % 3 == 0 for i in range(n)]
    return flat


def scope(module, make, x, y):
    names = {"torch": module, "x": make(*x, 1), "y": make(*y, 2)}
    names["m"] = make(x[0], "bool", 1)
    names["i"] = make(x[0], "int64", 1) % 2
    names["j"] = make((2,), "int64", 0) * 0
    return names


def parts(z):
    """The tensors and numbers of a result."""
    if isinstance(z, (tuple, list)):
        return [p for v in z for p in parts(v)]
    return [z]


def plain(z):
    found = []
    for v in parts(z):
        if hasattr(v, "tolist"):
            dtype = str(v.dtype).removeprefix("torch.")
            found.append((tuple(v.shape), KINDS.get(dtype, dtype), flat_of(v)))
        else:
            found.append(v)
    return found


KINDS = {"int32": "int64", "float32": "float64"}


def flat_of(t):
    return t.detach().reshape(-1).tolist()


def gradients(z, names):
    outs = [v for v in parts(z) if hasattr(v, "requires_grad") and v.requires_grad]
    if not outs:
        return {}
    sum(((v * v + v).sum() for v in outs), 0.0).backward()
    return {
        k: flat_of(names[k].grad)
        for k in ("x", "y")
        if names[k].requires_grad and names[k].grad is not None
    }


def close(a, b):
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return a == pytest.approx(b, rel=1e-6, abs=1e-9, nan_ok=True)
    return a == b


@needs_torch
@pytest.mark.parametrize("call", CALLS)
def test_a_call_gives_the_same_or_says_why_not(call):
    import torch

    def theirs(shape, kind, k):
        t = torch.tensor(numbers(shape, kind, k), dtype=getattr(torch, kind))
        t = t.reshape(shape)
        return t.requires_grad_() if kind == "float64" else t

    def ours(shape, kind, k):
        t = Tensor(numbers(shape, kind, k), dtype=kind).reshape(shape).clone()
        return t.requires_grad_() if kind == "float64" else t

    for seed in range(ROUNDS):
        draw = random.Random(f"{call} {seed}")
        shape, kind = draw.choice(SHAPES), draw.choice(["float64", "int64", "bool"])
        x = (shape, draw.choice(["float64", kind]))
        y = (draw.choice([shape, shape, (), (3,), (2, 3)]), draw.choice([x[1], kind]))
        line = call.replace("{d}", str(draw.choice([0, -1, 1, 0, -1, -2, 2, 5])))
        try:
            names = scope(torch, theirs, x, y)
            z = eval(line, {"F": torch.nn.functional, **names})
            want, wanted = plain(z), gradients(z, names)
        except Exception:
            want = wanted = None
        with use_backend(draw.choice(["python", "numpy"]), "float64"):
            names = scope(tinygrad_attn, ours, x, y)
            try:
                z = eval(line, {"F": functional, **names})
            except (TypeError, ValueError, IndexError, RuntimeError) as error:
                said = str(error)
                assert "\n" not in said, (line, x, y)
                assert ": " in said, (line, x, y, said)
                assert "argument" not in said, (line, x, y, said)
                continue
            except ZeroDivisionError:
                continue
            if want is None:  # PyTorch has no rule for these dtypes
                continue
            got = plain(z)
            same_kinds = [a[:2] for a in got if isinstance(a, tuple)]
            if 0 not in [math.prod(s) for s, _ in same_kinds] or x[1] == "float64":
                assert close(got, want), (line, x, y)
            if not any(name in line for name in FLAT):
                found = gradients(z, names)
                assert found.keys() == wanted.keys(), (line, x, y)
                for k, g in found.items():
                    assert close(g, wanted[k]), (line, x, y, k)
