"""`play`: a page on which you step through a computation, forward and backward.

`page/script.py` makes the page's data of a graph: cards, links and steps.
`page/assemble.py` puts them into one HTML file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from ..errors import check_number
from ..graph.data import Graph
from ..graph.notation.tidy import without_transposes
from ..graph.unfold import graph_of
from ..tensor import Tensor
from .draw import check_count, headings, shortened
from .history import History
from .look.paths import path_for
from .page.assemble import page
from .page.attending import read_tokens, reads, shown_in
from .page.live import is_whole, live
from .page.moments import check_history, past
from .page.playable import ENDINGS, Page
from .page.script import Script
from .sheets.sheet import Look
from .sheets.tensors import tensors
from .writing.placing import lay_out
from .writing.svg import svg_text

MOST = 300  # cards on a page


def play(
    root: Tensor | Graph,
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
    history: History | None = None,
    vocab: Sequence[str] | None = None,
) -> Page:
    """Writes a page that plays the computation behind `root`, forward and backward.

    One HTML file that a browser opens from the disk, without network or libraries.

    Args:
        root: a Tensor, such as a loss, or a Graph that `unfold` made.
        path: the file to write, an .html; None to write nothing.
        level: "op" or "primitive".
        head, sample, focus, module: a part of the computation, as in `unfold`.
        tokens: labels for the rows of every tensor that has as many rows.
        title: the heading; by default the name of the root or of the part.
        limit: the most cards on the page.
        history: what the model had learned at some moments of its training; a second
            slider then leads through them, and the page computes all that the model
            did there.
        vocab: labels of the numbers that stand for tokens, one for each row of an
            embedding; the page then offers a choice of tokens at each place of a
            sequence. Without `tokens`, the labels of rows are those of the first one.

    Returns:
        The page's text, a str that a notebook shows as the page; `.show()` opens it
        in the browser, and print says in one line what it is.

    Raises:
        TypeError: path, tokens, history or vocab has a wrong type.
        ValueError: a path that does not end in .html, a level that cannot be played,
            too many cards, labels that fit nothing, or a history of another model; and
            the errors of `unfold`.
        OSError: the file cannot be written.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> page = play((x * x).sum(), None)
    >>> page.startswith("<!doctype html>"), page.heading
    (True, 'loss')
    """
    given = root.level if isinstance(root, Graph) else level
    if given not in ("op", "primitive"):
        raise ValueError(f"play: level {given!r} given; it must be 'op' or 'primitive'")
    check_number("play", "limit", limit, 1, whole=True)
    check_history(history, root)
    if path is not None:
        path = path_for("play", path, *ENDINGS, what="path=")
    graph = (
        root
        if isinstance(root, Graph)
        else graph_of("play", root, level, module, head, sample, focus)
    )
    heading, below = headings(graph, head, sample, focus, module)
    heading = heading if title is None else str(title) or heading
    every, graph = graph, without_transposes(graph)
    check_count("play", len(graph), graph.level, limit)
    whole = None
    if isinstance(root, Tensor) and not is_whole(graph):
        whole = graph_of("play", root, "op")
    tokens, vocab = read_tokens(graph, whole, tokens, vocab, sample)
    sheet = shortened(tensors(graph, Look(), heading, below), fold=True, step=1)
    still = svg_text(lay_out(sheet))
    # Only readers without JavaScript see it; tooltips would make the page too large.
    still = re.sub(r'<title>[^<]*</title>| pointer-events="none"', "", still)
    alive = live(every, whole)
    data = Script(graph, tokens, alive).data(heading, below)
    program = alive.part if whole is None else alive.whole
    data["reads"] = reads(graph, whole, program, vocab) | shown_in(graph, head, sample)
    if history is not None:
        data |= past(history, root, whole or every, program, alive.why_not)
    made = Page(
        page(data, still, alive.scripts),
        heading,
        path,
        still,
    )
    if made.path is not None:
        made.save(made.path)
    return made
