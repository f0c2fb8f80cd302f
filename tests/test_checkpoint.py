"""Checkpoints: every bit comes back; a cut, altered or foreign file is refused."""

from __future__ import annotations

import os
import sys

import pytest
from conftest import needs_numpy, needs_safetensors

from nn import checkpoint
from tinygrad_attn import Tensor, ones, randn, use_backend, zeros

pytestmark = needs_safetensors


def test_every_bit_comes_back(any_backend, tmp_path):
    tensors = {
        "a": randn(2, 3),
        "b": Tensor([1, -(2**40)]),
        "c": Tensor([[True], [False]]),
        "d": Tensor(float("inf")),
        "e": zeros(0, 2),
    }
    settings = {"lr": 0.1, "words": ["ä", "→"], "steps": 3}
    path = tmp_path / "x.safetensors"
    checkpoint.save(path, tensors, settings)
    loaded, found = checkpoint.load(path)
    assert found == settings
    assert set(loaded) == set(tensors)
    for name, t in tensors.items():
        assert loaded[name].tolist() == t.tolist()
        assert (loaded[name].shape, loaded[name].dtype) == (t.shape, t.dtype)
    assert os.listdir(tmp_path) == ["x.safetensors"]


@needs_numpy
def test_float32_comes_back_and_another_backend_can_read_it(tmp_path):
    path = tmp_path / "x"
    with use_backend("numpy"):
        x = randn(5)
        checkpoint.save(path, {"x": x}, {})
        loaded, _ = checkpoint.load(path)
        assert (loaded["x"].dtype, loaded["x"].tolist()) == ("float32", x.tolist())
    loaded, _ = checkpoint.load(path)
    assert (loaded["x"].dtype, loaded["x"].tolist()) == ("float64", x.tolist())


@needs_numpy
def test_the_library_reads_what_we_write(tmp_path):
    from safetensors.numpy import load_file

    checkpoint.save(tmp_path / "x", {"w": Tensor([[1.0, 2.0]])}, {})
    assert load_file(tmp_path / "x")["w"].tolist() == [[1.0, 2.0]]


def test_bad_files_are_refused(tmp_path):
    path = tmp_path / "x"
    checkpoint.save(path, {"w": ones(50)}, {"k": 1})
    whole = path.read_bytes()
    middle = len(whole) - 100
    for content, words in [
        (b"", "no whole safetensors file"),
        (b"hello, this is no checkpoint", "no whole safetensors file"),
        (whole[:-1], "no whole safetensors file"),
        (whole[:middle] + b"\x01" + whole[middle + 1 :], "altered"),
        (whole.replace(rb"\"k\": 1", rb"\"k\": 2"), "altered"),
    ]:
        assert content != whole
        path.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            checkpoint.load(path)


@needs_numpy
def test_a_foreign_safetensors_file_is_refused(tmp_path):
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"w": np.ones(3)}, tmp_path / "x")
    with pytest.raises(ValueError, match="not written by this project"):
        checkpoint.load(tmp_path / "x")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x"
    checkpoint.save(path, {"w": ones(2)}, {})
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(path, {"w": zeros(2)}, {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x"]


def test_without_the_library(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(RuntimeError, match="pip install safetensors"):
        checkpoint.save(tmp_path / "x", {}, {})
