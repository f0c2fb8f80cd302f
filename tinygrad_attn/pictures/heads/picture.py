"""A finished picture: Jupyter shows it, one call saves it."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike

from ...printing import printable
from ...whole_file import write_text
from ..look.paths import path_for
from ..look.showing import picture_html, show


class Picture:
    """A complete SVG, to show and to save, and a page of the same.

    In the SVG the part under the pointer stands out and shows its numbers. A style
    sheet does this; there is no script. On the page one can also choose another head;
    it is dark where the reader's system is, and fits a phone.

    Attributes:
        svg: the picture, as text.
        title: the heading.

    >>> picture = Picture('<svg xmlns="http://www.w3.org/2000/svg"/>', "nothing", str)
    >>> picture
    <Picture 'nothing', 41 bytes of SVG>
    >>> picture.save("nothing.png")
    Traceback (most recent call last):
    ...
    ValueError: Picture.save: 'nothing.png' given; the name must end in .svg or .html
    """

    def __init__(self, svg: str, title: str, page: Callable[[str], str]) -> None:
        self.svg = svg
        self.title = title
        self._page = page  # makes the page, of the SVG for readers without JavaScript

    @property
    def html(self) -> str:
        """The page, as text: one file that needs nothing else."""
        return self._page(self.svg)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the picture as .svg, or as an .html page that any browser opens.

        Raises:
            TypeError: path is no str or PathLike.
            ValueError: the name has another ending.
            OSError: there is no such folder, or the file cannot be written.
        """
        path = path_for("Picture.save", path, ".svg", ".html")
        text = self.svg if path.suffix.lower() == ".svg" else self.html
        write_text(path, text)

    def show(self) -> None:
        """Opens the page in the browser, or shows the picture below a notebook's cell.
        Where there is no browser, one line says where the file is."""
        show(self, self.html, "attention.html")

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        """Jupyter prefers this: it shows an SVG alone as an image without tooltips."""
        return picture_html(self.svg, self.title)

    def __repr__(self) -> str:
        size = f"{len(self.svg.encode()):,} bytes of SVG"
        return printable(f"<Picture {self.title!r}, {size}>")
