"""`draw`: one call, from a recorded computation to a picture."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..errors import check_flags, check_number, say
from ..graph.data import Graph, lines_told, without_lines
from ..graph.notation.formulas import pretty
from ..graph.roles import shares_in
from ..graph.trace import history
from ..graph.unfold import LEVELS, graph_of
from ..scalar import Value
from ..tensor import Tensor
from .drawing import Drawing
from .sheets.boxes import modules
from .sheets.expressions import expression
from .sheets.folding import fold_repeats
from .sheets.glance import AT_A_GLANCE, LEFT, count, overview
from .sheets.numbers import numbers
from .sheets.reuse import cards_beside_uses
from .sheets.sheet import Look, Sheet
from .sheets.tensors import tensors

MOST, MANY = 3_000, 1_000  # cards (at the scalar level: numbers) in a picture
FOLDED = 10_000  # steps that are looked through for repeats
MAKERS: dict[str, Callable[[Graph, Look, str, str], Sheet]] = {
    "module": modules,
    "op": tensors,
    "primitive": tensors,
    "scalar": numbers,
}


def draw(
    root: Tensor | Value | Graph,
    level: str = "op",
    head: Any = None,
    sample: int = 0,
    focus: str | None = None,
    depth: int | None = None,
    values: bool = True,
    grads: bool = True,
    scale: str = "tensor",
    *,
    module: Any = None,
    title: str | None = None,
    layout: str | None = None,
    fold: bool = True,
    step: int = 1,
    limit: int | None = None,
    lines: bool = True,
) -> Drawing:
    """A picture of the computation behind `root`, with every number and gradient.

    Args:
        root: a Tensor, such as a loss; a Value (drawn operation by operation); or a
            Graph that `unfold` made.
        level: "module", "op", "primitive" or "scalar".
        head, sample, focus, depth, module: a part of the computation, as in `unfold`.
        values, grads: whether values and gradients are drawn.
        scale: "tensor": each tensor has its own colour scale; "shared": all tensors
            have the same, so that vanishing gradients look small.
        title: the heading; by default the name of the root or of the part.
        layout: "own", the default, or "dot": Graphviz places the cards, be it its
            program `dot` or the one inside pygraphviz.
        fold: whether steps that repeat, such as the turns of a loop or equal layers,
            are drawn once, with their number, and the innermost modules of a large
            picture stand closed, as one card each (unless a depth is given);
            False draws all.
        step: which of them is drawn, from 1.
        limit: the most cards (at the scalar level, numbers) that are drawn: of a
            picture with more, the innermost modules stand closed, and one that still
            has more is refused. By default modules are closed above 40 cards, as its
            subtitle says then, and a picture of more than 3,000 is refused.
        lines: whether tooltips show the lines of your source that `record()` noted.
            Whoever gets the picture can read them.

    Returns:
        A `Drawing`: a notebook shows it, and it has `.show()`, which opens it in the
        browser, `.save("head.svg")`, `.dot`, `.svg` and `.graphviz()`.

    Raises:
        ValueError: an unknown level, scale or layout, or a graph that is too large to
            read; and the errors of `unfold`.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> picture = draw((x * x).sum())
    >>> picture
    Drawing('loss': 3 cards)
    """
    if scale not in ("tensor", "shared"):
        raise ValueError(
            f"draw: scale {say(scale)} given; it must be 'tensor' or 'shared'"
        )
    if layout not in (None, "own", "dot"):
        raise ValueError(f"draw: layout {say(layout)} given; it must be 'own' or 'dot'")
    check_flags("draw", values=values, grads=grads, fold=fold, lines=lines)
    chosen, limit = limit is not None, MOST if limit is None else limit
    check_number("draw", "limit", limit, 1, whole=True)
    check_number("draw", "step", step, 1, whole=True)
    look = Look(values, grads, scale, fold, step)
    title = None if title is None else str(title)
    if isinstance(root, Value):
        most = max(limit, FOLDED) if fold else limit
        sheet = shortened(expression(root, look, title or "", most), fold, step)
        check_count("draw", len(sheet.cards), "scalar", limit)
        return Drawing(sheet, layout)
    if isinstance(root, Graph):
        graph = root
    else:
        part = head is not None or focus is not None or module is not None
        if isinstance(root, Tensor) and not part and level in LEVELS[1:3]:
            steps = len(history([root]))
            if steps > (max(limit, FOLDED) if fold else limit):  # before it is unfolded
                check_count("draw", steps, level, limit)
        graph = graph_of("draw", root, level, module, head, sample, focus, depth)
    graph = graph if lines else without_lines(graph)
    heading, below = headings(graph, head, sample, focus, module)
    sheet = MAKERS[graph.level](graph, look, title or heading, below)
    sheet = repeats_folded(sheet, fold, step)
    every, coarser = sheet, None
    if fold and depth is None and graph.level != "scalar":

        def coarser(most: int) -> Sheet:
            return cards_beside_uses(overview(every, graph, most))

        if chosen or count(sheet) > AT_A_GLANCE:
            sheet = overview(sheet, graph, limit if chosen else LEFT)
    sheet = cards_beside_uses(sheet)
    if graph.level == "scalar" and sheet.most > 1:
        drawn = {card.id for card in sheet.cards}  # whose inputs are to be seen
        sheet = numbers(graph, look, title or heading, below, drawn)
        sheet = shortened(sheet, fold, step)
    rows = sum(len(card.rows) for card in sheet.cards)
    check_count("draw", max(count(sheet), rows), graph.level, limit)
    return Drawing(sheet, layout, lines_told(graph), None if chosen else coarser)


def shortened(sheet: Sheet, fold: bool, step: int) -> Sheet:
    """The sheet with repeats folded, and small cards for leaves that are used again.

    Raises:
        ValueError: no repeat has so many steps.
    """
    return cards_beside_uses(repeats_folded(sheet, fold, step))


def repeats_folded(sheet: Sheet, fold: bool, step: int) -> Sheet:
    """The sheet with repeats folded, or as it is."""
    if fold:
        sheet = fold_repeats(sheet, step)
        if step > sheet.most:
            most = f"what repeats has {sheet.most}"
            raise ValueError(
                f"draw: step {step} given; "
                + (most if sheet.most > 1 else "no loop repeats here")
            )
    elif step != 1:
        raise ValueError(f"draw: step {step} given with fold=False, which draws all")
    return sheet


def check_count(who: str, count: int, level: str, limit: int) -> None:
    """Refuses a picture that is too large to read, and warns of a large one."""
    advice = "; give a head, a focus, a module, or a coarser level"
    what = "numbers" if level == "scalar" else "cards"
    if count > limit:
        raise ValueError(
            f"{who}: {count:,} {what} at level {level!r}; more than {limit:,} cannot "
            f"be read{advice} (or a higher limit)"
        )
    if count > MANY:
        warnings.warn(f"{who}: {count:,} {what} are hard to read{advice}", stacklevel=3)


def headings(
    graph: Graph, head: Any, sample: int, focus: str | None, module: Any
) -> tuple[str, str]:
    """The title and the subtitle of a picture."""
    level = f"{graph.level} level"
    count = f"{len(graph):,} nodes"
    if shares_in(graph):
        through = pretty(graph.through)
        count += f"; share of ∂{pretty(graph.of)}: through {through}"
    if head is not None:
        path = head[0] if isinstance(head[0], str) else type(head[0]).__name__
        title = f"Head {head[1]} of {path}"
        below = f"{level}, sequence {sample}, {count}"
        return (f"{focus}, in head {head[1]} of {path}" if focus else title), below
    if focus is not None:
        return f"What {focus} is made of", f"{level}, {count}"
    if module is not None:
        path = module if isinstance(module, str) else type(module).__name__
        return f"Inside {path}", f"{level}, {count}"
    if graph.through:  # a part that was unfolded before
        return pretty(graph.root.name), f"{level}, {count}"
    return graph.of or graph.root.name, f"{level}, {count}"
