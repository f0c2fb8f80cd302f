"""Names, shapes and numbers as pictures write them."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from ...graph.data import Graph, Node
from ...graph.notation.formulas import pretty
from ..look.colours import digits, exponent, times_ten_to
from ..look.text import fit_name
from .sheet import CALLED, Card

SHORT = 24  # characters of a rule that stay on one line


def short_names(graph: Graph) -> dict[str, str]:
    """The name of each node in a picture: without the path of the module that contains
    all parameters, and with its number as a subscript."""
    prefix = common_prefix([n.name for n in graph if n.op == "parameter"])
    types = {group.name: group.type for group in graph.groups.values()}
    return {
        node.id: strip_prefix(with_type(node.name, types), prefix) for node in graph
    }


def with_type(name: str, types: dict[str, str]) -> str:
    """The name of a parameter whose module has a number for its name, with that
    module's type, as its result has it.

    >>> with_type("2.weight", {"2": "Linear"}), with_type("out.weight", {})
    ('Linear₂.weight', 'out.weight')
    """
    path, _, own = name.rpartition(".")
    if not path.isdigit() or path not in types:
        return name
    return f"{pretty(f'{types[path]}_{path}')}.{own}"


def names_in_frames(
    graph: Graph, called: dict[str, str], homes: dict[str, str]
) -> dict[str, str]:
    """The same names, those of parameters as short as the frames around them allow:
    "q_proj.weight" in the frame of self_attn.q_proj."""
    found = dict(called)
    for node in graph:
        home = homes.get(node.id, "")
        while home in graph.groups and graph.groups[home].type == "composite":
            home = graph.groups[home].parent
        if node.op != "parameter" or home not in graph.groups:
            continue
        around = f"{graph.groups[home].name}."
        parts = node.name.split(".")
        inside = parts[around.count(".") :] if node.name.startswith(around) else parts
        kept = parts[-max(2, len(inside)) :]
        if len(kept) < len(parts) and not kept[0].isdigit():
            found[node.id] = fit_name(pretty(".".join(kept)), CALLED)
    return found


def strip_prefix(name: str, prefix: str) -> str:
    """A name without the prefix that all names share. What would begin with a number,
    as if it were one of a formula, keeps the part before it.

    >>> strip_prefix("layers.0.W_Q_2", "layers.0."), strip_prefix("Q", "layers.0.")
    ('W_Q₂', 'Q')
    >>> strip_prefix("encoder.layers.0", "encoder.layers.")
    'layers.0'
    >>> strip_prefix("model.layers.0.weight", "model.layers.")
    'layers.0.weight'
    """
    short = name.removeprefix(prefix)
    if short[:1].isdigit():
        short = ".".join(prefix.split(".")[-2:]) + short
    return fit_name(pretty(short), CALLED)


def common_prefix(paths: list[str]) -> str:
    """The path of the innermost module that contains all paths.

    >>> common_prefix(["head.W_Q", "head.W_K"]), common_prefix(["a.w", "b.w"])
    ('head.', '')
    """
    if not paths:
        return ""
    parts = [path.split(".")[:-1] for path in paths]
    shared = []
    for level in zip(*parts):
        if any(part != level[0] for part in level):
            break
        shared.append(level[0])
    return "".join(f"{part}." for part in shared)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as pictures write it.

    >>> shape_text((4, 8)), shape_text((3,)), shape_text(())
    ('4 × 8', '3', 'scalar')
    """
    return " × ".join(map(str, shape)) if shape else "scalar"


def kind_of_step(op: str, shape: tuple[int, ...], module: str) -> str:
    """Equal for the steps that repeat each other: those of two layers, or two turns.

    >>> kind_of_step("matmul", (4, 8), "layers.3.linear1")
    'matmul 4 × 8 layers.#.linear1'
    >>> kind_of_step("add", (), "Block_1.norm2")  # of two blocks in no list
    'add scalar Block_#.norm2'
    """
    place = re.sub(r"(?<![^\W_])[0-9]+(?![^\W_])", "#", module)
    return f"{op} {shape_text(shape)} {place}"


def plain_numbers(node: Node) -> list[str]:
    """The plain numbers that a node was computed from, as 2 · x is from 2."""
    given = [*node.arguments, *node.settings.get("by", ())]
    return [str(x) for x in given if isinstance(x, (int, float))]


def lines_of(label: str) -> list[str]:
    """A line's label; a long rule has two lines, "∂x +=" above what is added.

    >>> lines_of("∂Q += ∂S K"), lines_of("∂linear.weight += ∂zᵀ norm1")
    (['∂Q += ∂S K'], ['∂linear.weight +=', '∂zᵀ norm1'])
    """
    name, sign, rule = label.partition(" += ")
    return [f"{name} +=", rule] if sign and len(label) > SHORT else [label]


def more_numbers(card: Card) -> str:
    """The line below a card's rows if some are left out."""
    moved = card.ranked and any(row.gradient for row in card.rows)
    return f"⋯ and {card.more:,} more" + (", with gradients no larger" if moved else "")


def short_path(source: str) -> str:
    """A source line without the folders of its file.

    >>> short_path("/home/me/model.py:3: Q = x @ W")
    'model.py:3: Q = x @ W'
    """
    path, colon, rest = source.partition(":")
    return path.replace("\\", "/").rpartition("/")[2] + colon + rest


def slope_text(x: float) -> str:
    """A derivative beside a line, in few characters whatever its size.

    >>> slope_text(0.25), slope_text(-1e200), slope_text(0.0003), slope_text(0.0)
    ('.25', '−1.00×10²⁰⁰', '3.00×10⁻⁴', '0')
    """
    power = exponent(abs(x)) if isfinite(x) else 0
    if 0.005 <= abs(x) < 1e4:
        power = 0
    return f"{digits(x, power)}{times_ten_to(power)}"


def few_digits(x: float, count: int = 3) -> str:
    """A number by itself in few digits, with a power of ten if it needs one.

    >>> few_digits(0.25), few_digits(2.96e-08), few_digits(-1234567.0, 4)
    ('0.25', '2.96×10⁻⁸', '−1.235×10⁶')
    """
    text, _, power = f"{x:.{count}g}".partition("e")
    return text.replace("-", "−") + (times_ten_to(int(power)) if power else "")


def number_text(x: Any) -> str:
    """A number for a tooltip, with seven digits.

    >>> number_text(0.123456789), number_text(True)
    ('0.1234568', 'True')
    """
    return f"{x:.7g}" if isinstance(x, float) else str(x)
