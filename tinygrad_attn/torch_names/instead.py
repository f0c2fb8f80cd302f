"""What PyTorch has and this package has not: what to write instead.

A name, or several that have one answer, then a colon and the answer. `x` is the tensor,
NAME the name itself. The error for a name that is nowhere says which are like it.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

TENSOR = """
values indices: x.max(axis=1) is the largest numbers alone; x.max(dim=1) is the pair
    (values, indices)
grad_fn: print(x) says which operation made it; explain(x) and unfold(x) show more
register_hook register_post_accumulate_grad_hook: after backward() x.grad is there, of
    a result too; change it then
retains_grad: write x.grad is not None
half bfloat16: floats have 32 or 64 bits; write x.float()
pin_memory share_memory_ is_shared stride storage storage_offset data_ptr as_strided
    layout is_sparse element_size nbytes itemsize untyped_storage is_pinned: how
    numbers lie in memory is no matter here; leave it out
is_complex real imag conj angle view_as_complex view_as_real H mH adjoint: there are
    no complex numbers; write cos and sin of the angle
unique_consecutive: write [v for v, _ in itertools.groupby(x.tolist())]
count_nonzero: write (x != 0).sum()
median: write x.sort(axis=0)[(n - 1) // 2], with the axis and its size n
mode histc histogram quantile nanquantile bucketize searchsorted: NumPy has it:
    Tensor(numpy.NAME(x.detach().numpy(), ...)), without a gradient
kthvalue: write x.sort(axis=0)[k - 1]
logcumsumexp: write x.exp().cumsum(0).log()
cummax: write stack([x[: i + 1].max(axis=0) for i in range(len(x))])
cummin: write stack([x[: i + 1].min(axis=0) for i in range(len(x))])
diff: write x[1:] - x[:-1]
dist: write (x - y).norm()
nansum: write where(x == x, x, 0.0).sum()
nanmean: write where(x == x, x, 0.0).sum() / (x == x).sum()
std_mean: write x.std(), x.mean()
var_mean: write x.var(), x.mean()
aminmax: write x.min(), x.max()
tan: write x.sin() / x.cos()
sinh: write (x.exp() - (-x).exp()) / 2
cosh: write (x.exp() + (-x).exp()) / 2
atanh arctanh: write ((1 + x) / (1 - x)).log() / 2
asin acos atan arcsin arccos arctan atan2 arctan2 asinh acosh lgamma digamma erfinv
    erfc i0 sinc: NumPy has it: Tensor(numpy.NAME(x.detach().numpy(), ...)), without a
    gradient
expm1: write x.exp() - 1
exp2: write 2.0 ** x
logit: write (x / (1 - x)).log()
logaddexp: write stack([x, y]).logsumexp(axis=0)
hypot: write (x * x + y * y).sqrt()
fmod: write x - (x / y).trunc() * y
frac: write x - x.trunc()
heaviside: write (x > 0).float()
addmm addmv baddbmm: write x + a @ b
addbmm: write x + (a @ b).sum(axis=0)
addcmul: write x + value * a * b
addcdiv: write x + value * a / b
inner vdot: write (x * y).sum()
kron: write einsum('ij,kl->ikjl', x, y).reshape(...)
cross: write its three lines: x[1] * y[2] - x[2] * y[1], ...
cov: centre x, x - x.mean(axis=1, keepdims=True), and write x @ x.T / (n - 1)
corrcoef: centre x, divide it by x.norm(dim=1, keepdim=True), and write x @ x.T
inverse pinverse det slogdet logdet svd eig symeig qr cholesky lstsq solve matrix_exp
    matrix_power: NumPy has linear algebra:
    Tensor(numpy.linalg.NAME(x.detach().numpy()))
narrow: write x[start : start + length], at its axis
select: write x[..., i], at its axis
take: write x.reshape(-1)[index]
put_: write x.view(-1)[index] = y
index_put_ index_copy_ index_copy: write x[index] = y
scatter_reduce_ scatter_reduce: write x.scatter_add(dim, index, y), which adds
diag_embed: write x.unsqueeze(-1) * eye(n)
rot90: write x.transpose(0, 1).flip(0)
fliplr: write x.flip(1)
flipud: write x.flip(0)
tensor_split hsplit vsplit dsplit: write x.split(size, axis) or x.chunk(n, axis)
ravel: write x.reshape(-1)
msort: write x.sort(axis=0)
unfold: write stack([x[i : i + size] for i in range(0, n - size + 1, step)])
map_ map2_ apply_: write it with operations, or Tensor([f(v) for v in x.tolist()])
multinomial: write multinomial(x, num_samples)
bernoulli bernoulli_: write (rand(*x.shape) < p).float()
random_: write randint(low, high, x.shape)
exponential_ cauchy_ geometric_ log_normal_: compute it of rand(*x.shape)
detach_: write x = x.detach()
resize_ resize resize_as_ set_: write x.reshape(...), or make a new tensor
rename names align_to refine_names: axes have numbers here, and no names
sparse_mask to_sparse to_dense coalesce: all tensors are dense
is_inference is_leaf_ version: write x.requires_grad
float_power: write x ** y
char byte: integers have 64 bits; write x.long(), or x.bool() for a mask
relu6: write x.clamp(0, 6)
softmin: write (-x).softmax()
"""

PACKAGE = """
jit vmap func fx: compile(update=optimizer) and write(loss) make a program of a step
default_generator: manual_seed(1) starts the numbers anew, get_rng_state() keeps them
fft special signal: NumPy and SciPy have it, without a gradient
distributed multiprocessing amp autocast profiler hub onnx quantization ao: one
    processor and one program; leave it out
set_default_dtype set_default_tensor_type: write set_backend("numpy", "float64")
get_default_dtype: write zeros(1).dtype
set_printoptions: print(x.tolist()) shows every digit
set_num_threads get_num_threads set_float32_matmul_precision
    use_deterministic_algorithms: NumPy's products take the threads that
    OPENBLAS_NUM_THREADS says; the results are the same at each run
set_default_device get_default_device: there is one device, 'cpu'; leave it out
cartesian_prod combinations: itertools has it: Tensor([*itertools.product(a, b)])
tril_indices triu_indices: write tril(ones(n, n)).nonzero().T
complex polar view_as_complex view_as_real: there are no complex numbers; write cos
    and sin of the angle
logspace: write base ** linspace(start, end, steps)
randint_like: write randint(low, high, x.shape)
poisson: NumPy has it: Tensor(numpy.NAME(x.detach().numpy(), ...)), without a gradient
block_diag vander bucketize histogram: NumPy has it:
    Tensor(numpy.NAME(x.detach().numpy(), ...)), without a gradient
half float16 bfloat16 float8_e4m3fn: floats are float64 or float32
complex64 complex128: there are no complex numbers; write cos and sin of the angle
strided contiguous_format channels_last preserve_format: how numbers lie in memory is
    no matter here; leave it out
dstack column_stack: write stack([x, y], axis=-1), of vectors
row_stack: write vstack([x, y])
concat_: write concat
initial_seed seed: write manual_seed(1), with a number of your own
Storage FloatStorage: how numbers lie in memory is no matter here; leave it out
"""

NN = """
Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d conv1d conv2d conv3d MaxPool1d
    MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d Upsample
    PixelShuffle Fold Unfold max_pool2d avg_pool2d adaptive_avg_pool2d interpolate
    unfold fold conv_transpose2d ZeroPad2d ReflectionPad2d: there are no convolutions
    here; stack shifted slices of x and multiply by a weight
LSTM GRU RNN LSTMCell GRUCell RNNCell RNNBase: write the cell with Linear layers and
    tanh, and a loop over time
BatchNorm1d batch_norm SyncBatchNorm: write (x - x.mean(axis=0)) / (x.var(axis=0,
    correction=0) + 1e-5).sqrt(), with running means for use; LayerNorm is here
BatchNorm2d BatchNorm3d: write it over the axes (0, 2, 3), keepdims=True: (x - x.mean())
    / (x.var(correction=0) + 1e-5).sqrt()
GroupNorm group_norm InstanceNorm1d InstanceNorm2d instance_norm LocalResponseNorm:
    reshape to (N, groups, -1) and write functional.layer_norm(x, x.shape[-1:])
Bilinear bilinear: write einsum('bi,kij,bj->bk', x, weight, y)
Dropout1d Dropout2d Dropout3d AlphaDropout dropout2d: Dropout is here
ELU elu: write where(x > 0, x, alpha * (x.minimum(0.0).exp() - 1))
CELU celu: write where(x > 0, x, alpha * ((x / alpha).minimum(0.0).exp() - 1))
SELU selu: write 1.0507009873554805 * where(x > 0, x, 1.6732632423543772 *
    (x.minimum(0.0).exp() - 1))
PReLU prelu RReLU: write where(x > 0, x, weight * x), or LeakyReLU
ReLU6 relu6: write x.clamp(0, 6)
Hardtanh hardtanh: write x.clamp(-1, 1)
Hardswish hardswish: write x * (x + 3).clamp(0, 6) / 6
Hardsigmoid hardsigmoid: write (x + 3).clamp(0, 6) / 6
Mish mish: write x * x.softplus().tanh()
Softsign softsign: write x / (1 + x.abs())
Softmin softmin: write (-x).softmax()
Tanhshrink tanhshrink: write x - x.tanh()
Softshrink softshrink: write where(x.abs() > 0.5, x - 0.5 * x.sign(), 0.0)
Hardshrink hardshrink: write where(x.abs() > 0.5, x, 0.0)
Threshold threshold: write where(x > threshold, x, value)
GLU glu: a, b = x.chunk(2, axis=-1); a * b.sigmoid()
Softmax2d: write x.softmax(axis=1)
gumbel_softmax: write (x - (-rand(*x.shape).log()).log()).softmax()
CTCLoss PoissonNLLLoss GaussianNLLLoss HingeEmbeddingLoss MarginRankingLoss
    MultiMarginLoss MultiLabelMarginLoss SoftMarginLoss CosineEmbeddingLoss: write its
    formula, with x.clamp(min=0)
TripletMarginLoss triplet_margin_loss: write ((x - y + 1e-6).norm(dim=1) - (x - z +
    1e-6).norm(dim=1) + 1.0).clamp(min=0).mean()
EmbeddingBag embedding_bag: write embedding(x).mean(axis=1)
DataParallel parallel: one processor and one program; leave it out
ConstantPad1d ConstantPad2d: write functional.pad(x, (left, right))
Unflatten: write x.unflatten(dim, sizes)
PairwiseDistance pairwise_distance: write (x - y + 1e-6).norm(dim=1)
CosineSimilarity: write functional.cosine_similarity(x, y)
UninitializedParameter LazyLinear: write the sizes out: Linear(in, out)
Buffer: write self.register_buffer(name, tensor)
save load save_checkpoint load_checkpoint: write nn.checkpoint.save(path, model), and
    nn.checkpoint.load(path).restore(model)
"""

MODULE = """
half bfloat16: floats have 32 or 64 bits; write model.float()
get_parameter: write dict(model.named_parameters())[path]
get_submodule: write dict(model.named_modules())[path]
get_buffer: write dict(model.named_buffers())[path]
register_full_backward_hook register_backward_hook: register_forward_hook is here, and
    what a module returns has its .grad after backward()
to_empty share_memory: how numbers lie in memory is no matter here; leave it out
type: write model.float() or model.double()
compile: compile(update=optimizer) makes a program of a training step
device: everything is on 'cpu'
register_state_dict_pre_hook register_load_state_dict_post_hook: change the dict that
    state_dict() returns
"""

OPTIM = """
Adagrad Adadelta LBFGS RAdam NAdam Adamax SparseAdam ASGD Rprop Adafactor
    Muon: SGD, RMSprop, Adam and AdamW are here; a new one is a subclass of Optimizer
PolynomialLR ConstantLR MultiplicativeLR OneCycleLR
    CyclicLR CosineAnnealingWarmRestarts SequentialLR ChainedScheduler: write
    LambdaLR(optimizer, lambda epoch: factor), with its formula
ReduceLROnPlateau: write optimizer.lr *= factor, when the loss no longer falls
swa_utils: keep a second state_dict(), and average into it
"""

INIT = """
eye_: write x.copy_(eye(*x.shape))
trunc_normal_: write normal_(x, mean, std).clamp_(a, b), inside no_grad()
orthogonal_: NumPy has it: x.copy_(Tensor(numpy.linalg.qr(...)[0])), inside no_grad()
sparse_ dirac_: write x.copy_(...), inside no_grad()
"""

UTILS = """
parameters_to_vector: write concat([p.reshape(-1) for p in model.parameters()])
vector_to_parameters: write p.data = v[a:b].reshape(p.shape), for each parameter
weight_norm spectral_norm parametrize parametrizations prune: compute the weight in
    forward, of parameters of your own
rnn: functional.pad makes sequences equally long, and padding_mask hides the rest
get_total_norm: clip_grad_norm_ returns the norm
"""

IN_PLACE = (
    "tensors are values, and only leaves are changed in place; write x = x.NAME(...)"
)


def read(text: str) -> dict[str, str]:
    """Name → what to write."""
    table: dict[str, str] = {}
    for line in re.sub(r"\n +", " ", text).strip().splitlines():
        names, says = line.split(": ", 1)
        table |= {name: says.replace("NAME", name) for name in names.split()}
    return table


INSTEAD = {
    "Tensor": read(TENSOR),
    "tinygrad_attn": read(TENSOR) | read(PACKAGE),
    "nn": read(NN),
    "functional": read(TENSOR) | read(NN),
    "nn.init": read(INIT),
    "nn.utils": read(UTILS),
    "nn.optim": read(OPTIM),
    "nn.optim.lr_scheduler": read(OPTIM),
    "Module": read(MODULE),
}


def advice(owner: str, name: str, known: tuple[str, ...] | list[str] = ()) -> str:
    """What to say of a name that `owner` lacks.

    Args:
        known: the names it has, one of which may be meant.
    """
    lacks = f"{owner} has no {name!r}"
    if name.startswith("_"):
        return lacks
    if name in INSTEAD[owner]:
        return f"{lacks}: {INSTEAD[owner][name]}"
    base = name.removesuffix("_")
    if base != name and base in known:
        return f"{lacks}: {IN_PLACE.replace('NAME', base)}"
    near = get_close_matches(name, [n for n in known if not n.startswith("_")], 1, 0.75)
    return f"{lacks}; did you mean {near[0]}?" if near else lacks
