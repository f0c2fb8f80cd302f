"""Random sequences of what may happen between two runs of a program, beside the same
with eager steps: numbers assigned, swapped, set back, halved in place, kept by others,
states swapped and loaded."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from conftest import flatten
from targets import Target, each_trainer

import nn
from nn import optim
from tinygrad_attn import Tensor, no_grad, use_backend, write

OPTIMIZERS = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.1),
    "momentum": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9),
    "AdamW": lambda ps: optim.AdamW(ps, lr=0.1),
}
HOW_MANY = {"numpy": 500, "c": 15, "python": 60}


class World:
    """A few parameters, their optimizer, and what somebody has kept."""

    def __init__(self, kind: str, count: int, target: str = "") -> None:
        self.ps = [nn.Parameter([i + 1.0, i + 2.0]) for i in range(count)]
        self.optimizer = OPTIMIZERS[kind](self.ps)
        self.kept: list[tuple[Any, list[float]]] = []
        self.x = Tensor([0.5, 0.25])
        inputs = {"x": self.x}
        self.program = None
        if target:
            self.program = write(
                self.loss, inputs, update=self.optimizer, target=target
            )

    def loss(self, x: Tensor) -> Any:
        terms = [((p * x) ** 2).sum() * (i + 1) for i, p in enumerate(self.ps)]
        return sum(terms[1:], terms[0])

    def eager(self, *_: int) -> None:
        self.optimizer.zero_grad()
        self.loss(self.x).backward()
        self.optimizer.step()

    def run(self, *_: int) -> None:
        if self.program is None:
            self.eager()
        else:
            self.program(self.x)

    def keep(self, i: int, j: int) -> None:
        kept = self.ps[i].array if j % 2 else self.ps[i].data
        self.kept.append((kept, kept.tolist()))

    def forget(self, *_: int) -> None:
        self.kept[-1:] = []

    def swap(self, i: int, j: int) -> None:
        a, b = self.ps[i], self.ps[j]
        a.data, b.data = b.data, a.data

    def swap_states(self, i: int, j: int) -> None:
        state, a, b = self.optimizer.state, self.ps[i], self.ps[j]
        if a in state and b in state:
            state[a], state[b] = state[b], state[a]

    def assign(self, i: int, j: int) -> None:
        self.ps[i].assign([3.0 + j, 4.0])

    def halve(self, i: int, _: int) -> None:
        with no_grad():
            self.ps[i].mul_(0.5)

    def set_back(self, i: int, _: int) -> None:
        if self.kept and isinstance(self.kept[-1][0], Tensor):
            self.ps[i].data = self.kept[-1][0]

    def load(self, *_: int) -> None:
        self.optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))


MOVES = ["run"] * 4 + ["eager"] + ["keep", "forget", "swap", "swap_states"]
MOVES += ["assign", "halve", "set_back", "load"]


@each_trainer
def test_random_moves(target: Target) -> None:
    with use_backend(target.backend, "float64"):
        for seed in range(HOW_MANY[target.name]):
            draw = Random(seed)
            kind, count = draw.choice([*OPTIMIZERS]), draw.randint(1, 3)
            worlds = World(kind, count), World(kind, count, target.name)
            said = f"seed {seed}, {kind}:"
            for _ in range(draw.randint(4, 14)):
                move = draw.choice(MOVES)
                i, j = draw.randrange(count), draw.randrange(count)
                said += f" {move} {i} {j};"
                for world in worlds:
                    getattr(world, move)(i, j)
                want, got = (flatten([p.tolist() for p in w.ps]) for w in worlds)
                assert got == pytest.approx(want, rel=1e-9), said
                for (kept, numbers), (like, _) in zip(worlds[1].kept, worlds[0].kept):
                    assert kept.tolist() == pytest.approx(like.tolist(), rel=1e-9), said
                    if not isinstance(kept, Tensor):  # p.data is p's
                        assert kept.tolist() == numbers, said
