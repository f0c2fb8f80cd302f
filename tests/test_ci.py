"""Continuous integration runs the README's two commands as they are written there."""

from __future__ import annotations

import re

from conftest import ROOT


def test_ci_runs_the_readmes_two_commands():
    readme = (ROOT / "README.md").read_text()
    two = readme.split("Two commands:")[1].split("\n## ")[0]
    commands = re.findall(r"^    (make \w+)  ", two, re.M)
    assert commands == ["make train", "make test"]
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert set(commands) <= set(lines)
    assert lines[-1] == "make test"  # so that it ends in pytest's own closing line
    assert lines[-2] == "export SKIP_NOTHING=1"
