"""Pictures that run down: leaves near their uses, and lists where there is no room."""

from __future__ import annotations

import re

import pytest

import nn
from tinygrad_attn import Tensor, draw, manual_seed, randn, record
from tinygrad_attn.functional import causal_mask, cross_entropy, mse_loss
from tinygrad_attn.pictures.layout.following import without_contradictions
from tinygrad_attn.pictures.layout.steps import Box, Line, Outline, layout
from tinygrad_attn.pictures.writing.placing import MARGIN, lay_out, rules_in_cards


@pytest.fixture(autouse=True)
def seed():
    manual_seed(0)


def head():
    layer, x, target = nn.AttentionHead(8, 4), randn(4, 8), randn(4, 4)
    mask = causal_mask(4)
    with record():
        z, _ = layer(x, mask=mask)
        return mse_loss(z, target)


def perceptron():
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    x, labels = randn(5, 4), Tensor([0, 1, 2, 0, 1])
    with record():
        return cross_entropy(model(x), labels)


def encoder(layers=1):
    model = nn.Sequential(
        *(nn.TransformerEncoderLayer(8, 2, d_ff=16, dropout=0.0) for _ in range(layers))
    )
    x, target = randn(1, 4, 8), randn(1, 4, 8)
    with record():
        return mse_loss(model(x), target)


def encoder_decoder():
    model = nn.Seq2SeqTransformer(
        *(20, 16, 2), num_encoder_layers=2, num_decoder_layers=2, d_ff=32
    )
    source, labels = Tensor([[5, 6, 7, 8]]), Tensor([[8, 7, 6, 5, nn.EOS]])
    with record():
        return model.loss(source, labels, label_smoothing=0.1)


def shown(placed, title):
    """Left, top, right and bottom of a card."""
    (card,) = [c for c in placed.sheet.cards if c.title.split(" = ")[0] == title]
    x, y = placed.layout.places[card.id]
    w, h = placed.sizes[card.id]
    return x, y, x + w, y + h


def scale_in(text):
    """How much smaller an SVG is drawn than it was laid out."""
    width = float(re.search(r'width="([\d.]+)"', text)[1])
    return width / float(re.search(r'viewBox="0 0 ([\d.]+)', text)[1])


# --- a leaf stands near its use -------------------------------------------------------


@pytest.mark.parametrize(
    ("leaf", "use"), [("mask", "masked"), ("target", "sub"), ("W_Q", "Q"), ("W_V", "V")]
)
def test_a_leaf_stands_above_its_use(leaf, use):
    placed = lay_out(draw(head()).sheet)
    left, _, right, bottom = shown(placed, leaf)
    x, y, end, _ = shown(placed, use)
    assert 0 < y - bottom < 150
    assert min(abs(left - x), abs(right - x), abs(right - end)) < 220


def test_a_head_has_no_void_beside_it():
    placed = lay_out(draw(head()).sheet)
    assert placed.layout.width < 1_000  # three cards; 1,620 with mask and target aside
    sheet = placed.sheet
    (mask,) = [card.frame for card in sheet.cards if card.title == "mask"]
    (scores,) = [frame.id for frame in sheet.frames if frame.label == "scores"]
    assert mask == scores


@pytest.mark.parametrize(("make", "most"), [(head, 1_000), (encoder, 2_700)])
def test_what_is_computed_stands_in_one_column(make, most):
    """A Linear's input comes from above, and its weights stand beside the line."""
    placed = lay_out(draw(make()).sheet)
    assert placed.layout.width < most
    sheet = placed.sheet
    made = {link.target for link in sheet.links if not link.back}
    steps = [card for card in sheet.cards if card.id in made]
    lefts = [round(placed.layout.places[card.id][0]) for card in steps]
    apart = [abs(a - b) for a, b in zip(lefts, lefts[1:])]
    assert sorted(apart)[len(apart) // 2] < 80  # most follow straight below


def test_what_is_given_to_a_call_stands_before_it():
    placed = lay_out(draw(perceptron()).sheet)
    (model,) = [f.id for f in placed.sheet.frames if f.label == "Sequential"]
    top = placed.layout.frames[model][1]
    bottom = top + placed.layout.frames[model][3]
    assert shown(placed, "x")[3] < top
    assert shown(placed, "labels")[1] > bottom


def test_wishes_that_contradict_each_other_leave_all_lines_down():
    boxes = [Box(id, 50, 20, group) for id, group in ("af", "bg", "cf", "dg", "e ")]
    boxes[4] = Box("e", 50, 20)
    lines = [Line("a", "d"), Line("b", "c"), Line("e", "c"), Line("e", "d")]
    found = layout(boxes, lines, [Outline("f"), Outline("g")], in_a_row=True)
    for line in lines:
        assert found.places[line.source][1] < found.places[line.target][1]
    assert without_contradictions(2, [], [(0, 1), (1, 0)]) == [(0, 1, 0)]


# --- lists ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "width", "least"),
    [(encoder, 830, 1.0), (head, 390, 0.8), (encoder_decoder, 830, 0.85)],
)
def test_where_there_is_no_room_the_cards_are_a_list(tmp_path, make, width, least):
    picture = draw(make())
    text = picture.save(tmp_path / "x.svg", width=width).read_text()
    assert scale_in(text) >= least
    placed = lay_out(picture.sheet, width=width, smallest=0.7)
    spans = [
        (y, y + placed.sizes[id][1]) for id, (_, y) in placed.layout.places.items()
    ]
    spans.sort()
    assert all(above[1] < below[0] for above, below in zip(spans, spans[1:]))


def test_a_list_keeps_the_order_of_computing():
    placed = lay_out(draw(head()).sheet, width=390, smallest=0.7)
    names = ["x", "W_Q", "Q", "W_K", "K", "W_V", "V", "products", "energies", "mask"]
    names += ["masked", "weights", "z", "target", "sub", "mul", "sum", "loss"]
    tops = [shown(placed, name)[1] for name in names]
    assert tops == sorted(tops)
    middles = {round(shown(placed, name)[0]) for name in ("Q", "K", "V", "products")}
    assert len(middles) == 1


def test_the_cards_of_a_list_say_what_the_lines_do(tmp_path):
    picture = draw(head())
    said = [link.label for link in picture.sheet.links if link.back and link.label]
    sheet = rules_in_cards(picture.sheet)
    assert sorted(rule for card in sheet.cards for rule in card.rules) == sorted(said)
    assert not any(link.label for link in sheet.links if link.back)
    text = picture.save(tmp_path / "x.svg", width=390).read_text()
    for rule in said:
        assert f">{rule.split(' += ')[0]} += " in text
    assert any("∂K += ∂productsᵀ Q" in card.rules for card in sheet.cards)


def test_three_cards_side_by_side_are_no_list_if_they_can_be_read(tmp_path):
    picture = draw(head())
    assert 0.85 <= scale_in(picture.save(tmp_path / "x.svg", width=830).read_text()) < 1
    placed = lay_out(picture.sheet, width=830, smallest=0.7)
    assert len({shown(placed, name)[1] for name in "QKV"}) == 1


@pytest.mark.parametrize("level", ["module", "op"])
def test_title_and_legend_need_no_more_than_the_width(tmp_path, level):
    picture = draw(head(), level)
    text = picture.save(tmp_path / "x.svg", width=390).read_text()
    wide = float(re.search(r'viewBox="0 0 ([\d.]+)', text)[1])
    first = min(y for _, y in lay_out(picture.sheet).layout.places.values())
    assert wide < 390 / 0.8
    heights = {
        float(y)
        for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', text.split("<g")[0])
        if MARGIN / 2 < float(x) < wide
    }
    assert len(heights) >= 2
    assert first >= 0
    shift = float(re.search(r"<g transform=\"translate\(\S+ ([\d.]+)\)", text)[1])
    assert shift > max(heights)
