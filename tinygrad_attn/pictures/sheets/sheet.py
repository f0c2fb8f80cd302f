"""What a picture shows, before it is known where: cards, links and frames.

A picture is made in two steps. First a graph becomes a `Sheet`: by `tensors.py` at the
op and primitive levels, by `boxes.py` at the module level, by `numbers.py` at the
scalar level, by `expressions.py` for Values alone. From here on nobody needs to know
what a tensor is: Graphviz draws the sheet (`dot.py`), or we do (`svg.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..look.grids import Grid

NAME, FORMULA = 40, 56  # characters of a name and of a formula that are drawn


@dataclass
class Row:
    """A number in a card: a label, its value and its gradient."""

    label: str
    value: float
    gradient: float | None
    tooltip: str = ""


@dataclass
class Card:
    """One box of a picture.

    Attributes:
        id: unique, safe in every format.
        kind: "input", "parameter", "constant", "op", "softmax", "loss", "module": its
            colour.
        title: what stands in its head, in bold, and `detail` beside it.
        frame: the id of the frame it stands in, or "".
        value, gradient: heat maps; None if there is none.
        gradient_title: "∂L/∂Q", or "" where no gradient is to be shown.
        rows: single numbers, in the place of heat maps.
        more: how many numbers are left out below the rows.
        lines: further lines of text.
        bar: the length (0..1) and the label of a bar for the size of its gradient.
        tooltip: all that is known, in some lines.
    """

    id: str
    kind: str
    title: str
    detail: str = ""
    frame: str = ""
    value: Grid | None = None
    gradient: Grid | None = None
    gradient_title: str = ""
    rows: list[Row] = field(default_factory=list)
    more: int = 0
    lines: list[str] = field(default_factory=list)
    bar: tuple[float, str] | None = None
    tooltip: str = ""


@dataclass
class Link:
    """A line between two cards.

    Attributes:
        back: whether it is a gradient's, drawn from the target back to the source.
        label: what stands beside it.
        width, colour: how it is drawn; by its kind if they are None.
        source_row, target_row: which rows it joins, if the cards have rows.
    """

    source: str
    target: str
    back: bool = False
    label: str = ""
    width: float | None = None
    colour: str | None = None
    source_row: int | None = None
    target_row: int | None = None


@dataclass
class Frame:
    """A rectangle with a name around cards: a module's call."""

    id: str
    parent: str
    label: str


@dataclass
class Sheet:
    """A whole picture: cards, links, frames, and what stands above.

    Attributes:
        direction: "down" or "right".
        legend: which scales are explained: "value", "gradient", "probability".
    """

    title: str
    subtitle: str
    direction: str
    cards: list[Card]
    links: list[Link]
    frames: list[Frame]
    legend: list[str] = field(default_factory=list)


@dataclass
class Look:
    """What is to be seen.

    Attributes:
        values, grads: whether values and gradients are drawn.
        scale: "tensor", each with colours of its own, or "shared", all with the same.
    """

    values: bool = True
    grads: bool = True
    scale: str = "tensor"
