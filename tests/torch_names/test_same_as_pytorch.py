"""Lines of PyTorch's, run there and here: equal numbers, dtypes and gradients."""

from __future__ import annotations

import math

import pytest
from conftest import needs_torch

import tinygrad_attn
from tinygrad_attn import Tensor, functional, use_backend

X = [[1.5, -2.0, 0.5], [-0.25, 3.0, 2.5]]
INPUTS = {
    "x": X,
    "y": [[0.5, -2.0, 4.0], [1.0, 0.25, -1.5]],
    "v": [0.3, -1.2, 0.7],
    "p": [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]],
    "i": [[2, 0, 1], [1, 1, 0]],
    "n": [[7, -7, 3], [0, 2, -5]],
    "b": [[True, False, True], [False, False, True]],
    "c": [2, 0],
    "s": 0.75,
}
LINES = """
x.view(3, 2)
x.view(-1)
x.view_as(y)
x.reshape_as(y)
x.permute(1, 0)
x.t()
v.t()
x.transpose(dim0=0, dim1=1)
x.flatten(start_dim=0, end_dim=1)
x.unsqueeze(dim=1)
x.unsqueeze(-1).squeeze(dim=-1)
x.contiguous()
x.clone()
x.float()
x.double()
x.long()
x.int()
x.bool()
n.float()
b.float()
b.int()
x.type(torch.long)
n.type(torch.float64)
n.type_as(x)
x.to("cpu")
x.to(torch.float64)
x.to(torch.device("cpu"), dtype=torch.float64)
n.to(x)
x.sum(dim=1)
x.sum(1, keepdim=True)
x.sum(dim=(0, 1))
x.mean(dim=0)
x.mean(1, keepdim=True)
x.std(dim=1)
x.var(0, keepdim=True)
x.std(1, correction=0)
x.prod()
x.prod(dim=1)
x.max()
x.max(dim=1).values
x.max(dim=1).indices
x.max(1, keepdim=True).values
x.min(dim=0).values
x.min(dim=0, keepdim=True).indices
torch.max(x, 1).values
torch.max(x, dim=1)[1]
torch.max(x, y)
torch.min(x, 0).indices
torch.maximum(x, other=y)
x.amax(dim=1)
x.amin(1, keepdim=True)
x.argmax(dim=1)
x.argmax(dim=1, keepdim=True)
x.logsumexp(dim=1)
x.softmax(dim=-1)
x.log_softmax(dim=0)
torch.softmax(x, dim=1)
F.softmax(x, dim=-1)
F.log_softmax(x, dim=-1)
torch.cat([x, y], dim=1)
torch.cat((x, y), dim=0)
torch.stack([v, v], dim=1)
x.split(2, dim=1)[0]
x.split([1, 2], dim=1)[1]
x.chunk(2, dim=1)[0]
torch.unbind(x, dim=1)[2]
x.unbind()[1]
torch.tril(x, diagonal=1)
torch.triu(x, diagonal=1)
x.gather(1, i)
x.gather(dim=1, index=i)
x.masked_fill(b, -1.0)
x.masked_fill(b == 0, float("-inf"))
n.masked_fill(b, 9)
x.masked_select(b)
x.index_select(1, c)
x.expand_as(x)
x.expand(2, 2, 3)
x.repeat(2, 2)
v.repeat(2, 1)
x.repeat_interleave(2, dim=1)
x.repeat_interleave(2)
x.tile(2)
x.flip(0)
x.flip(dims=(0, 1))
torch.flip(x, [1])
x.roll(1)
x.roll(shifts=-1, dims=1)
torch.roll(x, (1, 1), (0, 1))
x.cumsum(dim=1)
n.cumsum(0)
b.cumsum(1)
torch.topk(x, 2).values
x.topk(2, dim=1).indices
torch.topk(x, k=1, dim=-1, largest=False).values
x.sort(dim=1).values
x.sort().indices
torch.sort(x, descending=True)[0]
x.argsort(dim=0)
x.argsort(descending=True)
x.all()
b.all(dim=1)
b.any(dim=1, keepdim=True)
x.any()
x.norm()
x.norm(dim=1)
x.norm(2, dim=1, keepdim=True)
x.norm(p=1)
x.norm(p=float("inf"), dim=1)
x.norm(3)
x.abs()
x.absolute()
x.neg()
x.square()
x.reciprocal()
x.exp().log2()
x.exp().log10()
x.pow(2)
torch.pow(x, 2)
x.add(y)
x.sub(y)
x.mul(y)
x.div(y)
x.clamp(-1.0, 1.0)
x.clamp(min=0.0)
x.clamp_min(0.0)
x.clamp_max(1.0)
x.sign()
n.sign()
x.floor()
x.ceil()
x.round()
torch.round(x * 1.237, decimals=1)
x.trunc()
x.detach() // y.detach()
x % y
n // 3
n % 3
7 // n.masked_fill(n == 0, 1)
7.5 % y.detach()
x.remainder(2.0)
torch.remainder(n, 4)
torch.floor_divide(n, 2)
torch.isnan(x / 0.0 * 0.0)
torch.isinf(x / 0.0)
torch.isfinite(x)
torch.isclose(x, x + 1e-9)
x.eq(1.5)
x.ne(y)
x.gt(0)
x.ge(0.5)
x.lt(y)
x.le(y)
x.logical_not()
torch.logical_and(x, b)
torch.logical_or(n, b)
torch.logical_xor(n, b)
~b
b & (x > 0)
b | (x > 0)
b ^ (x > 0)
x @ y.t()
torch.mm(x, y.t())
torch.matmul(x, v)
torch.mv(x, v)
torch.dot(v, v)
torch.bmm(x.unsqueeze(0), y.t().unsqueeze(0))
torch.outer(v, v)
v.outer(v)
torch.einsum("ij,kj->ik", x, y)
torch.einsum("ii->", x @ y.t())
torch.einsum("ii->i", x @ y.t())
torch.einsum("...j,j->...", x, v)
torch.einsum("...ij,...kj->...ik", x.expand(2, 2, 3), y)
torch.einsum("ij,kj,j->ik", x, y, v)
torch.einsum("i,i,i->i", v, v, v)
torch.einsum("ij,jk->ik", x, y.t())
torch.einsum("ij->ji", x)
torch.einsum("bij,jk", x.unsqueeze(0), y.t())
x.diagonal()
x.diagonal(1)
(x @ y.t()).trace()
x.nonzero()
torch.nonzero(b)
n.nonzero(as_tuple=True)[1]
x.unflatten(1, (3, 1))
x.unsqueeze(0).movedim(0, 2)
x.new_zeros(2, 2)
x.new_ones((2,))
n.new_full((2,), 7)
torch.zeros_like(x)
torch.full_like(n, 4)
torch.empty_like(x).fill_(2.0)
torch.linspace(0, 1, 5)
torch.linspace(-1, 1, steps=4)
torch.arange(0, 6, 2, dtype=torch.long, device="cpu")
torch.zeros(2, 3, dtype=torch.long)
torch.zeros(size=(2, 3))
torch.ones((2,), device=torch.device("cpu"))
torch.full(size=(2,), fill_value=3.0)
torch.eye(3)
torch.tensor([[1, 2], [3, 4]])
torch.tensor([1.0, 2.0], dtype=torch.float64)
torch.tensor(3, dtype=torch.float64)
torch.as_tensor([1, 2])
torch.LongTensor([1, 2])
torch.where(b, x, y)
torch.where(condition=b, input=x, other=y)
torch.sum(x, 1)
torch.sum(input=x, dim=0)
torch.mean(x, dim=1, keepdim=True)
torch.std(x, dim=0)
torch.exp(x)
torch.tanh(x)
torch.sigmoid(x)
torch.relu(x)
torch.sqrt(x.abs())
torch.allclose(x, x + 1e-9)
torch.equal(x, y)
torch.equal(x, x.clone())
x.size(-1)
x.size(0)
tuple(x.size())
x.numel()
x.nelement()
x.dim()
x.ndimension()
x.is_floating_point()
len(x)
F.relu(x)
F.tanh(x)
F.one_hot(i, num_classes=3)
F.one_hot(c)
F.pad(x, (1, 1))
F.pad(x, (0, 1), "constant", 2.0)
F.pad(x, (1, 0), value=-1.0)
F.nll_loss(x.log_softmax(dim=1), c)
F.nll_loss(x, c, reduction="sum")
F.nll_loss(x, c, reduction="none")
F.nll_loss(x, c, weight=v.abs().detach())
F.nll_loss(x, c, ignore_index=2)
F.cross_entropy(x, c)
F.cross_entropy(input=x, target=c)
F.mse_loss(x, y)
F.l1_loss(x, y)
F.binary_cross_entropy(p, b.to(p))
F.binary_cross_entropy_with_logits(x, b.to(x))
F.binary_cross_entropy_with_logits(x, b.to(x), pos_weight=v.abs().detach())
F.kl_div(x.log_softmax(dim=1), p, reduction="batchmean")
F.kl_div(x.log_softmax(dim=1), p, reduction="sum")
F.kl_div(x.log_softmax(dim=1), p.log(), reduction="sum", log_target=True)
F.normalize(x)
F.normalize(x, dim=0)
F.cosine_similarity(x, y)
F.logsigmoid(x)
x.max(1)[0]
x.max(1)[1]
x.max(-1).values
x.min(0)[1]
x.max(1, True)[0]
x.max(y)
x.sort(0)[0]
x.sort(1, True)[1]
torch.sort(x, 1)[1]
torch.sort(x, 1, True)[0]
x.std(dim=0, unbiased=False)
x.std(0, False)
x.var(1, unbiased=True)
x.sum(1, dtype=torch.float64)
n.sum(dim=0, dtype=torch.float64)
F.softmax(x, dim=-1, dtype=torch.float64)
F.relu(x, inplace=False)
x.add(y, alpha=2)
x.sub(other=y)
torch.sub(x, y, alpha=0.5)
x.div(y.detach(), rounding_mode="floor")
n.div(2, rounding_mode="trunc")
x.div(2.0, rounding_mode="trunc")
x.abs().pow(exponent=3)
x.lerp(y, 0.25)
torch.lerp(x, y, 0.25)
x.permute(dims=(1, 0))
x.movedim((0, 1), (1, 0))
x.unflatten(-1, (-1, 1))
x.diagonal(dim1=-2, dim2=-1)
torch.diag(v)
torch.diag(x @ y.t())
torch.hstack([x, y])
torch.hstack((v, v))
torch.vstack([v, v])
torch.vstack([x, x])
torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[1]
torch.meshgrid(torch.arange(2), torch.arange(3), indexing="xy")[0]
torch.cdist(x, y)
torch.cdist(x, y, p=1)
torch.linalg.norm(x)
torch.linalg.norm(v)
torch.linalg.norm(x, dim=1)
torch.linalg.vector_norm(v, 3)
x.norm(0)
x.norm(float("-inf"), dim=1)
torch.bincount(i.view(-1))
torch.bincount(c, minlength=5)
torch.bincount(c, weights=v[:2].detach())
x.cumprod(dim=1)
torch.cumprod(n, 0)
x.repeat_interleave(torch.tensor([1, 0, 2]), dim=1)
x.index_select(-1, c)
torch.unique(n)
n.unique(return_inverse=True)[1]
torch.unique(i, return_counts=True)[1]
x.scatter(1, torch.argsort(x, 1), y)
x.scatter(1, i[:, :2], y.detach())
x.scatter(dim=0, index=i % 2, value=2.5)
n.scatter(-1, i, 9)
x.scatter_add(1, i, y)
x.scatter_add(0, i % 2, y)
x.index_add(0, torch.tensor([1, 1]), y)
x.index_add(1, torch.tensor([2, 0, 2]), y, alpha=-2)
torch.zeros(4, 3).index_add_(0, torch.tensor([3, 0]), y.detach())
torch.zeros(2, 3).scatter_(1, i, 1.0)
torch.zeros(2, 3).scatter_add_(1, i, y.detach())
torch.zeros(2, 3).lerp_(y.detach(), 0.1)
x.take_along_dim(i, 1)
x.take_along_dim(i)
x.where(b, y)
torch.where(b)[1]
torch.where(n > 0)[0]
torch.full((2,), 3)
torch.full((2,), True)
torch.full((), 1.5)
torch.arange(start=1, end=4, step=2)
torch.eye(2, 3, requires_grad=True)
torch.as_tensor(x)
torch.mul(x, y, out=torch.zeros(2, 3)) if not x.requires_grad else x * y
torch.matmul(y.detach(), x.detach().t(), out=torch.zeros(2, 2))
F.smooth_l1_loss(x, y)
F.smooth_l1_loss(x, y, beta=0.5, reduction="sum")
F.huber_loss(x, y, delta=2.0)
F.cosine_similarity(x, v, dim=-1)
F.cosine_similarity(x, v, dim=0)
x[[1, 0], [0, 2]]
x[range(2), c]
x[..., -1]
x[:, [-1]]
x[c.clamp(max=1)]
x.T
x.mT
torch.arange(3).unsqueeze(0)
x.unsqueeze(0).size(1)
""".strip().splitlines()
KEPT = {"x.float()", "n.float()", "b.float()"}  # where dtypes differ by choice


@needs_torch
@pytest.mark.parametrize("name", ["python", "numpy", "scalar"])
@pytest.mark.parametrize("line", LINES)
def test_a_line_gives_the_same(line, name):
    import torch

    torch.set_default_dtype(torch.float64)
    try:
        theirs = {k: torch.tensor(v) for k, v in INPUTS.items()}
        floats = [k for k in INPUTS if theirs[k].is_floating_point()]
        for k in floats:
            theirs[k].requires_grad_()
        want = eval(line, {"torch": torch, "F": torch.nn.functional, **theirs})
        wanted = gradients(want, theirs, floats)
    finally:
        torch.set_default_dtype(torch.float32)
    with use_backend(name, "float64"):
        ours = {k: Tensor(v) for k, v in INPUTS.items()}
        for k in floats:
            ours[k].requires_grad_()
        got = eval(line, {"torch": tinygrad_attn, "F": functional, **ours})
        if not hasattr(want, "tolist"):
            assert got == want
            return
        assert tuple(got.shape) == tuple(want.shape)
        assert near(got.tolist(), want.tolist())
        if line not in KEPT:
            whole = {"torch.int32": "int64"}
            dtype = whole.get(str(want.dtype), str(want.dtype).removeprefix("torch."))
            assert got.dtype == dtype
        for k, g in gradients(got, ours, floats).items():
            assert near(g, wanted.get(k, 0.0)), k


def gradients(z, inputs, names):
    """∂Σz²/∂ of each input that z depends on."""
    if not hasattr(z, "requires_grad") or not z.requires_grad:
        return {}
    (z * z).sum().backward()
    return {k: inputs[k].grad.tolist() for k in names if inputs[k].grad is not None}


def near(a, b):
    if isinstance(a, list):
        return (len(a) == len(b) if isinstance(b, list) else not b) and all(
            near(u, w) for u, w in zip(a, b if isinstance(b, list) else [b] * len(a))
        )
    return a == pytest.approx(b, rel=1e-9, abs=1e-12, nan_ok=True) or (
        isinstance(a, float) and math.isinf(a) and a == b
    )


REFUSED = {
    "x.sum(1, out=None, foo=2)": "sum: foo=2 given; it takes axis, keepdims, x",
    "torch.zeros(2, size_=3)": "zeros: size_=3 given; it takes ",
    "F.relu(x, inplace=True)": "relu: inplace=True given; how numbers lie in memory",
    "x.index_select(5, c)": "index_select: axis 5 given for 2 axes",
    "x.movedim(0, 5)": "movedim: axis 5 given for 2 axes",
    "x.movedim((0, 1), 1)": "movedim: .* as many of both",
    "x.unflatten(2, (1, -1))": "unflatten: axis 2 given",
    "x.unflatten(1, (2, -1))": "unflatten: .* their product must be that",
    "x.scatter(5, i, y)": "scatter: axis 5 given",
    "x.scatter(1, i)": "scatter: it takes a src or a value",
    "x.scatter(1, i, n)": "scatter: int64 given for a tensor of float64; convert it",
    "n.scatter(1, i, 0.5)": "scatter: 0.5 given for a tensor of int64",
    "x.scatter(1, i, y[:, :2])": "along no axis may there be fewer",
    "torch.dot(x, y)": r"dot: shapes .* they must have 1 and 1 axes \(matmul and @",
    "torch.mm(x, v)": "mm: shapes .* they must have 2 and 2 axes",
    "torch.bmm(x, y)": "bmm: shapes .* they must have 3 and 3 axes",
    "x.div(y, rounding_mode='up')": "div: rounding_mode='up' given; it must be",
    "torch.linalg.inv(x)": r"linalg has no 'inv': NumPy has it",
    "torch.linalg.norm(x, 2)": "linalg.norm: ord=2 given for a matrix",
    "torch.diag(x.unsqueeze(0))": "diag: shape .* it takes a matrix, or a vector",
    "torch.meshgrid(v, v, indexing='kj')": "meshgrid: indexing='kj' given",
    "x.repeat_interleave(torch.tensor([1, 2]), 1)": "repeats of int64 and shape",
    "x.norm(-1)": r"norm: p=-1 given; it must be a number in \[0, inf\)",
    "torch.bincount(x)": "bincount: float64 of shape",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_line_is_refused_in_one_sentence(line):
    names = {k: Tensor(v) for k, v in INPUTS.items()}
    with pytest.raises(
        (ValueError, TypeError, IndexError, AttributeError), match=REFUSED[line]
    ) as caught:
        eval(line, {"torch": tinygrad_attn, "F": functional, **names})
    assert "\n" not in str(caught.value)
