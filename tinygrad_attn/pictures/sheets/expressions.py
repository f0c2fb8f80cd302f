"""A graph of Values, as one would draw it on a blackboard: a card for each number."""

from __future__ import annotations

from ...scalar import Value, topological_order
from ..look.colours import digits
from ..look.text import fit_text
from .labels import number_text
from .sheet import NAME, Card, Link, Look, Row, Sheet


def expression(root: Value, look: Look, title: str, limit: int) -> Sheet:
    """The picture of all that a Value was made of, from left to right.

    Gradients are those that a `backward` has left: "–" before there was one. Nothing is
    walked, and nothing is changed.

    Raises:
        ValueError: there are more than `limit` of them.
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
    cards, links = [], []
    for v in order:
        card = card_of(v, ids[v], v is root)
        if not look.grads:
            card.gradient_title = ""
        cards.append(card)
        for x, local in zip(v._prev, v._local):
            label = digits(float(local)) if len(order) <= 60 else ""
            links.append(Link(ids[x], ids[v], label=label, source_row=0, target_row=0))
    below = f"{len(order)} Values; beside a line: ∂result/∂operand"
    return Sheet(title or root.label or "Value", below, "right", cards, links, [])


def card_of(v: Value, id: str, root: bool) -> Card:
    """A Value's card: its name or operation, its number and its gradient."""
    known = not (isinstance(v.grad, int) and v.grad == 0)
    kind = "op" if v._prev else "input"
    tip = f"{v.label or v._op or 'a number'}: {number_text(v.data)}"
    if known:
        tip += f", gradient {number_text(v.grad)}"
    return Card(
        id,
        "loss" if root and v._prev else kind,
        fit_text(v.label or v._op or "Value", NAME),
        fit_text(v._op if v.label else "", NAME),
        gradient_title="gradient",
        rows=[Row("", float(v.data), float(v.grad) if known else None, tip)],
        tooltip=tip,
    )
