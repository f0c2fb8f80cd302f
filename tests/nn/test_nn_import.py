"""`from tinygrad_attn import nn` finds our layers, whatever else is called nn; where
`import nn` finds them too, both names mean the same modules."""

from __future__ import annotations

import ast
import os
import subprocess
import sys

import pytest
from conftest import ROOT

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "nn").rglob("*.py")
)
ORDERS = {
    "nn first": "import nn; from tinygrad_attn import nn as ours",
    "ours first": "from tinygrad_attn import nn as ours; import nn",
    "a file of nn first": "import nn.checkpoint; import tinygrad_attn.nn as ours",
    "a file of ours first": (
        "from tinygrad_attn.nn.optim import Adam; import tinygrad_attn.nn as ours, nn"
    ),
}
OURS_WORKS = """
from tinygrad_attn import nn as ours
import tinygrad_attn.nn.checkpoint
from tinygrad_attn.nn.transformer.cache import KeyValueCache
assert ours.Linear(2, 3).weight.shape == (3, 2)
assert ours.checkpoint is tinygrad_attn.nn.checkpoint
"""
THEIRS_STAYS = """
import nn
assert nn.whose == "theirs"
"""


def python(code, cwd, *path):
    """Runs code in a folder, with these folders to import from."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with a package nn that is not ours."""
    package = tmp_path / "elsewhere" / "nn"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('whose = "theirs"\n')
    (package / "layers.py").write_text('whose = "theirs"\n')
    return package.parent


@pytest.mark.parametrize("order", ORDERS)
def test_every_module_is_the_same_by_both_names(order, tmp_path):
    code = f"""
import sys
from importlib import import_module
assert nn is ours
for name in {MODULES}:
    module = import_module(name)
    assert module is sys.modules[name] is import_module(f"tinygrad_attn.{{name}}"), name
    assert module.__name__ == module.__spec__.name == f"tinygrad_attn.{{name}}"
    parent, _, last = name.rpartition(".")
    assert not parent or getattr(sys.modules[parent], last) is module, name
"""
    python(ORDERS[order] + code, tmp_path, ROOT)


@pytest.mark.parametrize("order", ORDERS)
def test_classes_and_pickles_are_the_same_by_both_names(order, tmp_path):
    code = """
import inspect, pickle
from nn.optim import Adam as short
from tinygrad_attn.nn.optim import Adam as long
assert short is long is nn.optim.Adam is ours.optim.Adam
layer = pickle.loads(pickle.dumps(nn.Linear(2, 3)))
assert isinstance(layer, ours.Linear) and isinstance(layer, nn.Module)
assert pickle.loads(b"cnn.layers\\nLinear\\n.") is ours.Linear  # as pickled before
assert ours.__doc__ in inspect.getsource(ours)
"""
    python(ORDERS[order] + code, tmp_path, ROOT)


def test_a_learners_own_file_stays_theirs(tmp_path):
    (tmp_path / "nn.py").write_text('whose = "theirs"\n')
    python(THEIRS_STAYS + OURS_WORKS + THEIRS_STAYS, tmp_path, ROOT)
    python(OURS_WORKS + THEIRS_STAYS + OURS_WORKS, tmp_path, ROOT)


def test_another_package_that_is_found_first_stays_theirs(elsewhere, tmp_path):
    inside = 'import nn.layers\nassert nn.layers.whose == "theirs"\n'
    for code in (
        THEIRS_STAYS + inside + OURS_WORKS + THEIRS_STAYS,
        OURS_WORKS + THEIRS_STAYS + inside,
    ):
        python(code, tmp_path, elsewhere, ROOT)


@pytest.mark.parametrize("order", ORDERS)
def test_another_package_that_is_found_later_does_nothing(order, elsewhere, tmp_path):
    code = "\nassert nn is ours\nimport nn.layers\nassert nn.layers.Linear"
    python(ORDERS[order] + code, tmp_path, ROOT, elsewhere)


@pytest.mark.parametrize("name", ["nn", "tinygrad_attn.nn"])
def test_threads_that_import_it_at_once_find_it_whole(name, tmp_path):
    code = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Barrier
sys.setswitchinterval(1e-5)
start = Barrier(8)
def whole(_):
    start.wait(60)
    return import_module("{name}").shift_right  # the last name in the file
with ThreadPoolExecutor(8) as pool:
    assert len(set(pool.map(whole, range(8)))) == 1
"""
    for _ in range(3):
        python(code, tmp_path, ROOT)


def test_a_reload_gives_the_same_package(tmp_path):
    code = """
import importlib, sys, tinygrad_attn.nn as ours, nn
assert importlib.reload(nn) is ours is nn is sys.modules["tinygrad_attn.nn"]
assert nn.__file__.replace("\\\\", "/").endswith("nn/__init__.py")
"""
    python(code, tmp_path, ROOT)


def test_our_own_files_never_import_the_short_name():
    """It may be another project's."""
    for package in ("tinygrad_attn", "nn"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [a.name for a in node.names] if type(node) is ast.Import else []
                if type(node) is ast.ImportFrom and not node.level:
                    names = [node.module]
                assert "nn" not in {name.split(".")[0] for name in names}, path
