"""Numbers that pull at each other and may not come too near.

The third step of a layout, without its words: find places x such that some pairs keep
a distance (a demand: x[v] is at least so far right of x[u]) and such that joined ones
(a pull: x[v] wants to be so far right of x[u]) come near to what they want.

1. Demands lead from left to right and in no circle, so two passes meet them all: one
   pushes what is in the way to the right, one to the left. Their mean favours no side.
2. Sweeps, leftward and rightward in turn: each number moves to the mean of its wishes,
   as far as it can without pushing others. Two that hold on to each other follow each
   other, little by little, to where they both want to be.
3. Chains are straightened: where one bends, the part above the bend or the part below
   moves, and pushes aside what is in its way, if that costs less than the bend.
4. Sweeps again, to the middle of the wishes (the median) and not to their mean: one
   straight line and one long one, rather than two that bend a little.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

MEANS, MEDIANS = 20, 6  # sweeps
ROUNDS = 4  # in which chains are straightened
EPSILON = 1e-6

Pull = list[tuple[int, float, int]]  # other variable, how far right of it, how strong
Chain = list[tuple[int, float]]  # variables, how far right of the first each should be
Wants = list[tuple[float, int]]  # places and strengths


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

    def meet(self, x: list[float]) -> list[float]:
        """Places near x that meet all demands.

        >>> demands = Demands(2)
        >>> demands.add(0, 1, 10.0)
        >>> demands.sort(), demands.meet([5.0, 5.0])
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

    def push(self, x: list[float], moved: dict[int, float], rightward: bool) -> None:
        """Adds to `moved`, new places of some variables, those of all in their way."""
        waiting = list(moved)
        while waiting:
            u = waiting.pop()
            if rightward:
                for v, least in self.right_of[u].items():
                    if moved[u] + least > moved.get(v, x[v]) + EPSILON:
                        moved[v] = moved[u] + least
                        waiting.append(v)
            else:
                for v, least in self.left_of[u].items():
                    if moved[u] - least < moved.get(v, x[v]) - EPSILON:
                        moved[v] = moved[u] - least
                        waiting.append(v)

    def limits(self, x: list[float], v: int) -> tuple[float, float]:
        """How far a variable can move to the left and right and push none."""
        low = max([x[u] + least for u, least in self.left_of[v].items()], default=-inf)
        high = min([x[u] - least for u, least in self.right_of[v].items()], default=inf)
        return low, high


def find_places(
    x: list[float], pulls: list[Pull], chains: list[Chain], demands: Demands
) -> list[float]:
    """Places that meet all demands and most wishes.

    Args:
        x: where to start.
        pulls: for each of the first variables its wishes. The others are sides of
            frames, a left and a right one in turn, which close around what they hold.
        chains: which variables should stand in one line.
    """
    x = demands.meet(x)
    _close_frames(x, len(pulls), demands)
    for i in range(MEANS):
        _sweep(x, pulls, demands, mean, rightward=i % 2 == 1)
    for i in range(MEDIANS):
        _straighten(x, pulls, chains, demands)
        _close_frames(x, len(pulls), demands)
        _sweep(x, pulls, demands, middle, rightward=i % 2 == 1)
    _straighten(x, pulls, chains, demands)
    _close_frames(x, len(pulls), demands)
    return x


def mean(wants: Wants) -> float:
    """The mean of places, weighted by their strengths.

    >>> mean([(0.0, 1), (8.0, 3)])
    6.0
    """
    total = sum([strong for _, strong in wants])
    return sum([place * strong for place, strong in wants]) / total


def middle(wants: Wants) -> float:
    """Where as much pulls to the left as to the right.

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


def _sweep(
    x: list[float],
    pulls: list[Pull],
    demands: Demands,
    wish: Callable[[Wants], float],
    *,
    rightward: bool,
) -> None:
    """Move each variable as near to its wish as it can without pushing others, from
    the side that it may move to. The sides of frames there open first, and close at the
    end."""
    first = len(pulls)
    order = demands.order[::-1] if rightward else demands.order
    for v in order:
        if v >= first and (v - first) % 2 == rightward:
            low, high = demands.limits(x, v)
            x[v] = min(high, x[v] + 1e4) if rightward else max(low, x[v] - 1e4)
    for v in order:
        if v < first and pulls[v]:
            low, high = demands.limits(x, v)
            wants = [(x[other] + far, strong) for other, far, strong in pulls[v]]
            x[v] = max(low, min(high, wish(wants)))
    _close_frames(x, first, demands)


def _close_frames(x: list[float], first: int, demands: Demands) -> None:
    """Move the sides of frames to what they hold, from the inside out. A frame that is
    narrower than its label keeps the label's width, and pushes nothing for it."""
    for v in reversed(demands.order):
        if v >= first and (v - first) % 2 == 0:
            held = demands.right_of[v].items()
            to = min([x[u] - least for u, least in held if u != v + 1], default=x[v])
            if v + 1 in demands.right_of[v]:
                _, high = demands.limits(x, v + 1)
                to = min(to, high - demands.right_of[v][v + 1])
            x[v] = to
    for v in demands.order:
        if v >= first and (v - first) % 2 == 1:
            held = demands.left_of[v].items()
            x[v] = max([x[u] + least for u, least in held])


# --- chains ---------------------------------------------------------------------------


def _straighten(
    x: list[float], pulls: list[Pull], chains: list[Chain], demands: Demands
) -> bool:
    """Move parts of chains into line with the rest, where that costs less than the
    bend; whether any was moved."""
    changed = False
    for chain in chains:
        hanging: list[_Hanging] = []
        for i in range(1, len(chain)):
            (u, a), (v, b) = chain[i - 1], chain[i]
            bend = x[v] - x[u] - (b - a)
            if abs(bend) < EPSILON:
                continue
            hanging = hanging or _hanging(chain, pulls)
            above, below = [w for w, _ in chain[:i]], [w for w, _ in chain[i:]]
            with_above, with_below = above[:], below[:]
            for first, last, variables in hanging:
                with_above += variables if last < i else []
                with_below += variables if first >= i else []
            best: dict[int, float] = {}
            least = -EPSILON
            for part, by in (
                (with_below, -bend),
                (with_above, bend),
                (below, -bend),
                (above, bend),
            ):
                moved = {w: x[w] + by for w in part}
                demands.push(x, moved, rightward=by > 0)
                cost = _cost(x, moved, pulls)
                if cost < least:
                    best, least = moved, cost
            for w, place in best.items():
                x[w] = place
                changed = True
    return changed


# What hangs on a chain, directly or through others: on which of its variables, from
# the first to the last, and what it is. It comes along if all of these move.
_Hanging = tuple[int, int, list[int]]


def _hanging(chain: Chain, pulls: list[Pull]) -> list[_Hanging]:
    place = {v: i for i, (v, _) in enumerate(chain)}
    seen = set(place)
    found: list[_Hanging] = []
    for v, _ in chain:
        for start, _, _ in pulls[v]:
            if start in seen or start >= len(pulls):
                continue
            seen.add(start)
            variables, on = [start], []
            for w in variables:  # grows as we go
                for u, _, _ in pulls[w]:
                    if u in place:
                        on.append(place[u])
                    elif u not in seen and u < len(pulls):
                        seen.add(u)
                        variables.append(u)
            found.append((min(on), max(on), variables))
    return found


def _cost(x: list[float], moved: dict[int, float], pulls: list[Pull]) -> float:
    """What is lost if some variables move: by how much more their wishes are missed."""
    total = 0.0
    for v, place in moved.items():
        for u, far, strong in pulls[v] if v < len(pulls) else ():
            if u not in moved or u > v:  # a pull between two that move counts once
                now, then = x[v] - x[u] - far, place - moved.get(u, x[u]) - far
                total += strong * (abs(then) - abs(now))
    return total
