"""What PyTorch has and this package has not: what to write instead.

A name, or several that have one answer, then a colon and the answer. `x` is the tensor,
NAME the name itself; `cudnn_*` stands for all names that begin so. The error for a name
that is nowhere says which are like it.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase

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
histogram histogramdd quantile nanquantile nanmedian searchsorted trapezoid frexp: NumPy
    has it: Tensor(numpy.NAME(x.detach().numpy(), ...)), without a gradient
mode: NumPy's numpy.unique(x.detach().numpy(), return_counts=True) has the counts
histc: NumPy's numpy.histogram(x.detach().numpy(), bins) has the counts
bucketize: NumPy has it: Tensor(numpy.digitize(x.detach().numpy(), boundaries,
    right=True))
trapz: write ((y[1:] + y[:-1]) / 2).sum(axis=0)
cumulative_trapezoid: write ((y[1:] + y[:-1]) / 2).cumsum(0)
isin: write (x.unsqueeze(-1) == values).any(-1), with values in one row
isneginf: write x == float("-inf")
isposinf: write x == float("inf")
isreal is_signed: numbers here are real and signed; leave it out
is_nonzero: write bool(x), of one number
is_same_size: write x.shape == y.shape
nan_to_num: write where(x == x, x, 0.0), with x.clamp(min, max) for the infinities
fill_diagonal_: write x[i, i] = value, with i = arange(n)
addcmul_: write x.add_(a * b, alpha=value)
addcdiv_: write x.add_(a / b, alpha=value)
atleast_1d: write x.reshape(-1), of a single number
atleast_2d: write x.reshape(1, -1), of a vector
atleast_3d: write x.reshape(1, -1, 1), of a vector
greater: write x > y
greater_equal: write x >= y
less: write x < y
less_equal: write x <= y
not_equal: write x != y
bitwise_and: write x & y, of bools
bitwise_or: write x | y, of bools
bitwise_xor: write x ^ y, of bools
bitwise_not: write ~x, of bools
bitwise_left_shift: write x * 2**n
bitwise_right_shift: write x // 2**n
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
asin arcsin: NumPy has it: Tensor(numpy.arcsin(x.detach().numpy())), without a gradient
acos arccos: NumPy has it: Tensor(numpy.arccos(x.detach().numpy())), without a gradient
atan arctan: NumPy has it: Tensor(numpy.arctan(x.detach().numpy())), without a gradient
atan2 arctan2: NumPy has it: Tensor(numpy.arctan2(y.detach().numpy(),
    x.detach().numpy())), without a gradient
asinh arcsinh: write (x + (x * x + 1).sqrt()).log()
acosh arccosh: write (x + (x * x - 1).sqrt()).log()
i0 sinc copysign nextafter ldexp signbit gcd lcm tensordot: NumPy has it:
    Tensor(numpy.NAME(x.detach().numpy(), ...)), without a gradient
erfc: write 1 - x.erf()
lgamma: Python has it, number by number: Tensor([math.lgamma(v) for v in x.tolist()])
digamma polygamma erfinv igamma igammac mvlgamma: neither NumPy nor Python has it; SciPy
    does, in scipy.special, without a gradient
deg2rad: write x * math.pi / 180
rad2deg: write x * 180 / math.pi
xlogy: write where(x > 0, x * y.log(), 0.0)
fix: write x.trunc()
positive: write x
fmax: write maximum(x, y), which keeps nan
fmin: write minimum(x, y), which keeps nan
rsub: write y - x
logaddexp2: write (2.0 ** x + 2.0 ** y).log2()
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
addr: write x + a.outer(b)
ger: write x.outer(y)
chain_matmul: write a @ b @ c
addcmul: write x + value * a * b
addcdiv: write x + value * a / b
inner vdot: write (x * y).sum()
kron: write einsum('ij,kl->ikjl', x, y).reshape(...)
cross: write its three lines: x[1] * y[2] - x[2] * y[1], ...
cov: centre x, x - x.mean(axis=1, keepdims=True), and write x @ x.T / (n - 1)
corrcoef: centre x, divide it by x.norm(dim=1, keepdim=True), and write x @ x.T
narrow: write x[start : start + length], at its axis
select: write x[..., i], at its axis
take: write x.reshape(-1)[index]
put_ put: write x.view(-1)[index] = y
index_put_ index_put index_copy_ index_copy: write x[index] = y
index_fill: write x.clone().index_fill_(dim, index, value)
index: write x[i]
masked_scatter: write x[mask] = y
select_scatter slice_scatter diagonal_scatter as_strided_scatter: write y = x.clone(),
    then y[...] = new at these places
index_reduce index_reduce_: write x.index_add(dim, index, y), which adds
unravel_index: write (i // columns, i % columns)
diagflat: write diag(x.reshape(-1))
split_with_sizes unsafe_split unsafe_split_with_sizes unsafe_chunk: write x.split(sizes)
    or x.chunk(n)
sum_to_size: write x.sum(axis=..., keepdims=True)
broadcast_tensors: write x.expand(shape), of each
renorm: write x * (maxnorm / x.norm(dim=1, keepdim=True)).clamp(max=1)
new_empty new_empty_strided: write x.new_zeros(shape)
new: write x.new_tensor(data), or x.new_zeros(shape)
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
resize_ resize resize_as resize_as_ set_: write x.reshape(...), or make a new tensor
rename name names align_* refine_names: axes have numbers here, and no names
sparse_* to_sparse* to_dense coalesce is_coalesced is_sparse_* *col_indices
    *row_indices dense_dim resize_as_sparse_ hspmm spmm dsmm hsmm smm saddmm
    sspaddmm sparse: all tensors are dense
is_cpu is_ipu is_maia is_meta is_mkldnn is_mps is_mtia is_vulkan is_xla is_xpu ipu mtia
    xpu get_device get_device_module record_stream: there is one device, 'cpu'; leave it
    out
chalf cfloat cdouble is_conj is_neg conj_physical resolve_conj resolve_neg: there are
    no complex numbers; leave it out
quantize* quantized_* q_* qint* quint* qscheme per_tensor_* per_channel_*
    fake_quantize_* choose_qparams_* dequantize int_repr is_quantized: floats have 32 or
    64 bits, and nothing is quantized; leave it out
dim_order const_data_ptr storage_type is_set_to to_mkldnn to_padded_tensor is_nested
    as_subclass module_load output_nr grad_dtype is_distributed hash_tensor volatile
    sparse_resize_* slice_inverse reinforce *_copy: it belongs to the inside of PyTorch;
    leave it out
nonzero_static: write x.nonzero()
is_inference is_leaf_: write x.requires_grad
stft istft: NumPy has numpy.fft.rfft, without a gradient
float_power: write x ** y
char byte: integers have 64 bits; write x.long(), or x.bool() for a mask
relu6: write x.clamp(0, 6)
softmin: write (-x).softmax()
"""

PACKAGE = """
jit vmap func fx: compile(update=optimizer) and write(loss) make a program of a step
default_generator: manual_seed(1) starts the numbers anew, get_rng_state() keeps them
version torch_version: write tinygrad_attn.__version__
finfo: write float("-inf") for what a mask hides, or numpy.finfo("float32").min
iinfo: integers have 64 bits: numpy.iinfo("int64").max
newaxis: write None: x[:, None]
dropout layer_norm rms_norm embedding kl_div binary_cross_entropy_with_logits
    threshold_: write nn.functional.NAME
ModuleDict ParameterDict: write nn.NAME
BoolTensor: write tensor(data, dtype="bool")
ByteTensor CharTensor ShortTensor: write LongTensor(data)
HalfTensor BFloat16Tensor: write FloatTensor(data)
scalar_tensor: write tensor(value)
range: write arange(start, end + step, step)
fill: write x.clone().fill_(value)
broadcast_shapes: write (x + y).shape, or numpy.broadcast_shapes(...)
frombuffer from_file from_dlpack to_dlpack: write from_numpy(numpy.frombuffer(...)), or
    tensor(data)
gradient: write (x[2:] - x[:-2]) / 2, or numpy.gradient
promote_types result_type can_cast: write (x + y).dtype
typename: write type(x).__name__
random: write manual_seed(1), which starts the numbers anew
binomial: write (rand(count, *x.shape) < x).sum(axis=0), of probabilities x
hann_window hamming_window blackman_window bartlett_window kaiser_window: NumPy has
    windows: Tensor(numpy.hanning(n)), and more in scipy.signal
cond while_loop: write if and while of Python
set_warn_always set_anomaly_enabled set_flush_denormal set_deterministic_debug_mode
    get_deterministic_debug_mode are_deterministic_algorithms_enabled
    set_num_interop_threads get_num_interop_threads get_float32_matmul_precision
    is_*_enabled init_num_threads quasirandom: there is no such switch; leave it out
uint16 uint32 uint64 bit bits* uint? int?: integers are int64
float8_* float4_* complex32: floats are float64 or float32
Stream Event GradScaler *autocast*: one processor and one program; leave it out
nuclear_norm: write numpy.linalg.norm(x.detach().numpy(), "nuc")
frobenius_norm: write x.norm()
builtins classes ctypes functools glob importlib inspect math os platform sys textwrap
    threading types warnings TYPE_CHECKING: it is Python's own; write import NAME
masked nested library package testing overrides serialization return_types futures
    monitor mtia xpu export compiler cpp torch windows classproperty: there is no such
    part here; leave it out
cudnn_* miopen_* mkldnn_* fbgemm_* native_* batch_norm_* fused_* sym_* Sym* *Type
    Script* *Storage* QU?nt* *JIT* *CallStack* parse_* import_ir_* unify_* DispatchKey*
    PyTorch* Execution* Graph* Logger* *Logger Device* OutOfMemoryError *Error has_*
    is_storage compiled_with_* get_file_path prepare_multiprocessing_environment wait
    fork *Argument* *Spec AVG SUM AliasDb Benchmark* BufferDict Capsule CompilationUnit
    DeepCopyMemoTable DisableTorch* ErrorReport Exclude* FileCheck *Schema IODescriptor
    OperatorInfo PRIVATE_OPS TracingState USE_* Use embedding_renorm_ empty_*
    is_vulkan_available jagged merge_type_* norm_except_dim segment_reduce Gradient
    thread_safe_generator ThroughputBenchmark profiler_* lstm lstm_cell gru gru_cell
    rnn_* *Module* Tag Future Node Block Code: it belongs to the inside of PyTorch;
    leave it out
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
poisson: NumPy has it: Tensor(numpy.random.default_rng().poisson(x.detach().numpy()))
block_diag: write zeros(n, m), then z[a:b, c:d] = x for each block
vander: NumPy has it: Tensor(numpy.vander(x.detach().numpy(), ...)), without a gradient
half float16 bfloat16 float8_e4m3fn: floats are float64 or float32
complex64 complex128: there are no complex numbers; write cos and sin of the angle
strided *contiguous_format channels_last* memory_format preserve_format: how numbers lie
    in memory is no matter here; leave it out
dstack column_stack: write stack([x, y], axis=-1), of vectors
row_stack: write vstack([x, y])
concat_: write concat
initial_seed seed: write manual_seed(1), with a number of your own
Storage FloatStorage: how numbers lie in memory is no matter here; leave it out
"""

NN = """
Conv?d ConvTranspose?d LazyConv* conv?d conv_t* convolution MaxPool?d max_pool?d*
    MaxUnpool?d max_unpool?d AvgPool?d avg_pool?d AdaptiveAvgPool?d AdaptiveMaxPool?d
    adaptive_avg_pool?d adaptive_max_pool?d* FractionalMaxPool?d fractional_max_pool?d*
    LPPool?d lp_pool?d Upsample Upsampling* upsample* Pixel* pixel_* ChannelShuffle
    channel_shuffle native_channel_shuffle Fold Unfold interpolate unfold fold
    grid_sample* affine_grid*: there are no convolutions here; stack shifted slices of x
    and multiply by a weight
ZeroPad?d ConstantPad?d constant_pad_nd: write functional.pad(x, (left, right))
ReflectionPad?d ReplicationPad?d CircularPad?d: write concat([x[..., :1], x], axis=-1)
    or the like, of slices of x
LSTM GRU RNN LSTMCell GRUCell RNNCell RNNBase RNNCellBase: write the cell with Linear
    layers and tanh, and a loop over time
BatchNorm1d LazyBatchNorm* batch_norm SyncBatchNorm: write (x - x.mean(axis=0)) /
    (x.var(axis=0, correction=0) + 1e-5).sqrt(), with running means for use; LayerNorm
    is here
BatchNorm2d BatchNorm3d: write it over the axes (0, 2, 3), keepdims=True: (x - x.mean())
    / (x.var(correction=0) + 1e-5).sqrt()
GroupNorm group_norm InstanceNorm?d LazyInstanceNorm* instance_norm LocalResponseNorm
    local_response_norm CrossMapLRN2d: reshape to (N, groups, -1) and write
    functional.layer_norm(x, x.shape[-1:])
Bilinear bilinear: write einsum('bi,kij,bj->bk', x, weight, y)
Dropout?d AlphaDropout FeatureAlphaDropout: Dropout is here
dropout?d alpha_dropout feature_dropout feature_alpha_dropout: functional.dropout is
    here
ELU elu: write where(x > 0, x, alpha * (x.minimum(0.0).exp() - 1))
CELU celu: write where(x > 0, x, alpha * ((x / alpha).minimum(0.0).exp() - 1))
SELU selu: write 1.0507009873554805 * where(x > 0, x, 1.6732632423543772 *
    (x.minimum(0.0).exp() - 1))
PReLU prelu RReLU rrelu: write where(x > 0, x, weight * x), or LeakyReLU
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
CosineEmbeddingLoss cosine_embedding_loss: c = functional.cosine_similarity(x, y);
    where(t > 0, 1 - c, (c - margin).clamp(min=0)).mean(), with labels t of 1 and -1
GaussianNLLLoss gaussian_nll_loss: write ((var.log() + (x - y) ** 2 / var) / 2).mean()
PoissonNLLLoss poisson_nll_loss: write (x.exp() - y * x).mean()
HingeEmbeddingLoss hinge_embedding_loss: write where(t > 0, x, (1.0 - x).clamp(
    min=0)).mean(), with labels t of 1 and -1
MarginRankingLoss margin_ranking_loss: write (-t * (x - y)).clamp(min=0).mean(), with
    labels t of 1 and -1
SoftMarginLoss soft_margin_loss: write (-t * x).softplus().mean(), with labels t of 1
    and -1
MultiLabelSoftMarginLoss multilabel_soft_margin_loss: write
    functional.binary_cross_entropy_with_logits(x, y)
CTCLoss ctc_loss MultiMarginLoss multi_margin_loss MultiLabelMarginLoss
    multilabel_margin_loss TripletMarginWithDistanceLoss
    triplet_margin_with_distance_loss: write its formula, with x.clamp(min=0)
AdaptiveLogSoftmaxWithLoss LinearCrossEntropy* linear_cross_entropy:
    functional.cross_entropy(x @ weight.T, target) is here
pdist: write functional.normalize, or (x.unsqueeze(1) - x).norm(dim=2)
multi_head_attention_forward: MultiheadAttention is here
TripletMarginLoss triplet_margin_loss: write ((x - y + 1e-6).norm(dim=1) - (x - z +
    1e-6).norm(dim=1) + 1.0).clamp(min=0).mean()
EmbeddingBag embedding_bag: write embedding(x).mean(axis=1)
DataParallel parallel: one processor and one program; leave it out
Unflatten: write x.unflatten(dim, sizes)
PairwiseDistance pairwise_distance: write (x - y + 1e-6).norm(dim=1)
CosineSimilarity: write functional.cosine_similarity(x, y)
UninitializedParameter UninitializedBuffer LazyLinear: write the sizes out: Linear(in,
    out)
Buffer: write self.register_buffer(name, tensor)
NLLLoss2d: NLLLoss is here
Container: Sequential, ModuleList and ModuleDict are here
attention modules common_types: write from tinygrad_attn.nn import NAME of a class
qat quantizable quantized intrinsic factory_kwargs *_notes assert_int_or_pair
    boolean_dispatch has_torch_* handle_torch_* grouped_mm scaled_* ScalingType
    SwizzleType BroadcastingList? GRID_SAMPLE_* reproducibility_notes: it belongs to the
    inside of PyTorch; leave it out
"""

NN_ALONE = """
save load save_checkpoint load_checkpoint: write nn.checkpoint.save(path, model), and
    nn.checkpoint.load(path).restore(model)
"""

MODULE = """
half bfloat16: floats have 32 or 64 bits; write model.float()
get_parameter: write dict(model.named_parameters())[path]
get_submodule: write dict(model.named_modules())[path]
get_buffer: write dict(model.named_buffers())[path]
register_full_backward_* register_backward_hook: register_forward_hook is here, and
    what a module returns has its .grad after backward()
to_empty share_memory: how numbers lie in memory is no matter here; leave it out
type: write model.float() or model.double()
compile: compile(update=optimizer) makes a program of a training step
reset_parameters: make a new layer, or write nn.init.xavier_uniform_(layer.weight)
get_extra_state set_extra_state: register_buffer keeps what is to be saved
set_submodule: write setattr(module, name, new)
ipu mtia xpu: there is one device, 'cpu'; leave it out
T_destination call_super_init dump_patches: it belongs to the inside of PyTorch; leave
    it out
device: everything is on 'cpu'
register_state_dict_* register_load_state_dict_*: change the dict that
    state_dict() returns
"""

OPTIM = """
Adagrad Adadelta LBFGS RAdam NAdam Adamax SparseAdam ASGD Rprop Adafactor
    Muon: SGD, RMSprop, Adam and AdamW are here; a new one is a subclass of Optimizer
PolynomialLR ConstantLR MultiplicativeLR OneCycleLR
    CyclicLR CosineAnnealingWarmRestarts SequentialLR ChainedScheduler: write
    LambdaLR(optimizer, lambda epoch: factor), with its formula
ReduceLROnPlateau: write optimizer.lr *= factor, when the loss no longer falls
swa_utils swap_in_*: keep a second state_dict(), and average into it
"""

INIT = """
eye_: write x.copy_(eye(*x.shape))
trunc_normal_: write normal_(x, mean, std).clamp_(a, b), inside no_grad()
orthogonal_: NumPy has it: x.copy_(Tensor(numpy.linalg.qr(...)[0])), inside no_grad()
sparse_ dirac_: write x.copy_(...), inside no_grad()
constant eye dirac orthogonal sparse xavier_uniform xavier_normal
    kaiming_uniform kaiming_normal: write NAME_
"""

UTILS = """
parameters_to_vector: write concat([p.reshape(-1) for p in model.parameters()])
vector_to_parameters: write p.data = v[a:b].reshape(p.shape), for each parameter
weight_norm spectral_norm parametrize parametrizations prune: compute the weight in
    forward, of parameters of your own
rnn: functional.pad makes sequences equally long, and padding_mask hides the rest
skip_init: make the layer, and give it weights of your own
stateless: write module.load_state_dict(state), then module(x)
clip_grads_with_norm_: write clip_grad_norm_(parameters, max_norm)
clip_grad: clip_grad_norm_ and clip_grad_value_ are here
convert_* fuse_* fusion memory_format remove_*_norm: there is none of it here; leave it
    out
get_total_norm: clip_grad_norm_ returns the norm
"""

LINALG = """
lu_unpack triangular_solve cholesky_inverse cholesky_solve lobpcg geqrf orgqr ormqr
    svd_lowrank pca_lowrank: NumPy has numpy.linalg.solve, inv, qr and svd; SciPy has
    the rest, in scipy.linalg
common_notes: it belongs to the inside of PyTorch; leave it out
cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_power matrix_rank multi_dot
    pinv qr slogdet solve svd tensorinv tensorsolve: NumPy has it:
    Tensor(numpy.linalg.NAME(x.detach().numpy(), ...)), without a gradient
inverse inv_ex: NumPy has it: Tensor(numpy.linalg.inv(x.detach().numpy())), without a
    gradient
pinverse: NumPy has it: Tensor(numpy.linalg.pinv(x.detach().numpy())), without a
    gradient
logdet: NumPy has it: Tensor(numpy.linalg.slogdet(x.detach().numpy())[1]), without a
    gradient
symeig: NumPy has it: numpy.linalg.eigh(x.detach().numpy()), without a gradient
svdvals: NumPy has it: Tensor(numpy.linalg.svd(x.detach().numpy(), compute_uv=False))
cholesky_ex: NumPy has it: Tensor(numpy.linalg.cholesky(x.detach().numpy()))
solve_ex solve_triangular lu_solve: NumPy has it: Tensor(numpy.linalg.solve(
    x.detach().numpy(), y.detach().numpy())), without a gradient
matrix_exp: SciPy has it: scipy.linalg.expm, without a gradient
lu lu_factor lu_factor_ex ldl_* householder_product: SciPy has it, in scipy.linalg
vander: NumPy has it: Tensor(numpy.vander(x.detach().numpy(), increasing=True))
cross: write its three lines: x[1] * y[2] - x[2] * y[1], ...
matrix_norm: write linalg.norm(x)
vecdot: write (x * y).sum(axis=-1)
LinAlgError: numpy.linalg.LinAlgError is what NumPy raises
"""

IN_LINALG = """
diagonal: write x.diagonal(0, -2, -1)
matmul: write x @ y
"""

DISTRIBUTIONS = """
Uniform uniform: write low + (high - low) * rand(*shape); its log_prob is
    -log(high - low)
kl_divergence kl: of Categoricals write (p.probs * (p.logits - q.logits)).sum(axis=-1);
    of others the mean of p.log_prob(x) - q.log_prob(x) over samples x of p
register_kl: write a function of your own
MultivariateNormal LowRankMultivariateNormal *multivariate_normal: write mean + randn(n,
    d) @ L.T, with L of numpy.linalg.cholesky(covariance)
Independent independent: write normal.log_prob(x).sum(axis=-1)
OneHotCategorical OneHotCategoricalStraightThrough one_hot_categorical: write
    functional.one_hot(Categorical(logits=x).sample(), classes)
RelaxedOneHotCategorical RelaxedBernoulli relaxed_*: write
    (x - (-rand(*x.shape).log()).log()).softmax()
Exponential exponential: write -rand(*shape).log() / rate; its log_prob is
    rate.log() - rate * x
Laplace laplace: write loc - scale * u.sign() * (1 - 2 * u.abs()).log(), with u =
    rand(*shape) - 0.5; its log_prob is -(x - loc).abs() / scale - (2 * scale).log()
Gumbel gumbel: write loc - scale * (-rand(*shape).log()).log()
LogNormal log_normal: write Normal(loc, scale).sample().exp()
HalfNormal half_normal: write Normal(0.0, scale).sample().abs()
LogisticNormal logistic_normal: write Normal(loc, scale).sample().sigmoid()
Binomial binomial: write Bernoulli(p).sample((count,)).sum(axis=0)
Beta Cauchy Chi2 ContinuousBernoulli Dirichlet FisherSnedecor Gamma Geometric HalfCauchy
    GeneralizedPareto InverseGamma Kumaraswamy LKJCholesky MixtureSameFamily Multinomial
    NegativeBinomial Pareto Poisson StudentT VonMises Weibull Wishart beta cauchy chi2
    continuous_bernoulli dirichlet fishersnedecor gamma geometric half_cauchy
    generalized_pareto inverse_gamma kumaraswamy lkj_cholesky mixture_same_family
    negative_binomial pareto poisson studentT von_mises weibull wishart:
    Categorical, Bernoulli and Normal are here; numpy.random.default_rng() draws many
    others
*Transform* transforms transformed_distribution biject_to transform_to: apply f to the
    sample, and subtract log |f'| from its log_prob
Distribution distribution ExponentialFamily exp_family: Categorical, Bernoulli and
    Normal are here, without a common base; a class of your own needs sample and
    log_prob
constraints constraint_registry utils: arguments are not checked by constraints; leave
    it out
identity_transform: leave it out
categorical: Categorical is here
"""

DATA = """
WeightedRandomSampler: give the numbers to the loader: DataLoader(data, batch_size,
    sampler=multinomial(weights, n, replacement=True).tolist())
Sampler sampler: sampler= takes a list of numbers, or any object with __iter__ and
    __len__
RandomSampler: write DataLoader(data, batch_size, shuffle=True)
SequentialSampler: write DataLoader(data, batch_size)
SubsetRandomSampler: write DataLoader(Subset(data, indices), batch_size, shuffle=True)
BatchSampler: write DataLoader(data, batch_size, drop_last=True)
IterableDataset IterDataPipe DFIterDataPipe MapDataPipe datapipes: a DataLoader needs a
    length and examples by number; write DataLoader([*stream], batch_size), or loop over
    the stream
ConcatDataset ChainDataset: write DataLoader([*a, *b], batch_size): a list is a dataset
StackDataset: write DataLoader([*zip(a, b)], batch_size): a list is a dataset
default_convert: default_collate makes tensors of examples
DistributedSampler distributed get_worker_info: one processor and one program; leave it
    out
dataset dataloader: Dataset and DataLoader are here
DataChunk argument_validation functional_datapipe graph graph_settings
    guaranteed_datapipes_* non_deterministic runtime_validation*: there are no data
    pipes here; a list, or a class with __len__ and __getitem__, is a dataset
"""

UTILS_OF_TORCH = """
checkpoint: everything that was computed is kept; call the function itself
tensorboard: draw and History show a training, and print(loss.item()) a number
cpp_extension: write(..., target="c") makes C of a step
dlpack: write from_numpy(...)
bottleneck benchmark ThroughputBenchmark throughput_benchmark: time.perf_counter()
    measures a step
"""

IN_PLACE = (
    "tensors are values, and only leaves are changed in place; write x = x.NAME(...)"
)


def read(text: str) -> dict[str, str]:
    """Name, or pattern of names → what to write."""
    table: dict[str, str] = {}
    for line in re.sub(r"\n +", " ", text).strip().splitlines():
        names, says = line.split(": ", 1)
        table |= dict.fromkeys(names.split(), says)
    return table


INSTEAD = {
    "Tensor": read(NN) | read(LINALG) | read(TENSOR),
    "tinygrad_attn": read(NN) | read(LINALG) | read(TENSOR) | read(PACKAGE),
    "nn": read(NN) | read(NN_ALONE),
    "functional": read(TENSOR) | read(NN),
    "linalg": read(LINALG) | read(IN_LINALG),
    "distributions": read(DISTRIBUTIONS),
    "utils": read(UTILS_OF_TORCH),
    "utils.data": read(DATA),
    "nn.init": read(INIT),
    "nn.utils": read(UTILS),
    "nn.optim": read(OPTIM),
    "nn.optim.lr_scheduler": read(OPTIM),
    "Module": read(MODULE),
}


def instead(owner: str, name: str) -> str:
    """What to write instead of a name; "" if no table has it."""
    table = INSTEAD[owner]
    patterns = (key for key in table if fnmatchcase(name, key))
    key = name if name in table else next(patterns, "")
    if key:
        return table[key].replace("NAME", name)
    base = name.removesuffix("_")
    says = instead(owner, base) if base != name else ""
    return f"{says}; x.copy_(...) puts it into x" if says else ""


def advice(owner: str, name: str, known: tuple[str, ...] | list[str] = ()) -> str:
    """What to say of a name that `owner` lacks.

    Args:
        known: the names it has, one of which may be meant.
    """
    lacks = f"{owner} has no {name!r}"
    if name.startswith("_"):
        return lacks
    base = name.removesuffix("_")
    if base != name and base in known and name not in INSTEAD[owner]:
        return f"{lacks}: {IN_PLACE.replace('NAME', base)}"
    if says := instead(owner, name):
        return f"{lacks}: {says}"
    near = get_close_matches(name, [n for n in known if not n.startswith("_")], 1, 0.75)
    return f"{lacks}; did you mean {near[0]}?" if near else lacks
