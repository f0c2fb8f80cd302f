"""What `play` returns: the page's text, which shows itself."""

from __future__ import annotations

import os
from pathlib import Path

from ...printing import printable
from ...whole_file import write_text
from ..look.paths import path_for
from ..look.showing import page_html, show

ENDINGS = (".html", ".htm")


class Page(str):
    """The text of a page, as a str: to search, to write, to send.

    A notebook shows the page itself. `print` and the prompt say in one line what it is,
    and not its thousands of lines; `html` is the text as a plain str.

    Attributes:
        heading: its title.
        path: the file it was written to, or None.
        lines: how many lines of source it shows, in words.

    >>> page = Page("<!doctype html>", "nothing")
    >>> page
    <Page 'nothing', 15 bytes of HTML>
    >>> print(page)
    <Page 'nothing', 15 bytes of HTML>
    >>> page.html, page.startswith("<!doctype")
    ('<!doctype html>', True)
    """

    heading: str
    path: Path | None
    lines: str
    _still: str

    def __new__(
        cls,
        text: str,
        heading: str = "",
        path: Path | None = None,
        still: str = "",
        lines: str = "",
    ) -> Page:
        page = super().__new__(cls, text)
        page.heading, page.path, page.lines = heading, path, lines
        page._still = still
        return page

    @property
    def html(self) -> str:
        """The text."""
        return str.__str__(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page to a file, whose path it returns.

        Raises:
            TypeError: the path is no str or PathLike.
            ValueError: the name does not end in .html.
            OSError: there is no such folder, or the file cannot be written.
        """
        path = path_for("Page.save", path, *ENDINGS)
        write_text(path, self)
        return path

    def show(self) -> None:
        """Opens the page in the browser, or shows it below a notebook's cell. Where
        there is no browser, one line says where the file is."""
        show(self, self.html, "page.html")

    def _repr_html_(self) -> str:
        return page_html(self.html, self._still, self.heading)

    def __repr__(self) -> str:
        size = f"{len(self.html.encode()):,} bytes of HTML"
        where = f", in {self.path}" if self.path else ""
        lines = f"; {self.lines}" if self.lines else ""
        return printable(f"<Page {self.heading!r}, {size}{where}{lines}>")

    __str__ = __repr__
