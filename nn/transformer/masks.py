"""The masks of attention: their shapes, and how two become one.

Masks are boolean, and **True = may be attended to**. (`torch.nn.MultiheadAttention`
means the opposite: there True is left out.) An attn_mask of floats is added to the
energies, as there: 0 changes nothing, -inf hides a key. There are B sequences, H heads,
T queries and S keys:

    attn_mask         (T, S), (B, T, S) or (B, H, T, S)    which keys a query may see
    key_padding_mask  (B, S)                               which keys are no padding
    energies          (B, H, T, S)                         both are spread over it

`causal_mask(t)` makes an attn_mask from positions, `padding_mask(tokens)` a
key_padding_mask from tokens. For a single sequence, without B, the shapes are (T, S) or
(H, T, S), and (S,).
"""

from __future__ import annotations

from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.functions.attention import both, check_kind

Shape = tuple[int, ...]
NAMES = ("attn_mask", "key_padding_mask")


def one_mask(
    who: str,
    energies: Shape,
    attn_mask: Any,
    key_padding_mask: Any,
    names: tuple[str, str] = NAMES,
) -> Tensor | None:
    """One mask from two: true where both are true (see `both`). None if both are None.

    Args:
        energies: the shape (..., H, T, S), to which the result broadcasts.
        names: the caller's names for the two masks, for the errors.

    Raises:
        TypeError, ValueError: a mask is of integers, or its shape does not fit.

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
        check_shape(who, names[0], mask, shapes, {names[1]: (*batch, s)}, floats=True)
        if batch and mask.ndim == len(batch) + 2:  # (B, T, S): the same for all heads
            mask = mask.unsqueeze(-3)
    if padding is not None:
        letters = "(B, S)" if batch else "(S,)"
        check_shape(who, names[1], padding, {letters: (*batch, s)})
        padding = padding.unsqueeze(-2).unsqueeze(-2)  # for all heads and queries
        mask = padding if mask is None else both(mask, padding)
    return mask  # type: ignore[no-any-return]


def check_shape(
    who: str,
    name: str,
    mask: Any,
    shapes: dict[str, Shape],
    other: dict[str, Shape] | None = None,
    floats: bool = False,
) -> None:
    """Refuses anything but a Tensor of bools of one of these shapes, or of floats where
    these are allowed.

    Args:
        shapes: a shape in letters → its sizes, each of which may be 1 instead.
        other: the other mask's name and sizes: a hint for a mask given in its place.
    """
    check_kind(who, mask, name, floats)
    for shape in shapes.values():
        if mask.ndim == len(shape) and all(
            n in (1, wanted) for n, wanted in zip(mask.shape, shape)
        ):
            return
    right = " or ".join(f"{letters} = {shape}" for letters, shape in shapes.items())
    hint = ""
    for other_name, shape in (other or {}).items():
        if mask.shape == shape:
            hint = f"; one flag for each key is a {other_name}"
    raise ValueError(
        f"{who}: {name} of shape {mask.shape} given; it must be {right}{hint}"
    )
