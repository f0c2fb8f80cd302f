"""A gradient that is nan or infinite is unfolded, drawn, played and explained."""

import json
import math
from xml.etree import ElementTree

import pytest

import nn
from tinygrad_attn import (
    Tensor,
    draw,
    explain,
    functional,
    play,
    record,
    unfold,
    use_backend,
    where,
)
from tinygrad_attn.graph.unfold import LEVELS
from tinygrad_attn.pictures.look.colours import NAN


def vector(*numbers):
    return Tensor(list(numbers)).requires_grad_()


def matrix(*rows):
    return Tensor(list(rows)).requires_grad_()


def hidden(function):
    """`function`, with its result at 0 left out by a choice: 0 · ∞ flows back."""

    def program():
        x = vector(0.0, 4.0)
        return x, where(x > 0, function(x), 0.0).sum()

    return program


def all_ignored():
    x = matrix([1.0, 2.0], [3.0, 4.0])
    return x, functional.cross_entropy(x, Tensor([-100, -100]))


def a_row_of_minus_infinity():
    x = matrix([-math.inf, -math.inf], [2.0, 3.0])
    return x, (functional.softmax(x) * matrix([1.0, 2.0], [3.0, 4.0])).sum()


def an_infinite_score():
    x = matrix([math.inf, 0.0], [2.0, 3.0])
    return x, functional.cross_entropy(x, Tensor([1, 0]))


def a_norm_of_zeros():
    x = matrix([0.0, 0.0], [2.0, 3.0])
    return x, (x * x).sum(-1).sqrt().sum()


def overflow():
    x = vector(800.0, 1.0)
    return x, x.exp().sum()


def entropy():
    x = vector(0.0, 1.0)
    return x, (x * x.log()).sum()


def attention():
    x = Tensor([[[math.inf, 0.0], [2.0, 3.0]]]).requires_grad_()
    return x, nn.MultiHeadAttention(2, 1)(x)[0].sum()


def squashed():
    x = vector(-math.inf, math.inf, math.nan)
    return x, (functional.sigmoid(x) + x.tanh() + functional.silu(x)).sum()


PROGRAMS = {
    "sqrt": hidden(lambda x: x.sqrt()),
    "ln": hidden(lambda x: x.log()),
    "1/x": hidden(lambda x: 1.0 / x),
    "power": hidden(lambda x: x**-1.0),
    **{
        program.__name__: program
        for program in (
            all_ignored,
            a_row_of_minus_infinity,
            an_infinite_score,
            a_norm_of_zeros,
            overflow,
            entropy,
            attention,
            squashed,
        )
    },
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_drawn_at_every_level(name, level, any_backend):
    _, loss = PROGRAMS[name]()
    drawing = draw(loss, level, layout="own")
    ElementTree.fromstring(drawing.svg.encode())
    json.dumps(unfold(loss, level).to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_played_and_explained(name, any_backend):
    x, loss = PROGRAMS[name]()
    for level in ("op", "primitive"):
        assert "∂" in play(loss, None, level)
    assert "∂" in repr(explain(x, of=loss))
    assert "∂" in repr(explain(x[(0,) * x.ndim], of=loss))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_levels_agree_on_what_is_finite(name, any_backend):
    leaf, found = "", []
    for level in LEVELS[1:]:
        _, loss = PROGRAMS[name]()
        graph = unfold(loss, level)
        leaf = leaf or next(n.name for n in graph if n.op == "input")
        if level == "scalar":
            nodes = (n for n in graph if n.tensor == leaf and n.index is not None)
            numbers = [n.gradient for n in nodes]
        else:
            numbers = flat(graph.node(leaf).gradient)
        found.append([math.isfinite(g) for g in numbers])
    assert found[0] == found[1] == found[2]


def flat(numbers):
    if not isinstance(numbers, list):
        return [numbers]
    return [v for row in numbers for v in flat(row)]


def test_one_head_of_an_attention_is_cut_out():
    layer = nn.MultiHeadAttention(4, 2)
    x = Tensor([[[math.inf, 0.0, 1.0, 2.0], [2.0, 3.0, 1.0, 0.0]]]).requires_grad_()
    loss = layer(x)[0].sum()
    for level in LEVELS[1:]:
        ElementTree.fromstring(
            draw(loss, level, head=(layer, 0), layout="own").svg.encode()
        )


def test_what_overflows_in_single_precision_is_drawn():
    pytest.importorskip("numpy")
    with use_backend("numpy", "float32"):
        x = vector(100.0, 1.0)
        for level in LEVELS:
            draw(x.exp().sum(), level)


def test_the_line_along_which_nan_comes_is_magenta():
    with record():
        x = vector(0.0, 4.0)
        root = x.sqrt()
        loss = where(x > 0, root, 0.0).sum()
    sheet = draw(loss, "scalar").sheet
    bad = [link for link in sheet.links if link.colour == NAN]
    names = {card.id: card.title for card in sheet.cards}
    assert [(names[k.source], names[k.target]) for k in bad] == [("x", "root")]
    assert [(k.source_row, k.target_row, k.width) for k in bad] == [(0, 0, 3.0)]


def test_of_many_numbers_those_that_are_nan_are_shown():
    x = Tensor([float(i) for i in range(40, -1, -1)]).requires_grad_()
    card = draw(where(x > 0, x.sqrt(), 0.0).sum(), "scalar").sheet.cards[0]
    assert "[40]" in [row.label for row in card.rows]


def test_explain_says_where_it_begins():
    x = vector(1.0, 0.0)
    root = x.sqrt()
    loss = where(x > 0, root * 2.0, 0.0).sum()
    assert explain(x[1], of=loss).note == (
        "nan begins at sqrt[1]: 0, which arrives there, times inf, its slope here, is "
        "nan"
    )
    y = x * 3.0
    loss = (y.sqrt() * 0.0).sum()
    assert explain(x[1], of=loss).note == (
        "nan comes from mul[1], whose gradient is nan"
    )


def test_of_a_tensor_explain_looks_at_nan_first():
    x = Tensor([5.0, 4.0, 9.0, 16.0, 0.0]).requires_grad_()
    found = explain(x, of=where(x > 0, x.sqrt(), 0.0).sum())
    assert found.finite_differences[0][0] == (4,)


def test_a_wrong_gradient_beside_a_nan_is_found_out(monkeypatch):
    from tinygrad_attn.rules.composites import softmax

    def wrong(xp, g, z, inputs, needs, saved, *, axis=-1):
        return (g * z,)

    monkeypatch.setattr(softmax, "vjp", wrong)
    _, loss = a_row_of_minus_infinity()
    with pytest.raises(RuntimeError, match="departs by"):
        unfold(loss, "primitive")


def test_the_bar_of_a_module_whose_gradient_is_nan_is_magenta():
    layer = nn.Linear(2, 2)
    x = Tensor([[0.0, 1.0]]).requires_grad_()
    root = layer(x) * 0.0
    drawing = draw(where(root > 0, root.sqrt(), 0.0).sum(), "module", layout="own")
    (card,) = (c for c in drawing.sheet.cards if c.title == "Linear")
    assert card.bar == (1.0, "nan")
    assert f'fill="{NAN}"' in drawing.svg
    assert f'BGCOLOR="{NAN}"' in drawing.dot
