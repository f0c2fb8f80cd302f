"""The colour of a number in every picture and page, and its few digits.

| number | from | to |
|---|---|---|
| a value | blue, negative | red, positive |
| a gradient | purple, negative | green, positive |
| a probability | white, 0 | dark blue, 1 |

The scales of values and gradients are symmetric, so that zero is (nearly) white; the
largest finite |x| has the full colour. On every scale -∞ is slate and nan is magenta.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

VALUES = ["#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b"]
GRADIENTS = [
    "#762a83",
    "#af8dc3",
    "#e7d4e8",
    "#f7f7f7",
    "#d9f0d3",
    "#7fbf7b",
    "#1b7837",
]
PROBABILITIES = ["#ffffff", "#c6dcef", "#8db8dd", "#4a86bd", "#0b4f8a"]
PALETTES = {"value": VALUES, "gradient": GRADIENTS, "probability": PROBABILITIES}
MINUS_INFINITY, NAN = "#52606d", "#ff4fd8"
YES = "#e4e9ee"  # True in a mask; False is slate
INK, MUTED, WHITE, BLACK = "#1f2933", "#566370", "#ffffff", "#000000"
FORWARD, BACKWARD, BAR = "#334e68", "#7b3fa0", "#a97bc2"  # the bar of a gradient
PANEL, EDGE = "#f5f7fa", "#d3dce6"  # the ground and the edge of a frame
EMPTY = "#e8ecf0"  # a cell without a number, or that a mask hides
PALE = "#c3cfdb"  # a line along which hardly any gradient flows
READABLE, VISIBLE = 4.5, 3.0  # WCAG AA: contrast of text, of large text and of lines


def shade(x: float, largest: float, palette: list[str]) -> str:
    """The colour of a number between -largest and largest (0 and 1 for probabilities).

    >>> shade(-2.0, 2.0, VALUES), shade(0.0, 2.0, VALUES), shade(1.0, 1.0, GRADIENTS)
    ('#2166ac', '#f7f7f7', '#1b7837')
    >>> shade(math.nan, 1.0, VALUES)
    '#ff4fd8'
    """
    if x != x:
        return NAN
    if x == -math.inf:
        return MINUS_INFINITY
    one_sided = palette is PROBABILITIES
    share = x / largest if largest else 0.0
    place = share if one_sided else (share + 1.0) / 2.0
    place = min(max(place, 0.0), 1.0) * (len(palette) - 1)
    left = min(int(place), len(palette) - 2)
    return blend(palette[left], palette[left + 1], place - left)


def blend(a: str, b: str, share: float) -> str:
    """The colour between two colours: a for share 0, b for share 1."""
    pairs = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(p + (q - p) * share):02x}" for p, q in pairs)


def ink_on(colour: str) -> str:
    """The colour of text on a background: the first of dark, white and black that is
    readable there. (On some colours between light and dark only black is.)

    >>> ink_on("#2166ac"), ink_on("#f7f7f7"), ink_on("#7b7b7b")
    ('#ffffff', '#1f2933', '#000000')
    """
    inks = INK, WHITE, BLACK
    return next(ink for ink in inks if contrast(ink, colour) >= READABLE)


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2).

    >>> round(contrast("#ffffff", "#000000"), 1), contrast(INK, INK)
    (21.0, 1.0)
    """
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, from 0 to 1 (WCAG 2.2)."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    """The linear intensity of an sRGB channel (IEC 61966-2-1)."""
    if channel <= 0.04045:
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)


def largest(numbers: Iterable[float]) -> float:
    """The largest finite |x|, or 0."""
    return max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)


def exponent(size: float) -> int:
    """The power of ten to divide a tensor's numbers by, so that two decimals show
    them; 0 if two decimals are enough already.

    >>> exponent(2.5), exponent(0.0), exponent(31400.0), exponent(0.00031)
    (0, 0, 4, -4)
    """
    if size == 0.0 or 0.05 <= size < 100.0:
        return 0
    return math.floor(math.log10(size))


def digits(x: float, power: int = 0, noise: float = 0.0) -> str:
    """Two decimals without a leading zero and with a real minus; exactly zero is "0",
    a number that rounds to zero is ".00", and rounding noise is "≈ 0".

    >>> digits(0.25), digits(-1.5), digits(0.0), digits(0.001), digits(-math.inf)
    ('.25', '−1.50', '0', '.00', '−∞')
    >>> digits(31400.0, 4), digits(1e-17, noise=1e-12)
    ('3.14', '≈ 0')
    """
    if x != x:
        return "nan"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    if x == 0.0:
        return "0"
    if abs(x) <= noise:
        return "≈ 0"
    text = f"{abs(x) / 10.0**power:.2f}"
    text = text[1:] if text.startswith("0") else text
    minus = x < 0 and text != ".00"
    return f"−{text}" if minus else text


def times_ten_to(power: int) -> str:
    """The text in a label for the power of ten that its numbers are divided by.

    >>> times_ten_to(-4), times_ten_to(0)
    ('×10⁻⁴', '')
    """
    if not power:
        return ""
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"×10{raised}"
