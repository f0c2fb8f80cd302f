"""Masks of attention: which shapes they may have, and two of them made one.

Boolean everywhere, and **True = may be attended to** (`torch.nn.MultiheadAttention` has
it the other way round: there True is what is left out). B counts sequences, H heads, T
queries and S keys:

    attn_mask         (T, S), (B, T, S) or (B, H, T, S)    who may look at whom
    key_padding_mask  (B, S)                               which keys are there at all
    energies          (B, H, T, S)                         what both are made to fit

`causal_mask(t)` makes the first of positions, `padding_mask(tokens)` the second of
tokens. For a single sequence, without a B, they are (T, S) or (H, T, S), and (S,).
"""

from __future__ import annotations

from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.functions.attention import both

Shape = tuple[int, ...]
NAMES = ("attn_mask", "key_padding_mask")


def one_mask(
    who: str,
    energies: Shape,
    attn_mask: Any,
    key_padding_mask: Any,
    names: tuple[str, str] = NAMES,
) -> Tensor | None:
    """The two masks as one that broadcasts to the energies (..., H, T, S): true where
    both are; None where there is none.

    Args:
        names: the caller's names for the two, for the errors.

    Raises:
        TypeError, ValueError: a mask is no boolean Tensor, or of no shape that fits.

    >>> causal = Tensor([[True, False], [True, True]])
    >>> one_mask("attention", (1, 4, 2, 2), causal, Tensor([[False, True]]))
    Tensor([[[[False, False],
              [False,  True]]]], bool)
    """
    *batch, heads, t, s = energies
    mask, padding = attn_mask, key_padding_mask
    if mask is not None:
        shapes: dict[str, Shape] = {"(T, S)": (t, s)}
        if batch:
            shapes["(B, T, S)"] = (*batch, t, s)
        shapes["(B, H, T, S)" if batch else "(H, T, S)"] = energies
        check_mask(who, names[0], mask, shapes, {names[1]: (*batch, s)})
        if batch and mask.ndim == len(batch) + 2:  # (B, T, S): the same for all heads
            mask = mask.unsqueeze(-3)
    if padding is not None:
        what = "(B, S)" if batch else "(S,)"
        check_mask(who, names[1], padding, {what: (*batch, s)})
        padding = padding.unsqueeze(-2).unsqueeze(-2)  # for all heads and queries
        mask = padding if mask is None else both(mask, padding)
    return mask  # type: ignore[no-any-return]


def check_mask(
    who: str,
    name: str,
    mask: Any,
    shapes: dict[str, Shape],
    other: dict[str, Shape] | None = None,
) -> None:
    """Refuses what is no Tensor of bool, or has none of these shapes (a size may be 1
    for "all alike"). `other` is the other mask's name and shape, should it be that."""
    if not isinstance(mask, Tensor) or mask.dtype != "bool":
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(
            f"{who}: {name} of {kind} given; it must be a Tensor of bool, True = "
            "may be attended to"
        )
    for shape in shapes.values():
        if mask.ndim == len(shape) and all(
            n in (1, wanted) for n, wanted in zip(mask.shape, shape)
        ):
            return
    right = " or ".join(f"{what} = {shape}" for what, shape in shapes.items())
    hint = ""
    for what, shape in (other or {}).items():
        if mask.shape == shape:
            hint = f"; one flag for each key is a {what}"
    raise ValueError(
        f"{who}: {name} of shape {mask.shape} given; it must be {right}{hint}"
    )
