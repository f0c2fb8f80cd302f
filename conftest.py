"""Which files are searched for doctests: one that needs an optional package where that
is installed, and nn/ as the files that it has, not once more as tinygrad_attn.nn."""

from importlib.util import find_spec

import pytest

import tinygrad_attn

NEEDS = {"numpy": "tinygrad_attn/arrays/numpy.py", "safetensors": "nn/checkpoint.py"}
collect_ignore = [file for package, file in NEEDS.items() if not find_spec(package)]
collect_ignore.append("tinygrad_attn/nn.py")


@pytest.fixture(autouse=True)
def _names_of_doctests(doctest_namespace):
    """In a doctest `Tensor` is what users call so; functions/ has a type variable of
    this name."""
    doctest_namespace["Tensor"] = tinygrad_attn.Tensor
