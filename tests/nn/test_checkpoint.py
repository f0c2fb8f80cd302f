"""Checkpoints: every bit comes back; a cut, altered or foreign file is refused."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import pickle
import random
import stat
import subprocess
import sys
import threading
import zipfile

import pytest
from conftest import ROOT, needs_numpy, needs_safetensors

import nn
from nn import checkpoint, tensor_file
from tinygrad_attn import (
    Tensor,
    full,
    get_rng_state,
    manual_seed,
    ones,
    randn,
    use_backend,
    whole_file,
    zeros,
)


class Trained:
    """A model, an optimizer with more than ten parameters, and what draws batches."""

    def __init__(self, seed=0, sizes=(3, 4, 4, 4, 4, 4, 2)):
        manual_seed(seed)
        self.model = nn.Sequential(*map(nn.Linear, sizes, sizes[1:]))
        self.optimizer = nn.optim.Adam(self.model.parameters(), lr=0.01)
        self.batches = random.Random(seed)

    def steps(self, count):
        losses = []
        for _ in range(count):
            x = randn(2, 3) * self.batches.random()
            loss = (self.model(x) ** 2).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return losses

    def save(self, path, **config):
        generators = {"batches": self.batches}
        checkpoint.save(path, self.model, self.optimizer, config, generators)

    def restore(self, saved):
        saved.restore(self.model, self.optimizer, {"batches": self.batches})

    def numbers(self):
        state = self.optimizer.state_dict()
        slots = ("exp_avg", "exp_avg_sq")
        moments = [own[s].tolist() for own in state["state"].values() for s in slots]
        weights = [p.tolist() for p in self.model.parameters()]
        return weights, moments, self.optimizer.steps, self.batches.getstate()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.safetensors"


# === What comes back ==================================================================


def test_every_bit_comes_back(any_backend, path):
    tensors = {
        "a": randn(2, 3),
        "b": Tensor([1, -(2**40)]),
        "c": Tensor([[True], [False]]),
        "d": Tensor(float("inf")),
        "e": zeros(0, 2),
        "__metadata__": ones(1),
        '"file_sha256":"' + "0" * 64 + '"': ones(1),
    }
    config = {
        "lr": 0.1,
        "words": ["ä", "→", "\ud800"],
        "steps": 3,
        '"file_sha256":"': '"file_sha256":"' + "0" * 64 + '"',
    }
    checkpoint.save(path, tensors, config=config)
    saved = checkpoint.load(path)
    assert saved.config == config
    assert set(saved.weights) == set(tensors)
    for name, t in tensors.items():
        assert saved.weights[name].tolist() == t.tolist()
        assert (saved.weights[name].shape, saved.weights[name].dtype) == (
            t.shape,
            t.dtype,
        )
    assert os.listdir(path.parent) == [path.name]


def test_training_goes_on_to_the_last_bit(any_backend, path):
    run = Trained()
    run.steps(3)
    run.save(path, sizes=[3, 4])
    want = run.steps(3)
    other = Trained(seed=1)
    other.steps(1)
    before, state = other.numbers(), get_rng_state()
    saved = checkpoint.load(path)
    assert (other.numbers(), get_rng_state()) == (before, state)  # load changes nothing
    assert saved.config == {"sizes": [3, 4]}
    other.restore(saved)
    assert other.steps(3) == want
    assert other.numbers() == run.numbers()


def test_the_librarys_random_numbers_go_on(path):
    manual_seed(0)
    checkpoint.save(path)
    want = randn(3).tolist()
    checkpoint.load(path).restore()
    assert randn(3).tolist() == want


@needs_numpy
def test_what_was_saved_on_one_backend_goes_on_on_another(path):
    with use_backend("python"):
        run = Trained()
        run.steps(2)
        run.save(path)
        want = run.steps(2)
        saved = checkpoint.load(path)
    with use_backend("numpy", "float64"):
        other = Trained(seed=1)
        other.restore(saved)  # its moments are lists; the parameters are arrays
        assert other.steps(2) == pytest.approx(want)


@needs_numpy
def test_float32_comes_back_and_another_backend_can_read_it(path):
    with use_backend("numpy"):
        x = randn(5)
        checkpoint.save(path, {"x": x})
        loaded = checkpoint.load(path).weights
        assert (loaded["x"].dtype, loaded["x"].tolist()) == ("float32", x.tolist())
    loaded = checkpoint.load(path).weights
    assert (loaded["x"].dtype, loaded["x"].tolist()) == ("float64", x.tolist())


@needs_safetensors
@needs_numpy
def test_the_library_reads_what_we_write(path):
    from safetensors.numpy import load_file

    checkpoint.save(path, {"w": Tensor([[1.0, 2.0]])})
    assert load_file(path)["model.w"].tolist() == [[1.0, 2.0]]


# === What does not fit ================================================================


def test_what_does_not_fit_changes_nothing(path):
    run = Trained()
    run.steps(1)
    run.save(path)
    saved = checkpoint.load(path)
    checkpoint.save(path, run.model)
    bare = checkpoint.load(path)
    other, wider = Trained(seed=1), Trained(sizes=(3, 5, 2))
    before, state = (other.numbers(), wider.numbers()), get_rng_state()
    sgd = nn.optim.SGD(other.model.parameters())
    for one, given, words in [
        (saved, (wider.model,), "does not fit: Sequential.load_state_dict: unexpected"),
        (saved, (None, wider.optimizer), "does not fit: Adam: a state of groups of 12"),
        (saved, (other.model, sgd), "does not fit: SGD: a state of Adam given; it m"),
        (saved, (other.model, None, {"data": other.batches}), "has batches"),
        (bare, (other.model, other.optimizer), "without an optimizer"),
    ]:
        with pytest.raises(ValueError, match=words) as raised:
            one.restore(*given)
        assert str(raised.value).startswith(str(path))
        assert "\n" not in str(raised.value)
        assert (other.numbers(), wider.numbers()) == before
        assert get_rng_state() == state


def test_a_file_of_the_format_before_gives_its_model_but_no_optimizer(path):
    run, other = Trained(), Trained(seed=1)
    run.steps(1)
    run.save(path)
    tensors, settings = tensor_file.read(path)
    settings |= {"format": 2, "optimizer": {"steps": 1, "slots": ["m", "v"]}}
    tensors = {k: t for k, t in tensors.items() if k.startswith("model.")}
    tensor_file.write(path, tensors | {"optimizer.m.0": ones(2)}, settings)
    saved = checkpoint.load(path)
    before = other.numbers()
    with pytest.raises(ValueError, match="earlier version.*restore the model alone"):
        other.restore(saved)
    assert other.numbers() == before
    saved.restore(other.model)
    assert other.numbers()[0] == run.numbers()[0]


STORED = ROOT / "tests" / "nn" / "stored"  # each was written when its format was new


@pytest.mark.parametrize("number", [2, 3])
def test_a_file_of_each_format_that_was_ever_written(any_backend, number):
    saved = checkpoint.load(STORED / f"format_{number}.safetensors")
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    batches = random.Random(0)
    if number == 2:
        with pytest.raises(ValueError, match="restore the model alone"):
            saved.restore(model, optimizer)
        saved.restore(model, generators={"batches": batches})
    else:
        saved.restore(model, optimizer, {"batches": batches})
        assert optimizer.steps == 2
    assert saved.config == {"sizes": [3, 2, 1]}
    assert model[0].weight.tolist()[0] == [
        0.1263184636260386,
        -0.4300029900255259,
        0.46088268181080005,
    ]
    assert batches.random() == random.Random(5).random()
    assert randn(2).tolist() == pytest.approx(
        [-0.3562623190461385, 0.40145024542728935]
    )


# === What is refused ==================================================================


def refused(path, words=None, kind=ValueError):
    """One line, which names the file."""
    with pytest.raises(kind, match=words) as raised:
        checkpoint.load(path)
    told = str(raised.value)
    assert str(path) in told
    assert "\n" not in told
    return told


def small(path):
    checkpoint.save(path, {"w": ones(5), "n": Tensor([1])}, config={"k": 1, "ä": "é"})
    return path.read_bytes()


def change(path, at, byte):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes([byte]))


def test_any_changed_byte_is_refused(path):
    """Each byte of the length, the table, its padding and the numbers."""
    whole = small(path)
    for at in range(len(whole)):
        every_bit = at < 100 or at > len(whole) - 100
        for bit in range(8) if every_bit else (at % 8,):
            change(path, at, whole[at] ^ 1 << bit)  # in place: much faster
            refused(path)
        change(path, at, whole[at])
    assert checkpoint.load(path).config == {"k": 1, "ä": "é"}


def test_what_means_the_same_is_refused_too(path):
    """A checksum of contents alone would not see these: other space, another escape."""
    whole = small(path)
    for old, new in [
        (rb"\\u00e4", rb"\\u00E4"),
        (b" " * 2, b"\t "),
        (rb"\"k\": 1", rb"\"k\":1 "),
    ]:
        if old not in whole:  # the table is filled up to 8 bytes, if at all
            assert old == b" " * 2
            continue
        path.write_bytes(whole.replace(old, new, 1))
        assert "altered" in refused(path)


def test_a_file_that_was_cut_off_or_went_on_is_refused(path):
    whole = small(path)
    lengths = [*range(200), *range(200, len(whole) - 100, 37)]
    lengths += range(len(whole) - 100, len(whole))
    for length in reversed(lengths):
        os.truncate(path, length)
        refused(path)
    for more in (b"\0", b" ", whole):
        path.write_bytes(whole + more)
        refused(path, "cut off or altered")


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


def test_what_is_no_checkpoint_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    for content, words in [
        (b"", "is empty"),
        (b"hello, this is no checkpoint", "no whole safetensors file"),
        (b'{"w": [1.0, 2.0]}', "no whole safetensors file"),
        (bytes(1000), "was not written by this project|no whole safetensors file"),
        (b"\xff" * 1000, "no whole safetensors file"),
        (pickle.dumps(Bomb()), "is a pickle, .* none is ever opened"),
        (pickle.dumps(Bomb(), 0), "no whole safetensors file"),
        (archive.getvalue(), "is a zip archive"),
        (os.urandom(500), "no whole safetensors file"),
    ]:
        path.write_bytes(content)
        refused(path, words)
    assert not os.path.exists("unpickled")
    assert not {"pickle", "marshal", "shelve"} & set(vars(tensor_file))
    refused(tmp_path, "is no file", IsADirectoryError)
    refused(tmp_path / "nowhere", "No such file", FileNotFoundError)


@needs_numpy
@needs_safetensors
@needs_numpy
def test_a_foreign_file_opens_as_weights_unless_it_says_to_be_ours(path):
    import numpy as np
    from safetensors.numpy import load_file, save_file

    save_file({"w": np.ones(3)}, path, {"format": "np"})
    saved, state = checkpoint.load(path), get_rng_state()
    assert saved.weights["w"].tolist() == [1.0, 1.0, 1.0]
    assert (saved.config, saved.optimizer, saved.rng_state) == ({}, None, None)
    saved.restore()
    assert get_rng_state() == state
    save_file({"w": np.ones(3)}, path, {"settings": "{}", "sha256": "0" * 64})
    refused(path, "was not written by this project's save")
    save_file({"w": np.ones(3)}, path, {"file_sha256": "0" * 64})
    refused(path, "altered")
    small(path)
    save_file(load_file(path), path)  # someone else's copy is someone else's file
    assert checkpoint.load(path).config == {}


def test_other_settings_under_a_right_checksum_are_refused(path):
    deep = {"format": checkpoint.FORMAT, "config": {}, "optimizer": {"steps": 1}}
    small(path)
    _, right = tensor_file.read(path)
    wrong = [{}, [], None, 3, {"format": 1}, deep]
    wrong += [{k: v for k, v in right.items() if k != name} for name in right]
    wrong += [right | {name: 7} for name in right if name != "optimizer"]
    wrong += [right | {"rng_state": [3, [1], None]}, right | {"optimizer": 3}]
    version, words, _ = right["rng_state"]
    for state in (
        [version, [-1, *words[1:]], None],
        [version, [2**70, *words[1:]], None],
        [version, words, "x"],
        [version, words, []],
    ):
        wrong += [right | {"rng_state": state}, right | {"generators": {"g": state}}]
    for settings in wrong:
        tensor_file.write(path, {"model.w": ones(1)}, settings)
        refused(path, "was not written by this version")


# === How it is written ================================================================


def test_the_numbers_are_on_the_disk_before_the_name_and_then_the_name(
    path, monkeypatch
):
    done = []
    sync, replace = os.fsync, os.replace

    def noted_sync(handle):
        folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        done.append("folder" if folder else f"file of {os.fstat(handle).st_size}")
        sync(handle)

    def noted_replace(old, new):
        done.append("name")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    checkpoint.save(path, {"w": ones(2)})
    size = path.stat().st_size
    assert (
        done == [f"file of {size}", "name", "folder"][: 3 if os.name == "posix" else 2]
    )


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_file(path, monkeypatch, call):
    before = small(path)

    def fail(*args):
        raise OSError(28, "disk full")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="could not be written: .*disk full") as raised:
        checkpoint.save(path, {"w": zeros(2)})
    assert str(path) in str(raised.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_is_not_overwritten(tmp_path):
    with pytest.raises(FileExistsError, match="is no file"):
        checkpoint.save(tmp_path, {"w": ones(2)})
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="links and modes of POSIX")
def test_a_link_stays_a_link_and_the_mode_is_as_of_any_file(path):
    checkpoint.save(path, {"w": ones(1)})
    plain = path.with_name("plain")
    plain.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    link = path.with_name("latest")
    link.symlink_to(path.name)
    checkpoint.save(link, {"w": ones(2)})
    assert link.is_symlink()
    assert checkpoint.load(path).weights["w"].shape == (2,)


def test_the_next_save_removes_leftovers_but_nothing_else(path):
    names = [
        f".{path.name}.{'0a' * 8}.tmp",  # ours
        f".{path.name}.{'0b' * 8}.tmp",
        f".{path.name}.{'0c' * 8}.tmp",  # ours, and someone is writing it
        f".{path.name}.notes.tmp",
        f".other.{'0a' * 8}.tmp",
        f"{path.name}.tmp",
    ]
    for name in names:
        path.with_name(name).write_bytes(b"half")
    if os.name != "posix":
        pytest.skip("the lock is POSIX's")
    with open(path.with_name(names[2]), "r+b") as file:
        assert whole_file.lock(file)
        checkpoint.save(path, {"w": ones(1)})
        assert sorted(os.listdir(path.parent)) == sorted([path.name, *names[2:]])
    checkpoint.save(path, {"w": ones(1)})
    assert sorted(os.listdir(path.parent)) == sorted([path.name, *names[3:]])


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_private_file_stays_private(path):
    checkpoint.save(path, {"w": ones(1)})
    path.chmod(0o600)
    checkpoint.save(path, {"w": ones(2)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_is_told_by_its_number(path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="could not be written: No space left") as raised:
        checkpoint.save(path, {"w": ones(1)})
    assert raised.value.errno == errno.ENOSPC
    assert os.listdir(path.parent) == []


def test_many_save_one_file_at_once(path):
    """Threads, and processes: whoever comes last, no save fails and none is half."""
    failed = []

    def save_often(number):
        try:
            for _ in range(25):
                checkpoint.save(path, {"w": full(200, float(number))})
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=save_often, args=(n,)) for n in range(4)]
    code = (
        "import sys; from nn import checkpoint; from tinygrad_attn import full\n"
        "for _ in range(25): checkpoint.save(sys.argv[1], {'w': full(200, 9.0)})"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait() for other in others] == [0, 0]
    assert failed == []
    assert len(set(checkpoint.load(path).weights["w"].tolist())) == 1
    checkpoint.save(path, {"w": ones(1)})
    assert os.listdir(path.parent) == [path.name]


def test_nothing_needs_to_be_installed(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "numpy", None)
    checkpoint.save(path, {"w": ones(2)})
    assert checkpoint.load(path).weights["w"].tolist() == [1.0, 1.0]


def test_who_reads_meanwhile_gets_the_old_file_or_the_new(path):
    """Not the table of one and the numbers of the other."""
    done, failed = [], []

    def save_often():
        for number in range(300):
            checkpoint.save(path, {"w": full(1 + number % 2, float(number))})
        done.append(True)

    checkpoint.save(path, {"w": ones(1)})
    writer = threading.Thread(target=save_often)
    writer.start()
    while not done:
        try:
            checkpoint.load(path)
        except ValueError as error:
            failed.append(str(error))
    writer.join()
    assert failed == []


@needs_numpy
def test_the_checksum_is_of_what_was_written_if_numbers_move_meanwhile(path):
    """A program moves parameters in place, maybe in another thread."""
    with use_backend("numpy"):
        first, w = ones(3), ones(3)
        written = whole_file.write

        def write(target, chunks, *more):
            w.array[:] = 5.0  # after all was collected
            written(target, chunks, *more)

        whole_file.write = write
        try:
            checkpoint.save(path, {"first": first, "w": w})
        finally:
            whole_file.write = written
        assert checkpoint.load(path).weights["w"].tolist() == [5.0] * 3


@pytest.mark.parametrize("length", [1, 200, 201, 233, 255])
def test_every_name_that_a_file_can_have(tmp_path, length):
    path = tmp_path / ("n" * length)
    checkpoint.save(path, {"w": ones(1)})
    checkpoint.save(path, {"w": ones(2)})
    assert checkpoint.load(path).weights["w"].shape == (2,)
    assert os.listdir(tmp_path) == [path.name]
    left = path.with_name(f"{whole_file.hidden_name(path)}{'0a' * 8}.tmp")
    left.write_bytes(b"half")
    checkpoint.save(path, {"w": ones(2)})
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "n" * 300, "n" * 100_000])
def test_a_name_that_no_file_can_have_is_told_in_one_line(tmp_path, name):
    for call in (
        lambda path: checkpoint.save(path),
        checkpoint.load,
        lambda path: checkpoint.load(f"{path}.index.json"),
    ):
        with pytest.raises(
            (ValueError, OSError), match=r"(save|load): '.*' given: "
        ) as e:
            call(f"{tmp_path}/{name}")
        assert len(str(e.value)) < 400
        assert not isinstance(e.value, UnicodeError)


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_file_that_grows_too_large_is_told_by_its_number(path):
    before = small(path)
    code = (
        "import resource, signal, sys; from nn import checkpoint\n"
        "from tinygrad_attn import ones\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: checkpoint.save(sys.argv[1], {'w': ones(5000)})\n"
        "except OSError as error: print(error.errno, error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stderr == ""
    assert done.stdout.startswith(f"{errno.EFBIG} [Errno {errno.EFBIG}] save: {path} ")
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs root")
def test_a_folder_that_may_be_written_and_not_read(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    folder.chmod(0o333)
    code = (
        "import os, sys; from nn import checkpoint; from tinygrad_attn import ones\n"
        "for f in (os.setgid, os.setuid): f(65534)\n"
        "os.chdir(sys.argv[1]); checkpoint.save('x', {'w': ones(1)})\n"
        "print(*checkpoint.load('x').weights)"
    )
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, folder], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("w\n", "")


@pytest.mark.parametrize("levels", [900, 985, 988, 990, 992, 994, 996, 3000])
def test_a_config_is_saved_or_refused_however_deep(path, levels):
    nested = 1.0
    for _ in range(levels):
        nested = [nested]
    with contextlib.ExitStack() as stack:
        if levels > 980:
            stack.enter_context(contextlib.suppress(TypeError))
        checkpoint.save(path, config={"a": nested})


class Stateless(random.Random):
    def getstate(self):
        return object()


@pytest.mark.parametrize("kind", [random.SystemRandom, Stateless])
def test_a_generator_without_a_state_is_refused(path, kind):
    with pytest.raises(TypeError, match=f"'g', a {kind.__name__}, whose state cannot"):
        checkpoint.save(path, generators={"g": kind()})
    checkpoint.save(path, generators={"g": random.Random()})
    with pytest.raises(
        TypeError, match=f"restore: generators has 'g', a {kind.__name__}"
    ):
        checkpoint.load(path).restore(generators={"g": kind()})


@pytest.mark.parametrize(
    "call",
    [
        lambda path: checkpoint.save(path, {"n" * 9999: 3}),
        lambda path: checkpoint.save(path, config={10**4000: 3}),
        lambda path: checkpoint.load(path).restore(
            generators={"n" * 9999: random.Random()}
        ),
    ],
)
def test_no_long_name_is_quoted_in_full(path, call):
    small(path)
    with pytest.raises((TypeError, ValueError)) as raised:
        call(path)
    assert len(str(raised.value)) < 400
