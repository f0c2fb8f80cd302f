"""The chain view in Chromium: a path's share is what the engine finds along it alone,
and the shares of all paths add up to the gradient."""

from __future__ import annotations

import math
from random import Random

import pytest
from again import along, assert_close, by_the_engine
from played import MODELS, attention, losses, moved

from tinygrad_attn import Tensor, functional, manual_seed, ops, play, randn, record
from tinygrad_attn.graph.unfold import graph_of

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

MINUS = "\N{MINUS SIGN}"
LEAVES = """() => Object.fromEntries(DATA.cards.filter(isLeaf).map((c) =>
    [c.id, numbersAt(PROGRAM, c.at.value)]))"""
LEARNED = "DATA.cards.filter((c) => c.at.gradient).map((c) => [c.id, c.value.shape])"
ALL = """() => DATA.cards.map((c) => [c.id, numbersAt(PROGRAM, c.at.value),
    c.at.gradient && numbersAt(PROGRAM, c.at.gradient)])"""
MANY = "Math.max(...DATA.cards.map((c) => pathsOf(c.id, 0).count)) > MOST_PATHS"
PATHS_OF = "([id, at]) => pathsOf(id, at)"


STEPS = [
    lambda x, y: x * y,
    lambda x, y: x + y,
    lambda x, y: x - 2.0 * y,
    lambda x, y: x.tanh() * x,
    lambda x, y: functional.softmax(x) + y,
    lambda x, y: (x @ y.transpose(0, 1)) @ y,
    lambda x, y: x + y.sum(axis=0),
    lambda x, y: x.reshape(3, 2).transpose(0, 1) * 0.5,
    lambda x, y: ops.concat([x[:1], y[1:]], axis=0),
    lambda x, y: functional.layer_norm(x, (3,)),
]


def random_loss(seed):
    """A few operations over each other, of which each result may be used often."""
    random = Random(seed)
    manual_seed(seed)
    with record():
        made = [randn(2, 3).requires_grad_() for _ in range(2)]
        for _ in range(random.randint(3, 7)):
            x, y = random.choice(made), random.choice(made)
            made.append(random.choice(STEPS)(x, y))
        return sum((z * w).sum() for z, w in zip(made[2:], [1.0, -0.5, 2.0] * 3))


def check(tab, graph, count):
    """Some numbers' paths on a page: each share, and their sum."""
    random, leaves = Random(0), tab.evaluate(LEAVES)
    gradients = by_the_engine(graph, leaves)[1]
    before, learned = tab.evaluate(ALL), tab.evaluate(LEARNED)
    for id, shape in random.sample(learned, min(count, len(learned))):
        at = random.randrange(math.prod(shape))
        found = tab.evaluate(PATHS_OF, [id, at])
        assert found["count"] == len(found["found"])
        shares = [path["share"] for path in found["found"]]
        close = 1e-9 * max(1.0, *map(abs, shares))
        assert sum(shares) == pytest.approx(gradients[id][at], abs=close), id
        assert sorted(map(abs, shares), reverse=True) == [*map(abs, shares)]
        for path in random.sample(found["found"], min(4, len(shares))):
            want = along(graph, path["cards"], leaves)[at]
            assert_close(path["cards"], [path["share"]], [want], [[1.0, want]])
    assert tab.evaluate(ALL) == before  # as if nothing had been asked


@pytest.mark.parametrize("seed", range(8))
def test_shares_are_the_engines_and_add_up(look_at, seed):
    loss = random_loss(seed)
    tab = look_at(play(loss, None))
    graph = graph_of("test", loss)
    check(tab, graph, 6)
    tab.evaluate("(v) => setNumber(DATA.cards.find(isLeaf).id, 1, v)", 0.7)
    check(tab, graph, 3)


PAGES = [(model, "op") for model in MODELS]
PAGES += [(model, "primitive") for model in (attention, losses, moved)]


@pytest.mark.parametrize(("model", "level"), PAGES)
def test_so_they_are_on_other_pages(look_at, model, level):
    loss, settings = model()
    graph = graph_of("test", loss, level, **settings)
    tab = look_at(play(loss, None, level, **settings))
    if tab.evaluate(
        "Math.max(...DATA.cards.map((c) => pathsOf(c.id, 0).count)) > 1000"
    ):
        pytest.skip("has more paths than are followed")
    check(tab, graph, 5)


# --- what a reader sees ---------------------------------------------------------------


def two_ways(first=0.3):
    x = Tensor([[1.0, 2.0]])
    w = Tensor([[first], [-0.25]], requires_grad=True)
    with record():
        h = x @ w
        up = h.tanh()
        down = h * -0.5
        loss = (up + down).sum()
    return loss


def test_a_button_beside_a_number_lights_its_paths(look_at):
    tab = look_at(play(two_ways(), None))
    tab.click("[data-card=n1]")
    tab.click("td.cell >> nth=0")
    assert tab.is_hidden("#paths")
    tab.click("#edited-paths")
    told = tab.inner_text("#paths-told").replace(MINUS, "-")
    assert told.startswith("∂loss/∂w[0,0] = ")
    assert told.endswith(", the sum along 2 paths:")
    lines = [
        line.replace(MINUS, "-")
        for line in tab.locator("#paths-list li").all_inner_texts()
    ]
    assert [line.partition(":")[0] for line in lines] == [
        "w → h → up → add → loss",
        "w → h → down → add → loss",
    ]
    shares = [float(line.partition(" ∂ = ")[2]) for line in lines]
    slope = 1.0 - math.tanh(0.3 - 0.5) ** 2
    assert shares == pytest.approx([slope, -0.5], rel=1e-5)
    assert float(told.split()[2].strip(",")) == pytest.approx(sum(shares), rel=1e-5)
    titles = tab.locator(".card.along .card-title")
    lit = titles.all_inner_texts()
    assert any(title.startswith("up =") for title in lit)
    assert not any(title.startswith("down =") for title in lit)
    assert tab.locator(".link.back.along").count() == 4
    assert tab.locator("#lights .flow").count() == 5
    tab.click("#paths-list button >> nth=1")
    assert any(title.startswith("down =") for title in titles.all_inner_texts())


def test_paths_follow_an_edit_and_end_with_the_step(look_at):
    tab = look_at(play(two_ways(), None))
    tab.click("[data-card=n1]")
    tab.click("td.cell >> nth=0")
    tab.click("#edited-paths")
    tab.evaluate("edit(2.5)")
    line = tab.locator("#paths-list li >> nth=1").inner_text().replace(MINUS, "-")
    assert line.startswith("w → h → up")  # the other is the stronger now
    slope = 1.0 - math.tanh(2.5 - 0.5) ** 2
    assert float(line.partition(" ∂ = ")[2]) == pytest.approx(slope, rel=1e-4)
    tab.evaluate("jump(0)")
    assert tab.is_hidden("#paths")
    assert tab.locator(".along").count() == 0


def test_the_keyboard_follows_a_number_of_a_card(look_at):
    tab = look_at(play(two_ways(), None), "#step=1")
    tab.focus("td.cell >> nth=0")
    tab.keyboard.press("Enter")
    assert tab.is_visible("#tree")
    assert tab.is_hidden("#paths")
    tab.focus("#tree .to-paths")
    tab.keyboard.press("Enter")
    assert "the sum along 2 paths" in tab.inner_text("#paths-told")
    assert tab.is_hidden("#tree")  # one thing at a time
    assert tab.evaluate("document.activeElement.closest('#paths-list') !== null")
    tab.focus("#paths-back")
    tab.keyboard.press("Enter")
    assert tab.is_visible("#tree")
    assert tab.is_hidden("#paths")
    tab.click("#tree .to-paths")
    tab.click("#paths-close")
    assert tab.is_hidden("#paths")
    assert tab.is_hidden("#tree")


def test_of_very_many_paths_the_strongest_are_shown(look_at):
    """2¹² of them, of which a thousand are followed."""
    x = Tensor([0.1, 0.2], requires_grad=True)
    with record():
        h = x
        for _ in range(12):
            h = h + 0.5 * h.tanh()
        loss = h.sum()
    tab = look_at(play(loss, None))
    found = tab.evaluate(PATHS_OF, ["n0", 0])
    assert found["count"] == 2**12
    assert 300 < len(found["found"]) <= 1000
    strongest = found["found"][0]
    assert len(strongest["cards"]) == 14  # along no tanh
    assert strongest["share"] == pytest.approx(1.0)
    tab.evaluate("trace({ card: CARDS.get('n0'), which: 'value', row: 0, column: 0 })")
    told = tab.inner_text("#paths-told")
    assert "the sum along 4,096 paths; these are the strongest of the" in told


def test_a_page_that_only_plays_follows_no_paths(look_at, monkeypatch):
    monkeypatch.setattr("tinygrad_attn.pictures.page.live.MOST", 1)
    tab = look_at(play(two_ways(), None), "#step=1")
    tab.click("td.cell >> nth=0")
    assert tab.is_visible("#tree")
    assert tab.locator(".to-paths").count() == 0


def test_on_a_phone_a_way_leads_from_the_number_to_its_paths(look_at):
    phone = {"has_touch": True, "is_mobile": True}
    tab = look_at(play(two_ways(), None), size=(390, 780), own=phone)
    tab.evaluate("showLeaf('n1')")
    tab.tap("td.cell >> nth=0")
    tab.tap("#edited-paths")
    tops = "['paths', 'editor', 'panel'].map((id) =>"
    tops += " document.getElementById(id).getBoundingClientRect())"
    paths, editor, panel = tab.evaluate(f"{tops}.map((b) => [b.top, b.bottom])")
    assert tab.is_hidden("#readout")
    assert editor[1] - 1 <= paths[0]
    assert paths[1] <= panel[1] + 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("weight", "weight"),
        ("layers.0.self_attn.q_proj.weight", "layers.0…n.q_proj.weight"),
        ("layers.1.self_attn.k_proj.weight", "layers.1…n.k_proj.weight"),
        ("a" * 9000 + "b", "a" * 8 + "…" + "a" * 14 + "b"),
        ("\U0001f600" * 30, "\U0001f600" * 8 + "…" + "\U0001f600" * 15),
    ],
)
def test_a_long_name_keeps_its_end(look_at, name, wanted):
    tab = look_at(play(Tensor([2.0], requires_grad=True).sum(), None))
    assert tab.evaluate("(name) => fitName(name)", name) == wanted
