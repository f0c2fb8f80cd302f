"""Attention and the transformer of Vaswani et al. 2017, "Attention Is All You Need".

Read tokens.py, positions.py and masks.py (the inputs), multi_head.py (attention),
shared.py, encoder.py, decoder.py and seq2seq.py (the model), decoding.py and cache.py
(how it writes). Files here import tinygrad_attn, the files of nn/ up to layers.py, and
each other in the order tokens, positions, masks, cache, multi_head, shared, encoder,
decoder, seq2seq, decoding.
"""
