"""The user's texts in a picture: tokens, names, titles.

A token or a name can hold anything: markup, a NUL, a line of Hebrew, ten thousand
letters. In a picture it is cut short, invisible characters are written out, and markup
is escaped.
"""

from __future__ import annotations

import unicodedata
from html import escape

JOINERS = "\u200c\u200d"  # invisible, but words and emoji need them
LEFTWARD = "R", "AL"  # the classes of letters that run from right to left
NARROW, BROAD = set("iljtfrI1.,:;'|!()[] "), set("mwMW@%")


def visible(text: object) -> str:
    """The text, with invisible characters written as Python writes them.

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
    """Any text, visible, of at most `length` characters, escaped for XML and HTML.

    >>> markup("<b> & \\"c\\"", 40)
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return escape(clip(visible(str(text)[: length + 1]), length))


def fit_text(text: object, length: int) -> str:
    """Any text, visible, of at most `length` characters; "" stays "".

    >>> fit_text("encoder.layers.0", 9), fit_text("", 9)
    ('encoder.…', '')
    """
    text = str(text)[: length + 1]
    return clip(visible(text), length) if text else ""


def fit_name(name: str, length: int) -> str:
    """A name of at most `length` characters. One that is longer keeps its end as well,
    which tells it from others that begin as it does.

    >>> fit_name("encoder.layers.0.linear1.weight", 20), fit_name("x", 20)
    ('encoder.la…r1.weight', 'x')
    """
    if len(name) <= length:
        return fit_text(name, length)
    begin = length // 2
    end = length - begin - 1
    return f"{visible(name[:begin])[:begin]}…{visible(name[-end:])[-end:]}"


def xml(text: object) -> str:
    """Text escaped for XML and HTML, with control characters written out.

    >>> xml("<b>" + chr(0))
    '&lt;b&gt;\\\\x00'
    """
    return escape(apart(visible(text))) if str(text) else ""


def apart(text: str) -> str:
    """A text in which words written from right to left are isolated, each for itself,
    if anything else stands there: else ∂, ⊙ and ×10⁻² would change their sides. A text
    of such words alone stays as it is.

    >>> word = chr(0x5D0) + chr(0x5D1)
    >>> apart("cat"), apart(f"{word} {word}") == f"{word} {word}"
    ('cat', True)
    >>> apart(f"{word} = 2") == f"{chr(0x2068)}{word}{chr(0x2069)} = 2"
    True
    """
    sides = set() if text.isascii() else set(map(unicodedata.bidirectional, text))
    if sides.isdisjoint(LEFTWARD) or sides <= {*LEFTWARD, "NSM", "WS"}:
        return text
    found, inside = [], False
    for c in text:
        side = unicodedata.bidirectional(c)
        if inside and side not in (*LEFTWARD, "NSM") and c not in JOINERS:
            found.append("\u2069")
            inside = False
        if side in LEFTWARD and not inside:
            found.append("\u2068")
            inside = True
        found.append(c)
    return "".join(found) + "\u2069" * inside


def dot(text: object) -> str:
    """Text escaped for a label in <…> in DOT. A backslash is written by its number,
    because DOT expands `\\N` even there.

    >>> dot(chr(92) + "N <b>")
    '&#92;N &lt;b&gt;'
    """
    return xml(text).replace("\\", "&#92;")


def isolate(text: object, length: int) -> str:
    """`markup`, for a word in a sentence. A word written from right to left (Hebrew,
    Arabic) is isolated, so that it does not reverse the text after it."""
    found = markup(text, length)
    if any(unicodedata.bidirectional(c) in LEFTWARD for c in found):
        return f"\u2068{found}\u2069"
    return found


FONT = "Helvetica, Arial, sans-serif"


def width(text: str, size: float, bold: bool = False) -> float:
    """The approximate width of a text in Helvetica, to leave room for it.

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
    """HTML that scrolls if it is wider than the notebook; made smaller to fit, its
    numbers would be unreadable."""
    return f'<div style="overflow-x: auto">{html}</div>'
