"""Pictures that run down: leaves near their uses, and lists where there is no room."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import pytest

import nn
from tinygrad_attn import Tensor, Value, draw, manual_seed, randn, record, zeros
from tinygrad_attn.functional import causal_mask, cross_entropy, mse_loss
from tinygrad_attn.pictures.layout.following import without_contradictions
from tinygrad_attn.pictures.layout.steps import Box, Line, Outline, layout
from tinygrad_attn.pictures.look.text import width as text_width
from tinygrad_attn.pictures.sheets.sheet import Frame
from tinygrad_attn.pictures.writing import graphviz
from tinygrad_attn.pictures.writing.captions import frame_svg
from tinygrad_attn.pictures.writing.dot import texts_for
from tinygrad_attn.pictures.writing.fitting import made_for
from tinygrad_attn.pictures.writing.framing import HIGH, INDENT
from tinygrad_attn.pictures.writing.geometry import card_size, gradient_at, ports
from tinygrad_attn.pictures.writing.narrow_cards import (
    narrow_card,
    rules_in_cards,
    short_cards,
)
from tinygrad_attn.pictures.writing.placing import MARGIN, lay_out


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


def test_a_mask_that_a_module_made_stands_beside_the_scores():
    layer = nn.MultiHeadAttention(8, 2)
    with record():
        loss = layer(randn(1, 4, 8), is_causal=True)[0].sum()
    sheet = draw(loss, head=(layer, 1)).sheet
    frames = {frame.id: frame.label for frame in sheet.frames}
    home = {card.title.split(" = ")[0]: card.frame for card in sheet.cards}
    assert frames[home["mask"]] == "scores"
    assert lay_out(sheet).layout.width < 1_800


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


@pytest.mark.parametrize(("make", "width"), [(encoder, 390), (encoder_decoder, 830)])
def test_modules_in_many_rows_are_a_column_or_a_list(tmp_path, make, width):
    picture = draw(make(), "module")
    text = picture.save(tmp_path / "x.svg", width=width).read_text()
    assert scale_in(text) >= 0.7
    placed = lay_out(picture.sheet, width=width, smallest=0.7)
    assert placed.sheet.direction == "down"
    made = {link.target for link in placed.sheet.links}
    short = [  # from a card to the next: upright, also beside a label
        abs(path[0][0] - path[-1][0])
        for link, path in zip(placed.sheet.links, placed.layout.paths)
        if link.source in made and path[-1][1] - path[0][1] < 60
    ]
    assert len(short) > 5
    assert sorted(short)[int(0.8 * len(short))] < 1


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


@pytest.mark.parametrize("make", [perceptron, encoder, encoder_decoder])
def test_numbers_are_read_on_a_phone(tmp_path, make):
    """They were 3.6 to 4.7 pixels high: now at least 5.6, of 8."""
    picture = draw(make())
    text = picture.save(tmp_path / "x.svg", width=390).read_text()
    assert scale_in(text) >= 0.7
    for card in picture.sheet.cards:
        narrow = narrow_card(card, 280.0)
        assert card_size(narrow)[0] <= max(280.0, card_size(card)[0])
        words = " ".join([narrow.title, *narrow.lines, *narrow.rules])
        assert words.split() == " ".join([card.title, *card.lines]).split()


def high():
    """A card of twelve rows."""
    return draw((randn(12, 3).requires_grad_() * 2.0).sum()).sheet.cards[0]


def test_long_heat_maps_lose_rows_before_modules_are_closed(tmp_path):
    """An MLP on fourteen rows was one closed card on a slide."""
    model = nn.Sequential(
        *(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(3)), nn.Linear(4, 2)
    )
    with record():
        loss = cross_entropy(model(randn(14, 4)), Tensor([0, 1] * 7))
    picture = draw(loss)
    picture.save(tmp_path / "x.svg", width=1000, height=600)
    text = (tmp_path / "x.svg").read_text()
    assert scale_in(text) >= 0.7
    assert "⋮" in text


def test_a_card_gets_narrower_as_far_as_it_must():
    (card,) = [c for c in draw(perceptron()).sheet.cards if c.title[:4] == "Tanh"]
    card = replace(card, title="tanh = tanh of a very long name indeed, of fifty")
    wide = card_size(card)[0]
    assert narrow_card(card, wide) is card
    turned = narrow_card(replace(card, title="tanh"), wide - 1)
    assert turned.upright
    assert card_size(turned)[0] < 0.6 * wide
    below = narrow_card(card, 300.0)
    assert (below.title, below.lines[0][:9]) == ("tanh", "= tanh of")
    few = narrow_card(replace(card, rules=["a long rule " * 9]), 150.0)
    assert all(text_width(rule, 9) <= 150 for rule in few.rules)
    big = draw((randn(2, 16).requires_grad_() * 2.0).sum()).sheet.cards[0]
    assert narrow_card(big, 300.0).value.columns == [0, 1, 2, 3, 12, 13, 14, 15]
    assert narrow_card(big, 300.0).gradient.columns == [0, 1, 2, 3, 12, 13, 14, 15]
    whole = high()
    (tall,) = short_cards(replace(draw(head()).sheet, cards=[whole])).cards
    assert tall.value.rows == tall.gradient.rows == [0, 1, 2, 3, 8, 9, 10, 11]
    assert tall.value.numbers[4] == whole.value.numbers[8]
    assert len(narrow_card(big, 400.0).value.columns) == 16  # little would be gained


@pytest.mark.parametrize("make", [perceptron, head, encoder])
def test_on_a_slide_a_list_stands_in_columns(tmp_path, make):
    picture = draw(make())
    text = picture.save(tmp_path / "x.svg", width=1920, height=1080).read_text()
    assert scale_in(text) >= 0.7
    placed = made_for(picture.sheet, 1920, 1080)
    assert placed.layout.rows > 1
    places, sizes = placed.layout.places, placed.sizes
    boxes = [(*places[id], *sizes[id]) for id in places]
    boxes += [
        (x + INDENT, y, text_width(f"{frame.label} …", 12), HIGH)
        for frame in placed.sheet.frames
        for x, y, _, _ in placed.layout.continued.get(frame.id, [])
    ]  # the names of frames that go on
    for a, b in combinations(boxes, 2):
        assert (
            a[0] + a[2] <= b[0]
            or b[0] + b[2] <= a[0]
            or (a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1])
        )
    for card in placed.sheet.cards:
        x, y = places[card.id]
        w, h = sizes[card.id]
        assert card.frame == "" or any(
            a <= x and b <= y and x + w <= a + c and y + h <= b + d
            for a, b, c, d in [
                placed.layout.frames[card.frame],
                *placed.layout.continued.get(card.frame, []),
            ]
        )
    for link, path in zip(placed.sheet.links, placed.layout.paths):
        x, y = places[link.source]
        assert path[0][1] == pytest.approx(y + sizes[link.source][1])
        assert x <= path[0][0] <= x + sizes[link.source][0]
        assert path[-1][1] == pytest.approx(places[link.target][1])


@pytest.mark.parametrize("make", [perceptron, encoder, encoder_decoder])
def test_graphviz_too_draws_what_can_be_read(tmp_path, make):
    """On a slide its numbers were 0.6 to 3 pixels high."""
    for level, width, height, least in (
        ("op", 1920, 1080, 0.7),
        ("op", 830, None, 0.7),
        ("op", 390, None, 0.45),
        ("module", 1920, 1080, 0.7),
        ("module", 390, None, 0.5),
    ):
        picture = draw(make(), level, layout="dot")
        size = {"width": width, "height": height}
        text = picture.save(tmp_path / "x.svg", **size).read_text()
        if not picture.note.startswith("laid out by Graphviz"):
            pytest.skip(picture.note)
        wide, whole = (
            float(re.search(pattern, text)[1])
            for pattern in (r'<svg width="([\d.]+)"', r'viewBox="\S+ \S+ ([\d.]+)')
        )
        assert wide <= width
        assert wide / whole >= least


@pytest.mark.parametrize(
    "settings", [{}, {"values": False}, {"grads": False}, {"level": "primitive"}]
)
def test_lines_forward_and_back_are_apart_and_end_at_places_that_are_there(settings):
    """Of gradients alone, both stood in the middle of a card."""
    sheet = draw(perceptron(), **settings).sheet
    for card in sheet.cards:
        forward, back = ports(card, card_size(card)[0])
        assert back - forward >= 10 or not card.gradient_title
    text = draw(perceptron(), **settings).dot
    places = {
        id: set(re.findall(r'PORT="(\w+)"', table))
        for id, table in re.findall(r"^  (n\w+) \[label=(.*)$", text, re.M)
    }
    ends = re.findall(r"^  (\w+):(\w+)(?::\w)? -> (\w+):(\w+)", text, re.M)
    assert len(ends) == len(sheet.links)
    for source, leaves, target, enters in ends:
        assert leaves in places[source] | {"s"}
        assert enters in places[target] | {"n"}


def test_graphviz_finds_rows_itself_before_it_draws_a_list(tmp_path):
    layer = nn.MultiHeadAttention(16, 2)
    with record():
        loss = layer(randn(1, 8, 16).requires_grad_())[0].sum()
    picture = draw(loss, "primitive", head=(layer, 0), layout="dot")
    ours, own, *lists = texts_for(picture.sheet, 1920)
    assert ours == picture.dot
    assert "minlen" in ours
    assert "minlen" not in own
    assert len(lists) == 2
    assert [*texts_for(picture.sheet)] == [ours]
    text = picture.save(tmp_path / "x.svg", width=1920).read_text()
    if not picture.note.startswith("laid out by Graphviz"):
        pytest.skip(picture.note)
    assert text.count("+=") > 15  # beside lines: it is no list


def test_what_graphviz_has_drawn_is_kept_if_it_takes_too_long_then(
    tmp_path, monkeypatch
):
    svg = b'<svg width="3000" height="900" viewBox="0 0 3000 900"></svg>'
    answers = iter([(svg, "Graphviz's dot"), (None, "took too long")])
    monkeypatch.setattr(graphviz, "run", lambda *_: next(answers))
    picture = draw(head(), layout="dot")
    text = picture.save(tmp_path / "x.svg", width=830).read_text()
    assert text.startswith('<svg width="830" height="249"')
    assert picture.note == "laid out by Graphviz's dot"


def test_where_graphviz_cannot_the_error_says_so(tmp_path):
    x = randn(30, 16).requires_grad_()
    y = x
    for _ in range(12):
        y = (y * x).tanh() + x.exp()
    picture = draw(y.sum(), layout="dot", fold=False)
    with pytest.raises(ValueError, match="leave the height or layout='dot' out"):
        picture.save(tmp_path / "x.svg", width=400, height=300)


def test_a_frame_that_goes_on_is_open_there():
    frame = Frame("f", "", "layer")
    for down in (False, True):
        pieces = [
            frame_svg(frame, (10, 20, 100, 50), before, after, [], down)
            for before, after in ((False, True), (True, True), (True, False))
        ]
        first, both, last = ("".join(piece[:-1]) for piece in pieces)
        if down:  # open below, at both ends, and above
            assert "M10.0 70.0 v-41.0" in first
            assert "M10.0 20.0 v50.0 M110.0 20.0 v50.0" in both
            assert "M10.0 20.0 v41.0" in last
        else:
            assert "M110.0 20.0 h-91.0" in first
            assert "M10.0 20.0 h100.0 M10.0 70.0 h100.0" in both
            assert "M10.0 20.0 h91.0" in last
        assert [">layer …<" in piece[-1] for piece in pieces] == [False, True, True]


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


# --- single numbers -------------------------------------------------------------------


def rows(picture, title):
    (card,) = [c for c in picture.sheet.cards if c.title == title]
    return [row.label for row in card.rows]


def recurrent(turns=20, first=True):
    """A loop whose turns have their own rows of xs."""
    xs, U, W = randn(turns, 3), randn(3, 3), randn(3, 3)
    W.requires_grad_()
    with record():
        h = zeros(1, 3) if first else (xs[0:1] @ U).tanh()
        for i in range(not first, turns):
            h = (xs[i : i + 1] @ U + h @ W).tanh()
        return h.sum()


def adding_up(turns=20):
    xs, w = randn(turns, 3), randn(3).requires_grad_()
    with record():
        total = 0.0
        for i in range(turns):
            total = total + (xs[i] * w).sum()
        return total


@pytest.mark.parametrize("step", [1, 7, 20])
@pytest.mark.parametrize("make", [recurrent, adding_up])
def test_a_step_shows_its_own_numbers_of_an_input(make, step):
    picture = draw(make(), "scalar", step=step)
    assert f"step {step} of 20" in [frame.label for frame in picture.sheet.frames]
    assert rows(picture, "xs") == [f"[{step - 1},{j}]" for j in range(3)]
    assert ">⋯ and 57 more<" in picture.svg


def test_of_a_weight_that_all_steps_share_the_most_moving_numbers_are_shown():
    picture = draw(recurrent(), "scalar", step=7)
    assert len(rows(picture, "W")) == 9


@pytest.mark.parametrize("level", ["op", "scalar"])
def test_the_first_turn_that_adds_to_zero_and_the_last_are_turns(level):
    sheet = draw(adding_up(), level).sheet
    assert [frame.label for frame in sheet.frames] == ["step 1 of 20"]


@pytest.mark.parametrize("level", ["op", "scalar"])
def test_a_turn_is_not_cut_in_its_middle(level):
    """The first turn is another; the others begin with their data, and end with h."""
    sheet = draw(recurrent(first=False), level).sheet
    (frame,) = sheet.frames
    assert frame.label == "step 1 of 19"
    inside = [c.title.split(" = ")[0] for c in sheet.cards if c.frame == frame.id]
    assert inside[-1] == "h₂"
    assert "h" not in inside


def test_a_loop_over_values_with_other_plain_numbers_is_folded():
    w, h = Value(0.5), Value(0.0)
    for i in range(20):
        h = (h * w + i / 10).tanh()
    picture = draw(h, step=7)
    assert [frame.label for frame in picture.sheet.frames] == ["step 7 of 20"]
    assert "+ 0.6" in [card.title for card in picture.sheet.cards]
    (after,) = [c for c in picture.sheet.cards if c.title == "steps 8 to 20"]
    assert "with other plain numbers" in after.lines


def test_a_relu_of_positive_numbers_has_a_card():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with record():
        y = (x * 3.0).relu()
        loss = (y * y).sum()
    assert "y" in [card.title for card in draw(loss, "scalar").sheet.cards]
    assert "y" not in [  # a reshape only moves numbers
        card.title for card in draw(reshaped(), "scalar").sheet.cards
    ]


def reshaped():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with record():
        y = (x * 3.0).reshape(2, 1)
        return (y * y).sum()


def test_numbers_that_would_be_too_small_are_refused(tmp_path):
    picture = draw(encoder(), "scalar")
    with pytest.raises(
        ValueError, match=r"width=830 makes \d+ numbers too small"
    ) as no:
        picture.save(tmp_path / "x.svg", width=830)
    assert "focus=" in str(no.value)
    width = int(re.search(r"or width=(\d+)$", str(no.value))[1])
    text = picture.save(tmp_path / "x.svg", width=width).read_text()
    assert scale_in(text) > 0.8
    part = draw(head(), "scalar", focus="z[1,0]")
    part.save(tmp_path / "x.svg", width=830)


# --- slides ---------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_an_encoder_decoder_fits_a_slide(tmp_path, depth):
    picture = draw(encoder_decoder(), "module", depth=depth)
    text = picture.save(tmp_path / "x.svg", width=1920, height=1080).read_text()
    wide, tall = map(int, re.search(r'width="(\d+)" height="(\d+)"', text).groups())
    assert wide <= 1920
    assert tall <= 1080
    assert scale_in(text) >= 0.7  # titles of nine pixels
    if depth == 4:
        at_width = picture.save(tmp_path / "y.svg", width=1920).read_text()
        assert int(re.search(r'height="(\d+)"', at_width)[1]) > 1080


def test_heights_that_cannot_be_are_refused(tmp_path):
    picture = draw(encoder(), limit=45)
    with pytest.raises(ValueError, match="45 cards too small to read .* height out"):
        picture.save(tmp_path / "x.svg", width=1920, height=1080)
    with pytest.raises(ValueError, match="height=1080 needs a width"):
        picture.save(tmp_path / "x.svg", height=1080)
    for height in (0, float("nan"), "high"):
        with pytest.raises((ValueError, TypeError), match="height"):
            picture.save(tmp_path / "x.svg", width=1920, height=height)


# --- names ----------------------------------------------------------------------------


def test_a_parameter_of_no_module_is_a_parameter():
    w, b, x = nn.Parameter(randn(3, 2)), nn.Parameter(randn(2)), randn(4, 3)
    other = randn(2, requires_grad=True)
    with record():
        loss = ((x @ w + b) * other).sum()
    for level in ("module", "op", "primitive", "scalar"):
        kinds = {card.title: card.kind for card in draw(loss, level).sheet.cards}
        assert (kinds["w"], kinds["b"]) == ("parameter", "parameter")
        assert (kinds["other"], kinds["x"]) == ("input", "constant")


def test_a_parameter_given_to_a_module_is_not_counted_as_its_own():
    prompt, layer = nn.Parameter(randn(3, 2)), nn.Linear(2, 2)
    with record():
        loss = layer(prompt).sum()
    lines = {c.title: c.lines[0] for c in draw(loss, "module").sheet.cards}
    assert lines["Linear"] == "3 × 2,  6 parameters"
    assert lines["x"] == "3 × 2,  6 parameters"  # as the layer calls it


def test_a_parameter_in_a_sequential_is_named_as_its_result():
    for level in ("op", "scalar"):
        names = [c.title.split(" = ")[0] for c in draw(perceptron(), level).sheet.cards]
        assert {"Linear₀", "Linear₀.weight", "Linear₂.bias"} <= {*names}
        assert not any(name[0].isdigit() for name in names)
    rules = [link.label for link in draw(perceptron()).sheet.links if link.back]
    assert "∂Linear₂.weight += ∂Sequentialᵀ Tanh₁" in rules


def test_in_its_frame_a_parameter_needs_no_long_path():
    sheet = draw(encoder_decoder(), limit=200).sheet
    names = {c.title: c.frame for c in sheet.cards if c.kind == "parameter"}
    labels = {frame.id: frame.label for frame in sheet.frames}
    assert "embedding.weight" in names  # used by several calls
    assert labels[names["q_proj.weight"]].startswith("q_proj")
    assert max(map(len, names)) < 24
    assert not any("…" in card.gradient_title for card in sheet.cards)


def test_layers_in_no_list_are_folded():
    layers = [nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0) for _ in range(3)]
    h = randn(1, 4, 8)
    with record():
        for layer in layers:
            h = layer(h)
        loss = h.sum()
    labels = [frame.label for frame in draw(loss).sheet.frames]
    assert any(label.endswith("× 3") for label in labels)


def test_long_names_are_told_apart_and_whole_in_the_tooltip(tmp_path):
    start = "a_very_long_name_" * 18
    w, x = randn(3, 2, requires_grad=True), randn(4, 3)
    scope = {"w": w, "x": x, "record": record}
    path = tmp_path / "program.py"
    code = f"{start}w = w\nwith record():\n    {start}z = x @ {start}w\n"
    path.write_text(f"{code}    loss = ({start}z * {start}z).sum()\n")
    exec(compile(path.read_text(), path, "exec"), scope)  # noqa: S102
    for level in ("module", "op", "scalar"):
        picture = draw(scope["loss"], level)
        text = picture.save(tmp_path / "x.svg", width=830).read_text()
        assert scale_in(text) >= 0.85
        names = [card.title.split(" = ")[0] for card in picture.sheet.cards]
        assert len({*names}) == len(names)
        assert max(map(len, names)) <= 32
        assert all(f"{start}{end}" in text for end in "wz")  # in tooltips


def test_a_title_over_a_heat_map_ends_in_its_card():
    w = randn(2, 1, requires_grad=True)
    card = draw((w * w).sum()).sheet.cards[0]
    for letters in (8, 20, 32):
        long = replace(card, gradient_title="∂loss/∂" + "n" * letters)
        for width in (card_size(long)[0], 300.0, 500.0):
            if width >= card_size(long)[0]:
                end = gradient_at(long, width) + text_width(long.gradient_title, 9)
                assert end <= width


# --- Graphviz -------------------------------------------------------------------------


def test_in_a_column_graphviz_joins_cards_without_heat_maps_in_their_middle():
    _, column, *_ = texts_for(draw(encoder(), "module").sheet, 830)
    edges = re.findall(r"^  (\S+) -> (\S+) \[", column, re.M)
    assert edges
    assert all(tail.endswith(":s") and head.endswith(":n") for tail, head in edges)


def test_graphviz_is_asked_to_keep_what_is_computed_in_line():
    picture = draw(head(), layout="dot")
    made = {link.target for link in picture.sheet.links}
    weight = dict(
        re.findall(r"^  (\w+:v:s -> \w+:vi) .*weight=(\d)", picture.dot, re.M)
    )
    forward = [link for link in picture.sheet.links if not link.back]
    for link in forward:
        found = weight.get(f"{link.source}:v:s -> {link.target}:vi")
        assert found == ("8" if link.source in made else None)


@pytest.mark.parametrize("title", ["short", "A title of many words, " * 5, "x" * 60])
def test_a_title_keeps_to_a_phone_s_width(tmp_path, title):
    picture = draw(head(), focus="z[1,0]", title=title)
    text = picture.save(tmp_path / "x.svg", width=390).read_text()
    wide = float(re.search(r'viewBox="0 0 ([\d.]+)', text)[1])
    above = text.split("<g transform")[0]
    found = re.findall(
        r'<text x="(\S+)" y="\S+" font-size="(18|12)"(.*?)>(.*?)<', above
    )
    assert found
    for x, size, how, words in found:
        long = text_width(words, int(size), bold="bold" in how)
        left = float(x) - (long / 2 if "middle" in how else 0.0)
        assert left >= 0
        assert left + long <= wide
    assert len(found) > 2 or title == "short" or " " not in title


def test_in_graphviz_a_leaf_stands_near_its_use_too():
    """The target below the model, what is given to a model above its weights."""
    picture = draw(head(), layout="dot")
    id = {card.title.split(" = ")[0]: card.id for card in picture.sheet.cards}
    (line,) = re.findall(rf"^  {id['z']}:v:s -> {id['sub']}:vi .*", picture.dot, re.M)
    assert "minlen=2" in line
    picture = draw(perceptron(), layout="dot")
    id = {card.title.split(" = ")[0]: card.id for card in picture.sheet.cards}
    lines = re.findall(rf"^  {id['x']}:v:s -> .*", picture.dot, re.M)
    assert ["minlen=3" in line for line in lines] == [True]  # weight, bias, Linear
