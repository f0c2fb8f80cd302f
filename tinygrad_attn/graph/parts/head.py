"""One head of an attention, for one sequence of the batch, cut out of the graph.

A layer computes all heads of all sequences at once: its projections are one product,
then reshaped. Which numbers of the product, and so which rows of the weights, belong to
head h? The recorded steps tell, if they are run on **positions**. Number the product's
elements 0, 1, 2, ... in an array of its shape, and run the recorded reshape and
transpose on that array. Head h of sequence b then holds the positions of its numbers.

`cut` follows the positions from the head's result back to the inputs of the layer, one
operation at a time, and makes a small graph of the slices. The numbers of each slice
are the recorded ones, to the last bit. Each small operation is also computed, and its
vjp, to check that they are those of the large one. The walk begins with the head's
slice of ∂L/∂z. So the gradient of a weight or an input is the share of this head and
this sequence, and the shares of all heads and sequences add up to the total.

An operation through which no slice can be followed is refused by its name. What needs
no gradient, such as a mask, is a constant there.
"""

from __future__ import annotations

from typing import Any

from ...arrays.backends import namespace_of
from ...tensor import Tensor
from ..check import are_weights
from ..names import Names, is_module, within
from ..trace import Trace, inputs_of, scopes
from .blocks import block_of
from .cutting import Cut


def cut(trace: Trace, names: Names, head: Any, sample: Any) -> Trace:
    """The trace of one head and one sequence.

    Args:
        head: (attention layer or its path, number of the head), and the number of the
            call if the layer was called several times.
        sample: number of the sequence.

    Raises:
        ValueError: the layer, head or sequence does not exist, or the layer computes
            no attention.
    """
    who = trace.who
    if not isinstance(head, (tuple, list)) or len(head) not in (2, 3):
        given = type(head).__name__ if is_module(head) else repr(head)
        raise ValueError(
            f"{who}: head={given} given; it must be (attention layer or its path, "
            "number of the head), and the number of the call if there were several"
        )
    layer = names.find(who, head[0])
    inside = {
        t for t in trace.tensors() if any(s.owner is layer for s in scopes(t._scope))
    }
    results = results_of_attention(who, trace, inside, layer)
    call = head[2] if len(head) == 3 else 0
    if (len(results) > 1 and len(head) == 2) or call not in range(len(results)):
        raise ValueError(
            f"{who}: head={type(layer).__name__} {head[1:]} given; {len(results)} "
            "attentions are computed in it: give a layer inside it, or (layer, head, "
            f"call) with a call of 0..{len(results) - 1}"
        )
    z = results[call]
    this = next(s for s in scopes(z._scope) if s.owner is layer)
    inside = {t for t in inside if within(t, this)}  # of this call
    head_of = Cut(trace, names, inside, namespace_of([z.array]))
    block = block_of(head_of, layer, z, head[1], sample)
    return head_of.made(z, head_of.slices.block_of_ids(z.shape, block))


def results_of_attention(
    who: str, trace: Trace, inside: set[Tensor], layer: Any
) -> list[Tensor]:
    """The results of attention: of the composite, or of a product that takes weights,
    those of a softmax or others that are positive and add up to 1."""
    found: list[Tensor] = []
    order = [t for t in trace.tensors() if t in inside]
    weights: set[Tensor] = set()  # a softmax's result, also after a mask or dropout
    for t in order:
        kind = t._op.kind if t._op else ""
        if kind == "attention":
            found.append(t)
        if kind == "softmax" and t.ndim >= 2:
            weights.add(t)
        elif kind == "elementwise" and t._requires_grad and are_weights(t.array):
            weights.add(t)  # a softmax written by hand
        elif weights & set(inputs_of(t)):
            if kind == "product":
                found.append(t)
            else:
                weights.add(t)
    if found:
        return found
    raise ValueError(
        f"{who}: head={type(layer).__name__} given; it must be a layer in which one "
        "attention is computed, on the way to the root"
    )
