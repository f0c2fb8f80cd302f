"""Two models train in two threads at the same time, and neither notices the other.

What is switched on (recording, the backend, the random numbers) belongs to a thread.
Were it the process's, one thread's `no_grad` would take the other's gradients, and one
thread's dropout would move the other's random numbers on. So each training here is run
alone first, and beside another it must come to exactly the same numbers.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import manual_seed, no_grad, randn, use_backend

ROUNDS = 12

# What a thread does in turn: "T" trains a step, "E" evaluates under no_grad. Side by
# side these two both train, then only one does, then only the other.
FIRST, SECOND = "TTE", "TET"

PYTHON = ("python", "float64")
SINGLE = ("numpy", "float32")
DOUBLE = ("numpy", "float64")


@pytest.fixture(autouse=True)
def threads_change_over_often():
    """Within a step too, and not only where it waits for the other thread."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def at_the_same_time(*jobs):
    """What each job returns, each in a thread of its own.

    A job gets `meet`, which waits until every other job has come to its `meet` as well.
    """
    barrier = Barrier(len(jobs), timeout=60)

    def run(job):
        try:
            return job(barrier.wait)
        except BaseException:
            barrier.abort()  # or the others would wait for this one
            raise

    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(run, job) for job in jobs]
    errors = [future.exception() for future in futures]
    for error in sorted(filter(None, errors), key=is_broken_barrier):
        raise error
    return [future.result() for future in futures]


def is_broken_barrier(error):
    return type(error).__name__ == "BrokenBarrierError"


def training(backend, seed, turns):
    """A job: trains a small model, returns all losses, the weights, and their dtype."""

    def job(meet):
        with use_backend(*backend):
            manual_seed(seed)
            layer = nn.TransformerEncoderLayer(4, num_heads=2, d_ff=8, dropout=0.3)
            optimizer = nn.optim.Adam(layer.parameters(), lr=0.01)
            losses = []
            for turn in turns * ROUNDS:
                step = train_step if turn == "T" else evaluate
                losses.append(step(layer, optimizer, meet))
            weights = {path: t.tolist() for path, t in layer.state_dict().items()}
            return losses, weights, layer.norm1.weight.dtype

    return job


def train_step(layer, optimizer, meet):
    """One step, recorded while the other records or evaluates."""
    meet()
    loss = distance(layer)
    meet()
    assert loss.requires_grad
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def evaluate(layer, optimizer, meet):
    """A loss without dropout; all that time, from one `meet` to the next, it is under
    no_grad."""
    layer.eval()
    with no_grad():
        meet()
        loss = distance(layer)
        meet()
    layer.train()
    assert not loss.requires_grad
    return loss.item()


def distance(layer):
    """How far the layer's output is from what was drawn for it, at random."""
    return ((layer(randn(2, 3, 4)) - randn(2, 3, 4)) ** 2).mean()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(PYTHON, SINGLE, marks=needs_numpy, id="python and numpy"),
        pytest.param(SINGLE, SINGLE, marks=needs_numpy, id="numpy and numpy"),
        pytest.param(SINGLE, DOUBLE, marks=needs_numpy, id="two dtypes of numpy"),
        pytest.param(PYTHON, PYTHON, id="python and python"),
    ],
)
def test_two_models_side_by_side_come_to_the_same_bits_as_each_alone(first, second):
    """Every loss of 36 steps and every weight at the end, compared with ==."""
    one, other = training(first, 1, FIRST), training(second, 2, SECOND)
    alone = at_the_same_time(one) + at_the_same_time(other)
    assert at_the_same_time(one, other) == alone
    assert [dtype for _, _, dtype in alone] == [first[1], second[1]]
    assert alone[0][0] != alone[1][0]  # the seeds made two different trainings


def test_dropout_draws_from_the_seed_of_its_own_thread():
    """Three threads draw masks at once: two from one seed alike, one otherwise."""

    def job(seed):
        def masks(meet):
            with use_backend("python"):
                manual_seed(seed)
                ones = nn.Parameter([1.0] * 8)
                drawn = []
                for _ in range(20):
                    meet()
                    drawn.append(nn.Dropout(0.5)(ones).tolist())
                return drawn

        return masks

    a, b, c = at_the_same_time(job(0), job(0), job(1))
    assert a == b
    assert a != c


def test_no_grad_in_one_thread_leaves_the_other_recording():
    """One thread enters no_grad while the other is in the middle of a forward, and
    leaves it while the other is in the middle of a no_grad of its own."""

    def quiet(meet):
        w = nn.Parameter([2.0])
        with no_grad():
            meet()  # both are here: this one quiet, the other recording
            inside = (w * w).requires_grad
            meet()
        meet()  # the other is quiet by now
        after = (w * w).requires_grad
        meet()
        return inside, after

    def recording(meet):
        w = nn.Parameter([3.0])
        half = w * w
        meet()
        (half * w).backward()
        meet()
        with no_grad():
            meet()
            inside = (w * w).requires_grad
            meet()
        return w.grad.tolist(), inside

    assert at_the_same_time(quiet, recording) == [
        (False, True),
        ([27.0], False),
    ]


@pytest.mark.parametrize(
    "name", ["python", pytest.param("numpy", marks=needs_numpy), "scalar"]
)
def test_threads_that_walk_one_retained_graph_lose_nothing(name):
    """Each adds the whole gradient to the leaf, whoever is between reading the old sum
    and writing the new one."""
    with use_backend(name):
        x = nn.Parameter([1.0, 2.0])
        loss = (x * x * x).sum()

    def job(meet):
        meet()
        for _ in range(50):
            loss.backward(retain_graph=True)

    at_the_same_time(*[job] * 4)
    assert x.grad.tolist() == [200 * 3.0, 200 * 12.0]


@needs_numpy
def test_numpy_warns_again_once_another_backend_is_set():
    """`set_backend("numpy")` is quiet about inf; afterwards NumPy is as it was."""
    code = (
        "import threading, warnings\n"
        "import numpy as np\n"
        "from tinygrad_attn import get_rng_state, set_backend\n"
        "warnings.simplefilter('error')\n"
        "def warns():\n"
        "    get_rng_state()  # a thread that computes with us\n"
        "    try:\n"
        "        np.log(np.zeros(1))\n"
        "    except RuntimeWarning:\n"
        "        return True\n"
        "    return False\n"
        "seen = [warns()]\n"
        "for name in ('numpy', 'python', 'numpy', 'numpy', 'scalar'):\n"
        "    set_backend(name)\n"
        "    seen.append(warns())\n"
        "    thread = threading.Thread(target=lambda: seen.append(warns()))\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "print(seen)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    quiet, loud = [False] * 2, [True] * 2
    want = [True, *quiet, *loud, *quiet, *quiet, *loud]
    assert done.stdout == f"{want}\n", done.stderr
