"""One model here and its twin in PyTorch: made alike, run alike, compared in full.

`twins` gives PyTorch's module our weights through `to_torch`; `compare` runs both on
the same numbers and holds output, every input's gradient and every parameter's gradient
against each other. PyTorch is imported when a function is called.
"""

from __future__ import annotations

from conftest import assert_close

import nn
from tinygrad_attn import Tensor, randn

PRECISION = {"float64": 1e-10, "float32": 1e-4}


def torch_of(x, dtype="float64"):
    """A Tensor as PyTorch's, floats in a dtype."""
    import torch

    floats = x.dtype.startswith("float")
    return torch.tensor(x.tolist(), dtype=getattr(torch, dtype) if floats else None)


def give_weights(theirs, ours, dtype="float64"):
    """PyTorch's module takes our weights."""
    import torch

    theirs.to(getattr(torch, dtype))
    state = nn.to_torch(ours.state_dict())
    theirs.load_state_dict({path: torch_of(t, dtype) for path, t in state.items()})


def masked_out(mask):
    """Our mask as PyTorch's layers want it: True is what is left out."""
    return None if mask is None else ~torch_of(mask)


def gradients(module):
    """Path → gradient of each parameter that has one."""
    return {name: p.grad for name, p in module.named_parameters()}


def compare(ours, theirs, inputs, run_ours, run_theirs, dtype="float64"):
    """Outputs, gradients of inputs and of parameters of the two are the same.

    Args:
        inputs: Tensors that both are run on, with gradients.
        run_ours, run_theirs: (module, *inputs) → output.
    """
    tolerance = PRECISION[dtype]
    mine = [Tensor(x, requires_grad=True) for x in inputs]
    other = [torch_of(x, dtype).requires_grad_() for x in inputs]
    z, want = run_ours(ours, *mine), run_theirs(theirs, *other)
    assert z.shape == tuple(want.shape)
    assert_close(z, want, tolerance)
    weights = randn(*z.shape)
    (z * weights).sum().backward()
    (want * torch_of(weights, dtype)).sum().backward()
    for x, t in zip(mine, other):
        assert_close(x.grad, t.grad, tolerance)
    got = nn.to_torch(gradients(ours))
    expected = gradients(theirs)
    assert set(got) == set(expected)
    for path, gradient in expected.items():
        assert tuple(gradient.shape) == got[path].shape, path
        assert_close(got[path], gradient, tolerance)
    ours.zero_grad()
    theirs.zero_grad()
