"""What a reader changes on a page, beside its leaves, and what the page says of it. The
truth is the engine's: the same change, made in Python."""

from __future__ import annotations

import math

import pytest
from again import assert_close, by_the_engine
from conftest import flatten

import nn
from tinygrad_attn import (
    Tensor,
    functional,
    manual_seed,
    play,
    randn,
    record,
    unfold,
)
from tinygrad_attn.graph.unfold import graph_of

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

MINUS = "\N{MINUS SIGN}"
VALUES = """() => Object.fromEntries(DATA.cards.map((c) =>
    [c.id, numbersAt(PROGRAM, c.at.value)]))"""
GRADIENTS = """() => Object.fromEntries(
    DATA.cards.filter((c) => c.at.gradient)
        .map((c) => [c.id, numbersAt(PROGRAM, c.at.gradient)]))"""
EDIT = "([id, at, v]) => setNumber(id, at, v)"


def until(tab, script):
    """Waits for what a script says. (Playwright's own waiting is refused by a page's
    policy.)"""
    for _ in range(300):
        if tab.evaluate(script):
            return
        tab.wait_for_timeout(50)
    raise TimeoutError(script)


def same_numbers(tab, graph, edit):
    """Whether the page has what the engine computes of a graph after an edit."""
    want = by_the_engine(graph, edit)
    for script, theirs in zip((VALUES, GRADIENTS), want):
        for id, numbers in tab.evaluate(script).items():
            assert_close(id, numbers, theirs[id], theirs.values())


class Attention(nn.Module):
    """Two heads, of which scale, mask and tokens can be chosen."""

    def __init__(self, scale=None):
        manual_seed(3)
        self.embedding, self.out = nn.Embedding(5, 8), nn.Linear(8, 5)
        self.q, self.k, self.v = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.scale = scale

    def heads(self, x):
        return x.reshape(*x.shape[:2], 2, 4).transpose(1, 2)

    def forward(self, x, mask):
        q, k, v = self.heads(self.q(x)), self.heads(self.k(x)), self.heads(self.v(x))
        z = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, scale=self.scale
        )
        return z.transpose(1, 2).reshape(*x.shape)


ROWS = [[1, 2, 3, 0], [3, 2, 4, 1]]


def loss_of(model, rows=ROWS, masked=True):
    with record():
        x = model.embedding(Tensor(rows))
        logits = model.out(model(x, functional.causal_mask(4) if masked else None))
        return functional.cross_entropy(logits.reshape(-1, 5), [0, 1, 2, 3] * 2)


def words(tab, selector):
    return tab.inner_text(selector).replace("\n", " ")


# --- plain numbers between ------------------------------------------------------------


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_a_factor_in_a_formula_is_changed(look_at, level):
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with record():
        loss = ((x.tanh() * 0.5 + 0.25) ** 2).sum()
    tab = look_at(play(loss, None, level=level))
    graph = graph_of("test", loss, level)
    (id,) = [n.id for n in graph if n.op == "mul" and 0.5 in n.arguments]
    tab.click(f"[data-card={id}]")
    tab.click("button.given")
    tab.fill("#number", "2")
    tab.press("#number", "Enter")
    same_numbers(tab, graph, {f"{id}_1": [2.0]})
    assert words(tab, "#explanation .formula").endswith("⊙ 2")
    assert words(tab, f"[data-card={id}] .card-title").endswith("⊙ 2")
    assert "before .5" in tab.inner_text("#before")
    tab.click("#undo")
    assert words(tab, "#explanation .formula").endswith("⊙ .5")
    same_numbers(tab, graph, {})


def test_what_is_said_of_a_step_has_its_new_number(look_at):
    """Its formula, its sum, its rule; and nothing that is so for one number alone."""
    tab = look_at(play(loss_of(Attention()), None))
    graph = graph_of("test", loss_of(Attention()))
    (energies,) = [n for n in graph if n.name == "energies"]
    card = f"CARDS.get('{energies.id}')"
    assert "√d_k" in tab.evaluate(f"{card}.sentence")
    tab.evaluate(EDIT, [f"{energies.id}_1", 0, -3.0])
    tab.evaluate("showEdit()")
    assert "√d_k" not in tab.evaluate(f"{card}.sentence")
    assert tab.evaluate(f"{card}.formula") == f"energies = products ⊙ ({MINUS}3)"
    assert tab.evaluate(f"linksInto({card})[0].rule").endswith(f"⊙ ({MINUS}3)")
    assert tab.evaluate(f"sendsOf({card})[0].rule").endswith(f"⊙ ({MINUS}3)")
    tab.evaluate("jump(LAST)")
    lines = tab.evaluate(f"valueStory({card}, 0, 0).lines")
    assert f"({MINUS}3)" in lines[1]
    for step in (0, -1):  # forward, and back again
        tab.evaluate(f"jump(STEPS_OF.get('{energies.id}').at({step}))")
        tab.evaluate(EDIT, [f"{energies.id}_1", 0, 4.0])
        tab.evaluate("showEdit()")
        assert "√d_k" not in words(tab, "#explanation")
        assert words(tab, "#explanation .rule").endswith("⊙ 4")
    tab.evaluate("takeBack(false)")
    assert "√d_k" in words(tab, "#explanation")
    assert "√d_k" in tab.evaluate(f"{card}.sentence")
    assert tab.evaluate(f"{card}.formula") == "energies = products ⊙ .5"


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_a_factor_in_one_head_is_that_of_the_whole_model(look_at, level):
    model = Attention()
    part = {"head": (model, 1), "sample": 1, "level": level}
    tab = look_at(play(loss_of(model), None, **part))
    assert tab.evaluate("ENTIRE !== null")
    graph = unfold(loss_of(model), **part)
    (energies,) = [n for n in graph if n.name == "energies"]
    assert tab.evaluate(EDIT, [f"{energies.id}_1", 0, 1.25]) == ""
    model.scale = 1.25
    loss = loss_of(model)
    assert tab.evaluate("lossNow()") == pytest.approx(loss.item(), rel=1e-12)
    now = unfold(loss, **part)
    for script, what in ((VALUES, "value"), (GRADIENTS, "gradient")):
        got = tab.evaluate(script)
        every = {n.id: flatten(getattr(n, what)) for n in now if n.id in got}
        for id, numbers in got.items():
            assert_close(id, numbers, every[id], every.values())


def test_an_eps_in_a_norm_is_that_of_the_whole_model(look_at):
    def loss_with(eps):
        manual_seed(1)
        x, norm = randn(2, 4).requires_grad_(), nn.LayerNorm(4, eps=eps)
        with record():
            return norm, (norm(x) * norm(x * 2.0)).sum()

    norm, loss = loss_with(1e-5)
    part = {"module": norm, "level": "primitive"}
    tab = look_at(play(loss, None, **part))
    graph = unfold(loss, **part)
    eps = [f"{n.id}_1" for n in graph if 1e-5 in n.arguments]
    assert len(eps) == 2
    for name in eps:
        assert tab.evaluate(EDIT, [name, 0, 0.5]) == ""
    assert tab.evaluate("lossNow()") == pytest.approx(loss_with(0.5)[1].item())


def test_a_number_that_the_whole_lacks_cannot_be_changed(look_at):
    tab = look_at(play(loss_of(model := Attention()), None, head=(model, 1)))
    graph = unfold(loss_of(model), head=(model, 1))
    (energies,) = [n.id for n in graph if n.name == "energies"]
    tab.evaluate("LIVE.links.given = {}")
    tab.click(f"[data-card={energies}]")
    assert tab.locator("button.given").count() == 0
    assert "cannot be changed here" in tab.get_attribute(".formula .fixed", "title")
    assert not tab.evaluate(f"canChange('{energies}_1', 0)")


# --- switches -------------------------------------------------------------------------


def switch(tab, text):
    if not tab.evaluate("SWITCHES.open"):
        tab.click("#switches summary")
    tab.click(f"#switches button:has-text('{text}')")


@pytest.mark.parametrize("where", ["whole", "head"])
def test_without_a_mask(look_at, where):
    model = Attention()
    part = {"head": (model, 0)} if where == "head" else {}
    tab = look_at(play(loss_of(model), None, **part))
    before = tab.evaluate("recordedLoss")
    switch(tab, "mask off")
    free = loss_of(model, masked=False).item()
    assert tab.evaluate("lossNow()") == pytest.approx(free, rel=1e-12)
    said = words(tab, "#what")
    assert said.startswith("mask off: loss ")
    assert f"→ {free:.6g}" in said
    button = tab.locator("#switches button:has-text('mask off')")
    assert button.get_attribute("aria-pressed") == "true"
    until(tab, "location.hash.includes('edit=off=')")
    tab.evaluate("downhill_now = () => goDownhill(1); downhill_now()")
    switch(tab, "mask off")  # taken back, with what was done since
    assert button.get_attribute("aria-pressed") == "false"
    assert tab.evaluate("DONE.map(({op}) => op.split('=')[0]).join()") == "off,down,on"
    for _ in range(3):
        tab.click("#undo")
    assert tab.evaluate("lossNow()") == before


def added(hidden):
    """Attention whose mask is added to its scores; and one that is computed."""
    manual_seed(5)
    x = randn(3, 4).requires_grad_()
    causal = Tensor([[0.0, hidden, hidden], [0.0, 0.0, hidden], [0.0, 0.0, 0.0]])
    places = Tensor([0.0, 1.0, 2.0])
    with record():
        z = functional.softmax(x @ x.transpose(0, 1) + causal, -1) @ x
        earlier = places.reshape(1, 3) <= places.reshape(3, 1)
        y = functional.scaled_dot_product_attention(z, z, z, earlier)
        return (y * y).sum()


@pytest.mark.parametrize("hidden", [-math.inf, -1e9])
def test_without_a_mask_that_is_added(look_at, hidden):
    tab = look_at(play(added(hidden), None))
    before = tab.evaluate("recordedLoss")
    switch(tab, "causal off")
    assert tab.evaluate("lossNow()") == pytest.approx(added(0.0).item(), rel=1e-12)
    graph = unfold(added(hidden))
    same_numbers(tab, graph, {graph.node("causal").id: [0.0] * 9})
    tab.click("#undo")
    assert tab.evaluate("lossNow()") == before
    told = tab.inner_text("#switches .note")
    assert told.startswith("earlier is computed here: it follows the numbers that")


@pytest.mark.parametrize("where", ["whole", "head"])
def test_without_the_root_of_d_k(look_at, where):
    model = Attention()
    part = {"head": (model, 0)} if where == "head" else {}
    tab = look_at(play(loss_of(model), None, **part))
    before = tab.evaluate("recordedLoss")
    switch(tab, "without √d_k")
    unscaled = loss_of(Attention(scale=1.0)).item()
    assert tab.evaluate("lossNow()") == pytest.approx(unscaled, rel=1e-12)
    switch(tab, "without √d_k")
    assert tab.evaluate("lossNow()") == before
    assert tab.evaluate("DONE.length") == 0


def test_only_what_applies_is_offered(look_at):
    """Choices that are no mask, a softmax that is no attention."""
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with record():
        kept = functional.softmax(x * 0.7, -1).sum()
        loss = kept + functional.relu(x).sum()
    tab = look_at(play(loss, None))
    assert tab.is_hidden("#switches")


def test_another_factor_is_not_called_the_root_of_d_k(look_at):
    tab = look_at(play(loss_of(Attention(scale=0.3), masked=False), None))
    assert tab.locator("#switches button").all_text_contents() == ["swap two tokens"]


def test_two_tokens_change_places(look_at):
    model = Attention()
    tab = look_at(play(loss_of(model), None))
    switch(tab, "swap two tokens")
    picks = tab.locator("button.pick")
    assert picks.count() == 4  # the columns of the indices
    picks.nth(1).click()
    picks.nth(3).click()
    swapped = [[row[0], row[3], row[2], row[1]] for row in ROWS]
    want = loss_of(model, swapped).item()
    assert tab.evaluate("lossNow()") == pytest.approx(want, rel=1e-12)
    assert words(tab, "#what").startswith("tokens 1 and 3 changed places: loss ")
    assert picks.count() == 0
    tab.click("#undo")
    assert tab.evaluate("lossNow() === recordedLoss")


def test_names_of_tokens_move_with_their_numbers(look_at):
    model = Attention()
    tab = look_at(play(loss_of(model), None, tokens=["a", "b", "c", "d"]))
    indices = tab.evaluate("SPOKEN")
    tab.evaluate(f"swap(exchange('{indices}'), 0, 3); showEdit()")
    assert tab.evaluate("namesFor(4, 0)") == ["d", "b", "c", "a"]


def test_labels_move_with_their_rows(look_at):
    model = Attention()
    part = {"head": (model, 0), "sample": 1}
    tokens = ["the", "cat", "sat", "down"]
    tab = look_at(play(loss_of(model), None, tokens=tokens, **part))
    switch(tab, "swap two tokens")
    tab.locator("tbody button.pick").nth(0).click()
    tab.locator("tbody button.pick").nth(2).click()
    assert tab.locator("tbody th .token").all_text_contents()[:4] == [
        *("sat", "cat", "the", "down")
    ]
    tab.evaluate("jump(3)")
    assert tab.locator("tbody th .token").all_text_contents()[0] == "sat"
    tab.click("#undo")
    assert tab.locator("tbody th .token").all_text_contents()[0] == "the"


def test_an_address_holds_switches(look_at):
    model = Attention()
    graph = graph_of("test", loss_of(model))
    (mask,) = [n.id for n in graph if n.dtype == "bool" and not n.arguments]
    (scale,) = [f"{n.id}_1" for n in graph if n.name == "energies"]
    (indices,) = [n.id for n in graph if n.dtype == "int64" and len(n.shape) == 2]
    done = f"off={mask},off={scale},swap={indices}:0:1,down=0.1x3,on={mask}"
    tab = look_at(play(loss_of(model), None), f"#edit={done}")
    assert tab.evaluate("DONE.map(({ op }) => op).join()") == done


def test_an_address_that_does_not_fit_is_left_out(look_at):
    bad = "off=n0,off=,swap=n0:0,swap=n0:0:9,swap=n1:0:1,down=1x0,down=x,on=<b>"
    tab = look_at(play(loss_of(Attention()), None), f"#edit={bad},n0:99=1,%25")
    assert tab.evaluate("DONE.length") == 0


def test_a_mask_that_leaves_a_query_nothing_is_refused(look_at):
    """The engine gives such a row zeros, but records another graph for it."""
    tab = look_at(play(loss_of(Attention()), None))
    graph = graph_of("test", loss_of(Attention()))
    (mask,) = [n.id for n in graph if n.dtype == "bool" and not n.arguments]
    said = tab.evaluate(EDIT, [mask, 0, 0])
    assert "a query would see nothing" in said
    assert tab.evaluate(f"numberOf('{mask}', 0)") == 1
    assert tab.evaluate("lossNow() === recordedLoss")


# --- cells as handles -----------------------------------------------------------------


def small(first=0.3):
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    w = Tensor([[first, 0.1], [-0.25, 0.2]], requires_grad=True)
    with record():
        return ((x @ w).tanh() ** 2).sum()


def middle(tab, nth=0):
    box = tab.locator("td.cell.editable").nth(nth).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_cell_is_dragged(look_at):
    tab = look_at(play(small(), None), "#step=2")
    tab.click("[data-card=n1]")
    x, y = middle(tab)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 10, y)
    x += 10
    tab.mouse.move(x + 40, y, steps=4)
    tab.mouse.up()
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == pytest.approx(0.7)
    assert tab.evaluate("lossNow()") == pytest.approx(small(0.7).item(), rel=1e-12)
    assert tab.evaluate("DONE.length") == 1
    assert tab.evaluate("chosen.at") == 0
    x, y = middle(tab)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 3, y + 60, steps=4)
    tab.mouse.move(x + 60, y + 60, steps=4)
    tab.mouse.up()
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == pytest.approx(0.7)


def test_a_finger_drags_to_the_side_and_scrolls_up_and_down(look_at):
    own = {"has_touch": True, "is_mobile": True}
    tab = look_at(play(small(), None), own=own, size=(390, 844))
    tab.evaluate("showLeaf('n1'); jump(LAST); showLeaf('n1')")
    tab.locator("td.cell.editable").first.scroll_into_view_if_needed()
    wire = tab.context.new_cdp_session(tab)

    def finger(kind, *points):
        touches = [{"x": px, "y": py} for px, py in points]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    x, y = middle(tab)
    finger("touchStart", (x, y))
    for dx in range(0, 50, 5):
        finger("touchMove", (x + dx, y))
    finger("touchEnd")
    dragged = tab.evaluate("PROGRAM.arrays.n1[0]")
    assert dragged > 0.4
    before = tab.evaluate("document.getElementById('panel').scrollTop")
    x, y = middle(tab, 1)
    finger("touchStart", (x, y))
    for dy in range(0, 80, 5):
        finger("touchMove", (x, y - dy))
    finger("touchEnd")
    tab.wait_for_timeout(300)
    assert tab.evaluate("PROGRAM.arrays.n1.slice(0, 2)") == [dragged, 0.1]
    assert tab.evaluate("document.getElementById('panel').scrollTop") > before


def test_whole_numbers_step_by_one_and_stay_in_range(look_at):
    tab = look_at(play(loss_of(Attention()), None))
    graph = graph_of("test", loss_of(Attention()))
    (id,) = [n.id for n in graph if n.dtype == "int64" and len(n.shape) == 2]
    tab.evaluate(f"jump(LAST); showLeaf('{id}')")
    tab.locator("td.cell.editable").nth(2).click()
    assert tab.get_attribute("#number", "aria-valuemin") == "0"
    assert tab.get_attribute("#number", "aria-valuemax") == "4"
    tab.press("#number", "ArrowUp")
    assert tab.evaluate(f"numberOf('{id}', 2)") == 4
    tab.press("#number", "ArrowUp")
    assert tab.evaluate(f"numberOf('{id}', 2)") == 4
    tab.press("#number", "PageDown")
    assert tab.evaluate(f"numberOf('{id}', 2)") == 0
    loss = loss_of(Attention(), [[1, 2, 0, 0], ROWS[1]]).item()
    assert tab.evaluate("lossNow()") == pytest.approx(loss, rel=1e-12)
    tab.fill("#number", "9")
    tab.press("#number", "Enter")
    assert "allowed is 0..4" in tab.inner_text("#told")
    assert tab.evaluate(f"numberOf('{id}', 2)") == 0


def test_an_index_says_from_which_row_its_numbers_come(look_at):
    tab = look_at(play(loss_of(Attention()), None))
    graph = graph_of("test", loss_of(Attention()))
    (id,) = [n.id for n in graph if n.dtype == "int64" and len(n.shape) == 2]
    (rows,) = [n.id for n in graph if n.op == "take"]
    tab.evaluate(EDIT, [id, 1, 4])
    tab.evaluate("showEdit(); jump(LAST)")
    told = tab.evaluate(f"valueStory(CARDS.get('{rows}'), 1, 3).lines")
    assert "weight[4,3]" in told[0]


def test_by_keyboard_alone(look_at):
    """From a cell with the arrow keys to its field, typed into; all is announced."""
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST); showLeaf('n1')")
    tab.locator("td.cell.editable").first.focus()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.type("0.5")  # 0 is also the page's key for the whole drawing
    tab.keyboard.press("Enter")
    assert tab.evaluate("PROGRAM.arrays.n1[2]") == 0.5
    field = tab.locator("#number")
    assert field.get_attribute("role") == "spinbutton"
    assert field.get_attribute("aria-valuenow") == "0.5"
    assert field.get_attribute("aria-label") == "the number w[1,0]"
    assert field.get_attribute("aria-valuetext").startswith(".5, loss 1.")
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("PROGRAM.arrays.n1[2]") == 0.51
    label = tab.locator("td.cell.editable").nth(2).get_attribute("aria-label")
    assert label == f"row 1, column 0: .51, before {MINUS}.25"


def test_a_mask_is_toggled_by_keyboard(look_at):
    tab = look_at(play(loss_of(Attention()), None))
    graph = graph_of("test", loss_of(Attention()))
    (mask,) = [n.id for n in graph if n.dtype == "bool" and not n.arguments]
    tab.evaluate(f"jump(LAST); showLeaf('{mask}')")
    tab.locator("td.cell.editable").nth(1).focus()
    tab.keyboard.press("Enter")
    assert tab.evaluate(f"numberOf('{mask}', 1)") == 1
    tab.keyboard.press("Enter")
    assert tab.evaluate("DONE.length") == 1
    assert tab.evaluate("lossNow() === recordedLoss")


# --- what was there before ------------------------------------------------------------


def test_changed_cells_and_cards_show_what_was_before(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST); showLeaf('n1')")
    tab.locator("td.cell.editable").first.click()
    tab.fill("#number", "0.9")
    tab.press("#number", "Enter")
    cells = tab.locator("td.cell.editable")
    assert cells.nth(0).get_attribute("data-before") == ".30"
    assert cells.nth(1).get_attribute("data-before") is None
    marked = tab.locator(".card.other").count()
    assert marked == tab.evaluate("DATA.cards.length") - 1  # all but x
    assert tab.locator("[data-card=n0].other").count() == 0
    tab.click("#back")
    assert tab.inner_text("#recorded") == "as recorded"
    assert cells.nth(0).inner_text() == ".30"
    assert tab.locator(".card.other").count() == 0
    tab.click("#back")
    assert cells.nth(0).inner_text() == ".90"
    assert tab.evaluate("lossNow()") == pytest.approx(small(0.9).item(), rel=1e-12)
    tab.click("#back")
    tab.evaluate("edit(0.8)")  # ends looking back
    assert tab.get_attribute("#back", "aria-pressed") == "false"
    assert tab.evaluate("lossNow()") == pytest.approx(small(0.8).item(), rel=1e-12)


def test_what_changed_is_marked_until_the_next_change(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST); showLeaf('n1')")
    tab.evaluate(EDIT, ["n1", 0, 0.9])
    tab.evaluate("showEdit()")
    assert tab.locator("td.changed").count() > 0
    assert tab.locator("[data-card=n0].changed").count() == 0
    tab.evaluate("showEdit()")
    assert tab.locator(".changed").count() == 0


# --- steps downhill -------------------------------------------------------------------


def gradient_descent(rate, steps):
    """The loss after each step of an optimizer of ours."""
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    w = nn.Parameter(Tensor([[0.3, 0.1], [-0.25, 0.2]]))
    optimizer = nn.optim.SGD([w], lr=rate)
    for _ in range(steps):
        loss = ((x @ w).tanh() ** 2).sum()
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    yield ((x @ w).tanh() ** 2).sum().item()


def test_a_run_of_steps_is_one_thing_done(look_at):
    tab = look_at(play(small(), None))
    tab.fill("#steps", "25")
    tab.fill("#rate", "0,1")  # a comma is a point
    tab.click("#run")
    until(tab, "run === null")
    want = [*gradient_descent(0.1, 25)]
    assert tab.evaluate("losses") == pytest.approx(want, rel=1e-12)
    assert tab.evaluate("DONE.map(({ op }) => op)") == ["down=0.1x25"]
    said = words(tab, "#what")
    assert "after 25 steps downhill" in said
    assert "Plain gradient descent" in said
    assert "does not know" in said
    assert tab.is_visible("#curve")
    points = tab.evaluate("TOOLS.curve.querySelector('polyline').points.length")
    assert points == 26
    ends = "[Math.max(...losses), Math.min(...losses)].map(exact)"
    scale = tab.locator("#curve text").all_text_contents()
    assert scale == tab.evaluate(ends)
    assert len({*scale}) == 2
    tab.click("#downhill")
    assert tab.evaluate("losses.length") == 27
    tab.click("#undo")
    assert tab.evaluate("losses.length") == 26
    tab.click("#undo")
    assert tab.evaluate("lossNow() === recordedLoss")
    assert tab.is_hidden("#curve")


def test_a_run_grows_and_is_stopped(look_at):
    tab = look_at(play(small(), None))
    tab.fill("#steps", "10000")
    tab.click("#run")
    assert tab.inner_text("#run") == "stop"
    assert tab.get_attribute("#loss", "aria-live") == "off"
    until(tab, "losses.length > 3 && !TOOLS.curve.hidden")
    tab.click("#run")
    assert tab.inner_text("#run") == "run"
    steps = tab.evaluate("losses.length - 1")
    assert 0 < steps < 10_000
    assert tab.evaluate("DONE.at(-1).op") == f"down=0.1x{steps}"
    want = [*gradient_descent(0.1, steps)]
    assert tab.evaluate("losses") == pytest.approx(want, rel=1e-9)
    tab.click("#run")  # an edit ends a run, too
    tab.evaluate("showLeaf('n1'); chooseCell(TABLES[0].cells[0][0]); edit(0.3)")
    assert tab.evaluate("run === null")
    assert tab.evaluate("DONE.at(-1).op").startswith("n1:0=")
    for _ in range(tab.evaluate("DONE.length")):
        tab.click("#undo")
    assert tab.evaluate("lossNow() === recordedLoss")


def test_steps_that_overshoot_are_said_and_undone(look_at):
    w = Tensor([3.0], requires_grad=True)
    with record():
        loss = (w**4).sum()
    tab = look_at(play(loss, None))
    tab.fill("#rate", "10")
    tab.click("#run")
    until(tab, "run === null")
    assert not tab.evaluate("Number.isFinite(lossNow())")
    said = words(tab, "#what")
    assert "the steps overshoot" in said
    assert "Undo" in said
    tab.click("#undo")
    assert tab.evaluate("lossNow() === recordedLoss")


@pytest.mark.parametrize("steps", ["0", "-3", "1.5", "a few", "1000000"])
def test_a_number_of_steps_that_is_none_is_said(look_at, steps):
    tab = look_at(play(small(), None))
    tab.fill("#steps", steps)
    tab.click("#run")
    assert "whole number of 1 to 10000 steps" in tab.inner_text("#what")
    assert tab.evaluate("DONE.length === 0 && run === null")


# --- nothing breaks -------------------------------------------------------------------


def test_a_thousand_edits_and_all_of_them_undone(look_at):
    loss = small()
    graph, tab = graph_of("test", loss), look_at(play(loss, None))
    tab.evaluate(
        """() => { for (let i = 0; i < 1000; i++) {
            setNumber(i % 2 ? 'n1' : 'n0', (i >> 1) % 4, Math.sin(i));
            if (i % 100 === 0) showEdit();
        } showEdit(); }"""
    )
    assert tab.evaluate("DONE.length") == 1000
    now = {id: tab.evaluate(f"[...PROGRAM.arrays.{id}]") for id in ("n0", "n1")}
    same_numbers(tab, graph, now)
    tab.evaluate("for (let i = 0; i < 1000; i++) takeBack(false)")
    assert tab.evaluate("DONE.length") == 0
    assert tab.evaluate("lossNow() === recordedLoss")
    same_numbers(tab, graph, {})


@pytest.mark.parametrize("v", [1e308, -1e308, 1e-320, 1e200])
def test_huge_numbers_are_shown_and_taken_back(look_at, v):
    w = Tensor([3.0, 1.0], requires_grad=True)
    with record():
        loss = ((w * w).exp() - w).sum()
    tab = look_at(play(loss, None))
    tab.evaluate("jump(LAST); showLeaf('n0')")
    tab.locator("td.cell.editable").first.click()
    tab.fill("#number", str(v))
    tab.press("#number", "Enter")
    assert tab.evaluate("numberOf('n0', 0)") == v
    for step in range(tab.evaluate("STEPS.length")):
        tab.evaluate(f"jump({step})")
    tab.evaluate("showLeaf('n0'); chooseCell(TABLES[0].cells[0][0]); nudge()")
    tab.click("#downhill")
    tab.click("#undo")
    tab.click("#undo")
    assert tab.evaluate("lossNow() === recordedLoss")


def test_typing_while_it_plays(look_at):
    """A cell that is chosen ends playing; a field that is typed into keeps its keys."""
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST); showLeaf('n1')")
    tab.locator("td.cell.editable").first.click()
    tab.focus("#number")
    tab.evaluate("CONTROLS.speed.value = '4'; play()")
    tab.evaluate("FIELDS.number.select()")
    tab.keyboard.type("-0.07")
    tab.keyboard.press("Home")
    tab.keyboard.press("Enter")
    assert tab.evaluate("PROGRAM.arrays.n1[0]") == -0.07
    assert tab.evaluate("STATE.playing")
    until(tab, "!STATE.playing")
    assert tab.evaluate("lossNow()") == pytest.approx(small(-0.07).item(), rel=1e-12)
    tab.evaluate("play(); showLeaf('n1'); chooseCell(TABLES[0].cells[0][0])")
    assert not tab.evaluate("STATE.playing")


def test_the_editor_closes_when_another_card_is_shown(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST); showLeaf('n1')")
    tab.locator("td.cell.editable").first.click()
    assert tab.is_visible("#editor")
    tab.click("#previous")
    assert tab.is_hidden("#editor")


def test_an_edit_in_a_folded_turn(look_at):
    """Its cards are not drawn; what is computed of it is there when its turn opens."""
    manual_seed(8)
    w, x = randn(2, 2).requires_grad_(), randn(12, 1, 2).requires_grad_()
    h = randn(1, 2)
    with record():
        for i in range(12):
            h = (h @ w + x[i]).tanh()
        loss = (h * h).sum()
    tab = look_at(play(loss, None))
    graph = graph_of("test", loss)
    leaf = graph.node("x").id
    numbers = flatten(graph.node("x").value)
    numbers[13] = 2.5  # of turn 7
    assert tab.evaluate(EDIT, [leaf, 13, 2.5]) == ""
    tab.evaluate("showEdit()")
    same_numbers(tab, graph, {leaf: numbers})
    tanh = [n.id for n in graph if n.op == "tanh"][6]
    tab.evaluate(f"jump(STEPS_OF.get('{tanh}')[0])")
    shown = tab.evaluate(f"CARDS.get('{tanh}').value.numbers")
    want = by_the_engine(graph, {leaf: numbers})[0][tanh]
    assert flatten(shown) == pytest.approx(want)
    assert tab.evaluate(f"VIEWS.get('{tanh}').button.hidden") is False


def test_another_address_brings_its_edits(look_at):
    tab = look_at(play(small(), None))
    tab.evaluate("location.hash = '#step=2&edit=n1:0=0.9'")
    until(tab, "DONE.length === 1")
    assert tab.evaluate("lossNow()") == pytest.approx(small(0.9).item(), rel=1e-12)
    tab.evaluate("location.hash = '#step=2'")
    until(tab, "DONE.length === 0")
    assert tab.evaluate("lossNow() === recordedLoss")


def test_dragging_does_not_write_the_address_too_often(look_at):
    """A browser complains of more than 200 in half a minute."""
    tab = look_at(play(small(), None))
    tab.evaluate(
        """() => { window.writes = 0; const own = history.replaceState;
            history.replaceState = (...all) => { writes++; own.apply(history, all); };
            for (let i = 0; i < 300; i++) {
                setNumber('n1', 0, i / 300);
                showEdit();
            } }"""
    )
    assert tab.evaluate("writes") < 50
    until(tab, "location.hash.endsWith(`edit=n1:0=${299 / 300}`)")


# --- floors ---------------------------------------------------------------------------


def deep(layers=6):
    """A model of more than 250 cards, which needs no folding to be one page."""
    manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
    embedding, encoder = nn.Embedding(4, 4), nn.TransformerEncoder(layer, layers)
    with record():
        z = encoder(embedding(Tensor([[1, 2, 3, 0]])), is_causal=True)
        return (z * z * randn(1, 4, 4)).sum()


def test_an_edit_paints_what_is_in_sight_and_the_rest_soon(look_at):
    tab = look_at(play(deep(), None))
    tab.evaluate("unfold(true); jump(LAST)")
    tab.evaluate("CAMERA.moved = true; look(0, 0, 0.8)")
    until(tab, "!unpainted.length && !painter")
    counted = tab.evaluate(
        """() => { const own = paint; window.painted = [];
            paint = (view, ...rest) => {
                painted.push(view.card.id);
                own(view, ...rest);
            };
            const leaf = DATA.cards.find((c) => isLeaf(c) && c.dtype === 'float64');
            setNumber(leaf.id, 0, 5.5); showEdit();
            const isSeen = sight();
            const seen = [...VIEWS.values()].filter((v) => isSeen(v.card)).length;
            return [painted.length, seen, DATA.cards.length]; }"""
    )
    assert counted[0] <= counted[1] < counted[2] / 4
    until(tab, "!unpainted.length && !painter")
    assert tab.evaluate("painted.length") > counted[2] / 2


@pytest.mark.parametrize("zoom", [0.3, 1.0])
def test_an_edit_paints_the_cells_that_look_different(look_at, zoom):
    """Few of them; and the canvases are as those that are painted anew."""
    tab = look_at(play(deep(), None))
    tab.evaluate("(zoom) => { jump(LAST); look(0, 0, zoom); settle(); }", zoom)
    until(tab, "!unpainted.length && !painter")
    painted, cells = tab.evaluate(
        """() => { const own = colourIn; let count = 0;
            colourIn = (...given) => { count++; return own(...given); };
            const leaf = DATA.cards.find((c) => isLeaf(c) && c.dtype === 'float64');
            setNumber(leaf.id, 0, numberOf(leaf.id, 0) + 1e-7); showEdit();
            colourIn = own;
            const isSeen = sight();
            const seen = [...VIEWS.values()].filter((v) => isSeen(v.card) && v.cells);
            const all = seen.flatMap((v) => Object.values(v.cells).filter(Boolean));
            return [count, all.reduce((sum, { looks }) => sum + looks.length, 0)]; }"""
    )
    assert 0 < painted <= cells
    apart = tab.evaluate("""() => {
        const pixels = (view) => {
            const copy = document.createElement('canvas');
            const { width, height } = view.canvas;
            Object.assign(copy, { width, height });
            const brush = copy.getContext('2d');
            brush.drawImage(view.canvas, 0, 0);
            return brush.getImageData(0, 0, copy.width, copy.height).data;
        };
        const leaf = DATA.cards.find((c) => isLeaf(c) && c.dtype === 'float64');
        for (const v of [3, -2, 0.25]) { setNumber(leaf.id, 0, v); showEdit(); }
        while (unpainted.length) paintIfChanged(unpainted.pop());
        let other = 0, all = 0;
        for (const view of VIEWS.values()) {
            if (!view.frame || !DRAWN.has(view.card.id)) continue;
            const before = pixels(view);
            Object.assign(view, { painted: '', frame: '' });
            paintIfChanged(view);
            const after = pixels(view);
            all += after.length;
            other += after.filter((v, i) => Math.abs(v - before[i]) > 8).length;
        }
        return [other, all];
    }""")
    assert apart[0] < apart[1] / 1000  # letters may lean on the next box


def test_small_cells_have_the_colours_of_large_ones(look_at):
    """Without numbers they are painted in another way."""
    tab = look_at(play(small(), None))
    tab.evaluate("jump(LAST)")
    pixel = """(legible) => {
        const view = VIEWS.get('n1'), place = PLACES.get('n1').value;
        Object.assign(view, { legible, density: 2, painted: '' });
        paint(view, true, gradientAt(view.card, LAST));
        const copy = document.createElement('canvas').getContext(
            '2d', { willReadFrequently: true });
        copy.drawImage(view.canvas, 0, 0);
        return place.rows.flatMap((down) => place.columns.map((across) => {
            const [x, y] = [place.x + across + 4, place.y - HEADER + down + 3];
            return [...copy.getImageData(2 * x, 2 * y, 1, 1).data].join();
        }));
    }"""
    assert tab.evaluate(pixel, False) == tab.evaluate(pixel, True)


def test_a_printed_page_has_the_loss_and_the_whole_panel(look_at):
    tab = look_at(play(loss_of(Attention()), None), media="print")
    tab.evaluate("jump(LAST); showLeaf('n1'); chooseCell(TABLES[0].cells[0][0])")
    tab.evaluate("edit(0.5)")
    for hidden in ("#bar", "#editor", "#downhill", "#switches", "#view"):
        assert tab.is_hidden(hidden)
    assert tab.is_visible("#loss")
    bottom = "document.querySelector('#explanation > :last-child')"
    end = tab.evaluate(f"{bottom}.getBoundingClientRect().bottom")
    assert end <= tab.evaluate("document.documentElement.scrollHeight")
    panel = tab.evaluate("getComputedStyle(document.getElementById('panel')).overflow")
    assert panel == "visible"


def test_all_of_the_drawing_is_printed(look_at):
    """As wide as the paper; then one looks again where one looked before."""
    tab = look_at(play(deep(), None), size=(720, 800), media="print")
    tab.evaluate("jump(LAST); look(-300, -200, 1.5); CAMERA.moved = true")
    before = tab.evaluate("({ ...CAMERA })")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    stage, *cards = tab.evaluate("""() => [STAGE, ...document.querySelectorAll(
        ".card:not([hidden])")].map((e) => e.getBoundingClientRect().toJSON())""")
    assert len(cards) > 4
    for card in cards:
        assert stage["left"] <= card["left"]
        assert card["right"] <= stage["right"]
        assert stage["top"] <= card["top"]
        assert card["bottom"] <= stage["bottom"]
    fine = tab.evaluate("VIEWS.get([...DRAWN.keys()][0]).density / CAMERA.zoom")
    assert fine > 2
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.evaluate("({ ...CAMERA })") == before


def test_a_part_without_its_whole_names_what_it_shows(look_at):
    """Of a Graph of one head there is no loss, only what the head adds to it."""
    model = Attention()
    graph = unfold(loss_of(model), head=(model, 1))
    tab = look_at(play(graph, None))
    assert tab.inner_text("#of") == "what this part adds to loss"
    assert tab.evaluate("ENTIRE === null")


def test_a_page_computes_idly_until_a_number_is_changed(look_at):
    """Else the first edit would be slow; no number is another by that."""
    x = Tensor([[1.0, -2.0]], requires_grad=True)
    with record():
        loss = functional.softmax(x @ Tensor([[0.5, 1.0], [1.0, -1.0]])).sum()
    tab = look_at(play(loss, None).html)
    tab.wait_for_timeout(1_000)  # its own have run
    ran = """([id, edit]) => {
        const before = JSON.stringify([DATA, lossNow()]);
        if (edit) setNumber(id, 0, 3.0);
        let runs = 0;
        const program = ENTIRE ?? PROGRAM;
        const run = program.run;
        program.run = () => { runs += 1; run(); };
        warmUp(4);
        return new Promise((told) => setTimeout(() => {
            program.run = run;
            told([runs, JSON.stringify([DATA, lossNow()]) === before]);
        }, 1000));
    }"""
    id = tab.evaluate("() => DATA.cards.find((c) => canChange(c.id, 0)).id")
    assert tab.evaluate(ran, [id, False]) == [4, True]
    assert tab.evaluate(ran, [id, True])[0] == 0
