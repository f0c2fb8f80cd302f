"""Makes .venv and installs extras of pyproject.toml into it; `make` calls this.

    python3 .ci/environment.py PYTHON EXTRA[,EXTRA...] [asked]

PYTHON is the command that makes .venv, and runs this; `asked` says that somebody named
it, so that a .venv of another Python is no use. Where all is there already, this only
looks, in a fifth of a second. A .venv that cannot work is made anew: one from a try
that was cut short, one that was moved from another folder, one whose Python is gone.
What fails ends in one sentence.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / "unfinished"  # is there while something is installed
SOURCES = [ROOT / "pyproject.toml", ROOT / "setup.py"]
PYPROJECT = SOURCES[0].read_text(encoding="utf-8")
(OLDEST,) = re.findall('^requires-python = ">=(.+)"', PYPROJECT, re.MULTILINE)


def run(*command: str | Path) -> tuple[int, str]:
    """A command's exit status and all that it prints; 127 where it cannot start."""
    pipe = subprocess.PIPE
    try:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.STDOUT, cwd=ROOT)
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace").strip()


def complaint(look: tuple[str, ...], asked: bool) -> str:
    """Why the .venv that is there cannot be used; "" where it can, or is not there.
    To look for pip, its Python is given these arguments."""
    if not os.path.lexists(VENV):
        return ""
    if UNFINISHED.exists():
        return "it is from a try that was cut short"
    if PYTHON.exists() and not (VENV / "pyvenv.cfg").exists():
        return "it has no pyvenv.cfg: pip would install into Python's own folders"
    status, version = run(
        PYTHON, "-c", "import platform; print(platform.python_version())"
    )
    if status:
        return "its Python is gone"
    if numbers(version) < numbers(OLDEST):
        return f"its Python {version} is too old"
    if asked and numbers(version) != [*sys.version_info[:2]]:
        return f"its Python is {version}, and another was asked for"
    home = birthplace()
    if home and not (os.path.exists(home) and VENV.samefile(home)):
        return f"it was made as {home}"
    mend = "-m", "ensurepip", "--default-pip"
    return "it has no pip" if run(PYTHON, *look)[0] and run(PYTHON, *mend)[0] else ""


def numbers(version: str) -> list[int]:
    """ "3.11.2" → [3, 11]: what two versions are compared by."""
    return [int(number) for number in version.split(".")[:2]]


def birthplace() -> str:
    """Where .venv was made, as its script `activate` says; "" if that says nothing."""
    try:
        script = (VENV / "bin" / "activate").read_text(encoding="utf-8")
        line = re.search("^ *(VIRTUAL_ENV=.*)", script, re.MULTILINE)
        return shlex.split(line[1])[0].partition("=")[2] if line else ""
    except (OSError, ValueError):
        return ""


def is_filled(extras: list[str]) -> bool:
    """Whether these extras were installed since pyproject.toml was written."""
    changed = max(source.stat().st_mtime for source in SOURCES)
    stamps = [VENV / f"for-{extra}" for extra in extras]
    return all(s.exists() and s.stat().st_mtime >= changed for s in stamps)


def package(python: str) -> str:
    """The package of Debian that this Python's ensurepip is in."""
    if Path(python).name == "python3":
        return "python3-venv"
    return f"python3.{sys.version_info.minor}-venv"


def make(python: str) -> None:
    """An empty .venv; half of one is taken away again."""
    remove()
    VENV.mkdir()
    UNFINISHED.touch()
    status, told = run(python, "-m", "venv", VENV)
    if not status:
        return
    remove()
    if not told or re.search("ensurepip|No module named venv", told):
        sys.exit(
            f"make: {python} cannot make .venv, because a part of it is not installed; "
            f"on Debian or Ubuntu run: sudo apt install {package(python)}"
        )
    sys.exit(f"make: {python} -m venv cannot make .venv: {told.splitlines()[-1]}")


def remove() -> None:
    """Takes .venv away, and of a link to one the link."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.is_dir():
        shutil.rmtree(VENV)


def install(extras: list[str]) -> None:
    """Lets pip install the project where it is, with these extras."""
    told = f"make: fetching what {' and '.join(extras)} needs into .venv, once"
    print(told, flush=True)
    UNFINISHED.touch()
    quiet = "--quiet", "--disable-pip-version-check", "--retries=2"
    what = f".[{','.join(extras)}]"
    command = [str(PYTHON), "-m", "pip", "install", *quiet, "-e", what]
    status = subprocess.call(command, cwd=ROOT)
    UNFINISHED.unlink()  # a pip that fails takes back what it began
    if status:
        sys.exit(
            f"make: pip could not install {what}, for the reason above; without a "
            "network, `make lessons` and `python3 examples/train_reverse.py` run all "
            "the same"
        )
    for extra in extras:
        (VENV / f"for-{extra}").touch()


def main(python: str, extras: list[str], asked: bool) -> None:
    filled = is_filled(extras)
    look = ("-c", "import pip") if filled else ("-m", "pip", "--version")
    why = complaint(look, asked)
    if why:
        print(f"make: .venv is made anew, because {why}", file=sys.stderr)
    if why or not PYTHON.exists():
        make(python)
    if not is_filled(extras):
        install(extras)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2].split(","), sys.argv[3:] == ["asked"])
    except OSError as error:
        sys.exit(f"make: .venv cannot be made: {error}")
    except KeyboardInterrupt:
        sys.exit("make: stopped; the next call makes .venv anew")
