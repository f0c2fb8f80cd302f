"""Pages of single numbers: of Values, and of tensors at the scalar level."""

from __future__ import annotations

import warnings

import pytest
from again import assert_close, by_the_engine
from played import leaf
from test_page_lives import EDIT, LEAVES, NUMBERS, number

import nn
from tinygrad_attn import Tensor, Value, functional, play, record, unfold
from tinygrad_attn.graph.levels.value_graph import graph_of_values
from tinygrad_attn.pictures.play import computation

pytest.importorskip("playwright.sync_api", reason="needs Playwright")


def micrograds_example(a=-4.0, b=2.0):
    a, b = Value(a, label="a"), Value(b, label="b")
    c, d = a + b, a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    f = (c - d) ** 2
    g = f / 2.0
    g += 10.0 / f
    g.label = "g"
    return a, b, g


def functions(x=0.5, y=2.0):
    """Every operation that Values have, numbers on both sides."""
    x, y = Value(x, label="x"), Value(y, label="y")
    z = x.tanh() + y.exp() * y.log() - x.relu() / y + (x - y) ** 2 + y**x + 2**x
    return x, y, z + (1 - x) + (-y) / 3 + 3 / y + x


@pytest.mark.parametrize("program", [micrograds_example, functions])
def test_a_graph_of_values_has_their_numbers_and_gradients(program):
    x, y, z = program()
    graph = graph_of_values("test", z, 300)
    z.backward()
    for v in (x, y):
        node = graph.node(v.label)
        assert node.value == v.data
        assert node.gradient == pytest.approx(v.grad, rel=1e-12)
    assert graph.root.value == z.data
    assert x.grad  # it was Value's own walk that set it


def test_playing_sets_no_gradient():
    x, _, z = micrograds_example()
    play(z, None)
    assert x.grad == 0


@pytest.mark.parametrize("program", [micrograds_example, functions])
def test_each_number_of_a_page_of_values_can_be_changed(look_at, program):
    x, y, z = program()
    tab = look_at(play(z, None))
    assert tab.evaluate("LIVE !== null")
    ids = {c["name"]: c["id"] for c in tab.evaluate("() => DATA.cards")}
    for a, b in ((x.data, y.data), (-1.5, 0.75), (0.25, 3.0)):
        for v, new in ((x, a), (y, b)):
            assert tab.evaluate(EDIT, [ids[v.label], 0, new]) == ""
        p, q, r = program(a, b)
        r.backward()
        assert tab.evaluate("lossNow()") == pytest.approx(r.data, rel=1e-12)
        values, gradients, _ = tab.evaluate(NUMBERS)
        for v in (p, q):
            assert values[ids[v.label]] == [v.data]
            want = pytest.approx(v.grad, rel=1e-9)
            assert gradients[ids[v.label]][0] == want


def small():
    x = Tensor([[1.0, 2.0], [0.5, -1.0]])
    w = Tensor([[0.3, 0.1], [-0.25, 0.2]], requires_grad=True)
    with record():
        return functional.softmax((x @ w).tanh().reshape(4) * 2.0)[1:3].sum()


@pytest.mark.parametrize("level", ["scalar", "primitive"])
def test_a_finer_page_is_live_too_and_its_numbers_are_the_engines(look_at, level):
    loss = small()
    graph = computation(loss, level, None, 0, None, None, 300)
    tab = look_at(play(loss, None, level=level))
    assert tab.evaluate("LIVE !== null")
    for v in (None, -0.4):
        for id, (_, numbers) in tab.evaluate(LEAVES).items():
            if v is not None:
                new = numbers[0] + v
                assert tab.evaluate(EDIT, [id, 0, new]) == ""
        edit = {id: numbers for id, (_, numbers) in tab.evaluate(LEAVES).items()}
        want = by_the_engine(graph, edit)
        for mine, theirs in zip(tab.evaluate(NUMBERS), want[:2]):
            for id, numbers in mine.items():
                now = [*map(number, numbers)]
                assert_close(id, now, theirs[id], theirs.values())


@pytest.mark.parametrize("name", ["relu", "max", "detach"])
def test_what_single_numbers_do_not_record_only_plays(look_at, name):
    x = leaf(3)
    with record():
        y = {
            "relu": lambda: x.relu(),
            "max": lambda: x.max() * x,
            "detach": lambda: x.detach() * x,
        }[name]()
        loss = (y * y).sum()
    tab = look_at(play(loss, None, level="scalar"))
    assert tab.evaluate("LIVE === null")
    assert "would make of other numbers" in tab.inner_text("#only-plays")
    tab.evaluate("moveTo(LAST)")


def test_the_scalar_level_has_the_recorded_numbers():
    loss = small()
    graph = computation(loss, "scalar", None, 0, None, None, 300)
    whole = unfold(loss, "primitive")
    numbers = {node.name: node for node in graph}
    w = whole.node("w")
    for i in range(2):
        for j in range(2):
            node = numbers[f"w[{i},{j}]"]
            assert node.value == w.value[i][j]
            assert node.gradient == pytest.approx(w.gradient[i][j], rel=1e-9)
    assert graph.root.value == loss.item()


def test_a_composite_opens_into_its_primitives(look_at):
    """Closed it has the numbers that it has at the level of operations."""
    logits = leaf(4, 3)
    with record():
        rows = functional.layer_norm(logits, (3,))
        loss = functional.cross_entropy(rows, Tensor([0, 2, 1, 1]))
    graph = unfold(loss, "primitive")
    fine = {n.recorded: n for n in graph if n.recorded is not None}
    tab = look_at(play(loss, None, level="primitive"))
    frames = tab.evaluate("DATA.frames")
    names = {g.id: g.name for g in graph.groups.values() if g.type == "composite"}
    assert "layer_norm" in {names.get(id) for id in frames}
    for node in unfold(loss):
        if node.recorded is not None and node.op in names.values():
            last = fine[node.recorded]
            assert last.id in {frame["shows"] for frame in frames.values()}
            assert last.value == node.value


def test_all_modules_begin_closed_at_the_level_of_modules(look_at):
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    with record():
        loss = model(leaf(1, 2)).sum()
    tab = look_at(play(loss, None, level="module"))
    assert tab.evaluate("VIEW.closed.length") > 0
    assert tab.evaluate("VIEW.open.length") == 0
    assert tab.evaluate("LIVE !== null")


def test_too_many_numbers_are_refused():
    x = Value(1.0)
    for _ in range(400):
        x = x + 1
    with pytest.raises(ValueError, match=r"^play: more than 300 Values behind this"):
        play(x, None)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="at level 'scal"):
        play((leaf(20, 20) * 2.0).sum(), None, level="scalar")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"level": "module"}, "level='module' given with a Value; its numbers have"),
        ({"head": (None, 0)}, "head given with a Value"),
        ({"focus": "x"}, "focus given with a Value"),
    ],
)
def test_a_value_has_no_parts(settings, words):
    with pytest.raises(ValueError, match=words) as caught:
        play(Value(1.0) * 2, None, **settings)
    assert "\n" not in str(caught.value)


def test_an_operation_of_ones_own_on_values_is_refused():
    x = Value(2.0)
    z = Value(8.0, (x,), "cube", (12.0,))
    with pytest.raises(ValueError, match=r"^play: a Value made by 'cube' given; "):
        play(z * 2, None)


def test_a_graph_of_modules_lacks_what_is_inside():
    with record():
        loss = nn.Linear(2, 2)(leaf(1, 2)).sum()
    with pytest.raises(ValueError, match="it lacks the operations inside: give the Te"):
        play(unfold(loss, "module"), None)
