"""`Drawing`: a picture that can be shown, saved and changed."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from .. import whole_file
from ..errors import check_number, how_to_install, say
from ..printing import printable
from .look.paths import path_for
from .look.showing import picture_html, show
from .look.text import fit_text
from .sheets.sheet import HEADING, Sheet
from .writing import graphviz
from .writing.dot import dot_text, texts_for
from .writing.fitting import check_readable, made_for, made_to_fit, scale_to_fit
from .writing.placing import SMALLEST, Placed, scale_of
from .writing.svg import svg_text

LEAST_WIDTH = 100.0  # pixels
FEWER = 30, 24, 18, 12, 6, 1  # cards, where there is little room


class Made(NamedTuple):
    """An SVG, and the program that made it; or none, and why."""

    svg: str
    note: str


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
            found, note = "", ""
            if self._layout == "dot":
                found, note = self._by_graphviz(width or inf, height or inf)
                self.note = f"laid out by {note}"
            if not found:
                found = svg_text(self._placed(width, height), width or inf)
                self.note = "laid out by tinygrad_attn" + (f": {note}" if note else "")
            self._svg[size] = made_to_fit(found, width or inf, height or inf)
        return self._svg[size]

    def _sheets(self, fewer: bool = True) -> Iterator[Sheet]:
        """The sheet, and the same with more and more modules closed."""
        yield self.sheet
        if not fewer or self._coarser is None:
            return
        left = len(self.sheet.cards)
        for most in FEWER:
            if most < left:
                sheet = self._coarser(most)
                if len(sheet.cards) < left:
                    left = len(sheet.cards)
                    yield sheet

    def _placed(self, width: float | None, height: float | None) -> Placed:
        """The picture laid out. Where it could not be read on a slide, more modules are
        closed, until it can be."""
        if width is None:
            return made_for(self.sheet, None, None)
        best, most = None, 0.0
        for sheet in self._sheets(height is not None):
            placed = made_for(sheet, width, height)
            scale = scale_of(placed, width, inf if height is None else height)
            if best is None or scale > most:
                best, most = placed, scale
            if most >= SMALLEST:
                break
        assert best is not None
        check_readable(best.sheet, most, width, height or inf, best.layout.width)
        return best

    def _by_graphviz(self, width: float, height: float) -> Made:
        """The picture as Graphviz draws it; no text, and why, if it does not. Where it
        could not be read, more modules are closed, until it can be."""
        best, most = Made("", ""), 0.0
        for sheet in self._sheets(width < inf):
            for text in texts_for(sheet, width):
                data, note = graphviz.run(text, "svg")
                if data is None:
                    return best if best.svg else Made("", note)
                svg = data.decode()
                scale = min(1.0, scale_to_fit(svg, width, height))
                if scale > most:
                    best, most = Made(svg, note), scale
                if most >= SMALLEST:
                    return best
        out = "the height or layout='dot'"
        check_readable(self.sheet, most, width, height, out=out)
        return best

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
                closed if it could not be read. Graphviz draws no columns: with
                layout="dot" they are closed for a width alone, too.

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
        title = fit_text(self.title, HEADING)
        return printable(f"Drawing({title!r}: {len(self.sheet.cards)} cards{note})")
