"""A rule of your own: `primitive` and `composite`, the decorators of the folder rules/.

They make the same pairs of forward and vjp. What is made here is called like any
function of Tensors, and is drawn, played, explained, unfolded and cut out of a head
like the others.

    >>> from tinygrad_attn import Tensor, gradcheck, primitive
    >>> @primitive("elementwise", z="x³", x="∂z ⊙ 3 x²")
    ... def cube(xp, x):
    ...     return x * x * x
    >>> @cube.defvjp
    ... def cube_vjp(xp, g, z, inputs, needs, saved):
    ...     (x,) = inputs
    ...     return (g * 3.0 * x * x,)
    >>> x = Tensor([2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad
    Tensor([12.0], float64)
    >>> gradcheck(cube, x)
    True

rules/operation.py says what the arguments are, and what may be said of the operation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from ..arrays import python
from ..autograd.recording import NUMBERS, Recorded, apply
from ..rules.operation import Op, decorated
from .operands import constant

__all__ = ["composite", "primitive"]


class OwnOp(Op):
    """An operation that is called like a function: `cube(x)`."""

    def __init__(self, forward: Any, *args: Any, **said: Any) -> None:
        self.signature = inspect.signature(forward)
        if next(iter(self.signature.parameters), "") != "xp":
            raise TypeError(
                f"{forward.__name__}: a forward takes xp first, and then its inputs: "
                f"def {forward.__name__}(xp, x)"
            )
        super().__init__(forward, *args, **said)

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """The result, for Tensors; or, called as `cube(xp, x)` inside another rule, for
        what that is given."""
        if inputs and hasattr(inputs[0], "records"):
            return super().__call__(*inputs, **params)
        try:
            bound = self.signature.bind(None, *inputs, **params)
        except TypeError as error:
            raise TypeError(
                f"{self.name}: {error}; it takes ({', '.join(self.inputs)})"
            ) from error
        bound.apply_defaults()
        _, *values = bound.args
        for name, value in bound.kwargs.items():
            if hasattr(value, "shape"):
                raise TypeError(
                    f"{self.name}: {name}= is a {type(value).__name__}, and settings "
                    "are plain values; let the forward take it as an input"
                )
        like = next((x for x in values if isinstance(x, Recorded)), None)
        if like is None:
            kinds = ", ".join(type(x).__name__ for x in values) or "nothing"
            inside = any(hasattr(x, "scalars") for x in values)
            raise TypeError(
                f"{self.name}: {kinds} given; it takes Tensors (Tensor(x) makes one)"
                + (f"; inside a rule write {self.name}(xp, x)" if inside else "")
            )
        given = [
            x if x is None or type(x) in NUMBERS else constant(self.name, x, like)
            for x in values
        ]
        try:
            z = apply(self, *given, **bound.kwargs)
        except (AttributeError, TypeError) as error:
            if told := self.explained(error):
                raise told from error
            raise
        if isinstance(z.array, Recorded) or not hasattr(z.array, "shape"):
            raise TypeError(
                f"{self.name}: its forward returned a {type(z.array).__name__}; it "
                "must return an array, made with xp, or (array, saved)"
            )
        return z

    def defvjp(self, vjp: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: `vjp` is this operation's; what it returns is checked."""
        settings = [
            name
            for name, p in self.signature.parameters.items()
            if p.kind is p.KEYWORD_ONLY
        ]
        try:
            inspect.signature(vjp).bind(*VJP, **dict.fromkeys(settings))
        except TypeError:
            more = f", *, {', '.join(settings)}" if settings else ""
            raise TypeError(
                f"{self.name}: its vjp must take ({', '.join(VJP)}{more})"
            ) from None

        @wraps(vjp)
        def checked(
            xp: Any, g: Any, z: Any, inputs: Any, needs: Any, saved: Any, **params: Any
        ) -> Any:
            try:
                shares = vjp(xp, g, z, inputs, needs, saved, **params)
            except (AttributeError, TypeError) as error:
                if told := self.explained(error, "vjp"):
                    raise told from error
                raise
            if isinstance(shares, (tuple, list)):
                for i, (share, need) in enumerate(zip(shares, needs)):
                    if need and share is not None and not hasattr(share, "shape"):
                        raise TypeError(
                            f"{self.name}: its vjp gave a {type(share).__name__} for "
                            f"input {i}; it must be an array, made with xp"
                        )
            return shares

        self.vjp = checked
        return vjp

    def explained(self, error: Exception, part: str = "forward") -> Exception | None:
        """An error in the user's forward or vjp, with what to write instead; None if it
        is not one that we know."""
        said = str(error)
        name, obj = getattr(error, "name", ""), getattr(error, "obj", None)
        if isinstance(error, AttributeError) and hasattr(obj, "records"):
            said = f"xp has no {name!r}; it has {', '.join(XP)}"
        elif isinstance(error, AttributeError) and hasattr(obj, "dtype"):
            said = f"an array has no {name!r}; write xp.{name}(x)"
        elif "real number" in said or "converted to Python scalars" in said:
            said = "a function of math takes one number; write xp.sin(x), not math.sin"
        elif "NoneType" in said and part == "vjp":
            said += "; saved is None where the gradient is recorded: compute it again"
        else:
            return None
        return type(error)(f"{self.name}: in its {part}: {said}")


VJP = ("xp", "g", "z", "inputs", "needs", "saved")
XP = sorted(
    name
    for name, f in vars(python).items()
    if inspect.isfunction(f) and f.__module__ == python.__name__ and name[0] != "_"
)


@overload
def primitive(kind: Callable[..., Any], /) -> OwnOp: ...
@overload
def primitive(
    kind: str = "", /, **said: Any
) -> Callable[[Callable[..., Any]], OwnOp]: ...
def primitive(kind: Any = "", /, **said: Any) -> Any:
    """Decorator: a forward becomes an operation of your own, whose vjp follows it.

    Args:
        kind: which numbers of its inputs make a number of the result: "elementwise",
            "movement", "product", ... (`KINDS` in rules/operation.py).
        z, means: its formula in the letters of the forward, for pictures: z="x³".
        (name of an input): the rule of its gradient: x="∂z ⊙ 3 x²".
        kink, steep: where its slope jumps, or is infinite: kink="at 0".
        check: shapes of the inputs → shape of the result, or ValueError; it is called
            only after a forward has failed.
        differentiable: False if no gradient is to pass; then it needs no vjp.

    Raises:
        ValueError, TypeError: an unknown kind, or a rule for what is no input.

    >>> from tinygrad_attn import Tensor
    >>> @primitive
    ... def double(xp, x):
    ...     return x + x
    >>> double(Tensor([1.0]))
    Tensor([2.0], float64)
    """
    return decorated(OwnOp, False, kind, said)


@overload
def composite(kind: Callable[..., Any], /) -> OwnOp: ...
@overload
def composite(
    kind: str = "", /, **said: Any
) -> Callable[[Callable[..., Any]], OwnOp]: ...
def composite(kind: Any = "", /, **said: Any) -> Any:
    """Decorator: a forward made of the functions of xp becomes an operation.

    It needs no vjp: without one its parts are recorded, each with its own, and drawn in
    a frame with its name. It takes what `primitive` takes.

    >>> from tinygrad_attn import Tensor
    >>> @composite("elementwise", z="x ⊙ tanh x")
    ... def bent(xp, x):
    ...     return x * xp.tanh(x)
    >>> bent(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return decorated(OwnOp, True, kind, said)
