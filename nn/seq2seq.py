"""Encoder and decoder together: from one sequence to another.

`Transformer` is the machine between embeddings, vectors in and vectors out.

Vaswani et al. 2017, "Attention Is All You Need", section 3 and figure 1.
"""

from __future__ import annotations

from tinygrad_attn import Tensor

from .decoder import TransformerDecoder, TransformerDecoderLayer
from .layers import LayerNorm, check_sequence
from .module import Module
from .transformer import TransformerEncoder, TransformerEncoderLayer


class Transformer(Module):
    """The encoder reads src into a memory, the decoder writes from tgt and the memory.

        memory = encoder(src)        z = decoder(tgt, memory)

    Initialised by Xavier's rule. The defaults are the paper's base model, but for the
    final norms, which come from PyTorch; `final_norm=False` leaves them out.

    Args:
        d_model: the width throughout.
        num_heads: attention heads; must divide d_model.
        num_encoder_layers, num_decoder_layers: how many of each.
        d_ff: the inner width of the feed-forward.
        dropout: the probability, in training, to drop an element of what a sublayer
            hands to its residual connection (section 5.4).
        activation: "relu" or "gelu".
        norm_first: pre-norm instead of the paper's post-norm.
        final_norm: whether a norm follows the last layer of encoder and of decoder.
        layer_norm_eps: the ε of the norms.
        bias: whether linear layers and norms have one.
        inner_dropout: the same for attention weights and inside the feed-forward. The
            paper has none there (0.0); by default it is `dropout`, as in PyTorch.

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
        encoder_layer = TransformerEncoderLayer(
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
        decoder_layer = TransformerDecoderLayer(
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
        norms = [
            LayerNorm(d_model, layer_norm_eps, bias=bias) if final_norm else None
            for _ in range(2)
        ]
        self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norms[0])
        self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norms[1])
        self.d_model = d_model

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
            memory_key_padding_mask: boolean (B, S): usually src_key_padding_mask again.

        Raises:
            ValueError: src and tgt are not d_model wide, or of unequal batches.
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
