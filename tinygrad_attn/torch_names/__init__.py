"""PyTorch's names beside ours, so that programs written for it run.

    import tinygrad_attn as torch
    from tinygrad_attn import nn
    from tinygrad_attn.nn import functional as F

    instead.py     what is not here, and what to write instead
    keywords.py    PyTorch's arguments that are not here, or change nothing
    rounding.py    floor, sign, //, %, isclose
    reducing.py    prod, all, any, norm, cdist, bincount
    repeating.py   flip, roll, repeat, cumsum, cumprod
    sorting.py     argsort, sort, topk
    arithmetic.py  add, lerp, eq, dot: numbers beside numbers
    moving.py      t, movedim, diagonal, hstack: shapes
    picking.py     masked_fill, scatter, index_add: by masks and indices
    objectives.py  nll_loss, kl_div, normalize: torch.nn.functional
    methods.py     x.view is x.reshape: the methods of Tensor that are PyTorch's alone
    making.py      torch.tensor, torch.normal, torch.multinomial, ...: new tensors
    distributions.py  Categorical, Bernoulli, Normal
    own_function.py   torch.autograd.Function
    package.py     torch.cat is concat: the functions of the package

Nothing of it is needed to understand the engine, and the course doesn't use it. Where
PyTorch and the array API differ, the name says which is meant: `x.max(axis=1)` is the
largest numbers, `x.max(dim=1)` the pair (values, indices). `x.size` is how many numbers
there are, and `x.size()` the shape. Integers of fewer bits are int64 here, and float32
is what floats are where a backend has no other.
"""
