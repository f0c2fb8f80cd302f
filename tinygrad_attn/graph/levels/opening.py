"""Opening composites: the same computation in smaller steps.

A composite's forward is written with the names of a namespace, so running it on Tensors
(`xp = ops`) leaves its steps behind as a graph. `opened` does that to a recorded graph
and puts the steps where the composite was. Nothing is believed: the result must be the
number that was recorded, and the gradients must come out as they did before.

- **op**: every step is one idea with a name of its own. A composite that is made of
  other composites is opened (attention, into its products and the softmax between
  them); one that is made of primitives alone is left whole (softmax, layer norm).
- **primitive**: all are opened, until only rules from a calculus book are left.
"""

from __future__ import annotations

import re
from typing import Any

from ... import ops
from ...autograd.recording import in_scope
from ...context import context, enable_grad, record
from ...rules.operation import Op
from ...tensor import Tensor
from ..check import compare, compare_gradients, size
from ..trace import Trace, bare, finish, inputs_of


def open_composites(trace: Trace, level: str) -> Trace:
    """The trace with its composites opened.

    Args:
        level: "op" or "primitive".

    Raises:
        RuntimeError: the steps give another number or gradient than was recorded.
    """
    whole: set[Op] = set()  # composites that turned out to be made of primitives alone
    changed = True
    while changed:
        trace, changed = _one_step(trace, level, whole)
    return trace


def _one_step(trace: Trace, level: str, whole: set[Op]) -> tuple[Trace, bool]:
    changed = False
    copies: dict[Tensor, Tensor] = {}
    called: dict[Tensor, str] = {}
    for t in trace.tensors():
        inputs = [copies[x] if isinstance(x, Tensor) else x for x in t._inputs or ()]
        if t._op is not None and t._op.composite and t._op not in whole:
            z, parts = _open(t, inputs)
            if level == "op" and not any(p._op.composite for p in parts if p._op):
                whole.add(t._op)
            else:
                changed = True
                copies[t] = z
                own = trace.called.get(t, "")
                if own and not re.fullmatch(rf"{t._op.name}(_\d+)?", own):
                    called[z] = own
                continue
        copies[t] = bare(t, t.data)
        if t in trace.called:
            called[copies[t]] = trace.called[t]
        copies[t]._saved = t._saved
        copies[t]._inputs = inputs
        finish(copies[t])
    if not changed:
        return trace, False
    finer = Trace(
        [copies[t] for t in trace.roots],
        trace.seeds,
        {copies[t]: trace.origin[t] for t in copies if t in trace.origin},
        called,
        {copies[t]: g for t, g in trace.totals.items()},
        {copies[t]: at for t, at in trace.positions.items()},
        who=trace.who,
    )
    scales = trace.scales()
    compare_gradients(
        (
            (names_op(t), finer.gradient(z), trace.gradient(t), scales.get(t, 0.0))
            for t, z in copies.items()
            if t in trace.gradients or z in finer.gradients
        ),
        level,
    )
    return finer, True


def _open(t: Tensor, inputs: list[Any]) -> tuple[Tensor, list[Tensor]]:
    """The result of a composite and the steps to it, recorded one by one."""
    op, now = t._op, context.now
    assert op is not None
    before, now.scope = now.scope, t._scope
    try:
        with enable_grad(), record():
            z = in_scope(op, op.forward, ops, *inputs, **t._params)
    finally:
        now.scope = before
    z = z[0] if isinstance(z, tuple) else z
    given = {x for x in inputs if isinstance(x, Tensor)}
    compare(op.name, z.data, t.data, size(t.data, *(x.data for x in given)))
    parts = steps_between(z, given)
    if parts:
        z.data = t.data  # from here on the numbers that were recorded
    return z, parts


def steps_between(z: Tensor, given: set[Tensor]) -> list[Tensor]:
    """What lies between some tensors and a result of theirs."""
    found, todo = set(given), [z]
    steps: list[Tensor] = []
    while todo:
        t = todo.pop()
        if t not in found:
            found.add(t)
            steps.append(t)
            todo += inputs_of(t)
    return steps


def names_op(t: Tensor) -> str:
    """What a message calls a tensor."""
    return t._op.name if t._op else "a leaf"
