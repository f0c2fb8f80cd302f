"""What PyTorch's programs have around tensors: files, batches, functions with gradients
of their own, tables whose padding does not learn."""

from __future__ import annotations

import math
import os

import pytest
from conftest import needs_numpy, needs_torch

import nn
import tinygrad_attn
from tinygrad_attn import Tensor, autograd, manual_seed, no_grad, ones, randn, zeros
from tinygrad_attn.utils.data import DataLoader, Dataset, Subset, TensorDataset
from tinygrad_attn.utils.data import random_split as split

# --- files ----------------------------------------------------------------------------


def test_what_is_saved_comes_back(any_backend, tmp_path):
    model = nn.Linear(2, 3)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    model(ones(1, 2)).sum().backward()
    optimizer.step()
    path = tmp_path / "model.pt"
    saved = {
        "epoch": 3,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "losses": [1.5, math.inf, None, True],
        "pair": (1, ("a", Tensor([1, 2]))),
        7: "number",
    }
    tinygrad_attn.save(saved, path)
    back = tinygrad_attn.load(path, map_location="cpu", weights_only=True)
    assert back["losses"] == saved["losses"]
    assert back["pair"][1][1].tolist() == [1, 2]
    assert back["pair"][1][1].dtype == "int64"
    assert (back["epoch"], back[7], back["pair"][0]) == (3, "number", 1)
    other = nn.Linear(2, 3)
    other.load_state_dict(back["model"])
    assert other.weight.tolist() == model.weight.tolist()
    again = nn.optim.Adam(other.parameters(), lr=0.5)
    again.load_state_dict(back["optimizer"])
    assert again.lr == 0.01
    tinygrad_attn.save(model.weight, path)
    assert tinygrad_attn.load(path).tolist() == model.weight.tolist()
    assert not tinygrad_attn.load(path).requires_grad


def test_what_cannot_be_saved_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    with pytest.raises(
        TypeError, match="save: a Linear given at model; it takes dicts"
    ):
        tinygrad_attn.save({"model": nn.Linear(1, 1)}, path)
    assert not path.exists()
    nn.checkpoint.save(path, nn.Linear(1, 1))
    with pytest.raises(ValueError, match="was not written by save; nn.checkpoint.load"):
        tinygrad_attn.load(path)
    with pytest.raises(RuntimeError, match="load: device 'cuda' given"):
        tinygrad_attn.load(path, map_location="cuda")


# --- batches --------------------------------------------------------------------------


def test_every_example_comes_once_in_a_new_order(any_backend):
    data = TensorDataset(Tensor([[float(i), -float(i)] for i in range(7)]))
    manual_seed(3)
    loader = DataLoader(data, batch_size=3, shuffle=True)
    passes = [[r for (x,) in loader for r in x[:, 0].tolist()] for _ in range(2)]
    assert sorted(passes[0]) == sorted(passes[1]) == [*map(float, range(7))]
    assert passes[0] != passes[1]
    manual_seed(3)
    assert [r for (x,) in loader for r in x[:, 0].tolist()] == passes[0]
    sizes = [len(x) for (x,) in DataLoader(data, batch_size=3, drop_last=True)]
    assert sizes == [3, 3]
    assert len(DataLoader(data, batch_size=3, drop_last=True)) == 2
    drawn = tinygrad_attn.Generator().manual_seed(1)
    first = [*DataLoader(range(9), batch_size=None, shuffle=True, generator=drawn)]
    drawn.manual_seed(1)
    assert [*DataLoader(range(9), None, True, generator=drawn)] == first
    assert [*DataLoader(data, batch_size=2, sampler=[5, 1, 0])][0][0][
        :, 0
    ].tolist() == [
        5.0,
        1.0,
    ]
    assert len(DataLoader(data, batch_size=2, sampler=[5, 1, 0])) == 2


def test_a_dataset_of_ones_own():
    class Squares(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return {"x": i, "text": str(i), "y": Tensor([float(i * i)])}

    (batch,) = DataLoader(Squares(), batch_size=4)
    assert batch["x"].tolist() == [0, 1, 2, 3]
    assert batch["text"] == ["0", "1", "2", "3"]
    assert batch["y"].shape == (4, 1)
    pairs = DataLoader(
        Squares(), batch_size=2, collate_fn=lambda e: [d["x"] for d in e]
    )
    assert [*pairs] == [[0, 1], [2, 3]]
    assert [e["x"] for e in Subset(Squares(), Tensor([3, 1]))] == [3, 1]
    assert sorted(i for part in split(range(5), [2, 3]) for i in part) == [*range(5)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: TensorDataset(ones(2), ones(3)), r"tensors of \[2, 3\] rows given"),
        (lambda: DataLoader([1], batch_size=0), "DataLoader: batch_size=0 given"),
        (lambda: DataLoader([1], sampler=[0], shuffle=True), "one of sampler and"),
        (lambda: split([1, 2], [3]), r"lengths \[3\] given for 2 examples"),
    ],
)
def test_wrong_batches_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# --- a function with a gradient of its own --------------------------------------------


class Twice(autograd.Function):
    @staticmethod
    def forward(ctx, x, y=None):
        return x * 2.0

    @staticmethod
    def backward(ctx, g):
        return g * 10.0, None


def test_a_function_has_the_gradient_that_it_says(backend):
    x = Tensor([1.0, 2.0], requires_grad=True)
    z = Twice.apply(x, "setting")
    assert z.tolist() == [2.0, 4.0]
    z.sum().backward()
    assert x.grad.tolist() == [10.0, 10.0]
    assert not Twice.apply(x.detach(), None).requires_grad
    with no_grad():
        assert not Twice.apply(x, None).requires_grad
    with pytest.raises(RuntimeError, match="Twice: its backward returned 2 gradients"):
        Twice.apply(x).sum().backward()


def test_what_a_function_may_not_do():
    class Pair(autograd.Function):
        forward = staticmethod(lambda ctx, x: (x, x))

    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="Pair: its forward returned a tuple; it must"):
        Pair.apply(x)
    with tinygrad_attn.use_backend("scalar"):
        x = Tensor([1.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="Twice: on the scalar backend numbers"):
            Twice.apply(x, None)
    with pytest.raises(AttributeError, match="has no 'set_detect_anomaly': write with"):
        autograd.set_detect_anomaly  # noqa: B018
    with pytest.raises(AttributeError, match="has no 'nothing': it has Function"):
        autograd.nothing  # noqa: B018


def test_a_function_is_set_up_apart():
    class Scaled(autograd.Function):
        @staticmethod
        def forward(x, scale):
            return x * scale

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.scale = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.scale, None

    x = Tensor([1.0], requires_grad=True)
    Scaled.apply(x, 3.0).backward(ones(1))
    assert x.grad.tolist() == [3.0]


# --- a table whose padding does not learn ---------------------------------------------


@needs_torch
def test_padding_does_not_learn(any_backend):
    import torch

    table, theirs = nn.Embedding(4, 2, 1), torch.nn.Embedding(4, 2, padding_idx=1)
    assert table.weight[1].tolist() == [0.0, 0.0]
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(table.weight.tolist()))
    (table(Tensor([[0, 1, 1], [3, 0, 1]])) ** 2 + 1.0).sum().backward()
    (theirs(torch.tensor([[0, 1, 1], [3, 0, 1]])) ** 2 + 1.0).sum().backward()
    ours = table.weight.grad.reshape(-1).tolist()
    assert ours == pytest.approx(theirs.weight.grad.reshape(-1).tolist(), rel=1e-5)
    assert (table.num_embeddings, table.embedding_dim, table.padding_idx) == (4, 2, 1)
    assert nn.Embedding(4, 2, padding_idx=-1).padding_idx == 3


def test_a_table_of_given_numbers():
    rows = randn(3, 2)
    table = nn.Embedding.from_pretrained(rows)
    assert table(Tensor([2])).tolist() == rows[2:].tolist()
    assert not table.weight.requires_grad
    learning = nn.Embedding.from_pretrained(rows, freeze=False)
    assert learning.weight.requires_grad
    with pytest.raises(ValueError, match="Embedding: max_norm=1.0 and sparse=False"):
        nn.Embedding(2, 2, max_norm=1.0)
    with pytest.raises(TypeError, match="Embedding: padding_idx=0.5"):
        nn.Embedding(2, 2, 0.5)


# --- parts by name --------------------------------------------------------------------


def test_parts_are_added_by_name():
    model = nn.Sequential()
    for i in range(2):
        model.add_module(f"block{i}", nn.Linear(2, 2))
    model.register_parameter("scale", nn.Parameter(zeros(1)))
    model.register_parameter("none", None)
    names = [name for name, _ in model.named_parameters()]
    assert names[-1] == "block1.bias"
    assert "scale" in names
    assert (model.block0.in_features, model.block0.out_features) == (2, 2)
    with pytest.raises(TypeError, match="register_module: a int given"):
        model.register_module("x", 1)
    with pytest.raises(TypeError, match="register_parameter: a Tensor given"):
        model.register_parameter("x", zeros(1))


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (lambda: in_itself(), "in itself, or nested too deep"),
        (lambda: in_lists(3000), "in itself, or nested too deep"),
        (lambda: 10**5000, "no JSON given"),
        (lambda: {"n" * 9999: {1}}, "a set given at n"),
        (lambda: b"ab", "a bytes given; it takes"),
        (lambda: 1j, "a complex given; it takes"),
    ],
)
def test_what_no_file_holds_is_refused_in_one_line(tmp_path, obj, words):
    with pytest.raises((TypeError, ValueError), match=f"save: .*{words}") as raised:
        tinygrad_attn.save(obj(), tmp_path / "x")
    assert len(str(raised.value)) < 400
    assert os.listdir(tmp_path) == []


@needs_numpy
def test_of_numpys_numbers_those_that_are_pythons_are_saved(tmp_path):
    import numpy as np

    tinygrad_attn.save([np.float32(0.5), np.int8(3), np.bool_(True)], tmp_path / "x")
    assert tinygrad_attn.load(tmp_path / "x") == [0.5, 3, True]
    for odd in (np.datetime64("2020-01-01"), np.complex64(1j), np.ones(2)):
        with pytest.raises(TypeError, match="save: a .* given; it takes dicts"):
            tinygrad_attn.save(odd, tmp_path / "x")


def in_lists(levels):
    nested = 1.0
    for _ in range(levels):
        nested = [nested]
    return nested


def in_itself():
    whole = []
    whole.append({"more": whole})
    return whole


@pytest.mark.parametrize(
    "saved",
    [
        {"tensor": "nowhere"},
        {"tensor": [1]},
        {},
        {"dict": 3},
        {"dict": [3]},
        {"dict": [[{"list": []}, 1]]},
        {"list": 3},
        {"a": 1, "b": 2},
    ],
    ids=str,
)
def test_other_tables_under_a_right_checksum_are_refused(tmp_path, saved):
    nn.tensor_file.write(tmp_path / "x", {}, {"saved": saved})
    with pytest.raises(ValueError, match="was not written by this version's save"):
        tinygrad_attn.load(tmp_path / "x")


def test_weights_only_is_a_flag(tmp_path):
    tinygrad_attn.save(1, tmp_path / "x")
    with pytest.raises(TypeError, match="load: weights_only='False', a str, given"):
        tinygrad_attn.load(tmp_path / "x", weights_only="False")
