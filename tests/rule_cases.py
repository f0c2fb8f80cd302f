"""One table of all operations: how to call each, on inputs where it is smooth.

The tests of the rules go through this table, on every namespace. `test_rules.py` proves
that no operation is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinygrad_attn import Tensor, rand, randn
from tinygrad_attn.rules import activations, composites, movement, primitives
from tinygrad_attn.rules.operation import Op


def normal(*shape: int) -> Tensor:
    return randn(*shape, dtype="float64", requires_grad=True)


def positive(*shape: int) -> Tensor:
    return (rand(*shape, dtype="float64") + 0.5).requires_grad_()


def away_from_0(*shape: int) -> Tensor:
    x = randn(*shape, dtype="float64")
    return (x + (x > 0) * 0.2 - (x < 0) * 0.2).detach().requires_grad_()


def spread(*shape: int) -> Tensor:
    """Numbers of which no two are close: safe for max."""
    n = 1
    for size in shape:
        n *= size
    order = sorted(range(n), key=lambda i: (i * 7919) % 104729)
    return (
        Tensor([i * 0.37 - 1.0 for i in order], requires_grad=True)
        .reshape(shape)
        .detach()
        .requires_grad_()
    )


def mask(*shape: int) -> Tensor:
    return rand(*shape) < 0.6


def distribution(rows: int, classes: int) -> Tensor:
    x = rand(rows, classes, dtype="float64") + 0.1
    return (x / x.sum(axis=1, keepdims=True)).detach().requires_grad_()


def count_of_rows() -> Tensor:
    return Tensor(3.0, dtype="float64", requires_grad=True)


def one_hot_rows(rows: int, classes: int) -> Tensor:
    return Tensor(
        [[float(c == r % classes) for c in range(classes)] for r in range(rows)]
    )


@dataclass
class Case:
    """An operation, what makes its inputs, and its params."""

    op: Op
    inputs: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def make(self) -> list[Any]:
        """Fresh inputs: (maker, shape...) is made, anything else given as it is."""
        return [
            i[0](*i[1:]) if isinstance(i, tuple) and callable(i[0]) else i
            for i in self.inputs
        ]

    def __str__(self) -> str:
        return f"{self.op.name}{'-' if self.note else ''}{self.note}"


def indices() -> Tensor:
    return Tensor([[0, 2], [2, 1]])


P, M, C, A = primitives, movement, composites, activations

CASES = [
    Case(P.neg, ((normal, 2, 3),)),
    Case(P.exp, ((normal, 2, 3),)),
    Case(P.log, ((positive, 2, 3),)),
    Case(P.log1p, ((positive, 2, 3),)),
    Case(P.sqrt, ((positive, 2, 3),)),
    Case(P.sin, ((normal, 2, 3),)),
    Case(P.cos, ((normal, 2, 3),)),
    Case(P.tanh, ((normal, 2, 3),)),
    Case(P.erf, ((normal, 2, 3),)),
    Case(P.add, ((normal, 2, 3), (normal, 3))),
    Case(P.add, ((normal, 2, 1), 2.0), note="number"),
    Case(P.sub, ((normal, 2, 3), (normal, 2, 1))),
    Case(P.sub, (2.0, (normal, 2, 1)), note="number"),
    Case(P.mul, ((normal, 2, 3), (normal, 1, 3))),
    Case(P.mul, ((normal, 2, 1), (normal, 4, 1, 3)), note="both-stretch"),
    Case(P.div, ((normal, 2, 3), (positive, 3))),
    Case(P.div, (2.0, (positive, 3)), note="number"),
    Case(P.pow, ((positive, 2, 3), (normal, 3))),
    Case(P.pow, ((normal, 2, 3), 3), note="cube"),
    Case(P.maximum, ((spread, 2, 3), (normal, 3))),
    Case(P.where, ((mask, 2, 3), (normal, 2, 3), (normal, 3))),
    Case(P.where, ((mask, 2, 3), 0.5, (normal, 3)), note="number"),
    Case(P.sum, ((normal, 2, 3, 4),), {"axis": (0, 2)}),
    Case(P.sum, ((normal, 2, 3),), {"axis": (1,), "keepdims": True}, note="keepdims"),
    Case(P.sum, ((normal, 2, 3),), {"axis": (0, 1)}, note="all"),
    Case(P.broadcast_to, ((normal, 3, 1),), {"shape": (2, 3, 4)}),
    Case(P.max, ((spread, 2, 3, 4),), {"axis": (1,)}),
    Case(P.max, ((spread, 2, 3),), {"axis": (0, 1), "keepdims": True}, note="all"),
    Case(P.matmul, ((normal, 2, 3), (normal, 3, 4))),
    Case(P.matmul, ((normal, 2, 3, 4), (normal, 4, 5)), note="one-matrix"),
    Case(P.matmul, ((normal, 2, 1, 3, 4), (normal, 5, 4, 2)), note="batches"),
    Case(P.matmul, ((normal, 3, 4), (normal, 2, 4, 5)), note="left-stretch"),
    Case(M.reshape, ((normal, 2, 6),), {"shape": (3, 4)}),
    Case(M.permute_dims, ((normal, 2, 3, 4),), {"axes": (2, 0, 1)}),
    Case(M.getslice, ((normal, 4, 5),), {"bounds": ((1, 4, 2), (4, None, -2))}),
    Case(M.place, ((normal, 2, 3),), {"bounds": ((1, 4, 2), (4, None, -2)),
                                      "shape": (4, 5)}),
    Case(M.concat, ((normal, 2, 3), (normal, 2, 1), (normal, 2, 2)), {"axis": 1}),
    Case(M.take, ((normal, 3, 4), (indices,))),
    Case(M.scatter_add, ((normal, 2, 2, 4), (indices,)), {"rows": 3}),
    Case(M.astype, ((normal, 2),), {"dtype": "float64"}),
    Case(A.relu, ((away_from_0, 2, 5),)),
    Case(A.gelu, ((normal, 2, 5),)),
    Case(A.gelu_tanh, ((normal, 2, 5),)),
    Case(A.dropout, ((normal, 2, 5), (mask, 2, 5)), {"p": 0.25}),
    Case(A.sigmoid, ((normal, 2, 5),)),
    Case(A.silu, ((normal, 2, 5),)),
    Case(A.softplus, ((normal, 2, 5),)),
    Case(A.leaky_relu, ((away_from_0, 2, 5),), {"slope": 0.1}),
    Case(C.mean_of_counted, ((normal, 4), (count_of_rows,))),
    Case(C.softmax, ((normal, 2, 5),), {"axis": -1}),
    Case(C.softmax, ((normal, 2, 5, 2),), {"axis": 1}, note="middle-axis"),
    Case(C.log_softmax, ((normal, 2, 5),), {"axis": -1}),
    Case(C.cross_entropy, ((normal, 4, 3), (distribution, 4, 3))),
    Case(C.cross_entropy, ((normal, 4, 3), (one_hot_rows, 4, 3)), note="one-hot"),
    Case(C.rms_norm, ((normal, 2, 3, 4), (normal, 4)), {"axis": (2,), "eps": 1e-5}),
    Case(C.rms_norm, ((normal, 2, 3, 4), None), {"axis": (1, 2), "eps": 1e-5},
         note="bare"),
    Case(C.linear, ((normal, 2, 3, 4), (normal, 5, 4), (normal, 5))),
    Case(C.linear, ((normal, 3, 4), (normal, 5, 4), None), note="no-bias"),
    Case(C.layer_norm, ((normal, 2, 3, 4), (normal, 4), (normal, 4)),
         {"axis": (2,), "eps": 1e-5}),
    Case(C.layer_norm, ((normal, 2, 3, 4), None, None), {"axis": (1, 2), "eps": 1e-5},
         note="bare"),
    Case(C.layer_norm, ((normal, 2, 4), (normal, 4), None), {"axis": (1,), "eps": 1e-5},
         note="no-bias"),
    Case(C.scaled_dot_product_attention,
         ((normal, 2, 3, 4), (normal, 2, 5, 4), (normal, 2, 5, 2), None, None, None),
         {"scale": 0.5}),
    Case(C.scaled_dot_product_attention,
         ((normal, 2, 3, 4), (normal, 2, 5, 4), (normal, 2, 5, 2), (mask, 3, 5),
          None, None),
         {"scale": 0.5}, note="mask"),
    Case(C.scaled_dot_product_attention,
         ((normal, 2, 3, 4), (normal, 2, 5, 4), (normal, 2, 5, 2), None, None,
          (mask, 2, 3, 5)), {"scale": 0.5, "p": 0.4}, note="dropout"),
    Case(C.layer_norm, ((normal, 2, 4), None, (normal, 4)), {"axis": (1,), "eps": 1e-5},
         note="only-bias"),
    Case(C.scaled_dot_product_attention,
         ((normal, 2, 3, 4), (normal, 5, 4), (normal, 5, 2), (mask, 3, 5),
          (mask, 3, 1), (mask, 2, 3, 5)), {"scale": 0.5, "p": 0.4}, note="all-masks"),
]  # fmt: skip

ALL_OPS = [
    value
    for module in (primitives, movement, composites, activations)
    for value in vars(module).values()
    if isinstance(value, Op) and value.forward.__module__ == module.__name__
]


# --- what the tests of rules and of functions ask -------------------------------------


def wanted(inputs):
    """The Tensors among them that want a gradient."""
    return [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]


def second_derivatives(grad, first, leaves, scale):
    """∂(Σ first · scale)/∂leaf for each leaf, as lists; zeros where no path is."""
    curved = [(g * s).sum() for g, s in zip(first, scale) if g.requires_grad]
    found = (
        grad(sum(curved[1:], curved[0]), leaves, allow_unused=True) if curved else ()
    )
    found = found or [None] * len(leaves)
    zeros = [(x.detach() * 0.0).tolist() for x in leaves]
    return [zero if g is None else g.tolist() for g, zero in zip(found, zeros)]


def kinds(x):
    """What PyTorch calls a Tensor's dtype."""
    import torch

    return {"float64": torch.float64, "int64": torch.int64, "bool": torch.bool}[x.dtype]
