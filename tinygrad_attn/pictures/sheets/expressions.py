"""A graph of Values, as on a blackboard: a card for each number."""

from __future__ import annotations

from ...graph.noise import NOISE, STEP, gradients_of
from ...scalar import Value, topological_order
from ..look.text import fit_text
from .labels import number_text, slope_text
from .sheet import NAME, Card, Link, Look, Row, Sheet


def expression(root: Value, look: Look, title: str, limit: int) -> Sheet:
    """The picture of the graph behind a Value, from left to right.

    The gradients are those that the last `backward` left, or "–" if there was none.
    Drawing changes no Value.

    Raises:
        ValueError: the graph has more than `limit` Values.
    """
    order: list[Value] = []
    for v in topological_order(root):
        order.append(v)
        if len(order) > limit:
            raise ValueError(
                f"draw: more than {limit:,} Values behind this one cannot be read; "
                "give a part of it (or a higher limit)"
            )
    order.reverse()
    ids = {v: f"v{i}" for i, v in enumerate(order)}
    once, twice = gradients_of(root), gradients_of(root, STEP)
    cards, links = [], []
    for v in order:
        card = card_of(v, ids[v], v is root)
        card.noise = abs(twice[v] - once[v]) / STEP * NOISE["float64"]
        if not look.grads:
            card.gradient_title = ""
        cards.append(card)
        for x, local in zip(v._prev, v.derivatives):
            label = slope_text(float(local)) if len(order) <= 60 else ""
            links.append(Link(ids[x], ids[v], label=label, source_row=0, target_row=0))
    legend = ["value", "gradient"] if look.grads else ["value"]
    below = f"{len(order):,} Values; beside a line: ∂result/∂operand"
    return Sheet(
        title or root.label or "Value", below, "right", cards, links, [], legend
    )


def card_of(v: Value, id: str, root: bool) -> Card:
    """A Value's card: its label or operation, its number and its gradient."""
    known = not (isinstance(v.grad, int) and v.grad == 0)
    kind = "op" if v._prev else "input"
    made = step_of(v)
    tip = f"{v.label or made or 'a number'}: {number_text(v.data)}"
    if known:
        tip += f", gradient {number_text(v.grad)}"
    return Card(
        id,
        "loss" if root and v._prev else kind,
        fit_text(v.label or made or "Value", NAME),
        fit_text(made if v.label else "", NAME),
        gradient_title="gradient",
        rows=[Row("", float(v.data), float(v.grad) if known else None, tip)],
        tooltip=tip,
        like=f"{v._op} {[isinstance(x, Value) for x in v.operands]}",
        plain=[f"{c:.4g}" for c in v.operands if not isinstance(c, Value)],
    )


def step_of(v: Value) -> str:
    """The operation that made a Value, with its constant on its side: "+ 1", "1 −".

    >>> x = Value(2.0)
    >>> step_of(x + 1), step_of(1 - x), step_of(x**2), step_of(x * x)
    ('+ 1', '1 −', '** 2', '*')
    """
    texts = [f"{c:.4g}" for c in v.operands if not isinstance(c, Value)]
    first = v.operands and not isinstance(v.operands[0], Value)
    parts = [*texts, v._op] if first else [v._op, *texts]
    return " ".join(parts).replace("-", "−")
