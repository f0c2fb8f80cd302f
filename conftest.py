"""Doctests of files that need an optional package are collected where it is there."""

from importlib.util import find_spec

NEEDS = {"numpy": "tinygrad_attn/arrays/numpy.py", "safetensors": "nn/checkpoint.py"}
collect_ignore = [file for package, file in NEEDS.items() if not find_spec(package)]
