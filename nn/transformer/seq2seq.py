"""Encoder and decoder together: from one sequence to another.

`Transformer` maps vectors to vectors. `Seq2SeqTransformer` is the paper's whole model:
it maps tokens to a score for each token.

Vaswani et al. 2017, "Attention Is All You Need", section 3 and figure 1.
"""

from __future__ import annotations

import math
from numbers import Integral

from tinygrad_attn import Tensor, functional, where
from tinygrad_attn.errors import check_flags, say
from tinygrad_attn.functions.operands import constant

from ..layers import Dropout, LayerNorm, TiedEmbedding, check_positive, check_sequence
from ..module import Module
from .cache import DecoderCache, check_cache
from .decoder import TransformerDecoder, TransformerDecoderLayer
from .encoder import TransformerEncoder, TransformerEncoderLayer
from .positions import SinusoidalPositions
from .tokens import BOS, EOS, PAD, check_tokens, shift_right


class Transformer(Module):
    """The encoder reads src into a memory, the decoder writes from tgt and the memory.

        memory = encoder(src)        z = decoder(tgt, memory)

    Weights are initialised by Xavier's rule. The defaults are the paper's base model,
    with PyTorch's final norms; `final_norm=False` leaves these out.

    Args:
        num_encoder_layers, num_decoder_layers: how many of each.
        final_norm: whether a norm follows the last layer of encoder and of decoder.
        d_model, num_heads, d_ff, dropout, activation, norm_first, layer_norm_eps, bias,
            inner_dropout: the settings of every layer, as in TransformerLayer
            (shared.py).

    >>> from tinygrad_attn import randn
    >>> model = Transformer(8, 2, 1, 1, d_ff=16)
    >>> model(randn(1, 5, 8), randn(1, 3, 8), tgt_is_causal=True).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        d_model: int = 512,
        num_heads: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        d_ff: int = 2048,
        dropout: float = 0.1,
        activation: str = "relu",
        norm_first: bool = False,
        final_norm: bool = True,
        layer_norm_eps: float = 1e-5,
        bias: bool = True,
        inner_dropout: float | None = None,
    ) -> None:
        check_flags("Transformer", norm_first=norm_first, final_norm=final_norm)
        settings = (
            d_model,
            num_heads,
            d_ff,
            dropout,
            activation,
            norm_first,
            layer_norm_eps,
            bias,
            inner_dropout,
        )
        encoder_layer = TransformerEncoderLayer(*settings)
        decoder_layer = TransformerDecoderLayer(*settings)
        norms = [
            LayerNorm(d_model, layer_norm_eps, bias=bias) if final_norm else None
            for _ in range(2)
        ]
        self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norms[0])
        self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norms[1])
        self.d_model = d_model

    @staticmethod
    def generate_square_subsequent_mask(sz: int) -> Tensor:
        """PyTorch's name of the causal mask (sz, sz), in floats: -inf where a position
        may not attend. `tgt_is_causal=True` says the same, and so does
        `causal_mask(sz)`."""
        return where(functional.causal_mask(sz), 0.0, -math.inf)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
    ) -> Tensor:
        """src (B, S, d_model) and tgt (B, T, d_model) → (B, T, d_model).

        Args:
            src_mask: boolean (S, S), (B, S, S) or (B, H, S, S); True = may attend.
            tgt_mask: the same with (T, T): usually causal, or tgt_is_causal=True.
            memory_mask: the same with (T, S), of the cross-attention.
            src_key_padding_mask: boolean (B, S), True = a token, False = padding.
            tgt_key_padding_mask: boolean (B, T).
            memory_key_padding_mask: boolean (B, S): usually src_key_padding_mask.

        Raises:
            ValueError: src or tgt is not d_model wide, or their batches differ in size.
        """
        check_sequence("Transformer", "src", src, self.d_model)
        check_sequence("Transformer", "tgt", tgt, self.d_model)
        if src.shape[:-2] != tgt.shape[:-2]:
            raise ValueError(
                f"Transformer: src of {src.shape} and tgt of {tgt.shape} given; they "
                "must be (B, S, d_model) and (B, T, d_model) with the same B"
            )
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(  # type: ignore[no-any-return]
            tgt,
            memory,
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
        )


class Seq2SeqTransformer(Module):
    """The model of "Attention Is All You Need": it reads a sequence of tokens and
    writes another. Both use one vocabulary.

        memory = encoder(dropout(positions(embedding(src))))
        logits = decoder(dropout(positions(embedding(tgt))), memory) Wᵀ

    W is the embedding's own table. The defaults are the paper's base model (table 3),
    with dropout as in section 5.4. No position attends to PAD, and no position of tgt
    to a later one.

    Args:
        vocab_size: how many tokens there are, PAD, BOS and EOS among them.
        dropout: as in every layer, and also of the sums of embeddings and positions.
        max_len: the longest sequence.
        final_norm: whether a norm follows the last layer of encoder and of decoder; by
            default as norm_first, which needs it.
        pad, bos, eos: the numbers of these tokens.
        d_model, num_heads, num_encoder_layers, num_decoder_layers, d_ff, activation,
            norm_first, inner_dropout: as in Transformer.

    >>> model = Seq2SeqTransformer(10, d_model=8, num_heads=2, d_ff=16)
    >>> src, labels = Tensor([[5, 6, 7, EOS]]), Tensor([[7, 6, EOS]])
    >>> model(src, shift_right(labels)).shape
    (1, 3, 10)
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int = 512,
        num_heads: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        d_ff: int = 2048,
        dropout: float = 0.1,
        max_len: int = 1024,
        activation: str = "relu",
        norm_first: bool = False,
        final_norm: bool | None = None,
        inner_dropout: float = 0.0,
        pad: int = PAD,
        bos: int = BOS,
        eos: int = EOS,
    ) -> None:
        who = "Seq2SeqTransformer"
        check_positive(who, vocab_size=vocab_size)
        final_norm = norm_first if final_norm is None else final_norm
        check_flags(who, norm_first=norm_first, final_norm=final_norm)
        for name, token in (("pad", pad), ("bos", bos), ("eos", eos)):
            if not isinstance(token, Integral) or token not in range(vocab_size):
                raise ValueError(
                    f"{who}: {name}={say(token)} given; it must be one of the "
                    f"{vocab_size} tokens, 0..{vocab_size - 1}"
                )
        self.embedding = TiedEmbedding(vocab_size, d_model)
        self.positions = SinusoidalPositions(max_len, d_model)
        self.dropout = Dropout(dropout)
        transformer = Transformer(
            d_model,
            num_heads,
            num_encoder_layers,
            num_decoder_layers,
            d_ff,
            dropout,
            activation,
            norm_first,
            final_norm=final_norm,
            inner_dropout=inner_dropout,
        )
        self.encoder = transformer.encoder
        self.decoder = transformer.decoder
        self.max_len = max_len
        self.pad, self.bos, self.eos = pad, bos, eos

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        """src (B, S) and tgt (B, T) → logits (B, T, vocab_size) of the next tokens.

        Args:
            tgt: BOS and the tokens written so far (see `shift_right`).
        """
        for name, tokens in (("src", src), ("tgt", tgt)):
            check_tokens("Seq2SeqTransformer", name, tokens, self.max_len)
        if src.shape[0] != tgt.shape[0]:
            raise ValueError(
                f"Seq2SeqTransformer: src of shape {src.shape} and tgt of shape "
                f"{tgt.shape} given; they must be (B, S) and (B, T) with the same B"
            )
        memory, real = self.encode(src), self.real(src)  # (B, S, d_model), (B, S)
        return self.decode(tgt, memory, real)  # (B, T, vocab_size)

    def encode(self, src: Tensor) -> Tensor:
        """src (B, S) → the memory (B, S, d_model)."""
        check_tokens("Seq2SeqTransformer", "src", src, self.max_len)
        x = self.dropout(self.positions(self.embedding(src)))  # (B, S, d_model)
        return self.encoder(x, src_key_padding_mask=self.real(src))  # type: ignore[no-any-return]

    def decode(
        self,
        tgt: Tensor,
        memory: Tensor,
        memory_key_padding_mask: Tensor | None = None,
        cache: DecoderCache | None = None,
    ) -> Tensor:
        """tgt (B, T) and the memory (B, S, d_model) → logits (B, T, vocab_size).

        Args:
            memory_key_padding_mask: boolean (B, S), True where src has a token.
            cache: from `new_cache`; it holds the positions of earlier calls. tgt is
                still the whole sequence, but the logits are of the new positions only.
        """
        check_tokens("Seq2SeqTransformer", "tgt", tgt, self.max_len)
        check_cache("Seq2SeqTransformer", cache, DecoderCache)
        if cache is not None:
            cache.check("Seq2SeqTransformer", tgt)
        start = 0 if cache is None else len(cache)
        new = tgt[:, start:]  # (B, T - start)
        x = self.dropout(self.positions(self.embedding(new), start))
        x = self.decoder(
            x,
            memory,
            tgt_key_padding_mask=self.real(tgt),
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=True,
            cache=cache,
        )  # (B, T - start, d_model)
        if cache is not None:
            cache.tokens = tgt.detach()  # it keeps these numbers
        logits = self.embedding.logits(x)  # (B, T - start, vocab_size)
        return logits

    def new_cache(self) -> DecoderCache:
        """An empty cache for `decode`."""
        return DecoderCache(len(self.decoder.layers))

    def example_inputs(self) -> tuple[Tensor, Tensor]:
        """A src (2, 4) and a tgt (2, 4), to try the model on."""
        never = (self.pad, self.bos, self.eos)
        vocab = range(self.embedding.weight.shape[0])
        words = [i for i in vocab if i not in never] or [self.eos]
        some = [words[i * i % len(words)] for i in range(10)]
        src = [[*some[:3], self.eos], [some[3], self.eos, self.pad, self.pad]]
        tgt = [[self.bos, *some[4:7]], [self.bos, *some[7:10]]]
        like = self.embedding.weight
        return constant("Seq2SeqTransformer", src, like), constant(
            "Seq2SeqTransformer", tgt, like
        )

    def real(self, tokens: Tensor) -> Tensor:
        """(B, T), true where a token is not PAD."""
        real = functional.padding_mask(tokens, self.pad)
        return real

    def loss(self, src: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """The cross-entropy of the labels (B, T), in nats: a mean over all but PAD.

        Args:
            label_smoothing: ε; the paper has 0.1 (section 5.4).
        """
        tgt = shift_right(labels, self.bos)
        logits = self(src, tgt)  # (B, T, vocab_size)
        return functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]),
            labels.reshape(-1),
            ignore_index=self.pad,
            label_smoothing=label_smoothing,
        )
