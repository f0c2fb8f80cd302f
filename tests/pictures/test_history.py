"""A training's history: what is kept of it, and the page's second slider. Of every
snapshot all numbers are those of the engine with these parameters."""

from __future__ import annotations

from array import array

import pytest
from again import assert_close
from conftest import call, flatten, needs_numpy

import nn
from examples import train_reverse
from tinygrad_attn import (
    History,
    Tensor,
    functional,
    manual_seed,
    play,
    record,
    unfold,
    use_backend,
)
from tinygrad_attn.pictures.history import MOST

# --- what is kept ---------------------------------------------------------------------


def weight(*numbers):
    return Tensor([*numbers], requires_grad=True)


@pytest.mark.parametrize("steps", [1, 3, MOST, MOST + 1, 97, 1000])
def test_of_any_number_of_steps_some_forty_are_kept(steps):
    w = weight(1.0)
    history = History([w])
    for step in range(steps):
        w.assign([float(step)])
        history.keep(step)
    assert len(history) == min(steps, MOST)
    assert history.steps[0] == 0
    assert history.steps[-1] == steps - 1
    gaps = [b - a for a, b in zip(history.steps, history.steps[1:])]
    assert max(gaps, default=1) <= max(4 * steps / MOST, 1)
    for snapshot in history.snapshots:
        assert snapshot.numbers == [array("d", [snapshot.step])]


def test_a_snapshot_is_a_copy():
    w = weight(1.0, 2.0)
    history = History([w])
    history.keep(0)
    w.assign([3.0, 4.0])
    assert [*history.snapshots[0].numbers[0]] == [1.0, 2.0]


@needs_numpy
def test_float32_stays_float32():
    with use_backend("numpy", "float32"):
        history = History(nn.Linear(2, 3))
        history.keep(0)
    assert {numbers.typecode for numbers in history.snapshots[0].numbers} == {"f"}


def test_on_values_too():
    with use_backend("scalar"):
        w = weight(1.0, 2.0)
        history = History([w])
        history.keep(7)
    assert [*history.snapshots[0].numbers[0]] == [1.0, 2.0]


def test_what_it_says_of_itself():
    history = History(nn.Linear(2, 3))
    assert repr(history) == "<History of 2 parameters, 0 snapshots>"
    history.keep(5)
    assert repr(history) == "<History of 2 parameters, 1 snapshot, steps 5 to 5>"


@pytest.mark.parametrize("given", [3, "model", weight(1.0), [1.0], None])
def test_what_does_not_learn_has_no_history(given):
    with pytest.raises(TypeError, match="History: .* given; it must be a model, or a"):
        History(given)


def test_what_no_training_sets_is_refused():
    with pytest.raises(ValueError, match=r"History: \[\] given; it has no parameters"):
        History([])
    with pytest.raises(ValueError, match="no training sets"):
        History([Tensor([1, 2])])
    with pytest.raises(ValueError, match="no training sets"):
        History([weight(1.0) * 2.0])


def test_steps_go_up():
    history = History([weight(1.0)])
    history.keep(3)
    for step in (3, 1):
        with pytest.raises(ValueError, match=f"step={step} given after step 3"):
            history.keep(step)
    with pytest.raises(ValueError, match="step=-1 given"):
        history.keep(-1)
    with pytest.raises(TypeError, match=r"step=4\.5, a float, given"):
        history.keep(4.5)


def small(w):
    with record():
        return ((Tensor([[1.0, 2.0]]) @ w).tanh() ** 2).sum()


def test_play_refuses_what_is_no_history_of_this_model():
    w = Tensor([[0.3], [-0.25]], requires_grad=True)
    loss, history = small(w), History([w])
    with pytest.raises(TypeError, match="it must be a History"):
        play(loss, None, history=[w])
    with pytest.raises(ValueError, match="a history without snapshots given"):
        play(loss, None, history=history)
    history.keep(0)
    with pytest.raises(ValueError, match="give the Tensor that it was made from"):
        play(unfold(loss), None, history=history)
    other = History([weight(1.0)])
    other.keep(0)
    with pytest.raises(ValueError, match="so it is of another model"):
        play(loss, None, history=other)


# --- the page -------------------------------------------------------------------------

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

TOKENS = [[1, 2, 3, 0], [3, 2, 4, 1]]
EDIT = "([id, at, v]) => { setNumber(id, at, v); showEdit(); }"
NUMBERS = """() => [
    Object.fromEntries(DATA.cards.map((c) => [c.id, numbersAt(PROGRAM, c.at.value)])),
    Object.fromEntries(DATA.cards.filter((c) => c.at.gradient)
        .map((c) => [c.id, numbersAt(PROGRAM, c.at.gradient)])),
]"""


class Model(nn.Module):
    def __init__(self):
        self.tokens = nn.Embedding(5, 6)
        self.layer = nn.TransformerEncoderLayer(6, 2, 8, 0.0)
        self.head = nn.Linear(6, 5)

    def forward(self, tokens):
        return self.head(self.layer(self.tokens(tokens), is_causal=True))


def loss_of(model):
    with record():
        logits = model(Tensor(TOKENS))
        return functional.cross_entropy(logits.reshape(-1, 5), [0, 1, 2, 3] * 2)


def trained(steps=6):
    """A model after some steps, and its history with the state at each of them."""
    manual_seed(3)
    model = Model()
    history, states = History(model), []
    optimizer = nn.optim.SGD(model.parameters(), lr=0.3)
    for step in range(steps):
        history.keep(step)
        states.append({k: Tensor(v.tolist()) for k, v in model.state_dict().items()})
        optimizer.zero_grad()
        loss_of(model).backward()
        optimizer.step()
    return model, history, states


def check(tab, model, state, **where):
    """All numbers of the page are the engine's with the parameters of a state."""
    model.load_state_dict(state)
    loss = loss_of(model)
    assert tab.evaluate("lossNow()") == pytest.approx(loss.item(), rel=1e-9)
    graph = unfold(loss, **where)
    for found, name in zip(tab.evaluate(NUMBERS), ("value", "gradient")):
        every = {n.id: flatten(getattr(n, name)) for n in graph if n.id in found}
        assert every
        for id, numbers in found.items():
            assert_close(id, numbers, every[id], every.values())


@pytest.mark.parametrize("part", [False, True])
def test_every_moment_is_the_engines(look_at, part):
    """Of the whole model, and of one head, whose input the layers before it make."""
    model, history, states = trained()
    where = {"head": (model.layer.self_attn, 1), "sample": 1} if part else {}
    tab = look_at(play(loss_of(model), None, history=history, **where))
    assert tab.evaluate("PAST.steps") == [0, 1, 2, 3, 4, 5, None]
    after = {k: Tensor(v.tolist()) for k, v in model.state_dict().items()}
    assert tab.evaluate("momentNow()") == 6
    check(tab, model, after, **where)
    for i in (0, 4, 2, 5):
        tab.evaluate(f"scrub({i})")
        check(tab, model, states[i], **where)
    model.load_state_dict(states[4])
    then = tab.evaluate("lossesThen[4]")
    assert then == pytest.approx(loss_of(model).item(), rel=1e-9)
    tab.evaluate("scrub(6)")
    check(tab, model, after, **where)
    assert tab.evaluate("DONE") == []


@needs_numpy
def test_a_history_in_float32_loses_nothing(look_at):
    with use_backend("numpy", "float32"):
        model, history, states = trained()
        tab = look_at(play(loss_of(model), None, history=history))
    assert tab.evaluate("PAST.numbers.every((text) => text[0] === 'f')")
    tab.evaluate("scrub(2)")
    with use_backend("python"):
        manual_seed(3)
        check(tab, Model(), states[2])


def test_what_was_recorded_is_found_among_the_moments(look_at):
    model, history, _ = trained()
    history.keep(6)
    tab = look_at(play(loss_of(model), None, history=history))
    assert tab.evaluate("[PAST.steps.at(-1), momentNow()]") == [6, 6]
    assert tab.inner_text("#when") == "step 6"


def test_the_slider_the_keys_and_undo(look_at):
    model, history, _ = trained()
    history.keep(60)
    tab = look_at(play(loss_of(model), None, history=history))
    recorded = tab.inner_text("#loss")
    tab.fill("#moment", "3")
    assert tab.inner_text("#when") == "step 3"
    assert tab.evaluate("STATE.step === LAST")  # where gradients are seen, too
    tab.fill("#moment", "20")  # the nearest that was kept
    assert tab.inner_text("#when") == "step 5"
    assert tab.input_value("#moment") == "5"
    tab.focus("#moment")
    tab.keyboard.press("ArrowLeft")
    assert tab.inner_text("#when") == "step 4"
    tab.keyboard.press("Home")
    assert tab.inner_text("#when") == "step 0"
    tab.keyboard.press("End")
    assert tab.inner_text("#loss") == recorded
    assert tab.is_disabled("#undo")  # nothing is changed there
    tab.keyboard.press("PageDown")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("DONE.length") == 1  # moments are undone at once
    tab.click("#undo")
    assert tab.inner_text("#loss") == recorded
    assert tab.inner_text("#when") == "step 60"
    value_text = tab.get_attribute("#moment", "aria-valuetext")
    assert value_text == f"step 60: loss = {recorded}"


def test_inputs_that_were_changed_stay_and_parameters_do_not(look_at):
    model, history, states = trained()
    loss = loss_of(model)
    ids = {n.name: n.id for n in unfold(loss)}
    tab = look_at(play(loss, None, history=history))
    tab.evaluate(EDIT, [ids["head.bias"], 0, 9.0])
    tokens = next(n.id for n in unfold(loss) if n.dtype == "int64")
    tab.evaluate(EDIT, [tokens, 0, 4])
    tab.evaluate("scrub(2)")
    assert "undo brings it back" in tab.inner_text("#what")
    changed = Tensor([[4, 2, 3, 0], [3, 2, 4, 1]])
    model.load_state_dict(states[2])
    logits = model(changed).reshape(-1, 5)
    wanted = functional.cross_entropy(logits, [0, 1, 2, 3] * 2).item()
    assert tab.evaluate("lossNow()") == pytest.approx(wanted, rel=1e-9)
    tab.evaluate("scrub(3)")
    assert tab.inner_text("#what") == ""
    tab.evaluate(EDIT, [ids["head.bias"], 0, 1.0])
    assert tab.inner_text("#when") == "step 3, then changed"


def test_an_address_holds_the_moment(look_at):
    model, history, states = trained()
    tab = look_at(play(loss_of(model), None, history=history), "#step=1&edit=at=2")
    assert tab.inner_text("#when") == "step 2"
    check(tab, model, states[2])
    tab.evaluate("scrub(4)")
    tab.wait_for_timeout(500)  # it is not written at once
    assert tab.evaluate("location.hash").endswith("&edit=at=4")


def test_moments_that_an_address_makes_up_are_left_out(look_at):
    model, history, _ = trained(2)
    strange = "#edit=at=77,at=,at=x"
    tab = look_at(play(loss_of(model), None, history=history), strange)
    assert tab.evaluate("DONE.length") == 0


def test_it_is_watched_from_the_beginning_and_stops_at_the_end(look_at):
    model, history, _ = trained(3)
    history.keep(3)
    tab = look_at(play(loss_of(model), None, history=history))
    tab.click("#watch")
    assert tab.inner_text("#watch") == "stop"
    tab.locator("#watch", has_text="watch it learn").wait_for()
    assert tab.inner_text("#when") == "step 3"
    assert tab.inner_text("#watch") == "watch it learn"


def test_where_the_page_only_plays_the_history_is_left_out(look_at):
    x = Tensor([0.001] * 21_000, requires_grad=True)
    history = History([x])
    history.keep(0)
    tab = look_at(play((x * x).sum(), None, history=history))
    said = tab.inner_text("#only-plays")
    assert "too many" in said
    assert "The history is left out" in said
    assert tab.is_hidden("#past")


def test_without_a_history_there_is_no_second_slider(look_at):
    tab = look_at(play(loss_of(trained(1)[0]), None))
    assert tab.is_hidden("#past")


@needs_numpy
def test_the_anti_diagonal_appears(look_at, tmp_path):
    """On the page that train_reverse.py writes: at first no head looks at the mirror
    image of its place, at last one does."""
    done = call(train_reverse.main, "--backend", "numpy", "--out", tmp_path)
    page = tmp_path / "training.html"
    assert f"page: {page}" in done.stdout
    assert page.stat().st_size < 4e6
    tab = look_at(page.read_text(encoding="utf-8"))
    steps = tab.evaluate("PAST.steps")
    assert len(steps) == MOST
    assert f"after {steps[-1]} steps" in done.stdout
    clear = """() => Math.max(...HEADS.map((head) =>
        weightsOf(head).reduce((sum, row, t) => sum + row[7 - t] / 8, 0)))"""
    assert tab.evaluate(clear) > 0.8
    assert tab.is_visible("#explanation")
    tab.fill("#moment", "0")
    assert tab.evaluate(clear) < 0.3
    assert tab.is_visible("#matrix")  # where one can watch it


def test_a_model_that_is_loaded_has_no_training_to_show(tmp_path):
    options = train_reverse.parse(["--out", str(tmp_path)])
    run = train_reverse.Run(options)
    said = run.write_page(run.task.test[0], tmp_path / "training.html")
    assert said == "page: none, as nothing was learned now"
