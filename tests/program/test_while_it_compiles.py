"""What may happen while a program is compiled: ^C, signals, threads, another CC."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import warnings
import weakref
from pathlib import Path

import pytest
from conftest import needs_cc, needs_numpy

import nn
from tinygrad_attn import use_backend, write
from tinygrad_attn.program import compiling

pytestmark = [
    needs_numpy,
    pytest.mark.skipif(os.name != "posix", reason="needs scripts"),
    needs_cc,
]
REAL = compiling.compiler()


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        yield


@pytest.fixture
def cc(tmp_path, monkeypatch):
    """Has a compiler do something before it compiles a program. What it does may read
    and write files in its folder, which is returned."""

    def name(lines):
        path = tmp_path / "own-cc"
        path.write_text(
            f'#!/bin/sh\ncd "{tmp_path}"\ncase "$*" in *step.c*) {lines};; esac\n'
            f'exec {REAL[0]} "$@"\n'
        )
        path.chmod(0o755)
        monkeypatch.setenv("CC", str(path))
        return tmp_path

    return name


def trained(target="c"):
    """A step of training, and its weight."""
    w = nn.Parameter([1.0])
    optimizer = nn.optim.Adam([w], lr=0.1)

    def loss(x):
        return ((w * x) ** 2).sum()

    return write(loss, {"x": [1.0]}, update=optimizer, target=target), w


LATE = "while [ ! -e gate ]; do sleep 0.01; done"


def losses_of(step):
    return [step([2.0]).item() for _ in range(3)]


def test_writing_does_not_wait_for_the_compiler(cc):
    trained()[0]([2.0])  # what is asked of a compiler once was asked
    gate = cc(LATE) / "gate"
    step, w = trained()  # is back although nothing is compiled yet
    assert not step.machine.compiling.made
    gate.touch()
    losses = losses_of(step)
    other, v = trained("numpy")
    assert losses == pytest.approx(losses_of(other), rel=1e-12)
    assert w.tolist() == pytest.approx(v.tolist(), rel=1e-12)


def test_a_compiler_that_was_interrupted_is_asked_again(cc):
    folder = cc("if [ ! -e seen ]; then touch seen; kill -2 $$; fi")
    step, _ = trained()
    assert step([2.0]).item() == 4.0
    assert step.target == "c"
    assert (folder / "seen").exists()


def test_a_step_that_was_looked_at_trains_as_one_that_was_not(cc):
    """The same numbers, whether NumPy takes C's place before, in, or without a run."""
    cc("exit 1")
    found = []
    for look in (True, False):
        step, w = trained()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if look:
                assert step.target == "numpy"
            losses = losses_of(step)
        assert len(caught) == 1
        (optimizer,) = step.model.optimizers
        assert optimizer.steps == optimizer.state[w]["step"] == 3
        found.append((losses, w.tolist()))
    step, w = trained("numpy")
    found.append((losses_of(step), w.tolist()))
    assert found[0] == found[1] == found[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_compiles_for_itself():
    step, _ = trained()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads and forks
        child = os.fork()
    if not child:
        os._exit(0 if step([2.0]).item() == 4.0 and step.target == "c" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert step([2.0]).item() == 4.0


def test_a_program_that_is_refused_is_compiled_once(cc):
    folder = cc("echo once >> seen; exit 1")
    step, _ = trained()
    for wait in (True, False):  # an error, too, and the program stays as it was
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning, match="it says nothing; the program runs"):
                _ = step.target if wait else step([2.0])
    with pytest.warns(UserWarning, match="it says nothing; the program runs in numpy"):
        assert step([2.0]).item() == 4.0
    assert (folder / "seen").read_text() == "once\n"


@pytest.mark.filterwarnings("ignore:write")
def test_what_c_would_have_used_is_free_again(cc):
    cc("exit 1")
    step, _ = trained()
    memory = weakref.ref(step.machine.arenas[0])
    gc.disable()
    try:
        assert step.target == "numpy"
        assert memory() is None
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_program_that_is_gone_leaves_no_library():
    def libraries():
        gc.collect()
        return Path("/proc/self/maps").read_text().count("step.so")

    step, _ = trained()
    step([1.0])
    function, before = step.machine.call, libraries()
    del step
    assert libraries() == before  # a function may still be called
    del function
    assert libraries() < before


def test_few_are_compiled_at_the_same_time(cc):
    folder = cc(f"echo one >> seen; {LATE}")
    steps = [trained()[0] for _ in range(compiling.AT_ONCE + 3)]
    alive = [t for t in threading.enumerate() if isinstance(t, compiling.Compiling)]
    assert len(alive) == compiling.AT_ONCE
    (folder / "gate").touch()
    assert {(s([2.0]).item(), s.target) for s in steps} == {(4.0, "c")}
    assert (folder / "seen").read_text().count("one") == len(steps)


def test_the_compiler_is_the_one_that_there_was(cc, monkeypatch):
    folder = cc(LATE)
    step, _ = trained()
    monkeypatch.setenv("CC", "false")
    (folder / "gate").touch()
    assert (step([2.0]).item(), step.target) == (4.0, "c")


def test_without_threads_it_is_compiled_when_it_is_needed(monkeypatch):
    def none(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    step, _ = trained()
    assert (step([2.0]).item(), step.target) == (4.0, "c")


class Alarm(Exception):
    """What a handler raises."""


@pytest.fixture
def alarm():
    """Has a function called in the main thread, in a moment."""
    before = signal.getsignal(signal.SIGALRM)

    def call(function):
        signal.signal(signal.SIGALRM, lambda *_: function())
        signal.setitimer(signal.ITIMER_REAL, 0.2)

    yield call
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_interrupted_first_run_leaves_all_as_it_was(cc, alarm):
    """And the compiler goes on."""
    folder = cc(f"echo once >> seen; {LATE}")
    step, w = trained()

    def interrupt():
        raise Alarm

    alarm(interrupt)
    with pytest.raises(Alarm):
        step([2.0])
    assert w.tolist() == [1.0]
    (folder / "gate").touch()
    losses = [step([2.0]).item() for _ in range(3)]
    other, _ = trained("numpy")
    assert losses == pytest.approx([other([2.0]).item() for _ in range(3)], rel=1e-12)
    assert step.target == "c"
    assert (folder / "seen").read_text() == "once\n"


@pytest.mark.parametrize("what", ["run", "save", "source"])
def test_a_handler_in_the_middle_of_a_run_is_refused(what, cc, alarm):
    """It would wait for the run, which waits for it."""
    folder = cc(LATE)
    step, _ = trained()
    said = []

    def handler():
        try:
            if what == "run":
                step([3.0])
            elif what == "save":
                step.save(folder / "step.py")
            else:
                said.append(step.source)
        except RuntimeError as error:
            said.append(str(error))
        (folder / "gate").touch()

    alarm(handler)
    assert step([2.0]).item() == 4.0
    assert len(said) == 1
    assert said[0].startswith("step: the program is just running")
    step.save(folder / "step.py")  # afterwards all is as ever
    assert step.target == "c"


def test_threads_that_share_a_program_take_turns(cc):
    folder = cc(LATE)
    step, w = trained()
    found = []

    def run():
        for _ in range(10):
            found.append(step([2.0]).item())
            step.save(folder / "step.py")

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    (folder / "gate").touch()
    for thread in threads:
        thread.join()
    other, v = trained("numpy")
    right = [other([2.0]).item() for _ in range(30)]
    assert sorted(found) == pytest.approx(sorted(right), rel=1e-9)
    assert w.tolist() == pytest.approx(v.tolist(), rel=1e-9)


@pytest.mark.parametrize("daemon", [False, True])
def test_python_ends_when_the_compiler_has(daemon, cc, tmp_path):
    """Even if a thread wrote the program that is not waited for: no folder stays."""
    cc("sleep 0.5")
    (tmp_path / "made").mkdir()
    code = (
        "import threading\nfrom tinygrad_attn import write\n"
        "def run(): write(lambda x: x * 2.0, {'x': [1.0]}, target='c'); done.set()\n"
        f"done = threading.Event()\nthreading.Thread(target=run, daemon={daemon})"
        ".start()\ndone.wait()\n"
    )
    made = os.environ | {"TMPDIR": str(tmp_path / "made")}
    subprocess.run([sys.executable, "-c", code], env=made, check=True)
    assert [*(tmp_path / "made").iterdir()] == []


def test_c_that_refuses_what_numpy_takes_is_refused(monkeypatch):
    """A check is compared, too."""
    step, _ = trained()
    step.build()

    def refuses(function):
        raise IndexError("take: 3 given; it is out of range")

    monkeypatch.setattr(step.machine, "do", refuses)
    with pytest.warns(UserWarning, match="is wrong .it refuses what NumPy's takes: ta"):
        assert step([2.0]).item() == 4.0
    assert step.target == "numpy"
