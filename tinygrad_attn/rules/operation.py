"""Chapter 2: what an operation is: a stateless pair, a forward and a vjp.

    forward(xp, *inputs, **params)                        -> z, or (z, saved)
    vjp(xp, g, z, inputs, needs, saved, **params)         -> a gradient for each input

| word | meaning |
|---|---|
| `xp` | the namespace that computes: NumPy, pure Python, Values, or Tensors (`ops`) |
| `inputs` | arrays and numbers, masks and indices too; None for an optional one |
| `params` | plain hashable settings, such as an axis |
| `z` | the output |
| `g` | ∂L/∂z, the gradient of the final scalar L with respect to the output |
| `needs` | which inputs need a gradient; for any other input it is ignored |
| `saved` | what forward computed and vjp would otherwise recompute, or None |

**vjp** means vector-Jacobian product: with J = ∂z/∂x, the chain rule is ∂L/∂x = g·J. A
rule states that product directly. J itself, with as many rows as z has numbers and as
many columns as x has, is never built.

A **primitive** states its rule with derivatives from a calculus book. Its forward only
ever meets arrays, for autograd/recording.py takes them out of the Tensors first. A
**composite** is a forward made of the names of `xp` and of other composites, called as
`softmax(xp, x)`. It may carry a hand-derived vjp, which is a lesson and faster than the
rules of its parts; without one its parts are recorded (forward then returns z alone).

A pair does not know which `xp` it is given, so one pair serves at every level:

- Forwards run on NumPy, on pure-Python arrays, and on arrays of single Values. On
  Values vjps are never called: each has stored its own local derivatives (scalar.py).
  That is why the two can check each other.
- A vjp runs on arrays. Run on Tensors it is recorded like any calculation, and its
  result can be differentiated: that is how a second derivative comes about.

Two things keep that true. No rule asks which `xp` it has or branches on an element. And
`saved` is never passed when `xp` is `ops`: it holds bare arrays, which would enter the
second derivative as constants, silently wrong. (`z` may be used: there it is the
Tensor, with its graph.) So a rule that uses `saved` must also work without it.

**To add a rule**: write forward and vjp in a file of this folder. If it needs a new
function of `xp`, add that to arrays/python.py, numpy.py and values.py, and to ops.py.
Write the users' function in functions/ (checks, then `apply`), and name it in tensor.py
if it shall be a method. Give it a line in graph/notation/words.py and a row in the
tests' table of rules; tests name what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[..., Any]


class Op:
    """A named pair of forward and vjp; made by the decorators below.

    Attributes:
        name: the forward's name.
        forward, vjp: the pair; vjp is None for a composite that records its parts.
        check: shapes of the inputs → shape of the output, or ValueError with the
            sentence that says why they do not fit. Called only after a forward has
            failed.
        composite: whether forward opens into other operations.
    """

    def __init__(
        self, forward: Callable[..., Any], composite: bool, check: Check | None = None
    ) -> None:
        self.name = forward.__name__
        self.forward = forward
        self.vjp: Any = None
        self.check = check
        self.composite = composite
        self.__doc__ = forward.__doc__

    def defvjp(self, vjp: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: `vjp` is this operation's."""
        self.vjp = vjp
        return vjp

    def __call__(self, xp: Any, *inputs: Any, **params: Any) -> Any:
        """The operation inside another's forward or vjp.

        On Tensors (`records` is True for `ops` alone) it is a step of its own: `apply`
        records it. On bare arrays there is nothing to record.
        """
        if xp.records:
            return xp.apply(self, *inputs, **params)
        z = self.forward(xp, *inputs, **params)
        return z[0] if type(z) is tuple else z

    def __repr__(self) -> str:
        return f"<{'composite' if self.composite else 'primitive'} {self.name}>"


def primitive(check: Check | None = None) -> Callable[[Callable[..., Any]], Op]:
    """Decorator: a forward becomes a primitive, whose vjp follows it."""

    def decorate(forward: Callable[..., Any]) -> Op:
        return Op(forward, composite=False, check=check)

    return decorate


def composite(forward: Callable[..., Any]) -> Op:
    """Decorator: a forward becomes a composite."""
    return Op(forward, composite=True)
