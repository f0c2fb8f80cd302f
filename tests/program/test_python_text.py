"""Programs in plain Python, beside the pure-Python backend."""

from __future__ import annotations

import copy
import math
import re
import subprocess
import sys
from random import Random

import pytest
from conftest import flatten, needs_numpy
from targets import assert_near, gradients_of

import nn
from nn.optim import SGD, Adam, AdamW
from tinygrad_attn import (
    Tensor,
    compile,
    concat,
    manual_seed,
    no_grad,
    ops,
    rand,
    randint,
    randn,
    record,
    use_backend,
    write,
)
from tinygrad_attn.functional import cross_entropy
from tinygrad_attn.functions.movement import scatter_add, take
from tinygrad_attn.program.nesting import Formula, Inner, nested

NEAR = 1e-12
inf, nan = math.inf, math.nan


@pytest.fixture(autouse=True)
def on_python():
    with use_backend("python"):
        manual_seed(0)
        yield


class GPT(nn.Module):
    """Tokens to the next tokens."""

    def __init__(self, vocab=11, d=8, heads=2, length=6):
        self.tokens = nn.Embedding(vocab, d)
        self.positions = nn.LearnedPositions(length, d)
        layer = nn.TransformerEncoderLayer(
            d, heads, d_ff=2 * d, dropout=0.0, norm_first=True
        )
        self.layers = nn.ModuleList([layer])
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocab)

    def forward(self, tokens):
        x = self.positions(self.tokens(tokens))
        for layer in self.layers:
            x = layer(x, is_causal=True)
        return self.head(self.norm(x))

    def loss(self, tokens, labels):
        scores = self(tokens)
        return cross_entropy(scores.reshape(-1, scores.shape[-1]), labels.reshape(-1))


class Encoder(nn.Module):
    """Padded sequences to a class for each, with dropout."""

    def __init__(self, vocab=9, d=8, heads=2, classes=3):
        self.tokens = nn.Embedding(vocab, d)
        self.layer = nn.TransformerEncoderLayer(d, heads, d_ff=12, dropout=0.25)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(d, classes)

    def loss(self, tokens, labels):
        x = self.drop(self.tokens(tokens))
        x = self.layer(x, src_key_padding_mask=tokens != 0)
        return cross_entropy(self.head(x.mean(axis=1)), labels)


def eager_step(model, optimizer, *inputs):
    loss = model.loss(*inputs)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def parameters_of(model, twin):
    """The parameters of two models, without those whose true gradient is 0: the bias of
    the keys moves all energies of a row alike. Adam divides its rounding by itself."""
    for (name, p), q in zip(model.named_parameters(), twin.parameters()):
        if not name.endswith("k_proj.bias"):
            yield name, p, q


def trained_alike(model, optimizer_of, batches, steps):
    """Trains eagerly and by a program, and compares all that there is."""
    twin = copy.deepcopy(model)
    optimizer, other = optimizer_of(model), optimizer_of(twin)
    step = compile(twin.loss, update=other, target="python")
    for k in range(steps):
        batch = batches[k % len(batches)]
        manual_seed(k)
        want = eager_step(model, optimizer, *batch)
        manual_seed(k)
        assert_near(f"loss {k}", step(*batch), want, NEAR)
    for name, p, q in parameters_of(model, twin):
        assert_near(name, q, p, NEAR)
        for slot, array in optimizer.state[p].items():
            if slot == "step":
                assert other.state[q][slot] == array == steps
            else:
                got = Tensor(other.state[q][slot])
                assert_near(f"{slot} of {name}", got, Tensor(array), NEAR)
    return step


# --- training -------------------------------------------------------------------------


def test_fifty_steps_of_a_gpt():
    batches = [(randint(0, 11, (2, 6)), randint(0, 11, (2, 6))) for _ in range(3)]
    trained_alike(GPT(), lambda m: AdamW(m.parameters(), lr=0.01), batches, 50)


def test_fifty_steps_with_dropout_and_padding():
    tokens = Tensor([[1, 4, 2, 0, 0], [3, 8, 5, 6, 7], [2, 0, 0, 0, 0]])
    batches = [(tokens, Tensor([0, 2, 1]))]
    trained_alike(Encoder(), lambda m: Adam(m.parameters(), lr=0.01), batches, 50)


@pytest.mark.parametrize(
    "optimizer_of",
    [
        lambda m: SGD(m.parameters(), lr=0.1),
        lambda m: SGD(m.parameters(), lr=0.1, weight_decay=0.1, maximize=True),
        lambda m: Adam(m.parameters(), lr=0.01, weight_decay=0.1, amsgrad=True),
        lambda m: AdamW(
            [
                {"params": [*m.layers.parameters()]},
                {"params": [*m.head.parameters()], "lr": 0.1, "weight_decay": 0.0},
                {"params": [*m.tokens.parameters(), *m.norm.parameters()]},
                {"params": [*m.positions.parameters()]},
            ]
        ),
    ],
    ids=["SGD", "uphill", "amsgrad", "groups"],
)
def test_optimizers(optimizer_of):
    batches = [(randint(0, 11, (1, 6)), randint(0, 11, (1, 6)))]
    trained_alike(GPT(), optimizer_of, batches, 4)


def test_clipping():
    model = GPT()
    twin = copy.deepcopy(model)
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    optimizer, other = SGD(model.parameters()), SGD(twin.parameters())
    step = write(twin.loss, {"x": x, "y": y}, update=other, clip=0.01, target="python")
    for _ in range(3):
        loss = model.loss(x, y)
        model.zero_grad()
        loss.backward()
        nn.optim.clip_grad_norm(model.parameters(), 0.01)
        optimizer.step()
        assert_near("loss", step(x, y), loss, NEAR)


def test_gradients_without_an_update():
    model = GPT()
    x, y = randint(0, 11, (2, 6)), randint(0, 11, (2, 6))
    step = write(model.loss, {"x": x, "y": y}, target="python")
    loss, gradients = gradients_of(step, step(x, y))
    want = model.loss(x, y)
    want.backward()
    assert_near("loss", loss, want, NEAR)
    for name, p in model.named_parameters():
        assert_near(name, gradients[id(p)], p.grad, NEAR)


def test_inference():
    model = GPT().eval()
    x = randint(0, 11, (2, 6))
    with no_grad():
        step = write(model, {"x": x}, target="python")
    assert "backward" not in step.source
    assert_near("scores", step(x), model(x), NEAR)
    model.head.bias.data = model.head.bias.data + 1.0
    assert_near("scores", step(x), model(x), NEAR)


def test_what_was_given_out_stays_as_it_is():
    """Lists are values: the next step makes new ones."""
    model = GPT()
    optimizer = AdamW(model.parameters())
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    for _ in range(2):
        kept = [p.detach() for p in model.parameters()]
        kept += [Tensor(optimizer.state[p]["exp_avg"]) for p in optimizer.state]
        before = [t.tolist() for t in kept]
        step(x, y)
        assert [t.tolist() for t in kept] == before
        assert model.head.weight.tolist() != kept[-1].tolist()


def test_a_step_that_fails_changes_nothing():
    model = GPT()
    optimizer = AdamW(model.parameters())
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    step(x, y)
    before = [p.tolist() for p in model.parameters()]
    with pytest.raises(IndexError):
        step(x, y + 100)
    assert [p.tolist() for p in model.parameters()] == before
    assert {state["step"] for state in optimizer.state.values()} == {1}


# --- numbers that are none ------------------------------------------------------------

SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 1e-320, 1e308, -1e308, 800.0, -800.0]
SPECIAL += [inf, -inf, nan]

UNARY = {
    "neg": lambda x: -x,
    "exp": ops.exp,
    "log": ops.log,
    "log1p": ops.log1p,
    "sqrt": ops.sqrt,
    "sin": ops.sin,
    "cos": ops.cos,
    "tanh": ops.tanh,
    "erf": ops.erf,
    "square": lambda x: x**2.0,
    "root": lambda x: x**0.5,
    "cube": lambda x: x**3.0,
    "inverse": lambda x: x**-1.0,
    "power of 2": lambda x: 2.0**x,
    "reciprocal": lambda x: 1.0 / x,
    "halves": lambda x: x / -2.0,
}
BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "maximum": ops.maximum,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "where": lambda x, y: ops.where(x > y, x, y),
    "a chain": lambda x, y: ops.maximum(ops.exp(x - y) / (x * y), ops.log(y) - 1.0),
}


def same(got, want):
    """To the last bit, nan for nan and -0.0 for -0.0."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert [*map(repr, flatten(got.tolist()))] == [*map(repr, flatten(want.tolist()))]


def runs_alike(function, *inputs):
    names = "abcdef"[: len(inputs)]
    step = write(function, dict(zip(names, inputs)), target="python")
    found, wanted = step(*inputs), function(*inputs)
    several = isinstance(wanted, (tuple, list))
    for got, want in zip(found, wanted) if several else [(found, wanted)]:
        same(got, want)
    return step


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("repeat", [1, 20], ids=["careful", "at once"])
def test_functions_of_special_numbers(name, repeat):
    runs_alike(UNARY[name], Tensor(SPECIAL * repeat))
    for v in SPECIAL[:: 1 if repeat == 1 else 20]:  # a number alone
        runs_alike(UNARY[name], Tensor(v))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("repeat", [1, 2], ids=["careful", "at once"])
def test_functions_of_two_special_numbers(name, repeat):
    pairs = [(x, y) for x in SPECIAL for y in SPECIAL] * repeat
    x, y = (Tensor([*column]) for column in zip(*pairs))
    runs_alike(BINARY[name], x, y)
    runs_alike(BINARY[name], Tensor(SPECIAL), Tensor(SPECIAL).reshape(-1, 1))


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_whole_numbers_and_bools(name):
    whole = Tensor([[0, 1, -1, 2, 7]])
    runs_alike(BINARY[name], whole, whole.mT)
    runs_alike(BINARY[name], whole, Tensor([0.0, -0.5, nan]).reshape(3, 1))
    if name not in ("sub", "a chain"):
        bools = Tensor([[True], [False]])
        runs_alike(BINARY[name], whole, bools)
        runs_alike(BINARY[name], bools, bools.mT)
        runs_alike(BINARY[name], bools, Tensor([0.5, -1.0]))


def test_reductions_of_special_numbers():
    rows = [[1.0, nan, 3.0], [nan, nan, nan], [-inf, -inf, -inf], [inf, -inf, 0.0]]
    rows += [[1.0, 3.0, 3.0], [0.0, -0.0, -1.0], [inf, 1.0, inf], [3.0, inf, nan]]

    def function(x):
        found = []
        for axis in (0, 1, None):
            found += [x.sum(axis), x.max(axis)]
        return [*found, x.argmax(0), x.argmax(1), (x > 1.0).sum(0), (x > 1.0).max(1)]

    runs_alike(function, Tensor(rows))
    runs_alike(lambda x: [x.sum(1), x.max(0), x.argmax(0)], Tensor([[2, 5], [5, 3]]))
    runs_alike(lambda x: [x.sum(), x.sum(0), x @ x.mT], Tensor([[]] * 3))


def test_the_largest_of_rows_is_subtracted_without_looking():
    """After x - max x nothing overflows, and no sum of exponentials is 0."""
    x = Tensor([[1000.0, -1000.0, nan], [inf, -inf, 0.0], [1e308, -1e308, 3.0]])
    step = runs_alike(lambda x: [x.softmax(-1), x.log_softmax(-1)], x)
    assert "over(" not in step.source
    assert " exp(" not in step.source
    step = runs_alike(lambda x: ops.exp(x - x.max(0)) / x.sum(1), x)
    assert "over(" in step.source
    assert "    try:" not in step.source.split("def step(")[1]


def test_a_negative_state_is_answered_as_eagerly():
    """The update tries first, and looks at each number only if that raises."""
    model = GPT()
    twin = copy.deepcopy(model)
    optimizer, other = Adam(model.parameters()), Adam(twin.parameters())
    batch = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(twin.loss, dict(zip("xy", batch)), update=other, target="python")
    assert "except (ArithmeticError, ValueError)" in step.source
    eager_step(model, optimizer, *batch)
    step(*batch)
    for o in (optimizer, other):
        saved = o.state_dict()
        for state in saved["state"].values():
            state["exp_avg_sq"] = -state["exp_avg_sq"]
        o.load_state_dict(saved)
    eager_step(model, optimizer, *batch)
    step(*batch)
    for name, p, q in parameters_of(model, twin):
        assert_near(name, q, p, NEAR)
    assert any(v != v for v in flatten(model.head.weight.tolist()))


# --- memory in any order --------------------------------------------------------------


def turned(random, x):
    """A view of x, turned and cut anywhere."""
    steps = [random.choice([1, 1, 2, -1, -2]) for _ in range(3)]
    cuts = [slice(None, None, s) if s < 0 else slice(1, None, s) for s in steps]
    return x.permute_dims(random.sample(range(3), 3))[tuple(cuts)]


@pytest.mark.parametrize("seed", range(20))
def test_views_with_any_strides(seed):
    x = Tensor([Random(seed).uniform(-1, 1) for _ in range(120)]).reshape(4, 5, 6)

    def function(x):
        random = Random(seed)
        found = []
        for _ in range(2):
            y, z = turned(random, x), turned(random, x)
            axis = random.choice([0, 1, 2, (0, 2), (1, 2), (0, 1), (0, 1, 2)])
            k = random.randrange(3)
            w = z.broadcast_to((2, *z.shape)).permute_dims((1, 0, 2, 3))
            found += [y * 2 - y[:1], y.sum(axis), y.max(axis), y.argmax(k), y[1:, 0]]
            found += [w + 1, w.sum(k), y @ y.permute_dims((0, 2, 1)), y[0].mT @ y]
            found += [y.reshape(-1), concat([y, y * 2], axis=k), y > y[:, :, :1]]
            found += [(y * y).sum(axis), w @ w.mT, take(y, Tensor([0, 1, 0]))]
            found += [scatter_add(y, Tensor([1] * y.shape[0]), 3)]
            twice = tuple(2 * n for n in y.shape)
            found += [ops.place(y, tuple((0, None, 2) for _ in y.shape), twice)]
            back = tuple((2 * n - 1, None, -2) for n in y.shape)
            found += [ops.place(y, back, twice) * 2.0]
        return found

    step = write(function, {"x": x}, target="python")
    for got, want in zip(step(x), function(x)):
        assert_near("z", got, want, NEAR)


@pytest.mark.parametrize("k", [1, 2, 24, 25, 128, 129])
def test_products_of_every_length(k):
    x, y = randn(3, k), randn(k, 2)

    def function(x, y):
        batch = x.reshape(3, 1, k).broadcast_to((3, 2, k))
        whole = (x * 3.0 > 1.0) @ (y > 0.0)
        found = [x @ y, batch @ y, batch @ batch.mT, (x * x).sum(1), (y * y).sum(0)]
        return [*found, x[:1] @ y[:, :1], (x * x).sum(), whole]

    step = write(function, {"x": x, "y": y}, target="python")
    for got, want in zip(step(x, y), function(x, y)):
        assert_near("z", got, want, NEAR)


def test_products_of_whole_numbers_stay_exact():
    big = Tensor([[2**60, 3], [5, 7]])
    runs_alike(lambda x: [x @ Tensor([[1, 0], [0, 1]]), x[:, :0] @ x[:0]], big)


def test_rows_taken_and_added():
    table, at = randn(5, 3), Tensor([[4, 0], [0, 2]])
    gradient = randn(2, 2, 3)

    def function(table, gradient):
        return [take(table, at), scatter_add(gradient, at, 5), take(table[:, 0], at)]

    runs_alike(function, table, gradient)
    runs_alike(lambda x: [take(x, x), scatter_add(x, x, 7)], Tensor([0, 3, 3, 1]))


def test_what_is_written_bit_by_bit():
    def function(x):
        columns = concat([x, x * 2.0, x[:, :1]], axis=1)
        inside = ops.place(x, ((1, 3, 1), (0, None, 3)), (4, 6))
        return [
            columns,
            inside,
            columns.mT @ columns,
            inside + 1.0,
            x.tril(),
            x[::-1],
        ]

    runs_alike(function, Tensor([[1.0, 2.0], [3.0, 4.0]]))


def test_names_that_the_text_uses_itself():
    """A model's own names never meet those of the text."""

    def function(x, rows, y):
        z = x * 2.0 + y
        xs = z.sum(1, keepdims=True)
        zip = (x - xs) * y[:1]
        range = zip.exp().max(1)
        largest = range / xs.reshape(-1)
        i = rows @ zip.mT
        taken = take(i, Tensor([1, 0])) + take(i[:, 0], Tensor([1, 0]))[0]
        return [z, largest, i, x.reshape(-1)[2:], take(y, Tensor([1, 0])), taken]

    given = {"x": randn(3, 4), "rows": randn(2, 4), "y": rand(3, 4)}
    step = write(function, given, target="python")
    for got, want in zip(step(**given), function(*given.values())):
        assert_near("z", got, want, NEAR)


# --- what is refused ------------------------------------------------------------------


def test_refusals_are_eagers():
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, target="python")
    for inputs in ((x + 20, y), (x, y + 20), (x, y - 12)):
        with pytest.raises(IndexError) as eager:
            model.loss(*inputs)
        with pytest.raises(IndexError) as written:
            step(*inputs)
        assert str(written.value) == str(eager.value)
    with pytest.raises(ValueError, match=r"step: x of shape \(2, 6\)"):
        step(randint(0, 11, (2, 6)), y)


def test_a_row_that_sees_nothing_is_refused_where_it_was_recorded():
    x, mask = randn(2, 2), Tensor([[True, False], [True, True]])
    with record():
        z = nn.functional.scaled_dot_product_attention(x, x, x, mask)
    step = write(z, {"x": x, "mask": mask}, target="python")
    assert_near("z", step(x, mask), z, NEAR)
    with pytest.raises(ValueError, match="a query may attend to nothing"):
        step(x, Tensor([[True, False], [False, False]]))


def test_clipping_refuses_what_is_not_finite():
    w = nn.Parameter(Tensor([1.0, 2.0]))
    step = write(
        lambda x: (w * x).sum(),
        {"x": Tensor([1.0, 1.0])},
        update=SGD([w]),
        clip=1.0,
        target="python",
    )
    with pytest.raises(RuntimeError, match="clip_grad_norm: the norm is inf"):
        step(Tensor([inf, 1.0]))
    assert w.tolist() == [1.0, 2.0]


# --- the text -------------------------------------------------------------------------

ALONE = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tinygrad_attn", "numpy", "nn"):
            raise ImportError(name)
sys.meta_path.insert(0, Nothing())
"""


def python(code, *args):
    done = subprocess.run(
        [sys.executable, *args, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_text_runs_alone():
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    optimizer = AdamW(model.parameters())
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    parameters = flatten([p.tolist() for p in model.parameters()])
    given = flatten(x.tolist()), flatten(y.tolist())
    code = [ALONE, step.source, f"parameters = {parameters}"]
    code += [f"print(step({given[0]}, {given[1]}, 0.001, 0.01, {t}))" for t in (1, 2)]
    code += ["print(parameters[:3])"]
    found = python("\n".join(code), "-I")
    losses = [step(x, y).item() for _ in range(2)]
    first = flatten(next(iter(model.parameters())).tolist())[:3]
    assert found.splitlines() == [*(f"({v},)" for v in losses), str(first)]


def test_a_saved_program_runs_alone(tmp_path):
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    optimizer = AdamW(model.parameters())
    step = write(model.loss, {"x": x, "y": y}, update=optimizer, target="python")
    step(x, y)
    step.save(tmp_path / "trained.py")
    given = flatten(x.tolist()), flatten(y.tolist())
    path = str(tmp_path / "trained.py")
    code = f"{ALONE}\nimport runpy\nstep = runpy.run_path({path!r})['step']\n"
    code += f"print(step({given[0]}, {given[1]}, 0.001, 0.01, 2)[0])"
    assert python(code, "-I") == f"{step(x, y).item()}\n"


def test_no_numpy_is_imported():
    code = """
import sys, nn
from tinygrad_attn import Tensor, write
model = nn.Linear(3, 2)
def loss(x):
    return (model(x) ** 2.0).sum()
x = Tensor([[1.0, 2.0, 3.0]])
step = write(loss, {"x": x}, update=nn.optim.Adam(model.parameters()))
print(step.target, step(x).item() > step(x).item(), "numpy" in sys.modules)
len(step.source)
print("numpy" in sys.modules)
"""
    assert python(code) == "python True False\nFalse\n"


@needs_numpy
def test_a_model_on_numpy_keeps_its_dtype():
    with use_backend("numpy", "float32"):
        model = GPT()
        twin = copy.deepcopy(model)
        x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
        optimizer, other = AdamW(model.parameters()), AdamW(twin.parameters())
        step = write(twin.loss, {"x": x, "y": y}, update=other, target="python")
        for _ in range(5):
            want = eager_step(model, optimizer, x, y)
            assert_near("loss", step(x, y), want, 1e-5)
        for p, q in zip(model.parameters(), twin.parameters()):
            assert type(q.array) is type(p.array)
            assert q.array.dtype == other.state[q]["exp_avg"].dtype == "float32"


def test_lines_are_narrow_and_the_text_is_the_same_each_time():
    model = GPT()
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))
    step = write(model.loss, {"x": x, "y": y}, target="python")
    assert write(model.loss, {"x": x, "y": y}, target="python").source == step.source
    code = re.sub(r"  # .*", "", step.source)
    says = r"^ *'.*',$"  # a sentence
    wide = [line for line in code.splitlines() if len(line) > 88]
    assert all(re.match(says, line) for line in wide)


# --- steps inside of steps ------------------------------------------------------------


def test_what_is_read_once_is_computed_where_it_is_read():
    def function(x):
        y = x * 2.0
        z = (y + 1.0).exp()
        return z * y

    program = write(function, {"x": Tensor([1.0, 2.0])}, target="python").program
    found = nested(program.steps, program.results)
    assert [type(step) for step in found] == [Formula, Formula]
    assert [step.function for step in found] == ["mul", "mul"]


def test_a_sum_of_products_is_an_inner_product():
    def function(x, y):
        return [(x * y).sum(1), (x * y[:1]).sum(0)]

    given = {"x": randn(3, 4), "y": randn(3, 4)}
    program = write(function, given, target="python").program
    found = nested(program.steps, program.results)
    assert [type(step).__name__ for step in found] == ["Inner", "Formula", "Reduce"]
    assert isinstance(found[0], Inner)


def test_what_is_written_meanwhile_is_not_moved_past():
    """The old parameter is read after the new one is there, if at all."""
    w = nn.Parameter(Tensor([1.0, 2.0]))

    def loss(x):
        return ((w * 2.0) * x).sum()

    x = Tensor([1.0, 3.0])
    step = write(
        lambda x: (loss(x), w * 2.0), {"x": x}, update=SGD([w], 0.5), target="python"
    )
    z, doubled = step(x)
    assert z.item() == 14.0
    assert doubled.tolist() == [2.0, 4.0]
    assert w.tolist() == [0.0, -1.0]


def test_two_optimizers_of_the_same_parameters():
    model = GPT()
    twin = copy.deepcopy(model)
    x, y = randint(0, 11, (1, 6)), randint(0, 11, (1, 6))

    def optimizers(m):
        return Adam(m.parameters()), SGD([m.head.weight, m.norm.bias], lr=0.5)

    first, second = optimizers(model)
    both = optimizers(twin)
    step = write(twin.loss, {"x": x, "y": y}, update=both, target="python")
    for _ in range(3):
        loss = eager_step(model, first, x, y)
        second.step()
        assert_near("loss", step(x, y), loss, NEAR)
    for name, p, q in parameters_of(model, twin):
        assert_near(name, q, p, NEAR)
