"""`torch.autograd.Function`: a function of your own with a gradient of your own.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3.0 * x * x

    y = Cube.apply(x)

Both are written with Tensors. (`primitive` makes a rule of arrays, which pictures,
programs and the scalar backend know too: functions/own_rules.py.)
"""

from __future__ import annotations

from typing import Any

from ..autograd.differentiate import grad
from ..autograd.recording import Recorded, apply, make
from ..context import context, no_grad
from ..errors import in_a_program
from ..functions.operands import home
from ..functions.shaping import stack
from ..rules.operation import Op


class Context:
    """What forward keeps for backward: `save_for_backward`, and any attribute."""

    saved_tensors: tuple[Any, ...] = ()
    needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors, which backward finds in `saved_tensors`."""
        self.saved_tensors = tensors


class Function:
    """Subclasses define `forward(ctx, ...)` and `backward(ctx, g)`, two static methods;
    `apply` calls the one, and the walk backward the other."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        """Computes the result, a Tensor, of Tensors and settings."""
        raise NotImplementedError("Function: forward is not defined")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """∂L/∂input for each input, of ∂L/∂result; None where there is none."""
        raise NotImplementedError("Function: backward is not defined")

    @classmethod
    def apply(cls, *given: Any) -> Any:
        """The result, a Tensor that remembers this function."""
        who, ctx = cls.__name__, Context()
        if context.now.writer is not None:
            raise in_a_program(who, "called")
        at = [i for i, x in enumerate(given) if isinstance(x, Recorded)]
        ctx.needs_input_grad = tuple(
            isinstance(x, Recorded) and x.requires_grad for x in given
        )
        with no_grad():
            if hasattr(cls, "setup_context"):
                z = cls.forward(*given)
                cls.setup_context(ctx, given, z)
            else:
                z = cls.forward(ctx, *given)
        if not isinstance(z, Recorded):
            raise TypeError(
                f"{who}: its forward returned a {type(z).__name__}; it must return one "
                "Tensor"
            )
        if not context.now.recording or True not in ctx.needs_input_grad:
            return z
        if home(z).name == "scalar":
            raise RuntimeError(
                f"{who}: on the scalar backend numbers record themselves and would not "
                "call its backward; use another backend"
            )

        def forward(xp: Any, *inputs: Any) -> Any:
            return z.array

        def vjp(xp: Any, g: Any, _: Any, inputs: Any, needs: Any, saved: Any) -> Any:
            gradient = g if xp.records else make(g)
            if xp.records:
                shares = cls.backward(ctx, gradient)
            else:
                with no_grad():
                    shares = cls.backward(ctx, gradient)
            shares = shares if isinstance(shares, (tuple, list)) else (shares,)
            if len(shares) != len(given):
                raise RuntimeError(
                    f"{who}: its backward returned {len(shares)} gradients for "
                    f"{len(given)} arguments of forward; each needs one, or None"
                )
            kept = (shares[i] for i in at)
            return [s if s is None or xp.records else s.array for s in kept]

        forward.__name__ = who
        op = Op(forward, False)
        op.vjp = vjp
        return apply(op, *(given[i] for i in at))


def jacobian(func: Any, inputs: Any, create_graph: bool = False) -> Any:
    """∂z_j/∂x_i of z = func(x), a walk for each number of z: (*z.shape, *x.shape)."""
    x = inputs if create_graph and inputs.requires_grad else inputs.detach()
    x = x if x.requires_grad else x.requires_grad_()
    z = func(x)
    rows = [
        grad(part, x, retain_graph=True, create_graph=create_graph)[0]
        for part in z.reshape(-1)
    ]
    return stack(rows).reshape((*z.shape, *x.shape))
