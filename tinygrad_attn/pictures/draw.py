"""`draw`: one call, from a recorded computation to a picture."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from .. import whole_file
from ..errors import check_flags, check_number, how_to_install, say
from ..graph.data import Graph, lines_told, without_lines
from ..graph.notation.formulas import pretty
from ..graph.roles import shares_in
from ..graph.trace import history
from ..graph.unfold import LEVELS, graph_of
from ..printing import printable
from ..scalar import Value
from ..tensor import Tensor
from .look.paths import path_for
from .look.showing import picture_html, show
from .sheets.boxes import modules
from .sheets.expressions import expression
from .sheets.folding import fold_repeats
from .sheets.glance import AT_A_GLANCE, LEFT, count, overview
from .sheets.numbers import numbers
from .sheets.reuse import cards_beside_uses
from .sheets.sheet import Look, Sheet
from .sheets.tensors import tensors
from .writing import graphviz
from .writing.dot import dot_text
from .writing.fitting import check_readable, made_for, made_to_fit
from .writing.placing import SMALLEST, Placed, scale_of
from .writing.svg import svg_text

MOST, MANY = 3_000, 1_000  # cards (at the scalar level: numbers) in a picture
FOLDED = 10_000  # steps that are looked through for repeats
MAKERS: dict[str, Callable[[Graph, Look, str, str], Sheet]] = {
    "module": modules,
    "op": tensors,
    "primitive": tensors,
    "scalar": numbers,
}
LEAST_WIDTH = 100.0  # pixels
FEWER = 30, 24, 18, 12, 6, 1  # cards, for a slide


class Drawing:
    """A picture of a computation. A notebook shows it.

    Attributes:
        sheet: its cards, links and frames, as plain data.
        dot: the same as text in DOT, Graphviz's language.
        title: the heading.
        note: once it is drawn, the program that laid it out, and if Graphviz was asked
            for and did not, why; repr() shows it too.
        lines: how many lines of source it shows, in words; "" if nothing.
    """

    def __init__(
        self,
        sheet: Sheet,
        layout: str | None = None,
        lines: str = "",
        coarser: Callable[[int], Sheet] | None = None,
    ) -> None:
        self.sheet = sheet
        self.lines = lines
        self._coarser = coarser  # the same with at most so many cards
        self.title = sheet.title
        self.dot = dot_text(sheet)
        self._layout = layout
        self._svg: dict[tuple[float | None, float | None], str] = {}
        self.note = ""

    @property
    def svg(self) -> str:
        """The picture as SVG, laid out by `layout/`; with layout="dot" by Graphviz."""
        return self._svg_of(None)

    def _svg_of(self, width: float | None, height: float | None = None) -> str:
        """The picture as SVG, at most so many pixels wide and high."""
        size = width, height
        if size not in self._svg:
            made = None
            if self._layout == "dot":
                made, note = graphviz.run(self._dot_of(width), "svg")
                self.note = f"laid out by {note}"
            if made is not None:
                found = made.decode()
            else:
                placed = self._placed(width, height)
                found = svg_text(placed, width or inf)
                if self._layout == "dot":
                    self.note = f"laid out by tinygrad_attn: {note}"
                else:
                    self.note = "laid out by tinygrad_attn"
            self._svg[size] = made_to_fit(found, width or inf, height or inf)
        return self._svg[size]

    def _placed(self, width: float | None, height: float | None) -> Placed:
        """The picture laid out. Where it could not be read on a slide, more modules are
        closed, until it can be."""
        best = made_for(self.sheet, width, height)
        if width is None:
            return best
        if height is not None and self._coarser is not None:
            for most in FEWER:
                if scale_of(best, width, height) >= SMALLEST:
                    break
                if most < len(self.sheet.cards):
                    fewer = made_for(self._coarser(most), width, height)
                    ways = best, fewer
                    best = max(ways, key=lambda way: scale_of(way, width, height))
        check_readable(best, width, inf if height is None else height)
        return best

    def _dot_of(self, width: float | None) -> str:
        """The text for Graphviz, which cannot wrap a strip: where the width is given,
        it runs down instead."""
        if width is None or self.sheet.direction == "down":
            return self.dot
        if any(link.source_row is not None for link in self.sheet.links):
            return self.dot  # between rows of cards, lines run to the right
        return dot_text(replace(self.sheet, direction="down"))

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        width: float | None = None,
        height: float | None = None,
    ) -> Path:
        """Writes the picture in the format of the path's ending: .svg, .dot, .png or
        .pdf.

        PNG and PDF are drawn by Graphviz. Without it the picture is saved as SVG in the
        same folder, and a warning says so.

        Args:
            width: the most pixels that an SVG may be wide, such as 830 in a README or
                1920 on a slide. A picture that runs to the right is wrapped into rows,
                or runs down, whichever fits. One that runs down and could not be read
                becomes a list, card below card, with narrower cards on a phone (390).
                What is wider all the same is made smaller.
            height: with a width, the most pixels that it may be high, such as 1080 on a
                slide of 1920. There a list stands in columns, and more modules stand
                closed if it could not be read.

        Returns:
            The path of the written file.

        Raises:
            ValueError: the path has another ending, the width is none of an SVG, or the
                picture could not be read at that height, or single numbers at that
                width.
            TypeError: the path is no str or PathLike.
        """
        path = path_for("save", path, ".svg", ".png", ".pdf", ".dot")
        form = path.suffix.lower().removeprefix(".")
        if height is not None:
            check_number("save", "height", height, LEAST_WIDTH)
            if width is None:
                raise ValueError(f"save: height={height} needs a width, as width=1920")
        if width is not None:
            check_number("save", "width", width, LEAST_WIDTH)
            if form != "svg":
                raise ValueError(
                    f"save: width={width} and {say(path.name)} given; the width is "
                    "that "
                    "of an .svg"
                )
        if form == "dot":
            whole_file.write_text(path, self.dot)
        elif form == "svg":
            whole_file.write_text(path, self._svg_of(width, height))
        else:
            made, note = graphviz.run(self.dot, form)
            if made is None:
                given, path = path.name, path.with_suffix(".svg")
                whole_file.write_text(path, self.svg)
                warnings.warn(
                    f"save: {given} needs Graphviz; saved {path.name} instead. {note}",
                    stacklevel=2,
                )
            else:
                whole_file.write(path, [made])
        return path

    def graphviz(self) -> Any:
        """The picture as a `graphviz.Digraph`, for your own code to change.

        Raises:
            RuntimeError: the graphviz package is not installed.
        """
        try:
            package = importlib.import_module("graphviz")
        except ImportError:
            raise RuntimeError(
                "graphviz: the Python package graphviz is not installed: "
                f"{how_to_install('graphviz')}; the text in .dot needs nothing"
            ) from None
        first, *body, last = self.dot.splitlines(keepends=True)
        assert (first, last) == ("digraph {\n", "}\n")
        graph = package.Digraph()
        graph.body = body
        return graph

    def _repr_svg_(self) -> str:
        return self.svg

    def show(self) -> None:
        """Opens the picture in the browser, or shows it below a notebook's cell. Where
        there is no browser, one line says where the file is."""
        show(self, self.svg, "picture.svg")

    def _repr_html_(self) -> str:
        """Jupyter prefers this: it shows an SVG alone as an image without tooltips."""
        return picture_html(self.svg, self.title)

    def __repr__(self) -> str:
        note = f", {self.note}" if self.note else ""
        note += f"; {self.lines}" if self.lines else ""
        return printable(
            f"Drawing({self.title!r}: {len(self.sheet.cards)} cards{note})"
        )


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
