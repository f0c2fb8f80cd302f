"""Pictures that are read at a glance: strips in rows, repeats folded, reused inputs
beside their uses, in the order of computing, and Graphviz where it is asked for."""

from __future__ import annotations

import os
import random
import re
import stat
import sys
import time
from copy import deepcopy
from itertools import combinations

import pytest

import nn
from tinygrad_attn import (
    Tensor,
    Value,
    arange,
    draw,
    manual_seed,
    ones,
    randn,
    record,
    unfold,
    zeros,
)
from tinygrad_attn.functional import cross_entropy
from tinygrad_attn.pictures.layout.ranks import ranks
from tinygrad_attn.pictures.layout.squeezing import squeeze
from tinygrad_attn.pictures.layout.steps import Box, Line, Outline, layout
from tinygrad_attn.pictures.layout.wrapping import wrap
from tinygrad_attn.pictures.writing import graphviz
from tinygrad_attn.pictures.writing.placing import lay_out

STEPS = 20


@pytest.fixture(scope="module")
def loop():
    """The loss of a small recurrent network, written as a loop."""
    manual_seed(0)
    U, W = randn(3, 4).requires_grad_(), randn(4, 4).requires_grad_()
    xs = randn(STEPS, 2, 3)
    with record():
        h = zeros(2, 4)
        for t in range(STEPS):
            h = (xs[t] @ U + h @ W).tanh()
        return (h * h).mean()


def stack(count, **settings):
    """The loss of a small encoder."""
    manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, d_ff=8, **settings)
    model = nn.TransformerEncoder(layer, count)
    with record():
        return model(randn(1, 3, 4), is_causal=True).sum()


def titles(drawing):
    return [card.title.partition(" = ")[0] for card in drawing.sheet.cards]


def labels(drawing):
    return [frame.label for frame in drawing.sheet.frames]


# --- strips in rows -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_wrapped_strip_keeps_every_box_line_and_frame(seed):
    chance = random.Random(seed)
    frames = [Outline("f", "", 40, 14), Outline("g", "f", 40, 14)]
    groups = ["", "f", "f", "g", "f", ""]
    boxes = [
        Box(f"b{i}", chance.choice([60, 110]), 40, groups[i // 5]) for i in range(30)
    ]
    lines = [
        Line(f"b{i}", f"b{i + 1}", label_width=30, label_height=12) for i in range(29)
    ]
    for _ in range(4):
        a = chance.randrange(25)
        lines.append(Line(f"b{a}", f"b{a + chance.randrange(2, 5)}", back=True))
    strip = layout(boxes, lines, frames, direction="right")
    found = wrap(strip, boxes, lines, 700)
    assert strip.width > 2_000
    assert found.width <= 700
    places = {box.id: (*found.places[box.id], box.width, box.height) for box in boxes}
    for (x, y, w, h), (a, b, c, d) in combinations(places.values(), 2):
        assert x + w <= a or a + c <= x or y + h <= b or b + d <= y
    for box in boxes:
        x, y, w, h = places[box.id]
        assert 0 <= x <= x + w <= found.width
        assert 0 <= y <= y + h <= found.height
        inside = {"": [], "f": ["f"], "g": ["f", "g"]}[box.group]
        for id in inside:  # one of the frame's pieces holds it
            assert any(
                a <= x and b <= y and x + w <= a + c + 0.1 and y + h <= b + d + 0.1
                for a, b, c, d in [found.frames[id], *found.continued[id]]
            ), (box.id, id)
    for line, path in zip(lines, found.paths):
        a, b = places[line.source], places[line.target]
        assert len(path) % 3 == 1
        assert path[0] == pytest.approx((a[0] + a[2], a[1] + a[3] / 2))
        assert path[-1] == pytest.approx((b[0], b[1] + b[3] / 2))
        for x, y, w, h in places.values():  # a line's ends of curves are in no box
            for px, py in path[3:-3:3]:
                assert not (x + 1 < px < x + w - 1 and y + 1 < py < y + h - 1)


@pytest.mark.parametrize("seed", range(6))
def test_empty_bands_are_taken_out_and_nothing_else_changes(seed):
    chance = random.Random(seed)
    frames = [Outline("f", "", 40, 14)]
    boxes = [
        Box(f"b{i}", 80, chance.choice([30, 90]), "f" if 4 < i < 12 else "")
        for i in range(24)
    ]
    lines = [Line(f"b{i}", f"b{i + 1}") for i in range(23)]
    for _ in range(6):
        a = chance.randrange(16)
        lines.append(Line(f"b{a}", f"b{a + chance.randrange(2, 8)}", back=True))
    strip = layout(boxes, lines, frames, direction="right")
    found = wrap(strip, boxes, lines, 700)
    before = deepcopy(found)
    squeeze(found, boxes, lines)
    assert found.height <= before.height
    assert found.width == before.width
    for a, b in combinations(boxes, 2):  # the order and the distances of neighbours
        old, new = before.places, found.places
        assert (old[a.id][1] < old[b.id][1]) == (new[a.id][1] < new[b.id][1])
        x, y, p, q = *new[a.id], *new[b.id]
        assert x + 80 <= p or p + 80 <= x or y + a.height <= q or q + b.height <= y
    for line, path in zip(lines, found.paths):
        (x, y), (p, q) = path[0], path[-1]
        sizes = {box.id: box.height for box in boxes}
        assert y == pytest.approx(found.places[line.source][1] + sizes[line.source] / 2)
        assert q == pytest.approx(found.places[line.target][1] + sizes[line.target] / 2)
    again = deepcopy(found)
    squeeze(again, boxes, lines)
    assert again.height == pytest.approx(found.height)


def test_a_strip_runs_down_where_that_is_shorter():
    manual_seed(0)
    model = nn.Seq2SeqTransformer(9, 8, 2, 1, 1, 8, dropout=0.0)
    src, tgt = Tensor([[5, 6, nn.EOS]]), Tensor([[nn.BOS, 6, 5]])
    with record():
        loss = model(src, tgt).sum()
    sheet = draw(loss, "module", depth=3).sheet
    column = lay_out(sheet, width=830, smallest=0.7)
    assert column.sheet.direction == "down"
    found = column.layout
    order = [
        next(c for c in sheet.cards if c.detail.startswith(f"Transformer{kind}coderL"))
        for kind in ("En", "De")
    ]
    first, second = [found.places[card.id][1] for card in order]
    assert first < second
    assert lay_out(sheet, width=1920).sheet.direction == "right"


@pytest.mark.parametrize("layers", [2, 6])
def test_in_a_readme_a_decoder_stands_beside_its_encoder(layers):
    """As in the paper's figure 1, and as README.md says."""
    manual_seed(0)
    model = nn.Transformer(8, 2, layers, layers, d_ff=16, dropout=0.0)
    with record():
        loss = model(randn(1, 4, 8), randn(1, 3, 8), tgt_is_causal=True).sum()
    picture = draw(loss, "module", depth=4)
    found = lay_out(picture.sheet, width=830, smallest=0.7)
    names = {
        frame.label: found.layout.frames[frame.id] for frame in picture.sheet.frames
    }
    x, y, w, h = names["encoder"]
    left, top, _, _ = names["decoder"]
    assert found.layout.rows == 1
    assert top < y + h
    assert left > x + w


def test_a_strip_that_fits_stays_as_it_is():
    boxes = [Box("a", 50, 20), Box("b", 50, 20)]
    strip = layout(boxes, [Line("a", "b")], direction="right")
    assert wrap(strip, boxes, [Line("a", "b")], strip.width) is strip


@pytest.mark.parametrize("width", [390, 830, 1280, 1920])
@pytest.mark.parametrize("level", ["module", "op"])
def test_a_picture_is_as_wide_as_it_may_be(tmp_path, level, width):
    picture = draw(stack(2), level)
    text = picture.save(tmp_path / "x.svg", width=width).read_text()
    wide, tall = map(float, re.search(r'width="(\d+)" height="(\d+)"', text).groups())
    box = [float(n) for n in re.search(r'viewBox="([^"]+)"', text)[1].split()]
    assert wide <= width
    assert wide / tall == pytest.approx(box[2] / box[3], rel=0.02)
    if level == "module":  # in rows or as a column, and hardly made smaller
        assert box[2] <= max(width / 0.7, 600)


def test_a_picture_too_wide_to_be_read_becomes_a_list(tmp_path):
    loss = stack(1)
    sheet = draw(loss, limit=100).sheet
    column = lay_out(sheet)
    assert column.layout.width > 1_500
    one = lay_out(sheet, width=830, smallest=0.7)
    assert one.sheet.direction == "down"
    assert one.layout.rows == 1
    assert one.layout.width < 830
    text = draw(loss, limit=100).save(tmp_path / "x.svg", width=830).read_text()
    assert float(re.search(r'viewBox="0 0 (\d+)', text)[1]) <= 830
    wide = lay_out(sheet, width=3 * 830, smallest=0.7)  # smaller, but read
    assert wide.layout.width == column.layout.width


def test_widths_that_cannot_be_are_refused(tmp_path, loop):
    picture = draw(loop)
    for width in (0, -5, float("nan"), True, "wide"):
        with pytest.raises((ValueError, TypeError), match="width"):
            picture.save(tmp_path / "x.svg", width=width)
    with pytest.raises(ValueError, match=r"x\.png"):
        picture.save(tmp_path / "x.png", width=830)


def test_what_belongs_to_a_late_box_sinks_to_it_together():
    """Labels become rows of 0 and 1, which the loss uses twice, and stand beside it."""
    pairs = [(i, i + 1, 1) for i in range(9)]  # a chain to the loss, 9
    pairs += [(10, 11, 1), (11, 8, 1), (11, 12, 1), (12, 9, 1)]
    rows = ranks(13, pairs)
    assert [rows[i] for i in (10, 11, 12)] == [6, 7, 8]


def test_a_decoder_follows_its_encoder_in_a_strip():
    boxes = [Box(id, 50, 20, id[0]) for id in ("e1", "e2", "e3", "d1", "d2")]
    lines = [Line("e1", "e2"), Line("e2", "e3"), Line("d1", "d2"), Line("e3", "d2")]
    frames = [Outline("e"), Outline("d")]
    row = layout(boxes, lines, frames, direction="right", in_a_row=True)
    assert row.frames["e"][0] + row.frames["e"][2] < row.frames["d"][0]
    beside = layout(boxes, lines, frames, direction="right")
    assert beside.places["d1"][0] < row.places["d1"][0]


# --- repeats --------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["module", "op", "primitive"])
def test_a_loop_is_one_step_of_twenty(loop, level):
    picture = draw(loop, level)
    assert "step 1 of 20" in labels(picture)
    assert titles(picture).count("steps 2 to 20") == 1
    assert len(picture.sheet.cards) < 18
    (others,) = [c for c in picture.sheet.cards if c.title == "steps 2 to 20"]
    lines = ["like step 1", "with xs, U, W as well"]  # and what formulas name
    assert others.lines == (lines if level == "module" else [*lines, "up to h₂₁"])
    assert len(draw(loop, level, fold=False).sheet.cards) > 80


@pytest.mark.parametrize("level", ["module", "op", "primitive"])
def test_the_first_step_of_a_loop_that_adds_up_is_its_first_turn(level):
    w, h, total = randn(3, 3).requires_grad_(), randn(2, 3), 0.0
    with record():
        for _ in range(STEPS):
            h = (h @ w).tanh()
            total = total + (h * h).sum()
        loss = total / STEPS
    for step in (1, 7):
        picture = draw(loss, level, step=step)
        assert f"step {step} of {STEPS}" in labels(picture)
    with record():  # the first adds something else
        total = h.sum() + h.sum()
        for _ in range(STEPS):
            h = (h @ w).tanh()
            total = total + (h * h).sum()
    assert f"step 1 of {STEPS}" in labels(draw(total, level))


@pytest.mark.parametrize("level", ["module", "op"])
def test_steps_with_other_plain_numbers_say_so(level):
    w, h = randn(3, 3).requires_grad_(), randn(2, 3)
    with record():
        for t in range(STEPS):
            h = (h @ w) * 0.9**t
        loss = h.sum()
    (others,) = [c for c in draw(loss, level).sheet.cards if c.again]
    assert "with other plain numbers" in others.lines


@pytest.mark.parametrize("level", ["module", "op"])
def test_a_card_for_hidden_steps_says_that_the_result_is_among_them(level):
    w, h, total = randn(3, 3).requires_grad_(), randn(2, 3), 0.0
    with record():
        for _ in range(12):
            h = (h @ w).tanh()
            total = total + (h * h).sum()
    cards = draw(total, level).sheet.cards
    (others,) = [c for c in cards if c.title.startswith("steps 2 to ")]
    assert others.lines[-1].startswith("up to total")
    assert not any(c.kind == "loss" for c in cards)


def test_a_loop_folds_without_recorded_times_too():
    manual_seed(0)
    U, W, h = randn(3, 4).requires_grad_(), randn(4, 4).requires_grad_(), zeros(2, 4)
    for x in [randn(2, 3) for _ in range(6)]:
        h = (x @ U + h @ W).tanh()
    assert "step 1 of 6" in labels(draw((h * h).mean()))


@pytest.mark.parametrize("step", [1, 7, 20])
def test_the_step_that_is_asked_for_is_drawn_with_its_numbers(loop, step):
    graph = unfold(loop)
    picture = draw(loop, step=step)
    hidden = {
        title for title in titles(picture) if title.startswith(("steps", "step "))
    }
    assert hidden == {
        *({"steps 2 to 20"} if step == 1 else set()),
        *({"steps 1 to 6", "steps 8 to 20"} if step == 7 else set()),
        *({"steps 1 to 19"} if step == 20 else set()),
    }
    assert f"step {step} of 20" in labels(picture)
    slices = [c for c in picture.sheet.cards if c.title.startswith("getslice")]
    assert len(slices) == 1
    assert f"xs[{step - 1}:{step}" in slices[0].title
    node = graph.by_id(slices[0].id)
    assert slices[0].value.numbers == [row for part in node.value for row in part]


def test_the_lines_of_a_folded_loop_lead_through_its_card(loop):
    sheet = draw(loop, step=7).sheet
    of = {card.id: card.title.partition(" = ")[0] for card in sheet.cards}
    joined = {(of[a.source], of[a.target]) for a in sheet.links if not a.back}
    back = {(of[a.source], of[a.target]) for a in sheet.links if a.back}
    assert {("steps 1 to 6", "matmul₁₄"), ("h₈", "steps 8 to 20")} <= joined & back
    assert ("steps 8 to 20", "mul") in joined & back
    assert not any(a in ("U", "W", "xs") and b.startswith("steps") for a, b in joined)


def test_a_line_to_folded_steps_says_what_is_true_of_all(loop):
    sheet = draw(loop, step=7).sheet
    of = {card.id: card.title.partition(" = ")[0] for card in sheet.cards}
    rules = {(of[a.source], of[a.target]): a.label for a in sheet.links if a.back}
    assert rules["U", "matmul₁₃"] == "∂U += reshape₇ᵀ ∂matmul₁₃  (1 of 20)"
    assert rules["W", "matmul₁₄"].endswith("  (1 of 20)")
    assert rules["h₈", "steps 8 to 20"] == "∂h₈ += ∂matmul₁₆ Wᵀ"  # alone
    assert rules["steps 8 to 20", "mul"] == "∂h₂₁ += 2 contributions"
    assert not any("of 20" in label for label in rules.values() if "h₈" in label)


def test_a_line_that_stands_for_several_is_as_thick_as_they_are_together():
    w, h = Tensor([[0.5, 0.25]]).requires_grad_(), Tensor([[1.0, 2.0]])
    with record():
        for _ in range(8):
            h = (h * w + 1.0).exp().log()
        loss = (h * Tensor([[1.0, 3.0]])).sum()
    whole = draw(loss, "scalar", fold=False).sheet
    sheet = draw(loss, "scalar").sheet
    (end,) = [a for a in sheet.links if a.source.startswith("after")]
    flows = [a.flow for a in whole.links if a.target == end.target and a.flow]
    assert len(flows) == end.joined == 2
    assert end.flow == pytest.approx(sum(flows))
    assert end.label == ""


def test_the_lines_of_constants_carry_no_gradient():
    x, c = Tensor([2.0]).requires_grad_(), Tensor([5.0])
    with record():
        loss = (x * c).sum()
    sheet = draw(loss, "scalar").sheet
    of = {card.id: card.title for card in sheet.cards}
    width = {of[a.source]: a.width for a in sheet.links}
    assert width["c"] == 0.5 < width["x"]


@pytest.mark.parametrize("level", ["module", "op", "primitive", "scalar"])
def test_what_repeats_is_folded_before_it_is_counted(level):
    w, h = randn(2, 2).requires_grad_(), randn(1, 2)
    with record():
        for _ in range(400):
            h = (h @ w).tanh()
        loss = h.sum()
    assert "step 1 of 400" in labels(draw(loss, level, limit=50))
    with pytest.raises(ValueError, match="more than 50 cannot be read"):
        draw(loss, level, limit=50, fold=False)


def test_values_are_folded_before_they_are_counted():
    h, w = Value(0.5), Value(0.9)
    for _ in range(1_600):
        h = (h * w).tanh()
    assert "step 1 of 1600" in labels(draw(h))
    with pytest.raises(ValueError, match="more than 3,000 Values"):
        draw(h, fold=False)


def test_numbers_that_are_left_out_have_lines_too():
    x = randn(5, 4)
    w = randn(4, 1).requires_grad_()
    with record():
        loss = (x @ w).sum()
    sheet = draw(loss, "scalar").sheet
    (card,) = [card for card in sheet.cards if card.title == "x"]
    assert card.more == 4
    uses = [a for a in sheet.links if a.source == card.id]
    assert {a.source_row for a in uses} == set(range(17))
    (rest,) = [a for a in uses if a.source_row == 16]
    assert rest.joined == 4


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_the_layer_that_is_asked_for_is_drawn_for_all(step):
    layer = nn.TransformerEncoderLayer(4, 2, d_ff=8, dropout=0.0)
    model = nn.TransformerEncoder(layer, 4)
    with record():
        loss = model(randn(1, 3, 4)).sum()
    graph = unfold(loss, "module")
    sheet = draw(loss, "module", step=step).sheet
    (card,) = [card for card in sheet.cards if card.title == "linear1"]
    assert graph.by_id(card.id).name == f"layers.{step - 1}.feed_forward.linear1"
    (label,) = [f.label for f in sheet.frames if "×" in f.label]
    assert label == ("layers   × 4" if step == 1 else f"layers.{step - 1}   × 4")
    ends = {card.id for card in sheet.cards}
    used = {a.source for a in sheet.links}
    assert ends - used == {sheet.cards[-1].id}  # all lead to the loss
    with pytest.raises(ValueError, match="step 5 given; what repeats has 4"):
        draw(loss, "module", step=5)


def test_a_step_that_is_not_there_is_refused(loop):
    with pytest.raises(ValueError, match="step 21 given; what repeats has 20"):
        draw(loop, step=21)
    x = randn(2).requires_grad_()
    with pytest.raises(ValueError, match="step 2 given; no loop repeats here"):
        draw((x * x).sum(), step=2)
    with pytest.raises(ValueError, match="with fold=False"):
        draw(loop, step=2, fold=False)


def test_layers_fold_at_every_level():
    loss = stack(3)
    for level in ("op", "primitive"):
        picture = draw(loss, level)
        assert any(label.endswith("× 3") for label in labels(picture))
        assert "2 more" in titles(picture)
        names = [title for title in titles(picture) if title.startswith("layers.")]
        assert {name.split(".")[1] for name in names} <= {"0"}
    assert any("× 3" in label for label in labels(draw(loss, "module")))


def test_what_is_computed_side_by_side_is_no_loop():
    loss = stack(1)
    for level in ("op", "primitive"):
        names = titles(draw(loss, level))
        assert not any(name.startswith("step") for name in names)  # Q, K and V


def test_steps_that_differ_are_not_folded():
    h = randn(2, 2)
    with record():
        for i in range(12):  # each a little wider
            h = (h @ randn(i + 2, i + 3).requires_grad_()).tanh()
    assert not any("of" in label for label in labels(draw(h.sum())))


def test_a_loop_folds_at_the_level_of_single_numbers():
    w, h = randn(2, 2).requires_grad_(), randn(1, 2)
    with record():
        for _ in range(8):
            h = (h @ w).tanh() * 0.5
        loss = h.sum()
    picture = draw(loss, "scalar")
    assert "step 1 of 8" in labels(picture)
    assert "<svg" in picture.svg
    ends = {id for a in picture.sheet.links for id in (a.source, a.target)}
    assert ends <= {card.id for card in picture.sheet.cards}


def test_a_loop_of_values_folds():
    h, w = Value(0.5), Value(0.9)
    for _ in range(10):
        h = (h * w).tanh()
    assert "step 1 of 10" in labels(draw(h))


# --- inputs that are used again -------------------------------------------------------


def test_a_reused_input_is_a_small_card_beside_each_use(loop):
    sheet = draw(loop, "module", fold=False).sheet
    small = [card for card in sheet.cards if card.again]
    assert {card.title for card in small} == {"xs", "U", "W"}
    assert all(card.detail == "again" for card in small)
    uses = [a for a in sheet.links if not a.back]
    for card in small:
        mine = [a.target for a in uses if a.source == card.id]
        assert 1 <= len(mine) <= 2
    shown = [card.title for card in sheet.cards if not card.again]
    assert [shown.count(name) for name in ("xs", "U", "W")] == [1, 1, 1]


def test_the_input_of_one_head_stays_one_card():
    manual_seed(0)
    layer = nn.MultiHeadAttention(6, 2)
    x = randn(1, 3, 6).requires_grad_()
    with record():
        loss = layer(x, is_causal=True)[0].sum()
    for level in ("op", "primitive"):
        sheet = draw(loss, level, head=(layer, 0)).sheet
        assert not any(card.again for card in sheet.cards)
        (home,) = [card.frame for card in sheet.cards if card.title == "x"]
        assert home in {frame.id for frame in sheet.frames}  # where it is used


# --- order and constants --------------------------------------------------------------


def test_a_loop_is_listed_as_it_ran_and_data_comes_first(loop):
    names = [node.name for node in unfold(loop) if node.op == "tanh"]
    assert names == [f"h_{i}" for i in range(2, STEPS + 2)]
    first = [node.name for node in unfold(stack(1)) if not node.name.startswith("l")]
    assert first[0] == "src" or "." not in first[0]


def test_masks_are_named_and_stay_in_the_module_that_made_them():
    graph = unfold(stack(1, dropout=0.5), "op")
    masks = {
        n.name: n.module for n in graph if n.op == "constant" and n.dtype == "bool"
    }
    assert masks["mask"] == "layers.0.self_attn"
    named = [name for name in masks if name.startswith("dropout_mask")]
    assert len(named) == 4
    assert all(masks[name] for name in named)


class Cell(nn.Module):
    """Makes constants of every sort, and keeps one of them for the next call."""

    def __init__(self):
        self.linear, self.kept = nn.Linear(3, 3), None

    def forward(self, x):
        if self.kept is None:
            self.kept = ones(2, 3)
        start, steps, given = zeros(2, 3), arange(3), Tensor([1.0, 2.0, 3.0])
        noise = randn(2, 3)
        return self.linear(x + start) * self.kept + steps * given + noise + [1, 2, 3]


def test_constants_made_in_a_module_stay_inside_it():
    cell, out = Cell(), nn.Linear(3, 1)
    model = nn.Sequential(cell, out)
    x = randn(2, 3)
    for call in range(2):
        with record():
            loss = model(x).sum()
        modules = {n.name: n.module for n in unfold(loss) if n.op == "constant"}
        assert modules.pop("x") == ""
        kept = modules.pop("kept", None) or modules.pop("self.kept", "")
        assert kept == ("0" if call == 0 else "")  # made in a call from before
        assert len(modules) == 5
        assert set(modules.values()) == {"0"}
        for level in ("module", "op"):
            sheet = draw(loss, level).sheet
            home = {card.title: card.frame for card in sheet.cards}
            assert home["x"] == ""
            assert home["start"] == home["noise"] != ""


# --- wide cards -----------------------------------------------------------------------


def wide_head():
    """A head whose weights have sixteen columns, and biases."""
    manual_seed(0)
    layer = nn.MultiHeadAttention(16, 2)
    with record():
        loss = layer(randn(1, 8, 16).requires_grad_())[0].sum()
    return loss, (layer, 0)


def test_wide_heat_maps_and_leaves_stand_below_each_other():
    loss, head = wide_head()
    picture = draw(loss, head=head)
    placed = lay_out(picture.sheet)
    at = {
        card.title: (*placed.layout.places[card.id], *placed.sizes[card.id])
        for card in picture.sheet.cards
    }
    for name in ("q_proj", "k_proj", "v_proj"):
        x, y, w, h = at[f"{name}.weight"]
        assert w < 500  # sixteen columns, once
        a, b, c, d = at[f"{name}.bias"]
        assert b >= y + h or b + d <= y
    assert placed.layout.width < 2_700


def test_a_wide_head_in_dot_is_as_narrow(tmp_path):
    loss, head = wide_head()
    picture = draw(loss, head=head, layout="dot")
    text = picture.save(tmp_path / "x.svg", width=1920).read_text()
    if not picture.note.startswith("laid out by Graphviz"):
        pytest.skip(picture.note)
    wide = float(re.search(r'viewBox="\S+ \S+ (\S+)', text)[1])
    assert wide < 2_500
    assert float(re.search(r'<svg width="(\d+)"', text)[1]) <= 1920
    last = text.rindex("<path")
    assert all(
        text.index(name) > last for name in (">scores<", ">∂q_proj.weight +=<")
    )  # over the lines
    assert 'paint-order="stroke"' in text


def test_graphviz_stands_cards_in_our_rows():
    """Left alone, it drew a layer's weight, and so the layer, beside the one before."""
    manual_seed(0)
    layers = [nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(10, 3))
    with record():
        loss = cross_entropy(model(randn(5, 6)), Tensor([0, 2, 1, 1, 0]))
    for picture in (draw(loss), draw(wide_head()[0]), draw(loss, "primitive")):
        made, note = graphviz.run(picture.dot, "plain")
        if made is None:
            pytest.skip(note)
        nodes = [a.split() for a in made.decode().splitlines() if a[:5] == "node "]
        at = {name: -float(y) for _, name, _, y, *_ in nodes}
        places = lay_out(picture.sheet).layout.places
        sizes = lay_out(picture.sheet).sizes
        middle = {id: round(y + sizes[id][1] / 2) for id, (_, y) in places.items()}
        for a, b in combinations(at, 2):
            if middle[a] == middle[b]:
                assert at[a] == pytest.approx(at[b])
            else:
                assert (at[a] < at[b]) == (middle[a] < middle[b])


def test_names_of_frames_are_clear_of_lines(loop):
    svg = draw(loop).svg
    (start,) = re.findall(r'<text x="([\d.]+)"[^>]*>step 1 of 20<', svg)
    sheet = draw(loop).sheet
    found = lay_out(sheet)
    (frame,) = found.layout.frames.values()
    entering = [
        path[-1][0]
        for path, link in zip(found.layout.paths, sheet.links)
        if path[0][1] < frame[1] < path[-1][1] and path[-1][1] - frame[1] < 60
    ]
    assert entering
    assert all(not float(start) <= x <= float(start) + 60 for x in entering)


# --- Graphviz -------------------------------------------------------------------------


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)


def script(tmp_path, monkeypatch, text):
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)


def test_our_own_layout_is_drawn_unless_dot_is_asked_for(loop, no_graphviz):
    for layout_ in (None, "own"):
        picture = draw(loop, layout=layout_)
        assert "<svg" in picture.svg
        assert picture.note == "laid out by tinygrad_attn"
    picture = draw(loop, layout="dot")
    assert "<svg" in picture.svg
    assert "apt install graphviz" in picture.note
    assert "install pygraphviz" in picture.note


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_after_a_time_out_nothing_is_to_be_installed(loop, tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "sleep 60")
    monkeypatch.setattr(graphviz.run, "__defaults__", (0.3,))
    picture = draw(loop, layout="dot")
    start = time.time()
    assert "<svg" in picture.svg
    assert time.time() - start < 20
    assert "Graphviz's dot took longer than 0.3 seconds" in picture.note
    assert "install" not in picture.note
    with pytest.warns(UserWarning, match="took longer") as caught:
        picture.save(tmp_path / "x.png")
    assert "install" not in str(caught[0].message)


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_where_dot_fails_the_one_in_python_is_tried(loop, tmp_path, monkeypatch):
    script(tmp_path, monkeypatch, "exit 1")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "pygraphviz.py").write_text(
        "class AGraph:\n"
        "    def __init__(self, string): assert string.startswith('digraph')\n"
        "    def draw(self, format, prog): return b'<svg>by ' + prog.encode()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(graphviz, "find_spec", lambda name: name)
    picture = draw(loop, layout="dot")
    assert picture.svg == "<svg>by dot"
    assert picture.note == "laid out by Graphviz in pygraphviz"


def test_the_wheels_graphviz_draws_every_format(loop, tmp_path, monkeypatch):
    pytest.importorskip("pygraphviz")
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    monkeypatch.setattr(graphviz.shutil, "which", lambda name: None)
    picture = draw(loop, "module", layout="dot")
    assert "<svg" in picture.svg
    assert picture.note == "laid out by Graphviz in pygraphviz"
    assert picture.save(tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_a_heat_map_in_dot_is_as_wide_as_its_cells(loop):
    """In a card that is wider Graphviz would spread its cells."""
    text = draw(loop, layout="dot").dot
    sizes = re.findall(r'<TABLE FIXEDSIZE="TRUE" WIDTH="(\d+)" HEIGHT="(\d+)"', text)
    assert (str(4 * 29 + 1), str(2 * 18 + 1)) in sizes  # a gradient, 2 × 4


def test_a_label_in_dot_stands_apart_from_its_line(loop):
    back = [line for line in draw(loop).dot.splitlines() if "dir=back" in line]
    assert back
    assert all('<TD WIDTH="8"></TD>' in line for line in back)


def test_a_small_card_has_places_for_lines_in_dot():
    x, w = randn(2, 2), randn(2, 2).requires_grad_()
    with record():
        for i in range(14):
            x = (x @ w) if i in (0, 13) else x.tanh() if i % 3 else x.exp()
    text = draw(x.sum(), fold=False).dot
    (small,) = [line for line in text.splitlines() if "again" in line]
    assert 'PORT="v"' in small
    assert 'PORT="g"' in small
    assert isinstance(x, Tensor)


def test_a_layer_that_is_one_box_says_how_many_it_stands_for():
    loss = stack(3)
    assert "layers   × 3" in titles(draw(loss, "module", depth=2))
    whole = draw(loss, "module", fold=False)
    assert not any("×" in label for label in labels(whole))
    assert len(whole.sheet.cards) > 2 * len(draw(loss, "module").sheet.cards)


def nested():
    """A loop in a loop, with a loss of every turn and something shared by all."""
    x, w = randn(2, 2).requires_grad_(), randn(2, 2).requires_grad_()
    memory, loss = (x @ w).tanh(), 0.0
    h, c = zeros(2, 2), zeros(2, 2)
    for _ in range(4):
        for _ in range(3):
            h = (h @ w + memory).tanh()
            c = c.sigmoid() * h
        loss = loss + ((h - x) * c).sum()
    return loss


def encoded():
    """A decoder of several layers, all of which read one memory."""
    layer = nn.TransformerDecoderLayer(4, 2, d_ff=4, dropout=0.0)
    model = nn.TransformerDecoder(layer, 3)
    memory = randn(1, 2, 4).requires_grad_() * 2.0
    return model(randn(1, 3, 4), memory, tgt_is_causal=True).sum()


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("level", ["module", "op"])
@pytest.mark.parametrize("program", [nested, encoded])
def test_a_folded_picture_hangs_together(program, level, step):
    manual_seed(0)
    with record():
        loss = program()
    loops = level != "module" or program is nested
    sheet = draw(loss, level, step=step if loops else 1).sheet
    ids = [card.id for card in sheet.cards]
    assert len(set(ids)) == len(ids)
    whole = draw(loss, level, fold=False).sheet
    assert len(ids) < 0.7 * len(whole.cards)
    frames = {frame.id: frame.parent for frame in sheet.frames}
    assert {card.frame for card in sheet.cards} <= {"", *frames}
    assert set(frames.values()) <= {"", *frames}
    assert {id for link in sheet.links for id in (link.source, link.target)} <= {*ids}
    place = {id: i for i, id in enumerate(ids)}
    used = {link.source for link in sheet.links if not link.back}
    assert [id for id in ids if id not in used] == [ids[-1]]  # all lead to the loss
    assert all(place[a.source] < place[a.target] for a in sheet.links if not a.back)
    assert lay_out(sheet).layout.places.keys() == {*ids}
    if loops:
        assert any(f"{step} of" in f.label or "×" in f.label for f in sheet.frames)
