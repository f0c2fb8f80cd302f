"""What a user finds: no NumPy unless asked for, a clone that runs bare, a README that
is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text()


def python(code, *flags, cwd=ROOT):
    return subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=120,
    )


def test_importing_imports_no_numpy_and_nothing_else_from_outside():
    done = python(
        "import sys; before = set(sys.modules); import tinygrad_attn, nn\n"
        "from nn import checkpoint\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(n for n in new if n not in sys.stdlib_module_names))"
    )
    assert done.stdout == "['nn', 'tinygrad_attn']\n", done.stderr


def test_the_engine_never_imports_nn():
    done = python("import sys, tinygrad_attn; print('nn' in sys.modules)")
    assert done.stdout == "False\n"


def test_the_script_runs_with_nothing_installed():
    """-I -S: no site-packages, no environment, nothing but the standard library."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "examples" / "train_reverse.py"]
        + ["--steps", "2", "--seq-len", "4"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
    )
    assert done.returncode == 1, done.stderr  # so few steps
    assert "was not reached with --steps 2" in done.stderr.splitlines()[-1]
    assert "held-out sequences reversed" in done.stdout
    assert "numpy" not in done.stdout


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.S))
def test_the_readmes_examples_print_what_they_say(block, tmp_path):
    done = python(block, cwd=tmp_path)  # some of them save
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()  # in a script one sees something too
    for said in re.findall(r"print\(.*?\)\s+# (Tensor\(.*\))$", block, re.M):
        assert said in done.stdout


def test_the_readme_names_only_files_that_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(links) > 20
    for name in links:
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"`((?:\w+/)+[\w.]*|\w+\.py)`", README):
        places = [ROOT / name, ROOT / "tinygrad_attn" / name]
        assert any(p.exists() for p in places), name


def test_the_environment_variable_chooses_the_backend():
    code = (
        "import os; os.environ['TINYGRAD_ATTN_BACKEND'] = 'scalar'\n"
        "from tinygrad_attn.arrays.backends import current_backend as b\n"
        "print(b().name)"
    )
    assert python(code).stdout == "scalar\n"


@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_pictures_and_reasons_are_the_same_without_docstrings(option):
    code = (
        "from tinygrad_attn import Tensor, draw, explain, functional, nn, record\n"
        "from tinygrad_attn import manual_seed\n"
        "manual_seed(0)\n"
        "x, layer = Tensor([[1.0, 2.0]], requires_grad=True), nn.LayerNorm(2)\n"
        "with record():\n"
        "    loss = functional.cross_entropy(layer(x).tanh(), Tensor([1]))\n"
        "print(explain(x, of=loss), draw(loss, level='primitive').dot)\n"
        "print(draw(loss, level='module').dot)"
    )
    usual, other = (
        subprocess.run(
            [sys.executable, *options, "-c", code],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for options in ([], [option])
    )
    assert other == usual
    assert "softmax" in usual


def test_both_packages_run_from_a_zip_file(tmp_path):
    home = tmp_path / "packages.zip"
    with zipfile.ZipFile(home, "w") as archive:
        for folder in ("tinygrad_attn", "nn"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix in (".py", ".css", ".js", ".html"):
                    archive.write(path, path.relative_to(ROOT))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import nn\n"
        "from nn import checkpoint\n"
        "from tinygrad_attn import draw, draw_attention, functional, play, randn\n"
        "layer = nn.Linear(3, 2)\n"
        "loss = (layer(randn(2, 3)) ** 2).sum()\n"
        "play(loss, 'page.html'), draw(loss).save('a.svg')\n"
        "draw_attention(functional.softmax(randn(1, 2, 3, 3))).save('b.html')\n"
        "checkpoint.save('c', layer), checkpoint.load('c').restore(layer)\n"
        "print(nn.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(home)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},  # and no HOME
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(home) in done.stdout
