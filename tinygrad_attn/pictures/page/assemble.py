"""The page that plays backprop: one HTML file with everything it needs inside.

It is opened from the disk and asks the network for nothing. Two things guard it against
names that mean harm: all text from the data is set as text, never as HTML; and a
content-security policy lets run only the script whose hash it carries. That policy
also forbids `style="..."` in the HTML, so the script sets what varies through CSSOM.

What the page shows at which step is told by the data (values and gradients of cards,
what each step sends where); the script only plays it. It lies in several files, which
are read in this order: a file may use at once only what stands above it.
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

FOLDER = Path(__file__).parent
STYLES = ("page.css", "drawing.css", "panel.css", "bar.css")
SCRIPTS = (
    *("numbers.js", "data.js", "places.js", "cards.js", "links.js", "camera.js"),
    *("sums.js", "chain.js", "grids.js", "panel.js", "point.js", "player.js"),
)


def page(data: dict[str, Any], still: str = "") -> str:
    """The whole page as a text; the same data give the same text.

    Args:
        data: title, cards, links and steps; numbers that are not finite may be floats
            or the strings "nan", "inf" and "-inf".
        still: an SVG for readers without JavaScript. It is trusted, and must have no
            `style` attributes, which the page's policy forbids.

    Raises:
        TypeError: the data hold something that JSON has no form for.
    """
    style = "".join(_read(name) for name in STYLES)
    script = '"use strict";\n' + "".join(_read(name) for name in SCRIPTS)
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
    """What a content-security policy calls a text."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json(data: Any) -> str:
    """JSON that is safe inside <script>: ASCII, so U+2028, U+2029 and lone surrogates
    are escaped, and no character that could end or open an element."""
    text = json.dumps(_finite(data), allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(data: Any) -> Any:
    """JSON knows no nan and no infinity: they become strings."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_finite(value) for value in data]
    if isinstance(data, float) and not isfinite(data):
        return str(data)
    return data


def _printable(text: str) -> str:
    """Without what HTML must not contain: control characters and lone surrogates."""
    return "".join(c if c.isprintable() else " " for c in text)
