"""How a tensor shows itself: its numbers, its dtype and where it came from; and what is
written for letters such as ∂ where the output's encoding has none."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from math import isfinite
from typing import Any

EDGE = 3  # of a long axis, so many are shown at either end
LIMIT = 200  # numbers that are shown in full


def tensor_repr(t: Any) -> str:
    """Tensor([[1.0, 2.0]], float64, from matmul); long ones show their corners."""
    edge = EDGE if t.size > LIMIT else None
    texts: list[str] = []
    values = t.tolist()
    layout = as_texts(values, edge, style(values), texts)
    width = max(map(len, texts), default=0)
    prefix = "Tensor("
    lines = render(layout, width if t.ndim > 1 else 0, len(prefix))
    where = f", shape {t.shape}" if edge or not t.size else ""
    if t._op is not None:
        where += f", from {t._op.name}"
    elif t.requires_grad:
        where += ", requires_grad"
    return f"{prefix}{lines}, {t.dtype}{where})"


def as_texts(values: Any, edge: int | None, form: str, texts: list[str]) -> Any:
    """The values as texts, "..." where an axis is too long; texts collects them."""
    if not isinstance(values, list):
        texts.append(number(values, form))
        return texts[-1]
    if edge is not None and len(values) > 2 * edge:
        head = [as_texts(v, edge, form, texts) for v in values[:edge]]
        tail = [as_texts(v, edge, form, texts) for v in values[-edge:]]
        return [*head, "...", *tail]
    return [as_texts(v, edge, form, texts) for v in values]


def style(values: Any) -> str:
    """One format for all floats: "1.0" if they are whole, four decimals if those show
    them well, else five digits each."""
    flat = [values]
    while flat and isinstance(flat[0], list):
        flat = [v for inner in flat for v in inner]
    sizes = [abs(v) for v in flat if isinstance(v, float) and isfinite(v) and v != 0]
    if max(sizes, default=0.0) < 1e5 and all(v == int(v) for v in sizes):
        return ".1f"
    return ".4f" if min(sizes) >= 1e-4 and max(sizes) < 1e4 else ".4e"


def number(v: Any, form: str) -> str:
    """A float in that format; whole numbers and bools as they are."""
    return format(v, form) if isinstance(v, float) else str(v)


def render(layout: Any, width: int, indent: int) -> str:
    """Rows under each other, numbers right-aligned to a width."""
    if isinstance(layout, str):
        return layout.rjust(width) if layout != "..." else layout
    deep = any(isinstance(v, list) for v in layout)
    between = ",\n" + " " * (indent + 1) if deep else ", "
    return "[" + between.join(render(v, width, indent + 1) for v in layout) + "]"


# === Encodings without our letters ====================================================

# A Windows console, or a pipe in some locales, takes cp1252, cp437 or ASCII only. What
# is drawn with (bars, lines) keeps its width: one character for one.
PLAIN = str.maketrans(
    {
        **dict(zip("─━╌│┌┐└┘├┤█░▶⋮␣", "---|++++++#.>:_")),
        **dict(zip("·⊙×−–“”′│", '**x--""\'|')),
        **{"→": "->", "←": "<-", "↔": "<->", "≤": "<=", "≥": ">=", "≠": "!="},
        **{"∂": "d", "√": "sqrt ", "∛": "cbrt ", "Σ": "sum ", "∫": "int ", "∞": "inf"},
        **{"ᵀ": "^T", "✓": "ok", "✗": "no:", "≈": "~", "≟": "=?", "±": "+-", "‖": "||"},
        **{"½": "1/2", "¼": "1/4", "…": "...", "⋯": "...", "⟨": "<", "⟩": ">"},
        **{c: f"^{unicodedata.normalize('NFKC', c)}" for c in "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿˣʸᵗ"},
        "⁻": "^-",
    }
)


def plain(c: str) -> str:
    """A character in ASCII: by the table; a Greek letter by its name; without its
    accent or from its subscript; else its number.

    >>> [plain(c) for c in "∂→²éⱼβ語"]
    ['d', '->', '^2', 'e', 'j', 'beta', '\\\\u8a9e']
    """
    text = c.translate(PLAIN)
    if not text.isascii():
        name = unicodedata.name(c, "")
        if name.startswith("GREEK ") and " LETTER " in name:
            return name.split()[-1].lower().replace("lamda", "lambda")
        text = unicodedata.normalize("NFKD", text).translate(PLAIN)
        text = text.encode("ascii", "ignore").decode()
    combining = unicodedata.combining(c)
    return text or ("" if combining else c.encode("ascii", "backslashreplace").decode())


def _plain_ones(error: UnicodeError) -> tuple[str, int]:
    """What `codecs` calls where an encoding lacks some characters."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plain, error.object[error.start : error.end])), error.end


ERRORS = "tinygrad_attn.plain"  # for `errors=` of a stream
codecs.register_error(ERRORS, _plain_ones)


def printable(text: str) -> str:
    """A text as standard output can take it: `print(model)` works in every encoding.

    >>> printable("∂loss/∂w → 0")
    '∂loss/∂w → 0'
    """
    encoding = getattr(sys.stdout, "encoding", None)
    if text.isascii() or not isinstance(encoding, str):
        return text
    try:
        return text.encode(encoding, ERRORS).decode(encoding)
    except (LookupError, UnicodeError):  # an encoding that only its owner knows
        return text
