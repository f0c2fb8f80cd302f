"""Doctests of files that need an optional package are collected where it is there."""

from importlib.util import find_spec

import pytest

import tinygrad_attn

NEEDS = {"numpy": "tinygrad_attn/arrays/numpy.py", "safetensors": "nn/checkpoint.py"}
collect_ignore = [file for package, file in NEEDS.items() if not find_spec(package)]


@pytest.fixture(autouse=True)
def _names_of_doctests(doctest_namespace):
    """In a doctest `Tensor` is what users call so; functions/ has a type variable of
    this name."""
    doctest_namespace["Tensor"] = tinygrad_attn.Tensor
