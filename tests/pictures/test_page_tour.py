"""A tour: what `play` takes for one, and how a reader walks it in Chromium."""

from __future__ import annotations

import pytest

import nn
from examples.head_tour import STOPS, tour_of
from tinygrad_attn import Tensor, manual_seed, play, randn, record, unfold


def small():
    x = Tensor([[1.0, 2.0]])
    w = Tensor([[0.3], [-0.25]], requires_grad=True)
    with record():
        h = x @ w
        return (h * h).sum()


WALK = [
    ("data", "x", "Two numbers."),
    ("product", "h", "They meet the weights."),
    ("loss", "∂loss", "Here the walk back begins."),
    ("back", "∂h", "It goes on."),
    ("weights", "∂w", "Which is what we want."),
]


# --- what is given --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tour", "error", "said"),
    [
        (
            "softmax",
            TypeError,
            "play: tour='softmax' given; it must be a list of stops",
        ),
        ({"a": "h"}, TypeError, "play: tour={'a': 'h'} given; it must be a list"),
        (3, TypeError, "play: tour=3 given; it must be a list of stops, each (name, "),
        ([("a", "h")], TypeError, "play: tour stop ('a', 'h') given; it must be"),
        ([("a", "h", 3)], TypeError, "play: tour stop ('a', 'h', 3) given"),
        (
            [("a b", "h", "")],
            ValueError,
            "play: tour stop 'a b' given; its name stands",
        ),
        ([("", "h", "")], ValueError, "play: tour stop '' given; its name stands"),
        (
            [("a", "h", ""), ("a", "w", "")],
            ValueError,
            "play: tour stop 'a' given; its name stands in a link, so it must be of "
            "letters, digits and hyphens, and no other stop's",
        ),
        (
            [("a", "scores", "")],
            ValueError,
            "play: tour stop 'a' is at 'scores', which is no card; the cards are x, w,",
        ),
        (
            [("a", "∂x", "")],
            ValueError,
            "play: tour stop 'a' is at '∂x', but no gradient reaches x",
        ),
    ],
)
def test_what_is_no_tour_is_refused_in_a_sentence(tour, error, said):
    with pytest.raises(error) as caught:
        play(small(), None, tour=tour)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def head(**settings):
    manual_seed(0)
    layer = nn.MultiHeadAttention(6, 2)
    with record():
        z, _ = layer(randn(1, 4, 6).requires_grad_(), **settings)
        loss = (z * z).mean()
    return loss, (layer, 1)


def test_the_ten_stops_are_at_cards_of_every_head():
    for settings in {}, {"is_causal": True}:
        loss, one = head(**settings)
        tour = tour_of(unfold(loss, "op", head=one))
        assert [name for name, *_ in tour] == [name for name, *_ in STOPS]
        assert len(tour) == 10
        page = play(loss, None, head=one, tour=tour)
        assert '"name":"softmax-back"' in page


def test_a_graph_without_those_cards_has_no_tour():
    assert tour_of(unfold(small())) == []


# --- in the page ----------------------------------------------------------------------


def test_it_goes_from_stop_to_stop_and_ends(look_at):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    tab = look_at(play(small(), None, tour=WALK))
    tab.click("#take-tour")
    seen = []
    for i, (name, card, words) in enumerate(WALK):
        assert tab.inner_text("#tour-title") == f"{i + 1} of 5: {name}"
        assert tab.inner_text("#tour-words") == words
        assert tab.evaluate("location.hash") == f"#tour={name}"
        assert tab.evaluate("nameOf(CARDS.get(TOUR[stopAt].card))") == card.strip("∂")
        kind = "'leaf' in STATE && STATE.leaf ? 'leaf' : STEPS[STATE.step].kind"
        seen.append(tab.evaluate(kind))
        tab.click("#tour-on")
    assert seen == ["leaf", "forward", "seed", "backward", "leaf"]
    assert tab.is_hidden("#tour")
    assert tab.is_visible("#take-tour")
    assert tab.evaluate("location.hash").startswith("#step=")


def test_it_ends_anywhere_and_goes_back(look_at):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    tab = look_at(play(small(), None, tour=WALK), "#tour=back")
    assert tab.inner_text("#tour-title") == "4 of 5: back"
    tab.click("#tour-back")
    assert tab.inner_text("#tour-title") == "3 of 5: loss"
    tab.click("#tour summary")
    tab.click("#tour-stops a >> nth=1")
    assert tab.inner_text("#tour-title") == "2 of 5: product"
    assert tab.get_attribute("#tour-stops a >> nth=1", "aria-current") == "step"
    tab.evaluate("location.hash = '#tour=weights'")
    tab.locator("#tour-title", has_text="5 of 5").wait_for()
    tab.click("#tour-end")
    assert tab.is_hidden("#tour")


def test_a_stop_ends_predicting_where_that_would_hide_it(look_at):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    tab = look_at(play(small(), None, tour=WALK), "#tour=weights&predict")
    assert not tab.evaluate("PREDICT.on")
    assert tab.evaluate("STATE.step === LAST")


def test_an_address_of_no_stop_is_no_tour(look_at):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    tab = look_at(play(small(), None, tour=WALK), "#tour=nowhere")
    assert tab.is_hidden("#tour")
    assert tab.is_visible("#take-tour")


def test_without_stops_there_is_no_button(look_at):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    tab = look_at(play(small(), None), "#tour=softmax")
    assert tab.is_hidden("#take-tour")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_there_is_room_for_the_words_and_the_step(look_at, scheme):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    loss, one = head()
    tour = tour_of(unfold(loss, "op", head=one))
    page = play(loss, None, head=one, tour=tour)
    tab = look_at(page, "#tour=lookup", size=(390, 780), color_scheme=scheme)
    for i, (name, *_) in enumerate(tour):
        tab.evaluate(f"visit({i})")
        assert tab.is_hidden("#lab")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        room, needs = tab.evaluate(
            "['panel', 'tour'].map((id) => document.getElementById(id).clientHeight)"
        )
        assert needs < 0.75 * room, name


def test_a_printed_stop_has_its_words_and_the_loss(look_at):
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    tab = look_at(play(small(), None, tour=WALK), "#tour=weights", media="print")
    for shown in ("#tour-title", "#tour-words", "#loss"):
        assert tab.is_visible(shown), shown
    for hidden in ("#tour-on", "#tour-end", "#tour details"):
        assert tab.is_hidden(hidden), hidden
