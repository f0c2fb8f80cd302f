"""Which files are searched for doctests: one that needs an optional package where that
is installed, and nn/ as the files that it has, not once more as tinygrad_attn.nn."""

from importlib.util import find_spec

NEEDS = {"numpy": "tinygrad_attn/arrays/numpy.py", "safetensors": "nn/checkpoint.py"}
collect_ignore = [file for package, file in NEEDS.items() if not find_spec(package)]
collect_ignore.append("tinygrad_attn/nn.py")
