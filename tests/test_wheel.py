"""What `pip install` brings: both packages whole, typed, licensed, and needing nothing.

sdist and wheel are built from a copy of the tree, so the repository stays clean; the
wheel is installed without extras into a bare virtual environment, and what a user would
do first is done there, with nothing of the repository in sight.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

# What git ignores, and what building and testing leave; of each only the folder's name.
UNWANTED = shutil.ignore_patterns(
    ".git", ".venv", "out", "build", "dist", "*.egg-info", ".*_cache", "__pycache__",
    ".hypothesis", "PKG-INFO", "setup.cfg",
)  # fmt: skip
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
(SETUPTOOLS,) = re.findall(r'^requires = \["(.+)"\]', PYPROJECT, re.MULTILINE)

pytestmark = pytest.mark.skipif(not find_spec("pip"), reason="needs pip, to build with")


def run(*command, cwd, **variables):
    hidden = ("PYTHONPATH", "PYTHONHOME", "TINYGRAD_ATTN_BACKEND")
    kept = {name: v for name, v in os.environ.items() if name not in hidden}
    return subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**kept, **variables},
        timeout=300,
    )


def pip(*arguments, cwd, **variables):
    settled = ("--quiet", "--disable-pip-version-check", "--no-input")
    return run(sys.executable, "-m", "pip", *arguments, *settled, cwd=cwd, **variables)


def names_in(wheel):
    """Every file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def module_files():
    """Every file that belongs to the two packages, as the tree has them."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for package in ("tinygrad_attn", "nn")
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".pyi", ".html", ".css", ".js", ".typed")
    )


def installed_files():
    """The same, and those of nn/ in the engine too."""
    files = module_files()
    return sorted(files + [f"tinygrad_attn/{f}" for f in files if f.startswith("nn/")])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel as pip makes it, an sdist, and a wheel made from that sdist.

    As for any user, pip fetches what pyproject.toml requires; once, for all three. pip
    makes no sdist, so setuptools is asked directly for it, and for what is made of it.
    """
    base = tmp_path_factory.mktemp("built")
    tools, source = base / "tools", base / "source"
    fetched = pip("install", "--no-compile", "--target", tools, SETUPTOOLS, cwd=base)
    if fetched.returncode:
        last = (fetched.stderr.strip() or "no message").splitlines()[-1]
        pytest.skip(f"needs {SETUPTOOLS}, which pip could not fetch: {last}")
    shutil.copytree(ROOT, source, ignore=UNWANTED)
    files = {p.relative_to(source) for p in source.rglob("*") if p.is_file()}

    wheels = base / "wheel"
    flags = ("--no-deps", "--no-build-isolation", "-w", wheels)
    done = pip("wheel", source, *flags, cwd=base, PYTHONPATH=str(tools))
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source / "build", ignore_errors=True)

    # With the hooks that pip would call, each in a process of its own
    def built_by(hook, folder, target):
        code = f"import sys, setuptools.build_meta as b; b.{hook}(sys.argv[1])"
        command = sys.executable, "-c", code, target
        done = run(*command, cwd=folder, PYTHONPATH=str(tools))
        assert done.returncode == 0, done.stderr
        (file,) = target.iterdir()
        return file

    sdist = built_by("build_sdist", source, base / "sdist")
    with tarfile.open(sdist) as archive:
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # 3.11.4
        archive.extractall(base, **safe)
    unpacked = base / sdist.name.removesuffix(".tar.gz")
    from_sdist = built_by("build_wheel", unpacked, base / "wheel from sdist")
    (wheel,) = wheels.iterdir()
    return SimpleNamespace(
        wheel=wheel,
        sdist=sdist,
        from_sdist=from_sdist,
        source=source,
        tools=tools,
        files=files,
        unpacked=unpacked,
    )


@pytest.fixture(scope="module")
def user(built, tmp_path_factory):
    """Runs code as a user would: in an empty directory, with a Python that has the
    wheel and, pip included, nothing else."""
    return user_of(tmp_path_factory, [built.wheel])


@pytest.fixture(scope="module")
def user_of_another_nn(built, tmp_path_factory):
    """The same, where another project called nn was installed after ours."""
    other = tmp_path_factory.mktemp("wheel of another") / "nn-1-py3-none-any.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("nn/__init__.py", 'whose = "theirs"\n')
        archive.writestr("nn/layers.py", 'whose = "theirs"\n')
        info = "nn-1.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: nn\nVersion: 1\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        names = [*archive.namelist(), f"{info}/RECORD"]
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    return user_of(tmp_path_factory, [built.wheel], [other])


@pytest.fixture(scope="module")
def user_of_the_source(built, tmp_path_factory):
    """The same, where the source was installed with -e, to be changed in its place."""
    flags = ("--no-build-isolation", "-e", built.source)
    return user_of(tmp_path_factory, flags, PYTHONPATH=str(built.tools))


def user_of(tmp_path_factory, *installed, **variables):
    home, empty = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("empty")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    for what in installed:  # one after the other: the last one wins
        command = ("--python", python, "install", "--no-deps", "--no-index", *what)
        done = pip(*command, cwd=empty, **variables)
        assert done.returncode == 0, done.stderr

    def answer(code):
        done = run(python, "-c", code, cwd=empty)
        assert done.returncode == 0, done.stderr
        assert not list(empty.iterdir())
        return done.stdout

    return answer


def test_the_wheel_has_every_file_of_both_packages_and_no_other(built):
    """A folder forgotten in setup.py's list of packages would be missing."""
    inside = names_in(built.wheel)
    (metadata,) = {n.split("/")[0] for n in inside if ".dist-info/" in n}
    assert [n for n in inside if not n.startswith(metadata)] == installed_files()
    assert {"tinygrad_attn/py.typed", "nn/py.typed"} <= set(inside)
    assert {"tinygrad_attn/nn.py", "tinygrad_attn/nn/py.typed"} <= set(inside)
    assert re.fullmatch(r"tinygrad_attn-[\d.]+-py3-none-any\.whl", built.wheel.name)


def test_the_sdist_builds_the_same_wheel(built):
    """File by file and byte by byte, but for the order in the list of checksums."""
    assert built.from_sdist.name == built.wheel.name
    assert names_in(built.from_sdist) == names_in(built.wheel)
    one, other = zipfile.ZipFile(built.wheel), zipfile.ZipFile(built.from_sdist)
    with one, other:
        for name in names_in(built.wheel):
            if not name.endswith("/RECORD"):
                assert one.read(name) == other.read(name), name


def test_the_sdist_has_every_file_of_a_clone(built):
    for name in ("CHANGELOG.md", "Makefile", ".ci/run", "tests/conftest.py", "LICENSE"):
        assert Path(name) in built.files
    top = built.sdist.name.removesuffix(".tar.gz")
    with tarfile.open(built.sdist) as archive:
        inside = {Path(m.name).relative_to(top) for m in archive if m.isfile()}
    command = ("git", "ls-files", "-z")
    tracked = run(*command, cwd=ROOT).stdout if (ROOT / ".git").exists() else ""
    files = {Path(n) for n in tracked.split("\0")} & built.files or built.files
    assert files - inside == set()
    made = inside - built.files  # by setuptools
    assert {p.name for p in made if p.parent == Path()} == {"PKG-INFO", "setup.cfg"}
    assert {p.parts[0] for p in made if len(p.parts) > 1} <= {"tinygrad_attn.egg-info"}


def test_the_tests_run_in_the_unpacked_sdist(built):
    """All are found there, and some that read the files around them pass."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    found = run(*command, "--collect-only", cwd=built.unpacked)
    assert found.returncode == 0, found.stdout
    chosen = [
        f"tests/test_{n}.py" for n in ("ci", "house", "packaging", "public_names")
    ]
    done = run(*command, *chosen, "tests/examples/test_lessons.py", cwd=built.unpacked)
    assert done.returncode == 0, done.stdout


def test_installed_are_the_types_the_licence_and_the_metadata(user):
    told = user(
        "from importlib.metadata import distribution, version\n"
        "import tinygrad_attn\n"
        "d = distribution('tinygrad_attn')\n"
        "assert tinygrad_attn.__version__ == version('tinygrad_attn') == d.version\n"
        "print(d.metadata['Requires-Python'])\n"
        "print(*sorted(d.metadata.get_all('Provides-Extra')))\n"
        "print(*[r for r in d.requires if 'extra ==' not in r])\n"
        "files = {f.as_posix(): f.locate() for f in d.files}\n"
        "print(*sorted(n for n in files if n.endswith('py.typed')))\n"
        "(licence,) = [f for n, f in files.items() if n.endswith('LICENSE')]\n"
        "print(open(licence).read(), end='')\n"
    )
    python, extras, needed, typed, licence = told.split("\n", 4)
    assert python == ">=3.10"
    assert extras == "dev mutants notebook numpy test train viz"
    assert needed == ""
    assert typed == "nn/py.typed tinygrad_attn/nn/py.typed tinygrad_attn/py.typed"
    assert licence == (ROOT / "LICENSE").read_text()


def test_nothing_is_installed_beside_it(user):
    """So the two tests below see a Python that really lacks the extras."""
    told = user(
        "from importlib.metadata import distributions\n"
        "print(*[d.metadata['Name'] for d in distributions()])\n"
        "import sys, nn, tinygrad_attn\n"
        "from pathlib import Path\n"
        "for m in tinygrad_attn, nn:\n"
        "    print(Path(sys.prefix).resolve() in Path(m.__file__).resolve().parents)"
    )
    assert told.split() == ["tinygrad_attn", "True", "True"]


def test_it_says_what_one_can_do_with_it_there(user):
    told = user(
        "import runpy, sys\n"
        "sys.argv[1:] = []\n"
        "runpy.run_module('tinygrad_attn', run_name='__main__', alter_sys=True)"
    )
    assert "\n    numpy, not installed:\n        pip install numpy\n" in told
    assert "examples/" not in told
    assert told.endswith("are in the source, not in this\ninstallation.\n")


def test_a_model_trains_there(user):
    told = user(
        "import nn\n"
        "from tinygrad_attn import manual_seed, randn\n"
        "manual_seed(0)\n"
        "layer = nn.TransformerEncoderLayer(4, num_heads=2, d_ff=8, dropout=0.0)\n"
        "optimizer = nn.optim.Adam(layer.parameters(), lr=0.01)\n"
        "x, y = randn(2, 3, 4), randn(2, 3, 4)\n"
        "for _ in range(10):\n"
        "    loss = ((layer(x) - y) ** 2).mean()\n"
        "    layer.zero_grad()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    print(loss.item())\n"
    )
    losses = [float(line) for line in told.split()]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("installed", ["user", "user_of_the_source"])
def test_nn_is_the_same_package_by_both_names(installed, request):
    told = request.getfixturevalue(installed)(
        "import nn.checkpoint\n"
        "from tinygrad_attn import nn as inner\n"
        "from tinygrad_attn.nn.transformer import cache\n"
        "assert nn is inner and nn.transformer.cache is cache\n"
        "print(nn.__file__)"
    )
    place = "source" if installed == "user_of_the_source" else "tinygrad_attn"
    assert Path(told.strip()).parts[-3:] == (place, "nn", "__init__.py")


def test_another_project_called_nn_takes_nothing_from_ours(user_of_another_nn):
    ours = (
        "from tinygrad_attn import nn\n"
        "from tinygrad_attn.nn.layers import Linear\n"
        "assert nn.Linear(2, 3).weight.shape == (3, 2)\n"
        "assert nn.Linear is Linear\n"
    )
    theirs = "import nn, nn.layers\nassert nn.whose == nn.layers.whose == 'theirs'\n"
    user_of_another_nn(ours + theirs + ours)
    user_of_another_nn(theirs + ours + theirs)


def test_a_layers_lines_are_found_there(user):
    """They lie in the engine's folder, whose own lines are passed over."""
    told = user(
        "from tinygrad_attn import nn, randn, record, unfold\n"
        "with record():\n"
        "    loss = nn.AttentionHead(2, 2)(randn(3, 2))[0].sum()\n"
        "print(*sorted(node.name for node in unfold(loss, 'op')))"
    )
    assert {"Q", "K", "V", "energies"} <= set(told.split())


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("tinygrad_attn.set_backend('numpy')", "pip install numpy"),
        (
            "with tinygrad_attn.use_backend('numpy', 'float64'): pass",
            "pip install numpy",
        ),
        (
            "os.environ['TINYGRAD_ATTN_BACKEND'] = 'numpy'; tinygrad_attn.ones(1)",
            "pip install numpy",
        ),
    ],
)
def test_where_an_extra_is_missing_the_error_says_what_to_install(user, code, command):
    told = user(
        "import os, tinygrad_attn, nn\n"
        "from nn import checkpoint\n"
        f"try:\n    {code}\n"
        "except RuntimeError as error:\n    print(error)"
    )
    assert command in told
