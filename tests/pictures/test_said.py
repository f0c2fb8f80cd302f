"""What pictures say of numbers: weights, masked scores, rounding noise."""

import math

import pytest

import nn
from tinygrad_attn import (
    Tensor,
    Value,
    draw,
    explain,
    functional,
    manual_seed,
    ops,
    randn,
    record,
    unfold,
    use_backend,
    where,
    zeros,
)
from tinygrad_attn.pictures.look.colours import GRADIENTS
from tinygrad_attn.pictures.page.script import Script

NEUTRAL = GRADIENTS[3]


def leaf(*shape):
    return randn(*shape).requires_grad_()


def cards_of(root, level="op", **settings):
    """The cards of a picture by their names."""
    sheet = draw(root, level, **settings).sheet
    return {card.title.split(" = ")[0].split(" ")[0]: card for card in sheet.cards}


def played(root, **settings):
    """The cards of a page by their names."""
    data = Script(unfold(root, **settings)).data("", "")
    return {card["name"]: card for card in data["cards"]}


def palettes(cards):
    return {name for name, c in cards.items() if c.value.palette == "probability"}


# --- weights --------------------------------------------------------------------------


def by_hand(x):
    e = (x - ops.stop_gradient(x.max(-1, keepdims=True))).exp()
    return e / e.sum(-1, keepdims=True)


def by_hand_with_a_mask(x):
    e = where(nn.causal_mask(3), x.exp(), 0.0)
    return e / e.sum(-1, keepdims=True)


def by_the_logarithm(x):
    return functional.log_softmax(x).exp()


def of_the_library(x):
    return functional.softmax(x)


@pytest.mark.parametrize(
    "make", [of_the_library, by_hand, by_hand_with_a_mask, by_the_logarithm]
)
@pytest.mark.parametrize("level", ["op", "primitive"])
def test_a_softmax_makes_weights_whoever_wrote_it(make, level):
    with record():
        x = leaf(3, 3)
        w = make(x)
        moved = w.T
        seen = where(nn.causal_mask(3), moved, 0.0)
        z = seen @ leaf(3, 2)
        loss = z.sum()
    cards = cards_of(loss, level)
    assert palettes(cards) == {"w", "moved", "seen"} & set(cards)
    assert {"w", "seen"} <= set(cards)


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_numbers_that_happen_to_add_up_to_1_are_no_weights(level):
    with record():
        v = Tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).requires_grad_() * 1.0
        half = v @ Tensor([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
        share = half / half.sum(-1, keepdims=True)  # of numbers that could be negative
        loss = (share + 0.0).sum()
    assert palettes(cards_of(loss, level)) == set()
    assert not any(card["adds_up"] for card in played(loss, level=level).values())


def test_weights_that_are_dropped_out_are_none():
    manual_seed(0)
    with record():
        w = functional.softmax(leaf(3, 3))
        kept = functional.dropout(w, 0.5, True)
        loss = kept.sum()
    assert palettes(cards_of(loss)) == {"w"}


def test_the_page_says_what_rows_add_up_to_only_as_it_is():
    q, v = leaf(3, 2), leaf(3, 2)
    blind = Tensor([[True, True, True], [False, False, False], [True, False, False]])
    with record():
        z = functional.scaled_dot_product_attention(q, q, v, blind)
        loss = z.sum()
    cards = played(loss)
    told = {name: c["adds_up"] for name, c in cards.items() if c["adds_up"]}
    assert told == {
        "softmax": "Each row adds up to 1.",
        "weights": "Each row adds up to 1, or is 0 where a query may attend to "
        "nothing.",
    }
    with record():
        w = functional.softmax(leaf(3, 3), axis=0)
        none = where(Tensor([[False] * 3] * 3), w, 0.0)
        loss = none.sum()
    assert [c["adds_up"] for c in played(loss).values()] == [""] * 5


# --- masked scores --------------------------------------------------------------------


def chosen(scores, number):
    return where(nn.causal_mask(3), scores, number)


def added(scores, number):
    rows = [[number if j > i else 0.0 for j in range(3)] for i in range(3)]
    return scores + Tensor(rows)


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
@pytest.mark.parametrize("number", [-1e4, -1e9, -1e30, -3.4e38, -math.inf])
@pytest.mark.parametrize("mask", [chosen, added])
def test_masked_scores_read_as_numbers_and_minus_infinity(mask, number, level):
    with record():
        s = Tensor([[0.5, 1.5, -0.5], [0.25, -1.25, 2.0], [1.0, 0.75, -0.75]])
        s = s.requires_grad_()
        a = mask(s * 2.0, number)
        w = functional.softmax(a)
        loss = (w * leaf(3, 3)).sum()
    card = cards_of(loss, level)["a"]
    if level == "scalar":
        texts = [row.value for row in card.rows]
        assert texts == pytest.approx(
            [1.0, -math.inf, -math.inf, 0.5, -2.5, -math.inf, 2.0, 1.5, -1.5], abs=1e-3
        )
        return
    texts = [[card.value.text(v) for v in row] for row in card.value.numbers]
    assert texts == [
        ["1.00", "−∞", "−∞"],
        [".50", "−2.50", "−∞"],
        ["2.00", "1.50", "−1.50"],
    ]
    assert card.value.power == 0
    assert card.value.largest == 2.5
    grid = played(loss, level=level)["a"]["value"]
    assert grid["least"] is None or grid["least"] <= 0.99 * number
    assert grid["largest"] == 2.5


def test_a_masked_score_is_not_the_largest_value_of_all():
    with record():
        s = leaf(3, 3)
        w = functional.softmax(chosen(s, -1e9))
        loss = (w * 3.0).sum()
    cards = draw(loss, scale="shared").sheet.cards
    assert {c.value.largest < 100.0 for c in cards if c.value.palette == "value"} == {
        True
    }


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
def test_a_row_that_is_masked_by_a_number_alone_keeps_it(level):
    """The softmax of −1e9 alone is no row of 0: the numbers count."""
    with record():
        a = where(Tensor([[True, True], [False, False]]), leaf(2, 2), -1e9)
        loss = (functional.softmax(a) * leaf(2, 2)).sum()
    card = cards_of(loss, level)["a"]
    if level == "scalar":
        assert [row.value for row in card.rows[2:]] == [-1e9, -1e9]
    else:
        assert [card.value.text(v) for v in card.value.numbers[1]] == ["−1.00"] * 2


def test_a_large_number_that_is_no_score_is_none():
    with record():
        a = where(nn.causal_mask(3), leaf(3, 3), -1e9)
        loss = (a * 2.0).sum()
    grid = cards_of(loss)["a"].value
    assert grid.power == 9
    x = Tensor([[-1e9, 1.0]]).requires_grad_()
    with record():
        squashed = x.tanh()
        loss = functional.softmax(squashed).sum()
    assert cards_of(loss)["x"].value.power == 9


# --- rounding noise -------------------------------------------------------------------


def cancelling(level):
    """A norm's input, whose gradient is 0 but for rounding."""
    manual_seed(0)
    with record():
        x = leaf(2, 3)
        y = functional.layer_norm(x, 3)
        loss = y.sum() + (x * 1e-9).sum() * 1e-12
    return draw(loss, level, layout="own"), x, loss


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_rounding_noise_reads_as_0_and_has_no_colour(level):
    drawing, _, _ = cancelling(level)
    card = next(c for c in drawing.sheet.cards if c.title == "x")
    grid = card.gradient
    for row in grid.numbers:
        for g in row:
            assert 0.0 < abs(g) < 1e-12
            assert grid.text(g) == "≈ 0"
            assert grid.colour(g) == NEUTRAL
    assert grid.power == 0
    assert "≈ 0" in drawing.svg
    assert "≈ 0" in drawing.dot
    assert "e-1" in drawing.svg  # the tooltip keeps the number


def test_rounding_noise_of_single_numbers_and_of_modules():
    drawing, _, _ = cancelling("scalar")
    assert drawing.svg.count(">≈ 0<") >= 6
    assert drawing.dot.count("≈ 0") >= 6
    drawing, _, _ = cancelling("module")
    card = next(c for c in drawing.sheet.cards if c.title == "x")
    assert card.bar == (0.0, "≈ 0")


def test_rounding_noise_on_the_page():
    _, _, loss = cancelling("op")
    grid = played(loss)["x"]["gradient"]
    sizes = [abs(g) for row in grid["numbers"] for g in row]
    assert max(sizes) == grid["noise"] < 1e-12
    assert grid["power"] == 0
    data = Script(unfold(loss)).data("", "")
    sends = [send for step in data["steps"] for send in step.get("sends", ())]
    name = {i: card["name"] for i, card in enumerate(data["cards"])}
    assert {name[int(s["to"][1:])] for s in sends if s["grid"]["noise"]} == {"x"}


def test_a_gradient_that_vanishes_is_no_noise():
    x = Tensor([1.0]).requires_grad_()
    with record():
        y = x * 1e-11
        loss = y.sum() * 1.0
    card = cards_of(loss)["x"]
    assert card.gradient.text(card.gradient.numbers[0][0]) == "1.00"
    assert card.gradient.power == -11


LEVELS = ["module", "op", "primitive", "scalar"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("size", [1e9, 1e12, 1e100])
def test_a_small_gradient_beside_a_large_one_is_no_noise(size, level):
    a, b = leaf(1), leaf(1)
    with record():
        loss = (a * size + b).sum()
    assert "≈ 0" not in draw(loss, level).svg
    assert not any(node.noise for node in unfold(loss, level))


@pytest.mark.parametrize("level", LEVELS[:3])
def test_a_gradient_that_fades_through_many_layers_is_no_noise(level):
    manual_seed(0)
    w, h = leaf(3, 3), randn(1, 3)
    with record():
        for _ in range(80):
            h = (h @ w * 0.3).tanh()
        loss = h.sum()
    first = next(n for n in unfold(loss, level) if n.op == "tanh")
    assert 0.0 < abs(first.gradient[0][0]) < 1e-14
    assert first.noise == 0.0


@pytest.mark.parametrize("backend", ["python", "numpy"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_bias_of_the_keys_has_no_gradient_but_noise(backend, level):
    """A softmax does not see what is added to all scores of a row."""
    with use_backend(backend):
        manual_seed(0)
        layer = nn.MultiHeadAttention(4, 1)
        with record():
            z, _ = layer(leaf(1, 3, 4))
            loss = (z * z).sum()
        graph = unfold(loss, level)
        sizes = {"noise": [], "none": []}
        for node in graph:
            if "proj.bias" in node.name:
                kind = "noise" if "k_proj" in node.name else "none"
                sizes[kind].append(node.noise)
        tiny = 1e-12 if backend == "python" else 1e-4
        assert all(0.0 <= size < tiny for size in sizes["noise"])
        assert level == "module" or any(sizes["noise"])
        assert not any(sizes["none"])


def test_noise_beside_a_gradient_in_one_tensor():
    x = Tensor([1.0, 1.0]).requires_grad_()
    with record():
        y = x * Tensor([0.1, 1e-20])
        loss = (y * 3.0 - y * 0.7 * Tensor([3.0 / 0.7, 1.0])).sum()
    (node,) = [n for n in unfold(loss) if n.name == "x"]
    lost, small = node.gradient
    if lost:  # 0 but for rounding; the other is right, and smaller
        assert abs(small) < abs(lost) < 1e-15
    assert node.noise == 0.0


def test_noise_of_values_is_noise_too():
    x, y = Value(1.0, label="x"), Value(1.0, label="y")
    loss = x * 1e-14 + y
    loss.backward()
    assert "≈ 0" not in draw(loss, layout="own").svg  # true, however small
    x = Value(1.0, label="x")
    loss = x * 0.1 + x * 0.2 - x * 0.3
    loss.backward()
    assert 0.0 < abs(x.grad) < 1e-16
    assert draw(loss, layout="own").svg.count(">≈ 0<") == 1


def test_explain_says_what_is_noise():
    _, x, loss = cancelling("op")
    assert "≈ 0: the contributions cancel" in explain(x[0, 0], of=loss).note
    y = zeros(2).requires_grad_()
    assert explain(y[0], of=(y * 1e-20).sum()).note == ""


# --- counts ---------------------------------------------------------------------------


def test_what_is_left_out_has_no_larger_gradients_or_is_just_more():
    with record():
        x = leaf(20)
        moved = draw((x * x).sum(), "scalar", layout="own").svg
        still = draw(x * x, "scalar", layout="own").svg
    assert "⋯ and 4 more, with gradients no larger" in moved
    assert "⋯ and 4 more<" in still


# --- words ----------------------------------------------------------------------------


def test_a_norm_says_on_its_card_what_its_letters_are():
    x, w, b = leaf(2, 4), leaf(4), leaf(4)
    with record():
        y = functional.layer_norm(x, 4, w, b)
        loss = (y * y).sum()
    drawing = draw(loss)
    (card,) = [c for c in drawing.sheet.cards if c.title.startswith("y = ")]
    letters = "x̂ = (x − mean x) ⊙ s, s = 1 / √(var x + 1·10⁻⁵)"
    assert card.lines == [letters]
    assert letters in card.tooltip
    (rule,) = [a.label for a in drawing.sheet.links if a.label.startswith("∂x +=")]
    assert rule.endswith("ĝ = ∂y ⊙ w")  # whole
    assert draw(loss, grads=False).sheet.cards[3].lines == []


def test_the_rule_of_a_softmax_is_whole():
    manual_seed(0)
    layer = nn.MultiHeadAttention(4, 1)
    with record():
        loss = layer(leaf(1, 3, 4))[0].sum()
    rules = [a.label for a in draw(loss, head=(layer, 0)).sheet.links if a.back]
    assert not any("…" in rule for rule in rules)


def test_a_mask_of_the_rows_that_see_something_has_its_name():
    q, v = leaf(3, 2), leaf(3, 2)
    blind = Tensor([[True, True, True], [False, False, False], [True, False, False]])
    with record():
        z = functional.scaled_dot_product_attention(q, q, v, blind)
        some = blind.max(axis=-1)
        loss = z.sum() + where(some, 1.0, 0.0).sum()
    for level in ("op", "primitive"):
        names = [n.name for n in unfold(loss, level) if n.dtype == "bool"]
        assert names == ["blind", "seeing", "some"]


@pytest.mark.parametrize("layout", ["own", "dot"])
def test_the_legend_explains_what_is_there(layout):
    x = leaf(2)
    with record():
        loss = (x * x).sum()
    said = "‖∂‖: norm of the gradient"
    assert said in draw(loss, "module", layout=layout).svg
    assert said not in draw(loss, "module", grads=False, layout=layout).svg
    assert draw(loss, "scalar").sheet.legend == ["value", "gradient"]
    assert draw(loss, "scalar", grads=False).sheet.legend == ["value"]


# --- lengths, names and numbers -------------------------------------------------------


def test_the_bar_of_a_loss_that_is_too_short_says_so():
    w = randn(3).requires_grad_()
    with record():
        loss = (w * 1e-3).sum() * 0.5
    bars = {card.title: card.bar for card in draw(loss, "module").sheet.cards}
    assert bars["loss"] == (1.0, "1, not to scale")
    assert bars["mul"] == (1.0, "0.866")
    assert bars["w"] == (0.001, "0.000866")
    with record():
        loss = (w * 1e-3).sum() * 2.0
    bars = {card.title: card.bar for card in draw(loss, "module").sheet.cards}
    assert bars["loss"][0] < 0.3
    assert bars["loss"][1] == "1"


@pytest.mark.parametrize("layout", ["own", "dot"])
def test_a_name_from_right_to_left_turns_nothing_else_around(layout):
    class Model(nn.Module):
        def __init__(self):
            self.שם = nn.Linear(2, 2)

        def forward(self, x):
            return self.שם(x)

    with record():
        loss = Model()(randn(2, 2)).sum()
    picture = draw(loss)
    text = picture.svg if layout == "own" else picture.dot
    assert "\u2068\u05e9\u05dd\u2069  Linear" in text
    assert text.count("\u05e9\u05dd") == text.count("\u2068\u05e9\u05dd\u2069")
    assert "\u2068" not in draw((randn(2).requires_grad_() * 2.0).sum()).svg


def test_a_single_number_has_no_index():
    x = randn(2).requires_grad_()
    with record():
        loss = (x * x).sum()
    cards = {card.title: card for card in draw(loss, "scalar").sheet.cards}
    assert [row.label for row in cards["x"].rows] == ["[0]", "[1]"]
    assert [row.label for row in cards["loss"].rows] == [""]
