"""Numbers that pull at each other and may not come too near.

What the third step of a layout asks, without its words: find places x, of which some
pairs must keep a distance (demands: x[v] at least so far right of x[u]), such that
what is joined (pulls: x[v] wants to be so far right of x[u]) misses its wishes by
little in sum.

First the demands alone are met, in two passes, which is possible since they lead from
left to right and in no circle: from the left, where what is in the way is pushed to
the right, and from the right, where it is pushed to the left. Both answers meet all
demands, and so does their mean, which favours no side. Then network simplex finds the
least sum. It has many answers, and likes the extreme ones: a box between two that pull
equally stands right under one of them. So at last each moves to the middle of its
wishes, as far as it can without pushing others.
"""

from __future__ import annotations

from math import inf

from .simplex import Edge, shorten

WORK = 1_000_000  # steps of the simplex, before a large picture has to do

Pull = list[tuple[int, float, int]]  # other variable, how far right of it, how strong


class Demands:
    """variable v - variable u >= least, for some pairs of variables.

    Attributes:
        left_of, right_of: for each variable its neighbours and their distances.
        order: all variables from left to right, once `sort` has run.
    """

    def __init__(self, count: int) -> None:
        self.left_of: list[dict[int, float]] = [{} for _ in range(count)]
        self.right_of: list[dict[int, float]] = [{} for _ in range(count)]
        self.order: list[int] = []

    def add(self, u: int, v: int, least: float) -> None:
        if self.right_of[u].get(v, least) <= least:
            self.right_of[u][v] = self.left_of[v][u] = least

    def sort(self) -> bool:
        """Find an order from left to right; False if the demands run in a circle."""
        waits = [len(left) for left in self.left_of]
        self.order = [v for v, count in enumerate(waits) if not count]
        for u in self.order:
            for v in self.right_of[u]:
                waits[v] -= 1
                if not waits[v]:
                    self.order.append(v)
        return len(self.order) == len(waits)

    def pushed(self, x: list[float]) -> list[float]:
        """Places that meet all demands, near x.

        >>> demands = Demands(2)
        >>> demands.add(0, 1, 10.0)
        >>> demands.sort(), demands.pushed([5.0, 5.0])
        (True, [0.0, 10.0])
        """
        right, left = list(x), list(x)
        for v in self.order:
            for u, least in self.left_of[v].items():
                right[v] = max(right[v], right[u] + least)
        for u in reversed(self.order):
            for v, least in self.right_of[u].items():
                left[u] = min(left[u], left[v] - least)
        return [(a + b) / 2 for a, b in zip(right, left)]


def find_places(x: list[float], pulls: list[Pull], demands: Demands) -> list[float]:
    """Places that meet all demands and most wishes.

    Args:
        x: where to start.
        pulls: for each of the first variables its wishes. The others are sides of
            frames, a left and a right one in turn, which close around what they hold.
    """
    x = demands.pushed(x)
    _close_frames(x, len(pulls), demands)
    x = _shortened(x, pulls, demands)
    for i in range(6):
        _move_each(x, pulls, demands, i % 2 == 0)
        _close_frames(x, len(pulls), demands)
    return x


def _shortened(x: list[float], pulls: list[Pull], demands: Demands) -> list[float]:
    """The best places, by network simplex.

    It knows demands only: x[v] - x[u] >= least. A pull wants |x[v] - x[u] - far| small,
    and is two edges from a point p of its own: with x[u] >= p and x[v] >= p + far,
    their lengths add up to that and a constant (Gansner et al. 1993, §4.2).
    """
    places = list(x)
    edges: list[Edge] = []
    for u, right in enumerate(demands.right_of):
        edges += [(u, v, least, 0) for v, least in right.items()]
    for v, pull in enumerate(pulls):
        for u, far, strong in pull:
            if u < v or u >= len(pulls):
                edges.append((len(places), u, 0.0, strong))
                edges.append((len(places), v, far, strong))
                places.append(min(x[u], x[v] - far))
    return shorten(places, edges, WORK)[: len(x)]


def middle(wants: list[tuple[float, int]]) -> float:
    """Where as much pulls to the left as to the right; wants are places and strengths.

    >>> middle([(0.0, 1), (10.0, 1), (90.0, 1)]), middle([(0.0, 1), (8.0, 1)])
    (10.0, 4.0)
    """
    wants = sorted(wants)
    half = sum([strong for _, strong in wants]) / 2
    total = 0
    for i, (place, strong) in enumerate(wants):
        total += strong
        if total == half:
            return (place + wants[i + 1][0]) / 2
        if total > half:
            return place
    raise ValueError("middle: of nothing")


def _wants(x: list[float], pull: Pull) -> list[tuple[float, int]]:
    return [(x[other] + far, strong) for other, far, strong in pull]


def _close_frames(x: list[float], first: int, demands: Demands) -> None:
    """Move the sides of frames to what they hold, from the inside out. A frame that is
    narrower than its label keeps the label's width, and pushes nothing for it."""
    for v in reversed(demands.order):
        if v >= first and (v - first) % 2 == 0:
            held = demands.right_of[v].items()
            to = min([x[u] - least for u, least in held if u != v + 1], default=x[v])
            if v + 1 in demands.right_of[v]:
                _, high = _limits(x, v + 1, demands)
                to = min(to, high - demands.right_of[v][v + 1])
            x[v] = to
    for v in demands.order:
        if v >= first and (v - first) % 2 == 1:
            held = demands.left_of[v].items()
            x[v] = max([x[u] + least for u, least in held])


def _move_each(
    x: list[float], pulls: list[Pull], demands: Demands, rightward: bool
) -> None:
    """Move each as near to its wish as it may without pushing others, except sides of
    frames: those on one side open first as far as they can."""
    side = 1 if rightward else 0
    for v in reversed(demands.order) if rightward else demands.order:
        if v >= len(pulls) and (v - len(pulls)) % 2 == side:
            low, high = _limits(x, v, demands)
            x[v] = min(high, x[v] + 1e4) if rightward else max(low, x[v] - 1e4)
    for v in reversed(demands.order) if rightward else demands.order:
        if v < len(pulls) and pulls[v]:
            low, high = _limits(x, v, demands)
            x[v] = max(low, min(high, middle(_wants(x, pulls[v]))))


def _limits(x: list[float], v: int, demands: Demands) -> tuple[float, float]:
    low = max([x[u] + least for u, least in demands.left_of[v].items()], default=-inf)
    high = min([x[u] - least for u, least in demands.right_of[v].items()], default=inf)
    return low, high
