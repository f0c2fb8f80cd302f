"""Attention and the transformer of Vaswani et al. 2017, "Attention Is All You Need".

Read tokens.py, positions.py and masks.py (the inputs), cache.py and multi_head.py
(attention), shared.py, encoder.py, decoder.py and seq2seq.py (the model), and
decoding.py (how it writes). That is also the order of imports here; besides, they
import tinygrad_attn, and of nn/ the files up to layers.py.
"""
