"""Files of others: any dtype, parts with an index, forged tables; each is read as the
library reads it, or refused in one line."""

from __future__ import annotations

import json
import random
import struct
import subprocess
import sys

import pytest
from conftest import ROOT, needs_numpy, needs_safetensors

from nn import checkpoint
from tinygrad_attn import Tensor, randn, use_backend, zeros


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.safetensors"


def forged(path, table, numbers=b"", length=None):
    """A file with this table before these numbers."""
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    head = struct.pack("<Q", len(text) if length is None else length)
    path.write_bytes(head + text + numbers)


def entry(dtype, shape, start, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


# === Both ways, beside the library ====================================================


@needs_safetensors
@needs_numpy
def test_the_library_and_we_read_each_others_files(any_backend, path):
    from safetensors.numpy import load_file, save_file

    tensors = {
        "a": randn(2, 3),
        "b": Tensor([1, -(2**40)]),
        "c": Tensor([[True], [False]]),
        "d": Tensor(float("-inf")),
        "e": zeros(0, 2),
        "turned": randn(3, 4).T,
        "ä\n": Tensor([1.5]),
    }
    checkpoint.save(path, tensors)
    theirs = load_file(path)
    assert {n: a.tolist() for n, a in theirs.items()} == {
        f"model.{n}": t.tolist() for n, t in tensors.items()
    }
    save_file({n.removeprefix("model."): a for n, a in theirs.items()}, path)
    ours = checkpoint.load(path).weights
    assert {n: (t.tolist(), t.dtype, t.shape) for n, t in ours.items()} == {
        n: (t.tolist(), t.dtype, t.shape) for n, t in tensors.items()
    }


@needs_safetensors
@needs_numpy
@pytest.mark.parametrize(
    "dtype", ["float16", "int8", "uint8", "int16", "uint16", "int32", "uint32"]
)
def test_other_dtypes_keep_their_numbers(any_backend, path, dtype):
    import numpy as np
    from safetensors.numpy import save_file

    numbers = np.array([[0, 1, 100], [3, 7, 27]]).astype(dtype)
    if dtype == "float16":
        numbers = np.array([[0.5, -1.25, 6e-8], [65504.0, np.inf, 0.1]], np.float16)
    save_file({"w": numbers}, path)
    w = checkpoint.load(path).weights["w"]
    assert w.tolist() == numbers.astype(float if dtype == "float16" else int).tolist()
    assert w.dtype.rstrip("0123456789") == ("float" if dtype == "float16" else "int")


def test_bfloat16_is_the_upper_half_of_a_float32(any_backend, path):
    numbers = [1.0, -2.5, 0.15625, float("inf")]
    halves = [struct.unpack("<I", struct.pack("<f", v))[0] >> 16 for v in numbers]
    forged(path, {"w": entry("BF16", [2, 2], 0, 8)}, struct.pack("<4H", *halves))
    assert checkpoint.load(path).weights["w"].tolist() == [numbers[:2], numbers[2:]]


@needs_numpy
def test_floats_keep_their_width_where_the_backend_has_it(path):
    forged(path, {"w": entry("F32", [1], 0, 4)}, struct.pack("<f", 0.1))
    with use_backend("numpy", "float64"):
        assert checkpoint.load(path).weights["w"].dtype == "float32"
    assert checkpoint.load(path).weights["w"].dtype == "float64"


def test_a_model_in_parts(any_backend, tmp_path):
    forged(
        tmp_path / "a.safetensors", {"w": entry("F64", [1], 0, 8)}, struct.pack("<d", 1)
    )
    forged(
        tmp_path / "b.safetensors",
        {"u": entry("F64", [], 0, 8), "v": entry("BOOL", [2], 8, 10)},
        struct.pack("<d2?", 2.0, True, False),
    )
    index = tmp_path / "model.safetensors.index.json"
    places = {"v": "b.safetensors", "w": "a.safetensors", "u": "b.safetensors"}
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    weights = checkpoint.load(index).weights
    assert {n: t.tolist() for n, t in weights.items()} == {
        "v": [True, False],
        "w": [1.0],
        "u": 2.0,
    }
    for text, said in [
        ("{}", "is no index"),
        ("[", "is no index"),
        ('{"weight_map": {"w": "../a.safetensors"}}', "files beside it"),
        ('{"weight_map": {"w": 3}}', "is no index"),
        ('{"weight_map": {"w": ".."}}', "files beside it"),
        ('{"weight_map": {"w": ""}}', "files beside it"),
        ('{"weight_map": {"w": "C:a.safetensors"}}', "files beside it"),
        ('{"weight_map": {"w": "..\\\\a.safetensors"}}', "files beside it"),
        ('{"weight_map": {"w": "a\\u0000b"}}', "files beside it"),
        ('{"weight_map": {"w": "\\ud800"}}', "files beside it"),
        ('{"weight_map": {"w": "a.safetensors", "w": "b"}}', "is no index"),
        ('{"weight_map": {"w": "b.safetensors"}}', "which lacks it"),
    ]:
        index.write_text(text)
        with pytest.raises(ValueError, match=said) as raised:
            checkpoint.load(index)
        assert str(index) in str(raised.value)
    index.write_text('{"weight_map": {"w": "c.safetensors"}}')
    with pytest.raises(FileNotFoundError):
        checkpoint.load(index)


# === What is refused ==================================================================

RIGHT = {"w": entry("F64", [2], 0, 16)}


@pytest.mark.parametrize(
    "table",
    [
        [],
        3,
        {"w": 3},
        {"w": {}},
        {"w": entry("F64", [2], 0, 8)},
        {"w": entry("F64", [2], 8, 24)},
        {"w": entry("F64", [-2], 0, 16)},
        {"w": entry("F64", [2.0], 0, 16)},
        {"w": entry("F64", [True, 2], 0, 16)},
        {"w": entry("F64", "22", 0, 16)},
        {"w": entry("F64", [2], 0, 16.0)},
        {"w": entry("F64", [2], False, 16)},
        {"w": entry("F65", [2], 0, 16)},
        {"w": entry(["F64"], [2], 0, 16)},
        {"w": entry("F64", [2**62, 2**62], 0, 16)},
        {"w": entry("F64", [1] * 64 + [2], 0, 16)},
        {**RIGHT, "b": entry("F64", [2**62, 0], 16, 16)},
        {**RIGHT, "b": entry("F64", [0] * 100_000, 16, 16)},
        {"w": {**RIGHT["w"], "data_offsets": [0, 8, 16]}},
        {"a": entry("F64", [1], 0, 8), "b": entry("F64", [2], 0, 16)},
        {"a": entry("F64", [1], 8, 16)},
        {**RIGHT, "__metadata__": []},
        {**RIGHT, "__metadata__": {"a": 1}},
        b'{"w": %s, "w": %s}' % ((json.dumps(RIGHT["w"]).encode(),) * 2),
        b'{"w": ',
        b" " + json.dumps(RIGHT).encode(),
        b"[" * 100_000,
        b'{"\xff": 1}',
    ],
    ids=str,
)
def test_a_forged_table_is_refused_in_one_line(path, table):
    forged(path, table, bytes(16))
    with pytest.raises(ValueError, match="safetensors file|cut off") as raised:
        checkpoint.load(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "U64"])
def test_a_dtype_that_cannot_be_read_is_named(path, dtype):
    width = 8 if dtype == "U64" else 1
    forged(path, {"w": entry(dtype, [1], 0, width)}, bytes(width))
    with pytest.raises(ValueError, match=f"'w': its dtype is {dtype}; .* can be read"):
        checkpoint.load(path)


def test_no_damage_ends_in_anything_but_one_line(path):
    rng = random.Random(0)
    forged(path, {**RIGHT, "b": entry("BOOL", [3], 16, 19)}, bytes(19))
    whole = path.read_bytes()
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(rng.randrange(1, 5)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(
            bytes(damaged[: rng.choice([len(damaged), rng.randrange(99)])])
        )
        said = refusal(path)
        assert "\n" not in said
        assert str(path) in said or not said


def refusal(path):
    """What is said of a file; nothing if it opens."""
    try:
        checkpoint.load(path)
    except ValueError as error:
        return str(error)
    return ""


def test_a_large_file_is_not_read_before_its_table_was(path):
    """40 GB with a table for 16 bytes: a sparse file, of which nobody reads as much."""
    forged(path, RIGHT, bytes(16))
    with open(path, "r+b") as file:
        file.truncate(40 * 2**30)
    with pytest.raises(
        ValueError, match="cut off or altered: its numbers have 16 bytes"
    ):
        checkpoint.load(path)


def test_a_part_of_ours_is_checked_as_a_file_of_ours(tmp_path):
    checkpoint.save(tmp_path / "a", {"w": Tensor([1.0, 2.0])})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"model.w": "a"}}))
    assert checkpoint.load(index).weights["model.w"].tolist() == [1.0, 2.0]
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[:-1] + b"\0")
    with pytest.raises(ValueError, match="its checksum does not match"):
        checkpoint.load(index)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_numbers_beyond_memory_are_told_as_such(path):
    forged(path, {"w": entry("F64", [5 * 2**30], 0, 40 * 2**30)})
    with open(path, "r+b") as file:
        file.truncate(file.seek(0, 2) + 40 * 2**30)
    code = (
        "import resource, sys; from nn import checkpoint\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\n"
        "try: checkpoint.load(sys.argv[1])\n"
        "except MemoryError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stderr == ""
    assert f"{path} has 42,949," in done.stdout
