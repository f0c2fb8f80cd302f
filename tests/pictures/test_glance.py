"""A picture with many cards is an overview: its innermost modules stand closed."""

from __future__ import annotations

import re

import pytest

import nn
from tinygrad_attn import Tensor, draw, manual_seed, randn, record, unfold
from tinygrad_attn.functional import cross_entropy, mse_loss
from tinygrad_attn.pictures.sheets.glance import AT_A_GLANCE, count


def encoder_decoder(layers=2, recorded=True):
    manual_seed(0)
    model = nn.Seq2SeqTransformer(9, 8, 2, layers, layers, 16, dropout=0.0)

    def run():
        logits = model(Tensor([[1, 2, 3]]), Tensor([[4, 5, 6]]))
        return cross_entropy(logits.reshape(3, 9), Tensor([5, 6, 7]))

    if not recorded:
        return run()
    with record():
        return run()


def encoder():
    manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, d_ff=16, dropout=0.0)
    x, target = randn(1, 4, 8), randn(1, 4, 8)
    with record():
        return mse_loss(model(x), target)


def closed(sheet):
    return [c for c in sheet.cards if any("closed: " in line for line in c.lines)]


@pytest.mark.parametrize("level", ["module", "op", "primitive"])
@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
def test_an_encoder_decoder_is_an_overview(layers, recorded, level):
    loss = encoder_decoder(layers, recorded)
    sheet = draw(loss, level).sheet
    assert count(sheet) <= AT_A_GLANCE < count(draw(loss, level, fold=False).sheet)
    number = len(closed(sheet))
    part = "part" if number == 1 else "parts"
    assert f"; {number} {part} closed: " in sheet.subtitle
    drawn = {card.id for card in sheet.cards}
    assert all({link.source, link.target} <= drawn for link in sheet.links)
    known = {frame.id for frame in sheet.frames}
    assert all(card.frame in {"", *known} for card in sheet.cards)


def test_its_subtitle_says_how_to_open_it():
    loss = encoder_decoder()
    subtitle = draw(loss).sheet.subtitle
    limit = int(re.search(r"limit=(\d+) opens all", subtitle)[1])
    every = draw(loss, limit=limit).sheet
    assert "closed" not in every.subtitle
    assert count(every) == limit
    assert "closed" in draw(loss, limit=limit - 1).sheet.subtitle
    assert "closed" not in draw(loss, fold=False).sheet.subtitle
    assert "closed" not in draw(loss, "module", depth=9).sheet.subtitle
    path = re.search(r"module='([\w.]+)' opens one", subtitle)[1]
    inside = draw(loss, module=path).sheet
    assert inside.title == f"Inside {path}"
    assert "module=" not in inside.subtitle  # which is the inside of one already


def test_a_readme_shows_it_in_some_screens(tmp_path):
    for level, most in (("op", 5_200), ("module", 2_400)):
        path = draw(encoder_decoder(), level).save(tmp_path / "x.svg", width=830)
        text = path.read_text()
        wide, tall = map(int, re.search(r'width="(\d+)" height="(\d+)"', text).groups())
        assert wide <= 830
        assert tall < most  # 23,000 and 6,100 with every module open


def test_a_closed_module_has_the_numbers_of_its_result():
    loss = encoder()
    sheet = draw(loss).sheet
    (card,) = [card for card in closed(sheet) if card.title.startswith("linear1")]
    assert card.title == "linear1  Linear"
    assert card.lines == ["closed: 3 cards"]
    assert card.detail == "1 × 4 × 16"
    every = draw(loss, limit=100).sheet
    (result,) = [card for card in every.cards if card.title.startswith("linear1 = ")]
    assert card.value == result.value
    assert card.gradient == result.gradient
    assert card.gradient_title == "∂loss/∂linear1"


def test_closed_modules_tell_their_parameters():
    sheet = draw(encoder_decoder(), "module").sheet
    (card,) = [card for card in closed(sheet) if card.title.startswith("cross_attn")]
    assert card.lines[0] == "1 × 3 × 8,  288 parameters"  # 4 · (8 · 8 + 8)


def test_a_line_names_no_gradient_that_is_not_drawn():
    sheet = draw(encoder()).sheet
    shut = {card.title.split("  ")[0]: card.id for card in closed(sheet)}
    into = [a for a in sheet.links if a.target == shut["linear1"] and a.back]
    assert [a.label for a in into] == ["∂norm1 += ∂linear1 weight"]  # its result
    whole = draw(encoder_decoder(recorded=False), limit=60).sheet
    shut = {card.id for card in closed(whole)}
    said = [a.label for a in whole.links if a.back and a.target in shut]
    assert "∂positions₂ += 3 contributions" in said
    assert any(label.endswith(" += 1 contribution") for label in said)


def test_a_second_result_is_named_beside_its_line():
    class Both(nn.Module):
        def forward(self, x):
            self.first = x.exp()
            return self.first.sin().cos()

    model, x = Both(), randn(3).requires_grad_()
    with record():
        last = model(x)
        loss = (last * model.first).sum()
    sheet = draw(loss, limit=4).sheet
    (card,) = closed(sheet)
    labels = [a.label for a in sheet.links if a.source == card.id and not a.back]
    assert labels == ["2 results"]


def test_a_picture_of_few_cards_has_nothing_closed():
    w, h = randn(2, 2).requires_grad_(), randn(1, 2)
    with record():
        for _ in range(20):
            h = (h @ w).tanh()
        loss = h.sum()
    assert "closed" not in draw(loss).sheet.subtitle
    with pytest.raises(ValueError, match="more than 3 cannot be read"):
        draw(loss, limit=3)


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_no_more_is_closed_than_is_needed(level):
    """All frames of one depth were closed together: 47 cards, then 33, then 11."""
    loss = encoder_decoder()
    graph = unfold(loss, level)
    counts = []
    for limit in (60, 50, 40, 30, 20):
        sheet = draw(loss, level, limit=limit).sheet
        counts.append(count(sheet))
        assert 0.65 * limit <= counts[-1] <= limit
        shut = {card.id for card in closed(sheet)}
        drawn = {frame.id for frame in sheet.frames}
        of = {id: (group.type, _depth(graph, id)) for id, group in graph.groups.items()}
        for id in shut & graph.groups.keys():  # a kind at a depth is closed together
            if graph.groups[id].type != "composite":
                assert not any(of[id] == of[other] for other in drawn & of.keys())
    assert counts == sorted(counts, reverse=True)


def _depth(graph, id):
    return 1 + _depth(graph, graph.groups[id].parent) if id in graph.groups else 0


def test_on_a_slide_more_modules_stand_closed(tmp_path):
    picture = draw(encoder_decoder())
    before = picture.svg
    text = picture.save(tmp_path / "x.svg", width=1920, height=1080).read_text()
    wide, tall = map(int, re.search(r'width="(\d+)" height="(\d+)"', text).groups())
    assert wide <= 1920
    assert tall <= 1080
    assert text.count("closed: ") >= 2
    assert "parts closed" in text
    assert picture.svg == before  # which has its own
    chosen = draw(encoder_decoder(), limit=200)  # as many as were asked for
    with pytest.raises(ValueError, match="150 cards too small to read"):
        chosen.save(tmp_path / "x.svg", width=1920, height=1080)
