"""Training keeps memory flat: a step leaves nothing behind, not even for the garbage
collector.

A graph is freed as it is walked, by the counting of references alone, because nothing
in it points back: a result knows its inputs, and no input its results. So the collector
stays off here throughout, and what a step leaves behind would stay.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, needs_numpy

from tinygrad_attn import manual_seed, randn
from tinygrad_attn.arrays import backends

STATM = Path("/proc/self/statm")  # Linux: second number, the pages that are resident

BACKENDS = ["python", pytest.param("numpy", marks=needs_numpy)]

# One class out of two for one token: every step draws, records, walks and moves.
TINY = "nn.Embedding(2, 2), nn.Dropout(0.5)"
TRANSFORMER = (
    "nn.Embedding(2, 4),"
    "nn.TransformerEncoderLayer(4, num_heads=2, d_ff=8, dropout=0.5),"
    "nn.Linear(4, 2)"
)

# A process of its own, so that nothing but the training is in its memory.
TRAINING = """
import gc, json, os, sys
gc.disable()

import nn
from tinygrad_attn import Tensor, manual_seed, no_grad, use_backend
from tinygrad_attn.functional import cross_entropy

backend, warm_up, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def resident():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1])
    except FileNotFoundError:
        return None


def step():
    scores = model(tokens)
    loss = cross_entropy(scores.reshape(3, 2), classes)
    model.zero_grad()
    loss.backward()
    optimizer.step()


def train(steps):
    "Pages that are resident, and how many objects there are, after some steps."
    for _ in range(steps):
        step()
    pages.append(resident())
    objects.append(len(gc.get_objects()))


with use_backend(backend):
    manual_seed(0)
    model = nn.Sequential(MODEL)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.1)
    tokens, classes = Tensor([[0, 1, 1]]), Tensor([1, 0, 0])
    before = [p.tolist() for p in model.parameters()]
    pages, objects = [], []
    for _ in range(3):
        train(1)  # what steps, or these looks, import and make once is there now
    gc.collect()
    # CPython keeps up to 2,000 freed tuples of each length to use again. A step adds
    # a few to them, which is no leak, but looks like one until there are 2,000.
    [[(0,) * n for n in range(1, 8)] for _ in range(2000)]
    train(warm_up)
    train(steps - warm_up)
    print(
        json.dumps(
            {
                "pages": pages[3:],
                "objects": objects[3:],
                "in cycles": gc.collect(),
                "learned": before != [p.tolist() for p in model.parameters()],
            }
        )
    )
"""


def train(model, backend, warm_up, steps):
    done = subprocess.run(
        [sys.executable, "-c", TRAINING.replace("MODEL", model), backend]
        + [str(warm_up), str(steps)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["learned"]
    return found


@pytest.mark.skipif(not STATM.exists(), reason=f"needs {STATM}, which Linux has")
@pytest.mark.parametrize("backend", BACKENDS)
def test_ten_thousand_steps_keep_the_resident_memory_flat_to_one_percent(backend):
    """Two floats kept at each step, or one small array, would be more than that."""
    found = train(TINY, backend, 1000, 10000)
    after_1000, after_10000 = found["pages"]
    assert after_10000 <= 1.01 * after_1000
    assert found["objects"][1] == found["objects"][0]


@pytest.mark.parametrize("backend", [*BACKENDS, "scalar"])
def test_training_a_transformer_makes_no_reference_cycle_and_keeps_no_object(backend):
    """With the collector off, exactly as many objects exist after 40 steps as after
    10; and when it runs at last, it finds nothing."""
    found = train(TRANSFORMER, backend, 10, 40)
    assert found["objects"][1] == found["objects"][0]
    assert found["in cycles"] == 0


def test_many_random_numbers_are_those_of_a_whole(backend, monkeypatch):
    manual_seed(3)
    whole = randn(30).tolist()
    monkeypatch.setattr(backends, "AT_ONCE", 64)
    manual_seed(3)
    assert randn(30).tolist() == whole
