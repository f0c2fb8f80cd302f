"""What a page knows of a model that reads tokens: where its attention weights lie, its
logits with their targets, and which integers are tokens. All by the operations.

Attention weights are what a softmax made and a product uses. Logits are what the last
log_softmax takes; a target is what one_hot takes; a token, what chooses a row of a
table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import brief, say
from ...graph.data import Graph, Node, flat
from ...graph.roles import numbers_into, scores_in, symbol, weights_in
from ...program.living import Living
from ...rules import comparisons, composites, movement
from ..look.text import fit_text

NAME = 40  # letters


Words = dict[str, dict[str, Any]]


def reads(
    graph: Graph, whole: Graph | None, program: Living | None, vocab: list[str] | None
) -> dict[str, Any]:
    """All that for the page.

    Args:
        graph: what it shows.
        whole: the computation that it is a part of.
        program: that of the whole, or if there is none, of the graph.
    """
    return {
        "heads": heads_in(whole or graph, program),
        "logits": logits_in(graph),
        "words": words_in(graph) if whole is None else {},
        "vocab": vocab,
    }


def heads_in(graph: Graph, program: Living | None) -> list[dict[str, Any]]:
    """The attention weights of a computation that a program computes: (..., T, S), with
    the heads before that, and the sequences before these."""
    if program is None:
        return []
    found = []
    for node in attends(graph):
        computed = node.id in program.values and node.id not in program.numbers
        if computed and len(node.shape) <= 4 and 0 not in node.shape:
            call = graph.groups.get(node.group)
            name = node.module or (call.name if call else "") or node.name
            at = program.values[node.id]
            found.append({"id": node.id, "name": fit_text(name, NAME), "at": at})
    return found


def attends(graph: Graph) -> list[Node]:
    """The attention weights: those that a softmax made and a product uses."""
    known = weights_in(graph)
    return [
        node
        for node in graph
        if node.id in known
        and node.kind not in ("movement", "choice")
        and len(node.shape) > 1
        and is_factor(graph, node)
    ]


def keyed_in(graph: Graph) -> set[str]:
    """The ids of nodes with a column for each key: attention weights, and the scores
    and masks that they were made from."""
    scores, found = scores_in(graph), {n.id for n in attends(graph)}
    for node in reversed(graph.nodes):
        if node.id not in found or node.kind == "product":
            continue
        for edge in graph.inputs(node):
            x = graph.by_id(edge.source)
            alike = x.shape[-2:] == node.shape[-2:] or x.shape == node.shape[-2:]
            if alike and (x.id in scores or x.dtype == "bool"):
                found.add(x.id)
    return found


def shown_in(graph: Graph, head: Any, sample: int) -> dict[str, Any]:
    """Which head and sequence a page is of; nothing if it is of no head."""
    if head is None:
        return {}
    layer = next((node.module for node in attends(graph)), "")
    return {
        "shown": {"layer": fit_text(layer, NAME), "head": head[1], "sample": sample}
    }


def is_factor(graph: Graph, node: Node) -> bool:
    """Whether a product uses a node, perhaps moved, or after dropout."""
    for edge in graph.uses(node):
        user = graph.by_id(edge.target)
        if user.kind == "product":
            return True
        kept = user.kind in ("movement", "choice", "gate") or symbol(user) in ("*", "/")
        if kept and user.shape[-2:] == node.shape[-2:] and is_factor(graph, user):
            return True
    return False


def logits_in(graph: Graph) -> dict[str, Any] | None:
    """The logits, and the node with their targets (None if these are no classes)."""
    if graph.level == "scalar":
        return single_logits_in(graph)
    found = log_softmax_in(graph)
    if found is None:
        return None
    node, rows = found
    classes = rows.shape[-1]
    while node.kind == "movement" and behind(graph, node).shape[-1:] == (classes,):
        node = behind(graph, node)
    targets = [
        n.arguments[0]
        for n in graph
        if n.operation is comparisons.one_hot and n.shape == rows.shape
    ]
    return {"card": node.id, "target": targets[-1] if targets else None}


def single_logits_in(graph: Graph) -> dict[str, Any] | None:
    """The logits of a graph of single numbers, in rows, and the column of each row's
    target: the only one of which ln p is used (None if that is not so)."""
    every = log_softmaxes(graph)
    calls = [n.group for n in graph if n.group in every]
    if not calls:
        return None
    inside = {n.id for n in graph if n.group == calls[-1]}
    edges = [edge for n in graph if n.id in inside for edge in graph.inputs(n)]
    rows: dict[str, list[str]] = {}  # by all indices but the last, as in "x[0,2]"
    for id in dict.fromkeys(edge.source for edge in edges if edge.source not in inside):
        rows.setdefault(graph.by_id(id).name.rpartition(",")[0], []).append(id)
    used = set()
    for node in graph:
        if node.id in inside and any(e.target not in inside for e in graph.uses(node)):
            while node.id in inside and graph.inputs(node):
                node = behind(graph, node)  # ln p ← x − max ← x
            used.add(node.id)
    targets = [[k for k, id in enumerate(row) if id in used] for row in rows.values()]
    return {
        "cards": [*rows.values()],
        "targets": [t[0] if len(t) == 1 else None for t in targets],
    }


def log_softmaxes(graph: Graph) -> set[str]:
    """The ids of the calls of log_softmax."""
    made = ("composite", composites.log_softmax.name)
    return {id for id, g in graph.groups.items() if (g.type, g.name) == made}


def log_softmax_in(graph: Graph) -> tuple[Node, Node] | None:
    """What the last log_softmax takes, and what it makes, be it one step or opened."""
    calls = log_softmaxes(graph)
    last = [
        n
        for n in graph
        if n.operation is composites.log_softmax or n.group in calls and n.operation
    ]
    if not last:
        return None
    rows = last[-1]
    if rows.operation is composites.log_softmax:
        return numbers_into(graph, rows)[0], rows
    inside = {n.id for n in last if n.group == rows.group}
    taken = [
        graph.by_id(edge.source)
        for n in last
        if n.id in inside
        for edge in graph.inputs(n)
        if edge.source not in inside
    ]
    return next(n for n in taken if n.shape == rows.shape), rows


def behind(graph: Graph, node: Node) -> Node:
    """The first input of a node."""
    return graph.by_id(graph.inputs(node)[0].source)


def words_in(graph: Graph) -> Words:
    """The leaves of integers that name a row of a table, or a class: id → how many
    there are to choose from (count), and whether it is an input or a target (role)."""
    found: Words = {}
    for node in graph:
        if node.operation is movement.take:
            index, count = node.arguments[1], behind(graph, node).shape[0]
            role = "input"
        elif node.operation is comparisons.one_hot:
            index, count = node.arguments[0], node.shape[-1]
            role = "target"
        else:
            continue
        at = graph.by_id(str(index))
        while at.kind in ("movement", "check"):
            at = behind(graph, at)
        if at.operation is None and at.dtype.startswith("int"):
            found.setdefault(at.id, {"count": count, "role": role})
    roles = [word["role"] for word in found.values()]
    for id, word in found.items():
        if roles.count(word["role"]) > 1:
            word["role"] = fit_text(graph.by_id(id).name, NAME)
    return found


def read_tokens(
    graph: Graph, whole: Graph | None, tokens: Any, vocab: Any, sample: int
) -> tuple[list[str] | None, list[str] | None]:
    """The labels of rows, and those of all tokens there are.

    Raises:
        TypeError, ValueError: no lists, or of lengths that fit nothing.
    """
    words = words_in(whole or graph)
    labels = read_vocab(vocab, words)
    if labels is not None and tokens is None:
        tokens = tokens_of(whole or graph, words, labels, sample)
    if tokens is None:
        return None, labels
    if not isinstance(tokens, Sequence):
        raise TypeError(
            f"play: tokens={say(tokens)} given; it must be a list of labels, one a row"
        )
    lengths = sorted({n.shape[-2] for n in graph if len(n.shape) > 1})
    if len(tokens) not in lengths:
        raise ValueError(
            f"play: {len(tokens)} tokens given; they label rows, of which there are "
            f"{' or '.join(map(str, lengths)) or 'none'}"
        )
    return list(tokens), labels


def read_vocab(vocab: Any, words: Words) -> list[str] | None:
    """The labels of tokens, as texts.

    Raises:
        TypeError, ValueError: no list, or not as many as there are tokens.
    """
    if vocab is None:
        return None
    if not isinstance(vocab, Sequence):
        raise TypeError(
            f"play: vocab={brief(vocab)} given; it must be a list of labels, one "
            "a token"
        )
    counts = sorted({word["count"] for word in words.values()})
    if len(vocab) not in counts:
        allowed = " or ".join(map(str, counts))
        more = f"it must have {allowed}" if counts else "no integer here names a token"
        raise ValueError(f"play: vocab of {len(vocab)} labels given; {more}")
    return [fit_text(str(label), NAME) for label in vocab]


def tokens_of(
    graph: Graph, words: Words, vocab: list[str], sample: int
) -> list[str] | None:
    """The labels of a sequence of tokens."""
    for id, word in words.items():
        node = graph.by_id(id)
        if word["count"] == len(vocab) and node.shape and 0 not in node.shape:
            numbers, length = flat(node.array), node.shape[-1]
            row = numbers[sample * length :][:length] or numbers[:length]
            return [vocab[i] if 0 <= i < len(vocab) else str(i) for i in row]
    return None
