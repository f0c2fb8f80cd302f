"""Heads, tokens and logits on the living page: what it draws are the engine's numbers,
also after edits."""

from __future__ import annotations

import math
import re
from functools import cache

import pytest
from conftest import flatten

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    manual_seed,
    ops,
    play,
    randn,
    record,
    unfold,
)
from tinygrad_attn.pictures.look.colours import PALETTES, PROBABILITIES, shade
from tinygrad_attn.pictures.page.attending import (
    heads_in,
    keyed_in,
    logits_in,
    words_in,
)
from tinygrad_attn.pictures.play import computation
from tinygrad_attn.program.living import living

VOCAB = ("the", "cat", "sat", "on", "mat")
TOKENS = [[0, 1, 2, 3], [3, 0, 4, 2]]
TARGETS = [1, 2, 3, 4] * 2
MINUS = "\N{MINUS SIGN}"


class Model(nn.Module):
    """Two layers of two heads."""

    def __init__(self):
        self.tokens = nn.Embedding(5, 6)
        layer = nn.TransformerEncoderLayer(6, 2, 8, 0.0)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(6, 5)

    def forward(self, tokens):
        return self.head(self.layers(self.tokens(tokens), is_causal=True))


def model_of(seed=1):
    manual_seed(seed)
    return Model()


def loss_of(model, tokens=TOKENS, targets=TARGETS):
    with record():
        logits = model(Tensor(tokens))
        return functional.cross_entropy(logits.reshape(-1, 5), targets)


def weights_of(model, tokens=TOKENS):
    """Path → (B, H, T, T), of the engine."""
    maps = nn.attention_maps(model, Tensor(tokens))
    return {path: maps[path].tolist() for path in maps}


# --- what is known --------------------------------------------------------------------


def heads_of(root, **where):
    graph = unfold(root, **where)
    return [graph.by_id(h["id"]) for h in heads_in(graph, living(graph))]


def test_the_weights_of_every_layer_are_found():
    loss = loss_of(model_of())
    assert [n.module for n in heads_of(loss)] == [
        "layers.layers.0.self_attn",
        "layers.layers.1.self_attn",
    ]
    assert {n.shape for n in heads_of(loss)} == {(2, 2, 4, 4)}
    assert len(heads_of(loss, level="primitive")) == 2


def test_a_softmax_that_no_product_uses_is_no_attention():
    x = randn(2, 3).requires_grad_()
    with record():
        loss = functional.softmax(x, axis=-1).log().sum()
    assert heads_of(loss) == []


def test_attention_that_a_reader_wrote_out_is_found():
    manual_seed(0)
    q, k, v = (randn(3, 4).requires_grad_() for _ in range(3))
    with record():
        e = ops.exp(q @ k.T)
        loss = (e / e.sum(axis=-1, keepdims=True) @ v).sum()
    (weights,) = heads_of(loss)
    assert weights.op == "div"


def test_dropout_is_not_another_head():
    manual_seed(0)
    layer = nn.MultiHeadAttention(4, 2, dropout=0.5)
    with record():
        loss = layer(randn(1, 3, 4))[0].sum()
    assert len(heads_of(loss)) == 1


def test_columns_of_scores_weights_and_masks_are_keys_and_those_of_logits_are_not():
    graph = unfold(loss_of(model_of()))
    keyed = [graph.by_id(id) for id in keyed_in(graph)]
    assert {n.shape[-2:] for n in keyed} == {(4, 4)}
    assert {"weights", "energies"} <= {n.name.partition("_")[0] for n in keyed}
    assert not {n.name for n in keyed} & {"head", "logits"}


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_logits_targets_and_words_are_found(level):
    graph = unfold(loss_of(model_of()), level)
    found = logits_in(graph)
    assert graph.by_id(found["card"]).shape == (2, 4, 5)
    assert flatten(graph.by_id(found["target"]).value) == TARGETS
    words = {word["role"]: (id, word["count"]) for id, word in words_in(graph).items()}
    assert {role: count for role, (_, count) in words.items()} == {
        "input": 5,
        "target": 5,
    }
    assert graph.by_id(words["input"][0]).value == TOKENS


def test_a_vocabulary_that_fits_nothing_is_refused():
    loss = loss_of(model_of())
    with pytest.raises(ValueError, match="vocab of 3 labels given; it must have 5"):
        play(loss, None, vocab=["a", "b", "c"])
    with pytest.raises(TypeError, match="vocab=7 given; it must be a list of labels"):
        play(loss, None, vocab=7)
    x = Tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="no integer here names a token"):
        play((x * x).sum(), None, vocab=["a"])


# --- the page -------------------------------------------------------------------------

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

EDIT = "([id, at, v]) => { setNumber(id, at, v); showEdit(); }"
PIXEL = """([canvas, x, y]) => {
    const density = window.devicePixelRatio;
    const brush = new OffscreenCanvas(1, 1).getContext("2d");
    brush.drawImage(canvas, -Math.round(x * density), -Math.round(y * density));
    return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


@cache
def page_of(vocab=None, tokens=None, head=None, level="op"):
    """The same in every test, so it is made once."""
    model = model_of()
    where = {}
    if head:
        where = {"head": (model.layers.layers[head[0]].self_attn, head[1]), "sample": 1}
    return play(loss_of(model), None, level, vocab=vocab, tokens=tokens, **where)


@pytest.fixture
def visit(look_at):
    def opened(tab="heads", own=None, size=(1280, 800), scheme="light", **given):
        page = page_of(**given)
        shown = look_at(page, size=size, own=own, color_scheme=scheme)
        shown.click(f"#tabs [data-tab={tab}]")
        return shown

    return opened


def close(got, want):
    assert flatten(got) == pytest.approx(flatten(want), rel=1e-9, abs=1e-12)


def test_every_map_has_the_engines_weights_also_after_edits(visit):
    model = model_of()
    loss = loss_of(model)
    tab = visit()
    path = "layers.layers.1.self_attn.q_proj.weight"
    id = unfold(loss).node(path).id
    for edit in (None, 0.75):
        if edit is not None:
            tab.evaluate(EDIT, [id, 3, edit])
            dict(model.named_parameters())[path].array.data[3] = edit
        want = weights_of(model)
        for i, (layer, h) in enumerate((n, h) for n in range(2) for h in range(2)):
            for sample in range(2):
                tab.evaluate(f"SEEN.sample = {sample}")
                rows = tab.evaluate(f"weightsOf(HEADS[{i}])")
                close(rows, want[f"layers.layers.{layer}.self_attn"][sample][h])


def painted(tab, i, j):
    cell, left, top = tab.evaluate(
        "[mapMeasures.cell, mapMeasures.left, mapMeasures.top]"
    )
    x, y = left + (j + 0.15) * cell, top + (i + 0.15) * cell
    canvas = tab.evaluate_handle("EYE.map")
    return tab.evaluate(PIXEL, [canvas, x, y])


def is_near(rgb, hexadecimal):
    want = [int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5)]
    return all(abs(p - q) <= 2 for p, q in zip(rgb, want))


def over(tab, i, j):
    cell, left, top = tab.evaluate(
        "[mapMeasures.cell, mapMeasures.left, mapMeasures.top]"
    )
    tab.locator("#map").scroll_into_view_if_needed()
    box = tab.locator("#map").bounding_box()
    return box["x"] + left + (j + 0.5) * cell, box["y"] + top + (i + 0.5) * cell


def test_a_click_shows_a_head_and_with_shift_the_difference(visit):
    model = model_of()
    want = weights_of(model)
    one, two = (want[f"layers.layers.{n}.self_attn"][0] for n in range(2))
    tab = visit(vocab=VOCAB)
    heads = tab.locator("#matrix button")
    assert heads.count() == 4
    heads.nth(3).click()
    assert tab.inner_text("#which") == "layers.layers.1.self_attn, head 1"
    assert is_near(painted(tab, 3, 1), shade(two[1][3][1], 1.0, PROBABILITIES))
    heads.nth(0).click(modifiers=["Shift"])
    told = "layers.layers.1.self_attn, head 1 − layers.layers.0.self_attn, head 0"
    assert tab.inner_text("#which") == told
    apart = two[1][3][1] - one[0][3][1]
    assert is_near(painted(tab, 3, 1), shade(apart, 1.0, PALETTES["value"]))
    tab.mouse.move(*over(tab, 3, 1))
    said = tab.inner_text("#weight").replace(MINUS, "-")
    arrow, difference = said.split(" = ")
    assert arrow.startswith("on → cat: ")
    assert float(difference) == pytest.approx(apart, rel=1e-4)
    pressed = [b.get_attribute("aria-pressed") for b in heads.all()]
    assert pressed == ["true", "false", "false", "true"]
    heads.nth(1).click()  # without shift: that head alone
    assert tab.inner_text("#which") == "layers.layers.0.self_attn, head 1"


def test_where_there_is_no_shift_key_a_button_compares(visit):
    tab = visit(own={"has_touch": True}, size=(390, 844))
    tab.tap("#compare")
    tab.locator("#matrix button").nth(2).tap()
    assert " − " in tab.inner_text("#which")
    assert tab.get_attribute("#compare", "aria-pressed") == "false"


def test_the_keys_walk_through_a_map_and_leave_the_steps_alone(visit):
    model = model_of()
    tab = visit(vocab=VOCAB)
    tab.focus("#map")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight"):
        tab.keyboard.press(key)
    weight = weights_of(model)["layers.layers.0.self_attn"][0][0][2][1]
    said = tab.inner_text("#weight")
    assert said.startswith("sat → cat: ")
    assert float(said.split(": ")[1]) == pytest.approx(weight, rel=1e-4)
    assert said in tab.get_attribute("#map", "aria-label")
    assert tab.evaluate("STATE.step") == 0


def test_the_second_sequence_has_its_own_weights_and_tokens(visit):
    tab = visit(vocab=VOCAB)
    tab.select_option("#sequence", "1")
    tab.focus("#map")
    for key in ("ArrowDown", "ArrowDown"):
        tab.keyboard.press(key)
    assert tab.inner_text("#weight").startswith("the → on: ")


def test_a_page_of_one_head_shows_that_among_all(visit):
    model = model_of()
    tab = visit(head=(1, 1), vocab=VOCAB)
    assert tab.evaluate("namesFor(4, 1)") == ["on", "the", "mat", "sat"]
    assert tab.is_hidden("#words")  # the head begins at what was made of the tokens
    assert tab.inner_text("#which") == "layers.layers.1.self_attn, head 1"
    assert tab.evaluate("SEEN.sample") == 1
    want = weights_of(model)["layers.layers.1.self_attn"][1]
    for h in range(2):
        i = tab.evaluate(f"HEADS.findIndex((head) => head.h === {h})")
        close(tab.evaluate(f"weightsOf(HEADS[{i}])"), want[h])


def test_a_card_of_weights_has_tokens_on_both_axes(visit):
    loss = loss_of(model_of())
    id = heads_of(loss)[0].id
    tab = visit(tab="step", vocab=VOCAB)
    tab.evaluate(f"jump(STEPS.findIndex((s) => s.card === '{id}'))")
    table = tab.locator("#explanation table").first
    assert table.locator("thead th").all_inner_texts() == [*VOCAB[:4]]
    rows = table.locator("tbody th .token").all_inner_texts()
    assert rows[:4] == [*VOCAB[:4]]
    assert rows[8:12] == ["on", "the", "mat", "sat"]  # of the second sequence


def test_a_token_is_chosen_by_its_name(visit):
    """Its row is then another, its name stands everywhere, and the loss is that of the
    sequence with it."""
    model = model_of()
    tab = visit(vocab=VOCAB)
    assert tab.locator("#words p b").all_inner_texts() == [
        *("input[0]", "input[1]"),
        "target",
    ]
    choices = tab.locator("#words select")
    assert choices.nth(1).locator("option").all_inner_texts() == [*VOCAB]
    choices.nth(1).select_option(label="mat")
    changed = [[0, 4, 2, 3], TOKENS[1]]
    wanted = loss_of(model, changed).item()
    assert tab.evaluate("lossNow()") == pytest.approx(wanted, rel=1e-9)
    assert tab.evaluate("namesFor(4, 0)") == ["the", "mat", "sat", "on"]
    close(
        tab.evaluate("weightsOf(HEADS[2])"),
        weights_of(model, changed)["layers.layers.1.self_attn"][0][0],
    )
    tab.click("#undo")
    assert choices.nth(1).input_value() == "1"


def test_a_token_without_a_name_is_its_number_once_it_is_another(visit):
    loss = loss_of(model_of())
    id = next(n.id for n in unfold(loss) if n.dtype == "int64")
    tab = visit(tokens=("a", "b", "c", "d"))
    assert tab.is_hidden("#words")
    tab.evaluate(EDIT, [id, 2, 4])
    assert tab.evaluate("namesFor(4, 0)") == ["a", "b", "#4", "d"]
    tab.evaluate(EDIT, [id, 2, 2])
    assert tab.evaluate("namesFor(4, 0)") == ["a", "b", "c", "d"]


@pytest.mark.parametrize("level", ["module", "op", "primitive"])
def test_bars_are_the_logits_and_say_how_likely_the_target_is(visit, level):
    model = model_of()
    logits = model(Tensor(TOKENS)).reshape(-1, 5).tolist()
    tab = visit(tab="says", vocab=VOCAB, level=level)
    lines = tab.locator("#bars li")
    assert lines.count() == 8
    for i in (0, 5):
        row, target = logits[i], TARGETS[i]
        bars = lines.nth(i).locator("rect")
        heights = [float(bar.get_attribute("height")) for bar in bars.all()]
        unit = max(heights) / max(map(abs, row))
        assert heights == pytest.approx([unit * abs(v) for v in row], abs=1e-6)
        classes = [bar.get_attribute("class") for bar in bars.all()]
        assert classes.index("bar target") == target
        names = lines.nth(i).locator("text").all_text_contents()
        assert names == [*VOCAB]
        total = sum(map(math.exp, row))
        told = lines.nth(i).locator(".told").inner_text()
        says, name, p = re.fullmatch(r"says (\w+); p\((\w+)\) = (\S+)", told).groups()
        assert says == VOCAB[row.index(max(row))]
        assert name == VOCAB[target]
        assert float(p) == pytest.approx(math.exp(row[target]) / total, rel=0.01)
    assert lines.nth(5).locator(".place").inner_text() == "the"


def single_logits(smoothing=0.0, shape=(2, 3), targets=(2, 0)):
    manual_seed(3)
    x, w = randn(*shape[:-1], 2), randn(2, shape[-1]).requires_grad_()
    with record():
        logits = x @ w
        loss = functional.cross_entropy(
            logits.reshape(-1, shape[-1]), targets, label_smoothing=smoothing
        )
    return logits, loss


def test_logits_that_are_single_numbers_have_bars_too(look_at):
    logits, loss = single_logits()
    page = play(loss, None, level="scalar")
    tab = look_at(page)
    tab.click("[data-tab=says]")
    lines = tab.locator("#bars li")
    assert lines.count() == 2
    for i, target in enumerate((2, 0)):
        row = logits.tolist()[i]
        bars = lines.nth(i).locator("rect").all()
        assert [b.get_attribute("class") for b in bars].index("bar target") == target
        p = math.exp(row[target]) / sum(map(math.exp, row))
        told = lines.nth(i).locator(".told").inner_text()
        assert told.startswith(f"says {row.index(max(row))}; p({target}) = ")
        assert float(told.rpartition(" ")[2]) == pytest.approx(p, rel=0.01)
    found = tab.evaluate(
        "READS.logits.cards.map((ids) => ids.map((id) => CARDS.get(id).name))"
    )
    assert found == [[f"logits[{i},{j}]" for j in range(3)] for i in range(2)]


@pytest.mark.parametrize(
    ("smoothing", "shape", "targets", "wanted"),
    [
        (0.1, (2, 3), (2, 0), [None, None]),  # all classes are wanted a little
        (0.0, (2, 1, 3), (2, 0), [2, 0]),
        (0.0, (1, 3), (1,), [1]),
        (0.0, (2, 3), (-100, 1), [1]),  # what is left out is not in the graph
    ],
)
def test_targets_of_single_logits(smoothing, shape, targets, wanted):
    _, loss = single_logits(smoothing, shape, targets)
    found = logits_in(computation(loss, "scalar", None, 0, None, None, 300))
    assert [len(row) for row in found["cards"]] == [3] * len(wanted)
    assert found["targets"] == wanted


def test_single_numbers_without_classes_have_no_logits():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert (
        logits_in(computation((x * x).sum(), "scalar", None, 0, None, None, 9)) is None
    )


def test_tabs_are_chosen_by_keys_and_a_step_leads_back(visit):
    tab = visit(tab="step")
    assert tab.is_visible("#explanation")
    tab.focus("#tabs [data-tab=step]")
    tab.keyboard.press("ArrowRight")
    assert tab.is_visible("#matrix")
    assert tab.is_hidden("#explanation")
    tab.keyboard.press("ArrowRight")
    assert tab.is_visible("#bars")
    tab.click("#next")
    assert tab.is_visible("#explanation")


def test_without_attention_or_classes_there_are_no_tabs(look_at):
    x = Tensor([1.0, 2.0], requires_grad=True)
    tab = look_at(play((x * x).sum(), None))
    assert tab.is_hidden("#tabs")
    tab.evaluate("openTab('heads')")
    assert tab.is_visible("#explanation")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(390, 844), (1280, 800), (1920, 1080)])
@pytest.mark.parametrize("sheet", ["heads", "says"])
def test_nothing_is_cut_off(visit, size, scheme, sheet):
    vocab = ("a", "long name for a token", "<b>", "\u05d0\u05d1\u05d2", "")
    tab = visit(sheet, size=size, scheme=scheme, vocab=vocab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]
    panel = tab.locator("#panel").bounding_box()
    for box in tab.locator(f"#{sheet} :visible").all():
        found = box.bounding_box()
        assert found["x"] >= panel["x"] - 1
        assert found["x"] + found["width"] <= panel["x"] + panel["width"] + 1
