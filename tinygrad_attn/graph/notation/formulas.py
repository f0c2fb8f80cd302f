"""How a step is written with the names of its tensors: `S = Q Kᵀ`.

A rule in the folder rules/ speaks of x, y and z, in its code and in the notation above
it. In a graph the tensors have names. So a picture can write `S = Q Kᵀ` above a
product, and `∂Q += ∂S K` beside the line that takes its gradient back to Q, where ∂S is
short for ∂L/∂S. This file puts names, numbers, axes and sums into the notation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isinf

from ...rules.composites import STEPS
from ...rules.operation import OWN, ROWWISE, Meaning
from ..data import Edge, Graph, Node

# {over}; or a letter of the code, perhaps with ᵀ (but not x̂, an x with a hat).
LETTERS = re.compile(
    "\\{(\\w+|Σ)\\}|([A-Za-z_][A-Za-z_0-9]*)(?!\N{COMBINING CIRCUMFLEX ACCENT})(ᵀ?)"
)
BINARY = ("+ ", "− ", "⊙ ", "· ", "/ ", "^ ")  # x − (−2)
LEAVES = {
    "parameter": "A parameter: it is learned, so we want its gradient.",
    "input": "An input.",
    "constant": "A constant: it needs no gradient.",
}


@dataclass
class Written:
    """A step in words, ready for a picture.

    Attributes:
        formula: z, with the names of the inputs; "" for a leaf.
        rules: for each argument the contribution to its gradient; "" if there is none.
        sentence, why: what the step does, and why its gradient is that.
        letters: what its rules call s and x̂; or "".
    """

    formula: str = ""
    rules: list[str] = field(default_factory=list)
    sentence: str = ""
    why: str = ""
    letters: str = ""


def written(
    graph: Graph,
    node: Node,
    called: dict[str, str],
    own: bool = True,
    marks: Mapping[int, str] | None = None,
) -> Written:
    """A node's step in words, with the names of its inputs.

    Args:
        called: the name of each node, by id.
        own: whether a module's own parameters have the names that it gives them.
        marks: for plain numbers that may change what to write instead, by position.
            Then nothing is said that is so for one number alone.
    """
    edges = {edge.position: edge for edge in graph.inputs(node)}
    if node.meaning is None or not edges:
        return Written(sentence=LEAVES.get(node.op, ""))
    names = []
    for i, x in enumerate(node.arguments):
        if not isinstance(x, str):
            name = (marks or {}).get(i) or number(x)
        else:
            name = name_in(graph, node, x, called) if own else called[x]
        names.append(transpose_name(name) if i in edges and edges[i].turned else name)
    formula, rules = on_the_blackboard(graph, node, names, called[node.id])
    base = re.sub(r"_\d+$", "", node.name)
    special = None if marks else STEPS.get((node.meaning.kind, base))
    sentence = special or node.meaning.sentence
    texts = Blackboard(graph, node, names, called[node.id])
    why, letters = texts.argue(node.meaning.why), texts.fill(letters_of(node.meaning))
    return Written(formula, rules, texts.say(sentence), why, letters)


def letters_of(meaning: Meaning) -> str:
    """What s and x̂ are in the rules of a norm, whose result written out is x̂, that is
    a part over a root, times a weight.

    >>> rules = {"x": "s ⊙ (ĝ − x̂ ⊙ mean(ĝ ⊙ x̂))"}
    >>> letters_of(Meaning(means="x / √(mean(x²) + eps) ⊙ weight", rules=rules))
    'x̂ = x ⊙ s, s = 1 / √(mean(x²) + eps)'
    """
    found = re.fullmatch(r"(.+?) / (√.+?)( ⊙ .*)?", meaning.means)
    if found is None or not any("x̂" in rule for rule in meaning.rules.values()):
        return ""
    return f"x̂ = {found[1]} ⊙ s, s = 1 / {found[2]}"


def on_the_blackboard(
    graph: Graph, node: Node, names: Sequence[str], z: str, sums: bool = True
) -> tuple[str, list[str]]:
    """The formula of a step and its rules, for any names of the arguments and of z.

    Args:
        sums: whether to write the sum over the copies of a broadcast input.
    """
    texts = Blackboard(graph, node, names, z)
    meaning = node.meaning
    assert meaning is not None
    formula, worked_out = meaning.formula, power_of(node)
    if not formula:
        formula = f"{node.op}({', '.join(filter(None, names))})"
    elif worked_out:
        formula = worked_out[0]
    edges = {edge.position: edge for edge in graph.inputs(node)}
    rules = []
    for i in range(len(names)):
        rule = worked_out[1 + i] if worked_out else meaning.rule(i)
        if not meaning.formula and i in edges:
            rule = rule or OWN
        filled = texts.fill(rule, i)
        if i in edges and rule != OWN:
            if edges[i].turned:
                filled = transpose_rule(filled)
            if sums:
                filled = write_sum(graph, node, edges[i], filled)
        rules.append(filled)
    return texts.fill(formula) if meaning.formula else formula, rules


def rule_of(graph: Graph, edge: Edge, rule: str, called: dict[str, str]) -> str:
    """The contribution of an edge to its source's gradient: "∂Q += ∂S K"."""
    return f"∂{called[edge.source]} += {rule}" if rule else ""


class Blackboard:
    """Fills in the notation of a step: names for letters, and for what stands in braces
    the step's settings (`details`)."""

    def __init__(self, graph: Graph, node: Node, names: Sequence[str], z: str) -> None:
        assert node.meaning is not None
        self.graph, self.node, self.names = graph, node, list(names)
        self.letters = dict(zip(node.meaning.inputs, self.names)) | {"z": z}
        if len(self.names) > len(node.meaning.inputs):  # the last takes several
            several = self.names[len(node.meaning.inputs) - 1 :]
            self.letters[node.meaning.inputs[-1]] = ", ".join(several)
        self.settings = details(graph, node)

    def fill(self, pattern: str, position: int = 0) -> str:
        """A formula, or the rule of the argument at a position, with the names of the
        step. The term of an input that was not given (a bias) is left out, with the
        sign before it."""
        for letter, name in self.letters.items():
            if not name:
                term = rf" (?:\+|⊙) {letter}ᵀ?(?![A-Za-z_0-9])"
                pattern = re.sub(term, "", pattern)

        def text(found: re.Match[str]) -> str:
            brace, letter, after = found[1], found[2], found[3]
            if brace == "part" and "part" not in self.settings:
                return part_of(self.graph, self.node, position)
            if brace:
                return self.settings.get(brace, "")
            name = self.letters.get(letter, self.settings.get(f"{letter}=", ""))
            if not name:
                return found[0]
            if after == "ᵀ":
                return transpose_name(name)
            beside = pattern[: found.start()].endswith(BINARY)
            beside = beside or pattern.startswith((" ^", "²", "³"), found.end())
            return f"({name})" if name.startswith("−") and beside else name + after

        return LETTERS.sub(text, pattern)

    def say(self, sentence: str) -> str:
        """A sentence, with the names of the step for letters in `backticks`, and the
        numbers of its settings."""
        sentence = sentence.replace("Each row", self.settings.get("each", "Each row"))
        numbers = {name: self.settings.get(f"{name}=") for name in self.node.settings}
        for letter, name in (numbers | self.letters).items():
            sentence = sentence.replace(f"`{letter}`", name or letter)
        return sentence

    def argue(self, why: str) -> str:
        """Why a gradient is as it is. Of a plain number nobody says "if 2 grows": there
        the sentence keeps its letters, and ends with what they stand for."""
        given = zip(self.letters, self.node.arguments)
        numbers = {x for x, value in given if isinstance(value, (int, float))}
        used = [letter for letter in self.letters if f"`{letter}`" in why]
        if not numbers.intersection(used):
            return self.say(why)
        names = [(letter, self.letters[letter]) for letter in used]
        here = [f"{letter} = {name}" for letter, name in names if letter != name]
        return f"{why.replace('`', '')} Here {', '.join(here)}."


def name_in(graph: Graph, node: Node, id: str, called: dict[str, str]) -> str:
    """The name of an input in a step's formula. If the step's own module has the
    parameter, it is the attribute's name, as in the module's source."""
    path, name = f"{node.module}.", graph.by_id(id).name
    own = graph.by_id(id).op == "parameter" and node.module and name.startswith(path)
    return pretty(name.removeprefix(path))[:40] if own else called[id]


def power_of(node: Node) -> tuple[str, str, str] | None:
    """For a power with a plain number, such as x³: its formula, and its rules with the
    exponent, 3x², worked out. Else None."""
    assert node.meaning is not None
    if node.meaning.formula != "x ^ y" or not isinstance(node.arguments[0], str):
        return None
    if isinstance(node.arguments[1], str):
        return None
    p = float(node.arguments[1] or 0.0)
    base = "x" if p in (0.0, 1.0, 2.0) else f"x{write_exponent(p - 1.0)}"
    factor = number(p) if p > 0 else f"({number(p)})"
    rule = "∂z" if p == 1.0 else "0" if p == 0.0 else f"∂z ⊙ {factor} {base}"
    return f"x{write_exponent(p)}", rule, ""


def write_exponent(p: float) -> str:
    """An exponent as a formula has it.

    >>> write_exponent(2.0), write_exponent(-1.0), write_exponent(0.5)
    ('²', ' ^ (−1)', ' ^ .5')
    """
    if p in (2.0, 3.0):
        return "²" if p == 2.0 else "³"
    return f" ^ {number(p)}" if p >= 0 else f" ^ ({number(p)})"


def details(graph: Graph, node: Node) -> dict[str, str]:
    """A step's settings as texts for a formula: numbers under "p=", others under their
    names, and {over}, {along}, {each}, {Σ}, {part} and {back}. {over} is "" for all
    axes, {along} is "" for the last."""
    found = {key: str(value) for key, value in node.settings.items()}
    for key, value in node.settings.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found[f"{key}="] = number(value)
    x = graph.by_id(graph.inputs(node)[0].source).shape
    axes = axes_of(node, len(x))
    found["Σ"] = "Σⱼ"
    if axes is not None:
        some = ", ".join(map(str, axes))
        found["over"] = f" over {'axis' if len(axes) == 1 else 'axes'} {some}"
        found["along"] = f", axis {some}"
        found["each"] = f"Each part{found['over'] or ' over all axes'}"
        if len(axes) >= len(x):
            found["over"] = ""
        if axes == [len(x) - 1]:
            found["along"], found["each"] = "", "Each row"
        else:
            found["Σ"] = f"Σ(axis {some})"
    if "bounds" in node.settings:
        whole = node.settings.get("shape", x)
        steps = zip(node.settings["bounds"], whole)
        found["part"] = (
            f"[{', '.join(bounds_text(b[0], b[1], b[2], size) for b, size in steps)}]"
        )
    if "axes" in node.settings:
        order = node.settings["axes"]
        found["back"] = str(tuple(sorted(range(len(order)), key=order.__getitem__)))
    return found


def part_of(graph: Graph, node: Node, position: int) -> str:
    """Which part of a step's result an input is, if it is one of several laid end to
    end: "[:, 2:4]"."""
    edges = graph.inputs(node)
    axes = axes_of(node, len(node.shape))
    if axes is None or len(axes) != 1 or not edges:
        return ""
    start = 0
    for edge in edges:
        size = graph.by_id(edge.source).shape[axes[0]]
        if edge.position == position:
            break
        start += size
    bounds = [":"] * len(node.shape)
    bounds[axes[0]] = bounds_text(start, start + size, 1, node.shape[axes[0]])
    return f"[{', '.join(bounds)}]"


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
    """A rule, with the sum over the copies if the input was broadcast."""
    op, x = node.operation, graph.by_id(edge.source).shape
    if not rule or op is None:
        return rule
    if op.kind == "product" and edge.position < 2:
        more = len(node.shape) > len(x) > 1 or x[:-2] != node.shape[:-2]
        return f"Σ {rule} over the batch" if more else rule
    whole = node.shape
    if op.kind in ROWWISE:
        whole = graph.by_id(graph.inputs(node)[0].source).shape
    elif not (op.elementwise or op.kind == "product"):
        return rule
    if x == whole:
        return rule
    if re.search(r" (where|[+−]) ", rule):
        rule = f"({rule})"
    n = len(whole)
    lined = (1,) * (n - len(x)) + x
    axes = [i for i in range(n) if lined[i] == 1 and whole[i] > 1]
    if not axes:
        return f"{rule}, reshaped"
    if axes == [i for i in range(n) if whole[i] > 1]:
        return f"Σ {rule}"  # over all
    if axes == list(range(n - 1)):
        return f"Σ rows of {rule}"
    some = ", ".join(map(str, axes))
    return f"Σ {rule} over {'axis' if len(axes) == 1 else 'axes'} {some}"


def transpose_rule(rule: str) -> str:
    """A rule for an input that stands transposed in the formula: (x yᵀ)ᵀ = y xᵀ.

    >>> transpose_rule("∂S Kᵀ"), transpose_rule("∂zᵀ x"), transpose_rule("∂z + x")
    ('K ∂Sᵀ', 'xᵀ ∂z', '(∂z + x)ᵀ')
    """
    factors = rule.split(" ")
    if len(factors) != 2 or not all(re.fullmatch(r"[^()+−⊙/]+", f) for f in factors):
        return f"({rule})ᵀ" if rule else ""
    return " ".join(transpose_name(f) for f in factors[::-1])


def transpose_name(name: str) -> str:
    """A name with ᵀ added, or removed if it has one.

    >>> transpose_name("K"), transpose_name("Kᵀ")
    ('Kᵀ', 'K')
    """
    return name[:-1] if name.endswith("ᵀ") else f"{name}ᵀ"


def number(x: float | None) -> str:
    """A plain number in a formula.

    >>> number(0.3535533905932738), number(2), number(float("-inf")), number(None)
    ('.354', '2', '−∞', '')
    >>> number(-1e-5), number(1e200)
    ('−1·10⁻⁵', '1·10²⁰⁰')
    """
    if x is None:
        return ""
    if isinstance(x, bool):
        return str(x)
    if isinf(x):
        return "∞" if x > 0 else "−∞"
    text, _, power = f"{abs(x):.3g}".partition("e")
    text = text[1:] if text.startswith("0.") else text
    if power:
        digits = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
        text += f"·10{str(int(power)).translate(digits)}"
    return f"−{text}" if x < 0 else text


def pretty(name: str) -> str:
    """A name with its number as a subscript.

    >>> pretty("weights_2"), pretty("W_Q"), pretty("layers.0.norm1")
    ('weights₂', 'W_Q', 'layers.0.norm1')
    """
    found = re.fullmatch(r"(.*[^\d_])_(\d+)", name, re.DOTALL)
    if not found:
        return name
    return found[1] + found[2].translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
