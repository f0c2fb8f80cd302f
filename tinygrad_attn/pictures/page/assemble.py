"""The page that plays backprop: one HTML file with everything it needs inside.

A browser opens it from the disk; it loads nothing from the network. Two things protect
it against harmful names. The script inserts all text from the data as text, never as
HTML. And a content-security policy allows only the one script whose hash it contains.
That policy also forbids `style="..."` in the HTML, so the script sets changing styles
through CSSOM.

The data hold everything that the page shows at each step: the values and gradients of
the cards, and the contributions that each step sends. The script only plays them. It is
kept in several files, joined in the order of SCRIPTS: code that runs at once may use
only the files before its own.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

from ..look.theme import theme_css, theme_js

FOLDER = Path(__file__).parent
STYLES = ("page.css", "drawing.css", "panel.css", "bar.css")
SCRIPTS = (
    *("numbers.js", "data.js", "places.js", "cards.js", "links.js", "camera.js"),
    *("sums.js", "chain.js", "grids.js", "panel.js", "point.js", "player.js"),
)

BEGINNING = '"use strict";\n' + theme_js()  # of the script


def page(data: dict[str, Any], still: str = "") -> str:
    """The whole page as a text; the same data give the same text.

    Args:
        data: title, cards, links and steps; nan and the infinities may be floats or the
            strings "nan", "inf" and "-inf".
        still: an SVG for readers without JavaScript. It is not escaped, and must have
            no `style` attributes, which the page's policy forbids.

    Raises:
        TypeError: the data hold an object that JSON cannot write.
    """
    style = theme_css() + "".join(_read(name) for name in STYLES)
    script = BEGINNING + "".join(_read(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(_printable(str(data["title"]))),
        "style": style,
        "still": still[max(0, still.find("<svg")) :],  # without <?xml ...?>
        "data": _json(data),
        "script": script,
    }

    def part(found: re.Match[str]) -> str:
        return parts[found[1]]

    return re.sub(r"\{\{(\w+)\}\}", part, _read("page.html"))


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The name of a text in a content-security policy: its hash."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json(data: Any) -> str:
    """JSON that is safe inside <script>: in ASCII, so that U+2028, U+2029 and lone
    surrogates are escaped, and with <, > and & escaped too."""
    text = json.dumps(_finite(data), allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(data: Any) -> Any:
    """The data with strings for nan and the infinities, which JSON does not have."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    if isinstance(data, float) and not isfinite(data):
        return str(data)
    return data


def _printable(text: str) -> str:
    """A text without control characters and lone surrogates, which HTML forbids."""
    return "".join(c if c.isprintable() else " " for c in text)
