"""The layout: what must hold for any picture, and for the one of an attention head."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_attn.pictures.layout.ranks import ranks
from tinygrad_attn.pictures.layout.steps import Box, Line, Outline, layout, svg_path

DIRECTIONS = ("down", "right")


def rectangle(box, found):
    x, y = found.places[box.id]
    return x, y, x + box.width, y + box.height


def overlap(a, b):
    return (
        min(a[2], b[2]) - max(a[0], b[0]) > 0.01
        and min(a[3], b[3]) - max(a[1], b[1]) > 0.01
    )


def within(inner, outer):
    return (
        inner[0] >= outer[0] - 0.01
        and inner[1] >= outer[1] - 0.01
        and inner[2] <= outer[2] + 0.01
        and inner[3] <= outer[3] + 0.01
    )


def points_on(path, count=12):
    """Points along the curves of a path."""
    for i in range(0, len(path) - 1, 3):
        corners = path[i : i + 4]
        for k in range(count + 1):
            t = k / count
            shares = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield tuple(sum(s * c[a] for s, c in zip(shares, corners)) for a in (0, 1))


def crosses(path, rectangle, margin=0.5):
    left, top, right, bottom = rectangle
    return any(
        left + margin < x < right - margin and top + margin < y < bottom - margin
        for x, y in points_on(path)
    )


def ancestors(id, frames):
    parent = {frame.id: frame.parent for frame in frames}
    found = []
    while id:
        found.append(id)
        id = parent[id]
    return found


def check(boxes, lines, frames, direction):
    """Everything that is promised of a layout without cycles."""
    found = layout(boxes, lines, frames, direction=direction)
    places = {box.id: rectangle(box, found) for box in boxes}
    for (a, one), (b, other) in combinations(places.items(), 2):
        assert not overlap(one, other), (a, b)

    borders = {id: (x, y, x + w, y + h) for id, (x, y, w, h) in found.frames.items()}
    for id, border in borders.items():
        for box in boxes:
            if id in ancestors(box.group, frames):
                assert within(places[box.id], border), (box.id, id)
            else:
                assert not overlap(places[box.id], border), (box.id, id)
    for a, b in combinations(borders, 2):
        if a in ancestors(b, frames):
            assert within(borders[b], borders[a])
        elif b in ancestors(a, frames):
            assert within(borders[a], borders[b])
        else:
            assert not overlap(borders[a], borders[b]), (a, b)

    sizes = {box.id: box for box in boxes}
    labels = []
    for line, path, label in zip(lines, found.paths, found.labels):
        assert len(path) % 3 == 1
        source, target = places[line.source], places[line.target]
        a, b = sizes[line.source], sizes[line.target]
        if direction == "down":
            leaves = a.width / 2 if line.leaves is None else line.leaves
            enters = b.width / 2 if line.enters is None else line.enters
            ends = (source[0] + leaves, source[3]), (target[0] + enters, target[1])
        else:
            leaves = a.height / 2 if line.leaves is None else line.leaves
            enters = b.height / 2 if line.enters is None else line.enters
            ends = (source[2], source[1] + leaves), (target[0], target[1] + enters)
        assert path[0] == pytest.approx(ends[0])
        assert path[-1] == pytest.approx(ends[1])
        for id, place in places.items():
            assert not crosses(path, place), (line, id)
        assert (label is not None) == (line.label_width > 0)
        if label is not None:
            x, y = label
            labels.append((x, y, x + line.label_width, y + line.label_height))
    for one, other in combinations(labels, 2):
        assert not overlap(one, other)
    for label in labels:
        assert not any(overlap(label, place) for place in places.values())

    whole = (0.0, 0.0, found.width, found.height)
    for thing in [*places.values(), *borders.values(), *labels]:
        assert within(thing, whole)
    return found


@st.composite
def pictures(draw):
    """Boxes, lines between them from earlier to later ones, and nested frames."""
    count = draw(st.integers(0, 14))
    frame_count = draw(st.integers(0, 4))
    frames = []
    for i in range(frame_count):
        parent = draw(st.sampled_from(["", *[frame.id for frame in frames]]))
        frames.append(Outline(f"f{i}", parent, draw(st.sampled_from([0, 30, 200])), 12))
    groups = ["", *[frame.id for frame in frames]]
    boxes = [
        Box(
            f"b{i}",
            draw(st.sampled_from([20, 60, 150])),
            draw(st.sampled_from([20, 50, 90])),
            draw(st.sampled_from(groups)),
        )
        for i in range(count)
    ]
    lines = []
    for _ in range(draw(st.integers(0, 2 * count)) if count > 1 else 0):
        a, b = sorted(draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=2)))
        if a == b:
            continue
        line = Line(f"b{a}", f"b{b}", back=draw(st.booleans()))
        if draw(st.booleans()):
            line.leaves, line.enters = draw(st.sampled_from([(5, 15), (20, 20)]))
        if draw(st.booleans()):
            line.label_width, line.label_height = 40, 12
        lines.append(line)
    return boxes, lines, frames


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pictures(), st.sampled_from(DIRECTIONS))
def test_any_picture_keeps_the_promises(picture, direction):
    check(*picture, direction)


def head():
    """One attention head with its loss, as cards of realistic size."""
    sizes = {"X": (344, 100), "mask": (130, 110), "Y": (130, 110), "L": (250, 60)}
    sizes |= {f"W{letter}": (250, 180) for letter in "qkv"}
    groups = {
        "projections": ["X", "Wq", "Wk", "Wv", "Q", "K", "V"],
        "scores": ["S", "mask", "Z", "H"],
        "softmax": ["A"],
        "mix": ["O"],
        "loss": ["L"],
        "": ["Y"],
    }
    boxes = [
        Box(id, *sizes.get(id, (250, 110)), group)
        for group, ids in groups.items()
        for id in ids
    ]
    frames = [Outline(group, "", 80, 18) for group in groups if group]
    return boxes, frames


PAIRS = [
    *["X-Q", "Wq-Q", "X-K", "Wk-K", "X-V", "Wv-V", "Q-S", "K-S", "S-Z", "Z-H"],
    *["mask-H", "H-A", "A-O", "V-O", "O-L", "Y-L"],
]


def head_lines(boxes, direction, label=90):
    side = {b.id: b.width if direction == "down" else b.height for b in boxes}
    lines = []
    for pair in PAIRS:
        a, b = pair.split("-")
        lines.append(Line(a, b, 0.27 * side[a], 0.27 * side[b]))
        if a not in ("mask", "Y"):
            ends = 0.75 * side[a], 0.75 * side[b]
            lines.append(Line(a, b, *ends, label, 14, back=True))
    return lines


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_head_stands_in_one_column_and_crosses_nothing(direction):
    boxes, frames = head()
    found = check(boxes, head_lines(boxes, direction), frames, direction)
    across, along = (0, 1) if direction == "down" else (1, 0)
    chain = [found.places[id] for id in ("S", "Z", "H", "A", "O")]
    assert len({round(place[across], 3) for place in chain}) == 1
    order = [found.places[id][along] for id in ("Q", "S", "Z", "H", "A", "O", "L")]
    assert order == sorted(order)
    # Nothing is placed before it is needed: the mask beside Z, the target beside O.
    middle = {
        box.id: found.places[box.id][along]
        + (box.height if direction == "down" else box.width) / 2
        for box in boxes
    }
    assert middle["mask"] == pytest.approx(middle["Z"])
    assert middle["Y"] == pytest.approx(middle["O"])
    assert middle["V"] == pytest.approx(middle["Q"])


def test_a_head_reads_from_q_to_v():
    boxes, frames = head()
    found = layout(boxes, head_lines(boxes, "down"), frames)
    assert found.places["Q"][0] < found.places["K"][0] < found.places["V"][0]


def test_the_same_again_gives_the_same_to_the_last_digit():
    boxes, frames = head()
    lines = head_lines(boxes, "down")
    assert repr(layout(boxes, lines, frames)) == repr(layout(boxes, lines, frames))


def test_two_lines_between_the_same_boxes_can_be_told_apart():
    boxes = [Box("x", 60, 30), Box("y", 60, 30)]
    lines = [Line("x", "y"), Line("x", "y"), Line("x", "y", back=True)]
    found = check(boxes, lines, [], "down")
    middles = sorted([path[len(path) // 2 // 3 * 3][0] for path in found.paths])
    assert middles[1] - middles[0] > 5
    assert middles[2] - middles[1] > 5


def test_a_residual_chain_stands_in_one_column_beside_its_skips():
    names = [
        f"{kind}{k}" for k in range(3) for kind in ("norm", "linear", "relu", "add")
    ]
    boxes = [Box("x", 120, 50), *[Box(name, 120, 50) for name in names]]
    ids = [box.id for box in boxes]
    lines = [Line(a, b) for a, b in zip(ids, ids[1:])]
    lines += [Line(ids[4 * k], ids[4 * k + 4]) for k in range(3)]
    found = check(boxes, lines, [], "down")
    assert len({round(x, 3) for x, _ in found.places.values()}) == 1


@pytest.mark.parametrize(("seed", "direction"), [*enumerate(2 * DIRECTIONS)])
def test_larger_random_graphs_keep_the_promises(seed, direction):
    chance = random.Random(seed)
    frames = [Outline(f"f{i}", f"f{i - 1}" if i % 2 else "", 40, 14) for i in range(4)]
    boxes = [
        Box(f"b{i}", chance.choice([40, 90]), 40, chance.choice(["", f"f{i // 15}"]))
        for i in range(60)
    ]
    lines = []
    for _ in range(90):
        a = chance.randrange(59)
        lines.append(Line(f"b{a}", f"b{min(59, a + chance.randrange(1, 15))}"))
    check(boxes, lines, frames, direction)


def test_a_frame_as_wide_as_its_label_pushes_its_neighbours_away():
    groups = {2: "f2", 7: "f0", 8: "f0", 9: "f0"}
    widths = {8: 150, 9: 150}
    boxes = [Box(f"b{i}", widths.get(i, 20), 20, groups.get(i, "")) for i in range(10)]
    lines = [Line("b0", "b2"), Line("b0", "b3"), Line("b0", "b8")]
    frames = [Outline("f0", "", 0, 12), Outline("f2", "", 200, 12)]
    found = check(boxes, lines, frames, "down")
    assert found.frames["f2"][2] >= 200


def test_a_frame_as_long_as_its_label_pushes_the_next_row_away():
    boxes = [Box("x", 90, 20), Box("short", 20, 20, "f"), Box("y", 60, 20)]
    found = check(boxes, [Line("short", "y")], [Outline("f", "", 200, 12)], "right")
    assert found.frames["f"][2] >= 200


def test_nothing_and_little():
    empty = layout([], [])
    assert (empty.width, empty.height, empty.places) == (0, 0, {})
    assert layout([Box("x", 30, 20)], []).places == {"x": (0, 0)}
    assert layout([], [], [Outline("f")]).frames == {}


def test_cycles_and_loops_end_too():
    boxes = [Box(id, 30, 20) for id in "abc"]
    lines = [Line("a", "b"), Line("b", "c"), Line("c", "a"), Line("b", "b")]
    found = layout(boxes, lines)
    assert len(found.paths) == 4
    x, y = found.places["c"]
    assert found.paths[2][0] == (x + 15, y)  # it starts at c all the same
    assert not overlap(rectangle(boxes[0], found), rectangle(boxes[1], found))


def test_what_cannot_be_laid_out_is_refused_with_its_values():
    x = Box("x", 1, 1)
    with pytest.raises(ValueError, match="'up' given"):
        layout([x], [], direction="up")
    with pytest.raises(ValueError, match="given twice or empty: .'x'"):
        layout([x, x], [])
    with pytest.raises(ValueError, match="target='y'"):
        layout([x], [Line("x", "y")])
    with pytest.raises(ValueError, match="group='g'"):
        layout([Box("x", 1, 1, "g")], [])
    with pytest.raises(ValueError, match="'f' stands inside itself"):
        layout([x], [], [Outline("f", "g"), Outline("g", "f")])
    with pytest.raises(ValueError, match="no frame 'g'"):
        layout([x], [], [Outline("f", "g")])


def test_ranks_lead_down_and_are_nearly_the_best_where_all_can_be_tried():
    total = best = 0
    for seed in range(200):
        chance = random.Random(seed)
        count = chance.randrange(2, 6)
        pairs = []
        for _ in range(chance.randrange(1, 8)):
            a, b = sorted([chance.randrange(count), chance.randrange(count)])
            if a != b:
                pairs.append((a, b, chance.randrange(1, 4)))
        rows = ranks(count, pairs)
        assert all(rows[a] < rows[b] for a, b, _ in pairs)
        total += sum(w * (rows[b] - rows[a]) for a, b, w in pairs)
        best += shortest(count, pairs)
    assert total <= 1.01 * best


def shortest(count, pairs):
    """The least sum of lengths of all rows there are."""
    best = None
    for number in range(count**count):
        rows = [number // count**i % count for i in range(count)]
        if all(rows[a] < rows[b] for a, b, _ in pairs):
            length = sum(w * (rows[b] - rows[a]) for a, b, w in pairs)
            best = length if best is None else min(best, length)
    return best


def test_a_path_is_written_with_one_decimal():
    assert (
        svg_path([(1, 2), (1, 3), (4, 5), (6, 7.25)])
        == "M 1.0 2.0 C 1.0 3.0 4.0 5.0 6.0 7.2"
    )


def test_three_hundred_boxes_do_not_overlap_either():
    chance = random.Random(1)
    boxes = [Box(f"b{i}", 60, 30) for i in range(300)]
    lines = [
        Line(f"b{a}", f"b{min(299, a + chance.randrange(1, 15))}")
        for a in [chance.randrange(299) for _ in range(600)]
    ]
    found = layout(boxes, lines)
    for one, other in combinations([rectangle(box, found) for box in boxes], 2):
        assert not overlap(one, other)
