"""copy, deepcopy and pickle: numbers without a graph, usable where they arrive."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys

import pytest
from conftest import ROOT, needs_numpy, needs_torch

import nn
from tinygrad_attn import Tensor, functional, no_grad, ones, randn, use_backend, zeros

TWINS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda t: pickle.loads(pickle.dumps(t)),
    "old pickle": lambda t: pickle.loads(pickle.dumps(t, 2)),
}


@pytest.mark.parametrize("how", TWINS)
def test_a_leaf_is_a_leaf_again_and_a_result_a_constant(how, any_backend):
    twin = TWINS[how]
    x = Tensor([1.0, 2.0], requires_grad=True)
    for t in (x, x * 2.0, (x * x).sum(), Tensor([1, 2]), x > 1.0, zeros(0, 3)):
        kept = twin(t)
        assert (kept.tolist(), kept.shape, kept.dtype) == (t.tolist(), t.shape, t.dtype)
        assert kept.requires_grad is (t is x)
        assert kept.is_leaf
    kept = twin(x)
    (kept * x).sum().backward()
    assert (kept.grad.tolist(), x.grad.tolist()) == ([1.0, 2.0], [1.0, 2.0])
    loss = twin((x * x).sum())
    with pytest.raises(RuntimeError, match="has no graph"):
        loss.backward()
    p = twin(nn.Parameter([1.0]))
    assert isinstance(p, nn.Parameter)
    assert p.requires_grad


@needs_torch
def test_the_gradient_is_copied_where_pytorch_copies_it():
    import torch

    def found(tensor, parameter):
        kept = []
        for leaf in (tensor([2.0], requires_grad=True), parameter(tensor([2.0]))):
            (leaf * leaf).sum().backward()
            for how in ("copy", "deepcopy", "pickle"):
                grad = TWINS[how](leaf).grad
                kept.append(grad if grad is None else grad.tolist())
        return kept

    assert found(Tensor, nn.Parameter) == found(torch.tensor, torch.nn.Parameter)


def test_what_a_subclass_keeps_is_copied():
    class Named(Tensor):
        pass

    t = Named([1.0])
    t.names = ["a"]
    kept = copy.deepcopy(t)
    assert (type(kept), kept.names, kept.names is t.names) == (Named, ["a"], False)
    assert copy.copy(t).names is t.names


class Block(nn.Module):
    def __init__(self):
        self.attention = nn.MultiHeadAttention(4, 2)

    def forward(self, x):
        z, self.weights = self.attention(x, need_weights=True)
        return z


def test_a_model_may_keep_what_it_computed():
    block, x = nn.Sequential(Block()), randn(1, 3, 4)
    block(x)
    for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(block[:]))):
        assert twin[0].weights.tolist() == block[0].weights.tolist()
        with no_grad():
            assert twin(x).tolist() == block(x).tolist()
    pickle.dumps(functional.cross_entropy(ones(1, 2, requires_grad=True), Tensor([0])))


def test_no_copy_walks_the_graph(backend):
    z = x = ones(2, requires_grad=True)
    for _ in range(100_000):
        z = z * 1.0
    for twin in TWINS.values():
        assert twin(z).tolist() == [1.0, 1.0]
    kept = {"loss": z, "again": z}
    kept = copy.deepcopy(kept)
    assert kept["loss"] is kept["again"]
    del z
    gc.collect()
    assert x.requires_grad


WORKER = """
import multiprocessing, sys
import nn
from tinygrad_attn import Tensor, set_backend, use_backend

def start(name):
    set_backend(name)

def job(given):
    model, x, z = given
    loss = (model(x) + model(Tensor([[1.0, 2.0]])) * z.sum()).sum()
    loss.backward()
    assert not z.requires_grad
    return loss.detach(), model.weight.grad, type(loss.array).__name__

if __name__ == "__main__":
    here, there = sys.argv[1:]
    set_backend(here)
    model = nn.Linear(2, 2)
    model.load_state_dict({"weight": [[1.0, 2.0], [3.0, 4.0]], "bias": [0.0, 1.0]})
    x = Tensor([[0.5, 1.5]])
    given = model, x, model(x)
    with multiprocessing.get_context("spawn").Pool(1, start, (there,)) as pool:
        loss, grad, kind = pool.map(job, [given])[0]
    print(kind, type(loss.array).__name__, (loss + x.sum()).item(), grad.tolist())
"""


@needs_numpy
@pytest.mark.parametrize(
    ("here", "there"), [("numpy", "python"), ("python", "numpy"), ("numpy", "scalar")]
)
def test_a_worker_on_another_backend_computes_with_what_it_is_sent(
    here, there, tmp_path
):
    file = tmp_path / "worker.py"
    file.write_text(WORKER, encoding="utf-8")
    command = [sys.executable, str(file), here, there]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    kinds = {"numpy": ("float32", "ndarray"), "python": ("Array",)}
    kinds["scalar"] = ("ValueArray",)
    there_, here_, *numbers = done.stdout.strip().split(maxsplit=3)
    assert there_ in kinds[there]
    assert here_ in kinds[here]
    assert numbers == ["218.0", "[[12.5, 25.5], [12.5, 25.5]]"]


@needs_numpy
def test_what_arrives_has_the_backends_floats():
    with use_backend("numpy", "float64"):
        sent = pickle.dumps((ones(2), ones(2, dtype="float32"), Tensor([1])))
    for name, dtype in (("python", "float64"), ("numpy", None)):
        with use_backend(name):
            wide, narrow, whole = pickle.loads(sent)
            assert (wide.dtype, narrow.dtype) == (
                dtype or "float64",
                dtype or "float32",
            )
            assert (wide + ones(2)).tolist() == [2.0, 2.0]
            assert whole.dtype == "int64"


@needs_numpy
@pytest.mark.parametrize("make", [nn.optim.Adam, lambda p: nn.optim.SGD(p, 0.1, 0.9)])
def test_an_optimizer_steps_on_with_its_model_on_another_backend(make):
    def step(model, optimizer):
        (model(ones(1, 2)) ** 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    for here, there in ("python", "numpy"), ("numpy", "python"), ("numpy", "scalar"):
        with use_backend(here, "float64"):
            model = nn.Linear(2, 1)
            optimizer = make(model.parameters())
            step(model, optimizer)
            sent = pickle.dumps((model, optimizer))
            step(model, optimizer)
        with use_backend(there, "float64"):
            twin, its_optimizer = pickle.loads(sent)
            step(twin, its_optimizer)
            for p, q in zip(model.parameters(), twin.parameters()):
                assert q.reshape(-1).tolist() == pytest.approx(p.reshape(-1).tolist())


@needs_numpy
def test_a_computed_buffer_in_another_dtype_begins_with_no_gradient():
    """Of a walk through the graph that it leaves."""
    with use_backend("numpy"):
        model = nn.Module()
        model.register_buffer("h", ones(2, requires_grad=True) * 2.0)
        (model.h * 3.0).sum().backward()
        assert model.h.grad.tolist() == [3.0, 3.0]
        model.to("float64")
        assert model.h.grad is None
        (model.h * 3.0).sum().backward()
        assert model.h.grad.tolist() == [3.0, 3.0]
