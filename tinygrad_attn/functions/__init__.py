"""What users call: checks, broadcasting, dtypes, and then a rule is applied.

    spelling.py     dim= for axis=: arguments under PyTorch's names
    operands.py     what may stand beside a Tensor; the operators + - * / **
    elementwise.py  exp, log, maximum, where, ...
    movement.py     reshape, permute_dims, concat, take, ...
    reductions.py   sum, mean, var, max, argmax, ...
    products.py     matmul, einsum
    places.py       which elements x[...] picks
    indexing.py     x[...], gather, one_hot
    shaping.py      transpose, squeeze, split, pad, ...
    activations.py  relu, gelu, softmax, dropout, ...
    layers.py       linear, embedding, layer_norm, rms_norm
    attention.py    attention and its masks
    losses.py       cross_entropy, mse_loss
    own_rules.py    primitive, composite: a rule of your own
    aliases.py      tensor[0][2] = y: what a slice was taken from changes with it
    updates.py      p -= lr * p.grad, p.data, zero_: how a leaf gets other numbers
    setting.py      x[key] = y
    numpys.py       np.sum(x), np.exp(x), ...: which of these each is

In their examples `Tensor` is the class (tensor.py), and most of those of one tensor are
its methods. Each file may import those above it here, autograd, rules and arrays.
"""
