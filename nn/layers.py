"""The layers with one idea each: linear, embedding, norms, softmax, dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral

from tinygrad_attn import Tensor, functional, no_grad, ones, where, zeros
from tinygrad_attn.errors import check_flags, check_number, say

from . import init
from .module import Module, Parameter


def uniform(*shape: int, bound: float) -> Parameter:
    """Initial weights, uniform in [-bound, bound)."""
    return init.uniform_(Parameter(zeros(*shape)), -bound, bound)


def xavier_uniform(*shape: int) -> Parameter:
    """Initial weights of a matrix (init.py)."""
    return init.xavier_uniform_(Parameter(zeros(*shape)))


def normal(*shape: int, std: float) -> Parameter:
    """Initial weights, normal around 0."""
    return init.normal_(Parameter(zeros(*shape)), 0.0, std)


class Linear(Module):
    """z = x Wᵀ + b, over the last axis: (..., d_in) → (..., d_out).

    Args:
        in_features: d_in.
        out_features: d_out.
        bias: whether there is a b.

    Parameters: weight (d_out, d_in) and bias (d_out,), uniform in ±1/√d_in as in
    PyTorch.

    >>> Linear(3, 2)(ones(5, 3)).shape
    (5, 2)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        check_positive("Linear", in_features=in_features, out_features=out_features)
        check_flags("Linear", bias=bias)
        bound = 1.0 / math.sqrt(in_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = uniform(out_features, in_features, bound=bound)
        self.bias = uniform(out_features, bound=bound) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        d_out, d_in = self.weight.shape
        return f"{d_in} → {d_out}"


def init_xavier(module: Module) -> None:
    """Initialises every Linear inside anew: its weight by `xavier_uniform`, its bias
    to 0. PyTorch's Transformer initialises its matrices this way.

    >>> layer = Linear(3, 3)
    >>> init_xavier(layer)
    >>> layer.weight.abs().max().item() <= 1.0, layer.bias.tolist()     # √(6/(3 + 3))
    (True, [0.0, 0.0, 0.0])
    """
    if not isinstance(module, Module):
        raise TypeError(
            f"init_xavier: a {type(module).__name__} given; it takes a Module"
        )
    for linear in module.modules():
        if isinstance(linear, Linear):
            init.xavier_uniform_(linear.weight)
            if linear.bias is not None:
                init.zeros_(linear.bias)


class Embedding(Module):
    """Row i of a table for each token i: (*I) → (*I, d).

    Args:
        num_embeddings: how many tokens there are.
        embedding_dim: d.
        padding_idx: a token whose row is 0 and does not learn.
        std: the standard deviation of the initial weights.

    Parameters: weight (num_embeddings, d), normal; variance 1 by default as in PyTorch.

    >>> Embedding(10, 4)(Tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        std: float = 1.0,
        max_norm: None = None,
        sparse: bool = False,
    ) -> None:
        check_positive(
            "Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim
        )
        check_number("Embedding", "std", std, 0.0)
        if max_norm is not None or sparse is not False:
            raise ValueError(
                f"Embedding: max_norm={max_norm!r} and sparse={sparse!r} given; there "
                "is neither, leave them out"
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None
        self.weight = normal(num_embeddings, embedding_dim, std=std)
        if padding_idx is not None:
            n = num_embeddings
            check_number("Embedding", "padding_idx", padding_idx, -n, n - 1, whole=True)
            self.padding_idx = padding_idx % n
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, indices: Tensor) -> Tensor:
        rows = functional.embedding(indices, self.weight)
        if self.padding_idx is None:
            return rows
        learn = (indices != self.padding_idx).unsqueeze(-1)
        return where(learn, rows, rows.detach())

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None
    ) -> Embedding:
        """One whose table has these numbers (n, d); frozen, it does not learn."""
        check_flags("Embedding.from_pretrained", freeze=freeze)
        if not isinstance(embeddings, Tensor) or embeddings.ndim != 2:
            raise TypeError(
                f"Embedding.from_pretrained: {say(embeddings)} given; it must be a "
                "Tensor (n, d)"
            )
        n, d = embeddings.shape
        table = cls(n, d, padding_idx)
        table.weight = Parameter(embeddings.detach(), requires_grad=not freeze)
        return table

    def extra_repr(self) -> str:
        n, d = self.weight.shape
        return f"{n} tokens → {d}"


class TiedEmbedding(Module):
    """One table W for input and output (section 3.4): a token's row is its embedding,
    and the output is compared with every row.

        embedding(token) = √d_model · W[token]        logits(x) = x Wᵀ

    The initial weights have variance 1/d_model. So embeddings have variance 1, about as
    large as the waves of the positions. After a norm x has variance 1, and so have the
    logits.

    Args:
        vocab_size: how many tokens there are.
        d_model: the width.

    Parameters: weight (vocab_size, d_model), normal.

    >>> embedding = TiedEmbedding(10, 4)
    >>> x = embedding(Tensor([[1, 2, 3]]))
    >>> x.shape, embedding.logits(x).shape
    ((1, 3, 4), (1, 3, 10))
    """

    def __init__(self, vocab_size: int, d_model: int) -> None:
        check_positive("TiedEmbedding", vocab_size=vocab_size, d_model=d_model)
        self.weight = normal(vocab_size, d_model, std=d_model**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        scale = math.sqrt(self.weight.shape[1])
        return functional.embedding(tokens, self.weight) * scale  # (B, T, d_model)

    def logits(self, x: Tensor) -> Tensor:
        """x (..., d_model) → (..., vocab_size): how well x matches each token."""
        logits = functional.linear(x, self.weight)
        return logits

    def extra_repr(self) -> str:
        vocab_size, d_model = self.weight.shape
        return f"{vocab_size} tokens ↔ {d_model}"


class LayerNorm(Module):
    """(x - μ)/√(σ² + ε) ⊙ weight + bias (Ba, Kiros & Hinton 2016, equations 3 and 4).

    Args:
        normalized_shape: the sizes of the last axes, over which μ and the biased
            variance σ² are taken.
        eps: ε, inside the root.
        elementwise_affine: whether there are a weight and a bias.
        bias: whether there is a bias beside the weight.

    >>> LayerNorm(2)(Tensor([[1.0, 3.0]]))
    Tensor([[-1.0000,  1.0000]], float64, from layer_norm)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = sizes_of_last_axes("LayerNorm", normalized_shape)
        check_number("LayerNorm", "eps", eps, 0.0)
        check_flags("LayerNorm", elementwise_affine=elementwise_affine, bias=bias)
        self.eps = eps
        affine, shape = elementwise_affine, self.normalized_shape
        self.weight = Parameter(ones(shape)) if affine else None
        self.bias = Parameter(zeros(shape)) if affine and bias else None

    def forward(self, x: Tensor) -> Tensor:
        shape = self.normalized_shape
        return functional.layer_norm(x, shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.normalized_shape))


class RMSNorm(Module):
    """x/√(mean(x²) + ε) ⊙ weight (Zhang & Sennrich 2019, equation 4): a cheaper layer
    norm, which does not subtract the mean.

    Args:
        normalized_shape: the sizes of the last axes, over which the mean is taken.
        eps: ε, inside the root; by default the distance from 1 to the next number of
            x's dtype, as in PyTorch.
        elementwise_affine: whether there is a weight.

    >>> RMSNorm(2)(Tensor([[3.0, 4.0]]))
    Tensor([[0.8485, 1.1314]], float64, from rms_norm)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
    ) -> None:
        self.normalized_shape = sizes_of_last_axes("RMSNorm", normalized_shape)
        if eps is not None:
            check_number("RMSNorm", "eps", eps, 0.0)
        check_flags("RMSNorm", elementwise_affine=elementwise_affine)
        self.eps = eps
        shape = self.normalized_shape
        self.weight = Parameter(ones(shape)) if elementwise_affine else None

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.normalized_shape))


def sizes_of_last_axes(
    who: str, normalized_shape: int | Sequence[int]
) -> tuple[int, ...]:
    """The sizes of the last axes, as a tuple of positive integers."""
    size = normalized_shape
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if not shape:
        raise ValueError(f"{who}: normalized_shape=() given; it names no axis")
    for n in shape:
        check_positive(who, normalized_shape=n)
    return shape


class Softmax(Module):
    """exp(x) / Σ exp(x) along an axis: positive numbers that add up to 1.

    >>> Softmax()(Tensor([0.0, 0.0]))
    Tensor([0.5000, 0.5000], float64)
    """

    def __init__(self, dim: int = -1, *, axis: int | None = None) -> None:
        self.axis = dim if axis is None else axis

    def forward(self, x: Tensor) -> Tensor:
        return functional.softmax(x, self.axis)


class Dropout(Module):
    """In training, each element is 0 with probability p and x/(1 - p) otherwise; in
    eval mode x itself (Srivastava et al. 2014).

    >>> Dropout(0.5).eval()(Tensor([1.0, 2.0]))
    Tensor([1.0, 2.0], float64)
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        refuse_inplace("Dropout", inplace)
        check_number("Dropout", "p", p, 0.0, 1.0, open_high=True)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def refuse_inplace(who: str, inplace: bool) -> None:
    """Tensors are values: inplace=True would leave x unchanged, unlike in PyTorch."""
    check_flags(who, inplace=inplace)
    if inplace:
        raise ValueError(
            f"{who}: inplace=True given; tensors are never changed in place, so leave "
            "it out"
        )


def check_positive(who: str, **sizes: int) -> None:
    """Refuses sizes that are not positive integers."""
    for name, size in sizes.items():
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"{who}: {name}={say(size)} given; it must be an integer from 1"
            )


def check_axes(who: str, x: object, least: int, axes: str) -> None:
    """Refuses anything but a Tensor of at least so many axes."""
    if not isinstance(x, Tensor) or x.ndim < least:
        error = ValueError if isinstance(x, Tensor) else TypeError
        given = x.shape if isinstance(x, Tensor) else type(x).__name__
        raise error(f"{who}: x of {given} given; it must be a Tensor {axes}")


def check_sequence(who: str, name: str, x: object, d_model: int) -> None:
    """Refuses anything but a Tensor (..., T, d_model)."""
    shape = x.shape if isinstance(x, Tensor) else type(x).__name__
    if not isinstance(x, Tensor) or x.ndim < 2 or x.shape[-1] != d_model:
        error = ValueError if isinstance(x, Tensor) else TypeError
        raise error(
            f"{who}: {name} of {shape} given; it must be a Tensor (..., T, {d_model})"
        )
