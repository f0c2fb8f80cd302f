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

**What it means** stands above the pair, in the decorator, as on a blackboard:

    @primitive("elementwise", z="tanh x", x="∂z ⊙ (1 − z²)")
    def tanh(xp, x):

in the letters of the forward: `z=` says how z is made, `x=` what is sent back to x. ∂z
is short for ∂L/∂z, which the code calls g; ∂L/∂x is dx in the code. Graphs, pictures
and explanations ask for it (`Op.meaning`), and a test evaluates each rule as it is
written and compares it with what the vjp computes.

| on the blackboard | meaning |
|---|---|
| x y, xᵀ; 2 x | the matrix product, the transpose; twice x |
| x ⊙ y, x · y, x / y, x ^ y, x² | number by number |
| exp x, ln x, √x, σ(x) | of what follows; Φ, φ: the bell curve's area and height |
| a where c, b where d, else e | number by number |
| Σⱼ x ⊙ y, mean x, var x | along each row; {Σ}: along the step's axis |
| Σ x, x repeated | over axes or copies, and back; "added at": to these rows |
| x[...], x at [...], x reshaped | a part; put there among zeros; moved |
| s, x̂; A | a norm's 1/√(var x + ε), (x - mean x) s; attention's weights |
| {over}, {along}, {part}, ... | the step's settings, left out where they are usual |
| rule, ĝ = ... | where ĝ is ... |

A rule speaks of inputs of the result's shape. Where one was broadcast, a picture adds
the Σ over its copies, as the walk does.

The first paragraph of the forward's docstring says what it does; that of the vjp's, why
its gradient is so (`why=`, where there is no vjp, why none passes).

**To add a rule**, see docs/adding_an_operation.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

from ..arrays.shapes import broadcast_shapes
from ..docstrings import first_words
from ..errors import check_flags, say

Check = Callable[..., Any]
CO_VARARGS = 4  # of a code object: it takes *inputs

# Which numbers of its inputs make a number of z. Pictures and cuts ask this of an
# operation, and never its name.
KINDS = {
    "elementwise": "those at its place",
    "choice": "the one at its place, of one of two inputs",
    "gate": "the one at its place, scaled, or none: it is 0",
    "comparison": "those at its place; it is true or false",
    "check": "the one at its place, unless it is refused",
    "reduction": "several, along axes or by an index",
    "movement": "exactly one, in another place (or none: it is 0)",
    "product": "a row of the first and a column of the second",
    "norm": "its row (or its part along the axis)",
    "softmax": "its row; they are positive, and each row adds up to 1",
    "attention": "a query, all keys and all values",
    "": "not known: a rule of the user's own, of which it is not said",
}
ELEMENTWISE = ("elementwise", "choice", "gate", "comparison", "check")
ROWWISE = ("norm", "softmax")
AS_PYTHON = str.maketrans({"−": "-", "⊙": "*", "^": "**"})
OWN = "(rule of its own)"  # of an operation without notation
# What a notation says of settings, where these are not known.
GENERAL = {
    "Σ": "Σ",
    "part": "[...]",
    "axes": "(...)",
    "back": "(...)",
    "dtype": "dtype",
}


@dataclass(frozen=True)
class Meaning:
    """What an operation means, as plain texts.

    Attributes:
        kind: one of KINDS.
        formula: z, in the letters of the forward's inputs: "tanh x"; "" if not given.
        means: the same, written out: "1 / (1 + exp(−x))" for "σ(x)"; or "".
        rules: for each input the contribution to its gradient, "∂z ⊙ (1 − z²)".
        inputs: the names of the forward's inputs (the last may take several).
        sentence: what it does, the first words of the forward's docstring.
        why: why the gradient is that, the first words of the vjp's docstring; or why
            none passes.
        kink: where its slope jumps, and which slope the rule takes there; or "".
        steep: where its slope is infinite; or "".
    """

    kind: str = ""
    formula: str = ""
    means: str = ""
    rules: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    sentence: str = ""
    why: str = ""
    kink: str = ""
    steep: str = ""

    @property
    def symbol(self) -> str:
        """The operator between two inputs, as Python writes it: "+", "*", "**"; "" if
        the formula has none."""
        found = re.fullmatch(r"\w+ (\S+) \w+", self.formula)
        return found[1].translate(AS_PYTHON) if found else ""

    @property
    def turned(self) -> bool:
        """Whether the second factor of a product stands transposed in it: x yᵀ."""
        return len(self.inputs) > 1 and f"{self.inputs[1]}ᵀ" in self.formula

    def rule(self, position: int) -> str:
        """The contribution to the gradient of an input, by its position from 0."""
        if not self.inputs:
            return ""
        name = self.inputs[min(position, len(self.inputs) - 1)]
        return self.rules.get(name, "")


class Op:
    """A named pair of forward and vjp; made by the decorators below.

    Attributes:
        name: the forward's name.
        forward, vjp: the pair; vjp is None for a composite that records its parts.
        kind: which numbers of its inputs make a number of z, one of KINDS.
        meaning: its kind, formula, sentences and kinks, for pictures.
        check: shapes of the inputs → shape of the output, or ValueError with the
            sentence that says why they do not fit; by default the element-wise ones
            broadcast. Called only after a forward has failed.
        composite: whether forward opens into other operations.
        differentiable: False for an operation that no gradient passes.
        by_matrix: whether the inputs are batches of matrices, (..., rows, columns), and
            each matrix of z is made from those at its place in the batch alone. Large
            batches are then computed in parts (arrays/batches.py).
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        composite: bool,
        kind: str = "",
        check: Check | None = None,
        differentiable: bool = True,
        by_matrix: bool = False,
        **said: str,
    ) -> None:
        self.name = forward.__name__
        check_flags(self.name, differentiable=differentiable, by_matrix=by_matrix)
        if check is not None and not callable(check):
            raise TypeError(
                f"{self.name}: check={say(check)} given; it must be a function of the "
                "inputs' shapes"
            )
        self.forward = forward
        self.vjp: Any = None
        self.elementwise = kind in ELEMENTWISE
        self.check = broadcast_shapes if self.elementwise and check is None else check
        self.composite = composite
        self.differentiable = differentiable
        self.by_matrix = by_matrix
        self.__doc__, self.__module__ = forward.__doc__, forward.__module__
        self.inputs = inputs_of(forward)
        check_said(self, said)
        if kind not in KINDS:
            raise ValueError(
                f"{self.name}: kind {kind!r} given; it must be one of "
                + ", ".join(filter(None, KINDS))
            )
        self.kind, self._said = kind, said

    @cached_property
    def meaning(self) -> Meaning:
        """Its kind, formula, sentences and kinks."""
        said = self._said
        rules = {name: said[name] for name in self.inputs if name in said}
        return Meaning(
            kind=self.kind,
            formula=said.get("z", ""),
            means=said.get("means", ""),
            rules=rules,
            inputs=self.inputs,
            sentence=first_words(self.forward),
            why=first_words(self.vjp) or said.get("why", ""),
            kink=said.get("kink", ""),
            steep=said.get("steep", ""),
        )

    @property
    def equation(self) -> str:
        """Its formula as an equation: "z = x ⊙ y"."""
        said = self.meaning
        formula = said.formula or f"{self.name}({', '.join(self.inputs)})"
        return " = ".join(general(side) for side in ("z", formula, said.means) if side)

    @property
    def gradients(self) -> str:
        """All its rules: "∂x += ∂z ⊙ y, ∂y += ∂z ⊙ x"; "" if no gradient passes."""
        rules = self.meaning.rules.items()
        told = ", ".join(f"∂{name} += {general(rule)}" for name, rule in rules)
        return told or (OWN if self.differentiable else "")

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

    def __reduce__(self) -> str:
        """Pickled by its name, as a function is."""
        return self.name

    def __repr__(self) -> str:
        return f"<{'composite' if self.composite else 'primitive'} {self.name}>"


def inputs_of(forward: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a forward's inputs: what it takes by position, without xp."""
    code = forward.__code__
    several = bool(code.co_flags & CO_VARARGS)
    at = code.co_argcount + code.co_kwonlyargcount  # where the name of *inputs stands
    names = code.co_varnames[1 : code.co_argcount]
    return (*names, code.co_varnames[at]) if several else names


SAID = ("z", "means", "why", "kink", "steep")
SETTINGS = ("kind", "check", "differentiable", "by_matrix")
OF_THE_STEP = ("Σ", "over", "along", "part", "axes", "back", "dtype")


def check_said(op: Op, said: dict[str, Any]) -> None:
    """Refuses what is said of an operation if it cannot be meant."""
    taken = {*SAID, *SETTINGS} & {*op.inputs}
    if taken:
        raise TypeError(
            f"{op.name}: an input is called {min(taken)}, which means something else "
            "here; give it another name"
        )
    for name, text in said.items():
        if name not in (*SAID, *op.inputs):
            raise TypeError(
                f"{op.name}: {name}= given; it takes {', '.join(SAID + SETTINGS[1:])}, "
                "and a rule for an input: "
                f"{', '.join(op.inputs) or 'but it has none'}"
            )
        if not isinstance(text, str):
            raise TypeError(f"{op.name}: {name}={say(text)} given; it must be a text")
        for brace in re.findall(r"\{(.*?)\}", text):
            if brace not in OF_THE_STEP:
                raise ValueError(
                    f"{op.name}: {name}={say(text)} given; in braces may stand "
                    + ", ".join(OF_THE_STEP)
                )


def general(notation: str) -> str:
    """A notation, without the settings of any one step."""
    return re.sub(r"\{(\w+)\}", _in_general, notation)


def _in_general(found: re.Match[str]) -> str:
    return GENERAL.get(found[1], "")


# --- the decorators -------------------------------------------------------------------


@overload
def primitive(kind: Callable[..., Any], /) -> Op: ...
@overload
def primitive(kind: str = "", /, **said: Any) -> Callable[[Callable[..., Any]], Op]: ...
def primitive(kind: Any = "", /, **said: Any) -> Any:
    """Decorator: a forward becomes a primitive, whose vjp follows it.

    Args:
        kind: one of KINDS. (`@primitive` alone is right too, and says nothing.)
        z, means: its formula, and that written out.
        why: of an operation without a vjp, why no gradient passes.
        (name of an input): the rule of its gradient.
        kink, steep: where its slope jumps, or is infinite.
        check, differentiable, by_matrix: as for `Op`.
    """
    return decorated(Op, False, kind, said)


@overload
def composite(kind: Callable[..., Any], /) -> Op: ...
@overload
def composite(kind: str = "", /, **said: Any) -> Callable[[Callable[..., Any]], Op]: ...
def composite(kind: Any = "", /, **said: Any) -> Any:
    """Decorator: a forward becomes a composite; it takes what `primitive` takes."""
    return decorated(Op, True, kind, said)


def decorated(make: type[Op], composite: bool, kind: Any, said: Any) -> Any:
    """A decorator with what is said of the operation, or, if the forward is given
    itself, the operation."""
    given = callable(kind)
    word = "" if given else said.pop("kind", kind)

    def decorate(forward: Callable[..., Any]) -> Op:
        if not hasattr(forward, "__code__"):
            who = "composite" if composite else "primitive"
            raise TypeError(
                f"{who}: a {type(forward).__name__} given; it stands above a function, "
                "def name(xp, x)"
            )
        return make(forward, composite, word, **said)

    return decorate(kind) if given else decorate
