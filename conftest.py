"""What every test needs before the first import of NumPy, and which doctests are
collected: those of files whose optional package is there."""

import os
from importlib.util import find_spec

# On arrays of a few numbers a second thread of BLAS or PyTorch computes nothing; it
# keeps a core busy with waiting. What a test starts inherits this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NEEDS = {"numpy": "tinygrad_attn/arrays/numpy.py", "safetensors": "nn/checkpoint.py"}
collect_ignore = [file for package, file in NEEDS.items() if not find_spec(package)]
