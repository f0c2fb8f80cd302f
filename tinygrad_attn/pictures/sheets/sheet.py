"""The content of a picture, before the layout: cards, links and frames.

A picture is made in two steps. First a graph becomes a `Sheet`: by `tensors.py` at the
op and primitive levels, by `boxes.py` at the module level, by `numbers.py` at the
scalar level, by `expressions.py` for a graph of Values. The second step knows no
tensors: Graphviz draws the sheet (`writing/dot.py`), or our own layout does
(`writing/svg.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..look.grids import Grid

SHARE = "share of "  # before the name of a gradient that is not the whole one
NAME, FORMULA = 40, 76  # the most characters of a name and of a formula
CALLED = 32  # of a name that stands in formulas
RULE = 80  # of the rule beside a line
HEADING, TIP = 60, 2_000  # of a title, and of a line of a tooltip


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
        id: unique, and safe in every format.
        kind: "input", "parameter", "constant", "op", "softmax", "loss" or "module"; it
            decides the colour.
        title: the bold text in the card's head; `detail` stands beside it.
        frame: the id of the frame around it, or "".
        value, gradient: heat maps, or None.
        gradient_title: "∂L/∂Q", or "" to show no gradient.
        upright: whether the gradient stands below the value in any case.
        rows: single numbers, instead of heat maps.
        noise: gradients of the rows up to this size are rounding noise.
        more: how many numbers are left out below the rows.
        ranked: whether none of these has a larger gradient.
        lines: further lines of text.
        rules: the gradients that it sends back, if no labels beside lines say them.
        bar: the length (0..1) and the label of a bar for the size of its gradient.
        tooltip: several lines about the node.
        like: equal for cards of one operation, shape and place in the model.
        again: whether it stands for a card that is drawn elsewhere.
        plain: the plain numbers that it was computed from.
        owns, times: how many numbers it learns, if it says so, and for how many cards
            with as many it stands.
        count: how many modules it stands for, as its title says.
    """

    id: str
    kind: str
    title: str
    detail: str = ""
    frame: str = ""
    value: Grid | None = None
    gradient: Grid | None = None
    gradient_title: str = ""
    upright: bool = False
    rows: list[Row] = field(default_factory=list)
    noise: float = 0.0
    more: int = 0
    ranked: bool = True
    lines: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    bar: tuple[float, str] | None = None
    tooltip: str = ""
    like: str = ""
    again: bool = False
    plain: list[str] = field(default_factory=list)
    owns: int = 0
    times: int = 1
    count: int = 1


@dataclass
class Link:
    """A line between two cards.

    Attributes:
        back: whether it is a gradient's line, drawn from the target to the source.
        label: the text beside it.
        width, colour: None for the usual ones of a line forward or back.
        source_row, target_row: the rows that it joins, if the cards have rows; the row
            after the last is that of the numbers that are left out.
        flow: of single numbers, its share of the largest contribution in the picture.
        joined: how many lines it stands for.
        among: a contribution is one of so many: one for each step that is folded.
    """

    source: str
    target: str
    back: bool = False
    label: str = ""
    width: float | None = None
    colour: str | None = None
    source_row: int | None = None
    target_row: int | None = None
    flow: float | None = None
    joined: int = 1
    among: int = 1


@dataclass
class Frame:
    """A rectangle with a name around cards: a module's call; or several, as its label
    says."""

    id: str
    parent: str
    label: str
    count: int = 1


@dataclass
class Sheet:
    """A whole picture: headings, cards, links and frames.

    Attributes:
        direction: "down" or "right".
        legend: what it explains: the scales "value", "gradient" and "probability", and
            "norm", a bar.
        most: the most repeats that one of its cards or frames stands for.
    """

    title: str
    subtitle: str
    direction: str
    cards: list[Card]
    links: list[Link]
    frames: list[Frame]
    legend: list[str] = field(default_factory=list)
    most: int = 1


@dataclass
class Look:
    """The choices of `draw`.

    Attributes:
        values, grads: whether values and gradients are drawn.
        scale: "tensor", a colour scale for each tensor, or "shared", one for all.
        fold: whether one of several equal layers is drawn for all.
        step: which of them, from 1.
    """

    values: bool = True
    grads: bool = True
    scale: str = "tensor"
    fold: bool = True
    step: int = 1
