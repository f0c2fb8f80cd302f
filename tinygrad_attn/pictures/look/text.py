"""Words of somebody else in a picture: tokens, names, titles.

A token or a name can be anything: markup, a NUL, a line of Hebrew, ten thousand
letters. In a picture it is short, nothing in it is invisible, and it cannot be taken
for markup.
"""

from __future__ import annotations

import unicodedata
from html import escape

JOINERS = "\u200c\u200d"  # unseen themselves, but words and emoji are made with them
NARROW, BROAD = set("iljtfrI1.,:;'|!()[] "), set("mwMW@%")


def visible(text: object) -> str:
    """The text, with what could not be seen written out as Python would.

    >>> visible("cat"), visible("a\\n"), visible("\\x00"), visible(" "), visible("")
    ('cat', 'a\\\\n', '\\\\x00', '␣', "''")
    """
    found = "".join(
        c if c.isprintable() or c in JOINERS else repr(c)[1:-1] for c in str(text)
    )
    return found if found.strip() else "␣" * len(found) or "''"


def clip(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis.

    >>> clip("attention", 9), clip("attention", 4)
    ('attention', 'att…')
    """
    return text if len(text) <= length else f"{text[: length - 1]}…"


def markup(text: object, length: int) -> str:
    """Any text, visible, at most so long, as it may stand in XML and HTML.

    >>> markup("<b> & \\"c\\"", 40)
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return escape(clip(visible(str(text)[: length + 1]), length))


def fit_text(text: object, length: int) -> str:
    """Any text, visible, at most so long; nothing stays nothing.

    >>> fit_text("encoder.layers.0", 9), fit_text("", 9)
    ('encoder.…', '')
    """
    text = str(text)[: length + 1]
    return clip(visible(text), length) if text else ""


def xml(text: object) -> str:
    """Text as it may stand in XML and HTML, with no control character in it.

    >>> xml("<b>" + chr(0))
    '&lt;b&gt;\\\\x00'
    """
    return escape(visible(text)) if str(text) else ""


def dot(text: object) -> str:
    """Text as it may stand in DOT, in a label in <…>: a backslash is written by its
    number, for DOT expands `\\N` even there.

    >>> dot(chr(92) + "N <b>")
    '&#92;N &lt;b&gt;'
    """
    return xml(text).replace("\\", "&#92;")


def isolate(text: object, length: int) -> str:
    """`markup`, for a word within a sentence: one that is written from right to left
    (Hebrew, Arabic) is kept from turning what follows it."""
    found = markup(text, length)
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in found):
        return f"\u2068{found}\u2069"
    return found


FONT = "Helvetica, Arial, sans-serif"


def width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is in Helvetica, to leave room for it.

    >>> width("cat", 10.0)
    14.4
    """
    return round(sum(map(_width, text)) * size * (1.08 if bold else 1.0), 1)


def _width(c: str) -> float:
    if unicodedata.combining(c) or c in JOINERS:
        return 0.0
    if unicodedata.east_asian_width(c) in "WF":
        return 1.0
    return 0.32 if c in NARROW else 0.88 if c in BROAD or c.isupper() else 0.56


def scrolling(html: str) -> str:
    """What is wider than the notebook keeps its size and scrolls: squeezed, its numbers
    could not be read."""
    return f'<div style="overflow-x: auto">{html}</div>'
