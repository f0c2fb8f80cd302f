"""Whatever of a model may decide what it computes is noticed when it changes."""

from __future__ import annotations

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import Tensor, compile, no_grad, ones, randn, use_backend, write

pytestmark = needs_numpy


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        yield


class Chain(nn.Module):
    """A model whose parts lie in containers, which are never called themselves."""

    def __init__(self):
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
        self.scales = nn.ParameterList([nn.Parameter([1.0, 2.0])])
        self.by_name = nn.ModuleDict({"last": nn.Linear(2, 2)})
        self.factor, self.way, self.shape = 1.0, "up", (2,)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        for scale in self.scales:
            x = x * scale
        x = self.by_name["last"](x) * self.factor
        return (x if self.way == "up" else -x).reshape(-1, *self.shape)


def another_layer(m):
    m.layers[1] = nn.Linear(2, 2)


def one_layer_more(m):
    m.layers.append(nn.Linear(2, 2))


def one_layer_less(m):
    m.layers.pop()


def another_scale(m):
    m.scales[0] = nn.Parameter([3.0, -1.0])


def another_last(m):
    m.by_name["last"] = nn.Linear(2, 2)


def another_factor(m):
    m.factor = 2.0


def another_way(m):
    m.way = "down"


def another_shape(m):
    m.shape = (1, 2)


def a_hook(m):
    m.layers[0].register_forward_hook(lambda module, args, output: output * 10.0)


CHANGES = [
    another_layer,
    one_layer_more,
    one_layer_less,
    another_scale,
    another_last,
    another_factor,
    another_way,
    another_shape,
    a_hook,
]
CALLED = {
    "itself": lambda m: m,
    "a function": lambda m: lambda x: m(x),
    "a method": lambda m: m.forward,
}


@pytest.mark.parametrize("called", CALLED)
@pytest.mark.parametrize("change", CHANGES)
def test_compile_writes_another_program(change, called):
    m, x = Chain(), randn(3, 2)
    run = compile(CALLED[called](m), target="numpy")
    for _ in range(2):
        assert run(x).tolist() == m(x).tolist()
    change(m)
    for _ in range(2):
        assert run(x).tolist() == m(x).tolist()


@pytest.mark.parametrize("called", CALLED)
@pytest.mark.parametrize("change", CHANGES)
def test_a_program_says_what_has_changed(change, called):
    m, x = Chain(), randn(3, 2)
    step = write(CALLED[called](m), {"x": x}, target="numpy")
    step(x)
    change(m)
    with pytest.raises(
        RuntimeError, match=r"^step: .*since the program was written; wr"
    ):
        step(x)


def test_the_sentence_names_the_setting():
    m = Chain()
    step = write(m, {"x": ones(1, 2)}, target="numpy")
    m.factor = 0.5
    with pytest.raises(
        RuntimeError, match=r"^step: Chain\.factor is 0\.5, and was 1\.0"
    ):
        step(ones(1, 2))
    m.factor = 1.0
    step(ones(1, 2))
    handle = m.layers[0].register_forward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="^step: a hook of Linear was registered or"):
        step(ones(1, 2))
    handle.remove()
    step(ones(1, 2))


def test_dropout_with_another_p():
    m = nn.Dropout(0.5)
    run = compile(lambda x: m(x), target="numpy")
    run(ones(100))
    m.p = 0.0
    assert run(ones(100)).tolist() == [1.0] * 100


def test_nothing_is_trained_without_recording():
    m = nn.Linear(3, 1)
    run = compile(lambda x: m(x), target="numpy")
    with no_grad():
        for rows in (2, 1):
            assert isinstance(run(randn(rows, 3)), Tensor)
    z, gradients = run(randn(1, 3))  # a single number that requires a gradient: a loss
    assert z.shape == (1, 1)
    assert len(gradients) == 2


def test_an_exchanged_parameter_of_the_optimizer_is_noticed():
    w = nn.Parameter([1.0, 2.0])
    optimizer = nn.optim.SGD([w], lr=1.0)
    step = write(lambda x: (x * w).sum(), {"x": ones(2)}, update=optimizer)
    step(ones(2))
    optimizer.param_groups[0]["params"][0] = nn.Parameter([1.0, 1.0])
    with pytest.raises(
        RuntimeError, match="^step: parameter 0 is another, and was one"
    ):
        step(ones(2))
