"""Text in pictures: harmless, short enough, and how wide it will be.

Names come from the learner's program and may hold anything: markup, quotes, control
characters, ten thousand letters. What is drawn is cleaned and clipped here, and escaped
for the language it is written into.
"""

from __future__ import annotations

import unicodedata
from html import escape

FONT = "Helvetica, Arial, sans-serif"
NARROW, WIDE = "ijltfrI.,:;'|!()[]{} ‖₁", "mwMW@%∂ΣΦ√"


def clean(text: object) -> str:
    """Text on one line without characters that control: NUL, line breaks, the marks
    that turn the direction of what follows.

    >>> clean("a" + chr(0) + "b" + chr(10) + "c" + chr(0x202E))
    'a b c '
    """
    return "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " "
        for c in str(text)
    )


def clipped(text: object, length: int) -> str:
    """At most so many characters, the end being left out.

    >>> clipped("encoder.layers.0", 9)
    'encoder.…'
    """
    text = clean(str(text)[: 4 * length])
    return text if len(text) <= length else text[: length - 1] + "…"


def xml(text: object) -> str:
    """Text for SVG and HTML, cleaned and escaped.

    >>> xml("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return escape(clean(text))


def dot(text: object) -> str:
    """Text for DOT, inside a label in <…>: what html.escape does, and backslashes
    doubled, for DOT expands `\\N` even there.

    >>> dot(chr(92) + "N <b>")
    '&#92;N &lt;b&gt;'
    """
    return xml(text).replace("\\", "&#92;")


def width_of(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is in the pictures' font, in px; rather more than less."""
    units = 0.0
    for c in text:
        if c in NARROW:
            units += 0.34
        elif c in WIDE or unicodedata.east_asian_width(c) in "WF":
            units += 1.0 if c not in WIDE else 0.86
        elif c.isupper():
            units += 0.7
        elif unicodedata.combining(c):
            units += 0.0
        else:
            units += 0.57
    return units * size * (1.06 if bold else 1.0)
