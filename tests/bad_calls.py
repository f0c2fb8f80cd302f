"""Wrong calls: what is written, the error that must come, what its message must name.

A row is the call as text (so it is the test's name too), the kind of error, and what
the one line must contain; of several in parentheses one is enough. A call of a public
function must be answered under the name of that function, whether a row says so or not.
Some rows are made of a call with a gap, `{}`, and what is wrong to put there. What
would need more memory than there is (zeros(10**12)) has no row: that is no wrong call.
"""

from __future__ import annotations

from typing import Any

from public import functions
from rule_cases import CASES

import nn
import tinygrad_attn
from tinygrad_attn import functional

Row = tuple[Any, ...]

NAMES = {
    **{name.rpartition(".")[2]: function for name, function in functions().items()},
    **vars(tinygrad_attn),
    "F": functional,
    "Parameter": nn.Parameter,
    "nn": nn,
    "optim": nn.optim,
    "inf": float("inf"),
    "nan": float("nan"),
    "some": lambda *shape: tinygrad_attn.ones(*shape, requires_grad=True),
    "enter": lambda manager: manager.__enter__(),
    "no_tensor": lambda *inputs: None,
}


def run(call: str) -> Any:
    """What a call as text returns."""
    return eval(call, dict(NAMES))


def fill(calls: str, wrong: list[Row]) -> list[Row]:
    """Each call, one a line, with each wrong thing in its gap."""
    return [
        (call.strip().replace("{}", what), *rest)
        for call in calls.strip().splitlines()
        if call.strip() and not call.strip().startswith("#")
        for what, *rest in wrong
    ]


BAD = (TypeError, ValueError)

# --- no Tensor where one must be ------------------------------------------------------

NOT_NUMERIC: list[Row] = [
    ("None", TypeError, "None"),
    ("'a'", BAD, ("str", "'a'")),
    ("{}", BAD, ("dict", "{}")),
    ("object()", TypeError, "object"),
    ("len", TypeError, "function"),
]
NO_TENSOR: list[Row] = [
    *((what, TypeError, *parts) for what, _, *parts in NOT_NUMERIC),
    ("2.5", TypeError, ("float", "2.5")),
    ("[1.0]", TypeError, ("list", "[1.0]")),
]

# Every rule of one number, by the table of rules.
UNARY = "\n".join(
    f"{case.op.name}({{}})"
    for case in CASES
    if case.op.elementwise and len(case.inputs) == 1 and case.op.name in NAMES
)
TENSORS = """
    abs({})
    argmax({})
    argmax({}, axis=0)
    argmin({})
    astype({}, 'float64')
    broadcast_to({}, (2,))
    chunk({}, 2)
    clip({}, 0.0, 1.0)
    clip({}, max=1.0)
    concat([zeros(1), {}])
    concat([{}, zeros(1)])
    cross_entropy({}, Tensor([0]))
    dropout({})
    dropout({}, 0.5, False)
    einsum('i->i', {})
    einsum('i,i->i', zeros(1), {})
    embedding(Tensor([0]), {})
    expand({}, 2)
    flatten({})
    gather({}, 0, Tensor([0]))
    gelu({})
    gelu({}, 'tanh')
    layer_norm({}, 1)
    layer_norm(zeros(1), 1, bias={})
    layer_norm(zeros(1), 1, weight={})
    leaky_relu({})
    linear({}, zeros(1, 1))
    linear(zeros(1), {})
    linear(zeros(1), zeros(1, 1), {})
    log_softmax({})
    logsumexp({})
    matrix_transpose({})
    max({})
    mean({})
    min({})
    mse_loss({}, zeros(1))
    ones_like({})
    pad({}, (1, 1))
    permute_dims({}, (0,))
    place({}, ((0, 1, 1),), (2,))
    reshape({}, (1,))
    rms_norm({}, 1)
    rms_norm(zeros(1), 1, weight={})
    rsqrt({})
    scaled_dot_product_attention({}, zeros(1, 1), zeros(1, 1))
    scaled_dot_product_attention(zeros(1, 1), {}, zeros(1, 1))
    scaled_dot_product_attention(zeros(1, 1), zeros(1, 1), {})
    scaled_dot_product_attention(zeros(1, 1), zeros(1, 1), zeros(1, 1), {})
    scatter_add({}, Tensor([0]), 1)
    softmax({})
    split({}, 1)
    squeeze({})
    stack([zeros(1), {}])
    stack([{}, zeros(1)])
    std({})
    stop_gradient({})
    sum({})
    swapaxes({}, 0, 0)
    take({}, Tensor([0]))
    take_along_axis({}, Tensor([0]))
    transpose({}, 0, 0)
    tril({})
    triu({})
    unsqueeze({}, 0)
    var({})
    where({}, zeros(1), zeros(1))
    zeros_like({})
"""
OPTIONAL = ("bias={}", "weight={}", "zeros(1, 1), {})")  # where None is right
ROWS = [
    row
    for row in fill(TENSORS + UNARY, NO_TENSOR)
    if not any(gap.replace("{}", "None") in row[0] for gap in OPTIONAL)
]

# Where a number, an array or nested lists would do as well as a Tensor
OPERANDS = """
    add({}, zeros(2))
    add(zeros(2), {})
    div({}, zeros(2))
    div(zeros(2), {})
    matmul({}, zeros(2))
    matmul(zeros(2), {})
    maximum({}, zeros(2))
    maximum(zeros(2), {})
    minimum({}, zeros(2))
    minimum(zeros(2), {})
    mul({}, zeros(2))
    mul(zeros(2), {})
    pow({}, zeros(2))
    pow(zeros(2), {})
    sub({}, zeros(2))
    sub(zeros(2), {})
    where(zeros(2) > 0, {}, zeros(2))
    where(zeros(2) > 0, zeros(2), {})
    where(zeros(2) > 0, {}, 0.0)
    clip(zeros(2), {}, 1.0)
    clip(zeros(2), 1.0, {})
    cross_entropy(zeros(2, 3), {})
"""
ROWS += [
    row
    for row in fill(OPERANDS, NOT_NUMERIC)
    if not (row[0].startswith("clip") and "None" in row[0])
]
ROWS += [
    (call, BAD, *parts)
    for call, _, *parts in fill("mse_loss(zeros(2), {})", NOT_NUMERIC)
]
ROWS += fill(
    OPERANDS + "mse_loss(zeros(2), {})",
    [
        ("['a', 'b']", TypeError, "'a'", "not a number"),
        ("[1.0, [2.0]]", ValueError, "ragged"),
        ("[[1.0], [1.0, 2.0]]", ValueError, "ragged"),
    ],
)
TWO_SHAPES = """
    add({})
    div({})
    matmul({})
    maximum({})
    minimum({})
    mul({})
    pow({})
    sub({})
    mse_loss({})
    where(zeros(2) > 0, {})
"""
ROWS += fill(TWO_SHAPES, [("zeros(2), zeros(3)", ValueError, "(2,)", "(3,)")])
ROWS += fill(
    """
    add({}, {})
    div({}, {})
    matmul({}, {})
    maximum({}, {})
    minimum({}, {})
    mul({}, {})
    pow({}, {})
    sub({}, {})
    """,
    [("1.0", TypeError, "float"), ("None", TypeError, "NoneType")],
)
ROWS += [
    ("clip(zeros(2))", ValueError, "min", "max"),
    ("clip(zeros(2), zeros(3), 1.0)", ValueError, "(2,)", "(3,)"),
    ("clip(zeros(2), 0.0, zeros(3))", ValueError, "(2,)", "(3,)"),
    ("where(zeros(2), zeros(2) > 0, zeros(2))", TypeError, "float64", "bool"),
    ("where(zeros(2) > 0, zeros(3), 0.0)", ValueError, "(2,)", "(3,)"),
    ("where(zeros(2) > 0, 0.0, zeros(3))", ValueError, "(2,)", "(3,)"),
    ("where(Tensor([1, 0]), 1.0, 0.0)", TypeError, "int64", "bool"),
    ("where([True, False], zeros(2), zeros(2))", TypeError, "list", "bool"),
    ("matmul(zeros(2, 3), zeros(2, 3))", ValueError, "(2, 3)", "3", "2"),
    ("matmul(zeros(2, 3), 2.0)", ValueError, "(2, 3)", "()"),
    ("matmul(2.0, zeros(2, 3))", ValueError, "(2, 3)", "()"),
]

# --- axes -----------------------------------------------------------------------------

NO_AXIS: list[Row] = [
    ("2", IndexError, "axis 2", "-2..1"),
    ("-3", IndexError, "axis -3", "-2..1"),
    ("10**9", IndexError, "axis 1000000000"),
    ("0.5", TypeError, ("float", "0.5")),
    ("nan", TypeError, ("float", "nan")),
    ("'x'", TypeError, ("str", "'x'")),
    ("object()", TypeError, "object"),
    ("len", TypeError, "function"),
]
ONE_AXIS = """
    argmax(zeros(2, 3), axis={})
    argmin(zeros(2, 3), axis={})
    chunk(zeros(2, 3), 2, {})
    concat([zeros(2, 3)], axis={})
    flatten(zeros(2, 3), {})
    flatten(zeros(2, 3), 0, {})
    gather(zeros(2, 3), {}, Tensor([[0]]))
    log_softmax(zeros(2, 3), {})
    softmax(zeros(2, 3), {})
    split(zeros(2, 3), 1, {})
    stack([zeros(2)], {})
    swapaxes(zeros(2, 3), {}, 0)
    swapaxes(zeros(2, 3), 0, {})
    take_along_axis(zeros(2, 3), Tensor([[0]]), {})
    transpose(zeros(2, 3), {}, 0)
    transpose(zeros(2, 3), 0, {})
    unsqueeze(zeros(2), {})
"""
SEVERAL_AXES = """
    logsumexp(zeros(2, 3), axis={})
    max(zeros(2, 3), axis={})
    mean(zeros(2, 3), axis={})
    min(zeros(2, 3), axis={})
    squeeze(zeros(2, 3), {})
    std(zeros(2, 3), axis={})
    sum(zeros(2, 3), axis={})
    var(zeros(2, 3), axis={})
"""
ROWS += fill(ONE_AXIS + SEVERAL_AXES, NO_AXIS)
ROWS += [
    row
    for row in fill(ONE_AXIS, [("None", TypeError, "None"), ("(0,)", TypeError, "")])
    if not (row[0].startswith("arg") and "None" in row[0])
]
ROWS += fill(
    SEVERAL_AXES,
    [
        ("(0, 0)", ValueError, "twice", "(0, 0)"),
        ("(0, -2)", ValueError, "twice", "(0, -2)"),
        ("[0, 5]", IndexError, "axis 5"),
        ("(0, 'x')", TypeError, ("str", "'x'")),
        ("{0: 1}", TypeError, "dict"),
    ],
)
ROWS += [
    ("argmax(zeros(0))", ValueError, "empty", "(0,)"),
    ("argmin(zeros(0))", ValueError, "empty", "(0,)"),
    ("argmin(zeros(2, 0), axis=1)", ValueError, "empty", "(2, 0)"),
    ("max(zeros(0))", ValueError, "empty", "(0,)"),
    ("min(zeros(2, 0), axis=1)", ValueError, "empty", "(2, 0)"),
    ("flatten(zeros(2, 3), 1, 0)", ValueError, "start_axis 1", "end_axis 0"),
    ("matrix_transpose(zeros(2))", ValueError, "(2,)"),
    ("softmax(zeros(), -2)", IndexError, "axis -2"),
    ("log_softmax(zeros(), 1)", IndexError, "axis 1"),
]
ROWS += fill(
    """
    std(zeros(3), correction={})
    var(zeros(3), correction={})
    """,
    [
        ("'a'", TypeError, ("str", "'a'")),
        ("None", TypeError, "None"),
        ("[1]", TypeError, ("list", "[1]")),
    ],
)

# --- shapes ---------------------------------------------------------------------------

NO_SIZE: list[Row] = [
    ("-3", BAD, "-3"),
    ("2.5", BAD, ("2.5", "float")),
    ("nan", BAD, ("nan", "float")),
    ("inf", BAD, ("inf", "float")),
    ("'3'", BAD, ("'3'", "str")),
    ("None", BAD, "None"),
    ("{}", BAD, ("{}", "dict")),
    ("object()", BAD, "object"),
    ("len", BAD, "function"),
    ("(2, -3)", BAD, "-3"),
    ("(2, 2.5)", BAD, ("2.5", "float")),
    ("(2, None)", BAD, "None"),
    ("((2, 3), 4)", BAD, ("(2, 3)", "tuple")),
]
ROWS += fill(
    """
    broadcast_to(zeros(1), {})
    expand(zeros(1), {})
    full({}, 1.0)
    ones({})
    rand({})
    randint(0, 3, {})
    randn({})
    reshape(zeros(6), {})
    zeros({})
    """,
    NO_SIZE,
)
ROWS += fill(
    """
    eye({})
    eye(2, {})
    causal_mask({})
    causal_mask(2, {})
    scatter_add(zeros(2), Tensor([0, 1]), {})
    """,
    [
        ("-1", BAD, "-1"),
        ("2.5", BAD, ("2.5", "float")),
        ("nan", BAD, ("nan", "float")),
        ("inf", BAD, ("inf", "float")),
        ("'3'", BAD, ("'3'", "str")),
        ("[2]", BAD, ("[2]", "list")),
        ("object()", BAD, "object"),
    ],
)
ROWS += [
    ("eye(None)", BAD, "None"),
    ("causal_mask(None)", BAD, "None"),
    ("causal_mask(2, like=5)", TypeError, "int"),
    ("causal_mask(zeros(2))", BAD, "Tensor"),
    ("padding_mask(None)", TypeError, "NoneType"),
    ("padding_mask([[1, 0]])", TypeError, "list"),
    ("padding_mask(zeros(2, 3))", TypeError, "float64", "int64"),
    ("padding_mask(Tensor([[1, 0]]), None)", TypeError, "pad=None"),
    ("padding_mask(Tensor([[1, 0]]), 0.5)", TypeError, "pad=0.5"),
    ("padding_mask(Tensor([[1, 0]]), 'a')", TypeError, "pad='a'"),
    ("scatter_add(zeros(2), Tensor([0, 1]), None)", BAD, "None"),
    ("reshape(zeros(6), 10**12)", ValueError, "(6,)", "1000000000000"),
    ("reshape(zeros(6), (-1, -1))", ValueError, "(-1, -1)"),
    ("reshape(zeros(6), (4, -1))", ValueError, "(6,)", "(4, -1)"),
    ("reshape(zeros(6), (0, -1))", ValueError, "(6,)", "(0, -1)"),
    ("reshape(zeros(6), ())", ValueError, "(6,)", "()"),
    ("reshape((2, 3), zeros(6))", TypeError, "tuple"),
    ("broadcast_to(zeros(2), (3,))", ValueError, "(2,)", "(3,)"),
    ("broadcast_to(zeros(2, 3), (3,))", ValueError, "(2, 3)", "(3,)"),
    ("broadcast_to(zeros(2), ())", ValueError, "(2,)", "()"),
    ("broadcast_to((2,), zeros(2))", TypeError, "tuple"),
    ("expand(zeros(2), 3)", ValueError, "(2,)", "(3,)"),
    ("expand(zeros(2), -1, 2, 2)", ValueError, "(2,)", "(-1, 2, 2)"),
    ("expand(zeros(2))", ValueError, "(2,)", "()"),
    ("expand(zeros(2), 2, -2)", ValueError, "(2, -2)"),
]
ROWS += fill(
    "permute_dims(zeros(2, 3), {})",
    [
        ("(0, 0)", ValueError, "(0, 0)"),
        ("(0,)", ValueError, "(0,)"),
        ("(0, 1, 2)", IndexError, "axis 2"),
        ("()", ValueError, "()"),
        ("(0, 10**9)", IndexError, "1000000000"),
        ("(0, 0.5)", TypeError, ("float", "0.5")),
        ("None", TypeError, "None"),
        ("'ab'", TypeError, "str"),
        ("{}", TypeError, "dict"),
        ("object()", TypeError, "object"),
    ],
)
NO_LIST = """
    concat({})
    stack({})
"""
ROWS += fill(
    NO_LIST,
    [
        ("[]", ValueError, "at least one"),
        ("()", ValueError, "at least one"),
        ("None", BAD, ("None", "list")),
        ("{}", BAD, ("dict", "list")),
        ("'ab'", BAD, "str"),
        ("5", BAD, "int"),
        ("object()", BAD, "object"),
        ("len", BAD, "function"),
        ("zeros(2)", BAD, ("Tensor", "list")),
        ("iter([zeros(2)])", BAD, "iterator"),
        ("[zeros(2), zeros(2, 2)]", ValueError, "(2,)", "(2, 2)"),
        ("[zeros(2, 3), zeros(3, 2)]", ValueError, "(2, 3)", "(3, 2)"),
    ],
)
ROWS += [
    ("concat([zeros(), zeros()])", IndexError, "axis 0"),
    ("stack([zeros(2), zeros(3)])", ValueError, "(2,)", "(3,)"),
]
ROWS += fill(
    "split(zeros(4), {})",
    [
        ("0", ValueError, "0"),
        ("-1", ValueError, "-1"),
        ("1.5", TypeError, ("1.5", "float")),
        ("nan", TypeError, ("nan", "float")),
        ("'2'", TypeError, ("'2'", "str")),
        ("None", TypeError, "None"),
        ("{}", TypeError, "dict"),
        ("object()", TypeError, "object"),
        ("[]", ValueError, "[]", "4"),
        ("[1, 2]", ValueError, "[1, 2]", "4"),
        ("[5, -1]", ValueError, "[5, -1]", "4"),
        ("[1.5, 2.5]", BAD, "1.5"),
        ("['a', 'b']", BAD, "'a'"),
        ("[None]", BAD, "None"),
    ],
)
ROWS += fill(
    "chunk(zeros(4), {})",
    [
        ("0", ValueError, "0"),
        ("-1", ValueError, "-1"),
        ("1.5", BAD, "1.5"),
        ("nan", BAD, "nan"),
        ("'2'", BAD, "'2'"),
        ("None", BAD, "None"),
        ("[2]", BAD, "[2]"),
        ("object()", BAD, "object"),
    ],
)
ROWS += fill(
    """
    chunk(zeros(), {})
    split(zeros(), {})
    """,
    [("1", IndexError, "axis 0")],
)
ROWS += fill(
    "pad(zeros(4), {})",
    [
        ("1", BAD, "1"),
        ("()", BAD, "()"),
        ("(1,)", BAD, "(1,)"),
        ("(1, -1)", BAD, "(1, -1)"),
        ("(1, 0.5)", BAD, "(1, 0.5)"),
        ("(1, nan)", BAD, "nan"),
        ("(1, 1, 1, 1)", BAD, "(1, 1, 1, 1)", "(4,)"),
        ("None", BAD, "None"),
        ("'ab'", BAD, "'ab'"),
        ("{}", BAD, "{}"),
        ("object()", BAD, "object"),
        ("(1, 1), 'a'", TypeError, ("'a'", "str")),
        ("(1, 1), None", TypeError, "None"),
        ("(1, 1), {}", TypeError, "dict"),
        ("(1, 1), [1.0]", TypeError, "list"),
    ],
)
ROWS += fill(
    """
    tril(zeros(2, 2), {})
    triu(zeros(2, 2), {})
    """,
    [
        ("0.5", TypeError, ("0.5", "float")),
        ("nan", TypeError, ("nan", "float")),
        ("'a'", TypeError, ("'a'", "str")),
        ("None", TypeError, "None"),
        ("[1]", TypeError, "list"),
        ("object()", TypeError, "object"),
    ],
)
ROWS += [
    ("tril(zeros(2))", ValueError, "(2,)"),
    ("triu(zeros())", ValueError, "()"),
    ("place(zeros(2), ((0, 2, 1),), (1,))", BAD, "(1,)"),
    ("place(zeros(2), ((0, 3, 1),), (3,))", BAD, "(2,)"),
    ("place(zeros(2), ((0, 2, 1), (0, 2, 1)), (3,))", (IndexError, *BAD), "(3,)"),
    ("place(zeros(2), None, (3,))", BAD, "None"),
    ("place(zeros(2), ((0, 2, 1),), None)", BAD, "None"),
    ("place(zeros(2), ((0, 2, 1),), (-3,))", BAD, "-3"),
    ("place(zeros(2), ('a',), (3,))", BAD, "'a'"),
]
ROWS += fill(
    """
    astype(zeros(2), {})
    arange(3, dtype={})
    eye(2, dtype={})
    full(2, 1.0, dtype={})
    ones(2, dtype={})
    ones_like(zeros(2), dtype={})
    rand(2, dtype={})
    randint(0, 3, 2, dtype={})
    randn(2, dtype={})
    zeros(2, dtype={})
    zeros_like(zeros(2), dtype={})
    """,
    [
        ("'f'", TypeError, "'f'", "float64"),
        ("'complex128'", TypeError, "'complex128'", "float64"),
        ("'float16'", TypeError, "'float16'", "float64"),
        ("5", TypeError, "5", "float64"),
        ("object", TypeError, "object", "float64"),
        ("float", TypeError, "float", "float64"),
        ("[2]", TypeError, "[2]", "float64"),
    ],
)
ROWS += [("astype(zeros(2), None)", TypeError, "None", "float64")]
ROWS += fill(
    "arange({})",
    [
        ("None", TypeError, "None"),
        ("'a'", TypeError, ("'a'", "str")),
        ("{}", TypeError, "dict"),
        ("object()", TypeError, "object"),
        ("[3]", TypeError, ("[3]", "list")),
        ("nan", ValueError, "nan"),
        ("inf", ValueError, "inf"),
        ("0, inf", ValueError, "inf"),
        ("0, 3, nan", ValueError, "nan"),
        ("0, 3, 0", ValueError, "step 0"),
        ("0, 3, 0.0", ValueError, "step 0"),
        ("0, 3, 'a'", TypeError, ("'a'", "str")),
        ("0, 3, None", TypeError, "None"),
        ("0, 'a'", TypeError, ("'a'", "str")),
    ],
)
ROWS += fill(
    "full(2, {})",
    [
        ("None", TypeError, "None"),
        ("'a'", BAD, "'a'"),
        ("{}", TypeError, "dict"),
        ("object()", TypeError, "object"),
        ("[1.0]", BAD, "list"),
        ("1j", TypeError, "complex"),
        ("10**400", BAD, ""),
    ],
)
ROWS += [("full(1.0, (2, 2))", BAD, "(2, 2)")]  # swapped
ROWS += fill(
    "randint({}, (2,))",
    [
        ("3, 3", ValueError, "3..3"),
        ("3, 0", ValueError, "3..0"),
        ("0, 2.5", TypeError, "2.5"),
        ("0, nan", TypeError, "nan"),
        ("0, inf", TypeError, "inf"),
        ("'a', 3", TypeError, "'a'"),
        ("0, None", TypeError, "None"),
        ("[0], 3", TypeError, "[0]"),
        ("0, 2**70", ValueError, "1180591620717411303424"),
    ],
)

# --- indices --------------------------------------------------------------------------

NO_INDICES: list[Row] = [
    ("[0.5]", TypeError, "float64", "integer"),
    ("zeros(1)", TypeError, "float64", "integer"),
    ("[True]", TypeError, "bool", "integer"),
    ("['a']", TypeError, "'a'"),
    ("[None]", TypeError, "None"),
    ("[nan]", TypeError, "integer"),
    ("[5]", IndexError, "5", "0..2"),
    ("[-7]", IndexError, "-7", "0..2"),
    ("[10**9]", IndexError, "1000000000", "0..2"),
    ("[10**30]", (IndexError, *BAD), "1" + "0" * 30),
    ("[[0], [0, 1]]", ValueError, "ragged"),
    ("None", BAD, "None"),
    ("'a'", BAD, ("'a'", "str")),
    ("{}", BAD, ("{}", "dict")),
    ("object()", BAD, "object"),
    ("len", BAD, "function"),
]
ROWS += fill(
    """
    embedding({}, zeros(3, 1))
    gather(zeros(3), 0, {})
    one_hot({}, 3)
    scatter_add(zeros(1), {}, 3)
    take(zeros(3), {})
    take_along_axis(zeros(3), {}, 0)
    """,
    NO_INDICES,
)
ROWS += [
    # swapped
    ("embedding(zeros(3, 2), Tensor([0]))", ValueError, "weight", "(1,)"),
    ("embedding(zeros(3, 2), Tensor([[0]]))", TypeError, "integer", "float64"),
    ("take(Tensor([0]), zeros(3, 2))", TypeError, "integer", "float64"),
    ("scatter_add(Tensor([0, 1]), zeros(2), 3)", TypeError, "integer", "float64"),
    ("gather(zeros(3), Tensor([0]), 0)", BAD, ""),
    ("gather(0, zeros(3), Tensor([0]))", TypeError, "int"),
    ("take_along_axis(Tensor([0]), zeros(3))", TypeError, "integer", "float64"),
    ("one_hot(3, Tensor([0]))", TypeError, "Tensor"),
    # shapes
    ("embedding(Tensor([0]), zeros(3))", ValueError, "(3,)"),
    ("embedding(Tensor([0]), zeros(3, 2, 2))", ValueError, "(3, 2, 2)"),
    ("embedding(Tensor([0]), zeros(0, 2))", (IndexError, ValueError), "0"),
    ("take(zeros(), [0])", ValueError, "()"),
    ("take(zeros(3), [0], axis=1)", BAD, "axis 1"),
    ("take(zeros(3), [0], axis='x')", BAD, "x"),
    ("take(zeros(3), [0], axis=None)", BAD, "None"),
    ("take(zeros(0), [0])", IndexError, "0"),
    ("gather(zeros(2, 3), 0, Tensor([0]))", ValueError, "(1,)", "(2, 3)"),
    ("gather(zeros(2, 3), 1, Tensor([[0]] * 3))", BAD, "(3, 1)", "(2, 3)"),
    ("gather(zeros(), 0, Tensor(0))", IndexError, "axis 0"),
    ("take_along_axis(zeros(2, 3), [0], 0)", ValueError, "(1,)", "(2, 3)"),
    ("take_along_axis(zeros(2, 3), [[0]] * 3, 1)", BAD, "(3, 1)", "(2, 1)"),
    ("scatter_add(zeros(2), Tensor([0]), 3)", ValueError, "(1,)", "(2,)"),
    ("scatter_add(zeros(2), Tensor([0, 1]), 1)", IndexError, "1", "0..0"),
]
ROWS += fill(
    "one_hot(Tensor([0]), {})",
    [
        ("0", BAD, "0"),
        ("-2", BAD, "-2"),
        ("2.5", TypeError, ("2.5", "float")),
        ("nan", BAD, "nan"),
        ("'a'", TypeError, ("'a'", "str")),
        ("None", TypeError, "None"),
        ("[3]", TypeError, "list"),
    ],
)
ROWS += fill(
    "zeros(2, 3)[{}]",
    [
        ("2", IndexError, "indexing", "2", "-2..1"),
        ("-3", IndexError, "indexing", "-3", "-2..1"),
        ("10**12", IndexError, "indexing", "1000000000000"),
        ("0, 3", IndexError, "indexing", "axis 1"),
        ("0, 0, 0", IndexError, "indexing", "(2, 3)"),
        ("..., 0, ...", IndexError, "indexing", "..."),
        ("0.5", TypeError, "indexing", "0.5"),
        ("nan", TypeError, "indexing", "nan"),
        ("'a'", TypeError, "indexing", "'a'"),
        ("{}", TypeError, "indexing", "{}"),
        ("object()", TypeError, "indexing", "object"),
        ("len", TypeError, "indexing", "function"),
        ("[0.5]", TypeError, "indexing", "float64"),
        ("['a']", TypeError, "indexing", "'a'"),
        ("[None]", TypeError, "indexing", "None"),
        ("[0, [1]]", ValueError, "indexing", "ragged"),
        ("[0, 2]", IndexError, "indexing", "2", "-2..1"),
        ("[-3]", IndexError, "indexing", "-3", "-2..1"),
        ("[0, 1], [0, 1, 2]", (IndexError, ValueError), "indexing", "(2,)", "(3,)"),
        ("zeros(2, 3)", TypeError, "indexing", "float64"),
        ("[True, False, True]", IndexError, "indexing", "(3,)"),
        ("Tensor([[True]])", IndexError, "indexing", "(1, 1)"),
        ("::0", ValueError, "indexing", "step"),
        ("'a':", TypeError, "indexing", "slice"),
        ("0.5:", TypeError, "indexing", "slice"),
        ("[0], [0], [0]", IndexError, "indexing", "3"),
    ],
)
ROWS += [("zeros()[0]", IndexError, "indexing", "()")]

# --- losses, layers as functions ------------------------------------------------------

ROWS += fill(
    """
    dropout(zeros(2), {})
    scaled_dot_product_attention(zeros(1, 1), zeros(1, 1), zeros(1, 1), None, {})
    """,
    [
        ("1.0", ValueError, "1.0"),
        ("-0.1", ValueError, "-0.1"),
        ("nan", ValueError, "nan"),
        ("inf", ValueError, "inf"),
        ("'a'", TypeError, ("'a'", "str")),
        ("None", TypeError, "None"),
        ("[0.5]", TypeError, ("[0.5]", "list")),
        ("object()", TypeError, "object"),
    ],
)
ROWS += fill(
    """
    gelu(zeros(2), {})
    cross_entropy(zeros(1, 2), Tensor([0]), None, -100, {})
    mse_loss(zeros(2), zeros(2), {})
    """,
    [
        ("'x'", ValueError, "'x'"),
        ("None", BAD, "None"),
        ("5", BAD, "5"),
        ("True", BAD, "True"),
        ("['none']", BAD, "['none']"),
        ("object()", BAD, "object"),
    ],
)
ROWS += fill(
    """
    leaky_relu(zeros(2), {})
    layer_norm(zeros(2), 2, None, None, {})
    rms_norm(zeros(2), 2, None, {})
    scaled_dot_product_attention(some(1, 1), some(1, 1), some(1, 1), scale={})
    """,
    [
        ("'a'", BAD, "'a'"),
        ("[1.0]", BAD, "list"),
        ("object()", TypeError, "object"),
    ],
)
ROWS += [
    ("leaky_relu(zeros(2), None)", TypeError, "None"),
    ("layer_norm(zeros(2), 2, eps=None)", TypeError, "None"),
]
ROWS += fill(
    "cross_entropy(zeros(2, 3), {})",
    [
        ("Tensor([0, 3])", IndexError, "label 3", "0..2"),
        ("Tensor([0, -1])", IndexError, "label -1", "0..2"),
        ("Tensor([0])", ValueError, "(1,)", "(2,)"),
        ("Tensor(0)", ValueError, "()", "(2,)"),
        ("Tensor([[0], [0]])", ValueError, "(2, 1)", "(2,)"),
        ("Tensor([[0, 1, 0]] * 2)", BAD, "(2, 3)"),
        ("zeros(2, 1)", ValueError, "(2, 1)", "(2,)"),
        ("zeros(3, 2)", ValueError, "(3, 2)", "(2, 3)"),
        ("zeros(3)", BAD, "(3,)", "(2,)"),
        ("zeros(2)", TypeError, "label", "integer", "float64"),
        ("Tensor([True, False])", TypeError, "integer", "bool"),
        ("Tensor([0, 1]), 'a'", TypeError, ("'a'", "str")),
        ("Tensor([0, 1]), None, 'a'", TypeError, ("'a'", "str")),
        ("Tensor([0, 1]), None, None", TypeError, "None"),
        ("Tensor([0, 1]), None, 0.5", TypeError, ("0.5", "float")),
        ("Tensor([0, 1]), None, [0]", TypeError, ("[0]", "list")),
        ("Tensor([0, 1]), 0.5", ValueError, "weight", "()", "(3,)"),
        ("Tensor([0, 1]), [0]", ValueError, "weight", "(1,)", "(3,)"),
        ("Tensor([0, 1]), label_smoothing=1.5", ValueError, "1.5"),
        ("Tensor([0, 1]), label_smoothing=-0.5", ValueError, "-0.5"),
        ("Tensor([0, 1]), label_smoothing=nan", ValueError, "nan"),
        ("Tensor([0, 1]), label_smoothing=inf", ValueError, "inf"),
        ("Tensor([0, 1]), label_smoothing='a'", TypeError, ("'a'", "str")),
        ("Tensor([0, 1]), label_smoothing=None", TypeError, "None"),
        ("Tensor([0, 1]), 'mean'", TypeError, ("'mean'", "str")),
    ],
)
ROWS += [
    ("cross_entropy(Tensor([0, 1]), zeros(2, 3))", BAD, "(2,)"),  # swapped
    ("cross_entropy(Tensor([0, 1, 2]), zeros(3))", BAD, ""),  # swapped, one row
    ("cross_entropy(zeros(3), Tensor([1]))", ValueError, "(N, C)", "(3,)"),
    ("cross_entropy(zeros(2, 3, 4), Tensor([1, 2]))", ValueError, "(2, 3, 4)"),
    ("cross_entropy(zeros(0, 3), zeros(0, 3))", ValueError, "(0, 3)"),
    ("cross_entropy(zeros(), Tensor(0))", ValueError, "()"),
    ("cross_entropy(zeros(3), Tensor(3))", IndexError, "label 3", "0..2"),
    ("mse_loss(zeros(2), zeros(2, 1))", ValueError, "(2,)", "(2, 1)"),
    ("mse_loss(zeros(2), 1.0)", ValueError, "(2,)", "()"),
    ("mse_loss(1.0, zeros(2))", TypeError, "float"),
    ("linear(zeros(2, 3), zeros(3))", ValueError, "(2, 3)", "(3,)"),
    ("linear(zeros(2, 3), zeros(3, 4))", ValueError, "(2, 3)", "(3, 4)"),
    ("linear(zeros(), zeros(3, 4))", ValueError, "()", "(3, 4)"),
    ("linear(zeros(2, 3), zeros(4, 3), zeros(1))", ValueError, "(1,)", "(4,)"),
    ("linear(zeros(2, 3), zeros(4, 3), zeros(4, 1))", ValueError, "(4, 1)", "(4,)"),
]
ROWS += fill(
    """
    layer_norm(zeros(2, 3), {})
    rms_norm(zeros(2, 3), {})
    """,
    [
        ("2", ValueError, "(2, 3)", "(2,)"),
        ("0", ValueError, "(2, 3)", "(0,)"),
        ("-3", ValueError, "(2, 3)", "-3"),
        ("()", ValueError, "(2, 3)", "()"),
        ("(3, 2)", ValueError, "(2, 3)", "(3, 2)"),
        ("(1, 2, 3)", ValueError, "(2, 3)", "(1, 2, 3)"),
        ("3.0", BAD, "3.0"),
        ("nan", BAD, "nan"),
        ("'a'", BAD, "'a'"),
        ("None", BAD, "None"),
        ("{}", BAD, "{}"),
        ("ones(3)", BAD, "Tensor"),
        ("3, ones(2)", ValueError, "weight", "(2,)", "(3,)"),
        ("3, ones(1)", ValueError, "weight", "(1,)", "(3,)"),
    ],
)
ROWS += [
    ("layer_norm(zeros(2, 3), 3, ones(3), ones(1))", ValueError, "bias", "(1,)"),
    ("layer_norm(zeros(), 1)", ValueError, "()", "(1,)"),
    ("rms_norm(zeros(), 1)", ValueError, "()", "(1,)"),
]
ROWS += fill(
    "scaled_dot_product_attention({})",
    [
        ("zeros(2), zeros(2), zeros(2)", ValueError, "(2,)", "(..., T, d_k)"),
        ("zeros(2, 3), zeros(2, 4), zeros(2, 3)", ValueError, "(2, 4)", "d_k"),
        ("zeros(2, 3), zeros(4, 3), zeros(2, 3)", ValueError, "(4, 3)", "(2, 3)"),
        (
            "zeros(2, 2, 3), zeros(3, 2, 3), zeros(2, 3)",
            ValueError,
            "(2,) and (3,)",
        ),
        (
            "zeros(2, 3), zeros(2, 3), zeros(2, 3), ones(3, 2, dtype='bool')",
            ValueError,
            "attn_mask",
            "(3, 2)",
            "(2, 2)",
        ),
        (
            "zeros(2, 3), zeros(2, 3), zeros(2, 3), ones(1, 2, 2, dtype='bool')",
            ValueError,
            "attn_mask",
            "(1, 2, 2)",
            "(2, 2)",
        ),
        (
            "zeros(2, 3), zeros(2, 3), zeros(2, 3), Tensor([[0, 1]]), is_causal=True",
            TypeError,
            "attn_mask",
            "int64",
        ),
        (
            "zeros(2, 3), zeros(2, 3), zeros(2, 3), ones(3, 3, dtype='bool'), "
            "is_causal=True",
            ValueError,
            "attn_mask",
            "(3, 3)",
            "(2, 2)",
        ),
        ("ones(2, 2, dtype='bool'), zeros(2, 3), zeros(2, 3)", BAD, ""),
    ],
)
ROWS += fill(
    "einsum({})",
    [
        ("None, zeros(2)", TypeError, "NoneType"),
        ("zeros(2), 'i'", TypeError, "Tensor"),
        ("5, zeros(2)", TypeError, "int"),
        ("'ij', zeros(2)", ValueError, "'ij'", "(2,)"),
        ("'', zeros(2)", ValueError, "(2,)"),
        ("'i'", ValueError, "'i'"),
        ("'ij,jk->ik', zeros(2, 3), zeros(4, 5)", ValueError, "'j'", "3", "4"),
        ("'ij,jk->ik', zeros(2, 3)", ValueError, "2", "1"),
        ("'ij->ii', zeros(2, 2)", ValueError, "'ij->ii'"),
        ("'ij->ik', zeros(2, 2)", ValueError, "'ij->ik'"),
        ("'ij->ii', zeros(2, 2)", ValueError, "'ij->ii'"),
        ("'i...j...->i', zeros(2, 2)", ValueError, "at most one"),
        ("'i->j->i', zeros(2)", ValueError, "'i->j->i'"),
        ("'i,i,i->i', zeros(2), zeros(2)", ValueError, "3 operands and 2"),
        ("'i\\nj->i', zeros(2, 2)", ValueError, ""),
    ],
)

# --- making a Tensor, and its methods -------------------------------------------------

ROWS += fill(
    """
    Tensor({})
    Parameter({})
    """,
    [
        ("None", TypeError, "Tensor", "None"),
        ("'a'", TypeError, "Tensor", "'a'"),
        ("{}", TypeError, "Tensor", "dict"),
        ("{1.0}", TypeError, "Tensor", "set"),
        ("object()", TypeError, "Tensor", "object"),
        ("len", TypeError, "Tensor", "function"),
        ("float", TypeError, "Tensor", "type"),
        ("1j", TypeError, "Tensor", "complex"),
        ("iter([1.0])", TypeError, "Tensor", "iterator"),
        ("[None]", TypeError, "Tensor", "None"),
        ("[1.0, None]", TypeError, "Tensor", "None"),
        ("[1.0, 'a']", TypeError, "Tensor", "'a'"),
        ("[[1.0], [[2.0]]]", ValueError, "Tensor", "ragged"),
        ("[[1.0], 2.0]", ValueError, "Tensor", "ragged"),
        ("[[], [1.0]]", ValueError, "Tensor", "ragged"),
        ("[2**70]", BAD, "Tensor", "1180591620717411303424"),
        ("b'ab'", TypeError, "Tensor", "bytes"),
        ("'a\\nb'", TypeError, "Tensor", "str"),
    ],
)
ROWS += fill(
    "Tensor([1.0], dtype={})",
    [
        ("'f'", TypeError, "Tensor", "'f'", "float64"),
        ("5", TypeError, "Tensor", "5", "float64"),
        ("float", TypeError, "Tensor", "float", "float64"),
        ("object()", TypeError, "Tensor", "object", "float64"),
        ("[2]", TypeError, "Tensor", "[2]", "float64"),
        ("'int64', requires_grad=True", TypeError, "Tensor", "int64", "floats"),
    ],
)
ROWS += [
    ("Tensor([nan], dtype='int64')", BAD, "Tensor", ("nan", "NaN")),
    ("Tensor([inf], dtype='int64')", BAD, "Tensor", "inf"),
    ("Tensor([1.0, 2.0], [3.0])", TypeError, "Tensor", "requires_grad", "list"),
    ("Tensor(1.0, 'int64')", TypeError, "Tensor", "requires_grad", "str"),
    ("Parameter([1])", TypeError, "Tensor", "int64", "floats"),
    ("Parameter([True])", TypeError, "Tensor", "bool", "floats"),
    ("Tensor([1]).requires_grad_()", TypeError, "requires_grad", "int64"),
    ("(some(2) * 2).requires_grad_(False)", RuntimeError, "requires_grad", "mul"),
]
# Operators: Python's own sentence names the operator and both types
ROWS += [
    row
    for sign in ("+", "-", "*", "/", "**", "@")
    for row in fill(
        f"""
        zeros(2) {sign} {{}}
        {{}} {sign} zeros(2)
        """,
        [
            (what, TypeError, ("str" if what == "'a'" else kind))
            for what, kind in (
                ("None", "NoneType"),
                ("'a'", "str"),
                ("object()", "object"),
                ("len", "function"),
            )
        ],
    )
    if row[0] not in ("'a' * zeros(2)", "zeros(2) * 'a'")
]
ROWS += fill(
    "zeros(2) {} None",
    [(sign, TypeError, sign, "NoneType") for sign in ("<", "<=", ">", ">=")],
)
ROWS += [
    ("zeros(2) * 'a'", TypeError, ("*", "mul"), "str"),
    ("zeros(2) < ['a', 'b']", TypeError, ("<", "comparison"), "'a'"),
    ("zeros(2) == [1.0, [2.0]]", ValueError, ("==", "comparison"), "ragged"),
    ("zeros(2) == zeros(3)", ValueError, "comparison", "(2,)", "(3,)"),
    ("zeros(2) + ['a', 'b']", TypeError, ("+", "add"), "'a'"),
    ("zeros(2) / zeros(3)", ValueError, "div", "(2,)", "(3,)"),
    ("zeros(2) ** zeros(3)", ValueError, "pow", "(2,)", "(3,)"),
    ("pow(zeros(2), 2, 3)", TypeError, "pow"),
    ("zeros(2).backward()", RuntimeError, "backward", "no graph"),
    ("(some(2) * 2).backward()", RuntimeError, "backward", "(2,)", "scalar"),
    ("zeros(2).item()", ValueError, "item", "(2,)"),
    ("zeros(0).item()", ValueError, "item", "(0,)"),
    ("float(zeros(2))", ValueError, ("float", "item"), "(2,)"),
    ("int(zeros(2))", ValueError, ("int", "item"), "(2,)"),
    ("int(Tensor(nan))", ValueError, ("int", "item"), ("nan", "NaN")),
    ("bool(zeros(2))", ValueError, ("bool", "item"), "(2,)"),
    ("list(zeros())", TypeError, ("iter", "len"), "()"),
    ("len(zeros())", TypeError, "len", "()"),
    ("some(2).numpy()", RuntimeError, "numpy", "detach"),
    ("zeros(2).mT", ValueError, "matrix_transpose", "(2,)"),
    ("setattr(some(2), 'grad', 1.0)", TypeError, "grad", "float"),
    ("setattr(some(2), 'grad', [1.0, 1.0])", TypeError, "grad", "list"),
    ("setattr(some(2), 'grad', 'a')", TypeError, "grad", "str"),
    ("setattr(Tensor([1]), 'requires_grad', True)", TypeError, "requires_grad"),
]
ROWS += fill(
    "(some(2) * 2).backward({})",
    [
        ("ones(3)", ValueError, "backward", "(3,)", "(2,)"),
        ("ones(1)", ValueError, "backward", "(1,)", "(2,)"),
        ("ones()", ValueError, "backward", "()", "(2,)"),
        ("1.0", TypeError, "backward", "float"),
        ("[1.0, 1.0]", TypeError, "backward", "list"),
        ("'a'", TypeError, "backward", "str"),
        ("{}", TypeError, "backward", "dict"),
        ("object()", TypeError, "backward", "object"),
        ("len", TypeError, "backward", "function"),
        ("True", TypeError, "backward", "bool"),
    ],
)
ROWS += fill(
    "zeros(2, 3).{}",
    [
        ("argmax(2)", IndexError, "argmax", "axis 2"),
        ("argmin('x')", TypeError, "argmin", "str"),
        ("astype('f')", TypeError, "astype", "'f'", "float64"),
        ("astype(None)", TypeError, "astype", "None"),
        ("broadcast_to(3, 2)", ValueError, "broadcast_to", "(2, 3)", "(3, 2)"),
        ("broadcast_to()", ValueError, "broadcast_to", "(2, 3)", "()"),
        ("broadcast_to('a')", BAD, "broadcast_to", "str"),
        ("chunk(0)", ValueError, "chunk", "0"),
        ("clip()", ValueError, "clip", "min"),
        ("clip('a')", TypeError, "clip", ("'a'", "str")),
        ("expand(-1, -1, -1, -1)", ValueError, "expand", "(2, 3)"),
        ("expand(None)", BAD, "expand", "None"),
        ("flatten(2)", IndexError, "flatten", "axis 2"),
        ("gather(2, Tensor([[0]]))", IndexError, "gather", "axis 2"),
        ("gather(0, None)", BAD, "gather", "None"),
        ("log_softmax(2)", IndexError, "log_softmax", "axis 2"),
        ("logsumexp(2)", IndexError, "logsumexp", "axis 2"),
        ("max(2)", IndexError, "max", "axis 2"),
        ("maximum(None)", TypeError, "maximum", "NoneType"),
        ("mean('x')", TypeError, "mean", "str"),
        ("min((0, 0))", ValueError, "min", "twice"),
        ("minimum('a')", TypeError, "minimum", "str"),
        ("minimum(zeros(2))", ValueError, "minimum", "(2, 3)", "(2,)"),
        ("permute_dims(0)", ValueError, "permute_dims", "(0,)"),
        ("permute_dims()", ValueError, "permute_dims", "()"),
        ("reshape()", ValueError, "reshape", "(2, 3)", "()"),
        ("reshape(4, 2)", ValueError, "reshape", "(2, 3)", "(4, 2)"),
        ("reshape('a')", TypeError, "reshape", "str"),
        ("reshape(10**12)", ValueError, "reshape", "(2, 3)", "1000000000000"),
        ("softmax(None)", TypeError, "softmax", "None"),
        ("split(0)", ValueError, "split", "0"),
        ("split([1])", ValueError, "split", "[1]", "2"),
        ("squeeze(2)", IndexError, "squeeze", "axis 2"),
        ("std(0, 'a')", TypeError, "std", ("'a'", "str")),
        ("sum(2)", IndexError, "sum", "axis 2"),
        ("swapaxes(0, 2)", IndexError, "swapaxes", "axis 2"),
        ("take_along_axis([0])", ValueError, "take_along_axis", "(1,)", "(2, 3)"),
        ("transpose(0, 2)", IndexError, "transpose", "axis 2"),
        ("tril('a')", TypeError, "tril", ("'a'", "str")),
        ("triu(None)", TypeError, "triu", "None"),
        ("unsqueeze(3)", IndexError, "unsqueeze", "axis 3"),
        ("var(2)", IndexError, "var", "axis 2"),
        ("requires_grad_([1])", TypeError, "requires_grad", "list"),
    ],
)

# --- gradients, and the check of them -------------------------------------------------

ROWS += fill(
    "grad({}, some(2))",
    [
        ("None", TypeError, "grad", "outputs", "NoneType"),
        ("'a'", TypeError, "grad", "outputs", "str"),
        ("5", TypeError, "grad", "outputs", "int"),
        ("[1.0]", TypeError, "grad", "outputs", "float"),
        ("[]", BAD, "grad", "outputs"),
        ("len", TypeError, "grad", "outputs", "function"),
        ("zeros(())", RuntimeError, "grad", "no graph"),
        ("some(3)", RuntimeError, "grad", "(3,)", "scalar"),
        ("some(2).sum()", RuntimeError, "grad", "input 0", "not used"),
    ],
)
ROWS += fill(
    "grad(some(2).sum(), {})",
    [
        ("None", TypeError, "grad", "input", "NoneType"),
        ("'a'", TypeError, "grad", "input", "str"),
        ("5", TypeError, "grad", "input", "int"),
        ("[1.0]", TypeError, "grad", "input 0", "float"),
        ("[None]", TypeError, "grad", "input 0", "NoneType"),
        ("len", TypeError, "grad", "input", "function"),
        ("zeros(2)", RuntimeError, "grad", "input 0", "requires_grad=True"),
        ("Tensor([1])", RuntimeError, "grad", "input 0"),
    ],
)
ROWS += fill(
    "(lambda x: grad(x * 2, x, {}))(some(2))",
    [
        ("None", RuntimeError, "grad", "(2,)", "scalar"),
        ("ones(3)", ValueError, "grad", "(3,)", "(2,)"),
        ("1.0", TypeError, "grad", "float"),
        ("'a'", TypeError, "grad", "str"),
        ("[1.0]", TypeError, "grad", "float"),
        ("[1.0, 1.0]", BAD, "grad", ""),
        ("[]", ValueError, "grad", "0", "1"),
        ("[ones(2), ones(2)]", ValueError, "grad", "2", "1"),
        ("object()", TypeError, "grad", "object"),
        ("len", TypeError, "grad", "function"),
    ],
)
ROWS += fill(
    """
    gradcheck({})
    gradgradcheck({})
    """,
    [
        ("None, some(2)", TypeError, "NoneType"),
        ("'a', some(2)", TypeError, "str"),
        ("some(2), lambda x: x", TypeError, "Tensor"),  # swapped
        ("lambda x: x * x, None", TypeError, "NoneType"),
        ("lambda x: x * x, 5", TypeError, "int"),
        ("lambda x: x * x, []", ValueError, "no input"),
        ("lambda x: x * x, zeros(2)", ValueError, "no input", "gradient"),
        ("lambda x: x * x, [1.0]", ValueError, "no input", "gradient"),
        ("no_tensor, some(2)", TypeError, "NoneType"),
        ("lambda x: 2.0, some(2)", TypeError, "float"),
        ("lambda x: [2.0], some(2)", TypeError, "float"),
        ("lambda x: x * x, some(2), eps=0.0", ValueError, "eps", "0.0"),
        ("lambda x: x * x, some(2), eps=-1.0", ValueError, "eps", "-1.0"),
        ("lambda x: x * x, some(2), eps=nan", ValueError, "eps", "nan"),
        ("lambda x: x * x, some(2), eps='a'", TypeError, "eps", "str"),
        ("lambda x: x * x, some(2), eps=None", TypeError, "eps", "None"),
        ("lambda x: x * x, some(2), atol='a'", TypeError, "atol", "str"),
        ("lambda x: x * x, some(2), rtol=None", TypeError, "rtol", "None"),
        ("lambda x: x * x, some(2), rtol=nan", ValueError, "rtol", "nan"),
    ],
)
ROWS += [
    ("gradcheck(lambda x: x.detach() * 2, some(2))", RuntimeError, "no output"),
    ("gradgradcheck(lambda x: x * x, some(2), 5)", TypeError, "grad_outputs", "int"),
    (
        "gradgradcheck(lambda x: x * x, some(2), ones(3))",
        (ValueError, RuntimeError),
        "grad",
    ),
]

# --- what is switched on --------------------------------------------------------------

NO_BACKEND: list[Row] = [
    ("'cuda'", ValueError, "'cuda'", "python, numpy, scalar"),
    ("''", ValueError, "''", "python, numpy, scalar"),
    ("None", BAD, "None", "python, numpy, scalar"),
    ("5", BAD, "5", "python, numpy, scalar"),
    ("['python']", BAD, "['python']", "python, numpy, scalar"),
    ("{}", BAD, "{}", "python, numpy, scalar"),
    ("object()", BAD, "object", "python, numpy, scalar"),
    ("'python', 'float32'", ValueError, "'python'", "float64", "'float32'"),
    ("'scalar', 'int64'", ValueError, "'scalar'", "float64", "'int64'"),
    ("'python', 5", BAD, "'python'", "float64", "5"),
    ("'python', float", BAD, "'python'", "float64"),
    ("'python', ['float64']", BAD, "'python'", "float64"),
]
ROWS += fill(
    """
    set_backend({})
    enter(use_backend({}))
    """,
    [(what, kind, "backend", *parts) for what, kind, *parts in NO_BACKEND],
)
ROWS += fill(
    "manual_seed({})",
    [
        ("None", TypeError, "manual_seed", "None"),
        ("[1]", TypeError, "manual_seed", ("list", "[1]")),
        ("{}", TypeError, "manual_seed", "dict"),
        ("object()", TypeError, "manual_seed", "object"),
        ("1.5", TypeError, "manual_seed", ("float", "1.5")),
        ("nan", TypeError, "manual_seed", ("float", "nan")),
    ],
)
ROWS += fill(
    "set_rng_state({})",
    [
        ("None", BAD, "set_rng_state", "None"),
        ("5", BAD, "set_rng_state", "int"),
        ("()", BAD, "set_rng_state", "get_rng_state"),
        ("(3, (), None)", BAD, "set_rng_state", "get_rng_state"),
        ("'a'", BAD, "set_rng_state", "str"),
    ],
)
ROWS += [
    ("Value(None)", TypeError, "Value", "NoneType"),
    ("Value('a')", TypeError, "Value", "str"),
    ("Value([1.0])", TypeError, "Value", "list"),
    ("Value(1.0) + None", TypeError, "+", "Value", "NoneType"),
    ("Value(1.0) ** 'a'", TypeError, "**", "Value", "str"),
]

# --- modules --------------------------------------------------------------------------

NO_WIDTH: list[Row] = [
    ("0", ValueError, "=0"),
    ("-2", ValueError, "=-2"),
    ("2.0", BAD, "=2.0"),
    ("nan", BAD, "=nan"),
    ("inf", BAD, "=inf"),
    ("'2'", BAD, "='2'"),
    ("[2]", BAD, "=[2]"),
    ("True", BAD, "=True"),
    ("object()", BAD, "=<object"),
]
ROWS += [
    (call, kind, call.split("(")[0].removeprefix("nn."), *parts)
    for call, kind, *parts in fill(
        """
        nn.AttentionHead({}, 2)
        nn.AttentionHead(2, {})
        nn.AttentionHead(2, 2, {})
        nn.Embedding({}, 2)
        nn.Embedding(2, {})
        nn.FeedForward({}, 2)
        nn.FeedForward(2, {})
        nn.LearnedPositions({}, 2)
        nn.LearnedPositions(2, {})
        nn.Linear({}, 2)
        nn.Linear(2, {})
        nn.MultiHeadAttention({}, 2)
        nn.MultiHeadAttention(2, {})
        nn.SinusoidalPositions({}, 2)
        nn.SinusoidalPositions(2, {})
        """,
        NO_WIDTH,
    )
]
ROWS += [
    (call, kind, ("TransformerEncoderLayer", "MultiHeadAttention", "FeedForward"), *_)
    for call, kind, *_ in fill(
        """
        nn.TransformerEncoderLayer({}, 2)
        nn.TransformerEncoderLayer(2, {})
        nn.TransformerEncoderLayer(2, 2, {})
        """,
        NO_WIDTH,
    )
]
ROWS += fill(
    "nn.LayerNorm({})",
    [
        ("0", BAD, "LayerNorm", "0"),
        ("-2", BAD, "LayerNorm", "-2"),
        ("2.5", BAD, "LayerNorm", "2.5"),
        ("nan", BAD, "LayerNorm", "nan"),
        ("'a'", BAD, "LayerNorm", "'a'"),
        ("None", BAD, "LayerNorm", "None"),
        ("()", BAD, "LayerNorm", "()"),
        ("(2, -1)", BAD, "LayerNorm", "-1"),
        ("(2, None)", BAD, "LayerNorm", "None"),
        ("object()", BAD, "LayerNorm", "object"),
        ("2, eps='a'", BAD, "LayerNorm", "eps", "'a'"),
        ("2, eps=None", BAD, "LayerNorm", "eps", "None"),
        ("2, eps=-1.0", ValueError, "LayerNorm", "eps", "-1.0"),
        ("2, eps=nan", ValueError, "LayerNorm", "eps", "nan"),
    ],
)
NO_PROBABILITY: list[Row] = [
    ("1.0", ValueError, "1.0"),
    ("-0.1", ValueError, "-0.1"),
    ("nan", ValueError, "nan"),
    ("inf", ValueError, "inf"),
    ("'a'", TypeError, ("'a'", "str")),
    ("None", TypeError, "None"),
    ("[0.5]", TypeError, ("[0.5]", "list")),
]
ROWS += [
    (
        call,
        kind,
        (call.split("(")[0].removeprefix("nn."), "Dropout", "MultiHeadAttention"),
        *parts,
    )
    for call, kind, *parts in fill(
        """
        nn.Dropout({})
        nn.FeedForward(2, 2, {})
        nn.MultiHeadAttention(2, 1, {})
        nn.TransformerEncoderLayer(2, 1, 2, {})
        """,
        NO_PROBABILITY,
    )
]
ROWS += fill(
    """
    nn.FeedForward(2, 2, 0.0, {})
    nn.TransformerEncoderLayer(2, 1, 2, 0.1, {})
    """,
    [
        ("'x'", ValueError, "FeedForward", "'x'", "relu"),
        ("None", BAD, "FeedForward", "None", "relu"),
        ("len", BAD, "FeedForward", "function", "relu"),
        ("['relu']", BAD, "FeedForward", "['relu']", "relu"),
    ],
)
ROWS += fill(
    """
    nn.Embedding(2, 2, std={})
    nn.LearnedPositions(2, 2, {})
    """,
    [
        ("'a'", TypeError, ("Embedding", "LearnedPositions"), "std", "'a'"),
        ("None", TypeError, ("Embedding", "LearnedPositions"), "std", "None"),
        ("-1.0", ValueError, ("Embedding", "LearnedPositions"), "std", "-1.0"),
        ("nan", ValueError, ("Embedding", "LearnedPositions"), "std", "nan"),
        ("[1.0]", TypeError, ("Embedding", "LearnedPositions"), "std", "list"),
    ],
)
# Called with no Tensor: the module, or the operation inside that meets it first
INSIDE = {
    "AttentionHead": ("AttentionHead",),
    "Dropout": ("Dropout", "dropout"),
    "Embedding": ("Embedding", "embedding"),
    "FeedForward": ("FeedForward", "linear"),
    "LayerNorm": ("LayerNorm", "layer_norm"),
    "LearnedPositions": ("LearnedPositions",),
    "Linear": ("Linear", "linear"),
    "MultiHeadAttention": ("MultiHeadAttention",),
    "SinusoidalPositions": ("SinusoidalPositions",),
    "Softmax": ("Softmax", "softmax"),
    "TransformerEncoderLayer": ("TransformerEncoderLayer", "MultiHeadAttention"),
}
ROWS += [
    (call, kind, INSIDE[call.split("(")[0].removeprefix("nn.")], *parts)
    for call, kind, *parts in fill(
        """
        nn.AttentionHead(2, 2)({})
        nn.Dropout(0.5)({})
        nn.Dropout(0.5).eval()({})
        nn.FeedForward(2, 2)({})
        nn.LayerNorm(2)({})
        nn.LearnedPositions(2, 2)({})
        nn.Linear(2, 2)({})
        nn.MultiHeadAttention(2, 1)({})
        nn.SinusoidalPositions(2, 2)({})
        nn.Softmax()({})
        nn.TransformerEncoderLayer(2, 1, 2)({})
        """,
        NO_TENSOR,
    )
]
ROWS += [
    (call, kind, INSIDE[call.split("(")[0].removeprefix("nn.")], *parts)
    for call, kind, *parts in fill("nn.Embedding(3, 2)({})", NO_INDICES)
]
ROWS += [
    ("nn.Softmax(5)(zeros(2))", IndexError, "softmax", "axis 5"),
    ("nn.Softmax('x')(zeros(2))", TypeError, "softmax", "str"),
    ("nn.Linear(3, 2)(zeros(2))", ValueError, "linear", "(2,)", "(2, 3)"),
    ("nn.Linear(3, 2)(zeros())", ValueError, "linear", "()", "(2, 3)"),
    ("nn.LayerNorm(2)(zeros(3))", ValueError, "layer_norm", "(3,)", "(2,)"),
    ("nn.LayerNorm((2, 3))(zeros(3))", ValueError, "layer_norm", "(3,)", "(2, 3)"),
    ("nn.FeedForward(2, 3)(zeros(4, 3))", ValueError, "linear", "(4, 3)"),
    ("nn.AttentionHead(4, 2)(zeros(5, 3))", ValueError, "AttentionHead", "(5, 3)"),
    ("nn.AttentionHead(4, 2)(zeros(4))", ValueError, "AttentionHead", "(4,)"),
    ("nn.AttentionHead(4, 2)(zeros(5, 4), zeros(5, 3))", ValueError, "(5, 3)"),
    ("nn.AttentionHead(4, 2)(zeros(5, 4), 'a')", TypeError, ("str", "'a'")),
    (
        "nn.AttentionHead(4, 2)(zeros(5, 4), mask=zeros(5, 5))",
        TypeError,
        "AttentionHead",
        "float64",
    ),
    (
        "nn.AttentionHead(4, 2)(zeros(5, 4), mask=zeros(5, 4) > 0)",
        ValueError,
        "AttentionHead",
        "(5, 4)",
        "(5, 5)",
    ),
    ("nn.LearnedPositions(4, 2)(zeros(2))", ValueError, "LearnedPositions", "(2,)"),
    ("nn.LearnedPositions(4, 2)(zeros(5, 2))", ValueError, "Positions", "(5, 2)"),
    ("nn.LearnedPositions(4, 2)(zeros(3, 1))", ValueError, "Positions", "(3, 1)"),
    ("nn.LearnedPositions(4, 2)(zeros(3, 5))", ValueError, "Positions", "(3, 5)"),
    ("nn.SinusoidalPositions(4, 2)(zeros(2))", ValueError, "Positions", "(2,)"),
    ("nn.SinusoidalPositions(4, 2)(zeros(5, 2))", ValueError, "Positions", "(5, 2)"),
    ("nn.SinusoidalPositions(4, 2)(zeros(3, 1))", ValueError, "Positions", "(3, 1)"),
    ("nn.SinusoidalPositions(4, 2)(zeros(3, 5))", ValueError, "Positions", "(3, 5)"),
]
ROWS += fill(
    "nn.MultiHeadAttention(4, 2)({})",
    [
        ("zeros(4)", ValueError, "MultiHeadAttention", "(4,)"),
        ("zeros(5, 3)", ValueError, "MultiHeadAttention", "(5, 3)"),
        ("zeros(5, 4), zeros(4)", ValueError, "MultiHeadAttention", "(4,)"),
        ("zeros(5, 4), zeros(5, 3)", ValueError, "MultiHeadAttention", "(5, 3)"),
        ("zeros(5, 4), zeros(6, 4), zeros(7, 4)", ValueError, "6, 2", "7, 2"),
        ("zeros(5, 4), 'a'", TypeError, ("MultiHeadAttention", "linear"), "str"),
        ("zeros(5, 4), attn_mask='a'", TypeError, "attn_mask", "str"),
        ("zeros(5, 4), attn_mask=[[True]]", TypeError, "attn_mask", "list"),
        (
            "zeros(5, 4), attn_mask=zeros(5, 5, dtype='int64')",
            TypeError,
            "attn_mask",
            "int64",
        ),
        (
            "zeros(5, 4), attn_mask=ones(4, 5, dtype='bool')",
            ValueError,
            "attn_mask",
            "(4, 5)",
        ),
        (
            "zeros(5, 4), attn_mask=ones(3, 5, 5, dtype='bool')",
            ValueError,
            "attn_mask",
            "5, 5",
        ),
    ],
)
ROWS += fill(
    "nn.TransformerEncoderLayer(4, 2, 4)({})",
    [
        ("zeros(4)", ValueError, ("TransformerEncoder", "MultiHead"), "(4,)"),
        ("zeros(5, 3)", ValueError, "MultiHeadAttention", "(5, 3)"),
        ("zeros(5, 4), 'a'", TypeError, "mask", "str"),
        ("zeros(5, 4), Tensor([[0] * 5] * 5)", TypeError, "mask", "int64"),
        ("zeros(5, 4), ones(4, 5, dtype='bool')", ValueError, "mask", "(4, 5)"),
    ],
)
ROWS += [
    ("nn.TransformerEncoderLayer(10, 3)", ValueError, "d_model=10", "num_heads=3"),
    ("nn.Module()(zeros(2))", RuntimeError, "Module", "forward"),
    ("nn.ModuleList(None)", TypeError, "ModuleList", "NoneType"),
    ("nn.ModuleList(5)", TypeError, "ModuleList", "int"),
    ("nn.ModuleList([None])", TypeError, "ModuleList", "NoneType"),
    ("nn.ModuleList(['a'])", TypeError, "ModuleList", "str"),
    ("nn.ModuleList([zeros(2)])", TypeError, "ModuleList", "Tensor"),
    ("nn.ModuleList().append(None)", TypeError, "ModuleList", "NoneType"),
    ("nn.ModuleList()[0]", IndexError, "ModuleList", "0"),
    ("nn.ModuleList([nn.Linear(1, 1)])[5]", IndexError, "ModuleList", "5"),
    ("nn.ModuleList([nn.Linear(1, 1)])['a']", TypeError, "ModuleList", "str"),
    ("nn.Sequential(None)", TypeError, "Sequential", "NoneType"),
    ("nn.Sequential(len)", TypeError, "Sequential", "function"),
    ("nn.Sequential([nn.Linear(1, 1)])", TypeError, "Sequential", "list"),
    (
        "nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3))(zeros(2))",
        ValueError,
        "linear",
        "(3,)",
        "(3, 2)",
    ),
]
ROWS += fill(
    "nn.Linear(2, 2).load_state_dict({})",
    [
        ("{}", ValueError, "load_state_dict", "missing", "weight"),
        ("None", TypeError, "load_state_dict", "NoneType"),
        ("5", TypeError, "load_state_dict", "int"),
        ("'a'", BAD, "load_state_dict", "a"),
        ("[1.0]", TypeError, "load_state_dict", "list"),
        (
            "{'weight': zeros(3, 2), 'bias': zeros(2)}",
            ValueError,
            "load_state_dict",
            "weight",
            "(3, 2)",
            "(2, 2)",
        ),
        (
            "{'weight': zeros(2, 2), 'bias': zeros(2), 'x': zeros(1)}",
            ValueError,
            "load_state_dict",
            "unexpected",
            "x",
        ),
        (
            "{'weight': 'a', 'bias': zeros(2)}",
            TypeError,
            "load_state_dict",
            "weight",
            "'a'",
        ),
        (
            "{'weight': None, 'bias': zeros(2)}",
            TypeError,
            "load_state_dict",
            "weight",
            "None",
        ),
    ],
)

ROWS += [
    (call, kind, call.split("(")[0].removeprefix("nn."), *parts)
    for call, kind, *parts in fill(
        """
        nn.without_gradient({})
        nn.warn_without_gradient({})
        """,
        [
            ("None", TypeError, "NoneType", "nn.Module"),
            ("5", TypeError, "int", "nn.Module"),
            ("zeros(2)", TypeError, "Tensor", "nn.Module"),
            ("nn.Linear", TypeError, "type", "nn.Module"),
            ("nn.Linear(1, 1).parameters()", TypeError, "generator", "nn.Module"),
            ("nn.Linear(1, 1)", RuntimeError, "no parameter", "backward()"),
        ],
    )
]

# --- optimizers -----------------------------------------------------------------------

OPTIMIZERS = """
    optim.SGD({})
    optim.Adam({})
    optim.AdamW({})
"""
SHARED = [
    ("[]", ValueError, "no parameters"),
    ("None", TypeError, "NoneType"),
    ("5", TypeError, "int"),
    ("[1.0]", TypeError, "float"),
    ("['a']", TypeError, "str"),
    ("[None]", TypeError, "NoneType"),
    ("Parameter([1.0])", TypeError, "Parameter"),
    ("[zeros(2)]", BAD, ""),
    ("nn.Linear(1, 1)", TypeError, "Linear"),
    ("[Parameter([1.0])], -1.0", ValueError, "lr", "-1.0"),
    ("[Parameter([1.0])], nan", ValueError, "lr", "nan"),
    ("[Parameter([1.0])], 'a'", TypeError, "lr", "'a'"),
    ("[Parameter([1.0])], None", TypeError, "lr", "None"),
    ("[Parameter([1.0])], [0.1]", TypeError, "lr", "[0.1]"),
    ("0.1, [Parameter([1.0])]", TypeError, "float"),
    ("[Parameter([1.0])], 0.1, weight_decay='a'", TypeError, "weight_decay", "'a'"),
    ("[Parameter([1.0])], 0.1, weight_decay=-1.0", ValueError, "weight_decay"),
    ("[Parameter([1.0])], 0.1, weight_decay=nan", ValueError, "weight_decay", "nan"),
    ("[Parameter([1.0])], 0.1, weight_decay=None", TypeError, "weight_decay"),
]
ROWS += [
    (call, kind, call.split("(")[0].removeprefix("optim."), *parts)
    for call, kind, *parts in fill(OPTIMIZERS, SHARED)
]
ROWS += fill(
    "optim.SGD([Parameter([1.0])], 0.1, {})",
    [
        ("1.0", ValueError, "SGD", "momentum", "1.0"),
        ("-0.5", ValueError, "SGD", "momentum", "-0.5"),
        ("nan", ValueError, "SGD", "momentum", "nan"),
        ("'a'", TypeError, "SGD", "momentum", "'a'"),
        ("None", TypeError, "SGD", "momentum", "None"),
    ],
)
ROWS += fill(
    """
    optim.Adam([Parameter([1.0])], 0.1, {})
    optim.AdamW([Parameter([1.0])], 0.1, {})
    """,
    [
        ("(1.0, 0.9)", ValueError, "Adam", "betas", "1.0"),
        ("(0.9, -0.1)", ValueError, "Adam", "betas", "-0.1"),
        ("(0.9, nan)", ValueError, "Adam", "betas", "nan"),
        ("0.9", BAD, "Adam", "betas", "0.9"),
        ("(0.9,)", BAD, "Adam", "betas", "(0.9,)"),
        ("(0.9, 0.9, 0.9)", BAD, "Adam", "betas", "0.9"),
        ("('a', 'b')", BAD, "Adam", "betas", "'a'"),
        ("None", BAD, "Adam", "betas", "None"),
        ("eps=-1.0", ValueError, "Adam", "eps", "-1.0"),
        ("eps=nan", ValueError, "Adam", "eps", "nan"),
        ("eps='a'", TypeError, "Adam", "eps", "'a'"),
        ("eps=None", TypeError, "Adam", "eps", "None"),
    ],
)
ROWS += fill(
    "optim.SGD([Parameter([1.0])]).load_state_dict({})",
    [
        ("{}", ValueError, "SGD", "nothing in it", "optimizer, steps, state"),
        ("None", TypeError, "SGD", "NoneType"),
        ("5", TypeError, "SGD", "int"),
        ("[]", TypeError, "SGD", "list", "state_dict()"),
        ("{'steps': 1, 'm': []}", ValueError, "SGD", "m, steps", "param_groups"),
        ("optim.Adam([Parameter([1.0])]).state_dict()", ValueError, "SGD", "of Adam"),
    ],
)
ROWS += fill(
    "optim.WarmUp(optim.SGD([Parameter([1.0])]), {})",
    [
        ("-1", ValueError, "WarmUp", "-1"),
        ("nan", BAD, "WarmUp", "nan"),
        ("'a'", BAD, "WarmUp", "'a'"),
        ("None", BAD, "WarmUp", "None"),
        ("[4]", BAD, "WarmUp", "[4]"),
    ],
)
ROWS += [
    ("optim.WarmUp(None, 4)", TypeError, "WarmUp", "NoneType"),
    ("optim.WarmUp(4, optim.SGD([Parameter([1.0])]))", TypeError, "WarmUp", "int"),
]
ROWS += fill(
    "optim.clip_grad_norm({})",
    [
        ("[], 0.0", ValueError, "clip_grad_norm", "max_norm=0.0"),
        ("[], -1.0", ValueError, "clip_grad_norm", "max_norm=-1.0"),
        ("[], nan", ValueError, "clip_grad_norm", "max_norm=nan"),
        ("[], 'a'", TypeError, "clip_grad_norm", "max_norm='a'"),
        ("[], None", TypeError, "clip_grad_norm", "max_norm=None"),
        ("None, 1.0", TypeError, "clip_grad_norm", "NoneType"),
        ("5, 1.0", TypeError, "clip_grad_norm", "int"),
        ("[1.0], 1.0", TypeError, "clip_grad_norm", "float"),
        ("['a'], 1.0", TypeError, "clip_grad_norm", "str"),
        ("1.0, [Parameter([1.0])]", TypeError, "clip_grad_norm", ""),
    ],
)


# --- one at a time, as they were found in use ----------------------------------------

SINGLE: list[Row] = [
    ("zeros(2).add_(zeros(3))", ValueError, "add_", "(2,)", "(3,)"),
    ("zeros(2).add_('a')", TypeError, "add_", "str"),
    ("zeros(2).add_(1.0, alpha='a')", TypeError, "add_", "alpha='a'"),
    ("zeros(2).sub_(zeros(2, 2))", ValueError, "sub_", "(2, 2)", "(2,)"),
    ("zeros(2).sub_(1.0, alpha=None)", TypeError, "sub_", "alpha=None"),
    ("zeros(2).mul_(None)", TypeError, "mul_", "NoneType"),
    ("Tensor([1, 2]).mul_(0.5)", TypeError, "mul_", "int64", "float"),
    ("Tensor([1, 2]).div_(2)", TypeError, "div_", "int64", "float"),
    ("zeros(2).copy_(zeros(3))", ValueError, "copy_", "(3,)", "(2,)"),
    ("zeros(2).copy_('a')", TypeError, "copy_", "'a'"),
    ("zeros(2).fill_('a')", TypeError, "fill_", "'a'"),
    ("zeros(2).assign(zeros(3))", ValueError, "assign", "(3,)", "(2,)"),
    ("zeros(2).assign(Tensor([1, 2]))", TypeError, "assign", "int64", "float"),
    ("zeros(2).assign({})", TypeError, "assign", "dict"),
    ("zeros(2, 3) + zeros(4, 3)", ValueError, "add", "(2, 3)", "(4, 3)"),
    ("zeros(2) * zeros(3)", ValueError, "mul", "(2,)", "(3,)"),
    ("zeros(2) > zeros(3)", ValueError, "comparison", "(2,)", "(3,)"),
    ("maximum(zeros(2), zeros(3))", ValueError, "maximum", "(2,)", "(3,)"),
    ("zeros(2, 3) @ zeros(4, 5)", ValueError, "matmul", "(2, 3)", "(4, 5)"),
    ("zeros(3) @ zeros(2)", ValueError, "matmul", "(3,)", "(2,)", "equal"),
    ("zeros() @ zeros(2)", ValueError, "matmul", "()", "(2,)", "axis"),
    ("zeros(2, 2, 3) @ zeros(3, 3, 2)", ValueError, "matmul", "broadcast"),
    (
        "scaled_dot_product_attention(zeros(1, 0), zeros(2, 0), zeros(2, 3))",
        ValueError,
        "scaled_dot_product_attention",
        "(1, 0)",
        "d_k is 0",
    ),
    ("zeros(2).gelu('fast')", ValueError, "gelu", "'fast'", "'tanh'"),
    ("zeros(2).leaky_relu('a')", TypeError, "leaky_relu", "'a'", "str"),
    ("zeros(2) + '1'", TypeError, "add", "Tensor", "str"),
    ("None - zeros(2)", TypeError, "sub", "NoneType", "Tensor"),
    ("zeros(6).reshape(4)", ValueError, "reshape", "(6,)", "(4,)"),
    ("zeros(6).reshape(-1, -1)", ValueError, "reshape", "(-1, -1)"),
    ("zeros(6).reshape(-1, 4)", ValueError, "reshape", "(-1, 4)"),
    ("zeros(2, 3).permute_dims(0, 0)", ValueError, "permute_dims", "(0, 0)"),
    ("zeros(2, 3).permute_dims(0, 5)", IndexError, "permute_dims", "5"),
    ("zeros(2).broadcast_to(3)", ValueError, "broadcast_to", "(2,)", "(3,)"),
    ("zeros(2, 3).sum(axis=2)", IndexError, "sum", "axis 2", "-2..1"),
    ("zeros(2, 3).sum(axis=(0, 0))", ValueError, "sum", "twice"),
    ("zeros(2, 3).mean(axis='x')", TypeError, "mean"),
    ("zeros(0).max()", ValueError, "max"),
    ("zeros(2, 0).argmax(axis=1)", ValueError, "argmax", "empty"),
    ("zeros(2, 3)[2]", IndexError, "indexing", "2", "axis 0", "-2..1"),
    ("zeros(2, 3)[0, 0, 0]", IndexError, "indexing", "(2, 3)"),
    ("zeros(2, 3)['a']", TypeError, "indexing", "'a'"),
    ("zeros(2, 3)[0.5]", TypeError, "indexing", "0.5"),
    ("concat([])", ValueError, "concat"),
    ("concat([zeros(2, 3), zeros(2, 4)])", ValueError, "concat", "(2, 4)"),
    ("concat([zeros(2)], axis=1)", IndexError, "concat", "axis 1"),
    ("where(zeros(2), 1.0, zeros(2))", TypeError, "where", "float64", "bool"),
    ("where(True, zeros(2), 0.0)", TypeError, "where", "bool"),
    ("ops.take(zeros(3, 2), Tensor([3]))", IndexError, "take", "3", "0..2"),
    ("ops.take(zeros(3, 2), Tensor([-1]))", IndexError, "take", "-1", "0..2"),
    ("ops.take(zeros(3, 2), zeros(1))", TypeError, "take", "integer"),
    ("Tensor([[1.0], [1.0, 2.0]])", ValueError, "Tensor", "ragged", "1, 2"),
    ("Tensor([1.0, [2.0]])", ValueError, "Tensor", "ragged"),
    ("Tensor(['a'])", TypeError, "Tensor", "'a'", "not a number"),
    ("Tensor(None)", TypeError, "Tensor", "None"),
    ("Tensor([1.0], dtype='text')", TypeError, "Tensor", "'text'", "float64"),
    ("Tensor([1], requires_grad=True)", TypeError, "int64", "floats"),
    ("zeros(2, -1)", ValueError, "shape", "(2, -1)"),
    ("randn(2.5)", ValueError, "randn", "2.5"),
    ("rand('3')", ValueError, "rand", "3"),
    ("full(3, 1.0, dtype='f')", TypeError, "'f'"),
    ("arange(0, 3, 0)", ValueError, "arange", "step 0"),
    ("zeros(2).item()", ValueError, "item", "(2,)", "one"),
    ("len(zeros())", TypeError, "len"),
    ("bool(zeros(2))", ValueError, "(2,)"),
    ("randn(2, requires_grad=True).__setitem__(0, 1.0)", TypeError, "where"),
    ("set_backend('cuda')", ValueError, "'cuda'", "python, numpy, scalar"),
    ("set_backend('python', 'float32')", ValueError, "float32", "float64"),
    ("F.softmax(zeros(2, 3), axis=2)", IndexError, "softmax", "axis 2"),
    ("F.gelu(zeros(2), 'fast')", ValueError, "gelu", "'fast'", "'tanh'"),
    ("F.dropout(zeros(2), 1.0)", ValueError, "dropout", "p=1.0", "[0, 1)"),
    ("F.linear(zeros(2, 3), zeros(4, 5))", ValueError, "linear", "(4, 5)"),
    (
        "F.linear(zeros(2, 3), zeros(4, 3), zeros(3))",
        ValueError,
        "linear",
        "bias",
        "(4,)",
    ),
    ("F.layer_norm(zeros(2, 3), 2)", ValueError, "layer_norm", "(2, 3)"),
    (
        "F.layer_norm(zeros(2, 3), 3, ones(2))",
        ValueError,
        "layer_norm",
        "weight",
        "(2,)",
        "(3,)",
    ),
    (
        "F.cross_entropy(zeros(2, 3), Tensor([0, 3]))",
        IndexError,
        "cross_entropy",
        "label 3",
        "0..2",
    ),
    (
        "F.cross_entropy(zeros(2, 3), Tensor([0]))",
        ValueError,
        "cross_entropy",
        "(1,)",
        "(2,)",
    ),
    (
        "F.cross_entropy(zeros(2, 3), zeros(2))",
        TypeError,
        "cross_entropy",
        "label",
        "integer",
        "float64",
    ),
    ("F.cross_entropy(zeros(3), Tensor([1]))", ValueError, "(N, C)", "(3,)"),
    (
        "F.scaled_dot_product_attention(zeros(2, 3), zeros(2, 4), zeros(2, 3))",
        ValueError,
        "scaled_dot_product_attention",
        "(2, 4)",
        "d_k",
    ),
    (
        "F.scaled_dot_product_attention(zeros(2, 3), zeros(2, 3), zeros(2, 3), "
        "Tensor([[0, 1]]))",
        TypeError,
        "attn_mask",
        "int64",
        "True = may be attended to",
    ),
    (
        "F.scaled_dot_product_attention(zeros(2, 3), zeros(2, 3), zeros(2, 3), "
        "ones(3, 2, dtype='bool'))",
        ValueError,
        "attn_mask",
        "(3, 2)",
        "(2, 2)",
    ),
    ("zeros(2).backward()", RuntimeError, "backward", "no graph"),
    (
        "(ones(2, requires_grad=True) * 2).backward()",
        RuntimeError,
        "backward",
        "(2,)",
        "scalar",
    ),
    (
        "(ones(2, requires_grad=True) * 2).backward(ones(3))",
        ValueError,
        "backward",
        "(3,)",
        "(2,)",
    ),
    (
        "ones(1, requires_grad=True).backward(1.0)",
        TypeError,
        "backward",
        "float",
        "Tensor",
    ),
    (
        "grad(ones(1, requires_grad=True).sum(), ones(1))",
        RuntimeError,
        "grad",
        "input 0",
        "requires_grad=True",
    ),
    (
        "grad(ones(1, requires_grad=True).sum(), ones(1, requires_grad=True))",
        RuntimeError,
        "grad",
        "input 0",
        "not used",
    ),
    (
        "setattr(ones(2, requires_grad=True), 'grad', ones(3))",
        ValueError,
        "grad",
        "(3,)",
        "(2,)",
    ),
    ("nn.Linear(0, 3)", ValueError, "Linear", "in_features=0"),
    ("nn.Embedding(3, 2)(Tensor([3]))", IndexError, "token 3", "0..2"),
    ("nn.Embedding(3, 2)(zeros(1))", TypeError, "token", "integer"),
    (
        "nn.MultiHeadAttention(10, 3)",
        ValueError,
        "d_model=10",
        "divisible",
        "num_heads=3",
    ),
    ("nn.Dropout(-0.1)", ValueError, "Dropout", "p=-0.1"),
    ("nn.FeedForward(4, 8, activation='x')", ValueError, "'x'", "relu"),
    (
        "nn.LearnedPositions(4, 2)(zeros(1, 5, 2))",
        ValueError,
        "LearnedPositions",
        "(1, 5, 2)",
        "4",
    ),
    ("nn.ModuleList([1])", TypeError, "ModuleList", "int", "modules"),
    ("nn.optim.Adam([], 0.1)", ValueError, "Adam", "no parameters"),
    ("nn.optim.SGD([nn.Parameter([1.0])], -1.0)", ValueError, "SGD", "lr=-1.0"),
    (
        "nn.optim.SGD([nn.Parameter([1.0])], 0.1).step()",
        RuntimeError,
        "SGD",
        "backward()",
    ),
    ("nn.optim.clip_grad_norm([], 0.0)", ValueError, "clip_grad_norm", "max_norm=0.0"),
]

BAD_CALLS = list({row[0]: row for row in [*ROWS, *SINGLE]}.values())
