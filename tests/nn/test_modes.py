"""Eval mode for a while belongs to the thread that asks for it.

One thread trains a model; another looks at it, decodes with it or tests it. The first
must keep its dropout, and the second must have none.
"""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import nn
from nn.module import in_eval_mode
from nn.testing import assert_causal
from tinygrad_attn import Tensor, manual_seed, ones, randn

WAIT = 60  # seconds, before a test gives up


def modes(model):
    return [module.training for module in model.modules()]


def model_of_two():
    return nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))


def in_another_thread(job):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(job).result(WAIT)


@pytest.mark.parametrize("mode", ["a", "", 1, 0, None, ones(1)])
def test_a_mode_is_true_or_false(mode):
    model = model_of_two()
    with pytest.raises(
        TypeError, match=r"^Sequential\.train: mode=.*, a .*, given; it"
    ):
        model.train(mode)
    assert modes(model) == [True] * 4
    assert model.eval() is model.train(False) is model


class Meeting(nn.Module):
    """Dropout that waits, in its forward, until another thread has done its part."""

    def __init__(self, p=0.5):
        self.dropout = nn.Dropout(p)
        self.entered, self.left = threading.Event(), threading.Event()

    def forward(self, x):
        self.entered.set()
        assert self.left.wait(WAIT)
        return self.dropout(x)


def test_a_module_on_two_paths_is_put_back_once():
    shared = nn.Dropout(0.5)
    model = nn.Sequential(shared, nn.Sequential(shared))
    with in_eval_mode(model):
        assert modes(model) == [False] * 3
    assert modes(model) == [True] * 3


def test_a_thread_that_trains_keeps_its_dropout_while_another_evaluates():
    model = model_of_two()
    evaluating, trained = threading.Event(), threading.Event()

    def evaluate():
        with in_eval_mode(model):
            evaluating.set()
            assert trained.wait(WAIT)
            return modes(model), model(ones(64)).tolist()

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(evaluate)
        assert evaluating.wait(WAIT)
        seen, dropped = modes(model), model(ones(64)).tolist()
        trained.set()
        there, kept = other.result(WAIT)
    assert seen == [True] * 4
    assert 0.0 in dropped
    assert there == [False] * 4
    assert kept == [1.0] * 64


@pytest.mark.parametrize("name", ["attention_maps", "assert_causal", "greedy_decode"])
def test_looking_testing_and_decoding_leave_another_threads_training_alone(name):
    manual_seed(0)
    meeting = Meeting()
    if name == "greedy_decode":
        model = nn.Seq2SeqTransformer(9, 4, 1, 1, 1, d_ff=4)
        model.encoder.norm = meeting
        job = partial(nn.greedy_decode, model, Tensor([[3, 4, 5]]), max_len=2)
    elif name == "attention_maps":
        model = nn.Sequential(nn.TransformerEncoderLayer(4, 1, 4), meeting)
        job = partial(nn.attention_maps, model, randn(1, 3, 4))
    else:
        model = nn.Sequential(meeting, nn.Linear(4, 4))
        job = partial(assert_causal, model, randn(1, 3, 4))
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(job)
        assert meeting.entered.wait(WAIT)
        seen = modes(model), meeting.dropout(ones(64)).tolist()
        meeting.left.set()
        other.result(WAIT)
    assert all(seen[0])
    assert 0.0 in seen[1]
    assert all(modes(model))


def test_a_thread_may_change_the_mode_while_another_evaluates():
    """The change holds for everybody, except for who is inside the block."""
    model = model_of_two()
    with in_eval_mode(model):
        in_another_thread(model.eval)
        in_another_thread(model.train)
        assert modes(model) == [False] * 4
        in_another_thread(model[1].eval)
    assert modes(model) == [True, True, False, False]


def test_what_is_set_inside_holds_inside_and_is_undone():
    model = model_of_two()
    model[1].eval()
    with in_eval_mode(model):
        model.train()
        assert modes(model) == [True] * 4
        assert 0.0 in model(ones(64)).tolist()
        assert in_another_thread(lambda: modes(model)) == [True, True, False, False]
        model[0].training = False
        assert modes(model) == [True, False, True, True]
    assert modes(model) == [True, True, False, False]


def test_blocks_nest():
    model = model_of_two()
    with in_eval_mode(model):
        model[1].train()
        with in_eval_mode(model[1]):
            assert modes(model) == [False] * 4
            model[0].train()
        assert modes(model) == [False, True, True, True]
        with in_eval_mode(model), in_eval_mode(model):
            assert modes(model) == [False] * 4
        assert modes(model) == [False, True, True, True]
    assert modes(model) == [True] * 4


def test_an_error_ends_the_block():
    model = model_of_two()
    with pytest.raises(KeyError), in_eval_mode(model):
        raise KeyError
    assert modes(model) == [True] * 4


def test_a_module_that_leaves_or_enters_inside():
    model = model_of_two()
    with in_eval_mode(model):
        del model.__dict__["1"]
        model.append(nn.Dropout(0.5))
        assert modes(model) == [False, False, True]
    assert modes(model) == [True] * 3


def test_the_mode_is_copied_and_pickled():
    model = model_of_two()
    model[1].eval()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert modes(twin) == [True, True, False, False]
