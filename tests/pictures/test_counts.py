"""What a picture of modules shows of parameters, times its counts, is the model's."""

import random
import re

import pytest

import nn
from tinygrad_attn import Tensor, concat, draw, manual_seed, randn, unfold
from tinygrad_attn.context import record
from tinygrad_attn.functional import relu

WIDTH = 2


def times(text):
    found = re.search(r" × (\d+)(, with other plain numbers)?$", text)
    return int(found[1]) if found else 1


def parameters_shown(sheet):
    """The parameters on all cards, each times what is written on it and around it."""
    frames = {frame.id: frame for frame in sheet.frames}
    found = 0
    for card in sheet.cards:
        first = card.lines[0] if card.lines else ""
        told = re.search(r",  ([\d,]+) parameters?( each)?( × \d+)?$", first)
        if told is None:
            continue
        count, around = times(card.title), card.frame
        assert (count > 1) == bool(told[2])
        count *= times(first)
        while around:
            count *= times(frames[around].label)
            around = frames[around].parent
        found += int(told[1].replace(",", "")) * count
    return found


# --- what stands between them ---------------------------------------------------------

WIRED = {  # how layers are wired → whether one card may stand for all
    "one after the other": (lambda layers, x: reduced(layers, x), True),
    "beside each other": (lambda layers, x: concat([f(x) for f in layers], -1), True),
    "with a relu between": (lambda layers, x: reduced(layers, x, relu), False),
    "with a sum around each": (lambda layers, x: sum(f(x) for f in layers), False),
    "with a skip": (lambda layers, x: reduced(layers, x) + layers[0](x), False),
    "with all results used": (lambda layers, x: chained(layers, x), False),
}


def reduced(layers, x, between=lambda x: x):
    for layer in layers:
        x = between(layer(x))
    return x


def chained(layers, x):
    found = [x]
    for layer in layers:
        found.append(layer(found[-1]))
    return found[1] * found[2] * found[3]


@pytest.mark.parametrize("wired", WIRED)
def test_layers_are_one_card_only_if_its_lines_tell_all(wired):
    call, folds = WIRED[wired]

    class Model(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])

        def forward(self, x):
            return call(self.layers, x)

    with record():
        loss = Model()(randn(3, 2)).sum()
    titles = [card.title for card in draw(loss, "module").sheet.cards]
    assert ("layers   × 3" in titles) == folds


@pytest.mark.parametrize("step", [1, 3, 5])
@pytest.mark.parametrize("between", [relu, lambda x: relu(x) * 2.0])
def test_layers_with_steps_between_fold_to_one_of_them(between, step):
    class Model(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(5)])
            self.out = nn.Linear(2, 3)

        def forward(self, x):
            return self.out(reduced(self.layers, x, between))

    model = Model()
    with record():
        loss = model(randn(3, 2)).sum()
    sheet = draw(loss, "module", step=step).sheet
    (frame,) = sheet.frames
    assert frame.label == f"layer {step} of 5"
    inside = [card for card in sheet.cards if card.frame == frame.id]
    assert inside[0].title == f"layers.{step - 1}"
    assert inside[0].lines == ["3 × 2,  6 parameters × 5"]
    assert "x" not in [card.title for card in inside]
    others = {card.title for card in sheet.cards if card.again}
    assert (
        others
        == {
            1: {"layers 2 to 5"},
            3: {"layers 1 to 2", "layers 4 to 5"},
            5: {"layers 1 to 4"},
        }[step]
    )
    assert parameters_shown(sheet) == learned(model) == 5 * 6 + 9
    at_op_level = draw(loss, "op", step=step).sheet
    assert f"layer {step} of 5" in [f.label for f in at_op_level.frames]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_parameter_of_the_first_step_alone_is_counted_once(step):
    class Model(nn.Module):
        def __init__(self):
            self.first = nn.Parameter(randn(2, 2))
            self.scales = nn.ParameterList([nn.Parameter(randn(2)) for _ in range(9)])
            self.out = nn.Linear(2, 1)

        def forward(self):
            x = self.first
            for scale in self.scales:
                x = (x * scale).tanh()
            return self.out(x)

    model = Model()
    with record():
        loss = model().sum()
    sheet = draw(loss, "module", step=step).sheet
    assert any(f.label == f"step {step} of 9" for f in sheet.frames)
    assert parameters_shown(sheet) == learned(model) == 4 + 9 * 2 + 3


def learned(model):
    return sum(p.size for p in model.parameters())


class Block(nn.Module):
    """Calls its parts one after the other, in one of several ways."""

    def __init__(self, parts, way, scale=None):
        self.parts, self.way = parts, way
        self.scale = scale  # a parameter of its own, or None

    def forward(self, x):
        each = self.parts.values() if hasattr(self.parts, "values") else self.parts
        for part in each:
            y = part(x)
            x = x + y if self.way == "residual" else y
            if self.way == "twice":
                x = part(x)
        return x if self.scale is None else x * self.scale


class Tied(nn.Module):
    """Uses a weight that others use too."""

    def __init__(self, weight):
        self.weight = weight
        self.bias = nn.Parameter(randn(WIDTH))

    def forward(self, x):
        return x @ self.weight + self.bias


def random_model(rng, depth=3):
    """A random nest of modules that maps rows of WIDTH to such rows."""
    shared = nn.Parameter(randn(WIDTH, WIDTH))
    used = []

    def leaf():
        kind = rng.choice(["linear", "linear", "norm", "tied", "used", "relu"])
        if kind == "used" and used:
            return rng.choice(used)  # one module at several places
        made = {
            "norm": nn.LayerNorm,
            "tied": lambda _: Tied(shared),
            "relu": lambda _: nn.ReLU(),
        }.get(kind, lambda n: nn.Linear(n, WIDTH, bias=rng.random() < 0.7))(WIDTH)
        used.append(made)
        return made

    def likes(make, count):
        """Modules that are made alike: a repeat."""
        state = rng.getstate()
        found = []
        for _ in range(count):
            rng.setstate(state)
            found.append(make())
        return found

    def grow(depth):
        if depth == 0 or rng.random() < 0.15:
            return leaf()
        count = rng.randint(1, 4)
        if rng.random() < 0.6:
            parts = likes(lambda: grow(depth - 1), count)
        else:
            parts = [grow(depth - 1) for _ in range(count)]
        if rng.random() < 0.3:
            parts.insert(rng.randint(0, len(parts)), grow(depth - 1))
        kind = rng.choice(["list", "list", "dict", "numbers", "sequential"])
        if kind == "sequential":
            return nn.Sequential(*parts)
        way = rng.choice(["plain", "residual", "twice"])
        scale = nn.Parameter(randn(WIDTH)) if rng.random() < 0.4 else None
        if kind == "dict":
            named = {f"part_{chr(97 + i)}": part for i, part in enumerate(parts)}
            return Block(nn.ModuleDict(named), way, scale)
        if kind == "numbers":
            named = {str(2 * i): part for i, part in enumerate(parts)}
            return Block(nn.ModuleDict(named), way, scale)
        return Block(nn.ModuleList(parts), way, scale)

    return Block(
        nn.ModuleList([grow(depth) for _ in range(rng.randint(1, 3))]), "plain"
    )


@pytest.mark.parametrize("seed", range(60))
def test_parameters_times_counts_are_the_models(seed):
    manual_seed(seed)
    model = random_model(random.Random(seed))
    loss = model(randn(1, WIDTH).requires_grad_()).sum()
    for depth in (1, 2, 3, 4, None):
        sheet = draw(loss, "module", depth=depth).sheet
        assert parameters_shown(sheet) == learned(model), depth
        if sheet.most > 1:
            step = min(3, sheet.most)
            sheet = draw(loss, "module", depth=depth, step=step).sheet
            assert parameters_shown(sheet) == learned(model), (depth, step)


def test_the_random_models_have_repeats_of_every_sort():
    cards, frames = [], []
    for seed in range(60):
        manual_seed(seed)
        model = random_model(random.Random(seed))
        loss = model(randn(1, WIDTH).requires_grad_()).sum()
        sheet = draw(loss, "module").sheet
        cards += [card for card in sheet.cards if times(card.title) > 1]
        frames += [frame for frame in sheet.frames if times(frame.label) > 1]
    assert len(cards) > 10
    assert len(frames) > 10
    assert any("weight" in card.title for card in cards)  # of repeats called twice


@pytest.mark.parametrize("depth", [1, 2, 3, None])
def test_an_encoder_shows_all_its_parameters_at_every_depth(depth):
    layer = nn.TransformerEncoderLayer(8, 2, d_ff=16)
    model = nn.TransformerEncoder(layer, 6, norm=nn.LayerNorm(8)).eval()
    sheet = draw(model(randn(1, 3, 8)).sum(), "module", depth=depth).sheet
    assert parameters_shown(sheet) == learned(model)
    folded = [*(c.title for c in sheet.cards), *(f.label for f in sheet.frames)]
    assert any(times(text) == 6 for text in folded) == (depth != 1)


def test_five_layers_in_a_list_are_one_card_that_says_five():
    model = Block(nn.ModuleList([nn.Linear(2, 2) for _ in range(5)]), "plain")
    drawing = draw(model(randn(1, 2)).sum(), "module")
    (card,) = (card for card in drawing.sheet.cards if card.detail == "Linear")
    assert card.title == "parts   × 5"
    assert card.lines == ["1 × 2,  6 parameters each"]
    assert "parts   × 5" in drawing.dot


def test_some_of_a_list_are_called_by_their_numbers():
    parts = [Block(nn.ModuleList([nn.Linear(2, 2)]), "residual") for _ in range(3)]
    other = Block(nn.ModuleList([nn.LayerNorm(2)]), "residual")
    model = Block(nn.ModuleList([other, *parts]), "plain")
    sheet = draw(model(randn(1, 2)).sum(), "module").sheet
    assert "parts.1 to 3   × 3" in [frame.label for frame in sheet.frames]


def test_layers_that_share_their_weights_in_pairs_are_two_runs():
    first, second = (nn.Parameter(randn(2, 2)) for _ in range(2))
    parts = [Tied(w) for w in (first, first, second, second)]
    model = Block(nn.ModuleList(parts), "plain")
    sheet = draw(model(randn(1, 2)).sum(), "module").sheet
    titles = [card.title for card in sheet.cards]
    assert {"0 to 1   × 2", "2 to 3   × 2"} <= set(titles)
    assert parameters_shown(sheet) == learned(model)


def test_steps_that_are_wired_differently_are_no_repeats():
    class Wired(nn.Module):
        def __init__(self, crossed):
            self.a, self.b, self.crossed = nn.Linear(2, 2), nn.Linear(2, 2), crossed

        def forward(self, x):
            y = self.a(x)
            return y + self.b(x if self.crossed else y)

    model = Block(nn.ModuleList([Wired(False), Wired(True)]), "plain")
    sheet = draw(model(randn(1, 2)).sum(), "module").sheet
    assert not any(times(frame.label) > 1 for frame in sheet.frames)


def test_a_parameter_that_several_modules_use_is_counted_once():
    weight = nn.Parameter(randn(2, 2))
    model = Block(nn.ModuleDict({"a": Tied(weight), "b": Tied(weight)}), "plain")
    with record():
        loss = model(Tensor([[1.0, 2.0]])).sum()
    sheet = draw(loss, "module").sheet
    assert parameters_shown(sheet) == learned(model) == 4 + 2 + 2


# --- plain numbers, and what each layer has for itself --------------------------------


class Scaled(nn.Module):
    """A layer, and a plain number that its result is multiplied by."""

    def __init__(self, by):
        self.linear, self.by = nn.Linear(2, 2), by

    def forward(self, x):
        return self.linear(x) * self.by


@pytest.mark.parametrize(("factors", "folds"), [((2, 2, 2), True), ((2, 3, 4), False)])
def test_layers_with_other_plain_numbers_are_no_repeats(factors, folds):
    model = nn.Sequential(*map(Scaled, factors))
    with record():
        loss = model(randn(3, 2)).sum()
    labels = [frame.label for frame in draw(loss, "module").sheet.frames]
    assert any("× 3" in label for label in labels) == folds


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_folded_layers_with_other_plain_numbers_say_so(level):
    for factors, told in ((2, 2, 2, 2), False), ((2, 3, 4, 5), True):
        model = nn.Sequential(*(nn.Sequential(Scaled(f), Scaled(f)) for f in factors))
        with record():
            loss = model(randn(3, 2)).sum()
        labels = [frame.label for frame in draw(loss, level).sheet.frames]
        (label,) = [label for label in labels if " × 8" in label]
        assert label.endswith(", with other plain numbers") == told


def test_an_operation_between_modules_has_all_its_arguments():
    x = randn(3).requires_grad_()
    with record():
        y = 0.5 * x
        loss = (y * y / 4.0).sum()
    graph = unfold(loss, "module")
    x, y, square, part, _ = graph.nodes
    assert y.arguments == [0.5, x.id]
    assert square.arguments == [y.id, y.id]
    assert part.arguments == [square.id, 4.0]
    assert [edge.position for edge in graph.inputs(y)] == [1]


class Turned(nn.Module):
    """A layer with a table of its own, which it uses twice."""

    def __init__(self):
        self.linear, self.table = nn.Linear(2, 2), randn(2)

    def forward(self, x):
        return self.linear(x * self.table) * self.table


@pytest.mark.parametrize("level", ["module", "op", "primitive"])
def test_a_table_of_each_layer_stands_inside_it(level):
    model = nn.Sequential(*(Turned() for _ in range(4)))
    with record():
        loss = model(randn(3, 2)).sum()
    sheet = draw(loss, level).sheet
    (frame,) = [frame for frame in sheet.frames if frame.label.endswith("× 4")]
    (table,) = [card for card in sheet.cards if card.title == "table"]
    assert table.frame == frame.id


def test_a_table_of_each_box_has_its_count():
    model = nn.Sequential(*(Turned() for _ in range(4)))
    with record():
        loss = model(randn(3, 2)).sum()
    titles = [card.title for card in draw(loss, "module", depth=2).sheet.cards]
    assert "table   × 4" in titles
