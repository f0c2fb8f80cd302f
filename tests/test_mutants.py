"""What `make mutants` is told: files that exist, and reasons about lines that exist."""

from __future__ import annotations

import pytest
from conftest import ROOT

from benchmarks.mutants.targets import TARGETS

REASONS = (ROOT / "benchmarks" / "mutants" / "reasons.txt").read_text()
BLOCKS = [b for b in REASONS.strip().split("\n\n") if not b.startswith("#")]


def test_every_rule_and_every_step_of_the_walk_is_mutated():
    for folder in ("tinygrad_attn/rules", "tinygrad_attn/autograd"):
        files = {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).glob("*.py")}
        assert files - set(TARGETS) == {f"{folder}/__init__.py"}


@pytest.mark.parametrize("file", TARGETS)
def test_the_files_to_mutate_and_their_tests_exist(file):
    quick, thorough = TARGETS[file]
    missing = [f for f in (file, *quick, *thorough) if not (ROOT / f).is_file()]
    assert missing == []
    assert quick
    assert thorough  # without a file pytest would run all


@pytest.mark.parametrize("block", BLOCKS)
def test_a_reason_is_about_a_line_that_stands_in_the_file(block):
    head, *changed, reason = block.split("\n")
    source = (ROOT / head.partition(":")[0]).read_text()
    lines = {line.strip() for line in source.splitlines()}
    before = [line[2:] for line in changed if line.startswith("- ")]
    assert before
    assert set(before) <= lines
    assert reason.startswith("= ")


def test_no_survivor_is_listed_twice():
    keys = [block.rpartition("\n")[0] for block in BLOCKS]
    assert len(keys) == len(set(keys))
