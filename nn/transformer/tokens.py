"""Special tokens: the beginning and the end of a sequence, and padding.

    labels          y₁  y₂  y₃  EOS PAD     the tokens to predict
    decoder input   BOS y₁  y₂  y₃  EOS     the tokens before each: `shift_right`

At position t the decoder sees its input up to t, and predicts label t. If its input
were the labels, it could copy the answer.
"""

from __future__ import annotations

from tinygrad_attn import Tensor, concat
from tinygrad_attn.errors import check_number
from tinygrad_attn.functions.operands import constant

PAD = 0  # fills a sequence that is shorter than others of its batch
BOS = 1  # begins the decoder's input
EOS = 2  # ends a sequence


def shift_right(labels: Tensor, bos: int = BOS) -> Tensor:
    """The decoder's input for labels (B, T): BOS, then all labels but the last.

    >>> shift_right(Tensor([[5, 6, EOS], [7, EOS, PAD]]))
    Tensor([[1, 5, 6],
            [1, 7, 2]], int64)
    """
    check_tokens("shift_right", "labels", labels)
    check_number("shift_right", "bos", bos, 0, whole=True)
    first = constant("shift_right", [[bos]] * labels.shape[0], labels)  # (B, 1)
    before = labels[:, :-1]  # (B, T - 1)
    tgt = concat([first, before], axis=1)  # (B, T)
    return tgt


def check_tokens(
    who: str, name: str, tokens: Tensor, max_len: int | None = None
) -> None:
    """Refuses anything but a Tensor of integers (B, T), with T from 1 to max_len."""
    limit = "" if max_len is None else f", T up to {max_len}"
    right = f"a Tensor of int64 (B, T){limit}"
    if not isinstance(tokens, Tensor) or tokens.dtype != "int64":
        kind = tokens.dtype if isinstance(tokens, Tensor) else type(tokens).__name__
        raise TypeError(f"{who}: {name} of {kind} given; it must be {right}")
    long = tokens.ndim == 2 and max_len is not None and tokens.shape[1] > max_len
    if tokens.ndim != 2 or not tokens.size or long:
        raise ValueError(
            f"{who}: {name} of shape {tokens.shape} given; it must be {right}"
        )
