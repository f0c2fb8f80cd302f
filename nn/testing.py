"""Two tests for a model of your own: does it look where it must not?

A mask that is missing, inverted or off by one raises no error. Training goes well, too
well: a decoder that sees the token it should predict copies it, and fails when it must
write by itself. And if padding is attended to, the output for one sentence depends on
how long the other sentences of the batch are. Both show up when an input changes that
must not matter:

    test                       the change                 must stay the same
    assert_causal              all later inputs           the outputs before them
    assert_padding_invariant   more PAD at the end        the outputs before it

Each takes a model and its inputs, runs the model in eval mode (for this thread), and
raises an AssertionError of one line: where the output changed, and by how much.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from tinygrad_attn import Tensor, concat, get_rng_state, no_grad, randn, set_rng_state
from tinygrad_attn.arrays.precision import ROUNDING
from tinygrad_attn.errors import check_number, say
from tinygrad_attn.functions.operands import constant

from .module import Module, in_eval_mode
from .transformer.tokens import PAD

Model = Module | Callable[..., Any]


def assert_causal(
    model: Model, /, *inputs: Any, tolerance: float | None = None
) -> None:
    """Output t of the model does not depend on inputs t + 1, t + 2, ...

    For every t, the inputs after t are replaced by others. The outputs up to t must
    stay the same.

    Args:
        model: a Module, or any function of Tensors. It returns (B, T, ...), or a tuple
            that begins with it.
        inputs: the model's arguments. The last Tensor is the sequence: tokens (B, T),
            at least two different ones, or vectors (B, T, d), with T ≥ 2. A model that
            has `example_inputs()`, such as Seq2SeqTransformer, needs none.
        tolerance: how far an output may be off; by default 1e-9 of the largest output
            (1e-4 in float32), to allow for rounding.

    Raises:
        AssertionError: an output changed; or no later output did, so nothing was
            tested.
        TypeError, ValueError: the call is wrong.

    >>> import nn
    >>> attention, x = nn.MultiHeadAttention(4, 2), randn(1, 3, 4)
    >>> def masked(x):
    ...     return attention(x, is_causal=True)
    >>> assert_causal(masked, x)
    >>> try:
    ...     assert_causal(attention, x)
    ... except AssertionError as error:
    ...     print(str(error)[:43])
    assert_causal: output 0 of sequence 0 chang
    """
    who = "assert_causal"
    inputs = inputs or example_inputs(who, model)
    run = Runner(who, model, inputs, tolerance)
    at = max((i for i, x in enumerate(inputs) if isinstance(x, Tensor)), default=None)
    if at is None:
        raise TypeError(f"{who}: no Tensor given; it takes what the model takes")
    x = inputs[at]
    other = replace_all(who, x)
    length = x.shape[1]
    if run.output.shape[:2] != x.shape[:2]:
        raise ValueError(
            f"{who}: an output of {run.output.shape} for a sequence of {x.shape}; it "
            "must be (B, T, ...), one output for each position"
        )
    input_matters = False
    for t in range(length - 1):
        changed = concat([x[:, : t + 1], other[:, t + 1 :]], axis=1)
        errors = run.errors(at, changed)  # (B, T) as lists
        for b, row in enumerate(errors):
            for position, by in enumerate(row[: t + 1]):
                if not by <= run.tolerance:
                    raise AssertionError(
                        f"{who}: output {position} of sequence {b} changes by {by:.2g} "
                        f"when only inputs from {t + 1} on are exchanged; it sees what "
                        "comes after it: is there a causal mask?"
                    )
        later = [by for row in errors for by in row[t + 1 :]]
        input_matters = input_matters or any(by > run.tolerance for by in later)
    if not input_matters:
        raise AssertionError(
            f"{who}: no output changes whatever is given as input {at}; so nothing was "
            "tested: does the model use it?"
        )


def assert_padding_invariant(
    model: Model,
    /,
    *inputs: Any,
    pad: int = PAD,
    extra: int = 3,
    tolerance: float | None = None,
) -> None:
    """The model's output does not depend on how much padding its inputs have.

    PAD is appended to one input of tokens after the other. The outputs at the old
    positions must stay the same.

    Args:
        model: a Module, or any function of Tensors. It returns (B, T, ...), or (B, ...)
            for the whole sequence, or a tuple that begins with it.
        inputs: the model's arguments; tokens are Tensors of int64 (B, T). A model that
            has `example_inputs()` needs none.
        pad: the token PAD.
        extra: how many PAD to append.
        tolerance: how far an output may be off; by default 1e-9 of the largest output
            (1e-4 in float32), to allow for rounding.

    Raises:
        AssertionError: an output changed.
        TypeError, ValueError: the call is wrong.

    >>> import nn
    >>> model = nn.Seq2SeqTransformer(10, d_model=8, num_heads=2, d_ff=16)
    >>> src, tgt = Tensor([[5, 6, 7], [8, 9, nn.PAD]]), Tensor([[nn.BOS, 3]] * 2)
    >>> assert_padding_invariant(model, src, tgt)
    >>> def forgetful(src, tgt):                     # no mask for the source's padding
    ...     return model.eval().decode(tgt, model.encode(src))
    >>> try:
    ...     assert_padding_invariant(forgetful, src, tgt)
    ... except AssertionError as error:
    ...     print(str(error)[:54])
    assert_padding_invariant: output 0 of sequence 0 chang
    """
    who = "assert_padding_invariant"
    check_number(who, "pad", pad, whole=True)
    check_number(who, "extra", extra, 1, whole=True)
    inputs = inputs or example_inputs(who, model)
    run = Runner(who, model, inputs, tolerance)
    tokens = [
        i
        for i, x in enumerate(inputs)
        if isinstance(x, Tensor) and x.dtype == "int64" and x.ndim == 2
    ]
    if not tokens:
        raise TypeError(
            f"{who}: no tokens given, Tensors of int64 (B, T); for a model of vectors "
            "and masks, write a function of tokens that makes them"
        )
    for at in tokens:
        x = inputs[at]
        padding = constant(who, [[pad] * extra] * x.shape[0], x)
        errors = run.errors(at, concat([x, padding], axis=1))
        for b, row in enumerate(errors):
            for position, by in enumerate(row):
                if not by <= run.tolerance:
                    raise AssertionError(
                        f"{who}: output {position} of sequence {b} changes by {by:.2g} "
                        f"when {extra} PAD are appended to input {at}; padding is "
                        "attended to or counted: is there a padding mask?"
                    )


class Runner:
    """A model, its inputs and its output, and how that changes with one of the inputs.

    >>> run = Runner("example", abs, (Tensor([[-1.0, 2.0]]),), None)
    >>> run.errors(0, Tensor([[-1.0, 2.5]]))
    [[0.0, 0.5]]
    """

    def __init__(
        self, who: str, model: Any, inputs: tuple[Any, ...], tolerance: float | None
    ) -> None:
        if not callable(model):
            raise TypeError(
                f"{who}: a {type(model).__name__} given; it takes a model, and what "
                "the model is called with"
            )
        self.who, self.model, self.inputs = who, model, inputs
        self.output = self.run(inputs)
        if tolerance is None:
            rounding = ROUNDING.get(self.output.dtype, ROUNDING["float64"])
            largest = self.output.abs().max().item() if self.output.size else 0.0
            tolerance = rounding * max(1.0, largest)
        check_number(who, "tolerance", tolerance, 0.0)
        self.tolerance = tolerance
        again = self.errors(0, inputs[0])
        if not all(by <= tolerance for row in again for by in row):
            raise ValueError(
                f"{who}: two runs on the same input differ, or are nan; give a Module, "
                "which is run in eval mode, or a function without random numbers"
            )

    def run(self, inputs: tuple[Any, ...]) -> Tensor:
        """The model's output; the first of them, if it returns a tuple."""
        model = self.model
        mode = in_eval_mode(model) if isinstance(model, Module) else nullcontext()
        with mode, no_grad():
            z = model(*inputs)
        z = z[0] if isinstance(z, tuple) else z
        if not isinstance(z, Tensor) or z.ndim < 2:
            kind = z.shape if isinstance(z, Tensor) else type(z).__name__
            raise TypeError(
                f"{self.who}: the model returned {kind}; it must be a Tensor (B, ...)"
            )
        return z

    def errors(self, at: int, x: Tensor) -> list[list[float]]:
        """The largest change in each output (B, T) when input `at` is x. Outputs at new
        positions do not count."""
        given = (*self.inputs[:at], x, *self.inputs[at + 1 :])
        before, after = self.output, self.run(given)
        if after.shape[1] > before.shape[1]:
            after = after[:, : before.shape[1]]
        if after.shape != before.shape:
            raise ValueError(
                f"{self.who}: an output of {after.shape} where it was {before.shape}; "
                "its size must not depend on what is in the inputs"
            )
        changes = (after - before).abs().reshape(*before.shape[:2], -1)  # (B, T, *)
        return changes.max(axis=-1).tolist()  # type: ignore[no-any-return]


def example_inputs(who: str, model: Any) -> tuple[Any, ...]:
    """The inputs that a model itself offers for tests."""
    if not hasattr(model, "example_inputs"):
        raise TypeError(
            f"{who}: a {type(model).__name__} given, and nothing to call it with; give "
            "its inputs too, or a method example_inputs() that returns them"
        )
    return tuple(model.example_inputs())


def replace_all(who: str, x: Tensor) -> Tensor:
    """Another vector, or another of the tokens in x, at every position."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{who}: a last input {say(x)} given; it must be a Tensor")
    if x.ndim >= 2 and x.shape[1] >= 2:
        if x.dtype == "int64" and x.ndim == 2:
            rows = x.tolist()
            known = sorted({token for row in rows for token in row})
            if len(known) > 1:
                another = dict(zip(known, [*known[1:], known[0]]))
                return constant(who, [[another[t] for t in row] for row in rows], x)  # type: ignore[no-any-return]
        elif x.dtype.startswith("float") and x.ndim == 3:
            state = get_rng_state()
            other = constant(who, randn(*x.shape).tolist(), x)
            set_rng_state(state)
            return other  # type: ignore[no-any-return]
    raise ValueError(
        f"{who}: a last input of {x.dtype} {x.shape} given; it must be tokens (B, T), "
        "int64 and not all the same, or vectors (B, T, d), with T from 2"
    )
