"""`make` and .venv: what a first hour does to it, and how the next call mends it.

Each test has a clone of its own, in a folder with a space and an apostrophe, and no
network: the project that is installed there needs nothing, and builds itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "thing"
version = "1"
requires-python = ">=3.10"
optional-dependencies = {train = []}
"""
BACKEND = """
import zipfile

FILES = {
    "METADATA": "Metadata-Version: 2.1\\nName: thing\\nVersion: 1\\n"
                "Provides-Extra: train\\n",
    "WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any\\n",
    "RECORD": "",
}

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        for file, text in FILES.items():
            wheel.writestr(f"thing-1.dist-info/{file}", text)
    return name
"""
# As Debian's is without the package python3-venv: it makes half of a .venv.
NO_VENV = f"""#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    "{sys.executable}" -m venv --without-pip "$3"
    echo "ensurepip is not available.  On Debian/Ubuntu systems, you need to install"
    echo "the python3-venv package using the following command."
    exit 1
fi
exec "{sys.executable}" "$@"
"""
PYTHON3 = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'

pytestmark = pytest.mark.skipif(
    not shutil.which("make"), reason="needs make, as the README says"
)


class Clone:
    """A folder with our Makefile, and a Python of its own first on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder.parent / "bin"
        (folder / ".ci").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "Makefile", folder)
        shutil.copy(ROOT / ".ci" / "environment.py", folder / ".ci")
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "backend.py").write_text(BACKEND)
        (folder / "setup.py").touch()
        self.python3(PYTHON3)

    def python3(self, script: str) -> None:
        """What `python3` is."""
        (self.bin / "python3").write_text(script)
        (self.bin / "python3").chmod(0o755)

    def make(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """The status, and what was said but for make's own closing line, and that pip
        is at work."""
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        kept = {
            n: v for n, v in os.environ.items() if not n.startswith(("MAKE", "MFL"))
        }
        done = subprocess.run(
            ["make", *(arguments or ["venv"])],
            cwd=self.folder,
            env={**kept, "PATH": path, "PIP_NO_INDEX": "1", **variables},
            capture_output=True,
            text=True,
        )
        said = (done.stdout + done.stderr).splitlines()
        usual = re.compile(r".*[*]{3}|make: fetching what \w+ needs into .venv, once$")
        return done.returncode, "\n".join(s for s in said if not usual.match(s))

    @property
    def venv(self) -> Path:
        return self.folder / ".venv"

    def halved(self) -> None:
        """What an earlier try left, where Debian lacked python3-venv."""
        flags = "-m", "venv", "--without-pip"
        subprocess.run([sys.executable, *flags, self.venv], check=True)


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "a learner's clone")


def test_without_python3_venv_one_sentence_names_the_package(clone):
    clone.python3(NO_VENV)
    for _ in range(2):
        status, said = clone.make()
        assert status
        assert said == (
            "make: python3 cannot make .venv, because a part of it is not installed; "
            "on Debian or Ubuntu run: sudo apt install python3-venv"
        )
        assert not clone.venv.exists()
    clone.python3(PYTHON3)
    assert clone.make() == (0, "")


def test_half_a_venv_is_completed_without_a_word(clone):
    clone.halved()
    assert clone.make() == (0, "")
    assert clone.make() == (0, "")
    assert (clone.venv / "bin" / "pip").exists()


def test_half_a_venv_is_refused_where_the_package_is_still_missing(clone):
    clone.halved()
    clone.python3(NO_VENV)
    hidden = clone.folder / "hidden"
    hidden.mkdir()
    (hidden / "ensurepip.py").write_text("raise ModuleNotFoundError(__name__)")
    status, said = clone.make(PYTHONPATH=str(hidden))
    assert status
    assert said.startswith("make: .venv is made anew, because it has no pip\n")
    assert said.endswith("sudo apt install python3-venv")


def test_what_cannot_work_is_made_anew(clone):
    """One try killed, a Python gone, a folder moved; then all is well."""

    def anew():
        status, said = clone.make()
        assert status == 0, said
        assert clone.make() == (0, "")
        return said

    assert anew() == ""
    (clone.venv / "unfinished").touch()
    assert anew().endswith("it is from a try that was cut short")
    (clone.venv / "bin" / "python").unlink()
    (clone.venv / "bin" / "python").symlink_to("/nowhere/python3")
    assert anew().endswith("its Python is gone")
    (clone.venv / "pyvenv.cfg").unlink()
    assert "because it has no pyvenv.cfg" in anew()
    before = clone.venv
    clone.folder = clone.folder.rename(clone.folder.with_name("it's moved"))
    assert anew() == f"make: .venv is made anew, because it was made as {before}"


def test_a_venv_of_another_python_is_made_anew_if_one_is_named(clone):
    assert clone.make()[0] == 0
    python = clone.venv / "bin" / "python"
    real = python.resolve()
    python.unlink()
    python.write_text(
        '#!/bin/sh\ncase "$2" in *platform*) echo 3.99.1;; '
        f'*) exec {real} "$@";; esac\n'
    )
    python.chmod(0o755)
    assert clone.make() == (0, "")  # nobody named one
    status, said = clone.make("venv", f"PYTHON={sys.executable}")
    assert status == 0
    assert said == (
        "make: .venv is made anew, because its Python is 3.99.1, and another was asked "
        "for"
    )
    assert python.resolve() == Path(sys.executable).resolve()


def test_a_try_that_is_killed_leaves_its_mark(clone):
    """A pip that waits for ever is killed with all its kin, as by a power cut."""
    backend = clone.folder / "backend.py"
    backend.write_text("import os; os.killpg(0, 9)")
    command = ["make", "venv", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=clone.folder, start_new_session=True)
    assert (clone.venv / "unfinished").exists()
    backend.write_text(BACKEND)
    status, said = clone.make()
    assert (status, "cut short" in said) == (0, True)


def test_where_pip_fails_the_next_call_goes_on(clone):
    """Without a network, say: what is installed stays."""
    backend = clone.folder / "backend.py"
    backend.write_text("raise OSError('no network')")
    status, said = clone.make()
    assert status
    last = said.splitlines()[-1]
    assert last.startswith(
        "make: pip could not install .[train], for the reason above;"
    )
    backend.write_text(BACKEND)
    assert clone.make() == (0, "")


@pytest.mark.parametrize("target", ["train", "lessons"])
def test_an_old_python_or_none_is_one_line(clone, target):
    clone.python3("#!/bin/sh\nexit 1\n")  # as an old one answers
    for python in "python3", "python3.99":
        status, said = clone.make(target, f"PYTHON={python}")
        assert status
        assert said == (
            f"make: {python} is no Python 3.10 or later; name one, as in: make "
            "PYTHON=python3.12 ..."
        )
    assert not clone.venv.exists()


def test_what_venv_itself_refuses_is_told(clone):
    clone.python3(NO_VENV.replace("ensurepip is not available. ", "a colon;"))
    status, said = clone.make()
    assert status
    assert said == (
        "make: python3 -m venv cannot make .venv: the python3-venv package using the "
        "following command."
    )


def test_make_help_lists_every_target_that_says_what_it_does(clone):
    told = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)
    status, said = clone.make("help")
    assert status == 0
    assert [line.split()[0] for line in said.splitlines()] == told


@pytest.mark.skipif(not shutil.which("make"), reason="a command of Unix")
def test_the_list_of_targets_fits_into_80_columns():
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "train             train a transformer" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
