"""The tokens that are no words: where a sequence begins, where it ends, what fills up.

    labels          y₁  y₂  y₃  EOS PAD     what the decoder shall write
    decoder input   BOS y₁  y₂  y₃  EOS     what it has written before: `shift_right`

The decoder's row t sees its input up to t, and shall name label t. Were it given the
labels themselves, it could copy what it is asked for.
"""

from __future__ import annotations

from tinygrad_attn import Tensor, concat
from tinygrad_attn.errors import check_number
from tinygrad_attn.functions.operands import constant

PAD = 0  # fills a batch up where a sequence is shorter than the others
BOS = 1  # begins what a decoder writes
EOS = 2  # ends it


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
    who: str, what: str, tokens: Tensor, max_len: int | None = None
) -> None:
    """Refuses what is no Tensor of integers (B, T), T from 1 up to max_len."""
    limit = "" if max_len is None else f", T up to {max_len}"
    right = f"a Tensor of int64 (B, T){limit}"
    if not isinstance(tokens, Tensor) or tokens.dtype != "int64":
        kind = tokens.dtype if isinstance(tokens, Tensor) else type(tokens).__name__
        raise TypeError(f"{who}: {what} of {kind} given; it must be {right}")
    long = tokens.ndim == 2 and max_len is not None and tokens.shape[1] > max_len
    if tokens.ndim != 2 or not tokens.size or long:
        raise ValueError(
            f"{who}: {what} of shape {tokens.shape} given; it must be {right}"
        )
