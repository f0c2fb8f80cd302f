"""Pictures of attention: well-formed, exact, bounded, and safe whatever a token is."""

from __future__ import annotations

import json
import math
import re
from xml.etree import ElementTree

import pytest
from conftest import svg_in

import nn
from tinygrad_attn import Tensor, draw_attention, manual_seed, randn
from tinygrad_attn.functional import causal_mask
from tinygrad_attn.pictures.heads import explore
from tinygrad_attn.pictures.look.text import visible, width

SVG = "{http://www.w3.org/2000/svg}"
WEIGHTS = [[1.0, 0.0, 0.0], [0.8, 0.2, 0.0], [0.06, 0.925, 0.015]]
TOKENS = ["the", "cat", "sat"]
GREY, WHITE, DARK, NAN = "#e8ecf0", "#ffffff", "#0b4f8a", "#ff4fd8"


def parsed(picture):
    return ElementTree.fromstring(picture.svg)


def cells(picture):
    """(tooltip, rect) of each cell, in order."""
    found = [r for r in parsed(picture).iter(f"{SVG}rect") if r.get("class")]
    return [(r.find(f"{SVG}title").text, r) for r in found]


def texts(picture):
    return [t.text for t in parsed(picture).iter(f"{SVG}text")]


def by_class(picture, name):
    return [e for e in parsed(picture).iter() if e.get("class") == name]


def uniform(t, s=None, heads=1):
    s = t if s is None else s
    return [[[1.0 / s] * s for _ in range(t)] for _ in range(heads)]


# --- the heat map ---------------------------------------------------------------------


def test_cells_carry_their_weight():
    picture = draw_attention(WEIGHTS, TOKENS, style="map")
    tips = [tip for tip, _ in cells(picture)]
    assert tips == [
        "the → the: 1.0000",
        "the → cat: 0.0000 (masked)",
        "the → sat: 0.0000 (masked)",
        "cat → the: 0.8000",
        "cat → cat: 0.2000",
        "cat → sat: 0.0000 (masked)",
        "sat → the: 0.0600",
        "sat → cat: 0.9250",
        "sat → sat: 0.0150",
    ]
    colours = [r.get("fill") for _, r in cells(picture)]
    assert colours[0] == DARK
    assert [colours[i] for i in (1, 2, 5)] == [GREY] * 3
    numbers = [t for t in texts(picture) if re.fullmatch(r"\d?\.\d\d", t or "")]
    assert numbers == ["1.00", ".80", ".20", ".06", ".93", ".01"]


def test_rows_are_queries_and_columns_are_keys():
    weights = [[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]]
    places = [
        (float(r.get("x")), float(r.get("y")))
        for _, r in cells(draw_attention(weights, ["a", "b"], TOKENS, style="map"))
    ]
    xs, ys = ([p[axis] for p in places] for axis in (0, 1))
    assert xs[:3] == xs[3:] == sorted(set(xs))
    assert ys[0] == ys[1] == ys[2] < ys[3] == ys[4] == ys[5]


def test_grey_is_what_a_mask_says_or_all_above_the_diagonal_if_it_is_0():
    weights = [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]
    causal = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]

    def grey(weights=weights, **more):
        shown = cells(draw_attention(weights, style="map", **more))
        return [i for i, (_, r) in enumerate(shown) if r.get("fill") == GREY]

    assert grey() == []  # a 0 here and there is a weight, and no mask
    assert grey(causal) == [1, 2, 5]
    assert grey([[1.0, 0.0, 0.0]]) == []  # one query among three keys
    assert grey(mask=[[False, True, True]]) == [0, 3, 6]
    assert grey(mask=Tensor([[[False, True, True]] * 3])) == [0, 3, 6]
    assert grey(mask=[[[[False, True, True]]]]) == [0, 3, 6]
    assert grey(mask=[[True]]) == []


def test_a_masked_weight_that_is_not_zero_is_a_leak_and_stands_out():
    leak = cells(draw_attention([[0.5, 0.5]] * 2, mask=causal_mask(2), style="map"))[1]
    assert leak[0] == "0 → 1: 0.5000 (masked, and yet not 0)"
    assert leak[1].get("stroke") == NAN
    assert leak[1].get("fill") != GREY


def test_what_is_no_probability_is_shown_as_what_it_is():
    picture = draw_attention([[math.nan, math.inf], [-1.0, 2.0]])
    colours = [r.get("fill") for _, r in cells(picture)]
    assert colours == [NAN, DARK, WHITE, DARK]
    assert {"nan", "∞", "−1.00", "2.00"} <= set(texts(picture))
    assert "not every row adds up to 1" in picture.svg
    widths = [float(p.get("stroke-width")) for p in by_class(picture, "attn-line")]
    assert widths == [6.0]  # as thick as a 1; nan, inf and negative ones have no line


def test_the_subtitle_is_true():
    for weights, told in (
        (WEIGHTS, ", each row adds up to 1<"),
        ([[1.0, 0.0], [0.0, 0.0]], ", each row adds up to 1 or is 0<"),  # nowhere
        ([[0.0, 0.0]] * 5, ", all weights are 0<"),
        ([[0.5, 0.2]], ", not every row adds up to 1<"),
        ([[0.5, -0.5]], ", not every row adds up to 1<"),
        ([[math.nan, 1.0]], ", not every row adds up to 1<"),
    ):
        assert told in draw_attention(weights).svg


def test_beside_a_title_of_ones_own_stands_which_head_it_is():
    maps = {"a": [[[1.0]]], "b": [[[1.0]], [[1.0]]]}
    told = draw_attention(maps, head=("b", 1), title="Mine").svg
    assert ">b, head 1: row = query" in told
    assert (
        "head 1: row" not in draw_attention(maps, head=("b", 1)).svg
    )  # the title says
    assert ">row = query" in draw_attention([[1.0]], title="Mine").svg  # there is one


# --- lines ----------------------------------------------------------------------------


def test_lines_are_as_thick_as_their_weight_and_the_faintest_are_none():
    drawn = by_class(draw_attention(WEIGHTS, TOKENS, style="lines"), "attn-line")
    known = {}
    for line in drawn:
        known[line.find(f"{SVG}title").text] = (
            float(line.get("stroke-width")),
            float(line.get("stroke-opacity")),
        )
    assert known == {
        "the → the: 1.0000": (6.0, 0.95),
        "cat → the: 0.8000": (4.9, 0.79),
        "cat → cat: 0.2000": (1.6, 0.31),
        "sat → the: 0.0600": (0.83, 0.2),
        "sat → cat: 0.9250": (5.59, 0.89),
    }


def test_a_query_in_focus_shows_its_weights_and_the_others_fade():
    picture = draw_attention(WEIGHTS, TOKENS, style="lines", query=2)
    groups = [g for g in parsed(picture).iter(f"{SVG}g") if g.get("opacity")]
    assert [g.get("opacity") for g in groups] == ["0.12", "0.12"]
    shown = [t for t in texts(picture) if (t or "").startswith(".")]
    assert shown == [".06", ".93", ".01"]
    assert 'visibility="hidden"' not in picture.svg
    assert "one query: sat (row 2)" in texts(picture)


def test_every_query_comes_into_focus_where_it_is_pointed_at():
    picture = draw_attention(WEIGHTS, TOKENS, style="lines")
    queries = by_class(picture, "attn-q")
    assert [q.get("tabindex") for q in queries] == ["0"] * 3
    hidden = [
        [t.text for t in q.iter(f"{SVG}text") if t.get("visibility") == "hidden"]
        for q in queries
    ]
    assert hidden == [["1.00"], [".80", ".20"], [".06", ".93", ".01"]]
    assert ".attn-q:hover .attn-w" in picture.svg
    assert "<script" not in picture.svg


# --- heads, layers, samples -----------------------------------------------------------


def test_a_model_s_maps_are_drawn_head_by_head_each_with_its_own_weights():
    manual_seed(0)
    model = nn.Sequential(*(nn.TransformerEncoderLayer(8, 2, 16) for _ in "ab"))
    maps = nn.attention_maps(model, randn(2, 4, 8))
    picture = draw_attention(maps, list("abcd"), head=("1.self_attn", 1), sample=1)
    assert picture.title == "Attention of 1.self_attn, head 1"
    weights = maps["1.self_attn"].tolist()[1][1]
    shown = [float(tip.split()[3]) for tip, _ in cells(picture)]
    assert shown == [round(w, 4) for row in weights for w in row]
    names = [t.text for t in parsed(picture).iter(f"{SVG}title")][-4:]
    assert names == [f"{m}.self_attn, head {h}" for m in (0, 1) for h in (0, 1)]
    assert draw_attention(maps, style="grid").title == "Attention of every head"


@pytest.mark.parametrize(
    "weights", [WEIGHTS, [WEIGHTS], [[WEIGHTS]], Tensor(WEIGHTS), Tensor([[WEIGHTS]])]
)
def test_every_shape_of_weights_gives_one_picture(weights):
    assert draw_attention(weights, TOKENS).svg == draw_attention(WEIGHTS, TOKENS).svg


@pytest.mark.parametrize("style", ["all", "map", "lines", "grid"])
@pytest.mark.parametrize(
    ("t", "s"), [(1, 1), (1, 5), (5, 1), (12, 12), (13, 7), (64, 64), (65, 256)]
)
def test_any_size_is_well_formed_and_bounded(style, t, s):
    picture = draw_attention(uniform(t, s, heads=3), style=style, query=t - 1)
    ElementTree.fromstring(picture.svg)
    assert len(picture.svg) < 2_500_000
    if style == "map" and s > 1:
        assert (f"{1 / s:.2f}"[1:] in texts(picture)) == (max(t, s) <= 12)
    view = [float(v) for v in parsed(picture).get("viewBox").split()]
    assert view[2] < 3000
    assert view[3] < 3000


def test_labels_are_thinned_where_there_is_no_room():
    picture = draw_attention(uniform(64), style="map")
    labels = [t for t in texts(picture) if (t or "").isdigit()]
    assert "62" in labels
    assert "63" not in labels


def test_of_large_maps_a_small_one_shows_the_largest_of_each_block():
    weights = [[0.0] * 128 for _ in range(128)]
    weights[100][37] = 1.0
    picture = draw_attention([weights] * 2, style="grid")
    assert picture.svg.count(f'fill="{DARK}"') == 2
    assert "small maps show the largest weight of each block" in picture.svg


# --- tokens ---------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>&\"'\x00\x1b\ud800\u202e\ufffe]]>--><b"


def test_hostile_tokens_are_text():
    w = {f"{HOSTILE}.{k}": [WEIGHTS] for k in range(2)}
    tokens = [HOSTILE, "x" * 10_000, "\n"]
    picture = draw_attention(w, tokens, query=1, title=HOSTILE)
    for text in (picture.svg, picture.html, picture._repr_html_()):
        assert "<script>alert" not in text
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff\ufffe]", text)
    assert len(picture.svg) < 40_000
    parsed(picture)
    assert r"\n" in texts(picture)
    assert "x" * 11 + "…" in texts(picture)
    assert any("x" * 500 in (t.text or "") for t in parsed(picture).iter(f"{SVG}title"))
    assert "<script" not in picture.svg + picture._repr_html_()
    assert picture.html.count("<script") == 2  # the data, and the page's own
    assert "alert(1)" in picture.html  # shown, not run


def test_words_from_right_to_left_do_not_turn_their_sentence():
    picture = draw_attention([[1.0]], ["שלום"], ["cat"], style="map")
    assert cells(picture)[0][0] == "\u2068שלום\u2069 → cat: 1.0000"


def test_what_cannot_be_seen_is_written_out():
    said = [visible(t) for t in ("a b", "\t", "  ", "", "\u200d", "naïve 猫")]
    assert said == ["a b", r"\t", "␣␣", "''", "\u200d", "naïve 猫"]
    assert width("猫", 10) > width("a", 10) > width("i", 10)


def test_keys_are_the_queries_tokens_where_they_are_as_many():
    said = [tip for tip, _ in cells(draw_attention(WEIGHTS, TOKENS, style="map"))]
    assert said[3] == "cat → the: 0.8000"
    said = [tip for tip, _ in cells(draw_attention([[0.5, 0.5]], ["a"], style="map"))]
    assert said == ["a → 0: 0.5000", "a → 1: 0.5000"]
    digits = Tensor([7, 8, 9])
    assert cells(draw_attention(WEIGHTS, digits))[0][0] == "7 → 7: 1.0000"


# --- wrong calls ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"weights": None}, "weights of type NoneType given"),
        ({"weights": "ab"}, "weights of type str given"),
        ({"weights": {}}, "an empty dict given"),
        ({"weights": [0.5, 0.5]}, r"weights of shape \(2,\) given"),
        ({"weights": [[[[[1.0]]]]]}, r"weights of shape \(1, 1, 1, 1, 1\) given"),
        ({"weights": [[0.5, 0.5], [1.0]]}, "rows are not equally long"),
        ({"weights": [[0.5, [0.5]]]}, "rows are not equally long"),
        ({"weights": [["1"]]}, "weights hold a str"),
        ({"weights": [[]]}, r"\(1, 0\) given; there is nothing in"),
        ({"weights": []}, r"weights of shape \(0,\) given"),
        ({"weights": Tensor([[[0.0]]])[:0]}, r"\(0, 1, 1\) given; there is nothing in"),
        ({"weights": uniform(1, 257)}, "up to 256 tokens can be seen"),
        ({"weights": uniform(1, 1, 257)}, "257 heads given"),
        ({"tokens_q": ["a"]}, "1 tokens_q given; the weights have 3 queries"),
        ({"tokens_k": list("abcd")}, "4 tokens_k given; the weights have 3 keys"),
        ({"tokens_q": 3}, "tokens_q of type int given"),
        ({"head": 1}, "head=1 given; it must be one of 0"),
        ({"head": ("x", 0)}, r"head=\('x', 0\) given"),
        ({"query": 3}, "query=3 given; it must be one of the 3 queries"),
        ({"query": "cat"}, "query='cat' given"),
        ({"sample": 1}, "sample=1 given; it must be one of the 1"),
        ({"style": "pie"}, "style='pie' given; it must be one of all, map, lines"),
        ({"mask": [[True, True]]}, r"mask of shape \(1, 2\) given"),
        ({"mask": [[1, 1, 1]]}, "mask of int given; it must be of bool"),
        ({"mask": 5}, "mask of type int given"),
        ({"mask": {"x": [[True]]}}, "a mask for 'x' given; .* weights are none"),
        (
            {"weights": {"a": WEIGHTS}, "mask": {"b": [[True]]}},
            "a mask for 'b' given; the paths of the weights are 'a'",
        ),
        ({"query": True}, "query=True given"),
    ],
)
def test_a_wrong_call_is_one_sentence(call, said):
    with pytest.raises((TypeError, ValueError), match=said) as caught:
        draw_attention(**{"weights": WEIGHTS, **call})
    assert str(caught.value).startswith("draw_attention: ")
    assert "\n" not in str(caught.value)


# --- what can be done with a picture --------------------------------------------------


def test_it_is_saved_in_one_call_and_always_the_same(tmp_path):
    picture = draw_attention(WEIGHTS, TOKENS, query=1)
    assert picture.svg == draw_attention(WEIGHTS, TOKENS, query=1).svg
    picture.save(tmp_path / "x.svg")
    picture.save(str(tmp_path / "x.HTML"))
    assert (tmp_path / "x.svg").read_bytes() == picture.svg.encode()
    page = (tmp_path / "x.HTML").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert picture.svg in page
    assert picture._repr_svg_() == picture.svg
    assert svg_in(picture._repr_html_()) == picture.svg
    with pytest.raises(ValueError, match=r"save: '.*x.png' given; the name must end"):
        picture.save(tmp_path / "x.png")
    with pytest.raises(TypeError, match="Picture.save: 3, a int, given"):
        picture.save(3)


def test_the_page_allows_its_own_styles_and_script_and_nothing_else():
    from base64 import b64encode
    from hashlib import sha256

    page = draw_attention(WEIGHTS).html
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    for kind in "style", "script":
        texts = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.S)
        known = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
        hashes = re.search(rf"{kind}-src ([^;]*);", policy)[1]
        assert hashes.split() == [f"'sha256-{name}'" for name in known]
    assert policy.startswith("default-src 'none'; ")
    assert " style=" not in page
    assert "http" not in page.replace('"http://www.w3.org/2000/svg"', "").replace(
        "http-equiv", ""
    )


def test_a_page_stays_small_however_many_the_numbers():
    heads = uniform(256, heads=12)
    heads[11][255][0] = 1.0
    page = draw_attention(heads, head=3).html
    assert len(page) < 1_500_000
    text = page.split('type="application/json">')[1].split("</script>")[0]
    data = json.loads(text)
    assert [head["block"] for head in data["heads"]] == [4] * 3 + [1] + [4] * 8
    assert data["heads"][11]["rows"][63][0] == 1.0
    assert data["chosen"] == 3


def test_every_file_of_the_page_is_used_and_short():
    files = [
        p for p in explore.FOLDER.iterdir() if p.suffix in (".js", ".css", ".html")
    ]
    named = {"explore.css", "explore.html", *explore.SCRIPTS}
    assert {path.name for path in files} == named
    assert all(len(path.read_text().splitlines()) <= 300 for path in files)


@pytest.mark.parametrize("count", [5, 12, 20, 40, 64, 120, 256])
def test_no_name_of_a_map_lies_on_another(count):
    rows = [[1.0 / count] * count] * count
    names = [f"t{i:03}" for i in range(count)]
    svg = draw_attention(rows, names, style="map").svg
    named = r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)"([^>]*)>t\d'
    rows, columns, size = set(), set(), 0.0
    for x, y, points, more in re.findall(named, svg):
        size = float(points)
        if "rotate" in more:
            columns.add(float(x))
        else:
            rows.add(float(y))
    for places, slant in ((sorted(rows), 1.0), (sorted(columns), 0.5**0.5)):
        gaps = [b - a for a, b in zip(places, places[1:])]
        assert min(gaps) * slant >= size - 0.1
    assert ("is named<" in svg) == (len(rows) < count or len(columns) < count)


def test_the_legend_explains_a_leak_where_there_is_one():
    leak = draw_attention([[0.5, 0.5]] * 2, mask=causal_mask(2)).svg
    assert ">masked, and yet not 0<" in leak
    none = draw_attention([[1.0, 0.0], [0.5, 0.5]], mask=causal_mask(2)).svg
    assert "yet not 0" not in none
