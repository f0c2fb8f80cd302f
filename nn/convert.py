"""Weights from PyTorch's transformer and back: the same numbers under other names.

    ours.load_state_dict(nn.from_torch(theirs.state_dict()))
    theirs.load_state_dict({
        name: torch.tensor(numbers.tolist(), dtype=torch.float64)
        for name, numbers in nn.to_torch(ours.state_dict()).items()
    })

They work for `MultiheadAttention`, `TransformerEncoderLayer`,
`TransformerDecoderLayer`, `TransformerEncoder`, `TransformerDecoder`, `Transformer`,
and any model with these inside. PyTorch is not imported: anything with `detach` and
`tolist` counts as a tensor.

| torch.nn | nn |
|---|---|
| `in_proj_weight` (3d, d), W_Q on W_K on W_V | `{q,k,v}_proj.weight`, each (d, d) |
| `{q,k,v}_proj_weight`, with kdim or vdim | `{q,k,v}_proj.weight` |
| `in_proj_bias` (3d,) | `{q,k,v}_proj.bias`, each (d,) |
| `multihead_attn` of a decoder layer | `cross_attn` |
| `linear1`, `linear2` of a layer | `feed_forward.linear1`, `feed_forward.linear2` |
| all else | the same |

Masks mean the opposite: True is left out in `torch.nn.MultiheadAttention` and its
layers, and may be attended to here (as in both libraries'
`scaled_dot_product_attention`). So `mask == False` converts a mask either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tinygrad_attn import Tensor, concat
from tinygrad_attn.arrays.backends import current_backend

PROJECTIONS = ("q_proj", "k_proj", "v_proj")
RENAMED = {"multihead_attn": "cross_attn"}  # theirs: ours
WITHIN = {"linear1": "feed_forward", "linear2": "feed_forward"}  # one more module here


def from_torch(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """PyTorch's `state_dict` as one that `load_state_dict` takes here.

    Args:
        state: path → numbers: PyTorch's tensors, arrays or nested lists.

    Returns:
        Our paths → Tensors on the current backend.

    Raises:
        ValueError: the attention has `bias_k` and `bias_v`, which do not exist here, or
            an `in_proj` that is not three matrices of one size.

    >>> state = from_torch({"self_attn.in_proj_weight": [[1.0], [2.0], [3.0]]})
    >>> sorted(state)[0], state["self_attn.k_proj.weight"].tolist()
    ('self_attn.k_proj.weight', [[2.0]])
    """
    _check("from_torch", state)
    return {
        path: numbers
        for theirs, given in state.items()
        for path, numbers in _ours(theirs, _tensor(given))
    }


def to_torch(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Our `state_dict` under PyTorch's names: the inverse of `from_torch`.

    Returns:
        PyTorch's paths → Tensors; `torch.tensor(t.tolist())` converts each.

    Raises:
        ValueError: q_proj, k_proj and v_proj are not all there.

    >>> import nn
    >>> state = to_torch(nn.MultiHeadAttention(4, 2).state_dict())
    >>> [(path, numbers.shape) for path, numbers in state.items()][:2]
    [('in_proj_weight', (12, 4)), ('in_proj_bias', (12,))]
    """
    _check("to_torch", state)
    result: dict[str, Tensor] = {}
    for ours in state:
        *path, owner, kind = ["", *ours.split(".")]
        if owner not in PROJECTIONS:
            result[_their_path(ours)] = _tensor(state[ours])
            continue
        names = [".".join([*path[1:], name, kind]) for name in PROJECTIONS]
        missing = [name for name in names if name not in state]
        if missing:
            raise ValueError(
                f"to_torch: {ours} given without {' and '.join(missing)}; PyTorch "
                "keeps the three as one"
            )
        three = [_tensor(state[name]) for name in names]
        prefix = _their_path(".".join([*path[1:], ""]))
        if len({t.shape for t in three}) > 1:  # with kdim or vdim: kept apart
            result[f"{prefix}{owner}_weight"] = three[PROJECTIONS.index(owner)]
        else:
            result[f"{prefix}in_proj_{kind}"] = concat(three, axis=0)
    return result


def _ours(theirs: str, t: Tensor) -> Iterator[tuple[str, Tensor]]:
    """(our path, numbers) for one of PyTorch's tensors; three for an `in_proj`."""
    parts = theirs.split(".")
    last = parts[-1]
    if last in ("bias_k", "bias_v"):
        raise ValueError(
            f"from_torch: {theirs} given; attention here has no such key of its own: "
            "make PyTorch's with add_bias_kv=False"
        )
    path = [RENAMED.get(part, part) for part in parts[:-1]]
    if path and path[-1] in WITHIN and path[-2:-1] != [WITHIN[path[-1]]]:
        path.insert(-1, WITHIN[path[-1]])
    if last in ("in_proj_weight", "in_proj_bias"):
        kind = last.removeprefix("in_proj_")
        if not t.ndim or t.shape[0] % 3:
            raise ValueError(
                f"from_torch: {theirs} of shape {t.shape} given; it must be three of "
                "one size, W_Q on W_K on W_V"
            )
        for name, piece in zip(PROJECTIONS, t.chunk(3)):
            yield ".".join([*path, name, kind]), piece
    elif last.removesuffix("_weight") in PROJECTIONS:
        yield ".".join([*path, last.removesuffix("_weight"), "weight"]), t
    else:
        yield ".".join([*path, last]), t


def _their_path(ours: str) -> str:
    """PyTorch's path for one of ours that is not a projection."""
    back = {mine: theirs for theirs, mine in RENAMED.items()}
    parts = ours.split(".")
    kept = [
        back.get(part, part)
        for part, after in zip(parts, [*parts[1:], ""])
        if WITHIN.get(after) != part
    ]
    return ".".join(kept)


def _tensor(numbers: Any) -> Tensor:
    """A Tensor without a graph, from PyTorch's tensor, an array or lists."""
    if isinstance(numbers, Tensor):
        return numbers.detach()
    if hasattr(numbers, "detach"):  # PyTorch's
        numbers = numbers.detach().cpu()
        fast = current_backend().name == "numpy"
        numbers = numbers.numpy() if fast else numbers.tolist()
    return Tensor(numbers)


def _check(who: str, state: Any) -> None:
    if not isinstance(state, Mapping) or not all(isinstance(k, str) for k in state):
        raise TypeError(
            f"{who}: a {type(state).__name__} given; it must be a state_dict, a dict "
            "of names"
        )
