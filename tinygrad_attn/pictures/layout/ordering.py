"""The second step: in which order do the spots of a layer stand?

Lines cross or not by order alone, wherever exactly the spots will be. To find the
order with the fewest crossings is NP-hard even for two layers. The custom (Sugiyama,
Tagawa & Toda 1981, with the transposition of Gansner et al. 1993, §3): go through the
layers down and up again, sort each by the mean place of what its spots are joined to
in the layer before, swap neighbours where that helps, and keep the best order ever
seen.

Frames must stay in one piece, and one that is left of another in one layer must be so
in all. Hence a spot's sort key is a tuple with the place of each frame around it from
the outside in, then its own; and frames that stand in one frame are in one order for
all layers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from operator import attrgetter

from .layers import BOX, Layers, Path, Spot, depth_in_common

SWEEPS = 24  # for small pictures
PATIENCE = 6  # sweeps without a better order
WORK = 400_000  # segments sorted before a large one has to do
SLOT = 24.0  # between spots, as long as places are only estimated
WIDEST_SWAP = 40  # spots of a frame that still changes places with a neighbour

NUMBER, OUT, INTO = attrgetter("number"), attrgetter("out"), attrgetter("into")


def arrange(picture: Layers) -> None:
    """Put the spots of each layer in an order with few crossings."""
    segments = sum([len(spot.down) for layer in picture.layers for spot in layer])
    sweeps = max(2, min(SWEEPS, WORK // (segments + 1)))
    best: _Best | None = None
    for start in (_as_given, _walk_down, _walk_up)[: 1 + sweeps // 8]:
        start(picture)
        _sort_all(picture)
        best = _sweep(picture, sweeps, best)
    if best is not None and best[0] and sweeps == SWEEPS:
        picture.layers = [layer[::-1] for layer in best[1]]
        for layer in picture.layers:
            _estimate(layer)
        best = _sweep(picture, sweeps, best)
    if best is not None:
        picture.layers = best[1]
        for layer in picture.layers:
            _estimate(layer)


def crossings(picture: Layers) -> int:
    """How often lines cross, and six times how often they cross frames."""
    return sum([_crossings_below(layer) for layer in picture.layers])


_Best = tuple[int, list[list[Spot]]]


def _better(picture: Layers, best: _Best | None) -> _Best | None:
    """The picture's order as the best one, if it is."""
    score = 2 * crossings(picture) + _disorder(picture)
    if best is None or score < best[0]:
        return score, [list(layer) for layer in picture.layers]
    return None


def _sweep(picture: Layers, sweeps: int, best: _Best | None) -> _Best:
    best = _better(picture, best) or best
    assert best is not None
    stale = 0
    for sweep in range(sweeps):
        if best[0] == 0 or stale == PATIENCE:
            break
        downward = sweep % 2 == 0
        order = range(len(picture.layers))
        frames = _places_of_frames(picture)
        for i in order if downward else reversed(order):
            _sort(picture.layers[i], frames, downward, sweep % 4 >= 2)
        for layer in picture.layers:
            _swap_neighbours(layer)
        better = _better(picture, best)
        stale = 0 if better else stale + 1
        best = better or best
    return best


def _disorder(picture: Layers) -> int:
    """How many boxes stand right of one that was given later. Half a crossing each:
    Q, K and V from left to right are worth one."""
    count = 0
    for layer in picture.layers:
        numbers = [spot.number for spot in layer if spot.kind == BOX]
        count += sum([a > b for a, b in zip(numbers, numbers[1:])])
    return count


def _as_given(picture: Layers) -> None:
    for layer in picture.layers:
        for spot in layer:
            spot.x = spot.number


def _walk_down(picture: Layers) -> None:
    _walk(_starts(picture.layers), _lower)


def _walk_up(picture: Layers) -> None:
    _walk(_starts(picture.layers[::-1]), _upper)


def _walk(starts: list[Spot], onward: Callable[[Spot], list[Spot]]) -> None:
    """The order of a depth-first walk: what is joined is near from the start."""
    place = 0
    seen: set[Spot] = set()
    for start in starts:
        walk = [start]
        while walk:
            spot = walk.pop()
            if spot not in seen:
                seen.add(spot)
                spot.x = place = place + 1
                walk += onward(spot)[::-1]


def _lower(spot: Spot) -> list[Spot]:
    return [s.lower for s in sorted(spot.down, key=OUT)]


def _upper(spot: Spot) -> list[Spot]:
    return [s.upper for s in sorted(spot.up, key=INTO)]


def _starts(layers: list[list[Spot]]) -> list[Spot]:
    return [spot for layer in layers for spot in sorted(layer, key=NUMBER)]


def _sort_all(picture: Layers) -> None:
    frames = _places_of_frames(picture)
    for layer in picture.layers:
        _sort_by(layer, {spot: spot.x for spot in layer}, frames)


def _sort(
    layer: list[Spot], frames: dict[str, float], downward: bool, flip: bool
) -> None:
    wanted = {spot: _wish(spot, downward) for spot in layer}
    _sort_by(layer, wanted, frames, flip)


def _wish(spot: Spot, downward: bool) -> float:
    """The mean place of what a spot is joined to; without anything on the side that is
    looked at, on the other; without anything at all, its own."""
    above, below = spot.up, spot.down
    if (downward and above) or not below:
        places = [s.upper.x + s.out - s.into + spot.width / 2 for s in above]
    else:
        places = [s.lower.x + s.into - s.out + spot.width / 2 for s in below]
    return sum(places) / len(places) if places else spot.x + spot.width / 2


Key = tuple[tuple[float, int], ...]


def _sort_by(
    layer: list[Spot],
    wanted: dict[Spot, float],
    frames: dict[str, float],
    flip: bool = False,
) -> None:
    """Sort a layer by the wanted places, frames in one piece and in their order. Equals
    stay as they were or change sides (`flip`), for no other reason than to try both."""
    held: dict[Path, list[float]] = {}
    for spot in layer:
        for depth in range(1, len(spot.path) + 1):
            held.setdefault(spot.path[:depth], []).append(wanted[spot])
    siblings: dict[Path, list[Path]] = {}
    for path in held:
        siblings.setdefault(path[:-1], []).append(path)
    key_of: dict[Path, Key] = {(): ()}
    for parent in sorted(siblings, key=len):
        # Where frames may stand is given by their spots, which of them stands where by
        # the order that holds for all layers.
        inside = sorted([(frames[path[-1]], path) for path in siblings[parent]])
        means = sorted([sum(held[p]) / len(held[p]) for p in siblings[parent]])
        for i, (mean, (_, path)) in enumerate(zip(means, inside)):
            key_of[path] = (*key_of[parent], (mean, i - len(inside)))
    keyed: list[tuple[Key, int, Spot]] = []
    for i, spot in enumerate(layer):
        place = len(layer) - i if flip else i
        keyed.append(((*key_of[spot.path], (wanted[spot], place)), i, spot))
    layer[:] = [spot for _, _, spot in sorted(keyed)]
    _estimate(layer)


def _estimate(layer: list[Spot]) -> None:
    """Places as if the layer were packed around a middle at 0."""
    x = -sum([spot.width + SLOT for spot in layer]) / 2
    for spot in layer:
        spot.x = x
        x += spot.width + SLOT


def _places_of_frames(picture: Layers) -> dict[str, float]:
    total: dict[str, float] = {}
    count: dict[str, int] = {}
    if not picture.borders:
        return total
    for layer in picture.layers:
        for spot in layer:
            for id in spot.path:
                total[id] = total.get(id, 0.0) + spot.x + spot.width / 2
                count[id] = count.get(id, 0) + 1
    return {id: total[id] / count[id] for id in total}


def _crossings_below(layer: list[Spot]) -> int:
    """Pairs of lines that start in one order and end in the other."""
    ends: list[tuple[float, float]] = []
    for spot in layer:
        for s in spot.down:
            ends += [(spot.x + s.out, s.lower.x + s.into)] * s.weight
    ends.sort()
    before: list[float] = []
    count = 0
    for _, end in ends:
        count += len(before) - bisect_right(before, end)
        insort(before, end)
    return count


def _swap_neighbours(layer: list[Spot]) -> None:
    """Swap what stands side by side, spots or frames, where fewer lines cross then."""
    if len(layer) < 2:
        return
    ups = {spot: _ends_above(spot) for spot in layer}
    downs = {spot: _ends_below(spot) for spot in layer}
    swapped = True
    rounds = 0
    while swapped and rounds < 4:
        swapped = False
        rounds += 1
        i = 1
        while i < len(layer):
            start, end = _things(layer, i)
            left, right = layer[start:i], layer[i:end]
            if 0 < end - start <= WIDEST_SWAP:
                gain = _saving(ups, left, right) + _saving(downs, left, right)
                if gain > 0 or (gain == 0 and _is_misplaced(left, right)):
                    layer[start:end] = right + left
                    swapped = True
            i += 1
    _estimate(layer)


def _is_misplaced(left: list[Spot], right: list[Spot]) -> bool:
    a, b = left[0], right[0]
    boxes = len(left) == len(right) == 1 and a.kind == b.kind == BOX
    return boxes and a.number > b.number


def _things(layer: list[Spot], i: int) -> tuple[int, int]:
    """Where the thing that ends before i starts, and the one that starts at i ends;
    two frames may not be swapped in one layer alone, and give nothing."""
    a, b = layer[i - 1].path, layer[i].path
    depth = depth_in_common(a, b) + 1
    start, end = i - 1, i + 1
    if len(a) >= depth and len(b) >= depth:
        return i, i
    if len(a) >= depth:
        while start > 0 and layer[start - 1].path[:depth] == a[:depth]:
            start -= 1
    if len(b) >= depth:
        while end < len(layer) and layer[end].path[:depth] == b[:depth]:
            end += 1
    return start, end


def _saving(ends: dict[Spot, list[float]], left: list[Spot], right: list[Spot]) -> int:
    saved = 0
    for a in left:
        for b in right:
            theirs = ends[b]
            for end in ends[a]:
                saved += bisect_left(theirs, end)
                saved -= len(theirs) - bisect_right(theirs, end)
    return saved


def _ends_above(spot: Spot) -> list[float]:
    return sorted([s.upper.x + s.out for s in spot.up for _ in range(s.weight)])


def _ends_below(spot: Spot) -> list[float]:
    return sorted([s.lower.x + s.into for s in spot.down for _ in range(s.weight)])
