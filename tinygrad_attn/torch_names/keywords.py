"""PyTorch's keyword arguments, of functions and layers that do without them.

    AdamW(params, fused=True)           changes nothing: it is left out
    Linear(3, 2, dtype="float64")       "Linear: dtype='float64' given; write ..."

USUAL has the values that change nothing, SAID what to write instead of others. A key is
the argument's name, or `owner.name` where one owner differs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from ..devices import check_device
from ..errors import say
from ..functions.spelling import without_unknown
from .instead import read

F = TypeVar("F", bound=Callable[..., Any])

SAID = read("""
dtype: write .to(dtype) or .double() on what comes back
size_average reduce: write reduction="mean", "sum" or "none"
norm_type: there is the length alone, norm_type=2
scale_grad_by_freq: the gradients of a row add up; leave it out
_weight _freeze: write Embedding.from_pretrained(weight, freeze=False)
nhead: write num_heads; masks are True where a position may attend
dim_feedforward: write d_ff
custom_encoder custom_decoder: call TransformerEncoder and TransformerDecoder yourself
batch_first: inputs are (B, T, d_model) here; write x.transpose(0, 1)
capturable: there is no graph of CUDA; leave it out
differentiable: a step has no gradient; leave it out
decoupled_weight_decay: write AdamW
last_epoch: a schedule begins at 0; schedule.load_state_dict(state) goes on
verbose: write print(schedule.get_last_lr())
padding_idx: write nn.Embedding(n, d, padding_idx=...)
max_norm sparse: there is neither; leave it out
weight: write (weight * loss).mean(), of the loss with reduction="none"
enable_gqa: write key.repeat_interleave(groups, dim=-3), and the same of value
Softplus.beta: write functional.softplus(beta * x) / beta
Softplus.threshold: the formula is exact everywhere; leave it out
inputs: write grad(loss, inputs)
always_call: a hook is called after a forward that ends well
remove_duplicate: each comes once; leave it out
destination prefix keep_vars: write {prefix + path: t for path, t in state.items()}
assign: numbers are copied into the parameters; leave it out
unique.dim: write sorted({*map(tuple, x.tolist())}), of rows
scatter_.reduce scatter.reduce: write x.scatter_add_(dim, index, y)
view.dtype: write x.to(dtype)
generator: write manual_seed(1) before it
map_location: everything is on 'cpu'; leave it out
compile.model compile.mode compile.fullgraph compile.dynamic compile.backend
    compile.options compile.disable: write @compile(update=optimizer) above the function
    that takes a batch and returns the loss
rounding_mode: write x.div(y, rounding_mode=...)
repeats dims: write the numbers alone: x.repeat(2, 3)
""")
USUAL = read("""
foreach fused enable_nested_tensor mask_check validate_args compute_mode non_blocking
    force pickle_module pickle_protocol mmap timeout worker_init_fn prefetch_factor
    multiprocessing_context pin_memory_device in_order: anything
dtype generator size_average reduce _weight padding_idx custom_encoder custom_decoder
    max_norm weight inputs rounding_mode destination unique.dim: None
scale_grad_by_freq _freeze capturable differentiable decoupled_weight_decay verbose
    sparse enable_gqa always_call keep_vars assign: False
batch_first remove_duplicate: True
last_epoch: -1
norm_type: 2.0
prefix: ''
Softplus.beta: 1
Softplus.threshold: 20
""")
SAME = {  # PyTorch's: ours
    "input": "x",
    "fn": "function",
    "state_dict": "state",
    "ndarray": "array",
    "parameters": "modules",
    "values": "modules",
    "batch": "examples",
    "x1": "x",
    "x2": "y",
    "vec2": "other",
    "tensor": "indices",
    "src": "numbers",
    "value": "number",
}


def known(who: str, own: set[str], options: dict[str, Any]) -> dict[str, Any]:
    """The options under our names, without those of PyTorch's that change nothing.

    Raises:
        TypeError: one of PyTorch's would change something; with what to write instead.
    """
    kept = {}
    for name, value in options.items():
        key = f"{who.rpartition('.')[2]}.{name}"
        key = key if key in SAID else name
        if name in own or SAME.get(name) in own:
            kept[name if name in own else SAME[name]] = value
        elif name == "device":
            check_device(who, "cpu" if value is None else value)
        elif USUAL.get(key) in ("anything", say(value)):
            continue
        elif key in SAID:
            raise TypeError(f"{who}: {name}={say(value)} given; {SAID[key]}")
        else:
            kept[name] = value
    return kept


def pytorchs(call: F, who: str = "") -> F:
    """The function, which takes PyTorch's keywords too.

    Args:
        who: its name in errors; for a method a dot and its name, or a dot alone, which
            come after that of the object's class.
    """
    own: set[str] = set()
    if code := getattr(inspect.unwrap(call), "__code__", None):
        own = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
    # One that takes any options (`named`, spelling.py) knows these, and refuses others.
    flags = getattr(getattr(call, "__code__", None), "co_flags", 0)
    takes_any = flags & inspect.CO_VARKEYWORDS
    own |= {"device", "dtype", "generator", "out"} if takes_any else set()

    @wraps(call)
    def also(*given: Any, **options: Any) -> Any:
        if not options:  # the usual
            return call(*given)
        if own.issuperset(options):
            return call(*given, **options)
        name = who or call.__name__
        if who[:1] == ".":
            name = f"{type(given[0]).__name__}{who}".removesuffix(".")
        options = known(name, own, options)
        if takes_any:
            return call(*given, **options)
        out = options.pop("out", None)
        options = without_unknown(name, own - {"self"}, options)
        z = call(*given, **options)
        return z if out is None else out.copy_(z)

    return also  # type: ignore[return-value]


def understand(kind: type, methods: str = "__init__") -> None:
    """Methods of a class take PyTorch's keywords from now on."""
    for name in methods.split():
        who = "." if name == "__init__" else f".{name}"
        setattr(kind, name, pytorchs(getattr(kind, name), who))
