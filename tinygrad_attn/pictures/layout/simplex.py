"""Network simplex: numbers at least so far apart, and in sum as near as that allows.

Two steps of a layout ask the same question. Rows: every line leads at least one row
down, and all lines together should be short. Places: neighbours keep their distance,
and all lines together should be straight. In both, minimise the sum of weight * (x[v]
- x[u]) over edges, where x[v] - x[u] >= least for each edge. It is a linear program,
and one whose corners are trees: n - 1 edges that are tight, not longer than they must
be, determine all places.

Cut one edge of the tree, and it falls in two halves that could move apart. What would
that cost? The weights of all edges that get longer less those that get shorter: the
tree edge's `flow`, called cut value by Gansner et al. (1993, "A Technique for Drawing
Directed Graphs", §2.3), after whom this is made. If it is negative, moving them apart
gains. So we do, until another edge between them gets tight, which takes the cut edge's
place in the tree. When no flow is negative, no better places exist.

Every tree on the way is an answer, only not the best. So a large picture may stop
early.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf

Edge = tuple[int, int, float, int]  # u, v, how far at least, weight

NONE = -1
SEARCH = 30  # edges of negative flow to choose the worst among


def shorten(x: Sequence[float], edges: Sequence[Edge], work: int) -> list[float]:
    """Places as good as they get.

    Args:
        x: places to start from; they must keep all distances.
        edges: a pair may have several; a weight may be 0.
        work: how many steps to take at most, each of some microseconds.

    >>> shorten([0, 5, 9], [(0, 1, 1, 1), (1, 2, 1, 1), (0, 2, 3, 1)], 1000)
    [6.0, 7.0, 9.0]
    """
    if not x:
        return []
    tree = _Tree(list(x), list(edges))
    tree.span()
    tree.measure()
    tree.improve(work)
    return tree.x


class _Tree:
    """A spanning tree of tight edges.

    Attributes:
        around: for each variable the numbers of its edges.
        inside: those of them that are in the tree.
        members: all that are in the tree.
        parent, depth: for each variable the tree's edge toward its root, and how far
            that is, counted from some number.
        flow: what is lost per pixel, for each edge in the tree.
    """

    def __init__(self, x: list[float], edges: list[Edge]) -> None:
        self.x = x
        self.edges = edges
        self.around: list[list[int]] = [[] for _ in x]
        self.inside: list[list[int]] = [[] for _ in x]
        self.members: list[int] = []
        self.parent = [NONE] * len(x)
        self.depth = [0] * len(x)
        self.flow: dict[int, int] = {}
        for e, (u, v, _, _) in enumerate(edges):
            self.around[u].append(e)
            self.around[v].append(e)

    def span(self) -> None:
        """Grow a tree over the edge that is next to being tight, again and again, each
        time moving all of the tree by what is missing."""
        x, moved = self.x, 0.0  # in the tree, x is without what the tree has moved
        reached = [False] * len(x)
        leaving: list[tuple[float, int, int]] = []  # slack, edge, where to
        entering: list[tuple[float, int, int]] = []
        v, by, first = 0, NONE, 0
        for _ in x:
            reached[v] = True
            x[v] -= moved
            if by != NONE:
                self._add(by)
                self.members.append(by)
            for e in self.around[v]:
                a, b, least, _ = self.edges[e]
                if not reached[b]:
                    heappush(leaving, (x[b] - x[v] - least, e, b))
                elif not reached[a]:
                    heappush(entering, (x[v] - x[a] - least, e, a))
            while leaving and reached[leaving[0][2]]:
                heappop(leaving)
            while entering and reached[entering[0][2]]:
                heappop(entering)
            out = leaving[0][0] - moved if leaving else inf
            into = entering[0][0] + moved if entering else inf
            if leaving and out <= into:
                moved += out
                _, by, v = heappop(leaving)
            elif entering:
                moved -= into
                _, by, v = heappop(entering)
            else:  # what is left hangs on nothing: on an edge of no weight, then
                while first < len(x) and reached[first]:
                    first += 1
                if first < len(x):
                    v, by = first, len(self.edges)
                    self.edges.append((0, v, x[v] - x[0] - moved, 0))
                    self.around[0].append(by)
                    self.around[v].append(by)
        for v in range(len(x)):
            x[v] += moved

    def measure(self) -> None:
        """Parents, and flows: what a half has in weights of edges out of it, less those
        of edges into it, goes over the one edge to the other half."""
        order = self._hang(0, NONE, 0)
        surplus = [0] * len(self.x)
        for u, v, _, weight in self.edges:
            surplus[u] += weight
            surplus[v] -= weight
        for v in reversed(order[1:]):
            e = self.parent[v]
            self.flow[e] = surplus[v] if self.edges[e][0] == v else -surplus[v]
            surplus[self._other(e, v)] += surplus[v]

    def improve(self, work: int) -> None:
        """Exchange edges of negative flow until there is none."""
        position, since = 0, 0
        while since < len(self.members) and work > 0:
            worst, slot, found = 0, NONE, 0
            while since < len(self.members) and found < SEARCH:
                flow = self.flow[self.members[position]]
                found += flow < 0
                if flow < worst:
                    worst, slot = flow, position
                position = (position + 1) % len(self.members)
                since += 1
            if slot != NONE:
                work -= self._exchange(slot)
                since = 0

    def _exchange(self, slot: int) -> int:
        e = self.members[slot]
        u, v, _, _ = self.edges[e]
        half, is_tail = self._smaller_half(e)
        f, slack, work = NONE, inf, 0
        for n in half:
            for g in self.around[n]:
                a, b, least, _ = self.edges[g]
                if (
                    (b == n and a not in half)
                    if is_tail
                    else (a == n and b not in half)
                ):
                    free = self.x[b] - self.x[a] - least
                    if free < slack:
                        f, slack = g, free
            work += len(self.around[n])
        for n in half:
            self.x[n] += -slack if is_tail else slack
        self._send_around(f, -self.flow.pop(e))
        self.members[slot] = f
        self.inside[u].remove(e)
        self.inside[v].remove(e)
        for n in (u, v):
            if self.parent[n] == e:
                self.parent[n] = NONE
        a, b, _, _ = self.edges[f]
        near, far = (b, a) if is_tail else (a, b)
        self._hang(near, f, self.depth[far] + 1)
        self._add(f)
        return work + 2 * len(half)

    def _smaller_half(self, e: int) -> tuple[dict[int, int], bool]:
        """What is on one side of a tree edge, and whether that is the side of its
        start; both sides are walked in turn until one is done."""
        u, v, _, _ = self.edges[e]
        halves = [{u: 0}, {v: 0}]
        waiting = [[u], [v]]
        while True:
            for half, queue, tail in zip(halves, waiting, (True, False)):
                if not queue:
                    return half, tail
                n = queue.pop()
                for g in self.inside[n]:
                    other = self._other(g, n)
                    if g != e and other not in half:
                        half[other] = 0
                        queue.append(other)

    def _send_around(self, f: int, flow: int) -> None:
        """Add a flow on an edge that enters, and back on the tree's way between its
        ends: along edges in their direction more, against it less."""
        a, b, _, _ = self.edges[f]
        self.flow[f] = flow
        while a != b:
            if self.depth[b] >= self.depth[a]:
                g = self.parent[b]
                along = self.edges[g][0] == b
                b = self._other(g, b)
            else:
                g = self.parent[a]
                along = self.edges[g][1] == a
                a = self._other(g, a)
            if g in self.flow:
                self.flow[g] += flow if along else -flow

    def _hang(self, top: int, by: int, depth: int) -> list[int]:
        """Parents and depths in the part of the tree that hangs on an edge."""
        self.parent[top], self.depth[top] = by, depth
        order = [top]
        for v in order:
            for e in self.inside[v]:
                if e != self.parent[v]:
                    other = self._other(e, v)
                    self.parent[other], self.depth[other] = e, self.depth[v] + 1
                    order.append(other)
        return order

    def _other(self, e: int, v: int) -> int:
        a, b, _, _ = self.edges[e]
        return b if a == v else a

    def _add(self, e: int) -> None:
        for v in self.edges[e][:2]:
            self.inside[v].append(e)
