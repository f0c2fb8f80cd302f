"""Opening composites: the same computation in smaller steps.

A composite's forward calls the functions of a namespace `xp`. Run it on Tensors, with
`xp = ops`, and it records its steps as a graph. `open_composites` puts these steps in
the place of the composite. It checks itself: the result must equal the recorded one,
and so must the gradients.

- **op**: every step is one idea with a name of its own. A composite of composites is
  opened (attention becomes its products and the softmax between them). A composite of
  primitives alone stays whole (softmax, layer norm).
- **primitive**: all composites are opened, until only rules from a calculus book are
  left.
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
        RuntimeError: the steps give another result or gradient than was recorded.
    """
    whole: set[Op] = set()  # composites of primitives alone
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
        copies[t] = bare(t, t.array)
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
    """A composite's result, computed again, and its steps, recorded one by one."""
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
    compare(op.name, z.array, t.array, size(t.array, *(x.array for x in given)))
    parts = steps_between(z, given)
    for part in parts:  # they were computed when the composite was
        if part._where is not None and t._where is not None:
            part._where = part._where._replace(time=t._where.time)
    if parts:
        z.array = t.array  # exactly the recorded numbers
    return z, parts


def steps_between(z: Tensor, given: set[Tensor]) -> list[Tensor]:
    """The steps from some given tensors to a result z; z is one of them."""
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
    """A tensor's name in an error: its operation."""
    return t._op.name if t._op else "a leaf"
