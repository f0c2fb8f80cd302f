"""What stands beside the lines of a program."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from conftest import needs_numpy

import nn
from examples import lesson_program
from tinygrad_attn import Tensor, manual_seed, randn, use_backend, write
from tinygrad_attn.functional import cross_entropy, mse_loss
from tinygrad_attn.program.running import Step
from tinygrad_attn.program.writers.preface import preface


def head(target: str, **options: Any) -> Step:
    """A training step of an attention head."""
    manual_seed(0)
    model = nn.AttentionHead(8, 4)
    sgd = nn.optim.SGD(model.parameters(), lr=0.1)

    def loss(x: Tensor, wanted: Tensor) -> Tensor:
        z, _ = model(x)
        return mse_loss(z, wanted)

    given = {"x": randn(6, 8), "wanted": randn(6, 4)}
    return write(loss, given, update=sgd, target=target, **options)


def layers(target: str, count: int = 2) -> Step:
    """A training step of some layers, by Adam."""
    manual_seed(0)
    model = nn.Sequential(*[nn.Linear(3, 3) for _ in range(count)])
    adam = nn.optim.Adam(model.parameters(), lr=0.1)

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(model(x), labels)

    given = {"x": randn(5, 3), "labels": Tensor([0, 1, 2, 0, 1])}
    return write(loss, given, update=adam, target=target)


def test_every_gradient_that_a_line_reads_is_made_above_it() -> None:
    with use_backend("python"):
        for step in (head("python"), layers("python")):
            known: set[str] = set()
            for part in ("backward", "update"):
                for line, _ in lesson_program.told(step.program, part):
                    left, *right = re.split(r" \+?= | ← |: ", line)
                    read = set(re.findall(r"∂\w+ᵀ?", "".join(right)))
                    assert {n.rstrip("ᵀ") for n in read - known} <= known, line
                    known.add(left)


@needs_numpy
def test_only_what_has_several_contributions_adds_them() -> None:
    with use_backend("numpy"):
        source = head("numpy").source
    assert "∂W_V = xᵀ ∂V" in source
    assert source.count("∂sub += ∂mul ⊙ sub") == 2
    assert "∂sub: the sum of both;  ∂z = ∂sub" in source
    assert "∂Kᵀ = Qᵀ ∂products;  ∂K = (∂Kᵀ)ᵀ" in source
    assert "# gradients: ∂W_Q, ∂W_K, ∂W_V, end to end" in source


@needs_numpy
def test_an_update_is_told_in_one_formula_for_each_vector() -> None:
    with use_backend("numpy"):
        source = layers("numpy").source
    assert "exp_avg_sq ← 0.999 · exp_avg_sq + 0.001 · gradients²" in source
    assert "parameters ← parameters − lr · exp_avg / (1 − 0.9^t) / (√" in source
    assert "∂_0_bias = Σ rows of ∂" in source
    assert "Linear_0 = x _0_weightᵀ + _0_bias" in source
    assert "import math" not in source


def test_a_name_that_is_no_word_of_a_language_is_left() -> None:
    with use_backend("python"):
        source = head("python").source
    assert re.search(r"^    products = ", source, re.MULTILINE)
    assert "total = sum(" in source
    assert "total = Σ mul" in source


def test_a_title_says_what_a_program_computes() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    def slope(x: Tensor) -> Tensor:
        return (w * x).sum()

    def double(x: Tensor) -> Tensor:
        return x * 2.0

    with use_backend("python"):
        titles = [
            write(f, {"x": [0.0, 0.0]}, target="python").program.title
            for f in (slope, double)
        ]
        assert [*titles, head("python").program.title] == [
            "The gradients of slope",
            "A run of double",
            "A training step of loss",
        ]


def test_a_saved_file_says_how_it_is_used_and_refuses_what_it_cannot_read(
    tmp_path: Path,
) -> None:
    with use_backend("python", "float64"):
        step = layers("python")
        path = tmp_path / "trained.py"
        step.save(path)
        own = runpy.run_path(str(path))
        said = own["__doc__"]
        assert "    from trained import step\n" in said
        assert "    (loss,) = step(x, labels, lr=0.1, t=1)\n" in said
        assert "each a flat list of numbers, row by row" in words(said)
        assert "lr, the learning rate; t, which step it is, from 1" in said
        x, labels = randn(5, 3), [0, 1, 2, 0, 1]
        for wrong in (x.tolist(), [0.0] * 14, [[0.0]] * 15):
            with pytest.raises(
                ValueError, match=r"^step: x has .* a flat list of 15 n"
            ):
                own["step"](wrong, labels, lr=0.1, t=1)
        flat = x.reshape(-1).tolist()
        (loss,) = own["step"](flat, labels, lr=0.1, t=1)
        assert loss == step(x, labels).item()


@needs_numpy
def test_a_saved_file_of_numpy_refuses_another_shape(tmp_path: Path) -> None:
    with use_backend("numpy", "float64"):
        step = head("numpy")
        path = tmp_path / "my step.py"
        step.save(path)
        own = runpy.run_path(str(path))
        assert '    step = run_path("my step.py")["step"]\n' in own["__doc__"]
        wanted = randn(6, 4).tolist()
        with pytest.raises(ValueError, match=r"^step: x of shape \(8,\) given; it mu"):
            own["step"]([0.0] * 8, wanted, lr=0.1)
        x = randn(6, 8)
        (loss,) = own["step"](x.tolist(), wanted, lr=0.1)
        assert float(loss) == step(x, Tensor(wanted)).item()


def test_every_text_says_how_it_is_used() -> None:
    with use_backend("python"):
        source = head("javascript").source
        assert "program.step({ x, wanted, lr: 0.1 });" in source
        c_text = "\n".join(preface(head("python").program, "c"))
        assert "run(x, wanted, 0.1, &loss);" in c_text
        w = Tensor([1.0, 2.0], requires_grad=True)
        step = write(lambda x: (w * x).sum(), {"x": [0.0, 0.0]}, target="python")
        assert "loss, d_w = step(x)" in step.source
        assert "The gradients are those of w, in this order." in words(step.source)


def test_a_comprehension_has_names_of_its_own() -> None:
    """No name of the program means something else for a while."""
    with use_backend("python"):
        for step in (head("python"), layers("python")):
            tree = ast.parse(step.source[step.source.index("\ndef step(") :])
            known = {b.name for s in step.program.all_steps for b in buffers(s)}
            for node in ast.walk(tree):
                if isinstance(node, ast.comprehension):
                    names = ast.walk(node.target)
                    found = {n.id for n in names if isinstance(n, ast.Name)}
                    assert not found & known


@needs_numpy
def test_a_formula_says_when_only_a_part_is_read() -> None:
    with use_backend("numpy", "float32"):
        norm = nn.LayerNorm(4)
        step = write(lambda x: norm(x), {"x": randn(3, 4)}, target="numpy")
        assert "shifted = x − x[…]" in step.source
        whole = write(lambda x: x.T + 1.0, {"x": randn(3, 4)}, target="numpy")
        assert "= xᵀ + 1" in whole.source


@needs_numpy
def test_what_lies_end_to_end_is_called_gradients_only_if_it_is() -> None:
    with use_backend("numpy", "float32"):
        w = nn.Parameter([1.0, 2.0, 3.0])
        b = nn.Parameter([1.0])
        sgd = nn.optim.SGD([w, b], lr=0.1)

        def loss(x: Tensor) -> Tensor:
            return (x * w * randn(3) + b).sum()

        source = write(loss, {"x": randn(3)}, update=sgd, target="numpy").source
        forward, backward = source.split("# --- backward")
        assert "# joined: mul_" in forward
        assert "gradients" not in forward[forward.index("def step") :]
        assert "# gradients: ∂w, ∂b, end to end" in backward


def words(text: str) -> str:
    return " ".join(text.split())


def buffers(step: Any) -> list[Any]:
    return [view.buffer for view in (step.out, *step.reads())]


def test_a_long_chain_is_written_and_told() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)

    def loss(x: Tensor) -> Tensor:
        z = w * x
        for _ in range(1200):
            z = z + w
        return z.sum()

    with use_backend("python"):
        step = write(loss, {"x": [1.0, 1.0]}, target="python")
        assert step([0.0, 0.0])[0].item() == 3600.0
        assert "loss = Σ" in step.source


@needs_numpy
def test_a_long_chain_in_numpy() -> None:
    with use_backend("numpy"):
        w = Tensor([1.0, 2.0], requires_grad=True)

        def loss(x: Tensor) -> Tensor:
            z = w * x
            for _ in range(1200):
                z = z + w
            return z.sum()

        step = write(loss, {"x": [1.0, 1.0]}, target="numpy")
        assert step([0.0, 0.0])[0].item() == 3600.0
        assert "the sum of all 1201" in step.source
