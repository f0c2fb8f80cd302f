"""A page: one HTML file with all that it needs in it, which shows data as data.

The data are escaped as JSON inside a script tag of the type application/json. The
script puts all text from the data as text, never as HTML. And a content-security policy
allows only the one script and the styles whose hashes it contains. That policy also
forbids `style="..."` in the HTML, so the script sets changing styles through CSSOM.

A page's script is kept in several files, joined in order: code that runs at once may
use only the files before its own.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from math import isfinite
from pathlib import Path
from typing import Any

from .theme import theme_css, theme_js

HERE = Path(__file__).parent
# The beginning of every script.
SHARED = (HERE / "cells.js", HERE / "names.js", HERE / "maps.js")
BEGINNING = '"use strict";\n' + theme_js()


def page_of(
    template: Path,
    styles: Sequence[Path],
    scripts: Sequence[Path],
    data: dict[str, Any],
    still: str = "",
    programs: Sequence[str] = (),
) -> str:
    """A whole page as a text; the same data give the same text.

    Args:
        template: the HTML, with a place in double braces for policy, title, style,
            still, data, programs and script.
        styles, scripts: the files that become one style sheet and one script.
        data: with a title in it; nan and the infinities may be floats or the strings
            "nan", "inf" and "-inf".
        still: an SVG for readers without JavaScript. It is not escaped, and must have
            no `style` attributes, which the page's policy forbids.
        programs: scripts that run before the page's own.

    Raises:
        TypeError: the data hold an object that JSON cannot write.
    """
    style = theme_css() + "".join(map(_read, styles))
    script = BEGINNING + "".join(map(_read, scripts))
    own = re.findall(r"<style>(.*?)</style>", still, re.DOTALL)
    allowed = " ".join(map(_hash, [style, *own]))
    scripts_allowed = " ".join(map(_hash, [*programs, script]))
    policy = (
        f"default-src 'none'; script-src {scripts_allowed}; style-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(_printable(str(data["title"]))),
        "style": style,
        "still": still[max(0, still.find("<svg")) :],  # without <?xml ...?>
        "data": _json(data),
        "programs": "".join(f"<script>{text}</script>\n" for text in programs),
        "script": script,
    }

    def part(found: re.Match[str]) -> str:
        return parts[found[1]]

    return re.sub(r"\{\{(\w+)\}\}", part, _read(template))


def _read(path: Path) -> str:
    loader: Any = globals()["__loader__"]  # reads files as modules: from a zip too
    return str(loader.get_data(str(path)), "utf-8")


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
