"""A finished picture: Jupyter shows it, one call saves it."""

from __future__ import annotations

from base64 import b64encode
from os import PathLike, fspath
from pathlib import Path
from re import DOTALL, findall

from ...printing import printable
from ..look.text import markup, scrolling

PAGE_STYLE = "body{margin:0;padding:16px;background:#fff;overflow-x:auto}"


class Picture:
    """A complete SVG, to show and to save.

    In a browser or Jupyter the part under the pointer stands out and shows its numbers.
    A style sheet does this; there is no script.

    Attributes:
        svg: the picture, as text.
        title: the heading.

    >>> picture = Picture('<svg xmlns="http://www.w3.org/2000/svg"/>', "nothing")
    >>> picture
    <Picture 'nothing', 41 bytes of SVG>
    >>> picture.save("nothing.png")
    Traceback (most recent call last):
    ...
    ValueError: Picture.save: 'nothing.png' given; the name must end in .svg or .html
    """

    def __init__(self, svg: str, title: str) -> None:
        self.svg = svg
        self.title = title

    @property
    def html(self) -> str:
        """The picture as an HTML page, whose policy allows its own styles alone."""
        from hashlib import sha256  # slow to import, and seldom needed

        styles = [PAGE_STYLE, *findall(r"<style>(.*?)</style>", self.svg, DOTALL)]
        hashes = (b64encode(sha256(s.encode()).digest()).decode() for s in styles)
        allowed = " ".join(f"'sha256-{h}'" for h in dict.fromkeys(hashes))
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta http-equiv="Content-Security-Policy" '
            f"content=\"default-src 'none'; style-src {allowed}\">\n"
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{markup(self.title, 200)}</title>\n<style>{PAGE_STYLE}</style>\n"
            f"</head>\n<body>\n{self.svg}</body>\n</html>\n"
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the picture as .svg, or as an .html page that any browser opens.

        Raises:
            TypeError: path is no str or PathLike.
            ValueError: the name has another ending.
        """
        if not isinstance(path, (str, PathLike)):
            raise TypeError(
                f"Picture.save: a {type(path).__name__} given; it takes the name of a "
                "file that ends in .svg or .html"
            )
        name = fspath(path)
        ending = Path(name).suffix.lower()
        if ending not in (".svg", ".html"):
            raise ValueError(
                f"Picture.save: {name!r} given; the name must end in .svg or .html"
            )
        text = self.svg if ending == ".svg" else self.html
        Path(name).write_text(text, encoding="utf-8", newline="\n")

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        """Jupyter prefers this: it shows an SVG alone as an image without tooltips."""
        return scrolling(self.svg)

    def __repr__(self) -> str:
        size = f"{len(self.svg.encode()):,} bytes of SVG"
        return printable(f"<Picture {self.title!r}, {size}>")
