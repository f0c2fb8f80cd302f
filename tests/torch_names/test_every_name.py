"""The names of PyTorch that teaching code uses most: each is here, or its error says
what to write instead; and what it says is right."""

from __future__ import annotations

import math
import re

import pytest
from conftest import needs_numpy, needs_torch

import nn
import tinygrad_attn
from tinygrad_attn import Tensor, functional, use_backend
from tinygrad_attn.torch_names.instead import INSTEAD, instead

TENSOR = """
abs absolute add add_ addmm all allclose amax amin any apply_ argmax argmin argsort
as_strided backward baddbmm bernoulli bernoulli_ bfloat16 bincount bmm bool byte ceil
chunk clamp clamp_ clamp_max clamp_min clip clone contiguous copy_ cos cosh cpu cross
cuda cummax cumprod cumsum data data_ptr det detach detach_ device diag diag_embed
diagonal diff dim div div_ divide dot double dtype element_size eq equal erf exp exp_
expand expand_as expm1 exponential_ fill_ flatten flip float floor floor_divide fmod
frac gather ge grad grad_fn gt half histc imag index_add_ index_copy_ index_fill_
index_put_ index_select int inverse is_contiguous is_cuda is_floating_point is_leaf
is_sparse isfinite isinf isnan isclose item kthvalue le lerp log log10 log1p log2
log_softmax logical_and logical_not logical_or logical_xor logsumexp long lt masked_fill
masked_fill_ masked_select matmul max maximum mean median min minimum mm mode movedim
mT mul mul_ multinomial mv narrow ndim ndimension ne neg neg_ nelement new_full new_ones
new_tensor new_zeros nonzero norm normal_ numel numpy outer permute pin_memory pow pow_
prod quantile random_ ravel real reciprocal register_hook relu relu_ remainder repeat
repeat_interleave requires_grad requires_grad_ reshape reshape_as resize_ retain_grad
roll round round_ rsqrt scatter scatter_ scatter_add_ select shape share_memory_ sigmoid
sigmoid_ sign sin sinh size softmax sort split sqrt sqrt_ square squeeze squeeze_ std
storage stride sub sub_ sum svd swapaxes t T take tan tanh tanh_ tensor_split tile to
tolist topk trace transpose transpose_ tril tril_ triu triu_ trunc type type_as unbind
unflatten unfold uniform_ unique unsqueeze unsqueeze_ values var view view_as zero_
"""
PACKAGE = """
abs allclose amp arange argmax as_tensor autocast autograd backends bernoulli bfloat16
bmm bool cat clamp clone compile cos cosine_similarity cuda cumsum default_generator
device diag distributions dot double einsum empty empty_like enable_grad equal exp eye
fft flatten flip float float16 float32 float64 from_numpy full full_like gather
Generator get_default_dtype get_rng_state hstack hub index_select inf inference_mode int
int32 int64 is_grad_enabled is_tensor isclose isinf isnan jit linalg linspace load log
logspace logsumexp long LongTensor manual_seed masked_select matmul max maximum mean
meshgrid min minimum mm multinomial mv nan nn no_grad nonzero norm normal ones ones_like
optim outer pi pow prod rand rand_like randint randn randn_like randperm relu reshape
roll round save set_default_device set_default_dtype set_grad_enabled set_num_threads
set_printoptions sigmoid sin Size softmax sort split sqrt square squeeze stack std sum
tanh Tensor tensor tile topk transpose tril triu uint8 unique unsqueeze utils var vmap
vstack where zeros zeros_like FloatTensor use_deterministic_algorithms int8 polar
"""
NN = """
AdaptiveAvgPool2d AvgPool2d BatchNorm1d BatchNorm2d BCELoss BCEWithLogitsLoss Bilinear
Conv1d Conv2d ConvTranspose2d CosineSimilarity CrossEntropyLoss CTCLoss DataParallel
Dropout Dropout2d ELU Embedding EmbeddingBag Flatten functional GELU GLU GroupNorm GRU
GRUCell Hardtanh HuberLoss Identity init KLDivLoss L1Loss LayerNorm LeakyReLU Linear
LogSigmoid LogSoftmax LSTM LSTMCell MaxPool2d Mish Module ModuleDict ModuleList MSELoss
MultiheadAttention NLLLoss parallel Parameter ParameterDict ParameterList PReLU ReLU
ReLU6 RMSNorm RNN SELU Sequential Sigmoid SiLU SmoothL1Loss Softmax Softplus Tanh
Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder
TransformerEncoderLayer TripletMarginLoss Unflatten Upsample utils
"""
FUNCTIONAL = """
adaptive_avg_pool2d avg_pool2d batch_norm binary_cross_entropy conv1d conv2d
binary_cross_entropy_with_logits cosine_similarity cross_entropy dropout elu embedding
gelu glu group_norm gumbel_softmax huber_loss interpolate kl_div l1_loss layer_norm
leaky_relu linear log_softmax logsigmoid max_pool2d mish mse_loss nll_loss normalize
one_hot pad prelu relu relu6 rms_norm scaled_dot_product_attention selu sigmoid silu
smooth_l1_loss softmax softplus tanh unfold
"""
MODULE = """
add_module apply buffers children compile cpu cuda double eval float forward half
load_state_dict modules named_buffers named_children named_modules named_parameters
parameters register_buffer register_forward_hook register_forward_pre_hook
register_full_backward_hook register_module register_parameter requires_grad_ state_dict
to train training type zero_grad get_submodule
"""
OPTIM = """
Adagrad Adam AdamW LBFGS Optimizer RMSprop SGD lr_scheduler
"""
SCHEDULES = """
CosineAnnealingLR CosineAnnealingWarmRestarts ExponentialLR LambdaLR LinearLR
MultiStepLR OneCycleLR ReduceLROnPlateau StepLR
"""
INIT = "constant_ dirac_ eye_ normal_ ones_ orthogonal_ trunc_normal_ uniform_ zeros_"
UTILS = "clip_grad_norm_ clip_grad_value_ parameters_to_vector rnn weight_norm"
OF = [
    (Tensor([[1.0, 2.0]]), TENSOR),
    (tinygrad_attn, PACKAGE),
    (nn, NN),
    (functional, FUNCTIONAL),
    (nn.Linear(2, 2), MODULE),
    (nn.optim, OPTIM),
    (nn.optim.lr_scheduler, SCHEDULES),
    (nn.init, INIT),
    (nn.utils, UTILS),
]


@pytest.mark.filterwarnings("ignore:grad")
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param(
            owner, name, id=f"{getattr(owner, '__name__', type(owner))} {name}"
        )
        for owner, names in OF
        for name in names.split()
    ],
)
def test_a_name_is_here_or_says_what_to_write(owner, name):
    try:
        getattr(owner, name)
    except AttributeError as error:
        said = str(error)
    else:
        return
    assert "\n" not in said
    assert f" has no {name!r}: " in said
    assert len(said) > len(f"Tensor has no {name!r}: ") + 10


@pytest.mark.parametrize(
    ("owner", "name", "right"),
    [
        (Tensor([1.0]), "sotfmax", "softmax"),
        (Tensor([1.0]), "reshpe", "reshape"),
        (tinygrad_attn, "arrange", "arange"),
        (functional, "softmx", "softmax"),
        (nn, "LinearLayer", None),
        (nn, "Liner", "Linear"),
        (nn.Linear(2, 2), "weigth", "weight"),
    ],
)
def test_a_slip_of_the_hand_finds_its_name(owner, name, right):
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    if right:
        assert str(caught.value).endswith(f"did you mean {right}?")
    assert caught.value.__cause__ is None


PLACES = {
    "Tensor": Tensor,
    "tinygrad_attn": tinygrad_attn,
    "nn": nn,
    "functional": functional,
    "linalg": tinygrad_attn.linalg,
    "distributions": tinygrad_attn.distributions,
    "utils": tinygrad_attn.utils,
    "utils.data": tinygrad_attn.utils.data,
    "nn.init": nn.init,
    "nn.utils": nn.utils,
    "nn.optim": nn.optim,
}


@pytest.mark.parametrize("owner", INSTEAD)
def test_nothing_that_is_here_is_said_to_be_missing(owner):
    place = {
        **PLACES,
        "Tensor": Tensor([[1.0]]),
        "nn.optim.lr_scheduler": nn.optim.lr_scheduler,
        "Module": nn.Linear(2, 2),
    }[owner]
    here = {n for n in INSTEAD[owner] if hasattr(place, n)}
    methods = (
        {"unfold", "multinomial", "bernoulli"} if owner == "tinygrad_attn" else set()
    )
    assert here - methods == set()  # what a tensor lacks, the package may have


OF_TORCH = {
    "Tensor": "Tensor",
    "tinygrad_attn": "",
    "nn": "nn",
    "functional": "nn.functional",
    "linalg": "linalg",
    "distributions": "distributions",
    "utils.data": "utils.data",
    "nn.optim": "optim",
}

NOT_OF_TORCH = ("Callable", "DType", "Optional", "TYPE_CHECKING", "Tensor")


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("owner", OF_TORCH)
def test_every_public_name_of_pytorch_is_here_or_says_what_to_write(owner):
    import torch.distributions
    import torch.utils.data

    there = torch
    for part in OF_TORCH[owner].split("."):
        there = getattr(there, part) if part else there
    here = Tensor([[1.0]]) if owner == "Tensor" else PLACES[owner]
    mute = []
    for name in dir(there):
        foreign = isinstance(getattr(there, name, None), type(re))
        if name.startswith("_") or foreign or name in NOT_OF_TORCH:
            continue
        try:
            getattr(here, name)
        except AttributeError as error:
            mute += [] if f"{name!r}: " in str(error) else [str(error)]
        except ValueError:
            pass  # it is here: x.mT of a vector
    assert mute == []


@pytest.mark.parametrize("owner", INSTEAD)
def test_what_the_advice_names_is_here(owner):
    for says in INSTEAD[owner].values():
        for name in re.findall(r"functional\.(\w+)", says):
            assert name == "NAME" or hasattr(functional, name), says
        for name in re.findall(r"([A-Z]\w+) (?:is|are) here", says):
            assert name == "NAME" or hasattr(nn, name) or name in HERE, says


HERE = ("AdamW", "Categorical", "DataLoader", "Normal", "Optimizer")


@needs_numpy
@pytest.mark.parametrize("owner", INSTEAD)
def test_numpy_has_what_the_advice_names(owner):
    """NAME stands for each name of an entry."""
    import numpy

    wrong = []
    for name in INSTEAD[owner]:
        for path in re.findall(r"numpy\.((?:[a-z_]\w*\.?)+)", instead(owner, name)):
            found = numpy
            for part in path.rstrip(".").split("."):
                found = getattr(found, part, None)
            wrong += [] if found is not None else [(name, path)]
    assert wrong == []


@pytest.mark.parametrize(
    ("place", "name", "says"),
    [
        (tinygrad_attn, "inverse", "numpy.linalg.inv("),
        (tinygrad_attn.linalg, "pinv", "numpy.linalg.pinv("),
        (Tensor([1.0]), "pinverse", "numpy.linalg.pinv("),
        (tinygrad_attn, "bucketize", "numpy.digitize("),
        (tinygrad_attn, "lgamma", "math.lgamma("),
        (tinygrad_attn, "finfo", 'float("-inf")'),
        (tinygrad_attn, "version", "__version__"),
        (tinygrad_attn, "isin", "(x.unsqueeze(-1) == values).any(-1)"),
        (tinygrad_attn, "tensordot", "numpy.tensordot"),
        (Tensor([1.0]), "addcmul_", "x.add_(a * b, alpha=value)"),
        (Tensor([1.0]), "tan_", "x.copy_(...)"),
        (tinygrad_attn, "dropout", "nn.functional.dropout"),
        (tinygrad_attn, "cudnn_batch_norm", "leave it out"),
        (tinygrad_attn.distributions, "Uniform", "rand(*shape)"),
        (tinygrad_attn.utils.data, "WeightedRandomSampler", "multinomial(weights"),
        (tinygrad_attn.utils, "checkpoint", "call the function"),
        (tinygrad_attn.autograd, "forward_ad", "it has Function, "),
    ],
)
def test_what_is_written_instead(place, name, says):
    with pytest.raises(AttributeError, match=re.escape(says)):
        getattr(place, name)


# What a learner writes next: the advice itself, run, beside PyTorch's own function.
SECOND_TRY = {
    "count_nonzero": "torch.count_nonzero(x)",
    "median": "x.median(dim=0).values",
    "kthvalue": "x.kthvalue(k, dim=0).values",
    "diff": "torch.diff(x, dim=0)",
    "nansum": "torch.nansum(x)",
    "tan": "torch.tan(x)",
    "sinh": "torch.sinh(x)",
    "cosh": "torch.cosh(x)",
    "expm1": "torch.expm1(x)",
    "exp2": "torch.exp2(x)",
    "logit": "torch.logit(p)",
    "atanh": "torch.atanh(p)",
    "logaddexp": "torch.logaddexp(x, y)",
    "hypot": "torch.hypot(x, y)",
    "frac": "torch.frac(x)",
    "heaviside": "torch.heaviside(x, torch.zeros((), dtype=x.dtype))",
    "addmm": "torch.addmm(x, a, b)",
    "addcmul": "torch.addcmul(x, y, y, value=value)",
    "inner": "torch.inner(v, v)",
    "cummax": "torch.cummax(x, dim=0).values",
    "take": "torch.take(x, i)",
    "diag_embed": "torch.diag_embed(v)",
    "rot90": "torch.rot90(x)",
    "fliplr": "torch.fliplr(x)",
    "flipud": "torch.flipud(x)",
    "ravel": "torch.ravel(x)",
    "msort": "torch.msort(x)",
    "float_power": "torch.float_power(p, y)",
    "softmin": "torch.nn.functional.softmin(x, dim=-1)",
    "relu6": "torch.nn.functional.relu6(x)",
    "elu": "torch.nn.functional.elu(x, alpha)",
    "mish": "torch.nn.functional.mish(x)",
    "softsign": "torch.nn.functional.softsign(x)",
    "hardswish": "torch.nn.functional.hardswish(x)",
    "glu": "torch.nn.functional.glu(w)",
    "cummin": "torch.cummin(x, dim=0).values",
    "nanmean": "torch.nanmean(x)",
    "fmod": "torch.fmod(x, y)",
    "logcumsumexp": "torch.logcumsumexp(x, 0)",
    "dist": "torch.dist(x, y)",
    "celu": "torch.nn.functional.celu(x, alpha)",
    "selu": "torch.nn.functional.selu(x)",
    "hardsigmoid": "torch.nn.functional.hardsigmoid(x)",
    "hardtanh": "torch.nn.functional.hardtanh(x)",
    "tanhshrink": "torch.nn.functional.tanhshrink(x)",
    "softshrink": "torch.nn.functional.softshrink(x)",
    "hardshrink": "torch.nn.functional.hardshrink(x)",
    "threshold": "torch.nn.functional.threshold(x, threshold, value)",
    "prelu": "torch.nn.functional.prelu(x, torch.tensor([weight], dtype=x.dtype))",
    "batch_norm": "torch.nn.functional.batch_norm(x, None, None, training=True)",
    "pairwise_distance": "torch.nn.functional.pairwise_distance(x, y)",
    "triplet_margin_loss": "torch.nn.functional.triplet_margin_loss(x, y, z)",
    "addcdiv": "torch.addcdiv(x, y, z, value=value)",
    "vdot": "torch.vdot(v, v)",
    "std_mean": "torch.stack(torch.std_mean(x))",
    "var_mean": "torch.stack(torch.var_mean(x))",
    "aminmax": "torch.stack(torch.aminmax(x))",
    "isin": "torch.isin(x, v).double()",
    "nan_to_num": "torch.nan_to_num(x)",
    "greater": "torch.greater(x, y).double()",
    "less_equal": "torch.less_equal(x, y).double()",
    "asinh": "torch.asinh(x)",
    "acosh": "torch.acosh(p + 1.0)",
    "erfc": "torch.erfc(x)",
    "deg2rad": "torch.deg2rad(x)",
    "xlogy": "torch.xlogy(p, y.abs())",
    "fmax": "torch.fmax(x, y)",
    "rsub": "torch.rsub(x, y)",
    "logaddexp2": "torch.logaddexp2(x, y)",
    "trapz": "torch.trapezoid(y, dim=0)",
    "ger": "torch.outer(v, v)",
    "cumulative_trapezoid": "torch.cumulative_trapezoid(y, dim=0)",
    "cosine_embedding_loss": "F.cosine_embedding_loss(x, y, t, margin=0.1)",
    "gaussian_nll_loss": "F.gaussian_nll_loss(x, y, var)",
    "poisson_nll_loss": "F.poisson_nll_loss(x, y)",
    "hinge_embedding_loss": "F.hinge_embedding_loss(v, t)",
    "margin_ranking_loss": "F.margin_ranking_loss(v, v * v, t)",
    "soft_margin_loss": "F.soft_margin_loss(v, t)",
    "multilabel_soft_margin_loss": "F.multilabel_soft_margin_loss(x, p)",
}


@needs_torch
@pytest.mark.parametrize("name", SECOND_TRY)
def test_the_second_try_is_right(name):
    import torch

    said = next(table[name] for table in INSTEAD.values() if name in table)
    code = re.sub(r"^write ", "", said).split(", with ")[0].split(", which ")[0]
    code = code.split(", of numbers")[0].split(", or ")[0]
    inputs = {
        "x": [[1.5, -2.0, 0.5, 2.25], [-0.25, 3.0, 2.5, -1.0], [0.1, 0.7, -0.3, 4.0]],
        "y": [[0.5, -2.0, 4.0, 1.5], [1.0, 0.25, -1.5, 0.5], [2.0, 3.0, 1.0, -1.0]],
        "p": [[0.2, 0.5, 0.3, 0.9], [0.1, 0.1, 0.8, 0.7], [0.4, 0.6, 0.5, 0.3]],
        "w": [[1.0, 2.0, -3.0, 4.0]],
        "z": [[1.5, 2.0, -1.0, 1.0], [0.5, 2.0, 1.0, 3.0], [1.0, 1.0, 2.0, 4.0]],
        "a": [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]],
        "b": [[1.0, 2.0, 0.5, 1.0], [0.0, 1.0, -1.0, 2.0]],
        "v": [0.3, -1.2, 0.7],
        "i": [2, 0, 1, 2],
        "t": [1.0, -1.0, 1.0],
    }
    inputs["var"] = inputs["p"]
    numbers = {"n": 3, "k": 2, "weight": 0.25, "value": 2.0, "alpha": 1.5}
    numbers |= {"threshold": 0.1, "margin": 0.1, "math": math}
    theirs = {
        k: torch.tensor(v, dtype=torch.long if k == "i" else torch.float64)
        for k, v in inputs.items()
    }
    want = eval(
        SECOND_TRY[name],
        {"torch": torch, "F": torch.nn.functional, **theirs, **numbers},
    )
    with use_backend("python"):
        ours = {k: Tensor(v) for k, v in inputs.items()}
        if name == "take":
            ours["index"] = ours["i"]
        if name == "float_power":
            ours["x"] = ours["p"]
        if name in ("logit", "atanh"):
            ours["x"] = ours["p"]
        if name in ("diag_embed", "inner", "vdot"):
            ours["x"] = ours["y"] = ours["v"]
        if name in ("addcmul", "addcdiv"):
            ours["a"], ours["b"] = ours["y"], ours["y" if name == "addcmul" else "z"]
        if name in ("ger", "hinge_embedding_loss", "soft_margin_loss"):
            ours["x"] = ours["y"] = ours["v"]
        if name == "margin_ranking_loss":
            ours["x"], ours["y"] = ours["v"], ours["v"] * ours["v"]
        if name == "multilabel_soft_margin_loss":
            ours["y"] = ours["p"]
        if name == "isin":
            ours["values"] = ours["v"]
        if name == "acosh":
            ours["x"] = ours["p"] + 1.0
        if name == "xlogy":
            ours["x"], ours["y"] = ours["p"], ours["y"].abs()
        if name == "glu":
            ours["x"] = ours["w"]
        names = {n: getattr(tinygrad_attn, n) for n in tinygrad_attn.__all__}
        *lines, last = code.split("; ")
        scope = {**names, **ours, **numbers}
        for line in lines:
            exec(line.replace("write ", ""), scope)
        got = eval(last.replace("write ", ""), scope)
        if isinstance(got, tuple):
            got = tinygrad_attn.stack(list(got))
        got = got.double() if got.dtype == "bool" else got
    assert got.shape == tuple(want.shape)
    assert got.reshape(-1).tolist() == pytest.approx(
        want.reshape(-1).tolist(), rel=1e-9, abs=1e-12, nan_ok=True
    )
