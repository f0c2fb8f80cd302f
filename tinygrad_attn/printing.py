"""How a tensor shows itself: its numbers, its dtype and where it came from."""

from __future__ import annotations

from typing import Any

EDGE = 3  # of a long axis, so many are shown at either end
LIMIT = 200  # numbers that are shown in full


def tensor_repr(t: Any) -> str:
    """Tensor([[1.0, 2.0]], float64, from matmul); long ones show their corners."""
    shown = t.detach()
    edge = EDGE if shown.size > LIMIT else None
    texts: list[str] = []
    layout = nested(shown.tolist(), edge, texts)
    width = max(map(len, texts), default=0)
    prefix = "Tensor("
    lines = render(layout, width if shown.ndim > 1 else 0, len(prefix))
    where = f", shape {t.shape}" if edge or not shown.size else ""
    if t._op is not None:
        where += f", from {t._op.name}"
    elif t.requires_grad:
        where += ", requires_grad"
    return f"{prefix}{lines}, {t.dtype}{where})"


def nested(values: Any, edge: int | None, texts: list[str]) -> Any:
    """The values as texts, "..." where an axis is too long; texts collects them."""
    if not isinstance(values, list):
        texts.append(number(values))
        return texts[-1]
    if edge is not None and len(values) > 2 * edge:
        head = [nested(v, edge, texts) for v in values[:edge]]
        tail = [nested(v, edge, texts) for v in values[-edge:]]
        return [*head, "...", *tail]
    return [nested(v, edge, texts) for v in values]


def number(v: Any) -> str:
    """Five digits of a float, always with a point; others as they are."""
    if not isinstance(v, float):
        return str(v)
    text = f"{v:.5g}"
    return text if any(c in text for c in ".eni") else text + ".0"


def render(layout: Any, width: int, indent: int) -> str:
    """Rows under each other, numbers right-aligned to a width."""
    if isinstance(layout, str):
        return layout.rjust(width) if layout != "..." else layout
    deep = any(isinstance(v, list) for v in layout)
    between = ",\n" + " " * (indent + 1) if deep else ", "
    return "[" + between.join(render(v, width, indent + 1) for v in layout) + "]"
