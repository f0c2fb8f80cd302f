"""What users of PyTorch and NumPy do without a thought: it must not go wrong."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import pytest
from conftest import needs_numpy

import nn
from nn import checkpoint, optim
from tinygrad_attn import Tensor, eye, full, manual_seed, no_grad, ones, randn, zeros
from tinygrad_attn.arrays.backends import get_backend, set_backend, use_backend


def test_a_parameter_is_not_lost_by_an_update_in_place():
    model = nn.Sequential(nn.Linear(2, 1))
    weight, before = model[0].weight, model[0].weight.tolist()
    with no_grad():
        model[0].weight -= Tensor([[1.0, 1.0]])
    assert model[0].weight is weight
    assert weight.tolist()[0] == pytest.approx([v - 1.0 for v in before[0]])
    with pytest.raises(TypeError, match=r"Linear\.weight is a Parameter"):
        model[0].weight = Tensor([[1.0, 1.0]])
    with pytest.raises(TypeError, match="no part of the model"):
        setattr(model, "0", 3)
    assert len(list(model.parameters())) == 2
    model[0].bias = None  # this may go
    assert len(list(model.parameters())) == 1
    model[0].weight = nn.Parameter([[2.0, 2.0]])
    assert model(ones(1, 2)).item() == 4.0


@needs_numpy
def test_numpy_arrays_are_copies_both_ways(any_backend):
    import numpy as np

    x = Tensor([3.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    x.detach().numpy()[0] = 100.0
    y.backward()
    assert x.grad.tolist() == [6.0, 4.0]
    assert np.asarray(x.detach()).tolist() == [3.0, 2.0]
    np.testing.assert_allclose(x.detach(), [3.0, 2.0])


@needs_numpy
def test_every_float_of_numpy_is_taken(any_backend):
    import numpy as np

    for dtype in (np.float16, ">f8", np.float32, np.int8, np.bool_):
        assert Tensor(np.ones(2, dtype)).tolist() == [1, 1]


@needs_numpy
def test_numpy_numbers_are_numbers(any_backend):
    import numpy as np

    manual_seed(np.int64(3))
    assert randn(np.int64(2)).shape == (2,)
    assert eye(np.int64(2)).shape == (2, 2)
    optim.SGD(nn.Linear(np.int64(2), 3).parameters(), lr=np.float32(0.1))
    with pytest.raises(TypeError, match="linear.*ndarray"):
        nn.Linear(2, 2)(np.ones((1, 2)))


def test_a_nan_wins_argmax_as_it_wins_max(any_backend):
    x = Tensor([1.0, float("nan"), 2.0])
    assert (x.argmax().item(), x.argmin().item()) == (1, 1)


def test_a_loss_can_be_formatted(any_backend):
    loss = ones(2, requires_grad=True).sum()
    assert f"{loss:.2f}" == "2.00"
    assert f"{loss}".startswith("Tensor(2.0")
    assert abs(Tensor([-1.0])).tolist() == [1.0]
    assert full(2, float("nan")).tolist() != [0.0, 0.0]
    assert repr(Tensor([1e-6, 0.5])) == "Tensor([1.0000e-06, 5.0000e-01], float64)"


def test_truth_of_several_numbers_is_refused_by_its_name(any_backend):
    with pytest.raises(ValueError, match=r"^bool: shape \(2,\)"):
        _ = ones(2) in [zeros(2)]


def test_models_can_be_copied_and_pickled():
    model = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
    x = randn(1, 3, 4)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin(x).tolist() == model(x).tolist()
        assert twin.norm1.weight is not model.norm1.weight


@needs_numpy
def test_new_threads_are_as_quiet_as_the_process():
    before = get_backend("python")
    heard = []

    def work():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Tensor([0.0]).log()
        heard.extend(caught)

    set_backend("numpy")
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        set_backend(before.name)
    assert heard == []


def test_what_cannot_be_saved_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "x"
    for given, words in [
        ({"model": {1: ones(1)}}, "name 1"),
        ({"model": {"a": [1.0]}}, "a is a list"),
        ({"model": [ones(1)]}, "a list given"),
        ({"model": ones(1)}, "a Tensor given"),
        ({"optimizer": {"steps": 1}}, "a dict given"),
        ({"config": {"x": object()}}, "no JSON"),
        ({"config": {"x": [{1: "one"}]}}, "key 1, which would come back as a string"),
        ({"config": [1]}, "a list, given"),
        ({"generators": {"task": 3}}, "'task', a int"),
    ]:
        with pytest.raises((TypeError, ValueError), match=words) as raised:
            checkpoint.save(path, **given)
        assert str(raised.value).startswith("save: ")
    with pytest.raises(TypeError, match="path 3, a int, given"):
        checkpoint.save(3)
    with pytest.raises(TypeError, match="path 3, a int, given"):
        checkpoint.load(3)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        checkpoint.save(tmp_path / "none" / "x", {"a": ones(1)})
    assert list(tmp_path.iterdir()) == []
    with use_backend("python"):
        checkpoint.save(path, {"a": ones(1)})
