"""Who received no gradient: what is listed, what is not, and what is said."""

from __future__ import annotations

import warnings

import pytest

import nn
from tinygrad_attn import no_grad, ones


class Forgetful(nn.Module):
    """Uses one of its layers, reads one without a gradient, and forgets one."""

    def __init__(self):
        self.used = nn.Linear(2, 2)
        self.cut = nn.Linear(2, 2)
        self.forgotten = nn.ModuleList([nn.Linear(2, 2, bias=False)])
        self.again = self.forgotten

    def forward(self, x):
        with no_grad():
            offset = self.cut(x)
        return self.used(x) + offset + self.cut(x).detach()


def test_the_unused_and_the_cut_off_are_listed_each_once(any_backend):
    model = Forgetful()
    model(ones(3, 2)).sum().backward()
    assert nn.without_gradient(model) == [
        "cut.weight",
        "cut.bias",
        "forgotten.0.weight",
    ]


def test_a_shared_parameter_has_its_gradient_under_every_path(any_backend):
    model = Forgetful()
    model.again = model.used
    model.cut = model.used
    model.forgotten = model.used
    model.again(ones(1, 2)).sum().backward()
    assert nn.without_gradient(model) == []


def test_a_gradient_of_zeros_is_a_gradient(any_backend):
    model = nn.Linear(2, 1)
    (model(ones(1, 2)) * 0.0).sum().backward()
    assert model.weight.grad.tolist() == [[0.0, 0.0]]
    assert nn.without_gradient(model) == []


def test_a_frozen_parameter_is_not_listed(any_backend):
    model = nn.Linear(2, 1)
    model.bias.requires_grad_(False)
    model(ones(1, 2)).sum().backward()
    assert model.bias.grad is None
    assert nn.without_gradient(model) == []
    model.weight.requires_grad_(False)
    model.zero_grad()
    assert nn.without_gradient(model) == []  # nobody asked for one


def test_a_model_without_parameters_lacks_nothing():
    assert nn.without_gradient(nn.Softmax()) == []


@pytest.mark.parametrize("check", [nn.without_gradient, nn.warn_without_gradient])
def test_before_backward_it_says_when_to_call_it(check, any_backend):
    model = Forgetful()
    said = rf"^{check.__name__}: no parameter of 5 has a gradient; call it after back"
    with pytest.raises(RuntimeError, match=said):
        check(model)
    model(ones(1, 2)).sum().backward()
    model.zero_grad()
    with pytest.raises(RuntimeError, match=r"before zero_grad\(\)"):
        check(model)


def test_the_warning_names_them_and_the_usual_causes_in_one_line():
    model = Forgetful()
    model(ones(1, 2)).sum().backward()
    with pytest.warns(UserWarning, match="received no gradient") as caught:
        nn.warn_without_gradient(model)
    assert caught[0].filename == __file__  # it points at the user's line
    assert str(caught[0].message) == (
        "3 of 5 parameters received no gradient, and no optimizer will move them: "
        "cut.weight, cut.bias, forgotten.0.weight; the usual causes are that forward "
        "never uses them, that detach() or no_grad() cuts them off from the loss, or "
        "that zero_grad() was called between backward() and this check"
    )


def test_the_warning_stays_short_where_many_are_missing():
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(500)))
    model[499](ones(1, 1)).sum().backward()
    assert len(nn.without_gradient(model)) == 998
    with pytest.warns(UserWarning, match="998 of 1000") as caught:
        nn.warn_without_gradient(model)
    message = str(caught[0].message)
    assert "0.weight, 0.bias, 1.weight, 1.bias, 2.weight and 993 more;" in message
    assert len(message) < 400


def test_nothing_is_said_where_nothing_is_missing(any_backend):
    model = nn.TransformerEncoderLayer(4, 2, 4)
    model(ones(2, 3, 4)).sum().backward()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.warn_without_gradient(model) is None
