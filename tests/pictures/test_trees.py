"""The tree of a number: what it was made from, opened term by term, down to leaves."""

from __future__ import annotations

import pytest
from conftest import flatten
from played import MODELS, attention, page_of

from tinygrad_attn import Tensor, play, record, unfold

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

# Of each number of the page: itself, and what its tree has below it.
TERMS = """(which) => DATA.cards.flatMap((card) =>
    (card[which]?.rows ?? []).flatMap((row) =>
    card[which].columns.map((column) => {
        const { cells = [] } = storyInTree({ card, which, row, column });
        return [card.id, row, column,
            cells.map((c) => [c.card.id, c.send ? "send" : c.which, c.row, c.column])];
    })))"""


def small():
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    w = Tensor([[0.3, 0.1], [-0.25, 0.2]], requires_grad=True)
    with record():
        return ((x @ w).tanh() ** 2).sum()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("which", ["value", "gradient"])
def test_every_term_of_a_tree_comes_before_its_number(look_at, model, which):
    """Values are made of earlier values; gradients of values and of later gradients. So
    each tree ends."""
    tab = look_at(page_of(model))
    tab.evaluate("jump(LAST)")
    place = {id: i for i, id in enumerate(tab.evaluate("DATA.cards.map((c) => c.id)"))}
    found = 0
    for id, _, _, cells in tab.evaluate(TERMS, which):
        for other, kind, _, _ in cells:
            found += 1
            if kind == "send":
                assert which == "gradient"
                assert other == id
            elif which == "value":
                assert kind == "value"
                assert place[other] < place[id]
            else:
                assert kind == "value" or place[other] > place[id]
    assert found > 10


def test_the_terms_of_a_product_are_its_factors(look_at):
    tab = look_at(page_of(attention))
    loss, settings = attention()
    graph = unfold(loss, **settings)
    node = graph.node("weights")
    (user,) = {edge.target for edge in graph.uses(node)}
    (x, y) = (graph.by_id(e.source) for e in graph.inputs(graph.by_id(user)))
    values = {n.id: flatten(n.value) for n in (x, y)}
    terms = {
        (id, row, column): cells
        for id, row, column, cells in tab.evaluate(TERMS, "value")
    }
    width = y.shape[-1]
    for row in range(x.shape[-2]):
        for column in range(width):
            cells = terms[user, row, column]
            numbers = [values[id][i * len_of(x, y, id) + j] for id, _, i, j in cells]
            total = sum(a * b for a, b in zip(numbers[::2], numbers[1::2]))
            want = graph.by_id(user).value[row][column]
            assert total == pytest.approx(want, rel=1e-9)


def len_of(x, y, id):
    return (x if id == x.id else y).shape[-1]


def test_a_click_opens_term_after_term_down_to_a_leaf(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("jump(STEPS.findIndex((s) => CARDS.get(s.card).name === 'tanh'))")
    assert tab.is_hidden("#tree")
    tab.locator("#explanation td.cell").first.click()
    assert tab.is_visible("#tree")
    assert "tanh" in tab.inner_text("#tree p.how >> nth=0")
    tab.locator("#tree summary").first.click()
    texts = tab.locator("#tree li").all_inner_texts()
    assert any("w[0,0] = .3" in text for text in texts)
    assert any("x[0,1] = 2" in text and "input" not in text for text in texts)
    tab.evaluate("move(1)")
    assert tab.is_hidden("#tree")


def test_a_tree_follows_an_edit_and_stays_open(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST)")
    tab.evaluate("plant({ card: DATA.cards.find((c) => c.name === 'tanh'), "
                 "which: 'value', row: 0, column: 0 })")  # fmt: skip
    tab.locator("#tree summary").first.click()
    before = tab.inner_text("#tree")
    tab.evaluate("setNumber('n1', 0, 0.9); showEdit()")
    assert "w[0,0] = .9" in tab.inner_text("#tree")
    assert tab.inner_text("#tree") != before


def test_the_keyboard_opens_terms(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("jump(STEPS.findIndex((s) => CARDS.get(s.card).name === 'tanh'))")
    tab.locator("#explanation td.cell").first.focus()
    tab.keyboard.press("Enter")
    tab.locator("#tree summary").first.focus()
    step = tab.evaluate("STATE.step")
    tab.keyboard.press(" ")
    assert tab.locator("#tree details[open]").count() == 1
    assert not tab.evaluate("STATE.playing")
    assert tab.evaluate("STATE.step") == step


def test_a_gradient_opens_into_what_came_along_each_path(look_at):
    x = Tensor([2.0, 3.0], requires_grad=True)
    with record():
        loss = (x * x + x).sum()
    tab = look_at(play(loss, None))
    tab.evaluate("jump(LAST); showLeaf('n0')")
    tab.locator("#explanation section.gradient td.cell").first.click()
    texts = tab.locator("#tree summary").all_inner_texts()
    assert [text.split(" from ")[0] for text in texts] == ["∂x[0]"] * 3
