"""`play`: a page on which you step through a computation, forward and backward.

`page/script.py` makes the page's data of a graph: cards, links and steps.
`page/assemble.py` puts them into one HTML file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..errors import check_flags, check_number, say
from ..graph.data import Graph, lines_told, without_lines
from ..graph.levels.value_graph import chooser, graph_of_values, with_arrays
from ..graph.notation.tidy import without_transposes
from ..graph.unfold import graph_of
from ..scalar import Value
from ..tensor import Tensor
from .draw import check_count, headings, shortened
from .history import History
from .look.paths import path_for
from .page.assemble import page
from .page.attending import read_tokens, reads, shown_in
from .page.live import Live, is_whole, live
from .page.moments import check_history, past
from .page.operations import operations
from .page.playable import ENDINGS, Page
from .page.script import Script
from .page.tour import stops
from .sheets.sheet import Look
from .sheets.tensors import tensors
from .writing.placing import lay_out
from .writing.svg import svg_text

MOST = 300  # cards on a page


def play(
    root: Tensor | Value | Graph,
    path: str | os.PathLike[str] | None = "head.html",
    level: str = "op",
    head: Any = None,
    sample: int = 0,
    focus: str | None = None,
    *,
    module: Any = None,
    tokens: Sequence[str] | None = None,
    title: str | None = None,
    limit: int = MOST,
    tour: Sequence[tuple[str, str, str]] | None = None,
    history: History | None = None,
    vocab: Sequence[str] | None = None,
    lines: bool = True,
) -> Page:
    """Writes a page that plays the computation behind `root`, forward and backward.

    One HTML file that a browser opens from the disk, without network or libraries. A
    page of many cards begins with few: modules, steps that repeat and parts of long
    code stand closed, each as one card, which a click opens in place. A closed one
    plays as one step. The + of an operation opens it into its own steps, as a softmax
    into exp, sum and a quotient. A click on a number opens what it was made from, and
    that again.

    Each step says what it does and why its gradient is so, and a number what it does to
    L: "x[0] up .01 → loss up .0031". *Predict first* hides each gradient until its sign
    was guessed. Beside a number a button lights its paths to L, with the share of its
    gradient that each contributes.

    The page is live: each number that the computation begins with (a weight, an input,
    a mask, the ½ of S ⊙ ½) can be changed there, and all values, gradients and L are
    computed anew, in float64. It takes steps of plain gradient descent, switches masks
    and √d_k off, and exchanges tokens; its address holds what was done. Of a part (a
    head, a module, a focus) the true L follows if `root` is a Tensor, from which the
    rest is known. A page of more than 20,000 numbers only plays.

    Args:
        root: a Tensor, such as a loss; a Value; or a Graph that `unfold` made.
        path: the file to write, an .html; None to write nothing.
        level: the depth of its cards: "op"; "module", the same with all modules closed
            at the beginning; "primitive", into which operations open as modules do; or
            "scalar", a card for each number. A Value is always played number by number.
        head, sample, focus, module: a part of the computation, as in `unfold`.
        tokens: labels for the rows of every tensor that has as many rows.
        title: the heading; by default the name of the root or of the part.
        limit: the most cards on the page.
        tour: stops to walk to, each (name, card, words). The page's address leads to
            one by its name (`#tour=softmax`). The card is where it is made,
            "weights", or with a ∂, "∂weights", where its gradient is complete.
        history: what the model had learned at some moments of its training; a second
            slider then leads through them, and the page computes all that the model
            did there.
        vocab: labels of the numbers that stand for tokens, one for each row of an
            embedding; the page then offers a choice of tokens at each place of a
            sequence. Without `tokens`, the labels of rows are those of the first one.
        lines: whether the page shows the lines of your source that `record()` noted.
            Whoever gets the page can read them; printed, it says how many there are.

    Returns:
        The page's text, a str that a notebook shows as the page; `.show()` opens it
        in the browser, and print says in one line what it is.

    Raises:
        TypeError: path, tokens, tour, history or vocab has a wrong type.
        ValueError: a path that does not end in .html, an unknown level, a Graph of
            modules, a Value with a level or a part that it has not, too many cards,
            labels that fit nothing, a stop at no card, or a history of another model;
            and the errors of `unfold`.
        OSError: the file cannot be written.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> page = play((x * x).sum(), None)
    >>> page.startswith("<!doctype html>"), page.heading
    (True, 'loss')
    """
    check_number("play", "limit", limit, 1, whole=True)
    check_flags("play", lines=lines)
    check_history(history, root)
    if path is not None:
        path = path_for("play", path, *ENDINGS, what="path=")
    graph = computation(root, level, head, sample, focus, module, limit)
    graph = graph if lines else without_lines(graph)
    heading, below = headings(graph, head, sample, focus, module)
    heading = heading if title is None else str(title) or heading
    every, graph = graph, without_transposes(graph)
    check_count("play", len(graph), graph.level, limit)
    whole = None
    if isinstance(root, Tensor) and not is_whole(graph):
        same = "primitive" if graph.level == "primitive" else "op"
        whole = graph_of("play", root, same)
    tokens, vocab = read_tokens(graph, whole, tokens, vocab, sample)
    sheet = shortened(tensors(graph, Look(), heading, below), fold=True, step=1)
    still = svg_text(lay_out(sheet), tips=False)
    fixed = why_fixed(root, level, head, sample, focus, module)
    alive = Live(why_not=fixed) if fixed else live(every, whole)
    script = Script(graph, tokens, alive)
    data = script.data(heading, below, closed=level == "module")
    data["operations"], insides = operations(script)
    data["tour"] = stops(tour, script.graph, script.called, data["steps"])
    program = alive.part if whole is None else alive.whole
    data["reads"] = reads(graph, whole, program, vocab) | shown_in(graph, head, sample)
    if history is not None:
        data |= past(history, root, whole or every, program, alive.why_not)
    made = Page(
        page(data, still, [*alive.scripts, *insides]),
        heading,
        path,
        still,
        lines_told(graph),
    )
    if made.path is not None:
        made.save(made.path)
    return made


def computation(
    root: Any,
    level: str,
    head: Any,
    sample: int,
    focus: str | None,
    module: Any,
    limit: int,
) -> Graph:
    """What a page plays, as a graph of operations or of single numbers."""
    if isinstance(root, Value):
        part = {"head": head, "focus": focus, "module": module}
        given = [name for name, x in part.items() if x is not None]
        given += [f"level={say(level)}"] if level not in ("op", "scalar") else []
        if given:
            raise ValueError(
                f"play: {given[0]} given with a Value; its numbers have one level, and "
                "all are played: give the Value alone"
            )
        return graph_of_values("play", root, limit)
    if isinstance(root, Graph):
        if root.level == "module":
            raise ValueError(
                "play: a Graph at level 'module' given; it lacks the operations "
                "inside: give the Tensor, with level='module'"
            )
        return with_arrays(root) if root.level == "scalar" else root
    finer = "op" if level == "module" else level
    graph = graph_of("play", root, finer, module, head, sample, focus)
    return with_arrays(graph) if level == "scalar" else graph


def why_fixed(
    root: Any, level: str, head: Any, sample: int, focus: str | None, module: Any
) -> str:
    """Why the single numbers of a page cannot be changed, in a sentence; or ""."""
    if isinstance(root, Graph) and root.level == "scalar":
        return (
            "This page only plays: of a Graph it is not known where it chooses by its "
            "numbers. Give the Tensor, with level='scalar'."
        )
    if isinstance(root, Tensor) and level == "scalar":
        fine = graph_of("play", root, "primitive", module, head, sample, focus)
        if found := chooser(fine):
            return (
                f"This page only plays: what its {found} would make of other numbers "
                "is not in a graph of single numbers. At level='primitive' every "
                "number can be changed."
            )
    return ""
