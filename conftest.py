"""What holds for tests and doctests alike: how many threads compute, and which files
are searched: one that needs an optional package where that is installed, and nn/ as the
files that it has, not once more as tinygrad_attn.nn."""

import os
from importlib.util import find_spec

import pytest

import tinygrad_attn

# On arrays of a few numbers a second thread of BLAS or PyTorch computes nothing; it
# keeps a core busy with waiting. NumPy is not imported yet, and reads this when it is;
# what a test starts inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NEEDS = {"numpy": "tinygrad_attn/arrays/numpy.py", "safetensors": "nn/checkpoint.py"}
collect_ignore = [file for package, file in NEEDS.items() if not find_spec(package)]
collect_ignore.append("tinygrad_attn/nn.py")


@pytest.fixture(scope="session", autouse=True)
def _names_of_doctests(doctest_namespace):
    """In a doctest `Tensor` is what users call so; functions/ has a type variable of
    this name."""
    doctest_namespace["Tensor"] = tinygrad_attn.Tensor
