# Written by tests/stubs.py: what __init__.py offers, for type checkers.

from collections.abc import Sequence
from typing import Any

from . import functional as functional
from . import graph as graph
from . import nn as nn
from . import ops as ops
from .arrays.backends import set_backend as set_backend
from .arrays.backends import use_backend as use_backend
from .autograd.debugging import debug as debug
from .check_gradients import GradcheckError as GradcheckError
from .check_gradients import gradcheck as gradcheck
from .check_gradients import gradgradcheck as gradgradcheck
from .context import enable_grad as enable_grad
from .context import get_rng_state as get_rng_state
from .context import manual_seed as manual_seed
from .context import no_grad as no_grad
from .context import record as record
from .context import set_rng_state as set_rng_state
from .creation import arange as arange
from .creation import eye as eye
from .creation import full as full
from .creation import ones as ones
from .creation import ones_like as ones_like
from .creation import rand as rand
from .creation import randint as randint
from .creation import randn as randn
from .creation import zeros as zeros
from .creation import zeros_like as zeros_like
from .functions.own_rules import composite as composite
from .functions.own_rules import primitive as primitive
from .graph import explain as explain
from .graph import unfold as unfold
from .pictures.draw import draw as draw
from .pictures.heads.draw_attention import draw_attention as draw_attention
from .pictures.history import History as History
from .pictures.play import play as play
from .program.compiled import compile as compile
from .program.write import write as write
from .scalar import Value as Value
from .tensor import Tensor as Tensor

__version__: str
optim: Any
DoubleTensor: Any
FloatTensor: Any
Generator: Any
IntTensor: Any
LongTensor: Any
Size: Any
abs: Any
absolute: Any
accelerator: Any
add: Any
add_: Any
all: Any
allclose: Any
amax: Any
amin: Any
any: Any
argmax: Any
argmin: Any
argsort: Any
argwhere: Any
as_tensor: Any
asarray: Any
assign: Any
astype: Any
backends: Any
backward: Any
bernoulli: Any
bincount: Any
bmm: Any
bool: Any
broadcast_to: Any
cat: Any
cdist: Any
ceil: Any
clamp: Any
clamp_: Any
clamp_max: Any
clamp_min: Any
clone: Any
concatenate: Any
contiguous: Any
copy_: Any
cos: Any
cosine_similarity: Any
cpu: Any
cuda: Any
cumprod: Any
cumsum: Any
detach: Any
diag: Any
diagonal: Any
dim: Any
distributions: Any
div: Any
div_: Any
divide: Any
dot: Any
double: Any
e: Any
empty: Any
empty_like: Any
eq: Any
equal: Any
erf: Any
exp: Any
expand: Any
expand_as: Any
fill_: Any
flatten: Any
flip: Any
float: Any
float32: Any
float64: Any
floor: Any
floor_divide: Any
from_numpy: Any
full_like: Any
ge: Any
gelu: Any
gt: Any
hstack: Any
index_add: Any
index_add_: Any
index_fill_: Any
index_select: Any
inf: Any
inference_mode: Any
int: Any
int16: Any
int32: Any
int64: Any
int8: Any
is_contiguous: Any
is_floating_point: Any
is_grad_enabled: Any
is_tensor: Any
isclose: Any
isfinite: Any
isinf: Any
isnan: Any
le: Any
leaky_relu: Any
lerp: Any
lerp_: Any
linalg: Any
linspace: Any
log: Any
log10: Any
log1p: Any
log2: Any
log_softmax: Any
logical_and: Any
logical_not: Any
logical_or: Any
logical_xor: Any
long: Any
lt: Any
masked_fill: Any
masked_fill_: Any
masked_select: Any
max: Any
mean: Any
meshgrid: Any
min: Any
mm: Any
moveaxis: Any
movedim: Any
mps: Any
mul: Any
mul_: Any
multinomial: Any
multiply: Any
mv: Any
nan: Any
ndimension: Any
ne: Any
neg: Any
negative: Any
nelement: Any
new_full: Any
new_ones: Any
new_tensor: Any
new_zeros: Any
nonzero: Any
norm: Any
normal: Any
normal_: Any
numel: Any
outer: Any
permute: Any
permute_dims: Any
pi: Any
pow: Any
prod: Any
rand_like: Any
randn_like: Any
randperm: Any
reciprocal: Any
relu: Any
remainder: Any
repeat: Any
repeat_interleave: Any
requires_grad_: Any
reshape: Any
reshape_as: Any
retain_grad: Any
roll: Any
round: Any
rsqrt: Any
scatter: Any
scatter_: Any
scatter_add: Any
scatter_add_: Any
set_grad_enabled: Any
sgn: Any
short: Any
sigmoid: Any
sign: Any
silu: Any
sin: Any
softmax: Any
softplus: Any
sort: Any
sqrt: Any
square: Any
squeeze: Any
std: Any
sub: Any
sub_: Any
subtract: Any
sum: Any
swapaxes: Any
swapdims: Any
t: Any
take_along_dim: Any
tanh: Any
tensor: Any
tile: Any
topk: Any
trace: Any
transpose: Any
true_divide: Any
trunc: Any
type_as: Any
uint8: Any
unbind: Any
unflatten: Any
uniform_: Any
unique: Any
unsqueeze: Any
var: Any
view: Any
view_as: Any
vstack: Any
zero_: Any

def chunk(
    x: Tensor, chunks: int, axis: int = 0, **others: Any
) -> tuple[Tensor, ...]: ...
def clip(x: Tensor, min: Any = None, max: Any = None, **others: Any) -> Tensor: ...
def concat(tensors: Sequence[Tensor], axis: int = 0, **others: Any) -> Tensor: ...
def einsum(equation: str, *operands: Tensor) -> Tensor: ...
def gather(x: Tensor, axis: int, index: Any, **others: Any) -> Tensor: ...
def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]: ...
def logsumexp(
    x: Tensor, axis: Any = None, keepdims: bool = False, **others: Any
) -> Tensor: ...
def matmul(x: Any, y: Any, **others: Any) -> Tensor: ...
def maximum(x: Any, y: Any, **others: Any) -> Tensor: ...
def minimum(x: Any, y: Any, **others: Any) -> Tensor: ...
def one_hot(indices: Any, num_classes: int = -1) -> Tensor: ...
def pad(x: Tensor, pad: Sequence[int], value: float = 0.0) -> Tensor: ...
def split(
    x: Tensor, size: int | Sequence[int], axis: int = 0, **others: Any
) -> tuple[Tensor, ...]: ...
def stack(tensors: Sequence[Tensor], axis: int = 0, **others: Any) -> Tensor: ...
def take_along_axis(
    x: Tensor, indices: Any, axis: int = -1, **others: Any
) -> Tensor: ...
def tril(x: Tensor, k: int = 0, **others: Any) -> Tensor: ...
def triu(x: Tensor, k: int = 0, **others: Any) -> Tensor: ...
def where(condition: Tensor, x: Any = None, y: Any = None, **others: Any) -> Tensor: ...
