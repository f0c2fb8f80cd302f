"""Looking into a model: where it attends, what training misses, how large it is.

Read attention_maps.py, gradients.py and counting.py, in any order: none imports
another. They import tinygrad_attn and nn/module.py, and so work with any Module.
"""
