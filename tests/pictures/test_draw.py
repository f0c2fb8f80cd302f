"""Pictures of computations: what is on them is what the engine computed, on every
level, whatever the names, the sizes and what is installed."""

from __future__ import annotations

import importlib
import math
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import ROOT, flatten, near, svg_in

import nn
from tinygrad_attn import (
    Tensor,
    Value,
    draw,
    functional,
    manual_seed,
    ones,
    ops,
    randn,
    record,
    unfold,
    zeros,
)
from tinygrad_attn.functions.attention import causal_mask
from tinygrad_attn.graph.notation.tidy import without_transposes
from tinygrad_attn.pictures.look import text
from tinygrad_attn.pictures.sheets.labels import few_digits
from tinygrad_attn.pictures.writing import graphviz

needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz's dot")
LEVELS = ("module", "op", "primitive", "scalar")
SVG = "{http://www.w3.org/2000/svg}"


def leaf(*shape):
    return randn(*shape).requires_grad_()


@pytest.fixture(scope="module")
def attention():
    """A layer of two heads, and a loss on two sequences."""
    manual_seed(0)
    layer = nn.MultiHeadAttention(6, 2)
    x = leaf(2, 3, 6)
    with record():
        z, _ = layer(x, is_causal=True)
        loss = (z * z).mean()
    return layer, x, loss


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)


def cards_of(drawing):
    return {card.id: card for card in drawing.sheet.cards}


def nested(array):
    """An array as rows of numbers, as a card shows them."""
    value = array.tolist()
    flat = flatten(value) if isinstance(value, list) else [value]
    width = array.shape[-1] if array.shape else 1
    return [flat[i : i + width] for i in range(0, len(flat), width)]


# --- what is on a picture -------------------------------------------------------------


@pytest.mark.parametrize("level", ["op", "primitive"])
@pytest.mark.parametrize("head", [None, 0, 1])
def test_the_numbers_on_the_cards_are_the_engines(attention, level, head):
    layer, _, loss = attention
    head = None if head is None else (layer, head)
    graph = unfold(loss, level, head=head, sample=1 if head else 0)
    drawing = draw(loss, level, head=head, sample=1 if head else 0)
    cards = cards_of(drawing)
    graph = without_transposes(graph)
    assert list(cards) == [node.id for node in graph]
    for node in graph:
        card = cards[node.id]
        expected = [[*row] for row in nested(node.array)]
        assert card.value.numbers == expected
        if node.gradient_array is not None:
            assert card.gradient.numbers == nested(node.gradient_array)
        else:
            assert card.gradient is None


def test_a_line_goes_forward_for_every_use_and_back_for_every_contribution():
    x = leaf(3)
    with record():
        y = x * x
        loss = y.sum()
    sheet = draw(loss).sheet
    links = [(link.source, link.target, link.back, link.label) for link in sheet.links]
    assert links == [
        ("n0", "n1", False, ""),
        ("n0", "n1", True, "∂x += ∂y ⊙ x"),
        ("n0", "n1", False, ""),
        ("n0", "n1", True, "∂x += ∂y ⊙ x"),
        ("n1", "n2", False, ""),
        ("n1", "n2", True, "∂y += ∂loss, repeated"),
    ]


def test_a_reused_parameter_is_one_card():
    linear = nn.Linear(2, 2, bias=False)
    x = randn(3, 2)
    drawing = draw(linear(linear(x)).sum())
    titles = [c.title for c in drawing.sheet.cards if c.kind == "parameter"]
    assert titles == ["weight"]


def test_a_heads_card_says_what_part_of_the_gradient_it_shows(attention):
    layer, _, loss = attention
    cards = draw(loss, head=(layer, 1)).sheet.cards
    weight = next(c for c in cards if c.title == "q_proj.weight")
    assert "of all together" in weight.tooltip
    assert weight.gradient.totals is not None
    graph = unfold(loss, "op", head=(layer, 1))
    node = graph.node("q_proj.weight")
    assert weight.gradient.totals == nested(node.total_array)
    assert "in all" in draw(loss, head=(layer, 1), layout="own").svg


def test_values_and_gradients_can_be_left_out(attention):
    _, _, loss = attention
    plain = draw(loss, values=False, grads=False).sheet
    assert not any(c.value or c.gradient or c.gradient_title for c in plain.cards)
    assert not any(link.back for link in plain.links)
    assert draw(loss, values=False, grads=False).svg


def test_one_scale_for_all_shows_what_vanishes():
    x = leaf(2, 2)
    loss = (x * 1e-6).sum()
    own = draw(loss).sheet.cards[0].gradient
    shared = draw(loss, scale="shared").sheet.cards[0].gradient
    assert own.colour(own.numbers[0][0]) == "#1b7837"  # the full colour
    assert shared.colour(shared.numbers[0][0]) in ("#f7f7f7", "#f6f7f6")


def test_weights_of_attention_have_the_scale_of_probabilities(attention):
    layer, _, loss = attention
    cards = draw(loss, head=(layer, 0)).sheet.cards
    kinds = {c.title.split(" = ")[0]: c.value.palette for c in cards}
    assert kinds["weights"] == "probability"
    assert kinds["energies"] == "value"


def test_slices_of_a_projection_are_projections():
    w, b = nn.Parameter(randn(2, 6)), nn.Parameter(randn(6))

    class Head(nn.Module):
        def __init__(self):
            self.w, self.b = w, b

        def forward(self, x):
            qkv = x @ self.w + self.b
            q, k, v = qkv[:, 0:2], qkv[:, 2:4], qkv[:, 4:6]
            scores = q @ k.T / 2.0
            return functional.softmax(scores) @ v

    with record():
        loss = Head()(leaf(3, 2) * 2.0).sum()
    sheet = draw(loss).sheet
    names = {frame.id: frame.label for frame in sheet.frames}
    place = {c.title.split(" = ")[0]: names.get(c.frame, "") for c in sheet.cards}
    for name in ("w", "b", "matmul", "qkv", "q", "k", "v"):
        assert place[name] == "projections", name
    assert place["matmul₂"] == place["scores"] == "scores"
    assert place["x"] == ""


def test_the_stages_of_attention_are_framed(attention):
    layer, _, loss = attention
    sheet = draw(loss, head=(layer, 0)).sheet
    names = {frame.id: frame.label for frame in sheet.frames}
    place = {c.title.split(" = ")[0]: names.get(c.frame, "") for c in sheet.cards}
    assert place["products"] == place["energies"] == place["masked"] == "scores"
    assert place["weights"] == "softmax"
    assert place["z"] == "mix"
    # x stands where Q, K and V are made of it, the mask beside the scores
    assert (place["x"], place["mask"]) == ("MultiHeadAttention", "scores")


# --- the module level and the scalar level --------------------------------------------


def test_repeated_modules_are_folded():
    model = nn.Sequential(*(nn.TransformerEncoderLayer(4, 2, d_ff=8) for _ in range(3)))
    model.eval()
    loss = model(leaf(1, 3, 4)).sum()
    whole = unfold(loss, "module")
    sheet = draw(loss, "module").sheet
    assert any("× 3" in frame.label for frame in sheet.frames)
    assert len(sheet.cards) < len(whole) / 2
    named = {card.id for card in sheet.cards}
    assert {link.source for link in sheet.links} <= named
    assert sum("LayerNorm" in card.detail for card in sheet.cards) == 2
    # and all hangs together: every card but the inputs has something coming in
    entered = {link.target for link in sheet.links}
    assert {c.id for c in sheet.cards if c.kind != "input"} <= entered


def test_inside_a_frame_names_are_short():
    class Model(nn.Module):
        def __init__(self):
            self.first = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
            self.last = nn.Linear(2, 2)

        def forward(self, x):
            return self.last(self.first(x))

    sheet = draw(Model()(leaf(1, 2)).sum()).sheet
    labels = [frame.label for frame in sheet.frames]
    assert labels == [
        "Model",
        "first  Sequential",
        "0  Linear",
        "1  LayerNorm",
        "last  Linear",
    ]
    formulas = [c.title for c in sheet.cards if c.kind == "op"]
    assert formulas[0] == "first.0 = input weightᵀ + bias"


def test_modules_that_differ_are_not_folded():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    sheet = draw(model(randn(1, 2)).sum(), "module").sheet
    assert sum(card.detail == "Linear" for card in sheet.cards) == 2


def test_a_module_called_several_times_is_a_module_every_time():
    layer = nn.Linear(3, 3)
    x = leaf(2, 3)
    sheet = draw(nn.Sequential(layer, layer)(x).sum() + layer(x).sum(), "module").sheet
    calls = [card for card in sheet.cards if card.detail == "Linear"]
    assert [card.kind for card in calls] == ["module"] * 3
    assert len({card.frame for card in calls}) == 1


def test_what_a_repeated_block_hands_out_stands_in_its_frame():
    class Block(nn.Module):
        def __init__(self):
            self.up = nn.Linear(2, 2)

        def forward(self, x):
            return x + self.up(x)

    model = nn.Sequential(Block(), Block())
    sheet = draw(model(leaf(1, 2)).sum(), "module").sheet
    frames = {frame.id: frame.label for frame in sheet.frames}
    inside = {c.detail: frames.get(c.frame, "") for c in sheet.cards}
    assert "× 2" in inside["Linear"]
    assert inside["add"] == inside["Linear"]


def test_bars_are_as_long_as_gradients_are_large(attention):
    _, _, loss = attention
    graph = unfold(loss, "module")
    cards = cards_of(draw(loss, "module"))
    for node in graph:
        if node.gradient_array is not None:
            size = math.sqrt(sum(g * g for g in flatten(node.gradient_array.tolist())))
            text = few_digits(size)
            if node is graph.root:  # longer than the longest bar
                text += ", not to scale"
            assert cards[node.id].bar[1] == text


def test_numbers_are_joined_by_partial_derivatives():
    manual_seed(1)
    head = nn.AttentionHead(2, 2)
    with record():
        z, weights = head(leaf(2, 2))
        loss = (z * z).sum()
    graph = unfold(loss, "scalar")
    sheet = draw(loss, "scalar").sheet
    cards = {card.title: card for card in sheet.cards}
    titles = {card.id: card.title for card in sheet.cards}
    assert "e" not in cards  # a step inside the softmax
    assert "permute_dims" not in cards
    found = {}
    for link in sheet.links:
        source, target = titles[link.source], titles[link.target]
        found.setdefault((source, target), []).append(link)
    # products = Q Kᵀ: each number depends on two of Q and two of K
    assert len(found["Q", "products"]) == len(found["K", "products"]) == 8
    # a softmax's derivative is w(δ − w): each weight depends on its row's energies
    assert len(found["energies", "weights"]) == 8
    for title, card in cards.items():
        for row in card.rows:
            node = graph.node(f"{title}{row.label}")
            assert row.value == node.array
            if node.gradient_array is not None:
                assert row.gradient == near(node.gradient_array)


def test_the_partials_of_a_softmax_are_those_of_the_book():
    from tinygrad_attn.pictures.sheets.numbers import partials

    x = leaf(1, 3)
    with record():
        w = functional.softmax(x)
        loss = w.sum()
    graph = unfold(loss, "scalar")
    xs = {graph.node(f"x[0,{j}]").id for j in range(3)}
    values = [graph.node(f"w[0,{j}]").array for j in range(3)]
    for i in range(3):
        found = partials(graph, graph.node(f"w[0,{i}]"), xs)
        row = [found[graph.node(f"x[0,{j}]").id] for j in range(3)]
        want = [values[i] * ((i == j) - values[j]) for j in range(3)]
        assert row == near(want)


def test_a_focus_draws_only_what_the_number_depends_on():
    head = nn.AttentionHead(2, 2)
    with record():
        z, _ = head(leaf(3, 2))
        loss = (z * z).sum()
    sheet = draw(loss, "scalar", focus="Q[1,0]").sheet
    assert {card.title for card in sheet.cards} == {"x", "W_Q", "Q"}
    x = next(card for card in sheet.cards if card.title == "x")
    assert [row.label for row in x.rows] == ["[1,0]", "[1,1]"]


def test_of_many_numbers_those_are_shown_that_move_most():
    x = leaf(30)
    w = Tensor([float(i) for i in range(30)])
    with record():
        loss = (x * w).sum()
    card = next(c for c in draw(loss, "scalar").sheet.cards if c.title == "x")
    assert [row.label for row in card.rows] == [f"[{i}]" for i in range(14, 30)]
    assert card.more == 14


def test_the_titles_of_two_columns_do_not_touch():
    x = Tensor([0.01, 0.02]).requires_grad_()
    svg = draw((x * 1e-5).sum(), "scalar", title="T", layout="own").svg
    root = ElementTree.fromstring(svg.encode())
    (card,) = (
        g
        for g in root.iter(f"{SVG}g")
        if any(t.text == "input" for t in g.findall(f"{SVG}text"))
    )
    ends = [
        (float(t.get("x")), text.width(t.text, 8))
        for t in card.findall(f"{SVG}text")
        if "×10" in t.text
    ]
    (a, left), (b, right) = ends
    assert a + left / 2 < b - right / 2


def test_values_are_drawn_one_by_one():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = a * b + a
    c.label = "c"
    before = draw(c).sheet
    assert all(card.rows[0].gradient is None for card in before.cards)  # "–"
    c.backward()
    sheet = draw(c).sheet
    assert {card.title: card.rows[0].gradient for card in sheet.cards} == {
        "a": -2.0,
        "b": 2.0,
        "*": 1.0,
        "c": 1.0,
    }
    assert len(sheet.links) == 4
    assert draw(c, layout="own").svg


# --- text, files, and what is installed -----------------------------------------------


def test_constants_beside_values_are_shown():
    c = Value(2.0, label="c")
    z = (1 - c) * 3.0 + c**2
    z.label = "z"
    for step in ("1 −", "* 3", "** 2"):
        assert step in draw(z).svg
    assert "+ 1" in draw(c + 1).svg
    cards = draw(2 * ((1 - c) / 4) - 0.5).sheet.cards
    assert [card.title for card in cards] == ["c", "1 −", "/ 4", "2 *", "− 0.5"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("layout", ["own", "dot"])
def test_every_level_is_drawn_and_is_xml(attention, level, layout):
    layer, _, loss = attention
    focus = {"head": (layer, 0), "focus": "z[1,0]"} if level == "scalar" else {}
    drawing = draw(loss, level, layout=layout, **focus)
    root = ElementTree.fromstring(drawing.svg.encode())
    assert root.tag == f"{SVG}svg"
    words = "".join(root.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    for card in drawing.sheet.cards:
        assert card.title in words


def test_the_same_computation_gives_the_same_text():
    def text():
        manual_seed(3)
        model = nn.TransformerEncoderLayer(4, 2, d_ff=8)
        with record():
            loss = model(leaf(1, 3, 4)).sum()
        return [draw(loss, level).dot for level in ("module", "op", "primitive")]

    assert text() == text()


@needs_dot
@pytest.mark.parametrize("level", LEVELS)
def test_dot_takes_the_text_without_a_warning(attention, level):
    layer, _, loss = attention
    focus = {"head": (layer, 0), "focus": "z[1,0]"} if level == "scalar" else {}
    text = draw(loss, level, **focus).dot
    done = subprocess.run(
        ["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=True
    )
    assert done.stderr == b""
    nodes = re.findall(r'class="node"', done.stdout.decode())
    assert len(nodes) == len(draw(loss, level, **focus).sheet.cards)


@needs_dot
def test_every_format_is_written(attention, tmp_path):
    _, _, loss = attention
    drawing = draw(loss, "module", layout="dot")
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    for form, start in starts.items():
        path = drawing.save(tmp_path / f"x.{form}")
        assert path.read_bytes().startswith(start)


def test_another_ending_is_refused(attention, tmp_path):
    with pytest.raises(ValueError, match=r"'x\.gif' given; .*\.svg"):
        draw(attention[2], "module").save(tmp_path / "x.gif")


def test_without_dot_the_picture_comes_out_and_a_line_says_how(
    attention, tmp_path, no_dot
):
    drawing = draw(attention[2], layout="dot")
    path = drawing.save(tmp_path / "x.svg")
    assert "<svg" in path.read_text()
    assert "by tinygrad_attn: Graphviz is missing" in drawing.note
    assert "apt install graphviz" in drawing.note
    with pytest.warns(
        UserWarning, match=r"x\.png needs Graphviz; saved x\.svg.*is missing"
    ):
        assert drawing.save(tmp_path / "x.png") == tmp_path / "x.svg"
    assert not (tmp_path / "x.png").exists()
    assert drawing.save(tmp_path / "x.dot").read_text() == drawing.dot


def test_without_the_graphviz_package_there_is_one_line(attention, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    drawing = draw(attention[2], "module")
    assert drawing.dot
    assert drawing.svg
    with pytest.raises(RuntimeError, match="pip install graphviz"):
        drawing.graphviz()


def test_a_digraph_of_the_graphviz_package(attention):
    graphviz_package = pytest.importorskip("graphviz")
    drawing = draw(attention[2], "module")
    graph = drawing.graphviz()
    assert isinstance(graph, graphviz_package.Digraph)
    assert graph.source == drawing.dot


def fake_dot(tmp_path, monkeypatch, script):
    program = tmp_path / "bin" / "dot"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_dot_that_takes_too_long_is_killed_with_its_children(
    attention, tmp_path, monkeypatch
):
    fake_dot(tmp_path, monkeypatch, "sleep 60 & echo $! > pid\nwait")
    monkeypatch.setattr(graphviz.run, "__defaults__", (0.5,))
    monkeypatch.chdir(tmp_path)
    drawing = draw(attention[2], "module", layout="dot")
    assert drawing.svg
    assert "tinygrad_attn" in drawing.note
    child = int((tmp_path / "pid").read_text())
    deadline = time.time() + 5
    while time.time() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            break
        status = Path(f"/proc/{child}/stat")
        if status.exists() and status.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child still runs")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_dot_that_fails_is_done_without(attention, tmp_path, monkeypatch):
    fake_dot(tmp_path, monkeypatch, "exit 1")
    monkeypatch.setattr(graphviz, "find_spec", lambda name: None)
    drawing = draw(attention[2], "module", layout="dot")
    assert drawing.svg
    with pytest.warns(UserWarning, match="has failed"):
        drawing.save(tmp_path / "x.pdf")


# --- names and numbers of every kind --------------------------------------------------

EVIL = [
    "<script>alert(1)</script>",
    "quo\"te's",
    "\\N\\G\\L",
    "nul\0and\nlines",
    "w" * 10_000,
    "\u202eright to left \u05d0\u05d1",
    "a:b|c{d}",
    "]]>",
    "",
    " ",
    "日本語" * 20,
]


@pytest.mark.parametrize("name", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("layout", ["own", "dot"])
def test_hostile_names_are_harmless(name, layout):
    class Model(nn.Module):
        def __init__(self):
            vars(self)[name] = nn.Linear(2, 2)

        def forward(self, x):
            return vars(self)[name](x)

    model = Model()
    loss = model(leaf(1, 2)).sum()
    for level in ("module", "op"):
        drawing = draw(loss, level, title=name, layout=layout)
        assert len(drawing.dot) < 60_000
        assert "<script" not in drawing.dot
        assert "\0" not in drawing.dot
        assert "\\N" not in drawing.dot
        ElementTree.fromstring(drawing.svg.encode())
        assert "<script" not in drawing.svg
        if layout == "dot" and shutil.which("dot"):
            assert drawing.note == "laid out by Graphviz's dot"


@pytest.mark.parametrize("layout", ["own", "dot"])
def test_numbers_of_every_kind(layout):
    x = Tensor([[math.nan, math.inf, -math.inf, 0.0, 1e-300, -1e30, 1e300]])
    drawing = draw((x.requires_grad_() * 1.0).sum(), layout=layout)
    grid = drawing.sheet.cards[0].value
    texts = [grid.text(v) for v in grid.numbers[0]]
    assert texts == ["nan", "∞", "−∞", "0", ".00", ".00", "1.00"]
    assert grid.power == 300
    colours = [grid.colour(v) for v in grid.numbers[0]]
    assert colours[0] == "#ff4fd8"
    assert colours[2] == "#52606d"
    ElementTree.fromstring(drawing.svg.encode())


def test_numbers_that_are_huge_are_no_masks():
    x = Tensor([[-2e200, 1e30], [-3e30, 5e30]]).requires_grad_()
    grid = draw((x * 1.0).sum()).sheet.cards[0].value
    assert [grid.text(v) for v in grid.numbers[0]] == ["−2.00", ".00"]
    wide = Tensor([[5e30] * 20, [-1e30] * 20]).requires_grad_()
    grid = draw((wide * 1.0).sum()).sheet.cards[0].value
    assert grid.largest == 5e30
    assert grid.text(grid.numbers[1][0]) == "−1.00"


def test_zeros_are_no_probabilities():
    x = zeros(2, 3).requires_grad_()
    cards = draw((x * 1.0).sum()).sheet.cards
    assert [card.value.palette for card in cards] == ["value"] * 3


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("size", [1e200, math.inf])
def test_gradients_that_overflow_are_drawn(level, size):
    layer = nn.Linear(2, 2)
    loss = (layer(leaf(2, 2)) * 1e200 * size).sum()
    drawing = draw(loss, level, layout="own")
    assert "nan" not in [link.width for link in drawing.sheet.links]
    ElementTree.fromstring(drawing.svg.encode())


def test_a_norm_is_finite_where_its_squares_are_not():
    x = ones(4).requires_grad_()
    cards = draw((x * 1e200).sum(), "module").sheet.cards
    assert cards[0].bar == (1.0, "2×10²⁰⁰")


@pytest.mark.parametrize(
    "shape", [(), (0,), (3, 0), (0, 3), (2, 0, 2), (1,), (2, 3, 4)]
)
@pytest.mark.parametrize("layout", ["own", "dot"])
def test_every_shape_is_drawn(shape, layout):
    x = ones(*shape).requires_grad_()
    for level in LEVELS:
        drawing = draw((x * 2.0).sum(), level, layout=layout)
        root = ElementTree.fromstring(drawing.svg.encode())
        words = "".join(root.itertext())
        assert all(card.title in words for card in drawing.sheet.cards)
        if level in ("op", "primitive"):
            shown = sum(map(len, drawing.sheet.cards[0].value.numbers))
            assert shown == x.size


def test_of_a_large_tensor_the_corners_are_shown():
    x = leaf(300, 40)
    grid = draw((x * 2.0).sum()).sheet.cards[0].value
    assert grid.rows == [0, 1, 2, 3, 296, 297, 298, 299]
    assert grid.columns == [0, 1, 2, 3, 36, 37, 38, 39]
    data = x.tolist()
    assert grid.numbers == [[data[i][j] for j in grid.columns] for i in grid.rows]
    assert grid.largest == max(abs(v) for v in flatten(data))
    svg = draw((x * 2.0).sum(), layout="own").svg
    assert "⋯" in svg
    assert "⋮" in svg


def test_what_has_no_gradient_shows_none_or_a_dash():
    x, w = leaf(2), leaf(2)
    with record():
        loss = (x + ops.stop_gradient(w)).sum()
    cards = {c.title: c for c in draw(loss).sheet.cards}
    assert cards["w"].gradient is None
    assert cards["w"].gradient_title  # asked for one, and "–" is drawn
    y = leaf(2) * 2.0  # no single number: there is nothing to be a gradient of
    assert not any(c.gradient for c in draw(y).sheet.cards)
    assert draw(y, layout="own").svg.count("–")


@pytest.mark.parametrize("level", LEVELS)
def test_no_folder_of_the_machine_is_on_a_picture(attention, level):
    layer, _, loss = attention
    for part in {}, {"head": (layer, 0)}:
        drawing = draw(loss, level, layout="own", **part)
        assert str(ROOT) not in drawing.dot
        assert str(ROOT) not in drawing.svg


def test_a_mask_is_drawn_as_marks():
    x = leaf(3, 3)
    loss = ops.where(causal_mask(3), x, 0.0).sum()
    mask = next(c for c in draw(loss).sheet.cards if c.title == "mask")
    assert [mask.value.text(v) for v in mask.value.numbers[0]] == ["✓", "✗", "✗"]


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
def test_a_parameter_can_be_in_focus(level):
    layer = nn.Linear(2, 2)
    loss = layer(leaf(1, 2)).sum()
    focus = "weight" if level != "scalar" else "weight[0,1]"
    (card,) = draw(loss, level, focus=focus, layout="own").sheet.cards
    assert card.title == "weight"


# --- what is refused ------------------------------------------------------------------


def test_too_many_nodes_are_refused_before_any_is_laid_out(monkeypatch):
    def unfolded(*_):
        raise AssertionError("the graph was unfolded")

    room = importlib.import_module("tinygrad_attn.pictures.draw")
    monkeypatch.setattr(room, "graph_of", unfolded)
    x = leaf(1)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    with pytest.raises(ValueError, match=r"20,002 cards .* more than 3,000 .* head"):
        draw(y.sum())


def test_a_long_title_is_cut_where_the_picture_is_told():
    x = leaf(1)
    picture = draw(x * x, title="long " * 600)
    assert len(repr(picture)) < 100
    assert picture.title == "long " * 600
    assert repr(picture).startswith("Drawing('long long ")


def test_many_nodes_are_warned_of():
    y = leaf(1)
    for _ in range(1_001):
        y = y + 1.0
    with pytest.warns(UserWarning, match="1,003 cards are hard to read"):
        draw(y.sum(), fold=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"level": "modules"}, "level 'modules' given"),
        ({"scale": "log"}, "scale 'log' given; it must be 'tensor' or 'shared'"),
        ({"layout": "neato"}, "layout 'neato' given"),
        ({"limit": 0}, "limit"),
        ({"head": ("nowhere", 0)}, "nowhere"),
        ({"sample": 1}, "sample given without head"),
        ({"focus": "Q[9]"}, r"focus='Q\[9\]' given"),
    ],
)
def test_bad_settings_get_one_sentence(attention, settings, words):
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        draw(attention[2], **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [3, None, "loss", [1.0]])
def test_what_is_no_computation_is_refused(given):
    with pytest.raises(TypeError, match=r"^draw: .* given"):
        draw(given)


def test_a_freed_graph_is_refused():
    x = leaf(2)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="before backward"):
        draw(loss)


def test_drawing_changes_nothing(attention):
    layer, x, loss = attention
    before = [p.grad for p in layer.parameters()], x.grad, loss._inputs
    draw(loss).svg  # noqa: B018
    assert [p.grad for p in layer.parameters()] == before[0]
    assert x.grad is before[1]
    assert loss._inputs is before[2]


# --- in a notebook --------------------------------------------------------------------


@pytest.mark.parametrize(
    "thing",
    [
        zeros(2, 3),
        leaf(400, 400),
        Tensor(2.0),
        zeros(0, 3),
        Tensor([True, False]),
        Tensor([[1, 2], [3, 4]]),
        Value(2.0, label="<script>"),
        Value(2.0) * 3.0,
    ],
    ids=range(8),
)
def test_numbers_show_themselves_in_a_notebook(thing):
    html = thing._repr_html_()
    ElementTree.fromstring(html)
    svg = svg_in(html)
    ElementTree.fromstring(svg)
    assert "<script" not in html + svg
    assert len(html) < 150_000


def test_a_tensor_shows_its_gradient_beside():
    x = leaf(2, 2)
    assert "–" in svg_in(x._repr_html_())
    (x * x).sum().backward()
    assert "gradient" in svg_in(x._repr_html_())
    assert "–" not in svg_in(x._repr_html_())


def test_a_scalar_backend_tensor_shows_its_numbers(any_backend):
    assert "Tensor" in svg_in((leaf(2, 2) * 2.0)._repr_html_())


def test_a_model_shows_itself_as_a_table():
    html = nn.TransformerEncoderLayer(4, 2, d_ff=8)._repr_html_()
    table = ElementTree.fromstring(html)
    assert "overflow-x: auto" in table.attrib["style"]
    rows = [[cell.text or "" for cell in row] for row in table.iter("tr")]
    assert rows[0] == ["module", "type", "", "its own", "parameters"]
    assert [text.strip() for text in rows[2]] == (
        ["self_attn", "MultiHeadAttention", "2 heads", "", "80"]
    )
    assert [text.strip() for text in rows[3]] == (
        ["q_proj", "Linear", "4 → 4", "weight 4 × 4,  bias 4", "20"]
    )
    for row in table.iter("tr"):  # whatever the notebook's style says of cells
        *left, last = (cell.attrib["style"] for cell in row)
        assert {*left, last} == {"text-align: left", "text-align: right"}
        assert last == "text-align: right"
    assert (
        len(nn.ModuleList(nn.Linear(1, 1) for _ in range(500))._repr_html_()) < 30_000
    )


def test_a_graph_shows_itself(attention):
    for level in LEVELS:
        graph = unfold(attention[2], level)
        shown = ElementTree.fromstring(graph._repr_html_())
        assert "overflow-x: auto" in shown.attrib["style"]  # wide ones are not squeezed
        assert shown[0].tag in ("object", "pre")
    assert "_repr_svg_" in dir(draw(attention[2]))


def test_what_draw_and_save_are_given_is_checked():
    loss = (Tensor([1.0, 2.0], requires_grad=True) ** 2.0).sum()
    for name in ("fold", "values", "grads"):
        with pytest.raises(
            TypeError, match=f"^draw: {name}='no', a str, given; it mus"
        ):
            draw(loss, **{name: "no"})
    with pytest.raises(TypeError, match="^save: 5, a int, given; it must be a str or"):
        draw(loss).save(5)
    assert "<title>5</title>" in draw(loss, title=5).svg


# --- texts of any length --------------------------------------------------------------


def longest_text(svg):
    return max(map(len, re.findall(r"<text[^>]*>([^<]*)</text>", svg)))


@pytest.mark.parametrize("layout", ["own", "dot"])
@pytest.mark.parametrize("level", ["module", "op", "primitive", "scalar"])
def test_texts_of_any_length_are_clipped_and_whole_in_a_tooltip(level, layout):
    long = "v" * 300
    scope = {"x": leaf(2), "record": record}
    exec(f"with record():\n    {long} = x * 10**200\n    loss = {long}.sum()", scope)
    drawing = draw(scope["loss"], level, title="T" * 500, layout=layout)
    assert longest_text(drawing.svg) <= 64
    width = float(re.search(r'viewBox="\S+ \S+ (\S+)', drawing.svg)[1])
    assert width < 1_500
    assert drawing.title == "T" * 500
    assert long in drawing.svg
    if layout == "own":
        assert "T" * 500 in drawing.svg


def test_a_label_of_values_of_two_hundred_digits_is_short():
    x = Value(2.0, label="x" * 90)
    y = x * 10**200 * 1e-300
    y.backward()
    svg = draw(y).svg
    assert longest_text(svg) <= 50
    assert "1.00×10²⁰⁰" in svg
    assert "1.00×10⁻³⁰⁰" in svg
    assert "x" * 90 in svg
