"""After a SIGKILL at any moment of saving, the checkpoint is a whole one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, needs_safetensors

pytestmark = [
    needs_safetensors,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
]


def run(path, how):
    return subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_while_saving.py"), path, how],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TINYGRAD_ATTN_BACKEND": "python"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_killed_at_random_moments_it_is_one_of_those_that_were_saved(tmp_path):
    done = run(tmp_path / "x", "random")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["killed"] >= 50
    assert told["step"] > 20  # they did save
    assert told["most"] <= 1  # a leftover at a time
    assert told["left"] == ["x"]


def test_killed_before_each_line_in_turn_it_is_a_whole_one(tmp_path):
    done = run(tmp_path / "x", "lines")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["killed"] > 40  # lines, from the call to its end
    assert told["step"] > 2  # the last of them come after the name is there
    assert told["most"] <= 1
    assert told["left"] == ["x"]


def test_the_test_notices_a_save_that_is_careless(tmp_path):
    done = run(tmp_path / "x", "careless")
    assert done.returncode == 1
    assert "cut off or altered" in done.stderr or "x is " in done.stderr
