"""Lints the JavaScript of each page as a browser gets it: its files as one script.

    .venv/bin/python .ci/eslint/lint_page.py

A file uses what stands in the files above it. Linted alone, it would be full of names
that are defined elsewhere, or used elsewhere; so ESLint is given the whole, and what it
finds is told by the file and the line where it stands.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tinygrad_attn.pictures.heads import explore
from tinygrad_attn.pictures.look.pages import BEGINNING
from tinygrad_attn.pictures.page import assemble

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
ESLINT = VENV / "eslint" / "node_modules" / "eslint" / "bin" / "eslint.js"


# page → the files of its script
PAGES = {"the player": assemble.FILES, "the heads": explore.FILES}


def main() -> int:
    if not ESLINT.exists():
        print("lint_page: needs ESLint, which make lint installs", file=sys.stderr)
        return 2
    return max(lint(name, files) for name, files in PAGES.items())


def lint(page: str, files: tuple[Path, ...]) -> int:
    """Tells what ESLint says of one page, and returns the exit status."""
    lines = BEGINNING.splitlines()
    origins = [f"{page}:{number}" for number, _ in enumerate(lines, 1)]
    for path in files:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            lines.append(line)
            origins.append(f"{path.relative_to(ROOT)}:{number}")
    done = subprocess.run(
        [VENV / "bin" / "node", ESLINT, "--stdin", "--format", "json"],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        cwd=VENV / "eslint",  # where its configuration is
    )
    if done.returncode not in (0, 1):
        print(done.stderr, file=sys.stderr)
        return done.returncode
    (found,) = json.loads(done.stdout)
    for message in found["messages"]:
        place = origins[message.get("line", 1) - 1]
        column, rule = message.get("column", 1), message["ruleId"] or "syntax"
        print(f"{place}:{column}: {message['message']} [{rule}]")
    if not found["messages"]:
        print(f"No complaints about the {len(files)} scripts of {page}")
    return min(len(found["messages"]), 1)


if __name__ == "__main__":
    sys.exit(main())
