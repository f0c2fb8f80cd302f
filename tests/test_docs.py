"""Every public name has a docstring with an example, and pytest runs them all; and what
the folder docs/ tells a reader to do is done here."""

from __future__ import annotations

import codeop
import inspect
import os
import re
import shutil
import subprocess
import sys

import public
import pytest
from conftest import ROOT, needs_numpy, needs_torch

import nn
import tinygrad_attn
from docs import pictures
from nn import checkpoint, optim
from tinygrad_attn import use_backend
from tinygrad_attn.rules import primitives

README = (ROOT / "README.md").read_text(encoding="utf-8")


def public_objects():
    found = dict(public.functions())
    for module in (tinygrad_attn, nn, optim, checkpoint):
        for name, value in vars(module).items():
            home = getattr(value, "__module__", "")
            ours = home.startswith(("tinygrad_attn", "nn"))
            if module in (optim, checkpoint):
                ours = home == module.__name__
            if ours and not name.startswith("_") and not inspect.ismodule(value):
                found[f"{module.__name__}.{name}"] = value
    return found


def test_every_public_name_has_an_example():
    bare = [
        name
        for name, value in public_objects().items()
        if ">>>" not in (inspect.getdoc(value) or "")
        and ">>>" not in (inspect.getdoc(inspect.getmodule(value)) or "")
    ]
    assert bare == []


def test_every_module_says_what_it_is_for():
    for value in public_objects().values():
        assert len(inspect.getdoc(inspect.getmodule(value)) or "") > 40


def test_the_readmes_python_can_be_typed():
    """Python's prompt wants an empty line behind a loop, and none within one."""
    for block in re.findall(r"^```python\n(.*?)^```", README, re.S | re.M):
        typed: list[str] = []
        for line in [*block.split("\n"), ""]:
            typed.append(line)
            if codeop.compile_command("\n".join(typed), symbol="single"):
                typed = []
        assert typed == []


@needs_numpy
def test_the_program_in_the_readme_is_the_one_that_its_code_prints():
    part = README.split("## A training step, written down")[1].split("\n## ")[0]
    code, shown = (
        re.findall(rf"```{kind}\n(.*?)```", part, re.DOTALL)[0]
        for kind in ("python", "text")
    )
    known: dict[str, object] = {}
    with use_backend("numpy"):
        exec(code.partition("\nprint(")[0], known)
        call = next(line for line in code.splitlines() if line.startswith("step ="))
        call = call.partition("  #")[0].removesuffix(")").removeprefix("step = ")
        source = eval(f'{call}, target="numpy")', known).source
    printed = [" ".join(line.split()) for line in source.splitlines()]
    at = 0
    for line in filter(None, shown.replace("...\n", "").splitlines()):
        line = " ".join(line.split())
        assert line in printed[at:], f"{line!r} is not printed, or not in this order"
        at = printed.index(line, at) + 1


# --- docs/ ----------------------------------------------------------------------------

NEW_OPERATION = (ROOT / "docs" / "adding_an_operation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["adding_an_operation", "adding_a_layer"])
def test_what_is_told_to_write_in_a_program_runs(name, tmp_path):
    told = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    program = tmp_path / "program.py"  # a file, so that pictures know its lines
    program.write_text("\n\n".join(re.findall(r"```python\n(.*?)```", told, re.DOTALL)))
    done = run(program, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr


def changes():
    """(file, text before, text after) of what is to be changed in the engine."""
    for part in NEW_OPERATION.split("\n### ")[1:]:
        (file,) = re.findall(r"^\d\. `(.+)`", part)
        for diff in re.findall(r"```diff\n(.*?)```", part, re.DOTALL):
            lines = diff.splitlines()
            before = [line[1:] for line in lines if not line.startswith("+")]
            after = [line[1:] for line in lines if not line.startswith("-")]
            yield file, "\n".join(before), "\n".join(after)


USES_IT = """
from tinygrad_attn import Tensor, draw, explain, gradcheck, ops, record, unfold

x = Tensor([0.5, -2.0], requires_grad=True)
assert gradcheck(ops.arctan, x)
with record():
    y = ops.arctan(x)
    loss = (y * y).sum()
for level in ("op", "primitive"):
    assert [n.op for n in unfold(loss, level)] == ["input", "arctan", "mul", "sum"]
assert unfold(loss, "scalar").counts()["arctan"] == 2
picture = draw(loss).svg
assert "y = arctan x" in picture
assert "∂x += ∂y / (1 + x²)" in picture
print(explain(x[0], of=loss))
"""


@needs_numpy
@needs_torch
def test_an_operation_touches_six_files_and_is_like_the_others(tmp_path):
    if hasattr(primitives, "arctan"):
        pytest.skip("arctan is there already")
    files = {file for file, _, _ in changes()}
    assert len(files) == 6
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "out", "*.egg-info")
    tree = shutil.copytree(ROOT, tmp_path / "tree", ignore=unwanted)
    for file, before, after in changes():
        text = (tree / file).read_text(encoding="utf-8")
        assert text.count(before) == 1, (file, before)
        (tree / file).write_text(text.replace(before, after), encoding="utf-8")
    program = tmp_path / "program.py"
    program.write_text(USES_IT, encoding="utf-8")
    env = {"PYTHONPATH": str(tree)}
    done = run(program, cwd=tree, env=env)
    assert done.returncode == 0, done.stderr
    assert "z = arctan x" in done.stdout
    tests = ["rules", "functions/test_functions.py", "graph", "test_errors.py"]
    chosen = ["-k", "arctan or every or nothing_else or no_row or exists"]
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    tests += ["test_scalar.py", "test_house.py", "test_public_names.py"]
    done = run(*command, *(f"tests/{t}" for t in tests), cwd=tree, env=env)
    assert done.returncode == 0, done.stdout


def run(*arguments, cwd, env):
    command = [sys.executable, *map(str, arguments)]
    everything = {**os.environ, **env}
    return subprocess.run(
        command, cwd=cwd, env=everything, capture_output=True, text=True, timeout=300
    )


def test_every_picture_of_the_docs_can_be_drawn():
    for name, make in pictures.drawings():
        assert make("own").svg.startswith("<svg"), name
