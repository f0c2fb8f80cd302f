"""What shares its numbers with x: a change in place reaches x, or not, as in
PyTorch."""

from __future__ import annotations

import pytest
from conftest import needs_torch

import tinygrad_attn
from tinygrad_attn import Tensor, functional

# Each is tried of one row of one number, where least is left to compute.
LINES = [
    "",
    "x.roll(1, 0)",
    "x.roll(0)",
    "x.cumsum(0)",
    "x.cumprod(1)",
    "x.prod()",
    "x.prod(1, keepdim=True)",
    "x.sum(1, keepdim=True)",
    "x.mean(0, keepdim=True)",
    "x.max(1, keepdim=True).values",
    "x.amin(0, keepdim=True)",
    "x.flip(0)",
    "x.logsumexp(1, keepdim=True)",
    "x.repeat(1, 1)",
    "x.repeat(2, 3)",
    "x.tile(1, 1)",
    "x.repeat_interleave(1, 0)",
    "x.repeat_interleave(2)",
    "x.floor()",
    "x.round()",
    "x.sign()",
    "n.floor()",
    "n.trunc()",
    "n.round()",
    "n.ceil()",
    "n.abs()",
    "n.sign()",
    "n.cumsum(0)",
    "n.prod(1, keepdim=True)",
    "n.roll(1, 0)",
    "x.clamp(-9.0, 9.0)",
    "x.sort(0).values",
    "x.topk(1, 1).values",
    "torch.cat([x], 0)",
    "torch.stack([x], 0)",
    "torch.hstack([x])",
    "x.expand(1, 1)",
    "x.expand(1, -1)",
    "x.expand_as(x)",
    "torch.broadcast_to(x, (1, 1))",
    "x.tril()",
    "x.masked_fill(x > 9.0, 0.0)",
    "torch.where(x < 9.0, x, x)",
    "x.gather(1, n * 0)",
    "x.index_select(0, torch.tensor([0]))",
    "x[[0]]",
    "x[x == x]",
    "x[0]",
    "x[:, 0:]",
    "x * 1",
    "x ** 1",
    "F.dropout(x, 0.0)",
    "F.pad(x, (0, 0))",
    'torch.einsum("ij->ij", x)',
    'torch.einsum("ij->ji", x)',
    "x.split(1, 1)[0]",
    "x.unbind(0)[0]",
    "x.squeeze()",
    "x.unsqueeze(0)",
    "x.flatten()",
    "x.reshape(1)",
    "x.view(1)",
    "x.swapaxes(0, 1)",
    "x.T",
    "x.clone()",
    "x.detach()",
    "x.data",
    "x.double()",
    "x.long()",
    "n.long()",
    "x.to(x)",
    "x.contiguous()",
    "torch.as_tensor(x)",
    "torch.maximum(x, x)",
    "F.normalize(x)",
    'torch.meshgrid(x[0], x[0], indexing="ij")[0]',
    "",
][1:-1]


def reached(line, torch, F, made):
    """Which inputs have other numbers once the result was filled."""
    inputs = {"x": made([[2.0]]), "n": made([[7]])}
    before = {k: t.tolist() for k, t in inputs.items()}
    eval(line, {"torch": torch, "F": F, **inputs}).fill_(5)
    return [k for k, t in inputs.items() if t.tolist() != before[k]]


@needs_torch
@pytest.mark.parametrize("line", LINES)
def test_a_change_in_place_reaches_what_it_reaches_there(line):
    import torch

    torch.set_default_dtype(torch.float64)
    try:
        want = reached(line, torch, torch.nn.functional, torch.tensor)
    finally:
        torch.set_default_dtype(torch.float32)
    assert reached(line, tinygrad_attn, functional, Tensor) == want
