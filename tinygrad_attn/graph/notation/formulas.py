"""How a step is written with the names of what it is about: `S = Q Kᵀ`.

A rule in `primitives.py` speaks of x, y, z and g. Of one step in a graph more is known:
its inputs have names. So a picture can write `S = Q Kᵀ` above a product, and beside the
line that its gradient takes back to Q, `∂Q += ∂S K`, where ∂S is short for ∂L/∂S.

The patterns are in `words.py`; here names, numbers, axes and sums are put into them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from math import isinf
from typing import Any

from ...rules.composites import MASKED
from ..data import Edge, Graph, Node
from .words import LEAVES, MEANINGS, TURNED, WORDS, Words


@dataclass
class Written:
    """A step in words, ready for a picture."""

    formula: str = ""
    rules: list[str] = field(default_factory=list)
    sentence: str = ""
    kind: str = ""
    sign: str = ""


def written(graph: Graph, node: Node, called: dict[str, str]) -> Written:
    """A node's step with names.

    Args:
        called: what each node is called, by id.
    """
    words = WORDS.get(node.op)
    if words is None or not graph.inputs(node):
        return Written(sentence=LEAVES.get(node.op, ""))
    words = with_exponent(words, node)
    edges = {edge.position: edge for edge in graph.inputs(node)}
    names = []
    for i, x in enumerate(node.arguments):
        name = name_in(graph, node, x, called) if isinstance(x, str) else number(x)
        if i and words.sign and name.startswith("−"):
            name = f"({name})"  # x − (−2)
        names.append(transpose_name(name) if i in edges and edges[i].turned else name)
    z, settings = called[node.id], details(graph, node)
    rules = []
    for i in range(len(names)):
        rule = words.rules[min(i, len(words.rules) - 1)]
        if i in edges and edges[i].turned:
            rule = TURNED.get((node.op, i), f"({rule})ᵀ" if rule else "")
        rule = fill(rule, names, z, settings)
        rules.append(write_sum(graph, node, edges[i], rule) if i in edges else rule)
    base = re.sub(r"_\d+$", "", node.name)
    sentence = MEANINGS.get((node.op, base)) or words.sentence
    return Written(
        fill(words.formula, names, z, settings),
        rules,
        fill(sentence, names, z, settings),
        words.kind,
        words.sign,
    )


def rule_of(graph: Graph, edge: Edge, rule: str, called: dict[str, str]) -> str:
    """What an edge adds to its source's gradient: "∂Q += ∂S K"."""
    return f"∂{called[edge.source]} += {rule}" if rule else ""


def fill(pattern: str, names: list[str], z: str, settings: dict[str, str]) -> str:
    """A pattern of the table with names in it. A term for an input that was not given
    (a bias) is left out, with the sign before it."""

    def name(found: re.Match[str]) -> str:
        key = found[1]
        if key == "z":
            return z
        if key == "all":
            return ", ".join(names)
        if key.rstrip("t").isdigit():
            i = int(key.rstrip("t"))
            own = names[i] if i < len(names) else ""
            return transpose_name(own) if key.endswith("t") else own
        return settings.get(key, "")

    for i, own in enumerate(names):
        if not own:
            pattern = re.sub(rf" (?:\+|⊙) \{{{i}t?\}}", "", pattern)
            pattern = re.sub(rf", \{{{i}t?\}}", "", pattern)
    return re.sub(r"\{(\w+)\}", name, pattern)


def name_in(graph: Graph, node: Node, id: str, called: dict[str, str]) -> str:
    """What an input is called in a step's formula: a parameter of the module that takes
    the step by its own name, as in the module's source."""
    path, name = f"{node.module}.", graph.by_id(id).name
    own = graph.by_id(id).op == "parameter" and node.module and name.startswith(path)
    return pretty(name.removeprefix(path))[:40] if own else called[id]


def with_exponent(words: Words, node: Node) -> Words:
    """The words for a power of a plain number, such as x², in which the number that is
    less by one is worked out."""
    if node.op != "pow" or isinstance(node.arguments[1], str):
        return words
    p = float(node.arguments[1] or 0.0)
    base = "{0}" if p in (0.0, 1.0, 2.0) else f"{{0}}{write_exponent(p - 1.0)}"
    factor = number(p) if p > 0 else f"({number(p)})"
    rule = "∂{z}" if p == 1.0 else "0" if p == 0.0 else f"∂{{z}} ⊙ {factor} {base}"
    return replace(words, formula=f"{{0}}{write_exponent(p)}", rules=(rule, ""))


def write_exponent(p: float) -> str:
    """An exponent.

    >>> write_exponent(2.0), write_exponent(-1.0), write_exponent(0.5)
    ('²', ' ^ (−1)', ' ^ .5')
    """
    if p in (2.0, 3.0):
        return "²" if p == 2.0 else "³"
    return f" ^ {number(p)}" if p >= 0 else f" ^ ({number(p)})"


def details(graph: Graph, node: Node) -> dict[str, str]:
    """A step's settings as a formula has them; what goes without saying is ""."""
    found = {
        key: number(value) if isinstance(value, float) else str(value)
        for key, value in node.settings.items()
    }
    x = graph.by_id(graph.inputs(node)[0].source).shape
    axes = axes_of(node, len(x))
    if axes is not None:
        some = ", ".join(map(str, axes))
        found["over"] = f" over {'axis' if len(axes) == 1 else 'axes'} {some}"
        found["along"] = f", axis {some}"
        found["each"] = f"Each part{found['over'] or ' over all axes'}"
        if len(axes) >= len(x):
            found["over"] = ""
        if axes == [len(x) - 1]:
            found["along"], found["each"] = "", "Each row"
    if "bounds" in node.settings:
        whole = node.settings.get("shape", x)
        steps = zip(node.settings["bounds"], whole)
        found["part"] = (
            f"[{', '.join(bounds_text(b[0], b[1], b[2], size) for b, size in steps)}]"
        )
    return found


def axes_of(node: Node, ndim: int) -> list[int] | None:
    """The axes that a step works along, counted from 0; None if it has none."""
    if "axis" not in node.settings:
        return None
    axis = node.settings["axis"]
    if axis is None:
        return list(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return sorted(a % ndim for a in axes) if ndim else []


def bounds_text(start: int, stop: int | None, step: int, size: int) -> str:
    """A slice as Python writes it.

    >>> bounds_text(0, 5, 1, 5), bounds_text(4, 8, 1, 12), bounds_text(4, None, -1, 5)
    (':', '4:8', '4::-1')
    """
    if step == 1 and (start, stop) == (0, size):
        return ":"
    end = "" if stop is None else str(stop)
    return f"{start}:{end}" + (f":{step}" if step != 1 else "")


def write_sum(graph: Graph, node: Node, edge: Edge, rule: str) -> str:
    """A rule, and the sum over the copies of an input that was broadcast."""
    words, x = WORDS[node.op], graph.by_id(edge.source).shape
    if not rule or node.op == "linear":
        return rule
    if words.kind == "product":
        more = len(node.shape) > len(x) > 1 or x[:-2] != node.shape[:-2]
        return f"Σ {rule} over the batch" if more else rule
    if words.kind != "elementwise" or x == node.shape:
        return rule
    n = len(node.shape)
    lined = (1,) * (n - len(x)) + x
    axes = [i for i in range(n) if lined[i] == 1 and node.shape[i] > 1]
    if not axes:
        return f"{rule}, reshaped"
    if axes == [i for i in range(n) if node.shape[i] > 1]:
        return f"Σ {rule}"  # over all
    if axes == list(range(n - 1)):
        return f"Σ rows of {rule}"
    some = ", ".join(map(str, axes))
    return f"Σ {rule} over {'axis' if len(axes) == 1 else 'axes'} {some}"


def transpose_name(name: str) -> str:
    """A name with ᵀ, or without if it has one.

    >>> transpose_name("K"), transpose_name("Kᵀ")
    ('Kᵀ', 'K')
    """
    return name[:-1] if name.endswith("ᵀ") else f"{name}ᵀ"


def number(x: float | None) -> str:
    """A plain number in a formula.

    >>> number(0.3535533905932738), number(2), number(-1e30), number(None)
    ('.354', '2', '−∞', '')
    >>> number(-1e-5), number(1e200)
    ('−1·10⁻⁵', '1·10²⁰⁰')
    """
    if x is None:
        return ""
    if isinstance(x, bool):
        return str(x)
    if isinf(x) or is_masked(x):
        return "∞" if x > 0 else "−∞"
    text, _, power = f"{abs(x):.3g}".partition("e")
    text = text[1:] if text.startswith("0.") else text
    if power:
        digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
        text += f"·10{str(int(power)).translate(digits)}"
    return f"−{text}" if x < 0 else text


def is_masked(x: Any) -> bool:
    """Whether a number stands for −∞ before a softmax (about that: in float32, and
    after the largest energy was subtracted, it is a little off).

    >>> is_masked(-1e30), is_masked(-3e30), is_masked(-2.0)
    (True, False, False)
    """
    return isinstance(x, float) and abs(x - MASKED) <= -1e-6 * MASKED


def pretty(name: str) -> str:
    """A name with its number as a subscript.

    >>> pretty("weights_2"), pretty("W_Q"), pretty("layers.0.norm1")
    ('weights₂', 'W_Q', 'layers.0.norm1')
    """
    found = re.fullmatch(r"(.*[^\d_])_(\d+)", name, re.DOTALL)
    if not found:
        return name
    return found[1] + found[2].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
